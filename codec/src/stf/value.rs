//! Values that borrow a validated term.

use core::fmt;

use super::encode::Encoder;
use super::{KeyType, Terms, prove, tag};
use crate::layout::{Reader, Source};
use crate::limits::TERM_DEPTH_MAX;
use crate::{Pid, Reading, Text};

/// A value of a term. Containers are read lazily, when their values are requested.
///
/// Two values are equal if they have the same bytes in a term: floats are compared by their bits, and maps and sets in
/// the order in which they were written.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// An int, tag 1.
    Int(i64),
    /// A float with any bit pattern, tag 2.
    Float(f64),
    /// A boolean, tag 3 (`true`) or 4 (`false`).
    Bool(bool),
    /// A string, tag 5.
    Str(Text<'a>),
    /// The unit, tag 6.
    Unit,
    /// Bytes, tag 7. Only terms of the second kind can hold them.
    Bytes(&'a [u8]),
    /// An integer from 2^63 to 2^64 - 1, tag 8. Only terms of the second kind can hold it. Smaller integers are
    /// [`Value::Int`].
    U64(u64),
    /// A list, tag 10.
    List(Values<'a>),
    /// A map, tag 11.
    Map(Map<'a>),
    /// A set, tag 12. Elements can occur repeatedly.
    Set(Values<'a>),
    /// A tuple, tag 13.
    Tuple(Values<'a>),
    /// A struct, tag 20.
    Struct(Struct<'a>),
    /// A variant of a sum type, identified by its number, tag 21.
    Sum(Sum<'a>),
    /// A variant of a sum type, identified by its name, with named fields, tag 22. Only terms of the second kind can
    /// hold it.
    Variant(Variant<'a>),
    /// A pid, tag 30.
    Pid(Pid),
    /// Some with its value, tag 40.
    Some(Term<'a>),
    /// None, tag 41.
    None,
    /// Ok with its value, tag 42.
    Ok(Term<'a>),
    /// Err with its value, tag 43.
    Err(Term<'a>),
}

/// A value that has been validated but not read yet. [`Term::value`] reads it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Term<'a> {
    bytes: &'a [u8],
}

/// The values of a list, a set, a tuple or a variant of a sum type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Values<'a> {
    count: u32,
    bytes: &'a [u8],
}

/// A map: its pairs in the order in which they were written. Keys can be in any order, and can occur repeatedly.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
//= spec/stf.md#stf-map-003
//# A reader MUST NOT refuse a term because of the order or the repetition of keys of a map, elements of a
//# set, or fields of a struct.
pub struct Map<'a> {
    keys: KeyType,
    pairs: Values<'a>,
}

/// A struct: its name, and its fields with their names.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Struct<'a> {
    name: Text<'a>,
    count: u32,
    bytes: &'a [u8],
}

/// A variant of a sum type, identified by its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sum<'a> {
    name: Text<'a>,
    variant: u8,
    values: Values<'a>,
}

/// A variant of a sum type, identified by its name, with named fields.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
//= spec/stf.md#stf-var-001
//# A reader of the second kind MUST NOT refuse a term because of the order or the repetition of fields of a
//# variant.
pub struct Variant<'a> {
    variant: Text<'a>,
    /// The fields, as a struct whose name is that of the type.
    fields: Struct<'a>,
}

impl<'a> Term<'a> {
    /// Creates a term value from bytes that are one validated value.
    pub(super) const fn proven(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Reads the value. Values inside it are still read lazily.
    #[must_use]
    pub fn value(self) -> Value<'a> {
        // The bytes are validated, so the default is never used.
        view(self.bytes).unwrap_or(Value::Unit)
    }
}

fn reader(proven: &[u8]) -> Reader<'_> {
    Reader::new(proven, Reading::Compatible)
}

/// Takes a value off validated bytes. Returns `None` only at their end.
fn read<'a>(reader: &mut Reader<'a>) -> Option<Value<'a>> {
    let whole = reader.remaining();
    let before = reader.at();
    prove::value(reader, Terms::Second, TERM_DEPTH_MAX).ok()?;
    let (bytes, _) = whole.split_at_checked(reader.at() - before)?;
    view(bytes)
}

/// Reads the value that these validated bytes are.
fn view<'a>(bytes: &'a [u8]) -> Option<Value<'a>> {
    let mut inner = reader(bytes);
    let values = |count: u32, inner: &Reader<'a>| Values { count, bytes: inner.remaining() };
    Some(match inner.tag()? {
        tag::INT => Value::Int(i64::from_le_bytes(*inner.array("int").ok()?)),
        tag::FLOAT => Value::Float(f64::from_le_bytes(*inner.array("float").ok()?)),
        tag::TRUE => Value::Bool(true),
        tag::FALSE => Value::Bool(false),
        tag::STRING => Value::Str(prove::string(&mut inner).ok()?),
        tag::UNIT => Value::Unit,
        tag::BYTES => Value::Bytes(prove::bytes(&mut inner).ok()?),
        tag::U64 => Value::U64(prove::large(&mut inner).ok()?),
        tag::LIST => Value::List(values(inner.u32("list").ok()?, &inner)),
        tag::SET => Value::Set(values(inner.u32("set").ok()?, &inner)),
        tag::TUPLE => Value::Tuple(values(inner.u8("tuple").ok()?.into(), &inner)),
        tag::MAP => {
            let keys = KeyType::read(&mut inner).ok()?;
            let count = inner.u32("map").ok()?;
            Value::Map(Map { keys, pairs: values(count, &inner) })
        }
        tag::STRUCT => {
            let name = inner.str16("struct.name").ok()?;
            let count = inner.u16("struct").ok()?.into();
            Value::Struct(Struct { name, count, bytes: inner.remaining() })
        }
        tag::SUM => {
            let name = inner.str16("sum.name").ok()?;
            let variant = inner.u8("sum.variant").ok()?;
            let count = inner.u16("sum").ok()?.into();
            Value::Sum(Sum { name, variant, values: values(count, &inner) })
        }
        tag::VARIANT => {
            let name = inner.str16("variant.name").ok()?;
            let variant = inner.str16("variant.variant").ok()?;
            let count = inner.u16("variant").ok()?.into();
            Value::Variant(Variant { variant, fields: Struct { name, count, bytes: inner.remaining() } })
        }
        tag::PID => Value::Pid(inner.pid("pid").ok()?),
        tag::SOME => Value::Some(Term::proven(inner.remaining())),
        tag::NONE => Value::None,
        tag::OK => Value::Ok(Term::proven(inner.remaining())),
        tag::ERR => Value::Err(Term::proven(inner.remaining())),
        _ => return None,
    })
}

