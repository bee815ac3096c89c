//! A child on another node, and the process of this node that stands for it.

use std::sync::Arc;

use super::Started;
use crate::core::{Pid, Reason, SpawnTie, Term};
use crate::process::{Context, Received, SpawnOnError};

pub(super) struct Remote {
    pub(super) node: Arc<str>,
    pub(super) function: Arc<str>,
    pub(super) arguments: Term,
}

/// Starts the process there, and is what the supervisor has of it.
pub(super) async fn stand_for(mut ctx: Context, remote: Arc<Remote>, started: Started) -> Reason {
    ctx.trap_exit(true);
    // Before it is asked for: a session that begins meanwhile is not missed.
    if let Err(error) = ctx.monitor_node(&remote.node) {
        return Reason::error(error.to_string());
    }
    let mut started = Some(started);
    let process = loop {
        match remote.start(&ctx).await {
            Ok(process) => break process,
            Err(SpawnOnError::NotConnected { .. }) => {
                if let Some(started) = started.take() {
                    started.tell();
                }
                if let Some(reason) = wait_for(&mut ctx, &remote.node).await {
                    return reason;
                }
            }
            Err(error) => return Reason::error(error.to_string()),
        }
    };
    if let Some(started) = started {
        started.tell_as(Some(process));
    }
    follow(ctx, process).await
}

impl Remote {
    async fn start(&self, ctx: &Context) -> Result<Pid, SpawnOnError> {
        let arguments = self.arguments.clone();
        let tied = ctx.spawn_written_on(&self.node, &self.function, SpawnTie::Link, arguments);
        Ok(tied.await?.0)
    }
}

/// Waits for a session with a node. A reason if the child is to stop instead.
async fn wait_for(ctx: &mut Context, node: &str) -> Option<Reason> {
    loop {
        match ctx.recv().await {
            Received::NodeUp { name } if *name == *node => return None,
            Received::Exit { reason, .. } if reason != Reason::Normal => return Some(reason),
            _ => {}
        }
    }
}

/// Passes on what the child is told, until it ends.
async fn follow(mut ctx: Context, process: Pid) -> Reason {
    loop {
        match ctx.recv().await {
            Received::Exit { from, reason } if from == process => return reason,
            Received::Exit { reason, .. } => {
                let passed_on = ctx.send_exit(process, reason).await;
                // Where the other node lets nobody say that, what it does let through is the end of a link.
                if passed_on.is_err() {
                    return Reason::Killed;
                }
            }
            _ => {}
        }
    }
}
