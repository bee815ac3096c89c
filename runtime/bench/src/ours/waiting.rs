//! Processes that do nothing but wait.

use anyhow::{Result, ensure};
use snow_dist_runtime::{Node, Pid};

use crate::countdown::Counted;

/// Starts `count` processes that wait to be ended. They are numbered on from the one `behind`.
pub(super) fn spawn(
    node: &Node,
    behind: Pid,
    count: usize,
    counted: impl Fn() -> Option<Counted>,
) -> Result<()> {
    for number in 1..=count as u64 {
        let counted = counted();
        let pid = node.spawn(async move |mut ctx| {
            ctx.recv().await;
            drop(counted);
        })?;
        ensure!(pid.local() == behind.local() + number, "somebody else starts processes");
    }
    Ok(())
}
