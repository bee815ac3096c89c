//! What stands at the edges of the layouts: the shortest and the largest, and one beyond.

use serde_json::{Value, json};

use super::layout::{Field, MAGIC, Message};
use super::messages::{empty_block, tlv};
use super::{invalid, messages, refusal, slug, valid};

/// A field of the same type as `field`, as short and as small as it can be.
fn least(field: &Field) -> Field {
    match field {
        Field::U8(_) => Field::U8(0),
        Field::U16(_) => Field::U16(0),
        Field::U32(_) => Field::U32(0),
        Field::U64(_) => Field::U64(0),
        Field::Pid(..) => Field::Pid(0, 0, 0),
        Field::Fixed(bytes) => Field::Fixed(vec![0; bytes.len()]),
        Field::Str16(_) => Field::Str16(String::new()),
        Field::Str32(_) => Field::Str32(String::new()),
        Field::Rest(_) => Field::Rest(Vec::new()),
        Field::Text(_) => Field::Text(String::new()),
        Field::Reason(..) => Field::Reason(Vec::new(), super::layout::Root::Normal),
        Field::Names(_) => Field::Names(Vec::new()),
        Field::Entries(_) => Field::Entries(Vec::new()),
        Field::Block(..) => empty_block(),
    }
}

/// The same with the largest numbers; what has a length of its own stays.
fn most(field: &Field) -> Field {
    match field {
        Field::U8(_) => Field::U8(u8::MAX),
        Field::U16(_) => Field::U16(u16::MAX),
        Field::U32(_) => Field::U32(u32::MAX),
        Field::U64(_) => Field::U64(u64::MAX),
        Field::Pid(..) => Field::Pid(u16::MAX, u8::MAX, (1 << 40) - 1),
        Field::Fixed(bytes) => Field::Fixed(vec![0xFF; bytes.len()]),
        other => other.clone(),
    }
}

/// The first message of each name, its fields changed. The flags of a FRAGMENT say which fields it has, so they stay.
fn each(kind: &str, all: &[Message], id: &str, comment: &str, change: fn(&Field) -> Field) -> Vec<Value> {
    let mut seen = Vec::new();
    let mut vectors = Vec::new();
    for message in all {
        if seen.contains(&message.name) {
            continue;
        }
        seen.push(message.name);
        let fields = message
            .fields
            .iter()
            .map(|(name, field)| (*name, if *name == "flags" { Field::U8(0) } else { change(field) }));
        let message = Message { fields: fields.collect(), ..message.clone() };
        let id = format!("{kind}-{}-{id}", slug(&message));
        vectors.push(valid(id, kind, &["DIST-FLD-002", "DIST-FLD-005"], &message, comment));
    }
    vectors
}

pub(super) fn frames() -> Vec<Value> {
    let all = messages::frames();
    let mut vectors = each("frame", &all, "least", "every field at its shortest and smallest", least);
    vectors.extend(each("frame", &all, "most", "every number and pid at its largest", most));
    vectors.extend(text_in_every_field());
    vectors.extend(encodings_of_text());
    vectors.extend(entries_that_end_early());
    vectors.extend(fragments());
    for tag in [0x02, 0x03, 0x04, 0x05, 0x20, 0x8E, 0xE1_u8] {
        vectors.push(json!({
            "id": format!("frame-unknown-{tag:02x}-bare"), "kind": "frame", "comment": "a tag without a meaning, alone",
            "requirements": ["DIST-TAG-001", "DIST-TAG-002"], "hex": [hex::encode([tag])],
            "strict": refusal("unknown_tag", "tag", 0), "compatible": "valid",
            "value": {"tag": "UNKNOWN", "fields": {"code": tag, "payload": ""}, "trailing": ""},
        }));
    }
    vectors.push(json!({
        "id": "frame-peer-list-most-names", "kind": "frame", "comment": "65 535 empty names",
        "requirements": ["DIST-FLD-005"], "hex": ["12ffff", {"hex": "0000", "times": 65_535}],
        "strict": "valid", "compatible": "valid",
    }));
    vectors
}

