//! A second layout of every field, written from the specification: bytes, JSON, and where a cut falls.

use serde_json::{Map, Value, json};

/// A field's value.
#[derive(Clone, Debug)]
pub enum Field {
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    Pid(u16, u8, u64),
    Fixed(Vec<u8>),
    Str16(String),
    Str32(String),
    Rest(Vec<u8>),
    Text(String),
    Reason(Vec<(u16, u8, u64)>, Root),
    Names(Vec<String>),
    Entries(Vec<(String, (u16, u8, u64), String)>),
    /// An extension block: its TLVs as bytes, and as JSON.
    Block(Vec<u8>, Value),
}

#[derive(Clone, Debug)]
pub enum Root {
    Normal,
    Error(String),
    Killed,
    Shutdown,
    Custom(String),
    Noconnection,
    Unknown(u8, Vec<u8>),
}

pub const MAGIC: [u8; 8] = [0xD1, 0x53, 0x4E, 0x4F, 0x57, 0x32, 0x0D, 0x0A];

pub fn pid_bits((node, creation, local): (u16, u8, u64)) -> u64 {
    u64::from(node) * (1 << 48) + u64::from(creation) * (1 << 40) + local
}

pub fn pid_json((node, creation, local): (u16, u8, u64)) -> Value {
    json!({"node": node, "creation": creation, "local": local})
}

fn str16(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat()
}

impl Root {
    fn bytes(&self) -> Vec<u8> {
        let text =
            |tag: u8, text: &str| [&[tag][..], &(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
        match self {
            Self::Normal => vec![0],
            Self::Error(error) => text(1, error),
            Self::Killed => vec![2],
            Self::Shutdown => vec![4],
            Self::Custom(custom) => text(5, custom),
            Self::Noconnection => vec![6],
            Self::Unknown(tag, rest) => [&[*tag][..], rest].concat(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Normal => json!({"kind": "normal"}),
            Self::Error(text) => json!({"kind": "error", "text": text}),
            Self::Killed => json!({"kind": "killed"}),
            Self::Shutdown => json!({"kind": "shutdown"}),
            Self::Custom(text) => json!({"kind": "custom", "text": text}),
            Self::Noconnection => json!({"kind": "noconnection"}),
            Self::Unknown(tag, rest) => json!({"kind": "unknown", "code": tag, "payload": hex::encode(rest)}),
        }
    }
}

impl Field {
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::U8(number) => vec![*number],
            Self::U16(number) => number.to_le_bytes().to_vec(),
            Self::U32(number) => number.to_le_bytes().to_vec(),
            Self::U64(number) => number.to_le_bytes().to_vec(),
            Self::Pid(node, creation, local) => pid_bits((*node, *creation, *local)).to_le_bytes().to_vec(),
            Self::Fixed(bytes) | Self::Rest(bytes) => bytes.clone(),
            Self::Str16(text) => str16(text),
            Self::Str32(text) => [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat(),
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Reason(hops, root) => {
                let mut bytes = Vec::new();
                for hop in hops {
                    bytes.push(3);
                    bytes.extend(pid_bits(*hop).to_le_bytes());
                }
                bytes.extend(root.bytes());
                bytes
            }
            Self::Names(names) => {
                let mut bytes = (names.len() as u16).to_le_bytes().to_vec();
                names.iter().for_each(|name| bytes.extend(str16(name)));
                bytes
            }
            Self::Entries(entries) => {
                let mut bytes = (entries.len() as u32).to_le_bytes().to_vec();
                for (name, pid, node) in entries {
                    bytes.extend(str16(name));
                    bytes.extend(pid_bits(*pid).to_le_bytes());
                    bytes.extend(str16(node));
                }
                bytes
            }
            Self::Block(tlvs, _) => [&MAGIC[..], &(tlvs.len() as u16).to_le_bytes(), tlvs].concat(),
        }
    }

    pub fn json(&self) -> Value {
        match self {
            Self::U8(number) => json!(number),
            Self::U16(number) => json!(number),
            Self::U32(number) => json!(number),
            Self::U64(number) => json!(number.to_string()),
            Self::Pid(node, creation, local) => pid_json((*node, *creation, *local)),
            Self::Fixed(bytes) | Self::Rest(bytes) => json!(hex::encode(bytes)),
            Self::Str16(text) | Self::Str32(text) | Self::Text(text) => json!(text),
            Self::Reason(hops, root) if hops.is_empty() => root.json(),
            Self::Reason(hops, root) => {
                let hops: Vec<_> = hops.iter().map(|hop| pid_json(*hop)).collect();
                json!({"kind": "linked", "hops": hops, "root": root.json()})
            }
            Self::Names(names) => json!(names),
            Self::Entries(entries) => entries
                .iter()
                .map(|(name, pid, node)| json!({"name": name, "pid": pid_json(*pid), "node": node}))
                .collect(),
            Self::Block(_, json) => json.clone(),
        }
    }

    /// What a payload is that ends inside the field: refused, or a shorter value.
    fn cut(&self) -> &'static str {
        match self {
            Self::Rest(_) | Self::Text(_) => "shorter",
            _ => "refused",
        }
    }
}

/// A message: its tag's bytes, its name, its fields in wire order.
#[derive(Clone, Debug)]
pub struct Message {
    pub tag: Vec<u8>,
    pub name: &'static str,
    pub fields: Vec<(&'static str, Field)>,
}

impl Message {
    pub fn bytes(&self) -> Vec<u8> {
        self.fields.iter().fold(self.tag.clone(), |mut bytes, (_, field)| {
            bytes.extend(field.bytes());
            bytes
        })
    }

    pub fn json(&self, trailing: &[u8]) -> Value {
        let fields: Map<String, Value> =
            self.fields.iter().map(|(name, field)| ((*name).to_owned(), field.json())).collect();
        json!({"tag": self.name, "fields": fields, "trailing": hex::encode(trailing)})
    }

    /// Each field's place, and what a cut inside it gives.
    pub fn layout(&self) -> Value {
        let mut at = self.tag.len();
        let mut rows = vec![json!({"field": "tag", "at": 0, "length": at, "cut": "refused"})];
        for (name, field) in &self.fields {
            let length = field.bytes().len();
            rows.push(json!({"field": name, "at": at, "length": length, "cut": field.cut()}));
            at += length;
        }
        rows.into()
    }
}
