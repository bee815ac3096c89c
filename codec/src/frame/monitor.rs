//! `16` MONITOR: requests a notification when a process ends.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// A request for a notification when a process ends. Specification: `dist.md`, "MONITOR".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Monitor {
    /// The monitoring process, on the sender's node.
    pub from: Pid,
    /// The monitored process, on the receiver's node.
    pub to: Pid,
    /// The number of the monitor, chosen by the sender. A node must not give two calls or monitors of a
    /// session the same number.
    pub reference: u64,
}

impl<'a> Layout<'a> for Monitor {
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
