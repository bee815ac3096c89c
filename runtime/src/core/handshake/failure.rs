//! Every way in which a handshake ends without a session, in words a person can act on.

use std::fmt;
use std::sync::Arc;

use snow_dist_codec::handshake::Reject;
use snow_dist_codec::limits::REJECT_TEXT_BYTES_MAX;
use snow_dist_codec::{DecodeError, Text};
use thiserror::Error;

use super::{VERSIONS, payload};
use crate::core::Shown;
use crate::core::limits::FRAME_BYTES_BOUND_MIN;

/// The check at which a handshake ended. Texts of the other end are shown escaped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Failure {
    /// A message, or its extension block, is damaged.
    #[error("{due} was due, and what came cannot be read: {error}")]
    Malformed {
        /// The message that was due.
        due: &'static str,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// Another message than the one that was due.
    #[error("{due} was due, and {found} came")]
    Unexpected {
        /// The message that was due.
        due: &'static str,
        /// The message that came.
        found: &'static str,
    },
    /// Version 2 over a TLS version below 1.3, or such a channel where only version 2 is allowed.
    #[error("version 2 needs TLS 1.3, and this connection has TLS 1.2")]
    Tls,
    /// A peer without an extension block where version 1 is refused.
    #[error(
        "no extension block: the peer speaks version 1 only, and is refused here unless `version_1` of this node's \
         builder allows it; if it should speak version 2, somebody on the way interferes"
    )]
    Version1,
    /// An extension block or a proof is missing that both ends must send.
    #[error(
        "{message} has no extension block, yet its sender speaks version 2: the block was taken away on the way, \
         or the connection has TLS 1.2"
    )]
    Stripped {
        /// The message without a block.
        message: &'static str,
    },
    /// An extension block in an answer to a message that had none.
    #[error("{message} has an extension block, and the message before it had none")]
    Unasked {
        /// The message with a block.
        message: &'static str,
    },
    /// An extension block, or the field beside it, does not say what it must.
    #[error("beside an extension block the peer must say {0}, and does not")]
    Unsaid(&'static str),
    /// The peer speaks none of this node's versions.
    #[error("no common version: offered are {}, spoken here are {VERSIONS:?}", Shown(&format!("{:?}", .0)))]
    Versions(Vec<u16>),
    /// A challenge beside an extension block does not end as those of version 2 do.
    #[error("the challenge of {message} does not end in the sentinel, as it must beside an extension block")]
    Sentinel {
        /// The message with the challenge.
        message: &'static str,
    },
    /// The digest beside an extension block is not zero.
    #[error("the digest of {message} is not zero, as it must be beside an extension block")]
    Digest {
        /// The message with the digest.
        message: &'static str,
    },
    /// Another node answered than the one that was dialled.
    #[error(
        "\"{dialled}\" was dialled, and \"{}\" answered: is another node at that address?",
        Shown(answered)
    )]
    Answered {
        /// The name that was dialled.
        dialled: Arc<str>,
        /// The name that was answered.
        answered: Arc<str>,
    },
    /// The proof, or in version 1 the digest, is not the one that the cookie gives.
    #[error(
        "the proof in {message} is wrong: the nodes have different cookies, or somebody stands between them"
    )]
    Proof {
        /// The message with the proof.
        message: &'static str,
    },
    /// The peer bears this node's name.
    #[error(
        "both ends of the connection have the same name: two nodes of one name, or a node that dialled itself"
    )]
    OwnName,
    /// The peer's name is not the name of a node.
    #[error("\"{}\" is not a node name", Shown(.0))]
    NotAName(Arc<str>),
    /// The peer takes frames so short that a session cannot work.
    #[error("the peer takes frames of at most {frame_bytes} bytes, and {FRAME_BYTES_BOUND_MIN} are needed")]
    Bounds {
        /// Bytes of the longest frame it takes.
        frame_bytes: u32,
    },
    /// The acceptor sent REJECT. It is a hint, for the log and for when to dial again: it may come from whoever stands
    /// between the two nodes.
    //= spec/handshake.md#hs-rej-008
    //# A node MUST escape control characters in the text of a REJECT when it shows it.
    #[error("the peer refuses the connection: {}, \"{}\"", CodeName(*code), Shown(text))]
    Rejected {
        /// Why, by number: [`Reject::CODES`].
        code: u16,
        /// Why, in the peer's words.
        text: Arc<str>,
    },
}

impl Failure {
    /// A REJECT, kept.
    pub(super) fn rejected(reject: &Reject<'_>) -> Self {
        Self::Rejected { code: reject.code, text: reject.text.as_str().into() }
    }

    /// The code under which an acceptor tells a peer of version 2. Before the peer has proved that it knows the
    /// cookie that is one of version, malformed and refused.
    //= spec/handshake.md#hs-rej-005
    //# Before it has verified REPLY an acceptor MUST NOT send a REJECT with another code than 1, 2, 3 or 4.
    const fn code(&self) -> u16 {
        match self {
            Self::Malformed { .. }
            | Self::Unexpected { .. }
            | Self::Stripped { .. }
            | Self::Unasked { .. }
            | Self::Unsaid(_)
            | Self::Sentinel { .. }
            | Self::Digest { .. } => Reject::MALFORMED,
            Self::Versions(_) => Reject::VERSION,
            Self::OwnName | Self::NotAName(_) => Reject::NAME,
            Self::Bounds { .. } => Reject::BOUNDS,
            Self::Tls
            | Self::Version1
            | Self::Answered { .. }
            | Self::Proof { .. }
            | Self::Rejected { .. } => Reject::REFUSED,
        }
    }
}

/// A code by name and number.
struct CodeName(u16);

impl fmt::Display for CodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Reject::CODES.iter().find(|(code, _)| *code == self.0) {
            Some((code, name)) => write!(f, "{name} ({code})"),
            None => write!(f, "code {}", self.0),
        }
    }
}

/// The end of a handshake at the acceptor: why, and what the initiator is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[error("{failure}")]
pub struct Refusal {
    /// Why.
    pub failure: Failure,
    /// The payload of a REJECT to send before the connection is closed; none for a peer that has sent no extension
    /// block and so cannot read it.
    pub reject: Option<Vec<u8>>,
}

impl Refusal {
    /// `has_block`: the peer has sent an extension block.
    pub(super) fn new(failure: Failure, has_block: bool) -> Self {
        //= spec/handshake.md#hs-rej-006
        //# An acceptor SHOULD send REJECT with the code of its table before it closes the connection.
        let reject = has_block.then(|| reject(failure.code(), &failure.to_string()));
        Self { failure, reject }
    }
}

/// A REJECT, its text cut between two characters to what one holds.
pub(super) fn reject(code: u16, text: &str) -> Vec<u8> {
    let end = text.floor_char_boundary(REJECT_TEXT_BYTES_MAX);
    payload(Reject { code, text: Text::from(text.get(..end).unwrap_or(text)) })
}
