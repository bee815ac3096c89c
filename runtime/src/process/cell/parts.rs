//! Values that go into and out of a cell's lock: who is concerned by a process's end, who has to be woken, and the
//! outcomes of requests.

use std::fmt;
use std::iter::Chain;
use std::option::IntoIter;
use std::sync::{Arc, Weak};
use std::task::Waker;

use tokio::sync::watch;

use crate::core::{Caller, Pid, Reason};
use crate::foreign;
use crate::process::Received;
use crate::process::cell::Cell;
use crate::process::cell::asked::Asked;
use crate::process::mailbox::Queue;
use crate::process::remote::Interested;
use crate::process::small::Small;

/// The cause of a process's end. The reason that links are told, with its chain of hops, is only built if there are
/// links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doom {
    /// The process ends with this reason.
    Of(Reason),
    /// An exit signal ends the process.
    By {
        /// The sender of the signal.
        from: Pid,
        /// The reason in the signal.
        reason: Reason,
    },
}

impl Doom {
    /// The reason of the end.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Of(reason) => reason.clone(),
            Self::By { from, reason } => Reason::linked(*from, reason),
        }
    }
}

/// State that few processes have.
#[derive(Default)]
pub(crate) struct Ties {
    /// Monitors of this process by processes of this node: references and watching processes.
    pub(crate) watchers: Small<u64>,
    /// Monitors that this process has, of processes of any node.
    pub(crate) watching: Small<Pid>,
    /// Further sessions that must be told of the end, besides the first one. Sessions that have ended are removed
    /// from time to time.
    pub(crate) attached: Vec<Weak<dyn Interested>>,
    /// The names of the process on this node.
    pub(crate) names: Vec<Arc<str>>,
    /// `true` if the process has or has had global names.
    pub(crate) has_global_names: bool,
    /// The nodes that the process monitors.
    pub(crate) nodes: Vec<Arc<str>>,
    /// The questions whose answers the process has not taken yet.
    pub(crate) asked: Small<Asked>,
    /// The description that the process has set, or the name of the registered function that it runs.
    pub(crate) description: Option<Box<str>>,
    /// The callers whose calls nobody is left to answer, and who must still be told.
    pub(crate) let_go: Vec<Caller>,
    /// The process that supervises it.
    pub(crate) supervisor: Option<u64>,
    /// The sender whose drop ends the timers of the process, if it has had any.
    pub(crate) ended: Option<watch::Sender<()>>,
}

impl fmt::Debug for Ties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ties")
            .field("watchers", &self.watchers)
            .field("watching", &self.watching)
            .field("attached", &self.attached.len())
            .field("names", &self.names)
            .field("has_global_names", &self.has_global_names)
            .field("nodes", &self.nodes)
            .field("asked", &self.asked)
            .field("description", &self.description)
            .field("let_go", &self.let_go)
            .finish_non_exhaustive()
    }
}

/// The remains of a dead process.
#[derive(Debug)]
pub(crate) struct Remains {
    pub(crate) doom: Doom,
    pub(crate) links: Small<()>,
    pub(crate) session: Option<Weak<dyn Interested>>,
    pub(crate) ties: Option<Box<Ties>>,
    /// The rest of the mailbox, to be dropped when the process can no longer be found.
    pub(crate) queue: Queue,
}

/// The tasks to wake when no lock is held.
#[derive(Debug, Default)]
#[must_use = "a process that is not woken does not see what has come"]
pub(crate) struct Wakes {
    pub(super) receiver: Option<Waker>,
    pub(super) task: Option<Waker>,
}

/// The outcome of a signal from another node.
#[derive(Debug, Default)]
#[must_use = "a process that is not woken does not see what has come"]
pub(crate) struct Given {
    pub(crate) wakes: Wakes,
    /// The number of bytes that mailboxes hold in addition.
    pub(crate) held: usize,
    /// `true` if this exceeds the share that the other node had left.
    pub(crate) is_over: bool,
}

impl Given {
    /// Returns the outcome of a signal that only wakes somebody.
    pub(super) fn only(wakes: Wakes) -> Self {
        Self { wakes, ..Self::default() }
    }
}

/// The reason why something from another node is not in the mailbox.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NotTaken {
    /// The process has ended.
    Ended,
    /// It was dropped, which has to be counted.
    Dropped(Full),
    /// The mailbox is full, and the process ends because of that.
    Ends,
}

/// The limit that something from another node would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The mailbox.
    Mailbox,
    /// The share of the node that it comes from.
    Share,
    /// The share of the node that it comes from, exceeded by an incomplete message.
    Unfinished,
}

/// The reason why a message or a call from this node is not in the mailbox.
#[derive(Debug)]
pub(crate) enum NotPut {
    /// It has to wait for room in the mailbox of this process. Boxed, since few messages are given back, and all outcomes
    /// would be as large.
    Full(Box<(Arc<Cell>, Received)>),
    /// The sender has ended.
    Ended,
}

/// The outcome of linking two processes of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Linked {
    /// They are linked, or were already.
    Yes,
    /// The process that asked for the link has ended.
    SelfEnded,
    /// The other process has ended.
    OtherEnded,
}

impl Wakes {
    /// Adds the tasks to those that are woken later.
    #[inline]
    pub(crate) fn later(self, wakers: &mut Vec<Waker>) {
        if !self.is_none() {
            wakers.extend(self);
        }
    }

    /// Returns `true` if there is nobody to wake.
    pub(crate) const fn is_none(&self) -> bool {
        self.receiver.is_none() && self.task.is_none()
    }

    #[inline]
    pub(crate) fn wake(self) {
        if !self.is_none() {
            self.into_iter().for_each(foreign::wake);
        }
    }
}

impl IntoIterator for Wakes {
    type Item = Waker;
    type IntoIter = Chain<IntoIter<Waker>, IntoIter<Waker>>;

    fn into_iter(self) -> Self::IntoIter {
        self.receiver.into_iter().chain(self.task)
    }
}
