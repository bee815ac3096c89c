//! Bare pieces: reasons, pids, node names, terms.

use serde_json::{Value, json};

use super::layout::{Field, pid_bits, pid_json};
use super::{invalid, messages, refusal};

fn piece(id: String, kind: &str, requirements: &[&str], hex: &Value, value: &Value, comment: &str) -> Value {
    json!({
        "id": id, "kind": kind, "comment": comment, "requirements": requirements,
        "hex": hex, "strict": "valid", "compatible": "valid", "value": {"value": value, "trailing": ""},
    })
}

pub(super) fn reasons() -> Vec<Value> {
    let mut vectors = Vec::new();
    for (index, reason) in messages::reasons().iter().enumerate() {
        let (hex, value) = (json!([hex::encode(reason.bytes())]), reason.json());
        vectors.push(piece(
            format!("reason-{index:02}"),
            "reason",
            &["DIST-FLD-002"],
            &hex,
            &value,
            "as written",
        ));
        vectors.push(json!({
            "id": format!("reason-{index:02}-surplus"), "kind": "reason", "comment": "one byte too many",
            "requirements": ["DIST-RDG-001", "DIST-RDG-002"],
            "hex": [hex::encode([&reason.bytes()[..], &[9]].concat())],
            "strict": refusal("surplus", "trailing", reason.bytes().len()), "compatible": "valid",
            "value": {"value": value, "trailing": "09"},
        }));
    }
    for tag in [7_u8, 8, 255] {
        for (hops, at) in [("", 0), ("030500000000000000", 9)] {
            let root = json!({"kind": "unknown", "code": tag, "payload": "00ff"});
            let value = match at {
                0 => root,
                _ => json!({"kind": "linked", "hops": [pid_json((0, 0, 5))], "root": root}),
            };
            vectors.push(json!({
                "id": format!("reason-unknown-{tag}-{at}"), "kind": "reason", "comment": "a later version's reason",
                "requirements": ["DIST-RSN-002", "DIST-RSN-003"], "hex": [format!("{hops}{tag:02x}00ff")],
                "strict": refusal("unknown_reason", "reason.root", at), "compatible": "valid",
                "value": {"value": value, "trailing": ""},
            }));
        }
    }
    for (id, hex, kind, field, at) in [
        ("empty", "", "truncated", "reason.root", 0),
        ("no-length", "01", "truncated", "reason.root.text", 1),
        ("half-length", "0501000000", "truncated", "reason.root.text", 1),
        ("lying", "010a00000000000000616263", "overrun", "reason.root.text", 1),
        ("lying-most", "01ffffffffffffffff", "overrun", "reason.root.text", 1),
        ("utf8", "010200000000000000fffe", "utf8", "reason.root.text", 9),
        ("utf8-late", "050300000000000000616280", "utf8", "reason.root.text", 11),
        ("hop-cut", "0305000000000000", "truncated", "reason.hops[0]", 1),
        ("second-hop-cut", "03050000000000000003", "truncated", "reason.hops[1]", 10),
        ("no-root", "030500000000000000", "truncated", "reason.root", 9),
    ] {
        let hex = if hex.is_empty() { json!([]) } else { json!([hex]) };
        let requirement = if kind == "utf8" { "DIST-FLD-007" } else { "DIST-FLD-003" };
        let error = refusal(kind, field, at);
        vectors.push(invalid(&format!("reason-{id}"), "reason", &[requirement], hex, error, "refused"));
    }
    vectors
}

pub(super) fn pids() -> Vec<Value> {
    let mut vectors = Vec::new();
    let pids = [
        ((0, 0, 0), "<0.0>"),
        ((0, 0, 5), "<0.5>"),
        ((0, 7, 5), "<0.5.7>"),
        ((1, 0, 5), "<1.5.0>"),
        ((1, 7, 42), "<1.42.7>"),
        ((0xFFFE, 1, 1), "<65534.1.1>"),
        ((0xFFFF, 255, (1 << 40) - 1), "<65535.1099511627775.255>"),
    ];
    for (pid, text) in pids {
        let hex = json!([hex::encode(pid_bits(pid).to_le_bytes())]);
        let mut vector = piece(
            format!("pid-{}", &text[1..text.len() - 1]),
            "pid",
            &["DIST-PID-001", "DIST-PID-002"],
            &hex,
            &pid_json(pid),
            text,
        );
        vector["text"] = json!(text);
        vectors.push(vector);
    }
    let error = refusal("truncated", "pid", 0);
    vectors.push(invalid(
        "pid-cut",
        "pid",
        &["DIST-FLD-003"],
        json!(["00000000000000"]),
        error,
        "seven bytes",
    ));
    vectors
}

