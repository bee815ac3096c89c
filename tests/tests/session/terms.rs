//! Messages that are known to be terms. Specification: `capabilities.md`, "Messages that are terms".

use snow_dist_codec::frame::SendTerm;
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::stf::{Encoder, Terms};
use snow_dist_codec::{Frame, Pid as WirePid};
use snow_dist_runtime::core::session::{Lacking, NotSent};
use snow_dist_runtime::core::{NodeNumber, Pid, Term};
use snow_dist_tests::simnet::Side::{A, B};
use snow_dist_tests::simnet::{Pair, Seen};

fn pair(capabilities: Capabilities) -> Pair {
    Pair::with(|_, config| config.capabilities = capabilities)
}

/// A list of pids; the first is 0, the next 1, and so on.
pub(super) fn term(pids: &[Pid]) -> Term {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes);
    encoder.list(pids.len()).unwrap();
    (0..pids.len() as u64).for_each(|number| encoder.pid(WirePid::from_bits(number)));
    encoder.finish().unwrap();
    Term::new(bytes, pids).unwrap()
}

//= spec/capabilities.md#cap-stm-001
//# A node MUST NOT write SEND_TERM in a session that does not have `send_term`.
//= spec/capabilities.md#cap-stm-002
//# A node MUST treat the message of a SEND_TERM as that of a SEND, and let the process tell that it was
//# marked as a term.
//= spec/capabilities.md#cap-stm-007
//# In a session without `send_term`, a node whose process sends a term of the first kind without pids to a
//# process MUST write it as the message of a SEND.
#[test]
fn a_term_is_marked_where_it_can_be_and_a_message_elsewhere() {
    let mut with = pair(Capabilities::SEND_TERM);
    with[A].session.send_term(3, 3, &mut term(&[])).unwrap();
    with[A].session.send_term(3, 99, &mut term(&[])).unwrap();
    with[A].session.send(3, 3, b"no term").unwrap();
    with.settle();
    assert_eq!(with[B].names(), ["SEND_TERM", "SEND_TERM", "SEND"]);
    let bytes = vec![1, 10, 0, 0, 0, 0];
    assert_eq!(with.seen(B, 3), [Seen::Term(bytes.clone(), vec![]), Seen::Message(b"no term".to_vec())]);

    let mut without = pair(Capabilities::NODE_TABLE);
    without[A].session.send_term(3, 3, &mut term(&[])).unwrap();
    without.settle();
    assert_eq!((without[B].names(), without.seen(B, 3)), (vec!["SEND"], &[Seen::Message(bytes)][..]));
}

//= spec/capabilities.md#cap-stm-003
//# A node MUST refuse a term with pids for which it would have to write SEND or REG_SEND.
#[test]
fn pids_are_not_sent_where_nobody_would_know_them() {
    let mut pair = pair(Capabilities::NODE_TABLE.union(Capabilities::REMOTE_EXIT));
    let refused = pair[A].session.send_term(3, 3, &mut term(&[Pair::ours(A, 3)]));
    assert_eq!(refused, Err(NotSent::Lacking(Lacking { capability: "send_term" })));
    pair.settle();
    assert!(pair[B].arrived.is_empty());
}

//= spec/capabilities.md#cap-stm-004
//# A node MUST write each pid in the term of a SEND_TERM by SES-PID-010 to SES-PID-012.
//= spec/capabilities.md#cap-stm-005
//# A node MUST read each pid in the term of a SEND_TERM by SES-PID-013 to SES-PID-015.
#[test]
fn every_pid_is_written_and_read_as_what_it_is() {
    let mut pair = pair(Capabilities::SEND_TERM);
    let old_start = Pid::new(NodeNumber::other(1).unwrap(), B.creation() - 1, 8);
    let third = Pid::new(NodeNumber::other(2).unwrap(), 5, 8);
    let pids = [Pair::ours(A, 3), Pair::theirs(A, 4), old_start, third, Pair::ours(A, 3)];
    pair[A].session.send_term(3, 3, &mut term(&pids)).unwrap();
    pair.settle();
    let frames = pair[B].frames();
    let [Frame::SendTerm(sent)] = &frames[..] else { panic!("{frames:?}") };
    let wire = |node, creation, local| WirePid::new(node, creation, local).unwrap().to_bits().to_le_bytes();
    let expected = [
        wire(0, A.creation(), 3),
        wire(WirePid::NODE_READER, B.creation(), 4),
        wire(WirePid::NODE_UNKNOWN, B.creation() - 1, 8),
        wire(WirePid::NODE_UNKNOWN, 5, 8),
        wire(0, A.creation(), 3),
    ];
    assert_eq!(sent.message[6..], expected.map(|pid| [&[30][..], &pid].concat()).concat());
    let [Seen::Term(bytes, read)] = pair.seen(B, 3) else { panic!("{:?}", pair.seen(B, 3)) };
    assert_eq!(bytes, sent.message);
    let unknown = |pid: Pid| Pid::new(NodeNumber::UNKNOWN, pid.creation(), pid.local());
    let first = Pair::theirs(B, 3);
    assert_eq!(read, &[first, Pair::ours(B, 4), unknown(old_start), unknown(third), first]);
    assert_eq!(pair[B].session.counts().pids_unknown, 0);
}