/// Bytes that are not UTF-8, at the end of each text that a frame can hold and in which no other vector has them.
fn text_in_every_field() -> Vec<Value> {
    let pid = "00".repeat(8);
    [
        ("spawn", format!("19{pid}{pid}00020061ff"), "function", 21),
        ("global-register-name", format!("1b020061ff{pid}0000"), "name", 4),
        ("global-register-node", format!("1b0000{pid}020061ff"), "node", 14),
        ("global-unregister", "1c020061ff".to_owned(), "name", 4),
        ("global-sync-name", format!("1d01000000020061ff{pid}0000"), "entries[0].name", 8),
        ("room-name", "1e020061ff00000000".to_owned(), "room", 4),
        ("node-table", format!("820000{pid}020061ff"), "name", 14),
        ("exit2", format!("85{pid}{pid}01020000000000000061ff"), "reason.root.text", 27),
    ]
    .map(|(id, hex, field, at)| {
        let error = refusal("utf8", field, at);
        invalid(&format!("frame-{id}-utf8"), "frame", &["DIST-FLD-007"], json!([hex]), error, "not UTF-8")
    })
    .to_vec()
}

/// What is UTF-8 and what is not, behind the letter `a` in the name of a REG_SEND.
fn encodings_of_text() -> Vec<Value> {
    let frame =
        |bytes: &str| format!("11{}61{bytes}", hex::encode((1 + bytes.len() as u16 / 2).to_le_bytes()));
    let mut vectors = Vec::new();
    for (bytes, comment) in [
        ("00", "U+0000"),
        ("7f", "the last of one byte"),
        ("c280", "the first of two bytes"),
        ("dfbf", "the last of two bytes"),
        ("e0a080", "the first of three bytes"),
        ("ed9fbf", "the last before the surrogates"),
        ("ee8080", "the first behind the surrogates"),
        ("efbfbf", "the last of three bytes"),
        ("f0908080", "the first of four bytes"),
        ("f48fbfbf", "the last there is"),
    ] {
        let text = String::from_utf8(hex::decode(format!("61{bytes}")).unwrap()).unwrap();
        let fields = vec![("name", Field::Str16(text)), ("message", Field::Rest(vec![]))];
        let message = Message { tag: vec![0x11], name: "REG_SEND", fields };
        assert_eq!(hex::encode(message.bytes()), frame(bytes));
        vectors.push(valid(format!("frame-text-{bytes}"), "frame", &["DIST-FLD-008"], &message, comment));
    }
    for (bytes, comment) in [
        ("80", "a continuation without a beginning"),
        ("bf", "a continuation without a beginning"),
        ("c3", "two bytes, of which the second is missing"),
        ("e282", "three bytes, of which the third is missing"),
        ("f09f98", "four bytes, of which the fourth is missing"),
        ("c361", "two bytes, of which the second is none"),
        ("c080", "U+0000 in two bytes: overlong"),
        ("c1bf", "U+007F in two bytes: overlong"),
        ("e08080", "U+0000 in three bytes: overlong"),
        ("e09fbf", "U+07FF in three bytes: overlong"),
        ("f0808080", "U+0000 in four bytes: overlong"),
        ("f08fbfbf", "U+FFFF in four bytes: overlong"),
        ("eda080", "the first surrogate"),
        ("edbfbf", "the last surrogate"),
        ("eda081edb080", "two surrogates that would be one character of UTF-16"),
        ("f4908080", "the first above U+10FFFF"),
        ("f5808080", "no byte of UTF-8"),
        ("fe", "no byte of UTF-8"),
        ("ff", "no byte of UTF-8"),
    ] {
        let error = refusal("utf8", "name", 4);
        let id = format!("frame-text-{bytes}");
        vectors.push(invalid(&id, "frame", &["DIST-FLD-007"], json!([frame(bytes)]), error, comment));
    }
    vectors
}

