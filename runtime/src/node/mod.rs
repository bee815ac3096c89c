//! A node: its processes and their names. The folder has its connections and its end.

mod others;
mod stop;
#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;

use std::future::Future;
use std::sync::Arc;

use serde::Serialize;

use crate::builder::NodeBuilder;
use crate::core::globals::{NotRegistered, OnConflict};
use crate::core::{Pid, Reason, Term};
use crate::process::remote::Sender;
use crate::process::table::{ProcessTable, Tie};
use crate::process::{
    Context, Delegate, Groups, GroupsError, Mailbox, NotHere, Payload, RegisterError, SendError, SpawnError,
};
use crate::process::{groups, term};
#[cfg(not(all(test, shuttle)))]
use crate::sync::Executor;

/// A node of the system. Cloning is cheap, and all clones are the same node.
///
/// A node runs as long as the program holds a clone of it, or a process or a session of the node exists.
/// [`shutdown`](Node::shutdown) ends the sessions gracefully and then all processes;
/// [`shutdown_within`](Node::shutdown_within) lets the processes finish first.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use snow_dist_runtime::Node;
///
/// let node = Node::builder("a@127.0.0.1:4000").cookie_file("cookie").start().await?;
/// node.connect("b@127.0.0.1:4001").await?;
/// node.shutdown().await;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Node {
    table: Arc<ProcessTable>,
}

impl Node {
    /// Returns a builder for a node with this name, `name@host:port`. The host and the port are the address at which
    /// other nodes find the node. The default port is 9000. With port 0 the operating system chooses a port, and the
    /// node announces that port.
    pub fn builder(name: impl Into<String>) -> NodeBuilder {
        NodeBuilder::new(name.into())
    }

    /// Creates a node without a name and without a network. Its processes run on the given runtime. The runtime must
    /// have timers enabled if a process sets a timer, makes a call, or receives with a timeout.
    #[cfg(not(all(test, shuttle)))]
    #[must_use]
    pub fn alone(runtime: tokio::runtime::Handle) -> Self {
        Self::of(ProcessTable::new("", 1, Executor(runtime)))
    }

    /// Creates the handle of a process table's node.
    pub(crate) const fn of(table: Arc<ProcessTable>) -> Self {
        Self { table }
    }

    pub(crate) const fn table(&self) -> &Arc<ProcessTable> {
        &self.table
    }

