//! The reasons why a session ends, and the errors of operations that it refuses.

use snow_dist_codec::EncodeError;
use snow_dist_codec::frame::Close;

use crate::core::{Reason, Shown};

/// The reason why a session ended.
///
/// The core finds some endings: methods of [`Session`](super::Session) return them. The driver of the session finds the
/// others, since it alone sees the transport. Each variant says who finds it and how the peer is told
/// ([`Ending::leave`]). After every ending, the driver must call [`Session::end`](super::Session::end). A
/// [`Connection`](crate::core::Connection) does all of this for its session.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Ending {
    /// The peer has broken a rule of the protocol, which the text describes. The core finds this in frames, and the
    /// driver finds it in bytes that are not frames. The peer is told by a CLOSE with code 1.
    #[error("the peer broke the protocol: {0}")]
    Protocol(String),
    /// The peer has closed the session. The core returns this when it reads the peer's CLOSE. The peer is told by
    /// close_notify alone, since a CLOSE is not answered with a CLOSE.
    //= spec/connection.md#con-cls-015
    //= type=implication
    //= reason=nobody shows the text but in this form, by `Shown`, which escapes and cuts
    //# A node MUST escape control characters in the text of a CLOSE when it shows it.
    #[error("the peer closed the session with code {code}: \"{}\"", Shown(text))]
    Closed {
        /// The code of the reason: see `connection.md`, "Closing".
        code: u16,
        /// The reason in the peer's words.
        text: String,
    },
    /// The peer has sent no byte for too long. [`Session::handle_timeout`](super::Session::handle_timeout) returns
    /// this. The peer is told nothing, since no one is there to read it.
    #[error("the peer has been silent for too long")]
    Silent,
    /// The version 1 peer has dialled again, and has not shown that it still uses this session.
    /// [`Session::handle_timeout`](super::Session::handle_timeout) returns this. The peer is told nothing, since
    /// version 1 has no frame for it.
    #[error("the peer has dialled again and does not use this session any more")]
    Unused,
    /// The peer sends requests and does not read the answers. The core returns this for the frame after which the
    /// queued answers exceed [`SESSION_RESERVE_BYTES_MAX`](crate::core::limits::SESSION_RESERVE_BYTES_MAX). Each answer
    /// counts 64 bytes. A queued exit signal or DOWN counts as an answer from the time at which the peer ends its link
    /// or monitor. The peer is told by a CLOSE with code 2, which it will seldom read.
    #[error("the peer does not read what it asked for")]
    AnswersUnread,
    /// The peer does not acknowledge that links have been ended. The core returns this for the frame after which more
    /// than [`UNLINKS_UNANSWERED_MAX`](crate::core::limits::UNLINKS_UNANSWERED_MAX) links wait only for an
    /// acknowledgement and hold no place any more. The peer is told by a CLOSE with code 2.
    #[error("the peer does not acknowledge that links are ended")]
    UnlinksUnanswered,
    /// The exit signals and DOWNs of the peer that processes have not received hold more memory than mailboxes may use
    /// for them. The driver finds this with
    /// [`Processes::are_signals_untaken`](crate::core::Processes::are_signals_untaken). The peer is told by a CLOSE
    /// with code 2.
    #[error("processes do not take the peer's signals, and they hold more than its share")]
    SignalsUntaken,
    /// Something waits to be written, and the transport has accepted no byte for
    /// [`DRAIN_DEADLINE`](crate::core::limits::DRAIN_DEADLINE). The driver must check this itself: neither the core nor
    /// its [`deadline`](super::Session::deadline) knows what a transport has accepted. The peer is told nothing, since
    /// the transport accepts nothing.
    #[error("the connection has taken no byte for too long")]
    Stuck,
    /// The connection has failed, or has ended without a CLOSE. The text says how. The driver finds this when it reads
    /// or writes. The peer cannot be told.
    #[error("the connection is lost: {0}")]
    Lost(String),
    /// This node has ended the session. The driver uses this ending when everything up to the CLOSE of
    /// [`Session::close`](super::Session::close) has been written and the stream has ended, or when the time for that
    /// is over. The peer is told nothing more.
    #[error("this node has ended the session")]
    Stopped,
}

/// The way in which the peer is told of the end of a session. close_notify is the alert with which TLS ends a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leave<'a> {
    /// A CLOSE, then close_notify. The driver must pass both values to [`Session::close`](super::Session::close), write
    /// the output of [`Session::write`](super::Session::write) as far as the transport accepts it without waiting, and
    /// close the stream. In a session of version 1 the core writes no CLOSE, and the stream just ends.
    Close {
        /// The code of the reason: see [`Close::CODES`].
        code: u16,
        /// The reason in words.
        text: &'a str,
    },
    /// close_notify alone.
    CloseNotify,
    /// Nothing: the connection is dropped.
    Nothing,
}

