//! Events between a connection and its endpoint. A host can keep each of the two under a lock of its own, so events
//! are passed by value.

use std::sync::Arc;
use std::time::Duration;

use crate::core::epochs::Facts;
use crate::core::peers::{Refusal, Sign};
use crate::core::session::{Forbidden, Misrouted, Rights};

/// An event of a connection for its endpoint: see [`Endpoint::handle_event`](crate::core::Endpoint::handle_event).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EndpointEvent {
    /// TLS is established.
    Secured,
    /// NAME has arrived, and is valid.
    Named,
    /// The connection has REPLY to send, and asks whether it may send it.
    MayReply {
        /// Set if the peer speaks version 1.
        version_1: bool,
    },
    /// REPLY is verified: the endpoint must accept or refuse the connection.
    Verified(Box<Shown>),
    /// ACK is verified: the connection becomes the session as soon as the endpoint allows it.
    Acked(Box<Shown>),
    /// The peer of the session has given the sign that [`ConnectionEvent::Probe`] has asked for.
    Alive(Sign),
    /// A version 1 peer has written a frame that is for another node.
    Misrouted {
        /// The last such frame.
        misrouted: Misrouted,
        /// The number of such frames in this session.
        count: u64,
    },
    /// The session has refused a request of the peer.
    Forbidden {
        /// The kind of request.
        what: Forbidden,
        /// The number of such refusals in this session.
        count: u64,
    },
    /// A PEER_LIST of the session has named these nodes, each of which can be dialled.
    Listed(Vec<Arc<str>>),
}

/// The result of a handshake.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shown {
    /// The other node, and the configuration of a session with it.
    pub facts: Facts,
    /// Set if the peer has used a cookie that this node accepts but does not sign with. It is never set for a
    /// connection that this node has dialled.
    pub used_old_cookie: bool,
}

/// An event of an endpoint for a connection: see [`Connection::handle_event`](super::Connection::handle_event).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionEvent {
    /// The connection may send REPLY.
    Reply,
    /// The connection becomes the session, with this configuration, and its peer has these rights.
    Up(Box<Facts>, Rights),
    /// The session tells the peer of these other nodes.
    TellPeers(Vec<Arc<str>>),
    /// The connection is refused.
    Refuse(Refusal),
    /// The connection, which has not become a session, must end for this reason.
    GiveWay(GiveWay),
    /// The session must ask its peer for this sign, with a PING.
    Probe(Sign),
    /// The session must be ended in this way.
    Close(Close),
}

/// The reason why a connection that has not become a session gives way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum GiveWay {
    /// A newer accepted connection takes this connection's handshake slot.
    #[error(
        "it gave its place to a newer connection: more have not shown a cookie than may at once (`handshakes_max`, \
         `handshakes_per_address_max`)"
    )]
    Place,
    /// Another connection with the same node is the session.
    #[error("another connection with that node is the session")]
    Session,
    /// The node is stopping.
    #[error("the node stops")]
    Stop,
}

/// An instruction to end a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Close {
    /// The code of the CLOSE for the peer.
    pub code: u16,
    /// The text of the CLOSE for the peer.
    pub text: &'static str,
    /// The longest time for writing what is queued, and for the peer to close its side. If this is zero, the session
    /// ends at once, and only what the stream accepts without waiting is written.
    pub patience: Duration,
}
