//! The end of a node.

use std::time::Duration;

use super::Node;
use crate::process::Left;

/// Methods to end the node.
impl Node {
    /// Asks all processes to end, waits for them for at most `patience`, kills those that are left, and then shuts
    /// the node down. Returns the processes that were killed.
    ///
    /// Each process is sent an exit signal with [`Reason::Shutdown`](crate::Reason::Shutdown), which it *receives* as
    /// [`Received::Exit`](crate::Received::Exit) whether it traps exits or not. The process should finish its work
    /// and return. Supervisors then stop their children, in reverse order, each within the time that was set for it.
    /// A process that has not ended when `patience` is over is killed with [`Reason::Killed`](crate::Reason::Killed).
    /// With [`Duration::ZERO`] all processes are killed at once.
    ///
    /// While the processes end, sessions stay, so that processes can still send to other nodes. No more processes are
    /// started, neither for this program ([`SpawnError::Stopped`](crate::SpawnError::Stopped)) nor for other nodes,
    /// and [`call`](Self::call) returns [`CallError::NoCaller`](crate::CallError::NoCaller). When all processes have
    /// ended or were killed, the node is stopped as by [`shutdown`](Self::shutdown).
    ///
    /// A process of this node must not await this method, because the method waits for that process: the process
    /// would be killed, and the node would not be stopped. Await it from the program or from a separate task. If the
    /// future is dropped before it is ready, no more processes can be started, and existing processes continue.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use snow_dist_runtime::{Context, Node, Received};
    ///
    /// let node = Node::alone(tokio::runtime::Handle::current());
    /// node.spawn(async |mut ctx: Context| while !matches!(ctx.recv().await, Received::Exit { .. }) {})?;
    /// let deaf = node.spawn(async |_| std::future::pending::<()>().await)?;
    /// node.register("deaf", deaf)?;
    /// let left = node.shutdown_within(Duration::from_secs(10)).await;
    /// assert_eq!(left.len(), 1);
    /// assert_eq!((left[0].pid, &*left[0].names[0]), (deaf, "deaf"));
    /// # Ok(()) }
    /// ```
    pub async fn shutdown_within(&self, patience: Duration) -> Vec<Left> {
        let left = self.table.end_within(patience).await;
        self.shutdown().await;
        left
    }

    /// Shuts the node down at once. The node accepts no more connections, starts no more processes
    /// ([`SpawnError::Stopped`](crate::SpawnError::Stopped)), ends all sessions gracefully (queued data is still
    /// written, for at most 5 s), and then ends all processes.
    ///
    /// When this method returns, the port is free and no connection is left. All processes are ending with
    /// [`Reason::Shutdown`](crate::Reason::Shutdown), each one at its next `await` that has to wait. Registered
    /// functions ([`register_function`](Self::register_function)) have been removed. Use
    /// [`shutdown_within`](Self::shutdown_within) to let processes finish their work.
    ///
    /// [`Discovery::look`](crate::discovery::Discovery::look) must not wait for this method, because the method waits
    /// for the looks.
    pub async fn shutdown(&self) {
        self.table.stop();
        if let Some(connections) = self.table.connections() {
            connections.shutdown().await;
        }
        self.table.end_all();
        self.table.functions().unregister_all();
    }
}
