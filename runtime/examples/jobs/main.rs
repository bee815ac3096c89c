//! A queue of jobs: `jobs queue q@127.0.0.1:4000` in one program, `jobs worker NAME q@127.0.0.1:4000` in others, the cookie in
//! SNOW_COOKIE. Each line that the queue reads is a job. It is tried again when its worker fails, is killed or is not
//! reached. Told to stop, the queue waits for the jobs that it has, and a worker for the one that it does.

mod queue;
mod worker;

use std::env;
use std::error::Error;
use std::time::Duration;

use snow_dist_runtime::signals::until_told_to_stop;
use snow_dist_runtime::supervisor::{Child, Strategy, Supervisor};
use snow_dist_runtime::{Node, server};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::task::JoinSet;

use queue::{Ask, QUEUE, Queue};

/// Longer than all that is left to do may take.
const PATIENCE: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["queue", name] => keep_queue(name).await,
        ["worker", name, queue] => run_workers(name, queue).await,
        _ => Err("usage: jobs queue NAME | jobs worker NAME QUEUE".into()),
    }
}

async fn keep_queue(name: &str) -> Result<(), Box<dyn Error>> {
    // Nobody finds a node without its queue.
    let prepared = Node::builder(name).cookie(env::var("SNOW_COOKIE")?).prepare().await?;
    let queue = server::start(prepared.node(), Queue::default())?;
    prepared.node().register(QUEUE, queue.pid())?;
    let node = prepared.listen();
    println!("{} listens", node.name());
    let mut jobs = JoinSet::new();
    let (mut lines, mut stop) = (BufReader::new(stdin()).lines(), std::pin::pin!(until_told_to_stop()));
    while let Some(line) = tokio::select! {
        line = lines.next_line() => line?,
        told = &mut stop => told.map(|()| None)?,
    } {
        let node = node.clone();
        jobs.spawn(async move {
            let outcome = queue.call(&node, |reply| Ask::Submit(line.clone(), reply), PATIENCE).await;
            match outcome.map_err(|error| error.to_string()).flatten() {
                Ok(result) => println!("{line}: {result}"),
                Err(why) => println!("{line}: failed: {why}"),
            }
        });
    }
    tokio::select! {
        counts = async {
            while jobs.join_next().await.is_some() {}
            queue.call(&node, Ask::Drain, PATIENCE).await
        } => println!("{:?}", counts?),
        _ = until_told_to_stop() => println!("stopped before all jobs were done"),
    }
    node.shutdown_within(Duration::from_secs(1)).await;
    // Whoever reads the input may wait for a line yet, and tokio for that.
    std::process::exit(0)
}

async fn run_workers(name: &str, queue: &str) -> Result<(), Box<dyn Error>> {
    let node = Node::builder(name).cookie(env::var("SNOW_COOKIE")?).keep_connected([queue]).start().await?;
    let queue = queue.to_owned();
    let worker =
        Child::new("worker", move |ctx| worker::work(ctx, queue.clone())).stops_within(worker::JOB_TIME);
    // Jobs that panic are expected.
    Supervisor::new(Strategy::OneForOne).restarts(100, Duration::from_secs(10)).child(worker).start(&node)?;
    until_told_to_stop().await?;
    let left = node.shutdown_within(2 * worker::JOB_TIME).await;
    if left.is_empty() { Ok(()) } else { Err(format!("killed: {left:?}").into()) }
}
