//! STF, the term format of structured messages. Specification: `stf.md`.
//!
//! A term is a version byte and one value. [`decode`] validates a term in one pass and returns a [`Value`], which
//! borrows the term and is read lazily. [`Encoder`] writes a term. With the feature `serde`, `to_vec` and
//! `from_slice` convert a program's own types, and their errors name the place in the value.
//!
//! ```
//! use snow_dist_codec::Reading;
//! use snow_dist_codec::stf::{self, Encoder, Value};
//!
//! let mut term = Vec::new();
//! let mut encoder = Encoder::new(&mut term);
//! encoder.tuple(2).unwrap();
//! encoder.int(7);
//! encoder.str("seven".into()).unwrap();
//! encoder.finish().unwrap();
//!
//! let (value, _) = stf::decode(&term, Reading::Strict).unwrap();
//! let Value::Tuple(values) = value else { panic!() };
//! assert_eq!(values.iter().collect::<Vec<_>>(), [Value::Int(7), Value::Str("seven".into())]);
//! ```
//!
//! # Two kinds
//! A term of the *second kind* can hold everything that a term of the first kind can, and in addition
//! [bytes](Value::Bytes), [integers](Value::U64) from 2^63 to 2^64 - 1, and [variants with named
//! fields](Value::Variant). Send a term of the second kind only to a reader that is known to read this kind: the
//! other node of a session with the capability `terms_2`, or any process of the same node. The functions of this
//! module write and read terms of the first kind. The methods of [`Terms`] write and read either kind.
//!
//! # With serde
//! | in serde's model | in a term |
//! |---|---|
//! | unit, unit struct | unit |
//! | bool | true, false |
//! | integers from -2^63 to 2^63 - 1 | int |
//! | integers from 2^63 to 2^64 - 1 | u64 in a term of the second kind; an error in the first |
//! | other integers | an error |
//! | f32, f64 | float |
//! | str, char | string |
//! | Option | Some, None |
//! | `Result` | Ok, Err |
//! | sequence | list, or set if it is in a `Set` |
//! | tuple, tuple struct, array | tuple |
//! | newtype struct | the value in it |
//! | map | map; its keys must all be integers or all be strings |
//! | struct | struct |
//! | enum | sum type: the number of the variant, and its values |
//! | struct variant of an enum | second kind: variant, by its name, with fields by name; first kind: sum type, with the fields as values in order |
//! | [`Pid`](crate::Pid) | pid |
//! | bytes | bytes in a term of the second kind; an error in the first |
//!
//! To serde a `Result` is an enum like any other. This module recognises the enum by its name, which can also be given
//! by `#[serde(rename = "Result")]`: its variants `Ok` and `Err` are written as Ok and Err if they have one value. Ok
//! and Err can be read as any enum with variants of these names.
//!
//! **The names of structs with named fields, and of enums, are part of their values**: a term of the struct `Point`
//! can be read only as a struct with that name. `#[serde(rename = "Point")]` gives another type this name. Other
//! structs have no name in a term: a tuple struct is a tuple, a unit struct is unit.
//!
//! ## Bytes
//! serde treats a `Vec<u8>` as a list of numbers, and each number needs nine bytes in the term. With the attribute
//! `#[serde(with = "serde_bytes")]`, from the crate of that name, the `Vec<u8>` becomes bytes. The attribute also works
//! for `&[u8]`, which then borrows the term, and for an `Option` of either. The type `bytes::Bytes` (with the feature
//! `serde` of its crate) is bytes without the attribute.
//!
//! ```
//! # #[cfg(feature = "serde")] {
//! # mod serde_bytes { // what that crate does
//! #     pub fn serialize<S: serde::Serializer>(b: &[u8], s: S) -> Result<S::Ok, S::Error> { s.serialize_bytes(b) }
//! #     pub fn deserialize<'de, D: serde::Deserializer<'de>>(d: D) -> Result<&'de [u8], D::Error> {
//! #         serde::Deserialize::deserialize(d)
//! #     }
//! # }
//! use snow_dist_codec::stf::Terms;
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Page<'a> {
//!     number: u64,
//!     #[serde(with = "serde_bytes")]
//!     body: &'a [u8],
//! }
//!
//! let body = vec![0xAB; 1_000_000];
//! let term = Terms::Second.to_vec(&Page { number: 7, body: &body }).unwrap();
//! assert!(term.len() < 1_000_100);
//! let page: Page = Terms::Second.from_slice(&term).unwrap();
//! assert_eq!(page.body, body);
//! # }
//! ```
//!
//! | read as | from bytes | from a list of small numbers |
//! |---|---|---|
//! | `Vec<u8>` with `serde_bytes`, `Bytes` | yes | yes |
//! | a `Vec` of integers | yes, if there are no more than a list can have | yes |
//! | `&[u8]` with `serde_bytes` | yes | no |
//! | `[u8; N]` | no | yes, from a list or a tuple of exactly N numbers |
//!
//! A program can therefore switch to bytes while others still write lists. Inside `untagged`, `flatten` and
//! internally tagged types, where serde buffers what it reads, bytes can be read only as bytes.
//!
//! ## Changing types
//! While programs with the old and the new type run, a type can be changed as follows:
//!
//! | change | a program with the old type reads the new | a program with the new type reads the old |
//! |---|---|---|
//! | a field is added to a struct or a struct variant | the field is ignored (an error with `deny_unknown_fields`) | an error, unless the field is an `Option` or has `#[serde(default)]` |
//! | a field is removed | an error, unless the field is an `Option` or has `#[serde(default)]` in the old type | the field is ignored (an error with `deny_unknown_fields`) |
//! | a field is renamed | as if it were removed and another added | as if it were removed and another added; `#[serde(alias = "old")]` reads both names |
//! | the order of fields changes | the same value | the same value |
//! | a variant other than a struct variant is added after all others | an error for a value of this variant, [`ErrorKind::WrongValue`], unless it holds no values and the old type has a variant with `#[serde(other)]` | the same value |
//! | a struct variant is added, with only struct variants after it | an error for a value of this variant, [`ErrorKind::UnknownVariant`], unless the old type has a variant with `#[serde(other)]` | the same value |
//! | a struct variant is moved past other struct variants | the same value | the same value |
//! | any other variant is moved, or a variant before it is added or removed | **another variant, without an error** | **another variant, without an error** |
//! | an integer gets wider or narrower | the same number, or an error if it does not fit | the same number, or an error if it does not fit |
//! | a struct or an enum is renamed | an error | an error; `#[serde(rename = "Old")]` keeps the name |
//! | a tuple or a tuple variant gets another length | an error | an error |
//!
//! The rows about struct variants, and about fields of them, hold for terms of the second kind. In terms of the first
//! kind struct variants are like tuple variants. The runtime sends terms of the first kind to a node that does not read
//! the second: if there are such nodes, treat struct variants like tuple variants.
//!
//! ```
//! # #[cfg(feature = "serde")] {
//! use snow_dist_codec::stf::{ErrorKind, Terms};
//!
//! mod old {
//!     # use serde::{Deserialize, Serialize};
//!     #[derive(Serialize, Deserialize, Debug, PartialEq)]
//!     pub enum Order {
//!         Buy { item: String },
//!     }
//! }
//! mod new {
//!     # use serde::{Deserialize, Serialize};
//!     #[derive(Serialize, Deserialize, Debug, PartialEq)]
//!     pub enum Order {
//!         Sell { item: String },
//!         Buy {
//!             #[serde(default)]
//!             count: u64,
//!             item: String,
//!         },
//!     }
//! }
//!
//! let term = Terms::Second.to_vec(&new::Order::Buy { count: 2, item: "tea".into() }).unwrap();
//! let read: old::Order = Terms::Second.from_slice(&term).unwrap();
//! assert_eq!(read, old::Order::Buy { item: "tea".into() });
//!
//! let term = Terms::Second.to_vec(&old::Order::Buy { item: "tea".into() }).unwrap();
//! let read: new::Order = Terms::Second.from_slice(&term).unwrap();
//! assert_eq!(read, new::Order::Buy { count: 0, item: "tea".into() });
//!
//! let term = Terms::Second.to_vec(&new::Order::Sell { item: "tea".into() }).unwrap();
//! let error = Terms::Second.from_slice::<old::Order>(&term).unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::UnknownVariant);
//! # }
//! ```

