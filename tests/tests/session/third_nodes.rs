//! Pids of third nodes among nodes that come, go and are restarted: whatever is cut, full or lost, none ever leads to
//! another process than the one that it was. Specification: `capabilities.md`, "Node table"; `session.md`, "Pids".

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use proptest::prelude::*;
use snow_dist_codec::frame::NodeTable;
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Frames, Reading};
use snow_dist_runtime::core::handshake::Bounds;
use snow_dist_runtime::core::session::{CAPABILITIES, Config, Timing, Version};
use snow_dist_runtime::core::{Chain, NodeNumber, Numbering, Pid, Reason, Session, Start};
use snow_dist_tests::simnet::{Seen, Table};

use super::terms::term;

const NODES: usize = 4;
/// The process of each node that receives, and traps exits.
const RECEIVER: u64 = 3;

/// Which process a pid means, whoever holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Truth {
    start: Start,
    local: u64,
}

/// A pid that a node holds, and the process that it was when it was made.
#[derive(Clone, Debug)]
struct Held {
    pid: Pid,
    truth: Truth,
}

struct Node {
    start: Start,
    table: Table,
    /// By the node at the other end.
    sessions: BTreeMap<usize, (Session, Pid)>,
    held: Vec<Held>,
}

impl Node {
    fn new(node: usize, incarnation: u64) -> Self {
        let name = format!("n{node}@host:1").into();
        let start = Start { name, incarnation: NonZeroU64::new(incarnation).unwrap() };
        let mut table = Table::of(start.clone());
        table.start_trapping(RECEIVER);
        let own = Pid::new(NodeNumber::HERE, start.creation(), 7);
        let held = vec![Held { pid: own, truth: Truth { start: start.clone(), local: 7 } }];
        Self { start, table, sessions: BTreeMap::new(), held }
    }

    /// The node to which a pid leads here, as routes find it: by the number and the creation of a session's peer.
    fn leads_to(&self, pid: Pid) -> Option<usize> {
        self.sessions
            .iter()
            .find(|(_, (_, peer))| (peer.node(), peer.creation()) == (pid.node(), pid.creation()))
            .map(|(other, _)| *other)
    }
}

struct World {
    nodes: Vec<Node>,
    starts: u64,
    /// Pids of third nodes that came through a table and led to a session there and then.
    routed: usize,
}

#[derive(Clone, Debug)]
enum Step {
    Connect {
        a: usize,
        b: usize,
        tables: bool,
        entries: [u32; 2],
    },
    Cut {
        a: usize,
        b: usize,
    },
    /// With a creation like the one before, or another.
    Restart {
        node: usize,
        same_creation: bool,
    },
    /// A term with pids that the sender holds.
    Send {
        from: usize,
        to: usize,
        picks: Vec<prop::sample::Index>,
    },
    /// An exit signal whose reason is a chain through processes that the sender holds.
    Exit {
        from: usize,
        to: usize,
        picks: Vec<prop::sample::Index>,
    },
    /// An entry that nobody made: of a real node, in any start.
    Lie {
        from: usize,
        to: usize,
        index: u16,
        of: usize,
        incarnation: u64,
    },
}

impl World {
    fn new() -> Self {
        let mut world = Self { nodes: Vec::new(), starts: 0, routed: 0 };
        for node in 0..NODES {
            let incarnation = world.incarnation(node, false);
            world.nodes.push(Node::new(node, incarnation));
        }
        world
    }

