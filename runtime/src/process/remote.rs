//! The interface between the processes of this node and its sessions.

use std::fmt;
use std::future::Future;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

use super::Refused;
use super::cell::Cell;
use super::recent::{Found, Recent};
use super::room::Room;
use super::table::ProcessTable;
use crate::connect_error::ConnectError;
use crate::core::endpoint::{KeptNode, NotKept};
use crate::core::{Caller, Cookies, Pid, Reason, SpawnTie, Term};
use crate::discovery::{DiscoverError, Discovering, DiscoveryStatus, Planned};
use crate::error::ReloadError;
use crate::notices::ConnectionCounts;
use crate::peer_info::PeerInfo;
use crate::stats::{PeerStats, SessionTotals};
use crate::tls::Certificates;

/// A result that is available later.
pub(crate) type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The reason why a session has not accepted something. It is small, and what few senders get is boxed: each layer that
/// a send passes through would copy a larger one, whether there is one or not.
pub(crate) enum Denied {
    /// The queue is full: the process waits for room, and tries again.
    Full(Box<Room>),
    /// The session will never accept it. Also the result if the calling process has ended: [`Refused::Ended`].
    Refused(Box<Refused>),
    /// There is no session with that incarnation of the node. The link or monitor then ends with Noconnection,
    /// which the process does itself.
    NotConnected,
}

impl From<Refused> for Denied {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

impl fmt::Debug for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("Full"),
            Self::Refused(refused) => refused.fmt(f),
            Self::NotConnected => f.write_str("NotConnected"),
        }
    }
}

/// The sender: a process of this node, or its program, whose number is 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender<'p> {
    pid: Pid,
    cell: Option<&'p Cell>,
    /// The process that it has sent to last, if that is kept.
    recent: Option<&'p Recent>,
}

impl<'p> Sender<'p> {
    /// Creates the sender for a process, which can end in the meantime.
    pub(crate) fn process(cell: &'p Cell) -> Self {
        Self { pid: cell.pid(), cell: Some(cell), recent: None }
    }

    /// Keeps there the process of the node that it sends to.
    pub(crate) fn keeping(self, recent: &'p Recent) -> Self {
        Self { recent: Some(recent), ..self }
    }

    /// Creates the sender for the program, which never ends.
    pub(crate) const fn program(pid: Pid) -> Self {
        Self { pid, cell: None, recent: None }
    }

    pub(crate) const fn pid(self) -> Pid {
        self.pid
    }

    pub(crate) const fn local(self) -> u64 {
        self.pid.local()
    }

    /// Returns a process of this node, if there is one.
    #[inline(always)]
    pub(crate) fn find(self, table: &ProcessTable, to: Pid) -> Option<Found<'p>> {
        match self.recent {
            Some(recent) => recent.find(table, to),
            None => table.get_pid(to).map(Found::Own),
        }
    }

    /// Returns `true` if a node without a session should be dialled for this sender, where the program has enabled
    /// that.
    pub(crate) fn dials(self) -> bool {
        !self.cell.is_some_and(Cell::dials_nobody)
    }

    /// Returns an error if the sender can no longer send. A process marks its end before reporting the end. A check
    /// under the lock under which the end is reported (of a session, or of the receiver) therefore lets nothing of
    /// the process follow its end.
    pub(crate) fn check(self) -> Result<(), Refused> {
        if self.has_ended() { Err(Refused::Ended) } else { Ok(()) }
    }

    /// Returns `true` if the sender can no longer send: see [`check`](Self::check).
    pub(crate) fn has_ended(self) -> bool {
        self.cell.is_some_and(Cell::has_ended)
    }
}

/// The next step of a sender after its message was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The sender continues.
    GoOn,
    /// The sender yields to other tasks, since much data waits to be written.
    MakeWay,
}

