//! The node that is attacked, alone in its process of the system.

use std::future::pending;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use snow_dist_runtime::{Allowed, Context, Node, Pid, Received, Stats};
use tokio::time::sleep;

use super::bounds::{
    FRAME_BYTES_MAX, LINKS_AND_MONITORS_MAX, MAILBOX_REMOTE_BYTES_MAX, REASSEMBLY_BYTES_MAX,
};
use super::fields::counts;
use super::part::{Orders, Victim};
use super::{COOKIE, MEMBER};
use crate::child::announce;
use crate::countdown::Countdown;
use crate::meter::{cpu_ns, resident};

/// Processes that take nothing.
pub(super) const HOARDERS: u64 = 16;

/// The name of the function that waits to be ended.
pub(super) const WAIT: &str = "wait";

/// The name of the process that has others send to the member without end.
pub(super) const POUR: &str = "pour";

/// The name of the process that has others link themselves with processes of the member, and end when much is on its way there.
pub(super) const END: &str = "end";

/// Processes that send to the member at once, and bytes of each message.
const POURING: usize = 64;
const POURED_BYTES: usize = 64 << 10;

/// Processes that end while the member reads nothing.
const CROWD: usize = 20_000;

/// So that as much waits for the member as may.
const UNTIL_FULL: Duration = Duration::from_millis(50);

/// Does as it is told: `look` is answered by how it stands.
pub(super) async fn run() -> Result<()> {
    let node = Node::builder("victim@127.0.0.1:0")
        .cookie(COOKIE)
        .frame_bytes_max(FRAME_BYTES_MAX)
        .reassembly_bytes_max(REASSEMBLY_BYTES_MAX)
        .mailbox_remote_bytes_max(MAILBOX_REMOTE_BYTES_MAX)
        .links_and_monitors_max(LINKS_AND_MONITORS_MAX)
        .peer_lists(Allowed::Everyone)
        .start()
        .await?;
    node.groups()?;
    node.register_function(WAIT, Allowed::Everyone, async |ctx, ()| wait(ctx).await)?;
    node.spawn(pourer)?;
    crowd(&node)?;
    let (echo, sink) = (node.spawn(answer)?, node.spawn(answer)?);
    let victim = Victim { name: node.name().to_owned(), echo: echo.local(), hoarder: hoarders(&node)? };
    ensure!(victim.sink() == sink.local(), "somebody else starts processes");
    victim.announce()?;
    let mut orders = Orders::new();
    while let Some(order) = orders.next().await? {
        ensure!(order == "look", "{order:?} is no order");
        announce(&look(&node.stats()))?;
    }
    Ok(())
}

/// Memory, processor time, and what the node has counted.
fn look(stats: &Stats) -> String {
    let connections = stats.connections.refused.rows().into_iter();
    let passed_over = stats.sessions.passed_over.rows().into_iter();
    let messages = [("dropped", stats.messages_dropped), ("to_nobody", stats.messages_to_nobody)];
    let told = counts(connections.chain(passed_over).chain(messages));
    let (resident, cpu) = (resident(), cpu_ns());
    format!("resident={resident} highest={} cpu={cpu} told={told}", highest().unwrap_or(resident))
}

/// The most memory that this process of the system has ever had in use, where the system says so.
fn highest() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}

/// Answers calls, and takes all else.
async fn answer(mut ctx: Context) -> Result<()> {
    ctx.trap_exit(true);
    loop {
        if let Received::Call(call) = ctx.recv().await {
            // Who has called may be gone.
            let _ = call.reply(&()).await;
        }
    }
}

async fn wait(mut ctx: Context) -> Result<()> {
    loop {
        ctx.recv().await;
    }
}

/// The first of the processes that take nothing; the others are numbered on from it.
fn hoarders(node: &Node) -> Result<u64> {
    let mut first = None;
    for number in 0..HOARDERS {
        let pid = node.spawn(async move |ctx: Context| {
            ctx.trap_exit(true);
            ctx.register(&format!("hoarder {number}"))?;
            pending::<Result<()>>().await
        })?;
        ensure!(
            pid.local() == *first.get_or_insert_with(|| pid.local()) + number,
            "somebody else starts processes"
        );
    }
    first.context("there is none")
}

/// Has others send to the member, when it is told to.
async fn pourer(mut ctx: Context) -> Result<()> {
    ctx.register(POUR)?;
    loop {
        ctx.recv().await;
        pour(&ctx)?;
    }
}

fn of_member(node: &Node, local: u64) -> Result<Pid> {
    node.pid_on(MEMBER, local).context("the member is gone")
}

fn pour(ctx: &Context) -> Result<()> {
    for _ in 0..POURING {
        let to = of_member(&ctx.node(), 1)?;
        ctx.spawn(async move |ctx: Context| -> Result<()> {
            loop {
                ctx.send(to, vec![7; POURED_BYTES]).await?;
                ensure!(
                    ctx.node().node_of(to).is_some_and(|name| ctx.node().nodes().contains(&name)),
                    "the end"
                );
            }
        })?;
    }
    Ok(())
}

/// Processes that wait: at the first message each links itself with another process of the member, at the second it ends. Behind
/// them one that has a name: told to, it has them do that, and much is sent to the member in between.
fn crowd(node: &Node) -> Result<()> {
    let linked = Countdown::new(CROWD);
    let mut pids = Vec::with_capacity(CROWD);
    for number in 0..CROWD as u64 {
        let counted = linked.one();
        pids.push(node.spawn(async move |mut ctx: Context| -> Result<()> {
            ctx.recv().await;
            ctx.link(of_member(&ctx.node(), 1 + number)?).await?;
            drop(counted);
            ctx.recv().await;
            bail!("it has ended")
        })?);
    }
    node.spawn(async move |mut ctx: Context| -> Result<()> {
        ctx.register(END)?;
        ctx.recv().await;
        for pid in &pids {
            ctx.send(*pid, &[]).await?;
        }
        linked.zero().await;
        pour(&ctx)?;
        sleep(UNTIL_FULL).await;
        for pid in pids {
            ctx.send(pid, &[]).await?;
        }
        Ok(())
    })?;
    Ok(())
}
