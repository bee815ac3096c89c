//! Functions that can be started from other nodes, and processes that are asked of other nodes.

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::calling::Guest;
use super::functions::{Allowed, of_message, of_value};
use super::{Context, Message, MonitorRef, RegisterFunctionError, SpawnOnError, term};
use crate::core::{Pid, Reason, SpawnTie, Term};
use crate::node::Node;

/// Starting processes on other nodes.
impl Context {
    /// Starts a process on a node, this one or another, and gives its pid: it runs a function that is registered there
    /// ([`Node::register_function`]) with these arguments. A missing port in the node's name is 9000.
    ///
    /// `arguments` are written as a term, as by [`send_term`](Self::send_term): one that has pids, or is of the second kind,
    /// needs a session with the capability `calls`. Function and arguments have 64 KiB together; what is longer is sent to the
    /// process once it runs.
    ///
    /// If this is dropped before it is ready, the process may run all the same, and nobody learns its pid. The wait ends when the
    /// other node has answered, or the session with it has ended.
    ///
    /// ```
    /// # async fn example(ctx: snow_dist_runtime::Context) -> Result<(), Box<dyn std::error::Error>> {
    /// // On the other node: node.register_function("resize", Allowed::Everyone, async |ctx, (path, width)| ..)
    /// let worker = ctx.spawn_on("worker@10.0.0.2", "resize", &("images/1.png", 640)).await?;
    /// ctx.send(worker, "once more").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Returns [`SpawnOnError`] if the process was not started, or the session ended before the answer came.
    pub async fn spawn_on(
        &self,
        node: &str,
        function: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<Pid, SpawnOnError> {
        Ok(self.spawn_tied_on(node, function, SpawnTie::None, arguments).await?.0)
    }

    /// [`spawn_on`](Self::spawn_on), with a link between the new process and this one, before that one runs. Its end becomes an
    /// exit signal, which can come before this returns; if this process ends meanwhile, that one has an exit signal of it, as of
    /// any link: Normal and Shutdown do not end it.
    ///
    /// If this is dropped before it is ready, the link comes about all the same if the process is started.
    ///
    /// # Errors
    /// As [`spawn_on`](Self::spawn_on). Never of a version 1 node, which would link another process:
    /// [`Refused::NotInVersion`](super::Refused::NotInVersion).
    pub async fn spawn_link_on(
        &self,
        node: &str,
        function: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<Pid, SpawnOnError> {
        Ok(self.spawn_tied_on(node, function, SpawnTie::Link, arguments).await?.0)
    }

    /// [`spawn_on`](Self::spawn_on), with a monitor of the new process, before that runs. Its end becomes one
    /// [`Received::Down`](super::Received::Down), which can come before this returns.
    ///
    /// If this is dropped before it is ready, nothing is monitored, and the process may run all the same.
    ///
    /// # Errors
    /// As [`spawn_on`](Self::spawn_on). The session needs the capability `calls`:
    /// [`Refused::NotInSession`](super::Refused::NotInSession).
    pub async fn spawn_monitor_on(
        &self,
        node: &str,
        function: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<(Pid, MonitorRef), SpawnOnError> {
        self.spawn_tied_on(node, function, SpawnTie::Monitor, arguments).await
    }

    async fn spawn_tied_on(
        &self,
        node: &str,
        function: &str,
        tie: SpawnTie,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<(Pid, MonitorRef), SpawnOnError> {
        let term = term::write(arguments).map_err(SpawnOnError::Arguments)?;
        self.spawn_written_on(node, function, tie, term).await
    }

    /// [`spawn_on`](Self::spawn_on) with arguments that are written already, and with this tie; for programs whose values are not
    /// those of serde. Without [`SpawnTie::Monitor`] the second value is of no monitor, and ending it does nothing.
    ///
    /// # Errors
    /// As [`spawn_on`](Self::spawn_on), [`spawn_link_on`](Self::spawn_link_on) or
    /// [`spawn_monitor_on`](Self::spawn_monitor_on), except for [`SpawnOnError::Arguments`].
    pub async fn spawn_written_on(
        &self,
        node: &str,
        function: &str,
        tie: SpawnTie,
        arguments: Term,
    ) -> Result<(Pid, MonitorRef), SpawnOnError> {
        self.table().spawn_on(self.cell(), node, function, tie, arguments).await
    }
}

/// Functions, and processes on other nodes.
impl Node {
    /// Registers a function, so that a process that runs it can be started from other nodes
    /// ([`Context::spawn_on`]): those that are allowed, and this node itself.
    ///
    /// The function is called in the new process, with what the one that asks has given: a term, read as `T`. If it is none of
    /// this type, the process ends with an error that begins with `arguments:`, and the function is not called. A panic ends the
    /// process with an error that begins with `panic:`, as of any process. One node has at most
    /// [`NodeBuilder::processes_per_peer_max`](crate::NodeBuilder::processes_per_peer_max) such processes here at once, whatever
    /// functions they run, and all nodes together at most
    /// [`NodeBuilder::processes_of_peers_max`](crate::NodeBuilder::processes_of_peers_max).
    ///
    /// A function takes the node from its context ([`Context::node`]): one that has captured a [`Node`] keeps that alive, as the node
    /// keeps the function, until [`Node::shutdown`] or [`unregister_function`](Self::unregister_function).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use snow_dist_runtime::{Allowed, Context, Node, Pid};
    ///
    /// let node = Node::alone(tokio::runtime::Handle::current());
    /// node.register_function("add", Allowed::Nobody, async |ctx: Context, (to, a, b): (Pid, u32, u32)| {
    ///     ctx.send_term(to, &(a + b)).await
    /// })?;
    /// let (done, sum) = tokio::sync::oneshot::channel();
    /// node.spawn(async move |mut ctx: Context| {
    ///     ctx.spawn_on(ctx.node().name(), "add", &(ctx.pid(), 1, 2)).await?;
    ///     done.send(ctx.recv().await).map_err(|_| "nobody waits")?;
    ///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    /// })?;
    /// let snow_dist_runtime::Received::Message(sum) = sum.await? else { panic!("no message") };
    /// assert_eq!(sum.term::<u32>()?, 3);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Returns [`RegisterFunctionError`] if there is a function of this name, or the name is too long.
    pub fn register_function<F, T, Fut>(
        &self,
        name: &str,
        allowed: Allowed,
        run: F,
    ) -> Result<(), RegisterFunctionError>
    where
        F: Fn(Context, T) -> Fut + Send + Sync + 'static,
        T: DeserializeOwned,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.table().functions().register(name, allowed, of_value(run))
    }

    /// Registers a function that is given its arguments as they came; else as [`register_function`](Self::register_function).
    /// For programs whose values are not those of serde, and for peers without the capability `calls`, such as version 1 nodes,
    /// whose arguments can be any bytes.
    ///
    /// # Errors
    /// As [`register_function`](Self::register_function).
    pub fn register_function_of_message<F, Fut>(
        &self,
        name: &str,
        allowed: Allowed,
        run: F,
    ) -> Result<(), RegisterFunctionError>
    where
        F: Fn(Context, Message) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Into<Reason>> + Send + 'static,
    {
        self.table().functions().register(name, allowed, of_message(run))
    }

    /// Takes a function back: no process is started with it any more, and those that run go on. Returns `false` if there is none
    /// of this name.
    pub fn unregister_function(&self, name: &str) -> bool {
        self.table().functions().unregister(name)
    }

    /// Starts a process on a node from the program, as [`Context::spawn_on`] does from a process.
    ///
    /// # Errors
    /// As [`Context::spawn_on`]; [`SpawnOnError::NotHere`] if this node starts no process any more.
    pub async fn spawn_on(
        &self,
        node: &str,
        function: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<Pid, SpawnOnError> {
        let term = term::write(arguments).map_err(SpawnOnError::Arguments)?;
        let asking = Guest::new(self.table()).map_err(SpawnOnError::NotHere)?;
        Ok(self.table().spawn_on(asking.cell(), node, function, SpawnTie::None, term).await?.0)
    }
}
