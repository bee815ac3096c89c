//! `17` DEMONITOR: removes a monitor or gives up a call.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// The removal of a monitor, or the end of a call that the caller gives up. Specification: `dist.md`, "DEMONITOR".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Demonitor {
    /// The monitoring or calling process, on the sender's node.
    pub from: Pid,
    /// The monitored or called process, on the receiver's node. Its local id is 0 if the monitor or call was made by
    /// MONITOR_NAME, CALL_NAME or SPAWN.
    pub to: Pid,
    /// The number of the monitor or call, as in the frame that made it. In SPAWN this is `request`.
    pub reference: u64,
}

impl<'a> Layout<'a> for Demonitor {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { from: source.pid("from")?, to: source.pid("to")?, reference: source.u64("ref")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.pid("from", self.from)?;
        sink.pid("to", self.to)?;
        sink.u64("ref", self.reference)
    }
}
