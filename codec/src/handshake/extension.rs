//! The extension block, which version 2 appends to the messages of the handshake. Specification: `handshake.md`,
//! "Extension block".

use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU64;

use crate::layout::{Reader, Source};
use crate::limits::{EXTENSION_BYTES_MAX, VERSIONS_MAX};
use crate::{DecodeError, EncodeError, EncodeErrorKind, ErrorKind, Reading};

/// The first bytes of every extension block. They are not valid UTF-8, so no text begins with them. Version 1 nodes
/// ignore the block.
pub const MAGIC: [u8; 8] = *b"\xD1SNOW2\r\n";

/// The size of magic and count.
const HEAD_BYTES: usize = MAGIC.len() + size_of::<u16>();

/// The first of the types that an implementation must not ignore if it does not know them.
const MANDATORY_FROM: u16 = 0x8000;

mod kind {
    pub(super) const VERSIONS: u16 = 0x0001;
    pub(super) const CAPABILITIES: u16 = 0x0002;
    pub(super) const INCARNATION: u16 = 0x0003;
    pub(super) const FRAME_BYTES_MAX: u16 = 0x0004;
    pub(super) const REASSEMBLY_BYTES_MAX: u16 = 0x0005;
    pub(super) const FRAGMENTED_MESSAGES_MAX: u16 = 0x0006;
    pub(super) const NODE_TABLE_ENTRIES_MAX: u16 = 0x0007;
    pub(super) const LINKS_AND_MONITORS_MAX: u16 = 0x0008;
}

/// A validated extension block.
///
/// On the wire: [`MAGIC`], the `u16` count of the bytes that follow, then type, length and value of each extension,
/// in strictly ascending order of type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Extension<'a> {
    block: &'a [u8],
}

/// One extension in a block: a type, a length and a value. Numbers of types are written in hexadecimal here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tlv<'a> {
    /// The versions of the protocol that the sender speaks. Type `0001`.
    Versions(Versions<'a>),
    /// The optional capabilities of the sender. Type `0002`.
    Capabilities(Capabilities),
    /// The incarnation: a random number that identifies this run of the sender. Type `0003`.
    Incarnation(NonZeroU64),
    /// The maximum size in bytes of a frame's payload that the sender reads. Type `0004`. If a block does not contain
    /// this extension, the maximum is [`FRAME_BYTES_MAX`](crate::limits::FRAME_BYTES_MAX).
    FrameBytesMax(u32),
    /// The maximum number of bytes of fragmented frames that the sender holds at once. Type `0005`. If a block does not
    /// contain this extension, the maximum is 134 217 728.
    ReassemblyBytesMax(u64),
    /// The maximum number of fragmented frames that the sender holds at once. Type `0006`. If a block does not contain
    /// this extension, the maximum is 64.
    FragmentedMessagesMax(u32),
    /// The maximum number of node table entries that the sender holds for the session. Type `0007`. If a block does not
    /// contain this extension, the maximum is 4 096.
    NodeTableEntriesMax(u32),
    /// The maximum number of links and monitors, made by the receiver, that the sender holds. Type `0008`. If a block
    /// does not contain this extension, the maximum is 1 000 000.
    LinksAndMonitorsMax(u32),
    /// An extension of an unknown type below `8000`. A node must ignore it.
    Unknown {
        /// The type.
        kind: u16,
        /// The value.
        value: &'a [u8],
    },
}

/// The versions of the protocol that a node speaks, in ascending order. Each is at least 2.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Versions<'a> {
    bytes: &'a [u8],
}

/// A set of optional capabilities. A session uses those that both nodes have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Capabilities(u64);

impl Capabilities {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// Pids of processes on third nodes can be sent. The frame NODE_TABLE tells the reader which nodes these are.
    pub const NODE_TABLE: Self = Self(0b0001);
    /// Long frames can be sent in pieces, with the frame FRAGMENT.
    pub const FRAGMENTS: Self = Self(0b0010);
    /// Exit signals can be sent to processes that are not linked, with the frame EXIT2.
    pub const REMOTE_EXIT: Self = Self(0b0100);
    /// Messages can be marked as terms, with the frame SEND_TERM.
    pub const SEND_TERM: Self = Self(0b1000);
    /// Requests and replies can be sent, with the frames CALL, CALL_NAME and CALL_REPLY.
    pub const CALLS: Self = Self(0b1_0000);
    /// Terms can be sent to names, and names can be monitored, with the frames SEND_NAME_TERM, MONITOR_NAME and NAMED.
    pub const NAMES: Self = Self(0b10_0000);
    /// Frames that carry terms can carry terms of the second kind ([`Terms::Second`](crate::stf::Terms::Second)).
    pub const TERMS_2: Self = Self(1 << 6);

