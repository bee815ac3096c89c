//! Links. Specification: `dist.md`, "Links".

use snow_dist_codec::frame::{Exit, Link, Monitor, MonitorExit, Unlink, UnlinkAck, UnlinkId};
use snow_dist_codec::{Frame, Pid as WirePid, Reason as WireReason, Root};
use snow_dist_runtime::core::Reason;
use snow_dist_runtime::core::session::Full;
use snow_dist_tests::simnet::Pair;
use snow_dist_tests::simnet::Side::{self, A, B};

use super::{assert_tables_empty, exit, linked, links};

fn wire_error(text: &str) -> WireReason<'_> {
    Root::Error(text.into()).into()
}

#[test]
fn the_end_of_either_process_reaches_the_other_once() {
    for (ends, learns) in [(A, B), (B, A)] {
        let mut pair = linked();
        pair.end_process(ends, 3, Reason::error("boom"));
        pair.settle();
        assert_eq!(pair.seen(learns, 3), [exit(learns, 3, Reason::error("boom"))]);
        assert_eq!(pair.seen(ends, 3), []);
        assert_tables_empty(&pair);
    }
}

#[test]
fn an_end_goes_on_through_processes_that_do_not_trap() {
    let mut pair = Pair::new();
    pair[A].session.link(1, 1).unwrap();
    pair[B].session.link(1, 4).unwrap();
    pair.settle();
    pair.end_process(A, 1, Reason::error("boom"));
    pair.settle();
    let boom = Reason::error("boom");
    assert_eq!(pair[B].table.ended(1), Some(&Reason::linked(Pair::theirs(B, 1), &boom)));
    // What A learns of B's process names A's own process as A knows it.
    assert_eq!(pair.seen(A, 4), [exit(A, 1, Reason::linked(Pair::ours(A, 1), &boom))]);
    assert_tables_empty(&pair);
}

#[test]
fn normal_and_shutdown_are_seen_and_do_not_end() {
    for reason in [Reason::Normal, Reason::Shutdown] {
        let mut pair = Pair::new();
        pair[A].session.link(1, 1).unwrap();
        pair.settle();
        pair.end_process(A, 1, reason.clone());
        pair.settle();
        assert_eq!(pair.seen(B, 1), [exit(B, 1, reason)]);
        assert!(pair[B].table.is_alive(1));
        assert_tables_empty(&pair);
    }
}

#[test]
fn linking_twice_is_linking_once() {
    let mut pair = linked();
    pair[A].session.link(3, 3).unwrap();
    pair[B].session.link(3, 3).unwrap();
    pair.settle();
    assert_eq!(pair[B].names(), ["LINK"]);
    assert_eq!(pair[A].names(), [""; 0]);
    pair[B].session.unlink(3, 3);
    pair.settle();
    assert_tables_empty(&pair);
}

#[test]
fn a_link_to_nobody_is_answered_with_noproc() {
    let mut pair = Pair::new();
    pair[A].session.link(3, 77).unwrap();
    pair.settle();
    assert_eq!(pair.seen(A, 3), [exit(A, 77, Reason::noproc())]);
    let (from, to) = (Pair::wire(B, 77), Pair::wire(A, 3));
    assert_eq!(pair[A].frames(), [Frame::from(Exit { from, to, reason: wire_error("noproc") })]);
    assert_tables_empty(&pair);
}

#[test]
fn a_link_to_another_start_is_answered_with_the_pids_as_they_came() {
    let mut pair = Pair::new();
    let stale = WirePid::new(0, A.creation() + 1, 3).unwrap();
    pair.inject(A, Link { from: Pair::wire(B, 3), to: stale });
    pair.settle();
    let answer = Exit { from: stale, to: Pair::wire(B, 3), reason: wire_error("noproc") };
    assert_eq!(pair[B].frames(), [Frame::from(answer)]);
    assert_tables_empty(&pair);
}

#[test]
fn crossing_links_are_one_link() {
    let mut pair = Pair::new();
    pair[A].session.link(3, 3).unwrap();
    pair[B].session.link(3, 3).unwrap();
    pair.settle();
    assert_eq!((links(&pair, A), links(&pair, B)), (1, 1));
    pair.end_process(B, 3, Reason::Killed);
    pair.settle();
    assert_eq!(pair.seen(A, 3), [exit(A, 3, Reason::Killed)]);
    assert_tables_empty(&pair);
}

#[test]
fn an_unlink_is_acknowledged_and_no_exit_comes_after() {
    let mut pair = linked();
    pair[A].session.unlink(3, 3);
    pair.settle();
    assert_tables_empty(&pair);
    assert_eq!(pair[A].names(), ["UNLINK_ACK"]);
    for side in Side::BOTH {
        pair.end_process(side, 3, Reason::Killed);
    }
    pair.settle();
    assert_eq!((pair.seen(A, 3), pair.seen(B, 3)), (&[][..], &[][..]));
}

