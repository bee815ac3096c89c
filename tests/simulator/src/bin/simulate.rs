//! Runs clusters of the simulator, each from a seed, and says what they came through.

use std::num::{NonZeroU64, NonZeroUsize};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use snow_dist_simulator::{Coverage, Found, MESH_MAX, NODES_MAX, NODES_MIN, Outcome, Shape, replay, run};

/// Simulate whole clusters under faults, each from a seed, and hold them against a reference.
#[derive(Parser)]
#[command(name = "simulate", max_term_width = 100, after_help = HELP)]
struct Cli {
    /// How many seeds to run.
    #[arg(long, value_name = "N", default_value = "1000", conflicts_with_all = ["seed", "minutes"])]
    seeds: NonZeroU64,
    /// The first of them.
    #[arg(long, value_name = "SEED", default_value_t = 0, conflicts_with = "seed")]
    first: u64,
    /// Run for so many minutes instead of so many seeds.
    #[arg(long, value_name = "M", value_parser = minutes, conflicts_with = "seed")]
    minutes: Option<Duration>,
    /// Run this seed alone, and print its trace; if it fails, the smallest trace that is found.
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Seeds at once, each on one thread; as many as there are processors if it is not said.
    #[arg(long, value_name = "COUNT")]
    jobs: Option<NonZeroUsize>,
    /// Nodes of each cluster, 2 to 50; drawn from the seed if it is not said.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(NODES_MIN as i64..=NODES_MAX as i64))]
    nodes: Option<u8>,
    /// Meshes of so many nodes, 3 to 200, that find each other by one seed node and peer lists, are cut in halves for two
    /// minutes, and lose half of their nodes.
    #[arg(long, value_name = "COUNT", conflicts_with = "nodes", value_parser = clap::value_parser!(u8).range(3..=MESH_MAX as i64))]
    mesh: Option<u8>,
}

impl Cli {
    fn shape(&self) -> Shape {
        match (self.nodes, self.mesh) {
            (_, Some(nodes)) => Shape::Mesh(nodes.into()),
            (Some(nodes), None) => Shape::Nodes(nodes.into()),
            (None, None) => Shape::Any,
        }
    }
}

const HELP: &str = "\
What counts as an event: bytes that are delivered to an end of a connection, a frame or a message of the handshake \
that is handled, an operation of a process, the end of a process that is told to a session, a deadline that is \
judged, a connection that begins or is over at one end, and a fault.

A seed stands for the same run on every machine. One that breaks a promise is printed with the command that runs it \
again, and with the smallest script that still breaks the promise.

Exit status: 0 if all promises were kept, 1 if one was not, 2 if the command line is wrong.

Examples:
  simulate --seeds 100000
  simulate --minutes 10 --first 1700000000
  simulate --seed 42";

fn minutes(text: &str) -> Result<Duration, String> {
    let minutes: f64 =
        text.parse().map_err(|_| "a number of minutes is expected, as 10 or 0.5".to_owned())?;
    Duration::try_from_secs_f64(minutes * 60.0)
        .map_err(|_| "that is no time that can be waited for".to_owned())
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let shape = cli.shape();
    // A panic of a run is a violation like others, and is printed as one.
    std::panic::set_hook(Box::new(|_| ()));
    match cli.seed {
        Some(seed) => show(seed, shape),
        None => search(&cli, shape),
    }
}

/// Runs one seed, and prints what happens in it.
fn show(seed: u64, shape: Shape) -> ExitCode {
    match replay(seed, shape) {
        Ok(trace) => {
            print!("{trace}");
            let outcome = run(seed, shape);
            let events = HumanCount(outcome.coverage.events());
            println!("seed {seed}: {} nodes, {events} events, all promises kept", outcome.nodes);
            ExitCode::SUCCESS
        }
        Err(found) => {
            report(&found, shape);
            ExitCode::FAILURE
        }
    }
}

/// What all threads have come to.
struct Sum {
    coverage: Coverage,
    seeds: u64,
    sizes: [u64; NODES_MAX + 1],
    /// The longest that a mesh was not complete, each time that this was asked.
    incomplete: Vec<u64>,
    failed: Option<u64>,
}

