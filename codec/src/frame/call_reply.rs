//! `89` CALL_REPLY: the reply to a call, which ends it.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// The reply to a call, which ends it. Specification: `dist.md`, "CALL_REPLY".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallReply<'a> {
    /// The called process, on the sender's node. Its local id is 0 if the call was by name (CALL_NAME).
    pub from: Pid,
    /// The calling process, on the receiver's node.
    pub to: Pid,
    /// The number of the call, as in CALL or CALL_NAME.
    pub reference: u64,
    /// The reply: a term (STF), which the frame decoder does not validate.
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
