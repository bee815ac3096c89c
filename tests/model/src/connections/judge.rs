//! What may become of a connection, by what stands beside it and by what has gone wrong: never by what the engine says.

use std::time::Duration;

use snow_dist_codec::frame::Close;
use snow_dist_runtime::core::connection::{ConnectionEvent, Ending, GiveWay, Waits};
use snow_dist_runtime::core::handshake::Failure;
use snow_dist_runtime::core::limits::{
    ACK_DEADLINE, DRAIN_DEADLINE, HANDSHAKE_DEADLINE, HEARTBEAT_INTERVAL, HEARTBEAT_TIMEOUT, PROBE_TIMEOUT,
    RIVAL_PAUSE_MAX, SHUTDOWN_PATIENCE,
};
use snow_dist_runtime::core::peers::{Refusal, Sign};
use snow_dist_runtime::core::session;

use super::host::Turn;
use super::verdict::{Broken, Situation};
use super::world::{End, NAMES, Stage, World};

/// What an endpoint says to a connection must bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    Reply,
    Up,
    Over,
    Probe,
    Close,
    Replaced,
    /// It cannot be said to this connection.
    Wrong,
    /// There was a place.
    Unfair,
}

impl Judged {
    pub fn of(world: &World, wire: usize, side: usize, event: &ConnectionEvent) -> Self {
        let end = &world.wires[wire].ends[side];
        let (Some(node), stage) = (end.node, end.stage) else { return Self::Wrong };
        let beside = |stages: &[Stage]| has_beside(world, (wire, side), stages);
        let (is_right, judged) = match event {
            ConnectionEvent::Reply => (side == 0 && stage == Stage::Handshake, Self::Reply),
            ConnectionEvent::Up(facts, _) => {
                let other = world.wires[wire].ends[1 - side].node;
                let is_peer = |other: usize| *facts.name == *NAMES[world.nodes[other].name];
                (stage == Stage::Verdict && other.is_some_and(is_peer), Self::Up)
            }
            ConnectionEvent::Refuse(refusal) => {
                let is_another = beside(&[Stage::Verdict, Stage::Session, Stage::Ending]);
                let is_duplicate = *refusal == Refusal::Duplicate && is_another;
                (side == 1 && stage == Stage::Verdict && is_duplicate, Self::Over)
            }
            ConnectionEvent::GiveWay(GiveWay::Place) if world.handshakes(node) <= world.handshakes_max => {
                (true, Self::Unfair)
            }
            ConnectionEvent::GiveWay(GiveWay::Place) => (side == 1 && stage == Stage::Handshake, Self::Over),
            ConnectionEvent::GiveWay(GiveWay::Session) => {
                let is_another = beside(&[Stage::Verdict, Stage::Session]);
                (side == 0 && stage == Stage::Handshake && is_another, Self::Over)
            }
            ConnectionEvent::GiveWay(GiveWay::Stop) => {
                (world.nodes[node].is_stopped && stage != Stage::Session, Self::Over)
            }
            ConnectionEvent::Probe(sign) => {
                let is_asked_for = *sign == Sign::Life && beside(&[Stage::Verdict]);
                (stage == Stage::Session && is_asked_for, Self::Probe)
            }
            ConnectionEvent::Close(close) if close.patience.is_zero() => {
                (stage == Stage::Session && beside(&[Stage::Verdict]), Self::Replaced)
            }
            ConnectionEvent::Close(_) => {
                (stage == Stage::Session && end.clocks.closing.is_some(), Self::Close)
            }
            // No node of these models writes peer lists.
            ConnectionEvent::TellPeers(_) => (false, Self::Wrong),
        };
        if is_right { judged } else { Self::Wrong }
    }
}

/// Whether the node has another connection with the same peer in one of these stages.
fn has_beside(world: &World, this: (usize, usize), stages: &[Stage]) -> bool {
    let (Some(node), peer) = (world.wires[this.0].ends[this.1].node, world.peer(this.0, this.1)) else {
        return false;
    };
    world.ends_of(node).into_iter().any(|(wire, side)| {
        (wire, side) != this
            && stages.contains(&world.wires[wire].ends[side].stage)
            && world.peer(wire, side) == peer
    })
}

