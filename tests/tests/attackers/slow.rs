//! Handshakes that do not go on, and more of them than there are places.

use std::any::Any;
use std::net::Ipv4Addr;
use std::time::Duration;

use snow_dist_codec::framing;
use snow_dist_codec::limits::HANDSHAKE_BYTES_MAX;
use snow_dist_runtime::Node;
use snow_dist_tests::program::{connect, node, start, until, within};
use snow_dist_tests::raw_peer::{RawNode, Wire, address, connect_from, over};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpSocket, TcpStream};

use super::Friends;

async fn tcp(from: Ipv4Addr, to: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    within("a TCP connection", socket.connect(to.parse().unwrap())).await.unwrap()
}

/// A handshake that stalls, and is closed when this is dropped.
async fn stall(number: u8, from: Ipv4Addr, to: &str) -> Option<Box<dyn Any>> {
    let after = number % 3;
    if after == 0 {
        return Some(Box::new(tcp(from, to).await));
    }
    let mut wire = connect_from(from, to).await.ok()?;
    if after == 1 {
        let hello = RawNode::with_cookie("slow@h:1", 7, "guessed").hello(&wire);
        wire.say(&hello).await;
        assert_eq!(wire.hear().await.payload()[0], 2, "CHALLENGE");
    }
    Some(Box::new(wire))
}

//= spec/connection.md#con-plc-006
//# An acceptor MUST NOT let the handshake on one connection wait for what another connection sends.
//= spec/connection.md#con-plc-001
//# An acceptor MUST NOT hold more than `handshakes_max` connections that are not verified.
#[tokio::test]
async fn stalled_handshakes_of_others_hold_nobody_up() {
    let friends = Friends::new().await;
    let to = address(friends.node.name());
    let mut stalled = Vec::new();
    // Twice as many as there are places, from many addresses.
    for number in 0..255 {
        stalled.extend(stall(number, Ipv4Addr::new(127, 0, 1, 1 + number / 8), to).await);
    }
    assert!(stalled.len() > 128);
    friends.assert_undisturbed().await;
    let late = node("late").await;
    connect(&late, &friends.node).await;
    snow_dist_tests::program::assert_they_talk(&late, &friends.node).await;
    drop(stalled);
}

//= spec/connection.md#con-plc-002
//# An acceptor MUST NOT hold more than `handshakes_per_address_max` connections from one address that are not
//# verified.
//= spec/connection.md#con-plc-007
//# An acceptor without a free slot for a new connection MUST close one that holds a slot, and give the new
//# one that slot.
#[tokio::test]
async fn a_connection_too_many_of_one_address_gets_the_place_of_the_oldest() {
    let a = start(Node::builder("a@127.0.0.1:0").handshakes_per_address_max(8)).await;
    let from = Ipv4Addr::new(127, 0, 2, 1);
    let mut waiting = Vec::new();
    for _ in 0..8 {
        waiting.push(tcp(from, address(a.name())).await);
    }
    let ninth = tcp(from, address(a.name())).await;
    let mut bytes = Vec::new();
    within("the end of the oldest", waiting[0].read_to_end(&mut bytes)).await.ok();
    assert!(bytes.is_empty(), "nothing of TLS either");
    until("the count", || a.connection_counts().refused.gave_way == 1).await;
    // Not by its deadline: the second one, whose deadline is next, goes on, as the new one does.
    for (name, tcp) in [("raw1@127.0.0.1:1", waiting.remove(1)), ("raw2@127.0.0.1:1", ninth)] {
        let wire = over(tcp).await.unwrap();
        RawNode::new(name, 7).initiate(wire, a.name()).await.unwrap();
    }
}

//= spec/connection.md#con-plc-005
//# An acceptor MUST NOT count a verified connection against `handshakes_max` or `handshakes_per_address_max`.
#[tokio::test]
async fn a_session_holds_no_place() {
    let limited = Node::builder("a@127.0.0.1:0").handshakes_max(2).handshakes_per_address_max(1);
    let a = start(limited).await;
    let mut sessions = Vec::new();
    for number in 0..20 {
        let wire = connect_from(Ipv4Addr::new(127, 0, 2, 2), address(a.name())).await.unwrap();
        let peer = RawNode::new(&format!("raw{number}@127.0.0.1:1"), 7);
        sessions.push(peer.initiate(wire, a.name()).await.unwrap());
    }
    assert_eq!(a.nodes().len(), 20);
    assert_eq!(a.connection_counts().refused.gave_way, 0);
}

