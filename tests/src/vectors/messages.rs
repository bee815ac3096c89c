//! Every message, in values that show its layout.

use super::layout::{Field, Message, Root};
use Field::{Block, Entries, Fixed, Names, Pid, Reason, Rest, Str16, Str32, Text, U8, U16, U32, U64};
use serde_json::{Value, json};

const FROM: Field = Pid(0, 0, 5);
const TO: Field = Pid(1, 7, 42);

fn text(text: &str) -> String {
    text.to_owned()
}

fn message(tag: u8, name: &'static str, fields: Vec<(&'static str, Field)>) -> Message {
    Message { tag: vec![tag], name, fields }
}

fn boom() -> Field {
    Reason(vec![], Root::Error(text("boom")))
}

/// Every frame with a tag of its own; each variant shows something else.
pub fn frames() -> Vec<Message> {
    let chain = Reason(vec![(1, 7, 9), (0, 0, 3)], Root::Error(text("x")));
    let mut all = vec![
        message(0x10, "SEND", vec![("to", Pid(0, 7, 5)), ("message", Rest(b"hello".to_vec()))]),
        message(0x10, "SEND", vec![("to", Pid(0xFFFF, 255, (1 << 40) - 1)), ("message", Rest(vec![]))]),
        message(
            0x11,
            "REG_SEND",
            vec![("name", Str16(text("srv"))), ("message", Rest(b"to-named".to_vec()))],
        ),
        message(0x11, "REG_SEND", vec![("name", Str16(text("é\0"))), ("message", Rest(vec![0xFF]))]),
        message(0x12, "PEER_LIST", vec![("names", Names(vec![]))]),
        message(
            0x12,
            "PEER_LIST",
            vec![("names", Names(vec![text("other@1.2.3.4:5"), text(""), text("no-at")]))],
        ),
        message(0x13, "LINK", vec![("from", FROM), ("to", TO)]),
        message(0x14, "UNLINK", vec![("from", FROM), ("to", TO)]),
        message(0x15, "EXIT", vec![("from", FROM), ("to", TO), ("reason", boom())]),
        message(0x15, "EXIT", vec![("from", FROM), ("to", TO), ("reason", chain.clone())]),
        message(0x16, "MONITOR", vec![("from", FROM), ("to", TO), ("ref", U64(1))]),
        message(0x17, "DEMONITOR", vec![("from", FROM), ("to", TO), ("ref", U64(u64::MAX))]),
        message(
            0x18,
            "MONITOR_EXIT",
            vec![("monitored", FROM), ("monitoring", TO), ("ref", U64(6)), ("reason", boom())],
        ),
        message(
            0x18,
            "MONITOR_EXIT",
            vec![("monitored", FROM), ("monitoring", TO), ("ref", U64(6)), ("reason", chain)],
        ),
        message(
            0x19,
            "SPAWN",
            vec![
                ("request", U64(11)),
                ("requester", Pid(0, 0, 500)),
                ("link", U8(1)),
                ("function", Str16(text("worker"))),
                ("arguments", Rest(vec![1, 2, 3])),
            ],
        ),
        message(0x1A, "SPAWN_REPLY", vec![("request", U64(11)), ("status", U8(0)), ("local", U64(3))]),
        message(
            0x1B,
            "GLOBAL_REGISTER",
            vec![("name", Str16(text("g1"))), ("pid", Pid(0, 0, 77)), ("node", Str16(text("a@h:1")))],
        ),
        message(0x1C, "GLOBAL_UNREGISTER", vec![("name", Str16(text("g1")))]),
        message(0x1D, "GLOBAL_SYNC", vec![("entries", Entries(vec![]))]),
        message(
            0x1D,
            "GLOBAL_SYNC",
            vec![(
                "entries",
                Entries(vec![(text("g1"), (0, 0, 77), text("a@h:1")), (text("é"), (2, 1, 1), text(""))]),
            )],
        ),
        message(0x1E, "ROOM_BROADCAST", vec![("room", Str16(text("room"))), ("text", Str32(text("hey")))]),
        message(0x80, "UNLINK_ID", vec![("from", FROM), ("to", TO), ("id", U64(1))]),
        message(0x81, "UNLINK_ACK", vec![("from", TO), ("to", FROM), ("id", U64(1))]),
        message(
            0x82,
            "NODE_TABLE",
            vec![("index", U16(3)), ("incarnation", U64(u64::MAX)), ("name", Str16(text("c@h:9000")))],
        ),
        message(0x84, "CLOSE", vec![("code", U16(0)), ("text", Str16(text("bye")))]),
        message(0x84, "CLOSE", vec![("code", U16(65535)), ("text", Str16(text("")))]),
        message(
            0x85,
            "EXIT2",
            vec![("from", FROM), ("to", TO), ("reason", Reason(vec![], Root::Custom(text("stop"))))],
        ),
        message(0x86, "SEND_TERM", vec![("to", TO), ("message", Rest(vec![1, 6]))]),
        message(0x86, "SEND_TERM", vec![("to", TO), ("message", Rest(vec![9, 9]))]),
        message(0xF0, "PING", vec![("payload", Fixed((1..=8).collect()))]),
        message(0xF1, "PONG", vec![("payload", Fixed(vec![0xFF; 8]))]),
    ];
    for (flags, total) in [(0, None), (1, Some(65_538)), (2, None), (3, Some(2))] {
        let mut fields = vec![("number", U64(7)), ("flags", U8(flags))];
        fields.extend(total.map(|total| ("total", U32(total))));
        fields.push(("payload", Rest(vec![0x13, 0x05])));
        all.push(message(0x83, "FRAGMENT", fields));
    }
    all.extend(calls_and_names());
    all
}

