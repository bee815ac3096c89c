//! What round trips beside long messages come to.

use crate::case::{DELAY_MESSAGE_BYTES, Job, TAIL_BYTES};
use crate::child::Values;
use crate::pingpong::Trips;

/// The long messages, as many as come to all bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flood {
    pub(crate) bytes: usize,
    pub(crate) count: usize,
}

impl Flood {
    pub(crate) fn new(job: Job) -> Self {
        // The longest ones have room in one frame.
        let bytes = job.size.min(DELAY_MESSAGE_BYTES);
        Self { bytes, count: TAIL_BYTES.checked_div(bytes).unwrap_or_default() }
    }

    /// Megabytes a second, of all messages.
    pub(crate) fn mb_per_s(self, seconds: f64) -> f64 {
        (self.bytes * self.count) as f64 / seconds / 1e6
    }
}

pub(crate) fn values(trips: Trips, mb_per_s: f64) -> Values {
    let mut values = trips.values();
    values.push(("mb_per_s", mb_per_s));
    values
}
