//! A whole handshake of each version, with every value in between.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::layout::{Field, Message};
use super::messages;

pub(super) fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

pub(super) fn sha256(parts: &[&[u8]]) -> Vec<u8> {
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
    let about = "Whole handshakes: every message, every value in between. Payloads begin with the tag, without length.";
    super::file("proofs", about, vec![version_1(), version_2(), least_version_2(), version_2_of_a_session()])
}

/// What HKDF extracts of a cookie, and k2.
fn keys(cookie: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (pseudorandom_key, hkdf) = Hkdf::<Sha256>::extract(Some(&[0; 32]), cookie);
    let mut key = [0; 32];
    hkdf.expand(b"snow-dist v2 authentication", &mut key).unwrap();
    (pseudorandom_key.to_vec(), key.to_vec())
}

fn transcript(name: &[u8], challenge: &[u8]) -> Vec<u8> {
    let length = |payload: &[u8]| (payload.len() as u32).to_le_bytes();
    [&length(name)[..], name, &length(challenge), challenge].concat()
}

/// A proof over `rest`, which is what stands behind th under the MAC.
pub(super) fn proof(
    label_text: &[u8],
    (cookie, exporter): (&[u8], &[u8]),
    name: &[u8],
    challenge: &[u8],
    rest: &[&[u8]],
) -> Vec<u8> {
    let transcript_hash = sha256(&[&transcript(name, challenge)]);
    let (label, rest) = (label(label_text), rest.concat());
    hmac(&keys(cookie).1, &[&label, exporter, &transcript_hash, &rest])
}

const COOKIE: &[u8] = b"cookie-S3cret";

fn message(tag: u8, name: &'static str, fields: Vec<(&'static str, Field)>) -> Vec<u8> {
    Message { tag: vec![tag], name, fields }.bytes()
}

fn text(text: &str) -> Field {
    Field::Str16(text.to_owned())
}

fn version_1() -> Value {
    let (ours, theirs) = ([0x5A; 32], [0xA5; 32]);
    let (digest_initiator, digest_acceptor) = (hmac(COOKIE, &[&ours]), hmac(COOKIE, &[&theirs]));
    let name = |name| vec![("name", text(name)), ("creation", Field::U8(1))];
    let fixed = |bytes: &[u8]| Field::Fixed(bytes.to_vec());
    let challenge = [name("b@127.0.0.1:9002"), vec![("challenge", fixed(&ours))]].concat();
    let reply = vec![("digest", fixed(&digest_initiator)), ("challenge", fixed(&theirs))];
    let ack = vec![("digest", fixed(&digest_acceptor))];
    json!({
        "id": "handshake-version-1",
        "comment": "between two nodes that speak version 1 only: their challenges do not end in the sentinel",
        "requirements": ["HS-DIG-001"],
        "result": "valid",
        "version": 1,
        "cookie": hex::encode(COOKIE),
        "challenge_acceptor": hex::encode(ours),
        "challenge_initiator": hex::encode(theirs),
        "digest_initiator": hex::encode(&digest_initiator),
        "digest_acceptor": hex::encode(&digest_acceptor),
        "name": hex::encode(message(1, "NAME", name("a@127.0.0.1:9001"))),
        "challenge": hex::encode(message(2, "CHALLENGE", challenge)),
        "reply": hex::encode(message(3, "REPLY", reply)),
        "ack": hex::encode(message(4, "ACK", ack)),
    })
}

fn version_2() -> Value {
    let comment = "all extensions, among them one that is not known: it is under the proofs like all else";
    Version2 {
        cookie: COOKIE,
        exporter: (0xE0..=0xFF).collect(),
        names: [
            ("a@127.0.0.1:9001", 103, messages::full_block()),
            ("b@127.0.0.1:9002", 155, messages::full_block()),
        ],
        challenges: [0xA0, 0xC0],
    }
    .vector("handshake-version-2", comment)
}

fn least_version_2() -> Value {
    Version2 {
        // Longer than the block of the hash, so that HMAC hashes it first where it is a key.
        cookie: &[b'k'; 80],
        exporter: vec![0x11; 32],
        names: [("c@h:1", 2, messages::least_block(1)), ("d@[::1]:9000", 255, messages::least_block(254))],
        challenges: [0x00, 0x20],
    }
    .vector(
        "handshake-version-2-least",
        "the least that the blocks of NAME and CHALLENGE say, and a long cookie",
    )
}

/// The handshake that `example.md` shows: what two nodes with default bounds and no capabilities say.
fn version_2_of_a_session() -> Value {
    let node = |incarnation| messages::usual_block(incarnation);
    Version2 {
        cookie: COOKIE,
        exporter: (0xE0..=0xFF).collect(),
        names: [
            ("a@127.0.0.1:9001", 103, node(0x1122_3344_5566_7788)),
            ("b@127.0.0.1:9002", 155, node(0x99AA_BBCC_DDEE_FF01)),
        ],
        challenges: [0xA0, 0xC0],
    }
    .vector("handshake-version-2-session", "the one that example.md shows: default bounds, no capabilities")
}