fn calls_and_names() -> Vec<Message> {
    vec![
        message(0x87, "CALL", call(vec![1, 6])),
        message(0x87, "CALL", call(vec![9, 9])),
        message(
            0x88,
            "CALL_NAME",
            vec![("from", FROM), ("ref", U64(2)), ("name", Str16(text("db"))), ("message", Rest(vec![9, 9]))],
        ),
        message(
            0x88,
            "CALL_NAME",
            vec![
                ("from", FROM),
                ("ref", U64(u64::MAX)),
                ("name", Str16(text("é"))),
                ("message", Rest(vec![])),
            ],
        ),
        message(0x89, "CALL_REPLY", call(vec![])),
        message(0x89, "CALL_REPLY", call(vec![9, 9])),
        message(0x8A, "SEND_NAME_TERM", vec![("name", Str16(text("db"))), ("message", Rest(vec![9, 9]))]),
        message(0x8A, "SEND_NAME_TERM", vec![("name", Str16(text("é"))), ("message", Rest(vec![1, 6]))]),
        message(0x8B, "MONITOR_NAME", vec![("from", FROM), ("ref", U64(3)), ("name", Str16(text("db")))]),
        message(0x8C, "NAMED", vec![("ref", U64(3)), ("pid", TO)]),
    ]
}

fn call(term: Vec<u8>) -> Vec<(&'static str, Field)> {
    vec![("from", FROM), ("to", TO), ("ref", U64(1)), ("message", Rest(term))]
}

/// Every root and chains of hops.
pub fn reasons() -> Vec<Field> {
    let one = |root| Reason(vec![], root);
    vec![
        one(Root::Normal),
        one(Root::Error(text("boom"))),
        one(Root::Error(text(""))),
        one(Root::Error(text("ungültig"))),
        one(Root::Error("x".repeat(40))),
        one(Root::Killed),
        one(Root::Shutdown),
        one(Root::Custom(text("reason-text"))),
        one(Root::Noconnection),
        Reason(vec![(0, 0, 5), (0, 0, 6), (0, 0, 7)], Root::Noconnection),
        Reason(vec![(0xFFFF, 255, (1 << 40) - 1)], Root::Normal),
    ]
}

pub fn signals() -> Vec<Message> {
    let signal =
        |back: u64, name, fields| Message { tag: (u64::MAX - back).to_le_bytes().to_vec(), name, fields };
    vec![
        signal(0, "EXIT", vec![("from", TO), ("reason", boom())]),
        signal(1, "DOWN", vec![("ref", U64(1)), ("monitored", TO), ("reason", boom())]),
        signal(2, "NODEDOWN", vec![("node", Text(text("a@h:1")))]),
        signal(3, "NODEUP", vec![("node", Text(text("")))]),
        signal(4, "SPAWN_REPLY", vec![("request", U64(9)), ("status", U8(1)), ("local", U64(0))]),
    ]
}

pub(super) fn tlv(kind: u16, value: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &(value.len() as u16).to_le_bytes(), value].concat()
}

