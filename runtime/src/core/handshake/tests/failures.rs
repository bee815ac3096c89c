//! Every check of both roles, by a peer that breaks it: what is found, what the peer is told, and in which order.

use super::super::acceptor::Verified;
use super::super::proof::Challenged;
use super::*;
use sha2::{Digest, Sha256};
use snow_dist_codec::ExtensionBuf;
use snow_dist_codec::handshake::{Ack, Challenge, Name, Proof, Reply, SENTINEL, proof};

const EXPORTER: [u8; 32] = [0xEE; 32];

/// What a peer of version 2 says of itself, each part of which can be wrong.
#[derive(Clone)]
struct Says {
    name: &'static str,
    creation: u8,
    versions: Option<&'static [u16]>,
    incarnation: Option<u64>,
    frame_bytes: u32,
    challenge: [u8; 32],
    cookie: &'static [u8],
}

impl Says {
    fn well(name: &'static str) -> Self {
        Self {
            name,
            creation: 7,
            versions: Some(&[2]),
            incarnation: Some(9),
            frame_bytes: 64 << 10,
            challenge: challenge([7; 24]),
            cookie: COOKIE,
        }
    }

    fn block(&self) -> ExtensionBuf {
        let mut block = ExtensionBuf::default();
        if let Some(versions) = self.versions {
            block.push_versions(versions).unwrap();
        }
        if let Some(incarnation) = self.incarnation {
            block.push_incarnation(incarnation.try_into().unwrap()).unwrap();
        }
        block.push_frame_bytes_max(self.frame_bytes).unwrap();
        block
    }

    fn name(&self) -> Vec<u8> {
        let block = self.block();
        encode(Name {
            name: self.name.into(),
            creation: self.creation,
            extension: Some(block.as_extension()),
        })
    }

    fn challenge(&self) -> Vec<u8> {
        let block = self.block();
        encode(Challenge {
            name: self.name.into(),
            creation: self.creation,
            challenge: &self.challenge,
            extension: Some(block.as_extension()),
        })
    }

    /// What the acceptor B finds and answers: at NAME, or at the REPLY that goes with it.
    fn to_acceptor(&self) -> Result<Verified, Refusal> {
        let name = self.name();
        let (challenge, state) = acceptor::start(node(B).into(), TLS).handle(&name, RANDOM_ACCEPTOR)?;
        let challenged = Challenged::by(EXPORTER, &name, &challenge);
        state.handle(&challenged.reply(&cookie(self.cookie), [7; 24]).0)
    }

    /// What the initiator A finds, which has dialled B.
    fn to_initiator(&self) -> Result<initiator::ExpectAck, Failure> {
        let (_, state) = Pair::new(node(A), node(B)).initiate().unwrap();
        state.handle(&self.challenge(), RANDOM_INITIATOR).map(|(_, state)| state)
    }
}

#[track_caller]
//= spec/handshake.md#hs-rej-006
//= type=test
//# An acceptor SHOULD send REJECT with the code of its course before it closes the connection.
fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>, failure: Failure, code: Option<u16>) {
    let refusal = result.unwrap_err();
    assert_eq!(refusal.failure, failure);
    let told = refusal.reject.as_deref().map(rejection);
    assert_eq!(told.as_ref().map(|(code, _)| *code), code, "{failure}");
    if let Some((_, text)) = told {
        assert!(refusal.failure.to_string().starts_with(&text) && !text.is_empty());
    }
}

#[test]
fn a_peer_that_says_all_well_is_taken() {
    assert_eq!(Says::well(A).to_acceptor().unwrap().peer().creation, 7);
    assert!(Says::well(B).to_initiator().is_ok());
    //= spec/handshake.md#hs-ver-001
    //= type=test
    //# A node MUST use the highest version that both blocks list.
    let speaks_more = Says { versions: Some(&[2, 3, 700]), ..Says::well(A) };
    assert_eq!(speaks_more.to_acceptor().unwrap().peer().version, 2);
}

