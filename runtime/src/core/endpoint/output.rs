//! The output of an endpoint for its host.

use std::sync::Arc;
use std::time::Duration;

#[cfg(doc)]
use super::Endpoint;
use super::{Takeover, Unreached};
use crate::core::connection::{Connection, ConnectionEvent};
use crate::core::peers::ConnectionId;
use crate::core::session::{Forbidden, Misrouted};

/// An action for the host. The host must carry actions out in the order in which [`Endpoint::poll_output`] returns
/// them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// The host must pass this event to the connection with [`Connection::handle_event`], and then write what
    /// [`Connection::transmit`] gives.
    Tell(ConnectionId, ConnectionEvent),
    /// The host must deliver NODEUP to the processes that watch the node of this name. The connection is the session
    /// with that node, and its [`ConnectionEvent::Up`] was an earlier output. After that, the host must call
    /// [`Inbound::receive`](crate::core::Inbound::receive) without bytes for the connection.
    NodeUp(ConnectionId, Arc<str>),
    /// The host must deliver NODEDOWN to the processes that watch the node of this name. The connection was the session
    /// with that node, and everything that the session has brought has been delivered.
    NodeDown(ConnectionId, Arc<str>),
    /// The host must call [`Endpoint::dial`] for this name, which is kept connected, and connect to the node if that
    /// returns [`Dial::Start`]. If the host cannot make the call, it must call [`Endpoint::cannot_dial`]. The host must
    /// not repeat the dial itself: the endpoint gives this output again when it is time.
    Dial(Arc<str>),
    /// The host should inform its operator.
    Notice(Notice),
}

/// A notice for the operator of the node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Notice {
    /// A node has connected under the name of a peer that had a session, but with another incarnation. The new session
    /// has replaced the earlier one.
    TakenOver(Takeover),
    /// A peer has ended a session, which this node had dialled, in favour of another connection. Most likely another
    /// node has this node's name.
    LostToRival {
        /// The name of the peer.
        name: Arc<str>,
        /// The number of times that this has happened in a row, each time soon after the last. It is 0 if the
        /// session had lasted for [`RIVAL_PAUSE_MAX`](crate::core::limits::RIVAL_PAUSE_MAX) or longer.
        in_a_row: u32,
    },
    /// A node that is kept connected cannot be reached. This is reported when the number of dials in a row that have
    /// failed is 1, 2, 4, 8, and so on.
    Unreached(Unreached),
    /// A name from a peer list is ignored, because as many names are kept connected as allowed
    /// ([`Limits::kept_max`](super::Limits::kept_max)). Only the first such name of a list is reported in this way.
    /// [`Notice::NotDialled`] follows, and counts all names of the list that are not dialled.
    NotKept(Arc<str>),
    /// This node has refused a request of a peer. If the peer sends many such requests, only some refusals are
    /// reported.
    Forbidden {
        /// The name of the peer.
        name: Arc<str>,
        /// The kind of request.
        what: Forbidden,
        /// The number of such refusals in this session.
        count: u64,
    },
    /// A peer list names nodes that are not dialled, because the operator has not allowed them
    /// ([`Local::peer_lists`](crate::core::handshake::Local::peer_lists)), or because as many names are kept connected
    /// as allowed.
    NotDialled {
        /// The name of the peer.
        name: Arc<str>,
        /// The number of such names in the list.
        count: u64,
    },
    /// The peer of this name has signed with a cookie that this node accepts but does not sign with.
    OldCookie(Arc<str>),
    /// A version 1 peer writes frames that are for another node.
    Misrouted {
        /// The name of the peer.
        name: Arc<str>,
        /// The last such frame.
        misrouted: Misrouted,
        /// The number of such frames in this session.
        count: u64,
    },
}

/// The outcome of [`Endpoint::dial`].
///
/// `C` is the type of the value in [`Dial::Start`]: the connection, or a value that [`Dial::map`] has put in its place.
#[derive(Debug)]
pub enum Dial<C = Box<Connection>> {
    /// The dial has begun. The host must connect to the node and set up TLS. The value holds the connection, whose
    /// deadlines have begun.
    Start(ConnectionId, C),
    /// There is already a session with the node.
    Up,
    /// A connection with the node is already being made, or the session with it is being ended. Dial again when
    /// [`Endpoint::is_underway`] returns `false`. That result can change whenever a connection is over or a session
    /// has come up.
    Underway,
    /// The dial must not begin before this time, which counts from the start of the node. Dial again then.
    Later(Duration),
    /// The name is this node's own.
    OwnName,
    /// There are as many sessions as allowed ([`Limits::sessions_max`](super::Limits::sessions_max)).
    Busy,
    /// The node is stopping.
    Stopped,
}

impl<C> Dial<C> {
    /// Converts the connection of [`Dial::Start`] with `keep`, and leaves every other outcome as it is.
    pub fn map<D>(self, keep: impl FnOnce(ConnectionId, C) -> D) -> Dial<D> {
        match self {
            Self::Start(id, connection) => Dial::Start(id, keep(id, connection)),
            Self::Up => Dial::Up,
            Self::Underway => Dial::Underway,
            Self::Later(at) => Dial::Later(at),
            Self::OwnName => Dial::OwnName,
            Self::Busy => Dial::Busy,
            Self::Stopped => Dial::Stopped,
        }
    }
}
