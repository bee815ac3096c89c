//! The context of a process: everything that a process can do.

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
use super::recent::Recent;
use super::remote::Sender;
use super::table::{EVERY_NODE, ProcessTable, Tie};
use super::term;
use super::{
    Mailbox, MonitorNodeError, MonitorRef, NotHere, Payload, Received, Refused, RegisterError, Selection,
    SendError, SpawnError, Supervision,
};
use crate::core::globals::{NotRegistered, OnConflict};
use crate::core::{Pid, Reason, Term};
use crate::node::Node;

/// The handle through which a process receives, sends, and carries out all its other actions. The function that a
/// process runs receives its context by value.
///
/// Actions of one process happen in the order in which they are awaited.
///
/// A context that was moved to another task can outlive its process. Such a context can no longer act for the process,
/// so a process that has learned of the end receives nothing more from the process that has ended. The methods of such
/// a context behave as follows:
///
/// - Methods that send, call, link, monitor or set a timer return an error with [`Refused::Ended`].
/// - [`register`](Self::register) returns [`RegisterError::NoProcess`], [`register_global`](Self::register_global)
///   returns [`NotRegistered::NoProcess`], [`monitor_node`](Self::monitor_node) returns [`MonitorNodeError::Ended`],
///   and [`spawn`](Self::spawn) returns [`SpawnError::Ended`].
/// - Methods that receive wait for ever, or until the given time is up.
/// - Methods that act on any process of the node ([`kill`](Self::kill), [`unregister`](Self::unregister),
///   [`whereis`](Self::whereis)) still work, and so do all methods of its [`node`](Self::node).
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
    recent: Recent,
}

impl Context {
    pub(crate) fn new(cell: Arc<Cell>) -> Self {
        Self { cell, inbox: Inbox::default(), recent: Recent::default() }
    }

    /// Returns the pid of this process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.cell.pid()
    }

    /// Returns the node on which this process runs. The returned handle keeps the node alive.
    #[must_use]
    pub fn node(&self) -> Node {
        Node::of(Arc::clone(self.table()))
    }

    /// Sets a description of what this process is doing, which [`Node::processes`](crate::Node::processes) shows. The
    /// text replaces the previous description. An empty text removes the description. A text of more than
    /// [`DESCRIPTION_BYTES_MAX`](crate::core::limits::DESCRIPTION_BYTES_MAX) bytes (255) is cut to that length.
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

    /// Stops this process from having nodes dialled, whatever the program has configured. The node's own processes
    /// use this: they only speak through sessions that already exist.
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
        Sender::process(&self.cell).keeping(&self.recent)
    }

    /// Records that this process supervises another process of its node.
    pub(crate) fn supervise(&self, child: Pid) {
        if let Some(cell) = self.table().get_pid(child) {
            cell.tie(|ties| ties.supervisor = Some(self.cell.local()));
        }
    }

    /// Returns the counters of the supervisors of this node.
    pub(crate) fn supervision(&self) -> &Arc<Supervision> {
        self.table().supervision()
    }

    /// Logs that something sent to this process was lost.
    pub(crate) fn tell_of_lost(&self, error: &dyn fmt::Display, what: Lost) {
        self.table().tell_of_lost(self.pid(), error, what);
    }

    fn check_spawns(&self) -> Result<(), SpawnError> {
        self.sender().check().map_err(|_| SpawnError::Ended)
    }
}

/// Methods to receive.
impl Context {
    /// Waits for the next item in the mailbox, removes it, and returns it.
    ///
    /// Nothing is lost if the future is dropped before it is ready. If the context has outlived its process, the
    /// future never becomes ready.
    pub fn recv(&mut self) -> impl Future<Output = Received> + Send {
        poll_fn(|cx| self.poll_recv(cx, Inbox::take_first))
    }

