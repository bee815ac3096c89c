//! The writing and verification of REPLY and ACK: what each of them proves in each version.

use sha2::{Digest, Sha256};
use snow_dist_codec::ExtensionBuf;
use snow_dist_codec::handshake::proof::{self, PROOF_BYTES};
use snow_dist_codec::handshake::{Ack, Proof, Reply, challenge, has_sentinel};

use super::auth::same;
use super::{Cookie, Cookies, Failure, payload};

type Bytes32 = [u8; PROOF_BYTES];

const ZERO: Bytes32 = [0; PROOF_BYTES];

/// The values that REPLY answers, which both ends know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Challenged {
    /// The acceptor's challenge alone.
    Version1 { challenge: Bytes32 },
    /// The channel, and the whole of NAME and CHALLENGE.
    Version2 { exporter: Bytes32, transcript: Bytes32 },
}

/// The values that ACK answers, which both ends know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Replied {
    /// The initiator's challenge alone.
    Version1 { challenge: Bytes32 },
    /// The channel, and the whole of NAME, CHALLENGE and REPLY.
    Version2 { exporter: Bytes32, transcript: Bytes32, reply: Bytes32 },
}

impl Challenged {
    /// Creates the values of version 2, from the payloads as they were sent.
    pub(super) fn by(exporter: Bytes32, name: &[u8], challenge: &[u8]) -> Self {
        let mut hash = Sha256::new();
        //= spec/handshake.md#hs-prf-004
        //# A node MUST compute th and the proofs from the payloads as sent and received, not from values
        //# encoded again.
        proof::transcript(name, challenge, |bytes| hash.update(bytes));
        Self::Version2 { exporter, transcript: hash.finalize().into() }
    }

    /// Returns `true` if the messages so far had extension blocks.
    pub(super) const fn has_block(&self) -> bool {
        matches!(self, Self::Version2 { .. })
    }

    /// Returns the payload of REPLY, and the values that ACK has to answer.
    pub(super) fn reply(&self, cookie: &Cookie, random: [u8; 24]) -> (Vec<u8>, Replied) {
        //= spec/handshake.md#hs-sen-001
        //# A node that speaks version 2 MUST end each challenge that it writes with the sentinel, in
        //# handshakes of both versions.
        // The challenge ends in the sentinel in version 1 as well: a peer of version 2 whose extension block was
        // removed on the way notices that by it.
        let challenge = challenge(random);
        match *self {
            Self::Version1 { challenge: theirs } => {
                //= spec/handshake.md#hs-dig-001
                //# In a REPLY or ACK without extension block `digest` MUST be HMAC(cookie, challenge), with
                //# the challenge that the other end sent.
                let reply = Reply { digest: &cookie.digest(&theirs), challenge: &challenge, proof: None };
                (payload(reply), Replied::Version1 { challenge })
            }
            Self::Version2 { exporter, transcript } => {
                //= spec/handshake.md#hs-tlv-006
                //# A node MUST NOT put `0001` to `0008` into the extension block of REPLY or ACK.
                let block = ExtensionBuf::default();
                let write = |proof: &Bytes32| {
                    let proof = Some(Proof { extension: block.as_extension(), proof });
                    //= spec/handshake.md#hs-dig-002
                    //# In a REPLY or ACK with extension block a node MUST write 32 zero bytes into `digest`.
                    payload(Reply { digest: &ZERO, challenge: &challenge, proof })
                };
                //= spec/handshake.md#hs-prf-002
                //# The `proof` of a REPLY with extension block MUST be proofI.
                let reply = write(&initiators(cookie, &exporter, &transcript, &write(&ZERO)));
                let hash = Sha256::digest(&reply).into();
                (reply, Replied::Version2 { exporter, transcript, reply: hash })
            }
        }
    }

