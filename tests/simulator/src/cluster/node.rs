//! A node: its connections, and what `net/registry` does with them in production.

use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use snow_dist_codec::NodeName;
use snow_dist_runtime::core::epochs::{Epochs, Event, Facts};
use snow_dist_runtime::core::handshake::{Channel, Local, acceptor};
use snow_dist_runtime::core::limits::HANDSHAKE_DEADLINE;
use snow_dist_runtime::core::peers::{ConnectionId, DialDecision, Refusal};
use snow_dist_runtime::core::{Cookies, NodeNumber, Numbers, Session, Start};

use super::blame::Asked;
use super::connection::{Connection, DIALLED, End, Over, Stage, Verdict};
use super::driver::Driver;
use super::table::Table;
use super::{Cluster, ELECTIONS_MAX, Step};
use crate::coverage::Of;
use crate::oracle::{Checked, Joint, check};
use crate::plan::NodePlan;
use crate::random::Random;
use crate::wire::{NEVER, Time, Wire};

pub(super) struct Node {
    pub(super) start: u32,
    pub(super) is_running: bool,
    pub(super) local: Arc<Local>,
    pub(super) epochs: Epochs,
    last_connection: u64,
    pub(super) by_id: FxHashMap<ConnectionId, (u32, usize)>,
    /// Sessions by the peer's number: those that messages find, and those that are ending.
    pub(super) up: FxHashMap<NodeNumber, (u32, usize)>,
    pub(super) ending: FxHashMap<NodeNumber, (u32, usize)>,
    /// Which start each number names, in truth.
    pub(super) numbers: FxHashMap<NodeNumber, u32>,
    /// Of each node: the session whose NODEUP has been given and whose NODEDOWN has not.
    pub(super) watched: Vec<Option<(u32, usize)>>,
    pub(super) table: Table,
    pub(super) random: Random,
    pub(super) stands_until: Time,
    /// When it stood still.
    pub(super) stood: Vec<Range<Time>>,
    /// For how long its clock has stood still with it.
    pub(super) clock_stood: Time,
    wake_max: Time,
}

impl Node {
    /// How long a task waits until it runs.
    pub(super) fn lateness(&mut self) -> Time {
        self.random.below(self.wake_max)
    }

    fn next_connection(&mut self) -> ConnectionId {
        self.last_connection += 1;
        ConnectionId(self.last_connection)
    }
}

fn epochs(plan: &NodePlan, incarnation: NonZeroU64) -> Epochs {
    let own = Start { name: plan.name.clone(), incarnation };
    Epochs::with_numbers(&plan.name, plan.sessions_max, Numbers::new(own))
}

fn local(plan: &NodePlan, incarnation: NonZeroU64, cookies: &Cookies) -> Arc<Local> {
    let name = NodeName::parse(&plan.name).unwrap_or_else(|_| unreachable!("names of plans are node names"));
    let mut local = Local::new(name, incarnation, cookies.clone());
    local.bounds = plan.bounds;
    local.capabilities = plan.capabilities;
    Arc::new(local)
}

