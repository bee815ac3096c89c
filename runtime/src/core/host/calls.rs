//! Calls to processes of other nodes, and monitors by name.

use super::acts::introduce;
use super::{Host, Nodes};
use crate::core::session::{NotCalled, NotMade, NotReplied};
use crate::core::{Caller, NodeNumber, Pid, Reason, Term};

impl<P: Nodes> Host<P> {
    /// Calls a process of another node. `term` is the message of the call. If it has pids of nodes that the peer may
    /// not know, those nodes are introduced to the peer first.
    ///
    /// The outcome is reported once, to [`Processes::reply`](crate::core::Processes::reply),
    /// [`Processes::reply_lost`](crate::core::Processes::reply_lost) or
    /// [`Processes::call_ended`](crate::core::Processes::call_ended). If there is no session with the node,
    /// or the session is being ended, `call_ended` is called at once, with the reason Noconnection.
    ///
    /// `reference` must be new: no process of this node may have used it before for a call, a monitor or a request for
    /// a process. [`Host::demonitor`] gives up the call.
    ///
    /// # Errors
    /// Returns [`NotCalled`] if the call cannot be made. Nothing has changed then.
    pub fn call(&mut self, local: u64, other: Pid, reference: u64, mut term: Term) -> Result<(), NotCalled> {
        self.introduce(local, other.node(), term.pids());
        let made =
            self.on_open(local, other.node(), |it| it.call(local, other.local(), reference, &mut term));
        self.called(local, Some(other.node()), reference, made)
    }

    /// Calls the process that is registered under `name` on another node. `node` is the name of that node, with its
    /// port. [`Host::demonitor_named`] gives up the call. Apart from that, this method behaves like [`Host::call`].
    ///
    /// # Errors
    /// Returns [`NotCalled`] if the call cannot be made. Nothing has changed then.
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

    /// Ends a monitor by name, or gives up a call by name or a request for a process. After this call, nothing is
    /// delivered for that reference. `node` is the name of the other node, with its port.
    pub fn demonitor_named(&mut self, local: u64, node: &str, reference: u64) {
        if let Some(known) = self.peers.get(node).map(|known| known.node()) {
            self.on_session(local, known, |session| {
                session.demonitor(reference);
            });
        }
    }

    /// Replies to a call of a process of another node, whose request came as an [`Event::Call`](super::Event::Call).
    ///
    /// If the reply has pids of nodes that the peer may not know, those nodes are introduced to the peer first.
    ///
    /// # Errors
    /// Returns [`NotReplied`] if the call is over, for example because its session has ended, or if the other node
    /// cannot accept the reply. In the second case, the call stays open.
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

    /// Ends a call without a reply: the caller is told the reason `unanswered`. Nothing happens if the call is over.
    pub fn leave_unanswered(&mut self, caller: &Caller) {
        if let Some(session) = self.session(caller.pid.node()) {
            session.leave_unanswered(caller);
        }
    }

    /// Monitors the process that is registered under `name` on another node. `node` is the name of that node, with its
    /// port. [`Processes::named`](crate::core::Processes::named) reports which process is monitored.
    ///
    /// If no process has the name, the DOWN of the monitor follows with the reason `noproc`. If there is no session
    /// with the node, the DOWN is delivered at once with the reason Noconnection. In both cases, the DOWN is from
    /// process 0 of the node. If there has been no session with the node, it is from a process of
    /// [`NodeNumber::UNKNOWN`].
    ///
    /// `reference` must be new: no process of this node may have used it before for a monitor, a call or a request for
    /// a process.
    ///
    /// # Errors
    /// Returns [`NotMade`] if the monitor cannot be made. Nothing has changed then.
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
