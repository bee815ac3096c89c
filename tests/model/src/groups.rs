//! The model `groups`: two nodes, each with a process that joins one group, leaves it and ends, while servers end and are
//! started again, messages are lost or written late, and a session is lost and another begins.
//!
//! Each server is the core's [`Groups`]. Between them lies what a session carries: signals in their order, and the messages of
//! each server in theirs; nothing else is in order. Who is a member is noted beside them, from what was asked for alone. At rest
//! every server must know the members of its own node and of the node that it has a session with.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use snow_dist_codec::stf;
use snow_dist_codec::{Pid as WirePid, Reading};
use snow_dist_runtime::core::groups::{GroupChange, Todo};
use snow_dist_runtime::core::{Groups, NodeNumber, Pid, Term, TermPids};
use stateright::{Model, Property};

use crate::search::{Size, Words, search};

pub const NAME: &str = "groups";
pub const WHAT: &str =
    "two nodes tell each other of one group, while members, servers and sessions come and go";

/// The group.
const GROUP: &str = "g";

const CREATION: u8 = 7;

/// After a loss the first message that does not fit is asked about, the second, and the fourth: one of them is behind what
/// answers the one before.
const INTERVALS: u8 = 4;

/// How often each thing can still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Left {
    pub joins: u8,
    pub leaves: u8,
    pub ends: u8,
    /// Servers that are started, and that end.
    pub starts: u8,
    pub stops: u8,
    pub cuts: u8,
    pub sessions: u8,
    /// Messages that find no room in the mailbox of their reader.
    pub losses: u8,
    /// Messages that wait for room in the queue of a session.
    pub waits: u8,
}

pub const BOUNDS: [Left; 3] = [
    Left { joins: 1, leaves: 1, ends: 0, starts: 1, stops: 1, cuts: 1, sessions: 1, losses: 0, waits: 0 },
    Left { joins: 1, leaves: 0, ends: 0, starts: 1, stops: 1, cuts: 1, sessions: 1, losses: 0, waits: 1 },
    Left { joins: 1, leaves: 0, ends: 1, starts: 1, stops: 0, cuts: 1, sessions: 0, losses: 1, waits: 0 },
];
pub const SMALL: Left =
    Left { joins: 1, leaves: 0, ends: 1, starts: 1, stops: 0, cuts: 1, sessions: 0, losses: 1, waits: 0 };
pub const DEEP: Left =
    Left { joins: 2, leaves: 1, ends: 1, starts: 2, stops: 2, cuts: 1, sessions: 1, losses: 1, waits: 1 };

#[derive(Clone, Debug)]
struct Cluster {
    left: Left,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    nodes: [Node; 2],
    is_up: bool,
    /// Intervals that pass when nothing else happens any more, since a message was lost.
    intervals: u8,
    left: Left,
    wrong: Option<Wrong>,
}

