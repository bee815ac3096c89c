//! Proving that bytes are values: one pass, no recursion, a stack of fixed size.

use super::{KeyType, tag};
use crate::layout::{Reader, Source, overrun};
use crate::limits::{TERM_DEPTH_MAX, TERM_ELEMENTS_MAX, TERM_STRING_BYTES_MAX};
use crate::{DecodeError, ErrorKind, Text};

/// A container whose values have not all been read.
#[derive(Clone, Copy)]
struct Level {
    /// Values that are still to come; in a map, keys count too.
    left: u32,
    inside: Inside,
}

/// What must stand before a value.
#[derive(Clone, Copy)]
enum Inside {
    /// Nothing: list, set, tuple, sum type, Some, Ok, Err.
    Values,
    /// In a map every second value is a key, of one type.
    Map(KeyType),
    /// The field's name.
    Struct,
}

/// Moves `reader` behind the value that stands there.
pub(super) fn value(reader: &mut Reader<'_>, depth_max: usize) -> Result<(), DecodeError> {
    let mut open = [Level { left: 0, inside: Inside::Values }; TERM_DEPTH_MAX];
    let mut depth = 0;
    let depth_max = depth_max.min(TERM_DEPTH_MAX);
    loop {
        if depth >= depth_max {
            let kind = ErrorKind::TooDeep { max: depth_max };
            return Err(DecodeError::new(kind, "value", reader.at()));
        }
        if let Some(level) = head(reader)?
            && let Some(place) = open.get_mut(depth)
        {
            *place = level;
            depth += 1;
        }
        // Leave what is full, and stop before the next value.
        loop {
            let Some(top) = depth.checked_sub(1).and_then(|top| open.get_mut(top)) else {
                return Ok(());
            };
            if top.left == 0 {
                depth -= 1;
                continue;
            }
            before_value(reader, *top)?;
            top.left -= 1;
            break;
        }
    }
}

/// Reads what stands before the next value of a container.
fn before_value(reader: &mut Reader<'_>, level: Level) -> Result<(), DecodeError> {
    match level.inside {
        Inside::Values => Ok(()),
        Inside::Struct => reader.str16("struct.field").map(drop),
        Inside::Map(keys) => {
            let is_key = level.left.is_multiple_of(2);
            match reader.remaining().first() {
                Some(&found) if is_key && found != keys.tag() => {
                    Err(reader.invalid("map.key", reader.at(), "every key is of the map's key type"))
                }
                _ => Ok(()),
            }
        }
    }
}

/// Reads a value up to its first inner value. A container is given as a level.
fn head(reader: &mut Reader<'_>) -> Result<Option<Level>, DecodeError> {
    let at = reader.at();
    let (left, inside) = match reader.u8("value")? {
        tag::INT => return reader.u64("int").map(|_| None),
        tag::FLOAT => return reader.u64("float").map(|_| None),
        tag::PID => return reader.u64("pid").map(|_| None),
        tag::TRUE | tag::FALSE | tag::UNIT | tag::NONE => return Ok(None),
        tag::STRING => return string(reader).map(|_| None),
        tag::SOME | tag::OK | tag::ERR => (1, Inside::Values),
        tag::LIST => (count32(reader, "list", 1)?, Inside::Values),
        tag::SET => (count32(reader, "set", 1)?, Inside::Values),
        tag::MAP => {
            let keys = KeyType::read(reader)?;
            // At most 1 000 000 pairs: twice that fits.
            (2 * count32(reader, "map", 2)?, Inside::Map(keys))
        }
        tag::TUPLE => (count8(reader)?, Inside::Values),
        tag::STRUCT => {
            reader.str16("struct.name")?;
            (count16(reader, "struct", 3)?, Inside::Struct)
        }
        tag::SUM => {
            reader.str16("sum.name")?;
            reader.u8("sum.variant")?;
            (count16(reader, "sum", 1)?, Inside::Values)
        }
        tag::CLOSURE => return Err(DecodeError::new(ErrorKind::Closure, "value", at)),
        tag => return Err(DecodeError::new(ErrorKind::UnknownTerm(tag), "value", at)),
    };
    Ok(Some(Level { left, inside }))
}

/// The string behind a tag.
pub(super) fn string<'a>(reader: &mut Reader<'a>) -> Result<Text<'a>, DecodeError> {
    let bytes = string_bytes(reader)?;
    reader.proven("string", bytes)
}

/// The bytes of the string behind a tag, not proven to be UTF-8.
#[inline]
pub(super) fn string_bytes<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let at = reader.at();
    let length = reader.u32("string")?;
    if length > TERM_STRING_BYTES_MAX {
        return Err(too_long("string", at, TERM_STRING_BYTES_MAX, length));
    }
    reader.promised("string", length.into(), size_of::<u32>())
}

/// A count of values that take `least` bytes each.
pub(super) fn count32(reader: &mut Reader<'_>, field: &'static str, least: u64) -> Result<u32, DecodeError> {
    let at = reader.at();
    let count = reader.u32(field)?;
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

pub(super) fn count8(reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
    let at = reader.at();
    let count = reader.u8("tuple")?;
    present(reader, "tuple", at, count.into(), 1)
}

/// A count is held against the bytes that are there before anything is done for it.
fn present(
    reader: &Reader<'_>,
    field: &'static str,
    at: usize,
    count: u32,
    least: u64,
) -> Result<u32, DecodeError> {
    let promised = u64::from(count) * least;
    let found = reader.remaining().len();
    if promised > found as u64 { Err(overrun(field, at, promised, found)) } else { Ok(count) }
}

fn too_long(field: &'static str, at: usize, max: u32, actual: u32) -> DecodeError {
    DecodeError::new(ErrorKind::TooLong { max: max.into(), actual: actual.into() }, field, at)
}
