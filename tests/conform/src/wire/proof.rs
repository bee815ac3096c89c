//! Digests and proofs, by the specification alone. Specification: `handshake.md`, "Digest and proofs".

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use snow_dist_codec::handshake::proof;

/// What the proofs of one handshake hold beside the cookie: the channel, and the messages as they were sent.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// 32 bytes of the channel; zero where TLS is older than 1.3.
    pub exporter: [u8; 32],
    /// Payload of NAME.
    pub name: Vec<u8>,
    /// Payload of CHALLENGE.
    pub challenge: Vec<u8>,
    /// Payload of REPLY.
    pub reply: Vec<u8>,
}

impl Transcript {
    /// Returns proofI. `reply` is the payload of REPLY, whose last 32 bytes can be anything.
    #[must_use]
    pub fn proof_of_initiator(&self, cookie: impl AsRef<[u8]>, reply: &[u8]) -> [u8; 32] {
        let mut mac = mac(&key(cookie));
        mac.update(&self.under_proof_of_initiator(reply));
        mac.finalize().into_bytes().into()
    }

    /// Returns the bytes under proofI.
    #[must_use]
    pub fn under_proof_of_initiator(&self, reply: &[u8]) -> Vec<u8> {
        let mut under = Vec::new();
        proof::initiator(&self.exporter, &self.hash(), reply, |bytes| under.extend_from_slice(bytes));
        under
    }

    /// Returns proofA. `ack` is the payload of ACK, whose last 32 bytes can be anything.
    #[must_use]
    pub fn proof_of_acceptor(&self, cookie: impl AsRef<[u8]>, ack: &[u8]) -> [u8; 32] {
        let mut mac = mac(&key(cookie));
        mac.update(&self.under_proof_of_acceptor(ack));
        mac.finalize().into_bytes().into()
    }

    /// Returns the bytes under proofA.
    #[must_use]
    pub fn under_proof_of_acceptor(&self, ack: &[u8]) -> Vec<u8> {
        let (mut under, reply) = (Vec::new(), self.reply_hash());
        proof::acceptor(&self.exporter, &self.hash(), &reply, ack, |bytes| under.extend_from_slice(bytes));
        under
    }

    /// The proof of a message under the label of the other role: what a node takes that has one label for both.
    #[must_use]
    pub fn proof_with_other_label(&self, cookie: &str, message: &[u8], is_reply: bool) -> [u8; 32] {
        let mut mac = mac(&key(cookie));
        let mut other = Some(if is_reply { proof::LABEL_ACCEPTOR } else { proof::LABEL_INITIATOR });
        // The label is the first thing that is under a proof.
        let absorb = |bytes: &[u8]| match other.take() {
            Some(label) => mac.update(&label),
            None => mac.update(bytes),
        };
        if is_reply {
            proof::initiator(&self.exporter, &self.hash(), message, absorb);
        } else {
            proof::acceptor(&self.exporter, &self.hash(), &self.reply_hash(), message, absorb);
        }
        mac.finalize().into_bytes().into()
    }

    /// Returns the bytes of which th is the hash.
    #[must_use]
    pub fn transcript(&self) -> Vec<u8> {
        let mut transcript = Vec::new();
        proof::transcript(&self.name, &self.challenge, |bytes| transcript.extend_from_slice(bytes));
        transcript
    }

    /// Returns the hash of the whole REPLY.
    #[must_use]
    pub fn reply_hash(&self) -> [u8; 32] {
        Sha256::digest(&self.reply).into()
    }

    /// Returns th.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.transcript()).into()
    }
}

/// The digest of version 1: HMAC-SHA256 of a challenge under the cookie.
#[must_use]
pub fn digest(cookie: &str, challenge: &[u8]) -> [u8; 32] {
    let mut mac = mac(cookie.as_bytes());
    mac.update(challenge);
    mac.finalize().into_bytes().into()
}

/// Returns what HKDF extracts from a cookie.
#[must_use]
pub fn pseudorandom_key(cookie: impl AsRef<[u8]>) -> [u8; 32] {
    Hkdf::<Sha256>::extract(Some(&[0; 32]), cookie.as_ref()).0.into()
}

/// Returns k2, under which both proofs of a cookie are.
#[must_use]
pub fn key(cookie: impl AsRef<[u8]>) -> [u8; 32] {
    let mut key = [0; 32];
    let made = Hkdf::<Sha256>::new(Some(&[0; 32]), cookie.as_ref()).expand(proof::KEY_INFO, &mut key);
    debug_assert!(made.is_ok(), "HKDF-SHA256 can make 8 160 bytes");
    key
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes a key of any length.
    Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()))
}
