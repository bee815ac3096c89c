//! Honest nodes that work through the node which is attacked: calls to one of its processes, exits that go through it from one
//! node to another, and a node that comes new.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use snow_dist_runtime::{Context, Node, Pid, Reason, Received};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::COOKIE;
use super::part::{Orders, Victim};
use super::victim::WAIT;
use crate::child::announce;
use crate::delay::marks;
use crate::ours::in_process;

/// What has not come by then does not come.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked whether the new node has come in.
const LOOK_EVERY: Duration = Duration::from_millis(1);

async fn start(name: &str) -> Result<Node> {
    Ok(Node::builder(format!("{name}@127.0.0.1:0")).cookie(COOKIE).start().await?)
}

/// The two nodes that have sessions from the beginning.
#[derive(Clone)]
struct Honest {
    victim: Victim,
    first: Node,
    second: Node,
}

/// Measures for so many seconds each time that it is told a number. Told to `check`, it fails if a session was lost.
pub(super) async fn run(victim: Victim) -> Result<()> {
    let (first, second) = (start("first").await?, start("second").await?);
    for node in [&first, &second] {
        node.connect(&victim.name).await?;
    }
    let honest = Honest { victim, first, second };
    announce("ready=1")?;
    let mut orders = Orders::new();
    let mut number = 0;
    while let Some(order) = orders.next().await? {
        if order == "check" {
            announce(&format!("lost={}", honest.lost_sessions()))?;
            continue;
        }
        number += 1;
        announce(&honest.measure(Duration::from_secs_f64(order.parse()?), number).await?)?;
    }
    Ok(())
}

impl Honest {
    /// Sessions of the two that are not those of the beginning.
    fn lost_sessions(&self) -> usize {
        let is_first = |node: &Node| node.nodes().len() == 1 && node.stats().sessions.begun == 1;
        [&self.first, &self.second].into_iter().filter(|node| !is_first(node)).count()
    }

    async fn measure(&self, time: Duration, number: usize) -> Result<String> {
        let until = Instant::now() + time;
        let (calls, signals, joined) = (self.clone(), self.clone(), self.clone());
        let calls = in_process(&self.first, async move |ctx| calls.call(&ctx, until).await);
        let signals = in_process(&self.second, async move |ctx| signals.end(ctx, until).await);
        let (calls, signals, joined) = tokio::join!(calls, signals, joined.join(number));
        let ((calls, unanswered), (signals, lost)) = (calls?, signals?);
        let lost = unanswered + lost;
        let [trip, trip_99, _] = marks(calls.clone())?;
        let [signal, signal_99, _] = marks(signals.clone())?;
        Ok(format!(
            "trips={} trip={trip} trip_99={trip_99} signals={} signal={signal} signal_99={signal_99} lost={lost} joined={}",
            calls.len() as f64 / time.as_secs_f64(),
            signals.len(),
            joined?,
        ))
    }

    /// Calls one after the other, and returns the times in nanoseconds, and how many calls have failed.
    async fn call(&self, ctx: &Context, until: Instant) -> Result<(Vec<u64>, u64)> {
        let echo = self.first.pid_on(&self.victim.name, self.victim.echo).context("the session is lost")?;
        let mut times = Vec::new();
        while Instant::now() < until {
            let begun = Instant::now();
            if ctx.call::<()>(echo, &(), PATIENCE).await.is_err() {
                return Ok((times, 1));
            }
            times.push(nanos(begun));
        }
        Ok((times, 0))
    }

    /// Processes end one after the other: each on the first node, and a process of the victim's that it has linked itself with is
    /// ended by that. Returns from the second node how long it takes until that is told by exit signal and by DOWN, and how many of
    /// these have not come.
    async fn end(&self, mut ctx: Context, until: Instant) -> Result<(Vec<u64>, u64)> {
        ctx.trap_exit(true);
        let (mut times, mut lost) = (Vec::new(), 0);
        while Instant::now() < until {
            let between = ctx.spawn_link_on(&self.victim.name, WAIT, &()).await?;
            ctx.monitor(between).await?;
            let ended = self.ended(between)?;
            for _ in 0..2 {
                match ctx.recv_timeout(PATIENCE).await {
                    Some(Received::Exit { from, .. } | Received::Down { from, .. }) if from == between => {}
                    Some(other) => bail!("{other:?}"),
                    None => lost += 1,
                }
            }
            times.push(nanos(ended.await?));
        }
        Ok((times, lost))
    }

    /// A process of the first node that is linked with this one, and ends: when it does.
    fn ended(&self, between: Pid) -> Result<oneshot::Receiver<Instant>> {
        let (ends, ended) = oneshot::channel();
        let between = self.first.pid_on(&self.victim.name, between.local()).context("the session is lost")?;
        self.first.spawn(async move |ctx: Context| {
            if let Err(error) = ctx.link(between).await {
                return Reason::error(error.to_string());
            }
            // Whoever waits for it waits for the signals first.
            let _ = ends.send(Instant::now());
            Reason::error("it has ended")
        })?;
        Ok(ended)
    }

    /// A new node comes, and tries again as a node does that is to be kept connected: how many milliseconds that takes.
    async fn join(&self, number: usize) -> Result<f64> {
        let node = start(&format!("new{number}")).await?;
        let begun = Instant::now();
        node.keep(&self.victim.name)?;
        let joined = timeout(PATIENCE, async {
            while node.nodes().is_empty() {
                sleep(LOOK_EVERY).await;
            }
        });
        joined.await.context("a new node is kept out")?;
        let taken = begun.elapsed().as_secs_f64() * 1e3;
        node.shutdown().await;
        Ok(taken)
    }
}

fn nanos(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
