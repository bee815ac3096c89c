//! A node among its connections: which to make, which to close, which of them is the session with a peer, and what its
//! processes and its operator learn of that. Specification: `connection.md`.
//!
//! There is one for each node, and it makes the [`Connection`]s. It holds no connection, so that each can stand under a lock
//! of its own, and a busy session never waits for another: the two say what they have to by values.
//!
//! | when | call |
//! |---|---|
//! | TCP has accepted a connection | [`Endpoint::accept`] |
//! | somebody wants a session with a node | [`Endpoint::dial`] |
//! | a connection says something | [`Endpoint::handle_event`] |
//! | a connection has an ending | [`Endpoint::over`]; if it was a session, its end is delivered, then [`Endpoint::told`] |
//! | [`Endpoint::deadline`] has come | [`Endpoint::handle_timeout`] |
//! | a session is to be ended, or all of them | [`Endpoint::disconnect`], [`Endpoint::stop`] |
//! | after each of these | carry out what [`Endpoint::poll_output`] gives, in its order, before the next call |
//!
//! A host that keeps its node under one lock has this done by [`Host`](super::Host).
//!
//! A call about a connection that is over, or that is not where the call says, changes nothing: what a connection says twice or
//! out of turn, its end told before it has come, a connection that nobody knows.

mod attempts;
mod entry;
mod keeping;
mod mesh;
mod name;
mod output;
mod rivals;
mod slots;
mod takeovers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use snow_dist_codec::frame::Close as CloseFrame;

pub use attempts::Attempts;
pub use keeping::{KeptFor, KeptNode, KeptState, NotKept, Unreached};
#[cfg(feature = "tokio")]
pub(crate) use name::is_unspecified;
pub use name::{NotDialled, name_to_dial};
pub use output::{Dial, Notice, Output};
pub use takeovers::{TakenFrom, Takeover};

use super::connection::{
    Close, Connection, ConnectionEvent, Ending, EndpointEvent, GiveWay, Randomness, Role, Shown,
};
use super::epochs::{Epochs, Event, Facts};
use super::handshake::Local;
use super::limits::{
    DIALS_AT_ONCE_MAX, HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS_MAX, NODES_KEPT_MAX, PEER_LIST_DIALS_MAX,
    SESSIONS_MAX, SESSIONS_PER_ADDRESS_MAX, SHUTDOWN_PATIENCE,
};
use super::numbers::{Numbering, Numbers};
use super::peers::{ConnectionId, DialDecision, ReplyDecision};
use super::session::{self, Timing, Version};
use entry::Entry;
use keeping::Keeping;
use rivals::Rivals;
use slots::{Progress, Slots};
use takeovers::Takeovers;

/// How many connections and sessions a node has at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Accepted connections that are not verified, at least 1: [`HANDSHAKES_MAX`] unless said otherwise.
    pub handshakes_max: usize,
    /// Those among them from one address, at least 1: [`HANDSHAKES_PER_ADDRESS_MAX`] unless said otherwise.
    pub handshakes_per_address_max: usize,
    /// Sessions, and dials on the way to one: [`SESSIONS_MAX`] unless said otherwise.
    pub sessions_max: usize,
    /// Sessions that were accepted from one address: [`SESSIONS_PER_ADDRESS_MAX`] unless said otherwise.
    pub sessions_per_address_max: usize,
    /// Names that are kept connected: [`NODES_KEPT_MAX`] unless said otherwise.
    pub kept_max: usize,
    /// Dials at once to such names, at least 1: [`DIALS_AT_ONCE_MAX`] unless said otherwise.
    pub dials_at_once_max: usize,
    /// Dials within a minute because of peer lists: [`PEER_LIST_DIALS_MAX`] unless said otherwise.
    pub peer_list_dials_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshakes_max: HANDSHAKES_MAX,
            handshakes_per_address_max: HANDSHAKES_PER_ADDRESS_MAX,
            sessions_max: SESSIONS_MAX,
            sessions_per_address_max: SESSIONS_PER_ADDRESS_MAX,
            kept_max: NODES_KEPT_MAX,
            dials_at_once_max: DIALS_AT_ONCE_MAX,
            peer_list_dials_max: PEER_LIST_DIALS_MAX,
        }
    }
}

