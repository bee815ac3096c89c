//! Sessions come, carry what processes do, and go.

use std::time::Duration;

use snow_dist_runtime::core::connection::Ending;
use snow_dist_runtime::core::peers::Refusal;
use snow_dist_runtime::core::session;
use snow_dist_runtime::core::{Dial, Reason};

use crate::node::{Node, Told};
use crate::streams::{dial, flow, one_way, session};

fn two() -> (Node, Node) {
    (Node::new("a@h:1"), Node::new("b@h:1"))
}

#[test]
fn a_session_carries_messages_links_and_ends() {
    let (mut a, mut b) = two();
    let ends = session(&mut a, &mut b);
    let open = a.session(ends.0).open_session().unwrap();
    open.send(1, 2, b"hello").unwrap();
    open.link(1, 2).unwrap();
    open.monitor(3, 2, 7).unwrap();
    a.look();
    flow(&mut a, &mut b, ends);
    b.session(ends.1).session().unwrap().process_ended(2, &Reason::Error("why".into()));
    b.look();
    flow(&mut a, &mut b, ends);
    assert_eq!(b.table.told, [Told::NodeUp("a@h:1".into()), Told::Message(2, b"hello".to_vec())]);
    assert_eq!(a.table.told[0], Told::NodeUp("b@h:1".into()));
    assert!(matches!(&a.table.told[1..], [Told::Exit(1, _), Told::Down(3, _)]), "{:?}", a.table.told);
}

#[test]
fn a_session_that_is_ended_in_order_is_over_at_both_ends() {
    let (mut a, mut b) = two();
    let ends = session(&mut a, &mut b);
    a.session(ends.0).open_session().unwrap().link(1, 2).unwrap();
    a.session(ends.0).open_session().unwrap().send(1, 2, b"before").unwrap();
    assert!(a.endpoint.disconnect("b@h:1", a.now));
    a.look();
    assert!(a.session(ends.0).open_session().is_none());
    assert!(!a.endpoint.is_up("b@h:1") && a.endpoint.is_underway("b@h:1"));
    assert!(matches!(a.dial("b@h:1"), Dial::Underway));
    flow(&mut a, &mut b, ends);
    assert_eq!(b.table.told[1], Told::Message(2, b"before".to_vec()));
    assert_eq!(b.table.told[2..], [Told::Exit(2, Reason::Noconnection), Told::NodeDown("a@h:1".into())]);
    assert_eq!(a.table.told[1..], [Told::Exit(1, Reason::Noconnection), Told::NodeDown("b@h:1".into())]);
    assert_eq!(a.endings, [session::Ending::Stopped.into()]);
    assert!(a.endpoint.is_empty() && b.endpoint.is_empty());
}

#[test]
fn a_session_of_a_node_that_stops_is_one_that_is_being_ended() {
    let (mut a, mut b) = two();
    session(&mut a, &mut b);
    assert!(a.endpoint.is_up("b@h:1"));
    a.endpoint.stop(a.now);
    a.look();
    assert!(!a.endpoint.is_up("b@h:1") && a.endpoint.is_underway("b@h:1"));
    assert!(!a.endpoint.disconnect("b@h:1", a.now), "it is being ended");
}

#[test]
fn of_two_dials_that_cross_one_is_the_session() {
    for early in 0..40 {
        let (mut a, mut b) = two();
        let (one, other) = (dial(&mut a, &mut b), dial(&mut b, &mut a));
        // However the bytes of the two meet.
        for step in 0..early {
            if step % 3 == 0 {
                let _ = one_way(&mut a, one.0, &mut b, one.1) | one_way(&mut b, one.1, &mut a, one.0);
            } else {
                let _ = one_way(&mut b, other.0, &mut a, other.1) | one_way(&mut a, other.1, &mut b, other.0);
            }
        }
        for _ in 0..4 {
            flow(&mut a, &mut b, one);
            flow(&mut b, &mut a, other);
        }
        assert_eq!(a.table.told, [Told::NodeUp("b@h:1".into())], "{early}");
        assert_eq!(b.table.told, [Told::NodeUp("a@h:1".into())], "{early}");
        assert_eq!((a.streams.len(), b.streams.len()), (1, 1));
    }
}

