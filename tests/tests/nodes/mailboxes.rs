//! Bounded mailboxes and messages from afar.

use snow_dist_runtime::{Context, Mailbox, Reason, Received, WhenFull};
use snow_dist_tests::program::{
    assert_they_talk, connected, down, exit, message, received, run, seen_from, text, until,
};

/// Takes nothing until it is let go, then all messages up to `end`.
async fn held_back(ctx: &mut Context, let_go: tokio::sync::oneshot::Receiver<()>) -> Vec<Received> {
    let_go.await.unwrap();
    let mut all = Vec::new();
    while let Some(next) = ctx.recv_timeout(std::time::Duration::from_millis(20)).await {
        all.push(next);
    }
    all
}

//= spec/session.md#ses-msg-006
//# A node MUST either drop a message for a mailbox that is full or end the process.
#[tokio::test]
async fn a_full_mailbox_drops_what_comes_from_afar_and_counts_it() {
    let (a, b) = connected().await;
    let (go, let_go) = tokio::sync::oneshot::channel();
    let (tell, told) = tokio::sync::oneshot::channel();
    let full = b
        .spawn_with(Mailbox::bounded(3), async move |mut ctx: Context| {
            tell.send(held_back(&mut ctx, let_go).await).unwrap();
        })
        .unwrap();
    let full = seen_from(&a, &b, full);
    for number in 0..10_u8 {
        a.send(full, &[number]).await.unwrap();
    }
    until("ten messages", || b.messages_dropped() == 7).await;
    go.send(()).unwrap();
    let kept: Vec<_> = told.await.unwrap().into_iter().map(|seen| seen.into_message().unwrap()).collect();
    assert_eq!(kept.iter().map(|message| message.as_bytes()[0]).collect::<Vec<_>>(), [0, 1, 2]);
    assert_they_talk(&a, &b).await;
}

//= spec/session.md#ses-msg-007
//# A node that ends a process because its mailbox is full MUST end it with the reason Error "mailbox full".
#[tokio::test]
async fn a_full_mailbox_ends_its_process_if_that_is_the_policy() {
    let (a, b) = connected().await;
    let mailbox = Mailbox::bounded(2).when_full(WhenFull::EndProcess);
    let full = b.spawn_with(mailbox, async |_: Context| std::future::pending::<()>().await).unwrap();
    let full = seen_from(&a, &b, full);
    let reason = run(&a, async move |mut ctx| {
        ctx.monitor(full).await.unwrap();
        for _ in 0..3 {
            ctx.send(full, "one more").await.unwrap();
        }
        down(&mut ctx, full).await
    })
    .await;
    assert_eq!(reason, Reason::error("mailbox full"));
}

//= spec/session.md#ses-msg-008
//# A node MUST NOT drop a signal because a mailbox is full, except by CAP-RXT-010.
#[tokio::test]
async fn signals_find_room_in_a_full_mailbox() {
    let (a, b) = connected().await;
    let (go, let_go) = tokio::sync::oneshot::channel();
    let (tell, told) = tokio::sync::oneshot::channel();
    let full = b
        .spawn_with(Mailbox::bounded(1), async move |mut ctx: Context| {
            ctx.trap_exit(true);
            tell.send(held_back(&mut ctx, let_go).await).unwrap();
        })
        .unwrap();
    let full = seen_from(&a, &b, full);
    for _ in 0..5 {
        run(&a, async move |ctx| {
            ctx.link(full).await.unwrap();
            ctx.send(full, "message").await.unwrap();
        })
        .await;
    }
    until("four messages", || b.messages_dropped() == 4).await;
    // What the last of them sent was behind its exit in nothing but time: a round trip waits for that.
    assert_they_talk(&a, &b).await;
    go.send(()).unwrap();
    let kept = told.await.unwrap();
    let exits = kept.iter().filter(|seen| matches!(seen, Received::Exit { .. })).count();
    assert_eq!((exits, kept.len()), (5, 6), "{kept:?}");
}

//= spec/connection.md#con-rdw-003
//# A node MUST go on reading a session while a process does not take its messages.
#[tokio::test]
async fn a_process_that_does_not_receive_holds_up_nobody_else() {
    let (a, b) = connected().await;
    let slow = b.spawn(async |_: Context| std::future::pending::<()>().await).unwrap();
    let slow = seen_from(&a, &b, slow);
    for _ in 0..200 {
        a.send(slow, vec![0; 100_000]).await.unwrap();
    }
    assert_they_talk(&a, &b).await;
}

#[tokio::test]
async fn who_sends_at_home_waits_for_room_while_messages_from_afar_are_dropped() {
    let (a, b) = connected().await;
    let (go, let_go) = tokio::sync::oneshot::channel::<()>();
    let full = b
        .spawn_with(Mailbox::bounded(1), async move |mut ctx: Context| {
            let_go.await.unwrap();
            for expected in ["first", "second", "third"] {
                assert_eq!(message(&mut ctx).await.as_bytes(), expected.as_bytes());
            }
            Reason::custom("all three")
        })
        .unwrap();
    let there = seen_from(&a, &b, full);
    run(&b, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(full).await.unwrap();
        let own = ctx.spawn(async move |ctx: Context| {
            for text in ["first", "second", "third"] {
                ctx.send(full, text).await.unwrap();
            }
        });
        own.unwrap();
        ctx.recv_timeout(std::time::Duration::from_millis(5)).await;
        let node = ctx.node();
        a.send(there, "dropped").await.unwrap();
        until("the drop", || node.messages_dropped() == 1).await;
        go.send(()).unwrap();
        assert_eq!(exit(&mut ctx, full).await, Reason::custom("all three"));
    })
    .await;
}

#[tokio::test]
async fn what_was_received_makes_room() {
    let (a, b) = connected().await;
    let full = b
        .spawn_with(Mailbox::bounded(1), async |mut ctx: Context| {
            for _ in 0..100 {
                let node = text(&mut ctx).await;
                ctx.send_named("asker", &node, "next").await.unwrap();
            }
        })
        .unwrap();
    let full = seen_from(&a, &b, full);
    let own = a.name().to_owned();
    run(&a, async move |mut ctx| {
        ctx.register("asker").unwrap();
        for _ in 0..100 {
            ctx.send(full, own.as_str()).await.unwrap();
            assert!(matches!(received(&mut ctx).await, Received::Message(_)));
        }
    })
    .await;
    assert_eq!(b.messages_dropped(), 0);
}
