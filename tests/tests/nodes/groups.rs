//! Groups: members on all nodes, whoever comes and goes.

use std::collections::BTreeSet;
use std::sync::Arc;

use snow_dist_runtime::core::groups::GroupChange;
use snow_dist_runtime::{GroupChanges, Groups, GroupsError, JoinError, Node, Pid, Reason};
use snow_dist_tests::program::{
    begin, connect, connected, end_of, idle, message, node, run, seen_from, text, until, within,
};
use snow_dist_tests::raw_peer::RawNode;

/// Waits until a node knows these members of a group, and no others.
async fn knows(groups: &Groups, group: &str, members: &[Pid]) {
    let members: BTreeSet<_> = members.iter().copied().collect();
    let known = || groups.members(group).into_iter().collect::<BTreeSet<_>>();
    let mut changes = groups.changes();
    within(&format!("{members:?} in {group}"), async {
        while known() != members {
            changes.next().await.unwrap();
        }
    })
    .await;
}

fn idle_on(node: &Node) -> Pid {
    node.spawn(idle).unwrap()
}

async fn next(changes: &mut GroupChanges) -> GroupChange {
    within("a change", changes.next()).await.unwrap()
}

#[tokio::test]
async fn three_nodes_agree_through_a_partition_and_its_end() {
    let nodes = [node("a").await, node("b").await, node("c").await];
    let [a, b, c] = &nodes;
    let groups = nodes.each_ref().map(|node| node.groups().unwrap());
    for (one, other) in [(a, b), (b, c), (c, a)] {
        connect(one, other).await;
    }
    let members = nodes.each_ref().map(idle_on);
    for (groups, member) in groups.iter().zip(members) {
        assert_eq!(groups.join("chat", member), Ok(true));
        assert_eq!(groups.join("chat", member), Ok(false));
    }
    let as_seen = |from: &Node, of: usize| {
        if from.name() == nodes[of].name() { members[of] } else { seen_from(from, &nodes[of], members[of]) }
    };
    for (node, groups) in nodes.iter().zip(&groups) {
        knows(groups, "chat", &[0, 1, 2].map(|of| as_seen(node, of))).await;
    }
    // Between a and b alone.
    assert!(a.disconnect(b.name()));
    knows(&groups[0], "chat", &[members[0], as_seen(a, 2)]).await;
    until("the other end", || b.nodes().len() == 1).await;
    knows(&groups[1], "chat", &[members[1], as_seen(b, 2)]).await;
    knows(&groups[2], "chat", &[0, 1, 2].map(|of| as_seen(c, of))).await;
    assert!(groups[0].leave("chat", members[0]));
    assert!(!groups[0].leave("chat", members[0]));
    connect(a, b).await;
    knows(&groups[0], "chat", &[1, 2].map(|of| as_seen(a, of))).await;
    knows(&groups[1], "chat", &[1, 2].map(|of| as_seen(b, of))).await;
    // The end of a member.
    c.kill(members[2]).unwrap();
    for (node, groups) in nodes.iter().zip(&groups) {
        knows(groups, "chat", &[as_seen(node, 1)]).await;
    }
    assert_eq!(groups[1].local_members("chat"), [members[1]]);
    assert_eq!(groups[0].names(), [Arc::from("chat")]);
    c.shutdown().await;
    until("the server's end", || groups[2].join("chat", members[2]) == Err(JoinError::Ended)).await;
    knows(&groups[0], "chat", &[as_seen(a, 1)]).await;
}

//= spec/groups.md#grp-srv-001
//# A node that takes part in groups MUST have its server registered under the name `groups`.
#[tokio::test]
async fn a_server_that_is_started_late_or_again_is_told_all() {
    let (a, b) = connected().await;
    let on_a = a.groups().unwrap();
    let first = idle_on(&a);
    on_a.join("chat", first).unwrap();
    // a has asked b already, and there was nobody.
    let on_b = b.groups().unwrap();
    knows(&on_b, "chat", &[seen_from(&b, &a, first)]).await;
    let second = idle_on(&b);
    on_b.join("chat", second).unwrap();
    knows(&on_a, "chat", &[first, seen_from(&a, &b, second)]).await;
    let mut changes = on_b.changes();
    next(&mut changes).await;
    next(&mut changes).await;
    let server = b.whereis("groups").unwrap();
    b.kill(server).unwrap();
    assert_eq!(end_of(&b, server).await, Reason::noproc());
    assert_eq!(within("the end", changes.next()).await, None);
    assert_eq!(on_b.join("chat", second), Err(JoinError::Ended));
    assert!(on_b.members("chat").is_empty() && !on_b.leave("chat", second));
    knows(&on_a, "chat", &[first]).await;
    let again = b.groups().unwrap();
    again.join("chat", second).unwrap();
    knows(&again, "chat", &[second, seen_from(&b, &a, first)]).await;
    knows(&on_a, "chat", &[first, seen_from(&a, &b, second)]).await;
    assert_ne!(b.whereis("groups"), Some(server));
}

