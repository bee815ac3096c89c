//! A connection: its two ends, the wires between them, and how an end drives its part of the engine. In production a task
//! does that for each end; here an end takes a turn whenever something may have changed for it.

use std::collections::VecDeque;
use std::time::Duration;

use snow_dist_codec::frame::Close;
use snow_dist_codec::handshake::{Capabilities, Reject};
use snow_dist_runtime::core::connection::{
    Connection as Engine, Ending, EndpointEvent, Inbound, Shown, Transmit,
};
use snow_dist_runtime::core::handshake::{Channel, Failure};
use snow_dist_runtime::core::limits::SESSION_QUEUE_BYTES_MAX;
use snow_dist_runtime::core::peers::ConnectionId;
use snow_dist_runtime::core::session::Ending as SessionEnding;
use snow_dist_runtime::core::{Pid, Session};

use super::blame::Asked;
use super::{At, Cluster, Step};
use crate::coverage::Of;
use crate::oracle::{Checked, Joint, check};
use crate::processes::Wish;
use crate::wire::{Read, Time, Wire};

/// Who dialled, of the two ends.
pub(crate) const DIALLED: usize = 0;

/// Bytes that a read is given room for, and that are gathered for one write.
pub(crate) const READ_BYTES: usize = 32 << 10;
const WRITE_BYTES: usize = 64 << 10;
/// Reads and writes of one turn.
const STEPS_MAX: usize = 16;

/// Memory that a session's largest message may take above its bound.
const MESSAGE_MAX: usize = 4 << 20;

const KEPT: &str = "our own nodes keep to the protocol";

/// What an end has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Life {
    /// Nobody has accepted it yet.
    #[default]
    Coming,
    Open,
    /// Its node knows that it is over. If it was a session, its end is to be delivered.
    Over,
    /// That has been delivered.
    Delivered,
    /// Nobody at this end has to do with it any more.
    Closed,
}

#[derive(Default)]
pub(crate) struct End {
    pub(crate) node: usize,
    pub(crate) start: u32,
    pub(crate) life: Life,
    /// While it is neither coming nor closed.
    pub(crate) engine: Option<Box<Engine>>,
    pub(crate) id: Option<ConnectionId>,
    /// Process 0 of the peer, once it is the session.
    pub(crate) peer: Option<Pid>,
    pub(crate) inbound: Inbound,
    out: Vec<u8>,
    written: usize,
    /// Nothing more is written.
    is_mute: bool,
    /// It has nothing to write, and is woken when there is.
    pub(crate) is_idle: bool,
    /// Who waits for room in the session's queue.
    pub(crate) waiting: VecDeque<Wish>,
    pub(crate) is_full: bool,
    /// When it takes its next turn: for what it was woken for, and for its deadlines at the latest.
    pub(crate) turn_at: Option<Time>,
    pub(crate) timer_at: Option<Time>,
    pub(crate) is_secured: bool,
    /// It was dialled since its name is kept connected: whoever keeps it dials again.
    pub(crate) is_kept: bool,
    /// Its node has ended the session: because its program asked for that, and for another connection.
    pub(crate) ends_in_order: bool,
    pub(crate) gives_way: bool,
    /// When it began, when the transport took something last, and what the peer was asked since it said something.
    pub(crate) begun: Time,
    pub(crate) taken: Time,
    pub(crate) pinged: Option<Asked>,
    pub(crate) probed: Option<Asked>,
}

impl End {
    pub(crate) fn new(node: usize, start: u32) -> Self {
        Self { node, start, ..Self::default() }
    }

    pub(crate) fn open(&mut self, id: ConnectionId, engine: Box<Engine>, now: Time) {
        (self.id, self.engine, self.begun, self.life) = (Some(id), Some(engine), now, Life::Open);
    }

