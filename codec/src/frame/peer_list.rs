//! `12` PEER_LIST: the nodes to which the sender is connected.

use crate::Names;
use crate::layout::{Layout, Sink, Source};

/// The nodes to which the sender is connected. Specification: `dist.md`, "PEER_LIST".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerList<'a> {
    /// The names of the nodes, as those nodes announced them.
    pub names: Names<'a>,
}

impl<'a> Layout<'a> for PeerList<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { names: source.names("names")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.names("names", &self.names)
    }
}
