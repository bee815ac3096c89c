//! What a node counts, and how it stands: each figure, made to happen.

use std::time::Duration;

use snow_dist_codec::Frame;
use snow_dist_codec::frame::{Fragment, Link, Pong, Send};
use snow_dist_runtime::core::limits::DESCRIPTION_BYTES_MAX;
use snow_dist_runtime::core::session::CAPABILITIES;
use snow_dist_runtime::{Allowed, Context, Mailbox, Node, PeerStats, ProcessInfo, Reason, Received, Timing};
use snow_dist_tests::program::{begin, connected, idle, node, run, seen_from, start, until};
use snow_dist_tests::raw_peer::{self, RawNode, address};

fn alone() -> Node {
    Node::alone(tokio::runtime::Handle::current())
}

fn only_peer(node: &Node) -> PeerStats {
    let peers = node.stats().peers;
    assert_eq!(peers.len(), 1, "{peers:?}");
    peers.into_iter().next().unwrap()
}

async fn waits(_: Context) {
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn frames_and_bytes_are_counted_each_way_and_outlive_their_session() {
    let (a, b) = connected().await;
    let before = [&a, &b].map(|node| only_peer(node).traffic);
    let (receiver, got) = begin(&b, async |mut ctx: Context| {
        for _ in 0..10 {
            ctx.recv().await;
        }
    });
    let to = seen_from(&a, &b, receiver);
    run(&a, async move |ctx: Context| {
        for _ in 0..10 {
            ctx.send(to, vec![7; 1_000]).await.unwrap();
        }
    })
    .await;
    got.await.unwrap();
    let [of_a, of_b] = [&a, &b].map(|node| only_peer(node).traffic);
    assert_eq!((of_a.frames_out - before[0].frames_out, of_b.frames_in - before[1].frames_in), (10, 10));
    let bytes = of_a.bytes_out - before[0].bytes_out;
    assert!((10_000..10_500).contains(&bytes), "{bytes}");
    assert_eq!(of_b.bytes_in - before[1].bytes_in, bytes);

    assert_eq!((a.stats().sessions.begun, a.stats().sessions.traffic), (1, of_a));
    a.disconnect(b.name());
    until("the end of the session", || a.stats().peers.is_empty() && b.stats().peers.is_empty()).await;
    let (a, b) = (a.stats().sessions, b.stats().sessions);
    assert!(a.begun == 1 && a.traffic.frames_out > of_a.frames_out, "CLOSE: {a:?}");
    assert_eq!((a.traffic.frames_out, a.traffic.bytes_out), (b.traffic.frames_in, b.traffic.bytes_in));
}

#[tokio::test]
async fn links_monitors_and_calls_are_counted_at_both_ends() {
    let (a, b) = connected().await;
    let far = seen_from(&a, &b, b.spawn(waits).unwrap());
    let process = a
        .spawn(async move |mut ctx: Context| {
            ctx.trap_exit(true);
            ctx.link(far).await.unwrap();
            ctx.monitor(far).await.unwrap();
            ctx.monitor(far).await.unwrap();
            ctx.recv().await;
        })
        .unwrap();
    let calling = a.clone();
    let call = tokio::spawn(async move { calling.call::<u8>(far, &"?", Duration::from_secs(600)).await });
    until("the call", || only_peer(&b).calls_of_peer == 1 && only_peer(&b).monitors_of_peer == 2).await;
    let (of_a, of_b) = (only_peer(&a), only_peer(&b));
    assert_eq!((of_a.links, of_a.monitors, of_a.calls), (1, 2, 1));
    assert_eq!((of_a.monitors_of_peer, of_a.calls_of_peer), (0, 0));
    assert_eq!((of_b.links, of_b.monitors, of_b.calls), (1, 0, 0));
    call.abort();
    a.kill(process).unwrap();
    until("the end of all", || {
        [&a, &b].map(only_peer).iter().all(|peer| {
            let tables = [peer.links, peer.monitors, peer.monitors_of_peer, peer.calls, peer.calls_of_peer];
            tables == [0; 5]
        })
    })
    .await;
}

#[tokio::test]
async fn what_waits_who_waits_and_what_is_passed_over_is_counted() {
    const FLOOD: usize = 32;
    let a = node("a").await;
    let mut peer = RawNode::new("raw@127.0.0.1:1", 7).join(a.name()).await;
    let to = a.pid_on("raw@127.0.0.1:1", 5).unwrap();
    // Nobody reads there.
    let floods = a.spawn(async move |ctx: Context| {
        for _ in 0..FLOOD {
            ctx.send(to, vec![0; 1 << 20]).await.unwrap();
        }
    });
    let floods = floods.unwrap();
    until("somebody waits", || only_peer(&a).waits > 0).await;
    assert!(only_peer(&a).queue_bytes >= 4 << 20);
    a.kill(floods).unwrap();

    peer.wire.say(&[0xEE, 1, 2]).await;
    peer.send(Link { from: peer.theirs(9), to: peer.theirs(5) }).await;
    until("both", || only_peer(&a).passed_over.foreign == 1).await;
    let stats = a.stats();
    assert_eq!(stats.peers[0].passed_over.unknown, 1);
    assert_eq!(stats.sessions.passed_over, stats.peers[0].passed_over);
    assert_eq!(stats.sessions.waits, stats.peers[0].waits);
}

#[tokio::test]
async fn what_is_kept_of_messages_that_are_not_whole_is_measured() {
    let a = node("a").await;
    let mut peer = RawNode::new("raw@127.0.0.1:1", 7).with_capabilities(CAPABILITIES).join(a.name()).await;
    assert_eq!(only_peer(&a).unfinished_bytes, 0);
    // The beginning of a message to a process that does not exist.
    let mut payload = Vec::new();
    Frame::from(Send { to: peer.theirs(5), message: &[7; 20_000] }).encode(&mut payload).unwrap();
    let total = Some(u32::try_from(payload.len()).unwrap());
    peer.send(Fragment { number: 1, total, last: false, payload: &payload[..10_000] }).await;
    until("what has come of it", || only_peer(&a).unfinished_bytes >= 10_000).await;
}

#[tokio::test]
async fn the_round_trip_is_that_of_a_ping_that_was_answered() {
    let timing = Timing { interval: Duration::from_millis(100), timeout: Duration::from_secs(60) };
    let a = start(Node::builder("a@127.0.0.1:0").heartbeat(timing)).await;
    let mut peer = RawNode::new("raw@127.0.0.1:1", 7).join(a.name()).await;
    let next = peer.next().await;
    let Frame::Ping(ping) = next.frame() else { panic!("{next:?}") };
    assert_eq!(only_peer(&a).round_trip, None);
    peer.send(Pong { payload: ping.payload }).await;
    until("the measurement", || only_peer(&a).round_trip.is_some()).await;
}

#[tokio::test]
async fn processes_are_counted_by_how_they_end() {
    let node = alone();
    let ends = |reason: Reason| {
        node.spawn(async move |_| reason).unwrap();
    };
    ends(Reason::Normal);
    [Reason::Shutdown, Reason::Shutdown].into_iter().for_each(ends);
    [Reason::error("boom"), Reason::custom("mine"), Reason::Noconnection].into_iter().for_each(ends);
    node.spawn(async |_: Context| -> () { panic!("no way") }).unwrap();
    let killed = node.spawn(waits).unwrap();
    node.kill(killed).unwrap();
    // It takes the one that it is linked to with it.
    node.spawn(async |ctx: Context| {
        ctx.spawn_link(waits).unwrap();
        Reason::error("both")
    })
    .unwrap();
    until("all ends", || node.process_count() == 0).await;
    let ended = node.stats().processes.ended;
    let [normal, shutdown, killed, failed, panicked, by_signal] = ended.rows().map(|(_, count)| count);
    assert_eq!([normal, shutdown, killed, failed, panicked, by_signal], [1, 2, 1, 4, 1, 1]);
    assert_eq!(node.processes_failed(), failed + panicked + by_signal);
    assert_eq!(node.stats().processes.started, 10);
}

#[tokio::test]
async fn a_call_of_the_program_counts_as_no_process() {
    let node = alone();
    let answers = async |mut ctx: Context| {
        // Whoever calls is seen by nobody else.
        let seen = async |ctx: &Context| ctx.node().processes().len() as u64;
        while let Received::Call(call) = ctx.recv().await {
            call.reply(&seen(&ctx).await).await.unwrap();
        }
    };
    let pid = node.spawn(answers).unwrap();
    let before = node.stats().processes;
    for _ in 0..5 {
        assert_eq!(node.call::<u64>(pid, &(), Duration::from_secs(60)).await, Ok(1));
    }
    let after = node.stats().processes;
    assert_eq!((after.started, after.ended, after.count), (before.started, before.ended, 1));
}

#[tokio::test]
async fn mailboxes_are_measured_and_the_longest_is_named() {
    let (a, b) = connected().await;
    // It takes one thing, and has the rest in its own half of the mailbox.
    let full = b
        .spawn(async |mut ctx: Context| {
            ctx.register("full").unwrap();
            ctx.describe("takes one");
            ctx.recv().await;
            std::future::pending::<()>().await;
        })
        .unwrap();
    let bounded = b.spawn_with(Mailbox::bounded(2), waits).unwrap();
    for (to, messages) in [(full, 8), (bounded, 5)] {
        let to = seen_from(&a, &b, to);
        run(&a, async move |ctx: Context| {
            for _ in 0..messages {
                ctx.send(to, "message").await.unwrap();
            }
        })
        .await;
    }
    let mailboxes = |node: &Node| node.stats().processes.mailbox_messages;
    until("what is not dropped", || b.messages_dropped() == 3 && mailboxes(&b) == 7 + 2).await;
    let longest = b.stats().processes.longest.unwrap();
    assert_eq!((longest.pid, longest.mailbox_messages), (full, 7));
    assert_eq!((&*longest.names[0], longest.description.as_deref()), ("full", Some("takes one")));
    assert!(longest.mailbox_remote_bytes > 0);
    assert_eq!(b.stats().messages_dropped, 3);
    assert!(a.stats().processes.longest.is_none());
    run(&a, async |ctx: Context| ctx.send_named("nobody", "b@127.0.0.1:1", "lost").await.unwrap()).await;
    assert_eq!(a.stats().messages_unsent, 1);
    let name = b.name().to_owned();
    run(&a, async move |ctx: Context| ctx.send_named("nobody", &name, "lost").await.unwrap()).await;
    until("a message to nobody", || b.stats().messages_to_nobody == 1).await;
}

#[tokio::test]
async fn a_long_mailbox_is_measured_to_within_a_batch() {
    let node = alone();
    let (tell, told) = tokio::sync::oneshot::channel();
    let pid = node
        .spawn(async |mut ctx: Context| {
            drop(ctx.recv_where(|received| matches!(received, Received::Exit { .. })).await);
            for _ in 0..300 {
                ctx.recv().await;
            }
            tell.send(()).unwrap();
            ctx.recv_where(|received| matches!(received, Received::Exit { .. })).await;
        })
        .unwrap();
    node.delegate(pid).unwrap().trap_exit(true);
    for _ in 0..1_000 {
        node.send(pid, "message").await.unwrap();
    }
    assert_eq!(node.process(pid).unwrap().mailbox_messages, 1_000);
    node.delegate(pid).unwrap().send_exit(pid, Reason::error("go on")).await.unwrap();
    told.await.unwrap();
    let messages = node.process(pid).unwrap().mailbox_messages;
    assert!((700..764).contains(&messages), "{messages}");
}

#[tokio::test]
async fn a_process_is_seen_with_what_it_is_and_has() {
    let node = alone();
    let (parent, children) = begin(&node, async |mut ctx: Context| {
        ctx.trap_exit(true);
        let linked = ctx.spawn_link(idle).unwrap();
        let (watched, _) = ctx.spawn_monitor(waits).unwrap();
        ctx.recv().await;
        (linked, watched)
    });
    until("its children", || node.process_count() == 3).await;
    until("all of them run", || node.processes().iter().all(|info| !info.function.is_empty())).await;
    let infos = node.processes();
    assert!(infos.is_sorted_by_key(|info| info.pid.local()));
    let [of_parent, of_linked, of_watched]: [ProcessInfo; 3] = infos.try_into().unwrap();
    assert_eq!((of_parent.pid, of_parent.links, of_parent.monitors), (parent, 1, 1));
    assert!(of_parent.traps_exit && !of_watched.traps_exit && !of_parent.is_ending);
    assert_eq!((of_linked.links, of_watched.watchers), (1, 1));
    assert!(of_linked.function.ends_with("program::idle"), "{}", of_linked.function);
    node.send(parent, "done").await.unwrap();
    let (linked, watched) = children.await.unwrap();
    assert_eq!((of_linked.pid, of_watched.pid), (linked, watched));
    until("its end", || node.process(parent).is_none()).await;
}

#[tokio::test]
async fn a_description_is_what_was_said_last_and_bounded() {
    let node = alone();
    let pid = node.spawn(waits).unwrap();
    let delegate = node.delegate(pid).unwrap();
    let description = || node.process(pid).unwrap().description;
    assert_eq!(description(), None);
    delegate.describe("one");
    delegate.describe("another");
    assert_eq!(description().as_deref(), Some("another"));
    let long = "é".repeat(DESCRIPTION_BYTES_MAX);
    delegate.describe(&long);
    assert_eq!(description().unwrap().len(), DESCRIPTION_BYTES_MAX - 1, "no character is cut");
    delegate.describe("");
    assert_eq!(description(), None);
    node.kill(pid).unwrap();
    until("its end", || node.process(pid).is_none()).await;
    delegate.describe("too late");

    let (a, b) = connected().await;
    b.register_function("sum", Allowed::Everyone, async |_: Context, _: u8| {
        std::future::pending::<()>().await
    })
    .unwrap();
    let of_a = a.spawn_on(b.name(), "sum", &1_u8).await.unwrap();
    let of_b = b.spawn_on(b.name(), "sum", &1_u8).await.unwrap();
    let infos = b.processes();
    assert_eq!(infos.iter().map(|info| info.pid.local()).collect::<Vec<_>>(), [of_a.local(), of_b.local()]);
    assert!(infos.iter().all(|info| info.description.as_deref() == Some("sum")), "{infos:?}");
}

#[tokio::test]
async fn refused_connections_and_the_time_up_are_in_it() {
    let a = node("a").await;
    let builder = Node::builder("b@127.0.0.1:0").cookie("another cookie of thirty letters");
    let b = builder.start().await.unwrap();
    b.connect(a.name()).await.unwrap_err();
    until("the count", || a.stats().connections.refused.cookie == 1).await;
    // A NAME that ends too early.
    let mut wire = raw_peer::connect(address(a.name())).await;
    wire.say(b"\x01\x0F\0raw").await;
    until("the count", || a.stats().connections.refused.malformed == 1).await;
    assert_eq!(a.stats().connections, a.connection_counts());
    let before = a.stats().up_for;
    until("time to pass", || a.stats().up_for > before).await;
}
