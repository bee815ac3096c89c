//! Calls into the program's code from within the runtime: wakers, events, payloads, streams, the tap.
//!
//! Such code may do anything. It may call back into the node, so no lock is held while it runs. It may panic, so
//! panics are caught here wherever they would leave something half done. `ARCHITECTURE.md` lists all such calls.

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use pin_project_lite::pin_project;

use crate::sync::Mutex;

/// Calls code of the program, and catches a panic. Returns `None` if it panics.
pub(crate) fn call<T>(code: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(code)).map_err(forget).ok()
}

/// Calls code of the program, and catches a panic. Returns the panic's message if it panics.
pub(crate) fn attempt<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(code)).map_err(words_of)
}

/// Returns the message of a panic, and disposes of the panic.
pub(crate) fn words_of(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let words = text.unwrap_or("it says nothing").to_owned();
    forget(panic);
    words
}

/// Drops a value of the program, and catches a panic.
pub(crate) fn dispose<T>(value: T) {
    call(|| drop(value));
}

/// Drops the payload of a panic, which may panic in turn.
pub(crate) fn forget(panic: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(another);
    }
}

/// Wakes a task, possibly one of the program's executor, and catches a panic.
pub(crate) fn wake(waker: Waker) {
    call(|| waker.wake());
}

/// Writes an event of `tracing`: `event!(sessions, WARN, peer, "..")`, with the target `snow_dist_runtime::sessions`. The
/// subscriber is the program's: no lock may be held, and a panic ends here. Each is listed in `OBSERVING.md`.
macro_rules! event {
    ($target:ident, $level:ident, $($event:tt)+) => {
        $crate::foreign::call(|| {
            ::tracing::event!(
                target: concat!("snow_dist_runtime::", stringify!($target)),
                ::tracing::Level::$level,
                $($event)+
            )
        })
    };
}
pub(crate) use event;

/// Makes a [`Span`], with a target and a level as for an event: `span!(sessions, DEBUG, "session", peer)`.
macro_rules! span {
    ($target:ident, $level:ident, $name:literal, $($field:tt)+) => {
        $crate::foreign::Span::new($crate::foreign::call(|| {
            ::tracing::span!(
                target: concat!("snow_dist_runtime::", stringify!($target)),
                ::tracing::Level::$level,
                $name,
                $($field)+
            )
        }))
    };
}
pub(crate) use span;

/// A span of `tracing`. The subscriber is the program's: no lock may be held where it is made, entered or dropped, and a panic
/// of it ends here. One that nobody wants costs a look.
pub(crate) struct Span(Kept<tracing::Span>);

impl Span {
    pub(crate) fn new(span: Option<tracing::Span>) -> Self {
        let wanted = span.filter(|span| !span.is_disabled());
        Self(wanted.map_or_else(Kept::default, Kept::new))
    }

    /// Returns another handle to the same span.
    pub(crate) fn again(&self) -> Self {
        Self::new(self.0.get().and_then(|span| call(|| span.clone())))
    }

    /// Records a value that was not known when the span was created.
    pub(crate) fn record(&self, field: &str, value: impl fmt::Display) {
        if let Some(span) = self.0.get() {
            call(|| span.record(field, tracing::field::display(value)));
        }
    }

    fn tell(&self, tell: impl FnOnce(&tracing::Id, &tracing::Dispatch)) {
        if let Some(span) = self.0.get() {
            call(|| span.with_subscriber(|(id, subscriber)| tell(id, subscriber)));
        }
    }

    fn enter(&self) -> Entered<'_> {
        self.tell(|id, subscriber| subscriber.enter(id));
        Entered(self)
    }

    /// Returns a future that is in this span whenever it is polled.
    pub(crate) const fn around<F>(self, future: F) -> Around<F> {
        Around { future, span: self }
    }
}

/// A span that is exited when this is dropped, also by a panic.
struct Entered<'s>(&'s Span);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.tell(|id, subscriber| subscriber.exit(id));
    }
}

pin_project! {
    /// A future within a span.
    pub(crate) struct Around<F> {
        #[pin]
        future: F,
        span: Span,
    }
}

impl<F: Future> Future for Around<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.span.enter();
        this.future.poll(cx)
    }
}

/// A value of the program that is kept here. A panic in its destructor is caught.
pub(crate) struct Kept<T>(Option<T>);

impl<T> Kept<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// Returns the value, unless it was given up.
    pub(crate) const fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }

    /// Returns the value for changes, unless it was given up.
    pub(crate) const fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()
    }

    /// Drops the value at once: after it has panicked, its state is unknown.
    pub(crate) fn give_up(&mut self) {
        dispose(self.0.take());
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// Waits for a future of the program, and catches a panic, also when the future is dropped early. Returns the
/// panic's message if it panics.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = Kept::new(Box::pin(future));
    poll_fn(|cx| {
        let Some(running) = future.get_mut() else { return Poll::Pending };
        match attempt(|| running.as_mut().poll(cx)) {
            Ok(polled) => polled.map(Ok),
            Err(words) => Poll::Ready(Err(words)),
        }
    })
    .await
}

pin_project! {
    /// A future of a library that keeps wakers under its own locks, polled by the user of this crate. The library
    /// clones, wakes and drops a waker of this crate, which forwards to the caller's waker.
    pub(crate) struct Apart<F> {
        #[pin]
        future: F,
        caller: Arc<Caller>,
        waker: Waker,
    }
}

/// The waker of the task that polls.
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
#[cfg(not(shuttle))]
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

    #[test]
    fn a_panic_says_what_it_says() {
        assert_eq!(attempt(|| 1), Ok(1));
        assert_eq!(attempt(|| -> u8 { panic!("one") }), Err("one".to_owned()));
        assert_eq!(attempt(|| -> u8 { panic!("{}", "two") }), Err("two".to_owned()));
        let words = attempt(|| -> u8 { std::panic::panic_any(PanicsWhenDropped) });
        assert_eq!(words, Err("it says nothing".to_owned()));
    }

    #[tokio::test]
    async fn a_future_that_panics_is_an_error_and_one_that_panics_when_it_is_dropped_is_dropped() {
        assert_eq!(caught(async { 1 }).await, Ok(1));
        assert_eq!(caught(async { panic!("polled") }).await, Err::<u8, _>("polled".to_owned()));
        let mut waits = Box::pin(caught(async {
            let _kept = PanicsWhenDropped;
            std::future::pending::<()>().await;
        }));
        assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(waits);
        drop(Kept::new(PanicsWhenDropped));
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
