//! The pid of a process that takes messages of one type.

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

/// The pid of a process, on whatever node, that takes messages of type `M`: see the [module](super).
///
/// It is written and read as a pid, so it can stand in messages. That the process takes messages of this type is a claim of whoever
/// has made the address; what it cannot read it passes over, and does not answer.
pub struct Address<M> {
    pid: Pid,
    of: PhantomData<fn(M)>,
}

/// Who sends or calls: a process by its [`Context`], or the program by its [`Node`].
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
    /// The address of a process that takes messages of this type.
    #[must_use]
    pub const fn of(pid: Pid) -> Self {
        Self { pid, of: PhantomData }
    }

    /// The process: to be linked, monitored, registered.
    #[must_use]
    pub const fn pid(self) -> Pid {
        self.pid
    }
}

impl<M: Serialize> Address<M> {
    /// Sends a message, from a process or from the program; as [`Context::send_term`].
    ///
    /// # Errors
    /// As [`Context::send_term`].
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

    /// Calls, from a process or from the program, and waits for the reply, for at most so long: `ask` is given the place of the reply, and
    /// gives the message in which it stands. Else as [`Context::call`].
    ///
    /// # Errors
    /// As [`Context::call`] and [`Node::call`]. [`CallError::Unanswered`] also if the callee cannot read the call.
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

    /// Sends a message after a time, once; as [`Context::send_term_after`].
    ///
    /// # Errors
    /// As [`Context::send_term_after`].
    pub fn send_after(self, from: &Context, delay: Duration, message: &M) -> Result<Timer, SendError> {
        from.send_term_after(delay, self.pid, message)
    }

    /// Sends a message again and again; as [`Context::send_term_every`].
    ///
    /// # Errors
    /// As [`Context::send_term_every`].
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

/// As [`Pid`]: in a term that is sent.
impl<M> Serialize for Address<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.pid.serialize(serializer)
    }
}

/// As [`Pid`]: from a term that was received.
impl<'de, M> Deserialize<'de> for Address<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Pid::deserialize(deserializer).map(Self::of)
    }
}
