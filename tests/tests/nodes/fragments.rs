//! Long messages in pieces, over TLS: between nodes that have the capability and nodes that lack it.

use snow_dist_codec::frame::{Exit, Fragment, Link, Send};
use snow_dist_codec::{Frame, Root};
use snow_dist_runtime::{Capabilities, Node, NodeBuilder, Refused, SendError};
use snow_dist_tests::program::{
    begin, connect, connected, idle, message, node, run, seen_from, start, text, within,
};
use snow_dist_tests::raw_peer::{RawNode, RawSession};
use tokio::sync::oneshot;

const PROTOCOL_ERROR: u16 = 1;
const PEER: &str = "raw@127.0.0.1:1";

/// Bytes of a SEND before its message.
const HEAD_BYTES: usize = 9;

fn capable() -> RawNode {
    let mut peer = RawNode::new(PEER, 7);
    peer.local.capabilities = Capabilities::FRAGMENTS;
    peer
}

fn lacking(name: &str) -> NodeBuilder {
    Node::builder(format!("{name}@127.0.0.1:0")).capabilities(Capabilities::NONE)
}

/// The frames up to the last piece of one message, and that message's frame.
async fn reassembled(session: &mut RawSession) -> (Vec<&'static str>, Vec<u8>) {
    let (mut names, mut whole) = (Vec::new(), Vec::new());
    loop {
        let next = session.next().await;
        names.push(next.frame().name());
        if let Frame::Fragment(piece) = next.frame() {
            whole.extend_from_slice(piece.payload);
            if piece.last {
                return (names, whole);
            }
        }
    }
}

