//! Everything between two hosts waits for a time, and then comes.

use std::time::Duration;

use snow_dist_runtime::Reason;

use super::cluster::Cluster;
use super::witness::{Ends, Witness};

/// Two that are linked, each monitored by the other; `a` has sent something when all begins to wait.
fn held() -> (Cluster, Witness, Witness) {
    let mut cluster = Cluster::start(5, &["a", "b"]);
    cluster.connect("a", "b");
    let (a, b) = (Witness::start(&cluster, "a"), Witness::start(&cluster, "b"));
    a.tie(&cluster, &b);
    b.monitor(b.sees(&cluster, &a));
    cluster.pass(Duration::from_secs(5));
    cluster.hold("a", "b");
    a.send(a.sees(&cluster, &b), "late");
    (cluster, a, b)
}

#[test]
fn a_wait_that_is_shorter_than_the_heartbeat_allows_changes_nothing() {
    let (mut cluster, a, b) = held();
    cluster.pass(Duration::from_secs(14));
    assert_eq!(b.messages(), Vec::<String>::new());
    cluster.release("a", "b");
    cluster.pass(Duration::from_secs(5));
    assert_eq!(b.messages(), ["late"]);
    cluster.pass(Duration::from_secs(300));
    assert_eq!((a.saw_of("b"), b.saw_of("a")), (vec![], vec![]));
    let b_seen = a.sees(&cluster, &b);
    b.fail("at last");
    cluster.pass(Duration::from_secs(5));
    assert_eq!(a.ends_of(b_seen), Ends::once(Reason::error("at last")));
}

#[test]
fn what_comes_after_the_session_has_ended_is_not_delivered() {
    let (mut cluster, a, b) = held();
    let (a_seen, b_seen) = (b.sees(&cluster, &a), a.sees(&cluster, &b));
    cluster.pass(Duration::from_secs(100));
    let assert_once = || {
        assert_eq!(a.ends_of(b_seen), Ends::once(Reason::Noconnection));
        assert_eq!(b.ends_of(a_seen), Ends::once(Reason::Noconnection));
        assert_eq!(b.messages(), Vec::<String>::new());
    };
    assert_once();
    // Another session, through a network that still holds the old one's bytes, then lets all of them go at once.
    let dial = cluster.dial("b", "a");
    cluster.pass(Duration::from_secs(1));
    cluster.release("a", "b");
    cluster.dialled(dial).unwrap();
    cluster.pass(Duration::from_secs(100));
    assert_once();
    assert_eq!((a.saw_of("b"), b.saw_of("a")), (vec!["down", "up"], vec!["down", "up"]));
    a.send(b_seen, "in time");
    cluster.pass(Duration::from_secs(5));
    assert_eq!(b.messages(), ["in time"]);
}

#[test]
fn an_unlink_that_waits_for_its_answer_ends_with_the_session_in_silence() {
    let (mut cluster, a, b) = held();
    let b_seen = a.sees(&cluster, &b);
    a.unlink(b_seen);
    cluster.pass(Duration::from_secs(100));
    assert_eq!(a.ends_of(b_seen), Ends { exits: vec![], downs: vec![Reason::Noconnection] });
}
