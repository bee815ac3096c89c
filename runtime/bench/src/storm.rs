//! What a storm of connections comes to.

use std::time::Duration;

use crate::child::Values;

/// So many sessions were up after `wall`, for which the server has used `cpu_ns` of a processor.
pub(crate) fn values(sessions: usize, wall: Duration, cpu_ns: u64) -> Values {
    vec![("all_up_ms", wall.as_secs_f64() * 1e3), ("up_cpu_us", cpu_ns as f64 / 1e3 / sessions as f64)]
}
