//! One step carried out: what processes do, and what frames do.

use std::sync::Arc;

use snow_dist_codec::frame::{Unlink, UnlinkAck};
use snow_dist_codec::framing::Frames;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Reading};
use snow_dist_runtime::core::session::Ending;
use snow_dist_runtime::core::{Reason, Session, SpawnTie};

use crate::bounds::Bounds;
use crate::step::{Act, Step};
use crate::verdict::{Broken, Notes, Situation};
use crate::witness::Witness;
use crate::world::{Foreign, Item, NOW, Phase, Tie, Watch, World};

/// The world while a step is taken.
pub struct Turn<'a> {
    pub world: World,
    pub bounds: &'a Bounds,
    pub notes: &'a Notes,
}

impl Turn<'_> {
    /// Takes the step; false if there is none such.
    pub fn take(&mut self, step: Step) -> bool {
        match step {
            Step::Write { connection, side } => self.write(self.at(connection), side),
            Step::Deliver { connection, side } => self.deliver(self.at(connection), side),
            Step::Notice { connection, side } => self.notice(self.at(connection), side),
            Step::Finish { connection, side } => self.finish(self.at(connection), side, connection),
            Step::Tell { connection, side, own } => self.tell(self.at(connection), side, own),
            Step::Act { act, node, own, known, remote } => self.act(act, node, own, known, remote),
            Step::Demonitor { connection, side, reference } => {
                self.demonitor(self.at(connection), side, reference);
            }
            Step::Reply { node, request } => self.reply(node, request),
            Step::Delegate { node, request } => self.delegate(node, request),
            Step::Drop { node, request } => {
                self.world.left.drops -= 1;
                self.drop_request(node, request);
            }
            Step::Rename { node, own } => {
                self.world.left.renames -= 1;
                let node = self.world.node(node);
                node.processes[own].touched = true;
                node.named = Some(own);
            }
            Step::Start { node, own } => {
                self.world.left.starts -= 1;
                self.world.node(node).processes[own].started = true;
            }
            Step::Exit { node, own } => {
                self.world.left.exits -= 1;
                self.world.node(node).processes[own].touched = true;
                self.ended(node, own, &Reason::error("boom"));
            }
            Step::Dial { node, peer } => return self.dial(node, peer),
            Step::Cut { connection } => {
                self.world.left.cuts -= 1;
                let connection = self.at(connection);
                self.world.connections[connection].is_cut = true;
            }
            Step::Restart { node } => self.restart(node),
            Step::Look { broken } => self.breaks(broken),
            Step::Inject { connection, side, foreign } => {
                return self.inject(self.at(connection), side, foreign);
            }
        }
        self.world.connections.retain(|connection| !connection.is_closed());
        true
    }

    pub fn at(&self, connection: u8) -> usize {
        self.world.index_of(connection).expect("steps are about connections that are there")
    }

    pub fn breaks(&mut self, broken: Broken) {
        self.world.broken.get_or_insert(broken);
    }

    pub fn breaks_if(&mut self, condition: bool, broken: Broken) {
        if condition {
            self.breaks(broken);
        }
    }

    fn act(&mut self, act: Act, node: usize, own: usize, known: usize, remote: usize) {
        let of = self.world.nodes[node].known[known];
        let Some((connection, side)) = self.world.route(node, &of) else { return };
        // The pid is one of that start, and the session must be.
        let start = self.world.connections[connection].starts[1 - side];
        self.breaks_if(start != of.start, Broken::Stale);
        self.world.node(node).processes[own].touched = true;
        let is_of_one = matches!(act, Act::Link | Act::Unlink | Act::Monitor | Act::Send | Act::Call);
        if is_of_one {
            self.world.node(of.node).processes[remote].touched = true;
        }
        let ending = self.world.connections[connection].ends[side].phase == Phase::Ending;
        self.notes.note_if(ending, Situation::WhileEnding);
        match act {
            Act::Link => self.link(connection, side, own, remote),
            Act::Unlink => self.unlink(connection, side, own, remote),
            Act::Monitor => self.monitor(connection, side, own, remote),
            Act::Send => self.send(connection, side, own, remote),
            Act::Call => self.call(connection, side, own, Some(remote)),
            Act::CallName => self.call(connection, side, own, None),
            Act::MonitorName => self.monitor_named(connection, side, own),
            Act::Spawn => self.spawn(connection, side, own, SpawnTie::None),
            Act::SpawnLinked => self.spawn(connection, side, own, SpawnTie::Link),
            Act::SpawnMonitored => self.spawn(connection, side, own, SpawnTie::Monitor),
        }
    }

    /// The session is to be told of the process's end.
    pub fn attach(&mut self, connection: usize, side: usize, own: usize) {
        let (id, node) =
            (self.world.connections[connection].id, self.world.connections[connection].nodes[side]);
        self.world.node(node).processes[own].attached |= 1 << id;
    }

    pub fn session(&mut self, connection: usize, side: usize) -> &mut Session {
        self.world.end(connection, side).session.as_mut().expect("a session was found there")
    }

    fn link(&mut self, connection: usize, side: usize, own: usize, remote: usize) {
        self.world.left.links -= 1;
        self.attach(connection, side, own);
        let linked = self.session(connection, side).link(local(own), local(remote));
        if linked.is_err() {
            return self.notes.note(Situation::BoundFull);
        }
        let tie = &mut self.world.end(connection, side).ties[own][remote];
        self.notes.note_if(matches!(tie, Tie::Unlinking(_)), Situation::Relinked);
        *tie = Tie::Active;
    }

    fn unlink(&mut self, connection: usize, side: usize, own: usize, remote: usize) {
        self.world.left.unlinks -= 1;
        self.session(connection, side).unlink(local(own), local(remote));
        let end = self.world.end(connection, side);
        end.unlinks += 1;
        end.ties[own][remote] = Tie::Unlinking(end.unlinks);
        end.outstanding[own][remote] = end.unlinks;
        if self.bounds.version_1 {
            // In version 1 nothing is outstanding: UNLINK is queued, and the link is no more.
            self.acknowledge(connection, side, own, remote);
        }
    }

    fn acknowledge(&mut self, connection: usize, side: usize, own: usize, remote: usize) {
        let facts = crate::world::facts(self.bounds, &self.world.connections[connection], side);
        let end = self.world.end(connection, side);
        end.ties[own][remote] = Tie::None;
        end.outstanding[own][remote] = 0;
        let ack = UnlinkAck {
            from: pid(facts.config.peer_creation, remote),
            to: pid(facts.config.creation, own),
            id: end.unlinks,
        };
        let session = end.session.as_mut().expect("a session was found there");
        let handled = session.handle_frame(&Frame::from(ack), &mut crate::rest::Record::default());
        self.breaks_if(handled.is_err(), Broken::Protocol);
    }

    fn monitor(&mut self, connection: usize, side: usize, own: usize, remote: usize) {
        self.world.left.monitors -= 1;
        self.attach(connection, side, own);
        let reference = self.next_reference(connection, side);
        match self.session(connection, side).monitor(local(own), local(remote), reference) {
            Ok(()) => {
                self.world.end(connection, side).watches.push(Watch { reference, own, remote: Some(remote) })
            }
            Err(_) => self.notes.note(Situation::BoundFull),
        }
    }

    fn demonitor(&mut self, connection: usize, side: usize, reference: u64) {
        self.world.left.demonitors -= 1;
        let found = self.session(connection, side).demonitor(reference);
        self.breaks_if(!found, Broken::DownLost);
        let end = self.world.end(connection, side);
        end.watches.retain(|watch| watch.reference != reference);
        end.calls.retain(|call| call.reference != reference);
        end.asked.retain(|asked| asked.reference != reference);
    }

    fn send(&mut self, connection: usize, side: usize, own: usize, remote: usize) {
        self.world.left.sends -= 1;
        let start = self.world.connections[connection].starts[1 - side];
        let sent = &mut self.world.end(connection, side).sent[own][remote];
        *sent += 1;
        let message = [own as u8, remote as u8, start, *sent];
        let sent = self.session(connection, side).send(local(own), local(remote), &message);
        self.breaks_if(sent.is_err(), Broken::Order);
    }

    /// A process has ended: nothing reaches it any more. Its sessions are told at once, or later.
    pub fn ended(&mut self, node: usize, own: usize, reason: &Reason) {
        self.world.node(node).processes[own].ended = Some(reason.clone());
        self.holder_ended(node, own);
        for connection in 0..self.world.connections.len() {
            let Some(side) = self.world.connections[connection].side_of(node) else { continue };
            let end = self.world.end(connection, side);
            end.ties[own] = Default::default();
            end.outstanding[own] = Default::default();
            end.watches.retain(|watch| watch.own != own);
            end.calls.retain(|call| call.own != own);
            end.asked.retain(|asked| asked.own != own);
            if !self.bounds.late && end.open().is_some() {
                self.tell(connection, side, own);
            }
        }
    }

    fn tell(&mut self, connection: usize, side: usize, own: usize) {
        let it = &self.world.connections[connection];
        let (id, node) = (it.id, it.nodes[side]);
        let process = &mut self.world.node(node).processes[own];
        if process.attached >> id & 1 == 0 {
            return;
        }
        process.attached &= !(1 << id);
        let reason = process.ended.clone().expect("it has ended");
        self.introduce(connection, side, node, &reason);
        self.session(connection, side).process_ended(local(own), &reason);
        self.callee_ended(connection, side, own);
    }

    /// The peer is to know the nodes of the hops, as `runtime/src/session.rs` sees to it.
    fn introduce(&mut self, connection: usize, side: usize, node: usize, reason: &Reason) {
        let Reason::Linked(chain) = reason else { return };
        for hop in &chain.hops {
            let start = self.world.nodes[node].epochs.numbers.start(hop.node()).cloned();
            self.session(connection, side).introduce(hop.node(), || start);
        }
    }

    fn write(&mut self, connection: usize, side: usize) {
        let mut bytes = Vec::new();
        self.session(connection, side).write(&mut bytes, 1);
        for payload in Frames::new(&bytes, FRAME_BYTES_MAX) {
            let payload = payload.expect("a session writes whole frames");
            let mut payload = Arc::from(payload);
            if self.bounds.version_1 {
                payload = version_1(payload);
            }
            self.put(connection, side, Item::Frame(payload));
        }
    }

    /// Puts what `side` writes on its way.
    pub fn put(&mut self, connection: usize, side: usize, item: Item) {
        if !self.world.connections[connection].is_cut
            && self.world.connections[connection].ends[1 - side].phase != Phase::Closed
        {
            self.world.end(connection, 1 - side).inbox.push_back(item);
        }
    }

    fn deliver(&mut self, connection: usize, side: usize) {
        let end = self.world.end(connection, side);
        let (phase, item) = (end.phase, end.inbox.pop_front().expect("something is to be read"));
        match (phase, item) {
            (Phase::Accepted, Item::Reply) => self.verified(connection, side),
            (Phase::Replied, Item::Ack) => self.acked(connection, side),
            (Phase::Session, Item::Frame(payload)) => self.frame(connection, side, &payload, None),
            (Phase::Session, Item::Foreign(foreign, payload)) => {
                self.frame(connection, side, &payload, Some(foreign));
            }
            (_, Item::Reject | Item::Fin) => self.over(connection, side),
            (phase, item) => panic!("{item:?} reached {phase:?}"),
        }
    }

    fn frame(&mut self, connection: usize, side: usize, payload: &[u8], foreign: Option<Foreign>) {
        if self.world.connections[connection].ends[side].open().is_none() {
            return;
        }
        let frame = Frame::decode(payload, Reading::Strict).expect("a session writes what can be read");
        if foreign.is_some_and(|foreign| self.is_foreign_no_more(connection, side, foreign, &frame)) {
            return;
        }
        let mut session = self.world.end(connection, side).session.take().expect("it is open");
        let held = session.table_sizes().2;
        let probed = session.handle_received(NOW);
        let mut witness = Witness::new(self, connection, side, &frame, foreign);
        let handled = session.handle_frame(&frame, &mut witness);
        let seen = witness.done(&frame);
        self.world.end(connection, side).session = Some(session);
        if let Some(broken) = seen.broken {
            self.breaks(broken);
        }
        let node = self.world.connections[connection].nodes[side];
        for (own, reason) in seen.deaths {
            self.ended(node, own, &reason);
        }
        if probed {
            self.alive(connection, side);
        }
        match (foreign, handled) {
            (None, Ok(())) => {}
            (None, Err(Ending::Protocol(_))) => self.breaks(Broken::Protocol),
            (None, Err(_)) => self.over(connection, side),
            (Some(foreign), handled) => {
                let ends = ends_the_session(foreign, held);
                self.breaks_if(ends != handled.is_err(), Broken::Foreign);
                if handled.is_err() {
                    self.notes.note(Situation::ForeignEnds);
                    self.over(connection, side);
                } else {
                    self.notes.note(Situation::ForeignIgnored);
                }
            }
        }
    }
}

