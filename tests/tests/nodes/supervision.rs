//! Children of supervisors on other nodes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use snow_dist_runtime::supervisor::{
    Child, ChildError, NotRemote, Restart, Strategy, Supervisor, SupervisorHandle,
};
use snow_dist_runtime::{Allowed, Context, Node, Pid, Reason, Received};
use snow_dist_tests::log::Log;
use snow_dist_tests::program::{connect, end_of, node, seen_from, start, until, within};

/// The processes that were started by the function `work`, in order.
type Started = Arc<Mutex<Vec<Pid>>>;

fn offer(node: &Node) -> Started {
    let started = Started::default();
    let journal = started.clone();
    let work = move |mut ctx: Context, until: String| {
        journal.lock().unwrap().push(ctx.pid());
        async move {
            loop {
                match ctx.recv().await {
                    Received::Message(message) if message.as_bytes() == until.as_bytes() => {
                        break Reason::error(until);
                    }
                    // As one that returns the reason of a link with a third node.
                    Received::Message(message) if message.as_bytes() == b"noconnection" => {
                        break Reason::Noconnection;
                    }
                    Received::Exit { reason, .. } => break reason,
                    _ => {}
                }
            }
        }
    };
    node.register_function("work", Allowed::Everyone, work).unwrap();
    started
}

fn supervise(node: &Node, on: &str) -> SupervisorHandle {
    let child = Child::on("worker", on, "work", &"failure").unwrap();
    Supervisor::new(Strategy::OneForOne).child(child).start(node).unwrap()
}

async fn pid(supervisor: &SupervisorHandle) -> Option<Pid> {
    supervisor.children().await.unwrap()[0].pid
}

