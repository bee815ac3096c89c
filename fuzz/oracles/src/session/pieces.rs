//! Frames in fragments, naively: what has come of each, and what has gone.

use std::collections::{BTreeMap, BTreeSet};

use snow_dist_codec::frame::Fragment;
use snow_dist_runtime::core::handshake::Bounds;
use snow_dist_runtime::core::limits::MESSAGE_BYTES_COUNTED;

/// Tags of the frames that can come in fragments.
const MESSAGES: [u8; 7] = [0x10, 0x11, 0x86, 0x87, 0x88, 0x89, 0x8A];

/// A frame whose last piece has come.
pub(super) struct Whole {
    pub(super) payload: Vec<u8>,
    /// There was no room for it.
    pub(super) is_dropped: bool,
}

/// A frame that is not whole yet.
struct Part {
    total: u32,
    come: Vec<u8>,
    /// There was no room for it.
    is_dropped: bool,
}

impl Part {
    /// Bytes that are kept of it.
    fn kept(&self) -> usize {
        let kept = self.come.len().next_power_of_two().min(self.total as usize) + MESSAGE_BYTES_COUNTED;
        if self.is_dropped { 0 } else { kept }
    }
}

/// Frames of one direction that are not whole yet, within what their reader holds.
pub(super) struct Pieces {
    unfinished: BTreeMap<u64, Part>,
    /// Bytes that its reader has room for.
    room: usize,
    /// All numbers that there were.
    numbers: BTreeSet<u64>,
    bounds: Bounds,
}

impl Pieces {
    pub(super) const fn new(bounds: Bounds, room: usize) -> Self {
        Self { unfinished: BTreeMap::new(), room, numbers: BTreeSet::new(), bounds }
    }

    /// A piece: the frame, if it is whole; an error, if it may not come.
    pub(super) fn add(&mut self, piece: &Fragment<'_>) -> Result<Option<Whole>, &'static str> {
        let Some(tag) = piece.payload.first() else { return Err("an empty piece") };
        if let Some(total) = piece.total {
            if !MESSAGES.contains(tag) {
                return Err("no message");
            }
            let others: u64 = self.unfinished.values().map(|part| u64::from(part.total)).sum();
            let fits = self.unfinished.len() < self.bounds.fragmented_messages as usize
                && others + u64::from(total) <= self.bounds.reassembly_bytes
                && total <= 64 << 20;
            if !fits {
                return Err("one too many");
            }
            let part = Part { total, come: Vec::new(), is_dropped: false };
            if self.unfinished.insert(piece.number, part).is_some() {
                return Err("begun twice");
            }
            self.numbers.insert(piece.number);
        }
        let before = self.room_taken();
        let Some(part) = self.unfinished.get_mut(&piece.number) else { return Err("not begun") };
        part.come.extend_from_slice(piece.payload);
        let whole = part.come.len() == part.total as usize;
        if part.come.len() > part.total as usize || piece.last != whole {
            return Err("not as long as it said");
        }
        if self.room_taken() > before.max(self.room)
            && let Some(part) = self.unfinished.get_mut(&piece.number)
        {
            part.is_dropped = true;
        }
        let part = if whole { self.unfinished.remove(&piece.number) } else { None };
        Ok(part.map(|part| Whole { payload: part.come, is_dropped: part.is_dropped }))
    }

    /// Bytes of their reader's room that they take.
    pub(super) fn room_taken(&self) -> usize {
        self.unfinished.values().filter(|part| !part.come.is_empty()).map(Part::kept).sum()
    }

    /// How many there are, and bytes that there are of them.
    pub(super) fn kept(&self) -> (usize, usize) {
        let kept = self.unfinished.values().filter(|part| !part.is_dropped);
        (self.unfinished.len(), kept.map(|part| part.come.len()).sum())
    }

    /// Whether there ever was a frame of this number.
    pub(super) fn knows(&self, number: u64) -> bool {
        self.numbers.contains(&number)
    }
}
