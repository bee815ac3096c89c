//! A node between its two steps: everything is there, and nobody comes in yet.

use crate::node::Node;

/// A node that has its name, its address and its processes, and takes no connection yet: see
/// [`NodeBuilder::prepare`](crate::NodeBuilder::prepare).
///
/// The node's ports are its own from here on, so that an address that is taken is an error before anything is started. A peer
/// that dials in the meantime waits; it is let in by [`listen`](Self::listen), or gives up after seconds and tries again
/// if it keeps the connection.
///
/// The node itself may dial: a session that it asks for by [`Node::connect`] is a whole one, in which the peer reaches its
/// processes and names. What is to be kept connected ([`Node::keep`], [`Node::discover`], and the same of the builder) is dialled
/// from [`listen`](Self::listen) on.
///
/// When this is dropped instead, nothing listens; clones of the node go on.
#[derive(Debug)]
#[must_use = "nobody can reach the node until it listens"]
pub struct PreparedNode {
    node: Node,
    ports: Vec<Option<u16>>,
}

impl PreparedNode {
    pub(crate) const fn new(node: Node, ports: Vec<Option<u16>>) -> Self {
        Self { node, ports }
    }

    /// Returns the node: what starts processes, registers names, and connects.
    #[must_use]
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// Returns the ports of its addresses, in the order of [`NodeBuilder::listen`](crate::NodeBuilder::listen), `None` for one
    /// of a network that has no ports. Where an address said port 0, this is what the system has chosen: what a router is
    /// to be told that sends to it what comes for the port in the node's name.
    #[must_use]
    pub fn ports(&self) -> &[Option<u16>] {
        &self.ports
    }

    /// Takes the connections of others from now on, those first that have waited. Returns the node.
    pub fn listen(self) -> Node {
        if let Some(connections) = self.node.table().connections() {
            connections.listen();
        }
        self.node
    }
}