    fn incarnation(&mut self, node: usize, same_creation: bool) -> u64 {
        self.starts += 1;
        let creation = if same_creation { node as u64 } else { self.starts % 200 };
        self.starts * 255 + creation
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Connect { a, b, tables, entries } if a != b => self.connect([a, b], tables, entries),
            Step::Cut { a, b } => self.cut(a, b),
            Step::Restart { node, same_creation } => {
                (0..NODES).for_each(|other| self.cut(node, other));
                let incarnation = self.incarnation(node, same_creation);
                self.nodes[node] = Node::new(node, incarnation);
            }
            Step::Send { from, to, ref picks } => self.send(from, to, &self.pick(from, picks)),
            Step::Exit { from, to, ref picks } => self.exit(from, to, &self.pick(from, picks)),
            Step::Lie { from, to, index, of, incarnation } => self.lie(from, to, index, of, incarnation),
            Step::Connect { .. } => {}
        }
        self.check_held();
    }

    fn connect(&mut self, ends: [usize; 2], tables: bool, entries: [u32; 2]) {
        if self.nodes[ends[0]].sessions.contains_key(&ends[1]) {
            return;
        }
        let lacks = if tables { Capabilities::NONE } else { Capabilities::NODE_TABLE };
        let bounds = entries.map(|node_table_entries| Bounds { node_table_entries, ..Bounds::default() });
        for (side, node) in ends.into_iter().enumerate() {
            let other = ends[1 - side];
            let peer = self.nodes[other].start.clone();
            let node = &mut self.nodes[node];
            let number = node.table.numbers.of(&peer.name, Some(peer.incarnation));
            let config = Config {
                version: Version::default(),
                peer: number,
                peer_creation: peer.creation(),
                creation: node.start.creation(),
                capabilities: CAPABILITIES.intersection(Capabilities::from_bits(!lacks.to_bits())),
                bounds: bounds[side],
                peer_bounds: bounds[1 - side],
                timing: Timing::default(),
                ping: [0; 8],
            };
            let pid = Pid::new(number, peer.creation(), 7);
            node.sessions.insert(other, (Session::new(&config, Duration::ZERO), pid));
            // What a program knows of a peer: the session's number, and a local id.
            node.held.push(Held { pid, truth: Truth { start: peer, local: 7 } });
        }
    }

    fn cut(&mut self, a: usize, b: usize) {
        for (node, other) in [(a, b), (b, a)] {
            let node = &mut self.nodes[node];
            if let Some((mut session, _)) = node.sessions.remove(&other) {
                session.end(&mut node.table);
            }
        }
    }

    fn pick(&self, node: usize, picks: &[prop::sample::Index]) -> Vec<Held> {
        picks.iter().map(|pick| pick.get(&self.nodes[node].held).clone()).collect()
    }

    /// The session from one node to another, with all nodes introduced that what it is to send names.
    fn session(&mut self, from: usize, to: usize, picked: &[Held]) -> Option<&mut Session> {
        let node = &mut self.nodes[from];
        let (session, _) = node.sessions.get_mut(&to)?;
        for Held { pid, .. } in picked {
            session.introduce(pid.node(), || node.table.numbers.start(pid.node()).cloned());
        }
        Some(session)
    }

    fn send(&mut self, from: usize, to: usize, picked: &[Held]) {
        let Some(session) = self.session(from, to, picked) else { return };
        let pids: Vec<_> = picked.iter().map(|held| held.pid).collect();
        session.send_term(1, RECEIVER, &mut term(&pids)).unwrap();
        let Some(Seen::Term(_, read)) = self.deliver(from, to) else { panic!("no term") };
        self.learn(to, picked, &read);
    }

    fn exit(&mut self, from: usize, to: usize, picked: &[Held]) {
        if picked.is_empty() {
            return;
        }
        let Some(session) = self.session(from, to, picked) else { return };
        let hops = picked.iter().map(|held| held.pid).collect();
        session.exit(1, RECEIVER, &Reason::Linked(Chain { hops, root: Reason::Killed }.into())).unwrap();
        let seen = self.deliver(from, to);
        let Some(Seen::Exit(_, Reason::Linked(chain))) = seen else { panic!("{seen:?}") };
        self.learn(to, picked, &chain.hops);
    }

    /// What is written arrives; gives the last thing that the receiver has seen.
    fn deliver(&mut self, from: usize, to: usize) -> Option<Seen> {
        let mut bytes = Vec::new();
        self.nodes[from].sessions.get_mut(&to)?.0.write(&mut bytes, usize::MAX);
        let node = &mut self.nodes[to];
        let (session, _) = node.sessions.get_mut(&from)?;
        for payload in Frames::new(&bytes, FRAME_BYTES_MAX) {
            let frame = Frame::decode(payload.unwrap(), Reading::Strict).unwrap();
            session.handle_frame(&frame, &mut node.table).unwrap();
        }
        node.table.seen(RECEIVER).last().cloned()
    }

    /// A peer can name any node; what it names must be that node, or nobody.
    fn lie(&mut self, from: usize, to: usize, index: u16, of: usize, incarnation: u64) {
        let name = self.nodes[of].start.name.clone();
        let node = &mut self.nodes[to];
        let Some((session, _)) = node.sessions.get_mut(&from) else { return };
        let entry = NodeTable { index, incarnation, name: (&*name).into() };
        if session.handle_frame(&entry.into(), &mut node.table).is_err() {
            self.cut(from, to);
        }
    }

    /// The receiver keeps the pids that it has read.
    fn learn(&mut self, to: usize, sent: &[Held], read: &[Pid]) {
        assert_eq!(sent.len(), read.len());
        for (held, pid) in sent.iter().zip(read) {
            assert_eq!((pid.creation(), pid.local()), (held.pid.creation(), held.pid.local()));
            self.routed += usize::from(self.nodes[to].leads_to(*pid).is_some());
            self.nodes[to].held.push(Held { pid: *pid, truth: held.truth.clone() });
        }
    }

    //= spec/capabilities.md#cap-ntb-011
    //# A node MUST resolve an index to itself or to the peer of a session if, and only if, that node has the
    //# name and the incarnation of the entry, unless it has forgotten that node by `nodes_heard_of_max` or
    //# `nodes_known_max` since it read the entry.
    //= spec/session.md#ses-pid-018
    //# A node MUST NOT take a pid from a session with another incarnation of the peer for a process of the
    //# peer's present start.
    fn check_held(&self) {
        for node in &self.nodes {
            for Held { pid, truth } in &node.held {
                if pid.is_here() {
                    assert_eq!(truth.start, node.start, "{pid} is of another node");
                } else if let Some(other) = node.leads_to(*pid) {
                    assert_eq!(truth.start, self.nodes[other].start, "{pid} leads to another node");
                }
                assert_eq!(pid.local(), truth.local);
                if let Some(start) = node.table.numbers.start(pid.node()) {
                    assert_eq!(&truth.start, start, "{pid} is taken for another start");
                    // Known and connected: then it leads there.
                    let up = node.sessions.keys().find(|other| self.nodes[**other].start == *start);
                    assert_eq!(node.leads_to(*pid), up.copied(), "{pid}");
                }
            }
        }
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let node = || 0..NODES;
    let picks = || prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    prop_oneof![
        4 => (node(), node(), prop::bool::weighted(0.8), prop::array::uniform2(prop_oneof![0_u32..3, Just(4_096)]))
            .prop_map(|(a, b, tables, entries)| Step::Connect { a, b, tables, entries }),
        1 => (node(), node()).prop_map(|(a, b)| Step::Cut { a, b }),
        1 => (node(), any::<bool>()).prop_map(|(node, same_creation)| Step::Restart { node, same_creation }),
        6 => (node(), node(), picks()).prop_map(|(from, to, picks)| Step::Send { from, to, picks }),
        4 => (node(), node(), picks()).prop_map(|(from, to, picks)| Step::Exit { from, to, picks }),
    ]
}

