//! Code of the program that runs within the runtime's: it calls back into the node, it panics, it stands still, and
//! nothing is lost. `ARCHITECTURE.md`, "Code of the program", names these tests.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod bodies;
mod builders;
mod discoveries;
mod networks;
mod payloads;
mod subscribers;
mod supervisors;
mod taps;
mod terms;
mod wakers;

use std::collections::BTreeSet;
use std::future::Future;
use std::io::Write;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::task::{Context as TaskContext, Waker};
use std::time::Duration;

use snow_dist_runtime::{Node, Pid};
use snow_dist_tests::program::until;

/// When a test stands still: far longer than any of them takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Ends the tests unless it is dropped in time: one that stands still holds the thread that would notice.
struct Watchdog(#[expect(dead_code, reason = "its end is the sign")] Sender<()>);

fn watchdog() -> Watchdog {
    let (alive, watched) = channel();
    std::thread::spawn(move || {
        if watched.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            // Not by a macro: that would be kept back with what the test prints.
            let _ = std::io::stderr()
                .write_all(b"a test stands still: was a lock held while code of the program ran?\n");
            std::process::exit(1);
        }
    });
    Watchdog(alive)
}

/// What code of the program may do wherever it runs: it takes every lock that there is.
#[derive(Clone, Default)]
struct CallsBack(Arc<Calls>);

#[derive(Default)]
struct Calls {
    known: OnceLock<Known>,
    begun: AtomicUsize,
    finished: AtomicUsize,
}

struct Known {
    /// The nodes, each with a process of its own.
    nodes: Vec<(Node, Pid)>,
    /// Processes of other nodes.
    far: Vec<(Node, Pid)>,
}

impl CallsBack {
    fn know(&self, nodes: Vec<(Node, Pid)>, far: Vec<(Node, Pid)>) {
        assert!(self.0.known.set(Known { nodes, far }).is_ok());
    }

    /// Looks once at each future: what has to wait is given up.
    fn call(&self) {
        self.call_if_known();
    }

    /// The same. Returns `false` if there are no nodes yet.
    fn call_if_known(&self) -> bool {
        let Some(known) = self.0.known.get() else { return false };
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        for (node, pid) in &known.nodes {
            poll_once(node.send(*pid, "called back"));
            poll_once(node.send_named("nobody", node.name(), "called back"));
            poll_once(node.connect(node.name()));
            let _ = node.register("called back", *pid);
            node.unregister("called back");
            let _ = node.spawn(async |_| ());
            let _ = node.disconnect("nobody@nowhere:1");
            let _ = (node.process_count(), node.nodes());
        }
        for (node, pid) in &known.far {
            poll_once(node.send(*pid, "called back"));
            let _ = node.node_of(*pid);
        }
        self.0.finished.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Waits until it has been called and all of its calls have come to their end: a panic in one would be swallowed.
    async fn assert_finished(&self) {
        let counts = || [&self.0.begun, &self.0.finished].map(|count| count.load(Ordering::Relaxed));
        until("the end of what calls back", || {
            let [begun, finished] = counts();
            begun > 0 && begun == finished
        })
        .await;
    }
}

fn poll_once(future: impl Future) {
    let _ = pin!(future).poll(&mut TaskContext::from_waker(Waker::noop()));
}

/// The inventory and these tests name each other.
#[test]
fn the_inventory_names_these_tests() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    let architecture = read(&root.join("../ARCHITECTURE.md"));
    let inventory = architecture.split("\n## ").find(|part| part.starts_with("Code of the program")).unwrap();
    for row in inventory.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let tests = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap().trim();
        assert!(tests.contains('`') || tests == "the same", "a row without tests: {row}");
    }
    let quoted: BTreeSet<_> = inventory.split('`').skip(1).step_by(2).collect();
    let files = std::fs::read_dir(root.join("tests/user_code")).unwrap().map(|file| file.unwrap().path());
    let mut tests = BTreeSet::new();
    for file in files.filter(|path| !path.ends_with("main.rs")) {
        assert!(quoted.contains(file.file_stem().unwrap().to_str().unwrap()), "{}", file.display());
        let text = read(&file);
        let after = text.split("test]").skip(1).filter_map(|test| test.split("fn ").nth(1));
        tests.extend(after.map(|test| test.split('(').next().unwrap().to_owned()));
    }
    // No other name has as many words as one of a test.
    let named = quoted.iter().filter(|name| name.matches('_').count() > 3).map(|name| (*name).to_owned());
    assert_eq!(tests, named.collect());
}
