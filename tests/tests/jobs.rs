//! The job queue of `runtime/examples/jobs`, whose processes fail, whose programs are killed and whose network is cut and stalls.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../../runtime/examples/jobs/queue.rs"]
mod queue;
#[path = "../../runtime/examples/jobs/worker.rs"]
mod worker;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use snow_dist_runtime::supervisor::{self, Strategy, Supervisor};
use snow_dist_runtime::testing::{SimulatedNetwork, until};
use snow_dist_runtime::{Context, Node, Reason};
use snow_dist_tests::program::COOKIE;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::sleep;

use queue::{Ask, Counts, Outcome, QUEUE, ask};

const LONG: Duration = Duration::from_secs(600);

/// A queue on the host `q`, and a worker on each of `one` and `two`.
struct Cluster {
    network: SimulatedNetwork,
    node: Node,
    /// Its queue panics when it is notified.
    panics: Arc<Notify>,
    workers: Vec<Node>,
}

impl Cluster {
    async fn start() -> Self {
        let network = SimulatedNetwork::new();
        let builder = Node::builder("queue@q:1").cookie(COOKIE);
        let prepared = builder.prepare_on(network.host("q")).await.unwrap();
        let panics = Arc::new(Notify::new());
        let told = panics.clone();
        let queue = supervisor::Child::starting("queue", move |ctx, started| {
            let told = told.clone();
            async move {
                tokio::select! {
                    ended = queue::run(ctx, started) => ended,
                    () = told.notified() => panic!("as the test says"),
                }
            }
        });
        let queue = Supervisor::new(Strategy::OneForOne).child(queue).start(prepared.node()).unwrap();
        queue.started().await.unwrap();
        let mut cluster = Self { node: prepared.listen(), network, panics, workers: Vec::new() };
        for host in ["one", "two"] {
            let node = cluster.worker(host).await;
            cluster.workers.push(node);
        }
        cluster.until_workers(2).await;
        cluster
    }

    async fn worker(&self, host: &str) -> Node {
        let builder = Node::builder(format!("worker@{host}:1")).cookie(COOKIE).keep_connected(["queue@q:1"]);
        let node = builder.start_on(self.network.host(host)).await.unwrap();
        let child = supervisor::Child::new("worker", |ctx| worker::work(ctx, "queue@q:1".to_owned()));
        Supervisor::new(Strategy::OneForOne).restarts(100, LONG).child(child).start(&node).unwrap();
        node
    }

    fn submit(&self, job: &str) -> JoinHandle<Outcome> {
        let (node, job) = (self.node.clone(), job.to_owned());
        tokio::spawn(async move { ask(&node, |reply| Ask::Submit(job.clone(), reply)).await.flatten() })
    }

    async fn counts(&self) -> Counts {
        ask(&self.node, Ask::Count).await.unwrap()
    }

