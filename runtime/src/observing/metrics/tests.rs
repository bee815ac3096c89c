use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, with_local_recorder,
};

use super::*;
use crate::core::Reason;
use crate::process::{Context, Mailbox};
use crate::supervisor::{Child, Strategy, Supervisor};

/// By name and labels.
type Values = BTreeMap<(String, Vec<String>), (Kind, Arc<AtomicU64>)>;

/// Keeps what it is told, and looks at the node while it is.
#[derive(Default)]
struct Keeps {
    node: Option<Node>,
    described: Mutex<BTreeMap<String, Option<Unit>>>,
    values: Mutex<Values>,
}

impl Keeps {
    fn value(&self, key: &Key, kind: Kind) -> Arc<AtomicU64> {
        let _ = self.node.as_ref().map(Node::stats);
        let labels = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let mut values = self.values.lock().unwrap();
        let value = values.entry((key.name().to_owned(), labels));
        value.or_insert_with(|| (kind, Arc::default())).1.clone()
    }

    fn read(&self, name: &str, labels: &[&str]) -> u64 {
        let key = (name.to_owned(), labels.iter().map(|label| (*label).to_owned()).collect());
        self.values.lock().unwrap()[&key].1.load(Ordering::SeqCst)
    }
}

impl Recorder for Keeps {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.described.lock().unwrap().insert(key.as_str().to_owned(), unit);
    }
    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        self.described.lock().unwrap().insert(key.as_str().to_owned(), unit);
    }
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.value(key, Kind::Counter))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.value(key, Kind::Gauge))
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

async fn start(name: &str) -> Node {
    Node::builder(name).cookie("a cookie of thirty-two letters..").start().await.unwrap()
}

#[tokio::test]
async fn what_is_recorded_is_what_the_table_says_and_a_session_that_is_over_is_0() {
    let (a, b) = (start("a@127.0.0.1:0").await, start("b@127.0.0.1:0").await);
    a.connect(b.name()).await.unwrap();
    let recorder = Keeps { node: Some(a.clone()), ..Keeps::default() };
    let mut metrics = with_local_recorder(&recorder, || Metrics::new(&a));
    with_local_recorder(&recorder, || metrics.record());

    let mut emitted: BTreeMap<String, (Kind, BTreeSet<String>)> = BTreeMap::new();
    for ((name, labels), (kind, _)) in recorder.values.lock().unwrap().iter() {
        let names = labels.iter().map(|label| label.split('=').next().unwrap().to_owned());
        let before = emitted.insert(name.clone(), (*kind, names.collect()));
        assert!(before.is_none_or(|before| before == emitted[name]), "{name}");
    }
    let expected = ROWS.map(|(name, kind, _, labels, _)| {
        (name.to_owned(), (kind, labels.iter().chain(&["node"]).map(|label| (*label).to_owned()).collect()))
    });
    assert_eq!(emitted, expected.into());
    let described = ROWS.map(|(name, _, unit, _, _)| (name.to_owned(), Some(unit)));
    assert_eq!(*recorder.described.lock().unwrap(), described.into());

    let (node, peer) = (&*format!("node={}", a.name()), &*format!("peer={}", b.name()));
    assert_eq!(recorder.read("snow_dist_sessions_begun_total", &[node]), 1);
    assert!(f64::from_bits(recorder.read("snow_dist_session_up_seconds", &[node, peer])) > 0.0);
    b.shutdown().await;
    while !a.stats().peers.is_empty() {
        tokio::task::yield_now().await;
    }
    with_local_recorder(&recorder, || metrics.record());
    assert_eq!(recorder.read("snow_dist_session_up_seconds", &[node, peer]), 0);
    assert_eq!(recorder.read("snow_dist_sessions_begun_total", &[node]), 1);
    a.shutdown().await;
}

