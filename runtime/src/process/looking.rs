//! What can be seen of the processes of a node from outside.

use std::sync::Arc;

use super::EndCounts;
use super::cell::{Cell, Look};
use super::table::ProcessTable;
use crate::core::Pid;

/// A process of this node: see [`Node::processes`](crate::Node::processes).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessInfo {
    /// Who it is.
    pub pid: Pid,
    /// The names that are registered for it.
    pub names: Vec<Arc<str>>,
    /// What it says of itself ([`Context::describe`](crate::Context::describe)). Until it says something, the name of the
    /// registered function that it is, if it is one.
    pub description: Option<Box<str>>,
    /// What the compiler calls the function that it is; empty until it has run. The text is not the same in each version of the
    /// compiler.
    pub function: &'static str,
    /// Messages, calls and signals that it has not received. While more than 64 wait that it has begun to receive, the number is
    /// right to within 64.
    pub mailbox_messages: usize,
    /// Bytes that its mailbox keeps for other nodes, as
    /// [`NodeBuilder::mailbox_remote_bytes_max`](crate::NodeBuilder::mailbox_remote_bytes_max) counts them.
    pub mailbox_remote_bytes: usize,
    /// Its links with processes of this node. Those with others are counted by their sessions.
    pub links: usize,
    /// What it monitors, on any node.
    pub monitors: usize,
    /// Monitors of it, and calls that wait for its reply, by processes of this node.
    pub watchers: usize,
    /// Whether exit signals come into its mailbox, rather than end it.
    pub traps_exit: bool,
    /// Whether its end is certain, and has not come.
    pub is_ending: bool,
}

/// The processes of a node in sum: see [`Stats`](crate::Stats).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessStats {
    /// How many there are.
    pub count: usize,
    /// How many were started so far.
    pub started: u64,
    /// How those that have ended did.
    pub ended: EndCounts,
    /// Messages, calls and signals that they have not received.
    pub mailbox_messages: usize,
    /// Bytes that their mailboxes keep for other nodes.
    pub mailbox_remote_bytes: usize,
    /// The one of them that has the fullest mailbox, if there is one that is not empty.
    pub longest: Option<ProcessInfo>,
}

impl ProcessInfo {
    fn of(cell: &Cell) -> Self {
        let Look {
            function,
            names,
            description,
            messages,
            remote_bytes,
            links,
            monitors,
            watchers,
            traps_exit,
        } = cell.look();
        Self {
            pid: cell.pid(),
            names,
            description,
            function,
            mailbox_messages: messages,
            mailbox_remote_bytes: remote_bytes,
            links,
            monitors,
            watchers,
            traps_exit,
            is_ending: cell.is_doomed(),
        }
    }
}

impl ProcessTable {
    /// All processes, in the order in which they were started.
    pub(crate) fn process_infos(&self) -> Vec<ProcessInfo> {
        let mut infos = Vec::new();
        self.for_each(|cell| infos.push(ProcessInfo::of(cell)));
        infos.sort_unstable_by_key(|info| info.pid.local());
        infos
    }

    /// What one process looks like; nothing if it is not there.
    pub(crate) fn process_info(&self, pid: Pid) -> Option<ProcessInfo> {
        self.get_pid(pid).map(|cell| ProcessInfo::of(&cell))
    }

    /// The processes in sum.
    pub(crate) fn process_stats(&self) -> ProcessStats {
        let mut stats =
            ProcessStats { started: self.started(), ended: self.end_counts(), ..ProcessStats::default() };
        let (mut longest, mut messages_max) = (None, 0);
        self.for_each(|cell| {
            let (messages, remote_bytes) = cell.mailbox_sizes();
            stats.count += 1;
            stats.mailbox_messages += messages;
            stats.mailbox_remote_bytes += remote_bytes;
            if messages > messages_max {
                (longest, messages_max) = (Some(cell.pid()), messages);
            }
        });
        stats.longest = longest.and_then(|pid| self.process_info(pid));
        stats
    }
}
