//! Every vector, in both directions and both readings.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use serde_json::{Value, json};
use snow_dist_codec::document::Document;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::stf::Encoder;
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
    let (mut count, mut wrong) = (0, Vec::new());
    for file in run::FILES {
        for vector in run::read(file) {
            count += 1;
            for (reading, name) in [(Reading::Strict, "strict"), (Reading::Compatible, "compatible")] {
                if let Err(found) = judge(&vector, &vector[name], reading) {
                    wrong.push(format!("{}, {reading:?}: {found}", vector["id"]));
                }
            }
            back(&vector);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count > 900, "{count}");
}

/// What is found, if that is not what the vector says.
fn judge(vector: &Value, expected: &Value, reading: Reading) -> Result<(), String> {
    let bytes = run::bytes(vector);
    let same = |found: Value, expected: &Value| {
        if found == *expected { Ok(()) } else { Err(found.to_string()) }
    };
    if let Some(hops) = vector["hops"].as_u64() {
        // As JSON they would take a hundred times their bytes.
        let Ok(Frame::Exit(exit)) = Frame::decode(&bytes, reading) else { return Err("no EXIT".into()) };
        return same(exit.reason.hops().len().into(), &hops.into());
    }
    let found = match vector["kind"].as_str().unwrap() {
        // A million elements would take long as JSON.
        kind @ ("term" | "term_2") if vector["value"].is_null() => {
            run::terms(kind).decode(&bytes, reading).map(|_| Value::Null)
        }
        kind => run::decode(kind, &bytes, reading),
    };
    match (found, expected == "valid") {
        (Ok(_), true) if vector["value"].is_null() => Ok(()),
        (Ok(found), true) => same(found, &vector["value"]),
        (Err(error), false) => {
            assert!(error.at <= bytes.len(), "{}", vector["id"]);
            let mut expected = expected.clone();
            expected.as_object_mut().unwrap().remove("layer");
            //= spec/dist.md#dist-fld-010
            //# The error of a refusal SHOULD say what is wrong, in which field, and at which byte of the
            //# payload.
            let found = json!({"kind": error.kind.name(), "field": error.field.to_string(), "at": error.at});
            same(found, &expected)
        }
        (Ok(found), false) => Err(found.to_string()),
        (Err(error), true) => Err(error.to_string()),
    }
}

/// What a vector says is written in the bytes that it calls canonical.
fn back(vector: &Value) {
    let (id, kind) = (vector["id"].as_str().unwrap(), vector["kind"].as_str().unwrap());
    let value = &vector["value"];
    if value.is_null() {
        return;
    }
    let written = if kind.starts_with("term") {
        let bytes = run::bytes(vector);
        let (value, _) = run::terms(kind).decode(&bytes, Reading::Compatible).unwrap();
        let mut written = Vec::new();
        let mut encoder = Encoder::new_in(run::terms(kind), &mut written);
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
        let says = match vector["error"]["kind"].as_str().unwrap() {
            "too_long" => "is over the limit of",
            "too_deep" => "nests deeper than",
            _ => "",
        };
        assert!(error.contains(says), "{id}: {error}");
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
fn every_file_conforms_to_the_schema() {
    let read =
        |path: &Path| -> Value { serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap() };
    let folder = vectors::folder();
    let validator = jsonschema::validator_for(&read(&folder.join("schema/vectors.schema.json"))).unwrap();
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let errors: Vec<_> = validator.iter_errors(&read(&path)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
        files.insert(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    let made = vectors::files().into_iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(files, made, "every file is made, and every file that is made is there");
}

#[test]
fn no_two_vectors_have_the_same_id() {
    let mut ids = HashSet::new();
    for (name, file) in vectors::files() {
        for vector in file["vectors"].as_array().unwrap() {
            let id = vector["id"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{name}: {id} stands twice");
        }
    }
}
