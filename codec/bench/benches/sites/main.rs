//! Instruction counts of a program that encodes at several places: `cargo bench -p snow-dist-bench --bench sites`.
//!
//! What is inlined depends on how often a program calls it: with one call a compiler inlines nearly everything, with
//! several it weighs each. So the program `instructions`, which encodes at one place, does not say what encoding costs
//! in others. This one encodes at five places of different form, by the codec and by hand, prints the ratios, and
//! fails if one of them is over [`RATIO_MAX`].

#[path = "../instructions/counts.rs"]
mod counts;
mod passes;
mod places;

use std::process::ExitCode;

use counts::{Counts, line, ratio};
use places::Place;
use snow_dist_bench::Shape;

/// The most that checked encoding may cost, in terms of the encoder by hand that judges nothing.
const RATIO_MAX: f64 = 1.5;

fn main() -> ExitCode {
    counts::run(passes::run, |counts| {
        let worst = Place::ALL.map(|place| print(place, counts)).into_iter().fold(0.0, f64::max);
        println!("the worst ratio is {worst:.2}, and may be {RATIO_MAX}");
        if worst <= RATIO_MAX { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    })
}

/// Prints the rows of one place, and gives its worst ratio.
fn print(place: Place, counts: &Counts) -> f64 {
    line(&format!("{place}, instructions per message"), Shape::ALL);
    let numbers = || Shape::ALL.into_iter().map(|shape| (passes::number(place, shape), shape.count()));
    for (name, pass) in [("snow-dist", "codec"), ("unsafe, by hand", "by_hand")] {
        line(name, numbers().map(|(number, messages)| counts.per(pass, number, messages)));
    }
    let ratios: Vec<_> = numbers()
        .filter_map(|(number, _)| Some(ratio(counts.of("codec", number)?, counts.of("by_hand", number)?)))
        .collect();
    line("ratio", ratios.iter().map(|ratio| format!("{ratio:.2}")));
    println!();
    ratios.into_iter().fold(0.0, f64::max)
}
