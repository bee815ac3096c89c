//! Closures that start a supervisor's children, and the methods of servers.

use std::ops::ControlFlow::{self, Continue};
use std::sync::Arc;
use std::time::Duration;

use snow_dist_runtime::server::{self, Reply, Server};
use snow_dist_runtime::supervisor::{Child, Restart, Strategy, Supervisor};
use snow_dist_runtime::{CallError, Context, Node, Reason, Received};
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

/// Replies to a call, and panics at the next.
struct Once(CallsBack, bool);

impl Server for Once {
    type Message = Reply<()>;

    async fn handle(&mut self, _: &mut Context, reply: Reply<()>) -> ControlFlow<Reason> {
        self.0.call();
        assert!(!std::mem::replace(&mut self.1, true), "once is enough");
        reply.send(&()).await.unwrap();
        Continue(())
    }
}

#[tokio::test]
async fn a_server_may_use_the_node_in_its_methods_and_panic() {
    let _watchdog = watchdog();
    let (node, calls_back) = (Node::alone(tokio::runtime::Handle::current()), CallsBack::default());
    let (pid, _) = begin(&node, stays);
    calls_back.know(vec![(node.clone(), pid)], Vec::new());
    let once = server::start(&node, Once(calls_back.clone(), false)).unwrap();
    let ask = || once.call(&node, |reply| reply, Duration::from_secs(60));
    assert_eq!(ask().await, Ok(()));
    assert_eq!(ask().await, Err(CallError::Ended(Reason::error("panic: once is enough"))));
    calls_back.assert_finished().await;
}
