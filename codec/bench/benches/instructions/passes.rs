//! What is counted. Setups are not; what a pass was given is dropped by the caller, uncounted too.

use gungraun::{Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use snow_dist_bench::term::{Format, List};
use snow_dist_bench::{Message, Shape, by_bincode, by_hand, by_nom, by_rkyv, extension, node_name, own};
use snow_dist_codec::Frame;
use std::hint::black_box;

type Encoding<M> = (Vec<M>, Vec<u8>);

#[library_benchmark]
#[benches::shape(iter = Shape::ALL, setup = own::stream)]
fn decode(stream: Vec<u8>) -> Vec<u8> {
    own::decode(black_box(&stream));
    stream
}

#[library_benchmark]
#[benches::shape(iter = Shape::ALL, setup = by_rkyv::stream)]
fn decode_rkyv(stream: by_rkyv::Stream) -> by_rkyv::Stream {
    by_rkyv::decode(black_box(&stream));
    stream
}

#[library_benchmark]
#[benches::shape(iter = Shape::ALL, setup = by_bincode::stream)]
fn decode_bincode(stream: Vec<u8>) -> Vec<u8> {
    by_bincode::decode(black_box(&stream));
    stream
}

#[library_benchmark]
#[benches::shape(iter = Shape::ALL, setup = own::stream)]
fn decode_nom(stream: Vec<u8>) -> Vec<u8> {
    by_nom::decode(black_box(&stream));
    stream
}

#[library_benchmark]
#[benches::shape(iter = Shape::ALL, setup = own::encoding)]
fn encode((frames, mut buffer): Encoding<Frame<'static>>) -> Encoding<Frame<'static>> {
    own::encode(black_box(&frames), black_box(&mut buffer));
    (frames, buffer)
}

#[library_benchmark]
#[benches::shape(iter = Shape::ALL, setup = by_hand::encoding)]
fn encode_unsafe((messages, mut buffer): Encoding<Message<'static>>) -> Encoding<Message<'static>> {
    by_hand::encode(black_box(&messages), black_box(&mut buffer));
    (messages, buffer)
}

#[library_benchmark]
#[benches::shape(iter = Shape::ALL, setup = by_bincode::encoding)]
fn encode_bincode((messages, mut buffer): Encoding<Message<'static>>) -> Encoding<Message<'static>> {
    by_bincode::encode(black_box(&messages), black_box(&mut buffer));
    (messages, buffer)
}

type Term = (Format, (List<'static>, Vec<u8>));

fn term(format: Format) -> Term {
    (format, format.encoding())
}

#[library_benchmark]
#[benches::format(iter = Format::ALL, setup = term)]
fn decode_term((format, (list, bytes)): Term) -> Term {
    format.decode(black_box(&bytes));
    (format, (list, bytes))
}

#[library_benchmark]
#[benches::format(iter = Format::ALL, setup = term)]
fn encode_term((format, (list, mut bytes)): Term) -> Term {
    format.encode(black_box(&list), black_box(&mut bytes));
    (format, (list, bytes))
}

#[library_benchmark]
fn name_nom() {
    node_name::by_codec(black_box(&node_name::NAMES));
}

#[library_benchmark]
fn name_hand() {
    node_name::by_hand(black_box(&node_name::NAMES));
}

#[library_benchmark]
#[bench::message(setup = extension::message)]
fn block_cursor(message: Vec<u8>) -> Vec<u8> {
    extension::by_codec(black_box(&message));
    message
}

#[library_benchmark]
#[bench::message(setup = extension::message)]
fn block_nom(message: Vec<u8>) -> Vec<u8> {
    extension::by_nom(black_box(&message));
    message
}

library_benchmark_group!(
    name = frames,
    benchmarks = [decode, decode_rkyv, decode_bincode, decode_nom, encode, encode_unsafe, encode_bincode]
);
library_benchmark_group!(name = terms, benchmarks = [decode_term, encode_term]);
library_benchmark_group!(name = pieces, benchmarks = [name_nom, name_hand, block_cursor, block_nom]);

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = [frames, terms, pieces]
);

/// Runs all passes under callgrind, or one if gungraun's arguments say so.
pub(crate) fn run() {
    main();
}
