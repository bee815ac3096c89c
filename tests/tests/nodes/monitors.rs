//! Monitors between processes of two nodes.

use snow_dist_codec::frame::{Demonitor, Monitor, MonitorExit};
use snow_dist_codec::{Frame, Pid as WirePid, Root};
use snow_dist_runtime::{Context, Reason, Received};
use snow_dist_tests::program::{
    begin, connected, down, end_of, idle, node, received, run, seen_from, text, until_told,
};
use snow_dist_tests::raw_peer::RawNode;

const PROTOCOL_ERROR: u16 = 1;

#[tokio::test]
async fn a_monitor_brings_one_down_with_the_reason() {
    let (a, b) = connected().await;
    for reason in [Reason::Normal, Reason::Shutdown, Reason::error("e"), Reason::custom("c")] {
        let ends_with = reason.clone();
        let other = b
            .spawn(async move |mut ctx: Context| {
                text(&mut ctx).await;
                ends_with
            })
            .unwrap();
        let other = seen_from(&a, &b, other);
        run(&a, async move |mut ctx| {
            // Three monitors of one process: three DOWNs, each of its own number.
            let mut monitors = Vec::new();
            for _ in 0..3 {
                monitors.push(ctx.monitor(other).await.unwrap());
            }
            ctx.send(other, "end").await.unwrap();
            for _ in 0..3 {
                let Received::Down { reference, from, reason: seen } = received(&mut ctx).await else {
                    panic!("no DOWN")
                };
                assert_eq!((from, seen), (other, reason.clone()));
                let place = monitors.iter().position(|monitor| *monitor == reference).unwrap();
                monitors.remove(place);
            }
            assert_eq!(ctx.recv_timeout(std::time::Duration::from_millis(20)).await, None);
        })
        .await;
    }
}

#[tokio::test]
async fn a_monitor_of_who_is_not_there_brings_noproc() {
    let (a, b) = connected().await;
    let (gone, _) = begin(&b, async |_| ());
    end_of(&b, gone).await;
    for nobody in [seen_from(&a, &b, gone), a.pid_on(b.name(), 1 << 39).unwrap()] {
        let reason = run(&a, async move |mut ctx| {
            ctx.monitor(nobody).await.unwrap();
            down(&mut ctx, nobody).await
        })
        .await;
        assert_eq!(reason, Reason::noproc());
    }
}

#[tokio::test]
async fn after_a_demonitor_no_down_comes() {
    let (a, b) = connected().await;
    for _ in 0..50 {
        let other = seen_from(&a, &b, b.spawn(until_told).unwrap());
        let seen = run(&a, async move |mut ctx| {
            let ended = ctx.monitor(other).await.unwrap();
            let kept = ctx.monitor(other).await.unwrap();
            ctx.send(other, "boom").await.unwrap();
            ctx.demonitor_flush(ended);
            let Received::Down { reference, .. } = received(&mut ctx).await else { panic!("no DOWN") };
            assert_eq!(reference, kept);
            ctx.recv_timeout(std::time::Duration::from_millis(2)).await
        })
        .await;
        assert_eq!(seen, None);
    }
}

#[tokio::test]
async fn a_demonitor_with_flush_takes_the_down_out_of_the_mailbox() {
    let (a, b) = connected().await;
    let other = seen_from(&a, &b, b.spawn(until_told).unwrap());
    run(&a, async move |mut ctx| {
        let flushed = ctx.monitor(other).await.unwrap();
        let kept = ctx.monitor(other).await.unwrap();
        ctx.send(other, "boom").await.unwrap();
        // Both DOWNs are in the mailbox when the second is.
        let is_kept =
            |seen: &Received| matches!(seen, Received::Down { reference, .. } if *reference == kept);
        ctx.recv_where(is_kept).await;
        ctx.demonitor_flush(flushed);
        assert_eq!(ctx.recv_timeout(std::time::Duration::from_millis(2)).await, None);
    })
    .await;
}

//= spec/session.md#ses-mon-001
//# When a local process monitors a process of the peer, a node MUST write one MONITOR, unless SES-BND-001
//# forbids it.
//= spec/session.md#ses-mon-003
//# When a local process ends a monitor that was not over, a node MUST write DEMONITOR with its pids and ref.
#[tokio::test]
async fn who_ends_takes_its_monitors_along() {
    let a = node("a").await;
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut session = peer.join(a.name()).await;
    let there = a.pid_on(peer.name(), 3).unwrap();
    let (local, _) = begin(&a, async move |mut ctx| {
        ctx.monitor(there).await.unwrap();
        text(&mut ctx).await
    });
    let (from, to) = (session.theirs(local.local()), session.mine(3));
    let monitor = session.next().await;
    let Frame::Monitor(Monitor { reference, .. }) = monitor.frame() else { panic!("{monitor:?}") };
    assert_eq!(monitor.frame(), Monitor { from, to, reference }.into());
    a.send(local, "end").await.unwrap();
    session.expect(Demonitor { from, to, reference }).await;
}

