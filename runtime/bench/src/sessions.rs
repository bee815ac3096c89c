//! Many who send or call at once: what they come to together, and how much the slowest of them gets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::case::Job;
use crate::child::Values;
use crate::meter::cpu_ns;

/// Returns for how long all go on before they are measured.
pub(crate) fn warm_up(of: usize) -> Duration {
    window(of) / 4
}

/// Returns for how long so many are measured, so that each has several turns. A turn lasts until a queue is full, which
/// takes up to a thousand messages.
pub(crate) fn window(of: usize) -> Duration {
    let times = u32::try_from(of / MANY).unwrap_or(u32::MAX).max(1);
    Duration::from_secs(2) * times
}

/// So many have several turns each within two seconds.
const MANY: usize = 512;

/// What each of many has done so far.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<Vec<Arc<AtomicU64>>>);

/// The count of one of them.
#[derive(Debug)]
pub(crate) struct Count(Arc<AtomicU64>);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counts {
    /// A further one that counts.
    pub(crate) fn one(&self) -> Count {
        let count = Arc::default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&count));
        Count(count)
    }

    /// The counts, and the processor time of this process, at this time.
    pub(crate) fn mark(&self) -> Mark {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        Mark { at: Instant::now(), cpu_ns: cpu_ns(), counts }
    }
}

/// The counts at one time.
#[derive(Debug)]
pub(crate) struct Mark {
    at: Instant,
    cpu_ns: u64,
    counts: Vec<u64>,
}

impl Mark {
    /// What has been done since an earlier mark.
    pub(crate) fn since(&self, earlier: &Self) -> Window {
        let done = || self.counts.iter().zip(&earlier.counts).map(|(now, before)| now - before);
        Window {
            nanos: u64::try_from((self.at - earlier.at).as_nanos()).unwrap_or(u64::MAX),
            cpu_ns: self.cpu_ns - earlier.cpu_ns,
            counted: done().sum(),
            slowest: done().min().unwrap_or_default(),
        }
    }
}

/// What has been done between two marks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    nanos: u64,
    cpu_ns: u64,
    counted: u64,
    slowest: u64,
}

impl Window {
    /// The numbers that one side tells the other.
    pub(crate) const fn numbers(self) -> [u64; 4] {
        [self.nanos, self.cpu_ns, self.counted, self.slowest]
    }

    pub(crate) const fn of_numbers([nanos, cpu_ns, counted, slowest]: [u64; 4]) -> Self {
        Self { nanos, cpu_ns, counted, slowest }
    }

    pub(crate) fn a_second(self) -> f64 {
        self.counted as f64 / (self.nanos as f64 / 1e9)
    }

    /// Nanoseconds of a processor for each that was counted.
    pub(crate) fn cpu_each(self) -> f64 {
        self.cpu_ns as f64 / self.counted as f64
    }

    /// What the slowest of so many has done, by the mean.
    pub(crate) fn fairness(self, of: usize) -> f64 {
        self.slowest as f64 * of as f64 / self.counted as f64
    }

    /// What the pairs of all sessions come to, as the server has counted, for such processor time of the driver.
    pub(crate) fn values(self, driver_cpu: Duration, job: Job) -> Values {
        vec![
            ("messages_per_s", self.a_second()),
            ("driver_cpu_ns", driver_cpu.as_secs_f64() * 1e9 / self.counted as f64),
            ("server_cpu_ns", self.cpu_each()),
            ("fairness", self.fairness(job.all_pairs())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_measured_for_longer() {
        assert_eq!([1, 512, 4_096].map(window), [2, 2, 16].map(Duration::from_secs));
        assert_eq!(warm_up(1), Duration::from_millis(500));
    }

    #[test]
    fn a_window_knows_the_slowest() {
        let counts = Counts::default();
        let all = [counts.one(), counts.one(), counts.one()];
        all[1].add();
        let before = counts.mark();
        all.iter().for_each(Count::add);
        all[0].add();
        all[2].add();
        all[2].add();
        let window = counts.mark().since(&before);
        assert_eq!((window.counted, window.slowest), (6, 1));
        assert_eq!(window.fairness(3), 0.5);
        assert_eq!(Window::of_numbers(window.numbers()), window);
    }
}
