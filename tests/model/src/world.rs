//! The state: nodes, connections, and what is left to happen.
//!
//! Of each node the production code stands here as it is: [`Epochs`], and a [`Session`] for each end of a connection
//! that is one. Beside them stands what the properties need to know, and the core does not: what each process may
//! expect ([`Tie`], [`Watch`]), and what it has been sent.

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use snow_dist_runtime::core::epochs::{Epochs, Facts};
use snow_dist_runtime::core::handshake::Bounds as Held;
use snow_dist_runtime::core::session::{Config, Timing, Version};
use snow_dist_runtime::core::{Caller, NodeNumber, Numbers, Reason, Session, Start};

use crate::bounds::{Bounds, Left};
use crate::spawns::Asked;
use crate::verdict::Broken;

/// The processes of a node.
pub const PROCESSES: usize = 2;

/// Nothing here waits for time: a deadline is a cut that is noticed.
pub const NOW: Duration = Duration::ZERO;

/// The names of the nodes, the bytewise smallest first.
pub const NAMES: [&str; 3] = ["a@h:9000", "b@h:9000", "c@h:9000"];

/// One value for each process of a node, of each process of another.
pub type Grid<T> = [[T; PROCESSES]; PROCESSES];

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub nodes: Vec<Arc<Node>>,
    /// Those that are not closed at both ends, in the order in which they were begun.
    pub connections: Vec<Connection>,
    pub next_connection: u8,
    pub left: Left,
    pub broken: Option<Broken>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// How often it has been restarted.
    pub start: u8,
    pub epochs: Epochs,
    pub processes: [Process; PROCESSES],
    /// Who has the name.
    pub named: Option<usize>,
    /// Calls of other nodes that its processes have in their hands.
    pub requests: Vec<Request>,
    /// For each node the session whose nodeup came and whose nodedown has not.
    pub up: [Option<u8>; NAMES.len()],
    /// The starts of other nodes that its processes hold pids of.
    pub known: Vec<Known>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    pub started: bool,
    pub ended: Option<Reason>,
    /// It has acted, or somebody has acted on it.
    pub touched: bool,
    /// The sessions that are to be told of its end, a bit for each connection; once it has ended, those that have not.
    pub attached: u32,
}

/// What pids of a start of another node look like here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Known {
    pub node: usize,
    pub start: u8,
    pub number: NodeNumber,
    pub creation: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Connection {
    pub id: u8,
    /// The initiator and the acceptor.
    pub nodes: [usize; 2],
    /// In which of their starts.
    pub starts: [u8; 2],
    pub is_cut: bool,
    pub ends: [Arc<End>; 2],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct End {
    pub phase: Phase,
    /// What the other end has written and this one has not read.
    pub inbox: VecDeque<Item>,
    pub session: Option<Session>,
    /// [`Session::end`] has been called.
    pub has_ended: bool,
    pub peer: Option<Known>,
    pub ties: Grid<Tie>,
    /// The last unlink of each, until its acknowledgement; or 0.
    pub outstanding: Grid<u64>,
    pub watches: Vec<Watch>,
    /// Calls of this end's processes that are not over.
    pub calls: Vec<Watch>,
    /// Requests for processes that are not answered.
    pub asked: Vec<Asked>,
    /// How often a number was used, and for which a call.
    pub references: u64,
    pub called: u64,
    /// What has become here of the other end's calls and its monitors by name, until that end has read it.
    pub answers: Vec<(u64, Answer)>,
    /// By own process, then by the peer's.
    pub sent: Grid<u8>,
    pub received: Grid<u8>,
    pub unlinks: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The acceptor's, before REPLY.
    Accepted,
    /// The acceptor's, from REPLY to its verdict.
    Waiting,
    /// The initiator's, from REPLY to ACK.
    Replied,
    /// The initiator's, from ACK until it is the session.
    Acked,
    Session,
    /// The session is over, and its end is not told.
    Ending,
    Closed,
}

/// What is under way on a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    Reply,
    Ack,
    Reject,
    /// The connection's end, after all before it.
    Fin,
    /// The payload of a frame.
    Frame(Arc<[u8]>),
    /// One that no node of ours writes.
    Foreign(Foreign, Arc<[u8]>),
}

/// What a process may expect of a link: the states of `spec/session.md`, "Links", but for *ending*, which no process
/// sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tie {
    #[default]
    None,
    Active,
    Unlinking(u64),
}

/// A monitor or a call that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Watch {
    pub reference: u64,
    pub own: usize,
    /// `None`: whoever has the name, as long as that is not known.
    pub remote: Option<usize>,
}

/// A call of another node's process, in the hands of one here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    pub caller: Caller,
    /// The connection that has brought it.
    pub connection: u8,
    pub callee: usize,
    /// The callee, or whom it was delegated to.
    pub holder: usize,
    /// A reply must be taken, and otherwise must not.
    pub is_open: bool,
}

/// What has become of a call or a monitor by name where it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// A reply in the name of this process.
    Reply(usize),
    /// The end of this process.
    End(usize),
    /// This reason.
    Refused(&'static str),
    /// This process has the name.
    Named(usize),
    /// This process was started.
    Started(usize),
}

