//! D1 of version 1: a node that dials an attacker is made to answer its own acceptor.

use snow_dist_codec::handshake::{Ack, Challenge, Reject};
use snow_dist_codec::{Handshake, Reading};
use snow_dist_runtime::ConnectError;
use snow_dist_runtime::core::handshake::Failure;
use snow_dist_tests::program::within;
use snow_dist_tests::raw_peer::{Listener, RawNode, Wire, address, by_hand, connect};

use super::Friends;

/// What the attacker says it is, when it comes in itself.
#[derive(Clone, Copy)]
enum As {
    /// The node that was dialled.
    Dialled,
    /// The node itself, in its own words.
    Itself,
    /// Somebody else.
    Another,
}

async fn handshake(wire: &mut Wire) -> Vec<u8> {
    wire.hear().await.payload()
}

#[tokio::test]
async fn a_node_does_not_answer_itself() {
    let friends = Friends::new().await;
    let node = &friends.node;
    for claim in [As::Dialled, As::Itself, As::Another] {
        let listener = Listener::bind().await;
        let name = listener.name("b");
        let dial = tokio::spawn({
            let (node, name) = (node.clone(), name.clone());
            async move { node.connect(&name).await }
        });
        let mut dialled = listener.accept().await;
        let hello = handshake(&mut dialled).await;

        let mut own = connect(address(node.name())).await;
        let said = match claim {
            As::Dialled => RawNode::with_cookie(&name, 1, "guessed").hello(&own),
            As::Itself => hello,
            As::Another => RawNode::with_cookie("x@h:1", 1, "guessed").hello(&own),
        };
        own.say(&said).await;
        let challenge = handshake(&mut own).await;
        // The node's challenge, under the name that it dialled.
        let Ok(Handshake::Challenge(reflected)) = Handshake::decode(&challenge, Reading::Strict) else {
            panic!("no CHALLENGE")
        };
        dialled.say(&by_hand::payload(Challenge { name: name.as_str().into(), ..reflected })).await;
        let reply = handshake(&mut dialled).await;
        own.say(&reply).await;
        let rejected = handshake(&mut own).await;
        let Ok(Handshake::Reject(reject)) = Handshake::decode(&rejected, Reading::Strict) else {
            panic!("{rejected:?}")
        };
        assert_eq!(reject.code, Reject::REFUSED);
        // Nor is the node's own proof an answer to it.
        let Ok(Handshake::Reply(reply)) = Handshake::decode(&reply, Reading::Strict) else {
            panic!("no REPLY")
        };
        dialled.say(&by_hand::payload(Ack { digest: reply.digest, proof: reply.proof })).await;
        let refused = within("a refusal", dial).await.unwrap().unwrap_err();
        let wrong = ConnectError::Handshake(Failure::Proof { message: "ACK" });
        assert_eq!(refused.to_string(), wrong.to_string());
        friends.assert_undisturbed().await;
    }
}

#[tokio::test]
async fn what_was_said_before_opens_nothing() {
    // A handshake that succeeded, said again word by word on another connection.
    let friends = Friends::new().await;
    let node = &friends.node;
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut first = connect(address(node.name())).await;
    let name = peer.hello(&first);
    first.say(&name).await;
    let challenge = handshake(&mut first).await;
    let cookie = snow_dist_tests::program::COOKIE;
    let reply = by_hand::reply(cookie, &first.exporter(), &name, &challenge);
    first.say(&reply).await;
    let ack = handshake(&mut first).await;
    assert_eq!(ack[0], 4);
    drop(first);
    snow_dist_tests::program::until("the end", || node.nodes().len() == 1).await;

    let mut again = connect(address(node.name())).await;
    again.say(&name).await;
    handshake(&mut again).await;
    again.say(&reply).await;
    assert_eq!(handshake(&mut again).await[0], 5, "REJECT");
    friends.assert_undisturbed().await;
}
