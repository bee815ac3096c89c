//! `15` EXIT: an exit signal along a link: a process has ended.

use crate::layout::{Layout, Sink, Source};
use crate::{Pid, Reason};

/// An exit signal along a link: a process has ended. Specification: `dist.md`, "EXIT".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exit<'a> {
    /// The process that ended, on the sender's node.
    pub from: Pid,
    /// The process linked to it, on the receiver's node.
    pub to: Pid,
    /// Why it ended.
    pub reason: Reason<'a>,
}

impl<'a> Layout<'a> for Exit<'a> {
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
