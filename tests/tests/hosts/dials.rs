//! Dials from both ends at once, and what delay makes of them.

use std::time::Duration;

use snow_dist_runtime::ConnectError;

use super::cluster::Cluster;
use super::witness::Witness;

#[test]
fn two_that_dial_each_other_through_any_delay_have_one_session() {
    for (seed, latency) in (0..40).zip([20, 100, 400, 900].into_iter().cycle()) {
        let latency = Duration::from_millis(latency);
        let mut cluster = Cluster::with_latency(seed, latency, &["a", "b"]);
        let (a, b) = (Witness::start(&cluster, "a"), Witness::start(&cluster, "b"));
        let from_a = cluster.dial("a", "b");
        // From the same moment to one at which a's REPLY may be under way.
        cluster.pass(latency * u32::try_from(seed / 4 % 5).unwrap());
        let from_b = cluster.dial("b", "a");
        for dial in [from_a, from_b] {
            cluster.dialled(dial).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
        cluster.pass(Duration::from_secs(20));
        assert_eq!((a.saw_of("b"), b.saw_of("a")), (vec!["up"], vec!["up"]), "seed {seed}");
        a.send(a.sees(&cluster, &b), "to b");
        b.send(b.sees(&cluster, &a), "to a");
        cluster.pass(Duration::from_secs(5));
        assert_eq!((b.messages(), a.messages()), (vec!["to b".into()], vec!["to a".into()]), "seed {seed}");
    }
}

#[test]
fn three_that_all_dial_each_other_have_three_sessions() {
    for seed in 0..10 {
        let mut cluster = Cluster::with_latency(seed, Duration::from_millis(300), &["a", "b", "c"]);
        let watch: Vec<_> = cluster.names().into_iter().map(|host| Witness::start(&cluster, host)).collect();
        let pairs = [("a", "b"), ("b", "a"), ("a", "c"), ("c", "a"), ("b", "c"), ("c", "b")];
        let dials: Vec<_> = pairs.iter().map(|(from, to)| cluster.dial(from, to)).collect();
        for dial in dials {
            cluster.dialled(dial).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
        cluster.pass(Duration::from_secs(20));
        for witness in &watch {
            for other in cluster.names().into_iter().filter(|other| *other != witness.host) {
                assert_eq!(witness.saw_of(other), ["up"], "seed {seed}");
            }
        }
    }
}

#[test]
fn a_dial_into_a_network_that_holds_everything_is_given_up_and_does_no_harm_later() {
    let mut cluster = Cluster::start(3, &["a", "b"]);
    let (a, b) = (Witness::start(&cluster, "a"), Witness::start(&cluster, "b"));
    cluster.hold("a", "b");
    let dial = cluster.dial("a", "b");
    let begun_at = cluster.now();
    assert!(matches!(cluster.dialled(dial), Err(ConnectError::Deadline(_))));
    let waited = cluster.now() - begun_at;
    assert!((7..=8).contains(&waited.as_secs()), "{waited:?}");
    cluster.release("a", "b");
    cluster.pass(Duration::from_secs(20));
    assert_eq!(a.saw_of("b"), Vec::<&str>::new());
    cluster.connect("b", "a");
    assert_eq!((a.saw_of("b"), b.saw_of("a")), (vec!["up"], vec!["up"]));
}
