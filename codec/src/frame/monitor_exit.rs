//! `18` MONITOR_EXIT: notifies that a monitored process has ended or does not exist.

use crate::layout::{Layout, Sink, Source};
use crate::{Pid, Reason};

/// A notification that a monitored or called process has ended or does not exist, or that the monitor or call was not
/// possible. Specification: `dist.md`, "MONITOR_EXIT".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MonitorExit<'a> {
    /// The monitored or called process, on the sender's node. Its local id is 0 if the monitor or call was made by
    /// MONITOR_NAME, CALL_NAME or SPAWN.
    pub monitored: Pid,
    /// The monitoring or calling process, on the receiver's node.
    pub monitoring: Pid,
    /// The number of the monitor or call, as in the frame that made it. In SPAWN this is `request`.
    pub reference: u64,
    /// The reason why the process ended, or an error with one of these texts:
    ///
    /// - `noproc`: The process does not exist.
    /// - `limit`: The receiver's node has too many links and monitors at the sender's node.
    /// - `full`: There was no room for the message of the call.
    /// - `unanswered`: Nobody is left who could reply to the call.
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
