//! Waiting, on a thread of the program.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome};
use crate::sigpipe;
use crate::types::snow_status;

/// How long a call may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeout(Option<Duration>);

impl Timeout {
    /// Waits as long as it takes.
    pub(crate) const NONE: Self = Self(None);

    /// So many milliseconds; as long as it takes if they are negative.
    pub(crate) fn of_millis(millis: i64) -> Self {
        Self(u64::try_from(millis).ok().map(Duration::from_millis))
    }

    pub(crate) const fn is_zero(self) -> bool {
        matches!(self.0, Some(Duration::ZERO))
    }

    /// When the wait is over, if ever.
    pub(crate) fn deadline(self) -> Option<Instant> {
        self.0.and_then(|longest| Instant::now().checked_add(longest))
    }
}

thread_local! {
    static OF_A_NODE: Cell<bool> = const { Cell::new(false) };
}

/// Makes this thread one that runs a node.
pub(crate) fn mark_thread() {
    sigpipe::keep_from_this_thread();
    OF_A_NODE.set(true);
}

/// Whoever waits on a thread of a node keeps that from doing what is waited for.
pub(crate) fn check_may_wait() -> Outcome<()> {
    if !OF_A_NODE.get() {
        return Ok(());
    }
    let message =
        "this call can wait, and a function that the library calls must not: make it on another thread";
    Err(Failure::new(snow_status::SNOW_ERROR_CALLBACK, message))
}

/// Waits for a future; dropped if it takes longer. `what` says what then has not happened.
pub(crate) fn wait<T>(future: impl Future<Output = T>, timeout: Timeout, what: &str) -> Outcome<T> {
    check_may_wait()?;
    let deadline = timeout.deadline();
    let alarm = Arc::new(Alarm { rung: AtomicBool::new(false), thread: thread::current() });
    let waker = Waker::from(Arc::clone(&alarm));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut cx) {
            return Ok(done);
        }
        // What only makes way for others has rung already, and is done the next time, however short the time.
        if !alarm.rings_before(deadline) {
            return Err(Failure::timeout(what));
        }
    }
}

struct Alarm {
    rung: AtomicBool,
    thread: Thread,
}

impl Alarm {
    /// Waits until it rings. `false` if it does not before the deadline.
    fn rings_before(&self, deadline: Option<Instant>) -> bool {
        while !self.rung.swap(false, Ordering::Acquire) {
            match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(Duration::ZERO) => return false,
                Some(left) => thread::park_timeout(left),
            }
        }
        true
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, poll_fn, ready};

    #[test]
    fn what_is_ready_needs_no_time_and_what_never_is_takes_all_of_it() {
        assert_eq!(wait(ready(7), Timeout::of_millis(0), "").unwrap(), 7);
        let status = |timeout| wait(pending::<()>(), timeout, "").unwrap_err().status;
        assert_eq!(status(Timeout::of_millis(0)), snow_status::SNOW_TIMEOUT);
        assert_eq!(status(Timeout::of_millis(3)), snow_status::SNOW_TIMEOUT);
    }

    #[test]
    fn what_makes_way_once_is_done_without_time() {
        let mut made_way = false;
        let makes_way = poll_fn(|cx| {
            if std::mem::replace(&mut made_way, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        });
        wait(makes_way, Timeout::of_millis(0), "").unwrap();
    }

    #[test]
    fn another_thread_ends_the_wait() {
        let (tell, told) = tokio::sync::oneshot::channel();
        let teller = thread::spawn(move || tell.send(7));
        assert_eq!(wait(told, Timeout::NONE, "").unwrap(), Ok(7));
        teller.join().unwrap().unwrap();
    }

    #[test]
    fn nothing_waits_on_a_thread_of_a_node() {
        let refused = thread::spawn(|| {
            mark_thread();
            wait(ready(()), Timeout::NONE, "").unwrap_err().status
        });
        assert_eq!(refused.join().unwrap(), snow_status::SNOW_ERROR_CALLBACK);
    }
}
