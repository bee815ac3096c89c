//! What holds whatever happens: any commands, splits of the stream, delays, and loss of the connection at any byte,
//! each end noticing on its own.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use snow_dist_codec::Frame;
use snow_dist_runtime::core::Reason;
use snow_dist_tests::simnet::Side::{self, A, B};
use snow_dist_tests::simnet::{Pair, Seen};

/// The last process of each node: one more than there are, so that there is one that never lived.
const NOBODY: u64 = 5;

/// Links and monitors that each node holds for the other.
const HELD_MAX: u32 = 4;

#[derive(Clone, Debug)]
enum Step {
    Link(Side, u64, u64),
    Unlink(Side, u64, u64),
    Monitor(Side, u64, u64),
    Demonitor(Side, u64),
    Send(Side, u64, u64),
    End(Side, u64, Reason),
    /// One process that has ended tells its session.
    Tell(Side),
    Write(Side, usize),
    Read(Side, usize),
    /// So many of the bytes under way still arrive.
    Lose(usize, usize),
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(A), Just(B)]
}

fn reason() -> impl Strategy<Value = Reason> {
    prop_oneof![
        Just(Reason::Normal),
        Just(Reason::Killed),
        Just(Reason::Shutdown),
        "[a-z]{0,4}".prop_map(Reason::error),
        "[a-z]{0,4}".prop_map(Reason::custom),
    ]
}

/// Mostly the same process, so that what it does meets what is done to it.
fn process(last: u64) -> impl Strategy<Value = u64> + Clone {
    prop_oneof![3 => Just(3), 1 => 1..=last]
}

fn step() -> impl Strategy<Value = Step> {
    let (local, remote) = (process(NOBODY - 1), process(NOBODY));
    let bytes = || prop_oneof![3 => 1..40_usize, 1 => Just(usize::MAX)];
    prop_oneof![
        6 => (side(), local.clone(), remote.clone()).prop_map(|(side, a, b)| Step::Link(side, a, b)),
        5 => (side(), local.clone(), remote.clone()).prop_map(|(side, a, b)| Step::Unlink(side, a, b)),
        3 => (side(), local.clone(), remote.clone()).prop_map(|(side, a, b)| Step::Monitor(side, a, b)),
        2 => (side(), 0..20_u64).prop_map(|(side, reference)| Step::Demonitor(side, reference)),
        4 => (side(), local.clone(), remote).prop_map(|(side, a, b)| Step::Send(side, a, b)),
        1 => (side(), local, reason()).prop_map(|(side, a, reason)| Step::End(side, a, reason)),
        2 => side().prop_map(Step::Tell),
        8 => (side(), bytes()).prop_map(|(side, bytes)| Step::Write(side, bytes)),
        8 => (side(), bytes()).prop_map(|(side, bytes)| Step::Read(side, bytes)),
    ]
}

/// Two processes that keep changing their minds about one link.
fn wavering() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => side().prop_map(|side| Step::Link(side, 3, 3)),
        2 => side().prop_map(|side| Step::Unlink(side, 3, 3)),
        3 => side().prop_map(|side| Step::Write(side, 1)),
        3 => (side(), 1..60_usize).prop_map(|(side, bytes)| Step::Read(side, bytes)),
    ];
    prop::collection::vec(step, 1..60)
}

/// Steps, and perhaps a loss somewhere among them.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let loss = proptest::option::of((any::<prop::sample::Index>(), 0..200_usize, 0..200_usize));
    (prop::collection::vec(step(), 1..120), loss).prop_map(|(mut steps, loss)| {
        if let Some((at, of_a, of_b)) = loss {
            steps.insert(at.index(steps.len()), Step::Lose(of_a, of_b));
        }
        steps
    })
}

/// What one process did and saw of another, in its order.
#[derive(Clone, Debug, PartialEq)]
enum Event {
    Linked,
    Unlinked,
    /// LINK of the other came.
    PeerLinked,
    /// UNLINK_ID of the other came.
    PeerUnlinked,
    Exited(Reason),
    Monitored(u64),
    Demonitored(u64),
    Down(u64, Reason),
    Message(u64),
}

