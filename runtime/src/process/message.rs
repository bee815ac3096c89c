//! Messages, and the other items that a process receives.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use snow_dist_codec::keep;
use snow_dist_codec::stf::{self, Terms};

use super::{Call, term};
use crate::core::{Pid, Reason, TermPids, arc_bytes};

/// A received message: bytes, which can be a term (STF). Cloning is cheap.
#[derive(Clone)]
pub struct Message(Content);

/// Its kind is a whole word, so that no gap is left before the head: see [`Head`].
#[derive(Clone)]
#[repr(u32)]
enum Content {
    /// Bytes, or a term of one of these kinds without a known pid.
    Plain { head: Head, bytes: Bytes },
    /// The same in place: without an allocation, which the receiver's thread would have to return to the sender's.
    Short { head: Head, bytes: InPlace },
    /// A term with pids, boxed so that all other messages stay small.
    WithPids(Arc<TermWithPids>),
}

/// Which kind of term a message is marked as, and how many bytes of it are in place. It is one word, which fills the gap
/// in front of the bytes: a message with a gap is copied in pieces that the processor has to put together.
#[derive(Clone, Copy)]
struct Head(u32);

impl Head {
    #[expect(clippy::cast_possible_truncation, reason = "at most `SHORT_BYTES_MAX`")]
    const fn new(length: usize, marked: Option<Terms>) -> Self {
        let mark = match marked {
            None => 0,
            Some(Terms::First) => 1,
            Some(Terms::Second) => 2,
        };
        Self(mark | (length as u32) << 8)
    }

    const fn marked(self) -> Option<Terms> {
        match self.0 & 0xFF {
            1 => Some(Terms::First),
            2 => Some(Terms::Second),
            _ => None,
        }
    }

    const fn length(self) -> usize {
        (self.0 >> 8) as usize
    }
}

/// Aligned like the handle of longer bytes, so that a message is copied in the same pieces, whatever it holds.
#[derive(Clone)]
#[repr(align(8))]
struct InPlace([u8; SHORT_BYTES_MAX]);

/// The longest message that is kept in place: with it a message is no larger than with the handle of longer bytes.
const SHORT_BYTES_MAX: usize = 32;

struct TermWithPids {
    bytes: Bytes,
    pids: TermPids,
}

impl Message {
    pub(crate) const fn new(bytes: Bytes) -> Self {
        Self(Content::Plain { head: Head::new(0, None), bytes })
    }

    /// Creates a message of what is sent to a process of this node.
    pub(crate) fn of_payload(payload: impl Payload) -> Self {
        match payload.copied() {
            Some(bytes) if Self::is_short(bytes) => Self::short(bytes, None),
            _ => Self::new(payload.into_bytes()),
        }
    }

    /// Creates a message of bytes that are kept with the block in which they lie, see [`keep`], or copied.
    pub(crate) fn part_of(block: Option<&Bytes>, part: &[u8]) -> Self {
        if Self::is_short(part) { Self::short(part, None) } else { Self::new(kept(block, part)) }
    }

    /// Creates a message that its sender has marked as a term, of bytes as in [`part_of`](Self::part_of).
    pub(crate) fn term_part_of(block: Option<&Bytes>, part: &[u8], pids: TermPids) -> Self {
        Self::short_term(part, &pids).unwrap_or_else(|| Self::of_term(kept(block, part), pids))
    }

    /// Creates a message that its sender has marked as a term, if it is short and without pids.
    pub(crate) fn short_term(bytes: &[u8], pids: &TermPids) -> Option<Self> {
        (pids.is_empty() && Self::is_short(bytes)).then(|| Self::short(bytes, Some(pids.terms())))
    }

    /// Returns `true` for what is kept in place.
    const fn is_short(bytes: &[u8]) -> bool {
        bytes.len() <= SHORT_BYTES_MAX
    }