fn entries_that_end_early() -> Vec<Value> {
    let pid = "00".repeat(8);
    [
        ("name-lying", format!("1d01000000ffff0000{pid}"), "DIST-FLD-004", "overrun", "entries[0].name", 5),
        (
            "pid-cut",
            "1d01000000040061616161000000000000".to_owned(),
            "DIST-FLD-003",
            "truncated",
            "entries[0].pid",
            11,
        ),
        (
            "node-lying",
            format!("1d010000000000{pid}0500aabb"),
            "DIST-FLD-004",
            "overrun",
            "entries[0].node",
            15,
        ),
        ("count-lying", format!("1d020000000000{pid}0000"), "DIST-FLD-004", "overrun", "entries", 1),
    ]
    .map(|(id, hex, requirement, kind, field, at)| {
        let id = format!("frame-global-sync-{id}");
        invalid(
            &id,
            "frame",
            &[requirement],
            json!([hex]),
            refusal(kind, field, at),
            "an entry that is not whole",
        )
    })
    .to_vec()
}

fn fragments() -> Vec<Value> {
    let number = "0700000000000000";
    let mut vectors = Vec::new();
    for flags in [0x04, 0x05, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF_u8] {
        let hex = json!([format!("83{number}{flags:02x}00000000aa")]);
        let error = refusal("invalid", "flags", 9);
        let id = format!("frame-fragment-flags-{flags:02x}");
        vectors.push(invalid(&id, "frame", &["DIST-FRG-001"], hex, error, "a flag without a meaning"));
    }
    for (flags, total, id) in [(1, 0, "total-0"), (3, u32::MAX, "total-most")] {
        let fields = vec![
            ("number", Field::U64(0)),
            ("flags", Field::U8(flags)),
            ("total", Field::U32(total)),
            ("payload", Field::Rest(vec![])),
        ];
        let message = Message { tag: vec![0x83], name: "FRAGMENT", fields };
        let comment = "a total that does not fit the piece: nobody compares them here";
        vectors.push(valid(format!("frame-fragment-{id}"), "frame", &["DIST-FRG-002"], &message, comment));
    }
    let hex = json!([format!("83{number}01aabbcc")]);
    let error = refusal("truncated", "total", 10);
    let comment = "a first piece whose total is cut";
    vectors.push(invalid("frame-fragment-no-total", "frame", &["DIST-FRG-002"], hex, error, comment));
    vectors
}

const NAME: &str = "0105006140683a3101";

fn with_block(block: &str) -> String {
    format!("{NAME}{}{block}", hex::encode(MAGIC))
}

fn counted(tlvs: &[u8]) -> String {
    format!("{}{}", hex::encode((tlvs.len() as u16).to_le_bytes()), hex::encode(tlvs))
}

pub(super) fn handshake() -> Vec<Value> {
    let mut vectors = blocks_at_the_limit();
    vectors.extend(lengths_of_values());
    vectors.extend(allowed_values());
    vectors.extend(unknown_types());
    vectors.extend(blocks_of_answers());
    vectors.extend(without_a_block());
    vectors.extend(names_beside_a_block());
    vectors.extend(rejects());
    vectors
}

fn good(id: &str, requirements: &[&str], hex: &str, comment: &str) -> Value {
    json!({
        "id": format!("handshake-{id}"), "kind": "handshake", "comment": comment, "requirements": requirements,
        "hex": [hex], "strict": "valid", "compatible": "valid",
    })
}

/// A NAME `a@h:1` with a block, read as `extension`.
fn good_block(id: &str, requirements: &[&str], tlvs: &[u8], extension: &Value, comment: &str) -> Value {
    let mut vector = good(id, requirements, &with_block(&counted(tlvs)), comment);
    let fields = json!({"name": "a@h:1", "creation": 1, "extension": extension});
    vector["value"] = json!({"tag": "NAME", "fields": fields, "trailing": ""});
    vector
}

