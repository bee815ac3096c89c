//! How a message's fields are described, once, for everything that reads or writes them.
//!
//! A message says its fields in wire order in two methods of [`Layout`]: `read` asks a [`Source`] for them,
//! `write` hands them to a [`Sink`]. Bytes are one kind of source and sink ([`Reader`], [`Writer`]); counting
//! bytes ([`Measure`]), JSON, annotated dumps, the fuzzers' structured input and the comparison with the
//! specification's tables are others. So a layout stands in one place, and no reader can differ from a writer.

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

/// A message: its fields in wire order.
pub trait Layout<'a>: Sized {
    /// Asks `source` for each field.
    ///
    /// # Errors
    /// The first field that the source cannot give.
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error>;

    /// Hands each field to `sink`.
    ///
    /// # Errors
    /// The first field that the sink does not take.
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error>;
}

/// A message with what tells it from others.
pub(crate) trait Tagged {
    /// Hands the tag and each field to `sink`.
    fn write_tagged<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error>;
}

impl<T: Tagged> Tagged for &T {
    #[inline(always)]
    fn write_tagged<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        (**self).write_tagged(sink)
    }
}

/// A message with its tag, known when this is compiled: so are the places of all fields of fixed size then.
pub(crate) struct WithTag<'m, const TAG: u8, M>(pub(crate) &'m M);

impl<'a, const TAG: u8, M: Layout<'a>> Tagged for WithTag<'_, TAG, M> {
    #[inline(always)]
    fn write_tagged<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.u8("tag", TAG)?;
        self.0.write(sink)
    }
}

/// Where a message's fields come from.
pub trait Source<'a> {
    /// Why a field cannot be had.
    type Error;

    /// An 8-bit number.
    ///
    /// # Errors
    /// As for every method here: the field is not there, or is not what it must be.
    fn u8(&mut self, field: &'static str) -> Result<u8, Self::Error>;
    /// A 16-bit number.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn u16(&mut self, field: &'static str) -> Result<u16, Self::Error>;
    /// A 32-bit number.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn u32(&mut self, field: &'static str) -> Result<u32, Self::Error>;
    /// A 64-bit number.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn u64(&mut self, field: &'static str) -> Result<u64, Self::Error>;
    /// A process identifier.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn pid(&mut self, field: &'static str) -> Result<Pid, Self::Error>;
    /// `N` bytes.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn array<const N: usize>(&mut self, field: &'static str) -> Result<&'a [u8; N], Self::Error>;
    /// Text behind a `u16` length.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn str16(&mut self, field: &'static str) -> Result<Text<'a>, Self::Error>;
    /// Text behind a `u32` length.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn str32(&mut self, field: &'static str) -> Result<Text<'a>, Self::Error>;
    /// All bytes that are left.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn rest(&mut self, field: &'static str) -> Result<&'a [u8], Self::Error>;
    /// Text that takes all bytes that are left.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn text(&mut self, field: &'static str) -> Result<Text<'a>, Self::Error>;
    /// An exit reason.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn reason(&mut self, field: &'static str) -> Result<Reason<'a>, Self::Error>;
    /// A `u16` count and that many names.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn names(&mut self, field: &'static str) -> Result<Names<'a>, Self::Error>;
    /// A `u32` count and that many global names with their processes and nodes.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn entries(&mut self, field: &'static str) -> Result<Entries<'a>, Self::Error>;
    /// An extension block, where one follows.
    ///
    /// # Errors
    /// See [`Source::u8`].
    fn extension(&mut self, field: &'static str) -> Result<Option<Extension<'a>>, Self::Error>;
    /// Says that nothing may follow, in whichever reading.
    ///
    /// # Errors
    /// There is more.
    fn end(&mut self) -> Result<(), Self::Error>;
    /// Where the next field stands, in bytes; 0 in a source that has no order.
    fn at(&self) -> usize;
    /// The error for a field whose value is not allowed. It stood `at`; `allowed` says which values are.
    fn invalid(&self, field: &'static str, at: usize, allowed: &'static str) -> Self::Error;
}

/// Where a message's fields go.
pub trait Sink {
    /// Why a field is not taken.
    type Error;

    /// An 8-bit number.
    ///
    /// # Errors
    /// As for every method here: the sink does not take the field.
    fn u8(&mut self, field: &'static str, value: u8) -> Result<(), Self::Error>;
    /// A 16-bit number.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn u16(&mut self, field: &'static str, value: u16) -> Result<(), Self::Error>;
    /// A 32-bit number.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn u32(&mut self, field: &'static str, value: u32) -> Result<(), Self::Error>;
    /// A 64-bit number.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn u64(&mut self, field: &'static str, value: u64) -> Result<(), Self::Error>;
    /// A process identifier.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn pid(&mut self, field: &'static str, value: Pid) -> Result<(), Self::Error>;
    /// `N` bytes.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn array<const N: usize>(&mut self, field: &'static str, value: &[u8; N]) -> Result<(), Self::Error>;
    /// Text behind a `u16` length.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn str16(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Self::Error>;
    /// Text behind a `u32` length.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn str32(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Self::Error>;
    /// All bytes that are left.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn rest(&mut self, field: &'static str, value: &[u8]) -> Result<(), Self::Error>;
    /// Text that takes all bytes that are left.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn text(&mut self, field: &'static str, value: Text<'_>) -> Result<(), Self::Error>;
    /// An exit reason.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn reason(&mut self, field: &'static str, value: &Reason<'_>) -> Result<(), Self::Error>;
    /// A `u16` count and that many names.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn names(&mut self, field: &'static str, value: &Names<'_>) -> Result<(), Self::Error>;
    /// A `u32` count and that many global names with their processes and nodes.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn entries(&mut self, field: &'static str, value: &Entries<'_>) -> Result<(), Self::Error>;
    /// An extension block, if there is one.
    ///
    /// # Errors
    /// See [`Sink::u8`].
    fn extension(&mut self, field: &'static str, value: Option<&Extension<'_>>) -> Result<(), Self::Error>;
    /// The error for a field whose value must not be written; `allowed` says which values may.
    ///
    /// # Errors
    /// From a sink that judges values; others go on.
    fn invalid(&mut self, field: &'static str, allowed: &'static str) -> Result<(), Self::Error>;
}

#[cfg(test)]
mod tests;
