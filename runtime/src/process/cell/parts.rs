//! What is taken out of a cell's lock, or put into it: whom a process's end concerns, whom to wake, what came of a wish.

use std::fmt;
use std::iter::Chain;
use std::option::IntoIter;
use std::sync::{Arc, Weak};
use std::task::Waker;

use tokio::sync::watch;

use crate::core::{Caller, Pid, Reason};
use crate::foreign;
use crate::process::cell::asked::Asked;
use crate::process::mailbox::Queue;
use crate::process::remote::Interested;
use crate::process::small::Small;
use crate::process::{Received, Refused};

/// What ends a process. The chain that its links would be told is only made if there are any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doom {
    /// This reason.
    Of(Reason),
    /// The exit signal of a link.
    By {
        /// The process that ended before.
        from: Pid,
        /// Why it did.
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

/// What few processes have.
#[derive(Default)]
pub(crate) struct Ties {
    /// Monitors of this process by processes of this node: reference and who monitors.
    pub(crate) watchers: Small<u64>,
    /// Monitors of this process's own, of processes of any node.
    pub(crate) watching: Small<Pid>,
    /// Sessions that must be told of its end, beside the first. Those that are over are found out by and by.
    pub(crate) attached: Vec<Weak<dyn Interested>>,
    /// Names of it.
    pub(crate) names: Vec<Arc<str>>,
    /// It has, or has had, global names.
    pub(crate) has_global_names: bool,
    /// Nodes it monitors.
    pub(crate) nodes: Vec<Arc<str>>,
    /// What it has asked and not taken the answer of.
    pub(crate) asked: Small<Asked>,
    /// What it says of itself, or the name of the registered function that it is.
    pub(crate) description: Option<Box<str>>,
    /// Who has called it, where nobody is left who could reply: still to be told.
    pub(crate) let_go: Vec<Caller>,
    /// The process that supervises it.
    pub(crate) supervisor: Option<u64>,
    /// Its timers wait for the drop of this, if it has had any.
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

/// What is left of a process that is dead.
#[derive(Debug)]
pub(crate) struct Remains {
    pub(crate) doom: Doom,
    pub(crate) links: Small<()>,
    pub(crate) session: Option<Weak<dyn Interested>>,
    pub(crate) ties: Ties,
    /// What it has not taken, to be dropped when the process is found by nobody any more.
    pub(crate) queue: Queue,
}

/// Whom to wake when no lock is held any more.
#[derive(Debug, Default)]
#[must_use = "a process that is not woken does not see what has come"]
pub(crate) struct Wakes {
    pub(super) receiver: Option<Waker>,
    pub(super) task: Option<Waker>,
}

/// What has become of a signal from another node.
#[derive(Debug, Default)]
#[must_use = "a process that is not woken does not see what has come"]
pub(crate) struct Given {
    pub(crate) wakes: Wakes,
    /// How many bytes more mailboxes hold now.
    pub(crate) held: usize,
    /// Whether these are more than the share of that node had left.
    pub(crate) is_over: bool,
}

impl Given {
    /// Somebody is to be woken, and that is all.
    pub(super) fn only(wakes: Wakes) -> Self {
        Self { wakes, ..Self::default() }
    }
}

/// Why something from another node is not in the mailbox.
#[derive(Debug)]
pub(crate) enum NotTaken {
    /// The process has ended.
    Ended,
    /// It is dropped, and to be counted.
    Dropped(Full),
    /// The mailbox is full, which ends the process.
    Ends(Wakes),
}

/// What has no room for something from another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The mailbox.
    Mailbox,
    /// The share of the node that it comes from.
    Share,
    /// The same, for what is not whole yet.
    Unfinished,
}

/// Why a message or a call from this node is not in the mailbox.
#[derive(Debug)]
pub(crate) enum NotPut {
    /// It has to wait for room.
    Full(Received),
    /// The sender has ended.
    Refused(Refused),
}

/// What became of the wish to link two processes of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Linked {
    /// They are linked, or were already.
    Yes,
    /// The one that wished it has ended.
    SelfEnded,
    /// The other has ended.
    OtherEnded,
}

impl Wakes {
    /// Whether there is nobody.
    pub(crate) const fn is_none(&self) -> bool {
        self.receiver.is_none() && self.task.is_none()
    }

    pub(crate) fn wake(self) {
        self.into_iter().for_each(foreign::wake);
    }
}

impl IntoIterator for Wakes {
    type Item = Waker;
    type IntoIter = Chain<IntoIter<Waker>, IntoIter<Waker>>;

    fn into_iter(self) -> Self::IntoIter {
        self.receiver.into_iter().chain(self.task)
    }
}
