//! Why a connection ends, and what it waits for.

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

/// Why a connection has ended. A host does the same for all of them: see the [module](super), "The end".
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
/// | `Session(Stopped)` otherwise | nothing: all has been said, or the time for that is over |
/// | `Session(Silent)`, `Session(Unused)`, `Session(Stuck)`, `Session(Lost)` | nothing: nobody reads it |
/// | `GaveWay`, `Late`, `Framing`, `Lost`, `Unanswered` | nothing: who is there has shown nothing |
///
/// A CLOSE is a frame of version 2: in version 1 the stream just ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Ending {
    /// A check of the handshake failed, or the acceptor has said by REJECT that one of its checks has.
    #[error("{0}")]
    Handshake(Failure),
    /// This node has refused the connection, since it has another one with that peer, or no place.
    #[error("{0}")]
    Refused(Refusal),
    /// Another connection is wanted in its place, or none any more.
    #[error("{0}")]
    GaveWay(GiveWay),
    /// The peer has taken too long.
    #[error("{0} was waited for, and has not come in time")]
    Late(Waits),
    /// What came is no message of a handshake.
    #[error("{0}")]
    Framing(FramingError),
    /// The stream has ended or failed before there was a session.
    #[error("the connection is lost: {0}")]
    Lost(String),
    /// The acceptor has closed the stream in place of an answer to REPLY, as one of version 1 does that refuses.
    #[error("the peer has closed the connection in place of an answer: {0}")]
    Unanswered(String),
    /// The session has ended.
    #[error("{why}")]
    Session {
        /// Why.
        why: session::Ending,
        /// It was a session that this node has ended at once, and the peer is told all the same.
        is_told: bool,
    },
}

impl Ending {
    /// Returns `true` if what waits to be written is still to be written, as far as the stream takes it at once: also what a
    /// host has taken out and not written yet. Otherwise that is dropped.
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

    /// Whether the stream is closed by close_notify.
    pub(super) fn notifies(&self) -> bool {
        self.tells_all() || self.of_session().is_some_and(|why| why.leave() == Leave::CloseNotify)
    }

    /// Why the session has ended, if it was one.
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
    /// The same, and the peer is told what is queued.
    pub(super) const fn told(self) -> Ending {
        Ending::Session { why: self, is_told: true }
    }
}

impl From<Failure> for Ending {
    fn from(failure: Failure) -> Self {
        Self::Handshake(failure)
    }
}

/// What a connection waits for, and how long at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Waits {
    /// TCP and TLS, and the handshake up to REPLY: [`HANDSHAKE_DEADLINE`] from the beginning. Whoever says nothing holds a place
    /// no longer.
    Handshake,
    /// ACK: [`ACK_DEADLINE`] from REPLY. The acceptor may have a dial of its own to settle first.
    Ack,
    /// The time for a PING: `heartbeat_interval`, [`HEARTBEAT_INTERVAL`] unless the node says otherwise, from the last byte.
    Ping,
    /// The peer's answer to a PING: `heartbeat_timeout`, [`HEARTBEAT_TIMEOUT`] unless the node says otherwise, from when the
    /// stream has taken it.
    Answer,
    /// A sign of the peer, since another connection with it waits: [`PROBE_TIMEOUT`] from the question.
    Probe,
    /// The stream, which takes no byte: [`DRAIN_DEADLINE`] from the last that it took, or from when there was one to take.
    Drain,
    /// The end of a session that is ended in order: [`SHUTDOWN_PATIENCE`] from the order.
    Closing,
}

impl Waits {
    /// How long is waited, unless the node says otherwise.
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
