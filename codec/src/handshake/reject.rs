//! `05` REJECT: refuses a connection and gives a reason for the log.

use crate::Text;
use crate::layout::{Layout, Sink, Source};
use crate::limits::REJECT_TEXT_BYTES_MAX;

/// A refusal of the connection, with a reason for the log. Specification: `handshake.md`, "REJECT".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reject<'a> {
    /// The reason as a number. See [`Reject::CODES`].
    pub code: u16,
    /// The reason as text for a log, of at most [`REJECT_TEXT_BYTES_MAX`] bytes. **Security.** The log must escape this
    /// text.
    pub text: Text<'a>,
}

impl Reject<'_> {
    /// The two nodes speak no common version.
    pub const VERSION: u16 = 1;
    /// The acceptor has no room for a further session.
    pub const BUSY: u16 = 2;
    /// A message of the initiator is not readable, is not due, or breaks a rule.
    pub const MALFORMED: u16 = 3;
    /// A proof is wrong, or the connection is not allowed.
    pub const REFUSED: u16 = 4;
    /// Another connection between the two nodes is their session, or will become it.
    pub const DUPLICATE: u16 = 5;
    /// The initiator's name is not a node name, or is the name of the acceptor itself.
    pub const NAME: u16 = 6;
    /// A bound that the initiator announced is too small for a session.
    pub const BOUNDS: u16 = 7;

    /// All codes with their names in the specification. Readers accept other codes as well.
    pub const CODES: &'static [(u16, &'static str)] = &[
        (Self::VERSION, "version"),
        (Self::BUSY, "busy"),
        (Self::MALFORMED, "malformed"),
        (Self::REFUSED, "refused"),
        (Self::DUPLICATE, "duplicate"),
        (Self::NAME, "name"),
        (Self::BOUNDS, "bounds"),
    ];
}

const TEXT_ALLOWED: &str = "the text of a REJECT has at most 255 bytes";

impl<'a> Layout<'a> for Reject<'a> {
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        //= spec/handshake.md#hs-rej-002
        //# A reader MUST accept a REJECT with a code that this specification does not list.
        let code = source.u16("code")?;
        let text_at = source.at();
        let text = source.str16("text")?;
        //= spec/handshake.md#hs-rej-001
        //# A reader MUST refuse a REJECT whose `text` has more than 255 bytes.
        if text.len() > REJECT_TEXT_BYTES_MAX {
            return Err(source.invalid("text", text_at, TEXT_ALLOWED));
        }
        Ok(Self { code, text })
    }

    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        if self.text.len() > REJECT_TEXT_BYTES_MAX {
            sink.invalid("text", TEXT_ALLOWED)?;
        }
        sink.u16("code", self.code)?;
        sink.str16("text", self.text)
    }
}