    /// Waits for an item for which `wanted` returns `true`, removes it from the mailbox, and returns it. If there are
    /// several such items, the result is the first one. All other items keep their places in the mailbox.
    ///
    /// One call examines each item once: items that arrive during the wait are examined when they arrive. Nothing is
    /// lost if the future is dropped before it is ready. The next call starts at the front of the mailbox again;
    /// [`recv_selected`](Self::recv_selected) resumes where the last call has stopped.
    pub fn recv_where(
        &mut self,
        mut wanted: impl FnMut(&Received) -> bool + Send,
    ) -> impl Future<Output = Received> + Send {
        let mut looked_at = 0;
        poll_fn(move |cx| self.poll_recv(cx, |inbox| inbox.take(&mut looked_at, &mut wanted)))
    }

    /// Waits for an item that `selection` wants, removes it from the mailbox, and returns it. Items that the
    /// selection has examined before are not examined again.
    ///
    /// This method otherwise works like [`recv_where`](Self::recv_where). The condition of the selection is called
    /// once for each item, even if this method is called several times or its future is dropped.
    pub fn recv_selected<F: FnMut(&Received) -> bool + Send>(
        &mut self,
        selection: &mut Selection<F>,
    ) -> impl Future<Output = Received> + Send {
        let (look, wanted) = selection.parts();
        poll_fn(move |cx| self.poll_recv(cx, |inbox| inbox.take_selected(look, &mut *wanted)))
    }

    /// Returns a selection that applies `wanted` to items that arrive from now on, and ignores everything already
    /// in the mailbox.
    pub fn select_from_now<F: FnMut(&Received) -> bool>(&mut self, wanted: F) -> Selection<F> {
        let mut selection = Selection::new(wanted);
        self.cell.gather(&mut self.inbox);
        self.inbox.pass_over_all(selection.parts().0);
        selection
    }

    /// Receives the next item as [`recv`](Self::recv) does, or returns `None` if nothing arrives within `longest`.
    pub async fn recv_timeout(&mut self, longest: Duration) -> Option<Received> {
        self.recv_where_timeout(|_| true, longest).await
    }

    /// Receives an item as [`recv_where`](Self::recv_where) does, or returns `None` if no wanted item arrives within
    /// `longest`.
    pub async fn recv_where_timeout(
        &mut self,
        wanted: impl FnMut(&Received) -> bool + Send,
        longest: Duration,
    ) -> Option<Received> {
        let table = Arc::clone(self.table());
        table.executor().at_most(longest, self.recv_where(wanted)).await
    }

    /// Receives an item as [`recv_selected`](Self::recv_selected) does, or returns `None` if no wanted item arrives
    /// within `longest`.
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
        // One that finds nothing has had no turn.
        if self.inbox.is_empty() && !self.refill(cx) {
            return Poll::Pending;
        }
        // A process whose mailbox is never empty lets others run, and sees that it is doomed.
        let turn = ready!(coop::poll_proceed(cx));
        loop {
            if let Some(received) = take(&mut self.inbox) {
                turn.made_progress();
                self.cell.has_received(received.takes_a_place(), &mut self.inbox);
                return Poll::Ready(received);
            }
            if !self.refill(cx) {
                return Poll::Pending;
            }
        }
    }

    /// Refills the inbox. Returns `false` if the process has to wait.
    #[inline]
    fn refill(&mut self, cx: &TaskContext<'_>) -> bool {
        let refilled = self.cell.refill(&mut self.inbox, cx);
        if !refilled {
            self.recent.forget_ended();
        }
        refilled
    }
}

/// Methods to send.
impl Context {
    /// Sends a message to a process of this node or of another one.
    ///
    /// For a receiver on this node, the method waits while the mailbox is full, which only a
    /// [bounded](Mailbox::bounded) mailbox can be. For a receiver on another node, it waits while the queue of the
    /// session is full. If the future is dropped while it waits, the message is not sent. A message to a process that
    /// does not exist, or to a node without a session, is dropped without an error.
    ///
    /// # Errors
    /// Returns [`SendError::Refused`] if the other node does not accept the message, for example because it is too
    /// long, or if this process has ended.
    pub fn send(&self, to: Pid, message: impl Payload) -> impl Future<Output = Result<(), SendError>> {
        self.table().send(self.sender(), to, message)
    }

