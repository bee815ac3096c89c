//! Calls and names on other nodes, on the side of the process that asks.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cell::Cell;
use super::ending::Ending;
use super::table::ProcessTable;
use super::{CallError, Context, Mailbox, Message, MonitorNamedError, MonitorRef, term};
use crate::core::{Pid, Reason, Shown, Term};
use crate::foreign::span;
use crate::node::Node;

/// Methods to call processes.
impl Context {
    /// Calls a process: sends it a value as a term (STF), waits for at most `longest` for the reply, and returns the
    /// reply decoded as `T`. The callee receives [`Received::Call`](super::Received::Call).
    ///
    /// The reply does not go through the mailbox, so the call does not wait for messages in the mailbox. If the time
    /// is up, or the future is dropped before it is ready, the call is abandoned. The callee may have received the
    /// call nevertheless, and its reply is then discarded. A process can have many calls at once.
    ///
    /// ```
    /// # async fn example(ctx: snow_dist_runtime::Context, store: snow_dist_runtime::Pid)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let value: Option<String> = ctx.call(store, &("get", "key"), Duration::from_secs(5)).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The future borrows the context, so `ctx.call(..)` and `ctx.recv()` cannot be branches of one `select!`. To
    /// wait for both at once, call through the node ([`Node::call`]):
    ///
    /// ```
    /// # async fn example(mut ctx: snow_dist_runtime::Context, store: snow_dist_runtime::Pid)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let (node, request) = (ctx.node(), ("get", "key"));
    /// let mut call = std::pin::pin!(node.call::<Option<String>>(store, &request, Duration::from_secs(5)));
    /// let value = loop {
    ///     tokio::select! {
    ///         value = &mut call => break value?,
    ///         received = ctx.recv() => println!("{received:?}"),
    ///     }
    /// };
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Returns [`CallError`] if the request cannot be written as a term or sent, if no reply came, or if the reply is
    /// not a term of type `T`. After [`CallError::TimedOut`] and [`CallError::NotConnected`] the callee may have
    /// acted on the request.
    pub async fn call<T: DeserializeOwned>(
        &self,
        to: Pid,
        request: &(impl Serialize + ?Sized),
        longest: Duration,
    ) -> Result<T, CallError> {
        let term = term::write(request).map_err(CallError::Request)?;
        read(self.call_written(to, term, longest).await?)
    }

    /// Calls the process that is registered under `name` on the node `node`, which can be this node or another one.
    ///
    /// This method otherwise behaves like [`call`](Self::call). If `node` has no port, port 9000 is assumed.
    ///
    /// # Errors
    /// Returns an error as [`call`](Self::call) does, and [`CallError::Node`] if `node` is not a node name. If no
    /// process holds the name, the error is [`CallError::Ended`] with [`Reason::noproc`].
    pub async fn call_named<T: DeserializeOwned>(
        &self,
        name: &str,
        node: &str,
        request: &(impl Serialize + ?Sized),
        longest: Duration,
    ) -> Result<T, CallError> {
        let term = term::write(request).map_err(CallError::Request)?;
        read(self.call_named_written(name, node, term, longest).await?)
    }

    /// Calls a process with a term that is already written, and returns the reply undecoded. This method otherwise
    /// behaves like [`call`](Self::call).
    ///
    /// # Errors
    /// Returns an error as [`call`](Self::call) does, except for [`CallError::Request`] and [`CallError::Reply`].
    pub async fn call_written(&self, to: Pid, term: Term, longest: Duration) -> Result<Message, CallError> {
        within(self.cell(), &to, longest, self.table().call(self.cell(), to, term)).await
    }

    /// Calls the process that is registered under a name with a term that is already written, and returns the reply
    /// undecoded. This method otherwise behaves like [`call_named`](Self::call_named).
    ///
    /// # Errors
    /// Returns an error as [`call_named`](Self::call_named) does, except for [`CallError::Request`] and
    /// [`CallError::Reply`].
    pub async fn call_named_written(
        &self,
        name: &str,
        node: &str,
        term: Term,
        longest: Duration,
    ) -> Result<Message, CallError> {
        let call = self.table().call_named(self.cell(), name, node, term);
        within(self.cell(), &Named(name, node), longest, call).await
    }
}

/// Methods that resolve names on this or another node.
impl Context {
    /// Monitors the process that is registered under `name` on the node `node`, which can be this node or another
    /// one. Returns the pid of the process and the reference of the monitor.
    ///
    /// The node resolves the name and sets the monitor in one step. The monitor belongs to that process, and not to
    /// the name: when the monitored process ends, the caller receives one [`Received::Down`], even if another process
    /// holds the name by then. If `node` has no port, port 9000 is assumed.
    ///
    /// Waits until the node answers or the session ends. If the peer is silent, the
    /// [heartbeat](crate::NodeBuilder::heartbeat) ends the session, by default after 75 s. For a shorter wait use
    /// `tokio::time::timeout`. If the future is dropped before it is ready, nothing is monitored.
    ///
    /// [`Received::Down`]: super::Received::Down
    ///
    /// # Errors
    /// - [`MonitorNamedError::Nobody`] if no process holds the name.
    /// - [`MonitorNamedError::Node`] if `node` is not a node name.
    /// - [`MonitorNamedError::NotConnected`] if there is no session with the node, or if the session ends before the
    ///   node answers.
    /// - [`MonitorNamedError::NotMonitored`] if the node refuses the monitor.
    /// - [`MonitorNamedError::Refused`] if the session lacks the capability `names` (as with every version 1 node), if
    ///   the name has more than 4 096 bytes
    ///   ([`MONITORED_NAME_BYTES_MAX`](crate::core::limits::MONITORED_NAME_BYTES_MAX)) and `node` is another node, if
    ///   the other node accepts no more monitors, or if this process has ended.
    pub async fn monitor_named(
        &self,
        name: &str,
        node: &str,
    ) -> Result<(MonitorRef, Pid), MonitorNamedError> {
        self.table().monitor_named(self.cell(), name, node).await
    }

