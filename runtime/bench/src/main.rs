//! Measures two nodes in two processes, over TLS 1.3 on loopback, beside a floor: the same work on tokio and rustls
//! with a mailbox on each side, and nothing kept of links. Both are measured in one run, in turn, so that their
//! ratio holds even where the machine's speed does not.
//!
//! `cargo run --release -p snow-dist-runtime-bench` prints a table; `README.md` says what else there is.

mod calls;
mod case;
mod child;
mod costs;
mod countdown;
mod delay;
mod floor;
mod idle;
mod loss;
mod mesh;
mod meter;
mod oneway;
mod ours;
mod pairs;
mod pingpong;
mod rounds;
mod selective;
mod table;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

use case::Case;
use child::{Child, System};
use rounds::Plan;

/// Measures the runtime of Snow DIST beside its floor.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// How often each measurement is made.
    #[arg(long, default_value_t = 3)]
    rounds: usize,

    /// Makes these measurements only, separated by commas.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Case>,

    /// Measures one system only.
    #[arg(long)]
    system: Option<System>,

    /// Threads of each process's runtime, on whatever cores the system gives them. Without it each process has one
    /// thread, and stays on one core.
    #[arg(long, default_value_t = 0)]
    threads: usize,

    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// One of the two processes of a measurement.
    #[command(hide = true)]
    Child(Child),
    /// Sends messages within this process, for whoever counts instructions: see `costs.sh`.
    Costs {
        /// Who carries them.
        way: costs::Way,
        /// How many.
        #[arg(long)]
        messages: usize,
        /// So many before the other end has to have received them.
        #[arg(long, default_value_t = 1)]
        batch: usize,
    },
    /// Measures what waiting for one message costs beside others that wait.
    Selective,
    /// Measures a call and its reply beside two messages.
    Calls,
    /// Measures how fast a mesh of nodes forms, heals, and what it costs.
    Mesh(mesh::Mesh),
    /// One of the processes of a mesh.
    #[command(hide = true)]
    MeshPart(mesh::MeshPart),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.part {
        Some(Part::Child(child)) => child.run(),
        Some(Part::Costs { way, messages, batch }) => way.send(messages, batch),
        Some(Part::Selective) => selective::run(arguments.rounds),
        Some(Part::Calls) => calls::run(arguments.rounds),
        Some(Part::Mesh(mesh)) => mesh.run(arguments.rounds),
        Some(Part::MeshPart(part)) => part.run(),
        None => {
            let plan = Plan {
                rounds: arguments.rounds,
                cases: if arguments.only.is_empty() {
                    Case::value_variants().to_vec()
                } else {
                    arguments.only
                },
                systems: arguments
                    .system
                    .map_or_else(|| System::value_variants().to_vec(), |system| vec![system]),
                threads: arguments.threads,
            };
            measure(&plan)
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn measure(plan: &Plan) -> Result<()> {
    let results = plan.run().await?;
    let runtime = match plan.threads {
        0 => "one thread and one core for each process".to_owned(),
        threads => format!("{threads} threads for each process"),
    };
    println!(
        "Two processes, TLS 1.3 (TLS13_AES_256_GCM_SHA384) on loopback, {runtime}; medians of {} rounds.\n",
        plan.rounds
    );
    println!("{}", table::table(&results));
    Ok(())
}
