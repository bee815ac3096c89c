//! A second decoder, written from the specification alone: simple, owned, slow.
//!
//! It gives the same JSON as the codec's documents, and for everything that is wrong only that it is.

use serde_json::{Map, Value, json};

/// A message's name, its fields, and the bytes after them.
pub type Message = (String, Value, Vec<u8>);

struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
    strict: bool,
}

impl Bytes<'_> {
    fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        if count > self.all.len() - self.at {
            return None;
        }
        self.at += count;
        Some(self.all[self.at - count..self.at].to_vec())
    }

    fn number(&mut self, bytes: usize) -> Option<u64> {
        let taken = self.take(bytes)?;
        Some(taken.iter().rev().fold(0, |number, byte| number * 256 + u64::from(*byte)))
    }

    fn text(&mut self, prefix: usize) -> Option<String> {
        let length = self.number(prefix)?;
        String::from_utf8(self.take(usize::try_from(length).ok()?)?).ok()
    }

    fn rest(&mut self) -> Vec<u8> {
        self.take(self.all.len() - self.at).unwrap_or_default()
    }

    fn pid(&mut self) -> Option<Value> {
        let bits = self.number(8)?;
        let (node, rest) = (bits / (1 << 48), bits % (1 << 48));
        Some(json!({"node": node, "creation": rest / (1 << 40), "local": rest % (1 << 40)}))
    }

    fn reason(&mut self) -> Option<Value> {
        let mut hops = Vec::new();
        loop {
            let root = match self.number(1)? {
                3 => {
                    hops.push(self.pid()?);
                    continue;
                }
                0 => json!({"kind": "normal"}),
                1 => json!({"kind": "error", "text": self.text(8)?}),
                2 => json!({"kind": "killed"}),
                4 => json!({"kind": "shutdown"}),
                5 => json!({"kind": "custom", "text": self.text(8)?}),
                6 => json!({"kind": "noconnection"}),
                _ if self.strict => return None,
                tag => json!({"kind": "unknown", "code": tag, "payload": hex::encode(self.rest())}),
            };
            return Some(if hops.is_empty() {
                root
            } else {
                json!({"kind": "linked", "hops": hops, "root": root})
            });
        }
    }

    /// A field by the name of its type in the specification.
    fn field(&mut self, kind: &str) -> Option<Value> {
        Some(match kind {
            "u8" => json!(self.number(1)?),
            "u16" => json!(self.number(2)?),
            "u32" => json!(self.number(4)?),
            "u64" => json!(self.number(8)?.to_string()),
            "pid" => self.pid()?,
            "[8]" => json!(hex::encode(self.take(8)?)),
            "[32]" => json!(hex::encode(self.take(32)?)),
            "str16" => json!(self.text(2)?),
            "str32" => json!(self.text(4)?),
            "rest" => json!(hex::encode(self.rest())),
            "text" => json!(String::from_utf8(self.rest()).ok()?),
            "reason" => self.reason()?,
            "names" => {
                let count = self.number(2)?;
                (0..count).map(|_| self.text(2).map(Value::from)).collect::<Option<Vec<_>>>()?.into()
            }
            "entries" => {
                let count = self.number(4)?;
                let mut entries = Vec::new();
                for _ in 0..count {
                    entries.push(json!({"name": self.text(2)?, "pid": self.pid()?, "node": self.text(2)?}));
                }
                entries.into()
            }
            _ => return None,
        })
    }

    fn fields(&mut self, kinds: &[(&str, &str)]) -> Option<Map<String, Value>> {
        let mut fields = Map::new();
        for (name, kind) in kinds {
            fields.insert((*name).to_owned(), self.field(kind)?);
        }
        Some(fields)
    }

    fn end(&mut self, name: &str, fields: Map<String, Value>) -> Option<Message> {
        let surplus = self.rest();
        if self.strict && !surplus.is_empty() {
            None
        } else {
            Some((name.to_owned(), fields.into(), surplus))
        }
    }
}

type Row = (u8, &'static str, &'static [(&'static str, &'static str)]);

