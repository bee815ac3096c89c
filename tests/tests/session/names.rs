//! Terms to names, and who has a name. Specification: `capabilities.md`, "Names".

use snow_dist_codec::frame::{Demonitor, MonitorExit, MonitorName, Named, SendNameTerm};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Frame, Pid as WirePid, Root};
use snow_dist_runtime::core::Reason;
use snow_dist_runtime::core::limits::MONITORED_NAME_BYTES_MAX;
use snow_dist_runtime::core::session::{Lacking, NotMade, NotSent};
use snow_dist_tests::simnet::Side::{A, B};
use snow_dist_tests::simnet::{Pair, Seen};

use super::calls::{UNIT, pair};
use super::terms::term;
use super::{assert_tables_empty, down};

/// A pair in which process 3 of B is `db`.
fn with_db() -> Pair {
    let mut pair = pair();
    pair[B].table.register("db", 3);
    pair
}

//= spec/capabilities.md#cap-nam-002
//# In a session with `names` a node whose process sends a term to a name MUST write SEND_NAME_TERM.
//= spec/capabilities.md#cap-nam-003
//# A node MUST treat the message of a SEND_NAME_TERM as that of a REG_SEND, and let the process tell that it
//# was marked as a term.
#[test]
fn a_term_goes_to_whoever_has_the_name() {
    let mut pair = with_db();
    let session = &mut pair[A].session;
    session.send_named_term(1, "db", &mut term(&[Pair::ours(A, 1), Pair::theirs(A, 3)])).unwrap();
    session.send_named_term(1, "nobody", &mut term(&[])).unwrap();
    session.send_named_term(1, "db", &mut term(&[])).unwrap();
    pair.settle();
    assert_eq!(pair[B].names(), ["SEND_NAME_TERM"; 3]);
    let [Seen::Term(_, pids), Seen::Term(_, none)] = pair.seen(B, 3) else { panic!("{:?}", pair.seen(B, 3)) };
    assert_eq!((&pids[..], &none[..]), (&[Pair::theirs(B, 1), Pair::ours(B, 3)][..], &[][..]));
    assert_eq!((pair.ended(B), pair[A].arrived.len()), (None, 0));
}

#[test]
fn bytes_that_are_no_term_are_given_to_a_name_all_the_same() {
    let mut pair = with_db();
    for message in [&[][..], &[9, 9]] {
        pair.inject(B, SendNameTerm { name: "db".into(), message });
    }
    pair.settle();
    assert_eq!(pair.seen(B, 3), [vec![], vec![9, 9]].map(|bytes| Seen::Term(bytes, vec![])));
}

//= spec/capabilities.md#cap-nam-001
//# A node MUST NOT write SEND_NAME_TERM, MONITOR_NAME or NAMED in a session that does not have `names`.
#[test]
fn without_the_capability_a_term_without_pids_is_a_message_to_the_name() {
    let mut pair = Pair::with(|_, config| {
        config.capabilities = Capabilities::SEND_TERM.union(Capabilities::CALLS);
    });
    pair[B].table.register("db", 3);
    let lacking = Lacking { capability: "names" };
    let session = &mut pair[A].session;
    session.send_named_term(1, "db", &mut term(&[])).unwrap();
    let refused = session.send_named_term(1, "db", &mut term(&[Pair::ours(A, 1)]));
    assert_eq!(refused, Err(NotSent::Lacking(lacking)));
    assert_eq!(session.monitor_named(1, "db", 1), Err(NotMade::Lacking(lacking)));
    pair.settle();
    assert_eq!(pair[B].names(), ["REG_SEND"]);
    assert_eq!(pair.seen(B, 3), [Seen::Message(vec![1, 10, 0, 0, 0, 0])]);
    assert_tables_empty(&pair);
}

