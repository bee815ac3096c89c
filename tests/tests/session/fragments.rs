//! Long messages in pieces. Specification: `capabilities.md`, "Fragments".

use std::collections::BTreeMap;

use snow_dist_codec::frame::{Fragment, Link, RegSend, Send};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{EncodeErrorKind, Frame};
use snow_dist_runtime::core::Reason;
use snow_dist_runtime::core::limits::{FRAGMENT_BYTES_MAX, FRAGMENTED_FRAME_BYTES_MAX};
use snow_dist_runtime::core::session::{Config, NotSent};
use snow_dist_tests::simnet::Side::{self, A, B};
use snow_dist_tests::simnet::{Pair, Seen};

use super::{exit, links};

/// Bytes of a SEND before its message, and the longest message that is sent whole.
const HEAD_BYTES: usize = 9;
const WHOLE_BYTES: usize = FRAGMENT_BYTES_MAX as usize - HEAD_BYTES;

fn capable(_: Side, config: &mut Config) {
    config.capabilities = Capabilities::FRAGMENTS;
}

fn message(byte: u8, length: usize) -> Seen {
    Seen::Message(vec![byte; length])
}

/// A payload in pieces of `bytes`.
fn pieces(number: u64, payload: &[u8], bytes: usize) -> Vec<Fragment<'_>> {
    let total = u32::try_from(payload.len()).unwrap();
    let count = payload.len().div_ceil(bytes);
    let piece = |(place, payload)| Fragment {
        number,
        total: (place == 0).then_some(total),
        last: place + 1 == count,
        payload,
    };
    payload.chunks(bytes).enumerate().map(piece).collect()
}

fn payload<'f>(frame: impl Into<Frame<'f>>) -> Vec<u8> {
    let mut payload = Vec::new();
    frame.into().encode(&mut payload).unwrap();
    payload
}

fn to(local: u64, message: &[u8]) -> Vec<u8> {
    payload(Send { to: Pair::wire(A, local), message })
}