#[test]
fn a_pid_that_means_nothing_here_is_unknown_and_counted() {
    let mut pair = pair(Capabilities::SEND_TERM);
    let lost = [(0, 3), (WirePid::NODE_READER, A.creation()), (5, A.creation())];
    let mut message = vec![1, 13, 4];
    for (node, creation) in lost.into_iter().chain([(WirePid::NODE_UNKNOWN, 1)]) {
        message.push(30);
        message.extend(WirePid::new(node, creation, 2).unwrap().to_bits().to_le_bytes());
    }
    pair.inject(B, SendTerm { to: Pair::wire(B, 3), message: &message });
    pair.settle();
    let [Seen::Term(_, pids)] = pair.seen(B, 3) else { panic!("{:?}", pair.ended(B)) };
    assert!(pids.len() == 4 && pids.iter().all(|pid| pid.node() == NodeNumber::UNKNOWN), "{pids:?}");
    assert_eq!((pair[B].session.counts().pids_unknown, pair.ended(B)), (3, None));
}

//= spec/capabilities.md#cap-stm-006
//# A node MUST NOT end the session because of the message of a SEND_TERM.
#[test]
fn bytes_that_are_no_term_are_given_all_the_same() {
    let mut pair = pair(Capabilities::SEND_TERM);
    let deep = [&[1][..], &[40; 100], &[6]].concat();
    let half = [&[1, 30][..], &[0, 0, 0]].concat();
    let known = Pair::wire(A, 3).to_bits().to_le_bytes();
    let wrong_end = [&[1, 13, 2, 30][..], &known, &[99]].concat();
    for message in [&[][..], &[7], &deep, &half, &wrong_end] {
        pair.inject(B, SendTerm { to: Pair::wire(B, 3), message });
    }
    pair.settle();
    assert_eq!(pair.ended(B), None);
    let given = [vec![], vec![7], deep, half, wrong_end].map(|bytes| Seen::Term(bytes, vec![]));
    assert_eq!(pair.seen(B, 3), given);
}

fn bytes() -> Term {
    Term::new(vec![1, 7, 2, 0, 0, 0, 30, 9], &[]).unwrap()
}

/// A variant with one field, a pid.
fn variant(pid: Pid) -> Term {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new_in(Terms::Second, &mut bytes);
    encoder.variant("E".into(), "V".into(), 1).unwrap();
    encoder.field("f".into()).unwrap();
    encoder.pid(WirePid::from_bits(0));
    encoder.finish().unwrap();
    Term::new(bytes, &[pid]).unwrap()
}

const BOTH: Capabilities = Capabilities::SEND_TERM.union(Capabilities::TERMS_2);

