//! The vectors of `spec/vectors`, made of values and a layout that stand here.

mod courses;
mod derived;
mod edges;
mod elections;
mod groups;
pub mod layout;
pub mod messages;
mod odd;
mod pieces;
mod proofs;
mod second;
mod sessions;
mod streams;
mod unwritable;

use std::path::PathBuf;

use derived::{cuts_of, messages_of, surplus_of};
use layout::Message;
use serde_json::{Value, json};

/// Where the vectors are.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors")
}

/// Every file that is made here, and what stands in it.
pub fn files() -> Vec<(&'static str, Value)> {
    vec![
        ("frames.json", bytes("Frames of a session.", frames())),
        ("handshake.json", bytes("Messages of the handshake.", handshake())),
        ("reasons.json", bytes("Exit reasons, bare.", pieces::reasons())),
        ("signals.json", bytes("Signals in a mailbox.", signals())),
        ("pids.json", bytes("Pids, bare.", pieces::pids())),
        ("names.json", bytes("Node names, bare.", pieces::names())),
        ("stf.json", bytes("Terms, bare.", terms())),
        ("streams.json", streams::file()),
        ("courses.json", courses::file()),
        ("sessions.json", sessions::file()),
        ("elections.json", elections::file()),
        ("groups.json", groups::file()),
        ("proofs.json", proofs::file()),
        ("unwritable.json", unwritable::file()),
        ("captures-v1.json", captures()),
    ]
}

/// Terms of both kinds.
fn terms() -> Vec<Value> {
    [pieces::terms(), second::terms()].concat()
}

/// The whole handshakes.
pub fn proofs() -> Value {
    proofs::file()
}

/// What was captured was not made here: only what follows from it is.
fn captures() -> Value {
    let text = std::fs::read_to_string(folder().join("captures-v1.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    bytes(file["about"].as_str().unwrap(), file["vectors"].as_array().unwrap().clone())
}

/// A file as it is written.
pub fn to_text(file: &Value) -> String {
    serde_json::to_string_pretty(file).unwrap() + "\n"
}

/// A file of vectors of one of the forms that the schema knows.
fn file(form: &str, about: &str, vectors: Vec<Value>) -> Value {
    json!({
        "$schema": "schema/vectors.schema.json", "form": form, "about": about, "licence": "CC0-1.0",
        "vectors": vectors,
    })
}

fn bytes(about: &str, vectors: Vec<Value>) -> Value {
    file("bytes", about, vectors.iter().map(finished).collect())
}

/// What a vector can say, in the order in which it is written.
const WORDS: [&str; 15] = [
    "id",
    "kind",
    "comment",
    "requirements",
    "result",
    "hex",
    "strict",
    "compatible",
    "closes",
    "value",
    "canonical",
    "text",
    "hops",
    "layout",
    "cuts",
];

/// A vector with what follows from the rest of it: who refuses, whether a session closes, what a writer writes.
pub fn finished(vector: &Value) -> Value {
    let mut whole = vector.clone();
    let kind = vector["kind"].as_str().unwrap();
    for reading in ["strict", "compatible"] {
        if let Some(error) = whole[reading].as_object_mut() {
            let layer = layer(kind, error["field"].as_str().unwrap());
            error.insert("layer".to_owned(), layer.into());
        }
    }
    let refused = vector["compatible"] != "valid";
    whole["result"] = if refused { "invalid" } else { "valid" }.into();
    if matches!(kind, "frame" | "handshake") {
        whole["closes"] = refused.into();
    }
    if vector.get("value").is_some() {
        whole["canonical"] = canonical(vector);
    }
    for word in whole.as_object().unwrap().keys() {
        assert!(WORDS.contains(&&**word), "{word}");
    }
    WORDS
        .iter()
        .filter_map(|word| Some(((*word).to_owned(), whole.get(*word)?.clone())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Which part of a reader refuses: the one for what has the wrong field.
fn layer<'k>(kind: &'k str, field: &str) -> &'k str {
    if field.starts_with("reason") {
        "reason"
    } else if field.starts_with("extension") {
        "extension"
    } else if kind == "term_2" {
        "term"
    } else {
        kind
    }
}

/// The bytes that a writer writes for a vector's value: those that were read, but for surplus. A node name is
/// completed with its port.
fn canonical(vector: &Value) -> Value {
    let value = &vector["value"];
    if vector["kind"] == "name" {
        let part = |name: &str| value["value"][name].as_str().unwrap().to_owned();
        let port = value["value"]["port"].as_u64().unwrap();
        return json!([hex::encode(format!("{}@{}:{port}", part("name"), part("host")))]);
    }
    let trailing = value["trailing"].as_str().unwrap();
    match vector["hex"].as_array().unwrap().as_slice() {
        [] => json!([]),
        [Value::String(hex)] => json!([hex.strip_suffix(trailing).unwrap()]),
        segments => {
            assert_eq!(trailing, "", "repeated bytes have no surplus");
            json!(segments)
        }
    }
}

/// An error that a vector expects.
fn refusal(kind: &str, field: &str, at: usize) -> Value {
    json!({"kind": kind, "field": field, "at": at})
}

fn valid(id: String, kind: &str, requirements: &[&str], message: &Message, comment: &str) -> Value {
    json!({
        "id": id, "kind": kind, "comment": comment, "requirements": requirements,
        "hex": [hex::encode(message.bytes())], "strict": "valid", "compatible": "valid",
        "value": message.json(&[]), "layout": message.layout(),
    })
}

/// Bytes that are refused in both readings, or only in the strict one and ignored in the other.
fn invalid(id: &str, kind: &str, requirements: &[&str], hex: Value, error: Value, comment: &str) -> Value {
    json!({
        "id": id, "kind": kind, "comment": comment, "requirements": requirements,
        "hex": hex, "strict": error, "compatible": error,
    })
}

fn frames() -> Vec<Value> {
    let mut vectors = messages_of("frame", &messages::frames());
    vectors.extend(surplus_of("frame", &messages::frames()));
    vectors.extend(cuts_of("frame", &messages::frames()));
    vectors.extend(odd::frames());
    vectors.extend(edges::frames());
    vectors
}

fn handshake() -> Vec<Value> {
    let all = messages::handshake();
    let mut vectors = messages_of("handshake", &all);
    vectors.extend(surplus_of("handshake", &all));
    vectors.extend(cuts_of("handshake", &all));
    vectors.extend(odd::handshake());
    vectors.extend(edges::handshake());
    vectors
}

fn signals() -> Vec<Value> {
    let all = messages::signals();
    let mut vectors = messages_of("signal", &all);
    vectors.extend(surplus_of("signal", &all));
    vectors.extend(cuts_of("signal", &all));
    vectors.extend(odd::signals());
    vectors
}

fn slug(message: &Message) -> String {
    message.name.to_lowercase().replace('_', "-")
}
