//! Why a session ends, and why it does not do what a process asks of it.

use snow_dist_codec::EncodeError;
use snow_dist_codec::frame::Close;

use crate::core::{Reason, Shown};

/// Why a session ends.
///
/// Some endings are the core's to find: the methods of [`Session`](super::Session) return them. The others are found by
/// whoever drives the session, who alone sees the transport and the clock. Each says below which it is, and what is said
/// to the peer; [`Ending::leave`] gives that. A [`Connection`](crate::core::Connection) drives its session so, and does all of
/// this. Then [`Session::end`](super::Session::end) is called, whatever the ending.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Ending {
    /// The peer has broken a rule of the protocol. The core finds that in frames, the driver in bytes that are none. The
    /// peer is told by a CLOSE with code 1.
    #[error("the peer broke the protocol: {0}")]
    Protocol(String),
    /// The peer has closed the session: the core returns this for its CLOSE. The peer is told by close_notify alone, since
    /// a CLOSE is not answered.
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
    /// The peer has sent no byte for too long: [`Session::handle_timeout`](super::Session::handle_timeout) returns this. The
    /// peer is told nothing: nobody is there to read it.
    #[error("the peer has been silent for too long")]
    Silent,
    /// The peer, of version 1, has dialled again, and has not shown that it still uses this session:
    /// [`Session::handle_timeout`](super::Session::handle_timeout) returns this. The peer is told nothing, since version 1
    /// has no words for it.
    #[error("the peer has dialled again and does not use this session any more")]
    Unused,
    /// The peer asks and does not read the answers: the core returns this for the frame that asks once too often. The peer
    /// is told by a CLOSE with code 2, which it will seldom read.
    #[error("the peer does not read what it asked for")]
    AnswersUnread,
    /// The peer does not acknowledge that links are ended: the core returns this for the frame that leaves one unlink too many
    /// without a place. The peer is told by a CLOSE with code 2.
    #[error("the peer does not acknowledge that links are ended")]
    UnlinksUnanswered,
    /// Exit signals and DOWNs of the peer, which processes do not take, hold more than its share of what mailboxes keep: the
    /// driver asks its process table. The peer is told by a CLOSE with code 2.
    #[error("processes do not take the peer's signals, and they hold more than its share")]
    SignalsUntaken,
    /// Something waits to be written, and the transport has taken no byte for
    /// [`DRAIN_DEADLINE`](crate::core::limits::DRAIN_DEADLINE). Only the driver can see that, and it must look: neither the
    /// core nor its [`deadline`](super::Session::deadline) knows what a transport has taken. The peer is told nothing, since
    /// the transport takes nothing.
    #[error("the connection has taken no byte for too long")]
    Stuck,
    /// The connection has ended without a word, or failed, as the driver sees when it reads or writes. Nobody can be told.
    #[error("the connection is lost: {0}")]
    Lost(String),
    /// This node has ended the session: the driver has written all up to the CLOSE that it gave to
    /// [`Session::close`](super::Session::close), or the time for that is over. Nothing more is to be told.
    #[error("this node has ended the session")]
    Stopped,
}

/// What a peer is told of the end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leave<'a> {
    /// A CLOSE, then close_notify. The driver gives both values to [`Session::close`](super::Session::close), writes what
    /// [`Session::write`](super::Session::write) gives as far as the transport takes it at once, and closes the stream. In a
    /// session of version 1 the core writes no CLOSE, and the stream just ends.
    Close {
        /// Why, by number: [`Close::CODES`].
        code: u16,
        /// Why, in words.
        text: &'a str,
    },
    /// close_notify alone.
    CloseNotify,
    /// Nothing: the connection is dropped.
    Nothing,
}

impl Ending {
    /// Returns what the driver tells the peer before it calls [`Session::end`](super::Session::end).
    #[must_use]
    pub fn leave(&self) -> Leave<'_> {
        match self {
            //= spec/connection.md#con-cls-010
            //# A node that ends a session because the peer broke a rule SHOULD write CLOSE with code 1.
            Self::Protocol(text) => Leave::Close { code: Close::PROTOCOL_ERROR, text },
            //= spec/connection.md#con-cls-011
            //= type=implication
            //= reason=a peer that reads no answers reads no CLOSE
            //# A node that ends a session by CON-QUE-006 SHOULD write CLOSE with code 2.
            Self::AnswersUnread => Leave::Close { code: Close::LIMIT, text: "answers are not read" },
            //= spec/connection.md#con-cls-018
            //# A node that ends a session by SES-BND-006, SES-BND-007 or SES-BND-008 SHOULD write CLOSE with
            //# code 2.
            Self::UnlinksUnanswered => {
                Leave::Close { code: Close::LIMIT, text: "unlinks are not acknowledged" }
            }
            Self::SignalsUntaken => {
                Leave::Close { code: Close::LIMIT, text: "too many signals are not taken" }
            }
            //= spec/connection.md#con-cls-004
            //# A node MUST NOT answer a CLOSE with a CLOSE.
            Self::Closed { .. } => Leave::CloseNotify,
            Self::Silent | Self::Unused | Self::Stuck | Self::Lost(_) | Self::Stopped => Leave::Nothing,
        }
    }
}