/// A node among its connections. See the [module](self) for how it is driven.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint<N = Numbers> {
    local: Arc<Local>,
    timing: Timing,
    epochs: Epochs<N>,
    slots: Slots<ConnectionId>,
    rivals: Rivals,
    takeovers: Takeovers,
    /// By which node id the next session with a version 1 node knows this one.
    node_ids: BTreeMap<Arc<str>, NonZeroU16>,
    connections: BTreeMap<ConnectionId, Entry>,
    last: u64,
    /// Those that wait to become a session with a version 1 node.
    version_1: BTreeSet<ConnectionId>,
    /// Dials among them that have REPLY to send, and when to ask for them again.
    replying: BTreeMap<ConnectionId, Duration>,
    keeping: Keeping,
    kept_max: usize,
    stopped: bool,
    outputs: VecDeque<Output>,
    dice: attempts::Dice,
}

impl Endpoint {
    /// A node without connections. `dice` are 8 random bytes, from which pauses between dials are drawn.
    #[must_use]
    pub fn new(local: Arc<Local>, timing: Timing, limits: Limits, dice: [u8; 8]) -> Self {
        let numbers = Numbers::new(local.start().clone());
        Self::with_numbers(local, timing, limits, dice, numbers)
    }
}

impl<N: Numbering> Endpoint<N> {
    /// The same; who gives nodes their numbers is the host's choice.
    #[must_use]
    pub fn with_numbers(
        local: Arc<Local>,
        timing: Timing,
        limits: Limits,
        dice: [u8; 8],
        numbers: N,
    ) -> Self {
        let epochs = Epochs::with_numbers(local.name(), limits.sessions_max, numbers)
            .with_sessions_per_address_max(limits.sessions_per_address_max);
        Self {
            local,
            timing,
            epochs,
            slots: Slots::new(limits.handshakes_max, limits.handshakes_per_address_max),
            rivals: Rivals::default(),
            takeovers: Takeovers::default(),
            node_ids: BTreeMap::new(),
            connections: BTreeMap::new(),
            last: 0,
            version_1: BTreeSet::new(),
            replying: BTreeMap::new(),
            keeping: Keeping::new(limits.dials_at_once_max, limits.peer_list_dials_max),
            kept_max: limits.kept_max,
            stopped: false,
            outputs: VecDeque::new(),
            dice: attempts::Dice::new(dice),
        }
    }

    /// The version 1 node `name` will know this node by that node id, in its next session.
    pub fn known_by(&mut self, name: Arc<str>, node_id: NonZeroU16) {
        self.node_ids.insert(name, node_id);
    }

    /// TCP has accepted a connection from there. Nothing, if the node stops: the connection is to be closed.
    pub fn accept(
        &mut self,
        from: SocketAddr,
        random: Randomness,
        now: Duration,
    ) -> Option<(ConnectionId, Box<Connection>)> {
        self.tell_time(now);
        if self.stopped {
            return None;
        }
        let id = self.next_id();
        self.epochs.begun(id);
        if let Some(other) = self.slots.take(id, from.ip().into()) {
            self.dismiss(other, ConnectionEvent::GiveWay(GiveWay::Place));
        }
        Some((id, self.begin(id, Role::Acceptor, Some(from), random, now)))
    }

