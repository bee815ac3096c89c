//! What order holds. Specification: `session.md`, "Order".

use std::time::Duration;

use snow_dist_runtime::core::Reason;
use snow_dist_tests::simnet::Side::{A, B};
use snow_dist_tests::simnet::{Pair, Seen};

use super::{down, exit, links};

fn message(text: &[u8]) -> Seen {
    Seen::Message(text.to_vec())
}

//= spec/session.md#ses-ord-001
//# For each pair a node MUST write the frames of what its process does in the order in which the process does
//# it.
//= spec/session.md#ses-ord-002
//# A node MUST write EXIT, MONITOR_EXIT and DEMONITOR of a process that has ended after all its messages to
//# the same process of the peer.
#[test]
fn messages_and_signals_of_a_process_come_in_its_order() {
    let mut pair = Pair::new();
    pair[A].session.send(1, 3, b"one").unwrap();
    pair[A].session.link(1, 3).unwrap();
    pair[B].session.monitor(3, 1, 5).unwrap();
    pair[A].session.send(1, 3, b"two").unwrap();
    pair.settle();
    pair[A].session.send(1, 3, b"three").unwrap();
    pair.end_process(A, 1, Reason::Killed);
    pair.settle();
    let seen = [
        message(b"one"),
        message(b"two"),
        message(b"three"),
        exit(B, 1, Reason::Killed),
        down(B, 5, 1, Reason::Killed),
    ];
    assert_eq!(pair.seen(B, 3), seen);
}

//= spec/session.md#ses-lnk-001
//# When a local process links in state none, a node MUST write LINK, unless SES-BND-001 forbids it.
//= spec/session.md#ses-lnk-027
//# A node MUST enter state active when it queues a LINK.
//= spec/session.md#ses-lnk-004
//# When a local process unlinks in state active, a node MUST write UNLINK_ID.
#[test]
fn a_message_sent_before_a_link_comes_before_it() {
    let mut pair = Pair::new();
    pair[A].session.send(1, 3, b"one").unwrap();
    pair[A].session.link(1, 3).unwrap();
    pair[A].session.send(1, 3, b"two").unwrap();
    pair[A].session.unlink(1, 3);
    pair.settle();
    assert_eq!(pair[B].names(), ["SEND", "LINK", "SEND", "UNLINK_ID"]);
}

//= spec/session.md#ses-ord-003
//# A node MUST write an answer to a LINK, MONITOR or UNLINK_ID after what the asked process has done for the
//# asking one before that frame was handled.
#[test]
fn an_answer_follows_what_its_process_sent() {
    let mut pair = Pair::new();
    pair[A].session.send(1, 3, b"last words").unwrap();
    pair.end_process(A, 1, Reason::Normal);
    pair[B].session.link(3, 1).unwrap();
    pair.write(B, usize::MAX);
    pair.now += Duration::from_secs(1);
    assert!(pair.read(A, usize::MAX));
    pair.settle();
    assert_eq!(pair.seen(B, 3), [message(b"last words"), exit(B, 1, Reason::noproc())]);
}

//= spec/session.md#ses-lnk-024
//# A node MUST write an UNLINK_ACK before every LINK, UNLINK_ID and EXIT of the same pair that comes about
//# after the UNLINK_ID was handled.
#[test]
fn an_acknowledgement_comes_before_the_next_link() {
    let mut pair = super::linked();
    pair[A].session.send(3, 3, b"before").unwrap();
    pair[B].session.unlink(3, 3);
    pair.write(B, usize::MAX);
    pair.now += Duration::from_secs(1);
    assert!(pair.read(A, usize::MAX));
    pair[A].session.link(3, 3).unwrap();
    pair.settle();
    assert_eq!(pair[B].names(), ["LINK", "SEND", "UNLINK_ACK", "LINK"]);
    assert_eq!((links(&pair, A), links(&pair, B)), (1, 1));
}

//= spec/connection.md#con-que-007
//# A node SHOULD write a signal of a process that has no message queued in the session before the messages
//# that wait.
#[test]
fn a_signal_overtakes_the_messages_of_other_processes() {
    let mut pair = Pair::new();
    for _ in 0..100 {
        pair[A].session.send(2, 4, &[0; 10_000]).unwrap();
    }
    pair[A].session.link(3, 3).unwrap();
    pair.settle();
    assert_eq!(pair[B].names()[..2], ["LINK", "SEND"]);
}