/// A pair, and the story of each process with each of the other node's.
#[derive(Clone)]
struct World {
    pair: Pair,
    stories: BTreeMap<(Side, u64, u64), Vec<Event>>,
    sent: BTreeMap<(Side, u64, u64), u64>,
    references: [u64; 2],
    /// How much of what came has been written into the stories.
    told: BTreeMap<(Side, u64), usize>,
    arrived: [usize; 2],
    /// What each process had seen when its session ended.
    at_end: BTreeMap<(Side, u64), usize>,
    lost: bool,
}

impl World {
    fn new() -> Self {
        Self {
            pair: Pair::with(|_, config| config.peer_bounds.links_and_monitors = HELD_MAX),
            stories: BTreeMap::new(),
            sent: BTreeMap::new(),
            references: [0; 2],
            told: BTreeMap::new(),
            arrived: [0; 2],
            at_end: BTreeMap::new(),
            lost: false,
        }
    }

    fn after(steps: &[Step]) -> Self {
        let mut world = Self::new();
        for step in steps {
            world.take(step);
        }
        world
    }

    /// Whether a command of this process reaches a session.
    fn acts(&self, side: Side, local: u64) -> bool {
        self.pair[side].table.is_alive(local) && self.pair.ended(side).is_none()
    }

    fn note(&mut self, side: Side, local: u64, remote: u64, event: Event) {
        self.stories.entry((side, local, remote)).or_default().push(event);
    }

    fn take(&mut self, step: &Step) {
        self.pair.now += Duration::from_millis(10);
        match *step {
            Step::Link(side, local, remote) if self.acts(side, local) => self.link(side, local, remote),
            Step::Unlink(side, local, remote) if self.acts(side, local) => {
                self.pair[side].session.unlink(local, remote);
                self.note(side, local, remote, Event::Unlinked);
            }
            Step::Monitor(side, local, remote) if self.acts(side, local) => {
                self.monitor(side, local, remote);
            }
            Step::Demonitor(side, reference) => self.demonitor(side, reference),
            Step::Send(side, local, remote) if self.acts(side, local) => {
                let sent = self.sent.entry((side, local, remote)).or_default();
                let message = [local.to_le_bytes(), sent.to_le_bytes()].concat();
                *sent += 1;
                self.pair[side].session.send(local, remote, &message).unwrap();
            }
            Step::End(side, local, ref reason) => self.pair[side].table.end(local, reason.clone()),
            Step::Tell(side) => {
                self.pair.tell(side);
            }
            Step::Write(side, bytes) => {
                self.pair.write(side, bytes);
            }
            Step::Read(side, bytes) => {
                self.pair.read(side, bytes);
            }
            Step::Lose(of_a, of_b) => {
                self.pair.lose(of_a, of_b);
                self.lost = true;
            }
            _ => {}
        }
        self.write_down();
    }

    fn link(&mut self, side: Side, local: u64, remote: u64) {
        if self.pair[side].session.link(local, remote).is_ok() {
            self.note(side, local, remote, Event::Linked);
        }
    }

    fn monitor(&mut self, side: Side, local: u64, remote: u64) {
        let reference = self.references[side as usize];
        if self.pair[side].session.monitor(local, remote, reference).is_ok() {
            self.references[side as usize] += 1;
            self.note(side, local, remote, Event::Monitored(reference));
        }
    }

    fn demonitor(&mut self, side: Side, reference: u64) {
        let owner = self.stories.iter().find_map(|(&(of, local, remote), events)| {
            (of == side && events.contains(&Event::Monitored(reference))).then_some((local, remote))
        });
        if let Some((local, remote)) = owner.filter(|(local, _)| self.acts(side, *local)) {
            self.pair[side].session.demonitor(reference);
            self.note(side, local, remote, Event::Demonitored(reference));
        }
    }

