//! Both halves of a mailbox, in any order of what can be done to them.

use super::blocks::BLOCK_ENTRIES;
use super::inbox::{RELEASED_AT_ONCE, RELEASED_AT_REST};
use super::*;
use crate::core::limits::{ALLOCATION_BYTES_COUNTED, MESSAGE_BYTES_COUNTED};
use crate::process::selection::Look;
use crate::process::{Message, Selection};

fn message(text: &'static str) -> Received {
    Received::Message(Message::new(text.as_bytes().into()))
}

/// Puts a message from another node in; gives whom to wake.
fn push(queue: &mut Queue, text: &'static str) -> Option<Waker> {
    queue.push(message(text), Charge::of(1, text.len()))
}

/// Refills the inbox, or waits.
fn refill(queue: &mut Queue, inbox: &mut Inbox) -> bool {
    let moved = queue.move_to(inbox);
    if !moved {
        queue.exchange_waker(&mut Some(Waker::noop().clone()));
    }
    moved
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
    assert!(refill(&mut queue, &mut inbox));
    let mut looked_at = 0;
    assert_eq!(inbox.take(&mut looked_at, |received| *received == message("c")), None);
    assert_eq!(looked_at, 2);
    push(&mut queue, "c");
    assert!(refill(&mut queue, &mut inbox));
    assert_eq!(inbox.take(&mut looked_at, |received| *received == message("c")), Some(message("c")));
    assert_eq!(inbox.take(&mut 0, |_| true), Some(message("a")));
    assert_eq!(inbox.take(&mut 0, |_| true), Some(message("b")));
    assert!(!refill(&mut queue, &mut inbox));
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
        self.queue.move_to(&mut self.inbox);
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
        assert!(searched.inbox.selections() <= 8, "those that are gone are forgotten");
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
    refill(&mut queue, &mut inbox);
    let mut owed = Vec::new();
    while inbox.take(&mut 0, |_| true).is_some() {
        owed.push(inbox.owes());
    }
    assert_eq!(owed, [false, false, true]);
    give_back(&mut queue, &mut inbox);
    push(&mut queue, "a");
    refill(&mut queue, &mut inbox);
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
    refill(&mut queue, &mut inbox);
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
        refill(&mut queue, &mut inbox);
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
    assert!(queue.received.capacity() <= queue.received.len() + BLOCK_ENTRIES);
    refill(&mut queue, &mut inbox);
    let mut takes = 0;
    while inbox.take(&mut 0, |_| true).is_some() {
        takes += 1;
        let (places, left) = (inbox.capacity(), inbox.len());
        assert!(places <= 2 * left + BLOCK_ENTRIES, "{places} places for {left}");
        if takes % 1_000 == 0 {
            (0..100).for_each(|_| drop(push(&mut queue, "a")));
            refill(&mut queue, &mut inbox);
            assert!(queue.received.capacity() <= BLOCK_ENTRIES);
        }
    }
}

#[test]
fn a_receiver_is_woken_once_for_each_wait() {
    let (mut queue, mut inbox) = (Queue::default(), Inbox::default());
    assert!(push(&mut queue, "a").is_none());
    assert!(refill(&mut queue, &mut inbox));
    assert!(!refill(&mut queue, &mut inbox));
    assert!(push(&mut queue, "b").is_some());
    assert!(push(&mut queue, "c").is_none());
}

#[test]
fn who_waits_keeps_little_space() {
    let (mut queue, mut inbox) = (Queue::default(), Inbox::default());
    for _ in 0..2 {
        (0..10_000).for_each(|_| drop(push(&mut queue, "a")));
        refill(&mut queue, &mut inbox);
        while inbox.take(&mut 0, |_| true).is_some() {}
    }
    assert!(queue.received.capacity() <= BLOCK_ENTRIES && inbox.capacity() <= BLOCK_ENTRIES);
}