    /// Creates a set from its bits. Every value is a set. Bits without a name are kept, but a node must not announce
    /// them.
    #[must_use]
    //= spec/handshake.md#hs-tlv-003
    //# A reader MUST accept capabilities with bits that have no name.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Returns the set as bits.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// Returns the union of this set and `other`.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the intersection of this set and `other`.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns `true` if this set contains every capability of `other`.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// All capabilities that have a name, with their names in the specification.
    pub const NAMED: [(Self, &'static str); 7] = [
        (Self::NODE_TABLE, "node_table"),
        (Self::FRAGMENTS, "fragments"),
        (Self::REMOTE_EXIT, "remote_exit"),
        (Self::SEND_TERM, "send_term"),
        (Self::CALLS, "calls"),
        (Self::NAMES, "names"),
        (Self::TERMS_2, "terms_2"),
    ];

    /// Returns an iterator over the names of the capabilities in this set. Bits without a name are left out.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMED.into_iter().filter(move |(one, _)| self.contains(*one)).map(|(_, name)| name)
    }
}

impl<'a> Versions<'a> {
    /// Returns an iterator over the versions, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = u16> + use<'a> {
        let (pairs, _) = self.bytes.as_chunks::<2>();
        pairs.iter().map(|pair| u16::from_le_bytes(*pair))
    }
}

impl fmt::Debug for Versions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

const VERSIONS_ALLOWED: &str = "1 to 16 versions of two bytes each, ascending, from 2 on";

impl<'a> Tlv<'a> {
    #[inline(always)]
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let at = reader.at();
        let kind = reader.u16("type")?;
        let length = reader.u16("length")?;
        let value = reader.promised("value", length.into(), size_of::<u16>())?;
        Self::of(kind, value).map_err(|error| match error {
            ErrorKind::Mandatory(_) => DecodeError::new(error, "type", at),
            _ => DecodeError::new(error, "value", at + TLV_HEAD_BYTES),
        })
    }

    #[inline(always)]
    //= spec/handshake.md#hs-tlv-001
    //# A reader MUST refuse a block with a known type whose length is not that of the table.
    //= spec/handshake.md#hs-tlv-002
    //# A reader MUST refuse a block with a known type whose value the table does not allow.
    fn of(kind: u16, value: &'a [u8]) -> Result<Self, ErrorKind> {
        Ok(match kind {
            kind::VERSIONS => Self::Versions(versions(value)?),
            kind::CAPABILITIES => Self::Capabilities(Capabilities(u64(value)?)),
            kind::INCARNATION => Self::Incarnation(
                NonZeroU64::new(u64(value)?).ok_or(ErrorKind::Invalid("an incarnation is not 0"))?,
            ),
            kind::FRAME_BYTES_MAX => Self::FrameBytesMax(u32(value)?),
            kind::REASSEMBLY_BYTES_MAX => Self::ReassemblyBytesMax(u64(value)?),
            kind::FRAGMENTED_MESSAGES_MAX => Self::FragmentedMessagesMax(u32(value)?),
            kind::NODE_TABLE_ENTRIES_MAX => Self::NodeTableEntriesMax(u32(value)?),
            kind::LINKS_AND_MONITORS_MAX => Self::LinksAndMonitorsMax(u32(value)?),
            //= spec/handshake.md#hs-ext-007
            //# A reader MUST refuse a block with a TLV of an unknown type from 8000 on.
            MANDATORY_FROM.. => return Err(ErrorKind::Mandatory(kind)),
            //= spec/handshake.md#hs-ext-006
            //# A reader MUST ignore a TLV of an unknown type below 8000.
            _ => Self::Unknown { kind, value },
        })
    }

    /// Returns the size of the extension in bytes, including its type and its length field.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        TLV_HEAD_BYTES
            + match self {
                Self::Versions(versions) => versions.bytes.len(),
                Self::Capabilities(_) | Self::Incarnation(_) | Self::ReassemblyBytesMax(_) => {
                    size_of::<u64>()
                }
                Self::FrameBytesMax(_)
                | Self::FragmentedMessagesMax(_)
                | Self::NodeTableEntriesMax(_)
                | Self::LinksAndMonitorsMax(_) => size_of::<u32>(),
                Self::Unknown { value, .. } => value.len(),
            }
    }

    /// Returns the type of the extension, as a number.
    #[must_use]
    pub const fn kind(&self) -> u16 {
        match self {
            Self::Versions(_) => kind::VERSIONS,
            Self::Capabilities(_) => kind::CAPABILITIES,
            Self::Incarnation(_) => kind::INCARNATION,
            Self::FrameBytesMax(_) => kind::FRAME_BYTES_MAX,
            Self::ReassemblyBytesMax(_) => kind::REASSEMBLY_BYTES_MAX,
            Self::FragmentedMessagesMax(_) => kind::FRAGMENTED_MESSAGES_MAX,
            Self::NodeTableEntriesMax(_) => kind::NODE_TABLE_ENTRIES_MAX,
            Self::LinksAndMonitorsMax(_) => kind::LINKS_AND_MONITORS_MAX,
            Self::Unknown { kind, .. } => *kind,
        }
    }
}

