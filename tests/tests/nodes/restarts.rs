//! Peers that come back: as the same start, as another, and as if the old session were still there.

use std::net::Ipv4Addr;
use std::sync::Arc;

use snow_dist_codec::frame::{Link, Ping, Pong, Send};
use snow_dist_codec::handshake::Reject;
use snow_dist_codec::{Frame, NodeName};
use snow_dist_runtime::core::handshake::{Failure, initiator};
use snow_dist_runtime::{ConnectError, Node, Pid, Reason, Received};
use snow_dist_tests::program::{
    assert_they_talk, begin, connect, connected, down, exit, node, received, run, seen_from, start, text,
    until, within,
};
use snow_dist_tests::raw_peer::{self, Heard, Listener, RawNode, RawSession};
use tokio::sync::mpsc;

const PEER: &str = "raw@127.0.0.1:1";
const REPLACED: u16 = 3;

//= spec/session.md#ses-pid-017
//# A node MUST take a pid from an earlier session with the present start of the peer for the same process as
//# then, unless it has forgotten that node by `nodes_known_max`.
#[tokio::test]
async fn a_pid_stays_good_when_the_same_start_comes_back() {
    let (a, b) = connected().await;
    let (process, got) = begin(&b, async |mut ctx| text(&mut ctx).await);
    let there = seen_from(&a, &b, process);
    for _ in 0..3 {
        a.disconnect(b.name());
        until("the end", || a.nodes().is_empty() && b.nodes().is_empty()).await;
        connect(&b, &a).await;
        assert_eq!(seen_from(&a, &b, process), there);
    }
    a.send(there, "the same").await.unwrap();
    assert_eq!(within("the message", got).await.unwrap(), "the same");
}

//= spec/session.md#ses-upd-006
//# A node MUST give all NODEDOWNs of a session before the NODEUPs of the next session with that node name.
#[tokio::test]
async fn what_one_process_sends_over_two_sessions_arrives_with_their_end_and_beginning_between() {
    const ROUNDS: usize = 5;
    let (a, b) = (node("a").await, node("b").await);
    let a_name = a.name().to_owned();
    let (receiver, told) = begin(&b, async move |mut ctx| {
        ctx.monitor_node(&a_name).unwrap();
        ctx.register("receiver").unwrap();
        let mut told = Vec::new();
        while told.len() < 3 * ROUNDS {
            told.push(match received(&mut ctx).await {
                Received::Message(message) => message.as_bytes().len().to_string(),
                Received::NodeUp { .. } => "nodeup".to_owned(),
                Received::NodeDown { .. } => "nodedown".to_owned(),
                other => panic!("{other:?}"),
            });
        }
        told
    });
    until("the receiver", || b.whereis("receiver").is_some()).await;
    connect(&a, &b).await;
    let (here, other, to) = (a.clone(), b.clone(), seen_from(&a, &b, receiver));
    run(&a, async move |ctx| {
        for round in 0..ROUNDS {
            // The pid is the one that it has had from the first session on.
            ctx.send(to, vec![0; round]).await.unwrap();
            assert!(here.disconnect(other.name()));
            until("the end", || here.nodes().is_empty() && other.nodes().is_empty()).await;
            connect(&here, &other).await;
        }
        here.disconnect(other.name());
    })
    .await;
    let expected: Vec<_> = (0..ROUNDS)
        .flat_map(|round| ["nodeup".to_owned(), round.to_string(), "nodedown".to_owned()])
        .collect();
    assert_eq!(within("all of it", told).await.unwrap(), expected);
}

