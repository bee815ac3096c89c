//! What the linked pairs come to.

use std::time::Duration;

use crate::case::PAIRS;
use crate::child::Values;
use crate::meter::Stopwatch;

/// How long both sides rest before their memory is read and the first process ends.
pub(crate) const SETTLE: Duration = Duration::from_millis(200);

/// `watch` has run since the first process was told to end; the others are by how many bytes each side has grown.
pub(crate) fn values(watch: &Stopwatch, driver_grown: u64, server_grown: u64) -> Values {
    let count = PAIRS as f64;
    vec![
        ("exits_per_s", count / watch.wall().as_secs_f64()),
        ("driver_cpu_ns", watch.cpu().as_secs_f64() * 1e9 / count),
        ("driver_bytes", driver_grown as f64 / count),
        ("server_bytes", server_grown as f64 / count),
    ]
}
