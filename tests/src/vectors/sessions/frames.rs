//! What the peer writes, by the second layout. `local` is a process of the node, `remote` one of the peer.

use serde_json::{Value, json};

use crate::vectors::layout::{Field, Message, Root};
use crate::vectors::refusal;

/// The creation that the node has announced.
pub(super) const CREATION: u8 = 7;
/// The creation that its peer has announced, if it is not of version 1.
pub(super) const PEER_CREATION: u8 = 18;

/// A term that says nothing.
pub(super) const UNIT: &[u8] = &[1, 6];

/// Something that arrives.
pub(super) struct Arrives {
    /// The length, and the payload.
    pub(super) bytes: Vec<u8>,
    /// `value`, `error` or `part`, and what that is; of a part, the value of the frame that it completes or null.
    pub(super) what: (&'static str, Value),
}

pub(super) const fn ours(local: u64) -> Field {
    Field::Pid(0, CREATION, local)
}

pub(super) const fn theirs(remote: u64) -> Field {
    Field::Pid(0, PEER_CREATION, remote)
}

fn framed(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_le_bytes()[..], payload].concat()
}

fn message(tag: u8, name: &'static str, fields: Vec<(&'static str, Field)>) -> Arrives {
    with_surplus(tag, name, fields, &[])
}

fn with_surplus(tag: u8, name: &'static str, fields: Vec<(&'static str, Field)>, surplus: &[u8]) -> Arrives {
    let message = Message { tag: vec![tag], name, fields };
    let bytes = framed(&[&message.bytes()[..], surplus].concat());
    Arrives { bytes, what: ("value", message.json(surplus)) }
}

pub(super) fn text(text: &str) -> Field {
    Field::Str16(text.to_owned())
}

pub(super) const fn root(root: Root) -> Field {
    Field::Reason(Vec::new(), root)
}

pub(super) fn error(text: &str) -> Field {
    root(Root::Error(text.to_owned()))
}

pub(super) fn send_to(to: Field, bytes: &[u8]) -> Arrives {
    message(0x10, "SEND", vec![("to", to), ("message", Field::Rest(bytes.to_vec()))])
}

pub(super) fn send(local: u64, bytes: &[u8]) -> Arrives {
    send_to(ours(local), bytes)
}

pub(super) fn reg_send(name: &str, bytes: &[u8]) -> Arrives {
    message(0x11, "REG_SEND", vec![("name", text(name)), ("message", Field::Rest(bytes.to_vec()))])
}

pub(super) fn link_of(from: Field, to: Field) -> Arrives {
    message(0x13, "LINK", vec![("from", from), ("to", to)])
}

pub(super) fn link(remote: u64, local: u64) -> Arrives {
    link_of(theirs(remote), ours(local))
}

/// A LINK with bytes behind its fields.
pub(super) fn link_with_surplus(remote: u64, local: u64) -> Arrives {
    with_surplus(0x13, "LINK", vec![("from", theirs(remote)), ("to", ours(local))], b"later")
}

pub(super) fn unlink_of(from: Field, to: Field) -> Arrives {
    message(0x14, "UNLINK", vec![("from", from), ("to", to)])
}

pub(super) fn unlink(remote: u64, local: u64) -> Arrives {
    unlink_of(theirs(remote), ours(local))
}

pub(super) fn unlink_id_of(from: Field, to: Field, id: u64) -> Arrives {
    message(0x80, "UNLINK_ID", vec![("from", from), ("to", to), ("id", Field::U64(id))])
}

pub(super) fn unlink_id(remote: u64, local: u64, id: u64) -> Arrives {
    unlink_id_of(theirs(remote), ours(local), id)
}

pub(super) fn unlink_ack(remote: u64, local: u64, id: u64) -> Arrives {
    message(0x81, "UNLINK_ACK", vec![("from", theirs(remote)), ("to", ours(local)), ("id", Field::U64(id))])
}

