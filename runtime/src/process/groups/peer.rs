//! Speaking with the server of one other node, in a separate process, so that a node that does not read delays no
//! other.

use std::sync::Arc;

use tokio::time::{MissedTickBehavior, interval};

use super::super::{Context, MonitorRef, Received};
use super::shared::{Line, Shared};
use crate::core::groups::{SERVER, Todo};
use crate::core::limits::GROUPS_INTERVAL_MAX;

/// Runs until the server has ended; whoever has started this ends it with the session.
pub(super) async fn run(mut ctx: Context, shared: Arc<Shared>, name: Arc<str>, line: Arc<Line>) {
    ctx.dial_nobody();
    let mut monitor: Option<MonitorRef> = None;
    let mut intervals = interval(GROUPS_INTERVAL_MAX);
    intervals.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first one begins now.
    intervals.reset();
    while !shared.is_over() {
        match shared.poll_todo(&line) {
            Some(Todo::Monitor) => {
                if let Some(before) = monitor.take() {
                    ctx.demonitor_flush(before);
                }
                match ctx.monitor_named(SERVER, &name).await {
                    Ok((reference, server)) => {
                        monitor = Some(reference);
                        shared.act_on(&line, |groups| groups.handle_named(line.node, server));
                    }
                    // Also if the session lacks the capability.
                    Err(_) => shared.act_on(&line, |groups| groups.handle_nobody(line.node)),
                }
            }
            // If there is no session any more, this process is about to be ended.
            Some(Todo::Send(term)) => drop(ctx.send_named_written_term(SERVER, &name, term).await),
            None => tokio::select! {
                received = ctx.recv() => if is_down_of(&received, monitor) {
                    monitor = None;
                    shared.act_on(&line, |groups| groups.handle_server_ended(line.node));
                },
                _ = intervals.tick() => shared.act_on(&line, |groups| groups.handle_interval(line.node)),
                () = line.stirred.notified() => {}
            },
        }
    }
}

fn is_down_of(received: &Received, monitor: Option<MonitorRef>) -> bool {
    matches!(received, Received::Down { reference, .. } if Some(*reference) == monitor)
}
