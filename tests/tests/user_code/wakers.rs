//! A waker is code of the program, if its executor is: futures of processes and of nodes are polled by hand here.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Wake, Waker};

use snow_dist_runtime::{Context, Mailbox, Node, Pid, Reason, Received};
use snow_dist_tests::program::{assert_they_talk, connect, connected, node, run, seen_from, until, within};
use tokio::sync::oneshot;

use super::{CallsBack, watchdog};

/// Wakes a task, and does something more, there and when nobody has it any more.
struct Does {
    task: Waker,
    more: Arc<dyn Fn() + Send + Sync>,
}

impl Wake for Does {
    fn wake(self: Arc<Self>) {
        (self.more)();
        self.task.wake_by_ref();
    }
}

impl Drop for Does {
    fn drop(&mut self) {
        (self.more)();
    }
}

/// Only wakes, or panics instead.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker that panics");
    }
}

/// Polls by a waker of one's own, a new one each time.
async fn by<F: Future>(waker: impl Fn(&Waker) -> Waker, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| future.as_mut().poll(&mut TaskContext::from_waker(&waker(cx.waker())))).await
}

/// Whatever comes, but for what the wakers send.
async fn received_by(ctx: &mut Context, waker: impl Fn(&Waker) -> Waker) -> Received {
    let is_called_back = |received: &Received| matches!(received, Received::Message(message) if message.as_bytes() == b"called back");
    loop {
        let received = by(&waker, ctx.recv()).await;
        if !is_called_back(&received) {
            return received;
        }
    }
}

/// Two processes of `b`, linked to one of `a` that ends, watch `a`, and wait by such wakers. What both have received when
/// the session has ended as well.
async fn two_wait(a: &Node, b: &Node, know: impl Fn(Pid, Pid), more: Arc<dyn Fn() + Send + Sync>) {
    let (tell, ends) = oneshot::channel();
    let fails = a.spawn(async move |mut ctx: Context| {
        let _ = ends.await;
        drop(ctx.recv().await);
        Err::<(), _>("boom")
    });
    let fails = fails.unwrap();
    let seen = seen_from(b, a, fails);
    let waits = |more: Arc<dyn Fn() + Send + Sync>| {
        let (name, (ready, is_ready), (done, is_done)) =
            (a.name().to_owned(), oneshot::channel(), oneshot::channel());
        let pid = b.spawn(async move |mut ctx: Context| {
            ctx.trap_exit(true);
            ctx.link(seen).await.unwrap();
            ctx.monitor_node(&name).unwrap();
            ready.send(()).unwrap();
            let waker =
                |task: &Waker| Waker::from(Arc::new(Does { task: task.clone(), more: Arc::clone(&more) }));
            let mut got = Vec::new();
            while got.len() < 3 {
                got.push(received_by(&mut ctx, waker).await);
            }
            done.send(got).unwrap();
            // It stays: wakers go on sending to it.
            std::future::pending::<()>().await;
        });
        (pid.unwrap(), is_ready, is_done)
    };
    let ((first, first_ready, first_done), (second, second_ready, second_done)) =
        (waits(Arc::clone(&more)), waits(more));
    within("the first", first_ready).await.unwrap();
    within("the second", second_ready).await.unwrap();
    know(first, second);
    b.send(seen, "end").await.unwrap();
    tell.send(()).unwrap();
    until("its end", || !a.is_alive(fails)).await;
    assert_they_talk(a, b).await;
    b.disconnect(a.name());
    until("the session has ended", || b.nodes().is_empty() && a.nodes().is_empty()).await;
    connect(a, b).await;
    let name: Arc<str> = a.name().into();
    let expected = [
        Received::Exit { from: seen, reason: Reason::error("boom") },
        Received::NodeDown { name: Arc::clone(&name) },
        Received::NodeUp { name },
    ];
    assert_eq!(within("what the first received", first_done).await.unwrap(), expected);
    assert_eq!(within("what the second received", second_done).await.unwrap(), expected);
}

