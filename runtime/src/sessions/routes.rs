//! Routing of a process's actions to the session with another node.
//!
//! Lock order: routes, then a session, then a process. Nobody is woken while any of them is held.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::task::Waker;
use std::time::Duration;

use super::session::{Callee, Done, SessionHandle};
use crate::core::{Caller, NodeNumber, Pid, Reason, SpawnTie, Term};
use crate::peer_info::PeerInfo;
use crate::process::remote::{Denied, Interested, Remote, Sender, Sent};
use crate::process::small::NumberMap;
use crate::process::table::ProcessTable;

/// The sessions of a node, by the node that they lead to.
#[derive(Debug)]
pub(crate) struct Routes {
    /// The process table that sends through these routes.
    table: Weak<ProcessTable>,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The established sessions by the peer's number, which every message looks up.
    up: NumberMap<Arc<SessionHandle>, NodeNumber>,
    names: HashMap<Arc<str>, NodeNumber>,
    /// The sessions that are being closed, or have ended and still deliver their last signals.
    ending: NumberMap<Arc<SessionHandle>, NodeNumber>,
}

impl Routes {
    pub(super) fn new(table: Weak<ProcessTable>) -> Self {
        Self { table, known: RwLock::default() }
    }

    /// Adds an established session.
    pub(super) fn up(&self, session: &Arc<SessionHandle>) {
        let mut known = self.write();
        known.names.insert(session.peer().name.clone(), session.peer().number);
        known.up.insert(session.peer().number, session.clone());
    }

    /// Marks a session as being closed or ended: nothing is sent through it any more, but whoever depends on its
    /// last signals waits for them.
    pub(super) fn ending(&self, session: &Arc<SessionHandle>) {
        let mut known = self.write();
        known.names.remove(&session.peer().name);
        known.up.remove(&session.peer().number);
        known.ending.insert(session.peer().number, session.clone());
    }

    /// Removes a session that has delivered everything.
    pub(super) fn ended(&self, session: &Arc<SessionHandle>) {
        self.write().ending.remove(&session.peer().number);
    }

    /// Returns the established session with the node of this name.
    pub(super) fn session_of(&self, name: &str) -> Option<Arc<SessionHandle>> {
        let known = self.read();
        known.up.get(known.names.get(name)?).cloned()
    }

    /// Returns the names of all nodes with an established session, in alphabetical order.
    pub(crate) fn nodes(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self.read().names.keys().cloned().collect();
        names.sort();
        names
    }

    /// Returns information about all nodes with an established session, ordered by name.
    pub(crate) fn peers(&self, now: Duration) -> Vec<PeerInfo> {
        let sessions: Vec<_> = self.read().up.values().cloned().collect();
        let mut peers: Vec<_> = sessions.iter().map(|session| session.peer_info(now)).collect();
        peers.sort_by(|one, other| one.name.cmp(&other.name));
        peers
    }

    /// Returns the name of a process's node, if there is an established session with it.
    pub(crate) fn node_of(&self, pid: Pid) -> Option<Arc<str>> {
        let known = self.read();
        known
            .up
            .get(&pid.node())
            .filter(|session| leads_to(session, pid))
            .map(|session| session.peer().name.clone())
    }

    /// Returns the pid of a process on a node by its local number, if there is an established session with the
    /// node.
    pub(crate) fn pid_on(&self, node: &str, local: u64) -> Option<Pid> {
        let session = self.session_of(node)?;
        Some(Pid::new(session.peer().number, session.peer().creation, local))
    }

    /// Returns the session with a process's node, even one that is ending: an action on such a session first
    /// delivers what the session still owes, and then finds that the session is not connected. A pid with another
    /// creation belongs to a node that is gone.
    fn session_with(&self, pid: Pid) -> Result<Arc<SessionHandle>, Denied> {
        let known = self.read();
        let session = known.up.get(&pid.node()).or_else(|| known.ending.get(&pid.node()));
        //= spec/session.md#ses-pid-016
        //# A node MUST NOT write a frame to or about a process of an unknown node, other than in an unowned
        //# pid.
        //= spec/session.md#ses-off-002
        //# When its process links with a pid that has no session, a node MUST bring it at once one exit
        //# signal Noconnection from that pid.
        //= spec/session.md#ses-off-003
        //# When its process monitors a pid that has no session, a node MUST give it one DOWN Noconnection at
        //# once.
        //= spec/session.md#ses-off-004
        //# A node MUST NOT dial because a process sends to, links with or monitors a pid that has no session,
        //# unless its operator or program has asked for that.
        session.filter(|session| leads_to(session, pid)).cloned().ok_or(Denied::NotConnected)
    }

    /// Registers a session for a process's end. Returns `false` if the process has already ended.
    fn attach(&self, local: u64, session: &Arc<SessionHandle>) -> bool {
        let interested: Arc<dyn Interested> = session.clone();
        let cell = self.table.upgrade().and_then(|table| table.get(local));
        cell.is_some_and(|cell| cell.attach(&Arc::downgrade(&interested)))
    }

