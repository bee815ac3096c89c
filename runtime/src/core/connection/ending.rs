//! The reasons why connections end, and the deadlines that they wait for.

use std::fmt;
use std::time::Duration;

use snow_dist_codec::FramingError;

use super::event::GiveWay;
use crate::core::handshake::Failure;
use crate::core::limits::{
    ACK_DEADLINE, DRAIN_DEADLINE, HANDSHAKE_DEADLINE, HEARTBEAT_INTERVAL, HEARTBEAT_TIMEOUT, PROBE_TIMEOUT,
    SHUTDOWN_PATIENCE,
};
use crate::core::peers::Refusal;
use crate::core::session::{self, Leave};

/// The reason why a connection has ended.
///
/// A host treats all endings alike: see the [module](super), "The end".
///
/// | ending | what [`transmit`](super::Connection::transmit) still gives, for the peer |
/// |---|---|
/// | `Handshake`, at the acceptor | REJECT with the code of the failure, to a peer that can read it; close_notify |
/// | `Handshake`, at the initiator | close_notify |
/// | `Refused` | REJECT with the code of the refusal, to a peer of version 2; close_notify |
/// | `Session(Protocol)` | what is queued; CLOSE with code 1; close_notify |
/// | `Session(AnswersUnread)`, `Session(UnlinksUnanswered)`, `Session(SignalsUntaken)` | what is queued; CLOSE with code 2; close_notify |
/// | `Session(Stopped)`, for another connection | what is queued; CLOSE with code 3; close_notify. What has arrived and was not read is not handled |
/// | `Session(Closed)` | close_notify, since a CLOSE is not answered |
/// | `Session(Stopped)` otherwise | nothing: everything was written, or the time for that is over |
/// | `Session(Silent)`, `Session(Unused)`, `Session(Stuck)`, `Session(Lost)` | nothing, since nobody reads it |
/// | `GaveWay`, `Late`, `Framing`, `Lost`, `Unanswered` | nothing: the stream just ends |
///
/// A CLOSE is a frame of version 2. In version 1, the stream just ends in its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Ending {
    /// A check of the handshake has failed here, or the acceptor has sent a REJECT because one of its checks has
    /// failed.
    #[error("{0}")]
    Handshake(Failure),
    /// This node has refused the connection, because it has another connection with the same peer, or no room for
    /// this one.
    #[error("{0}")]
    Refused(Refusal),
    /// The connection has given way to another connection, or the node is stopping.
    #[error("{0}")]
    GaveWay(GiveWay),
    /// The peer has taken too long.
    #[error("{0} was waited for, and has not come in time")]
    Late(Waits),
    /// The length before a message of the handshake is above the limit, so the bytes are most likely not of this
    /// protocol.
    #[error("{0}")]
    Framing(FramingError),
    /// The stream was not established, or it ended or failed before there was a session. Before TLS is established,
    /// the text is the one that the host passed to [`Connection::stream_ended`](super::Connection::stream_ended).
    /// After that, the same text follows the words `the handshake was broken off: `.
    #[error("{0}")]
    Lost(String),
    /// The acceptor has closed the stream instead of answering REPLY. A version 1 acceptor does that when it refuses
    /// a connection.
    #[error("the peer has closed the connection in place of an answer: {0}")]
    Unanswered(String),
    /// The session has ended.
    #[error("{why}")]
    Session {
        /// The reason.
        why: session::Ending,
        /// Set if this node has ended the session at once, but still writes what is queued and a CLOSE.
        is_told: bool,
    },
}

impl Ending {
    /// Returns `true` if the host still writes the output that waits, as far as the stream takes it without waiting.
    /// Output that the host has taken out of the connection and not written yet is included. If this returns `false`,
    /// the host drops that output.
    #[must_use]
    pub fn tells_all(&self) -> bool {
        match self {
            Self::Handshake(_) | Self::Refused(_) => true,
            Self::Session { why, is_told } => *is_told || matches!(why.leave(), Leave::Close { .. }),
            Self::GaveWay(_) | Self::Late(_) | Self::Framing(_) | Self::Lost(_) | Self::Unanswered(_) => {
                false
            }
        }
    }

    /// Returns `true` if the stream is closed by close_notify.
    pub(super) fn notifies(&self) -> bool {
        self.tells_all() || self.of_session().is_some_and(|why| why.leave() == Leave::CloseNotify)
    }

    /// Returns the reason why the session has ended, or `None` if the connection was not a session.
    #[must_use]
    pub const fn of_session(&self) -> Option<&session::Ending> {
        match self {
            Self::Session { why, .. } => Some(why),
            _ => None,
        }
    }
}

impl From<session::Ending> for Ending {
    fn from(why: session::Ending) -> Self {
        Self::Session { why, is_told: false }
    }
}

impl session::Ending {
    /// Converts the ending to one of a connection that still tells the peer what is queued.
    pub(super) const fn told(self) -> Ending {
        Ending::Session { why: self, is_told: true }
    }
}

impl From<Failure> for Ending {
    fn from(failure: Failure) -> Self {
        Self::Handshake(failure)
    }
}

/// A deadline of a connection: the thing that it waits for, and the longest time of the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Waits {
    /// TCP, TLS and the handshake up to REPLY: [`HANDSHAKE_DEADLINE`] from the beginning. A silent peer holds a
    /// handshake slot no longer than that.
    Handshake,
    /// ACK: [`ACK_DEADLINE`] from REPLY. The acceptor may have a dial of its own to settle first.
    Ack,
    /// The time for a PING: `heartbeat_interval` from the last byte of the peer. The default is
    /// [`HEARTBEAT_INTERVAL`].
    Ping,
    /// The peer's answer to a PING: `heartbeat_timeout` from the time at which the stream has taken the PING. The
    /// default is [`HEARTBEAT_TIMEOUT`].
    Answer,
    /// A sign of the peer, because another connection with it waits: [`PROBE_TIMEOUT`] from the question.
    Probe,
    /// The stream, which has output waiting and takes no byte of it: [`DRAIN_DEADLINE`] from the time at which the
    /// output was offered, or at which the stream last took some of it if that is later.
    Drain,
    /// The end of a session that is being ended gracefully: [`SHUTDOWN_PATIENCE`] from the time at which this node
    /// began to end it.
    Closing,
}

impl Waits {
    /// Returns the default of the longest time of the wait. The configuration of a node can set other times for
    /// [`Ping`](Self::Ping) and [`Answer`](Self::Answer).
    #[must_use]
    pub const fn time(self) -> Duration {
        match self {
            Self::Handshake => HANDSHAKE_DEADLINE,
            Self::Ack => ACK_DEADLINE,
            Self::Ping => HEARTBEAT_INTERVAL,
            Self::Answer => HEARTBEAT_TIMEOUT,
            Self::Probe => PROBE_TIMEOUT,
            Self::Drain => DRAIN_DEADLINE,
            Self::Closing => SHUTDOWN_PATIENCE,
        }
    }
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handshake => "the handshake",
            Self::Ack => "the peer's ACK",
            Self::Ping => "the time for a PING",
            Self::Answer => "the answer to a PING",
            Self::Probe => "a sign of the peer",
            Self::Drain => "the stream, which takes no byte,",
            Self::Closing => "the peer's end of the session",
        })
    }
}
