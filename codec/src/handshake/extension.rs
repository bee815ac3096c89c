//! The extension block: what version 2 adds to the messages of the handshake. Specification: `handshake.md`,
//! "Extension block".

use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU64;

use crate::layout::{Reader, Source};
use crate::limits::{EXTENSION_BYTES_MAX, VERSIONS_MAX};
use crate::{DecodeError, EncodeError, EncodeErrorKind, ErrorKind, Reading};

/// What every block begins with. A version 1 node cannot see it, and no text begins like it.
pub const MAGIC: [u8; 8] = *b"\xD1SNOW2\r\n";

/// Magic and count.
const HEAD_BYTES: usize = MAGIC.len() + size_of::<u16>();

/// Types from here on must not be ignored by who does not know them.
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

/// A block, proven whole: [`MAGIC`], `u16` count of the bytes that follow, then type, length and value of each
/// extension, in strictly ascending order of type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Extension<'a> {
    block: &'a [u8],
}

/// One extension of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tlv<'a> {
    /// Type `0001`: the versions of the protocol that the sender speaks.
    Versions(Versions<'a>),
    /// Type `0002`: what the sender can do beyond its version's musts.
    Capabilities(Capabilities),
    /// Type `0003`: the number of the sender's present start.
    Incarnation(NonZeroU64),
    /// Type `0004`: bytes of the largest frame the sender takes.
    FrameBytesMax(u32),
    /// Type `0005`: bytes of fragmented messages the sender holds at once.
    ReassemblyBytesMax(u64),
    /// Type `0006`: fragmented messages the sender holds at once.
    FragmentedMessagesMax(u32),
    /// Type `0007`: entries of a node table the sender holds for the session.
    NodeTableEntriesMax(u32),
    /// Type `0008`: links and monitors of the receiver's that the sender holds.
    LinksAndMonitorsMax(u32),
    /// A type below `8000` that has no meaning here, to be ignored.
    Unknown {
        /// The type.
        kind: u16,
        /// Its value.
        value: &'a [u8],
    },
}

/// The versions of the protocol that a node speaks: ascending, from 2 on.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Versions<'a> {
    bytes: &'a [u8],
}

/// What a node can do beyond the musts of version 2; a session uses what both can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Capabilities(u64);

impl Capabilities {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Pids of third nodes have a meaning: NODE_TABLE.
    pub const NODE_TABLE: Self = Self(0b0001);
    /// Long frames come in pieces: FRAGMENT.
    pub const FRAGMENTS: Self = Self(0b0010);
    /// Exit signals to processes that are not linked: EXIT2.
    pub const REMOTE_EXIT: Self = Self(0b0100);
    /// Messages that are known to be terms: SEND_TERM.
    pub const SEND_TERM: Self = Self(0b1000);
    /// Requests and their replies: CALL, CALL_NAME, CALL_REPLY.
    pub const CALLS: Self = Self(0b1_0000);
    /// Terms to names, and who has a name: SEND_NAME_TERM, MONITOR_NAME, NAMED.
    pub const NAMES: Self = Self(0b10_0000);
    /// Terms can be of the second kind ([`Terms::Second`](crate::stf::Terms::Second)), in frames that carry terms.
    pub const TERMS_2: Self = Self(1 << 6);

    /// Every bit set is a set of capabilities; bits without a meaning are kept.
    #[must_use]
    //= spec/handshake.md#hs-tlv-003
    //# In both readings a reader MUST accept capabilities with bits that have no name.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The set as bits.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// What is in this set, in `other`, or in both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Every capability that has a name, with that name: as the specification writes it.
    pub const NAMED: [(Self, &'static str); 7] = [
        (Self::NODE_TABLE, "node_table"),
        (Self::FRAGMENTS, "fragments"),
        (Self::REMOTE_EXIT, "remote_exit"),
        (Self::SEND_TERM, "send_term"),
        (Self::CALLS, "calls"),
        (Self::NAMES, "names"),
        (Self::TERMS_2, "terms_2"),
    ];

    /// Returns the names of those that are in the set. A bit without a name is left out.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMED.into_iter().filter(move |(one, _)| self.contains(*one)).map(|(_, name)| name)
    }
}

impl<'a> Versions<'a> {
    /// The versions, ascending.
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
    //# In both readings a reader MUST refuse a block with a known type whose length is not that of the table.
    //= spec/handshake.md#hs-tlv-002
    //# In both readings a reader MUST refuse a block with a known type whose value the table does not allow.
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
            //# In both readings a reader MUST refuse a block with a TLV whose type is 8000 or above and not
            //# in the table of extension types.
            MANDATORY_FROM.. => return Err(ErrorKind::Mandatory(kind)),
            //= spec/handshake.md#hs-ext-006
            //# In both readings a reader MUST ignore a TLV whose type is below 8000 and not in the table of
            //# extension types.
            _ => Self::Unknown { kind, value },
        })
    }

    /// Bytes of the extension in its block, type and length included.
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

    /// The extension's type.
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

