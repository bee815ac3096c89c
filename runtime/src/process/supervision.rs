//! The counts of what the supervisors of a node do.

use crate::sync::{AtomicU64, Ordering};

/// Counts of the actions of all supervisors of a node: a part of [`Stats`](crate::Stats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SupervisorCounts {
    /// The number of times that a child has ended by itself and was started again: the sum of
    /// [`ChildStatus::restarts`](crate::supervisor::ChildStatus::restarts) over the children of all supervisors,
    /// including those that have ended.
    pub restarts: u64,
    /// The number of supervisors that gave up, because a child needed more restarts than
    /// [`Supervisor::restarts`](crate::supervisor::Supervisor::restarts) allows.
    pub gave_up: u64,
}

/// The counters behind [`SupervisorCounts`].
#[derive(Debug, Default)]
pub(crate) struct Supervision {
    restarts: AtomicU64,
    gave_up: AtomicU64,
}

impl Supervision {
    /// Counts a child that was started again.
    pub(crate) fn started_again(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a supervisor that gave up.
    pub(crate) fn gave_up(&self) {
        self.gave_up.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> SupervisorCounts {
        SupervisorCounts {
            restarts: self.restarts.load(Ordering::Relaxed),
            gave_up: self.gave_up.load(Ordering::Relaxed),
        }
    }
}
