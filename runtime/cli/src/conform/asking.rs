//! Calls of the processes of `snow-dist conform-node`, and their monitors of names. Both are waited for by the process that
//! asks, so it goes on to do as it is ordered, and takes nothing out of its mailbox until all is answered.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use serde_json::{Value, json};
use snow_dist_codec::Pid as WirePid;
use snow_dist_codec::stf::Encoder;
use snow_dist_runtime::core::{SpawnTie, Term};
use snow_dist_runtime::{CallError, Context, MonitorNamedError, MonitorRef, Pid, Reason, SpawnOnError};
use tokio::sync::mpsc::UnboundedReceiver;

use super::processes::{Content, Order, Ordered, State, obey, places};
use super::reasons::{process, to_json};

/// What a process asks.
#[derive(Debug)]
pub(super) enum Question {
    Call(Pid, Term),
    CallNamed { name: String, node: String, term: Term },
    MonitorNamed { name: String, node: String },
    Request { node: String, function: String, tie: SpawnTie, arguments: Content },
}

/// What comes of it.
enum Answer {
    Seen(Value),
    Named(MonitorRef, Pid),
    /// A process that was asked for runs, and is monitored.
    Monitored(MonitorRef, Pid),
    Refused(String),
}

type Asked<'c> = (u64, Pin<Box<dyn Future<Output = Answer> + Send + 'c>>);

/// Numbers of calls and of monitors by name begin here, where those of other monitors do not come.
static NUMBERS: AtomicU64 = AtomicU64::new(1 << 40);

/// Longer than any case.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Does as ordered, and goes on with that as long as an answer is awaited. Gives the reason to end with, if that was it.
pub(super) async fn obey_all(
    ctx: &Context,
    state: &mut State,
    first: Ordered,
    ordered: &mut UnboundedReceiver<Ordered>,
    seen: &Mutex<Vec<Value>>,
) -> Option<Reason> {
    let mut asked: Vec<Asked<'_>> = Vec::new();
    let mut next = Some(first);
    loop {
        match next.take() {
            Some((Order::Ask(question), told)) => {
                let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
                let mut answer: Pin<Box<dyn Future<Output = Answer> + Send>> =
                    Box::pin(ask(ctx, question, number));
                let at_once = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
                let mut done = Ok(json!({"call": number, "monitor": number, "request": number}));
                match at_once {
                    Poll::Ready(Answer::Refused(why)) => done = Err(why),
                    Poll::Ready(answer) => note(ctx, state, number, answer, seen),
                    Poll::Pending => asked.push((number, answer)),
                }
                let _ = told.send(done);
            }
            Some((Order::GiveUp(number) | Order::Demonitor(number), told))
                if asked.iter().any(|(of, _)| *of == number) =>
            {
                asked.retain(|(of, _)| *of != number);
                let _ = told.send(Ok(json!({})));
            }
            Some((order, told)) => {
                if let Some(reason) = obey(ctx, state, order, told).await {
                    return Some(reason);
                }
            }
            None => {}
        }
        if asked.is_empty() {
            return None;
        }
        tokio::select! {
            biased;
            (number, answer) = first_of(&mut asked) => note(ctx, state, number, answer, seen),
            order = ordered.recv() => match order {
                Some(order) => next = Some(order),
                None => std::future::pending().await,
            },
        }
    }
}

/// The first answer that comes; what it answers is taken out.
async fn first_of(asked: &mut Vec<Asked<'_>>) -> (u64, Answer) {
    poll_fn(|context| {
        for place in 0..asked.len() {
            let Some((number, question)) = asked.get_mut(place) else { break };
            if let Poll::Ready(answer) = question.as_mut().poll(context) {
                let number = *number;
                drop(asked.remove(place));
                return Poll::Ready((number, answer));
            }
        }
        Poll::Pending
    })
    .await
}

fn note(ctx: &Context, state: &mut State, number: u64, answer: Answer, seen: &Mutex<Vec<Value>>) {
    let sight = match answer {
        Answer::Seen(sight) => sight,
        Answer::Named(monitor, pid) => {
            state.monitors.insert(number, monitor);
            state.by_name.insert(monitor, number);
            json!({"named": process(pid, &ctx.node()), "monitor": number})
        }
        Answer::Monitored(monitor, pid) => {
            state.monitors.insert(number, monitor);
            state.by_name.insert(monitor, number);
            json!({"spawned": process(pid, &ctx.node()), "request": number, "status": 0})
        }
        Answer::Refused(why) => json!({"refused": why, "call": number}),
    };
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(sight);
}

