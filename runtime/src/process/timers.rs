//! Timers of a process: messages that it sends later, once or repeatedly.
//!
//! Each timer is a task of the node's runtime, which waits for its time, its cancellation and the end of its
//! process at once. There is no list of timers, and no timer outlives its process.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use super::cell::Cell;
use super::failures::Lost;
use super::remote::Sender;
use super::table::ProcessTable;
use super::{Context, Message, Payload, Refused, SendError, term};
use crate::clock::Clock;
use crate::core::limits::TIMER_INTERVAL_MIN;
use crate::core::{Pid, Term};
use crate::sync::{AtomicBool, Ordering};

/// A handle to a timer, which sends a message later. [`Context::send_after`] and related methods return it.
///
/// Dropping the handle does not stop the timer, so a process that only wants a reminder need not keep the handle. A
/// timer ends when it has sent its message (unless it repeats), when it is [cancelled](Self::cancel), and when the
/// process that has set it ends.
pub struct Timer(Arc<Shared>);

/// The state that a timer shares with its task.
#[derive(Default)]
struct Shared {
    /// `true` once the message was sent or the timer cancelled, whichever came first.
    is_decided: AtomicBool,
    cancelled: Notify,
}

impl Shared {
    /// Makes the decision. Returns `true` for the first caller only.
    fn decide(&self) -> bool {
        !self.is_decided.swap(true, Ordering::AcqRel)
    }
}

impl Timer {
    /// Stops the timer. Returns `true` if the timer was stopped in time, so that its message does not arrive. Returns
    /// `false` if the message has been sent or is being sent, or if the timer was cancelled before.
    ///
    /// After `false`, the message may be in the mailbox already, or may still arrive. To distinguish it from the
    /// message of a later timer, put a number into each message.
    ///
    /// For a repeating timer, the first call of this method returns `true`. A message that is being sent at that
    /// moment can still arrive, and messages that were sent before stay in the mailbox.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use snow_dist_runtime::{Context, Node, SendError};
    ///
    /// let node = Node::alone(tokio::runtime::Handle::current());
    /// # let (done, is_done) = tokio::sync::oneshot::channel();
    /// node.spawn(async move |mut ctx: Context| -> Result<(), SendError> {
    ///     // The number distinguishes the second timeout from the first one, which is cancelled too late.
    ///     let first = ctx.send_term_after(Duration::ZERO, ctx.pid(), &("time out", 1))?;
    ///     tokio::time::sleep(Duration::from_secs(1)).await;
    ///     assert!(!first.cancel());
    ///     ctx.send_term_after(Duration::from_secs(5), ctx.pid(), &("time out", 2))?;
    ///     while ctx.recv().await.into_message().is_none_or(|message| message.term() != Ok(("time out", 2))) {}
    /// #   let _ = done.send(());
    ///     Ok(())
    /// })?;
    /// # is_done.await?;
    /// # Ok(()) }
    /// ```
    pub fn cancel(&self) -> bool {
        let is_in_time = self.0.decide();
        if is_in_time {
            self.0.cancelled.notify_one();
        }
        is_in_time
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_decided = self.0.is_decided.load(Ordering::Acquire);
        f.debug_struct("Timer").field("is_decided", &is_decided).finish_non_exhaustive()
    }
}

/// Methods to set timers.
///
/// A timer sends as this process and ends when this process ends, even while its message waits for room. A delay can
/// have any length. If a message is refused, for example because another node does not accept its length, the refusal
/// is logged and the timer ends.
impl Context {
    /// Sets a timer that sends a message once, when `delay` is over, as [`send`](Self::send) does. Returns at once.
    /// Typically a process sends itself a reminder.
    ///
    /// # Errors
    /// Returns [`SendError::Refused`] with [`Refused::Ended`] if this process has ended.
    pub fn send_after(&self, delay: Duration, to: Pid, message: impl Payload) -> Result<Timer, SendError> {
        self.set_timer(delay, to, Content::Bytes(message.into_bytes()), once)
    }

