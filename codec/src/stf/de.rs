//! Terms to a program's types.

use ascii::AsAsciiStr;
use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, SeqDeserializer, U32Deserializer};
use serde::de::{
    self, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::error::Step;
use super::{Error, ErrorKind, KeyType, Term, Terms, prove, read_version, tag};
use crate::document::PID_NEWTYPE;
use crate::layout::{Reader, Source};
use crate::limits::{TERM_DEPTH_MAX, TERM_ELEMENTS_MAX};
use crate::{DecodeError, ErrorKind as Wrong, Reading, Text};

/// Deserializes a value from a term of the first kind. Strings can borrow the term.
///
/// A list, a set and a tuple can each be read as any sequence. Bytes after the value are an error. **The names of
/// structs and enums are part of their values**: a struct or an enum with another name is an error.
///
/// # Errors
/// Returns [`Error`] if the bytes are not a term of the first kind, or if the term cannot be read as a `T`.
/// [`Error::path`] returns the place in the value, and [`Error::at`] the byte at or near which reading failed.
pub fn from_slice<'de, T: Deserialize<'de>>(term: &'de [u8]) -> Result<T, Error> {
    from_slice_in(Terms::First, term)
}

pub(super) fn from_slice_in<'de, T: Deserialize<'de>>(terms: Terms, term: &'de [u8]) -> Result<T, Error> {
    let mut deserializer = Deserializer { reader: Reader::new(term, Reading::Strict), depth: 0, terms };
    read_version(&mut deserializer.reader)?;
    match T::deserialize(&mut deserializer) {
        Ok(value) => {
            deserializer.reader.finish()?;
            Ok(value)
        }
        Err(error) => Err(error.near(deserializer.reader.at())),
    }
}

#[inline(never)]
fn not_ascii(bytes: &[u8], end: usize) -> Result<&str, Error> {
    core::str::from_utf8(bytes).map_err(|error| {
        let at = end - bytes.len() + error.valid_up_to();
        DecodeError::new(Wrong::Utf8, "string", at).into()
    })
}

#[cold]
#[inline(never)]
fn too_deep(at: usize) -> Error {
    DecodeError::new(Wrong::TooDeep { max: TERM_DEPTH_MAX }, "value", at).into()
}

#[cold]
#[inline(never)]
fn left_over(count: u32) -> Error {
    Error::message(ErrorKind::WrongType, format_args!("{count} values more than expected"))
}

#[cold]
#[inline(never)]
fn other_arity(found: u8, expected: usize) -> Error {
    let text = format_args!("a tuple of {found} where one of {expected} is expected");
    Error::message(ErrorKind::WrongType, text)
}

struct Deserializer<'de> {
    reader: Reader<'de>,
    /// The number of containers around the value.
    depth: usize,
    terms: Terms,
}

