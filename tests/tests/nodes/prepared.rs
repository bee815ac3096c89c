//! Starting in two steps, and listening elsewhere than the name says.

use std::io;
use std::net::SocketAddr;

use snow_dist_runtime::{Connection, Network, Node, NodeBuilder, StartError, Tcp, TcpListeners};
use snow_dist_tests::program::{COOKIE, assert_they_talk, begin, connect, idle, node, run, text, within};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;

fn builder(name: &str) -> NodeBuilder {
    Node::builder(name).cookie(COOKIE)
}

/// On one thread, so that all that could let the peer in has run when it is looked.
#[tokio::test]
async fn a_peer_that_dials_early_waits_and_finds_all_that_the_node_has() {
    let (peer, prepared) = (node("peer").await, builder("a@127.0.0.1:0").prepare().await.unwrap());
    let name = prepared.node().name().to_owned();
    let dial = tokio::spawn({
        let (peer, name) = (peer.clone(), name.clone());
        async move { peer.connect(&name).await }
    });
    // It is connected, as far as the system is concerned.
    TcpStream::connect(name.strip_prefix("a@").unwrap()).await.unwrap();
    for _ in 0..1_000 {
        yield_now().await;
    }
    assert!(!dial.is_finished() && prepared.node().nodes().is_empty());
    let (server, heard) = begin(prepared.node(), async |mut ctx| text(&mut ctx).await);
    prepared.node().register("server", server).unwrap();
    let a = prepared.listen();
    within("the session", dial).await.unwrap().unwrap();
    peer.send_named("server", &name, "the first of all").await.unwrap();
    assert_eq!(within("the message", heard).await.unwrap(), "the first of all");
    a.shutdown().await;
}

#[tokio::test]
async fn a_node_may_dial_before_it_listens() {
    let (peer, prepared) = (node("peer").await, builder("a@127.0.0.1:0").prepare().await.unwrap());
    let server = prepared.node().spawn(idle).unwrap();
    prepared.node().register("server", server).unwrap();
    connect(prepared.node(), &peer).await;
    let name = prepared.node().name().to_owned();
    let found = run(&peer, async move |ctx| ctx.whereis_on("server", &name).await.unwrap()).await;
    assert_eq!(found.map(|pid| pid.local()), Some(server.local()));
    let other = node("other").await;
    connect(&other, &prepared.listen()).await;
}

#[tokio::test]
async fn a_prepared_node_has_its_port_and_leaves_it_when_it_is_stopped_or_dropped() {
    let prepared = builder("a@127.0.0.1:0").prepare().await.unwrap();
    let name = prepared.node().name().to_owned();
    let taken = builder(&name).prepare().await.unwrap_err();
    assert!(matches!(taken, StartError::Listen { .. }), "{taken}");
    prepared.node().shutdown().await;
    let again = builder(&name).prepare().await.unwrap();
    drop(again);
    // The tasks that had the port end when they next run.
    let listener = within("the port", async {
        loop {
            match TcpListener::bind(name.strip_prefix("a@").unwrap()).await {
                Ok(listener) => return listener,
                Err(_) => yield_now().await,
            }
        }
    });
    drop(listener.await);
}

/// Leads to one address, whatever is dialled: a router that translates addresses.
struct Router(SocketAddr);

impl Network for Router {
    type Listener = TcpListeners;

    async fn listen(&self, address: &str) -> io::Result<TcpListeners> {
        Tcp.listen(address).await
    }

    async fn connect(&self, _: &str) -> io::Result<Connection> {
        Tcp.connect(&self.0.to_string()).await
    }
}

#[tokio::test]
async fn a_node_is_reached_at_each_of_its_addresses_by_the_name_that_it_announces() {
    // A host that no machine has (RFC 2606).
    let name = "a@cluster.invalid:4000";
    let hosts = ["127.0.0.1", "127.0.0.2", "[::1]"];
    let builder = hosts.iter().fold(builder(name), |builder, host| builder.listen(format!("{host}:0")));
    let prepared = builder.prepare().await.unwrap();
    let ports: Vec<_> = prepared.ports().iter().map(|port| port.unwrap()).collect();
    let a = prepared.listen();
    assert_eq!((a.name(), ports.len()), (name, hosts.len()));
    for (number, (host, port)) in hosts.iter().zip(ports).enumerate() {
        let router = Router(format!("{host}:{port}").parse().unwrap());
        let peer = Node::builder(format!("peer-{number}@127.0.0.1:0")).cookie(COOKIE);
        let peer = peer.start_on(router).await.unwrap();
        connect(&peer, &a).await;
        assert_they_talk(&peer, &a).await;
    }
}

#[tokio::test]
async fn a_name_without_a_port_has_that_of_the_first_address() {
    let prepared =
        builder("a@127.0.0.1:0").listen("127.0.0.2:0").listen("127.0.0.1:0").prepare().await.unwrap();
    let first = prepared.ports()[0].unwrap();
    assert_eq!(prepared.node().name(), format!("a@127.0.0.1:{first}"));
}

#[tokio::test]
async fn localhost_is_listened_at_and_dialled_by_each_of_its_addresses() {
    let (a, b) = (builder("a@localhost:0"), builder("b@localhost:0"));
    let (a, b) = (a.start().await.unwrap(), b.start().await.unwrap());
    connect(&a, &b).await;
    assert_they_talk(&b, &a).await;
}

#[tokio::test]
async fn addresses_that_are_none_or_too_many_are_errors_that_say_so() {
    let error = builder("a@127.0.0.1:0").listen("127.0.0.1:0").listen("nowhere").start().await.unwrap_err();
    assert_eq!(error.to_string(), "cannot listen at nowhere: not `host:port`");
    let unknown = builder("a@127.0.0.1:0").listen("nowhere.invalid:1").start().await.unwrap_err();
    assert!(unknown.to_string().contains("the name nowhere.invalid cannot be resolved: "), "{unknown}");
    let many = (0..65).fold(builder("a@127.0.0.1:0"), |builder, _| builder.listen("127.0.0.1:0"));
    let error = many.start().await.unwrap_err();
    assert_eq!(error.to_string(), "listen is 65: it must be from 0 to 64");
}

#[tokio::test]
async fn what_cannot_be_dialled_names_its_host() {
    let a = node("a").await;
    let error = a.connect("b@nowhere.invalid:1").await.unwrap_err().to_string();
    assert!(error.starts_with("no connection to nowhere.invalid:1: the name nowhere.invalid "), "{error}");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = a.connect(&format!("b@localhost:{}", closed.port())).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("no connection to localhost:{}: ", closed.port())), "{error}");
    assert!(error.contains(&format!("{closed}: Connection refused")), "{error}");
}
