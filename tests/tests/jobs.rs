//! The job queue of `runtime/examples/jobs`, whose programs are killed and whose network is cut and stalls.

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

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use snow_dist_runtime::server::{self, Address};
use snow_dist_runtime::supervisor::{self, Strategy, Supervisor};
use snow_dist_runtime::testing::{SimulatedNetwork, until};
use snow_dist_runtime::{CallError, Node};
use snow_dist_tests::program::COOKIE;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use queue::{Ask, Counts, Outcome, QUEUE, Queue};

const LONG: Duration = Duration::from_secs(600);

/// A queue on the host `q`, and a worker on each of `one` and `two`.
struct Cluster {
    network: SimulatedNetwork,
    node: Node,
    queue: Address<Ask>,
    workers: Vec<Node>,
}

impl Cluster {
    async fn start() -> Self {
        let network = SimulatedNetwork::new();
        let builder = Node::builder("queue@q:1").cookie(COOKIE);
        let prepared = builder.prepare_on(network.host("q")).await.unwrap();
        let queue = server::start(prepared.node(), Queue::default()).unwrap();
        prepared.node().register(QUEUE, queue.pid()).unwrap();
        let mut cluster = Self { node: prepared.listen(), network, queue, workers: Vec::new() };
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

    fn submit(&self, job: &str) -> JoinHandle<Result<Outcome, CallError>> {
        let (node, queue, job) = (self.node.clone(), self.queue, job.to_owned());
        tokio::spawn(async move { queue.call(&node, |reply| Ask::Submit(job, reply), LONG).await })
    }

    async fn counts(&self) -> Counts {
        self.queue.call(&self.node, Ask::Count, LONG).await.unwrap()
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

async fn done(job: JoinHandle<Result<Outcome, CallError>>) -> Outcome {
    job.await.unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn jobs_are_done_or_fail_after_three_tries_and_the_queue_drains() {
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
    let last = cluster.submit("sleep 3000");
    sleep(Duration::from_secs(1)).await;
    let drained = cluster.queue.call(&cluster.node, Ask::Drain, LONG);
    let (drained, late) = tokio::join!(drained, async {
        sleep(Duration::from_secs(1)).await;
        done(cluster.submit("too late")).await
    });
    assert_eq!((late, done(last).await), (Err("closing".to_owned()), Ok("10".to_owned())));
    let Counts { submitted, done, failed, tried_again, .. } = drained.unwrap();
    assert_eq!((submitted, done, failed, tried_again), (24, 22, 2, 2));
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
        let tests = std::env::current_exe().unwrap();
        let program = tests.parent().unwrap().parent().unwrap().join("examples/jobs");
        assert!(program.exists(), "{} is missing: cargo build --workspace --example jobs", program.display());
        let mut command = Command::new(program);
        command.args(arguments).env("SNOW_COOKIE", COOKIE);
        Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }
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
