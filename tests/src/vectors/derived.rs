//! Vectors that follow from a message: it whole, with surplus, and cut.

use serde_json::{Value, json};

use super::layout::{Field, Message};
use super::{invalid, refusal, slug, valid};

pub(super) fn messages_of(kind: &str, all: &[Message]) -> Vec<Value> {
    let mut vectors = Vec::new();
    for (index, message) in all.iter().enumerate() {
        let id = format!("{kind}-{}-{index:02}", slug(message));
        let mut requirements = vec!["DIST-FLD-001", "DIST-FLD-002"];
        let json = message.json(&[]).to_string();
        let shown = SHOWN.iter().filter(|(name, part, _)| *name == message.name && json.contains(part));
        requirements.extend(shown.map(|(_, _, requirement)| requirement));
        if kind == "signal" {
            requirements.push("DIST-SIG-001");
        }
        vectors.push(valid(id, kind, &requirements, message, "every field"));
    }
    vectors
}

/// What a message shows beyond its layout: its name, a part of its JSON, the requirement.
const SHOWN: [(&str, &str, &str); 15] = [
    ("REG_SEND", "é", "DIST-FLD-008"),
    ("PEER_LIST", "no-at", "DIST-NAM-005"),
    ("NAME", " bad name", "DIST-NAM-005"),
    ("FRAGMENT", "", "DIST-FRG-002"),
    ("CLOSE", "65535", "DIST-CLS-001"),
    ("REJECT", "65535", "HS-REJ-002"),
    ("SEND_TERM", "0909", "DIST-STM-001"),
    ("CALL", "0909", "DIST-CAL-001"),
    ("CALL_NAME", "0909", "DIST-CAL-001"),
    ("CALL_NAME", "é", "DIST-FLD-008"),
    ("CALL_REPLY", "0909", "DIST-CAL-001"),
    ("SEND_NAME_TERM", "0909", "DIST-CAL-001"),
    ("SEND_NAME_TERM", "é", "DIST-FLD-008"),
    ("NAME", "unknown", "HS-EXT-006"),
    ("CHALLENGE", "unknown", "HS-EXT-006"),
];

/// Whether bytes after the last field would belong to it.
fn takes_all(message: &Message) -> bool {
    matches!(message.fields.last(), Some((_, Field::Rest(_) | Field::Text(_))))
}

/// Surplus: ignored in the compatible reading, refused in the strict one; after a block or a proof in both.
pub(super) fn surplus_of(kind: &str, all: &[Message]) -> Vec<Value> {
    let mut vectors = Vec::new();
    for (index, message) in all.iter().enumerate().filter(|(_, message)| !takes_all(message)) {
        let bytes = message.bytes();
        let error = refusal("surplus", "trailing", bytes.len());
        let id = format!("{kind}-{}-{index:02}-surplus", slug(message));
        let hex = json!([hex::encode([&bytes[..], b"TRAIL"].concat())]);
        if message.fields.iter().any(|(name, _)| *name == "extension") {
            let requirements = &["HS-EXT-009", "HS-PRF-001"];
            vectors.push(invalid(
                &id,
                kind,
                requirements,
                hex,
                error,
                "nothing may follow a block or a proof",
            ));
        } else {
            vectors.push(json!({
                "id": id, "kind": kind, "comment": "five bytes too many",
                "requirements": ["DIST-RDG-001", "DIST-RDG-002"], "hex": hex,
                "strict": error, "compatible": "valid", "value": message.json(b"TRAIL"),
            }));
        }
    }
    vectors
}

/// One cut inside each field of fixed size, stated with its place. Every other cut follows from `layout`.
pub(super) fn cuts_of(kind: &str, all: &[Message]) -> Vec<Value> {
    let mut vectors = Vec::new();
    for (index, message) in all.iter().enumerate() {
        let bytes = message.bytes();
        let mut at = message.tag.len();
        for (name, field) in &message.fields {
            let length = field.bytes().len();
            let fixed = matches!(
                field,
                Field::U8(_)
                    | Field::U16(_)
                    | Field::U32(_)
                    | Field::U64(_)
                    | Field::Pid(..)
                    | Field::Fixed(_)
            );
            // Without the proof, its block is still there: so that cut is one of these too.
            if fixed {
                vectors.push(invalid(
                    &format!("{kind}-{}-{index:02}-cut-in-{name}", slug(message)),
                    kind,
                    &["DIST-FLD-003", "DIST-RDG-003"],
                    json!([hex::encode(&bytes[..at + length - 1])]),
                    refusal("truncated", name, at),
                    "one byte of the field is missing",
                ));
            }
            at += length;
        }
    }
    vectors
}
