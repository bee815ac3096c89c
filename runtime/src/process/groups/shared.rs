//! What the server, and whoever asks, act on.

use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::core::groups::{GroupChange, Groups, Todo};
use crate::core::{NodeNumber, Pid};
use crate::sync::{AtomicBool, Ordering};

/// The groups of a node, for as long as one server of it runs. A lock is held for one change at a time, and nobody is woken under
/// it.
#[derive(Debug)]
pub(crate) struct Shared {
    server: Pid,
    /// `None` when the server has ended.
    groups: RwLock<Option<Groups>>,
    /// Something has changed that subscribers may want to know.
    changed: Notify,
    /// Something has changed that the server may have to act on.
    stirred: Notify,
}

/// What the server and the process that speaks with another node have in common, for as long as one session with that.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) node: NodeNumber,
    /// There may be something to do.
    pub(super) stirred: Notify,
    /// The session is over, and there may be another one: set and asked under the lock of the groups, so that nothing that is to
    /// be done in the next session is taken by who speaks in this one.
    is_cut: AtomicBool,
}

impl Line {
    pub(super) fn new(node: NodeNumber) -> Self {
        Self { node, stirred: Notify::new(), is_cut: AtomicBool::new(false) }
    }

    fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }
}

impl Shared {
    pub(super) fn new(server: Pid) -> Self {
        let groups = RwLock::new(Some(Groups::new(server)));
        Self { server, groups, changed: Notify::new(), stirred: Notify::new() }
    }

    pub(super) const fn server(&self) -> Pid {
        self.server
    }

    fn write(&self) -> RwLockWriteGuard<'_, Option<Groups>> {
        self.groups.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks; at nothing when the server has ended.
    pub(super) fn look<T: Default>(&self, look: impl FnOnce(&Groups) -> T) -> T {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        groups.as_ref().map(look).unwrap_or_default()
    }

    /// Changes something. `None` when the server has ended.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut Groups) -> T) -> Option<T> {
        let done = self.write().as_mut().map(act);
        self.stirred.notify_one();
        self.changed.notify_waiters();
        done
    }

    pub(crate) fn is_over(&self) -> bool {
        self.groups.read().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// The server has ended.
    pub(super) fn end(&self) {
        // What was known is dropped after the lock.
        let known = self.write().take();
        drop(known);
        self.changed.notify_waiters();
    }

    /// Ready when something changes from now on.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Ready when there may be something for the server to do.
    pub(super) fn stirred(&self) -> Notified<'_> {
        self.stirred.notified()
    }

    /// What a subscriber has not been told yet. `None` when the server has ended.
    pub(super) fn poll_change(&self, subscriber: u64) -> Option<Option<GroupChange>> {
        self.write().as_mut().map(|groups| groups.poll_change(subscriber))
    }

    pub(super) fn unsubscribe(&self, subscriber: u64) {
        if let Some(groups) = self.write().as_mut() {
            groups.unsubscribe(subscriber);
        }
    }

    /// A process that the server is to monitor.
    pub(super) fn poll_watch(&self) -> Option<Pid> {
        self.write().as_mut()?.poll_watch()
    }

    /// A node for which there may be something to do.
    pub(super) fn poll_node(&self) -> Option<NodeNumber> {
        self.write().as_mut()?.poll_node()
    }

    /// What is to be done for a node, in the session of this line.
    pub(super) fn poll_todo(&self, line: &Line) -> Option<Todo> {
        self.write().as_mut().filter(|_| !line.is_cut())?.poll_todo(line.node)
    }

    /// Changes something that has happened in the session of this line.
    pub(super) fn act_on(&self, line: &Line, act: impl FnOnce(&mut Groups)) {
        self.act(|groups| {
            if !line.is_cut() {
                act(groups);
            }
        });
    }

    /// The session of this line is over.
    pub(super) fn cut(&self, line: &Line) {
        self.act(|groups| {
            line.is_cut.store(true, Ordering::Relaxed);
            groups.handle_node_down(line.node);
        });
    }
}
