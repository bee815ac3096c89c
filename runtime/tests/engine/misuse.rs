//! Calls in any order, and any bytes: an error or nothing, never a panic, and no signal lost.

use std::num::NonZeroU64;
use std::sync::Arc;

use snow_dist_codec::NodeName;
use snow_dist_runtime::core::connection::{ConnectionEvent, Ending, EndpointEvent, GiveWay};
use snow_dist_runtime::core::endpoint::{Limits, Output};
use snow_dist_runtime::core::handshake::{Channel, Local};
use snow_dist_runtime::core::limits::HEARTBEAT_INTERVAL;
use snow_dist_runtime::core::peers::{ConnectionId, Sign};
use snow_dist_runtime::core::session::CAPABILITIES;
use snow_dist_runtime::core::{Cookie, Dial, Reason};

use crate::node::{Node, Told};
use crate::streams::{dial, flow, one_way, session};

#[test]
fn what_is_said_twice_or_too_late_changes_nothing() {
    let (mut a, mut b) = (Node::new("a@h:1"), Node::new("b@h:1"));
    let ends = session(&mut a, &mut b);
    let (before, now) = ((a.endpoint.clone(), a.session(ends.0).clone()), a.now);
    a.session(ends.0).secured(Channel::Tls12);
    a.session(ends.0).handle_event(ConnectionEvent::Reply, now);
    a.session(ends.0).handle_event(ConnectionEvent::GiveWay(GiveWay::Place), now);
    assert_eq!(before, (a.endpoint.clone(), a.session(ends.0).clone()));
    for event in [EndpointEvent::Secured, EndpointEvent::Named, EndpointEvent::Alive(Sign::Life)] {
        a.endpoint.handle_event(ConnectionId(99), event, a.now);
    }
    a.endpoint.told(ConnectionId(99), a.now);
    assert!(!a.endpoint.over(ConnectionId(99), None, a.now));
    assert_eq!(a.endpoint, before.0);
}

#[test]
fn the_end_comes_once_however_often_it_is_called() {
    let (mut a, mut b) = (Node::new("a@h:1"), Node::new("b@h:1"));
    let ends = session(&mut a, &mut b);
    a.session(ends.0).open_session().unwrap().link(1, 2).unwrap();
    let Node { streams, table, .. } = &mut a;
    let connection = &mut streams.get_mut(&ends.0).unwrap().connection;
    connection.stream_ended("gone");
    connection.stream_ended("gone again");
    connection.fail(Ending::GaveWay(GiveWay::Stop));
    connection.end(table);
    connection.end(table);
    assert!(connection.session().is_none());
    let exits = table.told.iter().filter(|told| **told == Told::Exit(1, Reason::Noconnection));
    assert_eq!(exits.count(), 1);
}

#[test]
fn what_a_process_ends_between_the_ending_and_the_end_has_ended() {
    let (mut a, mut b) = (Node::new("a@h:1"), Node::new("b@h:1"));
    let ends = session(&mut a, &mut b);
    a.session(ends.0).open_session().unwrap().link(1, 2).unwrap();
    let Node { streams, table, .. } = &mut a;
    let connection = &mut streams.get_mut(&ends.0).unwrap().connection;
    connection.stream_ended("gone");
    assert!(connection.open_session().is_none());
    connection.session().unwrap().unlink(1, 2);
    connection.end(table);
    assert_eq!(table.told, [Told::NodeUp("b@h:1".into())]);
}

#[test]
fn nothing_is_said_to_nobody_about_a_dial_that_never_had_a_stream() {
    let (mut a, mut b) = (Node::new("a@h:1"), Node::new("b@h:1"));
    let ends = dial(&mut a, &mut b);
    a.stream_ended(ends.0);
    b.stream_ended(ends.1);
    assert!(matches!(a.endings[..], [Ending::Lost(_)]) && a.endpoint.is_empty());
    assert!(b.endpoint.is_empty());
    // And the next one is as good as any.
    let again = dial(&mut a, &mut b);
    flow(&mut a, &mut b, again);
    assert!(a.endpoint.is_up("b@h:1"));
}

