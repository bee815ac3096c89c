//! Messages of the peer that come in fragments. Specification: `capabilities.md`, "Fragments".

use std::collections::BTreeMap;

use snow_dist_codec::frame::{CallHead, Fragment};

use super::Ending;
use crate::core::Processes;
use crate::core::handshake::Bounds;
use crate::core::limits::{FRAGMENTED_FRAME_BYTES_MAX, MESSAGE_BYTES_COUNTED};

/// The messages that have arrived in part, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Reassembly {
    unfinished: BTreeMap<u64, Part>,
    count_max: usize,
    /// The bytes of all of them when they are complete.
    bytes: u64,
    bytes_max: u64,
    /// The bytes of memory that are kept of them.
    kept: usize,
}

/// The state of a message's frame that has arrived in part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Part {
    total: usize,
    come: usize,
    /// All bytes that have arrived. If the message is dropped, only its head, and the rest is skipped.
    bytes: Vec<u8>,
    is_dropped: bool,
}

/// A message's frame that has arrived to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// The payload of the frame.
    Kept(Vec<u8>),
    /// There was no room for the frame. This is the beginning of its payload.
    Dropped(Vec<u8>),
}

impl Reassembly {
    /// Creates an empty state for the bounds that this node has announced.
    pub(super) fn new(own: &Bounds) -> Self {
        let count_max = usize::try_from(own.fragmented_messages).unwrap_or(usize::MAX);
        Self { count_max, bytes_max: own.reassembly_bytes, ..Self::default() }
    }

    /// Returns the number of incomplete messages, including those that are skipped, and the bytes that are kept of
    /// them.
    pub(super) fn kept(&self) -> (usize, usize) {
        (
            self.unfinished.len(),
            self.unfinished.values().filter(|part| !part.is_dropped).map(|part| part.bytes.len()).sum(),
        )
    }

    /// Adds a fragment. Returns the frame that it completes, if there is one.
    pub(super) fn add(
        &mut self,
        fragment: &Fragment<'_>,
        processes: &mut impl Processes,
    ) -> Result<Option<Whole>, Ending> {
        let number = fragment.number;
        //= spec/capabilities.md#cap-frg-019
        //# A node MUST end the session on a FRAGMENT with an empty `payload`.
        if fragment.payload.is_empty() {
            return Err(broken(number, "has a piece without a byte"));
        }
        if let Some(total) = fragment.total {
            self.begin(fragment, total)?;
        }
        //= spec/capabilities.md#cap-frg-014
        //# A node MUST end the session on a FRAGMENT that is not a first one and whose `number` no unfinished
        //# frame has.
        let Some(part) = self.unfinished.get_mut(&number) else {
            return Err(broken(number, "was not begun"));
        };
        let others = self.kept - part.kept();
        part.add(fragment, |kept| processes.unfinished(others + kept))?;
        self.kept = others + part.kept();
        if !fragment.last {
            return Ok(None);
        }
        let whole = self.unfinished.remove(&number).unwrap_or_default();
        self.bytes -= whole.total as u64;
        // The payload counts where it is kept from now on.
        self.kept = others;
        processes.unfinished(others);
        Ok(Some(if whole.is_dropped { Whole::Dropped(whole.bytes) } else { Whole::Kept(whole.bytes) }))
    }

