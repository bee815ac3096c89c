//! The arguments of a side program, and its answer.

use std::fmt;
use std::io::Write;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::runtime::{Builder, Runtime};

/// The measured values, by name.
pub type Values = Vec<(&'static str, f64)>;

/// A measurement; the field's README says what each is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each name says it")]
pub enum Case {
    #[value(name = "oneway-64")]
    Oneway64,
    #[value(name = "oneway-16k")]
    Oneway16k,
    #[value(name = "pingpong-1core")]
    PingpongOneCore,
    #[value(name = "pingpong-2cores")]
    PingpongTwoCores,
    Call,
    Pairs,
    Disconnect,
    Loss,
    Delay,
    Idle,
    LocalOneway,
    LocalPingpong,
    LocalSpawn,
    LocalIdle,
    Cores,
    Sessions,
    FanIn,
    Storm,
    IdleSessions,
    Mesh,
    Tail,
    Selective,
    Calls,
}

/// The work of this process.
#[derive(Args, Clone, Debug)]
pub struct Job {
    /// The system that is measured.
    system: String,
    /// The measurement.
    pub case: Case,
    /// Threads of the runtime; 0: the one that runs `main`.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// The core to stay on.
    #[arg(long)]
    core: Option<usize>,
    /// The size over which the curve grows, where there is one.
    #[arg(long, default_value_t = 1)]
    pub size: usize,
    /// Pairs of a sender and a receiver.
    #[arg(long, default_value_t = 1)]
    pub pairs: usize,
    /// The line that the server has announced. Without it, this process is the server.
    #[arg(long)]
    pub server: Option<String>,
}

#[derive(Debug, Parser)]
struct Program {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// A side of a measurement.
    Child(Job),
}

/// The system has nothing of what a case measures: why. The program says so, and ends with status 3.
#[derive(Debug)]
pub struct Lacks(pub &'static str);

impl fmt::Display for Lacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Lacks {}

impl Job {
    fn runtime(&self) -> Result<Runtime> {
        let threads = if self.case == Case::Cores { self.size } else { self.threads };
        let mut builder =
            if threads == 0 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
        builder.worker_threads(threads.max(1)).enable_all().build().context("tokio does not start")
    }
}

/// Runs a side program: `play` serves until the process is killed, or measures what is printed.
///
/// # Errors
///
/// Returns what `play` returns, unless that is [`Lacks`].
pub fn run<F>(play: impl FnOnce(Job) -> F) -> Result<()>
where
    F: Future<Output = Result<Values>> + Send + 'static,
{
    let Part::Child(job) = Program::parse().part;
    if let Some(id) = job.core {
        // Where the system does not let a process choose, it runs where it may.
        core_affinity::set_for_current(core_affinity::CoreId { id });
    }
    let runtime = job.runtime()?;
    // Spawned, so that it runs where the other tasks do.
    let played = play(job);
    match runtime.block_on(async { tokio::spawn(played).await })? {
        Ok(values) => print(&values)?,
        Err(error) => {
            let lacks = error.downcast::<Lacks>()?;
            eprintln!("{lacks}");
            std::process::exit(3);
        }
    }
    // Nobody waits for all actors to be ended.
    std::process::exit(0)
}

fn print(values: &Values) -> Result<()> {
    let mut out = std::io::stdout().lock();
    values.iter().try_for_each(|(name, value)| writeln!(out, "{name} {value}"))?;
    Ok(out.flush()?)
}

/// Tells the runner what a driver needs to find this server.
///
/// # Errors
///
/// Returns an error if nobody reads it.
pub fn announce(server: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{server}")?;
    Ok(out.flush()?)
}
