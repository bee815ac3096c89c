//! The cluster: virtual time, its nodes, and the order in which things happen.

mod blame;
mod connection;
mod globals;
mod groups;
mod mesh;
mod node;
mod rest;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::num::NonZeroU64;

use snow_dist_runtime::core::{Cookie, Cookies};

use crate::coverage::{Coverage, Of};
use crate::oracle::{Brings, Checked, Truth};
use crate::plan::{Plan, SECOND};
use crate::random::Random;
use crate::script::{Act, Script};
use crate::trace::Trace;
use crate::wire::{NEVER, Time};
pub(crate) use connection::{Connection, End, Life, READ_BYTES};
pub(crate) use node::Node;

/// How much longer than silence takes to be noticed a cluster may take to come to rest: nodes stand still and
/// connections stall for some time after the last fault, and a slow one has much to carry.
const SETTLING_MAX: Time = 3_000 * SECOND;
/// No part of the servers' interval: what comes at the same time in each is not always under way when it is looked.
const SETTLING_STEP: Time = 19 * SECOND;

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct At {
    pub(crate) connection: u32,
    pub(crate) end: u8,
}

impl At {
    pub(crate) const fn end(self) -> usize {
        self.end as usize
    }

    pub(crate) const fn other(self) -> Self {
        Self { end: 1 - self.end, ..self }
    }
}

/// What happens at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    /// An end of a connection runs.
    Turn(At),
    /// TCP and TLS are up, at the one who dialled and at the one who accepts.
    Connect(At),
    Accept(At),
    /// What crossed a session is told, and then that it is over.
    Deliver(At),
    Told(At),
    /// A process that has ended tells the next session of it.
    Tell {
        node: u32,
        start: u32,
        local: u32,
    },
    /// Whoever has a call looks at it.
    Answer {
        node: u32,
        start: u32,
        request: u32,
    },
    /// A caller waits no more.
    GiveUp {
        node: u32,
        start: u32,
        at: At,
        reference: u64,
    },
    /// Those who wait for room in a session try again.
    TryAgain(At),
    Dial {
        node: u32,
        peer: u32,
        again: bool,
    },
    Boot {
        node: u32,
        same_creation: bool,
    },
    /// An endpoint says that a name is to be dialled, which it keeps connected.
    DialKept {
        node: u32,
        peer: u32,
    },
    /// A deadline of an endpoint.
    Due {
        node: u32,
    },
    /// The server of groups does what is to be done.
    Serve {
        node: u32,
        start: u32,
    },
    /// The server of groups has said nothing to the one at the other end of this session, perhaps, for as long as it may.
    Interval {
        node: u32,
        server: u32,
        at: At,
    },
    /// A program starts another one.
    StartServer {
        node: u32,
        start: u32,
    },
}

/// A run.
pub(crate) struct Cluster<'p> {
    pub(crate) plan: &'p Plan,
    script: &'p Script,
    /// How far the script is played.
    acted: usize,
    pub(crate) now: Time,
    queue: BinaryHeap<Reverse<(Time, u64, Step)>>,
    pushed: u64,
    pub(crate) nodes: Vec<Node>,
    /// The incarnation of each start of any node.
    pub(crate) starts: Vec<NonZeroU64>,
    /// All there ever were; those that are over are taken out.
    pub(crate) connections: Vec<Option<Box<Connection>>>,
    pub(crate) live: BTreeSet<u32>,
    /// Until when nodes of two sides do not reach each other, and a bit for each.
    pub(crate) apart: (Time, u64),
    /// Since when the mesh is complete, and how long it has taken each time that this was asked.
    complete_since: Option<Time>,
    /// All processes end, and none starts any more.
    is_ending: bool,
    pub(crate) completed: Vec<Time>,
    pub(crate) truth: Truth,
    cookies: Cookies,
    random: Random,
    /// Bytes that are being read.
    bytes: Vec<u8>,
    /// What processes are given by what is being handled, and what they must be given.
    pub(crate) given: Vec<Brings>,
    pub(crate) due: Vec<Brings>,
    pub(crate) coverage: Coverage,
    pub(crate) trace: Trace,
}

impl<'p> Cluster<'p> {
    pub(crate) fn new(plan: &'p Plan, script: &'p Script, seed: u64, trace: Trace) -> Self {
        let cookie = Cookie::new(*b"all nodes of the cluster have it");
        let cookies: Cookies =
            cookie.map(Into::into).unwrap_or_else(|_| unreachable!("it is neither empty nor holds a zero"));
        let mut cluster = Self {
            plan,
            script,
            acted: 0,
            now: 0,
            queue: BinaryHeap::new(),
            pushed: 0,
            nodes: Vec::new(),
            starts: Vec::new(),
            connections: Vec::new(),
            live: BTreeSet::new(),
            apart: (0, 0),
            complete_since: None,
            is_ending: false,
            completed: Vec::new(),
            truth: Truth::default(),
            cookies,
            random: Random::new(seed, 1),
            bytes: Vec::new(),
            given: Vec::new(),
            due: Vec::new(),
            coverage: Coverage::default(),
            trace,
        };
        for node in 0..plan.nodes.len() {
            let mut random = Random::new(seed, 100 + node as u64);
            let start = cluster.number_start(random.u64());
            cluster.nodes.push(Node::new(node, plan, start, &cluster.cookies, random));
        }
        cluster
    }

