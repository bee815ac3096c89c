//! The messages of the handshake, by which two nodes authenticate each other before a session. Specification:
//! `handshake.md`.
//!
//! [`Handshake`] is the enum of all messages. In version 2, NAME and CHALLENGE end in an extension block
//! ([`Extension`], [`ExtensionBuf`]), and REPLY and ACK in an extension block and a proof ([`Proof`], [`proof`]).
//! This crate encodes and decodes the messages; it neither computes digests nor decides which message is due.

mod ack;
mod challenge;
mod extension;
mod name;
pub mod proof;
mod reject;
mod reply;

pub use ack::Ack;
pub use challenge::{Challenge, SENTINEL, challenge, has_sentinel};
pub use extension::{Capabilities, Extension, ExtensionBuf, MAGIC, Tlv, Tlvs, Versions};
pub use name::Name;
pub use reject::Reject;
pub use reply::{Proof, Reply};

use bytes::BufMut;

use crate::layout::{self, Reader, Sink, Tagged};
use crate::limits::HANDSHAKE_BYTES_MAX;
use crate::{DecodeError, EncodeError, ErrorKind, Reading};

layout::table! {
    /// A message of the handshake.
    ///
    /// An unknown tag and an empty message are errors in both readings. In version 2, every message but REJECT has an
    /// extension block after the fields of version 1. A decoder recognises the block by its first bytes, [`MAGIC`].
    ///
    /// ```
    /// use snow_dist_codec::{Handshake, Reading, handshake::Name};
    ///
    /// let name = Handshake::from(Name { name: "a@h:1".into(), creation: 1, extension: None });
    /// let mut bytes = Vec::new();
    /// name.encode(&mut bytes).unwrap();
    /// assert_eq!(bytes, b"\x01\x05\x00a@h:1\x01");
    /// assert_eq!(Handshake::decode(&bytes, Reading::Strict), Ok(name));
    /// ```
    pub enum Handshake<'a>: u8 {
        0x01 "NAME" => name::Name<'a>;
        0x02 "CHALLENGE" => challenge::Challenge<'a>;
        0x03 "REPLY" => reply::Reply<'a>;
        0x04 "ACK" => ack::Ack<'a>;
        0x05 "REJECT" => reject::Reject<'a>;
    }
}

impl<'a> Handshake<'a> {
    /// Decodes the payload of a message, without its length.
    ///
    /// # Errors
    /// Returns [`DecodeError`] with the problem, the field and the byte if the payload is not a valid message.
    pub fn decode(payload: &'a [u8], reading: Reading) -> Result<Self, DecodeError> {
        Self::decode_with_surplus(payload, reading).map(|(message, _)| message)
    }

    /// Decodes a payload like [`Handshake::decode`] and returns the bytes after the last field as well.
    ///
    /// Only the compatible reading accepts such bytes, and only in a message without an extension block.
    ///
    /// # Errors
    /// Returns the errors of [`Handshake::decode`].
    pub fn decode_with_surplus(payload: &'a [u8], reading: Reading) -> Result<(Self, &'a [u8]), DecodeError> {
        let mut reader = Reader::new(payload, reading);
        //= spec/dist.md#dist-frm-005
        //# During the handshake a reader MUST refuse a payload of length 0.
        let Some(tag) = reader.tag() else {
            return Err(DecodeError::new(ErrorKind::Empty, "tag", 0));
        };
        //= spec/handshake.md#hs-msg-001
        //# During the handshake a reader MUST refuse a payload whose tag has no section in this file.
        let Some(message) = Self::read_fields(tag, &mut reader) else {
            return Err(DecodeError::new(ErrorKind::UnknownTag(tag), "tag", 0));
        };
        //= spec/handshake.md#hs-msg-002
        //# A reader MUST treat bytes after the last field of a message without extension block as surplus.
        Ok((message?, reader.finish()?))
    }

    /// Returns the size of the payload in bytes, including the tag.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if the message cannot be encoded.
    pub fn encoded_len(&self) -> Result<usize, EncodeError> {
        layout::measure(self)
    }

    /// Writes the payload, without a length before it.
    ///
    /// The limit of the handshake is not checked here. [`Handshake::encode_framed`] checks it.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if the message cannot be encoded or `dst` has too little room. Nothing has been
    /// written then.
    pub fn encode<B: BufMut>(&self, dst: &mut B) -> Result<(), EncodeError> {
        layout::encode(self, dst)
    }

    /// Writes the message with its length before it.
    ///
    /// # Errors
    /// Returns the errors of [`Handshake::encode`], and [`EncodeError`] if the payload has more than
    /// [`HANDSHAKE_BYTES_MAX`] bytes. Nothing has been written then.
    pub fn encode_framed<B: BufMut>(&self, dst: &mut B) -> Result<(), EncodeError> {
        layout::encode_framed(self, HANDSHAKE_BYTES_MAX, dst)
    }
}

impl Tagged for Handshake<'_> {
    fn write_tagged<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        //= spec/dist.md#dist-fld-001
        //# A writer MUST write the tag, then the fields of the tag's table in the table's order, and nothing
        //# else.
        sink.u8("tag", self.tag())?;
        self.write_fields(sink)
    }
}

#[cfg(test)]
mod tests;