    /// Somebody wants a session with the node of this name: see [`name_to_dial`].
    #[must_use]
    pub fn dial(&mut self, name: &Arc<str>, random: Randomness, now: Duration) -> Dial {
        self.tell_time(now);
        if self.stopped {
            return Dial::Stopped;
        }
        if !self.is_up(name)
            && let Some(at) = self.dial_at(name, now)
        {
            self.keeping.put_off(name, at);
            return Dial::Later(at);
        }
        let id = self.next_id();
        let decision = self.epochs.dial(name, id);
        self.kept_dial(name, id, &decision, now);
        match decision {
            DialDecision::Start => {
                Dial::Start(id, self.begin(id, Role::Initiator(name.clone()), None, random, now))
            }
            DialDecision::Up(_) => Dial::Up,
            DialDecision::Underway | DialDecision::Closing(_) => Dial::Underway,
            DialDecision::OwnName => Dial::OwnName,
            DialDecision::Busy => Dial::Busy,
        }
    }

    /// When a node is to be dialled, if not now.
    fn dial_at(&self, name: &str, now: Duration) -> Option<Duration> {
        //= spec/connection.md#con-dia-006
        //# A node whose session, which it has dialled, is ended by CLOSE with code 3 soon after it has begun SHOULD wait
        //# before it dials that name again, and longer each time.
        let rival = self.rivals.dial_at(name, now);
        //= spec/version1.md#v1-elc-006
        //# A node SHOULD NOT connect to a version 1 peer that it dials before `version_1_cleanup` has passed since its
        //# last session with that peer has ended.
        rival.max(self.epochs.dial_at(name))
    }

    fn next_id(&mut self) -> ConnectionId {
        self.last += 1;
        ConnectionId(self.last)
    }

    fn begin(
        &mut self,
        id: ConnectionId,
        role: Role,
        from: Option<SocketAddr>,
        random: Randomness,
        now: Duration,
    ) -> Box<Connection> {
        let name = match &role {
            Role::Initiator(name) => Some(name.clone()),
            Role::Acceptor => None,
        };
        self.connections.insert(id, Entry::new(name, from));
        Box::new(Connection::new(self.local.clone(), self.timing, role, random, now))
    }

    /// A connection says something.
    pub fn handle_event(&mut self, id: ConnectionId, event: EndpointEvent, now: Duration) {
        self.tell_time(now);
        let entry = self.connections.get(&id).filter(|entry| entry.can_say(&event));
        let Some(entry) = entry else { return };
        match event {
            EndpointEvent::Secured => self.slots.reached(id, Progress::Secured),
            EndpointEvent::Named => self.slots.reached(id, Progress::Named),
            EndpointEvent::MayReply { version_1 } => {
                if version_1 {
                    self.version_1.insert(id);
                }
                self.may_reply(id);
            }
            EndpointEvent::Verified(shown) => self.verified(id, *shown),
            EndpointEvent::Acked(shown) => {
                let facts = self.facts(*shown);
                self.epochs.acked(id, facts);
            }
            EndpointEvent::Alive(sign) => {
                if let Some(name) = &entry.name {
                    self.epochs.alive(name, id, sign);
                }
            }
            EndpointEvent::Listed(names) => {
                let is_version_1 = entry.is_version_1;
                self.listed(names, is_version_1, now);
            }
            EndpointEvent::Misrouted { misrouted, count } => {
                let name = entry.name.clone().unwrap_or_else(|| "".into());
                self.outputs.push_back(Output::Notice(Notice::Misrouted { name, misrouted, count }));
            }
        }
        self.draw_conclusions(now);
    }

    /// An own dial asks whether it may send REPLY. From there on the peer may have answered it.
    //= spec/connection.md#con-elc-008
    //# A node MUST close a dial on which it has not sent REPLY when another connection becomes the session
    //# with that peer.
    fn may_reply(&mut self, id: ConnectionId) {
        // Whatever it was to be asked again is asked now, or plays no part any more.
        self.replying.remove(&id);
        let Some(entry) = self.connections.get(&id).filter(|entry| entry.is_dial()) else { return };
        let Some(name) = &entry.name else { return };
        let event = match self.epochs.may_reply(name, id, self.version_1.contains(&id)) {
            ReplyDecision::Send => ConnectionEvent::Reply,
            ReplyDecision::Close => ConnectionEvent::GiveWay(GiveWay::Session),
            ReplyDecision::Wait(at) => {
                self.replying.insert(id, at);
                return;
            }
        };
        self.tell(id, event);
    }

