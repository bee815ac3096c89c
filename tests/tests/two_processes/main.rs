//! Two nodes in two processes of the operating system, one of which is killed, stopped and started again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[cfg(target_os = "linux")]
mod cluster;

use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use snow_dist_runtime::core::limits::HANDSHAKE_DEADLINE;
use snow_dist_runtime::{Context, Node, Pid, Reason, Received, Timing};
use snow_dist_tests::program::{begin, down, exit, node, received, run, start, text, until, within};
use snow_dist_tests::raw_peer::{RawNode, address, connect_from};

/// The other process. It ends with the test, since its input ends then.
struct Second {
    child: Child,
    name: String,
}

impl Second {
    fn start(name: &str) -> Self {
        Self::start_with(&[name])
    }

    fn start_with(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_second_node"));
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut name = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut name).unwrap();
        assert!(name.ends_with('\n'), "it did not start");
        Self { child, name: name.trim_end().to_owned() }
    }

    fn signal(&self, name: &str) {
        let (signal, process) = (format!("-{name}"), self.child.id().to_string());
        let sent = Command::new("kill").args([signal, process]).status().unwrap();
        assert!(sent.success());
    }

    /// Stopped for so long, it does not run, and its clock goes on.
    async fn hold_up(&self, time: Duration) {
        self.signal("STOP");
        tokio::time::sleep(time).await;
        self.signal("CONT");
    }

    fn kill_9(&mut self) {
        self.signal("KILL");
        self.child.wait().unwrap();
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks the other node's `echo`; gives its pid here, and its process of the system.
async fn ask(ctx: &mut Context, own: &Node, other: &str) -> (Pid, u32) {
    let _ = ctx.register("asker");
    ctx.send_named("echo", other, format!("asker {}", own.name())).await.unwrap();
    let answer = text(ctx).await;
    let (local, process) = answer.split_once(' ').unwrap();
    (own.pid_on(other, local.parse().unwrap()).unwrap(), process.parse().unwrap())
}

async fn connect(node: &Node, second: &Second) {
    within("a session", node.connect(&second.name)).await.unwrap();
}

#[tokio::test]
async fn killing_the_other_process_is_losing_the_node() {
    let mut second = Second::start("second@127.0.0.1:0");
    let a = node("a").await;
    connect(&a, &second).await;
    let (own, name) = (a.clone(), second.name.clone());
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let (_, seen) = begin(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        ctx.monitor_node(&name).unwrap();
        let (echo, _) = ask(&mut ctx, &own, &name).await;
        ctx.link(echo).await.unwrap();
        ctx.monitor(echo).await.unwrap();
        ready.send(()).unwrap();
        assert_eq!(exit(&mut ctx, echo).await, Reason::Noconnection);
        assert_eq!(down(&mut ctx, echo).await, Reason::Noconnection);
        received(&mut ctx).await
    });
    is_ready.await.unwrap();
    second.kill_9();
    let last = within("nodedown", seen).await.unwrap();
    assert!(matches!(last, Received::NodeDown { .. }), "{last:?}");
    assert!(a.nodes().is_empty());
}

#[tokio::test]
async fn a_process_that_is_started_again_is_another_start_of_its_node() {
    let mut second = Second::start("second@127.0.0.1:0");
    let a = node("a").await;
    let own = a.clone();
    connect(&a, &second).await;
    run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        let name = second.name.clone();
        ctx.monitor_node(&name).unwrap();
        let (mut old, mut process) = ask(&mut ctx, &own, &name).await;
        for _ in 0..3 {
            second.kill_9();
            assert!(matches!(received(&mut ctx).await, Received::NodeDown { .. }));
            second = Second::start(&name);
            assert_eq!(second.name, name);
            connect(&own, &second).await;
            assert!(matches!(received(&mut ctx).await, Received::NodeUp { .. }));
            let (new, new_process) = ask(&mut ctx, &own, &name).await;
            assert_ne!(process, new_process);
            assert_eq!(new.local(), old.local());
            assert_ne!(new, old);
            ctx.link(old).await.unwrap();
            assert_eq!(exit(&mut ctx, old).await, Reason::Noconnection);
            (old, process) = (new, new_process);
        }
    })
    .await;
}

