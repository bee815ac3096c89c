//! One peer: its session, the dial to it, the connection from it that waits, and what follows for each from the others.

use std::collections::VecDeque;
use std::num::NonZeroU64;

use super::{Action, ConnectionId, DialDecision, Refusal, Sign};

/// The facts about a peer, besides its connections, that decisions depend on.
#[derive(Clone, Copy)]
pub(super) struct Judge {
    pub(super) last_begun: ConnectionId,
    pub(super) own_name_is_smaller: bool,
    /// Set if the peer, in case it speaks version 1, may still hold a session that has ended here.
    pub(super) version_1_cleans_up: bool,
}

/// One peer, with its connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Peer {
    pub(super) session: Option<Session>,
    pub(super) dial: Option<Dial>,
    pub(super) waiting: Option<Waiting>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Session {
    pub(super) connection: ConnectionId,
    /// The connection that had been begun last when the session came up.
    pub(super) last_begun: ConnectionId,
    pub(super) incarnation: Option<NonZeroU64>,
    pub(super) state: SessionState,
    /// Set if this node is ending the session gracefully.
    pub(super) closing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum SessionState {
    Up,
    /// The session was asked for this sign.
    Probed(Sign),
    /// The session was told to end, or has ended by itself; not everything is delivered.
    Ending,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Dial {
    pub(super) connection: ConnectionId,
    pub(super) state: DialState,
    /// Set if REPLY was sent to a peer that speaks version 1.
    pub(super) version_1: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum DialState {
    /// REPLY is not sent: the peer knows nothing of the dial that matters.
    Connecting,
    /// REPLY is sent: the peer may have made the dial its session.
    Replied,
    /// The dial is the peer's session. It becomes this node's session when the one before it has ended.
    Acked(Option<NonZeroU64>),
}

/// An accepted connection that is verified.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Waiting {
    pub(super) connection: ConnectionId,
    pub(super) incarnation: Option<NonZeroU64>,
}

impl Peer {
    pub(super) fn dial_decision(&self) -> DialDecision {
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

    pub(super) fn session(&self) -> Option<ConnectionId> {
        self.session_up().filter(|session| !session.closing).map(|session| session.connection)
    }

    fn session_up(&self) -> Option<&Session> {
        self.session.as_ref().filter(|session| session.state != SessionState::Ending)
    }

    pub(super) fn has_accepted(&self, connection: ConnectionId) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| waiting.connection == connection)
            || self.session.as_ref().is_some_and(|session| session.connection == connection)
    }

    pub(super) fn session_on(&mut self, connection: ConnectionId) -> Option<&mut Session> {
        self.session.as_mut().filter(|session| session.connection == connection)
    }

    pub(super) fn dial_on(&mut self, connection: ConnectionId) -> Option<&mut Dial> {
        self.dial.as_mut().filter(|dial| dial.connection == connection)
    }

    /// Returns `true` if a peer that speaks version 1 has made this connection its session, or may have.
    pub(super) fn is_held_by_version_1(&mut self, connection: ConnectionId) -> bool {
        self.session_on(connection).is_some_and(|session| session.incarnation.is_none())
            || self.dial_on(connection).is_some_and(|dial| dial.version_1)
    }

    pub(super) fn refuse_waiting(&mut self, actions: &mut VecDeque<Action>) {
        if let Some(waiting) = self.waiting.take() {
            actions.push_back(Action::Reject(waiting.connection, Refusal::Duplicate));
        }
    }

    /// Moves on every connection that can move on.
    pub(super) fn settle(&mut self, judge: Judge, actions: &mut VecDeque<Action>) {
        if let Some(Dial { connection, state: DialState::Acked(incarnation), .. }) = self.dial {
            match &mut self.session {
                //= spec/connection.md#con-elc-013
                //# An initiator that verifies ACK while it has another session with that peer MUST end that
                //# session before it uses the new one.
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
            //# If the connection of a session with another incarnation of the peer began later than the
            //# connection that waits, an acceptor MUST refuse the one that waits as duplicate.
            (Some(session), _) if session.is_of_later_start(connection, incarnation) => {
                self.refuse_waiting(actions);
            }
            //= spec/connection.md#con-elc-003
            //# If there is a session with another incarnation of the peer, an acceptor MUST end that session
            //# before it sends ACK.
            (Some(session), _) if session.is_of_another(incarnation) => session.end(actions),
            //= spec/connection.md#con-elc-004
            //# If a session is up or probed, and its incarnation is that of the connection that waits or one
            //# of the two is not known, an acceptor MUST withhold ACK and, unless the session is probed for
            //# the needed sign already, send PING in it.
            (Some(session), _) => session.probe(connection, actions),
            (None, Some(Dial { state: DialState::Replied, .. }))
                //= spec/connection.md#con-elc-010
                //# If there is no session with the peer but a dial to it on which REPLY was sent, an acceptor
                //# whose own name is the smaller one MUST withhold ACK until that dial has received ACK or
                //# has ended.
                //= spec/version1.md#v1-elc-001
                //# An acceptor MUST withhold ACK from a version 1 peer while it has a dial to it on which
                //# REPLY was sent, whatever the names are.
                // A version 1 node accepts every connection, and a second one corrupts its tables.
                if judge.own_name_is_smaller || incarnation.is_none() => {}
            // The peer would forget this session in place of the last one.
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
    /// Returns `true` if the session is certainly of another start. A version 1 node does not say which of its starts
    /// it is, and so has to be probed.
    fn is_of_another(&self, incarnation: Option<NonZeroU64>) -> bool {
        matches!((self.incarnation, incarnation), (Some(ours), Some(other)) if ours != other)
    }

    /// Returns `true` if the peer was restarted after it had begun the accepted connection `other`.
    ///
    /// Its earlier start was there before that connection was accepted, and its later one has answered on the
    /// session's connection, which was begun after that. Rule 1 alone would let the late REPLY of a dead start end
    /// the session with its successor.
    fn is_of_later_start(&self, other: ConnectionId, incarnation: Option<NonZeroU64>) -> bool {
        self.is_of_another(incarnation) && other < self.connection
    }

    /// Probes the session because the connection `other` waits. If `other` was accepted before this session came up,
    /// its peer did not dial it for lack of the session.
    fn probe(&mut self, other: ConnectionId, actions: &mut VecDeque<Action>) {
        let is_lost_perhaps = self.incarnation.is_none() && other > self.last_begun;
        let sign = if is_lost_perhaps { Sign::Use } else { Sign::Life };
        match self.state {
            SessionState::Up => self.ask_for(sign, actions),
            //= spec/version1.md#v1-elc-007
            //# If the connection that waits changes while a version 1 session is probed, an acceptor MUST
            //# probe anew, with another PING, unless the sign that it needs now is the one that it asked for;
            //# if none waits any more, that is any byte.
            SessionState::Probed(before) if before != sign => self.ask_for(sign, actions),
            SessionState::Probed(_) | SessionState::Ending => {}
        }
    }

    /// Probes the session while no connection waits. A session that is not in use at the moment passes this probe.
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