//= spec/session.md#ses-pid-018
//# A node MUST NOT take a pid from a session with another incarnation of the peer for a process of the peer's
//# present start.
//= spec/session.md#ses-off-001
//# A node MUST drop a message of its process to a pid that has no session, or to a name on a node without a
//# session.
#[tokio::test]
async fn a_pid_of_a_start_that_is_over_is_dead_for_good() {
    let (a, b) = connected().await;
    let old = seen_from(&a, &b, begin(&b, async |mut ctx| text(&mut ctx).await).0);
    let name = b.name().to_owned();
    within("the end", b.shutdown()).await;
    until("the end", || a.nodes().is_empty()).await;
    let b = start(Node::builder(name)).await;
    connect(&a, &b).await;
    // The same number, in another start.
    let (process, got) = begin(&b, async |mut ctx| text(&mut ctx).await);
    let new = seen_from(&a, &b, process);
    assert_eq!(new.local(), old.local());
    assert_ne!(new, old);
    run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.send(old, "lost").await.unwrap();
        ctx.link(old).await.unwrap();
        assert_eq!(exit(&mut ctx, old).await, Reason::Noconnection);
        ctx.monitor(old).await.unwrap();
        assert_eq!(down(&mut ctx, old).await, Reason::Noconnection);
        ctx.unlink(old);
        ctx.send(new, "found").await.unwrap();
    })
    .await;
    assert_eq!(within("the message", got).await.unwrap(), "found");
}

/// What a process sees that watches the raw peer and is linked to its process 3, over two sessions.
fn watch(a: &Node) -> (Pid, mpsc::UnboundedReceiver<String>) {
    let (tell, told) = mpsc::unbounded_channel();
    let (watcher, _) = begin(a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.monitor_node(PEER).unwrap();
        tell.send("ready".into()).unwrap();
        loop {
            let seen = match received(&mut ctx).await {
                Received::NodeUp { .. } => "nodeup".into(),
                Received::NodeDown { .. } => "nodedown".into(),
                Received::Exit { reason, .. } => format!("exit {reason}"),
                Received::Down { reason, .. } => format!("down {reason}"),
                Received::Message(message) => String::from_utf8(message.as_bytes().to_vec()).unwrap(),
                other => panic!("{other:?}"),
            };
            if tell.send(seen).is_err() {
                return;
            }
        }
    });
    (watcher, told)
}

async fn expect_all(told: &mut mpsc::UnboundedReceiver<String>, all: &[&str]) {
    for expected in all {
        assert_eq!(within(expected, told.recv()).await.unwrap(), *expected);
    }
}

//= spec/connection.md#con-elc-003
//# If there is a session with another incarnation of the peer, an acceptor MUST end that session before it
//# sends ACK.
//= spec/connection.md#con-cls-012
//# A node that ends a session for another connection SHOULD write CLOSE with code 3.
//= spec/connection.md#con-elc-017
//# A node that ends a session for another connection MUST NOT wait until what is queued in that session has
//# been written.
#[tokio::test]
async fn a_restarted_peer_is_taken_at_once_and_the_old_session_ends_first() {
    let a = node("a").await;
    let (watcher, mut told) = watch(&a);
    expect_all(&mut told, &["ready"]).await;
    let mut old = RawNode::new(PEER, 7).join(a.name()).await;
    expect_all(&mut told, &["nodeup"]).await;
    let to = old.theirs(watcher.local());
    old.send(Link { from: old.mine(3), to }).await;
    old.send(Send { to, message: b"old" }).await;
    expect_all(&mut told, &["old"]).await;
    // The old one neither reads nor answers: nobody asks whether it lives.
    let mut new = RawNode::new(PEER, 8).join(a.name()).await;
    expect_all(&mut told, &["exit noconnection", "nodedown", "nodeup"]).await;
    new.send(Send { to, message: b"new" }).await;
    expect_all(&mut told, &["new"]).await;
    old.expect_close(REPLACED).await;
    assert_eq!(a.nodes().len(), 1);
}