    fn begin(&mut self, fragment: &Fragment<'_>, total: u32) -> Result<(), Ending> {
        let number = fragment.number;
        //= spec/capabilities.md#cap-frg-013
        //# A node MUST end the session on a first FRAGMENT with the `number` of an unfinished frame.
        if self.unfinished.contains_key(&number) {
            return Err(broken(number, "is begun twice"));
        }
        //= spec/capabilities.md#cap-frg-015
        //# A node MUST end the session on a first FRAGMENT whose `payload` does not begin with the tag of a
        //# frame in CAP-FRG-002.
        if !fragment.begins_message() {
            return Err(broken(number, "is no message"));
        }
        //= spec/capabilities.md#cap-frg-016
        //# A node MUST end the session on a FRAGMENT with a `total` above `fragmented_frame_bytes_max`.
        if total > FRAGMENTED_FRAME_BYTES_MAX {
            return Err(broken(number, "is too long"));
        }
        //= spec/capabilities.md#cap-frg-017
        //# A node MUST end the session on a first FRAGMENT by which the unfinished frames are more than its
        //# fragmented_messages_max, or their totals together more than its reassembly_bytes_max.
        if self.unfinished.len() >= self.count_max || self.bytes + u64::from(total) > self.bytes_max {
            return Err(broken(number, "is one too many"));
        }
        self.bytes += u64::from(total);
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        self.unfinished.insert(number, Part { total, ..Part::default() });
        Ok(())
    }
}

impl Part {
    /// Adds a fragment if there is room for what is then kept.
    fn add(&mut self, fragment: &Fragment<'_>, has_room: impl FnMut(usize) -> bool) -> Result<(), Ending> {
        let piece = fragment.payload;
        let come = self.come + piece.len();
        //= spec/capabilities.md#cap-frg-018
        //# A node MUST end the session on a FRAGMENT after which the pieces of its frame exceed the frame's
        //# `total`, reach it although bit 1 of `flags` is not set, or do not reach it although bit 1 is set.
        if come > self.total || fragment.last != (come == self.total) {
            return Err(broken(fragment.number, "is not as long as it said"));
        }
        self.make_room(come, has_room);
        self.come = come;
        let wanted =
            if self.is_dropped { CallHead::BYTES_MAX.saturating_sub(self.bytes.len()) } else { piece.len() };
        self.bytes.extend_from_slice(piece.get(..wanted).unwrap_or(piece));
        Ok(())
    }

    /// Makes room for `come` bytes, or drops the message.
    fn make_room(&mut self, come: usize, mut has_room: impl FnMut(usize) -> bool) {
        let (before, kept) = (self.kept(), self.kept_of(come));
        if self.is_dropped || kept == before {
            return;
        }
        //= spec/session.md#ses-msg-017
        //# A node MUST drop a message whose frame is incomplete if what has come of it finds no room by
        //# SES-MSG-010, SES-MSG-011 or SES-MSG-015.
        //= spec/session.md#ses-msg-018
        //# A node that has dropped a message by SES-MSG-017 MUST read the rest of its frame, and neither keep
        //# nor judge anything of it but the first fields of a call or reply.
        if has_room(kept) {
            self.bytes.reserve_exact(kept - MESSAGE_BYTES_COUNTED - self.bytes.len());
        } else {
            self.is_dropped = true;
            self.bytes.truncate(CallHead::BYTES_MAX);
            self.bytes.shrink_to_fit();
            has_room(0);
        }
    }

    /// Returns the bytes of memory that are kept of it.
    fn kept(&self) -> usize {
        if self.is_dropped || self.come == 0 { 0 } else { self.kept_of(self.come) }
    }

    /// Returns the bytes of memory that are kept when `come` bytes have arrived: at most twice as many, and the
    /// entry.
    //= spec/capabilities.md#cap-frg-020
    //# A node MUST NOT reserve memory for an unfinished frame by its `total`.
    fn kept_of(&self, come: usize) -> usize {
        come.next_power_of_two().min(self.total) + MESSAGE_BYTES_COUNTED
    }
}

