//! Messages of local processes on their way out. Specification: `session.md`, "Messages"; `capabilities.md`, "Terms in messages".

use snow_dist_codec::frame::{RegSend, Send, SendTerm};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::stf::Terms;
use snow_dist_codec::{EncodeError, Frame, Signal};

use super::outbox::Long;
use super::{Lacking, NotSent, Session};
use crate::core::Term;

impl Session {
    /// A message of `local` to `remote`. It is taken whatever its size, room or not.
    ///
    /// # Errors
    /// The peer cannot take it.
    #[inline]
    pub fn send(&mut self, local: u64, remote: u64, message: &[u8]) -> Result<(), NotSent> {
        self.check_message(message)?;
        let frame = Frame::from(Send { to: self.wire.theirs(remote), message });
        Ok(self.queue(local, message.len() + HEAD_BYTES, &frame)?)
    }

    /// A message of `local` to whoever is registered under `name` at the peer.
    ///
    /// # Errors
    /// The peer cannot take it.
    pub fn send_named(&mut self, local: u64, name: &str, message: &[u8]) -> Result<(), NotSent> {
        self.check_message(message)?;
        let frame = Frame::from(RegSend { name: name.into(), message });
        Ok(self.queue(local, name.len() + message.len() + HEAD_BYTES, &frame)?)
    }

    /// Queues a message of about so many bytes, its length included.
    #[inline]
    pub(super) fn queue(&mut self, local: u64, bytes: usize, frame: &Frame<'_>) -> Result<(), EncodeError> {
        let bytes_max = self.whole_bytes_max;
        //= spec/connection.md#con-que-002
        //# A node MUST queue a message that the peer can take if fewer bytes of messages wait, whatever its
        //# size.
        match self.outbox.message(local, bytes, |chunk| frame.encode_framed(bytes_max, chunk)) {
            Err(error) if bytes_max == self.frame_bytes_max => Err(error),
            Err(_) => self.queue_long(local, frame),
            Ok(()) => Ok(()),
        }
    }

    /// Queues a message that may be too long to be written whole.
    //= spec/capabilities.md#cap-frg-002
    //# A node MUST NOT send any other frame in fragments than SEND, REG_SEND, SEND_TERM, SEND_NAME_TERM, CALL,
    //# CALL_NAME and CALL_REPLY.
    #[cold]
    fn queue_long(&mut self, local: u64, frame: &Frame<'_>) -> Result<(), EncodeError> {
        let mut framed = Vec::new();
        //= spec/capabilities.md#cap-frg-010
        //# A node MUST NOT send a frame in fragments that is longer than `fragmented_frame_bytes_max`.
        frame.encode_framed(self.frame_bytes_max, &mut framed)?;
        //= spec/capabilities.md#cap-frg-001
        //# In a session that has the capability `fragments` a node MUST send in fragments each message whose
        //# payload is longer than `fragment_bytes_max`.
        self.outbox.long_message(local, Long::new(framed));
        Ok(())
    }

    /// A term of `local` to `remote`, marked as such; a message like any other in a session that lacks `send_term`. Pids
    /// in it are written as the peer will know them; those of third nodes as unknown, unless [`Session::introduce`] has
    /// been called for them.
    ///
    /// # Errors
    /// The peer cannot take it; or the term has pids or is of the second kind, and the session lacks `send_term`: in another
    /// message nobody would take them for pids; or it is of the second kind, has no form of the first, and the session
    /// lacks `terms_2`.
    pub fn send_term(&mut self, local: u64, remote: u64, term: &mut Term) -> Result<(), NotSent> {
        let has_terms = self.capabilities.contains(Capabilities::SEND_TERM);
        let to = self.wire.theirs(remote);
        let mark = if has_terms { Mark::There } else { Mark::Lacking("send_term") };
        self.queue_term(local, 0, mark, term, |message| {
            //= spec/capabilities.md#cap-stm-001
            //# A node MUST NOT write SEND_TERM in a session that does not have `send_term`.
            //= spec/capabilities.md#cap-stm-007
            //# In a session without `send_term`, a node whose process sends a term of the first kind without pids
            //# MUST write a SEND with that term as its message.
            if has_terms { SendTerm { to, message }.into() } else { Send { to, message }.into() }
        })
    }

    /// Queues a message that is a term, in a frame that holds about so many bytes beside it and its pids.
    pub(super) fn queue_term<'m>(
        &mut self,
        local: u64,
        bytes: usize,
        mark: Mark,
        term: &'m mut Term,
        frame: impl FnOnce(&'m [u8]) -> Frame<'m>,
    ) -> Result<(), NotSent> {
        let term = self.form(mark, term)?;
        let wire = &self.wire;
        //= spec/capabilities.md#cap-stm-004
        //# In a SEND_TERM a node MUST write each pid of the term as SES-PID-010 to SES-PID-012 ask for its
        //# process.
        let message = term.with_wire(|pid| wire.any_there(pid));
        Ok(self.queue(local, bytes + message.len() + HEAD_BYTES, &frame(message))?)
    }

    /// The form of a term that the peer reads.
    pub(super) fn form<'m>(&self, mark: Mark, term: &'m mut Term) -> Result<&'m mut Term, Lacking> {
        let lacking = match (mark, self.terms()) {
            (Mark::There, Terms::Second) => return Ok(term),
            //= spec/capabilities.md#cap-stm-003
            //# A node MUST NOT write a term with pids as the message of a SEND or REG_SEND as if they were
            //# understood there: it refuses it to its process.
            (Mark::Lacking(capability), _) if term.has_pids() => return Err(Lacking { capability }),
            (Mark::Lacking(capability), Terms::Second) => capability,
            (_, Terms::First) => "terms_2",
        };
        //= spec/capabilities.md#cap-trm-001
        //# A node MUST NOT write a term of the second kind in a session that does not have `terms_2`: it refuses it to its
        //# process.
        //= spec/capabilities.md#cap-trm-002
        //# A node MUST NOT write a term of the second kind as the message of a SEND or REG_SEND: it refuses it to its
        //# process.
        //= spec/capabilities.md#cap-trm-005
        //# The error with which a node refuses a term of the second kind SHOULD name the capability that the session lacks, and
        //# the peer.
        //= spec/stf.md#stf-knd-002
        //# A writer MUST NOT write a value of the second kind into a term, unless its reader is known to read the second
        //# kind.
        term.as_first().ok_or(Lacking { capability: lacking })
    }

    /// The kind of terms that frames with terms carry.
    pub(super) fn terms(&self) -> Terms {
        if self.capabilities.contains(Capabilities::TERMS_2) { Terms::Second } else { Terms::First }
    }

    #[inline]
    pub(super) fn check_message(&self, message: &[u8]) -> Result<(), NotSent> {
        //= spec/version1.md#v1-msg-001
        //# A node MUST NOT write a SEND or REG_SEND whose message begins with one of the five types of
        //# mailbox signals.
        if self.wire.version_1().is_some() && Signal::looks_like(message) {
            return Err(NotSent::LooksLikeSignal);
        }
        Ok(())
    }
}

/// Whether a frame says that its message is a term.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    There,
    /// The session lacks the capability by which one could.
    Lacking(&'static str),
}

/// Bytes of a message's frame beside what a program gave, at most: length, tag, pid.
const HEAD_BYTES: usize = 13;
