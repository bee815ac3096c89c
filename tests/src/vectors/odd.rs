//! Bytes that no writer makes: what readers pass over, and what they refuse.

use serde_json::{Value, json};

use super::layout::{Field, MAGIC, Message, pid_json};
use super::{invalid, refusal, valid};

pub(super) fn frames() -> Vec<Value> {
    let mut vectors = vec![json!({
        "id": "frame-empty", "kind": "frame", "comment": "no byte at all",
        "requirements": ["DIST-FRM-006", "DIST-FRM-007"], "hex": [],
        "strict": refusal("empty", "tag", 0), "compatible": "valid",
        "value": {"tag": "EMPTY", "fields": {}, "trailing": ""},
    })];
    for tag in [0x00, 0x01, 0x0F, 0x1F, 0x31, 0x7F, 0x8D, 0x9F, 0xE0, 0xEF, 0xF2, 0xFF_u8] {
        vectors.push(json!({
            "id": format!("frame-unknown-{tag:02x}"), "kind": "frame", "comment": "a tag without a meaning",
            "requirements": ["DIST-TAG-001", "DIST-TAG-002"], "hex": [hex::encode([tag, 0xAB])],
            "strict": refusal("unknown_tag", "tag", 0), "compatible": "valid",
            "value": {"tag": "UNKNOWN", "fields": {"code": tag, "payload": "ab"}, "trailing": ""},
        }));
    }
    let lying = |id: &str, hex: &str, field: &str, at| {
        invalid(
            id,
            "frame",
            &["DIST-FLD-004"],
            json!([hex]),
            refusal("overrun", field, at),
            "a length that lies",
        )
    };
    vectors.extend([
        lying("frame-reg-send-lying", "11c800626f62", "name", 1),
        lying("frame-peer-list-lying-count", "12ffff0000", "names", 1),
        lying("frame-peer-list-lying-name", "120100ffff", "names[0]", 3),
        lying("frame-global-sync-lying", "1dffffffff", "entries", 1),
        lying("frame-room-lying", "1e0000ffffffff", "text", 3),
        lying("frame-spawn-lying", "190000000000000000000000000000000000ffff", "function", 18),
        lying("frame-call-name-lying", &format!("88{}c8006462", "00".repeat(16)), "name", 17),
        lying("frame-send-name-term-lying", "8ac8006462", "name", 1),
        lying("frame-monitor-name-lying", &format!("8b{}03006462", "00".repeat(16)), "name", 17),
    ]);
    for length in [4_u64, u64::MAX, u64::MAX - 8, u64::MAX - 9, 1 << 63] {
        let hex = format!("15{}01{}626f6f", "00".repeat(16), hex::encode(length.to_le_bytes()));
        vectors.push(lying(&format!("frame-exit-lying-{length:x}"), &hex, "reason.root.text", 18));
    }
    for (id, hex, field, at) in [
        ("frame-reg-send-utf8", "11020061ff", "name", 4),
        ("frame-peer-list-utf8", "1202000000010080", "names[1]", 7),
        ("frame-room-utf8", "1e000002000000c328", "text", 7),
        ("frame-global-sync-utf8", "1d010000000000000000000000000001 00ff", "entries[0].node", 17),
        ("frame-close-utf8", "8400000300eda080", "text", 5),
        ("frame-call-name-utf8", "8800000000000000000000000000000000020061ff", "name", 20),
        ("frame-send-name-term-utf8", "8a020061ff", "name", 4),
        ("frame-monitor-name-utf8", "8b00000000000000000000000000000000020061ff", "name", 20),
    ] {
        let hex = hex.replace(' ', "");
        let error = refusal("utf8", field, at);
        vectors.push(invalid(id, "frame", &["DIST-FLD-007"], json!([hex]), error, "not UTF-8"));
    }
    let flags = refusal("invalid", "flags", 9);
    vectors.push(invalid(
        "frame-fragment-flags",
        "frame",
        &["DIST-FRG-001"],
        json!(["83070000000000000004aa"]),
        flags,
        "a flag without a meaning",
    ));
    let head = format!("15{}", "00".repeat(16));
    vectors.push(invalid(
        "frame-exit-no-reason",
        "frame",
        &["DIST-FLD-003"],
        json!([head]),
        refusal("truncated", "reason.root", 17),
        "version 1 ignores this frame",
    ));
    vectors.push(json!({
        "id": "frame-exit-unknown-reason", "kind": "frame", "comment": "kept with all bytes after it",
        "requirements": ["DIST-RSN-002", "DIST-RSN-003"], "hex": [format!("{head}07aabb")],
        "strict": refusal("unknown_reason", "reason.root", 17), "compatible": "valid",
        "value": {"tag": "EXIT", "fields": {
            "from": pid_json((0, 0, 0)), "to": pid_json((0, 0, 0)),
            "reason": {"kind": "unknown", "code": 7, "payload": "aabb"},
        }, "trailing": ""},
    }));
    vectors.push(json!({
        "id": "frame-exit-million-hops", "kind": "frame", "comment": "1 800 000 hops, close to what a frame can hold",
        "requirements": ["DIST-RSN-001"],
        "hex": [head, {"hex": "030700000000000000", "times": 1_800_000}, "02"],
        "strict": "valid", "compatible": "valid", "hops": 1_800_000,
    }));
    vectors.push(json!({
        "id": "frame-reg-send-longest-name", "kind": "frame", "comment": "65 535 bytes of name",
        "requirements": ["DIST-FLD-005"], "hex": ["11ffff", {"hex": "78", "times": 65_535}],
        "strict": "valid", "compatible": "valid",
    }));
    let room = Field::Str16("\u{FEFF} e\u{301}É\r\n\0 ".to_owned());
    let fields = vec![("room", room), ("text", Field::Str32("\u{1F600}".to_owned()))];
    vectors.push(valid(
        "frame-room-kept".to_owned(),
        "frame",
        &["DIST-FLD-008"],
        &Message { tag: vec![0x1E], name: "ROOM_BROADCAST", fields },
        "a byte order mark, blanks, a letter in two characters, a character of four bytes",
    ));
    vectors
}