    /// Sends a value as a term (STF) to a process of this node or of another one.
    ///
    /// This method otherwise behaves like [`send`](Self::send). A [`Pid`] in the value arrives as the pid of the same
    /// process. If that process is on a third node that the session cannot name (capability `node_table`), the pid
    /// arrives as the pid of an unknown node.
    ///
    /// Between processes of one node, and in a session with the capability `terms_2`, terms of the second kind
    /// ([`stf::Terms`](crate::codec::stf::Terms)) can be sent. In other sessions, values with byte strings or with
    /// integers of 2^63 or more are refused, with an error that names the capability and the other node. Struct
    /// variants contain the names of their fields in terms of the second kind only.
    ///
    /// The names of structs with named fields, and of enums, are part of the term. Before nodes of different versions
    /// of a program run together, read the table of changes in [`stf`](crate::codec::stf), "Changing types".
    ///
    /// The receiver learns that the message is a term ([`Message::is_term`](super::Message::is_term)) if the session
    /// has the capability `send_term`. In other sessions the message arrives without that mark.
    ///
    /// # Errors
    /// Returns an error as [`send`](Self::send) does, and also:
    ///
    /// - [`SendError::Term`] if the value cannot be written as a term, or contains a pid of the codec;
    /// - [`Refused::NotInSession`] if the value contains pids and the session lacks the capability `send_term`, or if
    ///   only a term of the second kind can hold the value and the session lacks `send_term` or `terms_2`.
    pub async fn send_term(&self, to: Pid, value: &(impl Serialize + ?Sized)) -> Result<(), SendError> {
        self.table().send_term(self.sender(), to, term::write(value)?).await
    }

    /// Sends a term that is already written to a process, for programs whose values are not serde values.
    ///
    /// This method otherwise behaves like [`send_term`](Self::send_term).
    ///
    /// # Errors
    /// Returns an error as [`send_term`](Self::send_term) does, except for [`SendError::Term`].
    pub async fn send_written_term(&self, to: Pid, term: Term) -> Result<(), SendError> {
        self.table().send_term(self.sender(), to, term).await
    }

    /// Sends a message to the process that is registered under `name` on the node `node`, which can be this node or
    /// another one.
    ///
    /// This method otherwise behaves like [`send`](Self::send). If no process holds the name, the message is dropped
    /// without an error. If `node` has no port, port 9000 is assumed.
    ///
    /// # Errors
    /// Returns an error as [`send`](Self::send) does, and [`SendError::Node`] if `node` is not a node name.
    pub async fn send_named(&self, name: &str, node: &str, message: impl Payload) -> Result<(), SendError> {
        self.table().send_named(self.sender(), name, node, message).await
    }

    /// Sends a value as a term (STF) to the process that is registered under `name` on the node `node`.
    ///
    /// This method otherwise behaves like [`send_named`](Self::send_named). The receiver learns that the message is a
    /// term if the session has the capability `names`.
    ///
    /// # Errors
    /// Returns an error as [`send_term`](Self::send_term) does, but with the capability `names` in place of
    /// `send_term`. Also returns [`SendError::Node`] if `node` is not a node name.
    pub async fn send_named_term(
        &self,
        name: &str,
        node: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), SendError> {
        self.send_named_written_term(name, node, term::write(value)?).await
    }

    /// Sends a term that is already written to the process that is registered under `name` on the node `node`.
    ///
    /// This method otherwise behaves like [`send_named_term`](Self::send_named_term).
    ///
    /// # Errors
    /// Returns an error as [`send_named_term`](Self::send_named_term) does, except for [`SendError::Term`].
    pub async fn send_named_written_term(&self, name: &str, node: &str, term: Term) -> Result<(), SendError> {
        self.table().send_named_term(self.sender(), name, node, term).await
    }
}

