//! Which connections of a node are its sessions, what each session is made of, and in which order the end of one and
//! the beginning of the next are told. Specification: `session.md`, "Sessions come and go".
//!
//! The choice between connections is [`Peers`]'; here it becomes the epochs that processes see.
//!
//! | connection | calls, in order |
//! |---|---|
//! | own dial | [`dial`](Epochs::dial); [`may_reply`](Epochs::may_reply) just before REPLY; [`acked`](Epochs::acked) |
//! | accepted | [`begun`](Epochs::begun); [`verified`](Epochs::verified) |
//! | session | [`alive`](Epochs::alive) once for each probe; [`closing`](Epochs::closing) if it is to end in order |
//! | any | [`over`](Epochs::over) last; if that gives a session, its end is delivered, then [`told`](Epochs::told) |

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

/// What a handshake has shown of the peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Facts {
    /// Its completed name.
    pub name: Arc<str>,
    /// Which of its starts it is; `None` in version 1.
    pub incarnation: Option<NonZeroU64>,
    /// What a session with it is made of. The peer's number is set when the session comes up.
    pub config: Config,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The connection is the session, made of these: NODEUP goes out first, and frames of the session flow after it.
    Up(ConnectionId, Facts),
    /// All of the session has been told: NODEDOWN of the node of this name goes out.
    Down(ConnectionId, Arc<str>),
    /// The connection was accepted, and is refused.
    Reject(ConnectionId, Refusal),
    /// The connection is an own dial that is not needed any more.
    Close(ConnectionId),
    /// The session on this connection must show this sign.
    Probe(ConnectionId, Sign),
    /// The session on this connection gives way to another: it is ended.
    End(ConnectionId),
}

/// The connections of one node.
///
/// Whoever drives it holds it under one lock, calls an input, and carries out what [`Epochs::poll_event`] returns
/// until that is nothing, before the next input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Epochs<N = Numbers> {
    peers: Peers,
    /// Which node has which number, also of those that others have told of.
    pub numbers: N,
    /// Of connections that are not sessions yet.
    shown: BTreeMap<ConnectionId, Facts>,
    /// Sessions whose NODEUP is out and whose NODEDOWN is not, with the numbers of their nodes.
    up: BTreeMap<ConnectionId, NodeNumber>,
    events: VecDeque<Event>,
    addresses: Addresses,
    closed: bool,
}

impl Epochs {
    /// No connections, for the node `own_name`, a completed name as all names here, with at most `sessions_max` peers
    /// at once.
    #[must_use]
    pub fn new(own_name: &str, sessions_max: usize) -> Self {
        Self::with_numbers(own_name, sessions_max, Numbers::default())
    }
}

impl<N: Numbering> Epochs<N> {
    /// The same; who gives nodes their numbers is the caller's choice.
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

    /// The same, with another limit than [`SESSIONS_PER_ADDRESS_MAX`].
    #[must_use]
    pub fn with_sessions_per_address_max(self, max: usize) -> Self {
        Self { addresses: Addresses::new(max), ..self }
    }

    /// Whether a connection is to be made to `name`: see [`Peers::dial`].
    #[must_use]
    pub fn dial(&mut self, name: &str, connection: ConnectionId) -> DialDecision {
        self.peers.dial(name, connection)
    }

    /// A connection has been accepted: see [`Peers::begun`].
    pub fn begun(&mut self, connection: ConnectionId) {
        self.peers.begun(connection);
    }

    /// Whether an own dial may send REPLY: see [`Peers::may_reply`].
    #[must_use]
    pub fn may_reply(&mut self, name: &str, connection: ConnectionId, version_1: bool) -> ReplyDecision {
        self.peers.may_reply(name, connection, version_1)
    }

    /// Moves the time on: see [`Peers::tell_time`].
    pub fn tell_time(&mut self, now: Duration) {
        self.peers.tell_time(now);
        self.draw_conclusions();
    }

    /// When a dial to `name` is worth beginning: see [`Peers::dial_at`].
    #[must_use]
    pub fn dial_at(&self, name: &str) -> Option<Duration> {
        self.peers.dial_at(name)
    }

    /// When a version 1 peer can be given ACK: see [`Peers::answer_at`].
    #[must_use]
    pub fn answer_at(&self, name: &str) -> Option<Duration> {
        self.peers.answer_at(name)
    }

    /// An own dial has received ACK, and it is good.
    pub fn acked(&mut self, connection: ConnectionId, facts: Facts) {
        self.peers.acked(&facts.name, connection, facts.incarnation);
        self.show(connection, facts);
    }

    /// An accepted connection has shown in its REPLY where it comes from.
    pub fn verified(&mut self, connection: ConnectionId, facts: Facts) {
        self.peers.verified(&facts.name, connection, facts.incarnation);
        self.show(connection, facts);
    }

    /// The same, and the connection comes from there: it is refused if too many do.
    pub fn verified_from(&mut self, source: Source, connection: ConnectionId, facts: Facts) {
        //= spec/connection.md#con-plc-010
        //# An acceptor that holds `sessions_per_address_max` sessions, and connections that wait to become one, from
        //# one address MUST refuse a further connection that is verified from that address as busy, unless it has
        //# that peer already.
        if self.addresses.is_full(source) && !self.peers.has(&facts.name) {
            self.events.push_back(Event::Reject(connection, Refusal::BusyAddress));
            return;
        }
        self.addresses.add(connection, source);
        self.verified(connection, facts);
    }

    /// A session that was probed has shown this sign: see [`Peers::alive`].
    pub fn alive(&mut self, name: &str, connection: ConnectionId, sign: Sign) {
        self.peers.alive(name, connection, sign);
        self.draw_conclusions();
    }

    /// This node begins to end a session in order: see [`Peers::closing`].
    pub fn closing(&mut self, name: &str, connection: ConnectionId) {
        self.peers.closing(name, connection);
        self.draw_conclusions();
    }

    /// A connection with the node `name` is over (the name is empty if it is not known). If it was a session, this is
    /// that session: nobody finds it any more, [`Session::end`](super::Session::end) brings its exits and DOWNs to
    /// their processes, and then [`Epochs::told`] says so.
    //= spec/session.md#ses-upd-007
    //# A node MUST NOT end a link or a monitor because of the end of another session than the one it was made in.
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

    /// What the end of a session brings has been told. Its NODEDOWN is due, and another session may be up after that.
    //= spec/session.md#ses-upd-005
    //# A node MUST NOT give anything that a session brings to any process after it has given a NODEDOWN of that
    //# session.
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

    /// No connection becomes a session any more.
    pub fn close(&mut self) {
        self.closed = true;
        self.shown.clear();
    }

    /// What is to be done next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The session with `name`, if it is up and not closing.
    #[must_use]
    pub fn session(&self, name: &str) -> Option<ConnectionId> {
        self.peers.session(name)
    }

    /// Returns `true` if whoever wants a session with `name` has to wait: see [`Peers::is_underway`].
    #[must_use]
    pub fn is_underway(&self, name: &str) -> bool {
        self.peers.is_underway(name)
    }

    /// Whether there is no connection that counts.
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

    /// Nothing, if the node stops.
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
    //# A node MUST NOT end a link or a monitor because of the end of another session than the one it was
    //# made in.
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
