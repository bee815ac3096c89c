//! Bytes as a source of fields: a cursor that only moves forward, by checked splits only.

use super::Source;
use crate::{DecodeError, Entries, ErrorKind, Extension, Names, Pid, Reading, Reason, Text};

/// A cursor over the bytes of one payload, and the [`Source`] of its fields.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// The size of the whole payload. The cursor is at `len - rest.len()`.
    len: usize,
    reading: Reading,
}

impl<'a> Reader<'a> {
    /// Creates a cursor at the first byte of `payload`.
    #[inline(always)]
    #[must_use]
    pub const fn new(payload: &'a [u8], reading: Reading) -> Self {
        Self { rest: payload, len: payload.len(), reading }
    }

    /// Returns the number of bytes that have been read.
    #[inline(always)]
    #[must_use]
    pub const fn at(&self) -> usize {
        self.len - self.rest.len()
    }

    /// Returns the bytes that have not been read.
    #[inline(always)]
    #[must_use]
    pub const fn remaining(&self) -> &'a [u8] {
        self.rest
    }

    /// Returns the reading that this cursor applies.
    #[inline(always)]
    #[must_use]
    pub const fn reading(&self) -> Reading {
        self.reading
    }

    /// Ends reading and returns the surplus: the bytes that have not been read.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Surplus`] if there is surplus and the reading is strict.
    #[inline(always)]
    pub fn finish(self) -> Result<&'a [u8], DecodeError> {
        //= spec/dist.md#dist-rdg-001
        //# In the Compatible reading a reader MUST ignore surplus and return the value of the fields before
        //# it.
        //= spec/dist.md#dist-rdg-002
        //# In the Strict reading a reader MUST refuse a payload that has surplus.
        if self.rest.is_empty() || matches!(self.reading, Reading::Compatible) {
            Ok(self.rest)
        } else {
            Err(surplus(self.at(), self.rest.len()))
        }
    }

    /// Takes the next byte, if there is one.
    #[inline(always)]
    pub(crate) fn tag(&mut self) -> Option<u8> {
        let (&tag, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(tag)
    }

    /// Takes all remaining bytes.
    #[inline(always)]
    pub(crate) fn take_rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// Takes the next `count` bytes.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Truncated`] if there are fewer.
    #[inline(always)]
    pub(crate) fn take(&mut self, field: &'static str, count: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(truncated(field, self.at(), count, self.rest.len())),
        }
    }

    /// Takes `length` bytes, where `length` was just read from a field of `prefix` bytes.
    #[inline(always)]
    pub(crate) fn promised(
        &mut self,
        field: &'static str,
        length: u64,
        prefix: usize,
    ) -> Result<&'a [u8], DecodeError> {
        let taken = usize::try_from(length).ok().and_then(|count| self.rest.split_at_checked(count));
        match taken {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            //= spec/dist.md#dist-fld-004
            //# A reader MUST refuse a length or a count that needs more bytes than the payload still has.
            None => Err(overrun(field, self.at() - prefix, length, self.rest.len())),
        }
    }

    /// Validates `bytes`, which were just read, as text.
    #[inline(always)]
    pub(crate) fn proven(&self, field: &'static str, bytes: &'a [u8]) -> Result<Text<'a>, DecodeError> {
        //= spec/dist.md#dist-fld-007
        //# A reader MUST refuse a str16, str32, str64 or text that is not well-formed UTF-8 (RFC 3629).
        Text::from_utf8(bytes).map_err(|valid| not_utf8(field, self.at() - bytes.len() + valid))
    }

    #[inline(always)]
    fn fixed<const N: usize>(&mut self, field: &'static str) -> Result<&'a [u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((chunk, rest)) => {
                self.rest = rest;
                Ok(chunk)
            }
            //= spec/dist.md#dist-fld-003
            //# A reader MUST refuse a payload that ends before or inside a field, unless that field is a
            //# `rest`, a `text` or an `extension`.
            None => Err(truncated(field, self.at(), N, self.rest.len())),
        }
    }
}

