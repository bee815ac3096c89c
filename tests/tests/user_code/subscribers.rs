//! A subscriber of `tracing` is code of the program, wherever an event or a span comes from.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use snow_dist_runtime::{Context, Mailbox, Node, Pid, Reason, Received};
use snow_dist_tests::program::{
    COOKIE, assert_they_talk, begin, connect, exit, idle, received, seen_from, until,
};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::{CallsBack, watchdog};

/// Does this at every event and every span.
struct Does {
    what: Box<dyn Fn() + Send + Sync>,
    seen: Arc<AtomicUsize>,
    inside: AtomicBool,
}

impl Does {
    fn at_every_event(what: impl Fn() + Send + Sync + 'static) -> (Self, Arc<AtomicUsize>) {
        let seen = Arc::default();
        (Self { what: Box::new(what), seen: Arc::clone(&seen), inside: AtomicBool::default() }, seen)
    }

    /// What it does may be an event in turn; that is not its node's affair.
    fn act(&self) {
        if self.inside.swap(true, Ordering::SeqCst) {
            return;
        }
        let _outside = Outside(&self.inside);
        self.seen.fetch_add(1, Ordering::SeqCst);
        (self.what)();
    }
}

struct Outside<'a>(&'a AtomicBool);

impl Drop for Outside<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl Subscriber for Does {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        self.act();
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {
        self.act();
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Bytes of the longest frame, and a quarter of what mailboxes hold for other nodes.
const BYTES_MAX: u32 = 64 << 10;

async fn small(name: &str) -> Node {
    let builder = Node::builder(format!("{name}@127.0.0.1:0")).cookie(COOKIE).frame_bytes_max(BYTES_MAX);
    let builder = builder.reassembly_bytes_max(u64::from(BYTES_MAX));
    builder.mailbox_remote_bytes_max(4 * (BYTES_MAX as usize + 144)).start().await.unwrap()
}

/// A life with all that is told of: a session comes up, messages and exit signals are dropped, processes fail, the
/// session ends. `known` is told of the nodes before the first of it.
async fn a_life(calls_back: &CallsBack) {
    let (a, b) = (small("a").await, small("b").await);
    let [of_a, of_b] = [&a, &b].map(|node| node.spawn(idle).unwrap());
    connect(&a, &b).await;
    let full = seen_from(&a, &b, of_b);
    calls_back.know(vec![(a.clone(), of_a), (b.clone(), of_b)], vec![(a.clone(), full)]);

    // Its mailbox holds all that it may: it is not sent an exit signal, and a bounded one no message.
    let bounded = seen_from(&a, &b, b.spawn_with(Mailbox::bounded(1), idle).unwrap());
    for _ in 0..3 {
        a.send(bounded, "no room").await.unwrap();
    }
    a.send(full, vec![0; 65_000]).await.unwrap();
    let (_, sent) = begin(&a, async move |ctx: Context| {
        for _ in 0..3 {
            // The second of all that are dropped here is the fourth of the node: then it warns.
            ctx.send(full, vec![0; 2_000]).await.unwrap();
            ctx.send_exit(full, Reason::error("x".repeat(800))).await.unwrap();
        }
    });
    sent.await.unwrap();
    until("dropped messages and signals", || b.messages_dropped() >= 7).await;
    b.kill(of_b).unwrap();
    until("room", || !b.is_alive(of_b)).await;

    let (linked, ended) = ends(&a, &b).await;
    assert_eq!(exit_of(ended).await, Reason::error("boom"));
    until("the process has ended", || b.pid_on(a.name(), 1).is_some() && !b.is_alive(linked)).await;
    assert_they_talk(&a, &b).await;

    let (watching, watched) = begin(&a, {
        let b = b.name().to_owned();
        async move |mut ctx: Context| {
            ctx.monitor_node(&b).unwrap();
            ctx.send(ctx.pid(), "watching").await.unwrap();
            received(&mut ctx).await;
            received(&mut ctx).await
        }
    });
    until("a message", || a.is_alive(watching)).await;
    a.disconnect(b.name());
    assert_eq!(watched.await.unwrap(), Received::NodeDown { name: b.name().into() });
    a.shutdown().await;
    b.shutdown().await;
}

/// A process of b that fails, and what becomes of one of a that is linked to it.
async fn ends(a: &Node, b: &Node) -> (Pid, tokio::sync::oneshot::Receiver<Reason>) {
    let fails = b.spawn(async |mut ctx: Context| {
        ctx.recv().await;
        Err::<(), _>("boom")
    });
    let fails = fails.unwrap();
    let seen = seen_from(a, b, fails);
    let (_, ended) = begin(a, async move |mut ctx: Context| {
        ctx.trap_exit(true);
        ctx.link(seen).await.unwrap();
        ctx.send(seen, "fail").await.unwrap();
        exit(&mut ctx, seen).await
    });
    (fails, ended)
}

async fn exit_of(ended: tokio::sync::oneshot::Receiver<Reason>) -> Reason {
    snow_dist_tests::program::within("an exit signal", ended).await.unwrap()
}

#[tokio::test]
async fn a_subscriber_may_use_the_node_at_every_event() {
    let _watchdog = watchdog();
    let calls_back = CallsBack::default();
    let in_events = calls_back.clone();
    let (subscriber, seen) = Does::at_every_event(move || in_events.call());
    let _set = tracing::subscriber::set_default(subscriber);
    a_life(&calls_back).await;
    assert!(seen.load(Ordering::SeqCst) > 0);
    calls_back.assert_finished().await;
}

#[tokio::test]
async fn a_subscriber_that_panics_takes_nothing_with_it() {
    let _watchdog = watchdog();
    let (subscriber, seen) = Does::at_every_event(|| panic!("a subscriber that panics"));
    let _set = tracing::subscriber::set_default(subscriber);
    a_life(&CallsBack::default()).await;
    assert!(seen.load(Ordering::SeqCst) > 0);
}
