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
use tokio::task::coop;

use super::cell::{Cell, Doom, Linked, NotPut};
use super::cells::Cells;
use super::failures::{Failures, Lost};
use super::functions::Functions;
use super::groups::shared::Shared as SharedGroups;
use super::remote::{Connections, Denied, Later, Remote, Sender, Sent, Towards};
use super::shares::Shares;
use super::small::NumberMap;
use super::{
    Context, EndCounts, Mailbox, Message, MonitorRef, NotHere, Payload, Received, Refused, SendError,
    SpawnError, Supervision, task,
};
use crate::core::limits::{MAILBOX_REMOTE_BYTES_MAX, PROCESSES_OF_PEERS_MAX, PROCESSES_PER_PEER_MAX};
use crate::core::{Globals, NodeNumber, Pid, Reason, Start, Term};
use crate::foreign::apart;
use crate::sync::{AtomicBool, AtomicU64, Executor, Mutex, Ordering};

mod asking;
mod globals;
mod names;
mod starting;
mod stopping;

pub(crate) use names::EVERY_NODE;
pub use stopping::Left;
#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;

pub(crate) use starting::Prepared;

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

/// Messages.
impl ProcessTable {
    pub(crate) async fn send(
        &self,
        from: Sender<'_>,
        to: Pid,
        message: impl Payload,
    ) -> Result<(), SendError> {
        from.check()?;
        if to.is_here() {
            return Ok(send_here(from, || self.get_pid(to), || here(message)).await?);
        }
        self.sent(from, Towards::Process(to), || self.remote()?.send(from, to, message.as_slice())).await
    }

    /// Sends a message to a process of this node, if there is one.
    pub(crate) async fn send_message_here(
        &self,
        from: Sender<'_>,
        to: Pid,
        message: impl FnOnce() -> Message,
    ) -> Result<(), Refused> {
        from.check()?;
        send_here(from, || self.get_pid(to), message).await
    }

    pub(crate) async fn send_term(&self, from: Sender<'_>, to: Pid, mut term: Term) -> Result<(), SendError> {
        from.check()?;
        if to.is_here() {
            return Ok(send_here(from, || self.get_pid(to), || term_here(term)).await?);
        }
        self.sent(from, Towards::Process(to), || self.remote()?.send_term(from, to, &mut term)).await
    }

    pub(crate) async fn send_named_term(
        &self,
        from: Sender<'_>,
        name: &str,
        node: &str,
        mut term: Term,
    ) -> Result<(), SendError> {
        from.check()?;
        let node = &*self.completed(node)?;
        if node == self.node() {
            return Ok(send_here(from, || self.whereis_cell(name), || term_here(term)).await?);
        }
        self.sent(from, Towards::Node(node), || self.remote()?.send_named_term(from, node, name, &mut term))
            .await
    }

    pub(crate) async fn send_named(
        &self,
        from: Sender<'_>,
        name: &str,
        node: &str,
        message: impl Payload,
    ) -> Result<(), SendError> {
        from.check()?;
        let node = &*self.completed(node)?;
        if node == self.node() {
            return Ok(send_here(from, || self.whereis_cell(name), || here(message)).await?);
        }
        self.sent(from, Towards::Node(node), || {
            self.remote()?.send_named(from, node, name, message.as_slice())
        })
        .await
    }

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

/// Links and monitors.
impl ProcessTable {
    //= spec/session.md#ses-exi-006
    //# A process that is killed by its own node MUST end with the reason Killed, without hops.
    pub(crate) fn kill(&self, pid: Pid) -> Result<(), NotHere> {
        if !pid.is_here() {
            return Err(NotHere(pid));
        }
        if let Some(cell) = self.get_pid(pid) {
            cell.doom(Reason::Killed).wake();
        }
        Ok(())
    }

    pub(crate) async fn send_exit(&self, own: &Cell, to: Pid, reason: Reason) -> Result<(), Refused> {
        let from = Sender::process(own);
        from.check()?;
        if to.is_here() {
            if let Some(cell) = self.get_pid(to) {
                cell.exit_from(from, reason)?.wake();
            }
            return Ok(());
        }
        self.taken(from, Towards::Process(to), || self.remote()?.exit(from, to, &reason)).await.map(drop)
    }

    pub(crate) async fn link(&self, own: &Cell, to: Pid) -> Result<(), Refused> {
        if to.is_here() {
            self.link_here(own, to);
        } else if self
            .taken(Sender::process(own), Towards::Process(to), || self.remote()?.link(own.pid(), to))
            .await?
            .is_none()
        {
            own.exit(to, Reason::Noconnection).wake();
        }
        // If this process has ended, nothing is linked: the session, or the other process, has checked whether this
        // process lives.
        Sender::process(own).check()
    }

    fn link_here(&self, own: &Cell, to: Pid) {
        if to == own.pid() {
            return;
        }
        let linked = match self.get_pid(to) {
            Some(other) => own.link(&other),
            // The other process has ended. If there is a link, its exit signal is on its way.
            None if to == self.pid(to.local()) && own.has_link(to.local()) => Linked::Yes,
            None => Linked::OtherEnded,
        };
        if linked == Linked::OtherEnded {
            own.exit(to, Reason::noproc()).wake();
        }
    }

    pub(crate) fn unlink(&self, own: &Cell, to: Pid) {
        if !to.is_here() {
            if let Ok(remote) = self.remote() {
                remote.unlink(own.pid(), to);
            }
        } else if to != own.pid() && to == self.pid(to.local()) {
            match self.get(to.local()) {
                Some(other) => own.unlink(&other),
                // The other process has ended, and its exit signal may be on its way.
                None => own.forget_link(to.local()),
            }
        }
    }