#[test]
fn checks_of_the_acceptor_at_name() {
    let well = Says::well(A);
    let at_name = |payload: &[u8]| acceptor::start(node(B).into(), TLS).handle(payload, RANDOM_ACCEPTOR);
    let malformed = |payload: &[u8]| Failure::Malformed {
        due: "NAME",
        error: Handshake::decode(payload, Reading::Compatible).unwrap_err(),
    };

    // Nothing is told to what may be no node of version 2.
    for payload in [&b""[..], b"\x00", b"\x01\x05", b"\x01\x01\x00\xff\x01", b"GET / HTTP/1.1\r\n"] {
        refused(at_name(payload), malformed(payload), None);
    }
    let plain = stripped(&well.name());
    refused(at_name(&plain), Failure::Version1, None);
    let unexpected = |found| Failure::Unexpected { due: "NAME", found };
    refused(at_name(&encode(Reject { code: 1, text: "".into() })), unexpected("REJECT"), None);
    refused(at_name(&stripped(&well.challenge())), unexpected("CHALLENGE"), None);

    refused(at_name(&well.challenge()), unexpected("CHALLENGE"), Some(Reject::MALFORMED));
    let name = well.name();
    for end in magic_at(&name).unwrap() + 8..name.len() {
        refused(at_name(&name[..end]), malformed(&name[..end]), Some(Reject::MALFORMED));
    }
    let mut surplus = well.name();
    surplus.push(0);
    refused(at_name(&surplus), malformed(&surplus), Some(Reject::MALFORMED));
    // An extension that must not be ignored: the magic, a count of 4, type 8000, nothing in it.
    let mandatory = [&plain[..], b"\xD1SNOW2\r\n", &[4, 0, 0x00, 0x80, 0, 0]].concat();
    refused(at_name(&mandatory), malformed(&mandatory), Some(Reject::MALFORMED));

    //= spec/handshake.md#hs-tls-009
    //= type=test
    //# A node MUST end a handshake in which an extension block arrives over a TLS version below 1.3.
    let over_12 = acceptor::start(lenient(B).into(), Channel::Tls12).handle(&name, RANDOM_ACCEPTOR);
    refused(over_12, Failure::Tls, Some(Reject::REFUSED));
}

#[test]
fn checks_of_the_acceptor_on_what_a_block_says() {
    let well = Says::well(A);
    let unsaid = |what| Failure::Unsaid(what);
    for (says, failure, code) in [
        //= spec/handshake.md#hs-tlv-009
        //= type=test
        //# A node MUST end a handshake in which the block of NAME or CHALLENGE has no `0001` or no `0003`.
        (Says { versions: None, ..well.clone() }, unsaid("the versions it speaks"), Reject::MALFORMED),
        (
            //= spec/handshake.md#hs-ver-002
            //= type=test
            //# A node MUST end a handshake in which no version stands in both blocks.
            Says { versions: Some(&[3, 4]), incarnation: None, creation: 0, ..well.clone() },
            Failure::Versions(vec![3, 4]),
            Reject::VERSION,
        ),
        (Says { incarnation: None, ..well.clone() }, unsaid("its incarnation"), Reject::MALFORMED),
        //= spec/handshake.md#hs-cre-002
        //= type=test
        //# A node MUST end a handshake in which `creation` is 0 beside an extension block.
        (Says { creation: 0, ..well.clone() }, unsaid("a creation of 1 to 255"), Reject::MALFORMED),
        (Says { cookie: b"other", ..well.clone() }, Failure::Proof { message: "REPLY" }, Reject::REFUSED),
        (Says { name: B, frame_bytes: 0, ..well.clone() }, Failure::OwnName, Reject::NAME),
        (
            Says { name: "b@127.0.0.1:1x", ..well.clone() },
            Failure::NotAName("b@127.0.0.1:1x".into()),
            Reject::NAME,
        ),
        (
            Says { frame_bytes: 65_535, ..well.clone() },
            Failure::Bounds { frame_bytes: 65_535 },
            Reject::BOUNDS,
        ),
    ] {
        refused(says.to_acceptor(), failure, Some(code));
        // Name and bounds are judged only for who knows the cookie.
        if matches!(code, Reject::NAME | Reject::BOUNDS) {
            let failure = Failure::Proof { message: "REPLY" };
            refused(Says { cookie: b"other", ..says }.to_acceptor(), failure, Some(Reject::REFUSED));
        }
    }
}

//= spec/handshake.md#hs-nam-003
//= type=test
//# A node MUST take a node name without port in NAME or CHALLENGE for that name with `:9000`.
#[test]
fn a_name_without_a_port_is_the_own_name_too() {
    let local = node("b@127.0.0.1:9000");
    let name = Says::well("b@127.0.0.1").name();
    let (challenge, state) = acceptor::start(local.into(), TLS).handle(&name, RANDOM_ACCEPTOR).unwrap();
    let reply = Challenged::by(EXPORTER, &name, &challenge).reply(&cookie(COOKIE), [7; 24]).0;
    refused(state.handle(&reply), Failure::OwnName, Some(Reject::NAME));
}

