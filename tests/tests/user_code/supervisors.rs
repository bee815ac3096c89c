//! Closures that start a supervisor's children.

use std::sync::Arc;

use snow_dist_runtime::supervisor::{Child, Restart, Strategy, Supervisor};
use snow_dist_runtime::{Context, Node, Reason, Received};
use snow_dist_tests::program::{begin, until, within};

use super::{CallsBack, watchdog};

/// Runs until its supervisor stops it.
async fn stays(mut ctx: Context) -> Reason {
    loop {
        if let Received::Exit { reason, .. } = ctx.recv().await {
            break reason;
        }
    }
}

#[tokio::test]
async fn a_closure_may_use_the_node_and_panic_where_it_starts_a_child() {
    let _watchdog = watchdog();
    let (node, calls_back) = (Node::alone(tokio::runtime::Handle::current()), CallsBack::default());
    let (pid, _) = begin(&node, stays);
    calls_back.know(vec![(node.clone(), pid)], Vec::new());
    let calls = calls_back.clone();
    let panics = Child::new("panics", move |_: Context| -> std::future::Ready<()> {
        calls.call();
        panic!("it starts nothing")
    });
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .child(Child::new("stays", stays))
        .child(panics.restart(Restart::Temporary))
        .start(&node)
        .unwrap();
    within("the start", supervisor.started()).await.unwrap();
    calls_back.assert_finished().await;
    until("the end of the child that panicked", || node.process_count() == 3).await;
    let children = within("the children", supervisor.children()).await.unwrap();
    assert_eq!(children.iter().map(|child| &*child.name).collect::<Vec<_>>(), ["stays"]);
    assert_eq!(within("its end", supervisor.stop()).await, Reason::Shutdown);
}

#[tokio::test]
async fn what_a_closure_has_captured_may_panic_when_it_is_dropped() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let node = Node::alone(tokio::runtime::Handle::current());
    let panics = Arc::new(Panics);
    let held = Child::new("held", move |ctx: Context| {
        let _held = &panics;
        stays(ctx)
    });
    let supervisor = Supervisor::new(Strategy::OneForOne).child(held).child(Child::new("after", stays));
    let supervisor = supervisor.start(&node).unwrap();
    supervisor.started().await.unwrap();
    supervisor.stop_child("held").await.unwrap();
    assert_eq!(supervisor.children().await.unwrap().len(), 1);
    assert_eq!(supervisor.stop().await, Reason::Shutdown);
    assert_eq!(node.process_count(), 0);
}
