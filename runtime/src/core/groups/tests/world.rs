//! Nodes with servers, and what lies between them: sessions that are cut and made again, in which messages of one process keep
//! their order and nothing else does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use snow_dist_codec::Pid as WirePid;

use crate::core::groups::{GroupChange, Groups, Todo};
use crate::core::{NodeNumber, Pid, Term};

pub(super) const CREATION: u8 = 7;

/// A number that all other nodes have for this one.
pub(super) fn number(node: usize) -> NodeNumber {
    NodeNumber::other(node as u64 + 1).unwrap()
}

pub(super) fn here(local: u64) -> Pid {
    Pid::new(NodeNumber::HERE, CREATION, local)
}

pub(super) fn on(node: usize, local: u64) -> Pid {
    Pid::new(number(node), CREATION, local)
}

/// A process as `reader` knows it that `writer` knows as `pid`.
pub(super) fn translated(pid: Pid, writer: usize, reader: usize) -> Pid {
    let node = match pid.node() {
        NodeNumber::HERE => number(writer),
        node if node == number(reader) => NodeNumber::HERE,
        node => node,
    };
    Pid::new(node, pid.creation(), pid.local())
}

/// A term as its reader gets it.
pub(super) fn carried(mut term: Term, writer: usize, reader: usize) -> (Vec<u8>, crate::core::TermPids) {
    let pids: Vec<_> = term.pids().map(|pid| translated(pid, writer, reader)).collect();
    let mut count = 0;
    let numbered = term.with_wire(|_| {
        count += 1;
        WirePid::from_bits(count - 1)
    });
    Term::new(numbered.to_vec(), &pids).unwrap().into_local()
}

/// A node's host: its server, if it runs, and the monitors that it has of others.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) groups: Option<Groups>,
    server: u64,
    last_local: u64,
    pub(super) alive: BTreeSet<u64>,
    /// Of each other node: the monitor that counts, and whether NAMED has come.
    monitors: BTreeMap<usize, (u64, bool)>,
    last_monitor: u64,
    subscriber: u64,
    /// The memberships that the subscriber knows from what it was told.
    pub(super) told: BTreeSet<(String, Pid)>,
}

/// On its way in a session.
#[derive(Debug)]
enum Carried {
    MonitorName(u64),
    Named(u64, u64),
    Exit(u64),
}

#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) nodes: Vec<Node>,
    /// Pairs with a session, the smaller one first.
    pub(super) sessions: BTreeSet<(usize, usize)>,
    /// Signals from one node to another.
    signals: BTreeMap<(usize, usize), VecDeque<Carried>>,
    /// Messages of one server, by its number, to another node.
    messages: BTreeMap<(usize, usize, u64), VecDeque<Term>>,
    /// The monitors that report a server's end: node, its server, other node, its monitor.
    watchers: BTreeSet<(usize, u64, usize, u64)>,
}

impl World {
    pub(super) fn new(nodes: usize) -> Self {
        let mut world = Self { nodes: (0..nodes).map(|_| Node::default()).collect(), ..Self::default() };
        (0..nodes).for_each(|node| world.start(node));
        world
    }

    fn connected(&self, node: usize) -> Vec<usize> {
        (0..self.nodes.len()).filter(|other| self.is_connected(node, *other)).collect()
    }

    pub(super) fn is_connected(&self, a: usize, b: usize) -> bool {
        self.sessions.contains(&(a.min(b), a.max(b)))
    }

    pub(super) fn spawn(&mut self, node: usize) -> u64 {
        let node = &mut self.nodes[node];
        node.last_local += 1;
        node.alive.insert(node.last_local);
        node.last_local
    }

    pub(super) fn start(&mut self, at: usize) {
        let others = self.connected(at);
        let server = self.spawn(at);
        let node = &mut self.nodes[at];
        node.server = server;
        let mut groups = Groups::new(here(server));
        node.subscriber = groups.subscribe();
        node.told.clear();
        others.into_iter().for_each(|other| groups.handle_node_up(number(other)));
        node.groups = Some(groups);
    }