/// A block with every known extension and an unknown one.
pub fn full_block() -> Field {
    let tlvs = [
        tlv(1, &[2, 0, 9, 0]),
        tlv(2, &15_u64.to_le_bytes()),
        tlv(3, &0x1122_3344_5566_7788_u64.to_le_bytes()),
        tlv(4, &16_777_216_u32.to_le_bytes()),
        tlv(5, &134_217_728_u64.to_le_bytes()),
        tlv(6, &64_u32.to_le_bytes()),
        tlv(7, &4096_u32.to_le_bytes()),
        tlv(8, &1_000_000_u32.to_le_bytes()),
        tlv(0x7FFF, &[0xAA]),
    ];
    let json: Value = json!({
        "versions": [2, 9],
        "capabilities": "15",
        "incarnation": 0x1122_3344_5566_7788_u64.to_string(),
        "frame_bytes_max": 16_777_216,
        "reassembly_bytes_max": "134217728",
        "fragmented_messages_max": 64,
        "node_table_entries_max": 4096,
        "links_and_monitors_max": 1_000_000,
        "unknown": {"32767": "aa"},
    });
    Block(tlvs.concat(), json)
}

/// What a node with default bounds and no capabilities says in NAME and CHALLENGE.
pub fn usual_block(incarnation: u64) -> Field {
    let tlvs = [
        tlv(1, &[2, 0]),
        tlv(2, &[0; 8]),
        tlv(3, &incarnation.to_le_bytes()),
        tlv(4, &16_777_216_u32.to_le_bytes()),
        tlv(5, &134_217_728_u64.to_le_bytes()),
        tlv(6, &64_u32.to_le_bytes()),
        tlv(7, &4096_u32.to_le_bytes()),
        tlv(8, &1_000_000_u32.to_le_bytes()),
    ];
    let json: Value = json!({
        "versions": [2],
        "capabilities": "0",
        "incarnation": incarnation.to_string(),
        "frame_bytes_max": 16_777_216,
        "reassembly_bytes_max": "134217728",
        "fragmented_messages_max": 64,
        "node_table_entries_max": 4096,
        "links_and_monitors_max": 1_000_000,
    });
    Block(tlvs.concat(), json)
}

/// The least that a block of NAME and CHALLENGE says.
pub fn least_block(incarnation: u64) -> Field {
    let tlvs = [tlv(1, &[2, 0]), tlv(3, &incarnation.to_le_bytes())];
    Block(tlvs.concat(), json!({"versions": [2], "incarnation": incarnation.to_string()}))
}

pub fn empty_block() -> Field {
    Block(vec![], json!({}))
}

/// Unknown types on both sides of a known one.
fn block_with_unknown() -> Field {
    let tlvs = [tlv(0, &[]), tlv(4, &1024_u32.to_le_bytes()), tlv(9, &[1, 2, 3])];
    Block(tlvs.concat(), json!({"frame_bytes_max": 1024, "unknown": {"0": "", "9": "010203"}}))
}

pub fn handshake() -> Vec<Message> {
    let name = || ("name", Str16(text("a@127.0.0.1:9001")));
    let challenge = || ("challenge", Fixed((0..24).chain(*b"\xD1DIST-V2").collect()));
    let digest = |byte| ("digest", Fixed(vec![byte; 32]));
    let proof = || ("proof", Fixed(vec![0xEE; 32]));
    vec![
        message(1, "NAME", vec![name(), ("creation", U8(1))]),
        message(1, "NAME", vec![("name", Str16(text("\0 bad name"))), ("creation", U8(0))]),
        message(1, "NAME", vec![name(), ("creation", U8(103)), ("extension", full_block())]),
        message(1, "NAME", vec![name(), ("creation", U8(103)), ("extension", empty_block())]),
        message(1, "NAME", vec![name(), ("creation", U8(103)), ("extension", block_with_unknown())]),
        message(2, "CHALLENGE", vec![name(), ("creation", U8(1)), ("challenge", Fixed(vec![0x5A; 32]))]),
        message(2, "CHALLENGE", vec![name(), ("creation", U8(9)), challenge(), ("extension", full_block())]),
        message(3, "REPLY", vec![digest(0xBA), ("challenge", Fixed(vec![0xA5; 32]))]),
        message(3, "REPLY", vec![digest(0), challenge(), ("extension", empty_block()), proof()]),
        message(3, "REPLY", vec![digest(0), challenge(), ("extension", full_block()), proof()]),
        message(4, "ACK", vec![digest(0xD2)]),
        message(4, "ACK", vec![digest(0), ("extension", empty_block()), proof()]),
        message(5, "REJECT", vec![("code", U16(1)), ("text", Str16(text("no common version")))]),
        message(5, "REJECT", vec![("code", U16(65535)), ("text", Str16("x".repeat(255)))]),
    ]
}
