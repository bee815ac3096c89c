//! The bounds that a node is started with: what it announces is what it keeps to, and what others are held to.

use std::net::Ipv4Addr;
use std::time::Duration;

use snow_dist_codec::frame::{Demonitor, Exit, Link, Monitor, MonitorExit, Send};
use snow_dist_codec::handshake::Reject;
use snow_dist_codec::{Frame, Root};
use snow_dist_runtime::core::handshake::Failure;
use snow_dist_runtime::{
    Capabilities, ConnectError, Node, NodeBuilder, Reason, Refused, SendError, StartError, Timing,
};
use snow_dist_tests::program::{
    COOKIE, assert_they_talk, begin, connect, exit, idle, message, node, run, seen_from, start, until,
    until_told, within,
};
use snow_dist_tests::raw_peer::{NoSession, RawNode, address, connect_from};

const PROTOCOL_ERROR: u16 = 1;
const PEER: &str = "raw@127.0.0.1:1";

/// Bytes of the longest frame of the nodes here: the least that there can be.
const FRAME_BYTES: u32 = 64 << 10;

/// Bytes of a SEND before its message, and the longest message of such a frame.
const HEAD_BYTES: usize = 9;
const MESSAGE_BYTES: usize = FRAME_BYTES as usize - HEAD_BYTES;

fn builder(name: &str) -> NodeBuilder {
    Node::builder(format!("{name}@127.0.0.1:0"))
}

#[tokio::test]
async fn a_limit_that_no_node_can_have_is_refused_with_its_name() {
    type Chosen = fn(NodeBuilder) -> NodeBuilder;
    let refused: [(&str, Chosen); 16] = [
        ("frame_bytes_max is 65535: it must be from 65536 to 16777216", |b| b.frame_bytes_max(65_535)),
        ("frame_bytes_max is 16777217: it must be from 65536 to 16777216", |b| {
            b.frame_bytes_max((16 << 20) + 1)
        }),
        ("handshakes_max is 0: it must be from 1 to 4096", |b| b.handshakes_max(0)),
        ("handshakes_max is 4097: it must be from 1 to 4096", |b| b.handshakes_max(4_097)),
        ("handshakes_per_address_max is 0: it must be from 1 to 4096", |b| b.handshakes_per_address_max(0)),
        ("handshakes_per_address_max is 4097: it must be from 1 to 4096", |b| {
            b.handshakes_per_address_max(4_097)
        }),
        ("sessions_max is 0: it must be from 1 to 65536", |b| b.sessions_max(0)),
        ("sessions_max is 65537: it must be from 1 to 65536", |b| b.sessions_max(65_537)),
        ("sessions_per_address_max is 0: it must be from 1 to 65536", |b| b.sessions_per_address_max(0)),
        ("sessions_per_address_max is 65537: it must be from 1 to 65536", |b| {
            b.sessions_per_address_max(65_537)
        }),
        ("mailbox_remote_bytes_max is 262719: it must be from 262720 to 9223372036854775807", |b| {
            b.frame_bytes_max(FRAME_BYTES).reassembly_bytes_max(65_536).mailbox_remote_bytes_max(262_719)
        }),
        ("mailbox_remote_bytes_max is 70000: it must be from 268436032 to 9223372036854775807", |b| {
            b.mailbox_remote_bytes_max(70_000)
        }),
        ("mailbox_remote_bytes_max is 70000: it must be from 67109440 to 9223372036854775807", |b| {
            b.capabilities(Capabilities::NONE).mailbox_remote_bytes_max(70_000)
        }),
        ("reassembly_bytes_max is 65535: it must be from 65536 to 18446744073709551615", |b| {
            b.reassembly_bytes_max(65_535)
        }),
        ("fragmented_messages_max is 0: it must be from 1 to 65536", |b| b.fragmented_messages_max(0)),
        ("fragmented_messages_max is 65537: it must be from 1 to 65536", |b| {
            b.fragmented_messages_max(65_537)
        }),
    ];
    for (says, choose) in refused {
        let error = choose(builder("a")).cookie(COOKIE).start().await.unwrap_err();
        assert!(matches!(error, StartError::Limit { .. }), "{error:?}");
        assert_eq!(error.to_string(), says);
    }
    let least = builder("a").frame_bytes_max(FRAME_BYTES).reassembly_bytes_max(65_536);
    let least = least
        .fragmented_messages_max(1)
        .sessions_max(1)
        .handshakes_max(1)
        .handshakes_per_address_max(1)
        .mailbox_remote_bytes_max(262_720);
    start(least.links_and_monitors_max(0)).await;
}