impl<'de> Deserializer<'de> {
    /// Returns the tag of the next value without taking it.
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.reader.remaining().first().copied()
    }

    /// Takes a tag and the `N` bytes after it, if the next tag is `tag` and the bytes are there.
    #[inline(always)]
    fn tagged<const N: usize>(&mut self, tag: u8) -> Option<[u8; N]> {
        let mut reader = self.reader;
        if reader.tag() != Some(tag) {
            return None;
        }
        let bytes = *reader.array("").ok()?;
        self.reader = reader;
        Some(bytes)
    }

    /// Takes the bytes of a string, if the next value is one.
    #[inline(always)]
    fn string_bytes(&mut self) -> Result<Option<&'de [u8]>, Error> {
        // Works on a copy: a cursor whose address is passed on could not live in registers.
        let mut reader = self.reader;
        if reader.tag() != Some(tag::STRING) {
            return Ok(None);
        }
        let bytes = prove::string_bytes(&mut reader)?;
        self.reader = reader;
        Ok(Some(bytes))
    }

    /// Validates bytes that were just read as text. For the short strings of terms, which are mostly ASCII, `ascii`
    /// makes a `str` with a sixth of the instructions of `core`.
    #[inline(always)]
    fn proven(&self, bytes: &'de [u8]) -> Result<&'de str, Error> {
        match bytes.as_ascii_str() {
            Ok(text) => Ok(text.as_str()),
            Err(_) => not_ascii(bytes, self.reader.at()),
        }
    }

    /// Lets `read` take the values of a container, and checks that it takes them all.
    #[inline(always)]
    fn inside<T>(
        &mut self,
        count: u32,
        read: impl FnOnce(&mut Values<'_, 'de>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.depth += 1;
        if self.depth >= TERM_DEPTH_MAX && count > 0 {
            return Err(too_deep(self.reader.at()));
        }
        let mut values = Values { deserializer: self, count, left: count };
        let value = read(&mut values)?;
        if values.left > 0 {
            return Err(left_over(values.left));
        }
        self.depth -= 1;
        Ok(value)
    }

    #[inline(always)]
    fn sequence<V: Visitor<'de>>(&mut self, count: u32, visitor: V) -> Result<V::Value, Error> {
        self.inside(count, |values| visitor.visit_seq(values))
    }

    /// Reads the one value of Some, Ok or Err.
    fn one<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.inside(1, |values| {
            values.left = 0;
            read(values.deserializer)
        })
    }

    fn map<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let keys = KeyType::read(&mut self.reader)?;
        let pairs = prove::count32(&mut self.reader, "map", 2)?;
        self.inside(pairs, |values| visitor.visit_map(Pairs { values, keys, key: &[] }))
    }

    fn fields<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let count = prove::count16(&mut self.reader, "struct", 3)?;
        self.inside(count, |values| visitor.visit_map(Fields::new(values, "struct.field")))
    }

    /// Takes the content of a bytes value, if the next value is one.
    #[inline(always)]
    fn bytes(&mut self) -> Result<Option<&'de [u8]>, Error> {
        if self.peek() != Some(tag::BYTES) || self.terms == Terms::First {
            return Ok(None);
        }
        self.reader.tag();
        Ok(Some(prove::bytes(&mut self.reader)?))
    }

    /// Reads a value of the second kind whose tag has been taken.
    #[inline(never)]
    fn second<V: Visitor<'de>>(&mut self, tag: u8, visitor: V) -> Result<V::Value, Error> {
        match tag {
            tag::BYTES => visitor.visit_borrowed_bytes(prove::bytes(&mut self.reader)?),
            tag::U64 => visitor.visit_u64(prove::large(&mut self.reader)?),
            _ => {
                self.reader.str16("variant.name")?;
                self.variant(visitor)
            }
        }
    }

    fn variant<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let name = self.reader.str16("variant.variant")?;
        let count = prove::count16(&mut self.reader, "variant", 3)?;
        self.inside(count, |values| {
            visitor.visit_enum(Variant { values, name: VariantName::Named(name.as_str()) })
        })
    }

    fn result<V: Visitor<'de>>(&mut self, variant: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.inside(1, |values| visitor.visit_enum(Variant { values, name: VariantName::Word(variant) }))
    }

    fn sum<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let index = self.reader.u8("sum.variant")?;
        let count = prove::count16(&mut self.reader, "sum", 1)?;
        let name = VariantName::Index(index.into());
        self.inside(count, |values| visitor.visit_enum(Variant { values, name }))
    }
}

