//! Somebody without the cookie who can read, change, hold back and repeat all that is said.

use super::*;
use snow_dist_codec::handshake::{Ack, Challenge, Name, Reply};
use snow_dist_codec::{Extension, ExtensionBuf};

fn pairs() -> [Pair; 2] {
    [Pair::new(node(A), node(B)), Pair::new(lenient(A), lenient(B))]
}

/// The message with another block in the place of its own, or with none.
fn with_block(payload: &[u8], block: Option<Extension<'_>>) -> Vec<u8> {
    match decode(payload) {
        Handshake::Name(name) => encode(Name { extension: block, ..name }),
        Handshake::Challenge(challenge) => encode(Challenge { extension: block, ..challenge }),
        other => panic!("{} has no block of its own", other.name()),
    }
}

fn block(payload: &[u8]) -> Extension<'_> {
    match decode(payload) {
        Handshake::Name(Name { extension: Some(block), .. })
        | Handshake::Challenge(Challenge { extension: Some(block), .. }) => block,
        other => panic!("{} has no block", other.name()),
    }
}

#[track_caller]
fn nobody_is_established(outcome: &Outcome) {
    assert!(!outcome.initiator_is_established() && !outcome.acceptor_is_established(), "{outcome:?}");
}

#[test]
fn taking_the_blocks_away() {
    for pair in pairs() {
        for taken in [&[0][..], &[1], &[2], &[0, 1], &[0, 1, 2], &[0, 1, 2, 3], &[1, 2, 3]] {
            nobody_is_established(&pair.run(|place, message| {
                let has_block = magic_at(&message).is_some();
                if taken.contains(&place) && has_block { stripped(&message) } else { message }
            }));
        }
    }
}

#[test]
fn clearing_the_blocks() {
    let empty = ExtensionBuf::default();
    let mut least = ExtensionBuf::default();
    least.push_versions(&[2]).unwrap();
    least.push_incarnation(NonZeroU64::MIN).unwrap();
    for pair in pairs() {
        for cleared in [&empty, &least] {
            for places in [&[0][..], &[1], &[0, 1]] {
                nobody_is_established(&pair.run(|place, message| {
                    let clear = places.contains(&place) && magic_at(&message).is_some();
                    if clear { with_block(&message, Some(cleared.as_extension())) } else { message }
                }));
            }
        }
    }
}

#[test]
fn swapping_the_blocks() {
    let (a, b) = (node(A), node(B));
    let pair = Pair::new(a, b);
    let messages = pair.record().1;
    nobody_is_established(&pair.run(|place, message| match place {
        0 => with_block(&message, Some(block(&messages[1]))),
        1 => with_block(&message, Some(block(&messages[0]))),
        _ => message,
    }));
    // Nor does the block of another handshake of the same node do.
    let mut restarted = node(A);
    restarted.bounds.links_and_monitors = 1;
    let other = Pair::new(restarted, node(B)).record().1;
    nobody_is_established(&pair.run(|place, message| {
        if place == 0 { with_block(&message, Some(block(&other[0]))) } else { message }
    }));
}

#[test]
fn giving_a_node_without_a_block_one() {
    // The initiator has none over TLS 1.2; who stands between speaks TLS 1.3 with the acceptor.
    let pair = Pair::new(lenient(A), lenient(B)).over([Channel::Tls12, TLS]);
    let added = node(A).block(B);
    let outcome =
        pair.run(
            |place, message| {
                if place == 0 { with_block(&message, Some(added.as_extension())) } else { message }
            },
        );
    nobody_is_established(&outcome);
    assert_eq!(*outcome.initiators_failure(), Failure::Tls);
}

#[test]
fn standing_between_two_tls_connections() {
    let pair = Pair::new(lenient(A), lenient(B)).over([TLS, Channel::Tls13 { exporter: [0xEF; 32] }]);
    let outcome = pair.record().0;
    nobody_is_established(&outcome);
    assert_eq!(*outcome.acceptors_failure(), Failure::Proof { message: "REPLY" });
}

/// D1 of version 1: a node that dials answers the challenge of its own acceptor.
#[test]
fn reflecting_a_challenge_to_the_node_that_made_it() {
    for local in [node(A), lenient(A)] {
        let pair = Pair::new(local.clone(), node(B));
        let (_, dial) = pair.initiate().unwrap();
        // The attacker comes in as B or as somebody else, and hands the challenge on under the name that was dialled:
        // with the block, with its own, or without any. Even one exporter for both does not help.
        for claims in [B, "x@h:1"] {
            let peer = node(claims);
            let name = Pair::new(peer, node("a@h:1")).initiate().unwrap().0;
            let (challenge, state) =
                acceptor::start(local.clone().into(), TLS).handle(&name, RANDOM_ACCEPTOR).unwrap();
            let Handshake::Challenge(reflected) = decode(&challenge) else { panic!("no CHALLENGE") };
            assert!(dial.clone().handle(&challenge, RANDOM_INITIATOR).is_err());
            for extension in [reflected.extension, None] {
                let as_dialled = encode(Challenge { name: B.into(), extension, ..reflected });
                let Ok((reply, waits)) = dial.clone().handle(&as_dialled, RANDOM_INITIATOR) else {
                    assert_eq!(extension, None);
                    continue;
                };
                let refusal = state.clone().handle(&reply).unwrap_err();
                assert_eq!(refusal.failure, Failure::Proof { message: "REPLY" });
                // Nor is the initiator's own proof an answer to it.
                let Handshake::Reply(reply) = decode(&reply) else { panic!("no REPLY") };
                let echo = encode(Ack { digest: reply.digest, proof: reply.proof });
                assert_eq!(waits.handle(&echo), Err(Failure::Proof { message: "ACK" }));
            }
        }
    }
}

