//! A whole handshake of each version, with every value in between.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::layout::{Field, Message};
use super::messages;

fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().to_vec()
}

fn label(text: &[u8]) -> Vec<u8> {
    let mut label = text.to_vec();
    label.resize(16, 0);
    label
}

pub(super) fn file() -> Value {
    json!({
        "$schema": "schema/proofs.schema.json",
        "about": "Whole handshakes: every message, every value in between. Payloads begin with the tag, without length.",
        "licence": "CC0-1.0",
        "vectors": [version_1(), version_2()],
    })
}

const COOKIE: &[u8] = b"cookie-S3cret";

fn version_1() -> Value {
    let (ours, theirs) = ([0x5A; 32], [0xA5; 32]);
    json!({
        "id": "handshake-version-1",
        "requirements": ["HS-DIG-001"],
        "cookie": hex::encode(COOKIE),
        "challenge_acceptor": hex::encode(ours),
        "challenge_initiator": hex::encode(theirs),
        "digest_initiator": hex::encode(hmac(COOKIE, &[&ours])),
        "digest_acceptor": hex::encode(hmac(COOKIE, &[&theirs])),
    })
}

fn version_2() -> Value {
    let text = |text: &str| Field::Str16(text.to_owned());
    let challenge = |first: u8| Field::Fixed((first..first + 24).chain(*b"\xD1DIST-V2").collect());
    let zero = || Field::Fixed(vec![0; 32]);
    let message = |tag, name, fields| Message { tag: vec![tag], name, fields }.bytes();
    let name = message(
        1,
        "NAME",
        vec![
            ("name", text("a@127.0.0.1:9001")),
            ("creation", Field::U8(103)),
            ("extension", messages::full_block()),
        ],
    );
    let challenged = message(
        2,
        "CHALLENGE",
        vec![
            ("name", text("b@127.0.0.1:9002")),
            ("creation", Field::U8(155)),
            ("challenge", challenge(0xA0)),
            ("extension", messages::full_block()),
        ],
    );
    let exporter: Vec<u8> = (0xE0..=0xFF).collect();
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(Some(&[0; 32]), COOKIE).expand(b"snow-dist v2 authentication", &mut key).unwrap();
    let length = |payload: &[u8]| (payload.len() as u32).to_le_bytes();
    let transcript = sha256(&[&length(&name), &name, &length(&challenged), &challenged]);

    let fields =
        vec![("digest", zero()), ("challenge", challenge(0xC0)), ("extension", messages::empty_block())];
    let before_proof = message(3, "REPLY", fields);
    let proof_initiator = hmac(&key, &[&label(b"DIST2 initiator"), &exporter, &transcript, &before_proof]);
    let reply = [before_proof, proof_initiator.clone()].concat();
    let reply_hash = sha256(&[&reply]);

    let before_proof = message(4, "ACK", vec![("digest", zero()), ("extension", messages::empty_block())]);
    let label_acceptor = label(b"DIST2 acceptor");
    let proof_acceptor = hmac(&key, &[&label_acceptor, &exporter, &transcript, &reply_hash, &before_proof]);
    let ack = [before_proof, proof_acceptor.clone()].concat();
    json!({
        "id": "handshake-version-2",
        "requirements": ["HS-DIG-002", "HS-PRF-002", "HS-PRF-003", "HS-PRF-004"],
        "cookie": hex::encode(COOKIE),
        "exporter": hex::encode(exporter),
        "key": hex::encode(key),
        "name": hex::encode(name),
        "challenge": hex::encode(challenged),
        "transcript_hash": hex::encode(transcript),
        "proof_initiator": hex::encode(proof_initiator),
        "reply": hex::encode(reply),
        "reply_hash": hex::encode(reply_hash),
        "proof_acceptor": hex::encode(proof_acceptor),
        "ack": hex::encode(ack),
    })
}
