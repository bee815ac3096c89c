//! Pauses before dials to peers that have given this node's place to another connection.
//!
//! If a peer ends a session with CLOSE 3 soon after this node has dialled it, most likely another node has this
//! node's name. If both dialled again at once, they would take the session away from each other without end. So each
//! waits, and longer each time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::core::limits::{RIVAL_PAUSE_MAX, RIVAL_PAUSE_MIN};

/// The number of doublings after which the pause has reached its maximum.
const DOUBLINGS_MAX: u32 = 16;

/// The peers that this node should not dial again at once, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Rivals {
    lost: BTreeMap<Arc<str>, Lost>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lost {
    /// The number of lost sessions in a row.
    times: u32,
    dial_at: Duration,
}

impl Rivals {
    /// Records that a session that this node has dialled was ended by its peer for another connection, `lasted` after
    /// it began.
    ///
    /// Returns the number of times that this has happened by now, each soon after the other. `random` is any number,
    /// so that two rivals do not dial in step.
    pub(super) fn lost(&mut self, name: &Arc<str>, now: Duration, lasted: Duration, random: u8) -> u32 {
        // Older entries no longer matter.
        self.lost.retain(|_, lost| now < lost.dial_at.saturating_add(RIVAL_PAUSE_MAX));
        // A rival would have come back earlier.
        if lasted >= RIVAL_PAUSE_MAX {
            self.lost.remove(name);
            return 0;
        }
        let lost = self.lost.entry(name.clone()).or_insert(Lost { times: 0, dial_at: now });
        let pause = RIVAL_PAUSE_MAX.min(RIVAL_PAUSE_MIN * 2_u32.pow(lost.times.min(DOUBLINGS_MAX)));
        // The pause is from half of the limit to all of it.
        lost.dial_at = now.saturating_add(pause / 2 + pause / 2 * u32::from(random) / 255);
        lost.times = lost.times.saturating_add(1);
        lost.times
    }

    /// Returns the time at which that peer may be dialled again, if that is not now.
    pub(super) fn dial_at(&self, name: &str, now: Duration) -> Option<Duration> {
        self.lost.get(name).map(|lost| lost.dial_at).filter(|at| now < *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "b@h:1";

    #[test]
    fn whoever_is_replaced_again_and_again_waits_longer_each_time_and_never_in_step() {
        let (mut rivals, mut now) = (Rivals::default(), Duration::from_secs(1_000));
        let mut longest = RIVAL_PAUSE_MIN;
        for times in 1..100 {
            assert_eq!(rivals.dial_at(NAME, now), None);
            let random = if times % 2 == 0 { 0 } else { 255 };
            assert_eq!(rivals.lost(&NAME.into(), now, Duration::ZERO, random), times);
            let pause = rivals.dial_at(NAME, now).unwrap() - now;
            assert_eq!(pause, if times % 2 == 0 { longest / 2 } else { longest });
            longest = RIVAL_PAUSE_MAX.min(longest * 2);
            now += pause;
        }
        assert_eq!(longest, RIVAL_PAUSE_MAX);
    }

    #[test]
    fn a_session_that_has_lasted_is_dialled_again_at_once() {
        let (mut rivals, now) = (Rivals::default(), Duration::from_secs(1_000));
        rivals.lost(&NAME.into(), now, Duration::ZERO, 0);
        assert_eq!(rivals.lost(&NAME.into(), now, RIVAL_PAUSE_MAX, 0), 0);
        assert_eq!(rivals.dial_at(NAME, now), None);
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let (mut rivals, now) = (Rivals::default(), Duration::from_secs(1_000));
        for number in 0..100 {
            rivals.lost(&format!("b{number}@h:1").into(), now, Duration::ZERO, 0);
        }
        rivals.lost(&NAME.into(), now + 2 * RIVAL_PAUSE_MAX, Duration::ZERO, 0);
        assert_eq!(rivals.lost.len(), 1);
    }
}
