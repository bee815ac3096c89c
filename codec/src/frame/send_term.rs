//! `86` SEND_TERM: a term to a process.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// A message that is marked as a term, to a process. Specification: `dist.md`, "SEND_TERM".
///
/// The message of a SEND has no such mark, and can be any bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SendTerm<'a> {
    /// The receiving process, on the receiver's node.
    pub to: Pid,
    /// The message: a term (STF), which the frame decoder does not validate.
    pub message: &'a [u8],
}

impl<'a> Layout<'a> for SendTerm<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        //= spec/dist.md#dist-stm-001
        //# A reader MUST NOT refuse a SEND_TERM because of the bytes in its `message`.
        Ok(Self { to: source.pid("to")?, message: source.rest("message")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.pid("to", self.to)?;
        sink.rest("message", self.message)
    }
}