#[test]
fn checks_of_the_acceptor_at_reply() {
    let name = Says::well(A).name();
    let (challenge, state) = acceptor::start(node(B).into(), TLS).handle(&name, RANDOM_ACCEPTOR).unwrap();
    let challenged = Challenged::by(EXPORTER, &name, &challenge);
    let (right, _) = challenged.reply(&cookie(COOKIE), [7; 24]);
    assert!(state.clone().handle(&right).is_ok());
    let check = |payload: &[u8], failure, code| refused(state.clone().handle(payload), failure, Some(code));

    let malformed = |payload: &[u8]| Failure::Malformed {
        due: "REPLY",
        error: Handshake::decode(payload, Reading::Compatible).unwrap_err(),
    };
    check(b"", malformed(b""), Reject::MALFORMED);
    let without_proof = &right[..right.len() - 32];
    check(without_proof, malformed(without_proof), Reject::MALFORMED);
    check(&name, Failure::Unexpected { due: "REPLY", found: "NAME" }, Reject::MALFORMED);
    //= spec/handshake.md#hs-dwn-003
    //= type=test
    //# A node MUST end a handshake unless all of NAME, CHALLENGE, REPLY and ACK have an extension block, none
    //# has one, or NAME alone has one.
    check(&stripped(&right), Failure::Stripped { message: "REPLY" }, Reject::MALFORMED);

    let block = ExtensionBuf::default();
    let proof = Some(Proof { extension: block.as_extension(), proof: &[1; 32] });
    let (ours, plain, mut digest) = (super::challenge([7; 24]), [7; 32], [0; 32]);
    digest[31] = 1;
    //= spec/handshake.md#hs-crs-001
    //= type=test
    //# A node MUST make the checks of its course in their order.
    // In the order in which they are judged: each has all faults of those after it.
    //= spec/handshake.md#hs-dig-003
    //= type=test
    //# A node MUST end a handshake in which `digest` beside an extension block is not zero.
    let both = encode(Reply { digest: &digest, challenge: &plain, proof });
    check(&both, Failure::Digest { message: "REPLY" }, Reject::MALFORMED);
    //= spec/handshake.md#hs-dwn-002
    //= type=test
    //# A node MUST end a handshake in which a challenge without the sentinel comes with an extension block.
    let unmarked = encode(Reply { digest: &[0; 32], challenge: &plain, proof });
    check(&unmarked, Failure::Sentinel { message: "REPLY" }, Reject::MALFORMED);
    let unproven = encode(Reply { digest: &[0; 32], challenge: &ours, proof });
    check(&unproven, Failure::Proof { message: "REPLY" }, Reject::REFUSED);
    let elsewhere = Challenged::by([0; 32], &name, &challenge).reply(&cookie(COOKIE), [7; 24]).0;
    check(&elsewhere, Failure::Proof { message: "REPLY" }, Reject::REFUSED);
}

#[test]
fn checks_of_the_initiator_before_name() {
    let own = NodeName::parse(A).unwrap();
    assert_eq!(initiator::start(node(A).into(), TLS, own), Err(Failure::OwnName));
    //= spec/handshake.md#hs-tls-008
    //= type=test
    //# A node MUST NOT send an extension block over a TLS version below 1.3.
    let over_12 = [Channel::Tls12; 2];
    assert_eq!(Pair::new(node(A), node(B)).over(over_12).initiate().unwrap_err(), Failure::Tls);
    let (name, _) = Pair::new(lenient(A), node(B)).over(over_12).initiate().unwrap();
    assert_eq!(magic_at(&name), None);
}

#[test]
fn checks_of_the_initiator_at_challenge() {
    let (_, state) = Pair::new(node(A), node(B)).initiate().unwrap();
    let check = |payload: &[u8], failure| {
        assert_eq!(state.clone().handle(payload, RANDOM_INITIATOR), Err(failure));
    };
    let well = Says::well(B);
    let error = Handshake::decode(b"\x02", Reading::Compatible).unwrap_err();
    check(b"\x02", Failure::Malformed { due: "CHALLENGE", error });
    check(&well.name(), Failure::Unexpected { due: "CHALLENGE", found: "NAME" });
    let reject = encode(Reject { code: 2, text: "full".into() });
    check(&reject, Failure::Rejected { code: 2, text: "full".into() });
    //= spec/handshake.md#hs-dwn-001
    //= type=test
    //# A node MUST end a handshake in which a challenge with the sentinel comes without an extension block.
    check(&stripped(&well.challenge()), Failure::Stripped { message: "CHALLENGE" });
    let version_1 = Says { challenge: [7; 32], ..well.clone() };
    check(&stripped(&version_1.challenge()), Failure::Version1);

    //= spec/handshake.md#hs-crs-001
    //= type=test
    //# A node MUST make the checks of its course in their order.
    // In the order in which they are judged: each has all faults of those after it.
    let mut says = Says { name: "c@h:1", frame_bytes: 0, challenge: [7; 32], ..well };
    says = Says { versions: None, incarnation: None, creation: 0, ..says };
    assert_eq!(says.to_initiator(), Err(Failure::Unsaid("the versions it speaks")));
    says.versions = Some(&[3]);
    assert_eq!(says.to_initiator(), Err(Failure::Versions(vec![3])));
    says.versions = Some(&[2]);
    assert_eq!(says.to_initiator(), Err(Failure::Unsaid("its incarnation")));
    says.incarnation = Some(1);
    assert_eq!(says.to_initiator(), Err(Failure::Unsaid("a creation of 1 to 255")));
    says.creation = 1;
    //= spec/handshake.md#hs-dwn-002
    //= type=test
    //# A node MUST end a handshake in which a challenge without the sentinel comes with an extension block.
    assert_eq!(says.to_initiator(), Err(Failure::Sentinel { message: "CHALLENGE" }));
    says.challenge[24..].copy_from_slice(&SENTINEL);
    let answered = Failure::Answered { dialled: B.into(), answered: "c@h:1".into() };
    assert_eq!(says.to_initiator(), Err(answered));
    says.name = B;
    assert_eq!(says.to_initiator(), Err(Failure::Bounds { frame_bytes: 0 }));
    says.frame_bytes = 65_536;
    assert!(says.to_initiator().is_ok());

    let (_, over_12) = Pair::new(lenient(A), node(B)).over([Channel::Tls12; 2]).initiate().unwrap();
    assert_eq!(over_12.handle(&says.challenge(), RANDOM_INITIATOR), Err(Failure::Tls));
}

