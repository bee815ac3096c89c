//! What came about while a model was explored.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};

/// The situations that have come about, of so many. Not part of any state.
#[derive(Debug)]
pub struct Notes<S, const COUNT: usize>([AtomicBool; COUNT], PhantomData<fn(S)>);

impl<S, const COUNT: usize> Default for Notes<S, COUNT> {
    fn default() -> Self {
        Self([const { AtomicBool::new(false) }; COUNT], PhantomData)
    }
}

impl<S: Into<usize>, const COUNT: usize> Notes<S, COUNT> {
    pub fn note(&self, situation: S) {
        let noted = &self.0[situation.into()];
        // Most are noted over and over: reading costs the other threads nothing.
        if !noted.load(Ordering::Relaxed) {
            noted.store(true, Ordering::Relaxed);
        }
    }

    pub fn note_if(&self, condition: bool, situation: S) {
        if condition {
            self.note(situation);
        }
    }

    #[must_use]
    pub fn has(&self, situation: S) -> bool {
        self.0[situation.into()].load(Ordering::Relaxed)
    }
}
