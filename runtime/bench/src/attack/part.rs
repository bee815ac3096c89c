//! The processes of a measurement: each does as it is told by lines, and answers by lines.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, Stdin};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::fields::Fields;
use super::{attacks, honest, runtime, victim};
use crate::child::announce;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Threads of a node, as many as the machine for which the figures are given has cores.
const THREADS: usize = 2;

/// One of the processes.
#[derive(Args, Clone, Debug)]
pub(crate) struct AttackPart {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand, Clone, Debug)]
pub(super) enum Role {
    /// The node that is attacked, or the one beside it.
    Victim,
    /// The honest nodes.
    Honest {
        #[command(flatten)]
        at: Victim,
    },
    /// Who attacks.
    Attacker {
        /// The name of the attack.
        attack: String,
        #[command(flatten)]
        at: Victim,
    },
}

/// A node as it is found, and its processes.
#[derive(Args, Clone, Debug)]
pub(super) struct Victim {
    #[arg(long)]
    pub(super) name: String,
    /// The process that answers the honest nodes.
    #[arg(long)]
    pub(super) echo: u64,
    /// The first of those that take nothing. Before it there is one that takes what comes from who attacks.
    #[arg(long)]
    pub(super) hoarder: u64,
}

impl AttackPart {
    /// Does as it is told until its input ends.
    pub(crate) fn run(self) -> Result<()> {
        match self.role {
            Role::Victim => runtime(THREADS)?.block_on(victim::run()),
            Role::Honest { at } => runtime(1)?.block_on(honest::run(at)),
            Role::Attacker { attack, at } => runtime(1)?.block_on(attacks::run(&attack, at)),
        }
    }
}

/// What a part is told.
pub(super) struct Orders(Lines<BufReader<Stdin>>);

impl Orders {
    pub(super) fn new() -> Self {
        Self(BufReader::new(tokio::io::stdin()).lines())
    }

    pub(super) async fn next(&mut self) -> Result<Option<String>> {
        Ok(self.0.next_line().await?)
    }
}

/// A part that runs. It ends with this.
pub(super) struct Part {
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Part {
    /// Starts one, and returns what it announces.
    pub(super) async fn start(role: &Role) -> Result<(Self, Fields)> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("attack-part").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let at = match role {
            Role::Victim => None,
            Role::Honest { at } | Role::Attacker { at, .. } => Some(at),
        };
        match role {
            Role::Victim => command.arg("victim"),
            Role::Honest { .. } => command.arg("honest"),
            Role::Attacker { attack, .. } => command.arg("attacker").arg(attack),
        };
        if let Some(Victim { name, echo, hoarder }) = at {
            command.args(["--name", name, "--echo", &echo.to_string(), "--hoarder", &hoarder.to_string()]);
        }
        let mut process = command.spawn()?;
        let orders = process.stdin.take().context("its input")?;
        let answers = BufReader::new(process.stdout.take().context("its output")?).lines();
        let mut part = Self { orders, answers, _process: process };
        let announced = part.answer().await.with_context(|| format!("{role:?}"))?;
        Ok((part, announced))
    }

    pub(super) async fn tell(&mut self, order: &str) -> Result<()> {
        Ok(self.orders.write_all(format!("{order}\n").as_bytes()).await?)
    }

    pub(super) async fn answer(&mut self) -> Result<Fields> {
        let line = timeout(PATIENCE, self.answers.next_line()).await.context("no answer came")??;
        Ok(Fields::read(&line.context("a process of the measurement has ended")?))
    }

    pub(super) async fn ask(&mut self, order: &str) -> Result<Fields> {
        self.tell(order).await?;
        self.answer().await
    }
}

impl Victim {
    pub(super) fn read(announced: &Fields) -> Result<Self> {
        let number = |name| Ok::<_, anyhow::Error>(announced.text(name)?.parse()?);
        Ok(Self {
            name: announced.text("name")?.to_owned(),
            echo: number("echo")?,
            hoarder: number("hoarder")?,
        })
    }

    pub(super) fn announce(&self) -> Result<()> {
        announce(&format!("name={} echo={} hoarder={}", self.name, self.echo, self.hoarder))
    }

    /// The process that takes what comes from who attacks.
    pub(super) const fn sink(&self) -> u64 {
        self.hoarder.saturating_sub(1)
    }

    /// Host and port.
    pub(super) fn address(&self) -> &str {
        self.name.split_once('@').map_or("", |(_, address)| address)
    }
}
