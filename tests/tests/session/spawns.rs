//! Processes that one node asks another one for. Specification: `session.md`, "Asking for a process".

use snow_dist_codec::frame::{Call, Demonitor, Link, Monitor, MonitorExit, Spawn, SpawnReply};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Frame, Pid as WirePid, Root};
use snow_dist_runtime::core::limits::{FUNCTION_NAME_BYTES_MAX, SPAWNS_UNANSWERED_MAX};
use snow_dist_runtime::core::session::{Forbidden, Lacking, NotMade, NotRequested, NotSent, Rights, Version};
use snow_dist_runtime::core::{Reason, SpawnFailure, SpawnTie, Term};
use snow_dist_tests::simnet::Side::{self, A, B};
use snow_dist_tests::simnet::{Pair, Seen};

use super::calls::UNIT;
use super::terms::term;
use super::{assert_tables_empty, down, exit, links};

/// What [`term`] makes of no pids.
const NO_PIDS: &[u8] = &[1, 10, 0, 0, 0, 0];

/// B starts processes 10, 11, .. for "worker".
fn pair() -> Pair {
    offering(Pair::with(|_, config| config.capabilities = Capabilities::CALLS))
}

fn offering(mut pair: Pair) -> Pair {
    pair[B].table.offers.insert("worker".into(), 10);
    pair
}

fn ask(pair: &mut Pair, request: u64, tie: SpawnTie) -> Result<(), NotRequested> {
    pair[A].session.spawn(3, request, tie, "worker", &mut term(&[]))
}

/// Process 3 of A, which traps exits, has asked by request 7.
fn asked(tie: SpawnTie) -> Pair {
    let mut pair = pair();
    ask(&mut pair, 7, tie).unwrap();
    pair.settle();
    pair
}

fn spawned(request: u64, local: u64) -> Seen {
    Seen::Spawned(request, Ok(Pair::theirs(A, local)))
}

fn failed(request: u64, why: SpawnFailure) -> Seen {
    Seen::Spawned(request, Err(why))
}

fn refused(request: u64, status: u8) -> Frame<'static> {
    SpawnReply { request, status, local: 0 }.into()
}

fn spawn(link: u8, request: u64) -> Spawn<'static> {
    Spawn { request, requester: Pair::wire(B, 3), link, function: "worker".into(), arguments: UNIT }
}

fn places(pair: &Pair) -> [(u32, u32); 2] {
    Side::BOTH.map(|side| pair[side].session.places())
}

#[track_caller]
fn assert_over(pair: &Pair) {
    assert_eq!(Side::BOTH.map(|side| pair.ended(side)), [None, None]);
    assert_tables_empty(pair);
    assert_eq!(places(pair), [(0, 0); 2]);
}

//= spec/session.md#ses-spn-004
//# A node that has started a process for a SPAWN MUST answer with status 0 and its local id.
//= spec/session.md#ses-spn-007
//# A node MUST NOT link the process of a SPAWN that is not linking.
//= spec/session.md#ses-spn-013
//# In a session with `calls` a node MUST write a term as `arguments`, its pids by SES-PID-010 to SES-PID-012.
//= spec/session.md#ses-spn-017
//# In a session with `calls` a node MUST read the pids in `arguments` by SES-PID-013 to SES-PID-015.
#[test]
fn a_process_is_started_and_given_a_term_with_pids() {
    let mut pair = pair();
    let pids = [Pair::ours(A, 1), Pair::theirs(A, 4)];
    pair[A].session.spawn(3, 7, SpawnTie::None, "worker", &mut term(&pids)).unwrap();
    pair.settle();
    let [Seen::Started(requester, _, read)] = pair.seen(B, 10) else { panic!("{:?}", pair.seen(B, 10)) };
    assert_eq!(*requester, Pair::theirs(B, 3));
    assert_eq!(read, &[Pair::theirs(B, 1), Pair::ours(B, 4)]);
    assert_eq!(pair.seen(A, 3), [spawned(7, 10)]);
    assert_eq!((pair[A].names(), pair[B].names()), (vec!["SPAWN_REPLY"], vec!["SPAWN"]));
    assert_over(&pair);
}

