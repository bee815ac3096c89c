//! `F0` PING: requests a PONG.

use crate::layout::{Layout, Sink, Source};

/// A request for a PONG, as a sign of life. Specification: `dist.md`, "PING".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ping<'a> {
    /// The eight bytes that the PONG must return. They can have any value.
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
