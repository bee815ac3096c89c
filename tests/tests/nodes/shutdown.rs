//! Sessions and nodes that end in order.

use std::time::Duration;

use snow_dist_codec::Frame;
use snow_dist_codec::frame::{Close, Ping, RegSend, Send};
use snow_dist_runtime::{
    Allowed, ConnectError, Context, Node, Reason, Received, SpawnError, SpawnOnError, Timing,
};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{
    begin, connect, connected, end_of, idle, message, node, run, seen_from, start, until, within,
};
use snow_dist_tests::raw_peer::{Heard, RawNode};

const SHUTDOWN: u16 = 0;
const PEER: &str = "raw@127.0.0.1:1";

//= spec/connection.md#con-cls-006
//# A node that ends a session of version 2 in order MUST write CLOSE with code 0, unless the session ends
//# before.
//= spec/connection.md#con-cls-009
//# A node SHOULD send close_notify after its last frame.
#[tokio::test]
async fn a_session_that_ends_in_order_says_so_in_dist_and_in_tls() {
    let a = node("a").await;
    for (incarnation, whole) in [(1, false), (2, true)] {
        let mut session = RawNode::new(PEER, incarnation).join(a.name()).await;
        a.send(a.pid_on(PEER, 3).unwrap(), "queued before").await.unwrap();
        if whole {
            within("the end", a.shutdown()).await;
        } else {
            assert!(a.disconnect(PEER));
        }
        session.expect(Send { to: session.mine(3), message: b"queued before" }).await;
        let close = session.next().await;
        assert!(matches!(close.frame(), Frame::Close(Close { code: SHUTDOWN, .. })), "{close:?}");
        let end = session.expect_end().await;
        assert!(matches!(end, Heard::Closed), "{end:?}");
    }
}

//= spec/connection.md#con-que-003
//# A node MUST NOT drop a queued message while the session lasts.
#[tokio::test]
async fn what_was_queued_before_the_end_arrives() {
    let (a, b) = connected().await;
    let (to, got) = begin(&b, async |mut ctx| {
        for expected in 0..2_000_u32 {
            assert_eq!(message(&mut ctx).await.as_bytes()[..4], expected.to_le_bytes());
        }
    });
    let to = seen_from(&a, &b, to);
    for number in 0..2_000_u32 {
        a.send(to, [number.to_le_bytes().as_slice(), &[0; 1_000]].concat()).await.unwrap();
    }
    within("the end", a.shutdown()).await;
    within("all messages", got).await.unwrap();
}

#[tokio::test]
async fn what_was_queued_arrives_though_the_other_end_talks_on() {
    for _ in 0..10 {
        let (a, b) = connected().await;
        let sink = seen_from(&b, &a, a.spawn(idle).unwrap());
        let talker = b
            .spawn(async move |ctx: Context| {
                while ctx.send(sink, vec![0; 10_000]).await.is_ok() {
                    tokio::task::yield_now().await;
                }
            })
            .unwrap();
        let (to, got) = begin(&b, async |mut ctx| {
            for expected in 0..200_u32 {
                assert_eq!(message(&mut ctx).await.as_bytes()[..4], expected.to_le_bytes());
            }
        });
        let to = seen_from(&a, &b, to);
        for number in 0..200_u32 {
            a.send(to, [number.to_le_bytes().as_slice(), &[0; 10_000]].concat()).await.unwrap();
        }
        within("the end", a.shutdown()).await;
        within("all messages", got).await.unwrap();
        b.kill(talker).unwrap();
    }
}

