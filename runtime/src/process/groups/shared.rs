//! The state that the groups server shares with its users.

use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::core::groups::{GroupChange, Groups, Todo};
use crate::core::{NodeNumber, Pid};
use crate::sync::{AtomicBool, Ordering};

/// The groups of a node during the life of one server. The lock is held for one change at a time, and wakes nobody
/// while held.
#[derive(Debug)]
pub(crate) struct Shared {
    server: Pid,
    /// The groups; `None` after the server has ended.
    groups: RwLock<Option<Groups>>,
    /// Notified when subscribers may want to learn of a change.
    changed: Notify,
    /// Notified when the server may have to act on a change.
    stirred: Notify,
}

/// The state that the server shares with the process that speaks with another node, for the duration of one
/// session with that node.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) node: NodeNumber,
    /// Notified when there may be something to do.
    pub(super) stirred: Notify,
    /// `true` once the session is over, when another one may have begun. It is set and read under the lock of the
    /// groups, so that the process of this session takes no work that belongs to the next one.
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

    /// Reads the groups. Returns a default value when the server has ended.
    pub(super) fn look<T: Default>(&self, look: impl FnOnce(&Groups) -> T) -> T {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        groups.as_ref().map(look).unwrap_or_default()
    }

    /// Changes the groups. Returns `None` when the server has ended.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut Groups) -> T) -> Option<T> {
        let done = self.write().as_mut().map(act);
        self.stirred.notify_one();
        self.changed.notify_waiters();
        done
    }

    pub(crate) fn is_over(&self) -> bool {
        self.groups.read().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Marks the server as ended.
    pub(super) fn end(&self) {
        // What was known is dropped after the lock.
        let known = self.write().take();
        drop(known);
        self.changed.notify_waiters();
    }

    /// Returns a future that is ready when something changes from now on.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Returns a future that is ready when there may be work for the server.
    pub(super) fn stirred(&self) -> Notified<'_> {
        self.stirred.notified()
    }

    /// Returns the next change that a subscriber has not seen. `None` when the server has ended.
    pub(super) fn poll_change(&self, subscriber: u64) -> Option<Option<GroupChange>> {
        self.write().as_mut().map(|groups| groups.poll_change(subscriber))
    }

    pub(super) fn unsubscribe(&self, subscriber: u64) {
        if let Some(groups) = self.write().as_mut() {
            groups.unsubscribe(subscriber);
        }
    }

    /// Returns a process that the server should monitor.
    pub(super) fn poll_watch(&self) -> Option<Pid> {
        self.write().as_mut()?.poll_watch()
    }

    /// Returns a node for which there may be something to do.
    pub(super) fn poll_node(&self) -> Option<NodeNumber> {
        self.write().as_mut()?.poll_node()
    }

    /// Returns the next task for a node, in the session of this line.
    pub(super) fn poll_todo(&self, line: &Line) -> Option<Todo> {
        self.write().as_mut().filter(|_| !line.is_cut())?.poll_todo(line.node)
    }

    /// Applies a change that has come in the session of this line.
    pub(super) fn act_on(&self, line: &Line, act: impl FnOnce(&mut Groups)) {
        self.act(|groups| {
            if !line.is_cut() {
                act(groups);
            }
        });
    }

    /// Marks the session of this line as over.
    pub(super) fn cut(&self, line: &Line) {
        self.act(|groups| {
            line.is_cut.store(true, Ordering::Relaxed);
            groups.handle_node_down(line.node);
        });
    }
}
