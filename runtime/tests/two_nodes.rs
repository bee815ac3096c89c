//! Two nodes over TLS in one process.

use snow_dist_runtime::core::limits::GROUPS_INTERVAL_MAX;
use snow_dist_runtime::{Context, Node, Pid, Reason, Received};
use std::time::Duration;

#[expect(clippy::unwrap_used, reason = "a test")]
async fn node(name: &str) -> Node {
    Node::builder(format!("{name}@127.0.0.1:0"))
        .cookie("a cookie of thirty-two letters..")
        .start()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_message_a_link_and_an_exit() {
    let (a, b) = (node("a").await, node("b").await);
    a.connect(b.name()).await.unwrap();
    let (tell, told) = tokio::sync::oneshot::channel();
    let echo = b
        .spawn(async |mut ctx: Context| {
            ctx.register("echo").unwrap();
            let Received::Message(m) = ctx.recv().await else { panic!() };
            assert_eq!(m.as_bytes(), b"hello");
            ctx.recv().await;
            Reason::error("boom")
        })
        .unwrap();
    let remote = a.pid_on(b.name(), echo.local()).unwrap();
    a.spawn(async move |mut ctx: Context| {
        ctx.trap_exit(true);
        ctx.link(remote).await.unwrap();
        let m = ctx.monitor(remote).await.unwrap();
        ctx.send(remote, "hello").await.unwrap();
        ctx.send(remote, "end").await.unwrap();
        let first = ctx.recv().await;
        let second = ctx.recv().await;
        tell.send((first, second, m)).unwrap();
    })
    .unwrap();
    let (first, second, monitor) = tokio::time::timeout(Duration::from_secs(5), told).await.unwrap().unwrap();
    assert_eq!(first, Received::Exit { from: remote, reason: Reason::error("boom") });
    assert_eq!(second, Received::Down { reference: monitor, from: remote, reason: Reason::error("boom") });
    a.shutdown().await;
    b.shutdown().await;
}

//= spec/groups.md#grp-str-010
//# A server MUST send the next message of a stream at the latest when `groups_interval_max` seconds have
//# passed since the one before it, even if there is nothing to tell, while its reader is known and the
//# session's queue has room.
#[tokio::test]
async fn a_server_of_groups_goes_on_telling_when_nothing_changes() {
    let (a, b) = (node("a").await, node("b").await);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    // In the place of the server of b.
    b.spawn(async move |mut ctx: Context| {
        ctx.register("groups").unwrap();
        tell.send(-1).unwrap();
        while let Received::Message(m) = ctx.recv().await {
            type Entries = Vec<(String, Vec<Pid>)>;
            let members: (String, i64, Pid, Pid, i64, i64, bool, Entries, Entries) = m.term().unwrap();
            tell.send(members.5).unwrap();
        }
    })
    .unwrap();
    assert_eq!(told.recv().await, Some(-1));
    a.groups().unwrap();
    a.connect(b.name()).await.unwrap();
    assert_eq!(told.recv().await, Some(0));
    for number in 1..3 {
        tokio::time::pause();
        tokio::time::advance(GROUPS_INTERVAL_MAX).await;
        tokio::time::resume();
        assert_eq!(told.recv().await, Some(number));
    }
    a.shutdown().await;
    b.shutdown().await;
}
