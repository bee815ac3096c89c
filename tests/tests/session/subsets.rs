//! Every set of capabilities that a session can have: what falls back, what is refused to who asks for
//! it, and that no frame of a capability is written which the session does not have. Specification: `capabilities.md`.

use std::num::NonZeroU64;
use std::sync::Arc;

use snow_dist_codec::frame::{
    Call, CallName, CallReply, Exit2, Fragment, MonitorName, Named, NodeTable, SendNameTerm, SendTerm,
};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Frame, NodeName, Root};
use snow_dist_runtime::core::handshake::{Channel, Cookie, Local, Peer, acceptor, initiator};
use snow_dist_runtime::core::session::{CAPABILITIES, Lacking, NotCalled, NotMade, NotSent};
use snow_dist_runtime::core::{NodeNumber, Numbering, Pid, Reason, Start, Term};
use snow_dist_tests::simnet::Side::{self, A, B};
use snow_dist_tests::simnet::{Pair, Seen};

use super::terms::term;

const NODE_TABLE: Capabilities = Capabilities::NODE_TABLE;
const FRAGMENTS: Capabilities = Capabilities::FRAGMENTS;
const REMOTE_EXIT: Capabilities = Capabilities::REMOTE_EXIT;
const SEND_TERM: Capabilities = Capabilities::SEND_TERM;
const CALLS: Capabilities = Capabilities::CALLS;
const NAMES: Capabilities = Capabilities::NAMES;
const TERMS_2: Capabilities = Capabilities::TERMS_2;

/// Longer than what goes out in one piece where there are fragments.
const LONG: usize = 200_000;

fn local(side: Side, announces: Capabilities) -> Local {
    let start = side.start();
    let cookie = Cookie::new("a cookie of thirty-two letters..").unwrap();
    let mut local = Local::new(NodeName::parse(&start.name).unwrap(), start.incarnation, cookie.into());
    local.capabilities = announces;
    local
}

/// What each node knows of the other after the handshake that runs in production.
fn settled(announced: [Capabilities; 2]) -> [Peer; 2] {
    let [a, b] = [A, B].map(|side| Arc::new(local(side, announced[side as usize])));
    let channel = Channel::Tls13 { exporter: [5; 32] };
    let name = b.name().clone();
    let (hello, dialling) = initiator::start(a, channel, NodeName::parse(&name).unwrap()).unwrap();
    let (challenge, accepting) = acceptor::start(b, channel).handle(&hello, [1; 24]).unwrap();
    let (reply, dialling) = dialling.handle(&challenge, [2; 24]).unwrap();
    let verified = accepting.handle(&reply).unwrap();
    let (ack, of_a) = verified.accept();
    let of_b = dialling.handle(&ack).unwrap();
    [of_b.peer, of_a.peer]
}

fn pair(announced: [Capabilities; 2]) -> Pair {
    let settled = settled(announced);
    let both = announced[0].intersection(announced[1]);
    assert!(settled.iter().all(|peer| peer.capabilities == both));
    Pair::with(|side, config| config.capabilities = settled[side as usize].capabilities)
}

fn sets() -> impl Iterator<Item = Capabilities> {
    (0..=CAPABILITIES.to_bits()).map(Capabilities::from_bits)
}

/// All but these.
fn without(set: Capabilities) -> Capabilities {
    Capabilities::from_bits(!set.to_bits())
}

/// The third node, as both know it in the end.
fn third(pair: &mut Pair, side: Side) -> Pid {
    let start = Start { name: "c@host:1".into(), incarnation: NonZeroU64::new(3).unwrap() };
    let number = pair[side].table.numbers.of(&start.name, Some(start.incarnation));
    Pid::new(number, start.creation(), 5)
}

fn unknown(pid: Pid) -> Pid {
    Pid::new(NodeNumber::UNKNOWN, pid.creation(), pid.local())
}

fn needed(frame: &Frame<'_>) -> Capabilities {
    match frame {
        Frame::NodeTable(_) => NODE_TABLE,
        Frame::Fragment(_) => FRAGMENTS,
        Frame::Exit2(_) => REMOTE_EXIT,
        Frame::SendTerm(_) => SEND_TERM,
        Frame::Call(_) | Frame::CallName(_) | Frame::CallReply(_) => CALLS,
        Frame::SendNameTerm(_) | Frame::MonitorName(_) | Frame::Named(_) => NAMES,
        _ => Capabilities::NONE,
    }
}

