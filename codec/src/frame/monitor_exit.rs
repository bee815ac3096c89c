//! `18` MONITOR_EXIT: a monitored process has ended, or never was.

use crate::layout::{Layout, Sink, Source};
use crate::{Pid, Reason};

/// A monitored process has ended, or never was. Specification: `dist.md`, "MONITOR_EXIT".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MonitorExit<'a> {
    /// The process that ended, on the sender's node.
    pub monitored: Pid,
    /// The process to be told, on the receiver's node.
    pub monitoring: Pid,
    /// The number that MONITOR gave.
    pub reference: u64,
    /// Why it ended.
    pub reason: Reason<'a>,
}

impl<'a> Layout<'a> for MonitorExit<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self {
            monitored: source.pid("monitored")?,
            monitoring: source.pid("monitoring")?,
            reference: source.u64("ref")?,
            reason: source.reason("reason")?,
        })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.pid("monitored", self.monitored)?;
        sink.pid("monitoring", self.monitoring)?;
        sink.u64("ref", self.reference)?;
        sink.reason("reason", &self.reason)
    }
}
