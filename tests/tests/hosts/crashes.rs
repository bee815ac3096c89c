//! Hosts that go away, and come back.

use std::time::Duration;

use snow_dist_runtime::Reason;

use super::cluster::{Cluster, LONG};
use super::witness::{Ends, Witness};

fn tied(seed: u64) -> (Cluster, Witness, Witness) {
    let mut cluster = Cluster::start(seed, &["a", "b"]);
    cluster.connect("a", "b");
    let (a, b) = (Witness::start(&cluster, "a"), Witness::start(&cluster, "b"));
    a.tie(&cluster, &b);
    cluster.pass(Duration::from_secs(5));
    (cluster, a, b)
}

#[test]
fn a_crash_whose_system_closes_the_connections_is_known_at_once() {
    let (mut cluster, a, b) = tied(1);
    let b_seen = a.sees(&cluster, &b);
    cluster.crash("b");
    cluster.pass(Duration::from_secs(1));
    assert_eq!(a.ends_of(b_seen), Ends::once(Reason::Noconnection));
    assert_eq!(a.saw_of("b"), ["down"]);
    cluster.pass(LONG);
    assert_eq!(a.ends_of(b_seen), Ends::once(Reason::Noconnection));
}

#[test]
fn a_host_without_power_is_found_by_the_heartbeat() {
    let (mut cluster, a, b) = tied(2);
    let b_seen = a.sees(&cluster, &b);
    cluster.pull_the_plug("b");
    // Nobody answers for it, and no system says so.
    cluster.partition("a", "b");
    cluster.pass(Duration::from_secs(50));
    assert_eq!(a.ends_of(b_seen), Ends::default());
    assert!(cluster.has_session("a", "b"));
    cluster.pass(Duration::from_secs(30));
    assert_eq!(a.ends_of(b_seen), Ends::once(Reason::Noconnection));
    assert_eq!(a.saw_of("b"), ["down"]);
}

/// The host comes back before the other has noticed that it was away.
#[test]
fn another_start_that_dials_ends_the_session_that_is_half_open() {
    let (mut cluster, a, b) = tied(3);
    let b_seen = a.sees(&cluster, &b);
    cluster.pull_the_plug("b");
    cluster.restart("b");
    assert!(cluster.has_session("a", "b"), "a has not noticed");
    cluster.connect("b", "a");
    cluster.pass(Duration::from_secs(5));
    assert_eq!(a.saw_of("b"), ["down", "up"]);
    assert_eq!(a.ends_of(b_seen), Ends::once(Reason::Noconnection));
    assert_another_start(&mut cluster, &a, b_seen);
}

#[test]
fn a_restart_during_a_partition_is_another_node() {
    let (mut cluster, a, b) = tied(4);
    let b_seen = a.sees(&cluster, &b);
    cluster.partition("a", "b");
    cluster.crash("b");
    cluster.restart("b");
    assert!(cluster.dial_fails("b", "a"));
    cluster.repair("a", "b");
    // For a there is a session still: it dials only when it has noticed.
    assert!(cluster.has_session("a", "b"));
    cluster.until("the end of it", |cluster| !cluster.has_session("a", "b"));
    cluster.connect("a", "b");
    cluster.pass(LONG);
    assert_eq!(a.saw_of("b"), ["down", "up"]);
    assert_eq!(a.ends_of(b_seen), Ends::once(Reason::Noconnection));
    assert_another_start(&mut cluster, &a, b_seen);
}

/// A pid of the earlier start means nobody, though the new start has a process of the same number.
fn assert_another_start(cluster: &mut Cluster, a: &Witness, old: snow_dist_runtime::Pid) {
    let new = Witness::start(cluster, "b");
    assert_eq!(new.pid.local(), old.local(), "the numbers of a start begin where they began before");
    assert_ne!(a.sees(cluster, &new), old);
    a.send(old, "to nobody");
    a.send(a.sees(cluster, &new), "to the new one");
    a.monitor(old);
    cluster.pass(Duration::from_secs(5));
    assert_eq!(new.messages(), ["to the new one"]);
    assert_eq!(a.ends_of(old).downs, [Reason::Noconnection, Reason::Noconnection]);
}
