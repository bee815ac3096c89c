//! What goes wrong between terms and a program's types.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt::{self, Write};

use serde::de::{Expected, Unexpected};

use super::{Value, tag};
use crate::limits::TERM_ERROR_BYTES_MAX;
use crate::{DecodeError, EncodeError, EncodeErrorKind, ErrorKind as Wrong, Text};

/// Why a term cannot be made of a value, or a value of a term.
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
/// One pointer wide: it travels through every call of serde.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    cause: Cause,
    /// Where in the value, from the outside in.
    path: String,
    at: Option<usize>,
}

#[derive(Clone, PartialEq, Eq)]
enum Cause {
    Decode(DecodeError),
    Encode(EncodeError),
    Message(String),
}

/// The kinds of [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are no term: [`Error::as_decode_error`] says what is wrong with them.
    NotATerm,
    /// A value of another type than asked for, or of a struct or an enum of another name, or with another number of values.
    WrongType,
    /// A value of the right type that the program's type does not take, as a number that is too large for it.
    WrongValue,
    /// A field that the program's type has not, and does not ignore.
    UnknownField,
    /// A variant that the program's type has not.
    UnknownVariant,
    /// A field is not there, and has no default.
    MissingField,
    /// A field stands twice.
    DuplicateField,
    /// More levels than a term has.
    TooDeep,
    /// A string, bytes, or a count over its limit.
    Limit,
    /// Only terms of the second kind hold it, and this is one of the first: the capability `terms_2`.
    NeedsTerms2,
    /// A value that no term can hold.
    Unsupported,
    /// The buffer to write into has too little room.
    BufferFull,
    /// The program's own type has refused it.
    Custom,
}

/// A step from a value to one that is in it.
pub(super) enum Step<'a> {
    Field(Text<'a>),
    Index(u32),
    Key(Value<'a>),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A peer's words: they forge no line of a log.
            Self::Field(name) => fmt::Display::fmt(&name.as_str().escape_debug(), f),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Key(key) => write!(f, "[{key}]"),
        }
    }
}

/// What stands for the outer steps of a path that is too long.
const CUT: &str = "..";

/// Text that ends at its limit.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = TERM_ERROR_BYTES_MAX - self.0.len();
        let (fits, _) = text.split_at_checked(text.floor_char_boundary(room)).unwrap_or_default();
        self.0.push_str(fits);
        // What is cut is not made.
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

    /// Says where reading stood, if nobody said so before.
    #[cold]
    pub(super) fn near(mut self, at: usize) -> Self {
        self.0.at.get_or_insert(at);
        self
    }

    /// The same error one level further out.
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

    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Where in the value the error is, when a term is read: `order.items[3].price`. Elements are counted from 0, and the key
    /// of a map stands in brackets as well. None if it is the outermost value itself. What is longer than
    /// [`TERM_ERROR_BYTES_MAX`] begins with `..`.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        Some(&*self.0.path).filter(|path| !path.is_empty())
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