//= spec/session.md#ses-spn-005
//# A node MUST link the process of a linking SPAWN to the requester before it runs.
//= spec/session.md#ses-spn-008
//# A node MUST write the LINK of SES-SPN-005 before the SPAWN_REPLY.
//= spec/session.md#ses-spn-011
//# A node MUST write a SPAWN_REPLY with status 0 before every frame of the new process to the requester, but
//# for its LINK.
#[test]
fn a_linked_process_is_linked_then_told_of_and_then_speaks() {
    let mut pair = pair();
    ask(&mut pair, 7, SpawnTie::Link).unwrap();
    // B has started it, and nothing is written when it ends.
    while !pair[B].table.is_alive(10) {
        pair.write(A, usize::MAX);
        pair.now += std::time::Duration::from_millis(10);
        pair.read(B, usize::MAX);
    }
    pair[B].session.send(10, 3, b"first words").unwrap();
    pair.end_process(B, 10, Reason::error("brief"));
    pair.settle();
    assert_eq!(pair[A].names(), ["LINK", "SPAWN_REPLY", "SEND", "EXIT"]);
    let seen = [spawned(7, 10), Seen::Message(b"first words".to_vec()), exit(A, 10, Reason::error("brief"))];
    assert_eq!(pair.seen(A, 3), seen);
    assert_over(&pair);
}

#[test]
fn a_linked_process_ends_with_its_requester() {
    let mut pair = asked(SpawnTie::Link);
    assert_eq!((links(&pair, A), links(&pair, B)), (1, 1));
    pair.end_process(A, 3, Reason::Killed);
    pair.settle();
    assert_eq!(pair.seen(B, 10)[1..], [exit(B, 3, Reason::Killed)]);
    assert_over(&pair);
}

#[test]
fn a_linked_process_of_a_requester_that_has_ended_meanwhile_is_told_so() {
    let mut pair = pair();
    ask(&mut pair, 7, SpawnTie::Link).unwrap();
    pair.end_process(A, 3, Reason::Normal);
    pair.settle();
    assert_eq!(pair.seen(B, 10)[1..], [exit(B, 3, Reason::noproc())]);
    assert_eq!(pair.seen(A, 3), []);
    assert_eq!(pair[A].session.counts().unmatched, 1, "SPAWN_REPLY answers nothing any more");
    assert_over(&pair);
}

//= spec/session.md#ses-spn-018
//# In `monitored` of MONITOR_EXIT and `to` of DEMONITOR for a monitoring SPAWN a node MUST write node id 0,
//# local id 0 and the asked node's creation.
//= spec/session.md#ses-spn-020
//# A node MUST hold a monitor, with the ref `request`, of the process of a monitoring SPAWN before it runs.
#[test]
fn a_monitored_process_brings_one_down() {
    let mut pair = asked(SpawnTie::Monitor);
    assert_eq!((pair[A].session.table_sizes(), pair[B].session.table_sizes()), ((0, 1, 0), (0, 0, 1)));
    assert_eq!(places(&pair), [(1, 0), (0, 1)]);
    pair.end_process(B, 10, Reason::error("boom"));
    pair.settle();
    assert_eq!(pair.seen(A, 3), [spawned(7, 10), down(A, 7, 10, Reason::error("boom"))]);
    let (monitored, monitoring) = (Pair::wire(B, 0), Pair::wire(A, 3));
    let reason = Root::Error("boom".into()).into();
    assert_eq!(pair[A].frames()[1], MonitorExit { monitored, monitoring, reference: 7, reason }.into());
    assert_over(&pair);
}

#[test]
fn a_monitor_of_a_process_that_was_asked_for_is_ended_by_its_ref() {
    let mut pair = asked(SpawnTie::Monitor);
    assert!(pair[A].session.demonitor(7));
    pair.settle();
    let demonitor = Demonitor { from: Pair::wire(A, 3), to: Pair::wire(B, 0), reference: 7 };
    assert_eq!(pair[B].frames()[1..], [demonitor.into()]);
    assert_over(&pair);
    pair.end_process(B, 10, Reason::Killed);
    pair.settle();
    assert_eq!(pair.seen(A, 3), [spawned(7, 10)]);
}

#[test]
fn what_is_given_up_is_told_to_nobody_and_monitors_nothing() {
    for (tie, is_linked) in [(SpawnTie::None, false), (SpawnTie::Link, true), (SpawnTie::Monitor, false)] {
        let mut pair = pair();
        ask(&mut pair, 7, tie).unwrap();
        assert!(pair[A].session.demonitor(7));
        pair.settle();
        assert!(pair[B].table.is_alive(10), "{tie:?}");
        assert_eq!(pair.seen(A, 3), [], "{tie:?}");
        assert_eq!((links(&pair, A), places(&pair)[0].0), (usize::from(is_linked), 0), "{tie:?}");
        assert!(!pair[A].session.demonitor(7));
        pair.end_process(B, 10, Reason::Killed);
        pair.settle();
        assert_over(&pair);
    }
}

