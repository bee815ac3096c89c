//! `04` ACK: the acceptor's answer to the initiator's challenge.

use crate::handshake::Proof;
use crate::layout::{Layout, Sink, Source};

/// The acceptor's answer to the initiator's challenge. Specification: `handshake.md`, "ACK".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ack<'a> {
    /// The HMAC-SHA256 of the initiator's challenge, with the cookie as the key, or 32 zero bytes in version 2.
    pub digest: &'a [u8; 32],
    /// The extension block and the proof of version 2, or `None` in version 1. No bytes can follow them.
    pub proof: Option<Proof<'a>>,
}

impl<'a> Layout<'a> for Ack<'a> {
    fn read<S: Source<'a>>(source: &mut S) -> Result<Self, S::Error> {
        Ok(Self { digest: source.array("digest")?, proof: Proof::read(source)? })
    }

    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error> {
        sink.array("digest", self.digest)?;
        Proof::write(self.proof.as_ref(), sink)
    }
}
