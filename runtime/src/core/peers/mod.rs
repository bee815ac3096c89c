//! One connection per pair of nodes: which of the connections with a peer is the session.
//!
//! Both nodes may dial at once, and each learns of the other's dial at its own time. Both decide by the same rules,
//! so that they agree: the acceptor of a connection decides on it, when its REPLY is good, and says so by ACK.
//!
//! Of every peer there is at most one of each of these, and nothing else:
//!
//! | place | states | leaves by |
//! |---|---|---|
//! | session | up; probed (asked whether it lives, because another connection waits); ending. Up or probed it may be closing: this node is ending it in order | [`Peers::ended`] |
//! | own dial | connecting (REPLY not sent); replied; acked (ACK received, the session before it still ends) | [`Peers::ended`], [`Action::Close`], or it becomes the session |
//! | waiting | an incoming connection with a good REPLY, neither accepted nor refused | [`Peers::ended`], [`Action::Reject`], or it becomes the session |
//!
//! What happens to the one that waits, by what else there is:
//!
//! | session | own dial | the one that waits |
//! |---|---|---|
//! | of another incarnation, on a connection that was begun later | any | it is refused: it comes from a start that is over |
//! | up or probed, of another incarnation | any | the session is ended, it waits for that (rule 1) |
//! | up, of the same incarnation or if one is not known | any | the session is probed, it waits (rule 2); any byte refuses it |
//! | probed, of the same, or ending | any | it waits |
//! | none | none | becomes the session |
//! | none | connecting | becomes the session, the dial is closed (rule 3) |
//! | none | replied; the peer's name is the smaller one | becomes the session, the dial stays until the peer answers it (rule 4) |
//! | none | replied; the peer's name is the larger one, or the peer speaks version 1 | it waits; ACK refuses it, any other end of the dial makes it the session (rule 4) |
//! | none | any, and a peer that speaks version 1 may not have forgotten the last one | it waits for that |
//!
//! A dial that receives ACK becomes the session at once, or as soon as the one there has ended: it is ended for it.
//! Of several that could wait the newest does, the others are refused. If the session dies nothing is kept in its
//! place: whoever wants one dials again.
//!
//! A session of version 1 that is probed must show more than that it lives: see [`Sign`].
//!
//! Time is needed for version 1 alone, and comes in by [`Peers::tell_time`]. The deadlines belong to whoever they end:
//! that of a dial to the dial, that of a probe to the session.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use version_1::{CleanUps, Passed};

#[cfg(test)]
mod tests;
mod version_1;

/// One TCP connection, dialled or accepted. Never given twice, and rising in the order in which connections are
/// begun: of two that wait, the later one is the one its peer still wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// What [`Peers::dial`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DialDecision {
    /// Dial: the connection is the own dial to that name from now on.
    Start,
    /// There is a session already, on this connection.
    Up(ConnectionId),
    /// This node is ending the session on this connection in order: wait until that has ended, and ask again.
    Closing(ConnectionId),
    /// A connection is being made already; it comes up or it fails without this caller.
    Underway,
    /// The name is this node's own.
    OwnName,
    /// There are as many peers as there may be.
    Busy,
}

/// What [`Peers::may_reply`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplyDecision {
    /// REPLY goes out. The peer may answer it from here on, so the dial is seen through.
    Send,
    /// Not before this time: ask again then.
    Wait(Duration),
    /// Another connection has come up meanwhile: the dial is closed without REPLY.
    Close,
}

/// What a probed session must show within [`PROBE_TIMEOUT`](super::limits::PROBE_TIMEOUT).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Any byte: the peer would not answer on a connection that it has given up.
    Life,
    /// A frame that only a node writes that still uses the session. A version 1 node goes on reading, answering PING and
    /// sending its own on a connection that it has lost sight of.
    Use,
}

