//! The choice of one connection for each pair of nodes: which of the connections with a peer is the session.
//! Specification: `connection.md`, "One connection for two nodes".
//!
//! Both nodes may dial at the same time, and each learns of the other's dial at a different moment. They agree
//! because both decide by the same rules: the acceptor of a connection decides on it when its REPLY is verified, and
//! tells the initiator the decision by ACK.
//!
//! For every peer, [`Peers`] keeps at most one connection in each of these places, and no others:
//!
//! | place | states | how a connection leaves the place |
//! |---|---|---|
//! | session | up; probed (asked whether it lives, because another connection waits); ending. While a session is up or probed, it can also be closing: this node is ending it gracefully | [`Peers::ended`] |
//! | own dial | connecting (REPLY not sent); replied; acked (ACK received, but an earlier session has not ended yet) | [`Peers::ended`], [`Action::Close`], or it becomes the session |
//! | waiting | an accepted connection whose REPLY is verified, with neither ACK nor REJECT sent | [`Peers::ended`], [`Action::Reject`], or it becomes the session |
//!
//! The other two places decide what happens to a waiting connection, by four rules:
//!
//! | session | own dial | the waiting connection |
//! |---|---|---|
//! | of another incarnation, and its connection was begun later | any | is refused: it comes from an earlier start of the peer |
//! | up or probed, of another incarnation | any | waits while this node ends the session (rule 1) |
//! | up, of the same incarnation, or one of the two incarnations is not known | any | waits while the session is probed (rule 2); is refused if the session shows the sign |
//! | probed, of the same incarnation, or ending | any | waits |
//! | none | none | becomes the session |
//! | none | connecting | becomes the session, and the dial is closed (rule 3) |
//! | none | replied; the peer's name is the smaller one | becomes the session, and the dial stays until the peer answers it (rule 4) |
//! | none | replied; the peer's name is the larger one, or the peer speaks version 1 | waits for the outcome of the dial: is refused if the dial receives ACK, and otherwise becomes the session (rule 4) |
//! | none | any; the peer speaks version 1 and may not have forgotten the last session | waits until the peer has forgotten that session |
//!
//! A dial that receives ACK becomes the session at once, or, if there is another session at that moment, as soon as
//! that session has been ended. If several connections of a peer could wait, the newest one waits, and the others are
//! refused. If the session dies and neither a waiting connection nor an acked dial takes its place, a caller that wants
//! a session must dial again.
//!
//! A session of version 1 that is probed must show more than a sign of life: see [`Sign`].
//!
//! Only version 1 needs the time, which the driver passes to [`Peers::tell_time`]. [`Peers`] has no deadlines: the
//! driver must watch those of handshakes and probes, and report what has ended.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use peer::{Dial, DialState, Judge, Peer, SessionState, Waiting};
use version_1::{CleanUps, Passed};

mod peer;
#[cfg(test)]
mod tests;
mod version_1;

/// The id of a TCP connection that this node has dialled or accepted.
///
/// Ids are never reused, and grow in the order in which connections are begun. Of two waiting connections, the one
/// with the larger id is the one that the peer still wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// The decision of [`Peers::dial`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DialDecision {
    /// Dial. From now on this connection is this node's own dial to that name.
    Start,
    /// There already is a session, on this connection.
    Up(ConnectionId),
    /// This node is gracefully ending the session on this connection. Wait until the session has ended, and ask
    /// again.
    Closing(ConnectionId),
    /// Another connection with that name is being made already. It becomes the session or fails, whatever this caller
    /// does.
    Underway,
    /// The name is this node's own.
    OwnName,
    /// There are as many peers as are allowed.
    Busy,
}

/// The decision of [`Peers::may_reply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplyDecision {
    /// Send REPLY. From now on the peer may answer it, so the dial is kept until its outcome is known.
    Send,
    /// Do not send REPLY before this time, which counts from the start of this node. At this time, ask again.
    Wait(Duration),
    /// Close the dial without sending REPLY. Another connection has become the session in the meantime.
    Close,
}

/// The sign that a probed session must show within [`PROBE_TIMEOUT`](super::limits::PROBE_TIMEOUT).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Any byte. A peer that has given up a connection would send nothing on it.
    Life,
    /// A frame that a node writes only if it still uses the session. A version 1 node that has lost track of a
    /// connection continues to read from it, to answer PING and to send its own PINGs, so these frames do not
    /// suffice.
    Use,
}

