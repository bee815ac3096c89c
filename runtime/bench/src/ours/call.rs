//! A call to an idle process and its reply, and in turns with it a term to and fro in two messages.

use std::time::Duration;

use anyhow::{Context as _, Result};
use snow_dist_runtime::{Context, Node, Pid, Received};

use super::Server;
use crate::child::Values;
use crate::pingpong::{Marks, Trips};

/// How long a call may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Sends back what it is sent, and replies with what it is asked.
pub(super) fn serve(node: &Node) -> Result<Pid> {
    let pid = node.spawn(async |mut ctx: Context| -> Result<()> {
        loop {
            match ctx.recv().await {
                Received::Message(message) => {
                    let (asks, number) = message.term::<(Pid, u64)>()?;
                    ctx.send_term(asks, &(asks, number)).await?;
                }
                Received::Call(call) => {
                    let (asks, number) = call.term::<(Pid, u64)>()?;
                    call.reply(&(asks, number)).await?;
                }
                _ => {}
            }
        }
    })?;
    Ok(pid)
}

pub(super) async fn drive(mut ctx: Context, server: Server) -> Result<Values> {
    let to = server.pid(&ctx.node(), 0)?;
    let request = (ctx.pid(), 7_u64);
    let (mut calls, mut terms) = (Trips::new(), Trips::new());
    while calls.goes_on() {
        calls.begin();
        let _: (Pid, u64) = ctx.call(to, &request, PATIENCE).await?;
        calls.end();
        terms.begin();
        ctx.send_term(to, &request).await?;
        let answer = ctx.recv().await.into_message().context("a message was awaited")?;
        answer.term::<(Pid, u64)>()?;
        terms.end();
    }
    let mut values = calls.values();
    let Marks { p50, mean, .. } = terms.marks();
    values.extend([("terms_p50_us", p50), ("terms_mean_us", mean)]);
    Ok(values)
}
