//! A tap sees every message of a node, and is code of the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use snow_dist_runtime::{Context, Node, Reason, Received};
use snow_dist_tests::program::{
    COOKIE, assert_they_talk, begin, connect, exit, idle, received, seen_from, until, within,
};

use super::{CallsBack, watchdog};

/// How often a tap does what it does.
const DONE_MAX: usize = 200;

/// What the tap of both nodes does at every message.
async fn a_session_with_a_tap_that(does: Arc<dyn Fn() + Send + Sync>, calls_back: &CallsBack) {
    let seen = Arc::<AtomicUsize>::default();
    let start = async |name: &str| {
        let (does, seen) = (Arc::clone(&does), Arc::clone(&seen));
        let tap = move |_: snow_dist_runtime::Seen<'_>| {
            // What it does is seen in turn, without end.
            if seen.fetch_add(1, Ordering::SeqCst) < DONE_MAX {
                does();
            }
        };
        Node::builder(format!("{name}@127.0.0.1:0")).cookie(COOKIE).tap(tap).start().await.unwrap()
    };
    let (a, b) = (start("a").await, start("b").await);
    let [of_a, of_b] = [&a, &b].map(|node| node.spawn(idle).unwrap());
    connect(&a, &b).await;
    let far = seen_from(&a, &b, of_b);
    calls_back.know(vec![(a.clone(), of_a), (b.clone(), of_b)], vec![(a.clone(), far)]);
    assert_they_talk(&a, &b).await;
    let name = b.name().to_owned();
    let (_, watched) = begin(&a, async move |mut ctx: Context| {
        ctx.trap_exit(true);
        ctx.monitor_node(&name).unwrap();
        ctx.link(far).await.unwrap();
        ctx.register("linked").unwrap();
        (exit(&mut ctx, far).await, received(&mut ctx).await)
    });
    until("the link", || a.whereis("linked").is_some()).await;
    // Behind this the other node has it, too.
    assert_they_talk(&a, &b).await;
    b.kill(of_b).unwrap();
    assert_they_talk(&a, &b).await;
    a.disconnect(b.name());
    let expected = (Reason::Killed, Received::NodeDown { name: b.name().into() });
    assert_eq!(within("its signals", watched).await.unwrap(), expected);
    assert!(seen.load(Ordering::SeqCst) > 8, "handshakes and frames of both");
    a.shutdown().await;
    b.shutdown().await;
}

#[tokio::test]
async fn a_tap_may_use_the_node_at_every_message() {
    let _watchdog = watchdog();
    let calls_back = CallsBack::default();
    let in_tap = calls_back.clone();
    a_session_with_a_tap_that(Arc::new(move || in_tap.call()), &calls_back).await;
    calls_back.assert_finished().await;
}

#[tokio::test]
async fn a_tap_that_panics_loses_no_message() {
    let _watchdog = watchdog();
    let panics = Arc::new(|| panic!("a tap that panics"));
    a_session_with_a_tap_that(panics, &CallsBack::default()).await;
}
