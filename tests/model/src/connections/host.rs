//! What a host does: it hands on what connections and their endpoint say, writes what there is to write, and sees each
//! connection to its end. As [`connection`](snow_dist_runtime::core::connection) asks for it, and no more.

use std::collections::VecDeque;
use std::sync::Arc;

use snow_dist_codec::limits::HANDSHAKE_BYTES_MAX;
use snow_dist_codec::{Handshake, Reading, framing};
use snow_dist_runtime::core::connection::{ConnectionEvent, EndpointEvent, GiveWay, Transmit};
use snow_dist_runtime::core::endpoint::Output;
use snow_dist_runtime::core::peers::{ConnectionId, Sign};
use snow_dist_runtime::core::{Connection, Pid, Processes, Reason};

use super::bounds::Bounds;
use super::judge::Judged;
use super::step::Wish;
use super::verdict::{Broken, Notes, Situation};
use super::world::{Item, Line, NAMES, Stage, World};

/// A step that is being taken.
#[derive(Debug)]
pub struct Turn<'a> {
    pub world: World,
    pub bounds: &'a Bounds,
    pub notes: &'a Notes,
}

/// What comes to the process of a node.
#[derive(Debug, Default)]
pub struct Heard {
    pub messages: u8,
    pub exits: u8,
}

impl Processes for Heard {
    fn attach(&mut self, _: u64) -> bool {
        true
    }

    fn message(&mut self, _: u64, _: &[u8]) {
        self.messages += 1;
    }

    fn named_message(&mut self, _: &str, _: &[u8]) {}

    fn exit(&mut self, _: u64, _: Pid, _: Reason) {
        self.exits += 1;
    }

    fn down(&mut self, _: u64, _: u64, _: Pid, _: Reason) {}
}

