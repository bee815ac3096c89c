//! The state: nodes, each an [`Endpoint`] with its [`Connection`]s, and the streams between them.
//!
//! What decides is production code. What stands beside it is the network, and what the properties need to know of the past.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use snow_dist_codec::NodeName;
use snow_dist_runtime::core::connection::Randomness;
use snow_dist_runtime::core::endpoint::Limits;
use snow_dist_runtime::core::handshake::Local;
use snow_dist_runtime::core::peers::ConnectionId;
use snow_dist_runtime::core::session::Timing;
use snow_dist_runtime::core::{Connection, Cookie, Endpoint, Inbound};

use super::bounds::{Bounds, Left};
use super::verdict::Broken;

/// The names of the nodes, the bytewise smallest first.
pub const NAMES: [&str; 3] = ["a@10.0.0.1:9000", "b@10.0.0.2:9000", "c@10.0.0.3:9000"];

/// The address of strangers.
const STRANGERS: u8 = 9;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub nodes: Vec<Arc<Node>>,
    /// Those that are not over at both ends, in the order in which they were begun.
    pub wires: Vec<Wire>,
    pub next_wire: u8,
    pub now: Duration,
    /// How many places for handshakes each node has.
    pub handshakes_max: usize,
    pub left: Left,
    pub faults: Faults,
    /// The nodes that have dialled a name since something has gone wrong or was ended.
    pub wanted: [[bool; NAMES.len()]; NAMES.len()],
    pub broken: Option<Broken>,
}

/// What has gone wrong so far, or was done on purpose: what excuses what comes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// A stream was cut, or took nothing, or a peer wrote what is no frame.
    pub of_streams: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    pub endpoint: Endpoint,
    /// Which of the names it has.
    pub name: usize,
    /// For each name the session whose NODEUP came and whose NODEDOWN has not.
    pub up: [Option<ConnectionId>; NAMES.len()],
    /// It does not run, since then.
    pub held_up: Option<Duration>,
    pub is_stopped: bool,
    /// The names that it keeps connected, and those that its endpoint wants to be dialled for it.
    pub kept: [bool; NAMES.len()],
    pub asked: [bool; NAMES.len()],
    /// When these have ended a session that it had dialled for another connection.
    pub lost_to_rival: [Option<Duration>; NAMES.len()],
}

/// A connection of TCP.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wire {
    pub id: u8,
    /// What is under way can still arrive, and what is written goes nowhere.
    pub is_cut: bool,
    /// The initiator's and the acceptor's.
    pub ends: [Arc<End>; 2],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct End {
    /// Nobody of ours, if it is not said: a stranger, who says a byte now and then.
    pub node: Option<usize>,
    pub stage: Stage,
    pub id: ConnectionId,
    pub line: Option<Line>,
    /// What the other end has written and this one has not read.
    pub inbox: VecDeque<Item>,
    /// The stream takes nothing.
    pub is_stuck: bool,
    /// What it was given and has not taken.
    pub untaken: Vec<u8>,
    /// By the time in which the node ran.
    pub clocks: Clocks,
    /// How often the node was held up since the connection began.
    pub hold_ups: u32,
    /// The codes that a CLOSE from here can have, a bit for each.
    pub says: u8,
    pub has_read_end: bool,
    /// What the process here has done, and what has come to it.
    pub sent: u8,
    pub received: u8,
    pub exits: u8,
}

/// The connection, and what has come and is not handled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    pub connection: Box<Connection>,
    pub inbound: Inbound,
}

/// Since when each thing is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Clocks {
    /// What the stage waits for.
    pub stage: Duration,
    /// In a session: since the last byte came.
    pub heard: Duration,
    /// A sign is asked for.
    pub probed: Option<Duration>,
    /// The stream has not taken what it was given.
    pub untaken: Option<Duration>,
    /// The session is being ended in order.
    pub closing: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// TCP has not accepted it.
    Absent,
    /// Up to REPLY.
    Handshake,
    /// The initiator's, from REPLY to ACK.
    Replied,
    /// It waits for its verdict.
    Verdict,
    Session,
    /// It was a session, and its end is to be told.
    Ending,
    Over,
}

/// What is under way on a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    Bytes(Arc<[u8]>),
    /// The end of the stream, after all before it.
    Fin,
}

impl Clocks {
    /// The node runs again, and has not run since then: that counts for nothing.
    pub fn put_off(&mut self, since: Duration, now: Duration) {
        let others = [&mut self.probed, &mut self.untaken, &mut self.closing].into_iter().flatten();
        for clock in [&mut self.stage, &mut self.heard].into_iter().chain(others) {
            *clock += now - since.max(*clock);
        }
    }
}