    pub(super) fn stop(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        let server = node.server;
        node.groups = None;
        node.monitors.clear();
        node.alive.remove(&server);
        let watched: Vec<_> =
            self.watchers.iter().filter(|(node, of, ..)| (*node, *of) == (at, server)).copied().collect();
        for watcher in watched {
            self.watchers.remove(&watcher);
            self.signals.entry((at, watcher.2)).or_default().push_back(Carried::Exit(watcher.3));
        }
    }

    pub(super) fn end_process(&mut self, at: usize, local: u64) {
        self.nodes[at].alive.remove(&local);
        if let Some(groups) = &mut self.nodes[at].groups {
            groups.handle_process_ended(here(local));
        }
    }

    pub(super) fn connect(&mut self, a: usize, b: usize) {
        if a != b && self.sessions.insert((a.min(b), a.max(b))) {
            for (node, other) in [(a, b), (b, a)] {
                if let Some(groups) = &mut self.nodes[node].groups {
                    groups.handle_node_up(number(other));
                }
            }
        }
    }

    pub(super) fn cut(&mut self, a: usize, b: usize) {
        if !self.sessions.remove(&(a.min(b), a.max(b))) {
            return;
        }
        let crosses = |x: usize, y: usize| (x.min(y), x.max(y)) == (a.min(b), a.max(b));
        self.signals.retain(|(from, to), _| !crosses(*from, *to));
        self.messages.retain(|(from, to, _), _| !crosses(*from, *to));
        self.watchers.retain(|(node, _, other, _)| !crosses(*node, *other));
        for (node, other) in [(a, b), (b, a)] {
            let node = &mut self.nodes[node];
            node.monitors.remove(&other);
            if let Some(groups) = &mut node.groups {
                groups.handle_node_down(number(other));
            }
        }
    }

    /// Everything that can happen next by itself: how many things there are.
    pub(super) fn steps(&self) -> usize {
        self.nodes.len() + self.signals.len() + self.messages.len()
    }

    /// One of them. Returns whether something happened.
    pub(super) fn step(&mut self, which: usize) -> bool {
        let (nodes, signals) = (self.nodes.len(), self.signals.len());
        if which < nodes {
            return self.act(which);
        }
        if let Some(lane) = self.signals.keys().nth(which - nodes).copied() {
            return self.deliver_signal(lane.0, lane.1);
        }
        match self.messages.keys().nth(which - nodes - signals).copied() {
            Some(lane) => self.deliver_message(lane),
            None => false,
        }
    }

    /// A message of a server is lost, as in a mailbox that is full.
    pub(super) fn lose(&mut self, which: usize) {
        if let Some(lane) = self.messages.keys().nth(which).copied() {
            self.take_message(lane);
        }
    }

    /// The host of a node asks its server what is to be done, and does one thing.
    fn act(&mut self, at: usize) -> bool {
        let node = &mut self.nodes[at];
        let Some(groups) = &mut node.groups else { return false };
        while let Some(change) = groups.poll_change(node.subscriber) {
            let is_news = match change {
                GroupChange::Joined { group, pid } => node.told.insert((group.to_string(), pid)),
                GroupChange::Left { group, pid } => node.told.remove(&(group.to_string(), pid)),
            };
            assert!(is_news, "a change is told once");
        }
        while let Some(pid) = groups.poll_watch() {
            if !node.alive.contains(&pid.local()) {
                groups.handle_process_ended(pid);
            }
        }
        let Some(ready) = groups.poll_node() else { return false };
        let other = usize::try_from(ready.get()).unwrap() - 1;
        let server = node.server;
        while let Some(todo) = self.nodes[at].groups.as_mut().unwrap().poll_todo(ready) {
            match todo {
                Todo::Send(term) => self.messages.entry((at, other, server)).or_default().push_back(term),
                Todo::Monitor => self.monitor(at, other),
            }
        }
        true
    }

