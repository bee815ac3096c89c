//! What a peer, and a process, can take of the room for other nodes' messages and signals: its share and no more.

use snow_dist_codec::frame::{Exit, Link, Send};
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Root};
use snow_dist_runtime::core::limits::{MESSAGE_BYTES_COUNTED, SIGNALS_BEYOND_PART};
use snow_dist_runtime::{Context, Node, Received};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{begin, connect, idle, message, received, seen_from, start, within};
use snow_dist_tests::raw_peer::{RawNode, RawSession};
use tokio::sync::oneshot;

/// Code of CLOSE.
const LIMIT: u16 = 2;

/// Bytes that mailboxes hold.
const BOUND: usize = 4 << 20;

/// Bytes of messages here.
const BYTES: usize = 1_000;

async fn node() -> Node {
    let builder = Node::builder("a@127.0.0.1:0").frame_bytes_max(64 << 10).reassembly_bytes_max(64 << 10);
    start(builder.mailbox_remote_bytes_max(BOUND)).await
}

async fn peer(name: &str, node: &Node) -> RawSession {
    RawNode::new(&format!("{name}@127.0.0.1:1"), 7).join(node.name()).await
}

fn put<'f>(bytes: &mut Vec<u8>, frame: impl Into<Frame<'f>>) {
    frame.into().encode_framed(FRAME_BYTES_MAX, bytes).unwrap();
}

/// Sends so many messages, in turn to these processes.
async fn flood(session: &mut RawSession, locals: &[u64], count: usize) {
    let mut bytes = Vec::new();
    for local in locals.iter().cycle().take(count) {
        put(&mut bytes, Send { to: session.theirs(*local), message: &[7; BYTES] });
    }
    session.wire.write(&bytes).await;
    assert_eq!(session.fence().await, []);
}

/// A process that takes so many messages.
fn taking(node: &Node, count: usize) -> (u64, oneshot::Receiver<()>) {
    let (pid, taken) = begin(node, async move |mut ctx: Context| {
        for _ in 0..count {
            message(&mut ctx).await;
        }
    });
    (pid.local(), taken)
}

//= spec/session.md#ses-msg-011
//# A node MUST drop a message by which its mailboxes would keep more than half of `mailbox_remote_bytes_max`
//# for one peer.
//= spec/session.md#ses-msg-014
//# A node that drops a message for want of room SHOULD tell its operator of which peer it was.
#[tokio::test]
async fn a_member_that_fills_mailboxes_silences_nobody_else() {
    let log = Log::of_this_thread();
    let a = node().await;
    let idle: Vec<_> = (0..12).map(|_| begin(&a, idle).0.local()).collect();
    let mut hostile = peer("hostile", &a).await;
    flood(&mut hostile, &idle, 4 * BOUND / BYTES).await;
    let dropped = a.messages_dropped();
    assert!(dropped > 0);
    let [warned, ..] = &log.lines_with("dropped")[..] else { panic!("{:?}", log.lines()) };
    assert!(warned.contains("hostile@127.0.0.1:1"), "{warned}");

    // The other peer is heard, by one that takes messages, and by one of those that are flooded.
    let mut honest = peer("honest", &a).await;
    for _ in 0..5 {
        let (healthy, taken) = taking(&a, 200);
        flood(&mut honest, &[healthy], 200).await;
        within("the messages", taken).await.unwrap();
    }
    let (healthy, taken) = taking(&a, 1);
    honest.send(Send { to: honest.theirs(healthy), message: &[7; 60_000] }).await;
    within("the message", taken).await.unwrap();
    flood(&mut honest, &idle, 12).await;
    assert_eq!(a.messages_dropped(), dropped);

    // What the hostile one has filled stays so when it comes again.
    drop(hostile);
    let mut again = peer("hostile", &a).await;
    flood(&mut again, &idle, 4 * BOUND / BYTES).await;
    flood(&mut honest, &idle, 12).await;
    assert_eq!(a.messages_dropped(), dropped + (4 * BOUND / BYTES) as u64);
}