/// What a handshake of version 2 is made of: for names, blocks and challenges first the initiator's or the one that
/// comes first.
struct Version2<'v> {
    cookie: &'v [u8],
    exporter: Vec<u8>,
    names: [(&'static str, u8, Field); 2],
    /// The first of 24 bytes that count up.
    challenges: [u8; 2],
}

/// Every value of a handshake of version 2, from the first message to the last.
pub(super) struct Handshake2 {
    pub cookie: Vec<u8>,
    pub exporter: Vec<u8>,
    pub pseudorandom_key: Vec<u8>,
    pub key: Vec<u8>,
    pub name: Message,
    pub challenge: Message,
    pub transcript: Vec<u8>,
    pub transcript_hash: Vec<u8>,
    pub mac_initiator: Vec<u8>,
    pub reply: Message,
    pub reply_hash: Vec<u8>,
    pub mac_acceptor: Vec<u8>,
    pub ack: Message,
}

impl Version2<'_> {
    fn vector(self, id: &str, comment: &str) -> Value {
        let it = self.handshake();
        let (reply, ack) = (it.reply.bytes(), it.ack.bytes());
        let (reply_before_proof, proof_initiator) = reply.split_at(reply.len() - 32);
        let (ack_before_proof, proof_acceptor) = ack.split_at(ack.len() - 32);
        json!({
            "id": id,
            "comment": comment,
            "requirements": ["HS-DIG-002", "HS-PRF-002", "HS-PRF-003", "HS-PRF-004"],
            "result": "valid",
            "version": 2,
            "cookie": hex::encode(it.cookie),
            "exporter": hex::encode(it.exporter),
            "pseudorandom_key": hex::encode(it.pseudorandom_key),
            "key": hex::encode(it.key),
            "name": hex::encode(it.name.bytes()),
            "challenge": hex::encode(it.challenge.bytes()),
            "transcript": hex::encode(it.transcript),
            "transcript_hash": hex::encode(it.transcript_hash),
            "reply_before_proof": hex::encode(reply_before_proof),
            "mac_initiator": hex::encode(it.mac_initiator),
            "proof_initiator": hex::encode(proof_initiator),
            "reply": hex::encode(&reply),
            "reply_hash": hex::encode(it.reply_hash),
            "ack_before_proof": hex::encode(ack_before_proof),
            "mac_acceptor": hex::encode(it.mac_acceptor),
            "proof_acceptor": hex::encode(proof_acceptor),
            "ack": hex::encode(&ack),
        })
    }

    fn handshake(self) -> Handshake2 {
        let challenge = |first: u8| Field::Fixed((first..first + 24).chain(*b"\xD1DIST-V2").collect());
        let message = |tag, name, fields| Message { tag: vec![tag], name, fields };
        let [first, second] = self.names;
        let fields = vec![("name", text(first.0)), ("creation", Field::U8(first.1)), ("extension", first.2)];
        let name = message(1, "NAME", fields);
        let fields = vec![
            ("name", text(second.0)),
            ("creation", Field::U8(second.1)),
            ("challenge", challenge(self.challenges[0])),
            ("extension", second.2),
        ];
        let challenged = message(2, "CHALLENGE", fields);

        let (pseudorandom_key, key) = keys(self.cookie);
        let transcript = transcript(&name.bytes(), &challenged.bytes());
        let transcript_hash = sha256(&[&transcript]);

        let zero = || ("digest", Field::Fixed(vec![0; 32]));
        let block = || ("extension", messages::empty_block());
        let mut reply =
            message(3, "REPLY", vec![zero(), ("challenge", challenge(self.challenges[1])), block()]);
        let mac_initiator =
            [&label(b"DIST2 initiator")[..], &self.exporter, &transcript_hash, &reply.bytes()].concat();
        reply.fields.push(("proof", Field::Fixed(hmac(&key, &[&mac_initiator]))));
        let reply_hash = sha256(&[&reply.bytes()]);

        let mut ack = message(4, "ACK", vec![zero(), block()]);
        let mac_acceptor =
            [&label(b"DIST2 acceptor")[..], &self.exporter, &transcript_hash, &reply_hash, &ack.bytes()]
                .concat();
        ack.fields.push(("proof", Field::Fixed(hmac(&key, &[&mac_acceptor]))));
        Handshake2 {
            cookie: self.cookie.to_vec(),
            exporter: self.exporter,
            pseudorandom_key,
            key,
            name,
            challenge: challenged,
            transcript,
            transcript_hash,
            mac_initiator,
            reply,
            reply_hash,
            mac_acceptor,
            ack,
        }
    }
}
