//! Nodes that find each other: what is found is driven by hand, and what comes of it are sessions.

use std::time::Duration;

use snow_dist_runtime::discovery::{DiscoverError, Discovery, List, LookError};
use snow_dist_runtime::{Node, StartError};
use snow_dist_tests::program::{COOKIE, node, start, until, within};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Finds what it is told, look by look, and nothing more.
struct Driven(UnboundedReceiver<Vec<String>>);

fn driven() -> (UnboundedSender<Vec<String>>, Driven) {
    let (find, found) = unbounded_channel();
    (find, Driven(found))
}

impl Discovery for Driven {
    async fn look(&mut self) -> Result<Vec<String>, LookError> {
        Ok(self.0.recv().await.ok_or("nothing more")?)
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(100)
    }

    fn source(&self) -> String {
        "a test".to_owned()
    }
}

/// Begins a node whose discovery a test drives.
async fn driven_node(name: &str) -> (UnboundedSender<Vec<String>>, Node) {
    let (find, found) = driven();
    (find, start(Node::builder(format!("{name}@127.0.0.1:0")).discover(found)).await)
}

fn names(nodes: &[&Node]) -> Vec<String> {
    nodes.iter().map(|node| node.name().to_owned()).collect()
}

/// Waits until these are all nodes that are kept connected.
async fn keeps(node: &Node, names: &[String]) {
    until("the nodes that are kept", || {
        node.kept().iter().map(|kept| &*kept.name).eq(names.iter().map(String::as_str))
    })
    .await;
}

#[tokio::test]
async fn what_is_found_is_connected_and_what_has_vanished_is_not_dialled_again() {
    let (find, a) = driven_node("a").await;
    let (b, c) = (node("b").await, node("c").await);
    find.send(names(&[&b, &a])).unwrap();
    until("the session", || a.nodes() == [b.name().into()]).await;
    find.send(names(&[&c])).unwrap();
    until("both sessions", || a.nodes().len() == 2).await;
    // The session stays; a node that was lost is dialled no more.
    keeps(&a, &names(&[&c])).await;
    assert_eq!(a.nodes().len(), 2);
    assert_eq!(a.discoveries()[0].nodes.to_vec(), [c.name().into()]);
    b.shutdown().await;
    until("the end", || a.nodes() == [c.name().into()]).await;
}

#[tokio::test]
async fn a_node_that_is_lost_and_still_found_is_dialled_again() {
    let (find, a) = driven_node("a").await;
    let b = node("b").await;
    let found = names(&[&b]);
    find.send(found.clone()).unwrap();
    until("the session", || !a.nodes().is_empty()).await;
    b.shutdown().await;
    until("its end", || a.nodes().is_empty()).await;
    let again = start(Node::builder(&*found[0])).await;
    until("a session with the next start", || !a.nodes().is_empty() && !again.nodes().is_empty()).await;
}

#[tokio::test]
async fn two_names_of_one_node_are_one_session_and_an_error_that_says_so() {
    let (find, a) = driven_node("a").await;
    let b = node("b").await;
    let other = b.name().replacen("b@", "z@", 1);
    find.send(vec![b.name().to_owned(), other.clone()]).unwrap();
    until("the session", || a.nodes() == [b.name().into()]).await;
    let failure =
        || a.kept().iter().find(|kept| *kept.name == *other).and_then(|kept| kept.last_failure.clone());
    until("the refusal of the other name", || failure().is_some()).await;
    let words = failure().unwrap();
    assert!(words.contains(b.name()), "{words}");
    assert_eq!((a.nodes().len(), b.nodes().len()), (1, 1));
}

#[tokio::test]
async fn a_prepared_node_looks_when_it_listens() {
    let (find, found) = driven();
    let b = node("b").await;
    let builder = Node::builder("a@127.0.0.1:0").cookie(COOKIE).discover(found);
    let prepared = builder.prepare().await.unwrap();
    find.send(names(&[&b])).unwrap();
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(prepared.node().discoveries()[0].looks, 0);
    let a = prepared.listen();
    until("the session", || !a.nodes().is_empty()).await;
}

#[tokio::test]
async fn a_discovery_ends_with_its_handle_and_takes_nothing_from_others() {
    let (find, a) = driven_node("a").await;
    let (b, c, d) = (node("b").await, node("c").await, node("d").await);
    find.send(names(&[&b])).unwrap();
    a.keep(c.name()).unwrap();
    let list = List::new(names(&[&b, &c, &d]));
    let discovering = a.discover(list.clone()).unwrap();
    keeps(&a, &names(&[&b, &c, &d])).await;
    assert_eq!(a.discoveries().len(), 2);
    within("the end", discovering.stop()).await;
    assert_eq!((a.discoveries().len(), a.kept().len()), (1, 2));
    assert!(a.let_go(c.name()) && !a.let_go(c.name()) && !a.let_go(b.name()));
    drop(a.discover(list.clone()).unwrap());
    until("the end", || a.discoveries().len() == 1).await;
    a.discover(list).unwrap().detach();
    keeps(&a, &names(&[&b, &c, &d])).await;
    within("the end of the node", a.shutdown()).await;
    assert!(a.discoveries().is_empty());
    let error = a.discover(List::default()).unwrap_err();
    assert_eq!(error, DiscoverError::Stopped);
}

/// Looks as often as it is told.
struct Every(Duration);

impl Discovery for Every {
    async fn look(&mut self) -> Result<Vec<String>, LookError> {
        Ok(Vec::new())
    }

    fn interval(&self) -> Duration {
        self.0
    }
}

#[tokio::test]
async fn discoveries_are_bounded() {
    for (interval, is_allowed) in [(99, false), (100, true), (86_400_000, true), (86_400_001, false)] {
        let builder =
            Node::builder("a@127.0.0.1:0").cookie(COOKIE).discover(Every(Duration::from_millis(interval)));
        match builder.start().await {
            Ok(_) => assert!(is_allowed, "{interval}"),
            Err(error) => assert!(!is_allowed && matches!(error, StartError::Discover(_)), "{error}"),
        }
    }
    let a = node("a").await;
    let running: Vec<_> = (0..64).map(|_| a.discover(List::default()).unwrap()).collect();
    assert_eq!(a.discover(List::default()).unwrap_err(), DiscoverError::TooMany { max: 64 });
    drop(running);
    until("their end", || a.discoveries().is_empty()).await;
    a.discover(List::default()).unwrap().detach();
    let alone = Node::alone(tokio::runtime::Handle::current());
    assert_eq!(alone.discover(List::default()).unwrap_err(), DiscoverError::Alone);
}
