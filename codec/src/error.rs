//! Errors of decoding and encoding: each names the problem, the field and, in decoding, the byte.
//!
//! [`DecodeError`] rejects bytes, [`EncodeError`] rejects values. Their kinds ([`ErrorKind`],
//! [`EncodeErrorKind`]) are for programs; their `Display` texts are for people.

use core::fmt;

/// A place in a message: a field, an element of a list, or a part of such an element.
///
/// Displayed as `to`, `names[3]`, `entries[2].node` or `reason.root.text`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// The field's name in the specification's tables. Nested fields are separated by dots (`reason.root`).
    pub name: &'static str,
    /// The index of the element, counted from 0, or `None` if the place is the whole field.
    pub index: Option<u32>,
    /// The name of the part of the element, or an empty string if the place is not such a part.
    pub part: &'static str,
}

impl Field {
    /// Creates a reference to the whole field `name`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, index: None, part: "" }
    }

    /// Creates a reference to element `index` of the list `name`. A larger index than `u32::MAX` becomes `u32::MAX`.
    #[must_use]
    pub fn element(name: &'static str, index: usize) -> Self {
        Self { name, index: Some(u32::try_from(index).unwrap_or(u32::MAX)), part: "" }
    }

    /// Creates a reference to the part `part` of element `index` of the list `name`.
    #[must_use]
    pub fn part(name: &'static str, index: usize, part: &'static str) -> Self {
        Self { part, ..Self::element(name, index) }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if let Some(index) = self.index {
            write!(f, "[{index}]")?;
        }
        if !self.part.is_empty() {
            write!(f, ".{}", self.part)?;
        }
        Ok(())
    }
}

/// An error that says why bytes are not a valid message, reason or term.
///
/// ```
/// use snow_dist_codec::{Frame, Reading};
///
/// let error = Frame::decode(b"\x13\x01\0\0\0\0\0\0\0\x02", Reading::Compatible).unwrap_err();
/// assert_eq!(error.to_string(), "`to` at byte 9: needs 8 bytes, the message ends after 1 of them");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
//= spec/dist.md#dist-fld-010
//# The error of a refusal SHOULD say what is wrong, in which field, and at which byte of the payload.
pub struct DecodeError {
    /// The kind of the error.
    pub kind: ErrorKind,
    /// The field that could not be read or whose value is not allowed. It is `tag` for the tag of a message, and
    /// `trailing` for surplus bytes.
    pub field: Field,
    /// The offset of the error in bytes. Byte 0 is the first byte of what was decoded: the tag of a message, or the
    /// version of a term.
    pub at: usize,
}

impl DecodeError {
    #[cold]
    pub(crate) const fn new(kind: ErrorKind, field: &'static str, at: usize) -> Self {
        Self { kind, field: Field::new(field), at }
    }

    /// Returns the same error inside element `index` of the list `name`. Its previous field becomes the part.
    pub(crate) fn inside(self, name: &'static str, index: usize) -> Self {
        Self { field: Field::part(name, index, self.field.name), ..self }
    }