impl Ending {
    /// Returns the way in which the driver must tell the peer of this ending, before it calls
    /// [`Session::end`](super::Session::end).
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

/// An error that says why a link or a monitor is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotMade {
    /// This node has already requested as many links and monitors as the peer accepts from it.
    #[error("the peer holds no more than {count_max} links and monitors for this node")]
    Full {
        /// The largest number of links and monitors that the peer accepts from this node.
        count_max: u32,
    },
    /// The name is too long to be monitored.
    #[error("a name that is monitored has at most {length_max} bytes, and this one has {length}")]
    NameTooLong {
        /// The length of the name, in bytes.
        length: usize,
        /// The largest length of a name, in bytes:
        /// [`MONITORED_NAME_BYTES_MAX`](crate::core::limits::MONITORED_NAME_BYTES_MAX).
        length_max: usize,
    },
    /// The monitor is by name, and the session lacks the capability `names`.
    #[error(transparent)]
    Lacking(#[from] Lacking),
    /// The peer speaks version 1, and has not yet shown by which node id it knows this node. Try again later: the
    /// session learns the node id from the first frame in which the peer writes it.
    #[error("it is not known yet by which node id the version 1 peer knows this node")]
    NodeIdUnknown,
}

/// An error that says why a call is not made. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotCalled {
    /// The peer accepts no more links, monitors and calls of this node ([`NotMade::Full`]).
    #[error(transparent)]
    NotMade(#[from] NotMade),
    /// The peer cannot accept the message of the call, or the session lacks the capability `calls`.
    #[error(transparent)]
    NotSent(#[from] NotSent),
}

impl From<Lacking> for NotCalled {
    fn from(lacking: Lacking) -> Self {
        Self::NotSent(lacking.into())
    }
}

/// An error that says why the peer is not asked for a process. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotRequested {
    /// The monitor on the new process cannot be made.
    #[error(transparent)]
    NotMade(#[from] NotMade),
    /// The request is longer with these arguments than the 65 536 bytes that every peer must accept, or the session
    /// lacks a capability that the arguments or the monitor need.
    #[error(transparent)]
    NotSent(#[from] NotSent),
    /// The name of the function is too long.
    #[error("the name of a function has at most {length_max} bytes, and this one has {length}")]
    NameTooLong {
        /// The length of the name, in bytes.
        length: usize,
        /// The largest length of a name, in bytes:
        /// [`FUNCTION_NAME_BYTES_MAX`](crate::core::limits::FUNCTION_NAME_BYTES_MAX).
        length_max: usize,
    },
    /// As many requests without a monitor wait for an answer of the peer as allowed. Try again after the peer has
    /// answered.
    #[error("the peer has not answered {count_max} requests, and no more may wait for it")]
    TooMany {
        /// The largest number of requests that may wait for an answer:
        /// [`SPAWNS_UNANSWERED_MAX`](crate::core::limits::SPAWNS_UNANSWERED_MAX).
        count_max: usize,
    },
    /// The peer speaks version 1, where a new process cannot be linked with its requester: the peer would link it
    /// with a process of its own node.
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

/// An error that says why a reply is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotReplied {
    /// The call is over: it was replied to or given up, its callee has ended, or its session has ended.
    #[error("the call is over")]
    Over,
    /// The peer cannot accept the reply. The call stays open: send another reply, or call
    /// [`Session::leave_unanswered`](super::Session::leave_unanswered).
    #[error(transparent)]
    NotSent(#[from] NotSent),
}

/// An error that says why a message is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotSent {
    /// The frame is longer than the peer accepts, or the name is longer than 65 535 bytes.
    #[error(transparent)]
    TooLong(#[from] EncodeError),
    /// The peer speaks version 1, and would mistake the message for a signal, because the message begins with the type
    /// of one.
    #[error("a version 1 node would take this message for a signal: it begins with the type of one")]
    LooksLikeSignal,
    /// The session lacks a capability that the operation needs. A term needs one if it has pids, or if it is of the
    /// second kind and has no form of the first ([`Term::or_first`](crate::core::Term::or_first)).
    #[error(transparent)]
    Lacking(#[from] Lacking),
}

/// An error that says that the session lacks a capability: one of its two nodes has not announced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session with the other node does not have the capability `{capability}`")]
pub struct Lacking {
    /// The name of the capability in the specification.
    pub capability: &'static str,
}

/// Converts the error to the reason of a process that ends because of it: [`Reason::Error`] with the error's text.
impl From<NotMade> for Reason {
    fn from(why: NotMade) -> Self {
        Self::error(why.to_string())
    }
}

/// Converts the error to the reason of a process that ends because of it: [`Reason::Error`] with the error's text.
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
