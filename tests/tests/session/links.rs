//! Links. Specification: `session.md`, "Links".

use std::time::Duration;

use snow_dist_codec::frame::{Exit, Link, Monitor, MonitorExit, Unlink, UnlinkAck, UnlinkId};
use snow_dist_codec::{Frame, Pid as WirePid, Reason as WireReason, Root};
use snow_dist_runtime::core::Reason;
use snow_dist_runtime::core::session::NotMade;
use snow_dist_tests::simnet::Pair;
use snow_dist_tests::simnet::Side::{self, A, B};

use super::{assert_tables_empty, exit, linked, links};

fn wire_error(text: &str) -> WireReason<'_> {
    Root::Error(text.into()).into()
}

//= spec/session.md#ses-lnk-008
//# When a process has ended, a node MUST write one EXIT with the reason of that end for each of its links
//# that was active, unless SES-LNK-010 forbids it.
//= spec/session.md#ses-lnk-029
//# A node that reads an EXIT in state active MUST give its process one exit signal with the EXIT's sender and
//# reason, and enter state none, unless SES-LNK-028 forbids it.
//= spec/session.md#ses-lnk-026
//# A node MUST NOT give a process more than one exit signal for one link.
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

//= spec/session.md#ses-exi-003
//# A node MUST end a process that does not trap exits when it gets an exit signal with hops or with a root
//# other than Normal and Shutdown.
//= spec/session.md#ses-exi-004
//# A process that an exit signal ends MUST end with the reason Linked(from, reason) of that signal.
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

//= spec/session.md#ses-exi-001
//# A node MUST NOT end a process because of an exit signal whose reason is Normal or Shutdown without hops.
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

//= spec/session.md#ses-lnk-002
//# When a local process links in state active, a node MUST NOT write LINK.
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

//= spec/session.md#ses-lnk-015
//# A node that reads a LINK for a dead process in state none MUST answer with one EXIT "noproc".
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

//= spec/session.md#ses-pid-003
//# A node that answers a LINK or MONITOR with EXIT or MONITOR_EXIT MUST copy both pids byte for byte, each
//# into the field of the same process.
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

//= spec/session.md#ses-lnk-012
//# A node that reads a LINK for a living process in state none MUST enter state active, unless SES-BND-002 or
//# SES-BND-005 has it refused.
//= spec/session.md#ses-lnk-013
//# A node that reads a LINK in state active MUST ignore it.
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

//= spec/session.md#ses-lnk-019
//# A node that reads UNLINK_ACK n in state unlinking n MUST enter state none.
//= spec/session.md#ses-lnk-022
//# A node that reads an UNLINK_ID in state active or ending MUST enter state none.
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

//= spec/session.md#ses-lnk-021
//# A node MUST answer each UNLINK_ID that it does not ignore by SES-PID-006 with one UNLINK_ACK, in every
//# state and for dead processes.
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

//= spec/session.md#ses-lnk-023
//# A node that reads an UNLINK_ID in state unlinking MUST stay in that state.
//= spec/session.md#ses-lnk-007
//# In a session of version 2 a node MUST NOT write UNLINK.
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

//= spec/session.md#ses-lnk-003
//# When a local process links in state unlinking, a node MUST write LINK, unless SES-BND-001 forbids it.
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

//= spec/session.md#ses-lnk-020
//# A node MUST ignore an UNLINK_ACK in any other state, or with any other id.
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

//= spec/session.md#ses-lnk-028
//# A node MUST ignore an EXIT that it reads before the UNLINK_ACK of its last UNLINK_ID for the same pair.
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

/// B has refused a LINK to its process 5, which it starts then; A has unlinked and linked again before it reads that.
fn refused_and_made_again() -> Pair {
    let mut pair = Pair::new();
    pair[A].session.link(3, 5).unwrap();
    pair.write(A, usize::MAX);
    pair.now += Duration::from_secs(1);
    assert!(pair.read(B, usize::MAX));
    pair[A].session.unlink(3, 5);
    pair[A].session.link(3, 5).unwrap();
    pair[B].table.start_trapping(5);
    pair
}

//= spec/session.md#ses-lnk-028
//# A node MUST ignore an EXIT that it reads before the UNLINK_ACK of its last UNLINK_ID for the same pair.
#[test]
fn an_exit_of_the_link_before_does_not_end_the_one_that_was_made_again() {
    let mut pair = refused_and_made_again();
    pair.settle();
    assert_eq!(pair[A].names(), ["EXIT", "UNLINK_ACK"]);
    assert_eq!(pair.seen(A, 3), []);
    assert_eq!((links(&pair, A), links(&pair, B)), (1, 1));
    pair.end_process(B, 5, Reason::Killed);
    pair.settle();
    assert_eq!(pair.seen(A, 3), [exit(A, 5, Reason::Killed)]);
    assert_tables_empty(&pair);
}

