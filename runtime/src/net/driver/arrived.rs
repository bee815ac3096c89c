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
        let capacity = (2 * length).min(frame.max(INBOX_BYTES_KEPT)).max(length + read_bytes);
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
