//! The fields of a message in a human-readable format, as a source.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::parts::{Decimal, Hex};
use crate::layout::Source;
use crate::{Entries, EntriesBuf, Extension, ExtensionBuf, Names, NamesBuf, Pid, Reason, ReasonBuf, Text};

/// The fields of a message by name. The name of a field determines its type, in all messages.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    fields: Vec<(&'static str, Owned)>,
}

#[derive(Clone, Debug)]
enum Owned {
    Number(u64),
    Pid(Pid),
    Bytes(Vec<u8>),
    Text(String),
    Reason(ReasonBuf),
    Names(NamesBuf),
    Entries(EntriesBuf),
    Extension(ExtensionBuf),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Pid,
    Bytes,
    Text,
    Reason,
    Names,
    Entries,
    Extension,
}

/// Every field of every message with its kind. A name has the same kind in every message.
const KINDS: &[(&str, Kind)] = &[
    ("arguments", Kind::Bytes),
    ("challenge", Kind::Bytes),
    ("code", Kind::Number),
    ("creation", Kind::Number),
    ("digest", Kind::Bytes),
    ("entries", Kind::Entries),
    ("extension", Kind::Extension),
    ("flags", Kind::Number),
    ("from", Kind::Pid),
    ("function", Kind::Text),
    ("id", Kind::Number),
    ("incarnation", Kind::Number),
    ("index", Kind::Number),
    ("link", Kind::Number),
    ("local", Kind::Number),
    ("message", Kind::Bytes),
    ("monitored", Kind::Pid),
    ("monitoring", Kind::Pid),
    ("name", Kind::Text),
    ("names", Kind::Names),
    ("node", Kind::Text),
    ("number", Kind::Number),
    ("payload", Kind::Bytes),
    ("pid", Kind::Pid),
    ("proof", Kind::Bytes),
    ("reason", Kind::Reason),
    ("ref", Kind::Number),
    ("request", Kind::Number),
    ("requester", Kind::Pid),
    ("room", Kind::Text),
    ("status", Kind::Number),
    ("text", Kind::Text),
    ("to", Kind::Pid),
    ("total", Kind::Number),
];

impl Kind {
    fn read<'de, A: MapAccess<'de>>(self, map: &mut A) -> Result<Owned, A::Error> {
        Ok(match self {
            Self::Number => Owned::Number(map.next_value::<Decimal>()?.0),
            Self::Pid => Owned::Pid(map.next_value()?),
            Self::Bytes => Owned::Bytes(map.next_value::<Hex<Vec<u8>>>()?.0),
            Self::Text => Owned::Text(map.next_value()?),
            Self::Reason => Owned::Reason(map.next_value()?),
            Self::Names => Owned::Names(map.next_value()?),
            Self::Entries => Owned::Entries(map.next_value()?),
            Self::Extension => Owned::Extension(map.next_value()?),
        })
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message's fields by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(name) = map.next_key::<String>()? {
            let Some(&(name, kind)) = KINDS.iter().find(|&&(known, _)| known == name) else {
                return Err(de::Error::custom(format_args!("no message has a field `{name}`")));
            };
            if fields.get(name).is_some() {
                return Err(de::Error::custom(format_args!("field `{name}` stands twice")));
            }
            let value = kind
                .read(&mut map)
                .map_err(|error| de::Error::custom(format_args!("field `{name}`: {error}")))?;
            fields.fields.push((name, value));
        }
        Ok(fields)
    }
}

impl Fields {
    fn get(&self, name: &str) -> Option<&Owned> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Reads a message. All of its fields must be present, and no others.
    pub(super) fn read<'a, T>(
        &'a self,
        read: impl FnOnce(&mut FieldSource<'a>) -> Result<T, FieldsError>,
    ) -> Result<T, FieldsError> {
        let mut source = FieldSource { fields: self, asked: Vec::new() };
        let message = read(&mut source)?;
        match self.fields.iter().find(|(name, _)| !source.asked.contains(name)) {
            Some((name, _)) => Err(FieldsError::of(name, "is not a field of this message")),
            None => Ok(message),
        }
    }
}

/// An error that says that a field is missing, has the wrong type, or does not belong to the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldsError {
    field: &'static str,
    problem: String,
}

impl FieldsError {
    pub(super) fn of(field: &'static str, problem: &str) -> Self {
        Self { field, problem: String::from(problem) }
    }
}

impl fmt::Display for FieldsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field `{}` {}", self.field, self.problem)
    }
}

impl core::error::Error for FieldsError {}

