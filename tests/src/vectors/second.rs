//! Bare terms of the second kind.

use serde_json::{Value, json};

use super::layout::{Field, pid_json};
use super::{invalid, refusal};

const KIND: &str = "term_2";

/// A value: its bytes, and what the vectors say of it.
type Written = (Vec<u8>, Value);

fn bytes(bytes: &[u8]) -> Written {
    let written = [&[7][..], &(bytes.len() as u32).to_le_bytes(), bytes].concat();
    (written, json!({"type": "bytes", "value": hex::encode(bytes)}))
}

fn large(number: u64) -> Written {
    ([&[8][..], &number.to_le_bytes()].concat(), json!({"type": "u64", "value": number.to_string()}))
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat()
}

fn variant(name: &str, variant: &str, fields: &[(&str, Written)]) -> Written {
    let mut written = [&[22][..], &text(name), &text(variant), &(fields.len() as u16).to_le_bytes()].concat();
    let mut shown = Vec::new();
    for (field, (bytes, value)) in fields {
        written.extend(text(field));
        written.extend(bytes);
        shown.push(json!([field, value]));
    }
    (written, json!({"type": "variant", "name": name, "variant": variant, "fields": shown}))
}

fn unit() -> Written {
    (vec![6], json!({"type": "unit"}))
}

fn pid() -> Written {
    (
        [&[30][..], &Field::Pid(1, 7, 42).bytes()].concat(),
        json!({"type": "pid", "value": pid_json((1, 7, 42))}),
    )
}

pub(super) fn terms() -> Vec<Value> {
    let mut vectors = valid();
    vectors.extend(longest());
    vectors.extend(refused());
    vectors
}

fn valid() -> Vec<Value> {
    let deep = variant("S", "A", &[("b", variant("S", "B", &[("x", unit())]))]);
    let (key, key_json) = large(u64::MAX);
    let int = [&[1][..], &1_i64.to_le_bytes()].concat();
    let keys = (
        [&[11, 0, 2, 0, 0, 0][..], &key, &[6], &int, &[6]].concat(),
        json!({"type": "map", "keys": "int", "pairs": [[key_json, unit().1], [{"type": "int", "value": "1"}, unit().1]]}),
    );
    let first = (
        [&[13, 2][..], &int, &[21, 1, 0, b'S', 3, 0, 0]].concat(),
        json!({"type": "tuple", "values": [
            {"type": "int", "value": "1"}, {"type": "sum", "name": "S", "variant": 3, "values": []},
        ]}),
    );
    let listed = (
        [&[10, 2, 0, 0, 0][..], &bytes(b"a").0, &large(1 << 63).0].concat(),
        json!({"type": "list", "values": [bytes(b"a").1, large(1 << 63).1]}),
    );
    let all: Vec<(&str, &str, Written)> = vec![
        ("bytes", "STF-BYT-002", bytes(&[0xFF, 0x00, 0x80])),
        ("bytes-empty", "STF-BYT-002", bytes(&[])),
        ("bytes-like-a-pid", "STF-BYT-002", bytes(&[30, 5, 0, 0, 0, 0, 7, 0, 0])),
        ("u64-least", "STF-INT-001", large(1 << 63)),
        ("u64-most", "STF-INT-001", large(u64::MAX)),
        ("keys-u64", "STF-INT-002", keys),
        ("variant", "STF-VAR-001", variant("Shape", "Circle", &[("r", pid()), ("id", bytes(&[9]))])),
        ("variant-empty", "STF-VAR-001", variant("", "", &[])),
        (
            "variant-twice",
            "STF-VAR-001",
            variant("S", "é", &[("x", unit()), ("x", large(u64::MAX)), ("a", unit())]),
        ),
        ("variant-in-variant", "STF-VAR-001", deep),
        ("mixed", "STF-LST-001", listed),
        ("first-kind", "STF-KND-001", first),
        ("first-kind-unit", "STF-KND-001", unit()),
    ];
    let mut vectors = Vec::new();
    for (id, requirement, (bytes, value)) in all {
        let term = [&[1][..], &bytes].concat();
        let hex = json!([hex::encode(&term)]);
        let vector = json!({
            "id": format!("term-2-{id}"), "kind": KIND, "comment": id, "requirements": [requirement],
            "hex": hex, "strict": "valid", "compatible": "valid", "value": {"value": value, "trailing": ""},
            "cuts": "refused",
        });
        vectors.push(vector);
        vectors.push(json!({
            "id": format!("term-2-{id}-surplus"), "kind": KIND, "comment": "two bytes too many",
            "requirements": ["STF-VER-002"], "hex": [hex::encode([&term[..], &[1, 2]].concat())],
            "strict": refusal("surplus", "trailing", term.len()), "compatible": "valid",
            "value": {"value": value, "trailing": "0102"},
        }));
        // The same bytes to a reader of the first kind. What stands first of the second kind is refused.
        if let Some(at) = second_at(id) {
            let error = if id == "keys-u64" { refusal("invalid", "map.key", at) } else { unknown(at) };
            // A reader can read the key before it judges of which type that is.
            let requirements: &[_] =
                if id == "keys-u64" { &["STF-MAP-002", "STF-TAG-001"] } else { &["STF-TAG-001"] };
            let id = format!("term-{id}-of-the-second-kind");
            vectors.push(invalid(&id, "term", requirements, hex, error, "to a reader of the first kind"));
        }
    }
    vectors
}

