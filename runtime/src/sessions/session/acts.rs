//! The actions of processes in a session.

use std::sync::Arc;

use super::{CROWDED_BYTES, Callee, Done, SessionHandle, State, Stirred};
use crate::core::session::{NotCalled, NotMade, NotReplied, NotSent};
use crate::core::{Caller, Globals, Pid, Reason, Session, SpawnTie, Term};
use crate::process::Refused;
use crate::process::remote::{Denied, Sender, Sent};
use crate::sessions::denied::{lacking, not_made, not_requested, not_sent};

impl SessionHandle {
    /// Sends a message, if there is room.
    pub(crate) fn send(&self, from: &Sender<'_>, remote: u64, message: &[u8]) -> Done<Result<Sent, Denied>> {
        self.message(from, |core| core.send(from.local(), remote, message).map_err(|why| self.not_sent(why)))
    }

    /// Sends a term, if there is room.
    pub(crate) fn send_term(
        &self,
        from: &Sender<'_>,
        remote: u64,
        term: &mut Term,
    ) -> Done<Result<Sent, Denied>> {
        self.message(from, |core| {
            term.pids().for_each(|pid| self.introduce(core, pid));
            core.send_term(from.local(), remote, term).map_err(|why| self.not_sent(why))
        })
    }

    /// Sends a term to a name, if there is room.
    pub(crate) fn send_named_term(
        &self,
        from: &Sender<'_>,
        name: &str,
        term: &mut Term,
    ) -> Done<Result<Sent, Denied>> {
        self.message(from, |core| {
            term.pids().for_each(|pid| self.introduce(core, pid));
            core.send_named_term(from.local(), name, term).map_err(|why| self.not_sent(why))
        })
    }

    /// Makes a call, if there is room. For `attach` see [`SessionHandle::link`].
    pub(crate) fn call(
        &self,
        local: u64,
        callee: Callee<'_>,
        reference: u64,
        term: &mut Term,
        attach: impl FnOnce() -> bool,
    ) -> Result<Sent, Denied> {
        let called = self.pass(|core| {
            if !attach() {
                return Err(Refused::Ended.into());
            }
            term.pids().for_each(|pid| self.introduce(core, pid));
            let called = match callee {
                Callee::Process(remote) => core.call(local, remote, reference, term),
                Callee::Name(name) => core.call_named(local, name, reference, term),
            };
            called.map_err(|why| match why {
                NotCalled::NotMade(why) => self.not_made(why),
                NotCalled::NotSent(why) => self.not_sent(why),
            })
        });
        called.wake()
    }

    /// Requests a process, if there is room. For `attach` see [`SessionHandle::link`].
    pub(crate) fn spawn(
        &self,
        local: u64,
        request: u64,
        tie: SpawnTie,
        function: &str,
        arguments: &mut Term,
        attach: impl FnOnce() -> bool,
    ) -> Result<Sent, Denied> {
        let asked = self.pass(|core| {
            if !attach() {
                return Err(Refused::Ended.into());
            }
            arguments.pids().for_each(|pid| self.introduce(core, pid));
            let asked = core.spawn(local, request, tie, function, arguments);
            asked.map_err(|why| not_requested(why, &self.peer().name))
        });
        asked.wake()
    }

    /// Replies to a call, if there is room.
    pub(crate) fn reply(&self, caller: &Caller, term: &mut Term) -> Result<Sent, Denied> {
        let replied = self.act(|state| {
            // What is over waits for no room, and has no reply in which a third node could be named.
            if !state.core.open_session().is_some_and(|core| core.is_called(caller)) {
                return Err(Denied::NotConnected);
            }
            self.pass_in(state, |core| {
                term.pids().for_each(|pid| self.introduce(core, pid));
                core.reply(caller, term).map_err(|why| match why {
                    NotReplied::Over => Denied::NotConnected,
                    NotReplied::NotSent(why) => self.not_sent(why),
                })
            })
        });
        replied.wake()
    }

    /// Reports that nobody is left to reply to a call.
    pub(crate) fn leave_unanswered(&self, caller: &Caller) {
        self.in_session(|session| session.leave_unanswered(caller));
    }

    fn not_sent(&self, why: NotSent) -> Denied {
        not_sent(why, &self.peer().name)
    }

    fn not_made(&self, why: NotMade) -> Denied {
        not_made(why, &self.peer().name)
    }

    /// Makes sure that the peer will know a process's node.
    fn introduce(&self, core: &mut Session, pid: Pid) {
        core.introduce(pid.node(), || self.numbers.start(pid.node()));
    }

    pub(super) fn introduce_all(&self, core: &mut Session, reason: &Reason) {
        if let Reason::Linked(chain) = reason {
            chain.hops.iter().for_each(|hop| self.introduce(core, *hop));
        }
    }

    /// Sends a message to a name, if there is room.
    pub(crate) fn send_named(
        &self,
        from: &Sender<'_>,
        name: &str,
        message: &[u8],
    ) -> Done<Result<Sent, Denied>> {
        self.message(from, |core| {
            core.send_named(from.local(), name, message).map_err(|why| self.not_sent(why))
        })
    }

    fn message(
        &self,
        from: &Sender<'_>,
        send: impl FnOnce(&mut Session) -> Result<(), Denied>,
    ) -> Done<Result<Sent, Denied>> {
        self.pass(|session| {
            //= spec/session.md#ses-ord-002
            //# A node MUST write EXIT, MONITOR_EXIT and DEMONITOR of a process that has ended after all its
            //# messages to the same process of the peer.
            from.check()?;
            send(session)
        })
    }

