//! What a node counts and measures, as a program asks for it.

use std::sync::Arc;
use std::time::Duration;

use crate::core::Session;
use crate::core::session::{Counts, Traffic};
use crate::node::Node;
use crate::notices::ConnectionCounts;
use crate::process::{ProcessInfo, ProcessStats};

/// What a node has counted since it started, and how it stands: see [`Node::stats`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// For how long the node has been there.
    pub up_for: Duration,
    /// Its processes.
    pub processes: ProcessStats,
    /// Messages and signals of other nodes for which a mailbox, or their node's share of it, had no room.
    pub messages_dropped: u64,
    /// Messages of other nodes to names that nobody had.
    pub messages_to_nobody: u64,
    /// Messages to other nodes with which there was no session.
    pub messages_unsent: u64,
    /// What has become of connections: those that were refused by reason, and sessions that were taken over.
    pub connections: ConnectionCounts,
    /// What has gone through all sessions that there were and are, in sum.
    pub sessions: SessionTotals,
    /// Each session that there is, in the order of the peers' names, those included that are being ended.
    pub peers: Vec<PeerStats>,
}

/// What has gone through the sessions of a node: see [`Stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionTotals {
    /// How many there were, those included that there are.
    pub begun: u64,
    /// Frames and bytes, each way.
    pub traffic: Traffic,
    /// Frames, and parts of them, that were passed over, by reason.
    pub passed_over: Counts,
    /// How often a process had to wait because a session's queue was full.
    pub waits: u64,
}

impl SessionTotals {
    pub(crate) fn add(&mut self, session: &PeerStats) {
        self.begun += 1;
        self.traffic += session.traffic;
        self.passed_over += session.passed_over;
        self.waits += session.waits;
    }
}

/// The session with one node, from its beginning on: see [`Stats`]. [`Node::peers`] says what the two have agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerStats {
    /// The name of that node, with its port.
    pub name: Arc<str>,
    /// For how long the session has been up.
    pub up_for: Duration,
    /// Frames and bytes, each way.
    pub traffic: Traffic,
    /// Frames, and parts of them, that were passed over, by reason.
    pub passed_over: Counts,
    /// Bytes of messages that wait to be written.
    pub queue_bytes: usize,
    /// How often a process had to wait because the queue was full.
    pub waits: u64,
    /// Bytes that are kept of messages of the peer that are not whole.
    pub unfinished_bytes: usize,
    /// Links between processes of the two nodes, those included whose end is under way.
    pub links: usize,
    /// Monitors by processes of this node, of processes and names of the other; requests for processes are among them.
    pub monitors: usize,
    /// Monitors of processes of this node, by processes of the other.
    pub monitors_of_peer: usize,
    /// Calls by processes of this node that are not over.
    pub calls: usize,
    /// Calls by processes of the other node that are to be answered here.
    pub calls_of_peer: usize,
    /// How long the answer to the last PING of the heartbeat took. `None` if there has been no PING: a session in which bytes
    /// arrive all the time sends none.
    pub round_trip: Option<Duration>,
}

impl PeerStats {
    pub(crate) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            up_for: Duration::ZERO,
            traffic: Traffic::default(),
            passed_over: Counts::default(),
            queue_bytes: 0,
            waits: 0,
            unfinished_bytes: 0,
            links: 0,
            monitors: 0,
            monitors_of_peer: 0,
            calls: 0,
            calls_of_peer: 0,
            round_trip: None,
        }
    }

    /// How the session stands.
    pub(crate) fn look_at(&mut self, session: &Session) {
        let ((links, watching, watched), (calls, calls_of_peer)) = (session.table_sizes(), session.calls());
        self.queue_bytes = session.waiting_bytes();
        self.unfinished_bytes = session.unfinished().1;
        self.links = links;
        self.monitors = watching.saturating_sub(calls);
        self.monitors_of_peer = watched.saturating_sub(calls_of_peer);
        self.calls = calls;
        self.calls_of_peer = calls_of_peer;
        self.round_trip = session.round_trip();
    }
}

/// The node, seen from outside.
impl Node {
    /// Returns what this node has counted, and how it stands now: what is slow, full, gone or refused.
    ///
    /// It looks at each process and each session for a moment, one after the other, and holds up none of them for longer. So the
    /// numbers are not all of one moment, and asking takes the longer the more processes there are.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let node = snow_dist_runtime::Node::alone(tokio::runtime::Handle::current());
    /// let stats = node.stats();
    /// assert_eq!((stats.processes.count, stats.messages_dropped), (0, 0));
    /// for peer in stats.peers {
    ///     println!("{}: {} bytes wait, {:?}", peer.name, peer.queue_bytes, peer.round_trip);
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn stats(&self) -> Stats {
        let table = self.table();
        let connections = table.connections();
        let (peers, sessions) =
            connections.map(|connections| connections.session_stats()).unwrap_or_default();
        Stats {
            up_for: table.up_for(),
            processes: table.process_stats(),
            messages_dropped: table.dropped(),
            messages_to_nobody: table.nameless(),
            messages_unsent: table.unsent(),
            connections: self.connection_counts(),
            sessions,
            peers,
        }
    }

    /// Returns what can be seen of each process of this node, in the order in which they were started. For debugging: it looks at
    /// them one after the other, and takes memory for each.
    #[must_use]
    pub fn processes(&self) -> Vec<ProcessInfo> {
        self.table().process_infos()
    }

    /// Returns what can be seen of a process of this node. `None` if it has ended, or is not of this node.
    #[must_use]
    pub fn process(&self, pid: crate::Pid) -> Option<ProcessInfo> {
        self.table().process_info(pid)
    }
}