/// What is to be done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It is the session: an accepted one writes ACK, one that was dialled has read it. Frames of the session flow
    /// from here on, and nodeup is due.
    Up(ConnectionId),
    /// It was accepted and waits, and is refused: REJECT, to peers that know it, and close. It is forgotten.
    Reject(ConnectionId, Refusal),
    /// It is an own dial that has not sent REPLY and is not needed any more: close. It is forgotten.
    Close(ConnectionId),
    /// It is the session and must show a sign: PING. If that comes within
    /// [`PROBE_TIMEOUT`](super::limits::PROBE_TIMEOUT), it is reported to [`Peers::alive`]; otherwise the session ends.
    /// Another sign than before takes the place of that one, with a time of its own.
    Probe(ConnectionId, Sign),
    /// It is the session and gives way to another connection: end it.
    End(ConnectionId),
}

/// Why a connection is refused after its REPLY was good. The numbers are in the specification's registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There are as many peers as there may be.
    #[error("the acceptor has as many sessions as it may have (`sessions_max` of its builder)")]
    Busy,
    /// There are as many sessions from the address of the connection as there may be.
    #[error(
        "the acceptor has as many sessions from that address as it may have (`sessions_per_address_max` of its builder)"
    )]
    BusyAddress,
    /// Another connection is, or becomes, the session with that peer.
    #[error("there is a session already, or one comes up")]
    Duplicate,
    /// The peer has this node's own name.
    #[error("both nodes have the same name")]
    OwnName,
}

/// Every peer of one node.
///
/// Whoever drives it holds it under one lock, calls an input, and carries out what [`Peers::poll_action`] returns
/// until that is nothing, each connection's in order. An input for a connection that is not (or no longer) what the
/// input is about changes nothing, so a connection may be told to close while it reports that it has.
///
/// | connection | calls, in order |
/// |---|---|
/// | own dial | [`dial`](Self::dial); [`may_reply`](Self::may_reply) just before REPLY; [`acked`](Self::acked), then it waits for [`Action::Up`] |
/// | accepted | [`begun`](Self::begun); [`verified`](Self::verified), then it waits for [`Action::Up`] or [`Action::Reject`] |
/// | session | [`alive`](Self::alive) once per probe; [`closing`](Self::closing) if it is to end in order; [`ending`](Self::ending) as soon as it is over |
/// | any | [`ended`](Self::ended) last, unless it was told to close or refused |
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Peers {
    own_name: Arc<str>,
    peers_max: usize,
    //= spec/dist.md#dist-nam-004
    //# Completed node names MUST be compared and ordered byte by byte.
    peers: BTreeMap<Arc<str>, Peer>,
    actions: VecDeque<Action>,
    clean_ups: CleanUps,
    /// The connection that was begun last.
    last_begun: ConnectionId,
}

impl Peers {
    /// No peers, for the node `own_name`: a completed name, as all names here are. At most `peers_max` of them at
    /// once, dials included (see [`SESSIONS_MAX`](super::limits::SESSIONS_MAX)).
    #[must_use]
    pub fn new(own_name: &str, peers_max: usize) -> Self {
        Self {
            own_name: own_name.into(),
            peers_max,
            peers: BTreeMap::new(),
            actions: VecDeque::new(),
            clean_ups: CleanUps::new(),
            last_begun: ConnectionId(0),
        }
    }

    /// Moves the time on, which counts from the start of the node. To be called before every other input of a node that
    /// allows version 1, and at [`Peers::answer_at`] while a connection of that name waits.
    pub fn tell_time(&mut self, now: Duration) {
        let names = match self.clean_ups.tell_time(now) {
            Passed::Of(names) => names,
            Passed::Start => self.peers.keys().cloned().collect(),
        };
        for name in names {
            self.change(&name, |_, _| ());
        }
    }

    /// When a dial to `name` is worth beginning, if that is not now: before, a version 1 peer refuses it, as it has not
    /// yet forgotten the last session.
    #[must_use]
    pub fn dial_at(&self, name: &str) -> Option<Duration> {
        self.clean_ups.done_at(name)
    }

    /// When ACK and REPLY can be sent to the peer `name`, if it speaks version 1 and that is not now.
    #[must_use]
    pub fn answer_at(&self, name: &str) -> Option<Duration> {
        self.clean_ups.all_done_at(name)
    }

