//! A node: its endpoint, its connections, and what it does when the endpoint says so.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use snow_dist_codec::NodeName;
use snow_dist_runtime::core::connection::{Connection as Engine, ConnectionEvent, Randomness};
use snow_dist_runtime::core::endpoint::{Attempts, Limits, Output};
use snow_dist_runtime::core::epochs::Facts;
use snow_dist_runtime::core::globals::Conflict;
use snow_dist_runtime::core::handshake::{Channel, Local};
use snow_dist_runtime::core::peers::{ConnectionId, Refusal};
use snow_dist_runtime::core::{Allowed, Cookies, Dial, Endpoint, Globals, NodeNumber, Pid, Start};

use super::blame::Asked;
use super::connection::{Connection, DIALLED, End, Life};
use super::groups::Server;
use super::{At, Cluster, Step};
use crate::coverage::Of;
use crate::oracle::{Checked, Joint, check};
use crate::plan::{NodePlan, Plan};
use crate::processes::Table;
use crate::random::Random;
use crate::wire::{NEVER, Time, Wire};

pub(crate) struct Node {
    pub(crate) index: usize,
    pub(crate) start: u32,
    pub(crate) is_running: bool,
    pub(crate) endpoint: Endpoint,
    pub(crate) connections: FxHashMap<ConnectionId, At>,
    /// Sessions by the peer's number.
    pub(crate) sessions: FxHashMap<NodeNumber, At>,
    /// What each wish for a session has come to, by the index of the peer.
    pub(crate) attempts: Vec<Attempts>,
    /// Which start each number names, in truth.
    pub(crate) numbers: FxHashMap<NodeNumber, u32>,
    /// Of each node: the session whose NODEUP has been given and whose NODEDOWN has not.
    pub(crate) watched: Vec<Option<At>>,
    pub(crate) table: Table,
    pub(crate) creation: u8,
    pub(crate) globals: Globals,
    /// Global names that it has lost, whose processes are not told yet.
    pub(crate) lost_names: Vec<Conflict>,
    /// What its server of groups keeps, while it has one.
    pub(crate) server: Option<Box<Server>>,
    pub(crate) random: Random,
    pub(crate) stands_until: Time,
    /// When it stood still.
    pub(crate) stood: Vec<Range<Time>>,
    /// For how long its clock has stood still with it.
    pub(crate) clock_stood: Time,
    /// When its endpoint is told that a deadline has come.
    pub(crate) due_at: Option<Time>,
    wake_max: Time,
}

impl Node {
    /// The first start of a node.
    pub(crate) fn new(
        index: usize,
        all: &Plan,
        (start, incarnation): (u32, NonZeroU64),
        cookies: &Cookies,
        mut random: Random,
    ) -> Self {
        let plan = &all.nodes[index];
        let own = Start { name: plan.name.clone(), incarnation };
        let mut node = Self {
            index,
            start,
            is_running: true,
            endpoint: endpoint(plan, all.is_mesh, incarnation, cookies, &mut random),
            connections: FxHashMap::default(),
            sessions: FxHashMap::default(),
            attempts: vec![Attempts::default(); all.nodes.len()],
            numbers: FxHashMap::default(),
            watched: vec![None; all.nodes.len()],
            table: Table::populated(all.slots, &mut random),
            creation: own.creation(),
            globals: Globals::new(own),
            lost_names: Vec::new(),
            server: None,
            random,
            stands_until: 0,
            stood: Vec::new(),
            clock_stood: 0,
            due_at: None,
            wake_max: plan.wake_max,
        };
        node.start_server();
        node
    }

    /// How long a task waits until it runs.
    pub(crate) fn lateness(&mut self) -> Time {
        self.random.below(self.wake_max)
    }
}

