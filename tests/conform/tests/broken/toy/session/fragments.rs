//! Long messages, which go out and come in pieces.

use std::collections::HashMap;

use snow_dist_codec::Frame;
use snow_dist_codec::frame::Fragment;
use snow_dist_codec::handshake::Capabilities;

use super::super::Toy;
use super::super::connection::frame;
use super::super::outbound::Kind;
use super::{End, Session};
use crate::defects::Defect;

/// Bytes of a message that goes out whole.
const WHOLE_BYTES_MAX: usize = 65_536;
/// Bytes of a message of which a piece holds all but its own head.
const PIECE_BYTES: usize = WHOLE_BYTES_MAX - 14;
/// Bytes of a message in pieces.
const TOTAL_MAX: u32 = 67_108_864;
/// Messages of which not all pieces have come, and their bytes together.
const UNFINISHED_MAX: usize = 64;
const UNFINISHED_BYTES_MAX: u64 = 134_217_728;

/// What has come in pieces: by number, the total and what there is of it.
#[derive(Default)]
pub(in super::super) struct Assembly {
    unfinished: HashMap<u64, (u32, Vec<u8>)>,
}

impl Assembly {
    /// A message, if this is its last piece.
    pub(super) fn take(&mut self, toy: &Toy, fragment: &Fragment<'_>) -> Result<Option<Vec<u8>>, End> {
        let must = |is_so: bool, unless| if is_so || toy.has(unless) { Ok(()) } else { Err(End::Breach(1)) };
        let number = if toy.has(Defect::PiecesMixed) { 0 } else { fragment.number };
        must(!fragment.payload.is_empty(), Defect::EmptyPieceTaken)?;
        if let Some(total) = fragment.total {
            must(!self.unfinished.contains_key(&number), Defect::BegunAgain)?;
            must(fragment.begins_message(), Defect::AnythingInPieces)?;
            must(total <= TOTAL_MAX, Defect::TotalUnlimited)?;
            let held: u64 = self.unfinished.values().map(|(total, _)| u64::from(*total)).sum();
            let has_room = self.unfinished.len() < UNFINISHED_MAX;
            must(has_room && held + u64::from(total) <= UNFINISHED_BYTES_MAX, Defect::PiecesUnbounded)?;
            self.unfinished.insert(number, (total, Vec::new()));
        }
        let Some((total, pieces)) = self.unfinished.get_mut(&number) else {
            return must(false, Defect::StrayPieceIgnored).map(|()| None);
        };
        pieces.extend_from_slice(fragment.payload);
        let (total, length) = (*total as usize, pieces.len());
        must(length <= total, Defect::PiecesBeyondTotal)?;
        must(length >= total || !fragment.last, Defect::LastIsEnough)?;
        must(length != total || fragment.last, Defect::WholeWithoutLast)?;
        if fragment.last { Ok(self.unfinished.remove(&number).map(|(_, whole)| whole)) } else { Ok(None) }
    }
}

impl Session {
    /// A message cannot have any length, of so many bytes with its head.
    pub(super) fn is_too_long(&self, toy: &Toy, bytes: usize) -> bool {
        match self.may_cut() {
            true => bytes > TOTAL_MAX as usize && !toy.has(Defect::LongestUnkept),
            false => bytes > self.frame_bytes as usize,
        }
    }

    fn may_cut(&self) -> bool {
        self.capabilities.contains(Capabilities::FRAGMENTS)
    }

    /// A message of a process goes out, in pieces if it is long: they wait like messages of their own.
    pub(super) fn message<'f>(&mut self, toy: &Toy, of: u64, what: impl Into<Frame<'f>>) {
        self.whole_message(toy, of, frame(what));
    }

    /// So does one whose frame is there already.
    pub(super) fn whole_message(&mut self, toy: &Toy, of: u64, whole: Vec<u8>) {
        if whole.len() <= WHOLE_BYTES_MAX || !self.may_cut() || toy.has(Defect::LongMessageWhole) {
            return self.out.push(of, Kind::Message, whole);
        }
        if !toy.has(Defect::NumberAgain) {
            self.cut += 1;
        }
        let of = if toy.has(Defect::PiecesOvertaken) { 0 } else { of };
        let bytes = if toy.has(Defect::PieceTooLong) { WHOLE_BYTES_MAX } else { PIECE_BYTES };
        let mut left = whole.len();
        for payload in whole.chunks(bytes) {
            let total = (left == whole.len()).then_some(whole.len() as u32);
            left -= payload.len();
            let piece = Fragment { number: self.cut, total, last: left == 0, payload };
            self.out.push(of, Kind::Message, frame(piece));
        }
    }
}
