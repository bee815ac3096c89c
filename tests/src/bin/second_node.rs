//! A node in a process of its own, for tests: says its name on a line, then sends back what its process `echo` is
//! sent, and ends when its input does. Of a message the first word is the name to send it to, the second the node.
//!
//! Its arguments are its name, and the interval and the timeout of its heartbeat in milliseconds; or its name, `--mesh` and the
//! name of a node that it is to be kept connected with. Then it is a member of a mesh: it sends to all others without a pause, and
//! has a process linked with, and monitoring, the `echo` of each. That counts what it has made and what has ended, and tells it to
//! whoever sends a message to `watcher`.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use snow_dist_runtime::{Context, MonitorRef, Node, Pid, Received, Timing};
use snow_dist_tests::program::start;

/// How long a member of the mesh pauses between two looks at who is there.
const PAUSE: Duration = Duration::from_millis(5);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let node = match arguments[..] {
        [name, "--mesh", seed] => member(name, seed).await?,
        [name, interval, timeout] => {
            let timing = Timing { interval: millis(interval)?, timeout: millis(timeout)? };
            start(Node::builder(name).heartbeat(timing)).await
        }
        _ => start(Node::builder(arguments.first().copied().unwrap_or("second@127.0.0.1:0"))).await,
    };
    node.spawn(echo)?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", node.name())?;
    out.flush()?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

fn millis(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_millis)
}

async fn echo(mut ctx: Context) -> Result<(), String> {
    ctx.trap_exit(true);
    ctx.register("echo").map_err(|error| error.to_string())?;
    loop {
        if let Received::Message(message) = ctx.recv().await {
            answer(&ctx, message.as_bytes(), &std::process::id().to_string()).await?;
        }
    }
}

/// Sends this process's number and something else to whom the message names.
async fn answer(ctx: &Context, message: &[u8], text: &str) -> Result<(), String> {
    let message = String::from_utf8_lossy(message).into_owned();
    let (name, node) = message.split_once(' ').ok_or("no address")?;
    let back = format!("{} {text}", ctx.pid().local());
    ctx.send_named(name, node, back).await.map_err(|error| error.to_string())
}

async fn member(name: &str, seed: &str) -> Result<Node, Box<dyn std::error::Error>> {
    let node = start(Node::builder(name).keep_connected([seed]).mesh()).await;
    let (to_all, watched) = (node.clone(), node.clone());
    node.spawn(sink)?;
    node.spawn(move |ctx| chat(ctx, to_all))?;
    node.spawn(move |ctx| Watcher::default().watch(ctx, watched))?;
    Ok(node)
}

async fn sink(mut ctx: Context) -> Result<(), String> {
    ctx.register("sink").map_err(|error| error.to_string())?;
    loop {
        ctx.recv().await;
    }
}

async fn chat(ctx: Context, node: Node) -> Result<(), String> {
    loop {
        for other in node.nodes() {
            let sent = ctx.send_named("sink", &other, vec![7; 1_024]).await;
            sent.map_err(|error| error.to_string())?;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What is linked and monitored, and how much has been.
#[derive(Default)]
struct Watcher {
    watched: BTreeMap<Arc<str>, (MonitorRef, Pid)>,
    made: u64,
    downs: u64,
    exits: u64,
}

impl Watcher {
    async fn watch(mut self, mut ctx: Context, node: Node) -> Result<(), String> {
        ctx.trap_exit(true);
        ctx.register("watcher").map_err(|error| error.to_string())?;
        loop {
            for other in node.nodes() {
                if !self.watched.contains_key(&other) {
                    self.begin(&ctx, other).await?;
                }
            }
            match ctx.recv_timeout(PAUSE).await {
                Some(Received::Message(message)) => {
                    let counts =
                        format!("{} {} {} {}", self.made, self.downs, self.exits, self.watched.len());
                    answer(&ctx, message.as_bytes(), &counts).await?;
                }
                Some(Received::Down { reference, .. }) => {
                    self.downs += 1;
                    self.watched.retain(|_, (known, _)| *known != reference);
                }
                Some(Received::Exit { .. }) => self.exits += 1,
                _ => {}
            }
        }
    }

    async fn begin(&mut self, ctx: &Context, other: Arc<str>) -> Result<(), String> {
        // Nobody, yet or any more: it is looked for again.
        let Ok((reference, pid)) = ctx.monitor_named("echo", &other).await else { return Ok(()) };
        ctx.link(pid).await.map_err(|error| error.to_string())?;
        self.made += 1;
        self.watched.insert(other, (reference, pid));
        Ok(())
    }
}