//= spec/connection.md#con-cls-008
//# A node that has written CLOSE with code 0 MUST go on reading until `shutdown_patience` has passed since it
//# began to end the session, unless the session ends before.
#[tokio::test]
async fn what_was_queued_arrives_at_a_peer_that_talks_and_reads_late() {
    const COUNT: usize = 15;
    // The node has a thread of its own, which one of its processes holds up.
    let (tell, told) = tokio::sync::oneshot::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            tell.send(node("a").await).unwrap();
            stopped.await.unwrap();
        });
    });
    let a = told.await.unwrap();
    let mut session = RawNode::new(PEER, 7).join(a.name()).await;
    let to = a.pid_on(PEER, 3).unwrap();
    let (held, is_held) = tokio::sync::oneshot::channel();
    let (go, let_go) = std::sync::mpsc::channel::<()>();
    a.spawn(async move |_: Context| {
        held.send(()).unwrap();
        let_go.recv().unwrap();
    })
    .unwrap();
    is_held.await.unwrap();
    for _ in 0..COUNT {
        a.send(to, vec![7; 10_000]).await.unwrap();
    }
    assert!(a.disconnect(PEER));
    // Were the node to close with any of this unread, the system would cut the connection, and drop what is on its
    // way to a peer that has not read it.
    let mut pings = Vec::new();
    Frame::from(Ping { payload: &[0; 8] }).encode_framed(99, &mut pings).unwrap();
    let pings = pings.repeat(1_000);
    let full = async { while session.wire.try_write(&pings).await.is_ok() {} };
    assert!(tokio::time::timeout(Duration::from_millis(200), full).await.is_err());
    go.send(()).unwrap();
    until("the end", || a.nodes().is_empty()).await;

    let (payloads, end) = session.wire.hear_all().await;
    let sent = payloads.iter().filter(|payload| payload[0] == 0x10).count();
    assert_eq!(sent, COUNT, "then {end:?}");
    assert!(payloads.iter().any(|payload| payload[0] == 0x84), "CLOSE");
    stop.send(()).unwrap();
    thread.join().unwrap();
}

#[tokio::test]
async fn a_node_that_stops_ends_its_processes_and_takes_nobody_in() {
    let (a, b) = connected().await;
    a.spawn(async |_: Context| std::future::pending::<()>().await).unwrap();
    a.spawn(idle).unwrap();
    within("the end", a.shutdown()).await;
    until("the other end", || b.nodes().is_empty()).await;
    until("the processes", || a.process_count() == 0).await;
    let refused = within("a refusal", b.connect(a.name())).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Tcp { .. }), "{refused}");
    let refused = within("a refusal", a.connect(b.name())).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Stopped), "{refused}");
}

#[tokio::test]
async fn no_process_is_started_once_a_node_stops() {
    let a = node("a").await;
    // It does not read, so that the shutdown waits for it while the node's processes run on.
    let _deaf = RawNode::new(PEER, 7).join(a.name()).await;
    let to = a.pid_on(PEER, 3).unwrap();
    let (stopping, stops) = tokio::sync::oneshot::channel();
    let (_, got) = begin(&a, async move |ctx: Context| {
        stops.await.unwrap();
        let child = async |_: Context| ();
        [ctx.spawn(child), ctx.spawn_link(child), ctx.spawn_monitor(child).map(|(pid, _)| pid)]
    });
    // Less than makes a sender wait, and more than the system takes.
    for _ in 0..7 {
        a.send(to, vec![0; 1 << 20]).await.unwrap();
    }
    let mut shutdown = std::pin::pin!(a.shutdown());
    tokio::select! {
        biased;
        () = &mut shutdown => panic!("it has not waited"),
        () = std::future::ready(()) => {}
    }
    stopping.send(()).unwrap();
    for refused in within("the refusals", got).await.unwrap() {
        assert_eq!(refused, Err(SpawnError::Stopped));
    }
    within("the end", shutdown).await;
    assert_eq!(a.spawn(idle), Err(SpawnError::Stopped));
    until("the processes", || a.process_count() == 0).await;
}

#[tokio::test]
async fn nobody_can_keep_a_node_from_stopping() {
    // One that never reads, one that is in the middle of its handshake, and one that has said nothing.
    let timing = Timing { interval: Duration::from_secs(60), timeout: Duration::from_secs(60) };
    let a = start(Node::builder("a@127.0.0.1:0").heartbeat(timing)).await;
    let _deaf = RawNode::new(PEER, 7).join(a.name()).await;
    let to = a.pid_on(PEER, 3).unwrap();
    let full = tokio::spawn({
        let a = a.clone();
        async move {
            while !a.nodes().is_empty() {
                a.send(to, vec![0; 1 << 20]).await.unwrap();
            }
        }
    });
    let half = snow_dist_tests::raw_peer::connect(snow_dist_tests::raw_peer::address(a.name())).await;
    let tcp = tokio::net::TcpStream::connect(snow_dist_tests::raw_peer::address(a.name())).await.unwrap();
    within("the end", a.shutdown()).await;
    within("the sender", full).await.unwrap();
    drop((half, tcp));
}