    /// Sets a timer that sends a value as a term (STF) once, when `delay` is over. The value is encoded at once,
    /// before this method returns. See [`send_after`](Self::send_after) and [`send_term`](Self::send_term).
    ///
    /// # Errors
    /// Returns an error as [`send_after`](Self::send_after) does, and [`SendError::Term`] if the value cannot be
    /// written as a term.
    pub fn send_term_after(
        &self,
        delay: Duration,
        to: Pid,
        value: &(impl Serialize + ?Sized),
    ) -> Result<Timer, SendError> {
        self.set_timer(delay, to, Content::Term(term::write(value)?), once)
    }

    /// Sets a timer that sends a message repeatedly, for the first time after one interval, until it is cancelled or
    /// this process ends. Returns at once. The end of the receiver does not stop the timer.
    ///
    /// Messages do not pile up at a process of this node. The timer sends the next message only after the receiver
    /// has received the last one and dropped it, with all clones of its bytes. A receiver that keeps a message
    /// therefore gets no further one. If the receiver takes longer than one interval, the next message follows as
    /// soon as the last one is dropped, and the next interval begins then.
    ///
    /// If the receiver is a process of another node, the timer waits while the session's queue is full. An interval
    /// shorter than [`TIMER_INTERVAL_MIN`](crate::core::limits::TIMER_INTERVAL_MIN) (1 ms) is raised to that value.
    ///
    /// # Errors
    /// Returns an error as [`send_after`](Self::send_after) does.
    pub fn send_every(&self, interval: Duration, to: Pid, message: impl Payload) -> Result<Timer, SendError> {
        self.set_timer(interval, to, Content::Bytes(message.into_bytes()), again_and_again)
    }

    /// Sets a timer that sends a value as a term (STF) repeatedly. The value is encoded once, before this method
    /// returns. See [`send_every`](Self::send_every) and [`send_term`](Self::send_term).
    ///
    /// # Errors
    /// Returns an error as [`send_term_after`](Self::send_term_after) does.
    pub fn send_term_every(
        &self,
        interval: Duration,
        to: Pid,
        value: &(impl Serialize + ?Sized),
    ) -> Result<Timer, SendError> {
        self.set_timer(interval, to, Content::Term(term::write(value)?), again_and_again)
    }

    fn set_timer<Work: Future<Output = Result<(), SendError>> + Send + 'static>(
        &self,
        delay: Duration,
        to: Pid,
        content: Content,
        work: impl FnOnce(Due, Post) -> Work,
    ) -> Result<Timer, SendError> {
        let ended = self.cell().ended().ok_or(Refused::Ended)?;
        let shared = Arc::<Shared>::default();
        let due = Due { clock: Clock::start(), delay, shared: shared.clone() };
        let post = Post { cell: self.cell().clone(), to, content };
        // A runtime that is gone sends nothing, and its processes have ended.
        let table = self.table();
        table.executor().start(run(table.clone(), self.pid(), shared.clone(), ended, work(due, post)));
        Ok(Timer(shared))
    }
}

/// The task of a timer.
async fn run(
    table: Arc<ProcessTable>,
    process: Pid,
    shared: Arc<Shared>,
    mut ended: watch::Receiver<()>,
    work: impl Future<Output = Result<(), SendError>>,
) {
    let worked = tokio::select! {
        biased;
        () = shared.cancelled.notified() => Ok(()),
        // Nothing is ever said: its sender is dropped when the process ends.
        _ = ended.changed() => Ok(()),
        worked = work => worked,
    };
    match worked {
        Ok(()) | Err(SendError::Refused(Refused::Ended)) => {}
        Err(error) => table.tell_of_lost(process, &error, Lost::Unsent),
    }
}

/// The times at which a timer is due.
struct Due {
    clock: Clock,
    delay: Duration,
    shared: Arc<Shared>,
}

async fn once(Due { clock, delay, shared }: Due, post: Post) -> Result<(), SendError> {
    clock.reach(delay).await;
    if shared.decide() { post.send(None).await } else { Ok(()) }
}

