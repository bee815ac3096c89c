//! A connection before it is a session: the handshake in either role, and its deadlines. Specification:
//! `handshake.md`; `connection.md`, "Before the session".

use std::sync::Arc;
use std::time::Duration;

use snow_dist_codec::handshake::Reject;
use snow_dist_codec::limits::HANDSHAKE_BYTES_MAX;
use snow_dist_codec::{NodeName, framing};

use super::event::Shown;
use super::{Ending, EndpointEvent, Randomness, Transmit, Waits};
use crate::core::epochs::Facts;
use crate::core::handshake::{Certified, Channel, Established, Failure, Local, Peer, acceptor, initiator};
use crate::core::limits::{ACK_DEADLINE, HANDSHAKE_DEADLINE};
use crate::core::peers::Refusal;
use crate::core::session::{Config, Timing, Version};
use crate::core::{NodeNumber, Patience};

/// The end of a connection that this node is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::core) enum Role {
    /// This node has dialled the node of this completed name.
    Initiator(Arc<str>),
    /// This node has accepted the connection.
    Acceptor,
}

/// The state of a connection that is not a session yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Opening {
    local: Arc<Local>,
    timing: Timing,
    random: Randomness,
    state: State,
    /// The event that is waited for, with the time that it may take.
    waits: Option<(Patience, Waits)>,
    /// The messages that are to be written.
    out: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::large_enum_variant, reason = "it is boxed as a whole, and short-lived")]
enum State {
    /// TCP and TLS are under way.
    Securing(Role),
    ExpectName(acceptor::ExpectName),
    ExpectReply(acceptor::ExpectReply),
    /// The peer has proven its identity, and waits for ACK.
    Verified(acceptor::Verified),
    ExpectChallenge(initiator::ExpectChallenge),
    /// REPLY is made, and waits until it may be sent.
    Replying(Vec<u8>, initiator::ExpectAck),
    ExpectAck(initiator::ExpectAck),
    /// The peer has accepted. The connection becomes the session as soon as the endpoint allows it.
    Acked,
    /// A message is being handled, or the handshake has failed.
    Over,
}

impl Opening {
    pub(super) fn new(
        local: Arc<Local>,
        timing: Timing,
        role: Role,
        random: Randomness,
        now: Duration,
    ) -> Self {
        //= spec/connection.md#con-dln-001
        //# An acceptor MUST close a connection that is not verified `handshake_deadline` after TCP has
        //# accepted it.
        //= spec/connection.md#con-dln-002
        //# An initiator MUST give up a dial on which it has not sent REPLY `handshake_deadline` after it
        //# began to connect.
        let waits = Some((Patience::new(HANDSHAKE_DEADLINE, now), Waits::Handshake));
        Self { local, timing, random, state: State::Securing(role), waits, out: Vec::new() }
    }

