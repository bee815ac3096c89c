//! `02` CHALLENGE: the acceptor announces its name and challenges the initiator.

use super::name::{NAME_ALLOWED, may_announce};
use crate::Text;
use crate::handshake::Extension;
use crate::layout::{Layout, Sink, Source};

/// The acceptor's name and its challenge for the initiator. Specification: `handshake.md`, "CHALLENGE".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Challenge<'a> {
    /// The acceptor's node name. A node must announce it with its port. If the message has an extension block, the name
    /// has at most 255 bytes and no control characters.
    pub name: Text<'a>,
    /// The creation: 8 bits that distinguish this run of the acceptor from most other runs. Version 2 nodes must send
    /// 1 + (incarnation mod 255), and version 1 nodes always send 1.
    pub creation: u8,
    /// The acceptor's challenge: random bytes, which end in [`SENTINEL`] if the acceptor speaks version 2. See
    /// [`challenge()`].
    pub challenge: &'a [u8; 32],
    /// The extension block of version 2, or `None` in version 1. No bytes can follow the block.
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
                //# A reader MUST refuse a NAME or CHALLENGE with an extension block whose `name` has more
                //# than 255 bytes or holds a control character (U+0000 to U+001F, U+007F to U+009F).
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

/// The last eight bytes of every challenge that a version 2 node writes, in CHALLENGE and in REPLY.
///
/// **Security.** If a challenge ends in these bytes and its message has no extension block, somebody may have removed
/// the block to make two version 2 nodes use version 1. A node must end such a handshake. It must also end a handshake
/// in which a challenge without these bytes has an extension block beside it.
pub const SENTINEL: [u8; 8] = *b"\xD1DIST-V2";

/// Creates the challenge of a version 2 node from 24 random bytes.
///
/// **Security.** Draw the bytes from a cryptographic random source, anew for each challenge.
#[must_use]
pub fn challenge(random: [u8; 24]) -> [u8; 32] {
    let mut challenge = [0; 32];
    let (head, tail) = challenge.split_at_mut(random.len());
    head.copy_from_slice(&random);
    //= spec/handshake.md#hs-sen-001
    //# A node that speaks version 2 MUST end each challenge that it writes with the sentinel, in handshakes
    //# of both versions.
    tail.copy_from_slice(&SENTINEL);
    challenge
}

/// Returns `true` if the challenge ends in [`SENTINEL`], as every challenge of a version 2 node does.
#[must_use]
pub fn has_sentinel(challenge: &[u8; 32]) -> bool {
    challenge.ends_with(&SENTINEL)
}
