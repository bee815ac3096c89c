//! Mailboxes. A sender locks the queue for one push. The receiver swaps the whole queue out and then reads its own
//! copy without a lock.

use std::task::Waker;

use super::Received;
use super::charge::Charge;
use super::shares::{Held, Room};
use super::small::Small;
use crate::foreign;
use blocks::Incoming;

mod blocks;
mod inbox;
#[cfg(test)]
mod tests;

pub(crate) use inbox::Inbox;

/// The settings of a process's mailbox: its bound, and the policy for a full mailbox. Only messages and calls count
/// towards the bound; exit signals, DOWNs and node events do not.
///
/// ```
/// use snow_dist_runtime::{Mailbox, WhenFull};
///
/// let mailbox = Mailbox::bounded(1_000).when_full(WhenFull::EndProcess);
/// assert_eq!(mailbox.messages_max(), Some(1_000));
/// assert_eq!(Mailbox::default(), Mailbox::unbounded());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mailbox {
    messages_max: Option<usize>,
    when_full: WhenFull,
}

/// The policy for a message from another node that does not fit into the mailbox. Senders on the same node wait for
/// room instead.
///
/// A mailbox is full when it has reached its own bound, or when it has used up its share of
/// [`NodeBuilder::mailbox_remote_bytes_max`](crate::NodeBuilder::mailbox_remote_bytes_max). For the messages of one
/// peer, it is also full when that peer has used up its share of this mailbox.
///
/// The policy is for receivers that do not keep up. Two kinds of messages are dropped under both policies, because
/// other mailboxes have caused the lack of memory:
/// - a message of a peer that has used up its share of all mailboxes;
/// - a message that finds too little free memory although the receiver's own mailbox, together with this message,
///   would hold at most a sixty-fourth of the maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// The message is dropped and counted ([`Node::messages_dropped`](crate::Node::messages_dropped)), and a warning
    /// is logged. This is the default.
    #[default]
    Drop,
    /// The receiver ends with the error "mailbox full".
    EndProcess,
}

impl Mailbox {
    /// Returns a mailbox without a bound of its own, which is the default. The share of
    /// [`NodeBuilder::mailbox_remote_bytes_max`](crate::NodeBuilder::mailbox_remote_bytes_max) still limits messages
    /// from other nodes.
    #[must_use]
    pub const fn unbounded() -> Self {
        Self { messages_max: None, when_full: WhenFull::Drop }
    }

    /// Returns a mailbox that holds at most `messages_max` messages and calls that were not received yet. Zero counts
    /// as one.
    #[must_use]
    pub const fn bounded(messages_max: usize) -> Self {
        let at_least_one = if messages_max == 0 { 1 } else { messages_max };
        Self { messages_max: Some(at_least_one), when_full: WhenFull::Drop }
    }

    /// Sets the policy for a message from another node when the mailbox is full. The default is [`WhenFull::Drop`].
    #[must_use]
    pub const fn when_full(self, when_full: WhenFull) -> Self {
        Self { when_full, ..self }
    }

    /// Returns a mailbox that accepts nothing, for a process that receives nothing.
    pub(crate) const fn closed() -> Self {
        Self { messages_max: Some(0), when_full: WhenFull::Drop }
    }

    pub(crate) const fn is_closed(&self) -> bool {
        matches!(self.messages_max, Some(0))
    }

    /// Returns the maximum number of messages and calls in the mailbox, or `None` if there is no bound.
    #[must_use]
    pub const fn messages_max(&self) -> Option<usize> {
        self.messages_max
    }

    pub(crate) const fn policy(&self) -> WhenFull {
        self.when_full
    }
}

/// An item of a mailbox, with its charge.
#[derive(Debug)]
struct Item {
    received: Received,
    charge: Charge,
}

/// The shared half of a mailbox, under the lock of its cell.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    received: Incoming<Item>,
    /// The bytes from other nodes that were charged and not yet released, including those of the inbox.
    held: usize,
    /// The same bytes for each share.
    held_of: Small<Held>,
    /// The waker of the receiver, while it waits.
    receiver: Option<Waker>,
}