    /// Returns the same error for bytes that lie `offset` bytes further on.
    pub(crate) const fn moved(self, offset: usize) -> Self {
        Self { at: self.at + offset, ..self }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` at byte {}: {}", self.field, self.at, self.kind)
    }
}

impl core::error::Error for DecodeError {}

/// The kind of a [`DecodeError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The message ends before or inside a field of fixed size.
    Truncated {
        /// The size of the field in bytes.
        needed: usize,
        /// The number of bytes of the field that are present.
        found: usize,
    },
    /// A length or a count needs more bytes than the message still has.
    Overrun {
        /// The number of bytes needed: a length itself, or the minimum size of the counted elements.
        promised: u64,
        /// The number of bytes that follow the length or count.
        found: usize,
    },
    /// A text is not UTF-8. [`DecodeError::at`] is the offset of the first byte that is not.
    Utf8,
    /// A payload that must have a tag is empty. For frames, only the strict reading refuses it.
    Empty,
    /// The tag of a message is not known. For frames, only the strict reading refuses it.
    UnknownTag(u8),
    /// The tag of a reason is above 6. Only the strict reading refuses it.
    UnknownReason(u8),
    /// Bytes follow the last field. Only the strict reading refuses them, except after the extension block or the proof
    /// of a handshake message: there, both readings refuse them.
    Surplus {
        /// The number of surplus bytes.
        count: usize,
    },
    /// A value is not allowed by the specification. The text says which values are allowed.
    Invalid(&'static str),
    /// A length or a count is above its limit.
    TooLong {
        /// The limit, in bytes or elements.
        max: u64,
        /// The length or count that was found.
        actual: u64,
    },
    /// The extensions of a block are not in strictly ascending order of type: one is out of order or repeated.
    Unordered,
    /// A mandatory extension (type 8000 or above, hexadecimal) is not known to this implementation.
    Mandatory(u16),
    /// A term has more levels than the limit.
    TooDeep {
        /// The limit, in levels.
        max: usize,
    },
    /// A tag in a term is not known, or is one of the second kind in a term of the first kind.
    UnknownTerm(u8),
    /// A term holds a closure (tag 255), which can never be sent.
    Closure,
    /// A message does not begin with one of the type tags reserved for signals. The number is its first eight bytes.
    NotASignal(u64),
}

impl ErrorKind {
    /// Returns the name of the kind that test vectors and the JSON of the command `snow-dist` use.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "truncated",
            Self::Overrun { .. } => "overrun",
            Self::Utf8 => "utf8",
            Self::Empty => "empty",
            Self::UnknownTag(_) => "unknown_tag",
            Self::UnknownReason(_) => "unknown_reason",
            Self::Surplus { .. } => "surplus",
            Self::Invalid(_) => "invalid",
            Self::TooLong { .. } => "too_long",
            Self::Unordered => "unordered",
            Self::Mandatory(_) => "mandatory",
            Self::TooDeep { .. } => "too_deep",
            Self::UnknownTerm(_) => "unknown_term",
            Self::Closure => "closure",
            Self::NotASignal(_) => "not_a_signal",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { needed, found } => {
                write!(f, "needs {}, the message ends after {found} of them", Bytes(needed as u64))
            }
            Self::Overrun { promised, found } => {
                write!(f, "promises {}, {found} follow", Bytes(promised))
            }
            Self::Utf8 => f.write_str("is not UTF-8"),
            Self::Empty => f.write_str("is missing: there are no bytes"),
            Self::UnknownTag(tag) => write!(f, "{tag:#04x} is not a tag that may stand here"),
            Self::UnknownReason(tag) => write!(f, "{tag:#04x} is not a reason tag (00 to 06)"),
            Self::Surplus { count } => {
                write!(f, "surplus of {} where the message must end", Bytes(count as u64))
            }
            Self::Invalid(allowed) => f.write_str(allowed),
            Self::TooLong { max, actual } => write!(f, "{actual} is over the limit of {max}"),
            Self::Unordered => f.write_str("types must ascend, and none may stand twice"),
            Self::Mandatory(kind) => {
                write!(f, "extension {kind:04x} is not known here and must not be ignored")
            }
            Self::TooDeep { max } => write!(f, "nests deeper than {max} levels"),
            Self::UnknownTerm(tag @ (7 | 8 | 22)) => {
                write!(f, "{tag} is a tag of terms of the second kind (`terms_2`) alone")
            }
            Self::UnknownTerm(tag) => write!(f, "{tag} is not a term tag"),
            Self::Closure => f.write_str("a closure cannot be sent"),
            Self::NotASignal(tag) => write!(f, "{tag:#018x} is not a reserved type tag"),
        }
    }
}

/// A number of bytes, displayed in words.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} byte{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

/// An error that says why a value cannot be encoded. Nothing of the value has been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncodeError {
    /// The kind of the error.
    pub kind: EncodeErrorKind,
    /// The field that cannot be written. It is `length` if the whole payload is too long, and `buffer` if the
    /// destination buffer has too little room.
    pub field: Field,
}

impl EncodeError {
    #[cold]
    pub(crate) const fn new(kind: EncodeErrorKind, field: &'static str) -> Self {
        Self { kind, field: Field::new(field) }
    }

