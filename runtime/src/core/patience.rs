//! How long another node is waited for. Specification: `connection.md`, "Time".
//!
//! A node that was held up has not waited: its process was stopped, its machine slept, a thread was busy with something
//! else. Nobody tells it so. But it looks at its patience several times before that is over, and a look that comes far
//! too late shows that it has not run in between. So it does not matter whether its clock went on meanwhile.

use std::time::Duration;

use super::limits::{HOLD_UPS_MAX, PATIENCE_PARTS};

/// How much longer another node is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Patience {
    left: Duration,
    /// The time between two looks.
    part: Duration,
    looked: Duration,
    hold_ups: u32,
}

impl Patience {
    /// Waits for so long, from now on.
    #[must_use]
    pub fn new(time: Duration, now: Duration) -> Self {
        let part = (time / PATIENCE_PARTS).saturating_add(Duration::from_nanos(1)).min(time);
        Self { left: time, part, looked: now, hold_ups: 0 }
    }

    /// Looks at the clock. Returns `true` if the patience is over. What has arrived by now must have been handled
    /// before.
    //= spec/connection.md#con-tim-001
    //# Of each of its first eight hold-ups within a time, a node MUST NOT count more than an eighth of that time
    //# against a peer.
    pub fn is_over(&mut self, now: Duration) -> bool {
        let passed = now.saturating_sub(self.looked);
        self.looked = self.looked.max(now);
        let was_held_up = passed > self.part.saturating_mul(2);
        if was_held_up && self.hold_ups < HOLD_UPS_MAX {
            self.hold_ups += 1;
        } else {
            self.left = self.left.saturating_sub(passed.min(self.part));
        }
        self.left.is_zero()
    }

    /// When to look next.
    #[must_use]
    pub fn look_at(&self) -> Duration {
        self.looked.saturating_add(self.left.min(self.part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: Duration = Duration::from_secs(3_600);

    /// Looks whenever it is time to; gives when the patience is over.
    fn over_at(mut patience: Patience) -> Duration {
        loop {
            let now = patience.look_at();
            if patience.is_over(now) {
                return now;
            }
        }
    }

    #[test]
    fn who_runs_waits_for_as_long_as_was_said() {
        for millis in [0, 1, 7, 100, 15_000] {
            let time = Duration::from_millis(millis);
            assert_eq!(over_at(Patience::new(time, HOUR)), HOUR + time);
        }
        let always = Patience::new(Duration::MAX, HOUR);
        assert!(always.look_at() > 1_000_000 * HOUR);
    }

    #[test]
    fn looks_between_change_nothing() {
        let mut patience = Patience::new(8 * SECOND, SECOND);
        for millis in (0..8_000).step_by(100) {
            assert!(!patience.is_over(SECOND + Duration::from_millis(millis)));
        }
        assert_eq!(over_at(patience), 9 * SECOND);
    }

    //= spec/connection.md#con-tim-001
    //= type=test
    //# Of each of its first eight hold-ups within a time, a node MUST NOT count more than an eighth of that time
    //# against a peer.
    #[test]
    fn a_hold_up_counts_for_nothing_wherever_it_falls() {
        for looks in 0..8 {
            let mut patience = Patience::new(8 * SECOND, SECOND);
            for _ in 0..looks {
                assert!(!patience.is_over(patience.look_at()));
            }
            let (before, woken) = (patience.look_at() - SECOND, patience.look_at() + HOUR);
            assert!(!patience.is_over(woken));
            // What the node waited before it was held up, and what it waits now, is the whole.
            let after = over_at(patience) - woken;
            let off = (before + after).abs_diff(9 * SECOND);
            assert!(off < Duration::from_millis(1), "{before:?} and {after:?}");
        }
    }

    #[test]
    fn who_is_held_up_all_the_time_still_comes_to_an_end() {
        let mut patience = Patience::new(8 * SECOND, SECOND);
        let late = |looks: u32| SECOND + HOUR * looks;
        let over = (1..100).find(|looks| patience.is_over(late(*looks)));
        assert_eq!(over, Some(HOLD_UPS_MAX + PATIENCE_PARTS));
    }
}
