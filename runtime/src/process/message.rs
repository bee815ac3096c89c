//! What processes send and receive.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use snow_dist_codec::stf::{self, Terms};

use super::{Call, term};
use crate::core::{Pid, Reason, TermPids, arc_bytes};

/// A message that was received.
#[derive(Clone)]
pub struct Message(Content);

#[derive(Clone)]
enum Content {
    /// Bytes, or a term of one of these kinds without a pid that is known.
    Plain { bytes: Bytes, marked: Option<Terms> },
    /// A term with pids. Apart, so that all others stay small.
    WithPids(Arc<TermWithPids>),
}

struct TermWithPids {
    bytes: Bytes,
    pids: TermPids,
}

impl Message {
    pub(crate) const fn new(bytes: Bytes) -> Self {
        Self(Content::Plain { bytes, marked: None })
    }

    /// A message that its sender has marked as a term.
    pub(crate) fn of_term(bytes: Bytes, pids: TermPids) -> Self {
        Self(if pids.is_empty() {
            Content::Plain { bytes, marked: Some(pids.terms()) }
        } else {
            Content::WithPids(Arc::new(TermWithPids { bytes, pids }))
        })
    }

    /// Bytes that the pids of a term keep alive beside the term.
    pub(crate) const fn pids_bytes(pids: &TermPids) -> usize {
        if pids.is_empty() { 0 } else { pids.kept_bytes() + arc_bytes(size_of::<TermWithPids>()) }
    }

    fn bytes(&self) -> &Bytes {
        match &self.0 {
            Content::Plain { bytes, .. } => bytes,
            Content::WithPids(term) => &term.bytes,
        }
    }

    /// Its bytes. What stands for a pid in a term is known to [`term`](Self::term) alone.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes()
    }

    /// Its bytes, to be kept or passed on without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Content::Plain { bytes, .. } => bytes,
            Content::WithPids(term) => term.bytes.clone(),
        }
    }

    /// Whether its sender has marked it as a term: it was sent by [`Context::send_term`](super::Context::send_term), on
    /// this node or over a session in which that can be said. Of others the bytes alone tell.
    #[must_use]
    pub const fn is_term(&self) -> bool {
        match &self.0 {
            Content::Plain { marked, .. } => marked.is_some(),
            Content::WithPids(_) => true,
        }
    }

    /// Returns which processes the pids in the bytes are, for programs that read terms themselves. All are of an unknown
    /// node if the message is not marked as a term; then it is one of the first kind, if it is any.
    #[must_use]
    pub fn term_pids(&self) -> TermPids {
        match &self.0 {
            Content::Plain { marked, .. } => TermPids::of(marked.unwrap_or_default()),
            Content::WithPids(term) => term.pids.clone(),
        }
    }

    /// Reads the message as a term (STF), whether it is marked as one or not. Strings may be borrowed from the message.
    ///
    /// A [`Pid`](crate::Pid) in a marked term is the process that its sender meant, to be sent to and linked with like
    /// any other. It is one of an unknown node if the sender could not say more; so is every pid in a message that is
    /// not marked.
    ///
    /// # Errors
    /// It is not a term of a kind that can come in it, or not one of this type; in which field, and where.
    pub fn term<'m, T: Deserialize<'m>>(&'m self) -> Result<T, stf::Error> {
        term::read(self.bytes(), self.term_pids())
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        let pids = |message: &Self| match &message.0 {
            Content::Plain { .. } => None,
            Content::WithPids(term) => Some(term.pids.clone()),
        };
        self.bytes() == other.bytes() && self.is_term() == other.is_term() && pids(self) == pids(other)
    }
}

impl Eq for Message {}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().fmt(f)
    }
}

/// A monitor of this node, as [`Context::monitor`](super::Context::monitor) gives it. Never the same for two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MonitorRef(u64);

