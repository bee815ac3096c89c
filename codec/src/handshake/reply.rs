//! `03` REPLY: the initiator answers the challenge and challenges the acceptor.

use crate::handshake::Extension;
use crate::layout::{Layout, Sink, Source};

/// The initiator's answer to the challenge, and its challenge for the acceptor. Specification: `handshake.md`,
/// "REPLY".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reply<'a> {
    /// The HMAC-SHA256 of the acceptor's challenge under the cookie; all zero in version 2.
    pub digest: &'a [u8; 32],
    /// The challenge: random bytes, which end in [`SENTINEL`](super::SENTINEL) if the node speaks version 2.
    pub challenge: &'a [u8; 32],
    /// The extension block and the proof of version 2. Nothing may follow them.
    pub proof: Option<Proof<'a>>,
}

/// An extension block and a proof of all bytes exchanged so far: the end of REPLY and ACK in version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Proof<'a> {
    /// The extension block, which can be empty.
    pub extension: Extension<'a>,
    /// The proof, an HMAC-SHA256. See [`proof`](super::proof).
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