    //= spec/connection.md#con-elc-002
    //# A node MUST NOT end, probe or delay a session or a dial because of a connection that is not verified.
    fn verified(&mut self, id: ConnectionId, shown: Shown) {
        //= spec/connection.md#con-plc-005
        //# An acceptor MUST NOT count a verified connection against `handshakes_max` or
        //# `handshakes_per_address_max`.
        self.slots.give_back(id);
        let Some(entry) = self.connections.get_mut(&id) else { return };
        let Some(from) = entry.from else { return };
        entry.name = Some(shown.facts.name.clone());
        entry.used_old_cookie = shown.used_old_cookie;
        if shown.facts.config.version != Version::Two {
            self.version_1.insert(id);
        }
        let facts = self.facts(shown);
        self.takeovers.verified(id, from);
        self.epochs.verified_from(from.ip().into(), id, facts);
    }

    /// What a session is made of, with what was said of version 1 nodes.
    fn facts(&self, Shown { mut facts, .. }: Shown) -> Facts {
        if let Version::One { node_id, .. } = &mut facts.config.version {
            *node_id = self.node_ids.get(&facts.name).copied();
        }
        facts
    }

    /// A connection is over. Returns `true` if it was a session: then nobody may find that any more,
    /// [`Connection::end`] brings its end to its processes, and [`Endpoint::told`] says that this has been done.
    ///
    /// Until that is said the answer stays `true` however often this is called: a host that has lost it asks again, and no
    /// signal of the session is lost with it.
    #[must_use]
    pub fn over(&mut self, id: ConnectionId, ending: Option<&Ending>, now: Duration) -> bool {
        self.tell_time(now);
        let Some(entry) = self.connections.get_mut(&id) else { return false };
        if std::mem::replace(&mut entry.is_over, true) {
            return true;
        }
        let entry = entry.clone();
        self.look_for_farewell(&entry, ending);
        self.slots.give_back(id);
        self.version_1.remove(&id);
        self.replying.remove(&id);
        self.takeovers.forget(id);
        // Before anybody learns of the end, as a program may dial again when it does.
        self.look_for_rivals(&entry, ending, now);
        let name = entry.name.unwrap_or_else(|| "".into());
        //= spec/session.md#ses-end-006
        //# A node MUST do what this section asks for in the same way whatever has ended the session.
        let was_session = self.epochs.over(&name, id).is_some();
        if !was_session {
            self.forget(id);
            self.kept_over(id, &name, ending, now);
        }
        self.draw_conclusions(now);
        was_session
    }

    /// The end of a session has been delivered. Its NODEDOWN is due.
    pub fn told(&mut self, id: ConnectionId, now: Duration) {
        self.tell_time(now);
        if !self.connections.get(&id).is_some_and(|entry| entry.is_over) {
            return;
        }
        let name = self.connections.get(&id).and_then(|entry| entry.name.clone());
        self.epochs.told(&name.unwrap_or_else(|| "".into()), id);
        // Its NODEDOWN first, then whatever comes up in its place.
        self.draw_conclusions(now);
        self.forget(id);
    }

    /// Nothing is left of a connection. With the last of them every place is given back.
    fn forget(&mut self, id: ConnectionId) {
        self.connections.remove(&id);
        debug_assert!(!self.connections.is_empty() || self.holds_nothing(), "a place is lost");
    }

    fn holds_nothing(&self) -> bool {
        let none_waits = self.version_1.is_empty() && self.replying.is_empty();
        none_waits && self.slots.is_empty() && self.takeovers.is_empty() && self.epochs.is_empty()
    }

