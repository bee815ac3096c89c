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
    /// The program, or a [`Discovery`](crate::discovery::Discovery) that it uses ([`Node::discoveries`](crate::Node::discoveries) says
    /// which): until they let go of it.
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
    /// Dials that have ended without a session since the last one, or that sessions which did not last have followed. None while
    /// there is a session.
    pub failures_in_a_row: u32,
    /// The end of the last dial that failed, in words: of all that were made since it is kept, even if there is a session now.
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
    /// A peer's list has named it, whoever wants it now.
    is_learned: bool,
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
    /// Those that the program wants, which go first, and those that only lists have named: these never take all places.
    wanted: Lane,
    listed: Lane,
    dials_at_once_max: usize,
    window: Window,
}

/// Names of one kind that are to be dialled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Lane {
    /// Those that wait, by their times.
    due: BTreeSet<(Duration, Arc<str>)>,
    /// The same, by when each was lost.
    lost: BTreeSet<(Duration, Arc<str>)>,
    /// Those whose own dials are under way.
    dialling: BTreeSet<Arc<str>>,
}

impl Lane {
    fn put(&mut self, name: &Arc<str>, kept: &Kept) {
        match kept.phase {
            Phase::Waiting(at) => {
                self.due.insert((at, name.clone()));
                self.lost.insert((kept.lost, name.clone()));
            }
            Phase::Asked | Phase::Dialling(_) => _ = self.dialling.insert(name.clone()),
            Phase::Elsewhere | Phase::Up(_) => {}
        }
    }

    fn take(&mut self, name: &Arc<str>, kept: &Kept) {
        match kept.phase {
            Phase::Waiting(at) => {
                self.due.remove(&(at, name.clone()));
                self.lost.remove(&(kept.lost, name.clone()));
            }
            Phase::Asked | Phase::Dialling(_) => _ = self.dialling.remove(name),
            Phase::Elsewhere | Phase::Up(_) => {}
        }
    }

    /// The one that was lost first, and when it is to be forgotten if only lists have named it.
    fn first_lost(&self) -> Option<(Duration, Arc<str>)> {
        self.lost.first().map(|(lost, name)| (lost.saturating_add(LEARNED_PATIENCE), name.clone()))
    }

    fn first(&self) -> Option<Duration> {
        self.due.first().map(|(at, _)| *at)
    }
}

impl Keeping {
    pub(super) fn new(dials_at_once_max: usize, peer_list_dials_max: usize) -> Self {
        Self {
            names: BTreeMap::new(),
            wanted: Lane::default(),
            listed: Lane::default(),
            dials_at_once_max: dials_at_once_max.max(1),
            window: Window { max: peer_list_dials_max.max(1), last: VecDeque::new() },
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
        let is_learned = kept_for == KeptFor::PeerList;
        if let Some(kept) = self.names.get_mut(name) {
            kept.is_learned |= is_learned;
            if !is_learned {
                let phase = kept.phase;
                self.set_kept_for(name, KeptFor::Program);
                if let Phase::Waiting(later) = phase {
                    self.wait(name, at.min(later));
                }
            }
            return;
        }
        let (phase, lost) = (Phase::Waiting(at), at);
        let (has_left, dials, sessions, failures) = (false, 0, 0, 0);
        let kept = Kept { kept_for, is_learned, phase, lost, has_left, dials, sessions, failures, why: None };
        self.lane(kept_for).put(name, &kept);
        self.names.insert(name.clone(), kept);
    }

    /// The program lets go of a name. It stays kept if a peer's list has named it as well. False if the program had not kept it.
    pub(super) fn let_go(&mut self, name: &str) -> bool {
        match self.names.get(name) {
            Some(Kept { kept_for: KeptFor::Program, is_learned: false, .. }) => self.forget(name),
            Some(Kept { kept_for: KeptFor::Program, .. }) => {
                self.set_kept_for(name, KeptFor::PeerList);
                true
            }
            _ => false,
        }
    }

    /// Makes room for a name that the program wants: forgets one that only lists have named and that is not reached. False if
    /// there is none.
    pub(super) fn make_room(&mut self) -> bool {
        let unreached = self.listed.due.first().map(|(_, name)| name.clone());
        unreached.is_some_and(|name| self.forget(&name))
    }

    fn forget(&mut self, name: &str) -> bool {
        let Some((name, kept)) = self.names.remove_entry(name) else { return false };
        self.lane(kept.kept_for).take(&name, &kept);
        true
    }

    pub(super) fn clear(&mut self) {
        self.names.clear();
        self.wanted = Lane::default();
        self.listed = Lane::default();
    }

    const fn lane(&mut self, kept_for: KeptFor) -> &mut Lane {
        match kept_for {
            KeptFor::Program => &mut self.wanted,
            KeptFor::PeerList => &mut self.listed,
        }
    }

    fn set_kept_for(&mut self, name: &str, kept_for: KeptFor) {
        self.change(name, |kept| kept.kept_for = kept_for);
    }

    /// Changes what the lanes go by.
    fn change(&mut self, name: &str, change: impl FnOnce(&mut Kept)) {
        let Some((name, mut kept)) = self.names.remove_entry(name) else { return };
        self.lane(kept.kept_for).take(&name, &kept);
        change(&mut kept);
        self.lane(kept.kept_for).put(&name, &kept);
        self.names.insert(name, kept);
    }

    /// Forgets those that only lists have named and that were not reached for long, whether it is their turn or not. One that is
    /// being dialled is judged when that is over.
    //= spec/session.md#ses-lst-010
    //# A node SHOULD forget a name that only PEER_LISTs have told it when it has had no session with that node for
    //# `learned_patience`.
    pub(super) fn forget_what_is_lost(&mut self, now: Duration) {
        while let Some((_, name)) = self.listed.first_lost().filter(|(at, _)| *at <= now) {
            self.forget(&name);
        }
    }

    /// When the next name is to be dialled, or forgotten; while as many dials are under way as may be, none is dialled.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let wanted = self.wanted.first().filter(|_| self.has_place(KeptFor::Program));
        let listed = self.listed.first().filter(|_| self.has_place(KeptFor::PeerList));
        let listed = listed.map(|at| at.max(self.window.free_at()));
        let forgotten = self.listed.first_lost().map(|(at, _)| at);
        wanted.into_iter().chain(listed).chain(forgotten).min()
    }

