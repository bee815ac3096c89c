//! Payloads of the program's own: how their bytes are taken, and what is done when they are dropped.

use std::sync::Arc;

use bytes::Bytes;
use snow_dist_runtime::{Context, Mailbox, Node, Payload, Pid, Reason, Received};
use snow_dist_tests::program::{
    assert_they_talk, begin, connected, exit, idle, run, seen_from, text, until, within,
};
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
    calls_back.assert_finished().await;
}

#[tokio::test]
async fn payloads_that_panic_when_they_are_dropped_lose_no_signal_and_no_name() {
    let _watchdog = watchdog();
    let node = Node::alone(tokio::runtime::Handle::current());
    payloads_that(&node, |_| (), Arc::new(|| panic!("a payload that panics"))).await;
}

/// Does this when its bytes are taken, in either way.
struct Gives<'a>(&'a (dyn Fn() + Sync));

impl Payload for Gives<'_> {
    fn as_slice(&self) -> &[u8] {
        (self.0)();
        b"given"
    }

    fn into_bytes(self) -> Bytes {
        (self.0)();
        Bytes::from_static(b"given")
    }
}

#[tokio::test]
async fn a_payload_may_use_the_node_when_its_bytes_are_taken() {
    let _watchdog = watchdog();
    let (a, b) = connected().await;
    let [of_a, of_b] = [&a, &b].map(|node| node.spawn(idle).unwrap());
    let calls_back = CallsBack::default();
    let far = seen_from(&a, &b, of_b);
    calls_back.know(vec![(a.clone(), of_a), (b.clone(), of_b)], vec![(a.clone(), far)]);
    let does = || calls_back.call();
    for node in [&a, &b] {
        let (to, got) = begin(node, async |mut ctx: Context| {
            ctx.register("takes").unwrap();
            [text(&mut ctx).await, text(&mut ctx).await]
        });
        until("its name", || node.whereis("takes").is_some()).await;
        let to = if *node.name() == *a.name() { to } else { seen_from(&a, &b, to) };
        a.send(to, Gives(&does)).await.unwrap();
        a.send_named("takes", node.name(), Gives(&does)).await.unwrap();
        assert_eq!(within("both", got).await.unwrap(), ["given", "given"]);
    }
    calls_back.assert_finished().await;
}

#[tokio::test]
async fn a_payload_that_panics_when_its_bytes_are_taken_takes_no_place_of_a_mailbox() {
    let _watchdog = watchdog();
    let (a, b) = connected().await;
    for node in [&a, &b] {
        let (go, let_go) = oneshot::channel::<()>();
        let to = node.spawn_with(Mailbox::bounded(1), async move |mut ctx: Context| {
            ctx.register("takes").unwrap();
            let_go.await.unwrap();
            assert_eq!(text(&mut ctx).await, "a place was left");
        });
        let to = to.unwrap();
        until("its name", || node.whereis("takes").is_some()).await;
        let to = if *node.name() == *a.name() { to } else { seen_from(&a, &b, to) };
        let name = node.name().to_owned();
        let sends = a.spawn(async move |ctx: Context| {
            // Neither is sent: the process ends with the first.
            ctx.send(to, Gives(&|| panic!("no bytes"))).await.unwrap();
            ctx.send(to, "never").await.unwrap();
        });
        let sends = sends.unwrap();
        until("its end", || !a.is_alive(sends)).await;
        let named = tokio::spawn({
            let a = a.clone();
            async move { a.send_named("takes", &name, Gives(&|| panic!("no bytes"))).await }
        });
        assert!(named.await.unwrap_err().is_panic());
        within("a place", a.send(to, "a place was left")).await.unwrap();
        go.send(()).unwrap();
        until("its end", || node.whereis("takes").is_none()).await;
    }
    assert_they_talk(&a, &b).await;
}
