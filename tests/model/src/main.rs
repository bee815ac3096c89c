//! Explores the models and says what holds.

use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::Parser;
use snow_dist_model::bounds::Bounds;
use snow_dist_model::explore::{Findings, explore};
use snow_dist_model::models::MODELS;
use snow_dist_model::search::Size;
use snow_dist_model::verdict::Broken;
use snow_dist_model::{clean_up, connections, globals, groups};

/// Models that are Stateright's own: name, what it is, and what explores it.
type Other = (&'static str, &'static str, fn(Size, usize) -> (usize, bool));
const OTHERS: [Other; 3] = [
    (clean_up::NAME, clean_up::WHAT, clean_up::explore),
    (globals::NAME, globals::WHAT, globals::explore),
    (groups::NAME, groups::WHAT, groups::explore),
];

/// Explores the protocol core: every order in which things can happen, up to the bounds of each model.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    /// Explores this model alone.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Explores further: minutes for each model, and gigabytes.
    #[arg(long)]
    deep: bool,
    /// Explores less, on one thread: what the mutants are held against. What must have come about is not asked for.
    #[arg(long, conflicts_with = "deep")]
    small: bool,
    /// Shows the names of all models.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let chosen: Vec<_> = MODELS
        .iter()
        .filter(|model| arguments.model.as_deref().is_none_or(|name| name == model.name))
        .collect();
    let of_connections: Vec<_> = connections::MODELS
        .iter()
        .filter(|model| arguments.model.as_deref().is_none_or(|name| name == model.name))
        .collect();
    let others: Vec<_> = OTHERS
        .iter()
        .filter(|(name, ..)| arguments.model.as_deref().is_none_or(|chosen| chosen == *name))
        .collect();
    if arguments.list {
        for model in chosen {
            println!("{:12} {}", model.name, model.what);
        }
        for model in of_connections {
            println!("{:12} {}", model.name, model.what);
        }
        for (name, what, _) in others {
            println!("{name:12} {what}");
        }
        return ExitCode::SUCCESS;
    }
    if chosen.is_empty() && of_connections.is_empty() && others.is_empty() {
        eprintln!("no such model; --list shows all");
        return ExitCode::FAILURE;
    }
    let threads = if arguments.small { 1 } else { available_parallelism().map_or(1, Into::into) };
    let (mut states, mut all_well) = (0, true);
    for model in chosen {
        let mut model = model.clone();
        if arguments.deep {
            model.left = model.deep;
        }
        if arguments.small {
            (model.left, model.reaches) = (model.small, &[]);
        }
        let model = &model;
        let findings = explore(model, threads);
        report(model, &findings);
        states += findings.states;
        all_well &= findings.are_as(model);
    }
    for model in of_connections {
        let mut model = model.clone();
        if arguments.deep {
            model.left = model.deep;
        }
        if arguments.small {
            (model.left, model.reaches) = (model.small, &[]);
        }
        let (more, is_well) = connections::explore(&model, threads);
        states += more;
        all_well &= is_well;
    }
    let size = match (arguments.small, arguments.deep) {
        (true, _) => Size::Small,
        (_, true) => Size::Deep,
        _ => Size::Usual,
    };
    for (_, _, explore) in others {
        let (more, is_well) = explore(size, threads);
        states += more;
        all_well &= is_well;
    }
    println!("{states} distinct states in all: {}", if all_well { "all as it must be" } else { "FAILED" });
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn report(model: &Bounds, findings: &Findings) {
    let Findings { states, steps, depth, at_rest, time, .. } = findings;
    println!("{}: {}", model.name, model.what);
    println!("  bounds: {}", bounds(model));
    println!(
        "  {states} distinct states, {at_rest} of them at rest; {steps} steps, depth {depth}, {:.1} s",
        time.as_secs_f32()
    );
    let broken = findings.broken.as_ref().map(|(broken, _)| *broken);
    for property in Broken::ALL {
        let verdict = match (broken == Some(property), model.falls == Some(property)) {
            (false, false) if broken.is_some() => continue,
            (false, false) => "holds  ",
            (true, true) => "falls, as it must:",
            (true, false) => "FALLS  ",
            (false, true) => "HOLDS, and must not:",
        };
        println!("  {verdict} {}", property.name());
    }
    for situation in model.reaches.iter().filter(|_| broken.is_none()) {
        let verdict = if findings.unreached.contains(situation) { "NEVER  " } else { "reached" };
        println!("  {verdict} {}", situation.name());
    }
    if let Some((_, lines)) = &findings.broken {
        for (number, line) in lines.iter().enumerate() {
            println!("  {:4}  {line}", number + 1);
        }
    }
    println!();
}

fn bounds(model: &Bounds) -> String {
    let mut all = vec![format!("{} nodes of 2 processes", model.nodes)];
    let left = &model.left;
    for (count, what) in [
        (left.links, "links"),
        (left.unlinks, "unlinks"),
        (left.monitors, "monitors"),
        (left.demonitors, "ends of monitors and calls"),
        (left.calls, "calls"),
        (left.named_calls, "calls by name"),
        (left.named_monitors, "monitors by name"),
        (left.delegations, "delegations"),
        (left.drops, "calls dropped"),
        (left.renames, "new owners of the name"),
        (left.spawns, "requests for processes"),
        (left.sends, "messages"),
        (left.exits, "ends of processes"),
        (left.dials, "dials"),
        (left.cuts, "cuts"),
        (left.restarts, "restarts"),
        (left.injections, "foreign frames"),
    ] {
        if count > 0 {
            all.push(format!("{count} {what}"));
        }
    }
    all.join(", ")
}
