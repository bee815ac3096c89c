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
/// A host must treat all endings alike: see the [module](super), "The end".
///
/// | ending | output that [`transmit`](super::Connection::transmit) still gives, for the peer |
/// |---|---|
/// | `Handshake`, at the acceptor | REJECT with the code of the failure, to a peer that can read it; close_notify |
/// | `Handshake`, at the initiator | close_notify |
/// | `Refused` | REJECT with the code of the refusal, to a peer of version 2; close_notify |
/// | `Session(Protocol)` | what is queued; CLOSE with code 1; close_notify |
/// | `Session(AnswersUnread)`, `Session(UnlinksUnanswered)`, `Session(SignalsUntaken)` | what is queued; CLOSE with code 2; close_notify |
/// | `Session(Stopped)`, because another connection takes the place of the session | what is queued; CLOSE with code 3; close_notify. Bytes that have arrived and were not read are not handled |
/// | `Session(Closed)` | close_notify, since a CLOSE is not answered with a CLOSE |
/// | `Session(Stopped)`, in all other cases | nothing: everything was written, or the time for that is over |
/// | `Session(Silent)`, `Session(Unused)`, `Session(Stuck)`, `Session(Lost)` | nothing, since nobody reads it |
/// | `GaveWay`, `Late`, `Framing`, `Lost`, `Unanswered` | nothing: the stream just ends |
///
/// A CLOSE is a frame of version 2. In version 1, the stream ends without it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Ending {
    /// A check of the handshake has failed on this node, or the acceptor has sent a REJECT.
    #[error("{0}")]
    Handshake(Failure),
    /// This node has refused the connection, because it has another connection with the same peer, or no room for
    /// this one.
    #[error("{0}")]
    Refused(Refusal),
    /// The connection has given way to another connection, or the node is stopping.
    #[error("{0}")]
    GaveWay(GiveWay),
    /// The peer has taken too long before the connection was a session. The value is the deadline that has passed.
    #[error("{0} was waited for, and has not come in time")]
    Late(Waits),
    /// The length before a message of the handshake is above the limit
    /// ([`HANDSHAKE_BYTES_MAX`](snow_dist_codec::limits::HANDSHAKE_BYTES_MAX)), so the bytes are most likely not of
    /// this protocol.
    #[error("{0}")]
    Framing(FramingError),
    /// The stream was not established, or it ended or failed before there was a session. Before TLS is established,
    /// the text is the one that the host passed to [`Connection::stream_ended`](super::Connection::stream_ended).
    /// After that, the same text follows the words `the handshake was broken off: `.
    #[error("{0}")]
    Lost(String),
    /// The stream has ended or failed before a version 1 acceptor has answered REPLY. A version 1 acceptor refuses a
    /// connection in this way. The text is the one that the host passed to
    /// [`Connection::stream_ended`](super::Connection::stream_ended).
    #[error("the peer has closed the connection in place of an answer: {0}")]
    Unanswered(String),
    /// The session has ended.
    #[error("{why}")]
    Session {
        /// The reason.
        why: session::Ending,
        /// Set if this node has ended the session at once, and the host must still write what is queued and a CLOSE.
        is_told: bool,
    },
}

impl Ending {
    /// Returns `true` if the host must still write the remaining output, as far as the stream accepts it without
    /// waiting. This includes output that the host has taken out of the connection but not yet written. If this returns
    /// `false`, the host must discard that output.
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

/// A deadline of a connection. Each variant gives the event that is waited for, the longest time of the wait, and the
/// beginning of that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Waits {
    /// TCP, TLS and the handshake up to REPLY: [`HANDSHAKE_DEADLINE`] from the beginning of the connection. A silent
    /// peer holds a handshake slot no longer than that.
    Handshake,
    /// ACK: [`ACK_DEADLINE`] from REPLY. The acceptor may first have to wait for the outcome of its own dial.
    Ack,
    /// The time for a PING: [`Timing::interval`](crate::core::session::Timing::interval) from the last byte of the
    /// peer. The default is [`HEARTBEAT_INTERVAL`]. This deadline does not end the connection.
    Ping,
    /// The peer's answer to a PING: [`Timing::timeout`](crate::core::session::Timing::timeout) from the time at which
    /// the stream has accepted the PING. The default is [`HEARTBEAT_TIMEOUT`].
    Answer,
    /// A [`Sign`](crate::core::peers::Sign) of the peer, because another connection with the peer waits:
    /// [`PROBE_TIMEOUT`] from the probe.
    Probe,
    /// The stream of a session, which has not accepted all output: [`DRAIN_DEADLINE`] from the time at which the output
    /// was taken out of the connection, or at which the stream last accepted a part of it.
    Drain,
    /// The end of a session that is being ended gracefully: [`SHUTDOWN_PATIENCE`] from the time at which this node
    /// began to end it.
    Closing,
}

impl Waits {
    /// Returns the longest time of this wait. For [`Ping`](Self::Ping) and [`Answer`](Self::Answer) this is the
    /// default, which a node can change.
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
