//! Round trips while long messages go out in the same session.

use anyhow::{Result, bail, ensure};
use snow_dist_runtime::{Context, Node, Pid};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::talk::{ask, message};
use super::{Server, oneway, pingpong};
use crate::case::{Job, SMALL_BYTES};
use crate::child::Values;
use crate::meter::{Stopwatch, cpu_ns};
use crate::pingpong::Trips;
use crate::tail::{self, Flood};

/// Two processes: one takes the long messages, the next one sends back what it receives.
pub(super) fn serve(node: &Node, job: Job) -> Result<Pid> {
    let first = oneway::serve(node, Flood::new(job).count, cpu_ns)?;
    let second = pingpong::serve(node)?;
    ensure!(second.local() == first.local() + 1, "somebody else starts processes");
    Ok(first)
}

pub(super) async fn drive(mut ctx: Context, server: Server, job: Job) -> Result<Values> {
    let (sink, back) = (server.pid(&ctx.node(), 0)?, server.pid(&ctx.node(), 1)?);
    ask(&mut ctx, back).await?;
    let (mut trips, flood) = (Trips::new(), Flood::new(job));
    while trips.warm_up() {
        trip(&mut ctx, back, &mut trips).await?;
    }
    if flood.count == 0 {
        while trips.goes_on() {
            trip(&mut ctx, back, &mut trips).await?;
        }
        return Ok(tail::values(trips, 0.0));
    }
    let (done, mut sent) = oneshot::channel();
    ctx.spawn(async move |mut ctx| {
        let watch = Stopwatch::start();
        let lap = oneway::lap(&mut ctx, sink, flood.bytes, flood.count).await;
        // Who waits is told by the channel's end if this fails.
        let _ = done.send(lap.map(|_| flood.mb_per_s(watch.wall().as_secs_f64())));
    })?;
    loop {
        match sent.try_recv() {
            Ok(mb_per_s) => return Ok(tail::values(trips, mb_per_s?)),
            Err(TryRecvError::Closed) => bail!("the long messages have come to an end"),
            Err(TryRecvError::Empty) => trip(&mut ctx, back, &mut trips).await?,
        }
    }
}

async fn trip(ctx: &mut Context, back: Pid, trips: &mut Trips) -> Result<()> {
    trips.begin();
    ctx.send(back, &[b'x'; SMALL_BYTES]).await?;
    message(ctx).await?;
    trips.end();
    Ok(())
}