#[test]
fn an_unlink_of_nobody_is_acknowledged_with_the_pids_as_they_came() {
    let mut pair = Pair::new();
    let targets = [Pair::wire(A, 3), Pair::wire(A, 77), WirePid::new(0, A.creation() + 1, 3).unwrap()];
    for (id, to) in (40..).zip(targets) {
        pair.inject(A, UnlinkId { from: Pair::wire(B, 3), to, id });
    }
    pair.settle();
    let acks: Vec<_> = (40..)
        .zip(targets)
        .map(|(id, from)| Frame::from(UnlinkAck { from, to: Pair::wire(B, 3), id }))
        .collect();
    // The third pid is in a lane of its own; order holds for each pair of processes.
    assert_eq!(pair[B].frames(), acks);
}

#[test]
fn crossing_unlinks_are_both_acknowledged() {
    let mut pair = linked();
    pair[A].session.unlink(3, 3);
    pair[B].session.unlink(3, 3);
    pair.settle();
    assert_eq!(pair[A].names(), ["UNLINK_ID", "UNLINK_ACK"]);
    assert_eq!(pair[B].names(), ["LINK", "UNLINK_ID", "UNLINK_ACK"]);
    assert_tables_empty(&pair);
}

#[test]
fn a_link_after_an_unlink_is_a_link() {
    let mut pair = linked();
    pair[A].session.unlink(3, 3);
    pair[A].session.link(3, 3).unwrap();
    pair.settle();
    assert_eq!((links(&pair, A), links(&pair, B)), (1, 1));
    pair.end_process(B, 3, Reason::Killed);
    pair.settle();
    assert_eq!(pair.seen(A, 3), [exit(A, 3, Reason::Killed)]);
}

#[test]
fn an_unlink_and_a_link_against_a_crossing_unlink_end_alike_on_both_sides() {
    let mut pair = linked();
    pair[B].session.unlink(3, 3);
    pair[A].session.unlink(3, 3);
    pair[A].session.link(3, 3).unwrap();
    pair.settle();
    // B's unlink came to a link that was active again.
    assert_tables_empty(&pair);

    let mut pair = linked();
    pair[B].session.unlink(3, 3);
    pair[A].session.unlink(3, 3);
    pair.write(B, usize::MAX);
    pair.now += std::time::Duration::from_secs(1);
    assert!(pair.read(A, usize::MAX));
    pair[A].session.link(3, 3).unwrap();
    pair.settle();
    // Here A had seen it before it linked.
    assert_eq!((links(&pair, A), links(&pair, B)), (1, 1));
}

#[test]
fn an_old_acknowledgement_does_not_end_a_later_unlink() {
    let mut pair = linked();
    pair[A].session.unlink(3, 3);
    pair[A].session.link(3, 3).unwrap();
    pair[A].session.unlink(3, 3);
    pair.inject(A, UnlinkAck { from: Pair::wire(B, 3), to: Pair::wire(A, 3), id: 1 });
    pair.now += std::time::Duration::from_secs(1);
    assert!(pair.read(A, usize::MAX));
    assert_eq!(links(&pair, A), 1);
    pair.settle();
    assert_tables_empty(&pair);
}

#[test]
fn an_exit_that_crosses_an_unlink_is_not_seen() {
    let mut pair = linked();
    pair.end_process(B, 3, Reason::Killed);
    pair[A].session.unlink(3, 3);
    pair.settle();
    assert_eq!(pair.seen(A, 3), []);
    assert_eq!(pair[A].session.counts().unmatched, 1);
    assert_tables_empty(&pair);
}

#[test]
fn an_exit_that_is_owed_is_not_written_after_the_peers_unlink() {
    let mut pair = linked();
    pair[B].session.unlink(3, 3);
    pair.write(B, usize::MAX);
    pair.end_process(A, 3, Reason::Killed);
    pair.now += std::time::Duration::from_secs(1);
    assert!(pair.read(A, usize::MAX));
    pair.settle();
    assert_eq!(pair[B].names(), ["LINK", "UNLINK_ACK"]);
    assert_eq!(pair.seen(B, 3), []);
    assert_tables_empty(&pair);
}

#[test]
fn a_process_that_ends_during_its_unlink_owes_no_exit() {
    let mut pair = linked();
    pair[A].session.unlink(3, 3);
    pair.end_process(A, 3, Reason::Killed);
    pair.settle();
    assert_eq!(pair.seen(B, 3), []);
    assert_eq!(pair[B].names(), ["LINK", "UNLINK_ID"]);
    assert_tables_empty(&pair);
}

