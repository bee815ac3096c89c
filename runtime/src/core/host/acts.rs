//! Operations of a host's processes.
//!
//! Operations in the name of a process that has ended are dropped.

use super::{Host, Nodes};
use crate::core::session::{Lacking, NotMade, NotSent};
use crate::core::{NodeNumber, Numbers, Pid, Reason, Session, Term};

impl<P: Nodes> Host<P> {
    /// Returns `true` if processes may begin operations with processes of a node now. If this returns `false`, a
    /// process must wait until something has been written in the session with that node.
    ///
    /// If there is no open session with the node, this returns `true`.
    #[must_use]
    pub fn has_room(&mut self, node: NodeNumber) -> bool {
        let line = self.sessions.get(&node).and_then(|id| self.lines.get_mut(id));
        line.and_then(|line| line.connection.open_session()).is_none_or(|session| session.has_room())
    }

    /// Sends a message to a process on any node. The message is dropped if there is no session with the node.
    ///
    /// # Errors
    /// Returns [`NotSent`] if the other node cannot accept the message: see [`Session::send`].
    pub fn send(&mut self, local: u64, to: Pid, message: &[u8]) -> Result<(), NotSent> {
        if to.is_here() {
            self.processes.message(to.local(), message);
            return Ok(());
        }
        self.on_open(local, to.node(), |session| session.send(local, to.local(), message)).unwrap_or(Ok(()))
    }

    /// Sends a message to the process that is registered under `name` on a node. `node` is the name of the node, with
    /// its port. The message is dropped if there is no session with the node.
    ///
    /// # Errors
    /// Returns [`NotSent`] if the other node cannot accept the message: see [`Session::send_named`].
    pub fn send_named(&mut self, local: u64, node: &str, name: &str, message: &[u8]) -> Result<(), NotSent> {
        if node == &**self.endpoint.name() {
            self.processes.named_message(name, message);
            return Ok(());
        }
        let Some(known) = self.peers.get(node).copied() else { return Ok(()) };
        self.on_open(local, known.node(), |it| it.send_named(local, name, message)).unwrap_or(Ok(()))
    }

    /// Sends a term to a process on any node. If the session supports it, the message is marked as a term. If there is
    /// no session with the node, the term is dropped.
    ///
    /// If the term has pids of nodes that the peer may not know, those nodes are introduced to the peer first.
    ///
    /// # Errors
    /// Returns [`NotSent`] if the other node cannot accept the message, or if the session cannot carry the term: see
    /// [`Session::send_term`].
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

    /// Sends a term to the process that is registered under `name` on a node. `node` is the name of the node, with its
    /// port. Apart from that, this method behaves like [`Host::send_term`].
    ///
    /// # Errors
    /// Returns [`NotSent`] if the other node cannot accept the message, or if the session cannot carry the term to a
    /// name: see [`Session::send_named_term`].
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

    /// Links a process of this node with a process of another node. If there is no session with the node, the exit
    /// signal of the link is delivered at once, with the reason Noconnection.
    ///
    /// # Errors
    /// Returns [`NotMade`] if the link cannot be made: see [`Session::link`]. Nothing has changed then.
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

    /// Ends a link. After this call, no exit signal of the link is delivered.
    pub fn unlink(&mut self, local: u64, other: Pid) {
        self.on_session(local, other.node(), |session| session.unlink(local, other.local()));
    }

    /// Monitors a process of another node. If there is no session with the node, the DOWN of the monitor is delivered
    /// at once, with the reason Noconnection.
    ///
    /// `reference` must be new: no process of this node may have used it before for a monitor, a call or a request for
    /// a process.
    ///
    /// # Errors
    /// Returns [`NotMade`] if the monitor cannot be made: see [`Session::monitor`]. Nothing has changed then.
    pub fn monitor(&mut self, local: u64, other: Pid, reference: u64) -> Result<(), NotMade> {
        let made = self.on_open(local, other.node(), |it| it.monitor(local, other.local(), reference));
        if let Some(made) = made {
            self.tie(local, other.node());
            return made;
        }
        self.processes.down(local, reference, other, Reason::Noconnection);
        Ok(())
    }

    /// Ends a monitor on the process `other`, or gives up a call to it. After this call, nothing is delivered for that
    /// reference. For a monitor or call by name, use [`Host::demonitor_named`].
    pub fn demonitor(&mut self, local: u64, other: Pid, reference: u64) {
        self.on_session(local, other.node(), |session| {
            session.demonitor(reference);
        });
    }

    /// Sends an exit signal to a process of another node. The signal is dropped if there is no session with the node.
    ///
    /// If the reason has pids of nodes that the peer may not know, those nodes are introduced to the peer first.
    ///
    /// # Errors
    /// Returns [`Lacking`] if the session does not have the capability `remote_exit`.
    pub fn exit(&mut self, local: u64, to: Pid, reason: &Reason) -> Result<(), Lacking> {
        self.introduce(local, to.node(), reason.hops());
        self.on_open(local, to.node(), |session| session.exit(local, to.local(), reason)).unwrap_or(Ok(()))
    }

    /// Handles the end of a process. Processes of other nodes that are linked with it or monitor it are told of the
    /// end. The process's global names are removed, and its own monitors, calls and requests end. Before this call,
    /// remove the process from the process table.
    ///
    /// The call costs nothing for sessions that do not know the process.
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

    /// Acts on the session with a node, also while it is being ended: otherwise a process would be told of the end of
    /// what it has given up.
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

    /// Returns the session with a node, or `None` if there is none or it is being ended.
    pub(super) fn open(&mut self, node: NodeNumber) -> Option<&mut Session> {
        self.line(node)?.connection.open_session()
    }

    /// Notes that the end of a process has to be reported to the session with that node.
    pub(super) fn tie(&mut self, local: u64, node: NodeNumber) {
        if let Some(id) = self.sessions.get(&node) {
            self.ties.add(local, *id);
        }
    }

    /// Introduces the nodes of these processes to a peer that is about to be sent something of a process.
    pub(super) fn introduce(&mut self, local: u64, to: NodeNumber, pids: impl Iterator<Item = Pid>) {
        let Some(line) = self.sessions.get(&to).and_then(|id| self.lines.get_mut(id)) else { return };
        if self.processes.attach(local)
            && let Some(session) = line.connection.open_session()
        {
            introduce(session, self.endpoint.numbers(), pids);
        }
    }
}

/// Introduces the nodes of these processes to the peer of a session, if it may not know them.
pub(super) fn introduce(session: &mut Session, numbers: &Numbers, pids: impl Iterator<Item = Pid>) {
    for node in pids.map(Pid::node) {
        session.introduce(node, || numbers.start(node).cloned());
    }
}
