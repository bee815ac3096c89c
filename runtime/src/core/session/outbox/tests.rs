//! The order in which it goes out, and what counts against which limit.

use super::*;
use crate::core::handshake::Bounds;

fn send(outbox: &mut Outbox, local: u64, text: &[u8]) {
    let put = |chunk: &mut Vec<u8>| {
        chunk.extend_from_slice(text);
        Ok::<_, ()>(())
    };
    outbox.message(local, text.len(), put).unwrap();
}

/// Returns the output: messages as they are, signals as `!`.
fn drained(outbox: &mut Outbox) -> String {
    let mut all = String::new();
    loop {
        let mut out = Vec::new();
        match outbox.next(&mut out, usize::MAX) {
            Next::Nothing => break,
            Next::Written => all.push_str(&String::from_utf8(out).unwrap()),
            Next::Signal(_) => all.push('!'),
            Next::Enough => panic!("an empty buffer has room"),
        }
    }
    assert_eq!((outbox.waiting_bytes(), outbox.answer_bytes()), (0, 0));
    assert!(outbox.is_empty());
    all
}

const SIGNAL: Owed = Owed::Exit((1, 9));

#[test]
fn a_signal_overtakes_the_messages_of_others() {
    let mut outbox = Outbox::default();
    send(&mut outbox, 2, b"b");
    outbox.signal(1, SIGNAL);
    assert_eq!(drained(&mut outbox), "!b");
}

#[test]
fn a_signal_follows_the_messages_of_its_own_process() {
    let mut outbox = Outbox::default();
    send(&mut outbox, 1, b"a");
    outbox.signal(1, SIGNAL);
    send(&mut outbox, 1, b"c");
    assert_eq!(drained(&mut outbox), "a!c");
}

#[test]
fn a_process_with_a_signal_comes_before_those_without() {
    let mut outbox = Outbox::default();
    let big = vec![b'b'; 10 * CHUNK_BYTES];
    for piece in big.chunks(CHUNK_BYTES) {
        send(&mut outbox, 2, piece);
    }
    send(&mut outbox, 1, b"a");
    outbox.signal(1, SIGNAL);
    assert!(drained(&mut outbox).starts_with("a!b"));
}

#[test]
fn a_process_takes_turns_again_when_its_signal_has_gone() {
    let mut outbox = Outbox::default();
    send(&mut outbox, 1, b"a");
    outbox.signal(1, SIGNAL);
    for _ in 0..2 {
        send(&mut outbox, 1, &[b'c'; CHUNK_BYTES]);
    }
    send(&mut outbox, 2, b"b");
    let mut all = drained(&mut outbox).into_bytes();
    all.dedup();
    assert_eq!(all, b"a!cbc");
}

#[test]
fn a_lane_that_ran_empty_is_no_lane() {
    let mut outbox = Outbox::default();
    send(&mut outbox, 1, b"a");
    outbox.signal(1, SIGNAL);
    let mut out = Vec::new();
    assert_eq!(outbox.next(&mut out, usize::MAX), Next::Written);
    assert_eq!(outbox.next(&mut out, usize::MAX), Next::Signal(SIGNAL));
    assert!(outbox.is_empty());
    send(&mut outbox, 2, b"b");
    outbox.signal(1, SIGNAL);
    send(&mut outbox, 1, b"c");
    assert_eq!(drained(&mut outbox), "!cb");
    assert_eq!(outbox, Outbox::default());
}

#[test]
fn processes_take_turns() {
    let mut outbox = Outbox::default();
    let (b, c) = ([b'b'; CHUNK_BYTES], [b'c'; CHUNK_BYTES]);
    for _ in 0..2 {
        send(&mut outbox, 2, &b);
    }
    send(&mut outbox, 3, &c);
    let mut all = drained(&mut outbox).into_bytes();
    all.dedup();
    assert_eq!(all, b"bcb");
}

#[test]
fn what_waits_is_counted_until_it_is_written() {
    let mut outbox = Outbox::default();
    send(&mut outbox, 1, b"four");
    outbox.signal(2, Owed::Link((2, 3)));
    outbox.signal(2, SIGNAL);
    assert_eq!((outbox.waiting_bytes(), outbox.answer_bytes()), (25, 0));
    outbox.signal(2, Owed::SpawnReply { request: 1, status: 1, local: 0 });
    assert_eq!(outbox.answer_bytes(), 64);
    assert_eq!(drained(&mut outbox), "!!!four");
}

#[test]
fn a_message_that_cannot_be_written_leaves_nothing() {
    let mut outbox = Outbox::default();
    assert_eq!(outbox.message(1, 9, |_| Err("too long")), Err("too long"));
    assert!(outbox.is_empty());
}

/// A queue for a peer that holds so many messages in pieces and so many bytes of them; a piece has 16 bytes.
fn cutting(count: u32, bytes: u64) -> Outbox {
    let bounds =
        Bounds { frame_bytes: 30, fragmented_messages: count, reassembly_bytes: bytes, ..Bounds::default() };
    Outbox::new(Budget::new(&bounds))
}

fn send_long(outbox: &mut Outbox, local: u64, byte: u8, count: usize) {
    let mut framed = vec![byte; count];
    framed.splice(0..0, [0; 4]);
    outbox.long_message(local, Long::new(framed));
}

/// Returns the output until nothing is left, each write in a buffer of its own: the first byte of each message, chunk
/// or fragment, signals as `!`.
fn drained_pieces(outbox: &mut Outbox) -> String {
    let mut all = String::new();
    loop {
        let mut out = Vec::new();
        match outbox.next(&mut out, usize::MAX) {
            Next::Nothing => break,
            Next::Written => all.push(out.last().copied().unwrap().into()),
            Next::Signal(_) => all.push('!'),
            Next::Enough => panic!("an empty buffer has room"),
        }
    }
    assert_eq!((outbox.waiting_bytes(), outbox.budget.under_way()), (0, (0, 0)));
    assert!(outbox.is_empty());
    all
}