#[test]
fn a_requester_that_ends_takes_its_requests_and_monitors_along() {
    let mut pair = pair();
    for (request, tie) in [(1, SpawnTie::None), (2, SpawnTie::Monitor)] {
        ask(&mut pair, request, tie).unwrap();
    }
    pair.end_process(A, 3, Reason::Normal);
    pair.settle();
    assert_eq!(pair[B].names(), ["SPAWN", "SPAWN", "DEMONITOR"]);
    assert_eq!(pair.seen(A, 3), []);
    assert_over(&pair);
}

//= spec/session.md#ses-end-005
//# When a session ends, a node MUST tell the requester of each SPAWN without an answer that it has failed
//# with Noconnection.
#[test]
fn a_request_that_was_not_answered_fails_with_the_session() {
    let mut pair = pair();
    ask(&mut pair, 1, SpawnTie::Monitor).unwrap();
    pair.settle();
    for (request, tie) in [(2, SpawnTie::None), (3, SpawnTie::Link), (4, SpawnTie::Monitor)] {
        ask(&mut pair, request, tie).unwrap();
    }
    pair.lose(0, 0);
    pair.settle();
    let gone = |request| failed(request, SpawnFailure::Noconnection);
    let seen = [spawned(1, 10), down(A, 1, 10, Reason::Noconnection), gone(2), gone(3), gone(4)];
    assert_eq!(pair.seen(A, 3), seen);
    assert_tables_empty(&pair);
}

//= spec/session.md#ses-spn-003
//# A node that does not start a process because of SES-SPN-002 MUST answer with status 1.
#[test]
fn a_function_that_is_not_offered_is_not_started_for_any_tie() {
    let mut pair = pair();
    for (request, tie) in [(1, SpawnTie::None), (2, SpawnTie::Link), (3, SpawnTie::Monitor)] {
        pair[A].session.spawn(3, request, tie, "Worker", &mut term(&[])).unwrap();
    }
    pair.settle();
    assert_eq!(pair[A].frames(), [refused(1, 1), refused(2, 1), refused(3, 1)]);
    assert_eq!(pair.seen(A, 3), [1, 2, 3].map(|request| failed(request, SpawnFailure::NotOffered)));
    assert_over(&pair);
}

//= spec/session.md#ses-spn-002
//# A node MUST NOT start a process for a SPAWN unless its program has registered the function for that and
//# its operator or program lets the peer start it.
#[test]
fn a_peer_that_may_have_nothing_started_is_told_that_there_is_nothing() {
    let mut pair = pair();
    pair[B].session.set_rights(Rights { spawn: false, ..Rights::default() });
    for request in 1..=3 {
        ask(&mut pair, request, SpawnTie::None).unwrap();
    }
    pair.settle();
    assert_eq!(pair[A].frames(), [refused(1, 1), refused(2, 1), refused(3, 1)]);
    assert_eq!(pair[B].session.take_forbidden(), [(Forbidden::Spawn, 1), (Forbidden::Spawn, 2)]);
    assert_eq!(pair[B].session.counts().spawns_refused, 3);
    assert_over(&pair);
}

//= spec/session.md#ses-spn-006
//# A node MUST NOT start a process for a linking SPAWN if SES-BND-001 forbids the LINK.
//= spec/session.md#ses-spn-016
//# A node MUST NOT start a process for a monitoring SPAWN when no place of the peer is free.
#[test]
fn what_cannot_be_tied_is_not_started() {
    let mut pair = offering(Pair::with(|side, config| {
        config.capabilities = Capabilities::CALLS;
        // B carries nothing for A, which believes the bound to be larger, and A nothing for B.
        config.bounds.links_and_monitors = 0;
        config.peer_bounds.links_and_monitors = if side == A { 9 } else { 0 };
    }));
    for (request, tie) in [(1, SpawnTie::Link), (2, SpawnTie::Monitor), (3, SpawnTie::None)] {
        ask(&mut pair, request, tie).unwrap();
    }
    pair.settle();
    let not_tied = |request| failed(request, SpawnFailure::NotTied);
    assert_eq!(pair.seen(A, 3), [not_tied(1), not_tied(2), spawned(3, 10)]);
    assert_eq!(pair[A].names(), ["SPAWN_REPLY"; 3]);
    assert_over(&pair);
}

