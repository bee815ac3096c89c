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
use serde_json::Value;
use sha2::{Digest, Sha256};
use snow_dist_codec::handshake::{has_sentinel, proof};
use snow_dist_codec::{Handshake, Reading};
use snow_dist_tests::run;

#[test]
fn the_codec_gives_the_bytes_under_each_proof() {
    let vectors = run::read("proofs.json");
    let of_version_2: Vec<_> = vectors.iter().filter(|vector| vector["version"] == 2).collect();
    assert!(of_version_2.len() > 1);
    of_version_2.into_iter().for_each(every_value);
}

fn every_value(vector: &Value) {
    let value = |name: &str| hex::decode(vector[name].as_str().unwrap()).unwrap();
    let array = |name: &str| -> [u8; 32] { value(name).try_into().unwrap() };
    let hmac = |key: &[u8], message: &[u8]| {
        Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().to_vec()
    };

    assert_eq!(hmac(&[0; 32], &value("cookie")), value("pseudorandom_key"));
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(Some(&[0; 32]), &value("cookie")).expand(proof::KEY_INFO, &mut key).unwrap();
    assert_eq!(key, array("key"));

    let mut transcript = Vec::new();
    proof::transcript(&value("name"), &value("challenge"), |part| transcript.extend_from_slice(part));
    assert_eq!(transcript, value("transcript"));
    assert_eq!(Sha256::digest(&transcript).as_slice(), value("transcript_hash"));

    let (exporter, transcript) = (array("exporter"), array("transcript_hash"));
    let mut mac = Vec::new();
    proof::initiator(&exporter, &transcript, &value("reply"), |part| mac.extend_from_slice(part));
    assert_eq!(mac, value("mac_initiator"));
    assert_eq!(hmac(&key, &mac), value("proof_initiator"));
    assert_eq!([value("reply_before_proof"), value("proof_initiator")].concat(), value("reply"));

    assert_eq!(Sha256::digest(value("reply")).as_slice(), value("reply_hash"));
    let mut mac = Vec::new();
    let (reply, ack) = (array("reply_hash"), value("ack"));
    proof::acceptor(&exporter, &transcript, &reply, &ack, |part| mac.extend_from_slice(part));
    assert_eq!(mac, value("mac_acceptor"));
    assert_eq!(hmac(&key, &mac), value("proof_acceptor"));
    assert_eq!([value("ack_before_proof"), value("proof_acceptor")].concat(), value("ack"));

    let reply = value("reply");
    let Ok(Handshake::Reply(reply)) = Handshake::decode(&reply, Reading::Strict) else { panic!() };
    assert_eq!((*reply.digest, *reply.proof.unwrap().proof), ([0; 32], array("proof_initiator")));
    assert!(has_sentinel(reply.challenge));
    let ack = value("ack");
    let Ok(Handshake::Ack(ack)) = Handshake::decode(&ack, Reading::Strict) else { panic!() };
    assert_eq!(*ack.proof.unwrap().proof, array("proof_acceptor"));
}

#[test]
fn the_messages_of_version_1_hold_its_digests() {
    let vectors = run::read("proofs.json");
    let vector = vectors.iter().find(|vector| vector["version"] == 1).unwrap();
    let value = |name: &str| hex::decode(vector[name].as_str().unwrap()).unwrap();
    let (name, challenge) = (value("name"), value("challenge"));
    assert!(matches!(Handshake::decode(&name, Reading::Strict), Ok(Handshake::Name(_))));
    let Ok(Handshake::Challenge(challenge)) = Handshake::decode(&challenge, Reading::Strict) else {
        panic!()
    };
    assert_eq!(challenge.challenge[..], value("challenge_acceptor"));
    let reply = value("reply");
    let Ok(Handshake::Reply(reply)) = Handshake::decode(&reply, Reading::Strict) else { panic!() };
    assert_eq!(reply.digest[..], value("digest_initiator"));
    assert_eq!(reply.challenge[..], value("challenge_initiator"));
    let ack = value("ack");
    let Ok(Handshake::Ack(ack)) = Handshake::decode(&ack, Reading::Strict) else { panic!() };
    assert_eq!(ack.digest[..], value("digest_acceptor"));
    assert!(!has_sentinel(challenge.challenge) && !has_sentinel(reply.challenge));
}

#[test]
fn a_payload_shorter_than_a_proof_has_nothing_before_it() {
    let mut parts = Vec::new();
    proof::initiator(&[1; 32], &[2; 32], &[9; 31], |bytes| parts.push(bytes.to_vec()));
    assert_eq!(parts.concat(), [&b"DIST2 initiator\0"[..], &[1; 32], &[2; 32]].concat());
}
