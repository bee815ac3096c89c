//! `u64::MAX - 1` DOWN: a monitored process has ended.

use crate::layout::{Layout, Sink, Source};
use crate::{Pid, Reason};

/// A monitored process has ended. Specification: `dist.md`, "Mailbox signals".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Down<'a> {
    /// The monitor's number.
    pub reference: u64,
    /// The process that ended.
    pub monitored: Pid,
    /// Why it ended.
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