/// What has to be recorded: by name and labels, as the recorder keeps them.
fn expected(stats: &Stats) -> BTreeMap<(String, Vec<String>), f64> {
    let Stats { processes, supervisors, connections, sessions, peers, .. } = stats;
    let [peer] = &peers[..] else { panic!("{peers:?}") };
    let longest = processes.longest.as_ref().unwrap();
    let (all, one) = (sessions.traffic, peer.traffic);
    let passed_over = peer.passed_over.rows().iter().map(|(_, count)| count).sum();
    let (at_peer, into, out) = (format!("peer={}", peer.name), "direction=in", "direction=out");
    let mut expected = BTreeMap::new();
    let mut row = |name: &str, labels: &[&str], value: f64| {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        assert_eq!(expected.insert((format!("snow_dist_{name}"), labels), value), None, "{name}");
    };
    for (name, value) in [
        ("up_seconds", stats.up_for.as_secs_f64()),
        ("processes", number(processes.count)),
        ("mailbox_messages", number(processes.mailbox_messages)),
        ("mailbox_messages_longest", number(longest.mailbox_messages)),
        ("mailbox_remote_bytes", number(processes.mailbox_remote_bytes)),
        ("sessions", 1.0),
    ] {
        row(name, &[], value);
    }
    for (name, count) in [
        ("processes_started_total", processes.started),
        ("supervisor_restarts_total", supervisors.restarts),
        ("supervisors_gave_up_total", supervisors.gave_up),
        ("messages_dropped_total", stats.messages_dropped),
        ("messages_to_nobody_total", stats.messages_to_nobody),
        ("messages_unsent_total", stats.messages_unsent),
        ("sessions_begun_total", sessions.begun),
        ("sessions_taken_over_total", connections.taken_over),
        ("sessions_lost_to_rivals_total", connections.lost_to_rivals),
        ("listed_refused_total", connections.listed_refused),
        ("waits_total", sessions.waits),
    ] {
        row(name, &[], of(count));
    }
    for (name, label, counts) in [
        ("processes_ended_total", "reason", &processes.ended.rows()[..]),
        ("connections_refused_total", "cause", &connections.refused.rows()),
        ("passed_over_total", "why", &sessions.passed_over.rows()),
    ] {
        counts.iter().for_each(|(value, count)| row(name, &[&format!("{label}={value}")], of(*count)));
    }
    for (name, value) in [
        ("session_up_seconds", peer.up_for.as_secs_f64()),
        ("session_passed_over", of(passed_over)),
        ("session_waits", of(peer.waits)),
        ("session_queue_bytes", number(peer.queue_bytes)),
        ("session_unfinished_bytes", number(peer.unfinished_bytes)),
        ("session_links", number(peer.links)),
        ("session_round_trip_seconds", peer.round_trip.unwrap().as_secs_f64()),
    ] {
        row(name, &[&at_peer], value);
    }
    row("frames_total", &[into], of(all.frames_in));
    row("frames_total", &[out], of(all.frames_out));
    row("bytes_total", &[into], of(all.bytes_in));
    row("bytes_total", &[out], of(all.bytes_out));
    for (name, in_and_out) in [
        ("session_frames", [of(one.frames_in), of(one.frames_out)]),
        ("session_bytes", [of(one.bytes_in), of(one.bytes_out)]),
        ("session_monitors", [number(peer.monitors_of_peer), number(peer.monitors)]),
        ("session_calls", [number(peer.calls_of_peer), number(peer.calls)]),
    ] {
        row(name, &[&at_peer, into], in_and_out[0]);
        row(name, &[&at_peer, out], in_and_out[1]);
    }
    expected
}

/// What was recorded, without the label `node`.
fn recorded(recorder: &Keeps) -> BTreeMap<(String, Vec<String>), f64> {
    let values = recorder.values.lock().unwrap();
    let value = |(kind, value): &(Kind, Arc<AtomicU64>)| match (kind, value.load(Ordering::SeqCst)) {
        (Kind::Counter, count) => of(count),
        (Kind::Gauge, bits) => f64::from_bits(bits),
    };
    values.iter().map(|((name, labels), it)| ((name.clone(), labels[1..].to_vec()), value(it))).collect()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let comes = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), comes).await.expect(what);
}