impl Queue {
    /// Returns the number of items in the queue, and the bytes from other nodes in the whole mailbox.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.received.len(), self.held)
    }

    /// Appends an item, and returns the waker of the receiver if it waits.
    #[inline(always)]
    pub(crate) fn push(&mut self, received: Received, charge: Charge) -> Option<Waker> {
        if charge != Charge::NONE {
            self.hold(charge);
        }
        self.received.push(Item { received, charge });
        self.receiver.take()
    }

    /// Moves all items to the end of the inbox. Returns `false` if there are none.
    #[inline]
    pub(crate) fn move_to(&mut self, inbox: &mut Inbox) -> bool {
        if self.received.is_empty() {
            inbox.finds_nothing();
            return false;
        }
        inbox.gather(&mut self.received);
        true
    }

    /// Keeps `waker` to wake the receiver later, in exchange for the previous one.
    pub(crate) const fn exchange_waker(&mut self, waker: &mut Option<Waker>) {
        std::mem::swap(&mut self.receiver, waker);
    }

    /// Returns `true` if the task of this waker is to be woken.
    pub(crate) fn wakes(&self, waker: &Waker) -> bool {
        self.receiver.as_ref().is_some_and(|receiver| receiver.will_wake(waker))
    }

    /// Appends a signal, which is never dropped. Returns the waker of the receiver, and whether there was room.
    pub(crate) fn push_signal(
        &mut self,
        signal: Received,
        charge: Charge,
        room: Room,
    ) -> (Option<Waker>, bool) {
        let before = self.held_of(charge);
        let fits = self.signal_fits(charge, room);
        let waker = self.push(signal, charge);
        if let Some(held) = self.held_of.get_mut(charge.share().into())
            && !room.pair_takes(before.bytes, charge)
        {
            held.beyond = before.beyond + charge.bytes();
        }
        (waker, fits)
    }

    /// Charges for data that is kept outside of the queue.
    pub(crate) fn hold(&mut self, charge: Charge) {
        if charge.bytes() == 0 {
            return;
        }
        self.held += charge.bytes();
        match self.held_of.get_mut(charge.share().into()) {
            Some(held) => *held = Held { bytes: held.bytes + charge.bytes(), beyond: 0 },
            None => self.held_of.insert(charge.share().into(), Held { bytes: charge.bytes(), beyond: 0 }),
        }
    }

    /// Returns `true` if the mailbox may hold this charge in addition.
    pub(crate) fn takes(&self, charge: Charge, room: &Room) -> bool {
        room.mailbox_takes(self.held, self.held_of(charge).bytes, charge)
    }

    /// Returns `true` if the mailbox itself is full, in case it does not take this charge.
    pub(crate) fn is_full(&self, charge: Charge, room: &Room) -> bool {
        room.mailbox_is_full(self.held, charge)
    }

    /// Returns `true` if there is room for a signal that is never dropped.
    pub(crate) fn signal_fits(&self, charge: Charge, room: Room) -> bool {
        charge.bytes() == 0 || room.signal_fits(self.held_of(charge), charge)
    }

    fn held_of(&self, charge: Charge) -> Held {
        self.held_of.get(charge.share().into()).copied().unwrap_or_default()
    }

    /// Releases the charge of items that the process took, and returns the amount by which all mailboxes hold
    /// less.
    pub(crate) fn release(&mut self, taken: Charge) -> Charge {
        let share = taken.share().into();
        let Some(held) = self.held_of.get_mut(share) else { return Charge::NONE };
        let released = taken.at_most(held.bytes);
        held.bytes -= released.bytes();
        held.beyond = held.beyond.saturating_sub(released.bytes());
        if held.bytes == 0 {
            self.held_of.remove(share);
        }
        self.held -= released.bytes();
        released
    }

    /// Returns everything that is held for other nodes, by share. Nothing is held afterwards.
    pub(crate) fn release_all(&mut self) -> impl Iterator<Item = (u64, usize)> + use<> {
        self.held = 0;
        std::mem::take(&mut self.held_of).into_iter().map(|(share, held)| (share, held.bytes))
    }

    /// Removes unwanted items, and returns their charges.
    pub(crate) fn remove_if(&mut self, unwanted: impl Fn(&Received) -> bool) -> Vec<Charge> {
        let mut removed = Vec::new();
        self.received.retain(|item| {
            let goes = unwanted(&item.received);
            removed.extend(goes.then_some(item.charge));
            !goes
        });
        removed
    }
}

/// Items that nobody has received may contain values of the program: see [`Inbox`].
impl Drop for Queue {
    fn drop(&mut self) {
        // Most processes end with an empty mailbox.
        if !self.received.is_empty() {
            std::mem::take(&mut self.received).into_entries().for_each(foreign::dispose);
        }
        self.receiver.take().into_iter().for_each(foreign::dispose);
    }
}