fn broken(number: u64, what: &str) -> Ending {
    Ending::Protocol(format!("the frame of fragments {number} {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Pid, Reason};

    //= spec/capabilities.md#cap-frg-020
    //= type=test
    //# A node MUST NOT reserve memory for an unfinished frame by its `total`.
    #[test]
    fn memory_follows_what_has_come() {
        let (mut reassembly, mut room) = (Reassembly::new(&Bounds::default()), Room::default());
        let piece = [0x10; 1_000];
        for count in 1..100 {
            let total = (count == 1).then_some(100_000);
            reassembly.add(&Fragment { number: 1, total, last: false, payload: &piece }, &mut room).unwrap();
            let bytes = &reassembly.unfinished.get(&1).unwrap().bytes;
            assert_eq!(bytes.len(), count * piece.len());
            assert!(bytes.capacity() <= 2 * bytes.len(), "{}", bytes.capacity());
            assert_eq!(room.kept, bytes.capacity() + MESSAGE_BYTES_COUNTED);
        }
        let last = Fragment { number: 1, total: None, last: true, payload: &piece };
        let Some(Whole::Kept(whole)) = reassembly.add(&last, &mut room).unwrap() else { panic!("whole") };
        assert_eq!((whole.len(), whole.capacity(), reassembly.kept()), (100_000, 100_000, (0, 0)));
        assert_eq!((reassembly.bytes, reassembly.kept, room.kept), (0, 0, 0));
    }

    /// Processes with a limited amount of room.
    struct Room {
        kept: usize,
        kept_max: usize,
        dropped: usize,
    }

    impl Default for Room {
        fn default() -> Self {
            Self { kept: 0, kept_max: usize::MAX, dropped: 0 }
        }
    }

    impl Processes for Room {
        fn unfinished(&mut self, bytes: usize) -> bool {
            let fits = bytes <= self.kept.max(self.kept_max);
            if fits {
                self.kept = bytes;
            }
            self.dropped += usize::from(!fits);
            fits
        }
        fn attach(&mut self, _: u64) -> bool {
            false
        }
        fn message(&mut self, _: u64, _: &[u8]) {}
        fn named_message(&mut self, _: &str, _: &[u8]) {}
        fn exit(&mut self, _: u64, _: Pid, _: Reason) {}
        fn exits(&mut self, _: u64, _: &[Pid], _: &Reason) {}
        fn down(&mut self, _: u64, _: u64, _: Pid, _: Reason) {}
    }

    //= spec/session.md#ses-msg-018
    //= type=test
    //# A node that has dropped a message by SES-MSG-017 MUST read the rest of its frame, and neither keep nor
    //# judge anything of it but the first fields of a call or reply.
    #[test]
    fn a_message_without_room_is_passed_over_to_its_end() {
        let mut reassembly = Reassembly::new(&Bounds { fragmented_messages: 2, ..Bounds::default() });
        let mut room = Room { kept_max: 6_000, ..Room::default() };
        let mut add = |number, first: bool, last| {
            let total = first.then_some(4_000);
            let added = reassembly.add(&Fragment { number, total, last, payload: &[0x10; 1_000] }, &mut room);
            let length = |whole| match whole {
                Whole::Kept(bytes) => bytes.len(),
                Whole::Dropped(head) => head.len(),
            };
            (added.map(|whole| whole.map(length)), reassembly.kept(), room.dropped)
        };
        assert_eq!(add(1, true, false), (Ok(None), (1, 1_000), 0));
        assert_eq!(add(2, true, false), (Ok(None), (2, 2_000), 0));
        assert_eq!(add(1, false, false), (Ok(None), (2, 3_000), 0));
        assert_eq!(add(1, false, false), (Ok(None), (2, 4_000), 0));
        // There is no room for this message, but for the rest of the other one.
        assert_eq!(add(2, false, false), (Ok(None), (2, 3_000), 1));
        assert_eq!(add(2, false, false), (Ok(None), (2, 3_000), 1));
        assert_eq!(add(1, false, true), (Ok(Some(4_000)), (1, 0), 1));
        // The message is unfinished as before and then complete, but is not delivered.
        assert!(add(2, true, false).0.is_err());
        assert_eq!(add(3, true, false), (Ok(None), (2, 1_000), 1));
        assert!(add(4, true, false).0.is_err());
        assert!(add(2, false, false).0.is_err());
        assert_eq!(add(2, false, true), (Ok(Some(CallHead::BYTES_MAX)), (1, 1_000), 1));
        assert!(add(2, false, true).0.is_err());
        assert_eq!(room.kept, 1_024 + MESSAGE_BYTES_COUNTED);
    }
}
