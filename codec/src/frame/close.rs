//! `84` CLOSE: the sender ends the session.

use crate::Text;
use crate::layout::{Layout, Sink, Source};

/// The sender ends the session. Specification: `dist.md`, "CLOSE".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Close<'a> {
    /// Why, by number: see the specification's registry.
    pub code: u16,
    /// Why, for a log.
    pub text: Text<'a>,
}

impl<'a> Layout<'a> for Close<'a> {
    #[inline(always)]
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        //= spec/dist.md#dist-cls-001
        //# A reader MUST give a CLOSE with a code that this specification does not list as it gives any
        //# other.
        Ok(Self { code: source.u16("code")?, text: source.str16("text")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.u16("code", self.code)?;
        sink.str16("text", self.text)
    }
}
