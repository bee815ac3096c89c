//! What has arrived of a session, which of its messages keep the memory that they arrived in, and how that grows.

use bytes::Bytes;
use snow_dist_codec::frame::Fragment;
use snow_dist_codec::limits::{FRAME_BYTES_MAX, LENGTH_PREFIX_BYTES};
use snow_dist_codec::{Frames, framing};

use super::INBOX_BYTES_KEPT;
use crate::process::Delivery;

/// Makes room for so many bytes more behind the beginning of a frame: memory follows what has come, and ends not far
/// behind the frame. Gives how many bytes of the frame are missing, if the buffer is larger than every session may have it.
pub(super) fn make_room(inbox: &mut Vec<u8>, read_bytes: usize) -> Option<usize> {
    let length = inbox.len();
    let frame = framing::frame_bytes(inbox).map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if inbox.capacity() < length + read_bytes {
        let enough = frame.saturating_add(read_bytes).max(INBOX_BYTES_KEPT);
        let capacity = (2 * inbox.capacity()).min(enough).max(length + read_bytes);
        inbox.reserve_exact(capacity - length);
    }
    (inbox.capacity() > INBOX_BYTES_KEPT).then(|| frame.saturating_sub(length))
}

/// Whether the frame with which these begin can only be a message.
pub(super) fn is_message(begun: &[u8]) -> bool {
    let payload = begun.get(LENGTH_PREFIX_BYTES..).unwrap_or_default();
    Fragment { number: 0, total: None, last: false, payload }.begins_message()
}

/// Takes the frames of the first `whole` bytes out as a block, an allocation of their length, if one of them can be a
/// message that keeps it. They stay in the inbox otherwise, whose memory is used again.
pub(super) fn take_block(inbox: &mut Vec<u8>, whole: usize) -> Option<Bytes> {
    if !Delivery::keeps(whole, whole) {
        return None;
    }
    let frames = Frames::new(inbox.get(..whole)?, FRAME_BYTES_MAX);
    if !frames.flatten().any(|payload| Delivery::keeps(payload.len(), whole)) {
        return None;
    }
    let rest = inbox.split_off(whole);
    let mut block = std::mem::replace(inbox, rest);
    block.shrink_to_fit();
    Some(block.into())
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::super::{READ_BYTES, READ_BYTES_IDLE};
    use super::*;

    //= spec/dist.md#dist-frm-010
    //= type=test
    //# The memory that a reader reserves for a frame MUST be bounded by a fixed amount plus a fixed multiple of
    //# the bytes of it that have arrived, whatever its lengths and counts say.
    #[test]
    fn the_buffer_of_a_long_frame_follows_what_has_come_and_ends_with_the_frame() {
        for payload in [100, INBOX_BYTES_KEPT, 1_000_000, 1 << 20, (1 << 20) + 1, 5_000_000] {
            let mut framed = Vec::new();
            framing::put(&vec![7; payload], FRAME_BYTES_MAX, &mut framed).unwrap();
            let (frame, mut inbox) = (framed.len(), framed[..LENGTH_PREFIX_BYTES].to_vec());
            let mut grown = 0;
            while inbox.len() < frame {
                let before = inbox.capacity();
                let missing = make_room(&mut inbox, READ_BYTES);
                let (length, capacity) = (inbox.len(), inbox.capacity());
                grown += usize::from(capacity > before);
                assert!(capacity >= length + READ_BYTES);
                assert!(capacity <= 2 * (length + READ_BYTES), "{capacity} for {length}");
                assert!(capacity <= INBOX_BYTES_KEPT.max(frame + READ_BYTES), "{capacity} for {frame}");
                assert_eq!(missing, (capacity > INBOX_BYTES_KEPT).then_some(frame - length));
                inbox.extend_from_slice(&framed[length..(length + 1_000).min(frame)]);
            }
            assert!(grown <= 10, "{grown}");
        }
        let mut idle = Vec::new();
        assert_eq!(make_room(&mut idle, READ_BYTES_IDLE), None);
        assert_eq!(idle.capacity(), READ_BYTES_IDLE);
    }
}
