//! Processes that one node starts on another, and on itself by the same calls.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Deserializer, de};
use snow_dist_codec::Frame;
use snow_dist_codec::Root;
use snow_dist_codec::frame::{Demonitor, Exit, Link, SpawnReply};
use snow_dist_runtime::core::limits::FUNCTION_NAME_BYTES_MAX;
use snow_dist_runtime::{
    Allowed, Capabilities, Context, Node, NodeNumber, Pid, Reason, Received, Refused, RegisterFunctionError,
    SpawnError, SpawnOnError,
};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{
    begin, connect, connected, down, end_of, exit, node, received, run, start, text, until, within,
};
use snow_dist_tests::raw_peer::{RawNode, RawSession};

/// A node, and one that starts processes on it: the node itself, or another.
async fn both_ways() -> [(Node, Node); 2] {
    let alone = node("alone").await;
    [(alone.clone(), alone), connected().await].map(|(a, b)| {
        b.register_function("until_told", Allowed::Everyone, async |mut ctx: Context, ready: Option<Pid>| {
            if let Some(ready) = ready {
                ctx.send(ready, "runs").await.unwrap();
            }
            Reason::error(text(&mut ctx).await)
        })
        .unwrap();
        (a, b)
    })
}

//= spec/session.md#ses-spn-004
//# A node that has started a process for a SPAWN MUST answer with status 0 and its local id.
//= spec/session.md#ses-spn-013
//# In a session with `calls` a node MUST write a term as `arguments`, its pids by SES-PID-010 to SES-PID-012.
//= spec/session.md#ses-spn-017
//# In a session with `calls` a node MUST read the pids in `arguments` by SES-PID-013 to SES-PID-015.
#[tokio::test]
async fn a_process_is_given_a_value_and_is_free() {
    for (a, b) in both_ways().await {
        b.register_function("add", Allowed::Everyone, async |ctx: Context, (to, x, y): (Pid, i64, i64)| {
            ctx.send_term(to, &(ctx.pid(), x + y)).await.unwrap();
        })
        .unwrap();
        let on = b.name().to_owned();
        run(&a, async move |mut ctx| {
            let child = ctx.spawn_on(&on, "add", &(ctx.pid(), 20, 22)).await.unwrap();
            let Received::Message(sum) = received(&mut ctx).await else { panic!("no message") };
            assert_eq!(sum.term::<(Pid, i64)>().unwrap(), (child, 42));
        })
        .await;
        // The program asks as well.
        let child = a.spawn_on(b.name(), "until_told", &None::<Pid>).await.unwrap();
        a.send(child, "enough").await.unwrap();
        until("the end", || b.process_count() == 0).await;
    }
}

//= spec/session.md#ses-spn-005
//# A node MUST link the process of a linking SPAWN to the requester before it runs.
#[tokio::test]
async fn a_linked_process_and_its_requester_end_together() {
    for (a, b) in both_ways().await {
        let on = b.name().to_owned();
        let (asked, is_asked) = tokio::sync::oneshot::channel();
        let (requester, _) = begin(&a, async move |mut ctx: Context| {
            ctx.trap_exit(true);
            let child = ctx.spawn_link_on(&on, "until_told", &None::<Pid>).await.unwrap();
            ctx.send(child, "boom").await.unwrap();
            assert_eq!(exit(&mut ctx, child).await, Reason::error("boom"));
            asked.send(ctx.spawn_link_on(&on, "until_told", &None::<Pid>).await.unwrap()).unwrap();
            std::future::pending::<()>().await;
        });
        let child = within("the second child", is_asked).await.unwrap();
        a.kill(requester).unwrap();
        end_of(&a, child).await;
        until("the end", || b.process_count() == 0).await;
    }
}

