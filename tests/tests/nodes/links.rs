//! Links between processes of two nodes.

use snow_dist_codec::frame::{Exit, Link, Send, Unlink};
use snow_dist_codec::{Frame, Root};
use snow_dist_runtime::{Chain, Context, Reason, Received, Refused};
use snow_dist_tests::program::{
    begin, connected, down, end_of, exit, idle, node, received, run, seen_from, text, until_told,
};
use snow_dist_tests::raw_peer::RawNode;

//= spec/session.md#ses-exi-005
//# A node MUST give a process each exit signal that does not end it as one signal EXIT with sender and
//# reason.
#[tokio::test]
async fn who_traps_exits_is_told_why_the_other_ended() {
    let (a, b) = connected().await;
    for reason in [
        Reason::Normal,
        Reason::Shutdown,
        Reason::error("e"),
        Reason::custom("c"),
        Reason::Killed,
        Reason::Noconnection,
        Reason::Unknown([9, 1, 2].into()),
    ] {
        let ends_with = reason.clone();
        let other = b
            .spawn(async move |mut ctx: Context| {
                text(&mut ctx).await;
                ends_with
            })
            .unwrap();
        let other = seen_from(&a, &b, other);
        let seen = run(&a, async move |mut ctx| {
            ctx.trap_exit(true);
            ctx.link(other).await.unwrap();
            ctx.send(other, "end").await.unwrap();
            exit(&mut ctx, other).await
        })
        .await;
        assert_eq!(seen, reason);
    }
}

#[tokio::test]
async fn who_does_not_trap_ends_with_the_other_and_says_through_whom() {
    let (a, b) = connected().await;
    let other = seen_from(&a, &b, b.spawn(until_told).unwrap());
    let reason = run(&a, async move |mut ctx| {
        let (linked, is_linked) = tokio::sync::oneshot::channel();
        let link = async move |ctx: Context| {
            ctx.link(other).await.unwrap();
            linked.send(()).unwrap();
            std::future::pending::<()>().await
        };
        let (tied, _) = ctx.spawn_monitor(link).unwrap();
        is_linked.await.unwrap();
        // It goes behind the LINK, as every message goes behind the signals that wait.
        ctx.send(other, "boom").await.unwrap();
        down(&mut ctx, tied).await
    })
    .await;
    let chain = Chain { hops: vec![other], root: Reason::error("boom") };
    assert_eq!(reason, Reason::Linked(chain.into()));
}

#[tokio::test]
async fn normal_and_shutdown_are_messages_even_to_who_does_not_trap() {
    let (a, b) = connected().await;
    for reason in [Reason::Normal, Reason::Shutdown] {
        let ends_with = reason.clone();
        let other = b
            .spawn(async move |mut ctx: Context| {
                text(&mut ctx).await;
                ends_with
            })
            .unwrap();
        let other = seen_from(&a, &b, other);
        let seen = run(&a, async move |mut ctx| {
            ctx.link(other).await.unwrap();
            ctx.send(other, "end").await.unwrap();
            exit(&mut ctx, other).await
        })
        .await;
        assert_eq!(seen, reason);
    }
}

#[tokio::test]
async fn an_end_passes_from_node_to_node_and_keeps_its_root() {
    let (a, b) = connected().await;
    // The first one at a, the second at b that is linked to it, and the watcher at a that is linked to the second.
    let first = a.spawn(until_told).unwrap();
    let (first_there, a_name) = (seen_from(&b, &a, first), a.name().to_owned());
    let (b_then, watched) = (b.clone(), a.clone());
    let (reason, second) = run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.register("watcher").unwrap();
        let second = b_then.spawn(async move |ctx: Context| {
            ctx.link(first_there).await.unwrap();
            ctx.send_named("watcher", &a_name, "linked").await.unwrap();
            std::future::pending::<()>().await
        });
        let second = seen_from(&watched, &b_then, second.unwrap());
        text(&mut ctx).await;
        ctx.link(second).await.unwrap();
        ctx.send(first, "boom").await.unwrap();
        (exit(&mut ctx, second).await, second)
    })
    .await;
    let chain = Chain { hops: vec![first], root: Reason::error("boom") };
    assert_eq!(reason, Reason::Linked(chain.into()), "the hop is this node's own process; from {second}");
}