/// The size of the type and the length of an extension.
const TLV_HEAD_BYTES: usize = size_of::<[u16; 2]>();

fn versions(value: &[u8]) -> Result<Versions<'_>, ErrorKind> {
    let (pairs, tail) = value.as_chunks::<2>();
    let versions = Versions { bytes: value };
    let ascending = versions.iter().zip(versions.iter().skip(1)).all(|(one, next)| one < next);
    let from_two = versions.iter().next().is_some_and(|first| first >= 2);
    if tail.is_empty() && pairs.len() <= VERSIONS_MAX && from_two && ascending {
        Ok(versions)
    } else {
        Err(ErrorKind::Invalid(VERSIONS_ALLOWED))
    }
}

fn u32(value: &[u8]) -> Result<u32, ErrorKind> {
    value.try_into().map(u32::from_le_bytes).map_err(|_| ErrorKind::Invalid("this extension has 4 bytes"))
}

fn u64(value: &[u8]) -> Result<u64, ErrorKind> {
    value.try_into().map(u64::from_le_bytes).map_err(|_| ErrorKind::Invalid("this extension has 8 bytes"))
}

impl<'a> Extension<'a> {
    /// Returns the block in its wire form, including magic and count.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.block
    }

    /// Returns an iterator over the extensions, in ascending order of type.
    #[must_use]
    pub fn iter(&self) -> Tlvs<'a> {
        let (_, tlvs) = self.block.split_at_checked(HEAD_BYTES).unwrap_or_default();
        Tlvs { bytes: tlvs }
    }

    /// Returns the offered versions, or `None` if the block does not contain them.
    #[must_use]
    pub fn versions(&self) -> Option<Versions<'a>> {
        self.find(|tlv| if let Tlv::Versions(versions) = tlv { Some(versions) } else { None })
    }

    /// Returns the capabilities. The set is empty if the block does not contain them.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.find(|tlv| if let Tlv::Capabilities(set) = tlv { Some(set) } else { None }).unwrap_or_default()
    }

    /// Returns the incarnation, or `None` if the block does not contain it.
    #[must_use]
    pub fn incarnation(&self) -> Option<NonZeroU64> {
        self.find(|tlv| if let Tlv::Incarnation(number) = tlv { Some(number) } else { None })
    }

    fn find<T>(&self, wanted: impl FnMut(Tlv<'a>) -> Option<T>) -> Option<T> {
        self.iter().find_map(wanted)
    }

    /// Reads a block, if there is one at the cursor.
    ///
    /// If the payload ends in the first bytes of the magic, that is an incomplete block and an error. Other bytes
    /// that do not begin with the magic are left, as surplus.
    pub(crate) fn read(reader: &mut Reader<'a>, field: &'static str) -> Result<Option<Self>, DecodeError> {
        let bytes = reader.remaining();
        //= spec/handshake.md#hs-ext-001
        //# A reader MUST take the bytes at the place of `extension` for an extension block if they begin with
        //# the magic.
        //= spec/handshake.md#hs-ext-002
        //# A reader MUST refuse a message that ends in the first one to seven bytes of the magic at the place
        //# of `extension`.
        if bytes.is_empty() || !(bytes.starts_with(&MAGIC) || MAGIC.starts_with(bytes)) {
            return Ok(None);
        }
        let start = reader.at();
        reader.take(field, MAGIC.len())?;
        let count = reader.u16("extension.count")?;
        //= spec/handshake.md#hs-ext-003
        //# A reader MUST refuse a block whose count is above 2 038.
        if HEAD_BYTES + usize::from(count) > EXTENSION_BYTES_MAX {
            let actual = HEAD_BYTES as u64 + u64::from(count);
            let kind = ErrorKind::TooLong { max: EXTENSION_BYTES_MAX as u64, actual };
            return Err(DecodeError::new(kind, "extension.count", reader.at() - size_of::<u16>()));
        }
        let tlvs = reader.promised("extension.count", count.into(), size_of::<u16>())?;
        //= spec/handshake.md#hs-ext-010
        //# A reader MUST NOT give a message of version 1 for a message whose extension block or proof it
        //# refuses.
        prove(tlvs, field).map_err(|error| error.moved(start + HEAD_BYTES))?;
        let (block, _) = bytes.split_at_checked(HEAD_BYTES + tlvs.len()).unwrap_or_default();
        Ok(Some(Self { block }))
    }
}

