//! Logging of processes that fail, whether or not other processes monitor them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tracing::field::display;

use super::cell::Doom;
use super::task::PANIC;
use crate::clock::Clock;
use crate::core::limits::{FAILURES_TOLD_SINGLY_MAX, REASON_BYTES_SHOWN_MAX};
use crate::core::{Pid, Reason, Shown};
use crate::foreign::event;
use crate::notices::Limiter;
use crate::sync::{AtomicU64, Mutex, Ordering};

/// The numbers of processes of a node that have ended, by kind of end: a part of [`Stats`](crate::Stats). Processes
/// that end after [`Node::shutdown`](crate::Node::shutdown) was called are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndCounts {
    /// Processes that ended with [`Reason::Normal`].
    pub normal: u64,
    /// Processes that ended by themselves with [`Reason::Shutdown`].
    pub shutdown: u64,
    /// Processes that were killed by [`Node::kill`](crate::Node::kill), or ended by themselves with
    /// [`Reason::Killed`].
    pub killed: u64,
    /// Processes that ended by themselves with any other reason, mostly an error.
    pub failed: u64,
    /// Processes that panicked. Their reason is an error that begins with `panic: `.
    pub panicked: u64,
    /// Processes that were ended by an exit signal, which came from a link or was sent by another process.
    pub by_signal: u64,
}

impl EndCounts {
    /// Returns each count with the name of its field, in a fixed order.
    #[must_use]
    pub const fn rows(&self) -> [(&'static str, u64); 6] {
        [
            ("normal", self.normal),
            ("shutdown", self.shutdown),
            ("killed", self.killed),
            ("failed", self.failed),
            ("panicked", self.panicked),
            ("by_signal", self.by_signal),
        ]
    }

    /// Returns the number of ends that were failures.
    pub(crate) const fn failures(&self) -> u64 {
        self.failed + self.panicked + self.by_signal
    }
}

/// The counters behind [`EndCounts`].
#[derive(Debug, Default)]
struct Ends {
    normal: AtomicU64,
    shutdown: AtomicU64,
    killed: AtomicU64,
    failed: AtomicU64,
    panicked: AtomicU64,
    by_signal: AtomicU64,
}

impl Ends {
    fn of(&self, doom: &Doom) -> &AtomicU64 {
        match doom {
            Doom::Of(Reason::Normal) => &self.normal,
            Doom::Of(Reason::Shutdown) => &self.shutdown,
            Doom::Of(Reason::Killed) => &self.killed,
            Doom::Of(Reason::Error(text)) if text.starts_with(PANIC) => &self.panicked,
            Doom::Of(_) => &self.failed,
            Doom::By { .. } => &self.by_signal,
        }
    }

    fn counts(&self) -> EndCounts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EndCounts {
            normal: count(&self.normal),
            shutdown: count(&self.shutdown),
            killed: count(&self.killed),
            failed: count(&self.failed),
            panicked: count(&self.panicked),
            by_signal: count(&self.by_signal),
        }
    }
}

/// The way in which a message was lost that nobody else hears of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lost {
    /// A server could not read it.
    Unread,
    /// A timer's message was refused.
    Unsent,
}

/// The log of a node's process failures. Other nodes can cause failures, by exit signals and by messages that a
/// program cannot handle, so many failures are logged in sums.
#[derive(Debug)]
pub(super) struct Failures {
    clock: Clock,
    ends: Ends,
    /// The limiter for processes that failed by themselves.
    own: Mutex<Limiter>,
    /// The limiter for processes that an exit signal has ended. It is separate, so that a chain of links does not
    /// hide its origin.
    by_signal: Mutex<Limiter>,
    /// The limiters for lost messages: those of other nodes are separate from the program's own.
    unread: Mutex<Limiter>,
    unsent: Mutex<Limiter>,
}

impl Failures {
    pub(super) fn new() -> Self {
        let limiter = || Mutex::new(Limiter::new(FAILURES_TOLD_SINGLY_MAX));
        let (own, by_signal, unread, unsent) = (limiter(), limiter(), limiter(), limiter());
        Self { clock: Clock::start(), ends: Ends::default(), own, by_signal, unread, unsent }
    }

    /// Returns the numbers of processes that have ended, by kind of end.
    pub(super) fn counts(&self) -> EndCounts {
        self.ends.counts()
    }

    /// Returns the time since the node was started.
    pub(super) fn since(&self) -> Duration {
        self.clock.now()
    }

    /// Counts a process that has ended, with its registered names. Logs a failure if a line is due. Must be called
    /// with no lock held.
    pub(super) fn ended(&self, process: Pid, names: &[Arc<str>], doom: &Doom) {
        self.ends.of(doom).fetch_add(1, Ordering::Relaxed);
        let (limiter, what) = match doom {
            Doom::Of(Reason::Normal | Reason::Shutdown | Reason::Killed) => return,
            Doom::Of(_) => (&self.own, "a process has failed"),
            Doom::By { .. } => (&self.by_signal, "an exit signal has ended a process"),
        };
        let due = limiter.lock().count(self.clock.now());
        let Some(times) = due else { return };
        let (reason, name) = (shown(&doom.reason()), names.first().map(|name| display(Shown(name))));
        event!(processes, WARN, %process, name, reason = %reason, times, "{what}");
    }

    /// Logs that a message from or to a process was lost, if a line is due. Must be called with no lock held.
    pub(super) fn lost(&self, process: Pid, error: &dyn fmt::Display, what: Lost) {
        let (limiter, what) = match what {
            Lost::Unread => (&self.unread, "a server has passed over a message that is not of its type"),
            Lost::Unsent => (&self.unsent, "the message of a timer is refused"),
        };
        let due = limiter.lock().count(self.clock.now());
        let Some(times) = due else { return };
        event!(processes, WARN, %process, error = %Shown(&error.to_string()), times, "{what}");
    }
}

/// Formats a reason for the log. Its text is already escaped; a long text is cut.
pub(crate) fn shown(reason: &Reason) -> String {
    let mut text = reason.to_string();
    let cut = text.floor_char_boundary(REASON_BYTES_SHOWN_MAX);
    let missing = text.len() - cut;
    if missing > 0 {
        text.truncate(cut);
        text.push_str(&format!(".. ({missing} bytes more)"));
    }
    text
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_shown_escaped_and_cut() {
        assert_eq!(shown(&Reason::error("boom")), "error \"boom\"");
        let hostile = shown(&Reason::error("\u{1b}[2J\n\u{202e}\u{2028}"));
        assert!(
            hostile.is_ascii() && !hostile.contains(|character: char| character.is_control()),
            "{hostile}"
        );
        for text in ["a", "é", "\u{1}"].map(|piece| piece.repeat(4_000)) {
            let shown = shown(&Reason::error(text));
            assert!(shown.len() <= REASON_BYTES_SHOWN_MAX + 30 && shown.ends_with("bytes more)"), "{shown}");
        }
    }
}
