//! The framing as a [`tokio_util::codec`], for programs that read a connection as a stream of payloads.
//!
//! [`FrameCodec`] decodes payloads and encodes frames and handshake messages. It yields payloads, not frames, because
//! a frame borrows its payload: decode each payload with [`Frame::decode`] or [`Handshake::decode`].
//!
//! ```
//! use bytes::BytesMut;
//! use snow_dist_codec::tokio_codec::FrameCodec;
//! use snow_dist_codec::{Frame, Pid, Reading, frame::Link};
//! use tokio_util::codec::{Decoder, Encoder};
//!
//! let mut codec = FrameCodec::session();
//! let mut stream = BytesMut::new();
//! let link = Frame::from(Link { from: Pid::from_bits(1), to: Pid::from_bits(2) });
//! codec.encode(&link, &mut stream).unwrap();
//! let payload = codec.decode(&mut stream).unwrap().unwrap();
//! assert_eq!(Frame::decode(&payload, Reading::Compatible), Ok(link));
//! ```

use bytes::{Bytes, BytesMut};
use core::fmt;
use std::io;
use tokio_util::codec::{Decoder, Encoder};

use crate::framing::{FramingError, take};
use crate::limits::{FRAME_BYTES_MAX, HANDSHAKE_BYTES_MAX};
use crate::{EncodeError, Frame, Handshake};

/// A codec that reads payloads, and writes frames and handshake messages with their lengths.
///
/// Begin a connection with [`FrameCodec::handshake`]. When the last handshake message has been read (ACK by the
/// initiator, REPLY by the acceptor), replace the codec with [`FrameCodec::session`]. The acceptor can still write ACK
/// with it.
#[derive(Clone, Copy, Debug)]
pub struct FrameCodec {
    bytes_max: u32,
}

impl FrameCodec {
    /// Creates a codec with the limit of the handshake, [`HANDSHAKE_BYTES_MAX`].
    #[must_use]
    pub const fn handshake() -> Self {
        Self { bytes_max: HANDSHAKE_BYTES_MAX }
    }

    /// Creates a codec with the limit of a session, [`FRAME_BYTES_MAX`].
    #[must_use]
    pub const fn session() -> Self {
        Self { bytes_max: FRAME_BYTES_MAX }
    }

    /// Lowers the limit to `bytes_max` bytes. A limit that is already lower stays.
    ///
    /// The limit holds for the payloads that are read and for the payloads of the frames that are written. Handshake
    /// messages are always written with the limit of the handshake.
    #[must_use]
    pub fn at_most(self, bytes_max: u32) -> Self {
        Self { bytes_max: self.bytes_max.min(bytes_max) }
    }
}

impl Decoder for FrameCodec {
    type Item = Bytes;
    type Error = FrameCodecError;

    fn decode(&mut self, stream: &mut BytesMut) -> Result<Option<Bytes>, FrameCodecError> {
        Ok(take(stream, self.bytes_max)?)
    }
}

impl Encoder<&Frame<'_>> for FrameCodec {
    type Error = FrameCodecError;

    fn encode(&mut self, frame: &Frame<'_>, stream: &mut BytesMut) -> Result<(), FrameCodecError> {
        Ok(frame.encode_framed(self.bytes_max, stream)?)
    }
}

impl Encoder<&Handshake<'_>> for FrameCodec {
    type Error = FrameCodecError;

    fn encode(&mut self, message: &Handshake<'_>, stream: &mut BytesMut) -> Result<(), FrameCodecError> {
        Ok(message.encode_framed(stream)?)
    }
}

/// An error that says why a [`FrameCodec`] could not read or write.
#[derive(Debug)]
#[non_exhaustive]
pub enum FrameCodecError {
    /// The connection failed or ended inside a frame.
    Io(io::Error),
    /// The peer announced a payload above the limit. Close the connection: nothing after that length can be read.
    Framing(FramingError),
    /// The message to be written cannot be encoded, or is longer than the limit. Nothing has been written.
    Encode(EncodeError),
}

impl fmt::Display for FrameCodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => fmt::Display::fmt(error, f),
            Self::Framing(error) => fmt::Display::fmt(error, f),
            Self::Encode(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl core::error::Error for FrameCodecError {}

impl From<io::Error> for FrameCodecError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<FramingError> for FrameCodecError {
    fn from(error: FramingError) -> Self {
        Self::Framing(error)
    }
}

impl From<EncodeError> for FrameCodecError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::Name;
    use std::string::{String, ToString};
    use std::vec;

    #[test]
    fn an_end_inside_a_frame_is_an_error() {
        let mut stream = BytesMut::from(&[2, 0, 0, 0, 9][..]);
        let error = FrameCodec::session().decode_eof(&mut stream).unwrap_err();
        assert!(matches!(&error, FrameCodecError::Io(_)));
        assert_eq!(error.to_string(), "bytes remaining on stream");
    }

    #[test]
    fn limits_hold_in_both_directions() {
        let mut stream = BytesMut::from(&4_097_u32.to_le_bytes()[..]);
        let error = FrameCodec::handshake().decode(&mut stream).unwrap_err();
        assert_eq!(error.to_string(), "a payload of 4097 bytes is over the limit of 4096");

        let message = vec![0; 100];
        let frame = Frame::from(crate::frame::Send { to: crate::Pid::default(), message: &message });
        let error = FrameCodec::session().at_most(64).encode(&frame, &mut stream).unwrap_err();
        assert_eq!(error.to_string(), "`length` cannot be written: 109 is over the limit of 64");

        let long: String = "x".repeat(5_000);
        let name = Handshake::from(Name { name: long.as_str().into(), creation: 1, extension: None });
        let error = FrameCodec::handshake().encode(&name, &mut stream).unwrap_err();
        assert_eq!(error.to_string(), "`length` cannot be written: 5004 is over the limit of 4096");
        assert_eq!(stream.len(), 4, "nothing was written");
    }

    #[test]
    fn a_handshake_message_goes_through() {
        let mut stream = BytesMut::new();
        let name = Handshake::from(Name { name: "a@h".into(), creation: 1, extension: None });
        FrameCodec::handshake().encode(&name, &mut stream).unwrap();
        let payload = FrameCodec::handshake().decode(&mut stream).unwrap().unwrap();
        assert_eq!(Handshake::decode(&payload, crate::Reading::Strict), Ok(name));
    }
}
