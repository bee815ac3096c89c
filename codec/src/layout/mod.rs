//! Layouts: one description of a message's fields for everything that reads or writes them.
//!
//! A message implements [`Layout`] with two methods that name its fields in wire order: `read` requests them from a
//! [`Source`], `write` passes them to a [`Sink`]. Bytes are one kind of source and sink ([`Reader`], [`Writer`]).
//! Others count bytes ([`Measure`]), convert from and to JSON, annotate dumps, make messages from a fuzzer's bytes,
//! and compare messages with the tables of the specification. A layout therefore exists in one place, and no reader
//! can differ from a writer.
//!
//! A program needs this module only to process the fields of all messages in a way of its own: implement [`Sink`]
//! and call [`Frame::write_fields`](crate::Frame::write_fields).

mod measure;
mod reader;
mod table;
mod writer;

pub use measure::Measure;
pub use reader::Reader;
pub(crate) use reader::overrun;
pub use writer::Writer;

pub(crate) use measure::measure;
pub(crate) use table::table;
pub use writer::append;
pub(crate) use writer::{encode, encode_framed, encode_framed_apart};

use crate::{Entries, Extension, Names, Pid, Reason, Text};

/// The fields of a message, in wire order.
pub trait Layout<'a>: Sized {
    /// Reads a message by requesting each field from `source`.
    ///
    /// # Errors
    /// Returns the error of the first field that the source cannot provide.
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error>;

    /// Writes the message by passing each field to `sink`.
    ///
    /// # Errors
    /// Returns the error of the first field that the sink does not accept.
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error>;
}

/// A message together with its tag.
pub(crate) trait Tagged {
    /// Passes the tag and each field to `sink`.
    fn write_tagged<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error>;
}

impl<T: Tagged> Tagged for &T {
    #[inline(always)]
    fn write_tagged<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        (**self).write_tagged(sink)
    }
}

/// A message whose tag is a constant, so that the offsets of all fixed-size fields are known at compile time.
pub(crate) struct WithTag<'m, const TAG: u8, M>(pub(crate) &'m M);

impl<'a, const TAG: u8, M: Layout<'a>> Tagged for WithTag<'_, TAG, M> {
    #[inline(always)]
    fn write_tagged<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.u8("tag", TAG)?;
        self.0.write(sink)
    }
}

/// A source of a message's fields. The argument `field` of its methods is the field's name in the specification's
/// tables.
pub trait Source<'a> {
    /// The error for a field that cannot be provided.
    type Error;

    /// Returns an 8-bit number.
    ///
    /// # Errors
    /// Like every method here, returns an error if the field is missing or not valid.
    fn u8(&mut self, field: &'static str) -> Result<u8, Self::Error>;
    /// Returns a 16-bit number.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn u16(&mut self, field: &'static str) -> Result<u16, Self::Error>;
    /// Returns a 32-bit number.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn u32(&mut self, field: &'static str) -> Result<u32, Self::Error>;
    /// Returns a 64-bit number.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn u64(&mut self, field: &'static str) -> Result<u64, Self::Error>;
    /// Returns a process identifier.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn pid(&mut self, field: &'static str) -> Result<Pid, Self::Error>;
    /// Returns `N` bytes.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn array<const N: usize>(&mut self, field: &'static str) -> Result<&'a [u8; N], Self::Error>;
    /// Returns a text with a `u16` length.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn str16(&mut self, field: &'static str) -> Result<Text<'a>, Self::Error>;
    /// Returns a text with a `u32` length.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn str32(&mut self, field: &'static str) -> Result<Text<'a>, Self::Error>;
    /// Returns all remaining bytes.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn rest(&mut self, field: &'static str) -> Result<&'a [u8], Self::Error>;
    /// Returns all remaining bytes as a text.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn text(&mut self, field: &'static str) -> Result<Text<'a>, Self::Error>;
    /// Returns an exit reason.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn reason(&mut self, field: &'static str) -> Result<Reason<'a>, Self::Error>;
    /// Returns a list of names with a `u16` count.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn names(&mut self, field: &'static str) -> Result<Names<'a>, Self::Error>;
    /// Returns a list of global names, each with its process and node, with a `u32` count.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn entries(&mut self, field: &'static str) -> Result<Entries<'a>, Self::Error>;
    /// Returns an extension block, or `None` if no block follows.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn extension(&mut self, field: &'static str) -> Result<Option<Extension<'a>>, Self::Error>;
    /// Checks that nothing follows the fields that have been requested, whatever the reading.
    ///
    /// # Errors
    /// Returns an error if something follows. A source whose fields have no order never returns this error.
    fn end(&mut self) -> Result<(), Self::Error>;
    /// Returns the offset of the next field in bytes, or 0 if the fields of the source have no order.
    fn at(&self) -> usize;
    /// Returns the error for a field at offset `at` whose value is not allowed. `allowed` is a text that says which
    /// values are allowed.
    fn invalid(&self, field: &'static str, at: usize, allowed: &'static str) -> Self::Error;
}

/// A destination of a message's fields. The argument `field` of its methods is the field's name in the specification's
/// tables.
pub trait Sink {
    /// The error for a field that is not accepted.
    type Error;

    /// Accepts an 8-bit number.
    ///
    /// # Errors
    /// Like every method here, returns an error if the sink does not accept the field.
    fn u8(&mut self, field: &'static str, value: u8) -> Result<(), Self::Error>;
    /// Accepts a 16-bit number.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn u16(&mut self, field: &'static str, value: u16) -> Result<(), Self::Error>;
    /// Accepts a 32-bit number.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn u32(&mut self, field: &'static str, value: u32) -> Result<(), Self::Error>;
    /// Accepts a 64-bit number.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn u64(&mut self, field: &'static str, value: u64) -> Result<(), Self::Error>;
    /// Accepts a process identifier.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn pid(&mut self, field: &'static str, value: Pid) -> Result<(), Self::Error>;
    /// Accepts `N` bytes.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn array<const N: usize>(&mut self, field: &'static str, value: &[u8; N]) -> Result<(), Self::Error>;
    /// Accepts a text with a `u16` length.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn str16(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Self::Error>;
    /// Accepts a text with a `u32` length.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn str32(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Self::Error>;
    /// Accepts the bytes that fill the rest of the message.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn rest(&mut self, field: &'static str, value: &[u8]) -> Result<(), Self::Error>;
    /// Accepts the text that fills the rest of the message.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn text(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Self::Error>;
    /// Accepts an exit reason.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn reason(&mut self, field: &'static str, value: &Reason<'_>) -> Result<(), Self::Error>;
    /// Accepts a list of names with a `u16` count.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn names(&mut self, field: &'static str, value: &Names<'_>) -> Result<(), Self::Error>;
    /// Accepts a list of global names, each with its process and node, with a `u32` count.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn entries(&mut self, field: &'static str, value: &Entries<'_>) -> Result<(), Self::Error>;
    /// Accepts an extension block, or `None` if the message has no block.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn extension(&mut self, field: &'static str, value: Option<&Extension<'_>>) -> Result<(), Self::Error>;
    /// Reports a field whose value must not be written. `allowed` is a text that says which values may be written.
    ///
    /// # Errors
    /// Returns an error if the sink stops at the first value that is not allowed. Other sinks ignore the report, or
    /// remember it.
    fn invalid(&mut self, field: &'static str, allowed: &'static str) -> Result<(), Self::Error>;
}

#[cfg(test)]
mod tests;