async fn until_shown(supervisor: &SupervisorHandle, process: Pid) {
    within("the answer to the start", async {
        while pid(supervisor).await != Some(process) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

fn last(started: &Started, count: usize) -> Option<Pid> {
    let started = started.lock().unwrap();
    (started.len() == count).then(|| *started.last().unwrap())
}

#[tokio::test]
async fn a_child_on_another_node_is_started_again_and_stopped_there() {
    let (a, b) = (node("a").await, node("b").await);
    connect(&a, &b).await;
    let started = offer(&b);
    let supervisor = supervise(&a, b.name());
    until("the start", || last(&started, 1).is_some()).await;
    let first = last(&started, 1).unwrap();
    assert_eq!(pid(&supervisor).await, Some(seen_from(&a, &b, first)));
    b.send(first, "failure").await.unwrap();
    until("the second start", || last(&started, 2).is_some()).await;
    let second = last(&started, 2).unwrap();
    until_shown(&supervisor, seen_from(&a, &b, second)).await;
    let status = supervisor.children().await.unwrap().remove(0);
    assert_eq!((status.restarts, status.last_end), (1, Some(Reason::error("failure"))));
    supervisor.stop().await;
    assert_eq!(end_of(&b, second).await, Reason::noproc());
    assert_eq!(supervisor.children().await, Err(ChildError::Ended));
}

#[tokio::test]
async fn children_wait_for_the_session_with_their_node_and_its_loss_is_no_failure() {
    const CHILDREN: usize = 10;
    let log = Log::of_this_thread();
    let (a, b) = (node("a").await, node("b").await);
    let started = offer(&b);
    let child = |number: usize| Child::on(number.to_string(), b.name(), "work", &"failure").unwrap();
    let supervisor = (0..CHILDREN).map(child).fold(Supervisor::new(Strategy::OneForOne), Supervisor::child);
    let supervisor = supervisor.start(&a).unwrap();
    // They count as started, and nobody is shown for them.
    let shown = async || -> BTreeSet<_> {
        supervisor.children().await.unwrap().into_iter().map(|child| child.pid).collect()
    };
    assert_eq!(shown().await, [None].into());
    for count in 1..=3 {
        connect(&a, &b).await;
        until("the starts", || last(&started, count * CHILDREN).is_some()).await;
        let there: BTreeSet<_> = started.lock().unwrap()[(count - 1) * CHILDREN..]
            .iter()
            .map(|pid| Some(seen_from(&a, &b, *pid)))
            .collect();
        within("all to be shown", async {
            while shown().await != there {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let again = count - 1;
        let restarts = supervisor.children().await.unwrap().into_iter().map(|child| child.restarts);
        assert!(restarts.eq([again as u64; CHILDREN]), "what has been started again is counted");
        assert_eq!(log.lines_with("a child is started again").len(), again * CHILDREN);
        a.disconnect(b.name());
        until("the end of the session", || a.nodes().is_empty() && b.nodes().is_empty()).await;
        until("the ends that stand for theirs", || {
            a.stats().processes.ended.shutdown == (count * CHILDREN) as u64
        })
        .await;
    }
    within("the ends", async {
        while supervisor
            .children()
            .await
            .unwrap()
            .iter()
            .any(|child| child.last_end != Some(Reason::Noconnection))
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let again = log.lines_with("a child is started again");
    assert!(again.iter().all(|line| line.ends_with("reason=noconnection")), "{again:?}");
    assert_eq!(again.len(), 2 * CHILDREN, "the last loss has no start after it");
    assert_eq!(a.processes_failed(), 0);
    assert_eq!(supervisor.stop().await, Reason::Shutdown);
}

#[tokio::test]
async fn a_process_that_ends_with_noconnection_in_a_session_that_lasts_has_failed() {
    let (a, b) = (node("a").await, node("b").await);
    connect(&a, &b).await;
    let started = offer(&b);
    let child = Child::on("worker", b.name(), "work", &"failure").unwrap();
    let supervisor =
        Supervisor::new(Strategy::OneForOne).restarts(1, Duration::from_secs(3_600)).child(child);
    let supervisor = supervisor.start(&a).unwrap();
    for count in 1..=2 {
        until("the start", || last(&started, count).is_some()).await;
        let process = seen_from(&a, &b, last(&started, count).unwrap());
        until_shown(&supervisor, process).await;
        a.send(process, "noconnection").await.unwrap();
    }
    let ended = within("the end", supervisor.ended()).await;
    let text = "restarted more than 1 times in 3600s, the last time the child \"worker\": noconnection";
    assert_eq!(ended, Reason::error(text));
    assert_eq!(a.processes_failed(), 3, "what stood for them, and the supervisor");
}

#[tokio::test]
async fn a_supervisor_that_is_killed_takes_its_children_on_other_nodes_along() {
    let (a, b) = (node("a").await, node("b").await);
    connect(&a, &b).await;
    let started = offer(&b);
    let supervisor = supervise(&a, b.name());
    until("the start", || last(&started, 1).is_some()).await;
    let process = last(&started, 1).unwrap();
    a.kill(supervisor.pid().unwrap()).unwrap();
    assert_eq!(supervisor.ended().await, Reason::Killed);
    let _ = end_of(&b, process).await;
}

#[tokio::test]
async fn a_node_that_takes_no_exit_signals_lets_a_child_be_ended_by_its_link() {
    let a = node("a").await;
    let b = start(Node::builder("b@127.0.0.1:0").remote_exit(Allowed::Nobody)).await;
    connect(&a, &b).await;
    let started = offer(&b);
    let supervisor = supervise(&a, b.name());
    until("the start", || last(&started, 1).is_some()).await;
    supervisor.stop().await;
    let ended = end_of(&b, last(&started, 1).unwrap()).await;
    assert!(matches!(ended, Reason::Linked(_)) || ended == Reason::noproc(), "{ended}");
}

#[tokio::test]
async fn a_function_that_is_not_there_is_a_start_that_fails() {
    let (a, b) = (node("a").await, node("b").await);
    connect(&a, &b).await;
    let supervisor = Supervisor::new(Strategy::OneForOne).start(&a).unwrap();
    let child = Child::on("worker", b.name(), "nothing", &()).unwrap().restart(Restart::Temporary);
    let error = supervisor.start_child(child).await.unwrap_err();
    let expected = format!(
        "the child \"worker\" ended before it was started: error \"{} has no function \"nothing\", or does not let this node start it\"",
        b.name()
    );
    assert_eq!(error.to_string().replace('\\', ""), expected);
}

#[test]
fn a_child_is_for_a_node_that_can_be_found() {
    for name in ["no node", "b@127.0.0.1:0", "b@0.0.0.0"] {
        let child = Child::on("worker", name, "work", &());
        assert!(matches!(child, Err(NotRemote::Node(_))), "{name}: {child:?}");
    }
}
