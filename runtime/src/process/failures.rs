//! What the operator is told of processes that fail, whether anybody watches them or not.

use std::fmt;
use std::sync::Arc;

use super::cell::Doom;
use crate::clock::Clock;
use crate::core::limits::{FAILURES_TOLD_SINGLY_MAX, REASON_BYTES_SHOWN_MAX};
use crate::core::{Pid, Reason, Shown};
use crate::foreign::event;
use crate::notices::Limiter;
use crate::sync::{AtomicU64, Mutex, Ordering};

/// The failures of a node's processes. Other nodes can cause them, by exit signals and by messages that a program does not
/// bear, so they are told of in sums when there are many.
#[derive(Debug)]
pub(super) struct Failures {
    clock: Clock,
    count: AtomicU64,
    /// Of processes that failed by themselves.
    own: Mutex<Limiter>,
    /// Of those that an exit signal has ended: apart, so that a chain of links does not hide where it began.
    by_signal: Mutex<Limiter>,
    /// Of messages that came to nothing, which nobody else hears of.
    lost: Mutex<Limiter>,
}

impl Failures {
    pub(super) fn new() -> Self {
        let limiter = || Mutex::new(Limiter::new(FAILURES_TOLD_SINGLY_MAX));
        let (own, by_signal, lost) = (limiter(), limiter(), limiter());
        Self { clock: Clock::start(), count: AtomicU64::new(0), own, by_signal, lost }
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// A process has ended, with these names. Tells of it if that is a failure, and a line is due. To be called with no
    /// lock held.
    pub(super) fn ended(&self, process: Pid, names: &[Arc<str>], doom: &Doom) {
        let (limiter, what) = match doom {
            Doom::Of(Reason::Normal | Reason::Shutdown | Reason::Killed) => return,
            Doom::Of(_) => (&self.own, "a process has failed"),
            Doom::By { .. } => (&self.by_signal, "an exit signal has ended a process"),
        };
        self.count.fetch_add(1, Ordering::Relaxed);
        let due = limiter.lock().count(self.clock.now());
        let Some(times) = due else { return };
        let (reason, name) = (shown(&doom.reason()), names.first().map_or("", |name| name));
        event!(WARN, %process, name = %Shown(name), reason = %reason, times, "{what}");
    }

    /// Tells that a message of a process, or to it, came to nothing, if a line is due. To be called with no lock held.
    pub(super) fn lost(&self, process: Pid, error: &dyn fmt::Display, what: &str) {
        let due = self.lost.lock().count(self.clock.now());
        let Some(times) = due else { return };
        event!(WARN, %process, error = %Shown(&error.to_string()), times, "{what}");
    }
}

/// A reason as the log shows it. Its text is escaped already; what is too long is cut.
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
