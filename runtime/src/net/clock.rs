//! The one clock of a node: time since it started, as the core is told it.

use std::time::Duration;

use tokio::time::Instant;

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
}

#[cfg(test)]
mod tests {
    use super::*;

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