//= spec/capabilities.md#cap-trm-001
//# A node MUST refuse a term of the second kind in a session that does not have `terms_2`.
//= spec/capabilities.md#cap-trm-002
//# A node MUST refuse a term of the second kind for which it would have to write SEND or REG_SEND.
//= spec/capabilities.md#cap-trm-005
//# The error of such a refusal SHOULD name the capability that the session lacks, and the peer.
#[test]
fn the_second_kind_is_refused_where_it_would_not_be_read() {
    for (capabilities, lacking) in [
        (Capabilities::NONE, Some("terms_2")),
        (Capabilities::SEND_TERM, Some("terms_2")),
        (Capabilities::TERMS_2, Some("send_term")),
        (BOTH, None),
    ] {
        let mut pair = pair(capabilities);
        let sent = pair[A].session.send_term(3, 3, &mut bytes());
        assert_eq!(sent.err(), lacking.map(|capability| NotSent::Lacking(Lacking { capability })));
        pair.settle();
        assert_eq!(pair[B].names(), if lacking.is_none() { vec!["SEND_TERM"] } else { vec![] });
        // By names there is no mark in any of them.
        let named = pair[A].session.send_named_term(3, "n", &mut bytes()).unwrap_err();
        let capability = if capabilities.contains(Capabilities::TERMS_2) { "names" } else { "terms_2" };
        assert_eq!(named, NotSent::Lacking(Lacking { capability }));
    }
}

#[test]
fn what_has_a_form_of_the_first_kind_goes_in_that() {
    let both = || variant(Pair::ours(A, 3)).or_first(term(&[Pair::ours(A, 3)]));
    for (capabilities, first) in [(Capabilities::SEND_TERM, 10), (BOTH, 22)] {
        let mut pair = pair(capabilities);
        pair[A].session.send_term(3, 3, &mut both()).unwrap();
        pair.settle();
        let [Seen::Term(bytes, pids)] = pair.seen(B, 3) else { panic!("{:?}", pair.seen(B, 3)) };
        assert_eq!((bytes[1], &pids[..]), (first, &[Pair::theirs(B, 3)][..]));
    }
    let mut unmarked = pair(Capabilities::TERMS_2);
    unmarked[A].session.send_term(3, 3, &mut bytes().or_first(term(&[]))).unwrap();
    unmarked.settle();
    assert_eq!(unmarked.seen(B, 3), [Seen::Message(vec![1, 10, 0, 0, 0, 0])]);
}

//= spec/capabilities.md#cap-trm-003
//# In a session with `terms_2` a node MUST accept terms of either kind in frames with terms.
//= spec/capabilities.md#cap-trm-004
//# In a session without `terms_2` a node MUST accept only terms of the first kind in frames with terms.
#[test]
fn what_arrives_is_a_term_of_the_kinds_of_the_session() {
    let mut message = variant(Pair::ours(A, 3)).into_local().0;
    let at = message.len() - 8;
    message[at..].copy_from_slice(&Pair::wire(A, 3).to_bits().to_le_bytes());
    for (capabilities, pids) in [(Capabilities::SEND_TERM, vec![]), (BOTH, vec![Pair::theirs(B, 3)])] {
        let mut pair = pair(capabilities);
        pair.inject(B, SendTerm { to: Pair::wire(B, 3), message: &message });
        pair.settle();
        assert_eq!(pair.seen(B, 3), [Seen::Term(message.clone(), pids)]);
    }
}

//= spec/session.md#ses-pid-004
//# A node MUST end the session if it reads a node id other than 0 in a receiver field.
//= spec/session.md#ses-pid-005
//# A node MUST treat a receiver field with node id 0 and another creation than its own as the pid of a dead
//# process.
#[test]
fn its_receiver_is_judged_as_everywhere() {
    let mut pair = pair(Capabilities::SEND_TERM);
    pair.inject(B, SendTerm { to: WirePid::new(0, B.creation() + 1, 3).unwrap(), message: &[1, 6] });
    pair.settle();
    assert_eq!((pair[B].session.counts().stale, pair.seen(B, 3).len(), pair.ended(B)), (1, 0, None));
    pair.inject(B, SendTerm { to: WirePid::new(3, B.creation(), 3).unwrap(), message: &[1, 6] });
    pair.settle();
    assert!(pair.ended(B).is_some());
}

#[test]
fn a_term_that_the_peer_does_not_take_is_refused_and_nothing_is_written() {
    let mut pair = Pair::with(|_, config| {
        config.capabilities = Capabilities::SEND_TERM;
        config.peer_bounds.frame_bytes = 65_536;
    });
    let pids = vec![Pair::ours(A, 3); 8_000];
    assert!(matches!(pair[A].session.send_term(3, 3, &mut term(&pids)), Err(NotSent::TooLong(_))));
    assert!(!pair[A].session.has_output());
}