impl<'a> Value<'a> {
    /// Writes the value and all values in it to `encoder`, exactly as they were read.
    ///
    /// If the encoder writes a term of the first kind and only terms of the second kind can hold the value,
    /// [`Encoder::finish`] returns an error.
    pub fn encode(&self, encoder: &mut Encoder<'_>) {
        encoder.value(self);
    }

    /// Returns the size of the value in bytes, including its tag and all values in it.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        const TAG: usize = 1;
        TAG + match self {
            Self::Bool(_) | Self::Unit | Self::None => 0,
            Self::Int(_) | Self::Float(_) | Self::U64(_) | Self::Pid(_) => size_of::<u64>(),
            Self::Str(text) => size_of::<u32>() + text.len(),
            Self::Bytes(bytes) => size_of::<u32>() + bytes.len(),
            Self::List(values) | Self::Set(values) => size_of::<u32>() + values.encoded_len(),
            Self::Tuple(values) => size_of::<u8>() + values.encoded_len(),
            Self::Map(map) => size_of::<u8>() + size_of::<u32>() + map.encoded_len(),
            Self::Struct(fields) => 2 * size_of::<u16>() + fields.name.len() + fields.encoded_len(),
            Self::Sum(sum) => {
                2 * size_of::<u16>() + sum.name.len() + size_of::<u8>() + sum.values.encoded_len()
            }
            Self::Variant(variant) => {
                3 * size_of::<u16>()
                    + variant.fields.name.len()
                    + variant.variant.len()
                    + variant.fields.encoded_len()
            }
            Self::Some(inner) | Self::Ok(inner) | Self::Err(inner) => inner.bytes.len(),
        }
    }
}

