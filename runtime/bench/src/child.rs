//! One of the two processes of a measurement.

use std::fmt;
use std::io::Write;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use tokio::runtime::{Builder, Runtime};

use crate::case::Case;
use crate::{floor, ours};

/// What a driver has measured: names and values.
pub(crate) type Values = Vec<(&'static str, f64)>;

/// Whose code is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum System {
    /// What tokio and rustls leave to a runtime.
    Floor,
    /// snow-dist-runtime.
    Ours,
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Floor => "floor",
            Self::Ours => "ours",
        })
    }
}

/// Which of the two processes this is, and of what.
#[derive(Args, Clone, Debug)]
pub(crate) struct Child {
    /// Whose code runs.
    pub(crate) system: System,
    /// The measurement.
    pub(crate) case: Case,
    /// The core to stay on.
    #[arg(long)]
    pub(crate) core: Option<usize>,
    /// Threads of the runtime; 0: the one that runs `main`.
    #[arg(long, default_value_t = 0)]
    pub(crate) threads: usize,
    /// What the server has announced; without it, this is the server.
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
        let runtime = runtime(self.threads)?;
        // Spawned, so that it runs where the other tasks do.
        let values =
            runtime.block_on(async { tokio::spawn(play(self.system, self.case, self.server)).await })??;
        let mut out = std::io::stdout().lock();
        values.iter().try_for_each(|(name, value)| writeln!(out, "{name} {value}"))?;
        out.flush()?;
        // Nobody waits for a million processes to be ended.
        std::process::exit(0)
    }
}

async fn play(system: System, case: Case, server: Option<String>) -> Result<Values> {
    match (system, server) {
        (System::Floor, None) => floor::serve(case).await.map(|()| Values::new()),
        (System::Floor, Some(address)) => floor::drive(case, &address).await,
        (System::Ours, None) => ours::serve(case).await.map(|()| Values::new()),
        (System::Ours, Some(announced)) => ours::drive(case, &announced).await,
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