//= spec/connection.md#con-plc-001
//# An acceptor MUST NOT hold more than `handshakes_max` connections that are not verified.
//= spec/connection.md#con-plc-008
//# The connection that gives way MUST be one from the address of the new connection if that address holds
//# `handshakes_per_address_max` slots, and else one from an address that holds the most.
#[tokio::test]
async fn when_all_places_are_taken_the_oldest_of_the_address_with_most_gives_way() {
    let a = start(Node::builder("a@127.0.0.1:0").handshakes_max(8).handshakes_per_address_max(4)).await;
    let to = address(a.name());
    // One that is older than all others, alone at its address, and seven more.
    let oldest = tcp(Ipv4Addr::new(127, 0, 4, 1), to).await;
    let greedy = Ipv4Addr::new(127, 0, 4, 2);
    let mut first_of_greedy = tcp(greedy, to).await;
    let mut waiting = Vec::new();
    for from in [greedy, greedy, Ipv4Addr::new(127, 0, 4, 3), Ipv4Addr::new(127, 0, 4, 4)] {
        waiting.push(tcp(from, to).await);
    }
    for _ in 0..2 {
        waiting.push(tcp(Ipv4Addr::new(127, 0, 4, 5), to).await);
    }
    let late = tcp(Ipv4Addr::new(127, 0, 4, 99), to).await;
    within("the end", first_of_greedy.read_to_end(&mut Vec::new())).await.ok();
    // Not by its deadline: the oldest, whose deadline is before that, goes on, as the late one does.
    for (name, tcp) in [("raw1@127.0.0.1:1", oldest), ("raw2@127.0.0.1:1", late)] {
        let wire = over(tcp).await.unwrap();
        RawNode::new(name, 7).initiate(wire, a.name()).await.unwrap();
    }
}

/// Connections that say nothing, from some addresses in turn. They come when the test says so, and are held open to the end:
/// each that is over has given way, and was counted.
struct Silent<'n, A> {
    node: &'n Node,
    places: usize,
    addresses: A,
    held: Vec<TcpStream>,
    /// How many connections have come, silent or not, less those that were verified.
    come: usize,
}

impl<'n, A: Iterator<Item = Ipv4Addr>> Silent<'n, A> {
    /// They come from as many addresses as are given here, one after the other, until they have all places.
    async fn in_all_places(node: &'n Node, places: usize, addresses: A) -> Self {
        let mut silent = Self { node, places, addresses, held: Vec::new(), come: 0 };
        silent.come(places).await;
        silent
    }

    /// So many more come. Each has been given a place when this returns, and so has who came before.
    async fn come(&mut self, count: usize) {
        for from in self.addresses.by_ref().take(count) {
            self.held.push(tcp(from, address(self.node.name())).await);
        }
        self.come += count;
        let give_way = u64::try_from(self.come.saturating_sub(self.places)).unwrap();
        until("who gives way", || self.node.connection_counts().refused.gave_way >= give_way).await;
    }

    /// Nodes dial one after the other, each needs more than two turns of all places, and gets in at its first try.
    async fn keep_no_node_out(mut self) {
        for number in 0..4 {
            let peer = RawNode::new(&format!("honest{number}@127.0.0.1:1"), 7);
            let dial = tcp(Ipv4Addr::LOCALHOST, address(self.node.name())).await;
            self.come += 1;
            // It is silent itself: fewer may come than put it in the older half.
            self.come(self.places / 2 - 1).await;
            let wire = over(dial).await.unwrap();
            let challenged = peer.initiate_to_challenge(wire, self.node.name()).await.unwrap();
            // It has said its NAME: of the silent ones any number may come.
            self.come(2 * self.places).await;
            drop(peer.answer(challenged).await.unwrap());
            self.come -= 1;
        }
    }
}

//= spec/connection.md#con-plc-009
//# From the older half of the candidates, an acceptor MUST choose the connection whose handshake has come
//# least far, and of several such the oldest.
#[tokio::test]
async fn silent_connections_that_come_again_for_ever_keep_no_node_of_their_address_out() {
    let a = start(Node::builder("a@127.0.0.1:0").handshakes_per_address_max(8)).await;
    let addresses = std::iter::repeat(Ipv4Addr::LOCALHOST);
    Silent::in_all_places(&a, 8, addresses).await.keep_no_node_out().await;
}

//= spec/connection.md#con-plc-009
//# From the older half of the candidates, an acceptor MUST choose the connection whose handshake has come
//# least far, and of several such the oldest.
#[tokio::test]
async fn silent_connections_from_as_many_addresses_as_there_are_places_keep_no_node_out() {
    let a = start(Node::builder("a@127.0.0.1:0").handshakes_max(16)).await;
    let addresses = (1..=16).map(|host| Ipv4Addr::new(127, 0, 5, host)).cycle();
    Silent::in_all_places(&a, 16, addresses).await.keep_no_node_out().await;
}

