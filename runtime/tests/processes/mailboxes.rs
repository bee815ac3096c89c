use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use tokio::task::coop;

use super::*;

/// Uses up what a task may do in its turn.
fn use_up_the_turn(cx: &mut TaskContext<'_>) {
    while pin!(coop::consume_budget()).poll(cx).is_ready() {}
}

#[tokio::test]
async fn what_is_not_wanted_stays_in_its_place() {
    run(&node(), async |mut ctx| {
        for text in ["a", "b", "c", "d"] {
            ctx.send(ctx.pid(), text).await.unwrap();
        }
        let wanted = |text: &'static str| {
            move |received: &Received| {
                matches!(received, Received::Message(message) if message.as_bytes() == text.as_bytes())
            }
        };
        assert_eq!(ctx.recv_where_timeout(wanted("e"), Duration::ZERO).await, None);
        ctx.recv_where(wanted("c")).await;
        ctx.send(ctx.pid(), "e").await.unwrap();
        ctx.recv_where(wanted("e")).await;
        for text in ["a", "b", "d"] {
            assert_eq!(ctx.recv().await.into_message().unwrap().as_bytes(), text.as_bytes());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_gives_nothing_and_loses_nothing() {
    let node = node();
    run(&node, async |mut ctx| {
        assert_eq!(ctx.recv_timeout(Duration::from_secs(60)).await, None);
        let to = ctx.pid();
        ctx.spawn(async move |ctx: Context| {
            tokio::time::sleep(Duration::from_secs(30)).await;
            ctx.send(to, "late").await
        })
        .unwrap();
        assert_eq!(ctx.recv_timeout(Duration::from_secs(20)).await, None);
        assert!(ctx.recv_timeout(Duration::from_secs(20)).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn terms_are_sent_and_read() {
    run(&node(), async |mut ctx| {
        ctx.send_term(ctx.pid(), &("seven", Some(7), vec![true])).await.unwrap();
        let message = message(&mut ctx).await;
        let term: (&str, Option<u8>, Vec<bool>) = message.term().unwrap();
        assert_eq!(term, ("seven", Some(7), vec![true]));
        assert!(message.term::<u8>().is_err());
    })
    .await;
}

#[tokio::test]
async fn a_send_that_is_dropped_before_its_turn_has_not_sent() {
    run(&node(), async |mut ctx| {
        let own = ctx.pid();
        let sent = poll_fn(|cx| {
            use_up_the_turn(cx);
            Poll::Ready(pin!(ctx.send(own, "never")).poll(cx))
        });
        assert_eq!(sent.await, Poll::Pending);
        assert!(nothing_comes(&mut ctx).await);
    })
    .await;
}

#[tokio::test]
async fn a_name_is_resolved_when_it_is_the_senders_turn() {
    let node = node();
    let [before, after] = [(); 2].map(|()| node.spawn(until_told).unwrap());
    node.register("it", before).unwrap();
    run(&node, async move |ctx| {
        let mut send = pin!(ctx.send_named("it", "", "told"));
        let sent = poll_fn(|cx| {
            use_up_the_turn(cx);
            Poll::Ready(send.as_mut().poll(cx))
        });
        assert_eq!(sent.await, Poll::Pending);
        ctx.unregister("it");
        ctx.node().register("it", after).unwrap();
        send.await.unwrap();
    })
    .await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!([before, after].map(|pid| node.is_alive(pid)), [true, false]);
}

#[tokio::test]
async fn a_process_waits_for_room_where_it_has_sent_to_last() {
    let node = node();
    let (go, goes) = oneshot::channel();
    let (done, is_done) = oneshot::channel();
    let receiver = node.spawn_with(Mailbox::bounded(1), async move |mut ctx: Context| {
        goes.await.unwrap();
        let got = [message(&mut ctx).await, message(&mut ctx).await, message(&mut ctx).await];
        done.send(got).unwrap();
    });
    let receiver = receiver.unwrap();
    run(&node, async move |ctx| {
        ctx.send(receiver, "a").await.unwrap();
        let sent = poll_fn(|cx| Poll::Ready(pin!(ctx.send(receiver, "dropped")).poll(cx)));
        assert_eq!(sent.await, Poll::Pending);
        go.send(()).unwrap();
        ctx.send(receiver, "b").await.unwrap();
        ctx.send(receiver, "c").await.unwrap();
    })
    .await;
    let got = is_done.await.unwrap();
    assert_eq!(got.each_ref().map(Message::as_bytes), [b"a", b"b", b"c"]);
}

#[tokio::test]
async fn senders_wait_for_room_and_keep_their_order() {
    let node = node();
    let (go, goes) = oneshot::channel();
    let (done, is_done) = oneshot::channel();
    let receiver = node
        .spawn_with(Mailbox::bounded(2), async move |mut ctx: Context| {
            goes.await.unwrap();
            let mut got = Vec::new();
            for _ in 0..10 {
                got.push(message(&mut ctx).await.as_bytes()[0]);
            }
            done.send(got).unwrap();
        })
        .unwrap();
    let sender = tokio::spawn({
        let node = node.clone();
        async move {
            for number in 0..10 {
                node.send(receiver, &[number]).await.unwrap();
            }
        }
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!sender.is_finished());
    go.send(()).unwrap();
    sender.await.unwrap();
    assert_eq!(is_done.await.unwrap(), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn signals_find_room_in_a_full_mailbox() {
    let node = node();
    let other = node.spawn(until_told).unwrap();
    let (full, is_full) = oneshot::channel();
    let (done, is_done) = oneshot::channel();
    let node_too = node.clone();
    node.spawn_with(Mailbox::bounded(1), async move |mut ctx: Context| {
        ctx.monitor(other).await.unwrap();
        ctx.send(ctx.pid(), "full").await.unwrap();
        full.send(()).unwrap();
        end_of(&node_too, other).await;
        done.send([ctx.recv().await, ctx.recv().await]).unwrap();
    })
    .unwrap();
    is_full.await.unwrap();
    node.send(other, "boom").await.unwrap();
    assert!(matches!(is_done.await.unwrap(), [Received::Message(_), Received::Down { .. }]));
}

#[tokio::test]
async fn the_end_of_a_receiver_frees_its_senders() {
    let node = node();
    let receiver = node
        .spawn_with(Mailbox::bounded(1), async |ctx: Context| {
            let _own = ctx;
            std::future::pending::<()>().await;
        })
        .unwrap();
    node.send(receiver, "first").await.unwrap();
    let sender = tokio::spawn({
        let node = node.clone();
        async move { node.send(receiver, "second").await }
    });
    tokio::task::yield_now().await;
    assert!(!sender.is_finished());
    node.kill(receiver).unwrap();
    sender.await.unwrap().unwrap();
    node.send(receiver, "to nobody").await.unwrap();
}

#[tokio::test]
async fn a_busy_process_lets_others_run_and_can_be_killed() {
    let node = node();
    let busy = node
        .spawn(async |mut ctx: Context| {
            loop {
                ctx.send(ctx.pid(), "again").await.unwrap();
                ctx.recv().await;
            }
            #[allow(unreachable_code)]
            ()
        })
        .unwrap();
    tokio::task::yield_now().await;
    node.kill(busy).unwrap();
    assert_eq!(
        end_of(&node, busy).await,
        // Dead to others as soon as it is killed.
        Reason::noproc()
    );
    while node.process_count() > 0 {
        tokio::task::yield_now().await;
    }
}

/// More than one process may send before it lets others run.
const SENDS_MAX: usize = 100_000;

#[tokio::test]
async fn who_only_sends_lets_others_run() {
    let node = node();
    let idle = node.spawn(async |_: Context| std::future::pending::<()>().await).unwrap();
    let ended = node.spawn(async |_| ()).unwrap();
    end_of(&node, ended).await;
    node.register("idle", idle).unwrap();
    for to in [Some(idle), Some(ended), None] {
        let others_ran = run(&node, async move |ctx| {
            let (ran, mut has_run) = oneshot::channel();
            // There is one thread, and this process has it.
            ctx.spawn(async move |_| ran.send(()).unwrap()).unwrap();
            for _ in 0..SENDS_MAX {
                match to {
                    Some(to) => ctx.send(to, "x").await.unwrap(),
                    None => ctx.send_named("idle", "", "x").await.unwrap(),
                }
                if has_run.try_recv().is_ok() {
                    return true;
                }
            }
            false
        })
        .await;
        assert!(others_ran, "while one sends to {to:?}");
    }
}

#[tokio::test]
async fn who_only_sends_can_be_killed() {
    let node = node();
    let to = node.spawn(async |_: Context| std::future::pending::<()>().await).unwrap();
    let (done, is_done) = oneshot::channel();
    node.spawn(async move |ctx: Context| {
        ctx.kill(ctx.pid()).unwrap();
        for _ in 0..SENDS_MAX {
            ctx.send(to, "x").await.unwrap();
        }
        done.send(()).unwrap();
    })
    .unwrap();
    assert!(is_done.await.is_err(), "it has sent all");
}