    /// Whether a connection is to be made to `name`. If so, `connection` is that connection.
    #[must_use]
    pub fn dial(&mut self, name: &str, connection: ConnectionId) -> DialDecision {
        let decision = match self.peers.get(name) {
            //= spec/connection.md#con-dia-001
            //# A node MUST NOT dial its own name.
            _ if *name == *self.own_name => DialDecision::OwnName,
            Some(peer) => peer.dial_decision(),
            None if self.is_full() => DialDecision::Busy,
            None => DialDecision::Start,
        };
        if decision == DialDecision::Start {
            self.begun(connection);
            let dial = Dial { connection, state: DialState::Connecting, version_1: false };
            self.peers.entry(name.into()).or_default().dial = Some(dial);
        }
        decision
    }

    /// A connection has been accepted: whose it is will be known when it is [`verified`](Self::verified).
    pub fn begun(&mut self, connection: ConnectionId) {
        self.last_begun = self.last_begun.max(connection);
    }

    /// Whether an own dial may send REPLY, asked just before. `version_1`: so the peer speaks.
    #[must_use]
    pub fn may_reply(&mut self, name: &str, connection: ConnectionId, version_1: bool) -> ReplyDecision {
        let Some(peer) = self.peers.get_mut(name) else { return ReplyDecision::Close };
        let is_held = peer.session.is_some();
        let Some(dial) = peer.dial_on(connection) else { return ReplyDecision::Close };
        if matches!(dial.state, DialState::Acked(_)) {
            // Asked too late: REPLY has been answered.
            return ReplyDecision::Send;
        }
        if version_1 && let Some(at) = self.clean_ups.reply_at(name, is_held) {
            return ReplyDecision::Wait(at);
        }
        dial.state = DialState::Replied;
        dial.version_1 |= version_1;
        ReplyDecision::Send
    }

    /// An own dial has received ACK, and it is good. `incarnation` is the peer's, `None` in version 1.
    pub fn acked(&mut self, name: &str, connection: ConnectionId, incarnation: Option<NonZeroU64>) {
        self.change(name, |peer, actions| {
            let Some(dial) = peer.dial_on(connection).filter(|dial| dial.state == DialState::Replied) else {
                return;
            };
            dial.state = DialState::Acked(incarnation);
            //= spec/connection.md#con-elc-011
            //# A node whose dial receives an ACK that it can verify MUST refuse the connection of that peer
            //# that waits as duplicate.
            // Rule 4: the other side has answered this dial, so it has no use for its own.
            peer.refuse_waiting(actions);
        });
    }

    /// An accepted connection has shown in its REPLY that it comes from the node `name`. `incarnation` as in
    /// [`acked`](Self::acked).
    pub fn verified(&mut self, name: &str, connection: ConnectionId, incarnation: Option<NonZeroU64>) {
        let refusal = match self.peers.get(name) {
            _ if *name == *self.own_name => Refusal::OwnName,
            //= spec/connection.md#con-elc-014
            //# An acceptor that has `sessions_max` peers MUST refuse a verified connection of any other peer
            //# as busy.
            None if self.is_full() => Refusal::Busy,
            // It waits already, or is the session.
            Some(peer) if peer.has_accepted(connection) => return,
            //= spec/connection.md#con-elc-012
            //# If two connections of one peer would wait, an acceptor MUST refuse the one that was accepted
            //# earlier as duplicate.
            Some(Peer { waiting: Some(waiting), .. }) if waiting.connection > connection => {
                Refusal::Duplicate
            }
            _ => {
                self.peers.entry(name.into()).or_default();
                return self.change(name, |peer, actions| {
                    peer.refuse_waiting(actions);
                    peer.waiting = Some(Waiting { connection, incarnation });
                });
            }
        };
        self.actions.push_back(Action::Reject(connection, refusal));
    }

    /// A session that was probed has shown `sign`. If it has been asked for another one meanwhile, that says nothing.
    pub fn alive(&mut self, name: &str, connection: ConnectionId, sign: Sign) {
        self.change(name, |peer, actions| {
            let Some(session) = peer.session_on(connection) else { return };
            if session.state == SessionState::Probed(sign) {
                session.state = SessionState::Up;
                //= spec/connection.md#con-elc-005
                //# If a byte arrives in a session that is probed, an acceptor MUST refuse the connection that
                //# waits as duplicate.
                // Rule 2: the session lives, so whatever waits is one too many.
                peer.refuse_waiting(actions);
            }
        });
    }