impl Node {
    fn new(bounds: &Bounds, node: usize) -> Self {
        let name = bounds.names[node];
        let incarnation = NonZeroU64::new(5 + node as u64).expect("it is 5 or more");
        let cookie = Cookie::new("the cookie of the models").expect("it is long enough");
        let parsed = NodeName::parse(NAMES[name]).expect("a name");
        let local = Local::new(parsed, incarnation, cookie.into());
        let limits = Limits {
            handshakes_max: bounds.handshakes_max,
            handshakes_per_address_max: bounds.handshakes_max,
            sessions_max: NAMES.len() - 1,
            sessions_per_address_max: 1,
            ..Limits::default()
        };
        Self {
            endpoint: Endpoint::new(Arc::new(local), Timing::default(), limits, [7; 8]),
            name,
            up: [None; NAMES.len()],
            held_up: None,
            is_stopped: false,
            kept: [false; NAMES.len()],
            asked: [false; NAMES.len()],
            lost_to_rival: [None; NAMES.len()],
        }
    }
}

impl End {
    pub const fn new(node: Option<usize>, stage: Stage, now: Duration) -> Self {
        Self {
            node,
            stage,
            id: ConnectionId(0),
            line: None,
            inbox: VecDeque::new(),
            is_stuck: false,
            untaken: Vec::new(),
            clocks: Clocks { stage: now, heard: now, probed: None, untaken: None, closing: None },
            hold_ups: 0,
            says: 0,
            has_read_end: false,
            sent: 0,
            received: 0,
            exits: 0,
        }
    }

    /// Whether its connection is there, and not over.
    pub const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Handshake | Stage::Replied | Stage::Verdict | Stage::Session)
    }

    /// Whether it reads what is next.
    pub fn can_read(&self) -> bool {
        let reads = |line: &Line| line.connection.is_read(&line.inbound);
        self.is_open() && !self.inbox.is_empty() && self.line.as_ref().is_some_and(reads)
    }

    /// Whether it is a session in which something can be done.
    pub fn is_up(&self) -> bool {
        self.stage == Stage::Session && self.clocks.closing.is_none()
    }
}

impl Wire {
    pub fn is_over(&self) -> bool {
        self.ends.iter().all(|end| end.stage == Stage::Over)
    }
}

impl World {
    pub fn new(bounds: &Bounds) -> Self {
        Self {
            nodes: (0..bounds.names.len()).map(|node| Arc::new(Node::new(bounds, node))).collect(),
            wires: Vec::new(),
            next_wire: 0,
            now: Duration::from_secs(1_000),
            handshakes_max: bounds.handshakes_max,
            wanted: [[false; NAMES.len()]; NAMES.len()],
            left: bounds.left,
            faults: Faults::default(),
            broken: None,
        }
    }

    pub fn index_of(&self, wire: u8) -> Option<usize> {
        self.wires.iter().position(|it| it.id == wire)
    }

    pub fn end(&mut self, wire: usize, side: usize) -> &mut End {
        Arc::make_mut(&mut self.wires[wire].ends[side])
    }

    pub fn node(&mut self, node: usize) -> &mut Node {
        Arc::make_mut(&mut self.nodes[node])
    }

    /// All ends of connections of a node, each by its wire and side.
    pub fn ends_of(&self, node: usize) -> Vec<(usize, usize)> {
        let all = (0..self.wires.len()).flat_map(|wire| [(wire, 0), (wire, 1)]);
        all.filter(|(wire, side)| self.wires[*wire].ends[*side].node == Some(node)).collect()
    }

    /// The end of a node that has this connection.
    pub fn end_with(&self, node: usize, id: ConnectionId) -> Option<(usize, usize)> {
        self.ends_of(node).into_iter().find(|(wire, side)| {
            let end = &self.wires[*wire].ends[*side];
            end.id == id && (end.is_open() || end.stage == Stage::Ending)
        })
    }

    /// The name of whoever is at the other end.
    pub fn peer(&self, wire: usize, side: usize) -> Option<usize> {
        self.wires[wire].ends[1 - side].node.map(|node| self.nodes[node].name)
    }

    /// The session of a node with the node of this name in which something can be done.
    pub fn session(&self, node: usize, name: usize) -> Option<(usize, usize)> {
        let session = self.end_with(node, self.nodes[node].up[name]?)?;
        self.wires[session.0].ends[session.1].is_up().then_some(session)
    }

    /// How many connections a node has accepted that are not verified.
    pub fn handshakes(&self, node: usize) -> usize {
        let ends = self.ends_of(node).into_iter();
        ends.filter(|(wire, side)| *side == 1 && self.wires[*wire].ends[1].stage == Stage::Handshake).count()
    }

    pub fn runs(&self, node: usize) -> bool {
        self.nodes[node].held_up.is_none()
    }
}

/// Random bytes for a connection, other ones for each.
pub fn random(wire: u8, side: usize) -> Randomness {
    let mut bytes = [wire + 1; Randomness::BYTES];
    bytes[0] = side as u8;
    // Those of a challenge, of PINGs and of seeds begin elsewhere.
    (bytes[24], bytes[32]) = (side as u8, side as u8);
    Randomness::new(&bytes)
}

/// Where a node's connections come from, or a stranger's.
pub fn address(node: Option<usize>) -> SocketAddr {
    let host = node.map_or(STRANGERS, |node| node as u8 + 1);
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)), 4_000)
}
