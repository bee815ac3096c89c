//! Locks, atomics and tasks of the process table: those of std and tokio, or, in unit tests with the feature
//! `shuttle`, those of shuttle, which tries the orders in which threads can meet.

use std::future::Future;
use std::sync::PoisonError;

pub(crate) use choice::{AtomicBool, AtomicI64, AtomicU64, MutexGuard, Ordering};

#[cfg(not(all(test, feature = "shuttle")))]
mod choice {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
    pub(crate) use std::sync::{Mutex, MutexGuard};

    /// Where the tasks of processes run.
    pub(super) type Runtime = tokio::runtime::Handle;

    pub(super) fn current() -> super::Executor {
        super::Executor(Runtime::current())
    }

    pub(super) fn start(runtime: &Runtime, task: impl Future<Output = ()> + Send + 'static) {
        drop(runtime.spawn(task));
    }
}

#[cfg(all(test, feature = "shuttle"))]
mod choice {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
    pub(crate) use shuttle::sync::{Mutex, MutexGuard};

    /// Shuttle has one runtime: the execution under test.
    pub(super) type Runtime = ();

    pub(super) const fn current() -> super::Executor {
        super::Executor(())
    }

    pub(super) fn start((): &Runtime, task: impl Future<Output = ()> + Send + 'static) {
        drop(shuttle::future::spawn(task));
    }
}

/// A lock that outlives a panic: nothing that may panic half-way runs while one is held.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(choice::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(choice::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What starts the tasks of processes.
#[derive(Clone, Debug)]
pub(crate) struct Executor(pub(crate) choice::Runtime);

impl Executor {
    /// The runtime that this is called in.
    pub(crate) fn current() -> Self {
        choice::current()
    }

    /// Starts a task that nobody waits for.
    pub(crate) fn start(&self, task: impl Future<Output = ()> + Send + 'static) {
        choice::start(&self.0, task);
    }
}
