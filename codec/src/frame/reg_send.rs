//! `11` REG_SEND: a message to the process that is registered under a name.

use crate::Text;
use crate::layout::{Layout, Sink, Source};

/// A message to the process that is registered under a name. Specification: `dist.md`, "REG_SEND".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegSend<'a> {
    /// The name under which the process is registered on the receiver's node.
    pub name: Text<'a>,
    /// The message, opaque to the protocol.
    pub message: &'a [u8],
}

impl<'a> Layout<'a> for RegSend<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { name: source.str16("name")?, message: source.rest("message")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.str16("name", self.name)?;
        sink.rest("message", self.message)
    }
}