pub(super) fn exit_of(from: Field, to: Field, reason: Field) -> Arrives {
    message(0x15, "EXIT", vec![("from", from), ("to", to), ("reason", reason)])
}

pub(super) fn exit_to(to: Field, remote: u64, reason: Field) -> Arrives {
    exit_of(theirs(remote), to, reason)
}

pub(super) fn exit(remote: u64, local: u64, reason: Field) -> Arrives {
    exit_to(ours(local), remote, reason)
}

pub(super) fn monitor_of(from: Field, to: Field, reference: u64) -> Arrives {
    message(0x16, "MONITOR", vec![("from", from), ("to", to), ("ref", Field::U64(reference))])
}

pub(super) fn monitor(remote: u64, local: u64, reference: u64) -> Arrives {
    monitor_of(theirs(remote), ours(local), reference)
}

pub(super) fn demonitor_of(from: Field, to: Field, reference: u64) -> Arrives {
    message(0x17, "DEMONITOR", vec![("from", from), ("to", to), ("ref", Field::U64(reference))])
}

pub(super) fn demonitor(remote: u64, local: u64, reference: u64) -> Arrives {
    demonitor_of(theirs(remote), ours(local), reference)
}

pub(super) fn monitor_exit_of(monitored: Field, monitoring: Field, reference: u64, reason: Field) -> Arrives {
    let fields = vec![
        ("monitored", monitored),
        ("monitoring", monitoring),
        ("ref", Field::U64(reference)),
        ("reason", reason),
    ];
    message(0x18, "MONITOR_EXIT", fields)
}

pub(super) fn monitor_exit_to(monitoring: Field, remote: u64, reference: u64, reason: Field) -> Arrives {
    monitor_exit_of(theirs(remote), monitoring, reference, reason)
}

pub(super) fn monitor_exit(remote: u64, local: u64, reference: u64, reason: Field) -> Arrives {
    monitor_exit_to(ours(local), remote, reference, reason)
}

pub(super) fn spawn(requester: Field, request: u64) -> Arrives {
    spawn_of(requester, request, 1)
}

/// The same with another flag.
pub(super) fn spawn_of(requester: Field, request: u64, link: u8) -> Arrives {
    let fields = vec![
        ("request", Field::U64(request)),
        ("requester", requester),
        ("link", Field::U8(link)),
        ("function", text("worker")),
        ("arguments", Field::Rest(vec![1, 2, 3])),
    ];
    message(0x19, "SPAWN", fields)
}

/// The frames of peer lists, global names and rooms.
pub(super) fn lists() -> Vec<Arrives> {
    let pid = || Field::Pid(0, PEER_CREATION, 8);
    let entry = ("g".to_owned(), (0, PEER_CREATION, 8), "b@h:1".to_owned());
    vec![
        message(0x12, "PEER_LIST", vec![("names", Field::Names(vec!["c@h:9000".to_owned()]))]),
        message(0x1B, "GLOBAL_REGISTER", vec![("name", text("g")), ("pid", pid()), ("node", text("b@h:1"))]),
        message(0x1C, "GLOBAL_UNREGISTER", vec![("name", text("g"))]),
        message(0x1D, "GLOBAL_SYNC", vec![("entries", Field::Entries(vec![entry]))]),
        message(0x1E, "ROOM_BROADCAST", vec![("room", text("r")), ("text", Field::Str32("hey".to_owned()))]),
    ]
}

pub(super) fn global_register(name: &str, pid: Field, node: &str) -> Arrives {
    message(0x1B, "GLOBAL_REGISTER", vec![("name", text(name)), ("pid", pid), ("node", text(node))])
}

pub(super) fn global_unregister(name: &str) -> Arrives {
    message(0x1C, "GLOBAL_UNREGISTER", vec![("name", text(name))])
}

