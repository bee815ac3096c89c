//! A child on another node, and the process of this node that stands for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::Started;
use super::child::{STARTS_WITHIN, Shown};
use crate::core::{Pid, Reason, SpawnTie, Term};
use crate::process::{Context, MonitorRef, Received, SpawnOnError};

/// How long a refusal is kept to oneself: most pass, and a supervisor that asks again at once has soon asked too often.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Remote {
    pub(super) node: Arc<str>,
    pub(super) function: Arc<str>,
    pub(super) arguments: Term,
}

/// Starts the process there, and is what the supervisor has of it.
pub(super) async fn stand_for(mut ctx: Context, remote: Arc<Remote>, mut started: Started) -> Reason {
    ctx.trap_exit(true);
    ctx.dial_nobody();
    // Before it is asked for: a session that begins meanwhile is not missed.
    if let Err(error) = ctx.monitor_node(&remote.node) {
        return Reason::error(error.to_string());
    }
    loop {
        match remote.start(&ctx).await {
            Ok((process, monitor)) => {
                started.tell_as(Shown::There(process));
                return follow(ctx, process, monitor).await;
            }
            Err(Failed::NoSession) => {
                started.tell_as(Shown::Nobody);
                if let Some(reason) = wait_for_session(&mut ctx).await {
                    return reason;
                }
            }
            Err(Failed::Refused(reason)) => {
                return timeout(REFUSED_PAUSE, told_to_stop(&mut ctx)).await.unwrap_or(reason);
            }
        }
    }
}

/// Why there is no process.
enum Failed {
    NoSession,
    Refused(Reason),
}

impl Remote {
    /// Linked, so that it ends with this one; monitored, since only that tells its end from a signal that it has sent.
    async fn start(&self, ctx: &Context) -> Result<(Pid, MonitorRef), Failed> {
        let refused = |error: &dyn std::fmt::Display| Failed::Refused(Reason::error(error.to_string()));
        let asked = ctx.spawn_written_on(&self.node, &self.function, SpawnTie::Link, self.arguments.clone());
        let process = match timeout(STARTS_WITHIN, asked).await {
            Ok(Ok((process, _))) => process,
            Ok(Err(SpawnOnError::NotConnected { .. } | SpawnOnError::ConnectionLost { .. })) => {
                return Err(Failed::NoSession);
            }
            Ok(Err(error)) => return Err(refused(&error)),
            Err(_) => return Err(refused(&"the node has not answered in time")),
        };
        match ctx.monitor(process).await {
            Ok(monitor) => Ok((process, monitor)),
            Err(error) => Err(refused(&error)),
        }
    }
}

/// Waits for a session with the one node that is watched. A reason if the child is to stop instead.
async fn wait_for_session(ctx: &mut Context) -> Option<Reason> {
    loop {
        match ctx.recv().await {
            Received::NodeUp { .. } => return None,
            // Also that of a process which was started in a session that ended before the answer came.
            Received::Exit { reason: Reason::Normal | Reason::Noconnection, .. } => {}
            Received::Exit { reason, .. } => return Some(reason),
            _ => {}
        }
    }
}

async fn told_to_stop(ctx: &mut Context) -> Reason {
    loop {
        match ctx.recv().await {
            Received::Exit { reason, .. } if reason != Reason::Normal => return reason,
            _ => {}
        }
    }
}

/// Passes on that it is to stop, until the process there ends.
async fn follow(mut ctx: Context, process: Pid, monitor: MonitorRef) -> Reason {
    loop {
        match ctx.recv().await {
            Received::Down { reference, reason, .. } if reference == monitor => return reason,
            Received::Exit { from, .. } if from == process => {}
            // The link says the same, and gets through where a signal that is sent may not.
            Received::Exit { reason, .. } if reason.kills() => return reason,
            Received::Exit { reason, .. } => {
                let passed_on = ctx.send_exit(process, reason).await;
                if passed_on.is_err() {
                    return Reason::Killed;
                }
            }
            _ => {}
        }
    }
}
