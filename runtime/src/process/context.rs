//! What a process can do.

use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use serde::Serialize;
use snow_dist_codec::NodeNameError;
use tokio::task::coop;

use super::cell::Cell;
use super::failures::Lost;
use super::mailbox::Inbox;
use super::remote::Sender;
use super::table::{EVERY_NODE, ProcessTable, Tie};
use super::term;
use super::{
    Mailbox, MonitorNodeError, MonitorRef, NotHere, Payload, Received, Refused, RegisterError, Selection,
    SendError, SpawnError,
};
use crate::core::globals::{NotRegistered, OnConflict};
use crate::core::{Pid, Reason, Term};
use crate::node::Node;

/// A process, seen from within: given by value to the function that is the process.
///
/// What it does happens in the order in which it is awaited.
///
/// A context can outlive its process if it was moved to another task. It then does nothing any more, so that whoever has
/// learned of the process's end gets nothing of it afterwards: sending, linking and monitoring answer [`Refused::Ended`],
/// [`register`](Self::register) answers [`RegisterError::NoProcess`], [`monitor_node`](Self::monitor_node)
/// [`MonitorNodeError::Ended`], and starting processes [`SpawnError::Ended`]. Receiving waits for ever, or for as long as it
/// is given. What a context does for any process of its node ([`kill`](Self::kill), [`unregister`](Self::unregister),
/// [`whereis`](Self::whereis)) goes on, as it does by its [`node`](Self::node).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use snow_dist_runtime::{Context, Node, Received};
/// use snow_dist_runtime::core::Reason;
///
/// let node = Node::alone(tokio::runtime::Handle::current());
/// let (done, is_done) = tokio::sync::oneshot::channel();
/// node.spawn(async move |mut ctx: Context| {
///     ctx.trap_exit(true);
///     let child = ctx.spawn_link(async |mut ctx: Context| {
///         let received = ctx.recv().await;
///         Err::<(), _>(format!("cannot do {received:?}"))
///     })?;
///     ctx.send(child, "this").await?;
///     done.send((child, ctx.recv().await)).map_err(|_| "nobody waits")?;
///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
/// })?;
/// let (child, received) = is_done.await?;
/// let reason = Reason::error("cannot do Message(b\"this\")");
/// assert_eq!(received, Received::Exit { from: child, reason });
/// # Ok(())
/// # }
/// ```
pub struct Context {
    cell: Arc<Cell>,
    inbox: Inbox,
}

impl Context {
    pub(crate) fn new(cell: Arc<Cell>) -> Self {
        Self { cell, inbox: Inbox::default() }
    }

    /// Who this process is.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.cell.pid()
    }

    /// The node it runs on.
    #[must_use]
    pub fn node(&self) -> Node {
        Node::of(Arc::clone(self.table()))
    }

    /// Says what this process is doing, for those who look at the processes of the node: see
    /// [`Node::processes`](crate::Node::processes). It takes the place of what was said before; an empty text says nothing. Of a
    /// text of more than [`DESCRIPTION_BYTES_MAX`](crate::core::limits::DESCRIPTION_BYTES_MAX) bytes the beginning is kept.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use snow_dist_runtime::{Context, Node};
    ///
    /// let node = Node::alone(tokio::runtime::Handle::current());
    /// let pid = node.spawn(async |mut ctx: Context| {
    ///     ctx.describe("checkout of order 17");
    ///     ctx.recv().await;
    /// })?;
    /// tokio::task::yield_now().await;
    /// let info = node.process(pid).ok_or("it lives")?;
    /// assert_eq!(info.description.as_deref(), Some("checkout of order 17"));
    /// # Ok(()) }
    /// ```
    pub fn describe(&self, text: &str) {
        self.cell.describe(text);
    }

    /// From now on this process has no node dialled, whatever the program has asked for: it is one of the node's own, which
    /// speak through sessions that are there.
    pub(crate) fn dial_nobody(&self) {
        self.cell.dial_nobody();
    }

    pub(super) fn table(&self) -> &Arc<ProcessTable> {
        self.cell.table()
    }

    pub(super) const fn cell(&self) -> &Arc<Cell> {
        &self.cell
    }

    fn sender(&self) -> Sender<'_> {
        Sender::process(&self.cell)
    }

    /// Notes that this process supervises another one of its node.
    pub(crate) fn supervise(&self, child: Pid) {
        if let Some(cell) = self.table().get_pid(child) {
            cell.tie(|ties| ties.supervisor = Some(self.cell.local()));
        }
    }

    /// Tells the operator that something sent to this process has come to nothing.
    pub(crate) fn tell_of_lost(&self, error: &dyn fmt::Display, what: Lost) {
        self.table().tell_of_lost(self.pid(), error, what);
    }

    fn check_spawns(&self) -> Result<(), SpawnError> {
        self.sender().check().map_err(|_| SpawnError::Ended)
    }
}

