//! What can happen next, and how it does.

use std::sync::Arc;

use snow_dist_runtime::core::connection::Randomness;
use snow_dist_runtime::core::handshake::Channel;
use snow_dist_runtime::core::limits::{HEARTBEAT_INTERVAL, RIVAL_PAUSE_MIN};
use snow_dist_runtime::core::peers::ConnectionId;
use snow_dist_runtime::core::{Connection, Dial, Inbound};

use super::host::{Turn, bytes};
use super::verdict::{Broken, Situation};
use super::world::{End, Faults, Item, Line, NAMES, Stage, Wire, World, address, random};

/// One step. Connections go by the ids of their wires, ends by their side: 0 is the initiator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// TCP and TLS come up.
    Accept {
        wire: u8,
    },
    /// An end reads what is next.
    Read {
        wire: u8,
        side: usize,
    },
    /// The end of a session is told.
    Finish {
        wire: u8,
        side: usize,
    },
    /// A node dials a name.
    Dial {
        node: usize,
        name: usize,
    },
    /// A host dials a name that its endpoint keeps connected.
    DialKept {
        node: usize,
        name: usize,
    },
    LetGo {
        node: usize,
        name: usize,
    },
    /// A process links with the peer's, and sends it a message.
    Act {
        node: usize,
        name: usize,
    },
    /// Time goes on for so many seconds, or until something happens.
    Pass {
        seconds: u64,
    },
    Cut {
        wire: u8,
    },
    /// An end notices the cut; what it has not read is lost.
    Notice {
        wire: u8,
        side: usize,
    },
    /// The stream takes nothing that this end writes.
    Stick {
        wire: u8,
        side: usize,
    },
    /// It does again.
    Flow {
        wire: u8,
        side: usize,
    },
    HoldUp {
        node: usize,
    },
    Run {
        node: usize,
    },
    Disconnect {
        node: usize,
        name: usize,
    },
    Stop {
        node: usize,
    },
    Knock {
        node: usize,
    },
    Trickle {
        wire: u8,
    },
    Inject {
        wire: u8,
        side: usize,
    },
    /// All is at rest, and this is what time brings, or does not.
    Look {
        broken: Broken,
    },
}

impl World {
    /// What happens by itself, and at once.
    pub fn own_steps(&self, steps: &mut Vec<Step>) {
        for (node, it) in self.nodes.iter().enumerate().filter(|(node, _)| self.runs(*node)) {
            let asked = it.asked.iter().enumerate().filter(|(_, is_asked)| **is_asked);
            steps.extend(asked.map(|(name, _)| Step::DialKept { node, name }));
        }
        for it in &self.wires {
            let wire = it.id;
            let run = it.ends.iter().all(|end| end.node.is_none_or(|node| self.runs(node)));
            if it.ends[1].stage == Stage::Absent && !it.is_cut && run {
                steps.push(Step::Accept { wire });
            }
            for (side, end) in it.ends.iter().enumerate() {
                if end.node.is_none_or(|node| !self.runs(node)) {
                    continue;
                }
                if end.can_read() {
                    steps.push(Step::Read { wire, side });
                }
                if end.stage == Stage::Ending {
                    steps.push(Step::Finish { wire, side });
                }
            }
        }
    }

    pub fn is_at_rest(&self) -> bool {
        let mut steps = Vec::new();
        self.own_steps(&mut steps);
        steps.is_empty()
    }

    /// What somebody may do, and what may fail, as far as the bounds go.
    pub fn other_steps(&self, spans: &[u64], steps: &mut Vec<Step>) {
        let left = &self.left;
        if left.passes > 0 && self.is_at_rest() {
            steps.extend(spans.iter().map(|seconds| Step::Pass { seconds: *seconds }));
        }
        for (node, it) in self.nodes.iter().enumerate() {
            if it.held_up.is_some() {
                steps.push(Step::Run { node });
                continue;
            }
            let mut push = |count, step| {
                if count > 0 {
                    steps.push(step);
                }
            };
            push(left.hold_ups, Step::HoldUp { node });
            push(left.knocks, Step::Knock { node });
            push(left.stops, Step::Stop { node });
            let names = self.nodes.iter().map(|other| other.name).max().unwrap_or_default();
            for name in (0..=names).filter(|name| *name != it.name) {
                push(left.dials, Step::Dial { node, name });
                if it.kept[name] {
                    push(left.let_gos, Step::LetGo { node, name });
                }
                if it.up[name].is_some() {
                    push(left.acts, Step::Act { node, name });
                    push(left.disconnects, Step::Disconnect { node, name });
                }
            }
        }
        self.wires.iter().for_each(|it| self.steps_on(it, steps));
    }

