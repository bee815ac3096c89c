//! `8B` MONITOR_NAME: monitors the process that is registered under a name.

use crate::layout::{Layout, Sink, Source};
use crate::{Pid, Text};

/// A request to monitor the process that is registered under a name, and to learn its pid. Specification: `dist.md`,
/// "MONITOR_NAME".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MonitorName<'a> {
    /// The monitoring process, on the sender's node.
    pub from: Pid,
    /// The number of the monitor, chosen by the sender. A node must not give two calls or monitors of a
    /// session the same number.
    pub reference: u64,
    /// The name under which the monitored process is registered on the receiver's node.
    pub name: Text<'a>,
}

impl<'a> Layout<'a> for MonitorName<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { from: source.pid("from")?, reference: source.u64("ref")?, name: source.str16("name")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.pid("from", self.from)?;
        sink.u64("ref", self.reference)?;
        sink.str16("name", self.name)
    }
}