//= spec/capabilities.md#cap-nam-005
//# A node MUST answer a MONITOR_NAME with a registered name with one NAMED that has its `ref` and that
//# process's pid, unless CAP-CAL-008 applies.
//= spec/capabilities.md#cap-nam-006
//# A node that reads a NAMED MUST take the open monitor by name with its ref for one of the process in `pid`,
//# unless CAP-NAM-007 applies.
//= spec/capabilities.md#cap-nam-008
//# For a MONITOR_NAME, a node MUST write node id 0, local id 0 and the creation of the monitored node into
//# `monitored` of MONITOR_EXIT and `to` of DEMONITOR.
#[test]
fn a_monitor_by_name_is_told_whom_it_is_of_and_brings_its_end() {
    let mut pair = with_db();
    pair[A].session.monitor_named(1, "db", 5).unwrap();
    pair[A].session.monitor_named(2, "db", 6).unwrap();
    pair.settle();
    assert_eq!(pair.seen(A, 1), [Seen::Named(5, Pair::theirs(A, 3))]);
    assert_eq!((pair[A].session.places(), pair[B].session.places()), ((2, 0), (0, 2)));
    assert!(pair[A].session.demonitor(6));
    pair.settle();
    // Whoever has the name by then.
    pair[B].table.register("db", 4);
    pair.end_process(B, 3, Reason::error("boom"));
    pair.settle();
    assert_eq!(pair.seen(A, 1)[1..], [down(A, 5, 3, Reason::error("boom"))]);
    assert_eq!(pair.seen(A, 2), [Seen::Named(6, Pair::theirs(A, 3))]);
    let whoever = Pair::wire(B, 0);
    assert_eq!(pair[B].frames()[2], Demonitor { from: Pair::wire(A, 2), to: whoever, reference: 6 }.into());
    let reason = Root::Error("boom".into()).into();
    let exit = MonitorExit { monitored: whoever, monitoring: Pair::wire(A, 1), reference: 5, reason };
    assert_eq!(pair[A].frames()[2..], [Frame::from(exit)]);
    assert_tables_empty(&pair);
    assert_eq!([A, B].map(|side| pair[side].session.places()), [(0, 0); 2]);
}

//= spec/capabilities.md#cap-nam-004
//# A node MUST answer a MONITOR_NAME with a name that is not registered with one MONITOR_EXIT "noproc".
#[test]
fn a_name_that_nobody_has_is_noproc() {
    let mut pair = with_db();
    pair.end_process(B, 3, Reason::Normal);
    pair[A].session.monitor_named(1, "nobody", 5).unwrap();
    pair[A].session.monitor_named(1, "db", 6).unwrap();
    pair.settle();
    let nobody = |reference| down(A, reference, 0, Reason::noproc());
    assert_eq!(pair.seen(A, 1), [nobody(5), nobody(6)]);
    assert_eq!(pair[A].names(), ["MONITOR_EXIT"; 2]);
    assert_tables_empty(&pair);
}

#[test]
fn the_answer_keeps_its_place_among_the_frames_of_the_process() {
    let mut pair = with_db();
    pair[A].session.monitor_named(1, "db", 5).unwrap();
    pair.write(A, usize::MAX);
    pair[B].session.send(3, 1, b"before").unwrap();
    pair.now += std::time::Duration::from_secs(1);
    assert!(pair.read(B, usize::MAX));
    pair.end_process(B, 3, Reason::Killed);
    pair.settle();
    assert_eq!(pair[A].names(), ["SEND", "NAMED", "MONITOR_EXIT"]);
    assert_eq!(pair.seen(A, 1)[2], down(A, 5, 3, Reason::Killed));
}

