//! The ways in which a handshake ends without a session, with texts that a person can act on.

use std::fmt;
use std::sync::Arc;

use snow_dist_codec::handshake::Reject;
use snow_dist_codec::limits::REJECT_TEXT_BYTES_MAX;
use snow_dist_codec::{DecodeError, Text};
use thiserror::Error;

use super::certified::Uri;
use super::{Certified, VERSIONS, payload};
use crate::core::Shown;
use crate::core::limits::FRAME_BYTES_BOUND_MIN;

/// The reason why a handshake has failed. When the reason is displayed, texts of the other end are escaped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Failure {
    /// The message that arrived, or its extension block, cannot be decoded.
    #[error("{due} was due, and what came cannot be read: {error}")]
    Malformed {
        /// The name of the message that was due.
        due: &'static str,
        /// The error of the decoder.
        error: DecodeError,
    },
    /// A message has arrived that is not the one that was due.
    #[error("{due} was due, and {found} came")]
    Unexpected {
        /// The name of the message that was due.
        due: &'static str,
        /// The name of the message that came.
        found: &'static str,
    },
    /// The connection needs TLS 1.3 and has an earlier TLS version. Below TLS 1.3 only version 1 of the protocol can be
    /// spoken, and either the peer has sent an extension block of version 2, or this node has dialled and does not
    /// allow version 1 with the peer.
    #[error("version 2 needs TLS 1.3, and this connection has TLS 1.2")]
    Tls,
    /// The peer has sent no extension block, so it speaks version 1, and this node does not allow that.
    #[error(
        "no extension block: the peer speaks version 1 only, and is refused here unless `version_1` of this node's \
         builder allows it; if it should speak version 2, somebody on the way interferes"
    )]
    Version1,
    /// A message has no extension block although its sender speaks version 2.
    #[error(
        "{message} has no extension block, yet its sender speaks version 2: the block was taken away on the way, \
         or the connection has TLS 1.2"
    )]
    Stripped {
        /// The name of the message.
        message: &'static str,
    },
    /// A message has an extension block although the message that it answers had none.
    #[error("{message} has an extension block, and the message before it had none")]
    Unasked {
        /// The name of the message.
        message: &'static str,
    },
    /// The peer has sent an extension block, but has left out something that it must send with one: the versions that
    /// it speaks, its incarnation, or a creation from 1 to 255. The value says which of them is missing.
    #[error("beside an extension block the peer must say {0}, and does not")]
    Unsaid(&'static str),
    /// The peer speaks none of this node's versions. The value is the list of the versions that it offers.
    #[error("no common version: offered are {}, spoken here are {VERSIONS:?}", Shown(&format!("{:?}", .0)))]
    Versions(Vec<u16>),
    /// A message with an extension block has a challenge that does not end in the sentinel. Every challenge of
    /// version 2 ends in the sentinel.
    #[error("the challenge of {message} does not end in the sentinel, as it must beside an extension block")]
    Sentinel {
        /// The name of the message.
        message: &'static str,
    },
    /// A message with an extension block has a digest that is not zero.
    #[error("the digest of {message} is not zero, as it must be beside an extension block")]
    Digest {
        /// The name of the message.
        message: &'static str,
    },
    /// The node that answered is not the one that was dialled.
    #[error(
        "\"{dialled}\" was dialled, and \"{}\" answered: is another node at that address?",
        Shown(answered)
    )]
    Answered {
        /// The name that was dialled.
        dialled: Arc<str>,
        /// The name of the node that answered.
        answered: Arc<str>,
    },
    /// The proof, or in version 1 the digest, is not the one that this node computes: the two nodes have different
    /// cookies, or someone interferes.
    #[error(
        "the proof in {message} is wrong: the nodes have different cookies, or somebody stands between them"
    )]
    Proof {
        /// The name of the message.
        message: &'static str,
    },
    /// The peer has the same name as this node, or this node was to dial its own name.
    #[error(
        "both ends of the connection have the same name: two nodes of one name, or a node that dialled itself"
    )]
    OwnName,
    /// The peer's name is not a valid node name.
    #[error("\"{}\" is not a node name", Shown(.0))]
    NotAName(Arc<str>),
    /// This node requires certificates, and the peer's certificate is not valid for the peer's name.
    #[error(
        "the peer's certificate does not speak for \"{}\", the name it bears: it needs the subject alternative name \
         URI:{}, and speaks for {certified}",
        Shown(name),
        Uri(name)
    )]
    Uncertified {
        /// The name of the peer.
        name: Arc<str>,
        /// The names for which the certificate of the peer is valid.
        certified: Certified,
    },
    /// The peer accepts only frames that are too short for a session: its limit is below [`FRAME_BYTES_BOUND_MIN`].
    #[error("the peer takes frames of at most {frame_bytes} bytes, and {FRAME_BYTES_BOUND_MIN} are needed")]
    Bounds {
        /// The length in bytes of the longest payload of a frame that the peer accepts.
        frame_bytes: u32,
    },
    /// The acceptor has sent REJECT. A REJECT is only a hint, for the log and for the time of the next dial, since it
    /// may come from someone who interferes between the two nodes.
    //= spec/handshake.md#hs-rej-008
    //# A node MUST escape control characters in the text of a REJECT when it shows it.
    #[error("the peer refuses the connection: {}, \"{}\"", CodeName(*code), Shown(text))]
    Rejected {
        /// The code of the reason: see [`Reject::CODES`].
        code: u16,
        /// The reason, in the peer's words.
        text: Arc<str>,
    },
}

impl Failure {
    /// Creates the failure that a REJECT reports.
    pub(super) fn rejected(reject: &Reject<'_>) -> Self {
        Self::Rejected { code: reject.code, text: reject.text.as_str().into() }
    }

    /// Returns the code of the REJECT for a peer of version 2. Before the peer has proven that it knows the cookie,
    /// that is only one of *version*, *malformed* and *refused*.
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
            | Self::Uncertified { .. }
            | Self::Rejected { .. } => Reject::REFUSED,
        }
    }
}

/// A code, shown by name and number.
struct CodeName(u16);

impl fmt::Display for CodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Reject::CODES.iter().find(|(code, _)| *code == self.0) {
            Some((code, name)) => write!(f, "{name} ({code})"),
            None => write!(f, "code {}", self.0),
        }
    }
}

/// The refusal of a handshake by the acceptor: the reason, and the message for the initiator.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[error("{failure}")]
pub struct Refusal {
    /// The reason.
    pub failure: Failure,
    /// The payload of a REJECT to send before the connection is closed. It is `None` if the peer has sent no
    /// extension block, and so cannot read a REJECT.
    pub reject: Option<Vec<u8>>,
}

impl Refusal {
    /// Creates a refusal. `has_block` is set if the peer has sent an extension block.
    pub(super) fn new(failure: Failure, has_block: bool) -> Self {
        //= spec/handshake.md#hs-rej-006
        //# An acceptor SHOULD send REJECT with the code of its course before it closes the connection.
        let reject = has_block.then(|| reject(failure.code(), &failure.to_string()));
        Self { failure, reject }
    }
}

/// Encodes a REJECT. Its text is cut, between two characters, to the length that a REJECT can hold.
pub(super) fn reject(code: u16, text: &str) -> Vec<u8> {
    let end = text.floor_char_boundary(REJECT_TEXT_BYTES_MAX);
    payload(Reject { code, text: Text::from(text.get(..end).unwrap_or(text)) })
}
