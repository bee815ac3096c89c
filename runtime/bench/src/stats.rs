//! What it costs to ask a node for its numbers while it runs very many processes: the time of each call, and what two processes
//! that send each other messages lose meanwhile. One node, two threads.

use std::future::pending;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};
use cpu_time::ThreadTime;
use snow_dist_runtime::{Context, Node, Pid};
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::meter::median;

/// How many processes there are.
const CROWDS: [usize; 3] = [1_000, 100_000, 1_000_000];

/// How long the ping-pong is measured each time.
const TIME: Duration = Duration::from_millis(300);

/// From one call to the next, as an operator's tool may ask at the most.
const EVERY: Duration = Duration::from_millis(100);

/// What is asked for.
#[derive(Clone, Copy)]
struct Asked {
    name: &'static str,
    ask: fn(&Node),
}

const ASKED: [Asked; 2] = [
    Asked { name: "`Node::stats`", ask: |node| drop(black_box(node.stats())) },
    Asked { name: "`Node::processes`", ask: |node| drop(black_box(node.processes())) },
];

/// Prints a row for each number of processes and each question.
pub(crate) fn run(rounds: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    table.set_header([
        "asked",
        "processes",
        "a call, ms",
        "processor time of it, ms",
        "ping-pong beside one each 100 ms",
        "longest trip alone, ms",
        "beside it, ms",
    ]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for crowd in CROWDS {
        for (name, measured) in runtime.block_on(measure(crowd, rounds))? {
            let of = |value: fn(&Measured) -> f64| median(measured.iter().map(value));
            table.add_row([
                name.to_owned(),
                crowd.to_string(),
                format!("{:.2}", of(|it| it.call)),
                format!("{:.2}", of(|it| it.cpu)),
                format!("{:.2}", of(|it| it.trips_part)),
                format!("{:.2}", of(|it| it.longest_alone)),
                format!("{:.2}", of(|it| it.longest)),
            ]);
        }
    }
    println!("One node, two threads; medians of {rounds} rounds.\n\n{table}");
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

struct Measured {
    /// Milliseconds, and those of a processor: what the call itself takes on a machine that has other work.
    call: f64,
    cpu: f64,
    /// Trips while it is asked, of those while it is not.
    trips_part: f64,
    /// The longest trips, in milliseconds.
    longest_alone: f64,
    longest: f64,
}

async fn measure(crowd: usize, rounds: usize) -> Result<Vec<(&'static str, Vec<Measured>)>> {
    let node = Node::alone(Handle::current());
    for _ in 0..crowd {
        node.spawn(async |_ctx: Context| pending::<()>().await)?;
    }
    let pingpong = PingPong::start(&node)?;
    let mut all: Vec<_> = ASKED.iter().map(|asked| (asked.name, Vec::new())).collect();
    for _ in 0..rounds {
        for (asked, (_, measured)) in ASKED.iter().zip(&mut all) {
            let (alone, longest_alone) = pingpong.during(sleep(TIME)).await;
            let (mut calls, until) = (Vec::new(), Instant::now() + TIME);
            let asking = async {
                while Instant::now() < until {
                    let (node, asked) = (node.clone(), *asked);
                    // As a task of its own, as a server of metrics would.
                    let call = tokio::spawn(async move {
                        let (begun, cpu) = (Instant::now(), ThreadTime::now());
                        (asked.ask)(&node);
                        (cpu.elapsed(), begun.elapsed())
                    });
                    calls.push(call.await.context("a question")?);
                    sleep(EVERY).await;
                }
                Ok::<_, anyhow::Error>(())
            };
            let begun = Instant::now();
            let mut done = Ok(());
            let (trips, longest) = pingpong.during(async { done = asking.await }).await;
            done?;
            let trips_part = (trips / begun.elapsed().as_secs_f64()) / (alone / TIME.as_secs_f64());
            let call = median(calls.iter().map(|(_, wall)| millis(*wall)));
            let cpu = median(calls.iter().map(|(cpu, _)| millis(*cpu)));
            measured.push(Measured { call, cpu, trips_part, longest_alone, longest });
        }
    }
    pingpong.stop.store(true, Ordering::Relaxed);
    Ok(all)
}

/// Two processes that send each other a message, without a pause.
struct PingPong {
    trips: Arc<AtomicU64>,
    /// Nanoseconds.
    longest: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl PingPong {
    fn start(node: &Node) -> Result<Self> {
        let ping = Self { trips: Arc::default(), longest: Arc::default(), stop: Arc::default() };
        let (trips, longest, stop) = (ping.trips.clone(), ping.longest.clone(), ping.stop.clone());
        node.spawn(async move |mut ctx: Context| -> Result<()> {
            let ping = ctx.pid();
            let pong = ctx.spawn(move |ctx: Context| pong(ctx, ping))?;
            while !stop.load(Ordering::Relaxed) {
                let begun = Instant::now();
                trip(&mut ctx, pong).await?;
                trips.fetch_add(1, Ordering::Relaxed);
                let taken = u64::try_from(begun.elapsed().as_nanos())?;
                longest.fetch_max(taken, Ordering::Relaxed);
            }
            Ok(())
        })?;
        Ok(ping)
    }

    /// Trips while something else is done, and the longest of them in milliseconds.
    async fn during(&self, other: impl Future<Output = ()>) -> (f64, f64) {
        self.longest.store(0, Ordering::Relaxed);
        let before = self.trips.load(Ordering::Relaxed);
        other.await;
        let trips = self.trips.load(Ordering::Relaxed) - before;
        (trips as f64, self.longest.load(Ordering::Relaxed) as f64 / 1e6)
    }
}

async fn trip(ctx: &mut Context, pong: Pid) -> Result<()> {
    ctx.send(pong, &[]).await?;
    ctx.recv().await;
    Ok(())
}

/// Answers every message to this process.
async fn pong(mut ctx: Context, ping: Pid) -> Result<()> {
    loop {
        ctx.recv().await;
        ctx.send(ping, &[]).await?;
    }
}
