//! Who says it is somebody, and cannot show it.

use snow_dist_codec::handshake::{Challenge, Name, Reject, Reply};
use snow_dist_codec::{Handshake, Reading};
use snow_dist_runtime::ConnectError;
use snow_dist_runtime::core::handshake::Failure;
use snow_dist_tests::program::{COOKIE, node, within};
use snow_dist_tests::raw_peer::{
    Listener, RawNode, Wire, address, by_hand, connect, connect_from, connect_tls12,
};

use super::Friends;

fn rejection(payload: &[u8]) -> u16 {
    match Handshake::decode(payload, Reading::Strict) {
        Ok(Handshake::Reject(reject)) => reject.code,
        other => panic!("no REJECT: {other:?}"),
    }
}

//= spec/handshake.md#hs-prf-006
//# A node MUST end a handshake in which the digest of version 1 or the proof of version 2 is not the one that
//# it computes.
#[tokio::test]
async fn a_wrong_cookie_is_refused_in_both_roles() {
    let friends = Friends::new().await;
    let wrong = RawNode::with_cookie("raw@127.0.0.1:1", 7, "a cookie of thirty-two letters.?");
    assert_eq!(wrong.dial(friends.node.name()).await.err().unwrap().code(), Reject::REFUSED);

    let listener = Listener::bind().await;
    let name = listener.name("raw");
    let dial = tokio::spawn({
        let (node, name) = (friends.node.clone(), name.clone());
        async move { node.connect(&name).await }
    });
    let mut wire = listener.accept().await;
    let hello = wire.hear().await.payload();
    let wrong = RawNode::with_cookie(&name, 7, "another");
    let start = snow_dist_runtime::core::handshake::acceptor::start(wrong.local.into(), wire.channel());
    let (challenge, expect_reply) = start.handle(&hello, [1; 24]).unwrap();
    wire.say(&challenge).await;
    let reply = wire.hear().await.payload();
    assert!(expect_reply.handle(&reply).is_err());
    // It says yes all the same.
    let block = snow_dist_codec::ExtensionBuf::default();
    let proof = snow_dist_codec::handshake::Proof { extension: block.as_extension(), proof: &[0; 32] };
    wire.say(&by_hand::payload(snow_dist_codec::handshake::Ack { digest: &[0; 32], proof: Some(proof) }))
        .await;
    let refused = within("a refusal", dial).await.unwrap().unwrap_err();
    assert!(matches!(refused, ConnectError::Handshake(Failure::Proof { message: "ACK" })), "{refused}");
    friends.assert_undisturbed().await;
}

//= spec/connection.md#con-elc-002
//# A node MUST NOT end, probe or delay a session or a dial because of a connection that is not verified.
#[tokio::test]
async fn a_name_that_is_only_claimed_disturbs_no_session_of_that_name() {
    let a = node("a").await;
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut session = peer.join(a.name()).await;
    for incarnation in [7, 8] {
        let thief = RawNode::with_cookie(peer.name(), incarnation, "guessed");
        assert_eq!(thief.dial(a.name()).await.err().unwrap().code(), Reject::REFUSED);
        // And one that stops before it would have to show anything.
        let mut wire = connect(address(a.name())).await;
        let hello = thief.hello(&wire);
        wire.say(&hello).await;
        assert_eq!(wire.hear().await.payload()[0], 2, "CHALLENGE");
        // The session is not even asked whether it lives.
        assert_eq!(session.fence().await, []);
    }
    assert_eq!(a.nodes().len(), 1);
}

//= spec/handshake.md#hs-rej-005
//# Before it has verified REPLY an acceptor MUST NOT send a REJECT with another code than 1, 2, 3 or 4.
#[tokio::test]
async fn what_a_name_is_refused_for_is_told_only_to_who_knows_the_cookie() {
    let a = node("a").await;
    let twin = RawNode::with_cookie(a.name(), 7, "guessed");
    let mut wire = connect(address(a.name())).await;
    let name = twin.hello(&wire);
    wire.say(&name).await;
    let challenge = wire.hear().await.payload();
    wire.say(&by_hand::reply("guessed", &wire.exporter(), &name, &challenge)).await;
    assert_eq!(rejection(&wire.hear().await.payload()), Reject::REFUSED);
    // With the cookie it is.
    let mut wire = connect(address(a.name())).await;
    wire.say(&name).await;
    let challenge = wire.hear().await.payload();
    wire.say(&by_hand::reply(COOKIE, &wire.exporter(), &name, &challenge)).await;
    assert_eq!(rejection(&wire.hear().await.payload()), Reject::NAME);
}