    /// Verifies a REPLY. Returns the index of the cookie that it was made with, that cookie, and the values that ACK
    /// has to answer.
    pub(super) fn judge<'c>(
        &self,
        cookies: &'c Cookies,
        bytes: &[u8],
        reply: &Reply<'_>,
    ) -> Result<(usize, &'c Cookie, Replied), Failure> {
        const REPLY: &str = "REPLY";
        let (found, replied) = match (*self, reply.proof) {
            //= spec/handshake.md#hs-dwn-003
            //# A node MUST end a handshake unless all of NAME, CHALLENGE, REPLY and ACK have an extension
            //# block, none has one, or NAME alone has one.
            (Self::Version1 { .. }, Some(_)) => return Err(Failure::Unasked { message: REPLY }),
            (Self::Version2 { .. }, None) => return Err(Failure::Stripped { message: REPLY }),
            (Self::Version1 { challenge }, None) => {
                //= spec/handshake.md#hs-dwn-001
                //# A node MUST end a handshake in which a challenge with the sentinel comes without an
                //# extension block.
                if has_sentinel(reply.challenge) {
                    return Err(Failure::Stripped { message: REPLY });
                }
                let found = cookies.find(reply.digest, |cookie| cookie.digest(&challenge));
                (found, Replied::Version1 { challenge: *reply.challenge })
            }
            //= spec/handshake.md#hs-tlv-007
            //# A node MUST ignore `0001` to `0008` in a block of REPLY or ACK that its reader accepts.
            (Self::Version2 { exporter, transcript }, Some(Proof { proof, .. })) => {
                zero(reply.digest, REPLY)?;
                //= spec/handshake.md#hs-dwn-002
                //# A node MUST end a handshake in which a challenge without the sentinel comes with an
                //# extension block.
                if !has_sentinel(reply.challenge) {
                    return Err(Failure::Sentinel { message: REPLY });
                }
                let found = cookies.find(proof, |cookie| initiators(cookie, &exporter, &transcript, bytes));
                (found, Replied::Version2 { exporter, transcript, reply: Sha256::digest(bytes).into() })
            }
        };
        //= spec/handshake.md#hs-prf-006
        //# A node MUST end a handshake in which the digest of version 1 or the proof of version 2 is not the
        //# one that it computes.
        let (place, cookie) = found.ok_or(Failure::Proof { message: REPLY })?;
        Ok((place, cookie, replied))
    }
}

impl Replied {
    /// Returns the payload of ACK.
    pub(super) fn ack(&self, cookie: &Cookie) -> Vec<u8> {
        match self {
            //= spec/handshake.md#hs-dig-001
            //# In a REPLY or ACK without extension block `digest` MUST be HMAC(cookie, challenge), with the
            //# challenge that the other end sent.
            Self::Version1 { challenge } => payload(Ack { digest: &cookie.digest(challenge), proof: None }),
            Self::Version2 { exporter, transcript, reply } => {
                //= spec/handshake.md#hs-tlv-006
                //# A node MUST NOT put `0001` to `0008` into the extension block of REPLY or ACK.
                let block = ExtensionBuf::default();
                let write = |proof: &Bytes32| {
                    let proof = Some(Proof { extension: block.as_extension(), proof });
                    //= spec/handshake.md#hs-dig-002
                    //# In a REPLY or ACK with extension block a node MUST write 32 zero bytes into `digest`.
                    payload(Ack { digest: &ZERO, proof })
                };
                //= spec/handshake.md#hs-prf-003
                //# The `proof` of an ACK with extension block MUST be proofA.
                write(&acceptors(cookie, exporter, transcript, reply, &write(&ZERO)))
            }
        }
    }

    /// Verifies an ACK. The ACK must be made with the cookie of REPLY, since the acceptor answers with the same
    /// cookie.
    pub(super) fn judge(&self, cookie: &Cookie, bytes: &[u8], ack: &Ack<'_>) -> Result<(), Failure> {
        const ACK: &str = "ACK";
        let right = match (self, ack.proof) {
            //= spec/handshake.md#hs-dwn-003
            //# A node MUST end a handshake unless all of NAME, CHALLENGE, REPLY and ACK have an extension
            //# block, none has one, or NAME alone has one.
            (Self::Version1 { .. }, Some(_)) => return Err(Failure::Unasked { message: ACK }),
            (Self::Version2 { .. }, None) => return Err(Failure::Stripped { message: ACK }),
            (Self::Version1 { challenge }, None) => same(ack.digest, &cookie.digest(challenge)),
            (Self::Version2 { exporter, transcript, reply }, Some(Proof { proof, .. })) => {
                zero(ack.digest, ACK)?;
                same(proof, &acceptors(cookie, exporter, transcript, reply, bytes))
            }
        };
        //= spec/handshake.md#hs-prf-006
        //# A node MUST end a handshake in which the digest of version 1 or the proof of version 2 is not the
        //# one that it computes.
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
    //= spec/handshake.md#hs-dig-003
    //# A node MUST end a handshake in which `digest` beside an extension block is not zero.
    if *digest == ZERO { Ok(()) } else { Err(Failure::Digest { message }) }
}