pub(super) fn names() -> Vec<Value> {
    let mut vectors = Vec::new();
    for (text, name, host, port) in [
        ("a@h", "a", "h", 9000),
        ("a@h:0", "a", "h", 0),
        ("a@h:65535", "a", "h", 65535),
        ("a@127.0.0.1:9001", "a", "127.0.0.1", 9001),
        ("a@[::1]:4000", "a", "[::1]", 4000),
        ("a@b@c", "a", "b@c", 9000),
        ("café@münchen.example", "café", "münchen.example", 9000),
    ] {
        let hex = json!([hex::encode(text)]);
        let value = json!({"name": name, "host": host, "port": port});
        vectors.push(piece(
            format!("name-{}", vectors.len()),
            "name",
            &["DIST-NAM-001", "DIST-NAM-003"],
            &hex,
            &value,
            text,
        ));
    }
    for (text, at) in [
        ("", 0),
        ("no-at", 5),
        ("@h", 0),
        ("a@", 2),
        ("a@:1", 2),
        ("a@h:", 3),
        ("a@h:99999", 3),
        ("a@h:01", 3),
        ("a@::1", 2),
        ("a@[]", 2),
        ("a@[::1]x", 7),
        ("a\0@h", 1),
        ("a@h\u{85}", 3),
        ("bad@h:xx", 5),
    ] {
        let hex = if text.is_empty() { json!([]) } else { json!([hex::encode(text)]) };
        let error = refusal("invalid", "name", at);
        vectors.push(invalid(
            &format!("name-bad-{}", vectors.len()),
            "name",
            &["DIST-NAM-001"],
            hex,
            error,
            "refused",
        ));
    }
    vectors
}

fn int(number: i64) -> (Vec<u8>, Value) {
    ([&[1][..], &number.to_le_bytes()].concat(), json!({"type": "int", "value": number.to_string()}))
}

