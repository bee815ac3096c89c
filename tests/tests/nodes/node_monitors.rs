//! Nodes that come and go, and what goes with them.

use snow_dist_runtime::{Context, Node, Reason, Received};
use snow_dist_tests::program::{
    begin, connect, connected, down, exit, idle, node, received, run, seen_from, text, until, within,
};

fn is_up(seen: &Received, node: &Node) -> bool {
    matches!(seen, Received::NodeUp { name } if **name == *node.name())
}

fn is_down(seen: &Received, node: &Node) -> bool {
    matches!(seen, Received::NodeDown { name } if **name == *node.name())
}

//= spec/session.md#ses-upd-001
//# A node MUST give each process that watches the peer one NODEUP when a session begins.
//= spec/session.md#ses-upd-003
//# A node MUST give each process that watches the peer one NODEDOWN when a session ends.
#[tokio::test]
async fn a_node_monitor_sees_every_coming_and_going_until_it_is_removed() {
    let (a, b) = (node("a").await, node("b").await);
    let (peer, own) = (b.clone(), a.clone());
    run(&a, async move |mut ctx| {
        ctx.monitor_node(peer.name()).unwrap();
        ctx.monitor_node(peer.name()).unwrap();
        for _ in 0..3 {
            connect(&own, &peer).await;
            assert!(is_up(&received(&mut ctx).await, &peer));
            assert!(own.disconnect(peer.name()));
            assert!(is_down(&received(&mut ctx).await, &peer));
            until("the other end", || peer.nodes().is_empty()).await;
        }
        connect(&own, &peer).await;
        assert!(is_up(&received(&mut ctx).await, &peer));
        ctx.demonitor_node(peer.name()).unwrap();
        own.disconnect(peer.name());
        until("the end", || own.nodes().is_empty()).await;
        assert_eq!(ctx.recv_timeout(std::time::Duration::from_millis(20)).await, None);
    })
    .await;
}

#[tokio::test]
async fn the_node_that_was_dialled_sees_it_too() {
    let (a, b) = (node("a").await, node("b").await);
    let (peer, own) = (a.clone(), b.clone());
    run(&b, async move |mut ctx| {
        ctx.monitor_node(peer.name()).unwrap();
        connect(&peer, &own).await;
        assert!(is_up(&received(&mut ctx).await, &peer));
        peer.shutdown().await;
        assert!(is_down(&received(&mut ctx).await, &peer));
    })
    .await;
}

#[tokio::test]
async fn a_lost_node_brings_all_exits_then_all_downs_then_nodedown() {
    let (a, b) = connected().await;
    let others: Vec<_> = (0..10).map(|_| seen_from(&a, &b, b.spawn(idle).unwrap())).collect();
    let peer = b.clone();
    run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.monitor_node(peer.name()).unwrap();
        for (number, other) in others.iter().enumerate() {
            // In both orders.
            if number % 2 == 0 {
                ctx.monitor(*other).await.unwrap();
            }
            ctx.link(*other).await.unwrap();
            if number % 2 == 1 {
                ctx.monitor(*other).await.unwrap();
            }
        }
        peer.shutdown().await;
        let mut linked = others.clone();
        while !linked.is_empty() {
            let Received::Exit { from, reason: Reason::Noconnection } = received(&mut ctx).await else {
                panic!("an exit is missing: {linked:?}")
            };
            linked.remove(linked.iter().position(|other| *other == from).unwrap());
        }
        let mut monitored = others;
        while !monitored.is_empty() {
            let Received::Down { from, reason: Reason::Noconnection, .. } = received(&mut ctx).await else {
                panic!("a DOWN is missing: {monitored:?}")
            };
            monitored.remove(monitored.iter().position(|other| *other == from).unwrap());
        }
        assert!(is_down(&received(&mut ctx).await, &peer));
    })
    .await;
}

