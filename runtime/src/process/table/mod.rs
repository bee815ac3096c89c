//! The process table: numbers, and how a process of this node is found, sent to, linked and monitored.

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
    SpawnError, task,
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
    /// No process is started any more.
    closed: AtomicBool,
    /// The node stops: that its processes end is no failure of theirs.
    stopped: AtomicBool,
    /// Says that a process has ended, once none is started any more.
    ends: watch::Sender<()>,
    /// Processes that are no longer here, and of whose end not all have been told.
    ends_untold: AtomicU64,
    references_given: AtomicU64,
    names: Mutex<HashMap<Arc<str>, u64>>,
    globals: Mutex<Globals>,
    /// Who monitors which node.
    node_monitors: Mutex<HashMap<Arc<str>, NumberMap<()>>>,
    /// The groups, once the program has asked for them.
    groups: Mutex<Option<Arc<SharedGroups>>>,
    shares: Shares,
    dropped: AtomicU64,
    unsent: AtomicU64,
    nameless: AtomicU64,
    failures: Failures,
    functions: Arc<Functions>,
    remote: OnceLock<Arc<dyn Remote>>,
    connections: OnceLock<Arc<dyn Connections>>,
}

/// What other nodes may make a table hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TableLimits {
    /// Bytes that its mailboxes hold from other nodes.
    pub(crate) mailbox_remote_bytes: usize,
    /// Processes that one of them may have started here.
    pub(crate) processes_per_peer: usize,
    /// The same of all of them together.
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

