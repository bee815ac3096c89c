//! Names that are kept connected, and the times at which they are dialled. Specification: `connection.md`, "Keeping a
//! name connected"; `session.md`, "Peer lists, global names, rooms".
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
//! While a connection with that node is under way that this node has not dialled ([`Phase::Elsewhere`]), nothing is
//! due either.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::attempts::Dice;
use crate::core::limits::{
    KEEP_PAUSE_MAX, KEEP_PAUSE_MIN, LEARNED_PATIENCE, PEER_LIST_PERIOD, SHOWN_TEXT_BYTES_MAX,
};
use crate::core::peers::ConnectionId;

/// The number of doublings after which the pause has reached its maximum.
const DOUBLINGS_MAX: u32 = 16;

/// The party that wants a name kept connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeptFor {
    /// The program, or a [`Discovery`](crate::discovery::Discovery) that the program uses. The name is kept until all
    /// of them that want it have let go of it. [`Node::discoveries`](crate::Node::discoveries) lists the names that
    /// each discovery wants.
    Program,
    /// A peer list that has named the node. The name is kept until one of the two nodes ends their session
    /// gracefully, or until the node has not been reached for
    /// [`LEARNED_PATIENCE`](crate::core::limits::LEARNED_PATIENCE).
    PeerList,
}

/// The state of a name that is kept connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeptState {
    /// There is a session with the node.
    Up,
    /// The node is being dialled, or another connection with it is under way.
    UnderWay,
    /// The node will be dialled at this time. If too many dials are under way then, the node is dialled when there are
    /// fewer. In [`Endpoint::kept`](super::Endpoint::kept) the value is a time since the start of the node, and in
    /// [`Node::kept`](crate::Node::kept) it is the time that is left until then.
    Waiting(Duration),
}

/// The status of a name that is kept connected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptNode {
    /// The name, with its port.
    pub name: Arc<str>,
    /// The party that wants the name kept connected.
    pub kept_for: KeptFor,
    /// The current state.
    pub state: KeptState,
    /// The number of dials to the node that this node has made since it began to keep the name.
    pub dials: u64,
    /// The number of sessions with the node since this node began to keep the name, no matter which node has dialled.
    pub sessions: u64,
    /// The number of dials that have failed since the last session began. It is 0 while there is a session, and stays
    /// 0 after the session until a dial fails.
    pub failures_in_a_row: u32,
    /// The text of the last failure of a dial, cut to [`SHOWN_TEXT_BYTES_MAX`], or `None` if no dial has failed since
    /// this node began to keep the name. A session does not clear the text.
    pub last_failure: Option<Arc<str>>,
}

/// An error that says why a name is not kept connected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotKept {
    /// The name cannot be dialled.
    #[error(transparent)]
    Name(#[from] super::NotDialled),
    /// The name is this node's own.
    #[error("the name is this node's own")]
    OwnName,
    /// As many names are kept as allowed ([`Limits::kept_max`](super::Limits::kept_max)). To keep this one, let go of
    /// another one first.
    #[error("{max} names are kept connected already: as many as may be")]
    TooMany {
        /// The largest number of names.
        max: usize,
    },
    /// The node is stopping.
    #[error("this node stops")]
    Stopped,
    /// The node was started without a network, and has no connections.
    #[error("this node is alone, and has no connections")]
    Alone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Waiting(Duration),
    /// The host was told to dial.
    Asked,
    Dialling(ConnectionId),
    /// Another connection with the node is under way.
    Elsewhere,
    /// There is a session, which began at this time.
    Up(Duration),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kept {
    kept_for: KeptFor,
    /// Set if a peer's list has named it, no matter who wants it now.
    is_learned: bool,
    phase: Phase,
    /// The time since which there is no session.
    lost: Duration,
    /// Set if the session that is ending was ended gracefully, by either node.
    has_left: bool,
    dials: u64,
    sessions: u64,
    /// The number of failures in a row by which the pauses grow: dials that ended without a session, and sessions that
    /// did not last.
    failures: u32,
    /// The number of dials that have failed since the last session began.
    in_vain: u32,
    why: Option<Arc<str>>,
}

/// A report that a node that is kept connected cannot be reached: see [`Notice::Unreached`](super::Notice::Unreached).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unreached {
    /// The name of the node, with its port.
    pub name: Arc<str>,
    /// The number of dials that have failed since the last session began.
    pub failures: u32,
    /// The text of the last failure, as in [`KeptNode::last_failure`].
    pub why: Arc<str>,
}

