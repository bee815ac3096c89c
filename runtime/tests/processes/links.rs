use super::*;

/// Starts a process that is linked to `to` and tells, when it has trapped a signal, what it got.
async fn trapper(node: &Node, to: Pid) -> oneshot::Receiver<Received> {
    let (linked, is_linked) = oneshot::channel();
    let (got, gets) = oneshot::channel();
    node.spawn(async move |mut ctx: Context| {
        ctx.trap_exit(true);
        ctx.link(to).await.unwrap();
        linked.send(()).unwrap();
        let _ = got.send(ctx.recv().await);
    })
    .unwrap();
    is_linked.await.unwrap();
    gets
}

#[tokio::test]
async fn the_end_of_one_ends_the_other_and_passes_on() {
    let node = node();
    let first = node.spawn(until_told).unwrap();
    let second = run(&node, async move |ctx| {
        let (linked, is_linked) = oneshot::channel();
        let second = ctx.spawn(async move |mut ctx: Context| {
            ctx.link(first).await.unwrap();
            linked.send(()).unwrap();
            ctx.recv().await;
        });
        is_linked.await.unwrap();
        second.unwrap()
    })
    .await;
    let third = trapper(&node, second).await;
    node.send(first, "boom").await.unwrap();
    let of_second = Reason::linked(first, &Reason::error("boom"));
    assert_eq!(third.await.unwrap(), Received::Exit { from: second, reason: of_second });
}

#[tokio::test]
async fn normal_and_shutdown_are_messages_even_untrapped() {
    let node = node();
    for reason in [Reason::Normal, Reason::Shutdown] {
        let sent = reason.clone();
        let (child, got) = run(&node, async move |mut ctx| {
            let child = ctx.spawn_link(async move |_| sent).unwrap();
            (child, ctx.recv().await)
        })
        .await;
        assert_eq!(got, Received::Exit { from: child, reason });
    }
}

#[tokio::test]
async fn a_kill_cannot_be_trapped_but_what_it_causes_can() {
    let node = node();
    let (trapping, is_trapping) = oneshot::channel();
    let victim = node
        .spawn(async move |mut ctx: Context| {
            ctx.trap_exit(true);
            trapping.send(()).unwrap();
            ctx.recv().await;
        })
        .unwrap();
    is_trapping.await.unwrap();
    let linked = trapper(&node, victim).await;
    node.kill(victim).unwrap();
    assert_eq!(linked.await.unwrap(), Received::Exit { from: victim, reason: Reason::Killed });
}

#[tokio::test]
async fn a_link_to_a_dead_process_gives_noproc() {
    let node = node();
    let dead = node.spawn(async |_| {}).unwrap();
    end_of(&node, dead).await;
    assert_eq!(
        trapper(&node, dead).await.await.unwrap(),
        Received::Exit { from: dead, reason: Reason::noproc() }
    );
    let untrapped = node
        .spawn(async move |mut ctx: Context| {
            ctx.link(dead).await.unwrap();
            ctx.recv().await;
        })
        .unwrap();
    let reason = end_of(&node, untrapped).await;
    // It may have ended before it was monitored.
    assert!([Reason::linked(dead, &Reason::noproc()), Reason::noproc()].contains(&reason), "{reason}");
}

#[tokio::test]
async fn a_link_to_oneself_is_nothing() {
    let node = node();
    let nothing = run(&node, async |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(ctx.pid()).await.unwrap();
        ctx.unlink(ctx.pid());
        nothing_comes(&mut ctx).await
    });
    assert!(nothing.await);
}

#[tokio::test]
async fn an_unlinked_process_gets_no_exit() {
    let node = node();
    let other = node.spawn(until_told).unwrap();
    let node_too = node.clone();
    let nothing = run(&node, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(other).await.unwrap();
        ctx.link(other).await.unwrap();
        ctx.unlink(other);
        ctx.send(other, "boom").await.unwrap();
        end_of(&node_too, other).await;
        nothing_comes(&mut ctx).await
    });
    assert!(nothing.await);
}

#[tokio::test]
async fn a_link_made_twice_is_one() {
    let node = node();
    let other = node.spawn(until_told).unwrap();
    let (got, nothing) = run(&node, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(other).await.unwrap();
        ctx.link(other).await.unwrap();
        ctx.send(other, "boom").await.unwrap();
        (ctx.recv().await, nothing_comes(&mut ctx).await)
    })
    .await;
    assert_eq!(got, Received::Exit { from: other, reason: Reason::error("boom") });
    assert!(nothing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_chain_ends_without_recursion() {
    const LENGTH: usize = 20_000;
    let node = node();
    let first = node.spawn(until_told).unwrap();
    let mut last = first;
    for _ in 1..LENGTH {
        let (linked, is_linked) = oneshot::channel();
        let before = last;
        last = node
            .spawn(async move |mut ctx: Context| {
                ctx.link(before).await.unwrap();
                linked.send(()).unwrap();
                ctx.recv().await;
            })
            .unwrap();
        is_linked.await.unwrap();
    }
    let end = trapper(&node, last).await;
    node.send(first, "boom").await.unwrap();
    let Received::Exit { reason: Reason::Linked(chain), .. } = end.await.unwrap() else { panic!() };
    assert_eq!(chain.root, Reason::error("boom"));
    while node.process_count() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervisor_hears_of_each_of_many_children() {
    const CHILDREN: usize = 100_000;
    let node = node();
    let heard = run(&node, async |mut ctx| {
        ctx.trap_exit(true);
        let mut children = std::collections::BTreeSet::new();
        for _ in 0..CHILDREN {
            children.insert(ctx.spawn_link(until_told).unwrap());
        }
        for child in &children {
            ctx.send(*child, "done").await.unwrap();
        }
        for _ in 0..CHILDREN {
            let Received::Exit { from, .. } = ctx.recv().await else { panic!() };
            assert!(children.remove(&from));
        }
        children.len()
    });
    assert_eq!(heard.await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_supervisor_ends_all_its_children() {
    const CHILDREN: usize = 20_000;
    let node = node();
    let children = run(&node, async |ctx| {
        (0..CHILDREN).map(|_| ctx.spawn_link(until_told).unwrap()).collect::<Vec<_>>()
    })
    .await;
    // Its end was Normal, which ends nobody.
    assert!(children.iter().all(|child| node.is_alive(*child)));
    let supervisor = node
        .spawn(async move |mut ctx: Context| {
            for child in children {
                ctx.link(child).await.unwrap();
            }
            ctx.recv().await;
            Err::<(), _>("boom")
        })
        .unwrap();
    node.send(supervisor, "now").await.unwrap();
    while node.process_count() > 0 {
        tokio::task::yield_now().await;
    }
}
