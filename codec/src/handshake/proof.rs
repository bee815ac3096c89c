//! The bytes under the proofs of version 2. Specification: `handshake.md`, "Proofs".
//!
//! This crate computes no hash: each function hands the pieces, in order, to a closure that feeds one.
//!
//! ```
//! use snow_dist_codec::handshake::proof;
//!
//! let mut hashed = Vec::new();
//! proof::transcript(b"NAME", b"CHALLENGE", |bytes| hashed.extend_from_slice(bytes));
//! assert_eq!(hashed, b"\x04\0\0\0NAME\x09\0\0\0CHALLENGE");
//! ```

/// The `info` of the HKDF-SHA256 that makes the proofs' key of the cookie. Its salt is 32 zero bytes.
pub const KEY_INFO: &[u8] = b"snow-dist v2 authentication";

/// The label of the TLS exporter that both proofs hold; its context is present and empty (RFC 9266).
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// What the initiator's proof begins with.
pub const LABEL_INITIATOR: [u8; 16] = *b"DIST2 initiator\0";

/// What the acceptor's proof begins with.
pub const LABEL_ACCEPTOR: [u8; 16] = *b"DIST2 acceptor\0\0";

/// Bytes of a proof, of the exporter and of each hash here.
pub const PROOF_BYTES: usize = 32;

/// The bytes of `th`, to be hashed with SHA-256: the payloads of NAME and of CHALLENGE, each after its length.
pub fn transcript(name: &[u8], challenge: &[u8], mut absorb: impl FnMut(&[u8])) {
    for payload in [name, challenge] {
        // A payload of a handshake has at most 4 096 bytes.
        absorb(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
        absorb(payload);
    }
}

/// The bytes under the initiator's proof. `reply` is the payload of REPLY; of its last 32 bytes, the proof
/// itself, nothing is used, so they may be anything.
pub fn initiator(
    exporter: &[u8; PROOF_BYTES],
    transcript_hash: &[u8; PROOF_BYTES],
    reply: &[u8],
    mut absorb: impl FnMut(&[u8]),
) {
    absorb(&LABEL_INITIATOR);
    absorb(exporter);
    absorb(transcript_hash);
    absorb(without_proof(reply));
}

/// The bytes under the acceptor's proof. `reply_hash` is SHA-256 of the whole payload of REPLY, `ack` the
/// payload of ACK; of its last 32 bytes, the proof itself, nothing is used, so they may be anything.
pub fn acceptor(
    exporter: &[u8; PROOF_BYTES],
    transcript_hash: &[u8; PROOF_BYTES],
    reply_hash: &[u8; PROOF_BYTES],
    ack: &[u8],
    mut absorb: impl FnMut(&[u8]),
) {
    absorb(&LABEL_ACCEPTOR);
    absorb(exporter);
    absorb(transcript_hash);
    absorb(reply_hash);
    absorb(without_proof(ack));
}

/// A payload shorter than a proof has no part that is not the proof.
fn without_proof(payload: &[u8]) -> &[u8] {
    payload.split_last_chunk::<PROOF_BYTES>().map_or(&[], |(before, _)| before)
}
