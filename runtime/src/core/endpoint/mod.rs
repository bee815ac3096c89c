//! The connections of a node: this module decides which connections the node makes and closes, which of them is the
//! session with a peer, and what its processes and its operator learn of that. Specification: `connection.md`.
//!
//! A node has one [`Endpoint`], which makes the [`Connection`]s but does not hold them. So a host can keep each
//! connection under a lock of its own, and a busy session does not delay others. Events between the endpoint and a
//! connection are values, which the host passes on.
//!
//! | when | call |
//! |---|---|
//! | TCP has accepted a connection | [`Endpoint::accept`] |
//! | a session with a node is wanted once, or always | [`Endpoint::dial`], or [`Endpoint::keep`] |
//! | a connection has an event for the endpoint | [`Endpoint::handle_event`] |
//! | a connection has an ending | [`Endpoint::over`]; if the connection was a session, deliver the end of the session, then call [`Endpoint::told`] |
//! | [`Endpoint::deadline`] has come | [`Endpoint::handle_timeout`] |
//! | a session is to be ended, or the node is to stop | [`Endpoint::disconnect`], [`Endpoint::stop`] |
//! | after each of these | carry out all outputs of [`Endpoint::poll_output`], in their order, before the next call |
//!
//! [`Host`](super::Host) does all of this for a host that keeps its node under one lock.
//!
//! If the connection of a call is over or unknown, or if an event is repeated or out of turn, the call changes
//! nothing.

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
use super::handshake::{Cookies, Local};
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

/// The limits on the connections and sessions of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The largest number of accepted connections whose REPLY has not been verified, at least 1. The default is
    /// [`HANDSHAKES_MAX`].
    pub handshakes_max: usize,
    /// The largest number of accepted connections from one [`Source`](super::Source) whose REPLY has not been verified,
    /// at least 1. The default is [`HANDSHAKES_PER_ADDRESS_MAX`].
    pub handshakes_per_address_max: usize,
    /// The largest number of peers. A peer is a node with which there is a session, an own dial, or a verified
    /// connection that may become a session. The default is [`SESSIONS_MAX`].
    pub sessions_max: usize,
    /// The largest number of sessions that were accepted from one [`Source`](super::Source). Verified connections that
    /// wait to become a session count as well. The default is [`SESSIONS_PER_ADDRESS_MAX`].
    pub sessions_per_address_max: usize,
    /// The largest number of names that are kept connected. The default is [`NODES_KEPT_MAX`].
    pub kept_max: usize,
    /// The largest number of dials at once to names that are kept connected. 0 counts as 1. The default is
    /// [`DIALS_AT_ONCE_MAX`].
    pub dials_at_once_max: usize,
    /// The largest number of dials within a minute to names that are known only from peer lists. 0 counts as 1. The
    /// default is [`PEER_LIST_DIALS_MAX`].
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

/// The connections of a node, and the decisions about them.
///
/// See the [module](self) for how to drive it. `now` is the time since the node was started, by the same clock in all
/// calls. A node that allows version 1 waits a second after its start before it has a session with a version 1 peer
/// (V1-ELC-003 of `version1.md`): with a clock that began earlier it would not wait.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint<N = Numbers> {
    local: Arc<Local>,
    timing: Timing,
    epochs: Epochs<N>,
    slots: Slots<ConnectionId>,
    rivals: Rivals,
    takeovers: Takeovers,
    /// The node ids by which version 1 nodes will know this node in their next session.
    node_ids: BTreeMap<Arc<str>, NonZeroU16>,
    connections: BTreeMap<ConnectionId, Entry>,
    last: u64,
    /// The connections that wait to become a session with a version 1 node.
    version_1: BTreeSet<ConnectionId>,
    /// The dials among them that have REPLY to send, with the time at which each asks again.
    replying: BTreeMap<ConnectionId, Duration>,
    keeping: Keeping,
    kept_max: usize,
    stopped: bool,
    outputs: VecDeque<Output>,
    dice: attempts::Dice,
}

impl Endpoint {
    /// Creates an endpoint without connections.
    ///
    /// `dice` holds 8 random bytes, drawn anew at each start of the node. The pauses between dials are derived from
    /// them.
    #[must_use]
    pub fn new(local: Arc<Local>, timing: Timing, limits: Limits, dice: [u8; 8]) -> Self {
        let numbers = Numbers::new(local.start().clone());
        Self::with_numbers(local, timing, limits, dice, numbers)
    }
}

impl<N: Numbering> Endpoint<N> {
    /// Creates an endpoint without connections, as [`new`](Endpoint::new) does, but with the given source of node
    /// numbers.
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

