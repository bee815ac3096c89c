//! Bare pieces: reasons, pids, node names, terms.

use serde_json::{Value, json};

use super::layout::{Field, Root, pid_bits, pid_json};
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
    vectors.extend(edge_reasons());
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
    vectors.extend(edge_names());
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
    vectors.extend(edge_terms());
    vectors
}

/// Reasons at the edges of their layout.
fn edge_reasons() -> Vec<Value> {
    let mut vectors = Vec::new();
    let bom = "\u{FEFF} \0\r\n";
    let text = Field::Reason(vec![], Root::Error(bom.to_owned()));
    let hops = (0..300).map(|local| (0, 1, local)).collect();
    let chain = Field::Reason(hops, Root::Killed);
    for (id, reason, comment) in
        [("text-kept", text, "text is kept as it is"), ("hops-300", chain, "300 hops")]
    {
        let hex = json!([hex::encode(reason.bytes())]);
        let requirements: &[_] = if id == "text-kept" { &["DIST-FLD-008"] } else { &["DIST-RSN-001"] };
        vectors.push(piece(format!("reason-{id}"), "reason", requirements, &hex, &reason.json(), comment));
    }
    vectors.push(json!({
        "id": "reason-unknown-bare", "kind": "reason", "comment": "a later version's reason, without more",
        "requirements": ["DIST-RSN-002", "DIST-RSN-003"], "hex": ["07"],
        "strict": refusal("unknown_reason", "reason.root", 0), "compatible": "valid",
        "value": {"value": {"kind": "unknown", "code": 7, "payload": ""}, "trailing": ""},
    }));
    for (id, hex, requirement, kind, field, at) in [
        ("lying-by-one", "05040000000000000061 6263", "DIST-FLD-004", "overrun", "reason.root.text", 1),
        ("custom-utf8", "050100000000000000ff", "DIST-FLD-007", "utf8", "reason.root.text", 9),
        ("hop-only", "03", "DIST-FLD-003", "truncated", "reason.hops[0]", 1),
    ] {
        let hex = json!([hex.replace(' ', "")]);
        let error = refusal(kind, field, at);
        vectors.push(invalid(&format!("reason-{id}"), "reason", &[requirement], hex, error, "refused"));
    }
    vectors
}

/// Names at the edges of their grammar.
fn edge_names() -> Vec<Value> {
    let mut vectors = Vec::new();
    let longest = format!("a@{}:65535", "h".repeat(247));
    for (id, text, name, host, port) in [
        ("blanks", "a b@c d", "a b", "c d", 9000),
        ("brackets-port-0", "a@[::1]:0", "a", "[::1]", 0),
        ("colon-in-name", "a:1@h", "a:1", "h", 9000),
        ("bracket-in-name", "[a]@h:1", "[a]", "h", 1),
        ("longest", &longest, "a", &longest[2..249], 65535),
    ] {
        let value = json!({"name": name, "host": host, "port": port});
        let hex = json!([hex::encode(text)]);
        let requirements = ["DIST-NAM-001", "DIST-NAM-003"];
        vectors.push(piece(format!("name-{id}"), "name", &requirements, &hex, &value, "a node name"));
    }
    for (id, text, at) in [
        ("port-too-large", "a@h:65536".to_owned(), 3),
        ("port-two-zeros", "a@h:00".to_owned(), 3),
        ("port-sign", "a@h:+1".to_owned(), 3),
        ("port-blank", "a@h: 1".to_owned(), 3),
        ("bracket-open", "a@[::1".to_owned(), 2),
        ("bracket-close", "a@h]".to_owned(), 3),
        ("brackets-no-port", "a@[::1]:".to_owned(), 7),
        ("c0", "a@\u{1f}".to_owned(), 2),
        ("c1", "\u{9f}@h".to_owned(), 0),
        ("too-long", format!("a@{}:65535", "h".repeat(248)), 256),
        ("too-long-with-port", format!("a@{}", "h".repeat(249)), 251),
    ] {
        let hex = json!([hex::encode(text)]);
        let error = refusal("invalid", "name", at);
        vectors.push(invalid(
            &format!("name-bad-{id}"),
            "name",
            &["DIST-NAM-001"],
            hex,
            error,
            "no node name",
        ));
    }
    vectors
}

