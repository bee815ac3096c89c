//! Handshakes that go well, and what they tell each end.

use super::*;
use crate::core::limits;
use snow_dist_codec::handshake::Capabilities;

//= spec/handshake.md#hs-ver-003
//= type=test
//# A node MUST NOT use a capability in a session unless it stands in both blocks.
#[test]
fn two_nodes_learn_of_each_other() {
    let mut a = node(A);
    a.capabilities = Capabilities::FRAGMENTS.union(Capabilities::REMOTE_EXIT);
    a.bounds.links_and_monitors = 7;
    let mut b = node(B);
    b.capabilities = Capabilities::FRAGMENTS.union(Capabilities::NODE_TABLE);
    b.bounds = Bounds {
        frame_bytes: 1 << 20,
        reassembly_bytes: 2,
        fragmented_messages: 3,
        node_table_entries: 4,
        links_and_monitors: 5,
    };
    let outcome = Pair::new(a.clone(), b.clone()).record().0;
    let seen_of = |local: &Local| Established {
        peer: Peer {
            name: local.name().clone(),
            creation: local.creation(),
            incarnation: Some(local.incarnation()),
            version: 2,
            bounds: local.bounds,
            capabilities: Capabilities::FRAGMENTS,
        },
        cookie: 0,
    };
    assert_eq!(outcome, Outcome { initiator: Some(Ok(seen_of(&b))), acceptor: Some(Ok(seen_of(&a))) });
}

//= spec/capabilities.md#cap-rxt-009
//= type=test
//# A node whose operator does not let a peer send exit signals MUST NOT announce `remote_exit` to a node of
//# that name.
#[test]
fn a_peer_that_is_not_let_send_exit_signals_is_not_told_that_it_could() {
    let announced = |bytes: &[u8]| match decode(bytes) {
        Handshake::Name(name) => name.extension.unwrap().capabilities(),
        Handshake::Challenge(challenge) => challenge.extension.unwrap().capabilities(),
        other => panic!("{other:?}"),
    };
    let all = Capabilities::FRAGMENTS.union(Capabilities::REMOTE_EXIT);
    let [mut a, mut b] = [A, B].map(node);
    (a.capabilities, b.capabilities) = (all, all);
    for (allowed, is_let) in [
        (Allowed::Everyone, true),
        (Allowed::only([B]).unwrap(), true),
        (Allowed::only(["c@127.0.0.1:9003"]).unwrap(), false),
        (Allowed::except([B]).unwrap(), false),
    ] {
        let mut careful = a.clone();
        careful.remote_exit = allowed;
        let expected = if is_let { all } else { Capabilities::FRAGMENTS };
        // The careful node dials, and is dialled.
        let (outcome, said) = Pair::new(careful.clone(), b.clone()).record();
        assert_eq!((announced(&said[0]), announced(&said[1])), (expected, all));
        assert_eq!(outcome.acceptor.unwrap().unwrap().peer.capabilities, expected);
        let (outcome, said) = Pair::new(b.clone(), careful).record();
        assert_eq!((announced(&said[0]), announced(&said[1])), (all, expected));
        assert_eq!(outcome.initiator.unwrap().unwrap().peer.capabilities, expected);
    }
}

//= spec/handshake.md#hs-cre-001
//= type=test
//# A node of version 2 MUST write 1 + (incarnation mod 255) into `creation`.
#[test]
fn a_creation_is_1_to_255_by_the_incarnation() {
    for (incarnation, creation) in [(1, 2), (254, 255), (255, 1), (256, 2), (u64::MAX, 1)] {
        let name = NodeName::parse(A).unwrap();
        let local = Local::new(name, NonZeroU64::new(incarnation).unwrap(), cookie(COOKIE).into());
        assert_eq!(local.creation(), creation, "{incarnation}");
    }
}

#[test]
fn a_name_without_its_port_is_completed() {
    let (outcome, said) = Pair::new(node("a@host"), node("b@host")).record();
    assert_eq!(&*outcome.acceptor.unwrap().unwrap().peer.name, "a@host:9000");
    //= spec/handshake.md#hs-nam-002
    //= type=test
    //# A node MUST write its name with its port into NAME and CHALLENGE.
    let (Handshake::Name(name), Handshake::Challenge(challenge)) = (decode(&said[0]), decode(&said[1]))
    else {
        panic!()
    };
    assert_eq!((name.name, challenge.name), ("a@host:9000".into(), "b@host:9000".into()));
    //= spec/handshake.md#hs-nam-003
    //= type=test
    //# A node MUST take a node name without port in NAME or CHALLENGE for that name with `:9000`.
    // So is one that the peer has not completed, though it must.
    let pair = Pair::new(node(A), node("b@host"));
    let (_, expect_challenge) = pair.initiate().unwrap();
    let (_, messages) = pair.record();
    let Handshake::Challenge(mut challenge) = decode(&messages[1]) else { panic!() };
    challenge.name = "b@host".into();
    assert!(expect_challenge.handle(&encode(challenge), RANDOM_INITIATOR).is_ok());
}

