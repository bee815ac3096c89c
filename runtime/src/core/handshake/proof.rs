//! REPLY and ACK, written and judged: what each must prove, in each version.

use sha2::{Digest, Sha256};
use snow_dist_codec::ExtensionBuf;
use snow_dist_codec::handshake::proof::{self, PROOF_BYTES};
use snow_dist_codec::handshake::{Ack, Proof, Reply, challenge, has_sentinel};

use super::auth::same;
use super::{Cookie, Cookies, Failure, payload};

type Bytes32 = [u8; PROOF_BYTES];

const ZERO: Bytes32 = [0; PROOF_BYTES];

/// What REPLY answers, as both ends know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Challenged {
    /// The acceptor's challenge, and nothing else.
    Version1 { challenge: Bytes32 },
    /// The channel, and all of NAME and CHALLENGE.
    Version2 { exporter: Bytes32, transcript: Bytes32 },
}

/// What ACK answers, as both ends know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Replied {
    /// The initiator's challenge, and nothing else.
    Version1 { challenge: Bytes32 },
    /// The channel, and all of NAME, CHALLENGE and REPLY.
    Version2 { exporter: Bytes32, transcript: Bytes32, reply: Bytes32 },
}

impl Challenged {
    /// Version 2, from the payloads as they were sent.
    pub(super) fn by(exporter: Bytes32, name: &[u8], challenge: &[u8]) -> Self {
        let mut hash = Sha256::new();
        proof::transcript(name, challenge, |bytes| hash.update(bytes));
        Self::Version2 { exporter, transcript: hash.finalize().into() }
    }

    /// Whether the messages so far had extension blocks.
    pub(super) const fn has_block(&self) -> bool {
        matches!(self, Self::Version2 { .. })
    }

    /// Writes REPLY.
    pub(super) fn reply(&self, cookie: &Cookie, random: [u8; 24]) -> (Vec<u8>, Replied) {
        // In version 1 too it ends in the sentinel: a peer of version 2 whose block was taken away knows it then.
        let challenge = challenge(random);
        match *self {
            Self::Version1 { challenge: theirs } => {
                let reply = Reply { digest: &cookie.digest(&theirs), challenge: &challenge, proof: None };
                (payload(reply), Replied::Version1 { challenge })
            }
            Self::Version2 { exporter, transcript } => {
                let block = ExtensionBuf::default();
                let write = |proof: &Bytes32| {
                    let proof = Some(Proof { extension: block.as_extension(), proof });
                    payload(Reply { digest: &ZERO, challenge: &challenge, proof })
                };
                let reply = write(&initiators(cookie, &exporter, &transcript, &write(&ZERO)));
                let hash = Sha256::digest(&reply).into();
                (reply, Replied::Version2 { exporter, transcript, reply: hash })
            }
        }
    }

    /// Judges a REPLY: which of the cookies it was made with, and what ACK has to answer.
    pub(super) fn judge<'c>(
        &self,
        cookies: &'c Cookies,
        bytes: &[u8],
        reply: &Reply<'_>,
    ) -> Result<(usize, &'c Cookie, Replied), Failure> {
        const REPLY: &str = "REPLY";
        let (found, replied) = match (*self, reply.proof) {
            (Self::Version1 { .. }, Some(_)) => return Err(Failure::Unasked { message: REPLY }),
            (Self::Version2 { .. }, None) => return Err(Failure::Stripped { message: REPLY }),
            (Self::Version1 { challenge }, None) => {
                if has_sentinel(reply.challenge) {
                    return Err(Failure::Stripped { message: REPLY });
                }
                let found = cookies.find(reply.digest, |cookie| cookie.digest(&challenge));
                (found, Replied::Version1 { challenge: *reply.challenge })
            }
            (Self::Version2 { exporter, transcript }, Some(Proof { proof, .. })) => {
                zero(reply.digest, REPLY)?;
                if !has_sentinel(reply.challenge) {
                    return Err(Failure::Sentinel { message: REPLY });
                }
                let found = cookies.find(proof, |cookie| initiators(cookie, &exporter, &transcript, bytes));
                (found, Replied::Version2 { exporter, transcript, reply: Sha256::digest(bytes).into() })
            }
        };
        let (place, cookie) = found.ok_or(Failure::Proof { message: REPLY })?;
        Ok((place, cookie, replied))
    }
}

impl Replied {
    /// Writes ACK.
    pub(super) fn ack(&self, cookie: &Cookie) -> Vec<u8> {
        match self {
            Self::Version1 { challenge } => payload(Ack { digest: &cookie.digest(challenge), proof: None }),
            Self::Version2 { exporter, transcript, reply } => {
                let block = ExtensionBuf::default();
                let write = |proof: &Bytes32| {
                    let proof = Some(Proof { extension: block.as_extension(), proof });
                    payload(Ack { digest: &ZERO, proof })
                };
                write(&acceptors(cookie, exporter, transcript, reply, &write(&ZERO)))
            }
        }
    }

    /// Judges an ACK. Only the cookie of REPLY counts: the acceptor answers with the one that it found.
    pub(super) fn judge(&self, cookie: &Cookie, bytes: &[u8], ack: &Ack<'_>) -> Result<(), Failure> {
        const ACK: &str = "ACK";
        let right = match (self, ack.proof) {
            (Self::Version1 { .. }, Some(_)) => return Err(Failure::Unasked { message: ACK }),
            (Self::Version2 { .. }, None) => return Err(Failure::Stripped { message: ACK }),
            (Self::Version1 { challenge }, None) => same(ack.digest, &cookie.digest(challenge)),
            (Self::Version2 { exporter, transcript, reply }, Some(Proof { proof, .. })) => {
                zero(ack.digest, ACK)?;
                same(proof, &acceptors(cookie, exporter, transcript, reply, bytes))
            }
        };
        if right { Ok(()) } else { Err(Failure::Proof { message: ACK }) }
    }
}

fn initiators(cookie: &Cookie, exporter: &Bytes32, transcript: &Bytes32, reply: &[u8]) -> Bytes32 {
    cookie.proof(|absorb| proof::initiator(exporter, transcript, reply, absorb))
}

fn acceptors(
    cookie: &Cookie,
    exporter: &Bytes32,
    transcript: &Bytes32,
    reply: &Bytes32,
    ack: &[u8],
) -> Bytes32 {
    cookie.proof(|absorb| proof::acceptor(exporter, transcript, reply, ack, absorb))
}

fn zero(digest: &Bytes32, message: &'static str) -> Result<(), Failure> {
    if *digest == ZERO { Ok(()) } else { Err(Failure::Digest { message }) }
}