    /// This node begins to end a session in order. It still counts as up where others ask for its place, but nothing
    /// can be sent in it any more, and whoever dials waits for its end.
    pub fn closing(&mut self, name: &str, connection: ConnectionId) {
        self.change(name, |peer, _| {
            if let Some(session) = peer.session_on(connection) {
                session.closing = true;
            }
        });
    }

    /// A session is over and delivers what is left: to be called before anyone can learn of it, so that whoever
    /// dials at its nodedown is not told that it is up.
    pub fn ending(&mut self, name: &str, connection: ConnectionId) {
        self.change(name, |peer, _| {
            if let Some(session) = peer.session_on(connection) {
                session.state = SessionState::Ending;
            }
        });
    }

    /// A connection is over: a dial failed, its deadlines included; one that waits was closed by its peer; a session
    /// has delivered everything, its nodedown last.
    pub fn ended(&mut self, name: &str, connection: ConnectionId) {
        if self.peers.get_mut(name).is_some_and(|peer| peer.is_held_by_version_1(connection)) {
            self.clean_ups.begin(name);
        }
        self.change(name, |peer, _| {
            peer.session.take_if(|session| session.connection == connection);
            peer.dial.take_if(|dial| dial.connection == connection);
            peer.waiting.take_if(|waiting| waiting.connection == connection);
        });
    }

    /// What is to be done next.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The session with `name`, if it is up and not closing.
    #[must_use]
    pub fn session(&self, name: &str) -> Option<ConnectionId> {
        self.peers.get(name).and_then(Peer::session)
    }

    /// Returns `true` if whoever wants a session with `name` has to wait: if [`dial`](Self::dial) would say
    /// [`Underway`](DialDecision::Underway) or [`Closing`](DialDecision::Closing).
    #[must_use]
    pub fn is_underway(&self, name: &str) -> bool {
        use DialDecision::{Closing, Underway};
        self.peers.get(name).is_some_and(|peer| matches!(peer.dial_decision(), Underway | Closing(_)))
    }

    /// Returns `true` if there is a session with the node `name`, a dial to it, or a connection of it that waits.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.peers.contains_key(name)
    }

    /// Whether there is neither a session, nor a dial, nor a connection that waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Whether there are as many peers as there may be: a connection from another one would be refused as busy.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.peers.len() >= self.peers_max
    }

    /// Changes one peer, draws the conclusions, and forgets the peer if nothing is left of it.
    fn change(&mut self, name: &str, change: impl FnOnce(&mut Peer, &mut VecDeque<Action>)) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        change(peer, &mut self.actions);
        let judge = Judge {
            last_begun: self.last_begun,
            own_name_is_smaller: *self.own_name < *name,
            version_1_cleans_up: self.clean_ups.all_done_at(name).is_some(),
        };
        peer.settle(judge, &mut self.actions);
        if *peer == Peer::default() {
            self.peers.remove(name);
        }
    }
}

/// What a node knows of a peer beside its connections.
#[derive(Clone, Copy)]
struct Judge {
    last_begun: ConnectionId,
    own_name_is_smaller: bool,
    /// If it speaks version 1, it may still hold a session that has ended here.
    version_1_cleans_up: bool,
}

