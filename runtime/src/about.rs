//! Information that a node gives other nodes about itself, if its program allows that.
//!
//! A process of the node answers calls with this information. `snow-dist cluster` uses this information. Only nodes
//! that know the cookie can ask.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use snow_dist_codec::handshake::Capabilities;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::core::limits::{
    ABOUT_AGE_MAX, ABOUT_CALLS_MAX, ABOUT_MEASURED_MAX, ABOUT_PEERS_MAX, ABOUT_REPLY_TIME_MAX,
    ABOUT_ROUND_TRIP_TIME_MAX,
};
use crate::node::Node;
use crate::peer_info::PeerInfo;
use crate::process::{Context, Mailbox, Received, SpawnError};
use crate::stats::{PeerStats, Stats};

/// The name of the process that answers questions about a node. The process exists on a node that was started with
/// [`NodeBuilder::answer_about`](crate::NodeBuilder::answer_about).
pub const ABOUT_NAME: &str = "about_node";

/// The request that the process [`ABOUT_NAME`] answers. Call the process with this string as a term. The reply is an
/// [`AboutNode`], which can be up to one second old ([`ABOUT_AGE_MAX`](crate::core::limits::ABOUT_AGE_MAX)).
pub const ABOUT_REQUEST: &str = "about";

/// The information that a node gives about itself. Fields may be added later, so a reader should ignore unknown
/// fields.
///
/// Terms have no type for times. Times are therefore integers, and the ending of a field's name gives the unit: `_s`
/// for seconds, `_us` for microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AboutNode {
    /// The name of the node, with its port.
    pub name: String,
    /// The name and version of the protocol implementation that the node runs.
    pub runtime: String,
    /// The incarnation of the node, as 16 hexadecimal digits.
    pub incarnation: String,
    /// The time since the node was started, in seconds.
    pub up_for_s: u64,
    /// The number of processes on the node, including the one that answers.
    pub processes: u64,
    /// The counters of the node since it was started, and some current values such as `mailbox_messages`, by name.
    pub counters: BTreeMap<String, u64>,
    /// The nodes that the node has sessions with: at most [`ABOUT_PEERS_MAX`] (1 024) of them.
    pub peers: Vec<AboutPeer>,
    /// The number of nodes that the node has sessions with and that [`peers`](Self::peers) leaves out.
    pub peers_left_out: u64,
}

/// The information that a node gives about one of its peers: see [`PeerInfo`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AboutPeer {
    /// The name of the peer, with its port.
    pub name: String,
    /// The protocol version of the session.
    pub version: u16,
    /// The names of the capabilities of the session. A capability without a name is left out.
    pub capabilities: Vec<String>,
    /// The incarnation of the peer, as 16 hexadecimal digits. `None` if the peer speaks version 1, which has no
    /// incarnations.
    pub incarnation: Option<String>,
    /// `true` if the node that gives this information has dialled the peer, `false` if the peer has dialled that
    /// node.
    pub is_dialled: bool,
    /// The time since the session began, in seconds.
    pub up_for_s: u64,
    /// The round-trip time to the peer, in microseconds, measured for this answer. For a peer that does not answer
    /// within a second, and for all peers beyond the first [`ABOUT_MEASURED_MAX`] (256), this is the time that the
    /// heartbeat has measured ([`PeerInfo::round_trip`]), or `None`.
    pub round_trip_us: Option<u64>,
    /// The figures of the session by name: frames and bytes in each direction, queued bytes, waits for the queue,
    /// links, monitors, calls, and ignored frames. Empty if the node that answers runs a version that does not give
    /// them.
    #[serde(default)]
    pub figures: BTreeMap<String, u64>,
}

impl AboutPeer {
    /// Adds the figures of the session with this peer.
    fn with(mut self, stats: &Stats) -> Self {
        let peers = &stats.peers;
        if let Ok(at) = peers.binary_search_by(|peer| (*peer.name).cmp(&*self.name))
            && let Some(peer) = peers.get(at)
        {
            let figures = figures(peer).into_iter();
            self.figures = figures.map(|(name, figure)| (name.to_owned(), figure)).collect();
        }
        self
    }
}

