//! The pieces in which output is handed to TLS: in version 2 everything that is ready, in version 1 one TLS record at
//! a time. Specification: `version1.md`, "Messages".

use snow_dist_codec::Frames;
use snow_dist_codec::limits::{FRAME_BYTES_MAX, LENGTH_PREFIX_BYTES};

use super::Transmit;
use crate::core::Session;

/// The output of a session that is outside its queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Pieces {
    /// ACK, which an acceptor writes before the first frame.
    //= spec/connection.md#con-elc-015
    //# A node MUST NOT write a frame on a connection before it has sent ACK as its acceptor, or verified ACK
    //# as its initiator.
    ack: Vec<u8>,
    by_records: bool,
    /// Frames that have been taken out of the queue, and the position of the first one that is not handed over.
    frames: Vec<u8>,
    at: usize,
}

impl Pieces {
    /// Creates the pieces of a session. `by_records` is for version 1. `ack` is written first, if it is not empty.
    pub(super) const fn of(by_records: bool, ack: Vec<u8>) -> Self {
        Self { ack, by_records, frames: Vec::new(), at: 0 }
    }

    pub(super) const fn has_output(&self) -> bool {
        !self.ack.is_empty() || self.at < self.frames.len()
    }

    /// Appends what is to be handed over next.
    #[inline]
    pub(super) fn transmit(
        &mut self,
        session: &mut Session,
        out: &mut Vec<u8>,
        bytes_wanted: usize,
    ) -> Transmit {
        if !self.ack.is_empty() {
            out.append(&mut std::mem::take(&mut self.ack));
            return Transmit::Bytes { flush: true, is_handshake: true };
        }
        let start = out.len();
        if self.by_records {
            self.next_record(session, out, bytes_wanted);
        } else {
            write(session, out, bytes_wanted);
        }
        if out.len() == start {
            return Transmit::Nothing;
        }
        // The time that the peer has to answer a PING begins when the stream has taken the PING.
        let flush = self.by_records || session.awaits_taking();
        Transmit::Bytes { flush, is_handshake: false }
    }

    fn next_record(&mut self, session: &mut Session, out: &mut Vec<u8>, bytes_wanted: usize) {
        if self.at == self.frames.len() {
            self.at = 0;
            self.frames.clear();
            write(session, &mut self.frames, bytes_wanted);
            if self.frames.is_empty() {
                self.frames = Vec::new();
            }
        }
        let rest = self.frames.get(self.at..).unwrap_or_default();
        let piece = rest.get(..piece(rest)).unwrap_or(rest);
        out.extend_from_slice(piece);
        self.at += piece.len();
    }
}

/// Appends something if anything is waiting that has not become void.
fn write(session: &mut Session, out: &mut Vec<u8>, bytes_wanted: usize) {
    // The queue gives a frame longer than `bytes_wanted` only if the buffer is empty.
    let before = std::mem::take(out);
    while out.is_empty() && session.has_output() {
        session.write(out, bytes_wanted.max(1));
    }
    if !before.is_empty() {
        out.splice(0..0, before);
    }
}

/// The number of bytes that one TLS record holds.
const RECORD_BYTES_MAX: usize = 16_384;

/// Returns the number of bytes of these whole frames to hand to TLS at once: as many frames as fit into one record,
/// or a single frame that does not. So no frame that fits into a record is cut.
//= spec/version1.md#v1-rec-001
//# A node MUST write each frame of at most 16 384 bytes, its length included, within one TLS record.
//= spec/version1.md#v1-rec-002
//# A node SHOULD write larger frames without a pause.
fn piece(frames: &[u8]) -> usize {
    let mut bytes = 0;
    for payload in Frames::new(frames, FRAME_BYTES_MAX).flatten() {
        let with_next = bytes + LENGTH_PREFIX_BYTES + payload.len();
        if bytes > 0 && with_next > RECORD_BYTES_MAX {
            break;
        }
        bytes = with_next;
        if bytes >= RECORD_BYTES_MAX {
            break;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use snow_dist_codec::framing;

    /// Returns the pieces into which a stream of frames of these lengths, length prefixes included, is cut.
    fn pieces(lengths: &[usize]) -> Vec<usize> {
        let mut stream = Vec::new();
        for length in lengths {
            framing::put(&vec![0xF0; length - LENGTH_PREFIX_BYTES], FRAME_BYTES_MAX, &mut stream).unwrap();
        }
        let (mut rest, mut pieces) = (&*stream, Vec::new());
        while !rest.is_empty() {
            pieces.push(piece(rest));
            rest = &rest[pieces[pieces.len() - 1]..];
        }
        pieces
    }

    #[test]
    fn a_piece_is_what_fits_into_a_record_or_one_larger_frame() {
        for (lengths, expected) in [
            (&[4][..], &[4][..]),
            (&[100, 16_284, 5], &[16_384, 5]),
            (&[100, 16_285, 5], &[100, 16_290]),
            (&[16_384, 16_384], &[16_384, 16_384]),
            (&[10, 16_385, 10, 10], &[10, 16_385, 20]),
            (&[1_000_000, 16_384, 1], &[1_000_000, 16_384]),
        ] {
            let lengths: Vec<_> = lengths.iter().copied().filter(|length| *length >= 4).collect();
            assert_eq!(pieces(&lengths), expected, "{lengths:?}");
        }
    }
}
