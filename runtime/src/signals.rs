//! Signals of the operating system, for programs that want to end in order.

use std::io;

use crate::foreign::event;

/// Waits until the operating system tells the program to stop: by SIGTERM or SIGINT (Ctrl-C) on Unix, by Ctrl-C elsewhere. The log
/// tells which.
///
/// From the first time that it is awaited these signals do not end the program any more, as long as it runs, whether this waits
/// or not. So wait for the next one too if the end can take long:
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
/// It must be awaited in a runtime of tokio whose I/O is enabled, and panics elsewhere.
///
/// # Errors
/// Returns an error if the operating system does not let the program listen to signals.
pub async fn until_told_to_stop() -> io::Result<()> {
    let signal = told_to_stop().await?;
    event!(processes, INFO, signal, "the program is told to stop");
    Ok(())
}

#[cfg(unix)]
async fn told_to_stop() -> io::Result<&'static str> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = interrupt.recv() => Ok("SIGINT"),
    }
}

#[cfg(not(unix))]
async fn told_to_stop() -> io::Result<&'static str> {
    tokio::signal::ctrl_c().await.map(|()| "Ctrl-C")
}
