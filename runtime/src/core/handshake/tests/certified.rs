//! Handshakes of ends that require certificates.

use super::*;
use crate::core::handshake::certified::Uri;
use crate::core::limits::{CERTIFIED_NAMES_MAX, CERTIFIED_NAMES_SHOWN_MAX};
use snow_dist_codec::handshake::{Challenge, Name, Reply};

fn certified(names: &[&str]) -> Option<Certified> {
    let uris: Vec<_> = names.iter().map(|name| Uri(name).to_string()).collect();
    Some(Certified::by_uris(uris.iter().map(String::as_str)))
}

/// What the acceptor finds, if the certificate of the initiator speaks for these.
fn accepted(pair: &Pair, names: Option<Certified>) -> Result<acceptor::Verified, Refusal> {
    let (name, state) = pair.initiate().unwrap();
    let expect_name = acceptor::start(pair.acceptor.clone(), pair.channels[1]).certified(names);
    let (challenge, expect_reply) = expect_name.handle(&name, RANDOM_ACCEPTOR).unwrap();
    expect_reply.handle(&state.handle(&challenge, RANDOM_INITIATOR).unwrap().0)
}

/// What the initiator finds, if the certificate of the acceptor speaks for these.
fn initiated(pair: &Pair, names: Option<Certified>) -> Result<initiator::ExpectAck, Failure> {
    let (name, state) = pair.initiate().unwrap();
    let expect_name = acceptor::start(pair.acceptor.clone(), pair.channels[1]);
    let (challenge, _) = expect_name.handle(&name, RANDOM_ACCEPTOR).unwrap();
    state.certified(names).handle(&challenge, RANDOM_INITIATOR).map(|(_, state)| state)
}

//= spec/handshake.md#hs-crt-001
//= type=test
//# A node MUST NOT require certificates unless its operator has asked for that.
//= spec/handshake.md#hs-crt-005
//= type=test
//# A node that requires certificates MUST end a handshake in which the certificate of the other end does not speak for
//# its name.
#[test]
fn a_name_needs_a_certificate_where_those_are_required() {
    let pair = Pair::new(node(A), node(B));
    for (names, is_taken) in [
        (None, true),
        (certified(&[A, B]), true),
        (certified(&["c@127.0.0.1:9001", A, B]), true),
        (certified(&[]), false),
        (certified(&["a@127.0.0.1:9002", "A@127.0.0.1:9001", "b@127.0.0.1:90021"]), false),
    ] {
        assert_eq!(accepted(&pair, names.clone()).is_ok(), is_taken, "{names:?}");
        assert_eq!(initiated(&pair, names.clone()).is_ok(), is_taken, "{names:?}");
        if is_taken {
            continue;
        }
        let of = |name: &str| Failure::Uncertified { name: name.into(), certified: names.clone().unwrap() };
        let refusal = accepted(&pair, names.clone()).unwrap_err();
        assert_eq!(refusal.failure, of(A));
        let (code, text) = rejection(refusal.reject.as_deref().unwrap());
        assert_eq!(code, Reject::REFUSED);
        assert!(text.contains("URI:snow-dist:a@127.0.0.1:9001,"), "{text}");
        assert_eq!(initiated(&pair, names.clone()).unwrap_err(), of(B));
    }
}

#[test]
fn version_1_is_no_way_round() {
    let name = encode(Name { name: A.into(), creation: 1, extension: None });
    let reply = |names: &[&str]| {
        let state = acceptor::start(lenient(B).into(), TLS).certified(certified(names));
        let (challenge, state) = state.handle(&name, RANDOM_ACCEPTOR).unwrap();
        let Handshake::Challenge(challenge) = decode(&challenge) else { panic!("no CHALLENGE") };
        let digest = cookie(COOKIE).digest(challenge.challenge);
        state.handle(&encode(Reply { digest: &digest, challenge: &[7; 32], proof: None }))
    };
    assert!(reply(&[A]).is_ok());
    let refusal = reply(&[B]).unwrap_err();
    assert!(matches!(refusal.failure, Failure::Uncertified { .. }) && refusal.reject.is_none());

    let challenge = encode(Challenge { name: B.into(), creation: 1, challenge: &[7; 32], extension: None });
    let (_, state) = Pair::new(lenient(A), node(B)).initiate().unwrap();
    assert!(state.clone().certified(certified(&[B])).handle(&challenge, RANDOM_INITIATOR).is_ok());
    let refused = state.certified(certified(&[A])).handle(&challenge, RANDOM_INITIATOR);
    assert!(matches!(refused, Err(Failure::Uncertified { .. })));
}