    fn sender(&self) -> Sender<'static> {
        Sender::program(self.table.pid(0))
    }

    /// Returns the node's name, with its port. The name of a node without a network is empty.
    #[must_use]
    pub fn name(&self) -> &str {
        self.table.node()
    }

    /// Starts a process that runs the given function, and returns its pid. The process ends when the function's
    /// future is ready, and the output of the future determines the reason of the end. A panic ends the process with
    /// an error that begins with `panic: `.
    ///
    /// The output can be:
    /// - `()`, which stands for [`Reason::Normal`];
    /// - a [`Reason`];
    /// - a `Result` with one of these as its value. An error, of any type that can be displayed, becomes
    ///   [`Reason::Error`] with its text.
    ///
    /// A function that never returns must still name the type of its output, `-> ()` or `-> Reason`. Otherwise the
    /// compiler reports that `Reason: From<!>` is missing:
    ///
    /// ```
    /// # fn example(node: snow_dist_runtime::Node) -> Result<(), Box<dyn std::error::Error>> {
    /// use snow_dist_runtime::{Context, Reason};
    ///
    /// node.spawn(async |mut ctx: Context| -> Reason {
    ///     loop {
    ///         let received = ctx.recv().await;
    ///         println!("{received:?}");
    ///     }
    /// })?;
    /// # Ok(()) }
    /// ```
    ///
    /// [`shutdown_within`](Self::shutdown_within) has to kill a process that never returns. Most processes should
    /// return when they receive [`Received::Exit`](crate::Received::Exit).
    ///
    /// # Errors
    /// Returns [`SpawnError`] if no more processes can be started, for example because the node is shutting down.
    pub fn spawn<F, Fut>(&self, start: F) -> Result<Pid, SpawnError>
    where
        F: FnOnce(Context) -> Fut + Send + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.spawn_with(Mailbox::default(), start)
    }

    /// Starts a process as [`spawn`](Self::spawn) does, with a [`Mailbox`] that can have a bound.
    ///
    /// # Errors
    /// Returns [`SpawnError`] if no more processes can be started, for example because the node is shutting down.
    pub fn spawn_with<F, Fut>(&self, mailbox: Mailbox, start: F) -> Result<Pid, SpawnError>
    where
        F: FnOnce(Context) -> Fut + Send + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.table.spawn(mailbox, Tie::None, start)
    }

    /// Sends a message to a process. The sender is the program; apart from that, this method behaves like
    /// [`Context::send`].
    ///
    /// # Errors
    /// Returns [`SendError::Refused`] if the other node does not accept the message, for example because the message
    /// is too long. A message to a process that does not exist, or to a node without a session, is dropped without an
    /// error.
    pub async fn send(&self, to: Pid, message: impl Payload) -> Result<(), SendError> {
        self.table.send(self.sender(), to, message).await
    }

    /// Sends a value as a term (STF) to a process. The sender is the program; apart from that, this method behaves
    /// like [`Context::send_term`].
    ///
    /// # Errors
    /// Returns an error as [`Context::send_term`] does.
    pub async fn send_term(&self, to: Pid, value: &(impl Serialize + ?Sized)) -> Result<(), SendError> {
        self.send_written_term(to, term::write(value)?).await
    }

    /// Sends a term that is already written to a process. The sender is the program; apart from that, this method
    /// behaves like [`Context::send_written_term`].
    ///
    /// # Errors
    /// Returns an error as [`Context::send_written_term`] does.
    pub async fn send_written_term(&self, to: Pid, term: Term) -> Result<(), SendError> {
        self.table.send_term(self.sender(), to, term).await
    }

    /// Sends a message to the process that is registered under `name` on the node `node`. The sender is the program;
    /// apart from that, this method behaves like [`Context::send_named`].
    ///
    /// # Errors
    /// Returns an error as [`Context::send_named`] does.
    pub async fn send_named(&self, name: &str, node: &str, message: impl Payload) -> Result<(), SendError> {
        self.table.send_named(self.sender(), name, node, message).await
    }

    /// Sends a value as a term (STF) to the process that is registered under `name` on the node `node`. The sender is
    /// the program; apart from that, this method behaves like [`Context::send_named_term`].
    ///
    /// # Errors
    /// Returns an error as [`Context::send_named_term`] does.
    pub async fn send_named_term(
        &self,
        name: &str,
        node: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), SendError> {
        self.table.send_named_term(self.sender(), name, node, term::write(value)?).await
    }

    /// Kills a process of this node, as [`Context::kill`] does. Killing a process that has ended has no effect.
    ///
    /// # Errors
    /// Returns [`NotHere`] if the process runs on another node.
    pub fn kill(&self, pid: Pid) -> Result<(), NotHere> {
        self.table.kill(pid)
    }

    /// Registers a process of this node under a name, until the process ends or the name is removed
    /// ([`unregister`](Self::unregister)). A process can have several names.
    ///
    /// A name is any text of up to [`PROCESS_NAME_BYTES_MAX`](crate::core::limits::PROCESS_NAME_BYTES_MAX) bytes (65
    /// 535). Other nodes cannot monitor a name of more than
    /// [`MONITORED_NAME_BYTES_MAX`](crate::core::limits::MONITORED_NAME_BYTES_MAX) bytes (4 096).
    ///
    /// # Errors
    /// Returns [`RegisterError`] if the name is taken or too long, or if the process does not exist on this node.
    pub fn register(&self, name: &str, pid: Pid) -> Result<(), RegisterError> {
        self.table.register(name, pid)
    }

    /// Removes a name on this node from the process that holds it, and returns the pid of that process.
    ///
    /// Returns `None` if no process holds the name. Also returns `None` for the name `groups` while the server of the
    /// node's groups runs: that name cannot be removed.
    pub fn unregister(&self, name: &str) -> Option<Pid> {
        self.table.unregister(name)
    }

    /// Returns the pid of the process that is registered under a name on this node, or `None` if no process holds the
    /// name.
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.table.whereis(name)
    }

    /// Returns all names that are registered on this node, in alphabetical order, each with its process.
    #[must_use]
    pub fn registered(&self) -> Vec<(Arc<str>, Pid)> {
        self.table.registered()
    }

    /// Returns the process groups of this node ([`Groups`]), and starts their server if it does not run.
    ///
    /// The server of the groups is a process that is registered as `groups`. The first call starts the server. From
    /// then on, this node takes part in the groups of all nodes with which there is a session. On a node that never
    /// calls this, groups do not exist and cost nothing.
    ///
    /// # Errors
    /// Returns [`GroupsError`] if another process holds the name `groups`, or if no more processes can be started.
    pub fn groups(&self) -> Result<Groups, GroupsError> {
        groups::start(&self.table)
    }

    /// Returns the process groups of this node, or `None` if their server does not run. Unlike
    /// [`groups`](Self::groups), this method does not start the server.
    #[must_use]
    pub fn groups_started(&self) -> Option<Groups> {
        groups::started(&self.table)
    }

    /// Registers a process of this node under a global name, which is known on all connected nodes. The process has
    /// the name until it ends or the name is removed ([`unregister_global`](Self::unregister_global)). This node
    /// announces the name to every node that is connected and to each node that connects later.
    /// [`whereis_global`](Self::whereis_global) then returns the process on each node that accepts global names of
    /// this node ([`NodeBuilder::global_names`](crate::NodeBuilder::global_names)).
    ///
    /// Two nodes that do not know of each other can register the same name, at the same moment or while the
    /// network is partitioned. When they learn of each other, the claim of the node with the smaller incarnation
    /// stays, and the other process loses the name. With [`OnConflict::Exit`] that process receives an exit signal
    /// with the reason Custom "name conflict"; with [`OnConflict::Tell`] it receives
    /// [`Received::NameConflict`](crate::Received::NameConflict).
    ///
    /// The name is not announced to nodes of version 1, and their global names are ignored.
    ///
    /// ```no_run
    /// # async fn example(node: snow_dist_runtime::Node) -> Result<(), Box<dyn std::error::Error>> {
    /// use snow_dist_runtime::{OnConflict, Reason};
    ///
    /// let till = node.spawn(|mut ctx| async move {
    ///     ctx.recv().await;
    ///     Reason::Normal
    /// })?;
    /// node.register_global("till", till, OnConflict::Exit)?;
    /// // On any connected node:
    /// if let Some(till) = node.whereis_global("till") {
    ///     node.send(till, "hello").await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Returns [`NotRegistered`] if this node knows a process that holds the name, if the name is longer than
    /// [`GLOBAL_NAME_BYTES_MAX`](crate::core::limits::GLOBAL_NAME_BYTES_MAX), if this node would own more global names
    /// than [`GLOBAL_NAMES_BYTES_MAX`](crate::core::limits::GLOBAL_NAMES_BYTES_MAX) allows, or if `pid` is not a live
    /// process of this node.
    pub fn register_global(
        &self,
        name: &str,
        pid: Pid,
        on_conflict: OnConflict,
    ) -> Result<(), NotRegistered> {
        self.table.register_global(name, pid, on_conflict)
    }

    /// Removes a global name that a process of this node holds, and returns the pid of that process. Returns `None` if
    /// no process of this node holds the name: a global name of another node cannot be removed from here.
    pub fn unregister_global(&self, name: &str) -> Option<Pid> {
        self.table.unregister_global(name)
    }

    /// Returns the pid of the process that holds a global name, or `None` if this node knows of no such process. If
    /// two processes claim the name, the result is the one that will keep it.
    ///
    /// The answer can be out of date when it is used. A message to the process reaches the process even if the
    /// process has lost the name, and is dropped if the process has ended. To notice the end of the process, monitor
    /// it or call it.
    #[must_use]
    pub fn whereis_global(&self, name: &str) -> Option<Pid> {
        self.table.whereis_global(name)
    }

    /// Returns all global names that this node knows, in alphabetical order, each with the process that
    /// [`whereis_global`](Self::whereis_global) returns for it.
    #[must_use]
    pub fn global_names(&self) -> Vec<(Arc<str>, Pid)> {
        self.table.global_names()
    }

    /// Returns a handle through which code outside of a process's function can act for that process, from any thread.
    /// Returns `None` if the process has ended or belongs to another node.
    #[must_use]
    pub fn delegate(&self, pid: Pid) -> Option<Delegate> {
        self.table.get_pid(pid).map(|cell| Delegate::new(Context::new(cell)))
    }

    /// Returns `true` while `pid` is a live process of this node. Returns `false` as soon as an exit signal or a kill
    /// has decided the end of the process, even if its task is still running.
    #[must_use]
    pub fn is_alive(&self, pid: Pid) -> bool {
        self.table.get_pid(pid).is_some_and(|cell| !cell.is_doomed())
    }

    /// Returns the number of processes that are running on this node.
    #[must_use]
    pub fn process_count(&self) -> usize {
        self.table.count()
    }

    /// Returns the number of processes of this node that have failed since the node was started. A process has failed
    /// if it ended by itself or by an exit signal, and its reason is neither [`Reason::Normal`] nor
    /// [`Reason::Shutdown`]. A [`kill`](Self::kill) is not a failure.
    ///
    /// Failures are logged as warnings. The first 32
    /// ([`FAILURES_TOLD_SINGLY_MAX`](crate::core::limits::FAILURES_TOLD_SINGLY_MAX)) in quick succession have a line
    /// each. After those, one line stands for several failures, at growing intervals. This number counts them all.
    #[must_use]
    pub fn processes_failed(&self) -> u64 {
        self.table.end_counts().failures()
    }

    /// Returns the number of messages and signals from other nodes that were dropped since the node was started,
    /// because a mailbox was full or because the sending node had used up its share of
    /// [`NodeBuilder::mailbox_remote_bytes_max`](crate::NodeBuilder::mailbox_remote_bytes_max).
    #[must_use]
    pub fn messages_dropped(&self) -> u64 {
        self.table.dropped()
    }
}
