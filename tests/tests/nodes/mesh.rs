//! Nodes that are kept connected, and meshes that form by peer lists.

use std::sync::Arc;

use snow_dist_codec::NamesBuf;
use snow_dist_codec::frame::{Close, PeerList};
use snow_dist_runtime::{Allowed, KeptFor, KeptState, Node, NotKept, Reason, StartError};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{
    COOKIE, assert_they_talk, begin, exit, node, run, seen_from, start, text, until, within,
};
use snow_dist_tests::raw_peer::{Listener, RawNode, RawSession};

fn builder(name: &str) -> snow_dist_runtime::NodeBuilder {
    Node::builder(format!("{name}@127.0.0.1:0"))
}

fn has(node: &Node, other: &str) -> bool {
    node.nodes().iter().any(|name| **name == *other)
}

fn kept(node: &Node) -> Vec<Arc<str>> {
    node.kept().into_iter().map(|kept| kept.name).collect()
}

#[tokio::test]
async fn a_node_that_is_kept_is_dialled_whenever_it_is_there() {
    let b = node("b").await;
    let name = b.name().to_owned();
    b.shutdown().await;
    let a = start(builder("a").keep_connected([name.clone()])).await;
    until("two dials", || a.kept()[0].dials >= 2).await;
    let waiting = a.kept().remove(0);
    assert_eq!((&*waiting.name, waiting.kept_for, waiting.sessions), (&*name, KeptFor::Program, 0));
    let why = waiting.last_failure.unwrap();
    let (_, address) = name.split_once('@').unwrap();
    assert!(why.starts_with(&format!("no connection to {address}: Connection refused")), "{why}");
    for sessions in 1..=2 {
        let b = start(Node::builder(name.clone())).await;
        until("the session", || has(&a, &name)).await;
        assert_they_talk(&a, &b).await;
        let up = a.kept().remove(0);
        assert_eq!((up.state, up.sessions), (KeptState::Up, sessions));
        b.shutdown().await;
        until("its end", || !has(&a, &name)).await;
    }
    assert!(a.let_go(&name) && !a.let_go(&name) && a.kept().is_empty());
    let b = start(Node::builder(name)).await;
    tokio::task::yield_now().await;
    assert!(b.nodes().is_empty());
    a.shutdown().await;
    assert_eq!(a.keep(b.name()), Err(NotKept::Stopped));
}

#[tokio::test]
async fn names_that_cannot_be_kept_are_refused_and_the_own_one_is_passed_over() {
    let a = start(builder("a").nodes_kept_max(1)).await;
    assert_eq!(a.keep(a.name()), Err(NotKept::OwnName));
    assert!(matches!(a.keep("nobody"), Err(NotKept::Name(_))));
    assert!(matches!(a.keep("b@127.0.0.1:0"), Err(NotKept::Name(_))));
    a.keep("b@127.0.0.1:1").unwrap();
    a.keep("b@127.0.0.1:1").unwrap();
    assert_eq!(a.keep("c@127.0.0.1:1"), Err(NotKept::TooMany { max: 1 }));
    assert_eq!(Node::alone(tokio::runtime::Handle::current()).keep("b@h"), Err(NotKept::Alone));
    let nonsense = builder("b").cookie(COOKIE).keep_connected(["b@"]).start().await;
    assert!(matches!(nonsense, Err(StartError::Keep { name, .. }) if name == "b@"));
    let name = node("c").await;
    let own = name.name().to_owned();
    name.shutdown().await;
    let c = start(Node::builder(own.clone()).keep_connected([own])).await;
    assert!(c.kept().is_empty());
}

