//! The bytes that stand in the text of the specification.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use snow_dist_codec::handshake::proof;
use snow_dist_codec::stf::{Encoder, Terms};
use snow_dist_codec::{Frame, Frames, Handshake, Reading, Reason, Signal, limits};

/// An example: the section it stands in, its lines, and the bytes at the beginning of each.
struct Example {
    section: String,
    text: String,
    bytes: Vec<u8>,
}

fn examples(file: &str) -> Vec<Example> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec").join(file);
    let markdown = std::fs::read_to_string(path).unwrap();
    let mut examples = Vec::new();
    let (mut section, mut open): (String, Option<String>) = Default::default();
    for line in markdown.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(_), Some(text)) => {
                let bytes = text.lines().flat_map(bytes_of).collect();
                examples.push(Example { section: section.clone(), text, bytes });
            }
            (Some(_), None) => open = Some(String::new()),
            (None, Some(text)) => open = Some(text + line + "\n"),
            (None, None) => {
                if let Some(heading) = line.strip_prefix("## ") {
                    heading.clone_into(&mut section);
                }
            }
        }
    }
    examples
}

/// Two digits for each, up to the first word that is something else.
fn bytes_of(line: &str) -> Vec<u8> {
    let bytes = |word: &str| hex::decode(word).ok().filter(|bytes| !bytes.is_empty());
    line.split(' ').map_while(bytes).flatten().collect()
}

/// The payload of an example with its length in front.
fn payload(example: &Example) -> &[u8] {
    let mut frames = Frames::new(&example.bytes, limits::FRAME_BYTES_MAX);
    let payload = frames.next().unwrap_or_else(|| panic!("{}: too short", example.section)).unwrap();
    assert!(frames.remaining().is_empty(), "{}: too long", example.section);
    payload
}

/// The payload of an example that says how long it is.
fn labelled(example: &Example) -> Option<&[u8]> {
    let whole = example.text.lines().next()?.contains("length: ") && !example.text.contains("...");
    whole.then(|| payload(example))
}

#[test]
fn every_frame_has_an_example_that_is_one() {
    let examples = examples("dist.md");
    let mut seen = Vec::new();
    let of_frames = |example: &&Example| Frame::TAGS.iter().any(|&(_, name)| name == example.section);
    for example in examples.iter().filter(of_frames) {
        let payload = payload(example);
        let frame = Frame::decode(payload, Reading::Strict).unwrap();
        assert_eq!(frame.name(), example.section);
        let mut written = Vec::new();
        frame.encode(&mut written).unwrap();
        assert_eq!(written, payload);
        seen.push(frame.name());
    }
    for (_, name) in Frame::TAGS {
        assert!(seen.contains(name), "{name}");
    }
}

#[test]
fn every_message_of_the_handshake_has_an_example_that_is_one() {
    let examples = examples("handshake.md");
    let mut seen = Vec::new();
    for (example, payload) in examples.iter().filter_map(|example| Some((example, labelled(example)?))) {
        let message = Handshake::decode(payload, Reading::Strict).unwrap();
        assert_eq!(message.name(), example.section);
        seen.push(message.name());
    }
    for (_, name) in Handshake::TAGS {
        assert!(seen.contains(name), "{name}");
    }
}

#[test]
fn examples_of_pieces_are_pieces() {
    let dist = examples("dist.md");
    let of = |section: &str| dist.iter().rfind(|example| example.section == section).unwrap();
    assert_eq!(of("Pids").bytes, 0x0001_0700_0000_002A_u64.to_le_bytes());
    let (reason, _) = Reason::decode(&of("Exit reasons").bytes, Reading::Strict).unwrap();
    assert_eq!(reason.to_string(), "linked(<1.9.7>, <0.3>, error \"x\")");
    let (signal, _) = Signal::decode(&of("Mailbox signals").bytes, Reading::Strict).unwrap();
    assert_eq!(signal.name(), "DOWN");

    // What is no example are the steps of a reader.
    let terms: Vec<_> = examples("stf.md").into_iter().filter(|example| !example.bytes.is_empty()).collect();
    assert!(terms.len() >= 5);
    for example in terms {
        let terms = if example.section == "The second kind" { Terms::Second } else { Terms::First };
        let (value, _) = terms.decode(&example.bytes, Reading::Strict).unwrap();
        let mut written = Vec::new();
        let mut encoder = Encoder::new_in(terms, &mut written);
        value.encode(&mut encoder);
        encoder.finish().unwrap();
        assert_eq!(written, example.bytes, "{value}");
    }
}

/// The rows of the worked example: a name, and bytes in it and the lines below.
fn worked() -> BTreeMap<String, Vec<u8>> {
    let example = examples("handshake.md").into_iter().rfind(|example| example.section == "Worked example");
    let mut rows: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut row = String::new();
    for line in example.unwrap().text.lines() {
        let (name, hex) = line.split_at(17);
        if !name.trim().is_empty() {
            name.trim().clone_into(&mut row);
        }
        rows.entry(row.clone()).or_default().extend(bytes_of(hex));
    }
    rows
}

#[test]
fn the_worked_example_follows_from_its_messages() {
    let rows = worked();
    let array = |name: &str| -> [u8; 32] { rows[name].as_slice().try_into().unwrap() };
    let examples = examples("handshake.md");
    // Of each message the last example is that of version 2.
    let message = |section: &str| {
        let last = examples.iter().rfind(|example| example.section == section).unwrap();
        labelled(last).unwrap()
    };
    let [name, challenge, reply, ack] = ["NAME", "CHALLENGE", "REPLY", "ACK"].map(message);

    let mut key = [0; 32];
    Hkdf::<Sha256>::new(Some(&[0; 32]), &rows["cookie"]).expand(proof::KEY_INFO, &mut key).unwrap();
    assert_eq!(key, array("k2"));
    let mut hash = Sha256::new();
    proof::transcript(name, challenge, |bytes| hash.update(bytes));
    assert_eq!(hash.finalize().as_slice(), array("th"));

    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    proof::initiator(&array("exporter"), &array("th"), reply, |bytes| mac.update(bytes));
    assert_eq!(mac.finalize().into_bytes().as_slice(), array("proofI"));
    assert!(reply.ends_with(&array("proofI")));
    assert_eq!(Sha256::digest(reply).as_slice(), array("SHA-256(REPLY)"));

    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let reply_hash = array("SHA-256(REPLY)");
    proof::acceptor(&array("exporter"), &array("th"), &reply_hash, ack, |bytes| mac.update(bytes));
    assert_eq!(mac.finalize().into_bytes().as_slice(), array("proofA"));
    assert!(ack.ends_with(&array("proofA")));
}