/// On several threads, where a session is over while what spoke in it still runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_that_come_and_go_leave_nobody_behind() {
    let (a, b) = (node("a").await, node("b").await);
    let (on_a, on_b) = (a.groups().unwrap(), b.groups().unwrap());
    let members = [idle_on(&a), idle_on(&b)];
    on_a.join("chat", members[0]).unwrap();
    on_b.join("chat", members[1]).unwrap();
    for round in 0..20 {
        connect(&a, &b).await;
        if round % 4 == 0 {
            knows(&on_a, "chat", &[members[0], seen_from(&a, &b, members[1])]).await;
        }
        a.disconnect(b.name());
        until("the end", || a.nodes().is_empty() && b.nodes().is_empty()).await;
    }
    connect(&a, &b).await;
    knows(&on_a, "chat", &[members[0], seen_from(&a, &b, members[1])]).await;
    knows(&on_b, "chat", &[members[1], seen_from(&b, &a, members[0])]).await;
}

#[tokio::test]
async fn a_process_that_has_ended_is_no_member_for_long() {
    let a = node("a").await;
    let groups = a.groups().unwrap();
    let (pid, ended) = begin(&a, async |_| ());
    within("its end", ended).await.unwrap();
    groups.join("chat", pid).unwrap();
    knows(&groups, "chat", &[]).await;
    assert!(matches!(groups.join("", pid), Err(JoinError::NotJoined(_))));
}

#[tokio::test]
async fn a_message_goes_to_all_members() {
    let (a, b) = connected().await;
    let (on_a, on_b) = (a.groups().unwrap(), b.groups().unwrap());
    let receive = async |mut ctx: snow_dist_runtime::Context| {
        (text(&mut ctx).await, message(&mut ctx).await.term::<Pid>().unwrap())
    };
    let (here, at_a) = begin(&a, receive);
    let (there, at_b) = begin(&b, receive);
    on_a.join("chat", here).unwrap();
    on_b.join("chat", there).unwrap();
    knows(&on_a, "chat", &[here, seen_from(&a, &b, there)]).await;
    assert_eq!(on_a.send_all("nobody", "hello").await, 0);
    assert_eq!(on_a.send_all("chat", "hello").await, 2);
    assert_eq!(on_a.send_term_all("chat", &here).await.unwrap(), 2);
    assert_eq!(within("at a", at_a).await.unwrap(), ("hello".to_owned(), here));
    assert_eq!(within("at b", at_b).await.unwrap(), ("hello".to_owned(), seen_from(&b, &a, here)));
}

#[tokio::test]
async fn changes_begin_with_what_is_there() {
    let (a, b) = connected().await;
    let (on_a, on_b) = (a.groups().unwrap(), b.groups().unwrap());
    let (here, there) = (idle_on(&a), idle_on(&b));
    on_a.join("chat", here).unwrap();
    let mut changes = on_a.changes();
    let joined = |pid| GroupChange::Joined { group: "chat".into(), pid };
    assert_eq!(next(&mut changes).await, joined(here));
    on_b.join("chat", there).unwrap();
    let there_here = seen_from(&a, &b, there);
    assert_eq!(next(&mut changes).await, joined(there_here));
    b.shutdown().await;
    assert_eq!(next(&mut changes).await, GroupChange::Left { group: "chat".into(), pid: there_here });
}