/// What `from` does over the session arrives at the other node as the session's capabilities say.
fn check(pair: &mut Pair, from: Side, has: impl Fn(Capabilities) -> bool) {
    let to = from.other();
    let there = third(pair, from);
    let start = pair[from].table.numbers.start(there.node()).cloned();
    pair[from].session.introduce(there.node(), || start);
    check_calls(pair, from, &has);
    check_names(pair, from, &has);
    let session = &mut pair[from].session;

    let exit = session.exit(3, 3, &Reason::Killed);
    assert_eq!(exit, if has(REMOTE_EXIT) { Ok(()) } else { Err(Lacking { capability: "remote_exit" }) });

    session.send_term(3, 3, &mut term(&[])).unwrap();
    let pids = [Pair::ours(from, 3), Pair::theirs(from, 4), there];
    let with_pids = session.send_term(3, 3, &mut term(&pids));
    let lacking = NotSent::Lacking(Lacking { capability: "send_term" });
    assert_eq!(with_pids, if has(SEND_TERM) { Ok(()) } else { Err(lacking) });

    let bytes = vec![1, 7, 1, 0, 0, 0, 9];
    let second = session.send_term(3, 3, &mut Term::new(bytes.clone(), &[]).unwrap());
    let lacking = |capability| Err(NotSent::Lacking(Lacking { capability }));
    assert_eq!(
        second,
        match (has(TERMS_2), has(SEND_TERM)) {
            (true, true) => Ok(()),
            (true, false) => lacking("send_term"),
            (false, _) => lacking("terms_2"),
        }
    );

    session.send(3, 3, &[7; LONG]).unwrap();
    session.link(3, 3).unwrap();
    pair.settle();
    pair.end_process(from, 3, Reason::linked(there, &Reason::error("boom")));
    pair.settle();
    assert_eq!([A, B].map(|side| pair.ended(side)), [None, None]);

    let third_there = third(pair, to);
    let seen_third = if has(NODE_TABLE) { third_there } else { unknown(third_there) };
    let sender = Pair::theirs(to, 3);
    let mut expected = Vec::new();
    if has(REMOTE_EXIT) {
        expected.push(Seen::Exit(sender, Reason::Killed));
    }
    let no_pids = vec![1, 10, 0, 0, 0, 0];
    expected.push(if has(SEND_TERM) { Seen::Term(no_pids, vec![]) } else { Seen::Message(no_pids) });
    let mut seen = pair.seen(to, 3).to_vec();
    if has(SEND_TERM) {
        let Seen::Term(_, pids) = seen.remove(expected.len()) else { panic!("{seen:?}") };
        assert_eq!(pids, [sender, Pair::ours(to, 4), seen_third]);
    }
    if has(SEND_TERM) && has(TERMS_2) {
        expected.push(Seen::Term(bytes, vec![]));
    }
    expected.push(Seen::Message(vec![7; LONG]));
    expected.push(Seen::Exit(sender, Reason::linked(seen_third, &Reason::error("boom"))));
    assert_eq!(seen, expected);

    let written = pair[to].frames();
    for frame in written.iter().chain(&pair[from].frames()) {
        assert!(has(needed(frame)), "{} was written", frame.name());
    }
    for of in [NODE_TABLE, FRAGMENTS, REMOTE_EXIT, SEND_TERM, CALLS, NAMES] {
        assert_eq!(
            written.iter().any(|frame| needed(frame) == of),
            has(of),
            "{of:?} is used where it is had"
        );
    }
}

/// Process 1 calls process 2, which is `db`, too, and gets its reply where there are calls.
fn check_calls(pair: &mut Pair, from: Side, has: &impl Fn(Capabilities) -> bool) {
    let to = from.other();
    pair[to].table.register("db", 2);
    let pids = [Pair::ours(from, 1)];
    let session = &mut pair[from].session;
    let called = [session.call(1, 2, 1, &mut term(&pids)), session.call_named(1, "db", 2, &mut term(&pids))];
    if !has(CALLS) {
        let lacking = || Err(NotCalled::from(Lacking { capability: "calls" }));
        return assert_eq!(called, [lacking(), lacking()]);
    }
    assert_eq!(called, [Ok(()), Ok(())]);
    pair.settle();
    for seen in pair.seen(to, 2).to_vec() {
        let Seen::Call(caller, _, pids) = seen else { panic!("{seen:?}") };
        assert_eq!((caller.pid, pids), (Pair::theirs(to, 1), vec![Pair::theirs(to, 1)]));
        pair[to].session.reply(&caller, &mut term(&[Pair::ours(to, 2)])).unwrap();
    }
    pair.settle();
    let seen = pair.seen(from, 1);
    let [Seen::Reply(1, _, one), Seen::Reply(2, _, other)] = seen else { panic!("{seen:?}") };
    assert_eq!((one, other), (&vec![Pair::theirs(from, 2)], one));
}

