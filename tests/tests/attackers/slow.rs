//! Handshakes that do not go on, and more of them than there are places.

use std::any::Any;
use std::net::Ipv4Addr;

use snow_dist_codec::framing;
use snow_dist_codec::limits::HANDSHAKE_BYTES_MAX;
use snow_dist_tests::program::{connect, node, within};
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
    // Twice as many as there are places, from as many addresses as it takes.
    for number in 0..128 {
        stalled.extend(stall(number, Ipv4Addr::new(127, 0, 1, 1 + number / 8), to).await);
    }
    assert!(stalled.len() > 64);
    friends.assert_undisturbed().await;
    let late = node("late").await;
    connect(&late, &friends.node).await;
    snow_dist_tests::program::assert_they_talk(&late, &friends.node).await;
    drop(stalled);
}

//= spec/connection.md#con-plc-002
//# An acceptor MUST NOT hold more than `handshakes_per_address_max` connections from one address that are not
//# verified.
//= spec/connection.md#con-plc-003
//# An acceptor MUST close a connection for which its address has no place without writing a byte on it.
//= spec/connection.md#con-plc-005
//# An acceptor MUST NOT count a verified connection against `handshakes_max` or `handshakes_per_address_max`.
#[tokio::test]
async fn one_address_has_8_places_and_the_next_is_closed_without_tls() {
    let friends = Friends::new().await;
    let to = address(friends.node.name());
    let from = Ipv4Addr::new(127, 0, 2, 1);
    let oldest = tcp(from, to).await;
    let mut waiting = Vec::new();
    for _ in 0..7 {
        waiting.push(tcp(from, to).await);
    }
    let mut ninth = tcp(from, to).await;
    let mut bytes = Vec::new();
    within("the end", ninth.read_to_end(&mut bytes)).await.ok();
    assert!(bytes.is_empty(), "nothing of TLS either");
    // Not by its deadline: the oldest, whose deadline is before that, goes on.
    let wire = over(oldest).await.unwrap();
    RawNode::new("raw@127.0.0.1:1", 7).initiate(wire, friends.node.name()).await.unwrap();
    // Who has shown its REPLY holds no place any more, so one address may have many sessions.
    drop(waiting);
    let from = Ipv4Addr::new(127, 0, 2, 2);
    let mut sessions = Vec::new();
    for number in 0..20 {
        let wire = connect_from(from, to).await.unwrap();
        let peer = RawNode::new(&format!("raw{number}@127.0.0.1:1"), 7);
        sessions.push(peer.initiate(wire, friends.node.name()).await.unwrap());
    }
    assert_eq!(friends.node.nodes().len(), 21);
}

//= spec/connection.md#con-plc-004
//# An acceptor that has no place left MUST close the oldest connection of the address that holds the most
//# places, and give that place to the new connection.
#[tokio::test]
async fn when_all_places_are_taken_the_oldest_of_the_address_with_most_gives_way() {
    let friends = Friends::new().await;
    let to = address(friends.node.name());
    // One that is older than all others, alone at its address, and 63 more.
    let oldest = tcp(Ipv4Addr::new(127, 0, 4, 1), to).await;
    let greedy = Ipv4Addr::new(127, 0, 4, 2);
    let mut first_of_greedy = tcp(greedy, to).await;
    let mut waiting = Vec::new();
    for number in 0..62 {
        let from = if number < 7 { greedy } else { Ipv4Addr::new(127, 0, 4, number / 7 + 2) };
        waiting.push(tcp(from, to).await);
    }
    let late = tcp(Ipv4Addr::new(127, 0, 4, 99), to).await;
    within("the end", first_of_greedy.read_to_end(&mut Vec::new())).await.ok();
    // Not by its deadline: the oldest, whose deadline is before that, goes on, as the late one does.
    for (name, tcp) in [("raw1@127.0.0.1:1", oldest), ("raw2@127.0.0.1:1", late)] {
        let wire = over(tcp).await.unwrap();
        RawNode::new(name, 7).initiate(wire, friends.node.name()).await.unwrap();
    }
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
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
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
//# A node MUST NOT write a frame on a connection on which ACK has not been sent, or not been verified.
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
