//! Names that hold for all nodes, over TLS.

use snow_dist_codec::frame::{GlobalRegister, GlobalSync, GlobalUnregister, RoomBroadcast};
use snow_dist_codec::{EntriesBuf, Entry, Frame, Pid as WirePid};
use snow_dist_runtime::{Allowed, Context, Node, NotRegistered, OnConflict, Pid, Reason, Received};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{
    begin, connect, connected, down, end_of, idle, message, node, received, run, seen_from, start, text,
    until, until_told, within,
};
use snow_dist_tests::raw_peer::{RawNode, RawSession, Seen};

/// Who has the name, as one node sees it.
fn holder(at: &Node, name: &str) -> Option<(String, u64)> {
    let pid = at.whereis_global(name)?;
    let node = if pid.is_here() { at.name().to_owned() } else { at.node_of(pid)?.to_string() };
    Some((node, pid.local()))
}

/// Every node sees this process under the name, or nobody.
async fn agreed(nodes: &[&Node], name: &str, holds: Option<(&Node, Pid)>) {
    let holds = holds.map(|(node, pid)| (node.name().to_owned(), pid.local()));
    until("agreement", || nodes.iter().all(|node| holder(node, name) == holds)).await;
}

/// A peer claims a name for a process of its own.
async fn claim(session: &mut RawSession, name: &str, local: u64, node: &str) {
    let pid = session.mine(local);
    session.send(GlobalRegister { name: name.into(), pid, node: node.into() }).await;
}

#[tokio::test]
async fn a_process_is_found_and_sent_to_by_its_global_name() {
    let (a, b) = connected().await;
    let (desk, ends) = begin(&a, async |mut ctx: Context| {
        ctx.register_global("desk", OnConflict::Exit).unwrap();
        text(&mut ctx).await
    });
    agreed(&[&a, &b], "desk", Some((&a, desk))).await;
    assert_eq!(b.global_names(), [("desk".into(), seen_from(&b, &a, desk))]);
    let taken = run(&b, async |ctx| ctx.register_global("desk", OnConflict::Exit)).await.unwrap_err();
    assert_eq!(taken, NotRegistered::Taken { pid: seen_from(&b, &a, desk), node: a.name().into() });
    b.send(b.whereis_global("desk").unwrap(), "hello").await.unwrap();
    assert_eq!(within("the message", ends).await.unwrap(), "hello");
    // It has ended.
    agreed(&[&a, &b], "desk", None).await;
    let dead = a.register_global("desk", desk, OnConflict::Exit);
    assert_eq!(dead, Err(NotRegistered::NoProcess(desk)));
}

/// Whoever is told of an end finds the name free, on every node.
#[tokio::test]
async fn a_name_is_free_before_anybody_learns_of_its_process_s_end() {
    let (a, b) = connected().await;
    for round in 0..20 {
        let desk = a.spawn(until_told).unwrap();
        a.register_global("desk", desk, OnConflict::Exit).unwrap();
        agreed(&[&b], "desk", Some((&a, desk))).await;
        let desk = seen_from(&b, &a, desk);
        run(&b, async move |mut ctx| {
            ctx.monitor(desk).await.unwrap();
            ctx.send(desk, "enough").await.unwrap();
            assert_eq!(down(&mut ctx, desk).await, Reason::error("enough"));
            assert_eq!(ctx.whereis_global("desk"), None, "round {round}");
        })
        .await;
        assert_eq!(a.whereis_global("desk"), None);
    }
}