    async fn until_workers(&self, count: usize) {
        for _ in 0..600 {
            if self.counts().await.workers == count {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
        panic!("there are never {count} workers");
    }
}

async fn done(job: JoinHandle<Outcome>) -> Outcome {
    job.await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn jobs_are_done_or_fail_after_three_tries() {
    let cluster = Cluster::start().await;
    let panics = cluster.submit("panic");
    let endless = cluster.submit("forever");
    let good: Vec<_> = (0..20).map(|_| cluster.submit("sleep 100")).collect();
    for job in good {
        assert_eq!(done(job).await, Ok("9".to_owned()));
    }
    assert_eq!(done(cluster.submit("word")).await, Ok("4".to_owned()));
    assert!(done(panics).await.unwrap_err().contains("panic: as the job says"));
    assert_eq!(done(endless).await, Err("not done in 5s".to_owned()));
    let Counts { submitted, done, failed, tried_again, .. } = cluster.counts().await;
    assert_eq!((submitted, done, failed, tried_again), (23, 21, 2, 2));
}

/// Sends the queue of this node an exit signal.
async fn end_queue(ctx: &Context, name: &str) -> bool {
    let Ok(queue) = ctx.whereis_on(QUEUE, name).await else { return false };
    let Some(queue) = queue else { return true };
    ctx.send_exit(queue, Reason::error("away with it")).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_a_member_ends_or_that_panics_is_started_again_with_its_jobs() {
    let cluster = Cluster::start().await;
    for panics in [false, true] {
        let before = cluster.node.whereis(QUEUE).unwrap();
        let jobs = ["sleep 4000", "sleep 4000", "word"].map(|job| cluster.submit(job));
        sleep(Duration::from_secs(1)).await;
        if panics {
            cluster.panics.notify_one();
        } else {
            let ends = async |ctx: Context| assert!(end_queue(&ctx, "queue@q:1").await);
            cluster.workers[0].spawn(ends).unwrap();
        }
        until("its end", || !cluster.node.is_alive(before)).await;
        for (job, result) in jobs.into_iter().zip(["10", "10", "4"]) {
            assert_eq!(done(job).await, Ok(result.to_owned()));
        }
        // It has all of them again, and counts anew.
        let Counts { submitted, done, workers, .. } = cluster.counts().await;
        assert_eq!((submitted, done, workers), (3, 3, 2));
    }
    let stats = cluster.node.stats();
    assert_eq!((stats.supervisors.restarts, stats.supervisors.gave_up), (2, 0));
    let ended = stats.processes.ended;
    assert_eq!((ended.by_signal, ended.panicked), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_worker_is_not_reached_is_done_by_another() {
    let lose: [fn(&SimulatedNetwork); 3] = [
        |network| network.cut("q", "one"),
        |network| network.stall("q", "one"),
        |network| network.crash("one"),
    ];
    for lose in lose {
        let mut cluster = Cluster::start().await;
        // One for each worker.
        let jobs = [cluster.submit("sleep 4000"), cluster.submit("sleep 4000")];
        sleep(Duration::from_secs(1)).await;
        lose(&cluster.network);
        cluster.workers[0].shutdown().await;
        for job in jobs {
            assert_eq!(done(job).await, Ok("10".to_owned()));
        }
        assert_eq!(cluster.counts().await.tried_again, 1);
        cluster.network.join_all();
        cluster.workers[0] = cluster.worker("one").await;
        cluster.until_workers(2).await;
    }
}

/// The node goes on, and so does its worker.
#[tokio::test(start_paused = true)]
async fn a_worker_finds_the_queue_again() {
    let cluster = Cluster::start().await;
    let jobs = [cluster.submit("sleep 4000"), cluster.submit("sleep 4000")];
    sleep(Duration::from_secs(1)).await;
    cluster.network.cut("q", "two");
    until("the loss", || cluster.node.nodes().len() == 1).await;
    cluster.network.join_all();
    cluster.until_workers(2).await;
    for job in jobs {
        assert_eq!(done(job).await, Ok("10".to_owned()));
    }
}

/// One of the example's programs.
struct Program(Child);

impl Program {
    /// `cargo test` builds it with the tests; a part of them alone needs `cargo build --workspace --example jobs` before.
    fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, |command| command.env("SNOW_COOKIE", COOKIE))
    }

    fn start_with(arguments: &[&str], set: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let tests = std::env::current_exe().unwrap();
        let program = tests.parent().unwrap().parent().unwrap().join("examples/jobs");
        assert!(program.exists(), "{} is missing: cargo build --workspace --example jobs", program.display());
        let mut command = Command::new(program);
        set(command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()));
        Self(command.spawn().unwrap())
    }

    /// Waits for its end. Returns its exit code and the last line of what it says of it.
    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.0.wait().unwrap().code(), said.lines().last().unwrap_or_default().to_owned())
    }
}

fn with_cookie(command: &mut Command) -> &mut Command {
    command.env("SNOW_COOKIE", COOKIE).stderr(Stdio::piped())
}

fn without_cookie(command: &mut Command) -> &mut Command {
    command.env_remove("SNOW_COOKIE").stderr(Stdio::piped())
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_job_whose_worker_is_killed_is_done_by_the_next() {
    let mut queue = Program::start(&["queue", "queue@127.0.0.1:0"]);
    let mut says = BufReader::new(queue.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let listens = says.next().unwrap();
    let name = listens.strip_suffix(" listens").unwrap();
    let mut first = Program::start(&["worker", "first@127.0.0.1:0", name]);
    let mut jobs = queue.0.stdin.take().unwrap();
    jobs.write_all(b"sleep 2000\n").unwrap();
    let mut begun = BufReader::new(first.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(begun.next().unwrap(), "sleep 2000: begins");
    first.0.kill().unwrap();
    let _second = Program::start(&["worker", "second@127.0.0.1:0", name]);
    assert_eq!(says.next().unwrap(), "sleep 2000: 10");
    drop(jobs);
    let counts = "Counts { submitted: 1, done: 1, failed: 0, tried_again: 1, workers: 1 }";
    assert_eq!(says.next().unwrap(), counts);
    assert!(queue.0.wait().unwrap().success());
}

#[tokio::test]
async fn a_program_whose_queue_is_ended_again_and_again_ends_with_an_error() {
    let mut queue = Program::start_with(&["queue", "queue@127.0.0.1:0"], with_cookie);
    let listens = BufReader::new(queue.0.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    let name = listens.strip_suffix(" listens").unwrap().to_owned();
    let member = Node::builder("member@127.0.0.1:0").cookie(COOKIE).start().await.unwrap();
    member.connect(&name).await.unwrap();
    member.spawn(async move |ctx: Context| while end_queue(&ctx, &name).await {}).unwrap();
    let (code, why) = spawn_blocking(|| queue.end()).await.unwrap();
    assert_eq!(code, Some(1));
    assert!(why.contains("restarted more than 3 times in 5s") && why.contains("away with it"), "{why}");
    member.shutdown().await;
}

#[test]
fn what_keeps_a_program_from_starting_is_said_in_words() {
    let nowhere = Program::start_with(&["queue", "queue@0.0.0.0:0"], with_cookie);
    let no_cookie = Program::start_with(&["queue", "queue@127.0.0.1:0"], without_cookie);
    for (program, expected) in [
        (nowhere, "no other node can dial 0.0.0.0: "),
        (no_cookie, "SNOW_COOKIE: environment variable not found"),
    ] {
        let (code, why) = program.end();
        assert!(code == Some(1) && why.starts_with(expected), "{code:?} {why}");
    }
}

/// The README says so.
#[test]
fn the_example_has_under_250_lines_of_code() {
    let sources = [
        include_str!("../../runtime/examples/jobs/main.rs"),
        include_str!("../../runtime/examples/jobs/queue.rs"),
        include_str!("../../runtime/examples/jobs/worker.rs"),
    ];
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    let count = sources.iter().flat_map(|source| source.lines()).filter(is_code).count();
    assert!((200..250).contains(&count), "{count}");
}
