//! `14` UNLINK: removes a link; nothing answers it.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// The removal of a link, which nothing answers. Specification: `dist.md`, "UNLINK".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unlink {
    /// The process that unlinks, on the sender's node.
    pub from: Pid,
    /// The process to which `from` was linked, on the receiver's node.
    pub to: Pid,
}

impl<'a> Layout<'a> for Unlink {
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