//= spec/session.md#ses-spn-012
//# A node MUST NOT write a monitoring SPAWN for which no place at the peer is free.
#[test]
fn a_monitor_too_many_is_not_asked_for() {
    let mut pair = offering(Pair::with(|_, config| {
        config.capabilities = Capabilities::CALLS;
        config.bounds.links_and_monitors = 1;
        config.peer_bounds.links_and_monitors = 1;
    }));
    ask(&mut pair, 1, SpawnTie::Monitor).unwrap();
    let full = NotRequested::NotMade(NotMade::Full { count_max: 1 });
    assert_eq!(ask(&mut pair, 2, SpawnTie::Monitor), Err(full));
    ask(&mut pair, 3, SpawnTie::None).unwrap();
    pair[A].session.spawn(3, 4, SpawnTie::None, "thief", &mut term(&[])).unwrap();
    pair.settle();
    assert_eq!(pair.seen(A, 3), [spawned(1, 10), spawned(3, 11), failed(4, SpawnFailure::NotOffered)]);
}

//= spec/session.md#ses-spn-010
//# A node MUST ignore a SPAWN_REPLY whose `request` is not that of an own SPAWN of this session without an
//# answer.
#[test]
fn a_reply_counts_once_and_only_for_a_request() {
    let mut pair = pair();
    pair[A].session.monitor(1, 9, 5).unwrap();
    ask(&mut pair, 7, SpawnTie::Monitor).unwrap();
    for (request, status, local) in [(8, 0, 4), (5, 0, 4), (7, 0, 4), (7, 0, 5), (7, 1, 0)] {
        pair.inject(A, SpawnReply { request, status, local });
    }
    pair.now += std::time::Duration::from_millis(10);
    pair.read(A, usize::MAX);
    assert_eq!(pair.seen(A, 3), [spawned(7, 4)]);
    assert_eq!(pair[A].session.counts().unmatched, 4);
    assert_eq!(pair[A].session.places().0, 2);
}

#[test]
fn a_process_of_no_number_is_none() {
    for local in [0, WirePid::LOCAL_MAX + 1] {
        let mut pair = pair();
        ask(&mut pair, 7, SpawnTie::Monitor).unwrap();
        pair.inject(A, SpawnReply { request: 7, status: 0, local });
        pair.now += std::time::Duration::from_millis(10);
        pair.read(A, usize::MAX);
        assert_eq!(pair.seen(A, 3), [failed(7, SpawnFailure::Other { status: 0 })]);
        // Should there be a process all the same, it is not monitored.
        pair.settle();
        assert_eq!(pair[B].names(), ["SPAWN", "DEMONITOR"]);
        assert_over(&pair);
    }
}

//= spec/session.md#ses-spn-019
//# A node MUST ignore a MONITOR_EXIT for an own monitoring SPAWN without an answer.
#[test]
fn an_end_before_the_reply_is_ignored() {
    let mut pair = pair();
    ask(&mut pair, 7, SpawnTie::Monitor).unwrap();
    let (monitored, monitoring) = (Pair::wire(B, 0), Pair::wire(A, 3));
    let reason = Root::Killed.into();
    pair.inject(A, MonitorExit { monitored, monitoring, reference: 7, reason });
    pair.settle();
    assert_eq!(pair.seen(A, 3), [spawned(7, 10)]);
    assert_eq!((pair[A].session.counts().unmatched, places(&pair)), (1, [(1, 0), (0, 1)]));
}

