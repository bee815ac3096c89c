//! What goes wrong between terms and a program's types.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt;

use crate::{DecodeError, EncodeError};

/// Why a term cannot be made of a value, or a value of a term.
///
/// One pointer wide: it travels through every call of serde.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    cause: Cause,
    at: Option<usize>,
}

#[derive(Clone, PartialEq, Eq)]
enum Cause {
    Decode(DecodeError),
    Encode(EncodeError),
    Message(String),
}

impl Error {
    #[cold]
    pub(super) fn message(text: impl fmt::Display) -> Self {
        Self(Box::new(Inner { cause: Cause::Message(text.to_string()), at: None }))
    }

    /// Says where reading stood, if nobody said so before.
    #[cold]
    pub(super) fn near(mut self, at: usize) -> Self {
        self.0.at.get_or_insert(at);
        self
    }

    /// The byte of the term (its version is byte 0) at which, or near which, reading failed.
    #[must_use]
    pub fn at(&self) -> Option<usize> {
        self.0.at
    }

    /// What is wrong with the term's bytes, if it is that.
    #[must_use]
    pub fn as_decode_error(&self) -> Option<&DecodeError> {
        match &self.0.cause {
            Cause::Decode(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DecodeError> for Error {
    #[cold]
    fn from(error: DecodeError) -> Self {
        Self(Box::new(Inner { cause: Cause::Decode(error), at: Some(error.at) }))
    }
}

impl From<EncodeError> for Error {
    #[cold]
    fn from(error: EncodeError) -> Self {
        Self(Box::new(Inner { cause: Cause::Encode(error), at: None }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.cause, self.0.at) {
            (Cause::Decode(error), _) => fmt::Display::fmt(error, f),
            (Cause::Encode(error), _) => fmt::Display::fmt(error, f),
            (Cause::Message(text), Some(at)) => write!(f, "{text}, near byte {at}"),
            (Cause::Message(text), None) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl core::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::message(text)
    }
}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::message(text)
    }
}
