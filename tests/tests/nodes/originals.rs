//! Beside version 1 nodes that forget sessions late and by name, and route exits by whatever number they were given.
//! Specification: `version1.md`, "Connections" and "Pids".

use std::net::Ipv4Addr;
use std::num::NonZeroU16;
use std::time::Duration;

use snow_dist_runtime::{Allowed, Node, Pid};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{COOKIE, begin, idle, start, text, until, within};
use snow_dist_tests::raw_peer::Original;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// By then a version 1 node has forgotten whatever it forgets.
const FORGOTTEN: Duration = Duration::from_millis(1_200);

async fn lenient(name: &str) -> Node {
    start(Node::builder(name).version_1(Allowed::Everyone)).await
}

/// Ten nodes whose names are smaller than that of the node `m`, and ten whose names are larger: they decide differently
/// about a second session.
async fn originals() -> Vec<Original> {
    let mut all = Vec::new();
    for number in 0..20 {
        let address = Ipv4Addr::new(127, 0, 1, number);
        all.push(Original::start(if number < 10 { "a" } else { "z" }, address).await);
    }
    all
}

fn lists(node: &Node, peer: &Original) -> bool {
    node.nodes().iter().any(|name| **name == *peer.name())
}

/// Both have the session and go on having it, and messages to names go both ways.
async fn assert_they_are_connected(m: &Node, old: &Original) {
    sleep(FORGOTTEN).await;
    assert!(lists(m, old), "{} is not listed", old.name());
    assert!(old.lists(m.name()), "{} does not list the session", old.name());
    let (process, got) = begin(m, async |mut ctx| text(&mut ctx).await);
    m.register(old.name(), process).unwrap();
    old.send_named(m.name(), old.name(), b"there").await.unwrap();
    assert_eq!(within("a message", got).await.unwrap(), "there");
    let before = old.messages().len();
    m.send_named("anyone", old.name(), "back").await.unwrap();
    until("the message back", || old.messages().len() == before + 1).await;
}

/// Does the same with each of the nodes at once.
async fn with_each<F>(originals: Vec<Original>, mut act: impl FnMut(Original) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut all: JoinSet<()> = originals.into_iter().map(&mut act).collect();
    while let Some(done) = all.join_next().await {
        done.unwrap();
    }
}

//= spec/version1.md#v1-elc-003
//# A node MUST NOT send ACK to a version 1 peer, or REPLY on a dial to one, before `version_1_cleanup` has
//# passed since its own start, and since the ends of its last session with that peer and of its last dial to
//# it on which REPLY was sent.
#[tokio::test]
async fn a_peer_that_dials_right_after_its_connection_broke_comes_back() {
    let m = lenient("m@127.0.0.1:0").await;
    with_each(originals().await, |old| {
        let m = m.clone();
        async move {
            old.connect(m.name()).await.unwrap();
            until("the session", || lists(&m, &old)).await;
            old.cut(m.name());
            assert_eq!(old.connect(m.name()).await, Ok(()), "{}", old.name());
            assert_they_are_connected(&m, &old).await;
        }
    })
    .await;
}

//= spec/version1.md#v1-elc-006
//# A node SHOULD NOT connect to a version 1 peer before `version_1_cleanup` has passed since the end of its
//# last session with it.
#[tokio::test]
async fn a_node_that_dials_right_after_the_connection_broke_comes_back() {
    let m = lenient("m@127.0.0.1:0").await;
    with_each(originals().await, |old| {
        let m = m.clone();
        async move {
            m.connect(old.name()).await.unwrap();
            until("the session", || old.lists(m.name())).await;
            old.cut(m.name());
            until("the end", || !lists(&m, &old)).await;
            m.connect(old.name()).await.unwrap();
            assert_they_are_connected(&m, &old).await;
            assert_eq!(old.refusals(), 0, "it had forgotten the session when the dial came");
        }
    })
    .await;
}

/// The peer does not know the session any more, so it takes the next one at once, and forgets that with the end of the
/// one before.
#[tokio::test]
async fn a_node_that_dials_right_after_an_orphan_has_ended_comes_back() {
    let m = lenient("m@127.0.0.1:0").await;
    with_each(originals().await, |old| {
        let m = m.clone();
        async move {
            m.connect(old.name()).await.unwrap();
            until("the session", || old.lists(m.name())).await;
            old.forget(m.name()).cut();
            until("the end", || !lists(&m, &old)).await;
            m.connect(old.name()).await.unwrap();
            assert_they_are_connected(&m, &old).await;
        }
    })
    .await;
}

