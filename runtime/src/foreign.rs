//! Code of the program that runs within ours: wakers, events, payloads, streams, the tap.
//!
//! Such code may do anything: it may call back into the node, so no lock is held while it runs, and it may panic, so
//! it is called in here where a panic would leave something half done. `ARCHITECTURE.md` lists every such place.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use pin_project_lite::pin_project;

use crate::process::sync::Mutex;

/// Calls code of the program. Returns `None` if it panics; the panic ends here.
pub(crate) fn call<T>(code: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(code)).map_err(forget).ok()
}

/// Drops something of the program's. A panic ends here.
pub(crate) fn dispose<T>(value: T) {
    call(|| drop(value));
}

/// Drops what a panic has thrown, which may panic in turn.
pub(crate) fn forget(panic: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(another);
    }
}

/// Wakes a task, perhaps one of an executor of the program's. A panic ends here.
pub(crate) fn wake(waker: Waker) {
    call(|| waker.wake());
}

/// Writes an event of `tracing`: `event!(WARN, peer, "..")`. The subscriber is the program's: no lock may be held, and a
/// panic ends here.
macro_rules! event {
    ($level:ident, $($event:tt)+) => {
        $crate::foreign::call(|| ::tracing::event!(::tracing::Level::$level, $($event)+))
    };
}
pub(crate) use event;

pin_project! {
    /// A future of a library that keeps wakers under locks of its own, polled by whoever uses this crate: that library
    /// clones, wakes and drops a waker of ours, behind which the caller's stands.
    pub(crate) struct Apart<F> {
        #[pin]
        future: F,
        caller: Arc<Caller>,
        waker: Waker,
    }
}

/// The waker of whoever polls.
#[derive(Debug, Default)]
struct Caller(Mutex<Option<Waker>>);

/// Polls `future` with a waker that runs no code of the program while it is cloned or dropped, and does not panic.
pub(crate) fn apart<F: Future>(future: F) -> Apart<F> {
    let caller = Arc::<Caller>::default();
    Apart { future, waker: caller.clone().into(), caller }
}

impl<F: Future> Future for Apart<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let waker = Some(cx.waker().clone());
        let before = std::mem::replace(&mut *this.caller.0.lock(), waker);
        drop(before);
        this.future.poll(&mut Context::from_waker(this.waker))
    }
}

impl Wake for Caller {
    fn wake(self: Arc<Self>) {
        let waker = self.0.lock().take();
        if let Some(waker) = waker {
            wake(waker);
        }
    }
}

#[cfg(test)]
#[cfg(not(feature = "shuttle"))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    struct PanicsWhenDropped;

    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }

    #[test]
    fn a_panic_ends_here_even_if_what_it_throws_panics() {
        assert_eq!(call(|| 1), Some(1));
        assert_eq!(call(|| -> u8 { std::panic::panic_any(PanicsWhenDropped) }), None);
        dispose(PanicsWhenDropped);
    }

    #[derive(Default)]
    struct Panics(AtomicUsize);

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
            panic!("woken");
        }
    }

    #[test]
    fn those_who_wait_are_all_woken_if_one_panics() {
        let (semaphore, panics) = (Semaphore::new(0), Arc::<Panics>::default());
        let waker = Waker::from(panics.clone());
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(apart(semaphore.acquire()))).collect();
        for future in &mut waiting {
            assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        semaphore.add_permits(3);
        assert_eq!(panics.0.load(Ordering::SeqCst), 3);
    }
}
