//! The memory of a session that has nothing to do.

use anyhow::Result;
use snow_dist_runtime::Node;

use super::oneway::lap;
use super::{Server, in_process, start};
use crate::case::{IDLE_MESSAGES, IDLE_SESSIONS, LARGE_BYTES};
use crate::child::Values;
use crate::idle;

/// Each session is with a node of its own.
pub(super) async fn drive(node: &Node, server: Server) -> Result<Values> {
    let before = used(node, &server).await?;
    let mut nodes = Vec::with_capacity(IDLE_SESSIONS);
    for number in 0..IDLE_SESSIONS {
        let node = start(&format!("driver{number}")).await?;
        node.connect(&server.name).await?;
        used(&node, &server).await?;
        nodes.push(node);
    }
    tokio::time::sleep(idle::REST).await;
    let after = used(node, &server).await?;
    Ok(idle::values(before, after))
}

/// Sends some messages, so that the session's buffers have been in use; gives the server's memory.
async fn used(node: &Node, server: &Server) -> Result<u64> {
    let to = server.pid(node, 0)?;
    in_process(node, move |mut ctx| async move { lap(&mut ctx, to, LARGE_BYTES, IDLE_MESSAGES).await }).await
}