#[tokio::test]
async fn a_link_to_who_is_not_there_ends_with_noproc() {
    let (a, b) = connected().await;
    let (gone, end) = begin(&b, async |_| ());
    end.await.unwrap();
    end_of(&b, gone).await;
    let (gone, never) = (seen_from(&a, &b, gone), a.pid_on(b.name(), 1 << 39).unwrap());
    for nobody in [gone, never] {
        let reason = run(&a, async move |mut ctx| {
            ctx.trap_exit(true);
            ctx.link(nobody).await.unwrap();
            exit(&mut ctx, nobody).await
        })
        .await;
        assert_eq!(reason, Reason::noproc());
    }
}

#[tokio::test]
async fn linking_twice_makes_one_link_and_the_other_end_may_link_too() {
    let (a, b) = connected().await;
    let (other, _) = begin(&b, async |mut ctx: Context| {
        ctx.trap_exit(true);
        let Received::Message(_) = received(&mut ctx).await else { panic!("no message") };
        std::future::pending::<()>().await
    });
    let other_here = seen_from(&a, &b, other);
    let (told, tell) = (b.clone(), a.name().to_owned());
    let left = run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(other_here).await.unwrap();
        ctx.link(other_here).await.unwrap();
        let me = told.pid_on(&tell, ctx.pid().local()).unwrap();
        run(&told, async move |ctx| {
            // Somebody else of that node: what it does stands beside.
            ctx.link(me).await.unwrap();
        })
        .await;
        let Received::Exit { reason: Reason::Normal, .. } = received(&mut ctx).await else {
            panic!("no exit")
        };
        told.kill(other).unwrap();
        assert_eq!(exit(&mut ctx, other_here).await, Reason::Killed);
        ctx.recv_timeout(std::time::Duration::from_millis(50)).await
    })
    .await;
    assert_eq!(left, None);
}

#[tokio::test]
async fn what_links_to_a_process_twice_sees_one_exit_on_the_wire() {
    let a = node("a").await;
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut session = peer.join(a.name()).await;
    let (local, _) = begin(&a, idle);
    let (mine, theirs) = (session.mine(3), session.theirs(local.local()));
    for _ in 0..3 {
        session.send(Link { from: mine, to: theirs }).await;
    }
    assert_eq!(session.fence().await, []);
    a.kill(local).unwrap();
    session.expect(Exit { from: theirs, to: mine, reason: Root::Killed.into() }).await;
    assert_eq!(session.fence().await, []);
}

#[tokio::test]
async fn an_exit_without_a_link_does_nothing() {
    let a = node("a").await;
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut session = peer.join(a.name()).await;
    let (local, _) = begin(&a, idle);
    let (bystander, got) = begin(&a, async |mut ctx| text(&mut ctx).await);
    for local in [local, bystander] {
        let (from, to) = (session.mine(3), session.theirs(local.local()));
        session.send(Exit { from, to, reason: Root::Killed.into() }).await;
        // Nor does one of a process that is linked, to another one.
        session.send(Link { from: session.mine(4), to }).await;
        session.send(Exit { from, to, reason: Root::Killed.into() }).await;
    }
    assert_eq!(session.fence().await, []);
    a.send(bystander, "lives").await.unwrap();
    assert_eq!(got.await.unwrap(), "lives");
    assert!(a.is_alive(local));
}

#[tokio::test]
async fn a_link_answered_with_noproc_copies_the_pids_of_the_request() {
    let a = node("a").await;
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut session = peer.join(a.name()).await;
    let (local, _) = begin(&a, idle);
    let other_creation = a.creation() % 255 + 1;
    let stale = snow_dist_codec::Pid::new(0, other_creation, local.local()).unwrap();
    for to in [session.theirs(1 << 38), session.theirs(0), stale] {
        session.send(Link { from: session.mine(9), to }).await;
        let reason = Root::Error("noproc".into()).into();
        session.expect(Exit { from: to, to: session.mine(9), reason }).await;
    }
}

#[tokio::test]
async fn an_unlink_of_version_1_ends_a_link_without_an_answer() {
    let a = node("a").await;
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut session = peer.join(a.name()).await;
    let (local, _) = begin(&a, idle);
    let (from, to) = (session.mine(3), session.theirs(local.local()));
    session.send(Link { from, to }).await;
    session.send(Unlink { from, to }).await;
    assert_eq!(session.fence().await, []);
    a.kill(local).unwrap();
    assert_eq!(end_of(&a, local).await, Reason::noproc());
    assert_eq!(session.fence().await, []);
}

