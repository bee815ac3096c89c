//! A node that is prepared, but does not accept connections yet.

use crate::node::Node;

/// A node that has its name and its ports and can run processes, but does not accept connections yet.
/// [`NodeBuilder::prepare`](crate::NodeBuilder::prepare) returns it.
///
/// The node already owns its ports, so an address that is in use causes an error before anything is started. A peer
/// that dials before the program calls [`listen`](Self::listen) waits for that call. After 7 s the peer gives up, and
/// dials again if it [keeps](Node::keep) this node connected.
///
/// The node itself can dial already. A session that [`Node::connect`] establishes is a full session: through it the
/// peer can reach processes and names of this node. Nodes that should be kept connected ([`Node::keep`],
/// [`Node::discover`], and the corresponding methods of the builder) are dialled only when the program has called
/// [`listen`](Self::listen).
///
/// If this value is dropped before [`listen`](Self::listen) is called, the node never accepts connections, and the
/// clones of the node continue to work.
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

    /// Returns the node, so that the program can start processes, register names, and connect before it calls
    /// [`listen`](Self::listen).
    #[must_use]
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// Returns the ports of the node's addresses, in the order of
    /// [`NodeBuilder::listen`](crate::NodeBuilder::listen), with `None` for an address on a network without ports.
    ///
    /// For an address with port 0, the result is the port that the operating system has chosen. A router that
    /// forwards connections from the port in the node's name needs the port that is returned here.
    #[must_use]
    pub fn ports(&self) -> &[Option<u16>] {
        &self.ports
    }

    /// Starts to accept connections, and returns the node. Connections that have waited are accepted first.
    pub fn listen(self) -> Node {
        if let Some(connections) = self.node.table().connections() {
            connections.listen();
        }
        self.node
    }
}
