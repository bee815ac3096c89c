//! Measures the field in one run: Snow DIST, what the machine leaves to anyone, and its peers, between two processes and within
//! one, and how costs grow. All are measured in turn, round after round, so that their ratios hold even where the machine's
//! speed does not.
//!
//! `cargo run --release -p snow-dist-field` prints tables; `README.md` says what is measured, and how it is compared.

mod case;
mod curve;
#[cfg(test)]
mod fixture;
mod machine;
mod plot;
mod process;
mod results;
mod row;
mod run;
mod side;
mod system;
mod table;
mod unit;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Parser;
use clap::builder::PossibleValuesParser;

use case::{CASES, Kind};
use results::Results;
use run::Plan;
use system::SYSTEMS;

/// Measures Snow DIST beside its limits and its peers.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// How often each measurement is made.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,

    /// Measures these cases only, separated by commas; `between`, `within` and `curves` are all of a kind.
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(case_names()))]
    only: Vec<String>,

    /// Measures these systems only, separated by commas.
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(SYSTEMS.iter().map(|system| system.name)))]
    systems: Vec<String>,

    /// Measures only what has so many threads a process, separated by commas; 0 is one thread that stays on one core.
    #[arg(long, value_delimiter = ',')]
    threads: Vec<usize>,

    /// How many seconds one measurement may take.
    #[arg(long, default_value_t = side::DEADLINE.as_secs(), value_parser = clap::value_parser!(u64).range(1..))]
    deadline: u64,

    /// Writes all results into this file as JSON, after each round. Its folder is made.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Draws charts into this folder, which is made.
    #[arg(long, value_name = "FOLDER")]
    plots: Option<PathBuf>,

    /// Measures nothing: shows what such a file of results holds.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rounds", "only", "systems", "threads", "deadline", "json"])]
    from: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let results = match &arguments.from {
        Some(file) => Results::read(file)?,
        None => measure(&arguments)?,
    };
    println!("{}", table::markdown(&results));
    // Why it lacks all of it stands under the tables.
    ensure!(results.has_values(), "nothing was measured");
    if let Some(folder) = &arguments.plots {
        let count = plot::write(&results, folder)?;
        eprintln!("{count} charts are in {}", folder.display());
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn measure(arguments: &Arguments) -> Result<Results> {
    let all = arguments.only.is_empty();
    let selected = |name| arguments.only.iter().any(|only| case::named(only).any(|case| case.name == name));
    let is_asked_for =
        |name: &str| arguments.systems.is_empty() || arguments.systems.iter().any(|it| it == name);
    let plan = Plan {
        rounds: usize::from(arguments.rounds),
        cases: CASES.iter().filter(|case| all || selected(case.name)).collect(),
        systems: SYSTEMS.iter().filter(|system| is_asked_for(system.name)).collect(),
        threads: arguments.threads.clone(),
        deadline: Duration::from_secs(arguments.deadline),
        file: arguments.json.clone(),
    };
    plan.run().await
}

fn case_names() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|case| case.name).chain(Kind::ALL.map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        let parse = |arguments: &[&str]| Arguments::try_parse_from([&["field"], arguments].concat());
        assert_eq!(parse(&["--only", "pairs,within", "--rounds", "3"]).unwrap().only, ["pairs", "within"]);
        for wrong in [&["--only", "everything"][..], &["--rounds", "0"], &["--from", "file", "--rounds", "3"]]
        {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
