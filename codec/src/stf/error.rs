//! Errors of the conversion between terms and a program's types.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt::{self, Write};

use serde::de::{Expected, Unexpected};

use super::{Value, tag};
use crate::limits::TERM_ERROR_BYTES_MAX;
use crate::{DecodeError, EncodeError, EncodeErrorKind, ErrorKind as Wrong, Text};

/// An error that says why a value cannot be written as a term, or a term cannot be read as a value.
///
/// ```
/// use snow_dist_codec::stf::{self, ErrorKind};
///
/// #[derive(serde::Serialize)]
/// struct Item { price: &'static str }
/// let order = stf::to_vec(&[("items", [Item { price: "free" }])]).unwrap();
///
/// mod read {
///     #[derive(Debug, serde::Deserialize)]
///     pub struct Item { pub price: f64 }
/// }
/// let error = stf::from_slice::<[(&str, [read::Item; 1]); 1]>(&order).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::WrongType);
/// assert_eq!(error.path(), Some("[0][1][0].price"));
/// ```
///
/// The type is one pointer wide, because every call of serde passes it on.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    cause: Cause,
    /// The place in the value, from the outermost step to the innermost.
    path: String,
    at: Option<usize>,
}

#[derive(Clone, PartialEq, Eq)]
enum Cause {
    Decode(DecodeError),
    Encode(EncodeError),
    Message(String),
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not a term. [`Error::as_decode_error`] has the details.
    NotATerm,
    /// A value has another type than requested, is a struct or an enum of another name, or has another number of
    /// values.
    WrongType,
    /// A value has the right type, but the program's type does not accept it, for example a number that is too large,
    /// or the number of an unknown variant.
    WrongValue,
    /// The program's type has no such field, and does not ignore unknown fields.
    UnknownField,
    /// The program's type has no variant of this name.
    UnknownVariant,
    /// A field without a default is missing.
    MissingField,
    /// A field occurs twice.
    DuplicateField,
    /// The value nests deeper than a term can.
    TooDeep,
    /// The length of a string or of bytes, a count, or the number of a variant is above its limit.
    Limit,
    /// The value exists only in terms of the second kind (capability `terms_2`), and the term was written or read as
    /// one of the first kind.
    NeedsTerms2,
    /// No term can hold the value.
    Unsupported,
    /// The destination buffer has too little room.
    BufferFull,
    /// The program's own type has refused the value.
    Custom,
}

/// A step from a value to a value in it.
pub(super) enum Step<'a> {
    Field(Text<'a>),
    Index(u32),
    Key(Value<'a>),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The name is a peer's. Escaped, it cannot forge a line of a log.
            Self::Field(name) => fmt::Display::fmt(&name.as_str().escape_debug(), f),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Key(key) => write!(f, "[{key}]"),
        }
    }
}

/// The text that replaces the outer steps of a path that is too long.
const CUT: &str = "..";

/// A text that is cut at its limit.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = TERM_ERROR_BYTES_MAX - self.0.len();
        let (fits, _) = text.split_at_checked(text.floor_char_boundary(room)).unwrap_or_default();
        self.0.push_str(fits);
        // The error stops the formatting: text beyond the limit is not even produced.
        if fits.len() < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

fn bounded(text: impl fmt::Display) -> String {
    let mut bounded = Bounded(String::new());
    let _written = write!(bounded, "{text}");
    bounded.0
}

impl Error {
    #[cold]
    pub(super) fn message(kind: ErrorKind, text: impl fmt::Display) -> Self {
        Self::new(kind, Cause::Message(bounded(text)))
    }

    fn new(kind: ErrorKind, cause: Cause) -> Self {
        Self(Box::new(Inner { kind, cause, path: String::new(), at: None }))
    }

    /// Sets the offset, unless it is set already.
    #[cold]
    pub(super) fn near(mut self, at: usize) -> Self {
        self.0.at.get_or_insert(at);
        self
    }

    /// Returns the same error with one more outer step in its path.
    #[cold]
    #[inline(never)]
    pub(super) fn inside(mut self, step: Step<'_>) -> Self {
        let path = &mut self.0.path;
        if !path.starts_with(CUT) {
            let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
            let longer = bounded(format_args!("{step}{dot}{path}"));
            if longer.len() < TERM_ERROR_BYTES_MAX { *path = longer } else { path.insert_str(0, CUT) }
        }
        self
    }

    fn of_field(kind: ErrorKind, field: &str, text: fmt::Arguments<'_>) -> Self {
        Self::message(kind, text).inside(Step::Field(field.into()))
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the place in the value at which reading a term failed, for example `order.items[3].price`.
    ///
    /// Elements are counted from 0, in brackets. The keys of maps are in brackets as well. Returns `None` if the error
    /// is in the outermost value itself, or if writing failed. If a path would have [`TERM_ERROR_BYTES_MAX`] bytes or
    /// more, `..` stands for its outer steps.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        Some(&*self.0.path).filter(|path| !path.is_empty())
    }

    /// Returns the offset of the byte at or near which reading the term failed. The version is byte 0. Returns `None`
    /// if writing failed.
    #[must_use]
    pub fn at(&self) -> Option<usize> {
        self.0.at
    }

    /// Returns the problem with the bytes of the term, or `None` if the bytes are not the cause of the error.
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
        let kind = match error.kind {
            Wrong::TooDeep { .. } => ErrorKind::TooDeep,
            Wrong::TooLong { .. } => ErrorKind::Limit,
            Wrong::UnknownTerm(tag::BYTES | tag::U64 | tag::VARIANT) => ErrorKind::NeedsTerms2,
            _ => ErrorKind::NotATerm,
        };
        Self::new(kind, Cause::Decode(error)).near(error.at)
    }
}

impl From<EncodeError> for Error {
    #[cold]
    fn from(error: EncodeError) -> Self {
        let kind = match error.kind {
            EncodeErrorKind::TooLong { .. } => ErrorKind::Limit,
            EncodeErrorKind::BufferFull { .. } => ErrorKind::BufferFull,
            EncodeErrorKind::SecondKind => ErrorKind::NeedsTerms2,
            EncodeErrorKind::Invalid(_) => ErrorKind::Unsupported,
        };
        Self::new(kind, Cause::Encode(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = self.path() {
            write!(f, "`{path}`: ")?;
        }
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
        Self::message(ErrorKind::Custom, text)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::message(ErrorKind::WrongType, format_args!("invalid type: {found}, expected {expected}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::message(ErrorKind::WrongValue, format_args!("invalid value: {found}, expected {expected}"))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::message(ErrorKind::WrongType, format_args!("invalid length {length}, expected {expected}"))
    }

    fn unknown_variant(variant: &str, _: &'static [&'static str]) -> Self {
        Self::message(
            ErrorKind::UnknownVariant,
            format_args!("the variant `{}` is unknown", variant.escape_debug()),
        )
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::of_field(ErrorKind::UnknownField, field, format_args!("the field is unknown"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::of_field(ErrorKind::MissingField, field, format_args!("the field is missing"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::of_field(ErrorKind::DuplicateField, field, format_args!("the field stands twice"))
    }
}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::message(ErrorKind::Custom, text)
    }
}