//= spec/session.md#ses-spn-020
//# A node MUST hold a monitor, with the ref `request`, of the process of a monitoring SPAWN before it runs.
#[tokio::test]
async fn a_monitored_process_brings_one_down_or_none() {
    for (a, b) in both_ways().await {
        let on = b.name().to_owned();
        run(&a, async move |mut ctx| {
            let mut children = Vec::new();
            for _ in 0..2 {
                children.push(ctx.spawn_monitor_on(&on, "until_told", &None::<Pid>).await.unwrap());
            }
            let [(quiet, its), (loud, of)] = children[..] else { panic!("{children:?}") };
            ctx.demonitor(its);
            ctx.send(quiet, "nobody hears this").await.unwrap();
            ctx.send(loud, "boom").await.unwrap();
            let seen = received(&mut ctx).await;
            assert_eq!(seen, Received::Down { reference: of, from: loud, reason: Reason::error("boom") });
            ctx.send(ctx.pid(), "last").await.unwrap();
            assert_eq!(text(&mut ctx).await, "last");
        })
        .await;
    }
}

/// A value whose reading is code of the program, which may use the node, and panics if it is told to.
struct Reads(Node);

/// What [`Reads`] finds, since serde hands nothing along.
static READER: Mutex<Option<Node>> = Mutex::new(None);

impl<'de> Deserialize<'de> for Reads {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let panics = bool::deserialize(deserializer)?;
        let node = READER.lock().unwrap().clone();
        let node = node.ok_or_else(|| de::Error::custom("no node"))?;
        assert!(!panics, "while it read");
        node.register_function("another", Allowed::Nobody, async |_, (): ()| {})
            .map_err(de::Error::custom)?;
        Ok(Self(node))
    }
}

#[tokio::test]
async fn what_the_program_does_in_a_child_ends_that_child_alone_and_stands_under_no_lock() {
    let (a, b) = connected().await;
    *READER.lock().unwrap() = Some(b.clone());
    b.register_function("panics", Allowed::Everyone, async |_: Context, (): ()| -> () { panic!("in it") })
        .unwrap();
    b.register_function("counts", Allowed::Everyone, async |_: Context, _count: u32| {}).unwrap();
    b.register_function("uses", Allowed::Everyone, |_: Context, Reads(node): Reads| {
        // Before there is a future.
        node.spawn(async |_| {}).unwrap();
        assert!(node.unregister_function("another"));
        async move {
            node.spawn_on("b@127.0.0.1", "nothing", &()).await.map(drop).map_err(|error| error.to_string())
        }
    })
    .unwrap();
    let on = b.name().to_owned();
    run(&a, async move |mut ctx| {
        let mut ends = async |function: &str, arguments: bool| {
            let (child, _) = ctx.spawn_monitor_on(&on, function, &arguments).await.unwrap();
            down(&mut ctx, child).await.to_string()
        };
        assert!(ends("panics", true).await.contains("arguments: "));
        assert!(ends("counts", true).await.contains("arguments: "), "not of this type");
        assert!(ends("uses", true).await.contains("panic: while it read"));
        assert!(ends("uses", false).await.contains("there is no session with b@127.0.0.1:9000"));
        let (child, _) = ctx.spawn_monitor_on(&on, "panics", &()).await.unwrap();
        assert_eq!(down(&mut ctx, child).await, Reason::error("panic: in it"));
    })
    .await;
}

