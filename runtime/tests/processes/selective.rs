//! Receiving what is wanted, and how often that is asked of each message.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use snow_dist_runtime::Selection;

use super::*;

/// A condition for messages of one text, and how often it was called.
struct Counted {
    text: &'static str,
    calls: AtomicUsize,
}

impl Counted {
    const fn new(text: &'static str) -> Self {
        Self { text, calls: AtomicUsize::new(0) }
    }

    fn wants(&self, received: &Received) -> bool {
        self.calls.fetch_add(1, Ordering::Relaxed);
        matches!(received, Received::Message(message) if message.as_bytes() == self.text.as_bytes())
    }

    /// How often since this was asked last.
    fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::Relaxed)
    }
}

/// Polls a future once.
async fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        Poll::Ready(match future.as_mut().poll(cx) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        })
    })
    .await
}

async fn send_all(node: &Node, to: Pid, texts: &[&str]) {
    for text in texts {
        node.send(to, *text).await.unwrap();
    }
}

async fn assert_left(ctx: &mut Context, texts: &[&str]) {
    for text in texts {
        assert_eq!(message(ctx).await.as_bytes(), text.as_bytes());
    }
    assert_eq!(ctx.recv_timeout(Duration::ZERO).await, None);
}

#[tokio::test]
async fn a_search_goes_on_with_what_has_arrived() {
    let node = node();
    run(&node.clone(), async move |mut ctx| {
        let own = ctx.pid();
        send_all(&node, own, &["a", "b", "c"]).await;
        let wanted = Counted::new("wanted");
        let found = {
            let mut search = pin!(ctx.recv_where(|received| wanted.wants(received)));
            assert_eq!(poll_once(search.as_mut()).await, None);
            assert_eq!(wanted.calls(), 3);
            assert_eq!(poll_once(search.as_mut()).await, None);
            assert_eq!(wanted.calls(), 0, "nothing is new");
            send_all(&node, own, &["d", "wanted", "e"]).await;
            search.await
        };
        assert_eq!(found.into_message().unwrap().as_bytes(), b"wanted");
        assert_eq!(wanted.calls(), 2);
        assert_left(&mut ctx, &["a", "b", "c", "d", "e"]).await;
    })
    .await;
}

#[tokio::test]
async fn a_search_that_is_dropped_leaves_everything_in_order() {
    let node = node();
    run(&node.clone(), async move |mut ctx| {
        let own = ctx.pid();
        let wanted = Counted::new("wanted");
        for round in 1..=3 {
            send_all(&node, own, &["a", "b"]).await;
            assert_eq!(poll_once(ctx.recv_where(|received| wanted.wants(received))).await, None);
            assert_eq!(wanted.calls(), 2 * round, "it knows nothing of the last search");
        }
        send_all(&node, own, &["wanted"]).await;
        ctx.recv_where(|received| wanted.wants(received)).await;
        assert_left(&mut ctx, &["a", "b", "a", "b", "a", "b"]).await;
    })
    .await;
}

#[tokio::test]
async fn a_selection_goes_on_where_it_was_dropped() {
    let node = node();
    run(&node.clone(), async move |mut ctx| {
        let own = ctx.pid();
        let wanted = Counted::new("wanted");
        let mut selection = Selection::new(|received: &Received| wanted.wants(received));
        send_all(&node, own, &["a", "b"]).await;
        for looks in [2, 0, 0] {
            assert_eq!(poll_once(ctx.recv_selected(&mut selection)).await, None);
            assert_eq!(wanted.calls(), looks);
        }
        assert_eq!(message(&mut ctx).await.as_bytes(), b"a");
        send_all(&node, own, &["c"]).await;
        assert_eq!(ctx.recv_selected_timeout(&mut selection, Duration::ZERO).await, None);
        assert_eq!(wanted.calls(), 1, "c alone is new, although what was before it has moved");
        send_all(&node, own, &["wanted", "d", "wanted"]).await;
        for looks in [1, 2] {
            ctx.recv_selected(&mut selection).await;
            assert_eq!(wanted.calls(), looks);
        }
        assert_left(&mut ctx, &["b", "c", "d"]).await;
    })
    .await;
}

