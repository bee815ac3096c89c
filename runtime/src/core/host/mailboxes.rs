//! A process table whose mailboxes take all that comes as one kind of value.

use std::sync::Arc;

use super::{Nodes, Notice};
use crate::core::{Caller, Pid, Processes, Reason, SpawnFailure, SpawnRequest, TermPids};

/// What a mailbox is given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A message.
    Message(Vec<u8>),
    /// A message that its sender has marked as a term, and which processes the pids in it are.
    Term(Vec<u8>, TermPids),
    /// An exit signal that ends the process: it must end with this reason. Whoever runs it takes it out of the table, and calls
    /// [`Host::process_ended`](super::Host::process_ended) with that reason, after the call in which this came.
    Killed(Reason),
    /// An exit signal that does not, since the process traps exits, or because of its reason.
    Exit {
        /// Whose.
        from: Pid,
        /// Why that process has ended, or wants this one to.
        reason: Reason,
    },
    /// The end of a process that was monitored.
    Down {
        /// The monitor.
        reference: u64,
        /// Whose.
        from: Pid,
        /// Why it has ended.
        reason: Reason,
    },
    /// A call: a message that is a term, and that asks for a reply. [`Host::reply`](super::Host::reply) takes it; whoever lets go
    /// of the call without one says so to [`Host::leave_unanswered`](super::Host::leave_unanswered).
    Call {
        /// Who waits for the reply.
        caller: Caller,
        /// The term.
        term: Vec<u8>,
        /// Which processes the pids in it are.
        pids: TermPids,
    },
    /// The reply to a call of the process's own.
    Reply {
        /// The call.
        reference: u64,
        /// The term.
        term: Vec<u8>,
        /// Which processes the pids in it are.
        pids: TermPids,
    },
    /// The end of a call of the process's own without a reply.
    CallEnded {
        /// The call.
        reference: u64,
        /// Why: the callee has ended, is not there (`noproc`), takes no more (`limit`, `full`), lets go of the call
        /// (`unanswered`), or its node is gone (Noconnection).
        reason: Reason,
    },
    /// The reply to a call of the process's own has come, and there was no room for it: it is lost.
    ReplyLost {
        /// The call.
        reference: u64,
    },
    /// Whom a monitor by name is of.
    Named {
        /// The monitor.
        reference: u64,
        /// The process.
        pid: Pid,
    },
    /// What has come of a request of the process's own for a process of another node.
    Spawned {
        /// The request; the monitor, if one was asked for.
        request: u64,
        /// The process, or why it does not run.
        outcome: Result<Pid, SpawnFailure>,
    },
    /// A global name of the process's own is lost: another node claims it as well, and this process keeps it.
    NameConflict {
        /// The name.
        name: Arc<str>,
        /// The process that keeps it.
        winner: Pid,
    },
    /// There is a session with this node.
    NodeUp(Arc<str>),
    /// The session with this node is over, and all that it has brought has come.
    NodeDown(Arc<str>),
}

/// A process table of the plainest kind: each process has a mailbox, into which everything goes in its order. It is one for
/// [`Host`](super::Host) as it is. Messages are copied; a table that keeps parts of what was read, or bounds for each peer what it keeps
/// of it, implements [`Processes`] and [`Nodes`] itself.
///
/// What holds for [`Processes`] holds here: no call may block, panic, or come back into the host.
pub trait Mailboxes {
    /// Returns `true` while there is such a process, and it has not ended.
    fn has(&self, local: u64) -> bool;

    /// Whoever is registered under this name.
    fn registered(&self, name: &str) -> Option<u64>;

    /// Returns `true` if the process traps exits: exit signals are then told to it, and do not end it.
    fn traps_exits(&self, local: u64) -> bool;

    /// Returns `true` if the mailbox takes no message now: a call for it is refused then, and its caller is told.
    fn is_full(&self, local: u64) -> bool {
        let _ = local;
        false
    }

    /// The processes that watch the node of this name.
    fn watching(&self, node: &str) -> Vec<u64>;