fn string(text: &str) -> (Vec<u8>, Value) {
    let bytes = [&[5][..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    (bytes, json!({"type": "string", "value": text}))
}

pub(super) fn terms() -> Vec<Value> {
    let mut vectors = Vec::new();
    let (one, one_json) = int(1);
    let (key, key_json) = string("k");
    let unit = json!({"type": "unit"});
    let nan = 0x7FF8_0000_0000_0001_u64;
    let pid = Field::Pid(1, 7, 42);
    let good: Vec<(&str, Vec<u8>, Value)> = vec![
        ("int", int(i64::MIN).0, int(i64::MIN).1),
        (
            "float",
            [&[2][..], &1.5_f64.to_le_bytes()].concat(),
            json!({"type": "float", "bits": "3ff8000000000000"}),
        ),
        (
            "nan",
            [&[2][..], &nan.to_le_bytes()].concat(),
            json!({"type": "float", "bits": "7ff8000000000001"}),
        ),
        ("true", vec![3], json!({"type": "bool", "value": true})),
        ("false", vec![4], json!({"type": "bool", "value": false})),
        ("string", string("é\0").0, string("é\0").1),
        ("string-empty", string("").0, string("").1),
        ("unit", vec![6], unit.clone()),
        (
            "list",
            [&[10, 2, 0, 0, 0][..], &one, &[6]].concat(),
            json!({"type": "list", "values": [one_json, unit]}),
        ),
        ("list-empty", vec![10, 0, 0, 0, 0], json!({"type": "list", "values": []})),
        (
            "map-string",
            [&[11, 1, 1, 0, 0, 0][..], &key, &one].concat(),
            json!({"type": "map", "keys": "string", "pairs": [[key_json, one_json]]}),
        ),
        (
            "map-int-twice",
            [&[11, 0, 2, 0, 0, 0][..], &one, &[6], &one, &[6]].concat(),
            json!({"type": "map", "keys": "int", "pairs": [[one_json, unit], [one_json, unit]]}),
        ),
        ("set-twice", vec![12, 2, 0, 0, 0, 6, 6], json!({"type": "set", "values": [unit, unit]})),
        (
            "tuple",
            [&[13, 2][..], &one, &key].concat(),
            json!({"type": "tuple", "values": [one_json, key_json]}),
        ),
        ("tuple-empty", vec![13, 0], json!({"type": "tuple", "values": []})),
        (
            "struct",
            [&[20, 5, 0][..], b"Point", &[1, 0, 1, 0], b"x", &one].concat(),
            json!({"type": "struct", "name": "Point", "fields": [["x", one_json]]}),
        ),
        (
            "struct-twice",
            [&[20, 0, 0, 2, 0, 1, 0][..], b"x", &one, &[1, 0], b"x", &[6]].concat(),
            json!({"type": "struct", "name": "", "fields": [["x", one_json], ["x", unit]]}),
        ),
        (
            "sum",
            [&[21, 5, 0][..], b"Shape", &[255, 1, 0, 6]].concat(),
            json!({"type": "sum", "name": "Shape", "variant": 255, "values": [unit]}),
        ),
        ("pid", [&[30][..], &pid.bytes()].concat(), json!({"type": "pid", "value": pid.json()})),
        ("some", vec![40, 6], json!({"type": "some", "value": unit})),
        ("none", vec![41], json!({"type": "none"})),
        ("ok", vec![42, 6], json!({"type": "ok", "value": unit})),
        ("err", vec![43, 41], json!({"type": "err", "value": {"type": "none"}})),
    ];
    for (id, bytes, value) in good {
        let term = [&[1][..], &bytes].concat();
        let hex = json!([hex::encode(&term)]);
        let mut requirements = vec!["STF-VER-001"];
        requirements.extend(match id {
            "float" | "nan" => Some("STF-NUM-001"),
            "list" => Some("STF-LST-001"),
            "map-int-twice" | "set-twice" | "struct-twice" => Some("STF-MAP-003"),
            _ => None,
        });
        let mut vector = piece(format!("term-{id}"), "term", &requirements, &hex, &value, id);
        vector["cuts"] = json!("refused");
        vectors.push(vector);
        vectors.push(json!({
            "id": format!("term-{id}-surplus"), "kind": "term", "comment": "two bytes too many",
            "requirements": ["STF-VER-002"], "hex": [hex::encode([&term[..], &[1, 2]].concat())],
            "strict": refusal("surplus", "trailing", term.len()), "compatible": "valid",
            "value": {"value": value, "trailing": "0102"},
        }));
    }
    for (id, requirement, hex, kind, field, at) in [
        ("empty", "STF-VER-001", json!([]), "truncated", "version", 0),
        ("version", "STF-VER-001", json!(["0206"]), "invalid", "version", 0),
        ("no-value", "DIST-FLD-003", json!(["01"]), "truncated", "value", 1),
        ("tag-0", "STF-TAG-001", json!(["0100"]), "unknown_term", "value", 1),
        ("tag-7", "STF-TAG-001", json!(["0107"]), "unknown_term", "value", 1),
        ("closure", "STF-TAG-002", json!(["01ff"]), "closure", "value", 1),
        ("closure-inside", "STF-TAG-002", json!(["010d01ff"]), "closure", "value", 3),
        ("string-lying", "DIST-FLD-004", json!(["0105ffffff00"]), "overrun", "string", 2),
        ("string-limit", "STF-STR-001", json!(["010501000001"]), "too_long", "string", 2),
        ("string-utf8", "DIST-FLD-007", json!(["01050100000080"]), "utf8", "string", 6),
        ("list-limit", "STF-CNT-001", json!(["010a41420f00"]), "too_long", "list", 2),
        ("list-most", "STF-CNT-001", json!(["010affffffff"]), "too_long", "list", 2),
        ("list-lying", "DIST-FLD-004", json!(["010a40420f0006"]), "overrun", "list", 2),
        ("set-limit", "STF-CNT-001", json!(["010c41420f00"]), "too_long", "set", 2),
        ("map-limit", "STF-CNT-001", json!(["010b0141420f00"]), "too_long", "map", 3),
        ("map-keys", "STF-MAP-001", json!(["010b0200000000"]), "invalid", "map.keys", 2),
        ("map-key", "STF-MAP-002", json!(["010b00010000000606"]), "invalid", "map.key", 7),
        ("tuple-lying", "DIST-FLD-004", json!(["010dff06"]), "overrun", "tuple", 2),
        ("struct-lying", "DIST-FLD-004", json!(["0114000002000000060000"]), "overrun", "struct", 4),
        ("sum-lying", "DIST-FLD-004", json!(["01150000000100"]), "overrun", "sum", 5),
        ("deep-65", "STF-DEP-001", json!(["01", {"hex": "28", "times": 64}, "06"]), "too_deep", "value", 65),
        (
            "deep-million",
            "STF-DEP-001",
            json!(["01", {"hex": "28", "times": 1_000_000}, "06"]),
            "too_deep",
            "value",
            65,
        ),
        (
            "deep-lists",
            "STF-DEP-001",
            json!(["01", {"hex": "0a01000000", "times": 100_000}, "06"]),
            "too_deep",
            "value",
            321,
        ),
    ] {
        let error = refusal(kind, field, at);
        vectors.push(invalid(&format!("term-{id}"), "term", &[requirement], hex, error, "refused"));
    }
    vectors.push(json!({
        "id": "term-deep-64", "kind": "term", "comment": "the deepest there may be", "requirements": ["STF-DEP-002"],
        "hex": ["01", {"hex": "28", "times": 63}, "06"], "strict": "valid", "compatible": "valid",
    }));
    vectors
}
