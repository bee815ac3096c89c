//! `19` SPAWN: asks for a new process on the receiver's node.

use crate::layout::{Layout, Sink, Source};
use crate::{Pid, Text};

/// Asks for a new process on the receiver's node. Specification: `dist.md`, "SPAWN".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spawn<'a> {
    /// The request's number, the sender's choice.
    pub request: u64,
    /// The process that asks, on the sender's node.
    pub requester: Pid,
    /// 1: link the new process to the requester before replying; 2, where both nodes have `calls`: have the requester
    /// monitor it; any other value: neither.
    pub link: u8,
    /// The name under which the receiver registered what to run.
    pub function: Text<'a>,
    /// Its arguments: a term where both nodes have `calls`, and otherwise opaque to the protocol.
    pub arguments: &'a [u8],
}

impl<'a> Layout<'a> for Spawn<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self {
            request: source.u64("request")?,
            requester: source.pid("requester")?,
            link: source.u8("link")?,
            function: source.str16("function")?,
            arguments: source.rest("arguments")?,
        })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.u64("request", self.request)?;
        sink.pid("requester", self.requester)?;
        sink.u8("link", self.link)?;
        sink.str16("function", self.function)?;
        sink.rest("arguments", self.arguments)
    }
}
