//! Requests and their replies. Specification: `capabilities.md`, "Calls".
//!
//! A call is kept in the tables of monitors, and ends like a monitor or by a reply.

use snow_dist_codec::frame::{Call, CallHead, CallName, CallReply};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Frame, Pid as WirePid};

use super::messages::Mark;
use super::monitors::{Kind, Monitor};
use super::outbox::{Owed, Refusal};
use super::tally::Asker;
use super::wire::Ours;
use super::{Ending, Lacking, NotCalled, NotReplied, Session};
use crate::core::{Caller, Processes, Reason, Term};

impl Session {
    /// Calls the process `remote` of the peer on behalf of the process `local`. `term` is the message of the call: its
    /// pids are written as [`Session::send_term`] describes.
    ///
    /// `reference` must not have been used before in this session for a call, a monitor or a request for a process. The
    /// outcome is reported once, to [`Processes::reply`], [`Processes::reply_lost`] or [`Processes::call_ended`].
    /// [`Session::demonitor`] gives up the call. The end of the process `local` must be reported to
    /// [`Session::process_ended`].
    ///
    /// # Errors
    /// Returns [`NotCalled`] if the call cannot be made. Nothing has changed then.
    pub fn call(
        &mut self,
        local: u64,
        remote: u64,
        reference: u64,
        term: &mut Term,
    ) -> Result<(), NotCalled> {
        let (from, to) = (self.wire.ours(local), self.wire.theirs(remote));
        self.queue_call(reference, Monitor::new(from, to, Kind::Call), 0, term, |message| {
            Call { from, to, reference, message }.into()
        })
    }

    /// Calls the process that is registered under `name` at the peer, on behalf of the process `local`. Apart from
    /// that, this method behaves like [`Session::call`].
    ///
    /// # Errors
    /// Returns [`NotCalled`], as [`Session::call`] does.
    pub fn call_named(
        &mut self,
        local: u64,
        name: &str,
        reference: u64,
        term: &mut Term,
    ) -> Result<(), NotCalled> {
        //= spec/capabilities.md#cap-cal-020
        //# For a CALL_NAME, a node MUST write node id 0, local id 0 and the creation of the callee's node
        //# into `from` of CALL_REPLY, `monitored` of MONITOR_EXIT and `to` of DEMONITOR.
        let (from, to) = (self.wire.ours(local), self.wire.theirs(0));
        self.queue_call(reference, Monitor::new(from, to, Kind::Call), name.len(), term, |message| {
            CallName { from, reference, name: name.into(), message }.into()
        })
    }

    /// Queues the frame of a call. The frame is about `bytes` bytes longer than a CALL with the same message.
    fn queue_call<'m>(
        &mut self,
        reference: u64,
        call: Monitor,
        bytes: usize,
        term: &'m mut Term,
        frame: impl FnOnce(&'m [u8]) -> Frame<'m>,
    ) -> Result<(), NotCalled> {
        //= spec/capabilities.md#cap-cal-001
        //# A node MUST NOT write CALL, CALL_NAME or CALL_REPLY in a session that does not have `calls`.
        if !self.capabilities.contains(Capabilities::CALLS) {
            return Err(Lacking { capability: "calls" }.into());
        }
        //= spec/capabilities.md#cap-cal-004
        //# A node MUST NOT write a CALL, CALL_NAME or MONITOR_NAME for which no place at the peer is free.
        if !self.tally.take(Asker::Here) {
            return Err(self.full().into());
        }
        let local = call.process();
        //= spec/capabilities.md#cap-cal-003
        //# Among CALL, CALL_NAME, MONITOR and MONITOR_NAME a node MUST NOT write a ref twice in one session.
        if !self.watching.add(reference, call) {
            self.tally.give_back(Asker::Here);
            return Ok(());
        }
        //= spec/capabilities.md#cap-cal-002
        //# When its process calls a process or a name of the peer, a node MUST write one CALL or CALL_NAME,
        //# unless CAP-CAL-004 forbids it.
        self.queue_term(local, CALL_BYTES + bytes, Mark::There, term, frame).map_err(|not_sent| {
            self.watching.take(reference);
            self.tally.give_back(Asker::Here);
            not_sent.into()
        })
    }

    /// Returns `true` if a call of the peer is open, so that it can still be replied to.
    #[must_use]
    pub fn is_called(&self, caller: &Caller) -> bool {
        self.open_call(caller).is_some()
    }

