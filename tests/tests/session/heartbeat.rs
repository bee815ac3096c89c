//! The heartbeat, on virtual time. Specification: `connection.md`, "Heartbeat".

use std::time::Duration;

use snow_dist_codec::Frame;
use snow_dist_codec::frame::{Ping, Pong};
use snow_dist_runtime::core::Reason;
use snow_dist_runtime::core::peers::Sign;
use snow_dist_tests::simnet::Pair;
use snow_dist_tests::simnet::Side::{A, B};

use super::{exit, linked, links};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

//= spec/connection.md#con-hbt-001
//# A node MUST send a PING when no byte has arrived in a session for `heartbeat_interval`.
#[test]
fn a_quiet_session_stays_up() {
    let mut pair = linked();
    pair.run(seconds(24 * 60 * 60));
    assert_eq!((pair.ended(A), pair.ended(B)), (None, None));
    assert!(pair[A].names().contains(&"PONG") || pair[B].names().contains(&"PONG"));
    assert_eq!(links(&pair, A), 1);
}

#[test]
fn a_busy_session_sends_no_ping() {
    let mut pair = Pair::new();
    for _ in 0..60 {
        pair[A].session.send(1, 1, b"a").unwrap();
        pair[B].session.send(1, 1, b"b").unwrap();
        pair.run(seconds(59));
    }
    assert!(pair[A].names().iter().all(|name| *name == "SEND"));
}

//= spec/connection.md#con-hbt-004
//# A node MUST answer the last PING that it has read with a PONG of the same payload.
#[test]
fn a_ping_is_answered_with_its_payload() {
    let mut pair = Pair::new();
    pair.inject(A, Ping { payload: &[1; 8] });
    pair.settle();
    assert_eq!(pair[B].frames(), [Frame::from(Pong { payload: &[1; 8] })]);
}

//= spec/connection.md#con-hbt-005
//# A node MUST NOT keep more than one PONG in its queue.
#[test]
fn a_newer_ping_replaces_the_answer_to_an_older_one() {
    let mut pair = Pair::new();
    let end = &mut pair[A];
    for payload in [[1; 8], [2; 8], [3; 8]] {
        end.session.handle_frame(&Frame::from(Ping { payload: &payload }), &mut end.table).unwrap();
    }
    pair.settle();
    assert_eq!(pair[B].frames(), [Frame::from(Pong { payload: &[3; 8] })]);
}

//= spec/connection.md#con-hbt-006
//# A node MUST write a PONG or PING that waits before everything else that waits in the session.
#[test]
fn the_heartbeat_goes_before_all_else() {
    let mut pair = Pair::new();
    for _ in 0..100 {
        pair[A].session.send(1, 3, &[0; 10_000]).unwrap();
    }
    pair[A].session.link(3, 3).unwrap();
    pair[A].session.probe(Duration::ZERO, Sign::Life);
    let end = &mut pair[A];
    end.session.handle_frame(&Frame::from(Ping { payload: &[1; 8] }), &mut end.table).unwrap();
    pair.settle();
    assert_eq!(pair[B].names()[..4], ["PONG", "PING", "LINK", "SEND"]);
}

//= spec/connection.md#con-hbt-010
//# A node MUST end a session `heartbeat_timeout` after the transport took the PING of CON-HBT-001 if no byte
//# has arrived since that PING was queued.
#[test]
fn a_node_that_stands_still_is_found_dead() {
    let mut pair = linked();
    let heard = pair.now;
    pair.stop(B);
    pair.run(heard + seconds(75) - pair.now - Duration::from_millis(100));
    assert_eq!(pair.ended(A), None);
    pair.run(Duration::from_millis(200));
    assert_eq!(pair.ended(A), Some("the peer has been silent for too long"));
    assert_eq!(pair.seen(A, 3), [exit(A, 3, Reason::Noconnection)]);
}

#[test]
fn a_connection_that_carries_one_way_is_found_by_who_hears_nothing() {
    let mut pair = linked();
    pair.silence(B);
    pair.run(seconds(76));
    assert_eq!(pair.ended(A), Some("the peer has been silent for too long"));
    assert_eq!(pair.ended(B), Some("connection lost"));
    assert_eq!(pair.seen(B, 3), [exit(B, 3, Reason::Noconnection)]);
}

//= spec/connection.md#con-hbt-003
//# A node MUST take every byte that arrives in a session for a sign of life.
#[test]
fn half_a_frame_is_a_sign_of_life() {
    let mut pair = linked();
    pair.inject_payload(A, &[0xEE; 300]);
    pair.stop(B);
    for _ in 0..300 {
        pair.now += seconds(14);
        assert!(pair.read(A, 1), "the frame trickles, byte by byte");
        assert!(pair[A].session.deadline().0 > pair.now);
    }
    assert_eq!(pair.ended(A), None);
}

//= spec/connection.md#con-hbt-008
//# A node MUST read all bytes that have arrived before it ends a session because none came.
#[test]
fn what_has_arrived_is_read_before_a_deadline_is_judged() {
    let mut pair = linked();
    pair[B].session.send(3, 3, b"early enough").unwrap();
    pair.write(B, usize::MAX);
    pair.stop(B);
    pair.now += seconds(1_000);
    pair.run(Duration::ZERO);
    assert_eq!(pair.ended(A), None);
}

//= spec/connection.md#con-tim-001
//# A node MUST NOT count its first eight stalls within a time against a peer, nor more than an eighth of that
//# time for a later one.
#[test]
fn nodes_that_stand_still_for_less_than_the_others_patience_keep_their_session() {
    let mut pair = linked();
    for turn in 0..200 {
        let side = if turn % 2 == 0 { A } else { B };
        // At any moment between two PINGs; for less than the other one waits for an answer.
        pair.run(seconds(turn % 61));
        pair.hold_up(side, seconds(14));
        assert_eq!((pair.ended(A), pair.ended(B)), (None, None), "after {turn} hold-ups");
    }
    assert_eq!(links(&pair, A), 1);
}

#[test]
fn two_nodes_that_stand_still_together_keep_their_session() {
    let mut pair = linked();
    for turn in 0..100 {
        pair.run(seconds(turn % 76));
        pair.hold_up_both(seconds(3_600));
        pair.run(Duration::ZERO);
        assert_eq!((pair.ended(A), pair.ended(B)), (None, None), "after {turn} hold-ups");
    }
}

#[test]
fn a_node_that_stood_still_gives_up_a_peer_that_is_gone() {
    let mut pair = linked();
    pair.silence(B);
    pair.hold_up_both(seconds(3_600));
    pair.run(seconds(14));
    assert_eq!(pair.ended(A), None);
    pair.run(seconds(2));
    assert_eq!(pair.ended(A), Some("the peer has been silent for too long"));
}

//= spec/connection.md#con-elc-006
//# If no byte arrives in a session for `probe_timeout` after it was probed, an acceptor MUST end that
//# session.
#[test]
fn a_probe_finds_a_dead_peer_in_two_seconds_and_leaves_a_live_one() {
    let mut pair = linked();
    let now = pair.now;
    pair[A].session.probe(now, Sign::Life);
    pair.run(seconds(3));
    assert_eq!(pair.ended(A), None);
    pair.stop(B);
    let now = pair.now;
    pair[A].session.probe(now, Sign::Life);
    pair.run(Duration::from_millis(1_900));
    assert_eq!(pair.ended(A), None);
    pair.run(Duration::from_millis(200));
    assert_eq!(pair.ended(A), Some("the peer has been silent for too long"));
}
