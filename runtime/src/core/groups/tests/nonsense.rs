//! Messages that are none, or not for this server: ignored, and counted.

use snow_dist_codec::stf::Encoder;
use snow_dist_codec::{Pid as WirePid, Text};

use super::world::{here, number, on};
use crate::core::groups::{Groups, Todo};
use crate::core::{Pid, Term};

/// A server that knows the one of node 1, which is its process 5.
fn acquainted() -> Groups {
    let mut groups = Groups::new(here(1));
    groups.handle_node_up(number(1));
    while groups.poll_todo(number(1)).is_some() {}
    groups.handle_named(number(1), on(1, 5));
    while groups.poll_todo(number(1)).is_some() {}
    groups
}

/// A value in a message.
#[derive(Clone)]
enum V {
    Int(i64),
    Str(&'static str),
    Bool(bool),
    Pid(Pid),
    List(Vec<Self>),
    Tuple(Vec<Self>),
}
use V::{Bool, Int, List, Str, Tuple};

fn put(value: &V, encoder: &mut Encoder<'_>, pids: &mut Vec<Pid>) {
    match value {
        Int(number) => encoder.int(*number),
        Str(text) => encoder.str(Text::from(*text)).unwrap(),
        Bool(truth) => encoder.bool(*truth),
        V::Pid(pid) => {
            encoder.pid(WirePid::from_bits(pids.len() as u64));
            pids.push(*pid);
        }
        List(values) => {
            encoder.list(values.len()).unwrap();
            values.iter().for_each(|value| put(value, encoder, pids));
        }
        Tuple(values) => {
            encoder.tuple(values.len()).unwrap();
            values.iter().for_each(|value| put(value, encoder, pids));
        }
    }
}

fn send(groups: &mut Groups, value: &V) {
    let (mut bytes, mut pids) = (Vec::new(), Vec::new());
    let mut encoder = Encoder::new(&mut bytes);
    put(value, &mut encoder, &mut pids);
    encoder.finish().unwrap();
    let (bytes, pids) = Term::new(bytes, &pids).unwrap().into_local();
    groups.handle_message(&bytes, &pids);
}

fn entry(group: &'static str, members: &[Pid]) -> V {
    Tuple(vec![Str(group), List(members.iter().copied().map(V::Pid).collect())])
}

fn fields(stream: i64, number: i64, joined: Vec<V>) -> Vec<V> {
    vec![
        Str("members"),
        Int(1),
        V::Pid(on(1, 5)),
        V::Pid(here(1)),
        Int(stream),
        Int(number),
        Bool(true),
        List(joined),
        List(vec![]),
    ]
}

fn changed(field: usize, value: V) -> V {
    let mut fields = fields(1, 0, vec![entry("g", &[on(1, 6)])]);
    fields[field] = value;
    Tuple(fields)
}

fn members(groups: &Groups) -> Vec<Pid> {
    groups.members("g").collect()
}

//= spec/groups.md#grp-msg-003
//= type=test
//# A server MUST ignore what is not a term, does not have the form of a message, or has an unknown kind or
//# version.
//= spec/groups.md#grp-msg-004
//= type=test
//# A server MUST ignore a message whose `to` is not its own pid.
#[test]
fn what_is_no_message_is_ignored_and_counted() {
    let mut groups = acquainted();
    groups.handle_message(b"no term", &crate::core::TermPids::default());
    groups.handle_message(&[], &crate::core::TermPids::default());
    let mut nonsense = vec![
        Int(1),
        Tuple(vec![]),
        Tuple(vec![Str("members")]),
        changed(0, Str("left")),
        changed(0, Int(1)),
        changed(1, Int(2)),
        changed(1, Int(0)),
        changed(2, V::Pid(Pid::new(crate::core::NodeNumber::UNKNOWN, 7, 5))),
        changed(2, V::Pid(on(2, 5))),
        changed(3, V::Pid(here(2))),
        changed(4, Int(-1)),
        changed(5, Str("0")),
        changed(6, Int(1)),
        changed(7, Tuple(vec![])),
    ];
    let mut short = fields(1, 0, vec![]);
    short.pop();
    nonsense.push(Tuple(short));
    nonsense.iter().for_each(|value| send(&mut groups, value));
    assert_eq!(groups.counts().messages_ignored, nonsense.len() as u64 + 2);
    assert_eq!(groups.names().count(), 0);
    // Nothing of it has moved the server.
    send(&mut groups, &Tuple(fields(1, 0, vec![entry("g", &[on(1, 6)])])));
    assert_eq!(members(&groups), [on(1, 6)]);
}

//= spec/groups.md#grp-msg-002
//= type=test
//# A server MUST ignore fields behind those that this text lists, in a message and in an entry.
#[test]
fn what_a_later_version_adds_is_passed_over() {
    let mut groups = acquainted();
    let mut later = fields(1, 0, vec![Tuple(vec![Str("g"), List(vec![V::Pid(on(1, 6))]), Int(3)])]);
    later.push(Str("more"));
    send(&mut groups, &Tuple(later));
    assert_eq!(members(&groups), [on(1, 6)]);
    assert_eq!(groups.counts(), Default::default());
}

//= spec/groups.md#grp-msg-006
//= type=test
//# In `joined` and `left` a server MUST skip a value that is no entry, an entry without a name of a group,
//# and in each other entry what is no pid of the node of `from` in its present start.
#[test]
fn an_entry_that_cannot_be_is_ignored_and_the_others_are_not() {
    let mut groups = acquainted();
    let earlier = Pid::new(number(1), 9, 6);
    let joined = vec![
        Int(3),
        Tuple(vec![Str("g")]),
        Tuple(vec![Str("g"), Int(1)]),
        Tuple(vec![Str("g"), List(vec![Int(1), V::Pid(on(1, 6))])]),
        entry("", &[on(1, 6)]),
        entry("g", &[here(1), on(2, 6), earlier, on(1, 0), on(1, 7)]),
    ];
    send(&mut groups, &Tuple(fields(1, 0, joined)));
    assert_eq!(members(&groups), [on(1, 6), on(1, 7)]);
    assert_eq!(groups.counts().entries_ignored, 9);
    assert_eq!(groups.counts().messages_ignored, 0);
}

//= spec/groups.md#grp-str-004
//= type=test
//# On a message in which `complete` is true a server MUST forget the memberships of that node that the stream
//# has not named.
//= spec/groups.md#grp-str-005
//= type=test
//# A server MUST ignore a message that is neither the next of the stream that it reads nor the first of a
//# later one.
#[test]
fn a_stream_is_followed_from_its_beginning_alone() {
    let mut groups = acquainted();
    send(&mut groups, &Tuple(fields(1, 0, vec![entry("g", &[on(1, 6), on(1, 7)])])));
    // The next stream is not complete at first: what it has not named yet stays.
    let mut first = fields(3, 0, vec![entry("g", &[on(1, 8)])]);
    first[6] = Bool(false);
    send(&mut groups, &Tuple(first));
    assert_eq!(members(&groups), [on(1, 6), on(1, 7), on(1, 8)]);
    for (stream, number) in [(3, 0), (1, 1), (2, 0), (3, 2), (4, 1)] {
        send(&mut groups, &Tuple(fields(stream, number, vec![entry("g", &[on(1, 9)])])));
    }
    assert_eq!(groups.counts().messages_ignored, 5);
    send(&mut groups, &Tuple(fields(3, 1, vec![entry("g", &[on(1, 7)])])));
    assert_eq!(members(&groups), [on(1, 7), on(1, 8)]);
    // Of the two that had something missing before them, the second asks again: its stream is another one.
    assert_eq!(groups.counts().asked_again, 2);
    assert!(matches!(groups.poll_todo(number(1)), Some(Todo::Send(_))));
    assert_eq!(groups.poll_todo(number(1)), None);
}

//= spec/groups.md#grp-str-007
//= type=test
//# On an ask whose `stream` is 0 or that of its present stream to the asking server, a server MUST begin
//# another stream to it.
#[test]
fn whoever_asks_is_told_from_the_beginning() {
    let mut groups = acquainted();
    let ask = |stream| Tuple(vec![Str("ask"), Int(1), V::Pid(on(1, 5)), V::Pid(here(1)), Int(stream)]);
    for (stream, begins) in [(0, true), (1, false), (2, true), (2, false), (9, false)] {
        send(&mut groups, &ask(stream));
        assert_eq!(groups.poll_todo(number(1)).is_some(), begins, "{stream}");
        assert_eq!(groups.poll_todo(number(1)), None);
    }
    // No number is used again, not even in another session.
    groups.handle_node_down(number(1));
    groups.handle_node_up(number(1));
    assert_eq!(groups.poll_todo(number(1)), Some(Todo::Monitor));
    groups.handle_named(number(1), on(1, 5));
    assert!(groups.poll_todo(number(1)).is_some());
    for (stream, begins) in [(1, false), (3, false), (4, true)] {
        send(&mut groups, &ask(stream));
        assert_eq!(groups.poll_todo(number(1)).is_some(), begins, "{stream}");
    }
}

//= spec/groups.md#grp-srv-003
//= type=test
//# A server MUST ignore a message whose `from` is not the known server of its node, and monitor the name
//# `groups` there anew unless that is sought.
//= spec/groups.md#grp-srv-004
//= type=test
//# When a server becomes known after a message of its node was ignored by GRP-SRV-003, a server MUST send it
//# an ask with stream 0.
#[test]
fn a_server_that_is_not_known_is_looked_up_and_asked() {
    let mut groups = acquainted();
    send(&mut groups, &changed(2, V::Pid(on(1, 9))));
    assert_eq!(groups.names().count(), 0);
    assert_eq!(groups.poll_todo(number(1)), Some(Todo::Monitor));
    send(&mut groups, &changed(2, V::Pid(on(1, 9))));
    assert_eq!(groups.poll_todo(number(1)), None, "it is being looked up");
    groups.handle_named(number(1), on(1, 9));
    // The ask, and the stream to the new server.
    for _ in 0..2 {
        assert!(matches!(groups.poll_todo(number(1)), Some(Todo::Send(_))));
    }
    assert_eq!(groups.poll_todo(number(1)), None);
    send(&mut groups, &changed(2, V::Pid(on(1, 9))));
    assert_eq!(members(&groups), [on(1, 6)]);
}
