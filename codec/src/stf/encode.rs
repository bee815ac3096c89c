//! Writing terms.

use alloc::vec::Vec;

use super::{KeyType, Terms, VERSION, Value, prove, read_version, tag};
use crate::layout::Reader;
use crate::limits::{
    STR16_BYTES_MAX, TERM_BYTES_MAX, TERM_DEPTH_MAX, TERM_ELEMENTS_MAX, TERM_STRING_BYTES_MAX,
};
use crate::{DecodeError, EncodeError, EncodeErrorKind, Pid, Reading, Text};

/// A writer that appends one term to a vector.
///
/// Write values one after the other. For a container, first write its head, then as many values as the head announces.
/// A method that returns an error has written nothing. [`Encoder::finish`] checks that each container has as many
/// values as announced, and that the term does not nest deeper than [`TERM_DEPTH_MAX`] levels. If the encoder is
/// dropped without `finish`, the bytes that it has written stay in the vector, unchecked.
#[derive(Debug)]
pub struct Encoder<'b> {
    dst: &'b mut Vec<u8>,
    start: usize,
    terms: Terms,
}

impl<'b> Encoder<'b> {
    /// Begins a term of the first kind by appending its version to `dst`.
    pub fn new(dst: &'b mut Vec<u8>) -> Self {
        Self::new_in(Terms::First, dst)
    }

    /// Begins a term of the kind `terms` by appending its version to `dst`.
    pub fn new_in(terms: Terms, dst: &'b mut Vec<u8>) -> Self {
        let start = dst.len();
        dst.push(VERSION);
        Self { dst, start, terms }
    }

    /// Ends the term.
    ///
    /// # Errors
    /// Returns [`DecodeError`] if what was written is not exactly one value of the term's kind, or nests deeper than
    /// [`TERM_DEPTH_MAX`] levels. The whole term is removed from the vector then.
    pub fn finish(self) -> Result<(), DecodeError> {
        let (_, term) = self.dst.split_at_checked(self.start).unwrap_or_default();
        let mut reader = Reader::new(term, Reading::Strict);
        //= spec/stf.md#stf-dep-003
        //# A writer MUST NOT write a term whose depth is above 64, unless its reader is known to have a
        //# higher limit.
        let proven = read_version(&mut reader)
            .and_then(|()| prove::value(&mut reader, self.terms, TERM_DEPTH_MAX))
            .and_then(|()| reader.finish());
        if let Err(error) = proven {
            self.dst.truncate(self.start);
            return Err(error);
        }
        Ok(())
    }

    /// Writes an int.
    #[inline]
    pub fn int(&mut self, number: i64) {
        self.tagged8(tag::INT, number.to_le_bytes());
    }

    /// Writes a float. Its bits are kept exactly.
    #[inline]
    pub fn float(&mut self, number: f64) {
        self.tagged8(tag::FLOAT, number.to_le_bytes());
    }

    /// Writes `true` or `false`.
    #[inline]
    pub fn bool(&mut self, truth: bool) {
        self.dst.push(if truth { tag::TRUE } else { tag::FALSE });
    }

