//! Bytes as a sink of fields.

use bytes::BufMut;
use core::convert::Infallible;
use core::hint::cold_path;

use super::{Sink, Tagged, measure};
use crate::{EncodeError, EncodeErrorKind, Entries, Extension, Names, Pid, Reason, Text};

/// A sink that writes fields into a buffer. [`append`] makes one.
///
/// The fields must be valid, and the buffer must have room for them. A writer checks neither;
/// [`Measure`](super::Measure) does.
//
// Small fields gather in an array and go to the buffer together. Most frames then need one call of `put_slice`, and
// the offsets of their fields are known at compile time. The array is a separate variable that the writer borrows:
// its address is passed to a `put_slice` that is not inlined, and a struct that contained it could not live in
// registers.
#[derive(Debug)]
pub struct Writer<'b, B: BufMut> {
    dst: &'b mut B,
    gathered: &'b mut [u8; GATHERED_BYTES],
    count: usize,
}

/// The size of the array. It holds the largest frame of fixed fields, with its length and a bare reason:
/// MONITOR_EXIT, 30 bytes.
const GATHERED_BYTES: usize = 48;

impl<'b, B: BufMut> Writer<'b, B> {
    #[inline(always)]
    fn new(dst: &'b mut B, gathered: &'b mut [u8; GATHERED_BYTES]) -> Self {
        Self { dst, gathered, count: 0 }
    }

    #[inline(always)]
    fn fixed<const N: usize>(&mut self, bytes: [u8; N]) {
        if let Some(room) = self.gathered.get_mut(self.count..).and_then(|free| free.first_chunk_mut::<N>()) {
            *room = bytes;
            self.count += N;
        } else {
            self.slice(&bytes);
        }
    }

    #[inline(always)]
    pub(crate) fn slice(&mut self, bytes: &[u8]) {
        self.flush();
        self.dst.put_slice(bytes);
    }

    /// Returns the buffer, for out-of-line code that makes a writer of its own: a writer whose address is passed on
    /// could not live in registers.
    #[inline(always)]
    pub(crate) fn out_of_line(&mut self) -> &mut B {
        self.flush();
        self.dst
    }

    /// Writes the gathered bytes to the buffer.
    #[inline(always)]
    pub(crate) fn flush(&mut self) {
        if let Some(gathered) = self.gathered.get(..self.count)
            && !gathered.is_empty()
        {
            self.dst.put_slice(gathered);
            self.count = 0;
        }
    }
}

/// Writes a payload, if it can be encoded.
#[inline(always)]
pub(crate) fn encode<B: BufMut>(message: &impl Tagged, dst: &mut B) -> Result<(), EncodeError> {
    room(dst, measure(message)?)?;
    let mut gathered = [0; GATHERED_BYTES];
    let mut writer = Writer::new(dst, &mut gathered);
    let Ok(()) = message.write_tagged(&mut writer);
    writer.flush();
    Ok(())
}

/// Writes a frame with its length before it, if it can be encoded and has at most `bytes_max` bytes.
///
/// Unlike [`append`] this takes no closure. In a program that encodes at several places a closure would not be
/// inlined, and all fields would be written through memory. The error paths are marked as cold; otherwise the
/// compiler would treat the rest as rare.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "not over `bytes_max`, which is a u32")]
pub(crate) fn encode_framed<B: BufMut>(
    message: &impl Tagged,
    bytes_max: u32,
    dst: &mut B,
) -> Result<(), EncodeError> {
    let length = measure(message)?;
    //= spec/dist.md#dist-frm-004
    //# A writer MUST NOT write a payload longer than its reader's frame limit.
    if length as u64 > bytes_max.into() {
        cold_path();
        return Err(EncodeError::too_long("length", bytes_max.into(), length));
    }
    let prefix = length as u32;
    room(dst, length.saturating_add(size_of::<u32>()))?;
    let mut gathered = [0; GATHERED_BYTES];
    let mut writer = Writer::new(dst, &mut gathered);
    //= spec/dist.md#dist-frm-001
    //# A writer MUST write before each payload the payload's length in bytes as a u32.
    let Ok(()) = writer.u32("length", prefix);
    let Ok(()) = message.write_tagged(&mut writer);
    writer.flush();
    Ok(())
}