fn bad(id: &str, requirements: &[&str], hex: &str, error: Value, comment: &str) -> Value {
    invalid(&format!("handshake-{id}"), "handshake", requirements, json!([hex]), error, comment)
}

fn bad_block(id: &str, requirement: &str, block: &str, error: Value, comment: &str) -> Value {
    bad(&format!("block-{id}"), &[requirement, "HS-EXT-010"], &with_block(block), error, comment)
}

fn blocks_at_the_limit() -> Vec<Value> {
    let tlvs = tlv(9, &[0xAB; 2034]);
    let longest = good("block-longest", &["HS-EXT-003"], &with_block(&counted(&tlvs)), "2 048 bytes in all");
    let versions: Vec<u8> = (2..=17_u16).flat_map(u16::to_le_bytes).collect();
    let numbers: Vec<u16> = (2..=17).collect();
    vec![
        longest,
        good_block(
            "block-versions-16",
            &["HS-TLV-001"],
            &tlv(1, &versions),
            &json!({"versions": numbers}),
            "the most",
        ),
        bad_block(
            "versions-17",
            "HS-TLV-001",
            &counted(&tlv(1, &(2..=18_u16).flat_map(u16::to_le_bytes).collect::<Vec<_>>())),
            refusal("invalid", "extension[0].value", 23),
            "one too many",
        ),
        bad_block(
            "no-length",
            "HS-EXT-004",
            "02000900",
            refusal("truncated", "extension[0].length", 21),
            "a type without a length",
        ),
        bad_block(
            "second-cut",
            "HS-EXT-004",
            "060009000000 0a00".replace(' ', "").as_str(),
            refusal("truncated", "extension[1].length", 25),
            "the second type without a length",
        ),
        bad_block(
            "count-most",
            "HS-EXT-003",
            "ffff",
            refusal("too_long", "extension.count", 17),
            "65 545 bytes",
        ),
    ]
}

/// Every known type with lengths that are not its own.
fn lengths_of_values() -> Vec<Value> {
    let mut vectors = Vec::new();
    for (kind, name, lengths) in [
        (2_u16, "capabilities", [0, 9]),
        (3, "incarnation", [7, 9]),
        (4, "frame-bytes", [3, 5]),
        (5, "reassembly-bytes", [4, 9]),
        (6, "fragmented-messages", [0, 8]),
        (7, "node-table-entries", [3, 5]),
        (8, "links-and-monitors", [2, 8]),
    ] {
        for length in lengths {
            vectors.push(bad_block(
                &format!("{name}-{length}"),
                "HS-TLV-001",
                &counted(&tlv(kind, &vec![1; length])),
                refusal("invalid", "extension[0].value", 23),
                &format!("{length} bytes"),
            ));
        }
    }
    vectors
}

fn allowed_values() -> Vec<Value> {
    let zeros = [
        tlv(2, &[0; 8]),
        tlv(4, &[0; 4]),
        tlv(5, &[0; 8]),
        tlv(6, &[0; 4]),
        tlv(7, &[0; 4]),
        tlv(8, &[0; 4]),
    ];
    let least = json!({
        "capabilities": "0", "frame_bytes_max": 0, "reassembly_bytes_max": "0", "fragmented_messages_max": 0,
        "node_table_entries_max": 0, "links_and_monitors_max": 0,
    });
    let ones = [
        tlv(1, &[0xFF, 0xFF]),
        tlv(3, &[0xFF; 8]),
        tlv(4, &[0xFF; 4]),
        tlv(5, &[0xFF; 8]),
        tlv(6, &[0xFF; 4]),
        tlv(7, &[0xFF; 4]),
        tlv(8, &[0xFF; 4]),
    ];
    let most = json!({
        "versions": [65_535], "incarnation": u64::MAX.to_string(), "frame_bytes_max": u32::MAX,
        "reassembly_bytes_max": u64::MAX.to_string(), "fragmented_messages_max": u32::MAX,
        "node_table_entries_max": u32::MAX, "links_and_monitors_max": u32::MAX,
    });
    let mut vectors = vec![
        good_block(
            "block-bounds-0",
            &["HS-TLV-002"],
            &zeros.concat(),
            &least,
            "a reader of layouts takes every bound",
        ),
        good_block("block-bounds-most", &["HS-TLV-002"], &ones.concat(), &most, "the largest of all"),
    ];
    for (id, versions) in [("0", [0_u16, 2]), ("twice", [2, 2])] {
        let value: Vec<u8> = versions.into_iter().flat_map(u16::to_le_bytes).collect();
        let error = refusal("invalid", "extension[0].value", 23);
        let comment = format!("{}, {}", versions[0], versions[1]);
        vectors.push(bad_block(
            &format!("versions-{id}"),
            "HS-TLV-002",
            &counted(&tlv(1, &value)),
            error,
            &comment,
        ));
    }
    vectors
}

