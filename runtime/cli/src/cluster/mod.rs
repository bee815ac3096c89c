//! `snow-dist cluster`: what a running node knows of itself and of those that it is connected with.
//!
//! The command is a node for as long as that takes: it connects, asks, and shuts down gracefully.

mod table;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use snow_dist_runtime::{ABOUT_NAME, ABOUT_REQUEST, AboutNode, AboutPeer, CallError, Node, NodeName, Reason};
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::certificates::CertificateFiles;
use crate::log;

pub(crate) const HELP: &str = "\
The command connects as a node of its own, which has the cookie and a name that
begins with snow-dist-cluster, asks, and leaves gracefully. The node that is asked,
and whoever watches it, sees that node come and go.

A node answers if its program has called NodeBuilder::answer_about, as
`snow-dist node` has. Of one that does not, only what this command's own session
shows is shown. ROUND TRIP is between the node that is asked and the one in the
row; in its own row it is that of this command. Exit status: 0 if there was a
session, 1 if there was none, 2 for wrong usage.

Examples:
  snow-dist cluster --cookie-file cookie b@127.0.0.1:4001
  snow-dist cluster --cookie-file cookie --json b@127.0.0.1:4001 | jq .about.peers";

/// The round trip to the node is measured so many times, and the shortest one counts.
const MEASUREMENTS: usize = 3;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The node to ask: NAME@HOST:PORT.
    #[arg(value_parser = crate::node_name)]
    node: String,
    /// The file with the cookie that all nodes of the system share.
    #[arg(long, value_name = "PATH")]
    cookie_file: PathBuf,
    #[command(flatten)]
    certificates: CertificateFiles,
    /// The name that the certificate speaks for, NAME@HOST:PORT. Give this command a certificate of its own, such as one for
    /// ops@127.0.0.1:1: under the name of a node that runs it would end that node's sessions.
    #[arg(long, value_name = "NODE", value_parser = crate::node_name, requires = "certificate")]
    name: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// How many seconds there are for all of it.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=600))]
    within: u64,
}

/// What was learned. With `--json` it is printed as it stands here.
#[derive(Serialize)]
struct Learned {
    /// The node, as this command's session with it shows it.
    session: AboutPeer,
    /// What it tells; nothing if it does not.
    about: Option<AboutNode>,
}

/// Asks, and prints the answer.
pub(crate) fn run(arguments: &Arguments, out: &mut impl Write) -> io::Result<bool> {
    log::show(|warning| eprintln!("warning: {warning}"));
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let longest = Duration::from_secs(arguments.within);
    let learned = runtime.block_on(async {
        let late = || io::Error::other(format!("{} did not answer within {longest:?}", arguments.node));
        timeout(longest, learn(arguments, longest)).await.unwrap_or_else(|_| Err(late()))
    })?;
    if arguments.json {
        serde_json::to_writer(&mut *out, &learned)?;
        writeln!(out)?;
    } else {
        table::print(&learned, out)?;
    }
    Ok(true)
}

async fn learn(arguments: &Arguments, longest: Duration) -> io::Result<Learned> {
    let name = NodeName::parse(&arguments.node).map_err(io::Error::other)?.completed();
    let node = match &arguments.name {
        Some(name) => Node::builder(name).listen("127.0.0.1:0"),
        None if arguments.certificates.are_given() => {
            return Err(io::Error::other(
                "a certificate speaks for one name: say by --name which one this node has",
            ));
        }
        None => Node::builder(own_name()?),
    };
    let node = arguments.certificates.give(node.cookie_file(&arguments.cookie_file));
    let node = node.start().await.map_err(io::Error::other)?;
    let learned = ask(&node, &name, longest).await;
    node.shutdown().await;
    let mut learned = learned?;
    if let Some(about) = &mut learned.about {
        about.peers.retain(|peer| peer.name != node.name());
    }
    Ok(learned)
}

/// No two commands may have one name, as the second would take the place of the first.
fn own_name() -> io::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(format!("no random bytes: {error}")))?;
    Ok(format!("snow-dist-cluster-{}@127.0.0.1:0", hex::encode(bytes)))
}

async fn ask(node: &Node, name: &str, longest: Duration) -> io::Result<Learned> {
    node.connect(name).await.map_err(io::Error::other)?;
    let round_trip = round_trip(node, name).await;
    let about = match node.call_named(ABOUT_NAME, name, ABOUT_REQUEST, longest).await {
        Ok(about) => Some(about),
        // Nobody has the name, the session has no calls, or somebody else's process has the name.
        Err(CallError::Ended(reason)) if reason == Reason::noproc() => None,
        Err(CallError::Refused(_) | CallError::Unanswered | CallError::Reply(_)) => None,
        Err(error) => return Err(io::Error::other(error)),
    };
    let peers = node.peers();
    let peer = peers.iter().find(|peer| *peer.name == *name);
    let mut session = peer
        .map(AboutPeer::from)
        .ok_or_else(|| io::Error::other(format!("the session with {name} is over")))?;
    session.round_trip_us = round_trip;
    Ok(Learned { session, about })
}

/// The shortest of a few round trips, in microseconds. None, if the session cannot ask for names.
async fn round_trip(node: &Node, name: &str) -> Option<u64> {
    let mut shortest = None;
    for _ in 0..MEASUREMENTS {
        let begun = Instant::now();
        node.whereis_on(ABOUT_NAME, name).await.ok()?;
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        shortest = Some(shortest.map_or(took, |shortest: u64| shortest.min(took)));
    }
    shortest
}
