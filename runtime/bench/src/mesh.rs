//! Measures how fast a mesh forms of nodes that know one of them, how long it takes to be whole when half of them are started
//! again, and what it costs when nothing happens.
//!
//! The nodes live in child processes, a part of them in each: a mesh of 200 nodes needs more descriptors than a process may have.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use snow_dist_runtime::core::limits::HANDSHAKES_BOUND_MAX;
use snow_dist_runtime::{Node, NodeBuilder, Timing};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::sleep;

use crate::child::announce;
use crate::idle::HEARTBEAT;
use crate::meter::{cpu_ns, median, resident};

const COOKIE: &str = "a cookie for measurements on one machine";

/// The time for which a mesh idles while its processor time is measured.
const REST: Duration = Duration::from_secs(10);

/// The heartbeat of a star: with it a session gives back the room that its beginning has taken.
const TIMING: Timing = Timing { interval: HEARTBEAT, timeout: Duration::from_secs(15) };

/// A mesh, or a star, to be measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Mesh {
    /// The number of nodes.
    #[arg(long, default_value_t = 50)]
    nodes: usize,
    /// In how many processes of the system.
    #[arg(long, default_value_t = 1)]
    processes: usize,
    /// Every pair is dialled by hand, one after the other, instead. All in one process.
    #[arg(long, conflicts_with = "star")]
    by_hand: bool,
    /// All have a session with the first node alone, which has a process to itself: what many sessions of one node come to.
    #[arg(long)]
    star: bool,
}

/// A process with a part of the nodes.
#[derive(Args, Clone, Debug)]
pub(crate) struct MeshPart {
    /// The number of nodes in all parts.
    #[arg(long)]
    nodes: usize,
    /// The number of them that are here.
    #[arg(long)]
    own: usize,
    /// Which part this is.
    #[arg(long)]
    part: usize,
    /// The node that all know; the first part starts it.
    #[arg(long)]
    seed: Option<String>,
    /// They have sessions with that node alone.
    #[arg(long)]
    star: bool,
}

impl Mesh {
    pub(crate) fn run(&self, rounds: usize) -> Result<()> {
        ensure!(self.nodes > 1 && self.processes > 0 && self.nodes >= self.processes, "too few nodes");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        if self.by_hand {
            return runtime.block_on(by_hand(self.nodes, rounds));
        }
        if self.star {
            return runtime.block_on(self.star());
        }
        let mut measured = Vec::new();
        for _ in 0..rounds {
            measured.push(runtime.block_on(self.measure())?);
        }
        let of = |value: fn(&Measured) -> f64| median(measured.iter().map(value));
        println!(
            "{} nodes in {} processes, one seed known to each; medians of {rounds} rounds.\n\n\
             complete after the last start: {:.2} s (after the first: {:.2} s)\n\
             half of them started again, complete after the last start: {:.2} s\n\
             processor time to form: {:.2} s; idle: {:.2} % of one core\n\
             memory: {:.1} KiB for each end of a session, nodes included",
            self.nodes,
            self.processes,
            of(|it| it.complete),
            of(|it| it.complete_of_all),
            of(|it| it.healed),
            of(|it| it.cpu),
            of(|it| it.idle),
            of(|it| it.kib),
        );
        Ok(())
    }

