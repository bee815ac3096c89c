//! Version 1 peers: refused, and where they are allowed.

use super::*;
use snow_dist_codec::ExtensionBuf;
use snow_dist_codec::handshake::{Ack, Challenge, Name, Proof, Reply, has_sentinel};

const THEIRS: [u8; 32] = [0x5A; 32];

fn name(name: &str) -> Vec<u8> {
    encode(Name { name: name.into(), creation: 1, extension: None })
}

fn challenged(name: &str, challenge: &[u8; 32]) -> Vec<u8> {
    encode(Challenge { name: name.into(), creation: 1, challenge, extension: None })
}

/// What a lenient B makes of a REPLY to its challenge, which `reply` is given.
fn to_acceptor(
    peer: &str,
    channel: Channel,
    reply: impl FnOnce(&[u8; 32]) -> Vec<u8>,
) -> Result<acceptor::Verified, Refusal> {
    let (challenge, state) =
        acceptor::start(lenient(B).into(), channel).handle(&name(peer), RANDOM_ACCEPTOR).unwrap();
    //= spec/handshake.md#hs-crs-003
    //= type=test
    //# An acceptor MUST send its CHALLENGE with an extension block if NAME had one, and else without.
    let Handshake::Challenge(Challenge { challenge, extension: None, .. }) = decode(&challenge) else {
        panic!("no CHALLENGE of version 1")
    };
    //= spec/handshake.md#hs-sen-001
    //= type=test
    //# A node that speaks version 2 MUST end each challenge that it writes with the sentinel, in handshakes
    //# of both versions.
    assert!(has_sentinel(challenge));
    state.handle(&reply(challenge))
}

fn right_reply(challenge: &[u8; 32]) -> Vec<u8> {
    encode(Reply { digest: &cookie(COOKIE).digest(challenge), challenge: &THEIRS, proof: None })
}

#[test]
fn an_allowed_initiator_is_answered() {
    for channel in [TLS, Channel::Tls12] {
        let verified = to_acceptor("old@h:1", channel, right_reply).unwrap();
        let (ack, established) = verified.clone().accept();
        assert_eq!(ack, encode(Ack { digest: &cookie(COOKIE).digest(&THEIRS), proof: None }));
        let Peer { name, creation, incarnation, version, .. } = established.peer;
        assert_eq!((&*name, creation, incarnation, version), ("old@h:1", 1, None, 1));
        // It could not read a REJECT.
        assert_eq!(verified.refuse(Reject::DUPLICATE, "there is one"), None);
    }
}

#[test]
fn surplus_of_a_later_line_is_ignored() {
    let name = [name("old@h:1"), b"MSH2 and more".to_vec()].concat();
    let state = acceptor::start(lenient(B).into(), TLS);
    assert_eq!(state.handle(&name, RANDOM_ACCEPTOR).unwrap().1.claimed().version, 1);
}

#[test]
fn an_allowed_acceptor_is_answered() {
    for channel in [TLS, Channel::Tls12] {
        let (_, state) = Pair::new(lenient(A), node(B)).over([channel; 2]).initiate().unwrap();
        let (reply, state) = state.handle(&challenged(B, &THEIRS), RANDOM_INITIATOR).unwrap();
        let Handshake::Reply(reply) = decode(&reply) else { panic!("no REPLY") };
        assert_eq!((*reply.digest, reply.proof), (cookie(COOKIE).digest(&THEIRS), None));
        //= spec/handshake.md#hs-sen-001
        //= type=test
        //# A node that speaks version 2 MUST end each challenge that it writes with the sentinel, in
        //# handshakes of both versions.
        assert!(has_sentinel(reply.challenge));
        let digest = cookie(COOKIE).digest(reply.challenge);
        let ack = encode(Ack { digest: &digest, proof: None });
        for bit in 0..256 {
            let mut wrong = ack.clone();
            wrong[1 + bit / 8] ^= 1 << (bit % 8);
            assert_eq!(state.clone().handle(&wrong), Err(Failure::Proof { message: "ACK" }));
        }
        let block = ExtensionBuf::default();
        let proof = Some(Proof { extension: block.as_extension(), proof: &[0; 32] });
        //= spec/handshake.md#hs-dwn-003
        //= type=test
        //# A node MUST end a handshake unless all of NAME, CHALLENGE, REPLY and ACK have an extension block,
        //# none has one, or NAME alone has one.
        let unasked = encode(Ack { digest: &digest, proof });
        assert_eq!(state.clone().handle(&unasked), Err(Failure::Unasked { message: "ACK" }));
        assert_eq!(state.handle(&ack).unwrap().peer.version, 1);
    }
}

#[test]
fn the_acceptor_must_bear_the_name_that_was_dialled() {
    let (_, state) = Pair::new(lenient(A), node(B)).initiate().unwrap();
    let failure = state.handle(&challenged("c@h:1", &THEIRS), RANDOM_INITIATOR).unwrap_err();
    assert_eq!(failure, Failure::Answered { dialled: B.into(), answered: "c@h:1".into() });
}