#[tokio::test]
async fn a_process_that_is_stopped_is_found_by_the_heartbeat_and_comes_back_as_the_same_start() {
    let second = Second::start("second@127.0.0.1:0");
    let timing = Timing { interval: Duration::from_millis(300), timeout: Duration::from_millis(700) };
    let a = start(Node::builder("a@127.0.0.1:0").heartbeat(timing)).await;
    let own = a.clone();
    connect(&a, &second).await;
    run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        let name = second.name.clone();
        ctx.monitor_node(&name).unwrap();
        let (echo, process) = ask(&mut ctx, &own, &name).await;
        ctx.link(echo).await.unwrap();
        second.signal("STOP");
        // Nothing of TCP says so: the kernel goes on answering for it.
        assert_eq!(exit(&mut ctx, echo).await, Reason::Noconnection);
        assert!(matches!(received(&mut ctx).await, Received::NodeDown { .. }));
        second.signal("CONT");
        connect(&own, &second).await;
        assert!(matches!(received(&mut ctx).await, Received::NodeUp { .. }));
        assert_eq!(ask(&mut ctx, &own, &name).await, (echo, process));
    })
    .await;
}

//= spec/connection.md#con-tim-001
//# A node MUST NOT count its first eight stalls within a time against a peer, nor more than an eighth of that
//# time for a later one.
#[tokio::test]
async fn a_process_that_was_stopped_for_less_than_its_peers_patience_keeps_its_sessions() {
    // Its own patience is over each time that it goes on, and it has asked nobody.
    let second = Second::start_with(&["second@127.0.0.1:0", "500", "1500"]);
    let a = node("a").await;
    let own = a.clone();
    connect(&a, &second).await;
    run(&a, async move |mut ctx| {
        ctx.trap_exit(true);
        let name = second.name.clone();
        ctx.monitor_node(&name).unwrap();
        let (echo, process) = ask(&mut ctx, &own, &name).await;
        ctx.link(echo).await.unwrap();
        for _ in 0..2 {
            second.hold_up(Duration::from_secs(4)).await;
            assert_eq!(ctx.recv_timeout(Duration::from_secs(1)).await, None, "neither exit nor nodedown");
            assert_eq!(ask(&mut ctx, &own, &name).await, (echo, process));
        }
    })
    .await;
}

//= spec/connection.md#con-tim-001
//# A node MUST NOT count its first eight stalls within a time against a peer, nor more than an eighth of that
//# time for a later one.
#[tokio::test]
async fn a_process_that_was_stopped_in_a_handshake_goes_on_with_it() {
    let second = Second::start("second@127.0.0.1:0");
    let peer = RawNode::new("raw@127.0.0.1:1", 7);
    let wire = connect_from(Ipv4Addr::LOCALHOST, address(&second.name)).await.unwrap();
    let challenged = peer.initiate_to_challenge(wire, &second.name).await.unwrap();
    second.hold_up(HANDSHAKE_DEADLINE + Duration::from_secs(1)).await;
    // It has gone on before the answer is there.
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(peer.answer(challenged).await.unwrap());
}

#[tokio::test]
async fn the_other_process_ends_and_the_node_goes_on() {
    let mut second = Second::start("second@127.0.0.1:0");
    let a = node("a").await;
    connect(&a, &second).await;
    drop(second.child.stdin.take());
    assert!(second.child.wait().unwrap().success());
    until("the end", || a.nodes().is_empty()).await;
    let third = Second::start("third@127.0.0.1:0");
    connect(&a, &third).await;
    let own = a.clone();
    run(&a, async move |mut ctx| ask(&mut ctx, &own, &third.name).await).await;
}

#[tokio::test]
async fn many_links_to_a_killed_process_all_end() {
    const COUNT: usize = 500;
    let mut second = Second::start("second@127.0.0.1:0");
    let a = node("a").await;
    connect(&a, &second).await;
    let (own, name) = (a.clone(), second.name.clone());
    let (echo, _) = run(&a, async move |mut ctx| ask(&mut ctx, &own, &name).await).await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..COUNT {
        let tell = tell.clone();
        a.spawn(async move |mut ctx: Context| {
            ctx.trap_exit(true);
            ctx.link(echo).await.unwrap();
            tell.send(None).unwrap();
            tell.send(Some(exit(&mut ctx, echo).await)).unwrap();
        })
        .unwrap();
    }
    for _ in 0..COUNT {
        assert_eq!(within("a link", told.recv()).await.unwrap(), None);
    }
    second.kill_9();
    for _ in 0..COUNT {
        assert_eq!(within("an exit", told.recv()).await.unwrap(), Some(Reason::Noconnection));
    }
}
