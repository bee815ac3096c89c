//! `u64::MAX - 3` NODEUP: there is a session with a node.

use crate::Text;
use crate::layout::{Layout, Sink, Source};

/// There is a session with a node. Specification: `dist.md`, "Mailbox signals".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeUp<'a> {
    /// The node's name: all bytes that are left.
    pub node: Text<'a>,
}

impl<'a> Layout<'a> for NodeUp<'a> {
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { node: source.text("node")? })
    }

    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.text("node", self.node)
    }
}
