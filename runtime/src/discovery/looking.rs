//! The looks of one discovery, and their effects.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::handle::Record;
use super::holds::{Holder, Holds, Keep};
use super::{Discovery, LookError};
use crate::clock::Clock;
use crate::core::endpoint::NotKept;
use crate::core::limits::{
    DISCOVERED_NAMES_MAX, DISCOVERY_JITTER_PART, DISCOVERY_LOOK_DEADLINE, DISCOVERY_TOLD_SINGLY_MAX,
    SESSIONS_TOLD_SINGLY_MAX,
};
use crate::core::{Shown, name_to_dial};
use crate::foreign::{self, Kept, event};
use crate::notices::{Limiter, Seconds};
use crate::random::random;

/// A look, which returns the names that it finds, or the reason why it has failed.
type Look<'a> = Pin<Box<dyn Future<Output = Result<Vec<String>, String>> + Send + 'a>>;

/// A discovery of any type, as a node keeps it.
pub(super) trait Looks: Send {
    /// See [`Discovery::look`].
    fn look(&mut self) -> Look<'_>;
}

impl<D: Discovery> Looks for Kept<D> {
    fn look(&mut self) -> Look<'_> {
        Box::pin(async {
            let Some(discovery) = self.get_mut() else { return Err("it is gone".to_owned()) };
            let look = async move { discovery.look().await.map_err(in_words) };
            foreign::caught(look).await.unwrap_or_else(|panic| Err(format!("it panicked: {panic}")))
        })
    }
}

/// A running discovery. It releases all its names when it is dropped.
pub(super) struct Looking<K: Keep> {
    discovery: Box<dyn Looks>,
    interval: Duration,
    holder: Holder,
    holds: Arc<Holds<K>>,
    held: BTreeSet<Arc<str>>,
    record: Arc<Record>,
    clock: Clock,
    failures: Limiter,
    changes: Limiter,
    passed_over: Limiter,
}

impl<K: Keep> Looking<K> {
    pub(super) fn new(
        discovery: Box<dyn Looks>,
        interval: Duration,
        holder: Holder,
        holds: Arc<Holds<K>>,
        record: Arc<Record>,
    ) -> Self {
        Self {
            discovery,
            interval,
            holder,
            holds,
            held: BTreeSet::new(),
            record,
            clock: Clock::start(),
            failures: Limiter::new(DISCOVERY_TOLD_SINGLY_MAX),
            changes: Limiter::new(SESSIONS_TOLD_SINGLY_MAX),
            passed_over: Limiter::new(DISCOVERY_TOLD_SINGLY_MAX),
        }
    }

    /// Looks repeatedly, and never returns.
    pub(super) async fn run(mut self) {
        loop {
            self.look().await;
            sleep(spread(self.interval)).await;
        }
    }

    /// Looks once, and acts on the result.
    async fn look(&mut self) {
        match self.found().await {
            Ok(names) => self.compare(names),
            Err(why) => self.failed(&why),
        }
    }

    /// Returns the names that a look has found, or the reason why it has failed.
    async fn found(&mut self) -> Result<Vec<String>, String> {
        let late = || Err(format!("it took longer than {}", Seconds(DISCOVERY_LOOK_DEADLINE)));
        let found = self.clock.wait_for(DISCOVERY_LOOK_DEADLINE, self.discovery.look()).await;
        found.unwrap_or_else(late)
    }

    /// Keeps the names that are new, and releases those that have vanished.
    fn compare(&mut self, names: Vec<String>) {
        let mut passed_over = PassedOver::default();
        let wanted = names_to_keep(&names, &mut passed_over);
        let gone: Vec<_> = self.held.difference(&wanted).cloned().collect();
        for name in &gone {
            self.holds.release(self.holder, name);
            self.held.remove(name);
        }
        let before = self.held.len();
        for name in wanted {
            if !self.held.contains(&name) {
                match self.holds.hold(self.holder, &name) {
                    Ok(()) => drop(self.held.insert(name)),
                    Err(NotKept::OwnName) => {}
                    Err(error) => passed_over.add(&name, &error),
                }
            }
        }
        self.record.found(self.held.iter().cloned().collect(), passed_over.count);
        self.tell_change(self.held.len() - before, gone.len());
        self.tell_passed_over(&passed_over);
    }

    fn failed(&mut self, why: &str) {
        self.record.failed(why);
        if let Some(times) = self.failures.count(self.clock.now()) {
            event!(
                discovery,
                WARN, source = %self.record.status().source, times,
                "a look for nodes has failed, and changes nothing: {}", Shown(why)
            );
        }
    }

    fn tell_change(&mut self, found: usize, gone: usize) {
        if found + gone == 0 {
            return;
        }
        if let Some(looks) = self.changes.count(self.clock.now()) {
            let nodes = self.held.len();
            event!(
                discovery,
                INFO, source = %self.record.status().source, found, gone, nodes, looks,
                "the nodes that are there have changed (`looks` counts such changes since the last such line)"
            );
        }
    }

    fn tell_passed_over(&mut self, passed_over: &PassedOver) {
        let Some((name, why)) = &passed_over.first else { return };
        if let Some(looks) = self.passed_over.count(self.clock.now()) {
            event!(
                discovery,
                WARN, source = %self.record.status().source, names = passed_over.count, looks,
                "names of nodes are passed over, the first of them is {:?}: {why}", Shown(name).to_string()
            );
        }
    }
}

impl<K: Keep> Drop for Looking<K> {
    fn drop(&mut self) {
        for name in &self.held {
            self.holds.release(self.holder, name);
        }
        self.record.ended();
    }
}

/// The names that a look has found and that are not kept.
#[derive(Debug, Default)]
struct PassedOver {
    count: usize,
    /// The first name, and the reason.
    first: Option<(String, String)>,
}

impl PassedOver {
    fn add(&mut self, name: &str, why: &dyn std::fmt::Display) {
        self.count += 1;
        self.first.get_or_insert_with(|| (name.to_owned(), why.to_string()));
    }
}

/// Returns the names that can be dialled, with their ports and without duplicates. If there are too many, the first
/// ones in name order are taken, so that each look takes the same ones.
fn names_to_keep(names: &[String], passed_over: &mut PassedOver) -> BTreeSet<Arc<str>> {
    let mut wanted = BTreeSet::new();
    for name in names {
        match name_to_dial(name) {
            Ok(name) => drop(wanted.insert(name)),
            Err(error) => passed_over.add(name, &error),
        }
        if wanted.len() > DISCOVERED_NAMES_MAX
            && let Some(last) = wanted.pop_last()
        {
            passed_over.add(&last, &format_args!("a look may find {DISCOVERED_NAMES_MAX} names at most"));
        }
    }
    wanted
}

/// Returns the text of an error of the program, and drops the error.
fn in_words(error: LookError) -> String {
    let words = foreign::attempt(|| error.to_string());
    foreign::dispose(error);
    words.unwrap_or_else(|panic| format!("its error panicked: {panic}"))
}

/// Returns the interval with a random deviation.
fn spread(interval: Duration) -> Duration {
    let part = interval / DISCOVERY_JITTER_PART;
    // Without random bytes, nodes that were started together keep looking at the same times.
    let chance = random().map_or(0, u32::from_ne_bytes);
    (interval - part).saturating_add((2 * part).mul_f64(f64::from(chance) / f64::from(u32::MAX)))
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;
