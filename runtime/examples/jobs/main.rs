//! A queue of jobs: `jobs queue q@127.0.0.1:4000` in one program, `jobs worker NAME q@127.0.0.1:4000` in others, the cookie in
//! SNOW_COOKIE. Each line that the queue reads is a job. It is tried again when its worker fails, is killed or is not
//! reached. A queue that fails is started again with its jobs, so one that was being done is done twice; a queue that fails
//! again and again ends its program. Told to stop, the queue waits for the jobs that it has, and a worker for the one that it
//! does.

mod queue;
mod worker;

use std::env;
use std::error::Error;
use std::time::Duration;

use snow_dist_runtime::Node;
use snow_dist_runtime::signals::until_told_to_stop;
use snow_dist_runtime::supervisor::{Child, Strategy, Supervisor};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::task::JoinSet;

use queue::{Ask, ask};

#[tokio::main]
async fn main() {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let arguments: Vec<_> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["queue", name] => keep_queue(name).await,
        ["worker", name, queue] => run_workers(name, queue).await,
        _ => Err("usage: jobs queue NAME | jobs worker NAME QUEUE".into()),
    };
    if let Err(error) = &done {
        eprintln!("{error}");
    }
    // Not by returning: whoever reads the input may wait for a line yet, and tokio for that.
    std::process::exit(i32::from(done.is_err()))
}

fn cookie() -> Result<String, String> {
    env::var("SNOW_COOKIE").map_err(|error| format!("SNOW_COOKIE: {error}"))
}

async fn keep_queue(name: &str) -> Result<(), Box<dyn Error>> {
    let prepared = Node::builder(name).cookie(cookie()?).prepare().await?;
    let queue = Supervisor::new(Strategy::OneForOne).child(Child::starting("queue", queue::run));
    let queue = queue.start(prepared.node())?;
    // Nobody finds a node without its queue.
    queue.started().await.map_err(|why| why.to_string())?;
    let node = prepared.listen();
    println!("{} listens", node.name());
    // A program should not outlive its outermost supervisor.
    let done = tokio::select! { done = take_jobs(&node) => done, why = queue.ended() => Err(why.to_string().into()) };
    node.shutdown_within(Duration::from_secs(1)).await;
    done
}

async fn take_jobs(node: &Node) -> Result<(), Box<dyn Error>> {
    let mut jobs = JoinSet::new();
    let (mut lines, mut stop) = (BufReader::new(stdin()).lines(), std::pin::pin!(until_told_to_stop()));
    while let Some(line) = tokio::select! {
        line = lines.next_line() => line?,
        told = &mut stop => told.map(|()| None)?,
    } {
        let node = node.clone();
        jobs.spawn(async move {
            let outcome = ask(&node, |reply| Ask::Submit(line.clone(), reply)).await.flatten();
            println!("{line}: {}", outcome.unwrap_or_else(|why| format!("failed: {why}")));
        });
    }
    tokio::select! {
        () = async { while jobs.join_next().await.is_some() {} } => println!("{:?}", ask(node, Ask::Count).await?),
        _ = until_told_to_stop() => println!("stopped before all jobs were done"),
    }
    Ok(())
}

async fn run_workers(name: &str, queue: &str) -> Result<(), Box<dyn Error>> {
    let node = Node::builder(name).cookie(cookie()?).keep_connected([queue]).start().await?;
    let queue = queue.to_owned();
    let worker = Child::new("worker", move |ctx| worker::work(ctx, queue.clone()));
    // Jobs that panic are expected.
    let pool = Supervisor::new(Strategy::OneForOne).restarts(100, Duration::from_secs(10));
    let pool = pool.child(worker.stops_within(worker::JOB_TIME)).start(&node)?;
    tokio::select! { told = until_told_to_stop() => told?, why = pool.ended() => return Err(why.to_string().into()) }
    let left = node.shutdown_within(2 * worker::JOB_TIME).await;
    if left.is_empty() { Ok(()) } else { Err(format!("killed: {left:?}").into()) }
}
