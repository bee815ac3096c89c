//! What processes of a host do. A process that has ended does nothing any more, and what it asks for is dropped.

use super::{Host, Nodes};
use crate::core::session::{Lacking, NotMade, NotSent};
use crate::core::{NodeNumber, Numbers, Pid, Reason, Session, Term};

impl<P: Nodes> Host<P> {
    /// Whether what a process does with a process of this node is taken now. Otherwise it waits until something has been written.
    #[must_use]
    pub fn has_room(&mut self, node: NodeNumber) -> bool {
        let line = self.sessions.get(&node).and_then(|id| self.lines.get_mut(id));
        line.and_then(|line| line.connection.open_session()).is_none_or(|session| session.has_room())
    }

    /// A message to any process. Dropped if there is no session with its node.
    ///
    /// # Errors
    /// Its node cannot take it.
    pub fn send(&mut self, local: u64, to: Pid, message: &[u8]) -> Result<(), NotSent> {
        if to.is_here() {
            self.processes.message(to.local(), message);
            return Ok(());
        }
        self.on_open(local, to.node(), |session| session.send(local, to.local(), message)).unwrap_or(Ok(()))
    }

    /// A message to whoever is registered under `name` on a node; dropped likewise.
    ///
    /// # Errors
    /// The node cannot take it.
    pub fn send_named(&mut self, local: u64, node: &str, name: &str, message: &[u8]) -> Result<(), NotSent> {
        if node == &**self.endpoint.name() {
            self.processes.named_message(name, message);
            return Ok(());
        }
        let Some(known) = self.peers.get(node).copied() else { return Ok(()) };
        self.on_open(local, known.node(), |it| it.send_named(local, name, message)).unwrap_or(Ok(()))
    }

    /// A term to any process, marked as one where the session can say that; dropped likewise. Nodes of pids in it, which the peer
    /// may not know, are named to it before.
    ///
    /// # Errors
    /// Its node cannot take it; or the term has pids or is of the second kind, and the session nothing to send such terms by.
    pub fn send_term(&mut self, local: u64, to: Pid, mut term: Term) -> Result<(), NotSent> {
        if to.is_here() {
            let (bytes, pids) = term.into_local();
            self.processes.term(to.local(), &bytes, pids);
            return Ok(());
        }
        self.introduce(local, to.node(), term.pids());
        self.on_open(local, to.node(), |session| session.send_term(local, to.local(), &mut term))
            .unwrap_or(Ok(()))
    }

    /// A term to whoever is registered under `name` on a node, marked as one where the session can say that; dropped likewise.
    ///
    /// # Errors
    /// The node cannot take it; or the term has pids, and the session nothing to send such terms to a name by.
    pub fn send_named_term(
        &mut self,
        local: u64,
        node: &str,
        name: &str,
        mut term: Term,
    ) -> Result<(), NotSent> {
        if node == &**self.endpoint.name() {
            let (bytes, pids) = term.into_local();
            self.processes.named_term(name, &bytes, pids);
            return Ok(());
        }
        let Some(known) = self.peers.get(node).map(|known| known.node()) else { return Ok(()) };
        self.introduce(local, known, term.pids());
        self.on_open(local, known, |it| it.send_named_term(local, name, &mut term)).unwrap_or(Ok(()))
    }

    /// Links a process of this node with one of another. Without a session its exit signal comes at once.
    ///
    /// # Errors
    /// Why it is not made; nothing has changed.
    pub fn link(&mut self, local: u64, other: Pid) -> Result<(), NotMade> {
        let node = other.node();
        if let Some(linked) = self.on_open(local, node, |session| session.link(local, other.local())) {
            self.tie(local, node);
            return linked;
        }
        // A link that a session has which is being ended has its exit signal then, and no second one now.
        if !self.session(node).is_some_and(|session| session.is_linked(local, other.local())) {
            self.processes.exit(local, other, Reason::Noconnection);
        }
        Ok(())
    }

