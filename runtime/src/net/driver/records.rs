//! Frames and TLS records, in version 1. Specification: `version1.md`, "Messages".

use snow_dist_codec::Frames;
use snow_dist_codec::limits::{FRAME_BYTES_MAX, LENGTH_PREFIX_BYTES};

/// Bytes that one record holds.
const RECORD_BYTES_MAX: usize = 16_384;

/// How many bytes of these whole frames are handed to TLS at once, so that no frame that fits into a record is cut: as
/// many frames as fit into one, or one that does not.
//= spec/version1.md#v1-rec-001
//# A node MUST write each frame of at most 16 384 bytes, its length included, within one TLS record.
//= spec/version1.md#v1-rec-002
//# A node SHOULD write larger frames without a pause.
pub(super) fn piece(frames: &[u8]) -> usize {
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

    /// Where a stream of frames of these lengths, their own included, is cut.
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