impl Cluster<'_> {
    fn new_start(&mut self, node: usize, incarnation: NonZeroU64) -> (u32, Arc<Local>) {
        self.starts.push(incarnation);
        (self.starts.len() as u32 - 1, local(&self.plan.nodes[node], incarnation, &self.cookies))
    }

    pub(super) fn first_start(&mut self, node: usize, mut random: Random) -> Node {
        let incarnation = NonZeroU64::new(random.u64()).unwrap_or(NonZeroU64::MIN);
        let (start, local) = self.new_start(node, incarnation);
        Node {
            start,
            is_running: true,
            epochs: epochs(&self.plan.nodes[node], incarnation),
            local,
            last_connection: 0,
            by_id: FxHashMap::default(),
            up: FxHashMap::default(),
            ending: FxHashMap::default(),
            numbers: FxHashMap::default(),
            watched: vec![None; self.plan.nodes.len()],
            table: Table::populated(self.plan.slots, &mut random),
            random,
            stands_until: 0,
            stood: Vec::new(),
            clock_stood: 0,
            wake_max: self.plan.nodes[node].wake_max,
        }
    }

    /// The node comes back, as another start.
    pub(super) fn boot(&mut self, node: usize, same_creation: bool) {
        self.trace.note(self.now, || format!("node {node} is back"));
        let before = self.starts[self.nodes[node].start as usize].get();
        let random = self.nodes[node].random.u64();
        // Creations come round after 255 starts.
        let incarnation =
            if same_creation { before.wrapping_add(255 * (1 + random % 1_000)) } else { random };
        let incarnation = NonZeroU64::new(incarnation).unwrap_or(NonZeroU64::MAX);
        let (start, local) = self.new_start(node, incarnation);
        let here = &mut self.nodes[node];
        (here.start, here.local, here.is_running) = (start, local, true);
        here.epochs = epochs(&self.plan.nodes[node], incarnation);
        here.numbers.clear();
        here.last_connection = 0;
        here.table = Table::populated(self.plan.slots, &mut here.random);
    }

    /// A program wants a session.
    pub(super) fn dial(&mut self, node: usize, peer: usize, elections: u8) -> Checked {
        if !self.nodes[node].is_running {
            return Ok(());
        }
        let name = self.plan.nodes[peer].name.clone();
        let here = &mut self.nodes[node];
        let id = here.next_connection();
        let kind = match here.epochs.dial(&name, id) {
            DialDecision::Start => Of::DialStarted,
            DialDecision::Up(_) => Of::DialUp,
            DialDecision::Underway | DialDecision::Closing(_) => Of::DialUnderway,
            DialDecision::Busy => Of::DialBusy,
            DialDecision::OwnName => {
                return check(false, "two nodes have two names", || name.to_string());
            }
        };
        self.coverage.count(kind);
        if kind != Of::DialStarted {
            return Ok(());
        }
        self.coverage.count(Of::Passage);
        let connection = self.connections.len() as u32;
        self.trace.note(self.now, || format!("node {node} dials node {peer}: connection {connection}"));
        let here = &mut self.nodes[node];
        let manners = [self.plan.manner(&mut here.random), self.plan.manner(&mut here.random)];
        let latency = manners[0].latency;
        let it_takes = latency + here.random.below(2 * latency + 1);
        here.by_id.insert(id, (connection, DIALLED));
        let starts = [here.start, self.nodes[peer].start];
        let mut it = Connection {
            ends: [End::new(node, starts[0], id), End::new(peer, starts[1], ConnectionId(0))],
            wires: manners.map(Wire::new),
            exporter: self.nodes[node].random.bytes(),
            elections,
            is_faulty: false,
        };
        let (patience, look_at) = self.patience(node, HANDSHAKE_DEADLINE);
        it.ends[DIALLED].patience = Some(patience);
        it.ends[DIALLED].begun = self.now;
        self.connections.push(Some(Box::new(it)));
        self.joints.push(None);
        self.live.insert(connection);
        self.after(it_takes, Step::Connect { connection });
        self.push(look_at, Step::Late { connection, end: DIALLED as u8, is_ack: false });
        Ok(())
    }

    /// TCP and TLS are up, if somebody is there.
    pub(super) fn connect(&mut self, connection: u32) -> Checked {
        let Some(mut it) = self.connections[connection as usize].take() else { return Ok(()) };
        if it.ends[DIALLED].is_over() {
            self.connections[connection as usize] = Some(it);
            return Ok(());
        }
        let peer = it.ends[1 - DIALLED].node;
        if !self.nodes[peer].is_running {
            self.coverage.count(Of::Unreachable);
            self.connections[connection as usize] = Some(it);
            return self.finish(connection, DIALLED, Over::Broken);
        }
        it.ends[1 - DIALLED].start = self.nodes[peer].start;
        self.current = connection;
        let begun = self.begin_handshake(&mut it);
        self.connections[connection as usize] = Some(it);
        begun?;
        self.wake_now(connection, DIALLED);
        self.soon(peer, Step::Accept { connection });
        Ok(())
    }

    pub(super) fn accept(&mut self, connection: u32) -> Checked {
        let now = self.now;
        let Some(it) = &mut self.connections[connection as usize] else { return Ok(()) };
        let (node, start) = (it.ends[1].node, it.ends[1].start);
        if it.ends[1].is_over() {
            return Ok(());
        }
        let here = &mut self.nodes[node];
        if !here.is_running || here.start != start {
            it.ends[1].stage = Stage::Closed;
            it.wires[1].cut(0, now, now);
            self.look(connection);
            self.forget(connection);
            return Ok(());
        }
        let id = here.next_connection();
        let channel = Channel::Tls13 { exporter: it.exporter };
        it.ends[1].id = id;
        it.ends[1].stage = Stage::ExpectName(acceptor::start(here.local.clone(), channel));
        here.by_id.insert(id, (connection, 1));
        let starts = [it.ends[0].start, start];
        let nodes = [it.ends[0].node, node];
        let capabilities = self.common(nodes[0], nodes[1]);
        self.joints[connection as usize] = Some(Box::new(Joint::new(starts, capabilities)));
        let (patience, look_at) = self.patience(node, HANDSHAKE_DEADLINE);
        if let Some(it) = &mut self.connections[connection as usize] {
            it.ends[1].patience = Some(patience);
            it.ends[1].begun = now;
        }
        self.push(look_at, Step::Late { connection, end: 1, is_ack: false });
        self.wake_now(connection, 1);
        Ok(())
    }

    /// The end of a connection's task, however it came about: in production, what its guard does.
    pub(super) fn finish(&mut self, connection: u32, end: usize, over: Over) -> Checked {
        let now = self.now;
        let Some(it) = &mut self.connections[connection as usize] else { return Ok(()) };
        if it.ends[end].is_over() {
            return Ok(());
        }
        self.coverage.count(Of::Passage);
        if over == Over::Broken {
            self.coverage.count(Of::BrokenOff);
        }
        let (node, id, peer) = (it.ends[end].node, it.ends[end].id, it.ends[1 - end].node);
        let is_known = end == DIALLED
            || !matches!(
                it.ends[end].stage,
                Stage::Connecting | Stage::ExpectName(_) | Stage::ExpectReply(_)
            );
        it.ends[end].stage = Stage::Over;
        let elections = it.elections;
        it.wires[end].close(now);
        // What has not been read makes the system break the connection: it may take along what was under way.
        if it.wires[1 - end].under_way() > 0 && self.nodes[node].random.chance(500) {
            let kept = self.nodes[node].random.index(it.wires[end].under_way() + 1);
            let latency = it.wires[end].manner.latency;
            it.wires[end].cut(kept, now + latency, now);
        }
        let latency = it.wires[1 - end].manner.latency;
        it.wires[1 - end].cut(0, now, now + latency);
        self.look(connection);
        let name = self.plan.nodes[peer].name.clone();
        let name = if is_known { &*name } else { "" };
        if self.nodes[node].epochs.over(name, id).is_some() {
            if let Some(driver) =
                self.connections[connection as usize].as_ref().and_then(|it| it.ends[end].driver.as_ref())
            {
                let number = driver.number;
                self.nodes[node].up.remove(&number);
                self.nodes[node].ending.insert(number, (connection, end));
            }
            self.soon(node, Step::Deliver { connection, end: end as u8 });
        } else {
            self.close(connection, end);
        }
        if over == Over::Election && end == DIALLED && elections < ELECTIONS_MAX {
            let wait = self.nodes[node].random.below(256) * 1_000 * (u64::from(elections) + 1) / 4;
            self.after(wait, Step::Dial { node: node as u32, peer: peer as u32, elections: elections + 1 });
        }
        self.carry_out(node)
    }

    fn close(&mut self, connection: u32, end: usize) {
        if let Some(it) = &mut self.connections[connection as usize] {
            it.ends[end].stage = Stage::Closed;
            let (node, id) = (it.ends[end].node, it.ends[end].id);
            self.nodes[node].by_id.remove(&id);
        }
        self.forget(connection);
    }

    /// All that crossed a session has been told.
    pub(super) fn told(&mut self, connection: u32, end: usize) -> Checked {
        let Some(it) = &self.connections[connection as usize] else { return Ok(()) };
        if it.ends[end].is_closed() {
            return Ok(());
        }
        let (node, id, peer) = (it.ends[end].node, it.ends[end].id, it.ends[1 - end].node);
        self.nodes[node].epochs.told(&self.plan.nodes[peer].name, id);
        self.carry_out(node)?;
        self.close(connection, end);
        Ok(())
    }

    /// Does what the node's core has decided.
    pub(super) fn carry_out(&mut self, node: usize) -> Checked {
        while let Some(event) = self.nodes[node].epochs.poll_event() {
            let (id, verdict) = match &event {
                Event::Up(id, _) => (*id, Some(Verdict::Up)),
                Event::Reject(id, refusal) => (*id, Some(Verdict::Reject(*refusal))),
                Event::Close(id) => (*id, Some(Verdict::Close)),
                Event::Down(id, _) | Event::Probe(id, _) | Event::End(id) => (*id, None),
            };
            let Some((connection, end)) = self.nodes[node].by_id.get(&id).copied() else { continue };
            self.trace.note(self.now, || format!("node {node} decides {}", shown(&event)));
            match event {
                Event::Up(_, facts) => self.come_up(connection, end, &facts)?,
                Event::Down(_, name) => self.go_down(connection, end, &name)?,
                Event::Reject(_, Refusal::Duplicate) => self.coverage.count(Of::RejectDuplicate),
                Event::Reject(..) => self.coverage.count(Of::RejectBusy),
                Event::Close(_) => self.coverage.count(Of::CloseDial),
                Event::Probe(_, sign) => {
                    self.coverage.count(Of::Probe);
                    let (now, clock) = (self.now, self.clock(node));
                    self.with_driver(connection, end, |driver| {
                        driver.probed.get_or_insert(Asked { at: now, arrives: NEVER });
                        driver.session.probe(clock, sign);
                    });
                }
                Event::End(_) => {
                    self.coverage.count(Of::EndSession);
                    self.with_driver(connection, end, |driver| {
                        driver.stop(3, "another connection takes over", 0)
                    });
                }
            }
            let at = self.now + self.nodes[node].lateness();
            if let Some(verdict) = verdict
                && let Some(it) = &mut self.connections[connection as usize]
            {
                it.ends[end].verdict = Some((at, verdict));
            }
            self.wake_at(connection, end, at);
        }
        Ok(())
    }

    fn with_driver(&mut self, connection: u32, end: usize, act: impl FnOnce(&mut Driver)) {
        if let Some(it) = &mut self.connections[connection as usize]
            && let Some(driver) = &mut it.ends[end].driver
            && driver.is_open
        {
            act(driver);
        }
    }

    /// A connection is the session: NODEUP.
    fn come_up(&mut self, connection: u32, end: usize, facts: &Facts) -> Checked {
        const ONE: &str = "a node has one session with another, and NODEDOWN comes before the next NODEUP";
        let Some(it) = &self.connections[connection as usize] else { return Ok(()) };
        let (node, peer, start) = (it.ends[end].node, it.ends[1 - end].node, it.ends[1 - end].start);
        let known = self.nodes[node].watched[peer];
        check(known.is_none(), ONE, || {
            format!("node {node} has {known:?} with node {peer} when {connection} comes up")
        })?;
        let number = facts.config.peer;
        let clock = self.clock(node);
        self.bind(node, number, start)?;
        let Some(it) = &mut self.connections[connection as usize] else { return Ok(()) };
        self.coverage.count(if end == DIALLED { Of::UpDialled } else { Of::UpAccepted });
        let here = &mut self.nodes[node];
        here.watched[peer] = Some((connection, end));
        here.up.insert(number, (connection, end));
        let config = &facts.config;
        let session = Session::new(config, clock);
        let creations = [config.creation, config.peer_creation];
        let frame_bytes_max = here.local.bounds.frame_bytes;
        let driver = Driver::new(session, number, creations, frame_bytes_max, clock);
        it.ends[end].driver = Some(Box::new(driver));
        if let Some(joint) = &mut self.joints[connection as usize] {
            joint.come_up(end);
        }
        Ok(())
    }

    /// A node has given a start a number.
    fn bind(&mut self, node: usize, number: NodeNumber, start: u32) -> Checked {
        let own = self.nodes[node].start;
        let named = match number {
            NodeNumber::HERE => own,
            number => *self.nodes[node].numbers.entry(number).or_insert(start),
        };
        check(named == start, "a number names one start of one node", || {
            format!("{number:?} of node {node} names start {named} and {start}")
        })
    }

    /// Node tables have named starts to a node.
    pub(super) fn bind_heard(&mut self, node: usize) -> Checked {
        while let Some((number, incarnation)) = self.heard.pop() {
            let Some(start) = self.starts.iter().position(|start| *start == incarnation) else {
                return check(false, "node tables name nodes that are", || format!("{incarnation}"));
            };
            self.bind(node, number, start as u32)?;
        }
        Ok(())
    }

    /// NODEDOWN.
    fn go_down(&mut self, connection: u32, end: usize, name: &str) -> Checked {
        let Some(it) = &mut self.connections[connection as usize] else { return Ok(()) };
        let (node, peer) = (it.ends[end].node, it.ends[1 - end].node);
        let is_told = it.ends[end].driver.as_ref().is_some_and(|driver| !driver.is_open);
        check(is_told, "a NODEDOWN comes when all of its session has been told", || {
            format!("of {name} at node {node}")
        })?;
        let here = &mut self.nodes[node];
        let known = here.watched[peer].take();
        check(known == Some((connection, end)), "each NODEUP has one NODEDOWN", || {
            format!("node {node} has {known:?} with node {peer}, and {connection} goes down")
        })?;
        if let Some(driver) = it.ends[end].driver.take() {
            here.ending.remove(&driver.number);
        }
        Ok(())
    }
}

fn shown(event: &Event) -> String {
    match event {
        Event::Up(id, facts) => format!("that its connection {} is the session with {}", id.0, facts.name),
        Event::Down(id, name) => format!("that the session with {name} on {} is over", id.0),
        other => format!("{other:?}"),
    }
}
