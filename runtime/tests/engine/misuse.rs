//! Calls in any order, and any bytes: an error or nothing, never a panic, and no signal lost.

use snow_dist_runtime::core::Reason;
use snow_dist_runtime::core::connection::{ConnectionEvent, Ending, EndpointEvent, GiveWay};
use snow_dist_runtime::core::handshake::Channel;
use snow_dist_runtime::core::peers::{ConnectionId, Sign};

use crate::node::{Node, Told};
use crate::streams::{dial, flow, session};

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
