//! The one clock of a node: time since it started, as the core is told it.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::core::Patience;

/// Further in the future than any deadline that is worth keeping: a runtime's timer takes no arbitrary time.
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

    /// The instant of a time; of one that lies very far ahead, an instant that comes before it and is far away.
    pub(crate) fn at(self, time: Duration) -> Instant {
        self.origin + time.min(self.now().saturating_add(FAR))
    }

    /// Waits until this time, however far ahead it lies.
    pub(crate) async fn reach(self, time: Duration) {
        loop {
            sleep_until(self.at(time)).await;
            if self.now() >= time {
                return;
            }
        }
    }

    /// Waits for another node for so long; see [`Clock::wait`].
    pub(crate) async fn wait_for<T>(self, longest: Duration, coming: impl Future<Output = T>) -> Option<T> {
        self.wait(&mut Patience::new(longest, self.now()), coming).await
    }

    /// Waits for something of another node, as long as the patience lasts. What has arrived by then counts: a runtime
    /// looks for that before its timers go off, and `coming` is asked once more after they have.
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
    //# Of each of its first eight hold-ups within a time, a node MUST NOT count more than an eighth of that time
    //# against a peer.
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
