//! Messages that go out in fragments, and the number of them that may be in progress. Specification:
//! `capabilities.md`, "Fragments".

use snow_dist_codec::Frame;
use snow_dist_codec::frame::Fragment;
use snow_dist_codec::limits::{FRAME_BYTES_MAX, LENGTH_PREFIX_BYTES};

use super::Haste;
use crate::core::handshake::Bounds;
use crate::core::limits::FRAGMENT_BYTES_MAX;

/// A message that goes out in fragments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::core::session) struct Long {
    /// The frame, with its length prefix, which is not sent.
    framed: Vec<u8>,
    /// The number of bytes of it that are written.
    written: usize,
    /// The number of the message, once it is in progress.
    number: Option<u64>,
}

impl Long {
    /// Creates a message of which nothing is written. `framed` is its frame, with its length prefix.
    pub(in crate::core::session) const fn new(framed: Vec<u8>) -> Self {
        Self { framed, written: LENGTH_PREFIX_BYTES, number: None }
    }

    /// Returns the number of bytes of the frame, without its length prefix, that are not written.
    pub(super) const fn bytes_left(&self) -> usize {
        self.framed.len().saturating_sub(self.written)
    }

    const fn total(&self) -> usize {
        self.framed.len().saturating_sub(LENGTH_PREFIX_BYTES)
    }
}

/// The messages that are in progress in fragments, against the bounds of the peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::core::session) struct Budget {
    /// The bytes of the frame in one fragment.
    piece_bytes: usize,
    /// The number of the last message that was begun.
    number: u64,
    count: u32,
    count_max: u32,
    /// The bytes of their whole frames, as the peer counts them.
    bytes: u64,
    bytes_max: u64,
}

/// The bytes of a FRAGMENT besides its payload, at most: tag, number, flags and total.
const HEAD_BYTES: usize = 14;

impl Budget {
    /// Creates the budget for the bounds that the peer has announced.
    pub(in crate::core::session) fn new(peer: &Bounds) -> Self {
        //= spec/capabilities.md#cap-frg-003
        //# A node MUST NOT write a FRAGMENT whose payload is longer than `fragment_bytes_max`.
        let fragment_bytes = FRAGMENT_BYTES_MAX.min(peer.frame_bytes) as usize;
        Self {
            piece_bytes: fragment_bytes.saturating_sub(HEAD_BYTES).max(1),
            count_max: peer.fragmented_messages,
            bytes_max: peer.reassembly_bytes,
            ..Self::default()
        }
    }

    /// Returns the largest number of bytes that the next fragment takes.
    pub(super) fn piece_bytes(&self, long: &Long) -> usize {
        LENGTH_PREFIX_BYTES + HEAD_BYTES + self.piece_bytes.min(long.bytes_left())
    }

    #[cfg(test)]
    pub(super) const fn under_way(&self) -> (u32, u64) {
        (self.count, self.bytes)
    }

    /// Appends the next fragment of a message to `out`. Returns `false` if the message has to wait until others are
    /// complete.
    pub(super) fn write_piece(&mut self, long: &mut Long, haste: Haste, out: &mut Vec<u8>) -> bool {
        let total = long.total();
        let begun = long.number.is_some();
        if !begun && !self.has_room(total, haste) {
            return false;
        }
        //= spec/capabilities.md#cap-frg-007
        //# A node MUST write the pieces of a frame in order, with bit 0 of `flags` set in the first, bit 1 in
        //# the last, and neither in any other.
        let number = *long.number.get_or_insert_with(|| self.begin(total));
        let end = long.framed.len().min(long.written + self.piece_bytes);
        let last = end == long.framed.len();
        //= spec/capabilities.md#cap-frg-006
        //# A node MUST write the length of the whole payload into `total` of its first FRAGMENT.
        let fragment = Fragment {
            number,
            total: if begun { None } else { u32::try_from(total).ok() },
            last,
            //= spec/capabilities.md#cap-frg-004
            //# A node MUST NOT write a FRAGMENT with an empty `payload`.
            payload: long.framed.get(long.written..end).unwrap_or_default(),
        };
        let written = Frame::from(fragment).encode_framed(FRAME_BYTES_MAX, out);
        debug_assert_eq!(written, Ok(()), "pieces are bounded");
        long.written = end;
        if last {
            self.count -= 1;
            self.bytes -= total as u64;
        }
        true
    }

    /// Returns `true` if a message may be begun. Half of what the peer holds is reserved for processes with a signal
    /// behind their message: the signal must not wait until a message of another process is complete.
    //= spec/capabilities.md#cap-frg-009
    //# A node MUST NOT begin a frame in fragments by which its unfinished frames would be more than the
    //# peer's fragmented_messages_max, or their totals together more than its reassembly_bytes_max.
    fn has_room(&self, total: usize, haste: Haste) -> bool {
        let share = if haste == Haste::Hasty || self.count == 0 { 1 } else { 2 };
        self.count < self.count_max / share && self.bytes + total as u64 <= self.bytes_max / u64::from(share)
    }

    fn begin(&mut self, total: usize) -> u64 {
        self.count += 1;
        self.bytes += total as u64;
        //= spec/capabilities.md#cap-frg-005
        //# A node MUST NOT write two frames in fragments with the same `number` in one session.
        self.number = self.number.wrapping_add(1);
        self.number
    }
}