#[tokio::test]
async fn a_peer_monitors_and_demonitors() {
    let a = node("a").await;
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut session = peer.join(a.name()).await;
    let (local, _) = begin(&a, idle);
    let (from, to) = (session.mine(3), session.theirs(local.local()));
    for reference in 1..=5 {
        session.send(Monitor { from, to, reference }).await;
    }
    session.send(Demonitor { from, to, reference: 2 }).await;
    // With other pids than the monitor's, or of an unknown number: ignored.
    session.send(Demonitor { from: session.mine(4), to, reference: 3 }).await;
    session.send(Demonitor { from, to: session.theirs(1 << 38), reference: 4 }).await;
    session.send(Demonitor { from, to, reference: 77 }).await;
    assert_eq!(session.fence().await, []);
    a.kill(local).unwrap();
    for reference in [1, 3, 4, 5] {
        let reason = Root::Killed.into();
        session.expect(MonitorExit { monitored: to, monitoring: from, reference, reason }).await;
    }
    assert_eq!(session.fence().await, []);
    // The number is free again when its DOWN has gone.
    session.send(Monitor { from, to, reference: 1 }).await;
    let reason = Root::Error("noproc".into()).into();
    session.expect(MonitorExit { monitored: to, monitoring: from, reference: 1, reason }).await;
}

#[tokio::test]
async fn a_monitor_of_another_start_is_answered_with_its_own_pids() {
    let a = node("a").await;
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut session = peer.join(a.name()).await;
    let to = WirePid::new(0, a.creation() % 255 + 1, 1).unwrap();
    session.send(Monitor { from: session.mine(3), to, reference: 1 }).await;
    let reason = Root::Error("noproc".into()).into();
    session.expect(MonitorExit { monitored: to, monitoring: session.mine(3), reference: 1, reason }).await;
}

#[tokio::test]
async fn a_number_that_is_in_use_ends_the_session() {
    let a = node("a").await;
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut session = peer.join(a.name()).await;
    let (local, _) = begin(&a, idle);
    let to = session.theirs(local.local());
    session.send(Monitor { from: session.mine(3), to, reference: 1 }).await;
    session.send(Monitor { from: session.mine(4), to, reference: 1 }).await;
    session.expect_close(PROTOCOL_ERROR).await;
}

#[tokio::test]
async fn a_down_that_answers_no_monitor_is_ignored() {
    let a = node("a").await;
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut session = peer.join(a.name()).await;
    let there = a.pid_on(peer.name(), 3).unwrap();
    let (local, seen) = begin(&a, async move |mut ctx| {
        ctx.monitor(there).await.unwrap();
        let first = received(&mut ctx).await;
        (first, received(&mut ctx).await)
    });
    let (monitoring, monitored) = (session.theirs(local.local()), session.mine(3));
    let monitor = session.next().await;
    let Frame::Monitor(Monitor { reference, .. }) = monitor.frame() else { panic!("{monitor:?}") };
    let reason = Root::Killed.into();
    for wrong in [
        MonitorExit { monitored, monitoring, reference: reference + 1, reason },
        MonitorExit { monitored: session.mine(4), monitoring, reference, reason },
        MonitorExit { monitored, monitoring: session.theirs(1 << 38), reference, reason },
    ] {
        session.send(wrong).await;
    }
    let reason = Root::Error("right".into()).into();
    session.send(MonitorExit { monitored, monitoring, reference, reason }).await;
    session.send(MonitorExit { monitored, monitoring, reference, reason }).await;
    assert_eq!(session.fence().await, []);
    a.send(local, "last").await.unwrap();
    let (first, last) = seen.await.unwrap();
    assert!(
        matches!(&first, Received::Down { reason, .. } if *reason == Reason::error("right")),
        "{first:?}"
    );
    assert!(matches!(last, Received::Message(_)), "{last:?}");
}

#[tokio::test]
async fn an_unknown_reason_is_a_reason() {
    let a = node("a").await;
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let mut session = peer.join(a.name()).await;
    let there = a.pid_on(peer.name(), 3).unwrap();
    let (local, seen) = begin(&a, async move |mut ctx| {
        ctx.monitor(there).await.unwrap();
        down(&mut ctx, there).await
    });
    let (monitoring, monitored) = (session.theirs(local.local()), session.mine(3));
    let monitor = session.next().await;
    let Frame::Monitor(Monitor { reference, .. }) = monitor.frame() else { panic!("{monitor:?}") };
    let mut payload = vec![0x18];
    for field in [monitored.to_bits(), monitoring.to_bits(), reference] {
        payload.extend_from_slice(&field.to_le_bytes());
    }
    payload.extend_from_slice(&[0x77, 1, 2, 3]);
    session.wire.say(&payload).await;
    assert_eq!(seen.await.unwrap(), Reason::Unknown([0x77, 1, 2, 3].into()));
}
