//! All measurements, floor and ours in turn, round after round.

use std::collections::HashMap;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::case::Case;
use crate::child::System;

/// How long a measurement may take.
const DEADLINE: Duration = Duration::from_secs(180);

/// What is to be run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) cases: Vec<Case>,
    pub(crate) systems: Vec<System>,
    /// Threads of each runtime; 0: one, and each process stays on its core.
    pub(crate) threads: usize,
}

/// What one round of one measurement came to, of one system.
pub(crate) type Measured = HashMap<String, f64>;

/// Of each measurement that was run, the rounds; of each round, the systems.
pub(crate) type Results = Vec<(Case, Vec<HashMap<System, Measured>>)>;

impl Plan {
    /// Runs all of it. Rounds are outermost, so that what changes on the machine meanwhile meets both systems.
    pub(crate) async fn run(&self) -> Result<Results> {
        let mut results: Results = self.cases.iter().map(|case| (*case, Vec::new())).collect();
        let bar = bar(self.rounds * self.cases.len() * self.systems.len())?;
        for round in 1..=self.rounds {
            for (case, rounds) in &mut results {
                let mut systems = HashMap::new();
                for system in &self.systems {
                    bar.set_message(format!("round {round}: {} {system}", case.name()));
                    let measured = self.measure(*case, *system).await;
                    systems.insert(*system, measured.with_context(|| format!("{} {system}", case.name()))?);
                    bar.inc(1);
                }
                rounds.push(systems);
            }
        }
        bar.finish_and_clear();
        Ok(results)
    }

    async fn measure(&self, case: Case, system: System) -> Result<Measured> {
        let (driver_core, server_core) = case.cores();
        let mut server = self.child(case, system, server_core)?.stdout(Stdio::piped()).spawn()?;
        let lines = server.stdout.take().context("a server without output")?;
        let mut lines = BufReader::new(lines).lines();
        let announced = timeout(DEADLINE, lines.next_line()).await??.context("the server ended")?;
        let driver = self
            .child(case, system, driver_core)?
            .arg("--server")
            .arg(announced)
            .stdout(Stdio::piped())
            .spawn()?;
        let output = timeout(DEADLINE, driver.wait_with_output()).await.context("it took too long")??;
        server.kill().await?;
        ensure!(output.status.success(), "the driver failed: {}", output.status);
        String::from_utf8(output.stdout)?.lines().map(value).collect()
    }

    /// This program, as one of the two processes. It ends with its handle.
    fn child(&self, case: Case, system: System, core: usize) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("child").arg(system.to_string()).arg(case.name());
        command.arg("--threads").arg(self.threads.to_string());
        if self.threads == 0 || case == Case::PingpongOneCore {
            command.arg("--core").arg(core.to_string());
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        Ok(command)
    }
}

fn value(line: &str) -> Result<(String, f64)> {
    let (name, value) = line.split_once(' ').with_context(|| format!("not a name and a value: {line:?}"))?;
    Ok((name.to_owned(), value.parse()?))
}

fn bar(steps: usize) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}")?;
    Ok(ProgressBar::new(steps as u64).with_style(style))
}
