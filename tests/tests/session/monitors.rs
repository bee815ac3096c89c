//! Monitors. Specification: `session.md`, "Monitors".

use snow_dist_codec::frame::{Demonitor, Monitor, MonitorExit};
use snow_dist_codec::{Frame, Pid as WirePid, Root};
use snow_dist_runtime::core::Reason;
use snow_dist_runtime::core::session::NotMade;
use snow_dist_tests::simnet::Pair;
use snow_dist_tests::simnet::Side::{self, A, B};

use super::{assert_tables_empty, down};

//= spec/session.md#ses-mon-005
//# When a process has ended, a node MUST write one MONITOR_EXIT, with the reason of that end, for each
//# monitor of it that it holds for the peer.
//= spec/session.md#ses-mon-012
//# A node that reads a MONITOR_EXIT with ref and pids of a monitor that is not over MUST give the monitoring
//# process one DOWN with that ref, the monitored process and the reason.
#[test]
fn each_monitor_brings_one_down() {
    let mut pair = Pair::new();
    for reference in 1..=3 {
        pair[A].session.monitor(1, 2, reference).unwrap();
    }
    pair[B].session.monitor(2, 1, 1).unwrap();
    pair.settle();
    assert_eq!(pair[A].session.table_sizes(), (0, 3, 1));
    pair.end_process(B, 2, Reason::error("boom"));
    pair.settle();
    let downs = [1, 2, 3].map(|reference| down(A, reference, 2, Reason::error("boom")));
    assert_eq!(pair.seen(A, 1), downs);
    // A monitor that its own process leaves behind is over at both ends.
    assert_tables_empty(&pair);
    pair.lose(0, 0);
    pair.settle();
    assert_eq!(pair.seen(A, 1), downs);
}

//= spec/session.md#ses-mon-006
//# A node that reads a MONITOR of a dead process MUST answer with one MONITOR_EXIT "noproc".
#[test]
fn a_monitor_of_nobody_is_answered_with_noproc() {
    let mut pair = Pair::new();
    pair[A].session.monitor(1, 77, 5).unwrap();
    pair.settle();
    assert_eq!(pair.seen(A, 1), [down(A, 5, 77, Reason::noproc())]);
    assert_tables_empty(&pair);
}

//= spec/session.md#ses-pid-003
//# A node that answers a LINK or MONITOR with EXIT or MONITOR_EXIT MUST copy both pids byte for byte, each
//# into the field of the same process.
#[test]
fn a_monitor_of_another_start_is_answered_with_the_pids_as_they_came() {
    let mut pair = Pair::new();
    let stale = WirePid::new(0, A.creation() + 1, 3).unwrap();
    pair.inject(A, Monitor { from: Pair::wire(B, 3), to: stale, reference: 5 });
    pair.settle();
    let answer = MonitorExit {
        monitored: stale,
        monitoring: Pair::wire(B, 3),
        reference: 5,
        reason: Root::Error("noproc".into()).into(),
    };
    assert_eq!(pair[B].frames(), [Frame::from(answer)]);
}

#[test]
fn no_down_comes_after_a_demonitor() {
    let mut pair = Pair::new();
    pair[A].session.monitor(1, 2, 5).unwrap();
    pair.settle();
    pair.end_process(B, 2, Reason::Killed);
    assert!(pair[A].session.demonitor(5));
    assert!(!pair[A].session.demonitor(5));
    pair.settle();
    assert_eq!(pair.seen(A, 1), []);
    // The two crossed: each answers nothing any more.
    let counts = [A, B].map(|side| pair[side].session.counts());
    assert_eq!(counts.map(|counts| (counts.unmatched, counts.has_unexpected())), [(1, false); 2]);
    assert_tables_empty(&pair);
}

//= spec/session.md#ses-mon-009
//# A node MUST NOT write the MONITOR_EXIT of a monitor after it has handled its DEMONITOR.
#[test]
fn a_down_that_is_owed_is_not_written_after_a_demonitor() {
    let mut pair = Pair::new();
    pair[A].session.monitor(1, 2, 5).unwrap();
    pair.settle();
    pair[A].session.demonitor(5);
    pair.write(A, usize::MAX);
    pair.end_process(B, 2, Reason::Killed);
    pair.now += std::time::Duration::from_secs(1);
    assert!(pair.read(B, usize::MAX));
    assert!(!pair.write(B, usize::MAX));
    assert_tables_empty(&pair);
}

//= spec/session.md#ses-mon-004
//# When a process has ended, a node MUST write DEMONITOR for each of its monitors that was not over before.
#[test]
fn monitors_end_with_the_process_that_made_them() {
    let mut pair = Pair::new();
    pair[A].session.monitor(1, 2, 5).unwrap();
    pair[A].session.monitor(1, 3, 6).unwrap();
    pair.settle();
    pair.end_process(A, 1, Reason::Normal);
    pair.settle();
    assert_eq!(pair[B].names(), ["MONITOR", "MONITOR", "DEMONITOR", "DEMONITOR"]);
    assert_tables_empty(&pair);
}

