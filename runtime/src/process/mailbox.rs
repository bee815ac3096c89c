//! Mailboxes. A sender locks the queue for one push. The receiver swaps the whole queue out and then reads its own
//! copy without a lock.

use std::collections::VecDeque;
use std::task::Waker;

use super::Received;
use super::charge::Charge;
use super::selection::{Look, Looks};
use super::shares::{Held, Room};
use super::small::Small;
use crate::foreign;

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
    received: VecDeque<Item>,
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
    #[inline]
    pub(crate) fn push(&mut self, received: Received, charge: Charge) -> Option<Waker> {
        if charge != Charge::NONE {
            self.hold(charge);
        }
        self.received.push_back(Item { received, charge });
        self.receiver.take()
    }

    /// Moves all items to the end of the inbox. If there are none, returns `false` and keeps `waker` to wake the
    /// receiver later, in exchange for the previous one.
    pub(crate) fn move_to(&mut self, inbox: &mut Inbox, waker: &mut Option<Waker>) -> bool {
        if self.received.is_empty() {
            std::mem::swap(&mut self.receiver, waker);
            self.give_back_space();
            if let Some(gathered) = &mut inbox.0 {
                gathered.give_back_space();
                gathered.has_waited = true;
            }
            return false;
        }
        let gathered = inbox.gathered();
        gathered.has_waited = false;
        if gathered.received.is_empty() {
            std::mem::swap(&mut self.received, &mut gathered.received);
        } else {
            gathered.received.append(&mut self.received);
            self.give_back_space();
        }
        true
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
        remove_if(&mut self.received, unwanted, |_| {})
    }

    /// Returns the memory of an empty queue.
    fn give_back_space(&mut self) {
        if self.received.capacity() > KEPT_MAX {
            self.received = VecDeque::new();
        }
    }
}

/// Items that nobody has received may contain values of the program: see [`Gathered`].
impl Drop for Queue {
    fn drop(&mut self) {
        dispose_all(&mut self.received);
        self.receiver.take().into_iter().for_each(foreign::dispose);
    }
}

/// The receiver's half of a mailbox. Most processes of a large node have never received anything: they keep no room
/// for it.
#[derive(Debug, Default)]
pub(crate) struct Inbox(Option<Box<Gathered>>);

/// What the receiver has taken out of the queue.
#[derive(Debug, Default)]
struct Gathered {
    received: VecDeque<Item>,
    /// The charges of items that were taken since the cell was last told, by share. Slots are used in order.
    taken: [Charge; SHARES_TAKEN],
    /// The position up to which each selection has searched.
    looks: Looks,
    /// `true` if there was nothing in the queue when the receiver looked last.
    has_waited: bool,
}

impl Inbox {
    /// Returns the number of items in the inbox.
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |gathered| gathered.received.len())
    }

    fn gathered(&mut self) -> &mut Gathered {
        self.0.get_or_insert_default()
    }

    /// Removes and returns the first wanted item from position `looked_at` on. Moves that position behind the
    /// unwanted items.
    #[inline]
    pub(crate) fn take(
        &mut self,
        looked_at: &mut usize,
        wanted: impl FnMut(&Received) -> bool,
    ) -> Option<Received> {
        let gathered = self.0.as_mut()?;
        pass_over(&gathered.received, looked_at, wanted)?;
        gathered.take_at(*looked_at)
    }

    /// Does the same for a selection, whose position is kept here.
    pub(crate) fn take_selected(
        &mut self,
        look: &Look,
        wanted: impl FnMut(&Received) -> bool,
    ) -> Option<Received> {
        let gathered = self.0.as_mut()?;
        let looked_at = gathered.looks.place_of(look);
        pass_over(&gathered.received, looked_at, wanted)?;
        let place = *looked_at;
        gathered.take_at(place)
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

    /// Returns `true` if the receiver has waited since it was last given something.
    pub(crate) fn has_waited(&self) -> bool {
        self.0.as_ref().is_some_and(|gathered| gathered.has_waited)
    }

    /// Removes unwanted items, and returns their charges.
    pub(crate) fn remove_if(&mut self, unwanted: impl Fn(&Received) -> bool) -> Vec<Charge> {
        let Some(gathered) = &mut self.0 else { return Vec::new() };
        remove_if(&mut gathered.received, unwanted, |place| gathered.looks.removed(place))
    }
}