//= spec/handshake.md#hs-cky-002
//= type=test
//# An initiator MUST use the first of its cookies in the whole handshake.
//= spec/handshake.md#hs-cky-003
//= type=test
//# An acceptor MUST accept a digest or proof in REPLY that was computed with any of its cookies.
#[test]
fn a_cookie_is_replaced_step_by_step() {
    let (old, new) = (cookie(b"the old cookie"), cookie(b"the new cookie"));
    let steps: [Cookies; 4] = [
        old.clone().into(),
        Cookies::from(old.clone()).accepting(new.clone()),
        Cookies::from(new.clone()).accepting(old),
        new.into(),
    ];
    for (at, one) in steps.iter().enumerate() {
        for (other_at, other) in steps.iter().enumerate() {
            let outcome = Pair::new(with_cookies(A, one.clone()), with_cookies(B, other.clone())).record().0;
            // Neighbours in time go together, in both directions.
            if at.abs_diff(other_at) <= 1 {
                assert!(outcome.initiator_is_established(), "{at} dials {other_at}");
                let signs = one.first();
                let place = other.iter().position(|cookie| cookie == signs);
                assert_eq!(Some(outcome.acceptor.unwrap().unwrap().cookie), place);
            }
        }
    }
    let outcome = Pair::new(with_cookies(A, steps[0].clone()), with_cookies(B, steps[3].clone())).record().0;
    assert_eq!(*outcome.acceptors_failure(), Failure::Proof { message: "REPLY" });
}

//= spec/handshake.md#hs-cky-004
//= type=test
//# An acceptor MUST compute the digest or proof of ACK with the cookie of REPLY.
#[test]
fn an_acceptor_answers_with_the_cookie_that_it_found() {
    let (mine, theirs) = (cookie(b"first here"), cookie(b"first there"));
    // The initiator counts both, but the answer to its own cookie is the only one it takes.
    let initiator = with_cookies(A, Cookies::from(theirs.clone()).accepting(mine.clone()));
    let acceptor = with_cookies(B, Cookies::from(mine.clone()).accepting(theirs));
    let pair = Pair::new(initiator, acceptor);
    let mut answered_by_first = Vec::new();
    let outcome = pair.run(|place, message| {
        if place == 2 {
            let (_, replied) = judged_reply(&pair, &message);
            answered_by_first = replied.ack(&mine);
        }
        if place == 3 { answered_by_first.clone() } else { message }
    });
    assert_eq!(*outcome.initiators_failure(), Failure::Proof { message: "ACK" });
    assert_eq!(outcome.acceptor.unwrap().unwrap().cookie, 1);
    assert!(pair.record().0.initiator_is_established());
}

/// What the acceptor makes of a REPLY, by the messages that come before it.
fn judged_reply(pair: &Pair, reply: &[u8]) -> (usize, super::super::proof::Replied) {
    let messages = pair.record().1;
    let challenged = super::super::proof::Challenged::by([0xEE; 32], &messages[0], &messages[1]);
    let Handshake::Reply(message) = decode(reply) else { panic!("no REPLY") };
    let (place, _, replied) = challenged.judge(pair.acceptor.cookies(), reply, &message).unwrap();
    (place, replied)
}

#[test]
fn who_is_verified_can_still_be_refused() {
    let pair = Pair::new(node(A), node(B));
    let (name, expect_challenge) = pair.initiate().unwrap();
    let expect_name = acceptor::start(pair.acceptor.clone(), TLS);
    let (challenge, expect_reply) = expect_name.handle(&name, RANDOM_ACCEPTOR).unwrap();
    assert_eq!(&*expect_reply.claimed().name, A);
    let (reply, expect_ack) = expect_challenge.handle(&challenge, RANDOM_INITIATOR).unwrap();
    let verified = expect_reply.handle(&reply).unwrap();
    assert_eq!(&*verified.peer().name, A);
    let long = format!("{}\u{e9}", "x".repeat(254));
    let reject = verified.refuse(Reject::DUPLICATE, &long).unwrap();
    assert_eq!(rejection(&reject), (Reject::DUPLICATE, "x".repeat(254)));
    let failure = expect_ack.handle(&reject).unwrap_err();
    assert!(failure.to_string().starts_with("the peer refuses the connection: duplicate (5), \"xxx"));
}

