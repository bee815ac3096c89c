//! Why a session ends, and why it does not do what a process asks of it.

use snow_dist_codec::EncodeError;

use crate::core::Shown;

/// Why a session ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Ending {
    /// The peer has broken a rule of the protocol.
    #[error("the peer broke the protocol: {0}")]
    Protocol(String),
    /// The peer has closed the session.
    //= spec/connection.md#con-cls-015
    //= type=implication
    //= reason=nobody shows the text but in this form, by `Shown`, which escapes and cuts
    //# A node MUST escape control characters in the text of a CLOSE when it shows it.
    #[error("the peer closed the session with code {code}: \"{}\"", Shown(text))]
    Closed {
        /// Why, by number: `connection.md`, "Closing".
        code: u16,
        /// Why, in the peer's words.
        text: String,
    },
    /// The peer has sent no byte for too long.
    #[error("the peer has been silent for too long")]
    Silent,
    /// The peer, of version 1, has dialled again, and has not shown that it still uses this session.
    #[error("the peer has dialled again and does not use this session any more")]
    Unused,
    /// The peer asks and does not read the answers.
    #[error("the peer does not read what it asked for")]
    AnswersUnread,
    /// Something is queued, and the transport takes no byte.
    #[error("the connection has taken no byte for too long")]
    Stuck,
    /// The connection has ended without a word, or failed.
    #[error("the connection is lost: {0}")]
    Lost(String),
    /// This node has ended the session.
    #[error("this node has ended the session")]
    Stopped,
}

/// Why a link or a monitor is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMade {
    /// This node has as many links and monitors as the peer holds for it.
    #[error("the peer holds no more than {count_max} links and monitors for this node")]
    Full {
        /// How many it holds.
        count_max: u32,
    },
    /// The peer speaks version 1, and has not said yet by which node id it knows this node.
    #[error("it is not known yet by which node id the version 1 peer knows this node")]
    NodeIdUnknown,
}

/// Why a message is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The peer does not take a frame that large, or the name is over 65 535 bytes.
    #[error(transparent)]
    TooLong(#[from] EncodeError),
    /// The peer speaks version 1, and would take the message for the signal that it looks like.
    #[error("a version 1 node would take this message for a signal: it begins with the type of one")]
    LooksLikeSignal,
    /// It is a term with pids, and the session has nothing to send such terms by.
    #[error(transparent)]
    Lacking(#[from] Lacking),
}

/// The session lacks a capability: one of its two nodes has not announced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session with the other node does not have the capability `{capability}`")]
pub struct Lacking {
    /// Its name in the specification.
    pub capability: &'static str,
}
