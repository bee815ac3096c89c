//! `89` CALL_REPLY: the reply to a call, which ends it.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// The reply to a call, which ends it. Specification: `dist.md`, "CALL_REPLY".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallReply<'a> {
    /// The process that was called, on the sender's node; local id 0 if it was called by a name.
    pub from: Pid,
    /// The process that called, on the receiver's node.
    pub to: Pid,
    /// The number that the call has.
    pub reference: u64,
    /// A term (STF); the frame decoder does not judge it.
    pub message: &'a [u8],
}

impl<'a> Layout<'a> for CallReply<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        //= spec/dist.md#dist-cal-001
        //# A reader MUST NOT refuse a CALL, CALL_NAME, CALL_REPLY or SEND_NAME_TERM because of the bytes in its
        //# `message`.
        Ok(Self {
            from: source.pid("from")?,
            to: source.pid("to")?,
            reference: source.u64("ref")?,
            message: source.rest("message")?,
        })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.pid("from", self.from)?;
        sink.pid("to", self.to)?;
        sink.u64("ref", self.reference)?;
        sink.rest("message", self.message)
    }
}
