//! What a peer may not write, and what is passed over. Specification: `session.md`, "Pids"; `dist.md`, "Unknown tags".

use snow_dist_codec::frame::{
    Call, CallName, CallReply, Demonitor, Exit, Exit2, Fragment, Link, Monitor, MonitorExit, MonitorName,
    Named, NodeTable, RegSend, Send, SendNameTerm, SendTerm, Spawn, SpawnReply, Unlink, UnlinkAck, UnlinkId,
};
use snow_dist_codec::{Frame, Pid as WirePid, Root};
use snow_dist_tests::simnet::Pair;
use snow_dist_tests::simnet::Side::{A, B};

use super::calls::UNIT;
use super::{linked, links};

/// Every frame with an owner for each of its pids.
fn frames(from: WirePid, to: WirePid) -> Vec<Frame<'static>> {
    let reason = Root::Killed.into();
    vec![
        Link { from, to }.into(),
        Unlink { from, to }.into(),
        UnlinkId { from, to, id: 1 }.into(),
        UnlinkAck { from, to, id: 1 }.into(),
        Exit { from, to, reason }.into(),
        Monitor { from, to, reference: 1 }.into(),
        Demonitor { from, to, reference: 1 }.into(),
        MonitorExit { monitored: from, monitoring: to, reference: 1, reason }.into(),
    ]
}

//= spec/session.md#ses-pid-006
//# A node MUST ignore a frame in which a sender field holds a node id other than 0 or another creation than
//# the peer's.
//= spec/connection.md#con-err-003
//# A node SHOULD count the frames that it ignores, by reason.
#[test]
fn a_sender_that_cannot_be_the_peers_is_ignored_and_counted() {
    let mut pair = linked();
    let strangers =
        [(1, B.creation()), (WirePid::NODE_UNKNOWN, B.creation()), (0, B.creation() + 1), (0, A.creation())];
    let mut sent = 0;
    for (node, creation) in strangers {
        for frame in frames(WirePid::new(node, creation, 3).unwrap(), Pair::wire(A, 3)) {
            pair.inject(A, frame);
            sent += 1;
        }
    }
    pair.settle();
    assert_eq!((pair.ended(A), pair[A].session.counts().foreign), (None, sent));
    assert_eq!((links(&pair, A), pair.seen(A, 3).len(), pair[B].names()), (1, 0, vec!["LINK"]));
}

//= spec/session.md#ses-pid-004
//# A node MUST end the session if it reads a node id other than 0 in a receiver field.
#[test]
fn a_receiver_on_another_node_is_a_protocol_error() {
    for node in [1, WirePid::NODE_READER, WirePid::NODE_UNKNOWN] {
        let to = WirePid::new(node, A.creation(), 3).unwrap();
        let mut wrong = frames(Pair::wire(B, 3), to);
        wrong.push(Send { to, message: b"text" }.into());
        for frame in wrong {
            let mut pair = linked();
            pair.inject(A, frame);
            pair.settle();
            let ended = pair.ended(A).unwrap_or("not at all");
            assert!(
                ended.contains(&format!("has node id {node} where only 0 can stand")),
                "{frame:?}: {ended}"
            );
            assert_eq!(pair.seen(A, 3).len(), 1, "the link has ended with the session");
        }
    }
}

//= spec/session.md#ses-pid-007
//# A node MUST judge receiver fields by SES-PID-004 before it judges sender fields by SES-PID-006.
#[test]
fn a_frame_with_two_wrong_pids_is_a_protocol_error() {
    let from = WirePid::new(1, B.creation(), 3).unwrap();
    let to = WirePid::new(1, A.creation(), 3).unwrap();
    for frame in frames(from, to) {
        let mut pair = linked();
        pair.inject(A, frame);
        pair.settle();
        assert!(pair.ended(A).is_some_and(|why| why.contains("has node id 1")), "{frame:?}");
        assert_eq!(pair[A].session.counts().foreign, 0);
    }
}

//= spec/session.md#ses-pid-005
//# A node MUST treat a receiver field with node id 0 and another creation than its own as the pid of a dead
//# process.
#[test]
fn a_receiver_of_another_start_is_dead() {
    let mut pair = linked();
    let to = WirePid::new(0, A.creation() + 1, 3).unwrap();
    for frame in frames(Pair::wire(B, 3), to) {
        pair.inject(A, frame);
    }
    pair.inject(A, Send { to, message: b"text" });
    pair.settle();
    assert_eq!((pair.ended(A), links(&pair, A), pair.seen(A, 3).len()), (None, 1, 0));
    // LINK, UNLINK_ID and MONITOR are answered; the others are counted.
    assert_eq!(pair[B].names()[1..], ["EXIT", "UNLINK_ACK", "MONITOR_EXIT"]);
    assert_eq!(pair[A].session.counts().stale, 6);
}

//= spec/session.md#ses-msg-002
//# A node MUST ignore a SEND to a dead process.
//= spec/session.md#ses-msg-004
//# A node MUST ignore a REG_SEND with a name that is not registered.
#[test]
fn messages_to_the_dead_are_dropped() {
    let mut pair = Pair::new();
    pair.inject(A, Send { to: Pair::wire(A, 77), message: b"text" });
    pair.inject(A, RegSend { name: "nobody".into(), message: b"text" });
    pair.settle();
    assert_eq!((pair.ended(A), pair[B].arrived.len()), (None, 0));
}

