//! Unlinking is acknowledged, so that neither end sees an exit of a link that it has ended.

use snow_dist_codec::frame::{Exit, Link, UnlinkAck, UnlinkId};
use snow_dist_codec::{Frame, Pid as WirePid, Root};
use snow_dist_runtime::{Context, Node, Reason, Received};
use snow_dist_tests::program::{
    begin, connected, end_of, exit, idle, node, received, run, seen_from, text, until_told,
};
use snow_dist_tests::raw_peer::{RawNode, RawSession};

#[tokio::test]
async fn after_an_unlink_no_exit_comes() {
    let (a, b) = connected().await;
    for _ in 0..50 {
        let other = seen_from(&a, &b, b.spawn(until_told).unwrap());
        let seen = run(&a, async move |mut ctx| {
            ctx.trap_exit(true);
            ctx.link(other).await.unwrap();
            ctx.monitor(other).await.unwrap();
            // The end of the other and the unlink cross each other.
            ctx.send(other, "boom").await.unwrap();
            ctx.unlink(other);
            received(&mut ctx).await
        })
        .await;
        assert!(matches!(seen, Received::Down { .. }), "{seen:?}");
    }
}

#[tokio::test]
async fn the_other_end_of_an_unlinked_link_survives() {
    let (a, b) = connected().await;
    let (other, got) = begin(&b, async |mut ctx| text(&mut ctx).await);
    let other = seen_from(&a, &b, other);
    let short = a
        .spawn(async move |ctx: Context| {
            ctx.link(other).await.unwrap();
            ctx.unlink(other);
            ctx.unlink(other);
            Reason::error("boom")
        })
        .unwrap();
    end_of(&a, short).await;
    a.send(other, "lives").await.unwrap();
    assert_eq!(got.await.unwrap(), "lives");
}

/// A process that does as it is told; the peer is process 3 of the raw node.
async fn obedient(mut ctx: Context, other: snow_dist_runtime::Pid) -> Vec<Received> {
    ctx.trap_exit(true);
    let mut signals = Vec::new();
    loop {
        match received(&mut ctx).await {
            Received::Message(order) => match order.as_bytes() {
                b"link" => ctx.link(other).await.unwrap(),
                b"unlink" => ctx.unlink(other),
                _ => return signals,
            },
            signal => signals.push(signal),
        }
    }
}

struct Scene {
    node: Node,
    session: RawSession,
    local: snow_dist_runtime::Pid,
    signals: tokio::sync::oneshot::Receiver<Vec<Received>>,
    ours: WirePid,
    theirs: WirePid,
}

impl Scene {
    async fn new() -> Self {
        let node = node("a").await;
        let peer = RawNode::new("raw@127.0.0.1:1", 7);
        let session = peer.join(node.name()).await;
        let other = node.pid_on(peer.name(), 3).unwrap();
        let (local, signals) = begin(&node, async move |ctx| obedient(ctx, other).await);
        let (ours, theirs) = (session.theirs(local.local()), session.mine(3));
        Self { node, session, local, signals, ours, theirs }
    }

    async fn order(&self, order: &'static str) {
        self.node.send(self.local, order).await.unwrap();
    }

    /// The node's UNLINK_ID comes; gives its id.
    async fn unlink_id(&mut self) -> u64 {
        let next = self.session.next().await;
        let Frame::UnlinkId(unlink) = next.frame() else { panic!("{next:?}") };
        //= spec/session.md#ses-pid-001
        //# In a sender field a node MUST write node id 0, its own creation, and the local id of its process,
        //# unless SES-PID-003 or DIST-ULA-001 has it copied.
        //= spec/session.md#ses-pid-002
        //# In a receiver field a node MUST write node id 0, the peer's creation, and the local id of the
        //# peer's process.
        assert_eq!((unlink.from, unlink.to), (self.ours, self.theirs));
        unlink.id
    }

    async fn linked_and_unlinking(&mut self) -> u64 {
        self.order("link").await;
        self.session.expect(Link { from: self.ours, to: self.theirs }).await;
        self.order("unlink").await;
        self.unlink_id().await
    }

    async fn exit_from_peer(&mut self) {
        let exit = Exit { from: self.theirs, to: self.ours, reason: Root::Killed.into() };
        self.session.send(exit).await;
    }

    async fn acknowledge(&mut self, id: u64) {
        let ack = UnlinkAck { from: self.theirs, to: self.ours, id };
        self.session.send(ack).await;
    }

    /// What the process has seen.
    async fn end(self) -> Vec<Received> {
        self.order("end").await;
        self.signals.await.unwrap()
    }
}

#[tokio::test]
async fn while_an_unlink_is_outstanding_exits_and_links_are_ignored() {
    let mut scene = Scene::new().await;
    let id = scene.linked_and_unlinking().await;
    scene.exit_from_peer().await;
    scene.session.send(Link { from: scene.theirs, to: scene.ours }).await;
    scene.acknowledge(id).await;
    assert_eq!(scene.session.fence().await, []);
    // No link is left, so an exit now is one without a link.
    scene.exit_from_peer().await;
    assert_eq!(scene.session.fence().await, []);
    assert_eq!(scene.end().await, []);
}

