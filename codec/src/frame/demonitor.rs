//! `17` DEMONITOR: removes a monitor.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// The removal of a monitor. Specification: `dist.md`, "DEMONITOR".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Demonitor {
    /// The monitoring process, on the sender's node.
    pub from: Pid,
    /// The monitored process, on the receiver's node.
    pub to: Pid,
    /// The number of the monitor, as in MONITOR.
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
