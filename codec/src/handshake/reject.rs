//! `05` REJECT: why a connection is refused, as a hint for a log.

use crate::Text;
use crate::layout::{Layout, Sink, Source};
use crate::limits::REJECT_TEXT_BYTES_MAX;

/// Why a connection is refused, as a hint for a log. Specification: `handshake.md`, "REJECT".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reject<'a> {
    /// Why, by number: see [`Reject::CODES`].
    pub code: u16,
    /// Why, for a log that escapes it; at most 255 bytes.
    pub text: Text<'a>,
}

impl Reject<'_> {
    /// No version that both ends speak.
    pub const VERSION: u16 = 1;
    /// No room for a session.
    pub const BUSY: u16 = 2;
    /// A message that is not what the specification says it should be.
    pub const MALFORMED: u16 = 3;
    /// A proof that does not fit, or a connection that is not wanted.
    pub const REFUSED: u16 = 4;
    /// There is a session, or a connection that stays.
    pub const DUPLICATE: u16 = 5;
    /// A name that cannot be a peer's.
    pub const NAME: u16 = 6;
    /// Bounds with which a session cannot work.
    pub const BOUNDS: u16 = 7;

    /// Every code and its name in the specification. A reader gives codes beyond them as it gives any other.
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
        //# A reader MUST give a REJECT with a code that this specification does not list as it gives any
        //# other.
        let code = source.u16("code")?;
        let text_at = source.at();
        let text = source.str16("text")?;
        //= spec/handshake.md#hs-rej-001
        //# In both readings a reader MUST refuse a REJECT whose `text` has more than 255 bytes.
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