/// Terms at the edges of the format.
fn edge_terms() -> Vec<Value> {
    let mut vectors = Vec::new();
    for (id, number) in [("minus-1", -1), ("most", i64::MAX), ("zero", 0)] {
        let (bytes, value) = int(number);
        vectors.push(term(&format!("int-{id}"), &["DIST-FLD-002"], &bytes, &value));
    }
    for (id, bits) in [
        ("minus-0", 1_u64 << 63),
        ("infinity", 0x7FF0_0000_0000_0000),
        ("minus-infinity", 0xFFF0_0000_0000_0000),
        ("signalling-nan", 0x7FF0_0000_0000_0001),
        ("nan-all-ones", u64::MAX),
        ("subnormal", 1),
    ] {
        let bytes = [&[2][..], &bits.to_le_bytes()].concat();
        let value = json!({"type": "float", "bits": format!("{bits:016x}")});
        vectors.push(term(&format!("float-{id}"), &["STF-NUM-001"], &bytes, &value));
    }
    for (id, key_type, keys) in [("empty-int", 0, "int"), ("empty-string", 1, "string")] {
        let value = json!({"type": "map", "keys": keys, "pairs": []});
        vectors.push(term(&format!("map-{id}"), &["STF-MAP-001"], &[11, key_type, 0, 0, 0, 0], &value));
    }
    let unit = json!({"type": "unit"});
    let mixed = json!({"type": "set", "values": [unit, {"type": "bool", "value": true}, {"type": "none"}]});
    vectors.push(term("set-mixed", &["STF-LST-001"], &[12, 3, 0, 0, 0, 6, 3, 41], &mixed));
    let sum = json!({"type": "sum", "name": "", "variant": 0, "values": []});
    vectors.push(term("sum-empty", &["DIST-FLD-005"], &[21, 0, 0, 0, 0, 0], &sum));
    let pid = [&[30][..], &[0xFF; 8]].concat();
    let value = json!({"type": "pid", "value": pid_json((0xFFFF, 0xFF, (1 << 40) - 1))});
    vectors.push(term("pid-most", &["DIST-PID-001"], &pid, &value));
    vectors.extend(edge_counts());
    vectors.extend(depths());
    vectors.extend(refused_terms());
    vectors
}

fn term(id: &str, requirements: &[&str], bytes: &[u8], value: &Value) -> Value {
    let hex = json!([hex::encode([&[1][..], bytes].concat())]);
    let mut vector = piece(format!("term-{id}"), "term", requirements, &hex, value, id);
    vector["cuts"] = json!("refused");
    vector
}

/// Bytes that are read, whose value would be too large to stand beside them.
fn large(id: &str, requirement: &str, hex: Value, comment: &str) -> Value {
    json!({
        "id": format!("term-{id}"), "kind": "term", "comment": comment, "requirements": [requirement],
        "hex": hex, "strict": "valid", "compatible": "valid",
    })
}

fn edge_counts() -> Vec<Value> {
    let million = |head: &str, element: &str| json!([head, {"hex": element, "times": 1_000_000}]);
    let names: Vec<_> = (0..255).map(|_| "06").collect();
    vec![
        large("list-most-units", "STF-CNT-001", million("010a40420f00", "06"), "1 000 000 elements"),
        large("set-most-units", "STF-CNT-001", million("010c40420f00", "06"), "1 000 000 elements"),
        large("map-most-pairs", "STF-CNT-001", million("010b0140420f00", "050000000006"), "1 000 000 pairs"),
        large("tuple-most", "DIST-FLD-005", json!([format!("010dff{}", names.concat())]), "255 elements"),
        large(
            "struct-most",
            "DIST-FLD-005",
            json!(["01140000ffff", {"hex": "000006", "times": 65_535}]),
            "65 535 fields",
        ),
        large(
            "sum-most",
            "DIST-FLD-005",
            json!(["0115000000ffff", {"hex": "06", "times": 65_535}]),
            "65 535 values",
        ),
    ]
}