/// What may never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Wrong {
    /// A change was told that was none.
    NoNews,
    /// A node was asked who its server is while that was open.
    AskedTwice,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Node {
    groups: Option<Groups>,
    /// The local id of its server, or of the last one.
    server: u64,
    /// That of its process: each has one of its own.
    process: u64,
    /// The process is in the group, as far as it was asked for.
    is_member: bool,
    /// The server watches the process.
    is_watched: bool,
    /// The server's monitor of the other one.
    monitor: Option<Monitor>,
    /// The number of the last monitor.
    monitors: u8,
    /// A message that waits for room.
    waiting: Option<Message>,
    subscriber: u64,
    /// Whom the subscriber knows by what it was told.
    told: BTreeSet<Pid>,
    /// What is on its way to this node.
    arriving: Arriving,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Monitor {
    number: u8,
    is_named: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Arriving {
    signals: VecDeque<Signal>,
    /// By who has sent them.
    messages: BTreeMap<u64, VecDeque<Message>>,
    /// The server of this node that the other node's monitor is of, and the number of that.
    watched: Option<(u64, u8)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Signal {
    MonitorName(u8),
    Named(u8, u64),
    Exit(u8),
}

/// A message as its reader has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Message {
    term: Vec<u8>,
    pids: TermPids,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    Join(usize),
    Leave(usize),
    /// Its process ends, and another one starts.
    End(usize),
    /// A server is started.
    Start(usize),
    /// It ends.
    Stop(usize),
    /// A node does what its server says.
    Act(usize),
    /// The same, but what is sent waits for room.
    Wait(usize),
    /// There is room for it.
    Write(usize),
    /// A signal reaches a node.
    Signal(usize),
    /// A message of this server does.
    Message(usize, u64),
    /// It is lost.
    Lose(usize, u64),
    /// Time passes, until servers have to say something.
    Interval,
    Cut,
    /// A session begins.
    Begin,
}

const OTHER: NodeNumber = match NodeNumber::other(1) {
    Some(number) => number,
    None => NodeNumber::UNKNOWN,
};

const fn here(local: u64) -> Pid {
    Pid::new(NodeNumber::HERE, CREATION, local)
}

const fn there(local: u64) -> Pid {
    Pid::new(OTHER, CREATION, local)
}

impl Message {
    /// A term as it is read: what is here for its writer is there for its reader.
    fn new(term: Term) -> Self {
        let (mut bytes, pids) = term.into_local();
        let mut found = Vec::new();
        stf::for_each_pid(&bytes, Reading::Strict, |at, pid| found.push((at, pids.pid(pid)))).unwrap();
        for (number, (at, _)) in found.iter().enumerate() {
            assert!(stf::replace_pid(&mut bytes, *at, WirePid::from_bits(number as u64)));
        }
        let turned = |pid: Pid| if pid.is_here() { there(pid.local()) } else { here(pid.local()) };
        let read: Vec<_> = found.into_iter().map(|(_, pid)| turned(pid)).collect();
        let (term, pids) = Term::new(bytes, &read).unwrap().into_local();
        Self { term, pids }
    }
}

impl Node {
    fn new() -> Self {
        Self {
            groups: None,
            server: 0,
            process: 100,
            is_member: false,
            is_watched: false,
            monitor: None,
            monitors: 0,
            waiting: None,
            subscriber: 0,
            told: BTreeSet::new(),
            arriving: Arriving::default(),
        }
    }

    fn start(&mut self, is_up: bool) {
        self.server += 1;
        let mut groups = Groups::new(here(self.server));
        self.subscriber = groups.subscribe();
        if is_up {
            groups.handle_node_up(OTHER);
        }
        self.groups = Some(groups);
    }

    /// Its members and its monitors go with it. What it has written does not.
    fn stop(&mut self) {
        self.groups = None;
        (self.is_member, self.is_watched) = (false, false);
        self.monitor = None;
        self.waiting = None;
        self.told.clear();
    }

    /// Whether its server has something to do.
    fn is_ready(&self) -> bool {
        self.groups.as_ref().is_some_and(|groups| groups.clone().poll_node().is_some())
    }

    /// A server that says that it may have something to do, and has not, is asked at once: nothing can come between.
    fn settle(&mut self) {
        if let Some(groups) = &mut self.groups
            && groups.clone().poll_todo(OTHER).is_none()
        {
            groups.poll_node();
        }
    }

    fn members(&self) -> BTreeSet<Pid> {
        self.groups.iter().flat_map(|groups| groups.members(GROUP)).collect()
    }

    /// Tells the subscriber. False if something was no news to it.
    fn tell(&mut self) -> bool {
        let Some(groups) = &mut self.groups else { return true };
        let mut all_news = true;
        while let Some(change) = groups.poll_change(self.subscriber) {
            all_news &= match change {
                GroupChange::Joined { pid, .. } => self.told.insert(pid),
                GroupChange::Left { pid, .. } => self.told.remove(&pid),
                _ => false,
            };
        }
        all_news
    }
}

impl World {
    fn new(left: Left) -> Self {
        let mut world =
            Self { nodes: [Node::new(), Node::new()], is_up: true, intervals: 0, left, wrong: None };
        world.nodes[0].start(true);
        world
    }

    /// What happens by itself.
    fn own_steps(&self, steps: &mut Vec<Step>) {
        for (at, node) in self.nodes.iter().enumerate() {
            if node.waiting.is_some() {
                steps.push(Step::Write(at));
            } else if node.is_ready() {
                steps.push(Step::Act(at));
            }
            if !node.arriving.signals.is_empty() {
                steps.push(Step::Signal(at));
            }
            steps.extend(node.arriving.messages.keys().map(|server| Step::Message(at, *server)));
        }
        if steps.is_empty() && self.intervals > 0 {
            steps.push(Step::Interval);
        }
    }

    fn other_steps(&self, steps: &mut Vec<Step>) {
        let left = &self.left;
        for (at, node) in self.nodes.iter().enumerate() {
            let has_server = node.groups.is_some();
            let asked = [
                (left.joins > 0 && has_server && !node.is_member, Step::Join(at)),
                (left.leaves > 0 && node.is_member, Step::Leave(at)),
                (left.ends > 0 && node.is_member, Step::End(at)),
                (left.starts > 0 && !has_server, Step::Start(at)),
                (left.stops > 0 && has_server, Step::Stop(at)),
                (left.waits > 0 && node.waiting.is_none() && node.is_ready(), Step::Wait(at)),
            ];
            steps.extend(asked.into_iter().filter_map(|(can, step)| can.then_some(step)));
            let lanes = node.arriving.messages.keys().filter(|_| left.losses > 0);
            steps.extend(lanes.map(|server| Step::Lose(at, *server)));
        }
        match self.is_up {
            true if left.cuts > 0 => steps.push(Step::Cut),
            false if left.sessions > 0 => steps.push(Step::Begin),
            _ => {}
        }
    }

    /// False if nothing comes of it.
    fn take(&mut self, step: Step) -> bool {
        let is_up = self.is_up;
        match step {
            Step::Join(at) => {
                self.left.joins -= 1;
                let node = &mut self.nodes[at];
                let groups = node.groups.as_mut().unwrap();
                node.is_member = groups.join(GROUP, here(node.process)).unwrap();
                while let Some(pid) = groups.poll_watch() {
                    node.is_watched |= pid == here(node.process);
                }
            }
            Step::Leave(at) => {
                self.left.leaves -= 1;
                let node = &mut self.nodes[at];
                node.groups.as_mut().unwrap().leave(GROUP, here(node.process));
                node.is_member = false;
            }
            Step::End(at) => {
                self.left.ends -= 1;
                let node = &mut self.nodes[at];
                if std::mem::take(&mut node.is_watched) {
                    node.groups.as_mut().unwrap().handle_process_ended(here(node.process));
                }
                node.is_member = false;
                node.process += 1;
            }
            Step::Start(at) => {
                self.left.starts -= 1;
                self.nodes[at].start(is_up);
            }
            Step::Stop(at) => self.stop(at),
            Step::Act(at) => {
                self.ask_server(at);
                self.act(at, false);
            }
            Step::Wait(at) => {
                self.left.waits -= 1;
                self.ask_server(at);
                self.act(at, true);
                return self.nodes[at].waiting.is_some();
            }
            Step::Write(at) => {
                let message = self.nodes[at].waiting.take().unwrap();
                self.write(at, message);
                self.act(at, false);
            }
            Step::Signal(at) => self.signal(at),
            Step::Message(at, server) => self.message(at, server),
            Step::Lose(at, server) => {
                self.left.losses -= 1;
                self.read(at, server);
                self.intervals = INTERVALS;
            }
            Step::Interval => {
                self.intervals -= 1;
                let servers = self.nodes.iter_mut().filter_map(|node| node.groups.as_mut());
                servers.for_each(|groups| groups.handle_interval(OTHER));
            }
            Step::Cut => {
                self.left.cuts -= 1;
                self.is_up = false;
                for node in &mut self.nodes {
                    (node.monitor, node.arriving) = (None, Arriving::default());
                    node.groups.iter_mut().for_each(|groups| groups.handle_node_down(OTHER));
                }
            }
            Step::Begin => {
                self.left.sessions -= 1;
                self.is_up = true;
                for node in &mut self.nodes {
                    node.groups.iter_mut().for_each(|groups| groups.handle_node_up(OTHER));
                }
            }
        }
        true
    }

    fn stop(&mut self, at: usize) {
        self.left.stops -= 1;
        let node = &mut self.nodes[at];
        node.stop();
        let told = node.arriving.watched.take();
        let other = &mut self.nodes[1 - at].arriving;
        other.signals.extend(told.map(|(_, monitor)| Signal::Exit(monitor)));
    }

    /// Asks a server whether there is something to do.
    fn ask_server(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        if !node.tell() {
            self.wrong = Some(Wrong::NoNews);
        }
        node.groups.as_mut().unwrap().poll_node();
    }

    /// Does all that a server says; if something is to wait, up to the first message.
    fn act(&mut self, at: usize, waits: bool) {
        loop {
            let node = &mut self.nodes[at];
            let Some(groups) = &mut node.groups else { return };
            match groups.poll_todo(OTHER) {
                Some(Todo::Send(term)) if waits => {
                    node.waiting = Some(Message::new(term));
                    return;
                }
                Some(Todo::Send(term)) => self.write(at, Message::new(term)),
                Some(Todo::Monitor) => {
                    if node.monitor.is_some_and(|monitor| !monitor.is_named) {
                        self.wrong = Some(Wrong::AskedTwice);
                    }
                    node.monitors += 1;
                    node.monitor = Some(Monitor { number: node.monitors, is_named: false });
                    let asked = Signal::MonitorName(node.monitors);
                    self.nodes[1 - at].arriving.signals.push_back(asked);
                }
                None => return,
            }
        }
    }

    fn write(&mut self, at: usize, message: Message) {
        let server = self.nodes[at].server;
        if self.is_up {
            self.nodes[1 - at].arriving.messages.entry(server).or_default().push_back(message);
        }
    }

    fn signal(&mut self, at: usize) {
        let [one, two] = &mut self.nodes;
        let (node, other) = if at == 0 { (one, two) } else { (two, one) };
        match node.arriving.signals.pop_front().unwrap() {
            Signal::MonitorName(number) => {
                let is_there = node.groups.is_some();
                node.arriving.watched = is_there.then_some((node.server, number));
                let answer = if is_there { Signal::Named(number, node.server) } else { Signal::Exit(number) };
                other.arriving.signals.push_back(answer);
            }
            Signal::Named(number, server) => {
                let (Some(groups), Some(monitor)) = (&mut node.groups, &mut node.monitor) else { return };
                if monitor.number == number {
                    monitor.is_named = true;
                    groups.handle_named(OTHER, there(server));
                }
            }
            Signal::Exit(number) => {
                let monitor = node.monitor.take_if(|monitor| monitor.number == number);
                let (Some(groups), Some(monitor)) = (&mut node.groups, monitor) else { return };
                if monitor.is_named {
                    groups.handle_server_ended(OTHER);
                } else {
                    groups.handle_nobody(OTHER);
                }
            }
        }
    }

    /// The first message of a server that is on its way.
    fn read(&mut self, at: usize, server: u64) -> Message {
        let messages = &mut self.nodes[at].arriving.messages;
        let lane = messages.get_mut(&server).unwrap();
        let message = lane.pop_front().unwrap();
        if lane.is_empty() {
            messages.remove(&server);
        }
        message
    }

    fn message(&mut self, at: usize, server: u64) {
        let message = self.read(at, server);
        let node = &mut self.nodes[at];
        let Some(groups) = &mut node.groups else { return };
        groups.handle_message(&message.term, &message.pids);
    }

    fn is_at_rest(&self) -> bool {
        let mut steps = Vec::new();
        self.own_steps(&mut steps);
        steps.is_empty()
    }

    /// Whom a server must know: the members of its own node and of the other one.
    fn agrees(&self) -> bool {
        [0, 1].into_iter().all(|at| {
            let (node, other) = (&self.nodes[at], &self.nodes[1 - at]);
            if node.groups.is_none() {
                return true;
            }
            let own = node.is_member.then_some(here(node.process));
            let theirs = (self.is_up && other.is_member).then_some(there(other.process));
            node.members() == own.into_iter().chain(theirs).collect()
        })
    }

    fn subscribers_agree(&self) -> bool {
        let told = |node: &Node| {
            let mut node = node.clone();
            node.tell() && node.told == node.members()
        };
        self.nodes.iter().all(told)
    }

    fn knows_nobody_without_a_session(&self) -> bool {
        self.is_up || self.nodes.iter().all(|node| node.members().iter().all(|pid| pid.is_here()))
    }

    /// A server has ignored something.
    fn has_counted(&self, count: impl Fn(&Groups) -> u64) -> bool {
        let mut counts = self.nodes.iter().filter_map(|node| node.groups.as_ref()).map(count);
        counts.any(|count| count > 0) && self.is_at_rest()
    }
}

impl Model for Cluster {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.left)]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        world.own_steps(steps);
        world.other_steps(steps);
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut world = world.clone();
        let has_happened = world.take(step);
        world.nodes.iter_mut().for_each(Node::settle);
        has_happened.then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(STRANGERS, |_, world: &World| world.knows_nobody_without_a_session()),
            Property::always(ONCE, |_, world: &World| world.wrong != Some(Wrong::AskedTwice)),
            Property::always(TOLD, |_, world: &World| {
                world.wrong != Some(Wrong::NoNews) && (!world.is_at_rest() || world.subscribers_agree())
            }),
            Property::always(AGREE, |_, world: &World| world.agrees() || !world.is_at_rest()),
            Property::sometimes(IGNORED, |_, world: &World| {
                world.has_counted(|groups| groups.counts().messages_ignored)
            }),
        ]
    }
}