/// Methods for links and exit signals.
impl Context {
    /// Links this process with another one: when one of them ends, the other receives an exit signal.
    ///
    /// If the other process does not exist, this process at once receives an exit signal with [`Reason::noproc`]. If
    /// there is no session with the other process's node, this process at once receives an exit signal with
    /// [`Reason::Noconnection`]. Linking two processes twice has the effect of linking them once. Linking a process
    /// with itself has no effect.
    ///
    /// Waits while the queue of the session with the other process's node is full. If the future is dropped while it
    /// waits, no link is made.
    ///
    /// # Errors
    /// - [`Refused::TooMany`] if the other node accepts no more links, monitors and calls of this node
    ///   ([`NodeBuilder::links_and_monitors_max`](crate::NodeBuilder::links_and_monitors_max)).
    /// - [`Refused::NotInVersion`] if the other node speaks version 1 and has not yet revealed the node id by which it
    ///   knows this node ([`NodeBuilder::version_1`](crate::NodeBuilder::version_1)).
    /// - [`Refused::Ended`] if this process has ended.
    pub fn link(&self, to: Pid) -> impl Future<Output = Result<(), Refused>> + Send {
        ProcessTable::link(&self.cell, to)
    }

    /// Removes the link with another process. Has no effect if there is no link. After this method has returned, no
    /// exit signal of the link is delivered. A signal that is already in the mailbox stays there.
    pub fn unlink(&self, from: Pid) {
        self.table().unlink(&self.cell, from);
    }

    /// Sets whether this process traps exits, and returns the previous setting. The default is `false`. A process
    /// that traps exits receives each exit signal as [`Received::Exit`], whatever the reason is.
    ///
    /// A process that does not trap exits is ended by an exit signal with any reason other than Normal and Shutdown.
    /// It receives signals with these two reasons as [`Received::Exit`].
    pub fn trap_exit(&self, trap: bool) -> bool {
        self.cell.trap_exit(trap)
    }

    /// Ends this process with a reason. The future never becomes ready; the process's task drops it together with
    /// everything else that the process's function holds. In another task the future waits forever: drop it there.
    pub async fn exit(&self, reason: Reason) -> ! {
        self.doom(reason);
        pending().await
    }

    pub(crate) fn doom(&self, reason: Reason) {
        self.cell.doom(reason).wake();
    }

    /// Sends an exit signal to a process, whether it is linked with this process or not.
    ///
    /// The signal ends the receiver, unless the receiver traps exits or the reason is [`Reason::Normal`] or
    /// [`Reason::Shutdown`]. In these two cases the receiver receives [`Received::Exit`]. A signal with
    /// [`Reason::Killed`] can be trapped as well; a [`kill`](Self::kill) cannot.
    ///
    /// Waits as [`send`](Self::send) does. A signal to a process that does not exist, or to a node without a
    /// session, is dropped.
    ///
    /// # Errors
    /// - [`Refused::NotInSession`] if one of the two nodes does not let the other send exit signals
    ///   ([`NodeBuilder::remote_exit`](crate::NodeBuilder::remote_exit)). The text of the error says that the session
    ///   does not have the capability `remote_exit`, but not which of the two nodes withholds it. This never happens
    ///   for a process of this node.
    /// - [`Refused::Ended`] if this process has ended.
    pub async fn send_exit(&self, to: Pid, reason: Reason) -> Result<(), Refused> {
        self.table().send_exit(&self.cell, to, reason).await
    }

    /// Kills a process of this node. The process cannot trap this: it ends at its next `await` that has to wait.
    /// Processes that are linked with it receive an exit signal with [`Reason::Killed`]. Killing a process that has
    /// ended has no effect.
    ///
    /// # Errors
    /// Returns [`NotHere`] if the process runs on another node.
    pub fn kill(&self, pid: Pid) -> Result<(), NotHere> {
        self.table().kill(pid)
    }
}