/// The time after which a peer can be given up: of each hold-up an eighth counts at most.
fn least(end: &End, time: Duration) -> Duration {
    time.saturating_sub((time / 8 + Duration::from_millis(1)) * end.hold_ups)
}

/// The time after which a peer must have been given up.
fn most(end: &End, time: Duration) -> Duration {
    time + time / 4 * end.hold_ups + Duration::from_millis(1)
}

impl Turn<'_> {
    /// A connection has this ending.
    pub fn judge(&mut self, wire: usize, side: usize, ending: &Ending) {
        match ending {
            Ending::Handshake(Failure::Rejected { .. }) => {
                let is_refused = self.world.wires[wire].ends[1 - side].stage == Stage::Over;
                self.breaks_if(!is_refused, Broken::Spurious);
            }
            Ending::Refused(_) => self.notes.note(Situation::Refused),
            Ending::GaveWay(why) => {
                if *why == GiveWay::Session {
                    self.notes.note(Situation::GaveWay);
                }
            }
            Ending::Late(waits) => self.judge_late(wire, side, *waits),
            Ending::Lost(_) | Ending::Unanswered(_) => self.judge_lost(wire, side),
            Ending::Session { why, .. } => self.judge_session(wire, side, why),
            // Nodes of ours write what they should and know the cookie.
            _ => self.breaks(Broken::Spurious),
        }
    }

    fn judge_late(&mut self, wire: usize, side: usize, waits: Waits) {
        let end = &self.world.wires[wire].ends[side];
        let waited = self.world.now - end.clocks.stage;
        let (stage, time, situation) = match waits {
            Waits::Ack => (Stage::Replied, ACK_DEADLINE, Situation::LateAck),
            _ => (Stage::Handshake, HANDSHAKE_DEADLINE, Situation::LateHandshake),
        };
        let is_hasty = end.stage != stage || waited < least(end, time);
        self.breaks_if(is_hasty, Broken::Hasty);
        self.notes.note(situation);
        self.judge_given_up(wire, side);
    }

    /// The peer is given up: there must be a reason beside this node.
    fn judge_given_up(&mut self, wire: usize, side: usize) {
        let other = &self.world.wires[wire].ends[1 - side];
        let is_excused = self.world.faults.of_streams || other.node.is_none() || other.hold_ups > 0;
        self.breaks_if(!is_excused, Broken::Spurious);
    }

    fn judge_lost(&mut self, wire: usize, side: usize) {
        let it = &self.world.wires[wire];
        self.breaks_if(!it.ends[side].has_read_end && !it.is_cut, Broken::Spurious);
    }

    fn judge_session(&mut self, wire: usize, side: usize, why: &session::Ending) {
        match why {
            session::Ending::Protocol(_) => {
                self.world.end(wire, side).says |= 1 << 1;
                self.breaks_if(!self.world.faults.of_streams, Broken::Spurious);
            }
            session::Ending::Closed { code, .. } => self.judge_closed(wire, side, *code),
            session::Ending::Silent => {
                let end = &self.world.wires[wire].ends[side];
                let (now, clocks) = (self.world.now, end.clocks);
                let is_hasty = match clocks.probed {
                    Some(since) => now - since < least(end, PROBE_TIMEOUT),
                    // A hold-up can fall into the time before the question.
                    None if end.hold_ups > 0 => now - clocks.heard < least(end, HEARTBEAT_TIMEOUT),
                    None => now - clocks.heard < HEARTBEAT_INTERVAL + HEARTBEAT_TIMEOUT,
                };
                self.breaks_if(is_hasty, Broken::Hasty);
                self.notes.note(Situation::Silent);
                self.judge_given_up(wire, side);
            }
            session::Ending::Stuck => {
                let end = &self.world.wires[wire].ends[side];
                let waited = end.clocks.untaken.map(|since| self.world.now - since);
                let is_hasty = waited.is_none_or(|waited| waited < least(end, DRAIN_DEADLINE));
                self.breaks_if(is_hasty, Broken::Hasty);
                self.notes.note(Situation::Stuck);
            }
            session::Ending::Lost(_) => {
                self.judge_lost(wire, side);
                let is_told = self.world.wires[wire].ends[1 - side].says != 0;
                self.breaks_if(is_told && !self.world.faults.of_streams, Broken::Code);
            }
            session::Ending::Stopped => {
                let end = &self.world.wires[wire].ends[side];
                let waited = end.clocks.closing.map(|since| self.world.now - since);
                let is_replaced = end.says & (1 << 3) != 0;
                let is_hasty = waited.is_none_or(|waited| waited < least(end, SHUTDOWN_PATIENCE));
                if !is_replaced && !end.has_read_end {
                    self.breaks_if(is_hasty, Broken::Hasty);
                    self.notes.note(Situation::OutOfPatience);
                }
            }
            _ => self.breaks(Broken::Spurious),
        }
    }

    /// The peer has said why it ends the session.
    fn judge_closed(&mut self, wire: usize, side: usize, code: u16) {
        let it = &self.world.wires[wire];
        let (end, other) = (&it.ends[side], &it.ends[1 - side]);
        let is_meant = other.says & 1_u8.checked_shl(code.into()).unwrap_or(0) != 0;
        let is_incomplete = code == Close::SHUTDOWN && end.received != other.sent;
        let (node, peer) = (end.node, self.world.peer(wire, side));
        self.breaks_if(!is_meant, Broken::Code);
        self.breaks_if(is_incomplete && !self.world.faults.of_streams, Broken::Lost);
        match code {
            Close::PROTOCOL_ERROR => self.notes.note(Situation::ProtocolError),
            Close::REPLACED => {
                self.notes.note(Situation::Replaced);
                let now = self.world.now;
                let is_soon = now - self.world.wires[wire].ends[side].clocks.stage < RIVAL_PAUSE_MAX;
                if let (Some(node), Some(peer), 0, true) = (node, peer, side, is_soon) {
                    self.world.node(node).lost_to_rival[peer] = Some(now);
                }
            }
            _ => self.notes.note(Situation::Closed),
        }
    }

    /// Time has gone on.
    pub fn judge_time(&mut self) {
        let now = self.world.now;
        // The time for an answer begins when the stream has taken the question.
        let drain = if self.world.faults.of_streams { DRAIN_DEADLINE } else { Duration::ZERO };
        let ends = self.world.wires.iter().flat_map(|wire| &wire.ends);
        let running = ends.filter(|end| end.node.is_some_and(|node| self.world.runs(node)));
        let is_overdue = |end: &std::sync::Arc<End>| {
            let is_over = |since: Duration, time: Duration| now - since > most(end, time);
            let clocks = end.clocks;
            match end.stage {
                Stage::Handshake => is_over(clocks.stage, HANDSHAKE_DEADLINE),
                Stage::Replied => is_over(clocks.stage, ACK_DEADLINE),
                Stage::Session => {
                    is_over(clocks.heard, HEARTBEAT_INTERVAL + HEARTBEAT_TIMEOUT + drain)
                        || clocks.probed.is_some_and(|since| is_over(since, PROBE_TIMEOUT))
                        || clocks.untaken.is_some_and(|since| is_over(since, DRAIN_DEADLINE))
                        || clocks.closing.is_some_and(|since| is_over(since, SHUTDOWN_PATIENCE))
                }
                _ => false,
            }
        };
        let was_kept = |end: &std::sync::Arc<End>| end.hold_ups > 0 && end.stage == Stage::Session;
        let (overdue, kept) = running
            .fold((false, false), |(overdue, kept), end| (overdue || is_overdue(end), kept || was_kept(end)));
        self.breaks_if(overdue, Broken::Overdue);
        if kept {
            self.notes.note(Situation::HeldUp);
        }
    }
}