    /// Puts something into a mailbox. It is dropped if there is no such process. A mailbox that is full may drop an
    /// [`Event::Message`] or an [`Event::Term`], and nothing else.
    fn put(&mut self, local: u64, event: Event);

    /// Returns `true` if other nodes may have a process started with this function, and the node of this process among them.
    /// Without, none may.
    fn offers(&self, requester: Pid, function: &str) -> bool {
        let _ = (requester, function);
        false
    }

    /// Makes a process of a function that is offered; it runs after the call of the host in which this is called. See
    /// [`Processes::spawn`].
    ///
    /// # Errors
    /// Why none is made, which the peer is told.
    fn spawn(&mut self, request: SpawnRequest<'_>) -> Result<u64, SpawnFailure> {
        let _ = request;
        Err(SpawnFailure::NotOffered)
    }

    /// Something that an operator should know.
    fn notice(&mut self, notice: Notice) {
        drop(notice);
    }
}

impl<M: Mailboxes> Processes for M {
    fn attach(&mut self, local: u64) -> bool {
        self.has(local)
    }

    fn message(&mut self, local: u64, message: &[u8]) {
        self.put(local, Event::Message(message.to_vec()));
    }

    fn term(&mut self, local: u64, term: &[u8], pids: TermPids) {
        self.put(local, Event::Term(term.to_vec(), pids));
    }

    fn named_message(&mut self, name: &str, message: &[u8]) {
        if let Some(local) = self.registered(name) {
            self.message(local, message);
        }
    }

    fn named_term(&mut self, name: &str, term: &[u8], pids: TermPids) {
        if let Some(local) = self.registered(name) {
            self.term(local, term, pids);
        }
    }

    fn whereis(&mut self, name: &str) -> Option<u64> {
        self.registered(name)
    }

    fn call(&mut self, local: u64, caller: Caller, term: &[u8], pids: TermPids) -> bool {
        let takes = !self.is_full(local);
        if takes {
            self.put(local, Event::Call { caller, term: term.to_vec(), pids });
        }
        takes
    }

    fn reply(&mut self, local: u64, reference: u64, term: &[u8], pids: TermPids) {
        self.put(local, Event::Reply { reference, term: term.to_vec(), pids });
    }

    fn reply_lost(&mut self, local: u64, reference: u64) {
        self.put(local, Event::ReplyLost { reference });
    }

    fn call_ended(&mut self, local: u64, reference: u64, reason: Reason) {
        self.put(local, Event::CallEnded { reference, reason });
    }

    fn named(&mut self, local: u64, reference: u64, pid: Pid) {
        self.put(local, Event::Named { reference, pid });
    }

    fn exit(&mut self, local: u64, from: Pid, reason: Reason) {
        let event = if reason.kills() && !self.traps_exits(local) {
            Event::Killed(Reason::linked(from, &reason))
        } else {
            Event::Exit { from, reason }
        };
        self.put(local, event);
    }

    fn offers(&mut self, requester: Pid, function: &str) -> bool {
        Mailboxes::offers(self, requester, function)
    }

    fn spawn(&mut self, request: SpawnRequest<'_>) -> Result<u64, SpawnFailure> {
        Mailboxes::spawn(self, request)
    }

    fn spawned(&mut self, local: u64, request: u64, outcome: Result<Pid, SpawnFailure>) {
        self.put(local, Event::Spawned { request, outcome });
    }

    fn down(&mut self, local: u64, reference: u64, from: Pid, reason: Reason) {
        self.put(local, Event::Down { reference, from, reason });
    }
}

impl<M: Mailboxes> Nodes for M {
    fn node(&mut self, name: &Arc<str>, is_up: bool) {
        for local in self.watching(name) {
            let name = name.clone();
            self.put(local, if is_up { Event::NodeUp(name) } else { Event::NodeDown(name) });
        }
    }

    fn name_conflict(&mut self, local: u64, name: &Arc<str>, winner: Pid) {
        self.put(local, Event::NameConflict { name: name.clone(), winner });
    }

    fn notice(&mut self, notice: Notice) {
        Mailboxes::notice(self, notice);
    }
}