/// What becomes of a session that reads these.
fn after(fragments: &[Fragment<'_>]) -> Pair {
    let mut pair = Pair::with(|side, config| {
        capable(side, config);
        config.bounds.fragmented_messages = 2;
        config.bounds.reassembly_bytes = 1_000;
    });
    fragments.iter().for_each(|fragment| pair.inject(A, *fragment));
    pair.settle();
    pair
}

#[track_caller]
fn assert_ends(fragments: &[Fragment<'_>], why: &str) {
    let pair = after(fragments);
    let ended = pair.ended(A).unwrap_or("not at all");
    assert!(ended.contains(why), "{ended}");
    // With the session the pieces go too.
    assert_eq!(pair[A].session.unfinished(), (0, 0));
}

//= spec/capabilities.md#cap-frg-001
//# In a session with `fragments` a node MUST send each message whose payload is longer than
//# `fragment_bytes_max` in fragments.
//= spec/capabilities.md#cap-frg-012
//# A node that reads the last FRAGMENT of a frame MUST handle that frame as if it had just arrived whole,
//# unless SES-MSG-017 has dropped its message.
#[test]
fn a_long_message_goes_out_in_pieces_and_arrives_whole() {
    let mut pair = Pair::with(capable);
    pair[B].table.register("printer", 4);
    for length in [WHOLE_BYTES, WHOLE_BYTES + 1, 1 << 20] {
        pair[A].session.send(1, 3, &vec![1; length]).unwrap();
    }
    pair[A].session.send_named(1, "printer", &vec![2; 100_000]).unwrap();
    pair.settle();
    assert_eq!(pair.seen(B, 3), [WHOLE_BYTES, WHOLE_BYTES + 1, 1 << 20].map(|length| message(1, length)));
    assert_eq!(pair.seen(B, 4), [message(2, 100_000)]);
    assert_eq!(pair[B].names()[..2], ["SEND", "FRAGMENT"]);
    assert!(pair[B].names()[1..].iter().all(|name| *name == "FRAGMENT"));
    assert_eq!(pair[B].session.unfinished(), (0, 0));
}

#[test]
fn without_the_capability_a_message_of_any_length_is_one_frame() {
    for lacking in Side::BOTH {
        let settled = |side: Side, config: &mut Config| {
            if side != lacking {
                capable(side, config);
            }
            // What the handshake settles: the one that lacks it sees to it that the other has it not either.
            config.capabilities = Capabilities::NONE;
        };
        let mut pair = Pair::with(settled);
        pair[A].session.send(1, 3, &vec![1; 1 << 20]).unwrap();
        pair.settle();
        assert_eq!((pair[B].names(), pair.seen(B, 3)), (vec!["SEND"], &[message(1, 1 << 20)][..]));
    }
}

//= spec/capabilities.md#cap-frg-003
//# A node MUST NOT write a FRAGMENT whose payload is longer than `fragment_bytes_max`.
//= spec/capabilities.md#cap-frg-004
//# A node MUST NOT write a FRAGMENT with an empty `payload`.
//= spec/capabilities.md#cap-frg-005
//# A node MUST NOT write two frames in fragments with the same `number` in one session.
//= spec/capabilities.md#cap-frg-006
//# A node MUST write the length of the whole payload into `total` of its first FRAGMENT.
//= spec/capabilities.md#cap-frg-007
//# A node MUST write the pieces of a frame in order, with bit 0 of `flags` set in the first, bit 1 in the
//# last, and neither in any other.
#[test]
fn pieces_are_what_they_say() {
    let mut pair = Pair::with(capable);
    let piece_bytes = FRAGMENT_BYTES_MAX as usize - 14;
    let lengths: Vec<_> =
        (0..12).map(|n| WHOLE_BYTES + 1 + n * 50_000).chain([3 * piece_bytes - HEAD_BYTES]).collect();
    for (length, local) in lengths.iter().zip([1, 2, 3, 4].into_iter().cycle()) {
        let text: Vec<u8> = (0..251).cycle().take(*length).collect();
        pair[A].session.send(local, 3, &text).unwrap();
    }
    pair.settle();
    let mut unfinished = BTreeMap::new();
    let (mut numbers, mut whole) = (Vec::new(), 0);
    for payload in &pair[B].arrived {
        assert!(payload.len() <= FRAGMENT_BYTES_MAX as usize);
        let Ok(Frame::Fragment(piece)) = Frame::decode(payload, snow_dist_codec::Reading::Strict) else {
            panic!("only long messages were sent");
        };
        assert!(!piece.payload.is_empty());
        if let Some(total) = piece.total {
            numbers.push(piece.number);
            assert_eq!(unfinished.insert(piece.number, (total, Vec::new())), None);
        }
        let (total, bytes) = unfinished.get_mut(&piece.number).unwrap();
        bytes.extend_from_slice(piece.payload);
        assert_eq!(piece.last, bytes.len() == *total as usize);
        if piece.last {
            whole += 1;
            let text = bytes[HEAD_BYTES..].iter().zip((0..251).cycle());
            assert!(text.into_iter().all(|(byte, expected)| *byte == expected));
            unfinished.remove(&piece.number);
        }
    }
    let count = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!((whole, count, numbers.len(), unfinished.len()), (13, 13, 13, 0));
    assert_eq!(pair.seen(B, 3).len(), 13);
}

//= spec/capabilities.md#cap-frg-002
//# A node MUST NOT send any frame in fragments but SEND, REG_SEND, SEND_TERM, SEND_NAME_TERM, CALL, CALL_NAME
//# and CALL_REPLY.
#[test]
fn nothing_but_messages_is_cut() {
    let mut pair = Pair::with(capable);
    pair[A].session.link(3, 3).unwrap();
    pair[A].session.send(4, 4, &vec![0; 200_000]).unwrap();
    pair.end_process(A, 3, Reason::error("boom".repeat(100_000)));
    pair.settle();
    assert_eq!(pair[B].names(), ["LINK", "EXIT", "FRAGMENT", "FRAGMENT", "FRAGMENT", "FRAGMENT"]);
}

//= spec/capabilities.md#cap-frg-008
//# A node MUST NOT write any other frame of a process between the first and the last FRAGMENT of its message.
//= spec/session.md#ses-ord-002
//# A node MUST write EXIT, MONITOR_EXIT and DEMONITOR of a process that has ended after all its messages to
//# the same process of the peer.
#[test]
fn what_a_process_does_after_a_long_message_comes_after_it() {
    let mut pair = Pair::with(capable);
    pair[A].session.link(1, 3).unwrap();
    pair.settle();
    pair[A].session.send(1, 3, &vec![1; 300_000]).unwrap();
    pair.write(A, 1);
    pair[A].session.send(1, 3, b"short").unwrap();
    pair[A].session.monitor(1, 3, 5).unwrap();
    // An answer on its behalf waits like what it does itself.
    pair.inject(A, Link { from: Pair::wire(B, 4), to: Pair::wire(A, 1) });
    pair.end_process(A, 1, Reason::Killed);
    pair.settle();
    let after = ["FRAGMENT", "SEND", "MONITOR", "DEMONITOR", "EXIT", "EXIT"];
    assert!(pair[B].names().ends_with(&after), "{:?}", pair[B].names());
    let short = Seen::Message(b"short".to_vec());
    assert_eq!(pair.seen(B, 3), [message(1, 300_000), short, exit(B, 1, Reason::Killed)]);
}

//= spec/capabilities.md#cap-frg-011
//# A node SHOULD write what waits of other processes between the pieces of a message.
//= spec/connection.md#con-que-009
//# A node SHOULD let processes with queued messages take turns.
#[test]
fn others_go_between_the_pieces() {
    let mut pair = Pair::with(capable);
    pair[A].session.send(1, 3, &vec![1; 1 << 20]).unwrap();
    pair[A].session.send(2, 4, b"short").unwrap();
    pair.write(A, 1);
    pair[A].session.link(3, 3).unwrap();
    pair.settle();
    assert_eq!(pair[B].names()[..4], ["FRAGMENT", "LINK", "SEND", "FRAGMENT"]);
}

//= spec/connection.md#con-que-003
//# A node MUST NOT drop a queued message while the session lasts.
#[test]
fn a_long_message_is_sent_to_its_end_when_its_process_has_ended() {
    let mut pair = Pair::with(capable);
    pair[A].session.link(1, 3).unwrap();
    pair[A].session.send(1, 3, &vec![1; 1 << 20]).unwrap();
    pair.end_process(A, 1, Reason::Normal);
    pair[A].session.close(0, "node stops");
    pair.settle();
    assert_eq!(pair.seen(B, 3), [message(1, 1 << 20), exit(B, 1, Reason::Normal)]);
    assert_eq!(pair[B].names().last(), Some(&"CLOSE"));
}

//= spec/capabilities.md#cap-frg-009
//# A node MUST NOT begin a frame in fragments by which its unfinished frames would be more than the peer's
//# fragmented_messages_max, or their totals together more than its reassembly_bytes_max.
#[test]
fn no_more_is_begun_than_the_peer_holds() {
    for (count, bytes) in [(1, 128 << 20), (3, 128 << 20), (64, 200_000), (64, 450_000)] {
        let mut pair = Pair::with(|side, config| {
            capable(side, config);
            let bounds = if side == A { &mut config.peer_bounds } else { &mut config.bounds };
            (bounds.fragmented_messages, bounds.reassembly_bytes) = (count, bytes);
        });
        for local in 10..20 {
            pair[A].table.start(local);
            pair[A].session.send(local, 3, &vec![1; 150_000]).unwrap();
            pair[A].session.link(local, 3).unwrap();
            pair[A].session.send(local, 3, &vec![2; 70_000]).unwrap();
        }
        pair.settle();
        // B ends its session if it is more, and holds them to the end if it is not.
        assert_eq!((pair.ended(B), pair.seen(B, 3).len(), links(&pair, B)), (None, 20, 10));
    }
}

//= spec/capabilities.md#cap-frg-010
//# A node MUST NOT send a frame in fragments that is longer than `fragmented_frame_bytes_max`.
#[test]
fn a_message_longer_than_the_peer_holds_is_refused() {
    let longest = FRAGMENTED_FRAME_BYTES_MAX as usize - HEAD_BYTES;
    let mut pair = Pair::with(capable);
    pair[A].session.send(1, 3, &vec![1; longest]).unwrap();
    let refused = pair[A].session.send(1, 3, &vec![1; longest + 1]).unwrap_err();
    let NotSent::TooLong(error) = refused else { panic!("{refused}") };
    assert_eq!(error.kind, EncodeErrorKind::TooLong { max: 64 << 20, actual: (64 << 20) + 1 });
    assert!(pair[A].session.send_named(1, &"n".repeat(65_536), &vec![0; 100_000]).is_err());
    pair.settle();
    assert_eq!((pair.ended(B), pair.seen(B, 3)), (None, &[message(1, longest)][..]));

    for (count, bytes, held) in
        [(64, 200_000, 200_000 - HEAD_BYTES), (0, 200_000, WHOLE_BYTES), (64, 0, WHOLE_BYTES)]
    {
        let mut pair = Pair::with(|side, config| {
            capable(side, config);
            config.peer_bounds.fragmented_messages = count;
            config.peer_bounds.reassembly_bytes = bytes;
        });
        assert!(pair[A].session.send(1, 3, &vec![1; held + 1]).is_err());
        pair[A].session.send(1, 3, &vec![1; held]).unwrap();
        pair.settle();
        assert_eq!(pair.seen(B, 3), [message(1, held)]);
    }
}

#[test]
fn pieces_of_any_length_make_a_message() {
    for bytes in 1..=20 {
        let (one, other) = (to(3, b"one message"), to(4, b"another"));
        let (one, other) = (pieces(7, &one, bytes), pieces(8, &other, 1));
        let mut mixed: Vec<_> = one.iter().zip(&other).flat_map(|(one, other)| [*one, *other]).collect();
        mixed.extend(one.get(other.len()..).unwrap_or_default());
        mixed.extend(other.get(one.len()..).unwrap_or_default());
        let pair = after(&mixed);
        assert_eq!((pair.ended(A), pair[A].session.unfinished()), (None, (0, 0)));
        assert_eq!(pair.seen(A, 3), [Seen::Message(b"one message".to_vec())]);
        assert_eq!(pair.seen(A, 4), [Seen::Message(b"another".to_vec())]);
    }
}

#[test]
fn a_message_in_pieces_is_judged_like_any_other() {
    // To another start of the node, to nobody, to a name.
    let stale = payload(Send { to: Pair::wire(B, 3), message: b"text" });
    let pair = after(&[&pieces(1, &stale, 5)[..], &pieces(1, &to(77, b"text"), 5)].concat());
    assert_eq!((pair.ended(A), pair[A].session.counts().stale), (None, 1));
    // What cannot be read, and a capability that the session lacks.
    let cut = payload(RegSend { name: "a name".into(), message: b"" });
    assert_ends(&pieces(1, &cut[..5], 2), "in fragments");
    let mut term = to(3, b"text");
    term[0] = 0x86;
    assert_ends(&pieces(1, &term, 5), "SEND_TERM was not negotiated");
}

//= spec/capabilities.md#cap-frg-013
//# A node MUST end the session on a first FRAGMENT with the `number` of an unfinished frame.
//= spec/capabilities.md#cap-frg-014
//# A node MUST end the session on a FRAGMENT that is not a first one and whose `number` no unfinished frame
//# has.
#[test]
fn a_frame_is_begun_once_and_before_all_else() {
    let send = to(3, b"text");
    let all = pieces(1, &send, 5);
    assert_ends(&[all[0], all[0]], "is begun twice");
    assert_ends(&[all[1]], "was not begun");
    assert_ends(&[all[0], Fragment { number: 2, ..all[1] }], "was not begun");
    assert_ends(&[&all[..], &all[1..2]].concat(), "was not begun");
    // When it is whole its number is free.
    assert_eq!(after(&[&all[..], &all[..]].concat()).seen(A, 3).len(), 2);
}

//= spec/capabilities.md#cap-frg-015
//# A node MUST end the session on a first FRAGMENT whose `payload` does not begin with the tag of a frame in
//# CAP-FRG-002.
#[test]
fn only_messages_come_in_pieces() {
    let nested = payload(pieces(2, &to(3, b"text"), 5)[0]);
    let link = payload(Link { from: Pair::wire(B, 3), to: Pair::wire(A, 3) });
    for frame in [&nested, &link, &vec![0xFF; 9]] {
        // The first piece is enough.
        assert_ends(&pieces(1, frame, 1)[..1], "is no message");
    }
}

//= spec/capabilities.md#cap-frg-016
//# A node MUST end the session on a FRAGMENT with a `total` above `fragmented_frame_bytes_max`.
//= spec/capabilities.md#cap-frg-017
//# A node MUST end the session on a first FRAGMENT by which the unfinished frames are more than its
//# fragmented_messages_max, or their totals together more than its reassembly_bytes_max.
#[test]
fn one_too_many_or_too_long_ends_the_session() {
    let first = |number, total| Fragment { number, total: Some(total), last: false, payload: b"\x10" };
    assert_eq!(after(&[first(1, 500), first(2, 500)]).ended(A), None);
    assert_ends(&[first(1, 500), first(2, 501)], "is one too many");
    assert_ends(&[first(1, 5), first(2, 5), first(3, 5)], "is one too many");
    let mut pair = Pair::with(|side, config| {
        capable(side, config);
        config.bounds.reassembly_bytes = u64::MAX;
    });
    pair.inject(A, first(1, FRAGMENTED_FRAME_BYTES_MAX));
    pair.settle();
    assert_eq!((pair.ended(A), pair[A].session.unfinished()), (None, (1, 1)));
    pair.inject(A, first(2, FRAGMENTED_FRAME_BYTES_MAX + 1));
    pair.settle();
    assert!(pair.ended(A).unwrap().contains("is too long"));
}

//= spec/capabilities.md#cap-frg-018
//# A node MUST end the session on a FRAGMENT after which the pieces of its frame exceed the frame's `total`,
//# reach it although bit 1 of `flags` is not set, or do not reach it although bit 1 is set.
//= spec/capabilities.md#cap-frg-019
//# A node MUST end the session on a FRAGMENT with an empty `payload`.
#[test]
fn pieces_that_are_not_as_long_as_they_said_end_the_session() {
    let send = to(3, b"text");
    let whole = Fragment { number: 1, total: Some(13), last: true, payload: &send };
    assert_eq!(after(&[whole]).seen(A, 3).len(), 1);
    for wrong in [
        Fragment { total: Some(12), ..whole },
        Fragment { total: Some(14), ..whole },
        Fragment { total: Some(0), ..whole },
        Fragment { last: false, ..whole },
    ] {
        assert_ends(&[wrong], "is not as long as it said");
    }
    let all = pieces(1, &send, 5);
    assert_ends(&[all[0], Fragment { last: true, ..all[1] }], "is not as long as it said");
    assert_ends(&[all[0], all[1], Fragment { last: false, ..all[2] }], "is not as long as it said");
    assert_ends(&[all[0], Fragment { payload: b"", ..all[1] }], "has a piece without a byte");
    assert_ends(&[Fragment { payload: b"", ..all[0] }], "has a piece without a byte");
}

//= spec/capabilities.md#cap-frg-021
//# A node MUST drop its unfinished frames when their session ends.
#[test]
fn a_connection_lost_between_pieces_loses_the_message() {
    let mut pair = Pair::with(capable);
    pair[A].session.link(1, 3).unwrap();
    pair[A].session.send(1, 3, &vec![1; 300_000]).unwrap();
    pair.write(A, 200_000);
    pair.lose(150_000, 0);
    pair.settle();
    assert_eq!(pair.seen(B, 3), [exit(B, 1, Reason::Noconnection)]);
    assert_eq!(pair[B].session.unfinished(), (0, 0));
    super::assert_tables_empty(&pair);
}

/// What is kept grows with what has come.
#[test]
fn what_is_promised_takes_no_memory() {
    let mut pair = Pair::with(capable);
    for number in 0..2 {
        let total = Some(FRAGMENTED_FRAME_BYTES_MAX);
        pair.inject(A, Fragment { number, total, last: false, payload: b"\x10" });
    }
    pair.settle();
    assert_eq!((pair.ended(A), pair[A].session.unfinished()), (None, (2, 2)));
}
