use snow_dist_runtime::RegisterError;

use super::*;

#[tokio::test]
async fn a_name_belongs_to_one_process_until_it_ends() {
    let node = node();
    let first = node.spawn(until_told).unwrap();
    let second = node.spawn(until_told).unwrap();
    node.register("name", first).unwrap();
    assert_eq!(node.whereis("name"), Some(first));
    assert_eq!(node.register("name", second), Err(RegisterError::Taken(first)));
    let node_too = node.clone();
    run(&node, async move |mut ctx| {
        ctx.monitor(first).await.unwrap();
        ctx.send_named("name", "", "boom").await.unwrap();
        // Whoever hears of the end finds the name free.
        assert!(matches!(ctx.recv().await, Received::Down { .. }));
        assert_eq!(ctx.whereis("name"), None);
        node_too.register("name", second).unwrap();
        assert_eq!(node_too.register("other", first), Err(RegisterError::NoProcess(first)));
    })
    .await;
    assert_eq!(node.whereis("name"), Some(second));
}

#[tokio::test]
async fn a_name_that_was_taken_away_can_be_given_again() {
    let node = node();
    let first = node.spawn(until_told).unwrap();
    let second = node.spawn(until_told).unwrap();
    node.register("name", first).unwrap();
    assert_eq!(node.unregister("name"), Some(first));
    assert_eq!(node.unregister("name"), None);
    node.register("name", second).unwrap();
    node.send(first, "boom").await.unwrap();
    while node.is_alive(first) {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.whereis("name"), Some(second));
}

#[tokio::test]
async fn a_process_registers_itself() {
    run(&node(), async |ctx| {
        ctx.register("self").unwrap();
        assert_eq!(ctx.whereis("self"), Some(ctx.pid()));
        assert_eq!(ctx.register("self"), Err(RegisterError::Taken(ctx.pid())));
        assert_eq!(ctx.unregister("self"), Some(ctx.pid()));
    })
    .await;
}
