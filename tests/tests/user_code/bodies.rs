//! What a process is made of: a function, a future, what that returns, and what drops with it.

use std::sync::{Arc, Mutex};

use snow_dist_runtime::{Allowed, Context, Node, Reason, Received, Selection};
use snow_dist_tests::program::{begin, down, exit, until, within};
use tokio::sync::oneshot;

use super::{CallsBack, watchdog};

/// Does this when it is dropped, once.
struct WhenDropped(Option<Box<dyn FnOnce() + Send>>);

impl WhenDropped {
    fn new(does: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(does)))
    }
}

impl Drop for WhenDropped {
    fn drop(&mut self) {
        if let Some(does) = self.0.take() {
            does();
        }
    }
}

/// What a panic throws, which panics when it is dropped.
fn thrown() -> WhenDropped {
    WhenDropped::new(|| panic!("what was thrown panics"))
}

/// An error of the program's: what it says is made when its process ends.
struct Says(Box<dyn Fn() + Send + Sync>);

impl std::fmt::Display for Says {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (self.0)();
        f.write_str("says")
    }
}

/// Starts such a process, which ends when it receives something. Whoever is linked with it and monitors it is told once,
/// with this reason, and its name is free.
async fn told_of<F, Fut>(node: &Node, process: F, expected: Reason)
where
    F: FnOnce(Context) -> Fut + Send + 'static,
    Fut: Future<Output: Into<Reason>> + Send + 'static,
{
    let pid = node.spawn(process).unwrap();
    node.register("ends", pid).unwrap();
    let (ready, is_ready) = oneshot::channel();
    let (_, told) = begin(node, async move |mut ctx: Context| {
        ctx.trap_exit(true);
        ctx.link(pid).await.unwrap();
        ctx.monitor(pid).await.unwrap();
        ready.send(()).unwrap();
        let told = (exit(&mut ctx, pid).await, down(&mut ctx, pid).await);
        ctx.send(ctx.pid(), "and nothing more").await.unwrap();
        assert!(matches!(ctx.recv().await, Received::Message(_)));
        told
    });
    within("both ties", is_ready).await.unwrap();
    node.send(pid, "end").await.unwrap();
    assert_eq!(within("both signals", told).await.unwrap(), (expected.clone(), expected));
    assert_eq!((node.whereis("ends"), node.is_alive(pid)), (None, false));
}

fn alone() -> Node {
    Node::alone(tokio::runtime::Handle::current())
}

#[tokio::test]
async fn whatever_of_a_process_panics_its_end_is_told() {
    let _watchdog = watchdog();
    let node = alone();
    let says = |text: &str| Reason::error(format!("panic: {text}"));
    told_of(&node, async |mut ctx: Context| -> () { panic!("{:?}", ctx.recv().await) }, {
        says("Message(b\"end\")")
    })
    .await;
    // What is thrown panics in turn.
    let throws = async |mut ctx: Context| -> () {
        ctx.recv().await;
        std::panic::panic_any(thrown())
    };
    told_of(&node, throws, says("it says nothing")).await;
    // The future does when it is dropped, and throws such a thing.
    let drops = async |mut ctx: Context| {
        let kept = WhenDropped::new(|| std::panic::panic_any(thrown()));
        ctx.recv().await;
        ctx.kill(ctx.pid()).unwrap();
        std::future::pending::<()>().await;
        drop(kept);
    };
    told_of(&node, drops, Reason::Killed).await;
    // The reason cannot be said.
    let error = async |mut ctx: Context| {
        ctx.recv().await;
        Err::<(), _>(Says(Box::new(|| panic!("no words"))))
    };
    told_of(&node, error, says("no words")).await;
    // What it looks for does; nothing of the mailbox is lost to who goes on.
    let looks = async |mut ctx: Context| {
        ctx.recv_where(|_| panic!("looked at")).await;
    };
    told_of(&node, looks, says("looked at")).await;
}

#[tokio::test]
async fn a_process_may_use_the_node_when_it_ends() {
    let _watchdog = watchdog();
    let node = alone();
    let calls_back = CallsBack::default();
    let other = node.spawn(async |_: Context| std::future::pending::<()>().await).unwrap();
    calls_back.know(vec![(node.clone(), other)], Vec::new());
    let calls = || {
        let calls_back = calls_back.clone();
        move || calls_back.call()
    };
    let (in_drop, in_words, in_look) = (calls(), calls(), calls());
    let drops = async move |mut ctx: Context| {
        let _kept = WhenDropped::new(in_drop);
        ctx.recv().await;
    };
    told_of(&node, drops, Reason::Normal).await;
    let error = async move |mut ctx: Context| {
        ctx.recv().await;
        Err::<(), _>(Says(Box::new(in_words)))
    };
    told_of(&node, error, Reason::error("says")).await;
    let looks = async move |mut ctx: Context| {
        ctx.recv_where(|_| {
            in_look();
            true
        })
        .await;
    };
    told_of(&node, looks, Reason::Normal).await;
    calls_back.assert_finished().await;
}

