//! Programs in C, built with the machine's compiler and run beside nodes in Rust.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod build;
mod certificates;

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use snow_dist_runtime::{Context, Node, Reason, Received};

use build::{build, run};
use certificates::{Authority, Files};
use tokio::time::timeout;

const COOKIE: &str = "a cookie of thirty-two letters..";
/// What a program has to say has come by then, or the program has ended.
const ENOUGH: Duration = Duration::from_secs(120);

async fn node() -> Node {
    Node::builder("rust@127.0.0.1:0").cookie(COOKIE).start().await.unwrap()
}

/// The example, watching a process of a node.
fn watch(node: &Node, number: u64) -> Child {
    let mut command = run(&build("examples/watch.c"));
    command.args([node.name(), &number.to_string()]).env("SNOW_COOKIE", COOKIE);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_links_and_learns_of_an_end() {
    let node = node().await;
    let other = node
        .spawn(async |mut ctx: Context| {
            let Received::Message(message) = ctx.recv().await else { panic!() };
            assert_eq!(message.as_bytes(), b"go on");
            Reason::error("disk full")
        })
        .unwrap();
    let watch = tokio::task::spawn_blocking({
        let watch = watch(&node, other.local());
        move || watch.wait_with_output().unwrap()
    });
    let output = watch.await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let words = format!("process {} has ended: kind 1, disk full\n", other.local());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), words);
    node.shutdown().await;
}

/// The other way round: the program is killed, and the process that is linked to its process learns of it.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_program_is_told() {
    let node = node().await;
    let (tell, told) = tokio::sync::oneshot::channel();
    let other = node
        .spawn(async |mut ctx: Context| {
            ctx.trap_exit(true);
            let _message = ctx.recv().await;
            // Of the sender nothing is known but what it said: so the program is killed when its message has come.
            let _ = tell.send(ctx.node());
            let Received::Exit { reason, .. } = ctx.recv().await else { panic!() };
            reason
        })
        .unwrap();
    let (end, ended) = tokio::sync::oneshot::channel();
    node.spawn(async move |mut ctx: Context| {
        ctx.monitor(other).await.unwrap();
        let _ = end.send(ctx.recv().await);
    })
    .unwrap();
    let mut watch = watch(&node, other.local());
    timeout(ENOUGH, told).await.unwrap().unwrap();
    watch.kill().unwrap();
    watch.wait().unwrap();
    let Received::Down { from, reason, .. } = ended.await.unwrap() else { panic!() };
    assert_eq!((from, reason), (other, Reason::Noconnection));
    node.shutdown().await;
}

/// A connection that is closed while it is written to is a lost node, and not the end of the program by SIGPIPE. Which of the
/// two it would be depends on what the kernel has seen when it is written to, so there are some rounds.
#[test]
fn a_lost_peer_does_not_end_the_program() {
    let flood = build("tests/c/flood.c");
    for _round in 0..8 {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (tell, told) = tokio::sync::oneshot::channel();
        let (name, number) = runtime.block_on(async {
            let node = node().await;
            let sink = node.spawn(async |mut ctx: Context| -> Reason {
                ctx.recv().await;
                let _ = tell.send(());
                loop {
                    ctx.recv().await;
                }
            });
            (node.name().to_owned(), sink.unwrap().local())
        });
        let mut flood = run(&flood).args([name, number.to_string()]).spawn().unwrap();
        runtime.block_on(async { timeout(ENOUGH, told).await }).unwrap().unwrap();
        // As if it had been killed.
        runtime.shutdown_timeout(Duration::ZERO);
        let status = flood.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

/// The program has a session while it proves its name, and its files can be read again while it runs.
#[tokio::test(flavor = "multi_thread")]
async fn names_are_proved_by_certificates() {
    let (node, authority) = (node().await, Authority::new());
    node.set_certificates(authority.certificates(node.name())).unwrap();
    let certified = build("tests/c/certified.c");
    let files = Files::new(certified.with_extension("files"), &authority, "certified@127.0.0.1:1");
    let mut command = run(&certified);
    command.arg(&files.0).arg(node.name()).stdout(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    node.shutdown().await;
}

/// Everything that a program can call, and all misuse that is an error: the program checks itself.
#[test]
fn the_whole_interface_from_c() {
    let mut program = run(&build("tests/c/everything.c")).stdout(Stdio::piped()).spawn().unwrap();
    let lines: Vec<_> =
        BufReader::new(program.stdout.take().unwrap()).lines().map_while(Result::ok).collect();
    assert!(program.wait().unwrap().success(), "{lines:?}");
    assert_eq!(lines.last().map(String::as_str), Some("done"));
}
