//! Messages made from a fuzzer's bytes: any message that can be encoded, and no other.
//!
//! Use this in fuzz targets that need valid messages rather than random bytes. [`frame`], [`handshake`], [`signal`]
//! and [`reason`] each make one value. The random bytes are a [`Source`] of fields, so every message that has a
//! [`Layout`](crate::layout::Layout) can be made of them without code of its own. A message can borrow the fuzzer's
//! bytes. Whatever else it borrows is allocated in an arena of the caller.
//!
//! ```
//! use arbitrary::Unstructured;
//! use snow_dist_codec::arbitrary::{Bump, frame};
//!
//! let arena = Bump::new();
//! let made = frame(&mut Unstructured::new(b"any bytes at all"), &arena).unwrap();
//! assert!(made.encoded_len().is_ok());
//! ```

pub use bumpalo::Bump;

use ::arbitrary::{Arbitrary, Error, Result, Unstructured};
use alloc::vec::Vec;
use core::convert::Infallible;
use core::num::NonZeroU64;

use crate::frame::Unknown;
use crate::handshake::Capabilities;
use crate::layout::{self, Reader, Sink, Source, Writer};
use crate::limits::{NODE_NAME_BYTES_MAX, STR16_BYTES_MAX};
use crate::{
    DecodeError, Entries, EntriesBuf, Entry, Extension, ExtensionBuf, Frame, Handshake, Names, NamesBuf, Pid,
    Reading, Reason, ReasonBuf, Root, Signal, Text, UnknownRoot,
};

/// Makes a frame with any tag, known or unknown, or an empty frame.
///
/// # Errors
/// Returns an error if the bytes do not suffice, or if no valid value can be made of them.
pub fn frame<'a>(bytes: &mut Unstructured<'a>, arena: &'a Bump) -> Result<Frame<'a>> {
    let choice = bytes.choose_index(Frame::TAGS.len() + 2)?;
    match Frame::TAGS.get(choice) {
        Some(&(tag, _)) => Random { bytes, arena }.message(|source| Frame::read_fields(tag, source)),
        None if choice == Frame::TAGS.len() => Ok(Frame::Empty),
        None => {
            let tag = bytes.arbitrary()?;
            Unknown::new(tag, bytes.arbitrary()?).map(Frame::Unknown).ok_or(Error::IncorrectFormat)
        }
    }
}

/// Makes a handshake message.
///
/// # Errors
/// Returns an error if the bytes do not suffice, or if no valid value can be made of them.
pub fn handshake<'a>(bytes: &mut Unstructured<'a>, arena: &'a Bump) -> Result<Handshake<'a>> {
    let &(tag, _) = bytes.choose(Handshake::TAGS)?;
    Random { bytes, arena }.message(|source| Handshake::read_fields(tag, source))
}

/// Makes a mailbox signal.
///
/// # Errors
/// Returns an error if the bytes do not suffice, or if no valid value can be made of them.
pub fn signal<'a>(bytes: &mut Unstructured<'a>, arena: &'a Bump) -> Result<Signal<'a>> {
    let &(tag, _) = bytes.choose(Signal::TAGS)?;
    Random { bytes, arena }.message(|source| Signal::read_fields(tag, source))
}

/// Makes an exit reason.
///
/// # Errors
/// Returns an error if the bytes do not suffice, or if no valid value can be made of them.
pub fn reason<'a>(bytes: &mut Unstructured<'a>, arena: &'a Bump) -> Result<Reason<'a>> {
    Random { bytes, arena }.reason("reason")
}

impl Arbitrary<'_> for Pid {
    fn arbitrary(bytes: &mut Unstructured<'_>) -> Result<Self> {
        bytes.arbitrary().map(Self::from_bits)
    }

    fn size_hint(_: usize) -> (usize, Option<usize>) {
        (Self::LEN, Some(Self::LEN))
    }
}

impl<'a> Arbitrary<'a> for Text<'a> {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        bytes.arbitrary().map(|text: &'a str| Self::from(text))
    }
}

impl<'a> Arbitrary<'a> for Root<'a> {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match bytes.int_in_range(0..=6)? {
            0 => Self::Normal,
            1 => Self::Error(bytes.arbitrary()?),
            2 => Self::Killed,
            3 => Self::Shutdown,
            4 => Self::Custom(bytes.arbitrary()?),
            5 => Self::Noconnection,
            _ => Self::Unknown(UnknownRoot::new(bytes.arbitrary()?).ok_or(Error::IncorrectFormat)?),
        })
    }
}

impl Arbitrary<'_> for ReasonBuf {
    fn arbitrary(bytes: &mut Unstructured<'_>) -> Result<Self> {
        let hops: Vec<Pid> = bytes.arbitrary()?;
        Ok(Self::new(hops.into_iter(), &bytes.arbitrary()?))
    }
}

