//! A sink that counts: the encoded size of a message, and whether it can be encoded at all.

use core::convert::Infallible;
use core::hint::cold_path;

use super::{Sink, Tagged};
use crate::limits::STR16_BYTES_MAX;
use crate::{EncodeError, EncodeErrorKind, Entries, Extension, Names, Pid, Reason, Text};

/// A sink that counts the bytes of fields and remembers the first field that cannot be encoded.
///
/// It accepts every field; [`Measure::finish`] reports the error.
//
// Returning early after each field would compile to a branch per field. The compiler assumes that some of these
// branches are taken, treats the code behind them as rare, and does not inline it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measure {
    /// The size so far. The sum of slices in memory never comes near `u64::MAX`, even where `usize` is narrower.
    bytes: u64,
    refusal: Option<EncodeError>,
}

impl Measure {
    /// Returns the size of all fields so far, in bytes.
    ///
    /// # Errors
    /// Returns the error of the first field that cannot be encoded.
    #[inline(always)]
    pub fn finish(self) -> Result<usize, EncodeError> {
        if let Some(refusal) = self.refusal {
            cold_path();
            return Err(refusal);
        }
        Ok(usize::try_from(self.bytes).unwrap_or(usize::MAX))
    }

    #[inline(always)]
    fn add(&mut self, bytes: usize) -> Result<(), Infallible> {
        self.bytes += bytes as u64;
        Ok(())
    }

    #[cold]
    fn refuse(&mut self, refusal: EncodeError) -> Result<(), Infallible> {
        self.refusal.get_or_insert(refusal);
        Ok(())
    }

    /// Adds a text after a length of `prefix` bytes, which can express at most `max`.
    #[inline(always)]
    fn add_text(
        &mut self,
        field: &'static str,
        prefix: usize,
        max: u64,
        value: Text<'_>,
    ) -> Result<(), Infallible> {
        //= spec/dist.md#dist-fld-009
        //# A writer MUST NOT shorten a text or a list because its length or count does not fit the prefix.
        if value.len() as u64 > max {
            return self.refuse(EncodeError::too_long(field, max, value.len()));
        }
        self.add(prefix + value.len())
    }
}

/// Returns the encoded size of a message in bytes, if it can be encoded.
#[inline(always)]
pub(crate) fn measure(message: &impl Tagged) -> Result<usize, EncodeError> {
    let mut measure = Measure::default();
    let Ok(()) = message.write_tagged(&mut measure);
    measure.finish()
}

impl Sink for Measure {
    type Error = Infallible;

    #[inline(always)]
    fn u8(&mut self, _: &'static str, _: u8) -> Result<(), Infallible> {
        self.add(1)
    }

    #[inline(always)]
    fn u16(&mut self, _: &'static str, _: u16) -> Result<(), Infallible> {
        self.add(2)
    }

    #[inline(always)]
    fn u32(&mut self, _: &'static str, _: u32) -> Result<(), Infallible> {
        self.add(4)
    }

    #[inline(always)]
    fn u64(&mut self, _: &'static str, _: u64) -> Result<(), Infallible> {
        self.add(8)
    }

    #[inline(always)]
    fn pid(&mut self, _: &'static str, _: Pid) -> Result<(), Infallible> {
        self.add(Pid::LEN)
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self, _: &'static str, _: &[u8; N]) -> Result<(), Infallible> {
        self.add(N)
    }

    #[inline(always)]
    fn str16(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Infallible> {
        self.add_text(field, 2, STR16_BYTES_MAX as u64, value)
    }

    #[inline(always)]
    fn str32(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Infallible> {
        self.add_text(field, 4, u32::MAX.into(), value)
    }

    #[inline(always)]
    fn rest(&mut self, _: &'static str, value: &[u8]) -> Result<(), Infallible> {
        self.add(value.len())
    }

    fn text(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Infallible> {
        self.rest(field, value.as_bytes())
    }

    #[inline(always)]
    fn reason(&mut self, _: &'static str, value: &Reason<'_>) -> Result<(), Infallible> {
        self.add(value.encoded_len())
    }

    #[inline(always)]
    fn names(&mut self, _: &'static str, value: &Names<'_>) -> Result<(), Infallible> {
        self.add(2 + value.as_bytes().len())
    }

    #[inline(always)]
    fn entries(&mut self, _: &'static str, value: &Entries<'_>) -> Result<(), Infallible> {
        self.add(4 + value.as_bytes().len())
    }

    #[inline(always)]
    fn extension(&mut self, _: &'static str, value: Option<&Extension<'_>>) -> Result<(), Infallible> {
        self.add(value.map_or(0, |extension| extension.as_bytes().len()))
    }

    #[cold]
    fn invalid(&mut self, field: &'static str, allowed: &'static str) -> Result<(), Infallible> {
        //= spec/dist.md#dist-fld-006
        //# A writer MUST NOT write a payload that the Strict reading refuses.
        self.refuse(EncodeError::new(EncodeErrorKind::Invalid(allowed), field))
    }
}