#[tokio::test]
async fn a_heartbeat_that_no_node_can_have_is_refused_with_its_bounds() {
    const BOUNDS: &str = "it must be from 100ms to 86400s";
    let usual = Timing::default();
    for (given, shown) in [
        (Duration::ZERO, "0ns"),
        (Duration::from_micros(99_999), "99.999ms"),
        (Duration::from_millis(86_400_001), "86400.001s"),
        (Duration::MAX, "18446744073709551615.999999999s"),
    ] {
        for (setting, timing) in [
            ("interval", Timing { interval: given, ..usual }),
            ("timeout", Timing { timeout: given, ..usual }),
        ] {
            let error = builder("a").cookie(COOKIE).heartbeat(timing).start().await.unwrap_err();
            assert!(matches!(error, StartError::Time { .. }), "{error:?}");
            assert_eq!(error.to_string(), format!("heartbeat {setting} is {shown}: {BOUNDS}"));
        }
    }
    for allowed in [Duration::from_millis(100), Duration::from_secs(86_400)] {
        start(builder("a").heartbeat(Timing { interval: allowed, timeout: allowed })).await;
    }
}

//= spec/session.md#ses-cap-001
//# A node MUST NOT announce a capability unless it does all that this specification says of its frames.
//= spec/handshake.md#hs-tlv-004
//# A node MUST write 0 for each bit of capabilities that has no name.
#[tokio::test]
async fn capabilities_that_no_node_has_are_refused() {
    let chosen = Capabilities::from_bits(1 << 63);
    let error = builder("a").cookie(COOKIE).capabilities(chosen).start().await.unwrap_err();
    assert!(matches!(error, StartError::Capabilities { given } if given == chosen), "{error:?}");
    start(builder("a").capabilities(Capabilities::NONE)).await;
}

//= spec/connection.md#con-lim-001
//# A node MAY use another value than the default for a limit of its own.
#[tokio::test]
async fn what_is_chosen_is_announced() {
    let chosen = builder("a").frame_bytes_max(100_000).reassembly_bytes_max(200_000);
    let a = start(chosen.fragmented_messages_max(3).links_and_monitors_max(7)).await;
    let session = RawNode::new(PEER, 7).join(a.name()).await;
    assert_eq!(session.peer.bounds.frame_bytes, 100_000);
    assert_eq!(session.peer.bounds.links_and_monitors, 7);
    assert_eq!(session.peer.bounds.reassembly_bytes, 200_000);
    assert_eq!(session.peer.bounds.fragmented_messages, 3);
}

#[tokio::test]
async fn one_link_or_monitor_too_many_is_answered_with_limit_and_nothing_closes() {
    let a = start(builder("a").links_and_monitors_max(2)).await;
    let mut session = RawNode::new(PEER, 7).join(a.name()).await;
    let (local, _) = begin(&a, idle);
    let to = session.theirs(local.local());
    let [one, two, three, four] = [1, 2, 3, 4].map(|local| session.mine(local));
    session.send(Link { from: one, to }).await;
    session.send(Monitor { from: two, to, reference: 1 }).await;
    assert_eq!(session.fence().await, []);

    let reason = Root::Error("limit".into()).into();
    session.send(Link { from: three, to }).await;
    session.expect(Exit { from: to, to: three, reason }).await;
    session.send(Monitor { from: four, to, reference: 2 }).await;
    session.expect(MonitorExit { monitored: to, monitoring: four, reference: 2, reason }).await;

    // What the node's own processes make does not count, and what has ended makes room.
    let there = a.pid_on(PEER, 9).unwrap();
    let (linker, _) = begin(&a, async move |ctx| {
        ctx.link(there).await.unwrap();
        idle(ctx).await;
    });
    session.expect(Link { from: session.theirs(linker.local()), to: session.mine(9) }).await;
    session.send(Demonitor { from: two, to, reference: 1 }).await;
    session.send(Link { from: three, to }).await;
    assert_eq!(session.fence().await, []);
    a.kill(local).unwrap();
    for _ in 0..2 {
        let end = session.next().await;
        let Frame::Exit(end) = end.frame() else { panic!("{end:?}") };
        assert!(end.from == to && [one, three].contains(&end.to), "{end:?}");
        assert_eq!(end.reason, Root::Killed.into());
    }
}

