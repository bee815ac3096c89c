//! `u64::MAX` EXIT: a linked process has ended, or a process has sent an exit signal.

use crate::layout::{Layout, Sink, Source};
use crate::{Pid, Reason};

/// An exit signal, from a linked process that ended or from a process that sent one. Specification: `dist.md`,
/// "Mailbox signals".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exit<'a> {
    /// The process that ended or sent the signal.
    pub from: Pid,
    /// The reason of the exit.
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
