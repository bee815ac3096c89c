//! The input of the hashes and proofs of version 2. Specification: `handshake.md`, "Digest and proofs".
//!
//! This crate computes no hash. Each function passes the pieces of the input, in order, to a closure that feeds a
//! hash or an HMAC of the caller's choice.
//!
//! ```
//! use snow_dist_codec::handshake::proof;
//!
//! let mut hashed = Vec::new();
//! proof::transcript(b"NAME", b"CHALLENGE", |bytes| hashed.extend_from_slice(bytes));
//! assert_eq!(hashed, b"\x04\0\0\0NAME\x09\0\0\0CHALLENGE");
//! ```

/// The `info` of the HKDF-SHA256 that derives the key of both proofs from the cookie. The salt of the HKDF is 32 zero
/// bytes, and the key has [`PROOF_BYTES`] bytes.
pub const KEY_INFO: &[u8] = b"snow-dist v2 authentication";

/// The label of the TLS exporter whose value is part of the input of both proofs. The value has [`PROOF_BYTES`] bytes.
/// The context of the exporter is present and empty (RFC 9266).
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// The first bytes of the initiator's proof input.
pub const LABEL_INITIATOR: [u8; 16] = *b"DIST2 initiator\0";

/// The first bytes of the acceptor's proof input.
pub const LABEL_ACCEPTOR: [u8; 16] = *b"DIST2 acceptor\0\0";

/// The size in bytes of a proof, of the exporter value and of each hash here.
pub const PROOF_BYTES: usize = 32;

/// Passes the transcript, whose SHA-256 is the `th` of the specification, to `absorb`.
///
/// The transcript consists of the payloads of NAME and of CHALLENGE, each after its length as a `u32`. `name` and
/// `challenge` are these payloads as they were sent, from the tag on.
pub fn transcript(name: &[u8], challenge: &[u8], mut absorb: impl FnMut(&[u8])) {
    for payload in [name, challenge] {
        // A payload of the handshake has at most 4 096 bytes.
        absorb(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
        absorb(payload);
    }
}

/// Passes the input of the initiator's proof to `absorb`.
///
/// The proof is the HMAC-SHA256 of this input. [`KEY_INFO`] describes its key.
///
/// `exporter` is the exporter value of the TLS connection ([`EXPORTER_LABEL`]), `transcript_hash` is the SHA-256 of the
/// [`transcript`], and `reply` is the payload of REPLY. The last 32 bytes of `reply` are the proof itself; they are not
/// used and can have any value.
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

/// Passes the input of the acceptor's proof to `absorb`.
///
/// The proof is the HMAC-SHA256 of this input. [`KEY_INFO`] describes its key.
///
/// `exporter` and `transcript_hash` are those of [`initiator`]. `reply_hash` is the SHA-256 of the whole payload of
/// REPLY, including its proof, and `ack` is the payload of ACK. The last 32 bytes of `ack` are the proof itself; they
/// are not used and can have any value.
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

/// Returns the payload without its proof. A payload shorter than a proof gives nothing.
fn without_proof(payload: &[u8]) -> &[u8] {
    payload.split_last_chunk::<PROOF_BYTES>().map_or(&[], |(before, _)| before)
}
