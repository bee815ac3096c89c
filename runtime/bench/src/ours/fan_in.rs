//! Processes that are all linked to one of the other side, which traps exits, and end one by one.

use anyhow::{Result, ensure};
use snow_dist_runtime::{Context, Node, Pid, Received};

use super::talk::{answer, answered, ask, asked};
use super::{Server, linked};
use crate::child::Values;
use crate::meter::{Stopwatch, cpu_ns};
use crate::pairs;

/// Answers when it is asked, and when it has been told of so many ends: with the processor time that it has used.
pub(super) fn serve(node: &Node, count: usize) -> Result<Pid> {
    let pid = node.spawn(async move |mut ctx| -> Result<()> {
        ctx.trap_exit(true);
        let (_, asker) = asked(&mut ctx).await?;
        answer(&ctx, asker, cpu_ns()).await?;
        for _ in 0..count {
            ensure!(matches!(ctx.recv().await, Received::Exit { .. }), "an exit signal was awaited");
        }
        answer(&ctx, asker, cpu_ns()).await
    })?;
    Ok(pid)
}

pub(super) async fn drive(mut ctx: Context, server: Server, count: usize) -> Result<Values> {
    let first = server.pid(&ctx.node(), 0)?;
    let processes = linked::spawn(&ctx, &vec![first; count]).await?;
    tokio::time::sleep(pairs::SETTLE).await;
    ask(&mut ctx, first).await?;
    let before = answered(&mut ctx).await?;
    let watch = Stopwatch::start();
    for process in processes {
        ctx.send(process, &[]).await?;
    }
    let after = answered(&mut ctx).await?;
    let each = |nanos: f64| nanos / count as f64;
    Ok(vec![
        ("exits_per_s", count as f64 / watch.wall().as_secs_f64()),
        ("driver_cpu_ns", each(watch.cpu().as_secs_f64() * 1e9)),
        ("server_cpu_ns", each(after.saturating_sub(before) as f64)),
    ])
}
