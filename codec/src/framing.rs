//! Splits a stream of bytes into payloads. Specification: `dist.md`, "Framing".
//!
//! On the wire every message is a `u32` length, little-endian like all numbers, and a payload of that many bytes. Which
//! item of this module to use depends on who owns the buffer:
//!
//! - [`Frames`] iterates over the complete payloads in a buffer that the caller holds;
//! - [`Framer`] owns the buffer: the caller pushes bytes as they arrive and takes payloads out;
//! - [`cut`], [`frame_bytes`] and [`put`] are the single steps.
//!
//! The stream may arrive in pieces of any size. No memory is reserved for bytes that have not arrived.

use bytes::{BufMut, Bytes, BytesMut};
use core::fmt;

use crate::EncodeError;
use crate::layout::{self, Sink, Tagged};
use crate::limits::{FRAME_BYTES_MAX, HANDSHAKE_BYTES_MAX, LENGTH_PREFIX_BYTES};

/// An error that says that a payload's length is above the limit.
///
/// The stream cannot be read any further: close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FramingError {
    /// The announced length in bytes.
    pub length: u32,
    /// The limit in bytes.
    pub max: u32,
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a payload of {} bytes is over the limit of {}", self.length, self.max)
    }
}

impl core::error::Error for FramingError {}

/// The first payload of a stream, and the bytes that follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cut<'a> {
    /// The payload, without its length.
    pub payload: &'a [u8],
    /// The bytes after the payload.
    pub rest: &'a [u8],
}

/// Splits the first payload off `stream`, or returns `None` if the payload is not complete.
///
/// The limit `bytes_max` is for the payload, without its length field.
///
/// # Errors
/// Returns [`FramingError`] if the payload's length is above `bytes_max`, as soon as the four bytes of the length are
/// in `stream`.
#[inline(always)]
pub fn cut(stream: &[u8], bytes_max: u32) -> Result<Option<Cut<'_>>, FramingError> {
    //= spec/dist.md#dist-frm-009
    //# A reader MUST NOT return anything for a frame before the last byte of its payload has arrived.
    let Some((prefix, rest)) = stream.split_first_chunk::<LENGTH_PREFIX_BYTES>() else {
        return Ok(None);
    };
    let length = u32::from_le_bytes(*prefix);
    //= spec/dist.md#dist-frm-002
    //# A reader MUST refuse a length above its frame limit as soon as the four bytes of the length are there.
    //= spec/dist.md#dist-frm-003
    //# A reader MUST NOT refuse a payload because of a length from 1 up to and including its frame limit.
    if length > bytes_max {
        return Err(FramingError { length, max: bytes_max });
    }
    Ok(rest.split_at_checked(length as usize).map(|(payload, rest)| Cut { payload, rest }))
}

/// Returns the size in bytes of the frame at the beginning of `stream`, including its length field.
///
/// Returns `None` if the length field is not complete. A caller that buffers an incomplete frame can tell from the
/// size how many bytes are missing. No limit is applied.
#[must_use]
pub fn frame_bytes(stream: &[u8]) -> Option<u64> {
    let prefix = stream.first_chunk::<LENGTH_PREFIX_BYTES>()?;
    Some(LENGTH_PREFIX_BYTES as u64 + u64::from(u32::from_le_bytes(*prefix)))
}

/// Writes `payload` with its length before it.
///
/// Use this for payloads that were recorded or made elsewhere; to write a [`Frame`](crate::Frame), use
/// [`Frame::encode_framed`](crate::Frame::encode_framed).
///
/// # Errors
/// Returns [`EncodeError`] if the payload has more than `bytes_max` bytes or `dst` has too little room. Nothing has
/// been written then.
pub fn put<B: BufMut>(payload: &[u8], bytes_max: u32, dst: &mut B) -> Result<(), EncodeError> {
    layout::encode_framed(&Whole(payload), bytes_max, dst)
}

struct Whole<'p>(&'p [u8]);

impl Tagged for Whole<'_> {
    fn write_tagged<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.rest("payload", self.0)
    }
}

