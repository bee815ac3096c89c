//! Terms in human-readable formats, in both directions.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::stf::{Encoder, KeyType, Struct, Terms, Value, Values};
use crate::{EncodeError, Pid, Text};

/// A term of either kind in serde's data model, each value with its type: `{"type": "int", "value": "7"}`.
///
/// Integers are decimal strings, like all 64-bit numbers. Floats are represented by their bits and bytes by their
/// content, both in hexadecimal. Nothing of a term is lost: [`TermDocument::to_vec`] returns the same bytes again.
/// Specification: `stf.md`.
///
/// ```
/// use snow_dist_codec::Reading;
/// use snow_dist_codec::document::TermDocument;
/// use snow_dist_codec::stf;
///
/// let json = r#"{"type":"tuple","values":[{"type":"int","value":"7"},{"type":"none"}]}"#;
/// let document: TermDocument = serde_json::from_str(json).unwrap();
/// let term = document.to_vec().unwrap();
/// let (value, _) = stf::decode(&term, Reading::Strict).unwrap();
/// assert_eq!(serde_json::to_string(&TermDocument::from(value)).unwrap(), json);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum TermDocument {
    /// An integer from -2^63 to 2^63 - 1.
    Int {
        /// The integer, in decimal.
        value: String,
    },
    /// A float with any bit pattern.
    Float {
        /// The 64 bits of the float in hexadecimal. Up to 16 digits can be read, and exactly 16 are written.
        bits: String,
    },
    /// A boolean.
    Bool {
        /// The boolean.
        value: bool,
    },
    /// A string.
    String {
        /// The text of the string.
        value: String,
    },
    /// The unit.
    Unit,
    /// Bytes, which only terms of the second kind can hold.
    Bytes {
        /// The bytes, in hexadecimal.
        value: String,
    },
    /// An integer from 2^63 to 2^64 - 1, which only terms of the second kind can hold.
    U64 {
        /// The integer, in decimal.
        value: String,
    },
    /// A list.
    List {
        /// The values.
        values: Vec<Self>,
    },
    /// A map.
    Map {
        /// The type of all keys.
        keys: Keys,
        /// The pairs, each as `[key, value]`, in the order in which the term has them.
        pairs: Vec<(Self, Self)>,
    },
    /// A set.
    Set {
        /// The elements, in the order in which the term has them.
        values: Vec<Self>,
    },
    /// A tuple.
    Tuple {
        /// The values.
        values: Vec<Self>,
    },
    /// A struct.
    Struct {
        /// The name of the struct.
        name: String,
        /// The fields, each as `[name, value]`.
        fields: Vec<(String, Self)>,
    },
    /// A variant of a sum type, identified by its number.
    Sum {
        /// The name of the type.
        name: String,
        /// The number of the variant.
        variant: u8,
        /// The values of the variant.
        values: Vec<Self>,
    },
    /// A variant of a sum type, identified by its name, with named fields. Only terms of the second kind can hold it.
    Variant {
        /// The name of the type.
        name: String,
        /// The name of the variant.
        variant: String,
        /// The fields, each as `[name, value]`.
        fields: Vec<(String, Self)>,
    },
    /// A pid.
    Pid {
        /// The pid.
        value: Pid,
    },
    /// Some with its value.
    Some {
        /// The value.
        value: Box<Self>,
    },
    /// None.
    None,
    /// Ok with its value.
    Ok {
        /// The value.
        value: Box<Self>,
    },
    /// Err with its value.
    Err {
        /// The value.
        value: Box<Self>,
    },
}

/// The type of the keys of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keys {
    /// The keys are integers.
    Int,
    /// The keys are strings.
    String,
}

/// An error that says why a document does not describe a term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermDocumentError(String);

impl fmt::Display for TermDocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for TermDocumentError {}

impl From<EncodeError> for TermDocumentError {
    fn from(error: EncodeError) -> Self {
        Self(error.to_string())
    }
}

