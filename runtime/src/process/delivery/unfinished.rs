//! What a session keeps of its peer's frames before they are whole: in the peer's share, like what mailboxes keep.

use super::Delivery;
use crate::core::limits::UNFINISHED_BYTES_UNCOUNTED;
use crate::process::cell::Full;
use crate::process::charge::Charge;
use crate::process::shares::Held;

/// Bytes that count in the peer's share.
#[derive(Debug, Default)]
pub(super) struct Unfinished {
    /// Of messages that come in fragments.
    pieces: usize,
    /// Of the frame in the receive buffer; as many of them as were not in the share are of one that is no message.
    buffer: Held,
}

//= spec/session.md#ses-msg-016
//# A node MUST count what it keeps of frames of a peer that are not whole yet, but for
//# `unfinished_bytes_uncounted` of each session, among what its mailboxes keep for that peer.
impl Delivery {
    /// The session keeps so many bytes of messages in fragments. False if there is no room for that many, and the message
    /// by which there would be more is dropped.
    pub(super) fn keep_pieces(&mut self, bytes: usize) -> bool {
        let is_kept = self.hold_instead(self.unfinished.pieces, bytes);
        if is_kept {
            self.unfinished.pieces = bytes;
        } else {
            self.dropped(None, Full::Unfinished);
        }
        is_kept
    }

    /// The session keeps so many bytes of a frame that has come in part, no fewer than before. False if there is no room for
    /// them and the frame is a message, which is dropped.
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

    /// Holds so many bytes instead of `before`, if the peer has room for more.
    fn hold_instead(&mut self, before: usize, bytes: usize) -> bool {
        self.known = None;
        let shares = self.table.shares();
        let Some(more) = bytes.checked_sub(before) else {
            shares.take_back(&self.account, before - bytes);
            return true;
        };
        // It is held before there is known to be room, so that not every session takes the same room at once.
        shares.hold(&self.account, more);
        let fits = self.room().without(more).peer_takes(Charge::bare(self.account.number(), more));
        if !fits {
            shares.take_back(&self.account, more);
        }
        more == 0 || fits
    }

    //= spec/session.md#ses-bnd-009
    //# A node MUST take what it keeps of a frame that is not whole yet and no message, and that finds no room by
    //# SES-MSG-010, SES-MSG-011 or SES-MSG-015, for exit signals of links in SES-BND-006 and SES-BND-008.
    fn hold_beyond(&mut self, more: usize) {
        let charge = Charge::bare(self.account.number(), more);
        self.is_over |= !self.room().signal_fits(Held::default(), charge);
        self.account.note(charge, false);
        self.known = None;
        self.table.shares().hold(&self.account, more);
        self.unfinished.buffer.bytes += more;
        self.unfinished.buffer.beyond += more;
    }

    /// The frame is whole, or dropped. What it brings counts where it goes.
    pub(super) fn let_buffer_go(&mut self) {
        self.known = None;
        let Held { bytes, beyond } = std::mem::take(&mut self.unfinished.buffer);
        let shares = self.table.shares();
        shares.release(self.account.number().into(), beyond);
        shares.take_back(&self.account, bytes - beyond);
    }

    /// The session has ended.
    pub(super) fn keep_nothing_unfinished(&mut self) {
        self.let_buffer_go();
        self.table.shares().take_back(&self.account, std::mem::take(&mut self.unfinished.pieces));
    }
}