const LINK: &[(&str, &str)] = &[("from", "pid"), ("to", "pid")];
const EXIT: &[(&str, &str)] = &[("from", "pid"), ("to", "pid"), ("reason", "reason")];
const MONITOR: &[(&str, &str)] = &[("from", "pid"), ("to", "pid"), ("ref", "u64")];
const UNLINK_ID: &[(&str, &str)] = &[("from", "pid"), ("to", "pid"), ("id", "u64")];
const SEND: &[(&str, &str)] = &[("to", "pid"), ("message", "rest")];
const CALL: &[(&str, &str)] = &[("from", "pid"), ("to", "pid"), ("ref", "u64"), ("message", "rest")];
const SPAWN_REPLY: &[(&str, &str)] = &[("request", "u64"), ("status", "u8"), ("local", "u64")];

const FRAMES: &[Row] = &[
    (0x10, "SEND", SEND),
    (0x11, "REG_SEND", &[("name", "str16"), ("message", "rest")]),
    (0x12, "PEER_LIST", &[("names", "names")]),
    (0x13, "LINK", LINK),
    (0x14, "UNLINK", LINK),
    (0x15, "EXIT", EXIT),
    (0x16, "MONITOR", MONITOR),
    (0x17, "DEMONITOR", MONITOR),
    (
        0x18,
        "MONITOR_EXIT",
        &[("monitored", "pid"), ("monitoring", "pid"), ("ref", "u64"), ("reason", "reason")],
    ),
    (
        0x19,
        "SPAWN",
        &[
            ("request", "u64"),
            ("requester", "pid"),
            ("link", "u8"),
            ("function", "str16"),
            ("arguments", "rest"),
        ],
    ),
    (0x1A, "SPAWN_REPLY", SPAWN_REPLY),
    (0x1B, "GLOBAL_REGISTER", &[("name", "str16"), ("pid", "pid"), ("node", "str16")]),
    (0x1C, "GLOBAL_UNREGISTER", &[("name", "str16")]),
    (0x1D, "GLOBAL_SYNC", &[("entries", "entries")]),
    (0x1E, "ROOM_BROADCAST", &[("room", "str16"), ("text", "str32")]),
    (0x80, "UNLINK_ID", UNLINK_ID),
    (0x81, "UNLINK_ACK", UNLINK_ID),
    (0x82, "NODE_TABLE", &[("index", "u16"), ("incarnation", "u64"), ("name", "str16")]),
    (0x84, "CLOSE", &[("code", "u16"), ("text", "str16")]),
    (0x85, "EXIT2", EXIT),
    (0x86, "SEND_TERM", SEND),
    (0x87, "CALL", CALL),
    (0x88, "CALL_NAME", &[("from", "pid"), ("ref", "u64"), ("name", "str16"), ("message", "rest")]),
    (0x89, "CALL_REPLY", CALL),
    (0x8A, "SEND_NAME_TERM", &[("name", "str16"), ("message", "rest")]),
    (0x8B, "MONITOR_NAME", &[("from", "pid"), ("ref", "u64"), ("name", "str16")]),
    (0x8C, "NAMED", &[("ref", "u64"), ("pid", "pid")]),
    (0xF0, "PING", &[("payload", "[8]")]),
    (0xF1, "PONG", &[("payload", "[8]")]),
];

/// A frame's payload.
#[must_use]
pub fn frame(payload: &[u8], strict: bool) -> Option<Message> {
    let Some(&tag) = payload.first() else {
        return if strict { None } else { Some(("EMPTY".to_owned(), json!({}), vec![])) };
    };
    let mut bytes = Bytes { all: payload, at: 1, strict };
    if tag == 0x83 {
        let mut fields = bytes.fields(&[("number", "u64"), ("flags", "u8")])?;
        let flags = fields["flags"].as_u64()?;
        if flags > 3 {
            return None;
        }
        if flags % 2 == 1 {
            fields.insert("total".to_owned(), bytes.field("u32")?);
        }
        fields.insert("payload".to_owned(), bytes.field("rest")?);
        return bytes.end("FRAGMENT", fields);
    }
    if let Some((_, name, kinds)) = FRAMES.iter().find(|(known, _, _)| *known == tag) {
        let fields = bytes.fields(kinds)?;
        return bytes.end(name, fields);
    }
    let fields = json!({"code": tag, "payload": hex::encode(bytes.rest())});
    if strict { None } else { Some(("UNKNOWN".to_owned(), fields, vec![])) }
}