    /// The processes, `share` of the nodes in each.
    async fn parts(&self, share: impl Fn(usize) -> usize) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        let mut seed = None;
        for part in 0..self.processes {
            let mut process = Part::start(self, share(part), part, seed.as_deref())?;
            seed = Some(process.line().await?);
            parts.push(process);
        }
        Ok(parts)
    }

    async fn star(&self) -> Result<()> {
        ensure!(self.processes > 1, "the first node has a process to itself: give --processes 2 or more");
        let (others, rest) = (self.processes - 1, self.nodes - 1);
        let share = |part: usize| match part {
            0 => 1,
            part => rest / others + usize::from(part <= rest % others),
        };
        let mut parts = self.parts(share).await?;
        let before = ask_all(parts.get_mut(..1).unwrap_or_default(), "measure", sum).await?;
        let began = Instant::now();
        tell_all(&mut parts, "form").await?;
        wait_all(&mut parts, "started").await?;
        wait_all(&mut parts, "complete").await?;
        let formed = began.elapsed().as_secs_f64();
        sleep(REST).await;
        let hub = parts.get_mut(..1).unwrap_or_default();
        let after = ask_all(hub, "measure", sum).await?;
        sleep(REST).await;
        let idle = ask_all(hub, "measure", sum).await?;
        println!(
            "{rest} sessions of one node, formed in {formed:.1} s: {:.1} KiB for each when they idle, {:.2} % of one core",
            (after.bytes - before.bytes) / 1024.0 / rest as f64,
            (idle.cpu - after.cpu) / 1e9 / REST.as_secs_f64() * 100.0,
        );
        Ok(())
    }

    async fn measure(&self) -> Result<Measured> {
        let share = |part| self.nodes / self.processes + usize::from(part < self.nodes % self.processes);
        let mut parts = self.parts(share).await?;
        let before = ask_all(&mut parts, "measure", sum).await?;
        let first = Instant::now();
        tell_all(&mut parts, "form").await?;
        wait_all(&mut parts, "started").await?;
        let last = Instant::now();
        wait_all(&mut parts, "complete").await?;
        let (complete, complete_of_all) = (last.elapsed(), first.elapsed());
        let after = ask_all(&mut parts, "measure", sum).await?;
        sleep(REST).await;
        let idle = ask_all(&mut parts, "measure", sum).await?;
        tell_all(&mut parts, "restart").await?;
        wait_all(&mut parts, "started").await?;
        let restarted = Instant::now();
        wait_all(&mut parts, "complete").await?;
        let ends = self.nodes * (self.nodes - 1);
        Ok(Measured {
            complete: complete.as_secs_f64(),
            complete_of_all: complete_of_all.as_secs_f64(),
            healed: restarted.elapsed().as_secs_f64(),
            cpu: (after.cpu - before.cpu) / 1e9,
            idle: (idle.cpu - after.cpu) / 1e9 / REST.as_secs_f64() * 100.0,
            kib: (idle.bytes - before.bytes) / 1024.0 / ends as f64,
        })
    }
}

struct Measured {
    complete: f64,
    complete_of_all: f64,
    healed: f64,
    cpu: f64,
    idle: f64,
    kib: f64,
}

/// Processor time in nanoseconds, and resident bytes.
#[derive(Clone, Copy, Default)]
struct Used {
    cpu: f64,
    bytes: f64,
}

fn sum(used: Used, line: &str) -> Result<Used> {
    let (cpu, bytes) = line.split_once(' ').context("two numbers")?;
    Ok(Used { cpu: used.cpu + cpu.parse::<f64>()?, bytes: used.bytes + bytes.parse::<f64>()? })
}

/// One of the child processes, which does as it is told by lines.
struct Part {
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    // It ends with this.
    _process: Child,
}

impl Part {
    fn start(mesh: &Mesh, own: usize, part: usize, seed: Option<&str>) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("mesh-part").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        for (name, value) in [("--nodes", mesh.nodes), ("--own", own), ("--part", part)] {
            command.arg(name).arg(value.to_string());
        }
        command.args(mesh.star.then_some("--star"));
        command.args(seed.into_iter().flat_map(|seed| ["--seed", seed]));
        let mut process = command.spawn()?;
        let orders = process.stdin.take().context("its input")?;
        let answers = BufReader::new(process.stdout.take().context("its output")?).lines();
        Ok(Self { orders, answers, _process: process })
    }

    async fn tell(&mut self, order: &str) -> Result<()> {
        Ok(self.orders.write_all(format!("{order}\n").as_bytes()).await?)
    }

    async fn line(&mut self) -> Result<String> {
        self.answers.next_line().await?.context("a part of the mesh has ended")
    }
}

async fn tell_all(parts: &mut [Part], order: &str) -> Result<()> {
    for part in parts {
        part.tell(order).await?;
    }
    Ok(())
}

async fn wait_all(parts: &mut [Part], answer: &str) -> Result<()> {
    for part in parts {
        let line = part.line().await?;
        ensure!(line == answer, "{line:?} instead of {answer:?}");
    }
    Ok(())
}