async fn ask(ctx: &Context, question: Question, number: u64) -> Answer {
    let replied = match question {
        Question::Call(to, term) => ctx.call_written(to, term, LONGEST).await,
        Question::CallNamed { name, node, term } => ctx.call_named_written(&name, &node, term, LONGEST).await,
        Question::MonitorNamed { name, node } => {
            return match ctx.monitor_named(&name, &node).await {
                Ok((monitor, pid)) => Answer::Named(monitor, pid),
                Err(error) => not_named(ctx, error, &node, number),
            };
        }
        Question::Request { node, function, tie, arguments } => {
            return request(ctx, &node, &function, tie, &arguments, number).await;
        }
    };
    match replied {
        Ok(reply) => Answer::Seen(json!({"reply": places(&reply, &ctx.node()), "call": number})),
        Err(CallError::ReplyLost) => Answer::Seen(json!({"reply": null, "call": number})),
        Err(error) => not_replied(ctx, error, number),
    }
}

async fn request(
    ctx: &Context,
    node: &str,
    function: &str,
    tie: SpawnTie,
    arguments: &Content,
    number: u64,
) -> Answer {
    let spawned = match tie {
        SpawnTie::None => ctx.spawn_on(node, function, arguments).await,
        SpawnTie::Link => ctx.spawn_link_on(node, function, arguments).await,
        SpawnTie::Monitor => match ctx.spawn_monitor_on(node, function, arguments).await {
            Ok((pid, monitor)) => return Answer::Monitored(monitor, pid),
            Err(error) => Err(error),
        },
    };
    let (pid, status) = match spawned {
        Ok(pid) => (process(pid, &ctx.node()), json!(0)),
        Err(error) => match status_of(&error) {
            Some(status) => (Value::Null, status),
            None => return Answer::Refused(error.to_string()),
        },
    };
    Answer::Seen(json!({"spawned": pid, "request": number, "status": status}))
}

/// The status that says why a process was not started; nothing if the request was not sent.
fn status_of(error: &SpawnOnError) -> Option<Value> {
    Some(match error {
        SpawnOnError::ConnectionLost { .. } | SpawnOnError::NotConnected { .. } => json!("noconnection"),
        SpawnOnError::NotOffered { .. } => json!(1),
        SpawnOnError::NotTied { .. } => json!(2),
        SpawnOnError::TooMany { .. } => json!(3),
        SpawnOnError::Stopped { .. } => json!(4),
        SpawnOnError::Status { status, .. } => json!(status),
        _ => return None,
    })
}

fn not_replied(ctx: &Context, error: CallError, number: u64) -> Answer {
    let reason = match error {
        CallError::Ended(reason) => reason,
        CallError::NotConnected => Reason::Noconnection,
        CallError::Unanswered => Reason::error("unanswered"),
        CallError::NoRoom => Reason::error("full"),
        other => return Answer::Refused(other.to_string()),
    };
    Answer::Seen(json!({"call_ended": to_json(&reason, &ctx.node()), "call": number}))
}

fn not_named(ctx: &Context, error: MonitorNamedError, node: &str, number: u64) -> Answer {
    let reason = match error {
        MonitorNamedError::Nobody => Reason::error("noproc"),
        MonitorNamedError::NotConnected => Reason::Noconnection,
        MonitorNamedError::NotMonitored(reason) => reason,
        other => return Answer::Refused(other.to_string()),
    };
    let nobody = json!({"node": node, "process": 0});
    Answer::Seen(json!({"down": nobody, "monitor": number, "reason": to_json(&reason, &ctx.node())}))
}

/// A term that is written already.
pub(super) fn written(content: &Content) -> Result<Term, String> {
    let mut bytes = Vec::new();
    let pids = encode(content, &mut bytes).map_err(|error| error.to_string())?;
    Term::new(bytes, pids).map_err(|error| error.to_string())
}

/// Each pid is written as its number among those that are given.
fn encode<'c>(content: &'c Content, bytes: &mut Vec<u8>) -> Result<&'c [Pid], Box<dyn Error>> {
    let mut encoder = Encoder::new(bytes);
    let pids = match content {
        Content::Pids(pids) => {
            encoder.tuple(pids.len())?;
            (0..pids.len()).for_each(|number| encoder.pid(WirePid::from_bits(number as u64)));
            pids.as_slice()
        }
        Content::Letters(count) => {
            encoder.str("x".repeat(*count).as_str().into())?;
            &[]
        }
    };
    encoder.finish()?;
    Ok(pids)
}
