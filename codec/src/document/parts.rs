//! The parts of messages in serde's data model.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU64;
use serde::de::{self, Deserializer, Error as _, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use crate::handshake::{Capabilities, Tlv};
use crate::{
    Entries, EntriesBuf, Entry, Extension, ExtensionBuf, Names, NamesBuf, Pid, Reason, ReasonBuf, Root, Text,
    UnknownRoot,
};

/// Bytes that are serialized as hexadecimal text. `Hex<Vec<u8>>` can be deserialized from such a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hex<B>(pub B);

impl<B: AsRef<[u8]>> Serialize for Hex<B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hex<Vec<u8>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(&text)
            .map(Self)
            .map_err(|error| D::Error::custom(format_args!("not hexadecimal: {error}")))
    }
}

/// A 64-bit number: written as a decimal string, read from such a string or from a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal(pub(super) u64);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DecimalVisitor)
    }
}

struct DecimalVisitor;

impl Visitor<'_> for DecimalVisitor {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number from 0 to 18446744073709551615, or a string of its digits")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Decimal, E> {
        Ok(Decimal(number))
    }

    fn visit_str<E: de::Error>(self, digits: &str) -> Result<Decimal, E> {
        digits.parse().map(Decimal).map_err(|_| E::invalid_value(de::Unexpected::Str(digits), &self))
    }
}

/// Serializes the pid as `{"node": n, "creation": c, "local": l}` in human-readable formats. In other formats, the
/// pid is its 64 bits in a newtype with the name that [`stf`](crate::stf) recognises.
impl Serialize for Pid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            PidParts { node: self.node(), creation: self.creation(), local: self.local() }
                .serialize(serializer)
        } else {
            serializer.serialize_newtype_struct(PID_NEWTYPE, &self.to_bits())
        }
    }
}

impl<'de> Deserialize<'de> for Pid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let parts = PidParts::deserialize(deserializer)?;
            Self::new(parts.node, parts.creation, parts.local).ok_or_else(|| {
                D::Error::custom(format_args!("local id {} is over {}", parts.local, Self::LOCAL_MAX))
            })
        } else {
            deserializer.deserialize_newtype_struct(PID_NEWTYPE, PidBitsVisitor)
        }
    }
}

/// The name by which STF recognises a pid.
pub(crate) const PID_NEWTYPE: &str = "$snow_dist::Pid";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PidParts {
    node: u16,
    creation: u8,
    local: u64,
}

struct PidBitsVisitor;

impl<'de> Visitor<'de> for PidBitsVisitor {
    type Value = Pid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pid")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Pid, D::Error> {
        u64::deserialize(deserializer).map(Pid::from_bits)
    }

    fn visit_u64<E: de::Error>(self, bits: u64) -> Result<Pid, E> {
        Ok(Pid::from_bits(bits))
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Borrows the text from the input. This fails if the format cannot lend the text, for example if a JSON string has
/// escapes.
impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&str>::deserialize(deserializer).map(Self::from)
    }
}

impl Serialize for Names<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

impl<'de> Deserialize<'de> for NamesBuf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut names = Self::default();
        for name in Vec::<String>::deserialize(deserializer)? {
            names.push(Text::from(&*name)).map_err(D::Error::custom)?;
        }
        Ok(names)
    }
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("pid", &self.pid)?;
        map.serialize_entry("node", &self.node)?;
        map.end()
    }
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

impl<'de> Deserialize<'de> for EntriesBuf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Owned {
            name: String,
            pid: Pid,
            node: String,
        }
        let mut entries = Self::default();
        for Owned { name, pid, node } in Vec::<Owned>::deserialize(deserializer)? {
            let entry = Entry { name: Text::from(&*name), pid, node: Text::from(&*node) };
            entries.push(&entry).map_err(D::Error::custom)?;
        }
        Ok(entries)
    }
}

impl Serialize for Root<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", self.kind())?;
        match self {
            Self::Error(text) | Self::Custom(text) => map.serialize_entry("text", text)?,
            Self::Unknown(unknown) => {
                map.serialize_entry("code", &unknown.tag())?;
                map.serialize_entry("payload", &Hex(unknown.payload()))?;
            }
            Self::Normal | Self::Killed | Self::Shutdown | Self::Noconnection => {}
        }
        map.end()
    }
}

impl Serialize for Reason<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hops = self.hops();
        if hops.len() == 0 {
            return self.root.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("kind", "linked")?;
        map.serialize_entry("hops", &Pids(hops))?;
        map.serialize_entry("root", &self.root)?;
        map.end()
    }
}

struct Pids<'a>(crate::Hops<'a>);

impl Serialize for Pids<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0)
    }
}

/// A reason as it is deserialized, before it is split into hops and a root.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum OwnedReason {
    Normal,
    Error { text: String },
    Killed,
    Linked { hops: Vec<Pid>, root: OwnedRoot },
    Shutdown,
    Custom { text: String },
    Noconnection,
    Unknown { code: u8, payload: Hex<Vec<u8>> },
}

/// The root of a chain, which is never a chain itself: no document nests deeper than this.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum OwnedRoot {
    Normal,
    Error { text: String },
    Killed,
    Shutdown,
    Custom { text: String },
    Noconnection,
    Unknown { code: u8, payload: Hex<Vec<u8>> },
}