impl<'de> de::Deserializer<'de> for &mut Deserializer<'de> {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    /// Out of line, to keep the paths around it short.
    #[inline(never)]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let at = self.reader.at();
        match self.reader.u8("value")? {
            tag::INT => visitor.visit_i64(i64::from_le_bytes(*self.reader.array("int")?)),
            tag::FLOAT => visitor.visit_f64(f64::from_le_bytes(*self.reader.array("float")?)),
            tag::TRUE => visitor.visit_bool(true),
            tag::FALSE => visitor.visit_bool(false),
            tag::STRING => {
                let bytes = prove::string_bytes(&mut self.reader)?;
                visitor.visit_borrowed_str(self.proven(bytes)?)
            }
            tag::UNIT => visitor.visit_unit(),
            tag::LIST => {
                let count = prove::count32(&mut self.reader, "list", 1)?;
                self.sequence(count, visitor)
            }
            tag::SET => {
                let count = prove::count32(&mut self.reader, "set", 1)?;
                self.sequence(count, visitor)
            }
            tag::TUPLE => {
                let count = prove::count8(&mut self.reader)?;
                self.sequence(count, visitor)
            }
            tag::MAP => self.map(visitor),
            tag::STRUCT => {
                self.reader.str16("struct.name")?;
                self.fields(visitor)
            }
            tag::SUM => {
                self.reader.str16("sum.name")?;
                self.sum(visitor)
            }
            tag::PID => visitor.visit_u64(self.reader.u64("pid")?),
            tag::SOME => self.one(|inner| visitor.visit_some(inner)),
            tag::NONE => visitor.visit_none(),
            tag::OK => self.result("Ok", visitor),
            tag::ERR => self.result("Err", visitor),
            tag @ (tag::BYTES | tag::U64 | tag::VARIANT) if self.terms == Terms::Second => {
                self.second(tag, visitor)
            }
            tag::CLOSURE => Err(DecodeError::new(Wrong::Closure, "value", at).into()),
            tag => Err(DecodeError::new(Wrong::UnknownTerm(tag), "value", at).into()),
        }
    }

    #[inline(always)]
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.tagged(tag::INT) {
            Some(bytes) => visitor.visit_i64(i64::from_le_bytes(bytes)),
            None => self.deserialize_any(visitor),
        }
    }

    #[inline(always)]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.string_bytes()? {
            Some(bytes) => visitor.visit_borrowed_str(self.proven(bytes)?),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    /// A bytes value can be read as a sequence of small numbers.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Some(bytes) = self.bytes()? else { return self.deserialize_any(visitor) };
        // The limit of a list applies, because the numbers can take more memory than their bytes.
        if bytes.len() > TERM_ELEMENTS_MAX as usize {
            let text = format_args!("bytes that are read as a list are at most {TERM_ELEMENTS_MAX}");
            return Err(Error::message(ErrorKind::Limit, text));
        }
        let mut numbers = SeqDeserializer::<_, Error>::new(bytes.iter().copied());
        let value = visitor.visit_seq(&mut numbers)?;
        numbers.end()?;
        Ok(value)
    }

    #[inline(always)]
    fn deserialize_tuple<V: Visitor<'de>>(self, arity: usize, visitor: V) -> Result<V::Value, Error> {
        match self.tagged::<1>(tag::TUPLE) {
            #[expect(clippy::cast_possible_truncation, reason = "equal to a u8; known when this is compiled")]
            Some([count]) if usize::from(count) == arity => self.sequence(arity as u32, visitor),
            Some([count]) => Err(other_arity(count, arity)),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        arity: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(arity, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    #[inline(always)]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match name {
            PID_NEWTYPE => match self.tagged(tag::PID) {
                Some(bytes) => visitor.visit_u64(u64::from_le_bytes(bytes)),
                None => Err(Error::message(ErrorKind::WrongType, "another value where a pid is expected")),
            },
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.peek() != Some(tag::STRUCT) {
            return self.deserialize_any(visitor);
        }
        self.reader.tag();
        self.type_name("struct.name", name)?;
        self.fields(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.peek() {
            Some(tag::SUM) => {
                self.reader.tag();
                self.type_name("sum.name", name)?;
                self.sum(visitor)
            }
            Some(tag::VARIANT) if self.terms == Terms::Second => {
                self.reader.tag();
                self.type_name("variant.name", name)?;
                self.variant(visitor)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    /// Skips a value.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.skip()?;
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit map identifier
    }
}

impl Deserializer<'_> {
    fn type_name(&mut self, field: &'static str, expected: &'static str) -> Result<(), Error> {
        let found = self.reader.str16(field)?;
        if found == expected {
            Ok(())
        } else {
            let text = format_args!(
                "the type {found:?} where {expected:?} is expected, and names are part of values"
            );
            Err(Error::message(ErrorKind::WrongType, text))
        }
    }

    /// Skips a value.
    fn skip(&mut self) -> Result<(), Error> {
        // The validation counts the remaining levels; the limit is for the whole term.
        prove::value(&mut self.reader, self.terms, TERM_DEPTH_MAX - self.depth).map_err(|error| {
            match error.kind {
                Wrong::TooDeep { .. } => too_deep(error.at),
                _ => error.into(),
            }
        })
    }
}

/// The values of a container. The count was compared with the bytes that are there, so it is a safe size hint.
struct Values<'d, 'de> {
    deserializer: &'d mut Deserializer<'de>,
    count: u32,
    left: u32,
}

impl<'de> Values<'_, 'de> {
    #[inline(always)]
    fn take<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.left -= 1;
        seed.deserialize(&mut *self.deserializer)
    }

    /// Reads the next value of a sequence. Errors name its index.
    #[inline(always)]
    fn take_element<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.take(seed).map_err(|error| error.inside(Step::Index(self.count - self.left - 1)))
    }

    /// Checks that a variant has `count` values.
    fn expect(&self, count: u32) -> Result<(), Error> {
        if self.left == count {
            Ok(())
        } else {
            let text = format_args!("a variant of {} values where one of {count} is expected", self.left);
            Err(Error::message(ErrorKind::WrongType, text))
        }
    }
}

