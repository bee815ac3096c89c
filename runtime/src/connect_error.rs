//! The errors of connecting to a node.

use std::fmt;
use std::io;

use snow_dist_codec::NodeNameError;
use snow_dist_codec::handshake::Reject;
use tokio::task::JoinError;

use crate::core::NotDialled;
use crate::core::connection::{Ending, GiveWay, Waits};
use crate::core::handshake::Failure;
use crate::core::limits::HANDSHAKE_DEADLINE;
use crate::core::peers::Refusal;
use crate::foreign::words_of;
use crate::random::NoRandom;

/// An error that says why no session was established with a node.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The name is not a valid node name.
    #[error("{0}")]
    Name(#[from] NodeNameError),
    /// The name has port 0, so the address of the node is not known.
    #[error("the name has port 0: where that node listens is not known")]
    PortUnknown,
    /// This node has no network: it was not started with a name and a cookie.
    #[error("this node is alone: only one that was started by its builder has sessions")]
    Alone,
    /// The host in the name is a wildcard address, which stands for every address of a machine. No node can be
    /// reached at it.
    #[error("{host} is not the address of a node: it stands for every address of a machine")]
    HostUnspecified {
        /// The host in the name.
        host: String,
    },
    /// The name is this node's own name.
    #[error("a node does not connect to itself")]
    OwnName,
    /// This node has the maximum number of sessions
    /// ([`NodeBuilder::sessions_max`](crate::NodeBuilder::sessions_max)). End some of them, or raise the limit.
    #[error(
        "this node has as many sessions as it may have: end some, or raise `sessions_max` of its builder"
    )]
    Busy,
    /// The host of the name was not found, accepts no connection at the port of the name, or has not answered within
    /// 5 s ([`CONNECT_DEADLINE`](crate::core::limits::CONNECT_DEADLINE)).
    #[error("no connection to {address}: {error}")]
    Tcp {
        /// The host and port that were dialled.
        address: String,
        /// The error of the network. On TCP it lists each address of the host with its own error.
        error: io::Error,
    },
    /// The TLS channel could not be set up, for example because a program other than a Snow DIST node listens at the
    /// address.
    #[error("TLS failed: {0}; does a Snow node listen there?")]
    Tls(io::Error),
    /// Certificates are required, and one of the two nodes has none or has one that the other node refuses.
    #[error("certificate: {0}")]
    Certificate(String),
    /// The connection broke before the session was established. Try again.
    #[error("{0}")]
    Broken(io::Error),
    /// The peer closed the connection without a message before the handshake was complete, on the first attempt
    /// and on each retry.
    ///
    /// A Snow DIST node does this for three reasons, here with the most likely one first. The log of that node names
    /// the reason, and its counts [`RefusedConnections`](crate::RefusedConnections), which `snow-dist cluster` shows
    /// as `refused_..`, distinguish the first two:
    ///
    /// - The handshake was not over within 7 s ([`HANDSHAKE_DEADLINE`](crate::core::limits::HANDSHAKE_DEADLINE)),
    ///   because the network or one of the two machines is too slow: `refused_silent`. Dial again, or find out what
    ///   slows them down.
    /// - Too many connections reach the node at once: `refused_gave_way`. Raise its limits
    ///   ([`NodeBuilder::handshakes_per_address_max`](crate::NodeBuilder::handshakes_per_address_max),
    ///   [`NodeBuilder::handshakes_max`](crate::NodeBuilder::handshakes_max)), or find the source of the connections
    ///   in its log.
    /// - The node is stopping. This is not counted.
    #[error(
        "the peer closes connections before their handshake is over ({0}). If it is a Snow node, its log and its \
         counters say why: the handshake took more than {secs} s, because the network or one of the two machines is slow \
         (`refused_silent`); or too many connect to it at once, from the address of this node or in all \
         (`refused_gave_way`: raise `handshakes_per_address_max` or `handshakes_max` of its builder); or it is stopping",
        secs = HANDSHAKE_DEADLINE.as_secs()
    )]
    ClosedEarly(io::Error),
    /// A version 1 peer closed the connection instead of accepting it. Version 1 has no message that gives the
    /// reason; most likely the cookies of the two nodes differ.
    #[error(
        "the peer, which speaks version 1, closed the connection in place of an answer: most likely the two nodes have \
         different cookies, or the peer has a session with another node of this one's name"
    )]
    Unanswered,
    /// A check of the handshake failed, for example because the peer does not know the cookie or has another name.
    /// [`Failure`] names the check.
    #[error("handshake: {0}")]
    Handshake(Failure),
    /// A stage of the dial took longer than its deadline.
    #[error("{0}")]
    Deadline(Stage),
    /// Another connection with the same node is the session, or is becoming the session, after the first attempt and
    /// after each retry. Try again.
    #[error("another connection with that node was chosen: {0}")]
    Election(Refusal),
    /// This node has closed the connection, because another connection with the same node is the session. Try again.
    #[error("the connection gave way to another one with the same node")]
    GaveWay,
    /// This node has been stopped.
    #[error("this node has been stopped")]
    Stopped,
    /// The tokio runtime of this node has been shut down.
    #[error("the tokio runtime of this node has been shut down")]
    RuntimeGone,
    /// The dial panicked, most likely in the program's own [`Network`](crate::Network).
    #[error("the dial panicked: {0}")]
    Panic(String),
    /// The operating system provides no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
}