#[test]
fn an_end_is_told_after_it_was_reported_and_once() {
    let (mut a, mut b) = (Node::new("a@h:1"), Node::new("b@h:1"));
    let ends = session(&mut a, &mut b);
    a.endpoint.told(ends.0, a.now);
    assert!(a.endpoint.is_up("b@h:1") && a.endpoint.poll_output().is_none());
    assert!(a.endpoint.over(ends.0, None, a.now));
    a.endpoint.told(ends.0, a.now);
    assert!(matches!(a.endpoint.poll_output(), Some(Output::NodeDown(..))));
    a.endpoint.told(ends.0, a.now);
    assert!(a.endpoint.poll_output().is_none() && a.endpoint.is_empty());
}

#[test]
fn nothing_is_read_that_comes_behind_an_ending() {
    let (mut a, mut b) = (Node::new("a@h:1"), Node::new("b@h:1"));
    let ends = session(&mut a, &mut b);
    for number in 0..2 {
        b.session(ends.1).open_session().unwrap().send(1, 2, &[number]).unwrap();
    }
    b.look();
    let frames = std::mem::take(&mut b.stream(ends.1).sent);
    let (first, second) = frames.split_at(frames.len() / 2);
    let Node { streams, table, now, .. } = &mut a;
    let stream = streams.get_mut(&ends.0).unwrap();
    stream.inbound.receive(first, &mut *stream.connection, table, *now);
    stream.connection.fail(Ending::GaveWay(GiveWay::Stop));
    for _ in 0..2 {
        stream.inbound.receive(second, &mut *stream.connection, table, *now);
        stream.connection.end(table);
    }
    assert_eq!(table.told, [Told::NodeUp("b@h:1".into()), Told::Message(2, vec![0])]);
}

/// A host that has lost the answer asks again, and the links of the session have their exit signals.
#[test]
fn that_it_was_a_session_is_said_until_its_end_is_told() {
    let (mut a, mut b) = (Node::new("a@h:1"), Node::new("b@h:1"));
    let ends = session(&mut a, &mut b);
    a.session(ends.0).open_session().unwrap().link(1, 2).unwrap();
    let _lost = a.endpoint.over(ends.0, None, a.now);
    a.stream_ended(ends.0);
    let name: Arc<str> = "b@h:1".into();
    let told = [Told::NodeUp(name.clone()), Told::Exit(1, Reason::Noconnection), Told::NodeDown(name)];
    assert_eq!(a.table.told, told);
    assert!(!a.endpoint.over(ends.0, None, a.now) && a.endpoint.is_empty());
}

/// Its connection has something to say to its endpoint, which hears it, and then once more, with all that was said before by
/// either end.
fn hear_again(node: &mut Node, id: ConnectionId, said: &mut Vec<EndpointEvent>) {
    while let Some(event) = node.session(id).poll_event() {
        said.push(event.clone());
        node.endpoint.handle_event(id, event, node.now);
        for carries_out in [false, true] {
            if carries_out {
                node.look();
            }
            let mut before = node.endpoint.clone();
            said.iter().for_each(|event| node.endpoint.handle_event(id, event.clone(), node.now));
            // Whether REPLY may go out is answered as often as it is asked; it goes out once.
            let [once, again] = [&mut before, &mut node.endpoint].map(|endpoint| {
                let mut told: Vec<_> = std::iter::from_fn(|| endpoint.poll_output()).collect();
                told.dedup_by(|one, other| {
                    one == other && matches!(one, Output::Tell(_, ConnectionEvent::Reply))
                });
                told
            });
            assert!(again.starts_with(&once), "{again:?} for {once:?}");
            let more = again.iter().skip(once.len());
            assert!(
                more.clone().all(|told| matches!(told, Output::Tell(_, ConnectionEvent::Reply))),
                "{again:?}"
            );
            assert_eq!(node.endpoint, before);
            once.into_iter().for_each(|output| node.carry_out(output));
        }
    }
}