async fn again_and_again(Due { clock, delay, shared }: Due, post: Post) -> Result<(), SendError> {
    let interval = delay.max(TIMER_INTERVAL_MIN);
    // The place of the one message that has not been received.
    let room = Arc::new(Semaphore::new(1));
    let mut due = interval;
    loop {
        clock.reach(due).await;
        // It is never closed.
        let place = Arc::clone(&room).acquire_owned().await.ok();
        if shared.is_decided.load(Ordering::Acquire) {
            return Ok(());
        }
        post.send(place).await?;
        // Late if one of the two above has waited.
        let (now, next) = (clock.now(), due.saturating_add(interval));
        due = if next < now { now.saturating_add(interval) } else { next };
    }
}

/// The message of a timer, with its sender and receiver.
struct Post {
    cell: Arc<Cell>,
    to: Pid,
    content: Content,
}

enum Content {
    Bytes(Bytes),
    Term(Term),
}

impl Post {
    /// Sends the message. A receiver of this node releases the permit when it drops the message.
    async fn send(&self, place: Option<OwnedSemaphorePermit>) -> Result<(), SendError> {
        let (table, from) = (self.cell.table(), Sender::process(&self.cell));
        if self.to.is_here() {
            return Ok(table
                .send_here(from, || table.get_pid(self.to), || self.content.message(place))
                .await?);
        }
        match self.content.clone() {
            Content::Bytes(bytes) => table.send(from, self.to, bytes).await,
            Content::Term(term) => table.send_term(from, self.to, term).await,
        }
    }
}

impl Clone for Content {
    fn clone(&self) -> Self {
        match self {
            Self::Bytes(bytes) => Self::Bytes(bytes.clone()),
            Self::Term(term) => Self::Term(term.clone()),
        }
    }
}

impl Content {
    fn message(&self, place: Option<OwnedSemaphorePermit>) -> Message {
        let placed = |bytes: Bytes| match place {
            Some(place) => Bytes::from_owner(Placed { bytes, _place: place }),
            None => bytes,
        };
        match self {
            Self::Bytes(bytes) => Message::new(placed(bytes.clone())),
            Self::Term(term) => {
                let (bytes, pids) = term.clone().into_local();
                Message::of_term(placed(bytes.into()), pids)
            }
        }
    }
}

