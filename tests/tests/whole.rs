//! The session in bytes of `spec/example.md`: it is what is made, and the handshake in it is what production writes.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::num::NonZeroU64;

use snow_dist_codec::NodeName;
use snow_dist_runtime::core::handshake::{Channel, Local, acceptor, initiator};
use snow_dist_runtime::core::{Cookie, Cookies};
use snow_dist_tests::{example, run, vectors};

#[test]
fn the_text_is_what_is_made() {
    let committed = std::fs::read_to_string(vectors::folder().join("../example.md")).unwrap();
    assert!(
        committed == example::text(),
        "spec/example.md is not what is made here: cargo run -p snow-dist-tests --bin vectors"
    );
}

#[test]
fn its_handshake_is_what_two_nodes_say() {
    let handshakes = run::read("proofs.json");
    let handshake = handshakes.iter().find(|vector| vector["id"] == example::HANDSHAKE).unwrap();
    let value = |name: &str| hex::decode(handshake[name].as_str().unwrap()).unwrap();
    let channel = || Channel::Tls13 { exporter: value("exporter").try_into().unwrap() };
    let local = |name: &str, incarnation: u64| {
        let cookies = Cookies::from(Cookie::new(value("cookie")).unwrap());
        Local::new(NodeName::parse(name).unwrap(), NonZeroU64::new(incarnation).unwrap(), cookies)
    };
    let (a, b) = (("a@127.0.0.1:9001", 0x1122_3344_5566_7788), ("b@127.0.0.1:9002", 0x99AA_BBCC_DDEE_FF01));
    let random = |first: u8| std::array::from_fn(|place| first + u8::try_from(place).unwrap());

    let dialled = NodeName::parse(b.0).unwrap();
    let (name, initiator) = initiator::start(local(a.0, a.1).into(), channel(), dialled).unwrap();
    assert_eq!(name, value("name"));
    let acceptor = acceptor::start(local(b.0, b.1).into(), channel());
    let (challenge, acceptor) = acceptor.handle(&name, random(0xA0)).unwrap();
    assert_eq!(challenge, value("challenge"));
    let (reply, initiator) = initiator.handle(&challenge, random(0xC0)).unwrap();
    assert_eq!(reply, value("reply"));
    let (ack, established) = acceptor.handle(&reply).unwrap().accept();
    assert_eq!(ack, value("ack"));
    assert_eq!((&*established.peer.name, established.peer.creation), (a.0, 103));
    let peer = initiator.handle(&ack).unwrap().peer;
    assert_eq!((&*peer.name, peer.creation), (b.0, 155));
}