fn prove(tlvs: &[u8], field: &'static str) -> Result<(), DecodeError> {
    let mut reader = Reader::new(tlvs, Reading::Strict);
    let mut last = None;
    let mut index = 0;
    //= spec/handshake.md#hs-ext-004
    //# A reader MUST refuse a block whose TLVs do not end exactly where its count says.
    while !reader.remaining().is_empty() {
        let at = reader.at();
        let tlv = Tlv::read(&mut reader).map_err(|error| error.inside(field, index))?;
        //= spec/handshake.md#hs-ext-005
        //# A reader MUST refuse a block whose types do not ascend strictly.
        if last >= Some(tlv.kind()) {
            return Err(DecodeError::new(ErrorKind::Unordered, "type", at).inside(field, index));
        }
        last = Some(tlv.kind());
        index += 1;
    }
    Ok(())
}

impl fmt::Debug for Extension<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// An iterator over the extensions of a block.
#[derive(Clone, Debug)]
pub struct Tlvs<'a> {
    bytes: &'a [u8],
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Tlv<'a>;

    fn next(&mut self) -> Option<Tlv<'a>> {
        let mut reader = Reader::new(self.bytes, Reading::Strict);
        // The bytes are validated, so this fails only at their end.
        let tlv = Tlv::read(&mut reader).ok()?;
        self.bytes = reader.remaining();
        Some(tlv)
    }
}

/// An extension block to be sent. Append the extensions in ascending order of type.
///
/// Each method that appends returns [`EncodeError`] if the type is not above that of the previous extension, or if the
/// block would be larger than [`EXTENSION_BYTES_MAX`] bytes. After any error, the block is unchanged.
///
/// ```
/// use snow_dist_codec::handshake::{Capabilities, ExtensionBuf};
///
/// let mut block = ExtensionBuf::default();
/// block.push_versions(&[2]).unwrap();
/// block.push_capabilities(Capabilities::FRAGMENTS).unwrap();
/// assert!(block.push_versions(&[2]).is_err());
/// assert!(block.as_extension().capabilities().contains(Capabilities::FRAGMENTS));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ExtensionBuf {
    block: Vec<u8>,
    last: Option<u16>,
}

impl Default for ExtensionBuf {
    /// Creates an empty block.
    fn default() -> Self {
        Self { block: [&MAGIC[..], &0_u16.to_le_bytes()].concat(), last: None }
    }
}