/// Converts a value with everything in it. The conversion recurses at most 64 levels deep, because a term has no
/// more.
impl From<Value<'_>> for TermDocument {
    fn from(value: Value<'_>) -> Self {
        let all = |values: Values<'_>| values.iter().map(Self::from).collect();
        let named = |fields: Struct<'_>| {
            fields.iter().map(|(name, value)| (name.as_str().into(), value.into())).collect()
        };
        match value {
            Value::Int(number) => Self::Int { value: number.to_string() },
            Value::Float(number) => Self::Float { bits: format!("{:016x}", number.to_bits()) },
            Value::Bool(value) => Self::Bool { value },
            Value::Str(text) => Self::String { value: text.as_str().into() },
            Value::Unit => Self::Unit,
            Value::Bytes(bytes) => Self::Bytes { value: hex::encode(bytes) },
            Value::U64(number) => Self::U64 { value: number.to_string() },
            Value::List(values) => Self::List { values: all(values) },
            Value::Set(values) => Self::Set { values: all(values) },
            Value::Tuple(values) => Self::Tuple { values: all(values) },
            Value::Map(map) => Self::Map {
                keys: match map.keys() {
                    KeyType::Int => Keys::Int,
                    KeyType::Str => Keys::String,
                },
                pairs: map.iter().map(|(key, value)| (key.into(), value.into())).collect(),
            },
            Value::Struct(fields) => {
                Self::Struct { name: fields.name().as_str().into(), fields: named(fields) }
            }
            Value::Variant(variant) => Self::Variant {
                name: variant.name().as_str().into(),
                variant: variant.variant().as_str().into(),
                fields: named(variant.fields()),
            },
            Value::Sum(sum) => Self::Sum {
                name: sum.name().as_str().into(),
                variant: sum.variant(),
                values: all(sum.values()),
            },
            Value::Pid(value) => Self::Pid { value },
            Value::Some(inner) => Self::Some { value: Box::new(inner.value().into()) },
            Value::None => Self::None,
            Value::Ok(inner) => Self::Ok { value: Box::new(inner.value().into()) },
            Value::Err(inner) => Self::Err { value: Box::new(inner.value().into()) },
        }
    }
}

impl TermDocument {
    /// Returns the term. The term is of the second kind only if it contains a value that terms of the first kind
    /// cannot hold.
    ///
    /// # Errors
    /// Returns [`TermDocumentError`] if a text is not the number or the bytes that it must be, if a number does not fit
    /// its type, if a value is longer than a term can hold, if a key is not of its map's type, or if the values nest
    /// deeper than [`TERM_DEPTH_MAX`](crate::limits::TERM_DEPTH_MAX) levels.
    pub fn to_vec(&self) -> Result<Vec<u8>, TermDocumentError> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new_in(Terms::Second, &mut bytes);
        self.write(&mut encoder)?;
        encoder.finish().map_err(|error| TermDocumentError(error.to_string()))?;
        Ok(bytes)
    }

    /// Recurses to a bounded depth, because parsers of human-readable formats bound their depth.
    fn write(&self, encoder: &mut Encoder<'_>) -> Result<(), TermDocumentError> {
        let refused = TermDocumentError;
        match self {
            Self::Int { value } => {
                let number = value
                    .parse()
                    .map_err(|_| refused(format!("{value:?} is no int of 64 bits with sign")))?;
                encoder.int(number);
            }
            Self::Float { bits } => {
                let number = u64::from_str_radix(bits, 16).map_err(|_| {
                    refused(format!("{bits:?} are not the 64 bits of a float in hexadecimal"))
                })?;
                encoder.float(f64::from_bits(number));
            }
            Self::Bool { value } => encoder.bool(*value),
            Self::String { value } => encoder.str(Text::from(&**value))?,
            Self::Unit => encoder.unit(),
            Self::Bytes { value } => {
                let bytes = hex::decode(value)
                    .map_err(|_| refused(format!("{value:?} are no bytes in hexadecimal")))?;
                encoder.bytes(&bytes)?;
            }
            Self::U64 { value } => {
                let number = value.parse().ok().filter(|number| i64::try_from(*number).is_err());
                let number = number.ok_or_else(|| refused(format!("{value:?} is no u64 from 2^63 on")))?;
                encoder.u64(number)?;
            }
            Self::None => encoder.none(),
            Self::Pid { value } => encoder.pid(*value),
            Self::List { values } => {
                encoder.list(values.len())?;
                write_all(values, encoder)?;
            }
            Self::Set { values } => {
                encoder.set(values.len())?;
                write_all(values, encoder)?;
            }
            Self::Tuple { values } => {
                encoder.tuple(values.len())?;
                write_all(values, encoder)?;
            }
            Self::Map { keys, pairs } => {
                let keys = match keys {
                    Keys::Int => KeyType::Int,
                    Keys::String => KeyType::Str,
                };
                encoder.map(keys, pairs.len())?;
                for (key, value) in pairs {
                    key.write(encoder)?;
                    value.write(encoder)?;
                }
            }
            Self::Struct { name, fields } => {
                encoder.structure(Text::from(&**name), fields.len())?;
                write_fields(fields, encoder)?;
            }
            Self::Variant { name, variant, fields } => {
                encoder.variant(Text::from(&**name), Text::from(&**variant), fields.len())?;
                write_fields(fields, encoder)?;
            }
            Self::Sum { name, variant, values } => {
                encoder.sum(Text::from(&**name), *variant, values.len())?;
                write_all(values, encoder)?;
            }
            Self::Some { value } => {
                encoder.some();
                value.write(encoder)?;
            }
            Self::Ok { value } => {
                encoder.ok();
                value.write(encoder)?;
            }
            Self::Err { value } => {
                encoder.err();
                value.write(encoder)?;
            }
        }
        Ok(())
    }
}

