//! The time for which this node waits for another one. Specification: `connection.md`, "Time".
//!
//! A node stalls while its process is stopped, its machine sleeps, or a thread is busy with something else. A stalled
//! node does not read, so the time of a stall is no evidence against a peer. No one tells the node of a stall. But
//! the node checks the clock several times within a wait, and a check that comes far too late shows that the node has
//! not run in between. So it does not matter whether the clock goes on during a stall.

use std::time::Duration;

use super::limits::{HOLD_UPS_MAX, PATIENCE_PARTS};

/// A timer for a wait for another node, which leaves out stalls of this node.
///
/// The first [`HOLD_UPS_MAX`] stalls within one wait do not count. Of each later stall, at most an eighth of the wait
/// counts ([`PATIENCE_PARTS`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Patience {
    left: Duration,
    /// The time between two checks.
    part: Duration,
    looked: Duration,
    hold_ups: u32,
}

impl Patience {
    /// Starts a wait of `time` at `now`.
    #[must_use]
    pub fn new(time: Duration, now: Duration) -> Self {
        let part = (time / PATIENCE_PARTS).saturating_add(Duration::from_nanos(1)).min(time);
        Self { left: time, part, looked: now, hold_ups: 0 }
    }

    /// Counts the time that has passed until `now`, and returns `true` if the wait is over.
    ///
    /// Before this call, handle everything that has arrived by `now`. Make the call at the time that
    /// [`look_at`](Self::look_at) returns: a call that comes far later counts as a stall of this node.
    //= spec/connection.md#con-tim-001
    //# A node MUST NOT count its first eight stalls within a time against a peer, nor more than an eighth of
    //# that time for a later one.
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

    /// Returns the time at which [`is_over`](Self::is_over) must be called next.
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

    /// Checks whenever it is time to, and returns the time at which the patience is over.
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
    //# A node MUST NOT count its first eight stalls within a time against a peer, nor more than an eighth of
    //# that time for a later one.
    #[test]
    fn a_hold_up_counts_for_nothing_wherever_it_falls() {
        for looks in 0..8 {
            let mut patience = Patience::new(8 * SECOND, SECOND);
            for _ in 0..looks {
                assert!(!patience.is_over(patience.look_at()));
            }
            let (before, woken) = (patience.look_at() - SECOND, patience.look_at() + HOUR);
            assert!(!patience.is_over(woken));
            // The time waited before the stall and the time waited after it make up the whole.
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
