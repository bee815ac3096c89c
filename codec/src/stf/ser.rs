//! A program's types to terms.

use alloc::vec::Vec;
use bytes::BufMut;
use serde::Serialize;
use serde::ser::{self, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple};

use super::{Encoder, Error, ErrorKind, KeyType, Terms, set};
use crate::document::PID_NEWTYPE;
use crate::limits::{TERM_DEPTH_MAX, TERM_ELEMENTS_MAX};
use crate::{EncodeError, EncodeErrorKind, Pid, Text};

/// Serializes a value to a term of the first kind. The names of structs and enums become part of the term.
///
/// # Errors
/// Returns [`Error`] if a term of the first kind cannot hold the value: bytes, an integer that does not fit an
/// `i64`, a map whose keys are not all integers or all strings, or something above a [limit](crate::limits).
/// [`Terms::to_vec`] with [`Terms::Second`] also writes bytes, and integers up to 2^64 - 1.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    Terms::First.to_vec(value)
}

/// Serializes a value to a term of the first kind and appends the term to a vector, for example to use one buffer for
/// many terms.
///
/// # Errors
/// Returns the errors of [`to_vec`]. The vector is unchanged then.
pub fn append<T: Serialize + ?Sized>(value: &T, dst: &mut Vec<u8>) -> Result<(), Error> {
    append_in(Terms::First, value, dst)
}

pub(super) fn append_in<T: Serialize + ?Sized>(
    terms: Terms,
    value: &T,
    dst: &mut Vec<u8>,
) -> Result<(), Error> {
    let mut encoder = Encoder::new_in(terms, dst);
    match value.serialize(Serializer { encoder: &mut encoder, depth: 0, role: Role::Plain }) {
        Ok(()) => Ok(()),
        Err(error) => {
            encoder.abandon();
            Err(error)
        }
    }
}

/// Serializes a value to a term of the first kind and writes the term into any buffer.
///
/// # Errors
/// Returns the errors of [`to_vec`], and [`ErrorKind::BufferFull`] if the buffer has too little room. Nothing has been
/// written then.
pub fn to_writer<T: Serialize + ?Sized, B: BufMut>(value: &T, dst: &mut B) -> Result<(), Error> {
    let term = to_vec(value)?;
    if term.len() > dst.remaining_mut() {
        let kind = EncodeErrorKind::BufferFull { needed: term.len(), room: dst.remaining_mut() };
        return Err(EncodeError::new(kind, "buffer").into());
    }
    dst.put_slice(&term);
    Ok(())
}

struct Serializer<'e, 'b> {
    encoder: &'e mut Encoder<'b>,
    /// The number of levels around the value.
    depth: usize,
    role: Role,
}

/// The meaning of the value in a newtype of this crate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Plain,
    /// The sequence is a set.
    Set,
    /// The number is a pid's bits.
    Pid,
}

impl<'e, 'b> Serializer<'e, 'b> {
    /// Creates a serializer for the values of a container.
    #[inline]
    fn inside(encoder: &'e mut Encoder<'b>, depth: usize) -> Result<Self, Error> {
        if depth < TERM_DEPTH_MAX {
            Ok(Self { encoder, depth, role: Role::Plain })
        } else {
            let text = format_args!("a term nests at most {TERM_DEPTH_MAX} levels deep");
            Err(Error::message(ErrorKind::TooDeep, text))
        }
    }

    /// Writes the one value of Some, Ok or Err.
    fn one<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(Self::inside(self.encoder, self.depth + 1)?)
    }

    /// Writes a value that serializes as a sequence as a set, and refuses any other.
    fn set<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        let start = self.encoder.buffer().len();
        value.serialize(Serializer { encoder: &mut *self.encoder, depth: self.depth, role: Role::Set })?;
        match self.encoder.buffer().get(start) {
            Some(&super::tag::SET) => Ok(()),
            _ => Err(Error::message(ErrorKind::Unsupported, "a set is made of a list, not of another value")),
        }
    }

    fn values(self) -> ValuesWriter<'e, 'b> {
        ValuesWriter { encoder: self.encoder, depth: self.depth + 1 }
    }

    fn variant(self, name: &'static str, index: u32, count: usize) -> Result<ValuesWriter<'e, 'b>, Error> {
        let Ok(variant) = u8::try_from(index) else {
            let text = format_args!("variant {index} of `{name}`: a sum type has at most 256");
            return Err(Error::message(ErrorKind::Limit, text));
        };
        self.encoder.sum(Text::from(name), variant, count)?;
        Ok(self.values())
    }
}

