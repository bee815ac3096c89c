//! Sessions of version 1. Specification: `version1.md`.
//!
//! A is the node under test. B only writes down what arrives: what a version 1 node answers is injected.

mod links;

use std::time::Duration;

use snow_dist_codec::frame::{
    Call, CallName, CallReply, Close, Demonitor, Exit, GlobalRegister, GlobalSync, GlobalUnregister, Link,
    Monitor, MonitorExit, MonitorName, Named, RegSend, Send, SendNameTerm, Unlink, UnlinkAck, UnlinkId,
};
use snow_dist_codec::{
    EntriesBuf, Entry, Frame, Pid as WirePid, Reason as WireReason, ReasonBuf, Root, Signal,
};
use snow_dist_runtime::core::peers::Sign;
use snow_dist_runtime::core::session::{Lacking, Misrouted, NotCalled, NotMade, NotSent, Version};
use snow_dist_runtime::core::{Chain, NodeNumber, Pid, Reason};
use snow_dist_tests::simnet::Side::{self, A, B};
use snow_dist_tests::simnet::{Pair, Seen};

use super::calls::UNIT;
use super::terms::term;

/// The node id of A at the peer.
const K: u16 = 3;

fn version_1(node_id: Option<u16>) -> Version {
    Version::One { node_id: node_id.map(|id| id.try_into().unwrap()), seed: [7; 32] }
}

fn beside(node_id: Option<u16>) -> Pair {
    Pair::with(|_, config| config.version = version_1(node_id))
}

/// A process of the version 1 node, as it is written.
fn theirs(local: u64) -> WirePid {
    WirePid::new(0, 0, local).unwrap()
}

/// A process of A, as it is written.
fn ours(local: u64) -> WirePid {
    WirePid::new(K, A.creation(), local).unwrap()
}

fn exit(remote: u64, reason: Reason) -> Seen {
    Seen::Exit(Pair::theirs(A, remote), reason)
}

fn links_and_monitors(pair: &Pair) -> (usize, usize, usize) {
    pair[A].session.table_sizes()
}

/// Settles, and forgets what has arrived until now.
fn forget(pair: &mut Pair) {
    pair.settle();
    pair[B].arrived.clear();
}

/// A pair in which process 3 of A is linked with process 9 of the version 1 node, and the number of the monitor beside.
fn linked() -> (Pair, u64) {
    let mut pair = beside(Some(K));
    pair[A].session.link(3, 9).unwrap();
    pair.settle();
    let reference = reference(&pair);
    forget(&mut pair);
    (pair, reference)
}

/// The number in the last MONITOR.
fn reference(pair: &Pair) -> u64 {
    let of =
        |frame: &Frame<'_>| if let Frame::Monitor(monitor) = frame { Some(monitor.reference) } else { None };
    pair[B].frames().iter().rev().find_map(of).unwrap()
}

fn killed<'a>() -> WireReason<'a> {
    Root::Killed.into()
}

//= spec/version1.md#v1-pid-001
//# A node MUST write a process of its peer into a field whose owner is the receiver as (0, l, 0), but for
//# V1-PID-003 and V1-PID-004.
//= spec/version1.md#v1-pid-002
//# A node MUST write an own process into `from` of LINK, UNLINK, EXIT, MONITOR and DEMONITOR as (k, l, c),
//# but for V1-PID-003.
//= spec/version1.md#v1-lnk-001
//# A node MUST write a MONITOR of the same two processes behind each LINK.
//= spec/version1.md#v1-lnk-003
//# A node MUST write DEMONITOR for the monitor beside a link, if there is one, when it writes UNLINK.
#[test]
fn what_is_written_has_their_form() {
    let mut pair = beside(Some(K));
    let session = &mut pair[A].session;
    session.send(3, 9, b"text").unwrap();
    session.link(3, 9).unwrap();
    session.monitor(3, 8, 1).unwrap();
    session.unlink(3, 9);
    assert!(session.demonitor(1));
    session.link(3, 7).unwrap();
    pair.end_process(A, 3, Reason::Killed);
    pair.settle();
    let (from, to) = (ours(3), theirs(9));
    let arrived = pair[B].frames();
    let [
        Frame::Send(send),
        Frame::Link(link),
        Frame::Monitor(beside),
        Frame::Monitor(other),
        Frame::Unlink(unlink),
        Frame::Demonitor(over),
        Frame::Demonitor(other_over),
        Frame::Link(last),
        Frame::Monitor(_),
        Frame::Demonitor(_),
        Frame::Exit(exit),
    ] = arrived[..]
    else {
        panic!("{arrived:?}")
    };
    assert_eq!(send, Send { to, message: b"text" });
    assert_eq!(link, Link { from, to });
    assert_eq!(beside, Monitor { from, to, reference: beside.reference });
    assert_eq!(unlink, Unlink { from, to });
    assert_eq!(over, Demonitor { from, to, reference: beside.reference });
    assert_eq!((other.from, other.to), (from, theirs(8)));
    assert_eq!(other_over, Demonitor { from, to: theirs(8), reference: other.reference });
    assert_eq!((last.from, last.to), (from, theirs(7)));
    assert_eq!(exit, Exit { from, to: theirs(7), reason: killed() });
    assert_eq!(links_and_monitors(&pair), (0, 0, 0));
}

