//! Calls of processes of other nodes, and what goes by names there.

use super::acts::introduce;
use super::{Host, Nodes};
use crate::core::session::{NotCalled, NotMade, NotReplied};
use crate::core::{Caller, NodeNumber, Pid, Reason, Term};

impl<P: Nodes> Host<P> {
    /// Calls a process of another node: [`Processes::reply`](crate::core::Processes::reply) or
    /// [`Processes::call_ended`](crate::core::Processes::call_ended) says what has come of it, once, and without a session at
    /// once. No other call or monitor ever has this reference. [`Host::demonitor`] gives the call up.
    ///
    /// # Errors
    /// Why it is not made; nothing has changed.
    pub fn call(&mut self, local: u64, other: Pid, reference: u64, mut term: Term) -> Result<(), NotCalled> {
        self.introduce(local, other.node(), term.pids());
        let made =
            self.on_open(local, other.node(), |it| it.call(local, other.local(), reference, &mut term));
        self.called(local, Some(other.node()), reference, made)
    }

    /// Calls whoever is registered under `name` on another node; else as [`Host::call`]. [`Host::demonitor_named`] gives the call up.
    ///
    /// # Errors
    /// Why it is not made; nothing has changed.
    pub fn call_named(
        &mut self,
        local: u64,
        node: &str,
        name: &str,
        reference: u64,
        mut term: Term,
    ) -> Result<(), NotCalled> {
        let known = self.peers.get(node).map(|known| known.node());
        let made = known.and_then(|known| {
            self.introduce(local, known, term.pids());
            self.on_open(local, known, |it| it.call_named(local, name, reference, &mut term))
        });
        self.called(local, known, reference, made)
    }

    fn called(
        &mut self,
        local: u64,
        node: Option<NodeNumber>,
        reference: u64,
        made: Option<Result<(), NotCalled>>,
    ) -> Result<(), NotCalled> {
        if let (Some(made), Some(node)) = (made, node) {
            self.tie(local, node);
            return made;
        }
        self.processes.call_ended(local, reference, Reason::Noconnection);
        Ok(())
    }

    /// Gives up a call of a name on that node, or ends a monitor by name: nothing comes of it any more.
    pub fn demonitor_named(&mut self, local: u64, node: &str, reference: u64) {
        if let Some(known) = self.peers.get(node).map(|known| known.node()) {
            self.on_session(local, known, |session| {
                session.demonitor(reference);
            });
        }
    }

    /// Replies to a call of a process of another node, whose request came as an
    /// [`Event::Call`](super::Event::Call). Nodes of pids in the reply, which
    /// the peer may not know, are named to it before.
    ///
    /// # Errors
    /// The call is over, also because its session is, or its node cannot take the reply.
    pub fn reply(&mut self, caller: &Caller, mut term: Term) -> Result<(), NotReplied> {
        let node = caller.pid.node();
        let Some(line) = self.sessions.get(&node).and_then(|id| self.lines.get_mut(id)) else {
            return Err(NotReplied::Over);
        };
        let Some(session) = line.connection.open_session().filter(|it| it.is_called(caller)) else {
            return Err(NotReplied::Over);
        };
        introduce(session, self.endpoint.numbers(), term.pids());
        let replied = session.reply(caller, &mut term);
        self.line(node);
        replied
    }

    /// Nobody is left who could reply to a call: its caller is told so. Nothing, if it is over.
    pub fn leave_unanswered(&mut self, caller: &Caller) {
        if let Some(session) = self.session(caller.pid.node()) {
            session.leave_unanswered(caller);
        }
    }

    /// Monitors whoever is registered under `name` on another node; [`Processes::named`](crate::core::Processes::named)
    /// says who that is. Without a session its
    /// DOWN comes at once. No other monitor or call ever has this reference.
    ///
    /// # Errors
    /// Why it is not made; nothing has changed.
    pub fn monitor_named(
        &mut self,
        local: u64,
        node: &str,
        name: &str,
        reference: u64,
    ) -> Result<(), NotMade> {
        let known = self.peers.get(node).copied();
        let made = known.and_then(|known| {
            self.on_open(local, known.node(), |it| it.monitor_named(local, name, reference))
        });
        if let (Some(made), Some(known)) = (made, known) {
            self.tie(local, known.node());
            return made;
        }
        let nobody = known.unwrap_or(Pid::new(NodeNumber::UNKNOWN, 0, 0));
        self.processes.down(local, reference, nobody, Reason::Noconnection);
        Ok(())
    }
}
