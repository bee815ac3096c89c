//! The clock of a node: the time since it was started, as the core is given it.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::core::Patience;

/// A time that is further ahead than any useful deadline: a runtime's timer does not accept arbitrary times.
const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the only place that reads a clock")]
    pub(crate) fn start() -> Self {
        Self { origin: Instant::now() }
    }

    pub(crate) fn now(self) -> Duration {
        self.origin.elapsed()
    }

    /// Returns the instant of a time. For a time that is very far ahead, returns an earlier instant that is still
    /// far away.
    pub(crate) fn at(self, time: Duration) -> Instant {
        self.origin + time.min(self.now().saturating_add(FAR))
    }

    /// Waits until this time, however far ahead it is.
    pub(crate) async fn reach(self, time: Duration) {
        loop {
            sleep_until(self.at(time)).await;
            if self.now() >= time {
                return;
            }
        }
    }

    /// Waits for another node until a time limit. See [`Clock::wait`].
    pub(crate) async fn wait_for<T>(self, longest: Duration, coming: impl Future<Output = T>) -> Option<T> {
        self.wait(&mut Patience::new(longest, self.now()), coming).await
    }

    /// Waits for something from another node, as long as `patience` lasts. Everything that has arrived by then
    /// counts: a runtime checks for arrivals before its timers expire, and `coming` is polled once more after they
    /// have.
    pub(crate) async fn wait<T>(self, patience: &mut Patience, coming: impl Future<Output = T>) -> Option<T> {
        let mut coming = pin!(coming);
        let mut timer = pin!(sleep_until(self.at(patience.look_at())));
        poll_fn(|cx| {
            loop {
                let is_due = timer.is_elapsed();
                if let Poll::Ready(done) = coming.as_mut().poll(cx) {
                    return Poll::Ready(Some(done));
                }
                if is_due {
                    if patience.is_over(self.now()) {
                        return Poll::Ready(None);
                    }
                    timer.as_mut().reset(self.at(patience.look_at()));
                }
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_does_not_come_is_waited_for_as_long_as_was_said() {
        let clock = Clock::start();
        assert_eq!(clock.wait_for(Duration::from_secs(7), pending::<()>()).await, None);
        assert_eq!(clock.now().as_secs(), 7);
    }

    //= spec/connection.md#con-tim-001
    //= type=test
    //# A node MUST NOT count its first eight stalls within a time against a peer, nor more than an eighth of
    //# that time for a later one.
    #[tokio::test(start_paused = true)]
    async fn what_comes_while_the_node_is_held_up_is_in_time() {
        let clock = Clock::start();
        let (tell, told) = tokio::sync::oneshot::channel();
        let held_up = async {
            tokio::task::yield_now().await;
            // No task runs for a minute; the answer comes three seconds after it.
            advance(Duration::from_secs(60)).await;
            sleep_until(clock.at(Duration::from_secs(63))).await;
            tell.send("an answer").unwrap();
        };
        let (waited, ()) = tokio::join!(clock.wait_for(Duration::from_secs(7), told), held_up);
        assert_eq!(waited, Some(Ok("an answer")));
    }

    #[tokio::test]
    async fn no_time_is_too_far_ahead() {
        let clock = Clock::start();
        let soon = clock.now() + Duration::from_secs(1);
        assert_eq!(clock.at(soon), clock.origin + soon);
        for never in [Duration::MAX, Duration::from_secs(u64::MAX)] {
            assert!(clock.at(never) > clock.origin + FAR);
        }
    }
}