//= spec/session.md#ses-spn-015
//# A node MUST end the session if it reads a monitoring SPAWN with the ref of a call or monitor that it holds
//# for this peer.
#[test]
fn a_ref_that_is_in_use_ends_the_session_if_it_is_to_be_a_monitor() {
    let (from, to) = (Pair::wire(B, 3), Pair::wire(A, 3));
    let held: [Frame<'_>; 3] = [
        Monitor { from, to, reference: 7 }.into(),
        Call { from, to, reference: 7, message: UNIT }.into(),
        spawn(2, 7).into(),
    ];
    for first in held {
        for (link, calls, ends) in [(2, true, true), (1, true, false), (0, true, false), (2, false, false)] {
            if !calls && !matches!(first, Frame::Monitor(_)) {
                continue;
            }
            let set = if calls { Capabilities::CALLS } else { Capabilities::NONE };
            let mut pair = Pair::with(|_, config| config.capabilities = set);
            pair[A].table.offers.insert("worker".into(), 10);
            pair.inject(A, first);
            pair.inject(A, spawn(link, 7));
            pair.settle();
            let said = pair.ended(A).is_some_and(|why| why.contains("SPAWN uses ref 7, which is in use"));
            assert_eq!(said, ends, "{first:?}, link {link}: {:?}", pair.ended(A));
        }
    }
}

#[test]
fn a_number_that_a_request_holds_is_in_use_for_monitors_too() {
    let mut pair = pair();
    pair[A].table.offers.insert("worker".into(), 10);
    pair.inject(A, spawn(2, 7));
    pair.inject(A, Monitor { from: Pair::wire(B, 3), to: Pair::wire(A, 3), reference: 7 });
    pair.settle();
    assert!(pair.ended(A).is_some_and(|why| why.contains("MONITOR uses ref 7")), "{:?}", pair.ended(A));
}

//= spec/session.md#ses-spn-009
//# A node MUST NOT write two SPAWNs with the same `request` in one session.
//= spec/session.md#ses-spn-021
//# A node MUST NOT write a monitoring SPAWN and a CALL, CALL_NAME, MONITOR or MONITOR_NAME with the same
//# number in one session.
#[test]
fn a_live_number_is_not_written_twice() {
    let mut pair = pair();
    pair[A].session.monitor(3, 1, 5).unwrap();
    for request in [5, 7, 7] {
        ask(&mut pair, request, SpawnTie::Monitor).unwrap();
    }
    ask(&mut pair, 7, SpawnTie::None).unwrap();
    pair.settle();
    assert_eq!(pair[B].names(), ["MONITOR", "SPAWN"]);
    assert_eq!(places(&pair), [(2, 0), (0, 2)]);
}

#[test]
fn arguments_that_are_no_term_are_bytes() {
    let mut pair = pair();
    pair[A].table.offers.insert("worker".into(), 10);
    pair.inject(A, Spawn { arguments: b"\xFF", ..spawn(1, 7) });
    pair.settle();
    assert_eq!(pair.seen(A, 10), [Seen::Started(Pair::theirs(A, 3), vec![0xFF], vec![])]);
    assert_eq!(pair.ended(A), None);
}

//= spec/dist.md#dist-spn-002
//# A node MUST write 0 or 1 into `link`, or 2 in a session that has `calls`.
#[test]
fn without_calls_there_is_no_monitor_and_no_pid_in_arguments() {
    let mut pair = offering(Pair::new());
    let lacks = |capability| Err(NotRequested::NotSent(NotSent::Lacking(Lacking { capability })));
    assert_eq!(ask(&mut pair, 1, SpawnTie::Monitor), lacks("calls"));
    let with_pid = &mut term(&[Pair::ours(A, 1)]);
    assert_eq!(pair[A].session.spawn(3, 2, SpawnTie::None, "worker", with_pid), lacks("calls"));
    // Bytes are of the second kind.
    let second = &mut Term::new(vec![1, 7, 1, 0, 0, 0, 9], &[]).unwrap();
    assert_eq!(pair[A].session.spawn(3, 3, SpawnTie::None, "worker", second), lacks("terms_2"));
    ask(&mut pair, 4, SpawnTie::None).unwrap();
    ask(&mut pair, 5, SpawnTie::Link).unwrap();
    pair.settle();
    assert_eq!(pair.seen(B, 10), [Seen::Started(Pair::theirs(B, 3), NO_PIDS.to_vec(), vec![])]);
    let written: Vec<_> = pair[B]
        .frames()
        .iter()
        .map(|frame| {
            let Frame::Spawn(spawn) = frame else { panic!("{frame:?}") };
            (spawn.request, spawn.link)
        })
        .collect();
    assert_eq!(written, [(4, 0), (5, 1)]);
    // Nor does the flag ask for one.
    pair[A].table.offers.insert("worker".into(), 10);
    pair.inject(A, spawn(2, 7));
    pair.settle();
    assert_eq!((pair[A].session.places(), pair.seen(A, 10).len()), ((0, 1), 1), "the link alone");
}