// Errors are made out of line, from numbers: a cursor whose address is passed on could not live in registers.

#[cold]
#[inline(never)]
fn truncated(field: &'static str, at: usize, needed: usize, found: usize) -> DecodeError {
    DecodeError::new(ErrorKind::Truncated { needed, found }, field, at)
}

/// Creates the error for a length or count that is too large. Its offset is that of the length or count.
#[cold]
#[inline(never)]
pub(crate) fn overrun(field: &'static str, at: usize, promised: u64, found: usize) -> DecodeError {
    DecodeError::new(ErrorKind::Overrun { promised, found }, field, at)
}

/// Creates the error for text that is not UTF-8. Its offset is that of the first wrong byte.
#[cold]
#[inline(never)]
fn not_utf8(field: &'static str, at: usize) -> DecodeError {
    DecodeError::new(ErrorKind::Utf8, field, at)
}

#[cold]
#[inline(never)]
fn surplus(at: usize, count: usize) -> DecodeError {
    DecodeError::new(ErrorKind::Surplus { count }, "trailing", at)
}

//= spec/dist.md#dist-fld-005
//# A reader MUST accept every value of a field's type that no requirement of this specification refuses.
impl<'a> Source<'a> for Reader<'a> {
    type Error = DecodeError;

    #[inline(always)]
    fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        Ok(u8::from_le_bytes(*self.fixed(field)?))
    }

    #[inline(always)]
    fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        Ok(u16::from_le_bytes(*self.fixed(field)?))
    }

    #[inline(always)]
    fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        Ok(u32::from_le_bytes(*self.fixed(field)?))
    }

    #[inline(always)]
    fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(*self.fixed(field)?))
    }

    #[inline(always)]
    fn pid(&mut self, field: &'static str) -> Result<Pid, DecodeError> {
        Ok(Pid::from_bits(self.u64(field)?))
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self, field: &'static str) -> Result<&'a [u8; N], DecodeError> {
        self.fixed(field)
    }

    #[inline(always)]
    fn str16(&mut self, field: &'static str) -> Result<Text<'a>, DecodeError> {
        let length = self.u16(field)?;
        let bytes = self.promised(field, length.into(), 2)?;
        self.proven(field, bytes)
    }

    #[inline(always)]
    fn str32(&mut self, field: &'static str) -> Result<Text<'a>, DecodeError> {
        let length = self.u32(field)?;
        let bytes = self.promised(field, length.into(), 4)?;
        self.proven(field, bytes)
    }

    #[inline(always)]
    fn rest(&mut self, _field: &'static str) -> Result<&'a [u8], DecodeError> {
        Ok(self.take_rest())
    }

    fn text(&mut self, field: &'static str) -> Result<Text<'a>, DecodeError> {
        let bytes = self.take_rest();
        self.proven(field, bytes)
    }

    #[inline(always)]
    fn reason(&mut self, _field: &'static str) -> Result<Reason<'a>, DecodeError> {
        Reason::read(self)
    }

    fn names(&mut self, field: &'static str) -> Result<Names<'a>, DecodeError> {
        Names::read(self, field)
    }

    fn entries(&mut self, field: &'static str) -> Result<Entries<'a>, DecodeError> {
        Entries::read(self, field)
    }

    fn extension(&mut self, field: &'static str) -> Result<Option<Extension<'a>>, DecodeError> {
        Extension::read(self, field)
    }

    fn end(&mut self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(surplus(self.at(), self.rest.len())) }
    }

    #[inline(always)]
    fn at(&self) -> usize {
        self.at()
    }

    #[cold]
    fn invalid(&self, field: &'static str, at: usize, allowed: &'static str) -> DecodeError {
        DecodeError::new(ErrorKind::Invalid(allowed), field, at)
    }
}