/// Entries: a name, a pid, and the name of a node.
pub(super) fn global_sync(entries: Vec<(&str, (u16, u8, u64), &str)>) -> Arrives {
    let owned = |(name, pid, node): (&str, _, &str)| (name.to_owned(), pid, node.to_owned());
    message(0x1D, "GLOBAL_SYNC", vec![("entries", Field::Entries(entries.into_iter().map(owned).collect()))])
}

/// A piece of a frame.
pub(super) fn fragment(number: u64, total: Option<u32>, last: bool, piece: &[u8]) -> Arrives {
    let flags = u8::from(total.is_some()) | (u8::from(last) << 1);
    let mut fields = vec![("number", Field::U64(number)), ("flags", Field::U8(flags))];
    fields.extend(total.map(|total| ("total", Field::U32(total))));
    fields.push(("payload", Field::Rest(piece.to_vec())));
    message(0x83, "FRAGMENT", fields)
}

/// The payload of a frame, without its length.
pub(super) fn payload(frame: &Arrives) -> Vec<u8> {
    frame.bytes.get(4..).unwrap_or_default().to_vec()
}

/// A frame of each capability.
pub(super) fn of_capabilities() -> Vec<(&'static str, Arrives)> {
    vec![
        (
            "node-table",
            message(
                0x82,
                "NODE_TABLE",
                vec![("index", Field::U16(1)), ("incarnation", Field::U64(3)), ("name", text("c@h:9000"))],
            ),
        ),
        (
            "fragment",
            message(
                0x83,
                "FRAGMENT",
                vec![("number", Field::U64(1)), ("flags", Field::U8(2)), ("payload", Field::Rest(vec![0]))],
            ),
        ),
        (
            "exit2",
            message(
                0x85,
                "EXIT2",
                vec![("from", theirs(9)), ("to", ours(5)), ("reason", root(Root::Killed))],
            ),
        ),
        (
            "send-term",
            message(0x86, "SEND_TERM", vec![("to", ours(5)), ("message", Field::Rest(vec![1, 6]))]),
        ),
        ("call", call(9, 5, 1)),
        ("call-name", call_name(9, "srv", 1)),
        ("call-reply", call_reply(9, 5, 1)),
        ("send-name-term", send_name_term("srv", UNIT)),
        ("monitor-name", monitor_name(9, "srv", 1)),
        ("named", named(1, 9)),
    ]
}

pub(super) fn exit2_of(from: Field, to: Field, reason: Field) -> Arrives {
    message(0x85, "EXIT2", vec![("from", from), ("to", to), ("reason", reason)])
}

pub(super) fn exit2(to: Field, remote: u64, reason: Field) -> Arrives {
    exit2_of(theirs(remote), to, reason)
}

pub(super) fn send_term(local: u64, term: &[u8]) -> Arrives {
    message(0x86, "SEND_TERM", vec![("to", ours(local)), ("message", Field::Rest(term.to_vec()))])
}

