//! A process table whose mailboxes receive everything as one type of value.

use std::sync::Arc;

use super::{Nodes, Notice};
use crate::core::{Caller, Pid, Processes, Reason, SpawnFailure, SpawnRequest, TermPids};

/// An event for the mailbox of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A message.
    Message(Vec<u8>),
    /// A message that its sender has marked as a term, and the processes that the pids in it stand for.
    Term(Vec<u8>, TermPids),
    /// An exit signal that ends the process. The process must end with this reason.
    ///
    /// The code that runs the process must remove the process from the table. After the host's call in which this
    /// event came has returned, it must call [`Host::process_ended`](super::Host::process_ended) with the same
    /// reason.
    Killed(Reason),
    /// An exit signal that does not end the process, because the process traps exits or because the reason is Normal or
    /// Shutdown.
    Exit {
        /// The process that has ended, or that has sent the signal.
        from: Pid,
        /// The reason why `from` has ended, or the reason of the signal that `from` has sent.
        reason: Reason,
    },
    /// The end of a process that was monitored, or of the session with its node.
    Down {
        /// The reference of the monitor.
        reference: u64,
        /// The process that was monitored. It is process 0 of the node if the monitor was by name and the process is
        /// not known.
        from: Pid,
        /// The reason why that process has ended. It is [`Reason::noproc`] if there was no such process, and
        /// Noconnection if there is no session with its node or the session has ended.
        reason: Reason,
    },
    /// A call: a message that is a term, and that asks for a reply.
    ///
    /// The process replies with [`Host::reply`](super::Host::reply). Code that gives up the call without a reply must
    /// call [`Host::leave_unanswered`](super::Host::leave_unanswered).
    Call {
        /// The caller, who waits for the reply.
        caller: Caller,
        /// The term.
        term: Vec<u8>,
        /// The processes that the pids in the term stand for.
        pids: TermPids,
    },
    /// The reply to a call of the process's own.
    Reply {
        /// The reference of the call.
        reference: u64,
        /// The term.
        term: Vec<u8>,
        /// The processes that the pids in the term stand for.
        pids: TermPids,
    },
    /// The end of a call of the process's own without a reply.
    CallEnded {
        /// The reference of the call.
        reference: u64,
        /// The reason for the end of the call. In this list, a word in code style is the text of a
        /// [`Reason::Error`]:
        /// - `noproc`: the callee does not exist, or no process has the name that was called.
        /// - `full`: there was no room for the message of the call.
        /// - `limit`: the callee's node accepts no more links, monitors and calls of this node.
        /// - `unanswered`: the callee has given up the call.
        /// - Noconnection: there is no session with the callee's node, or the session ended while the call was open.
        /// - Any other reason: the callee has ended with this reason.
        reason: Reason,
    },
    /// The loss of a reply to a call of the process's own: the reply arrived, but there was no room for it.
    ReplyLost {
        /// The reference of the call.
        reference: u64,
    },
    /// The process that a monitor by name watches.
    Named {
        /// The reference of the monitor.
        reference: u64,
        /// The process.
        pid: Pid,
    },
    /// The outcome of the process's own request for a process of another node.
    Spawned {
        /// The number of the request, which is also the reference of the monitor if one was asked for.
        request: u64,
        /// The new process, or the reason why it does not run.
        outcome: Result<Pid, SpawnFailure>,
    },
    /// The loss of a global name of the process that was registered with
    /// [`OnConflict::Tell`](crate::core::globals::OnConflict::Tell): another node claims the name as well, and keeps
    /// it.
    NameConflict {
        /// The name.
        name: Arc<str>,
        /// The process that keeps the name.
        winner: Pid,
    },
    /// A session with the node of this name has begun. The name includes the port.
    NodeUp(Arc<str>),
    /// The session with the node of this name is over, and everything that the session has brought has been delivered.
    NodeDown(Arc<str>),
}

/// A simple process table: each process has a mailbox, which receives everything in order.
///
/// Every `Mailboxes` is a process table for [`Host`](super::Host). Messages are copied. A table that keeps parts of
/// the bytes that were read, or that bounds what it keeps for each peer, implements [`Processes`] and [`Nodes`]
/// itself.
///
/// The rules of [`Processes`] hold here too: no call may block, panic, or call back into the host.
pub trait Mailboxes {
    /// Returns `true` while `local` is a process that has not ended.
    fn has(&self, local: u64) -> bool;

    /// Returns the process that is registered under this name, or `None` if there is none.
    fn registered(&self, name: &str) -> Option<u64>;

    /// Returns `true` if the process traps exits. Exit signals are then delivered to it as events and do not end it.
    fn traps_exits(&self, local: u64) -> bool;

    /// Returns `true` if the mailbox accepts no message now. A call to the process is then refused, and the caller's
    /// call ends with the error `full`. The default returns `false`.
    fn is_full(&self, local: u64) -> bool {
        let _ = local;
        false
    }

    /// Returns the processes that watch the node of this name, which includes its port.
    fn watching(&self, node: &str) -> Vec<u64>;

    /// Puts an event into a mailbox.
    ///
    /// If there is no such process, the table must drop the event. A full mailbox may drop an [`Event::Message`] or an
    /// [`Event::Term`], and no other event.
    fn put(&mut self, local: u64, event: Event);

    /// Returns `true` if the node of `requester` may start a process here with this function. The default returns
    /// `false`.
    fn offers(&self, requester: Pid, function: &str) -> bool {
        let _ = (requester, function);
        false
    }

    /// Starts a process with a function that [`Mailboxes::offers`] has accepted, and returns its number. The process
    /// must not run before the call of the host in which this method is called has returned: see
    /// [`Processes::spawn`].
    ///
    /// # Errors
    /// If no process is started, returns the [`SpawnFailure`] that the peer is told. The default returns
    /// [`SpawnFailure::NotOffered`].
    fn spawn(&mut self, request: SpawnRequest<'_>) -> Result<u64, SpawnFailure> {
        let _ = request;
        Err(SpawnFailure::NotOffered)
    }

    /// Reports something that an operator should know. The default does nothing.
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