fn write_all(values: &[TermDocument], encoder: &mut Encoder<'_>) -> Result<(), TermDocumentError> {
    values.iter().try_for_each(|value| value.write(encoder))
}

fn write_fields(
    fields: &[(String, TermDocument)],
    encoder: &mut Encoder<'_>,
) -> Result<(), TermDocumentError> {
    fields.iter().try_for_each(|(name, value)| {
        encoder.field(Text::from(&**name))?;
        value.write(encoder)
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::Reading;

    fn int(value: &str) -> TermDocument {
        TermDocument::Int { value: value.into() }
    }

    fn refusal(document: &TermDocument) -> String {
        document.to_vec().unwrap_err().to_string()
    }

    #[test]
    fn every_value_comes_back() {
        let boxed = || Box::new(TermDocument::Unit);
        let all = TermDocument::List {
            values: vec![
                int("-9223372036854775808"),
                TermDocument::Float { bits: "7ff8000000000001".into() },
                TermDocument::Bool { value: true },
                TermDocument::Bool { value: false },
                TermDocument::String { value: "nö".into() },
                TermDocument::Map { keys: Keys::Int, pairs: vec![(int("1"), TermDocument::None)] },
                TermDocument::Map {
                    keys: Keys::String,
                    pairs: vec![(TermDocument::String { value: "a".into() }, int("2"))],
                },
                TermDocument::Set { values: vec![int("1"), int("1")] },
                TermDocument::Tuple { values: vec![int("1"), TermDocument::Unit] },
                TermDocument::Struct { name: "S".into(), fields: vec![("x".into(), int("3"))] },
                TermDocument::Sum { name: "E".into(), variant: 2, values: vec![int("4")] },
                TermDocument::Bytes { value: "00ff".into() },
                TermDocument::U64 { value: "18446744073709551615".into() },
                TermDocument::Variant {
                    name: "E".into(),
                    variant: "V".into(),
                    fields: vec![("x".into(), int("5"))],
                },
                TermDocument::Pid { value: Pid::new(1, 2, 3).unwrap() },
                TermDocument::Some { value: boxed() },
                TermDocument::Ok { value: boxed() },
                TermDocument::Err { value: boxed() },
            ],
        };
        let term = all.to_vec().unwrap();
        let (value, _) = Terms::Second.decode(&term, Reading::Strict).unwrap();
        assert_eq!(TermDocument::from(value), all);
        let json = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<TermDocument>(&json).unwrap(), all);
    }

    #[test]
    fn what_is_no_term_says_why() {
        assert!(refusal(&int("9223372036854775808")).contains("no int of 64 bits"));
        assert!(refusal(&TermDocument::Float { bits: "x".into() }).contains("64 bits of a float"));
        assert!(refusal(&TermDocument::Bytes { value: "0".into() }).contains("no bytes"));
        assert!(refusal(&TermDocument::U64 { value: "1".into() }).contains("no u64"));
        assert!(refusal(&TermDocument::Tuple { values: vec![TermDocument::Unit; 256] }).contains("255"));
        let wrong_key = TermDocument::Map { keys: Keys::String, pairs: vec![(int("1"), int("2"))] };
        assert!(!refusal(&wrong_key).is_empty());
    }
}
