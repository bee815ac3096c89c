//! The process table: numbers, names, and how a process of this node is found.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, OnceLock};

use snow_dist_codec::Pid as WirePid;

use super::cell::{Cell, Linked};
use super::cells::Cells;
use super::remote::{Connections, Denied, Remote, Room, Sent};
use super::small::NumberMap;
use super::sync::{AtomicI64, AtomicU64, Executor, Mutex, Ordering};
use super::{
    Context, Mailbox, MonitorRef, NotHere, Payload, Received, Refused, RegisterError, SendError, SpawnError,
    task,
};
use crate::core::limits::MAILBOX_REMOTE_BYTES_MAX;
use crate::core::{NodeNumber, Pid, Reason};

/// The processes of a node.
pub(crate) struct ProcessTable {
    /// The node's name, with its port.
    node: Box<str>,
    creation: u8,
    executor: Executor,
    cells: Cells,
    locals_given: AtomicU64,
    references_given: AtomicU64,
    names: Mutex<HashMap<Arc<str>, u64>>,
    /// Who monitors which node.
    node_monitors: Mutex<HashMap<Arc<str>, NumberMap<()>>>,
    /// Bytes from other nodes in all mailboxes. Reported in batches by both sides, so that it may be below zero for
    /// a moment.
    held: AtomicI64,
    dropped: AtomicU64,
    remote: OnceLock<Arc<dyn Remote>>,
    connections: OnceLock<Arc<dyn Connections>>,
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
        Arc::new(Self {
            node: node.into(),
            creation,
            executor,
            cells: Cells::new(),
            locals_given: AtomicU64::new(0),
            references_given: AtomicU64::new(0),
            names: Mutex::default(),
            node_monitors: Mutex::default(),
            held: AtomicI64::new(0),
            dropped: AtomicU64::new(0),
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

    /// Ends every process with this reason.
    pub(crate) fn doom_all(&self, reason: &Reason) {
        self.cells.for_each(|cell| cell.doom(reason.clone()).wake());
    }

    /// Takes a process that has ended out of the table.
    pub(crate) fn remove(&self, local: u64) {
        // The cell, if this is its last owner, is dropped after the lock.
        let ended = self.cells.remove(local);
        drop(ended);
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
        self.executor.start(task::Task::new(cell, start));
        Ok(pid)
    }

    /// A new process that has no task yet.
    pub(crate) fn add(self: &Arc<Self>, mailbox: Mailbox) -> Result<Arc<Cell>, SpawnError> {
        let local = self.locals_given.fetch_add(1, Ordering::Relaxed) + 1;
        if local > WirePid::LOCAL_MAX {
            return Err(SpawnError::Exhausted);
        }
        let cell = Arc::new(Cell::new(local, Arc::clone(self), mailbox));
        self.cells.insert(Arc::clone(&cell));
        Ok(cell)
    }

    fn tie(&self, tie: Tie<'_>, child: &Cell) {
        match tie {
            Tie::None => {}
            Tie::Link(parent) => match parent.link(child) {
                Linked::Yes => {}
                Linked::SelfEnded => child.exit(parent.pid(), Reason::noproc()).wake(),
                Linked::OtherEnded => parent.exit(child.pid(), Reason::noproc()).wake(),
            },
            Tie::Monitor(parent, reference) => {
                parent.watch(reference.number(), child.pid());
                if !child.add_watcher(reference.number(), parent.local()) {
                    parent.down(reference.number(), child.pid(), Reason::noproc()).wake();
                }
            }
        }
    }
}

/// Messages.
impl ProcessTable {
    pub(crate) async fn send(&self, from: Pid, to: Pid, message: impl Payload) -> Result<(), SendError> {
        if to.is_here() {
            if let Some(wait) = self.get_pid(to).and_then(|cell| send_here(cell, message)) {
                wait.await;
            }
            return Ok(());
        }
        sent(|| self.remote()?.send(from, to, message.as_slice())).await
    }

    pub(crate) async fn send_named(
        &self,
        from: Pid,
        name: &str,
        node: &str,
        message: impl Payload,
    ) -> Result<(), SendError> {
        if node == self.node() {
            if let Some(wait) = self.whereis_cell(name).and_then(|cell| send_here(cell, message)) {
                wait.await;
            }
            return Ok(());
        }
        sent(|| self.remote()?.send_named(from, node, name, message.as_slice())).await
    }

    /// The sessions.
    pub(crate) fn remote(&self) -> Result<&dyn Remote, Denied> {
        self.remote.get().map(|remote| &**remote).ok_or(Denied::NotConnected)
    }

    /// Counts a message from another node that found a mailbox full.
    pub(crate) fn count_dropped(&self, local: u64) {
        let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        // A flood of messages must not become a flood of warnings.
        if dropped.is_power_of_two() {
            tracing::warn!(process = %self.pid(local), dropped, "mailbox full: message dropped");
        }
    }

    /// Messages from other nodes that found a mailbox full and were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Notes that mailboxes hold so many more bytes from other nodes.
    pub(crate) fn hold(&self, bytes: usize) {
        self.held.fetch_add(signed(bytes), Ordering::Relaxed);
    }

    /// Notes that mailboxes hold so many bytes from other nodes less.
    pub(crate) fn release(&self, bytes: usize) {
        if bytes > 0 {
            self.held.fetch_sub(signed(bytes), Ordering::Relaxed);
        }
    }

    /// Bytes from other nodes in all mailboxes, as far as reported.
    pub(crate) fn held(&self) -> i64 {
        self.held.load(Ordering::Relaxed)
    }

    /// Whether mailboxes hold as many bytes from other nodes as they may, if `more` are added.
    pub(crate) fn is_full(&self, more: usize) -> bool {
        self.held().saturating_add(signed(more)) > signed(MAILBOX_REMOTE_BYTES_MAX)
    }
}

/// Links and monitors.
impl ProcessTable {
    pub(crate) fn kill(&self, pid: Pid) -> Result<(), NotHere> {
        if !pid.is_here() {
            return Err(NotHere(pid));
        }
        if let Some(cell) = self.get_pid(pid) {
            cell.doom(Reason::Killed).wake();
        }
        Ok(())
    }

    pub(crate) async fn link(&self, own: &Cell, to: Pid) -> Result<(), Refused> {
        if to == own.pid() {
            return Ok(());
        }
        if to.is_here() {
            self.link_here(own, to);
            return Ok(());
        }
        let connected = taken(|| self.remote()?.link(own.pid(), to)).await?;
        if connected.is_none() {
            own.exit(to, Reason::Noconnection).wake();
        }
        Ok(())
    }

    fn link_here(&self, own: &Cell, to: Pid) {
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
        // Nobody is told of one's own end.
        if of == own.pid() {
            return Ok(reference);
        }
        if of.is_here() {
            own.watch(number, of);
            if !self.get_pid(of).is_some_and(|cell| cell.add_watcher(number, own.local())) {
                own.down(number, of, Reason::noproc()).wake();
            }
            return Ok(reference);
        }
        let connected = taken(|| self.try_monitor(own, of, number)).await?;
        if connected.is_none() {
            own.watch(number, of);
            own.down(number, of, Reason::Noconnection).wake();
        }
        Ok(reference)
    }

    /// One attempt. The DOWN may come before it returns, so that the monitor must be known before; one that has to
    /// wait is not, since whoever waits may give up.
    fn try_monitor(&self, own: &Cell, of: Pid, reference: u64) -> Result<(), Denied> {
        own.watch(reference, of);
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

/// Names.
impl ProcessTable {
    pub(crate) fn register(&self, name: &str, pid: Pid) -> Result<(), RegisterError> {
        let cell = self.get_pid(pid).ok_or(RegisterError::NoProcess(pid))?;
        let name: Arc<str> = name.into();
        let mut names = self.names.lock();
        match names.entry(Arc::clone(&name)) {
            Entry::Occupied(taken) => Err(RegisterError::Taken(self.pid(*taken.get()))),
            Entry::Vacant(free) => {
                // The process's end takes the name away only if the process knows of it.
                if !cell.tie(|ties| ties.names.push(name)) {
                    return Err(RegisterError::NoProcess(pid));
                }
                free.insert(pid.local());
                Ok(())
            }
        }
    }

    pub(crate) fn unregister(&self, name: &str) -> Option<Pid> {
        let mut names = self.names.lock();
        let local = names.remove(name)?;
        if let Some(cell) = self.get(local) {
            cell.untie(|ties| ties.names.retain(|own| &**own != name));
        }
        Some(self.pid(local))
    }

    pub(crate) fn whereis(&self, name: &str) -> Option<Pid> {
        self.names.lock().get(name).map(|local| self.pid(*local))
    }

    pub(crate) fn whereis_cell(&self, name: &str) -> Option<Arc<Cell>> {
        let local = self.names.lock().get(name).copied()?;
        self.get(local)
    }

    /// Takes the names of a process that has ended.
    pub(crate) fn remove_names(&self, local: u64, of: &[Arc<str>]) {
        if of.is_empty() {
            return;
        }
        let mut names = self.names.lock();
        for name in of {
            // It may have been taken away, and given to another, since the process died.
            if names.get(name) == Some(&local) {
                names.remove(name);
            }
        }
    }
}

/// Node monitors.
impl ProcessTable {
    pub(crate) fn monitor_node(&self, own: &Cell, node: &str) {
        let node: Arc<str> = node.into();
        let mut monitors = self.node_monitors.lock();
        let here = monitors.get(&node).is_some_and(|watchers| watchers.contains_key(&own.local()));
        if !here && own.tie(|ties| ties.nodes.push(Arc::clone(&node))) {
            monitors.entry(node).or_default().insert(own.local(), ());
        }
    }

    pub(crate) fn demonitor_node(&self, own: &Cell, node: &str) {
        let mut monitors = self.node_monitors.lock();
        own.untie(|ties| ties.nodes.retain(|watched| &**watched != node));
        remove_node_monitor(&mut monitors, node, own.local());
    }

    /// Takes the node monitors of a process that has ended.
    pub(crate) fn remove_node_monitors(&self, local: u64, nodes: &[Arc<str>]) {
        if !nodes.is_empty() {
            let mut monitors = self.node_monitors.lock();
            nodes.iter().for_each(|node| remove_node_monitor(&mut monitors, node, local));
        }
    }

    /// Tells all who monitor the node that a session with it has begun.
    pub(crate) fn node_up(&self, node: &str) {
        self.node_event(node, |name| Received::NodeUp { name });
    }

    /// Tells all who monitor the node that the session with it is over.
    pub(crate) fn node_down(&self, node: &str) {
        self.node_event(node, |name| Received::NodeDown { name });
    }

    /// Whether any process monitors the node.
    #[cfg(all(test, not(feature = "shuttle")))]
    pub(crate) fn is_node_monitored(&self, node: &str) -> bool {
        self.node_monitors.lock().contains_key(node)
    }

    /// Under the lock, so that nothing comes after the monitor is removed.
    fn node_event(&self, node: &str, event: impl Fn(Arc<str>) -> Received) {
        let monitors = self.node_monitors.lock();
        if let Some((name, watchers)) = monitors.get_key_value(node) {
            for cell in watchers.keys().filter_map(|local| self.get(*local)) {
                cell.push(event(Arc::clone(name))).wake();
            }
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

fn remove_node_monitor(monitors: &mut HashMap<Arc<str>, NumberMap<()>>, node: &str, local: u64) {
    if let Some(watchers) = monitors.get_mut(node) {
        watchers.remove(&local);
        if watchers.is_empty() {
            monitors.remove(node);
        }
    }
}

/// Sends to a process of this node; gives the wait for room, if it must.
fn send_here(cell: Arc<Cell>, message: impl Payload) -> Option<Room> {
    match cell.message_here(message.into_bytes()) {
        Ok(wakes) => {
            wakes.wake();
            None
        }
        Err(bytes) => Some(Box::pin(async move { cell.message_waiting(bytes).await })),
    }
}

/// Sends until a session takes it. Without a session it is dropped.
async fn sent(attempt: impl FnMut() -> Result<Sent, Denied>) -> Result<(), SendError> {
    match taken(attempt).await? {
        Some(Sent::GoOn) => {}
        Some(Sent::MakeWay) => tokio::task::yield_now().await,
        // Nothing holds up who only sends to a lost node: it must not keep its thread from others.
        None => tokio::task::coop::consume_budget().await,
    }
    Ok(())
}

/// Tries until a session takes it. `None` if there is no session.
async fn taken<T>(mut attempt: impl FnMut() -> Result<T, Denied>) -> Result<Option<T>, Refused> {
    loop {
        match attempt() {
            Ok(taken) => return Ok(Some(taken)),
            Err(Denied::NotConnected) => return Ok(None),
            Err(Denied::Refused(refused)) => return Err(refused),
            Err(Denied::Full(room)) => room.await,
        }
    }
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[cfg(not(feature = "shuttle"))]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests run on the runtime they are in")]

    use tokio::runtime::Handle;
    use tokio::sync::Notify;

    use super::*;

    type Outcome = fn() -> Result<(), Denied>;

    /// Sessions that take a thing only when they have been told to.
    #[derive(Default)]
    struct Sessions {
        room: Arc<Notify>,
        outcome: Mutex<Option<Outcome>>,
        asked: Mutex<Vec<String>>,
    }

    impl Sessions {
        fn ask(&self, what: String) -> Result<(), Denied> {
            self.asked.lock().push(what);
            if let Some(outcome) = *self.outcome.lock() {
                return outcome();
            }
            let room = Arc::clone(&self.room);
            Err(Denied::Full(Box::pin(async move { room.notified().await })))
        }

        fn answer(&self, outcome: Outcome) {
            *self.outcome.lock() = Some(outcome);
            self.room.notify_one();
        }

        fn asked(&self) -> Vec<String> {
            std::mem::take(&mut self.asked.lock())
        }
    }

    impl Remote for Sessions {
        fn send(&self, from: Pid, to: Pid, message: &[u8]) -> Result<Sent, Denied> {
            self.ask(format!("send {from} {to} {}", message.len())).map(|()| Sent::MakeWay)
        }

        fn send_named(&self, _: Pid, node: &str, name: &str, message: &[u8]) -> Result<Sent, Denied> {
            self.ask(format!("send {name}@{node} {}", message.len())).map(|()| Sent::GoOn)
        }

        fn link(&self, _: Pid, to: Pid) -> Result<(), Denied> {
            self.ask(format!("link {to}"))
        }

        fn unlink(&self, _: Pid, to: Pid) {
            drop(self.ask(format!("unlink {to}")));
        }

        fn monitor(&self, _: Pid, to: Pid, reference: u64) -> Result<(), Denied> {
            self.ask(format!("monitor {to} {reference}"))
        }

        fn demonitor(&self, _: Pid, to: Pid, reference: u64) {
            drop(self.ask(format!("demonitor {to} {reference}")));
        }
    }

    fn far() -> Pid {
        Pid::new(NodeNumber::UNKNOWN, 1, 5)
    }

    fn table() -> (Arc<ProcessTable>, Arc<Sessions>) {
        let table = ProcessTable::new("here@h:1", 1, Executor(Handle::current()));
        let sessions = Arc::new(Sessions::default());
        table.connect(Arc::clone(&sessions) as Arc<dyn Remote>);
        (table, sessions)
    }

    #[tokio::test]
    async fn numbers_begin_with_one_and_end() {
        let (table, _) = table();
        assert_eq!(table.add(Mailbox::default()).unwrap().local(), 1);
        table.locals_given.store(WirePid::LOCAL_MAX - 1, Ordering::Relaxed);
        assert_eq!(table.add(Mailbox::default()).unwrap().local(), WirePid::LOCAL_MAX);
        for _ in 0..2 {
            assert_eq!(table.add(Mailbox::default()).unwrap_err(), SpawnError::Exhausted);
        }
    }

    #[tokio::test]
    async fn a_sender_waits_for_a_session_and_tries_again() {
        let (table, sessions) = table();
        let sending = tokio::spawn({
            let table = Arc::clone(&table);
            async move { table.send(table.pid(1), far(), "four").await }
        });
        while sessions.asked.lock().is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(!sending.is_finished());
        sessions.answer(|| Ok(()));
        sending.await.unwrap().unwrap();
        assert_eq!(sessions.asked(), ["send <0.1.1> <?.5.1> 4"; 2]);
    }

    #[tokio::test]
    async fn what_is_for_another_node_goes_to_its_session() {
        let (table, sessions) = table();
        let own = table.add(Mailbox::default()).unwrap();
        sessions.answer(|| Ok(()));
        table.send_named(own.pid(), "name", "far@h:1", "four").await.unwrap();
        table.send_named(own.pid(), "name", "here@h:1", "four").await.unwrap();
        table.link(&own, far()).await.unwrap();
        table.unlink(&own, far());
        let reference = table.monitor(&own, far()).await.unwrap();
        table.demonitor(&own, reference);
        table.demonitor(&own, reference);
        assert_eq!(
            sessions.asked(),
            [
                "send name@far@h:1 4",
                "link <?.5.1>",
                "unlink <?.5.1>",
                "monitor <?.5.1> 1",
                "demonitor <?.5.1> 1"
            ]
        );
    }

    #[tokio::test]
    async fn what_a_session_refuses_leaves_nothing_behind() {
        let (table, sessions) = table();
        let own = table.add(Mailbox::default()).unwrap();
        // Whoever gives up waiting has no monitor.
        let waiting = tokio::time::timeout(std::time::Duration::ZERO, table.monitor(&own, far())).await;
        assert!(waiting.is_err());
        sessions.answer(|| Err(Denied::Refused(Refused::TooMany { count_max: 1 })));
        let refused = Refused::TooMany { count_max: 1 };
        assert_eq!(table.monitor(&own, far()).await, Err(refused.clone()));
        assert_eq!(table.link(&own, far()).await, Err(refused));
        assert!(matches!(table.send(own.pid(), far(), "x").await, Err(SendError::Refused(_))));
        let watching = own.die(Reason::Normal).ties.watching;
        assert_eq!(watching.into_iter().count(), 0);
    }
}