/// One peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Peer {
    session: Option<Session>,
    dial: Option<Dial>,
    waiting: Option<Waiting>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Session {
    connection: ConnectionId,
    /// The connection that had been begun last when it came up.
    last_begun: ConnectionId,
    incarnation: Option<NonZeroU64>,
    state: SessionState,
    /// This node ends it in order.
    closing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum SessionState {
    Up,
    /// Asked for this sign.
    Probed(Sign),
    /// Told to end, or over by itself; not all is delivered.
    Ending,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Dial {
    connection: ConnectionId,
    state: DialState,
    /// REPLY was sent, to a peer that speaks version 1.
    version_1: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum DialState {
    /// REPLY not sent: the peer knows nothing of it that matters.
    Connecting,
    /// REPLY sent: the peer may have made it its session.
    Replied,
    /// The peer's session; becomes ours when the one before it has ended.
    Acked(Option<NonZeroU64>),
}

/// An accepted connection that is verified.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Waiting {
    connection: ConnectionId,
    incarnation: Option<NonZeroU64>,
}

impl Peer {
    fn dial_decision(&self) -> DialDecision {
        match self.session_up() {
            //= spec/connection.md#con-dia-003
            //# A node MUST NOT dial a name with which it has a session that is up.
            Some(session) if session.closing => DialDecision::Closing(session.connection),
            Some(session) => DialDecision::Up(session.connection),
            //= spec/connection.md#con-dia-002
            //# A node MUST NOT have two dials to one node name at the same time.
            //= spec/connection.md#con-dia-004
            //# A node MUST NOT dial a name from which a connection waits.
            None if self.dial.is_some() || self.waiting.is_some() => DialDecision::Underway,
            None => DialDecision::Start,
        }
    }

    fn session(&self) -> Option<ConnectionId> {
        self.session_up().filter(|session| !session.closing).map(|session| session.connection)
    }

    fn session_up(&self) -> Option<&Session> {
        self.session.as_ref().filter(|session| session.state != SessionState::Ending)
    }

    fn has_accepted(&self, connection: ConnectionId) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| waiting.connection == connection)
            || self.session.as_ref().is_some_and(|session| session.connection == connection)
    }

    fn session_on(&mut self, connection: ConnectionId) -> Option<&mut Session> {
        self.session.as_mut().filter(|session| session.connection == connection)
    }

    fn dial_on(&mut self, connection: ConnectionId) -> Option<&mut Dial> {
        self.dial.as_mut().filter(|dial| dial.connection == connection)
    }

    /// Whether a peer that speaks version 1 has made this connection its session, or may have.
    fn is_held_by_version_1(&mut self, connection: ConnectionId) -> bool {
        self.session_on(connection).is_some_and(|session| session.incarnation.is_none())
            || self.dial_on(connection).is_some_and(|dial| dial.version_1)
    }

    fn refuse_waiting(&mut self, actions: &mut VecDeque<Action>) {
        if let Some(waiting) = self.waiting.take() {
            actions.push_back(Action::Reject(waiting.connection, Refusal::Duplicate));
        }
    }

    /// Moves on whatever can move on.
    fn settle(&mut self, judge: Judge, actions: &mut VecDeque<Action>) {
        if let Some(Dial { connection, state: DialState::Acked(incarnation), .. }) = self.dial {
            match &mut self.session {
                //= spec/connection.md#con-elc-013
                //# An initiator that receives an ACK that it can verify while it has another session with
                //# that peer MUST end that session before it uses the new one.
                // The peer has given up the session that this node still holds, or it would not have sent ACK.
                Some(session) => session.end(actions),
                None => {
                    self.dial = None;
                    self.come_up(connection, incarnation, judge.last_begun, actions);
                }
            }
        }
        let Some(Waiting { connection, incarnation }) = self.waiting else {
            if let Some(session) = &mut self.session {
                session.probe_for_nobody(actions);
            }
            return;
        };
        match (&mut self.session, &self.dial) {
            //= spec/connection.md#con-elc-018
            //# If there is a session with another incarnation of the peer whose connection was begun later than the
            //# one that waits, an acceptor MUST refuse the connection that waits as duplicate.
            (Some(session), _) if session.is_of_later_start(connection, incarnation) => {
                self.refuse_waiting(actions);
            }
            //= spec/connection.md#con-elc-003
            //# If there is a session with another incarnation of the peer, an acceptor MUST end that session
            //# before it sends ACK.
            (Some(session), _) if session.is_of_another(incarnation) => session.end(actions),
            //= spec/connection.md#con-elc-004
            //# If there is a session that is up and its incarnation is that of the connection that waits, or
            //# one of the two is not known, an acceptor MUST send PING in that session and withhold ACK.
            (Some(session), _) => session.probe(connection, actions),
            (None, Some(Dial { state: DialState::Replied, .. }))
                //= spec/connection.md#con-elc-010
                //# If there is no session with the peer but a dial to it on which REPLY was sent, an acceptor
                //# whose own name is the smaller one MUST withhold ACK until that dial has received ACK or
                //# has ended.
                //= spec/version1.md#v1-elc-001
                //# An acceptor MUST withhold ACK from a version 1 peer while it has a dial to it on which
                //# REPLY was sent, whatever the names are.
                // A v1 node takes whatever it is given: a second connection corrupts its tables.
                if judge.own_name_is_smaller || incarnation.is_none() => {}
            // It would forget this session in place of the last one.
            (None, _) if judge.version_1_cleans_up && incarnation.is_none() => {}
            //= spec/connection.md#con-elc-007
            //# If there is neither a session with the peer nor a dial to it on which REPLY was sent, an
            //# acceptor MUST send ACK.
            //= spec/connection.md#con-elc-009
            //# If there is no session with the peer but a dial to it on which REPLY was sent, an acceptor
            //# whose own name is the larger one MUST send ACK to a peer of version 2.
            (None, dial) => {
                if let Some(Dial { connection, state: DialState::Connecting, .. }) = *dial {
                    self.dial = None;
                    //= spec/connection.md#con-elc-008
                    //# A node MUST close a dial on which it has not sent REPLY when another connection
                    //# becomes the session with that peer.
                    actions.push_back(Action::Close(connection));
                }
                self.waiting = None;
                self.come_up(connection, incarnation, judge.last_begun, actions);
            }
        }
    }

    fn come_up(
        &mut self,
        connection: ConnectionId,
        incarnation: Option<NonZeroU64>,
        last_begun: ConnectionId,
        actions: &mut VecDeque<Action>,
    ) {
        //= spec/connection.md#con-elc-001
        //# A node MUST NOT have two sessions with one node name at the same time.
        self.session =
            Some(Session { connection, last_begun, incarnation, state: SessionState::Up, closing: false });
        actions.push_back(Action::Up(connection));
    }
}