//= spec/version1.md#v1-mon-001
//= type=test
//# A node MUST take each `ref` of a MONITOR from a random source of 64 bits.
#[test]
fn numbers_of_monitors_are_no_counter_and_are_not_used_twice() {
    let mut pair = beside(Some(K));
    for reference in 0..1_000 {
        pair[A].session.monitor(3, 9, reference).unwrap();
    }
    pair.settle();
    let of = |frame: Frame<'_>| if let Frame::Monitor(monitor) = frame { monitor.reference } else { 0 };
    let mut numbers: Vec<_> = pair[B].frames().into_iter().map(of).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 1_000);
    // Of a thousand even numbers of 64 bits some have, and some have not, each of the bits.
    let (all, any) = numbers.iter().fold((u64::MAX, 0), |(all, any), number| (all & number, any | number));
    assert_eq!((all, any), (0, u64::MAX));
    // Another session has other numbers.
    let mut other = Pair::with(|_, config| {
        config.version = Version::One { node_id: K.try_into().ok(), seed: [8; 32] };
    });
    other[A].session.monitor(3, 9, 0).unwrap();
    other.settle();
    assert!(!numbers.contains(&reference(&other)));
}

/// What a version 1 node writes to process `local` of A, by each of its forms of that pid.
fn forms(local: u64) -> Vec<WirePid> {
    let creations = [0, 1, A.creation()];
    let of = |node| creations.map(|creation| WirePid::new(node, creation, local).unwrap());
    [of(0), of(K)].concat()
}

//= spec/version1.md#v1-pid-003
//# A node MUST copy `from` and `to` of an EXIT or UNLINK for a link that the peer has made byte for byte from `to`
//# and `from` of its LINK.
//= spec/version1.md#v1-pid-004
//# A node MUST copy `monitored` and `monitoring` of a MONITOR_EXIT byte for byte from `to` and `from` of the
//# MONITOR.
//= spec/version1.md#v1-pid-005
//# A node MUST read a pid whose owner is the receiver, with node id 0 or k and creation 0, 1 or c, as its own
//# process of that local id.
//= spec/version1.md#v1-lrn-005
//# A node MUST answer LINK and MONITOR of the peer whether it knows k or not.
#[test]
fn what_they_have_made_ends_by_the_very_bytes_of_theirs() {
    for to in forms(3) {
        for creation in [0, 1] {
            let from = WirePid::new(0, creation, 9).unwrap();
            let mut pair = beside(None);
            pair.inject(A, Link { from, to });
            pair.inject(A, Monitor { from, to, reference: 1 });
            pair.settle();
            assert_eq!((links_and_monitors(&pair), pair[B].arrived.len()), ((1, 0, 1), 0));
            let mut unlinking = pair.clone();
            pair.end_process(A, 3, Reason::Killed);
            pair.settle();
            let exit = Exit { from: to, to: from, reason: killed() }.into();
            let down = MonitorExit { monitored: to, monitoring: from, reference: 1, reason: killed() }.into();
            assert_eq!(pair[B].frames(), [exit, down]);
            unlinking[A].session.unlink(3, 9);
            unlinking.settle();
            assert_eq!(unlinking[B].frames(), [Unlink { from: to, to: from }.into()]);
            assert_eq!(links_and_monitors(&unlinking), (0, 0, 1));
        }
    }
}