/// A source of random fields. If a message allows only some values of a field, it returns only those.
struct Random<'a, 'u> {
    bytes: &'u mut Unstructured<'a>,
    arena: &'a Bump,
}

impl<'a> Random<'a, '_> {
    fn message<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<Result<T>>) -> Result<T> {
        read(self).unwrap_or(Err(Error::IncorrectFormat))
    }

    /// Returns `true` if a list has one more element. Exhausted bytes always give the same answer: without the first
    /// check a list would never end.
    fn more(&mut self) -> Result<bool> {
        Ok(!self.bytes.is_empty() && self.bytes.ratio(3, 4)?)
    }

    /// Writes a field and reads it back from the arena, which frees bytes but runs no destructors.
    fn keep<T>(
        &self,
        write: impl FnOnce(&mut Writer<'_, Vec<u8>>) -> core::result::Result<(), Infallible>,
        read: impl FnOnce(&mut Reader<'a>) -> core::result::Result<T, DecodeError>,
    ) -> Result<T> {
        let mut bytes = Vec::new();
        layout::append(&mut bytes, write);
        let kept: &'a [u8] = self.arena.alloc_slice_copy(&bytes);
        read(&mut Reader::new(kept, Reading::Compatible)).map_err(|_| Error::IncorrectFormat)
    }

    /// Returns a text of at most `bytes_max` bytes, cut at a character boundary if it was longer.
    fn text_up_to(&mut self, bytes_max: usize) -> Result<Text<'a>> {
        let text: &'a str = self.bytes.arbitrary()?;
        let end = text.floor_char_boundary(bytes_max);
        Ok(Text::from(text.get(..end).unwrap_or_default()))
    }

    fn extension_buf(&mut self) -> Result<ExtensionBuf> {
        let mut block = ExtensionBuf::default();
        let bytes = &mut *self.bytes;
        for kind in 1_u16..=9 {
            if !bytes.arbitrary()? {
                continue;
            }
            // A full block takes no more extensions, and is a valid block as well.
            let _full = match kind {
                1 => block.push_versions(&[2, 3 + bytes.arbitrary::<u16>()? / 2]),
                2 => block.push_capabilities(Capabilities::from_bits(bytes.arbitrary()?)),
                3 => block.push_incarnation(bytes.arbitrary::<NonZeroU64>()?),
                4 => block.push_frame_bytes_max(bytes.arbitrary()?),
                5 => block.push_reassembly_bytes_max(bytes.arbitrary()?),
                6 => block.push_fragmented_messages_max(bytes.arbitrary()?),
                7 => block.push_node_table_entries_max(bytes.arbitrary()?),
                8 => block.push_links_and_monitors_max(bytes.arbitrary()?),
                _ => block.push(bytes.int_in_range(9..=0x7FFF)?, bytes.arbitrary()?),
            };
        }
        Ok(block)
    }
}

impl<'a> Source<'a> for Random<'a, '_> {
    type Error = Error;

    fn u8(&mut self, field: &'static str) -> Result<u8> {
        let value: u8 = self.bytes.arbitrary()?;
        Ok(if field == "flags" { value & 3 } else { value })
    }

    fn u16(&mut self, _: &'static str) -> Result<u16> {
        self.bytes.arbitrary()
    }

    fn u32(&mut self, _: &'static str) -> Result<u32> {
        self.bytes.arbitrary()
    }

    fn u64(&mut self, _: &'static str) -> Result<u64> {
        self.bytes.arbitrary()
    }

    fn pid(&mut self, _: &'static str) -> Result<Pid> {
        self.bytes.arbitrary()
    }