impl Gathered {
    #[inline]
    fn take_at(&mut self, place: usize) -> Option<Received> {
        let charge = self.received.get(place)?.charge;
        self.looks.removed(place);
        self.note_taken(charge);
        self.give_back_half();
        // Last, so that the item is moved once.
        let item = if place == 0 { self.received.pop_front() } else { self.received.remove(place) };
        item.map(|item| item.received)
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
        // Not kept beside them: each process has one of these.
        let owed: usize = self.taken.iter().map(|taken| taken.bytes()).sum();
        owed >= many || last != Charge::NONE
    }

    /// Shrinks the queue so that at least half of its slots are in use, apart from a small minimum. An item's charge of
    /// two entries therefore covers the item's slot and its part of the unused slots. Each item moves once on average.
    /// Called before an item is taken.
    #[inline]
    fn give_back_half(&mut self) {
        let (capacity, entries) = (self.received.capacity(), self.received.len().saturating_sub(1));
        if capacity > KEPT_MAX && entries < capacity.div_ceil(2) {
            self.received.shrink_to((entries + entries / 2).max(KEPT_MAX));
        }
    }

    fn give_back_space(&mut self) {
        if self.received.is_empty() && self.received.capacity() > KEPT_MAX {
            self.received = VecDeque::new();
        }
    }
}

/// A payload that panics in its destructor does not prevent the others from being dropped.
impl Drop for Gathered {
    fn drop(&mut self) {
        dispose_all(&mut self.received);
    }
}

/// Moves a position behind the unwanted items. An item at which the condition panics is not passed over.
fn pass_over(
    items: &VecDeque<Item>,
    looked_at: &mut usize,
    mut wanted: impl FnMut(&Received) -> bool,
) -> Option<()> {
    while !wanted(&items.get(*looked_at)?.received) {
        *looked_at += 1;
    }
    Some(())
}

/// Removes unwanted items. Reports for each one the position that it has once the items before it are removed.
fn remove_if(
    items: &mut VecDeque<Item>,
    unwanted: impl Fn(&Received) -> bool,
    mut goes: impl FnMut(usize),
) -> Vec<Charge> {
    let (mut removed, mut kept) = (Vec::new(), 0);
    items.retain(|item| {
        if unwanted(&item.received) {
            removed.push(item.charge);
            goes(kept);
            return false;
        }
        kept += 1;
        true
    });
    removed
}

fn dispose_all(received: &mut VecDeque<Item>) {
    // Most processes end with an empty mailbox.
    if !received.is_empty() {
        std::mem::take(received).into_iter().for_each(foreign::dispose);
    }
}

/// The entries for which a waiting process keeps memory. After a burst the queue shrinks again, at a cost that is
/// small compared to the burst. A peer can make every process keep this much.
const KEPT_MAX: usize = 64;

/// The number of shares whose charges a process collects before it releases them, so that it takes no lock for
/// each item when it receives from few peers in turn.
const SHARES_TAKEN: usize = 4;

/// The bytes from other nodes that a process takes before it releases them in the middle of a batch.
const RELEASED_AT_ONCE: usize = 64 << 10;

