use super::*;

#[tokio::test]
async fn each_monitor_gives_one_down() {
    let node = node();
    let other = node.spawn(until_told).unwrap();
    run(&node, async move |mut ctx| {
        let references = [ctx.monitor(other).await.unwrap(), ctx.monitor(other).await.unwrap()];
        ctx.send(other, "boom").await.unwrap();
        let mut got = [ctx.recv().await, ctx.recv().await].map(|received| match received {
            Received::Down { reference, from, reason } => {
                assert_eq!((from, reason), (other, Reason::error("boom")));
                reference
            }
            received => panic!("{received:?}"),
        });
        got.sort();
        assert_eq!(got, references);
        assert!(nothing_comes(&mut ctx).await);
    })
    .await;
}

#[tokio::test]
async fn a_monitor_of_a_dead_process_gives_noproc_at_once() {
    let node = node();
    let dead = node.spawn(async |_| {}).unwrap();
    end_of(&node, dead).await;
    run(&node, async move |mut ctx| {
        let reference = ctx.monitor(dead).await.unwrap();
        assert_eq!(ctx.recv().await, Received::Down { reference, from: dead, reason: Reason::noproc() });
        ctx.demonitor(reference);
    })
    .await;
}

#[tokio::test]
async fn a_demonitored_end_is_not_told() {
    let node = node();
    let other = node.spawn(until_told).unwrap();
    let node_too = node.clone();
    run(&node, async move |mut ctx| {
        let reference = ctx.monitor(other).await.unwrap();
        ctx.demonitor(reference);
        ctx.send(other, "boom").await.unwrap();
        end_of(&node_too, other).await;
        assert!(nothing_comes(&mut ctx).await);
    })
    .await;
}

#[tokio::test]
async fn a_flush_takes_the_down_out_wherever_it_is() {
    let node = node();
    let others = [node.spawn(until_told).unwrap(), node.spawn(until_told).unwrap()];
    let node_too = node.clone();
    run(&node, async move |mut ctx| {
        let first = ctx.monitor(others[0]).await.unwrap();
        let second = ctx.monitor(others[1]).await.unwrap();
        ctx.send(others[0], "boom").await.unwrap();
        end_of(&node_too, others[0]).await;
        ctx.send(ctx.pid(), "looked past the first").await.unwrap();
        message(&mut ctx).await;
        ctx.send(others[1], "boom").await.unwrap();
        end_of(&node_too, others[1]).await;
        ctx.demonitor_flush(first);
        ctx.demonitor_flush(second);
        assert!(nothing_comes(&mut ctx).await);
    })
    .await;
}

#[tokio::test]
async fn a_spawned_process_is_monitored_before_it_runs() {
    run(&node(), async |mut ctx| {
        let (child, reference) = ctx.spawn_monitor(async |_| Reason::custom("quick")).unwrap();
        let reason = Reason::custom("quick");
        assert_eq!(ctx.recv().await, Received::Down { reference, from: child, reason });
    })
    .await;
}

#[tokio::test]
async fn a_monitor_of_oneself_never_ends() {
    run(&node(), async |mut ctx| {
        let reference = ctx.monitor(ctx.pid()).await.unwrap();
        assert!(nothing_comes(&mut ctx).await);
        ctx.demonitor(reference);
    })
    .await;
}
