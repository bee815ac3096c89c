//! The processes of `snow-dist conform-node`: each does as it is ordered, and notes what it sees.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::ser::{Serialize, SerializeTuple, Serializer};
use serde_json::{Value, json};
use snow_dist_codec::Reading;
use snow_dist_runtime::{
    Call, Context, Mailbox, Message, MonitorRef, Node, Pid, Reason, Received, ReplyError,
};
use tokio::sync::{mpsc, oneshot};

use super::asking::{self, Question};
use super::reasons::{process, to_json};

/// What a process is told to do.
#[derive(Debug)]
pub(super) enum Order {
    Link(Pid),
    Unlink(Pid),
    Monitor(Pid),
    Demonitor(u64),
    /// A question of which the answer is awaited: the process takes nothing out of its mailbox meanwhile.
    Ask(Question),
    /// Gives up a call.
    GiveUp(u64),
    Send(Pid, Vec<u8>),
    SendTerm(Pid, Content),
    SendNamedTerm {
        name: String,
        node: String,
        term: Content,
    },
    /// Replies to a call that it has.
    Reply(u64, Content),
    LetGo(u64),
    SendNamed {
        name: String,
        node: String,
        message: Vec<u8>,
    },
    Register(String),
    TrapExit(bool),
    Watch(String),
    /// Takes nothing out of the mailbox, or goes on.
    Hold(bool),
    /// Sends one message behind the other, each as soon as there is room for it.
    Flood {
        to: Pid,
        messages: u64,
        bytes: u64,
    },
    SendExit(Pid, Reason),
    Exit(Reason),
}

/// A term.
#[derive(Debug)]
pub(super) enum Content {
    /// A tuple of pids.
    Pids(Vec<Pid>),
    /// A string of so many letters.
    Letters(usize),
}

/// What a process is told, and where it answers.
pub(super) type Ordered = (Order, oneshot::Sender<Result<Value, String>>);
type Orders = mpsc::UnboundedSender<Ordered>;

/// A process that has been started.
pub(super) struct Process {
    pub(super) pid: Pid,
    orders: Orders,
    seen: Arc<Mutex<Vec<Value>>>,
    sent: Arc<AtomicU64>,
    calls: Calls,
}

/// The calls that a process has, by the numbers under which they were seen.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<HashMap<u64, Call>>>);

impl Calls {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Call>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, call: &Call) -> u64 {
        let number = CALLS.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(number, call.clone());
        number
    }

    fn get(&self, number: u64) -> Result<Call, String> {
        self.lock().get(&number).cloned().ok_or_else(|| format!("it has no call {number}"))
    }
}

/// The number of the next call.
static CALLS: AtomicU64 = AtomicU64::new(1);

/// The calls of a process that runs: it lets go of them when it ends.
#[derive(Default)]
struct Held(Calls);

impl Drop for Held {
    fn drop(&mut self) {
        let calls = std::mem::take(&mut *self.0.lock());
        drop(calls);
    }
}

/// What a process keeps beside its mailbox.
#[derive(Default)]
pub(super) struct State {
    pub(super) monitors: HashMap<u64, MonitorRef>,
    /// The adapter's numbers of monitors by name.
    pub(super) by_name: HashMap<MonitorRef, u64>,
    is_held: bool,
    sent: Arc<AtomicU64>,
    calls: Held,
}

/// A process, as it runs.
struct Inside {
    ordered: mpsc::UnboundedReceiver<Ordered>,
    seen: Arc<Mutex<Vec<Value>>>,
    state: State,
}

impl Inside {
    /// One, and what it is from outside as soon as it has a pid.
    fn new() -> (Self, impl FnOnce(Pid) -> Process) {
        let (orders, ordered) = mpsc::unbounded_channel::<Ordered>();
        let (seen, state) = (Arc::new(Mutex::new(Vec::new())), State::default());
        let (noted, sent, calls) = (Arc::clone(&seen), Arc::clone(&state.sent), state.calls.0.clone());
        (Self { ordered, seen: noted, state }, |pid| Process { pid, orders, seen, sent, calls })
    }

    fn note(&self, sight: Value) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(sight);
    }

    async fn run(mut self, mut ctx: Context) -> Reason {
        loop {
            tokio::select! {
                received = ctx.recv(), if !self.state.is_held => {
                    self.note(sight(&received, &ctx.node(), &self.state));
                }
                order = self.ordered.recv() => {
                    let Some(order) = order else { std::future::pending().await };
                    let Self { ordered, seen, state } = &mut self;
                    if let Some(reason) = asking::obey_all(&ctx, state, order, ordered, seen).await {
                        return reason;
                    }
                }
            }
        }
    }
}

impl Process {
    pub(super) fn start(node: &Node, mailbox: Mailbox) -> Result<Self, String> {
        let (inside, made) = Inside::new();
        let pid = node.spawn_with(mailbox, |ctx| inside.run(ctx)).map_err(|error| error.to_string())?;
        Ok(made(pid))
    }

    /// A process that has just been started from another node, and what it does from now on. It notes first what it has been
    /// given, if it is to.
    pub(super) fn started(
        ctx: Context,
        arguments: Option<Message>,
    ) -> (Self, impl Future<Output = Reason> + Send + 'static) {
        let (inside, made) = Inside::new();
        if let Some(arguments) = arguments {
            inside.note(json!({"arguments": places(&arguments, &ctx.node())}));
        }
        (made(ctx.pid()), inside.run(ctx))
    }

