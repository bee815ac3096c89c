//! `u64::MAX - 1` DOWN: a monitored process has ended or does not exist.

use crate::layout::{Layout, Sink, Source};
use crate::{Pid, Reason};

/// A notification that a monitored process has ended or does not exist. Specification: `dist.md`, "Mailbox signals".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Down<'a> {
    /// The number of the monitor.
    pub reference: u64,
    /// The monitored process.
    pub monitored: Pid,
    /// The reason why the process ended, or one of these reasons:
    ///
    /// - [`Root::Noconnection`](crate::Root::Noconnection): The session with the node of the process has ended, or
    ///   there was none.
    /// - An error with the text `noproc`: The process does not exist.
    /// - An error with the text `limit`: This node has too many links and monitors at the node of the process.
    pub reason: Reason<'a>,
}

impl<'a> Layout<'a> for Down<'a> {
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self {
            reference: source.u64("ref")?,
            monitored: source.pid("monitored")?,
            reason: source.reason("reason")?,
        })
    }

    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.u64("ref", self.reference)?;
        sink.pid("monitored", self.monitored)?;
        sink.reason("reason", &self.reason)
    }
}
