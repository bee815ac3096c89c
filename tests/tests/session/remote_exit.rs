//! Exit signals that a process sends. Specification: `capabilities.md`, "Remote exit".

use snow_dist_codec::frame::Exit2;
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Frame, Pid as WirePid, Reason as WireReason, ReasonBuf, Root};
use snow_dist_runtime::core::limits::{REASON_BYTES_MAX, SESSION_QUEUE_BYTES_MAX};
use snow_dist_runtime::core::session::Lacking;
use snow_dist_runtime::core::{Chain, NodeNumber, Reason};
use snow_dist_tests::simnet::Side::{A, B};
use snow_dist_tests::simnet::{Pair, Seen};

use super::exit;

/// Two nodes that have both announced it.
fn pair() -> Pair {
    Pair::with(|_, config| config.capabilities = Capabilities::REMOTE_EXIT)
}

//= spec/capabilities.md#cap-rxt-001
//# When its process sends an exit signal to a process of the peer, a node MUST write one EXIT2.
//= spec/capabilities.md#cap-rxt-003
//# A node MUST bring a living process in `to` of an EXIT2 one exit signal from `from` with its reason, unless
//# CAP-RXT-010 applies.
//= spec/session.md#ses-exi-002
//# A node MUST NOT end a process that traps exits because of an exit signal from another node.
#[test]
fn who_traps_exits_goes_on_and_who_does_not_ends() {
    let mut pair = pair();
    for (process, reason) in [
        (1, Reason::Normal),
        (1, Reason::Shutdown),
        (1, Reason::error("boom")),
        (3, Reason::Killed),
        (3, Reason::Unknown([9, 1].into())),
    ] {
        pair[A].session.exit(2, process, &reason).unwrap();
    }
    pair.settle();
    assert_eq!(pair[B].names(), ["EXIT2"; 5]);
    let from = |reason| exit(B, 2, reason);
    assert_eq!(pair.seen(B, 1), [from(Reason::Normal), from(Reason::Shutdown), from(Reason::error("boom"))]);
    assert_eq!(pair[B].table.ended(1), Some(&Reason::linked(Pair::theirs(B, 2), &Reason::error("boom"))));
    assert_eq!(pair.seen(B, 3), [from(Reason::Killed), from(Reason::Unknown([9, 1].into()))]);
    assert!(pair[B].table.is_alive(3));
    assert!(pair[A].names().is_empty());
}

//= spec/capabilities.md#cap-rxt-002
//# A node MUST NOT write EXIT2 in a session that does not have `remote_exit`.
#[test]
fn without_the_capability_the_sender_is_told_and_nothing_is_written() {
    let mut pair = Pair::with(|_, config| {
        config.capabilities =
            Capabilities::NODE_TABLE.union(Capabilities::SEND_TERM).union(Capabilities::FRAGMENTS);
    });
    let refused = pair[A].session.exit(1, 1, &Reason::Killed);
    assert_eq!(refused, Err(Lacking { capability: "remote_exit" }));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the session with the other node does not have the capability `remote_exit`"
    );
    pair.settle();
    assert!(!pair[A].session.has_output() && pair[B].arrived.is_empty());
}

//= spec/capabilities.md#cap-rxt-004
//# A node MUST ignore an EXIT2 for a dead process.
#[test]
fn the_dead_do_not_answer() {
    let mut pair = pair();
    pair.end_process(B, 1, Reason::Normal);
    pair[A].session.exit(1, 1, &Reason::Killed).unwrap();
    pair[A].session.exit(1, 99, &Reason::Killed).unwrap();
    let stale = WirePid::new(0, B.creation() + 1, 3).unwrap();
    pair.inject(B, Exit2 { from: Pair::wire(A, 1), to: stale, reason: Root::Killed.into() });
    pair.settle();
    assert_eq!((pair[B].arrived.len(), pair[A].arrived.len()), (3, 0));
    assert_eq!((pair.seen(B, 3).len(), pair[B].session.counts().stale), (0, 1));
}

//= spec/capabilities.md#cap-rxt-005
//# A node MUST NOT change the state of a link because it writes or reads an EXIT2.
#[test]
fn a_link_is_as_active_afterwards_as_before() {
    let mut pair = pair();
    pair[A].session.link(3, 3).unwrap();
    pair.settle();
    for side in [A, B] {
        pair[side].session.exit(3, 3, &Reason::Killed).unwrap();
        pair.settle();
        assert_eq!([A, B].map(|side| pair[side].session.table_sizes().0), [1, 1]);
    }
    pair.end_process(A, 3, Reason::error("boom"));
    pair.settle();
    assert_eq!(pair.seen(B, 3), [exit(B, 3, Reason::Killed), exit(B, 3, Reason::error("boom"))]);
}

