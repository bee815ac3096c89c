//! `F0` PING: asks for a sign of life.

use crate::layout::{Layout, Sink, Source};

/// Asks for a sign of life. Specification: `dist.md`, "PING".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ping<'a> {
    /// Eight bytes, to be sent back.
    pub payload: &'a [u8; 8],
}

impl<'a> Layout<'a> for Ping<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { payload: source.array("payload")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.array("payload", self.payload)
    }
}
