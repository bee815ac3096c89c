//! A call to an idle process of another node and its reply, beside two messages that are terms, there and back. Both nodes are in
//! one process of the system, with TLS between them, on one thread and one core.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use snow_dist_runtime::{Context, Node, Pid, Received};
use tokio::sync::oneshot;

use crate::meter::median;

/// Round trips of one turn.
const TRIPS: u32 = 2_000;
/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Prints the medians, and their ratio.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(rounds: usize) -> Result<()> {
    if let Some(core) = core_affinity::get_core_ids().and_then(|cores| cores.into_iter().next()) {
        core_affinity::set_for_current(core);
    }
    let start = async |name: &str| Node::builder(format!("{name}@127.0.0.1:0")).cookie(COOKIE).start().await;
    let (a, b) = (start("a").await?, start("b").await?);
    a.connect(b.name()).await?;
    let answers = b.spawn(answer)?;
    let answers = a.pid_on(b.name(), answers.local()).context("there is no session")?;
    let (done, is_done) = oneshot::channel();
    a.spawn(async move |mut ctx: Context| {
        let mut nanos: [Vec<f64>; 2] = Default::default();
        // The first turn warms up.
        for round in 0..=rounds {
            let taken = [messages(&mut ctx, answers).await, calls(&ctx, answers).await];
            for (all, taken) in nanos.iter_mut().zip(taken) {
                let Some(taken) = taken else { return };
                if round > 0 {
                    all.push(taken.as_secs_f64() * 1e9 / f64::from(TRIPS));
                }
            }
        }
        let _ = done.send(nanos);
    })?;
    let [by_messages, by_calls] = is_done.await.context("the process that asks has ended")?;
    let ratio = median(by_calls.iter().zip(&by_messages).map(|(call, message)| call / message));
    println!("SEND_TERM there and back: {:.0} ns", median(by_messages));
    println!("a call and its reply:     {:.0} ns, {ratio:.2} times", median(by_calls));
    Ok(())
}

const COOKIE: &str = "only for this benchmark: two nodes in one process";

/// Sends back what it is sent, and replies with what it is asked.
async fn answer(mut ctx: Context) {
    loop {
        match ctx.recv().await {
            Received::Message(message) => {
                let Ok((asks, number)) = message.term::<(Pid, u64)>() else { return };
                let _ = ctx.send_term(asks, &(asks, number)).await;
            }
            Received::Call(call) => {
                let Ok((asks, number)) = call.term::<(Pid, u64)>() else { return };
                let _ = call.reply(&(asks, number)).await;
            }
            _ => return,
        }
    }
}

async fn messages(ctx: &mut Context, answers: Pid) -> Option<Duration> {
    let begun = Instant::now();
    for number in 0..u64::from(TRIPS) {
        ctx.send_term(answers, &(ctx.pid(), number)).await.ok()?;
        let (_, back) = ctx.recv().await.into_message()?.term::<(Pid, u64)>().ok()?;
        (back == number).then_some(())?;
    }
    Some(begun.elapsed())
}

async fn calls(ctx: &Context, answers: Pid) -> Option<Duration> {
    let begun = Instant::now();
    for number in 0..u64::from(TRIPS) {
        let (_, back): (Pid, u64) = ctx.call(answers, &(ctx.pid(), number), PATIENCE).await.ok()?;
        (back == number).then_some(())?;
    }
    Some(begun.elapsed())
}
