//! `19` SPAWN: requests a new process on the receiver's node.

use crate::layout::{Layout, Sink, Source};
use crate::{Pid, Text};

/// A request for a new process on the receiver's node. Specification: `dist.md`, "SPAWN".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spawn<'a> {
    /// The number of the request, chosen by the sender. A node must not give two requests of a session the same number.
    /// If `link` is 2, this is also the number of the monitor, and must differ from those of all calls and monitors.
    pub request: u64,
    /// The requesting process, on the sender's node.
    pub requester: Pid,
    /// The relation of the new process to the requester.
    ///
    /// 1 links the new process to the requester before the reply. 2 makes the requester monitor the new process, if
    /// both nodes have the capability `calls`. Any other value does neither; a node must write 0 for that.
    pub link: u8,
    /// The name under which the function to run is registered on the receiver's node.
    pub function: Text<'a>,
    /// The arguments: a term if both nodes have the capability `calls`, otherwise opaque to the protocol.
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
