//! Changes that somebody has not been told yet.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use crate::core::Pid;

/// What has become of a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Change {
    Joined,
    Left,
}

/// What has changed since somebody was told, for each membership at most one thing: what is taken back is forgotten. So there
/// are never more than memberships that are there, and memberships that were told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Changes(BTreeMap<(Arc<str>, Pid), Change>);

impl Changes {
    pub(super) fn note(&mut self, group: &Arc<str>, pid: Pid, change: Change) {
        match self.0.entry((Arc::clone(group), pid)) {
            Entry::Vacant(new) => {
                new.insert(change);
            }
            Entry::Occupied(before) => {
                if *before.get() != change {
                    before.remove();
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The first one.
    pub(super) fn peek(&self) -> Option<(&Arc<str>, Pid, Change)> {
        self.0.first_key_value().map(|((group, pid), change)| (group, *pid, *change))
    }

    /// Takes the first one.
    pub(super) fn take(&mut self) -> Option<(Arc<str>, Pid, Change)> {
        self.0.pop_first().map(|((group, pid), change)| (group, pid, change))
    }
}
