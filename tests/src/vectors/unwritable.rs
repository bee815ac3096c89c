//! Values that no writer may write.

use serde_json::{Value, json};

use super::layout::pid_json;

pub(super) fn file() -> Value {
    let mut vectors = long_values();
    vectors.extend(frames_over_the_limit());
    vectors.extend(values_that_are_not_allowed());
    let about = "Values that a writer refuses, and the field it refuses them for. No byte is written.";
    super::file("unwritable", about, vectors)
}

fn vector(id: &str, kind: &str, requirement: &str, value: Value, field: &str, comment: &str) -> Value {
    let error = match (kind, field) {
        (_, "length") => ("too_long", "framing"),
        ("frame", _) => ("too_long", "frame"),
        ("term", _) => ("too_deep", "term"),
        (_, "extension") => ("invalid", "extension"),
        _ => ("invalid", "handshake"),
    };
    json!({
        "id": format!("unwritable-{id}"), "kind": kind, "comment": comment, "requirements": [requirement],
        "result": "invalid", "value": value, "field": field, "error": {"kind": error.0, "layer": error.1},
    })
}

fn message(tag: &str, fields: Value) -> Value {
    json!({"tag": tag, "fields": fields})
}

fn name(name: &str, extension: Value) -> Value {
    message("NAME", json!({"name": name, "creation": 1, "extension": extension}))
}

/// The field is this text, so many times.
fn repeated(mut vector: Value, text: &str, times: u32) -> Value {
    vector["repeat"] = json!({"text": text, "times": times});
    vector
}

fn long_values() -> Vec<Value> {
    let spawn =
        json!({"request": "1", "requester": pid_json((0, 0, 5)), "link": 0, "function": "", "arguments": ""});
    [
        ("name", message("REG_SEND", json!({"name": "", "message": ""}))),
        ("function", message("SPAWN", spawn)),
        ("names", message("PEER_LIST", json!({"names": []}))),
    ]
    .map(|(field, value)| {
        let comment = "65 536 where 65 535 fit";
        let vector = vector(&format!("{field}-long"), "frame", "DIST-FLD-009", value, field, comment);
        repeated(vector, "x", 65_536)
    })
    .to_vec()
}

fn frames_over_the_limit() -> Vec<Value> {
    let ping = message("PING", json!({"payload": "0102030405060708"}));
    let send = message("SEND", json!({"to": pid_json((0, 0, 5)), "message": "00".repeat(100)}));
    [("ping", ping, 8), ("send", send, 108)]
        .map(|(id, value, bytes_max)| {
            let id = format!("over-limit-{id}");
            let mut vector = vector(&id, "frame", "DIST-FRM-004", value, "length", "one byte over the limit");
            vector["bytes_max"] = json!(bytes_max);
            vector
        })
        .to_vec()
}

fn values_that_are_not_allowed() -> Vec<Value> {
    let refused = |id: &str, value: Value, field: &str, comment: &str| {
        vector(id, "handshake", "DIST-FLD-006", value, field, comment)
    };
    let reject = message("REJECT", json!({"code": 1, "text": ""}));
    let deep = (0..64).fold(json!({"type": "unit"}), |inner, _| json!({"type": "some", "value": inner}));
    vec![
        repeated(refused("reject-long", reject, "text", "256 bytes of text"), "x", 256),
        repeated(
            refused("beside-block-long", name("", json!({})), "name", "256 bytes beside a block"),
            "x",
            256,
        ),
        refused(
            "beside-block-control",
            name("a@h\u{7}", json!({})),
            "name",
            "a control character beside a block",
        ),
        refused("versions-descend", name("a@h:1", json!({"versions": [3, 2]})), "extension", "3, 2"),
        refused(
            "incarnation-0",
            name("a@h:1", json!({"incarnation": "0"})),
            "extension",
            "an incarnation of 0",
        ),
        vector("term-deep", "term", "STF-DEP-003", deep, "value", "65 levels"),
    ]
}
