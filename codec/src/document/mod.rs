//! Messages in serde's model: what JSON and other formats for people hold of them.
//!
//! A message is `{"tag": "LINK", "fields": {"from": .., "to": ..}}`, its fields named as in the specification.
//! 64-bit numbers are decimal strings (many readers of JSON keep 53 bits), bytes are hexadecimal, pids are
//! `{"node": n, "creation": c, "local": l}`, and a reason is `{"kind": "error", "text": ".."}` or
//! `{"kind": "linked", "hops": [pid, ..], "root": {"kind": ..}}`.
//!
//! Writing borrows the message: [`Frame`], [`Handshake`] and [`Signal`] are `Serialize`. Reading needs memory
//! for what a message borrows: a [`Document`] holds it and lends the message.
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

/// A message read from a format for people, and what it borrows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Where the message stood in what it was decoded from; not used for encoding.
    pub offset: Option<u64>,
    /// The length it had there; not used for encoding.
    pub length: Option<u64>,
    /// The message's name in the specification.
    pub tag: String,
    /// Its fields.
    #[serde(default)]
    pub fields: Fields,
    /// Bytes after its last field.
    #[serde(default, with = "hex_bytes")]
    pub trailing: Vec<u8>,
}

impl Document {
    /// The frame that this document describes. `UNKNOWN` is a frame of any other tag (`code`, `payload`), and
    /// `EMPTY` the frame without a byte.
    ///
    /// # Errors
    /// The tag is none, a field is missing or of the wrong kind, or there is a field that the frame has not.
    pub fn frame(&self) -> Result<Frame<'_>, DocumentError> {
        match &*self.tag {
            "EMPTY" => self.fields.read(|_| Ok(Frame::Empty)).map_err(|error| self.error(error)),
            "UNKNOWN" => self.unknown(),
            name => self.known(Frame::TAGS, name, Frame::read_fields),
        }
    }

    /// The message of the handshake that this document describes.
    ///
    /// # Errors
    /// As [`Document::frame`].
    pub fn handshake(&self) -> Result<Handshake<'_>, DocumentError> {
        self.known(Handshake::TAGS, &self.tag, Handshake::read_fields)
    }

    /// The mailbox signal that this document describes.
    ///
    /// # Errors
    /// As [`Document::frame`].
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

/// A document that describes no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentError {
    tag: String,
    /// Without it the tag itself is the problem.
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
