#![allow(clippy::disallowed_methods, reason = "tests run on the runtime they are in")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::sleep;

use super::*;
use crate::core::Pid;
use crate::process::Received;

/// What has happened, in order.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    fn write(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    /// What was written since this was called last.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Ends as messages and exit signals say.
async fn obedient(mut ctx: Context, name: String, journal: Journal) -> Reason {
    journal.write(format!("+{name}"));
    let reason = loop {
        match ctx.recv().await {
            Received::Message(message) => match message.as_bytes() {
                b"normal" => break Reason::Normal,
                b"shutdown" => break Reason::Shutdown,
                other => break Reason::error(String::from_utf8_lossy(other)),
            },
            Received::Exit { reason, .. } => break reason,
            _ => {}
        }
    };
    journal.write(format!("-{name}"));
    reason
}

fn child(name: &str, journal: &Journal) -> Child {
    let (own, journal) = (name.to_owned(), journal.clone());
    Child::new(name, move |ctx| obedient(ctx, own.clone(), journal.clone()))
}

fn node() -> Node {
    Node::alone(tokio::runtime::Handle::current())
}

async fn pids(supervisor: &SupervisorHandle) -> HashMap<String, Option<Pid>> {
    let children = supervisor.children().await.unwrap();
    children.into_iter().map(|child| (child.name.to_string(), child.pid)).collect()
}

/// Sends a child a message, and waits until all that came of it is over.
async fn tell(node: &Node, supervisor: &SupervisorHandle, name: &str, message: &str) {
    let pid = pids(supervisor).await[name].unwrap();
    node.send(pid, message).await.unwrap();
    sleep(Duration::from_millis(100)).await;
}

/// What a monitor of a process is told.
async fn end_of(node: &Node, pid: Pid) -> Received {
    let (tells, told) = tokio::sync::oneshot::channel();
    let watches = async move |mut ctx: Context| {
        ctx.monitor(pid).await.unwrap();
        tells.send(ctx.recv().await).unwrap();
    };
    node.spawn(watches).unwrap();
    told.await.unwrap()
}

async fn started(supervisor: Supervisor, node: &Node) -> SupervisorHandle {
    let handle = supervisor.start(node).unwrap();
    handle.started().await.unwrap();
    handle
}

async fn three(strategy: Strategy) -> (Node, SupervisorHandle, Journal) {
    let (node, journal) = (node(), Journal::default());
    let supervisor =
        ["a", "b", "c"].iter().fold(Supervisor::new(strategy), |all, name| all.child(child(name, &journal)));
    let supervisor = started(supervisor, &node).await;
    assert_eq!(journal.take(), ["+a", "+b", "+c"]);
    (node, supervisor, journal)
}

#[tokio::test(start_paused = true)]
async fn children_start_in_order_and_stop_in_reverse() {
    let (_node, supervisor, journal) = three(Strategy::OneForOne).await;
    assert_eq!(supervisor.stop().await, Reason::Shutdown);
    assert_eq!(journal.take(), ["-c", "-b", "-a"]);
    assert_eq!(supervisor.children().await, Err(ChildError::Ended));
    assert_eq!(supervisor.stop_child("a").await, Err(ChildError::Ended));
}