/// Its peers have not forgotten its sessions of before.
//= spec/version1.md#v1-elc-003
//# A node MUST NOT send ACK to a version 1 peer, or REPLY on a dial to one, before `version_1_cleanup` has
//# passed since its own start, and since the ends of its last session with that peer and of its last dial to
//# it on which REPLY was sent.
#[tokio::test]
async fn a_node_that_is_started_again_is_found_again() {
    let runtime = Runtime::new().unwrap();
    let m = runtime.spawn(lenient("m@127.0.0.1:0")).await.unwrap();
    let all = originals().await;
    for old in &all {
        old.connect(m.name()).await.unwrap();
    }
    let name = m.name().to_owned();
    runtime.shutdown_background();
    let m = loop {
        let builder = Node::builder(&name).version_1(Allowed::Everyone).cookie(COOKIE);
        match builder.start().await {
            Ok(node) => break node,
            // Its port is not free yet.
            Err(_) => sleep(Duration::from_millis(2)).await,
        }
    };
    with_each(all, |old| {
        let m = m.clone();
        async move {
            assert_eq!(old.connect(m.name()).await, Ok(()), "{}", old.name());
            assert_they_are_connected(&m, &old).await;
        }
    })
    .await;
}

/// However the peer has lost sight of it: its tasks go on reading and answering.
//= spec/version1.md#v1-elc-004
//# An acceptor MUST end a version 1 session that shows no sign of use for `probe_timeout` after it was probed
//# for a connection that was accepted after the session had begun.
#[tokio::test]
async fn a_session_that_the_peer_has_lost_sight_of_is_replaced() {
    let m = lenient("m@127.0.0.1:0").await;
    with_each(originals().await, |old| {
        let m = m.clone();
        async move {
            old.connect(m.name()).await.unwrap();
            until("the session", || lists(&m, &old)).await;
            let _orphan = old.forget(m.name());
            assert_eq!(old.connect(m.name()).await, Ok(()), "{}", old.name());
            assert_they_are_connected(&m, &old).await;
        }
    })
    .await;
}

/// Nothing is lost by a second dial of a peer that uses the session.
#[tokio::test]
async fn a_session_in_use_is_not_replaced() {
    let m = lenient("m@127.0.0.1:0").await;
    let old = Original::start("z", Ipv4Addr::LOCALHOST).await;
    old.connect(m.name()).await.unwrap();
    until("the session", || lists(&m, &old)).await;
    let (name, using) = (m.name().to_owned(), old.clone());
    let using = tokio::spawn(async move {
        loop {
            using.send_named(&name, "nobody", b"").await.unwrap();
            sleep(Duration::from_millis(50)).await;
        }
    });
    let peer = old.name().to_owned();
    let (watching, _) = begin(&m, async move |mut ctx| {
        ctx.monitor_node(&peer).unwrap();
        ctx.recv().await
    });
    assert!(old.connect(m.name()).await.is_err());
    sleep(FORGOTTEN).await;
    assert!(lists(&m, &old) && old.lists(m.name()));
    assert!(m.is_alive(watching), "the session has not ended in between");
    using.abort();
}

/// A process of `c` links to one of the peer, with the number that the peer has for `m`: what becomes of it reaches `m`.
//= spec/version1.md#v1-pid-012
//# A node MUST ignore a frame with a pid whose owner is the receiver and whose node id is neither 0 nor k, but for
//# V1-LRN-006.
//= spec/version1.md#v1-pid-014
//= type=test
//# A node SHOULD log the node id of a frame that it ignores by V1-PID-012, and k.
#[tokio::test]
async fn a_third_node_with_a_wrong_node_id_ends_no_session_but_its_own() {
    let log = Log::of_this_thread();
    let old = Original::start("old", Ipv4Addr::LOCALHOST).await;
    let m = lenient("m@127.0.0.1:0").await;
    m.connect(old.name()).await.unwrap();
    let number_of_m = NonZeroU16::new(1).unwrap();
    let builder = Node::builder("c@127.0.0.1:0").version_1(Allowed::Everyone);
    let c = start(builder.version_1_node_id(old.name(), number_of_m)).await;
    c.connect(old.name()).await.unwrap();
    for local in 1..=9 {
        let other: Pid = c.pid_on(old.name(), local).unwrap();
        let (_, linked) = begin(&c, async move |ctx| {
            ctx.link(other).await.unwrap();
            ctx.monitor(other).await.unwrap();
            idle(ctx).await;
        });
        drop(linked);
    }
    until("links and monitors", || old.has(9, 18)).await;
    for local in 1..=9 {
        old.exit(local).await;
    }
    assert_they_are_connected(&m, &old).await;
    let warned = log.lines_with("for another node");
    assert!((1..=4).contains(&warned.len()), "of 18 frames: {warned:?}");
    assert!(warned[0].contains("node_id=1") && warned[0].contains("not known"), "{warned:?}");
    assert!(lists(&c, &old));
}
