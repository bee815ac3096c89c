//! `01` NAME: the initiator says who it is.

use crate::Text;
use crate::handshake::Extension;
use crate::layout::{Layout, Sink, Source};
use crate::limits::NODE_NAME_BYTES_MAX;

/// The initiator says who it is. Specification: `handshake.md`, "NAME".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name<'a> {
    /// Its node name. With an extension block at most 255 bytes, and none of them a control character.
    pub name: Text<'a>,
    /// Which of its starts this is, as far as 8 bits can say; version 1 always says 1.
    pub creation: u8,
    /// What version 2 adds. After it nothing may follow.
    pub extension: Option<Extension<'a>>,
}

impl<'a> Layout<'a> for Name<'a> {
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        let name_at = source.at();
        let name = source.str16("name")?;
        let creation = source.u8("creation")?;
        let extension = source.extension("extension")?;
        if extension.is_some() {
            //= spec/handshake.md#hs-ext-009
            //# In both readings a reader MUST refuse a NAME or CHALLENGE in which anything follows the
            //# extension block.
            source.end()?;
            //= spec/handshake.md#hs-nam-001
            //# In both readings a reader MUST refuse a NAME or CHALLENGE with an extension block whose `name`
            //# has more than 255 bytes or holds a control character (U+0000 to U+001F, U+007F to U+009F).
            if !may_announce(name) {
                return Err(source.invalid("name", name_at, NAME_ALLOWED));
            }
        }
        Ok(Self { name, creation, extension })
    }

    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        if self.extension.is_some() && !may_announce(self.name) {
            sink.invalid("name", NAME_ALLOWED)?;
        }
        sink.str16("name", self.name)?;
        sink.u8("creation", self.creation)?;
        sink.extension("extension", self.extension.as_ref())
    }
}

pub(super) const NAME_ALLOWED: &str =
    "beside an extension block a name has at most 255 bytes and no control characters";

pub(super) fn may_announce(name: Text<'_>) -> bool {
    name.len() <= NODE_NAME_BYTES_MAX && !name.has_control()
}
