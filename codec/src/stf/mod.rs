//! STF, the term format that messages may carry. Specification: `stf.md`.
//!
//! A term is a version byte and one value. [`decode`] proves a term in one pass and gives a [`Value`] that
//! borrows it and is read lazily; [`Encoder`] writes one. With the feature `serde`, `to_vec` and `from_slice` do
//! both for a program's own types.
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
//! A term of the *second kind* can hold all that one of the first can, and [bytes](Value::Bytes),
//! [integers](Value::U64) from 2^63 to 2^64 - 1, and [variants whose fields have names](Value::Variant). Only who is known to
//! read it is sent one: the other node of a session that has the capability `terms_2`, and every process of the own node.
//! The functions of this module write and read terms of the first kind; the methods of [`Terms`] do both.
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
//! | sequence | list; in a `Set` set |
//! | tuple, tuple struct, array | tuple |
//! | newtype struct | what is in it |
//! | map | map, whose keys are all integers or all strings; others are errors |
//! | struct | struct |
//! | enum | sum type: the variant by its number, and its values |
//! | struct variant of an enum | in the second kind a variant, by its name, and its fields by theirs; in the first a sum, its fields as values in order |
//! | [`Pid`](crate::Pid) | pid |
//! | bytes | bytes in a term of the second kind; an error in the first |
//!
//! To serde a `Result` is an enum like any other. It is known here by its name: an enum that is called `Result`, or
//! `#[serde(rename = "Result")]`, and has a variant `Ok` or `Err` of one value is written as Ok or Err. In reading, Ok
//! and Err are taken for any enum with variants of these names.
//!
//! **The names of structs with named fields, and of enums, are part of their values**: a term of the struct `Point` is read as
//! a struct of that name and as no other. `#[serde(rename = "Point")]` gives a type of another name the same. Other structs
//! have no name in a term: a tuple struct is a tuple, a unit struct is unit.
//!
//! ## Bytes
//! serde takes a `Vec<u8>` for a list of numbers: nine bytes for each. `#[serde(with = "serde_bytes")]`, of the crate of that
//! name, makes bytes of it, of `&[u8]`, which then borrows the term, and of an `Option` of either; `bytes::Bytes` (with its
//! feature `serde`) is bytes by itself.
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
//! Whoever reads bytes into memory of its own (a `Vec<u8>`, `Bytes`) takes a list of small numbers as well, and a `Vec` of any
//! integers is read from bytes, up to as many as a list may have: so a program can turn to bytes while others still write
//! lists. `&[u8]` is read from bytes alone, an array `[u8; N]` from neither but a tuple, and inside of `untagged`, `flatten` and
//! internally tagged types, where serde keeps what it has read, bytes are bytes.
//!
//! ## Changing types
//! While old and new programs run, a type may change so:
//!
//! | change | who has the old type reads the new | who has the new type reads the old |
//! |---|---|---|
//! | a field is added to a struct or a struct variant | the field is ignored (an error with `deny_unknown_fields`) | an error, unless the field is an `Option` or has `#[serde(default)]` |
//! | a field is removed | an error, unless the field is an `Option` or has a default there | the field is ignored |
//! | a field is renamed | as if it were removed and another added | the same; `#[serde(alias = "old")]` reads both |
//! | fields are put in another order | the same value | the same value |
//! | a variant is added behind all others | an error where it is used, [`ErrorKind::UnknownVariant`], unless it holds no value and a variant has `#[serde(other)]`; of a variant that goes by its number [`ErrorKind::WrongValue`] | the same value |
//! | a struct variant is added or moved, anywhere among struct variants | as above | the same value |
//! | any other variant is moved, or one before it is added or removed | **another variant, without an error** | the same |
//! | an integer gets wider or narrower | the same number, or an error if it does not fit | the same |
//! | a struct or an enum is renamed | an error | an error; `#[serde(rename = "Old")]` keeps the name |
//! | a tuple or a tuple variant gets another length | an error | an error |
//!
//! What is said here of struct variants holds in terms of the second kind. In the first they are like tuple variants, and the
//! runtime sends them so to a node that reads no other: whoever has such nodes moves no struct variant either.
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

/// What every term begins with.
pub const VERSION: u8 = 1;

/// The tags of values, as the registry has them.
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

/// Every tag of a value, and its name in the specification's registry.
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

/// What the keys of a map are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// `00`: ints; in a term of the second kind integers of both types.
    Int,
    /// `01`: strings.
    Str,
}

impl KeyType {
    const fn to_byte(self) -> u8 {
        match self {
            Self::Int => 0,
            Self::Str => 1,
        }
    }

    /// Whether a key of a map in one of `terms` can have this tag.
    fn is(self, found: u8, terms: Terms) -> bool {
        match self {
            Self::Int if found == tag::U64 => terms == Terms::Second,
            Self::Int => found == tag::INT,
            Self::Str => found == tag::STRING,
        }
    }

    /// The key type of a map with a key of this tag.
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
        //# In both readings a reader MUST refuse a map whose key type is neither 0 nor 1.
        match reader.u8("map.keys")? {
            0 => Ok(Self::Int),
            1 => Ok(Self::Str),
            _ => Err(reader.invalid("map.keys", at, "keys are ints (0) or strings (1)")),
        }
    }
}

/// Reads a term of the first kind and gives the bytes after it, which only the compatible reading lets pass.
///
/// Proves the term in one pass, in time linear in its length, without recursion or memory of its own.
///
/// # Errors
/// What is wrong, at which byte of the term (its version is byte 0). Its values nest deeper than
/// [`TERM_DEPTH_MAX`](crate::limits::TERM_DEPTH_MAX) levels; the outermost value is the first.
pub fn decode(term: &[u8], reading: Reading) -> Result<(Value<'_>, &[u8]), DecodeError> {
    Terms::First.decode(term, reading)
}

/// As [`decode`], with a limit of `depth_max` levels. More than [`TERM_DEPTH_MAX`](crate::limits::TERM_DEPTH_MAX) is taken as that.
///
/// # Errors
/// As [`decode`].
pub fn decode_at_most(
    term: &[u8],
    reading: Reading,
    depth_max: usize,
) -> Result<(Value<'_>, &[u8]), DecodeError> {
    Terms::First.decode_at_most(term, reading, depth_max)
}

pub(crate) fn read_version(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    //= spec/stf.md#stf-ver-001
    //# In both readings a reader MUST refuse bytes that do not begin with the version byte `01`.
    match reader.u8("version")? {
        VERSION => Ok(()),
        _ => Err(DecodeError::new(Wrong::Invalid("a term's version is 01"), "version", 0)),
    }
}

#[cfg(test)]
mod tests;
