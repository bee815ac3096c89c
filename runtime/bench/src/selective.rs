//! What waiting for one message costs a process in whose mailbox others wait that it does not want. All in one process of
//! the system and on one thread.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};
use snow_dist_runtime::{Context, Node, Pid, Received};
use tokio::sync::oneshot;

use crate::child::Values;
use crate::meter::median;

/// How many messages wait.
const WAITING: [usize; 3] = [0, 1_000, 100_000];
/// Unwanted messages before each wanted one, where that is what is measured.
const UNWANTED: usize = 100;
/// What is timed goes on for so long, and at least so often.
const TIME: Duration = Duration::from_millis(300);
const TIMES: u32 = 10;
/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is waited for, and how.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    AnswerWhere,
    AnswerSelected,
    AnswerCalled,
    UnwantedKept,
    UnwantedWhere,
    UnwantedSelected,
}

impl Way {
    const fn title(self) -> &'static str {
        match self {
            Self::AnswerWhere => "a question and its answer, `recv_where`",
            Self::AnswerSelected => "a question and its answer, `select_from_now`",
            Self::AnswerCalled => "a call and its reply, `call`",
            Self::UnwantedKept => "a message that is not wanted, one `recv_where` for all",
            Self::UnwantedWhere => "a message that is not wanted, `recv_where` dropped and called again",
            Self::UnwantedSelected => {
                "a message that is not wanted, `recv_selected` dropped and called again"
            }
        }
    }

    /// Messages for each answer, and of what one is timed.
    const fn messages(self) -> usize {
        match self {
            Self::AnswerWhere | Self::AnswerSelected | Self::AnswerCalled => 1,
            _ => UNWANTED + 1,
        }
    }
}

/// Prints the table.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(rounds: usize) -> Result<()> {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header(std::iter::once("ns".to_owned()).chain(WAITING.map(|count| format!("{count} waiting"))));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for way in Way::value_variants() {
        let mut row = vec![way.title().to_owned()];
        for waiting in WAITING {
            let mut nanos = Vec::new();
            for _ in 0..rounds {
                nanos.push(time(*way, waiting).await?);
            }
            row.push(format!("{:.0}", median(nanos)));
        }
        table.add_row(row);
    }
    println!("{table}");
    Ok(())
}

/// What an answer costs beside so many messages that wait, by looking at all of them and at none.
pub(crate) async fn values(waiting: usize) -> Result<Values> {
    let ns = time(Way::AnswerWhere, waiting).await?;
    Ok(vec![("ns", ns), ("select_ns", time(Way::AnswerSelected, waiting).await?)])
}

/// Nanoseconds for each message that comes, beside so many that wait.
async fn time(way: Way, waiting: usize) -> Result<f64> {
    let node = Node::alone(tokio::runtime::Handle::current());
    let answers = node.spawn(async move |ctx| answer(ctx, way.messages() - 1).await)?;
    let (done, is_done) = oneshot::channel();
    node.spawn(async move |mut ctx: Context| {
        for _ in 0..waiting {
            if ctx.send(ctx.pid(), "waits").await.is_err() {
                return;
            }
        }
        let (mut took, mut times) = (Duration::ZERO, 0);
        while times < TIMES || took < TIME {
            let mut unwanted = ctx.select_from_now(is_unwanted);
            let begun = Instant::now();
            if ask(&mut ctx, answers, way).await.is_err() {
                return;
            }
            took += begun.elapsed();
            times += 1;
            // The next one finds as many as this one.
            for _ in 1..way.messages() {
                ctx.recv_selected(&mut unwanted).await;
            }
        }
        let _ = done.send(took.as_secs_f64() * 1e9 / f64::from(times) / way.messages() as f64);
    })?;
    let nanos = is_done.await.context("the process that asks has ended")?;
    node.shutdown().await;
    Ok(nanos)
}

/// Sends whoever asks so many messages that it does not want, one by one, and then the answer.
async fn answer(mut ctx: Context, unwanted: usize) {
    loop {
        let question = match ctx.recv().await {
            Received::Message(question) => question,
            Received::Call(call) => {
                let _ = call.reply("answer").await;
                continue;
            }
            _ => return,
        };
        let Ok(asks) = question.term::<Pid>() else { return };
        for _ in 0..unwanted {
            let _ = ctx.send(asks, "unwanted").await;
            // So that each of them wakes it.
            tokio::task::yield_now().await;
        }
        let _ = ctx.send(asks, "answer").await;
    }
}

fn says(received: &Received, text: &str) -> bool {
    matches!(received, Received::Message(message) if message.as_bytes() == text.as_bytes())
}

fn is_answer(received: &Received) -> bool {
    says(received, "answer")
}

fn is_unwanted(received: &Received) -> bool {
    says(received, "unwanted")
}

async fn ask(ctx: &mut Context, answers: Pid, way: Way) -> Result<()> {
    if matches!(way, Way::AnswerCalled) {
        ctx.call::<String>(answers, &ctx.pid(), PATIENCE).await?;
        return Ok(());
    }
    let mut selection = ctx.select_from_now(is_answer);
    ctx.send_term(answers, &ctx.pid()).await?;
    match way {
        Way::AnswerWhere | Way::UnwantedKept => drop(ctx.recv_where(is_answer).await),
        Way::UnwantedWhere => while !comes(ctx.recv_where(is_answer)).await {},
        Way::UnwantedSelected => while !comes(ctx.recv_selected(&mut selection)).await {},
        Way::AnswerSelected | Way::AnswerCalled => drop(ctx.recv_selected(&mut selection).await),
    }
    Ok(())
}

/// Whether this comes before the process is woken for something else; then it is dropped.
async fn comes(receives: impl Future<Output = Received>) -> bool {
    let (mut receives, mut has_waited) = (pin!(receives), false);
    poll_fn(|cx| match receives.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending if std::mem::replace(&mut has_waited, true) => Poll::Ready(false),
        Poll::Pending => Poll::Pending,
    })
    .await
}
