//! Information about connected nodes.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use snow_dist_codec::handshake::Capabilities;

/// A connected node: see [`Node::peers`](crate::Node::peers).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// The name of the peer, with its port.
    pub name: Arc<str>,
    /// The protocol version of the session: 2 or 1.
    pub version: u16,
    /// The capabilities of the session, which are the optional features that both nodes have announced.
    pub capabilities: Capabilities,
    /// The incarnation of the peer, a random number that differs between any two starts of a node. `None` if the peer
    /// speaks version 1, which has no incarnations.
    pub incarnation: Option<NonZeroU64>,
    /// `true` if this node has dialled the peer, `false` if the peer has dialled this node.
    pub is_dialled: bool,
    /// The time since the session began.
    pub up_for: Duration,
    /// The time from the last PING of the heartbeat to its answer. The node sends a PING only when nothing has come
    /// from the peer for the interval of the [heartbeat](crate::NodeBuilder::heartbeat), by default 60 s. In a busy
    /// session this is therefore `None`, or as old as the last silence. To learn the round-trip time now, measure how
    /// long [`Node::whereis_on`](crate::Node::whereis_on) takes, as `snow-dist cluster` does.
    pub round_trip: Option<Duration>,
}