    pub(crate) fn close(&mut self) {
        (self.engine, self.life) = (None, Life::Closed);
    }

    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.life, Life::Open)
    }

    /// The transport has taken all that it was given: what it is given next. The peer has been asked, if there was a PING
    /// among it, which arrives then.
    fn refill(&mut self, now: Time, clock: Duration, arrives: Time) -> Transmit {
        let Some(engine) = self.engine.as_mut().filter(|_| !self.is_mute) else { return Transmit::Nothing };
        if engine.session().is_some_and(|session| session.awaits_taking()) {
            self.pinged = Some(Asked { at: now, arrives });
        }
        if let Some(asked) = &mut self.probed {
            asked.arrives = asked.arrives.min(arrives.max(now));
        }
        (self.written, self.taken) = (0, now);
        self.out.clear();
        engine.taken(clock);
        let given = engine.transmit(&mut self.out, WRITE_BYTES, clock);
        (self.is_idle, self.is_mute) = (given == Transmit::Nothing, given == Transmit::Close);
        given
    }

    /// The transport has taken so many bytes, or writing has failed.
    fn took(&mut self, taken: Option<usize>, now: Time, clock: Duration) {
        let Some(engine) = &mut self.engine else { return };
        match taken {
            Some(0) => {}
            Some(count) => {
                (self.written, self.taken) = (self.written + count, now);
                engine.taken_in_part(clock);
            }
            None => {
                engine.write_failed("the peer is gone", clock);
                (self.written, self.is_mute) = (0, true);
                self.out.clear();
            }
        }
    }
}

pub(crate) struct Connection {
    pub(crate) ends: [End; 2],
    /// By who writes.
    pub(crate) wires: [Wire; 2],
    pub(crate) joint: Joint,
    /// What both ends have in place of TLS.
    pub(crate) channel: Channel,
    pub(crate) capabilities: Capabilities,
    /// Something has happened to it that its ends are not told of.
    pub(crate) is_faulty: bool,
}

impl Connection {
    /// The session, until its end is delivered there.
    pub(crate) fn session(&mut self, at: At) -> Option<&mut Session> {
        self.ends[at.end()].engine.as_mut()?.session()
    }
}

