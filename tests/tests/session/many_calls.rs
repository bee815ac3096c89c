//! Very many calls of a thousand processes to one, half of which are given up, while that one is killed and started again: each
//! ends once, and nothing is left. In virtual time: bytes take 10 ms, and the callee up to 30 ms for each call.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::stf::Encoder;
use snow_dist_runtime::core::{Caller, Reason, Term};
use snow_dist_tests::simnet::Side::{A, B};
use snow_dist_tests::simnet::{Pair, Seen};

use crate::assert_tables_empty;

const CALLERS: u64 = 1_000;
/// Numbers of processes: the first caller, and the first callee.
const CALLER: u64 = 10;
const CALLEE: u64 = 5_000;
const NAME: &str = "one";
/// Each caller calls once in so much time.
const ROUND: Duration = Duration::from_millis(5);
/// Rounds that a callee lives, and of them those in which the next one is not there yet.
const LIFE: u64 = 20;
const GAP: u64 = 2;
/// How long those wait who do not wait for ever: no reply comes as soon.
const PATIENCE: Duration = Duration::from_millis(15);

/// How calls have ended.
#[derive(Debug, Default)]
struct Ends {
    replies: u64,
    given_up: u64,
    killed: u64,
    dead: u64,
}

impl Ends {
    const fn sum(&self) -> u64 {
        self.replies + self.given_up + self.killed + self.dead
    }
}

struct Course {
    pair: Pair,
    /// Calls that are not over, and when the caller gives up those that it does not wait for.
    open: BTreeSet<u64>,
    patience: BTreeSet<(Duration, u64)>,
    /// Calls that are in somebody's hands: when they are replied to, and whether the callee must live for that.
    hands: BTreeMap<(Duration, u64), (Caller, bool)>,
    callee: u64,
    ends: Ends,
    /// Replies that came too late to be taken.
    refused: u64,
}

impl Course {
    fn new() -> Self {
        let mut pair = Pair::with(|_, config| config.capabilities = Capabilities::CALLS);
        (CALLER..CALLER + CALLERS).for_each(|local| pair[A].table.start(local));
        let mut course = Self {
            pair,
            open: BTreeSet::new(),
            patience: BTreeSet::new(),
            hands: BTreeMap::new(),
            callee: CALLEE,
            ends: Ends::default(),
            refused: 0,
        };
        course.start();
        course
    }

    /// The next one has the name.
    fn start(&mut self) {
        self.pair[B].table.start(self.callee);
        self.pair[B].table.register(NAME, self.callee);
    }

    fn kill(&mut self) {
        self.pair.end_process(B, self.callee, Reason::Killed);
        self.hands.retain(|_, (_, needs_callee)| !*needs_callee);
        self.callee += 1;
    }

    /// One of two calls by the name, and one of two with an end to its patience: all four kinds.
    fn call(&mut self, reference: u64) {
        let (local, callee) = (CALLER + reference % CALLERS, self.callee);
        let (session, term) = (&mut self.pair[A].session, &mut term(reference));
        let called = match reference % 4 {
            0 | 1 => session.call(local, callee, reference, term),
            _ => session.call_named(local, NAME, reference, term),
        };
        called.unwrap();
        assert!(self.open.insert(reference));
        if reference.is_multiple_of(2) {
            self.patience.insert((self.pair.now + PATIENCE, reference));
        }
    }

    /// What has come at both nodes, and what is due.
    fn go_on(&mut self) {
        self.pair.run(ROUND);
        for side in [A, B] {
            self.pair[side].arrived.clear();
        }
        for local in CALLER..CALLER + CALLERS {
            for seen in self.pair[A].table.take_seen(local) {
                self.ended(seen);
            }
        }
        for seen in self.pair[B].table.take_seen(self.callee) {
            let Seen::Call(caller, bytes, _) = seen else { panic!("{seen:?}") };
            assert_eq!(bytes, term_bytes(caller.reference));
            let takes = Duration::from_millis(caller.reference * 7 % 31);
            // One of ten is handed on to another process, which does not end.
            let needs_callee = caller.reference % 10 != 3;
            self.hands.insert((self.pair.now + takes, caller.reference), (caller, needs_callee));
        }
        self.give_up();
        self.reply();
    }