    fn settle(&mut self) {
        self.pair.settle();
        self.write_down();
    }

    /// Continues the stories with what has come since.
    fn write_down(&mut self) {
        for side in Side::BOTH {
            self.write_down_frames(side);
            for local in 1..NOBODY {
                let told = self.told.entry((side, local)).or_default();
                let new = self.pair.seen(side, local)[*told..].to_vec();
                *told += new.len();
                for seen in new {
                    let (remote, event) = match seen {
                        Seen::Exit(from, reason) => (from.local(), Event::Exited(reason)),
                        Seen::Down(reference, from, reason) => (from.local(), Event::Down(reference, reason)),
                        Seen::Message(message) => {
                            let number =
                                |at: usize| u64::from_le_bytes(message[at..at + 8].try_into().unwrap());
                            (number(0), Event::Message(number(8)))
                        }
                        other => panic!("nobody has asked for {other:?}"),
                    };
                    self.note(side, local, remote, event);
                }
                if self.pair.ended(side).is_some() {
                    let seen = self.pair.seen(side, local).len();
                    self.at_end.entry((side, local)).or_insert(seen);
                }
            }
            let (_, _, watched) = self.pair[side].session.table_sizes();
            assert!(watched <= HELD_MAX as usize, "{side:?} holds {watched} monitors of the peer");
        }
    }

    /// A signal that a frame brings comes after the frames before it: of one pair of processes, nothing follows an
    /// exit.
    fn write_down_frames(&mut self, side: Side) {
        let mut came = Vec::new();
        for frame in &self.pair[side].frames()[self.arrived[side as usize]..] {
            match frame {
                Frame::Link(link) => came.push((link.to.local(), link.from.local(), Event::PeerLinked)),
                Frame::UnlinkId(unlink) => {
                    came.push((unlink.to.local(), unlink.from.local(), Event::PeerUnlinked));
                }
                _ => {}
            }
        }
        self.arrived[side as usize] = self.pair[side].arrived.len();
        for (local, remote, event) in came {
            self.note(side, local, remote, event);
        }
    }

    /// Whether nothing of `remote` can come to `side` any more.
    fn is_over(&self, side: Side, remote: u64) -> bool {
        self.pair.ended(side).is_some() || !self.pair[side.other()].table.is_alive(remote)
    }

    /// Whether `remote` would learn of the end of `local`.
    fn would_learn(&self, side: Side, local: u64, remote: u64) -> bool {
        let mut pair = self.pair.clone();
        pair.end_process(side, local, Reason::custom("would you learn?"));
        pair.settle();
        let from = Pair::theirs(side.other(), local);
        pair.seen(side.other(), remote).contains(&Seen::Exit(from, Reason::custom("would you learn?")))
    }

    fn check_stories(&self) {
        for (&(side, local, remote), events) in &self.stories {
            let linked = believes_in_a_link(events);
            let alive = self.pair[side].table.is_alive(local);
            let monitoring = live_monitors(events);
            let sent = self.sent.get(&(side.other(), remote, local)).copied().unwrap_or(0);
            check_order(events, sent);
            if alive && self.is_over(side, remote) {
                assert!(!linked, "{side:?}: {local} waits for an exit of {remote}: {events:?}");
                assert_eq!(monitoring, [0; 0], "{side:?}: {local} waits for a DOWN of {remote}: {events:?}");
            }
            if alive && linked {
                assert!(self.would_learn(side.other(), remote, local), "{side:?}: {events:?}");
            }
            if alive && !self.lost {
                let received = events.iter().filter(|event| matches!(event, Event::Message(_))).count();
                assert_eq!(received as u64, sent, "{side:?}: {local} lacks messages of {remote}");
            }
        }
    }