/// Returns `true` if `name` is the name of serde's `Result`. An enum of that name with its variants is treated the
/// same.
fn is_result(name: &str) -> bool {
    name == "Result"
}

impl<'e, 'b> ser::Serializer for Serializer<'e, 'b> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = SeqWriter<'e, 'b>;
    type SerializeTuple = ValuesWriter<'e, 'b>;
    type SerializeTupleStruct = ValuesWriter<'e, 'b>;
    type SerializeTupleVariant = ValuesWriter<'e, 'b>;
    type SerializeMap = MapWriter<'e, 'b>;
    type SerializeStruct = ValuesWriter<'e, 'b>;
    type SerializeStructVariant = ValuesWriter<'e, 'b>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, truth: bool) -> Result<(), Error> {
        self.encoder.bool(truth);
        Ok(())
    }

    fn serialize_i8(self, number: i8) -> Result<(), Error> {
        self.serialize_i64(number.into())
    }

    fn serialize_i16(self, number: i16) -> Result<(), Error> {
        self.serialize_i64(number.into())
    }

    fn serialize_i32(self, number: i32) -> Result<(), Error> {
        self.serialize_i64(number.into())
    }

    #[inline]
    fn serialize_i64(self, number: i64) -> Result<(), Error> {
        self.encoder.int(number);
        Ok(())
    }

    fn serialize_i128(self, number: i128) -> Result<(), Error> {
        match (i64::try_from(number), u64::try_from(number)) {
            (Ok(number), _) => self.serialize_i64(number),
            (Err(_), Ok(number)) => self.serialize_u64(number),
            _ => Err(int_too_large(number)),
        }
    }

    fn serialize_u8(self, number: u8) -> Result<(), Error> {
        self.serialize_i64(number.into())
    }

    fn serialize_u16(self, number: u16) -> Result<(), Error> {
        self.serialize_i64(number.into())
    }

    fn serialize_u32(self, number: u32) -> Result<(), Error> {
        self.serialize_i64(number.into())
    }

    fn serialize_u64(self, number: u64) -> Result<(), Error> {
        if self.role == Role::Pid {
            self.encoder.pid(Pid::from_bits(number));
            return Ok(());
        }
        Ok(self.encoder.u64(number)?)
    }

    fn serialize_u128(self, number: u128) -> Result<(), Error> {
        match u64::try_from(number) {
            Ok(number) => self.serialize_u64(number),
            Err(_) => Err(int_too_large(number)),
        }
    }

    fn serialize_f32(self, number: f32) -> Result<(), Error> {
        self.serialize_f64(number.into())
    }

    fn serialize_f64(self, number: f64) -> Result<(), Error> {
        self.encoder.float(number);
        Ok(())
    }

    fn serialize_char(self, character: char) -> Result<(), Error> {
        self.serialize_str(character.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Error> {
        Ok(self.encoder.str(Text::from(text))?)
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.encoder.bytes(bytes)?)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.encoder.none();
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.encoder.some();
        self.one(value)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.encoder.unit();
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, name: &'static str, index: u32, _: &'static str) -> Result<(), Error> {
        self.variant(name, index, 0).map(drop)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        match name {
            PID_NEWTYPE => value.serialize(Self { role: Role::Pid, ..self }),
            set::NEWTYPE => self.set(value),
            // A newtype in a set is written like the value in it.
            _ => value.serialize(self),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        match variant {
            "Ok" if is_result(name) => {
                self.encoder.ok();
                self.one(value)
            }
            "Err" if is_result(name) => {
                self.encoder.err();
                self.one(value)
            }
            _ => SerializeTuple::serialize_element(&mut self.variant(name, index, 1)?, value),
        }
    }

    fn serialize_seq(self, count: Option<usize>) -> Result<SeqWriter<'e, 'b>, Error> {
        let said = count.unwrap_or(0);
        if self.role == Role::Set {
            self.encoder.set(said)?
        } else {
            self.encoder.list(said)?
        }
        let count_end = self.encoder.buffer().len();
        Ok(SeqWriter { values: self.values(), count_end, said, count: 0 })
    }

    #[inline]
    fn serialize_tuple(self, arity: usize) -> Result<ValuesWriter<'e, 'b>, Error> {
        self.encoder.tuple(arity)?;
        Ok(self.values())
    }

    fn serialize_tuple_struct(self, _: &'static str, arity: usize) -> Result<ValuesWriter<'e, 'b>, Error> {
        self.serialize_tuple(arity)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        _: &'static str,
        count: usize,
    ) -> Result<ValuesWriter<'e, 'b>, Error> {
        self.variant(name, index, count)
    }

    fn serialize_map(self, count: Option<usize>) -> Result<MapWriter<'e, 'b>, Error> {
        let said = count.unwrap_or(0);
        self.encoder.map(KeyType::Str, said)?;
        let count_end = self.encoder.buffer().len();
        Ok(MapWriter { pairs: SeqWriter { values: self.values(), count_end, said, count: 0 }, keys: None })
    }

    fn serialize_struct(self, name: &'static str, count: usize) -> Result<ValuesWriter<'e, 'b>, Error> {
        self.encoder.structure(Text::from(name), count)?;
        Ok(self.values())
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        count: usize,
    ) -> Result<ValuesWriter<'e, 'b>, Error> {
        match self.encoder.terms() {
            Terms::First => self.variant(name, index, count),
            Terms::Second => {
                self.encoder.variant(Text::from(name), Text::from(variant), count)?;
                Ok(self.values())
            }
        }
    }
}

fn int_too_large(number: impl core::fmt::Display) -> Error {
    let text = format_args!("{number} is no number of a term: those are integers from -2^63 to 2^64 - 1");
    Error::message(ErrorKind::Unsupported, text)
}

/// A serializer for the values of a container whose count is known and has been written.
pub(super) struct ValuesWriter<'e, 'b> {
    encoder: &'e mut Encoder<'b>,
    depth: usize,
}

impl ValuesWriter<'_, '_> {
    #[inline]
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(Serializer::inside(self.encoder, self.depth)?)
    }
}