    fn array<const N: usize>(&mut self, _: &'static str) -> Result<&'a [u8; N]> {
        self.bytes.bytes(N)?.try_into().map_err(|_| Error::NotEnoughData)
    }

    fn str16(&mut self, field: &'static str) -> Result<Text<'a>> {
        self.text_up_to(if field == "text" { NODE_NAME_BYTES_MAX } else { STR16_BYTES_MAX })
    }

    fn str32(&mut self, field: &'static str) -> Result<Text<'a>> {
        self.text(field)
    }

    fn rest(&mut self, _: &'static str) -> Result<&'a [u8]> {
        self.bytes.arbitrary()
    }

    fn text(&mut self, _: &'static str) -> Result<Text<'a>> {
        self.bytes.arbitrary()
    }

    fn reason(&mut self, _: &'static str) -> Result<Reason<'a>> {
        let made: ReasonBuf = self.bytes.arbitrary()?;
        self.keep(|writer| writer.reason("", &made.as_reason()), |reader| reader.reason(""))
    }

    fn names(&mut self, _: &'static str) -> Result<Names<'a>> {
        let mut names = NamesBuf::default();
        while self.more()? && names.as_names().count() < u16::MAX {
            let name = self.str16("name")?;
            names.push(name).map_err(|_| Error::IncorrectFormat)?;
        }
        self.keep(|writer| writer.names("", &names.as_names()), |reader| reader.names(""))
    }

    fn entries(&mut self, _: &'static str) -> Result<Entries<'a>> {
        let mut entries = EntriesBuf::default();
        while self.more()? {
            let entry = Entry { name: self.str16("name")?, pid: self.pid("pid")?, node: self.str16("node")? };
            entries.push(&entry).map_err(|_| Error::IncorrectFormat)?;
        }
        self.keep(|writer| writer.entries("", &entries.as_entries()), |reader| reader.entries(""))
    }

    fn extension(&mut self, _: &'static str) -> Result<Option<Extension<'a>>> {
        if !self.bytes.arbitrary()? {
            return Ok(None);
        }
        let made = self.extension_buf()?;
        self.keep(|writer| writer.extension("", Some(&made.as_extension())), |reader| reader.extension(""))
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }

    fn at(&self) -> usize {
        0
    }

    /// The bytes make no message: a name that may not stand beside an extension block.
    fn invalid(&self, _: &'static str, _: usize, _: &'static str) -> Error {
        Error::IncorrectFormat
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::Tlv;
    use alloc::collections::BTreeSet;
    use alloc::vec;

    /// Bytes without a pattern, the same in every run.
    fn noise(seed: u64) -> Vec<u8> {
        let mut state = seed;
        let next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        };
        core::iter::repeat_with(next).take(400).collect()
    }

    /// Returns the results of `look` for many messages, each made from other bytes.
    fn of_noise<T>(look: impl for<'a> Fn(&mut Unstructured<'a>, &'a Bump) -> Result<T>) -> Vec<T> {
        (0..3_000).filter_map(|seed| look(&mut Unstructured::new(&noise(seed)), &Bump::new()).ok()).collect()
    }

    fn names_of<T>(tags: &[(T, &'static str)]) -> BTreeSet<&'static str> {
        tags.iter().map(|&(_, name)| name).collect()
    }

    #[test]
    fn frames_of_every_tag_are_made() {
        let made = of_noise(|bytes, arena| {
            let frame = frame(bytes, arena)?;
            let mut written = Vec::new();
            frame.encode(&mut written).unwrap();
            assert_eq!(Frame::decode(&written, Reading::Compatible), Ok(frame));
            Ok((frame.name(), written.len()))
        });
        let expected = &names_of(Frame::TAGS) | &BTreeSet::from(["UNKNOWN", "EMPTY"]);
        assert_eq!(made.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), expected);
        for (list, bytes_min) in [("PEER_LIST", 3), ("GLOBAL_SYNC", 5), ("EXIT", 18)] {
            let longer = made.iter().any(|&(name, length)| name == list && length > bytes_min + 9);
            assert!(longer, "{list} is more than its fixed fields");
        }
    }

    #[test]
    fn handshakes_of_every_tag_are_made_with_blocks_and_without() {
        let made = of_noise(|bytes, arena| {
            let message = handshake(bytes, arena)?;
            let mut written = Vec::new();
            message.encode(&mut written).unwrap();
            assert_eq!(Handshake::decode(&written, Reading::Strict), Ok(message));
            let has_block = written.windows(8).any(|window| window == crate::handshake::MAGIC);
            Ok((message.name(), has_block))
        });
        let with = |block| made.iter().filter(|(_, has)| *has == block).map(|(name, _)| *name).collect();
        let (with, without): (BTreeSet<_>, BTreeSet<_>) = (with(true), with(false));
        assert_eq!(without, names_of(Handshake::TAGS));
        assert_eq!(with, &without - &BTreeSet::from(["REJECT"]));
    }

    #[test]
    fn signals_of_every_tag_are_made() {
        let made = of_noise(|bytes, arena| {
            let signal = signal(bytes, arena)?;
            let mut written = Vec::new();
            signal.encode(&mut written).unwrap();
            assert_eq!(Signal::decode(&written, Reading::Compatible), Ok((signal, &[][..])));
            Ok(signal.name())
        });
        assert_eq!(made.into_iter().collect::<BTreeSet<_>>(), names_of(Signal::TAGS));
    }

    #[test]
    fn reasons_of_every_kind_are_made() {
        let made = of_noise(|bytes, arena| {
            reason(bytes, arena).map(|made| (made.root.kind(), made.hops().len() > 0))
        });
        let kinds = ["normal", "error", "killed", "shutdown", "custom", "noconnection", "unknown"];
        let found: BTreeSet<_> = made.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(found, BTreeSet::from(kinds));
        assert!(made.iter().any(|(_, linked)| *linked) && made.iter().any(|(_, linked)| !linked));
    }

    #[test]
    fn a_pid_takes_eight_bytes() {
        let mut bytes = Unstructured::new(&[1, 2, 0, 0, 0, 0, 0, 0x80, 9]);
        assert_eq!(Pid::arbitrary(&mut bytes), Ok(Pid::from_bits(0x8000_0000_0000_0201)));
        assert_eq!(bytes.len(), 1);
        assert_eq!(Pid::size_hint(0), (8, Some(8)));
    }

    #[test]
    fn where_bytes_end_lists_end() {
        let arena = Bump::new();
        let mut random = Random { bytes: &mut Unstructured::new(&[]), arena: &arena };
        assert_eq!(random.names("names").unwrap().count(), 0);
        assert_eq!(random.entries("entries").unwrap().count(), 0);
    }

    /// Returns the lengths of the texts that `make` makes of `character`, for length fields of every kind.
    fn lengths(character: &str, make: impl Fn(&mut Random<'_, '_>) -> usize) -> BTreeSet<usize> {
        let arena = Bump::new();
        (0..=0xFF_u8)
            .map(|length| {
                let bytes = [character.repeat(40_000).as_bytes(), &[length, length, length]].concat();
                make(&mut Random { bytes: &mut Unstructured::new(&bytes), arena: &arena })
            })
            .collect()
    }

    #[test]
    fn text_is_cut_at_a_character_where_a_message_limits_it() {
        let longest = |character, field| {
            *lengths(character, |random| random.str16(field).unwrap().len()).last().unwrap()
        };
        assert_eq!((longest("x", "text"), longest("é", "text")), (255, 254));
        assert!((256..=40_000).contains(&longest("x", "name")));
        assert_eq!(longest("é", "name"), 65_534);
        let longest = lengths("é", |random| random.str32("text").unwrap().len());
        assert!(longest.last().unwrap() > &65_535);
    }

    #[test]
    fn flags_are_those_that_have_a_meaning() {
        let arena = Bump::new();
        let bytes = [0xFF, 0xFE];
        let mut random = Random { bytes: &mut Unstructured::new(&bytes), arena: &arena };
        assert_eq!((random.u8("flags"), random.u8("status")), (Ok(3), Ok(0xFE)));
    }

    #[test]
    fn fields_are_those_of_the_bytes() {
        let arena = Bump::new();
        let bytes: Vec<u8> = (1..=40).collect();
        let mut random = Random { bytes: &mut Unstructured::new(&bytes), arena: &arena };
        assert_eq!(random.u16(""), Ok(0x0201));
        assert_eq!(random.u32(""), Ok(0x0605_0403));
        assert_eq!(random.u64(""), Ok(0x0E0D_0C0B_0A09_0807));
        assert_eq!(random.pid(""), Ok(Pid::from_bits(0x1615_1413_1211_100F)));
        assert_eq!(random.array(""), Ok(&[0x17, 0x18]));
        assert_eq!(random.at(), 0, "these have no place");
        // The last byte, 40, says the length: what it leaves of 16.
        assert_eq!(random.rest(""), Ok(&bytes[24..32]));
    }

    #[test]
    fn a_block_holds_any_extension() {
        let arena = Bump::new();
        let bytes = vec![0xFF; 200];
        let mut random = Random { bytes: &mut Unstructured::new(&bytes), arena: &arena };
        let block = random.extension("extension").unwrap().unwrap();
        let tlvs: Vec<_> = block.iter().collect();
        assert_eq!(block.versions().unwrap().iter().collect::<Vec<_>>(), [2, 3 + u16::MAX / 2]);
        assert_eq!(
            tlvs[1..8],
            [
                Tlv::Capabilities(Capabilities::from_bits(u64::MAX)),
                Tlv::Incarnation(NonZeroU64::MAX),
                Tlv::FrameBytesMax(u32::MAX),
                Tlv::ReassemblyBytesMax(u64::MAX),
                Tlv::FragmentedMessagesMax(u32::MAX),
                Tlv::NodeTableEntriesMax(u32::MAX),
                Tlv::LinksAndMonitorsMax(u32::MAX),
            ]
        );
        assert!(matches!(tlvs[8..], [Tlv::Unknown { kind: 9..0x8000, .. }]), "{tlvs:?}");

        let mut random = Random { bytes: &mut Unstructured::new(&[1, 0]), arena: &arena };
        assert_eq!(random.extension("extension").unwrap().unwrap().iter().count(), 0);
    }

    #[test]
    fn few_bytes_make_small_messages() {
        for first in 0..=u8::MAX {
            for bytes in [&[first][..], &[first; 8], &[b'A', 10, 0, first, b's', b'h', b'o', b'r', b't']] {
                let arena = Bump::new();
                if let Ok(frame) = frame(&mut Unstructured::new(bytes), &arena) {
                    assert!(frame.encoded_len().unwrap() < 256, "{frame:?}");
                }
            }
        }
    }
}