//= spec/session.md#ses-upd-005
//# A node MUST NOT give any process anything of a session after a NODEDOWN of that session.
//= spec/connection.md#con-cls-016
//# A node MUST end the session when its stream ends or fails, as it does on a CLOSE.
#[tokio::test]
async fn a_late_reply_of_a_start_that_is_over_does_not_end_the_session_of_the_next() {
    let a = node("a").await;
    let (watcher, mut told) = watch(&a);
    expect_all(&mut told, &["ready"]).await;
    // One start dials and is over before the node has read its REPLY.
    let mut late = raw_peer::connect(raw_peer::address(a.name())).await;
    let local = Arc::new(RawNode::new(PEER, 7).local);
    let dialled = NodeName::parse(a.name()).unwrap();
    let (name, expect_challenge) = initiator::start(local, late.channel(), dialled).unwrap();
    late.say(&name).await;
    let challenge = late.hear().await.payload();
    let (reply, expect_ack) = expect_challenge.handle(&challenge, [7; 24]).unwrap();

    let mut next = RawNode::new(PEER, 8).join(a.name()).await;
    late.say(&reply).await;
    let refused = expect_ack.handle(&late.hear().await.payload()).unwrap_err();
    assert!(matches!(refused, Failure::Rejected { code: Reject::DUPLICATE, .. }), "{refused:?}");
    let to = next.theirs(watcher.local());
    next.send(Send { to, message: b"still here" }).await;
    expect_all(&mut told, &["nodeup", "still here"]).await;
}

#[tokio::test]
async fn what_the_old_session_says_after_its_end_is_not_heard() {
    let a = node("a").await;
    let (watcher, mut told) = watch(&a);
    expect_all(&mut told, &["ready"]).await;
    let mut old = RawNode::new(PEER, 7).join(a.name()).await;
    let to = old.theirs(watcher.local());
    let mut new = RawNode::new(PEER, 8).join(a.name()).await;
    let _ = old
        .wire
        .try_write(&[&[15, 0, 0, 0, 0x10][..], &to.to_bits().to_le_bytes(), b"late!!"].concat())
        .await;
    new.send(Send { to, message: b"new" }).await;
    expect_all(&mut told, &["nodeup", "nodedown", "nodeup", "new"]).await;
    old.expect_end().await;
    new.send(Send { to, message: b"newer" }).await;
    expect_all(&mut told, &["newer"]).await;
}

//= spec/connection.md#con-elc-004
//# If a session is up or probed, and its incarnation is that of the connection that waits or one of the two
//# is not known, an acceptor MUST withhold ACK and, unless the session is probed for the needed sign already,
//# send PING in it.
//= spec/connection.md#con-elc-005
//# If a byte arrives in a session that is probed, an acceptor MUST refuse the connection that waits as
//# duplicate.
#[tokio::test]
async fn a_second_connection_of_the_same_start_is_refused_while_the_first_lives() {
    let a = node("a").await;
    let peer = RawNode::new(PEER, 7);
    let (watcher, mut told) = watch(&a);
    expect_all(&mut told, &["ready"]).await;
    let mut first = peer.join(a.name()).await;
    let to = first.theirs(watcher.local());
    for round in 0..3 {
        let second = tokio::spawn({
            let (peer, a) = (peer.clone(), a.clone());
            async move { peer.dial(a.name()).await.err().unwrap().code() }
        });
        // It is asked, and any byte will do.
        let next = first.next().await;
        let Frame::Ping(Ping { payload }) = next.frame() else { panic!("{next:?}") };
        if round == 0 {
            first.wire.write(&[0]).await;
            first.wire.write(&[0, 0, 0]).await;
        } else {
            first.send(Pong { payload }).await;
        }
        assert_eq!(second.await.unwrap(), Reject::DUPLICATE);
    }
    first.send(Send { to, message: b"still here" }).await;
    expect_all(&mut told, &["nodeup", "still here"]).await;
}

