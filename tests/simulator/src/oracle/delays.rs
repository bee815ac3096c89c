//! How many bytes of other processes stand before a signal of one, at one end of a session.
//!
//! As `connection.md` counts them (CON-QUE-008): bytes that have left the queue and wait for the transport to take them
//! when the signal comes to be owed, and messages that are written until it is written, but not those of processes that
//! have a signal waiting as well. A signal that has become void waits like others until what its process had sent before
//! it is written: the core finds out then.

use rustc_hash::FxHashMap;
use snow_dist_codec::frame::Fragment;

#[derive(Debug, Default)]
pub(super) struct Delays {
    /// Bytes of messages that were written of processes without a signal, in all and by process.
    written: u64,
    written_by: FxHashMap<u32, u64>,
    /// Signals that are owed and not written, by process.
    owed: FxHashMap<u32, u32>,
    /// Messages of each process: those that are sent, those that are written, and those that were sent before its
    /// last signal that has become void.
    messages: FxHashMap<u32, Messages>,
    /// Bytes that are written and that the transport has not taken.
    pub(super) unsent: u64,
    /// Whose the messages are that are written in pieces.
    pieces: FxHashMap<u64, u32>,
}

#[derive(Debug, Default)]
struct Messages {
    sent: u64,
    written: u64,
    before_void: u64,
}

impl Delays {
    /// A process sends a message.
    pub(super) fn sent(&mut self, local: u32) {
        self.messages.entry(local).or_default().sent += 1;
    }

    /// A signal of a process comes to be owed. Gives what has gone until then, to be handed to [`Delays::pay`].
    pub(super) fn owe(&mut self, local: u32) -> u64 {
        *self.owed.entry(local).or_default() += 1;
        self.others(local).wrapping_sub(self.unsent)
    }

    /// It is written. Gives the bytes that stood before it.
    pub(super) fn pay(&mut self, local: u32, gone: u64) -> u64 {
        self.forgive(local);
        self.others(local).wrapping_sub(gone)
    }

    /// It has become void.
    pub(super) fn make_void(&mut self, local: u32) {
        self.forgive(local);
        let messages = self.messages.entry(local).or_default();
        messages.before_void = messages.sent;
    }

    fn forgive(&mut self, local: u32) {
        if let Some(count) = self.owed.get_mut(&local) {
            *count -= 1;
            if *count == 0 {
                self.owed.remove(&local);
            }
        }
    }

    /// A message is written.
    pub(super) fn wrote(&mut self, local: u32, bytes: usize) {
        self.wrote_part(local, bytes);
        self.messages.entry(local).or_default().written += 1;
    }

    fn wrote_part(&mut self, local: u32, bytes: usize) {
        let messages = self.messages.get(&local);
        let has_void = messages.is_some_and(|messages| messages.written < messages.before_void);
        if !has_void && !self.owed.contains_key(&local) {
            self.written += bytes as u64;
            *self.written_by.entry(local).or_default() += bytes as u64;
        }
    }

    /// A piece of a message is written; its sender is known by the first.
    pub(super) fn wrote_piece(&mut self, piece: &Fragment<'_>, from: Option<u32>, bytes: usize) {
        if let Some(from) = from {
            self.pieces.insert(piece.number, from);
        }
        let from = self.pieces.get(&piece.number).copied().unwrap_or_default();
        if piece.last {
            self.pieces.remove(&piece.number);
            self.wrote(from, bytes);
        } else {
            self.wrote_part(from, bytes);
        }
    }

    fn others(&self, local: u32) -> u64 {
        self.written - self.written_by.get(&local).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_others_without_a_signal_stand_before_one() {
        let mut delays = Delays::default();
        delays.wrote(2, 1_000);
        delays.unsent = 30;
        let gone = delays.owe(1);
        delays.wrote(1, 500);
        delays.wrote(2, 70);
        let other = delays.owe(2);
        delays.wrote(2, 900);
        assert_eq!(delays.pay(1, gone), 100);
        assert_eq!(delays.pay(2, other), 30);
    }
}
