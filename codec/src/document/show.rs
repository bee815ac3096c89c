//! A sink that serializes the fields of a message.

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use super::parts::{Decimal, Hex};
use crate::layout::Sink;
use crate::{Entries, Extension, Frame, Handshake, Names, Pid, Reason, Signal, Text};

/// A wrapper that serializes the fields of a message as a map, without the name of the message.
///
/// For [`Frame::Unknown`], the map also has the tag, as `code`.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'m, M>(pub &'m M);

/// A message with its name and fields.
trait Message {
    fn name(&self) -> &'static str;
    /// Returns the tag, if the name does not determine it.
    fn code(&self) -> Option<u8>;
    fn write_fields<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error>;
}

macro_rules! message {
    ($($Message:ident, $code:expr;)*) => {$(
        impl Message for $Message<'_> {
            fn name(&self) -> &'static str {
                self.name()
            }

            fn code(&self) -> Option<u8> {
                let code: fn(&Self) -> Option<u8> = $code;
                code(self)
            }

            fn write_fields<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
                self.write_fields(sink)
            }
        }

        impl Serialize for $Message<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serialize(self, serializer)
            }
        }

        impl Serialize for Shown<'_, $Message<'_>> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serialize_fields(self.0, serializer)
            }
        }
    )*};
}

message! {
    Frame, |frame| if let Frame::Unknown(unknown) = frame { Some(unknown.tag()) } else { None };
    Handshake, |_| None;
    Signal, |_| None;
}

fn serialize<S: Serializer>(message: &impl Message, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_struct("Message", 2)?;
    map.serialize_field("tag", message.name())?;
    map.serialize_field("fields", &Inner(message))?;
    map.end()
}

fn serialize_fields<S: Serializer>(message: &impl Message, serializer: S) -> Result<S::Ok, S::Error> {
    let mut sink = MapSink(serializer.serialize_map(None)?);
    if let Some(code) = message.code() {
        sink.0.serialize_entry("code", &code)?;
    }
    message.write_fields(&mut sink)?;
    sink.0.end()
}

struct Inner<'m, M>(&'m M);

impl<M: Message> Serialize for Inner<'_, M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_fields(self.0, serializer)
    }
}

struct MapSink<M>(M);

impl<M: SerializeMap> Sink for MapSink<M> {
    type Error = M::Error;

    fn u8(&mut self, field: &'static str, value: u8) -> Result<(), M::Error> {
        self.0.serialize_entry(field, &value)
    }

    fn u16(&mut self, field: &'static str, value: u16) -> Result<(), M::Error> {
        self.0.serialize_entry(field, &value)
    }

    fn u32(&mut self, field: &'static str, value: u32) -> Result<(), M::Error> {
        self.0.serialize_entry(field, &value)
    }

    fn u64(&mut self, field: &'static str, value: u64) -> Result<(), M::Error> {
        self.0.serialize_entry(field, &Decimal(value))
    }

    fn pid(&mut self, field: &'static str, value: Pid) -> Result<(), M::Error> {
        self.0.serialize_entry(field, &value)
    }

    fn array<const N: usize>(&mut self, field: &'static str, value: &[u8; N]) -> Result<(), M::Error> {
        self.0.serialize_entry(field, &Hex(value))
    }

    fn str16(&mut self, field: &'static str, value: Text<'_>) -> Result<(), M::Error> {
        self.0.serialize_entry(field, &value)
    }

    fn str32(&mut self, field: &'static str, value: Text<'_>) -> Result<(), M::Error> {
        self.0.serialize_entry(field, &value)
    }

    fn rest(&mut self, field: &'static str, value: &[u8]) -> Result<(), M::Error> {
        self.0.serialize_entry(field, &Hex(value))
    }

    fn text(&mut self, field: &'static str, value: Text<'_>) -> Result<(), M::Error> {
        self.0.serialize_entry(field, &value)
    }

    fn reason(&mut self, field: &'static str, value: &Reason<'_>) -> Result<(), M::Error> {
        self.0.serialize_entry(field, value)
    }

    fn names(&mut self, field: &'static str, value: &Names<'_>) -> Result<(), M::Error> {
        self.0.serialize_entry(field, value)
    }

    fn entries(&mut self, field: &'static str, value: &Entries<'_>) -> Result<(), M::Error> {
        self.0.serialize_entry(field, value)
    }

    fn extension(&mut self, field: &'static str, value: Option<&Extension<'_>>) -> Result<(), M::Error> {
        match value {
            Some(extension) => self.0.serialize_entry(field, extension),
            None => Ok(()),
        }
    }

    fn invalid(&mut self, _: &'static str, _: &'static str) -> Result<(), M::Error> {
        Ok(())
    }
}