    /// Creates a message of bytes that are short.
    #[inline]
    fn short(bytes: &[u8], marked: Option<Terms>) -> Self {
        debug_assert!(Self::is_short(bytes), "{} bytes are not short", bytes.len());
        let mut short = [0; SHORT_BYTES_MAX];
        if let Some(room) = short.get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
        }
        Self(Content::Short { head: Head::new(bytes.len(), marked), bytes: InPlace(short) })
    }

    /// Creates a message that its sender has marked as a term.
    pub(crate) fn of_term(bytes: Bytes, pids: TermPids) -> Self {
        Self(if pids.is_empty() {
            Content::Plain { head: Head::new(0, Some(pids.terms())), bytes }
        } else {
            Content::WithPids(Arc::new(TermWithPids { bytes, pids }))
        })
    }

    /// Returns the bytes of memory that the pids of a term keep alive in addition to the term.
    pub(crate) const fn pids_bytes(pids: &TermPids) -> usize {
        if pids.is_empty() { 0 } else { pids.kept_bytes() + arc_bytes(size_of::<TermWithPids>()) }
    }

    /// Returns the bytes of the message. If the message is a term with pids, the bytes do not tell which processes
    /// these are: use [`term`](Self::term) or [`term_pids`](Self::term_pids).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Content::Plain { bytes, .. } => bytes,
            Content::Short { head, bytes } => bytes.0.get(..head.length()).unwrap_or_default(),
            Content::WithPids(term) => &term.bytes,
        }
    }

    /// Returns the bytes of the message. They are copied if they are few, and shared otherwise. As with
    /// [`as_bytes`](Self::as_bytes), pids in the bytes lose their meaning.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Content::Plain { bytes, .. } => bytes,
            Content::Short { .. } => Bytes::copy_from_slice(self.as_bytes()),
            Content::WithPids(term) => term.bytes.clone(),
        }
    }

    /// Returns `true` if the message is marked as a term. A message has the mark if it was sent by
    /// [`Context::send_term`](super::Context::send_term) or a similar method, on this node or over a session that can
    /// carry the mark. A message without the mark can be a term, too; [`term`](Self::term) tries to decode it.
    #[must_use]
    pub const fn is_term(&self) -> bool {
        match &self.0 {
            Content::Plain { head, .. } | Content::Short { head, .. } => head.marked().is_some(),
            Content::WithPids(_) => true,
        }
    }

    /// Returns the processes that the pids in the bytes stand for, for programs that decode terms themselves.
    ///
    /// If the message is not marked as a term, all its pids are pids of an unknown node, and it can only be a term of
    /// the first kind.
    #[must_use]
    pub fn term_pids(&self) -> TermPids {
        match &self.0 {
            Content::Plain { head, .. } | Content::Short { head, .. } => {
                TermPids::of(head.marked().unwrap_or_default())
            }
            Content::WithPids(term) => term.pids.clone(),
        }
    }

    /// Decodes the message as a term (STF), whether it is marked as a term or not. Strings can be borrowed from
    /// the message.
    ///
    /// A [`Pid`](crate::Pid) in a marked term stands for the process that the sender meant, and can be used like any
    /// other pid. If the session could not name the node of that process, the result is a pid of an unknown node,
    /// which reaches no process. Every pid in an unmarked message is a pid of an unknown node.
    ///
    /// # Errors
    /// Returns an error if the message is not a term of type `T`, or is a term of the second kind without the mark.
    /// The error contains the field and the position at which decoding failed.
    pub fn term<'m, T: Deserialize<'m>>(&'m self) -> Result<T, stf::Error> {
        term::read(self.as_bytes(), self.term_pids())
    }
}

fn kept(block: Option<&Bytes>, part: &[u8]) -> Bytes {
    block.map_or_else(|| Bytes::copy_from_slice(part), |block| keep(block, part))
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        let pids = |message: &Self| match &message.0 {
            Content::Plain { .. } | Content::Short { .. } => None,
            Content::WithPids(term) => Some(term.pids.clone()),
        };
        self.as_bytes() == other.as_bytes() && self.is_term() == other.is_term() && pids(self) == pids(other)
    }
}

impl Eq for Message {}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clone().into_bytes().fmt(f)
    }
}

/// A reference to a monitor that a process of this node has. [`Context::monitor`](super::Context::monitor) and
/// related methods return it. No two monitors of a node have the same reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MonitorRef(u64);

impl MonitorRef {
    /// Creates a reference from a number that [`number`](Self::number) has returned. With any other number the
    /// reference stands for no monitor, and removing it has no effect.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number that the protocol uses for this monitor.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// An item that a process receives from its mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// A message.
    Message(Message),
    /// A call: a message whose sender waits for a reply.
    Call(Call),
    /// An exit signal. It comes from a linked process that has ended, or from a process that has called
    /// [`Context::send_exit`](super::Context::send_exit).
    ///
    /// A process that traps exits ([`Context::trap_exit`](super::Context::trap_exit)) receives all exit signals. Any
    /// other process receives only those with the reasons Normal and Shutdown, and is ended by all others.
    Exit {
        /// The process that has ended or sent the signal.
        from: Pid,
        /// The reason of the exit.
        reason: Reason,
    },
    /// A monitored process has ended. With the reason Noconnection, the session with the node of the process may have
    /// ended instead.
    Down {
        /// The reference of the monitor, which no longer exists.
        reference: MonitorRef,
        /// The monitored process.
        from: Pid,
        /// The reason why the process has ended.
        reason: Reason,
    },
    /// This process has lost a global name, because a process of another node has registered the same name and keeps
    /// it. Only a process that was registered with [`OnConflict::Tell`](crate::OnConflict::Tell) receives this.
    NameConflict {
        /// The global name.
        name: Arc<str>,
        /// The process that keeps the name.
        winner: Pid,
    },
    /// A session with a watched node has begun ([`Context::monitor_node`](super::Context::monitor_node),
    /// [`Context::monitor_nodes`](super::Context::monitor_nodes)).
    NodeUp {
        /// The node's name.
        name: Arc<str>,
    },
    /// The session with a watched node has ended.
    NodeDown {
        /// The node's name.
        name: Arc<str>,
    },
}

