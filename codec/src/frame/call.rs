//! `87` CALL: a message that expects a reply.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// A message that expects a reply. Until the reply, the caller also monitors the called process. Specification:
/// `dist.md`, "CALL".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call<'a> {
    /// The calling process, on the sender's node.
    pub from: Pid,
    /// The called process, on the receiver's node.
    pub to: Pid,
    /// The number of the call, chosen by the sender. A node must not give two calls or monitors of a
    /// session the same number.
    pub reference: u64,
    /// The message: a term (STF), which the frame decoder does not validate.
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
