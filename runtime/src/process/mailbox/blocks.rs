//! The entries of a mailbox, in blocks. A long queue that is one piece of memory is moved as a whole when it grows, under
//! the lock of its cell, and again when it shrinks: with several threads that took longer than all else, since the memory is
//! mapped anew each time and the processors have to be told. Blocks stay where they are, and are given back one by one.

use std::collections::VecDeque;
use std::mem;

/// The number of entries for which a block has places. It is as many as a process sends before others of its thread have
/// their turn, so that such a batch needs one block. It is also for how many a process that waits keeps places, in each half
/// of its mailbox: a peer can make every process keep that much.
pub(super) const BLOCK_ENTRIES: usize = 128;

/// Entries that were added and not gathered yet.
#[derive(Debug)]
pub(super) struct Incoming<T> {
    /// The block to which entries are added. It is a vector because that is smaller, and nothing is taken from its front.
    newest: Vec<T>,
    /// The full blocks before it. They are boxed because few mailboxes have any.
    before: Option<Box<Blocks<T>>>,
}

/// Entries that were gathered, from which they are taken.
#[derive(Debug)]
pub(super) struct Backlog<T> {
    /// The first block. It can be empty while there are others.
    front: VecDeque<T>,
    rest: Blocks<T>,
}

/// Blocks that are not empty.
#[derive(Debug)]
struct Blocks<T> {
    blocks: VecDeque<VecDeque<T>>,
    /// The number of entries in all of them.
    entries: usize,
}

/// Where an entry of a backlog is, until the backlog changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The number of the block. 0 is the front.
    block: usize,
    within: usize,
}

impl<T> Incoming<T> {
    pub(super) fn len(&self) -> usize {
        self.newest.len() + self.before.as_ref().map_or(0, |before| before.entries)
    }

    pub(super) fn is_empty(&self) -> bool {
        // Full blocks are followed by another one, but entries can have been removed from that.
        self.newest.is_empty() && self.before.is_none()
    }

    #[inline(always)]
    pub(super) fn push(&mut self, entry: T) {
        if self.newest.len() == self.newest.capacity() {
            self.make_room();
        }
        self.newest.push(entry);
    }

    #[cold]
    fn make_room(&mut self) {
        let entries = self.newest.len();
        if entries < BLOCK_ENTRIES {
            return self.newest.reserve_exact(grown(entries) - entries);
        }
        let full = mem::replace(&mut self.newest, Vec::with_capacity(BLOCK_ENTRIES));
        self.before.get_or_insert_default().push(full.into());
    }

    /// Keeps the entries for which `keep` returns `true`.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        if let Some(before) = &mut self.before {
            before.retain(&mut keep);
        }
        self.before.take_if(|before| before.entries == 0);
        self.newest.retain(keep);
    }

    pub(super) fn into_entries(self) -> impl Iterator<Item = T> {
        self.before.into_iter().flat_map(|before| before.blocks).flatten().chain(self.newest)
    }
}

impl<T> Backlog<T> {
    pub(super) fn len(&self) -> usize {
        self.front.len() + self.rest.entries
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes over all entries, behind those that are here.
    pub(super) fn gather(&mut self, incoming: &mut Incoming<T>) {
        let before = incoming.before.take();
        if before.is_none() && !self.is_empty() {
            return incoming.newest.drain(..).for_each(|entry| self.push(entry));
        }
        // The space of an empty front is used again.
        let space = if self.front.is_empty() { mem::take(&mut self.front).into() } else { Vec::new() };
        let newest = mem::replace(&mut incoming.newest, space).into();
        match before {
            None => self.front = newest,
            Some(before) => {
                self.rest.append(*before);
                self.rest.push(newest);
            }
        }
    }

    fn push(&mut self, entry: T) {
        if self.rest.blocks.is_empty() && self.front.len() < BLOCK_ENTRIES {
            push_within(&mut self.front, entry);
        } else {
            self.rest.push_entry(entry);
        }
    }

    /// Returns the first entry.
    #[inline(always)]
    pub(super) fn first(&mut self) -> Option<&T> {
        if self.front.is_empty() {
            self.front = self.rest.pop()?;
        }
        self.front.front()
    }

    /// Removes and returns the first entry.
    #[inline(always)]
    pub(super) fn take_first(&mut self) -> Option<T> {
        self.first()?;
        self.front.pop_front()
    }

    /// Returns where the first wanted entry is, from the position `from` on, and moves that position behind the unwanted
    /// ones. An entry at which the condition panics is not passed over.
    pub(super) fn find(&self, from: &mut usize, mut wanted: impl FnMut(&T) -> bool) -> Option<Place> {
        let Place { mut block, mut within } = self.locate(*from)?;
        while let Some(entries) = self.block(block) {
            for entry in entries.range(within..) {
                if wanted(entry) {
                    return Some(Place { block, within });
                }
                *from += 1;
                within += 1;
            }
            block += 1;
            within = 0;
        }
        None
    }

    /// Returns the entry in a place that [`find`](Self::find) has returned.
    pub(super) fn get(&self, place: Place) -> Option<&T> {
        self.block(place.block)?.get(place.within)
    }

    /// Removes and returns it.
    pub(super) fn remove(&mut self, place: Place) -> Option<T> {
        match place.block.checked_sub(1) {
            None => self.front.remove(place.within),
            Some(block) => self.rest.remove(block, place.within),
        }
    }

    /// Keeps the entries for which `keep` returns `true`.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.front.retain(&mut keep);
        self.rest.retain(keep);
    }

