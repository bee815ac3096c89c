//! `03` REPLY: the initiator answers the challenge, and challenges the acceptor.

use crate::handshake::Extension;
use crate::layout::{Layout, Sink, Source};

/// The initiator answers the challenge, and challenges the acceptor. Specification: `handshake.md`, "REPLY".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reply<'a> {
    /// HMAC-SHA256 of the acceptor's challenge under the cookie; in version 2 all zero.
    pub digest: &'a [u8; 32],
    /// Random bytes; a node of version 2 ends them with [`SENTINEL`](super::SENTINEL).
    pub challenge: &'a [u8; 32],
    /// What version 2 adds. After it nothing may follow.
    pub proof: Option<Proof<'a>>,
}

/// An extension block and the proof over all that was said: the end of REPLY and ACK in version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Proof<'a> {
    /// The block; it may hold nothing.
    pub extension: Extension<'a>,
    /// HMAC-SHA256: see [`proof`](super::proof).
    pub proof: &'a [u8; 32],
}

impl<'a> Proof<'a> {
    pub(super) fn read<S: Source<'a>>(source: &mut S) -> Result<Option<Self>, S::Error> {
        let Some(extension) = source.extension("extension")? else {
            return Ok(None);
        };
        //= spec/handshake.md#hs-prf-001
        //# In both readings a reader MUST refuse a REPLY or ACK with an extension block unless exactly the 32
        //# bytes of `proof` follow the block.
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
