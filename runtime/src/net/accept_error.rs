//! Why a connection to this node does not become a session, in words for the operator of this node.

use std::io;

use super::channel::Broken;
use crate::core::handshake::Failure;
use crate::core::peers::Refusal;
use crate::notices::Cause;

#[derive(Debug, thiserror::Error)]
pub(super) enum AcceptError {
    #[error("the handshake was not over in time")]
    Silent,
    #[error(
        "it gave its place to a newer connection: more have not shown a cookie than may at once (`handshakes_max`, \
         `handshakes_per_address_max`)"
    )]
    GaveWay,
    #[error("TLS did not come up: {0}")]
    Tls(io::Error),
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error(transparent)]
    Handshake(Failure),
    #[error(transparent)]
    Refused(Refusal),
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    #[error("this node stops")]
    Stopped,
}

impl AcceptError {
    /// What it counts as; nothing, if the cause is this node itself.
    pub(super) const fn cause(&self) -> Option<Cause> {
        Some(match self {
            Self::Silent => Cause::Silent,
            Self::GaveWay => Cause::GaveWay,
            Self::Tls(_) => Cause::Tls,
            Self::Broken(Broken::Framing(_)) => Cause::Malformed,
            Self::Broken(_) => Cause::Broken,
            Self::Handshake(Failure::Proof { .. }) => Cause::Cookie,
            Self::Handshake(Failure::Version1 | Failure::Versions(_) | Failure::Tls) => Cause::Version,
            Self::Handshake(_) | Self::Refused(Refusal::OwnName) => Cause::Malformed,
            Self::Refused(Refusal::Duplicate) => Cause::Duplicate,
            Self::Refused(Refusal::Busy) => Cause::Busy,
            Self::Refused(Refusal::BusyAddress) => Cause::BusyAddress,
            Self::Random(_) | Self::Stopped => return None,
        })
    }

    /// The error of a TLS handshake that the acceptor could not finish.
    pub(super) fn tls(error: io::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        match error.kind() {
            BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof => Self::Broken(error.into()),
            _ => Self::Tls(error),
        }
    }
}
