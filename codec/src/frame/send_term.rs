//! `86` SEND_TERM: a message to a process, of which both sides know that it is a term.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// A message to a process, of which both sides know that it is a term. Specification: `dist.md`, "SEND_TERM".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SendTerm<'a> {
    /// The process, on the receiver's node.
    pub to: Pid,
    /// A term (STF); the frame decoder does not judge it.
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