#[cfg(feature = "serde")]
mod de;
mod encode;
#[cfg(feature = "serde")]
mod error;
mod pids;
mod prove;
#[cfg(feature = "serde")]
mod ser;
#[cfg(feature = "serde")]
mod set;
mod terms;
mod value;

#[cfg(feature = "serde")]
pub use de::from_slice;
pub use encode::Encoder;
#[cfg(feature = "serde")]
pub use error::{Error, ErrorKind};
pub use pids::{for_each_pid, replace_pid};
#[cfg(feature = "serde")]
pub use ser::{append, to_vec, to_writer};
#[cfg(feature = "serde")]
pub use set::Set;
pub use terms::Terms;
pub use value::{Map, Struct, Sum, Term, Value, Values, Variant};

use crate::layout::{Reader, Source};
use crate::{DecodeError, ErrorKind as Wrong, Reading};

/// The first byte of every term.
pub const VERSION: u8 = 1;

/// The tags of values, as in the registry.
pub(crate) mod tag {
    pub(crate) const INT: u8 = 1;
    pub(crate) const FLOAT: u8 = 2;
    pub(crate) const TRUE: u8 = 3;
    pub(crate) const FALSE: u8 = 4;
    pub(crate) const STRING: u8 = 5;
    pub(crate) const UNIT: u8 = 6;
    pub(crate) const BYTES: u8 = 7;
    pub(crate) const U64: u8 = 8;
    pub(crate) const LIST: u8 = 10;
    pub(crate) const MAP: u8 = 11;
    pub(crate) const SET: u8 = 12;
    pub(crate) const TUPLE: u8 = 13;
    pub(crate) const STRUCT: u8 = 20;
    pub(crate) const SUM: u8 = 21;
    pub(crate) const VARIANT: u8 = 22;
    pub(crate) const PID: u8 = 30;
    pub(crate) const SOME: u8 = 40;
    pub(crate) const NONE: u8 = 41;
    pub(crate) const OK: u8 = 42;
    pub(crate) const ERR: u8 = 43;
    pub(crate) const CLOSURE: u8 = 255;
}

