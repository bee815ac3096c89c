//! The package for Python beside a node in Rust. `runtime/python/check.sh` makes what this needs, and runs it: `SNOW_PYTHON` is
//! an interpreter that has the package.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "c/certificates.rs"]
mod certificates;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use certificates::{Authority, Files};
use snow_dist_runtime::{Context, Message, Node, Pid, Reason, Received};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

const COOKIE: &str = "a cookie of thirty-two letters..";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// An interpreter that has the package, and the library that these tests were built with.
fn python() -> Command {
    let library = std::env::current_exe().unwrap().parent().unwrap().join("libsnow_dist_capi.so");
    // A shell that runs this in the background has it ignore interrupts, and Python would inherit that.
    let mut command = Command::new("env");
    command.arg("--default-signal=INT");
    command.arg(std::env::var_os("SNOW_PYTHON").expect("runtime/python/check.sh runs this"));
    command.env("SNOW_DIST_LIBRARY", library).env("SNOW_COOKIE", COOKIE);
    command.env("SNOW_SPEC", repository().join("spec"));
    command.env("SNOW_HEADER", repository().join("runtime/capi/include/snow_dist.h"));
    command
}

async fn node() -> Node {
    Node::builder("rust@127.0.0.1:0").cookie(COOKIE).start().await.unwrap()
}

/// The example, watching a process of a node.
fn watch(node: &Node, pid: Pid) -> Child {
    watch_named(node.name(), &pid.local().to_string())
}

fn watch_named(node: &str, number: &str) -> Child {
    let example = repository().join("runtime/python/examples/watch.py");
    let mut command = python();
    command.arg(example).args([node, number]).stdout(Stdio::piped()).spawn().unwrap()
}

/// Who has sent the example's first message.
fn sender(message: &Message) -> Pid {
    #[derive(serde::Deserialize)]
    struct First {
        from: Pid,
        text: String,
    }
    // A dict of values of several types: pids and texts are told apart by reading it as what it is.
    let first: First = message.term().unwrap();
    assert_eq!(first.text, "go on");
    first.from
}

/// Some of them have a session with a node in Rust that requires certificates, and files with their own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Python with the package: runtime/python/check.sh"]
async fn the_tests_in_python() {
    let (node, authority) = (node().await, Authority::new());
    node.set_certificates(authority.certificates(node.name())).unwrap();
    let directory = format!("python-{}.files", std::process::id());
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(directory);
    let files = Files::new(directory, &authority, "python@127.0.0.1:1");
    let mut command = python();
    command.env("SNOW_PEER", node.name()).env("SNOW_CERTIFICATES", &files.0);
    command
        .args(["-X", "dev", "-m", "unittest", "discover", "-s"])
        .arg(repository().join("runtime/python/tests"));
    let status = spawn_blocking(move || command.status().unwrap()).await.unwrap();
    assert!(status.success());
    node.shutdown().await;
}

/// The process in Rust ends, and the example says so.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Python with the package: runtime/python/check.sh"]
async fn python_learns_of_the_end_of_a_process_in_rust() {
    let node = node().await;
    let other = node
        .spawn(async |mut ctx: Context| {
            let Received::Message(message) = ctx.recv().await else { panic!() };
            ctx.send_term(sender(&message), &("hello", 7)).await.unwrap();
            Reason::error("disk full")
        })
        .unwrap();
    let watch = watch(&node, other);
    let output = spawn_blocking(move || watch.wait_with_output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = format!("message: ('hello', 7)\nprocess {} has ended: error, disk full\n", other.local());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), said);
    node.shutdown().await;
}

/// What a process that traps exits receives when the program in Python ends, by what `end` does to it.
async fn end_of_python(end: impl FnOnce(&mut Child) + Send + 'static) -> Reason {
    let node = node().await;
    let (tell_sender, told_sender) = oneshot::channel();
    let (tell_end, told_end) = oneshot::channel();
    let other = node
        .spawn(async move |mut ctx: Context| {
            ctx.trap_exit(true);
            let Received::Message(message) = ctx.recv().await else { panic!() };
            let watcher = sender(&message);
            tell_sender.send(watcher).unwrap();
            let Received::Exit { from, reason } = ctx.recv().await else { panic!() };
            assert_eq!(from, watcher);
            tell_end.send(reason).unwrap();
        })
        .unwrap();
    let mut watch = watch(&node, other);
    let watcher = told_sender.await.unwrap();
    assert!(node.node_of(watcher).is_some_and(|name| name.starts_with("watch@")));
    let ended = spawn_blocking(move || {
        end(&mut watch);
        watch.wait().unwrap();
    });
    let reason = told_end.await.unwrap();
    ended.await.unwrap();
    node.shutdown().await;
    reason
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Python with the package: runtime/python/check.sh"]
async fn rust_learns_of_the_kill_of_python() {
    assert_eq!(end_of_python(|watch| watch.kill().unwrap()).await, Reason::Noconnection);
}

/// An interrupt: the program shuts down gracefully, and its process with it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Python with the package: runtime/python/check.sh"]
async fn rust_learns_of_the_end_of_python() {
    let interrupted = |watch: &mut Child| {
        let status = Command::new("kill").args(["-INT", &watch.id().to_string()]).status().unwrap();
        assert!(status.success());
        let mut said = String::new();
        watch.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "");
    };
    let reason = end_of_python(interrupted).await;
    // The task was cancelled first, or the session ended first.
    assert!(matches!(reason, Reason::Shutdown | Reason::Noconnection), "{reason}");
}

/// What this says, when it is run as a program of its own: a node with a process, its name and number, and that the process
/// has been sent to.
const SAYS: &str = "node: ";
const IS_PROGRAM: &str = "SNOW_NODE_TO_KILL";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is a program, which `python_learns_of_the_kill_of_rust` runs and kills"]
async fn a_node_to_kill() {
    if std::env::var_os(IS_PROGRAM).is_none() {
        return;
    }
    let node = node().await;
    let process = node.spawn(async |mut ctx: Context| -> Reason {
        loop {
            ctx.recv().await;
            eprintln!("{SAYS}linked");
        }
    });
    eprintln!("{SAYS}{} {}", node.name(), process.unwrap().local());
    std::future::pending().await
}

/// A program that is killed when this is dropped, so that a test that fails leaves none behind.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The node in Rust is killed as `kill -9` does it, and its process with it: Python's process, which is linked to that one,
/// learns that the connection is lost.
#[test]
#[ignore = "needs Python with the package: runtime/python/check.sh"]
fn python_learns_of_the_kill_of_rust() {
    let program = Command::new(std::env::current_exe().unwrap())
        .args(["a_node_to_kill", "--exact", "--ignored", "--nocapture"])
        .env(IS_PROGRAM, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut program = Killed(program);
    let lines = BufReader::new(program.0.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut said = lines.filter_map(|line| line.strip_prefix(SAYS).map(str::to_owned));
    let first = said.next().unwrap();
    let (name, number) = first.split_once(' ').unwrap();
    let watch = watch_named(name, number);
    assert_eq!(said.next().as_deref(), Some("linked"));
    drop(program);
    let output = watch.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let expected = format!("process {number} has ended: noconnection, None\n");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}
