//! The limit on how often children may be restarted.

use std::collections::VecDeque;
use std::time::Duration;

use super::RESTARTS_BOUND_MAX;

/// The restarts within a period.
#[derive(Debug)]
pub(super) struct Intensity {
    pub(super) max: u32,
    pub(super) within: Duration,
    restarts: VecDeque<Duration>,
}

impl Intensity {
    /// Creates the limit. `max` is reduced to [`RESTARTS_BOUND_MAX`], because each restart is remembered for the
    /// period.
    pub(super) fn new(max: u32, within: Duration) -> Self {
        Self { max: max.min(RESTARTS_BOUND_MAX), within, restarts: VecDeque::new() }
    }

    /// Counts a restart. Returns `false` if it exceeds the limit.
    pub(super) fn allows(&mut self, now: Duration) -> bool {
        let is_over = |at: &Duration| now.saturating_sub(*at) > self.within;
        while self.restarts.front().is_some_and(is_over) {
            self.restarts.pop_front();
        }
        let allowed = self.restarts.len() < self.max as usize;
        if allowed {
            self.restarts.push_back(now);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_count_for_their_time() {
        let at = Duration::from_secs;
        let mut intensity = Intensity::new(2, Duration::from_secs(5));
        assert!(intensity.allows(at(0)));
        assert!(intensity.allows(at(3)));
        assert!(!intensity.allows(at(5)));
        assert!(intensity.allows(at(6)));
        assert!(!Intensity::new(0, Duration::MAX).allows(at(0)));
    }
}