#[test]
fn one_that_is_being_unlinked_still_gets_what_is_sent() {
    let mut pair = pair();
    pair[A].session.link(3, 3).unwrap();
    pair.settle();
    pair[A].session.unlink(3, 3);
    pair[B].session.exit(3, 3, &Reason::Shutdown).unwrap();
    pair.settle();
    assert_eq!(pair.seen(A, 3), [exit(A, 3, Reason::Shutdown)]);
    assert_eq!(pair[A].session.table_sizes().0, 0);
}

//= spec/session.md#ses-pid-004
//# A node MUST end the session if it reads a node id other than 0 in a receiver field.
//= spec/session.md#ses-pid-006
//# A node MUST ignore a frame in which a sender field holds a node id other than 0 or another creation than
//# the peer's.
#[test]
fn pids_are_judged_as_everywhere() {
    let reason = WireReason::from(Root::Killed);
    let mut pair = pair();
    let stranger = WirePid::new(3, B.creation(), 1).unwrap();
    pair.inject(A, Exit2 { from: stranger, to: Pair::wire(A, 3), reason });
    pair.settle();
    assert_eq!((pair.ended(A), pair[A].session.counts().foreign, pair.seen(A, 3).len()), (None, 1, 0));
    pair.inject(A, Exit2 { from: stranger, to: WirePid::new(3, A.creation(), 3).unwrap(), reason });
    pair.settle();
    assert!(pair.ended(A).unwrap().contains("protocol"));
}

//= spec/session.md#ses-ord-001
//# For each pair a node MUST write the frames of what its process does in the order in which the process does
//# it.
#[test]
fn it_keeps_its_place_among_what_its_process_does_and_overtakes_others() {
    let mut pair = pair();
    pair[A].session.send(2, 3, b"of another").unwrap();
    pair[A].session.send(1, 3, b"before").unwrap();
    pair[A].session.exit(1, 3, &Reason::Shutdown).unwrap();
    pair[A].session.send(1, 3, b"after").unwrap();
    pair[A].session.exit(3, 3, &Reason::Killed).unwrap();
    pair.end_process(A, 1, Reason::Normal);
    pair.settle();
    let message = |text: &[u8]| Seen::Message(text.to_vec());
    let shutdown = exit(B, 1, Reason::Shutdown);
    let seen = pair.seen(B, 3);
    let of_1: Vec<_> = seen
        .iter()
        .filter(|seen| [message(b"before"), shutdown.clone(), message(b"after")].contains(seen))
        .cloned()
        .collect();
    assert_eq!(of_1, [message(b"before"), shutdown, message(b"after")]);
    assert_eq!(seen[0], exit(B, 3, Reason::Killed));
    assert_eq!(seen.len(), 5);
}

//= spec/capabilities.md#cap-rxt-007
//# A node SHOULD make EXIT2 wait for room as messages do.
#[test]
fn many_of_them_fill_the_queue_and_leave_nothing_behind() {
    let mut pair = pair();
    let reason = Reason::custom("x".repeat(2_000));
    let mut sent = 0;
    while pair[A].session.has_room() {
        pair[A].session.exit(1, 3, &reason).unwrap();
        sent += 1;
    }
    let bytes_each = 2_009 + 17 + 4;
    assert_eq!(sent, SESSION_QUEUE_BYTES_MAX.div_ceil(bytes_each));
    assert_eq!(pair[A].session.waiting_bytes(), sent * bytes_each);
    pair.settle();
    assert_eq!((pair[A].session.waiting_bytes(), pair.seen(B, 3).len()), (0, sent));
}

//= spec/session.md#ses-rsn-002
//# A node MUST NOT write a reason of more than `reason_bytes_max` bytes.
#[test]
fn its_reason_is_translated_and_cut_like_that_of_an_exit() {
    let mut pair = pair();
    let mut hops = vec![Pair::ours(A, 1), Pair::theirs(A, 2)];
    hops.resize(2_000, Pair::ours(A, 1));
    let long = Reason::Linked(Chain { hops, root: Reason::Killed }.into());
    pair[A].session.exit(3, 3, &long).unwrap();
    pair.settle();
    let frames = pair[B].frames();
    let [Frame::Exit2(written)] = &frames[..] else { panic!("{frames:?}") };
    assert!(written.reason.encoded_len() <= REASON_BYTES_MAX);
    let nodes: Vec<_> = written.reason.hops().take(2).map(WirePid::node).collect();
    assert_eq!(nodes, [0, WirePid::NODE_READER]);

    let hop = WirePid::new(17, 1, 1).unwrap();
    let too_long = ReasonBuf::new(vec![hop; 5_000].into_iter(), &Root::Normal);
    pair.inject(A, Exit2 { from: Pair::wire(B, 3), to: Pair::wire(A, 3), reason: too_long.as_reason() });
    pair.settle();
    let [Seen::Exit(_, Reason::Linked(kept))] = pair.seen(A, 3) else { panic!("{:?}", pair.seen(A, 3)) };
    assert!(kept.hops.len() < 500 && kept.hops.iter().all(|hop| hop.node() == NodeNumber::UNKNOWN));
    assert_eq!(pair[A].session.counts().reasons_cut, 1);
}