#[test]
fn checks_of_the_initiator_at_ack() {
    let pair = Pair::new(node(A), node(B));
    let messages = pair.record().1;
    let (_, state) = pair.initiate().unwrap();
    let (_, state) = state.handle(&messages[1], RANDOM_INITIATOR).unwrap();
    assert!(state.clone().handle(&messages[3]).is_ok());
    let check = |payload: &[u8], failure| assert_eq!(state.clone().handle(payload), Err(failure));

    let error = Handshake::decode(b"\x04", Reading::Compatible).unwrap_err();
    check(b"\x04", Failure::Malformed { due: "ACK", error });
    check(&messages[1], Failure::Unexpected { due: "ACK", found: "CHALLENGE" });
    let reject = encode(Reject { code: 5, text: "there is one".into() });
    check(&reject, Failure::Rejected { code: 5, text: "there is one".into() });
    check(&stripped(&messages[3]), Failure::Stripped { message: "ACK" });
    let Handshake::Ack(ack) = decode(&messages[3]) else { panic!("no ACK") };
    //= spec/handshake.md#hs-dig-003
    //= type=test
    //# A node MUST end a handshake in which `digest` beside an extension block is not zero.
    check(&encode(Ack { digest: &[1; 32], ..ack }), Failure::Digest { message: "ACK" });
    // The initiator's own proof is not the acceptor's.
    let Handshake::Reply(reply) = decode(&messages[2]) else { panic!("no REPLY") };
    check(&encode(Ack { proof: reply.proof, ..ack }), Failure::Proof { message: "ACK" });
}

//= spec/handshake.md#hs-tlv-007
//= type=test
//# A node MUST ignore `0001` to `0008` in a block of REPLY or ACK that its reader accepts.
#[test]
fn what_reply_and_ack_say_in_their_blocks_changes_nothing() {
    let pair = Pair::new(node(A), node(B));
    let (outcome, said) = pair.record();
    let Challenged::Version2 { exporter, transcript } = Challenged::by(EXPORTER, &said[0], &said[1]) else {
        panic!()
    };
    // Another version, another start, and bounds that no session can have.
    let other = Says { versions: Some(&[7]), incarnation: Some(1), frame_bytes: 0, ..Says::well(A) }.block();
    let extension = other.as_extension();

    let ours = super::challenge([7; 24]);
    let write = |proof: &[u8; 32]| {
        encode(Reply { digest: &[0; 32], challenge: &ours, proof: Some(Proof { extension, proof }) })
    };
    let unproven = write(&[0; 32]);
    let proof = cookie(COOKIE).proof(|absorb| proof::initiator(&exporter, &transcript, &unproven, absorb));
    let (_, expect_reply) =
        acceptor::start(pair.acceptor.clone(), TLS).handle(&said[0], RANDOM_ACCEPTOR).unwrap();
    let established = expect_reply.handle(&write(&proof)).unwrap().accept().1;
    assert_eq!(Some(Ok(established)), outcome.acceptor);

    let (_, expect_challenge) = pair.initiate().unwrap();
    let (reply, expect_ack) = expect_challenge.handle(&said[1], RANDOM_INITIATOR).unwrap();
    let hash = Sha256::digest(&reply).into();
    let write = |proof: &[u8; 32]| encode(Ack { digest: &[0; 32], proof: Some(Proof { extension, proof }) });
    let unproven = write(&[0; 32]);
    let proof =
        cookie(COOKIE).proof(|absorb| proof::acceptor(&exporter, &transcript, &hash, &unproven, absorb));
    assert_eq!(Some(expect_ack.handle(&write(&proof))), outcome.initiator);
}