//= spec/handshake.md#hs-rej-008
//= type=test
//# A node MUST escape control characters in the text of a REJECT when it shows it.
#[test]
fn what_a_peer_says_is_escaped() {
    let pair = Pair::new(node(A), node(B));
    let (_, expect_challenge) = pair.initiate().unwrap();
    let reject = encode(Reject { code: 77, text: "\u{1b}[31m\n\u{202e}".into() });
    let shown = expect_challenge.handle(&reject, RANDOM_INITIATOR).unwrap_err().to_string();
    assert_eq!(shown, r#"the peer refuses the connection: code 77, "\u{1b}[31m\n\u{202e}""#);
}

//= spec/connection.md#con-sec-001
//= type=test
//# A node MUST NOT write a cookie, or a key made of it, into a log.
#[test]
fn no_state_shows_its_cookie() {
    let pair = Pair::new(node(A), node(B));
    let expect_name = acceptor::start(pair.acceptor.clone(), TLS);
    let (name, expect_challenge) = pair.initiate().unwrap();
    let mut shown = format!("{expect_challenge:?} {expect_name:?}");
    let (challenge, expect_reply) = expect_name.handle(&name, RANDOM_ACCEPTOR).unwrap();
    let (reply, expect_ack) = expect_challenge.handle(&challenge, RANDOM_INITIATOR).unwrap();
    shown += &format!("{expect_reply:?} {expect_ack:?}");
    let verified = expect_reply.handle(&reply).unwrap();
    shown += &format!("{verified:?} {:#?}", pair.acceptor.cookies());
    assert!(shown.contains("Cookie(..)"));
    let bytes = format!("{COOKIE:?}");
    assert!(!shown.contains("correct-horse") && !shown.contains(bytes.trim_matches(['[', ']'])));
}

#[test]
fn states_compare_by_all_that_they_hold() {
    let pair = Pair::new(node(A), node(B));
    let other_cookie = Pair::new(with_cookies(A, cookie(b"another cookie").into()), node(B));
    let (same, again) = (pair.initiate().unwrap().1, pair.initiate().unwrap().1);
    assert_eq!(same, again);
    assert_ne!(same, other_cookie.initiate().unwrap().1);
    let answer =
        |random| acceptor::start(pair.acceptor.clone(), TLS).handle(&pair.initiate().unwrap().0, random);
    assert_eq!(answer([1; 24]), answer([1; 24]));
    assert_ne!(answer([1; 24]), answer([2; 24]));
}

//= spec/handshake.md#hs-cky-001
//= type=test
//# A node MUST refuse to use a cookie that is empty or holds a zero byte.
#[test]
fn cookies_that_are_none() {
    for (bytes, error) in [
        (&b""[..], CookieError::Empty),
        (b"\n", CookieError::Empty),
        (b"\r\n", CookieError::Empty),
        (b"\0", CookieError::Nul),
        (b"a\0", CookieError::Nul),
        (b"\0a", CookieError::Nul),
    ] {
        assert_eq!(Cookie::from_file_content(bytes), Err(error), "{bytes:?}");
    }
}

//= spec/handshake.md#hs-cky-005
//= type=test
//# A node that takes its cookie from a file MUST leave out one line end (LF, CR, or CR LF) at the file's end.
#[test]
fn one_line_end_of_a_file_is_no_part_of_the_cookie() {
    for content in [&b"a cookie"[..], b"a cookie\n", b"a cookie\r", b"a cookie\r\n"] {
        assert_eq!(Cookie::from_file_content(content).unwrap(), cookie(b"a cookie"), "{content:?}");
    }
    for content in [&b"a cookie\n\n"[..], b"a cookie\n\r", b"\na cookie", b"a cookie "] {
        assert_ne!(Cookie::from_file_content(content).unwrap(), cookie(b"a cookie"), "{content:?}");
    }
    // Elsewhere all bytes count.
    assert_ne!(cookie(b"a cookie\n"), cookie(b"a cookie"));
}

//= spec/handshake.md#hs-cky-006
//= type=test
//# A node SHOULD warn its operator of a cookie with fewer than 16 bytes.
#[test]
fn a_short_cookie_is_known_as_one() {
    assert!(cookie(&[b'x'; 15]).is_short());
    assert!(!cookie(&[b'x'; 16]).is_short());
}

#[test]
fn limits_are_those_of_the_registry() {
    let registry = include_str!("../../../../tests/spec/registry.toml");
    for (name, value) in [
        ("frame_bytes_bound_min", u64::from(limits::FRAME_BYTES_BOUND_MIN)),
        ("reassembly_bytes_max", limits::REASSEMBLY_BYTES_MAX),
        ("fragmented_messages_max", limits::FRAGMENTED_MESSAGES_MAX.into()),
        ("node_table_entries_max", limits::NODE_TABLE_ENTRIES_MAX.into()),
        ("links_and_monitors_max", limits::LINKS_AND_MONITORS_MAX.into()),
        ("cookie_bytes_advised", limits::COOKIE_BYTES_ADVISED as u64),
    ] {
        let stated = registry.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_prefix("= "));
        assert_eq!(stated.unwrap().replace('_', ""), value.to_string(), "{name}");
    }
}