//= spec/version1.md#v1-pid-006
//# A node MUST read a pid whose owner is the receiver, with another creation, as a process that does not
//# exist.
#[test]
fn a_process_of_another_start_or_none_is_answered_as_one_that_does_not_exist() {
    for (node, creation, local) in [(0, 2, 3), (K, A.creation() + 1, 3), (K, 255, 3), (0, 0, 99), (K, 1, 99)]
    {
        let (from, to) = (theirs(9), WirePid::new(node, creation, local).unwrap());
        let mut pair = beside(None);
        pair.inject(A, Send { to, message: b"text" });
        pair.inject(A, Link { from, to });
        pair.inject(A, Monitor { from, to, reference: 1 });
        pair.settle();
        let reason = Root::Error("noproc".into()).into();
        let exit = Exit { from: to, to: from, reason }.into();
        let down = MonitorExit { monitored: to, monitoring: from, reference: 1, reason }.into();
        assert_eq!(pair[B].frames(), [exit, down]);
        assert_eq!((links_and_monitors(&pair), pair.seen(A, 3).len()), ((0, 0, 0), 0));
    }
}

/// Every frame of a peer with a receiver.
fn frames(from: WirePid, to: WirePid) -> Vec<Frame<'static>> {
    vec![
        Send { to, message: b"text" }.into(),
        Link { from, to }.into(),
        Unlink { from, to }.into(),
        Monitor { from, to, reference: 1 }.into(),
        Demonitor { from, to, reference: 1 }.into(),
        Exit { from, to, reason: killed() }.into(),
        MonitorExit { monitored: from, monitoring: to, reference: 1, reason: killed() }.into(),
    ]
}

//= spec/version1.md#v1-pid-012
//# A node MUST ignore a frame with a pid whose owner is the receiver and whose node id is neither 0 nor k, but for
//# V1-LRN-006.
#[test]
fn a_frame_for_another_node_is_ignored_and_both_numbers_are_told() {
    for node in [1, K + 1, WirePid::NODE_READER, WirePid::NODE_UNKNOWN] {
        // Also where the sender cannot be one of theirs: the receiver is judged first.
        for from in [theirs(9), WirePid::new(1, 7, 9).unwrap()] {
            for frame in frames(from, WirePid::new(node, A.creation(), 3).unwrap()) {
                let (mut pair, _) = linked();
                pair.inject(A, Send { to: ours(WirePid::LOCAL_MAX), message: b"k is 3" });
                pair.inject(A, frame);
                pair.settle();
                assert_eq!((pair.ended(A), pair[B].arrived.len()), (None, 0));
                assert_eq!((pair[A].session.counts().misrouted, pair[A].session.counts().foreign), (1, 0));
                let told = Misrouted { node_id: node.try_into().unwrap(), own: K.try_into().ok() };
                assert_eq!(pair[A].session.take_misrouted(), Some(told));
                assert_eq!(pair[A].session.take_misrouted(), None);
                // The link is as it was.
                assert_eq!((links_and_monitors(&pair), pair.seen(A, 3).len()), ((1, 1, 0), 0));
            }
        }
    }
}

//= spec/version1.md#v1-lrn-006
//# A node whose operator has said k MUST end the session if the node id of V1-LRN-001 is another one.
//= spec/version1.md#v1-tag-001
//# A node MUST NOT write a tag from `80` to `9F` in a session of version 1.
#[test]
fn a_node_id_that_was_said_wrongly_ends_the_session_in_silence_and_both_are_named() {
    for frame in &frames(theirs(9), WirePid::new(K + 1, 1, 3).unwrap())[..5] {
        let (mut pair, _) = linked();
        let mut payload = Vec::new();
        frame.encode(&mut payload).unwrap();
        pair.inject_payload(A, &payload);
        pair.settle();
        let ending = pair.ended(A).unwrap();
        assert!(ending.contains("set to 3") && ending.contains("writes 4"), "{ending}");
        assert_eq!(pair[B].arrived.len(), 0);
        assert_eq!(pair.seen(A, 3), [exit(9, Reason::Noconnection)]);
    }
}

