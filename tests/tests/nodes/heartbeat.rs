//! Peers that fall silent.

use std::time::Duration;

use snow_dist_codec::Frame;
use snow_dist_codec::frame::Pong;
use snow_dist_runtime::{Node, Reason, Received, Timing};
use snow_dist_tests::program::{assert_they_talk, begin, exit, received, start, until, within};
use snow_dist_tests::raw_peer::{RawNode, RawSession};

const PEER: &str = "raw@127.0.0.1:1";

/// A node that asks often. It waits long enough for an answer on a machine that does other things as well.
async fn impatient() -> Node {
    let timing = Timing { interval: Duration::from_millis(100), timeout: Duration::from_secs(1) };
    start(Node::builder("a@127.0.0.1:0").heartbeat(timing)).await
}

async fn expect_ping(session: &mut RawSession) -> [u8; 8] {
    let next = session.next().await;
    let Frame::Ping(ping) = next.frame() else { panic!("{next:?}") };
    *ping.payload
}

#[tokio::test]
async fn a_silent_peer_is_pinged_and_then_given_up() {
    let a = impatient().await;
    let mut session = RawNode::new(PEER, 7).join(a.name()).await;
    let there = a.pid_on(PEER, 3).unwrap();
    let (_, seen) = begin(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.monitor_node(PEER).unwrap();
        ctx.link(there).await.unwrap();
        (exit(&mut ctx, there).await, received(&mut ctx).await)
    });
    let next = session.next().await;
    assert!(matches!(next.frame(), Frame::Link(_)), "{next:?}");
    expect_ping(&mut session).await;
    let (reason, down) = within("the end", seen).await.unwrap();
    assert_eq!(reason, Reason::Noconnection);
    assert!(matches!(down, Received::NodeDown { .. }));
    assert!(session.expect_end().await.is_end());
}

#[tokio::test]
async fn a_peer_that_answers_is_kept() {
    let a = impatient().await;
    let mut session = RawNode::new(PEER, 7).join(a.name()).await;
    let mut last = [0; 8];
    for _ in 0..10 {
        let payload = expect_ping(&mut session).await;
        //= spec/connection.md#con-hbt-009
        //# A node SHOULD give each PING of a session another payload.
        assert_ne!(payload, last, "each PING has bytes of its own");
        last = payload;
        session.send(Pong { payload: &payload }).await;
    }
    assert_eq!(a.nodes().len(), 1);
}

#[tokio::test]
async fn any_byte_is_a_sign_of_life() {
    let a = impatient().await;
    let mut session = RawNode::new(PEER, 7).join(a.name()).await;
    // The beginning of one long frame, a byte for each PING: none of them is a frame.
    session.wire.write(&[0, 0, 1, 0]).await;
    for _ in 0..10 {
        expect_ping(&mut session).await;
        session.wire.write(&[0x10]).await;
    }
    assert_eq!(a.nodes().len(), 1);
}

#[tokio::test]
async fn two_idle_nodes_keep_each_other() {
    let (a, b) = (impatient().await, impatient().await);
    // Both have the name a, at another port each.
    within("a session", a.connect(b.name())).await.unwrap();
    until("the other end", || b.nodes().len() == 1).await;
    let (_, seen) = begin(&a, {
        let b = b.name().to_owned();
        async move |mut ctx| {
            ctx.monitor_node(&b).unwrap();
            ctx.recv_timeout(Duration::from_secs(2)).await
        }
    });
    assert_eq!(seen.await.unwrap(), None);
    assert_they_talk(&a, &b).await;
}
