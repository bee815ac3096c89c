//! Names that are kept connected: when each of them is dialled. Specification: `connection.md`, "Keeping connected";
//! `session.md`, "Peer lists".
//!
//! ```text
//!                 its time has come            the host has begun
//!   .--> Waiting -------------------> Dialling ------------------.
//!   |       ^                             |                       |
//!   |       | a pause, longer each time   | the dial is over      | it is the session
//!   |       `-----------------------------'                       v
//!   `---------------------------------------------------------- Up
//!                         the session is over
//! ```
//! While a connection of that node is under way that this node has not dialled, nothing is due either ([`Phase::Elsewhere`]).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::attempts::Dice;
use crate::core::limits::{
    KEEP_PAUSE_MAX, KEEP_PAUSE_MIN, LEARNED_PATIENCE, PEER_LIST_PERIOD, SHOWN_TEXT_BYTES_MAX,
};
use crate::core::peers::ConnectionId;

/// Doublings after which the pause has reached its maximum.
const DOUBLINGS_MAX: u32 = 16;

/// Who wants a name kept connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeptFor {
    /// The program: until it lets go of it.
    Program,
    /// A peer's list has named it: until that node says goodbye, or has not been reached for
    /// [`LEARNED_PATIENCE`](crate::core::limits::LEARNED_PATIENCE).
    PeerList,
}

/// Where a name that is kept connected stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeptState {
    /// There is a session.
    Up,
    /// It is being dialled, or a connection of that node is under way.
    UnderWay,
    /// It is dialled at this time, or as soon as fewer dials are under way. In [`Node::kept`](crate::Node::kept) this is how long
    /// it still waits.
    Waiting(Duration),
}

/// How it goes with a name that is kept connected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptNode {
    /// The name, with its port.
    pub name: Arc<str>,
    /// Who wants it.
    pub kept_for: KeptFor,
    /// Where it stands.
    pub state: KeptState,
    /// Dials that this node has made to it since it is kept.
    pub dials: u64,
    /// Sessions with it since it is kept, whoever dialled.
    pub sessions: u64,
    /// Dials that have ended without a session since the last one, or that sessions which did not last have followed.
    pub failures_in_a_row: u32,
    /// How the last dial that failed has ended, in words.
    pub last_failure: Option<Arc<str>>,
}