//= spec/version1.md#v1-pid-008
//# A node MUST ignore a frame with a pid whose owner is the sender unless its node id is 0 and its creation is 0
//# or 1.
#[test]
fn a_sender_that_cannot_be_is_ignored() {
    let (mut pair, _) = linked();
    let mut ignored = 0;
    for (node, creation) in [(K, 0), (1, 1), (0, 2), (0, 255), (WirePid::NODE_UNKNOWN, 0)] {
        for frame in frames(WirePid::new(node, creation, 9).unwrap(), ours(3)).split_off(1) {
            pair.inject(A, frame);
            ignored += 1;
        }
    }
    pair.settle();
    assert_eq!((pair.ended(A), pair[A].session.counts().foreign), (None, ignored));
    assert_eq!((links_and_monitors(&pair), pair[B].arrived.len()), ((1, 1, 0), 0));
    assert_eq!(pair.seen(A, 3), []);
}

//= spec/version1.md#v1-lrn-001
//# A node MUST take k from the first node id other than 0 in `to` of a SEND, LINK, UNLINK, MONITOR or DEMONITOR of
//# the session.
//= spec/version1.md#v1-lrn-004
//# A node MUST NOT write LINK or MONITOR while it does not know k.
#[test]
fn k_is_learned_from_what_they_address_to_this_node() {
    // Also where nothing comes of the frame: there is no process 99, nor can `from` be one of theirs.
    for (from, to) in [(theirs(9), ours(3)), (theirs(9), ours(99)), (ours(9), ours(3))] {
        for frame in &frames(from, to)[..5] {
            let mut pair = beside(None);
            let session = &mut pair[A].session;
            assert_eq!(session.link(3, 8), Err(NotMade::NodeIdUnknown));
            assert_eq!(session.monitor(3, 8, 1), Err(NotMade::NodeIdUnknown));
            pair.settle();
            assert_eq!((pair[B].arrived.len(), links_and_monitors(&pair)), (0, (0, 0, 0)));
            // Node id 0 teaches nothing.
            pair.inject(A, Send { to: theirs(3), message: b"" });
            pair.settle();
            assert_eq!(pair[A].session.link(3, 8), Err(NotMade::NodeIdUnknown));
            let mut payload = Vec::new();
            frame.encode(&mut payload).unwrap();
            pair.inject_payload(A, &payload);
            forget(&mut pair);
            pair[A].session.monitor(3, 8, 1).unwrap();
            pair.settle();
            let reference = reference(&pair);
            assert_eq!(pair[B].frames(), [Monitor { from: ours(3), to: theirs(8), reference }.into()]);
        }
    }
}

//= spec/version1.md#v1-lrn-002
//# A node MUST NOT take k from any other field.
//= spec/version1.md#v1-pid-012
//# A node MUST ignore a frame with a pid whose owner is the receiver and whose node id is neither 0 nor k, but for
//# V1-LRN-006.
#[test]
fn k_is_not_learned_from_answers_and_hops() {
    let hops = ReasonBuf::new([ours(3)].into_iter(), &Root::Killed);
    let mut pair = beside(None);
    pair.inject(A, Exit { from: ours(9), to: theirs(3), reason: hops.as_reason() });
    pair.inject(A, Link { from: ours(9), to: theirs(3) });
    pair.settle();
    assert_eq!(pair[A].session.link(3, 8), Err(NotMade::NodeIdUnknown));
    for frame in &frames(theirs(9), ours(3))[5..] {
        let mut pair = beside(None);
        let mut payload = Vec::new();
        frame.encode(&mut payload).unwrap();
        pair.inject_payload(A, &payload);
        pair.settle();
        assert_eq!((pair.ended(A), pair[A].session.counts().misrouted), (None, 1), "{frame:?}");
        let told = Misrouted { node_id: K.try_into().unwrap(), own: None };
        assert_eq!(pair[A].session.take_misrouted(), Some(told));
        assert_eq!(pair[A].session.link(3, 8), Err(NotMade::NodeIdUnknown));
    }
}

