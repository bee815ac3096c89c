//! What gungraun counted, per message.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde_json::Value;
use snow_dist_bench::Shape;
use snow_dist_bench::term::Format;

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

/// Instructions of each pass, by its name and its place among the passes of that name.
struct Counts(BTreeMap<(String, usize), u64>);

/// Prints the table of the passes in gungraun's JSON, a line each.
pub(crate) fn print(json: &str) {
    let counts = Counts::read(json);
    frames("decode", &DECODE, &counts);
    frames("encode", &ENCODE, &counts);
    terms(&counts);
    pieces(&counts);
}

impl Counts {
    fn read(json: &str) -> Self {
        let summaries = json.lines().map(|line| serde_json::from_str(line).expect("gungraun writes JSON"));
        let mut counts = BTreeMap::new();
        for summary in summaries {
            let summary: Value = summary;
            let name = summary["function_name"].as_str().unwrap().to_owned();
            // `shape_3`; one that is alone has no number.
            let number = summary["id"].as_str().and_then(|id| id.rsplit_once('_')?.1.parse().ok());
            let metrics = &summary["profiles"][0]["data"]["total"]["metrics"];
            let instructions = metrics["Ir"]["values"]["new"].as_u64().expect("callgrind counts Ir");
            counts.insert((name, number.unwrap_or(0)), instructions);
        }
        Self(counts)
    }

    /// Per message, or a dash for what was not run.
    fn per(&self, pass: &str, place: usize, messages: u64) -> String {
        match self.0.get(&(pass.to_owned(), place)) {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
            Some(&instructions) => format!("{:.1}", instructions as f64 / messages as f64),
            None => "-".to_owned(),
        }
    }
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

fn line(name: &str, cells: impl IntoIterator<Item = impl Display>) {
    print!("{name:39}");
    for cell in cells {
        print!(" {cell:>11}");
    }
    println!();
}