#[tokio::test(start_paused = true)]
async fn each_strategy_starts_those_that_it_names() {
    for (strategy, expected) in [
        (Strategy::OneForOne, &["-b", "+b"][..]),
        (Strategy::OneForAll, &["-b", "-c", "-a", "+a", "+b", "+c"]),
        (Strategy::RestForOne, &["-b", "-c", "+b", "+c"]),
    ] {
        let (node, supervisor, journal) = three(strategy).await;
        let before = pids(&supervisor).await;
        tell(&node, &supervisor, "b", "fails").await;
        assert_eq!(journal.take(), expected);
        let after = pids(&supervisor).await;
        let changed = |name: &str| before[name] != after[name];
        assert!(changed("b"));
        assert_eq!(changed("a"), strategy == Strategy::OneForAll);
        assert_eq!(changed("c"), strategy != Strategy::OneForOne);
        let status = &supervisor.children().await.unwrap()[1];
        assert_eq!(status.restarts, 1);
        assert_eq!(status.last_end, Some(Reason::error("fails")));
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_started_again_is_said_by_its_restart() {
    let (node, journal) = (node(), Journal::default());
    let kinds = [Restart::Permanent, Restart::Transient, Restart::Temporary];
    let supervisor =
        kinds.iter().fold(Supervisor::new(Strategy::OneForOne).restarts(100, Duration::MAX), |all, kind| {
            all.child(child(&format!("{kind:?}"), &journal).restart(*kind))
        });
    let supervisor = started(supervisor, &node).await;
    let mut runs = Vec::new();
    for (name, end) in [
        ("Permanent", "normal"),
        ("Permanent", "shutdown"),
        ("Transient", "fails"),
        ("Transient", "normal"),
        ("Temporary", "fails"),
    ] {
        tell(&node, &supervisor, name, end).await;
        runs.push(pids(&supervisor).await.get(name).copied().map(|pid| pid.is_some()));
    }
    assert_eq!(runs, [Some(true), Some(true), Some(true), Some(false), None]);
    // One that has ended can be started again by hand, or forgotten.
    let again = supervisor.restart_child("Transient").await.unwrap();
    assert_eq!(pids(&supervisor).await["Transient"], Some(again));
    supervisor.stop_child("Transient").await.unwrap();
    let name = "Transient".into();
    assert_eq!(supervisor.restart_child("Transient").await, Err(ChildError::Unknown { name }));
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_too_often_ends_the_supervisor_with_its_reason() {
    let (node, journal) = (node(), Journal::default());
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .restarts(2, Duration::from_secs(5))
        .child(child("steady", &journal))
        .child(Child::new("broken", async |_| Reason::error("broken")));
    let (tells, told) = tokio::sync::oneshot::channel();
    node.spawn(async move |mut ctx: Context| {
        ctx.trap_exit(true);
        ctx.spawn_link(|ctx| supervisor.run(ctx)).unwrap();
        tells.send(ctx.recv().await).unwrap();
    })
    .unwrap();
    let Received::Exit { reason, .. } = told.await.unwrap() else { panic!("an exit") };
    let text = "restarted more than 2 times in 5s, the last time the child \"broken\": error \"broken\"";
    assert_eq!(reason, Reason::error(text));
    assert_eq!(journal.take(), ["+steady", "-steady"]);
}

#[tokio::test(start_paused = true)]
async fn restarts_that_are_far_apart_are_not_too_many() {
    let (node, supervisor, _) = three(Strategy::OneForOne).await;
    for _ in 0..10 {
        tell(&node, &supervisor, "a", "fails").await;
        sleep(Duration::from_secs(3)).await;
    }
    assert_eq!(supervisor.children().await.unwrap()[0].restarts, 10);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_stop_is_killed_and_the_others_are_stopped() {
    let (node, journal) = (node(), Journal::default());
    let stubborn = Child::new("stubborn", async |mut ctx: Context| {
        ctx.trap_exit(true);
        while !matches!(ctx.recv().await, Received::NodeUp { .. }) {}
    });
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .child(child("first", &journal))
        .child(stubborn.stops_within(Duration::from_secs(60)))
        .child(child("last", &journal));
    let supervisor = started(supervisor, &node).await;
    let pid = pids(&supervisor).await["stubborn"].unwrap();
    assert_eq!(node.process(pid).unwrap().description.as_deref(), Some("stubborn"));
    let began = tokio::time::Instant::now();
    supervisor.stop().await;
    assert_eq!(began.elapsed().as_secs(), 60);
    assert_eq!(journal.take(), ["+first", "+last", "-last", "-first"]);
    assert!(matches!(end_of(&node, pid).await, Received::Down { reason, .. } if reason == Reason::noproc()));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_started_later_finds_what_the_earlier_one_has_prepared() {
    let (node, found) = (node(), Arc::new(AtomicUsize::new(0)));
    let slow = Child::starting("slow", async |mut ctx: Context, started: Started| {
        sleep(Duration::from_secs(9)).await;
        ctx.register("slow")?;
        started.tell();
        let _ = ctx.recv().await;
        Ok::<_, crate::RegisterError>(())
    });
    let count = found.clone();
    let looks = Child::new("looks", move |ctx: Context| {
        let count = count.clone();
        async move {
            count.fetch_add(usize::from(ctx.whereis("slow").is_some()), SeqCst);
        }
    });
    let supervisor =
        Supervisor::new(Strategy::OneForOne).child(slow).child(looks.restart(Restart::Temporary));
    let supervisor = started(supervisor, &node).await;
    supervisor.children().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(found.load(SeqCst), 1);
    // One that never says so is killed, and one that ends before it says so is not started.
    let silent = Child::starting("silent", async |mut ctx: Context, started: Started| {
        let _ = ctx.recv().await;
        started.tell();
    });
    let reason = Reason::error("killed: it did not report its start within 10s (`starts_within`)");
    let name = Arc::<str>::from("silent");
    let error = supervisor.start_child(silent.restart(Restart::Temporary)).await;
    assert_eq!(error, Err(ChildError::NotStarted { name, reason }));
    let hasty = Child::starting("hasty", async |_: Context, _: Started| Reason::error("cannot"));
    let (name, reason) = ("hasty".into(), Reason::error("cannot"));
    assert_eq!(supervisor.start_child(hasty).await, Err(ChildError::NotStarted { name, reason }));
    assert!(!pids(&supervisor).await.contains_key("hasty"));
}

#[tokio::test(start_paused = true)]
async fn children_come_and_go_within_their_bounds() {
    let (node, journal) = (node(), Journal::default());
    let supervisor = Supervisor::new(Strategy::OneForOne).children_max(2).start(&node).unwrap();
    let one = supervisor.start_child(child("one", &journal)).await.unwrap();
    let name = Arc::<str>::from("one");
    assert_eq!(supervisor.start_child(child("one", &journal)).await, Err(ChildError::NameTaken { name }));
    supervisor.start_child(child("two", &journal)).await.unwrap();
    assert_eq!(supervisor.start_child(child("three", &journal)).await, Err(ChildError::TooMany { max: 2 }));
    supervisor.stop_child("two").await.unwrap();
    supervisor.start_child(child("three", &journal)).await.unwrap();
    let again = supervisor.restart_child("one").await.unwrap();
    assert_ne!(one, again);
    assert_eq!(journal.take(), ["+one", "+two", "-two", "+three", "-one", "+one"]);
    // What was done by hand is no restart.
    assert!(supervisor.children().await.unwrap().iter().all(|child| child.restarts == 0));
}

#[tokio::test(start_paused = true)]
async fn supervisors_form_a_tree() {
    let (node, journal) = (node(), Journal::default());
    let inner = {
        let journal = journal.clone();
        move || {
            let leaves = [child("x", &journal), child("y", &journal)];
            leaves
                .into_iter()
                .fold(Supervisor::new(Strategy::OneForAll).restarts(1, Duration::MAX), Supervisor::child)
        }
    };
    let outer = Supervisor::new(Strategy::OneForOne)
        .child(Child::supervisor("inner", inner))
        .child(child("z", &journal))
        .start(&node)
        .unwrap();
    outer.started().await.unwrap();
    assert_eq!(journal.take(), ["+x", "+y", "+z"]);
    let inner = pids(&outer).await["inner"].unwrap();
    // The inner one gives up, and the outer one starts it again.
    node.spawn(async move |ctx: Context| ctx.send_exit(inner, Reason::error("away with it")).await).unwrap();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(journal.take(), ["-y", "-x", "+x", "+y"]);
    outer.stop().await;
    assert_eq!(journal.take(), ["-z", "-y", "-x"]);
}

#[tokio::test(start_paused = true)]
async fn an_exit_signal_of_anybody_stops_a_supervisor_in_order() {
    for reason in [Reason::Shutdown, Reason::error("enough")] {
        let (node, journal) = (node(), Journal::default());
        let supervisor = Supervisor::new(Strategy::OneForOne).child(child("a", &journal));
        let (tells, told) = tokio::sync::oneshot::channel();
        let sent = reason.clone();
        let stops = async move |mut ctx: Context| {
            ctx.trap_exit(true);
            let supervisor = ctx.spawn_link(|ctx| supervisor.run(ctx)).unwrap();
            ctx.send_exit(supervisor, Reason::Normal).await.unwrap();
            sleep(Duration::from_secs(1)).await;
            ctx.send_exit(supervisor, sent).await.unwrap();
            tells.send(ctx.recv().await).unwrap();
        };
        node.spawn(stops).unwrap();
        let Received::Exit { reason: seen, .. } = told.await.unwrap() else { panic!("an exit") };
        assert_eq!(seen, reason);
        assert_eq!(journal.take(), ["+a", "-a"]);
    }
}

#[tokio::test(start_paused = true)]
async fn children_end_with_a_supervisor_that_is_killed() {
    let (node, journal) = (node(), Journal::default());
    let supervisor = Supervisor::new(Strategy::OneForOne).child(child("a", &journal));
    let handle = supervisor.handle();
    let pid = node.spawn(|ctx| supervisor.run(ctx)).unwrap();
    let child = pids(&handle).await["a"].unwrap();
    node.kill(pid).unwrap();
    let Received::Down { reason, .. } = end_of(&node, child).await else { panic!("an end") };
    assert!(reason == Reason::linked(pid, &Reason::Killed) || reason == Reason::noproc());
    assert_eq!(handle.ended().await, Reason::Killed);
}

#[tokio::test(start_paused = true)]
async fn two_children_of_one_name_are_refused_before_any_is_started() {
    let (node, journal) = (node(), Journal::default());
    let supervisor =
        Supervisor::new(Strategy::OneForOne).child(child("a", &journal)).child(child("a", &journal));
    let supervisor = supervisor.start(&node).unwrap();
    let reason = Reason::error("the supervisor has a child \"a\"");
    assert_eq!(supervisor.started().await, Err(reason.clone()));
    assert_eq!(supervisor.ended().await, reason);
    assert!(journal.take().is_empty());
    // One that is never started has ended as well.
    let never = Supervisor::new(Strategy::OneForOne).handle();
    assert_eq!(never.stop().await, Reason::Killed);
    assert_eq!(never.pid(), None);
}

/// Fails to start so many times, then does as it is told.
fn shy(name: &str, failures: usize, takes: Duration, journal: &Journal) -> Child {
    let (own, journal, tried) = (name.to_owned(), journal.clone(), Arc::new(AtomicUsize::new(0)));
    Child::starting(name, move |ctx: Context, started: Started| {
        let (own, journal, tried) = (own.clone(), journal.clone(), tried.clone());
        async move {
            sleep(takes).await;
            if tried.fetch_add(1, SeqCst) < failures {
                return Reason::error("not yet");
            }
            started.tell();
            obedient(ctx, own, journal).await
        }
    })
}

#[tokio::test(start_paused = true)]
async fn later_children_wait_until_an_earlier_one_has_been_started_again() {
    let (node, journal) = (node(), Journal::default());
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .child(shy("a", 2, Duration::ZERO, &journal))
        .child(child("b", &journal))
        .start(&node)
        .unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(journal.take(), ["+a", "+b"]);
    assert_eq!(supervisor.stop().await, Reason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_slowly_for_ever_keeps_nobody_waiting() {
    let (node, journal) = (node(), Journal::default());
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .child(shy("a", usize::MAX, Duration::from_secs(3), &journal))
        .start(&node)
        .unwrap();
    for _ in 0..10 {
        assert!(supervisor.children().await.is_ok());
    }
    assert!(supervisor.children().await.unwrap()[0].restarts > 5);
    // Nor does a start that hangs.
    let began = tokio::time::Instant::now();
    assert_eq!(supervisor.stop().await, Reason::Shutdown);
    assert!(began.elapsed() <= STOPS_WITHIN, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_child_that_lives_is_not_taken_for_one_that_has_ended_nor_the_other_way_round() {
    let (node, journal) = (node(), Journal::default());
    let supervisor = Supervisor::new(Strategy::OneForOne);
    let handle = supervisor.handle();
    // It gives up its link, and sends its supervisor a signal.
    let odd = Child::new("odd", move |mut ctx: Context| {
        let supervisor = handle.pid().unwrap();
        async move {
            ctx.unlink(supervisor);
            ctx.send_exit(supervisor, Reason::error("a signal")).await.unwrap();
            let _ = ctx.recv().await;
        }
    });
    let supervisor = started(supervisor.child(odd).child(child("a", &journal)), &node).await;
    let before = pids(&supervisor).await;
    let odd = before["odd"].unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(pids(&supervisor).await, before);
    node.send(odd, "goes").await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_ne!(pids(&supervisor).await["odd"], Some(odd));
    assert_eq!(supervisor.stop().await, Reason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn a_short_child_was_started() {
    let (node, supervisor) = (node(), Supervisor::new(Strategy::OneForOne));
    let supervisor = started(supervisor, &node).await;
    for number in 0..200 {
        let short = Child::new(number.to_string(), async |_| ()).restart(Restart::Temporary);
        supervisor.start_child(short).await.unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    assert!(supervisor.children().await.unwrap().is_empty());
}

/// Each level says what the one below has said.
#[tokio::test(start_paused = true)]
async fn a_reason_that_goes_up_a_tree_stays_short() {
    let failing = || Child::new("fails", async |_| Reason::error("x".repeat(60_000)));
    let inner =
        move || Supervisor::new(Strategy::OneForOne).restarts(0, Duration::from_secs(1)).child(failing());
    let outer = Supervisor::new(Strategy::OneForOne).restarts(0, Duration::from_secs(1));
    let node = node();
    let outer = outer.child(Child::supervisor("inner", inner)).start(&node).unwrap();
    let reason = outer.ended().await.to_string();
    assert!(reason.contains("inner") && reason.contains("fails") && reason.len() < 2_000, "{}", reason.len());
}

#[tokio::test(start_paused = true)]
async fn a_node_with_patience_lets_supervisors_stop_their_children() {
    let (node, journal) = (node(), Journal::default());
    let inner = {
        let journal = journal.clone();
        move || Supervisor::new(Strategy::OneForOne).child(child("x", &journal)).child(child("y", &journal))
    };
    let slow = Child::new("slow", async |mut ctx: Context| {
        while !matches!(ctx.recv().await, Received::Exit { .. }) {}
        sleep(Duration::from_secs(3)).await;
    });
    let outer = Supervisor::new(Strategy::OneForOne)
        .child(Child::supervisor("inner", inner))
        .child(slow)
        .child(child("z", &journal));
    let supervisor = started(outer, &node).await;
    node.groups().unwrap();
    assert_eq!(journal.take(), ["+x", "+y", "+z"]);
    let clock = crate::clock::Clock::start();
    assert_eq!(node.shutdown_within(Duration::from_secs(60)).await, []);
    assert_eq!(clock.now().as_secs(), 3);
    assert_eq!(journal.take(), ["-z", "-y", "-x"]);
    assert_eq!(supervisor.ended().await, Reason::Shutdown);
    assert!(matches!(node.spawn(async |_| ()), Err(SpawnError::Stopped)));
}

#[tokio::test(start_paused = true)]
async fn a_node_with_patience_tells_who_was_left() {
    let (node, journal) = (node(), Journal::default());
    let (tells, told) = tokio::sync::oneshot::channel();
    // A child that outlives its supervisor is told to end like any other.
    let orphan = Child::new("orphan", {
        let journal = journal.clone();
        move |ctx| {
            ctx.trap_exit(true);
            let journal = journal.clone();
            async move {
                let (mut ctx, mut exits) = (ctx, 0);
                while exits < 2 {
                    exits += usize::from(matches!(ctx.recv().await, Received::Exit { .. }));
                }
                journal.write("-orphan");
            }
        }
    });
    let supervisor = started(Supervisor::new(Strategy::OneForOne).child(orphan), &node).await;
    node.kill(supervisor.pid().unwrap()).unwrap();
    let deaf = node.spawn(async |_| std::future::pending::<()>().await).unwrap();
    node.register("deaf", deaf).unwrap();
    let watcher = node
        .spawn(async move |mut ctx: Context| {
            ctx.monitor(deaf).await.unwrap();
            let all = [ctx.recv().await, ctx.recv().await];
            tells.send(all).unwrap();
        })
        .unwrap();
    sleep(Duration::from_secs(1)).await;
    let clock = crate::clock::Clock::start();
    let left = node.shutdown_within(Duration::from_secs(20)).await;
    assert_eq!(clock.now().as_secs(), 20);
    let left: Vec<_> = left.into_iter().map(|left| (left.pid, left.names)).collect();
    assert_eq!(left, [(deaf, vec!["deaf".into()]), (watcher, vec![])]);
    assert_eq!(journal.take(), ["-orphan"]);
    // It was killed before it was told of the other one.
    assert!(told.await.is_err());
    assert_eq!(node.process_count(), 0);
}
