//! One direction of a connection.

use std::collections::VecDeque;
use std::time::Duration;

/// Bytes under way from one end to the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Wire {
    under_way: VecDeque<(Duration, Vec<u8>)>,
    lost: bool,
    silent: bool,
}

impl Wire {
    /// Bytes that will have arrived at `arrival`. Those written after a loss go nowhere.
    pub(super) fn put(&mut self, arrival: Duration, bytes: Vec<u8>) {
        if !self.lost && !self.silent && !bytes.is_empty() {
            self.under_way.push_back((arrival, bytes));
        }
    }

    /// Takes at most `bytes_max` of what has arrived by `now`.
    pub(super) fn take(&mut self, now: Duration, bytes_max: usize) -> Vec<u8> {
        let mut taken = Vec::new();
        while let Some((arrival, bytes)) = self.under_way.front_mut() {
            let room = bytes_max - taken.len();
            if *arrival > now || room == 0 {
                break;
            }
            let rest = bytes.split_off(room.min(bytes.len()));
            taken.append(bytes);
            *bytes = rest;
            if bytes.is_empty() {
                self.under_way.pop_front();
            }
        }
        taken
    }

    /// The connection is lost: of what is under way only the first `bytes_kept` still arrive.
    pub(super) fn lose(&mut self, bytes_kept: usize) {
        let kept = self.take(Duration::MAX, bytes_kept);
        self.under_way.clear();
        if !kept.is_empty() {
            self.under_way.push_back((Duration::ZERO, kept));
        }
        self.lost = true;
    }

    /// From now on nothing arrives, and nobody is told.
    pub(super) fn silence(&mut self) {
        self.under_way.clear();
        self.silent = true;
    }

    /// Whether a reader would find the end of the stream.
    pub(super) fn is_over(&self) -> bool {
        self.lost && self.under_way.is_empty()
    }

    /// When the next bytes arrive.
    pub(super) fn next_arrival(&self) -> Option<Duration> {
        self.under_way.front().map(|(arrival, _)| *arrival)
    }
}