//= spec/session.md#ses-spn-002
//# A node MUST NOT start a process for a SPAWN unless its program has registered the function for that and
//# its operator or program lets the peer start it.
#[tokio::test]
async fn a_rule_for_all_functions_goes_before_those_of_each() {
    let log = Log::of_this_thread();
    let (a, c) = (node("a").await, node("c").await);
    let b = start(Node::builder("b@127.0.0.1:0").remote_spawn(Allowed::only([a.name()]).unwrap())).await;
    b.register_function("idle", Allowed::Everyone, async |_: Context, (): ()| {}).unwrap();
    for node in [&a, &c] {
        connect(node, &b).await;
    }
    a.spawn_on(b.name(), "idle", &()).await.unwrap();
    b.spawn_on(b.name(), "idle", &()).await.unwrap();
    for _ in 0..3 {
        let refused = c.spawn_on(b.name(), "idle", &()).await;
        assert_eq!(refused, Err(SpawnOnError::NotOffered { function: "idle".into(), node: b.name().into() }));
    }
    let peers = b.stats().peers.into_iter().map(|peer| (peer.name, peer.passed_over.spawns_refused));
    assert_eq!(peers.collect::<HashMap<_, _>>(), [(a.name().into(), 0), (c.name().into(), 3)].into());
    let line = format!(
        "this peer was refused what it has asked for: see `remote_exit`, `remote_spawn` and `global_names` (`count` is that of its session) peer={}",
        c.name()
    );
    let lines = log.lines_with(&line);
    assert!(lines.len() == 2 && lines[1].contains("what=a process count=2"), "{lines:?}");
}

