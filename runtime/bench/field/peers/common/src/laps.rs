//! The results of messages in one direction.

use std::time::Duration;

use crate::Values;
use crate::meter::Stopwatch;

/// Laps of the same messages: the first warms up, the last counts.
#[derive(Debug)]
pub struct Laps {
    bytes: usize,
    count: usize,
    watch: Stopwatch,
    wall: Duration,
    cpu: Duration,
    server_cpu_ns: [u64; 2],
}

impl Laps {
    /// The number of laps.
    pub const COUNT: usize = 2;

    /// Laps of `count` messages of `bytes` each.
    #[must_use]
    pub fn new(bytes: usize, count: usize) -> Self {
        Self {
            bytes,
            count,
            watch: Stopwatch::start(),
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
            server_cpu_ns: [0; 2],
        }
    }

    /// Starts a lap.
    pub fn start(&mut self) {
        self.watch = Stopwatch::start();
    }

    /// Ends a lap, at whose end the server had used so much processor time since its start.
    pub fn end(&mut self, server_cpu_ns: u64) {
        (self.wall, self.cpu) = (self.watch.wall(), self.watch.cpu());
        self.server_cpu_ns = [self.server_cpu_ns[1], server_cpu_ns];
    }

    /// Messages a second, and nothing else.
    #[must_use]
    pub fn rate(&self) -> Values {
        vec![("messages_per_s", self.count as f64 / self.wall.as_secs_f64())]
    }

    /// All that a lap between two processes comes to.
    #[must_use]
    pub fn values(&self) -> Values {
        let count = self.count as f64;
        let [before, after] = self.server_cpu_ns;
        let mut values = self.rate();
        values.extend([
            ("mb_per_s", count * self.bytes as f64 / self.wall.as_secs_f64() / 1e6),
            ("driver_cpu_ns", self.cpu.as_secs_f64() * 1e9 / count),
            ("server_cpu_ns", after.saturating_sub(before) as f64 / count),
        ]);
        values
    }
}
