//! The model `globals`: three nodes, each with a process that claims one global name, gives it back and ends, while a session
//! is lost and another begins.
//!
//! Each node has the core's [`Globals`], and for each session the core's [`Session`], which says what is told. Who owns the
//! name is noted beside them, from what was asked for alone. At rest every node must find the claim that stays of those that
//! its own and its peers' processes have.

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Frame, Reading, framing};
use snow_dist_runtime::core::globals::{Conflict, Heard, OnConflict};
use snow_dist_runtime::core::handshake::Bounds;
use snow_dist_runtime::core::peers::ConnectionId;
use snow_dist_runtime::core::session::{Config, Timing, Version};
use snow_dist_runtime::core::{GlobalNews, Globals, NodeNumber, Pid, Processes, Reason, Session, Start};
use stateright::{Model, Property};

use crate::search::{Size, Words, search};

pub const NAME: &str = "globals";
pub const WHAT: &str = "three nodes claim one global name, while sessions are lost and begin";

/// The name.
const DESK: &str = "desk";

/// The nodes' incarnations: not in the order of the nodes, so that each place in a row of three has another rank.
const INCARNATIONS: [u64; 3] = [2, 1, 3];

/// The pairs of nodes, and which of them have a session at first.
const PAIRS: [([usize; 2], bool); 3] = [([0, 1], false), ([0, 2], true), ([1, 2], true)];

/// How often each thing can still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Left {
    pub registers: u8,
    pub unregisters: u8,
    pub ends: u8,
    pub cuts: u8,
    pub sessions: u8,
}

pub const BOUNDS: Left = Left { registers: 2, unregisters: 1, ends: 1, cuts: 1, sessions: 1 };
pub const SMALL: Left = Left { registers: 2, unregisters: 0, ends: 1, cuts: 1, sessions: 0 };
pub const DEEP: Left = Left { registers: 3, unregisters: 1, ends: 1, cuts: 1, sessions: 2 };

#[derive(Clone, Debug)]
struct Claims {
    left: Left,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    nodes: Vec<Node>,
    /// What each of [`PAIRS`] has.
    lines: Vec<Option<Line>>,
    /// The last number given to a session.
    sessions: u64,
    left: Left,
    /// Two nodes have owned the name.
    has_met: bool,
    is_untold: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Node {
    globals: Globals,
    /// Its process: each has a number of its own.
    process: u64,
    /// The process owns the name, as far as it was asked for, was not given back and was not lost.
    owns: bool,
}

/// A session, as two nodes have it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Line {
    id: ConnectionId,
    ends: [End; 2],
    is_cut: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct End {
    /// Nothing, once this end has noticed that it is over.
    session: Option<Session>,
    /// Payloads for this end.
    arriving: VecDeque<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    Register(usize),
    Unregister(usize),
    /// Its process ends, and another one starts.
    End(usize),
    /// An end of a pair writes a frame.
    Write(usize, usize),
    /// An end of a pair reads one.
    Read(usize, usize),
    Cut(usize),
    /// An end of a pair notices the cut.
    Notice(usize, usize),
    /// A session begins.
    Begin(usize),
}

fn start(node: usize) -> Start {
    let name = format!("{}@h:1", char::from(b'a' + u8::try_from(node).unwrap()));
    Start { name: name.into(), incarnation: NonZeroU64::new(INCARNATIONS[node]).unwrap() }
}

/// Of two claims the one of the smaller incarnation stays.
const fn rank(node: usize) -> u64 {
    INCARNATIONS[node]
}

fn number(node: usize) -> NodeNumber {
    NodeNumber::other(node as u64 + 1).unwrap()
}

/// The session of one node with another.
fn session(own: usize, peer: usize) -> Session {
    let config = Config {
        version: Version::Two,
        peer: number(peer),
        peer_creation: start(peer).creation(),
        creation: start(own).creation(),
        capabilities: Capabilities::NONE,
        bounds: Bounds::default(),
        peer_bounds: Bounds::default(),
        timing: Timing::default(),
        ping: [0; 8],
    };
    Session::new(&config, Duration::ZERO)
}

/// What a session is lent: it is told of nothing but names.
struct Table<'g> {
    globals: &'g mut Globals,
    id: ConnectionId,
    lost: Option<Conflict>,
}

impl Processes for Table<'_> {
    fn attach(&mut self, _: u64) -> bool {
        false
    }

    fn message(&mut self, _: u64, _: &[u8]) {}

    fn named_message(&mut self, _: &str, _: &[u8]) {}

    fn exit(&mut self, _: u64, _: Pid, _: Reason) {}

    fn down(&mut self, _: u64, _: u64, _: Pid, _: Reason) {}

    fn global(&mut self, news: GlobalNews<'_>) -> bool {
        if let Heard::Lost(conflict) = self.globals.heard(self.id, news) {
            self.lost = Some(conflict);
        }
        true
    }
}

