//! The attacks, and who makes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use snow_dist_runtime::codec::frame::Close;

use super::bounds::Part;
use super::floods::{FLOODS, Flood};
use super::member::{Ends, Member};
use super::part::{Orders, Victim};
use super::strangers::{Manner, come};
use crate::child::announce;

/// The way in which the sessions of an attacking member end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// There is none.
    Stays,
    /// By a CLOSE with this code.
    Closed(u16),
    /// The same, once it has come so far: a bound is reached, which takes a slow machine longer than it is measured.
    Reaches(u16),
    /// Without a word, likewise.
    Cut,
}

/// An attack.
#[derive(Clone, Copy)]
pub(super) struct Attack {
    pub(super) name: &'static str,
    /// The limits of the victim that it can use up.
    pub(super) parts: &'static [Part],
    pub(super) by: By,
}

/// The attackers: strangers without the cookie, or a member.
#[derive(Clone, Copy)]
pub(super) enum By {
    Strangers(Manner),
    Member(&'static Flood),
}

/// All of them.
pub(super) fn all() -> Vec<Attack> {
    let strangers = [
        ("strangers: close at once", Manner::Close),
        ("strangers: say nothing", Manner::Silent),
        ("strangers: a wrong proof", Manner::WrongProof),
        ("strangers: a byte now and then", Manner::Slow),
    ];
    let strangers = strangers.into_iter().map(|(name, manner)| Attack {
        name,
        parts: &[Part::Places],
        by: By::Strangers(manner),
    });
    let members =
        FLOODS.iter().map(|flood| Attack { name: flood.name, parts: flood.parts, by: By::Member(flood) });
    strangers.chain(members).collect()
}

/// The process that makes an attack, from `begin` to `end`, and tells then what it has done.
pub(super) async fn run(name: &str, victim: Victim) -> Result<()> {
    let attack = all().into_iter().find(|attack| attack.name == name).context("no attack has such a name")?;
    let mut orders = Orders::new();
    match attack.by {
        By::Strangers(manner) => {
            let attempts = Arc::new(AtomicU64::new(0));
            announce("ready=1")?;
            expect(&mut orders, "begin").await?;
            let begun = Instant::now();
            tokio::select! {
                failed = come(manner, victim, attempts.clone()) => failed?,
                end = expect(&mut orders, "end") => end?,
            }
            let a_second = attempts.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
            announce(&format!("times={a_second} bytes=0 ends="))
        }
        By::Member(flood) => {
            let mut member = Member::new(victim)?;
            let session = member.join().await?;
            announce("ready=1")?;
            expect(&mut orders, "begin").await?;
            let begun = Instant::now();
            tokio::select! {
                failed = member.flood(flood, session) => failed?,
                end = expect(&mut orders, "end") => end?,
            }
            let seconds = begun.elapsed().as_secs_f64();
            let (times, bytes) = (member.frames as f64 / seconds, member.bytes as f64 / seconds);
            announce(&format!("times={times} bytes={bytes} ends={}", in_words(&member.ends)))
        }
    }
}

async fn expect(orders: &mut Orders, order: &str) -> Result<()> {
    let told = orders.next().await?;
    ensure!(told.as_deref() == Some(order), "{told:?} instead of {order:?}");
    Ok(())
}

/// Without spaces.
fn in_words(ends: &Ends) -> String {
    let closed = ends.closed.iter().map(|(code, count)| format!("{}:{count}", End::Closed(*code).in_words()));
    let cut = (ends.cut > 0).then(|| format!("{}:{}", End::Cut.in_words(), ends.cut));
    closed.chain(cut).collect::<Vec<_>>().join(",")
}

impl End {
    pub(super) fn in_words(self) -> String {
        match self {
            Self::Stays => "stays".to_owned(),
            Self::Closed(code) | Self::Reaches(code) => match code {
                Close::PROTOCOL_ERROR => "closed_as_broken".to_owned(),
                Close::LIMIT => "closed_at_its_limit".to_owned(),
                code => format!("closed_by_{code}"),
            },
            Self::Cut => "ended".to_owned(),
        }
    }

    /// Returns `true` if all of these ends, in the words of [`Self::in_words`], are this one.
    pub(super) fn allows(self, ends: &str) -> bool {
        let all_so = ends.split(',').all(|ended| ended.starts_with(&self.in_words()));
        match self {
            Self::Stays => ends.is_empty(),
            Self::Reaches(_) | Self::Cut => ends.is_empty() || all_so,
            Self::Closed(_) => all_so,
        }
    }
}