impl<'a> Values<'a> {
    /// Returns the number of values.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Returns the size of all values together in bytes, without the count.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns an iterator over the values, in the order in which they were written.
    pub fn iter(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let mut reader = reader(self.bytes);
        core::iter::from_fn(move || read(&mut reader))
    }

    pub(super) const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> Map<'a> {
    /// Returns the type of all keys.
    #[must_use]
    pub const fn keys(&self) -> KeyType {
        self.keys
    }

    /// Returns the number of pairs.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.pairs.count
    }

    /// Returns the size of all pairs together in bytes, without the count.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.pairs.bytes.len()
    }

    /// Returns an iterator over the keys and their values, in the order in which they were written.
    pub fn iter(&self) -> impl Iterator<Item = (Value<'a>, Value<'a>)> + use<'a> {
        let mut values = self.pairs.iter();
        core::iter::from_fn(move || Some((values.next()?, values.next()?)))
    }

    pub(super) const fn as_bytes(&self) -> &'a [u8] {
        self.pairs.bytes
    }
}

impl<'a> Struct<'a> {
    /// Returns the name of the type.
    #[must_use]
    pub const fn name(&self) -> Text<'a> {
        self.name
    }

    /// Returns the number of fields.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Returns the size of all fields together in bytes, including their names, without the count.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns an iterator over the names and values of the fields, in the order in which they were written.
    pub fn iter(&self) -> impl Iterator<Item = (Text<'a>, Value<'a>)> + use<'a> {
        let mut reader = reader(self.bytes);
        core::iter::from_fn(move || Some((reader.str16("struct.field").ok()?, read(&mut reader)?)))
    }

    pub(super) const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> Sum<'a> {
    /// Returns the name of the type.
    #[must_use]
    pub const fn name(&self) -> Text<'a> {
        self.name
    }

    /// Returns the number of the variant.
    #[must_use]
    pub const fn variant(&self) -> u8 {
        self.variant
    }

    /// Returns the values of the variant.
    #[must_use]
    pub const fn values(&self) -> Values<'a> {
        self.values
    }
}

impl<'a> Variant<'a> {
    /// Returns the name of the type.
    #[must_use]
    pub const fn name(&self) -> Text<'a> {
        self.fields.name
    }

    /// Returns the name of the variant.
    #[must_use]
    pub const fn variant(&self) -> Text<'a> {
        self.variant
    }

    /// Returns the fields of the variant as a [`Struct`], whose name is that of the type, not of the variant.
    #[must_use]
    pub const fn fields(&self) -> Struct<'a> {
        self.fields
    }
}

impl Term<'_> {
    pub(super) const fn as_bytes(&self) -> &[u8] {
        self.bytes
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => one == other,
            (Self::Float(one), Self::Float(other)) => one.to_bits() == other.to_bits(),
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Str(one), Self::Str(other)) => one == other,
            (Self::Bytes(one), Self::Bytes(other)) => one == other,
            (Self::U64(one), Self::U64(other)) => one == other,
            (Self::Pid(one), Self::Pid(other)) => one == other,
            (Self::Unit, Self::Unit) | (Self::None, Self::None) => true,
            (Self::List(one), Self::List(other))
            | (Self::Set(one), Self::Set(other))
            | (Self::Tuple(one), Self::Tuple(other)) => one == other,
            (Self::Map(one), Self::Map(other)) => one == other,
            (Self::Struct(one), Self::Struct(other)) => one == other,
            (Self::Sum(one), Self::Sum(other)) => one == other,
            (Self::Variant(one), Self::Variant(other)) => one == other,
            (Self::Some(one), Self::Some(other))
            | (Self::Ok(one), Self::Ok(other))
            | (Self::Err(one), Self::Err(other)) => one == other,
            _ => false,
        }
    }
}

impl Eq for Value<'_> {}

/// The number of elements of each container that are displayed. For the others a mark shows that there are more.
const SHOWN: usize = 8;
/// The number of levels that are displayed.
const SHOWN_DEPTH: usize = 4;