/// Whether a frame that no node may write is an error, at a node that holds so many monitors of its peer.
const fn ends_the_session(foreign: Foreign, held: usize) -> bool {
    match foreign {
        Foreign::ThirdNode | Foreign::DuplicateCall => true,
        // Of a monitor that is over here, the ref is free.
        Foreign::DuplicateReference => held > 0,
        _ => false,
    }
}

/// The frame as a node of version 1 writes it: UNLINK for UNLINK_ID.
fn version_1(payload: Arc<[u8]>) -> Arc<[u8]> {
    match Frame::decode(&payload, Reading::Strict) {
        Ok(Frame::UnlinkId(unlink)) => {
            let mut bytes = Vec::new();
            Frame::from(Unlink { from: unlink.from, to: unlink.to })
                .encode(&mut bytes)
                .expect("two pids can be written");
            bytes.into()
        }
        _ => payload,
    }
}

/// The local id of a process.
pub const fn local(process: usize) -> u64 {
    process as u64 + 1
}

/// The process of a local id, if it is one of ours.
pub fn process(local: u64) -> Option<usize> {
    let process = usize::try_from(local).ok()?.checked_sub(1)?;
    (process < crate::world::PROCESSES).then_some(process)
}

/// A pid in a field with an owner.
pub fn pid(creation: u8, process: usize) -> snow_dist_codec::Pid {
    snow_dist_codec::Pid::new(0, creation, local(process)).expect("a small local id")
}