/// Receiving.
impl Context {
    /// The next thing in the mailbox. Nothing is lost if this is dropped before it is ready. It is never ready again once
    /// this process has ended, which only a context that outlives it can wait for.
    pub fn recv(&mut self) -> impl Future<Output = Received> + Send {
        self.recv_where(|_| true)
    }

    /// Receives the first thing in the mailbox that is wanted; what is not stays there, in its place. The condition is called
    /// once for each thing: when something arrives meanwhile, the search goes on there. Nothing is lost if this is dropped
    /// before it is ready, and the next call begins at the front again; [`recv_selected`](Self::recv_selected) does not.
    pub fn recv_where(
        &mut self,
        mut wanted: impl FnMut(&Received) -> bool + Send,
    ) -> impl Future<Output = Received> + Send {
        let mut looked_at = 0;
        poll_fn(move |cx| self.poll_recv(cx, |inbox| inbox.take(&mut looked_at, &mut wanted)))
    }

    /// Receives the first thing in the mailbox that `selection` wants and has not passed over yet; else as
    /// [`recv_where`](Self::recv_where). However often this is called or dropped, the condition is called once for each
    /// thing.
    pub fn recv_selected<F: FnMut(&Received) -> bool + Send>(
        &mut self,
        selection: &mut Selection<F>,
    ) -> impl Future<Output = Received> + Send {
        let (look, wanted) = selection.parts();
        poll_fn(move |cx| self.poll_recv(cx, |inbox| inbox.take_selected(look, &mut *wanted)))
    }

    /// Selects what `wanted` says from what arrives from now on, and nothing of what is in the mailbox already.
    pub fn select_from_now<F: FnMut(&Received) -> bool>(&mut self, wanted: F) -> Selection<F> {
        let mut selection = Selection::new(wanted);
        self.cell.gather(&mut self.inbox);
        self.inbox.pass_over_all(selection.parts().0);
        selection
    }

    /// Waits for [`recv`](Self::recv), for at most so long.
    pub async fn recv_timeout(&mut self, longest: Duration) -> Option<Received> {
        self.recv_where_timeout(|_| true, longest).await
    }

    /// Waits for [`recv_where`](Self::recv_where), for at most so long.
    pub async fn recv_where_timeout(
        &mut self,
        wanted: impl FnMut(&Received) -> bool + Send,
        longest: Duration,
    ) -> Option<Received> {
        let table = Arc::clone(self.table());
        table.executor().at_most(longest, self.recv_where(wanted)).await
    }

    /// Waits for [`recv_selected`](Self::recv_selected), for at most so long.
    pub async fn recv_selected_timeout<F: FnMut(&Received) -> bool + Send>(
        &mut self,
        selection: &mut Selection<F>,
        longest: Duration,
    ) -> Option<Received> {
        let table = Arc::clone(self.table());
        table.executor().at_most(longest, self.recv_selected(selection)).await
    }

    fn poll_recv(
        &mut self,
        cx: &mut TaskContext<'_>,
        mut take: impl FnMut(&mut Inbox) -> Option<Received>,
    ) -> Poll<Received> {
        // A process whose mailbox is never empty lets others run, and sees that it is doomed.
        let turn = ready!(coop::poll_proceed(cx));
        loop {
            if let Some(received) = take(&mut self.inbox) {
                turn.made_progress();
                self.cell.has_received(&received, &mut self.inbox);
                return Poll::Ready(received);
            }
            if !self.cell.refill(&mut self.inbox, cx) {
                return Poll::Pending;
            }
        }
    }
}