//= spec/session.md#ses-spn-014
//# A node MUST NOT write a SPAWN whose payload is longer than 65 536 bytes.
#[test]
fn a_request_that_is_too_long_is_refused_and_one_byte_less_is_not() {
    let mut pair = pair();
    let letters = |count: usize| {
        let mut bytes = vec![1, 5];
        bytes.extend(u32::try_from(count).unwrap().to_le_bytes());
        bytes.resize(6 + count, b'x');
        Term::new(bytes, &[]).unwrap()
    };
    let fits = 65_536 - 20 - "worker".len() - 6;
    let mut ask =
        |request, count| pair[A].session.spawn(3, request, SpawnTie::Monitor, "worker", &mut letters(count));
    assert!(matches!(ask(1, fits + 1), Err(NotRequested::NotSent(NotSent::TooLong(_)))));
    ask(2, fits).unwrap();
    let name = "f".repeat(FUNCTION_NAME_BYTES_MAX + 1);
    let (length, length_max) = (name.len(), FUNCTION_NAME_BYTES_MAX);
    let named =
        |pair: &mut Pair, name: &str| pair[A].session.spawn(3, 3, SpawnTie::None, name, &mut term(&[]));
    assert_eq!(named(&mut pair, &name), Err(NotRequested::NameTooLong { length, length_max }));
    named(&mut pair, &name[1..]).unwrap();
    pair.settle();
    assert_eq!(pair[B].arrived[0].len(), 65_536);
    assert_eq!(pair.seen(A, 3), [spawned(2, 10), failed(3, SpawnFailure::NotOffered)]);
}

#[test]
fn requests_that_are_not_answered_are_bounded() {
    let mut pair = pair();
    for request in 0..SPAWNS_UNANSWERED_MAX as u64 {
        ask(&mut pair, request, SpawnTie::Link).unwrap();
    }
    let count_max = SPAWNS_UNANSWERED_MAX;
    assert_eq!(ask(&mut pair, u64::MAX, SpawnTie::None), Err(NotRequested::TooMany { count_max }));
    assert!(pair[A].session.demonitor(0));
    ask(&mut pair, u64::MAX, SpawnTie::None).unwrap();
    assert!(pair[A].session.waiting_bytes() > count_max * 20, "they wait for room as messages do");
}

//= spec/version1.md#v1-pid-011
//# A node MUST write an own process into `requester` of SPAWN as (0, l, 0).
#[test]
fn a_version_1_node_is_asked_in_its_own_words() {
    let mut pair = Pair::with(|_, config| {
        config.version = Version::One { node_id: None, seed: [7; 32] };
        config.peer_creation = 1;
    });
    assert_eq!(ask(&mut pair, 1, SpawnTie::Link), Err(NotRequested::Version1Link));
    ask(&mut pair, 2, SpawnTie::None).unwrap();
    assert!(pair[A].session.demonitor(2), "it is given up, and nothing is written for that");
    pair.settle();
    let [Frame::Spawn(asked)] = pair[B].frames()[..] else { panic!("{:?}", pair[B].names()) };
    assert_eq!((asked.requester, asked.link), (WirePid::new(0, 0, 3).unwrap(), 0));
}

//= spec/session.md#ses-spn-006
//# A node MUST NOT start a process for a linking SPAWN if SES-BND-001 forbids the LINK.
#[test]
fn a_version_1_node_has_a_linked_process_when_it_has_said_k() {
    for k in [None, Some(3)] {
        let mut pair = Pair::with(|_, config| {
            config.version = Version::One { node_id: k.map(|k: u16| k.try_into().unwrap()), seed: [7; 32] };
        });
        pair[A].table.offers.insert("worker".into(), 10);
        let requester = WirePid::new(0, 0, 5).unwrap();
        pair.inject(A, Spawn { requester, ..spawn(1, 7) });
        pair.now += std::time::Duration::from_millis(10);
        pair.read(A, usize::MAX);
        pair.settle();
        if k.is_none() {
            assert_eq!(pair[B].frames(), [refused(7, 2)]);
            continue;
        }
        // What watches the link for its answer is no part of it, and comes behind the reply.
        assert_eq!(pair[B].names()[..3], ["LINK", "SPAWN_REPLY", "MONITOR"]);
        let from = WirePid::new(3, A.creation(), 10).unwrap();
        assert_eq!(pair[B].frames()[0], Link { from, to: requester }.into());
    }
}