//= spec/session.md#ses-glb-004
//# A node MUST forget the global names of a peer when their session ends.
#[tokio::test]
async fn names_of_a_node_that_is_lost_are_free_when_that_is_told() {
    let (a, b) = connected().await;
    let desk = a.spawn(idle).unwrap();
    a.register_global("desk", desk, OnConflict::Exit).unwrap();
    agreed(&[&b], "desk", Some((&a, desk))).await;
    let (name, lost) = (a.name().to_owned(), a.clone());
    run(&b, async move |mut ctx| {
        ctx.monitor_node(&name).unwrap();
        lost.disconnect(ctx.node().name());
        assert_eq!(received(&mut ctx).await, Received::NodeDown { name: (&*name).into() });
        assert_eq!(ctx.whereis_global("desk"), None);
        // So it can be taken, and the two meet again.
        ctx.register_global("desk", OnConflict::Tell).unwrap();
        within("a session", ctx.node().connect(&name)).await.unwrap();
        let loses = until_settled(&ctx.node(), &lost).await;
        if loses {
            let winner = ctx.whereis_global("desk").unwrap();
            let told = ctx.recv_where(|it| matches!(it, Received::NameConflict { .. })).await;
            assert_eq!(told, Received::NameConflict { name: "desk".into(), winner });
        } else {
            assert_eq!(ctx.whereis_global("desk"), Some(ctx.pid()));
        }
    })
    .await;
}

/// Waits until two nodes agree on one process; gives whether it is one of the second node's.
async fn until_settled(here: &Node, there: &Node) -> bool {
    let settled = || holder(here, "desk").filter(|found| holder(there, "desk").as_ref() == Some(found));
    until("agreement", || settled().is_some()).await;
    settled().is_some_and(|(node, _)| *node == *there.name())
}

/// Ten nodes are parted from each other, each with a process that has the name; then each connects with every other one.
#[tokio::test]
async fn of_ten_that_claim_a_name_at_once_one_keeps_it_everywhere() {
    let mut nodes = Vec::new();
    for number in 0..10 {
        nodes.push(node(&format!("n{number}")).await);
    }
    let mut claims = Vec::new();
    for node in &nodes {
        let (pid, lost) = begin(node, async |mut ctx: Context| {
            ctx.register_global("desk", OnConflict::Tell).unwrap();
            received(&mut ctx).await
        });
        until("the name", || node.whereis_global("desk").is_some()).await;
        claims.push((pid, lost));
    }
    let pairs = (0..10).flat_map(|one| (0..one).map(move |other| (one, other)));
    for (one, other) in pairs {
        connect(&nodes[one], &nodes[other]).await;
    }
    let owners = || nodes.iter().filter(|node| node.whereis_global("desk").is_some_and(Pid::is_here)).count();
    until("one owner", || owners() == 1).await;
    let owner = nodes.iter().position(|node| node.whereis_global("desk").is_some_and(Pid::is_here)).unwrap();
    let all: Vec<_> = nodes.iter().collect();
    agreed(&all, "desk", Some((&nodes[owner], claims[owner].0))).await;
    for (at, (_, lost)) in claims.into_iter().enumerate().filter(|(at, _)| *at != owner) {
        let lost = within("a conflict", lost).await.unwrap();
        assert!(matches!(&lost, Received::NameConflict { name, .. } if &**name == "desk"), "{at}: {lost:?}");
    }
}

//= spec/session.md#ses-glb-011
//# A node MUST take back a global name that it owns when a peer of smaller rank claims it.
//= spec/session.md#ses-glb-016
//# A process that loses a global name by SES-GLB-011 MUST get one exit signal Custom "name conflict" from the
//# process that keeps the name, unless it has asked to be told in another way.
#[tokio::test]
async fn a_process_that_loses_its_name_gets_an_exit_signal() {
    let a = node("a").await;
    let (desk, _) = begin(&a, async |_| std::future::pending::<()>().await);
    a.register_global("desk", desk, OnConflict::Exit).unwrap();
    let smaller = RawNode::new("raw@127.0.0.1:1", 1);
    let mut session = smaller.join(a.name()).await;
    let node = a.name().to_owned();
    let mut entries = EntriesBuf::default();
    let entry = Entry { name: "desk".into(), pid: session.theirs(desk.local()), node: (&*node).into() };
    entries.push(&entry).unwrap();
    session.expect(GlobalSync { entries: entries.as_entries() }).await;
    let ends = tokio::spawn({
        let a = a.clone();
        async move { end_of(&a, desk).await }
    });
    claim(&mut session, "desk", 5, smaller.name()).await;
    session.expect(GlobalUnregister { name: "desk".into() }).await;
    let winner = a.pid_on(smaller.name(), 5).unwrap();
    assert_eq!(ends.await.unwrap(), Reason::linked(winner, &Reason::custom("name conflict")));
    assert_eq!(a.whereis_global("desk"), Some(winner));
}

