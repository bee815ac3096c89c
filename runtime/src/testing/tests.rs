#![allow(
    clippy::disallowed_methods,
    reason = "tests run on the runtime they are in, and look at the clock that they have paused"
)]

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::network::{Connection, Listener, Network};
use crate::{Context, Node, Pid, Reason, Received, StartError};

const COOKIE: &str = "a cookie of tests, long enough to say nothing about it";

async fn connected(network: &SimulatedNetwork) -> (Connection, Connection) {
    let mut listener = network.host("b").listen("b:1").await.unwrap();
    let dialled = network.host("a").connect("b:1").await.unwrap();
    (dialled, listener.accept().await.unwrap().0)
}

async fn read(stream: &mut Connection) -> Vec<u8> {
    let mut bytes = vec![0; 16];
    let count = stream.read(&mut bytes).await.unwrap();
    bytes.truncate(count);
    bytes
}

#[tokio::test(start_paused = true)]
async fn bytes_arrive_in_order_and_the_end_behind_them() {
    let network = SimulatedNetwork::new();
    let (mut a, mut b) = connected(&network).await;
    a.write_all(b"one").await.unwrap();
    network.delay("a", "b", Duration::from_secs(3));
    a.write_all(b"two").await.unwrap();
    a.shutdown().await.unwrap();
    let begun = Instant::now();
    assert_eq!((read(&mut b).await, begun.elapsed()), (b"one".to_vec(), Duration::ZERO));
    assert_eq!((read(&mut b).await, begun.elapsed().as_secs()), (b"two".to_vec(), 3));
    assert_eq!(read(&mut b).await, b"");
    assert_eq!(b.write(b"late").await.unwrap(), 4);
    drop(a);
    assert_eq!(b.write(b"x").await.unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
    drop(b);
    assert_eq!(network.pipe_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_writes_more_than_a_connection_holds_waits_for_the_reader() {
    let network = SimulatedNetwork::new();
    let (mut a, mut b) = connected(&network).await;
    let long = vec![7; 200_000];
    let (wrote, mut all) = (long.clone(), Vec::new());
    let writing = tokio::spawn(async move {
        a.write_all(&wrote).await.unwrap();
    });
    sleep(Duration::from_secs(1)).await;
    assert!(!writing.is_finished());
    b.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, long);
}

#[tokio::test(start_paused = true)]
async fn a_stall_holds_what_is_written_and_lets_dials_wait() {
    let network = SimulatedNetwork::new();
    let (mut a, mut b) = connected(&network).await;
    network.stall_one_way("a", "b");
    a.write_all(b"held").await.unwrap();
    b.write_all(b"back").await.unwrap();
    assert_eq!(read(&mut a).await, b"back");
    let longest = Duration::from_secs(600);
    assert!(timeout(longest, read(&mut b)).await.is_err());
    let mut listener = network.host("b").listen("b:2").await.unwrap();
    let dialler = network.host("a");
    let dialling = tokio::spawn(async move { dialler.connect("b:2").await.map(drop) });
    assert!(timeout(longest, listener.accept()).await.is_err());
    network.join("b", "a");
    assert_eq!(read(&mut b).await, b"held");
    dialling.await.unwrap().unwrap();
    listener.accept().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cut_breaks_both_ends_and_a_crash_takes_the_listener() {
    use std::io::ErrorKind::{AddrInUse, ConnectionRefused, ConnectionReset, HostUnreachable};
    let network = SimulatedNetwork::new();
    let (mut a, mut b) = connected(&network).await;
    let reading = tokio::spawn(async move { a.read_u8().await.unwrap_err().kind() });
    sleep(Duration::from_secs(1)).await;
    b.write_all(&[]).await.unwrap();
    network.cut("a", "b");
    assert_eq!(reading.await.unwrap(), ConnectionReset);
    assert_eq!(b.write(b"x").await.unwrap_err().kind(), ConnectionReset);
    let dial = async || network.host("a").connect("b:3").await.map(drop).map_err(|error| error.kind());
    assert_eq!(dial().await, Err(HostUnreachable));
    network.join_all();
    assert_eq!(dial().await, Err(ConnectionRefused));
    let _listener = network.host("b").listen("b:3").await.unwrap();
    assert_eq!(network.host("b").listen("b:3").await.unwrap_err().kind(), AddrInUse);
    assert_eq!(dial().await, Ok(()));
    network.crash("b");
    assert_eq!(dial().await, Err(ConnectionRefused));
    let _again = network.host("b").listen("b:3").await.unwrap();
    let _ = network.host("c");
    network.split(&["a", "c"]);
    assert_eq!(dial().await, Err(HostUnreachable));
}

#[tokio::test]
async fn a_host_has_its_own_addresses_and_no_others() {
    let network = SimulatedNetwork::new();
    let _ = network.host("east");
    for name in ["x@east:1", "x@north:0"] {
        let started = Node::builder(name).cookie(COOKIE).start_on(network.host("west")).await;
        let words = "this host of the simulated network is \"west\": a node on it is `name@west:port`";
        assert!(
            matches!(started, Err(StartError::Listen { error, .. }) if error.to_string() == words),
            "{name}"
        );
    }
    // As behind a machine that passes connections on: the name is not the address.
    let builder = Node::builder("x@east:1").cookie(COOKIE).listen("west:1");
    builder.start_on(network.host("west")).await.unwrap().shutdown().await;
}

#[tokio::test]
#[should_panic(expected = "no host of this network has the name \"typo\"")]
async fn a_host_that_there_is_not_is_the_test_s_mistake() {
    let network = SimulatedNetwork::new();
    let _ = network.host("a");
    network.cut("a", "typo");
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "what never comes: not within 600 s")]
async fn until_says_what_did_not_come() {
    until("what never comes", || false).await;
}

/// Each node keeps the next one connected.
async fn cluster<const N: usize>(network: &SimulatedNetwork, hosts: [&str; N]) -> [Node; N] {
    let mut nodes = Vec::new();
    for (at, host) in hosts.iter().enumerate() {
        let others = hosts.iter().skip(at + 1).map(|other| format!("{other}@{other}:1"));
        let builder = Node::builder(format!("{host}@{host}:1")).cookie(COOKIE).keep_connected(others);
        nodes.push(builder.start_on(network.host(host)).await.unwrap());
    }
    for node in &nodes {
        until("a session with each other node", || node.nodes().len() == N - 1).await;
    }
    nodes.try_into().unwrap()
}

/// Monitors a process of another node. Gives why it ended, as far as this node knows.
fn watch(node: &Node, watched: Pid) -> oneshot::Receiver<Reason> {
    let (told, is_told) = oneshot::channel();
    let watching = node.spawn(async move |mut ctx: Context| {
        ctx.monitor(watched).await.unwrap();
        loop {
            if let Received::Down { reason, .. } = ctx.recv().await {
                break told.send(reason).unwrap();
            }
        }
    });
    watching.unwrap();
    is_told
}

async fn stays(mut ctx: Context) {
    while !matches!(ctx.recv().await, Received::Exit { .. }) {}
}

#[tokio::test(start_paused = true)]
async fn nodes_lose_each_other_by_a_cut_and_by_a_stall_and_find_each_other_again() {
    let network = SimulatedNetwork::new();
    let [a, b, c] = cluster(&network, ["a", "b", "c"]).await;
    let watched = c.spawn(stays).unwrap();
    let lose: [fn(&SimulatedNetwork); 3] =
        [|network| network.cut("a", "c"), |network| network.stall("a", "c"), |network| network.split(&["c"])];
    for lose in lose {
        let is_told = watch(&a, a.pid_on("c@c:1", watched.local()).unwrap());
        sleep(Duration::from_secs(1)).await;
        lose(&network);
        assert_eq!(is_told.await.unwrap(), Reason::Noconnection);
        network.join_all();
        until("both of the others", || a.nodes().len() + b.nodes().len() == 4).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_started_again_is_another_start_of_it() {
    let network = SimulatedNetwork::new();
    let [a, b] = cluster(&network, ["a", "b"]).await;
    let before = b.spawn(stays).unwrap();
    let before = a.pid_on("b@b:1", before.local()).unwrap();
    let is_told = watch(&a, before);
    sleep(Duration::from_secs(1)).await;
    network.crash("b");
    until("the loss", || b.nodes().is_empty()).await;
    assert!(b.connect("a@a:1").await.is_err());
    b.shutdown().await;
    assert_eq!(is_told.await.unwrap(), Reason::Noconnection);
    let again = Node::builder("b@b:1").cookie(COOKIE).start_on(network.host("b")).await.unwrap();
    until("the node that was started again", || again.nodes().len() == 1 && a.nodes().len() == 1).await;
    let after = again.spawn(stays).unwrap();
    assert_ne!(a.pid_on("b@b:1", after.local()), Some(before));
}
