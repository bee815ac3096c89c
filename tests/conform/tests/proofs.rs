//! Proofs and digests against the vectors.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use snow_dist_conform::wire::{Transcript, digest};

fn bytes(of: &serde_json::Value) -> Vec<u8> {
    hex::decode(of.as_str().unwrap()).unwrap()
}

#[test]
fn the_vectors_of_whole_handshakes() {
    let text = include_str!("../../../spec/vectors/proofs.json");
    let file: serde_json::Value = serde_json::from_str(text).unwrap();
    let [first, second] = [&file["vectors"][0], &file["vectors"][1]];
    let cookie = |of: &serde_json::Value| String::from_utf8(bytes(&of["cookie"])).unwrap();
    let made = digest(&cookie(first), &bytes(&first["challenge_acceptor"]));
    assert_eq!(made.to_vec(), bytes(&first["digest_initiator"]));

    let transcript = Transcript {
        exporter: bytes(&second["exporter"]).try_into().unwrap(),
        name: bytes(&second["name"]),
        challenge: bytes(&second["challenge"]),
        reply: bytes(&second["reply"]),
    };
    let initiator = transcript.proof_of_initiator(cookie(second), &transcript.reply);
    assert_eq!(initiator.to_vec(), bytes(&second["proof_initiator"]));
    let acceptor = transcript.proof_of_acceptor(cookie(second), &bytes(&second["ack"]));
    assert_eq!(acceptor.to_vec(), bytes(&second["proof_acceptor"]));
}
