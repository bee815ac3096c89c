//! `82` NODE_TABLE: what a node id of this session's pids stands for.

use crate::Text;
use crate::layout::{Layout, Sink, Source};

/// What a node id of this session's pids stands for. Specification: `dist.md`, "NODE_TABLE".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeTable<'a> {
    /// The node id.
    pub index: u16,
    /// Which start of that node.
    pub incarnation: u64,
    /// The node's name.
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