    fn check_symmetry(&self) {
        for local in 1..NOBODY {
            for remote in 1..NOBODY {
                let alive = self.pair[A].table.is_alive(local) && self.pair[B].table.is_alive(remote);
                if alive {
                    let [there, back] =
                        [self.would_learn(A, local, remote), self.would_learn(B, remote, local)];
                    assert_eq!(there, back, "the link of {local} and {remote} is there at one end only");
                }
            }
        }
    }

    fn check_nothing_after_the_end(&self) {
        for (&(side, local), &seen) in &self.at_end {
            assert_eq!(self.pair.seen(side, local).len(), seen, "{side:?}: {local} saw more after the end");
        }
    }

    fn end_all(&mut self) {
        for side in Side::BOTH {
            for local in 1..NOBODY {
                self.pair.end_process(side, local, Reason::Normal);
            }
        }
        self.settle();
    }
}

/// Whether a process must take itself for linked. Each exit needs a link that can have caused it.
fn believes_in_a_link(events: &[Event]) -> bool {
    let (mut mine, mut theirs) = (false, false);
    for event in events {
        match event {
            Event::Linked => mine = true,
            Event::PeerLinked => theirs = true,
            Event::Unlinked | Event::PeerUnlinked => (mine, theirs) = (false, false),
            Event::Exited(_) => {
                assert!(mine || theirs, "an exit without a link: {events:?}");
                (mine, theirs) = (false, false);
            }
            _ => {}
        }
    }
    mine
}

/// Monitors that wait for their DOWN. Each DOWN needs one that waits.
fn live_monitors(events: &[Event]) -> Vec<u64> {
    let mut live = Vec::new();
    for event in events {
        match event {
            Event::Monitored(reference) => live.push(*reference),
            Event::Demonitored(reference) => live.retain(|live| live != reference),
            Event::Down(reference, _) => {
                assert!(live.contains(reference), "a DOWN without a monitor: {events:?}");
                live.retain(|live| live != reference);
            }
            _ => {}
        }
    }
    live
}