/// An action that the driver must carry out for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The connection is now the session. On an accepted connection, write ACK; on a dialled one, ACK has arrived
    /// already. From now on the connection carries frames of the session, and NODEUP must be delivered.
    Up(ConnectionId),
    /// Refuse the connection, which was accepted and waits: send REJECT if the peer knows that message, and close the
    /// connection. [`Peers`] has forgotten it.
    Reject(ConnectionId, Refusal),
    /// Close the connection, which is an own dial that has not sent REPLY and is not needed any more. [`Peers`] has
    /// forgotten it.
    Close(ConnectionId),
    /// Probe the connection, which is the session: send PING. If the session shows this sign within
    /// [`PROBE_TIMEOUT`](super::limits::PROBE_TIMEOUT) (2 s), call [`Peers::alive`]; if it does not, end the session.
    /// A later probe with another sign replaces this one, and has its own time.
    Probe(ConnectionId, Sign),
    /// End the session on this connection, because another connection takes its place.
    End(ConnectionId),
}

/// The reason why a connection is refused after its REPLY was verified. The registry in the specification lists the
/// codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The acceptor has as many peers as are allowed ([`Peers::new`]).
    #[error("the acceptor has as many sessions as it may have (`sessions_max` of its builder)")]
    Busy,
    /// The acceptor has as many sessions from the address of the connection as are allowed.
    #[error(
        "the acceptor has as many sessions from that address as it may have (`sessions_per_address_max` of its builder)"
    )]
    BusyAddress,
    /// Another connection is the session with the initiator, or is becoming the session.
    #[error("there is a session already, or one comes up")]
    Duplicate,
    /// The initiator has the same name as the acceptor.
    #[error("both nodes have the same name")]
    OwnName,
}