/// Type and length of an extension.
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
    /// The block as it stands on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.block
    }

    /// The extensions, ascending by type.
    #[must_use]
    pub fn iter(&self) -> Tlvs<'a> {
        let (_, tlvs) = self.block.split_at_checked(HEAD_BYTES).unwrap_or_default();
        Tlvs { bytes: tlvs }
    }

    /// The versions offered, if any are.
    #[must_use]
    pub fn versions(&self) -> Option<Versions<'a>> {
        self.find(|tlv| if let Tlv::Versions(versions) = tlv { Some(versions) } else { None })
    }

    /// The capabilities; none if the block does not say.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.find(|tlv| if let Tlv::Capabilities(set) = tlv { Some(set) } else { None }).unwrap_or_default()
    }

    /// The incarnation, if the block says it.
    #[must_use]
    pub fn incarnation(&self) -> Option<NonZeroU64> {
        self.find(|tlv| if let Tlv::Incarnation(number) = tlv { Some(number) } else { None })
    }

    fn find<T>(&self, wanted: impl FnMut(Tlv<'a>) -> Option<T>) -> Option<T> {
        self.iter().find_map(wanted)
    }

    /// Reads a block, if one stands here. A beginning of the magic at the payload's end is a block cut short;
    /// anything else that is no block is left for surplus.
    pub(crate) fn read(reader: &mut Reader<'a>, field: &'static str) -> Result<Option<Self>, DecodeError> {
        let bytes = reader.remaining();
        //= spec/handshake.md#hs-ext-001
        //# A reader MUST take the bytes after the field before `extension` for an extension block if they
        //# begin with the eight bytes of the magic.
        //= spec/handshake.md#hs-ext-002
        //# In both readings a reader MUST refuse a message in which one to seven bytes stand at the place of
        //# the block and are the first bytes of the magic.
        if bytes.is_empty() || !(bytes.starts_with(&MAGIC) || MAGIC.starts_with(bytes)) {
            return Ok(None);
        }
        let start = reader.at();
        reader.take(field, MAGIC.len())?;
        let count = reader.u16("extension.count")?;
        //= spec/handshake.md#hs-ext-003
        //# In both readings a reader MUST refuse a block whose count is above 2 038.
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
    //# In both readings a reader MUST refuse a block whose TLVs do not end exactly where its count says.
    while !reader.remaining().is_empty() {
        let at = reader.at();
        let tlv = Tlv::read(&mut reader).map_err(|error| error.inside(field, index))?;
        //= spec/handshake.md#hs-ext-005
        //# In both readings a reader MUST refuse a block in which the type of a TLV is not greater than the
        //# type of the TLV before it.
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

/// The extensions of a block.
#[derive(Clone, Debug)]
pub struct Tlvs<'a> {
    bytes: &'a [u8],
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Tlv<'a>;

    fn next(&mut self) -> Option<Tlv<'a>> {
        let mut reader = Reader::new(self.bytes, Reading::Strict);
        // The bytes are proven: this fails only where they end.
        let tlv = Tlv::read(&mut reader).ok()?;
        self.bytes = reader.remaining();
        Some(tlv)
    }
}

/// A block in the making. Extensions are added in ascending order of type.
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
    /// A block that holds nothing.
    fn default() -> Self {
        Self { block: [&MAGIC[..], &0_u16.to_le_bytes()].concat(), last: None }
    }
}

impl ExtensionBuf {
    /// The block.
    #[must_use]
    pub fn as_extension(&self) -> Extension<'_> {
        Extension { block: &self.block }
    }

    /// Adds `0001`.
    ///
    /// # Errors
    /// The versions are not ascending from 2 on, or more than 16; or, as for all of these, the type is not above
    /// the last one, or the block would be over 2 048 bytes. The block is as before then.
    pub fn push_versions(&mut self, versions: &[u16]) -> Result<(), EncodeError> {
        let value: Vec<u8> = versions.iter().flat_map(|version| version.to_le_bytes()).collect();
        self.push(kind::VERSIONS, &value)
    }

    /// Adds `0002`.
    ///
    /// # Errors
    /// See [`ExtensionBuf::push_versions`].
    pub fn push_capabilities(&mut self, set: Capabilities) -> Result<(), EncodeError> {
        self.push(kind::CAPABILITIES, &set.0.to_le_bytes())
    }

    /// Adds `0003`.
    ///
    /// # Errors
    /// See [`ExtensionBuf::push_versions`].
    pub fn push_incarnation(&mut self, number: NonZeroU64) -> Result<(), EncodeError> {
        self.push(kind::INCARNATION, &number.get().to_le_bytes())
    }

    /// Adds `0004`.
    ///
    /// # Errors
    /// See [`ExtensionBuf::push_versions`].
    pub fn push_frame_bytes_max(&mut self, bytes: u32) -> Result<(), EncodeError> {
        self.push(kind::FRAME_BYTES_MAX, &bytes.to_le_bytes())
    }

    /// Adds `0005`.
    ///
    /// # Errors
    /// See [`ExtensionBuf::push_versions`].
    pub fn push_reassembly_bytes_max(&mut self, bytes: u64) -> Result<(), EncodeError> {
        self.push(kind::REASSEMBLY_BYTES_MAX, &bytes.to_le_bytes())
    }

    /// Adds `0006`.
    ///
    /// # Errors
    /// See [`ExtensionBuf::push_versions`].
    pub fn push_fragmented_messages_max(&mut self, count: u32) -> Result<(), EncodeError> {
        self.push(kind::FRAGMENTED_MESSAGES_MAX, &count.to_le_bytes())
    }

    /// Adds `0007`.
    ///
    /// # Errors
    /// See [`ExtensionBuf::push_versions`].
    pub fn push_node_table_entries_max(&mut self, count: u32) -> Result<(), EncodeError> {
        self.push(kind::NODE_TABLE_ENTRIES_MAX, &count.to_le_bytes())
    }

    /// Adds `0008`.
    ///
    /// # Errors
    /// See [`ExtensionBuf::push_versions`].
    pub fn push_links_and_monitors_max(&mut self, count: u32) -> Result<(), EncodeError> {
        self.push(kind::LINKS_AND_MONITORS_MAX, &count.to_le_bytes())
    }

    /// Adds any extension by its type and value.
    ///
    /// # Errors
    /// See [`ExtensionBuf::push_versions`]; or the type is known and its value is not allowed, or the type is
    /// unknown and from `8000` on.
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