//= spec/connection.md#con-dln-001
//# An acceptor MUST close a connection that is not verified `handshake_deadline` after TCP has accepted it.
//= spec/connection.md#con-dln-004
//# A node MUST NOT move a deadline of the handshake because bytes arrive.
#[tokio::test]
async fn a_stalled_handshake_is_over_after_its_deadline() {
    let friends = Friends::new().await;
    let to = address(friends.node.name());
    let from = Ipv4Addr::new(127, 0, 3, 1);
    let mut silent = tcp(from, to).await;
    let mut after_tls = connect_from(from, to).await.unwrap();
    let mut after_name = connect_from(from, to).await.unwrap();
    let hello = RawNode::with_cookie("slow@h:1", 7, "guessed").hello(&after_name);
    after_name.say(&hello).await;
    assert_eq!(after_name.hear().await.payload()[0], 2, "CHALLENGE");
    // Nor does a byte now and then put it off.
    let mut trickles = connect_from(from, to).await.unwrap();
    within("the end of who trickles", async {
        while trickles.try_write(&[1]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    within("the end", silent.read_to_end(&mut Vec::new())).await.ok();
    assert!(after_tls.hear().await.is_end());
    assert!(after_name.hear().await.is_end());
    friends.assert_undisturbed().await;
}

#[tokio::test]
async fn a_handshake_of_one_byte_at_a_time_is_a_handshake() {
    let a = node("a").await;
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut wire = connect_from(Ipv4Addr::LOCALHOST, address(a.name())).await.unwrap();
    let name = peer.hello(&wire);
    trickle(&mut wire, &name).await;
    let challenge = wire.hear().await.payload();
    let cookie = snow_dist_tests::program::COOKIE;
    let reply = snow_dist_tests::raw_peer::by_hand::reply(cookie, &wire.exporter(), &name, &challenge);
    trickle(&mut wire, &reply).await;
    assert_eq!(wire.hear().await.payload()[0], 4, "ACK");
    assert_eq!(a.nodes().len(), 1);
}

async fn trickle(wire: &mut Wire, payload: &[u8]) {
    let mut message = Vec::new();
    framing::put(payload, HANDSHAKE_BYTES_MAX, &mut message).unwrap();
    for byte in message {
        wire.write(&[byte]).await;
    }
}

//= spec/connection.md#con-dln-002
//# An initiator MUST give up a dial on which it has not sent REPLY `handshake_deadline` after it began to
//# connect.
#[tokio::test]
async fn who_never_answers_does_not_keep_a_dial_for_ever() {
    let a = node("a").await;
    let listener = snow_dist_tests::raw_peer::Listener::bind().await;
    let (silent, after_tls) = (listener.name("silent"), listener.name("after-tls"));
    let dials = [silent, after_tls].map(|name| {
        let a = a.clone();
        tokio::spawn(async move { a.connect(&name).await })
    });
    let one = listener.accept_tcp().await;
    let other = listener.accept().await;
    for dial in dials {
        let refused = within("a refusal", dial).await.unwrap().unwrap_err();
        assert!(matches!(refused, snow_dist_runtime::ConnectError::Deadline(_)), "{refused}");
    }
    drop((one, other));
}

//= spec/connection.md#con-dln-003
//# An initiator MUST give up a dial on which it has not received ACK `ack_deadline` after it sent REPLY.
//= spec/connection.md#con-elc-015
//# A node MUST NOT write a frame on a connection before it has sent ACK as its acceptor, or verified ACK as
//# its initiator.
#[tokio::test]
async fn who_withholds_ack_gets_no_frame_and_is_given_up() {
    let a = node("a").await;
    let listener = snow_dist_tests::raw_peer::Listener::bind().await;
    let name = listener.name("withholds");
    let dial = tokio::spawn({
        let (a, name) = (a.clone(), name.clone());
        async move { a.connect(&name).await }
    });
    let (mut wire, _verified) = RawNode::new(&name, 7).accept_to_reply(&listener).await;
    let (payloads, _) = wire.hear_all().await;
    assert_eq!(payloads, Vec::<Vec<u8>>::new());
    let refused = within("a refusal", dial).await.unwrap().unwrap_err();
    assert!(matches!(refused, snow_dist_runtime::ConnectError::Deadline(_)), "{refused}");
    assert!(a.nodes().is_empty());
}
