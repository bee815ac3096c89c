//! The counters and measurements of a node.

use std::sync::Arc;
use std::time::Duration;

use crate::core::Session;
use crate::core::session::{Counts, Traffic};
use crate::node::Node;
use crate::notices::ConnectionCounts;
use crate::process::{ProcessInfo, ProcessStats, SupervisorCounts};

/// The counters of a node since it was started, and its current state. [`Node::stats`] returns it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The time since the node was started.
    pub up_for: Duration,
    /// The totals over the processes of the node, including those that have ended.
    pub processes: ProcessStats,
    /// Counts of the actions of all supervisors of the node, including supervisors that have ended.
    pub supervisors: SupervisorCounts,
    /// The number of messages and signals from other nodes that were dropped, because a mailbox was full or because
    /// the sending node had used up its share of the memory for other nodes
    /// ([`NodeBuilder::mailbox_remote_bytes_max`](crate::NodeBuilder::mailbox_remote_bytes_max)).
    pub messages_dropped: u64,
    /// The number of messages from other nodes to names that no process held.
    pub messages_to_nobody: u64,
    /// The number of messages to other nodes that were dropped, because there was no session.
    pub messages_unsent: u64,
    /// The counts of connections that were refused, by cause, and of sessions that were ended in favour of other
    /// connections.
    pub connections: ConnectionCounts,
    /// The totals over all sessions, including those that have ended.
    pub sessions: SessionTotals,
    /// The current sessions, ordered by the names of the peers. Sessions that are being ended are included.
    pub peers: Vec<PeerStats>,
}

/// Totals over the sessions of a node since it was started: a part of [`Stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionTotals {
    /// The number of sessions that have begun, including the current ones.
    pub begun: u64,
    /// The frames and bytes in each direction.
    pub traffic: Traffic,
    /// The number of frames, and parts of frames, that were ignored or refused, by reason.
    pub passed_over: Counts,
    /// The number of times that a process had to wait because the queue of a session was full.
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

/// The counters of the session with one node since the session began: a part of [`Stats`]. [`Node::peers`] returns
/// the version and the capabilities of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerStats {
    /// The name of the peer, with its port.
    pub name: Arc<str>,
    /// The time since the session began.
    pub up_for: Duration,
    /// The frames and bytes in each direction.
    pub traffic: Traffic,
    /// The number of frames, and parts of frames, that were ignored or refused, by reason.
    pub passed_over: Counts,
    /// The number of bytes that wait to be written to the connection: messages, and also links, monitors, spawn
    /// requests and exit signals that processes have sent.
    pub queue_bytes: usize,
    /// The number of times that a process had to wait because the queue of the session was full.
    pub waits: u64,
    /// The memory for incomplete messages from the peer, in bytes.
    pub unfinished_bytes: usize,
    /// The number of links between processes of the two nodes, including links that are just being removed.
    pub links: usize,
    /// The number of monitors that processes of this node have of processes and names of the peer. Spawn requests
    /// that wait for an answer are included.
    pub monitors: usize,
    /// The number of monitors that processes of the peer have of processes of this node.
    pub monitors_of_peer: usize,
    /// The number of calls by processes of this node that wait for a reply from the peer.
    pub calls: usize,
    /// The number of calls by processes of the peer that wait for a reply from this node.
    pub calls_of_peer: usize,
    /// The time from the last PING of the heartbeat to its answer. The node sends a PING only when nothing has come
    /// from the peer for the interval of the [heartbeat](crate::NodeBuilder::heartbeat), by default 60 s. In a busy
    /// session this is therefore `None`, or as old as the last silence. To learn the round-trip time now, measure how
    /// long [`Node::whereis_on`] takes, as `snow-dist cluster` does.
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

    /// Fills in the current state of the session.
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

/// Methods to inspect the node and its processes.
impl Node {
    /// Returns the counters and the current state of this node. They show, for example, full mailboxes, slow peers,
    /// and refused connections.
    ///
    /// The call looks at the processes and the sessions one after the other, and blocks each of them only for that
    /// moment. The numbers therefore do not all belong to one instant, and the call takes time in proportion to the
    /// number of processes.
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
            supervisors: table.supervision().counts(),
            messages_dropped: table.dropped(),
            messages_to_nobody: table.nameless(),
            messages_unsent: table.unsent(),
            connections: self.connection_counts(),
            sessions,
            peers,
        }
    }

    /// Returns a snapshot of each process of this node, in the order in which the processes were started. Use this
    /// for debugging: the call looks at the processes one after the other, and allocates memory for each.
    #[must_use]
    pub fn processes(&self) -> Vec<ProcessInfo> {
        self.table().process_infos()
    }

    /// Returns a snapshot of a process of this node, or `None` if the process has ended or belongs to another
    /// node.
    #[must_use]
    pub fn process(&self, pid: crate::Pid) -> Option<ProcessInfo> {
        self.table().process_info(pid)
    }
}