/// The bytes of a message, with a permit that is released when they are dropped.
struct Placed {
    bytes: Bytes,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Placed {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use tokio::sync::oneshot;
    use tokio::task::yield_now;
    use tokio::time::sleep;

    use super::*;
    use crate::core::Reason;
    use crate::{Node, Received};

    const SECOND: Duration = Duration::from_secs(1);

    fn node() -> Node {
        Node::alone(tokio::runtime::Handle::current())
    }

    /// Runs a process, and gives what comes of it.
    async fn within<T: Send + 'static, Fut: Future<Output = T> + Send + 'static>(
        node: &Node,
        process: impl FnOnce(Context) -> Fut + Send + 'static,
    ) -> T {
        let (tell, told) = oneshot::channel();
        node.spawn(async move |ctx| drop(tell.send(process(ctx).await))).unwrap();
        told.await.unwrap()
    }

    fn text(received: &Received) -> &str {
        let Received::Message(message) = received else { panic!("{received:?}") };
        std::str::from_utf8(message.as_bytes()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn timers_go_off_in_the_order_of_their_times_whether_they_are_kept_or_not() {
        let node = node();
        let seen = within(&node, async |mut ctx: Context| {
            let began = Clock::start();
            for (seconds, message) in [(3, "three"), (1, "one"), (0, "none"), (2, "two")] {
                ctx.send_after(seconds * SECOND, ctx.pid(), message).unwrap();
            }
            let mut seen = Vec::new();
            for _ in 0..4 {
                seen.push((text(&ctx.recv().await).to_owned(), began.now().as_secs()));
            }
            seen
        });
        let expected = [("none", 0), ("one", 1), ("two", 2), ("three", 3)];
        assert_eq!(seen.await, expected.map(|(text, at)| (text.to_owned(), at)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancel_says_whether_it_was_in_time() {
        let node = node();
        within(&node, async |mut ctx: Context| {
            let timer = ctx.send_after(SECOND, ctx.pid(), "late").unwrap();
            assert_eq!([timer.cancel(), timer.cancel()], [true, false]);
            assert_eq!(ctx.recv_timeout(2 * SECOND).await, None);
            let timer = ctx.send_term_after(SECOND, ctx.pid(), &("it is", ctx.pid())).unwrap();
            sleep(2 * SECOND).await;
            assert!(!timer.cancel());
            let message = ctx.recv().await.into_message().unwrap();
            assert_eq!(message.term::<(&str, Pid)>(), Ok(("it is", ctx.pid())));
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn no_delay_is_too_long() {
        let node = node();
        within(&node, async |mut ctx: Context| {
            let began = Clock::start();
            let never = ctx.send_after(Duration::MAX, ctx.pid(), "never").unwrap();
            let every = ctx.send_every(Duration::MAX, ctx.pid(), "never").unwrap();
            let years = 3 * 365 * 24 * 3_600 * SECOND;
            ctx.send_after(years, ctx.pid(), "at last").unwrap();
            assert_eq!(text(&ctx.recv().await), "at last");
            assert_eq!(began.now().as_secs(), years.as_secs());
            assert!(never.cancel() && every.cancel());
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn timers_end_with_the_process_that_has_set_them() {
        let node = node();
        within(&node, async |mut receiver: Context| {
            let to = receiver.pid();
            let setter = receiver.spawn_monitor(async move |ctx: Context| {
                ctx.send_after(2 * SECOND, to, "once").unwrap();
                ctx.send_every(2 * SECOND, to, "again").unwrap();
                ctx.send_after(Duration::MAX, to, "never").unwrap();
                sleep(SECOND).await;
            });
            setter.unwrap();
            assert!(matches!(receiver.recv().await, Received::Down { .. }));
            assert_eq!(receiver.recv_timeout(10 * SECOND).await, None);
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_of_a_timer_is_left_when_its_process_has_ended() {
        let node = node();
        let (tell, told) = oneshot::channel();
        node.spawn(async move |ctx: Context| {
            ctx.send_after(Duration::MAX, ctx.pid(), "never").unwrap();
            let _ = tell.send(Arc::downgrade(ctx.cell()));
        })
        .unwrap();
        let cell = told.await.unwrap();
        while cell.upgrade().is_some() {
            yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_has_ended_sets_none() {
        let node = node();
        let ctx = within(&node, async |ctx| ctx).await;
        while node.process_count() > 0 {
            yield_now().await;
        }
        let refused = ctx.send_after(SECOND, ctx.pid(), "late").map(drop);
        assert_eq!(refused, Err(SendError::Refused(Refused::Ended)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_interval_keeps_its_times_and_does_not_pile_up() {
        let node = node();
        within(&node, async |mut ctx: Context| {
            let began = Clock::start();
            let timer = ctx.send_term_every(SECOND, ctx.pid(), "tick").unwrap();
            for second in 1..=3 {
                assert!(ctx.recv().await.into_message().is_some());
                assert_eq!(began.now().as_secs(), second);
            }
            // Slow for a while: one is there, and the next as soon as that one is dropped.
            sleep(10 * SECOND).await;
            let kept = ctx.recv().await;
            assert_eq!(ctx.recv_timeout(10 * SECOND).await, None);
            drop(kept);
            let dropped = Clock::start();
            for seconds in [0, 1] {
                assert!(ctx.recv().await.into_message().is_some());
                assert_eq!(dropped.now(), seconds * SECOND);
            }
            assert!(timer.cancel() && !timer.cancel());
            assert_eq!(ctx.recv_timeout(10 * SECOND).await, None);
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_interval_of_nothing_is_the_shortest_one() {
        let node = node();
        within(&node, async |mut ctx: Context| {
            let began = Clock::start();
            ctx.send_every(Duration::ZERO, ctx.pid(), "tick").unwrap();
            for _ in 0..100 {
                ctx.recv().await;
            }
            assert_eq!(began.now(), 100 * TIMER_INTERVAL_MIN);
            Reason::Normal
        })
        .await;
    }
}