    fn look_for_rivals(&mut self, entry: &Entry, ending: Option<&Ending>, now: Duration) {
        let Some(session::Ending::Closed { code: CloseFrame::REPLACED, .. }) =
            ending.and_then(Ending::of_session)
        else {
            return;
        };
        if let (Some(name), Some(began), None) = (&entry.name, entry.began, entry.from) {
            let in_a_row = self.rivals.lost(name, now, now.saturating_sub(began), self.dice.throw());
            self.outputs.push_back(Output::Notice(Notice::LostToRival { name: name.clone(), in_a_row }));
        }
    }

    /// A session is to be ended in order. False if there is none with that node that is not being ended.
    pub fn disconnect(&mut self, name: &str, now: Duration) -> bool {
        self.tell_time(now);
        let Some(id) = self.epochs.session(name) else { return false };
        self.epochs.closing(name, id);
        self.keeping.leaves(name);
        self.close(id, "disconnected");
        self.draw_conclusions(now);
        true
    }

    /// The node stops: it takes and makes no connection any more, and ends those it has.
    pub fn stop(&mut self, now: Duration) {
        self.tell_time(now);
        self.stopped = true;
        self.keeping.clear();
        self.epochs.close();
        let session = |entry: &Entry| entry.name.clone().filter(|_| entry.began.is_some());
        let left = self.connections.iter().filter(|(_, entry)| !entry.is_over);
        let connections: Vec<_> = left.map(|(id, entry)| (*id, session(entry))).collect();
        for (id, session) in connections {
            if let Some(name) = session {
                self.epochs.closing(&name, id);
                self.close(id, "the node stops");
            } else {
                //= spec/connection.md#con-cls-017
                //# A node that stops MUST close every connection that is not a session.
                self.dismiss(id, ConnectionEvent::GiveWay(GiveWay::Stop));
            }
        }
        self.draw_conclusions(now);
    }

    //= spec/connection.md#con-cls-006
    //# A node that ends a session of version 2 because it stops or its program asks for it MUST write
    //# CLOSE with code 0.
    fn close(&mut self, id: ConnectionId, text: &'static str) {
        let close = Close { code: CloseFrame::SHUTDOWN, text, patience: SHUTDOWN_PATIENCE };
        self.outputs.push_back(Output::Tell(id, ConnectionEvent::Close(close)));
    }

    fn tell(&mut self, id: ConnectionId, event: ConnectionEvent) {
        match event {
            ConnectionEvent::GiveWay(_) | ConnectionEvent::Refuse(_) => self.dismiss(id, event),
            event => self.outputs.push_back(Output::Tell(id, event)),
        }
    }

    /// Tells a connection that it becomes no session.
    fn dismiss(&mut self, id: ConnectionId, event: ConnectionEvent) {
        if let Some(entry) = self.connections.get_mut(&id) {
            entry.is_dismissed = true;
        }
        self.version_1.remove(&id);
        self.replying.remove(&id);
        self.outputs.push_back(Output::Tell(id, event));
    }

