//! What a node knows of the nodes that it is connected with.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use snow_dist_codec::handshake::Capabilities;

/// A node with which there is a session: see [`Node::peers`](crate::Node::peers).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// Its name, with its port.
    pub name: Arc<str>,
    /// The version of the protocol that the session speaks: 2, or 1.
    pub version: u16,
    /// What the session can do beyond the musts of its version: what both nodes have announced.
    pub capabilities: Capabilities,
    /// The number of that start of the node. `None` in version 1, which has no such number.
    pub incarnation: Option<NonZeroU64>,
    /// Whether this node has dialled the other one, not the other one this.
    pub is_dialled: bool,
    /// For how long the session has been up.
    pub up_for: Duration,
    /// How long the answer to the last PING of the heartbeat took. `None` if there has been no PING: a session in which bytes
    /// arrive all the time sends none.
    pub round_trip: Option<Duration>,
}