impl World {
    fn new(left: Left) -> Self {
        let node = |node| Node { globals: Globals::new(start(node)), process: 1, owns: false };
        let mut world = Self {
            nodes: (0..3).map(node).collect(),
            lines: vec![None; PAIRS.len()],
            sessions: 0,
            left,
            has_met: false,
            is_untold: false,
        };
        for (pair, (_, is_up)) in PAIRS.iter().enumerate() {
            if *is_up {
                world.begin(pair);
            }
        }
        world
    }

    fn begin(&mut self, pair: usize) {
        self.sessions += 1;
        let (id, nodes) = (ConnectionId(self.sessions), PAIRS[pair].0);
        let ends = [0, 1].map(|side| {
            let (own, peer) = (nodes[side], nodes[1 - side]);
            let mut session = session(own, peer);
            self.nodes[own].globals.up(id, &start(peer));
            session.tell_globals(&start(own).name, self.nodes[own].globals.own());
            End { session: Some(session), arriving: VecDeque::new() }
        });
        self.lines[pair] = Some(Line { id, ends, is_cut: false });
    }

    /// Tells all sessions of a node what has become of its name.
    fn tell(&mut self, node: usize, name: &Arc<str>, local: Option<u64>) {
        for (pair, (nodes, _)) in PAIRS.iter().enumerate() {
            let (Some(side), Some(line)) = (nodes.iter().position(|of| *of == node), &mut self.lines[pair])
            else {
                continue;
            };
            let Some(session) = &mut line.ends[side].session else { continue };
            match local {
                Some(local) => session.register_global(name, local),
                None => session.unregister_global(name),
            }
        }
    }

    /// What happens by itself.
    fn own_steps(&self, steps: &mut Vec<Step>) {
        for (pair, line) in self.lines.iter().enumerate() {
            let Some(line) = line else { continue };
            for (side, end) in line.ends.iter().enumerate() {
                let Some(session) = &end.session else { continue };
                if session.has_output() {
                    steps.push(Step::Write(pair, side));
                }
                if !end.arriving.is_empty() {
                    steps.push(Step::Read(pair, side));
                }
                if line.is_cut {
                    steps.push(Step::Notice(pair, side));
                }
            }
        }
    }

    fn other_steps(&self, steps: &mut Vec<Step>) {
        let left = &self.left;
        for node in 0..3 {
            if left.registers > 0 {
                steps.push(Step::Register(node));
            }
            if left.unregisters > 0 && self.nodes[node].owns {
                steps.push(Step::Unregister(node));
            }
            if left.ends > 0 && self.nodes[node].owns {
                steps.push(Step::End(node));
            }
        }
        for (pair, line) in self.lines.iter().enumerate() {
            match line {
                Some(line) if left.cuts > 0 && !line.is_cut => steps.push(Step::Cut(pair)),
                None if left.sessions > 0 => steps.push(Step::Begin(pair)),
                _ => {}
            }
        }
    }

    fn line(&mut self, pair: usize) -> &mut Line {
        self.lines[pair].as_mut().unwrap()
    }

    /// False if nothing comes of it.
    fn take(&mut self, step: Step) -> bool {
        match step {
            Step::Register(node) => {
                self.left.registers -= 1;
                let it = &mut self.nodes[node];
                let Ok(name) = it.globals.register(DESK, it.process, OnConflict::Exit) else { return false };
                it.owns = true;
                let local = it.process;
                self.tell(node, &name, Some(local));
                self.has_met |= self.nodes.iter().filter(|node| node.owns).count() > 1;
            }
            Step::Unregister(node) => {
                self.left.unregisters -= 1;
                let it = &mut self.nodes[node];
                it.owns = false;
                it.globals.unregister(DESK).unwrap();
                self.tell(node, &DESK.into(), None);
            }
            Step::End(node) => {
                self.left.ends -= 1;
                let it = &mut self.nodes[node];
                let names = it.globals.process_ended(it.process);
                (it.owns, it.process) = (false, it.process + 1);
                names.iter().for_each(|name| self.tell(node, name, None));
            }
            Step::Write(pair, side) => {
                let line = self.line(pair);
                let mut bytes = Vec::new();
                line.ends[side].session.as_mut().unwrap().write(&mut bytes, 1);
                if !line.is_cut {
                    let frames =
                        framing::Frames::new(&bytes, u32::MAX).map(|payload| payload.unwrap().to_vec());
                    line.ends[1 - side].arriving.extend(frames);
                }
            }
            Step::Read(pair, side) => self.read(pair, side),
            Step::Cut(pair) => {
                self.left.cuts -= 1;
                self.line(pair).is_cut = true;
            }
            Step::Notice(pair, side) => {
                let line = self.line(pair);
                line.ends[side] = End { session: None, arriving: VecDeque::new() };
                let (id, is_over) = (line.id, line.ends.iter().all(|end| end.session.is_none()));
                if is_over {
                    self.lines[pair] = None;
                }
                self.nodes[PAIRS[pair].0[side]].globals.down(id);
            }
            Step::Begin(pair) => {
                self.left.sessions -= 1;
                self.begin(pair);
            }
        }
        true
    }

