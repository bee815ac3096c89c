//! What a seed stands for, before anything happens: the nodes, who talks with whom, and what lies between them.

use std::sync::Arc;

use snow_dist_codec::handshake::Capabilities;
use snow_dist_runtime::core::handshake::Bounds;
use snow_dist_runtime::core::limits::SESSIONS_MAX;
use snow_dist_runtime::core::session::{CAPABILITIES, Timing};

use crate::random::Random;
use crate::wire::{Manner, Time};

/// Nodes of a cluster.
pub const NODES_MIN: usize = 2;
/// See [`NODES_MIN`].
pub const NODES_MAX: usize = 50;

/// Nodes of a mesh, at most.
pub const MESH_MAX: usize = 200;

/// Bytes in a millisecond, and those that are taken and not read yet, at least, where a connection must be quick.
const QUICK_RATE: u64 = 2_000;
const QUICK_WINDOW: usize = 1 << 18;

pub(crate) const SECOND: Time = 1_000_000;

/// A node, in all its starts.
#[derive(Clone, Debug)]
pub(crate) struct NodePlan {
    pub(crate) name: Arc<str>,
    pub(crate) bounds: Bounds,
    pub(crate) capabilities: Capabilities,
    pub(crate) timing: Timing,
    /// Peers at once.
    pub(crate) sessions_max: usize,
    /// How long a task waits until it runs, at most.
    pub(crate) wake_max: Time,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: Vec<NodePlan>,
    /// Each node keeps the first one connected, and obeys peer lists: so all of them find each other.
    pub(crate) is_mesh: bool,
    /// Who has to do with whom; the first of them have most to do.
    pub(crate) edges: Vec<(usize, usize)>,
    /// Processes at once on each node.
    pub(crate) slots: usize,
    /// Scenes that are played.
    pub(crate) scenes: usize,
    /// How long they take together.
    pub(crate) span: Time,
    /// Faults in a thousand scenes.
    pub(crate) faults: u64,
    /// Servers of groups miss messages, as if their mailboxes were full.
    pub(crate) misses: bool,
    manner: Manner,
}

impl Plan {
    /// The plan of a seed, of so many nodes if that is said.
    pub(crate) fn new(random: &mut Random, nodes: Option<usize>) -> Self {
        let drawn = match random.below(3) {
            0 => random.range(2, 6),
            1 => random.range(7, 20),
            _ => random.range(21, NODES_MAX as u64),
        };
        let count = nodes.unwrap_or(drawn as usize).clamp(NODES_MIN, NODES_MAX);
        // Intervals must outlast what is under way, or every session dies of silence.
        let interval = random.range(10, 60) * SECOND;
        let nodes = (0..count).map(|node| NodePlan::new(random, node, interval)).collect();
        let latency = random.wide(20, 200_000);
        Self {
            nodes,
            is_mesh: false,
            edges: edges(random, count),
            slots: random.wide(3, 60) as usize,
            scenes: random.wide(300, 2_400) as usize,
            span: random.wide(SECOND, 120 * SECOND),
            faults: random.wide(5, 250),
            misses: true,
            manner: Manner {
                latency,
                jitter: random.wide(1, latency),
                rate: random.wide(100, 200_000),
                window: random.wide(1 << 12, 1 << 18) as usize,
            },
        }
    }

    /// A mesh of so many nodes, in which everybody has to do with everybody.
    pub(crate) fn mesh(random: &mut Random, nodes: usize) -> Self {
        let nodes = nodes.clamp(NODES_MIN, MESH_MAX);
        let mut plan = Self::new(random, Some(nodes));
        let interval = random.range(10, 60) * SECOND;
        plan.nodes.extend((plan.nodes.len()..nodes).map(|node| NodePlan::new(random, node, interval)));
        plan.nodes.iter_mut().for_each(|node| node.sessions_max = SESSIONS_MAX);
        plan.edges = (0..nodes).flat_map(|one| (0..one).map(move |other| (other, one))).collect();
        plan.is_mesh = true;
        plan
    }

    /// What processes do is on its way for less than seconds, and known where it arrives.
    pub(crate) fn be_quick(&mut self) {
        self.misses = false;
        let Manner { rate, window, .. } = &mut self.manner;
        (*rate, *window) = ((*rate).max(QUICK_RATE), (*window).max(QUICK_WINDOW));
    }

    /// How one direction of a connection behaves.
    pub(crate) fn manner(&self, random: &mut Random) -> Manner {
        let latency = random.range(self.manner.latency / 2, self.manner.latency * 2);
        Manner { latency, ..self.manner }
    }

    /// How long an answer takes, at most, if both nodes run and nothing is before it on its way.
    pub(crate) fn answer_time(&self) -> Time {
        let passage = 2 * self.manner.latency + 3 * self.manner.jitter;
        let wake_max = self.nodes.iter().map(|node| node.wake_max).max().unwrap_or_default();
        2 * passage + 10 * wake_max + SECOND / 10
    }

    /// How long it takes until everything that goes wrong has been noticed.
    pub(crate) fn settling(&self) -> Time {
        let silence = self.nodes.iter().map(|node| node.timing.interval + node.timing.timeout).max();
        silence.map_or(0, |silence| silence.as_micros() as Time) + 25 * SECOND
    }
}

impl NodePlan {
    fn new(random: &mut Random, node: usize, interval: Time) -> Self {
        let bounds = Bounds {
            frame_bytes: if random.chance(300) { 64 << 10 } else { 4 << 20 },
            links_and_monitors: if random.chance(250) { random.wide(2, 64) as u32 } else { 1_000_000 },
            ..Bounds::default()
        };
        // Names are ordered, and who bears the smaller one gives way: numbers would order them like indexes.
        let place = random.below(1_000);
        Self {
            name: format!("n{place:03}-{node}@simulated:9000").into(),
            bounds,
            sessions_max: if random.chance(100) { random.range(1, 4) as usize } else { SESSIONS_MAX },
            capabilities: capabilities(random),
            timing: Timing {
                interval: std::time::Duration::from_micros(interval + random.below(5 * SECOND)),
                timeout: std::time::Duration::from_micros(random.range(5 * SECOND, 15 * SECOND)),
            },
            wake_max: random.wide(1, 2_000),
        }
    }
}

/// Any subset of those that a session implements.
fn capabilities(random: &mut Random) -> Capabilities {
    // All bits are drawn, so that one more that is implemented does not change what is drawn next.
    let drawn = Capabilities::from_bits(random.u64() | random.u64());
    drawn.intersection(CAPABILITIES)
}

/// Each node has to do with some other: a ring, or a hub, and some more at random.
fn edges(random: &mut Random, count: usize) -> Vec<(usize, usize)> {
    let hub = random.chance(300);
    let mut edges: Vec<_> = (1..count).map(|node| (if hub { 0 } else { node - 1 }, node)).collect();
    for _ in 0..random.below(count as u64 + 1) {
        let (one, other) = (random.index(count), random.index(count));
        let edge = (one.min(other), one.max(other));
        if one != other && !edges.contains(&edge) {
            edges.push(edge);
        }
    }
    for place in 0..edges.len() {
        let other = random.index(edges.len());
        edges.swap(place, other);
    }
    edges
}
