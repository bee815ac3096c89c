//! The network between some hosts is cut, and nobody says so.

use std::time::Duration;

use snow_dist_runtime::Reason;

use super::cluster::{Cluster, LONG};
use super::witness::{Ends, Witness};

/// Processes on both hosts, each tied to one on the other.
fn pairs(cluster: &mut Cluster, one: &'static str, other: &'static str) -> Vec<(Witness, Witness)> {
    let pairs: Vec<_> =
        (0..5).map(|_| (Witness::start(cluster, one), Witness::start(cluster, other))).collect();
    for (here, there) in &pairs {
        here.tie(cluster, there);
        there.monitor(there.sees(cluster, here));
    }
    cluster.pass(Duration::from_secs(5));
    pairs
}

#[test]
fn links_and_monitors_end_once_at_both_ends_and_new_ones_work_after_the_repair() {
    let mut cluster = Cluster::start(1, &["a", "b"]);
    cluster.connect("a", "b");
    let pairs = pairs(&mut cluster, "a", "b");
    let known: Vec<_> = pairs.iter().map(|(a, b)| (a.sees(&cluster, b), b.sees(&cluster, a))).collect();
    let assert_once = || {
        for ((a, b), (b_seen, a_seen)) in pairs.iter().zip(&known) {
            assert_eq!(a.ends_of(*b_seen), Ends::once(Reason::Noconnection));
            assert_eq!(b.ends_of(*a_seen), Ends::once(Reason::Noconnection));
        }
    };

    cluster.partition("a", "b");
    let cut_at = cluster.now();
    cluster.until("the end at a", |cluster| !cluster.has_session("a", "b"));
    cluster.until("the end at b", |cluster| !cluster.has_session("b", "a"));
    // A heartbeat each 60 s, and 15 s for a sign of life.
    let noticed = cluster.now() - cut_at;
    assert!((15..=76).contains(&noticed.as_secs()), "{noticed:?}");
    assert_once();

    cluster.repair("a", "b");
    cluster.pass(LONG);
    assert_once();
    cluster.connect("b", "a");
    cluster.pass(LONG);
    assert_once();
    for ((a, b), (b_seen, a_seen)) in pairs.iter().zip(&known) {
        assert_eq!(a.saw_of("b"), ["down", "up"]);
        assert_eq!(b.saw_of("a"), ["down", "up"]);
        // The same start of the node: its processes are who they were.
        assert_eq!((a.sees(&cluster, b), b.sees(&cluster, a)), (*b_seen, *a_seen));
        a.tie(&cluster, b);
    }
    cluster.pass(Duration::from_secs(5));
    for (_, b) in &pairs {
        b.fail("after the repair");
    }
    cluster.pass(Duration::from_secs(5));
    for ((a, _), (b_seen, _)) in pairs.iter().zip(&known) {
        let ends = a.ends_of(*b_seen);
        let why = Reason::error("after the repair");
        assert_eq!(ends.exits, [Reason::Noconnection, why.clone()]);
        assert_eq!(ends.downs, [Reason::Noconnection, why]);
    }
}

#[test]
fn a_partition_of_two_among_three_costs_only_what_was_between_the_two() {
    let mut cluster = Cluster::start(2, &["a", "b", "c"]);
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "a")] {
        cluster.connect(from, to);
    }
    let a_b = pairs(&mut cluster, "a", "b");
    let others: Vec<_> = [("b", "c"), ("c", "a")]
        .into_iter()
        .flat_map(|(one, other)| pairs(&mut cluster, one, other))
        .collect();
    let between: Vec<_> = a_b.iter().map(|(a, b)| (a.sees(&cluster, b), b.sees(&cluster, a))).collect();
    let to_others: Vec<_> = others.iter().map(|(one, other)| one.sees(&cluster, other)).collect();

    cluster.partition("a", "b");
    cluster.pass(LONG);
    let lost = Ends::once(Reason::Noconnection);
    for ((a, b), (b_seen, a_seen)) in a_b.iter().zip(&between) {
        assert_eq!((a.ends_of(*b_seen), b.ends_of(*a_seen)), (lost.clone(), lost.clone()));
        assert_eq!((a.saw_of("b"), b.saw_of("a")), (vec!["down"], vec!["down"]));
        assert_eq!((a.saw_of("c"), b.saw_of("c")), (vec![], vec![]));
    }
    for ((one, other), other_seen) in others.iter().zip(&to_others) {
        assert_eq!(one.ends_of(*other_seen), Ends::default());
        one.send(*other_seen, "we are still here");
        cluster.pass(Duration::from_secs(1));
        assert_eq!(other.messages(), ["we are still here"]);
    }
    assert!(cluster.dial_fails("a", "b") && cluster.dial_fails("b", "a"));

    cluster.repair("a", "b");
    cluster.connect("a", "b");
    cluster.pass(LONG);
    for (a, b) in &a_b {
        assert_eq!((a.saw_of("b"), b.saw_of("a")), (vec!["down", "up"], vec!["down", "up"]));
        assert_eq!((a.saw_of("c"), b.saw_of("c")), (vec![], vec![]));
    }
}

#[test]
fn a_partition_in_one_direction_ends_the_session_at_both_ends() {
    for (from, to) in [("a", "b"), ("b", "a")] {
        let mut cluster = Cluster::start(3, &["a", "b"]);
        cluster.connect("a", "b");
        let (a, b) = pairs(&mut cluster, "a", "b").remove(0);
        let (b_seen, a_seen) = (a.sees(&cluster, &b), b.sees(&cluster, &a));
        cluster.partition_oneway(from, to);
        cluster.pass(LONG);
        let lost = Ends::once(Reason::Noconnection);
        assert_eq!((a.ends_of(b_seen), b.ends_of(a_seen)), (lost.clone(), lost), "{from} to {to}");
        assert!(!cluster.has_session("a", "b") && !cluster.has_session("b", "a"));
    }
}

/// Keys, challenges and the lengths of signatures differ each time; when what comes does not.
#[test]
fn the_same_seed_gives_the_same_course() {
    let course = |seed| {
        let mut cluster = Cluster::start(seed, &["a", "b"]);
        cluster.connect("a", "b");
        let pairs = pairs(&mut cluster, "a", "b");
        cluster.partition("a", "b");
        let mut course = Vec::new();
        for _ in 0..2 {
            let end = cluster.now() + LONG;
            while cluster.now() < end {
                cluster.step();
                let notes = pairs.iter().map(|(a, b)| (a.notes(), b.notes())).collect::<Vec<_>>();
                course.push((cluster.now(), notes));
            }
            cluster.repair("a", "b");
            cluster.connect("b", "a");
        }
        course.dedup_by_key(|(_, notes)| notes.clone());
        course
    };
    let courses: Vec<_> = (0..4).map(course).collect();
    assert_eq!(courses, (0..4).map(course).collect::<Vec<_>>());
    assert!(courses.windows(2).any(|two| two[0] != two[1]), "another seed is another course");
}
