//! What is counted: each place with each shape. Setups are not.

use gungraun::{Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use snow_dist_bench::{Message, Shape, by_hand as hand, own};
use snow_dist_codec::Frame;
use std::hint::black_box;

use crate::places::Place;

type Pass<M> = (Place, (Vec<M>, Vec<u8>));

/// All passes, in the order of their numbers.
fn all() -> impl Iterator<Item = (Place, Shape)> {
    Place::ALL.into_iter().flat_map(|place| Shape::ALL.map(|shape| (place, shape)))
}

/// The number of a pass among those of its encoder.
pub(crate) fn number(place: Place, shape: Shape) -> usize {
    all().position(|pass| pass == (place, shape)).unwrap()
}

fn frames((place, shape): (Place, Shape)) -> Pass<Frame<'static>> {
    (place, own::encoding(shape))
}

fn messages((place, shape): (Place, Shape)) -> Pass<Message<'static>> {
    (place, hand::encoding(shape))
}

#[library_benchmark]
#[benches::pass(iter = all(), setup = frames)]
fn codec((place, (frames, mut buffer)): Pass<Frame<'static>>) -> Pass<Frame<'static>> {
    place.by_codec(black_box(&frames), black_box(&mut buffer));
    (place, (frames, buffer))
}

#[library_benchmark]
#[benches::pass(iter = all(), setup = messages)]
fn by_hand((place, (messages, mut buffer)): Pass<Message<'static>>) -> Pass<Message<'static>> {
    place.by_hand(black_box(&messages), black_box(&mut buffer));
    (place, (messages, buffer))
}

library_benchmark_group!(name = places, benchmarks = [codec, by_hand]);

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = [places]
);

/// Runs all passes under callgrind, or one if gungraun's arguments say so.
pub(crate) fn run() {
    main();
}