    /// Returns the pid of the process that is registered under `name` on the node `node`, or `None` if no process
    /// holds the name. `node` can be this node or another one; if it has no port, port 9000 is assumed. The result
    /// describes the moment at which the node answers.
    ///
    /// Waits until the node answers or the session ends. If the peer is silent, the
    /// [heartbeat](crate::NodeBuilder::heartbeat) ends the session, by default after 75 s. For a shorter wait use
    /// `tokio::time::timeout`.
    ///
    /// # Errors
    /// Returns an error as [`monitor_named`](Self::monitor_named) does, except for [`MonitorNamedError::Nobody`].
    pub async fn whereis_on(&self, name: &str, node: &str) -> Result<Option<Pid>, MonitorNamedError> {
        self.table().whereis_on(self.cell(), name, node).await
    }
}

/// Methods with which the program calls processes and resolves names outside of any process.
impl Node {
    /// Calls a process. The caller is the program; apart from that, this method behaves like [`Context::call`]. At
    /// the callee, [`Call::from`](super::Call::from) returns the pid of a process that exists only for the duration
    /// of the call.
    ///
    /// # Errors
    /// Returns an error as [`Context::call`] does, and [`CallError::NoCaller`] if this node starts no more
    /// processes.
    pub async fn call<T: DeserializeOwned>(
        &self,
        to: Pid,
        request: &(impl Serialize + ?Sized),
        longest: Duration,
    ) -> Result<T, CallError> {
        let term = term::write(request).map_err(CallError::Request)?;
        read(self.call_written(to, term, longest).await?)
    }

    /// Calls a process with a term that is already written, and returns the reply undecoded. This method otherwise
    /// behaves like [`call`](Self::call).
    ///
    /// # Errors
    /// Returns an error as [`call`](Self::call) does, except for [`CallError::Request`] and [`CallError::Reply`].
    pub async fn call_written(&self, to: Pid, term: Term, longest: Duration) -> Result<Message, CallError> {
        let caller = Guest::new(self.table())?;
        within(&caller.0, &to, longest, self.table().call(&caller.0, to, term)).await
    }

    /// Calls the process that is registered under `name` on the node `node`. The caller is the program; apart from
    /// that, this method behaves like [`Context::call_named`].
    ///
    /// # Errors
    /// Returns an error as [`Context::call_named`] and [`call`](Self::call) do.
    pub async fn call_named<T: DeserializeOwned>(
        &self,
        name: &str,
        node: &str,
        request: &(impl Serialize + ?Sized),
        longest: Duration,
    ) -> Result<T, CallError> {
        let term = term::write(request).map_err(CallError::Request)?;
        let caller = Guest::new(self.table())?;
        let call = self.table().call_named(&caller.0, name, node, term);
        read(within(&caller.0, &Named(name, node), longest, call).await?)
    }

    /// Returns the pid of the process that is registered under `name` on the node `node`, or `None` if no process
    /// holds the name. This method behaves like [`Context::whereis_on`], and like that method it has no time limit of
    /// its own.
    ///
    /// # Errors
    /// Returns an error as [`Context::whereis_on`] does, and [`MonitorNamedError::NoCaller`] if this node starts
    /// no more processes.
    pub async fn whereis_on(&self, name: &str, node: &str) -> Result<Option<Pid>, MonitorNamedError> {
        let asking = Guest::new(self.table()).map_err(MonitorNamedError::NoCaller)?;
        self.table().whereis_on(&asking.0, name, node).await
    }
}

/// Waits for a call until a time limit, and then abandons the call. The wait is boxed, so that calls do not make the
/// future of a process larger.
fn within<'c, T: 'c>(
    caller: &'c Cell,
    callee: &impl fmt::Display,
    longest: Duration,
    call: impl Future<Output = Result<T, CallError>> + 'c,
) -> impl Future<Output = Result<T, CallError>> {
    let span = span!(processes, DEBUG, "call", caller = %caller.pid(), %callee);
    let answered = span.around(Box::pin(caller.table().executor().at_most(longest, call)));
    async { answered.await.unwrap_or(Err(CallError::TimedOut)) }
}

/// The process that holds a name on a node.
struct Named<'n>(&'n str, &'n str);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", Shown(self.0), Shown(self.1))
    }
}

fn read<T: DeserializeOwned>(reply: Message) -> Result<T, CallError> {
    reply.term().map_err(CallError::Reply)
}

/// A process without a task, which makes a call for the program. It receives nothing, and others see it end when
/// this is dropped.
pub(super) struct Guest(Arc<Cell>);

impl Guest {
    pub(super) fn new(table: &Arc<ProcessTable>) -> Result<Self, super::SpawnError> {
        Ok(Self(table.add(Mailbox::closed())?))
    }

    pub(super) fn cell(&self) -> &Cell {
        &self.0
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        Ending::begin(&self.0, Reason::Normal).tell(usize::MAX);
    }
}
