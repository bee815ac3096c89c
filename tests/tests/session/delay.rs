//! How much of other processes stands before a signal. Specification: `connection.md`, CON-QUE-008.
//!
//! Each run queues messages and signals at random, behind the buffers of a driver and of TLS that a transport empties
//! bit by bit, and counts.

use std::collections::{BTreeMap, VecDeque};

use proptest::collection::vec;
use proptest::prelude::*;
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Frames, Reading};
use snow_dist_runtime::core::Session;
use snow_dist_runtime::core::handshake::Bounds;
use snow_dist_runtime::core::limits::SIGNAL_DELAY_BYTES_MAX;
use snow_dist_runtime::core::session::{Config, Timing, Version};
use snow_dist_runtime::core::{NodeNumber, Reason};

/// What the driver asks a session for, and what TLS holds behind it.
const WRITE_BYTES: usize = 64 << 10;
const TLS_BYTES: usize = 56 << 10;

#[derive(Clone, Debug)]
enum Step {
    /// A process sends a message of so many bytes.
    Send(u64, usize),
    /// A process monitors.
    Signal(u64),
    /// A process ends: its monitors end.
    End(u64),
    /// The transport takes so many bytes.
    Take(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let length = prop_oneof![10 => 8..2_000_usize, 3 => 60_000..70_000_usize, 3 => 70_000..900_000_usize];
    prop_oneof![
        6 => (0..6_u64, length).prop_map(|(local, bytes)| Step::Send(local, bytes)),
        3 => (0..6_u64).prop_map(Step::Signal),
        1 => (0..6_u64).prop_map(Step::End),
        6 => (1..200_000_usize).prop_map(Step::Take),
    ]
}

/// A signal that waits, and bytes of others that have gone or stand before it.
struct Waiting {
    local: u64,
    delay: usize,
}

struct Run {
    session: Session,
    /// What the driver and TLS hold, by the process that it is of.
    buffered: VecDeque<(Option<u64>, usize)>,
    /// Signals that wait in the session: ends of monitors, then monitors, by their numbers.
    waiting: BTreeMap<(u64, &'static str), Waiting>,
    monitors: BTreeMap<u64, Vec<u64>>,
    /// Whose message a number of fragments stands for.
    numbers: BTreeMap<u64, u64>,
    references: u64,
    most: usize,
    signals: usize,
}

impl Run {
    fn new() -> Self {
        let config = Config {
            version: Version::Two,
            peer: NodeNumber::other(1).unwrap(),
            peer_creation: 9,
            creation: 7,
            capabilities: Capabilities::FRAGMENTS,
            bounds: Bounds::default(),
            peer_bounds: Bounds::default(),
            timing: Timing::default(),
            ping: [0; 8],
        };
        Self {
            session: Session::new(&config, std::time::Duration::ZERO),
            buffered: VecDeque::new(),
            waiting: BTreeMap::new(),
            monitors: BTreeMap::new(),
            numbers: BTreeMap::new(),
            references: 0,
            most: 0,
            signals: 0,
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Send(local, bytes) if self.session.has_room() => {
                let mut message = vec![0; bytes];
                message[..8].copy_from_slice(&local.to_le_bytes());
                self.session.send(local, 1, &message).unwrap();
            }
            Step::Send(..) => {}
            Step::Signal(local) => {
                self.references += 1;
                self.session.monitor(local, 1, self.references).unwrap();
                self.monitors.entry(local).or_default().push(self.references);
                self.queued(local, self.references, "MONITOR");
            }
            Step::End(local) => {
                self.session.process_ended(local, &Reason::Normal);
                for reference in self.monitors.remove(&local).unwrap_or_default() {
                    self.queued(local, reference, "DEMONITOR");
                }
            }
            Step::Take(bytes) => self.transport(bytes),
        }
    }

    /// All that has left the session and not the node stands before it.
    fn queued(&mut self, local: u64, reference: u64, name: &'static str) {
        let others = self.buffered.iter().filter(|(of, _)| of.is_some_and(|of| of != local));
        let delay = others.map(|(_, bytes)| bytes).sum();
        self.waiting.insert((reference, name), Waiting { local, delay });
    }

