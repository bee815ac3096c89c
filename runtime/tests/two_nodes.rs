//! Two nodes over TLS in one process.

use snow_dist_runtime::{Context, Node, Reason, Received};
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
