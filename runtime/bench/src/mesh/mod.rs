//! Measures how fast a mesh forms of nodes that know one of them, how long it takes to be whole when half of them are started
//! again, and what it costs when nothing happens.
//!
//! The nodes live in child processes, a part of them in each: a mesh of 200 nodes needs more descriptors than a process may have.

mod part;
mod process;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::time::sleep;

pub(crate) use part::MeshPart;
use process::{Part, ask_all, tell_all, wait_all};

use crate::child::Values;

/// How long nodes idle while their processor time is measured.
pub(crate) const REST: Duration = Duration::from_secs(10);

/// Nodes of a mesh in one process, so that it has descriptors for their sessions.
const MESH_NODES_MAX: usize = 64;

/// The same of a star: a node has one session and listens.
const STAR_NODES_MAX: usize = 4_000;

/// Forms a mesh of so many nodes, and starts half of them again.
pub(crate) async fn values(nodes: usize) -> Result<Values> {
    ensure!(nodes > 1, "a mesh has two nodes or more");
    let mut parts = start(nodes, nodes.div_ceil(MESH_NODES_MAX), None).await?;
    let before = ask_all(&mut parts).await?;
    tell_all(&mut parts, "form").await?;
    wait_all(&mut parts, "started").await?;
    let last = Instant::now();
    wait_all(&mut parts, "complete").await?;
    let complete = last.elapsed();
    let after = ask_all(&mut parts).await?;
    sleep(REST).await;
    let idle = ask_all(&mut parts).await?;
    tell_all(&mut parts, "restart").await?;
    wait_all(&mut parts, "started").await?;
    let restarted = Instant::now();
    wait_all(&mut parts, "complete").await?;
    let ends = nodes * (nodes - 1);
    Ok(vec![
        ("complete_ms", complete.as_secs_f64() * 1e3),
        ("again_ms", restarted.elapsed().as_secs_f64() * 1e3),
        ("form_cpu_ms", (after.cpu - before.cpu) / 1e6),
        ("session_kib", (idle.bytes - before.bytes) / 1024.0 / ends as f64),
        ("idle_cpu_percent", (idle.cpu - after.cpu) / 1e9 / REST.as_secs_f64() * 100.0),
    ])
}

/// Starts so many nodes that have a session with `hub` alone, and returns their processes when all sessions are there.
pub(crate) async fn star(hub: &str, nodes: usize) -> Result<Vec<Part>> {
    let mut parts = start(nodes, nodes.div_ceil(STAR_NODES_MAX), Some(hub)).await?;
    tell_all(&mut parts, "form").await?;
    wait_all(&mut parts, "started").await?;
    wait_all(&mut parts, "complete").await?;
    Ok(parts)
}

/// Starts the processes, with about as many of the nodes in each. The first node of a mesh is the one that all know.
async fn start(nodes: usize, processes: usize, hub: Option<&str>) -> Result<Vec<Part>> {
    let (mut parts, mut seed) = (Vec::new(), hub.map(str::to_owned));
    for part in 0..processes {
        let own = nodes / processes + usize::from(part < nodes % processes);
        let mut process = Part::start(&MeshPart { nodes, own, part, seed, star: hub.is_some() })?;
        seed = Some(process.line().await?);
        parts.push(process);
    }
    Ok(parts)
}