//= spec/session.md#ses-end-003
//# When a session ends, a node MUST give the monitoring process of each own monitor that is not over one DOWN
//# Noconnection.
//= spec/session.md#ses-upd-004
//# A node MUST bring all exit signals of SES-END-001 before it gives any DOWN of SES-END-003.
#[test]
fn a_lost_session_is_a_down_with_noconnection_after_all_exits() {
    let mut pair = Pair::new();
    pair[A].session.monitor(3, 1, 5).unwrap();
    pair[A].session.link(3, 1).unwrap();
    pair[A].session.monitor(3, 2, 6).unwrap();
    pair.settle();
    pair.end_process(B, 2, Reason::error("not written any more"));
    pair.lose(0, 0);
    pair.settle();
    let lost = Reason::Noconnection;
    assert_eq!(
        pair.seen(A, 3),
        [super::exit(A, 1, lost.clone()), down(A, 5, 1, lost.clone()), down(A, 6, 2, lost)]
    );
    assert_tables_empty(&pair);
}

//= spec/session.md#ses-mon-007
//# A node MUST end the session if it reads a MONITOR with the ref of a monitor that it holds for this peer.
#[test]
fn a_live_reference_used_again_is_a_protocol_error() {
    let mut pair = Pair::new();
    for monitored in [3, 77] {
        pair.inject(A, Monitor { from: Pair::wire(B, 3), to: Pair::wire(A, monitored), reference: 5 });
    }
    pair.settle();
    assert_eq!(pair.ended(A), Some("the peer broke the protocol: MONITOR uses ref 5, which is in use"));
    assert_eq!(pair.ended(B), Some("connection lost"));
}

//= spec/session.md#ses-mon-008
//# A node MUST keep the refs of its own monitors and those of the peer's apart.
#[test]
fn each_side_counts_its_own_references() {
    let mut pair = Pair::new();
    for side in Side::BOTH {
        pair[side].session.monitor(1, 2, 5).unwrap();
    }
    pair.settle();
    assert_eq!((pair.ended(A), pair.ended(B)), (None, None));
    pair.end_process(B, 2, Reason::Killed);
    pair.settle();
    assert_eq!(pair.seen(A, 1), [down(A, 5, 2, Reason::Killed)]);
    assert_eq!(pair.seen(B, 1), []);
}

//= spec/session.md#ses-mon-010
//# A node MUST ignore a DEMONITOR whose ref and two pids are not those of one monitor that it holds for this
//# peer.
//= spec/session.md#ses-mon-011
//# A node MUST ignore a MONITOR_EXIT whose ref and two pids are not those of one of its monitors in this
//# session that is not over.
#[test]
fn what_answers_no_monitor_is_ignored_and_counted() {
    let mut pair = Pair::new();
    pair[A].session.monitor(1, 2, 5).unwrap();
    pair[B].session.monitor(2, 1, 6).unwrap();
    pair.settle();
    let exit = |reference, monitored, monitoring| MonitorExit {
        monitored: Pair::wire(B, monitored),
        monitoring: Pair::wire(A, monitoring),
        reference,
        reason: Root::Killed.into(),
    };
    let demonitor =
        |reference, from, to| Demonitor { from: Pair::wire(B, from), to: Pair::wire(A, to), reference };
    pair.inject(A, exit(9, 2, 1)); // no such number
    pair.inject(A, exit(5, 3, 1)); // not what is monitored
    pair.inject(A, exit(5, 2, 2)); // not who monitors
    pair.inject(A, demonitor(9, 2, 1));
    pair.inject(A, demonitor(6, 3, 1));
    pair.inject(A, demonitor(6, 2, 2));
    pair.settle();
    assert_eq!(pair[A].session.counts().unmatched, 6);
    assert_eq!(pair[A].session.table_sizes(), (0, 1, 1));
    assert_eq!(pair.seen(A, 1), []);
}

#[test]
fn a_monitor_does_not_overtake_the_demonitor_that_makes_room_for_it() {
    let mut pair = Pair::with(|_, config| config.peer_bounds.links_and_monitors = 1);
    pair[A].session.monitor(1, 2, 5).unwrap();
    pair.settle();
    // The DEMONITOR stands behind a message of its process; other processes' signals do not.
    pair[A].session.send(1, 2, b"before").unwrap();
    pair[A].session.demonitor(5);
    assert_eq!(pair[A].session.monitor(2, 2, 6), Err(NotMade::Full { count_max: 1 }));
    pair.settle();
    pair[A].session.monitor(2, 2, 6).unwrap();
}