impl Session {
    /// Certainly so: a v1 node does not say which of its starts it is, and so has to be probed.
    fn is_of_another(&self, incarnation: Option<NonZeroU64>) -> bool {
        matches!((self.incarnation, incarnation), (Some(ours), Some(other)) if ours != other)
    }

    /// Whether the peer was started anew after it had begun the accepted connection `other`: it was there, as another
    /// start, before that was accepted, and has answered on the session's connection, which was begun after that. Rule
    /// 1 alone would let the late REPLY of a dead start end the session with its successor.
    fn is_of_later_start(&self, other: ConnectionId, incarnation: Option<NonZeroU64>) -> bool {
        self.is_of_another(incarnation) && other < self.connection
    }

    /// `other` is the connection that waits. If it was accepted before this session came up, its peer did not dial it
    /// for want of the session.
    fn probe(&mut self, other: ConnectionId, actions: &mut VecDeque<Action>) {
        let is_lost_perhaps = self.incarnation.is_none() && other > self.last_begun;
        let sign = if is_lost_perhaps { Sign::Use } else { Sign::Life };
        match self.state {
            SessionState::Up => self.ask_for(sign, actions),
            //= spec/version1.md#v1-elc-007
            //# If the connection that waits changes while a version 1 session is probed, an acceptor MUST probe the
            //# session anew, with another PING, unless the sign that the connection which waits now calls for is the
            //# one that was asked for before; if none waits any more, that sign is any byte.
            SessionState::Probed(before) if before != sign => self.ask_for(sign, actions),
            SessionState::Probed(_) | SessionState::Ending => {}
        }
    }

    /// No connection waits. A session that is used by nobody just now is in order then.
    fn probe_for_nobody(&mut self, actions: &mut VecDeque<Action>) {
        if self.state == SessionState::Probed(Sign::Use) {
            self.ask_for(Sign::Life, actions);
        }
    }

    fn ask_for(&mut self, sign: Sign, actions: &mut VecDeque<Action>) {
        self.state = SessionState::Probed(sign);
        actions.push_back(Action::Probe(self.connection, sign));
    }

    fn end(&mut self, actions: &mut VecDeque<Action>) {
        if self.state != SessionState::Ending {
            self.state = SessionState::Ending;
            actions.push_back(Action::End(self.connection));
        }
    }
}