fn unknown_types() -> Vec<Value> {
    let unknown = [tlv(9, b"x"), tlv(0x7FFF, &[])].concat();
    let read = json!({"unknown": {"9": "78", "32767": ""}});
    let mut vectors =
        vec![good_block("block-unknown", &["HS-EXT-006"], &unknown, &read, "the last of the ignored")];
    for kind in [0x8001, 0xFFFF_u16] {
        let error = refusal("mandatory", "extension[0].type", 19);
        let block = counted(&tlv(kind, &[]));
        vectors.push(bad_block(
            &format!("mandatory-{kind:04x}"),
            "HS-EXT-007",
            &block,
            error,
            "not known here",
        ));
    }
    // The order is judged before what a type is.
    let block = counted(&[tlv(9, &[]), tlv(4, &[0; 4])].concat());
    let error = refusal("unordered", "extension[1].type", 23);
    vectors.push(bad_block(
        "known-behind-unknown",
        "HS-EXT-005",
        &block,
        error,
        "unknown types have their order too",
    ));
    vectors
}

/// Blocks of REPLY and ACK, and what is instead of a proof behind them.
fn blocks_of_answers() -> Vec<Value> {
    let magic = hex::encode(MAGIC);
    let heads = [("reply", "03", 64), ("ack", "04", 32)]
        .map(|(id, tag, zeros)| (id, format!("{tag}{}", "00".repeat(zeros)), 1 + zeros));
    let mut vectors = Vec::new();
    for (id, head, at) in &heads {
        let behind = at + 10;
        let proof = |bytes: usize| "ee".repeat(bytes);
        for bytes in [0, 1, 31] {
            vectors.push(bad(
                &format!("{id}-proof-{bytes}"),
                &["HS-PRF-001", "HS-EXT-010"],
                &format!("{head}{magic}0000{}", proof(bytes)),
                refusal("truncated", "proof", behind),
                &format!("{bytes} bytes of proof"),
            ));
        }
        vectors.push(bad(
            &format!("{id}-proof-33"),
            &["HS-PRF-001", "HS-EXT-010"],
            &format!("{head}{magic}0000{}", proof(33)),
            refusal("surplus", "trailing", behind + 32),
            "33 bytes of proof",
        ));
        let block = counted(&tlv(0x8000, &[]));
        vectors.push(bad(
            &format!("{id}-mandatory"),
            &["HS-EXT-007", "HS-EXT-010"],
            &format!("{head}{magic}{block}{}", proof(32)),
            refusal("mandatory", "extension[0].type", at + 10),
            "an unknown type from 8000 on in an answer",
        ));
        let block = counted(&[tlv(4, &[0, 0, 1, 0]), tlv(10, b"x")].concat());
        vectors.push(good(
            &format!("{id}-known-types"),
            &["HS-EXT-006", "HS-PRF-001"],
            &format!("{head}{magic}{block}{}", proof(32)),
            "known and unknown types in an answer: a reader accepts them",
        ));
        vectors.push(bad(
            &format!("{id}-magic-cut"),
            &["HS-EXT-002", "HS-EXT-010"],
            &format!("{head}{}", &magic[..8]),
            refusal("truncated", "extension", *at),
            "the beginning of a block",
        ));
    }
    vectors
}