#[tokio::test]
async fn a_second_connection_of_the_same_start_is_taken_when_the_first_is_dead() {
    let a = node("a").await;
    let peer = RawNode::new(PEER, 7);
    let (watcher, mut told) = watch(&a);
    expect_all(&mut told, &["ready"]).await;
    let mut silent = peer.join(a.name()).await;
    let mut second = peer.join(a.name()).await;
    expect_all(&mut told, &["nodeup", "nodedown", "nodeup"]).await;
    let to = second.theirs(watcher.local());
    second.send(Send { to, message: b"second" }).await;
    expect_all(&mut told, &["second"]).await;
    // And when the first breaks while it is asked.
    let third = tokio::spawn({
        let (peer, a) = (peer.clone(), a.clone());
        async move { peer.join(a.name()).await }
    });
    let next = second.next().await;
    assert!(matches!(next.frame(), Frame::Ping(_)), "{next:?}");
    drop(second);
    let mut third: RawSession = third.await.unwrap();
    expect_all(&mut told, &["nodedown", "nodeup"]).await;
    third.send(Send { to, message: b"third" }).await;
    expect_all(&mut told, &["third"]).await;
    silent.expect_end().await;
}

//= spec/connection.md#con-elc-012
//# If two connections of one peer would wait, an acceptor MUST refuse the one that was accepted earlier as
//# duplicate.
#[tokio::test]
async fn of_several_that_wait_the_newest_stays() {
    let a = node("a").await;
    let peer = RawNode::new(PEER, 7);
    let _silent = peer.join(a.name()).await;
    let dial = || {
        let (peer, a) = (peer.clone(), a.clone());
        async move {
            let wire = snow_dist_tests::raw_peer::connect(snow_dist_tests::raw_peer::address(a.name())).await;
            peer.initiate_to_reply(wire, a.name()).await.unwrap()
        }
    };
    let (mut one, expect_one) = dial().await;
    let (mut two, expect_two) = dial().await;
    let refused = one.hear().await.payload();
    assert!(expect_one.handle(&refused).is_err());
    let ack = two.hear().await.payload();
    expect_two.handle(&ack).unwrap();
    assert!(matches!(one.hear().await, Heard::Closed));
}

#[tokio::test]
async fn a_peer_that_restarts_on_its_own_side_is_dialled_again() {
    // The node dials: the peer's old session breaks, and a new start of it answers the next dial.
    let a = node("a").await;
    let listener = Listener::bind_at(Ipv4Addr::LOCALHOST, 0).await;
    let name = listener.name("raw");
    for incarnation in 1..=3 {
        let dial = tokio::spawn({
            let (a, name) = (a.clone(), name.clone());
            async move { a.connect(&name).await }
        });
        let mut session = RawNode::new(&name, incarnation).accept(&listener).await;
        dial.await.unwrap().unwrap();
        assert_eq!(session.fence().await, []);
        drop(session);
        until("the end", || a.nodes().is_empty()).await;
    }
}

#[tokio::test]
async fn an_acceptor_that_rejects_is_no_session() {
    let a = node("a").await;
    let listener = Listener::bind().await;
    let name = listener.name("raw");
    let dial = tokio::spawn({
        let (a, name) = (a.clone(), name.clone());
        async move { a.connect(&name).await }
    });
    let (mut wire, verified) = RawNode::new(&name, 1).accept_to_reply(&listener).await;
    let reject = verified.refuse(Reject::BUSY, "full\n\u{1b}[31m").unwrap();
    wire.say(&reject).await;
    let refused = dial.await.unwrap().unwrap_err();
    assert!(matches!(refused, ConnectError::Handshake(_)), "{refused}");
    let shown = refused.to_string();
    assert!(!shown.contains(char::is_control), "what a peer writes is escaped: {shown:?}");
}

#[tokio::test]
async fn two_nodes_of_other_names_do_not_stand_in_each_others_way() {
    let a = node("a").await;
    let mut sessions = Vec::new();
    for number in 0..20 {
        sessions.push(RawNode::new(&format!("raw{number}@127.0.0.1:1"), 7).join(a.name()).await);
    }
    assert_eq!(a.nodes().len(), 20);
    for session in &mut sessions {
        assert_eq!(session.fence().await, []);
    }
    let b = node("b").await;
    connect(&a, &b).await;
    assert_they_talk(&a, &b).await;
}