/// Messages come in order, none left out, and all of them before the end of who sent them.
fn check_order(events: &[Event], sent: u64) {
    let mut received = 0;
    for event in events {
        match event {
            Event::Message(number) => {
                assert_eq!(*number, received, "{events:?}");
                received += 1;
            }
            Event::Exited(reason) | Event::Down(_, reason) if *reason != Reason::Noconnection => {
                assert_eq!(received, sent, "an end before the last message: {events:?}");
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    //= spec/session.md#ses-lnk-011
    //# A node MUST NOT write EXIT but for a link that was active when its process ended, and to answer a
    //# LINK.
    #[test]
    fn signals_are_neither_lost_nor_doubled_nor_without_a_cause(steps in prop_oneof![steps(), wavering()]) {
        let mut world = World::after(&steps);
        world.settle();
        world.check_stories();
        if !world.lost {
            assert_eq!((world.pair.ended(A), world.pair.ended(B)), (None, None));
            world.check_symmetry();
        }
        world.end_all();
        world.check_nothing_after_the_end();
        super::assert_tables_empty(&world.pair);
        for side in Side::BOTH {
            let session = &world.pair[side].session;
            assert_eq!(session.waiting_bytes(), 0);
            assert!(world.pair.ended(side).is_some() || !session.has_output());
        }
    }

    #[test]
    fn every_place_that_was_taken_is_given_back(steps in steps()) {
        let mut world = World::after(&steps);
        world.settle();
        world.end_all();
        for side in Side::BOTH {
            if world.pair.ended(side).is_some() {
                continue;
            }
            let session = &mut world.pair[side].session;
            for remote in 1..=u64::from(HELD_MAX) {
                assert!(session.link(99, remote).is_ok(), "a place was lost");
            }
            assert!(session.link(99, 99).is_err(), "a place was won");
        }
    }

    #[test]
    fn one_command_at_a_time_does_what_it_says(steps in prop::collection::vec(step(), 1..60)) {
        let mut model = Model::new();
        for step in &steps {
            model.take(step);
        }
    }
}

/// What links and monitors are where nothing crosses: two sets.
struct Model {
    pair: Pair,
    /// A's process and B's.
    links: Vec<(u64, u64)>,
    /// Who monitors whom.
    monitors: BTreeMap<(Side, u64), (u64, u64)>,
    seen: BTreeMap<(Side, u64), Vec<Seen>>,
    references: u64,
}

impl Model {
    fn new() -> Self {
        let mut pair = Pair::new();
        // Ends that go on from process to process are the other property's.
        for side in Side::BOTH {
            (1..NOBODY).for_each(|local| pair[side].table.start_trapping(local));
        }
        Self { pair, links: vec![], monitors: BTreeMap::new(), seen: BTreeMap::new(), references: 0 }
    }

    fn expect(&mut self, side: Side, local: u64, seen: Seen) {
        self.seen.entry((side, local)).or_default().push(seen);
    }

    fn take(&mut self, step: &Step) {
        let of = |side, local, remote| if side == A { (local, remote) } else { (remote, local) };
        match *step {
            Step::Link(side, local, remote) if self.pair[side].table.is_alive(local) => {
                self.pair[side].session.link(local, remote).unwrap();
                let link = of(side, local, remote);
                if !self.pair[side.other()].table.is_alive(remote) {
                    self.expect(side, local, super::exit(side, remote, Reason::noproc()));
                } else if !self.links.contains(&link) {
                    self.links.push(link);
                }
            }
            Step::Unlink(side, local, remote) if self.pair[side].table.is_alive(local) => {
                self.pair[side].session.unlink(local, remote);
                self.links.retain(|link| *link != of(side, local, remote));
            }
            Step::Monitor(side, local, remote) if self.pair[side].table.is_alive(local) => {
                let reference = self.references;
                self.references += 1;
                self.pair[side].session.monitor(local, remote, reference).unwrap();
                if self.pair[side.other()].table.is_alive(remote) {
                    self.monitors.insert((side, reference), (local, remote));
                } else {
                    self.expect(side, local, super::down(side, reference, remote, Reason::noproc()));
                }
            }
            Step::Demonitor(side, reference) => {
                let there = self.pair[side].session.demonitor(reference);
                assert_eq!(there, self.monitors.remove(&(side, reference)).is_some());
            }
            Step::End(side, local, ref reason) if self.pair[side].table.is_alive(local) => {
                self.pair.end_process(side, local, reason.clone());
                self.end(side, local, reason);
            }
            _ => {}
        }
        self.pair.settle();
        for side in Side::BOTH {
            for local in 1..NOBODY {
                let expected = self.seen.get(&(side, local)).map_or(&[][..], Vec::as_slice);
                assert_eq!(self.pair.seen(side, local), expected, "{side:?} {local} after {step:?}");
            }
            let monitors = self.monitors.keys().filter(|(of, _)| *of == side).count();
            let watched = self.monitors.len() - monitors;
            assert_eq!(self.pair[side].session.table_sizes(), (self.links.len(), monitors, watched));
        }
    }

    fn end(&mut self, side: Side, local: u64, reason: &Reason) {
        let learns = side.other();
        let ends_of = |link: &(u64, u64)| if side == A { *link } else { (link.1, link.0) };
        let mut linked: Vec<_> =
            self.links.iter().map(ends_of).filter(|ends| ends.0 == local).map(|ends| ends.1).collect();
        linked.sort_unstable();
        for remote in linked {
            self.expect(learns, remote, super::exit(learns, local, reason.clone()));
        }
        self.links.retain(|link| ends_of(link).0 != local);
        for (&(of, reference), &(monitoring, monitored)) in &self.monitors.clone() {
            if of == learns && monitored == local {
                self.expect(learns, monitoring, super::down(learns, reference, local, reason.clone()));
            }
        }
        self.monitors.retain(|(of, _), (monitoring, monitored)| {
            !(*of == side && *monitoring == local || *of == learns && *monitored == local)
        });
    }
}
