//! `F1` PONG: the answer to a PING.

use crate::layout::{Layout, Sink, Source};

/// The answer to a PING. Specification: `dist.md`, "PONG".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pong<'a> {
    /// The eight bytes of the PING.
    pub payload: &'a [u8; 8],
}

impl<'a> Layout<'a> for Pong<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { payload: source.array("payload")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.array("payload", self.payload)
    }
}
