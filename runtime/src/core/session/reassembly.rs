//! Messages of the peer that come in pieces. Specification: `capabilities.md`, "Fragments".

use std::collections::BTreeMap;

use snow_dist_codec::frame::Fragment;

use super::Ending;
use crate::core::handshake::Bounds;
use crate::core::limits::FRAGMENTED_FRAME_BYTES_MAX;

/// Messages that have come in part, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Reassembly {
    unfinished: BTreeMap<u64, Part>,
    count_max: usize,
    /// Bytes of all of them when they are whole.
    bytes: u64,
    bytes_max: u64,
}

/// What has come of a message's frame.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Part {
    bytes: Vec<u8>,
    total: usize,
}

impl Reassembly {
    /// For a session in which this node holds so much for the peer.
    pub(super) fn new(own: &Bounds) -> Self {
        let count_max = usize::try_from(own.fragmented_messages).unwrap_or(usize::MAX);
        Self { count_max, bytes_max: own.reassembly_bytes, ..Self::default() }
    }

    /// How many there are, and bytes that have come of them.
    pub(super) fn kept(&self) -> (usize, usize) {
        (self.unfinished.len(), self.unfinished.values().map(|part| part.bytes.len()).sum())
    }

    /// Adds a piece: the payload of the frame that is whole now, if one is.
    pub(super) fn add(&mut self, fragment: &Fragment<'_>) -> Result<Option<Vec<u8>>, Ending> {
        let number = fragment.number;
        //= spec/capabilities.md#cap-frg-019
        //# A node MUST end the session if it reads a FRAGMENT without a byte of `payload`.
        if fragment.payload.is_empty() {
            return Err(broken(number, "has a piece without a byte"));
        }
        if let Some(total) = fragment.total {
            self.begin(fragment, total)?;
        }
        //= spec/capabilities.md#cap-frg-014
        //# A node MUST end the session if it reads a FRAGMENT that is not the first of its frame and whose
        //# `number` is that of no unfinished frame.
        let Some(part) = self.unfinished.get_mut(&number) else {
            return Err(broken(number, "was not begun"));
        };
        part.add(fragment)?;
        if !fragment.last {
            return Ok(None);
        }
        let whole = self.unfinished.remove(&number).unwrap_or_default();
        self.bytes -= whole.total as u64;
        Ok(Some(whole.bytes))
    }

    fn begin(&mut self, fragment: &Fragment<'_>, total: u32) -> Result<(), Ending> {
        let number = fragment.number;
        //= spec/capabilities.md#cap-frg-013
        //# A node MUST end the session if it reads the first FRAGMENT of a frame with the `number` of an
        //# unfinished one.
        if self.unfinished.contains_key(&number) {
            return Err(broken(number, "is begun twice"));
        }
        //= spec/capabilities.md#cap-frg-015
        //# A node MUST end the session if it reads a first FRAGMENT whose `payload` does not begin with the
        //# tag of SEND, REG_SEND or SEND_TERM.
        if !fragment.begins_message() {
            return Err(broken(number, "is no message"));
        }
        //= spec/capabilities.md#cap-frg-016
        //# A node MUST end the session if it reads a FRAGMENT with a `total` above
        //# `fragmented_frame_bytes_max`.
        if total > FRAGMENTED_FRAME_BYTES_MAX {
            return Err(broken(number, "is too long"));
        }
        //= spec/capabilities.md#cap-frg-017
        //# A node MUST end the session if it reads a first FRAGMENT by which the unfinished frames would be
        //# more than its fragmented_messages_max, or their totals together more than its reassembly_bytes_max.
        if self.unfinished.len() >= self.count_max || self.bytes + u64::from(total) > self.bytes_max {
            return Err(broken(number, "is one too many"));
        }
        self.bytes += u64::from(total);
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        self.unfinished.insert(number, Part { bytes: Vec::new(), total });
        Ok(())
    }
}

impl Part {
    fn add(&mut self, fragment: &Fragment<'_>) -> Result<(), Ending> {
        let piece = fragment.payload;
        let length = self.bytes.len() + piece.len();
        //= spec/capabilities.md#cap-frg-018
        //# A node MUST end the session if the pieces of a frame are longer together than its `total`, or if
        //# its last FRAGMENT is not the one with which they are as long.
        if length > self.total || fragment.last != (length == self.total) {
            return Err(broken(fragment.number, "is not as long as it said"));
        }
        self.reserve(length);
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    //= spec/capabilities.md#cap-frg-020
    //# A node MUST NOT reserve memory for an unfinished frame by its `total`.
    fn reserve(&mut self, length: usize) {
        if self.bytes.capacity() < length {
            let capacity = length.max(2 * self.bytes.len()).min(self.total);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
    }
}

fn broken(number: u64, what: &str) -> Ending {
    Ending::Protocol(format!("the frame of fragments {number} {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    //= spec/capabilities.md#cap-frg-020
    //= type=test
    //# A node MUST NOT reserve memory for an unfinished frame by its `total`.
    #[test]
    fn memory_follows_what_has_come() {
        let mut reassembly = Reassembly::new(&Bounds::default());
        let piece = [0x10; 1_000];
        for count in 1..100 {
            let total = (count == 1).then_some(100_000);
            reassembly.add(&Fragment { number: 1, total, last: false, payload: &piece }).unwrap();
            let part = reassembly.unfinished.get(&1).unwrap();
            assert_eq!(part.bytes.len(), count * piece.len());
            assert!(part.bytes.capacity() <= 2 * part.bytes.len(), "{}", part.bytes.capacity());
        }
        let last = Fragment { number: 1, total: None, last: true, payload: &piece };
        let whole = reassembly.add(&last).unwrap().unwrap();
        assert_eq!((whole.len(), whole.capacity(), reassembly.kept()), (100_000, 100_000, (0, 0)));
        assert_eq!(reassembly.bytes, 0);
    }
}
