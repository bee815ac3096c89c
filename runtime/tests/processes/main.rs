//! Processes of one node, as a program sees them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests run on the runtime they are in")]

mod ends;
mod links;
mod mailboxes;
mod monitors;
mod names;
mod selective;

use snow_dist_runtime::core::{Pid, Reason};
use snow_dist_runtime::{Context, Mailbox, Message, Node, Received};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

fn node() -> Node {
    Node::alone(Handle::current())
}

/// Runs a process and gives what it returns.
async fn run<T, F, Fut>(node: &Node, process: F) -> T
where
    T: Send + 'static,
    F: FnOnce(Context) -> Fut + Send + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    let (done, is_done) = oneshot::channel();
    node.spawn(async move |ctx| {
        let _ = done.send(process(ctx).await);
    })
    .unwrap();
    is_done.await.unwrap()
}

/// A process that does nothing until it is told to end with an error of the message's text.
async fn until_told(mut ctx: Context) -> Reason {
    let told = message(&mut ctx).await;
    Reason::error(std::str::from_utf8(told.as_bytes()).unwrap())
}

async fn message(ctx: &mut Context) -> Message {
    ctx.recv_where(|received| matches!(received, Received::Message(_))).await.into_message().unwrap()
}

/// Waits for a process's end; gives its reason.
async fn end_of(node: &Node, pid: Pid) -> Reason {
    run(node, async move |mut ctx| {
        ctx.monitor(pid).await.unwrap();
        match ctx.recv().await {
            Received::Down { from, reason, .. } if from == pid => reason,
            other => panic!("{other:?}"),
        }
    })
    .await
}

/// Is there anything in the mailbox, after all that others do at once is done?
async fn nothing_comes(ctx: &mut Context) -> bool {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    ctx.recv_timeout(std::time::Duration::ZERO).await.is_none()
}
