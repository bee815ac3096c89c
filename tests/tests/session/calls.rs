//! Requests and their replies. Specification: `capabilities.md`, "Calls".

use std::time::Duration;

use snow_dist_codec::frame::{
    Call, CallName, CallReply, Demonitor, Fragment, Monitor, MonitorExit, MonitorName,
};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Frame, Pid as WirePid, Root};
use snow_dist_runtime::core::session::{Lacking, NotCalled, NotMade, NotReplied, NotSent};
use snow_dist_runtime::core::{Caller, NodeNumber, Pid, Reason};
use snow_dist_tests::simnet::Side::{self, A, B};
use snow_dist_tests::simnet::{Pair, Seen};

use super::assert_tables_empty;
use super::terms::term;

pub(super) const UNIT: &[u8] = &[1, 6];

/// What [`term`] makes of no pids.
const NO_PIDS: &[u8] = &[1, 10, 0, 0, 0, 0];

pub(super) fn pair() -> Pair {
    Pair::with(|_, config| config.capabilities = Capabilities::CALLS.union(Capabilities::NAMES))
}

/// Process 1 of A has called process 3 of B, which has the call.
fn called(reference: u64) -> (Pair, Caller) {
    let mut pair = pair();
    let caller = call(&mut pair, reference);
    (pair, caller)
}

fn call(pair: &mut Pair, reference: u64) -> Caller {
    pair[A].session.call(1, 3, reference, &mut term(&[])).unwrap();
    pair.settle();
    last_caller(pair, 3)
}

fn last_caller(pair: &Pair, local: u64) -> Caller {
    let Some(Seen::Call(caller, ..)) = pair.seen(B, local).last() else {
        panic!("{:?}", pair.seen(B, local))
    };
    *caller
}

fn replied(reference: u64) -> Seen {
    Seen::Reply(reference, NO_PIDS.to_vec(), vec![])
}

fn ended(reference: u64, why: &str) -> Seen {
    Seen::CallEnded(reference, Reason::error(why))
}