impl Received {
    /// Returns `true` if a bounded mailbox has a place for this item: if it is a message or a call.
    pub(crate) const fn takes_a_place(&self) -> bool {
        matches!(self, Self::Message(_) | Self::Call(_))
    }

    /// Returns the message, or `None` if this item is not a [`Message`](Self::Message).
    #[must_use]
    pub fn into_message(self) -> Option<Message> {
        match self {
            Self::Message(message) => Some(message),
            _ => None,
        }
    }
}

/// A type whose bytes can be sent as a message. A receiver on this node gets owned bytes without a copy. A session
/// always copies the bytes.
///
/// An implementation may use the node in all methods and in its destructor. The sender's task calls the methods
/// before it does anything else for the message. It calls them again each time after it has waited for room in a
/// session, so they must return the same bytes each time. If one of them panics, nothing is sent.
pub trait Payload {
    /// Returns the bytes of the message, to be sent over a session.
    fn as_slice(&self) -> &[u8];
    /// Returns the bytes of the message, to be delivered to a process of this node.
    fn into_bytes(self) -> Bytes;
    /// Returns the bytes if [`into_bytes`](Self::into_bytes) would copy them. If they are few, they are then copied into
    /// the message itself, without an allocation. The default returns `None`.
    fn copied(&self) -> Option<&[u8]> {
        None
    }
}

macro_rules! owned {
    ($($type:ty),*) => {
        $(impl Payload for $type {
            fn as_slice(&self) -> &[u8] {
                self.as_ref()
            }

            fn into_bytes(self) -> Bytes {
                Bytes::from(self)
            }
        })*
    };
}

macro_rules! borrowed {
    ($([$($length:ident)?] $type:ty),*) => {
        $(impl$(<const $length: usize>)? Payload for $type {
            fn as_slice(&self) -> &[u8] {
                self.as_ref()
            }

            fn into_bytes(self) -> Bytes {
                Bytes::copy_from_slice(self.as_ref())
            }

            fn copied(&self) -> Option<&[u8]> {
                Some(self.as_ref())
            }
        })*
    };
}

owned!(Bytes, Vec<u8>, Box<[u8]>, String);
borrowed!([] & [u8], [] & str, [LENGTH] & [u8; LENGTH]);

impl Payload for Message {
    fn as_slice(&self) -> &[u8] {
        self.as_bytes()
    }

    fn into_bytes(self) -> Bytes {
        Self::into_bytes(self)
    }

    fn copied(&self) -> Option<&[u8]> {
        matches!(self.0, Content::Short { .. }).then(|| self.as_bytes())
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
        fn check(payload: impl Payload + Clone) {
            assert_eq!(payload.as_slice(), b"abc");
            assert_eq!(payload.clone().into_bytes(), &b"abc"[..]);
            assert_eq!(Message::of_payload(payload), Message::new(Bytes::from_static(b"abc")));
        }
        check("abc");
        check("abc".to_owned());
        check(b"abc");
        check(&b"abc"[..]);
        check(b"abc".to_vec());
        check(b"abc".to_vec().into_boxed_slice());
        check(Bytes::from_static(b"abc"));
        check(Message::new(Bytes::from_static(b"abc")));
        check(Message::part_of(None, b"abc"));
        check(Message::term_part_of(None, b"abc", TermPids::of(Terms::Second)));
    }

    #[test]
    fn messages_of_every_length_are_the_same_in_place_and_elsewhere() {
        let bytes: Vec<u8> = (0..=u8::MAX).chain(0..=u8::MAX).collect();
        for length in 0..=bytes.len() {
            let (part, elsewhere) = (&bytes[..length], Bytes::copy_from_slice(&bytes[..length]));
            let message = Message::part_of(None, part);
            assert_eq!(matches!(message.0, Content::Short { .. }), length <= SHORT_BYTES_MAX);
            assert_eq!(message, Message::new(elsewhere.clone()));
            assert_eq!(format!("{message:?}"), format!("{elsewhere:?}"));
            assert_eq!((message.is_term(), message.into_bytes()), (false, elsewhere.clone()));
            for terms in [Terms::First, Terms::Second] {
                let term = Message::term_part_of(None, part, TermPids::of(terms));
                assert_eq!(term, Message::of_term(elsewhere.clone(), TermPids::of(terms)));
                assert_eq!(term.term_pids().terms(), terms);
            }
        }
    }
}
