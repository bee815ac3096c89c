//! Wall time, processor time, memory.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use cpu_time::ProcessTime;

/// Wall and processor time from a start on.
#[derive(Debug)]
pub struct Stopwatch {
    wall: Instant,
    cpu: ProcessTime,
}

impl Stopwatch {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { cpu: ProcessTime::now(), wall: Instant::now() }
    }

    /// Time since the start.
    #[must_use]
    pub fn wall(&self) -> Duration {
        self.wall.elapsed()
    }

    /// Processor time of the whole process since the start.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        self.cpu.elapsed()
    }

    /// Returns `count` divided by the seconds that have passed.
    #[must_use]
    pub fn a_second(&self, count: usize) -> f64 {
        count as f64 / self.wall().as_secs_f64()
    }

    /// Nanoseconds of each of `count`.
    #[must_use]
    pub fn nanos_each(&self, count: usize) -> f64 {
        self.wall().as_secs_f64() * 1e9 / count as f64
    }
}

/// Processor time of this process since its start, in nanoseconds.
#[must_use]
pub fn cpu_ns() -> u64 {
    u64::try_from(ProcessTime::now().as_duration().as_nanos()).unwrap_or(u64::MAX)
}

/// Resident memory of this process.
///
/// # Errors
///
/// Returns an error if the operating system does not tell it.
pub fn resident_bytes() -> Result<u64> {
    let stats = memory_stats::memory_stats().context("this system does not tell the memory of a process")?;
    Ok(u64::try_from(stats.physical_mem)?)
}
