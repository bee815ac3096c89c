//! Every cut of every valid message behaves as the specification says.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use serde_json::Value;
use snow_dist_codec::{ErrorKind, Frames, Reading, limits::FRAME_BYTES_MAX};
use snow_dist_tests::run;

#[test]
fn every_cut_gives_what_its_field_says() {
    let mut cuts = 0;
    for file in ["frames.json", "handshake.json", "signals.json"] {
        for vector in run::read(file).iter().filter(|vector| !vector["layout"].is_null()) {
            let bytes = run::bytes(vector);
            for length in 0..bytes.len() {
                for reading in [Reading::Compatible, Reading::Strict] {
                    judge(vector, &bytes[..length], length, reading);
                    cuts += 1;
                }
            }
        }
    }
    assert!(cuts > 3_500, "{cuts}");
}

fn judge(vector: &Value, bytes: &[u8], length: usize, reading: Reading) {
    let id = format!("{} cut at {length}, {reading:?}", vector["id"]);
    let kind = vector["kind"].as_str().unwrap();
    let found = run::decode(kind, bytes, reading);
    let layout = vector["layout"].as_array().unwrap();
    let number = |row: &Value, name: &str| usize::try_from(row[name].as_u64().unwrap()).unwrap();
    // The field in which the cut falls; one that ends where the cut is has all its bytes.
    let row = layout.iter().find(|row| length < number(row, "at") + number(row, "length")).unwrap();
    let field = row["field"].as_str().unwrap();
    if length == 0 && kind == "frame" && reading == Reading::Compatible {
        assert_eq!(found.unwrap()["tag"], "EMPTY", "{id}");
        return;
    }
    if field == "extension" && length == number(row, "at") {
        // Exactly before a block the message is one of version 1.
        let found = found.unwrap_or_else(|error| panic!("{id}: {error}"));
        assert!(found["fields"]["extension"].is_null() && found["trailing"] == "", "{id}");
        return;
    }
    match row["cut"].as_str().unwrap() {
        "shorter" => {
            let found = found.unwrap_or_else(|error| panic!("{id}: {error}"));
            let whole = &vector["value"]["fields"][field];
            let part = &found["fields"][field];
            let (whole, part) = (whole.as_str().unwrap(), part.as_str().unwrap());
            assert!(part.len() < whole.len() && whole.starts_with(part), "{id}");
        }
        _ => {
            let error = found.expect_err(&id);
            let named = error.field.to_string();
            assert!(
                named == field
                    || named.starts_with(&format!("{field}["))
                    || named.starts_with(&format!("{field}.")),
                "{id}: {error}"
            );
            assert!(
                matches!(
                    error.kind,
                    ErrorKind::Truncated { .. } | ErrorKind::Overrun { .. } | ErrorKind::Empty
                ),
                "{id}: {error}"
            );
            assert!(error.at >= number(row, "at") && error.at <= length, "{id}: {error}");
        }
    }
}

#[test]
fn every_cut_of_a_term_and_a_reason_is_refused() {
    for file in ["stf.json", "reasons.json", "pids.json"] {
        for vector in run::read(file) {
            let bytes = run::bytes(&vector);
            let unknown = vector["value"].to_string().contains("\"unknown\"");
            if vector["strict"] != "valid" || unknown || bytes.len() > 1_000 {
                continue;
            }
            for length in 0..bytes.len() {
                let found =
                    run::decode(vector["kind"].as_str().unwrap(), &bytes[..length], Reading::Compatible);
                let error = found.expect_err(&format!("{} cut at {length}", vector["id"]));
                assert!(error.at <= length);
            }
        }
    }
}

#[test]
fn a_cut_stream_is_incomplete() {
    for vector in run::read("frames.json").iter().filter(|vector| !vector["layout"].is_null()) {
        let payload = run::bytes(vector);
        let stream = [&u32::try_from(payload.len()).unwrap().to_le_bytes()[..], &payload].concat();
        for length in 0..stream.len() {
            let mut frames = Frames::new(&stream[..length], FRAME_BYTES_MAX);
            assert_eq!(frames.next(), None);
            assert_eq!(frames.remaining(), &stream[..length]);
        }
    }
}
