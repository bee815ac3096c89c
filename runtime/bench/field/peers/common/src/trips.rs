//! The results of round trips.

use std::time::Instant;

use crate::Values;

/// Round trips: the first ones warm up.
#[derive(Debug)]
pub struct Trips {
    micros: Vec<f64>,
    begun: Instant,
}

impl Trips {
    /// Round trips that warm up.
    pub const WARM_UP: usize = 2_000;
    /// Round trips that are measured, where nothing else says how long they go on.
    pub const MEASURED: usize = 20_000;

    /// No trip has begun.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it holds the time of its making")]
    pub fn new() -> Self {
        Self { micros: Vec::with_capacity(Self::WARM_UP + Self::MEASURED), begun: Instant::now() }
    }

    /// True until the trips that warm up have been made.
    #[must_use]
    pub fn warms_up(&self) -> bool {
        self.micros.len() < Self::WARM_UP
    }

    /// True until all trips have been made.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.micros.len() < Self::WARM_UP + Self::MEASURED
    }

    /// Begins a trip.
    pub fn begin(&mut self) {
        self.begun = Instant::now();
    }

    /// Ends the trip that has begun.
    pub fn end(&mut self) {
        self.micros.push(self.begun.elapsed().as_secs_f64() * 1e6);
    }

    /// Median and mean, and the trips that only one of a hundred and one of a thousand are longer than.
    #[must_use]
    pub fn values(mut self) -> Values {
        let mut measured = self.micros.split_off(Self::WARM_UP.min(self.micros.len()));
        measured.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let index = (measured.len() as f64 * part) as usize;
            measured.get(index).copied().unwrap_or_default()
        };
        let mean = measured.iter().sum::<f64>() / measured.len().max(1) as f64;
        vec![("p50_us", at(0.5)), ("mean_us", mean), ("p99_us", at(0.99)), ("p999_us", at(0.999))]
    }
}
