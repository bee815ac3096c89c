//! Bytes of the program's own: what is done when they are dropped is code of the program.

use std::sync::Arc;

use bytes::Bytes;
use snow_dist_runtime::{Context, Node, Pid, Reason, Received};
use snow_dist_tests::program::{begin, exit, run, until, within};
use tokio::sync::oneshot;

use super::{CallsBack, watchdog};

struct Does(Arc<dyn Fn() + Send + Sync>);

impl AsRef<[u8]> for Does {
    fn as_ref(&self) -> &[u8] {
        b"a payload"
    }
}

impl Drop for Does {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn payload(done: &Arc<dyn Fn() + Send + Sync>) -> Bytes {
    Bytes::from_owner(Does(Arc::clone(done)))
}

/// Payloads in a mailbox, in both halves of it, when their process ends; some come when its end is certain, and some to
/// none at all. Whoever is linked with it is told, its name is free, and it is gone.
async fn payloads_that(node: &Node, know: impl FnOnce(Pid), done: Arc<dyn Fn() + Send + Sync>) {
    let (ready, is_ready) = oneshot::channel();
    let holds = node.spawn(async move |mut ctx: Context| {
        ctx.register("holds").unwrap();
        // All before it are in the receiver's half then.
        let is_mark = |received: &Received| matches!(received, Received::Message(message) if message.as_bytes() == b"mark");
        ctx.recv_where(is_mark).await;
        ready.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    let holds = holds.unwrap();
    know(holds);
    let (tell_linked, is_linked) = oneshot::channel();
    let (_, linked) = begin(node, async move |mut ctx: Context| {
        ctx.trap_exit(true);
        ctx.link(holds).await.unwrap();
        tell_linked.send(()).unwrap();
        exit(&mut ctx, holds).await
    });
    for _ in 0..3 {
        node.send(holds, payload(&done)).await.unwrap();
    }
    node.send(holds, "mark").await.unwrap();
    within("all is received", is_ready).await.unwrap();
    for _ in 0..3 {
        node.send(holds, payload(&done)).await.unwrap();
    }
    within("the link", is_linked).await.unwrap();
    node.kill(holds).unwrap();
    // Dropped where it is sent, by whoever sends it.
    let late = std::panic::AssertUnwindSafe(|| super::poll_once(node.send(holds, payload(&done))));
    let _ = std::panic::catch_unwind(late);
    assert_eq!(within("its exit signal", linked).await.unwrap(), Reason::Killed);
    assert_eq!(node.whereis("holds"), None);
    until("it is gone", || !node.is_alive(holds)).await;
    let next = run(node, async |ctx: Context| ctx.register("holds")).await;
    assert_eq!(next, Ok(()));
}

#[tokio::test]
async fn a_payload_may_use_the_node_when_it_is_dropped() {
    let _watchdog = watchdog();
    let node = Node::alone(tokio::runtime::Handle::current());
    let calls_back = CallsBack::default();
    let know = |holds| calls_back.know(vec![(node.clone(), holds)], Vec::new());
    let in_drops = calls_back.clone();
    payloads_that(&node, know, Arc::new(move || in_drops.call())).await;
}

#[tokio::test]
async fn payloads_that_panic_when_they_are_dropped_lose_no_signal_and_no_name() {
    let _watchdog = watchdog();
    let node = Node::alone(tokio::runtime::Handle::current());
    payloads_that(&node, |_| (), Arc::new(|| panic!("a payload that panics"))).await;
}