/// A node on which as much as possible has happened. What does not happen in a moment is made up.
async fn eventful(a: &Node, b: &Node) -> Stats {
    b.connect(a.name()).await.unwrap();
    until("the session", || !a.stats().peers.is_empty()).await;
    let waits = async |_: Context| std::future::pending::<()>().await;
    let full = a.spawn_with(Mailbox::bounded(2), waits).unwrap();
    let far = b.spawn(waits).unwrap();
    let (seen, far) = (b.pid_on(a.name(), full.local()).unwrap(), a.pid_on(b.name(), far.local()).unwrap());
    for _ in 0..3 {
        b.send(seen, "message").await.unwrap();
    }
    b.send_named("nobody", a.name(), "message").await.unwrap();
    a.send_named("nobody", "c@127.0.0.1:1", "message").await.unwrap();
    a.spawn(async |_: Context| ()).unwrap();
    let looks = async move |ctx: Context| {
        ctx.link(far).await.unwrap();
        ctx.monitor(far).await.unwrap();
        ctx.monitor(far).await.unwrap();
        std::future::pending::<()>().await;
    };
    a.spawn(looks).unwrap();
    let fails = Child::new("fails", async |_: Context| Reason::error("boom"));
    Supervisor::new(Strategy::OneForOne).restarts(2, Duration::MAX).child(fails).start(a).unwrap();
    let stranger = Node::builder("c@127.0.0.1:0").cookie("another cookie of thirty letters").start();
    stranger.await.unwrap().connect(a.name()).await.unwrap_err();
    until("all of it", || {
        let stats = a.stats();
        let lost = [stats.messages_dropped, stats.messages_to_nobody, stats.messages_unsent];
        let ended = stats.processes.ended;
        let seen =
            (lost, stats.supervisors.gave_up, stats.connections.refused.cookie, stats.peers[0].monitors);
        seen == ([1; 3], 1, 1, 2) && (ended.normal, ended.failed) == (1, 4)
    })
    .await;
    let mut stats = a.stats();
    let connections = &mut stats.connections;
    (connections.taken_over, connections.lost_to_rivals, connections.listed_refused) = (21, 22, 23);
    (stats.sessions.waits, stats.sessions.passed_over.unknown) = (24, 25);
    let peer = &mut stats.peers[0];
    (peer.waits, peer.passed_over.foreign, peer.passed_over.unknown) = (26, 27, 28);
    (peer.queue_bytes, peer.unfinished_bytes) = (29, 30);
    (peer.calls, peer.calls_of_peer, peer.monitors_of_peer) = (31, 32, 33);
    peer.round_trip = Some(Duration::from_millis(34));
    stats
}

#[tokio::test]
async fn each_metric_has_the_value_of_its_figure() {
    let (a, b) = (start("a@127.0.0.1:0").await, start("b@127.0.0.1:0").await);
    let stats = eventful(&a, &b).await;
    let recorder = Keeps::default();
    let mut metrics = with_local_recorder(&recorder, || Metrics::new(&a));
    with_local_recorder(&recorder, || metrics.record_stats(&stats));
    let expected = expected(&stats);
    assert_eq!(recorded(&recorder), expected);
    // None of them could be anything: each name has a value that is not 0.
    for (name, ..) in ROWS {
        let mut values = expected.iter().filter(|((of, _), _)| of == name);
        assert!(values.any(|(_, value)| *value > 0.0), "{name}");
    }
    a.shutdown().await;
    b.shutdown().await;
}

#[test]
fn the_table_of_the_documentation_is_that_of_the_metrics() {
    let text = include_str!("../../../OBSERVING.md");
    let (_, rest) = text
        .split_once("| metric | kind | unit | labels | what it tells |\n|---|---|---|---|---|\n")
        .unwrap();
    let rows = ROWS.map(|(name, kind, unit, labels, about)| {
        let labels: Vec<_> = labels.iter().map(|label| format!(" `{label}`")).collect();
        let kind = if kind == Kind::Counter { "counter" } else { "gauge" };
        format!("| `{name}` | {kind} | {} | `node`{} | {about} |\n", unit.as_str(), labels.concat())
    });
    let table: String =
        rest.lines().take_while(|line| line.starts_with('|')).map(|line| format!("{line}\n")).collect();
    assert_eq!(table, rows.concat());
}
