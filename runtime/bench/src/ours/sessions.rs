//! Messages of many pairs of a sender and a receiver, in one session or in many. The receivers are on one node, the senders on a
//! node for each session.

use std::sync::Arc;

use anyhow::{Result, ensure};
use snow_dist_runtime::{Context, Node, Pid};
use tokio::time::sleep;

use super::talk::{answer, answered, ask, asked, message};
use super::{Server, in_process, start};
use crate::case::{Job, SMALL_BYTES};
use crate::child::Values;
use crate::meter::Stopwatch;
use crate::sessions::{Counts, Window, warm_up, window};

/// The receivers are numbered on from the process that answers: first that it has begun to count, then what was counted.
pub(super) fn serve(node: &Node, job: Job) -> Result<Pid> {
    let counts = Arc::new(Counts::default());
    let counted = Arc::clone(&counts);
    let first = node.spawn(async move |mut ctx| -> Result<()> {
        let (_, asker) = asked(&mut ctx).await?;
        let begun = counted.mark();
        answer(&ctx, asker, 0).await?;
        asked(&mut ctx).await?;
        for number in counted.mark().since(&begun).numbers() {
            answer(&ctx, asker, number).await?;
        }
        Ok(())
    })?;
    for number in 1..=job.all_pairs() {
        let count = counts.one();
        let pid = node.spawn(async move |mut ctx| -> Result<()> {
            loop {
                message(&mut ctx).await?;
                count.add();
            }
        })?;
        ensure!(pid.local() == first.local() + number as u64, "somebody else starts processes");
    }
    Ok(first)
}

pub(super) async fn drive(node: &Node, server: Server, job: Job) -> Result<Values> {
    let mut senders = Vec::with_capacity(job.sessions());
    for session in 0..job.sessions() {
        let sender = start(&format!("sender{session}")).await?;
        sender.connect(&server.name).await?;
        senders.push(sender);
    }
    for (session, sender) in senders.iter().enumerate() {
        for pair in 1..=job.pairs {
            let to = server.pid(sender, session * job.pairs + pair)?;
            sender.spawn(async move |ctx: Context| -> Result<()> {
                loop {
                    ctx.send(to, &[b'x'; SMALL_BYTES]).await?;
                }
            })?;
        }
    }
    sleep(warm_up(job.all_pairs())).await;
    in_process(node, move |ctx| measure(ctx, server, job)).await
}

/// Asks in a session of its own, in which nothing waits.
async fn measure(mut ctx: Context, server: Server, job: Job) -> Result<Values> {
    let first = server.pid(&ctx.node(), 0)?;
    ask(&mut ctx, first).await?;
    answered(&mut ctx).await?;
    let watch = Stopwatch::start();
    sleep(window(job.all_pairs())).await;
    ask(&mut ctx, first).await?;
    let mut numbers = [0; 4];
    for number in &mut numbers {
        *number = answered(&mut ctx).await?;
    }
    Ok(Window::of_numbers(numbers).values(watch.cpu(), job))
}