    /// Writes a string.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if the string has more than [`TERM_STRING_BYTES_MAX`] bytes.
    #[inline]
    pub fn str(&mut self, text: Text<'_>) -> Result<(), EncodeError> {
        let length = at_most("string", TERM_STRING_BYTES_MAX, text.len())?;
        self.tagged4(tag::STRING, length.to_le_bytes());
        self.dst.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if there are more than [`TERM_BYTES_MAX`] bytes, or if the term is of the first kind.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.needs_second("bytes")?;
        let length = at_most("bytes", TERM_BYTES_MAX, bytes.len())?;
        self.tagged4(tag::BYTES, length.to_le_bytes());
        self.dst.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes an integer: a u64 if it is 2^63 or more, otherwise an int.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if the integer is 2^63 or more and the term is of the first kind.
    #[inline]
    pub fn u64(&mut self, number: u64) -> Result<(), EncodeError> {
        match i64::try_from(number) {
            Ok(number) => self.int(number),
            Err(_) => {
                self.needs_second("u64")?;
                self.tagged8(tag::U64, number.to_le_bytes());
            }
        }
        Ok(())
    }

    /// Writes the unit.
    #[inline]
    pub fn unit(&mut self) {
        self.dst.push(tag::UNIT);
    }

    /// Writes a pid.
    #[inline]
    pub fn pid(&mut self, pid: Pid) {
        self.tagged8(tag::PID, pid.to_bits().to_le_bytes());
    }

    /// Writes None.
    #[inline]
    pub fn none(&mut self) {
        self.dst.push(tag::NONE);
    }

    /// Writes the head of Some. Write its one value next.
    #[inline]
    pub fn some(&mut self) {
        self.dst.push(tag::SOME);
    }

    /// Writes the head of Ok. Write its one value next.
    #[inline]
    pub fn ok(&mut self) {
        self.dst.push(tag::OK);
    }

    /// Writes the head of Err. Write its one value next.
    #[inline]
    pub fn err(&mut self) {
        self.dst.push(tag::ERR);
    }

    /// Writes the head of a list. Write its `count` values next.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if `count` is above [`TERM_ELEMENTS_MAX`].
    #[inline]
    pub fn list(&mut self, count: usize) -> Result<(), EncodeError> {
        self.counted(tag::LIST, "list", count)
    }

    /// Writes the head of a set. Write its `count` values next.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if `count` is above [`TERM_ELEMENTS_MAX`].
    #[inline]
    pub fn set(&mut self, count: usize) -> Result<(), EncodeError> {
        self.counted(tag::SET, "set", count)
    }

    /// Writes the head of a map. Write its `count` pairs next, each as a key and a value. All keys must be of the type
    /// `keys`; [`Encoder::finish`] checks this.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if `count` is above [`TERM_ELEMENTS_MAX`].
    pub fn map(&mut self, keys: KeyType, count: usize) -> Result<(), EncodeError> {
        let [one, two, three, four] = at_most("map", TERM_ELEMENTS_MAX, count)?.to_le_bytes();
        self.dst.extend_from_slice(&[tag::MAP, keys.to_byte(), one, two, three, four]);
        Ok(())
    }

    /// Writes the head of a tuple. Write its `arity` values next.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if `arity` is above 255.
    #[inline]
    pub fn tuple(&mut self, arity: usize) -> Result<(), EncodeError> {
        let Ok(arity) = u8::try_from(arity) else {
            return Err(EncodeError::too_long("tuple", u8::MAX.into(), arity));
        };
        self.dst.extend_from_slice(&[tag::TUPLE, arity]);
        Ok(())
    }

    /// Writes the head of a struct. Write its `count` fields next, each as an [`Encoder::field`] and a value.
    ///
    /// `name` is the name of the type.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if the name has more than 65 535 bytes, or if `count` is above 65 535.
    pub fn structure(&mut self, name: Text<'_>, count: usize) -> Result<(), EncodeError> {
        let count = count16("struct", count)?;
        let length = name16("struct.name", name)?;
        self.dst.push(tag::STRUCT);
        self.named(length, name);
        self.dst.extend_from_slice(&count.to_le_bytes());
        Ok(())
    }

    /// Writes the head of a variant with named fields. Write its `count` fields next, each as an [`Encoder::field`] and
    /// a value.
    ///
    /// `name` is the name of the type, and `variant` the name of the variant.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if a name has more than 65 535 bytes, if `count` is above 65 535, or if the term is
    /// of the first kind.
    pub fn variant(&mut self, name: Text<'_>, variant: Text<'_>, count: usize) -> Result<(), EncodeError> {
        self.needs_second("variant")?;
        let count = count16("variant", count)?;
        let length = name16("variant.name", name)?;
        let variant_length = name16("variant.variant", variant)?;
        self.dst.push(tag::VARIANT);
        self.named(length, name);
        self.named(variant_length, variant);
        self.dst.extend_from_slice(&count.to_le_bytes());
        Ok(())
    }

    /// Writes the name of a field of a struct or a variant. Write the value of the field next.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if the name has more than 65 535 bytes.
    pub fn field(&mut self, name: Text<'_>) -> Result<(), EncodeError> {
        let length = name16("struct.field", name)?;
        self.named(length, name);
        Ok(())
    }

    /// Writes the head of a variant of a sum type. Write its `count` values next.
    ///
    /// `name` is the name of the type, and `variant` the number of the variant.
    ///
    /// # Errors
    /// Returns [`EncodeError`] if the type's name has more than 65 535 bytes, or if `count` is above 65 535.
    pub fn sum(&mut self, name: Text<'_>, variant: u8, count: usize) -> Result<(), EncodeError> {
        let count = count16("sum", count)?;
        let length = name16("sum.name", name)?;
        self.dst.push(tag::SUM);
        self.named(length, name);
        let [one, two] = count.to_le_bytes();
        self.dst.extend_from_slice(&[variant, one, two]);
        Ok(())
    }

    /// Writes a value that was read, with everything in it. It was validated, so its counts and lengths fit. Whether
    /// it is of the term's kind is checked at the end.
    pub(super) fn value(&mut self, value: &Value<'_>) {
        let children = match value {
            Value::Int(number) => return self.int(*number),
            Value::Float(number) => return self.float(*number),
            Value::Bool(truth) => return self.bool(*truth),
            Value::Unit => return self.unit(),
            Value::None => return self.none(),
            Value::Pid(pid) => return self.pid(*pid),
            Value::Str(text) => return self.proven(|encoder| encoder.str(*text)),
            Value::Bytes(bytes) => return self.proven(|encoder| encoder.bytes(bytes)),
            Value::U64(number) => return self.proven(|encoder| encoder.u64(*number)),
            Value::Some(inner) => {
                self.some();
                inner.as_bytes()
            }
            Value::Ok(inner) => {
                self.ok();
                inner.as_bytes()
            }
            Value::Err(inner) => {
                self.err();
                inner.as_bytes()
            }
            Value::List(values) => {
                self.proven(|encoder| encoder.list(values.count() as usize));
                values.as_bytes()
            }
            Value::Set(values) => {
                self.proven(|encoder| encoder.set(values.count() as usize));
                values.as_bytes()
            }
            Value::Tuple(values) => {
                self.proven(|encoder| encoder.tuple(values.count() as usize));
                values.as_bytes()
            }
            Value::Map(map) => {
                self.proven(|encoder| encoder.map(map.keys(), map.count() as usize));
                map.as_bytes()
            }
            Value::Struct(fields) => {
                self.proven(|encoder| encoder.structure(fields.name(), fields.count() as usize));
                fields.as_bytes()
            }
            Value::Variant(variant) => {
                let fields = variant.fields();
                self.proven(|encoder| {
                    encoder.variant(variant.name(), variant.variant(), fields.count() as usize)
                });
                fields.as_bytes()
            }
            Value::Sum(sum) => {
                let values = sum.values();
                self.proven(|encoder| encoder.sum(sum.name(), sum.variant(), values.count() as usize));
                values.as_bytes()
            }
        };
        self.dst.extend_from_slice(children);
    }

    fn proven(&mut self, write: impl FnOnce(&mut Self) -> Result<(), EncodeError>) {
        let terms = core::mem::replace(&mut self.terms, Terms::Second);
        let written = write(self);
        debug_assert!(written.is_ok(), "what was read can be written");
        self.terms = terms;
    }

    #[inline]
    fn needs_second(&self, field: &'static str) -> Result<(), EncodeError> {
        match self.terms {
            Terms::First => Err(EncodeError::new(EncodeErrorKind::SecondKind, field)),
            Terms::Second => Ok(()),
        }
    }

    #[inline]
    fn counted(&mut self, tag: u8, field: &'static str, count: usize) -> Result<(), EncodeError> {
        let count = at_most(field, TERM_ELEMENTS_MAX, count)?;
        self.tagged4(tag, count.to_le_bytes());
        Ok(())
    }

    /// Writes a tag and four bytes at once, which checks the vector's room once.
    #[inline]
    fn tagged4(&mut self, tag: u8, [one, two, three, four]: [u8; 4]) {
        self.dst.extend_from_slice(&[tag, one, two, three, four]);
    }

    /// Writes a tag and eight bytes at once.
    #[inline]
    fn tagged8(&mut self, tag: u8, [one, two, three, four, five, six, seven, eight]: [u8; 8]) {
        self.dst.extend_from_slice(&[tag, one, two, three, four, five, six, seven, eight]);
    }

    fn named(&mut self, length: u16, name: Text<'_>) {
        self.dst.extend_from_slice(&length.to_le_bytes());
        self.dst.extend_from_slice(name.as_bytes());
    }

    #[cfg(feature = "serde")]
    pub(super) const fn terms(&self) -> Terms {
        self.terms
    }

    #[cfg(feature = "serde")]
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        self.dst
    }

    #[cfg(feature = "serde")]
    pub(super) fn abandon(self) {
        self.dst.truncate(self.start);
    }
}

#[inline]
fn at_most(field: &'static str, max: u32, actual: usize) -> Result<u32, EncodeError> {
    match u32::try_from(actual) {
        Ok(actual) if actual <= max => Ok(actual),
        _ => Err(EncodeError::too_long(field, max.into(), actual)),
    }
}

fn count16(field: &'static str, count: usize) -> Result<u16, EncodeError> {
    u16::try_from(count).map_err(|_| EncodeError::too_long(field, u16::MAX.into(), count))
}

fn name16(field: &'static str, name: Text<'_>) -> Result<u16, EncodeError> {
    u16::try_from(name.len()).map_err(|_| EncodeError::too_long(field, STR16_BYTES_MAX as u64, name.len()))
}
