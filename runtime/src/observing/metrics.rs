//! What a node has counted, for a recorder of `metrics`.

use std::collections::BTreeSet;
use std::sync::Arc;

use metrics::{Label, Unit};

use crate::node::Node;
use crate::stats::{PeerStats, SessionTotals, Stats};

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It only grows, as long as the node is the same.
    Counter,
    /// It is how something stands.
    Gauge,
}

/// A metric: its name, what it is, its unit, its labels beside `node`, and what it tells.
type Row = (&'static str, Kind, Unit, &'static [&'static str], &'static str);

const ROWS: [Row; 30] = [
    ("snow_dist_up_seconds", Kind::Gauge, Unit::Seconds, &[], "For how long the node has been there."),
    ("snow_dist_processes", Kind::Gauge, Unit::Count, &[], "Processes."),
    ("snow_dist_processes_started_total", Kind::Counter, Unit::Count, &[], "Processes that were started."),
    (
        "snow_dist_processes_ended_total",
        Kind::Counter,
        Unit::Count,
        &["reason"],
        "Processes that have ended.",
    ),
    ("snow_dist_mailbox_messages", Kind::Gauge, Unit::Count, &[], "What stands in all mailboxes."),
    ("snow_dist_mailbox_messages_longest", Kind::Gauge, Unit::Count, &[], "What stands in the fullest one."),
    ("snow_dist_mailbox_remote_bytes", Kind::Gauge, Unit::Bytes, &[], "What mailboxes keep for other nodes."),
    ("snow_dist_messages_dropped_total", Kind::Counter, Unit::Count, &[], "Messages that found no room."),
    (
        "snow_dist_messages_to_nobody_total",
        Kind::Counter,
        Unit::Count,
        &[],
        "Messages to names that nobody had.",
    ),
    (
        "snow_dist_messages_unsent_total",
        Kind::Counter,
        Unit::Count,
        &[],
        "Messages for which there was no session.",
    ),
    (
        "snow_dist_connections_refused_total",
        Kind::Counter,
        Unit::Count,
        &["cause"],
        "Connections that became no session.",
    ),
    ("snow_dist_sessions", Kind::Gauge, Unit::Count, &[], "Sessions."),
    ("snow_dist_sessions_begun_total", Kind::Counter, Unit::Count, &[], "Sessions that have begun."),
    (
        "snow_dist_sessions_taken_over_total",
        Kind::Counter,
        Unit::Count,
        &[],
        "Sessions ended by another start of their peer.",
    ),
    (
        "snow_dist_sessions_lost_to_rivals_total",
        Kind::Counter,
        Unit::Count,
        &[],
        "Sessions that peers gave to another connection.",
    ),
    ("snow_dist_frames_total", Kind::Counter, Unit::Count, &["direction"], "Frames of all sessions."),
    ("snow_dist_bytes_total", Kind::Counter, Unit::Bytes, &["direction"], "Their bytes."),
    (
        "snow_dist_passed_over_total",
        Kind::Counter,
        Unit::Count,
        &["why"],
        "Frames that were passed over, and parts of them.",
    ),
    ("snow_dist_waits_total", Kind::Counter, Unit::Count, &[], "Waits for room in the queue of a session."),
    (
        "snow_dist_session_up_seconds",
        Kind::Gauge,
        Unit::Seconds,
        &["peer"],
        "For how long a session has been up; 0 when it is over.",
    ),
    ("snow_dist_session_frames", Kind::Gauge, Unit::Count, &["peer", "direction"], "Its frames."),
    ("snow_dist_session_bytes", Kind::Gauge, Unit::Bytes, &["peer", "direction"], "Their bytes."),
    ("snow_dist_session_passed_over", Kind::Gauge, Unit::Count, &["peer"], "What was passed over in it."),
    ("snow_dist_session_waits", Kind::Gauge, Unit::Count, &["peer"], "Waits for room in its queue."),
    (
        "snow_dist_session_queue_bytes",
        Kind::Gauge,
        Unit::Bytes,
        &["peer"],
        "Messages that wait to be written.",
    ),
    (
        "snow_dist_session_unfinished_bytes",
        Kind::Gauge,
        Unit::Bytes,
        &["peer"],
        "What is kept of messages that are not whole.",
    ),
    ("snow_dist_session_links", Kind::Gauge, Unit::Count, &["peer"], "Its links."),
    (
        "snow_dist_session_monitors",
        Kind::Gauge,
        Unit::Count,
        &["peer", "direction"],
        "Monitors: `out` are those of this node's processes.",
    ),
    (
        "snow_dist_session_calls",
        Kind::Gauge,
        Unit::Count,
        &["peer", "direction"],
        "Calls that are not over: `out` are those of this node's processes.",
    ),
    (
        "snow_dist_session_round_trip_seconds",
        Kind::Gauge,
        Unit::Seconds,
        &["peer"],
        "What the last PING took; 0 if there was none.",
    ),
];

/// Hands what a node has counted to the recorder of the crate `metrics` that the program has installed: each time that the program
/// asks, before a scrape or at an interval. With the feature `metrics`. The names are in the [module](super).
///
/// ```no_run
/// # async fn example(node: snow_dist_runtime::Node) {
/// use std::time::Duration;
/// use snow_dist_runtime::observing::Metrics;
///
/// let mut metrics = Metrics::new(&node);
/// tokio::spawn(async move {
///     loop {
///         metrics.record();
///         tokio::time::sleep(Duration::from_secs(5)).await;
///     }
/// });
/// # }
/// ```
#[derive(Debug)]
pub struct Metrics {
    node: Node,
    name: Arc<str>,
    /// Nodes whose sessions were told of: when there is none any more, their gauges are set to 0.
    peers: BTreeSet<Arc<str>>,
}

impl Metrics {
    /// The metrics of this node, which are described to the recorder: install that before.
    #[must_use]
    pub fn new(node: &Node) -> Self {
        for (name, kind, unit, _, about) in ROWS {
            match kind {
                Kind::Counter => metrics::describe_counter!(name, unit, about),
                Kind::Gauge => metrics::describe_gauge!(name, unit, about),
            }
        }
        Self { node: node.clone(), name: node.name().into(), peers: BTreeSet::new() }
    }

    /// Takes the node's [`Stats`] and hands them to the recorder of this thread, or of the program. What it costs is what
    /// [`Node::stats`] does, and a look-up in the recorder for each number.
    pub fn record(&mut self) {
        let stats = self.node.stats();
        self.of_node(&stats);
        self.of_processes(&stats);
        self.of_sessions(&stats.sessions);
        let gone = std::mem::take(&mut self.peers);
        for name in gone.into_iter().filter(|gone| !stats.peers.iter().any(|peer| peer.name == *gone)) {
            self.of_peer(&PeerStats::new(name));
        }
        for peer in &stats.peers {
            self.of_peer(peer);
            self.peers.insert(peer.name.clone());
        }
    }

    fn of_node(&self, stats: &Stats) {
        self.gauge("snow_dist_up_seconds", &[], stats.up_for.as_secs_f64());
        self.gauge("snow_dist_sessions", &[], number(stats.peers.len()));
        self.counter("snow_dist_messages_dropped_total", &[], stats.messages_dropped);
        self.counter("snow_dist_messages_to_nobody_total", &[], stats.messages_to_nobody);
        self.counter("snow_dist_messages_unsent_total", &[], stats.messages_unsent);
        let connections = stats.connections;
        self.counter("snow_dist_sessions_taken_over_total", &[], connections.taken_over);
        self.counter("snow_dist_sessions_lost_to_rivals_total", &[], connections.lost_to_rivals);
        for (cause, count) in connections.refused.rows() {
            self.counter("snow_dist_connections_refused_total", &[("cause", cause)], count);
        }
    }

    fn of_processes(&self, stats: &Stats) {
        let processes = &stats.processes;
        self.gauge("snow_dist_processes", &[], number(processes.count));
        self.counter("snow_dist_processes_started_total", &[], processes.started);
        for (reason, count) in processes.ended.rows() {
            self.counter("snow_dist_processes_ended_total", &[("reason", reason)], count);
        }
        let longest = processes.longest.as_ref().map_or(0, |longest| longest.mailbox_messages);
        self.gauge("snow_dist_mailbox_messages", &[], number(processes.mailbox_messages));
        self.gauge("snow_dist_mailbox_messages_longest", &[], number(longest));
        self.gauge("snow_dist_mailbox_remote_bytes", &[], number(processes.mailbox_remote_bytes));
    }

    fn of_sessions(&self, sessions: &SessionTotals) {
        let traffic = sessions.traffic;
        self.counter("snow_dist_sessions_begun_total", &[], sessions.begun);
        self.counter("snow_dist_waits_total", &[], sessions.waits);
        for (direction, frames, bytes) in
            [("in", traffic.frames_in, traffic.bytes_in), ("out", traffic.frames_out, traffic.bytes_out)]
        {
            self.counter("snow_dist_frames_total", &[("direction", direction)], frames);
            self.counter("snow_dist_bytes_total", &[("direction", direction)], bytes);
        }
        for (why, count) in sessions.passed_over.rows() {
            self.counter("snow_dist_passed_over_total", &[("why", why)], count);
        }
    }

    fn of_peer(&self, stats: &PeerStats) {
        let PeerStats { traffic, name, .. } = stats;
        let passed_over: u64 = stats.passed_over.rows().iter().map(|(_, count)| count).sum();
        let round_trip = stats.round_trip.map_or(0.0, |took| took.as_secs_f64());
        let peer = ("peer", &**name);
        self.gauge("snow_dist_session_up_seconds", &[peer], stats.up_for.as_secs_f64());
        self.gauge("snow_dist_session_passed_over", &[peer], of(passed_over));
        self.gauge("snow_dist_session_waits", &[peer], of(stats.waits));
        self.gauge("snow_dist_session_queue_bytes", &[peer], number(stats.queue_bytes));
        self.gauge("snow_dist_session_unfinished_bytes", &[peer], number(stats.unfinished_bytes));
        self.gauge("snow_dist_session_links", &[peer], number(stats.links));
        self.gauge("snow_dist_session_round_trip_seconds", &[peer], round_trip);
        let into = (traffic.frames_in, traffic.bytes_in, stats.monitors_of_peer, stats.calls_of_peer);
        let out = (traffic.frames_out, traffic.bytes_out, stats.monitors, stats.calls);
        for (direction, (frames, bytes, monitors, calls)) in [("in", into), ("out", out)] {
            let labels = [peer, ("direction", direction)];
            self.gauge("snow_dist_session_frames", &labels, of(frames));
            self.gauge("snow_dist_session_bytes", &labels, of(bytes));
            self.gauge("snow_dist_session_monitors", &labels, number(monitors));
            self.gauge("snow_dist_session_calls", &labels, number(calls));
        }
    }

    fn counter(&self, name: &'static str, labels: &[(&'static str, &str)], count: u64) {
        metrics::counter!(name, self.labels(labels)).absolute(count);
    }

    fn gauge(&self, name: &'static str, labels: &[(&'static str, &str)], value: f64) {
        metrics::gauge!(name, self.labels(labels)).set(value);
    }

    fn labels(&self, labels: &[(&'static str, &str)]) -> Vec<Label> {
        let node = Label::new("node", self.name.clone());
        let others = labels.iter().map(|(name, value)| Label::new(*name, (*value).to_owned()));
        std::iter::once(node).chain(others).collect()
    }
}

/// As a gauge has it: beyond 2^53 the last digits are lost.
#[expect(clippy::cast_precision_loss, reason = "gauges are of this type")]
const fn of(count: u64) -> f64 {
    count as f64
}

const fn number(count: usize) -> f64 {
    of(count as u64)
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    use metrics::{
        Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, with_local_recorder,
    };

    use super::*;

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
            (
                name.to_owned(),
                (kind, labels.iter().chain(&["node"]).map(|label| (*label).to_owned()).collect()),
            )
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

    #[test]
    fn the_table_of_the_documentation_is_that_of_the_metrics() {
        let text = include_str!("../../OBSERVING.md");
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
}