fn figures(peer: &PeerStats) -> [(&'static str, u64); 12] {
    let (traffic, passed_over) = (peer.traffic, peer.passed_over.rows());
    [
        ("bytes_in", traffic.bytes_in),
        ("bytes_out", traffic.bytes_out),
        ("calls", peer.calls as u64),
        ("calls_of_peer", peer.calls_of_peer as u64),
        ("frames_in", traffic.frames_in),
        ("frames_out", traffic.frames_out),
        ("links", peer.links as u64),
        ("monitors", peer.monitors as u64),
        ("monitors_of_peer", peer.monitors_of_peer as u64),
        ("passed_over", passed_over.iter().map(|(_, count)| count).sum()),
        ("queue_bytes", peer.queue_bytes as u64),
        ("waits", peer.waits),
    ]
}

impl From<&PeerInfo> for AboutPeer {
    fn from(peer: &PeerInfo) -> Self {
        Self {
            name: peer.name.as_ref().into(),
            version: peer.version,
            capabilities: peer.capabilities.names().map(String::from).collect(),
            incarnation: peer.incarnation.map(|number| incarnation(number.get())),
            is_dialled: peer.is_dialled,
            up_for_s: peer.up_for.as_secs(),
            round_trip_us: peer.round_trip.map(micros),
            figures: BTreeMap::new(),
        }
    }
}

fn incarnation(number: u64) -> String {
    format!("{number:016x}")
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Starts the process that answers. It is the first process of the node.
pub(crate) fn start(node: &Node) -> Result<(), SpawnError> {
    let clock = Clock::start();
    let pid = node.spawn_with(Mailbox::bounded(ABOUT_CALLS_MAX), async move |ctx| serve(ctx, clock).await)?;
    // Other nodes may send exit signals to whom they like: none that comes early ends it.
    if let Some(delegate) = node.delegate(pid) {
        delegate.trap_exit(true);
        // It answers to the last: nobody waits for its end.
        delegate.dial_nobody();
    }
    // Nobody else has had the time to take the name.
    let _ = node.register(ABOUT_NAME, pid);
    Ok(())
}

/// Answers one call after the other, so that a caller that calls often delays others by its turn only. Looking at
/// all processes and sessions takes time in proportion to their number, so an answer is reused for calls that come
/// shortly after.
async fn serve(mut ctx: Context, clock: Clock) {
    let mut last: Option<(Duration, AboutNode)> = None;
    loop {
        let Received::Call(call) = ctx.recv().await else { continue };
        if call.term::<&str>().is_ok_and(|request| request == ABOUT_REQUEST) {
            let now = clock.now();
            let (_, about) = match last.take().filter(|(taken, _)| is_fresh(*taken, now)) {
                Some((taken, mut about)) => {
                    // Those that have gone meanwhile are not listed, the node that asked before among them.
                    let nodes = ctx.node().nodes();
                    about.peers.retain(|peer| nodes.iter().any(|name| **name == *peer.name));
                    last.insert((taken, about))
                }
                None => last.insert((now, about(&ctx, now).await)),
            };
            // Who has given up waiting needs no answer, and for who reads too slowly nobody else waits.
            let reply = call.reply(about);
            drop(ctx.node().table().executor().at_most(ABOUT_REPLY_TIME_MAX, reply).await);
        }
    }
}

/// Returns `true` if information of time `taken` still answers a call.
fn is_fresh(taken: Duration, now: Duration) -> bool {
    now.saturating_sub(taken) < ABOUT_AGE_MAX
}

async fn about(ctx: &Context, up_for: Duration) -> AboutNode {
    let node = ctx.node();
    let stats = node.stats();
    let mut peers = node.peers();
    let peers_left_out = peers.len().saturating_sub(ABOUT_PEERS_MAX) as u64;
    peers.truncate(ABOUT_PEERS_MAX);
    measure(ctx, &mut peers).await;
    AboutNode {
        name: node.name().into(),
        runtime: concat!("snow-dist-runtime ", env!("CARGO_PKG_VERSION")).into(),
        incarnation: node.incarnation().map(|number| incarnation(number.get())).unwrap_or_default(),
        up_for_s: up_for.as_secs(),
        processes: stats.processes.count as u64,
        counters: counters(&stats),
        peers: peers.iter().map(|peer| AboutPeer::from(peer).with(&stats)).collect(),
        peers_left_out,
    }
}

/// Measures round trips to all peers at once. Each peer is asked for the holder of a name, which it answers
/// without a process. A peer that cannot be asked keeps the value that the heartbeat has measured.
async fn measure(ctx: &Context, peers: &mut [PeerInfo]) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let asked = |peer: &&PeerInfo| peer.capabilities.contains(Capabilities::NAMES);
    for peer in peers.iter().filter(asked).take(ABOUT_MEASURED_MAX) {
        let (name, tell) = (peer.name.clone(), tell.clone());
        let measuring = ctx.spawn(async move |ctx: Context| {
            ctx.dial_nobody();
            if let Some(took) = round_trip(&ctx, &name).await {
                drop(tell.send((name, took)));
            }
        });
        if measuring.is_err() {
            break;
        }
    }
    drop(tell);
    while let Some((name, took)) = told.recv().await {
        if let Ok(at) = peers.binary_search_by(|peer| peer.name.cmp(&name))
            && let Some(peer) = peers.get_mut(at)
        {
            peer.round_trip = Some(took);
        }
    }
}

async fn round_trip(ctx: &Context, node: &str) -> Option<Duration> {
    let clock = Clock::start();
    let asked = ctx.whereis_on(ABOUT_NAME, node);
    let answered = ctx.node().table().executor().at_most(ABOUT_ROUND_TRIP_TIME_MAX, asked).await?;
    answered.is_ok().then(|| clock.now())
}

/// Returns a node's counts by name.
fn counters(stats: &Stats) -> BTreeMap<String, u64> {
    let Stats { processes, supervisors, connections, sessions, .. } = stats;
    let traffic = sessions.traffic;
    let single = [
        ("bytes_in", traffic.bytes_in),
        ("bytes_out", traffic.bytes_out),
        ("connections_lost_to_rivals", connections.lost_to_rivals),
        ("connections_taken_over", connections.taken_over),
        ("frames_in", traffic.frames_in),
        ("frames_out", traffic.frames_out),
        ("mailbox_messages", processes.mailbox_messages as u64),
        ("mailbox_remote_bytes", processes.mailbox_remote_bytes as u64),
        ("mailbox_messages_longest", processes.longest.as_ref().map_or(0, |it| it.mailbox_messages as u64)),
        ("listed_refused", connections.listed_refused),
        ("messages_dropped", stats.messages_dropped),
        ("messages_to_nobody", stats.messages_to_nobody),
        ("messages_unsent", stats.messages_unsent),
        ("processes_failed", processes.ended.failures()),
        ("processes_started", processes.started),
        ("sessions_begun", sessions.begun),
        ("supervisor_restarts", supervisors.restarts),
        ("supervisors_gave_up", supervisors.gave_up),
        ("waits_for_room", sessions.waits),
    ];
    let of = |kind: &'static str| move |(name, count)| (format!("{kind}_{name}"), count);
    let single = single.into_iter().map(|(name, count)| (name.to_owned(), count));
    let ended = processes.ended.rows().into_iter().map(of("processes_ended"));
    let passed_over = sessions.passed_over.rows().into_iter().map(of("passed_over"));
    let refused = connections.refused.rows().into_iter().map(of("refused"));
    single.chain(ended).chain(passed_over).chain(refused).collect()
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;
    use crate::core::limits::ABOUT_CALLS_MAX;
    use crate::process::CallError;

    async fn start(name: &str, answers: bool) -> Node {
        let builder = Node::builder(name).cookie("a cookie of thirty-two letters..").answer_about(answers);
        builder.start().await.unwrap()
    }

    const LONGEST: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_node_tells_about_itself_and_its_peers_if_the_program_wants_that() {
        let (a, b) = (start("a@127.0.0.1:0", true).await, start("b@127.0.0.1:0", false).await);
        b.connect(a.name()).await.unwrap();
        let about: AboutNode = b.call_named(ABOUT_NAME, a.name(), ABOUT_REQUEST, LONGEST).await.unwrap();
        assert_eq!((&*about.name, about.processes, about.peers_left_out), (a.name(), 1, 0));
        assert_eq!(about.incarnation, incarnation(a.incarnation().unwrap().get()));
        assert_eq!((about.counters["refused_cookie"], about.counters["sessions_begun"]), (0, 1));
        assert!(about.counters["frames_in"] > 0, "the call");
        let [peer] = &about.peers[..] else { panic!("{about:?}") };
        assert_eq!((&*peer.name, peer.version, peer.is_dialled), (b.name(), 2, false));
        assert_eq!(peer.incarnation, b.incarnation().map(|number| incarnation(number.get())));
        assert!(peer.capabilities.iter().any(|name| name == "calls"));
        assert!(peer.round_trip_us.is_some(), "it was measured");
        assert_eq!((peer.figures["calls_of_peer"], peer.figures["calls"]), (1, 0), "this one");

        let refused: Result<AboutNode, _> = a.call_named(ABOUT_NAME, b.name(), ABOUT_REQUEST, LONGEST).await;
        assert!(matches!(refused, Err(CallError::Ended(_))), "{refused:?}");
        a.shutdown().await;
        b.shutdown().await;
    }

    #[test]
    fn an_answer_is_given_again_until_it_is_old() {
        let taken = Duration::from_secs(7);
        assert!(is_fresh(taken, taken) && is_fresh(taken, taken + ABOUT_AGE_MAX - Duration::from_nanos(1)));
        assert!(!is_fresh(taken, taken + ABOUT_AGE_MAX));
    }

    #[cfg(feature = "testing")]
    #[tokio::test(start_paused = true)]
    async fn who_asks_soon_after_another_gets_the_same_answer() {
        let network = crate::testing::SimulatedNetwork::new();
        let builder = Node::builder("a@a:1").cookie("a cookie of thirty-two letters..").answer_about(true);
        let node = builder.start_on(network.host("a")).await.unwrap();
        let pid = node.whereis(ABOUT_NAME).unwrap();
        let asked = async || node.call::<AboutNode>(pid, ABOUT_REQUEST, LONGEST).await.unwrap();
        let first = asked().await;
        let idle = node.spawn(async |_| std::future::pending::<()>().await).unwrap();
        assert_eq!(asked().await, first);
        tokio::time::advance(ABOUT_AGE_MAX).await;
        assert_eq!(asked().await.processes, first.processes + 1);
        node.kill(idle).unwrap();
        node.shutdown().await;
    }

    #[tokio::test]
    async fn what_the_node_does_by_itself_has_nobody_dialled() {
        let b = start("b@127.0.0.1:0", true).await;
        let builder = Node::builder("a@127.0.0.1:0").cookie("a cookie of thirty-two letters..");
        let a = builder.dial_when_needed(true).start().await.unwrap();
        let asks = async |dials: bool| {
            let (done, answer) = tokio::sync::oneshot::channel();
            let name = b.name().to_owned();
            a.spawn(async move |ctx: Context| {
                if !dials {
                    ctx.dial_nobody();
                }
                done.send(ctx.whereis_on(ABOUT_NAME, &name).await.is_ok()).unwrap();
            })
            .unwrap();
            answer.await.unwrap()
        };
        assert!(!asks(false).await && a.nodes().is_empty());
        assert!(asks(true).await);
        assert!(asks(false).await, "there is a session");
        a.shutdown().await;
        b.shutdown().await;
    }

    #[tokio::test]
    async fn nothing_that_is_sent_to_it_keeps_it_from_answering() {
        let node = start("a@127.0.0.1:0", true).await;
        let pid = node.whereis(ABOUT_NAME).unwrap();
        for _ in 0..ABOUT_CALLS_MAX {
            node.send(pid, "anything").await.unwrap();
        }
        let asking = node.spawn(async |_| std::future::pending::<()>().await).unwrap();
        node.delegate(asking).unwrap().send_exit(pid, crate::Reason::Killed).await.unwrap();
        let other: Result<AboutNode, _> = node.call(pid, "another question", LONGEST).await;
        assert_eq!(other, Err(CallError::Unanswered));
        let about: AboutNode = node.call(pid, ABOUT_REQUEST, LONGEST).await.unwrap();
        assert!(about.peers.is_empty());
        node.shutdown().await;
    }
}