const STRANGERS: &str = "nobody is known of a node without a session";
const ONCE: &str = "a node is not asked who its server is while that is open";
const TOLD: &str = "a subscriber is told each change once, and knows whom its node knows";
const AGREE: &str = "at rest each server knows the members of both nodes";
const IGNORED: &str = "a message is ignored";

fn bounds(left: Left) -> String {
    let Left { joins, leaves, ends, starts, stops, cuts, sessions, losses, waits } = left;
    let all = [
        (joins, "joins"),
        (leaves, "leaves"),
        (ends, "ends of members"),
        (starts, "servers started"),
        (stops, "servers ended"),
        (cuts, "cuts"),
        (sessions, "sessions"),
        (losses, "messages lost"),
        (waits, "messages written late"),
    ];
    let all = all.into_iter().filter(|(count, _)| *count > 0);
    all.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

/// Explores the model within each of its bounds and says what holds. Returns how many states it has, and whether all is
/// as it must be.
#[must_use]
pub fn explore(size: Size, threads: usize) -> (usize, bool) {
    let all: &[Left] = match size {
        Size::Small => &[SMALL],
        Size::Usual => &BOUNDS,
        Size::Deep => &[DEEP],
    };
    let explored = all.iter().map(|left| {
        let (properties, situations) = (&[STRANGERS, ONCE, TOLD, AGREE], &[IGNORED]);
        let words = Words { name: NAME, what: WHAT, bounds: bounds(*left), properties, situations };
        search(Cluster { left: *left }, &words, size, threads)
    });
    explored.fold((0, true), |(states, all_well), (more, is_well)| (states + more, all_well & is_well))
}