#[tokio::test]
async fn a_node_makes_no_more_links_and_monitors_than_the_peer_carries() {
    let a = node("a").await;
    let mut peer = RawNode::new("raw@127.0.0.1:1", 7);
    peer.local.bounds.links_and_monitors = 2;
    let mut session = peer.join(a.name()).await;
    let there = |local| a.pid_on("raw@127.0.0.1:1", local).unwrap();
    let (one, two, three) = (there(1), there(2), there(3));
    let (mine, theirs) = (session.mine(1), session.mine(2));
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let (local, _) = begin(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(one).await.unwrap();
        ctx.monitor(two).await.unwrap();
        assert_eq!(ctx.link(three).await, Err(Refused::TooMany { count_max: 2 }));
        assert_eq!(ctx.monitor(three).await, Err(Refused::TooMany { count_max: 2 }));
        ready.send(()).unwrap();
        exit(&mut ctx, one).await;
        ctx.link(three).await.unwrap();
        std::future::pending::<()>().await
    });
    is_ready.await.unwrap();
    let local = session.theirs(local.local());
    session.expect(Link { from: local, to: mine }).await;
    let monitor = session.next().await;
    let snow_dist_codec::Frame::Monitor(monitor) = monitor.frame() else { panic!("{monitor:?}") };
    assert_eq!((monitor.from, monitor.to), (local, theirs));
    session.send(Exit { from: mine, to: local, reason: Root::Normal.into() }).await;
    session.expect(Link { from: local, to: session.mine(3) }).await;
}

//= spec/session.md#ses-pid-016
//# A node MUST NOT write a frame to or about a process of an unknown node, other than in an unowned pid.
#[tokio::test]
async fn a_process_of_an_unknown_node_has_no_session() {
    let a = node("a").await;
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut session = peer.join(a.name()).await;
    let there = a.pid_on(peer.name(), 3).unwrap();
    let (local, seen) = begin(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        let Reason::Linked(chain) = exit(&mut ctx, there).await else { panic!("no chain") };
        let nobody = chain.hops[0];
        ctx.send(nobody, "lost").await.unwrap();
        ctx.unlink(nobody);
        ctx.link(nobody).await.unwrap();
        let linked = exit(&mut ctx, nobody).await;
        ctx.monitor(nobody).await.unwrap();
        (linked, down(&mut ctx, nobody).await)
    });
    let (from, to) = (session.mine(3), session.theirs(local.local()));
    let hop = snow_dist_codec::Pid::new(snow_dist_codec::Pid::NODE_UNKNOWN, 7, 5).unwrap();
    let reason = snow_dist_codec::ReasonBuf::linked(hop, &Root::Killed.into());
    session.send(Link { from, to }).await;
    session.send(Exit { from, to, reason: reason.as_reason() }).await;
    assert_eq!(seen.await.unwrap(), (Reason::Noconnection, Reason::Noconnection));
    assert_eq!(session.fence().await, []);
}

//= spec/session.md#ses-exi-007
//# A process MUST end with the reason of the first thing that ends it.
//= spec/session.md#ses-ord-005
//# A node MUST NOT give a process anything that comes behind an exit signal which ends it.
#[tokio::test]
async fn the_first_exit_signal_ends_a_process_and_it_sees_nothing_behind_that() {
    let a = node("a").await;
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut session = peer.join(a.name()).await;
    let (local, seen) = begin(&a, async |mut ctx| received(&mut ctx).await);
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let (_, end) = begin(&a, async move |mut ctx| {
        ctx.monitor(local).await.unwrap();
        ready.send(()).unwrap();
        down(&mut ctx, local).await
    });
    is_ready.await.unwrap();
    let to = session.theirs(local.local());
    let mut bytes = Vec::new();
    for number in [3, 4] {
        Frame::from(Link { from: session.mine(number), to }).encode_framed(99, &mut bytes).unwrap();
    }
    for (number, text) in [(3, "first"), (4, "second")] {
        let (from, reason) = (session.mine(number), Root::Error(text.into()).into());
        Frame::from(Exit { from, to, reason }).encode_framed(99, &mut bytes).unwrap();
    }
    Frame::from(Send { to, message: b"behind" }).encode_framed(99, &mut bytes).unwrap();
    session.wire.write(&bytes).await;
    let chain = Chain { hops: vec![a.pid_on(peer.name(), 3).unwrap()], root: Reason::error("first") };
    assert_eq!(end.await.unwrap(), Reason::Linked(chain.into()));
    assert!(seen.await.is_err(), "it has received nothing");
}