//= spec/session.md#ses-lnk-028
//# A node MUST ignore an EXIT that it reads before the UNLINK_ACK of its last UNLINK_ID for the same pair.
#[test]
fn an_exit_of_the_link_before_does_not_take_away_what_is_owed_for_the_next() {
    let mut pair = refused_and_made_again();
    pair.write(B, usize::MAX);
    pair.write(A, usize::MAX);
    pair.end_process(A, 3, Reason::Killed);
    pair.now += Duration::from_secs(1);
    // The refusal comes while the EXIT is owed.
    assert!(pair.read(A, usize::MAX));
    pair.settle();
    assert_eq!(pair.seen(B, 5), [exit(B, 3, Reason::Killed)]);
    assert_tables_empty(&pair);
}

//= spec/session.md#ses-lnk-010
//# A node MUST NOT write the EXIT of a link after it has handled an EXIT, UNLINK_ID or UNLINK of the peer for
//# it.
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

//= spec/session.md#ses-lnk-009
//# When a process has ended, a node MUST NOT write an EXIT for a link in state unlinking.
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

//= spec/session.md#ses-end-001
//# When a session ends, a node MUST bring its process of each active link one exit signal Noconnection from
//# the process at the other end.
//= spec/session.md#ses-end-002
//# When a session ends, a node MUST NOT bring an exit signal for a link in state unlinking.
//= spec/session.md#ses-end-004
//# When a session ends, a node MUST forget every link and monitor of that session.
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

//= spec/session.md#ses-end-007
//# A node SHOULD bring one process all exit signals of a session's end before that process runs again.
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

//= spec/session.md#ses-bnd-001
//# A node MUST NOT write a LINK or MONITOR that needs a place at the peer when none is free.
#[test]
fn the_sender_keeps_to_the_bound_that_the_peer_announced() {
    let mut pair = Pair::with(|_, config| config.peer_bounds.links_and_monitors = 2);
    pair[A].session.link(3, 1).unwrap();
    pair[A].session.monitor(3, 2, 1).unwrap();
    assert_eq!(pair[A].session.link(3, 3), Err(NotMade::Full { count_max: 2 }));
    assert_eq!(pair[A].session.monitor(3, 3, 2), Err(NotMade::Full { count_max: 2 }));
    pair[A].session.link(3, 1).unwrap();
    // What the peer asks for has a bound of its own.
    pair[B].session.link(4, 4).unwrap();
    pair.settle();
    assert_eq!(links(&pair, A), 2);
    pair[A].session.unlink(3, 1);
    assert_eq!(pair[A].session.link(3, 3), Err(NotMade::Full { count_max: 2 }));
    pair.settle();
    pair[A].session.link(3, 3).unwrap();
}

//= spec/session.md#ses-bnd-002
//# A node that reads a LINK that needs a place of the peer when none is free MUST answer with one EXIT
//# "limit".
//= spec/session.md#ses-bnd-003
//# A node that reads a MONITOR of a living process when no place of the peer is free MUST answer with one
//# MONITOR_EXIT "limit".
//= spec/session.md#ses-bnd-004
//# A node MUST NOT end the session because of a LINK or MONITOR beyond the bound.
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
    let mut pair = Pair::with(|_, config| config.peer_bounds.links_and_monitors = 1);
    pair[B].session.link(3, 3).unwrap();
    pair.settle();
    pair[A].session.unlink(3, 3);
    pair[A].session.link(3, 3).unwrap();
    // B counts this link as one that A asked for, and so must A.
    assert_eq!(pair[A].session.link(3, 4), Err(NotMade::Full { count_max: 1 }));
    pair.settle();
    assert_eq!(links(&pair, A), 1);
    pair[B].session.link(4, 4).unwrap();
}

/// A is at its bound with one link, which B has unlinked; the acknowledgement waits behind a message.
fn unlinked_at_the_bound(crossing: bool) -> Pair {
    let mut pair = Pair::with(|_, config| {
        config.peer_bounds.links_and_monitors = 1;
        config.bounds.links_and_monitors = 1;
    });
    pair[A].session.link(3, 3).unwrap();
    pair.settle();
    pair[A].session.send(3, 3, b"before").unwrap();
    if crossing {
        pair[A].session.unlink(3, 3);
    }
    pair[B].session.unlink(3, 3);
    pair.write(B, usize::MAX);
    pair.now += Duration::from_secs(1);
    assert!(pair.read(A, usize::MAX));
    pair
}

#[test]
fn an_unlink_of_the_peers_frees_a_place_when_its_acknowledgement_is_written() {
    for crossing in [false, true] {
        let mut pair = unlinked_at_the_bound(crossing);
        // Its LINK would overtake the message, and so the acknowledgement.
        assert_eq!(pair[A].session.link(4, 4), Err(NotMade::Full { count_max: 1 }));
        pair.write(A, usize::MAX);
        pair[A].session.link(4, 4).unwrap();
        pair.settle();
        assert_eq!(pair.seen(A, 4), []);
        assert_eq!((links(&pair, A), links(&pair, B)), (1, 1));
        assert_eq!(pair[A].session.monitor(4, 4, 1), Err(NotMade::Full { count_max: 1 }));
    }
}

