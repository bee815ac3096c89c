//! `snow-dist-simulator [SEEDS]`: runs so many seeds, and says of the first that breaks a promise which one it is. For
//! programs; whoever wants to know more takes `simulate`.

use std::process::ExitCode;

use snow_dist_simulator::first_violation;

fn main() -> ExitCode {
    let seeds = std::env::args().nth(1).and_then(|seeds| seeds.parse().ok()).unwrap_or(100);
    match first_violation(0..seeds) {
        None => ExitCode::SUCCESS,
        Some((seed, violation)) => {
            println!("FALLS {}\nseed {seed}: {}", violation.invariant, violation.detail);
            ExitCode::FAILURE
        }
    }
}
