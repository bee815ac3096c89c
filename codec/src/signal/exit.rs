//! `u64::MAX` EXIT: a linked process has ended.

use crate::layout::{Layout, Sink, Source};
use crate::{Pid, Reason};

/// A linked process has ended. Specification: `dist.md`, "Mailbox signals".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exit<'a> {
    /// The process that ended.
    pub from: Pid,
    /// Why it ended.
    pub reason: Reason<'a>,
}

impl<'a> Layout<'a> for Exit<'a> {
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { from: source.pid("from")?, reason: source.reason("reason")? })
    }

    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.pid("from", self.from)?;
        sink.reason("reason", &self.reason)
    }
}