//= spec/handshake.md#hs-von-003
//# An acceptor that does not allow version 1 MUST NOT answer a NAME without extension block by a CHALLENGE.
#[tokio::test]
async fn version_1_is_not_answered() {
    let friends = Friends::new().await;
    for name in ["v1@127.0.0.1:1", friends.friend.name()] {
        let mut wire = connect(address(friends.node.name())).await;
        wire.say(&by_hand::payload(Name { name: name.into(), creation: 1, extension: None })).await;
        assert!(wire.hear().await.is_end(), "no CHALLENGE");
    }
    // A version 1 REPLY in a handshake of version 2, and with the right cookie.
    let mut wire = connect(address(friends.node.name())).await;
    let name = RawNode::new("raw@127.0.0.1:1", 7).hello(&wire);
    wire.say(&name).await;
    let answer = wire.hear().await.payload();
    let Ok(Handshake::Challenge(Challenge { challenge, .. })) = Handshake::decode(&answer, Reading::Strict)
    else {
        panic!("no CHALLENGE")
    };
    let digest = by_hand::digest(COOKIE, challenge);
    wire.say(&by_hand::payload(Reply { digest: &digest, challenge: &[1; 32], proof: None })).await;
    assert_eq!(rejection(&wire.hear().await.payload()), Reject::MALFORMED);
    friends.assert_undisturbed().await;
}

//= spec/handshake.md#hs-von-002
//# An initiator that does not allow version 1 MUST NOT answer a CHALLENGE without extension block.
//= spec/handshake.md#hs-rej-003
//# An initiator MUST NOT send REJECT.
#[tokio::test]
async fn a_version_1_acceptor_gets_no_digest() {
    let friends = Friends::new().await;
    let listener = Listener::bind().await;
    let name = listener.name("v1");
    let dial = tokio::spawn({
        let (node, name) = (friends.node.clone(), name.clone());
        async move { node.connect(&name).await }
    });
    let mut wire = listener.accept().await;
    assert_eq!(wire.hear().await.payload()[0], 1, "NAME");
    let challenge =
        Challenge { name: name.as_str().into(), creation: 1, challenge: &[0x5A; 32], extension: None };
    wire.say(&by_hand::payload(challenge)).await;
    assert!(wire.hear().await.is_end(), "no REPLY: it would open version 1 nodes");
    let refused = within("a refusal", dial).await.unwrap().unwrap_err();
    assert!(matches!(refused, ConnectError::Handshake(Failure::Version1)), "{refused}");
    friends.assert_undisturbed().await;
}

#[tokio::test]
async fn tls_1_2_is_refused() {
    let friends = Friends::new().await;
    assert!(connect_tls12(address(friends.node.name())).await.is_err());
    friends.assert_undisturbed().await;
}

/// Says something instead of NAME, and reads to the end.
async fn say_first(node: &snow_dist_runtime::Node, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut wire: Wire = connect(address(node.name())).await;
    wire.write(bytes).await;
    wire.hear_all().await.0
}

//= spec/handshake.md#hs-crs-002
//# A node MUST close the connection when its course ends the handshake.
//= spec/handshake.md#hs-rej-004
//# An acceptor MUST NOT send REJECT to a peer that has not sent the magic of an extension block.
#[tokio::test]
async fn what_is_no_name_ends_the_connection() {
    let friends = Friends::new().await;
    let node = &friends.node;
    for bytes in [
        &b"\0\0\0\0"[..],          // nothing
        b"\x09\0\0\0\xF012345678", // a frame of a session
        b"\x01\x10\0\0",           // a message over 4 096 bytes
        b"\xFF\xFF\xFF\xFF",
        b"\x01\0\0\0\x01",
        b"\x04\0\0\0\x01\xFF\xFFx",
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        assert_eq!(say_first(node, bytes).await, Vec::<Vec<u8>>::new(), "{bytes:?}");
    }
    friends.assert_undisturbed().await;
}

//= spec/handshake.md#hs-rej-006
//# An acceptor SHOULD send REJECT with the code of its course before it closes the connection.
#[tokio::test]
async fn names_with_control_characters_are_refused() {
    let friends = Friends::new().await;
    for control in [0, 7, b'\n', 0x1B, 0x7F] {
        let mut wire = connect(address(friends.node.name())).await;
        let mut name = RawNode::new("raw@127.0.0.1:1", 7).hello(&wire);
        assert_eq!(name[4], b'a');
        name[4] = control;
        wire.say(&name).await;
        assert_eq!(rejection(&wire.hear().await.payload()), Reject::MALFORMED);
        assert!(wire.hear().await.is_end());
    }
    friends.assert_undisturbed().await;
}

//= spec/handshake.md#hs-bnd-001
//# A node MUST end a handshake with a peer whose frame_bytes_max is below 65 536.
#[tokio::test]
async fn bounds_with_which_no_session_works_are_refused_after_the_proof() {
    let friends = Friends::new().await;
    let mut small = RawNode::new("raw@127.0.0.1:1", 7);
    small.local.bounds.frame_bytes = (64 << 10) - 1;
    assert_eq!(small.dial(friends.node.name()).await.err().unwrap().code(), Reject::BOUNDS);
    friends.assert_undisturbed().await;
}

#[tokio::test]
async fn the_address_says_nothing_about_who_comes() {
    let a = node("a").await;
    let wire = connect_from([127, 0, 0, 77].into(), address(a.name())).await.unwrap();
    let session = RawNode::new("raw@127.0.0.1:1", 7).initiate(wire, a.name()).await.unwrap();
    assert_eq!(a.nodes().len(), 1);
    drop(session);
}