    /// When [`Endpoint::handle_timeout`] is to be called: for names that are kept connected, and for what waits for a version 1
    /// node to forget its last session.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let waiting = self.version_1.iter().filter_map(|id| self.connections.get(id));
        let answers = waiting.filter_map(|entry| self.epochs.answer_at(entry.name.as_deref()?));
        self.replying.values().copied().chain(answers).chain(self.keeping.deadline()).min()
    }

    /// The time is `now`.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.tell_time(now);
        let due: Vec<_> = self.replying.iter().filter(|(_, at)| **at <= now).map(|(id, _)| *id).collect();
        for id in due {
            self.may_reply(id);
        }
        self.draw_conclusions(now);
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The node's own name, with its port.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        self.local.name()
    }

    /// Whether there is a session with that node that is not being ended.
    #[must_use]
    pub fn is_up(&self, name: &str) -> bool {
        self.epochs.session(name).is_some()
    }

    /// Whether another connection with that node is being made, or a session with it being ended.
    #[must_use]
    pub fn is_underway(&self, name: &str) -> bool {
        self.epochs.is_underway(name)
    }

    /// Whether the node stops, or has stopped.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether no connection is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Which node has which number.
    pub const fn numbers(&mut self) -> &mut N {
        &mut self.epochs.numbers
    }

    /// A number that nobody foresees, for pauses.
    pub const fn throw_dice(&mut self) -> u8 {
        self.dice.throw()
    }

    fn tell_time(&mut self, now: Duration) {
        self.epochs.tell_time(now);
        self.draw_conclusions(now);
    }

    fn draw_conclusions(&mut self, now: Duration) {
        while let Some(event) = self.epochs.poll_event() {
            let (id, event) = match event {
                Event::Up(id, facts) => {
                    self.come_up(id, facts, now);
                    continue;
                }
                //= spec/session.md#ses-upd-003
                //# When a session ends, a node MUST give each process that watches the peer one signal NODEDOWN.
                Event::Down(id, name) => {
                    self.takeovers.down(id, &name);
                    self.keeping.down(&name, now, &mut self.dice);
                    self.outputs.push_back(Output::NodeDown(id, name));
                    continue;
                }
                Event::Reject(id, refusal) => (id, ConnectionEvent::Refuse(refusal)),
                Event::Close(id) => (id, ConnectionEvent::GiveWay(GiveWay::Session)),
                Event::Probe(id, sign) => (id, ConnectionEvent::Probe(sign)),
                Event::End(id) => {
                    //= spec/connection.md#con-cls-012
                    //# A node that ends a session for another connection SHOULD write CLOSE with code 3.
                    //= spec/connection.md#con-elc-017
                    //# A node that ends a session for another connection MUST NOT wait until what is
                    //# queued in that session has been written.
                    self.takeovers.replaced(id);
                    (id, ConnectionEvent::Close(REPLACED))
                }
            };
            self.tell(id, event);
        }
        self.dial_what_is_due(now);
    }

    /// A connection is the session.
    fn come_up(&mut self, id: ConnectionId, facts: Facts, now: Duration) {
        let name = facts.name.clone();
        let is_version_1 = facts.config.version != Version::Two;
        self.version_1.remove(&id);
        self.replying.remove(&id);
        if let Some(entry) = self.connections.get_mut(&id) {
            entry.began = Some(now);
            entry.is_version_1 = is_version_1;
            if entry.used_old_cookie {
                self.outputs.push_back(Output::Notice(Notice::OldCookie(name.clone())));
            }
        }
        //= spec/version1.md#v1-lrn-003
        //# A node MUST forget k when the session ends.
        // What was said is good for one session; connections that became none have not used it up.
        self.node_ids.remove(&name);
        let takeover = self.takeovers.up(id, &name, facts.incarnation, now);
        self.outputs.extend(takeover.map(|takeover| Output::Notice(Notice::TakenOver(takeover))));
        self.outputs.push_back(Output::Tell(id, ConnectionEvent::Up(Box::new(facts))));
        self.keeping.up(&name, now);
        self.introduce_peers(id, is_version_1);
        //= spec/session.md#ses-upd-001
        //# When a session begins, a node MUST give each process that watches the peer one signal NODEUP.
        //= spec/session.md#ses-upd-002
        //# A node MUST give a process the NODEUP of a session before everything else that the session
        //# brings it.
        self.outputs.push_back(Output::NodeUp(id, name));
    }
}

/// A session gives way to another connection: its peer has moved on, so that nobody waits for it.
const REPLACED: Close =
    Close { code: CloseFrame::REPLACED, text: "another connection takes over", patience: Duration::ZERO };
