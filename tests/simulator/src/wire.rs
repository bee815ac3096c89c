//! One direction of a connection: bytes that arrive late, in pieces of any size, all, in part, or never.

use std::collections::VecDeque;

use crate::random::Random;

/// Microseconds of virtual time.
pub(crate) type Time = u64;

/// Never.
pub(crate) const NEVER: Time = Time::MAX;

/// So much time passes at most between bytes of one write, unless the wire is held: whoever waits for a sign of life must not
/// wait for the end of a long message.
const PIECE_MILLISECONDS: u64 = 250;

/// How a direction behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// How long bytes are under way, at least.
    pub(crate) latency: Time,
    /// How much longer, at most.
    pub(crate) jitter: Time,
    /// Bytes in a millisecond.
    pub(crate) rate: u64,
    /// Bytes that are taken and not read yet, at most.
    pub(crate) window: usize,
}

/// What reading gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Bytes(usize),
    /// Nothing has arrived.
    Pending,
    /// The stream has ended, or failed.
    Over,
}

#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) manner: Manner,
    bytes: Vec<u8>,
    /// What of `bytes` has been read.
    read: usize,
    /// Offsets in the stream, and when all before them has arrived.
    arrivals: VecDeque<(Time, u64)>,
    read_in_all: u64,
    last_arrival: Time,
    held_until: Time,
    ends_at: Option<Time>,
    /// Writes fail from here on.
    pub(crate) broken_at: Time,
    /// Nothing that is written arrives any more.
    silent: bool,
    /// Bytes that were taken since, and are still thought to be under way.
    swallowed: usize,
    /// The writer waits until something is read.
    pub(crate) is_awaited: bool,
}

impl Wire {
    pub(crate) fn new(manner: Manner) -> Self {
        Self {
            manner,
            bytes: Vec::new(),
            read: 0,
            arrivals: VecDeque::new(),
            read_in_all: 0,
            last_arrival: 0,
            held_until: 0,
            ends_at: None,
            broken_at: NEVER,
            silent: false,
            swallowed: 0,
            is_awaited: false,
        }
    }

    /// When all that was written has arrived.
    pub(crate) const fn last_arrival(&self) -> Time {
        self.last_arrival
    }

    /// Bytes under way.
    pub(crate) fn under_way(&self) -> usize {
        self.bytes.len() - self.read
    }

    /// Takes as many of the bytes as there is room for; `None` if writing fails.
    pub(crate) fn write(&mut self, now: Time, bytes: &[u8], random: &mut Random) -> Option<usize> {
        if now >= self.broken_at {
            return None;
        }
        let room = self.manner.window.saturating_sub(self.under_way() + self.swallowed);
        let taken = bytes.len().min(room);
        self.is_awaited = taken < bytes.len();
        if self.silent || self.ends_at.is_some() {
            self.swallowed += taken;
        } else if taken > 0 {
            self.put(now, &bytes[..taken], random);
        }
        Some(taken)
    }

    fn put(&mut self, now: Time, bytes: &[u8], random: &mut Random) {
        if self.read == self.bytes.len() {
            self.bytes.clear();
            self.read = 0;
        }
        let mut end = self.read_in_all + self.under_way() as u64;
        self.bytes.extend_from_slice(bytes);
        let mut rest = bytes.len() as u64;
        let mut at = self.last_arrival.max(now + self.manner.latency + random.below(self.manner.jitter + 1));
        while rest > 0 {
            // Most writes arrive whole or with the next; some are split, at any byte.
            let piece = if random.chance(250) { random.range(1, rest) } else { rest };
            // A slow one does not keep bytes until many have come.
            let piece = piece.min(self.manner.rate * PIECE_MILLISECONDS);
            rest -= piece;
            end += piece;
            at = at.max(self.held_until) + piece * 1_000 / self.manner.rate;
            self.arrivals.push_back((at, end));
            self.last_arrival = at;
            at += random.below(self.manner.jitter + 1);
        }
    }

    /// Appends what has arrived, at most so many bytes.
    pub(crate) fn read(&mut self, now: Time, bytes_max: usize, inbox: &mut Vec<u8>) -> Read {
        let mut arrived = self.read_in_all;
        while let Some(&(at, end)) = self.arrivals.front() {
            if at > now || arrived - self.read_in_all >= bytes_max as u64 {
                break;
            }
            arrived = end;
            self.arrivals.pop_front();
        }
        let count = ((arrived - self.read_in_all) as usize).min(bytes_max);
        if self.read_in_all + (count as u64) < arrived {
            self.arrivals.push_front((now, arrived));
        }
        if count == 0 {
            let is_over = self.ends_at.is_some_and(|at| now >= at) && self.arrivals.is_empty();
            return if is_over { Read::Over } else { Read::Pending };
        }
        inbox.extend_from_slice(&self.bytes[self.read..self.read + count]);
        self.read += count;
        self.read_in_all += count as u64;
        Read::Bytes(count)
    }

