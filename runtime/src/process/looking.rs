//! Inspection of the processes of a node from outside.

use std::sync::Arc;

use super::EndCounts;
use super::cell::{Cell, Look};
use super::table::ProcessTable;
use crate::core::Pid;

/// A snapshot of a process of this node. [`Node::processes`](crate::Node::processes) and
/// [`Node::process`](crate::Node::process) return it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessInfo {
    /// The pid of the process.
    pub pid: Pid,
    /// The names under which the process is registered.
    pub names: Vec<Arc<str>>,
    /// The description that the process has set ([`Context::describe`](crate::Context::describe)). If the process has
    /// not set one, this is the name of the registered function that it runs, or of the child of a supervisor that it
    /// is.
    pub description: Option<Box<str>>,
    /// The name that the compiler gives the process's function. It is empty until the process has run for the first
    /// time, and differs between versions of the compiler.
    pub function: &'static str,
    /// The number of messages, calls and signals that the process has not received yet. For a mailbox with more than
    /// 64 items the number can be wrong by up to 64.
    pub mailbox_messages: usize,
    /// The memory that the mailbox uses for items from other nodes, in bytes, counted as
    /// [`NodeBuilder::mailbox_remote_bytes_max`](crate::NodeBuilder::mailbox_remote_bytes_max) describes.
    pub mailbox_remote_bytes: usize,
    /// The number of links with processes of this node. Links with processes of other nodes are counted in
    /// [`PeerStats::links`](crate::PeerStats::links).
    pub links: usize,
    /// The number of monitors that the process has, of processes on any node.
    pub monitors: usize,
    /// The number of monitors that processes of this node have of this process, plus the number of their calls that
    /// wait for its reply. Monitors that processes of other nodes have are counted in
    /// [`PeerStats::monitors_of_peer`](crate::PeerStats::monitors_of_peer).
    pub watchers: usize,
    /// `true` if exit signals arrive in the mailbox instead of ending the process.
    pub traps_exit: bool,
    /// `true` if the end of the process is decided, by a kill, an exit signal or its own exit, but its task has not
    /// ended yet.
    pub is_ending: bool,
}

/// Totals over the processes of a node: a part of [`Stats`](crate::Stats).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessStats {
    /// The number of processes that are running.
    pub count: usize,
    /// The number of processes that were started since the node was started.
    pub started: u64,
    /// The numbers of processes that have ended, by kind of end.
    pub ended: EndCounts,
    /// The number of messages, calls and signals in all mailboxes, which the processes have not received yet.
    pub mailbox_messages: usize,
    /// The memory that all mailboxes together use for items from other nodes, in bytes.
    pub mailbox_remote_bytes: usize,
    /// The process whose mailbox has the most items. `None` if all mailboxes are empty.
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
    /// Returns all processes, in the order in which they were started.
    pub(crate) fn process_infos(&self) -> Vec<ProcessInfo> {
        let mut infos = Vec::with_capacity(self.count());
        self.for_each(|cell| infos.push(ProcessInfo::of(cell)));
        infos
    }

    /// Returns one process, or `None` if it does not exist.
    pub(crate) fn process_info(&self, pid: Pid) -> Option<ProcessInfo> {
        self.get_pid(pid).map(|cell| ProcessInfo::of(&cell))
    }

    /// Returns the totals over all processes.
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
