//! A connection: its two ends, the wires between them, and the life of an end before its session and after it.
//!
//! In production this is `net/connection.rs`, one task for each end. Here an end takes a step whenever something
//! may have changed for it, and does in that step what the task would.

use snow_dist_codec::limits::HANDSHAKE_BYTES_MAX;
use snow_dist_codec::{Handshake, NodeName, Reading, framing};
use snow_dist_runtime::core::epochs::Facts;
use snow_dist_runtime::core::handshake::{Channel, Failure, Peer, acceptor, initiator};
use snow_dist_runtime::core::limits::ACK_DEADLINE;
use snow_dist_runtime::core::peers::{ConnectionId, Refusal, ReplyDecision};
use snow_dist_runtime::core::session::{Config, Version};
use snow_dist_runtime::core::{NodeNumber, Patience};

use super::driver::Driver;
use super::{Cluster, Step};
use crate::coverage::Of;
use crate::oracle::{Checked, check};
use crate::wire::{NEVER, Read, Time, Wire};

/// Who dialled, of the two ends.
pub(super) const DIALLED: usize = 0;

/// What of an end's life has passed.
#[allow(clippy::large_enum_variant, reason = "there is one for each connection, and it is seldom moved")]
pub(super) enum Stage {
    /// TCP and TLS are under way, or nobody has accepted yet.
    Connecting,
    ExpectName(acceptor::ExpectName),
    ExpectReply(acceptor::ExpectReply),
    /// The peer has shown who it is; a verdict is due.
    Verified(acceptor::Verified),
    ExpectChallenge(initiator::ExpectChallenge),
    ExpectAck(initiator::ExpectAck),
    /// ACK has come; a verdict is due.
    Acked,
    Session,
    /// A message is being handled.
    Handling,
    /// The task has ended; what crossed the session is being told.
    Over,
    Closed,
}

impl Stage {
    /// Whether ACK is waited for.
    pub(super) const fn is_to_be_acked(&self) -> bool {
        matches!(self, Self::ExpectAck(_))
    }

    /// For traces.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::ExpectName(_) => "waiting for NAME",
            Self::ExpectReply(_) => "waiting for REPLY",
            Self::Verified(_) => "verified",
            Self::ExpectChallenge(_) => "waiting for CHALLENGE",
            Self::ExpectAck(_) => "waiting for ACK",
            Self::Acked => "acknowledged",
            Self::Session => "a session",
            Self::Handling => "handling a message",
            Self::Over => "over",
            Self::Closed => "closed",
        }
    }
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Up,
    Reject(Refusal),
    Close,
}

/// Why an end's task ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// Another connection was chosen: who wanted the session dials again.
    Election,
    Broken,
    Late,
    Session,
}

pub(super) struct End {
    pub(super) node: usize,
    pub(super) start: u32,
    pub(super) id: ConnectionId,
    pub(super) stage: Stage,
    /// And from when on its task knows.
    pub(super) verdict: Option<(Time, Verdict)>,
    pub(super) inbox: Vec<u8>,
    /// From the verdict on.
    pub(super) driver: Option<Box<Driver>>,
    /// The step that is due.
    pub(super) turn_at: Time,
    /// When it began here.
    pub(super) begun: Time,
    /// How long its handshake may take.
    pub(super) patience: Option<Patience>,
}

pub(super) struct Connection {
    pub(super) ends: [End; 2],
    /// By who writes.
    pub(super) wires: [Wire; 2],
    pub(super) exporter: [u8; 32],
    /// How often its dial has lost to another connection.
    pub(super) elections: u8,
    /// Something has happened to it that its ends are not told of.
    pub(super) is_faulty: bool,
}

impl End {
    pub(super) fn new(node: usize, start: u32, id: ConnectionId) -> Self {
        Self {
            node,
            start,
            id,
            stage: Stage::Connecting,
            verdict: None,
            inbox: Vec::new(),
            driver: None,
            turn_at: NEVER,
            begun: NEVER,
            patience: None,
        }
    }

    pub(super) const fn is_closed(&self) -> bool {
        matches!(self.stage, Stage::Closed)
    }

