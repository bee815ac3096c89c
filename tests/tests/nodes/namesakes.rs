//! Two nodes of one name, which take the session with a third one from each other.

use std::time::Duration;

use snow_dist_codec::frame::Close;
use snow_dist_runtime::Node;
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{node, start, until, within};
use snow_dist_tests::raw_peer::{Listener, RawNode};

/// Where none of the two listens: they are started as behind an address translation.
const NAME: &str = "twin@127.0.0.1:4999";

async fn twin() -> Node {
    start(Node::builder(NAME).listen("127.0.0.1:0")).await
}

/// Connects whenever there is no session, as a program does that needs one.
async fn keep_connected(node: Node, to: String) {
    loop {
        node.connect(&to).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn two_nodes_of_one_name_are_warned_of_with_both_addresses_and_counted() {
    let log = Log::of_this_thread();
    let hub = node("hub").await;
    let (one, other) = (twin().await, twin().await);
    let programs = [&one, &other].map(|twin| tokio::spawn(keep_connected(twin.clone(), hub.name().into())));
    // The first is replaced, takes the place again after a second, and is replaced after another one, ..
    until("the third time", || hub.connection_counts().taken_over >= 3).await;
    let lost = || [&one, &other].map(|twin| twin.connection_counts().lost_to_rivals);
    until("they know", || lost().into_iter().sum::<u64>() >= 3).await;
    programs.iter().for_each(tokio::task::JoinHandle::abort);
    // How many lines there are is a matter of time: `notices.rs` tests that.
    let warned_of = log.lines_with("two nodes of this name");
    assert!(
        (1..hub.connection_counts().taken_over).contains(&told_of(&warned_of)),
        "all but the first: {warned_of:?}"
    );
    for text in ["WARN", NAME, "before=127.0.0.1:", "after=127.0.0.1:"] {
        assert!(warned_of.iter().all(|line| line.contains(text)), "{warned_of:?}");
    }
    let rivals = log.lines_with("another node seems to have the name of this one");
    let lost = lost().into_iter().sum::<u64>();
    // One of them has lost its session twice; the first time of each may have been a start of its own node.
    assert!((1..lost - 1).contains(&told_of(&rivals)), "{rivals:?}");
    for text in ["WARN", hub.name()] {
        assert!(rivals.iter().all(|line| line.contains(text)), "{rivals:?}");
    }
}

/// How many times these lines stand for, as they say.
fn told_of(lines: &[String]) -> u64 {
    let times = |line: &String| {
        let (before, _) = line.split_once(" times since the last such line").unwrap();
        before.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    lines.iter().map(times).sum()
}

//= spec/connection.md#con-dia-006
//# A node whose dialled session is ended by CLOSE with code 3 soon after its beginning SHOULD wait before it
//# dials that name again, and longer each time.
#[tokio::test]
async fn a_node_that_is_replaced_right_after_it_has_connected_does_not_dial_at_once() {
    let a = node("a").await;
    let listener = Listener::bind().await;
    let peer = RawNode::new(&listener.name("b"), 7);
    let dialling = || {
        let (a, name) = (a.clone(), peer.name().to_owned());
        tokio::spawn(async move { a.connect(&name).await })
    };
    let dial = dialling();
    let mut session = peer.accept(&listener).await;
    within("the dial", dial).await.unwrap().unwrap();
    session.send(Close { code: Close::REPLACED, text: "another one".into() }).await;
    drop(session);
    until("the end", || a.connection_counts().lost_to_rivals == 1).await;
    let dial = dialling();
    tokio::select! {
        biased;
        () = tokio::time::sleep(Duration::from_millis(200)) => {}
        _ = listener.accept_tcp() => panic!("it dials at once"),
    }
    let _session = within("another try", peer.accept(&listener)).await;
    within("the dial", dial).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_node_that_waits_before_it_dials_again_takes_a_session_that_comes() {
    let a = node("a").await;
    let listener = Listener::bind().await;
    let peer = RawNode::new(&listener.name("b"), 7);
    for times in 1..=3 {
        let (dialler, name) = (a.clone(), peer.name().to_owned());
        let dial = tokio::spawn(async move { dialler.connect(&name).await });
        let mut session = within("a try", peer.accept(&listener)).await;
        within("the dial", dial).await.unwrap().unwrap();
        session.send(Close { code: Close::REPLACED, text: "another one".into() }).await;
        drop(session);
        until("the end", || a.connection_counts().lost_to_rivals == times).await;
    }
    // It waits for some seconds now. A node that stops ends that, and so does the peer by a dial of its own.
    let (dialler, name) = (a.clone(), peer.name().to_owned());
    let dial = tokio::spawn(async move { dialler.connect(&name).await });
    tokio::task::yield_now().await;
    let _session = peer.join(a.name()).await;
    within("the dial", dial).await.unwrap().unwrap();
    assert_eq!(a.nodes(), [peer.name().into()]);
}

#[tokio::test]
async fn a_node_that_is_started_again_is_no_second_one_of_its_name() {
    let log = Log::of_this_thread();
    let hub = node("hub").await;
    let first = twin().await;
    first.connect(hub.name()).await.unwrap();
    // Its last session is up when it is back.
    let again = twin().await;
    again.connect(hub.name()).await.unwrap();
    until("it has taken over", || hub.connection_counts().taken_over == 1).await;
    until("the end", || first.nodes().is_empty()).await;
    assert_eq!(log.lines_with("two nodes of this name"), Vec::<String>::new());
    assert_eq!(log.lines_with("another node seems"), Vec::<String>::new());
}