/// A stage of a dial that has a deadline. The stages [`Connect`](Self::Connect), [`Tls`](Self::Tls) and
/// [`Handshake`](Self::Handshake) together have 7 s
/// ([`HANDSHAKE_DEADLINE`](crate::core::limits::HANDSHAKE_DEADLINE)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The wait for another connection with the same node to become the session or to be closed, for at most 20 s.
    Turn,
    /// Connecting, by a [`Network`](crate::Network) of the program. On [`Tcp`](crate::Tcp), resolving the host name
    /// and connecting together have 5 s; after that time the error is [`ConnectError::Tcp`] instead.
    Connect,
    /// Setting up the TLS channel.
    Tls,
    /// The handshake of Snow DIST, from its first message to the REPLY of this node.
    Handshake,
    /// The wait for the ACK, by which the peer accepts the session, for at most 7 s
    /// ([`ACK_DEADLINE`](crate::core::limits::ACK_DEADLINE)).
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
            //# An initiator MUST NOT let a REJECT decide more than what the initiator reports and when it
            //# dials again.
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
    /// Creates the error of a connection that ended in this stage without becoming a session. `error` is the
    /// failure of its stream, if there was one.
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
                error if is_of_certificate(&error) => Self::Certificate(error.to_string()),
                error if !has_ended(&error) => Self::Broken(error),
                _ if matches!(ending, Ending::Unanswered(_)) => Self::Unanswered,
                error => Self::ClosedEarly(error),
            },
            other => Self::Broken(io::Error::other(other.to_string())),
        }
    }

    /// Creates the error of a TLS setup that failed.
    pub(crate) fn of_tls(error: io::Error) -> Self {
        match error {
            error if is_of_certificate(&error) => Self::Certificate(error.to_string()),
            error if has_ended(&error) => Self::ClosedEarly(error),
            error => Self::Tls(error),
        }
    }

    /// Returns the error in words, without advice for the node that dials.
    pub(crate) fn without_advice(&self) -> String {
        match self {
            Self::Tls(error) | Self::ClosedEarly(error) => format!("TLS did not come up: {error}"),
            other => other.to_string(),
        }
    }

    /// Creates the error of a task that made a connection and did not complete.
    pub(crate) fn of_task(error: JoinError) -> Self {
        match error.try_into_panic() {
            Ok(panic) => Self::Panic(words_of(panic)),
            // Nobody else cancels it.
            Err(_) => Self::RuntimeGone,
        }
    }
}

/// A problem with a certificate, carried within the error of a stream.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct CertificateTrouble(pub(crate) String);

fn is_of_certificate(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<CertificateTrouble>())
}

/// Returns `true` if the error only says that the connection has ended.
fn has_ended(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}
