//! `8A` SEND_NAME_TERM: a term to the process that is registered under a name.

use crate::Text;
use crate::layout::{Layout, Sink, Source};

/// A message that is marked as a term, to the process that is registered under a name. Specification: `dist.md`,
/// "SEND_NAME_TERM".
///
/// The message of a REG_SEND has no such mark, and can be any bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SendNameTerm<'a> {
    /// The name under which the process is registered on the receiver's node.
    pub name: Text<'a>,
    /// The message: a term (STF), which the frame decoder does not validate.
    pub message: &'a [u8],
}

impl<'a> Layout<'a> for SendNameTerm<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        //= spec/dist.md#dist-cal-001
        //# A reader MUST NOT refuse a CALL, CALL_NAME, CALL_REPLY or SEND_NAME_TERM because of the bytes in its
        //# `message`.
        Ok(Self { name: source.str16("name")?, message: source.rest("message")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.str16("name", self.name)?;
        sink.rest("message", self.message)
    }
}
