//! Frames that mean nothing, that are damaged, or that come in pieces.

use snow_dist_codec::frame::{Link, Ping, Pong, RegSend, Send, Spawn, SpawnReply, UnlinkAck, UnlinkId};
use snow_dist_codec::{Frame, Pid as WirePid, Reading};
use snow_dist_runtime::{Node, Reason, Received};
use snow_dist_tests::program::{
    assert_they_talk, begin, connect, exit, idle, node, received, run, text, until,
};
use snow_dist_tests::raw_peer::{Heard, RawNode, RawSession};

const PROTOCOL_ERROR: u16 = 1;
const PEER: &str = "raw@127.0.0.1:1";

async fn joined() -> (Node, RawSession) {
    let a = node("a").await;
    let session = RawNode::new(PEER, 7).join(a.name()).await;
    (a, session)
}

#[tokio::test]
async fn a_ping_is_answered_with_its_own_bytes() {
    let (_a, mut session) = joined().await;
    for payload in [[0; 8], [0xFF; 8], *b"\x01\x02\x03\x04\x05\x06\x07\x08"] {
        session.send(Ping { payload: &payload }).await;
        session.expect(Pong { payload: &payload }).await;
    }
}

//= spec/session.md#ses-spn-010
//# A node MUST ignore a SPAWN_REPLY whose `request` is not that of an own SPAWN of this session without an
//# answer.
//= spec/connection.md#con-hbt-007
//# A node MUST NOT end a session because of a PONG that it can read.
#[tokio::test]
async fn what_is_unknown_empty_or_unasked_for_is_ignored() {
    let (_a, mut session) = joined().await;
    session.wire.write(&[0; 4 * 10]).await;
    for tag in 0..=u8::MAX {
        let known =
            !matches!(Frame::decode(&[tag], Reading::Compatible), Ok(Frame::Unknown(_) | Frame::Empty));
        if !known {
            session.wire.say(&[tag]).await;
            session.wire.say(&[&[tag][..], &[0xFF; 40]].concat()).await;
        }
    }
    session.send(Pong { payload: &[1; 8] }).await;
    // Peer lists, global names and rooms: not built.
    session.wire.say(b"\x12\x01\x00\x05\x00a@h:1").await;
    session.wire.say(b"\x1B\x01\x00n\x05\x00\x00\x00\x00\x00\x07\x00\x05\x00a@h:1").await;
    session.wire.say(b"\x1C\x01\x00n").await;
    session.wire.say(b"\x1D\x00\x00\x00\x00").await;
    session.wire.say(b"\x1E\x01\x00r\x01\x00\x00\x00t").await;
    session.wire.say(b"\x1A\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00").await;
    assert_eq!(session.fence().await, []);
}

//= spec/dist.md#dist-rdg-004
//# A node MUST read what its peers send in the Compatible reading, unless its operator asks for the Strict
//# one.
#[tokio::test]
async fn surplus_bytes_are_ignored() {
    let (a, mut session) = joined().await;
    let (local, _) = begin(&a, idle);
    let to = session.theirs(local.local());
    let unlink = UnlinkId { from: session.mine(3), to, id: 1 };
    let mut payload = Vec::new();
    Frame::from(unlink).encode(&mut payload).unwrap();
    payload.extend_from_slice(b"and more");
    session.wire.say(&payload).await;
    session.expect(UnlinkAck { from: to, to: session.mine(3), id: 1 }).await;
    session.wire.say(b"\xF012345678 and more").await;
    session.expect(Pong { payload: b"12345678" }).await;
}

#[tokio::test]
async fn a_frame_of_one_byte_at_a_time_is_read_whole() {
    let (a, mut session) = joined().await;
    let (local, got) = begin(&a, async |mut ctx| text(&mut ctx).await);
    let mut bytes = Vec::new();
    let message = "trickles ".repeat(20);
    let send = Send { to: session.theirs(local.local()), message: message.as_bytes() };
    Frame::from(send).encode_framed(u32::MAX, &mut bytes).unwrap();
    for byte in bytes {
        session.wire.write(&[byte]).await;
    }
    assert_eq!(got.await.unwrap(), message);
}