#[tokio::test]
async fn who_waits_for_room_is_let_go_when_the_session_ends() {
    let timing = Timing { interval: Duration::from_millis(300), timeout: Duration::from_millis(300) };
    let a = start(Node::builder("a@127.0.0.1:0").heartbeat(timing)).await;
    let _deaf = RawNode::new(PEER, 7).join(a.name()).await;
    let there = a.pid_on(PEER, 3).unwrap();
    // Much more than the queue and the kernel hold: the last ones are dropped when the session is gone.
    run(&a, async move |ctx| {
        for _ in 0..200 {
            ctx.send(there, vec![0; 1 << 20]).await.unwrap();
        }
    })
    .await;
    assert!(a.nodes().is_empty());
}

#[tokio::test]
async fn who_only_sends_to_a_lost_node_lets_others_run() {
    const SENDS: u32 = 100_000;
    let (a, b) = connected().await;
    let there = seen_from(&a, &b, b.spawn(idle).unwrap());
    b.shutdown().await;
    until("the end", || a.nodes().is_empty()).await;
    // On one thread, of which the sender never makes way by itself.
    let sent = run(&a, async move |ctx| {
        let (ran, mut has_run) = tokio::sync::oneshot::channel();
        ctx.spawn(async move |_| ran.send(()).unwrap()).unwrap();
        let mut sent = 0;
        while sent < SENDS && has_run.try_recv().is_err() {
            ctx.send(there, "lost").await.unwrap();
            sent += 1;
        }
        sent
    })
    .await;
    assert!(sent < SENDS);
}

#[tokio::test]
async fn a_process_that_outlives_its_session_is_not_disturbed() {
    let (a, b) = connected().await;
    let (lives, got) = begin(&a, async |mut ctx| message(&mut ctx).await);
    b.shutdown().await;
    until("the end", || a.nodes().is_empty()).await;
    a.send(lives, "still here").await.unwrap();
    assert_eq!(got.await.unwrap().as_bytes(), b"still here");
}

//= spec/connection.md#con-cls-002
//# A node MUST end the session when it reads a CLOSE, whatever its code.
#[tokio::test]
async fn a_close_from_the_peer_ends_links_as_a_cut_does() {
    let a = node("a").await;
    for (incarnation, bytes) in [(1, true), (2, false)] {
        let mut session = RawNode::new(PEER, incarnation).join(a.name()).await;
        let there = a.pid_on(PEER, 3).unwrap();
        let (local, _) = begin(&a, async move |ctx| {
            ctx.link(there).await.unwrap();
            std::future::pending::<()>().await
        });
        let end = tokio::spawn({
            let a = a.clone();
            async move { end_of(&a, local).await }
        });
        session.next().await;
        if bytes {
            session.send(Close { code: 0, text: "bye".into() }).await;
        }
        drop(session);
        let Reason::Linked(chain) = end.await.unwrap() else { panic!("not linked") };
        assert_eq!(chain.root, Reason::Noconnection);
    }
}

#[tokio::test]
async fn complete_frames_before_the_cut_count() {
    let a = node("a").await;
    let mut session = RawNode::new(PEER, 7).join(a.name()).await;
    let (_, got) = begin(&a, async |mut ctx| {
        ctx.register("last").unwrap();
        ctx.recv_where(|seen| matches!(seen, Received::Message(_))).await
    });
    until("the name", || a.whereis("last").is_some()).await;
    let mut bytes = Vec::new();
    Frame::from(RegSend { name: "last".into(), message: b"words" }).encode_framed(99, &mut bytes).unwrap();
    bytes.extend_from_slice(&[9, 0, 0, 0, 0x10, 0]);
    session.wire.write(&bytes).await;
    drop(session);
    let Received::Message(message) = within("the message", got).await.unwrap() else { panic!("no message") };
    assert_eq!(message.as_bytes(), b"words");
    until("the end", || a.nodes().is_empty()).await;
}

