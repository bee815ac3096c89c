//! Node `b`: the second process of the demonstration.
//!
//! Standard input brings its orders, one line, and its end: when that closes, because the first process says so or
//! is no more, the node stops. Standard output takes what its processes see. The cookie comes the same way, so it
//! stands in no file, argument or environment.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};
use snow_dist_codec::stf;
use snow_dist_runtime::{Context, Node, Reason, Received, SendError};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::{End, Sight, Start, Started};

/// The name that node `a`'s script is registered under.
pub(super) const MAIN: &str = "main";

/// The name of the process here that starts others.
pub(super) const DESK: &str = "desk";

/// What node `b` is told.
#[derive(Serialize, Deserialize)]
pub(super) struct Orders {
    pub(super) name: String,
    pub(super) cookie: String,
    /// The name of node `a`.
    pub(super) other: String,
}

/// A line of standard output.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    Started { node: String, process: u32 },
    Sight(Sight),
}

/// Runs node `b` until standard input closes.
pub(crate) fn run() -> io::Result<bool> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let orders: Orders = serde_json::from_str(&line)
        .map_err(|_| io::Error::other("this command is for `snow-dist demo` alone"))?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(orders))?;
    Ok(true)
}

async fn serve(orders: Orders) -> io::Result<()> {
    let node = Node::builder(orders.name).cookie(orders.cookie).start().await.map_err(io::Error::other)?;
    node.spawn(async move |ctx| desk(ctx, &orders.other).await).map_err(io::Error::other)?;
    input_closed().await;
    node.shutdown().await;
    Ok(())
}

/// A thread of its own waits: whoever reads standard input cannot be told to stop.
async fn input_closed() {
    let (tell, closed) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = tell.send(());
    });
    let _ = closed.await;
}

fn report(report: &Report) {
    let mut out = io::stdout().lock();
    // If the first process is gone, standard input closes too.
    let _ = serde_json::to_writer(&mut out, report).map_err(io::Error::from).and_then(|()| writeln!(out));
}

fn sees(who: &str, received: &Received) {
    report(&Report::Sight(Sight::received(who, received)));
}

/// Starts workers, and greets.
async fn desk(mut ctx: Context, other: &str) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    ctx.register(DESK).map_err(|error| failed(&error))?;
    ctx.monitor_node(other).map_err(|error| failed(&error))?;
    report(&Report::Started { node: ctx.node().name().into(), process: std::process::id() });
    loop {
        let received = ctx.recv().await;
        sees(DESK, &received);
        let Received::Message(message) = received else { continue };
        let answer = match message.term::<Start>() {
            Ok(Start { role, traps }) => {
                let (named, other) = (role.clone(), other.to_owned());
                let pid = ctx.spawn(async move |ctx| worker(ctx, &named, traps, &other).await);
                let process = pid.map_err(|error| failed(&error))?.local();
                stf::to_vec(&Started { role, process }).map_err(|error| failed(&error))?
            }
            Err(_) => b"hello yourself".to_vec(),
        };
        ctx.send_named(MAIN, other, answer).await.map_err(|error| failed(&error))?;
    }
}

/// Ends as it is told. If it traps exits, it says that it has outlived one.
async fn worker(mut ctx: Context, role: &str, traps: bool, other: &str) -> Result<Reason, SendError> {
    ctx.trap_exit(traps);
    loop {
        let received = ctx.recv().await;
        sees(role, &received);
        match received {
            Received::Message(message) => {
                if let Ok(End { error }) = message.term() {
                    return Ok(Reason::error(error));
                }
            }
            Received::Exit { .. } => ctx.send_named(MAIN, other, "still here").await?,
            _ => {}
        }
    }
}