#[test]
fn who_links_again_after_crossing_unlinks_waits_for_the_acknowledgement_too() {
    let mut pair = unlinked_at_the_bound(true);
    assert_eq!(pair[A].session.link(3, 3), Err(NotMade::Full { count_max: 1 }));
    pair.write(A, usize::MAX);
    pair[A].session.link(3, 3).unwrap();
    pair.settle();
    assert_eq!((links(&pair, A), links(&pair, B)), (1, 1));
    pair[A].session.unlink(3, 3);
    pair.settle();
    pair[A].session.link(4, 4).unwrap();
    pair.settle();
    assert_eq!(pair.seen(A, 4), []);
}

/// Two nodes whose bound is one link, which there is.
fn linked_at_the_bound() -> Pair {
    let mut pair = Pair::with(|_, config| {
        config.peer_bounds.links_and_monitors = 1;
        config.bounds.links_and_monitors = 1;
    });
    pair[A].session.link(3, 3).unwrap();
    pair.settle();
    pair
}

// Both of these were found by the model `bound` in `tests/model`.
//= spec/session.md#ses-bnd-001
//# A node MUST NOT write a LINK or MONITOR that needs a place at the peer when none is free.
#[test]
fn an_exit_that_meets_an_unlink_frees_the_place_at_both_ends() {
    let mut pair = linked_at_the_bound();
    pair.end_process(A, 3, Reason::Killed);
    pair.write(A, usize::MAX);
    pair[B].session.unlink(3, 3);
    pair[A].session.link(4, 4).unwrap();
    pair.settle();
    assert_eq!((pair.seen(A, 4), pair.seen(B, 3)), (&[][..], &[][..]));
    assert_eq!((links(&pair, A), links(&pair, B)), (1, 1));
}

#[test]
fn a_link_that_both_make_again_counts_for_both() {
    let mut pair = linked_at_the_bound();
    pair[A].session.unlink(3, 3);
    pair[A].session.link(3, 3).unwrap();
    pair.write(A, usize::MAX);
    pair[B].session.unlink(3, 3);
    pair.write(B, usize::MAX);
    // A reads UNLINK_ID and acknowledges it; B makes the link again before it has read anything.
    pair.now += Duration::from_secs(1);
    assert!(pair.read(A, usize::MAX));
    pair.write(A, usize::MAX);
    pair[B].session.link(3, 3).unwrap();
    pair.settle();
    assert_eq!((links(&pair, A), links(&pair, B)), (1, 1));
    for side in [A, B] {
        assert!(pair[side].session.link(4, 4).is_err());
        assert!(pair[side].session.monitor(4, 4, 1).is_err());
    }
    pair[A].session.unlink(3, 3);
    pair.settle();
    for side in [A, B] {
        pair[side].session.link(4, 4).unwrap();
    }
}

#[test]
fn a_link_does_not_overtake_the_acknowledgement_that_makes_room_for_it() {
    // Of a link that is active, and of one that both ends give up.
    for both in [false, true] {
        let mut pair = Pair::with(|_, config| config.peer_bounds.links_and_monitors = 1);
        pair[A].session.link(1, 2).unwrap();
        pair.settle();
        if both {
            pair[A].session.unlink(1, 2);
            pair.write(A, usize::MAX);
        }
        // The acknowledgement stands behind a message of its process; other processes' signals do not.
        pair[A].session.send(1, 2, b"before").unwrap();
        let (from, to) = (Pair::wire(B, 2), Pair::wire(A, 1));
        pair.inject(A, UnlinkId { from, to, id: 1 });
        if both {
            pair.inject(A, UnlinkAck { from, to, id: 1 });
        }
        pair.now += Duration::from_secs(1);
        pair.read(A, usize::MAX);
        assert_eq!(links(&pair, A), 0);
        assert_eq!(pair[A].session.link(3, 3), Err(NotMade::Full { count_max: 1 }));
        pair.settle();
        assert_eq!(pair[B].names()[usize::from(both) + 1..], ["SEND", "UNLINK_ACK"]);
        assert_eq!(pair[A].session.link(3, 3), Ok(()));
    }
}

//= spec/session.md#ses-lnk-025
//# A node that reads UNLINK in a session of version 2 MUST handle it as UNLINK_ID, but for the
//# acknowledgement.
#[test]
fn a_version_1_unlink_ends_a_link_without_an_answer() {
    let mut pair = linked();
    pair.inject(A, Unlink { from: Pair::wire(B, 3), to: Pair::wire(A, 3) });
    pair.settle();
    assert_eq!(links(&pair, A), 0);
    assert_eq!(pair[B].names(), ["LINK"]);
}