#[tokio::test]
async fn nonsense_is_counted_and_disturbs_nobody() {
    let (a, b) = connected().await;
    let (on_a, member) = (a.groups().unwrap(), idle_on(&a));
    on_a.join("chat", member).unwrap();
    let name = a.name().to_owned();
    run(&b, async move |ctx| {
        // Whoever has the name is asked whether it is the server's.
        let (reference, server) = ctx.monitor_named("groups", &name).await.unwrap();
        ctx.send_named("groups", &name, "nonsense").await.unwrap();
        ctx.send_named_term("groups", &name, &("members", 1)).await.unwrap();
        let claim = [("chat", [ctx.pid()])];
        let none: [(&str, [Pid; 1]); 0] = [];
        let forged = ("members", 1, ctx.pid(), server, 1, 0, true, claim, none);
        ctx.send_named_term("groups", &name, &forged).await.unwrap();
        ctx.send_named_term("groups", &name, &("ask", 1, server, server, 0)).await.unwrap();
        // A call is let go of, when all before it was taken.
        assert!(ctx.call_named::<()>("groups", &name, &1, std::time::Duration::from_secs(60)).await.is_err());
        ctx.demonitor(reference);
    })
    .await;
    assert_eq!(on_a.counts().messages_ignored, 4);
    assert_eq!(on_a.members("chat"), [member]);
    // And a server that is started behind it is heard.
    let on_b = b.groups().unwrap();
    knows(&on_b, "chat", &[seen_from(&b, &a, member)]).await;
}

#[tokio::test]
async fn the_server_keeps_its_name_while_it_runs() {
    let node = node("a").await;
    let groups = node.groups().unwrap();
    let server = node.whereis("groups").unwrap();
    assert_eq!(node.unregister("groups"), None);
    assert_eq!(node.whereis("groups"), Some(server));
    assert!(groups.join("g", idle_on(&node)).unwrap());
}

#[tokio::test]
async fn no_signal_of_another_node_ends_a_server() {
    let (a, b) = connected().await;
    let (on_a, on_b, member) = (a.groups().unwrap(), b.groups().unwrap(), idle_on(&a));
    on_a.join("chat", member).unwrap();
    knows(&on_b, "chat", &[seen_from(&b, &a, member)]).await;
    // The server has started who speaks with b: the pids between are known to whoever can count.
    let (server, second) = (a.whereis("groups").unwrap(), idle_on(&a));
    let locals = (server.local()..second.local()).filter(|local| *local != member.local());
    let pids = locals.map(|local| Pid::new(server.node(), server.creation(), local));
    let targets: Vec<_> = pids.map(|pid| seen_from(&b, &a, pid)).collect();
    assert!(targets.len() > 1);
    run(&b, async move |ctx| {
        for target in targets {
            ctx.send_exit(target, Reason::error("end")).await.unwrap();
            // A call is let go of, when all before it was taken.
            assert!(ctx.call::<()>(target, &1, std::time::Duration::from_secs(60)).await.is_err());
        }
    })
    .await;
    on_a.join("chat", second).unwrap();
    knows(&on_b, "chat", &[member, second].map(|pid| seen_from(&b, &a, pid))).await;
    assert_eq!(a.whereis("groups"), Some(server));
}

#[tokio::test]
async fn a_peer_without_the_capability_is_left_alone() {
    let a = node("a").await;
    let (on_a, member) = (a.groups().unwrap(), idle_on(&a));
    on_a.join("chat", member).unwrap();
    let mut raw = RawNode::new("raw@127.0.0.1:1", 7).join(a.name()).await;
    // Beside one that has it, which is told: by then the other one would have been asked.
    let b = node("b").await;
    connect(&a, &b).await;
    knows(&b.groups().unwrap(), "chat", &[seen_from(&b, &a, member)]).await;
    assert_eq!(raw.fence().await, []);
    assert_eq!(on_a.members("chat"), [member]);
}

#[tokio::test]
async fn the_name_of_the_server_can_be_taken() {
    let a = node("a").await;
    let other = idle_on(&a);
    a.register("groups", other).unwrap();
    assert_eq!(a.groups().unwrap_err(), GroupsError::NameTaken(other));
    a.unregister("groups");
    assert!(a.groups_started().is_none());
    let groups = a.groups().unwrap();
    groups.join("chat", other).unwrap();
    assert_eq!(a.groups_started().unwrap().members("chat"), [other]);
    assert_eq!(a.groups().unwrap().members("chat"), [other]);
}
