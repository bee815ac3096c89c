//! Peers that know the cookie and do their worst: too much, too long, and nothing read.

use std::net::Ipv4Addr;

use snow_dist_codec::frame::{Exit, Link, Ping, Send};
use snow_dist_codec::{Frame, Pid as WirePid, ReasonBuf, Root};
use snow_dist_runtime::{Node, Reason};
use snow_dist_tests::program::{assert_they_talk, begin, connect, exit, idle, node, text, until, within};
use snow_dist_tests::raw_peer::{Heard, RawNode, RawSession, address, connect_from};

use super::Friends;

const PEER: &str = "raw@127.0.0.1:1";

async fn joined(node: &Node) -> RawSession {
    RawNode::new(PEER, 7).join(node.name()).await
}

fn repeated<'f>(frame: impl Into<Frame<'f>>, count: usize) -> Vec<u8> {
    let mut one = Vec::new();
    frame.into().encode_framed(u32::MAX, &mut one).unwrap();
    one.repeat(count)
}

#[tokio::test]
async fn a_flood_of_pings_that_reads_nothing_is_answered_in_time_or_by_the_last_pong() {
    let friends = Friends::new().await;
    let mut session = joined(&friends.node).await;
    let pings = repeated(Ping { payload: b"12345678" }, 10_000);
    for _ in 0..50 {
        session.wire.write(&pings).await;
    }
    assert_they_talk(&friends.friend, &friends.node).await;
    session.send(Ping { payload: b"the last" }).await;
    let mut pongs = 0;
    loop {
        let next = session.next().await;
        let Frame::Pong(pong) = next.frame() else { panic!("{next:?}") };
        pongs += 1;
        if pong.payload == b"the last" {
            break;
        }
    }
    assert!(pongs <= 500_001);
    assert_eq!(session.fence().await, []);
}

#[tokio::test]
async fn who_asks_and_does_not_read_the_answers_is_cut() {
    let friends = Friends::new().await;
    let mut session = joined(&friends.node).await;
    let (from, to) = (session.mine(3), session.theirs(WirePid::LOCAL_MAX));
    let links = repeated(Link { from, to }, 10_000);
    let flood = async { while session.wire.try_write(&links).await.is_ok() {} };
    within("the cut", flood).await;
    until("the end", || friends.node.nodes().len() == 1).await;
    friends.assert_undisturbed().await;
}

#[tokio::test]
async fn who_does_not_read_makes_its_senders_wait_and_nobody_else() {
    let friends = Friends::new().await;
    let node = &friends.node;
    let mut session = joined(node).await;
    let to = node.pid_on(PEER, 3).unwrap();
    // 64 MiB: the queue holds 8, and the kernel some.
    let (_, sent) = begin(node, async move |ctx| {
        for _ in 0..1_024 {
            ctx.send(to, vec![7; 64 << 10]).await.unwrap();
        }
    });
    for _ in 0..20 {
        assert_they_talk(&friends.friend, node).await;
    }
    let mut sent = sent;
    assert!(sent.try_recv().is_err(), "the sender waits");
    //= spec/connection.md#con-rdw-002
    //# A node MUST go on writing in a session while no byte arrives.
    // Once it reads, all of it comes.
    for _ in 0..1_024 {
        let next = session.next().await;
        assert!(matches!(next.frame(), Frame::Send(Send { message, .. }) if message.len() == 64 << 10));
    }
    within("the sender", sent).await.unwrap();
}

