//! `8C` NAMED: whom a monitor by name is of.

use crate::Pid;
use crate::layout::{Layout, Sink, Source};

/// Whom a monitor by name is of. Specification: `dist.md`, "NAMED".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Named {
    /// The number that MONITOR_Named gave.
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
