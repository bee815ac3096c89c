//! Messages made of a fuzzer's bytes: whatever an encoder takes, and nothing that it refuses.
//!
//! Random bytes as a [`Source`] of fields: every message that has a [`Layout`](crate::layout::Layout) can be
//! made of them, without a line for each. What a message borrows and the bytes do not hold lies in an arena.
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

/// A frame: of any tag, known or not, or empty.
///
/// # Errors
/// The bytes do not suffice.
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

/// A message of the handshake.
///
/// # Errors
/// The bytes do not suffice.
pub fn handshake<'a>(bytes: &mut Unstructured<'a>, arena: &'a Bump) -> Result<Handshake<'a>> {
    let &(tag, _) = bytes.choose(Handshake::TAGS)?;
    Random { bytes, arena }.message(|source| Handshake::read_fields(tag, source))
}

/// A mailbox signal.
///
/// # Errors
/// The bytes do not suffice.
pub fn signal<'a>(bytes: &mut Unstructured<'a>, arena: &'a Bump) -> Result<Signal<'a>> {
    let &(tag, _) = bytes.choose(Signal::TAGS)?;
    Random { bytes, arena }.message(|source| Signal::read_fields(tag, source))
}

/// An exit reason.
///
/// # Errors
/// The bytes do not suffice.
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

/// Fields of random bytes. Where a message allows only some values of a field, this gives only those.
struct Random<'a, 'u> {
    bytes: &'u mut Unstructured<'a>,
    arena: &'a Bump,
}

impl<'a> Random<'a, '_> {
    fn message<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<Result<T>>) -> Result<T> {
        read(self).unwrap_or(Err(Error::IncorrectFormat))
    }

    /// Whether a list has one more element. Bytes that have run out answer everything in the same way: they would
    /// make a list without end.
    fn more(&mut self) -> Result<bool> {
        Ok(!self.bytes.is_empty() && self.bytes.ratio(3, 4)?)
    }

    /// Writes a field and reads it back from the arena, which frees bytes but nothing that owns any.
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

    /// Text of at most `bytes_max` bytes: what is over is cut off at a character.
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
            // A block that is full takes no more: that is as good as any.
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

    /// A name that may not stand beside a block: these bytes make no message.
    fn invalid(&self, _: &'static str, _: usize, _: &'static str) -> Error {
        Error::IncorrectFormat
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