#[tokio::test]
async fn a_signal_goes_past_the_messages_of_others_that_wait() {
    let friends = Friends::new().await;
    let node = &friends.node;
    let mut session = joined(node).await;
    let there = node.pid_on(PEER, 3).unwrap();
    let (_, sent) = begin(node, async move |ctx| {
        for _ in 0..400 {
            ctx.send(there, vec![7; 64 << 10]).await.unwrap();
        }
    });
    let (local, _) = begin(node, idle);
    let (from, to) = (session.mine(3), session.theirs(local.local()));
    session.send(Link { from, to }).await;
    // Some of it has come, so the rest waits.
    for _ in 0..10 {
        session.next().await;
    }
    node.kill(local).unwrap();
    let mut messages = 10;
    loop {
        match session.next().await.frame() {
            Frame::Send(_) => messages += 1,
            Frame::Exit(exit) => {
                assert_eq!((exit.from, exit.to), (to, from));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(messages < 400, "the exit overtook some");
    for _ in messages..400 {
        session.next().await;
    }
    within("the sender", sent).await.unwrap();
}

#[tokio::test]
async fn a_million_hops_in_one_exit_are_kept_as_far_as_they_are_worth() {
    let friends = Friends::new().await;
    let node = &friends.node;
    let mut session = joined(node).await;
    let there = node.pid_on(PEER, 3).unwrap();
    let (local, seen) = begin(node, async move |mut ctx| {
        ctx.trap_exit(true);
        assert_eq!(text(&mut ctx).await, "linked");
        exit(&mut ctx, there).await
    });
    let (from, to) = (session.mine(3), session.theirs(local.local()));
    session.send(Link { from, to }).await;
    session.send(Send { to, message: b"linked" }).await;
    let hops: Vec<_> = (1..=1_000_000).map(|hop| session.mine(hop)).collect();
    let reason = ReasonBuf::new(hops.into_iter(), &Root::Custom("the root".into()));
    session.send(Exit { from, to, reason: reason.as_reason() }).await;
    let Reason::Linked(chain) = within("the exit", seen).await.unwrap() else { panic!("no chain") };
    assert_eq!(chain.root, Reason::custom("the root"));
    assert!((400..500).contains(&chain.hops.len()), "{}", chain.hops.len());
    assert_eq!(chain.hops[0], node.pid_on(PEER, 1).unwrap());
    assert_eq!(session.fence().await, []);
    assert_they_talk(&friends.friend, node).await;
}

//= spec/dist.md#dist-frm-010
//# The memory that a reader reserves for a frame MUST be bounded by a fixed amount plus a fixed multiple of
//# the frame's bytes that have arrived.
#[tokio::test]
async fn lengths_that_lie_reserve_nothing() {
    let friends = Friends::new().await;
    for payload in [
        [&b"\x15"[..], &[0; 16], b"\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"].concat(),
        [&b"\x18"[..], &[0; 24], b"\x05\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"].concat(),
        b"\x1D\xFF\xFF\xFF\xFF".to_vec(),
        b"\x12\xFF\xFF".to_vec(),
        b"\x11\xFF\xFF".to_vec(),
        b"\x1E\x00\x00\xFF\xFF\xFF\xFF".to_vec(),
    ] {
        let mut session = joined(&friends.node).await;
        session.wire.say(&payload).await;
        session.expect_close(1).await;
        until("the end", || friends.node.nodes().len() == 1).await;
    }
    // A long frame that never comes: nobody waits for it but its sender.
    let mut session = joined(&friends.node).await;
    session.wire.write(&(16_u32 << 20).to_le_bytes()).await;
    session.wire.write(&[0x10; 1_000]).await;
    assert_they_talk(&friends.friend, &friends.node).await;
}

#[tokio::test]
async fn names_of_any_bytes_are_names_that_nobody_has() {
    let friends = Friends::new().await;
    let mut session = joined(&friends.node).await;
    let long = "x".repeat(usize::from(u16::MAX));
    for name in ["", "\0", "echo\0", "\u{1b}[31m", &long] {
        session.send(snow_dist_codec::frame::RegSend { name: name.into(), message: b"m" }).await;
    }
    // A peer list of what are no names: nothing is dialled, nothing ends.
    session.wire.say(b"\x12\x03\x00\x00\x00\x01\x00\x00\x03\x00a@\n").await;
    assert_eq!(session.fence().await, []);
    assert_they_talk(&friends.friend, &friends.node).await;
}

#[tokio::test]
async fn many_messages_to_nobody_are_dropped() {
    let friends = Friends::new().await;
    let mut session = joined(&friends.node).await;
    let to = session.theirs(WirePid::LOCAL_MAX);
    session.wire.write(&repeated(Send { to, message: b"lost" }, 100_000)).await;
    assert_eq!(session.fence().await, []);
    assert_they_talk(&friends.friend, &friends.node).await;
}

#[tokio::test]
async fn a_flood_of_connections_and_breaks_leaves_nothing_behind() {
    let friends = Friends::new().await;
    for incarnation in 1..=100 {
        let session = RawNode::new(PEER, incarnation).join(friends.node.name()).await;
        drop(session);
    }
    until("the end", || friends.node.nodes().len() == 1).await;
    friends.assert_undisturbed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_dials_at_once_without_the_cookie_let_nobody_in_and_keep_nobody_out() {
    let friends = Friends::new().await;
    let name = friends.node.name().to_owned();
    let dials: Vec<_> = (0..1_000_u32)
        .map(|number| {
            let name = name.clone();
            // Fewer addresses than places: one of them holds two, and gives way before an address that holds one.
            let from = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 1)) + number / 20);
            tokio::spawn(async move {
                let Ok(wire) = connect_from(from, address(&name)).await else { return false };
                let thief = RawNode::with_cookie(&format!("raw{number}@h:1"), 1, "guessed");
                thief.initiate(wire, &name).await.is_ok()
            })
        })
        .collect();
    assert_they_talk(&friends.friend, &friends.node).await;
    let late = node("late").await;
    connect(&late, &friends.node).await;
    for dial in dials {
        assert!(!within("the dial", dial).await.unwrap());
    }
    assert_they_talk(&late, &friends.node).await;
    assert_eq!(friends.node.nodes().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_dials_at_once_of_one_node_are_one_session() {
    let (a, b) = (node("a").await, node("b").await);
    let dials: Vec<_> = (0..1_000)
        .map(|number| {
            let (from, to) = if number % 2 == 0 { (a.clone(), b.clone()) } else { (b.clone(), a.clone()) };
            tokio::spawn(async move { from.connect(to.name()).await })
        })
        .collect();
    for dial in dials {
        within("the dial", dial).await.unwrap().unwrap();
    }
    until("the session", || a.nodes().len() == 1 && b.nodes().len() == 1).await;
    assert_they_talk(&a, &b).await;
}

#[tokio::test]
async fn a_node_is_stopped_though_a_peer_floods_it_and_reads_nothing() {
    let a = node("a").await;
    let mut session = joined(&a).await;
    let to = a.pid_on(PEER, 3).unwrap();
    // As much as the queue takes, so that CLOSE cannot be written.
    for _ in 0..8 {
        a.send(to, vec![0; 1 << 20]).await.unwrap();
    }
    let pings = repeated(Ping { payload: b"12345678" }, 5_000);
    let flood = tokio::spawn(async move {
        while session.wire.try_write(&pings).await.is_ok() {}
        session.wire.hear_all().await
    });
    within("the end", a.shutdown()).await;
    let (_, end) = within("the flood's end", flood).await.unwrap();
    assert!(matches!(end, Heard::Closed | Heard::Broken(_)));
}
