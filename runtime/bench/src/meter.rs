//! Wall time, processor time, memory.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use cpu_time::ProcessTime;

/// Wall and processor time from a start on.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    wall: Instant,
    cpu: ProcessTime,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { cpu: ProcessTime::now(), wall: Instant::now() }
    }

    pub(crate) fn wall(&self) -> Duration {
        self.wall.elapsed()
    }

    /// Processor time of the whole process.
    pub(crate) fn cpu(&self) -> Duration {
        self.cpu.elapsed()
    }
}

/// Processor time of this process since its start, in nanoseconds.
pub(crate) fn cpu_ns() -> u64 {
    u64::try_from(ProcessTime::now().as_duration().as_nanos()).unwrap_or(u64::MAX)
}

/// Resident memory of this process, in bytes.
pub(crate) fn resident_bytes() -> Result<u64> {
    let stats = memory_stats::memory_stats().context("this system does not tell the memory of a process")?;
    Ok(u64::try_from(stats.physical_mem)?)
}

/// The same; 0 where the system does not tell.
pub(crate) fn resident() -> u64 {
    resident_bytes().unwrap_or_default()
}

/// The middle value, or the mean of the two in the middle; NaN of none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = |at: usize| values.get(at).copied().unwrap_or(f64::NAN);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { middle(half) } else { (middle(half.wrapping_sub(1)) + middle(half)) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
    }
}