impl MonitorRef {
    /// The monitor that the protocol knows by this number. Of a number that [`number`](Self::number) did not give, it is no
    /// monitor, and ending it does nothing.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number by which the protocol knows it.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// What a process finds in its mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// A message.
    Message(Message),
    /// A call: a message whose sender waits for a reply.
    Call(Call),
    /// A linked process has ended, or a process has sent an exit signal
    /// ([`Context::send_exit`](super::Context::send_exit)). Comes only if the reason does not end this process, which of Normal and
    /// Shutdown is so, or if it traps exits.
    Exit {
        /// Who has ended.
        from: Pid,
        /// Why.
        reason: Reason,
    },
    /// A monitored process has ended.
    Down {
        /// The monitor, which is over.
        reference: MonitorRef,
        /// Who has ended.
        from: Pid,
        /// Why.
        reason: Reason,
    },
    /// A global name of this process's own is lost: another node claims it as well, and its process keeps it. Comes only if
    /// the name was registered with [`OnConflict::Tell`](crate::OnConflict::Tell).
    NameConflict {
        /// The global name.
        name: Arc<str>,
        /// The process that keeps it.
        winner: Pid,
    },
    /// A session with a monitored node has begun.
    NodeUp {
        /// The node's name.
        name: Arc<str>,
    },
    /// The session with a monitored node is over.
    NodeDown {
        /// The node's name.
        name: Arc<str>,
    },
}

impl Received {
    /// The message, if it is one.
    #[must_use]
    pub fn into_message(self) -> Option<Message> {
        match self {
            Self::Message(message) => Some(message),
            _ => None,
        }
    }
}

/// Bytes that can be sent. A receiver on this node gets them without a copy if they are owned; a session copies
/// them.
///
/// A type of one's own may use the node in both methods and when it is dropped. They are called by whoever sends, again each
/// time when it has waited for a session to take more, and before anything is done for the message: one that panics sends
/// nothing.
pub trait Payload {
    /// The bytes, for a session.
    fn as_slice(&self) -> &[u8];
    /// The bytes, for a process of this node.
    fn into_bytes(self) -> Bytes;
}

/// `as_slice` is the same for all: what differs is how the bytes are kept.
macro_rules! payloads {
    ($($type:ty, $self:ident => $into:expr;)*) => {
        $(impl Payload for $type {
            fn as_slice(&self) -> &[u8] {
                self.as_ref()
            }

            fn into_bytes($self) -> Bytes {
                $into
            }
        })*
    };
}

payloads! {
    Bytes, self => self;
    Vec<u8>, self => Bytes::from(self);
    Box<[u8]>, self => Bytes::from(self);
    String, self => Bytes::from(self);
    &[u8], self => Bytes::copy_from_slice(self);
    &str, self => Bytes::copy_from_slice(self.as_bytes());
}

impl<const LENGTH: usize> Payload for &[u8; LENGTH] {
    fn as_slice(&self) -> &[u8] {
        *self
    }

    fn into_bytes(self) -> Bytes {
        Bytes::copy_from_slice(self)
    }
}

impl Payload for Message {
    fn as_slice(&self) -> &[u8] {
        self.as_bytes()
    }

    fn into_bytes(self) -> Bytes {
        Self::into_bytes(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes alone take 32; a mailbox moves these about.
    #[test]
    fn what_is_received_is_small() {
        assert_eq!(size_of::<Received>(), 48);
    }

    #[test]
    fn a_term_may_borrow_from_its_message() {
        let term = stf::to_vec(&("seven", 7)).unwrap();
        let message = Message::new(term.into());
        assert_eq!(message.term::<(&str, u32)>().unwrap(), ("seven", 7));
        assert!(message.term::<u32>().is_err());
    }

    #[test]
    fn every_payload_gives_the_same_bytes() {
        fn check(payload: impl Payload) {
            assert_eq!(payload.as_slice(), b"abc");
            assert_eq!(payload.into_bytes(), &b"abc"[..]);
        }
        check("abc");
        check("abc".to_owned());
        check(b"abc");
        check(&b"abc"[..]);
        check(b"abc".to_vec());
        check(b"abc".to_vec().into_boxed_slice());
        check(Bytes::from_static(b"abc"));
        check(Message::new(Bytes::from_static(b"abc")));
    }
}