    /// Hands a call to another process, which sees nothing of that.
    pub(super) fn delegate(&self, number: u64, deputy: &Self) -> Result<(), String> {
        let call = self.calls.lock().remove(&number).ok_or_else(|| format!("it has no call {number}"))?;
        deputy.calls.lock().insert(number, call);
        Ok(())
    }

    /// How many messages of its flood have been taken.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
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
pub(super) async fn obey(
    ctx: &Context,
    state: &mut State,
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
                state.monitors.insert(monitor.number(), monitor);
                json!({"monitor": monitor.number()})
            });
            let _ = answer.send(number);
            return None;
        }
        Order::Demonitor(number) => match state.monitors.remove(&number) {
            Some(monitor) => {
                ctx.demonitor(monitor);
                Ok(())
            }
            None => Err(format!("there is no monitor {number}")),
        },
        // It is over: if it were not, it would be among what is asked.
        Order::GiveUp(_) => Ok(()),
        Order::Ask(_) => Err("it is asked elsewhere".to_owned()),
        Order::Send(other, message) => ctx.send(other, message).await.map_err(|error| error.to_string()),
        Order::SendTerm(other, term) => ctx.send_term(other, &term).await.map_err(|error| error.to_string()),
        Order::SendNamedTerm { name, node, term } => {
            ctx.send_named_term(&name, &node, &term).await.map_err(|error| error.to_string())
        }
        Order::Reply(number, term) => reply(state, number, &term).await,
        Order::LetGo(number) => {
            let call = state.calls.0.lock().remove(&number);
            call.map(drop).ok_or_else(|| format!("it has no call {number}"))
        }
        Order::SendNamed { name, node, message } => {
            ctx.send_named(&name, &node, message).await.map_err(|error| error.to_string())
        }
        Order::SendExit(other, reason) => {
            ctx.send_exit(other, reason).await.map_err(|error| error.to_string())
        }
        Order::Register(name) => ctx.register(&name).map_err(|error| error.to_string()),
        Order::Watch(name) => ctx.monitor_node(&name).map_err(|error| error.to_string()),
        Order::Hold(on) => {
            state.is_held = on;
            Ok(())
        }
        Order::Flood { to, messages, bytes } => {
            let _ = answer.send(Ok(json!({})));
            flood(ctx, to, messages, bytes, &state.sent).await;
            return None;
        }
        Order::TrapExit(on) => {
            ctx.trap_exit(on);
            Ok(())
        }
    };
    // Who gave the order may have stopped waiting.
    let _ = answer.send(done.map(|()| json!({})));
    None
}

/// Each message begins with its number. What cannot be sent any more ends the flood.
async fn flood(ctx: &Context, to: Pid, messages: u64, bytes: u64, sent: &AtomicU64) {
    for number in 0..messages {
        let mut message = vec![0; usize::try_from(bytes).unwrap_or_default()];
        let number = u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
        message.iter_mut().zip(number).for_each(|(byte, digit)| *byte = digit);
        if ctx.send(to, message).await.is_err() {
            return;
        }
        sent.fetch_add(1, Ordering::Relaxed);
    }
}

/// Replies to a call that the process has, and keeps: a second reply has nowhere to go.
async fn reply(state: &State, number: u64, term: &Content) -> Result<(), String> {
    match state.calls.0.get(number)?.reply(term).await {
        Ok(()) | Err(ReplyError::Over) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Pids(pids) => {
                let mut tuple = serializer.serialize_tuple(pids.len())?;
                pids.iter().try_for_each(|pid| tuple.serialize_element(pid))?;
                tuple.end()
            }
            Self::Letters(count) => serializer.serialize_str(&"x".repeat(*count)),
        }
    }
}

/// The processes in a term, in their order; none, if it is no term.
pub(super) fn places(message: &Message, node: &Node) -> Vec<Value> {
    let pids = message.term_pids();
    let mut places = Vec::new();
    let read = pids.terms().for_each_pid(message.as_bytes(), Reading::Compatible, |_, pid| {
        places.push(process(pids.pid(pid), node));
    });
    if read.is_err() {
        places.clear();
    }
    places
}

fn sight(received: &Received, node: &Node, state: &State) -> Value {
    match received {
        Received::Message(message) if message.is_term() => json!({"term": places(message, node)}),
        Received::Call(call) => {
            let (from, term) = (process(call.from(), node), places(call.message(), node));
            json!({"called": from, "call": state.calls.0.note(call), "term": term})
        }
        Received::Message(message) => json!({"message": hex::encode(message.as_bytes())}),
        Received::Exit { from, reason } => {
            json!({"exit": process(*from, node), "reason": to_json(reason, node)})
        }
        Received::Down { reference, from, reason } => json!({
            "down": process(*from, node),
            "monitor": state.by_name.get(reference).copied().unwrap_or_else(|| reference.number()),
            "reason": to_json(reason, node),
        }),
        Received::NodeUp { name } => json!({"nodeup": &**name}),
        Received::NodeDown { name } => json!({"nodedown": &**name}),
        other => json!({"other": format!("{other:?}")}),
    }
}