fn chain(hops: impl IntoIterator<Item = Pid>, root: Reason) -> Reason {
    Reason::Linked(Chain { hops: hops.into_iter().collect(), root }.into())
}

/// The reason of the EXIT that is written when process 3, to which they have linked, ends with this one.
fn written(node_id: Option<u16>, reason: Reason) -> ReasonBuf {
    let mut pair = beside(node_id);
    pair.inject(A, Link { from: theirs(9), to: theirs(3) });
    forget(&mut pair);
    pair.end_process(A, 3, reason);
    pair.settle();
    let [Frame::Exit(exit)] = pair[B].frames()[..] else { panic!("{:?}", pair[B].names()) };
    ReasonBuf::from(&exit.reason)
}

//= spec/version1.md#v1-pid-009
//# A node MUST write a hop as (0, l, 0) for a process of the peer, as (k, l, c) for an own one while it knows
//# k, and with node id 65535 for every other.
#[test]
fn hops_are_written_in_their_form() {
    let third = Pid::new(NodeNumber::other(2).unwrap(), 5, 1);
    let unknown = Pid::new(NodeNumber::UNKNOWN, 6, 1);
    let hops = [Pair::theirs(A, 9), Pair::ours(A, 3), third, unknown];
    for (node_id, written_id) in [(Some(K), K), (None, WirePid::NODE_UNKNOWN)] {
        let reason = written(node_id, chain(hops, Reason::Killed));
        let expected = [
            theirs(9),
            WirePid::new(written_id, A.creation(), 3).unwrap(),
            WirePid::new(WirePid::NODE_UNKNOWN, 5, 1).unwrap(),
            WirePid::new(WirePid::NODE_UNKNOWN, 6, 1).unwrap(),
        ];
        assert_eq!(reason.as_reason().hops().collect::<Vec<_>>(), expected);
    }
}

//= spec/version1.md#v1-pid-013
//# A node MUST read a hop with node id 0 and creation 0 or 1 as a process of the peer, one with k and
//# creation 0, 1 or c as an own one, and any other as one of a node that it cannot name.
#[test]
fn hops_are_read_in_their_form() {
    let wire = |node, creation| WirePid::new(node, creation, 5).unwrap();
    let own = A.creation();
    let cases = [
        (wire(0, 0), Pair::theirs(A, 5)),
        (wire(0, 1), Pair::theirs(A, 5)),
        (wire(K, own), Pair::ours(A, 5)),
        (wire(K, 0), Pair::ours(A, 5)),
        (wire(K, 1), Pair::ours(A, 5)),
        // Of another start of this node, and of nobody.
        (wire(K, own + 1), Pid::new(NodeNumber::UNKNOWN, own + 1, 5)),
        (wire(0, 2), Pid::new(NodeNumber::UNKNOWN, 2, 5)),
        (wire(K + 1, own), Pid::new(NodeNumber::UNKNOWN, own, 5)),
        (wire(WirePid::NODE_READER, own), Pid::new(NodeNumber::UNKNOWN, own, 5)),
        (wire(WirePid::NODE_UNKNOWN, 1), Pid::new(NodeNumber::UNKNOWN, 1, 5)),
    ];
    let (mut pair, _) = linked();
    let reason = ReasonBuf::new(cases.iter().map(|(hop, _)| *hop), &Root::Killed);
    pair.inject(A, Exit { from: theirs(9), to: ours(3), reason: reason.as_reason() });
    pair.settle();
    let expected = chain(cases.iter().map(|(_, process)| *process), Reason::Killed);
    assert_eq!(pair.seen(A, 3), [exit(9, expected)]);
    // All that name no node here are counted, but for those that say so themselves.
    assert_eq!(pair[A].session.counts().hops_unknown, 4);
}

//= spec/version1.md#v1-rsn-001
//# A node MUST NOT write a reason of more than 256 hops.
#[test]
fn no_more_hops_are_written_than_they_can_bear() {
    let hops = (1..=300).map(|local| Pair::ours(A, local));
    let reason = written(Some(K), chain(hops, Reason::error("first")));
    let reason = reason.as_reason();
    assert!(reason.hops().eq((1..=256).map(ours)));
    assert_eq!(reason.root, Root::Error("first".into()));
}

