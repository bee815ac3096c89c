//! Messages that are damaged on the way: no end takes one for what it is not.

use super::*;
use proptest::prelude::*;

/// Both ends refuse version 1, or either of them, or both, allow it.
fn pairs() -> [Pair; 4] {
    [
        Pair::new(node(A), node(B)),
        Pair::new(lenient(A), node(B)),
        Pair::new(node(A), lenient(B)),
        Pair::new(lenient(A), lenient(B)),
    ]
}

/// Runs a handshake in which one message is another one when it arrives. Who reads it must not be established, and
/// who would have to read what comes after it must not be either.
#[track_caller]
fn must_fail(pair: &Pair, place: usize, arrives: &[u8]) -> Outcome {
    let outcome = pair.run(|at, message| if at == place { arrives.to_vec() } else { message });
    assert!(!outcome.initiator_is_established(), "{} {arrives:02X?}", MESSAGES[place]);
    // The acceptor is done when it has sent ACK.
    assert_eq!(outcome.acceptor_is_established(), place == 3, "{} {arrives:02X?}", MESSAGES[place]);
    outcome
}

#[test]
fn every_cut_of_every_message() {
    for pair in pairs() {
        for (place, message) in pair.record().1.iter().enumerate() {
            for end in 0..message.len() {
                must_fail(&pair, place, &message[..end]);
            }
        }
    }
}

#[test]
fn every_bit_of_every_message() {
    for pair in pairs() {
        for (place, message) in pair.record().1.iter().enumerate() {
            for bit in 0..message.len() * 8 {
                let mut damaged = message.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                must_fail(&pair, place, &damaged);
            }
        }
    }
}

#[test]
fn every_byte_added_to_every_message() {
    for pair in pairs() {
        for (place, message) in pair.record().1.iter().enumerate() {
            for at in 0..=message.len() {
                let mut longer = message.clone();
                // Unlike its neighbour, so that it is not the same message.
                longer.insert(at, message.get(at).map_or(0, |byte| byte ^ 0x55));
                must_fail(&pair, place, &longer);
            }
        }
    }
}

#[test]
fn the_fields_of_version_1_are_under_the_proofs() {
    let pair = Pair::new(node(A), node(B));
    let messages = pair.record().1;
    let changed = |place: usize, at: usize| {
        let mut message = messages[place].clone();
        message[at] ^= 1;
        must_fail(&pair, place, &message)
    };
    let wrong = Failure::Proof { message: "REPLY" };
    // The name, from byte 3 on, and the creation behind it.
    for at in 3..=3 + A.len() {
        assert_eq!(*changed(0, at).acceptors_failure(), wrong);
    }
    // Of CHALLENGE the creation and the random part of the challenge; another name is not the one that was dialled.
    for at in 3 + B.len()..=3 + B.len() + 24 {
        assert_eq!(*changed(1, at).acceptors_failure(), wrong);
    }
    assert!(matches!(changed(1, 3).initiators_failure(), Failure::Answered { .. }));
    // Of REPLY the random part of the challenge.
    for at in 33..33 + 24 {
        assert_eq!(*changed(2, at).acceptors_failure(), wrong);
    }
}

#[test]
fn who_is_refused_is_told_why() {
    let pair = Pair::new(with_cookies(A, cookie(b"another cookie").into()), node(B));
    let outcome = pair.record().0;
    assert_eq!(*outcome.acceptors_failure(), Failure::Proof { message: "REPLY" });
    let Failure::Rejected { code, text } = outcome.initiators_failure() else { panic!("not told") };
    assert_eq!(*code, Reject::REFUSED);
    assert!(text.contains("different cookies"));
}

/// A piece of a message, replaced.
fn edits() -> impl Strategy<Value = (usize, prop::sample::Index, usize, Vec<u8>)> {
    (0..4_usize, any::<prop::sample::Index>(), 0..40_usize, prop::collection::vec(any::<u8>(), 0..40))
}

proptest! {
    #[test]
    fn any_piece_replaced((place, at, taken, put) in edits(), of in 0..4_usize) {
        let pair = &pairs()[of];
        let message = &pair.record().1[place];
        let from = at.index(message.len() + 1);
        let to = message.len().min(from + taken);
        let arrives = [&message[..from], &put, &message[to..]].concat();
        prop_assume!(arrives != *message);
        must_fail(pair, place, &arrives);
    }

    #[test]
    fn any_bytes(place in 0..4_usize, arrives in prop::collection::vec(any::<u8>(), 0..300), of in 0..4_usize) {
        must_fail(&pairs()[of], place, &arrives);
    }

    #[test]
    fn any_bytes_behind_a_right_tag(
        place in 0..4_u8,
        rest in prop::collection::vec(any::<u8>(), 0..300),
        of in 0..4_usize,
    ) {
        let arrives = [&[place + 1], &rest[..]].concat();
        must_fail(&pairs()[of], place.into(), &arrives);
    }
}
