//! Terms as JSON, in both directions.

use serde::{Deserialize, Serialize};
use snow_dist_codec::stf::{Encoder, KeyType, Value};
use snow_dist_codec::{EncodeError, Pid, Text};

/// A value with its type. Ints are decimal strings, as all 64-bit numbers are; floats are their bits.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum TermObject {
    Int { value: String },
    Float { bits: String },
    Bool { value: bool },
    String { value: String },
    Unit,
    List { values: Vec<Self> },
    Map { keys: Keys, pairs: Vec<(Self, Self)> },
    Set { values: Vec<Self> },
    Tuple { values: Vec<Self> },
    Struct { name: String, fields: Vec<(String, Self)> },
    Sum { name: String, variant: u8, values: Vec<Self> },
    Pid { value: Pid },
    Some { value: Box<Self> },
    None,
    Ok { value: Box<Self> },
    Err { value: Box<Self> },
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Keys {
    Int,
    String,
}

/// A term is at most 64 levels deep, so this recursion is too.
impl From<Value<'_>> for TermObject {
    fn from(value: Value<'_>) -> Self {
        let all = |values: snow_dist_codec::stf::Values<'_>| values.iter().map(Self::from).collect();
        match value {
            Value::Int(number) => Self::Int { value: number.to_string() },
            Value::Float(number) => Self::Float { bits: format!("{:016x}", number.to_bits()) },
            Value::Bool(value) => Self::Bool { value },
            Value::Str(text) => Self::String { value: text.as_str().into() },
            Value::Unit => Self::Unit,
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
            Value::Struct(fields) => Self::Struct {
                name: fields.name().as_str().into(),
                fields: fields.iter().map(|(name, value)| (name.as_str().into(), value.into())).collect(),
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

impl TermObject {
    /// Writes the value. JSON is read to a bounded depth, so this recursion is bounded too.
    pub(crate) fn write(&self, encoder: &mut Encoder<'_>) -> Result<(), String> {
        let refused = |error: EncodeError| error.to_string();
        match self {
            Self::Int { value } => {
                let number =
                    value.parse().map_err(|_| format!("{value:?} is no int of 64 bits with sign"))?;
                encoder.int(number);
            }
            Self::Float { bits } => {
                let number = u64::from_str_radix(bits, 16)
                    .map_err(|_| format!("{bits:?} are not the 64 bits of a float in hexadecimal"))?;
                encoder.float(f64::from_bits(number));
            }
            Self::Bool { value } => encoder.bool(*value),
            Self::String { value } => encoder.str(Text::from(&**value)).map_err(refused)?,
            Self::Unit => encoder.unit(),
            Self::None => encoder.none(),
            Self::Pid { value } => encoder.pid(*value),
            Self::List { values } => {
                encoder.list(values.len()).map_err(refused)?;
                write_all(values, encoder)?;
            }
            Self::Set { values } => {
                encoder.set(values.len()).map_err(refused)?;
                write_all(values, encoder)?;
            }
            Self::Tuple { values } => {
                encoder.tuple(values.len()).map_err(refused)?;
                write_all(values, encoder)?;
            }
            Self::Map { keys, pairs } => {
                let keys = match keys {
                    Keys::Int => KeyType::Int,
                    Keys::String => KeyType::Str,
                };
                encoder.map(keys, pairs.len()).map_err(refused)?;
                for (key, value) in pairs {
                    key.write(encoder)?;
                    value.write(encoder)?;
                }
            }
            Self::Struct { name, fields } => {
                encoder.structure(Text::from(&**name), fields.len()).map_err(refused)?;
                for (name, value) in fields {
                    encoder.field(Text::from(&**name)).map_err(refused)?;
                    value.write(encoder)?;
                }
            }
            Self::Sum { name, variant, values } => {
                encoder.sum(Text::from(&**name), *variant, values.len()).map_err(refused)?;
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

fn write_all(values: &[TermObject], encoder: &mut Encoder<'_>) -> Result<(), String> {
    values.iter().try_for_each(|value| value.write(encoder))
}
