//! What an endpoint says to its host.

use std::sync::Arc;
use std::time::Duration;

#[cfg(doc)]
use super::Endpoint;
use super::{Takeover, Unreached};
use crate::core::connection::{Connection, ConnectionEvent};
use crate::core::peers::ConnectionId;
use crate::core::session::Misrouted;

/// What a host does next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// It gives this to the connection, by [`Connection::handle_event`], and lets that write.
    Tell(ConnectionId, ConnectionEvent),
    /// It brings NODEUP to the processes that watch this node. The connection is the session with it: its
    /// [`ConnectionEvent::Up`] has come before.
    NodeUp(ConnectionId, Arc<str>),
    /// It brings NODEDOWN to the processes that watch this node. All that the session brought has been delivered.
    NodeDown(ConnectionId, Arc<str>),
    /// It calls [`Endpoint::dial`] for this name, which is kept connected, and connects if that says so. Whatever comes of it, no
    /// one else need repeat it.
    Dial(Arc<str>),
    /// It tells its operator.
    Notice(Notice),
}

/// What an operator should know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Notice {
    /// A session has taken the place of another one, of another start of a node of that name.
    TakenOver(Takeover),
    /// This peer, which this node had dialled, has given its place to another connection: another node has this one's name, most
    /// likely.
    LostToRival {
        /// The peer.
        name: Arc<str>,
        /// How often, one time soon after the other.
        in_a_row: u32,
    },
    /// A node that is kept connected is not reached: told after the first dial that fails, the second, the fourth, ..
    Unreached(Unreached),
    /// No more names are kept connected than there may be: this one of a peer's list is passed over.
    NotKept(Arc<str>),
    /// This peer signs with a cookie that is only accepted here.
    OldCookie(Arc<str>),
    /// This peer, of version 1, writes frames that are for another node.
    Misrouted {
        /// The peer.
        name: Arc<str>,
        /// The last of them.
        misrouted: Misrouted,
        /// How many there have been in this session.
        count: u64,
    },
}

/// What becomes of the wish for a session: see [`Endpoint::dial`].
#[derive(Debug)]
pub enum Dial<C = Box<Connection>> {
    /// The host connects to the node, and sets up TLS; this is the connection, whose time runs.
    Start(ConnectionId, C),
    /// There is a session.
    Up,
    /// A connection is being made already, or the session there is is being ended: ask again when
    /// [`Endpoint::is_underway`] is over. It can be when a connection is over or a session is up.
    Underway,
    /// Not before this time: ask again then.
    Later(Duration),
    /// The name is this node's own.
    OwnName,
    /// There are as many sessions as there may be.
    Busy,
    /// The node stops.
    Stopped,
}

impl<C> Dial<C> {
    /// The same, with what the host makes of a connection that is to be dialled.
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