/// The sessions of a node, as its processes use them.
///
/// `from` is a process of this node, or its program, `to` a process of another node.
/// Nothing here waits or calls back into the process that asks, apart from signals delivered as
/// [`core::Processes`](crate::core::Processes) has it. No lock of the process table is held during a call.
pub(crate) trait Remote: Send + Sync {
    /// Takes a message for a process of another node.
    fn send(&self, from: &Sender<'_>, to: Pid, message: &[u8]) -> Result<Sent, Denied>;

    /// Takes a term; else as [`Remote::send`].
    fn send_term(&self, from: &Sender<'_>, to: Pid, term: &mut Term) -> Result<Sent, Denied>;

    /// Takes a message for whoever has a name on another node.
    fn send_named(&self, from: &Sender<'_>, node: &str, name: &str, message: &[u8]) -> Result<Sent, Denied>;

    /// Takes a term for whoever has a name on another node.
    fn send_named_term(
        &self,
        from: &Sender<'_>,
        node: &str,
        name: &str,
        term: &mut Term,
    ) -> Result<Sent, Denied>;

    /// Takes a call of a process of another node; `reference` is used once on this node. What comes of it is delivered, even
    /// before this has returned.
    fn call(&self, from: Pid, to: Pid, reference: u64, term: &mut Term) -> Result<Sent, Denied>;

    /// Takes a call of whoever has a name on another node; else as [`Remote::call`].
    fn call_named(
        &self,
        from: Pid,
        node: &str,
        name: &str,
        reference: u64,
        term: &mut Term,
    ) -> Result<Sent, Denied>;

    /// Asks a node for a process; `request` is used once on this node. What comes of it is delivered, even before this has
    /// returned. [`Remote::demonitor_named`] gives it up.
    fn spawn(
        &self,
        from: Pid,
        node: &str,
        request: u64,
        tie: SpawnTie,
        function: &str,
        arguments: &mut Term,
    ) -> Result<Sent, Denied>;

    /// Takes the reply to a call. [`Denied::NotConnected`] means that the call is over.
    fn reply(&self, caller: &Caller, term: &mut Term) -> Result<Sent, Denied>;

    /// Tells the caller of a call that nobody is left to reply. No effect if the call is over.
    fn leave_unanswered(&self, caller: &Caller);

    /// Links two processes.
    fn link(&self, from: Pid, to: Pid) -> Result<(), Denied>;

    /// Ends a link, if there is one: no exit signal of it is delivered once this has returned.
    fn unlink(&self, from: Pid, to: Pid);

    /// Sends an exit signal. One that no session can take is dropped.
    fn exit(&self, from: Sender<'_>, to: Pid, reason: &Reason) -> Result<(), Denied>;

    /// Makes `from` monitor a process; `reference` is used once on this node.
    fn monitor(&self, from: Pid, to: Pid, reference: u64) -> Result<(), Denied>;

    /// Ends a monitor, or gives up a call, if it is not over.
    fn demonitor(&self, from: Pid, to: Pid, reference: u64);

    /// Makes `from` monitor whoever has a name on another node; `reference` is used once on this node.
    fn monitor_named(&self, from: Pid, node: &str, name: &str, reference: u64) -> Result<(), Denied>;

    /// Ends a monitor by name, or gives up a call of a name or a request for a process, if it is not over.
    fn demonitor_named(&self, node: &str, reference: u64);

    /// Tells every peer that a global name of this node stands for a process, or for none any more. Returns the
    /// tasks to wake when no lock is held.
    fn tell_global(&self, name: &Arc<str>, local: Option<u64>) -> Vec<Arc<Waker>>;
}

/// The node with which a session is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Towards<'a> {
    /// The node of this name.
    Node(&'a str),
    /// The node of this process.
    Process(Pid),
    /// No node: whatever it is for ends with its session.
    Nobody,
}

/// The connections of a node, as its program uses them. Names of nodes have their ports.
pub(crate) trait Connections: Send + Sync {
    /// Returns the incarnation of the node.
    fn incarnation(&self) -> NonZeroU64;

    /// Accepts incoming connections from now on.
    fn listen(&self);

    /// Establishes a session with a node, if there is none.
    fn connect<'a>(&'a self, name: &'a str) -> Later<'a, Result<(), ConnectError>>;

    /// Ends the session with a node. Returns `false` if there is none.
    fn disconnect(&self, name: &str) -> bool;

    /// Dials for a process that uses a node without a session, if this node is configured to do so. Afterwards
    /// there may be a session.
    fn reach<'a>(&'a self, towards: Towards<'a>) -> Option<Later<'a, ()>>;

    /// Keeps a session with a node.
    fn keep(&self, name: &str) -> Result<(), NotKept>;

    /// Stops keeping a session. Returns `false` if the session was not kept.
    fn let_go(&self, name: &str) -> bool;

    /// The nodes that are kept connected.
    fn kept(&self) -> Vec<KeptNode>;

    /// Keeps the nodes connected that a discovery finds, once the node listens.
    fn discover(&self, planned: Planned) -> Result<Discovering, DiscoverError>;

    /// The discoveries that run.
    fn discoveries(&self) -> Vec<DiscoveryStatus>;

    /// The nodes with which there is a session, in alphabetical order.
    fn nodes(&self) -> Vec<Arc<str>>;

    /// Returns information about these nodes, in the same order.
    fn peers(&self) -> Vec<PeerInfo>;

    /// A process on a node, if there is a session with it.
    fn pid_on(&self, node: &str, local: u64) -> Option<Pid>;

    /// The node of a process, if there is a session with it.
    fn node_of(&self, pid: Pid) -> Option<Arc<str>>;

    /// Reads the files of cookies and certificates again, and replaces their contents if all are good.
    fn reload(&self) -> Result<(), ReloadError>;

    /// Uses these cookies from now on.
    fn set_cookies(&self, cookies: Cookies);

    /// Uses these certificates from now on, if they are good.
    fn set_certificates(&self, certificates: Certificates) -> Result<(), ReloadError>;

    /// Returns the counts of connections so far.
    fn counts(&self) -> ConnectionCounts;

    /// Returns the state of each session, and the totals over all sessions so far.
    fn session_stats(&self) -> (Vec<PeerStats>, SessionTotals);

    /// Accepts no more connections, and ends all sessions gracefully.
    fn shutdown(&self) -> Later<'_, ()>;
}

/// An object that must learn of a process's end: a session.
pub(crate) trait Interested: Send + Sync {
    /// The process has ended. Called once for each process attached, from that process's task, with no lock held.
    fn process_ended(&self, local: u64, reason: &Reason);
}
