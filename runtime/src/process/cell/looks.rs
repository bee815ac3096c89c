//! The state of a process for statistics.

use std::sync::Arc;

use super::Cell;
use crate::core::limits::DESCRIPTION_BYTES_MAX;
use crate::sync::Ordering;

/// The state of a process that can be seen under its lock.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) function: &'static str,
    pub(crate) names: Vec<Arc<str>>,
    pub(crate) description: Option<Box<str>>,
    pub(crate) messages: usize,
    pub(crate) remote_bytes: usize,
    pub(crate) links: usize,
    pub(crate) monitors: usize,
    pub(crate) watchers: usize,
    pub(crate) traps_exit: bool,
}

impl Cell {
    /// Returns the number of items in both halves of the mailbox, and its bytes from other nodes.
    pub(crate) fn mailbox_sizes(&self) -> (usize, usize) {
        let state = self.lock();
        let (queued, remote_bytes) = state.queue.sizes();
        (queued + self.gathered.load(Ordering::Relaxed), remote_bytes)
    }

    /// Returns the current state of the process.
    pub(crate) fn look(&self) -> Look {
        let state = self.lock();
        let (queued, remote_bytes) = state.queue.sizes();
        let ties = state.ties.as_deref();
        Look {
            function: state.function.map_or("", |name| name()),
            names: ties.map(|ties| ties.names.clone()).unwrap_or_default(),
            description: ties.and_then(|ties| ties.description.clone()),
            messages: queued + self.gathered.load(Ordering::Relaxed),
            remote_bytes,
            links: state.links.len(),
            monitors: ties.map_or(0, |ties| ties.watching.len()),
            watchers: ties.map_or(0, |ties| ties.watchers.len()),
            traps_exit: state.trap_exit,
        }
    }

    /// Sets the description of the process, cut to [`DESCRIPTION_BYTES_MAX`].
    pub(crate) fn describe(&self, text: &str) {
        let cut = text.get(..text.floor_char_boundary(DESCRIPTION_BYTES_MAX)).unwrap_or_default();
        let mut description = (!cut.is_empty()).then(|| cut.into());
        self.tie(|ties| std::mem::swap(&mut ties.description, &mut description));
        // The previous description is dropped after the lock.
        drop(description);
    }
}
