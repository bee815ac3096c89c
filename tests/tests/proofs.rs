//! The worked handshakes, through the codec.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use snow_dist_codec::handshake::{has_sentinel, proof};
use snow_dist_codec::{Handshake, Reading};
use snow_dist_tests::run;

#[test]
fn the_codec_gives_the_bytes_under_each_proof() {
    let vectors = run::read("proofs.json");
    let vector = vectors.iter().find(|vector| vector["id"] == "handshake-version-2").unwrap();
    let value = |name: &str| hex::decode(vector[name].as_str().unwrap()).unwrap();
    let array = |name: &str| -> [u8; 32] { value(name).try_into().unwrap() };

    let mut key = [0; 32];
    Hkdf::<Sha256>::new(Some(&[0; 32]), &value("cookie")).expand(proof::KEY_INFO, &mut key).unwrap();
    assert_eq!(key, array("key"));

    let mut hash = Sha256::new();
    proof::transcript(&value("name"), &value("challenge"), |bytes| hash.update(bytes));
    assert_eq!(hash.finalize().as_slice(), value("transcript_hash"));

    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    proof::initiator(&array("exporter"), &array("transcript_hash"), &value("reply"), |bytes| {
        mac.update(bytes)
    });
    assert_eq!(mac.finalize().into_bytes().as_slice(), value("proof_initiator"));

    assert_eq!(Sha256::digest(value("reply")).as_slice(), value("reply_hash"));
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let (exporter, transcript, reply) = (array("exporter"), array("transcript_hash"), array("reply_hash"));
    proof::acceptor(&exporter, &transcript, &reply, &value("ack"), |bytes| mac.update(bytes));
    assert_eq!(mac.finalize().into_bytes().as_slice(), value("proof_acceptor"));

    let reply = value("reply");
    let Ok(Handshake::Reply(reply)) = Handshake::decode(&reply, Reading::Strict) else { panic!() };
    assert_eq!((*reply.digest, *reply.proof.unwrap().proof), ([0; 32], array("proof_initiator")));
    assert!(has_sentinel(reply.challenge));
    let ack = value("ack");
    let Ok(Handshake::Ack(ack)) = Handshake::decode(&ack, Reading::Strict) else { panic!() };
    assert_eq!(*ack.proof.unwrap().proof, array("proof_acceptor"));
}

#[test]
fn a_payload_shorter_than_a_proof_has_nothing_before_it() {
    let mut parts = Vec::new();
    proof::initiator(&[1; 32], &[2; 32], &[9; 31], |bytes| parts.push(bytes.to_vec()));
    assert_eq!(parts.concat(), [&b"DIST2 initiator\0"[..], &[1; 32], &[2; 32]].concat());
}