/// Methods for monitors.
impl Context {
    /// Monitors a process, and returns the reference of the monitor. When the other process ends, this process
    /// receives one [`Received::Down`] with that reference.
    ///
    /// If the other process does not exist, the [`Received::Down`] comes at once, with [`Reason::noproc`]. If there is
    /// no session with the node of that process, the [`Received::Down`] comes at once, with [`Reason::Noconnection`].
    /// A process that monitors itself never receives a `Down` for that monitor.
    ///
    /// Waits while the queue of the session with the other process's node is full. If the future is dropped while it
    /// waits, nothing is monitored.
    ///
    /// # Errors
    /// - [`Refused::TooMany`] if the other node accepts no more links, monitors and calls of this node
    ///   ([`NodeBuilder::links_and_monitors_max`](crate::NodeBuilder::links_and_monitors_max)).
    /// - [`Refused::NotInVersion`] if the other node speaks version 1 and has not yet revealed the node id by which it
    ///   knows this node ([`NodeBuilder::version_1`](crate::NodeBuilder::version_1)).
    /// - [`Refused::Ended`] if this process has ended.
    pub fn monitor(&self, of: Pid) -> impl Future<Output = Result<MonitorRef, Refused>> + Send {
        ProcessTable::monitor(&self.cell, of)
    }

    /// Removes a monitor. After this method has returned, no [`Received::Down`] of the monitor is delivered. A `Down`
    /// that is already in the mailbox stays there; [`demonitor_flush`](Self::demonitor_flush) removes it as well.
    pub fn demonitor(&self, reference: MonitorRef) {
        self.table().demonitor(&self.cell, reference);
    }

    /// Removes a monitor as [`demonitor`](Self::demonitor) does, and also removes its [`Received::Down`] from the
    /// mailbox.
    pub fn demonitor_flush(&mut self, reference: MonitorRef) {
        self.demonitor(reference);
        let is_its_down = |received: &Received| matches!(received, Received::Down { reference: of, .. } if *of == reference);
        self.cell.remove_if(&mut self.inbox, is_its_down);
    }

    /// Starts watching a node: from now on this process receives [`Received::NodeUp`] when a session with the node
    /// begins, and [`Received::NodeDown`] when the session ends. A session that already exists causes no `NodeUp`.
    /// Watching the same node twice has the effect of watching it once. If `name` has no port, port 9000 is assumed.
    ///
    /// # Errors
    /// Returns [`MonitorNodeError`] if `name` is not a node name, or if this process has ended.
    pub fn monitor_node(&self, name: &str) -> Result<(), MonitorNodeError> {
        let is_monitored = self.table().monitor_node(&self.cell, &self.table().completed(name)?);
        if is_monitored { Ok(()) } else { Err(MonitorNodeError::Ended) }
    }

    /// Starts watching all nodes: from now on this process receives [`Received::NodeUp`] and [`Received::NodeDown`]
    /// when a session with any node begins and ends, whichever side has dialled. A node that is also watched by
    /// [`monitor_node`](Self::monitor_node) causes one event, not two.
    ///
    /// Sessions that already exist cause no event. To list them, call [`Node::nodes`] after this method: no session is
    /// then left out.
    ///
    /// # Errors
    /// Returns [`MonitorNodeError::Ended`] if this process has ended.
    pub fn monitor_nodes(&self) -> Result<(), MonitorNodeError> {
        let is_monitored = self.table().monitor_node(&self.cell, EVERY_NODE);
        if is_monitored { Ok(()) } else { Err(MonitorNodeError::Ended) }
    }

    /// Ends the effect of [`monitor_nodes`](Self::monitor_nodes). Nodes that are watched by
    /// [`monitor_node`](Self::monitor_node) stay watched. Events already in the mailbox stay there.
    pub fn demonitor_nodes(&self) {
        self.table().demonitor_node(&self.cell, EVERY_NODE);
    }

    /// Stops watching the node `name`. Events already in the mailbox stay there. If `name` has no port, port 9000 is
    /// assumed.
    ///
    /// # Errors
    /// Returns [`NodeNameError`] if `name` is not a node name.
    pub fn demonitor_node(&self, name: &str) -> Result<(), NodeNameError> {
        self.table().demonitor_node(&self.cell, &self.table().completed(name)?);
        Ok(())
    }
}

