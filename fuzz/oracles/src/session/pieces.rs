//! Frames in fragments, naively: what has come of each, and what has gone.

use std::collections::{BTreeMap, BTreeSet};

use snow_dist_codec::frame::Fragment;
use snow_dist_runtime::core::handshake::Bounds;

/// Tags of the frames that can come in fragments.
const MESSAGES: [u8; 3] = [0x10, 0x11, 0x86];

/// Frames of one direction that are not whole yet, within what their reader holds.
pub(super) struct Pieces {
    unfinished: BTreeMap<u64, (u32, Vec<u8>)>,
    /// All numbers that there were.
    numbers: BTreeSet<u64>,
    bounds: Bounds,
}

impl Pieces {
    pub(super) const fn new(bounds: Bounds) -> Self {
        Self { unfinished: BTreeMap::new(), numbers: BTreeSet::new(), bounds }
    }

    /// A piece: the frame, if it is whole; an error, if it may not come.
    pub(super) fn add(&mut self, piece: &Fragment<'_>) -> Result<Option<Vec<u8>>, &'static str> {
        let Some(tag) = piece.payload.first() else { return Err("an empty piece") };
        if let Some(total) = piece.total {
            if !MESSAGES.contains(tag) {
                return Err("no message");
            }
            let others: u64 = self.unfinished.values().map(|(total, _)| u64::from(*total)).sum();
            let fits = self.unfinished.len() < self.bounds.fragmented_messages as usize
                && others + u64::from(total) <= self.bounds.reassembly_bytes
                && total <= 64 << 20;
            if !fits {
                return Err("one too many");
            }
            if self.unfinished.insert(piece.number, (total, Vec::new())).is_some() {
                return Err("begun twice");
            }
            self.numbers.insert(piece.number);
        }
        let Some((total, bytes)) = self.unfinished.get_mut(&piece.number) else { return Err("not begun") };
        bytes.extend_from_slice(piece.payload);
        let whole = bytes.len() == *total as usize;
        if bytes.len() > *total as usize || piece.last != whole {
            return Err("not as long as it said");
        }
        Ok(if whole { self.unfinished.remove(&piece.number).map(|(_, bytes)| bytes) } else { None })
    }

    /// How many there are, and bytes that there are of them.
    pub(super) fn kept(&self) -> (usize, usize) {
        (self.unfinished.len(), self.unfinished.values().map(|(_, bytes)| bytes.len()).sum())
    }

    /// Whether there ever was a frame of this number.
    pub(super) fn knows(&self, number: u64) -> bool {
        self.numbers.contains(&number)
    }
}
