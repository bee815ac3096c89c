//! What round trips come to.

use std::time::Instant;

use crate::case::{TRIPS, WARM_UP_TRIPS};
use crate::child::Values;

/// Round trips: the first ones warm up.
#[derive(Debug)]
pub(crate) struct Trips {
    micros: Vec<f64>,
    begun: Instant,
}

impl Trips {
    pub(crate) fn new() -> Self {
        Self { micros: Vec::with_capacity(WARM_UP_TRIPS + TRIPS), begun: Instant::now() }
    }

    /// False once so many trips have been made as are measured.
    pub(crate) fn goes_on(&self) -> bool {
        self.micros.len() < WARM_UP_TRIPS + TRIPS
    }

    /// False once trips count.
    pub(crate) fn warm_up(&self) -> bool {
        self.micros.len() < WARM_UP_TRIPS
    }

    pub(crate) fn begin(&mut self) {
        self.begun = Instant::now();
    }

    pub(crate) fn end(&mut self) {
        self.micros.push(self.begun.elapsed().as_secs_f64() * 1e6);
    }

    pub(crate) fn values(self) -> Values {
        let Marks { p50, mean, p99, p999 } = self.marks();
        vec![("p50_us", p50), ("mean_us", mean), ("p99_us", p99), ("p999_us", p999)]
    }

    pub(crate) fn marks(mut self) -> Marks {
        let measured = self.micros.get_mut(WARM_UP_TRIPS..).unwrap_or_default();
        measured.sort_by(f64::total_cmp);
        let at = |of_1000: usize| measured.get(measured.len() * of_1000 / 1000).copied().unwrap_or(f64::NAN);
        let mean = measured.iter().sum::<f64>() / measured.len() as f64;
        Marks { p50: at(500), mean, p99: at(990), p999: at(999) }
    }
}

/// What the measured trips took, in microseconds: half of them, 99 of 100 and 999 of 1000 took no longer than this.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Marks {
    pub(crate) p50: f64,
    pub(crate) mean: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trips_that_warm_up_do_not_count() {
        let mut trips = Trips::new();
        trips.micros.resize(WARM_UP_TRIPS, 1e9);
        assert!(!trips.warm_up());
        trips.micros.extend((0..1_000).rev().map(f64::from));
        assert_eq!(trips.marks(), Marks { p50: 500.0, mean: 499.5, p99: 990.0, p999: 999.0 });
        assert!(Trips::new().marks().p50.is_nan());
    }
}
