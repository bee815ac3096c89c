//! How a process ends, seen from another node.

use snow_dist_runtime::{Context, NotHere, Reason};
use snow_dist_tests::program::{assert_they_talk, connected, down, exit, idle, run, seen_from, text};

#[tokio::test]
async fn every_way_to_end_is_told_as_it_is() {
    let (a, b) = connected().await;
    let returns = async |mut ctx: Context| drop(text(&mut ctx).await);
    let fails = async |mut ctx: Context| Err::<(), _>(text(&mut ctx).await);
    let panics = async |mut ctx: Context| {
        let told = text(&mut ctx).await;
        if told == "end" {
            panic!("at the disco");
        }
    };
    let exits = async |mut ctx: Context| -> Reason {
        text(&mut ctx).await;
        ctx.exit(Reason::custom("of its own")).await
    };
    let kills_itself = async |mut ctx: Context| {
        text(&mut ctx).await;
        ctx.trap_exit(true);
        ctx.kill(ctx.pid()).unwrap();
        std::future::pending::<()>().await
    };
    let cases = [
        (b.spawn(returns).unwrap(), Reason::Normal),
        (b.spawn(fails).unwrap(), Reason::error("end")),
        (b.spawn(panics).unwrap(), Reason::error("panic: at the disco")),
        (b.spawn(exits).unwrap(), Reason::custom("of its own")),
        (b.spawn(kills_itself).unwrap(), Reason::Killed),
    ];
    for (process, reason) in cases {
        let process = seen_from(&a, &b, process);
        let seen = run(&a, async move |mut ctx| {
            ctx.trap_exit(true);
            ctx.link(process).await.unwrap();
            ctx.send(process, "end").await.unwrap();
            exit(&mut ctx, process).await
        })
        .await;
        assert_eq!(seen, reason);
    }
    assert_they_talk(&a, &b).await;
}

//= spec/session.md#ses-exi-002
//# A node MUST NOT end a process that traps exits because of an exit signal from another node.
//= spec/session.md#ses-exi-006
//# A process that is killed by its own node MUST end with the reason Killed, without hops.
#[tokio::test]
async fn kill_cannot_be_trapped_and_ends_at_home() {
    let (a, b) = connected().await;
    let process = b.spawn(idle).unwrap();
    let there = seen_from(&a, &b, process);
    let nobody = a.pid_on(b.name(), 1 << 39).unwrap();
    assert_eq!(a.kill(there), Err(NotHere(there)));
    let reason = run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(there).await.unwrap();
        // The answer of who is not there comes behind the LINK.
        ctx.monitor(nobody).await.unwrap();
        down(&mut ctx, nobody).await;
        b.kill(process).unwrap();
        let reason = exit(&mut ctx, there).await;
        assert!(!b.is_alive(process));
        reason
    })
    .await;
    // And Killed from afar is trapped like any other reason: this process has just done so.
    assert_eq!(reason, Reason::Killed);
}

#[tokio::test]
async fn a_reason_too_long_is_cut_and_told() {
    let (a, b) = connected().await;
    let process = b
        .spawn(async |mut ctx: Context| {
            text(&mut ctx).await;
            Reason::Error("x".repeat(1 << 20).into())
        })
        .unwrap();
    let process = seen_from(&a, &b, process);
    let reason = run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.link(process).await.unwrap();
        ctx.send(process, "end").await.unwrap();
        exit(&mut ctx, process).await
    })
    .await;
    let Reason::Error(text) = reason else { panic!("{reason}") };
    assert!(text.len() > 4_000 && text.len() <= 4_096 && text.bytes().all(|byte| byte == b'x'));
}
