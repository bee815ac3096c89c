//! Validation of values: one pass, without recursion, with a stack of fixed size.

use super::{KeyType, Terms, tag};
use crate::layout::{Reader, Source, overrun};
use crate::limits::{TERM_BYTES_MAX, TERM_DEPTH_MAX, TERM_ELEMENTS_MAX, TERM_STRING_BYTES_MAX};
use crate::{DecodeError, ErrorKind, Pid, Text};

/// A container some of whose values have not been read.
#[derive(Clone, Copy)]
struct Level {
    /// The number of values still to come. In a map, keys count as values.
    left: u32,
    inside: Inside,
}

/// The content of a container, by what precedes each value.
#[derive(Clone, Copy)]
enum Inside {
    /// Nothing precedes a value: list, set, tuple, sum type, Some, Ok, Err.
    Values,
    /// Every second value is a key, of one type.
    Map(KeyType),
    /// The name of a field precedes each value: struct, variant.
    Fields(&'static str),
}

const NOTHING: Level = Level { left: 0, inside: Inside::Values };

/// An observer of the values of a term while it is validated.
pub(super) trait Found {
    /// Is called for a pid, with its offset.
    fn pid(&mut self, _at: usize, _pid: Pid) {}

    /// Is called for a value of the second kind.
    fn second(&mut self) {}
}

/// An observer that ignores everything.
struct Unheard;

impl Found for Unheard {}

/// Validates the value at the cursor, which must be one of `terms`, and moves `reader` behind it.
pub(super) fn value(reader: &mut Reader<'_>, terms: Terms, depth_max: usize) -> Result<(), DecodeError> {
    value_with(reader, terms, depth_max, &mut Unheard)
}

/// Validates a value like [`value`] and calls `found` for what it finds.
pub(super) fn value_with(
    reader: &mut Reader<'_>,
    terms: Terms,
    depth_max: usize,
    found: &mut impl Found,
) -> Result<(), DecodeError> {
    let depth_max = depth_max.min(TERM_DEPTH_MAX);
    // Works on a copy: a cursor whose address is passed on could not live in registers.
    let mut cursor = *reader;
    if depth_max == 0 {
        return Err(too_deep(cursor.at(), depth_max));
    }
    let outermost = head(&mut cursor, terms, found)?;
    if outermost.left != 0 {
        cursor = values(cursor, outermost, terms, depth_max, found)?;
    }
    *reader = cursor;
    Ok(())
}

/// Validates the values in a container, at all depths. `top` is the innermost open container; `outer` holds the open
/// containers around it.
fn values<'a>(
    mut cursor: Reader<'a>,
    outermost: Level,
    terms: Terms,
    depth_max: usize,
    found: &mut impl Found,
) -> Result<Reader<'a>, DecodeError> {
    let mut outer = [NOTHING; TERM_DEPTH_MAX];
    let mut depth = 1;
    let mut top = outermost;
    loop {
        while top.left == 0 {
            depth -= 1;
            match outer.get(depth) {
                Some(level) if depth > 0 => top = *level,
                _ => return Ok(cursor),
            }
        }
        if !matches!(top.inside, Inside::Values) {
            cursor = before_value(cursor, terms, top)?;
        }
        //= spec/stf.md#stf-dep-001
        //# A reader MUST refuse a term whose depth is above its limit.
        //= spec/stf.md#stf-dep-002
        //# A reader MUST accept a term whose depth is up to and including its limit.
        if depth >= depth_max {
            return Err(too_deep(cursor.at(), depth_max));
        }
        top.left -= 1;
        let inner = head(&mut cursor, terms, found)?;
        if inner.left != 0 {
            if let Some(place) = outer.get_mut(depth) {
                *place = top;
            }
            top = inner;
            depth += 1;
        }
    }
}

