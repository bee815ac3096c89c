//! The process table: the numbers of processes, and how processes of this node are found, sent to, linked and
//! monitored.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use snow_dist_codec::{NodeName, NodeNameError, Pid as WirePid};
use tokio::sync::watch;

use super::cell::{Cell, Doom, Linked};
use super::cells::Cells;
use super::failures::{Failures, Lost};
use super::functions::Functions;
use super::groups::shared::Shared as SharedGroups;
use super::remote::{Connections, Denied, Remote};
use super::shares::Shares;
use super::small::NumberMap;
use super::{Context, EndCounts, Mailbox, MonitorRef, SpawnError, Supervision, task};
use crate::core::limits::{MAILBOX_REMOTE_BYTES_MAX, PROCESSES_OF_PEERS_MAX, PROCESSES_PER_PEER_MAX};
use crate::core::{Globals, NodeNumber, Pid, Reason, Start};
use crate::sync::{AtomicBool, AtomicU64, Executor, Mutex, Ordering};

mod asking;
mod globals;
mod names;
mod sending;
mod starting;
mod stopping;
mod ties;

pub(crate) use names::EVERY_NODE;
pub(crate) use starting::Prepared;
pub use stopping::Left;

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;

/// The processes of a node.
pub(crate) struct ProcessTable {
    /// The node's name, with its port.
    node: Box<str>,
    creation: u8,
    executor: Executor,
    cells: Cells,
    locals_given: AtomicU64,
    /// `true` once no more processes are started.
    closed: AtomicBool,
    /// `true` once the node is shutting down. The ends of its processes are then no failures.
    stopped: AtomicBool,
    /// Notified of each end of a process once `closed` is set.
    ends: watch::Sender<()>,
    /// The number of pending calls of the program. Each has a cell in the table, but is not a process.
    guests: AtomicU64,
    /// The number of processes that were started.
    started: AtomicU64,
    /// The number of processes that were removed from the table, and whose ends were not reported to everybody yet.
    ends_untold: AtomicU64,
    references_given: AtomicU64,
    names: Mutex<HashMap<Arc<str>, u64>>,
    globals: Mutex<Globals>,
    /// The processes that monitor each node.
    node_monitors: Mutex<HashMap<Arc<str>, NumberMap<()>>>,
    /// The groups, once the program has asked for them.
    groups: Mutex<Option<Arc<SharedGroups>>>,
    shares: Shares,
    dropped: AtomicU64,
    unsent: AtomicU64,
    nameless: AtomicU64,
    failures: Failures,
    supervision: Arc<Supervision>,
    functions: Arc<Functions>,
    remote: OnceLock<Arc<dyn Remote>>,
    connections: OnceLock<Arc<dyn Connections>>,
}

/// The limits on what other nodes may cause a table to hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TableLimits {
    /// The bytes that mailboxes hold for other nodes.
    pub(crate) mailbox_remote_bytes: usize,
    /// The processes of this node that one other node may have had started.
    pub(crate) processes_per_peer: usize,
    /// The processes of this node that all other nodes together may have had started.
    pub(crate) processes_of_peers: usize,
}

impl Default for TableLimits {
    fn default() -> Self {
        Self {
            mailbox_remote_bytes: MAILBOX_REMOTE_BYTES_MAX,
            processes_per_peer: PROCESSES_PER_PEER_MAX,
            processes_of_peers: PROCESSES_OF_PEERS_MAX,
        }
    }
}

