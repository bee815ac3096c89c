//! Many calls at once, of as many processes to one.

use std::sync::Arc;

use anyhow::Result;
use snow_dist_runtime::{Context, Node, Pid};
use tokio::time::sleep;

use super::Server;
use super::call::PATIENCE;
use crate::child::Values;
use crate::sessions::{Counts, warm_up, window};

pub(super) async fn drive(node: &Node, server: Server, at_once: usize) -> Result<Values> {
    let to = server.pid(node, 0)?;
    let counts = Arc::new(Counts::default());
    for _ in 0..at_once {
        let count = counts.one();
        node.spawn(async move |ctx: Context| -> Result<()> {
            loop {
                let _: (Pid, u64) = ctx.call(to, &(ctx.pid(), 7_u64), PATIENCE).await?;
                count.add();
            }
        })?;
    }
    sleep(warm_up(at_once)).await;
    let before = counts.mark();
    sleep(window(at_once)).await;
    let window = counts.mark().since(&before);
    Ok(vec![
        ("calls_per_s", window.a_second()),
        ("driver_cpu_ns", window.cpu_each()),
        ("fairness", window.fairness(at_once)),
    ])
}