    /// Whether a further dial may be made. A quarter of the places is the program's.
    fn has_place(&self, kept_for: KeptFor) -> bool {
        let (wanted, listed) = (self.wanted.dialling.len(), self.listed.dialling.len());
        let listed_max = self.dials_at_once_max - self.dials_at_once_max / 4;
        wanted + listed < self.dials_at_once_max && (kept_for == KeptFor::Program || listed < listed_max)
    }

    /// The next name whose time has come, if a further dial may be made.
    pub(super) fn next_due(&mut self, now: Duration) -> Option<Arc<str>> {
        if self.has_place(KeptFor::Program)
            && let Some((_, name)) = self.wanted.due.first().filter(|(at, _)| *at <= now)
        {
            return Some(name.clone());
        }
        //= spec/session.md#ses-lst-004
        //# A node MUST NOT make more dials within a minute because of PEER_LISTs than `peer_list_dials_max`, of all
        //# peers together.
        if !self.has_place(KeptFor::PeerList) || now < self.window.free_at() {
            return None;
        }
        self.listed.due.first().filter(|(at, _)| *at <= now).map(|(_, name)| name.clone())
    }

    /// The host is told to dial this name.
    pub(super) fn ask(&mut self, name: &Arc<str>, now: Duration) {
        self.set(name, Phase::Asked);
        if let Some(kept) = self.names.get_mut(name) {
            kept.dials += 1;
            if kept.kept_for == KeptFor::PeerList {
                self.window.count(now);
            }
        }
    }

    /// A dial to this name has begun, whoever wanted it.
    pub(super) fn dialled(&mut self, name: &str, connection: ConnectionId) {
        self.set(name, Phase::Dialling(connection));
    }

    /// Another connection with this node is under way, beside `over`, which has ended: its end says how it goes on. An own dial
    /// that is under way says so itself.
    pub(super) fn elsewhere(&mut self, name: &str, over: Option<ConnectionId>) {
        match self.names.get(name).map(|kept| kept.phase) {
            Some(Phase::Dialling(own)) if over != Some(own) => {}
            _ => self.set(name, Phase::Elsewhere),
        }
    }

    /// This name, for which no dial is under way, is not to be dialled before that time.
    pub(super) fn put_off(&mut self, name: &str, at: Duration) {
        if let Some(Phase::Waiting(_) | Phase::Asked) = self.names.get(name).map(|kept| kept.phase) {
            self.wait(name, at);
        }
    }

    fn wait(&mut self, name: &str, at: Duration) {
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
    //# A node SHOULD forget a name that only PEER_LISTs have told it when either of the two ends a session with that node by
    //# CLOSE with code 0.
    pub(super) fn down(&mut self, name: &str, now: Duration, dice: &mut Dice) {
        let Some(kept) = self.names.get_mut(name) else { return };
        if kept.has_left {
            kept.is_learned = false;
            if kept.kept_for == KeptFor::PeerList {
                self.forget(name);
                return;
            }
        }
        match kept.phase {
            // One that has lasted is dialled again soon; one that has not counts as a dial that has failed.
            Phase::Up(since) if now.saturating_sub(since) >= KEEP_PAUSE_MAX => kept.failures = 0,
            Phase::Up(_) => kept.failures = kept.failures.saturating_add(1),
            Phase::Elsewhere => {}
            Phase::Waiting(_) | Phase::Asked | Phase::Dialling(_) => {
                return self.change(name, |kept| kept.lost = now);
            }
        }
        let at = now.saturating_add(pause(kept.failures, dice));
        self.change(name, |kept| {
            kept.lost = now;
            kept.phase = Phase::Waiting(at);
        });
    }

    /// A connection with this node is over that was no session. Says so if it is time that an operator knows.
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
            self.forget(name);
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
            failures_in_a_row: if matches!(kept.phase, Phase::Up(_)) { 0 } else { kept.failures },
            last_failure: kept.why.clone(),
        })
    }

    fn set(&mut self, name: &str, phase: Phase) {
        self.change(name, |kept| kept.phase = phase);
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
    /// At least 1.
    max: usize,
    /// The times of the last `max` at most, oldest first.
    last: VecDeque<Duration>,
}

impl Window {
    /// From when on a further one may be made.
    fn free_at(&self) -> Duration {
        let oldest = self.last.front().filter(|_| self.last.len() >= self.max);
        oldest.map_or(Duration::ZERO, |oldest| oldest.saturating_add(PEER_LIST_PERIOD))
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