#[tokio::test]
async fn a_function_may_use_the_node_when_it_is_dropped_and_panic() {
    let _watchdog = watchdog();
    let node = alone();
    let calls_back = CallsBack::default();
    let other = node.spawn(async |_: Context| std::future::pending::<()>().await).unwrap();
    calls_back.know(vec![(node.clone(), other)], Vec::new());
    for name in ["taken back", "of a node that ends"] {
        let (calls, own) = (calls_back.clone(), node.clone());
        let kept = Mutex::new(WhenDropped::new(move || {
            calls.call();
            assert!(!own.unregister_function(name), "it is there no more");
            panic!("a function is dropped");
        }));
        let function = move |_, ()| {
            let _ = &kept;
            async {}
        };
        node.register_function(name, Allowed::Nobody, function).unwrap();
    }
    assert!(node.unregister_function("taken back"));
    node.shutdown().await;
    calls_back.assert_finished().await;
    assert!(!node.unregister_function("of a node that ends"));
}

#[tokio::test]
async fn what_was_looked_at_when_the_look_panicked_is_still_there() {
    let node = alone();
    let (pid, got) = begin(&node, async |mut ctx: Context| {
        assert!(catch(ctx.recv_where(|_| panic!("looked at"))).await.is_err());
        ctx.recv().await
    });
    node.send(pid, "kept").await.unwrap();
    let received = within("what was looked at", got).await.unwrap();
    assert_eq!(received.into_message().unwrap().as_bytes(), b"kept");
}

#[tokio::test]
async fn a_selection_whose_look_panicked_goes_on_with_what_it_looked_at() {
    let node = alone();
    let (pid, got) = begin(&node, async |mut ctx: Context| {
        let mut looks = 0;
        let mut third = Selection::new(|_: &Received| {
            looks += 1;
            assert_ne!(looks, 2, "looked at");
            looks == 3
        });
        assert!(catch(ctx.recv_selected(&mut third)).await.is_err());
        let selected = ctx.recv_selected(&mut third).await;
        (selected, ctx.recv().await)
    });
    for text in ["passed over", "panicked at"] {
        node.send(pid, text).await.unwrap();
    }
    let (selected, left) = within("what was looked at", got).await.unwrap();
    assert_eq!(selected.into_message().unwrap().as_bytes(), b"panicked at");
    assert_eq!(left.into_message().unwrap().as_bytes(), b"passed over");
}

/// Polls a future, and gives the panic that it ends in.
async fn catch<T>(future: impl Future<Output = T> + Send) -> std::thread::Result<T> {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::task::Poll;
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// Processes that have not run yet when their runtime goes: what they would have been made of is dropped there.
#[test]
fn processes_that_go_with_their_runtime_may_panic() {
    let _watchdog = watchdog();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let node = Node::alone(runtime.handle().clone());
    let dropped = Arc::new(());
    let pids = [(); 2].map(|()| {
        let kept = Arc::clone(&dropped);
        let panics = WhenDropped::new(move || {
            drop(kept);
            std::panic::panic_any(thrown())
        });
        node.spawn(async move |_: Context| drop(panics)).unwrap()
    });
    drop(runtime);
    assert_eq!(Arc::strong_count(&dropped), 1);
    assert_eq!((node.process_count(), pids.map(|pid| node.is_alive(pid))), (0, [false; 2]));
}

/// The hook runs where a panic begins, and no lock is held there.
#[tokio::test]
async fn a_panic_hook_may_use_the_node() {
    let _watchdog = watchdog();
    let node = alone();
    let calls_back = CallsBack::default();
    let other = node.spawn(async |_: Context| std::future::pending::<()>().await).unwrap();
    calls_back.know(vec![(node.clone(), other)], Vec::new());
    let here = std::thread::current().id();
    let before = Arc::new(std::panic::take_hook());
    let then = Arc::clone(&before);
    let in_hook = calls_back.clone();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == here {
            in_hook.call();
        }
        then(info);
    }));
    let throws = async |mut ctx: Context| -> () { panic!("{:?}", ctx.recv().await) };
    told_of(&node, throws, Reason::error("panic: Message(b\"end\")")).await;
    std::panic::set_hook(Box::new(move |info| before(info)));
    until("it is gone", || node.whereis("ends").is_none()).await;
    calls_back.assert_finished().await;
}
