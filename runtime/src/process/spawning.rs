//! Starting processes on other nodes, and the functions that other nodes may start here.

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::calling::Guest;
use super::functions::{of_message, of_value};
use super::{Context, Message, MonitorRef, RegisterFunctionError, SpawnOnError, term};
use crate::core::{Allowed, Pid, Reason, SpawnTie, Term};
use crate::node::Node;

/// Methods to start processes on this or another node by the name of a function.
impl Context {
    /// Starts a process on the node `node`, which can be this node or another one, and returns its pid. The process
    /// runs the function that is registered there under the given name ([`Node::register_function`]), with the given
    /// arguments. If `node` has no port, port 9000 is assumed.
    ///
    /// The arguments are written as a term, as [`send_term`](Self::send_term) does. Arguments that contain pids, or
    /// that are a term of the second kind ([`stf::Terms`](crate::codec::stf::Terms)), need a session with the
    /// capability `calls`. The name of the function and the arguments together may have at most 64 KiB. Send longer
    /// data to the process once it runs.
    ///
    /// Waits until the node answers or the session ends. If the peer is silent, the
    /// [heartbeat](crate::NodeBuilder::heartbeat) ends the session, by default after 75 s. For a shorter wait use
    /// `tokio::time::timeout`. If the future is dropped before it is ready, the process may be started nevertheless,
    /// and this program does not learn its pid.
    ///
    /// ```
    /// # async fn example(ctx: snow_dist_runtime::Context) -> Result<(), Box<dyn std::error::Error>> {
    /// // On the other node:
    /// // node.register_function("resize", Allowed::Everyone, async |ctx, (path, width)| ..)
    /// let worker = ctx.spawn_on("worker@10.0.0.2", "resize", &("images/1.png", 640)).await?;
    /// ctx.send(worker, "once more").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Returns [`SpawnOnError`] if the process was not started, or if that is not known. With
    /// [`SpawnOnError::ConnectionLost`] the session ended before the answer came, and the process may have been
    /// started.
    pub async fn spawn_on(
        &self,
        node: &str,
        function: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<Pid, SpawnOnError> {
        Ok(self.spawn_tied_on(node, function, SpawnTie::None, arguments).await?.0)
    }

    /// Starts a process as [`spawn_on`](Self::spawn_on) does, and links it with this process before it runs.
    ///
    /// When the new process ends, this process receives an exit signal, possibly before this method returns. When
    /// this process ends first, the new process receives an exit signal, as with any link. An exit signal with the
    /// reason Normal or Shutdown does not end its receiver.
    ///
    /// If the future is dropped before it is ready, the process may be started nevertheless, and is then linked.
    ///
    /// # Errors
    /// Returns an error as [`spawn_on`](Self::spawn_on) does. A version 1 node would link the wrong process, so
    /// for such a node the result is always [`Refused::NotInVersion`](super::Refused::NotInVersion).
    pub async fn spawn_link_on(
        &self,
        node: &str,
        function: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<Pid, SpawnOnError> {
        Ok(self.spawn_tied_on(node, function, SpawnTie::Link, arguments).await?.0)
    }

    /// Starts a process as [`spawn_on`](Self::spawn_on) does, and monitors it before it runs. Returns its pid and the
    /// reference of the monitor. When the process ends, this process receives one
    /// [`Received::Down`](super::Received::Down), possibly before this method returns.
    ///
    /// If the future is dropped before it is ready, nothing is monitored, and the process may be started
    /// nevertheless.
    ///
    /// # Errors
    /// Returns an error as [`spawn_on`](Self::spawn_on) does. Also returns
    /// [`Refused::NotInSession`](super::Refused::NotInSession) if the session lacks the capability `calls`, and
    /// [`Refused::TooMany`](super::Refused::TooMany) if the other node accepts no more monitors.
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

    /// Starts a process as [`spawn_on`](Self::spawn_on) does, with arguments that are already written as a term, for
    /// programs whose values are not serde values. `tie` says whether the process is linked, monitored, or neither.
    /// Returns the pid of the process and a reference.
    ///
    /// Without [`SpawnTie::Monitor`] the reference stands for no monitor, and [`demonitor`](Self::demonitor) with it
    /// has no effect.
    ///
    /// # Errors
    /// Returns an error as [`spawn_on`](Self::spawn_on), [`spawn_link_on`](Self::spawn_link_on) or
    /// [`spawn_monitor_on`](Self::spawn_monitor_on) does, except for [`SpawnOnError::Arguments`].
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

/// Methods with which the program registers functions and starts processes on other nodes.
impl Node {
    /// Registers a function under a name, so that processes that run the function can be started by that name
    /// ([`Context::spawn_on`]). This node can always start them. Another node can start them if both `allowed` and
    /// [`NodeBuilder::remote_spawn`](crate::NodeBuilder::remote_spawn) allow that node.
    ///
    /// The function is called in the new process with the arguments of the request: a term, decoded as `T`. If the
    /// arguments are not of type `T`, the function is not called, and the process ends with an error that begins
    /// with `arguments:`. A panic ends the process with an error that begins with `panic:`, as with any process.
    ///
    /// One other node can have at most
    /// [`NodeBuilder::processes_per_peer_max`](crate::NodeBuilder::processes_per_peer_max) running processes here
    /// that it has started, whatever functions they run. All other nodes together can have at most
    /// [`NodeBuilder::processes_of_peers_max`](crate::NodeBuilder::processes_of_peers_max).
    ///
    /// A function should take the node from its context ([`Context::node`]). A function that captures a [`Node`]
    /// keeps the node alive, because the node keeps the function, until [`Node::shutdown`] or
    /// [`unregister_function`](Self::unregister_function).
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
    /// An `async move` closure that moves captured values into its future can be called only once. Clone the captured
    /// values for each start:
    ///
    /// ```
    /// # fn example(node: snow_dist_runtime::Node) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    ///
    /// use snow_dist_runtime::{Allowed, Context, Pid};
    ///
    /// let prices = Arc::new(vec![3_u32, 4]);
    /// node.register_function("price", Allowed::Everyone, move |ctx: Context, (to, index): (Pid, usize)| {
    ///     let prices = prices.clone();
    ///     async move {
    ///         let price = prices.get(index).copied();
    ///         ctx.send_term(to, &price).await
    ///     }
    /// })?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Returns [`RegisterFunctionError`] if another function has the name, or if the name is longer than 4 096 bytes
    /// ([`FUNCTION_NAME_BYTES_MAX`](crate::core::limits::FUNCTION_NAME_BYTES_MAX)).
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

    /// Registers a function that receives its arguments undecoded. This method otherwise behaves like
    /// [`register_function`](Self::register_function).
    ///
    /// Use this method in programs whose values are not serde values. Use it also for peers without the capability
    /// `calls`, such as version 1 nodes: their arguments can be any bytes.
    ///
    /// # Errors
    /// Returns an error as [`register_function`](Self::register_function) does.
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

    /// Removes a registered function, and returns `true`. No more processes are started with the function, and those
    /// that run it continue. Returns `false` if no function has this name.
    pub fn unregister_function(&self, name: &str) -> bool {
        self.table().functions().unregister(name)
    }

    /// Starts a process on the node `node`, and returns its pid. The requester is the program; apart from that, this
    /// method behaves like [`Context::spawn_on`].
    ///
    /// # Errors
    /// Returns an error as [`Context::spawn_on`] does, and [`SpawnOnError::NotHere`] if this node starts no more
    /// processes.
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