/// Shows a value for people, for example `[1, "two", Some(3), ..]`: at most eight elements of each container, and at
/// most four levels. `..` stands for what is left out.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, SHOWN_DEPTH, f)
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn show(value: &Value<'_>, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(depth) = depth.checked_sub(1) else { return f.write_str("..") };
    let wrapped = |name: &str, inner: &Term<'_>, f: &mut fmt::Formatter<'_>| {
        write!(f, "{name}(")?;
        show(&inner.value(), depth, f)?;
        f.write_str(")")
    };
    match value {
        Value::Int(number) => write!(f, "{number}"),
        Value::Float(number) => write!(f, "{number:?}"),
        Value::Bool(truth) => write!(f, "{truth}"),
        Value::Str(text) => write!(f, "{text:?}"),
        Value::Unit => f.write_str("unit"),
        Value::Bytes(bytes) => show_bytes(bytes, f),
        Value::U64(number) => write!(f, "{number}"),
        Value::Pid(pid) => write!(f, "{pid}"),
        Value::None => f.write_str("None"),
        Value::Some(inner) => wrapped("Some", inner, f),
        Value::Ok(inner) => wrapped("Ok", inner, f),
        Value::Err(inner) => wrapped("Err", inner, f),
        Value::List(values) => show_all("[", values.iter(), "]", depth, f),
        Value::Set(values) => show_all("set {", values.iter(), "}", depth, f),
        Value::Tuple(values) => show_all("(", values.iter(), ")", depth, f),
        Value::Sum(sum) => {
            write!(f, "{}::{}", sum.name(), sum.variant())?;
            show_all("(", sum.values().iter(), ")", depth, f)
        }
        Value::Variant(variant) => {
            write!(f, "{}::{} ", variant.name(), variant.variant())?;
            show_pairs("{", variant.fields.iter(), depth, f, |name, f| write!(f, "{name}"))
        }
        Value::Map(map) => show_pairs("map {", map.iter(), depth, f, |key, f| show(&key, 1, f)),
        Value::Struct(fields) => {
            write!(f, "{} ", fields.name())?;
            show_pairs("{", fields.iter(), depth, f, |name, f| write!(f, "{name}"))
        }
    }
}

fn show_bytes(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("bytes ")?;
    bytes.iter().take(SHOWN).try_for_each(|byte| write!(f, "{byte:02x}"))?;
    if bytes.len() > SHOWN { write!(f, ".. of {}", bytes.len()) } else { Ok(()) }
}

fn show_all<'a>(
    open: &str,
    values: impl Iterator<Item = Value<'a>>,
    close: &str,
    depth: usize,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    f.write_str(open)?;
    for (index, value) in values.enumerate().take(SHOWN + 1) {
        f.write_str(if index == 0 { "" } else { ", " })?;
        if index == SHOWN {
            f.write_str("..")?;
        } else {
            show(&value, depth, f)?;
        }
    }
    f.write_str(close)
}

fn show_pairs<'a, K>(
    open: &str,
    pairs: impl Iterator<Item = (K, Value<'a>)>,
    depth: usize,
    f: &mut fmt::Formatter<'_>,
    show_key: impl Fn(K, &mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    f.write_str(open)?;
    for (index, (key, value)) in pairs.enumerate().take(SHOWN + 1) {
        f.write_str(if index == 0 { "" } else { ", " })?;
        if index == SHOWN {
            f.write_str("..")?;
        } else {
            show_key(key, f)?;
            f.write_str(": ")?;
            show(&value, depth, f)?;
        }
    }
    f.write_str("}")
}

impl fmt::Debug for Term<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.value(), f)
    }
}

impl fmt::Debug for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Value::List(*self), f)
    }
}

impl fmt::Debug for Map<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Value::Map(*self), f)
    }
}

impl fmt::Debug for Struct<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Value::Struct(*self), f)
    }
}

impl fmt::Debug for Variant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Value::Variant(*self), f)
    }
}

impl fmt::Debug for Sum<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Value::Sum(*self), f)
    }
}