#[tokio::test]
async fn after_the_end_both_may_connect_again() {
    let (a, b) = connected().await;
    a.disconnect(b.name());
    until("the end", || a.nodes().is_empty() && b.nodes().is_empty()).await;
    connect(&b, &a).await;
    snow_dist_tests::program::assert_they_talk(&a, &b).await;
}

#[tokio::test]
async fn processes_say_goodbye_while_their_node_has_patience() {
    let (a, b) = connected().await;
    b.register_function("idle", Allowed::Everyone, async |ctx: Context, ()| idle(ctx).await).unwrap();
    let name = b.name().to_owned();
    let (host, asked) = begin(&a, async move |mut ctx: Context| {
        let Received::Call(call) = ctx.recv().await else { panic!("a call") };
        let refused = ctx.spawn_on(&name, "idle", &()).await;
        call.reply(&"farewell").await.unwrap();
        refused
    });
    let host = seen_from(&b, &a, host);
    let (_, said) = begin(&b, async move |mut ctx: Context| {
        while !matches!(ctx.recv().await, Received::Exit { reason: Reason::Shutdown, .. }) {}
        ctx.call::<String>(host, &"may I go?", Duration::from_secs(60)).await
    });
    assert_eq!(within("the end", b.shutdown_within(Duration::from_secs(60))).await, []);
    assert_eq!(within("the goodbye", said).await.unwrap(), Ok("farewell".to_owned()));
    let node = b.name().into();
    assert_eq!(within("the answer", asked).await.unwrap(), Err(SpawnOnError::Stopped { node }));
}

#[tokio::test]
async fn others_learn_that_a_process_was_killed_because_it_did_not_end() {
    let (a, b) = connected().await;
    let deaf = b.spawn(async |_| std::future::pending::<()>().await).unwrap();
    // More than are told of an end at once, and before other nodes.
    let (are_made, ties) = tokio::sync::oneshot::channel();
    let watcher = b.spawn(async move |ctx: Context| {
        for _ in 0..3_000 {
            ctx.monitor(deaf).await.unwrap();
        }
        are_made.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    within("all monitors", ties).await.unwrap();
    let (there, (is_watched, watched)) = (seen_from(&a, &b, deaf), tokio::sync::oneshot::channel());
    let (_, end) = begin(&a, async move |mut ctx: Context| {
        ctx.monitor(there).await.unwrap();
        is_watched.send(()).unwrap();
        ctx.recv().await
    });
    watched.await.unwrap();
    // The session has carried the monitor when it has carried a call.
    assert_eq!(end_of(&a, seen_from(&a, &b, b.spawn(async |_| ()).unwrap())).await, Reason::noproc());
    let left = within("the end", b.shutdown_within(Duration::ZERO)).await;
    let mut left: Vec<_> = left.into_iter().map(|left| left.pid).collect();
    left.sort();
    assert_eq!(left, [deaf, watcher.unwrap()]);
    let Received::Down { reason, .. } = within("its end", end).await.unwrap() else { panic!("an end") };
    assert_eq!(reason, Reason::Killed);
}

#[tokio::test]
async fn nobody_waits_for_the_process_that_answers_about_the_node() {
    let node = start(Node::builder("answers@127.0.0.1:0").answer_about(true)).await;
    assert_eq!(node.shutdown_within(Duration::from_secs(60)).await, []);
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_waits_until_the_operating_system_tells_it_to_stop() {
    for signal in ["-TERM", "-INT"] {
        let log = Log::of_this_thread();
        let mut told = std::pin::pin!(snow_dist_runtime::signals::until_told_to_stop());
        let mut other = std::pin::pin!(snow_dist_runtime::signals::until_told_to_stop());
        assert!(is_pending(told.as_mut()).await && is_pending(other.as_mut()).await);
        let own = std::process::id().to_string();
        assert!(std::process::Command::new("kill").args([signal, &own]).status().unwrap().success());
        within("the signal", told).await.unwrap();
        within("the same signal", other).await.unwrap();
        let line = format!(
            "INFO snow_dist_runtime::processes the program is told to stop signal=\"SIG{}\"",
            &signal[1..]
        );
        assert_eq!(log.lines(), [line]);
    }
}

/// Looks once at a future.
#[cfg(unix)]
async fn is_pending<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}