#[tokio::test]
async fn a_node_refuses_by_itself_what_its_peer_does_not_hold() {
    let b = start(builder("b").links_and_monitors_max(2)).await;
    let a = node("a").await;
    connect(&a, &b).await;
    let (there, other) =
        (seen_from(&a, &b, b.spawn(until_told).unwrap()), seen_from(&a, &b, begin(&b, idle).0));
    run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(there).await.unwrap();
        ctx.monitor(other).await.unwrap();
        let refused = Refused::TooMany { count_max: 2 };
        assert_eq!(ctx.link(other).await, Err(refused.clone()));
        assert_eq!(ctx.monitor(there).await, Err(refused));
        ctx.send(there, "over").await.unwrap();
        assert_eq!(exit(&mut ctx, there).await, Reason::error("over"));
        ctx.link(other).await.unwrap();
    })
    .await;
    // The bound of one node is not that of the other.
    let to = seen_from(&b, &a, begin(&a, idle).0);
    run(&b, async move |ctx| {
        for _ in 0..3 {
            ctx.monitor(to).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn the_longest_frame_is_read_and_a_longer_one_ends_the_session() {
    let a = start(builder("a").frame_bytes_max(FRAME_BYTES)).await;
    let (local, got) = begin(&a, async |mut ctx| message(&mut ctx).await.as_bytes().len());
    for (bytes, fits) in [(MESSAGE_BYTES, true), (MESSAGE_BYTES + 1, false)] {
        let mut session = RawNode::new(PEER, bytes as u64).join(a.name()).await;
        session.send(Send { to: session.theirs(local.local()), message: &vec![7; bytes] }).await;
        if fits {
            assert_eq!(session.fence().await, []);
        } else {
            session.expect_close(PROTOCOL_ERROR).await;
        }
    }
    assert_eq!(within("the message", got).await.unwrap(), MESSAGE_BYTES);
}

#[tokio::test]
async fn a_message_that_the_peer_does_not_read_is_refused_where_it_is_sent() {
    let lacking = builder("b").capabilities(Capabilities::NONE);
    let (a, b) = (node("a").await, start(lacking.frame_bytes_max(FRAME_BYTES)).await);
    connect(&a, &b).await;
    let (to, got) = begin(&b, async |mut ctx| message(&mut ctx).await.as_bytes().len());
    let to = seen_from(&a, &b, to);
    let error = a.send(to, vec![0; MESSAGE_BYTES + 1]).await.unwrap_err();
    let bytes = FRAME_BYTES as usize;
    let SendError::Refused(Refused::TooLong { length, length_max }) = error else { panic!("{error:?}") };
    assert_eq!((length, length_max), (bytes + 1, bytes));
    a.send(to, vec![0; MESSAGE_BYTES]).await.unwrap();
    assert_eq!(within("the message", got).await.unwrap(), MESSAGE_BYTES);
    // In the other direction frames are as long as ever.
    let (to, got) = begin(&a, async |mut ctx| message(&mut ctx).await.as_bytes().len());
    b.send(seen_from(&b, &a, to), vec![0; MESSAGE_BYTES + 1]).await.unwrap();
    assert_eq!(within("the message", got).await.unwrap(), MESSAGE_BYTES + 1);
}

//= spec/connection.md#con-elc-014
//# An acceptor that has `sessions_max` peers MUST refuse a verified connection of any other peer as busy.
#[tokio::test]
async fn a_node_with_all_the_sessions_it_may_have_refuses_another() {
    let a = start(builder("a").sessions_max(1)).await;
    let (b, c) = (node("b").await, node("c").await);
    connect(&b, &a).await;
    assert_eq!(RawNode::new(PEER, 7).dial(a.name()).await.err().unwrap().code(), Reject::BUSY);
    let refused = within("an answer", c.connect(a.name())).await;
    assert!(matches!(refused, Err(ConnectError::Handshake(Failure::Rejected { code: Reject::BUSY, .. }))));
    assert!(matches!(a.connect(c.name()).await, Err(ConnectError::Busy)));
    assert_they_talk(&a, &b).await;
    b.disconnect(a.name());
    until("the end", || a.nodes().is_empty()).await;
    connect(&a, &c).await;
}

//= spec/connection.md#con-plc-010
//# An acceptor that holds `sessions_per_address_max` accepted sessions and waiting connections of one address
//# MUST refuse a further verified connection from there as busy, unless it has that peer already.
#[tokio::test]
async fn one_address_takes_no_more_sessions_than_it_may_have_and_is_told_the_limit() {
    let a = start(builder("a").sessions_per_address_max(2)).await;
    let join = async |host: u8, name: &str, incarnation| {
        let wire = connect_from(Ipv4Addr::new(127, 0, 6, host), address(a.name())).await.unwrap();
        RawNode::new(&format!("{name}@127.0.0.1:1"), incarnation).initiate(wire, a.name()).await
    };
    let _first = join(1, "first", 1).await.unwrap();
    let second = join(1, "second", 1).await.unwrap();
    let Err(NoSession::Failed(refused)) = join(1, "third", 1).await else { panic!("there is a session") };
    assert!(matches!(refused, Failure::Rejected { code: Reject::BUSY, .. }), "{refused:?}");
    assert!(refused.to_string().contains("sessions_per_address_max"), "{refused}");
    assert_eq!(a.connection_counts().refused.busy_address, 1);
    // Another address has its own, and this node dials as it likes.
    let _other = join(2, "third", 1).await.unwrap();
    let dialled = node("dialled").await;
    connect(&a, &dialled).await;
    // A peer that was started again is no further one; and who has gone leaves the place to another.
    let _again = join(1, "first", 2).await.unwrap();
    drop(second);
    until("the end", || a.nodes().len() == 3).await;
    let _fourth = join(1, "fourth", 1).await.unwrap();
    assert_eq!(a.nodes().len(), 4);
}
