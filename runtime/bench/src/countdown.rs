//! Waiting for the last of many processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The number of those that are still awaited. Made for one waiter.
#[derive(Debug)]
pub(crate) struct Countdown {
    left: AtomicUsize,
    zero: Notify,
}

/// Counts when it is dropped, and so even for a process that is ended from outside.
#[derive(Debug)]
pub(crate) struct Counted(Arc<Countdown>);

impl Countdown {
    pub(crate) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(count), zero: Notify::new() })
    }

    /// For one of those that are awaited.
    pub(crate) fn one(self: &Arc<Self>) -> Counted {
        Counted(self.clone())
    }

    pub(crate) fn count(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.zero.notify_one();
        }
    }

    /// Waits until all have been counted.
    pub(crate) async fn zero(&self) {
        self.zero.notified().await;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.count();
    }
}