    pub(crate) fn new_reference(&self) -> MonitorRef {
        MonitorRef::new(self.references_given.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(crate) async fn monitor(&self, own: &Cell, of: Pid) -> Result<MonitorRef, Refused> {
        let reference = self.new_reference();
        let number = reference.number();
        Sender::process(own).check()?;
        // A process cannot receive the DOWN of its own end.
        if of == own.pid() {
            return Ok(reference);
        }
        if of.is_here() {
            self.monitor_here(own, of, number)?;
            return Ok(reference);
        }
        let connected = self
            .taken(Sender::process(own), Towards::Process(of), || self.try_monitor(own, of, number))
            .await?;
        if connected.is_none() {
            own.watch(number, of)?;
            own.down(number, of, Reason::Noconnection).wake();
        }
        // If this process has ended meanwhile, it monitors nothing.
        Sender::process(own).check().map(|()| reference)
    }

    fn monitor_here(&self, own: &Cell, of: Pid, reference: u64) -> Result<(), Refused> {
        own.watch(reference, of)?;
        let Some(cell) = self.get_pid(of).filter(|cell| cell.add_watcher(reference, own.local())) else {
            own.down(reference, of, Reason::noproc()).wake();
            return Ok(());
        };
        // This process may have ended between the two steps, when there was no watcher to remove yet.
        Sender::process(own).check().inspect_err(|_| cell.remove_watcher(reference))
    }

    /// Attempts to monitor a process of another node. The DOWN may arrive before this returns, so the monitor is
    /// noted before. If the attempt has to wait for room, the monitor is removed again, since the caller may stop
    /// waiting.
    fn try_monitor(&self, own: &Cell, of: Pid, reference: u64) -> Result<(), Denied> {
        own.watch(reference, of)?;
        self.remote()?.monitor(own.pid(), of, reference).inspect_err(|_| {
            own.unwatch(reference);
        })
    }

    pub(crate) fn demonitor(&self, own: &Cell, reference: MonitorRef) {
        let number = reference.number();
        let Some(of) = own.unwatch(number) else { return };
        if !of.is_here() {
            if let Ok(remote) = self.remote() {
                remote.demonitor(own.pid(), of, number);
            }
        } else if let Some(cell) = self.get_pid(of) {
            cell.remove_watcher(number);
        }
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

/// Sends a message to a process of this node, if there is one. Waits if its mailbox is full.
async fn send_here(
    from: Sender<'_>,
    find: impl FnOnce() -> Option<Arc<Cell>>,
    message: impl FnOnce() -> Message,
) -> Result<(), Refused> {
    // A process that only sends never waits for a mailbox with room, and must not keep its thread from others. The
    // budget is consumed before the message is sent, so that a sender that is dropped here has not sent it.
    coop::consume_budget().await;
    let Some(cell) = find() else { return Ok(()) };
    match try_send_here(from, cell, message)? {
        Some(wait) => wait.await,
        None => Ok(()),
    }
}

/// Sends a message at once, or returns the future that waits for room.
fn try_send_here(
    from: Sender<'_>,
    cell: Arc<Cell>,
    message: impl FnOnce() -> Message,
) -> Result<Option<Later<'_, Result<(), Refused>>>, Refused> {
    match cell.put_here(from, Received::Message(message())) {
        Ok(wakes) => {
            wakes.wake();
            Ok(None)
        }
        Err(NotPut::Full(received)) => {
            Ok(Some(Box::pin(async move { cell.put_waiting(from, received).await })))
        }
        Err(NotPut::Refused(refused)) => Err(refused),
    }
}

fn here(message: impl Payload) -> Message {
    Message::new(message.into_bytes())
}

fn term_here(term: Term) -> Message {
    let (bytes, pids) = term.into_local();
    Message::of_term(bytes.into(), pids)
}

/// Waiting for sessions.
impl ProcessTable {
    /// Repeats an attempt to send until a session accepts the message. Without a session the message is dropped.
    async fn sent(
        &self,
        from: Sender<'_>,
        towards: Towards<'_>,
        attempt: impl FnMut() -> Result<Sent, Denied>,
    ) -> Result<(), SendError> {
        match self.taken(from, towards, attempt).await? {
            Some(Sent::GoOn) => {}
            Some(Sent::MakeWay) => tokio::task::yield_now().await,
            None => {
                //= spec/session.md#ses-off-001
                //# A node MUST drop a message of its process to a pid that has no session, or to a name on a
                //# node without a session.
                self.unsent.fetch_add(1, Ordering::Relaxed);
                // A process that only sends to a lost node never waits, and must not keep its thread from others.
                coop::consume_budget().await;
            }
        }
        Ok(())
    }

    /// Repeats an attempt until a session accepts it. Returns `None` if there is no session. If the node dials when
    /// needed, a dial is made first.
    async fn taken<T>(
        &self,
        from: Sender<'_>,
        towards: Towards<'_>,
        mut attempt: impl FnMut() -> Result<T, Denied>,
    ) -> Result<Option<T>, Refused> {
        let (mut has_dialled, mut turn) = (false, None);
        loop {
            match attempt() {
                Ok(taken) => return Ok(Some(taken)),
                Err(Denied::Refused(refused)) => return Err(refused),
                Err(Denied::Full(room)) => apart(Box::pin(room.wait(&mut turn))).await,
                Err(Denied::NotConnected) if has_dialled || !from.dials() => return Ok(None),
                Err(Denied::NotConnected) => {
                    turn = None;
                    let dial = self.connections().and_then(|connections| connections.reach(towards));
                    let Some(dial) = dial else { return Ok(None) };
                    apart(dial).await;
                    has_dialled = true;
                }
            }
        }
    }
}
