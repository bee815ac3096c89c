//! Changes that a subscriber or a node has not been told yet.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::core::Pid;

/// A change of a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Change {
    Left,
    Joined,
}

/// The changes that were not told yet, at most one for each membership: a change that is undone is forgotten. So
/// there are never more changes than memberships that exist or were told.
///
/// Those that have left come first. In another order a reader that keeps as many memberships as it may would ignore
/// the first of those that have joined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Changes(BTreeSet<(Change, Arc<str>, Pid)>);

impl Changes {
    pub(super) fn note(&mut self, group: &Arc<str>, pid: Pid, change: Change) {
        let undone = match change {
            Change::Left => Change::Joined,
            Change::Joined => Change::Left,
        };
        if !self.0.remove(&(undone, Arc::clone(group), pid)) {
            self.0.insert((change, Arc::clone(group), pid));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the first change.
    pub(super) fn peek(&self) -> Option<(&Arc<str>, Pid, Change)> {
        self.0.first().map(|(change, group, pid)| (group, *pid, *change))
    }

    /// Takes the first change.
    pub(super) fn take(&mut self) -> Option<(Arc<str>, Pid, Change)> {
        self.0.pop_first().map(|(change, group, pid)| (group, pid, change))
    }
}
