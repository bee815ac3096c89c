use snow_dist_runtime::core::NodeNumber;
use snow_dist_runtime::{NotHere, Refused, SpawnError};

use super::*;

/// Runs a process to its end; gives the reason.
async fn ending<F, Fut>(process: F) -> Reason
where
    F: FnOnce(Context) -> Fut + Send + 'static,
    Fut: Future<Output: Into<Reason>> + Send + 'static,
{
    run(&node(), async move |mut ctx| {
        ctx.spawn_monitor(process).unwrap();
        match ctx.recv().await {
            Received::Down { reason, .. } => reason,
            received => panic!("{received:?}"),
        }
    })
    .await
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[tokio::test]
async fn what_is_returned_is_the_reason() {
    assert_eq!(ending(async |_| {}).await, Reason::Normal);
    assert_eq!(ending(async |_| Err::<(), _>("no")).await, Reason::error("no"));
    assert_eq!(ending(async |_| Reason::Shutdown).await, Reason::Shutdown);
}

#[tokio::test]
async fn a_panic_ends_that_process_alone() {
    assert_eq!(ending(async |_| -> () { panic!("boom") }).await, Reason::error("panic: boom"));
    assert_eq!(ending(async |_| -> () { panic!("boom {}", 1) }).await, Reason::error("panic: boom 1"));
    let other = |_: Context| -> std::future::Ready<()> { std::panic::panic_any(1) };
    assert_eq!(ending(other).await, Reason::error("panic: it says nothing"));
}

#[tokio::test]
async fn a_panic_while_dropping_does_so_too() {
    let reason = ending(async |ctx: Context| {
        let _held = PanicsWhenDropped;
        let _own = ctx;
        tokio::task::yield_now().await;
    });
    assert_eq!(reason.await, Reason::error("panic: dropped"));
    let node = node();
    let (running, is_running) = oneshot::channel();
    let killed = node
        .spawn(async move |ctx: Context| {
            let _held = PanicsWhenDropped;
            let _own = ctx;
            running.send(()).unwrap();
            std::future::pending::<()>().await;
        })
        .unwrap();
    is_running.await.unwrap();
    let reason = run(&node, async move |mut ctx| {
        ctx.monitor(killed).await.unwrap();
        ctx.kill(killed).unwrap();
        ctx.recv().await
    })
    .await;
    assert!(matches!(reason, Received::Down { reason: Reason::Killed, .. }), "{reason:?}");
}

#[tokio::test]
async fn an_exit_ends_the_process_where_it_stands() {
    let reason = ending(async |ctx: Context| {
        ctx.trap_exit(true);
        ctx.exit(Reason::custom("enough")).await;
        #[allow(unreachable_code)]
        ()
    });
    assert_eq!(reason.await, Reason::custom("enough"));
}

#[tokio::test]
async fn only_processes_of_this_node_are_killed() {
    let node = node();
    let far = Pid::new(NodeNumber::other(3).unwrap(), 1, 1);
    assert_eq!(node.kill(far), Err(NotHere(far)));
    let nobody = Pid::new(NodeNumber::HERE, 1, 1_000);
    assert_eq!(node.kill(nobody), Ok(()));
    let waits = node.spawn(until_told).unwrap();
    let of_another_creation = Pid::new(NodeNumber::HERE, 2, waits.local());
    assert_eq!(node.kill(of_another_creation), Ok(()));
    assert!(node.is_alive(waits));
}

#[tokio::test]
async fn whoever_is_not_connected_is_told_at_once() {
    let far = Pid::new(NodeNumber::other(3).unwrap(), 1, 1);
    run(&node(), async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.send(far, "lost").await.unwrap();
        ctx.send_named("name", "far@away:9000", "lost").await.unwrap();
        ctx.link(far).await.unwrap();
        assert_eq!(ctx.recv().await, Received::Exit { from: far, reason: Reason::Noconnection });
        let reference = ctx.monitor(far).await.unwrap();
        assert_eq!(ctx.recv().await, Received::Down { reference, from: far, reason: Reason::Noconnection });
        ctx.unlink(far);
        ctx.demonitor(reference);
        assert!(nothing_comes(&mut ctx).await);
    })
    .await;
}

#[test]
fn the_end_of_the_runtime_ends_its_processes() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let node = Node::alone(runtime.handle().clone());
    let started = node.spawn(until_told).unwrap();
    node.register("name", started).unwrap();
    runtime.block_on(tokio::task::yield_now());
    let not_started = node.spawn(until_told).unwrap();
    drop(runtime);
    assert!(!node.is_alive(started) && !node.is_alive(not_started));
    assert_eq!((node.process_count(), node.whereis("name")), (0, None));
    assert_eq!(node.spawn(until_told), Err(SpawnError::RuntimeGone));
    assert_eq!(node.process_count(), 0);
}

#[tokio::test]
async fn a_context_that_outlives_its_process_receives_nothing() {
    let node = node();
    let (give, is_given) = oneshot::channel();
    let dead = node
        .spawn(async move |ctx: Context| {
            let _ = give.send(ctx);
        })
        .unwrap();
    let mut ctx = is_given.await.unwrap();
    end_of(&node, dead).await;
    let other = node.spawn(until_told).unwrap();
    assert_eq!(ctx.link(other).await, Err(Refused::Ended));
    assert_eq!(ctx.monitor(other).await, Err(Refused::Ended));
    node.send(dead, "to nobody").await.unwrap();
    assert!(nothing_comes(&mut ctx).await);
}
