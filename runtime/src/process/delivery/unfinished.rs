//! The memory of a peer's incomplete frames. It counts in the peer's share, as the contents of mailboxes do.

use super::Delivery;
use crate::core::limits::UNFINISHED_BYTES_UNCOUNTED;
use crate::process::cell::Full;
use crate::process::charge::Charge;
use crate::process::shares::Held;

/// Bytes that count in the peer's share.
#[derive(Debug, Default)]
pub(super) struct Unfinished {
    /// Bytes of messages that arrive in fragments.
    pieces: usize,
    /// Bytes of the frame in the receive buffer. Those that exceeded the share belong to a frame that is not a
    /// message.
    buffer: Held,
}

//= spec/session.md#ses-msg-016
//# A node MUST count what it keeps of a peer's incomplete frames, but for `unfinished_bytes_uncounted` of
//# each session, among what its mailboxes keep for that peer.
impl Delivery {
    /// Sets the number of bytes that the session keeps of messages in fragments. Returns `false` if there is no room
    /// for more; the message that needs them is then dropped.
    pub(super) fn keep_pieces(&mut self, bytes: usize) -> bool {
        let is_kept = self.hold_instead(self.unfinished.pieces, bytes);
        if is_kept {
            self.unfinished.pieces = bytes;
        } else {
            self.dropped(None, Full::Unfinished);
        }
        is_kept
    }

    /// Sets the number of bytes that the session keeps of a partly received frame, which never decreases. Returns
    /// `false` if there is no room and the frame is a message, which is then dropped.
    pub(super) fn hold_buffer(&mut self, bytes: usize, is_message: bool) -> bool {
        let before = self.unfinished.buffer.bytes;
        let bytes = bytes.saturating_sub(UNFINISHED_BYTES_UNCOUNTED).max(before);
        if self.hold_instead(before, bytes) {
            self.unfinished.buffer.bytes = bytes;
            return true;
        }
        if is_message {
            self.let_buffer_go();
            self.dropped(None, Full::Unfinished);
            return false;
        }
        self.hold_beyond(bytes - before);
        true
    }

    /// Replaces `before` held bytes by `bytes`, if the peer has room for more.
    fn hold_instead(&mut self, before: usize, bytes: usize) -> bool {
        self.known = None;
        let shares = self.table.shares();
        let Some(more) = bytes.checked_sub(before) else {
            shares.take_back(&self.account, before - bytes);
            return true;
        };
        // The bytes are counted before their room is checked, so that several sessions cannot use the same room at
        // once.
        shares.hold(&self.account, more);
        let fits = self.room().without(more).peer_takes(Charge::bare(self.account.number(), more));
        if !fits {
            shares.take_back(&self.account, more);
        }
        more == 0 || fits
    }

    //= spec/session.md#ses-bnd-009
    //# When what it keeps of an incomplete frame that is no message goes beyond the peer's share in all
    //# mailboxes, a node MUST count the excess as exit signals of links in SES-BND-006 and SES-BND-008.
    fn hold_beyond(&mut self, more: usize) {
        let charge = Charge::bare(self.account.number(), more);
        self.is_over |= !self.room().signal_fits(Held::default(), charge);
        self.account.note(charge, false);
        self.known = None;
        self.table.shares().hold(&self.account, more);
        self.unfinished.buffer.bytes += more;
        self.unfinished.buffer.beyond += more;
    }

    /// Releases the bytes of the receive buffer, because the frame is complete or dropped. What it delivers is
    /// counted at its destination.
    pub(super) fn let_buffer_go(&mut self) {
        self.known = None;
        let Held { bytes, beyond } = std::mem::take(&mut self.unfinished.buffer);
        let shares = self.table.shares();
        shares.release(self.account.number().into(), beyond);
        shares.take_back(&self.account, bytes - beyond);
    }

    /// Releases everything, because the session has ended.
    pub(super) fn keep_nothing_unfinished(&mut self) {
        self.let_buffer_go();
        self.table.shares().take_back(&self.account, std::mem::take(&mut self.unfinished.pieces));
    }
}