    fn ended(&mut self, seen: Seen) {
        let reference = match seen {
            Seen::Reply(reference, bytes, _) => {
                assert_eq!(bytes, term_bytes(reference), "of another call");
                self.ends.replies += 1;
                reference
            }
            Seen::CallEnded(reference, Reason::Killed) => {
                self.ends.killed += 1;
                reference
            }
            Seen::CallEnded(reference, reason) => {
                assert_eq!(reason, Reason::noproc());
                self.ends.dead += 1;
                reference
            }
            seen => panic!("{seen:?}"),
        };
        assert!(self.open.remove(&reference), "call {reference} ends twice");
    }

    fn give_up(&mut self) {
        let later = self.patience.split_off(&(self.pair.now, u64::MAX));
        for (_, reference) in std::mem::replace(&mut self.patience, later) {
            let is_open = self.open.remove(&reference);
            assert_eq!(self.pair[A].session.demonitor(reference), is_open);
            self.ends.given_up += u64::from(is_open);
        }
    }

    fn reply(&mut self) {
        while let Some(entry) = self.hands.first_entry().filter(|entry| entry.key().0 <= self.pair.now) {
            let (caller, _) = entry.remove();
            let session = &mut self.pair[B].session;
            let is_called = session.is_called(&caller);
            assert_eq!(session.reply(&caller, &mut term(caller.reference)).is_ok(), is_called);
            self.refused += u64::from(!is_called);
        }
    }

    fn play(mut self, calls: u64) {
        let mut reference = 0;
        for round in 1_u64.. {
            for _ in 0..CALLERS.min(calls - reference) {
                reference += 1;
                self.call(reference);
            }
            match round % LIFE {
                0 => self.kill(),
                GAP if round > LIFE => self.start(),
                _ => {}
            }
            self.go_on();
            if reference == calls {
                break;
            }
        }
        while !(self.open.is_empty() && self.hands.is_empty()) {
            self.go_on();
        }
        self.pair.settle();
        assert_tables_empty(&self.pair);
        for side in [A, B] {
            assert_eq!(self.pair[side].session.places(), (0, 0), "{side:?}");
            assert_eq!(self.pair[side].session.waiting_bytes(), 0, "{side:?}");
            assert_eq!(self.pair.ended(side), None);
        }
        let Ends { replies, given_up, killed, dead } = self.ends;
        assert_eq!(self.ends.sum(), calls);
        assert!(given_up <= calls / 2 && given_up > calls / 3, "{:?}", self.ends);
        assert!([replies, killed, dead, self.refused].iter().all(|count| *count > 0), "{:?}", self.ends);
    }
}

fn term_bytes(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes);
    encoder.int(number.cast_signed());
    encoder.finish().unwrap();
    bytes
}

fn term(number: u64) -> Term {
    Term::new(term_bytes(number), &[]).unwrap()
}

//= spec/capabilities.md#cap-cal-011
//= type=test
//# When a process replies to a call in state called, the node MUST write one CALL_REPLY that matches it, and
//# hold the call no more.
//= spec/capabilities.md#cap-cal-012
//= type=test
//# A node MUST NOT queue a CALL_REPLY for a call that is not in state called.
//= spec/capabilities.md#cap-cal-013
//= type=test
//# When a callee has ended, a node MUST write one matching MONITOR_EXIT with the reason of that end for each
//# of its calls in state called.
#[test]
fn each_of_many_calls_ends_once_and_nothing_is_left() {
    Course::new().play(100_000);
}

/// `cargo test --release -p snow-dist-tests --test session million -- --ignored`
#[test]
#[ignore = "a million calls take their time, above all without optimization"]
fn each_of_a_million_calls_ends_once_and_nothing_is_left() {
    Course::new().play(1_000_000);
}