#[tokio::test]
async fn many_frames_in_one_write_are_all_read() {
    let (a, mut session) = joined().await;
    let (local, got) = begin(&a, async |mut ctx| {
        for expected in 0..1_000_u32 {
            let Received::Message(message) = received(&mut ctx).await else { panic!("no message") };
            assert_eq!(message.as_bytes(), expected.to_le_bytes());
        }
    });
    let mut bytes = Vec::new();
    for number in 0..1_000_u32 {
        let send = Send { to: session.theirs(local.local()), message: &number.to_le_bytes() };
        Frame::from(send).encode_framed(u32::MAX, &mut bytes).unwrap();
    }
    session.wire.write(&bytes).await;
    got.await.unwrap();
}

//= spec/dist.md#dist-spr-001
//# A node MUST write into `local` a local id of at most 1 099 511 627 775, and 0 if `status` is not 0.
#[tokio::test]
async fn a_spawn_is_answered_with_no_such_function() {
    let (_a, mut session) = joined().await;
    for link in [0, 1, 2] {
        let requester = session.mine(3);
        session.send(Spawn { request: 9, requester, link, function: "run".into(), arguments: b"" }).await;
        session.expect(SpawnReply { request: 9, status: 1, local: 0 }).await;
    }
}

#[tokio::test]
async fn what_a_sender_cannot_be_is_ignored() {
    let (a, mut session) = joined().await;
    let (local, _) = begin(&a, idle);
    let to = session.theirs(local.local());
    let other_creation = session.mine(0).creation() % 255 + 1;
    for from in [WirePid::new(0, other_creation, 3), WirePid::new(1, 8, 3), WirePid::new(0xFFFF, 8, 3)] {
        session.send(Link { from: from.unwrap(), to }).await;
        session.send(UnlinkId { from: from.unwrap(), to, id: 1 }).await;
    }
    a.kill(local).unwrap();
    until("its end", || !a.is_alive(local)).await;
    assert_eq!(session.fence().await, []);
}

/// What a peer says that ends the session, as bytes behind the length.
fn breaches() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = vec![
        b"\x10\x01".to_vec(),                                                     // too short
        b"\x11\x05\x00name".to_vec(),          // a name longer than the frame
        b"\x11\x01\x00\xFF".to_vec(),          // no UTF-8
        b"\x12\x02\x00\x05\x00a@h:1".to_vec(), // a count that lies
        b"\x1D\xFF\xFF\xFF\xFF".to_vec(),      // D9 of version 1
        b"\xF01234567".to_vec(),               // a PING of 7 bytes
        b"\x82\x01\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05\x00a@h:1".to_vec(), // not negotiated: NODE_TABLE
        b"\x83\x01\x00\x00\x00\x00\x00\x00\x00\x03\x01\x00\x00\x00\x10".to_vec(), // FRAGMENT
        [&b"\x85"[..], &[0; 16], b"\x00"].concat(), // EXIT2
        [&b"\x86"[..], &[0; 8], b"\x01\x06"].concat(), // SEND_TERM
        [&b"\x10"[..], &(1_u64 << 48 | 1).to_le_bytes(), b"m"].concat(), // a receiver on another node
        [&b"\x13"[..], &[0; 8], &(1_u64 << 48 | 1).to_le_bytes()].concat(),
    ];
    // Every fixed frame, one byte short.
    for (tag, length) in
        [(0x13, 17), (0x14, 17), (0x15, 17), (0x16, 25), (0x17, 25), (0x18, 25), (0x80, 25), (0x81, 25)]
    {
        let mut payload = vec![0; length - 1];
        payload[0] = tag;
        all.push(payload);
    }
    // An exit without a reason, and with reasons that are cut or lie.
    for reason in [
        &b""[..],
        b"\x01",
        b"\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
        b"\x03\x01\x02",
        b"\x05\x02\0\0\0\0\0\0\0x",
    ] {
        all.push([&b"\x15"[..], &[0; 16], reason].concat());
    }
    all
}

