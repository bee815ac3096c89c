//! What the log tells of processes that fail, whether anybody watches them or not.

use snow_dist_runtime::{Context, Node, Reason};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{begin, connected, end_of, idle, seen_from, until};

fn alone() -> Node {
    Node::alone(tokio::runtime::Handle::current())
}

#[tokio::test]
async fn a_process_that_fails_is_told_of_with_pid_name_and_reason() {
    let log = Log::of_this_thread();
    let node = alone();
    let fails = node.spawn(async |ctx: Context| {
        ctx.register("a\u{1b}name").unwrap();
        Err::<(), _>("boom\n\u{202e}")
    });
    let panics = node.spawn(async |_: Context| -> () { panic!("no way") });
    let (fails, panics) = (fails.unwrap(), panics.unwrap());
    until("both ends", || node.process_count() == 0).await;
    let lines = log.lines_with("a process has failed");
    let of = |pid: snow_dist_runtime::Pid| {
        let lines: Vec<_> = lines.iter().filter(|line| line.contains(&pid.to_string())).collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines[0].clone()
    };
    assert!(of(fails).contains(r"name=a\u{1b}name"), "{lines:?}");
    assert!(of(fails).contains(r#"reason=error "boom\n\u{202e}""#), "{lines:?}");
    assert!(of(panics).contains(r#"reason=error "panic: no way""#), "{lines:?}");
    assert!(!of(panics).contains("name="), "a process without a name: {lines:?}");
    assert!(lines.iter().all(|line| line.starts_with("WARN")), "{lines:?}");
    assert_eq!(node.processes_failed(), 2);
}

#[tokio::test]
async fn nothing_is_told_of_a_process_that_ends_as_it_should() {
    let log = Log::of_this_thread();
    let (a, b) = connected().await;
    end_of(&a, a.spawn(async |_| ()).unwrap()).await;
    end_of(&a, a.spawn(async |_| Reason::Shutdown).unwrap()).await;
    let killed = a.spawn(idle).unwrap();
    a.kill(killed).unwrap();
    until("its end", || !a.is_alive(killed)).await;
    // It is linked with a process of the node that goes.
    let far = seen_from(&a, &b, b.spawn(idle).unwrap());
    let (linked, _) = begin(&a, async move |ctx: Context| {
        ctx.link(far).await.unwrap();
        ctx.register("linked").unwrap();
        std::future::pending::<()>().await;
    });
    until("the link", || a.whereis("linked").is_some()).await;
    a.shutdown().await;
    until("its end", || !a.is_alive(linked)).await;
    until("all ends", || a.process_count() == 0).await;
    assert_eq!(log.lines_with("process"), Vec::<String>::new());
    assert_eq!((a.processes_failed(), b.processes_failed()), (0, 0));
}

#[tokio::test]
async fn what_another_node_ends_is_told_of_in_sums() {
    const COUNT: u64 = 300;
    let log = Log::of_this_thread();
    let (a, b) = connected().await;
    let victims: Vec<_> = (0..COUNT).map(|_| b.spawn(async |_| std::future::pending::<()>().await)).collect();
    let victims: Vec<_> = victims.into_iter().map(|pid| seen_from(&a, &b, pid.unwrap())).collect();
    let (_, sent) = begin(&a, async move |ctx: Context| {
        for victim in victims {
            ctx.send_exit(victim, Reason::error("x".repeat(3_000))).await.unwrap();
        }
    });
    sent.await.unwrap();
    until("all ends", || b.processes_failed() == COUNT).await;
    let lines = log.lines_with("an exit signal has ended a process");
    assert!((1..=60).contains(&lines.len()), "{} lines", lines.len());
    assert!(lines.iter().all(|line| line.len() < 1_000 && line.contains("bytes more)")), "{lines:?}");
    // A process that fails by itself is told of beside them.
    end_of(&b, b.spawn(async |_| Err::<(), _>("of its own")).unwrap()).await;
    assert_eq!(log.lines_with("of its own").len(), 1);
}
