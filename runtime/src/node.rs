//! A node, as a program has it: its processes, and what they have to do with other nodes.

use std::future::Future;
use std::num::NonZeroU64;
use std::sync::Arc;

use snow_dist_codec::Pid as WirePid;

use crate::builder::NodeBuilder;
use crate::core::{Pid, Reason};
use crate::net::ConnectError;
#[cfg(not(all(test, feature = "shuttle")))]
use crate::process::sync::Executor;
use crate::process::table::{ProcessTable, Tie};
use crate::process::{Context, Mailbox, NotHere, Payload, RegisterError, SendError, SpawnError, completed};

/// A node of the system. Cheap to clone: all clones are the same node.
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
    /// A node of this name: `name@host:port`, where others find it. Port 9000 if it says none; port 0 lets the
    /// system choose, and the node announces what was chosen.
    pub fn builder(name: impl Into<String>) -> NodeBuilder {
        NodeBuilder::new(name.into())
    }

    /// A node that is connected to nothing and has no name. Its processes run on this runtime, whose time must be
    /// enabled for receiving with a timeout.
    #[cfg(not(all(test, feature = "shuttle")))]
    #[must_use]
    pub fn alone(runtime: tokio::runtime::Handle) -> Self {
        Self::of(ProcessTable::new("", 1, Executor(runtime)))
    }

    /// The node of a table.
    pub(crate) const fn of(table: Arc<ProcessTable>) -> Self {
        Self { table }
    }

    #[cfg(all(test, feature = "shuttle"))]
    pub(crate) const fn table(&self) -> &Arc<ProcessTable> {
        &self.table
    }

    /// The node's name, with its port; empty if it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.table.node()
    }

    /// Starts a process: it ends when the function's future is done, with the reason that its output stands for.
    /// A panic ends it with an error.
    ///
    /// # Errors
    /// No process can be started any more.
    pub fn spawn<F, Fut>(&self, start: F) -> Result<Pid, SpawnError>
    where
        F: FnOnce(Context) -> Fut + Send + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.spawn_with(Mailbox::default(), start)
    }

    /// [`spawn`](Self::spawn) with a mailbox of one's choice.
    ///
    /// # Errors
    /// No process can be started any more.
    pub fn spawn_with<F, Fut>(&self, mailbox: Mailbox, start: F) -> Result<Pid, SpawnError>
    where
        F: FnOnce(Context) -> Fut + Send + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.table.spawn(mailbox, Tie::None, start)
    }

    /// Sends a message from the program, as [`Context::send`] does from a process.
    ///
    /// # Errors
    /// [`SendError::Refused`]: the other node does not take it.
    pub async fn send(&self, to: Pid, message: impl Payload) -> Result<(), SendError> {
        self.table.send(self.table.pid(0), to, message).await
    }

    /// Sends a message from the program to a name, as [`Context::send_named`] does from a process.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_named(&self, name: &str, node: &str, message: impl Payload) -> Result<(), SendError> {
        self.table.send_named(self.table.pid(0), name, &completed(node), message).await
    }

    /// Kills a process, as [`Context::kill`] does.
    ///
    /// # Errors
    /// The process runs on another node.
    pub fn kill(&self, pid: Pid) -> Result<(), NotHere> {
        self.table.kill(pid)
    }

    /// Registers a process under a name, until it ends.
    ///
    /// # Errors
    /// The name is taken, or there is no such process on this node.
    pub fn register(&self, name: &str, pid: Pid) -> Result<(), RegisterError> {
        self.table.register(name, pid)
    }

    /// Takes a name away from whoever has it; gives who had it.
    pub fn unregister(&self, name: &str) -> Option<Pid> {
        self.table.unregister(name)
    }

    /// Who is registered under a name.
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.table.whereis(name)
    }

    /// Whether a process of this node has not ended, nor been ended by a signal.
    #[must_use]
    pub fn is_alive(&self, pid: Pid) -> bool {
        self.table.get_pid(pid).is_some_and(|cell| !cell.is_doomed())
    }

    /// How many processes run here.
    #[must_use]
    pub fn process_count(&self) -> usize {
        self.table.count()
    }

    /// How many messages from other nodes were dropped because a mailbox was full.
    #[must_use]
    pub fn messages_dropped(&self) -> u64 {
        self.table.dropped()
    }
}

/// Other nodes.
impl Node {
    /// The number of this start of the node; none of a node that is alone.
    #[must_use]
    pub fn incarnation(&self) -> Option<NonZeroU64> {
        self.table.remote().ok().map(|remote| remote.incarnation())
    }

    /// The creation in the pids of its processes.
    #[must_use]
    pub fn creation(&self) -> u8 {
        self.table.pid(0).creation()
    }

    /// Makes sure that there is a session with a node.
    ///
    /// # Errors
    /// There is none, and why.
    pub async fn connect(&self, name: &str) -> Result<(), ConnectError> {
        match self.table.remote() {
            Ok(remote) => remote.connect(name).await,
            Err(_) => Err(ConnectError::Alone),
        }
    }

    /// Ends the session with a node. False if there is none.
    pub fn disconnect(&self, name: &str) -> bool {
        self.table.remote().is_ok_and(|remote| remote.disconnect(&completed(name)))
    }

    /// The names of all nodes with which there is a session, in order.
    #[must_use]
    pub fn nodes(&self) -> Vec<Arc<str>> {
        self.table.remote().map(|remote| remote.nodes()).unwrap_or_default()
    }

    /// The process of this number on another node, if there is a session with it. Whether there is such a process,
    /// only that node knows.
    #[must_use]
    pub fn pid_on(&self, node: &str, local: u64) -> Option<Pid> {
        let remote = self.table.remote().ok().filter(|_| local <= WirePid::LOCAL_MAX)?;
        remote.pid_on(&completed(node), local)
    }

    /// The name of the node that a process runs on, if it is this one or there is a session with it.
    #[must_use]
    pub fn node_of(&self, pid: Pid) -> Option<Arc<str>> {
        if pid.is_here() {
            return Some(self.name().into());
        }
        self.table.remote().ok()?.node_of(pid)
    }

    /// Stops the node: takes no connection any more, ends all sessions in order, then all processes.
    pub async fn shutdown(&self) {
        if let Ok(remote) = self.table.remote() {
            remote.shutdown().await;
        }
        self.table.doom_all(&Reason::Shutdown);
    }
}
