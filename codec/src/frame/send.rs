//! `10` SEND: a message to a process.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// A message to a process. Specification: `dist.md`, "SEND".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Send<'a> {
    /// The receiving process, on the receiver's node.
    pub to: Pid,
    /// The message, opaque to the protocol.
    pub message: &'a [u8],
}

impl<'a> Layout<'a> for Send<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { to: source.pid("to")?, message: source.rest("message")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.pid("to", self.to)?;
        sink.rest("message", self.message)
    }
}
