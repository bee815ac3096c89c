//! The typed address of a process.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::Reply;
use crate::core::Pid;
use crate::node::Node;
use crate::process::{CallError, Context, SendError, Timer, term};

/// The pid of a process that accepts messages of type `M`. The process can be on any node. See the [module](super).
///
/// An address is encoded as a pid, so it can be part of a message. The code that creates an address asserts that the
/// process accepts type `M`; nothing checks this. A server ignores and logs a message that it cannot decode. A call
/// that it cannot decode fails with [`CallError::Unanswered`].
pub struct Address<M> {
    pid: Pid,
    of: PhantomData<fn(M)>,
}

/// The sender of a message or call. It is created from a `&Context`, which stands for the process, or from a `&Node`,
/// which stands for the program.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Speaker<'a> {
    /// A process.
    Process(&'a Context),
    /// The program.
    Program(&'a Node),
}

impl<'a> From<&'a Context> for Speaker<'a> {
    fn from(context: &'a Context) -> Self {
        Self::Process(context)
    }
}

impl<'a> From<&'a mut Context> for Speaker<'a> {
    fn from(context: &'a mut Context) -> Self {
        Self::Process(context)
    }
}

impl<'a> From<&'a Node> for Speaker<'a> {
    fn from(node: &'a Node) -> Self {
        Self::Program(node)
    }
}

impl<M> Address<M> {
    /// Creates the address of a process from its pid. The process must accept messages of type `M`.
    #[must_use]
    pub const fn of(pid: Pid) -> Self {
        Self { pid, of: PhantomData }
    }

    /// Returns the pid of the process, for example to link or monitor it.
    #[must_use]
    pub const fn pid(self) -> Pid {
        self.pid
    }
}

impl<M: Serialize> Address<M> {
    /// Sends a message to the process, from a process or from the program. See [`Context::send_term`].
    ///
    /// # Errors
    /// Returns an error as [`Context::send_term`] does.
    pub fn send<'a>(
        self,
        from: impl Into<Speaker<'a>>,
        message: &M,
    ) -> impl Future<Output = Result<(), SendError>> + Send {
        let (from, term) = (from.into(), term::write(message));
        async move {
            match from {
                Speaker::Process(context) => context.send_written_term(self.pid, term?).await,
                Speaker::Program(node) => node.send_written_term(self.pid, term?).await,
            }
        }
    }

    /// Calls the process, from a process or from the program. Waits for at most `longest` for the reply, and returns
    /// it.
    ///
    /// The closure `ask` receives the [`Reply`] of this call, and returns the message that contains it. See
    /// [`Context::call`] for the rest.
    ///
    /// # Errors
    /// Returns an error as [`Context::call`] and [`Node::call`] do. [`CallError::Unanswered`] can also mean that
    /// the callee cannot decode the call.
    pub fn call<'a, T: DeserializeOwned>(
        self,
        from: impl Into<Speaker<'a>>,
        ask: impl FnOnce(Reply<T>) -> M,
        longest: Duration,
    ) -> impl Future<Output = Result<T, CallError>> + Send {
        let (from, term) = (from.into(), term::write(&ask(Reply::asked_for())));
        async move {
            let term = term.map_err(CallError::Request)?;
            let reply = match from {
                Speaker::Process(context) => context.call_written(self.pid, term, longest).await?,
                Speaker::Program(node) => node.call_written(self.pid, term, longest).await?,
            };
            reply.term().map_err(CallError::Reply)
        }
    }

    /// Sets a timer of the process `from` that sends a message once after a delay. See [`Context::send_term_after`].
    ///
    /// # Errors
    /// Returns an error as [`Context::send_term_after`] does.
    pub fn send_after(self, from: &Context, delay: Duration, message: &M) -> Result<Timer, SendError> {
        from.send_term_after(delay, self.pid, message)
    }

    /// Sets a timer of the process `from` that sends a message repeatedly. See [`Context::send_term_every`].
    ///
    /// # Errors
    /// Returns an error as [`Context::send_term_every`] does.
    pub fn send_every(self, from: &Context, interval: Duration, message: &M) -> Result<Timer, SendError> {
        from.send_term_every(interval, self.pid, message)
    }
}

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Address<M> {}

impl<M> PartialEq for Address<M> {
    fn eq(&self, other: &Self) -> bool {
        self.pid == other.pid
    }
}

impl<M> Eq for Address<M> {}

impl<M> Hash for Address<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pid.hash(state);
    }
}

impl<M> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.pid).finish()
    }
}

/// Encodes the address as its [`Pid`], within a term that is sent.
impl<M> Serialize for Address<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.pid.serialize(serializer)
    }
}

/// Decodes the address from a [`Pid`] within a term that was received.
impl<'de, M> Deserialize<'de> for Address<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Pid::deserialize(deserializer).map(Self::of)
    }
}
