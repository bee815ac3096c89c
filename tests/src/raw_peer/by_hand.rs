//! REPLY made by hand, by the specification alone, for what no state of the runtime would say.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use snow_dist_codec::handshake::{Proof, Reply, challenge, proof};
use snow_dist_codec::{ExtensionBuf, Handshake};

/// The payload of a message of the handshake.
pub fn payload<'m>(message: impl Into<Handshake<'m>>) -> Vec<u8> {
    let mut payload = Vec::new();
    message.into().encode(&mut payload).unwrap();
    payload
}

/// The REPLY of an initiator of version 2 that said `name` and was answered with `challenged`.
#[must_use]
pub fn reply(cookie: &str, exporter: &[u8; 32], name: &[u8], challenged: &[u8]) -> Vec<u8> {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(Some(&[0; 32]), cookie.as_bytes()).expand(proof::KEY_INFO, &mut key).unwrap();
    let mut transcript = Sha256::new();
    proof::transcript(name, challenged, |bytes| transcript.update(bytes));
    let transcript = transcript.finalize().into();

    let (digest, challenge, block) = ([0; 32], challenge([7; 24]), ExtensionBuf::default());
    let with = |proof: &[u8; 32]| {
        let proof = Some(Proof { extension: block.as_extension(), proof });
        payload(Reply { digest: &digest, challenge: &challenge, proof })
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    proof::initiator(exporter, &transcript, &with(&[0; 32]), |bytes| mac.update(bytes));
    with(&mac.finalize().into_bytes().into())
}

/// The digest of version 1: HMAC-SHA256 of a challenge under the cookie.
#[must_use]
pub fn digest(cookie: &str, challenge: &[u8; 32]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(cookie.as_bytes()).unwrap();
    mac.update(challenge);
    mac.finalize().into_bytes().into()
}
