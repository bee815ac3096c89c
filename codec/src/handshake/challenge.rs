//! `02` CHALLENGE: the acceptor says who it is, and challenges the initiator.

use super::name::{NAME_ALLOWED, may_announce};
use crate::Text;
use crate::handshake::Extension;
use crate::layout::{Layout, Sink, Source};

/// The acceptor says who it is, and challenges the initiator. Specification: `handshake.md`, "CHALLENGE".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Challenge<'a> {
    /// Its node name. With an extension block at most 255 bytes, and none of them a control character.
    pub name: Text<'a>,
    /// Which of its starts this is, as far as 8 bits can say; version 1 always says 1.
    pub creation: u8,
    /// Random bytes; a node of version 2 ends them with [`SENTINEL`].
    pub challenge: &'a [u8; 32],
    /// What version 2 adds. After it nothing may follow.
    pub extension: Option<Extension<'a>>,
}

impl<'a> Layout<'a> for Challenge<'a> {
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        let name_at = source.at();
        let name = source.str16("name")?;
        let creation = source.u8("creation")?;
        let challenge = source.array("challenge")?;
        let extension = source.extension("extension")?;
        if extension.is_some() {
            source.end()?;
            if !may_announce(name) {
                //= spec/handshake.md#hs-nam-001
                //# In both readings a reader MUST refuse a NAME or CHALLENGE with an extension block whose
                //# `name` has more than 255 bytes or holds a control character (U+0000 to U+001F, U+007F to
                //# U+009F).
                return Err(source.invalid("name", name_at, NAME_ALLOWED));
            }
        }
        Ok(Self { name, creation, challenge, extension })
    }

    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        if self.extension.is_some() && !may_announce(self.name) {
            sink.invalid("name", NAME_ALLOWED)?;
        }
        sink.str16("name", self.name)?;
        sink.u8("creation", self.creation)?;
        sink.array("challenge", self.challenge)?;
        sink.extension("extension", self.extension.as_ref())
    }
}

/// What the 32 bytes of every challenge of a version 2 node end in, in CHALLENGE and in REPLY. Whoever sees it
/// in a handshake without completed proofs knows that the extension block was taken away.
pub const SENTINEL: [u8; 8] = *b"\xD1DIST-V2";

/// A challenge of a version 2 node.
#[must_use]
pub fn challenge(random: [u8; 24]) -> [u8; 32] {
    let mut challenge = [0; 32];
    let (head, tail) = challenge.split_at_mut(random.len());
    head.copy_from_slice(&random);
    //= spec/handshake.md#hs-sen-001
    //# A node that speaks version 2 MUST end each challenge that it writes, in CHALLENGE and in REPLY, with
    //# the eight bytes of the sentinel.
    tail.copy_from_slice(&SENTINEL);
    challenge
}

/// Whether a node of version 2 made this challenge.
#[must_use]
pub fn has_sentinel(challenge: &[u8; 32]) -> bool {
    challenge.ends_with(&SENTINEL)
}
