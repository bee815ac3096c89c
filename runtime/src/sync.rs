//! Locks, atomics and tasks of processes: those of std and tokio or, in unit tests with `--cfg shuttle`, those of
//! shuttle, which tries the orders in which threads can interleave.

use std::future::Future;
use std::sync::PoisonError;
use std::time::Duration;

pub(crate) use choice::{AtomicBool, AtomicI64, AtomicU64, MutexGuard, Ordering};

#[cfg(not(all(test, shuttle)))]
mod choice {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use tokio::task::{JoinHandle, JoinSet};
    use tokio::time::{sleep, timeout};

    use crate::foreign::apart;

    pub(crate) use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
    pub(crate) use std::sync::{Mutex, MutexGuard};

    /// The runtime of the tasks of processes.
    pub(super) type Runtime = tokio::runtime::Handle;

    pub(super) fn current() -> super::Executor {
        super::Executor(Runtime::current())
    }

    pub(super) fn start(runtime: &Runtime, task: impl Future<Output = ()> + Send + 'static) -> bool {
        let task = runtime.spawn(task);
        !task.is_finished() || !is_cancelled(task)
    }

    /// Returns `true` if a finished task was dropped, which shows that the runtime has been shut down.
    fn is_cancelled(mut task: JoinHandle<()>) -> bool {
        let done = Pin::new(&mut task).poll(&mut Context::from_waker(Waker::noop()));
        matches!(done, Poll::Ready(Err(error)) if error.is_cancelled())
    }

    pub(super) async fn at_most<T>(
        runtime: &Runtime,
        longest: Duration,
        coming: impl Future<Output = T>,
    ) -> Option<T> {
        let here = Runtime::try_current();
        if here.is_ok_and(|here| here.id() == runtime.id()) {
            return timeout(longest, coming).await.ok();
        }
        // Boxed, since hardly anybody waits elsewhere, and whoever does not would have room for it too.
        Box::pin(at_most_elsewhere(runtime, longest, coming)).await
    }

    async fn at_most_elsewhere<T>(
        runtime: &Runtime,
        longest: Duration,
        coming: impl Future<Output = T>,
    ) -> Option<T> {
        let mut timer = JoinSet::new();
        timer.spawn_on(async move { sleep(longest).await }, runtime);
        tokio::select! {
            biased;
            come = coming => Some(come),
            _ = apart(timer.join_next()) => None,
        }
    }
}

#[cfg(all(test, shuttle))]
mod choice {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
    pub(crate) use shuttle::sync::{Mutex, MutexGuard};

    /// Shuttle has one runtime: the execution under test.
    pub(super) type Runtime = ();

    pub(super) const fn current() -> super::Executor {
        super::Executor(())
    }

    pub(super) fn start((): &Runtime, task: impl Future<Output = ()> + Send + 'static) -> bool {
        drop(shuttle::future::spawn(task));
        true
    }

    pub(super) async fn at_most<T>(
        (): &Runtime,
        longest: std::time::Duration,
        coming: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::time::timeout(longest, coming).await.ok()
    }
}

/// A lock that ignores poison: nothing that may panic half-way runs while one is held.
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

/// The executor of the tasks of processes.
#[derive(Clone, Debug)]
pub(crate) struct Executor(pub(crate) choice::Runtime);

impl Executor {
    /// Returns the executor of the current runtime.
    pub(crate) fn current() -> Self {
        choice::current()
    }

    /// Starts a task that nobody waits for. Returns `false` if it was dropped, because the runtime has been shut
    /// down.
    pub(crate) fn start(&self, task: impl Future<Output = ()> + Send + 'static) -> bool {
        choice::start(&self.0, task)
    }

    /// Waits for a future until a time limit, with the timers of this runtime, wherever it is awaited. If the
    /// runtime has been shut down, it never becomes ready.
    pub(crate) async fn at_most<T>(&self, longest: Duration, coming: impl Future<Output = T>) -> Option<T> {
        choice::at_most(&self.0, longest, coming).await
    }
}
