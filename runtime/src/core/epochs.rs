//! The sessions of a node: which connections are sessions, how each session is configured, and in which order the end
//! of one and the beginning of the next are reported. Specification: `session.md`, "Sessions come and go".
//!
//! [`Peers`] decides which connection is the session with a peer. [`Epochs`] turns these decisions into epochs: an
//! epoch is the time from NODEUP to NODEDOWN of one session. An [`Endpoint`](super::Endpoint) drives its own
//! [`Epochs`]. Only a host that does not use an endpoint drives one itself. It must make the calls of this table. If
//! the node allows version 1, it must also call [`tell_time`](Epochs::tell_time) before each of them.
//!
//! | connection | calls, in order |
//! |---|---|
//! | own dial | [`dial`](Epochs::dial); [`may_reply`](Epochs::may_reply) just before REPLY; [`acked`](Epochs::acked) |
//! | accepted | [`begun`](Epochs::begun); [`verified_from`](Epochs::verified_from), or [`verified`](Epochs::verified) |
//! | session | [`alive`](Epochs::alive), once for each probe that is answered; [`closing`](Epochs::closing) if this node ends it gracefully |
//! | any | [`over`](Epochs::over), last; if it returns a session, deliver the end of the session, then call [`told`](Epochs::told) |

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use super::addresses::Addresses;
use super::limits::SESSIONS_PER_ADDRESS_MAX;
use super::numbers::{Numbering, Numbers};
use super::peers::{Action, ConnectionId, DialDecision, Peers, Refusal, ReplyDecision, Sign};
use super::session::Config;
use super::{NodeNumber, Source};

/// The peer of a connection, as the handshake has shown it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Facts {
    /// The peer's completed name.
    pub name: Arc<str>,
    /// The incarnation of the peer; `None` in version 1.
    pub incarnation: Option<NonZeroU64>,
    /// The configuration of a session with the peer. [`Epochs`] sets its field [`peer`](Config::peer) when the session
    /// comes up, so only the facts in [`Event::Up`] have the final value.
    pub config: Config,
}

/// An action for the driver. The driver must carry actions out in the order in which [`Epochs::poll_event`] returns
/// them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The connection has become the session, with these facts. The driver must write ACK if the connection was
    /// accepted, and deliver NODEUP before anything that the session brings.
    Up(ConnectionId, Facts),
    /// The end of the session on this connection has been delivered. The driver must now deliver NODEDOWN for the node
    /// of this name.
    Down(ConnectionId, Arc<str>),
    /// The driver must refuse the connection, which was accepted, for this reason: see [`Action::Reject`].
    Reject(ConnectionId, Refusal),
    /// The driver must close the connection, which is an own dial that is not needed any more.
    Close(ConnectionId),
    /// The driver must call [`Session::probe`](super::Session::probe) with this sign for the session on this
    /// connection.
    Probe(ConnectionId, Sign),
    /// The driver must end the session on this connection, because another connection takes its place.
    End(ConnectionId),
}

/// The connections and sessions of one node.
///
/// The driver must keep this value under one lock. After each call that changes the value, and before the next one, the
/// driver must carry out every event that [`Epochs::poll_event`] returns, until that returns `None`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Epochs<N = Numbers> {
    peers: Peers,
    /// The numbers of nodes, including nodes that only peers have named.
    pub numbers: N,
    /// The facts of connections that are not sessions yet.
    shown: BTreeMap<ConnectionId, Facts>,
    /// The sessions whose NODEUP is out and whose NODEDOWN is not, with the numbers of their nodes.
    up: BTreeMap<ConnectionId, NodeNumber>,
    events: VecDeque<Event>,
    addresses: Addresses,
    closed: bool,
}

impl Epochs {
    /// Creates the state of a node without connections.
    ///
    /// `own_name` must include its port, and so must every name that is passed to a method of this type. `sessions_max`
    /// is the largest number of peers at once, including nodes that are only being dialled.
    #[must_use]
    pub fn new(own_name: &str, sessions_max: usize) -> Self {
        Self::with_numbers(own_name, sessions_max, Numbers::default())
    }
}

impl<N: Numbering> Epochs<N> {
    /// Creates the state of a node without connections, as [`new`](Epochs::new) does, but with the given source of
    /// node numbers.
    #[must_use]
    pub fn with_numbers(own_name: &str, sessions_max: usize, numbers: N) -> Self {
        Self {
            peers: Peers::new(own_name, sessions_max),
            numbers,
            shown: BTreeMap::new(),
            up: BTreeMap::new(),
            events: VecDeque::new(),
            addresses: Addresses::new(SESSIONS_PER_ADDRESS_MAX),
            closed: false,
        }
    }

    /// Sets the largest number of sessions that may be accepted from one [`Source`]. Verified connections that wait to
    /// become a session count as well. The default is [`SESSIONS_PER_ADDRESS_MAX`]. Call this before the first
    /// connection.
    #[must_use]
    pub fn with_sessions_per_address_max(self, max: usize) -> Self {
        Self { addresses: Addresses::new(max), ..self }
    }

