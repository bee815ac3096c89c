//! What happened, in words if somebody wants to read it, and as one number in any case.

use std::fmt::Write;
use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use crate::wire::Time;

/// Of a frame with a long message the beginning is shown.
const LINE_BYTES_MAX: usize = 200;

#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// The same for two runs in which the same has happened at the same time.
    pub(crate) hash: u64,
    lines: Option<String>,
}

impl Trace {
    /// One that keeps the words.
    pub(crate) fn in_words() -> Self {
        Self { hash: 0, lines: Some(String::new()) }
    }

    /// Something happens.
    pub(crate) fn mix(&mut self, at: Time, what: &impl Hash) {
        let mut hasher = FxHasher::default();
        (self.hash, at, what).hash(&mut hasher);
        self.hash = hasher.finish();
    }

    pub(crate) const fn is_on(&self) -> bool {
        self.lines.is_some()
    }

    pub(crate) fn say(&mut self, at: Time, text: impl AsRef<str>) {
        if let Some(lines) = &mut self.lines {
            let (seconds, micros) = (at / 1_000_000, at % 1_000_000);
            let text = text.as_ref();
            let text = text.get(..text.floor_char_boundary(LINE_BYTES_MAX)).unwrap_or(text);
            // A string takes everything.
            let _ = writeln!(lines, "{seconds:>4}.{micros:06}  {text}");
        }
    }

    /// As [`Trace::say`], the words being made only if they are wanted.
    pub(crate) fn note<T: AsRef<str>>(&mut self, at: Time, text: impl FnOnce() -> T) {
        if self.is_on() {
            self.say(at, text());
        }
    }

    /// The words.
    pub(crate) fn into_words(self) -> String {
        self.lines.unwrap_or_default()
    }
}