/// The bytes from other nodes that a process need not release with the last item of a batch: smaller amounts are
/// not worth a lock.
const RELEASED_AT_REST: usize = 1 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::limits::{ALLOCATION_BYTES_COUNTED, MESSAGE_BYTES_COUNTED};
    use crate::process::{Message, Selection};

    fn message(text: &'static str) -> Received {
        Received::Message(Message::new(text.as_bytes().into()))
    }

    /// Puts a message from another node in; gives whom to wake.
    fn push(queue: &mut Queue, text: &'static str) -> Option<Waker> {
        queue.push(message(text), Charge::of(1, text.len()))
    }

    /// What a process does with what its inbox owes; gives how many bytes less are held.
    fn give_back(queue: &mut Queue, inbox: &mut Inbox) -> usize {
        inbox.taken().into_iter().flatten().map(|taken| queue.release(taken).bytes()).sum()
    }

    #[test]
    fn a_batch_that_is_not_empty_is_added_to() {
        let (mut queue, mut inbox) = (Queue::default(), Inbox::default());
        push(&mut queue, "a");
        push(&mut queue, "b");
        assert!(queue.move_to(&mut inbox, &mut Some(Waker::noop().clone())));
        let mut looked_at = 0;
        assert_eq!(inbox.take(&mut looked_at, |received| *received == message("c")), None);
        assert_eq!(looked_at, 2);
        push(&mut queue, "c");
        assert!(queue.move_to(&mut inbox, &mut Some(Waker::noop().clone())));
        assert_eq!(inbox.take(&mut looked_at, |received| *received == message("c")), Some(message("c")));
        assert_eq!(inbox.take(&mut 0, |_| true), Some(message("a")));
        assert_eq!(inbox.take(&mut 0, |_| true), Some(message("b")));
        assert!(!queue.move_to(&mut inbox, &mut Some(Waker::noop().clone())));
    }

    /// A mailbox and what each selection has yet to look at, message by message.
    struct Searched {
        queue: Queue,
        inbox: Inbox,
        waiting: Vec<usize>,
        selections: Vec<(Look, Vec<usize>)>,
    }

    fn number(received: &Received) -> usize {
        let Received::Message(message) = received else { panic!("{received:?}") };
        usize::from_be_bytes(message.as_bytes().try_into().unwrap())
    }

    impl Searched {
        fn push(&mut self, number: usize) {
            let bytes = number.to_be_bytes().to_vec();
            drop(self.queue.push(Received::Message(Message::new(bytes.into())), Charge::NONE));
            self.waiting.push(number);
            self.selections.iter_mut().for_each(|(_, unseen)| unseen.push(number));
        }

        fn gather(&mut self) {
            self.queue.move_to(&mut self.inbox, &mut None);
        }

        fn is_gone(&mut self, number: usize) {
            self.waiting.retain(|waiting| *waiting != number);
            self.selections.iter_mut().for_each(|(_, unseen)| unseen.retain(|unseen| *unseen != number));
        }

        /// Takes the first of a remainder for a selection: it looks at what it has not seen, in order, up to that.
        fn select(&mut self, of: usize, divisor: usize) {
            self.gather();
            let mut looked_at = Vec::new();
            let (look, unseen) = &mut self.selections[of];
            let taken = self.inbox.take_selected(look, |received| {
                looked_at.push(number(received));
                number(received) % divisor == of % divisor
            });
            let wanted = unseen.iter().position(|number| number % divisor == of % divisor);
            let expected: Vec<_> = unseen.drain(..wanted.map_or(unseen.len(), |at| at + 1)).collect();
            assert_eq!(looked_at, expected);
            assert_eq!(taken.as_ref().map(number), wanted.and_then(|_| expected.last().copied()));
            if let Some(taken) = taken {
                self.is_gone(number(&taken));
            }
        }

        fn take_first(&mut self) {
            self.gather();
            let taken = self.inbox.take(&mut 0, |_| true).as_ref().map(number);
            assert_eq!(taken, self.waiting.first().copied());
            taken.into_iter().for_each(|taken| self.is_gone(taken));
        }

        fn flush(&mut self, divisor: usize) {
            self.inbox.remove_if(|received| number(received).is_multiple_of(divisor));
            self.queue.remove_if(|received| number(received).is_multiple_of(divisor));
            let gone: Vec<_> =
                self.waiting.iter().copied().filter(|number| number.is_multiple_of(divisor)).collect();
            gone.into_iter().for_each(|gone| self.is_gone(gone));
        }
    }

    /// In any order of what can be done to a mailbox each selection looks at each message once, and all come in order.
    #[test]
    fn a_selection_looks_at_each_message_once() {
        let look = || Selection::new(|_: &Received| true).into_look();
        let selections = (0..4).map(|_| (look(), Vec::new())).collect();
        let (queue, inbox) = (Queue::default(), Inbox::default());
        let mut searched = Searched { queue, inbox, waiting: Vec::new(), selections };
        let mut random = 7_usize;
        for step in 0..20_000 {
            random = random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            let (act, by) = (random >> 40 & 15, random >> 32 & 3);
            match act {
                0..6 => searched.push(step),
                6..12 => searched.select(by, 5 + act),
                12 | 13 => searched.take_first(),
                14 => searched.flush(7 + by),
                _ => {
                    // One that begins now, behind all that is here.
                    searched.gather();
                    let new = look();
                    searched.inbox.pass_over_all(&new);
                    searched.selections[by] = (new, Vec::new());
                }
            }
            assert!(searched.inbox.gathered().looks.len() <= 8, "those that are gone are forgotten");
        }
    }

    #[test]
    fn what_is_taken_last_is_given_back_at_once_unless_it_is_little() {
        let (mut queue, mut inbox) = (Queue::default(), Inbox::default());
        for text in ["large", "large", "a"] {
            queue.push(
                message(text),
                if text == "a" { Charge::of(1, 1) } else { Charge::of(1, RELEASED_AT_REST) },
            );
        }
        queue.move_to(&mut inbox, &mut Some(Waker::noop().clone()));
        let mut owed = Vec::new();
        while inbox.take(&mut 0, |_| true).is_some() {
            owed.push(inbox.owes());
        }
        assert_eq!(owed, [false, false, true]);
        give_back(&mut queue, &mut inbox);
        push(&mut queue, "a");
        queue.move_to(&mut inbox, &mut Some(Waker::noop().clone()));
        inbox.take(&mut 0, |_| true);
        assert!(!inbox.owes());
    }

    #[test]
    fn bytes_are_given_back_once() {
        let (mut queue, mut inbox) = (Queue::default(), Inbox::default());
        push(&mut queue, "abc");
        push(&mut queue, "de");
        let (first, second) = (MESSAGE_BYTES_COUNTED + 3, MESSAGE_BYTES_COUNTED + 2);
        assert_eq!(queue.held, first + second);
        queue.move_to(&mut inbox, &mut Some(Waker::noop().clone()));
        inbox.take(&mut 0, |_| true);
        assert_eq!((give_back(&mut queue, &mut inbox), queue.held), (first, second));
        assert_eq!((give_back(&mut queue, &mut inbox), queue.held), (0, second));
        push(&mut queue, "f");
        let removed: Vec<_> = [inbox.remove_if(|_| true), queue.remove_if(|_| true)].concat();
        assert_eq!(removed, [Charge::of(1, 2), Charge::of(1, 1)]);
        removed.into_iter().for_each(|charge| assert_eq!(queue.release(charge), charge));
        assert_eq!(queue.held, 0);
    }

    /// Peers whose messages alternate cost no lock for each.
    #[test]
    fn what_is_taken_of_few_peers_is_given_back_together() {
        for (peers, given_back_after) in [(2, 64), (3, 64), (4, 4), (5, 4)] {
            let (mut queue, mut inbox) = (Queue::default(), Inbox::default());
            // The last of a batch is given back sooner.
            for number in 0..65 {
                let length = RELEASED_AT_ONCE / 64 - MESSAGE_BYTES_COUNTED;
                queue.push(message("a"), Charge::of(1 + number % peers, length));
                queue.push(message("a"), Charge::NONE);
            }
            let held = queue.held;
            queue.move_to(&mut inbox, &mut Some(Waker::noop().clone()));
            let mut taken = 0;
            while !inbox.owes() {
                taken += inbox.take(&mut 0, |_| true).map_or(0, |_| 1);
            }
            assert_eq!(taken, 2 * given_back_after - 1, "{peers} peers");
            assert_eq!(give_back(&mut queue, &mut inbox), held / 65 * given_back_after);
            assert_eq!(inbox.taken(), None);
        }
    }

    /// What each entry counts is what it takes, of a queue that is half empty.
    #[test]
    fn an_entry_counts_its_place_and_its_part_of_the_empty_ones() {
        assert!(2 * size_of::<Item>() + ALLOCATION_BYTES_COUNTED <= MESSAGE_BYTES_COUNTED);
        let (mut queue, mut inbox) = (Queue::default(), Inbox::default());
        (0..10_000).for_each(|_| drop(push(&mut queue, "a")));
        assert!(queue.received.capacity() <= 2 * queue.received.len());
        queue.move_to(&mut inbox, &mut Some(Waker::noop().clone()));
        let mut takes = 0;
        while inbox.take(&mut 0, |_| true).is_some() {
            takes += 1;
            let (places, left) = (inbox.gathered().received.capacity(), inbox.len());
            assert!(places <= (2 * left).max(KEPT_MAX), "{places} places for {left}");
            if takes % 1_000 == 0 {
                (0..100).for_each(|_| drop(push(&mut queue, "a")));
                queue.move_to(&mut inbox, &mut Some(Waker::noop().clone()));
                assert!(queue.received.capacity() <= KEPT_MAX);
            }
        }
    }

    #[test]
    fn a_receiver_is_woken_once_for_each_wait() {
        let (mut queue, mut inbox) = (Queue::default(), Inbox::default());
        assert!(push(&mut queue, "a").is_none());
        assert!(queue.move_to(&mut inbox, &mut Some(Waker::noop().clone())));
        assert!(!queue.move_to(&mut inbox, &mut Some(Waker::noop().clone())));
        assert!(push(&mut queue, "b").is_some());
        assert!(push(&mut queue, "c").is_none());
    }

    #[test]
    fn who_waits_keeps_little_space() {
        let (mut queue, mut inbox) = (Queue::default(), Inbox::default());
        for _ in 0..2 {
            (0..10_000).for_each(|_| drop(push(&mut queue, "a")));
            queue.move_to(&mut inbox, &mut Some(Waker::noop().clone()));
            while inbox.take(&mut 0, |_| true).is_some() {}
        }
        assert!(queue.received.capacity() <= KEPT_MAX && inbox.gathered().received.capacity() <= KEPT_MAX);
    }
}
