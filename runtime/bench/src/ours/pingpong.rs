//! A message to and fro.

use anyhow::Result;
use snow_dist_runtime::{Context, Node, Pid};

use super::Server;
use super::talk::{ask, asked, message};
use crate::case::SMALL_BYTES;
use crate::child::Values;
use crate::pingpong::Trips;

/// Sends back what it receives, to the first that asked.
pub(super) fn serve(node: &Node) -> Result<Pid> {
    let pid = node.spawn(async |mut ctx| -> Result<()> {
        let (_, asker) = asked(&mut ctx).await?;
        loop {
            let message = message(&mut ctx).await?;
            ctx.send(asker, message).await?;
        }
    })?;
    Ok(pid)
}

pub(super) async fn drive(mut ctx: Context, server: Server) -> Result<Values> {
    let to = server.pid(&ctx.node(), 0)?;
    ask(&mut ctx, to).await?;
    let payload = [b'x'; SMALL_BYTES];
    let mut trips = Trips::new();
    while trips.goes_on() {
        trips.begin();
        ctx.send(to, &payload).await?;
        message(&mut ctx).await?;
        trips.end();
    }
    Ok(trips.values())
}
