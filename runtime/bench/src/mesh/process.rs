//! A child process with a part of the nodes, as the one that measures has it.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::MeshPart;

/// Processor time in nanoseconds, and resident bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Used {
    pub(super) cpu: f64,
    pub(super) bytes: f64,
}

/// One of the child processes, which does as it is told by lines.
pub(crate) struct Part {
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    // It ends with this.
    _process: Child,
}

impl Part {
    pub(super) fn start(part: &MeshPart) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("mesh-part").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        for (name, value) in [("--nodes", part.nodes), ("--own", part.own), ("--part", part.part)] {
            command.arg(name).arg(value.to_string());
        }
        command.args(part.star.then_some("--star"));
        command.args(part.seed.iter().flat_map(|seed| ["--seed", seed]));
        let mut process = command.spawn()?;
        let orders = process.stdin.take().context("its input")?;
        let answers = BufReader::new(process.stdout.take().context("its output")?).lines();
        Ok(Self { orders, answers, _process: process })
    }

    async fn tell(&mut self, order: &str) -> Result<()> {
        Ok(self.orders.write_all(format!("{order}\n").as_bytes()).await?)
    }

    pub(super) async fn line(&mut self) -> Result<String> {
        self.answers.next_line().await?.context("a part of the mesh has ended")
    }
}

pub(super) async fn tell_all(parts: &mut [Part], order: &str) -> Result<()> {
    for part in parts {
        part.tell(order).await?;
    }
    Ok(())
}

pub(super) async fn wait_all(parts: &mut [Part], answer: &str) -> Result<()> {
    for part in parts {
        let line = part.line().await?;
        ensure!(line == answer, "{line:?} instead of {answer:?}");
    }
    Ok(())
}

/// Returns what all parts have used so far.
pub(super) async fn ask_all(parts: &mut [Part]) -> Result<Used> {
    tell_all(parts, "measure").await?;
    let mut used = Used::default();
    for part in parts {
        let line = part.line().await?;
        let (cpu, bytes) = line.split_once(' ').context("two numbers")?;
        used.cpu += cpu.parse::<f64>()?;
        used.bytes += bytes.parse::<f64>()?;
    }
    Ok(used)
}
