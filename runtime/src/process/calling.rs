//! Calls, and who has a name on another node, as whoever asks has them.

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

/// Calls.
impl Context {
    /// Calls a process: sends it a value as a term (STF), and waits for its reply, for at most so long. It receives
    /// [`Received::Call`](super::Received::Call).
    ///
    /// The reply does not go through the mailbox. It is found by the call's number, however much waits there, and one that comes
    /// too late goes nowhere. If this is dropped before it is ready, or its time is out, the call is given up: the callee may have
    /// received it, and may reply in vain. A process can have many calls at once.
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
    /// # Errors
    /// Returns [`CallError`] if there is no reply, or none of this type.
    pub async fn call<T: DeserializeOwned>(
        &self,
        to: Pid,
        request: &(impl Serialize + ?Sized),
        longest: Duration,
    ) -> Result<T, CallError> {
        let term = term::write(request).map_err(CallError::Request)?;
        read(self.call_written(to, term, longest).await?)
    }

    /// Calls whoever is registered under `name` on a node, this one or another; else as [`call`](Self::call). A missing port in
    /// the node's name is 9000.
    ///
    /// # Errors
    /// As [`call`](Self::call); [`CallError::Node`] if `node` is not a node name. If nobody has the name, the call ends with
    /// [`Reason::noproc`].
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

    /// Calls a process with a term that is written already, and gives the reply as it came; else as [`call`](Self::call).
    ///
    /// # Errors
    /// As [`call`](Self::call), except for [`CallError::Request`] and [`CallError::Reply`].
    pub async fn call_written(&self, to: Pid, term: Term, longest: Duration) -> Result<Message, CallError> {
        within(self.cell(), &to, longest, self.table().call(self.cell(), to, term)).await
    }

    /// Calls whoever has a name with a term that is written already, and gives the reply as it came; else as
    /// [`call_named`](Self::call_named).
    ///
    /// # Errors
    /// As [`call_named`](Self::call_named), except for [`CallError::Request`] and [`CallError::Reply`].
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

/// Names on other nodes.
impl Context {
    /// Monitors whoever is registered under `name` on a node, this one or another, and gives who that is: whom the name
    /// stands for and whom the monitor is of are settled at one moment. Its end becomes one [`Received::Down`]; who has the name
    /// after that does not matter. A missing port in the node's name is 9000.
    ///
    /// Nothing is monitored if this is dropped before it is ready.
    ///
    /// [`Received::Down`]: super::Received::Down
    ///
    /// # Errors
    /// Returns [`MonitorNamedError`] if nobody has the name, or nobody could be asked.
    pub async fn monitor_named(
        &self,
        name: &str,
        node: &str,
    ) -> Result<(MonitorRef, Pid), MonitorNamedError> {
        self.table().monitor_named(self.cell(), name, node).await
    }

    /// Who is registered under `name` on a node, this one or another, when it is asked; `None` if nobody is.
    ///
    /// # Errors
    /// As [`monitor_named`](Self::monitor_named), except for [`MonitorNamedError::Nobody`].
    pub async fn whereis_on(&self, name: &str, node: &str) -> Result<Option<Pid>, MonitorNamedError> {
        self.table().whereis_on(self.cell(), name, node).await
    }
}

/// Calls from outside of processes.
impl Node {
    /// Calls a process from the program, as [`Context::call`] does from a process. For the callee the caller is a process, which
    /// is there as long as the call.
    ///
    /// # Errors
    /// As [`Context::call`]; [`CallError::NoCaller`] if this node starts no process any more.
    pub async fn call<T: DeserializeOwned>(
        &self,
        to: Pid,
        request: &(impl Serialize + ?Sized),
        longest: Duration,
    ) -> Result<T, CallError> {
        let term = term::write(request).map_err(CallError::Request)?;
        read(self.call_written(to, term, longest).await?)
    }

    /// Calls a process from the program with a term that is written already, and gives the reply as it came; else as
    /// [`call`](Self::call).
    ///
    /// # Errors
    /// As [`call`](Self::call), except for [`CallError::Request`] and [`CallError::Reply`].
    pub async fn call_written(&self, to: Pid, term: Term, longest: Duration) -> Result<Message, CallError> {
        let caller = Guest::new(self.table())?;
        within(&caller.0, &to, longest, self.table().call(&caller.0, to, term)).await
    }

    /// Calls whoever has a name from the program, as [`Context::call_named`] does from a process.
    ///
    /// # Errors
    /// As [`Context::call_named`] and [`call`](Self::call).
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

    /// Who is registered under `name` on a node, as [`Context::whereis_on`].
    ///
    /// # Errors
    /// As [`Context::whereis_on`]; [`MonitorNamedError::NoCaller`] if this node starts no process any more.
    pub async fn whereis_on(&self, name: &str, node: &str) -> Result<Option<Pid>, MonitorNamedError> {
        let asking = Guest::new(self.table()).map_err(MonitorNamedError::NoCaller)?;
        self.table().whereis_on(&asking.0, name, node).await
    }
}

/// Waits for a call, for at most so long: then it is given up.
async fn within<T>(
    caller: &Cell,
    callee: &impl fmt::Display,
    longest: Duration,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let span = span!(processes, DEBUG, "call", caller = %caller.pid(), %callee);
    let answered = span.around(caller.table().executor().at_most(longest, call));
    answered.await.unwrap_or(Err(CallError::TimedOut))
}

/// Whoever has a name on a node.
struct Named<'n>(&'n str, &'n str);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", Shown(self.0), Shown(self.1))
    }
}

fn read<T: DeserializeOwned>(reply: Message) -> Result<T, CallError> {
    reply.term().map_err(CallError::Reply)
}

/// Who asks for the program: a process without a task that receives nothing, and that others see end when it is dropped.
pub(super) struct Guest(Arc<Cell>);

impl Guest {
    pub(super) fn new(table: &Arc<ProcessTable>) -> Result<Self, super::SpawnError> {
        table.add(Mailbox::closed()).map(Self)
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
