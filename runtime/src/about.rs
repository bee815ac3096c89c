//! What a node tells about itself to other nodes: a process that answers calls, if the program wants it.
//!
//! `snow-dist cluster` asks it. Whoever knows the cookie can ask, and nobody else.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use snow_dist_codec::handshake::Capabilities;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::core::limits::{
    ABOUT_CALLS_MAX, ABOUT_MEASURED_MAX, ABOUT_PEERS_MAX, ABOUT_REPLY_TIME_MAX, ABOUT_ROUND_TRIP_TIME_MAX,
};
use crate::node::Node;
use crate::peer_info::PeerInfo;
use crate::process::{Context, Mailbox, Received, SpawnError};
use crate::stats::{PeerStats, Stats};

/// The name under which a node with [`NodeBuilder::answer_about`](crate::NodeBuilder::answer_about) has registered the process
/// that answers.
pub const ABOUT_NAME: &str = "about_node";

/// What that process is called with: a term that is this string. It replies with an [`AboutNode`].
pub const ABOUT_REQUEST: &str = "about";

/// What a node tells about itself. More fields may come, so a reader passes over those that it does not know.
///
/// Times are in whole units, which their names say, as terms have no time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AboutNode {
    /// Its name, with its port.
    pub name: String,
    /// The program that speaks the protocol, with its version.
    pub runtime: String,
    /// The number of this start of the node, 16 hexadecimal digits.
    pub incarnation: String,
    /// For how long it has been up, in seconds.
    pub up_for_s: u64,
    /// How many processes run there.
    pub processes: u64,
    /// What it has counted since it started, by name.
    pub counters: BTreeMap<String, u64>,
    /// The nodes that it has sessions with, at most [`ABOUT_PEERS_MAX`] of them.
    pub peers: Vec<AboutPeer>,
    /// How many further nodes it has sessions with.
    pub peers_left_out: u64,
}

/// What a node tells about one that it has a session with: see [`PeerInfo`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AboutPeer {
    /// Its name, with its port.
    pub name: String,
    /// The version of the protocol that the session speaks.
    pub version: u16,
    /// The capabilities of the session that have a name.
    pub capabilities: Vec<String>,
    /// The number of that start of the node, 16 hexadecimal digits; none in version 1.
    pub incarnation: Option<String>,
    /// Whether the node that tells this has dialled it.
    pub is_dialled: bool,
    /// For how long the session has been up, in seconds.
    pub up_for_s: u64,
    /// How long a question to that node took, its answer included, in microseconds. None if it was not measured.
    pub round_trip_us: Option<u64>,
    /// The session's figures by name: frames and bytes each way, what waits, links, monitors, calls, and frames that were passed
    /// over. Empty if the node does not tell.
    #[serde(default)]
    pub figures: BTreeMap<String, u64>,
}

impl AboutPeer {
    /// The same with what was counted in the session with it.
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

/// Starts the process that answers. It is the node's first one.
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

/// One call after the other, so that whoever calls often makes nobody else wait for more than its turn.
async fn serve(mut ctx: Context, clock: Clock) {
    loop {
        let Received::Call(call) = ctx.recv().await else { continue };
        if call.term::<&str>().is_ok_and(|request| request == ABOUT_REQUEST) {
            let about = about(&ctx, clock.now()).await;
            // Who has given up waiting needs no answer, and for who reads too slowly nobody else waits.
            let reply = call.reply(&about);
            drop(ctx.node().table().executor().at_most(ABOUT_REPLY_TIME_MAX, reply).await);
        }
    }
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

/// Measures round trips, all at once: each node is asked who has a name, which it answers without a process. What cannot be
/// asked keeps what the heartbeat has measured.
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
    let Stats { processes, connections, sessions, .. } = stats;
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
        ("messages_dropped", stats.messages_dropped),
        ("messages_to_nobody", stats.messages_to_nobody),
        ("messages_unsent", stats.messages_unsent),
        ("processes_failed", processes.ended.failures()),
        ("processes_started", processes.started),
        ("sessions_begun", sessions.begun),
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