/// A source that provides the fields of a document by name and records which were requested.
#[derive(Debug)]
pub(super) struct FieldSource<'a> {
    fields: &'a Fields,
    asked: Vec<&'static str>,
}

impl<'a> FieldSource<'a> {
    fn optional(&mut self, field: &'static str) -> Option<&'a Owned> {
        self.asked.push(field);
        self.fields.get(field)
    }

    fn required(&mut self, field: &'static str) -> Result<&'a Owned, FieldsError> {
        self.optional(field).ok_or_else(|| FieldsError::of(field, "is missing"))
    }

    fn number<T: TryFrom<u64>>(&mut self, field: &'static str) -> Result<T, FieldsError> {
        let Owned::Number(number) = self.required(field)? else { return Err(not_that_kind(field)) };
        T::try_from(*number).map_err(|_| FieldsError {
            field,
            problem: format!("is {number}, which {} bits cannot hold", 8 * size_of::<T>()),
        })
    }

    fn bytes(&mut self, field: &'static str) -> Result<&'a [u8], FieldsError> {
        let Owned::Bytes(bytes) = self.required(field)? else { return Err(not_that_kind(field)) };
        Ok(bytes)
    }
}

/// Creates the error for a field of another kind. A name has one kind; a test compares every message with [`KINDS`].
fn not_that_kind(field: &'static str) -> FieldsError {
    FieldsError::of(field, "is not of the kind that this message needs")
}

impl<'a> Source<'a> for FieldSource<'a> {
    type Error = FieldsError;

    fn u8(&mut self, field: &'static str) -> Result<u8, FieldsError> {
        self.number(field)
    }

    fn u16(&mut self, field: &'static str) -> Result<u16, FieldsError> {
        self.number(field)
    }

    fn u32(&mut self, field: &'static str) -> Result<u32, FieldsError> {
        self.number(field)
    }

    fn u64(&mut self, field: &'static str) -> Result<u64, FieldsError> {
        self.number(field)
    }

    fn pid(&mut self, field: &'static str) -> Result<Pid, FieldsError> {
        let Owned::Pid(pid) = self.required(field)? else { return Err(not_that_kind(field)) };
        Ok(*pid)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<&'a [u8; N], FieldsError> {
        let bytes = self.bytes(field)?;
        bytes.try_into().map_err(|_| FieldsError {
            field,
            problem: format!(
                "has {} byte{} where {N} are needed",
                bytes.len(),
                if bytes.len() == 1 { "" } else { "s" }
            ),
        })
    }

    fn str16(&mut self, field: &'static str) -> Result<Text<'a>, FieldsError> {
        let Owned::Text(text) = self.required(field)? else { return Err(not_that_kind(field)) };
        Ok(Text::from(&**text))
    }

    fn str32(&mut self, field: &'static str) -> Result<Text<'a>, FieldsError> {
        self.str16(field)
    }

    fn rest(&mut self, field: &'static str) -> Result<&'a [u8], FieldsError> {
        self.bytes(field)
    }

    fn text(&mut self, field: &'static str) -> Result<Text<'a>, FieldsError> {
        self.str16(field)
    }

    fn reason(&mut self, field: &'static str) -> Result<Reason<'a>, FieldsError> {
        let Owned::Reason(reason) = self.required(field)? else { return Err(not_that_kind(field)) };
        Ok(reason.as_reason())
    }

    fn names(&mut self, field: &'static str) -> Result<Names<'a>, FieldsError> {
        let Owned::Names(names) = self.required(field)? else { return Err(not_that_kind(field)) };
        Ok(names.as_names())
    }

    fn entries(&mut self, field: &'static str) -> Result<Entries<'a>, FieldsError> {
        let Owned::Entries(entries) = self.required(field)? else { return Err(not_that_kind(field)) };
        Ok(entries.as_entries())
    }

    fn extension(&mut self, field: &'static str) -> Result<Option<Extension<'a>>, FieldsError> {
        match self.optional(field) {
            None => Ok(None),
            Some(Owned::Extension(extension)) => Ok(Some(extension.as_extension())),
            Some(_) => Err(not_that_kind(field)),
        }
    }

    /// Accepts the end. Fields that the message does not request are refused afterwards, in [`Fields::read`].
    fn end(&mut self) -> Result<(), FieldsError> {
        Ok(())
    }

    fn at(&self) -> usize {
        0
    }

    fn invalid(&self, field: &'static str, _: usize, allowed: &'static str) -> FieldsError {
        FieldsError { field, problem: format!("is not allowed: {allowed}") }
    }
}