#[tokio::test]
async fn a_larger_incarnation_takes_no_name() {
    let a = node("a").await;
    let desk = a.spawn(idle).unwrap();
    a.register_global("desk", desk, OnConflict::Exit).unwrap();
    let larger = RawNode::new("raw@127.0.0.1:1", u64::MAX);
    let mut session = larger.join(a.name()).await;
    session.next().await;
    claim(&mut session, "desk", 5, larger.name()).await;
    assert_eq!(session.fence().await, []);
    assert_eq!(a.whereis_global("desk"), Some(desk));
    // Nobody waits for the peer to take its claim back.
    assert_eq!(a.unregister_global("desk"), Some(desk));
    assert_eq!(a.whereis_global("desk"), a.pid_on(larger.name(), 5));
}

//= spec/session.md#ses-glb-001
//# A node MUST ignore a claim whose completed `node` is not the name of the peer.
//= spec/session.md#ses-glb-002
//# A node MUST ignore a GLOBAL_UNREGISTER with a name that it has not learned from the same peer.
//= spec/session.md#ses-glb-003
//# A node MUST NOT write a claim to a name that it does not own itself.
//= spec/session.md#ses-glb-006
//# A node MUST ignore a claim whose `pid` is not that of a process of the peer.
//= spec/session.md#ses-glb-010
//# A node MUST replace a claim by a later claim of the same peer to the same name.
//= spec/session.md#ses-glb-012
//# A node MUST resolve a global name that several peers claim to the process of the peer of the smallest
//# rank.
#[tokio::test]
async fn only_the_owner_of_a_name_says_whose_it_is() {
    let a = node("a").await;
    let (one, other) = (RawNode::new("one@127.0.0.1:1", 7), RawNode::new("other@127.0.0.1:1", 6));
    let mut session = one.join(a.name()).await;
    let mut second = other.join(a.name()).await;
    // Of a third node, of the reader, and of nobody at all.
    claim(&mut session, "desk", 3, other.name()).await;
    claim(&mut session, "desk", 3, a.name()).await;
    let foreign = [WirePid::new(WirePid::NODE_READER, session.peer.creation, 3), WirePid::new(1, 8, 3)];
    for pid in foreign.into_iter().flatten() {
        session.send(GlobalRegister { name: "desk".into(), pid, node: one.name().into() }).await;
    }
    session.fence().await;
    assert_eq!(a.whereis_global("desk"), None);
    claim(&mut session, "desk", 3, one.name()).await;
    claim(&mut session, "desk", 4, one.name()).await;
    session.fence().await;
    second.send(GlobalUnregister { name: "desk".into() }).await;
    assert_eq!(second.fence().await, []);
    assert_eq!(a.whereis_global("desk"), a.pid_on(one.name(), 4));
    claim(&mut second, "desk", 5, other.name()).await;
    // What one node has told is handed on to no other.
    assert_eq!((second.fence().await, session.fence().await), (vec![], vec![]));
    assert_eq!(a.whereis_global("desk"), a.pid_on(other.name(), 5));
    second.send(GlobalUnregister { name: "desk".into() }).await;
    second.fence().await;
    assert_eq!(a.whereis_global("desk"), a.pid_on(one.name(), 4));
    let third = RawNode::new("third@127.0.0.1:1", 9);
    assert_eq!(third.join(a.name()).await.fence().await, []);
}

