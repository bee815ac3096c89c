//! A process, as those see it who only look on.

use std::sync::Arc;

use super::Cell;
use crate::core::limits::DESCRIPTION_BYTES_MAX;
use crate::sync::Ordering;

/// What can be seen of a process under its lock.
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
    /// What stands in its mailbox, both halves of it, and the bytes of it that come from other nodes.
    pub(crate) fn mailbox_sizes(&self) -> (usize, usize) {
        let state = self.lock();
        let (queued, remote_bytes) = state.queue.sizes();
        (queued + self.gathered.load(Ordering::Relaxed), remote_bytes)
    }

    /// Looks at it.
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

    /// Says what it is, cut to [`DESCRIPTION_BYTES_MAX`].
    pub(crate) fn describe(&self, text: &str) {
        let cut = text.get(..text.floor_char_boundary(DESCRIPTION_BYTES_MAX)).unwrap_or_default();
        let mut description = (!cut.is_empty()).then(|| cut.into());
        self.tie(|ties| std::mem::swap(&mut ties.description, &mut description));
        // The one before is dropped after the lock.
        drop(description);
    }
}
