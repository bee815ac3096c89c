//! The receiver's half of a mailbox, which it reads without a lock.

use super::Item;
use super::blocks::{Backlog, Incoming, Place};
use crate::foreign;
use crate::process::Received;
use crate::process::charge::Charge;
use crate::process::selection::{Look, Looks};

/// The receiver's half of a mailbox. Most processes of a large node have never received anything: they keep no room
/// for it.
#[derive(Debug, Default)]
pub(crate) struct Inbox(Option<Box<Gathered>>);

/// The items that the receiver has taken out of the queue and not received yet.
#[derive(Debug, Default)]
struct Gathered {
    received: Backlog<Item>,
    /// The charges of items that were taken since the cell was last told, by share. Slots are used in order.
    taken: [Charge; SHARES_TAKEN],
    /// The position up to which each selection has searched.
    looks: Looks,
    /// `true` if the queue was empty when it was looked at last.
    found_nothing: bool,
}

impl Inbox {
    /// Returns the number of items in the inbox.
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |gathered| gathered.received.len())
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|gathered| gathered.received.is_empty())
    }

    /// Takes over all items of a queue, behind those that are here.
    #[inline]
    pub(super) fn gather(&mut self, received: &mut Incoming<Item>) {
        let gathered = self.0.get_or_insert_default();
        gathered.found_nothing = false;
        gathered.received.gather(received);
    }

    /// Notes that the queue is empty.
    #[inline]
    pub(super) fn finds_nothing(&mut self) {
        if let Some(gathered) = &mut self.0 {
            gathered.found_nothing = true;
        }
    }

    /// Returns `true` if something was received before, and the queue was empty when it was looked at last.
    pub(crate) fn found_nothing(&self) -> bool {
        self.0.as_ref().is_some_and(|gathered| gathered.found_nothing)
    }

    /// Removes and returns the first item.
    #[inline(always)]
    pub(crate) fn take_first(&mut self) -> Option<Received> {
        let gathered = self.0.as_mut()?;
        let charge = gathered.received.first()?.charge;
        gathered.taken_from(0, charge);
        // Last, so that the item is moved once.
        gathered.received.take_first().map(|item| item.received)
    }

    /// Removes and returns the first wanted item from position `looked_at` on. Moves that position behind the
    /// unwanted items.
    pub(crate) fn take(
        &mut self,
        looked_at: &mut usize,
        mut wanted: impl FnMut(&Received) -> bool,
    ) -> Option<Received> {
        let gathered = self.0.as_mut()?;
        let place = gathered.received.find(looked_at, |item| wanted(&item.received))?;
        gathered.take(place, *looked_at)
    }

    /// Does the same for a selection, whose position is kept here.
    pub(crate) fn take_selected(
        &mut self,
        look: &Look,
        mut wanted: impl FnMut(&Received) -> bool,
    ) -> Option<Received> {
        let gathered = self.0.as_mut()?;
        let looked_at = gathered.looks.place_of(look);
        let place = gathered.received.find(looked_at, |item| wanted(&item.received))?;
        let position = *looked_at;
        gathered.take(place, position)
    }

    /// Moves a selection behind everything that is in the inbox.
    pub(crate) fn pass_over_all(&mut self, look: &Look) {
        if let Some(gathered) = &mut self.0 {
            *gathered.looks.place_of(look) = gathered.received.len();
        }
    }

    /// Returns `true` if bytes from other nodes should be released now: there are many, or they belong to so many
    /// shares that there is no slot for another one. Smaller amounts are released when the process looks for more
    /// items. A process that works for long on the last item of a batch must not count as one with a full mailbox.
    #[inline]
    pub(crate) fn owes(&self) -> bool {
        self.0.as_ref().is_some_and(|gathered| gathered.has_taken() && gathered.owes())
    }

    /// Returns the charges to be released, if there are any, and resets them.
    pub(crate) fn taken(&mut self) -> Option<[Charge; SHARES_TAKEN]> {
        let gathered = self.0.as_mut().filter(|gathered| gathered.has_taken())?;
        Some(std::mem::take(&mut gathered.taken))
    }

    /// Removes unwanted items, and returns their charges.
    pub(crate) fn remove_if(&mut self, unwanted: impl Fn(&Received) -> bool) -> Vec<Charge> {
        let Some(gathered) = &mut self.0 else { return Vec::new() };
        let (mut removed, mut kept) = (Vec::new(), 0);
        gathered.received.retain(|item| {
            if unwanted(&item.received) {
                removed.push(item.charge);
                gathered.looks.removed(kept);
                return false;
            }
            kept += 1;
            true
        });
        removed
    }
}

impl Gathered {
    /// Removes and returns the item in this place, which is at this position.
    fn take(&mut self, place: Place, position: usize) -> Option<Received> {
        let charge = self.received.get(place)?.charge;
        self.taken_from(position, charge);
        self.received.remove(place).map(|item| item.received)
    }

    /// Notes that the item at this position is taken.
    #[inline(always)]
    fn taken_from(&mut self, position: usize, charge: Charge) {
        self.looks.removed(position);
        self.note_taken(charge);
    }

    #[inline]
    fn note_taken(&mut self, charge: Charge) {
        if charge == Charge::NONE {
            return;
        }
        let sum = self.taken.iter_mut().find_map(|taken| Some((taken.plus(charge)?, taken)));
        if let Some((both, taken)) = sum {
            *taken = both;
        }
    }

    /// Returns `true` if something was taken that has come from another node.
    #[inline]
    fn has_taken(&self) -> bool {
        self.taken.first().is_some_and(|first| *first != Charge::NONE)
    }

    fn owes(&self) -> bool {
        let [.., last] = self.taken;
        let many = if self.received.is_empty() { RELEASED_AT_REST } else { RELEASED_AT_ONCE };
        let owed: usize = self.taken.iter().map(|taken| taken.bytes()).sum();
        owed >= many || last != Charge::NONE
    }
}

/// A payload that panics in its destructor does not prevent the others from being dropped.
impl Drop for Gathered {
    fn drop(&mut self) {
        // Most processes end with an empty mailbox.
        if !self.received.is_empty() {
            std::mem::take(&mut self.received).into_entries().for_each(foreign::dispose);
        }
    }
}

/// What the tests look at.
#[cfg(test)]
impl Inbox {
    /// Returns the number of entries for which there is room.
    pub(super) fn capacity(&self) -> usize {
        self.0.as_ref().map_or(0, |gathered| gathered.received.capacity())
    }

    /// Returns the number of selections whose positions are kept.
    pub(super) fn selections(&self) -> usize {
        self.0.as_ref().map_or(0, |gathered| gathered.looks.len())
    }
}

/// The number of shares whose charges a process collects before it releases them, so that it takes no lock for
/// each item when it receives from few peers in turn.
const SHARES_TAKEN: usize = 4;

/// The bytes from other nodes that a process takes before it releases them in the middle of a batch.
pub(super) const RELEASED_AT_ONCE: usize = 64 << 10;

/// The bytes from other nodes that a process need not release with the last item of a batch: smaller amounts are
/// not worth a lock.
pub(super) const RELEASED_AT_REST: usize = 1 << 10;
