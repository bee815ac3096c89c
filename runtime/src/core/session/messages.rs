//! Outgoing messages of local processes. Specification: `session.md`, "Messages"; `capabilities.md`, "Messages that
//! are terms".

use snow_dist_codec::frame::{RegSend, Send, SendTerm};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::stf::Terms;
use snow_dist_codec::{EncodeError, Frame, Signal};

use super::outbox::Long;
use super::{Lacking, NotSent, Session};
use crate::core::Term;

impl Session {
    /// Sends a message of `local` to the process `remote` of the peer. The message is queued even if
    /// [`Session::has_room`] returns `false`.
    ///
    /// # Errors
    /// Returns [`NotSent`] if the peer cannot accept the message: it is too long, or a version 1 peer would mistake it
    /// for a signal.
    #[inline]
    pub fn send(&mut self, local: u64, remote: u64, message: &[u8]) -> Result<(), NotSent> {
        self.check_message(message)?;
        let frame = Frame::from(Send { to: self.wire.theirs(remote), message });
        Ok(self.queue(local, message.len() + HEAD_BYTES, &frame)?)
    }

    /// Sends a message of `local` to the process that is registered under `name` at the peer. Apart from that, this
    /// method behaves like [`Session::send`].
    ///
    /// # Errors
    /// Returns [`NotSent`], as [`Session::send`] does, and also if the name is longer than 65 535 bytes.
    pub fn send_named(&mut self, local: u64, name: &str, message: &[u8]) -> Result<(), NotSent> {
        self.check_message(message)?;
        let frame = Frame::from(RegSend { name: name.into(), message });
        Ok(self.queue(local, name.len() + message.len() + HEAD_BYTES, &frame)?)
    }

    /// Queues a message of about `bytes` bytes, its length prefix included.
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
    //# A node MUST NOT send any frame in fragments but SEND, REG_SEND, SEND_TERM, SEND_NAME_TERM, CALL,
    //# CALL_NAME and CALL_REPLY.
    #[cold]
    fn queue_long(&mut self, local: u64, frame: &Frame<'_>) -> Result<(), EncodeError> {
        let mut framed = Vec::new();
        //= spec/capabilities.md#cap-frg-010
        //# A node MUST NOT send a frame in fragments that is longer than `fragmented_frame_bytes_max`.
        frame.encode_framed(self.frame_bytes_max, &mut framed)?;
        //= spec/capabilities.md#cap-frg-001
        //# In a session with `fragments` a node MUST send each message whose payload is longer than
        //# `fragment_bytes_max` in fragments.
        self.outbox.long_message(local, Long::new(framed));
        Ok(())
    }

    /// Sends a term of `local` to the process `remote` of the peer, marked as a term. In a session that lacks
    /// `send_term`, the term is sent as an ordinary message.
    ///
    /// Pids in the term are written in the form in which the peer knows them. Before this call, call
    /// [`Session::introduce`] for each third node that has pids in the term: otherwise these are written as pids of
    /// an unknown node.
    ///
    /// # Errors
    /// Returns [`NotSent`] in these cases:
    /// - The peer cannot accept the message.
    /// - The term has pids, and the session lacks `send_term`: nothing in an ordinary message would say that they are
    ///   pids.
    /// - The term is of the second kind and has no form of the first ([`Term::or_first`]), and the session lacks
    ///   `send_term` or `terms_2`.
    pub fn send_term(&mut self, local: u64, remote: u64, term: &mut Term) -> Result<(), NotSent> {
        let has_terms = self.capabilities.contains(Capabilities::SEND_TERM);
        let to = self.wire.theirs(remote);
        let mark = if has_terms { Mark::There } else { Mark::Lacking("send_term") };
        self.queue_term(local, 0, mark, term, |message| {
            //= spec/capabilities.md#cap-stm-001
            //# A node MUST NOT write SEND_TERM in a session that does not have `send_term`.
            //= spec/capabilities.md#cap-stm-007
            //# In a session without `send_term`, a node whose process sends a term of the first kind without
            //# pids to a process MUST write it as the message of a SEND.
            if has_terms { SendTerm { to, message }.into() } else { Send { to, message }.into() }
        })
    }

    /// Queues a message that is a term. The frame holds about `bytes` bytes besides the term and its pids.
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
        //# A node MUST write each pid in the term of a SEND_TERM by SES-PID-010 to SES-PID-012.
        let message = term.with_wire(|pid| wire.any_there(pid));
        Ok(self.queue(local, bytes + message.len() + HEAD_BYTES, &frame(message))?)
    }

    /// Returns the form of a term that the peer reads.
    pub(super) fn form<'m>(&self, mark: Mark, term: &'m mut Term) -> Result<&'m mut Term, Lacking> {
        let lacking = match (mark, self.terms()) {
            (Mark::There, Terms::Second) => return Ok(term),
            //= spec/capabilities.md#cap-stm-003
            //# A node MUST refuse a term with pids for which it would have to write SEND or REG_SEND.
            (Mark::Lacking(capability), _) if term.has_pids() => return Err(Lacking { capability }),
            (Mark::Lacking(capability), Terms::Second) => capability,
            (_, Terms::First) => "terms_2",
        };
        //= spec/capabilities.md#cap-trm-001
        //# A node MUST refuse a term of the second kind in a session that does not have `terms_2`.
        //= spec/capabilities.md#cap-trm-002
        //# A node MUST refuse a term of the second kind for which it would have to write SEND or REG_SEND.
        //= spec/capabilities.md#cap-trm-005
        //# The error of such a refusal SHOULD name the capability that the session lacks, and the peer.
        //= spec/stf.md#stf-knd-002
        //# A writer MUST NOT write a value of the second kind into a term, unless its reader is known to read the second
        //# kind.
        term.as_first().ok_or(Lacking { capability: lacking })
    }

    /// Returns the kind of terms that frames with terms carry.
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

/// The mark of a frame that says that its message is a term.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    There,
    /// There is no mark, since the session lacks this capability.
    Lacking(&'static str),
}

/// The bytes of a message's frame besides what a program gave, at most: length, tag and pid.
const HEAD_BYTES: usize = 13;