#[tokio::test]
async fn a_process_that_turns_to_a_node_without_a_session_has_it_dialled_where_that_is_asked_for() {
    let (a, b) = (start(builder("a").dial_when_needed(true)).await, node("b").await);
    let (server, got) = begin(&b, async |mut ctx| {
        ctx.register("server").unwrap();
        (text(&mut ctx).await, text(&mut ctx).await)
    });
    a.send_named("server", b.name(), "first").await.unwrap();
    assert_eq!(a.messages_unsent(), 0);
    let there = seen_from(&a, &b, server);
    assert!(a.disconnect(b.name()));
    until("the end", || a.nodes().is_empty() && b.nodes().is_empty()).await;
    let (reason, linked) = run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(there).await.unwrap();
        ctx.send(there, "second").await.unwrap();
        let linked = ctx.node().node_of(there).is_some();
        (exit(&mut ctx, there).await, linked)
    })
    .await;
    assert_eq!((reason, linked), (Reason::Normal, true));
    assert_eq!(within("both", got).await.unwrap(), ("first".to_owned(), "second".to_owned()));
    // A node that is not there: what it is for goes on as without a session.
    let name = b.name().to_owned();
    b.shutdown().await;
    until("its end", || a.nodes().is_empty()).await;
    a.send_named("server", &name, "third").await.unwrap();
    assert_eq!(a.messages_unsent(), 1);
}

/// Whether each node has a session with all others.
fn is_complete(nodes: &[Node]) -> bool {
    nodes.iter().all(|node| node.nodes().len() == nodes.len() - 1)
}

