//! Calls, on the side of the callee.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use snow_dist_codec::stf;

use super::cell::Cell;
use super::error::ReplyError;
use super::{Message, NotHere, term};
use crate::core::{Caller, Pid, Term, arc_bytes};
use crate::sync::{AtomicBool, Ordering};

/// A received call: a message that is a term, and whose sender waits for a reply.
///
/// [`reply`](Self::reply) answers the call. To answer later, keep the call or its [`Replier`]; both can be moved to
/// another task. To let another process of this node answer, use [`delegate`](Self::delegate).
///
/// If all clones of the call and of its repliers are dropped without a reply, the caller immediately receives
/// [`CallError::Unanswered`](super::CallError::Unanswered). If the called process ends, the caller receives
/// [`CallError::Ended`](super::CallError::Ended) with the reason, even if another task still holds the call.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use snow_dist_runtime::{Context, Node, Received};
///
/// let node = Node::alone(tokio::runtime::Handle::current());
/// let doubler = node.spawn(async |mut ctx: Context| {
///     while let Received::Call(call) = ctx.recv().await {
///         match call.term::<i64>() {
///             Ok(number) => drop(call.reply(&(2 * number)).await),
///             Err(_) => {} // Dropped: its caller is told that there is no reply.
///         }
///     }
/// })?;
/// let doubled: i64 = node.call(doubler, &21, Duration::from_secs(5)).await?;
/// assert_eq!(doubled, 42);
/// # Ok(()) }
/// ```
///
/// Specification: `capabilities.md`, "Calls".
#[derive(Clone)]
pub struct Call(Arc<Open>);

struct Open {
    message: Message,
    callee: Arc<Cell>,
    caller: Caller,
    /// `true` while the caller should still be told that nobody will reply.
    is_open: AtomicBool,
}

impl Call {
    pub(crate) fn new(callee: Arc<Cell>, caller: Caller, message: Message) -> Self {
        Self(Arc::new(Open { message, callee, caller, is_open: AtomicBool::new(true) }))
    }

    /// Returns the bytes of memory that a call takes in addition to its message.
    pub(crate) const fn kept_bytes() -> usize {
        arc_bytes(size_of::<Open>())
    }

    /// Prevents the notice to the caller when this is dropped.
    pub(crate) fn disarm(&self) {
        self.0.is_open.store(false, Ordering::Release);
    }

    /// Returns the pid of the process that has made the call. That process waits for the reply, unless it has given up
    /// or ended in the meantime.
    #[must_use]
    pub fn from(&self) -> Pid {
        self.0.caller.pid
    }

    /// Returns the request as it was received.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.0.message
    }

    /// Decodes the request, as [`Message::term`] does.
    ///
    /// # Errors
    /// Returns an error if the request is not a term of type `T`. The error contains the position at which decoding
    /// failed.
    pub fn term<'m, T: Deserialize<'m>>(&'m self) -> Result<T, stf::Error> {
        self.0.message.term()
    }

    /// Sends the reply, which ends the call. See [`Replier::reply`].
    ///
    /// # Errors
    /// Returns an error as [`Replier::reply`] does.
    pub async fn reply(self, value: &(impl Serialize + ?Sized)) -> Result<(), ReplyError> {
        self.into_replier().reply(value).await
    }

    /// Returns the replier of the call and drops the request, to reply later or from another task.
    #[must_use]
    pub fn into_replier(mut self) -> Replier {
        // What a peer has sent is not kept for longer than it is of use. A clone of the call still has it.
        if let Some(open) = Arc::get_mut(&mut self.0) {
            open.message = Message::new(Bytes::new());
        }
        Replier(self.0)
    }

    /// Hands the call to another process of this node, which receives it and replies in place of this one.
    ///
    /// Waits while the mailbox of that process is full. If the future is dropped while it waits, the call is dropped.
    /// `Ok` does not mean that the process has received the call: if the process does not exist or ends first, the
    /// call is dropped as well. The caller of a dropped call receives
    /// [`CallError::Unanswered`](super::CallError::Unanswered).
    ///
    /// # Errors
    /// Returns [`NotHere`] if the process runs on another node. The call is then dropped as well.
    pub async fn delegate(self, to: Pid) -> Result<(), NotHere> {
        if !to.is_here() {
            return Err(NotHere(to));
        }
        let table = Arc::clone(self.0.callee.table());
        table.delegate(self, to).await;
        Ok(())
    }
}

/// A handle that replies to a [`Call`], from any task and any thread.
///
/// All clones belong to one call, and the first clone that replies ends the call. If all clones are dropped without a
/// reply, the caller receives [`CallError::Unanswered`](super::CallError::Unanswered).
#[derive(Clone)]
pub struct Replier(Arc<Open>);

impl Replier {
    /// Returns the pid of the process that has made the call. That process waits for the reply, unless it has given up
    /// or ended in the meantime.
    #[must_use]
    pub fn caller(&self) -> Pid {
        self.0.caller.pid
    }

    /// Rejoins the call with its request, unless something else holds the request.
    pub(crate) fn into_call(mut self, message: Message) -> Call {
        if let Some(open) = Arc::get_mut(&mut self.0) {
            open.message = message;
        }
        Call(self.0)
    }

    /// Replies with a value as a term (STF), which ends the call.
    ///
    /// If the caller is on another node, this waits while the session's queue is full. If the future is dropped while
    /// it waits, no reply is sent, and the caller receives [`CallError::Unanswered`](super::CallError::Unanswered).
    ///
    /// # Errors
    /// - [`ReplyError::Over`] if no caller waits for the reply any more.
    /// - [`ReplyError::Term`] if the value cannot be written as a term.
    /// - [`ReplyError::Refused`] if the other node does not accept the reply, for example because it is too long.
    ///
    /// After `Term` and `Refused` the caller receives [`CallError::Unanswered`](super::CallError::Unanswered).
    pub async fn reply(self, value: &(impl Serialize + ?Sized)) -> Result<(), ReplyError> {
        let term = term::write(value)?;
        self.reply_written(term).await
    }

    /// Replies with a term that is already written. This method otherwise behaves like [`reply`](Self::reply).
    ///
    /// # Errors
    /// Returns an error as [`reply`](Self::reply) does, except for [`ReplyError::Term`].
    pub async fn reply_written(self, term: Term) -> Result<(), ReplyError> {
        let Open { callee, caller, is_open, .. } = &*self.0;
        let replied = callee.table().reply(callee, caller, term).await;
        if matches!(replied, Ok(()) | Err(ReplyError::Over)) {
            is_open.store(false, Ordering::Release);
        }
        replied
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.is_open.load(Ordering::Acquire) {
            self.callee.let_go(self.caller);
        }
    }
}

/// Two calls are equal if they are clones of one call.
impl PartialEq for Call {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Call {}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("from", &self.from()).field("message", self.message()).finish()
    }
}

impl fmt::Debug for Replier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replier").field("caller", &self.caller()).finish_non_exhaustive()
    }
}