impl ExtensionBuf {
    /// Returns a view of the block, for the field of a message.
    #[must_use]
    pub fn as_extension(&self) -> Extension<'_> {
        Extension { block: &self.block }
    }

    /// Appends the versions that this node speaks, type `0001`.
    ///
    /// # Errors
    /// Returns the errors of [`ExtensionBuf`], and [`EncodeError`] if there are no versions or more than
    /// [`VERSIONS_MAX`], if one is below 2, or if they are not strictly ascending.
    pub fn push_versions(&mut self, versions: &[u16]) -> Result<(), EncodeError> {
        let value: Vec<u8> = versions.iter().flat_map(|version| version.to_le_bytes()).collect();
        self.push(kind::VERSIONS, &value)
    }

    /// Appends the capabilities of this node, type `0002`.
    ///
    /// # Errors
    /// Returns the errors of [`ExtensionBuf`].
    pub fn push_capabilities(&mut self, set: Capabilities) -> Result<(), EncodeError> {
        self.push(kind::CAPABILITIES, &set.0.to_le_bytes())
    }

    /// Appends the incarnation of this node, type `0003`.
    ///
    /// Draw the number from a cryptographic random source when the node starts, and use the same number in all
    /// handshakes until it stops. The `creation` of the message must be 1 + (`number` mod 255).
    ///
    /// # Errors
    /// Returns the errors of [`ExtensionBuf`].
    pub fn push_incarnation(&mut self, number: NonZeroU64) -> Result<(), EncodeError> {
        self.push(kind::INCARNATION, &number.get().to_le_bytes())
    }

    /// Appends the maximum size in bytes of a frame's payload that this node reads, type `0004`. If it is below 65 536,
    /// the other node ends the handshake.
    ///
    /// # Errors
    /// Returns the errors of [`ExtensionBuf`].
    pub fn push_frame_bytes_max(&mut self, bytes: u32) -> Result<(), EncodeError> {
        self.push(kind::FRAME_BYTES_MAX, &bytes.to_le_bytes())
    }

    /// Appends the maximum number of bytes of fragmented frames that this node holds at once, type `0005`.
    ///
    /// # Errors
    /// Returns the errors of [`ExtensionBuf`].
    pub fn push_reassembly_bytes_max(&mut self, bytes: u64) -> Result<(), EncodeError> {
        self.push(kind::REASSEMBLY_BYTES_MAX, &bytes.to_le_bytes())
    }

    /// Appends the maximum number of fragmented frames that this node holds at once, type `0006`.
    ///
    /// # Errors
    /// Returns the errors of [`ExtensionBuf`].
    pub fn push_fragmented_messages_max(&mut self, count: u32) -> Result<(), EncodeError> {
        self.push(kind::FRAGMENTED_MESSAGES_MAX, &count.to_le_bytes())
    }

    /// Appends the maximum number of node table entries that this node holds for the session, type `0007`.
    ///
    /// # Errors
    /// Returns the errors of [`ExtensionBuf`].
    pub fn push_node_table_entries_max(&mut self, count: u32) -> Result<(), EncodeError> {
        self.push(kind::NODE_TABLE_ENTRIES_MAX, &count.to_le_bytes())
    }

    /// Appends the maximum number of links and monitors, made by the other node, that this node holds, type `0008`.
    ///
    /// # Errors
    /// Returns the errors of [`ExtensionBuf`].
    pub fn push_links_and_monitors_max(&mut self, count: u32) -> Result<(), EncodeError> {
        self.push(kind::LINKS_AND_MONITORS_MAX, &count.to_le_bytes())
    }

    /// Appends an extension with the type `kind` and the bytes `value`. A node must not send an extension of an unknown
    /// type.
    ///
    /// # Errors
    /// Returns the errors of [`ExtensionBuf`], and [`EncodeError`] if the type is known and does not allow the value,
    /// or if the type is unknown and `8000` (hexadecimal) or above.
    pub fn push(&mut self, kind: u16, value: &[u8]) -> Result<(), EncodeError> {
        let invalid = |allowed| EncodeError::new(EncodeErrorKind::Invalid(allowed), "extension");
        if self.last >= Some(kind) {
            return Err(invalid("types must ascend, and none may stand twice"));
        }
        Tlv::of(kind, value).map_err(|error| match error {
            ErrorKind::Invalid(allowed) => invalid(allowed),
            _ => invalid("an unknown type from 8000 on would be refused"),
        })?;
        let bytes = self.block.len() + TLV_HEAD_BYTES + value.len();
        let (Ok(length), true) = (u16::try_from(value.len()), bytes <= EXTENSION_BYTES_MAX) else {
            return Err(EncodeError::too_long("extension", EXTENSION_BYTES_MAX as u64, bytes));
        };
        for part in [&kind.to_le_bytes()[..], &length.to_le_bytes(), value] {
            self.block.extend_from_slice(part);
        }
        self.last = Some(kind);
        self.set_count();
        Ok(())
    }

    fn set_count(&mut self) {
        let (_, tlvs) = self.block.split_at_mut_checked(HEAD_BYTES).unwrap_or_default();
        let count = u16::try_from(tlvs.len()).unwrap_or(u16::MAX);
        if let Some(place) = self.block.get_mut(MAGIC.len()..HEAD_BYTES) {
            place.copy_from_slice(&count.to_le_bytes());
        }
    }
}

impl fmt::Debug for ExtensionBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_extension(), f)
    }
}
