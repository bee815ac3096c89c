//! `87` CALL: a message that asks for a reply.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// A message that asks for a reply, and the monitor that tells of the end if none comes. Specification: `dist.md`, "CALL".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call<'a> {
    /// The process that calls, on the sender's node.
    pub from: Pid,
    /// The process that is called, on the receiver's node.
    pub to: Pid,
    /// The call's number, the sender's choice.
    pub reference: u64,
    /// A term (STF); the frame decoder does not judge it.
    pub message: &'a [u8],
}

impl<'a> Layout<'a> for Call<'a> {
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
