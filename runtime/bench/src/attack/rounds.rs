//! The rounds of a measurement: each attack once in each, and in each attack the honest work without it, beside it, and under it.

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

use super::attacks::Attack;
use super::fields::Fields;
use super::part::{Part, Role, Victim};

/// An attack, and its rounds.
pub(super) struct Measured {
    pub(super) attack: Attack,
    pub(super) rounds: Vec<Round>,
}

/// What has been told in one round.
pub(super) struct Round {
    /// By the honest nodes: without the attack, while the second node is attacked, and while the first one is.
    pub(super) alone: Fields,
    pub(super) beside: Fields,
    pub(super) under: Fields,
    /// Of their sessions, at the end.
    pub(super) check: Fields,
    /// By who has attacked the first node.
    pub(super) attacker: Fields,
    /// By the node, before and after.
    pub(super) before: Fields,
    pub(super) after: Fields,
}

/// Makes all rounds. They are outermost, so that what changes on the machine meanwhile meets all attacks.
pub(super) async fn measure(attacks: &[Attack], rounds: usize, seconds: f64) -> Result<Vec<Measured>> {
    let mut all: Vec<_> =
        attacks.iter().map(|attack| Measured { attack: *attack, rounds: Vec::new() }).collect();
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}")?;
    let bar = ProgressBar::new((rounds * attacks.len()) as u64).with_style(style);
    for round in 1..=rounds {
        for measured in &mut all {
            bar.set_message(format!("round {round}: {}", measured.attack.name));
            measured.rounds.push(one(&measured.attack, seconds).await.context(measured.attack.name)?);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(all)
}

async fn one(attack: &Attack, seconds: f64) -> Result<Round> {
    let (mut node, announced) = Part::start(&Role::Victim).await?;
    let victim = Victim::read(&announced)?;
    let (mut second, announced) = Part::start(&Role::Victim).await?;
    let (mut honest, _) = Part::start(&Role::Honest { at: victim.clone() }).await?;
    let seconds = seconds.to_string();
    let alone = honest.ask(&seconds).await.context("without the attack")?;
    let (beside, _) =
        under(attack, Victim::read(&announced)?, &mut honest, &seconds).await.context("beside it")?;
    second.ask("look").await?;
    drop(second);
    let before = node.ask("look").await?;
    let (under, attacker) = under(attack, victim, &mut honest, &seconds).await.context("under it")?;
    let after = node.ask("look").await?;
    let check = honest.ask("check").await?;
    Ok(Round { alone, beside, under, check, attacker, before, after })
}

/// What the honest nodes tell while a node is attacked, and what its attacker does.
async fn under(attack: &Attack, at: Victim, honest: &mut Part, seconds: &str) -> Result<(Fields, Fields)> {
    let (mut attacker, _) = Part::start(&Role::Attacker { attack: attack.name.to_owned(), at }).await?;
    attacker.tell("begin").await?;
    let measured = honest.ask(seconds).await?;
    Ok((measured, attacker.ask("end").await?))
}