/// A message between two processes, with a number, which is a term.
fn numbered_term(
    (tag, name): (u8, &'static str),
    (from, to): (Field, Field),
    reference: u64,
    term: &[u8],
) -> Arrives {
    let fields = vec![
        ("from", from),
        ("to", to),
        ("ref", Field::U64(reference)),
        ("message", Field::Rest(term.to_vec())),
    ];
    message(tag, name, fields)
}

pub(super) fn call_of(from: Field, to: Field, reference: u64, term: &[u8]) -> Arrives {
    numbered_term((0x87, "CALL"), (from, to), reference, term)
}

pub(super) fn call(remote: u64, local: u64, reference: u64) -> Arrives {
    call_of(theirs(remote), ours(local), reference, UNIT)
}

pub(super) fn call_name_of(from: Field, name: &str, reference: u64) -> Arrives {
    let term = Field::Rest(UNIT.to_vec());
    let fields =
        vec![("from", from), ("ref", Field::U64(reference)), ("name", text(name)), ("message", term)];
    message(0x88, "CALL_NAME", fields)
}

pub(super) fn call_name(remote: u64, name: &str, reference: u64) -> Arrives {
    call_name_of(theirs(remote), name, reference)
}

pub(super) fn call_reply_of(from: Field, to: Field, reference: u64, term: &[u8]) -> Arrives {
    numbered_term((0x89, "CALL_REPLY"), (from, to), reference, term)
}

pub(super) fn call_reply(remote: u64, local: u64, reference: u64) -> Arrives {
    call_reply_of(theirs(remote), ours(local), reference, UNIT)
}

pub(super) fn send_name_term(name: &str, term: &[u8]) -> Arrives {
    let fields = vec![("name", text(name)), ("message", Field::Rest(term.to_vec()))];
    message(0x8A, "SEND_NAME_TERM", fields)
}

pub(super) fn monitor_name_of(from: Field, name: &str, reference: u64) -> Arrives {
    message(0x8B, "MONITOR_NAME", vec![("from", from), ("ref", Field::U64(reference)), ("name", text(name))])
}

pub(super) fn monitor_name(remote: u64, name: &str, reference: u64) -> Arrives {
    monitor_name_of(theirs(remote), name, reference)
}

pub(super) fn named_of(reference: u64, pid: Field) -> Arrives {
    message(0x8C, "NAMED", vec![("ref", Field::U64(reference)), ("pid", pid)])
}

pub(super) fn named(reference: u64, remote: u64) -> Arrives {
    named_of(reference, theirs(remote))
}

pub(super) fn node_table(index: u16, incarnation: u64, name: &str) -> Arrives {
    let fields =
        vec![("index", Field::U16(index)), ("incarnation", Field::U64(incarnation)), ("name", text(name))];
    message(0x82, "NODE_TABLE", fields)
}

pub(super) fn close(code: u16, why: &str) -> Arrives {
    message(0x84, "CLOSE", vec![("code", Field::U16(code)), ("text", text(why))])
}

pub(super) fn ping(byte: u8) -> Arrives {
    message(0xF0, "PING", vec![("payload", Field::Fixed(vec![byte; 8]))])
}

pub(super) fn pong(byte: u8) -> Arrives {
    message(0xF1, "PONG", vec![("payload", Field::Fixed(vec![byte; 8]))])
}

pub(super) fn pong_of(payload: [u8; 8]) -> Arrives {
    message(0xF1, "PONG", vec![("payload", Field::Fixed(payload.to_vec()))])
}

pub(super) fn empty() -> Arrives {
    Arrives { bytes: vec![0; 4], what: ("value", json!({"tag": "EMPTY", "fields": {}, "trailing": ""})) }
}

/// A tag without a meaning.
pub(super) fn unknown(tag: u8) -> Arrives {
    let value = json!({"tag": "UNKNOWN", "fields": {"code": tag, "payload": "00ff"}, "trailing": ""});
    Arrives { bytes: framed(&[tag, 0, 0xFF]), what: ("value", value) }
}

/// A frame that no reader takes.
pub(super) fn refused(payload: &[u8], kind: &str, field: &str, at: usize, layer: &str) -> Arrives {
    let mut error = refusal(kind, field, at);
    error["layer"] = layer.into();
    Arrives { bytes: framed(payload), what: ("error", error) }
}

/// A length over the limit, and nothing behind it.
pub(super) fn too_long(length: u32, max: u32) -> Arrives {
    let error = json!({"kind": "too_long", "layer": "framing", "length": length, "max": max});
    Arrives { bytes: length.to_le_bytes().to_vec(), what: ("error", error) }
}

/// A frame that arrives in two pieces: the first `count` bytes, and the others.
pub(super) fn in_two(whole: Arrives, count: usize) -> [Arrives; 2] {
    let (first, last) = whole.bytes.split_at(count);
    [
        Arrives { bytes: first.to_vec(), what: ("part", Value::Null) },
        Arrives { bytes: last.to_vec(), what: ("part", whole.what.1) },
    ]
}