    fn monitor(&mut self, at: usize, other: usize) {
        let node = &mut self.nodes[at];
        node.last_monitor += 1;
        node.monitors.insert(other, (node.last_monitor, false));
        self.signals.entry((at, other)).or_default().push_back(Carried::MonitorName(node.last_monitor));
    }

    fn deliver_signal(&mut self, from: usize, to: usize) -> bool {
        let lane = self.signals.get_mut(&(from, to)).unwrap();
        let Some(signal) = lane.pop_front() else { return false };
        let empty = lane.is_empty();
        if empty {
            self.signals.remove(&(from, to));
        }
        match signal {
            Carried::MonitorName(monitor) => {
                let server = self.nodes[to].groups.is_some().then_some(self.nodes[to].server);
                let answer = match server {
                    Some(server) => {
                        self.watchers.insert((to, server, from, monitor));
                        Carried::Named(monitor, server)
                    }
                    None => Carried::Exit(monitor),
                };
                self.signals.entry((to, from)).or_default().push_back(answer);
            }
            Carried::Named(monitor, server) => {
                let node = &mut self.nodes[to];
                if let (Some(groups), Some(current)) = (&mut node.groups, node.monitors.get_mut(&from))
                    && *current == (monitor, false)
                {
                    current.1 = true;
                    groups.handle_named(number(from), on(from, server));
                }
            }
            Carried::Exit(monitor) => {
                let node = &mut self.nodes[to];
                let current = node.monitors.get(&from).copied().filter(|(current, _)| *current == monitor);
                if let (Some(groups), Some((_, named))) = (&mut node.groups, current) {
                    node.monitors.remove(&from);
                    if named {
                        groups.handle_server_ended(number(from));
                    } else {
                        groups.handle_nobody(number(from));
                    }
                }
            }
        }
        true
    }

    /// To each node the time of an interval passes.
    pub(super) fn let_intervals_pass(&mut self) {
        for at in 0..self.nodes.len() {
            for other in self.connected(at) {
                if let Some(groups) = &mut self.nodes[at].groups {
                    groups.handle_interval(number(other));
                }
            }
        }
    }

    fn take_message(&mut self, lane: (usize, usize, u64)) -> Option<Term> {
        let messages = self.messages.get_mut(&lane)?;
        let term = messages.pop_front();
        if messages.is_empty() {
            self.messages.remove(&lane);
        }
        term
    }

    fn deliver_message(&mut self, lane: (usize, usize, u64)) -> bool {
        let Some(term) = self.take_message(lane) else { return false };
        let (from, to, _) = lane;
        if let Some(groups) = &mut self.nodes[to].groups {
            let (bytes, pids) = carried(term, from, to);
            groups.handle_message(&bytes, &pids);
        }
        true
    }

    /// Lets everything happen that can, and comes to rest.
    pub(super) fn rest(&mut self) {
        for _ in 0..100_000 {
            if !(0..self.steps()).any(|which| self.step(which)) {
                return;
            }
        }
        panic!("no rest: {self:#?}");
    }

    /// At rest every two connected nodes with servers know each other's members, and nobody knows others.
    pub(super) fn assert_agreement(&self) {
        for (at, node) in self.nodes.iter().enumerate() {
            let Some(groups) = &node.groups else { continue };
            let mut known = BTreeSet::new();
            for name in groups.names() {
                known.extend(groups.members(name).map(|pid| (name.to_string(), pid)));
            }
            let mut expected = BTreeSet::new();
            let others = self.connected(at).into_iter().chain([at]);
            for other in others {
                let Some(theirs) = &self.nodes[other].groups else { continue };
                for name in theirs.names() {
                    let own = theirs.local_members(name);
                    expected.extend(own.map(|pid| {
                        (name.to_string(), if other == at { pid } else { translated(pid, other, at) })
                    }));
                }
            }
            assert_eq!(known, expected, "at {at}");
            assert_eq!(node.told, known, "the subscriber at {at}");
        }
    }
}
