//! `snow-dist demo`: two nodes in two operating-system processes, and all that goes between them.
//!
//! Node `a` runs here, node `b` in a second process of this command. The script is a process of `a`; it brings
//! about one thing after another, shows what `a` sends and receives and what the processes of both nodes see, and
//! holds it against what should have come.

mod check;
mod peer;
mod script;
mod second;
mod show;

use std::io;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use snow_dist_codec::{Reading, stf};
use snow_dist_runtime::{Direction, Node, Received, Seen};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::trace_file::TraceFile;
use crate::{Demo, cookie};
use script::Script;
use show::Screen;

pub(crate) use peer::run as run_peer;

/// The demonstration ends within this time, whatever happens.
const TIME_MAX: Duration = Duration::from_secs(60);

/// Where both nodes listen; the system chooses their ports.
const HOST: &str = "127.0.0.1";

/// What happens, in the order in which it is shown.
#[derive(Debug)]
enum Event {
    /// A message between the two nodes, without its length. `time` runs from the beginning of the demonstration.
    Frame { time: Duration, direction: Direction, handshake: bool, payload: Vec<u8> },
    /// Node `b` has started.
    Started { node: String },
    /// Somebody sees something.
    Sight(Sight),
}

/// What somebody sees, in words.
#[derive(Debug, Serialize, Deserialize)]
struct Sight {
    who: String,
    what: String,
}

impl Sight {
    fn new(who: &str, what: impl Into<String>) -> Self {
        Self { who: who.into(), what: what.into() }
    }

    fn received(who: &str, received: &Received) -> Self {
        Self::new(who, described(received))
    }
}

/// A message to `desk`: start a worker.
#[derive(Debug, Serialize, Deserialize)]
struct Start {
    role: String,
    traps: bool,
}

/// Its answer: the worker's number on its node.
#[derive(Debug, Serialize, Deserialize)]
struct Started {
    role: String,
    process: u64,
}

/// A message to a worker: end with this error.
#[derive(Debug, Serialize, Deserialize)]
struct End {
    error: String,
}

/// Runs the demonstration. True if all was seen that was expected.
pub(crate) fn run(arguments: &Demo) -> io::Result<bool> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    // What is dropped with the runtime ends the second process, however this ends.
    runtime.block_on(async {
        let trace = arguments.trace.as_deref().map(TraceFile::create).transpose()?;
        match timeout(TIME_MAX, demonstrate(Screen::new(arguments.quiet), trace)).await {
            Ok(good) => good,
            Err(_) => Err(io::Error::other("the demonstration did not end in time")),
        }
    })
}

async fn demonstrate(screen: Screen, trace: Option<TraceFile>) -> io::Result<bool> {
    let cookie = cookie::random()?;
    let (tell, events) = unbounded_channel();
    let node =
        Node::builder(format!("a@{HOST}:0")).cookie(cookie.as_str()).key_log(true).tap(told(tell.clone()));
    let node = node.start().await.map_err(io::Error::other)?;
    let (done, result) = oneshot::channel();
    let of_script = node.clone();
    node.spawn(async move |ctx| {
        let good = Script::new(of_script, ctx, cookie, tell, events, screen, trace).run().await;
        let _ = done.send(good);
    })
    .map_err(io::Error::other)?;
    let good =
        result.await.map_err(|_| io::Error::other("the demonstration has failed: its process has ended"))?;
    node.shutdown().await;
    good
}

fn told(tell: UnboundedSender<Event>) -> impl Fn(Seen<'_>) {
    let began = Instant::now();
    move |seen| {
        let time = began.elapsed();
        let (direction, handshake, payload) = (seen.direction, seen.handshake, seen.payload.to_vec());
        // Once nobody listens any more, nothing is shown any more.
        let _ = tell.send(Event::Frame { time, direction, handshake, payload });
    }
}

/// What a process receives, in words.
fn described(received: &Received) -> String {
    match received {
        Received::Message(message) => format!("a message, {}", described_message(message.as_bytes())),
        Received::Exit { from, reason } => format!("EXIT from {from}: {reason}"),
        Received::Down { from, reason, .. } => format!("DOWN of {from}: {reason}"),
        Received::NodeUp { name } => format!("NODEUP {name}"),
        Received::NodeDown { name } => format!("NODEDOWN {name}"),
        other => format!("{other:?}"),
    }
}

fn described_message(message: &[u8]) -> String {
    match stf::decode(message, Reading::Strict) {
        Ok((term, _)) => format!("the term {term}"),
        Err(_) => format!("{} bytes: {:?}", message.len(), String::from_utf8_lossy(message)),
    }
}
