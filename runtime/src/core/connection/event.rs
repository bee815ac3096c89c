//! What a connection and its endpoint say to each other. Each stands under a lock of its own, so they say it by values.

use std::sync::Arc;
use std::time::Duration;

use crate::core::epochs::Facts;
use crate::core::peers::{Refusal, Sign};
use crate::core::session::Misrouted;

/// What a connection says to its endpoint: [`Endpoint::handle_event`](crate::core::Endpoint::handle_event).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EndpointEvent {
    /// TLS is there.
    Secured,
    /// NAME has come, and is good.
    Named,
    /// It has REPLY to send, if it may. The peer speaks version 1, or not.
    MayReply {
        /// It speaks version 1.
        version_1: bool,
    },
    /// REPLY was good: it is to be accepted or refused.
    Verified(Box<Shown>),
    /// ACK was good: it is the session as soon as it may be.
    Acked(Box<Shown>),
    /// The session has given a sign that was asked for.
    Alive(Sign),
    /// A version 1 peer writes frames that are for another node.
    Misrouted {
        /// The last of them.
        misrouted: Misrouted,
        /// How many there have been in this session.
        count: u64,
    },
    /// A PEER_LIST of the session has named these nodes, which can be dialled.
    Listed(Vec<Arc<str>>),
}

/// What a handshake has shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shown {
    /// The other node, and what a session with it is made of.
    pub facts: Facts,
    /// The peer has used a cookie that this node does not sign with any more.
    pub used_old_cookie: bool,
}

/// What an endpoint says to a connection: [`Connection::handle_event`](super::Connection::handle_event).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionEvent {
    /// REPLY goes out.
    Reply,
    /// It is the session, made of these.
    Up(Box<Facts>),
    /// It is the session, and names in the peer's lists are of use: [`EndpointEvent::Listed`].
    HearLists,
    /// It is the session, and tells the peer of these other nodes.
    TellPeers(Vec<Arc<str>>),
    /// It is refused.
    Refuse(Refusal),
    /// It is not wanted any more, and has not become a session.
    GiveWay(GiveWay),
    /// It is the session, and the peer must give this sign.
    Probe(Sign),
    /// It is the session, and is to be ended.
    Close(Close),
}

/// For what a connection gives way that has not become a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum GiveWay {
    /// Another connection that was accepted takes its place.
    #[error(
        "it gave its place to a newer connection: more have not shown a cookie than may at once (`handshakes_max`, \
         `handshakes_per_address_max`)"
    )]
    Place,
    /// Another connection with that node is the session.
    #[error("another connection with that node is the session")]
    Session,
    /// The node stops.
    #[error("the node stops")]
    Stop,
}

/// An order to end a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Close {
    /// What the peer is told, by number.
    pub code: u16,
    /// The same in words.
    pub text: &'static str,
    /// How long what is queued may take to be written, and the peer to close as well. With no time at all only what the stream
    /// takes at once is written.
    pub patience: Duration,
}
