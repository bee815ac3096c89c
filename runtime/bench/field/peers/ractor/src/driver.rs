//! The measurements between two nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use field_common::{Case, Job, LARGE_BYTES, Laps, SMALL_BYTES, Stopwatch, TAIL_BYTES, Trips, Values};
use ractor::rpc::CallResult;
use ractor::{Actor, ActorRef, RpcReplyPort, pg};
use tokio::sync::oneshot;
use tokio::task::yield_now;

use crate::actors::{Ping, PingMessage, ServedMessage};
use crate::node::{DRIVERS, connect, servers};
use crate::{job_actors, watchers};

const SMALL_MESSAGES: usize = 500_000;
const LARGE_MESSAGES: usize = 30_000;
/// Calls that are measured, of all callers together.
const CALLS: usize = 20_000;
/// A `cast` waits for nothing: the sender lets others run after so many, so that they leave.
const CASTS: usize = 256;
/// Bytes of long messages that may be under way at once: as many as in a session of ours. Nothing else would hold their sender.
const FLOW_BYTES: usize = 8 << 20;
/// The longest time that a call may take.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(60));

type Server = ActorRef<ServedMessage>;

/// Measures against the server that has announced itself.
pub(crate) async fn drive(job: Job, announced: &str) -> Result<Values> {
    let node = connect(announced).await?;
    let servers = servers(job_actors(&job)).await?;
    let server = servers.first().cloned().context("a server without actors")?;
    match job.case {
        Case::Oneway64 => oneway(server, SMALL_BYTES, SMALL_MESSAGES).await,
        Case::Oneway16k => oneway(server, LARGE_BYTES, LARGE_MESSAGES).await,
        Case::PingpongOneCore | Case::PingpongTwoCores => pingpong(server).await,
        Case::Call => call_one(server).await,
        Case::Calls => calls(server, job.size).await,
        Case::Cores => cores(servers).await,
        Case::Disconnect => watchers::disconnect(node, servers).await,
        Case::Tail => tail(server, job.size).await,
        _ => bail!("this case has no driver"),
    }
}

async fn oneway(server: Server, bytes: usize, count: usize) -> Result<Values> {
    let mut laps = Laps::new(bytes, count);
    for _ in 0..Laps::COUNT {
        laps.start();
        let cpu_ns = lap(&server, bytes, count).await?;
        laps.end(cpu_ns);
    }
    Ok(laps.values())
}

/// Sends messages; returns the processor time of the server when it has taken them all.
async fn lap(server: &Server, bytes: usize, count: usize) -> Result<u64> {
    send(server, bytes, count).await?;
    taken(server, count).await
}

async fn send(server: &Server, bytes: usize, count: usize) -> Result<()> {
    for number in 1..=count {
        server.cast(ServedMessage::Take(vec![b'x'; bytes]))?;
        if number % CASTS == 0 {
            yield_now().await;
        }
    }
    Ok(())
}

/// Waits until so many messages have been taken. The call goes the way of the messages, behind them.
async fn taken(server: &Server, count: usize) -> Result<u64> {
    let answer = call(server, ServedMessage::Taken).await?;
    let [taken, cpu_ns] = answer.as_slice() else { bail!("the server answers something else") };
    ensure!(*taken == count as u64, "{taken} messages of {count} have come");
    Ok(*cpu_ns)
}

async fn call<T: Send + 'static>(
    server: &Server,
    request: impl FnOnce(RpcReplyPort<T>) -> ServedMessage,
) -> Result<T> {
    match server.call(request, PATIENCE).await? {
        CallResult::Success(reply) => Ok(reply),
        CallResult::Timeout => bail!("no reply in time"),
        CallResult::SenderError => bail!("the actor does not reply"),
    }
}

async fn echo(server: &Server) -> Result<()> {
    let reply = call(server, |reply| ServedMessage::Echo(vec![b'x'; SMALL_BYTES], reply)).await?;
    ensure!(reply.len() == SMALL_BYTES, "another reply");
    Ok(())
}

async fn call_one(server: Server) -> Result<Values> {
    let mut trips = Trips::new();
    while trips.goes_on() {
        trips.begin();
        echo(&server).await?;
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
            let server = server.clone();
            tokio::spawn(async move {
                for _ in 0..each {
                    echo(&server).await?;
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
    let each = SMALL_MESSAGES / servers.len();
    let mut laps = Laps::new(SMALL_BYTES, each * servers.len());
    for _ in 0..Laps::COUNT {
        laps.start();
        let senders: Vec<_> = servers
            .iter()
            .cloned()
            .map(|server| tokio::spawn(async move { lap(&server, SMALL_BYTES, each).await }))
            .collect();
        for sender in senders {
            sender.await??;
        }
        laps.end(0);
    }
    Ok(laps.rate())
}

async fn pingpong(server: Server) -> Result<Values> {
    let (_, done) = ping(server, Trips::goes_on).await?;
    Ok(done.await?.values())
}

/// Starts the driver's actor; returns what tells that it is warm, and what gives its trips.
async fn ping(
    to: Server,
    goes_on: impl Fn(&Trips) -> bool + Send + Sync + 'static,
) -> Result<(oneshot::Receiver<()>, oneshot::Receiver<Trips>)> {
    let ((warm, is_warm), (done, trips)) = (oneshot::channel(), oneshot::channel());
    let ping = Ping { to: to.clone(), goes_on: Box::new(goes_on) };
    let (actor, _) = Actor::spawn(None, ping, (warm, done)).await?;
    pg::join(DRIVERS.to_owned(), vec![actor.get_cell()]);
    // The other node is told of the actor before it gets this request.
    echo(&to).await?;
    actor.cast(PingMessage::Begin)?;
    Ok((is_warm, trips))
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
    let (warm, done) = ping(server.clone(), move |_| still.load(Ordering::Relaxed)).await?;
    warm.await?;
    let begun = Instant::now();
    let flowed = flow(&server, bytes, count).await;
    flows.store(false, Ordering::Relaxed);
    flowed?;
    let seconds = begun.elapsed().as_secs_f64();
    let mut values = done.await?.values();
    values.push(("mb_per_s", (bytes * count) as f64 / seconds / 1e6));
    Ok(values)
}

/// Sends long messages in groups, of which two are under way at once.
async fn flow(server: &Server, bytes: usize, count: usize) -> Result<()> {
    let group = (FLOW_BYTES / 2 / bytes).max(1);
    let (mut left, mut under_way) = (count, None);
    while left > 0 {
        let some = left.min(group);
        send(server, bytes, some).await?;
        left -= some;
        // A `call` that is made now and awaited later.
        let (reply, taken) = oneshot::channel();
        server.cast(ServedMessage::Taken(reply.into()))?;
        if let Some(before) = under_way.replace(taken) {
            before.await?;
        }
    }
    if let Some(last) = under_way {
        last.await?;
    }
    Ok(())
}