/// Sending.
impl Context {
    /// Sends a message. Waits while the receiver's bounded mailbox, or the session's queue, is full; then what is
    /// still waiting when it is dropped is not sent. A message to a process that is not there is dropped.
    ///
    /// # Errors
    /// Returns [`SendError::Refused`] if the other node does not take it, or this process has ended.
    pub async fn send(&self, to: Pid, message: impl Payload) -> Result<(), SendError> {
        self.table().send(self.sender(), to, message).await
    }

    /// Sends a value as a term (STF); else as [`send`](Self::send). A [`Pid`] in it arrives as that of the same process,
    /// or as one of an unknown node if the session cannot name that process's node (capability `node_table`).
    ///
    /// Between processes of a node, and in a session with the capability `terms_2`, it can be one of the second kind
    /// ([`stf::Terms`](crate::codec::stf::Terms)): bytes, and integers from 2^63 on, are refused elsewhere, by an error that names
    /// the capability and the other node. Struct variants go with their fields' names there, and without them elsewhere.
    ///
    /// The receiver is told that it is a term ([`Message::is_term`](super::Message::is_term)) if the session can say so
    /// (capability `send_term`); in others it is a message like any other.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`SendError::Term`]: the value cannot be written as a term, or has a pid of the codec in
    /// it; [`Refused::NotInSession`]: it has pids, and the session cannot say that it is a term.
    pub async fn send_term(&self, to: Pid, value: &(impl Serialize + ?Sized)) -> Result<(), SendError> {
        self.table().send_term(self.sender(), to, term::write(value)?).await
    }

    /// Sends a term that is written already; else as [`send_term`](Self::send_term). For programs whose values are not
    /// those of serde.
    ///
    /// # Errors
    /// As [`send_term`](Self::send_term), except for [`SendError::Term`].
    pub async fn send_written_term(&self, to: Pid, term: Term) -> Result<(), SendError> {
        self.table().send_term(self.sender(), to, term).await
    }

    /// Sends a message to whoever is registered under `name` on a node; else as [`send`](Self::send). A missing port in
    /// the node's name is 9000.
    ///
    /// # Errors
    /// Returns [`SendError::Node`] if `node` is not a node name; otherwise as [`send`](Self::send).
    pub async fn send_named(&self, name: &str, node: &str, message: impl Payload) -> Result<(), SendError> {
        self.table().send_named(self.sender(), name, node, message).await
    }

    /// Sends a value as a term (STF) to whoever is registered under `name` on a node; else as
    /// [`send_named`](Self::send_named). Its receiver knows that it is a term if the session has the capability `names`.
    ///
    /// # Errors
    /// As [`send_term`](Self::send_term); [`SendError::Node`]: `node` is not a node name; [`Refused::NotInSession`]: the
    /// value has pids, and the session with that node lacks the capability `names`.
    pub async fn send_named_term(
        &self,
        name: &str,
        node: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), SendError> {
        self.send_named_written_term(name, node, term::write(value)?).await
    }

    /// Sends a term that is written already to whoever is registered under `name` on a node; else as
    /// [`send_named_term`](Self::send_named_term).
    ///
    /// # Errors
    /// As [`send_named_term`](Self::send_named_term), except for [`SendError::Term`].
    pub async fn send_named_written_term(&self, name: &str, node: &str, term: Term) -> Result<(), SendError> {
        self.table().send_named_term(self.sender(), name, node, term).await
    }
}

/// Links and exits.
impl Context {
    /// Links this process and another: the end of one is an exit signal for the other. If there is no such
    /// process, or no session with its node, the exit signal comes at once. A link to oneself is nothing.
    ///
    /// # Errors
    /// Returns [`Refused::TooMany`] if the other node carries no more links, [`Refused::NotInVersion`] if it speaks version 1
    /// and cannot be asked yet, and [`Refused::Ended`] if this process has ended.
    pub async fn link(&self, to: Pid) -> Result<(), Refused> {
        self.table().link(&self.cell, to).await
    }

    /// Ends a link, if there is one. Once this has returned, no exit signal of it comes; one that is in the mailbox
    /// already stays there.
    pub fn unlink(&self, from: Pid) {
        self.table().unlink(&self.cell, from);
    }