    /// When there is something to be read.
    pub(crate) fn next_arrival(&self) -> Option<Time> {
        self.arrivals.front().map(|(at, _)| *at).or_else(|| self.ends_at.filter(|at| *at != NEVER))
    }

    /// Ends the stream behind the first `bytes_kept` bytes that are under way. The reader learns of it at `at`, or
    /// never; the writer from `broken_at` on.
    pub(crate) fn cut(&mut self, bytes_kept: usize, at: Time, broken_at: Time) {
        let end = self.read_in_all + bytes_kept.min(self.under_way()) as u64;
        self.swallowed += self.under_way() - (end - self.read_in_all) as usize;
        self.bytes.truncate(self.read + (end - self.read_in_all) as usize);
        while self.arrivals.back().is_some_and(|(_, until)| *until > end) {
            let (at, _) = self.arrivals.pop_back().unwrap_or_default();
            let before = self.arrivals.back().map_or(self.read_in_all, |(_, until)| *until);
            if before < end {
                self.arrivals.push_back((at, end));
                break;
            }
        }
        self.ends_at = Some(self.ends_at.map_or(at, |ends_at| ends_at.min(at)).max(self.last_kept()));
        self.broken_at = self.broken_at.min(broken_at);
    }

    fn last_kept(&self) -> Time {
        self.arrivals.back().map_or(0, |(at, _)| *at)
    }

    /// The writer has closed: the stream ends behind all that it has written.
    pub(crate) fn close(&mut self, now: Time) {
        if self.ends_at.is_none() && !self.silent {
            self.ends_at = Some(self.last_arrival.max(now + self.manner.latency).max(self.held_until));
        }
    }

    /// Nothing that is written from now on arrives, and nobody is told.
    pub(crate) fn silence(&mut self) {
        self.silent = true;
    }

    /// Nothing arrives before `until`.
    pub(crate) fn hold(&mut self, until: Time) {
        self.held_until = self.held_until.max(until);
        self.last_arrival = self.last_arrival.max(until);
        for (at, _) in &mut self.arrivals {
            *at = (*at).max(until);
        }
        self.ends_at = self.ends_at.map(|at| at.max(until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANNER: Manner = Manner { latency: 10, jitter: 5, rate: 1_000, window: 100 };

    fn read_all(wire: &mut Wire, bytes_max: usize) -> (Vec<u8>, Read) {
        let mut inbox = Vec::new();
        loop {
            match wire.read(1_000_000, bytes_max, &mut inbox) {
                Read::Bytes(_) => {}
                last => return (inbox, last),
            }
        }
    }

    #[test]
    fn what_is_written_arrives_whole_and_in_order() {
        let mut random = Random::new(1, 1);
        for bytes_max in [1, 7, 1_000] {
            let mut wire = Wire::new(MANNER);
            let bytes: Vec<u8> = (0..90).collect();
            for part in bytes.chunks(13) {
                assert_eq!(wire.write(5, part, &mut random), Some(part.len()));
            }
            assert_eq!(wire.read(10, 1_000, &mut Vec::new()), Read::Pending);
            assert_eq!(read_all(&mut wire, bytes_max), (bytes, Read::Pending));
        }
    }

    #[test]
    fn a_full_wire_takes_no_more() {
        let (mut wire, mut random) = (Wire::new(MANNER), Random::new(1, 1));
        assert_eq!(wire.write(0, &[1; 150], &mut random), Some(100));
        assert!(wire.is_awaited);
        assert_eq!(wire.write(0, &[1; 50], &mut random), Some(0));
        read_all(&mut wire, 60);
        assert_eq!(wire.write(0, &[1; 50], &mut random), Some(50));
    }

    #[test]
    fn a_slow_wire_brings_bytes_all_the_time() {
        let mut wire = Wire::new(Manner { rate: 1, window: 2_000, ..MANNER });
        assert_eq!(wire.write(0, &[1; 2_000], &mut Random::new(3, 1)), Some(2_000));
        let (mut last, mut read) = (0, 0);
        while let Some(at) = wire.next_arrival() {
            assert!(at - last <= (PIECE_MILLISECONDS + 1) * 1_000, "{last} to {at}");
            last = at;
            let mut inbox = Vec::new();
            wire.read(at, 2_000, &mut inbox);
            read += inbox.len();
        }
        assert_eq!(read, 2_000);
    }

    #[test]
    fn a_cut_keeps_a_beginning_and_ends_the_stream() {
        let mut random = Random::new(2, 1);
        for kept in 0..=60 {
            let mut wire = Wire::new(MANNER);
            let bytes: Vec<u8> = (0..50).collect();
            wire.write(0, &bytes, &mut random);
            wire.cut(kept, 500, 600);
            assert_eq!(wire.write(599, &[9; 3], &mut random), Some(3));
            assert_eq!(wire.write(600, &[9; 3], &mut random), None);
            assert_eq!(read_all(&mut wire, 1_000), (bytes[..kept.min(50)].to_vec(), Read::Over));
        }
    }
}