#[test]
fn a_refused_initiator_gets_no_challenge_and_a_refused_acceptor_no_digest() {
    let refusal = acceptor::start(node(B).into(), TLS).handle(&name(A), RANDOM_ACCEPTOR).unwrap_err();
    assert_eq!(refusal, Refusal { failure: Failure::Version1, reject: None });
    let (_, state) = Pair::new(node(A), node(B)).initiate().unwrap();
    assert_eq!(state.handle(&challenged(B, &THEIRS), RANDOM_INITIATOR), Err(Failure::Version1));
}

//= spec/version1.md#v1-alw-001
//= type=test
//# A node that can speak version 1 SHOULD let its operator allow it for single peers by name.
#[test]
fn it_is_allowed_for_single_peers_by_name() {
    let allowing = |name: &str, peers: &[&str]| {
        let mut local = node(name);
        local.version_1 = Allowed::only(peers).unwrap();
        local
    };
    let acceptor = Arc::new(allowing(B, &["old@h:1", "older@h"]));
    for (claimed, allowed) in
        [("old@h:1", true), ("older@h", true), ("older@h:9000", true), ("new@h:1", false)]
    {
        let answered = acceptor::start(acceptor.clone(), TLS).handle(&name(claimed), RANDOM_ACCEPTOR);
        assert_eq!(answered.is_ok(), allowed, "{claimed}");
        if let Err(refusal) = answered {
            assert_eq!(refusal, Refusal { failure: Failure::Version1, reject: None });
        }
    }
    for (allowed, answers) in [(B, true), ("c@h:1", false)] {
        let (_, state) = Pair::new(allowing(A, &[allowed]), node(B)).initiate().unwrap();
        let answer = state.handle(&challenged(B, &THEIRS), RANDOM_INITIATOR);
        assert_eq!(answer.is_ok(), answers, "{allowed}");
        // Over TLS 1.2 there is nothing but version 1.
        let dialled = Pair::new(allowing(A, &[allowed]), node(B)).over([Channel::Tls12; 2]).initiate();
        assert_eq!(dialled.is_ok(), answers, "{allowed}");
    }
}

#[test]
fn checks_of_the_acceptor_at_reply() {
    let check = |reply: &dyn Fn(&[u8; 32]) -> Vec<u8>, failure| {
        let refusal = to_acceptor("old@h:1", TLS, reply).unwrap_err();
        assert_eq!(refusal, Refusal { failure, reject: None });
    };
    let wrong = Failure::Proof { message: "REPLY" };
    for bit in 0..256 {
        let reply = |challenge: &[u8; 32]| {
            let mut reply = right_reply(challenge);
            reply[1 + bit / 8] ^= 1 << (bit % 8);
            reply
        };
        check(&reply, wrong.clone());
    }
    //= spec/handshake.md#hs-prf-006
    //= type=test
    //# A node MUST end a handshake in which the digest of version 1 or the proof of version 2 is not the one
    //# that it computes.
    let another = |challenge: &[u8; 32]| {
        encode(Reply { digest: &cookie(b"other").digest(challenge), challenge: &THEIRS, proof: None })
    };
    check(&another, wrong);
    //= spec/handshake.md#hs-dwn-001
    //= type=test
    //# A node MUST end a handshake in which a challenge with the sentinel comes without an extension block.
    // A node of version 2 would have sent a block.
    let marked = |theirs: &[u8; 32]| {
        let digest = cookie(COOKIE).digest(theirs);
        encode(Reply { digest: &digest, challenge: &challenge([7; 24]), proof: None })
    };
    check(&marked, Failure::Stripped { message: "REPLY" });
    let unasked = |theirs: &[u8; 32]| {
        let (digest, block) = (cookie(COOKIE).digest(theirs), ExtensionBuf::default());
        let proof = Some(Proof { extension: block.as_extension(), proof: &[0; 32] });
        encode(Reply { digest: &digest, challenge: &THEIRS, proof })
    };
    check(&unasked, Failure::Unasked { message: "REPLY" });
}

//= spec/handshake.md#hs-nam-005
//= type=test
//# An acceptor MUST refuse a peer whose name is its own name or not a node name, but not before it has
//# verified REPLY.
#[test]
fn names_that_no_peer_can_have_are_refused_after_the_digest() {
    for (peer, failure) in [
        (B, Failure::OwnName),
        ("", Failure::NotAName("".into())),
        ("no-at", Failure::NotAName("no-at".into())),
        ("a\0@h:1", Failure::NotAName("a\0@h:1".into())),
    ] {
        let refusal = to_acceptor(peer, TLS, right_reply).unwrap_err();
        assert_eq!(refusal, Refusal { failure, reject: None });
        let other = |challenge: &[u8; 32]| {
            encode(Reply { digest: &cookie(b"other").digest(challenge), challenge: &THEIRS, proof: None })
        };
        let refusal = to_acceptor(peer, TLS, other).unwrap_err();
        assert_eq!(refusal.failure, Failure::Proof { message: "REPLY" });
    }
}

#[test]
fn two_nodes_of_version_2_never_fall_back() {
    let pair = Pair::new(lenient(A), lenient(B)).over([Channel::Tls12; 2]);
    let outcome = pair.record().0;
    assert_eq!(*outcome.initiators_failure(), Failure::Stripped { message: "CHALLENGE" });
    assert!(!outcome.acceptor_is_established());
}
