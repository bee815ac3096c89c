//! Signals of the operating system, for programs that shut down gracefully.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use tokio::task::unconstrained;

use crate::foreign::event;
use crate::sync::Mutex;

/// The receivers of the signals, with their names.
type Receivers = Vec<(&'static str, Receiver)>;

#[cfg(unix)]
type Receiver = tokio::signal::unix::Signal;

#[cfg(not(unix))]
type Receiver = tokio::signal::windows::CtrlC;

/// The receivers of the log. They have seen the signals that are logged, whoever else waits for them.
static LOGGED: LazyLock<Mutex<Receivers>> = LazyLock::new(Mutex::default);

/// Waits until the operating system asks the program to stop: by SIGTERM or SIGINT (Ctrl-C) on Unix, and by Ctrl-C
/// elsewhere. The signal is logged once, however many tasks wait for it.
///
/// Once this function has been awaited for the first time, these signals no longer end the program. A signal that
/// arrives while no task waits is ignored. If the shutdown can take long, wait for a second signal during the
/// shutdown:
///
/// ```no_run
/// # async fn example(node: snow_dist_runtime::Node) -> std::io::Result<()> {
/// use std::time::Duration;
/// use snow_dist_runtime::signals::until_told_to_stop;
///
/// until_told_to_stop().await?;
/// tokio::select! {
///     left = node.shutdown_within(Duration::from_secs(20)) => println!("{left:?}"),
///     _ = until_told_to_stop() => println!("at once, then"),
/// }
/// # Ok(()) }
/// ```
///
/// # Panics
/// Panics if the future is awaited outside of a tokio runtime with I/O enabled.
///
/// # Errors
/// Returns an error if the operating system does not let the program handle these signals.
pub async fn until_told_to_stop() -> io::Result<()> {
    log_from_now_on()?;
    let mut awaited = receivers()?;
    let (at, signal) = poll_fn(|cx| next(&mut awaited, cx)).await;
    if is_new(at) {
        event!(processes, INFO, signal, "the program is told to stop");
    }
    Ok(())
}

#[cfg(unix)]
fn receivers() -> io::Result<Receivers> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(vec![("SIGTERM", signal(SignalKind::terminate())?), ("SIGINT", signal(SignalKind::interrupt())?)])
}

#[cfg(not(unix))]
fn receivers() -> io::Result<Receivers> {
    Ok(vec![("Ctrl-C", tokio::signal::windows::ctrl_c()?)])
}

fn next(awaited: &mut Receivers, cx: &mut Context<'_>) -> Poll<(usize, &'static str)> {
    for (at, (signal, receiver)) in awaited.iter_mut().enumerate() {
        if receiver.poll_recv(cx).is_ready() {
            return Poll::Ready((at, *signal));
        }
    }
    Poll::Pending
}

fn log_from_now_on() -> io::Result<()> {
    // They are made before the lock is taken, since outside of a runtime that panics.
    let receivers = receivers()?;
    let mut logged = LOGGED.lock();
    if logged.is_empty() {
        *logged = receivers;
    }
    Ok(())
}

/// Returns `true` if the signal with this number among the receivers has come since this was called for it last.
fn is_new(at: usize) -> bool {
    let mut logged = LOGGED.lock();
    let Some((_, receiver)) = logged.get_mut(at) else { return false };
    // The signal has come, for the caller has it. A look at it must not end with the time of the caller's task.
    let looked = pin!(unconstrained(poll_fn(|cx| receiver.poll_recv(cx))));
    looked.poll(&mut Context::from_waker(Waker::noop())).is_ready()
}