fn unknown(at: usize) -> Value {
    refusal("unknown_term", "value", at)
}

/// Where the first value of the second kind stands.
fn second_at(id: &str) -> Option<usize> {
    match id {
        "mixed" => Some(6),
        "keys-u64" => Some(7),
        "first-kind" | "first-kind-unit" => None,
        _ => Some(1),
    }
}

/// What is read, whose value would be too large to stand beside it.
fn longest() -> Vec<Value> {
    let large = |id: &str, requirement: &str, hex: Value, comment: &str| {
        json!({
            "id": format!("term-2-{id}"), "kind": KIND, "comment": comment, "requirements": [requirement],
            "hex": hex, "strict": "valid", "compatible": "valid",
        })
    };
    vec![
        large(
            "bytes-most",
            "STF-BYT-001",
            json!(["010700000001", {"hex": "ff", "times": 1 << 24}]),
            "16 777 216 bytes",
        ),
        large(
            "variant-most",
            "DIST-FLD-005",
            json!(["011600000000ffff", {"hex": "000006", "times": 65_535}]),
            "65 535 fields",
        ),
        large(
            "depth-64-variant",
            "STF-DEP-002",
            json!(["01", {"hex": "160000000001000000", "times": 63}, "06"]),
            "the deepest there may be",
        ),
    ]
}

fn refused() -> Vec<Value> {
    let deep = json!(["01", {"hex": "160000000001000000", "times": 64}, "06"]);
    let mut vectors = vec![invalid(
        "term-2-depth-65-variant",
        KIND,
        &["STF-DEP-001"],
        deep,
        refusal("too_deep", "value", 1 + 64 * 9),
        "one level too many",
    )];
    for tag in [0_u8, 9, 14, 19, 23, 29, 44, 254] {
        let hex = json!([hex::encode([1, tag, 0, 0, 0, 0, 0, 0, 0, 0])]);
        let comment = "a tag without a meaning in either kind";
        vectors.push(invalid(
            &format!("term-2-unknown-{tag}"),
            KIND,
            &["STF-TAG-001"],
            hex,
            unknown(1),
            comment,
        ));
    }
    for (id, requirement, hex, kind, field, at) in [
        ("bytes-limit", "STF-BYT-001", "010701000001", "too_long", "bytes", 2),
        ("bytes-longest", "STF-BYT-001", "0107ffffffff", "too_long", "bytes", 2),
        ("bytes-lying", "DIST-FLD-004", "01070200000009", "overrun", "bytes", 2),
        ("bytes-no-length", "DIST-FLD-003", "0107010000", "truncated", "bytes", 2),
        ("u64-below", "STF-INT-001", "0108ffffffffffffff7f", "invalid", "u64", 2),
        ("u64-zero", "STF-INT-001", "01080000000000000000", "invalid", "u64", 2),
        ("u64-below-inside", "STF-INT-001", "0128080100000000000000", "invalid", "u64", 3),
        ("u64-below-as-key", "STF-INT-001", "010b0001000000 080100000000000000 06", "invalid", "u64", 8),
        ("u64-for-string", "STF-MAP-002", "010b0101000000 080000000000000080 06", "invalid", "map.key", 7),
        ("bytes-as-key", "STF-MAP-002", "010b0001000000 070000000006", "invalid", "map.key", 7),
        ("variant-lying", "DIST-FLD-004", "0116000000000200 0000060000", "overrun", "variant", 6),
        ("variant-no-count", "DIST-FLD-003", "01160000000000", "truncated", "variant", 6),
        ("variant-name-utf8", "DIST-FLD-007", "0116010080 000000 00", "utf8", "variant.name", 4),
        ("variant-variant-utf8", "DIST-FLD-007", "0116 0000 010080 0000", "utf8", "variant.variant", 6),
        ("variant-field-utf8", "DIST-FLD-007", "0116 0000 0000 0100 01008006", "utf8", "variant.field", 10),
        ("closure-in-variant", "STF-TAG-002", "0116 0000 0000 0100 0000ff", "closure", "value", 10),
        ("version", "STF-VER-001", "0206", "invalid", "version", 0),
    ] {
        let hex = json!([hex.replace(' ', "")]);
        let error = refusal(kind, field, at);
        vectors.push(invalid(&format!("term-2-{id}"), KIND, &[requirement], hex, error, "refused"));
    }
    vectors
}
