//! What the round trips come to.

use std::time::Instant;

use crate::case::{TRIPS, WARM_UP_TRIPS};
use crate::child::Values;
use crate::meter::median;

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

    /// Begins a trip, unless all have been made.
    pub(crate) fn begin(&mut self) -> bool {
        self.begun = Instant::now();
        self.micros.len() < WARM_UP_TRIPS + TRIPS
    }

    pub(crate) fn end(&mut self) {
        self.micros.push(self.begun.elapsed().as_secs_f64() * 1e6);
    }

    pub(crate) fn values(self) -> Values {
        let measured = self.micros.get(WARM_UP_TRIPS..).unwrap_or_default();
        let mean = measured.iter().sum::<f64>() / measured.len() as f64;
        vec![("p50_us", median(measured.iter().copied())), ("mean_us", mean)]
    }
}