/// Process 2 sends terms to `db`, which is process 4, and monitors it where there are names.
fn check_names(pair: &mut Pair, from: Side, has: &impl Fn(Capabilities) -> bool) {
    let to = from.other();
    pair[to].table.register("db", 4);
    let before = pair.seen(from, 2).len();
    let session = &mut pair[from].session;
    session.send_named_term(2, "db", &mut term(&[])).unwrap();
    let with_pids = session.send_named_term(2, "db", &mut term(&[Pair::ours(from, 2)]));
    let monitored = session.monitor_named(2, "db", 3);
    pair.settle();
    if !has(NAMES) {
        let lacking = Lacking { capability: "names" };
        assert_eq!((with_pids, monitored), (Err(NotSent::Lacking(lacking)), Err(NotMade::Lacking(lacking))));
        return assert!(matches!(pair.seen(to, 4), [Seen::Message(_)]), "{:?}", pair.seen(to, 4));
    }
    assert_eq!((with_pids, monitored), (Ok(()), Ok(())));
    assert!(matches!(pair.seen(to, 4), [Seen::Term(..), Seen::Term(..)]), "{:?}", pair.seen(to, 4));
    assert_eq!(pair.seen(from, 2)[before..], [Seen::Named(3, Pair::theirs(from, 4))]);
}

/// A frame of each capability that a session lacks ends it.
fn check_refused(pair: &Pair, has: impl Fn(Capabilities) -> bool) {
    let (from, to) = (Pair::wire(A, 3), Pair::wire(B, 3));
    let frames: [Frame<'_>; 10] = [
        NodeTable { index: 77, incarnation: 3, name: "c@host:1".into() }.into(),
        Fragment { number: 1, total: Some(9), last: false, payload: &[16, 0] }.into(),
        Exit2 { from, to, reason: Root::Normal.into() }.into(),
        SendTerm { to, message: &[1, 6] }.into(),
        Call { from, to, reference: 1, message: &[1, 6] }.into(),
        CallName { from, reference: 1, name: "db".into(), message: &[1, 6] }.into(),
        CallReply { from, to, reference: 1, message: &[1, 6] }.into(),
        SendNameTerm { name: "db".into(), message: &[1, 6] }.into(),
        MonitorName { from, reference: 1, name: "db".into() }.into(),
        Named { reference: 1, pid: from }.into(),
    ];
    for frame in frames {
        let mut pair = pair.clone();
        pair.inject(B, frame);
        pair.settle();
        assert_eq!(pair.ended(B).is_none(), has(needed(&frame)), "{}", frame.name());
    }
}

//= spec/handshake.md#hs-ver-003
//# A node MUST NOT use a capability in a session unless it stands in both blocks.
//= spec/capabilities.md#cap-ntb-001
//# A node MUST NOT write NODE_TABLE in a session that does not have `node_table`.
//= spec/capabilities.md#cap-rxt-002
//# A node MUST NOT write EXIT2 in a session that does not have `remote_exit`.
//= spec/capabilities.md#cap-stm-001
//# A node MUST NOT write SEND_TERM in a session that does not have `send_term`.
//= spec/capabilities.md#cap-cal-001
//# A node MUST NOT write CALL, CALL_NAME or CALL_REPLY in a session that does not have `calls`.
//= spec/capabilities.md#cap-nam-001
//# A node MUST NOT write SEND_NAME_TERM, MONITOR_NAME or NAMED in a session that does not have `names`.
//= spec/connection.md#con-err-001
//# A node MUST end a session in which it reads a frame of a capability that the session does not have.
#[test]
fn a_session_has_any_set_and_does_what_that_can() {
    let mut pairs = 0;
    let all = Capabilities::from_bits(u64::MAX);
    for announced in sets().flat_map(|set| [[set, all], [all, set], [set, set], [set, without(set)]]) {
        let both = announced[0].intersection(announced[1]).intersection(CAPABILITIES);
        let has = |capability| both.contains(capability);
        let fresh = pair(announced);
        check_refused(&fresh, has);
        for from in Side::BOTH {
            check(&mut fresh.clone(), from, has);
        }
        pairs += 1;
    }
    assert_eq!(pairs, 4 << CAPABILITIES.to_bits().count_ones());
}
