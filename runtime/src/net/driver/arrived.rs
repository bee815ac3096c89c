//! What has arrived of a session, and which of its messages keep the memory that they arrived in.

use bytes::Bytes;
use snow_dist_codec::Frames;
use snow_dist_codec::limits::FRAME_BYTES_MAX;

use crate::process::Delivery;

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