#[tokio::test]
async fn who_is_linked_to_a_lost_node_and_does_not_trap_ends_with_it() {
    let (a, b) = connected().await;
    let other = seen_from(&a, &b, b.spawn(idle).unwrap());
    let reason = run(&a, async move |mut ctx| {
        let (linked, is_linked) = tokio::sync::oneshot::channel();
        let (tied, _) = ctx
            .spawn_monitor(async move |ctx: Context| {
                ctx.link(other).await.unwrap();
                linked.send(()).unwrap();
                std::future::pending::<()>().await
            })
            .unwrap();
        is_linked.await.unwrap();
        b.shutdown().await;
        down(&mut ctx, tied).await
    })
    .await;
    let Reason::Linked(chain) = reason else { panic!("{reason}") };
    assert_eq!((chain.hops.as_slice(), &chain.root), (&[other][..], &Reason::Noconnection));
}

//= spec/session.md#ses-upd-007
//# A node MUST NOT end a link or a monitor because another session than its own has ended.
//= spec/connection.md#con-err-002
//# A node MUST NOT end or delay a session because of an error in another one.
#[tokio::test]
async fn losing_a_node_leaves_the_links_to_others_alone() {
    let (a, b) = connected().await;
    let c = node("c").await;
    connect(&a, &c).await;
    let (at_b, at_c) = (b.spawn(idle).unwrap(), c.spawn(idle).unwrap());
    let (at_b, at_c_here) = (seen_from(&a, &b, at_b), seen_from(&a, &c, at_c));
    run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(at_b).await.unwrap();
        ctx.link(at_c_here).await.unwrap();
        b.shutdown().await;
        assert_eq!(exit(&mut ctx, at_b).await, Reason::Noconnection);
        c.kill(at_c).unwrap();
        assert_eq!(exit(&mut ctx, at_c_here).await, Reason::Killed);
    })
    .await;
}

//= spec/session.md#ses-off-002
//# When its process links with a pid that has no session, a node MUST bring it at once one exit signal
//# Noconnection from that pid.
//= spec/session.md#ses-off-003
//# When its process monitors a pid that has no session, a node MUST give it one DOWN Noconnection at once.
//= spec/session.md#ses-off-004
//# A node MUST NOT dial because a process sends to, links with or monitors a pid that has no session, unless
//# its operator or program has asked for that.
#[tokio::test]
async fn without_a_session_a_link_and_a_monitor_end_at_once_and_nothing_dials() {
    let (a, b) = connected().await;
    let (other, got) = begin(&b, async |mut ctx| text(&mut ctx).await);
    let there = seen_from(&a, &b, other);
    a.disconnect(b.name());
    until("the end", || a.nodes().is_empty() && b.nodes().is_empty()).await;
    let name = b.name().to_owned();
    run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(there).await.unwrap();
        assert_eq!(exit(&mut ctx, there).await, Reason::Noconnection);
        ctx.monitor(there).await.unwrap();
        assert_eq!(down(&mut ctx, there).await, Reason::Noconnection);
        ctx.send(there, "lost").await.unwrap();
        ctx.send_named("nobody", &name, "lost").await.unwrap();
    })
    .await;
    assert!(a.nodes().is_empty() && b.nodes().is_empty());
    assert!(!a.disconnect(b.name()));
    // The process is not disturbed, and is found again under the same pid.
    connect(&a, &b).await;
    a.send(there, "found").await.unwrap();
    assert_eq!(within("the message", got).await.unwrap(), "found");
}

#[tokio::test]
async fn both_ends_of_a_link_learn_of_a_cut() {
    let (a, b) = connected().await;
    let (at_a, seen_by_a) = begin(&a, async |mut ctx| {
        ctx.trap_exit(true);
        received(&mut ctx).await
    });
    let at_a_there = seen_from(&b, &a, at_a);
    let (cuts, cut_at) = (b.clone(), a.name().to_owned());
    run(&b, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(at_a_there).await.unwrap();
        // Its DOWN, which answers a MONITOR behind the LINK, says that the link is known there.
        let nobody = cuts.pid_on(&cut_at, 1 << 39).unwrap();
        ctx.monitor(nobody).await.unwrap();
        down(&mut ctx, nobody).await;
        assert!(cuts.disconnect(&cut_at));
        assert_eq!(exit(&mut ctx, at_a_there).await, Reason::Noconnection);
    })
    .await;
    let seen = within("the exit", seen_by_a).await.unwrap();
    assert!(matches!(seen, Received::Exit { reason: Reason::Noconnection, .. }), "{seen:?}");
}