#[tokio::test]
async fn only_the_acknowledgement_of_the_present_unlink_counts() {
    let mut scene = Scene::new().await;
    let first = scene.linked_and_unlinking().await;
    // Linked again before the acknowledgement, and unlinked again.
    let second = scene.linked_and_unlinking().await;
    //= spec/session.md#ses-lnk-006
    //# A node MUST NOT write two UNLINK_IDs with the same id in one session.
    assert_ne!(first, second);
    scene.acknowledge(first).await;
    scene.acknowledge(second + 1).await;
    scene.session.send(Link { from: scene.theirs, to: scene.ours }).await;
    assert_eq!(scene.session.fence().await, []);
    scene.acknowledge(second).await;
    scene.session.send(Link { from: scene.theirs, to: scene.ours }).await;
    scene.exit_from_peer().await;
    assert_eq!(scene.session.fence().await, []);
    let seen = scene.end().await;
    assert!(matches!(seen[..], [Received::Exit { reason: Reason::Killed, .. }]), "{seen:?}");
}

#[tokio::test]
async fn linking_again_before_the_acknowledgement_makes_the_link_active() {
    let mut scene = Scene::new().await;
    let id = scene.linked_and_unlinking().await;
    scene.order("link").await;
    scene.session.expect(Link { from: scene.ours, to: scene.theirs }).await;
    scene.acknowledge(id).await;
    scene.exit_from_peer().await;
    assert_eq!(scene.session.fence().await, []);
    let seen = scene.end().await;
    assert!(matches!(seen[..], [Received::Exit { reason: Reason::Killed, .. }]), "{seen:?}");
}

#[tokio::test]
async fn who_ends_with_an_unlink_outstanding_sends_no_exit_for_it() {
    let mut scene = Scene::new().await;
    scene.linked_and_unlinking().await;
    scene.node.kill(scene.local).unwrap();
    assert_eq!(end_of(&scene.node, scene.local).await, Reason::noproc());
    assert_eq!(scene.session.fence().await, []);
}

#[tokio::test]
async fn an_unlink_that_is_outstanding_when_the_session_ends_ends_in_silence() {
    let mut scene = Scene::new().await;
    scene.linked_and_unlinking().await;
    assert!(scene.node.disconnect("raw@127.0.0.1:1"));
    scene.session.expect_end().await;
    snow_dist_tests::program::until("the end", || scene.node.nodes().is_empty()).await;
    assert_eq!(scene.end().await, []);
}

//= spec/dist.md#dist-ula-001
//# A node MUST copy `from`, `to` and `id` of an UNLINK_ACK byte for byte from `to`, `from` and `id` of the
//# UNLINK_ID.
#[tokio::test]
async fn every_unlink_is_acknowledged_with_its_own_pids() {
    let mut scene = Scene::new().await;
    let stale = WirePid::new(0, scene.node.creation() % 255 + 1, 5).unwrap();
    let (nobody, ours, theirs) = (scene.session.theirs(1 << 38), scene.ours, scene.theirs);
    // Of nobody, of a process of another start, of one that is not linked.
    for (to, id) in [(nobody, 1), (stale, u64::MAX), (ours, 0)] {
        scene.session.send(UnlinkId { from: theirs, to, id }).await;
        scene.session.expect(UnlinkAck { from: to, to: theirs, id }).await;
    }
    // Of a link, which is over then.
    scene.session.send(Link { from: theirs, to: ours }).await;
    scene.session.send(UnlinkId { from: theirs, to: ours, id: 4 }).await;
    scene.session.expect(UnlinkAck { from: ours, to: theirs, id: 4 }).await;
    scene.exit_from_peer().await;
    assert_eq!(scene.session.fence().await, []);
    // And while the node's own is outstanding, which stays so.
    let id = scene.linked_and_unlinking().await;
    scene.session.send(UnlinkId { from: theirs, to: ours, id: 5 }).await;
    scene.session.expect(UnlinkAck { from: ours, to: theirs, id: 5 }).await;
    scene.session.send(Link { from: theirs, to: ours }).await;
    scene.exit_from_peer().await;
    scene.acknowledge(id).await;
    assert_eq!(scene.session.fence().await, []);
    assert_eq!(scene.end().await, []);
}

#[tokio::test]
async fn an_exit_that_crosses_an_unlink_from_the_peer_is_acknowledged_all_the_same() {
    let a = node("a").await;
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut session = peer.join(a.name()).await;
    let (local, _) = begin(&a, idle);
    let (from, to) = (session.mine(3), session.theirs(local.local()));
    session.send(Link { from, to }).await;
    assert_eq!(session.fence().await, []);
    a.kill(local).unwrap();
    session.expect(Exit { from: to, to: from, reason: Root::Killed.into() }).await;
    session.send(UnlinkId { from, to, id: 1 }).await;
    session.expect(UnlinkAck { from: to, to: from, id: 1 }).await;
}

//= spec/session.md#ses-lnk-005
//# When a local process unlinks in any state but active, a node MUST NOT write UNLINK_ID.
#[tokio::test]
async fn unlinking_who_was_never_linked_says_nothing() {
    let (a, b) = connected().await;
    let other = seen_from(&a, &b, b.spawn(until_told).unwrap());
    let reason = run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.unlink(other);
        ctx.link(other).await.unwrap();
        ctx.send(other, "boom").await.unwrap();
        exit(&mut ctx, other).await
    })
    .await;
    assert_eq!(reason, Reason::error("boom"));
}
