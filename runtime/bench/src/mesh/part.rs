//! A child process with a part of the nodes, which does as it is told by lines.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use snow_dist_runtime::{Node, NodeBuilder, Timing};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::sleep;

use crate::child::announce;
use crate::idle::HEARTBEAT;
use crate::meter::{cpu_ns, resident};
use crate::ours::COOKIE;

/// The heartbeat of a star: with it a session gives back the room that its beginning has taken.
const TIMING: Timing = Timing { interval: HEARTBEAT, timeout: Duration::from_secs(15) };

/// A process with a part of the nodes.
#[derive(Args, Clone, Debug)]
pub(crate) struct MeshPart {
    /// The number of nodes in all parts.
    #[arg(long)]
    pub(super) nodes: usize,
    /// The number of them that are here.
    #[arg(long)]
    pub(super) own: usize,
    /// Which part this is.
    #[arg(long)]
    pub(super) part: usize,
    /// The node that all know; the first part of a mesh starts it.
    #[arg(long)]
    pub(super) seed: Option<String>,
    /// They have sessions with that node alone.
    #[arg(long)]
    pub(super) star: bool,
}

impl MeshPart {
    async fn member(&self, builder: NodeBuilder, seed: &str) -> Result<Node> {
        let builder = builder.cookie(COOKIE).keep_connected([seed]);
        let builder = if self.star { builder.heartbeat(TIMING) } else { builder.mesh() };
        Ok(builder.start().await?)
    }

    /// Does as it is told until its input ends.
    pub(crate) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(self.play())
    }

    async fn play(&self) -> Result<()> {
        let mut nodes = Vec::new();
        let seed = match &self.seed {
            Some(seed) => seed.clone(),
            None => {
                nodes.push(builder("seed").cookie(COOKIE).mesh().start().await?);
                nodes.first().map(|node| node.name().to_owned()).unwrap_or_default()
            }
        };
        announce(&seed)?;
        let mut orders = BufReader::new(tokio::io::stdin()).lines();
        while let Some(order) = orders.next_line().await? {
            match order.as_str() {
                "measure" => announce(&format!("{} {}", cpu_ns(), resident()))?,
                "form" => {
                    while nodes.len() < self.own {
                        let name = format!("n{}x{}", self.part, nodes.len());
                        nodes.push(self.member(builder(&name), &seed).await?);
                    }
                    announce("started")?;
                    complete(self, &nodes).await?;
                }
                "restart" => {
                    // Every second one, whose name and port stay: all in no order of theirs, as each has its own peers.
                    for (at, node) in nodes.iter_mut().enumerate().filter(|(at, _)| at % 2 == 1) {
                        let name = node.name().to_owned();
                        node.shutdown().await;
                        *node = self
                            .member(Node::builder(name), &seed)
                            .await
                            .with_context(|| format!("node {at}"))?;
                    }
                    announce("started")?;
                    complete(self, &nodes).await?;
                }
                other => bail!("{other:?} is no order"),
            }
        }
        Ok(())
    }
}

/// Waits until each of these nodes has all its sessions.
async fn complete(part: &MeshPart, nodes: &[Node]) -> Result<()> {
    let sessions = if part.star { 1 } else { part.nodes - 1 };
    for node in nodes {
        while node.nodes().len() < sessions {
            sleep(Duration::from_millis(2)).await;
        }
    }
    announce("complete")
}

fn builder(name: &str) -> NodeBuilder {
    Node::builder(format!("{name}@127.0.0.1:0"))
}