/// An iterator over the complete payloads in a buffer.
///
/// The iterator ends before the first payload that is not complete. If a length is above the limit, the iterator yields
/// `Err` once and then ends.
///
/// ```
/// use snow_dist_codec::{Frames, limits::FRAME_BYTES_MAX};
///
/// let stream = [1, 0, 0, 0, 0xAA, 0, 0, 0, 0, 9, 0, 0];
/// let mut frames = Frames::new(&stream, FRAME_BYTES_MAX);
/// assert_eq!(frames.next(), Some(Ok(&[0xAA][..])));
/// assert_eq!(frames.next(), Some(Ok(&[][..])));
/// assert_eq!(frames.next(), None);
/// assert_eq!(frames.remaining(), [9, 0, 0]); // the beginning of the next frame
/// ```
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    rest: &'a [u8],
    bytes_max: u32,
    failed: bool,
}

impl<'a> Frames<'a> {
    /// Creates an iterator over the payloads in `stream`. A payload of more than `bytes_max` bytes is an error.
    #[inline(always)]
    #[must_use]
    pub const fn new(stream: &'a [u8], bytes_max: u32) -> Self {
        Self { rest: stream, bytes_max, failed: false }
    }

    /// Returns the bytes that have not been yielded yet.
    ///
    /// After the iterator has ended, these are the beginning of an incomplete frame, with its length field, or nothing.
    /// After an error, they begin with the length that is above the limit.
    #[inline(always)]
    #[must_use]
    pub const fn remaining(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<&'a [u8], FramingError>;

    /// Returns the next payload. Returns `None` if the next payload is not complete, and after an error.
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        //= spec/dist.md#dist-fld-012
        //# A reader MUST return the frames before a refused one as if that one were not there.
        match cut(self.rest, self.bytes_max) {
            Ok(Some(Cut { payload, rest })) => {
                self.rest = rest;
                Some(Ok(payload))
            }
            Ok(None) => None,
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

/// A buffer that collects a stream in pieces of any size and returns its payloads.
///
/// A new framer applies the limit of the handshake, [`HANDSHAKE_BYTES_MAX`]. [`Framer::handshake_done`] switches to the
/// limit of the session.
///
/// ```
/// use snow_dist_codec::Framer;
///
/// let mut framer = Framer::default();
/// framer.push(&[2, 0, 0]);
/// assert_eq!(framer.next_payload(), Ok(None));
/// framer.push(&[0, 0xAA, 0xBB, 1]);
/// assert_eq!(framer.next_payload().unwrap().as_deref(), Some(&[0xAA, 0xBB][..]));
/// assert_eq!(framer.buffered(), [1]);
/// ```
#[derive(Clone, Debug)]
pub struct Framer {
    buffer: BytesMut,
    bytes_max: u32,
}

impl Default for Framer {
    fn default() -> Self {
        Self::new(HANDSHAKE_BYTES_MAX)
    }
}

impl Framer {
    /// Creates a framer that accepts payloads of up to `bytes_max` bytes during the handshake.
    ///
    /// A limit above [`HANDSHAKE_BYTES_MAX`] is reduced to it.
    #[must_use]
    pub fn new(bytes_max: u32) -> Self {
        Self { buffer: BytesMut::new(), bytes_max: bytes_max.min(HANDSHAKE_BYTES_MAX) }
    }

    /// Sets the limit for the session: from now on, payloads of up to `bytes_max` bytes are accepted.
    ///
    /// Call this when [`Framer::next_payload`] has returned the last handshake message of the stream: REPLY from an
    /// initiator, or ACK from an acceptor. A limit above [`FRAME_BYTES_MAX`] is reduced to it.
    pub fn handshake_done(&mut self, bytes_max: u32) {
        self.bytes_max = bytes_max.min(FRAME_BYTES_MAX);
    }

    /// Appends bytes that arrived.
    pub fn push(&mut self, arrived: &[u8]) {
        //= spec/dist.md#dist-frm-008
        //# A reader MUST return the same results for the same stream of bytes, however it is cut into pieces.
        //= spec/dist.md#dist-frm-010
        //# The memory that a reader reserves for a frame MUST be bounded by a fixed amount plus a fixed
        //# multiple of the frame's bytes that have arrived.
        self.buffer.extend_from_slice(arrived);
    }

    /// Returns the buffer itself, to read from a socket directly into it. The caller must only append bytes.
    pub fn buffer_mut(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Returns the bytes that have arrived and have not yet been returned as payloads, with their length fields.
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        &self.buffer
    }

    /// Returns the next payload, or `None` if it is not complete. The payload shares the memory of this buffer.
    ///
    /// # Errors
    /// Returns [`FramingError`] if the payload's length is above the limit. Close the connection then: nothing after
    /// that length can be read, and every later call with the same limit returns the error again.
    pub fn next_payload(&mut self) -> Result<Option<Bytes>, FramingError> {
        take(&mut self.buffer, self.bytes_max)
    }
}

/// Removes the first payload from `buffer` if it is complete. Both continue to share their memory.
pub(crate) fn take(buffer: &mut BytesMut, bytes_max: u32) -> Result<Option<Bytes>, FramingError> {
    let Some(Cut { payload, .. }) = cut(buffer, bytes_max)? else {
        return Ok(None);
    };
    let end = LENGTH_PREFIX_BYTES + payload.len();
    let frame = buffer.split_to(end).freeze();
    Ok(Some(frame.slice(LENGTH_PREFIX_BYTES..)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec::Vec};

    #[test]
    fn an_overlong_length_is_refused_before_its_bytes_come() {
        let mut framer = Framer::default();
        framer.push(&4_097_u32.to_le_bytes());
        let error = FramingError { length: 4_097, max: 4_096 };
        assert_eq!(framer.next_payload(), Err(error));
        assert_eq!(framer.next_payload(), Err(error));
        assert_eq!(error.to_string(), "a payload of 4097 bytes is over the limit of 4096");

        framer.handshake_done(u32::MAX);
        assert_eq!(framer.next_payload(), Ok(None));
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        for (payload, fits) in [(4_096_u32, true), (4_097, false)] {
            let mut stream = payload.to_le_bytes().to_vec();
            stream.resize(4 + payload as usize, 7);
            let mut framer = Framer::default();
            framer.push(&stream);
            assert_eq!(framer.next_payload().is_ok(), fits, "{payload}");
            assert_eq!(cut(&stream, 4_096).is_ok(), fits, "{payload}");
        }
        let mut framer = Framer::default();
        framer.handshake_done(u32::MAX);
        framer.push(&(16_777_217_u32).to_le_bytes());
        assert_eq!(framer.next_payload(), Err(FramingError { length: 16_777_217, max: 16_777_216 }));
    }

    #[test]
    fn any_split_gives_the_same_payloads() {
        let stream = [&[3, 0, 0, 0, 1, 2, 3][..], &[0, 0, 0, 0], &[1, 0, 0, 0, 9]].concat();
        let whole: Vec<_> = Frames::new(&stream, 16).map(Result::unwrap).collect();
        assert_eq!(whole, [&[1, 2, 3][..], &[], &[9]]);
        for size in 1..=stream.len() {
            let mut framer = Framer::default();
            let mut payloads = Vec::new();
            for piece in stream.chunks(size) {
                framer.push(piece);
                while let Some(payload) = framer.next_payload().unwrap() {
                    payloads.push(payload);
                }
            }
            assert_eq!(payloads, whole, "pieces of {size}");
            assert!(framer.buffered().is_empty());
        }
    }

    #[test]
    fn frames_stop_at_an_error() {
        let stream = [0, 0, 0, 0, 17, 0, 0, 0];
        let mut frames = Frames::new(&stream, 16);
        assert_eq!(frames.next(), Some(Ok(&[][..])));
        assert_eq!(frames.next(), Some(Err(FramingError { length: 17, max: 16 })));
        assert_eq!(frames.next(), None);
        assert_eq!(frames.remaining(), [17, 0, 0, 0]);
    }

    #[test]
    fn a_payload_is_written_behind_its_length() {
        let mut stream = Vec::new();
        put(&[7, 8], 2, &mut stream).unwrap();
        put(&[], 2, &mut stream).unwrap();
        assert!(put(&[1, 2, 3], 2, &mut stream).is_err());
        assert_eq!(stream, [2, 0, 0, 0, 7, 8, 0, 0, 0, 0]);
    }

    #[test]
    fn a_large_length_reserves_nothing() {
        let mut framer = Framer::default();
        framer.handshake_done(FRAME_BYTES_MAX);
        framer.push(&FRAME_BYTES_MAX.to_le_bytes());
        assert_eq!(framer.next_payload(), Ok(None));
        assert!(framer.buffer_mut().capacity() < 4_096);
    }
}
