//! Many nodes that connect to one at once.

use anyhow::Result;
use snow_dist_runtime::Node;
use tokio::task::JoinSet;

use super::oneway::asked_for;
use super::{Server, start};
use crate::child::Values;
use crate::meter::Stopwatch;
use crate::storm;

pub(super) async fn drive(node: &Node, server: Server, count: usize) -> Result<Values> {
    let mut nodes = Vec::with_capacity(count);
    for number in 0..count {
        nodes.push(start(&format!("driver{number}")).await?);
    }
    let before = asked_for(node, &server, 0).await?;
    let watch = Stopwatch::start();
    let mut dials = JoinSet::new();
    for node in &nodes {
        let (node, name) = (node.clone(), server.name.clone());
        dials.spawn(async move { node.connect(&name).await });
    }
    while let Some(dialled) = dials.join_next().await {
        dialled??;
    }
    let wall = watch.wall();
    let after = asked_for(node, &server, 0).await?;
    Ok(storm::values(count, wall, after.saturating_sub(before)))
}