fn lies() -> impl Strategy<Value = Step> {
    (0..NODES, 0..NODES, 0_u16..8, 0..NODES, 0_u64..2_000).prop_map(|(from, to, index, of, incarnation)| {
        Step::Lie { from, to, index: index + 100, of, incarnation }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_pid_never_leads_to_another_process(steps in prop::collection::vec(steps(), 1..60)) {
        let mut world = World::new();
        steps.iter().for_each(|step| world.take(step));
    }

    #[test]
    fn nor_do_entries_that_are_not_so_make_it(
        steps in prop::collection::vec(prop_oneof![4 => steps(), 1 => lies()], 1..60),
    ) {
        let mut world = World::new();
        steps.iter().for_each(|step| world.take(step));
    }
}

/// The properties above do not hold for want of pids that lead anywhere.
#[test]
fn a_pid_that_came_by_way_of_another_node_leads_to_its_own() {
    let mut world = World::new();
    let connect = |a, b| Step::Connect { a, b, tables: true, entries: [4_096; 2] };
    world.take(&connect(0, 1));
    world.take(&connect(1, 2));
    // Node 1 tells node 0 of a process of node 2, which 0 has never met.
    let of_2 = world.nodes[1].held.last().unwrap().clone();
    assert_eq!(of_2.truth.start, world.nodes[2].start);
    world.send(1, 0, &[of_2]);
    let learned = world.nodes[0].held.last().unwrap().pid;
    assert_eq!(world.nodes[0].leads_to(learned), None);
    world.take(&connect(0, 2));
    assert_eq!(world.nodes[0].leads_to(learned), Some(2));
    // Over again, when the session is there: it leads there at once.
    let routed = world.routed;
    let of_2 = world.nodes[1].held.last().unwrap().clone();
    world.send(1, 0, std::slice::from_ref(&of_2));
    assert_eq!(world.routed, routed + 1);
    // Node 2 comes back as another start, even with an equal creation.
    world.take(&Step::Restart { node: 2, same_creation: true });
    world.take(&connect(0, 2));
    assert_eq!(world.nodes[0].leads_to(learned), None);
    world.send(1, 0, &[of_2]);
    world.check_held();
    let again = world.nodes[0].held.last().unwrap().pid;
    assert_eq!((again, world.nodes[0].leads_to(again)), (learned, None));
}