    /// Passes something to the session that waits for room like a message.
    fn pass(&self, send: impl FnOnce(&mut Session) -> Result<(), Denied>) -> Done<Result<Sent, Denied>> {
        self.act(|state| self.pass_in(state, send))
    }

    fn pass_in(
        &self,
        state: &mut State,
        send: impl FnOnce(&mut Session) -> Result<(), Denied>,
    ) -> Result<Sent, Denied> {
        let session = self.find_room(state)?;
        send(session)?;
        let waiting = session.waiting_bytes();
        if waiting < state.crowded_at {
            return Ok(Sent::GoOn);
        }
        state.crowded_at = waiting + CROWDED_BYTES;
        Ok(Sent::MakeWay)
    }

    /// Links two processes, if there is room. `attach` registers the session for the local process's end, and
    /// returns `false` if the process has already ended; then nothing is linked. It is called under the session's
    /// lock, so that a later end finds the link.
    pub(crate) fn link(&self, local: u64, remote: u64, attach: impl FnOnce() -> bool) -> Result<(), Denied> {
        let done = self.act(|state| {
            // A link that is there has its exit signal when the session ends, and no second one now.
            let is_linked = state.core.session().is_some_and(|session| session.is_linked(local, remote));
            if is_linked && state.core.open_session().is_none() {
                return Ok(());
            }
            let session = self.find_room(state)?;
            if attach() { session.link(local, remote).map_err(|why| self.not_made(why)) } else { Ok(()) }
        });
        done.wake()
    }

    /// Sends an exit signal, if there is room.
    pub(crate) fn exit(&self, from: Sender<'_>, remote: u64, reason: &Reason) -> Result<(), Denied> {
        self.with_room(|session| {
            from.check()?;
            self.introduce_all(session, reason);
            session.exit(from.local(), remote, reason).map_err(|why| lacking(why, &self.peer().name))
        })
    }

    pub(crate) fn unlink(&self, local: u64, remote: u64) {
        // In a session that has ended, no link is left.
        self.in_session(|session| session.unlink(local, remote));
    }

    /// Makes a monitor, if there is room. For `attach` see [`SessionHandle::link`].
    pub(crate) fn monitor(
        &self,
        local: u64,
        remote: u64,
        reference: u64,
        attach: impl FnOnce() -> bool,
    ) -> Result<(), Denied> {
        self.with_room(|session| {
            if !attach() {
                return Ok(());
            }
            session.monitor(local, remote, reference).map_err(|why| self.not_made(why))
        })
    }

    /// Makes a monitor by name, if there is room. For `attach` see [`SessionHandle::link`].
    pub(crate) fn monitor_named(
        &self,
        local: u64,
        name: &str,
        reference: u64,
        attach: impl FnOnce() -> bool,
    ) -> Result<(), Denied> {
        self.with_room(|session| {
            if !attach() {
                return Err(Refused::Ended.into());
            }
            session.monitor_named(local, name, reference).map_err(|why| self.not_made(why))
        })
    }

    /// Starts to send the global names of this node to the peer, and queues these names at once. The driver finds
    /// them when it is woken because the session is established.
    pub(crate) fn tell_globals(&self, node: &Arc<str>, globals: &Globals) {
        if let Some(session) = self.state.lock().core.session() {
            session.tell_globals(node, globals.own());
        }
    }

    /// Tells the peer of a change to a global name of this node.
    pub(crate) fn tell_global(&self, name: &Arc<str>, local: Option<u64>) -> Stirred {
        let told = self.act(|state| {
            // What ends is told in a session that is being ended as well, as the ends of processes are.
            let session = if local.is_some() { state.core.open_session() } else { state.core.session() };
            let session = session.ok_or(Denied::NotConnected)?;
            match local {
                Some(local) => session.register_global(name, local),
                None => session.unregister_global(name),
            }
            Ok(())
        });
        Stirred { driver: told.driver, closed: None }
    }

    pub(crate) fn demonitor(&self, reference: u64) {
        // In a session that has ended, no monitor is left.
        self.in_session(|session| {
            session.demonitor(reference);
        });
    }

    /// Acts if there is room. Otherwise returns what to wait for.
    fn with_room<T>(&self, act: impl FnOnce(&mut Session) -> Result<T, Denied>) -> Result<T, Denied> {
        self.act(|state| act(self.find_room(state)?)).wake()
    }

    /// Returns the session, if there is room. Otherwise returns what to wait for. A session that is being ended
    /// never has room again: queued data is sent before it ends, and a sender without end must not delay that.
    fn find_room<'s>(&self, state: &'s mut State) -> Result<&'s mut Session, Denied> {
        let Some(session) = state.core.open_session() else { return Err(Denied::NotConnected) };
        if session.has_room() {
            return Ok(session);
        }
        state.full = true;
        // The first who finds it full has the turn at once, and comes back with it.
        state.waits += u64::from(self.entrance.is_taken());
        // Made under the lock, so that room made from here on is not missed.
        Err(Denied::Full(self.entrance.wait()))
    }

    /// Acts on the session, if it has not ended.
    pub(super) fn in_session(&self, act: impl FnOnce(&mut Session)) {
        let done = self.act(|state| {
            state.core.session().map(act);
            Ok(())
        });
        // Nothing that acts here fails.
        let _ = done.wake();
    }
}
