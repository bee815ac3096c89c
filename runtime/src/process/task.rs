//! The task of a process, which runs the program's function and handles the end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use pin_project_lite::pin_project;

use super::Context;
use super::cell::Cell;
use super::ending::Ending;
use crate::core::Reason;
use crate::foreign;

pin_project! {
    /// A process. It ends when its future is ready, when a signal ends it, or when it is dropped.
    pub(crate) struct Task<F, Fut> {
        #[pin]
        stage: Stage<F, Fut>,
        cell: Arc<Cell>,
    }

    impl<F, Fut> PinnedDrop for Task<F, Fut> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // The runtime has been shut down: whoever still lives is told.
            if let Some(mut ending) = this.stage.as_mut().end(this.cell, Reason::Killed) {
                ending.tell(usize::MAX);
            }
        }
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<F, Fut> {
        /// The function was not called yet.
        Starting { start: Option<(F, Context)> },
        /// The program's future is running.
        Running { #[pin] process: Fut },
        /// The process is dead. Those that must know are being told, or have been.
        Ending { ending: Option<Box<Ending>> },
    }
}

impl<F, Fut> Task<F, Fut> {
    pub(crate) fn new(cell: Arc<Cell>, start: F) -> Self {
        let context = Context::new(Arc::clone(&cell));
        Self { stage: Stage::Starting { start: Some((start, context)) }, cell }
    }
}

impl<F, Fut> Future for Task<F, Fut>
where
    F: FnOnce(Context) -> Fut,
    Fut: Future<Output: Into<Reason>>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let this = self.project();
        let mut stage = this.stage;
        let ran = stage.as_mut().run(this.cell, cx);
        if ran.is_pending() {
            this.cell.tell_let_go(cx.waker());
        }
        let reason = match ran {
            Poll::Ready(reason) => reason,
            // Doomed while it ran: by itself, mostly.
            Poll::Pending if this.cell.is_doomed() => Reason::Killed,
            Poll::Pending => return Poll::Pending,
        };
        let Some(mut ending) = stage.as_mut().end(this.cell, reason) else { return Poll::Ready(()) };
        if ending.tell(TOLD_AT_ONCE) {
            return Poll::Ready(());
        }
        stage.set(Stage::Ending { ending: Some(Box::new(ending)) });
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<F, Fut> Stage<F, Fut>
where
    F: FnOnce(Context) -> Fut,
    Fut: Future<Output: Into<Reason>>,
{
    /// Runs the process. Ready with the reason of its end, which is ignored if a signal gives the reason.
    fn run(mut self: Pin<&mut Self>, cell: &Cell, cx: &mut TaskContext<'_>) -> Poll<Reason> {
        if let StageProjection::Starting { .. } = self.as_mut().project() {
            // The waker of a task of its own does not change.
            cell.begin(cx.waker(), std::any::type_name::<F>);
        }
        if cell.is_doomed() {
            return Poll::Ready(Reason::Killed);
        }
        foreign::attempt(|| self.run_program(cx)).unwrap_or_else(|words| Poll::Ready(panicked(&words)))
    }

    fn run_program(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Reason> {
        if let StageProjection::Starting { start } = self.as_mut().project()
            && let Some((start, context)) = start.take()
        {
            self.set(Self::Running { process: start(context) });
        }
        match self.project() {
            StageProjection::Running { process } => process.poll(cx).map(Into::into),
            // Its end is being told.
            _ => Poll::Ready(Reason::Normal),
        }
    }
}

impl<F, Fut> Stage<F, Fut> {
    /// Drops the program's future, then marks the process dead; or continues an end that has begun. Returns `None`
    /// if nobody is left to be told.
    fn end(mut self: Pin<&mut Self>, cell: &Cell, mut reason: Reason) -> Option<Ending> {
        if let StageProjection::Ending { ending } = self.as_mut().project() {
            return ending.take().map(|ending| *ending);
        }
        if let Err(words) = foreign::attempt(|| self.set(Self::Ending { ending: None })) {
            reason = panicked(&words);
        }
        Some(Ending::begin(cell, reason))
    }
}

/// The beginning of the reason of a process that has panicked.
pub(super) const PANIC: &str = "panic: ";

fn panicked(words: &str) -> Reason {
    Reason::error(format!("{PANIC}{words}"))
}

/// The number of signals that the end of a process sends in one turn, during which other tasks of the thread wait.
const TOLD_AT_ONCE: usize = 1_024;