#[test]
fn a_second_dial_is_up_or_underway_and_no_node_dials_itself() {
    let (mut a, mut b) = two();
    let ends = dial(&mut a, &mut b);
    assert!(matches!(a.dial("b@h:1"), Dial::Underway));
    flow(&mut a, &mut b, ends);
    assert!(matches!(a.dial("b@h:1"), Dial::Up));
    assert!(matches!(a.dial("a@h:1"), Dial::OwnName));
    a.endpoint.stop(a.now);
    assert!(matches!(a.dial("c@h:1"), Dial::Stopped));
}

#[test]
fn a_node_that_has_started_again_takes_its_own_place() {
    let (mut a, mut b) = two();
    let old = session(&mut a, &mut b);
    b.session(old.1).open_session().unwrap().link(5, 6).unwrap();
    // Its end is not seen: the old stream just stays.
    let mut again = Node::started("a@h:1", 2, "the cookie of these tests");
    let new = dial(&mut again, &mut b);
    flow(&mut again, &mut b, new);
    let (up, down) = (Told::NodeUp("a@h:1".into()), Told::NodeDown("a@h:1".into()));
    let exit = Told::Exit(5, Reason::Noconnection);
    assert_eq!(b.table.told, [up.clone(), exit, down, up]);
    assert_eq!(again.table.told, [Told::NodeUp("b@h:1".into())]);
    flow(&mut a, &mut b, old);
    assert!(matches!(a.endings[..], [Ending::Session { why: session::Ending::Closed { code: 3, .. }, .. }]));
    // Whoever has the place now keeps it: the one before waits, and longer each time.
    let Dial::Later(at) = a.dial("b@h:1") else { panic!("it dials at once") };
    assert!(at > a.now);
}

#[test]
fn a_connection_of_the_same_start_is_refused_as_soon_as_the_session_gives_a_sign() {
    let (mut a, mut b) = two();
    let ends = session(&mut a, &mut b);
    // A connection that `a` has lost sight of, and dials again.
    let mut twin = Node::new("a@h:1");
    let second = dial(&mut twin, &mut b);
    flow(&mut twin, &mut b, second);
    assert!(twin.endings.is_empty(), "it waits for the probe: {:?}", twin.endings);
    flow(&mut a, &mut b, ends);
    flow(&mut twin, &mut b, second);
    assert_eq!(b.endings, [Ending::Refused(Refusal::Duplicate)]);
    assert!(matches!(&twin.endings[..], [Ending::Handshake(_)]), "{:?}", twin.endings);
    assert!(b.streams.contains_key(&ends.1));
}

#[test]
fn a_session_that_gives_no_sign_ends_for_the_one_that_waits() {
    let (mut a, mut b) = two();
    let old = session(&mut a, &mut b);
    let mut twin = Node::new("a@h:1");
    let second = dial(&mut twin, &mut b);
    flow(&mut twin, &mut b, second);
    b.pass(Duration::from_millis(1_999));
    assert!(b.endings.is_empty());
    b.pass(Duration::from_millis(2));
    assert_eq!(b.endings, [session::Ending::Silent.into()]);
    flow(&mut twin, &mut b, second);
    assert!(twin.stream(second.0).connection.is_session());
    assert!(!b.streams.contains_key(&old.1));
}

#[test]
fn frames_that_come_with_ack_are_the_first_of_the_session() {
    let (mut a, mut b) = two();
    let ends = dial(&mut a, &mut b);
    one_way(&mut a, ends.0, &mut b, ends.1);
    one_way(&mut b, ends.1, &mut a, ends.0);
    one_way(&mut a, ends.0, &mut b, ends.1);
    b.session(ends.1).open_session().unwrap().send(1, 2, b"at once").unwrap();
    b.look();
    one_way(&mut b, ends.1, &mut a, ends.0);
    assert_eq!(a.table.told, [Told::NodeUp("b@h:1".into()), Told::Message(2, b"at once".to_vec())]);
}
