//! `81` UNLINK_ACK: the acknowledgement of an UNLINK_ID.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// The acknowledgement of an UNLINK_ID. A node must copy all fields from the UNLINK_ID, with `from` and `to` exchanged.
/// Specification: `dist.md`, "UNLINK_ACK".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnlinkAck {
    /// The acknowledging process, on the sender's node.
    pub from: Pid,
    /// The process that unlinked, on the receiver's node.
    pub to: Pid,
    /// The number of the unlink, as in UNLINK_ID.
    pub id: u64,
}

impl<'a> Layout<'a> for UnlinkAck {
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
