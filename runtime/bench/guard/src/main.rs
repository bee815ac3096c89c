//! Counts the instructions of the hot paths under valgrind, and holds them against the figures that are kept of them.

#![forbid(unsafe_code)]

mod codec;
mod engine;
mod figures;
mod node;
mod path;

use std::path::Path as FilePath;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand, ValueEnum as _};

use figures::Figures;
use path::Path;

/// Instructions of the hot paths, held against the figures that are kept of them. Needs valgrind.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Write the figures instead: for a change that is meant to cost more, or costs less.
    #[arg(long)]
    write: bool,
    #[command(subcommand)]
    run: Option<Run>,
}

#[derive(Subcommand)]
enum Run {
    /// Go along a path so many times, and count nothing
    #[command(hide = true)]
    Go { path: Path, times: usize },
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(Run::Go { path, times }) = arguments.run {
        path.go(times)?;
        return Ok(ExitCode::SUCCESS);
    }
    let kept = Figures::read()?;
    let mut counted = Figures::default();
    let mut is_good = true;
    println!("{:12} {:>9} {:>9}", "instructions", "kept", "now");
    for path in Path::value_variants() {
        let now = instructions(*path)?;
        let judgement = kept.judge(path.name(), now);
        is_good &= judgement.is_good();
        println!("{:12} {:>9} {now:>9}  {judgement}", path.name(), kept.shown(path.name()));
        counted.set(path.name(), now);
    }
    if arguments.write {
        counted.write()?;
        return Ok(ExitCode::SUCCESS);
    }
    if !is_good {
        eprintln!(
            "A path costs more than is kept of it. runtime/bench/guard/README.md says how to find out why. \
             If that is meant: cargo run --release -p snow-dist-guard -- --write"
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Instructions of going along a path once: what a long run has more than a short one, so that all that is done once is
/// left out.
fn instructions(path: Path) -> Result<u64> {
    let (short, long) = (path.times(), 5 * path.times());
    let more = run(path, long)?.checked_sub(run(path, short)?).context("a longer run takes more")?;
    Ok(more / (long - short) as u64)
}

/// Instructions of a whole run.
fn run(path: Path, times: usize) -> Result<u64> {
    let log = tempfile::NamedTempFile::new()?;
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--log-file={}", log.path().display()))
        .arg(std::env::current_exe()?)
        .args(["go", path.name(), &times.to_string()])
        .status()
        .context("valgrind is not there: install it")?;
    ensure!(status.success(), "{} has failed: {status}", path.name());
    collected(log.path())
}

/// The count that callgrind has written to its log.
fn collected(log: &FilePath) -> Result<u64> {
    let log = std::fs::read_to_string(log)?;
    let count =
        log.lines().find_map(|line| line.split_once("Collected :")).context("callgrind says no count")?.1;
    Ok(count.trim().parse()?)
}