    /// Plays the script, lets everything come to rest, and ends all processes.
    pub(crate) fn play(&mut self) -> Checked {
        for node in 0..self.nodes.len() {
            self.join(node)?;
        }
        self.run(self.plan.span)?;
        self.make_up();
        self.settle(Self::is_at_rest)?;
        self.end_all();
        self.settle(Self::is_empty)
    }

    /// Lets time go on until something holds.
    fn settle(&mut self, holds: fn(&mut Self) -> Checked) -> Checked {
        self.run(self.now + self.plan.settling())?;
        let latest = self.now + SETTLING_MAX;
        while self.now < latest && holds(self).is_err() {
            self.run(self.now + SETTLING_STEP)?;
        }
        holds(self)
    }

    fn run(&mut self, until: Time) -> Checked {
        loop {
            let act = self.script.get(self.acted).filter(|(at, _)| *at <= until);
            let step = self.queue.peek().map(|Reverse((at, ..))| *at).filter(|at| *at <= until);
            match (act, step) {
                (Some((at, act)), step) if step.is_none_or(|step| *at <= step) => {
                    self.now = *at;
                    self.trace.mix(*at, &self.acted);
                    self.acted += 1;
                    self.perform(act)?;
                }
                (_, Some(_)) => self.take_step()?,
                _ => break,
            }
        }
        self.now = until;
        Ok(())
    }

    fn take_step(&mut self) -> Checked {
        let Some(Reverse((at, _, step))) = self.queue.pop() else { return Ok(()) };
        self.now = at;
        if let Some(later) = self.stands_still(&step) {
            self.push(later, step);
            return Ok(());
        }
        self.trace.mix(at, &step);
        self.step(step)
    }

    /// When a node that stands still goes on, if it is one that would take the step.
    fn stands_still(&self, step: &Step) -> Option<Time> {
        let node = match *step {
            Step::Turn(at)
            | Step::Connect(at)
            | Step::Accept(at)
            | Step::Deliver(at)
            | Step::Told(at)
            | Step::TryAgain(at) => self.connections[at.connection as usize].as_ref()?.ends[at.end()].node,
            Step::Tell { node, .. }
            | Step::Answer { node, .. }
            | Step::GiveUp { node, .. }
            | Step::Dial { node, .. }
            | Step::DialKept { node, .. }
            | Step::Serve { node, .. }
            | Step::Interval { node, .. }
            | Step::StartServer { node, .. }
            | Step::Due { node } => node as usize,
            Step::Boot { .. } => return None,
        };
        let until = self.nodes[node].stands_until;
        (until > self.now).then_some(until)
    }

    fn step(&mut self, step: Step) -> Checked {
        match step {
            Step::Turn(at) => self.turn(at),
            Step::Connect(at) => self.connect(at),
            Step::Accept(at) => self.accept(at),
            Step::Deliver(at) => self.deliver_end(at),
            Step::Told(at) => self.told(at),
            Step::Tell { node, start, local } => self.tell(node as usize, start, local),
            Step::Answer { node, start, request } => self.answer(node as usize, start, request),
            Step::GiveUp { node, start, at, reference } => self.time_out(node as usize, start, at, reference),
            Step::TryAgain(at) => self.try_again(at),
            Step::Dial { node, peer, again } => self.dial(node as usize, peer as usize, again),
            Step::Boot { node, same_creation } => self.boot(node as usize, same_creation),
            Step::DialKept { node, peer } => self.dial_kept(node as usize, peer as usize),
            Step::Due { node } => self.due(node as usize),
            Step::Serve { node, start } => self.serve(node as usize, start),
            Step::Interval { node, server, at } => {
                self.interval(node as usize, server, at);
                Ok(())
            }
            Step::StartServer { node, start } => {
                self.start_server(node as usize, start);
                Ok(())
            }
        }
    }

    fn perform(&mut self, act: &Act) -> Checked {
        match *act {
            Act::Process { who, whom, does, dice } if self.runs(who.node) => self.act(who, whom, does, dice),
            Act::Flood { who, whom, count, bytes } if self.runs(who.node) => {
                self.flood(who, whom, count, bytes)
            }
            Act::Name { who, does, name, dice } if self.runs(who.node) => {
                self.act_on_name(who, does, name, dice)
            }
            Act::Group { who, does, group, dice } if self.runs(who.node) => {
                self.act_on_group(who, does, group, dice)
            }
            Act::Dial { node, peer } if self.runs(node) => self.dial(node.into(), peer.into(), false),
            Act::BothDial { node, peer } => {
                self.count_fault(Of::BothDial);
                for (node, peer) in [(node, peer), (peer, node)] {
                    if self.runs(node) {
                        self.dial(node.into(), peer.into(), false)?;
                    }
                }
                Ok(())
            }
            Act::Complete { since } => self.must_be_complete(since),
            Act::Disconnect { node, peer } if self.runs(node) => self.disconnect(node.into(), peer.into()),
            // Nobody runs who could.
            Act::Process { .. }
            | Act::Name { .. }
            | Act::Group { .. }
            | Act::Flood { .. }
            | Act::Dial { .. }
            | Act::Disconnect { .. } => Ok(()),
            _ => self.go_wrong(act),
        }
    }