//= spec/dist.md#dist-fld-011
//# A node whose reader refuses a frame or a message MUST close the connection on which it arrived.
//= spec/connection.md#con-cls-010
//# A node that ends a session because the peer broke a rule SHOULD write CLOSE with code 1.
#[tokio::test]
async fn a_breach_ends_the_session_and_everyone_gets_noconnection() {
    let (a, b) = (node("a").await, node("b").await);
    connect(&a, &b).await;
    for (incarnation, payload) in (1..).zip(breaches()) {
        let mut session = RawNode::new(PEER, incarnation).join(a.name()).await;
        let there = a.pid_on(PEER, 3).unwrap();
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        let (_, seen) = begin(&a, async move |mut ctx| {
            ctx.trap_exit(true);
            ctx.monitor_node(PEER).unwrap();
            ctx.link(there).await.unwrap();
            ready.send(()).unwrap();
            (exit(&mut ctx, there).await, received(&mut ctx).await)
        });
        is_ready.await.unwrap();
        session.next().await;
        session.wire.say(&payload).await;
        session.expect_close(PROTOCOL_ERROR).await;
        let (reason, down) = seen.await.unwrap();
        assert_eq!(reason, Reason::Noconnection, "{payload:02x?}");
        assert!(matches!(down, Received::NodeDown { .. }), "{payload:02x?}");
    }
    assert_they_talk(&a, &b).await;
}

#[tokio::test]
async fn a_length_over_the_limit_ends_the_session_before_its_bytes_come() {
    for length in [(16 << 20) + 1, u32::MAX] {
        let (_a, mut session) = joined().await;
        session.wire.write(&length.to_le_bytes()).await;
        session.expect_close(PROTOCOL_ERROR).await;
    }
}

//= spec/dist.md#dist-fld-012
//# A reader MUST return the frames before a refused one as if that one were not there.
#[tokio::test]
async fn what_came_before_a_breach_counts() {
    let (a, mut session) = joined().await;
    let (local, got) = begin(&a, async |mut ctx| text(&mut ctx).await);
    let mut bytes = Vec::new();
    let send = Send { to: session.theirs(local.local()), message: b"before" };
    Frame::from(send).encode_framed(u32::MAX, &mut bytes).unwrap();
    bytes.extend_from_slice(&[1, 0, 0, 0, 0x10]);
    session.wire.write(&bytes).await;
    assert_eq!(got.await.unwrap(), "before");
    session.expect_close(PROTOCOL_ERROR).await;
}

//= spec/connection.md#con-cls-003
//# A node MUST NOT handle what follows a CLOSE in the stream.
#[tokio::test]
async fn what_comes_behind_a_close_does_not_count() {
    let (a, mut session) = joined().await;
    let (local, got) = begin(&a, async |mut ctx| text(&mut ctx).await);
    let mut bytes = b"\x05\x00\x00\x00\x84\x00\x00\x00\x00".to_vec();
    let send = Send { to: session.theirs(local.local()), message: b"behind" };
    Frame::from(send).encode_framed(u32::MAX, &mut bytes).unwrap();
    session.wire.write(&bytes).await;
    //= spec/connection.md#con-cls-004
    //# A node MUST NOT answer a CLOSE with a CLOSE.
    assert_eq!(session.wire.hear_all().await.0, Vec::<Vec<u8>>::new());
    until("the end", || a.nodes().is_empty()).await;
    a.send(local, "after").await.unwrap();
    assert_eq!(got.await.unwrap(), "after");
}

//= spec/connection.md#con-elc-016
//# An acceptor MUST read bytes that have come behind REPLY as the first bytes of the session, if the
//# connection becomes one.
#[tokio::test]
async fn frames_behind_the_handshake_in_the_same_write_are_read() {
    let a = node("a").await;
    let (local, got) = begin(&a, async |mut ctx| text(&mut ctx).await);
    run(&a, async move |ctx| {
        // Keeps the process known under a name, which needs no pid of a session.
        ctx.node().register("early", local).unwrap();
    })
    .await;
    let peer = RawNode::new(PEER, 7);
    let wire = snow_dist_tests::raw_peer::connect(snow_dist_tests::raw_peer::address(a.name())).await;
    let (mut wire, expect_ack) = peer.initiate_to_reply(wire, a.name()).await.unwrap();
    let mut bytes = Vec::new();
    Frame::from(RegSend { name: "early".into(), message: b"bird" })
        .encode_framed(u32::MAX, &mut bytes)
        .unwrap();
    wire.write(&bytes).await;
    //= spec/connection.md#con-elc-015
    //# A node MUST NOT write a frame on a connection before it has sent ACK as its acceptor, or verified ACK
    //# as its initiator.
    let Heard::Payload(ack) = wire.hear().await else { panic!("no ACK") };
    expect_ack.handle(&ack).unwrap();
    assert_eq!(got.await.unwrap(), "bird");
}
