//! Waiting for the last of many.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The number of those that are still awaited. Made for one waiter.
#[derive(Debug)]
pub struct Countdown {
    left: AtomicUsize,
    zero: Notify,
}

/// Counts one when it is dropped.
#[derive(Debug)]
pub struct Counted(Arc<Countdown>);

impl Countdown {
    /// Awaits `count`.
    #[must_use]
    pub fn new(count: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(count), zero: Notify::new() })
    }

    /// For one of those that are awaited.
    #[must_use]
    pub fn one(self: &Arc<Self>) -> Counted {
        Counted(Arc::clone(self))
    }

    /// Waits until all have been counted.
    pub async fn zero(&self) {
        self.zero.notified().await;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.zero.notify_one();
        }
    }
}
