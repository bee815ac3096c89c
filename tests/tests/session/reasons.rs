//! Reasons on their way. Specification: `dist.md`, "Exit reasons"; `session.md`, "Pids".

use snow_dist_codec::frame::Exit;
use snow_dist_codec::{Frame, Pid as WirePid, Reason as WireReason, ReasonBuf, Root, UnknownRoot};
use snow_dist_runtime::core::limits::REASON_BYTES_MAX;
use snow_dist_runtime::core::{NodeNumber, Pid, Reason};
use snow_dist_tests::simnet::Side::{A, B};
use snow_dist_tests::simnet::{Pair, Seen};

use super::{exit, linked};

/// The reason that process 3 of A sees when an EXIT with `reason` comes, and how many were cut.
fn seen_of(reason: WireReason<'_>) -> (Reason, u64) {
    let mut pair = linked();
    pair.inject(A, Exit { from: Pair::wire(B, 3), to: Pair::wire(A, 3), reason });
    pair.settle();
    let [Seen::Exit(_, reason)] = pair.seen(A, 3) else { panic!("{:?}", pair.ended(A)) };
    (reason.clone(), pair[A].session.counts().reasons_cut)
}

/// Bytes that a reason takes on the wire.
fn wire_bytes(reason: Reason) -> usize {
    let mut pair = linked();
    pair.end_process(A, 3, reason);
    pair.settle();
    let frames = pair[B].frames();
    let Some(Frame::Exit(exit)) = frames.last() else { panic!("{:?}", pair[B].names()) };
    exit.reason.encoded_len()
}

#[test]
fn every_reason_arrives_as_it_was() {
    for reason in [
        Reason::Normal,
        Reason::error("\u{e9}rror"),
        Reason::Killed,
        Reason::Shutdown,
        Reason::custom("custom"),
        Reason::Noconnection,
        Reason::Unknown([9, 1, 2].into()),
    ] {
        let mut pair = linked();
        pair.end_process(A, 3, reason.clone());
        pair.settle();
        assert_eq!(pair.seen(B, 3), [exit(B, 3, reason)]);
    }
}

//= spec/session.md#ses-pid-010
//# In an unowned pid a node MUST write node id 0 and its own creation for a process of its present start.
//= spec/session.md#ses-pid-011
//# In an unowned pid a node MUST write node id 65534 and the peer's creation for a process of the peer's
//# present start.
//= spec/session.md#ses-pid-012
//# In an unowned pid a node MUST write node id 65535 for any other process, unless its node table in this
//# session has an index for that start.
//= spec/session.md#ses-rsn-007
//# A node that passes on a reason MUST write each hop as SES-PID-010 to SES-PID-012 ask for the process that
//# it took it for.
#[test]
fn each_hop_is_written_as_the_reader_will_know_it() {
    let third = Pid::new(NodeNumber::other(2).unwrap(), 5, 8);
    let old_start = Pid::new(NodeNumber::other(1).unwrap(), B.creation() - 1, 8);
    let unknown = Pid::new(NodeNumber::UNKNOWN, 5, 8);
    let mut reason = Reason::error("boom");
    for hop in [unknown, old_start, third, Pair::theirs(A, 8), Pair::ours(A, 8)] {
        reason = Reason::linked(hop, &reason);
    }
    let mut pair = linked();
    pair.end_process(A, 3, reason);
    pair.settle();

    let frames = pair[B].frames();
    let Some(Frame::Exit(exit)) = frames.last() else { panic!("{:?}", pair[B].names()) };
    let nodes: Vec<_> = exit.reason.hops().map(|hop| (hop.node(), hop.creation())).collect();
    let expected =
        [(0, A.creation()), (0xFFFE, B.creation()), (0xFFFF, 5), (0xFFFF, B.creation() - 1), (0xFFFF, 5)];
    assert_eq!(nodes, expected);

    let [Seen::Exit(_, Reason::Linked(chain))] = pair.seen(B, 3) else { panic!("{:?}", pair.seen(B, 3)) };
    let nobody = |creation| Pid::new(NodeNumber::UNKNOWN, creation, 8);
    let hops = [Pair::theirs(B, 8), Pair::ours(B, 8), nobody(5), nobody(B.creation() - 1), nobody(5)];
    assert_eq!(chain.hops, hops);
    assert_eq!(chain.root, Reason::error("boom"));
}