/// A signal in a mailbox.
#[must_use]
pub fn signal(message: &[u8], strict: bool) -> Option<Message> {
    let mut bytes = Bytes { all: message, at: 0, strict };
    let (name, kinds): (_, &[_]) = match u64::MAX - bytes.number(8)? {
        0 => ("EXIT", &[("from", "pid"), ("reason", "reason")]),
        1 => ("DOWN", &[("ref", "u64"), ("monitored", "pid"), ("reason", "reason")]),
        2 => ("NODEDOWN", &[("node", "text")]),
        3 => ("NODEUP", &[("node", "text")]),
        4 => ("SPAWN_REPLY", SPAWN_REPLY),
        _ => return None,
    };
    let fields = bytes.fields(kinds)?;
    bytes.end(name, fields)
}

/// A bare reason, and the bytes after it.
#[must_use]
pub fn bare_reason(bytes: &[u8], strict: bool) -> Option<(Value, Vec<u8>)> {
    let mut bytes = Bytes { all: bytes, at: 0, strict };
    let reason = bytes.reason()?;
    let surplus = bytes.rest();
    if strict && !surplus.is_empty() { None } else { Some((reason, surplus)) }
}

const MAGIC: [u8; 8] = [0xD1, 0x53, 0x4E, 0x4F, 0x57, 0x32, 0x0D, 0x0A];

/// A message of the handshake.
#[must_use]
pub fn handshake(payload: &[u8], strict: bool) -> Option<Message> {
    let mut bytes = Bytes { all: payload, at: 1, strict };
    let (name, kinds): (_, &[_]) = match payload.first()? {
        1 => ("NAME", &[("name", "str16"), ("creation", "u8")]),
        2 => ("CHALLENGE", &[("name", "str16"), ("creation", "u8"), ("challenge", "[32]")]),
        3 => ("REPLY", &[("digest", "[32]"), ("challenge", "[32]")]),
        4 => ("ACK", &[("digest", "[32]")]),
        5 => ("REJECT", &[("code", "u16"), ("text", "str16")]),
        _ => return None,
    };
    let mut fields = bytes.fields(kinds)?;
    if name == "REJECT" {
        return if fields["text"].as_str()?.len() > 255 { None } else { bytes.end(name, fields) };
    }
    let rest = &payload[bytes.at..];
    let cut_magic = !rest.is_empty() && rest.len() < 8 && MAGIC.starts_with(rest);
    if cut_magic {
        return None;
    }
    if !rest.starts_with(&MAGIC) {
        return bytes.end(name, fields);
    }
    fields.insert("extension".to_owned(), block(&mut bytes)?);
    if name == "REPLY" || name == "ACK" {
        fields.insert("proof".to_owned(), bytes.field("[32]")?);
    } else {
        let node = fields["name"].as_str()?;
        if node.len() > 255 || node.chars().any(char::is_control) {
            return None;
        }
    }
    if bytes.at < payload.len() { None } else { bytes.end(name, fields) }
}

