//! Calls in any order, and any bytes: an error or nothing, never a panic, and no signal lost.

use snow_dist_runtime::core::Reason;
use snow_dist_runtime::core::connection::{ConnectionEvent, Ending, EndpointEvent, GiveWay};
use snow_dist_runtime::core::endpoint::Output;
use snow_dist_runtime::core::handshake::Channel;
use snow_dist_runtime::core::limits::HEARTBEAT_INTERVAL;
use snow_dist_runtime::core::peers::{ConnectionId, Sign};

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
    assert!(!a.endpoint.over(ends.0, None, a.now));
    a.endpoint.told(ends.0, a.now);
    assert!(matches!(a.endpoint.poll_output(), Some(Output::NodeDown(..))));
    assert!(a.endpoint.is_empty());
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