impl SerializeTuple for ValuesWriter<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

impl ser::SerializeTupleStruct for ValuesWriter<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

impl ser::SerializeTupleVariant for ValuesWriter<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

impl SerializeStruct for ValuesWriter<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.encoder.field(Text::from(name))?;
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

/// In a term of the first kind this is a sum, and the fields are values in order.
impl ser::SerializeStructVariant for ValuesWriter<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        if self.encoder.terms() == Terms::Second {
            self.encoder.field(Text::from(name))?;
        }
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

/// A serializer for the values of a container. The count is corrected at the end if it was unknown or wrong.
pub(super) struct SeqWriter<'e, 'b> {
    values: ValuesWriter<'e, 'b>,
    /// The offset in the buffer at which the count ends.
    count_end: usize,
    said: usize,
    count: usize,
}

impl SeqWriter<'_, '_> {
    fn finish(self, field: &'static str) -> Result<(), Error> {
        if self.count == self.said {
            return Ok(());
        }
        let count = match u32::try_from(self.count) {
            Ok(count) if count <= TERM_ELEMENTS_MAX => count,
            _ => return Err(EncodeError::too_long(field, TERM_ELEMENTS_MAX.into(), self.count).into()),
        };
        let buffer = self.values.encoder.buffer();
        let place = buffer.get_mut(..self.count_end).and_then(|before| before.last_chunk_mut());
        if let Some(place) = place {
            *place = count.to_le_bytes();
        }
        Ok(())
    }
}

impl SerializeSeq for SeqWriter<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.count += 1;
        self.values.value(value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish("list")
    }
}

/// A serializer for a map. The type of its first key determines its key type.
pub(super) struct MapWriter<'e, 'b> {
    pairs: SeqWriter<'e, 'b>,
    keys: Option<KeyType>,
}

impl SerializeMap for MapWriter<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        let values = &mut self.pairs.values;
        let start = values.encoder.buffer().len();
        values.value(key)?;
        let found = values.encoder.buffer().get(start).and_then(|tag| KeyType::of(*tag));
        let Some(found) = found else {
            return Err(Error::message(ErrorKind::Unsupported, "the keys of a map are integers or strings"));
        };
        let keys = *self.keys.get_or_insert(found);
        if keys != found {
            let text = "the keys of a map are all integers or all strings";
            return Err(Error::message(ErrorKind::Unsupported, text));
        }
        if self.pairs.count == 0 {
            // The key type precedes the count.
            let place = self.pairs.count_end.checked_sub(size_of::<u32>() + 1);
            if let Some(byte) = place.and_then(|at| self.pairs.values.encoder.buffer().get_mut(at)) {
                *byte = keys.to_byte();
            }
        }
        self.pairs.count += 1;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.pairs.values.value(value)
    }

    fn end(self) -> Result<(), Error> {
        self.pairs.finish("map")
    }
}