/// Node `a` dials `b`, and each endpoint hears everything again and again.
fn session_heard_again(a: &mut Node, b: &mut Node) -> (ConnectionId, ConnectionId) {
    let name = b.name.clone();
    let Dial::Start(id, connection) = a.dial(&name) else { panic!("no dial") };
    let (ends, mut said) = ((a.add(id, connection), b.accept()), Vec::new());
    for (node, id) in [(&mut *a, ends.0), (&mut *b, ends.1)] {
        node.session(id).secured(Channel::Tls13 { exporter: [7; 32] });
        hear_again(node, id, &mut said);
    }
    for _ in 0..4 {
        for turn in 0..2 {
            let [from, to] = if turn == 0 {
                [(&mut *a, ends.0), (&mut *b, ends.1)]
            } else {
                [(&mut *b, ends.1), (&mut *a, ends.0)]
            };
            from.0.look();
            let bytes = std::mem::take(&mut from.0.stream(from.1).sent);
            let stream = to.0.streams.get_mut(&to.1).unwrap();
            stream.inbound.receive(&bytes, &mut *stream.connection, &mut to.0.table, to.0.now);
            hear_again(to.0, to.1, &mut said);
        }
    }
    assert!(a.session(ends.0).is_session() && b.session(ends.1).is_session());
    ends
}

#[test]
fn what_is_said_again_at_any_time_changes_nothing() {
    let (mut a, mut b) = (Node::new("a@h:1"), Node::new("b@h:1"));
    let ends = session_heard_again(&mut a, &mut b);
    // Another start of the first node, whose connection waits until that session has ended.
    let mut next = Node::started("a@h:1", 2, "the cookie of these tests");
    let others = session_heard_again(&mut next, &mut b);
    assert!(!b.streams.contains_key(&ends.1) && b.endpoint.is_up("a@h:1"));
    b.stream_ended(others.1);
    assert!(b.endpoint.is_empty());
}

/// A connection that is verified counts once for where it comes from, and not any more when it is over.
#[test]
fn whoever_is_verified_twice_has_one_place() {
    let (mut a, mut b) = (Node::new("a@h:1"), limited("b@h:1"));
    for _ in 0..3 {
        let ends = session_heard_again(&mut a, &mut b);
        a.stream_ended(ends.0);
        b.stream_ended(ends.1);
        assert!(a.endpoint.is_empty() && b.endpoint.is_empty());
    }
    session(&mut a, &mut b);
}

/// A node that takes one session from each address.
fn limited(name: &str) -> Node {
    let mut local = Local::new(
        NodeName::parse(name).unwrap(),
        NonZeroU64::MIN,
        Cookie::new("the cookie of these tests").unwrap().into(),
    );
    local.capabilities = CAPABILITIES;
    Node::of(local, Limits { sessions_per_address_max: 1, ..Limits::default() })
}

/// Its REPLY was good, and before the endpoint hears of that it was told to give way.
#[test]
fn a_connection_that_was_dismissed_is_no_session_any_more() {
    let (mut a, mut b) = (Node::new("a@h:1"), Node::new("b@h:1"));
    let ends = dial(&mut a, &mut b);
    one_way(&mut a, ends.0, &mut b, ends.1);
    one_way(&mut b, ends.1, &mut a, ends.0);
    let reply = std::mem::take(&mut a.stream(ends.0).sent);
    let stream = b.streams.get_mut(&ends.1).unwrap();
    stream.inbound.receive(&reply, &mut *stream.connection, &mut b.table, b.now);
    let verified = stream.connection.poll_event().unwrap();
    b.endpoint.stop(b.now);
    b.endpoint.handle_event(ends.1, verified, b.now);
    b.look();
    assert_eq!(b.endings, [Ending::GaveWay(GiveWay::Stop)]);
    assert!(b.table.told.is_empty() && b.endpoint.is_empty());
}

#[test]
fn to_look_is_no_sign_of_life() {
    let (mut a, mut b) = (Node::new("a@h:1"), Node::new("b@h:1"));
    let ends = session(&mut a, &mut b);
    b.receive(ends.1, &[9]);
    let now = b.now + HEARTBEAT_INTERVAL / 2;
    let stream = b.streams.get_mut(&ends.1).unwrap();
    let before = stream.connection.deadline().unwrap();
    stream.inbound.receive(&[], &mut *stream.connection, &mut b.table, now);
    assert_eq!(stream.connection.deadline(), Some(before));
    stream.inbound.receive(&[0], &mut *stream.connection, &mut b.table, now);
    assert!(stream.connection.deadline().unwrap().0 > before.0);
}