/// The tie between a new process and the process that starts it. It exists before the new process runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tie<'p> {
    None,
    Link(&'p Cell),
    Monitor(&'p Cell, MonitorRef),
}

impl ProcessTable {
    /// Creates the table of a node without connections.
    pub(crate) fn new(node: &str, creation: u8, executor: Executor) -> Arc<Self> {
        Self::with_limits(node, creation, executor, TableLimits::default())
    }

    /// Creates the table of a node without connections, with other limits.
    pub(crate) fn with_limits(
        node: &str,
        creation: u8,
        executor: Executor,
        limits: TableLimits,
    ) -> Arc<Self> {
        // Any incarnation with this creation will do: without connections it is never compared.
        let incarnation = NonZeroU64::new(u64::from(creation) + 254).unwrap_or(NonZeroU64::MIN);
        Self::of_start(&Start { name: node.into(), incarnation }, executor, limits)
    }

    /// Creates the table of an incarnation of a node.
    pub(crate) fn of_start(start: &Start, executor: Executor, limits: TableLimits) -> Arc<Self> {
        Arc::new(Self {
            node: (&*start.name).into(),
            creation: start.creation(),
            executor,
            cells: Cells::new(),
            locals_given: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            ends: watch::Sender::new(()),
            guests: AtomicU64::new(0),
            started: AtomicU64::new(0),
            ends_untold: AtomicU64::new(0),
            references_given: AtomicU64::new(0),
            names: Mutex::default(),
            globals: Mutex::new(Globals::new(start.clone())),
            node_monitors: Mutex::default(),
            groups: Mutex::default(),
            shares: Shares::new(limits.mailbox_remote_bytes),
            dropped: AtomicU64::new(0),
            unsent: AtomicU64::new(0),
            nameless: AtomicU64::new(0),
            failures: Failures::new(),
            supervision: Arc::default(),
            functions: Arc::new(Functions::new(limits.processes_per_peer, limits.processes_of_peers)),
            remote: OnceLock::new(),
            connections: OnceLock::new(),
        })
    }

    /// Sets the way to other nodes, once.
    pub(crate) fn connect(&self, remote: Arc<dyn Remote>) {
        drop(self.remote.set(remote));
    }

    /// Sets the node's connections, once. They last as long as the node.
    pub(crate) fn set_connections(&self, connections: Arc<dyn Connections>) {
        drop(self.connections.set(connections));
    }

    /// Returns the node's connections. `None` for a node without a network.
    pub(crate) fn connections(&self) -> Option<&dyn Connections> {
        self.connections.get().map(|connections| &**connections)
    }

    /// The node's name, with its port.
    pub(crate) const fn node(&self) -> &str {
        &self.node
    }

    /// Returns the name of a node as it is announced and compared: with its port.
    pub(crate) fn completed<'n>(&self, name: &'n str) -> Result<Cow<'n, str>, NodeNameError> {
        if *name == *self.node {
            // This includes the empty name of a node without a network.
            return Ok(name.into());
        }
        let parsed = NodeName::parse(name)?;
        Ok(if parsed.has_port() { name.into() } else { parsed.completed().into() })
    }

    /// Returns the place of the groups, which is `None` until the program has asked for them.
    pub(crate) const fn groups(&self) -> &Mutex<Option<Arc<SharedGroups>>> {
        &self.groups
    }

    /// Returns the executor, which runs the processes and their timers.
    pub(crate) const fn executor(&self) -> &Executor {
        &self.executor
    }

    /// Returns the pid of the process of this node with this number.
    pub(crate) fn pid(&self, local: u64) -> Pid {
        Pid::new(NodeNumber::HERE, self.creation, local)
    }

    /// Returns the process with this number, if it has not ended.
    pub(crate) fn get(&self, local: u64) -> Option<Arc<Cell>> {
        self.cells.get(local)
    }

    /// Returns a process of this node, if it has not ended. A pid with another creation is that of a dead process.
    pub(crate) fn get_pid(&self, pid: Pid) -> Option<Arc<Cell>> {
        if pid == self.pid(pid.local()) { self.get(pid.local()) } else { None }
    }

    /// Returns the number of processes.
    pub(crate) fn count(&self) -> usize {
        let guests = usize::try_from(self.guests.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        self.cells.count().saturating_sub(guests)
    }

    /// Stops starting processes.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Stops starting processes, and stops reporting their ends, because the node is shutting down.
    pub(crate) fn stop(&self) {
        self.close();
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// Ends every process, after [`ProcessTable::stop`].
    pub(crate) fn end_all(&self) {
        self.cells.for_each(|cell| cell.doom(Reason::Shutdown).wake());
    }

    /// Logs the end of a process if it has failed. Nothing is logged while the node shuts down, because its sessions
    /// end before its processes.
    pub(crate) fn tell_of_end(&self, local: u64, names: &[Arc<str>], doom: &Doom) {
        if !self.stopped.load(Ordering::SeqCst) {
            self.failures.ended(self.pid(local), names, doom);
        }
    }

    /// Logs that something sent to a process was lost because of this error.
    pub(crate) fn tell_of_lost(&self, process: Pid, error: &dyn fmt::Display, what: Lost) {
        self.failures.lost(process, error, what);
    }

    /// Returns the numbers of processes that have ended, by kind of end.
    pub(crate) fn end_counts(&self) -> EndCounts {
        self.failures.counts()
    }

    /// Returns the counters of the supervisors of this node.
    pub(crate) const fn supervision(&self) -> &Arc<Supervision> {
        &self.supervision
    }

    /// Returns the number of processes that were started.
    pub(crate) fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    /// Notes that a call of the program is over.
    pub(crate) fn guest_went(&self) {
        self.guests.fetch_sub(1, Ordering::Relaxed);
    }

    /// Returns the time since the node was started.
    pub(crate) fn up_for(&self) -> Duration {
        self.failures.since()
    }

    /// Calls a function with each process, in the order in which they were started and with no lock held. Cells that
    /// represent calls of the program are left out.
    pub(crate) fn for_each(&self, mut see: impl FnMut(&Cell)) {
        self.cells.for_each(|cell| {
            if !cell.is_guest() {
                see(cell);
            }
        });
    }

    /// Removes a process that has ended from the table.
    pub(crate) fn remove(&self, local: u64) {
        // If this is the last owner of the cell, the cell is dropped after the lock.
        let ended = self.cells.remove(local);
        drop(ended);
    }

    /// Notes that a process is about to be removed, and that its end has to be reported.
    pub(crate) fn end_begins(&self) {
        self.ends_untold.fetch_add(1, Ordering::SeqCst);
    }

    /// Notes that the end of a process was reported to everybody.
    pub(crate) fn end_is_told(&self) {
        self.ends_untold.fetch_sub(1, Ordering::SeqCst);
        if self.is_closed() {
            self.ends.send_replace(());
        }
    }
}

/// Starting processes.
impl ProcessTable {
    pub(crate) fn spawn<F, Fut>(
        self: &Arc<Self>,
        mailbox: Mailbox,
        tie: Tie<'_>,
        start: F,
    ) -> Result<Pid, SpawnError>
    where
        F: FnOnce(Context) -> Fut + Send + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        let cell = self.add(mailbox)?;
        let pid = cell.pid();
        self.tie(tie, &cell);
        if self.executor.start(task::Task::new(cell, start)) { Ok(pid) } else { Err(SpawnError::RuntimeGone) }
    }

    /// Adds a new process, which has no task yet.
    pub(crate) fn add(self: &Arc<Self>, mailbox: Mailbox) -> Result<Arc<Cell>, SpawnError> {
        if self.is_closed() {
            return Err(SpawnError::Stopped);
        }
        //= spec/session.md#ses-pid-008
        //# A node MUST NOT give one local id to two processes in the same start.
        //= spec/session.md#ses-pid-009
        //# A node MUST NOT give a process the local id 0.
        let local = self.locals_given.fetch_add(1, Ordering::Relaxed) + 1;
        if local > WirePid::LOCAL_MAX {
            return Err(SpawnError::Exhausted);
        }
        let cell = Arc::new(Cell::new(local, Arc::clone(self), mailbox));
        if cell.is_guest() {
            self.guests.fetch_add(1, Ordering::Relaxed);
        } else {
            self.started.fetch_add(1, Ordering::Relaxed);
        }
        self.cells.insert(Arc::clone(&cell));
        // The node may have been closed meanwhile, and all other processes told to end before this one was in the
        // table.
        if self.is_closed() {
            cell.doom(Reason::Shutdown).wake();
        }
        Ok(cell)
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn tie(&self, tie: Tie<'_>, child: &Cell) {
        match tie {
            Tie::None => {}
            Tie::Link(parent) => match parent.link(child) {
                Linked::Yes => {}
                Linked::SelfEnded => child.exit(parent.pid(), Reason::noproc()).wake(),
                Linked::OtherEnded => parent.exit(child.pid(), Reason::noproc()).wake(),
            },
            // If the parent has ended meanwhile, nothing is monitored.
            Tie::Monitor(parent, reference) => {
                drop(self.monitor_here(parent, child.pid(), reference.number()))
            }
        }
    }
}

/// What sending and receiving touch.
impl ProcessTable {
    /// The sessions.
    pub(crate) fn remote(&self) -> Result<&dyn Remote, Denied> {
        self.remote.get().map(|remote| &**remote).ok_or(Denied::NotConnected)
    }

    /// Returns the shares of other nodes in the memory of mailboxes.
    pub(crate) const fn shares(&self) -> &Shares {
        &self.shares
    }

    /// Counts a message or signal from another node for which there was no room.
    pub(crate) fn count_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a message from another node to a name that no process holds.
    pub(crate) fn count_nameless(&self) {
        self.nameless.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of messages from other nodes to names that no process held.
    pub(crate) fn nameless(&self) -> u64 {
        self.nameless.load(Ordering::Relaxed)
    }

    /// Returns the number of messages and signals from other nodes that were dropped because there was no room.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Returns the number of messages to other nodes that were dropped because there was no session.
    pub(crate) fn unsent(&self) -> u64 {
        self.unsent.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for ProcessTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessTable")
            .field("node", &self.node)
            .field("creation", &self.creation)
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}
