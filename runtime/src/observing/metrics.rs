//! The export of a node's counters to a recorder of the crate `metrics`.

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use metrics::{Label, Unit};

use crate::node::Node;
use crate::stats::{PeerStats, SessionTotals, Stats};

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A counter, which only grows during the life of the node.
    Counter,
    /// A gauge, which shows a current value.
    Gauge,
}

/// A metric: its name, kind, unit, labels besides `node`, and description.
type Row = (&'static str, Kind, Unit, &'static [&'static str], &'static str);

const ROWS: [Row; 33] = [
    ("snow_dist_up_seconds", Kind::Gauge, Unit::Seconds, &[], "The time since the node was started."),
    ("snow_dist_processes", Kind::Gauge, Unit::Count, &[], "The number of processes."),
    ("snow_dist_processes_started_total", Kind::Counter, Unit::Count, &[], "Processes that were started."),
    (
        "snow_dist_processes_ended_total",
        Kind::Counter,
        Unit::Count,
        &["reason"],
        "Processes that have ended.",
    ),
    (
        "snow_dist_supervisor_restarts_total",
        Kind::Counter,
        Unit::Count,
        &[],
        "Children of supervisors that ended and were started again.",
    ),
    ("snow_dist_supervisors_gave_up_total", Kind::Counter, Unit::Count, &[], "Supervisors that gave up."),
    ("snow_dist_mailbox_messages", Kind::Gauge, Unit::Count, &[], "Items in all mailboxes."),
    ("snow_dist_mailbox_messages_longest", Kind::Gauge, Unit::Count, &[], "Items in the fullest mailbox."),
    (
        "snow_dist_mailbox_remote_bytes",
        Kind::Gauge,
        Unit::Bytes,
        &[],
        "Bytes from other nodes that mailboxes hold.",
    ),
    (
        "snow_dist_messages_dropped_total",
        Kind::Counter,
        Unit::Count,
        &[],
        "Messages that were dropped because there was no room.",
    ),
    (
        "snow_dist_messages_to_nobody_total",
        Kind::Counter,
        Unit::Count,
        &[],
        "Messages to names that no process held.",
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
        "Connections that were refused, and so became no session.",
    ),
    ("snow_dist_sessions", Kind::Gauge, Unit::Count, &[], "The number of sessions."),
    ("snow_dist_sessions_begun_total", Kind::Counter, Unit::Count, &[], "Sessions that have begun."),
    (
        "snow_dist_sessions_taken_over_total",
        Kind::Counter,
        Unit::Count,
        &[],
        "Sessions that another start of the peer has replaced.",
    ),
    (
        "snow_dist_sessions_lost_to_rivals_total",
        Kind::Counter,
        Unit::Count,
        &[],
        "Sessions that peers have ended in favour of another connection under this node's name.",
    ),
    (
        "snow_dist_listed_refused_total",
        Kind::Counter,
        Unit::Count,
        &[],
        "Names in lists of peers that are not dialled.",
    ),
    ("snow_dist_frames_total", Kind::Counter, Unit::Count, &["direction"], "Frames in all sessions."),
    (
        "snow_dist_bytes_total",
        Kind::Counter,
        Unit::Bytes,
        &["direction"],
        "Bytes of the frames in all sessions.",
    ),
    (
        "snow_dist_passed_over_total",
        Kind::Counter,
        Unit::Count,
        &["why"],
        "Frames, and parts of frames, that were passed over or refused.",
    ),
    ("snow_dist_waits_total", Kind::Counter, Unit::Count, &[], "Waits for room in the queue of a session."),
    (
        "snow_dist_session_up_seconds",
        Kind::Gauge,
        Unit::Seconds,
        &["peer"],
        "The time since the session began; 0 when it is over.",
    ),
    ("snow_dist_session_frames", Kind::Gauge, Unit::Count, &["peer", "direction"], "Frames in the session."),
    (
        "snow_dist_session_bytes",
        Kind::Gauge,
        Unit::Bytes,
        &["peer", "direction"],
        "Bytes of the frames in the session.",
    ),
    (
        "snow_dist_session_passed_over",
        Kind::Gauge,
        Unit::Count,
        &["peer"],
        "Frames, and parts of frames, that were passed over or refused in the session.",
    ),
    (
        "snow_dist_session_waits",
        Kind::Gauge,
        Unit::Count,
        &["peer"],
        "Waits for room in the queue of the session.",
    ),
    (
        "snow_dist_session_queue_bytes",
        Kind::Gauge,
        Unit::Bytes,
        &["peer"],
        "Bytes of messages that wait to be written.",
    ),
    (
        "snow_dist_session_unfinished_bytes",
        Kind::Gauge,
        Unit::Bytes,
        &["peer"],
        "Bytes that are kept of incomplete messages.",
    ),
    ("snow_dist_session_links", Kind::Gauge, Unit::Count, &["peer"], "Links in the session."),
    (
        "snow_dist_session_monitors",
        Kind::Gauge,
        Unit::Count,
        &["peer", "direction"],
        "Monitors in the session: `out` are those that processes of this node have.",
    ),
    (
        "snow_dist_session_calls",
        Kind::Gauge,
        Unit::Count,
        &["peer", "direction"],
        "Calls in the session that have not ended: `out` are those of this node's processes.",
    ),
    (
        "snow_dist_session_round_trip_seconds",
        Kind::Gauge,
        Unit::Seconds,
        &["peer"],
        "The round-trip time of the last PING; 0 if there was none.",
    ),
];

/// An exporter that passes a node's counters to the recorder of the crate `metrics` that the program has installed.
/// The program calls [`record`](Self::record) before each scrape, or at an interval. Available with the feature
/// `metrics`. The [module](super) lists the metrics.
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
    /// The nodes whose sessions were reported. When a session has ended, its gauges are set to 0.
    peers: BTreeSet<Arc<str>>,
}

impl Metrics {
    /// Creates an exporter for a node, and describes the metrics to the recorder, which must be installed already.
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

    /// Passes the node's current [`Stats`] to the recorder of the calling thread or, if the thread has no recorder of
    /// its own, to the recorder of the program. The cost is that of [`Node::stats`] plus a look-up in the recorder for
    /// each number.
    pub fn record(&mut self) {
        self.record_stats(&self.node.stats());
    }

    fn record_stats(&mut self, stats: &Stats) {
        self.of_node(stats);
        self.of_processes(stats);
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
        self.counter("snow_dist_listed_refused_total", &[], connections.listed_refused);
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
        self.counter("snow_dist_supervisor_restarts_total", &[], stats.supervisors.restarts);
        self.counter("snow_dist_supervisors_gave_up_total", &[], stats.supervisors.gave_up);
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

/// Converts a count to the value of a gauge. Above 2^53 the last digits are lost.
#[expect(clippy::cast_precision_loss, reason = "gauges are of this type")]
const fn of(count: u64) -> f64 {
    count as f64
}

const fn number(count: usize) -> f64 {
    of(count as u64)
}
