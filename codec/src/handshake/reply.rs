//! `03` REPLY: the initiator answers the challenge and challenges the acceptor.

use crate::handshake::Extension;
use crate::layout::{Layout, Sink, Source};

/// The initiator's answer to the challenge, and its challenge for the acceptor. Specification: `handshake.md`,
/// "REPLY".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reply<'a> {
    /// The HMAC-SHA256 of the acceptor's challenge, with the cookie as the key, or 32 zero bytes in version 2.
    pub digest: &'a [u8; 32],
    /// The initiator's challenge: random bytes, which end in [`SENTINEL`](super::SENTINEL) if the initiator speaks
    /// version 2. See [`challenge`](fn@super::challenge).
    pub challenge: &'a [u8; 32],
    /// The extension block and the proof of version 2, or `None` in version 1. No bytes can follow them.
    pub proof: Option<Proof<'a>>,
}

/// The extension block and the proof at the end of REPLY and ACK in version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Proof<'a> {
    /// The extension block. A node must write it without extensions, and must ignore those of a block that it reads.
    pub extension: Extension<'a>,
    /// The proof: an HMAC-SHA256 of all bytes of the handshake before it. See [`proof`](super::proof).
    pub proof: &'a [u8; 32],
}

impl<'a> Proof<'a> {
    pub(super) fn read<S: Source<'a>>(source: &mut S) -> Result<Option<Self>, S::Error> {
        let Some(extension) = source.extension("extension")? else {
            return Ok(None);
        };
        //= spec/handshake.md#hs-prf-001
        //# A reader MUST refuse a REPLY or ACK with an extension block unless exactly the 32 bytes of `proof`
        //# follow.
        let proof = source.array("proof")?;
        source.end()?;
        Ok(Some(Self { extension, proof }))
    }

    pub(super) fn write<S: Sink>(proof: Option<&Self>, sink: &mut S) -> Result<(), S::Error> {
        let Some(Self { extension, proof }) = proof else {
            return sink.extension("extension", None);
        };
        sink.extension("extension", Some(extension))?;
        sink.array("proof", proof)
    }
}

impl<'a> Layout<'a> for Reply<'a> {
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self {
            digest: source.array("digest")?,
            challenge: source.array("challenge")?,
            proof: Proof::read(source)?,
        })
    }

    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.array("digest", self.digest)?;
        sink.array("challenge", self.challenge)?;
        Proof::write(self.proof.as_ref(), sink)
    }
}