//= spec/session.md#ses-spn-002
//# A node MUST NOT start a process for a SPAWN unless its program has registered the function for that and
//# its operator or program lets the peer start it.
#[tokio::test]
async fn a_function_is_started_for_those_who_may_have_it_started() {
    let (a, b) = connected().await;
    let runs = Arc::new(AtomicUsize::new(0));
    let offer = |name: &str, allowed| {
        let runs = Arc::clone(&runs);
        b.register_function(name, allowed, move |_: Context, (): ()| {
            runs.fetch_add(1, Ordering::SeqCst);
            async {}
        })
    };
    offer("own", Allowed::Nobody).unwrap();
    offer("a's", Allowed::only([a.name()]).unwrap()).unwrap();
    offer("c's", Allowed::only(["c@127.0.0.1"]).unwrap()).unwrap();
    assert_eq!(offer("own", Allowed::Everyone), Err(RegisterFunctionError::Taken { name: "own".into() }));
    let long = "f".repeat(FUNCTION_NAME_BYTES_MAX + 1);
    let (length, length_max) = (long.len(), FUNCTION_NAME_BYTES_MAX);
    assert_eq!(
        offer(&long, Allowed::Everyone),
        Err(RegisterFunctionError::NameTooLong { length, length_max })
    );
    let too_long = a.spawn_on(b.name(), &long, &()).await;
    assert_eq!(too_long, Err(SpawnOnError::NameTooLong { length, length_max }));
    for (by, function) in [(&a, "own"), (&a, "c's"), (&a, "A's"), (&b, "A's")] {
        let refused = by.spawn_on(b.name(), function, &()).await;
        let (function, node) = (function.into(), b.name().into());
        assert_eq!(refused, Err(SpawnOnError::NotOffered { function, node }));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    for (by, function) in [(&a, "a's"), (&b, "own"), (&b, "c's")] {
        by.spawn_on(b.name(), function, &()).await.unwrap();
    }
    until("all of them", || runs.load(Ordering::SeqCst) == 3).await;
    assert!(b.unregister_function("a's") && !b.unregister_function("a's"));
    assert!(matches!(a.spawn_on(b.name(), "a's", &()).await, Err(SpawnOnError::NotOffered { .. })));
}

#[tokio::test]
async fn one_node_has_so_many_processes_on_another_and_no_more() {
    let b = start(Node::builder("b@127.0.0.1:0").processes_per_peer_max(2)).await;
    b.register_function("idle", Allowed::Everyone, async |_, (): ()| std::future::pending::<()>().await)
        .unwrap();
    let (a, c) = (node("a").await, node("c").await);
    connect(&a, &b).await;
    connect(&c, &b).await;
    let spawn = async |by: &Node| by.spawn_on(b.name(), "idle", &()).await;
    let first = spawn(&a).await.unwrap();
    spawn(&a).await.unwrap();
    assert_eq!(spawn(&a).await, Err(SpawnOnError::TooMany { node: b.name().into() }));
    spawn(&c).await.unwrap();
    // Neither a new session nor its own name makes more of it; the node itself has no bound.
    a.disconnect(b.name());
    until("the end of the session", || b.nodes().len() == 1).await;
    connect(&a, &b).await;
    assert!(matches!(spawn(&a).await, Err(SpawnOnError::TooMany { .. })));
    for _ in 0..3 {
        spawn(&b).await.unwrap();
    }
    b.kill(Pid::new(NodeNumber::HERE, b.creation(), first.local())).unwrap();
    within("a place that is free again", async {
        while spawn(&a).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(matches!(spawn(&a).await, Err(SpawnOnError::TooMany { .. })));
}

//= spec/session.md#ses-spn-014
//# A node MUST NOT write a SPAWN whose payload is longer than 65 536 bytes.
//= spec/dist.md#dist-spn-002
//# A node MUST write 0 or 1 into `link`, or 2 in a session that has `calls`.
#[tokio::test]
async fn what_cannot_be_asked_is_an_error_that_says_what_to_do() {
    let without_calls = Node::builder("a@127.0.0.1:0").capabilities(Capabilities::NONE);
    let (a, b) = (start(without_calls).await, node("b").await);
    b.register_function("length", Allowed::Everyone, async |ctx: Context, text: String| {
        let _ = ctx.node().register(&format!("{} letters", text.len()), ctx.pid());
        std::future::pending::<()>().await;
    })
    .unwrap();
    let name = b.name().to_owned();
    let unknown = a.spawn_on(&name, "length", "x").await.unwrap_err();
    assert_eq!(unknown, SpawnOnError::NotConnected { node: b.name().into() });
    assert!(matches!(a.spawn_on("no name", "length", "x").await, Err(SpawnOnError::Node(_))));
    connect(&a, &b).await;
    let lacking = SpawnOnError::Refused(Refused::NotInSession { capability: "calls", peer: b.name().into() });
    let on = name.clone();
    run(&a, async move |ctx| {
        assert_eq!(ctx.spawn_on(&on, "length", &ctx.pid()).await, Err(lacking.clone()), "a pid");
        assert_eq!(ctx.spawn_monitor_on(&on, "length", "x").await, Err(lacking));
        let length_max = 65_536 - 20 - "length".len();
        let text = "x".repeat(length_max - 6 + 1);
        let error = ctx.spawn_on(&on, "length", &*text).await.unwrap_err();
        assert_eq!(error, SpawnOnError::TooLong { length: length_max + 1, length_max });
        assert!(error.to_string().contains("send them to the process"), "{error}");
        // One letter less is taken, and read as a term though nobody says that it is one.
        ctx.spawn_on(&on, "length", &text[1..]).await.unwrap();
    })
    .await;
    until("the longest", || b.whereis("65504 letters").is_some()).await;
    b.shutdown().await;
    assert_eq!(b.spawn_on(&name, "length", "x").await, Err(SpawnOnError::NotHere(SpawnError::Stopped)));
}

#[tokio::test]
async fn a_process_that_has_ended_starts_nothing() {
    for (a, b) in both_ways().await {
        let (give, is_given) = tokio::sync::oneshot::channel();
        a.spawn(async move |ctx: Context| drop(give.send(ctx))).unwrap();
        let ctx = within("the context", is_given).await.unwrap();
        until("its end", || a.process_count() == 0).await;
        let ended = ctx.spawn_on(b.name(), "until_told", &None::<Pid>).await;
        assert_eq!(ended, Err(SpawnOnError::Refused(Refused::Ended)));
        assert_eq!(b.process_count(), 0);
    }
}

/// A node, and a peer that answers nothing by itself.
async fn beside_a_raw_peer() -> (Node, RawSession, String) {
    let (a, peer) =
        (node("a").await, RawNode::new("raw@127.0.0.1:1", 7).with_capabilities(Capabilities::CALLS));
    let session = peer.join(a.name()).await;
    until("the session", || !a.nodes().is_empty()).await;
    (a, session, peer.name().to_owned())
}

//= spec/session.md#ses-end-005
//# When a session ends, a node MUST tell the requester of each SPAWN without an answer that it has failed
//# with Noconnection.
//= spec/session.md#ses-spn-010
//# A node MUST ignore a SPAWN_REPLY whose `request` is not that of an own SPAWN of this session without an
//# answer.
#[tokio::test]
async fn each_request_has_one_outcome_whatever_the_peer_does() {
    let (a, mut session, raw) = beside_a_raw_peer().await;
    let on = raw.clone();
    let (_, outcomes) = begin(&a, async move |mut ctx: Context| {
        ctx.trap_exit(true);
        let linked = ctx.spawn_link_on(&on, "f", &()).await.unwrap();
        let status = ctx.spawn_on(&on, "f", &()).await.unwrap_err();
        let no_number = ctx.spawn_on(&on, "f", &()).await.unwrap_err();
        assert_eq!(exit(&mut ctx, linked).await, Reason::Killed);
        // Dropped before it is answered: the monitor is given up, and what comes late is for nobody.
        {
            let waits = ctx.spawn_monitor_on(&on, "f", &());
            assert!(tokio::time::timeout(std::time::Duration::ZERO, waits).await.is_err());
        }
        let lost = ctx.spawn_on(&on, "f", &()).await.unwrap_err();
        (linked, status, no_number, lost)
    });
    let request = async |session: &mut RawSession| {
        let seen = session.next().await;
        let Frame::Spawn(spawn) = seen.frame() else { panic!("{seen:?}") };
        (spawn.request, spawn.requester, spawn.link)
    };
    let (number, requester, link) = request(&mut session).await;
    assert_eq!(link, 1);
    session.send(Link { from: session.mine(9), to: requester }).await;
    session.send(SpawnReply { request: number, status: 0, local: 9 }).await;
    session.send(SpawnReply { request: number, status: 0, local: 10 }).await;
    session.send(Exit { from: session.mine(9), to: requester, reason: Root::Killed.into() }).await;
    let (number, ..) = request(&mut session).await;
    session.send(SpawnReply { request: number, status: 77, local: 0 }).await;
    let (number, ..) = request(&mut session).await;
    session.send(SpawnReply { request: number, status: 0, local: u64::MAX }).await;
    let (given_up, requester, link) = request(&mut session).await;
    assert_eq!(link, 2);
    session.expect(Demonitor { from: requester, to: session.mine(0), reference: given_up }).await;
    session.send(SpawnReply { request: given_up, status: 0, local: 11 }).await;
    request(&mut session).await;
    drop(session);
    let (linked, status, no_number, lost) = within("the outcomes", outcomes).await.unwrap();
    let node: Arc<str> = raw.into();
    assert_eq!(linked.local(), 9);
    assert_eq!(status, SpawnOnError::Status { status: 77, node: node.clone() });
    assert_eq!(no_number, SpawnOnError::Status { status: 0, node: node.clone() });
    assert_eq!(lost, SpawnOnError::ConnectionLost { node });
}

#[tokio::test]
async fn a_requester_that_ends_leaves_nothing_and_a_linked_child_learns_of_it() {
    let (a, mut session, raw) = beside_a_raw_peer().await;
    let (requester, _) = begin(&a, async move |ctx: Context| {
        let _ = ctx.spawn_link_on(&raw, "f", &()).await;
    });
    let seen = session.next().await;
    let Frame::Spawn(spawn) = seen.frame() else { panic!("{seen:?}") };
    a.kill(requester).unwrap();
    until("the end", || a.process_count() == 0).await;
    let (from, to) = (session.mine(9), spawn.requester);
    session.send(Link { from, to }).await;
    session.send(SpawnReply { request: spawn.request, status: 0, local: 9 }).await;
    session.expect(Exit { from: to, to: from, reason: Root::Error("noproc".into()).into() }).await;
    assert!(session.fence().await.is_empty());
}
