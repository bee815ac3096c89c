//! Messages and terms in serde's data model, for JSON and other human-readable formats.
//!
//! A message is `{"tag": "LINK", "fields": {"from": .., "to": ..}}`, with the field names of the specification:
//!
//! | type | representation |
//! |---|---|
//! | 64-bit number | a decimal string, because many JSON parsers keep only 53 bits |
//! | bytes | a hexadecimal string |
//! | pid | `{"node": n, "creation": c, "local": l}` |
//! | reason | `{"kind": "error", "text": ".."}` or `{"kind": "linked", "hops": [pid, ..], "root": {"kind": ..}}` |
//!
//! To write, serialize the message: [`Frame`], [`Handshake`] and [`Signal`] are `Serialize`. To read, deserialize a
//! [`Document`] and call one of its methods, such as [`Document::frame`]. The message that the method returns borrows
//! the document. For terms, [`TermDocument`] serves both directions.
//!
//! ```
//! use snow_dist_codec::document::Document;
//!
//! let json = r#"{"tag":"PING","fields":{"payload":"0102030405060708"}}"#;
//! let document: Document = serde_json::from_str(json).unwrap();
//! let frame = document.frame().unwrap();
//! assert_eq!(frame.name(), "PING");
//! assert_eq!(serde_json::to_string(&frame).unwrap(), json);
//! ```

mod fields;
mod parts;
mod show;
mod term;

pub use fields::{Fields, FieldsError};
pub use parts::Hex;
pub(crate) use parts::PID_NEWTYPE;
pub use show::Shown;
pub use term::{Keys, TermDocument, TermDocumentError};

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use serde::Deserialize;

use crate::frame::Unknown;
use crate::{Frame, Handshake, Signal};

/// A message read from a human-readable format, with the memory that the message borrows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The offset in bytes of the message, from its length field on, in the input of a program that decoded it, such as
    /// the command `snow-dist`. The methods ignore it.
    pub offset: Option<u64>,
    /// The length in bytes of the message's payload in that input. The methods ignore it.
    pub length: Option<u64>,
    /// The name of the message in the specification. For a frame it can also be `UNKNOWN` or `EMPTY`.
    pub tag: String,
    /// The fields of the message.
    #[serde(default)]
    pub fields: Fields,
    /// The bytes after the last field of the message. The methods ignore them; append them after encoding.
    #[serde(default, with = "hex_bytes")]
    pub trailing: Vec<u8>,
}

impl Document {
    /// Returns the frame that this document describes.
    ///
    /// The name `UNKNOWN` stands for a frame with an unknown tag: the field `code` is the tag, and `payload` the bytes
    /// after it. The name `EMPTY` stands for a frame without any byte.
    ///
    /// # Errors
    /// Returns [`DocumentError`] if the tag is not the name of a frame, if a field is missing, has the wrong type or a
    /// value that is not allowed, if the document has a field that the frame does not have, or if `code` of an
    /// `UNKNOWN` is a known tag.
    pub fn frame(&self) -> Result<Frame<'_>, DocumentError> {
        match &*self.tag {
            "EMPTY" => self.fields.read(|_| Ok(Frame::Empty)).map_err(|error| self.error(error)),
            "UNKNOWN" => self.unknown(),
            name => self.known(Frame::TAGS, name, Frame::read_fields),
        }
    }

    /// Returns the handshake message that this document describes.
    ///
    /// # Errors
    /// Returns [`DocumentError`] if the tag is not the name of a handshake message, and for the fields in the same
    /// cases as [`Document::frame`].
    pub fn handshake(&self) -> Result<Handshake<'_>, DocumentError> {
        self.known(Handshake::TAGS, &self.tag, Handshake::read_fields)
    }

    /// Returns the mailbox signal that this document describes.
    ///
    /// # Errors
    /// Returns [`DocumentError`] if the tag is not the name of a signal, and for the fields in the same cases as
    /// [`Document::frame`].
    pub fn signal(&self) -> Result<Signal<'_>, DocumentError> {
        self.known(Signal::TAGS, &self.tag, Signal::read_fields)
    }

    fn known<'a, Tag: Copy, Message>(
        &'a self,
        tags: &[(Tag, &str)],
        name: &str,
        read: impl FnOnce(Tag, &mut fields::FieldSource<'a>) -> Option<Result<Message, FieldsError>>,
    ) -> Result<Message, DocumentError> {
        let unknown = || DocumentError { tag: self.tag.clone(), problem: None };
        let &(tag, _) = tags.iter().find(|&&(_, known)| known == name).ok_or_else(unknown)?;
        let read = |source: &mut fields::FieldSource<'a>| read(tag, source);
        self.fields
            .read(|source| read(source).unwrap_or(Err(FieldsError::of("tag", "is not in the table"))))
            .map_err(|error| self.error(error))
    }

    fn unknown(&self) -> Result<Frame<'_>, DocumentError> {
        use crate::layout::Source;
        self.fields
            .read(|source| {
                let code = source.u8("code")?;
                Unknown::new(code, source.rest("payload")?)
                    .map(Frame::Unknown)
                    .ok_or_else(|| FieldsError::of("code", "is the tag of a frame that has a name"))
            })
            .map_err(|error| self.error(error))
    }

    fn error(&self, problem: FieldsError) -> DocumentError {
        DocumentError { tag: self.tag.clone(), problem: Some(problem) }
    }
}

/// An error that says why a document does not describe a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentError {
    tag: String,
    /// The problem with a field. `None` if the tag itself is the problem.
    problem: Option<FieldsError>,
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Some(problem) => write!(f, "{}: {problem}", self.tag),
            None => write!(f, "{:?} is not the name of a message here", self.tag),
        }
    }
}

impl core::error::Error for DocumentError {}

mod hex_bytes {
    use alloc::vec::Vec;
    use serde::{Deserialize, Deserializer};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        Ok(super::Hex::<Vec<u8>>::deserialize(deserializer)?.0)
    }
}

#[cfg(test)]
mod tests;
