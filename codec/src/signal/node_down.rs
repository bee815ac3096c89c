//! `u64::MAX - 2` NODEDOWN: the session with a node has ended.

use crate::Text;
use crate::layout::{Layout, Sink, Source};

/// A notification that the session with a node has ended. Specification: `dist.md`, "Mailbox signals".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeDown<'a> {
    /// The name of the node. It has no length field, and fills the rest of the signal.
    pub node: Text<'a>,
}

impl<'a> Layout<'a> for NodeDown<'a> {
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { node: source.text("node")? })
    }

    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.text("node", self.node)
    }
}
