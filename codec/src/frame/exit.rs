//! `15` EXIT: the exit signal of a link, sent when a process ends, or the answer to a LINK that is not possible.

use crate::layout::{Layout, Sink, Source};
use crate::{Pid, Reason};

/// The exit signal of a link, sent when a process ends. It is also the answer to a LINK that is not possible.
/// Specification: `dist.md`, "EXIT".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exit<'a> {
    /// The process that ended, or to which the link was not possible, on the sender's node.
    pub from: Pid,
    /// The process at the other end of the link, on the receiver's node.
    pub to: Pid,
    /// The reason why `from` ended, or an error with one of these texts:
    ///
    /// - `noproc`: The process does not exist.
    /// - `limit`: The receiver's node has too many links and monitors at the sender's node.
    pub reason: Reason<'a>,
}

impl<'a> Layout<'a> for Exit<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { from: source.pid("from")?, to: source.pid("to")?, reason: source.reason("reason")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.pid("from", self.from)?;
        sink.pid("to", self.to)?;
        sink.reason("reason", &self.reason)
    }
}
