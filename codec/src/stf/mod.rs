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
//! # With serde
//! | in serde's model | in a term |
//! |---|---|
//! | unit, unit struct | unit |
//! | bool | true, false |
//! | integers from -2^63 to 2^63 - 1 | int; others are errors |
//! | f32, f64 | float |
//! | str, char | string |
//! | Option | Some, None |
//! | `Result` | Ok, Err |
//! | sequence | list; in a `Set` set |
//! | tuple, tuple struct, array | tuple |
//! | newtype struct | what is in it |
//! | map | map, whose keys are all ints or all strings; others are errors |
//! | struct | struct |
//! | enum | sum type; the fields of a struct variant are values in order |
//! | [`Pid`](crate::Pid) | pid |
//! | bytes | an error |
//!
//! To serde a `Result` is an enum like any other. It is known here by its name: an enum that is called `Result`, or
//! `#[serde(rename = "Result")]`, and has a variant `Ok` or `Err` of one value is written as Ok or Err. In reading, Ok
//! and Err are taken for any enum with variants of these names.

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
mod value;

#[cfg(feature = "serde")]
pub use de::from_slice;
pub use encode::Encoder;
#[cfg(feature = "serde")]
pub use error::Error;
pub use pids::{for_each_pid, replace_pid};
#[cfg(feature = "serde")]
pub use ser::{append, to_vec, to_writer};
#[cfg(feature = "serde")]
pub use set::Set;
pub use value::{Map, Struct, Sum, Term, Value, Values};

use crate::layout::{Reader, Source};
use crate::limits::TERM_DEPTH_MAX;
use crate::{DecodeError, ErrorKind, Reading};

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
    pub(crate) const LIST: u8 = 10;
    pub(crate) const MAP: u8 = 11;
    pub(crate) const SET: u8 = 12;
    pub(crate) const TUPLE: u8 = 13;
    pub(crate) const STRUCT: u8 = 20;
    pub(crate) const SUM: u8 = 21;
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
    (tag::LIST, "list"),
    (tag::MAP, "map"),
    (tag::SET, "set"),
    (tag::TUPLE, "tuple"),
    (tag::STRUCT, "struct"),
    (tag::SUM, "sum"),
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
    /// `00`: ints.
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

    /// The tag that each key has.
    const fn tag(self) -> u8 {
        match self {
            Self::Int => tag::INT,
            Self::Str => tag::STRING,
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

/// Reads a term and gives the bytes after it, which only the compatible reading lets pass.
///
/// Proves the term in one pass, in time linear in its length, without recursion or memory of its own.
///
/// # Errors
/// What is wrong, at which byte of the term (its version is byte 0). Its values nest deeper than
/// [`TERM_DEPTH_MAX`] levels; the outermost value is the first.
pub fn decode(term: &[u8], reading: Reading) -> Result<(Value<'_>, &[u8]), DecodeError> {
    decode_at_most(term, reading, TERM_DEPTH_MAX)
}

/// As [`decode`], with a limit of `depth_max` levels. More than [`TERM_DEPTH_MAX`] is taken as that.
///
/// # Errors
/// As [`decode`].
pub fn decode_at_most(
    term: &[u8],
    reading: Reading,
    depth_max: usize,
) -> Result<(Value<'_>, &[u8]), DecodeError> {
    let mut reader = Reader::new(term, reading);
    read_version(&mut reader)?;
    let value = reader;
    prove::value(&mut reader, depth_max)?;
    //= spec/stf.md#stf-ver-002
    //# A reader MUST treat bytes after the value as surplus.
    let surplus = reader.finish()?;
    let length = reader.at() - value.at();
    let (value, _) = value.remaining().split_at_checked(length).unwrap_or_default();
    Ok((Term::proven(value).value(), surplus))
}

pub(crate) fn read_version(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    //= spec/stf.md#stf-ver-001
    //# In both readings a reader MUST refuse bytes that do not begin with the version byte `01`.
    match reader.u8("version")? {
        VERSION => Ok(()),
        _ => Err(DecodeError::new(ErrorKind::Invalid("a term's version is 01"), "version", 0)),
    }
}

#[cfg(test)]
mod tests;
