//! Dials: several at once, from both ends at once, given up.

use std::time::Duration;

use snow_dist_runtime::{ConnectError, Node, Reason, Received};
use snow_dist_tests::program::{
    assert_they_talk, begin, connect, down, exit, node, run, start, until, within,
};
use snow_dist_tests::raw_peer::{Listener, RawNode};

fn dialling(from: &Node, to: &str) -> tokio::task::JoinHandle<Result<(), ConnectError>> {
    let (from, to) = (from.clone(), to.to_owned());
    tokio::spawn(async move { from.connect(&to).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_that_dial_each_other_end_with_one_session() {
    let (a, b) = (node("a").await, node("b").await);
    for round in 0..200 {
        let (at_a, at_b) = (dialling(&a, b.name()), dialling(&b, a.name()));
        for dial in [at_a, at_b] {
            within("the dial", dial).await.unwrap().unwrap_or_else(|error| panic!("round {round}: {error}"));
        }
        until("one session at both ends", || a.nodes().len() == 1 && b.nodes().len() == 1).await;
        assert_they_talk(&a, &b).await;
        let ends = if round % 2 == 0 { (&a, &b) } else { (&b, &a) };
        assert!(ends.0.disconnect(ends.1.name()), "round {round}");
        until("the end", || a.nodes().is_empty() && b.nodes().is_empty()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_watches_two_nodes_that_dial_each_other_sees_one_nodeup() {
    for _ in 0..30 {
        let (a, b) = (node("a").await, node("b").await);
        let watch = |at: &Node, other: &Node| {
            let other = other.name().to_owned();
            let (ready, is_ready) = tokio::sync::oneshot::channel();
            let (_, seen) = begin(at, async move |mut ctx| {
                ctx.monitor_node(&other).unwrap();
                ready.send(()).unwrap();
                let first = ctx.recv().await;
                (first, ctx.recv_timeout(Duration::from_millis(100)).await)
            });
            (is_ready, seen)
        };
        let [(a_ready, a_saw), (b_ready, b_saw)] = [watch(&a, &b), watch(&b, &a)];
        a_ready.await.unwrap();
        b_ready.await.unwrap();
        let (at_a, at_b) = (dialling(&a, b.name()), dialling(&b, a.name()));
        within("the dial", at_a).await.unwrap().unwrap();
        within("the dial", at_b).await.unwrap().unwrap();
        for saw in [a_saw, b_saw] {
            let (first, then) = within("nodeup", saw).await.unwrap();
            assert!(matches!(first, Received::NodeUp { .. }), "{first:?}");
            assert_eq!(then, None);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dial_that_breaks_beside_the_session_is_no_failure() {
    let listener = Listener::bind().await;
    let raw = RawNode::new(&listener.name("a"), 7);
    // The larger name: it answers the other node's dial at once, and leaves its own to that.
    let z = node("z").await;
    let dial = dialling(&z, raw.name());
    let (wire, _) = within("REPLY", raw.accept_to_reply(&listener)).await;
    let _session = within("ACK", raw.join(z.name())).await;
    drop(wire);
    within("the dial", dial).await.unwrap().unwrap();
    assert_eq!(z.nodes().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_callers_share_one_dial() {
    let (a, b) = (node("a").await, node("b").await);
    let dials: Vec<_> = (0..50).map(|_| dialling(&a, b.name())).collect();
    for dial in dials {
        within("the dial", dial).await.unwrap().unwrap();
    }
    assert_eq!((a.nodes().len(), b.nodes().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_nodes_that_dial_each_other_are_all_connected() {
    let mut nodes = Vec::new();
    for number in 0..6 {
        nodes.push(node(&format!("n{number}")).await);
    }
    let mut dials = Vec::new();
    for from in &nodes {
        for to in nodes.iter().filter(|to| to.name() != from.name()) {
            dials.push(dialling(from, to.name()));
        }
    }
    for dial in dials {
        within("the dial", dial).await.unwrap().unwrap();
    }
    until("all sessions", || nodes.iter().all(|node| node.nodes().len() == 5)).await;
    for pair in nodes.windows(2) {
        assert_they_talk(&pair[0], &pair[1]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_nodes_behind_one_address_that_start_at_once_all_get_in_at_their_first_try() {
    let hub = node("hub").await;
    let mut nodes = Vec::new();
    for number in 0..30 {
        nodes.push(node(&format!("n{number}")).await);
    }
    let dials: Vec<_> = nodes.iter().map(|node| dialling(node, hub.name())).collect();
    for dial in dials {
        within("the dial", dial).await.unwrap().unwrap();
    }
    until("all sessions", || hub.nodes().len() == 30).await;
    assert_eq!(hub.connection_counts().refused.gave_way, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_nodes_behind_one_address_than_it_has_places_get_in_by_further_tries() {
    let hub = start(Node::builder("hub@127.0.0.1:0").handshakes_per_address_max(2)).await;
    let mut nodes = Vec::new();
    for number in 0..20 {
        nodes.push(node(&format!("n{number}")).await);
    }
    let dials: Vec<_> = nodes.iter().map(|node| dialling(node, hub.name())).collect();
    for dial in dials {
        within("the dial", dial).await.unwrap().unwrap();
    }
    until("all sessions", || hub.nodes().len() == 20).await;
}

#[tokio::test]
async fn who_waits_for_a_dial_is_not_disturbed_by_other_nodes() {
    let a = node("a").await;
    let listener = Listener::bind().await;
    let name = listener.name("slow");
    let slow = RawNode::new(&name, 1);
    let first = dialling(&a, &name);
    let (mut wire, verified) = slow.accept_to_reply(&listener).await;
    let second = dialling(&a, &name);
    tokio::task::yield_now().await;
    // Others come and go meanwhile.
    for number in 0..10 {
        drop(RawNode::new(&format!("raw{number}@127.0.0.1:1"), 7).join(a.name()).await);
    }
    until("they are gone", || a.nodes().is_empty()).await;
    let (ack, _) = verified.accept();
    wire.say(&ack).await;
    within("the dial", first).await.unwrap().unwrap();
    within("the other caller", second).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_dial_that_is_given_up_is_forgotten() {
    let a = node("a").await;
    let listener = Listener::bind().await;
    let name = listener.name("slow");
    let given_up = dialling(&a, &name);
    let _stalled = listener.accept_tcp().await;
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    let again = dialling(&a, &name);
    let session = RawNode::new(&name, 1).accept(&listener).await;
    within("the dial", again).await.unwrap().unwrap();
    drop(session);
}

#[tokio::test]
async fn an_incoming_connection_takes_over_from_a_dial_that_gets_no_answer() {
    let a = node("a").await;
    let listener = Listener::bind().await;
    let name = listener.name("b");
    let dial = dialling(&a, &name);
    let _stalled = listener.accept_tcp().await;
    let mut session = RawNode::new(&name, 1).join(a.name()).await;
    assert_eq!(session.fence().await, []);
    within("the dial", dial).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_dial_after_a_session_has_ended_makes_a_new_one() {
    let (a, b) = (node("a").await, node("b").await);
    for _ in 0..20 {
        connect(&a, &b).await;
        a.disconnect(b.name());
        // At once: the old session is still ending.
        assert!(a.nodes().is_empty());
        within("the dial", a.connect(b.name())).await.unwrap();
        assert_eq!(a.nodes(), [b.name().into()]);
        assert_they_talk(&a, &b).await;
        b.disconnect(a.name());
        within("the dial", b.connect(a.name())).await.unwrap();
        assert_they_talk(&b, &a).await;
        a.disconnect(b.name());
        until("the end", || a.nodes().is_empty() && b.nodes().is_empty()).await;
    }
}

#[tokio::test]
async fn a_dial_that_is_closed_before_its_reply_is_made_again() {
    let a = node("a").await;
    let listener = Listener::bind().await;
    let name = listener.name("b");
    let dial = dialling(&a, &name);
    // Before TLS, after it, and after NAME: as an acceptor does that gives the place to another connection.
    drop(listener.accept_tcp().await);
    drop(listener.accept().await);
    let mut wire = listener.accept().await;
    assert_eq!(wire.hear().await.payload()[0], 1, "NAME");
    drop(wire);
    let session = RawNode::new(&name, 1).accept(&listener).await;
    within("the dial", dial).await.unwrap().unwrap();
    drop(session);
}

#[tokio::test]
async fn a_dial_that_is_closed_each_time_names_the_limits_of_the_acceptor() {
    let a = node("a").await;
    let listener = Listener::bind().await;
    let dial = dialling(&a, &listener.name("b"));
    let closing = tokio::spawn(async move {
        loop {
            drop(listener.accept_tcp().await);
        }
    });
    let refused = within("a refusal", dial).await.unwrap().unwrap_err();
    closing.abort();
    assert!(matches!(refused, ConnectError::ClosedEarly(_)), "{refused}");
    let text = refused.to_string();
    let at = ["refused_silent", "refused_gave_way", "handshakes_per_address_max"].map(|word| text.find(word));
    assert!(at.iter().all(Option::is_some) && at.is_sorted(), "{text}");
}

/// A peer that takes its time to close: it goes on reading, as one does that is held up.
#[tokio::test]
async fn a_dial_waits_for_the_end_of_the_session_that_is_being_closed() {
    let a = node("a").await;
    let listener = Listener::bind().await;
    let peer = RawNode::new(&listener.name("b"), 7);
    let dial = dialling(&a, peer.name());
    let mut session = peer.accept(&listener).await;
    within("the dial", dial).await.unwrap().unwrap();
    assert!(a.disconnect(peer.name()));
    session.expect_close(0).await;
    let dial = dialling(&a, peer.name());
    let again = dialling(&a, peer.name());
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert!(!dial.is_finished() && !again.is_finished());
    drop(session);
    let mut session = within("another connection", peer.accept(&listener)).await;
    within("the dial", dial).await.unwrap().unwrap();
    within("the other dial", again).await.unwrap().unwrap();
    assert_eq!(a.nodes(), [peer.name().into()]);
    assert_eq!(session.fence().await, []);
}

#[tokio::test]
async fn a_session_that_is_being_closed_is_none_to_processes() {
    let a = node("a").await;
    let listener = Listener::bind().await;
    let peer = RawNode::new(&listener.name("b"), 7);
    let dial = dialling(&a, peer.name());
    let mut session = peer.accept(&listener).await;
    within("the dial", dial).await.unwrap().unwrap();
    let there = a.pid_on(peer.name(), 3).unwrap();
    assert!(a.disconnect(peer.name()));
    assert!(!a.disconnect(peer.name()), "it has begun to end");
    assert!(a.nodes().is_empty());
    assert_eq!((a.pid_on(peer.name(), 3), a.node_of(there)), (None, None));
    run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.send(there, "late").await.unwrap();
        ctx.link(there).await.unwrap();
        assert_eq!(exit(&mut ctx, there).await, Reason::Noconnection);
        ctx.monitor(there).await.unwrap();
        assert_eq!(down(&mut ctx, there).await, Reason::Noconnection);
    })
    .await;
    assert_eq!(a.messages_unsent(), 1);
    // Nothing of that is on the wire.
    session.expect_close(0).await;
}
