//! The measurements between two nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use field_common::{Case, Job, LARGE_BYTES, Laps, SMALL_BYTES, Stopwatch, TAIL_BYTES, Trips, Values};
use futures::{StreamExt, TryStreamExt, stream};
use kameo::prelude::*;
use tokio::sync::oneshot;

use crate::actors::{Begin, Echo, Ping, Served, Take, Taken};
use crate::links;
use crate::node::connect;

const SMALL_MESSAGES: usize = 20_000;
const LARGE_MESSAGES: usize = 5_000;
/// Calls that are measured, of all callers together.
const CALLS: usize = 10_000;
/// Messages that are under way at once. A `tell` without acknowledgment waits for nothing, and what is beyond the streams of a
/// connection is lost.
const WINDOW: usize = 64;
/// Bytes of long messages that may be under way at once: as many as in a session of ours.
const FLOW_BYTES: usize = 8 << 20;

type Server = RemoteActorRef<Served>;

/// Measures against the server that has announced itself.
pub(crate) async fn drive(job: Job, announced: &str) -> Result<Values> {
    let servers = connect(announced, job.pairs).await?;
    let server = servers.first().cloned().context("a server without actors")?;
    match job.case {
        Case::Oneway64 => oneway(server, SMALL_BYTES, SMALL_MESSAGES).await,
        Case::Oneway16k => oneway(server, LARGE_BYTES, LARGE_MESSAGES).await,
        Case::PingpongOneCore | Case::PingpongTwoCores => pingpong(server).await,
        Case::Call => call(server).await,
        Case::Calls => calls(server, job.size).await,
        Case::Cores => cores(servers).await,
        Case::Tail => tail(server, job.size).await,
        Case::Pairs => links::pairs(server).await,
        Case::Disconnect => links::disconnect_all(server).await,
        Case::FanIn => links::fan_in(server, job.size).await,
        _ => bail!("this case has no driver"),
    }
}

async fn oneway(server: Server, bytes: usize, count: usize) -> Result<Values> {
    let mut laps = Laps::new(bytes, count);
    for _ in 0..Laps::COUNT {
        laps.start();
        let cpu_ns = lap(server.clone(), bytes, count, WINDOW).await?;
        laps.end(cpu_ns);
    }
    Ok(laps.values())
}

/// Sends messages, of which so many are under way at once; returns the processor time of the server when it has taken all.
async fn lap(server: Server, bytes: usize, count: usize, window: usize) -> Result<u64> {
    let message = Arc::new(Take(vec![b'x'; bytes]));
    stream::iter(0..count)
        .map(|_| {
            let (server, message) = (server.clone(), Arc::clone(&message));
            async move { server.tell(&*message).send_ack().await }
        })
        .buffer_unordered(window)
        .try_collect::<()>()
        .await?;
    let (taken, cpu_ns) = server.ask(&Taken).await?;
    ensure!(taken == count as u64, "{taken} messages of {count} have come");
    Ok(cpu_ns)
}

async fn echo(server: &Server, request: &Echo) -> Result<()> {
    let reply = server.ask(request).await?;
    ensure!(reply.len() == SMALL_BYTES, "another reply");
    Ok(())
}

fn request() -> Echo {
    Echo(vec![b'x'; SMALL_BYTES])
}

async fn call(server: Server) -> Result<Values> {
    let (mut trips, request) = (Trips::new(), request());
    while trips.goes_on() {
        trips.begin();
        echo(&server, &request).await?;
        trips.end();
    }
    Ok(trips.values())
}

async fn calls(server: Server, at_once: usize) -> Result<Values> {
    // The first time warms up.
    calls_per_s(&server, at_once).await?;
    Ok(vec![("calls_per_s", calls_per_s(&server, at_once).await?)])
}

async fn calls_per_s(server: &Server, at_once: usize) -> Result<f64> {
    let each = CALLS / at_once;
    let watch = Stopwatch::start();
    let callers: Vec<_> = (0..at_once)
        .map(|_| {
            let (server, request) = (server.clone(), request());
            tokio::spawn(async move {
                for _ in 0..each {
                    echo(&server, &request).await?;
                }
                Ok::<_, anyhow::Error>(())
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    Ok(watch.a_second(each * at_once))
}

/// Small messages to all servers at once.
async fn cores(servers: Vec<Server>) -> Result<Values> {
    let (each, window) = (SMALL_MESSAGES / servers.len(), (WINDOW / servers.len()).max(1));
    let mut laps = Laps::new(SMALL_BYTES, each * servers.len());
    for _ in 0..Laps::COUNT {
        laps.start();
        let senders: Vec<_> = servers
            .iter()
            .cloned()
            .map(|server| tokio::spawn(lap(server, SMALL_BYTES, each, window)))
            .collect();
        for sender in senders {
            sender.await??;
        }
        laps.end(0);
    }
    Ok(laps.rate())
}

async fn pingpong(server: Server) -> Result<Values> {
    let (_actor, _, done) = ping(server, Trips::goes_on).await?;
    Ok(done.await?.values())
}

/// Starts the driver's actor; returns it, what tells that it is warm, and what gives its trips. The actor ends with the last
/// reference to it in this process.
async fn ping(
    to: Server,
    goes_on: impl Fn(&Trips) -> bool + Send + Sync + 'static,
) -> Result<(ActorRef<Ping>, oneshot::Receiver<()>, oneshot::Receiver<Trips>)> {
    let ((warm, is_warm), (done, trips)) = (oneshot::channel(), oneshot::channel());
    let actor = Ping::spawn(Ping::new(to, goes_on, (warm, done)));
    actor.tell(Begin).await?;
    Ok((actor, is_warm, trips))
}

/// Round trips while long messages go out.
async fn tail(server: Server, bytes: usize) -> Result<Values> {
    let Some(count) = TAIL_BYTES.checked_div(bytes) else {
        let mut values = pingpong(server).await?;
        values.push(("mb_per_s", 0.0));
        return Ok(values);
    };
    let flows = Arc::new(AtomicBool::new(true));
    let still = Arc::clone(&flows);
    let (_actor, warm, done) = ping(server.clone(), move |_| still.load(Ordering::Relaxed)).await?;
    warm.await?;
    let begun = Instant::now();
    let flowed = lap(server, bytes, count, (FLOW_BYTES / bytes).clamp(1, WINDOW)).await;
    flows.store(false, Ordering::Relaxed);
    flowed?;
    let seconds = begun.elapsed().as_secs_f64();
    let mut values = done.await?.values();
    values.push(("mb_per_s", (bytes * count) as f64 / seconds / 1e6));
    Ok(values)
}
