//! Names of nodes.

use std::net::Ipv4Addr;

use snow_dist_codec::handshake::Reject;
use snow_dist_codec::{Handshake, Reading};
use snow_dist_runtime::core::handshake::Failure;
use snow_dist_runtime::{ConnectError, Node, Received, SendError, StartError};
use snow_dist_tests::program::{
    COOKIE, assert_they_talk, begin, connect, node, received, run, start, text, until, within,
};
use snow_dist_tests::raw_peer::{Listener, RawNode, address, by_hand, connect as connect_raw};

//= spec/dist.md#dist-nam-003
//# A node MUST complete a node name without a port with `:9000` before it announces, dials, compares or
//# orders it.
#[tokio::test]
async fn a_name_without_a_port_is_one_with_port_9000() {
    // An address of this machine that no other test listens at.
    let b = start(Node::builder("b@127.90.0.1")).await;
    assert_eq!(b.name(), "b@127.90.0.1:9000");
    let a = node("a").await;
    let (_, seen) = begin(&a, async |mut ctx| {
        ctx.register("watcher").unwrap();
        ctx.monitor_node("b@127.90.0.1").unwrap();
        (received(&mut ctx).await, received(&mut ctx).await)
    });
    until("the watcher", || a.whereis("watcher").is_some()).await;
    within("a session", a.connect("b@127.90.0.1")).await.unwrap();
    within("the same", a.connect("b@127.90.0.1:9000")).await.unwrap();
    assert_eq!(a.nodes().iter().map(|name| &**name).collect::<Vec<_>>(), ["b@127.90.0.1:9000"]);
    assert_eq!(a.pid_on("b@127.90.0.1", 5), a.pid_on("b@127.90.0.1:9000", 5));
    assert_they_talk(&a, &b).await;
    assert!(a.disconnect("b@127.90.0.1"));
    let (up, down) = within("up and down", seen).await.unwrap();
    assert!(matches!(up, Received::NodeUp { name } if &*name == "b@127.90.0.1:9000"));
    assert!(matches!(down, Received::NodeDown { .. }));
    let own = b.connect("b@127.90.0.1:9000").await.unwrap_err();
    assert!(matches!(own, ConnectError::OwnName), "{own}");
}

#[tokio::test]
async fn port_0_is_announced_as_the_port_that_the_system_chose() {
    let a = node("a").await;
    let port: u16 = a.name().rsplit_once(':').unwrap().1.parse().unwrap();
    assert_ne!(port, 0);
    let session = RawNode::new("raw@127.0.0.1:1", 7).join(a.name()).await;
    assert_eq!(*session.peer.name, *a.name());
}

//= spec/dist.md#dist-nam-001
//# The name that a node announces for itself MUST be a node name.
//= spec/dist.md#dist-nam-002
//# A node MUST NOT dial anything but a name to dial.
#[tokio::test]
async fn what_is_no_name_is_refused_where_it_is_said() {
    let a = node("a").await;
    for name in ["", "a", "@h", "a@", "a@h:99999", "a@h:x"] {
        let refused = a.connect(name).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Name(_)), "{name}: {refused}");
        let refused = Node::builder(name).cookie("c").start().await.unwrap_err();
        assert!(matches!(refused, StartError::Name(_)), "{name}: {refused}");
    }
    let refused = a.connect("a@h:0").await.unwrap_err();
    assert!(matches!(refused, ConnectError::PortUnknown), "{refused}");
}

#[tokio::test]
async fn what_is_no_name_is_refused_where_something_is_sent_or_watched() {
    let a = node("a").await;
    run(&a, async |mut ctx| {
        ctx.register("own").unwrap();
        for name in ["", "a", "@h", "a@", "a@h:99999", "a@h:x"] {
            assert!(ctx.monitor_node(name).is_err() && ctx.demonitor_node(name).is_err(), "{name}");
            let sent = [
                ctx.send_named("own", name, "x").await,
                ctx.send_named_term("own", name, &1).await,
                ctx.node().send_named("own", name, "x").await,
                ctx.node().send_named_term("own", name, &1).await,
            ];
            for sent in sent {
                assert!(matches!(sent, Err(SendError::Node(_))), "{name}: {sent:?}");
            }
            assert!(!ctx.node().disconnect(name) && ctx.node().pid_on(name, 1).is_none(), "{name}");
        }
        let own = ctx.node().name().to_owned();
        ctx.send_named("own", &own, "here").await.unwrap();
        assert_eq!(text(&mut ctx).await, "here");
    })
    .await;
    assert_eq!(a.messages_unsent(), 0);
}