//= spec/session.md#ses-lnk-017
//# A node that reads an EXIT in state none MUST ignore it.
#[test]
fn an_exit_without_a_link_ends_nobody() {
    let mut pair = Pair::new();
    pair.inject(A, Exit { from: Pair::wire(B, 1), to: Pair::wire(A, 1), reason: Root::Killed.into() });
    pair.settle();
    assert!(pair[A].table.is_alive(1));
    assert_eq!(pair[A].session.counts().unmatched, 1);
}

//= spec/session.md#ses-spn-001
//# A node MUST answer each SPAWN that it does not ignore by SES-PID-006 with one SPAWN_REPLY with the same
//# `request`.
//= spec/session.md#ses-spn-002
//# A node MUST NOT start a process for a SPAWN unless its program has registered the function for that and
//# its operator or program lets the peer start it.
//= spec/session.md#ses-spn-003
//# A node that does not start a process because of SES-SPN-002 MUST answer with status 1.
#[test]
fn spawn_is_answered_with_status_1() {
    let mut pair = Pair::new();
    let spawn =
        |requester| Spawn { request: 5, requester, link: 1, function: "main".into(), arguments: b"x" };
    pair.inject(A, spawn(Pair::wire(B, 3)));
    pair.inject(A, spawn(Pair::wire(A, 3)));
    pair.settle();
    assert_eq!(pair[B].frames(), [Frame::from(SpawnReply { request: 5, status: 1, local: 0 })]);
    assert_eq!((pair[A].session.counts().foreign, links(&pair, A)), (1, 0));
}

//= spec/connection.md#con-err-001
//# A node MUST end a session in which it reads a frame of a capability that the session does not have.
#[test]
fn a_capability_that_was_not_negotiated_is_a_protocol_error() {
    let (from, to) = (Pair::wire(B, 3), Pair::wire(A, 3));
    let name = || "db".into();
    let frames: [(&str, Frame<'_>); 10] = [
        ("NODE_TABLE", NodeTable { index: 1, incarnation: 1, name: "c@h:1".into() }.into()),
        ("FRAGMENT", Fragment { number: 1, total: Some(9), last: true, payload: b"\x10" }.into()),
        ("EXIT2", Exit2 { from, to, reason: Root::Killed.into() }.into()),
        ("SEND_TERM", SendTerm { to, message: UNIT }.into()),
        ("CALL", Call { from, to, reference: 1, message: UNIT }.into()),
        ("CALL_NAME", CallName { from, reference: 1, name: name(), message: UNIT }.into()),
        ("CALL_REPLY", CallReply { from, to, reference: 1, message: UNIT }.into()),
        ("SEND_NAME_TERM", SendNameTerm { name: name(), message: UNIT }.into()),
        ("MONITOR_NAME", MonitorName { from, reference: 1, name: name() }.into()),
        ("NAMED", Named { reference: 1, pid: from }.into()),
    ];
    for (name, frame) in frames {
        let mut pair = Pair::new();
        pair.inject(A, frame);
        pair.settle();
        let ended = format!("the peer broke the protocol: {name} was not negotiated");
        assert_eq!(pair.ended(A), Some(&*ended));
        assert!(pair[A].table.is_alive(3));
    }
}

#[test]
fn unknown_tags_and_empty_frames_are_counted() {
    let mut pair = Pair::new();
    for payload in [&[][..], &[0xEE], &[0x31, 1, 2, 3], &[0x9F], &[0x00]] {
        pair.inject_payload(A, payload);
    }
    pair.settle();
    assert_eq!((pair.ended(A), pair[A].session.counts().unknown), (None, 5));
}

//= spec/session.md#ses-lst-001
//# A node MAY ignore every PEER_LIST, GLOBAL_* and ROOM_BROADCAST, and write none.
#[test]
fn chapters_that_are_not_built_are_counted() {
    let mut pair = Pair::new();
    pair.inject_payload(A, b"\x12\x01\0\x05\0c@h:1");
    pair.inject_payload(A, b"\x1c\x01\0n");
    pair.inject_payload(A, b"\x1d\0\0\0\0");
    pair.inject_payload(A, b"\x1e\x01\0r\x01\0\0\0t");
    pair.settle();
    let counts = pair[A].session.counts();
    // A GLOBAL_SYNC without entries says nothing that could be left.
    assert_eq!((pair.ended(A), counts.left_alone, counts.unknown), (None, 3, 0));
}

#[test]
fn surplus_is_ignored_and_a_cut_field_is_not() {
    let mut pair = Pair::new();
    let mut payload = Vec::new();
    Frame::from(Link { from: Pair::wire(B, 3), to: Pair::wire(A, 3) }).encode(&mut payload).unwrap();
    payload.push(0xEE);
    pair.inject_payload(A, &payload);
    pair.settle();
    assert_eq!(links(&pair, A), 1);
    pair.inject_payload(A, &payload[..16]);
    pair.settle();
    assert!(pair.ended(A).unwrap().contains("`to`"), "{:?}", pair.ended(A));
}

#[test]
fn a_frame_over_the_limit_ends_the_session_before_its_bytes_come() {
    let mut pair = linked();
    pair.inject_raw(A, &u32::MAX.to_le_bytes());
    pair.settle();
    assert!(pair.ended(A).unwrap().contains("over the limit"));
    assert_eq!(pair.seen(A, 3).len(), 1);
}
