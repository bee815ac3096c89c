//! `01` NAME: the initiator announces its name.

use crate::Text;
use crate::handshake::Extension;
use crate::layout::{Layout, Sink, Source};
use crate::limits::NODE_NAME_BYTES_MAX;

/// The initiator's name, the first message of a handshake. Specification: `handshake.md`, "NAME".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name<'a> {
    /// The initiator's node name. A node must announce it with its port. If the message has an extension block, the
    /// name has at most 255 bytes and no control characters.
    pub name: Text<'a>,
    /// The creation: 8 bits that distinguish this run of the initiator from most other runs. Version 2 nodes must send
    /// 1 + (incarnation mod 255), and version 1 nodes always send 1.
    pub creation: u8,
    /// The extension block of version 2, or `None` in version 1. No bytes can follow the block.
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
            //# A reader MUST refuse a NAME or CHALLENGE in which anything follows the extension block.
            source.end()?;
            //= spec/handshake.md#hs-nam-001
            //# A reader MUST refuse a NAME or CHALLENGE with an extension block whose `name` has more than
            //# 255 bytes or holds a control character (U+0000 to U+001F, U+007F to U+009F).
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