#[test]
fn pieces_take_turns_with_messages_and_pieces_of_others() {
    let mut outbox = cutting(64, 1 << 20);
    send_long(&mut outbox, 1, b'a', 64);
    send_long(&mut outbox, 2, b'b', 48);
    send(&mut outbox, 3, b"c");
    assert_eq!(outbox.waiting_bytes(), 113);
    assert_eq!(drained_pieces(&mut outbox), "abcababa");
}

#[test]
fn nothing_of_a_process_comes_between_the_pieces_of_its_message() {
    let mut outbox = cutting(64, 1 << 20);
    send(&mut outbox, 1, b"x");
    send_long(&mut outbox, 1, b'a', 64);
    send_long(&mut outbox, 1, b'c', 20);
    outbox.signal(1, SIGNAL);
    send(&mut outbox, 1, b"y");
    assert_eq!(drained_pieces(&mut outbox), "xaaaacc!y");
}

#[test]
fn hasty_processes_take_turns_and_patient_ones_wait() {
    let mut outbox = cutting(64, 1 << 20);
    send_long(&mut outbox, 3, b'c', 32);
    send_long(&mut outbox, 1, b'a', 64);
    outbox.signal(1, SIGNAL);
    send_long(&mut outbox, 2, b'b', 32);
    outbox.signal(2, SIGNAL);
    outbox.signal(2, SIGNAL);
    assert_eq!(drained_pieces(&mut outbox), "abab!!aa!cc");
    assert_eq!(outbox.delay_bytes(), 0);
}

#[test]
fn a_signal_that_comes_while_a_message_is_under_way_waits_for_its_own_alone() {
    let mut outbox = cutting(64, 1 << 20);
    for (local, byte) in [(1, b'a'), (2, b'b'), (3, b'c')] {
        send_long(&mut outbox, local, byte, 64);
    }
    let mut out = Vec::new();
    (0..4).for_each(|_| assert_eq!(outbox.next(&mut out, usize::MAX), Next::Written));
    outbox.signal(2, SIGNAL);
    assert_eq!(drained_pieces(&mut outbox), "bbb!cacac");
}

#[test]
fn no_more_are_under_way_than_the_peer_holds() {
    for (count, bytes) in [(4, 1 << 20), (1 << 20, 256)] {
        let mut outbox = cutting(count, bytes);
        (1..=8).for_each(|local| send_long(&mut outbox, local, b'a', 64));
        let mut most = 0;
        while outbox.next(&mut Vec::new(), usize::MAX) == Next::Written {
            most = most.max(outbox.budget.under_way().0);
        }
        assert_eq!(
            (most, outbox.waiting_bytes()),
            (2, 0),
            "half of what the peer holds is for those in haste"
        );
    }
}

#[test]
fn a_message_before_a_signal_finds_a_place_when_all_others_are_taken() {
    let mut outbox = cutting(4, 256);
    (1..=8).for_each(|local| send_long(&mut outbox, local, b'a', 64));
    (0..2).for_each(|_| assert_eq!(outbox.next(&mut Vec::new(), usize::MAX), Next::Written));
    send_long(&mut outbox, 9, b'b', 128);
    outbox.signal(9, SIGNAL);
    assert!(drained_pieces(&mut outbox).starts_with("bbbbbbbb!a"));
    assert_eq!(outbox.delay_bytes(), 0);
}

/// Here alone does a signal wait for a message that it has nothing to do with, and that is counted.
#[test]
fn a_peer_that_holds_one_message_gets_one_after_the_other() {
    let mut outbox = cutting(1, 64);
    send_long(&mut outbox, 1, b'a', 64);
    assert_eq!(outbox.next(&mut Vec::new(), usize::MAX), Next::Written);
    send_long(&mut outbox, 2, b'b', 64);
    outbox.signal(2, SIGNAL);
    let mut out = Vec::new();
    assert_eq!(outbox.next(&mut out, usize::MAX), Next::Written);
    assert_eq!(outbox.delay_bytes(), out.len());
    assert_eq!(drained_pieces(&mut outbox), "aabbbb!");
}

#[test]
fn a_buffer_is_filled_as_far_as_whole_frames_fit() {
    let mut outbox = cutting(64, 1 << 20);
    send_long(&mut outbox, 1, b'a', 64);
    send(&mut outbox, 2, b"bbbb");
    send_long(&mut outbox, 2, b'c', 16);
    let mut out = Vec::new();
    // An empty buffer takes a piece of any size.
    assert_eq!(outbox.next(&mut out, 1), Next::Written);
    let bytes = out.len();
    assert_eq!(outbox.next(&mut out, bytes + 3), Next::Enough);
    assert_eq!(outbox.next(&mut out, bytes + 4), Next::Written);
    assert_eq!((out.len(), outbox.next(&mut out, bytes + 4)), (bytes + 4, Next::Enough));
    assert_eq!(drained_pieces(&mut outbox), "acaa");
}

#[test]
fn numbers_go_on_when_space_is_given_back() {
    let mut outbox = cutting(64, 1 << 20);
    send_long(&mut outbox, 1, b'a', 16);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    assert_eq!(outbox.next(&mut first, usize::MAX), Next::Written);
    outbox.give_back_space();
    send_long(&mut outbox, 1, b'a', 16);
    assert_eq!(outbox.next(&mut second, usize::MAX), Next::Written);
    assert_eq!((first[5], second[5]), (1, 2));
}
