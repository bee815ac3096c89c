//! Linked pairs across the connection: one of each pair ends, and its exit ends the other.

use anyhow::Result;
use snow_dist_runtime::{Context, Node, Pid};

use super::talk::{answer, answered, ask, asked};
use super::{Server, linked, waiting};
use crate::case::PAIRS;
use crate::child::Values;
use crate::countdown::Countdown;
use crate::meter::{Stopwatch, resident_bytes};
use crate::pairs;

/// Answers, when it is asked, by how much memory its processes have grown, and again when all have ended.
pub(super) fn serve(node: &Node) -> Result<Pid> {
    let before = resident_bytes()?;
    let ended = Countdown::new(PAIRS);
    let all_ended = ended.clone();
    let first = node.spawn(async move |mut ctx| -> Result<()> {
        let (_, asker) = asked(&mut ctx).await?;
        answer(&ctx, asker, resident_bytes()?.saturating_sub(before)).await?;
        all_ended.zero().await;
        answer(&ctx, asker, 0).await
    })?;
    waiting::spawn(node, first, PAIRS, || Some(ended.one()))?;
    Ok(first)
}

pub(super) async fn drive(mut ctx: Context, server: Server) -> Result<Values> {
    let before = resident_bytes()?;
    let others: Result<Vec<Pid>> = (1..=PAIRS).map(|number| server.pid(&ctx.node(), number)).collect();
    let processes = linked::spawn(&ctx, &others?).await?;
    // A message comes behind all links.
    let first = server.pid(&ctx.node(), 0)?;
    ask(&mut ctx, first).await?;
    let server_grown = answered(&mut ctx).await?;
    tokio::time::sleep(pairs::SETTLE).await;
    let grown = resident_bytes()?.saturating_sub(before);
    let watch = Stopwatch::start();
    for process in processes {
        ctx.send(process, &[]).await?;
    }
    answered(&mut ctx).await?;
    Ok(pairs::values(&watch, grown, server_grown))
}
