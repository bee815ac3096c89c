//! Why there is no session with a node.

use std::fmt;
use std::io;

use snow_dist_codec::NodeNameError;
use snow_dist_codec::handshake::Reject;
use tokio::task::JoinError;

use crate::core::NotDialled;
use crate::core::connection::{Ending, GiveWay, Waits};
use crate::core::handshake::Failure;
use crate::core::peers::Refusal;
use crate::foreign::words_of;
use crate::random::NoRandom;

/// Why there is no session with a node.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The name is not a node's.
    #[error("{0}")]
    Name(#[from] NodeNameError),
    /// The name has port 0: where the node listens is not known.
    #[error("the name has port 0: where that node listens is not known")]
    PortUnknown,
    /// The node is alone: it was not started with a name and a cookie.
    #[error("this node is alone: only one that was started by its builder has sessions")]
    Alone,
    /// The host in the name stands for every address of a machine: no node is found there.
    #[error("{host} is not the address of a node: it stands for every address of a machine")]
    HostUnspecified {
        /// The host in the name.
        host: String,
    },
    /// The name is this node's own.
    #[error("a node does not connect to itself")]
    OwnName,
    /// There are as many sessions as there may be.
    #[error(
        "this node has as many sessions as it may have: end some, or raise `sessions_max` of its builder"
    )]
    Busy,
    /// The host was not found, or nothing takes a connection there.
    #[error("no connection to {address}: {error}")]
    Tcp {
        /// Host and port.
        address: String,
        /// What the network says. On TCP it names each address of the host with its own error.
        error: io::Error,
    },
    /// The channel did not come up.
    #[error("TLS failed: {0}; does a Snow node listen there?")]
    Tls(io::Error),
    /// The connection broke before it was a session.
    #[error("{0}")]
    Broken(io::Error),
    /// The peer closed the connection before the handshake was over, without a word, and did so again at each further try.
    /// A Snow node does so when too many connect to it at once: raise its limits
    /// ([`NodeBuilder::handshakes_per_address_max`](crate::NodeBuilder::handshakes_per_address_max),
    /// [`NodeBuilder::handshakes_max`](crate::NodeBuilder::handshakes_max)), or look in its log for who does.
    #[error(
        "the peer closes connections before their handshake is over ({0}). If it is a Snow node, too many connect to \
         it at once: from the address of this node (raise `handshakes_per_address_max` of the peer's builder) or in \
         all (raise its `handshakes_max`); its log says how many gave way. Or it is stopping"
    )]
    ClosedEarly(io::Error),
    /// A version 1 peer closed the connection where it should have accepted it. Version 1 has no word for why.
    #[error(
        "the peer, which speaks version 1, closed the connection in place of an answer: most likely the two nodes have \
         different cookies, or the peer has a session with another node of this one's name"
    )]
    Unanswered,
    /// A check of the handshake failed.
    #[error("handshake: {0}")]
    Handshake(Failure),
    /// Something took longer than it may.
    #[error("{0}")]
    Deadline(Stage),
    /// Another connection with that node is the session, or is becoming it.
    #[error("another connection with that node was chosen: {0}")]
    Election(Refusal),
    /// The connection was closed to make room for another, or because the node stops.
    #[error("the connection gave way to another, or the node stops")]
    GaveWay,
    /// This node has been stopped.
    #[error("this node has been stopped")]
    Stopped,
    /// The tokio runtime of this node has been shut down.
    #[error("the tokio runtime of this node has been shut down")]
    RuntimeGone,
    /// The dial panicked: the program's own network did, most likely.
    #[error("the dial panicked: {0}")]
    Panic(String),
    /// The operating system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
}

/// The stages of a dial that have a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Waiting for another connection with the same node, which is being made or closed.
    Turn,
    /// Finding the host, and connecting to it.
    Connect,
    /// Setting up TLS.
    Tls,
    /// The handshake, up to REPLY.
    Handshake,
    /// Waiting for ACK, by which the peer accepts.
    Ack,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Turn => "another connection with that node was waited for, and was neither made nor closed in time: try again",
            Self::Connect => "no connection was made in time",
            Self::Tls => "the peer took the connection and did not answer in TLS in time: does a Snow node listen there?",
            Self::Handshake => "the peer did not answer in the handshake in time",
            Self::Ack => "the peer did not accept or refuse the connection in time",
        })
    }
}

impl From<NotDialled> for ConnectError {
    fn from(why: NotDialled) -> Self {
        match why {
            NotDialled::Name(error) => Self::Name(error),
            NotDialled::PortUnknown => Self::PortUnknown,
            NotDialled::HostUnspecified { host } => Self::HostUnspecified { host },
        }
    }
}

impl From<Failure> for ConnectError {
    fn from(failure: Failure) -> Self {
        match failure {
            //= spec/handshake.md#hs-rej-009
            //# An initiator MUST NOT let a REJECT decide more than what its log says and when it dials again.
            Failure::Rejected { code: Reject::DUPLICATE, .. } => Self::Election(Refusal::Duplicate),
            failure => Self::Handshake(failure),
        }
    }
}

impl From<NoRandom> for ConnectError {
    fn from(error: NoRandom) -> Self {
        Self::Random(error.to_string())
    }
}

impl ConnectError {
    /// Of a connection that has ended so in this stage without having become a session, and of how its stream failed, if it did.
    pub(crate) fn of_ending(ending: &Ending, stage: Stage, error: Option<io::Error>) -> Self {
        let closed = || io::Error::new(io::ErrorKind::UnexpectedEof, "the peer has closed the connection");
        match ending {
            Ending::Handshake(failure) => failure.clone().into(),
            Ending::Refused(refusal) => Self::Election(*refusal),
            Ending::GaveWay(GiveWay::Stop) => Self::Stopped,
            Ending::GaveWay(_) => Self::GaveWay,
            Ending::Late(Waits::Ack) => Self::Deadline(Stage::Ack),
            Ending::Late(_) => Self::Deadline(stage),
            Ending::Lost(_) | Ending::Unanswered(_) => match error.unwrap_or_else(closed) {
                error if !has_ended(&error) => Self::Broken(error),
                _ if matches!(ending, Ending::Unanswered(_)) => Self::Unanswered,
                error => Self::ClosedEarly(error),
            },
            other => Self::Broken(io::Error::other(other.to_string())),
        }
    }

    /// TLS has not come up.
    pub(crate) fn of_tls(error: io::Error) -> Self {
        if has_ended(&error) { Self::ClosedEarly(error) } else { Self::Tls(error) }
    }

    /// What has happened before the handshake, without what whoever dials could do.
    pub(crate) fn without_advice(&self) -> String {
        match self {
            Self::Tls(error) | Self::ClosedEarly(error) => format!("TLS did not come up: {error}"),
            other => other.to_string(),
        }
    }

    /// Of a task that made a connection.
    pub(crate) fn of_task(error: JoinError) -> Self {
        match error.try_into_panic() {
            Ok(panic) => Self::Panic(words_of(panic)),
            // Nobody else cancels it.
            Err(_) => Self::RuntimeGone,
        }
    }
}

/// Whether a connection has just ended.
fn has_ended(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}
