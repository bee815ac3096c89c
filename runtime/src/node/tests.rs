#![allow(clippy::disallowed_methods, reason = "tests run on the runtime they are in")]

use std::future::Future;
use std::pin::pin;
use std::task::{Context as TaskContext, Waker};

use tokio::net::TcpListener;
use tokio::task::yield_now;

use super::*;
use crate::connect_error::ConnectError;
use crate::error::StartError;

async fn start(name: &str) -> Node {
    Node::builder(name).cookie("a cookie of thirty-two letters..").start().await.unwrap()
}

#[tokio::test]
async fn a_node_that_has_been_shut_down_leaves_its_port() {
    let (a, b) = (start("a@127.0.0.1:0").await, start("b@127.0.0.1:0").await);
    a.connect(b.name()).await.unwrap();
    let name = a.name().to_owned();
    a.shutdown().await;
    assert!(matches!(a.connect(b.name()).await, Err(ConnectError::Stopped)));
    let again = start(&name).await;
    again.connect(b.name()).await.unwrap();
    assert_eq!(again.nodes(), [b.name().into()]);
    again.shutdown().await;
    b.shutdown().await;
    b.shutdown().await;
}

#[tokio::test]
async fn a_start_that_fails_leaves_its_port() {
    let before = start("a@127.0.0.1:0").await;
    let name = before.name().to_owned();
    before.shutdown().await;
    let builder = || Node::builder(&*name).cookie("a cookie of thirty-two letters..").answer_about(true);
    let too_many = builder().nodes_kept_max(1).keep_connected(["b@127.0.0.1:1", "c@127.0.0.1:1"]);
    let failed = too_many.start().await;
    assert!(matches!(failed, Err(StartError::Keep { .. })), "{failed:?}");
    builder().start().await.unwrap().shutdown().await;
}

#[tokio::test]
async fn a_node_that_has_been_shut_down_keeps_no_function() {
    let node = start("a@127.0.0.1:0").await;
    let captured = Arc::new(node.clone());
    let kept = Arc::downgrade(&captured);
    let run = move |_, ()| {
        let _ = &captured;
        async {}
    };
    node.register_function("captures", crate::Allowed::Nobody, run).unwrap();
    node.shutdown().await;
    assert!(kept.upgrade().is_none());
}

#[tokio::test]
async fn what_is_known_of_the_other_node_is_what_it_has_announced() {
    let (a, b) = (start("a@127.0.0.1:0").await, start("b@127.0.0.1:0").await);
    a.connect(b.name()).await.unwrap();
    let (of_a, of_b) = (a.peers(), b.peers());
    let ([of_a], [of_b]) = (&of_a[..], &of_b[..]) else { panic!("{of_a:?} {of_b:?}") };
    assert_eq!((&*of_a.name, of_a.incarnation, of_a.is_dialled), (b.name(), b.incarnation(), true));
    assert_eq!((&*of_b.name, of_b.incarnation, of_b.is_dialled), (a.name(), a.incarnation(), false));
    assert_eq!((of_a.version, of_a.capabilities), (2, crate::CAPABILITIES));
    assert_eq!(of_a.round_trip, None);
    a.shutdown().await;
    assert!(a.peers().is_empty());
    b.shutdown().await;
}

#[tokio::test]
async fn all_names_are_told_with_who_has_them() {
    let node = Node::alone(tokio::runtime::Handle::current());
    let spawn = || node.spawn(async |_| std::future::pending::<()>().await).unwrap();
    let (one, other) = (spawn(), spawn());
    node.register("b", one).unwrap();
    node.register("a", other).unwrap();
    assert_eq!(node.registered(), [("a".into(), other), ("b".into(), one)]);
    node.unregister("a");
    assert_eq!(node.registered(), [("b".into(), one)]);
}

#[tokio::test]
async fn a_dial_that_nobody_waits_for_any_more_is_seen_through() {
    let (a, b) = (start("a@[::1]:0").await, start("b@[::1]:0").await);
    {
        let mut cx = TaskContext::from_waker(Waker::noop());
        assert!(pin!(a.connect(b.name())).poll(&mut cx).is_pending());
    }
    while a.nodes().is_empty() || b.nodes().is_empty() {
        yield_now().await;
    }
    a.shutdown().await;
    assert!(a.nodes().is_empty());
    b.shutdown().await;
}

#[tokio::test]
async fn many_who_connect_at_once_share_one_connection() {
    let (a, b) = (start("a@127.0.0.1:0").await, start("b@127.0.0.1:0").await);
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let (a, name) = (a.clone(), b.name().to_owned());
            tokio::spawn(async move { a.connect(&name).await })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    a.shutdown().await;
    b.shutdown().await;
}

#[tokio::test]
async fn a_node_that_stops_does_not_wait_for_a_peer_that_says_nothing() {
    let a = start("a@127.0.0.1:0").await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let name = format!("b@{}", silent.local_addr().unwrap());
    let connecting = tokio::spawn({
        let a = a.clone();
        async move { a.connect(&name).await }
    });
    let (_socket, _) = silent.accept().await.unwrap();
    a.shutdown().await;
    assert!(matches!(connecting.await.unwrap(), Err(ConnectError::Stopped)));
}