//= spec/connection.md#con-que-008
//# While a signal waits behind messages of its own process, a node SHOULD write at most
//# `signal_delay_bytes_max` bytes of messages of processes that have no such signal.
#[test]
fn a_signal_behind_its_own_messages_waits_for_few_of_others() {
    let mut pair = Pair::new();
    for _ in 0..100 {
        pair[A].session.send(2, 4, &[0; 10_000]).unwrap();
    }
    pair[A].session.send(3, 3, &[0; 100_000]).unwrap();
    pair[A].session.send(3, 3, &[0; 100_000]).unwrap();
    pair[A].session.link(3, 3).unwrap();
    pair.settle();
    let before = pair[B].names().iter().position(|name| *name == "LINK").unwrap();
    let of_others: usize = pair[B].arrived[..before].iter().map(Vec::len).filter(|len| *len < 50_000).sum();
    assert!(of_others <= 128 << 10, "{of_others}");
}

//= spec/connection.md#con-que-009
//# A node SHOULD let processes with queued messages take turns.
/// A process that once had a signal behind its messages, and goes on sending, must not hold up the others.
#[test]
fn a_process_whose_signal_has_gone_takes_turns_again() {
    let mut pair = Pair::new();
    let chunk = [0; 70_000];
    pair[A].session.send(1, 3, &chunk).unwrap();
    pair[A].session.link(1, 3).unwrap();
    pair[A].session.send(2, 4, b"the other's").unwrap();
    for _ in 0..10 {
        pair[A].session.send(1, 3, &chunk).unwrap();
        pair.write(A, 1);
    }
    pair.settle();
    let small = pair[B].arrived.iter().position(|payload| payload.len() < 40 && payload[0] == 0x10).unwrap();
    assert!(small <= 4, "after {small} frames: {:?}", pair[B].names());
}

//= spec/session.md#ses-ord-004
//# A node MUST give each process what the frames of one session bring it in the order in which they arrived.
#[test]
fn names_and_numbers_reach_the_same_mailbox_in_order() {
    let mut pair = Pair::new();
    pair[B].table.register("printer", 3);
    pair[A].session.send_named(1, "printer", b"one").unwrap();
    pair[A].session.send(1, 3, b"two").unwrap();
    pair[A].session.send_named(1, "nobody", b"lost").unwrap();
    pair[A].session.send_named(1, "printer", b"three").unwrap();
    pair.settle();
    assert_eq!(pair.seen(B, 3), [message(b"one"), message(b"two"), message(b"three")]);
}

#[test]
fn any_split_of_the_stream_gives_the_same() {
    let run = |bytes_at_once: usize| {
        let mut pair = Pair::new();
        pair[A].session.link(3, 3).unwrap();
        pair[A].session.send(3, 3, b"text").unwrap();
        pair[A].session.monitor(4, 3, 5).unwrap();
        pair.end_process(A, 3, Reason::error("boom"));
        pair.write(A, usize::MAX);
        pair.now += Duration::from_secs(1);
        while pair.read(B, bytes_at_once) {}
        pair.settle();
        (pair.seen(B, 3).to_vec(), pair[B].arrived.clone())
    };
    let whole = run(usize::MAX);
    assert_eq!(whole.0, [message(b"text"), exit(B, 3, Reason::error("boom"))]);
    for bytes_at_once in 1..=whole.1.iter().map(Vec::len).sum() {
        assert_eq!(run(bytes_at_once), whole, "{bytes_at_once} at once");
    }
}

#[test]
fn a_connection_lost_at_any_byte_delivers_a_beginning() {
    let mut kept = 0;
    loop {
        let mut pair = super::linked();
        for text in [b"one", b"two", b"six"] {
            pair[A].session.send(3, 3, text).unwrap();
        }
        pair.end_process(A, 3, Reason::error("boom"));
        pair.write(A, usize::MAX);
        let mut sent = Vec::new();
        pair.clone()[A].session.write(&mut sent, usize::MAX);
        assert!(sent.is_empty());
        pair.lose(kept, 0);
        pair.settle();
        let mut seen = pair.seen(B, 3).to_vec();
        let ending = seen.pop().unwrap();
        let all = [message(b"one"), message(b"two"), message(b"six")];
        assert_eq!(seen, all[..seen.len()], "{kept} bytes kept");
        super::assert_tables_empty(&pair);
        if ending == exit(B, 3, Reason::error("boom")) {
            assert_eq!(seen, all);
            break;
        }
        assert_eq!(ending, exit(B, 3, Reason::Noconnection), "{kept} bytes kept");
        kept += 1;
    }
    // Three SENDs of 16 bytes and an EXIT of 34.
    assert_eq!(kept, 3 * 16 + 34);
}