/// The same in version 1, where both ends allow it: nothing of this node's is answered by this node.
#[test]
fn reflecting_in_version_1() {
    let local = lenient(A);
    let plain = encode(Name { name: B.into(), creation: 1, extension: None });
    let (challenge, _) = acceptor::start(local.clone().into(), TLS).handle(&plain, RANDOM_ACCEPTOR).unwrap();
    let Handshake::Challenge(reflected) = decode(&challenge) else { panic!("no CHALLENGE") };
    let (_, dial) = Pair::new(local.clone(), node(B)).initiate().unwrap();
    let as_dialled = encode(Challenge { name: B.into(), ..reflected });
    let failure = dial.clone().handle(&as_dialled, RANDOM_INITIATOR).unwrap_err();
    assert_eq!(failure, Failure::Stripped { message: "CHALLENGE" });

    // And the challenge of one dial, which would be answered by another.
    let theirs = encode(Challenge { name: B.into(), creation: 1, challenge: &[0x5A; 32], extension: None });
    let (reply, _) = dial.clone().handle(&theirs, RANDOM_INITIATOR).unwrap();
    let Handshake::Reply(Reply { challenge, .. }) = decode(&reply) else { panic!("no REPLY") };
    let asked_back = encode(Challenge { name: B.into(), creation: 1, challenge, extension: None });
    let failure = dial.handle(&asked_back, RANDOM_INITIATOR).unwrap_err();
    assert_eq!(failure, Failure::Stripped { message: "CHALLENGE" });
}

#[test]
fn repeating_what_was_said_before() {
    for pair in pairs() {
        let (_, said) = pair.record();
        let again = |exporter: [u8; 32], acceptors: [u8; 24], initiators: [u8; 24]| {
            let channel = Channel::Tls13 { exporter };
            let (challenge, state) =
                acceptor::start(pair.acceptor.clone(), channel).handle(&said[0], acceptors).unwrap();
            let reply_counts = state.handle(&said[2]).is_ok();
            let later = pair.clone().over([channel; 2]);
            let (_, dial) = later.initiate().unwrap();
            let (_, waits) = dial.handle(&said[1], initiators).unwrap();
            assert_ne!(challenge.len(), 0);
            (reply_counts, waits.handle(&said[3]).is_ok())
        };
        // Only with the same channel and the same random bytes: then it is the same handshake.
        let (channel, acceptors, initiators) = ([0xEE; 32], RANDOM_ACCEPTOR, RANDOM_INITIATOR);
        assert_eq!(again(channel, acceptors, initiators), (true, true));
        assert_eq!(again([0; 32], acceptors, initiators), (false, false));
        assert_eq!(again(channel, [0; 24], [0; 24]), (false, false));
    }
}

#[test]
fn mixing_two_handshakes() {
    let pair = Pair::new(node(A), node(B));
    let (_, mine) = pair.record();
    let elsewhere = [Channel::Tls13 { exporter: [0xEF; 32] }; 2];
    let (_, others) = Pair::new(node("c@h:1"), node(B)).over(elsewhere).record();
    for which in 1..15_u8 {
        let outcome =
            pair.run(|place, message| if which & 1 << place != 0 { others[place].clone() } else { message });
        let changed = (0..4).filter(|place| which & 1 << place != 0 && mine[*place] != others[*place]);
        match changed.min() {
            // The acceptor is done when it has sent ACK.
            Some(3) => assert!(!outcome.initiator_is_established(), "{which:04b}"),
            Some(_) => nobody_is_established(&outcome),
            None => assert!(outcome.initiator_is_established(), "{which:04b}"),
        }
    }
}

#[test]
fn taking_the_part_of_the_other_end() {
    let pair = Pair::new(node(A), node(B));
    let messages = pair.record().1;
    // Every message at every place where it is not due.
    for (place, due) in MESSAGES.iter().enumerate() {
        for (message, name) in messages.iter().zip(MESSAGES).filter(|(_, name)| name != due) {
            let outcome = pair.run(|at, sent| if at == place { message.clone() } else { sent });
            assert!(!outcome.initiator_is_established(), "{name} for {due}");
            assert_eq!(outcome.acceptor_is_established(), place == 3, "{name} for {due}");
        }
    }
}

#[test]
fn a_forged_reject_ends_a_dial_and_changes_nothing_else() {
    let pair = Pair::new(lenient(A), node(B));
    let forged = encode(Reject { code: Reject::VERSION, text: "speak version 1".into() });
    let outcome = pair.run(|place, message| if place == 1 { forged.clone() } else { message });
    assert!(matches!(outcome.initiators_failure(), Failure::Rejected { code: Reject::VERSION, .. }));
    //= spec/handshake.md#hs-crs-004
    //= type=test
    //# Over TLS 1.3 an initiator MUST send its NAME with an extension block, whether it allows version 1 or
    //# not.
    //= spec/handshake.md#hs-dwn-004
    //= type=test
    //# A node MUST NOT leave the extension block out of a NAME because an earlier handshake has failed.
    // The next dial offers version 2 as the first did.
    assert!(magic_at(&pair.initiate().unwrap().0).is_some());
}
