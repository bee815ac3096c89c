//! How much memory a node really has in use when a peer sends as much as it can to processes that take nothing, against
//! `mailbox_remote_bytes_max`: for each kind and size of what a mailbox keeps. The node is a process of its own.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod global_names;
mod kinds;
mod unfinished;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use kinds::Kind;
use snow_dist_codec::Frame;
use snow_dist_codec::frame::Send;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_runtime::core::session::CAPABILITIES;
use snow_dist_tests::raw_peer::{RawNode, RawSession};

/// What the node is told to keep for other nodes.
const BOUND: usize = 128 << 20;

/// The half of it, which one peer may have.
const SHARE: usize = BOUND / 2;

/// What it may have in use beside: the connection, what its allocator keeps for later, and the holes between what is kept
/// where buffers of the connection have been.
const BESIDE: usize = 10 << 20;

/// Bytes that are written at once, at least one of a kind.
const WRITTEN_AT_ONCE: usize = 512 << 10;

/// A node that keeps what it is sent.
struct Hoarding {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    name: String,
    hoarders: Vec<u64>,
    healthy: u64,
}

impl Hoarding {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hoarding_node"));
        command.arg(BOUND.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (asks, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut answers = BufReader::new(out);
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        let (name, numbers) = line.trim_end().split_once(' ').unwrap();
        let mut hoarders: Vec<u64> = numbers.split(' ').map(|number| number.parse().unwrap()).collect();
        let healthy = hoarders.pop().unwrap();
        Self { name: name.to_owned(), child, asks, answers, hoarders, healthy }
    }

    /// Bytes of memory in use, and messages that were dropped.
    fn ask(&mut self) -> (usize, u64) {
        writeln!(self.asks, "how much?").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let (resident, dropped) = line.trim_end().split_once(' ').unwrap();
        (resident.parse().unwrap(), dropped.parse().unwrap())
    }
}

impl Drop for Hoarding {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Messages of every size to one that takes them: what the node needs for that is not held against it.
async fn warm_up(session: &mut RawSession, healthy: u64) {
    let to = session.theirs(healthy);
    for length in [1, 100, 8_300, 64 << 10, 1 << 20] {
        session.send(Send { to, message: &vec![7; length] }).await;
        session.fence().await;
    }
}

/// Sends until the node drops, and returns how many bytes more it has in use then.
async fn fill(kind: &Kind) -> usize {
    let mut node = Hoarding::start();
    let mut hostile = RawNode::new("raw@127.0.0.1:1", 7);
    hostile.local.capabilities = CAPABILITIES;
    let mut session = hostile.join(&node.name).await;
    warm_up(&mut session, node.healthy).await;
    let (before, _) = node.ask();
    let mut number = 0;
    loop {
        let mut bytes = Vec::new();
        while (bytes.is_empty() || !kind.is_read_alone && bytes.len() < WRITTEN_AT_ONCE)
            && kind.count_max != Some(number)
        {
            let to = node.hoarders[usize::try_from(number).unwrap() % node.hoarders.len()];
            (kind.write)(&mut bytes, &session, to, number);
            number += 1;
        }
        session.wire.write(&bytes).await;
        assert_eq!(session.fence().await, []);
        let (now, dropped) = node.ask();
        let used = now.saturating_sub(before);
        assert!(used <= SHARE + BESIDE, "{}: {} MiB in use after {number}", kind.name, used >> 20);
        if dropped > 0 || kind.count_max == Some(number) {
            return used;
        }
    }
}

/// Adds a frame to bytes that are to be written.
fn put<'f>(bytes: &mut Vec<u8>, frame: impl Into<Frame<'f>>) {
    frame.into().encode_framed(FRAME_BYTES_MAX, bytes).unwrap();
}

//= spec/session.md#ses-msg-010
//# A node MUST drop a message by which its mailboxes would keep more than `mailbox_remote_bytes_max` for
//# other nodes.
//= spec/session.md#ses-msg-011
//# A node MUST drop a message by which its mailboxes would keep more than half of `mailbox_remote_bytes_max`
//# for one peer.
async fn holds(kind: &Kind) {
    let used = fill(kind).await;
    println!("{}: {} KiB in use of {}", kind.name, used >> 10, SHARE >> 10);
    // What is dropped although there is room is a fault as well.
    assert!(used >= SHARE / 4, "{}: {} MiB in use", kind.name, used >> 20);
}

macro_rules! kinds {
    ($($name:ident)*) => {
        $(#[tokio::test]
        async fn $name() {
            holds(&kinds::$name()).await;
        })*
    };
}

kinds! {
    messages_without_bytes
    messages_of_one_byte
    messages_of_100_bytes
    messages_that_could_keep_a_read_of_unknown_frames
    messages_of_64_kib
    messages_of_1_mib
    messages_in_fragments
    messages_to_names
    terms_with_pids
    exit_signals
    exit_signals_with_hops
    exit_signals_with_text
    exit_signals_of_links
}
