//! One of the two processes of a measurement.

use std::fmt;
use std::io::Write;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use tokio::runtime::{Builder, Runtime};

use crate::case::{Case, Job};
use crate::{floor, ours, stream};

/// What a driver has measured: names and values.
pub(crate) type Values = Vec<(&'static str, f64)>;

/// Whose code is measured.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum System {
    /// What tokio and rustls leave to a runtime.
    Floor,
    /// snow-dist-runtime.
    Ours,
    /// What tokio and rustls carry: frames are counted where they are read, and there are no mailboxes.
    Stream,
}

/// A system has nothing of what a case measures: the program says why, and ends with [`Lacks::STATUS`].
#[derive(Debug)]
pub(crate) struct Lacks(pub(crate) &'static str);

impl Lacks {
    const STATUS: i32 = 3;
}

impl fmt::Display for Lacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Lacks {}

/// Which of the two processes this is, and of what.
#[derive(Args, Clone, Debug)]
pub(crate) struct Child {
    /// Whose code runs.
    pub(crate) system: System,
    /// The measurement.
    #[command(flatten)]
    pub(crate) job: Job,
    /// The core to stay on.
    #[arg(long)]
    pub(crate) core: Option<usize>,
    /// Threads of the runtime; 0: the one that runs `main`.
    #[arg(long, default_value_t = 0)]
    pub(crate) threads: usize,
    /// The line that the server has announced. Without it, this process is the server.
    #[arg(long)]
    pub(crate) server: Option<String>,
}

impl Child {
    /// Serves until it is killed, or measures and prints what it has measured, a name and a value on each line.
    pub(crate) fn run(self) -> Result<()> {
        if let Some(id) = self.core {
            // Where the system does not let a process choose, it runs where it may.
            core_affinity::set_for_current(core_affinity::CoreId { id });
        }
        let runtime = runtime(self.threads())?;
        // Spawned, so that it runs where the other tasks do.
        let played =
            runtime.block_on(async { tokio::spawn(play(self.system, self.job, self.server)).await })?;
        if let Err(error) = &played
            && let Some(lacks) = error.downcast_ref::<Lacks>()
        {
            eprintln!("{lacks}");
            std::process::exit(Lacks::STATUS);
        }
        let values = played?;
        let mut out = std::io::stdout().lock();
        values.iter().try_for_each(|(name, value)| writeln!(out, "{name} {value}"))?;
        out.flush()?;
        // Nobody waits for a million processes to be ended.
        std::process::exit(0)
    }

    fn threads(&self) -> usize {
        if self.job.case == Case::Cores { self.job.size } else { self.threads }
    }
}

async fn play(system: System, job: Job, server: Option<String>) -> Result<Values> {
    if job.case.is_alone() {
        return match system {
            System::Floor => floor::alone(job).await,
            System::Ours => ours::alone(job).await,
            System::Stream => stream::alone(),
        };
    }
    let Some(announced) = server else {
        match system {
            System::Floor => floor::serve(job).await,
            System::Ours => ours::serve(job).await,
            System::Stream => stream::serve(job).await,
        }?;
        return Ok(Values::new());
    };
    match system {
        System::Floor => floor::drive(job, &announced).await,
        System::Ours => ours::drive(job, &announced).await,
        System::Stream => stream::drive(job, &announced).await,
    }
}

fn runtime(threads: usize) -> Result<Runtime> {
    let mut builder = if threads == 0 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.worker_threads(threads.max(1)).enable_all().build().context("tokio does not start")
}

/// Tells the parent what a driver needs to find this server.
pub(crate) fn announce(server: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{server}")?;
    Ok(out.flush()?)
}
