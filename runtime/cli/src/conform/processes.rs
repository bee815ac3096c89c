//! The processes of `snow-dist conform-node`: each does as it is ordered, and notes what it sees.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use snow_dist_runtime::{Context, MonitorRef, Node, Pid, Reason, Received};
use tokio::sync::{mpsc, oneshot};

use super::reasons::{process, to_json};

/// What a process is told to do.
#[derive(Debug)]
pub(super) enum Order {
    Link(Pid),
    Unlink(Pid),
    Monitor(Pid),
    Demonitor(u64),
    Send(Pid, Vec<u8>),
    SendNamed { name: String, node: String, message: Vec<u8> },
    Register(String),
    TrapExit(bool),
    Exit(Reason),
}

/// What a process is told, and where it answers.
type Orders = mpsc::UnboundedSender<(Order, oneshot::Sender<Result<Value, String>>)>;

/// A process that has been started.
pub(super) struct Process {
    pub(super) pid: Pid,
    orders: Orders,
    seen: Arc<Mutex<Vec<Value>>>,
}

impl Process {
    pub(super) fn start(node: &Node) -> Result<Self, String> {
        let (orders, mut ordered) = mpsc::unbounded_channel::<(Order, oneshot::Sender<_>)>();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let start = async move |mut ctx: Context| -> Reason {
            let mut monitors = HashMap::new();
            loop {
                tokio::select! {
                    received = ctx.recv() => {
                        let sight = sight(&received, &ctx.node());
                        noted.lock().unwrap_or_else(PoisonError::into_inner).push(sight);
                    }
                    order = ordered.recv() => {
                        let Some((order, answer)) = order else { std::future::pending().await };
                        let done = obey(&mut ctx, &mut monitors, order, answer).await;
                        if let Some(reason) = done {
                            return reason;
                        }
                    }
                }
            }
        };
        let pid = node.spawn(start).map_err(|error| error.to_string())?;
        Ok(Self { pid, orders, seen })
    }

    pub(super) async fn order(&self, order: Order) -> Result<Value, String> {
        let (answer, answered) = oneshot::channel();
        self.orders.send((order, answer)).map_err(|_| "the process has ended".to_owned())?;
        answered.await.map_err(|_| "the process has ended".to_owned())?
    }

    pub(super) fn seen(&self) -> Vec<Value> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Does what was ordered. Gives the reason to end with, if that was it.
async fn obey(
    ctx: &mut Context,
    monitors: &mut HashMap<u64, MonitorRef>,
    order: Order,
    answer: oneshot::Sender<Result<Value, String>>,
) -> Option<Reason> {
    let done = match order {
        Order::Exit(reason) => {
            let _ = answer.send(Ok(json!({})));
            return Some(reason);
        }
        Order::Link(other) => ctx.link(other).await.map_err(|error| error.to_string()),
        Order::Unlink(other) => {
            ctx.unlink(other);
            Ok(())
        }
        Order::Monitor(other) => {
            let monitor = ctx.monitor(other).await.map_err(|error| error.to_string());
            let number = monitor.map(|monitor| {
                monitors.insert(monitor.number(), monitor);
                json!({"monitor": monitor.number()})
            });
            let _ = answer.send(number);
            return None;
        }
        Order::Demonitor(number) => match monitors.remove(&number) {
            Some(monitor) => {
                ctx.demonitor(monitor);
                Ok(())
            }
            None => Err(format!("there is no monitor {number}")),
        },
        Order::Send(other, message) => ctx.send(other, message).await.map_err(|error| error.to_string()),
        Order::SendNamed { name, node, message } => {
            ctx.send_named(&name, &node, message).await.map_err(|error| error.to_string())
        }
        Order::Register(name) => ctx.register(&name).map_err(|error| error.to_string()),
        Order::TrapExit(on) => {
            ctx.trap_exit(on);
            Ok(())
        }
    };
    // Who gave the order may have stopped waiting.
    let _ = answer.send(done.map(|()| json!({})));
    None
}

fn sight(received: &Received, node: &Node) -> Value {
    match received {
        Received::Message(message) => json!({"message": hex::encode(message.as_bytes())}),
        Received::Exit { from, reason } => {
            json!({"exit": process(*from, node), "reason": to_json(reason, node)})
        }
        Received::Down { reference, from, reason } => json!({
            "down": process(*from, node), "monitor": reference.number(), "reason": to_json(reason, node),
        }),
        other => json!({"other": format!("{other:?}")}),
    }
}