/// The names that are kept connected: see the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Keeping {
    names: BTreeMap<Arc<str>, Kept>,
    /// The names that the program wants, which go first, and those that only lists have named, which never take all
    /// places for dials.
    wanted: Lane,
    listed: Lane,
    dials_at_once_max: usize,
    window: Window,
}

/// The names of one kind that are to be dialled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Lane {
    /// The names that wait, by the times at which they are due.
    due: BTreeSet<(Duration, Arc<str>)>,
    /// The same names, by the times at which they were lost.
    lost: BTreeSet<(Duration, Arc<str>)>,
    /// The names to which this node's own dials are under way.
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

    /// Returns the name that was lost first, and the time at which it is forgotten if only lists have named it.
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

    /// Keeps a name connected. If the name was only learned from a peer list, the program takes it over. The first
    /// dial waits until `at`.
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
        let (has_left, dials, sessions, failures, in_vain, why) = (false, 0, 0, 0, 0, None);
        let kept =
            Kept { kept_for, is_learned, phase, lost, has_left, dials, sessions, failures, in_vain, why };
        self.lane(kept_for).put(name, &kept);
        self.names.insert(name.clone(), kept);
    }

    /// Lets go of a name for the program. The name stays kept if a peer's list has named it as well. Returns `false`
    /// if the program had not kept it.
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

    /// Makes room for a name that the program wants: forgets one that only lists have named and that is not reached.
    /// Returns `false` if there is none.
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

    /// Changes the data by which the lanes are sorted.
    fn change(&mut self, name: &str, change: impl FnOnce(&mut Kept)) {
        let Some((name, mut kept)) = self.names.remove_entry(name) else { return };
        self.lane(kept.kept_for).take(&name, &kept);
        change(&mut kept);
        self.lane(kept.kept_for).put(&name, &kept);
        self.names.insert(name, kept);
    }

    /// Forgets the names that only lists have named and that were not reached for a long time, whether or not it is
    /// their turn. A name that is being dialled is judged when the dial is over.
    //= spec/session.md#ses-lst-010
    //# A node SHOULD forget a name that only PEER_LISTs have told after `learned_patience` without a session
    //# with that node.
    pub(super) fn forget_what_is_lost(&mut self, now: Duration) {
        while let Some((_, name)) = self.listed.first_lost().filter(|(at, _)| *at <= now) {
            self.forget(&name);
        }
    }

    /// Returns the time at which the next name is to be dialled or forgotten. No name is dialled while as many dials
    /// are under way as allowed.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let wanted = self.wanted.first().filter(|_| self.has_place(KeptFor::Program));
        let listed = self.listed.first().filter(|_| self.has_place(KeptFor::PeerList));
        let listed = listed.map(|at| at.max(self.window.free_at()));
        let forgotten = self.listed.first_lost().map(|(at, _)| at);
        wanted.into_iter().chain(listed).chain(forgotten).min()
    }

    /// Returns `true` if a further dial may be made. A quarter of the places is reserved for the program.
    fn has_place(&self, kept_for: KeptFor) -> bool {
        let (wanted, listed) = (self.wanted.dialling.len(), self.listed.dialling.len());
        let listed_max = self.dials_at_once_max - self.dials_at_once_max / 4;
        wanted + listed < self.dials_at_once_max && (kept_for == KeptFor::Program || listed < listed_max)
    }

    /// Returns the next name whose time has come, if a further dial may be made.
    pub(super) fn next_due(&mut self, now: Duration) -> Option<Arc<str>> {
        if self.has_place(KeptFor::Program)
            && let Some((_, name)) = self.wanted.due.first().filter(|(at, _)| *at <= now)
        {
            return Some(name.clone());
        }
        //= spec/session.md#ses-lst-004
        //# A node MUST NOT make more than `peer_list_dials_max` dials within a minute because of PEER_LISTs,
        //# of all peers together.
        if !self.has_place(KeptFor::PeerList) || now < self.window.free_at() {
            return None;
        }
        self.listed.due.first().filter(|(at, _)| *at <= now).map(|(_, name)| name.clone())
    }

    /// Records that the host was told to dial this name.
    pub(super) fn ask(&mut self, name: &Arc<str>, now: Duration) {
        self.set(name, Phase::Asked);
        if let Some(kept) = self.names.get_mut(name) {
            kept.dials += 1;
            if kept.kept_for == KeptFor::PeerList {
                self.window.count(now);
            }
        }
    }

    /// Records that a dial to this name has begun, no matter who wanted it.
    pub(super) fn dialled(&mut self, name: &str, connection: ConnectionId) {
        self.set(name, Phase::Dialling(connection));
    }

    /// Records that another connection with this node is under way, beside `over`, which has ended. The end of that
    /// other connection decides how to go on. While an own dial is under way, this has no effect, since the end of
    /// the dial decides.
    pub(super) fn elsewhere(&mut self, name: &str, over: Option<ConnectionId>) {
        match self.names.get(name).map(|kept| kept.phase) {
            Some(Phase::Dialling(own)) if over != Some(own) => {}
            _ => self.set(name, Phase::Elsewhere),
        }
    }

    /// Postpones the dial to a name, for which no dial is under way, until `at`.
    pub(super) fn put_off(&mut self, name: &str, at: Duration) {
        if let Some(Phase::Waiting(_) | Phase::Asked) = self.names.get(name).map(|kept| kept.phase) {
            self.wait(name, at);
        }
    }

    fn wait(&mut self, name: &str, at: Duration) {
        self.set(name, Phase::Waiting(at));
    }

    /// Records that a session with this node has begun.
    pub(super) fn up(&mut self, name: &str, now: Duration) {
        if let Some(kept) = self.names.get_mut(name) {
            kept.sessions += 1;
            kept.has_left = false;
            kept.in_vain = 0;
        }
        self.set(name, Phase::Up(now));
    }

    /// Records that the session with this node is being ended gracefully, by either of the two.
    pub(super) fn leaves(&mut self, name: &str) {
        if let Some(kept) = self.names.get_mut(name) {
            kept.has_left = true;
        }
    }

    /// Records that the session with this node is over.
    //= spec/session.md#ses-lst-009
    //# A node SHOULD forget a name that only PEER_LISTs have told when either node ends their session by
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
            // A session that has lasted is soon redialled; one that has not makes the pause longer, as a failed dial does.
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

    /// Records that a connection with this node, which was not a session, is over. Returns a report if it is time to
    /// inform the operator.
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
        kept.in_vain = kept.in_vain.saturating_add(1);
        let why: Arc<str> = shortened(why).into();
        kept.why = Some(why.clone());
        if kept.kept_for == KeptFor::PeerList && now.saturating_sub(kept.lost) >= LEARNED_PATIENCE {
            self.forget(name);
            return None;
        }
        let failures = kept.in_vain;
        let pause = pause(kept.failures, dice);
        self.wait(name, now.saturating_add(pause));
        // The operator is informed of the first dial in vain after each session, and then less and less often.
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
            failures_in_a_row: kept.in_vain,
            last_failure: kept.why.clone(),
        })
    }

    fn set(&mut self, name: &str, phase: Phase) {
        self.change(name, |kept| kept.phase = phase);
    }
}

/// Returns a pause from half of the limit to all of it, so that nodes which have lost each other do not dial in step.
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

/// The dials of the last minute, which are bounded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Window {
    /// At least 1.
    max: usize,
    /// The times of at most the last `max` dials, oldest first.
    last: VecDeque<Duration>,
}

impl Window {
    /// Returns the time from which on a further dial may be made.
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