fn endpoint(
    plan: &NodePlan,
    is_mesh: bool,
    incarnation: NonZeroU64,
    cookies: &Cookies,
    random: &mut Random,
) -> Endpoint {
    let name = NodeName::parse(&plan.name).unwrap_or_else(|_| unreachable!("names of plans are node names"));
    let mut local = Local::new(name, incarnation, cookies.clone());
    local.bounds = plan.bounds;
    local.capabilities = plan.capabilities;
    if is_mesh {
        (local.peer_lists, local.tells_peers) = (Allowed::Everyone, true);
    }
    let limits = Limits { sessions_max: plan.sessions_max, ..Limits::default() };
    Endpoint::new(Arc::new(local), plan.timing, limits, random.bytes())
}

/// Where a node dials from.
fn address(node: usize) -> SocketAddr {
    SocketAddr::new(Ipv4Addr::new(10, 0, 0, node as u8).into(), 9_000)
}

impl Cluster<'_> {
    /// Numbers a start.
    pub(crate) fn number_start(&mut self, incarnation: u64) -> (u32, NonZeroU64) {
        let incarnation = NonZeroU64::new(incarnation).unwrap_or(NonZeroU64::MAX);
        self.starts.push(incarnation);
        (self.starts.len() as u32 - 1, incarnation)
    }

    /// The node comes back, as another start.
    pub(crate) fn boot(&mut self, node: usize, same_creation: bool) -> Checked {
        self.trace.note(self.now, || format!("node {node} is back"));
        let before = self.starts[self.nodes[node].start as usize].get();
        let random = self.nodes[node].random.u64();
        // Creations come round after 255 starts.
        let incarnation =
            if same_creation { before.wrapping_add(255 * (1 + random % 1_000)) } else { random };
        let (start, incarnation) = self.number_start(incarnation);
        let (plan, here) = (self.plan, &mut self.nodes[node]);
        (here.start, here.is_running) = (start, true);
        here.endpoint =
            endpoint(&plan.nodes[node], plan.is_mesh, incarnation, &self.cookies, &mut here.random);
        here.numbers.clear();
        here.table = Table::populated(plan.slots, &mut here.random);
        let own = Start { name: plan.nodes[node].name.clone(), incarnation };
        here.creation = own.creation();
        here.globals = Globals::new(own);
        here.start_server();
        self.join(node)
    }

    /// A program wants a session, or, `again`, has not come to one by the dial before.
    pub(crate) fn dial(&mut self, node: usize, peer: usize, again: bool) -> Checked {
        if !self.nodes[node].is_running {
            return Ok(());
        }
        let (plan, clock) = (self.plan, self.clock(node));
        let here = &mut self.nodes[node];
        if !again {
            here.attempts[peer] = Attempts::default();
        }
        let random = Randomness::new(&here.random.bytes());
        let kind = match here.endpoint.dial(&plan.nodes[peer].name, random, clock) {
            Dial::Start(id, engine) => {
                here.attempts[peer].begin(clock);
                self.begin_dial(node, peer, id, engine);
                Of::DialStarted
            }
            Dial::Up => Of::DialUp,
            Dial::Underway => Of::DialUnderway,
            Dial::Later(at) => {
                self.push(self.time_of(node, at), Step::Dial { node: node as u32, peer: peer as u32, again });
                return Ok(());
            }
            Dial::OwnName | Dial::Stopped => {
                return check(false, "two nodes have two names, and none stops", || format!("node {node}"));
            }
            Dial::Busy => Of::DialBusy,
        };
        self.coverage.count(kind);
        Ok(())
    }

    pub(super) fn begin_dial(
        &mut self,
        node: usize,
        peer: usize,
        id: ConnectionId,
        engine: Box<Engine>,
    ) -> At {
        self.coverage.count(Of::Passage);
        let at = At { connection: self.connections.len() as u32, end: DIALLED as u8 };
        self.trace.note(self.now, || format!("node {node} dials node {peer}: connection {}", at.connection));
        let starts = [node, peer].map(|node| self.nodes[node].start);
        let capabilities = self.common(node, peer);
        let here = &mut self.nodes[node];
        here.connections.insert(id, at);
        let random = &mut here.random;
        let manners = [self.plan.manner(random), self.plan.manner(random)];
        let latency = manners[0].latency;
        let it_takes = latency + random.below(2 * latency + 1);
        let mut ends = [(node, starts[0]), (peer, starts[1])].map(|(node, start)| End::new(node, start));
        ends[DIALLED].open(id, engine, self.now);
        self.connections.push(Some(Box::new(Connection {
            ends,
            wires: manners.map(Wire::new),
            joint: Joint::new(starts, capabilities),
            channel: Channel::Tls13 { exporter: random.bytes() },
            capabilities,
            is_faulty: false,
        })));
        self.live.insert(at.connection);
        self.after(it_takes, Step::Connect(at));
        self.sleep(at);
        at
    }

    /// TCP and TLS are up, if somebody is there.
    pub(crate) fn connect(&mut self, at: At) -> Checked {
        if self.is_lost_between(at) {
            return Ok(());
        }
        let Some(it) = &mut self.connections[at.connection as usize] else { return Ok(()) };
        let Connection { ends: [here, there], joint, channel, capabilities, .. } = &mut **it;
        let Some(engine) = here.engine.as_mut().filter(|engine| engine.ending().is_none()) else {
            return Ok(());
        };
        let (peer, node) = (&self.nodes[there.node], there.node);
        if peer.is_running {
            engine.secured(*channel);
            (here.is_secured, there.start) = (true, peer.start);
            *joint = Joint::new([here.start, there.start], *capabilities);
            self.soon(node, Step::Accept(at.other()));
        } else {
            engine.stream_ended("nobody is there");
            self.coverage.count(Of::Unreachable);
        }
        self.wake_at(at, self.now);
        Ok(())
    }

    /// The other end has taken the connection.
    pub(crate) fn accept(&mut self, at: At) -> Checked {
        let now = self.now;
        let Some(it) = &mut self.connections[at.connection as usize] else { return Ok(()) };
        let Connection { ends: [from, end], wires, channel, .. } = &mut **it;
        if end.life != Life::Coming {
            return Ok(());
        }
        let (node, here) = (end.node, &mut self.nodes[end.node]);
        let (random, clock) = (Randomness::new(&here.random.bytes()), here.clock(now));
        let is_there = here.is_running && here.start == end.start;
        let accepted = if is_there { here.endpoint.accept(address(from.node), random, clock) } else { None };
        if let Some((id, mut engine)) = accepted {
            engine.secured(*channel);
            end.open(id, engine, now);
            here.connections.insert(id, at);
            self.wake_at(at, now);
            return self.carry_out(node);
        }
        end.close();
        wires[1].cut(0, now, now);
        self.look(at.connection);
        self.forget(at.connection);
        Ok(())
    }

    /// Does what the node's endpoint says.
    pub(crate) fn carry_out(&mut self, node: usize) -> Checked {
        while let Some(output) = self.nodes[node].endpoint.poll_output() {
            if let Output::Dial(name) = &output {
                self.ask_for(node, name);
            }
            let (Output::Tell(id, _) | Output::NodeUp(id, _) | Output::NodeDown(id, _)) = &output else {
                continue;
            };
            let Some(at) = self.nodes[node].connections.get(id).copied() else { continue };
            self.trace.note(self.now, || format!("node {node} says: {output:?}"));
            match output {
                Output::Tell(_, event) => self.tell_connection(node, at, event)?,
                Output::NodeUp(..) => self.go_up(node, at)?,
                Output::NodeDown(_, name) => self.go_down(node, at, &name)?,
                // They are passed over above: they name no connection.
                Output::Dial(_) | Output::Notice(_) => {}
            }
        }
        self.set_timer(node);
        Ok(())
    }

    fn tell_connection(&mut self, node: usize, at: At, event: ConnectionEvent) -> Checked {
        match &event {
            ConnectionEvent::Reply => {}
            ConnectionEvent::TellPeers(_) => self.coverage.count(Of::Learned),
            ConnectionEvent::Up(facts, _) => self.come_up(node, at, facts)?,
            ConnectionEvent::Refuse(Refusal::Duplicate) => self.coverage.count(Of::RejectDuplicate),
            ConnectionEvent::Refuse(_) => self.coverage.count(Of::RejectBusy),
            ConnectionEvent::GiveWay(_) => self.coverage.count(Of::CloseDial),
            ConnectionEvent::Probe(_) => self.coverage.count(Of::Probe),
            ConnectionEvent::Close(close) if close.patience.is_zero() => self.coverage.count(Of::EndSession),
            ConnectionEvent::Close(_) => {}
        }
        let (now, clock) = (self.now, self.clock(node));
        let Some(end) = self.end(at) else { return Ok(()) };
        let Some(engine) = &mut end.engine else { return Ok(()) };
        match &event {
            ConnectionEvent::Probe(_) => _ = end.probed.get_or_insert(Asked { at: now, arrives: NEVER }),
            // What its program has asked for was noted when it did.
            ConnectionEvent::Close(close) if close.patience.is_zero() => end.gives_way = true,
            _ => {}
        }
        let (closes, is_up) =
            (matches!(event, ConnectionEvent::Close(_)), matches!(event, ConnectionEvent::Up(..)));
        engine.handle_event(event, clock);
        if is_up {
            self.names_come_up(node, at);
        }
        if closes {
            // Nobody waits for room any more.
            self.retry(at);
        }
        self.wake_now(at);
        Ok(())
    }

    /// A connection is the session.
    fn come_up(&mut self, node: usize, at: At, facts: &Facts) -> Checked {
        self.coverage.count(if at.end() == DIALLED { Of::UpDialled } else { Of::UpAccepted });
        let number = facts.config.peer;
        let start = self.end(at.other()).map_or(u32::MAX, |end| end.start);
        self.nodes[node].bind(number, start)?;
        self.nodes[node].sessions.insert(number, at);
        let known = facts.incarnation.map(|incarnation| Start { name: facts.name.clone(), incarnation });
        let Some(end) = self.end(at) else { return Ok(()) };
        end.peer = Some(Pid::new(number, facts.config.peer_creation, 0));
        if let (Some(id), Some(known)) = (end.id, known) {
            self.nodes[node].globals.up(id, &known);
        }
        Ok(())
    }

    /// NODEUP.
    fn go_up(&mut self, node: usize, at: At) -> Checked {
        const ONE: &str = "a node has one session with another, and NODEDOWN comes before the next NODEUP";
        let Some(it) = &mut self.connections[at.connection as usize] else { return Ok(()) };
        let peer = it.ends[at.other().end()].node;
        let known = self.nodes[node].watched[peer].replace(at);
        check(known.is_none(), ONE, || {
            format!("node {node} has {known:?} with node {peer} when {at:?} comes up")
        })?;
        it.joint.come_up(at.end());
        self.look_at_mesh();
        self.group_node_up(node, at);
        // What has come before is handled.
        self.handle(at, &[])
    }

    /// NODEDOWN.
    fn go_down(&mut self, node: usize, at: At, name: &str) -> Checked {
        let Some(it) = &self.connections[at.connection as usize] else { return Ok(()) };
        let peer = it.ends[at.other().end()].node;
        let end = &it.ends[at.end()];
        let number = end.peer.map(Pid::node);
        check(end.life == Life::Delivered, "a NODEDOWN comes when all of its session has been told", || {
            format!("of {name} at node {node}")
        })?;
        let here = &mut self.nodes[node];
        number.and_then(|number| here.sessions.remove(&number));
        let known = here.watched[peer].take();
        self.complete_since = None;
        self.group_node_down(node, at);
        check(known == Some(at), "each NODEUP has one NODEDOWN", || {
            format!("node {node} has {known:?} with node {peer}, and {at:?} goes down")
        })
    }
}
