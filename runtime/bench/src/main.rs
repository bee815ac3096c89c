//! The side program of the field, `snow-dist-field`, for ours and for what it is measured beside: two nodes in two processes, over
//! TLS 1.3 on loopback, and the same work on tokio and rustls with a mailbox on each side and nothing kept of links.
//!
//! By its other subcommands it measures what has nothing to be compared with; `README.md` says what there is.

mod attack;
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
mod selective;
mod sessions;
mod stats;
mod storm;
mod stream;
mod tail;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};

use child::Child;

/// Measures parts of the runtime of Snow DIST. `snow-dist-field` measures it beside its limits and its peers.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// How often each measurement is made.
    #[arg(long, default_value_t = 3)]
    rounds: usize,

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
        /// How many.
        #[arg(long)]
        messages: usize,
        /// So many before the other end has to have received them.
        #[arg(long, default_value_t = 1)]
        batch: usize,
    },
    /// Measures what waiting for one message costs beside others that wait.
    Selective,
    /// Measures what it costs to ask a node for its numbers.
    Stats,
    /// Measures what attacks come to for a node, and for those whom it serves.
    Attack(attack::Attacks),
    /// One of the processes of that.
    #[command(hide = true)]
    AttackPart(attack::AttackPart),
    /// One of the processes of a mesh or a star.
    #[command(hide = true)]
    MeshPart(mesh::MeshPart),
}

fn main() -> Result<()> {
    let Arguments { rounds, part } = Arguments::parse();
    let Some(part) = part else {
        bail!(
            "`cargo run --release -p snow-dist-field` measures nodes beside their limits and peers; --help says what there is here"
        );
    };
    match part {
        Part::Child(child) => child.run(),
        Part::Costs { messages, batch } => costs::send(messages, batch),
        Part::Selective => selective::run(rounds),
        Part::Stats => stats::run(rounds),
        Part::Attack(attacks) => attacks.run(rounds),
        Part::AttackPart(part) => part.run(),
        Part::MeshPart(part) => part.run(),
    }
}
