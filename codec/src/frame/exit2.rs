//! `85` EXIT2: an exit signal to a process, linked or not.

use crate::layout::{Layout, Sink, Source};
use crate::{Pid, Reason};

/// An exit signal to a process, linked or not. Specification: `dist.md`, "EXIT2".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exit2<'a> {
    /// The process that sends the signal, on the sender's node.
    pub from: Pid,
    /// The process to which the signal is sent, on the receiver's node.
    pub to: Pid,
    /// The reason of the signal.
    pub reason: Reason<'a>,
}

impl<'a> Layout<'a> for Exit2<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { from: source.pid("from")?, to: source.pid("to")?, reason: source.reason("reason")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.pid("from", self.from)?;
        sink.pid("to", self.to)?;
        sink.reason("reason", &self.reason)
    }
}