    /// Whether the task has ended.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over | Stage::Closed)
    }

    /// The next message of the handshake, if it is whole.
    fn message(&mut self) -> Option<Vec<u8>> {
        let cut = framing::cut(&self.inbox, HANDSHAKE_BYTES_MAX).ok()??;
        let (payload, rest) = (cut.payload.to_vec(), cut.rest.len());
        self.inbox.drain(..self.inbox.len() - rest);
        Some(payload)
    }
}

/// What a step of a handshake has come to.
pub(super) enum Came {
    /// It waits for bytes or a verdict.
    Waits,
    /// It has done something, and may do more.
    GoesOn,
    Verified(Facts),
    Acked(Facts),
    /// It is a session from here on.
    Session,
    Over(Over),
}

impl Cluster<'_> {
    /// The steps of an end that is no session yet.
    pub(super) fn shake_hands(&mut self, connection: &mut Connection, end: usize) -> Checked<Came> {
        loop {
            match self.one_step(connection, end)? {
                Came::GoesOn => {}
                came => return Ok(came),
            }
        }
    }

    fn one_step(&mut self, connection: &mut Connection, end: usize) -> Checked<Came> {
        let now = self.now;
        if let Some((_, verdict)) = connection.ends[end].verdict.take_if(|(at, _)| *at <= now) {
            return Ok(self.obey(connection, end, verdict));
        }
        let (here, wire) = (&mut connection.ends[end], &mut connection.wires[1 - end]);
        if matches!(here.stage, Stage::Connecting | Stage::Acked) {
            return Ok(Came::Waits);
        }
        let read = wire.read(now, 4_096, &mut here.inbox);
        if let Read::Bytes(_) = read {
            self.coverage.count(Of::Bytes);
            self.wake_writer(connection, end);
        }
        let here = &mut connection.ends[end];
        if matches!(here.stage, Stage::Verified(_)) {
            return Ok(if read == Read::Over { Came::Over(Over::Broken) } else { Came::Waits });
        }
        match here.message() {
            Some(message) => self.hear(connection, end, &message),
            None if read == Read::Over => Ok(Came::Over(Over::Broken)),
            None if read == Read::Pending => Ok(Came::Waits),
            None => Ok(Came::GoesOn),
        }
    }

    fn obey(&mut self, connection: &mut Connection, end: usize, verdict: Verdict) -> Came {
        let stage = std::mem::replace(&mut connection.ends[end].stage, Stage::Session);
        match (verdict, stage) {
            (Verdict::Up, Stage::Verified(verified)) => {
                let (ack, _) = verified.accept();
                self.say(connection, end, &ack);
                Came::Session
            }
            (Verdict::Up, _) => Came::Session,
            (Verdict::Reject(refusal), Stage::Verified(verified)) => {
                if let Some(reject) = verified.refuse(5, &refusal.to_string()) {
                    self.say(connection, end, &reject);
                }
                Came::Over(Over::Election)
            }
            (Verdict::Reject(_) | Verdict::Close, _) => Came::Over(Over::Election),
        }
    }

    /// Handles one message.
    fn hear(&mut self, connection: &mut Connection, end: usize, message: &[u8]) -> Checked<Came> {
        self.coverage.count(Of::Said);
        let (node, id) = (connection.ends[end].node, connection.ends[end].id);
        let stage = std::mem::replace(&mut connection.ends[end].stage, Stage::Handling);
        let random = self.nodes[node].random.bytes();
        let (next, answer) = match stage {
            Stage::ExpectName(expects) => {
                self.coverage.count(Of::NameRead);
                let (answer, next) =
                    expects.handle(message, random).map_err(|refusal| refused(&refusal.failure))?;
                (Stage::ExpectReply(next), answer)
            }
            Stage::ExpectChallenge(expects) => {
                if is_reject(message) {
                    self.coverage.count(Of::RejectRead);
                    return Ok(Came::Over(Over::Broken));
                }
                self.coverage.count(Of::ChallengeRead);
                let (answer, next) = expects.handle(message, random).map_err(|failure| refused(&failure))?;
                let peer = self.plan.nodes[connection.ends[1 - end].node].name.clone();
                if self.nodes[node].epochs.may_reply(&peer, id, false) != ReplyDecision::Send {
                    self.coverage.count(Of::MayNotReply);
                    return Ok(Came::Over(Over::Election));
                }
                (Stage::ExpectAck(next), answer)
            }
            Stage::ExpectReply(expects) => {
                self.coverage.count(Of::ReplyRead);
                let verified = expects.handle(message).map_err(|refusal| refused(&refusal.failure))?;
                let facts = self.facts(node, verified.peer());
                self.know(connection, end, verified.peer())?;
                connection.ends[end].stage = Stage::Verified(verified);
                return Ok(Came::Verified(facts));
            }
            Stage::ExpectAck(expects) => {
                if is_reject(message) {
                    self.coverage.count(Of::RejectRead);
                    return Ok(Came::Over(Over::Election));
                }
                self.coverage.count(Of::AckRead);
                let established = expects.handle(message).map_err(|failure| refused(&failure))?;
                self.know(connection, end, &established.peer)?;
                connection.ends[end].stage = Stage::Acked;
                return Ok(Came::Acked(self.facts(node, &established.peer)));
            }
            _ => return Ok(Came::Waits),
        };
        if let Stage::ExpectAck(_) = next {
            let (patience, look_at) = self.patience(node, ACK_DEADLINE);
            connection.ends[end].patience = Some(patience);
            self.push(look_at, Step::Late { connection: self.current, end: end as u8, is_ack: true });
        }
        self.say(connection, end, &answer);
        connection.ends[end].stage = next;
        Ok(Came::GoesOn)
    }

    /// What a handshake has shown must be so.
    fn know(&self, connection: &Connection, end: usize, peer: &Peer) -> Checked {
        let other = &connection.ends[1 - end];
        let start = &self.starts[other.start as usize];
        let plan = &self.plan.nodes[other.node];
        let is_it = peer.name == plan.name
            && peer.incarnation == Some(*start)
            && peer.bounds == plan.bounds
            && peer.capabilities == self.common(connection.ends[0].node, connection.ends[1].node);
        check(is_it, "a handshake shows who is there", || format!("{peer:?} is {}", plan.name))
    }

    /// What a session with this peer is made of.
    fn facts(&mut self, node: usize, peer: &Peer) -> Facts {
        let here = &mut self.nodes[node];
        Facts {
            name: peer.name.clone(),
            incarnation: peer.incarnation,
            config: Config {
                version: Version::Two,
                peer: NodeNumber::UNKNOWN,
                peer_creation: peer.creation,
                creation: here.local.creation(),
                capabilities: peer.capabilities,
                bounds: here.local.bounds,
                peer_bounds: peer.bounds,
                timing: self.plan.nodes[node].timing,
                ping: here.random.bytes(),
            },
        }
    }

    /// Writes a message of the handshake. They are small: the wire takes them whole, or is broken.
    pub(super) fn say(&mut self, connection: &mut Connection, end: usize, payload: &[u8]) {
        let mut message = Vec::with_capacity(payload.len() + 4);
        let framed = framing::put(payload, HANDSHAKE_BYTES_MAX, &mut message);
        debug_assert_eq!(framed, Ok(()));
        let random = &mut self.nodes[connection.ends[end].node].random;
        // A write that fails shows as the end of the stream.
        let _ = connection.wires[end].write(self.now, &message, random);
        self.wake_reader(connection, end);
    }

    /// The one who dialled begins.
    pub(super) fn begin_handshake(&mut self, connection: &mut Connection) -> Checked {
        let (node, peer) = (connection.ends[DIALLED].node, connection.ends[1 - DIALLED].node);
        let channel = Channel::Tls13 { exporter: connection.exporter };
        let name = self.plan.nodes[peer].name.clone();
        let parsed = NodeName::parse(&name).ok();
        let local = self.nodes[node].local.clone();
        let Some(Ok((hello, expects))) = parsed.map(|name| initiator::start(local, channel, name)) else {
            return check(false, "a handshake begins", || format!("{name} is dialled"));
        };
        self.say(connection, DIALLED, &hello);
        connection.ends[DIALLED].stage = Stage::ExpectChallenge(expects);
        Ok(())
    }
}

fn is_reject(message: &[u8]) -> bool {
    matches!(Handshake::decode(message, Reading::Compatible), Ok(Handshake::Reject(_)))
}

fn refused(failure: &Failure) -> Box<crate::Violation> {
    let detail = failure.to_string();
    Box::new(crate::Violation { invariant: "our own nodes do not refuse each other's handshakes", detail })
}