/// Writes a frame like [`encode_framed`], in a function of its own for each kind of message, so that it takes no
/// room at the call site.
#[inline(never)]
pub(crate) fn encode_framed_apart<B: BufMut>(
    message: impl Tagged,
    bytes_max: u32,
    dst: &mut B,
) -> Result<(), EncodeError> {
    encode_framed(&message, bytes_max, dst)
}

#[inline(always)]
fn room<B: BufMut>(dst: &B, needed: usize) -> Result<(), EncodeError> {
    let room = dst.remaining_mut();
    if needed <= room {
        Ok(())
    } else {
        cold_path();
        Err(EncodeError::new(EncodeErrorKind::BufferFull { needed, room }, "buffer"))
    }
}

/// Appends the fields that the closure `fields` writes to `dst`. Use this for pieces that are not whole messages.
///
/// Nothing is validated. The caller must pass only texts and lists that fit their length fields.
///
/// # Panics
/// [`BufMut`] panics if the buffer has too little room. A vector always has enough.
#[inline(always)]
pub fn append<B: BufMut>(dst: &mut B, fields: impl FnOnce(&mut Writer<'_, B>) -> Result<(), Infallible>) {
    let mut gathered = [0; GATHERED_BYTES];
    let mut writer = Writer::new(dst, &mut gathered);
    let Ok(()) = fields(&mut writer);
    writer.flush();
}

impl<B: BufMut> Sink for Writer<'_, B> {
    type Error = Infallible;

    #[inline(always)]
    fn u8(&mut self, _: &'static str, value: u8) -> Result<(), Infallible> {
        self.fixed(value.to_le_bytes());
        Ok(())
    }

    #[inline(always)]
    fn u16(&mut self, _: &'static str, value: u16) -> Result<(), Infallible> {
        self.fixed(value.to_le_bytes());
        Ok(())
    }

    #[inline(always)]
    fn u32(&mut self, _: &'static str, value: u32) -> Result<(), Infallible> {
        self.fixed(value.to_le_bytes());
        Ok(())
    }

    #[inline(always)]
    fn u64(&mut self, _: &'static str, value: u64) -> Result<(), Infallible> {
        self.fixed(value.to_le_bytes());
        Ok(())
    }

    #[inline(always)]
    fn pid(&mut self, field: &'static str, value: Pid) -> Result<(), Infallible> {
        self.u64(field, value.to_bits())
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self, _: &'static str, value: &[u8; N]) -> Result<(), Infallible> {
        self.fixed(*value);
        Ok(())
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "measured before")]
    fn str16(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Infallible> {
        self.u16(field, value.len() as u16)?;
        self.slice(value.as_bytes());
        Ok(())
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "measured before")]
    fn str32(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Infallible> {
        self.u32(field, value.len() as u32)?;
        self.slice(value.as_bytes());
        Ok(())
    }

    #[inline(always)]
    fn rest(&mut self, _: &'static str, value: &[u8]) -> Result<(), Infallible> {
        self.slice(value);
        Ok(())
    }

    fn text(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Infallible> {
        self.rest(field, value.as_bytes())
    }

    #[inline(always)]
    fn reason(&mut self, _: &'static str, value: &Reason<'_>) -> Result<(), Infallible> {
        value.write(self)
    }

    fn names(&mut self, field: &'static str, value: &Names<'_>) -> Result<(), Infallible> {
        self.u16(field, value.count())?;
        self.slice(value.as_bytes());
        Ok(())
    }

    fn entries(&mut self, field: &'static str, value: &Entries<'_>) -> Result<(), Infallible> {
        self.u32(field, value.count())?;
        self.slice(value.as_bytes());
        Ok(())
    }

    fn extension(&mut self, _: &'static str, value: Option<&Extension<'_>>) -> Result<(), Infallible> {
        if let Some(extension) = value {
            self.slice(extension.as_bytes());
        }
        Ok(())
    }

    #[inline(always)]
    fn invalid(&mut self, _: &'static str, _: &'static str) -> Result<(), Infallible> {
        Ok(())
    }
}