//= spec/capabilities.md#cap-nam-007
//# A node MUST ignore a NAMED whose ref is not that of an open monitor by name in this session, and every
//# NAMED for one after the first.
#[test]
fn a_named_that_matches_nothing_is_ignored() {
    let mut pair = with_db();
    pair[A].session.monitor_named(1, "db", 5).unwrap();
    pair[A].session.monitor(1, 3, 6).unwrap();
    pair[A].session.call(1, 3, 7, &mut term(&[])).unwrap();
    pair.settle();
    let pid = Pair::wire(B, 4);
    for reference in [5, 6, 7, 99] {
        pair.inject(A, Named { reference, pid });
    }
    pair.inject(A, Named { reference: 5, pid: WirePid::new(0, B.creation() + 1, 4).unwrap() });
    pair.settle();
    assert_eq!(pair.seen(A, 1), [Seen::Named(5, Pair::theirs(A, 3))]);
    let counts = pair[A].session.counts();
    assert_eq!((counts.unmatched, counts.foreign, pair.ended(A)), (4, 1, None));
    pair.end_process(B, 3, Reason::Killed);
    pair.settle();
    let ends = [down(A, 5, 3, Reason::Killed), down(A, 6, 3, Reason::Killed)];
    assert!(ends.iter().all(|end| pair.seen(A, 1).contains(end)), "{:?}", pair.seen(A, 1));
    // It is over.
    pair.inject(A, Named { reference: 5, pid });
    pair.settle();
    assert_eq!(pair[A].session.counts().unmatched, 5);
}

#[test]
fn the_end_of_the_session_ends_monitors_by_name() {
    let mut pair = with_db();
    pair[A].session.monitor_named(1, "db", 5).unwrap();
    pair.settle();
    pair[A].session.monitor_named(1, "db", 6).unwrap();
    pair.lose(0, 0);
    pair.settle();
    let ends = [down(A, 5, 3, Reason::Noconnection), down(A, 6, 0, Reason::Noconnection)];
    assert_eq!(pair.seen(A, 1)[1..], ends);
}

//= spec/capabilities.md#cap-nam-009
//# A node MUST NOT write a MONITOR_NAME whose `name` is longer than `monitored_name_bytes_max`.
#[test]
fn a_name_that_is_monitored_has_a_length() {
    let mut pair = pair();
    let longest = "x".repeat(MONITORED_NAME_BYTES_MAX);
    pair[A].session.monitor_named(1, &longest, 1).unwrap();
    let too_long = format!("{longest}x");
    let (length, length_max) = (too_long.len(), MONITORED_NAME_BYTES_MAX);
    assert_eq!(
        pair[A].session.monitor_named(1, &too_long, 2),
        Err(NotMade::NameTooLong { length, length_max })
    );
    assert_eq!(pair[A].session.places(), (1, 0));
    pair.settle();
    // A reader does not judge it.
    pair[B].table.register(&too_long, 3);
    pair.inject(B, MonitorName { from: Pair::wire(A, 1), reference: 9, name: too_long.as_str().into() });
    pair.settle();
    assert_eq!((pair[A].names(), pair.ended(B)), (vec!["MONITOR_EXIT", "NAMED"], None));
}

#[test]
fn a_monitor_by_name_that_is_given_up_while_it_is_answered_is_over() {
    let mut pair = with_db();
    pair[A].session.monitor_named(1, "db", 5).unwrap();
    assert!(pair[A].session.demonitor(5));
    pair.settle();
    assert_eq!((pair.seen(A, 1), pair[B].names()), (&[][..], vec!["MONITOR_NAME", "DEMONITOR"]));
    assert_tables_empty(&pair);
    assert_eq!([A, B].map(|side| pair[side].session.places()), [(0, 0); 2]);
}

#[test]
fn terms_to_names_come_in_fragments() {
    let mut pair = Pair::with(|_, config| {
        config.capabilities = Capabilities::NAMES.union(Capabilities::FRAGMENTS);
    });
    pair[B].table.register("db", 3);
    pair[A].session.send_named_term(1, "db", &mut term(&vec![Pair::ours(A, 1); 8_000])).unwrap();
    pair.settle();
    assert_eq!(pair[B].names(), ["FRAGMENT"; 2]);
    assert!(matches!(pair.seen(B, 3), [Seen::Term(_, pids)] if pids.len() == 8_000));
}

#[test]
fn a_term_to_a_name_is_dropped_where_the_mailbox_is_full() {
    let mut pair = with_db();
    pair[B].table.fill(3);
    pair.inject(B, SendNameTerm { name: "db".into(), message: UNIT });
    pair.settle();
    assert_eq!((pair.seen(B, 3), pair.ended(B)), (&[][..], None));
}
