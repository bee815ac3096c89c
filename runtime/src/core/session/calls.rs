//! Requests and their replies. Specification: `capabilities.md`, "Calls".
//!
//! A call stands in the tables of monitors, and ends like a monitor or by a reply.

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
    /// A call of `local` to `remote`. `reference` is never used again in this session, for a call or a monitor. What comes of
    /// it is told to [`Processes::reply`] or [`Processes::call_ended`], once; [`Session::demonitor`] gives it up. The local
    /// process's end must be told to [`Session::process_ended`].
    ///
    /// # Errors
    /// Why it is not made; nothing has changed.
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

    /// A call of `local` to whoever is registered under `name` at the peer; else as [`Session::call`].
    ///
    /// # Errors
    /// As [`Session::call`].
    pub fn call_named(
        &mut self,
        local: u64,
        name: &str,
        reference: u64,
        term: &mut Term,
    ) -> Result<(), NotCalled> {
        //= spec/capabilities.md#cap-cal-020
        //# In `from` of a CALL_REPLY, `monitored` of a MONITOR_EXIT and `to` of a DEMONITOR for a CALL_NAME a node
        //# MUST write node id 0, local id 0, and the creation of the node that CALL_NAME was for.
        let (from, to) = (self.wire.ours(local), self.wire.theirs(0));
        self.queue_call(reference, Monitor::new(from, to, Kind::Call), name.len(), term, |message| {
            CallName { from, reference, name: name.into(), message }.into()
        })
    }

    /// Queues the frame of a call, which holds about so many bytes beside a CALL's.
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
        //# A node MUST NOT write a CALL, CALL_NAME or MONITOR_NAME by which the peer would hold more links, monitors
        //# and calls of this node than the peer's links_and_monitors_max.
        if !self.tally.take(Asker::Here) {
            return Err(self.full().into());
        }
        let local = call.process();
        //= spec/capabilities.md#cap-cal-003
        //# A node MUST NOT write two frames of CALL, CALL_NAME, MONITOR and MONITOR_NAME with the same ref in one
        //# session.
        if !self.watching.add(reference, call) {
            self.tally.give_back(Asker::Here);
            return Ok(());
        }
        //= spec/capabilities.md#cap-cal-002
        //# When its process calls a process of the peer or a name there, a node MUST write one CALL or CALL_NAME,
        //# unless CAP-CAL-004 forbids it.
        self.queue_term(local, CALL_BYTES + bytes, Mark::There, term, frame).map_err(|not_sent| {
            self.watching.take(reference);
            self.tally.give_back(Asker::Here);
            not_sent.into()
        })
    }

    /// Whether somebody can still reply to a call of the peer.
    #[must_use]
    pub fn is_called(&self, caller: &Caller) -> bool {
        self.open_call(caller).is_some()
    }

    /// Replies to a call of the peer, as its callee, whoever it is that replies.
    ///
    /// # Errors
    /// The call is over, or the peer cannot take the reply.
    pub fn reply(&mut self, caller: &Caller, term: &mut Term) -> Result<(), NotReplied> {
        //= spec/capabilities.md#cap-cal-012
        //# A node MUST NOT queue a CALL_REPLY for a call that is not in state called.
        let Some(call) = self.open_call(caller) else { return Err(NotReplied::Over) };
        let (callee, from, to, reference) = (call.process(), call.ours, call.theirs, caller.reference);
        //= spec/capabilities.md#cap-cal-011
        //# When a process replies to a call in state called, the node MUST write one CALL_REPLY with the ref and
        //# the pids of the call, and hold the call no more.
        self.queue_term(callee, CALL_BYTES, Mark::There, term, |message| {
            CallReply { from, to, reference, message }.into()
        })?;
        self.give_up_call(reference);
        Ok(())
    }

    /// Nobody is left who could reply to a call of the peer. Nothing, if it is over.
    pub fn leave_unanswered(&mut self, caller: &Caller) {
        let Some(call) = self.open_call(caller) else { return };
        let (callee, reference) = (call.process(), caller.reference);
        //= spec/capabilities.md#cap-cal-014
        //# When nobody is left who could reply to a call in state called, the node SHOULD write one MONITOR_EXIT
        //# with the ref and the pids of the call whose reason is Error "unanswered", without hops.
        self.watched.owe(reference, Reason::error("unanswered"));
        self.outbox.signal(callee, Owed::Down { reference });
    }

    fn open_call(&self, caller: &Caller) -> Option<&Monitor> {
        let call = self.watched.open_call(caller.reference)?;
        let is_it = (self.wire.theirs_here(call.remote()), self.id) == (caller.pid, caller.session);
        is_it.then_some(call)
    }

    /// A call of the peer is held no more.
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

    /// The process that a CALL is for; `None` if there is none, which has been answered, or the caller cannot be.
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
        //# A node MUST end the session if it reads a CALL, CALL_NAME or MONITOR_NAME with the ref of a call or monitor
        //# of this peer that it still holds.
        self.judge_reference(frame, reference)?;
        //= spec/capabilities.md#cap-cal-007
        //# A node that reads a CALL of a dead process, or a CALL_NAME with a name that is not registered, MUST answer
        //# with one MONITOR_EXIT whose reason is Error "noproc", without hops.
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

    /// The living process that has a name, with an interest of this session in its end.
    pub(super) fn registered(&self, name: &str, processes: &mut impl Processes) -> Option<u64> {
        processes.whereis(name).filter(|local| processes.attach(*local))
    }

    /// Holds a call, and hands its message to the callee.
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
        //# A node that reads a CALL of a living process, a CALL_NAME or a MONITOR_NAME with a name that is registered,
        //# while it holds links_and_monitors_max links, monitors and calls of the peer MUST answer with one
        //# MONITOR_EXIT whose reason is Error "limit", without hops.
        if !self.tally.take(Asker::Peer) {
            return self.refuse(callee, monitored, monitoring, reference, Refusal::Limit);
        }
        self.watched.add(reference, call);
        let pids = self.read_pids(message);
        let caller = Caller { pid: self.wire.theirs_here(monitoring.local()), reference, session: self.id };
        //= spec/capabilities.md#cap-cal-006
        //# A node that reads a CALL for a living process, or a CALL_NAME with a name that is registered, MUST put
        //# its message into the mailbox of that process as that of a SEND_TERM, and let the process tell who calls
        //# and reply, unless CAP-CAL-008 or CAP-CAL-009 asks for another answer.
        if processes.call(callee, caller, message, pids) {
            return Ok(());
        }
        //= spec/capabilities.md#cap-cal-009
        //# A node that drops the message of a call for want of room MUST answer with one MONITOR_EXIT whose reason
        //# is Error "full", without hops.
        self.give_up_call(reference);
        self.refuse(callee, monitored, monitoring, reference, Refusal::Full)
    }

    /// Answers a call or a monitor that is not held.
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
        //# A node that reads a CALL_REPLY with the ref and the pids of a call of its own that is not over MUST give its
        //# term to the caller as the reply to this call, and take the call for over.
        processes.reply(local, reply.reference, reply.message, pids);
        Ok(())
    }

    /// The caller of the call that a reply ends; `None`, and counted, if it ends none.
    fn call_replied(&mut self, from: WirePid, to: WirePid, reference: u64) -> Result<Option<u64>, Ending> {
        let Some((local, remote)) = self.ends(from, to)? else { return Ok(None) };
        let is_call = self.watching.find(reference, local, remote).is_some_and(|it| it.kind == Kind::Call);
        //= spec/capabilities.md#cap-cal-016
        //# A node MUST ignore a CALL_REPLY whose ref and two pids are not all those of one call of its own in this
        //# session that is not over.
        if !is_call {
            self.counts.unmatched += 1;
            return Ok(None);
        }
        self.watching.take(reference);
        self.tally.give_back(Asker::Here);
        Ok(Some(local))
    }

    /// A message has come to its end that was dropped while it came, for want of room: `begun` is the beginning of its
    /// frame's payload, [`CallHead::BYTES_MAX`] bytes if there were as many. Nothing comes of it, but for a call, which is
    /// answered, and a reply, whose loss its caller is told.
    ///
    /// # Errors
    /// The session must end, and why.
    //= spec/capabilities.md#cap-cal-009
    //# A node that drops the message of a call for want of room MUST answer with one MONITOR_EXIT whose reason is
    //# Error "full", without hops.
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
                //# A node that drops a reply because what it keeps for other nodes is full MUST take the call for
                //# over, and tell the caller that there was a reply that it did not keep.
                if let Some(local) = self.call_replied(from, to, reference)? {
                    processes.reply_lost(local, reference);
                }
                Ok(())
            }
        }
    }
}

/// Bytes of a call's frame beside those of a SEND, at most: the other pid, the number.
const CALL_BYTES: usize = 18;
