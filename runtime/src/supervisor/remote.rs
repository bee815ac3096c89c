//! A child on another node, and the process of this node that represents it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::Started;
use super::child::{Process, STARTS_WITHIN};
use crate::core::{Pid, Reason, SpawnTie, Term};
use crate::process::{Context, MonitorRef, Received, SpawnOnError};

/// The delay before the supervisor learns of a refusal. Most refusals are temporary, and a supervisor that asked
/// again at once would soon give up.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Remote {
    pub(super) node: Arc<str>,
    pub(super) function: Arc<str>,
    pub(super) arguments: Term,
}

/// Starts the process on the other node, and represents it towards the supervisor.
pub(super) async fn stand_for(mut ctx: Context, remote: Arc<Remote>, mut started: Started) -> Reason {
    ctx.trap_exit(true);
    ctx.dial_nobody();
    // The node is watched before the start is requested, so that a session that begins meanwhile is not missed.
    if let Err(error) = ctx.monitor_node(&remote.node) {
        return Reason::error(error.to_string());
    }
    loop {
        match remote.start(&ctx).await {
            Ok((process, monitor)) => {
                started.tell_as(Process::There(process));
                let reason = follow(&mut ctx, process, monitor).await;
                if reason == Reason::Noconnection && is_lost(&mut ctx, process).await {
                    // The supervisor is told by this, and not by the reason, which would be logged as a failure.
                    started.tell_as(Process::Lost);
                    return Reason::Shutdown;
                }
                return reason;
            }
            Err(Failed::NoSession) => {
                started.tell_as(Process::Nobody);
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

/// The reason why there is no process.
enum Failed {
    NoSession,
    Refused(Reason),
}

impl Remote {
    /// The process is linked, so that it ends with this one, and monitored, because only a DOWN distinguishes its end
    /// from a signal that it has sent.
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

/// Waits for a session with the watched node. Returns a reason if the child should stop instead.
async fn wait_for_session(ctx: &mut Context) -> Option<Reason> {
    loop {
        match ctx.recv().await {
            Received::NodeUp { .. } => return None,
            // This includes the exit signal of a process that was started in a session which ended before the answer
            // came.
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

/// Passes the request to stop on, and waits until the remote process ends.
async fn follow(ctx: &mut Context, process: Pid, monitor: MonitorRef) -> Reason {
    loop {
        match ctx.recv().await {
            Received::Down { reference, reason, .. } if reference == monitor => return reason,
            Received::Exit { from, .. } if from == process => {}
            // The link carries the same signal, and works even where exit signals may not be sent.
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

/// Returns `true` if the session in which a process was started has ended. The reason of its DOWN does not say so: a
/// process can end with Noconnection of its own accord.
async fn is_lost(ctx: &mut Context, process: Pid) -> bool {
    // If there is another session with the same start of the node, the NODEDOWN of the earlier one is in the mailbox.
    let is_down = |received: &Received| matches!(received, Received::NodeDown { .. });
    ctx.node().node_of(process).is_none() || ctx.recv_where_timeout(is_down, Duration::ZERO).await.is_some()
}

#[cfg(test)]
#[cfg(all(feature = "testing", not(shuttle)))]
mod tests {
    use super::*;
    use crate::Node;
    use crate::testing::{SimulatedNetwork, until};

    const COOKIE: &str = "the tests' own cookie, which is long enough";

    #[tokio::test(start_paused = true)]
    async fn a_session_that_is_up_again_before_anybody_looked_was_lost_all_the_same() {
        let network = SimulatedNetwork::new();
        let started = async |name: &str, host: &str| {
            Node::builder(name).cookie(COOKIE).start_on(network.host(host)).await.unwrap()
        };
        let (here, there) = (started("here@north:1", "north").await, started("there@south:1", "south").await);
        here.connect("there@south:1").await.unwrap();
        let process = there.spawn(async |mut ctx: Context| drop(ctx.recv().await)).unwrap();
        let process = here.pid_on("there@south:1", process.local()).unwrap();

        let (found, was_found) = tokio::sync::oneshot::channel();
        let node = here.clone();
        here.spawn(async move |mut ctx| {
            ctx.monitor_node("there@south:1").unwrap();
            let up_all_the_time = is_lost(&mut ctx, process).await;
            node.disconnect("there@south:1");
            until("the end of the session", || node.nodes().is_empty()).await;
            node.connect("there@south:1").await.unwrap();
            let up_again = is_lost(&mut ctx, process).await;
            found.send((up_all_the_time, up_again)).unwrap();
        })
        .unwrap();
        assert_eq!(was_found.await.unwrap(), (false, true));
    }
}