/// What one level of each type that holds others puts before the value in it.
const LEVELS: [(&str, &str); 9] = [
    ("list", "0a01000000"),
    ("set", "0c01000000"),
    ("map", "0b01010000000500000000"),
    ("tuple", "0d01"),
    ("struct", "14000001000000"),
    ("sum", "150000000100"),
    ("some", "28"),
    ("ok", "2a"),
    ("err", "2b"),
];

/// Bytes of an empty string, which the maps among them have as a key.
const KEY_BYTES: usize = 5;

/// 64 and 65 levels of each type.
fn depths() -> Vec<Value> {
    let mut vectors = Vec::new();
    for (name, head) in LEVELS {
        let hex = json!(["01", {"hex": head, "times": 63}, "06"]);
        vectors.push(large(&format!("depth-64-{name}"), "STF-DEP-002", hex, "the deepest there may be"));
        let hex = json!(["01", {"hex": head, "times": 64}, "06"]);
        // The key of a map stands before its value, and as deep.
        let key = if name == "map" { KEY_BYTES } else { 0 };
        let error = refusal("too_deep", "value", 1 + 64 * head.len() / 2 - key);
        let id = format!("term-depth-65-{name}");
        vectors.push(invalid(&id, "term", &["STF-DEP-001"], hex, error, "one level too many"));
    }
    vectors
}

fn refused_terms() -> Vec<Value> {
    let mut vectors = Vec::new();
    for tag in [8_u8, 9, 14, 19, 22, 29, 31, 39, 44, 128, 254] {
        let error = refusal("unknown_term", "value", 1);
        let hex = json!([hex::encode([1, tag, 0, 0, 0, 0])]);
        let id = format!("term-unknown-{tag}");
        vectors.push(invalid(&id, "term", &["STF-TAG-001"], hex, error, "a tag without a meaning"));
    }
    for (id, requirement, hex, kind, field, at) in [
        ("version-0", "STF-VER-001", "0006", "invalid", "version", 0),
        ("version-255", "STF-VER-001", "ff06", "invalid", "version", 0),
        ("unknown-inside", "STF-TAG-001", "012807", "unknown_term", "value", 2),
        ("unknown-second", "STF-TAG-001", "010d020607", "unknown_term", "value", 4),
        ("closure-in-map", "STF-TAG-002", "010b01010000000500000000ff", "closure", "value", 12),
        ("closure-in-struct", "STF-TAG-002", "0114000001000000ff", "closure", "value", 8),
        ("closure-in-err", "STF-TAG-002", "012bff", "closure", "value", 2),
        ("struct-name-utf8", "DIST-FLD-007", "0114010080 0000", "utf8", "struct.name", 4),
        ("struct-field-utf8", "DIST-FLD-007", "011400000100 01008006", "utf8", "struct.field", 8),
        ("sum-name-utf8", "DIST-FLD-007", "011501008000 0000", "utf8", "sum.name", 4),
        ("key-utf8", "DIST-FLD-007", "010b010100000005010000008006", "utf8", "string", 12),
        ("map-key-type-255", "STF-MAP-001", "010bff00000000", "invalid", "map.keys", 2),
        ("map-int-for-string", "STF-MAP-002", "010b0101000000 01000000000000000006", "invalid", "map.key", 7),
        ("map-string-for-int", "STF-MAP-002", "010b0001000000 050000000006", "invalid", "map.key", 7),
        ("map-second-key", "STF-MAP-002", "010b0102000000 050000000006 0606", "invalid", "map.key", 13),
        ("set-most", "STF-CNT-001", "010cffffffff", "too_long", "set", 2),
        ("map-most", "STF-CNT-001", "010b01ffffffff", "too_long", "map", 3),
        ("string-most", "STF-STR-001", "0105ffffffff", "too_long", "string", 2),
        ("set-lying", "DIST-FLD-004", "010c0200000006", "overrun", "set", 2),
        ("map-lying", "DIST-FLD-004", "010b0164000000050000000006", "overrun", "map", 3),
    ] {
        let hex = json!([hex.replace(' ', "")]);
        let error = refusal(kind, field, at);
        vectors.push(invalid(&format!("term-{id}"), "term", &[requirement], hex, error, "refused"));
    }
    vectors
}
