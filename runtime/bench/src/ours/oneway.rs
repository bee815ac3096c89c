//! Messages one way: each reaches the mailbox of a process, which receives it.

use std::hint::black_box;

use anyhow::Result;
use snow_dist_runtime::{Context, Node, Pid};

use super::talk::{answer, answered, ask, asked, message};
use super::{Server, in_process};
use crate::child::Values;
use crate::oneway::Laps;

/// Receives `count` messages of whoever asks, then answers with a number, time and again.
pub(super) fn serve(node: &Node, count: usize, number: fn() -> u64) -> Result<Pid> {
    let pid = node.spawn(async move |mut ctx| -> Result<()> {
        loop {
            let (_, asker) = asked(&mut ctx).await?;
            for _ in 0..count {
                black_box(message(&mut ctx).await?.as_bytes());
            }
            answer(&ctx, asker, number()).await?;
        }
    })?;
    Ok(pid)
}

pub(super) async fn drive(mut ctx: Context, server: Server, bytes: usize, count: usize) -> Result<Values> {
    let to = server.pid(&ctx.node(), 0)?;
    let mut laps = Laps::new(bytes, count);
    for _ in 0..Laps::COUNT {
        laps.start();
        let server_cpu_ns = lap(&mut ctx, to, bytes, count).await?;
        laps.end(server_cpu_ns);
    }
    Ok(laps.values())
}

/// Sends `count` messages and waits for the answer.
pub(super) async fn lap(ctx: &mut Context, to: Pid, bytes: usize, count: usize) -> Result<u64> {
    let payload = vec![b'x'; bytes];
    ask(ctx, to).await?;
    for _ in 0..count {
        ctx.send(to, payload.as_slice()).await?;
    }
    answered(ctx).await
}

/// Asks the server's process so many behind the first for its number, without a message before it.
pub(super) async fn asked_for(node: &Node, server: &Server, behind: usize) -> Result<u64> {
    let to = server.pid(node, behind)?;
    in_process(node, move |mut ctx| async move { lap(&mut ctx, to, 0, 0).await }).await
}
