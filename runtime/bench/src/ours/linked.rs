//! Processes that are linked to those of the other side.

use anyhow::Result;
use snow_dist_runtime::{Context, Pid, Reason};

use crate::countdown::Countdown;

/// Starts a process for each of these, linked to it, and waits until all are. A message ends each.
pub(super) async fn spawn(ctx: &Context, others: &[Pid]) -> Result<Vec<Pid>> {
    let linked = Countdown::new(others.len());
    let mut processes = Vec::with_capacity(others.len());
    for &other in others {
        let counted = linked.one();
        processes.push(ctx.spawn(async move |mut ctx| {
            if let Err(error) = ctx.link(other).await {
                return Reason::error(error.to_string());
            }
            drop(counted);
            ctx.recv().await;
            Reason::Killed
        })?);
    }
    linked.zero().await;
    Ok(processes)
}