#[test]
fn both_ends_at_once_are_two_exits_that_nobody_sees() {
    let mut pair = linked();
    pair.end_process(A, 3, Reason::Killed);
    pair.end_process(B, 3, Reason::Killed);
    pair.settle();
    assert_eq!((pair.seen(A, 3), pair.seen(B, 3)), (&[][..], &[][..]));
    assert_tables_empty(&pair);
}

#[test]
fn a_lost_session_ends_active_links_and_no_others() {
    let mut pair = Pair::new();
    for (local, remote) in [(3, 3), (3, 4), (4, 3), (4, 4)] {
        pair[A].session.link(local, remote).unwrap();
    }
    pair.settle();
    pair[A].session.unlink(3, 4);
    pair.end_process(A, 4, Reason::error("owed, and never written"));
    pair.lose(0, 0);
    pair.settle();
    let lost = |side, remote| exit(side, remote, Reason::Noconnection);
    assert_eq!(pair.seen(A, 3), [lost(A, 3)]);
    assert_eq!(pair.seen(A, 4), []);
    assert_eq!(pair.seen(B, 3), [lost(B, 3), lost(B, 4)]);
    assert_eq!(pair.seen(B, 4), [lost(B, 3), lost(B, 4)]);
    assert_tables_empty(&pair);
}

#[test]
fn all_exits_of_a_process_are_there_before_it_wakes() {
    let mut pair = Pair::new();
    for remote in 1..=4 {
        pair[A].session.link(3, remote).unwrap();
        pair[A].session.link(4, remote).unwrap();
    }
    pair.settle();
    pair.lose(0, 0);
    pair.settle();
    assert_eq!(pair[A].table.wakes, 2);
    assert_eq!(pair.seen(A, 3).len(), 4);
}

#[test]
fn the_sender_keeps_to_the_bound_that_the_peer_announced() {
    let mut pair = Pair::with(|_, config| config.links_and_monitors_max = 2);
    pair[A].session.link(3, 1).unwrap();
    pair[A].session.monitor(3, 2, 1).unwrap();
    assert_eq!(pair[A].session.link(3, 3), Err(Full { count_max: 2 }));
    assert_eq!(pair[A].session.monitor(3, 3, 2), Err(Full { count_max: 2 }));
    pair[A].session.link(3, 1).unwrap();
    // What the peer asks for has a bound of its own.
    pair[B].session.link(4, 4).unwrap();
    pair.settle();
    assert_eq!(links(&pair, A), 2);
    pair[A].session.unlink(3, 1);
    assert_eq!(pair[A].session.link(3, 3), Err(Full { count_max: 2 }));
    pair.settle();
    pair[A].session.link(3, 3).unwrap();
}

#[test]
fn one_link_or_monitor_too_many_is_answered_with_limit() {
    let mut pair = Pair::new();
    let to = Pair::wire(A, 3);
    let from = |remote| Pair::wire(B, remote);
    let end = &mut pair[A];
    for remote in 1..=1_000_000 {
        let link = Frame::from(Link { from: from(remote), to });
        end.session.handle_frame(&link, &mut end.table).unwrap();
    }
    assert!(!end.session.has_output());
    pair.inject(A, Link { from: from(1_000_001), to });
    pair.inject(A, Monitor { from: from(1), to, reference: 5 });
    pair.settle();
    let reason = wire_error("limit");
    let refused = [
        Frame::from(Exit { from: to, to: from(1_000_001), reason }),
        Frame::from(MonitorExit { monitored: to, monitoring: from(1), reference: 5, reason }),
    ];
    assert_eq!(pair[B].frames(), refused);
    // The session is up, and a place that comes free can be taken.
    pair.inject(A, UnlinkId { from: from(1), to, id: 1 });
    pair.inject(A, Link { from: from(1_000_001), to });
    pair.settle();
    assert_eq!(links(&pair, A), 1_000_000);
    assert_eq!(pair[B].names()[2..], ["UNLINK_ACK"]);
}

#[test]
fn who_links_again_after_an_unlink_takes_a_place_of_its_own() {
    let mut pair = Pair::with(|_, config| config.links_and_monitors_max = 1);
    pair[B].session.link(3, 3).unwrap();
    pair.settle();
    pair[A].session.unlink(3, 3);
    pair[A].session.link(3, 3).unwrap();
    // B counts this link as one that A asked for, and so must A.
    assert_eq!(pair[A].session.link(3, 4), Err(Full { count_max: 1 }));
    pair.settle();
    assert_eq!(links(&pair, A), 1);
    pair[B].session.link(4, 4).unwrap();
}

#[test]
fn a_version_1_unlink_ends_a_link_without_an_answer() {
    let mut pair = linked();
    pair.inject(A, Unlink { from: Pair::wire(B, 3), to: Pair::wire(A, 3) });
    pair.settle();
    assert_eq!(links(&pair, A), 0);
    assert_eq!(pair[B].names(), ["LINK"]);
}
