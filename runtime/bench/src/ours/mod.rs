//! Ours: the same work, on nodes of the runtime.

mod call;
mod calls;
mod delay;
mod fan_in;
mod idle;
mod idle_sessions;
mod linked;
mod local;
mod oneway;
mod pairs;
mod pingpong;
mod sessions;
mod storm;
mod tail;
mod talk;
mod waiting;
mod watchers;

use std::future::{Future, pending};

use anyhow::{Context as _, Result, bail};
use snow_dist_runtime::core::limits::HANDSHAKES_BOUND_MAX;
use snow_dist_runtime::{Context, Node, NodeBuilder, Pid, Timing};
use tokio::sync::oneshot;

use crate::case::{
    Case, IDLE_MESSAGES, Job, LARGE_BYTES, LARGE_MESSAGES, LOSSES, LOST_LINKS, PAIRS, SMALL_BYTES,
    SMALL_MESSAGES,
};
use crate::child::{Values, announce};
use crate::meter::{cpu_ns, resident};
use crate::{idle as rest, mesh, selective};

pub(crate) const COOKIE: &str = "a cookie for measurements on one machine";

/// Sessions that a server accepts.
const SESSIONS_MAX: usize = 16_384;

/// A node that listens wherever there is room.
fn builder(name: &str) -> NodeBuilder {
    let timing = Timing { interval: rest::HEARTBEAT, timeout: Timing::default().timeout };
    Node::builder(format!("{name}@127.0.0.1:0")).cookie(COOKIE).heartbeat(timing)
}

async fn start(name: &str) -> Result<Node> {
    Ok(builder(name).start().await?)
}

/// A node that accepts as many sessions as may come, from one address and at once.
async fn start_server() -> Result<Node> {
    let builder = builder("server")
        .sessions_max(SESSIONS_MAX)
        .sessions_per_address_max(SESSIONS_MAX)
        .handshakes_max(HANDSHAKES_BOUND_MAX)
        .handshakes_per_address_max(HANDSHAKES_BOUND_MAX);
    Ok(builder.start().await?)
}

/// Measures what needs no server.
pub(crate) async fn alone(job: Job) -> Result<Values> {
    match job.case {
        Case::LocalOneway => local::oneway().await,
        Case::LocalPingpong => local::pingpong().await,
        Case::LocalSpawn => local::spawn().await,
        Case::LocalIdle => local::idle().await,
        Case::Mesh => mesh::values(job.size).await,
        Case::Selective => selective::values(job.size).await,
        _ => bail!("{:?} needs a server", job.case),
    }
}

/// Serves until it is killed.
pub(crate) async fn serve(job: Job) -> Result<()> {
    let node = start_server().await?;
    let first = match job.case {
        Case::Oneway64 => oneway::serve(&node, SMALL_MESSAGES, cpu_ns)?,
        Case::Oneway16k => oneway::serve(&node, LARGE_MESSAGES, cpu_ns)?,
        Case::PingpongOneCore | Case::PingpongTwoCores => pingpong::serve(&node)?,
        Case::Call | Case::Calls => call::serve(&node)?,
        Case::Pairs => pairs::serve(&node)?,
        Case::Disconnect => watchers::serve(&node, PAIRS)?,
        Case::Loss => watchers::serve(&node, 2 * LOSSES * LOST_LINKS)?,
        Case::Delay => delay::serve(&node)?,
        Case::Idle => oneway::serve(&node, IDLE_MESSAGES, resident)?,
        Case::Cores | Case::Sessions => sessions::serve(&node, job)?,
        Case::FanIn => fan_in::serve(&node, job.size)?,
        Case::Storm => oneway::serve(&node, 0, cpu_ns)?,
        Case::IdleSessions => idle_sessions::serve(&node)?,
        Case::Tail => tail::serve(&node, job)?,
        _ => bail!("{:?} needs no server", job.case),
    };
    announce(&format!("{} {}", node.name(), first.local()))?;
    pending().await
}

/// Measures against a server that has announced its name and its first process.
pub(crate) async fn drive(job: Job, announced: &str) -> Result<Values> {
    let (name, first) = announced.split_once(' ').context("the server announced something else")?;
    let server = Server { name: name.to_owned(), first: first.parse()? };
    let node = start("driver").await?;
    node.connect(name).await?;
    match job.case {
        Case::Oneway64 => {
            in_process(&node, move |ctx| oneway::drive(ctx, server, SMALL_BYTES, SMALL_MESSAGES)).await
        }
        Case::Oneway16k => {
            in_process(&node, move |ctx| oneway::drive(ctx, server, LARGE_BYTES, LARGE_MESSAGES)).await
        }
        Case::PingpongOneCore | Case::PingpongTwoCores => {
            in_process(&node, move |ctx| pingpong::drive(ctx, server)).await
        }
        Case::Call => in_process(&node, move |ctx| call::drive(ctx, server)).await,
        Case::Pairs => in_process(&node, move |ctx| pairs::drive(ctx, server)).await,
        Case::Disconnect => in_process(&node, move |ctx| watchers::disconnect(ctx, server)).await,
        Case::Loss => watchers::loss(&node, server).await,
        Case::Delay => delay::drive(server).await,
        Case::Idle => idle::drive(&node, server).await,
        Case::Cores | Case::Sessions => sessions::drive(&node, server, job).await,
        Case::FanIn => in_process(&node, move |ctx| fan_in::drive(ctx, server, job.size)).await,
        Case::Storm => storm::drive(&node, server, job.size).await,
        Case::IdleSessions => idle_sessions::drive(&node, server, job.size).await,
        Case::Tail => in_process(&node, move |ctx| tail::drive(ctx, server, job)).await,
        Case::Calls => calls::drive(&node, server, job.size).await,
        _ => bail!("{:?} needs no server", job.case),
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
pub(crate) async fn in_process<T, Fut>(
    node: &Node,
    run: impl FnOnce(Context) -> Fut + Send + 'static,
) -> Result<T>
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