//= spec/session.md#ses-glb-007
//# A node MUST NOT register a global name longer than `global_name_bytes_max`, nor own more names than
//# `global_names_bytes_max` allows.
//= spec/session.md#ses-glb-008
//# A node MUST NOT register a global name while it knows a process that has it.
//= spec/session.md#ses-glb-009
//# A node MAY ignore a claim by which the peer breaks SES-GLB-007.
#[tokio::test]
async fn a_name_that_is_too_long_is_nobody_s() {
    let log = Log::of_this_thread();
    let a = node("a").await;
    let desk = a.spawn(idle).unwrap();
    let long = "x".repeat(4_097);
    let refused = a.register_global(&long, desk, OnConflict::Exit);
    assert_eq!(refused, Err(NotRegistered::TooLong { length: 4_097, length_max: 4_096 }));
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut session = peer.join(a.name()).await;
    claim(&mut session, &long, 3, peer.name()).await;
    claim(&mut session, &long[1..], 3, peer.name()).await;
    assert_eq!(session.fence().await, []);
    let line = "WARN snow_dist_runtime::sessions passed over what a peer says of a global name";
    assert_eq!(log.lines_with(line).len(), 1);
    let (name, pid) = (long[1..].into(), a.pid_on(peer.name(), 3).unwrap());
    assert_eq!(a.global_names(), [(name, pid)]);
    let taken = a.register_global(&long[1..], desk, OnConflict::Exit);
    assert_eq!(taken, Err(NotRegistered::Taken { pid, node: peer.name().into() }));
}

//= spec/session.md#ses-glb-019
//= type=test
//# A node MUST ignore each GLOBAL_* of a peer from which it takes no global names.
#[tokio::test]
async fn names_of_a_peer_from_which_none_are_taken_do_not_exist_and_are_counted() {
    let log = Log::of_this_thread();
    let b = node("b").await;
    let allowed = Allowed::only([b.name()]).unwrap();
    let a = start(Node::builder("a@127.0.0.1:0").global_names(allowed)).await;
    connect(&b, &a).await;
    // It would win.
    let peer = RawNode::new("raw@127.0.0.1:1", 1);
    let mut session = peer.join(a.name()).await;
    for local in 1..=8 {
        claim(&mut session, "desk", local, peer.name()).await;
    }
    session.send(GlobalUnregister { name: "desk".into() }).await;
    assert_eq!(session.fence().await, []);
    assert_eq!((a.whereis_global("desk"), a.global_names().len()), (None, 0));
    let refused = |node: &Node| node.stats().sessions.passed_over.global_names_refused;
    assert_eq!((refused(&a), refused(&b)), (8, 0));
    let desk = a.spawn(idle).unwrap();
    a.register_global("desk", desk, OnConflict::Exit).unwrap();
    let till = b.spawn(idle).unwrap();
    b.register_global("till", till, OnConflict::Exit).unwrap();
    agreed(&[&a, &b], "desk", Some((&a, desk))).await;
    agreed(&[&a, &b], "till", Some((&b, till))).await;
    let lines =
        log.lines_with("INFO snow_dist_runtime::sessions this peer was refused what it has asked for");
    assert_eq!(lines.len(), 4, "after 1, 2, 4 and 8: {lines:?}");
    assert!(lines[3].contains("peer=raw@127.0.0.1:1 what=a global name count=8 times=1"), "{lines:?}");
}

//= spec/session.md#ses-glb-005
//# A node MUST NOT write a ROOM_BROADCAST because it has read one.
#[tokio::test]
async fn a_broadcast_goes_no_further() {
    let (a, b) = connected().await;
    let mut session = RawNode::new("raw@127.0.0.1:1", 7).join(a.name()).await;
    let mut other = RawNode::new("other@127.0.0.1:1", 7).join(a.name()).await;
    // A room is the group of that name, and its members here get the text.
    let (member, heard) = begin(&a, async |mut ctx: Context| text(&mut ctx).await);
    assert!(a.groups().unwrap().join("hall", member).unwrap());
    session.send(Frame::from(RoomBroadcast { room: "hall".into(), text: "hello".into() })).await;
    assert_eq!(within("the text", heard).await.unwrap(), "hello");
    let is_broadcast = |seen: &Seen| matches!(seen.frame(), Frame::RoomBroadcast(_));
    assert!(!session.fence().await.iter().any(is_broadcast));
    assert!(!other.fence().await.iter().any(is_broadcast));
    // Nor does it end anything.
    run(&b, async |mut ctx| {
        ctx.send(ctx.pid(), "here").await.unwrap();
        message(&mut ctx).await
    })
    .await;
    assert_eq!(a.nodes().len(), 3);
}
