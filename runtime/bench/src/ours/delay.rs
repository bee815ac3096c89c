//! Processes end, one after the other, while long messages of another go out: how long their exit signals take.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use snow_dist_runtime::{Capabilities, Context, Node, Pid, Reason, Received};
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::talk::{answer, answered, ask, asked, message};
use super::{Server, builder, in_process};
use crate::case::{DELAY_ENDS, DELAY_MESSAGE_BYTES, DELAY_MESSAGES};
use crate::child::Values;
use crate::countdown::Countdown;
use crate::delay::{marks, now_ns};
use crate::meter::Stopwatch;

/// From one end to the next.
const PACE: Duration = Duration::from_millis(1);

/// So that all that was sent has come.
const SETTLE: Duration = Duration::from_millis(200);

/// Two processes: one takes the messages, the next one is linked to all that end.
pub(super) fn serve(node: &Node) -> Result<Pid> {
    let first = node.spawn(async |mut ctx| -> Result<()> {
        loop {
            let (_, asker) = asked(&mut ctx).await?;
            for _ in 0..DELAY_MESSAGES {
                ensure!(message(&mut ctx).await?.as_bytes().len() == DELAY_MESSAGE_BYTES);
            }
            answer(&ctx, asker, 0).await?;
        }
    })?;
    let second = node.spawn(async |mut ctx| -> Result<()> {
        ctx.trap_exit(true);
        loop {
            watch(&mut ctx).await?;
        }
    })?;
    ensure!(second.local() == first.local() + 1, "somebody else starts processes");
    Ok(first)
}

/// Each signal says when its process ended. Whoever asks is told what the delays so far came to.
async fn watch(ctx: &mut Context) -> Result<()> {
    let mut delays = Vec::new();
    loop {
        match ctx.recv().await {
            Received::Exit { reason: Reason::Error(ended), .. } => {
                delays.push(now_ns()?.saturating_sub(ended.parse()?));
            }
            Received::Message(asker) => {
                let asker = super::talk::asker(ctx, &asker)?;
                for mark in marks(std::mem::take(&mut delays))? {
                    answer(ctx, asker, mark).await?;
                }
                return Ok(());
            }
            _ => {}
        }
    }
}

/// First with a node that cannot send fragments, then with one that can.
pub(super) async fn drive(server: Server) -> Result<Values> {
    let mut values = Values::new();
    for (capabilities, names) in [
        (Capabilities::NONE, ["whole_p50_ms", "whole_p99_ms", "whole_max_ms", "whole_mb_per_s"]),
        (Capabilities::FRAGMENTS, ["pieces_p50_ms", "pieces_p99_ms", "pieces_max_ms", "pieces_mb_per_s"]),
    ] {
        let node = builder("sender").capabilities(capabilities).start().await?;
        node.connect(&server.name).await?;
        let server = server.clone();
        let measured = in_process(&node, move |ctx| measure(ctx, server)).await?;
        values.extend(names.into_iter().zip(measured));
    }
    Ok(values)
}

async fn measure(mut ctx: Context, server: Server) -> Result<[f64; 4]> {
    let (sink, watcher) = (server.pid(&ctx.node(), 0)?, server.pid(&ctx.node(), 1)?);
    let linked = Countdown::new(DELAY_ENDS);
    let mut waiting = Vec::with_capacity(DELAY_ENDS);
    for _ in 0..DELAY_ENDS {
        let counted = linked.one();
        waiting.push(ctx.spawn(async move |mut ctx| {
            if let Err(error) = ctx.link(watcher).await {
                return Reason::error(error.to_string());
            }
            drop(counted);
            ctx.recv().await;
            Reason::error(now_ns().unwrap_or_default().to_string())
        })?);
    }
    linked.zero().await;

    let (done, mut sent) = oneshot::channel();
    ctx.spawn(async move |ctx| {
        // Who waits is told by the channel's end if this fails.
        let _ = done.send(flood(ctx, sink).await);
    })?;
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mb_per_s = loop {
        tokio::select! {
            flooded = &mut sent => break flooded??,
            _ = ticks.tick() => {
                let Some(process) = waiting.pop() else { bail!("more ends were needed") };
                ctx.send(process, &[]).await?;
            }
        }
    };
    sleep(SETTLE).await;
    ask(&mut ctx, watcher).await?;
    let mut marks_ms = [0.0; 3];
    for mark in &mut marks_ms {
        *mark = answered(&mut ctx).await? as f64 / 1e6;
    }
    let [p50, p99, max] = marks_ms;
    Ok([p50, p99, max, mb_per_s])
}

/// Sends the messages, until the last has been taken; gives how many megabytes that was a second.
async fn flood(mut ctx: Context, sink: Pid) -> Result<f64> {
    let payload = vec![b'x'; DELAY_MESSAGE_BYTES];
    ask(&mut ctx, sink).await?;
    let watch = Stopwatch::start();
    for _ in 0..DELAY_MESSAGES {
        ctx.send(sink, payload.as_slice()).await.context("a long message")?;
    }
    answered(&mut ctx).await?;
    Ok((DELAY_MESSAGES * DELAY_MESSAGE_BYTES) as f64 / watch.wall().as_secs_f64() / 1e6)
}