pub(super) fn handshake() -> Vec<Value> {
    let name = "0105006140683a3101";
    let magic = hex::encode(MAGIC);
    let with =
        |id: &str, requirement: &str, block: &str, kind: &str, field: &str, at: usize, comment: &str| {
            let hex = json!([format!("{name}{magic}{block}")]);
            invalid(
                &format!("handshake-{id}"),
                "handshake",
                &[requirement, "HS-EXT-010"],
                hex,
                refusal(kind, field, at),
                comment,
            )
        };
    let mut vectors = vec![
        invalid(
            "handshake-empty",
            "handshake",
            &["DIST-FRM-005"],
            json!([]),
            refusal("empty", "tag", 0),
            "no byte",
        ),
        with(
            "block-without-count",
            "HS-EXT-004",
            "",
            "truncated",
            "extension.count",
            17,
            "the block ends too early",
        ),
        with(
            "block-lying-count",
            "HS-EXT-004",
            "0500aabb",
            "overrun",
            "extension.count",
            17,
            "5 bytes promised",
        ),
        with("block-too-long", "HS-EXT-003", "f707", "too_long", "extension.count", 17, "2 049 bytes in all"),
        with("block-cut-type", "HS-EXT-004", "010009", "truncated", "extension[0].type", 19, "half a type"),
        with(
            "block-cut-length",
            "HS-EXT-004",
            "0300090000",
            "truncated",
            "extension[0].length",
            21,
            "half a length",
        ),
        with(
            "block-lying-length",
            "HS-EXT-004",
            "050009000200aa",
            "overrun",
            "extension[0].value",
            21,
            "too long a value",
        ),
        with(
            "block-duplicate",
            "HS-EXT-005",
            "08000900000009000000",
            "unordered",
            "extension[1].type",
            23,
            "twice the same",
        ),
        with(
            "block-unordered",
            "HS-EXT-005",
            "08000a00000009000000",
            "unordered",
            "extension[1].type",
            23,
            "descending",
        ),
        with("block-mandatory", "HS-EXT-007", "040000800000", "mandatory", "extension[0].type", 19, "8000"),
        with(
            "block-versions-empty",
            "HS-TLV-001",
            "040001000000",
            "invalid",
            "extension[0].value",
            23,
            "no version",
        ),
        with(
            "block-versions-odd",
            "HS-TLV-001",
            "05000100010002",
            "invalid",
            "extension[0].value",
            23,
            "half a version",
        ),
        with(
            "block-version-1",
            "HS-TLV-002",
            "0600010002000100",
            "invalid",
            "extension[0].value",
            23,
            "version 1",
        ),
        with(
            "block-versions-descend",
            "HS-TLV-002",
            "08000100040003000200",
            "invalid",
            "extension[0].value",
            23,
            "3, 2",
        ),
        with(
            "block-capabilities-short",
            "HS-TLV-001",
            "0500020001000f",
            "invalid",
            "extension[0].value",
            23,
            "1 byte",
        ),
        with(
            "block-incarnation-0",
            "HS-TLV-002",
            "0c00030008000000000000000000",
            "invalid",
            "extension[0].value",
            23,
            "0",
        ),
        with(
            "block-bound-short",
            "HS-TLV-001",
            "060004000200ffff",
            "invalid",
            "extension[0].value",
            23,
            "2 bytes",
        ),
    ];
    for tag in [0x00, 0x06, 0x09, 0x10, 0x13, 0x80, 0xFF_u8] {
        let hex = json!([hex::encode([tag, 0, 0])]);
        let error = refusal("unknown_tag", "tag", 0);
        vectors.push(invalid(
            &format!("handshake-unknown-{tag:02x}"),
            "handshake",
            &["HS-MSG-001"],
            hex,
            error,
            "the handshake ignores nothing",
        ));
    }
    for kept in 1..8 {
        let hex = json!([format!("{name}{}", &magic[..2 * kept])]);
        let error = refusal("truncated", "extension", 9);
        vectors.push(invalid(
            &format!("handshake-magic-cut-{kept}"),
            "handshake",
            &["HS-EXT-002"],
            hex,
            error,
            "the beginning of a block",
        ));
    }
    let bits = "0c0002000800ffffffffffffffff";
    vectors.push(json!({
        "id": "handshake-capabilities-all", "kind": "handshake", "comment": "every bit, with a name or without",
        "requirements": ["HS-TLV-003"], "hex": [format!("{name}{magic}{bits}")],
        "strict": "valid", "compatible": "valid",
        "value": {"tag": "NAME", "fields": {
            "name": "a@h:1", "creation": 1, "extension": {"capabilities": u64::MAX.to_string()},
        }, "trailing": ""},
    }));
    let damaged = "d1534e4f57320d0b0000";
    vectors.push(json!({
        "id": "handshake-magic-damaged", "kind": "handshake",
        "comment": "no magic, so surplus: what else was said gives such damage away",
        "requirements": ["HS-EXT-001", "HS-MSG-002"], "hex": [format!("{name}{damaged}")],
        "strict": refusal("surplus", "trailing", 9), "compatible": "valid",
        "value": {"tag": "NAME", "fields": {"name": "a@h:1", "creation": 1}, "trailing": damaged},
    }));
    for (id, length, name) in
        [("long", 256_u16, "78".repeat(256)), ("control", 3, "614007".into()), ("c1", 4, "6140c285".into())]
    {
        let hex = json!([format!("01{}{name}01{magic}0000", hex::encode(length.to_le_bytes()))]);
        let error = refusal("invalid", "name", 1);
        let id = format!("handshake-name-{id}");
        vectors.push(invalid(&id, "handshake", &["HS-NAM-001"], hex, error, "not beside a block"));
    }
    let hex = json!([format!("05010000 01{}", "78".repeat(256)).replace(' ', "")]);
    let error = refusal("invalid", "text", 3);
    vectors.push(invalid(
        "handshake-reject-long",
        "handshake",
        &["HS-REJ-001"],
        hex,
        error,
        "256 bytes of text",
    ));
    let hex = json!(["010a0073686f7274"]);
    let error = refusal("overrun", "name", 1);
    vectors.push(invalid(
        "handshake-name-lying",
        "handshake",
        &["DIST-FLD-004"],
        hex,
        error,
        "10 bytes promised",
    ));
    vectors
}

pub(super) fn signals() -> Vec<Value> {
    let mut vectors = Vec::new();
    for (name, tag) in [("nodedown", "fd"), ("nodeup", "fc")] {
        vectors.push(invalid(
            &format!("signal-{name}-utf8"),
            "signal",
            &["DIST-FLD-007"],
            json!([format!("{tag}ffffffffffffff61ff")]),
            refusal("utf8", "node", 9),
            "not UTF-8",
        ));
    }
    vectors.push(invalid(
        "signal-none",
        "signal",
        &["DIST-SIG-003"],
        json!(["0000000000000000"]),
        refusal("not_a_signal", "tag", 0),
        "an ordinary message",
    ));
    vectors.push(invalid(
        "signal-short",
        "signal",
        &["DIST-SIG-003"],
        json!(["ffffff"]),
        refusal("truncated", "tag", 0),
        "version 1 fills a short message up with zeros: no reserved type",
    ));
    vectors
}