    pub(super) fn into_entries(self) -> impl Iterator<Item = T> {
        self.front.into_iter().chain(self.rest.blocks.into_iter().flatten())
    }

    fn block(&self, block: usize) -> Option<&VecDeque<T>> {
        match block.checked_sub(1) {
            None => Some(&self.front),
            Some(block) => self.rest.blocks.get(block),
        }
    }

    /// Returns the place of the entry at this position.
    fn locate(&self, position: usize) -> Option<Place> {
        match position.checked_sub(self.front.len()) {
            None => Some(Place { block: 0, within: position }),
            Some(position) => self.rest.locate(position),
        }
    }
}

impl<T> Blocks<T> {
    fn push(&mut self, mut block: VecDeque<T>) {
        if !block.is_empty() {
            self.entries += block.len();
            trim(&mut block);
            self.blocks.push_back(block);
        }
    }

    fn push_entry(&mut self, entry: T) {
        match self.blocks.back_mut().filter(|last| last.len() < BLOCK_ENTRIES) {
            Some(last) => {
                push_within(last, entry);
                self.entries += 1;
            }
            None => self.push(VecDeque::from([entry])),
        }
    }

    fn append(&mut self, mut other: Self) {
        self.entries += other.entries;
        if self.blocks.is_empty() {
            self.blocks = other.blocks;
        } else {
            self.blocks.append(&mut other.blocks);
        }
    }

    fn pop(&mut self) -> Option<VecDeque<T>> {
        let block = self.blocks.pop_front()?;
        self.entries -= block.len();
        if self.blocks.is_empty() {
            self.blocks = VecDeque::new();
        }
        Some(block)
    }

    fn remove(&mut self, number: usize, within: usize) -> Option<T> {
        let block = self.blocks.get_mut(number)?;
        let entry = block.remove(within)?;
        self.entries -= 1;
        trim(block);
        if block.is_empty() {
            self.blocks.remove(number);
        }
        Some(entry)
    }

    fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        for block in &mut self.blocks {
            block.retain(&mut keep);
            trim(block);
        }
        self.blocks.retain(|block| !block.is_empty());
        self.entries = self.blocks.iter().map(VecDeque::len).sum();
    }

    /// Returns the place of the entry at this position. The way there begins at the nearer end: who searches for one
    /// entry behind many others mostly looks at the last ones.
    fn locate(&self, position: usize) -> Option<Place> {
        let mut behind = self.entries.checked_sub(position).filter(|behind| *behind > 0)?;
        if position < behind {
            let mut before = position;
            for (block, entries) in (1..).zip(&self.blocks) {
                match before.checked_sub(entries.len()) {
                    None => return Some(Place { block, within: before }),
                    Some(left) => before = left,
                }
            }
        }
        for (number, entries) in self.blocks.iter().enumerate().rev() {
            match entries.len().checked_sub(behind) {
                Some(within) => return Some(Place { block: number + 1, within }),
                None => behind -= entries.len(),
            }
        }
        None
    }
}

impl<T> Default for Incoming<T> {
    fn default() -> Self {
        Self { newest: Vec::new(), before: None }
    }
}

impl<T> Default for Backlog<T> {
    fn default() -> Self {
        Self { front: VecDeque::new(), rest: Blocks::default() }
    }
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self { blocks: VecDeque::new(), entries: 0 }
    }
}

/// Returns for how many entries there is room next, in a block that has room for so many. Many processes only ever receive
/// one entry: the end of what they watch.
fn grown(entries: usize) -> usize {
    if entries == 0 { 1 } else { (2 * entries).clamp(4, BLOCK_ENTRIES) }
}

/// Adds an entry to a block that is not full.
fn push_within<T>(block: &mut VecDeque<T>, entry: T) {
    let entries = block.len();
    if entries == block.capacity() {
        block.reserve_exact(grown(entries) - entries);
    }
    block.push_back(entry);
}

/// Gives back the empty places of a block of which half or more are. So less than half of the places of each block but the
/// first are empty, whatever is taken out of it, and each entry moves once on average.
fn trim<T>(block: &mut VecDeque<T>) {
    if 2 * block.len() <= block.capacity() {
        block.shrink_to_fit();
    }
}

