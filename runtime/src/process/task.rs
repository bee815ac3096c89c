//! What runs a process: its future, until it ends or an exit ends it.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use super::Table;
use super::cell::Cell;
use crate::core::Reason;

pin_project! {
    /// A process. It ends when its future does, when its future panics, or when an exit has doomed it; however it
    /// ends, everything it is tied to learns of it, once.
    pub(super) struct Task<F> {
        #[pin]
        future: Option<F>,
        cell: Arc<Cell>,
        table: Arc<Table>,
        // Whom the cell wakes when the process is doomed.
        waker: Option<Waker>,
    }

    impl<F> PinnedDrop for Task<F> {
        // The runtime stops, and all its tasks with it.
        fn drop(this: Pin<&mut Self>) {
            this.end(Reason::Killed);
        }
    }
}

impl<F> Task<F> {
    pub(super) fn new(future: F, cell: Arc<Cell>, table: Arc<Table>) -> Self {
        Self { future: Some(future), cell, table, waker: None }
    }

    /// The future goes first: what it holds is dropped while the process still counts as alive.
    fn end(self: Pin<&mut Self>, reason: Reason) {
        let mut this = self.project();
        let dropped = catch_unwind(AssertUnwindSafe(|| this.future.set(None)));
        let reason = dropped.map_or_else(|panic| panicked(&*panic), |()| reason);
        this.table.end(this.cell, &reason);
    }
}

impl<F: Future<Output: Into<Reason>>> Task<F> {
    /// Runs the future on; gives why the process ends, if it does.
    fn run(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reason> {
        let this = self.project();
        if this.waker.as_ref().is_none_or(|known| !known.will_wake(cx.waker())) {
            *this.waker = Some(cx.waker().clone());
            this.cell.set_task(cx.waker().clone());
        }
        if let Some(reason) = this.cell.doom_reason() {
            return Poll::Ready(reason);
        }
        let Some(future) = this.future.as_pin_mut() else { return Poll::Pending };
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx).map(Into::into))) {
            Ok(Poll::Ready(reason)) => Poll::Ready(reason),
            // It may have ended itself.
            Ok(Poll::Pending) => this.cell.doom_reason().map_or(Poll::Pending, Poll::Ready),
            Err(panic) => Poll::Ready(panicked(&*panic)),
        }
    }
}

impl<F: Future<Output: Into<Reason>>> Future for Task<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let reason = ready!(self.as_mut().run(cx));
        self.end(reason);
        Poll::Ready(())
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Reason {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a text");
    Reason::error(format!("panic: {text}"))
}