    fn read(&mut self, pair: usize, side: usize) {
        let node = PAIRS[pair].0[side];
        let line = self.lines[pair].as_mut().unwrap();
        let End { session: Some(session), arriving } = &mut line.ends[side] else { return };
        let payload = arriving.pop_front().unwrap();
        let frame = Frame::decode(&payload, Reading::Strict).unwrap();
        let mut table = Table { globals: &mut self.nodes[node].globals, id: line.id, lost: None };
        session.handle_frame(&frame, &mut table).unwrap();
        let Some(lost) = table.lost else { return };
        // The one that had the name is told, and only because of a claim that goes before its own.
        let it = &mut self.nodes[node];
        self.is_untold |= !it.owns || lost.local != it.process || lost.winner.node() == NodeNumber::HERE;
        it.owns = false;
        self.tell(node, &lost.name, None);
    }

    fn is_at_rest(&self) -> bool {
        let mut steps = Vec::new();
        self.own_steps(&mut steps);
        steps.is_empty()
    }

    fn peers(&self, node: usize) -> impl Iterator<Item = usize> {
        let with_session = PAIRS.iter().zip(&self.lines).filter(|(_, line)| line.is_some());
        with_session.filter_map(move |((nodes, _), _)| match *nodes {
            [one, other] if one == node => Some(other),
            [one, other] if other == node => Some(one),
            _ => None,
        })
    }

    /// Whom a node must find: itself and its peers by rank.
    fn expected(&self, node: usize) -> Option<Pid> {
        let owners = self.peers(node).chain([node]).filter(|it| self.nodes[*it].owns);
        let owner = owners.min_by_key(|it| rank(*it))?;
        let of = if owner == node { NodeNumber::HERE } else { number(owner) };
        Some(Pid::new(of, start(owner).creation(), self.nodes[owner].process))
    }

    fn agrees(&self) -> bool {
        (0..3).all(|node| self.nodes[node].globals.whereis(DESK) == self.expected(node))
    }

    fn has_one_owner(&self) -> bool {
        (0..3).all(|node| !self.nodes[node].owns || self.peers(node).all(|peer| !self.nodes[peer].owns))
    }

    /// The table owns what was asked for, and nothing else.
    fn owns_what_it_should(&self) -> bool {
        self.nodes
            .iter()
            .all(|node| node.globals.own().map(|(_, local)| local).eq(node.owns.then_some(node.process)))
    }
}

impl Model for Claims {
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
        world.take(step).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(OWN, |_, world: &World| world.owns_what_it_should()),
            Property::always(TOLD, |_, world: &World| !world.is_untold),
            Property::always(ONE, |_, world: &World| world.has_one_owner() || !world.is_at_rest()),
            Property::always(AGREE, |_, world: &World| world.agrees() || !world.is_at_rest()),
            Property::sometimes(MET, |_, world: &World| world.has_met && world.is_at_rest()),
        ]
    }
}

const OWN: &str = "a node owns the name as long as its process has it";
const TOLD: &str = "whoever loses the name had it, and loses it to another node";
const ONE: &str = "at rest of two nodes in a session one owns the name at most";
const AGREE: &str = "at rest each node finds the owner that stays, of itself and its peers";
const MET: &str = "two nodes own the name at once";

/// Explores the model and says what holds. Returns how many states it has, and whether all is as it must be.
#[must_use]
pub fn explore(size: Size, threads: usize) -> (usize, bool) {
    let left = match size {
        Size::Small => SMALL,
        Size::Usual => BOUNDS,
        Size::Deep => DEEP,
    };
    let Left { registers, unregisters, ends, cuts, sessions } = left;
    let bounds = format!(
        "{registers} registrations, {unregisters} given back, {ends} ends, {cuts} cuts, {sessions} sessions"
    );
    let properties = &[OWN, TOLD, ONE, AGREE];
    search(
        Claims { left },
        &Words { name: NAME, what: WHAT, bounds, properties, situations: &[MET] },
        size,
        threads,
    )
}
