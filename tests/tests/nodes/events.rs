//! What nodes tell of, made to happen: `runtime/OBSERVING.md`. Failures of processes are in `failures`, refused connections and what
//! floods are in `attackers`, and cookies in `cookies`.

use std::time::Duration;

use snow_dist_runtime::discovery::{File, List};
use snow_dist_runtime::supervisor::{Child, Strategy, Supervisor};
use snow_dist_runtime::{Context, Mailbox, Node, OnConflict, Reason};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{connect, idle, node, run, seen_from, start, until};

#[tokio::test]
async fn a_session_is_told_of_and_has_a_span_and_so_has_a_call() {
    let log = Log::down_to_debug();
    let (a, b) = (node("a").await, node("b").await);
    connect(&a, &b).await;
    let up = log.lines_with("session up");
    let of = |node: &Node| format!("INFO snow_dist_runtime::sessions session up peer={}", node.name());
    assert_eq!(up.len(), 2, "{up:?}");
    assert!(up.contains(&of(&a)) && up.contains(&of(&b)), "{up:?}");
    for is_dialled in [true, false] {
        let span = format!("DEBUG snow_dist_runtime::sessions span session is_dialled={is_dialled}");
        assert_eq!(log.lines_with(&span).len(), 1, "{:?}", log.lines());
    }
    assert_eq!(log.lines_with("span recorded peer=").len(), 2);

    let callee = seen_from(&a, &b, b.spawn(async |_| Reason::error("gone")).unwrap());
    a.call::<u8>(callee, &"?", Duration::from_secs(600)).await.unwrap_err();
    let span = format!("callee={callee}");
    let spans = log.lines_with("DEBUG snow_dist_runtime::processes span call caller=");
    assert!(spans.len() == 1 && spans[0].ends_with(&span), "{spans:?}");

    a.disconnect(b.name());
    until("both ends", || log.lines_with("INFO snow_dist_runtime::sessions session ended peer=").len() == 2)
        .await;
}

#[tokio::test]
async fn a_node_that_is_not_reached_is_told_of() {
    let log = Log::down_to_debug();
    let kept = node("a").await;
    kept.keep("b@127.0.0.1:1").unwrap();
    until("the warning", || log.lines_with("is kept connected and is not reached").len() == 1).await;
    let a = start(Node::builder("a@127.0.0.1:0").dial_when_needed(true)).await;
    run(&a, async |ctx: Context| ctx.send_named("x", "b@127.0.0.1:1", "lost").await.unwrap()).await;
    let line = "DEBUG snow_dist_runtime::connections a node that a process has turned to is not reached";
    assert_eq!(log.lines_with(line).len(), 1);
}

#[tokio::test]
async fn a_global_name_that_another_node_keeps_is_told_of() {
    let log = Log::of_this_thread();
    let (a, b) = (node("a").await, node("b").await);
    for node in [&a, &b] {
        let process = node.spawn(idle).unwrap();
        node.register_global("desk", process, OnConflict::Exit).unwrap();
    }
    connect(&a, &b).await;
    let line = "WARN snow_dist_runtime::processes the global name is kept by another node name=desk";
    until("the warning", || log.lines_with(line).len() == 1).await;
}

#[tokio::test]
async fn a_message_that_is_dropped_is_told_of() {
    let log = Log::of_this_thread();
    let (a, b) = (node("a").await, node("b").await);
    connect(&a, &b).await;
    let full = b.spawn_with(Mailbox::bounded(1), async |_| std::future::pending::<()>().await).unwrap();
    let to = seen_from(&a, &b, full);
    for _ in 0..2 {
        a.send(to, "message").await.unwrap();
    }
    let line = format!("WARN snow_dist_runtime::processes mailbox full: dropped process={full}");
    until("the warning", || log.lines_with(&line).len() == 1).await;
}

#[tokio::test]
async fn what_discoveries_find_and_do_not_is_told_of() {
    let log = Log::of_this_thread();
    let a = node("a").await;
    let _list = a.discover(List::new(["b@127.0.0.1:1"])).unwrap();
    until("a change", || {
        log.lines_with("INFO snow_dist_runtime::discovery the nodes that are there").len() == 1
    })
    .await;
    let _file = a.discover(File::new("/nothing/is/here")).unwrap();
    until("a failure", || {
        log.lines_with("WARN snow_dist_runtime::discovery a look for nodes has").len() == 1
    })
    .await;
    let _bad = a.discover(List::new(["no node name"])).unwrap();
    until("a name", || log.lines_with("names of nodes are passed over, the first of them").len() == 1).await;
}

#[tokio::test]
async fn a_cookie_that_is_short_is_told_of() {
    let log = Log::of_this_thread();
    let short = Node::builder("a@127.0.0.1:0").cookie("short").start().await.unwrap();
    short.shutdown().await;
    assert_eq!(log.lines_with("WARN snow_dist_runtime::configuration the cookie is short").len(), 1);
}

#[tokio::test]
async fn what_supervisors_do_is_told_of() {
    let log = Log::of_this_thread();
    let node = Node::alone(tokio::runtime::Handle::current());
    let child = Child::new("worker", async |_: Context| Reason::error("boom"));
    Supervisor::new(Strategy::OneForOne)
        .restarts(1, Duration::from_secs(600))
        .child(child)
        .start(&node)
        .unwrap();
    until("its end", || node.process_count() == 0).await;
    assert_eq!(log.lines_with("INFO snow_dist_runtime::processes a child is started again").len(), 1);
    assert_eq!(log.lines_with("ERROR snow_dist_runtime::processes a supervisor gives up").len(), 1);
}
