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
use snow_dist_codec::stf::{self, Encoder};
use snow_dist_codec::{Frame, Handshake, Reading, Signal};
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
        let found = json!({"kind": error.kind.name(), "field": error.field.to_string(), "at": error.at});
        assert_eq!(found, *expected, "{id}, {reading:?}: {error}");
        assert!(error.at <= bytes.len(), "{id}");
    }
}

/// What a vector says is written in the vector's bytes, but for what trails.
fn back(vector: &Value) {
    let (id, kind) = (vector["id"].as_str().unwrap(), vector["kind"].as_str().unwrap());
    let value = &vector["value"];
    if value.is_null() || kind == "name" {
        return;
    }
    let bytes = run::bytes(vector);
    let trailing = hex::decode(value["trailing"].as_str().unwrap()).unwrap();
    let written = if kind == "term" {
        let (value, _) = stf::decode(&bytes, Reading::Compatible).unwrap();
        let mut written = Vec::new();
        let mut encoder = Encoder::new(&mut written);
        value.encode(&mut encoder);
        encoder.finish().unwrap();
        written
    } else {
        run::encode(kind, value)
    };
    assert_eq!(hex::encode(&written), hex::encode(&bytes[..bytes.len() - trailing.len()]), "{id}");
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
    for (schema, files) in
        [("vectors.schema.json", &run::FILES[..]), ("streams.schema.json", &["streams.json"])]
    {
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
