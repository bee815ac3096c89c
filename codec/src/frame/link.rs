//! `13` LINK: links two processes.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// A request to link two processes. Specification: `dist.md`, "LINK".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// The process that links, on the sender's node.
    pub from: Pid,
    /// The process with which `from` is to be linked, on the receiver's node.
    pub to: Pid,
}

impl<'a> Layout<'a> for Link {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { from: source.pid("from")?, to: source.pid("to")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.pid("from", self.from)?;
        sink.pid("to", self.to)
    }
}
