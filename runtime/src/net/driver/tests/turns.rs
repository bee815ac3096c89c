//! How a session and the processes that it delivers to share the turns of one thread.

use super::*;

/// What mailboxes hold at most while a process receives so many messages, all of which have arrived before.
async fn most_held(count: usize) -> i64 {
    let end = End::new();
    let (tell, told) = tokio::sync::oneshot::channel();
    let table = end.table.clone();
    let receiver = Node::of(table.clone()).spawn(async move |mut process: Process| {
        let mut most = 0;
        for _ in 0..count {
            process.recv().await;
            most = most.max(table.shares().held());
        }
        tell.send(most).unwrap();
    });
    receiver.unwrap();
    let (mut peer, stream) = pipe(4 << 20);
    peer.write_all(&message(50).repeat(count)).await.unwrap();
    // A task like that of a connection: what `main` waits for has its turns in another way.
    let running = tokio::spawn(async move { end.run(stream).await });
    let most = told.await.unwrap();
    running.abort();
    most
}

/// It would be thousands if a session that is busy had more turns than a process, or longer ones.
#[tokio::test(start_paused = true)]
async fn a_process_that_keeps_up_has_a_short_mailbox() {
    let (few, many) = (most_held(1_000).await, most_held(40_000).await);
    assert!(many <= 8 * few, "{many} bytes of 40 000 messages, {few} of 1 000");
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_writes_asks_once_for_what_has_come() {
    let end = End::new();
    let (_peer, stream) = pipe(1 << 20);
    let mut driver = end.driver(stream);
    for turns in 1..10 {
        end.session.send(&by(1), 1, b"a message").wake().unwrap();
        assert!(poll_fn(|cx| Poll::Ready(driver.turn(cx))).await.is_pending());
        assert_eq!(driver.stream.reads, turns);
        assert!(!driver.unflushed, "all of it is written");
    }
}

/// A list is worth as many frames as it takes time: who names thousands of nodes has no longer turns than others.
#[tokio::test(start_paused = true)]
async fn a_turn_is_over_after_a_few_long_lists() {
    let mut names = snow_dist_codec::NamesBuf::default();
    for _ in 0..1_000 {
        names.push("made-up@10.0.0.1:4000".into()).unwrap();
    }
    let list = Frame::from(snow_dist_codec::frame::PeerList { names: names.as_names() });
    let mut bytes = Vec::new();
    list.encode_framed(FRAME_BYTES_MAX, &mut bytes).unwrap();
    let end = End::new();
    let (mut peer, stream) = pipe(1 << 20);
    peer.write_all(&bytes.repeat(STEPS_MAX)).await.unwrap();
    let mut driver = end.driver(stream);
    assert!(poll_fn(|cx| Poll::Ready(driver.turn(cx))).await.is_pending());
    assert!(driver.stream.reads < STEPS_MAX / 2, "{} reads", driver.stream.reads);
}
