//! `18` MONITOR_EXIT: notifies that a monitored process has ended or does not exist.

use crate::layout::{Layout, Sink, Source};
use crate::{Pid, Reason};

/// A notification that a monitored process has ended or does not exist. Specification: `dist.md`, "MONITOR_EXIT".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MonitorExit<'a> {
    /// The monitored process, on the sender's node.
    pub monitored: Pid,
    /// The monitoring process, on the receiver's node.
    pub monitoring: Pid,
    /// The number of the monitor, as in MONITOR.
    pub reference: u64,
    /// The reason why the process ended. If the process does not exist, this is an error with the text `noproc`.
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