/// Methods to start processes on this node.
impl Context {
    /// Starts a process on this node, and returns its pid. See [`Node::spawn`](crate::Node::spawn) for the function
    /// and its output.
    ///
    /// # Errors
    /// Returns [`SpawnError`] if no more processes can be started, for example because the node is shutting down, or
    /// if this process has ended.
    pub fn spawn<F, Fut>(&self, start: F) -> Result<Pid, SpawnError>
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.check_spawns()?;
        self.table().spawn(Mailbox::default(), Tie::None, start)
    }

    /// Starts a process on this node, links it with this process before it runs, and returns its pid.
    ///
    /// # Errors
    /// Returns [`SpawnError`] if no more processes can be started, for example because the node is shutting down, or
    /// if this process has ended.
    pub fn spawn_link<F, Fut>(&self, start: F) -> Result<Pid, SpawnError>
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.check_spawns()?;
        self.table().spawn(Mailbox::default(), Tie::Link(&self.cell), start)
    }

    /// Starts a process on this node, and monitors it before it runs. Returns its pid and the reference of the
    /// monitor.
    ///
    /// # Errors
    /// Returns [`SpawnError`] if no more processes can be started, for example because the node is shutting down, or
    /// if this process has ended.
    pub fn spawn_monitor<F, Fut>(&self, start: F) -> Result<(Pid, MonitorRef), SpawnError>
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.spawn_monitor_with(Mailbox::default(), start)
    }

    /// Starts a process as [`spawn_monitor`](Self::spawn_monitor) does, with a [`Mailbox`] that can have a bound.
    ///
    /// # Errors
    /// Returns an error as [`spawn_monitor`](Self::spawn_monitor) does.
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

/// Methods for names.
impl Context {
    /// Registers this process under a name on this node until the process ends, as
    /// [`Node::register`](crate::Node::register) does.
    ///
    /// # Errors
    /// - [`RegisterError::Taken`] if a process holds the name, possibly this one.
    /// - [`RegisterError::TooLong`] if the name has more than
    ///   [`PROCESS_NAME_BYTES_MAX`](crate::core::limits::PROCESS_NAME_BYTES_MAX) bytes.
    /// - [`RegisterError::NoProcess`] if this process has ended.
    pub fn register(&self, name: &str) -> Result<(), RegisterError> {
        self.table().register(name, self.pid())
    }

    /// Removes a name on this node from the process that holds it, and returns the pid of that process.
    ///
    /// Returns `None` if no process holds the name. Also returns `None` for the name `groups` while the server of the
    /// node's groups runs: that name cannot be removed.
    pub fn unregister(&self, name: &str) -> Option<Pid> {
        self.table().unregister(name)
    }

    /// Registers this process under a global name, which is known on all connected nodes. The process has the name
    /// until it ends or the name is removed. See [`Node::register_global`](crate::Node::register_global).
    ///
    /// # Errors
    /// Returns [`NotRegistered`] as [`Node::register_global`](crate::Node::register_global) does, and if this process
    /// has ended.
    pub fn register_global(&self, name: &str, on_conflict: OnConflict) -> Result<(), NotRegistered> {
        self.table().register_global(name, self.pid(), on_conflict)
    }

    /// Removes a global name that a process of this node holds, and returns the pid of that process, or `None`, as
    /// [`Node::unregister_global`](crate::Node::unregister_global) does.
    pub fn unregister_global(&self, name: &str) -> Option<Pid> {
        self.table().unregister_global(name)
    }

    /// Returns the pid of the process that holds a global name, or `None`, as
    /// [`Node::whereis_global`](crate::Node::whereis_global) does.
    #[must_use]
    pub fn whereis_global(&self, name: &str) -> Option<Pid> {
        self.table().whereis_global(name)
    }

    /// Returns the pid of the process that is registered under a name on this node, or `None` if no process holds the
    /// name.
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