    #[cold]
    pub(crate) const fn too_long(field: &'static str, max: u64, actual: usize) -> Self {
        Self::new(EncodeErrorKind::TooLong { max, actual: actual as u64 }, field)
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` cannot be written: {}", self.field, self.kind)
    }
}

impl core::error::Error for EncodeError {}

/// The kind of an [`EncodeError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// A text, a list or a frame is longer than its length field can express or than its limit allows.
    TooLong {
        /// The maximum, in bytes or elements.
        max: u64,
        /// The actual number of bytes or elements.
        actual: u64,
    },
    /// The destination buffer has too little room.
    BufferFull {
        /// The number of bytes to be written.
        needed: usize,
        /// The number of bytes for which the buffer has room.
        room: usize,
    },
    /// A value is not allowed by the specification. The text says which values are allowed.
    Invalid(&'static str),
    /// A value exists only in terms of the second kind (capability `terms_2`), and this term is of the first kind.
    SecondKind,
}

impl fmt::Display for EncodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooLong { max, actual } => write!(f, "{actual} is over the limit of {max}"),
            Self::BufferFull { needed, room } => {
                write!(f, "{} do not fit the {room} left in the buffer", Bytes(needed as u64))
            }
            Self::Invalid(allowed) => f.write_str(allowed),
            Self::SecondKind => f.write_str("only a term of the second kind (`terms_2`) holds it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_field_is_shown_with_element_and_part() {
        assert_eq!(Field::new("to").to_string(), "to");
        assert_eq!(Field::element("names", 3).to_string(), "names[3]");
        assert_eq!(Field::part("entries", 2, "node").to_string(), "entries[2].node");
        assert_eq!(Field::element("names", usize::MAX).to_string(), "names[4294967295]");
    }

    #[test]
    fn every_kind_is_named_and_shown() {
        for (kind, name, shown) in [
            (
                ErrorKind::Truncated { needed: 1, found: 0 },
                "truncated",
                "needs 1 byte, the message ends after 0 of them",
            ),
            (ErrorKind::Overrun { promised: 2, found: 1 }, "overrun", "promises 2 bytes, 1 follow"),
            (ErrorKind::Utf8, "utf8", "is not UTF-8"),
            (ErrorKind::Empty, "empty", "is missing: there are no bytes"),
            (ErrorKind::UnknownTag(7), "unknown_tag", "0x07 is not a tag that may stand here"),
            (ErrorKind::UnknownReason(7), "unknown_reason", "0x07 is not a reason tag (00 to 06)"),
            (ErrorKind::Surplus { count: 0 }, "surplus", "surplus of 0 bytes where the message must end"),
            (ErrorKind::Invalid("why"), "invalid", "why"),
            (ErrorKind::TooLong { max: 1, actual: 2 }, "too_long", "2 is over the limit of 1"),
            (ErrorKind::Unordered, "unordered", "types must ascend, and none may stand twice"),
            (
                ErrorKind::Mandatory(0x8000),
                "mandatory",
                "extension 8000 is not known here and must not be ignored",
            ),
            (ErrorKind::TooDeep { max: 64 }, "too_deep", "nests deeper than 64 levels"),
            (ErrorKind::UnknownTerm(99), "unknown_term", "99 is not a term tag"),
            (
                ErrorKind::UnknownTerm(7),
                "unknown_term",
                "7 is a tag of terms of the second kind (`terms_2`) alone",
            ),
            (ErrorKind::Closure, "closure", "a closure cannot be sent"),
            (ErrorKind::NotASignal(1), "not_a_signal", "0x0000000000000001 is not a reserved type tag"),
        ] {
            assert_eq!((kind.name(), &*kind.to_string()), (name, shown));
        }
    }

    #[test]
    fn what_cannot_be_written_is_shown_with_its_field() {
        for (kind, shown) in [
            (EncodeErrorKind::TooLong { max: 1, actual: 2 }, "2 is over the limit of 1"),
            (
                EncodeErrorKind::BufferFull { needed: 1, room: 0 },
                "1 byte do not fit the 0 left in the buffer",
            ),
            (EncodeErrorKind::Invalid("why"), "why"),
            (EncodeErrorKind::SecondKind, "only a term of the second kind (`terms_2`) holds it"),
        ] {
            let error = EncodeError::new(kind, "name");
            assert_eq!(error.to_string(), alloc::format!("`name` cannot be written: {shown}"));
        }
    }

    #[test]
    fn an_error_inside_an_element_stands_where_it_is() {
        let error = DecodeError::new(ErrorKind::Utf8, "node", 3).inside("entries", 1).moved(10);
        assert_eq!(error.to_string(), "`entries[1].node` at byte 13: is not UTF-8");
    }
}
