//! `05` REJECT: why a connection is refused, as a hint for a log.

use crate::Text;
use crate::layout::{Layout, Sink, Source};
use crate::limits::REJECT_TEXT_BYTES_MAX;

/// Why a connection is refused, as a hint for a log. Specification: `handshake.md`, "REJECT".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reject<'a> {
    /// Why, by number: see the specification's registry.
    pub code: u16,
    /// Why, for a log that escapes it; at most 255 bytes.
    pub text: Text<'a>,
}

const TEXT_ALLOWED: &str = "the text of a REJECT has at most 255 bytes";

impl<'a> Layout<'a> for Reject<'a> {
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        let code = source.u16("code")?;
        let text_at = source.at();
        let text = source.str16("text")?;
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
