//! The session: two sessions of the core that say everything to each other.

use std::fmt::Write;
use std::time::Duration;

use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Frames, Reading};
use snow_dist_runtime::core::handshake::Bounds;
use snow_dist_runtime::core::limits::HEARTBEAT_INTERVAL;
use snow_dist_runtime::core::session::{Config, Ending, Timing, Version};
use snow_dist_runtime::core::{NodeNumber, Pid, Reason, Session};

use super::{frame, printable};
use crate::simnet::{Seen, Table};

const NAMES: [&str; 2] = ["a", "b"];
const CREATIONS: [u8; 2] = [103, 155];
const PROCESSES: [[u64; 2]; 2] = [[5, 6], [8, 9]];
const A: usize = 0;
const B: usize = 1;

pub(super) fn text() -> String {
    let mut pair = Pair::new();
    pair.text += "
## The session

Each frame is shown under an arrow that says who has written it. A pid has its node's creation, which its owner has
announced: `<0.5.103>` is process 5 of `a`, and `<0.9.155>` process 9 of `b`.
";
    pair.step(
        "Process 5 of `a` links with process 9 of `b`, and monitors it as ref 1. Nothing confirms either.",
        |pair| {
            pair.nodes[A].session.link(5, 9).unwrap();
            pair.nodes[A].session.monitor(5, 9, 1).unwrap();
        },
    );
    pair.step("Process 5 sends a message to process 9, and one to whoever is registered as `srv`.", |pair| {
        pair.nodes[A].session.send(5, 9, b"hello").unwrap();
        pair.nodes[A].session.send_named(5, "srv", b"to-named").unwrap();
    });
    pair.step("Process 9 sends an answer.", |pair| pair.nodes[B].session.send(9, 5, b"hi").unwrap());
    pair.step("Process 9 fails. Who is linked with it and who monitors it are told, each once.", |pair| {
        pair.nodes[B].table.end(9, Reason::error("boom"));
    });
    pair.step("Process 6 of `a` links with process 9, which is dead by now.", |pair| {
        pair.nodes[A].session.link(6, 9).unwrap();
    });
    pair.step("Process 8 of `b` links with process 5.", |pair| pair.nodes[B].session.link(8, 5).unwrap());
    pair.step(
        "Process 5 does not want that, and unlinks. The other end acknowledges it, with the same id.",
        |pair| {
            pair.nodes[A].session.unlink(5, 8);
        },
    );
    pair.step("For 60 seconds `a` has received nothing. It asks for a sign of life.", |pair| {
        pair.now = HEARTBEAT_INTERVAL;
        pair.nodes[A].session.handle_timeout(HEARTBEAT_INTERVAL).unwrap();
    });
    pair.step("`a` stops.", |pair| pair.nodes[A].session.close(0, "node stops"));
    assert!(pair.closed);
    pair.text
}

struct Node {
    session: Session,
    table: Table,
}

struct Pair {
    nodes: [Node; 2],
    now: Duration,
    closed: bool,
    /// How much each process has seen before the present step.
    seen: [[usize; 2]; 2],
    text: String,
}

impl Pair {
    fn new() -> Self {
        let node = |side: usize| {
            let config = Config {
                version: Version::Two,
                peer: NodeNumber::other(1).unwrap(),
                peer_creation: CREATIONS[1 - side],
                creation: CREATIONS[side],
                capabilities: Capabilities::NONE,
                bounds: Bounds::default(),
                peer_bounds: Bounds::default(),
                timing: Timing::default(),
                ping: *b"\x3F\x11\x22\x33\x44\x55\x66\x77",
            };
            let mut table = Table::default();
            PROCESSES[side].into_iter().for_each(|local| table.start(local));
            Node { session: Session::new(&config, Duration::ZERO), table }
        };
        let mut nodes = [node(A), node(B)];
        nodes[A].table.start_trapping(5);
        nodes[B].table.register("srv", 8);
        Self { nodes, now: Duration::ZERO, closed: false, seen: Default::default(), text: String::new() }
    }

    /// Something happens, and everything that comes of it.
    fn step(&mut self, prose: &str, act: impl FnOnce(&mut Self)) {
        write!(self.text, "\n{prose}\n\n```\n").unwrap();
        act(self);
        let before = self.text.len();
        while self.turn(A) | self.turn(B) {}
        assert!(self.text.len() > before, "{prose}");
        self.text += "```\n";
        self.tell_what_is_seen();
    }

    /// One side writes, and the other reads that; false if nothing was written.
    fn turn(&mut self, side: usize) -> bool {
        let [node, other] = if side == A {
            let [a, b] = &mut self.nodes;
            [a, b]
        } else {
            let [a, b] = &mut self.nodes;
            [b, a]
        };
        while let Some((local, reason)) = node.table.take_untold() {
            node.session.process_ended(local, &reason);
        }
        let mut bytes = Vec::new();
        node.session.write(&mut bytes, usize::MAX);
        for payload in Frames::new(&bytes, FRAME_BYTES_MAX) {
            let payload = payload.unwrap();
            writeln!(self.text, "{} -> {}", NAMES[side], NAMES[1 - side]).unwrap();
            self.text += &frame(payload);
            other.session.handle_received(self.now);
            let read = Frame::decode(payload, Reading::Strict).unwrap();
            match other.session.handle_frame(&read, &mut other.table) {
                Ok(()) => {}
                Err(Ending::Closed { .. }) => self.closed = true,
                Err(other) => panic!("{other}"),
            }
        }
        !bytes.is_empty()
    }

    fn tell_what_is_seen(&mut self) {
        let mut lines = String::new();
        for side in [A, B] {
            for (place, local) in PROCESSES[side].into_iter().enumerate() {
                let table = &self.nodes[side].table;
                let all = table.seen(local);
                for seen in &all[self.seen[side][place]..] {
                    let what = describe(side, seen);
                    let end = if table.is_alive(local) { "" } else { ", and ends" };
                    writeln!(lines, "- Process {local} of `{}` is given {what}{end}.", NAMES[side]).unwrap();
                }
                self.seen[side][place] = all.len();
            }
        }
        if !lines.is_empty() {
            self.text += &format!("\n{lines}");
        }
    }
}

fn describe(side: usize, seen: &Seen) -> String {
    let from = |pid: &Pid| {
        format!("process {} of `{}`", pid.local(), NAMES[if pid.is_here() { side } else { 1 - side }])
    };
    match seen {
        Seen::Message(message) => {
            assert!(printable(message));
            format!("the message {:?}", String::from_utf8_lossy(message))
        }
        Seen::Exit(pid, reason) => format!("an exit signal of {} with {}", from(pid), described(reason)),
        Seen::Down(reference, pid, reason) => {
            format!("DOWN of ref {reference}, {}, with {}", from(pid), described(reason))
        }
        other => panic!("no example has {other:?}"),
    }
}

fn described(reason: &Reason) -> String {
    match reason {
        Reason::Error(text) => format!("Error {text:?}"),
        other => panic!("no example has {other}"),
    }
}