    /// Sets whether exit signals become messages, whatever their reason; gives what was set. Otherwise a reason other
    /// than Normal and Shutdown ends this process.
    pub fn trap_exit(&self, trap: bool) -> bool {
        self.cell.trap_exit(trap)
    }

    /// Ends this process.
    pub async fn exit(&self, reason: Reason) -> ! {
        self.doom(reason);
        pending().await
    }

    pub(crate) fn doom(&self, reason: Reason) {
        self.cell.doom(reason).wake();
    }

    /// Sends a process an exit signal, linked or not. It ends the process unless that traps exits, or the reason is
    /// [`Reason::Normal`] or [`Reason::Shutdown`]; then the process receives it as [`Received::Exit`]. So does a process
    /// of any node that traps exits with [`Reason::Killed`]: what cannot be trapped is [`kill`](Self::kill). Waits as
    /// [`send`](Self::send). A signal to a process that is not there, or with whose node there is no session, is
    /// dropped.
    ///
    /// # Errors
    /// [`Refused::NotInSession`]: one of the two nodes does not let the other send exit signals
    /// ([`NodeBuilder::remote_exit`](crate::NodeBuilder::remote_exit)). Never for a process of this node.
    /// [`Refused::Ended`]: this process has ended.
    pub async fn send_exit(&self, to: Pid, reason: Reason) -> Result<(), Refused> {
        self.table().send_exit(&self.cell, to, reason).await
    }

    /// Kills a process of this node. It cannot trap that; what is linked to it sees [`Reason::Killed`].
    ///
    /// # Errors
    /// The process runs on another node.
    pub fn kill(&self, pid: Pid) -> Result<(), NotHere> {
        self.table().kill(pid)
    }
}

/// Monitors.
impl Context {
    /// Monitors a process: its end becomes one [`Received::Down`]. If there is no such process, or no session with
    /// its node, that comes at once. A process's monitor of itself never ends.
    ///
    /// # Errors
    /// Returns [`Refused::TooMany`] if the other node carries no more monitors, [`Refused::NotInVersion`] if it speaks
    /// version 1 and cannot be asked yet, and [`Refused::Ended`] if this process has ended.
    pub async fn monitor(&self, of: Pid) -> Result<MonitorRef, Refused> {
        self.table().monitor(&self.cell, of).await
    }

    /// Ends a monitor, if it is not over. Once this has returned, its DOWN does not come; one that is in the mailbox
    /// already stays there.
    pub fn demonitor(&self, reference: MonitorRef) {
        self.table().demonitor(&self.cell, reference);
    }

    /// [`demonitor`](Self::demonitor), and takes the DOWN out of the mailbox if it is there already.
    pub fn demonitor_flush(&mut self, reference: MonitorRef) {
        self.demonitor(reference);
        let is_its_down = |received: &Received| matches!(received, Received::Down { reference: of, .. } if *of == reference);
        self.cell.remove_if(&mut self.inbox, is_its_down);
    }

    /// Receives [`Received::NodeUp`] and [`Received::NodeDown`] from now on when a session with the node begins and
    /// ends. Monitoring a node twice is monitoring it once.
    ///
    /// # Errors
    /// Returns [`MonitorNodeError`] if `name` is not a node name, or if this process has ended.
    pub fn monitor_node(&self, name: &str) -> Result<(), MonitorNodeError> {
        let is_monitored = self.table().monitor_node(&self.cell, &self.table().completed(name)?);
        if is_monitored { Ok(()) } else { Err(MonitorNodeError::Ended) }
    }

    /// Receives [`Received::NodeUp`] and [`Received::NodeDown`] from now on when a session with any node begins and ends,
    /// whoever has dialled. A node that [`monitor_node`](Self::monitor_node) names as well has one event all the same.
    ///
    /// Of sessions that are up already, [`Node::nodes`] tells: called after this, it misses none.
    ///
    /// # Errors
    /// Returns [`MonitorNodeError::Ended`] if this process has ended.
    pub fn monitor_nodes(&self) -> Result<(), MonitorNodeError> {
        let is_monitored = self.table().monitor_node(&self.cell, EVERY_NODE);
        if is_monitored { Ok(()) } else { Err(MonitorNodeError::Ended) }
    }