    fn runs(&self, node: u8) -> bool {
        let node = &self.nodes[usize::from(node)];
        node.is_running && node.stands_until <= self.now
    }

    pub(crate) fn end(&mut self, at: At) -> Option<&mut End> {
        self.connections[at.connection as usize].as_mut().map(|it| &mut it.ends[at.end()])
    }

    /// An end goes on when bytes arrive or a deadline has come. A timer that is set early enough is left as it is, since
    /// deadlines move on with every byte.
    pub(crate) fn sleep(&mut self, at: At) {
        let Some(it) = &self.connections[at.connection as usize] else { return };
        let end = &it.ends[at.end()];
        let Some(engine) = &end.engine else { return };
        let arrival = it.wires[at.other().end()].next_arrival();
        let arrival = arrival.filter(|arrival| *arrival > self.now && engine.is_read(&end.inbound));
        let due = engine.deadline().map_or(NEVER, |(due, _)| self.time_of(end.node, due));
        if let Some(arrival) = arrival {
            self.wake_at(at, arrival);
        }
        if let Some(end) = self.end(at)
            && due < end.timer_at.unwrap_or(NEVER)
        {
            end.timer_at = Some(due);
            self.push(due, Step::Turn(at));
        }
    }

    /// The other end may have bytes to read.
    fn wake_reader(&mut self, writer: At) {
        let Some(it) = &mut self.connections[writer.connection as usize] else { return };
        let reader = &it.ends[writer.other().end()];
        if let Some(at) = it.wires[writer.end()].next_arrival()
            && reader.is_open()
        {
            let late = self.nodes[reader.node].lateness();
            self.wake_at(writer.other(), at.max(self.now) + late);
        }
    }

    /// The other end may have room to write.
    fn wake_writer(&mut self, reader: At) {
        let Some(it) = &mut self.connections[reader.connection as usize] else { return };
        let wire = &mut it.wires[reader.other().end()];
        if std::mem::take(&mut wire.is_awaited) {
            let at = self.now + wire.manner.latency;
            self.wake_at(reader.other(), at);
        }
    }

    /// Both ends look what has become of their wires.
    pub(crate) fn look(&mut self, connection: u32) {
        for end in 0..2 {
            let at = At { connection, end };
            self.wake_reader(at);
            let it = self.connections[connection as usize].as_ref();
            let broken_at = it.map(|it| it.wires[at.end()].broken_at).filter(|at| *at != NEVER);
            if let Some(broken_at) = broken_at {
                self.wake_at(at, broken_at.max(self.now));
            }
        }
    }

    /// An end has something to write, if it did not before.
    pub(crate) fn wake(&mut self, at: At) {
        let Some(end) = self.end(at) else { return };
        if end.is_idle && end.engine.as_ref().is_some_and(|engine| engine.has_output()) {
            end.is_idle = false;
            self.wake_now(at);
        }
    }

    fn wake_now(&mut self, at: At) {
        let Some(node) = self.end(at).map(|end| end.node) else { return };
        let time = self.now + self.nodes[node].lateness();
        self.wake_at(at, time);
    }

    fn wake_at(&mut self, at: At, time: Time) {
        if let Some(end) = self.end(at)
            && end.is_open()
            && time < end.turn_at.unwrap_or(NEVER)
        {
            end.turn_at = Some(time);
            self.push(time, Step::Turn(at));
        }
    }

    /// Whoever waits for room tries again.
    pub(crate) fn retry(&mut self, at: At) {
        self.after(0, Step::TryAgain(at));
    }

    /// A task of the node does it when its turn comes.
    pub(crate) fn soon(&mut self, node: usize, step: Step) {
        let late = self.nodes[node].lateness();
        self.after(late, step);
    }

    pub(crate) fn after(&mut self, time: Time, step: Step) {
        self.push(self.now + time, step);
    }

    pub(crate) fn push(&mut self, at: Time, step: Step) {
        self.pushed += 1;
        self.queue.push(Reverse((at, self.pushed, step)));
    }

    /// Takes a connection out that is over at both ends.
    pub(crate) fn forget(&mut self, connection: u32) {
        let Some(it) = &self.connections[connection as usize] else { return };
        let [dialled, accepted] = &it.ends;
        let is_closed = |end: &End| end.life == Life::Closed;
        if is_closed(dialled) && (is_closed(accepted) || accepted.life == Life::Coming) {
            self.connections[connection as usize] = None;
            self.live.remove(&connection);
        }
    }
}