    /// Replies to a call of the peer. The reply counts as the callee's, no matter which process has made it.
    ///
    /// # Errors
    /// Returns [`NotReplied`] if the call is over, or if the peer cannot accept the reply. In the second case, the call
    /// stays open.
    pub fn reply(&mut self, caller: &Caller, term: &mut Term) -> Result<(), NotReplied> {
        //= spec/capabilities.md#cap-cal-012
        //# A node MUST NOT queue a CALL_REPLY for a call that is not in state called.
        let Some(call) = self.open_call(caller) else { return Err(NotReplied::Over) };
        let (callee, from, to, reference) = (call.process(), call.ours, call.theirs, caller.reference);
        //= spec/capabilities.md#cap-cal-011
        //# When a process replies to a call in state called, the node MUST write one CALL_REPLY that matches
        //# it, and hold the call no more.
        self.queue_term(callee, CALL_BYTES, Mark::There, term, |message| {
            CallReply { from, to, reference, message }.into()
        })?;
        self.give_up_call(reference);
        Ok(())
    }

    /// Ends a call of the peer without a reply: the caller is told the reason `unanswered`. Nothing happens if the call
    /// is over.
    pub fn leave_unanswered(&mut self, caller: &Caller) {
        let Some(call) = self.open_call(caller) else { return };
        let (callee, reference) = (call.process(), caller.reference);
        //= spec/capabilities.md#cap-cal-014
        //# When nobody is left who could reply to a call in state called, the node SHOULD write one
        //# MONITOR_EXIT "unanswered".
        self.watched.owe(reference, Reason::error("unanswered"));
        self.outbox.signal(callee, Owed::Down { reference });
    }

    fn open_call(&self, caller: &Caller) -> Option<&Monitor> {
        let call = self.watched.open_call(caller.reference)?;
        let is_it = (self.wire.theirs_here(call.remote()), self.id) == (caller.pid, caller.session);
        is_it.then_some(call)
    }

    /// Forgets a call of the peer.
    fn give_up_call(&mut self, reference: u64) {
        if self.watched.take(reference).is_some() {
            self.tally.give_back(Asker::Peer);
        }
    }

    pub(super) fn on_call(&mut self, call: &Call<'_>, processes: &mut impl Processes) -> Result<(), Ending> {
        let Call { from, to, reference, .. } = *call;
        match self.callee("CALL", from, to, reference, processes)? {
            Some(callee) => {
                self.take_call(Monitor::new(to, from, Kind::Call), callee, reference, call.message, processes)
            }
            None => Ok(()),
        }
    }

    /// Returns the process that a CALL is for. Returns `None` if there is no such process, and the CALL has been
    /// answered so, or if the caller cannot be a process of the peer.
    fn callee(
        &mut self,
        frame: &str,
        from: WirePid,
        to: WirePid,
        reference: u64,
        processes: &mut impl Processes,
    ) -> Result<Option<u64>, Ending> {
        let ours = self.wire.read_ours("to", to)?;
        if self.theirs(from).is_none() {
            return Ok(None);
        }
        //= spec/capabilities.md#cap-cal-010
        //# A node MUST end the session on a CALL, CALL_NAME or MONITOR_NAME with the ref of a call or monitor
        //# that it holds for this peer.
        self.judge_reference(frame, reference)?;
        //= spec/capabilities.md#cap-cal-007
        //# A node MUST answer a CALL of a dead process, or a CALL_NAME with a name that is not registered,
        //# with one MONITOR_EXIT "noproc".
        let dead = match ours {
            Ours::Process(local) if processes.attach(local) => return Ok(Some(local)),
            Ours::Process(local) => local,
            Ours::Stale => 0,
        };
        self.refuse(dead, to, from, reference, Refusal::Noproc)?;
        Ok(None)
    }

    pub(super) fn on_call_name(
        &mut self,
        call: &CallName<'_>,
        processes: &mut impl Processes,
    ) -> Result<(), Ending> {
        let CallName { from, reference, .. } = *call;
        if self.theirs(from).is_none() {
            return Ok(());
        }
        self.judge_reference("CALL_NAME", reference)?;
        let whoever = self.wire.ours(0);
        match self.registered(call.name.as_str(), processes) {
            Some(callee) => {
                let held = Monitor::of_named(callee, whoever, from, Kind::Call);
                self.take_call(held, callee, reference, call.message, processes)
            }
            None => self.refuse(0, whoever, from, reference, Refusal::Noproc),
        }
    }

    /// Returns the live process that has a name, and notes the session's interest in its end.
    pub(super) fn registered(&self, name: &str, processes: &mut impl Processes) -> Option<u64> {
        processes.whereis(name).filter(|local| processes.attach(*local))
    }