/// All tags of values, each with its name in the specification's registry. The tag of closures is never valid.
pub const TAGS: &[(u8, &str)] = &[
    (tag::INT, "int"),
    (tag::FLOAT, "float"),
    (tag::TRUE, "true"),
    (tag::FALSE, "false"),
    (tag::STRING, "string"),
    (tag::UNIT, "unit"),
    (tag::BYTES, "bytes"),
    (tag::U64, "u64"),
    (tag::LIST, "list"),
    (tag::MAP, "map"),
    (tag::SET, "set"),
    (tag::TUPLE, "tuple"),
    (tag::STRUCT, "struct"),
    (tag::SUM, "sum"),
    (tag::VARIANT, "variant"),
    (tag::PID, "pid"),
    (tag::SOME, "Some"),
    (tag::NONE, "None"),
    (tag::OK, "Ok"),
    (tag::ERR, "Err"),
    (tag::CLOSURE, "closure"),
];

/// The type of the keys of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// The keys are integers: ints, and in a term of the second kind also u64s. Byte `00`.
    Int,
    /// The keys are strings. Byte `01`.
    Str,
}

impl KeyType {
    const fn to_byte(self) -> u8 {
        match self {
            Self::Int => 0,
            Self::Str => 1,
        }
    }

    /// Returns `true` if a map key in one of `terms` can have this tag.
    fn is(self, found: u8, terms: Terms) -> bool {
        match self {
            Self::Int if found == tag::U64 => terms == Terms::Second,
            Self::Int => found == tag::INT,
            Self::Str => found == tag::STRING,
        }
    }

    /// Returns the key type of a map with a key of this tag.
    #[cfg(feature = "serde")]
    const fn of(found: u8) -> Option<Self> {
        match found {
            tag::INT | tag::U64 => Some(Self::Int),
            tag::STRING => Some(Self::Str),
            _ => None,
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = reader.at();
        //= spec/stf.md#stf-map-001
        //# A reader MUST refuse a map whose key type is neither 0 nor 1.
        match reader.u8("map.keys")? {
            0 => Ok(Self::Int),
            1 => Ok(Self::Str),
            _ => Err(reader.invalid("map.keys", at, "keys are ints (0) or strings (1)")),
        }
    }
}

/// Decodes a term of the first kind. Returns the value of the term, and the bytes after the value.
///
/// Only the compatible reading accepts bytes after the value. The whole term is validated in one pass, in time
/// linear in its length, without recursion and without allocation.
///
/// # Errors
/// Returns [`DecodeError`] if the bytes are not a term of the first kind, or if the values nest deeper than
/// [`TERM_DEPTH_MAX`](crate::limits::TERM_DEPTH_MAX) levels. The outermost value is the first level. Offsets are
/// counted from the version, which is byte 0.
pub fn decode(term: &[u8], reading: Reading) -> Result<(Value<'_>, &[u8]), DecodeError> {
    Terms::First.decode(term, reading)
}

/// Decodes a term like [`decode`], with a limit of `depth_max` levels.
///
/// A limit above [`TERM_DEPTH_MAX`](crate::limits::TERM_DEPTH_MAX) is reduced to it. With a limit of 0, no term is
/// accepted.
///
/// # Errors
/// Returns the errors of [`decode`].
pub fn decode_at_most(
    term: &[u8],
    reading: Reading,
    depth_max: usize,
) -> Result<(Value<'_>, &[u8]), DecodeError> {
    Terms::First.decode_at_most(term, reading, depth_max)
}

pub(crate) fn read_version(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    //= spec/stf.md#stf-ver-001
    //# A reader MUST refuse bytes that do not begin with the version byte `01`.
    match reader.u8("version")? {
        VERSION => Ok(()),
        _ => Err(DecodeError::new(Wrong::Invalid("a term's version is 01"), "version", 0)),
    }
}

#[cfg(test)]
mod tests;