/// Reads what precedes the next value of a map, a struct or a variant.
#[inline(never)]
fn before_value(mut cursor: Reader<'_>, terms: Terms, level: Level) -> Result<Reader<'_>, DecodeError> {
    let keys = match level.inside {
        Inside::Map(keys) => keys,
        Inside::Fields(field) => {
            cursor.str16(field)?;
            return Ok(cursor);
        }
        Inside::Values => return Ok(cursor),
    };
    //= spec/stf.md#stf-int-002
    //# A reader of the second kind MUST accept a u64 as a key of a map whose key type is 0.
    //= spec/stf.md#stf-map-002
    //# A reader MUST refuse a map with a key that is not of the map's key type.
    let is_key = level.left.is_multiple_of(2);
    if is_key && cursor.remaining().first().is_some_and(|&found| !keys.is(found, terms)) {
        return Err(cursor.invalid("map.key", cursor.at(), "every key is of the map's key type"));
    }
    Ok(cursor)
}

/// Reads a value up to its first inner value. A value without inner values gives a level with none left.
#[inline(always)]
fn head(cursor: &mut Reader<'_>, terms: Terms, found: &mut impl Found) -> Result<Level, DecodeError> {
    match cursor.remaining().first() {
        Some(&tag::INT) => scalar(cursor, "int"),
        Some(&tag::STRING) => {
            cursor.tag();
            string(cursor).map(|_| NOTHING)
        }
        Some(&tag::TUPLE) => {
            cursor.tag();
            Ok(Level { left: count8(cursor)?, inside: Inside::Values })
        }
        _ => {
            let (level, after) = rare_head(*cursor, terms, found)?;
            *cursor = after;
            Ok(level)
        }
    }
}

#[inline(always)]
fn scalar(cursor: &mut Reader<'_>, field: &'static str) -> Result<Level, DecodeError> {
    cursor.tag();
    cursor.u64(field)?;
    Ok(NOTHING)
}

#[inline(never)]
fn rare_head<'a>(
    mut cursor: Reader<'a>,
    terms: Terms,
    found: &mut impl Found,
) -> Result<(Level, Reader<'a>), DecodeError> {
    let at = cursor.at();
    let (left, inside) = match cursor.u8("value")? {
        //= spec/stf.md#stf-num-001
        //# A reader MUST accept all 64-bit patterns of a float and return them unchanged.
        tag::FLOAT => (cursor.u64("float").map(|_| 0)?, Inside::Values),
        tag::PID => {
            found.pid(cursor.at(), cursor.pid("pid")?);
            (0, Inside::Values)
        }
        tag::TRUE | tag::FALSE | tag::UNIT | tag::NONE => (0, Inside::Values),
        tag::SOME | tag::OK | tag::ERR => (1, Inside::Values),
        //= spec/stf.md#stf-lst-001
        //# A reader MUST NOT refuse a list or a set because its elements are of different types.
        tag::LIST => (count32(&mut cursor, "list", 1)?, Inside::Values),
        tag::SET => (count32(&mut cursor, "set", 1)?, Inside::Values),
        tag::MAP => {
            let keys = KeyType::read(&mut cursor)?;
            // There are at most 1 000 000 pairs, so twice the number fits.
            (2 * count32(&mut cursor, "map", 2)?, Inside::Map(keys))
        }
        tag::STRUCT => {
            cursor.str16("struct.name")?;
            (count16(&mut cursor, "struct", 3)?, Inside::Fields("struct.field"))
        }
        tag::SUM => {
            cursor.str16("sum.name")?;
            cursor.u8("sum.variant")?;
            (count16(&mut cursor, "sum", 1)?, Inside::Values)
        }
        tag @ (tag::BYTES | tag::U64 | tag::VARIANT) if terms == Terms::Second => {
            found.second();
            second_head(&mut cursor, tag)?
        }
        //= spec/stf.md#stf-tag-002
        //# A reader MUST refuse a term that holds the type tag 255.
        tag::CLOSURE => return Err(DecodeError::new(ErrorKind::Closure, "value", at)),
        //= spec/stf.md#stf-tag-001
        //# A reader MUST refuse a term in which a value has a type tag that the tables of its kind do not
        //# list.
        tag => return Err(DecodeError::new(ErrorKind::UnknownTerm(tag), "value", at)),
    };
    Ok((Level { left, inside }, cursor))
}

