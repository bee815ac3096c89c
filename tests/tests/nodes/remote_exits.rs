//! Exit signals that a process sends to one of another node. Specification: `capabilities.md`, "Remote exit".

use snow_dist_codec::frame::{Exit2, UnlinkAck, UnlinkId};
use snow_dist_codec::{Frame, Root};
use snow_dist_runtime::{
    Allowed, CAPABILITIES, Capabilities, Context, Node, NodeBuilder, Reason, Received, Refused,
};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{
    assert_they_talk, begin, connect, connected, down, exit, idle, node, received, run, seen_from, start,
    text, until,
};
use snow_dist_tests::raw_peer::RawNode;

fn builder(name: &str) -> NodeBuilder {
    Node::builder(format!("{name}@127.0.0.1:0"))
}

//= spec/capabilities.md#cap-rxt-003
//# A node MUST bring a living process in `to` of an EXIT2 one exit signal from `from` with its reason, unless
//# CAP-RXT-010 applies.
#[tokio::test]
async fn a_process_that_does_not_trap_exits_ends_and_one_that_does_is_told() {
    let (a, b) = connected().await;
    let plain = b.spawn(async |mut ctx: Context| drop(text(&mut ctx).await)).unwrap();
    let (trapping, got) = begin(&b, async |mut ctx: Context| {
        ctx.trap_exit(true);
        (received(&mut ctx).await, text(&mut ctx).await)
    });
    let [there, trapping] = [plain, trapping].map(|pid| seen_from(&a, &b, pid));
    let sender = run(&a, async move |mut ctx| {
        ctx.monitor(there).await.unwrap();
        ctx.send_exit(there, Reason::error("enough")).await.unwrap();
        let reason = down(&mut ctx, there).await;
        assert_eq!(reason, Reason::linked(ctx.pid(), &Reason::error("enough")));
        ctx.send_exit(trapping, Reason::Killed).await.unwrap();
        ctx.send(trapping, "and goes on").await.unwrap();
        ctx.pid()
    })
    .await;
    let sender = seen_from(&b, &a, sender);
    let (received, went_on) = got.await.unwrap();
    assert_eq!(received, Received::Exit { from: sender, reason: Reason::Killed });
    assert_eq!(went_on, "and goes on");
    assert_they_talk(&a, &b).await;
}

//= spec/session.md#ses-exi-004
//# A process that an exit signal ends MUST end with the reason Linked(from, reason) of that signal.
#[tokio::test]
async fn what_is_linked_to_it_learns_who_has_ended_it() {
    let (a, b) = connected().await;
    let target = seen_from(&a, &b, b.spawn(async |mut ctx: Context| drop(text(&mut ctx).await)).unwrap());
    let (own, reason) = run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(target).await.unwrap();
        ctx.send_exit(target, Reason::Killed).await.unwrap();
        (ctx.pid(), exit(&mut ctx, target).await)
    })
    .await;
    assert_eq!(reason, Reason::linked(own, &Reason::Killed));
}

#[tokio::test]
async fn inside_a_node_it_is_the_same() {
    let a = node("a").await;
    let plain = a.spawn(async |mut ctx: Context| drop(text(&mut ctx).await)).unwrap();
    let (trapping, got) = begin(&a, async |mut ctx: Context| {
        ctx.trap_exit(true);
        received(&mut ctx).await
    });
    let (sender, reason) = run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(plain).await.unwrap();
        ctx.send_exit(trapping, Reason::Normal).await.unwrap();
        ctx.send_exit(plain, Reason::custom("c")).await.unwrap();
        (ctx.pid(), exit(&mut ctx, plain).await)
    })
    .await;
    assert_eq!(got.await.unwrap(), Received::Exit { from: sender, reason: Reason::Normal });
    assert_eq!(reason, Reason::linked(sender, &Reason::custom("c")));
}

//= spec/capabilities.md#cap-rxt-009
//# A node whose operator does not let a peer send exit signals MUST NOT announce `remote_exit` to a node of
//# that name.
#[tokio::test]
async fn an_operator_lets_some_peers_and_others_not() {
    let (friend, other) = (node("friend").await, node("other").await);
    let careful = |allowed| start(builder("careful").remote_exit(allowed));
    for allowed in [Allowed::only([friend.name()]).unwrap(), Allowed::except([other.name()]).unwrap()] {
        let careful = careful(allowed).await;
        // Whoever dials: the acceptor knows the name from NAME, the initiator from what it dials.
        connect(&friend, &careful).await;
        connect(&careful, &other).await;
        let target = careful.spawn(idle).unwrap();
        for (node, is_let) in [(&friend, true), (&other, false)] {
            let there = seen_from(node, &careful, target);
            let sent = run(node, async move |ctx| ctx.send_exit(there, Reason::Normal).await).await;
            let refused = Refused::NotInSession { capability: "remote_exit", peer: careful.name().into() };
            assert_eq!(sent, if is_let { Ok(()) } else { Err(refused) });
            assert_they_talk(node, &careful).await;
        }
        assert!(careful.is_alive(target));
        careful.shutdown().await;
    }
    assert!(Allowed::only(["no name"]).is_err());
}

//= spec/capabilities.md#cap-rxt-008
//# A node MUST drop an exit signal to a pid for which it has no session.
#[tokio::test]
async fn without_a_session_it_is_dropped() {
    let (a, b) = connected().await;
    let target = b.spawn(idle).unwrap();
    let there = seen_from(&a, &b, target);
    a.disconnect(b.name());
    until("the end", || a.nodes().is_empty() && b.nodes().is_empty()).await;
    run(&a, async move |ctx| ctx.send_exit(there, Reason::Killed).await).await.unwrap();
    connect(&a, &b).await;
    assert_they_talk(&a, &b).await;
    assert!(b.is_alive(target));
}

//= spec/connection.md#con-err-001
//# A node MUST end a session in which it reads a frame of a capability that the session does not have.
#[tokio::test]
async fn a_node_that_does_not_announce_it_takes_its_frame_for_an_error() {
    let without = CAPABILITIES.intersection(Capabilities::from_bits(!Capabilities::REMOTE_EXIT.to_bits()));
    let log = Log::of_this_thread();
    let a = start(builder("a").capabilities(without)).await;
    let mut peer = RawNode::new("raw@127.0.0.1:1", 1).join(a.name()).await;
    peer.send(UnlinkId { from: peer.mine(1), to: peer.theirs(1), id: 1 }).await;
    peer.expect(UnlinkAck { from: peer.theirs(1), to: peer.mine(1), id: 1 }).await;
    let exit: Frame<'_> =
        Exit2 { from: peer.mine(1), to: peer.theirs(1), reason: Root::Killed.into() }.into();
    peer.send(exit).await;
    peer.expect_close(1).await;
    until("the count", || a.stats().sessions.passed_over.exits_refused == 1).await;
    assert_eq!(log.lines_with("what=an exit signal count=1").len(), 1, "{:?}", log.lines());
}
