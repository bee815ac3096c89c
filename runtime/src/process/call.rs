//! Calls, as their callee has them.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use snow_dist_codec::stf;

use super::cell::Cell;
use super::error::ReplyError;
use super::{Message, NotHere, Received, term};
use crate::core::{Caller, Pid, Term, arc_bytes};
use crate::sync::{AtomicBool, Ordering};

/// A call that was received: a message that is a term, and whose sender waits for a reply.
///
/// [`reply`](Self::reply) ends it. Whoever cannot reply yet keeps it, or a [`Replier`] of it, and may send that to another task
/// or, by [`delegate`](Self::delegate), to another process of this node. When all clones of it and of its repliers are dropped
/// and none has replied, the caller is told at once ([`CallError::Unanswered`](super::CallError::Unanswered)). When the process
/// that was called ends, the caller is told its reason, whoever has the call then.
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
    /// Whether it is of use to tell the caller that nobody will reply.
    is_open: AtomicBool,
}

impl Call {
    pub(crate) fn new(callee: Arc<Cell>, caller: Caller, message: Message) -> Self {
        Self(Arc::new(Open { message, callee, caller, is_open: AtomicBool::new(true) }))
    }

    /// Bytes of memory that one keeps beside its message.
    pub(crate) const fn kept_bytes() -> usize {
        arc_bytes(size_of::<Open>())
    }

    /// Nobody is told when it is dropped.
    pub(crate) fn disarm(&self) {
        self.0.is_open.store(false, Ordering::Release);
    }

    /// Returns who has called, and waits for the reply. It may have given up meanwhile.
    #[must_use]
    pub fn from(&self) -> Pid {
        self.0.caller.pid
    }

    /// Returns the request as it came.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.0.message
    }

    /// Reads the request; as [`Message::term`].
    ///
    /// # Errors
    /// It is not a term of this type; where.
    pub fn term<'m, T: Deserialize<'m>>(&'m self) -> Result<T, stf::Error> {
        self.0.message.term()
    }

    /// Replies, and so ends the call; as [`Replier::reply`].
    ///
    /// # Errors
    /// As [`Replier::reply`].
    pub async fn reply(self, value: &(impl Serialize + ?Sized)) -> Result<(), ReplyError> {
        self.into_replier().reply(value).await
    }

    /// Returns what replies, without the request: for another task, or to be kept until there is a reply.
    #[must_use]
    pub fn into_replier(mut self) -> Replier {
        // What a peer has sent is not kept for longer than it is of use. A clone of the call still has it.
        if let Some(open) = Arc::get_mut(&mut self.0) {
            open.message = Message::new(Bytes::new());
        }
        Replier(self.0)
    }

    /// Hands the call to another process of this node, which receives it and replies in this one's stead. Waits while the mailbox
    /// of that process is full. If there is no such process, the caller is told that nobody replies.
    ///
    /// # Errors
    /// The process runs on another node. The caller is told that nobody replies.
    pub async fn delegate(self, to: Pid) -> Result<(), NotHere> {
        if !to.is_here() {
            return Err(NotHere(to));
        }
        let table = Arc::clone(self.0.callee.table());
        table.put_here(to, || Received::Call(self)).await;
        Ok(())
    }
}

/// Replies to a [`Call`], from any task and any thread. Dropped without a reply, it tells the caller so.
///
/// Clones are of the same call: the first that replies ends it.
#[derive(Clone)]
pub struct Replier(Arc<Open>);

impl Replier {
    /// Returns who has called, and waits for the reply. It may have given up meanwhile.
    #[must_use]
    pub fn caller(&self) -> Pid {
        self.0.caller.pid
    }

    /// The call with its request again, unless something else has kept it.
    pub(crate) fn into_call(mut self, message: Message) -> Call {
        if let Some(open) = Arc::get_mut(&mut self.0) {
            open.message = message;
        }
        Call(self.0)
    }

    /// Replies with a value as a term (STF), and so ends the call. Waits while the session's queue is full; what is still waiting
    /// when it is dropped is not sent, and the caller is told that nobody replies.
    ///
    /// # Errors
    /// [`ReplyError::Over`]: nobody waits for the reply any more. Otherwise the caller is told that nobody replies:
    /// [`ReplyError::Term`]: the value is no term. [`ReplyError::Refused`]: the other node does not take it.
    pub async fn reply(self, value: &(impl Serialize + ?Sized)) -> Result<(), ReplyError> {
        let term = term::write(value)?;
        self.reply_written(term).await
    }

    /// Replies with a term that is written already; else as [`reply`](Self::reply).
    ///
    /// # Errors
    /// As [`reply`](Self::reply), except for [`ReplyError::Term`].
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

/// Clones of one call are equal, and no other two.
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
