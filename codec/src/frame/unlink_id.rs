//! `80` UNLINK_ID: ends a link, to be acknowledged.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// Ends a link, to be acknowledged. Specification: `dist.md`, "UNLINK_ID".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnlinkId {
    /// The process that unlinks, on the sender's node.
    pub from: Pid,
    /// The process it is linked to, on the receiver's node.
    pub to: Pid,
    /// The unlink's number: a counter of the session and direction.
    pub id: u64,
}

impl<'a> Layout<'a> for UnlinkId {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { from: source.pid("from")?, to: source.pid("to")?, id: source.u64("id")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.pid("from", self.from)?;
        sink.pid("to", self.to)?;
        sink.u64("id", self.id)
    }
}