    /// Decides whether `connection` becomes an own dial to `name`: see [`Peers::dial`].
    #[must_use]
    pub fn dial(&mut self, name: &str, connection: ConnectionId) -> DialDecision {
        self.peers.dial(name, connection)
    }

    /// Records that a connection has been accepted: see [`Peers::begun`].
    pub fn begun(&mut self, connection: ConnectionId) {
        self.peers.begun(connection);
    }

    /// Decides whether the own dial `connection` may send REPLY: see [`Peers::may_reply`].
    #[must_use]
    pub fn may_reply(&mut self, name: &str, connection: ConnectionId, version_1: bool) -> ReplyDecision {
        self.peers.may_reply(name, connection, version_1)
    }

    /// Sets the current time, which counts from the start of the node: see [`Peers::tell_time`].
    pub fn tell_time(&mut self, now: Duration) {
        self.peers.tell_time(now);
        self.draw_conclusions();
    }

    /// Returns the time from which a dial to `name` can succeed, or `None` if it can succeed now: see
    /// [`Peers::dial_at`].
    #[must_use]
    pub fn dial_at(&self, name: &str) -> Option<Duration> {
        self.peers.dial_at(name)
    }

    /// Returns the time from which ACK can be sent to the version 1 peer `name`, or `None` if it can be sent now: see
    /// [`Peers::answer_at`].
    #[must_use]
    pub fn answer_at(&self, name: &str) -> Option<Duration> {
        self.peers.answer_at(name)
    }

    /// Records that an own dial has received a valid ACK.
    pub fn acked(&mut self, connection: ConnectionId, facts: Facts) {
        self.peers.acked(&facts.name, connection, facts.incarnation);
        self.show(connection, facts);
    }

    /// Records that an accepted connection has been verified by its REPLY. Unlike
    /// [`verified_from`](Self::verified_from), this method does not limit the number of sessions from one address.
    pub fn verified(&mut self, connection: ConnectionId, facts: Facts) {
        self.peers.verified(&facts.name, connection, facts.incarnation);
        self.show(connection, facts);
    }

    /// Records that an accepted connection from `source` has been verified by its REPLY.
    ///
    /// If as many accepted sessions and waiting connections come from `source` as allowed, the connection is refused
    /// with [`Refusal::BusyAddress`]. A peer with which this node already has a session, a dial or a waiting connection
    /// is not refused for this reason.
    pub fn verified_from(&mut self, source: Source, connection: ConnectionId, facts: Facts) {
        //= spec/connection.md#con-plc-010
        //# An acceptor that holds `sessions_per_address_max` accepted sessions and waiting connections of one
        //# address MUST refuse a further verified connection from there as busy, unless it has that peer
        //# already.
        if self.addresses.is_full(source) && !self.peers.has(&facts.name) {
            self.events.push_back(Event::Reject(connection, Refusal::BusyAddress));
            return;
        }
        self.addresses.add(connection, source);
        self.verified(connection, facts);
    }

    /// Records that a session that was probed has shown this sign: see [`Peers::alive`].
    pub fn alive(&mut self, name: &str, connection: ConnectionId, sign: Sign) {
        self.peers.alive(name, connection, sign);
        self.draw_conclusions();
    }

    /// Records that this node begins to end a session gracefully: see [`Peers::closing`].
    pub fn closing(&mut self, name: &str, connection: ConnectionId) {
        self.peers.closing(name, connection);
        self.draw_conclusions();
    }

    /// Records that a connection with the node `name` is over. If the name of the node is not known, pass an empty
    /// `name`.
    ///
    /// If the connection was a session, returns it: the driver must then call [`Session::end`](super::Session::end),
    /// which delivers the exit signals and DOWNs of the session, and after that [`Epochs::told`]. From now on,
    /// [`Epochs::session`] does not return that session. If the connection was not a session, returns `None`.
    //= spec/session.md#ses-upd-007
    //# A node MUST NOT end a link or a monitor because another session than its own has ended.
    #[must_use]
    pub fn over(&mut self, name: &str, connection: ConnectionId) -> Option<ConnectionId> {
        self.shown.remove(&connection);
        self.peers.ending(name, connection);
        let session = self.up.contains_key(&connection).then_some(connection);
        if session.is_none() {
            self.addresses.remove(connection);
            self.peers.ended(name, connection);
        }
        self.draw_conclusions();
        session
    }

    /// Records that the end of a session has been delivered to its processes. [`Event::Down`] follows, and after it
    /// another session with the same node may come up.
    //= spec/session.md#ses-upd-005
    //# A node MUST NOT give any process anything of a session after a NODEDOWN of that session.
    //= spec/session.md#ses-upd-006
    //# A node MUST give all NODEDOWNs of a session before the NODEUPs of the next session with that node name.
    pub fn told(&mut self, name: &str, connection: ConnectionId) {
        if let Some(number) = self.up.remove(&connection) {
            self.numbers.over(number);
            self.events.push_back(Event::Down(connection, name.into()));
        }
        self.addresses.remove(connection);
        self.peers.ended(name, connection);
        self.draw_conclusions();
    }