    /// Adds a call, and delivers its message to the callee.
    fn take_call(
        &mut self,
        call: Monitor,
        callee: u64,
        reference: u64,
        message: &[u8],
        processes: &mut impl Processes,
    ) -> Result<(), Ending> {
        let (monitored, monitoring) = (call.ours, call.theirs);
        //= spec/capabilities.md#cap-cal-008
        //# A node MUST answer a CALL of a living process, or a CALL_NAME or MONITOR_NAME with a registered
        //# name, with one MONITOR_EXIT "limit" if no place of the peer is free.
        if !self.tally.take(Asker::Peer) {
            return self.refuse(callee, monitored, monitoring, reference, Refusal::Limit);
        }
        self.watched.add(reference, call);
        let pids = self.read_pids(message);
        let caller = Caller { pid: self.wire.theirs_here(monitoring.local()), reference, session: self.id };
        //= spec/capabilities.md#cap-cal-006
        //# A node MUST treat a CALL of a living process, or a CALL_NAME with a registered name, as a
        //# SEND_TERM, and let the process tell who calls and reply, unless CAP-CAL-008 or CAP-CAL-009
        //# applies.
        if processes.call(callee, caller, message, pids) {
            return Ok(());
        }
        //= spec/capabilities.md#cap-cal-009
        //# A node that drops the message of a call for want of room MUST answer with one MONITOR_EXIT "full".
        self.give_up_call(reference);
        self.refuse(callee, monitored, monitoring, reference, Refusal::Full)
    }

    /// Answers a call or a monitor that is refused.
    pub(super) fn refuse(
        &mut self,
        local: u64,
        monitored: WirePid,
        monitoring: WirePid,
        reference: u64,
        why: Refusal,
    ) -> Result<(), Ending> {
        self.answer(local, Owed::NoMonitor { reference, monitored, monitoring, why })
    }

    pub(super) fn on_call_reply(
        &mut self,
        reply: &CallReply<'_>,
        processes: &mut impl Processes,
    ) -> Result<(), Ending> {
        let Some(local) = self.call_replied(reply.from, reply.to, reply.reference)? else { return Ok(()) };
        let pids = self.read_pids(reply.message);
        //= spec/capabilities.md#cap-cal-015
        //# A node that reads a CALL_REPLY that matches an open call MUST end the call, and give the term to
        //# the caller as its reply.
        processes.reply(local, reply.reference, reply.message, pids);
        Ok(())
    }

    /// Returns the caller of the call that a reply ends. If it ends none, the reply is counted, and the result is
    /// `None`.
    fn call_replied(&mut self, from: WirePid, to: WirePid, reference: u64) -> Result<Option<u64>, Ending> {
        let Some((local, remote)) = self.ends(from, to)? else { return Ok(None) };
        let is_call = self.watching.find(reference, local, remote).is_some_and(|it| it.kind == Kind::Call);
        //= spec/capabilities.md#cap-cal-016
        //# A node MUST ignore a CALL_REPLY that matches no open call.
        if !is_call {
            self.counts.unmatched += 1;
            return Ok(None);
        }
        self.watching.take(reference);
        self.tally.give_back(Asker::Here);
        Ok(Some(local))
    }

    /// Handles a message that was dropped for lack of room while it arrived as one frame. The driver must call this
    /// when the last byte of the message has arrived. For a message in fragments, [`Session::handle_fragment`] does the
    /// same.
    ///
    /// `begun` is the beginning of the payload of the message's frame: the first [`CallHead::BYTES_MAX`] bytes, or the
    /// whole payload if it is shorter. If the message was a call, the call is refused. If it was a reply, the local
    /// caller is told that the reply was lost. Any other message has no effect.
    ///
    /// # Errors
    /// Returns the [`Ending`] with which the session must end.
    //= spec/capabilities.md#cap-cal-009
    //# A node that drops the message of a call for want of room MUST answer with one MONITOR_EXIT "full".
    pub fn handle_dropped(&mut self, begun: &[u8], processes: &mut impl Processes) -> Result<(), Ending> {
        let Some(head) = CallHead::read(begun) else { return Ok(()) };
        if self.wire.version_1().is_some() {
            return Ok(());
        }
        if !self.capabilities.contains(Capabilities::CALLS) {
            return Err(Ending::Protocol("a call was not negotiated".to_owned()));
        }
        match head {
            CallHead::Call { from, to, reference } => {
                match self.callee("CALL", from, to, reference, processes)? {
                    Some(callee) => self.refuse(callee, to, from, reference, Refusal::Full),
                    None => Ok(()),
                }
            }
            CallHead::CallName { from, reference } => {
                if self.theirs(from).is_none() {
                    return Ok(());
                }
                self.judge_reference("CALL_NAME", reference)?;
                self.refuse(0, self.wire.ours(0), from, reference, Refusal::Full)
            }
            CallHead::CallReply { from, to, reference } => {
                //= spec/capabilities.md#cap-cal-018
                //# A node that drops a reply by SES-MSG-010, SES-MSG-011 or SES-MSG-015 MUST end the call,
                //# and tell the caller that the reply was lost.
                if let Some(local) = self.call_replied(from, to, reference)? {
                    processes.reply_lost(local, reference);
                }
                Ok(())
            }
        }
    }
}

/// The bytes of a call's frame besides those of a SEND, at most: the other pid and the number.
const CALL_BYTES: usize = 18;
