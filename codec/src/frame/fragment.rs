//! `83` FRAGMENT: a piece of a long frame.

use crate::layout::{Layout, Sink, Source};

/// A piece of a frame that is too long to be sent at once. Specification: `dist.md`, "FRAGMENT".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fragment<'a> {
    /// The number of the long frame, the same in all of its pieces. A node must not give two long frames of a session
    /// the same number.
    pub number: u64,
    /// The size in bytes of the long frame's payload, including the tag. It is `None` in all pieces but the first.
    pub total: Option<u32>,
    /// `true` in the last piece of the long frame, and `false` in all others.
    pub last: bool,
    /// The bytes of the piece. A node must not write an empty piece.
    pub payload: &'a [u8],
}

/// The flag of the first piece: `total` follows.
const FIRST: u8 = 1;
/// The tags of SEND, REG_SEND, SEND_TERM, CALL, CALL_NAME, CALL_REPLY and SEND_NAME_TERM.
const MESSAGES: [u8; 7] = [0x10, 0x11, 0x86, 0x87, 0x88, 0x89, 0x8A];
/// The flag of the last piece.
const LAST: u8 = 2;

impl Fragment<'_> {
    /// Returns `true` if this piece begins with the tag of a frame that carries a message.
    ///
    /// Use this only on a first piece, because later pieces begin with arbitrary bytes. The frames that carry a message
    /// are SEND, REG_SEND, SEND_TERM, SEND_NAME_TERM, CALL, CALL_NAME and CALL_REPLY. A node must not send any other
    /// frame in pieces.
    #[must_use]
    pub fn begins_message(&self) -> bool {
        self.payload.first().is_some_and(|tag| MESSAGES.contains(tag))
    }

    const fn flags(&self) -> u8 {
        let first = if self.total.is_some() { FIRST } else { 0 };
        let last = if self.last { LAST } else { 0 };
        first | last
    }
}

impl<'a> Layout<'a> for Fragment<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        let number = source.u64("number")?;
        let flags_at = source.at();
        let flags = source.u8("flags")?;
        //= spec/dist.md#dist-frg-001
        //# A reader MUST refuse a FRAGMENT in whose `flags` any bit but 0 and 1 is set.
        if flags & !(FIRST | LAST) != 0 {
            return Err(source.invalid("flags", flags_at, "only 1 (first) and 2 (last) may be set"));
        }
        //= spec/dist.md#dist-frg-002
        //# A reader MUST take `total` from a FRAGMENT in whose `flags` bit 0 is set, and from no other.
        let total = if flags & FIRST != 0 { Some(source.u32("total")?) } else { None };
        Ok(Self { number, total, last: flags & LAST != 0, payload: source.rest("payload")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.u64("number", self.number)?;
        sink.u8("flags", self.flags())?;
        if let Some(total) = self.total {
            sink.u32("total", total)?;
        }
        sink.rest("payload", self.payload)
    }
}