    /// Ends a link.
    pub fn unlink(&mut self, local: u64, other: Pid) {
        self.on_session(local, other.node(), |session| session.unlink(local, other.local()));
    }

    /// Monitors a process of another node. Without a session its DOWN comes at once. No other monitor ever has this reference.
    ///
    /// # Errors
    /// Why it is not made; nothing has changed.
    pub fn monitor(&mut self, local: u64, other: Pid, reference: u64) -> Result<(), NotMade> {
        let made = self.on_open(local, other.node(), |it| it.monitor(local, other.local(), reference));
        if let Some(made) = made {
            self.tie(local, other.node());
            return made;
        }
        self.processes.down(local, reference, other, Reason::Noconnection);
        Ok(())
    }

    /// Ends a monitor, or gives up a call.
    pub fn demonitor(&mut self, local: u64, other: Pid, reference: u64) {
        self.on_session(local, other.node(), |session| {
            session.demonitor(reference);
        });
    }

    /// Sends an exit signal to a process of another node. Dropped if there is no session with it. Nodes in the reason, which the peer
    /// may not know, are named to it before.
    ///
    /// # Errors
    /// The session lacks the capability.
    pub fn exit(&mut self, local: u64, to: Pid, reason: &Reason) -> Result<(), Lacking> {
        self.introduce(local, to.node(), reason.hops());
        self.on_open(local, to.node(), |session| session.exit(local, to.local(), reason)).unwrap_or(Ok(()))
    }

    /// A process has ended, and the table does not have it any more: what is linked with it or watches it on other nodes learns
    /// of it. That costs nothing for sessions that do not know the process.
    pub fn process_ended(&mut self, local: u64, reason: &Reason) {
        for name in self.globals.process_ended(local) {
            self.tell_global(&name, None);
        }
        for id in self.ties.take(local) {
            let session = self.lines.get_mut(&id).and_then(|line| line.connection.session());
            let Some(session) = session else { continue };
            if session.is_tied(local) {
                introduce(session, self.endpoint.numbers(), reason.hops());
            }
            session.process_ended(local, reason);
            self.changed.insert(id);
        }
    }

    /// Also one that is being ended: what a process has given up is not told to it when that is over.
    pub(super) fn on_session(&mut self, local: u64, node: NodeNumber, act: impl FnOnce(&mut Session)) {
        if self.processes.attach(local)
            && let Some(session) = self.session(node)
        {
            act(session);
        }
    }

    pub(super) fn on_open<T>(
        &mut self,
        local: u64,
        node: NodeNumber,
        act: impl FnOnce(&mut Session) -> T,
    ) -> Option<T> {
        if self.processes.attach(local) { self.open(node).map(act) } else { None }
    }

    /// Nothing, if the session is being ended.
    pub(super) fn open(&mut self, node: NodeNumber) -> Option<&mut Session> {
        self.line(node)?.connection.open_session()
    }

    /// The end of a process will have to be told to the session with that node.
    pub(super) fn tie(&mut self, local: u64, node: NodeNumber) {
        if let Some(id) = self.sessions.get(&node) {
            self.ties.add(local, *id);
        }
    }

    /// Names the nodes of these processes to a peer that is about to be sent something of a process.
    pub(super) fn introduce(&mut self, local: u64, to: NodeNumber, pids: impl Iterator<Item = Pid>) {
        let Some(line) = self.sessions.get(&to).and_then(|id| self.lines.get_mut(id)) else { return };
        if self.processes.attach(local)
            && let Some(session) = line.connection.open_session()
        {
            introduce(session, self.endpoint.numbers(), pids);
        }
    }
}

/// Names the nodes of these processes to the peer of a session, if it may not know them.
pub(super) fn introduce(session: &mut Session, numbers: &Numbers, pids: impl Iterator<Item = Pid>) {
    for node in pids.map(Pid::node) {
        session.introduce(node, || numbers.start(node).cloned());
    }
}