/// How a new process and the one that starts it are tied to each other, before it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tie<'p> {
    None,
    Link(&'p Cell),
    Monitor(&'p Cell, MonitorRef),
}

impl ProcessTable {
    /// The table of a node that is connected to nothing.
    pub(crate) fn new(node: &str, creation: u8, executor: Executor) -> Arc<Self> {
        Self::with_limits(node, creation, executor, TableLimits::default())
    }

    /// The same, with other limits.
    pub(crate) fn with_limits(
        node: &str,
        creation: u8,
        executor: Executor,
        limits: TableLimits,
    ) -> Arc<Self> {
        // One that gives this creation: without connections it is compared with nobody's.
        let incarnation = NonZeroU64::new(u64::from(creation) + 254).unwrap_or(NonZeroU64::MIN);
        Self::of_start(&Start { name: node.into(), incarnation }, executor, limits)
    }

    /// The table of this start of a node.
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
            functions: Arc::new(Functions::new(limits.processes_per_peer, limits.processes_of_peers)),
            remote: OnceLock::new(),
            connections: OnceLock::new(),
        })
    }

    /// Lends it the way to other nodes, once.
    pub(crate) fn connect(&self, remote: Arc<dyn Remote>) {
        drop(self.remote.set(remote));
    }

    /// Gives it the node's connections, once: they last as long as it does.
    pub(crate) fn set_connections(&self, connections: Arc<dyn Connections>) {
        drop(self.connections.set(connections));
    }

    /// The node's connections; none if it is alone.
    pub(crate) fn connections(&self) -> Option<&dyn Connections> {
        self.connections.get().map(|connections| &**connections)
    }

    /// The node's name, with its port.
    pub(crate) const fn node(&self) -> &str {
        &self.node
    }

    /// A node's name as it is announced and compared, with its port.
    pub(crate) fn completed<'n>(&self, name: &'n str) -> Result<Cow<'n, str>, NodeNameError> {
        if *name == *self.node {
            // Also that of a node without a name.
            return Ok(name.into());
        }
        let parsed = NodeName::parse(name)?;
        Ok(if parsed.has_port() { name.into() } else { parsed.completed().into() })
    }

    /// Where the groups are, once there are any.
    pub(crate) const fn groups(&self) -> &Mutex<Option<Arc<SharedGroups>>> {
        &self.groups
    }

    /// What starts its processes, and has their timers.
    pub(crate) const fn executor(&self) -> &Executor {
        &self.executor
    }

    /// The process of this node with that number.
    pub(crate) fn pid(&self, local: u64) -> Pid {
        Pid::new(NodeNumber::HERE, self.creation, local)
    }

    /// The process with that number, if it has not ended.
    pub(crate) fn get(&self, local: u64) -> Option<Arc<Cell>> {
        self.cells.get(local)
    }

    /// A process of this node, if it has not ended. A pid of another creation is that of a dead process.
    pub(crate) fn get_pid(&self, pid: Pid) -> Option<Arc<Cell>> {
        if pid == self.pid(pid.local()) { self.get(pid.local()) } else { None }
    }

    /// How many processes there are.
    pub(crate) fn count(&self) -> usize {
        self.cells.count()
    }

    /// Starts no process any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Starts no process any more, and tells of no end: the node stops.
    pub(crate) fn stop(&self) {
        self.close();
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// Ends every process, after [`ProcessTable::stop`].
    pub(crate) fn end_all(&self) {
        self.cells.for_each(|cell| cell.doom(Reason::Shutdown).wake());
    }

    /// Tells the operator of a process's end if it has failed. Of a node that stops, whose sessions end before its
    /// processes, nothing is told.
    pub(crate) fn tell_of_end(&self, local: u64, names: &[Arc<str>], doom: &Doom) {
        if !self.stopped.load(Ordering::SeqCst) {
            self.failures.ended(self.pid(local), names, doom);
        }
    }

    /// Tells the operator that something of a process's messages has come to nothing, by this error.
    pub(crate) fn tell_of_lost(&self, process: Pid, error: &dyn fmt::Display, what: Lost) {
        self.failures.lost(process, error, what);
    }

    /// How many processes have ended, and how.
    pub(crate) fn end_counts(&self) -> EndCounts {
        self.failures.counts()
    }

    /// How many processes were started.
    pub(crate) fn started(&self) -> u64 {
        self.locals_given.load(Ordering::Relaxed)
    }

    /// For how long the node has been there.
    pub(crate) fn up_for(&self) -> Duration {
        self.failures.since()
    }

    /// Shows each process to a function, with no lock held.
    pub(crate) fn for_each(&self, see: impl FnMut(&Cell)) {
        self.cells.for_each(see);
    }

    /// Takes a process that has ended out of the table.
    pub(crate) fn remove(&self, local: u64) {
        // The cell, if this is its last owner, is dropped after the lock.
        let ended = self.cells.remove(local);
        drop(ended);
    }

    /// A process is about to go, and others are to be told.
    pub(crate) fn end_begins(&self) {
        self.ends_untold.fetch_add(1, Ordering::SeqCst);
    }

    /// All have been told of the end of a process.
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

    /// A new process that has no task yet.
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
        self.cells.insert(Arc::clone(&cell));
        // The node may have been stopped, and all others told to end, before this one was among them.
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
            // If the parent ends meanwhile, nothing is monitored.
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

    /// What its mailboxes keep for other nodes, and who may have how much of it.
    pub(crate) const fn shares(&self) -> &Shares {
        &self.shares
    }

    /// Counts a message or signal from another node for which there was no room.
    pub(crate) fn count_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a message from another node to a name that nobody has.
    pub(crate) fn count_nameless(&self) {
        self.nameless.fetch_add(1, Ordering::Relaxed);
    }

    /// Messages from other nodes to names that nobody had.
    pub(crate) fn nameless(&self) -> u64 {
        self.nameless.load(Ordering::Relaxed)
    }

    /// Messages from other nodes that found a mailbox full and were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Messages to other nodes that were dropped because there was no session.
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
        // Then nothing is linked: a session has asked whether this process lives, and so has the other.
        Sender::process(own).check()
    }

    fn link_here(&self, own: &Cell, to: Pid) {
        if to == own.pid() {
            return;
        }
        let linked = match self.get_pid(to) {
            Some(other) => own.link(&other),
            // It has ended; the exit signal of a link that is there is on its way.
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
                // It has ended; its exit signal may be on its way.
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
        // Nobody is told of one's own end.
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
        // If it has ended meanwhile, nothing monitors any more.
        Sender::process(own).check().map(|()| reference)
    }

    fn monitor_here(&self, own: &Cell, of: Pid, reference: u64) -> Result<(), Refused> {
        own.watch(reference, of)?;
        let Some(cell) = self.get_pid(of).filter(|cell| cell.add_watcher(reference, own.local())) else {
            own.down(reference, of, Reason::noproc()).wake();
            return Ok(());
        };
        // Its end may have come between the two, and have found nothing to take away.
        Sender::process(own).check().inspect_err(|_| cell.remove_watcher(reference))
    }

    /// One attempt. The DOWN may come before it returns, so that the monitor must be known before; one that has to
    /// wait is not, since whoever waits may give up.
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

/// Sends to a process of this node, if there is one; waits if its mailbox is full.
async fn send_here(
    from: Sender<'_>,
    find: impl FnOnce() -> Option<Arc<Cell>>,
    message: impl FnOnce() -> Message,
) -> Result<(), Refused> {
    // No mailbox may hold up who only sends: it must not keep its thread from others. Before the message is sent, so
    // that whoever gives up here has not sent it.
    coop::consume_budget().await;
    let Some(cell) = find() else { return Ok(()) };
    match try_send_here(from, cell, message)? {
        Some(wait) => wait.await,
        None => Ok(()),
    }
}

/// Sends at once, or gives the wait for room.
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
    /// Sends until a session takes it. Without a session it is dropped.
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
                //# A node that has no session for the pid, or none with the node, to which its process sends MUST
                //# drop the message.
                self.unsent.fetch_add(1, Ordering::Relaxed);
                // Nothing holds up who only sends to a lost node: it must not keep its thread from others.
                coop::consume_budget().await;
            }
        }
        Ok(())
    }

    /// Tries until a session takes it. `None` if there is no session, nor one after a dial, where the node dials for that.
    async fn taken<T>(
        &self,
        from: Sender<'_>,
        towards: Towards<'_>,
        mut attempt: impl FnMut() -> Result<T, Denied>,
    ) -> Result<Option<T>, Refused> {
        let mut has_dialled = false;
        loop {
            match attempt() {
                Ok(taken) => return Ok(Some(taken)),
                Err(Denied::Refused(refused)) => return Err(refused),
                Err(Denied::Full(room)) => apart(room).await,
                Err(Denied::NotConnected) if has_dialled || !from.dials() => return Ok(None),
                Err(Denied::NotConnected) => {
                    let dial = self.connections().and_then(|connections| connections.reach(towards));
                    let Some(dial) = dial else { return Ok(None) };
                    apart(dial).await;
                    has_dialled = true;
                }
            }
        }
    }
}
