//! Within one node: messages one way and to and fro, processes that start and wait.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use snow_dist_runtime::{Context, Node};
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::in_process;
use super::talk::message;
use crate::case::{LOCAL_BYTES, LOCAL_MESSAGES, LOCAL_PROCESSES, LOCAL_TRIPS, WARM_UP_TRIPS};
use crate::child::Values;
use crate::countdown::Countdown;
use crate::meter::resident_bytes;
use crate::oneway::Laps;
use crate::pairs;

const MESSAGE: [u8; LOCAL_BYTES] = [b'x'; LOCAL_BYTES];

fn node() -> Node {
    Node::alone(Handle::current())
}

pub(super) async fn oneway() -> Result<Values> {
    in_process(&node(), async |mut ctx: Context| -> Result<Values> {
        let sender = ctx.pid();
        let to = ctx.spawn(async move |mut ctx| -> Result<()> {
            loop {
                for _ in 0..LOCAL_MESSAGES {
                    black_box(message(&mut ctx).await?.as_bytes());
                }
                ctx.send(sender, &[]).await?;
            }
        })?;
        let mut laps = Laps::new(LOCAL_BYTES, LOCAL_MESSAGES);
        for _ in 0..Laps::COUNT {
            laps.start();
            for _ in 0..LOCAL_MESSAGES {
                ctx.send(to, &MESSAGE).await?;
            }
            message(&mut ctx).await?;
            laps.end(0);
        }
        Ok(laps.local_values())
    })
    .await
}

pub(super) async fn pingpong() -> Result<Values> {
    in_process(&node(), async |mut ctx: Context| -> Result<Values> {
        let ping = ctx.pid();
        let pong = ctx.spawn(async move |mut ctx| -> Result<()> {
            loop {
                let message = message(&mut ctx).await?;
                ctx.send(ping, message).await?;
            }
        })?;
        let mut begun = Instant::now();
        for trip in 0..WARM_UP_TRIPS + LOCAL_TRIPS {
            if trip == WARM_UP_TRIPS {
                begun = Instant::now();
            }
            ctx.send(pong, &MESSAGE).await?;
            message(&mut ctx).await?;
        }
        Ok(vec![("mean_us", begun.elapsed().as_secs_f64() * 1e6 / LOCAL_TRIPS as f64)])
    })
    .await
}

pub(super) async fn spawn() -> Result<Values> {
    let begun = Instant::now();
    start(&node()).await?;
    Ok(vec![("spawn_ns", begun.elapsed().as_secs_f64() * 1e9 / LOCAL_PROCESSES as f64)])
}

pub(super) async fn idle() -> Result<Values> {
    let (node, before) = (node(), resident_bytes()?);
    start(&node).await?;
    sleep(pairs::SETTLE).await;
    let grown = resident_bytes()?.saturating_sub(before);
    Ok(vec![("process_bytes", grown as f64 / LOCAL_PROCESSES as f64)])
}

/// Starts the processes, which wait, until the last one has begun.
async fn start(node: &Node) -> Result<()> {
    let begun = Countdown::new(LOCAL_PROCESSES);
    for _ in 0..LOCAL_PROCESSES {
        let counted = begun.one();
        node.spawn(async move |mut ctx: Context| {
            drop(counted);
            ctx.recv().await;
        })?;
    }
    begun.zero().await;
    Ok(())
}