//= spec/session.md#ses-msg-015
//# A node MUST drop a message by which its mailboxes would keep more than three quarters of
//# `mailbox_remote_bytes_max` for the peers of sessions that it has accepted from one address.
#[tokio::test]
async fn names_that_are_made_up_take_no_more_than_their_address_may_have() {
    let a = node().await;
    let idle: Vec<_> = (0..200).map(|_| begin(&a, idle).0.local()).collect();
    for number in 0..10 {
        let mut hostile = peer(&format!("made-up{number}"), &a).await;
        flood(&mut hostile, &idle, BOUND / BYTES).await;
    }
    let dropped = a.messages_dropped();
    // Whoever this node has dialled counts by its name.
    let honest = start(Node::builder("honest@127.0.0.1:0")).await;
    connect(&a, &honest).await;
    let (healthy, taken) = begin(&a, async |mut ctx: Context| drop(message(&mut ctx).await));
    honest.send(seen_from(&honest, &a, healthy), vec![7; 60_000]).await.unwrap();
    within("the message", taken).await.unwrap();
    assert_eq!(a.messages_dropped(), dropped);
}

//= spec/session.md#ses-msg-013
//# A node MUST treat a mailbox as full for a message by which it would keep more than one message and more
//# than an eighth of `mailbox_remote_bytes_max` for one peer.
#[tokio::test]
async fn a_process_that_takes_nothing_silences_nobody_else() {
    let a = node().await;
    let (stuck, _) = begin(&a, idle);
    let mut honest = peer("honest", &a).await;
    flood(&mut honest, &[stuck.local()], BOUND / BYTES).await;
    let dropped = a.messages_dropped();
    assert!(dropped > 0);
    let (healthy, taken) = taking(&a, 300);
    flood(&mut honest, &[healthy], 300).await;
    within("the messages", taken).await.unwrap();
    assert_eq!(a.messages_dropped(), dropped);
    // Nor are the node's own messages held up by it.
    a.send(stuck, "here").await.unwrap();
}

/// What is taken is room for more, of whomever it was.
#[tokio::test]
async fn what_is_taken_makes_room_for_whom_it_was_of() {
    let a = node().await;
    let (go, goes) = oneshot::channel::<()>();
    let (local, all) = begin(&a, async move |mut ctx: Context| {
        goes.await.unwrap();
        let mut count = 0;
        while *message(&mut ctx).await.as_bytes() != *b"last" {
            count += 1;
        }
        count
    });
    let [mut one, mut two] = [peer("one", &a).await, peer("two", &a).await];
    for session in [&mut one, &mut two] {
        flood(session, &[local.local()], BOUND / BYTES).await;
    }
    let kept = 2 * (BOUND / BYTES) as u64 - a.messages_dropped();
    go.send(()).unwrap();
    a.send(local, "last").await.unwrap();
    assert_eq!(within("the messages", all).await.unwrap(), kept);
    let before = a.messages_dropped();
    for session in [&mut one, &mut two] {
        let (local, taken) = taking(&a, 100);
        flood(session, &[local], 100).await;
        within("the messages", taken).await.unwrap();
    }
    assert_eq!(a.messages_dropped(), before);
}