//= spec/version1.md#v1-rsn-002
//# A node MUST NOT write a root whose tag is above 6.
#[test]
fn a_root_that_they_cannot_read_is_written_as_an_error() {
    let unknown = Reason::Unknown([9, 1, 2].into());
    for (reason, hops) in [(unknown.clone(), 0), (chain([Pair::ours(A, 4)], unknown), 1)] {
        let reason = written(Some(K), reason);
        let reason = reason.as_reason();
        assert_eq!((reason.hops().len(), reason.root), (hops, Root::Error("unknown".into())));
    }
}

//= spec/version1.md#v1-msg-001
//# A node MUST NOT write a SEND or REG_SEND whose message begins with one of the five types of mailbox signals.
#[test]
fn a_message_that_would_pass_for_a_signal_is_refused_to_its_sender() {
    let mut pair = beside(None);
    for (tag, _) in Signal::TAGS {
        let message = [&tag.to_le_bytes()[..], b"more"].concat();
        let session = &mut pair[A].session;
        assert_eq!(session.send(3, 9, &message), Err(NotSent::LooksLikeSignal));
        assert_eq!(session.send_named(3, "name", &message[..8]), Err(NotSent::LooksLikeSignal));
        session.send(3, 9, &message[..7]).unwrap();
        // From them it is a message.
        pair.inject(A, Send { to: theirs(3), message: &message });
        pair.settle();
        assert_eq!(pair.seen(A, 3).last(), Some(&Seen::Message(message)));
    }
    assert_eq!(pair[B].names(), ["SEND"; 5]);
}

//= spec/version1.md#v1-tag-002
//# A node MUST ignore a frame with a tag from `80` to `9F` in a session of version 1.
#[test]
fn tags_of_version_2_are_ignored() {
    let (mut pair, _) = linked();
    let (from, to) = (theirs(9), ours(3));
    pair.inject(A, UnlinkId { from, to, id: 1 });
    pair.inject(A, UnlinkAck { from, to, id: 1 });
    pair.inject(A, Close { code: 0, text: "".into() });
    for payload in [&[0x82, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, b'n'][..], &[0x83, 1, 0, 0, 0, 0, 0, 0, 0, 0]]
    {
        pair.inject_payload(A, payload);
    }
    pair.inject(A, Call { from, to, reference: 1, message: UNIT });
    pair.inject(A, CallName { from, reference: 1, name: "db".into(), message: UNIT });
    pair.inject(A, CallReply { from, to, reference: 1, message: UNIT });
    pair.inject(A, SendNameTerm { name: "db".into(), message: UNIT });
    pair.inject(A, MonitorName { from, reference: 1, name: "db".into() });
    pair.inject(A, Named { reference: 1, pid: from });
    pair.inject_payload(A, &[0x9D, 1]);
    pair.inject_payload(A, &[0x9F]);
    pair.settle();
    assert_eq!((pair.ended(A), pair[A].session.counts().unknown), (None, 13));
    assert_eq!((links_and_monitors(&pair), pair[B].arrived.len()), ((1, 1, 0), 0));
    // One that is damaged is refused all the same.
    pair.inject_payload(A, &[0x80, 1]);
    pair.settle();
    assert!(pair.ended(A).is_some());
}

//= spec/version1.md#v1-tag-001
//# A node MUST NOT write a tag from `80` to `9F` in a session of version 1.
#[test]
fn there_is_no_close() {
    let (mut pair, _) = linked();
    pair[A].session.send(3, 9, b"last words").unwrap();
    pair[A].session.close(0, "the node stops");
    pair.settle();
    assert_eq!((pair[B].names(), pair[A].session.has_output()), (vec!["SEND"], false));
}

//= spec/version1.md#v1-lst-001
//# A node MUST NOT dial a name from a PEER_LIST of a version 1 peer unless its operator has allowed that name.
#[test]
fn their_peer_lists_are_counted_and_not_used() {
    let mut pair = beside(None);
    pair.inject_payload(A, &[0x12, 1, 0, 5, 0, b'b', b'@', b'h', b':', b'1']);
    pair.inject(A, RegSend { name: "name".into(), message: b"text" });
    pair.settle();
    assert_eq!((pair.ended(A), pair[A].session.counts().left_alone), (None, 1));
}

