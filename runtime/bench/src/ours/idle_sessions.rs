//! Very many sessions of one node that have nothing to do, with nodes in other processes of the system.

use anyhow::Result;
use snow_dist_runtime::{Node, Pid};
use tokio::time::sleep;

use super::Server;
use super::oneway::{self, asked_for};
use crate::child::Values;
use crate::mesh;
use crate::meter::{cpu_ns, resident};

/// Two processes: one answers with the memory of this process of the system, the next one with its processor time.
pub(super) fn serve(node: &Node) -> Result<Pid> {
    let first = oneway::serve(node, 0, resident)?;
    oneway::serve(node, 0, cpu_ns)?;
    Ok(first)
}

pub(super) async fn drive(node: &Node, server: Server, count: usize) -> Result<Values> {
    let before = asked_for(node, &server, 0).await?;
    let _star = mesh::star(&server.name, count).await?;
    sleep(mesh::REST).await;
    let grown = asked_for(node, &server, 0).await?.saturating_sub(before);
    let cpu = asked_for(node, &server, 1).await?;
    sleep(mesh::REST).await;
    let cpu = asked_for(node, &server, 1).await?.saturating_sub(cpu);
    Ok(vec![
        ("session_kib", grown as f64 / 1024.0 / count as f64),
        ("cpu_percent", cpu as f64 / 1e9 / mesh::REST.as_secs_f64() * 100.0),
    ])
}