#[cfg(test)]
impl<T> Incoming<T> {
    /// Returns the number of places.
    pub(super) fn capacity(&self) -> usize {
        self.newest.capacity() + self.before.as_ref().map_or(0, |before| before.capacity())
    }
}

#[cfg(test)]
impl<T> Backlog<T> {
    /// Returns the number of places.
    pub(super) fn capacity(&self) -> usize {
        self.front.capacity() + self.rest.capacity()
    }
}

#[cfg(test)]
impl<T> Blocks<T> {
    fn capacity(&self) -> usize {
        self.blocks.iter().map(VecDeque::capacity).sum()
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Act {
        Push(usize),
        Gather,
        TakeFirst(usize),
        /// Takes the first entry from this thousandth on that is a multiple of this number.
        Find(usize, usize),
        /// Removes all multiples.
        Retain(usize),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            4 => (1..300_usize).prop_map(Act::Push),
            4 => Just(Act::Gather),
            2 => (1..200_usize).prop_map(Act::TakeFirst),
            8 => (0..=1_000_usize, 1..9_usize).prop_map(|(from, divisor)| Act::Find(from, divisor)),
            1 => (1..5_usize).prop_map(Act::Retain),
        ]
    }

    /// A mailbox beside what it has to hold.
    #[derive(Default)]
    struct Beside {
        next: usize,
        incoming: Incoming<usize>,
        backlog: Backlog<usize>,
        added: Vec<usize>,
        gathered: Vec<usize>,
    }

    impl Beside {
        fn act(&mut self, act: &Act) {
            match *act {
                Act::Push(entries) => {
                    let entries = self.next..self.next + entries;
                    self.next = entries.end;
                    entries.clone().for_each(|entry| self.incoming.push(entry));
                    self.added.extend(entries);
                }
                Act::Gather => {
                    self.backlog.gather(&mut self.incoming);
                    self.gathered.append(&mut self.added);
                }
                Act::TakeFirst(entries) => {
                    for expected in self.gathered.drain(..entries.min(self.gathered.len())) {
                        assert_eq!(self.backlog.first(), Some(&expected));
                        assert_eq!(self.backlog.take_first(), Some(expected));
                    }
                }
                Act::Find(thousandth, divisor) => {
                    self.find(self.gathered.len() * thousandth / 1_000, divisor)
                }
                Act::Retain(divisor) => {
                    let keep = |entry: &usize| !entry.is_multiple_of(divisor);
                    self.incoming.retain(keep);
                    self.backlog.retain(keep);
                    self.added.retain(keep);
                    self.gathered.retain(keep);
                }
            }
        }

        fn find(&mut self, from: usize, divisor: usize) {
            let mut at = from;
            let found = self.backlog.find(&mut at, |entry| entry.is_multiple_of(divisor));
            let unwanted = self.gathered.iter().skip(from).take_while(|entry| !entry.is_multiple_of(divisor));
            assert_eq!(at, from + unwanted.count());
            assert_eq!(found.is_some(), at < self.gathered.len());
            if let Some(place) = found {
                let expected = self.gathered.remove(at);
                assert_eq!(self.backlog.get(place), Some(&expected));
                assert_eq!(self.backlog.remove(place), Some(expected));
            }
        }

        fn check(&self) {
            assert_eq!((self.incoming.len(), self.backlog.len()), (self.added.len(), self.gathered.len()));
            assert_eq!(self.incoming.is_empty(), self.added.is_empty());
            assert!(self.incoming.capacity() <= 2 * self.added.len() + BLOCK_ENTRIES);
            assert!(self.backlog.capacity() <= 2 * self.gathered.len() + BLOCK_ENTRIES);
        }
    }

    proptest! {
        #[test]
        fn entries_stay_in_order_whatever_is_done_to_them(acts in vec(act(), 0..60)) {
            let mut beside = Beside::default();
            for act in &acts {
                beside.act(act);
                beside.check();
            }
            assert!(beside.backlog.into_entries().eq(beside.gathered));
            assert!(beside.incoming.into_entries().eq(beside.added));
        }
    }

    #[test]
    fn one_entry_takes_one_place() {
        let (mut incoming, mut backlog) = (Incoming::default(), Backlog::default());
        incoming.push(1);
        backlog.gather(&mut incoming);
        assert_eq!((incoming.capacity(), backlog.capacity()), (0, 1));
    }

    /// The places of what was received are used for what comes next.
    #[test]
    fn a_short_queue_allocates_once_for_each_half() {
        let (mut incoming, mut backlog) = (Incoming::default(), Backlog::default());
        let mut places = Vec::new();
        for _ in 0..10 {
            (0..BLOCK_ENTRIES).for_each(|entry| incoming.push(entry));
            places.push(incoming.newest.as_ptr());
            backlog.gather(&mut incoming);
            while backlog.take_first().is_some() {}
        }
        assert!(places.chunks(2).all(|two| two == &places[..2]), "{places:?}");
    }
}
