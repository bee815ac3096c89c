//! The numbers of nodes, which all sessions of a node share. Their lock is taken last: nothing is locked under it.

use std::num::NonZeroU64;
use std::sync::Arc;

use crate::core::{NodeNumber, Numbering, Numbers, Start};
use crate::sync::Mutex;

/// The shared numbers. Cloning is cheap, and all clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedNumbers(Arc<Mutex<Numbers>>);

impl SharedNumbers {
    pub(crate) fn new(own: Start) -> Self {
        Self(Arc::new(Mutex::new(Numbers::new(own))))
    }

    /// Returns the number of an incarnation that a peer's node table names.
    pub(crate) fn heard_of(&self, start: Start) -> NodeNumber {
        self.0.lock().heard_of(start)
    }

    /// Returns the incarnation of a node that has this number.
    pub(crate) fn start(&self, number: NodeNumber) -> Option<Start> {
        self.0.lock().start(number).cloned()
    }

    /// Returns the incarnation that has this number, but only for nodes with which there is or was a session.
    pub(crate) fn met(&self, number: NodeNumber) -> Option<Start> {
        self.0.lock().met(number).cloned()
    }
}

impl Numbering for SharedNumbers {
    fn of(&mut self, name: &Arc<str>, incarnation: Option<NonZeroU64>) -> NodeNumber {
        self.0.lock().of(name, incarnation)
    }

    fn over(&mut self, number: NodeNumber) {
        self.0.lock().over(number);
    }
}