#[tokio::test]
async fn a_selection_from_now_on_looks_at_nothing_that_waits() {
    let node = node();
    run(&node.clone(), async move |mut ctx| {
        let own = ctx.pid();
        for _ in 0..10_000 {
            node.send(own, "answer").await.unwrap();
        }
        let answer = Counted::new("answer");
        for _ in 0..100 {
            let mut answers = ctx.select_from_now(|received| answer.wants(received));
            node.send(own, "answer").await.unwrap();
            ctx.recv_selected(&mut answers).await;
            assert_eq!(answer.calls(), 1);
            assert_eq!(poll_once(ctx.recv_selected(&mut answers)).await, None);
            assert_eq!(answer.calls(), 0);
        }
        assert_left(&mut ctx, &["answer"; 10_000]).await;
    })
    .await;
}

#[tokio::test]
async fn each_selection_has_its_own_place() {
    let node = node();
    run(&node.clone(), async move |mut ctx| {
        let own = ctx.pid();
        let (one, other) = (Counted::new("one"), Counted::new("other"));
        let mut ones = Selection::new(|received: &Received| one.wants(received));
        let mut others = Selection::new(|received: &Received| other.wants(received));
        for _ in 0..3 {
            send_all(&node, own, &["x", "other", "one"]).await;
            ctx.recv_selected(&mut ones).await;
            ctx.recv_selected(&mut others).await;
        }
        // The last of "one" had been taken when the others looked for theirs.
        assert_eq!((one.calls(), other.calls()), (9, 6));
        assert_left(&mut ctx, &["x"; 3]).await;
    })
    .await;
}

#[tokio::test]
async fn signals_are_selected_and_flushed_like_messages() {
    let node = node();
    run(&node.clone(), async move |mut ctx| {
        let own = ctx.pid();
        let [flushed, kept] = [(); 2].map(|()| node.spawn(until_told).unwrap());
        let flushed_monitor = ctx.monitor(flushed).await.unwrap();
        ctx.monitor(kept).await.unwrap();
        for ends in [flushed, kept] {
            node.send(ends, "boom").await.unwrap();
            end_of(&node, ends).await;
        }
        let wanted = Counted::new("wanted");
        let mut selection = Selection::new(|received: &Received| wanted.wants(received));
        assert_eq!(poll_once(ctx.recv_selected(&mut selection)).await, None);
        assert_eq!(wanted.calls(), 2, "both DOWNs");
        ctx.demonitor_flush(flushed_monitor);
        send_all(&node, own, &["wanted"]).await;
        ctx.recv_selected(&mut selection).await;
        assert_eq!(wanted.calls(), 1, "the place has moved with the DOWN that is gone");
        assert!(matches!(ctx.recv().await, Received::Down { from, .. } if from == kept));
    })
    .await;
}

#[tokio::test]
async fn a_selection_of_another_process_begins_at_the_front() {
    let node = node();
    let wanted = std::sync::Arc::new(Counted::new("wanted"));
    let condition = std::sync::Arc::clone(&wanted);
    let mut selection = Selection::new(move |received: &Received| condition.wants(received));
    for _ in 0..2 {
        let (of_all, counted) = (node.clone(), std::sync::Arc::clone(&wanted));
        selection = run(&node, async move |mut ctx| {
            send_all(&of_all, ctx.pid(), &["a", "wanted"]).await;
            ctx.recv_selected(&mut selection).await;
            assert_eq!(counted.calls(), 2);
            selection
        })
        .await;
    }
}

#[tokio::test]
async fn who_selects_gets_nothing_that_comes_behind_its_end() {
    let node = node();
    let own = node.clone();
    let (done, is_done) = oneshot::channel();
    node.spawn(async move |mut ctx: Context| {
        let mut all = Selection::new(|_: &Received| true);
        own.send(ctx.pid(), "first").await.unwrap();
        ctx.recv_selected(&mut all).await;
        own.kill(ctx.pid()).unwrap();
        own.send(ctx.pid(), "late").await.unwrap();
        done.send(ctx.recv_selected(&mut all).await).unwrap();
    })
    .unwrap();
    assert!(is_done.await.is_err());
}