/// The peers of one node, each with its connections.
///
/// The driver must keep this value under one lock, report each event by one of the methods, and then carry out the
/// actions that [`Peers::poll_action`] returns, until that returns `None`. The actions of one connection must be
/// carried out in order. A report has no effect if the connection is not in the state that the report is about. So it
/// does no harm, for example, if a connection reports that it has closed while [`Action::Close`] is on its way to it.
///
/// | connection | calls, in order |
/// |---|---|
/// | own dial | [`dial`](Self::dial); [`may_reply`](Self::may_reply) just before REPLY; [`acked`](Self::acked), after which [`Action::Up`] follows |
/// | accepted | [`begun`](Self::begun); [`verified`](Self::verified), after which [`Action::Up`] or [`Action::Reject`] follows |
/// | session | [`alive`](Self::alive) once per probe; [`closing`](Self::closing) if this node begins to end it gracefully; [`ending`](Self::ending) as soon as it is over |
/// | any | [`ended`](Self::ended), last; not needed after [`Action::Close`] and [`Action::Reject`] |
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
    /// Creates the peers of a node that has no peers yet.
    ///
    /// `own_name` must be a completed name, as must all names that are passed to this type. There are at most
    /// `peers_max` peers at once, including nodes that are only being dialled (default:
    /// [`SESSIONS_MAX`](super::limits::SESSIONS_MAX)).
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

    /// Sets the current time, which counts from the start of the node. If the node allows version 1, the driver must
    /// call this before every other report. While a connection from a peer waits, the driver must also call it at the
    /// time that [`Peers::answer_at`] returns for that peer.
    pub fn tell_time(&mut self, now: Duration) {
        let names = match self.clean_ups.tell_time(now) {
            Passed::Of(names) => names,
            Passed::Start => self.peers.keys().cloned().collect(),
        };
        for name in names {
            self.change(&name, |_, _| ());
        }
    }

    /// Returns the time from which a dial to `name` can succeed, or `None` if a dial can succeed now. Before that time,
    /// a version 1 peer has not yet forgotten the last session, and refuses the dial.
    #[must_use]
    pub fn dial_at(&self, name: &str) -> Option<Duration> {
        self.clean_ups.done_at(name)
    }

    /// Returns the time from which ACK and REPLY may be sent to the peer `name`, or `None` if they may be sent now.
    /// The result applies only if the peer speaks version 1.
    #[must_use]
    pub fn answer_at(&self, name: &str) -> Option<Duration> {
        self.clean_ups.all_done_at(name)
    }

    /// Decides whether this node dials `name`. With [`DialDecision::Start`], the dial must be made on `connection`.
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

    /// Records that a connection has been accepted. Its peer is not known until the connection is
    /// [`verified`](Self::verified).
    pub fn begun(&mut self, connection: ConnectionId) {
        self.last_begun = self.last_begun.max(connection);
    }

    /// Decides whether an own dial may send REPLY. The driver must call this just before it would send REPLY.
    /// `version_1` is `true` if the peer speaks version 1.
    #[must_use]
    pub fn may_reply(&mut self, name: &str, connection: ConnectionId, version_1: bool) -> ReplyDecision {
        let Some(peer) = self.peers.get_mut(name) else { return ReplyDecision::Close };
        let is_held = peer.session.is_some();
        let Some(dial) = peer.dial_on(connection) else { return ReplyDecision::Close };
        if matches!(dial.state, DialState::Acked(_)) {
            // The question comes too late: REPLY has been answered.
            return ReplyDecision::Send;
        }
        if version_1 && let Some(at) = self.clean_ups.reply_at(name, is_held) {
            return ReplyDecision::Wait(at);
        }
        dial.state = DialState::Replied;
        dial.version_1 |= version_1;
        ReplyDecision::Send
    }

    /// Records that an own dial has received a valid ACK. `incarnation` is the incarnation of the peer, or `None` if
    /// the peer speaks version 1.
    pub fn acked(&mut self, name: &str, connection: ConnectionId, incarnation: Option<NonZeroU64>) {
        self.change(name, |peer, actions| {
            let Some(dial) = peer.dial_on(connection).filter(|dial| dial.state == DialState::Replied) else {
                return;
            };
            dial.state = DialState::Acked(incarnation);
            //= spec/connection.md#con-elc-011
            //# A node that verifies ACK on its dial MUST refuse the connection of that peer that waits as
            //# duplicate.
            // Rule 4: the other side has answered this dial, so it has no use for its own.
            peer.refuse_waiting(actions);
        });
    }

    /// Records that an accepted connection has been verified: its REPLY proves that it comes from the node `name`.
    /// `incarnation` is the incarnation of the peer, or `None` if the peer speaks version 1.
    pub fn verified(&mut self, name: &str, connection: ConnectionId, incarnation: Option<NonZeroU64>) {
        let refusal = match self.peers.get(name) {
            _ if *name == *self.own_name => Refusal::OwnName,
            //= spec/connection.md#con-elc-014
            //# An acceptor that has `sessions_max` peers MUST refuse a verified connection of any other peer
            //# as busy.
            None if self.is_full() => Refusal::Busy,
            // The connection waits already, or is the session.
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

    /// Records that a session that was probed has shown `sign`. This has no effect if the session must show another
    /// sign by now.
    pub fn alive(&mut self, name: &str, connection: ConnectionId, sign: Sign) {
        self.change(name, |peer, actions| {
            let Some(session) = peer.session_on(connection) else { return };
            if session.state == SessionState::Probed(sign) {
                session.state = SessionState::Up;
                //= spec/connection.md#con-elc-005
                //# If a byte arrives in a session that is probed, an acceptor MUST refuse the connection that
                //# waits as duplicate.
                // Rule 2: the session is alive, so the waiting connection is not needed.
                peer.refuse_waiting(actions);
            }
        });
    }

    /// Records that this node begins to end a session gracefully. From then on, nothing can be sent in the session,
    /// and a caller that dials must wait for its end. For a connection that is to replace the session, the session
    /// still counts as up.
    pub fn closing(&mut self, name: &str, connection: ConnectionId) {
        self.change(name, |peer, _| {
            if let Some(session) = peer.session_on(connection) {
                session.closing = true;
            }
        });
    }

    /// Records that a session is over, but still has something to deliver. The driver must call this before anyone
    /// can learn of the end: a caller that receives NODEDOWN and dials must not be told that the session is up.
    pub fn ending(&mut self, name: &str, connection: ConnectionId) {
        self.change(name, |peer, _| {
            if let Some(session) = peer.session_on(connection) {
                session.state = SessionState::Ending;
            }
        });
    }

    /// Records that a connection is over. This is so when a dial has failed (also by a deadline), when the peer has
    /// closed a waiting connection, or when a session has delivered everything, NODEDOWN last.
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

    /// Returns the next action for the driver, or `None` if there is nothing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Returns the connection of the session with `name`, or `None` if there is no session or it is being ended.
    #[must_use]
    pub fn session(&self, name: &str) -> Option<ConnectionId> {
        self.peers.get(name).and_then(Peer::session)
    }

    /// Returns `true` if a caller that wants a session with `name` has to wait. This is so when [`dial`](Self::dial)
    /// would return [`Underway`](DialDecision::Underway) or [`Closing`](DialDecision::Closing).
    #[must_use]
    pub fn is_underway(&self, name: &str) -> bool {
        use DialDecision::{Closing, Underway};
        self.peers.get(name).is_some_and(|peer| matches!(peer.dial_decision(), Underway | Closing(_)))
    }

    /// Returns `true` if there is a session with the node `name`, a dial to it, or a waiting connection from it.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.peers.contains_key(name)
    }

    /// Returns `true` if this node has no session, no dial, and no waiting connection.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Returns `true` if there are as many peers as are allowed. A connection from any other node would then be
    /// refused as busy.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.peers.len() >= self.peers_max
    }

    /// Changes one peer, settles what follows from the change, and forgets the peer if nothing is left of it.
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
