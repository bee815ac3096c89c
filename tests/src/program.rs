//! Nodes and processes as tests start them.

use std::time::Duration;

use snow_dist_runtime::{Context, Message, Node, NodeBuilder, Pid, Reason, Received};
use tokio::sync::oneshot;

/// The secret of all nodes that belong together.
pub const COOKIE: &str = "a cookie of thirty-two letters..";

/// When a test has failed: nothing waits that long unless it waits for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// What must come, or the test fails.
pub async fn within<T>(what: &str, coming: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, coming).await {
        Ok(come) => come,
        Err(_) => panic!("{what} did not come"),
    }
}

/// A node at any port of this machine.
pub async fn node(name: &str) -> Node {
    start(Node::builder(format!("{name}@127.0.0.1:0"))).await
}

/// A node with the cookie.
pub async fn start(builder: NodeBuilder) -> Node {
    builder.cookie(COOKIE).start().await.unwrap()
}

/// Two nodes with a session.
pub async fn connected() -> (Node, Node) {
    let (a, b) = (node("a").await, node("b").await);
    connect(&a, &b).await;
    (a, b)
}

/// Makes a session, and waits until both nodes have it.
pub async fn connect(a: &Node, b: &Node) {
    within("a session", a.connect(b.name())).await.unwrap();
    until("the other end has the session", || b.nodes().iter().any(|name| **name == *a.name())).await;
}

/// Waits for what no event tells.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    within(what, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// Runs a process and gives what it returns.
pub async fn run<T, F, Fut>(node: &Node, process: F) -> T
where
    T: Send + 'static,
    F: FnOnce(Context) -> Fut + Send + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    within("a process's result", begin(node, process).1).await.unwrap()
}

/// Starts a process; gives who it is, and what it will return.
pub fn begin<T, F, Fut>(node: &Node, process: F) -> (Pid, oneshot::Receiver<T>)
where
    T: Send + 'static,
    F: FnOnce(Context) -> Fut + Send + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    let (done, is_done) = oneshot::channel();
    let pid = node.spawn(async move |ctx| drop(done.send(process(ctx).await))).unwrap();
    (pid, is_done)
}

/// A process of `node` as another node sees it.
#[must_use]
pub fn seen_from(other: &Node, node: &Node, pid: Pid) -> Pid {
    other.pid_on(node.name(), pid.local()).unwrap()
}

/// A process that does nothing until it is told to end with an error of the message's text.
pub async fn until_told(mut ctx: Context) -> Reason {
    Reason::error(text(&mut ctx).await)
}

/// A process that traps exits and does nothing else, until it is killed.
pub async fn idle(ctx: Context) {
    ctx.trap_exit(true);
    std::future::pending().await
}

/// The next message.
pub async fn message(ctx: &mut Context) -> Message {
    match received(ctx).await {
        Received::Message(message) => message,
        other => panic!("no message: {other:?}"),
    }
}

/// The next message, as text.
pub async fn text(ctx: &mut Context) -> String {
    String::from_utf8(message(ctx).await.as_bytes().to_vec()).unwrap()
}

/// The next thing in the mailbox.
pub async fn received(ctx: &mut Context) -> Received {
    within("something in the mailbox", ctx.recv()).await
}

/// The next thing is an exit signal of this process; gives its reason.
pub async fn exit(ctx: &mut Context, of: Pid) -> Reason {
    match received(ctx).await {
        Received::Exit { from, reason } if from == of => reason,
        other => panic!("no exit of {of}: {other:?}"),
    }
}

/// The next thing is a DOWN of this process; gives its reason.
pub async fn down(ctx: &mut Context, of: Pid) -> Reason {
    match received(ctx).await {
        Received::Down { from, reason, .. } if from == of => reason,
        other => panic!("no DOWN of {of}: {other:?}"),
    }
}

/// Waits for a process's end; gives its reason.
pub async fn end_of(node: &Node, pid: Pid) -> Reason {
    run(node, async move |mut ctx| {
        ctx.monitor(pid).await.unwrap();
        down(&mut ctx, pid).await
    })
    .await
}

/// Whether messages go from one node to the other and back.
pub async fn assert_they_talk(a: &Node, b: &Node) {
    let (echo, _) = begin(b, async |mut ctx: Context| {
        let name = text(&mut ctx).await;
        let (node, name) = name.split_once(' ').unwrap();
        ctx.send_named(name, node, "back").await.unwrap();
        text(&mut ctx).await
    });
    let echo = seen_from(a, b, echo);
    let own = a.name().to_owned();
    run(a, async move |mut ctx| {
        ctx.register("talker").unwrap();
        ctx.send(echo, format!("{own} talker")).await.unwrap();
        assert_eq!(text(&mut ctx).await, "back");
        ctx.send(echo, "enough").await.unwrap();
    })
    .await;
}
