//! Stories of terms of the second kind, in sessions that have them and in others: `capabilities.md`.

use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::stf::{Encoder, KeyType, Terms};
use snow_dist_codec::{Pid as WirePid, Text};

use super::frames::send_term;
use super::node::{Bounds, Whose};
use super::story::Story;

pub(super) fn all() -> Vec<Story> {
    vec![read(), written(), read_without(), refused(), without_the_mark()]
}

fn in_session(
    id: &'static str,
    requirements: &'static str,
    comment: &'static str,
    capabilities: Capabilities,
) -> Story {
    Story::bounded(id, requirements, comment, Bounds { capabilities, ..Bounds::default() })
}

fn term(write: impl FnOnce(&mut Encoder<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new_in(Terms::Second, &mut bytes);
    write(&mut encoder);
    encoder.finish().unwrap();
    bytes
}

/// A variant with pids with these bits, and bytes that look like one.
fn variant(pids: &[u64]) -> Vec<u8> {
    term(|encoder| {
        encoder.variant(Text::from("Order"), Text::from("Buy"), pids.len() + 1).unwrap();
        for pid in pids {
            encoder.field(Text::from("of")).unwrap();
            encoder.pid(WirePid::from_bits(*pid));
        }
        encoder.field(Text::from("blob")).unwrap();
        encoder.bytes(&[30, 5, 0, 0, 0, 0, 7, 0, 0]).unwrap();
    })
}

fn of_peer(local: u64) -> u64 {
    18 << 40 | local
}

/// A pid, and behind it a u64 that would be an int.
fn no_term() -> Vec<u8> {
    [&[1, 13, 2, 30][..], &of_peer(9).to_le_bytes(), &[8, 1, 0, 0, 0, 0, 0, 0, 0]].concat()
}

fn keys() -> Vec<u8> {
    term(|encoder| {
        encoder.map(KeyType::Int, 1).unwrap();
        encoder.u64(u64::MAX).unwrap();
        encoder.pid(WirePid::from_bits(of_peer(9)));
    })
}

fn bytes() -> Vec<u8> {
    term(|encoder| encoder.bytes(&[0xFF, 0]).unwrap())
}

fn read() -> Story {
    in_session(
        "terms-2",
        "CAP-TRM-003 CAP-STM-005 CAP-STM-006",
        "terms of the second kind arrive",
        Capabilities::SEND_TERM.union(Capabilities::TERMS_2),
    )
    .receive(
        send_term(5, &variant(&[of_peer(9), of_peer(8)])),
        "pids in the fields of a variant, and bytes like one",
    )
    .receive(send_term(5, &keys()), "behind a key of 64 bits")
    .receive(send_term(5, &bytes()), "bytes alone")
    .receive(send_term(5, &[1, 6]), "a term of the first kind")
    .receive(send_term(5, &no_term()), "no term of either kind: it has no pids")
}

fn written() -> Story {
    in_session(
        "sends-terms-2",
        "CAP-STM-004 CAP-TRM-003",
        "terms of the second kind are sent, their pids as in others",
        Capabilities::SEND_TERM.union(Capabilities::TERMS_2),
    )
    .send_this_term(5, 9, &variant(&[0, 1]), &[Whose::Node(5), Whose::Peer(9)], "SEND_TERM")
    .send_this_term(5, 9, &bytes(), &[], "SEND_TERM")
}

fn read_without() -> Story {
    in_session(
        "terms-2-lacking",
        "CAP-TRM-004 CAP-STM-006",
        "without the capability they are no terms",
        Capabilities::SEND_TERM,
    )
    .receive(send_term(5, &variant(&[of_peer(9)])), "given like what is no term, without pids")
    .receive(send_term(5, &keys()), "likewise")
    .receive(send_term(5, &[&[1, 30][..], &of_peer(9).to_le_bytes()].concat()), "a term of the first kind")
}

fn refused() -> Story {
    in_session(
        "terms-2-refused",
        "CAP-TRM-001 STF-KND-002",
        "without the capability none is written",
        Capabilities::SEND_TERM,
    )
    .send_this_term(5, 9, &bytes(), &[], "refused to 5")
    .send_this_term(5, 9, &variant(&[0]), &[Whose::Node(5)], "refused to 5")
    .send_this_term(5, 9, &[1, 6], &[], "a term of the first kind: SEND_TERM")
}

fn without_the_mark() -> Story {
    in_session(
        "terms-2-without-the-mark",
        "CAP-TRM-002",
        "where nothing marks a message as a term, none of the second kind is written",
        Capabilities::TERMS_2,
    )
    .send_this_term(5, 9, &bytes(), &[], "refused to 5")
    .send_this_term(5, 9, &[1, 6], &[], "a term of the first kind: SEND")
}