/// Surplus that is no block.
fn without_a_block() -> Vec<Value> {
    let magic = hex::encode(MAGIC);
    let surplus = |id: &str, surplus: &str, comment: &str| {
        json!({
            "id": format!("handshake-{id}"), "kind": "handshake", "comment": comment, "requirements": ["HS-MSG-002"],
            "hex": [format!("{NAME}{surplus}")], "strict": refusal("surplus", "trailing", 9), "compatible": "valid",
            "value": {"tag": "NAME", "fields": {"name": "a@h:1", "creation": 1}, "trailing": surplus},
        })
    };
    vec![
        surplus("later-version-1", "4d534832010000", "as a later line of version 1 nodes writes it"),
        surplus(
            "magic-late",
            &format!("00{magic}0000"),
            "a magic that does not stand at the place of the block",
        ),
        json!({
            "id": "handshake-reject-block", "kind": "handshake", "comment": "a REJECT has no place for a block",
            "requirements": ["HS-MSG-002"], "hex": [format!("0501000000{magic}0000")],
            "strict": refusal("surplus", "trailing", 5), "compatible": "valid",
            "value": {"tag": "REJECT", "fields": {"code": 1, "text": ""}, "trailing": format!("{magic}0000")},
        }),
    ]
}

fn names_beside_a_block() -> Vec<Value> {
    let block = format!("{}0000", hex::encode(MAGIC));
    let message =
        |name: &str| format!("01{}{}01", hex::encode((name.len() as u16).to_le_bytes()), hex::encode(name));
    let mut vectors = Vec::new();
    for (id, name) in [("255", "x".repeat(255)), ("blank", " \u{A0}".to_owned()), ("empty", String::new())] {
        let hex = format!("{}{block}", message(&name));
        vectors.push(good(
            &format!("name-{id}"),
            &["HS-NAM-001"],
            &hex,
            "no node name, and not judged as one here",
        ));
    }
    for (id, name) in [("00", "\0"), ("1f", "\u{1F}"), ("7f", "\u{7F}"), ("9f", "a\u{9F}b")] {
        let hex = format!("{}{block}", message(name));
        let error = refusal("invalid", "name", 1);
        vectors.push(bad(&format!("name-control-{id}"), &["HS-NAM-001"], &hex, error, "not beside a block"));
    }
    let long = message(&"x".repeat(256));
    vectors.push(good("name-256-alone", &["HS-NAM-001"], &long, "without a block every text is a name"));
    let mut challenge = vec![("name", Field::Str16("a\u{7}".to_owned())), ("creation", Field::U8(1))];
    challenge.extend([("challenge", Field::Fixed(vec![0; 32])), ("extension", empty_block())]);
    let challenge = Message { tag: vec![2], name: "CHALLENGE", fields: challenge };
    vectors.push(bad(
        "challenge-control",
        &["HS-NAM-001"],
        &hex::encode(challenge.bytes()),
        refusal("invalid", "name", 1),
        "not beside a block",
    ));
    for (id, head) in [("name", "01"), ("challenge", "02")] {
        let hex = format!("{head}020061ff01{}", "00".repeat(32));
        let error = refusal("utf8", "name", 4);
        vectors.push(bad(&format!("{id}-utf8"), &["DIST-FLD-007"], &hex, error, "not UTF-8"));
    }
    vectors
}

fn rejects() -> Vec<Value> {
    vec![
        bad("reject-utf8", &["DIST-FLD-007"], "050100020061ff", refusal("utf8", "text", 6), "not UTF-8"),
        bad(
            "reject-lying",
            &["DIST-FLD-004"],
            "050100050061",
            refusal("overrun", "text", 3),
            "5 bytes promised",
        ),
    ]
}
