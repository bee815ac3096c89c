//! `84` CLOSE: ends the session.

use crate::Text;
use crate::layout::{Layout, Sink, Source};

/// The end of the session, with its reason. Specification: `dist.md`, "CLOSE".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Close<'a> {
    /// The reason as a number. See [`Close::CODES`].
    pub code: u16,
    /// The reason as text for a log. A node must not write more than 255 bytes, but can read any length. **Security.**
    /// The log must escape this text.
    pub text: Text<'a>,
}

impl Close<'_> {
    /// The sender stops, or its program ended the session.
    pub const SHUTDOWN: u16 = 0;
    /// The receiver has broken a rule of the protocol.
    pub const PROTOCOL_ERROR: u16 = 1;
    /// The receiver has exceeded a limit of the sender.
    pub const LIMIT: u16 = 2;
    /// Another connection between the two nodes becomes their session.
    pub const REPLACED: u16 = 3;
    /// The sender's operator does not allow sessions with the receiver.
    pub const POLICY: u16 = 4;

    /// All codes with their names in the specification. Readers accept other codes as well.
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
        //# A reader MUST accept a CLOSE with a code that this specification does not list.
        Ok(Self { code: source.u16("code")?, text: source.str16("text")? })
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.u16("code", self.code)?;
        sink.str16("text", self.text)
    }
}