#[tokio::test]
async fn an_address_that_stands_for_all_of_a_machine_names_no_node() {
    let a = node("a").await;
    for host in ["0.0.0.0", "[::]", "[::ffff:0.0.0.0]", "0"] {
        let refused = Node::builder(format!("b@{host}:0")).cookie(COOKIE).start().await.unwrap_err();
        assert!(
            matches!(&refused, StartError::HostUnspecified { host: named } if named == host),
            "{refused}"
        );
        let refused = a.connect(&format!("b@{host}:4000")).await.unwrap_err();
        assert!(
            matches!(&refused, ConnectError::HostUnspecified { host: named } if named == host),
            "{refused}"
        );
    }
    // To listen at all of them is something else.
    let b = start(Node::builder("b@127.0.0.1:0").listen("0.0.0.0:0")).await;
    connect(&a, &b).await;
}

#[tokio::test]
async fn a_node_does_not_connect_to_itself() {
    let a = node("a").await;
    assert!(matches!(a.connect(a.name()).await, Err(ConnectError::OwnName)));
    // Not by another of its addresses either: the name that answers is not the one that was dialled.
    let port = a.name().rsplit_once(':').unwrap().1;
    let refused = within("a refusal", a.connect(&format!("a@localhost:{port}"))).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Handshake(Failure::Answered { .. })), "{refused}");
    assert!(a.nodes().is_empty());
}

//= spec/handshake.md#hs-nam-005
//# An acceptor MUST refuse a peer whose name is its own name or not a node name, but not before it has
//# verified REPLY.
#[tokio::test]
async fn a_peer_with_the_own_name_is_refused_once_it_is_known_to_be_one() {
    let a = node("a").await;
    let mut wire = connect_raw(address(a.name())).await;
    let name = RawNode::new(a.name(), 7).hello(&wire);
    wire.say(&name).await;
    let challenge = wire.hear().await.payload();
    wire.say(&by_hand::reply(COOKIE, &wire.exporter(), &name, &challenge)).await;
    let refused = wire.hear().await.payload();
    let Ok(Handshake::Reject(reject)) = Handshake::decode(&refused, Reading::Strict) else {
        panic!("{refused:?}")
    };
    assert_eq!(reject.code, Reject::NAME);
    assert!(a.nodes().is_empty());
}

//= spec/handshake.md#hs-nam-004
//# An initiator MUST end a handshake in which the name in CHALLENGE is not the one that it dialled.
#[tokio::test]
async fn another_node_than_the_one_dialled_is_refused() {
    let (a, b) = (node("a").await, node("b").await);
    let port = b.name().rsplit_once(':').unwrap().1;
    let dialled = format!("c@127.0.0.1:{port}");
    let refused = within("a refusal", a.connect(&dialled)).await.unwrap_err();
    let ConnectError::Handshake(Failure::Answered { answered, .. }) = refused else { panic!("{refused}") };
    assert_eq!(*answered, *b.name());
    assert!(a.nodes().is_empty() && b.nodes().is_empty());
}

#[tokio::test]
async fn a_name_is_what_the_peer_says_wherever_it_dials_from() {
    let a = node("a").await;
    let listener = Listener::bind_at(Ipv4Addr::LOCALHOST, 0).await;
    let peer = RawNode::new(&listener.name("raw"), 7);
    let _session = peer.join(a.name()).await;
    assert_eq!(a.nodes().iter().map(|name| &**name).collect::<Vec<_>>(), [peer.name()]);
}

#[tokio::test]
async fn who_is_connected_is_not_dialled_again() {
    let (a, b) = (node("a").await, node("b").await);
    connect(&a, &b).await;
    for _ in 0..10 {
        a.connect(b.name()).await.unwrap();
        b.connect(a.name()).await.unwrap();
    }
    assert_eq!((a.nodes().len(), b.nodes().len()), (1, 1));
    // By the pid of a process, which is of one session: it is still the same.
    let there = a.pid_on(b.name(), 1);
    run(&a, async |_| ()).await;
    assert_eq!(a.pid_on(b.name(), 1), there);
}

#[tokio::test]
async fn nobody_listens_there() {
    let a = node("a").await;
    let listener = Listener::bind().await;
    let name = listener.name("b");
    drop(listener);
    let refused = within("a refusal", a.connect(&name)).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Tcp { .. }), "{refused}");
}

#[tokio::test]
async fn something_else_listens_there() {
    use tokio::io::AsyncWriteExt;
    let a = node("a").await;
    let listener = Listener::bind().await;
    let name = listener.name("b");
    let web = tokio::spawn(async move {
        let mut tcp = listener.accept_tcp().await;
        tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let refused = within("a refusal", a.connect(&name)).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Tls(_)), "{refused}");
    web.await.unwrap();
}