/// An answer that says why a call or a monitor is not held.
fn refusal(monitored: WirePid, monitoring: WirePid, reference: u64, why: &'static str) -> Frame<'static> {
    MonitorExit { monitored, monitoring, reference, reason: Root::Error(why.into()).into() }.into()
}

fn whoever() -> WirePid {
    Pair::wire(B, 0)
}

#[track_caller]
fn assert_over(pair: &Pair) {
    assert_eq!([A, B].map(|side| pair.ended(side)), [None, None]);
    assert_tables_empty(pair);
    assert_eq!([A, B].map(|side| pair[side].session.places()), [(0, 0); 2]);
}

//= spec/capabilities.md#cap-cal-002
//# When its process calls a process or a name of the peer, a node MUST write one CALL or CALL_NAME, unless
//# CAP-CAL-004 forbids it.
//= spec/capabilities.md#cap-cal-006
//# A node MUST treat a CALL of a living process, or a CALL_NAME with a registered name, as a SEND_TERM, and
//# let the process tell who calls and reply, unless CAP-CAL-008 or CAP-CAL-009 applies.
//= spec/capabilities.md#cap-cal-011
//# When a process replies to a call in state called, the node MUST write one CALL_REPLY that matches it, and
//# hold the call no more.
//= spec/capabilities.md#cap-cal-015
//# A node that reads a CALL_REPLY that matches an open call MUST end the call, and give the term to the
//# caller as its reply.
#[test]
fn a_call_and_its_reply_carry_terms_with_pids() {
    let mut pair = pair();
    let pids = [Pair::ours(A, 1), Pair::theirs(A, 4)];
    pair[A].session.call(1, 3, 7, &mut term(&pids)).unwrap();
    pair.settle();
    let [Seen::Call(caller, _, read)] = pair.seen(B, 3) else { panic!("{:?}", pair.seen(B, 3)) };
    assert_eq!((caller.pid, caller.reference), (Pair::theirs(B, 1), 7));
    assert_eq!(read, &[Pair::theirs(B, 1), Pair::ours(B, 4)]);
    let caller = *caller;
    assert_eq!((pair[A].session.table_sizes(), pair[B].session.table_sizes()), ((0, 1, 0), (0, 0, 1)));
    assert!(pair[B].session.is_tied(3) && pair[B].session.is_called(&caller));
    pair[B].session.reply(&caller, &mut term(&[Pair::ours(B, 3)])).unwrap();
    pair.settle();
    let [Seen::Reply(7, _, read)] = pair.seen(A, 1) else { panic!("{:?}", pair.seen(A, 1)) };
    assert_eq!(read, &[Pair::theirs(A, 3)]);
    assert_eq!((pair[A].names(), pair[B].names()), (vec!["CALL_REPLY"], vec!["CALL"]));
    assert_over(&pair);
}

//= spec/capabilities.md#cap-cal-020
//# For a CALL_NAME, a node MUST write node id 0, local id 0 and the creation of the callee's node into `from`
//# of CALL_REPLY, `monitored` of MONITOR_EXIT and `to` of DEMONITOR.
#[test]
fn a_name_is_called_and_its_process_stays_unnamed() {
    let mut pair = pair();
    pair[B].table.register("db", 3);
    for reference in 1..=3 {
        pair[A].session.call_named(1, "db", reference, &mut term(&[])).unwrap();
    }
    pair.settle();
    let callers: Vec<_> = pair
        .seen(B, 3)
        .iter()
        .map(|seen| match seen {
            Seen::Call(caller, ..) => *caller,
            other => panic!("{other:?}"),
        })
        .collect();
    pair[B].session.reply(&callers[0], &mut term(&[])).unwrap();
    assert!(pair[A].session.demonitor(2));
    pair.settle();
    // Who has the name by now does not matter.
    pair[B].table.register("db", 4);
    pair.end_process(B, 3, Reason::error("boom"));
    pair.settle();
    assert_eq!(pair.seen(A, 1), [replied(1), ended(3, "boom")]);
    let (from, to) = (whoever(), Pair::wire(A, 1));
    assert_eq!(
        pair[A].frames(),
        [CallReply { from, to, reference: 1, message: NO_PIDS }.into(), refusal(from, to, 3, "boom"),]
    );
    assert_eq!(pair[B].frames()[3], Demonitor { from: to, to: from, reference: 2 }.into());
    assert_over(&pair);
}

//= spec/capabilities.md#cap-cal-007
//# A node MUST answer a CALL of a dead process, or a CALL_NAME with a name that is not registered, with one
//# MONITOR_EXIT "noproc".
#[test]
fn nobody_is_called_in_vain() {
    let mut pair = pair();
    pair[B].table.register("gone", 2);
    pair.end_process(B, 2, Reason::Normal);
    let session = &mut pair[A].session;
    session.call(1, 77, 1, &mut term(&[])).unwrap();
    session.call(1, 2, 2, &mut term(&[])).unwrap();
    session.call_named(1, "nobody", 3, &mut term(&[])).unwrap();
    session.call_named(1, "gone", 4, &mut term(&[])).unwrap();
    pair.settle();
    assert_eq!(pair.seen(A, 1), [1, 2, 3, 4].map(|reference| ended(reference, "noproc")));
    // One of another start, whose pids stand in the answer as they came.
    let stale = WirePid::new(0, B.creation() + 1, 3).unwrap();
    let call = Call { from: Pair::wire(A, 1), to: stale, reference: 1, message: UNIT };
    pair.inject(B, call);
    pair.settle();
    assert_eq!(pair[A].frames()[4], refusal(stale, Pair::wire(A, 1), 1, "noproc"));
    assert_over(&pair);
}

//= spec/capabilities.md#cap-cal-004
//# A node MUST NOT write a CALL, CALL_NAME or MONITOR_NAME for which no place at the peer is free.
#[test]
fn calls_take_the_places_of_monitors() {
    let mut pair = Pair::with(|_, config| {
        config.capabilities = Capabilities::CALLS.union(Capabilities::NAMES);
        config.peer_bounds.links_and_monitors = 3;
    });
    let session = &mut pair[A].session;
    session.link(3, 3).unwrap();
    session.monitor(1, 3, 1).unwrap();
    session.call(1, 3, 2, &mut term(&[])).unwrap();
    let full = NotMade::Full { count_max: 3 };
    assert_eq!(session.call(1, 3, 3, &mut term(&[])), Err(full.into()));
    assert_eq!(session.call_named(1, "db", 4, &mut term(&[])), Err(full.into()));
    assert_eq!(session.monitor_named(1, "db", 5), Err(full));
    pair.settle();
    let caller = last_caller(&pair, 3);
    pair[B].session.reply(&caller, &mut term(&[])).unwrap();
    pair.settle();
    pair[A].session.call(1, 3, 6, &mut term(&[])).unwrap();
    assert_eq!(pair[A].session.places(), (3, 0));
}

//= spec/capabilities.md#cap-cal-008
//# A node MUST answer a CALL of a living process, or a CALL_NAME or MONITOR_NAME with a registered name, with
//# one MONITOR_EXIT "limit" if no place of the peer is free.
#[test]
fn a_call_too_many_is_answered_with_limit() {
    let mut pair = Pair::with(|_, config| {
        config.capabilities = Capabilities::CALLS.union(Capabilities::NAMES);
        config.bounds.links_and_monitors = 1;
    });
    pair[B].table.register("db", 3);
    let from = Pair::wire(A, 1);
    pair.inject(B, Call { from, to: Pair::wire(B, 3), reference: 1, message: UNIT });
    pair.inject(B, Call { from, to: Pair::wire(B, 3), reference: 2, message: UNIT });
    pair.inject(B, CallName { from, reference: 3, name: "db".into(), message: UNIT });
    pair.inject(B, MonitorName { from, reference: 4, name: "db".into() });
    // The dead are dead first.
    pair.inject(B, Call { from, to: Pair::wire(B, 77), reference: 5, message: UNIT });
    pair.settle();
    let of_3 = Pair::wire(B, 3);
    let answers = [
        refusal(of_3, from, 2, "limit"),
        refusal(whoever(), from, 3, "limit"),
        refusal(whoever(), from, 4, "limit"),
        refusal(Pair::wire(B, 77), from, 5, "noproc"),
    ];
    assert_eq!((pair[A].frames(), pair.seen(B, 3).len()), (answers.to_vec(), 1));
    assert_eq!(pair[B].session.places(), (0, 1));
}

//= spec/capabilities.md#cap-cal-009
//# A node that drops the message of a call for want of room MUST answer with one MONITOR_EXIT "full".
#[test]
fn a_mailbox_that_takes_no_message_is_full_for_calls() {
    let mut pair = pair();
    pair[B].table.fill(3);
    pair[B].table.register("db", 3);
    pair[A].session.call(1, 3, 1, &mut term(&[])).unwrap();
    pair[A].session.call_named(1, "db", 2, &mut term(&[])).unwrap();
    pair.settle();
    assert_eq!(pair.seen(A, 1), [ended(1, "full"), ended(2, "full")]);
    assert_eq!(pair.seen(B, 3), []);
    assert_over(&pair);
}

//= spec/capabilities.md#cap-cal-013
//# When a callee has ended, a node MUST write one matching MONITOR_EXIT with the reason of that end for each
//# of its calls in state called.
//= spec/capabilities.md#cap-cal-017
//# A node that reads a MONITOR_EXIT that matches an open call MUST end the call, and tell the caller the
//# reason.
#[test]
fn the_end_of_the_callee_ends_its_calls() {
    let (mut pair, first) = called(1);
    call(&mut pair, 2);
    pair[B].session.reply(&first, &mut term(&[])).unwrap();
    pair.end_process(B, 3, Reason::error("boom"));
    let late = pair[B].session.reply(&Caller { reference: 2, ..first }, &mut term(&[]));
    assert_eq!(late, Err(NotReplied::Over));
    pair.settle();
    assert_eq!(pair.seen(A, 1), [replied(1), ended(2, "boom")]);
    assert_over(&pair);
}

//= spec/capabilities.md#cap-cal-014
//# When nobody is left who could reply to a call in state called, the node SHOULD write one MONITOR_EXIT
//# "unanswered".
#[test]
fn a_call_that_is_let_go_of_is_unanswered() {
    let (mut pair, caller) = called(1);
    pair[B].session.leave_unanswered(&caller);
    assert_eq!(pair[B].session.reply(&caller, &mut term(&[])), Err(NotReplied::Over));
    // Once, also if the callee ends before that is written.
    pair[B].session.leave_unanswered(&caller);
    pair.end_process(B, 3, Reason::Killed);
    pair.settle();
    assert_eq!((pair.seen(A, 1), pair[A].names()), (&[ended(1, "unanswered")][..], vec!["MONITOR_EXIT"]));
    assert_over(&pair);
    pair[B].session.leave_unanswered(&caller);
    assert!(!pair[B].session.has_output());
}

//= spec/capabilities.md#cap-cal-005
//# When the caller gives up an open call, or ends, a node MUST write DEMONITOR with the pids and the ref of
//# the call.
//= spec/capabilities.md#cap-cal-012
//# A node MUST NOT queue a CALL_REPLY for a call that is not in state called.
#[test]
fn a_call_that_is_given_up_takes_no_reply() {
    let (mut pair, caller) = called(1);
    assert!(pair[A].session.demonitor(1));
    assert!(!pair[A].session.demonitor(1));
    pair.settle();
    let given_up = Demonitor { from: Pair::wire(A, 1), to: Pair::wire(B, 3), reference: 1 };
    assert_eq!(pair[B].frames()[1], given_up.into());
    assert!(!pair[B].session.is_called(&caller));
    assert_eq!(pair[B].session.reply(&caller, &mut term(&[])), Err(NotReplied::Over));
    pair.settle();
    assert_eq!((pair.seen(A, 1), pair[A].arrived.len()), (&[][..], 0));
    assert_over(&pair);
}

#[test]
fn a_reply_that_crosses_the_end_of_its_call_is_ignored() {
    // The caller gives up, or ends, just when the callee replies.
    for ends in [false, true] {
        let (mut pair, caller) = called(1);
        pair[B].session.reply(&caller, &mut term(&[])).unwrap();
        if ends {
            pair.end_process(A, 1, Reason::Normal);
        } else {
            assert!(pair[A].session.demonitor(1));
        }
        pair.settle();
        assert_eq!((pair.seen(A, 1), pair[A].names()), (&[][..], vec!["CALL_REPLY"]));
        assert_eq!(pair[B].names(), ["CALL", "DEMONITOR"]);
        // Both have found nothing.
        assert_eq!([A, B].map(|side| pair[side].session.counts().unmatched), [1, 1]);
        assert_over(&pair);
    }
}

#[test]
fn a_call_that_is_let_go_of_and_given_up_at_once_is_over() {
    let (mut pair, caller) = called(1);
    pair[B].session.leave_unanswered(&caller);
    pair.inject(B, Demonitor { from: Pair::wire(A, 1), to: Pair::wire(B, 3), reference: 1 });
    // That is read before anything is written.
    pair.now += Duration::from_secs(1);
    assert!(pair.read(B, usize::MAX));
    assert!(!pair.write(B, usize::MAX));
    pair.settle();
    assert_eq!((pair[B].session.table_sizes(), pair[A].arrived.len()), ((0, 0, 0), 0));
}

//= spec/capabilities.md#cap-cal-016
//# A node MUST ignore a CALL_REPLY that matches no open call.
#[test]
fn a_reply_that_matches_nothing_reaches_nobody() {
    let (mut pair, _) = called(1);
    pair[A].session.monitor(1, 3, 2).unwrap();
    pair[A].session.monitor_named(1, "db", 3).unwrap();
    pair[A].session.call_named(1, "db", 4, &mut term(&[])).unwrap();
    let (from, to) = (Pair::wire(B, 3), Pair::wire(A, 1));
    let other_start = WirePid::new(0, A.creation() + 1, 1).unwrap();
    let replies = [
        (from, to, 9),
        (Pair::wire(B, 4), to, 1),
        (from, Pair::wire(A, 2), 1),
        (whoever(), to, 1),
        (from, to, 2),
        (whoever(), to, 3),
        (from, to, 4),
        (from, other_start, 1),
        (WirePid::new(0, B.creation() + 1, 3).unwrap(), to, 1),
    ];
    for (from, to, reference) in replies {
        pair.inject(A, CallReply { from, to, reference, message: UNIT });
    }
    let mut whole = pair.clone();
    // Read before anything else is done.
    pair.stop(B);
    pair.settle();
    let counts = pair[A].session.counts();
    assert_eq!((counts.unmatched, counts.stale, counts.foreign), (7, 1, 1));
    assert!(counts.has_unexpected());
    assert_eq!((pair.seen(A, 1), pair.ended(A)), (&[][..], None));
    assert_eq!(pair[A].session.table_sizes(), (0, 4, 0));
    // The right one, twice.
    whole.inject(A, CallReply { from, to, reference: 1, message: UNIT });
    whole.inject(A, CallReply { from, to, reference: 1, message: UNIT });
    whole.settle();
    let replies = whole.seen(A, 1).iter().filter(|seen| matches!(seen, Seen::Reply(..)));
    assert_eq!(replies.count(), 1);
}

#[test]
fn a_receiver_of_a_call_is_judged_as_everywhere() {
    let other = WirePid::new(1, B.creation(), 3).unwrap();
    let (here, there) = (Pair::wire(A, 1), Pair::wire(B, 3));
    let wrong: [Frame<'_>; 2] = [
        Call { from: here, to: other, reference: 1, message: UNIT }.into(),
        CallReply { from: here, to: other, reference: 1, message: UNIT }.into(),
    ];
    for frame in wrong {
        let mut pair = pair();
        pair.inject(B, frame);
        pair.settle();
        assert!(
            pair.ended(B).is_some_and(|why| why.contains("where only 0 can stand")),
            "{:?}",
            pair.ended(B)
        );
    }
    // Who cannot be a process of the peer is ignored, whatever the ref.
    let (mut pair, _) = called(1);
    let stranger = WirePid::new(0, A.creation() + 1, 1).unwrap();
    pair.inject(B, Call { from: stranger, to: there, reference: 1, message: UNIT });
    pair.inject(B, CallName { from: stranger, reference: 1, name: "db".into(), message: UNIT });
    pair.inject(B, MonitorName { from: stranger, reference: 1, name: "db".into() });
    pair.settle();
    assert_eq!((pair.ended(B), pair[B].session.counts().foreign, pair[A].arrived.len()), (None, 3, 0));
}

//= spec/capabilities.md#cap-cal-010
//# A node MUST end the session on a CALL, CALL_NAME or MONITOR_NAME with the ref of a call or monitor that it
//# holds for this peer.
#[test]
fn a_ref_in_use_ends_the_session() {
    let (from, to) = (Pair::wire(A, 2), Pair::wire(B, 4));
    let held: [Frame<'_>; 4] = [
        Monitor { from, to, reference: 7 }.into(),
        Call { from, to, reference: 7, message: UNIT }.into(),
        CallName { from, reference: 7, name: "db".into(), message: UNIT }.into(),
        MonitorName { from, reference: 7, name: "db".into() }.into(),
    ];
    for first in &held {
        for again in &held {
            let mut pair = pair();
            pair[B].table.register("db", 3);
            pair.inject(B, *first);
            pair.settle();
            pair.inject(B, *again);
            pair.settle();
            let ended = pair.ended(B).unwrap_or("not at all");
            assert!(ended.contains("uses ref 7, which is in use"), "{first:?}, {again:?}: {ended}");
        }
    }
}

//= spec/capabilities.md#cap-cal-003
//# Among CALL, CALL_NAME, MONITOR and MONITOR_NAME a node MUST NOT write a ref twice in one session.
#[test]
fn a_ref_that_is_in_use_is_not_written() {
    let mut pair = pair();
    let session = &mut pair[A].session;
    session.call(1, 3, 1, &mut term(&[])).unwrap();
    session.call(1, 3, 1, &mut term(&[])).unwrap();
    session.call_named(1, "db", 1, &mut term(&[])).unwrap();
    session.monitor(1, 3, 1).unwrap();
    session.monitor_named(1, "db", 1).unwrap();
    assert_eq!(session.places(), (1, 0));
    pair.settle();
    assert_eq!((pair[B].names(), pair.ended(B)), (vec!["CALL"], None));
}

//= spec/capabilities.md#cap-cal-019
//# A node MUST tell the caller Noconnection as the end of each open call when its session ends, and of a call
//# without a session at once.
#[test]
fn the_end_of_the_session_ends_calls_at_both_ends() {
    let (mut pair, caller) = called(1);
    pair[A].session.call_named(1, "nobody", 2, &mut term(&[])).unwrap();
    pair[A].session.call(2, 3, 3, &mut term(&[])).unwrap();
    assert!(pair[A].session.demonitor(3));
    pair.lose(0, 0);
    pair.settle();
    let ends = [1, 2].map(|reference| Seen::CallEnded(reference, Reason::Noconnection));
    assert_eq!((pair.seen(A, 1), pair.seen(A, 2)), (&ends[..], &[][..]));
    assert!(!pair[B].session.is_called(&caller));
    assert_eq!(pair[B].session.reply(&caller, &mut term(&[])), Err(NotReplied::Over));
    assert_tables_empty(&pair);
}

#[test]
fn a_caller_of_another_session_or_process_is_nobody_here() {
    let (mut pair, caller) = called(1);
    let other_process = Caller { pid: Pair::theirs(B, 2), ..caller };
    let other_session = Caller { session: caller.session + 1, ..caller };
    let other_node = Caller { pid: Pid::new(NodeNumber::other(2).unwrap(), A.creation(), 1), ..caller };
    for stranger in [other_process, other_session, other_node, Caller { reference: 2, ..caller }] {
        assert!(!pair[B].session.is_called(&stranger));
        assert_eq!(pair[B].session.reply(&stranger, &mut term(&[])), Err(NotReplied::Over));
        pair[B].session.leave_unanswered(&stranger);
    }
    assert!(pair[B].session.is_called(&caller) && !pair[B].session.has_output());
}

#[test]
fn a_call_or_reply_that_is_too_long_is_refused_and_nothing_is_written() {
    let mut pair = Pair::with(|_, config| {
        config.capabilities = Capabilities::CALLS;
        config.peer_bounds.frame_bytes = 65_536;
    });
    let long = |side| term(&vec![Pair::ours(side, 1); 8_000]);
    let refused = pair[A].session.call(1, 3, 1, &mut long(A));
    assert!(matches!(refused, Err(NotCalled::NotSent(NotSent::TooLong(_)))), "{refused:?}");
    assert_eq!((pair[A].session.has_output(), pair[A].session.places()), (false, (0, 0)));
    // The ref has not been used.
    let caller = call(&mut pair, 1);
    let refused = pair[B].session.reply(&caller, &mut long(B));
    assert!(matches!(refused, Err(NotReplied::NotSent(NotSent::TooLong(_)))), "{refused:?}");
    // The call is open, and can be let go of.
    assert!(pair[B].session.is_called(&caller));
    pair[B].session.leave_unanswered(&caller);
    pair.settle();
    assert_eq!(pair.seen(A, 1), [ended(1, "unanswered")]);
    assert_over(&pair);
}

//= spec/capabilities.md#cap-cal-001
//# A node MUST NOT write CALL, CALL_NAME or CALL_REPLY in a session that does not have `calls`.
#[test]
fn without_the_capability_nobody_is_called() {
    let mut pair = Pair::with(|_, config| config.capabilities = Capabilities::NAMES);
    let lacking = || Err(NotCalled::from(Lacking { capability: "calls" }));
    assert_eq!(pair[A].session.call(1, 3, 1, &mut term(&[])), lacking());
    assert_eq!(pair[A].session.call_named(1, "db", 2, &mut term(&[])), lacking());
    assert!(!pair[A].session.has_output());
    assert_tables_empty(&pair);
}

/// Both have fragments, and B has room for so many bytes of what is not whole.
fn in_fragments(bytes_max: Option<usize>) -> Pair {
    let mut pair = Pair::with(|_, config| {
        config.capabilities = Capabilities::CALLS.union(Capabilities::FRAGMENTS);
    });
    for side in Side::BOTH {
        pair[side].table.unfinished_bytes_max = bytes_max;
    }
    pair
}

fn long() -> snow_dist_runtime::core::Term {
    term(&vec![Pair::ours(A, 1); 8_000])
}

#[test]
fn long_calls_and_replies_come_in_fragments() {
    let mut pair = in_fragments(None);
    pair[A].session.call(1, 3, 1, &mut long()).unwrap();
    pair.settle();
    let caller = last_caller(&pair, 3);
    pair[B].session.reply(&caller, &mut term(&vec![Pair::ours(B, 3); 8_000])).unwrap();
    pair.settle();
    assert_eq!((pair[A].names(), pair[B].names()), (vec!["FRAGMENT"; 2], vec!["FRAGMENT"; 2]));
    let [Seen::Reply(1, _, pids)] = pair.seen(A, 1) else { panic!() };
    assert_eq!(pids[..], [Pair::theirs(A, 3); 8_000]);
    assert_over(&pair);
}

//= spec/capabilities.md#cap-cal-009
//# A node that drops the message of a call for want of room MUST answer with one MONITOR_EXIT "full".
#[test]
fn a_call_that_is_dropped_while_it_comes_is_answered() {
    for bytes_max in [0, 10, 70_000] {
        let mut pair = in_fragments(Some(bytes_max));
        pair[B].table.register("db", 3);
        let session = &mut pair[A].session;
        session.call(1, 3, 1, &mut long()).unwrap();
        session.call_named(1, "db", 2, &mut long()).unwrap();
        session.call(1, 77, 3, &mut long()).unwrap();
        pair.settle();
        let ends = [ended(1, "full"), ended(2, "full"), ended(3, "noproc")];
        assert_eq!((pair.seen(A, 1), pair.seen(B, 3)), (&ends[..], &[][..]), "{bytes_max}");
        assert_over(&pair);
    }
}

//= spec/capabilities.md#cap-cal-018
//# A node that drops a reply by SES-MSG-010, SES-MSG-011 or SES-MSG-015 MUST end the call, and tell the
//# caller that the reply was lost.
#[test]
fn a_reply_that_is_dropped_while_it_comes_is_lost() {
    let mut pair = in_fragments(None);
    let caller = call(&mut pair, 1);
    pair[A].table.unfinished_bytes_max = Some(1_000);
    pair[B].session.reply(&caller, &mut long()).unwrap();
    pair.settle();
    assert_eq!(pair.seen(A, 1), [Seen::ReplyLost(1)]);
    assert_over(&pair);
}

#[test]
fn what_is_dropped_while_it_comes_is_judged_as_if_it_had_come_whole() {
    let payload = |frame: Frame<'_>| {
        let mut payload = Vec::new();
        frame.encode(&mut payload).unwrap();
        payload.extend([0; 100]);
        payload
    };
    let drop = |pair: &mut Pair, frame: Frame<'_>| {
        let payload = payload(frame);
        let total = u32::try_from(payload.len()).ok();
        pair.inject(B, Fragment { number: 1, total, last: true, payload: &payload });
        pair.settle();
    };
    let (from, to, reference) = (Pair::wire(A, 1), Pair::wire(B, 3), 1);
    let foreign = WirePid::new(0, A.creation() + 1, 1).unwrap();
    let fresh = || {
        let mut pair = in_fragments(Some(0));
        pair[A].session.monitor(1, 3, 1).unwrap();
        pair.settle();
        pair
    };
    let call_name = |from| CallName { from, reference, name: "db".into(), message: UNIT }.into();
    // The ref is in use.
    for frame in [Call { from, to, reference, message: UNIT }.into(), call_name(from)] {
        let mut pair = fresh();
        drop(&mut pair, frame);
        assert!(pair.ended(B).is_some_and(|why| why.contains("uses ref 1")), "{frame:?}");
    }
    // Nobody of the peer's, or no call.
    let ignored: [Frame<'_>; 3] = [
        Call { from: foreign, to, reference, message: UNIT }.into(),
        call_name(foreign),
        CallReply { from, to, reference, message: UNIT }.into(),
    ];
    for frame in ignored {
        let mut pair = fresh();
        drop(&mut pair, frame);
        let counts = pair[B].session.counts();
        assert_eq!((pair.ended(B), counts.foreign + counts.unmatched, pair[A].arrived.len()), (None, 1, 0));
    }
    // The session has no calls.
    let mut pair = Pair::with(|_, config| config.capabilities = Capabilities::FRAGMENTS);
    pair[B].table.unfinished_bytes_max = Some(0);
    drop(&mut pair, Call { from, to, reference, message: UNIT }.into());
    assert!(pair.ended(B).is_some_and(|why| why.contains("not negotiated")), "{:?}", pair.ended(B));
}

#[test]
fn a_call_is_a_message_of_its_caller_and_keeps_its_place() {
    let mut pair = pair();
    let session = &mut pair[A].session;
    session.send(1, 3, b"before").unwrap();
    session.call(1, 3, 1, &mut term(&[])).unwrap();
    session.send(1, 3, b"behind").unwrap();
    assert!(session.waiting_bytes() > 0);
    assert!(session.demonitor(1));
    pair.settle();
    assert_eq!(pair[B].names(), ["SEND", "CALL", "SEND", "DEMONITOR"]);
}