impl<'de> SeqAccess<'de> for &mut Values<'_, 'de> {
    type Error = Error;

    #[inline(always)]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.left == 0 { Ok(None) } else { self.take_element(seed).map(Some) }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left as usize)
    }
}

struct Pairs<'v, 'd, 'de> {
    values: &'v mut Values<'d, 'de>,
    keys: KeyType,
    /// The bytes from the last key on.
    key: &'de [u8],
}

impl<'de> MapAccess<'de> for Pairs<'_, '_, 'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.values.left == 0 {
            return Ok(None);
        }
        let terms = self.values.deserializer.terms;
        let reader = &self.values.deserializer.reader;
        self.key = reader.remaining();
        if self.key.first().is_some_and(|&tag| !self.keys.is(tag, terms)) {
            return Err(reader.invalid("map.key", reader.at(), "every key is of the map's key type").into());
        }
        seed.deserialize(&mut *self.values.deserializer).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        // The key was read, so it is a validated value.
        self.values.take(seed).map_err(|error| error.inside(Step::Key(Term::proven(self.key).value())))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.values.left as usize)
    }
}

/// The fields of a struct or a variant.
struct Fields<'v, 'd, 'de> {
    values: &'v mut Values<'d, 'de>,
    /// The field of an error in a name.
    field: &'static str,
    /// The last name that was read.
    name: Text<'de>,
}

impl<'v, 'd, 'de> Fields<'v, 'd, 'de> {
    fn new(values: &'v mut Values<'d, 'de>, field: &'static str) -> Self {
        Self { values, field, name: Text::default() }
    }
}

impl<'de> MapAccess<'de> for Fields<'_, '_, 'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.values.left == 0 {
            return Ok(None);
        }
        self.name = self.values.deserializer.reader.str16(self.field)?;
        seed.deserialize(BorrowedStrDeserializer::new(self.name.as_str())).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.values.take(seed).map_err(|error| error.inside(Step::Field(self.name)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.values.left as usize)
    }
}

/// The identification of a variant: by number in a sum, by name if it has named fields, by its tag in a result.
enum VariantName<'de> {
    Index(u32),
    Named(&'de str),
    Word(&'static str),
}

struct Variant<'v, 'd, 'de> {
    values: &'v mut Values<'d, 'de>,
    name: VariantName<'de>,
}

impl Variant<'_, '_, '_> {
    /// Checks that the variant has `count` values without names.
    fn expect(&self, count: u32) -> Result<(), Error> {
        match self.name {
            VariantName::Named(name) => {
                let text = format_args!(
                    "the variant {name:?} with named fields where one of {count} values is expected"
                );
                Err(Error::message(ErrorKind::WrongType, text))
            }
            _ => self.values.expect(count),
        }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, '_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let value = match self.name {
            VariantName::Index(index) => {
                let index: U32Deserializer<Error> = index.into_deserializer();
                seed.deserialize(index)?
            }
            VariantName::Named(name) => seed.deserialize(BorrowedStrDeserializer::<Error>::new(name))?,
            VariantName::Word(word) => seed.deserialize(BorrowedStrDeserializer::<Error>::new(word))?,
        };
        Ok((value, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, '_, 'de> {
    type Error = Error;

    /// Skips named fields, because a later version of the type may have added them.
    fn unit_variant(self) -> Result<(), Error> {
        let VariantName::Named(_) = self.name else { return self.values.expect(0) };
        while self.values.left > 0 {
            self.values.left -= 1;
            self.values.deserializer.reader.str16("variant.field")?;
            self.values.deserializer.skip()?;
        }
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        self.expect(1)?;
        self.values.take(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, arity: usize, visitor: V) -> Result<V::Value, Error> {
        self.expect(u32::try_from(arity).unwrap_or(u32::MAX))?;
        visitor.visit_seq(self.values)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.name {
            VariantName::Named(_) => visitor.visit_map(Fields::new(self.values, "variant.field")),
            _ => self.tuple_variant(fields.len(), visitor),
        }
    }
}