    fn steps_on(&self, it: &Wire, steps: &mut Vec<Step>) {
        let (left, wire) = (&self.left, it.id);
        if left.cuts > 0 && !it.is_cut {
            steps.push(Step::Cut { wire });
        }
        if left.trickles > 0 && it.ends[0].node.is_none() && it.ends[1].is_open() {
            steps.push(Step::Trickle { wire });
        }
        for (side, end) in it.ends.iter().enumerate() {
            if end.node.is_none_or(|node| !self.runs(node)) || !end.is_open() {
                continue;
            }
            if it.is_cut {
                steps.push(Step::Notice { wire, side });
            }
            if end.is_stuck {
                steps.push(Step::Flow { wire, side });
            } else if left.sticks > 0 && end.stage == Stage::Session {
                steps.push(Step::Stick { wire, side });
            }
            if left.injections > 0 && it.ends.iter().all(|end| end.is_up()) {
                steps.push(Step::Inject { wire, side });
            }
        }
    }
}

impl Turn<'_> {
    /// False if it cannot happen.
    pub fn take(&mut self, step: Step) -> bool {
        let is_done = self.take_step(step);
        self.world.wires.retain(|wire| !wire.is_over());
        let is_crowded =
            (0..self.world.nodes.len()).any(|node| self.world.handshakes(node) > self.world.handshakes_max);
        self.breaks_if(is_crowded, Broken::Places);
        is_done
    }

    fn take_step(&mut self, step: Step) -> bool {
        let (Step::Accept { wire }
        | Step::Read { wire, .. }
        | Step::Finish { wire, .. }
        | Step::Cut { wire }
        | Step::Notice { wire, .. }
        | Step::Stick { wire, .. }
        | Step::Flow { wire, .. }
        | Step::Trickle { wire }
        | Step::Inject { wire, .. }) = step
        else {
            return self.take_without_wire(step);
        };
        let Some(wire) = self.world.index_of(wire) else { return false };
        match step {
            Step::Accept { .. } => self.accept(wire),
            Step::Read { side, .. } => self.read(wire, side),
            Step::Finish { side, .. } => self.finish(wire, side),
            Step::Cut { .. } => {
                self.world.left.cuts -= 1;
                self.goes_wrong();
                self.world.wires[wire].is_cut = true;
            }
            Step::Notice { side, .. } => self.stream_ended(wire, side, "cut"),
            Step::Stick { side, .. } => {
                self.world.left.sticks -= 1;
                self.goes_wrong();
                self.world.end(wire, side).is_stuck = true;
            }
            Step::Flow { side, .. } => self.flow(wire, side),
            Step::Trickle { .. } => {
                self.world.left.trickles -= 1;
                self.put(wire, 0, bytes(&[0]));
            }
            Step::Inject { side, .. } => {
                self.world.left.injections -= 1;
                self.goes_wrong();
                // A SEND that ends behind its tag.
                self.put(wire, side, bytes(&[1, 0, 0, 0, 0x13]));
            }
            _ => return false,
        }
        true
    }

    fn take_without_wire(&mut self, step: Step) -> bool {
        match step {
            Step::Dial { node, name } => return self.dial(node, name),
            Step::DialKept { node, name } => self.dial_kept(node, name),
            Step::LetGo { node, name } => self.let_go(node, name),
            Step::Act { node, name } => return self.act_on_session(node, name),
            Step::Pass { seconds } => {
                self.world.left.passes -= 1;
                self.pass(seconds);
            }
            Step::HoldUp { node } => {
                self.world.left.hold_ups -= 1;
                self.world.wanted = Default::default();
                self.hold_up(node);
            }
            Step::Run { node } => self.run(node),
            Step::Disconnect { node, name } => self.disconnect(node, name),
            Step::Stop { node } => self.stop(node),
            Step::Knock { node } => {
                self.world.left.knocks -= 1;
                self.world.wanted = Default::default();
                self.begin(None, node);
            }
            Step::Look { broken } => self.breaks(broken),
            _ => return false,
        }
        true
    }

    fn goes_wrong(&mut self) {
        self.world.faults = Faults { of_streams: true };
        self.world.wanted = Default::default();
    }

    // Connections.

    /// A connection of TCP, which the other end has not accepted.
    fn begin(&mut self, from: Option<usize>, to: usize) -> usize {
        let (id, now) = (self.world.next_wire, self.world.now);
        self.world.next_wire += 1;
        let initiator = if from.is_some() { Stage::Handshake } else { Stage::Over };
        let mut acceptor = End::new(Some(to), Stage::Absent, now);
        acceptor.hold_ups = u32::from(!self.world.runs(to));
        let ends = [Arc::new(End::new(from, initiator, now)), Arc::new(acceptor)];
        self.world.wires.push(Wire { id, is_cut: false, ends });
        self.world.wires.len() - 1
    }

    fn random(&self, wire: usize, side: usize) -> Randomness {
        random(self.world.wires[wire].id, side)
    }

    fn give(&mut self, wire: usize, side: usize, id: ConnectionId, connection: Box<Connection>) {
        let now = self.world.now;
        let end = self.world.end(wire, side);
        (end.id, end.stage, end.clocks.stage) = (id, Stage::Handshake, now);
        end.line = Some(Line { connection, inbound: Inbound::default() });
    }

    pub fn dial(&mut self, node: usize, name: usize) -> bool {
        let now = self.world.now;
        let to = self.world.nodes.iter().position(|it| it.name == name).expect("a node of ours");
        let wanted = random(self.world.next_wire, 0);
        let expected = self.expected_of_dial(node, name);
        let can_come_up = self.world.is_at_rest()
            && !self.world.nodes[to].is_stopped
            && self.world.runs(to)
            && self.world.wires.iter().all(|wire| !wire.is_cut);
        let dial = self.world.node(node).endpoint.dial(&NAMES[name].into(), wanted, now);
        let lost = self.world.nodes[node].lost_to_rival[name];
        let is_expected = match &dial {
            //= spec/connection.md#con-dia-006
            //# A node whose dialled session is ended by CLOSE with code 3 soon after its beginning SHOULD
            //# wait before it dials that name again, and longer each time.
            Dial::Start(..) => {
                let may_dial = lost.is_none_or(|lost| now >= lost + RIVAL_PAUSE_MIN / 2);
                expected == Wish::Start && may_dial
            }
            Dial::Up => expected == Wish::Up,
            Dial::Underway => expected == Wish::Underway,
            Dial::Later(_) => {
                self.notes.note(Situation::Later);
                lost.is_some() && expected != Wish::Up
            }
            Dial::Stopped => self.world.nodes[node].is_stopped,
            Dial::OwnName | Dial::Busy => false,
        };
        self.breaks_if(!is_expected && !self.world.nodes[node].is_stopped, Broken::Wish);
        let Dial::Start(id, connection) = dial else {
            return self.world.broken.is_some();
        };
        self.world.left.dials = self.world.left.dials.saturating_sub(1);
        self.world.wanted[node][name] |= can_come_up;
        let is_crossed = self.world.ends_of(node).into_iter().any(|(wire, side)| {
            side == 1 && self.world.wires[wire].ends[1].is_open() && self.world.peer(wire, side) == Some(name)
        });
        if is_crossed {
            self.notes.note(Situation::Crossed);
        }
        let wire = self.begin(Some(node), to);
        self.give(wire, 0, id, connection);
        self.settle(node);
        true
    }

    /// It does not count as the wish of a program.
    fn dial_kept(&mut self, node: usize, name: usize) {
        self.world.node(node).asked[name] = false;
        let (dials, wanted) = (self.world.left.dials, self.world.wanted);
        let is_dialled = self.dial(node, name);
        if is_dialled && self.world.faults.of_streams {
            self.notes.note(Situation::KeptAgain);
        }
        (self.world.left.dials, self.world.wanted) = (dials, wanted);
        self.settle(node);
    }

    /// Keeps a name connected.
    pub fn keep(&mut self, node: usize, name: usize) {
        let now = self.world.now;
        let it = self.world.node(node);
        it.kept[name] = true;
        let is_kept = it.endpoint.keep(&NAMES[name].into(), now).is_ok();
        self.breaks_if(!is_kept, Broken::Wish);
        self.settle(node);
    }

    fn let_go(&mut self, node: usize, name: usize) {
        self.world.left.let_gos -= 1;
        if self.expected_of_dial(node, name) == Wish::Underway {
            self.notes.note(Situation::LetGo);
        }
        let now = self.world.now;
        let it = self.world.node(node);
        // What the host was told before it may still do.
        it.kept[name] = false;
        let was_kept = it.endpoint.let_go(NAMES[name], now);
        self.breaks_if(!was_kept, Broken::Wish);
        self.settle(node);
    }

    pub fn expected_of_dial(&self, node: usize, name: usize) -> Wish {
        if self.world.session(node, name).is_some() {
            return Wish::Up;
        }
        let is_underway = self.world.ends_of(node).into_iter().any(|(wire, side)| {
            let stage = self.world.wires[wire].ends[side].stage;
            let counts = match stage {
                Stage::Handshake => side == 0,
                Stage::Replied | Stage::Verdict | Stage::Session => true,
                // Whoever learns of the end may dial again.
                Stage::Absent | Stage::Ending | Stage::Over => false,
            };
            counts && self.world.peer(wire, side) == Some(name)
        });
        if is_underway { Wish::Underway } else { Wish::Start }
    }

    fn accept(&mut self, wire: usize) {
        let (random, now) = (self.random(wire, 1), self.world.now);
        let [initiator, acceptor] = [0, 1].map(|side| self.world.wires[wire].ends[side].node);
        let Some(node) = acceptor else { return };
        let Some((id, connection)) = self.world.node(node).endpoint.accept(address(initiator), random, now)
        else {
            self.breaks_if(!self.world.nodes[node].is_stopped, Broken::Wish);
            self.put(wire, 1, Item::Fin);
            self.world.end(wire, 1).stage = Stage::Over;
            return;
        };
        self.breaks_if(self.world.nodes[node].is_stopped, Broken::Wish);
        self.give(wire, 1, id, connection);
        self.settle(node);
        // Whoever is gone by now has said so.
        let channel = || Channel::Tls13 { exporter: [self.world.wires[wire].id; 32] };
        let [first, second] = [channel(), channel()];
        if self.world.wires[wire].ends[0].is_open() || initiator.is_none() {
            self.secured(wire, 1, first);
        }
        if initiator.is_some() {
            self.secured(wire, 0, second);
        }
    }

    fn secured(&mut self, wire: usize, side: usize, channel: Channel) {
        let end = &self.world.wires[wire].ends[side];
        let (Some(node), true) = (end.node, end.is_open()) else { return };
        if let Some(connection) = self.connection(wire, side) {
            connection.secured(channel);
        }
        self.settle(node);
    }

    pub fn read(&mut self, wire: usize, side: usize) {
        let now = self.world.now;
        let end = self.world.end(wire, side);
        let Some(node) = end.node else { return };
        match end.inbox.pop_front() {
            Some(Item::Bytes(bytes)) => {
                if now - end.clocks.heard >= HEARTBEAT_INTERVAL {
                    self.notes.note(Situation::Answered);
                }
                end.clocks.heard = now;
                self.act(wire, side, |line, heard| {
                    line.inbound.receive(&bytes, &mut *line.connection, heard, now);
                });
                self.settle(node);
            }
            Some(Item::Fin) => self.stream_ended(wire, side, "the stream has ended"),
            None => {}
        }
    }

    fn stream_ended(&mut self, wire: usize, side: usize, why: &str) {
        let end = self.world.end(wire, side);
        let Some(node) = end.node else { return };
        end.has_read_end = true;
        if let Some(connection) = self.connection(wire, side) {
            connection.stream_ended(why);
        }
        self.settle(node);
    }

    fn flow(&mut self, wire: usize, side: usize) {
        let now = self.world.now;
        let end = self.world.end(wire, side);
        let Some(node) = end.node else { return };
        (end.is_stuck, end.clocks.untaken) = (false, None);
        let untaken = std::mem::take(&mut end.untaken);
        if !untaken.is_empty() {
            self.put(wire, side, Item::Bytes(untaken.into()));
            if let Some(connection) = self.connection(wire, side) {
                connection.taken(now);
            }
        }
        self.settle(node);
    }

    // Orders.

    fn act_on_session(&mut self, node: usize, name: usize) -> bool {
        let Some((wire, side)) = self.world.session(node, name) else { return false };
        self.world.left.acts -= 1;
        let end = self.world.end(wire, side);
        end.sent += 1;
        let session = end.line.as_mut().and_then(|line| line.connection.open_session());
        let done = session.is_some_and(|it| it.link(1, 1).is_ok() && it.send(1, 1, b"m").is_ok());
        self.breaks_if(!done, Broken::Wish);
        self.settle(node);
        true
    }

    fn disconnect(&mut self, node: usize, name: usize) {
        let now = self.world.now;
        self.world.left.disconnects -= 1;
        self.world.wanted = Default::default();
        let session = self.world.session(node, name);
        if let Some((wire, side)) = session {
            self.end_in_order(wire, side);
        }
        let is_up = self.world.node(node).endpoint.disconnect(NAMES[name], now);
        self.breaks_if(is_up != session.is_some(), Broken::Wish);
        self.settle(node);
    }

    fn end_in_order(&mut self, wire: usize, side: usize) {
        let now = self.world.now;
        let end = self.world.end(wire, side);
        end.says |= 1;
        end.clocks.closing.get_or_insert(now);
    }

    fn stop(&mut self, node: usize) {
        self.world.left.stops -= 1;
        self.world.wanted = Default::default();
        let it = self.world.node(node);
        (it.is_stopped, it.kept, it.asked) = (true, Default::default(), Default::default());
        for (wire, side) in self.world.ends_of(node) {
            if self.world.wires[wire].ends[side].stage == Stage::Session {
                self.end_in_order(wire, side);
            }
        }
        let now = self.world.now;
        self.world.node(node).endpoint.stop(now);
        self.settle(node);
    }
}

/// What whoever wants a session must be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Start,
    Up,
    Underway,
}
