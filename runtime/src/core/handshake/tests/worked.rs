//! The worked examples of the specification, through the machines.

use super::super::proof::{Challenged, Replied};
use super::*;
use snow_dist_codec::handshake::{Capabilities, Proof};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// `N` bytes that count up, as those in the examples do.
fn from<const N: usize>(first: u8) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(first..=u8::MAX).for_each(|(byte, value)| *byte = value);
    bytes
}

fn array(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap()
}

/// The payload of the version 2 example in the section of a message: its second block.
fn example(message: &str) -> Vec<u8> {
    let text = include_str!("../../../../tests/spec/handshake.md");
    let (_, section) = text.split_once(&format!("\n## {message}\n")).unwrap();
    let block = section.split("```\n").nth(3).unwrap();
    let message: Vec<u8> = block.lines().flat_map(|line| bytes(line.get(..48).unwrap_or(line))).collect();
    let (length, payload) = message.split_first_chunk().unwrap();
    assert_eq!(u32::from_le_bytes(*length) as usize, payload.len());
    payload.to_vec()
}

/// A value of the last handshake in the vectors, which is the one of version 2, or of the first.
fn vector(id: &str, name: &str) -> Vec<u8> {
    let vectors = include_str!("../../../../tests/spec/proofs.json");
    let (_, vector) = vectors.split_once(&format!("\"id\": \"{id}\"")).unwrap();
    let (_, value) = vector.split_once(&format!("\"{name}\": \"")).unwrap();
    bytes(value.split_once('"').unwrap().0)
}

#[test]
fn the_text_is_what_an_initiator_says_and_takes() {
    let incarnation = NonZeroU64::new(0x1122_3344_5566_7788).unwrap();
    let mut local = Local::new(NodeName::parse(A).unwrap(), incarnation, cookie(COOKIE).into());
    local.capabilities = Capabilities::from_bits(0b1111);
    let exporter = from(0xE0);
    let dialled = NodeName::parse(B).unwrap();
    let (name, state) = initiator::start(local.into(), Channel::Tls13 { exporter }, dialled).unwrap();
    //= spec/handshake.md#hs-tlv-005
    //= type=test
    //# A node MUST put `0001` and `0003` into each extension block of NAME and CHALLENGE.
    assert_eq!(name, example("NAME"));
    let (reply, state) = state.handle(&example("CHALLENGE"), from(0xC0)).unwrap();
    //= spec/handshake.md#hs-tlv-006
    //= type=test
    //# A node MUST NOT put `0001` to `0008` into the extension block of REPLY or ACK.
    assert_eq!(reply, example("REPLY"));
    let peer = state.handle(&example("ACK")).unwrap().peer;
    assert_eq!((&*peer.name, peer.creation, peer.version), (B, 155, 2));
    assert_eq!(peer.incarnation, NonZeroU64::new(0x99AA_BBCC_DDEE_FF01));
    assert_eq!((peer.capabilities.to_bits(), peer.bounds), (0b111, Bounds::default()));
}

#[test]
fn the_text_is_what_an_acceptor_takes_and_answers() {
    let (name, challenge, reply) = (example("NAME"), example("CHALLENGE"), example("REPLY"));
    let challenged = Challenged::by(from(0xE0), &name, &challenge);
    let Handshake::Reply(message) = decode(&reply) else { panic!("no REPLY") };
    let cookies = Cookies::from(cookie(b"another")).accepting(cookie(COOKIE));
    let (place, found, replied) = challenged.judge(&cookies, &reply, &message).unwrap();
    assert_eq!((place, found), (1, &cookie(COOKIE)));
    //= spec/handshake.md#hs-tlv-006
    //= type=test
    //# A node MUST NOT put `0001` to `0008` into the extension block of REPLY or ACK.
    assert_eq!(replied.ack(found), example("ACK"));
}

#[test]
fn the_vector_of_version_2() {
    let value = |name: &str| vector("handshake-version-2", name);
    let cookie = Cookie::new(value("cookie")).unwrap();
    let challenged = Challenged::by(array(&value("exporter")), &value("name"), &value("challenge"));
    let Challenged::Version2 { transcript, .. } = challenged else { panic!("version 1") };
    assert_eq!(transcript, array(&value("transcript_hash")));

    let (reply, replied) = challenged.reply(&cookie, from(0xC0));
    assert_eq!(reply, value("reply"));
    let Replied::Version2 { reply: hash, .. } = replied else { panic!("version 1") };
    assert_eq!(hash, array(&value("reply_hash")));
    let Handshake::Reply(message) = decode(&reply) else { panic!("no REPLY") };
    let Some(Proof { proof, .. }) = message.proof else { panic!("no proof") };
    assert_eq!(proof[..], value("proof_initiator"));
    let found = challenged.judge(&cookie.clone().into(), &reply, &message).map(|(_, _, found)| found);
    assert_eq!(found, Ok(replied));

    let ack = replied.ack(&cookie);
    assert_eq!(ack, value("ack"));
    let Handshake::Ack(message) = decode(&ack) else { panic!("no ACK") };
    assert_eq!(message.proof.unwrap().proof[..], value("proof_acceptor"));
    assert_eq!(replied.judge(&cookie, &ack, &message), Ok(()));
}

#[test]
fn the_vector_of_version_1() {
    let value = |name: &str| vector("handshake-version-1", name);
    let cookie = Cookie::new(value("cookie")).unwrap();
    let (ours, theirs) = (array(&value("challenge_acceptor")), array(&value("challenge_initiator")));
    assert_eq!(cookie.digest(&ours)[..], value("digest_initiator"));
    assert_eq!(cookie.digest(&theirs)[..], value("digest_acceptor"));
}