    /// Sets the node id by which the version 1 node `name` will know this node in the next session of the two. `name`
    /// must include its port.
    ///
    /// The value holds for one session. Without this call, the session learns the node id as soon as the peer writes
    /// it.
    pub fn known_by(&mut self, name: Arc<str>, node_id: NonZeroU16) {
        self.node_ids.insert(name, node_id);
    }

    /// Begins a connection that TCP has accepted from `from`, and returns it with its id. Returns `None` if the node is
    /// stopping: the host must then close the TCP connection.
    ///
    /// The deadlines of the connection begin with this call. If no handshake slot ([`Limits::handshakes_max`]) is free,
    /// an [`Output::Tell`] tells another connection to give way.
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

    /// Begins a connection to the node `name`, unless this is not needed or not possible now: see [`Dial`].
    ///
    /// `name` must be a name as [`name_to_dial`] returns it.
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

    /// Returns the time at which a node can be dialled, or `None` if it can be dialled now.
    fn dial_at(&self, name: &str, now: Duration) -> Option<Duration> {
        //= spec/connection.md#con-dia-006
        //# A node whose dialled session is ended by CLOSE with code 3 soon after its beginning SHOULD wait
        //# before it dials that name again, and longer each time.
        let rival = self.rivals.dial_at(name, now);
        //= spec/version1.md#v1-elc-006
        //# A node SHOULD NOT connect to a version 1 peer before `version_1_cleanup` has passed since the end
        //# of its last session with it.
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

    /// Handles an event of a connection, as [`Connection::poll_event`] has returned it. An event that is repeated or
    /// out of turn is ignored.
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
                let (peer, is_version_1) = (entry.name.clone(), entry.is_version_1);
                self.listed(peer, names, is_version_1, now);
            }
            EndpointEvent::Forbidden { what, count } => {
                let name = entry.name.clone().unwrap_or_else(|| "".into());
                self.outputs.push_back(Output::Notice(Notice::Forbidden { name, what, count }));
            }
            EndpointEvent::Misrouted { misrouted, count } => {
                let name = entry.name.clone().unwrap_or_else(|| "".into());
                self.outputs.push_back(Output::Notice(Notice::Misrouted { name, misrouted, count }));
            }
        }
        self.draw_conclusions(now);
    }

    /// Handles the question of a dial whether it may send REPLY. Once REPLY is sent, the peer may accept the dial at
    /// any time.
    //= spec/connection.md#con-elc-008
    //# A node MUST close a dial on which it has not sent REPLY when another connection becomes the session
    //# with that peer.
    fn may_reply(&mut self, id: ConnectionId) {
        // The question is answered now, or the connection is no longer a dial: it need not be asked again.
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

    /// Returns the facts for a session, together with the node id that was set for a version 1 peer.
    fn facts(&self, Shown { mut facts, .. }: Shown) -> Facts {
        if let Version::One { node_id, .. } = &mut facts.config.version {
            *node_id = self.node_ids.get(&facts.name).copied();
        }
        facts
    }

    /// Handles the end of a connection. `ending` is its [`Connection::ending`], or `None` if the host has dropped
    /// the connection without one.
    ///
    /// Returns `true` if the connection was a session. The host must then remove the connection from where processes
    /// find it, call [`Connection::end`] to deliver the end of the session, and call [`Endpoint::told`].
    ///
    /// Until [`Endpoint::told`] is called, further calls for that connection also return `true`. So a host that has
    /// lost the answer can ask again, and no signal of the session is lost.
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
        // This comes before anyone learns of the end, since a program may dial again as soon as it does.
        self.look_for_rivals(&entry, ending, now);
        let name = entry.name.unwrap_or_else(|| "".into());
        //= spec/session.md#ses-end-006
        //# A node MUST do what this section says in the same way at every end of a session.
        let was_session = self.epochs.over(&name, id).is_some();
        if !was_session {
            self.forget(id);
            self.kept_over(id, &name, ending, now);
        }
        self.draw_conclusions(now);
        was_session
    }

    /// Records that the end of a session has been delivered to its processes. [`Output::NodeDown`] follows, and after
    /// it another session with that node may come up.
    ///
    /// If [`Endpoint::over`] has not been called for the session, nothing happens.
    pub fn told(&mut self, id: ConnectionId, now: Duration) {
        self.tell_time(now);
        if !self.connections.get(&id).is_some_and(|entry| entry.is_over) {
            return;
        }
        let name = self.connections.get(&id).and_then(|entry| entry.name.clone());
        self.epochs.told(&name.unwrap_or_else(|| "".into()), id);
        // The NODEDOWN comes first, then whatever comes up in place of the session.
        self.draw_conclusions(now);
        self.forget(id);
    }

    /// Forgets a connection. With the last connection everything must have been given back.
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

    /// Ends the session with a node gracefully: the connection still writes everything that is queued, and then tells
    /// the peer. This takes at most [`SHUTDOWN_PATIENCE`].
    ///
    /// Returns `false` if there is no session with the node, or if the session is being ended already. If the name is
    /// kept connected for the program, the node is dialled again afterwards.
    pub fn disconnect(&mut self, name: &str, now: Duration) -> bool {
        self.tell_time(now);
        let Some(id) = self.epochs.session(name) else { return false };
        self.epochs.closing(name, id);
        self.keeping.leaves(name);
        self.close(id, "disconnected");
        self.draw_conclusions(now);
        true
    }

    /// Replaces the cookies of the node. Each handshake of a connection that begins from now on uses the new ones.
    /// Connections that have begun keep the cookies that they began with, and sessions are not affected.
    //= spec/handshake.md#hs-cky-007
    //# A node whose operator replaces its cookies or certificates while it runs MUST use the new ones in each handshake that
    //# begins afterwards.
    pub fn set_cookies(&mut self, cookies: impl Into<Cookies>) {
        Arc::make_mut(&mut self.local).set_cookies(cookies);
    }

    /// Stops the node. The node accepts and makes no more connections, ends its sessions gracefully (queued data is
    /// still written, for at most [`SHUTDOWN_PATIENCE`]), and closes all other connections. It has stopped when
    /// [`Endpoint::is_empty`] returns `true`.
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
    //# A node that ends a session of version 2 in order MUST write CLOSE with code 0, unless the session ends
    //# before.
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

    /// Tells a connection that it does not become a session.
    fn dismiss(&mut self, id: ConnectionId, event: ConnectionEvent) {
        if let Some(entry) = self.connections.get_mut(&id) {
            entry.is_dismissed = true;
        }
        self.version_1.remove(&id);
        self.replying.remove(&id);
        self.outputs.push_back(Output::Tell(id, event));
    }

    /// Returns the time, since the start of the node, at which [`Endpoint::handle_timeout`] must be called. Returns
    /// `None` if there is no deadline.
    ///
    /// The deadlines are those of names that are kept connected, and of connections that wait until a version 1 node
    /// has forgotten its last session. Deadlines of single connections are returned by [`Connection::deadline`].
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let waiting = self.version_1.iter().filter_map(|id| self.connections.get(id));
        let answers = waiting.filter_map(|entry| self.epochs.answer_at(entry.name.as_deref()?));
        self.replying.values().copied().chain(answers).chain(self.keeping.deadline()).min()
    }

    /// Acts on every deadline that has passed at `now`. An early call does no harm.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.tell_time(now);
        let due: Vec<_> = self.replying.iter().filter(|(_, at)| **at <= now).map(|(id, _)| *id).collect();
        for id in due {
            self.may_reply(id);
        }
        self.draw_conclusions(now);
    }

    /// Returns the next action for the host, or `None` if there is nothing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Returns the node's own name, with its port.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        self.local.name()
    }

    /// Returns `true` if there is a session with the node of this name that is not being ended.
    #[must_use]
    pub fn is_up(&self, name: &str) -> bool {
        self.epochs.session(name).is_some()
    }

    /// Returns `true` while a connection with the node of this name is being made, or a session with it is being ended.
    #[must_use]
    pub fn is_underway(&self, name: &str) -> bool {
        self.epochs.is_underway(name)
    }

    /// Returns `true` if the node is stopping, or has stopped.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Returns `true` if no connection is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Returns the source of node numbers.
    pub const fn numbers(&mut self) -> &mut N {
        &mut self.epochs.numbers
    }

    /// Returns a random number from 0 to 255, from which the length of a pause can be derived.
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
                //# A node MUST give each process that watches the peer one NODEDOWN when a session ends.
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

    /// Handles the beginning of a session: a connection has become the session with its peer.
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
        // The node id was set for one session. Connections that became no session have not used it up.
        self.node_ids.remove(&name);
        let takeover = self.takeovers.up(id, &name, facts.incarnation, now);
        self.outputs.extend(takeover.map(|takeover| Output::Notice(Notice::TakenOver(takeover))));
        let rights = self.local.rights_of(&name, is_version_1);
        self.outputs.push_back(Output::Tell(id, ConnectionEvent::Up(Box::new(facts), rights)));
        self.keeping.up(&name, now);
        self.introduce_peers(id, is_version_1);
        //= spec/session.md#ses-upd-001
        //# A node MUST give each process that watches the peer one NODEUP when a session begins.
        //= spec/session.md#ses-upd-002
        //# A node MUST give a process the NODEUP of a session before everything else of that session.
        self.outputs.push_back(Output::NodeUp(id, name));
    }
}

/// The order to end a session that gives way to another connection. Its peer has moved on, so nothing is waited for.
const REPLACED: Close =
    Close { code: CloseFrame::REPLACED, text: "another connection takes over", patience: Duration::ZERO };