    /// Ends what [`monitor_nodes`](Self::monitor_nodes) has begun. Nodes that [`monitor_node`](Self::monitor_node) names stay
    /// monitored, and events that are in the mailbox already stay there.
    pub fn demonitor_nodes(&self) {
        self.table().demonitor_node(&self.cell, EVERY_NODE);
    }

    /// Stops monitoring a node. Events that are in the mailbox already stay there.
    ///
    /// # Errors
    /// Returns [`NodeNameError`] if `name` is not a node name.
    pub fn demonitor_node(&self, name: &str) -> Result<(), NodeNameError> {
        self.table().demonitor_node(&self.cell, &self.table().completed(name)?);
        Ok(())
    }
}

/// Starting processes.
impl Context {
    /// Starts a process on this node.
    ///
    /// # Errors
    /// Returns [`SpawnError`] if no process can be started any more, or this one has ended.
    pub fn spawn<F, Fut>(&self, start: F) -> Result<Pid, SpawnError>
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.check_spawns()?;
        self.table().spawn(Mailbox::default(), Tie::None, start)
    }

    /// Starts a process that is linked to this one before it runs.
    ///
    /// # Errors
    /// Returns [`SpawnError`] if no process can be started any more, or this one has ended.
    pub fn spawn_link<F, Fut>(&self, start: F) -> Result<Pid, SpawnError>
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.check_spawns()?;
        self.table().spawn(Mailbox::default(), Tie::Link(&self.cell), start)
    }

    /// Starts a process that this one monitors before it runs.
    ///
    /// # Errors
    /// Returns [`SpawnError`] if no process can be started any more, or this one has ended.
    pub fn spawn_monitor<F, Fut>(&self, start: F) -> Result<(Pid, MonitorRef), SpawnError>
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.spawn_monitor_with(Mailbox::default(), start)
    }

    /// [`spawn_monitor`](Self::spawn_monitor) with a mailbox of one's choice.
    ///
    /// # Errors
    /// As [`spawn_monitor`](Self::spawn_monitor).
    pub fn spawn_monitor_with<F, Fut>(
        &self,
        mailbox: Mailbox,
        start: F,
    ) -> Result<(Pid, MonitorRef), SpawnError>
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.check_spawns()?;
        let reference = self.table().new_reference();
        let pid = self.table().spawn(mailbox, Tie::Monitor(&self.cell, reference), start)?;
        Ok((pid, reference))
    }
}

/// Names.
impl Context {
    /// Registers this process under a name on this node, until it ends, as [`Node::register`](crate::Node::register) does.
    ///
    /// # Errors
    /// Returns [`RegisterError::Taken`] if the name is taken, [`RegisterError::TooLong`] if it is too long, and
    /// [`RegisterError::NoProcess`] if this process has ended.
    pub fn register(&self, name: &str) -> Result<(), RegisterError> {
        self.table().register(name, self.pid())
    }

    /// Takes a name away from whoever has it; gives who had it. The name `groups` stays with the server of the
    /// node's groups while that runs, and the answer is `None`.
    pub fn unregister(&self, name: &str) -> Option<Pid> {
        self.table().unregister(name)
    }

    /// Registers this process under a name that holds for all nodes, until it ends: see
    /// [`Node::register_global`](crate::Node::register_global).
    ///
    /// # Errors
    /// Returns [`NotRegistered`] if a process is known that has the name, if the name is too long or one too many, or if
    /// this process has ended.
    pub fn register_global(&self, name: &str, on_conflict: OnConflict) -> Result<(), NotRegistered> {
        self.table().register_global(name, self.pid(), on_conflict)
    }

    /// Takes a global name of this node back, as [`Node::unregister_global`](crate::Node::unregister_global) does.
    pub fn unregister_global(&self, name: &str) -> Option<Pid> {
        self.table().unregister_global(name)
    }

    /// Returns the process that has a global name, as [`Node::whereis_global`](crate::Node::whereis_global) does.
    #[must_use]
    pub fn whereis_global(&self, name: &str) -> Option<Pid> {
        self.table().whereis_global(name)
    }

    /// Who is registered under a name on this node.
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.table().whereis(name)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Context").field(&self.pid()).finish()
    }
}
