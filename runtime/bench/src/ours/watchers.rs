//! Processes that are told when the node they are tied to is gone.

use anyhow::{Result, ensure};
use snow_dist_runtime::{Context, Node, Pid, Reason, Received};

use super::talk::{answer, answered, ask, asked};
use super::{Server, in_process, waiting};
use crate::case::{CROWD, LOSSES, LOST_LINKS, PAIRS};
use crate::child::Values;
use crate::countdown::Countdown;
use crate::loss::{self, Loss};
use crate::meter::Stopwatch;
use crate::pairs;

/// Says once that all is as asked, and leaves whoever asks again.
pub(super) fn serve(node: &Node, count: usize) -> Result<Pid> {
    let first = node.spawn(async |mut ctx| -> Result<()> {
        loop {
            let (_, asker) = asked(&mut ctx).await?;
            answer(&ctx, asker, 0).await?;
            let (name, _) = asked(&mut ctx).await?;
            ensure!(ctx.node().disconnect(&name), "the driver has left");
        }
    })?;
    waiting::spawn(node, first, count, || None)?;
    Ok(first)
}

/// Ends the session, until the last monitor has told its process.
pub(super) async fn disconnect(mut ctx: Context, server: Server) -> Result<Values> {
    let (watching, told) = (Countdown::new(PAIRS), Countdown::new(PAIRS));
    for number in 1..=PAIRS {
        let other = server.pid(&ctx.node(), number)?;
        let (watches, counted) = (watching.one(), told.one());
        ctx.spawn(async move |mut ctx| {
            if let Err(error) = ctx.monitor(other).await {
                return Reason::error(error.to_string());
            }
            drop(watches);
            while !matches!(ctx.recv().await, Received::Down { .. }) {}
            drop(counted);
            Reason::Normal
        })?;
    }
    watching.zero().await;
    let first = server.pid(&ctx.node(), 0)?;
    ask(&mut ctx, first).await?;
    answered(&mut ctx).await?;
    tokio::time::sleep(pairs::SETTLE).await;
    let watch = Stopwatch::start();
    ensure!(ctx.node().disconnect(&server.name), "the server has left");
    told.zero().await;
    Ok(vec![("disconnect_ms", watch.wall().as_secs_f64() * 1e3)])
}

/// The server leaves, until the last link has ended its process; without and with a crowd that it does not concern.
pub(super) async fn loss(node: &Node, server: Server) -> Result<Values> {
    let alone = losses(node, &server, 0).await?;
    for _ in 0..CROWD {
        node.spawn(async |mut ctx| {
            ctx.recv().await;
        })?;
    }
    tokio::time::sleep(pairs::SETTLE).await;
    let crowded = losses(node, &server, LOSSES * LOST_LINKS).await?;
    Ok(loss::values(&alone, &crowded))
}

/// Each loss takes processes of the server's that no one was linked to before, from the one `behind` on.
async fn losses(node: &Node, server: &Server, behind: usize) -> Result<Vec<Loss>> {
    let mut losses = Vec::with_capacity(LOSSES);
    for number in 0..LOSSES {
        node.connect(&server.name).await?;
        let server = server.clone();
        losses.push(in_process(node, move |ctx| lose(ctx, server, behind + number * LOST_LINKS)).await?);
    }
    Ok(losses)
}

/// Links, and loses the node.
async fn lose(mut ctx: Context, server: Server, behind: usize) -> Result<Loss> {
    let (linked, told) = (Countdown::new(LOST_LINKS), Countdown::new(LOST_LINKS));
    for link in 1..=LOST_LINKS {
        let other = server.pid(&ctx.node(), behind + link)?;
        let (links, counted) = (linked.one(), told.one());
        ctx.spawn(async move |mut ctx| {
            let _counted = counted;
            if let Err(error) = ctx.link(other).await {
                return Reason::error(error.to_string());
            }
            drop(links);
            ctx.recv().await;
            Reason::Normal
        })?;
    }
    linked.zero().await;
    let first = server.pid(&ctx.node(), 0)?;
    ask(&mut ctx, first).await?;
    answered(&mut ctx).await?;
    tokio::time::sleep(loss::SETTLE).await;
    let watch = Stopwatch::start();
    ask(&mut ctx, first).await?;
    told.zero().await;
    Ok(watch.into())
}
