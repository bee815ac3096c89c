//! Ours: the same work, on nodes of the runtime.

mod delay;
mod idle;
mod oneway;
mod pairs;
mod pingpong;
mod talk;
mod waiting;
mod watchers;

use std::future::{Future, pending};

use anyhow::{Context as _, Result};
use snow_dist_runtime::{Context, Node, NodeBuilder, Pid, Timing};
use tokio::sync::oneshot;

use crate::case::{
    Case, IDLE_MESSAGES, LARGE_BYTES, LARGE_MESSAGES, LOSSES, LOST_LINKS, PAIRS, SMALL_BYTES, SMALL_MESSAGES,
};
use crate::child::{Values, announce};
use crate::{idle as rest, meter};

const COOKIE: &str = "a cookie for measurements on one machine";

/// A node that listens wherever there is room.
fn builder(name: &str) -> NodeBuilder {
    let timing = Timing { interval: rest::HEARTBEAT, timeout: Timing::default().timeout };
    Node::builder(format!("{name}@127.0.0.1:0")).cookie(COOKIE).heartbeat(timing)
}

async fn start(name: &str) -> Result<Node> {
    Ok(builder(name).start().await?)
}

/// Serves until it is killed.
pub(crate) async fn serve(case: Case) -> Result<()> {
    let node = start("server").await?;
    let first = match case {
        Case::Oneway64 => oneway::serve(&node, SMALL_MESSAGES, meter::cpu_ns)?,
        Case::Oneway16k => oneway::serve(&node, LARGE_MESSAGES, meter::cpu_ns)?,
        Case::PingpongOneCore | Case::PingpongTwoCores => pingpong::serve(&node)?,
        Case::Pairs => pairs::serve(&node)?,
        Case::Disconnect => watchers::serve(&node, PAIRS)?,
        Case::Loss => watchers::serve(&node, 2 * LOSSES * LOST_LINKS)?,
        Case::Delay => delay::serve(&node)?,
        Case::Idle => oneway::serve(&node, IDLE_MESSAGES, meter::resident)?,
    };
    announce(&format!("{} {}", node.name(), first.local()))?;
    pending().await
}

/// Measures against a server that has announced its name and its first process.
pub(crate) async fn drive(case: Case, announced: &str) -> Result<Values> {
    let (name, first) = announced.split_once(' ').context("the server announced something else")?;
    let server = Server { name: name.to_owned(), first: first.parse()? };
    let node = start("driver").await?;
    node.connect(name).await?;
    match case {
        Case::Oneway64 => {
            in_process(&node, move |ctx| oneway::drive(ctx, server, SMALL_BYTES, SMALL_MESSAGES)).await
        }
        Case::Oneway16k => {
            in_process(&node, move |ctx| oneway::drive(ctx, server, LARGE_BYTES, LARGE_MESSAGES)).await
        }
        Case::PingpongOneCore | Case::PingpongTwoCores => {
            in_process(&node, move |ctx| pingpong::drive(ctx, server)).await
        }
        Case::Pairs => in_process(&node, move |ctx| pairs::drive(ctx, server)).await,
        Case::Disconnect => in_process(&node, move |ctx| watchers::disconnect(ctx, server)).await,
        Case::Loss => watchers::loss(&node, server).await,
        Case::Delay => delay::drive(server).await,
        Case::Idle => idle::drive(&node, server).await,
    }
}

/// The server, as its driver knows it: a node whose processes are numbered on from the first.
#[derive(Clone, Debug)]
struct Server {
    name: String,
    first: u64,
}

impl Server {
    /// The process so many behind the first. There must be a session.
    fn pid(&self, node: &Node, behind: usize) -> Result<Pid> {
        node.pid_on(&self.name, self.first + behind as u64).context("there is no session with the server")
    }
}

/// Runs something in a process of its own, and gives what it comes to.
async fn in_process<T, Fut>(node: &Node, run: impl FnOnce(Context) -> Fut + Send + 'static) -> Result<T>
where
    T: Send + 'static,
    Fut: Future<Output = Result<T>> + Send + 'static,
{
    let (give, given) = oneshot::channel();
    node.spawn(move |ctx| {
        let done = run(ctx);
        async move {
            // Whoever waits for it waits below.
            let _ = give.send(done.await);
        }
    })?;
    given.await.context("the process has ended early")?
}
