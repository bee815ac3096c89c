//! `80` UNLINK_ID: removes a link; an UNLINK_ACK answers it.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// The removal of a link, which an UNLINK_ACK answers. Specification: `dist.md`, "UNLINK_ID".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnlinkId {
    /// The process that unlinks, on the sender's node.
    pub from: Pid,
    /// The process to which `from` was linked, on the receiver's node.
    pub to: Pid,
    /// The number of the unlink, chosen by the sender. A node must not give two unlinks of a session the
    /// same number.
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