async fn ask_all(parts: &mut [Part], order: &str, add: fn(Used, &str) -> Result<Used>) -> Result<Used> {
    tell_all(parts, order).await?;
    let mut used = Used::default();
    for part in parts {
        used = add(used, &part.line().await?)?;
    }
    Ok(used)
}

impl MeshPart {
    async fn seed(&self) -> Result<Node> {
        let builder = builder("seed").cookie(COOKIE);
        let builder = if self.star {
            // All of them come at once, and from one address.
            builder
                .sessions_max(self.nodes)
                .sessions_per_address_max(self.nodes)
                .handshakes_max(HANDSHAKES_BOUND_MAX)
                .handshakes_per_address_max(HANDSHAKES_BOUND_MAX)
                .heartbeat(TIMING)
        } else {
            builder.mesh()
        };
        Ok(builder.start().await?)
    }

    async fn member(&self, builder: NodeBuilder, seed: &str) -> Result<Node> {
        let builder = builder.cookie(COOKIE).keep_connected([seed]);
        let builder = if self.star { builder.heartbeat(TIMING) } else { builder.mesh() };
        Ok(builder.start().await?)
    }

    /// Returns how many sessions a node has when all are there.
    fn sessions(&self, node: usize) -> usize {
        let is_seed = self.part == 0 && node == 0;
        if self.star && !is_seed { 1 } else { self.nodes - 1 }
    }

    /// Does as it is told until its input ends.
    pub(crate) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(self.play())
    }

    async fn play(&self) -> Result<()> {
        let mut nodes = Vec::new();
        let seed = match &self.seed {
            Some(seed) => seed.clone(),
            None => {
                nodes.push(self.seed().await?);
                nodes.first().map(|node| node.name().to_owned()).unwrap_or_default()
            }
        };
        announce(&seed)?;
        let mut orders = BufReader::new(tokio::io::stdin()).lines();
        while let Some(order) = orders.next_line().await? {
            match order.as_str() {
                "measure" => announce(&format!("{} {}", cpu_ns(), resident()))?,
                "form" => {
                    while nodes.len() < self.own {
                        let name = format!("n{}x{}", self.part, nodes.len());
                        nodes.push(self.member(builder(&name), &seed).await?);
                    }
                    announce("started")?;
                    complete(self, &nodes).await?;
                }
                "restart" => {
                    // Every second one, whose name and port stay: all in no order of theirs, as each has its own peers.
                    for (at, node) in nodes.iter_mut().enumerate().filter(|(at, _)| at % 2 == 1) {
                        let name = node.name().to_owned();
                        node.shutdown().await;
                        *node = self
                            .member(Node::builder(name), &seed)
                            .await
                            .with_context(|| format!("node {at}"))?;
                    }
                    announce("started")?;
                    complete(self, &nodes).await?;
                }
                other => bail!("{other:?} is no order"),
            }
        }
        Ok(())
    }
}

/// Waits until each of these nodes has all its sessions.
async fn complete(part: &MeshPart, nodes: &[Node]) -> Result<()> {
    for (at, node) in nodes.iter().enumerate() {
        while node.nodes().len() < part.sessions(at) {
            sleep(Duration::from_millis(2)).await;
        }
    }
    announce("complete")
}

fn builder(name: &str) -> NodeBuilder {
    Node::builder(format!("{name}@127.0.0.1:0"))
}

/// The same mesh by one `connect` for each pair, one after the other.
async fn by_hand(count: usize, rounds: usize) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..rounds {
        let mut nodes = Vec::new();
        for number in 0..count {
            nodes.push(builder(&format!("n{number}")).cookie(COOKIE).start().await?);
        }
        let began = Instant::now();
        for (at, node) in nodes.iter().enumerate() {
            for other in nodes.iter().skip(at + 1) {
                node.connect(other.name()).await?;
            }
        }
        times.push(began.elapsed().as_secs_f64());
        for node in nodes {
            node.shutdown().await;
        }
    }
    println!(
        "{count} nodes in one process, each pair dialled by hand: {:.2} s (median of {rounds})",
        median(times)
    );
    Ok(())
}