//= spec/version1.md#v1-glb-001
//= type=test
//# A node MUST NOT write GLOBAL_REGISTER, GLOBAL_UNREGISTER or GLOBAL_SYNC to a version 1 peer.
#[test]
fn they_are_told_of_no_global_names() {
    let mut pair = beside(Some(K));
    let (desk, till) = ("desk".into(), "till".into());
    pair[A].session.tell_globals(&"a@h:1".into(), [(&desk, 3)]);
    assert!(!pair[A].session.has_output());
    pair[A].session.register_global(&till, 3);
    pair[A].session.unregister_global(&desk);
    assert!(!pair[A].session.has_output());
    pair.settle();
    assert_eq!(pair[B].names(), Vec::<&str>::new());
}

//= spec/version1.md#v1-glb-002
//= type=test
//# A node MUST ignore GLOBAL_REGISTER, GLOBAL_UNREGISTER and GLOBAL_SYNC of a version 1 peer.
#[test]
fn their_global_names_are_counted_and_not_used() {
    let mut pair = beside(Some(K));
    let (pid, node) = (theirs(9), "b@h:1");
    let mut entries = EntriesBuf::default();
    entries.push(&Entry { name: "till".into(), pid, node: node.into() }).unwrap();
    pair.inject(A, GlobalRegister { name: "desk".into(), pid, node: node.into() });
    pair.inject(A, GlobalSync { entries: entries.as_entries() });
    pair.inject(A, GlobalUnregister { name: "desk".into() });
    pair.settle();
    assert_eq!((pair.ended(A), pair[A].session.counts().left_alone), (None, 3));
    assert_eq!(pair[B].names(), Vec::<&str>::new());
}

//= spec/capabilities.md#cap-cal-001
//# A node MUST NOT write CALL, CALL_NAME or CALL_REPLY in a session that does not have `calls`.
//= spec/capabilities.md#cap-nam-001
//# A node MUST NOT write SEND_NAME_TERM, MONITOR_NAME or NAMED in a session that does not have `names`.
#[test]
fn calls_and_monitors_by_name_are_refused_to_who_asks() {
    // Whatever the nodes have announced elsewhere.
    let mut pair = Pair::with(|_, config| {
        config.version = version_1(Some(K));
        config.capabilities = snow_dist_runtime::core::session::CAPABILITIES;
    });
    let (calls, names) = (Lacking { capability: "calls" }, Lacking { capability: "names" });
    let session = &mut pair[A].session;
    assert_eq!(session.call(3, 9, 1, &mut term(&[])), Err(NotCalled::from(calls)));
    assert_eq!(session.call_named(3, "db", 2, &mut term(&[])), Err(NotCalled::from(calls)));
    assert_eq!(session.monitor_named(3, "db", 3), Err(NotMade::Lacking(names)));
    let with_pids = session.send_named_term(3, "db", &mut term(&[Pair::ours(A, 3)]));
    assert_eq!(with_pids, Err(NotSent::Lacking(names)));
    session.send_named_term(3, "db", &mut term(&[])).unwrap();
    pair.settle();
    assert_eq!((pair[B].names(), links_and_monitors(&pair)), (vec!["REG_SEND"], (0, 0, 0)));
}

/// Both ends by the same rules, as far as names, messages and the heartbeat go.
#[test]
fn messages_go_both_ways_without_a_node_id() {
    let mut pair = beside(None);
    for side in Side::BOTH {
        pair[side].table.register("name", 4);
        pair[side].session.send(3, 3, b"to a process").unwrap();
        pair[side].session.send_named(3, "name", b"to a name").unwrap();
        pair[side].session.probe(Duration::ZERO, Sign::Use);
    }
    pair.settle();
    for side in Side::BOTH {
        assert_eq!(pair.seen(side, 3), [Seen::Message(b"to a process".to_vec())]);
        assert_eq!(pair.seen(side, 4), [Seen::Message(b"to a name".to_vec())]);
        assert_eq!(pair[side].names(), ["PING", "SEND", "REG_SEND", "PONG"]);
    }
}
