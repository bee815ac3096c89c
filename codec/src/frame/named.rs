//! `8C` NAMED: the process that a monitor by name has found.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// The answer to MONITOR_NAME: the process that has the name. Specification: `dist.md`, "NAMED".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Named {
    /// The number of the monitor, as in MONITOR_NAME.
    pub reference: u64,
    /// The process that has the name, on the sender's node.
    pub pid: Pid,
}

impl<'a> Layout<'a> for Named {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { reference: source.u64("ref")?, pid: source.pid("pid")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.u64("ref", self.reference)?;
        sink.pid("pid", self.pid)
    }
}
