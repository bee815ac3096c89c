//! Every vector, in both directions and both readings.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use std::collections::HashSet;

use serde_json::{Value, json};
use snow_dist_codec::document::Document;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::stf::{self, Encoder};
use snow_dist_codec::{DecodeError, Frame, Handshake, Reading, Signal};
use snow_dist_tests::{run, vectors};

#[test]
fn the_files_are_what_the_generator_makes() {
    for (name, file) in vectors::files() {
        let committed = std::fs::read_to_string(vectors::folder().join(name)).unwrap();
        assert!(
            committed == vectors::to_text(&file),
            "{name} is not what is made here: cargo run -p snow-dist-tests --bin vectors"
        );
    }
}

#[test]
fn every_vector_is_judged_as_it_says() {
    let mut ids = HashSet::new();
    for file in run::FILES {
        for vector in run::read(file) {
            let id = vector["id"].as_str().unwrap().to_owned();
            assert!(ids.insert(id.clone()), "{id} stands twice");
            for (reading, name) in [(Reading::Strict, "strict"), (Reading::Compatible, "compatible")] {
                judge(&vector, &vector[name], reading);
            }
            back(&vector);
        }
    }
    assert!(ids.len() > 600, "{}", ids.len());
}

fn judge(vector: &Value, expected: &Value, reading: Reading) {
    let id = vector["id"].as_str().unwrap();
    let bytes = run::bytes(vector);
    if let Some(hops) = vector["hops"].as_u64() {
        // As JSON they would take a hundred times their bytes.
        let Ok(Frame::Exit(exit)) = Frame::decode(&bytes, reading) else { panic!("{id}") };
        assert_eq!(exit.reason.hops().len() as u64, hops);
        return;
    }
    let found = run::decode(vector["kind"].as_str().unwrap(), &bytes, reading);
    if expected == "valid" {
        let found = found.unwrap_or_else(|error| panic!("{id}, {reading:?}: {error}"));
        if !vector["value"].is_null() {
            assert_eq!(found, vector["value"], "{id}, {reading:?}");
        }
    } else {
        let error = found.expect_err(id);
        let found = (error.kind.name().into(), error.field.to_string().into(), error.at.into());
        let expected = ["kind", "field", "at"].map(|word| expected[word].clone());
        assert_eq!(<[Value; 3]>::from(found), expected, "{id}, {reading:?}: {error}");
        assert!(error.at <= bytes.len(), "{id}");
    }
}

/// What a vector says is written in the bytes that it calls canonical.
fn back(vector: &Value) {
    let (id, kind) = (vector["id"].as_str().unwrap(), vector["kind"].as_str().unwrap());
    let value = &vector["value"];
    if value.is_null() {
        return;
    }
    let written = if kind == "term" {
        let bytes = run::bytes(vector);
        let (value, _) = stf::decode(&bytes, Reading::Compatible).unwrap();
        let mut written = Vec::new();
        let mut encoder = Encoder::new(&mut written);
        value.encode(&mut encoder);
        encoder.finish().unwrap();
        written
    } else {
        run::encode(kind, value)
    };
    assert_eq!(hex::encode(&written), hex::encode(run::join(&vector["canonical"])), "{id}");
}

#[test]
fn what_cannot_be_written_is_refused() {
    for vector in run::read("unwritable.json") {
        let (id, field) = (vector["id"].as_str().unwrap(), vector["field"].as_str().unwrap());
        let mut value = vector["value"].clone();
        if let Some(repeat) = vector["repeat"].as_object() {
            let (text, times) =
                (repeat["text"].as_str().unwrap(), repeat["times"].as_u64().unwrap() as usize);
            let place = &mut value["fields"][field];
            *place = if place.is_array() { json!(vec![text; times]) } else { json!(text.repeat(times)) };
        }
        let mut written = Vec::new();
        let error = write(&vector, value, &mut written).expect_err(id);
        assert!(error.contains(&format!("`{field}")), "{id}: {error}");
        assert!(written.is_empty(), "{id}");
    }
}

fn write(vector: &Value, value: Value, written: &mut Vec<u8>) -> Result<(), String> {
    let bytes_max =
        vector["bytes_max"].as_u64().map_or(FRAME_BYTES_MAX, |bytes| u32::try_from(bytes).unwrap());
    if vector["kind"] == "term" {
        return write_wrapped(&value, written).map_err(|error| error.to_string());
    }
    let document: Document = serde_json::from_value(value).map_err(|error| error.to_string())?;
    match vector["kind"].as_str().unwrap() {
        "frame" => {
            let frame = document.frame().map_err(|error| error.to_string())?;
            frame.encode_framed(bytes_max, written)
        }
        _ => {
            let message = document.handshake().map_err(|error| error.to_string())?;
            message.encode_framed(written)
        }
    }
    .map_err(|error| error.to_string())
}

/// Writes a term that is a unit in any number of Somes.
fn write_wrapped(value: &Value, written: &mut Vec<u8>) -> Result<(), DecodeError> {
    let mut encoder = Encoder::new(written);
    let mut value = value;
    while value["type"] == "some" {
        encoder.some();
        value = &value["value"];
    }
    assert_eq!(value["type"], "unit");
    encoder.unit();
    encoder.finish()
}

#[test]
fn every_tag_has_vectors_of_both_kinds() {
    let has = |file: &str, name: &str| {
        let all = run::read(file);
        let of_tag = |valid: bool| {
            all.iter().any(|vector| {
                let slug = format!("-{}-", name.to_lowercase().replace('_', "-"));
                let id = format!("{}-", vector["id"].as_str().unwrap());
                id.contains(&slug) && (vector["strict"] == "valid") == valid
            })
        };
        assert!(of_tag(true), "{name} has no valid vector");
        assert!(of_tag(false), "{name} has no invalid vector");
    };
    Frame::TAGS.iter().for_each(|(_, name)| has("frames.json", name));
    Handshake::TAGS.iter().for_each(|(_, name)| has("handshake.json", name));
    Signal::TAGS.iter().for_each(|(_, name)| has("signals.json", name));
}

#[test]
fn pids_have_their_text_form() {
    for vector in run::read("pids.json").iter().filter(|vector| !vector["text"].is_null()) {
        let bytes: [u8; 8] = run::bytes(vector).try_into().unwrap();
        let pid = snow_dist_codec::Pid::from_bits(u64::from_le_bytes(bytes));
        assert_eq!(vector["text"], pid.to_string());
        assert_eq!(pid.to_string().parse(), Ok(pid));
    }
}

#[test]
fn the_files_conform_to_their_schema() {
    for (schema, files) in [
        ("vectors.schema.json", &run::FILES[..]),
        ("streams.schema.json", &["streams.json"]),
        ("proofs.schema.json", &["proofs.json"]),
        ("unwritable.schema.json", &["unwritable.json"]),
    ] {
        let read = |name: &str| -> Value {
            serde_json::from_str(&std::fs::read_to_string(vectors::folder().join(name)).unwrap()).unwrap()
        };
        let validator = jsonschema::validator_for(&read(&format!("schema/{schema}"))).unwrap();
        for file in files {
            let instance = read(file);
            let errors: Vec<_> = validator.iter_errors(&instance).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{file}: {errors:#?}");
        }
    }
}