    /// Sends to a process through the session with its node.
    fn send_by(
        &self,
        to: Pid,
        send: impl FnOnce(&SessionHandle) -> Done<Result<Sent, Denied>>,
    ) -> Result<Sent, Denied> {
        // The session is not taken out of the lock, which would cost every message two counts: it is held for a copy.
        let known = self.read();
        let session = known.up.get(&to.node()).filter(|session| leads_to(session, to));
        // Left early, since an optional outcome would be copied.
        let Some(session) = session else { return Err(Denied::NotConnected) };
        let sent = send(session);
        drop(known);
        sent.wake()
    }

    /// Locks the routes. The lock is never poisoned, because nothing panics while it is held.
    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remote for Routes {
    fn send(&self, from: &Sender<'_>, to: Pid, message: &[u8]) -> Result<Sent, Denied> {
        self.send_by(to, |session| session.send(from, to.local(), message))
    }

    fn send_term(&self, from: &Sender<'_>, to: Pid, term: &mut Term) -> Result<Sent, Denied> {
        self.send_by(to, |session| session.send_term(from, to.local(), term))
    }

    fn send_named(&self, from: &Sender<'_>, node: &str, name: &str, message: &[u8]) -> Result<Sent, Denied> {
        self.session_of(node).ok_or(Denied::NotConnected)?.send_named(from, name, message).wake()
    }

    fn send_named_term(
        &self,
        from: &Sender<'_>,
        node: &str,
        name: &str,
        term: &mut Term,
    ) -> Result<Sent, Denied> {
        self.session_of(node).ok_or(Denied::NotConnected)?.send_named_term(from, name, term).wake()
    }

    fn call(&self, from: Pid, to: Pid, reference: u64, term: &mut Term) -> Result<Sent, Denied> {
        //= spec/capabilities.md#cap-cal-019
        //# A node MUST tell the caller Noconnection as the end of each open call when its session ends, and
        //# of a call without a session at once.
        let session = self.session_with(to)?;
        let attach = || self.attach(from.local(), &session);
        session.call(from.local(), Callee::Process(to.local()), reference, term, attach)
    }

    fn call_named(
        &self,
        from: Pid,
        node: &str,
        name: &str,
        reference: u64,
        term: &mut Term,
    ) -> Result<Sent, Denied> {
        let session = self.session_of(node).ok_or(Denied::NotConnected)?;
        let attach = || self.attach(from.local(), &session);
        session.call(from.local(), Callee::Name(name), reference, term, attach)
    }

    fn spawn(
        &self,
        from: Pid,
        node: &str,
        request: u64,
        tie: SpawnTie,
        function: &str,
        arguments: &mut Term,
    ) -> Result<Sent, Denied> {
        let session = self.session_of(node).ok_or(Denied::NotConnected)?;
        let attach = || self.attach(from.local(), &session);
        session.spawn(from.local(), request, tie, function, arguments, attach)
    }

    fn reply(&self, caller: &Caller, term: &mut Term) -> Result<Sent, Denied> {
        self.session_with(caller.pid)?.reply(caller, term)
    }

    fn leave_unanswered(&self, caller: &Caller) {
        if let Ok(session) = self.session_with(caller.pid) {
            session.leave_unanswered(caller);
        }
    }

    fn link(&self, from: Pid, to: Pid) -> Result<(), Denied> {
        let session = self.session_with(to)?;
        session.link(from.local(), to.local(), || self.attach(from.local(), &session))
    }

    fn unlink(&self, from: Pid, to: Pid) {
        if let Ok(session) = self.session_with(to) {
            session.unlink(from.local(), to.local());
        }
    }

    fn exit(&self, from: Sender<'_>, to: Pid, reason: &Reason) -> Result<(), Denied> {
        //= spec/capabilities.md#cap-rxt-008
        //# A node MUST drop an exit signal to a pid for which it has no session.
        self.session_with(to)?.exit(from, to.local(), reason)
    }

    fn monitor(&self, from: Pid, to: Pid, reference: u64) -> Result<(), Denied> {
        let session = self.session_with(to)?;
        session.monitor(from.local(), to.local(), reference, || self.attach(from.local(), &session))
    }

    fn demonitor(&self, _from: Pid, to: Pid, reference: u64) {
        if let Ok(session) = self.session_with(to) {
            session.demonitor(reference);
        }
    }

    fn monitor_named(&self, from: Pid, node: &str, name: &str, reference: u64) -> Result<(), Denied> {
        let session = self.session_of(node).ok_or(Denied::NotConnected)?;
        session.monitor_named(from.local(), name, reference, || self.attach(from.local(), &session))
    }

    fn demonitor_named(&self, node: &str, reference: u64) {
        // Also in one that is being ended, which still tells of the end.
        let ending = || self.read().ending.values().find(|session| *session.peer().name == *node).cloned();
        if let Some(session) = self.session_of(node).or_else(ending) {
            session.demonitor(reference);
        }
    }

    fn tell_global(&self, name: &Arc<str>, local: Option<u64>) -> Vec<Arc<Waker>> {
        self.read().up.values().filter_map(|session| session.tell_global(name, local).into_driver()).collect()
    }
}

fn leads_to(session: &SessionHandle, pid: Pid) -> bool {
    //= spec/session.md#ses-pid-018
    //# A node MUST NOT take a pid from a session with another incarnation of the peer for a process of the
    //# peer's present start.
    session.peer().creation == pid.creation()
}