    /// Stops the node: no connection becomes a session any more. Sessions that are up are not ended by this call.
    pub fn close(&mut self) {
        self.closed = true;
        self.shown.clear();
    }

    /// Returns the next action for the driver, or `None` if there is nothing to do.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Returns the connection that is the session with `name`. Returns `None` if there is no session, or if the session
    /// is being ended.
    #[must_use]
    pub fn session(&self, name: &str) -> Option<ConnectionId> {
        self.peers.session(name)
    }

    /// Returns `true` if a caller that wants a session with `name` has to wait: see [`Peers::is_underway`].
    #[must_use]
    pub fn is_underway(&self, name: &str) -> bool {
        self.peers.is_underway(name)
    }

    /// Returns `true` if there is no session, no dial, and no verified connection that waits to become a session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let none_is_up = self.peers.is_empty() && self.up.is_empty();
        none_is_up && self.shown.is_empty() && self.addresses.is_empty()
    }

    fn show(&mut self, connection: ConnectionId, facts: Facts) {
        if !self.closed {
            self.shown.insert(connection, facts);
        }
        self.draw_conclusions();
    }

    fn draw_conclusions(&mut self) {
        while let Some(action) = self.peers.poll_action() {
            let event = match action {
                Action::Up(connection) => match self.come_up(connection) {
                    Some(facts) => Event::Up(connection, facts),
                    None => continue,
                },
                Action::Reject(connection, refusal) => {
                    self.shown.remove(&connection);
                    Event::Reject(connection, refusal)
                }
                Action::Close(connection) => Event::Close(connection),
                Action::Probe(connection, sign) => Event::Probe(connection, sign),
                Action::End(connection) => Event::End(connection),
            };
            self.events.push_back(event);
        }
    }

    /// Makes a connection the session. Returns the facts of the connection, or `None` if the node is stopping.
    fn come_up(&mut self, connection: ConnectionId) -> Option<Facts> {
        let mut facts = self.shown.remove(&connection)?;
        facts.config.peer = self.numbers.of(&facts.name, facts.incarnation);
        self.up.insert(connection, facts.config.peer);
        Some(facts)
    }
}

#[cfg(test)]
mod tests {
    use snow_dist_codec::handshake::Capabilities;

    use super::*;
    use crate::core::handshake::Bounds;
    use crate::core::session::{Timing, Version};

    const OWN: &str = "b@h:1";
    const PEER: &str = "a@h:1";
    const FIRST: ConnectionId = ConnectionId(1);
    const SECOND: ConnectionId = ConnectionId(2);

    fn facts(incarnation: u64) -> Facts {
        let config = Config {
            version: Version::Two,
            peer: NodeNumber::UNKNOWN,
            peer_creation: 1,
            creation: 1,
            capabilities: Capabilities::NONE,
            bounds: Bounds::default(),
            peer_bounds: Bounds::default(),
            timing: Timing::default(),
            ping: [0; 8],
        };
        Facts { name: PEER.into(), incarnation: NonZeroU64::new(incarnation), config }
    }

    fn ups(epochs: &mut Epochs) -> Vec<(ConnectionId, bool)> {
        std::iter::from_fn(|| epochs.poll_event())
            .filter_map(|event| match event {
                Event::Up(connection, _) => Some((connection, true)),
                Event::Down(connection, _) => Some((connection, false)),
                _ => None,
            })
            .collect()
    }

    //= spec/session.md#ses-upd-006
    //= type=test
    //# A node MUST give all NODEDOWNs of a session before the NODEUPs of the next session with that node
    //# name.
    #[test]
    fn nodedown_comes_before_the_next_nodeup() {
        let mut epochs = Epochs::new(OWN, 1);
        epochs.verified(FIRST, facts(1));
        assert_eq!(ups(&mut epochs), [(FIRST, true)]);
        epochs.verified(SECOND, facts(2));
        assert_eq!(epochs.poll_event(), Some(Event::End(FIRST)));
        assert_eq!(epochs.over(PEER, FIRST), Some(FIRST));
        assert_eq!(epochs.poll_event(), None);
        epochs.told(PEER, FIRST);
        assert_eq!(ups(&mut epochs), [(FIRST, false), (SECOND, true)]);
    }

    //= spec/session.md#ses-upd-007
    //= type=test
    //# A node MUST NOT end a link or a monitor because another session than its own has ended.
    #[test]
    fn a_connection_that_was_no_session_takes_none_along() {
        let mut epochs = Epochs::new(OWN, 1);
        epochs.verified(FIRST, facts(1));
        epochs.verified(SECOND, facts(1));
        assert_eq!(epochs.over(PEER, SECOND), None);
        assert_eq!(epochs.session(PEER), Some(FIRST));
        assert_eq!(ups(&mut epochs), [(FIRST, true)]);
    }

    #[test]
    fn a_node_that_stops_has_no_further_session() {
        let mut epochs = Epochs::new(OWN, 1);
        epochs.close();
        epochs.verified(FIRST, facts(1));
        assert_eq!(ups(&mut epochs), []);
        assert_eq!(epochs.over(PEER, FIRST), None);
        assert!(epochs.is_empty());
    }
}