fn search(cli: &Cli, shape: Shape) -> ExitCode {
    let begun = Instant::now();
    let bar = progress_bar(cli);
    let sum = Mutex::new(Sum {
        coverage: Coverage::default(),
        seeds: 0,
        sizes: [0; NODES_MAX + 1],
        incomplete: Vec::new(),
        failed: None,
    });
    let (next, is_over) = (AtomicU64::new(cli.first), AtomicBool::new(false));
    let last = if cli.minutes.is_some() { u64::MAX } else { cli.first.saturating_add(cli.seeds.get()) };
    let work = || {
        while !is_over.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= last || cli.minutes.is_some_and(|time| begun.elapsed() >= time) {
                break;
            }
            let outcome = run(seed, shape);
            if outcome.violation.is_some() {
                is_over.store(true, Ordering::Relaxed);
            }
            add(&sum, &outcome);
            advance(&bar, cli, begun);
        }
    };
    let jobs = cli.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    thread::scope(|scope| (0..jobs).for_each(|_| drop(scope.spawn(work))));
    bar.finish_and_clear();
    let sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    summarize(cli, &sum, begun.elapsed(), jobs);
    let Some(seed) = sum.failed else { return ExitCode::SUCCESS };
    println!("\nSeed {seed} breaks a promise. Looking for the smallest script that does ..");
    match replay(seed, shape) {
        Err(found) => report(&found, shape),
        Ok(_) => println!(
            "It does not break it again: the simulator is not deterministic, which is a fault of its own."
        ),
    }
    ExitCode::FAILURE
}

fn progress_bar(cli: &Cli) -> ProgressBar {
    let (bar, unit) = match cli.minutes {
        Some(time) => (ProgressBar::new(time.as_secs()), "s"),
        None => (ProgressBar::new(cli.seeds.get()), "seeds"),
    };
    let template = format!("{{bar:40}} {{human_pos}} of {{human_len}} {unit}, {{eta}} left");
    bar.with_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn advance(bar: &ProgressBar, cli: &Cli, begun: Instant) {
    if cli.minutes.is_some() {
        bar.set_position(begun.elapsed().as_secs());
    } else {
        bar.inc(1);
    }
}

fn add(sum: &Mutex<Sum>, outcome: &Outcome) {
    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
    sum.coverage.add(&outcome.coverage);
    sum.seeds += 1;
    if let Some(count) = sum.sizes.get_mut(outcome.nodes) {
        *count += 1;
    }
    for (place, time) in outcome.completed.iter().enumerate() {
        match sum.incomplete.get_mut(place) {
            Some(longest) => *longest = (*longest).max(*time),
            None => sum.incomplete.push(*time),
        }
    }
    if outcome.violation.is_some() {
        sum.failed = Some(sum.failed.map_or(outcome.seed, |seed| seed.min(outcome.seed)));
    }
}

fn summarize(cli: &Cli, sum: &Sum, took: Duration, jobs: usize) {
    let (coverage, events) = (&sum.coverage, sum.coverage.events());
    let rate = events as f64 / took.as_secs_f64();
    println!(
        "{} seeds from {}, {} events, {} faults in {}: {:.0} events a second on {jobs} {}",
        HumanCount(sum.seeds),
        cli.first,
        HumanCount(events),
        HumanCount(coverage.faults()),
        HumanDuration(took),
        rate,
        if jobs == 1 { "thread" } else { "threads" },
    );
    let among = |low: usize, high: usize| -> u64 { sum.sizes.iter().take(high + 1).skip(low).sum() };
    println!(
        "\nClusters: {} of 2 to 6 nodes, {} of 7 to 20, {} of 21 to 50",
        among(2, 6),
        among(7, 20),
        among(21, 50)
    );
    for (what, time) in ["their start", "the cut's end", "the last restart"].iter().zip(&sum.incomplete) {
        println!("Meshes: complete within {:.3} s of {what}, all of them", *time as f64 / 1e6);
    }
    for group in Coverage::groups() {
        println!("\n{}{}", group[..1].to_uppercase(), &group[1..]);
        for (what, count) in coverage.group(group) {
            println!("{:>16}  {what}", HumanCount(count).to_string());
        }
    }
    println!("\nLinks: what happened to one end, by its state\n{coverage}");
    println!(
        "\nMost bytes of other processes before a signal: {} in sessions that have fragments, {} in others\n\
         Most bytes in a queue: {}",
        HumanCount(coverage.before_signal_max),
        HumanCount(coverage.before_signal_whole_max),
        HumanCount(coverage.queue_max),
    );
    let never = coverage.never();
    if never.is_empty() {
        println!("Everything that is counted was seen.");
    } else {
        println!("Never seen:\n  {}", never.join("\n  "));
    }
}

fn report(found: &Found, shape: Shape) {
    let size = match shape {
        Shape::Any => String::new(),
        Shape::Nodes(nodes) => format!(" --nodes {nodes}"),
        Shape::Mesh(nodes) => format!(" --mesh {nodes}"),
    };
    println!("The smallest script, {} of {} acts:\n{}", found.acts.1, found.acts.0, found.script);
    println!("What happens in it:\n{}", found.trace);
    println!("Broken: {}\n", found.violation);
    println!(
        "Again: cargo run --release -p snow-dist-simulator --bin simulate -- --seed {}{size}",
        found.seed
    );
}