/// What others hoard, and what it has sent before, is no reason to end the session of an honest peer all of whose
/// processes end at once.
#[tokio::test]
async fn a_mass_exit_beside_hoarders_arrives_and_ends_no_session() {
    const EXITS: u64 = (BOUND / SIGNALS_BEYOND_PART / MESSAGE_BYTES_COUNTED) as u64;
    let a = node().await;
    let idle: Vec<_> = (0..40).map(|_| begin(&a, idle).0.local()).collect();
    let (go, goes) = oneshot::channel::<()>();
    let (supervisor, all) = begin(&a, async move |mut ctx: Context| {
        ctx.trap_exit(true);
        goes.await.unwrap();
        for _ in 0..EXITS {
            assert!(matches!(received(&mut ctx).await, Received::Exit { .. }));
        }
    });
    let mut honest = peer("honest", &a).await;
    flood(&mut honest, &idle[..4], BOUND / BYTES / 8).await;
    let to = honest.theirs(supervisor.local());
    let mut bytes = Vec::new();
    for number in 2..EXITS + 2 {
        put(&mut bytes, Link { from: honest.mine(number), to });
    }
    honest.wire.write(&bytes).await;
    for name in ["one", "two", "three"] {
        flood(&mut peer(name, &a).await, &idle[4..], 2 * BOUND / BYTES).await;
    }
    bytes.clear();
    for number in 2..EXITS + 2 {
        put(&mut bytes, Exit { from: honest.mine(number), to, reason: Root::Killed.into() });
    }
    honest.wire.write(&bytes).await;
    assert_eq!(honest.fence().await, []);
    // It may link again as soon as the signals are taken.
    go.send(()).unwrap();
    within("the signals", all).await.unwrap();
    honest.send(Link { from: honest.mine(2), to: honest.theirs(idle[0]) }).await;
    assert_eq!(honest.fence().await, []);
}

//= spec/session.md#ses-bnd-005
//# A node MAY answer a LINK for a living process in state none with one EXIT "limit" while one more signal
//# for that process would end the session by SES-BND-006 or SES-BND-008.
//= spec/session.md#ses-bnd-006
//# A node MUST end the session when exit signals of links and DOWNs of the peer go beyond its share, in one
//# mailbox or in all, by more than a sixty-fourth of `mailbox_remote_bytes_max`.
//= spec/connection.md#con-cls-018
//# A node that ends a session by SES-BND-006, SES-BND-007 or SES-BND-008 SHOULD write CLOSE with code 2.
#[tokio::test]
async fn signals_of_links_that_nobody_takes_end_the_session_of_their_peer() {
    let a = node().await;
    let (go, goes) = oneshot::channel::<()>();
    let (local, all) = begin(&a, async move |mut ctx: Context| {
        ctx.trap_exit(true);
        goes.await.unwrap();
        let mut exits = 0_u64;
        while matches!(received(&mut ctx).await, Received::Exit { .. }) {
            exits += 1;
        }
        exits
    });
    let mut hostile = peer("hostile", &a).await;
    let to = hostile.theirs(local.local());
    let reason = Root::Normal.into();
    // An eighth of what is left, and what signals may be beyond it.
    let beyond = BOUND / SIGNALS_BEYOND_PART / MESSAGE_BYTES_COUNTED;
    let fit = (BOUND / 9 / MESSAGE_BYTES_COUNTED + beyond) as u64;
    let mut bytes = Vec::new();
    // One link is there all the time, and one is for the last signal.
    for number in [fit, fit + 1] {
        put(&mut bytes, Link { from: hostile.mine(number + 2), to });
    }
    for number in 0..fit {
        let from = hostile.mine(number + 2);
        put(&mut bytes, Link { from, to });
        put(&mut bytes, Exit { from, to, reason });
    }
    hostile.wire.write(&bytes).await;
    assert_eq!(hostile.fence().await, []);
    let refused = hostile.mine(fit + 9);
    hostile.send(Link { from: refused, to }).await;
    hostile.expect(Exit { from: to, to: refused, reason: Root::Error("limit".into()).into() }).await;
    hostile.send(Exit { from: hostile.mine(fit + 2), to, reason }).await;
    hostile.expect_close(LIMIT).await;

    // It cannot go on by coming back.
    let mut again = peer("hostile", &a).await;
    again.send(Link { from: again.mine(5), to }).await;
    again.expect(Exit { from: to, to: again.mine(5), reason: Root::Error("limit".into()).into() }).await;
    // No other peer's signals are held against it, or dropped.
    let mut honest = peer("honest", &a).await;
    honest.send(Link { from: honest.mine(9), to }).await;
    honest.send(Exit { from: honest.mine(9), to, reason }).await;
    assert_eq!(honest.fence().await, []);

    // All have come: what was taken room for, one too many, the end of the link that was left, and the honest one's.
    go.send(()).unwrap();
    a.send(local, "end").await.unwrap();
    assert_eq!(within("the signals", all).await.unwrap(), fit + 3);
}
