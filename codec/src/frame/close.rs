//! `84` CLOSE: the sender ends the session.

use crate::Text;
use crate::layout::{Layout, Sink, Source};

/// The sender ends the session. Specification: `dist.md`, "CLOSE".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Close<'a> {
    /// Why, by number: see [`Close::CODES`].
    pub code: u16,
    /// Why, for a log.
    pub text: Text<'a>,
}

impl Close<'_> {
    /// The sender stops, or its program has asked for the end.
    pub const SHUTDOWN: u16 = 0;
    /// The reader has broken a rule of the protocol.
    pub const PROTOCOL_ERROR: u16 = 1;
    /// The reader has passed a limit of the sender.
    pub const LIMIT: u16 = 2;
    /// Another connection of the two nodes takes over.
    pub const REPLACED: u16 = 3;
    /// The sender's operator does not allow the reader.
    pub const POLICY: u16 = 4;

    /// Every code and its name in the specification. A reader gives codes beyond them as it gives any other.
    pub const CODES: &'static [(u16, &'static str)] = &[
        (Self::SHUTDOWN, "shutdown"),
        (Self::PROTOCOL_ERROR, "protocol_error"),
        (Self::LIMIT, "limit"),
        (Self::REPLACED, "replaced"),
        (Self::POLICY, "policy"),
    ];
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