#[tokio::test]
async fn a_waker_may_use_the_node() {
    let _watchdog = watchdog();
    let (a, b) = connected().await;
    let (calls_back, far) = (CallsBack::default(), seen_from(&b, &a, a.spawn(async |_| ()).unwrap()));
    let in_wakers = calls_back.clone();
    let know = |first, second| {
        calls_back.know(vec![(b.clone(), first), (b.clone(), second)], vec![(b.clone(), far)]);
    };
    two_wait(&a, &b, know, Arc::new(move || in_wakers.call())).await;
}

#[tokio::test]
async fn a_waker_that_panics_loses_nobody_elses_signals() {
    let _watchdog = watchdog();
    let (a, b) = connected().await;
    // It is never woken again, as its executor wants it: two of these, so that each comes before another.
    let panicking = [(); 2].map(|()| {
        let name = a.name().to_owned();
        b.spawn(async move |mut ctx: Context| {
            ctx.trap_exit(true);
            ctx.monitor_node(&name).unwrap();
            by(|_| Waker::from(Arc::new(Panics)), ctx.recv()).await;
        })
        .unwrap()
    });
    for local in panicking.map(Pid::local) {
        let seen = a.pid_on(b.name(), local).unwrap();
        run(&a, async move |ctx| {
            ctx.link(seen).await.unwrap();
            ctx.send(seen, "a message").await.unwrap();
        })
        .await;
    }
    two_wait(&a, &b, |_, _| (), Arc::new(|| ())).await;
    for pid in panicking {
        assert!(b.is_alive(pid));
        b.kill(pid).unwrap();
        until("its end", || !b.is_alive(pid)).await;
    }
}

#[tokio::test]
async fn senders_that_wait_are_all_woken_if_the_waker_of_one_panics() {
    let _watchdog = watchdog();
    let node = Node::alone(tokio::runtime::Handle::current());
    let (go, let_go) = oneshot::channel::<()>();
    let full = node.spawn_with(Mailbox::bounded(1), async move |mut ctx: Context| {
        let_go.await.unwrap();
        while ctx.recv().await != (Received::NodeUp { name: "nobody".into() }) {}
    });
    let full = full.unwrap();
    node.send(full, "first").await.unwrap();
    let mut panicking = [(); 3].map(|()| Box::pin(node.send(full, "never counted on")));
    for send in &mut panicking {
        let waker = Waker::from(Arc::new(Panics));
        assert!(send.as_mut().poll(&mut TaskContext::from_waker(&waker)).is_pending());
    }
    let others: Vec<_> = (0..3)
        .map(|_| {
            let node = node.clone();
            tokio::spawn(async move { node.send(full, "waits").await })
        })
        .collect();
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    // The places that those who panicked were given are theirs until they are gone.
    tokio::task::yield_now().await;
    drop(panicking);
    for other in others {
        within("a sender's turn", other).await.unwrap().unwrap();
    }
    assert!(node.is_alive(full));
}

#[tokio::test]
async fn whoever_waits_for_a_dial_of_another_may_panic() {
    let _watchdog = watchdog();
    let (a, b) = (node("a").await, node("b").await);
    let dialling = {
        let (a, name) = (a.clone(), b.name().to_owned());
        tokio::spawn(async move { a.connect(&name).await })
    };
    tokio::task::yield_now().await;
    let mut waiting = Box::pin(a.connect(b.name()));
    let waker = Waker::from(Arc::new(Panics));
    assert!(waiting.as_mut().poll(&mut TaskContext::from_waker(&waker)).is_pending());
    within("the dial", dialling).await.unwrap().unwrap();
    assert!(matches!(waiting.as_mut().poll(&mut TaskContext::from_waker(&waker)), Poll::Ready(Ok(()))));
    assert_they_talk(&a, &b).await;
}
