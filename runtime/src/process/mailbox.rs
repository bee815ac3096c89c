//! The queue of one process: what it has been sent and has not taken.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::Notify;

use super::Received;

/// Entries a queue keeps room for when it is empty.
const SPARE_ENTRIES_MAX: usize = 1_024;

/// What happens to a message from another node for a mailbox that is full. Processes of this node wait instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MailboxPolicy {
    /// The message is dropped, counted and warned of.
    #[default]
    Drop,
    /// The process ends with the error `mailbox full`.
    EndProcess,
}

/// How many messages a mailbox holds. Signals never count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MailboxBound {
    /// The most messages.
    pub messages_max: usize,
    /// What happens beyond them.
    pub policy: MailboxPolicy,
}

/// A process's queue, as others fill it. The process takes all of it at once.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    queue: VecDeque<Received>,
    bound: Option<Box<Bounded>>,
}

#[derive(Debug)]
struct Bounded {
    bound: MailboxBound,
    /// Messages that the process has not received, be they here or taken.
    held: usize,
    room: Arc<Notify>,
}

/// A mailbox has no room for a message.
#[derive(Clone, Debug)]
pub(super) struct NoRoom {
    pub(super) policy: MailboxPolicy,
    /// Told when there is room.
    pub(super) room: Arc<Notify>,
}

impl Mailbox {
    pub(super) fn new(bound: Option<MailboxBound>) -> Self {
        let bounded = |bound| Box::new(Bounded { bound, held: 0, room: Arc::new(Notify::new()) });
        Self { queue: VecDeque::new(), bound: bound.map(bounded) }
    }

    pub(super) fn push_signal(&mut self, signal: Received) {
        self.queue.push_back(signal);
    }

    /// Adds a message, or gives it back.
    pub(super) fn push_message(&mut self, message: Received) -> Result<(), (Received, NoRoom)> {
        if let Some(bounded) = &mut self.bound {
            if bounded.held >= bounded.bound.messages_max {
                let no_room = NoRoom { policy: bounded.bound.policy, room: bounded.room.clone() };
                return Err((message, no_room));
            }
            bounded.held += 1;
        }
        self.queue.push_back(message);
        Ok(())
    }

    /// What the mailbox does with messages from other nodes when the node holds too many.
    pub(super) fn policy(&self) -> MailboxPolicy {
        self.bound.as_ref().map_or_else(MailboxPolicy::default, |bounded| bounded.bound.policy)
    }

    pub(super) const fn is_bounded(&self) -> bool {
        self.bound.is_some()
    }

    /// The process has received a message of a bounded mailbox.
    pub(super) fn received(&mut self) {
        if let Some(bounded) = &mut self.bound {
            bounded.held = bounded.held.saturating_sub(1);
            bounded.room.notify_waiters();
        }
    }

    /// Moves everything to `taken`, which keeps its order.
    pub(super) fn take_all(&mut self, taken: &mut VecDeque<Received>) {
        if taken.is_empty() {
            std::mem::swap(&mut self.queue, taken);
            if self.queue.capacity() > SPARE_ENTRIES_MAX {
                self.queue = VecDeque::new();
            }
        } else {
            taken.append(&mut self.queue);
        }
    }

    /// Takes out the first entry that is `wanted`.
    pub(super) fn take_where(&mut self, wanted: impl FnMut(&Received) -> bool) -> Option<Received> {
        let index = self.queue.iter().position(wanted)?;
        self.queue.remove(index)
    }

    /// The process has ended: nobody waits for room any more.
    pub(super) fn close(&mut self) -> VecDeque<Received> {
        if let Some(bounded) = self.bound.take() {
            bounded.room.notify_waiters();
        }
        std::mem::take(&mut self.queue)
    }
}
