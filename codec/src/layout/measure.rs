//! Counting as a sink of fields: how many bytes a message takes, and whether the wire can carry it.

use super::{Sink, Tagged};
use crate::limits::STR16_BYTES_MAX;
use crate::{EncodeError, EncodeErrorKind, Entries, Extension, Names, Pid, Reason, Text};

/// Counts the bytes of the fields it is handed, and refuses what cannot be written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measure {
    bytes: usize,
}

impl Measure {
    /// Bytes counted so far.
    #[inline(always)]
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    #[inline(always)]
    fn add(&mut self, bytes: usize) -> Result<(), EncodeError> {
        // No sum of slices that are in memory comes near the end of `usize`.
        self.bytes = self.bytes.saturating_add(bytes);
        Ok(())
    }

    /// Text behind a length of `prefix` bytes, which can say `max`.
    #[inline(always)]
    fn add_text(
        &mut self,
        field: &'static str,
        prefix: usize,
        max: u64,
        value: Text<'_>,
    ) -> Result<(), EncodeError> {
        //= spec/dist.md#dist-fld-009
        //# A writer MUST NOT shorten a text or a list because its length or count does not fit the prefix.
        if value.len() as u64 > max {
            return Err(EncodeError::too_long(field, max, value.len()));
        }
        self.add(prefix + value.len())
    }
}

/// Bytes of a message, if the wire can carry it.
#[inline(always)]
pub(crate) fn measure(message: &impl Tagged) -> Result<usize, EncodeError> {
    let mut measure = Measure::default();
    message.write_tagged(&mut measure)?;
    Ok(measure.bytes)
}

impl Sink for Measure {
    type Error = EncodeError;

    #[inline(always)]
    fn u8(&mut self, _: &'static str, _: u8) -> Result<(), EncodeError> {
        self.add(1)
    }

    #[inline(always)]
    fn u16(&mut self, _: &'static str, _: u16) -> Result<(), EncodeError> {
        self.add(2)
    }

    #[inline(always)]
    fn u32(&mut self, _: &'static str, _: u32) -> Result<(), EncodeError> {
        self.add(4)
    }

    #[inline(always)]
    fn u64(&mut self, _: &'static str, _: u64) -> Result<(), EncodeError> {
        self.add(8)
    }

    #[inline(always)]
    fn pid(&mut self, _: &'static str, _: Pid) -> Result<(), EncodeError> {
        self.add(Pid::LEN)
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self, _: &'static str, _: &[u8; N]) -> Result<(), EncodeError> {
        self.add(N)
    }

    #[inline(always)]
    fn str16(&mut self, field: &'static str, value: Text<'_>) -> Result<(), EncodeError> {
        self.add_text(field, 2, STR16_BYTES_MAX as u64, value)
    }

    #[inline(always)]
    fn str32(&mut self, field: &'static str, value: Text<'_>) -> Result<(), EncodeError> {
        self.add_text(field, 4, u32::MAX.into(), value)
    }

    #[inline(always)]
    fn rest(&mut self, _: &'static str, value: &[u8]) -> Result<(), EncodeError> {
        self.add(value.len())
    }

    fn text(&mut self, field: &'static str, value: Text<'_>) -> Result<(), EncodeError> {
        self.rest(field, value.as_bytes())
    }

    #[inline(always)]
    fn reason(&mut self, _: &'static str, value: &Reason<'_>) -> Result<(), EncodeError> {
        self.add(value.encoded_len())
    }

    #[inline(always)]
    fn names(&mut self, _: &'static str, value: &Names<'_>) -> Result<(), EncodeError> {
        self.add(2 + value.as_bytes().len())
    }

    #[inline(always)]
    fn entries(&mut self, _: &'static str, value: &Entries<'_>) -> Result<(), EncodeError> {
        self.add(4 + value.as_bytes().len())
    }

    #[inline(always)]
    fn extension(&mut self, _: &'static str, value: Option<&Extension<'_>>) -> Result<(), EncodeError> {
        self.add(value.map_or(0, |extension| extension.as_bytes().len()))
    }

    #[cold]
    fn invalid(&mut self, field: &'static str, allowed: &'static str) -> Result<(), EncodeError> {
        //= spec/dist.md#dist-fld-006
        //# A writer MUST NOT write a payload that the Strict reading refuses.
        Err(EncodeError::new(EncodeErrorKind::Invalid(allowed), field))
    }
}