/// Why a name is not kept connected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotKept {
    /// It cannot be dialled.
    #[error(transparent)]
    Name(#[from] super::NotDialled),
    /// It is this node's own.
    #[error("the name is this node's own")]
    OwnName,
    /// As many names are kept as may be ([`Limits::kept_max`](super::Limits::kept_max)): let go of others first.
    #[error("{max} names are kept connected already: as many as may be")]
    TooMany {
        /// How many that is.
        max: usize,
    },
    /// The node stops.
    #[error("this node stops")]
    Stopped,
    /// The node is alone: it was started without a network.
    #[error("this node is alone, and has no connections")]
    Alone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Waiting(Duration),
    /// The host was told to dial.
    Asked,
    Dialling(ConnectionId),
    /// Another connection with it is under way.
    Elsewhere,
    /// There is a session since then.
    Up(Duration),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kept {
    kept_for: KeptFor,
    phase: Phase,
    /// Without a session since then.
    lost: Duration,
    /// The session that is ending was ended in order, by either node.
    has_left: bool,
    dials: u64,
    sessions: u64,
    failures: u32,
    why: Option<Arc<str>>,
}

/// A dial to a kept name has failed so often, one time after the other, that its operator should know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unreached {
    /// The name.
    pub name: Arc<str>,
    /// How often in a row.
    pub failures: u32,
    /// How the last dial has ended, in words.
    pub why: Arc<str>,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Keeping {
    names: BTreeMap<Arc<str>, Kept>,
    /// Those that wait, by their times.
    due: BTreeSet<(Duration, Arc<str>)>,
    /// Those whose own dials are under way.
    dialling: BTreeSet<Arc<str>>,
    dials_at_once_max: usize,
    listed: Window,
}

impl Keeping {
    pub(super) fn new(dials_at_once_max: usize, peer_list_dials_max: usize) -> Self {
        Self {
            names: BTreeMap::new(),
            due: BTreeSet::new(),
            dialling: BTreeSet::new(),
            dials_at_once_max: dials_at_once_max.max(1),
            listed: Window { max: peer_list_dials_max, last: VecDeque::new() },
        }
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Keeps a name connected that is not kept yet, or keeps one for the program that was only learned. It waits until `at`.
    pub(super) fn keep(&mut self, name: &Arc<str>, kept_for: KeptFor, at: Duration) {
        if let Some(kept) = self.names.get_mut(name) {
            if kept_for == KeptFor::Program {
                kept.kept_for = kept_for;
            }
            return;
        }
        let (phase, lost) = (Phase::Waiting(at), at);
        let kept =
            Kept { kept_for, phase, lost, has_left: false, dials: 0, sessions: 0, failures: 0, why: None };
        self.names.insert(name.clone(), kept);
        self.due.insert((at, name.clone()));
    }

    /// Lets go of a name. False if it is not kept.
    pub(super) fn let_go(&mut self, name: &str) -> bool {
        let Some((name, kept)) = self.names.remove_entry(name) else { return false };
        if let Phase::Waiting(at) = kept.phase {
            self.due.remove(&(at, name.clone()));
        }
        self.dialling.remove(&name);
        true
    }

    pub(super) fn clear(&mut self) {
        self.names.clear();
        self.due.clear();
        self.dialling.clear();
    }

    /// When the next name is to be dialled; nothing while as many dials are under way as may be.
    pub(super) fn deadline(&self) -> Option<Duration> {
        if self.dialling.len() >= self.dials_at_once_max {
            return None;
        }
        self.due.first().map(|(at, _)| *at)
    }

    /// The next name whose time has come, if a further dial may be made.
    pub(super) fn next_due(&mut self, now: Duration) -> Option<Arc<str>> {
        while self.deadline()? <= now {
            let (_, name) = self.due.first()?.clone();
            let is_listed = self.names.get(&name).is_some_and(|kept| kept.kept_for == KeptFor::PeerList);
            //= spec/session.md#ses-lst-004
            //# A node MUST NOT make more dials within a minute because of PEER_LISTs than `peer_list_dials_max`, of all
            //# peers together.
            match self.listed.full_until(now).filter(|_| is_listed) {
                Some(at) => self.wait(&name, at),
                None => return Some(name),
            }
        }
        None
    }

    /// The host is told to dial this name.
    pub(super) fn ask(&mut self, name: &Arc<str>, now: Duration) {
        self.set(name, Phase::Asked);
        if let Some(kept) = self.names.get_mut(name) {
            kept.dials += 1;
            if kept.kept_for == KeptFor::PeerList {
                self.listed.count(now);
            }
        }
    }

    /// A dial to this name has begun, whoever wanted it.
    pub(super) fn dialled(&mut self, name: &str, connection: ConnectionId) {
        self.set(name, Phase::Dialling(connection));
    }

    /// Another connection with this node is under way: its end says how it goes on.
    pub(super) fn elsewhere(&mut self, name: &str) {
        self.set(name, Phase::Elsewhere);
    }

    /// This name is not to be dialled before that time.
    pub(super) fn wait(&mut self, name: &str, at: Duration) {
        self.set(name, Phase::Waiting(at));
    }

    /// There is a session with this node.
    pub(super) fn up(&mut self, name: &str, now: Duration) {
        if let Some(kept) = self.names.get_mut(name) {
            kept.sessions += 1;
            kept.has_left = false;
        }
        self.set(name, Phase::Up(now));
    }

    /// The session with this node is being ended in order, by either of the two.
    pub(super) fn leaves(&mut self, name: &str) {
        if let Some(kept) = self.names.get_mut(name) {
            kept.has_left = true;
        }
    }

    /// The session with this node is over.
    //= spec/session.md#ses-lst-009
    //# A node SHOULD forget a name that only PEER_LISTs have told it when a session with that node is ended by CLOSE with code 0.
    pub(super) fn down(&mut self, name: &str, now: Duration, dice: &mut Dice) {
        let Some(kept) = self.names.get_mut(name) else { return };
        if kept.has_left && kept.kept_for == KeptFor::PeerList {
            self.let_go(name);
            return;
        }
        kept.lost = now;
        match kept.phase {
            // One that has lasted is dialled again soon; one that has not counts as a dial that has failed.
            Phase::Up(since) if now.saturating_sub(since) >= KEEP_PAUSE_MAX => kept.failures = 0,
            Phase::Up(_) => kept.failures = kept.failures.saturating_add(1),
            Phase::Elsewhere => {}
            Phase::Waiting(_) | Phase::Asked | Phase::Dialling(_) => return,
        }
        let pause = pause(kept.failures, dice);
        self.wait(name, now.saturating_add(pause));
    }

    /// A connection with this node is over that was no session. Says so if it is time that an operator knows.
    //= spec/session.md#ses-lst-010
    //# A node SHOULD forget a name that only PEER_LISTs have told it when it has had no session with that node for
    //# `learned_patience`.
    pub(super) fn failed(
        &mut self,
        name: &str,
        connection: Option<ConnectionId>,
        why: &dyn std::fmt::Display,
        now: Duration,
        dice: &mut Dice,
    ) -> Option<Unreached> {
        let kept = self.names.get_mut(name)?;
        match (kept.phase, connection) {
            (Phase::Dialling(own), Some(over)) if own == over => {}
            (Phase::Asked, None) => {}
            (Phase::Elsewhere, _) => {
                let pause = pause(kept.failures, dice);
                self.wait(name, now.saturating_add(pause));
                return None;
            }
            _ => return None,
        }
        kept.failures = kept.failures.saturating_add(1);
        let why: Arc<str> = shortened(why).into();
        kept.why = Some(why.clone());
        if kept.kept_for == KeptFor::PeerList && now.saturating_sub(kept.lost) >= LEARNED_PATIENCE {
            self.let_go(name);
            return None;
        }
        let failures = kept.failures;
        let pause = pause(failures, dice);
        self.wait(name, now.saturating_add(pause));
        // The first time, and then ever more seldom.
        failures.is_power_of_two().then(|| Unreached { name: name.into(), failures, why })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = KeptNode> {
        self.names.iter().map(|(name, kept)| KeptNode {
            name: name.clone(),
            kept_for: kept.kept_for,
            state: match kept.phase {
                Phase::Up(_) => KeptState::Up,
                Phase::Waiting(at) => KeptState::Waiting(at),
                Phase::Asked | Phase::Dialling(_) | Phase::Elsewhere => KeptState::UnderWay,
            },
            dials: kept.dials,
            sessions: kept.sessions,
            failures_in_a_row: kept.failures,
            last_failure: kept.why.clone(),
        })
    }

    fn set(&mut self, name: &str, phase: Phase) {
        let Some((name, _)) = self.names.get_key_value(name) else { return };
        let name = name.clone();
        let Some(kept) = self.names.get_mut(&name) else { return };
        if let Phase::Waiting(at) = std::mem::replace(&mut kept.phase, phase) {
            self.due.remove(&(at, name.clone()));
        }
        match phase {
            Phase::Asked | Phase::Dialling(_) => {
                self.dialling.insert(name);
            }
            Phase::Waiting(at) => {
                self.dialling.remove(&name);
                self.due.insert((at, name));
            }
            Phase::Elsewhere | Phase::Up(_) => {
                self.dialling.remove(&name);
            }
        }
    }
}

/// From a half of it to all of it, so that nodes which have lost each other do not dial in step.
//= spec/connection.md#con-dia-007
//= type=implication
//= reason=that times are random cannot be shown by a test; that they grow is shown by the tests of this file
//# A node that keeps a name connected SHOULD wait before it dials it again: a random time, and longer each time until a session
//# lasts.
fn pause(failures: u32, dice: &mut Dice) -> Duration {
    let doublings = failures.saturating_sub(1).min(DOUBLINGS_MAX);
    let pause = KEEP_PAUSE_MAX.min(KEEP_PAUSE_MIN * 2_u32.pow(doublings));
    pause / 2 + pause / 2 * u32::from(dice.throw()) / 255
}

fn shortened(why: &dyn std::fmt::Display) -> String {
    let mut why = why.to_string();
    why.truncate(why.floor_char_boundary(SHOWN_TEXT_BYTES_MAX));
    why
}

/// Dials of the last minute, for which there is a bound.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Window {
    max: usize,
    /// The times of the last `max` at most, oldest first.
    last: VecDeque<Duration>,
}

impl Window {
    /// When a further one may be made, if not now.
    fn full_until(&self, now: Duration) -> Option<Duration> {
        if self.max == 0 {
            return Some(now.saturating_add(PEER_LIST_PERIOD));
        }
        let oldest = self.last.front().filter(|_| self.last.len() >= self.max)?;
        Some(oldest.saturating_add(PEER_LIST_PERIOD)).filter(|at| now < *at)
    }

    fn count(&mut self, now: Duration) {
        self.last.push_back(now);
        while self.last.len() > self.max {
            self.last.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