    fn transport(&mut self, mut bytes: usize) {
        while let Some((_, left)) = self.buffered.front_mut().filter(|_| bytes > 0) {
            let taken = bytes.min(*left);
            *left -= taken;
            bytes -= taken;
            if *left == 0 {
                self.buffered.pop_front();
            }
        }
        // The driver asks when all that it had is in the hands of TLS.
        if self.buffered.iter().map(|(_, bytes)| bytes).sum::<usize>() <= TLS_BYTES {
            self.refill();
        }
    }

    fn refill(&mut self) {
        let mut out = Vec::new();
        self.session.write(&mut out, WRITE_BYTES);
        for payload in Frames::new(&out, FRAME_BYTES_MAX) {
            let payload = payload.unwrap();
            let bytes = payload.len() + 4;
            let of = match Frame::decode(payload, Reading::Strict).unwrap() {
                Frame::Send(send) => Some(sender(send.message)),
                Frame::Fragment(piece) => {
                    if piece.total.is_some() {
                        self.numbers.insert(piece.number, sender(&piece.payload[9..]));
                    }
                    Some(self.numbers[&piece.number])
                }
                Frame::Monitor(monitor) => self.written((monitor.reference, "MONITOR")),
                Frame::Demonitor(monitor) => self.written((monitor.reference, "DEMONITOR")),
                frame => panic!("{frame:?}"),
            };
            self.count(of, bytes);
            self.buffered.push_back((of, bytes));
        }
    }

    fn written(&mut self, signal: (u64, &'static str)) -> Option<u64> {
        let waiting = self.waiting.remove(&signal).unwrap();
        self.most = self.most.max(waiting.delay);
        self.signals += 1;
        None
    }

    /// Bytes of a process for which no signal waits are what no other process's signal should wait for.
    fn count(&mut self, of: Option<u64>, bytes: usize) {
        let Some(of) = of else { return };
        if self.waiting.values().all(|waiting| waiting.local != of) {
            self.waiting.values_mut().for_each(|waiting| waiting.delay += bytes);
        }
    }

    fn finish(mut self) -> (usize, usize) {
        while self.session.has_output() {
            self.transport(usize::MAX);
        }
        assert_eq!((self.waiting.len(), self.session.signal_delay_bytes()), (0, 0));
        (self.most, self.signals)
    }
}

fn sender(message: &[u8]) -> u64 {
    u64::from_le_bytes(message[..8].try_into().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    //= spec/connection.md#con-que-008
    //# While a signal waits behind messages of its own process, a node SHOULD write at most
    //# `signal_delay_bytes_max` bytes of messages of processes that have no such signal.
    //= spec/connection.md#con-que-007
    //# A node SHOULD write a signal of a process that has no message queued in the session before the messages that
    //# wait.
    #[test]
    fn at_most_128_kib_of_others_stand_before_a_signal(steps in vec(step(), 1..300)) {
        let mut run = Run::new();
        steps.iter().for_each(|step| run.take(step));
        let (most, _) = run.finish();
        prop_assert!(most <= SIGNAL_DELAY_BYTES_MAX, "{most}");
    }
}

/// That the count counts: buffers that are full of others when a signal comes stand before it, and no more does.
#[test]
fn what_the_buffers_hold_stands_before_a_signal() {
    let mut run = Run::new();
    for local in 0..4 {
        run.take(&Step::Send(local, 500_000));
    }
    run.take(&Step::Take(1));
    run.take(&Step::Take(64 << 10));
    run.take(&Step::Signal(5));
    run.take(&Step::Signal(1));
    let (most, signals) = run.finish();
    assert!((WRITE_BYTES..=SIGNAL_DELAY_BYTES_MAX).contains(&most) && signals == 2, "{most}");
}

/// A process that ends behind a short message does not wait for what another that ends has sent.
#[test]
fn a_signal_behind_little_does_not_wait_for_one_behind_much() {
    let mut run = Run::new();
    run.take(&Step::Send(1, 4 << 20));
    run.take(&Step::Signal(1));
    run.take(&Step::Send(2, 100));
    run.take(&Step::Signal(2));
    let mut bytes = 0;
    while run.waiting.values().any(|waiting| waiting.local == 2) {
        let before = run.buffered.len();
        run.refill();
        bytes += run.buffered.iter().skip(before).map(|(_, bytes)| bytes).sum::<usize>();
    }
    assert!(bytes < SIGNAL_DELAY_BYTES_MAX, "{bytes}");
    assert_eq!(run.waiting.len(), 1, "the other one still waits for its own message");
    run.finish();
}
