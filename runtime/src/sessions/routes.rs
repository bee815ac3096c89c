//! From a process to the session with another node: what processes do across nodes.
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
use crate::process::table::ProcessTable;

/// The sessions of a node, by whom they lead to.
#[derive(Debug)]
pub(crate) struct Routes {
    /// Which has these routes, to send through.
    table: Weak<ProcessTable>,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Sessions that are up, by the peer's number: what every message looks up.
    up: HashMap<NodeNumber, Arc<SessionHandle>>,
    names: HashMap<Arc<str>, NodeNumber>,
    /// Sessions that are being closed, or are over and whose last signals are being delivered.
    ending: HashMap<NodeNumber, Arc<SessionHandle>>,
}

impl Routes {
    pub(super) fn new(table: Weak<ProcessTable>) -> Self {
        Self { table, known: RwLock::default() }
    }

    /// A session has come up.
    pub(super) fn up(&self, session: &Arc<SessionHandle>) {
        let mut known = self.write();
        known.names.insert(session.peer().name.clone(), session.peer().number);
        known.up.insert(session.peer().number, session.clone());
    }

    /// A session is being closed, or is over: nothing is sent through it any more, but what must know of its last
    /// signals waits for them.
    pub(super) fn ending(&self, session: &Arc<SessionHandle>) {
        let mut known = self.write();
        known.names.remove(&session.peer().name);
        known.up.remove(&session.peer().number);
        known.ending.insert(session.peer().number, session.clone());
    }

    /// A session has delivered all.
    pub(super) fn ended(&self, session: &Arc<SessionHandle>) {
        self.write().ending.remove(&session.peer().number);
    }

    /// The session with the node of this name, if one is up.
    pub(super) fn session_of(&self, name: &str) -> Option<Arc<SessionHandle>> {
        let known = self.read();
        known.up.get(known.names.get(name)?).cloned()
    }

    /// The names of all nodes with which a session is up, in order.
    pub(crate) fn nodes(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self.read().names.keys().cloned().collect();
        names.sort();
        names
    }

    /// What is known of all nodes with which a session is up, in order of their names.
    pub(crate) fn peers(&self, now: Duration) -> Vec<PeerInfo> {
        let sessions: Vec<_> = self.read().up.values().cloned().collect();
        let mut peers: Vec<_> = sessions.iter().map(|session| session.peer_info(now)).collect();
        peers.sort_by(|one, other| one.name.cmp(&other.name));
        peers
    }

    /// The name of a process's node, if a session with it is up.
    pub(crate) fn node_of(&self, pid: Pid) -> Option<Arc<str>> {
        let known = self.read();
        known
            .up
            .get(&pid.node())
            .filter(|session| leads_to(session, pid))
            .map(|session| session.peer().name.clone())
    }

    /// The process of this number on a node, if a session with it is up.
    pub(crate) fn pid_on(&self, node: &str, local: u64) -> Option<Pid> {
        let session = self.session_of(node)?;
        Some(Pid::new(session.peer().number, session.peer().creation, local))
    }

    /// The session with a process's node, even one that is ending: whoever acts on that has what it still owed when
    /// the call returns, and finds that it is not connected. A pid of another creation is that of a node that is gone.
    fn session_with(&self, pid: Pid) -> Result<Arc<SessionHandle>, Denied> {
        let known = self.read();
        let session = known.up.get(&pid.node()).or_else(|| known.ending.get(&pid.node()));
        //= spec/session.md#ses-pid-016
        //# A node MUST NOT write a frame to or about a process of an unknown node, other than in a pid
        //# without an owner.
        //= spec/session.md#ses-off-002
        //# A node that has no session for the pid with which its process links MUST bring that process one
        //# exit signal from that pid with the reason Noconnection at once.
        //= spec/session.md#ses-off-003
        //# A node that has no session for the pid that its process monitors MUST give that process one DOWN
        //# with the reason Noconnection at once.
        //= spec/session.md#ses-off-004
        //# A node MUST NOT dial because a process sends to, links with or monitors a pid for which there is no session,
        //# unless its operator or program has asked for that.
        session.filter(|session| leads_to(session, pid)).cloned().ok_or(Denied::NotConnected)
    }

    /// Sees to it that a session is told of a process's end; false if there is nothing to tell any more.
    fn attach(&self, local: u64, session: &Arc<SessionHandle>) -> bool {
        let interested: Arc<dyn Interested> = session.clone();
        let cell = self.table.upgrade().and_then(|table| table.get(local));
        cell.is_some_and(|cell| cell.attach(&Arc::downgrade(&interested)))
    }

    /// Sends to a process through the session that leads to it.
    fn send_by(
        &self,
        to: Pid,
        send: impl FnOnce(&SessionHandle) -> Done<Result<Sent, Denied>>,
    ) -> Result<Sent, Denied> {
        // The session is not taken out of the lock, which would cost every message two counts: it is held for a copy.
        let known = self.read();
        let session = known.up.get(&to.node()).filter(|session| leads_to(session, to));
        let sent = session.map(|session| send(session));
        drop(known);
        woken(sent)
    }

    /// A lock is never poisoned here: nothing panics while it is held.
    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remote for Routes {
    fn send(&self, from: Sender<'_>, to: Pid, message: &[u8]) -> Result<Sent, Denied> {
        self.send_by(to, |session| session.send(from, to.local(), message))
    }

    fn send_term(&self, from: Sender<'_>, to: Pid, term: &mut Term) -> Result<Sent, Denied> {
        self.send_by(to, |session| session.send_term(from, to.local(), term))
    }

    fn send_named(&self, from: Sender<'_>, node: &str, name: &str, message: &[u8]) -> Result<Sent, Denied> {
        let session = self.session_of(node);
        woken(session.map(|session| session.send_named(from, name, message)))
    }

    fn send_named_term(
        &self,
        from: Sender<'_>,
        node: &str,
        name: &str,
        term: &mut Term,
    ) -> Result<Sent, Denied> {
        let session = self.session_of(node);
        woken(session.map(|session| session.send_named_term(from, name, term)))
    }

    fn call(&self, from: Pid, to: Pid, reference: u64, term: &mut Term) -> Result<Sent, Denied> {
        //= spec/capabilities.md#cap-cal-019
        //# A node MUST tell the caller Noconnection as the end of each call that is not over when its session ends,
        //# and of a call for which there is no session at once.
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
        //# A node that has no session for the pid to which its process sends an exit signal MUST drop the
        //# signal.
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

/// With no lock held: the driver is woken.
fn woken(sent: Option<Done<Result<Sent, Denied>>>) -> Result<Sent, Denied> {
    sent.map_or(Err(Denied::NotConnected), Done::wake)
}

fn leads_to(session: &SessionHandle, pid: Pid) -> bool {
    //= spec/session.md#ses-pid-018
    //# A node MUST NOT take a pid that it has learned in a session with another incarnation of the peer for
    //# that of a process of the peer's present start.
    session.peer().creation == pid.creation()
}