async fn mesh(seed: &Node, count: usize) -> Vec<Node> {
    let mut nodes = vec![seed.clone()];
    for number in 1..count {
        nodes.push(start(builder(&format!("n{number}")).keep_connected([seed.name()]).mesh()).await);
    }
    nodes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mesh_forms_from_one_seed_and_heals_without_it() {
    let seed = start(builder("seed").mesh()).await;
    let mut nodes = mesh(&seed, 8).await;
    until("the mesh", || is_complete(&nodes)).await;
    // The seed is gone, and the others do without.
    nodes.remove(0).shutdown().await;
    until("the mesh without the seed", || is_complete(&nodes)).await;
    let last = nodes.pop().unwrap();
    let first = nodes[0].clone();
    let name = last.name().to_owned();
    assert!(last.disconnect(first.name()));
    until("both forget whom they have said goodbye to", || {
        !kept(&first).contains(&Arc::from(&*name)) && !has(&first, &name)
    })
    .await;
    assert_eq!(last.nodes().len(), nodes.len() - 1);
}

//= spec/session.md#ses-lst-002
//= type=test
//# A node MUST NOT dial a name because of a PEER_LIST unless its operator has allowed that name, or every name.
//= spec/session.md#ses-lst-005
//= type=test
//# A node that uses a PEER_LIST MUST skip each text in it that [DIST-NAM-002](dist.md#dist-nam-002) forbids
//# to dial.
//= spec/session.md#ses-lst-003
//= type=test
//# A node MUST NOT use more than the first `peer_list_names_max` names of a PEER_LIST.
//= spec/session.md#ses-lst-006
//= type=test
//# A node MUST NOT end a session or a dial because a PEER_LIST lacks its name.
#[tokio::test]
async fn lists_lead_to_names_that_are_allowed_and_to_no_other() {
    let log = Log::of_this_thread();
    let (b, c) = (node("b").await, node("c").await);
    let a = start(builder("a").peer_lists(Allowed::only([b.name()]).unwrap())).await;
    let raw = RawNode::new("raw@127.0.0.1:1", 7);
    let mut session = raw.join(a.name()).await;
    tell(&mut session, &["", "nobody", "x@127.0.0.1:0", a.name(), "raw@127.0.0.1:1", c.name(), b.name()])
        .await;
    until("the session with b", || has(&a, b.name())).await;
    tell(&mut session, &[]).await;
    assert_eq!(kept(&a), [Arc::from(b.name())]);
    assert_eq!(a.nodes().len(), 2);
    assert_eq!(a.connection_counts().listed_refused, 3);
    let lines = log.lines_with("INFO snow_dist_runtime::connections a list of this peer names nodes");
    assert!(lines.len() == 1 && lines[0].contains("names=3"), "{lines:?}");
    let world: Vec<_> = (0..2_000).map(|number| format!("n{number}@127.0.0.1:1")).collect();
    let all =
        start(builder("all").peer_lists(Allowed::Everyone).peer_list_dials_max(1).nodes_kept_max(1_500))
            .await;
    let mut session = raw.join(all.name()).await;
    tell(&mut session, &world.iter().map(|name| &**name).collect::<Vec<_>>()).await;
    until("the first names", || all.kept().len() == 1_024).await;
    // A second list finds room for what may be kept, and the session goes on.
    tell(&mut session, &world[1_024..].iter().map(|name| &**name).collect::<Vec<_>>()).await;
    until("as many as may be", || all.kept().len() == 1_500).await;
    assert_eq!(all.connection_counts().listed_refused, 500);
    let line =
        "WARN snow_dist_runtime::connections a peer list names more nodes than this one keeps connected";
    assert_eq!(log.lines_with(line).len(), 1);
    assert!(all.kept().iter().map(|kept| kept.dials).sum::<u64>() <= 1);
    assert!(has(&all, raw.name()));
}

async fn tell(session: &mut RawSession, names: &[&str]) {
    let mut list = NamesBuf::default();
    names.iter().for_each(|name| list.push((*name).into()).unwrap());
    session.send(PeerList { names: list.as_names() }).await;
}

//= spec/session.md#ses-lst-008
//= type=test
//# A node MUST write into a PEER_LIST only names of peers with which it has another session of version 2.
//= spec/session.md#ses-lst-011
//= type=test
//# A node that writes PEER_LISTs in a session MUST write them when that session begins and at no other time,
//# and none without a name in it.
#[tokio::test]
async fn a_peer_is_told_of_the_others_when_its_session_begins() {
    let a = start(builder("a").tell_peers(true)).await;
    let (b, c) = (RawNode::new("b@127.0.0.1:1", 7), RawNode::new("c@127.0.0.1:1", 8));
    let mut of_b = b.join(a.name()).await;
    let mut of_c = c.join(a.name()).await;
    let names = {
        let mut names = NamesBuf::default();
        names.push(b.name().into()).unwrap();
        names
    };
    of_c.expect(PeerList { names: names.as_names() }).await;
    // Who was there is told nothing: the later one dials.
    assert!(of_b.fence().await.is_empty());
}

//= spec/session.md#ses-lst-009
//# A node SHOULD forget a name that only PEER_LISTs have told when either node ends their session by CLOSE
//# with code 0.
#[tokio::test]
async fn a_node_that_says_goodbye_is_not_dialled_again_because_of_a_list() {
    let listener = Listener::bind().await;
    let raw = RawNode::new(&listener.name("b"), 7);
    let a = start(builder("a").peer_lists(Allowed::Everyone)).await;
    let mut teller = RawNode::new("raw@127.0.0.1:1", 8).join(a.name()).await;
    tell(&mut teller, &[raw.name()]).await;
    // A session that is lost is dialled again.
    drop(within("the dial", raw.accept(&listener)).await);
    let mut session = within("the second dial", raw.accept(&listener)).await;
    session.send(Close { code: 0, text: "it stops".into() }).await;
    until("it is forgotten", || a.kept().is_empty()).await;
}

#[tokio::test]
async fn a_node_that_is_dropped_dials_nobody_after_its_last_session() {
    let b = node("b").await;
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let a = start(builder("a").keep_connected([b.name(), "nobody@127.0.0.1:1"])).await;
    let name = a.name().to_owned();
    until("the session", || has(&a, b.name()) && has(&b, &name)).await;
    // The session keeps it until it ends.
    drop(a);
    assert!(has(&b, &name));
    b.disconnect(&name);
    until("nothing of it is left", || tasks() <= before && b.nodes().is_empty()).await;
}