//= spec/session.md#ses-pid-013
//# A node MUST take an unowned pid with node id 0 and the peer's creation for a process of the peer.
//= spec/session.md#ses-pid-014
//# A node MUST take an unowned pid with node id 65534 and its own creation for a process of its own.
//= spec/session.md#ses-pid-015
//# A node MUST take every other unowned pid for a process of an unknown node, unless its node id is an index
//# of the peer's node table.
#[test]
fn a_hop_that_cannot_be_is_unknown_and_no_error() {
    let wire = |node, creation| WirePid::new(node, creation, 8).unwrap();
    let hops = [
        wire(0, B.creation()),
        wire(0xFFFE, A.creation()),
        wire(0xFFFE, A.creation() + 1), // of another start of the reader
        wire(0, B.creation() + 1),      // of another start of the writer
        wire(17, 1),                    // an index that no NODE_TABLE gave
        wire(0xFFFF, 1),
    ];
    let (reason, cut) = seen_of(ReasonBuf::new(hops.into_iter(), &Root::Killed).as_reason());
    let Reason::Linked(chain) = reason else { panic!("not a chain") };
    let nobody = |creation| Pid::new(NodeNumber::UNKNOWN, creation, 8);
    let expected = [
        Pair::theirs(A, 8),
        Pair::ours(A, 8),
        nobody(A.creation() + 1),
        nobody(B.creation() + 1),
        nobody(1),
        nobody(1),
    ];
    assert_eq!((chain.hops.as_slice(), cut), (&expected[..], 0));
}

#[test]
fn hops_that_name_nobody_are_counted() {
    let mut pair = linked();
    let wire = |node, creation| WirePid::new(node, creation, 8).unwrap();
    let hops = [wire(0, B.creation()), wire(0xFFFE, 1), wire(17, 1), wire(0xFFFF, 1)];
    let reason = ReasonBuf::new(hops.into_iter(), &Root::Killed);
    let (from, to) = (Pair::wire(B, 3), Pair::wire(A, 3));
    pair.inject(A, Exit { from, to, reason: reason.as_reason() });
    pair.settle();
    // That the writer itself did not know the last one is no news.
    assert_eq!(pair[A].session.counts().hops_unknown, 2);
}

//= spec/session.md#ses-rsn-003
//# A node that leaves out hops to shorten a reason MUST leave out the last ones, next to the root.
#[test]
fn a_million_hops_are_cut_to_the_limit_and_keep_their_root() {
    let hops = (0..1_000_000).map(|local| WirePid::new(0, B.creation(), local).unwrap()).collect::<Vec<_>>();
    let (reason, cut) = seen_of(ReasonBuf::new(hops.into_iter(), &Root::Error("boom".into())).as_reason());
    let Reason::Linked(chain) = &reason else { panic!("not a chain") };
    assert_eq!((chain.hops[0], chain.hops[1]), (Pair::theirs(A, 0), Pair::theirs(A, 1)));
    assert_eq!((&chain.root, cut), (&Reason::error("boom"), 1));
    let bytes = wire_bytes(reason);
    assert!(bytes <= REASON_BYTES_MAX && bytes > REASON_BYTES_MAX - 9, "{bytes}");
}

#[test]
fn a_text_is_cut_and_passed_on_within_the_limit() {
    let text = "x".repeat(1 << 20);
    let (reason, cut) = seen_of(Root::Error(text.as_str().into()).into());
    assert_eq!(cut, 1);
    // Its next stop puts a hop before it.
    let bytes = wire_bytes(Reason::linked(Pair::theirs(A, 3), &reason));
    assert!(bytes <= REASON_BYTES_MAX && bytes > REASON_BYTES_MAX - 16, "{bytes}");
}

//= spec/session.md#ses-rsn-002
//# A node MUST NOT write a reason of more than `reason_bytes_max` bytes.
#[test]
fn a_reason_that_a_program_made_too_long_is_cut_and_never_lost() {
    let text: std::sync::Arc<str> = "x".repeat(17 << 20).into();
    let hops = vec![Pair::theirs(A, 3); 2_000_000];
    let chain = snow_dist_runtime::core::Chain { hops, root: Reason::Error(text.clone()) };
    let unknown = Reason::Unknown(vec![9; 17 << 20].into());
    for reason in [Reason::Error(text.clone()), Reason::Custom(text), unknown, Reason::Linked(chain.into())] {
        let bytes = wire_bytes(reason);
        assert!(bytes <= REASON_BYTES_MAX, "{bytes}");
    }
}

//= spec/session.md#ses-rsn-001
//# A node MUST NOT ignore an EXIT or MONITOR_EXIT because of what its reason holds.
//= spec/session.md#ses-rsn-006
//# A node that passes on a reason with an unknown root MUST write that root as tag and bytes as they came, or
//# as Error "unknown".
#[test]
fn a_root_of_a_later_version_is_kept_and_passed_on() {
    let bytes = [0x21, 1, 2, 3];
    let root = Root::Unknown(UnknownRoot::new(&bytes).unwrap());
    let hop = WirePid::new(0, B.creation(), 8).unwrap();
    let (reason, _) = seen_of(ReasonBuf::linked(hop, &root.into()).as_reason());
    assert_eq!(reason, Reason::linked(Pair::theirs(A, 8), &Reason::Unknown(bytes.into())));
    assert!(reason.kills());

    let mut pair = linked();
    pair.end_process(A, 3, reason);
    pair.settle();
    let frames = pair[B].arrived.last().unwrap();
    assert!(frames.ends_with(&bytes));
}