//= spec/capabilities.md#cap-frg-010
//# A node MUST NOT send a frame in fragments that is longer than `fragmented_frame_bytes_max`.
#[tokio::test]
async fn a_message_of_64_mib_goes_from_node_to_node_and_no_longer_one() {
    let (a, b) = connected().await;
    let (to, got) = begin(&b, async |mut ctx| {
        let message = message(&mut ctx).await;
        let bytes = message.as_bytes();
        (bytes.len(), bytes.iter().zip((0..=250).cycle()).all(|(byte, expected)| *byte == expected))
    });
    let to = seen_from(&a, &b, to);
    let longest = (64 << 20) - HEAD_BYTES;
    let mut bytes: Vec<u8> = (0..=250).cycle().take(longest + 1).collect();
    let refused = a.send(to, bytes.clone()).await.unwrap_err();
    let SendError::Refused(Refused::TooLong { length_max, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(length_max, 64 << 20);
    bytes.pop();
    a.send(to, bytes).await.unwrap();
    assert_eq!(within("the message", got).await.unwrap(), (longest, true));
}

//= spec/handshake.md#hs-ver-003
//# A node MUST NOT use a capability in a session unless it stands in both blocks.
#[tokio::test]
async fn a_long_message_reaches_every_node_in_pieces_or_whole() {
    let with = || Node::builder("with@127.0.0.1:0");
    let pairs: [(NodeBuilder, NodeBuilder); 4] = [
        (with(), Node::builder("other@127.0.0.1:0")),
        (with(), lacking("other")),
        (lacking("without"), Node::builder("other@127.0.0.1:0")),
        (lacking("without"), lacking("other")),
    ];
    for (one, other) in pairs {
        let (one, other) = (start(one).await, start(other).await);
        connect(&one, &other).await;
        for (from, to) in [(&one, &other), (&other, &one)] {
            let (at, got) = begin(to, async |mut ctx| message(&mut ctx).await.as_bytes().len());
            from.send(seen_from(from, to, at), vec![1; 1_000_000]).await.unwrap();
            assert_eq!(within("the message", got).await.unwrap(), 1_000_000);
        }
    }
    // And what goes over the wire.
    for (builder, peer, name) in [
        (with(), capable(), "FRAGMENT"),
        (with(), RawNode::new(PEER, 7), "SEND"),
        (lacking("without"), capable(), "SEND"),
        (lacking("without"), RawNode::new(PEER, 7), "SEND"),
    ] {
        let a = start(builder).await;
        let mut session = peer.join(a.name()).await;
        a.send(a.pid_on(PEER, 3).unwrap(), vec![1; 100_000]).await.unwrap();
        assert_eq!(session.next().await.frame().name(), name);
    }
}

//= spec/connection.md#con-err-001
//# A node MUST end a session in which it reads a frame of a capability that the session does not have.
#[tokio::test]
async fn a_fragment_in_a_session_without_them_ends_it() {
    for (builder, peer) in
        [(Node::builder("with@127.0.0.1:0"), RawNode::new(PEER, 7)), (lacking("without"), capable())]
    {
        let a = start(builder).await;
        let mut session = peer.join(a.name()).await;
        session.send(Fragment { number: 1, total: Some(100), last: false, payload: b"\x10" }).await;
        session.expect_close(PROTOCOL_ERROR).await;
    }
}

//= spec/capabilities.md#cap-frg-011
//# A node SHOULD write what waits of other processes between the pieces of a message.
#[tokio::test]
async fn signals_of_others_come_between_the_pieces() {
    let a = node("a").await;
    let mut session = capable().join(a.name()).await;
    let (linked, _) = begin(&a, idle);
    session.send(Link { from: session.mine(4), to: session.theirs(linked.local()) }).await;
    session.fence().await;
    let to = a.pid_on(PEER, 3).unwrap();
    // Far more than the connection takes while nobody reads.
    run(&a, async move |ctx| ctx.send(to, vec![7; 60 << 20]).await.unwrap()).await;
    a.kill(linked).unwrap();
    let (names, whole) = reassembled(&mut session).await;
    assert_eq!(whole.len(), (60 << 20) + HEAD_BYTES);
    let place = names.iter().position(|name| *name == "EXIT").unwrap();
    assert!(place < names.len() / 2, "{place} of {}", names.len());
}

//= spec/capabilities.md#cap-frg-008
//# A node MUST NOT write any other frame of a process between the first and the last FRAGMENT of its message.
#[tokio::test]
async fn the_end_of_a_process_follows_its_long_message() {
    let a = node("a").await;
    let mut session = capable().join(a.name()).await;
    let to = a.pid_on(PEER, 3).unwrap();
    let (go, goes) = oneshot::channel::<()>();
    let (local, _) = begin(&a, async move |ctx| {
        goes.await.unwrap();
        ctx.send(to, vec![7; 1 << 20]).await.unwrap();
    });
    let (mine, theirs) = (session.mine(3), session.theirs(local.local()));
    session.send(Link { from: mine, to: theirs }).await;
    assert_eq!(session.fence().await, []);
    go.send(()).unwrap();
    let (names, whole) = reassembled(&mut session).await;
    assert!(names.iter().all(|name| *name == "FRAGMENT"), "{names:?}");
    let mut sent = Vec::new();
    Frame::from(Send { to: mine, message: &vec![7; 1 << 20] }).encode(&mut sent).unwrap();
    assert!(whole == sent, "the pieces are the frame");
    session.expect(Exit { from: theirs, to: mine, reason: Root::Normal.into() }).await;
}

//= spec/capabilities.md#cap-frg-012
//# A node that reads the last FRAGMENT of a frame MUST handle that frame as if it had just arrived whole,
//# unless SES-MSG-017 has dropped its message.
#[tokio::test]
async fn what_comes_in_pieces_is_one_message_where_its_last_piece_is() {
    let a = node("a").await;
    let mut session = capable().join(a.name()).await;
    let (local, got) = begin(&a, async |mut ctx| {
        let mut texts = Vec::new();
        for _ in 0..4 {
            texts.push(text(&mut ctx).await);
        }
        texts
    });
    let to = session.theirs(local.local());
    let (one, other) = ("one ".repeat(5_000), "other ".repeat(10));
    let frames = [&one, &other].map(|text| {
        let mut payload = Vec::new();
        Frame::from(Send { to, message: text.as_bytes() }).encode(&mut payload).unwrap();
        payload
    });
    let piece = |number: usize, from: usize, length: usize| {
        let frame = &frames[number];
        let total = (from == 0).then(|| u32::try_from(frame.len()).unwrap());
        let end = frame.len().min(from + length);
        Fragment { number: number as u64, total, last: end == frame.len(), payload: &frame[from..end] }
    };
    session.send(piece(0, 0, 1)).await;
    session.send(piece(1, 0, 20)).await;
    session.send(Send { to, message: b"whole" }).await;
    session.send(piece(0, 1, 10_000)).await;
    session.send(piece(1, 20, usize::MAX / 2)).await;
    session.send(piece(0, 10_001, usize::MAX / 2)).await;
    session.send(Send { to, message: b"last" }).await;
    let texts = within("the messages", got).await.unwrap();
    assert_eq!(texts, ["whole".to_owned(), other, one, "last".to_owned()]);
}

//= spec/capabilities.md#cap-frg-017
//# A node MUST end the session on a first FRAGMENT by which the unfinished frames are more than its
//# fragmented_messages_max, or their totals together more than its reassembly_bytes_max.
#[tokio::test]
async fn more_than_a_node_holds_ends_the_session() {
    let first = |number, total| Fragment { number, total: Some(total), last: false, payload: b"\x10" };
    let builder = Node::builder("a@127.0.0.1:0").reassembly_bytes_max(100_000).fragmented_messages_max(2);
    let a = start(builder).await;
    for wrong in [[first(1, 50_000), first(2, 50_001)], [first(1, 100_001), first(2, 1)]] {
        let mut session = capable().join(a.name()).await;
        for fragment in wrong {
            session.send(fragment).await;
        }
        session.expect_close(PROTOCOL_ERROR).await;
    }
    let mut session = capable().join(a.name()).await;
    for number in 1..=3 {
        session.send(first(number, 10)).await;
    }
    session.expect_close(PROTOCOL_ERROR).await;
}

#[tokio::test]
async fn a_node_that_ends_sends_what_it_has_begun() {
    let (a, b) = connected().await;
    let (to, got) = begin(&b, async |mut ctx| message(&mut ctx).await.as_bytes().len());
    let to = seen_from(&a, &b, to);
    run(&a, async move |ctx| ctx.send(to, vec![7; 20 << 20]).await.unwrap()).await;
    a.disconnect(b.name());
    assert_eq!(within("the message", got).await.unwrap(), 20 << 20);
}
