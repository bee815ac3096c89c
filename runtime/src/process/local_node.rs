//! The processes of a node, seen from the program around them.

use std::future::Future;
use std::sync::Arc;

use super::context::completed;
use super::table::{ProcessTable, Tie};
use super::{Context, Mailbox, NotHere, Payload, RegisterError, SendError, SpawnError};
use crate::core::{Pid, Reason};

/// The processes of this node. Clones are the same node.
#[derive(Clone, Debug)]
pub struct LocalNode {
    table: Arc<ProcessTable>,
}

impl LocalNode {
    /// A node that is connected to nothing and has no name. Its processes run on this runtime, whose time must be
    /// enabled for receiving with a timeout.
    #[cfg(not(all(test, feature = "shuttle")))]
    #[must_use]
    pub fn new(runtime: tokio::runtime::Handle) -> Self {
        Self::of(ProcessTable::new("", 1, super::sync::Executor(runtime)))
    }

    /// The processes of a table.
    pub(crate) const fn of(table: Arc<ProcessTable>) -> Self {
        Self { table }
    }

    /// The table.
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