fn block(bytes: &mut Bytes<'_>) -> Option<Value> {
    bytes.take(8)?;
    let count = usize::try_from(bytes.number(2)?).ok()?;
    if 10 + count > 2_048 {
        return None;
    }
    let tlvs = bytes.take(count)?;
    let mut tlvs = Bytes { all: &tlvs, at: 0, strict: true };
    let (mut known, mut unknown) = (Map::new(), Map::new());
    let mut last = None;
    while tlvs.at < tlvs.all.len() {
        let kind = tlvs.number(2)?;
        let length = usize::try_from(tlvs.number(2)?).ok()?;
        let value = tlvs.take(length)?;
        if last >= Some(kind) {
            return None;
        }
        last = Some(kind);
        let number =
            value.iter().rev().fold(0_u64, |number, byte| number.wrapping_mul(256) + u64::from(*byte));
        let (name, size) = match kind {
            1 => {
                let versions: Vec<u64> = value
                    .chunks(2)
                    .map(|pair| pair.iter().rev().fold(0, |sum, byte| sum * 256 + u64::from(*byte)))
                    .collect();
                let ascending = versions.windows(2).all(|pair| pair[0] < pair[1]);
                if length % 2 != 0 || !(1..=16).contains(&versions.len()) || versions[0] < 2 || !ascending {
                    return None;
                }
                known.insert("versions".to_owned(), json!(versions));
                continue;
            }
            2 => ("capabilities", 8),
            3 if number == 0 => return None,
            3 => ("incarnation", 8),
            4 => ("frame_bytes_max", 4),
            5 => ("reassembly_bytes_max", 8),
            6 => ("fragmented_messages_max", 4),
            7 => ("node_table_entries_max", 4),
            8 => ("links_and_monitors_max", 4),
            0x8000.. => return None,
            _ => {
                unknown.insert(kind.to_string(), json!(hex::encode(value)));
                continue;
            }
        };
        if length != size {
            return None;
        }
        known.insert(name.to_owned(), if size == 8 { json!(number.to_string()) } else { json!(number) });
    }
    if !unknown.is_empty() {
        known.insert("unknown".to_owned(), unknown.into());
    }
    Some(known.into())
}

/// A term of the first kind, or of the second: its value, as a list of its tag and what stands behind that, and the bytes
/// after it.
#[must_use]
pub fn term(term: &[u8], second: bool, strict: bool) -> Option<(Value, Vec<u8>)> {
    let mut bytes = Bytes { all: term, at: 0, strict };
    if bytes.number(1)? != 1 {
        return None;
    }
    let value = value(&mut bytes, second, 1)?;
    let surplus = bytes.rest();
    if strict && !surplus.is_empty() { None } else { Some((value, surplus)) }
}

fn value(bytes: &mut Bytes<'_>, second: bool, depth: u32) -> Option<Value> {
    if depth > 64 {
        return None;
    }
    let large = |count: u64| (count <= 1_000_000).then_some(count);
    let all = |bytes: &mut Bytes<'_>, count: u64| {
        (0..count).map(|_| value(bytes, second, depth + 1)).collect::<Option<Vec<_>>>()
    };
    let tag = bytes.number(1)?;
    Some(match tag {
        1 | 2 | 30 => json!([tag, bytes.number(8)?]),
        3 | 4 | 6 | 41 => json!([tag]),
        5 => json!([tag, bytes.text(4).filter(|text| text.len() <= 16 << 20)?]),
        10 | 12 => {
            let count = large(bytes.number(4)?)?;
            json!([tag, all(bytes, count)?])
        }
        11 => {
            let keys = match bytes.number(1)? {
                0 => 1,
                1 => 5,
                _ => return None,
            };
            let mut pairs = Vec::new();
            for _ in 0..large(bytes.number(4)?)? {
                let found = *bytes.all.get(bytes.at)?;
                if found != keys && !(second && keys == 1 && found == 8) {
                    return None;
                }
                pairs.extend(all(bytes, 2)?);
            }
            json!([tag, keys, pairs])
        }
        13 => {
            let count = bytes.number(1)?;
            json!([tag, all(bytes, count)?])
        }
        7 if second => {
            let length = bytes.number(4).filter(|length| *length <= 16 << 20)?;
            json!([tag, hex::encode(bytes.take(usize::try_from(length).ok()?)?)])
        }
        8 if second => json!([tag, bytes.number(8).filter(|number| *number >= 1 << 63)?]),
        20 | 22 if tag == 20 || second => {
            let mut name = vec![bytes.text(2)?];
            if tag == 22 {
                name.push(bytes.text(2)?);
            }
            let mut fields = Vec::new();
            for _ in 0..bytes.number(2)? {
                fields.push(json!([bytes.text(2)?, all(bytes, 1)?]));
            }
            json!([tag, name, fields])
        }
        21 => {
            let (name, variant, count) = (bytes.text(2)?, bytes.number(1)?, bytes.number(2)?);
            json!([tag, name, variant, all(bytes, count)?])
        }
        40 | 42 | 43 => json!([tag, all(bytes, 1)?]),
        _ => return None,
    })
}