/// Why a link or a monitor is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotMade {
    /// This node has as many links and monitors as the peer holds for it.
    #[error("the peer holds no more than {count_max} links and monitors for this node")]
    Full {
        /// How many it holds.
        count_max: u32,
    },
    /// The name is too long to be monitored.
    #[error("a name that is monitored has at most {length_max} bytes, and this one has {length}")]
    NameTooLong {
        /// Bytes of the name.
        length: usize,
        /// The most that it may have.
        length_max: usize,
    },
    /// It is a monitor by name, and the session has none.
    #[error(transparent)]
    Lacking(#[from] Lacking),
    /// The peer speaks version 1, and has not said yet by which node id it knows this node.
    #[error("it is not known yet by which node id the version 1 peer knows this node")]
    NodeIdUnknown,
}

/// Why a call is not made; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotCalled {
    /// The call's monitor is not made.
    #[error(transparent)]
    NotMade(#[from] NotMade),
    /// The call's message is not taken, or the session lacks `calls`.
    #[error(transparent)]
    NotSent(#[from] NotSent),
}

impl From<Lacking> for NotCalled {
    fn from(lacking: Lacking) -> Self {
        Self::NotSent(lacking.into())
    }
}

/// Why a process is not asked for; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotRequested {
    /// The monitor on it is not made.
    #[error(transparent)]
    NotMade(#[from] NotMade),
    /// The arguments are not taken: they make the request longer than every peer takes, or the session lacks what they need.
    #[error(transparent)]
    NotSent(#[from] NotSent),
    /// The name of the function is too long.
    #[error("the name of a function has at most {length_max} bytes, and this one has {length}")]
    NameTooLong {
        /// Bytes of the name.
        length: usize,
        /// The most that it may have.
        length_max: usize,
    },
    /// The peer has not answered so many requests.
    #[error("the peer has not answered {count_max} requests, and no more may wait for it")]
    TooMany {
        /// How many may wait.
        count_max: usize,
    },
    /// A process of a version 1 node cannot be linked when it is started: it would be linked with a process of its own node.
    #[error("a version 1 node would link the new process with one of its own")]
    Version1Link,
}

impl From<Lacking> for NotRequested {
    fn from(lacking: Lacking) -> Self {
        Self::NotSent(lacking.into())
    }
}

impl From<EncodeError> for NotRequested {
    fn from(error: EncodeError) -> Self {
        Self::NotSent(error.into())
    }
}

/// Why a reply is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotReplied {
    /// The call is over: it has been replied to, or given up, or its callee has ended.
    #[error("the call is over")]
    Over,
    /// The peer cannot take the reply. The call is open as before.
    #[error(transparent)]
    NotSent(#[from] NotSent),
}

/// Why a message is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
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

/// As the end of a process that cannot go on without it: [`Reason::Error`] of the text.
impl From<NotMade> for Reason {
    fn from(why: NotMade) -> Self {
        Self::error(why.to_string())
    }
}

/// As the end of a process that cannot go on without it: [`Reason::Error`] of the text.
impl From<NotSent> for Reason {
    fn from(why: NotSent) -> Self {
        Self::error(why.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_broke_a_rule_is_told_by_code_and_text() {
        let ending = Ending::Protocol("what it broke".to_owned());
        //= spec/connection.md#con-cls-010
        //= type=test
        //# A node that ends a session because the peer broke a rule SHOULD write CLOSE with code 1.
        assert_eq!(ending.leave(), Leave::Close { code: 1, text: "what it broke" });
    }

    #[test]
    fn a_peer_that_reads_no_answers_is_told_by_code() {
        assert!(matches!(Ending::AnswersUnread.leave(), Leave::Close { code: 2, .. }));
    }

    #[test]
    fn a_close_is_not_answered() {
        let ending = Ending::Closed { code: 1, text: "bye".to_owned() };
        assert_eq!(ending.leave(), Leave::CloseNotify);
    }

    #[test]
    fn a_silent_peer_is_told_nothing() {
        assert_eq!(Ending::Silent.leave(), Leave::Nothing);
    }

    #[test]
    fn a_version_1_peer_that_uses_another_session_is_told_nothing() {
        assert_eq!(Ending::Unused.leave(), Leave::Nothing);
    }

    #[test]
    fn nothing_is_written_where_the_transport_takes_nothing() {
        assert_eq!(Ending::Stuck.leave(), Leave::Nothing);
        assert_eq!(Ending::Lost("reset".to_owned()).leave(), Leave::Nothing);
    }

    #[test]
    fn nothing_follows_the_close_of_a_session_that_this_node_has_ended() {
        assert_eq!(Ending::Stopped.leave(), Leave::Nothing);
    }
}
