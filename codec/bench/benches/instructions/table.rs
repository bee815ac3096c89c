//! What gungraun counted, per message.

use snow_dist_bench::Shape;
use snow_dist_bench::term::Format;

use crate::counts::{Counts, line};

const DECODE: [(&str, &str); 4] = [
    ("snow-dist", "decode"),
    ("rkyv, validated", "decode_rkyv"),
    ("bincode 2, borrowed", "decode_bincode"),
    ("nom 8", "decode_nom"),
];

const ENCODE: [(&str, &str); 3] =
    [("snow-dist", "encode"), ("unsafe, by hand", "encode_unsafe"), ("bincode 2", "encode_bincode")];

/// Name, pass, and what the pass does 1 000 times.
const PIECES: [(&str, &str); 4] = [
    ("node name, snow-dist: nom", "name_nom"),
    ("node name, by hand", "name_hand"),
    ("NAME with a block, snow-dist: cursor", "block_cursor"),
    ("NAME with a block, nom", "block_nom"),
];

/// Prints the table of the passes, a line each.
pub(crate) fn print(counts: &Counts) {
    frames("decode", &DECODE, counts);
    frames("encode", &ENCODE, counts);
    terms(counts);
    pieces(counts);
}

fn frames(what: &str, rows: &[(&str, &str)], counts: &Counts) {
    line(&format!("{what}, instructions per message"), Shape::ALL);
    for (name, pass) in rows {
        let cells = Shape::ALL.iter().enumerate();
        line(name, cells.map(|(place, shape)| counts.per(pass, place, shape.count())));
    }
    println!();
}

fn terms(counts: &Counts) {
    line("list of 100 (int, string), instructions", ["decode", "encode"]);
    for (place, format) in Format::ALL.into_iter().enumerate() {
        line(&format.to_string(), ["decode_term", "encode_term"].map(|pass| counts.per(pass, place, 1)));
    }
    println!();
}

fn pieces(counts: &Counts) {
    line("nom or a cursor, instructions", ["decode"]);
    for (name, pass) in PIECES {
        line(name, [counts.per(pass, 0, 1_000)]);
    }
}