impl Cluster<'_> {
    /// An end goes on until nothing is to be done, or the turn is over.
    pub(crate) fn turn(&mut self, at: At) -> Checked {
        let now = self.now;
        let Some(end) = self.end(at) else { return Ok(()) };
        let was_due = [&mut end.turn_at, &mut end.timer_at].map(|at| at.take_if(|at| *at <= now));
        if was_due == [None, None] {
            return Ok(());
        }
        let mut is_done = false;
        for _ in 0..STEPS_MAX {
            self.hear(at)?;
            let Some(end) = self.end(at).filter(|end| end.is_open()) else { return Ok(()) };
            if let Some(ending) = end.engine.as_ref().and_then(|engine| engine.ending().cloned()) {
                return self.leave(at, &ending);
            }
            let moved = self.read(at)? | self.write(at)?;
            is_done = !moved && !self.judge(at);
            if is_done {
                break;
            }
        }
        self.sleep(at);
        if !is_done {
            self.wake_at(at, now + 1);
        }
        Ok(())
    }

    fn read(&mut self, at: At) -> Checked<bool> {
        let Some(it) = &mut self.connections[at.connection as usize] else { return Ok(false) };
        let Connection { ends, wires, .. } = &mut **it;
        let here = &mut ends[at.end()];
        let Some(engine) = here.engine.as_mut().filter(|engine| engine.is_read(&here.inbound)) else {
            return Ok(false);
        };
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        let read = wires[at.other().end()].read(self.now, READ_BYTES, &mut bytes);
        match read {
            Read::Pending => {}
            Read::Over => engine.stream_ended("the peer is gone"),
            Read::Bytes(_) => {
                self.coverage.count(Of::Bytes);
                (here.pinged, here.probed) = (None, None);
                self.wake_writer(at);
                self.handle(at, &bytes)?;
            }
        }
        self.bytes = bytes;
        Ok(read != Read::Pending)
    }

    /// The node's endpoint hears what the connection has to say.
    fn hear(&mut self, at: At) -> Checked {
        while let Some(end) = self.end(at)
            && let Some(event) = end.engine.as_mut().and_then(|engine| engine.poll_event())
        {
            let (node, Some(id)) = (end.node, end.id) else { break };
            match &event {
                EndpointEvent::Alive(_) => self.coverage.count(Of::Alive),
                EndpointEvent::Verified(shown) | EndpointEvent::Acked(shown) => self.know(at, shown)?,
                _ => {}
            }
            let clock = self.clock(node);
            self.nodes[node].endpoint.handle_event(id, event, clock);
            self.carry_out(node)?;
        }
        Ok(())
    }

    /// What a handshake has shown must be so.
    fn know(&self, at: At, shown: &Shown) -> Checked {
        let Some(it) = &self.connections[at.connection as usize] else { return Ok(()) };
        let (other, facts) = (&it.ends[at.other().end()], &shown.facts);
        let plan = &self.plan.nodes[other.node];
        let is_it = facts.name == plan.name
            && facts.incarnation == Some(self.starts[other.start as usize])
            && facts.config.peer_bounds == plan.bounds
            && facts.config.capabilities == it.capabilities;
        check(is_it, "a handshake shows who is there", || format!("{facts:?} is {}", plan.name))
    }

    fn write(&mut self, at: At) -> Checked<bool> {
        let Some(it) = &mut self.connections[at.connection as usize] else { return Ok(false) };
        let Connection { ends, wires, joint, .. } = &mut **it;
        let (here, wire) = (&mut ends[at.end()], &mut wires[at.end()]);
        let (now, node) = (self.now, &mut self.nodes[here.node]);
        let clock = node.clock(now);
        if here.written == here.out.len() {
            match here.refill(now, clock, wire.last_arrival()) {
                Transmit::Nothing => return Ok(false),
                Transmit::Bytes { is_handshake: true, .. } => {}
                Transmit::Bytes { .. } => {
                    let senders = |number| self.truth.sender(number);
                    joint.all_written(at.end(), &here.out, senders, &mut self.coverage)?;
                }
                Transmit::Close => {
                    wire.close(now);
                    self.wake_reader(at);
                    return Ok(true);
                }
            }
        }
        let taken = wire.write(now, &here.out[here.written..], &mut node.random);
        here.took(taken, now, clock);
        joint.unsent(at.end(), here.out.len() - here.written);
        self.look_at_queue(at)?;
        self.wake_reader(at);
        Ok(taken != Some(0))
    }

    /// The queue is bounded, and those go on who wait until it is half empty.
    fn look_at_queue(&mut self, at: At) -> Checked {
        let Some(end) = self.end(at) else { return Ok(()) };
        let Some(session) = end.engine.as_mut().and_then(|engine| engine.session()) else { return Ok(()) };
        let waiting = session.waiting_bytes();
        if end.is_full && waiting <= SESSION_QUEUE_BYTES_MAX / 2 {
            end.is_full = false;
            self.retry(at);
        }
        self.coverage.queue_max = self.coverage.queue_max.max(waiting as u64);
        check(waiting <= SESSION_QUEUE_BYTES_MAX + MESSAGE_MAX, "the queue is bounded", || {
            format!("{waiting} bytes wait")
        })
    }

    /// Judges the deadlines, if one has come: all that has arrived is handled.
    fn judge(&mut self, at: At) -> bool {
        let Some(it) = &mut self.connections[at.connection as usize] else { return false };
        let End { node, engine, .. } = &mut it.ends[at.end()];
        let clock = self.nodes[*node].clock(self.now);
        let is_due = |engine: &&mut Box<Engine>| engine.deadline().is_some_and(|(at, _)| at <= clock);
        let Some(engine) = engine.as_mut().filter(is_due) else { return false };
        engine.handle_timeout(clock);
        self.coverage.count(Of::Timer);
        true
    }

    /// The connection has an ending, and the same follows for all of them: what is still said, and the end that its node and
    /// its processes learn of.
    fn leave(&mut self, at: At, ending: &Ending) -> Checked {
        self.check_given_up(at, ending)?;
        self.note_ending(at, ending)?;
        if let Some(end) = self.end(at).filter(|_| !ending.tells_all()) {
            (end.written, end.out) = (0, Vec::new());
        }
        for _ in 0..STEPS_MAX {
            if !self.write(at)? {
                break;
            }
        }
        self.drop_stream(at);
        self.coverage.count(Of::Passage);
        let peer = self.end(at.other()).map_or(0, |end| end.node);
        let Some(end) = self.end(at) else { return Ok(()) };
        end.life = Life::Over;
        let (node, Some(id)) = (end.node, end.id) else { return Ok(()) };
        let (is_secured, is_kept) = (end.is_secured, end.is_kept);
        let clock = self.clock(node);
        if self.nodes[node].endpoint.over(id, Some(ending), clock) {
            self.soon(node, Step::Deliver(at));
        } else {
            self.close(at);
            if at.end() == DIALLED && !is_kept {
                let closed_early = is_secured && matches!(ending, Ending::Lost(_));
                self.dial_again(node, peer, ending, closed_early);
            }
        }
        self.carry_out(node)
    }

    /// A dial has become no session: it is made again, if that can help.
    fn dial_again(&mut self, node: usize, peer: usize, ending: &Ending, closed_early: bool) {
        let clock = self.clock(node);
        let here = &mut self.nodes[node];
        let name = &self.plan.nodes[peer].name;
        let pause = here.attempts[peer].again(name, ending, closed_early, &mut here.endpoint, clock);
        if let Some(pause) = pause {
            let dial = Step::Dial { node: node as u32, peer: peer as u32, again: true };
            self.after(pause.as_micros() as Time, dial);
        }
    }

    fn note_ending(&mut self, at: At, ending: &Ending) -> Checked {
        self.trace
            .note(self.now, || format!("end {} of connection {} ends: {ending}", at.end, at.connection));
        let kind = match ending {
            Ending::Session { why: SessionEnding::Lost(_), .. } => Of::EndLost,
            Ending::Session { why: SessionEnding::Closed { code, .. }, .. } if self.says_why(at, *code) => {
                Of::EndClosed
            }
            Ending::Session { why: SessionEnding::Silent, .. } => Of::EndSilent,
            Ending::Session { why: SessionEnding::Stuck, .. } => Of::EndStuck,
            Ending::Session { why: SessionEnding::Stopped, .. } => Of::EndStopped,
            Ending::Late(_) if at.end() == DIALLED => Of::DialLate,
            Ending::Late(_) => Of::AcceptLate,
            Ending::Lost(_) | Ending::Unanswered(_) => Of::BrokenOff,
            // Each was counted when it came or was decided.
            Ending::Refused(_) | Ending::GaveWay(_) => return Ok(()),
            Ending::Handshake(Failure::Rejected { code: Reject::BUSY | Reject::DUPLICATE, .. }) => {
                return Ok(());
            }
            Ending::Handshake(failure) => {
                return check(false, "our own nodes do not refuse each other's handshakes", || {
                    failure.to_string()
                });
            }
            _ => return check(false, KEPT, || ending.to_string()),
        };
        self.coverage.count(kind);
        Ok(())
    }

    /// Whether the other end had a reason for a CLOSE with this code.
    fn says_why(&self, at: At, code: u16) -> bool {
        let it = self.connections[at.connection as usize].as_ref();
        it.map(|it| &it.ends[at.other().end()]).is_some_and(|other| match code {
            Close::SHUTDOWN => other.ends_in_order,
            Close::REPLACED => other.gives_way,
            _ => false,
        })
    }

    /// An end drops its stream.
    fn drop_stream(&mut self, at: At) {
        let now = self.now;
        let Some(it) = &mut self.connections[at.connection as usize] else { return };
        let (end, other) = (at.end(), at.other().end());
        let random = &mut self.nodes[it.ends[end].node].random;
        it.wires[end].close(now);
        // What has not been read makes the system break the connection: it may take along what was under way.
        if it.wires[other].under_way() > 0 && random.chance(500) {
            let kept = random.index(it.wires[end].under_way() + 1);
            let latency = it.wires[end].manner.latency;
            it.wires[end].cut(kept, now + latency, now);
        }
        let latency = it.wires[other].manner.latency;
        it.wires[other].cut(0, now, now + latency);
        self.look(at.connection);
    }

    /// All that crossed a session has been told.
    pub(crate) fn told(&mut self, at: At) -> Checked {
        let Some(end) = self.end(at).filter(|end| end.life == Life::Delivered) else { return Ok(()) };
        let (node, Some(id)) = (end.node, end.id) else { return Ok(()) };
        let clock = self.clock(node);
        self.nodes[node].endpoint.told(id, clock);
        self.carry_out(node)?;
        self.close(at);
        Ok(())
    }

    fn close(&mut self, at: At) {
        if let Some(end) = self.end(at) {
            end.close();
            if let (node, Some(id)) = (end.node, end.id) {
                self.nodes[node].connections.remove(&id);
            }
        }
        self.forget(at.connection);
    }
}