impl OwnedReason {
    fn split(self) -> (Vec<Pid>, OwnedRoot) {
        let root = match self {
            Self::Linked { hops, root } => return (hops, root),
            Self::Normal => OwnedRoot::Normal,
            Self::Error { text } => OwnedRoot::Error { text },
            Self::Killed => OwnedRoot::Killed,
            Self::Shutdown => OwnedRoot::Shutdown,
            Self::Custom { text } => OwnedRoot::Custom { text },
            Self::Noconnection => OwnedRoot::Noconnection,
            Self::Unknown { code, payload } => OwnedRoot::Unknown { code, payload },
        };
        (Vec::new(), root)
    }
}

impl OwnedRoot {
    /// Returns the root, or `None` if an unknown root has a known code. The bytes of an unknown root go to
    /// `unknown`.
    fn as_root<'a>(&'a self, unknown: &'a mut Vec<u8>) -> Option<Root<'a>> {
        Some(match self {
            Self::Normal => Root::Normal,
            Self::Error { text } => Root::Error(Text::from(&**text)),
            Self::Killed => Root::Killed,
            Self::Shutdown => Root::Shutdown,
            Self::Custom { text } => Root::Custom(Text::from(&**text)),
            Self::Noconnection => Root::Noconnection,
            Self::Unknown { code, payload } => {
                unknown.push(*code);
                unknown.extend_from_slice(&payload.0);
                Root::Unknown(UnknownRoot::new(unknown)?)
            }
        })
    }
}

impl<'de> Deserialize<'de> for ReasonBuf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (hops, root) = OwnedReason::deserialize(deserializer)?.split();
        match root.as_root(&mut Vec::new()) {
            Some(root) => Ok(Self::new(hops.into_iter(), &root)),
            None => Err(D::Error::custom("an unknown reason has a code above 6")),
        }
    }
}

impl Serialize for ReasonBuf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_reason().serialize(serializer)
    }
}

/// Serializes the extensions of known types by their names in the registry, and all others by number under `unknown`.
impl Serialize for Extension<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut unknown = BTreeMap::new();
        for tlv in self.iter() {
            match tlv {
                Tlv::Versions(versions) => {
                    map.serialize_entry("versions", &versions.iter().collect::<Vec<_>>())?;
                }
                Tlv::Capabilities(set) => map.serialize_entry("capabilities", &Decimal(set.to_bits()))?,
                Tlv::Incarnation(number) => map.serialize_entry("incarnation", &Decimal(number.get()))?,
                Tlv::FrameBytesMax(bytes) => map.serialize_entry("frame_bytes_max", &bytes)?,
                Tlv::ReassemblyBytesMax(bytes) => {
                    map.serialize_entry("reassembly_bytes_max", &Decimal(bytes))?
                }
                Tlv::FragmentedMessagesMax(count) => {
                    map.serialize_entry("fragmented_messages_max", &count)?
                }
                Tlv::NodeTableEntriesMax(count) => map.serialize_entry("node_table_entries_max", &count)?,
                Tlv::LinksAndMonitorsMax(count) => map.serialize_entry("links_and_monitors_max", &count)?,
                Tlv::Unknown { kind, value } => {
                    unknown.insert(kind, Hex(value));
                }
            }
        }
        if !unknown.is_empty() {
            map.serialize_entry("unknown", &unknown)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for ExtensionBuf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Owned {
            versions: Option<Vec<u16>>,
            capabilities: Option<Decimal>,
            incarnation: Option<Decimal>,
            frame_bytes_max: Option<u32>,
            reassembly_bytes_max: Option<Decimal>,
            fragmented_messages_max: Option<u32>,
            node_table_entries_max: Option<u32>,
            links_and_monitors_max: Option<u32>,
            #[serde(default)]
            unknown: BTreeMap<u16, Hex<Vec<u8>>>,
        }
        let owned = Owned::deserialize(deserializer)?;
        let mut block = Self::default();
        let push = || {
            let block = &mut block;
            // Types must ascend. The known types are 1 to 8, so of the unknown types only 0 precedes them.
            for (kind, value) in owned.unknown.range(..1) {
                block.push(*kind, &value.0)?;
            }
            owned.versions.map_or(Ok(()), |versions| block.push_versions(&versions))?;
            owned
                .capabilities
                .map_or(Ok(()), |set| block.push_capabilities(Capabilities::from_bits(set.0)))?;
            if let Some(number) = owned.incarnation {
                match NonZeroU64::new(number.0) {
                    Some(number) => block.push_incarnation(number)?,
                    None => block.push(0x0003, &[0; 8])?,
                }
            }
            owned.frame_bytes_max.map_or(Ok(()), |bytes| block.push_frame_bytes_max(bytes))?;
            owned.reassembly_bytes_max.map_or(Ok(()), |bytes| block.push_reassembly_bytes_max(bytes.0))?;
            owned
                .fragmented_messages_max
                .map_or(Ok(()), |count| block.push_fragmented_messages_max(count))?;
            owned.node_table_entries_max.map_or(Ok(()), |count| block.push_node_table_entries_max(count))?;
            owned.links_and_monitors_max.map_or(Ok(()), |count| block.push_links_and_monitors_max(count))?;
            owned.unknown.range(1..).try_for_each(|(kind, value)| block.push(*kind, &value.0))
        };
        push().map_err(D::Error::custom)?;
        Ok(block)
    }
}