impl Turn<'_> {
    pub fn breaks(&mut self, broken: Broken) {
        self.world.broken.get_or_insert(broken);
    }

    pub fn breaks_if(&mut self, condition: bool, broken: Broken) {
        if condition {
            self.breaks(broken);
        }
    }

    /// Acts on a connection. What comes to its process belongs to the session that is up.
    pub fn act(&mut self, wire: usize, side: usize, act: impl FnOnce(&mut Line, &mut Heard)) {
        let end = self.world.end(wire, side);
        let mut heard = Heard::default();
        let Some(line) = &mut end.line else { return };
        act(line, &mut heard);
        end.received += heard.messages;
        end.exits += heard.exits;
        let is_too_much = end.exits > 1;
        let (node, id, received) = (end.node, end.id, end.received);
        if heard.messages + heard.exits > 0 {
            let is_up = node.is_some_and(|node| self.world.nodes[node].up.contains(&Some(id)));
            let sent = self.world.wires[wire].ends[1 - side].sent;
            self.breaks_if(!is_up || is_too_much || received > sent, Broken::Outside);
        }
    }

    pub fn connection(&mut self, wire: usize, side: usize) -> Option<&mut Connection> {
        self.world.end(wire, side).line.as_mut().map(|line| &mut *line.connection)
    }

    /// What a host does after each call.
    pub fn settle(&mut self, node: usize) {
        self.carry_out(node);
        loop {
            let mut is_quiet = true;
            for (wire, side) in self.world.ends_of(node) {
                while self.hear_event(node, wire, side) {
                    is_quiet = false;
                }
                self.write(wire, side);
                let end = &self.world.wires[wire].ends[side];
                let has_ended = end.line.as_ref().is_some_and(|line| line.connection.ending().is_some());
                if has_ended && end.is_open() {
                    self.over(node, wire, side);
                    is_quiet = false;
                }
            }
            if is_quiet {
                return;
            }
        }
    }

    /// A connection says something to its endpoint. False if it has nothing to say.
    fn hear_event(&mut self, node: usize, wire: usize, side: usize) -> bool {
        let now = self.world.now;
        if !self.world.wires[wire].ends[side].is_open() {
            return false;
        }
        let Some(event) = self.connection(wire, side).and_then(Connection::poll_event) else { return false };
        let end = self.world.end(wire, side);
        let id = end.id;
        match &event {
            EndpointEvent::Verified(_) | EndpointEvent::Acked(_) => {
                (end.stage, end.clocks.stage) = (Stage::Verdict, now);
            }
            EndpointEvent::Alive(Sign::Life) => {
                let is_for_news = end.clocks.probed.take().is_some_and(|_| end.clocks.heard == now);
                self.breaks_if(!is_for_news, Broken::Hasty);
                self.notes.note(Situation::Spared);
            }
            _ => {}
        }
        self.world.node(node).endpoint.handle_event(id, event, now);
        self.carry_out(node);
        true
    }

    pub fn carry_out(&mut self, node: usize) {
        while let Some(output) = self.world.node(node).endpoint.poll_output() {
            match output {
                Output::Tell(id, event) => self.tell(node, id, event),
                Output::NodeUp(id, name) => self.node_up(node, id, &name),
                Output::NodeDown(id, name) => {
                    let up = self.world.node(node).up[named(&name)].take();
                    self.breaks_if(up != Some(id), Broken::Overlap);
                }
                Output::Dial(name) => self.ask_for(node, named(&name)),
                Output::Notice(_) => {}
            }
        }
    }

    /// The endpoint wants a name to be dialled that it keeps connected: the host does that when it comes to it.
    fn ask_for(&mut self, node: usize, name: usize) {
        let it = &self.world.nodes[node];
        let is_wanted = it.kept[name] && !it.asked[name] && !it.is_stopped && it.name != name;
        let is_needed = self.expected_of_dial(node, name) == Wish::Start;
        self.breaks_if(!is_wanted || !is_needed, Broken::Needless);
        self.world.node(node).asked[name] = true;
    }

    fn node_up(&mut self, node: usize, id: ConnectionId, name: &str) {
        let Some((wire, side)) = self.world.end_with(node, id) else {
            return self.breaks(Broken::Overlap);
        };
        let up = &mut self.world.node(node).up[named(name)];
        let is_alone = up.replace(id).is_none();
        let is_session = self.world.wires[wire].ends[side].stage == Stage::Session;
        self.breaks_if(!is_alone || !is_session, Broken::Overlap);
        let now = self.world.now;
        self.act(wire, side, |line, heard| line.inbound.receive(&[], &mut *line.connection, heard, now));
    }

    /// The endpoint says something to a connection.
    fn tell(&mut self, node: usize, id: ConnectionId, event: ConnectionEvent) {
        let now = self.world.now;
        let Some((wire, side)) = self.world.end_with(node, id) else { return };
        if !self.world.wires[wire].ends[side].is_open() {
            return;
        }
        let judged = Judged::of(&self.world, wire, side, &event);
        if event == ConnectionEvent::GiveWay(GiveWay::Place) {
            self.notes.note(Situation::LostItsPlace);
            self.world.wanted = Default::default();
        }
        let end = self.world.end(wire, side);
        let Some(line) = &mut end.line else { return };
        if line.connection.ending().is_some() {
            return;
        }
        line.connection.handle_event(event, now);
        let has_ended = line.connection.ending().is_some();
        match judged {
            Judged::Reply => (end.stage, end.clocks.stage) = (Stage::Replied, now),
            Judged::Up => {
                (end.stage, end.clocks.stage, end.clocks.heard) = (Stage::Session, now, now);
                let is_session = line.connection.is_session();
                self.breaks_if(!is_session, Broken::Verdict);
            }
            Judged::Over => self.breaks_if(!has_ended, Broken::Verdict),
            Judged::Probe => {
                end.clocks.probed.get_or_insert(now);
                self.notes.note(Situation::Probed);
            }
            // Who ends it in order has said so before.
            Judged::Close => {}
            Judged::Replaced => {
                end.says |= 1 << 3;
                self.breaks_if(!has_ended, Broken::Verdict);
            }
            Judged::Wrong => self.breaks(Broken::Verdict),
            Judged::Unfair => self.breaks(Broken::Places),
        }
    }

    /// Writes what there is, as far as the stream takes it.
    pub fn write(&mut self, wire: usize, side: usize) {
        let now = self.world.now;
        loop {
            let end = self.world.end(wire, side);
            if !end.is_open() || !end.untaken.is_empty() {
                return;
            }
            let Some(line) = &mut end.line else { return };
            let mut out = Vec::new();
            let given = line.connection.transmit(&mut out, 1, now);
            match given {
                Transmit::Bytes { is_handshake, .. } => {
                    self.look_at_written(wire, side, is_handshake, &out);
                    let end = self.world.end(wire, side);
                    if end.is_stuck {
                        (end.untaken, end.clocks.untaken) = (out, Some(now));
                        return;
                    }
                    self.put(wire, side, Item::Bytes(out.into()));
                    if let Some(connection) = self.connection(wire, side) {
                        connection.taken(now);
                    }
                }
                Transmit::Close => self.put(wire, side, Item::Fin),
                Transmit::Nothing => return,
            }
        }
    }

    //= spec/connection.md#con-elc-015
    //# A node MUST NOT write a frame on a connection before it has sent ACK as its acceptor, or verified ACK
    //# as its initiator.
    fn look_at_written(&mut self, wire: usize, side: usize, is_handshake: bool, out: &[u8]) {
        let end = &self.world.wires[wire].ends[side];
        let is_ack = is_handshake
            && matches!(
                framing::cut(out, HANDSHAKE_BYTES_MAX)
                    .map(|cut| cut.map(|cut| Handshake::decode(cut.payload, Reading::Strict))),
                Ok(Some(Ok(Handshake::Ack(_))))
            );
        let is_up = end.node.is_some_and(|node| self.world.nodes[node].up.contains(&Some(end.id)));
        self.breaks_if((is_ack || !is_handshake) && !is_up, Broken::EarlyAck);
    }

    /// Puts something on its way to the other end.
    pub fn put(&mut self, wire: usize, side: usize, item: Item) {
        let other = &self.world.wires[wire].ends[1 - side];
        if !self.world.wires[wire].is_cut && other.stage != Stage::Over && other.stage != Stage::Ending {
            self.world.end(wire, 1 - side).inbox.push_back(item);
        }
    }

    /// A connection has an ending: what it still gives is written, the stream is dropped, and the endpoint hears of it.
    fn over(&mut self, node: usize, wire: usize, side: usize) {
        let now = self.world.now;
        let Some(ending) = self.connection(wire, side).and_then(|it| it.ending().cloned()) else { return };
        self.judge(wire, side, &ending);
        self.write(wire, side);
        self.put(wire, side, Item::Fin);
        let end = self.world.end(wire, side);
        let (id, was_up) = (end.id, end.stage == Stage::Session);
        end.stage = if was_up { Stage::Ending } else { Stage::Over };
        (end.inbox, end.untaken) = (VecDeque::new(), Vec::new());
        let was_session = self.world.node(node).endpoint.over(id, Some(&ending), now);
        self.breaks_if(was_session != was_up, Broken::Verdict);
        self.carry_out(node);
        if !was_session {
            self.close(wire, side);
        }
    }

    /// The end of a session is told to its processes.
    pub fn finish(&mut self, wire: usize, side: usize) {
        let end = &self.world.wires[wire].ends[side];
        let (Some(node), id, now) = (end.node, end.id, self.world.now) else { return };
        self.act(wire, side, |line, heard| line.connection.end(heard));
        self.close(wire, side);
        self.world.node(node).endpoint.told(id, now);
        self.settle(node);
    }

    /// Nothing is left of this end.
    fn close(&mut self, wire: usize, side: usize) {
        let end = self.world.end(wire, side);
        (end.stage, end.line) = (Stage::Over, None);
    }
}

/// Which of the names that is.
pub fn named(name: &str) -> usize {
    NAMES.iter().position(|of| *of == name).expect("a node of ours")
}

/// Something on its way, in one piece.
pub fn bytes(bytes: &[u8]) -> Item {
    Item::Bytes(Arc::from(bytes))
}
