//! `82` NODE_TABLE: the node behind a node id in the sender's pids.

use crate::Text;
use crate::layout::{Layout, Sink, Source};

/// An entry of the sender's node table: the node for which a node id stands in the sender's pids. Specification:
/// `dist.md`, "NODE_TABLE".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeTable<'a> {
    /// The node id. A node must not write 0, 65 534 or 65 535 here.
    pub index: u16,
    /// The incarnation: the random number that identifies a run of the node.
    pub incarnation: u64,
    /// The name of the node.
    pub name: Text<'a>,
}

impl<'a> Layout<'a> for NodeTable<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self {
            index: source.u16("index")?,
            incarnation: source.u64("incarnation")?,
            name: source.str16("name")?,
        })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.u16("index", self.index)?;
        sink.u64("incarnation", self.incarnation)?;
        sink.str16("name", self.name)
    }
}