/// Reads a value of the second kind after its tag, up to its first inner value.
fn second_head(cursor: &mut Reader<'_>, tag: u8) -> Result<(u32, Inside), DecodeError> {
    match tag {
        tag::BYTES => bytes(cursor).map(|_| (0, Inside::Values)),
        tag::U64 => large(cursor).map(|_| (0, Inside::Values)),
        _ => {
            cursor.str16("variant.name")?;
            cursor.str16("variant.variant")?;
            Ok((count16(cursor, "variant", 3)?, Inside::Fields("variant.field")))
        }
    }
}

#[cold]
#[inline(never)]
fn too_deep(at: usize, max: usize) -> DecodeError {
    DecodeError::new(ErrorKind::TooDeep { max }, "value", at)
}

/// Reads a string after its tag.
#[inline(always)]
pub(super) fn string<'a>(reader: &mut Reader<'a>) -> Result<Text<'a>, DecodeError> {
    let bytes = string_bytes(reader)?;
    reader.proven("string", bytes)
}

/// Reads the bytes of a string after its tag, without validating them as UTF-8.
#[inline(always)]
pub(super) fn string_bytes<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let length = reader.u32("string")?;
    //= spec/stf.md#stf-str-001
    //# A reader MUST refuse a string with a length above 16 777 216 bytes.
    if length > TERM_STRING_BYTES_MAX {
        return Err(too_long("string", reader.at() - size_of::<u32>(), TERM_STRING_BYTES_MAX, length));
    }
    reader.promised("string", length.into(), size_of::<u32>())
}

/// Reads a bytes value after its tag.
#[inline(always)]
pub(super) fn bytes<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let length = reader.u32("bytes")?;
    //= spec/stf.md#stf-byt-001
    //# A reader MUST refuse bytes with a length above 16 777 216.
    if length > TERM_BYTES_MAX {
        return Err(too_long("bytes", reader.at() - size_of::<u32>(), TERM_BYTES_MAX, length));
    }
    //= spec/stf.md#stf-byt-002
    //# A reader MUST accept bytes of any content and return them unchanged.
    reader.promised("bytes", length.into(), size_of::<u32>())
}

/// Reads a u64 after its tag.
#[inline(always)]
pub(super) fn large(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    let at = reader.at();
    let number = reader.u64("u64")?;
    //= spec/stf.md#stf-int-001
    //# A reader MUST refuse a u64 below 2^63.
    if i64::try_from(number).is_ok() {
        return Err(reader.invalid("u64", at, "a number below 2^63 is an int"));
    }
    Ok(number)
}

/// Reads a count of values that take at least `least` bytes each.
pub(super) fn count32(reader: &mut Reader<'_>, field: &'static str, least: u64) -> Result<u32, DecodeError> {
    let at = reader.at();
    let count = reader.u32(field)?;
    //= spec/stf.md#stf-cnt-001
    //# A reader MUST refuse a list, a map or a set with a count above 1 000 000.
    if count > TERM_ELEMENTS_MAX {
        return Err(too_long(field, at, TERM_ELEMENTS_MAX, count));
    }
    present(reader, field, at, count, least)
}

pub(super) fn count16(reader: &mut Reader<'_>, field: &'static str, least: u64) -> Result<u32, DecodeError> {
    let at = reader.at();
    let count = reader.u16(field)?;
    present(reader, field, at, count.into(), least)
}

#[inline(always)]
pub(super) fn count8(reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
    let at = reader.at();
    let count = reader.u8("tuple")?;
    present(reader, "tuple", at, count.into(), 1)
}

/// Compares a count with the bytes that are there, before anything else is done with it.
#[inline(always)]
fn present(
    reader: &Reader<'_>,
    field: &'static str,
    at: usize,
    count: u32,
    least: u64,
) -> Result<u32, DecodeError> {
    let promised = u64::from(count) * least;
    let found = reader.remaining().len();
    //= spec/dist.md#dist-fld-004
    //# A reader MUST refuse a length or a count that needs more bytes than the payload still has.
    if promised > found as u64 { Err(overrun(field, at, promised, found)) } else { Ok(count) }
}

#[cold]
#[inline(never)]
fn too_long(field: &'static str, at: usize, max: u32, actual: u32) -> DecodeError {
    DecodeError::new(ErrorKind::TooLong { max: max.into(), actual: actual.into() }, field, at)
}