    pub(super) fn secured(
        &mut self,
        channel: Channel,
        certified: Option<Certified>,
    ) -> Result<Option<EndpointEvent>, Ending> {
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Securing(Role::Acceptor) => {
                State::ExpectName(acceptor::start(self.local.clone(), channel).certified(certified))
            }
            State::Securing(Role::Initiator(name)) => {
                let dialled = NodeName::parse(&name).map_err(|_| Failure::NotAName(name.clone()))?;
                let (hello, next) = initiator::start(self.local.clone(), channel, dialled)?;
                self.say(&hello);
                State::ExpectChallenge(next.certified(certified))
            }
            other => {
                self.state = other;
                return Ok(None);
            }
        };
        Ok(Some(EndpointEvent::Secured))
    }

    /// Handles a message of the handshake. Returns an event for the endpoint, if there is one.
    //= spec/connection.md#con-dln-004
    //# A node MUST NOT move a deadline of the handshake because bytes arrive.
    pub(super) fn handle_message(&mut self, message: &[u8]) -> Result<Option<EndpointEvent>, Ending> {
        let (next, event) = match std::mem::replace(&mut self.state, State::Over) {
            State::ExpectName(state) => {
                let handled = state.handle(message, self.random.challenge);
                let (challenge, next) = handled.map_err(|refusal| self.refused(refusal))?;
                self.say(&challenge);
                (State::ExpectReply(next), EndpointEvent::Named)
            }
            State::ExpectReply(state) => {
                let verified = state.handle(message).map_err(|refusal| self.refused(refusal))?;
                let shown = self.shown(verified.peer(), verified.used_old_cookie());
                // From here on only the choice between the connections with this peer ends it.
                self.waits = None;
                (State::Verified(verified), EndpointEvent::Verified(Box::new(shown)))
            }
            State::ExpectChallenge(state) => {
                let (reply, next) = state.handle(message, self.random.challenge)?;
                let version_1 = next.peer().version == 1;
                (State::Replying(reply, next), EndpointEvent::MayReply { version_1 })
            }
            State::ExpectAck(state) => {
                let Established { peer, .. } = state.handle(message)?;
                self.waits = None;
                (State::Acked, EndpointEvent::Acked(Box::new(self.shown(&peer, false))))
            }
            other => {
                // Nothing is read while the endpoint's verdict is awaited.
                self.state = other;
                return Ok(None);
            }
        };
        self.state = next;
        Ok(Some(event))
    }

    /// Sends REPLY. The time for ACK begins.
    pub(super) fn reply(&mut self, now: Duration) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Replying(reply, next) => {
                self.say(&reply);
                self.state = State::ExpectAck(next);
                //= spec/connection.md#con-dln-003
                //# An initiator MUST give up a dial on which it has not received ACK `ack_deadline` after it sent REPLY.
                self.waits = Some((Patience::new(ACK_DEADLINE, now), Waits::Ack));
            }
            other => self.state = other,
        }
    }

    /// Completes the handshake: the connection becomes the session. Returns ACK, framed, if this node sends one,
    /// after what else is still to be written.
    pub(super) fn accept(&mut self) -> Vec<u8> {
        if let State::Verified(verified) = std::mem::replace(&mut self.state, State::Over) {
            let (ack, _) = verified.accept();
            self.say(&ack);
        }
        std::mem::take(&mut self.out)
    }

    /// Refuses the connection, by a REJECT if the peer can read one, and returns its ending.
    pub(super) fn refuse(&mut self, refusal: Refusal) -> Ending {
        if let State::Verified(verified) = std::mem::replace(&mut self.state, State::Over)
            && let Some(reject) = verified.refuse(code(refusal), &refusal.to_string())
        {
            self.say(&reject);
        }
        Ending::Refused(refusal)
    }

    fn refused(&mut self, refusal: crate::core::handshake::Refusal) -> Ending {
        //= spec/handshake.md#hs-rej-006
        //# An acceptor SHOULD send REJECT with the code of its course before it closes the connection.
        if let Some(reject) = refusal.reject {
            self.say(&reject);
        }
        //= spec/handshake.md#hs-crs-002
        //# A node MUST close the connection when its course ends the handshake.
        Ending::Handshake(refusal.failure)
    }

    /// Returns the ending of a connection whose stream has ended, as `why` says.
    pub(super) fn lost(&self, why: &str) -> Ending {
        match &self.state {
            State::ExpectAck(state) if !state.is_told_of_refusal() => Ending::Unanswered(why.to_owned()),
            // The host knows which step of TCP or TLS this was.
            State::Securing(_) => Ending::Lost(why.to_owned()),
            _ => Ending::Lost(format!("the handshake was broken off: {why}")),
        }
    }

    pub(super) fn transmit(&mut self, out: &mut Vec<u8>) -> Transmit {
        if self.out.is_empty() {
            return Transmit::Nothing;
        }
        out.append(&mut std::mem::take(&mut self.out));
        Transmit::Bytes { flush: true, is_handshake: true }
    }

    pub(super) const fn has_output(&self) -> bool {
        !self.out.is_empty()
    }

    /// Returns `true` if the next message of the peer must not be read yet.
    pub(super) const fn waits_for_verdict(&self) -> bool {
        matches!(self.state, State::Verified(_) | State::Acked | State::Replying(..))
    }

    /// Returns `true` if the handshake is over apart from ACK, so that the connection can become the session.
    pub(super) const fn can_come_up(&self) -> bool {
        matches!(self.state, State::Verified(_) | State::Acked)
    }

    pub(super) fn deadline(&self) -> Option<(Duration, Waits)> {
        self.waits.map(|(patience, waits)| (patience.look_at(), waits))
    }

    pub(super) fn handle_timeout(&mut self, now: Duration) -> Result<(), Ending> {
        if let Some((patience, waits)) = &mut self.waits
            && patience.is_over(now)
        {
            return Err(Ending::Late(*waits));
        }
        Ok(())
    }

    /// Appends a message of the handshake to the output.
    fn say(&mut self, payload: &[u8]) {
        let framed = framing::put(payload, HANDSHAKE_BYTES_MAX, &mut self.out);
        debug_assert_eq!(framed, Ok(()), "messages of the handshake are bounded");
    }

    /// Returns the result of the handshake. The peer's number is set when the session comes up.
    fn shown(&self, peer: &Peer, used_old_cookie: bool) -> Shown {
        let version = match peer.version {
            1 => Version::One { node_id: None, seed: self.random.seed },
            _ => Version::Two,
        };
        let config = Config {
            version,
            peer: NodeNumber::UNKNOWN,
            peer_creation: peer.creation,
            creation: self.local.creation(),
            capabilities: peer.capabilities,
            bounds: self.local.bounds,
            peer_bounds: peer.bounds,
            timing: self.timing,
            ping: self.random.ping,
        };
        Shown {
            facts: Facts { name: peer.name.clone(), incarnation: peer.incarnation, config },
            used_old_cookie,
        }
    }
}

const fn code(refusal: Refusal) -> u16 {
    match refusal {
        Refusal::Busy | Refusal::BusyAddress => Reject::BUSY,
        Refusal::Duplicate => Reject::DUPLICATE,
        Refusal::OwnName => Reject::NAME,
    }
}