/// Whoever does not know the cookie is not told whether a name would do.
#[test]
fn the_cookie_comes_first() {
    let stranger = with_cookies(A, cookie(b"another cookie").into());
    let refusal = accepted(&Pair::new(stranger, node(B)), certified(&[])).unwrap_err();
    assert_eq!(refusal.failure, Failure::Proof { message: "REPLY" });
}

//= spec/handshake.md#hs-crt-006
//= type=test
//# A node MUST NOT take a certificate to speak for any other name.
#[test]
fn names_are_read_of_uris_and_of_nothing_else() {
    for (uri, name) in [
        ("snow-dist:a@10.0.0.1:4000", Some("a@10.0.0.1:4000")),
        ("snow-dist:a@10.0.0.1", Some("a@10.0.0.1:9000")),
        ("SNOW-Dist:a@10.0.0.1", Some("a@10.0.0.1:9000")),
        ("snow-dist:%61%40%5b::1%5D:4000", Some("a@[::1]:4000")),
        ("snow-dist:a@[::1]:4000", Some("a@[::1]:4000")),
        ("snow-dist:a@[fe80::1%25eth0]:1", Some("a@[fe80::1%eth0]:1")),
        ("snow-dist:k%C3%A4se@h:1", Some("käse@h:1")),
        ("snow-dist:käse@h:1", Some("käse@h:1")),
        // Once, and not twice.
        ("snow-dist:a%2541@h:1", Some("a%41@h:1")),
        ("snow-dist:a@h:1?x#y", None),
        ("snow-dist://a@h:1", Some("//a@h:1")),
        ("snow-dist:", None),
        ("snow-dist:a", None),
        ("snow-dist:a%4@h:1", None),
        ("snow-dist:a@h:1%", None),
        ("snow-dist:a%zz@h:1", None),
        ("snow-dist:%C3@h:1", None),
        ("snow-dist:a%0A@h:1", None),
        ("snow-dist", None),
        ("snow-dis", None),
        ("snöw-dist:a@h:1", None),
        (" snow-dist:a@h:1", None),
        ("spiffe://a@h:1", None),
        ("a@h:1", None),
        ("", None),
    ] {
        assert_eq!(Certified::by_uris([uri]).names().next(), name, "{uri}");
    }
    for name in ["a@[fe80::1%eth0]:1", "käse 1%/?#@h:1", A] {
        let uri = Uri(name).to_string();
        assert!(uri.is_ascii());
        assert!(Certified::by_uris([&*uri]).contains(name), "{uri}");
    }
}

#[test]
fn a_certificate_for_very_many_is_read_to_a_limit_and_shown_in_short() {
    let names: Vec<_> = (0..=CERTIFIED_NAMES_MAX).map(|at| format!("a{at}@h:1")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let many = certified(&names).unwrap();
    assert_eq!(many.names().count(), CERTIFIED_NAMES_MAX);
    assert!(many.contains(names[CERTIFIED_NAMES_MAX - 1]) && !many.contains(names[CERTIFIED_NAMES_MAX]));
    let more = CERTIFIED_NAMES_MAX - CERTIFIED_NAMES_SHOWN_MAX;
    let shown = format!(r#""a0@h:1", "a1@h:1", "a2@h:1", "a3@h:1" and {more} more"#);
    assert_eq!(many.to_string(), shown);
    assert_eq!(certified(&names[..2]).unwrap().to_string(), r#""a0@h:1", "a1@h:1""#);
    assert_eq!(Certified::default().to_string(), "no node");
}