/// Frames that no node of ours writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Foreign {
    /// Of every kind that names a receiver, with the creation of another start of the receiver's node.
    StaleSend,
    StaleLink,
    StaleUnlink,
    StaleExit,
    StaleMonitor,
    StaleMonitorExit,
    /// From a process of another start of the writer's node.
    StaleSender,
    /// For a process of a third node.
    ThirdNode,
    /// MONITOR with a ref that is in use.
    DuplicateReference,
    /// DEMONITOR and MONITOR_EXIT with a ref that is in use and another process's pid.
    OtherDemonitor,
    OtherMonitorExit,
    /// EXIT between processes that are not linked.
    ExitUnlinked,
    /// CALL_REPLY with a ref that is in use and another process's pid, and with that of a monitor.
    OtherReply,
    ReplyToMonitor,
    /// CALL with a ref that is in use.
    DuplicateCall,
    /// NAMED for a monitor of which that is known.
    NamedAgain,
}

impl Foreign {
    pub const ALL: [Self; 12] = [
        Self::StaleSend,
        Self::StaleLink,
        Self::StaleUnlink,
        Self::StaleExit,
        Self::StaleMonitor,
        Self::StaleMonitorExit,
        Self::StaleSender,
        Self::ThirdNode,
        Self::DuplicateReference,
        Self::OtherDemonitor,
        Self::OtherMonitorExit,
        Self::ExitUnlinked,
    ];

    /// Those of sessions with calls and names.
    pub const OF_CALLS: [Self; 4] =
        [Self::OtherReply, Self::ReplyToMonitor, Self::DuplicateCall, Self::NamedAgain];
}

impl Process {
    pub const fn lives(&self) -> bool {
        self.started && self.ended.is_none()
    }
}

impl Node {
    pub fn new(bounds: &Bounds, node: usize, start: u8) -> Self {
        let process = Process { started: true, ended: None, touched: false, attached: 0 };
        let mut epochs = Epochs::new(NAMES[node], NAMES.len());
        epochs.numbers = Numbers::new(shown(bounds, node, start));
        // Who has the name is another process than one that has none.
        let named = Process { touched: bounds.has_name && node == 1, ..process.clone() };
        Self {
            start,
            epochs,
            named: named.touched.then_some(0),
            processes: [named, process],
            requests: Vec::new(),
            up: [None; NAMES.len()],
            known: Vec::new(),
        }
    }
}

impl End {
    pub const fn new(phase: Phase) -> Self {
        Self {
            phase,
            inbox: VecDeque::new(),
            session: None,
            has_ended: false,
            peer: None,
            ties: [[Tie::None; PROCESSES]; PROCESSES],
            outstanding: [[0; PROCESSES]; PROCESSES],
            watches: Vec::new(),
            calls: Vec::new(),
            asked: Vec::new(),
            references: 0,
            called: 0,
            answers: Vec::new(),
            sent: [[0; PROCESSES]; PROCESSES],
            received: [[0; PROCESSES]; PROCESSES],
            unlinks: 0,
        }
    }

    /// The session, if it takes what processes and frames bring.
    pub fn open(&self) -> Option<&Session> {
        self.session.as_ref().filter(|_| !self.has_ended)
    }

    pub fn has_output(&self) -> bool {
        self.phase == Phase::Session && self.open().is_some_and(Session::has_output)
    }
}

impl Connection {
    pub fn is_closed(&self) -> bool {
        self.ends.iter().all(|end| end.phase == Phase::Closed)
    }

    pub fn side_of(&self, node: usize) -> Option<usize> {
        self.nodes.iter().position(|of| *of == node)
    }
}

impl World {
    pub fn new(bounds: &Bounds) -> Self {
        let mut nodes: Vec<_> = (0..bounds.nodes).map(|node| Node::new(bounds, node, 0)).collect();
        nodes[1].processes[0].started = bounds.left.starts == 0;
        if bounds.left.spawns > 0 {
            // Who is started is another process than the first, which is there.
            nodes[1].processes[0].touched = true;
            nodes[1].processes[1].started = false;
        }
        Self {
            nodes: nodes.into_iter().map(Arc::new).collect(),
            connections: Vec::new(),
            next_connection: 0,
            left: bounds.left,
            broken: None,
        }
    }

    pub fn index_of(&self, connection: u8) -> Option<usize> {
        self.connections.iter().position(|it| it.id == connection)
    }

    pub fn end(&mut self, connection: usize, side: usize) -> &mut End {
        Arc::make_mut(&mut self.connections[connection].ends[side])
    }

    pub fn node(&mut self, node: usize) -> &mut Node {
        Arc::make_mut(&mut self.nodes[node])
    }
}

/// A start of a node as others see it, with the same creation each time if the bounds ask for that.
pub fn shown(bounds: &Bounds, node: usize, start: u8) -> Start {
    let step = if bounds.equal_creations { 255 } else { 10 };
    let incarnation = 6 + node as u64 + step * u64::from(start);
    Start { name: NAMES[node].into(), incarnation: NonZeroU64::new(incarnation).expect("it is 6 or more") }
}

/// The creation of a start of a node.
pub fn creation(bounds: &Bounds, node: usize, start: u8) -> u8 {
    shown(bounds, node, start).creation()
}

/// What the handshake of `connection` shows to `side` of the other end.
pub fn facts(bounds: &Bounds, connection: &Connection, side: usize) -> Facts {
    let shown = |side: usize| shown(bounds, connection.nodes[side], connection.starts[side]);
    let other = 1 - side;
    let held = Held { links_and_monitors: bounds.links_and_monitors_max, ..Held::default() };
    let peer = shown(other);
    Facts {
        incarnation: Some(peer.incarnation),
        config: Config {
            version: Version::Two,
            peer: NodeNumber::UNKNOWN,
            peer_creation: peer.creation(),
            creation: shown(side).creation(),
            capabilities: bounds.capabilities,
            bounds: held,
            peer_bounds: held,
            timing: Timing::default(),
            ping: [connection.id; 8],
        },
        name: peer.name,
    }
}
