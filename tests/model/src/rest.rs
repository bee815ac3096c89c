//! What must hold when nothing is under way.

use snow_dist_codec::Frame;
use snow_dist_codec::frame::Monitor;
use snow_dist_runtime::core::{Pid, Processes, Reason, Session, SpawnFailure};

use crate::bounds::Bounds;
use crate::turn::{local, pid, process};
use crate::verdict::Broken;
use crate::world::{Connection, Grid, Phase, Tie, Watch, World, facts};

/// The largest bound that is filled to see how much of it is taken.
const BOUND_TRIED_MAX: u32 = 8;

/// What a session holds, as it shows when it ends.
#[derive(Debug, Default)]
pub struct Record {
    active: Grid<bool>,
    watches: Vec<Watch>,
    /// Number and caller of each call.
    calls: Vec<(u64, usize)>,
    /// Requests for processes that are not answered.
    asked: usize,
}

impl Processes for Record {
    fn attach(&mut self, _: u64) -> bool {
        true
    }

    fn message(&mut self, _: u64, _: &[u8]) {}

    fn named_message(&mut self, _: &str, _: &[u8]) {}

    fn exit(&mut self, own: u64, from: Pid, _: Reason) {
        if let (Some(own), Some(remote)) = (process(own), process(from.local())) {
            self.active[own][remote] = true;
        }
    }

    fn exits(&mut self, own: u64, from: &[Pid], reason: &Reason) {
        for from in from {
            self.exit(own, *from, reason.clone());
        }
    }

    fn down(&mut self, own: u64, reference: u64, from: Pid, _: Reason) {
        if let Some(own) = process(own) {
            self.watches.push(Watch { reference, own, remote: process(from.local()) });
        }
    }

    fn spawned(&mut self, _: u64, _: u64, _: Result<Pid, SpawnFailure>) {
        self.asked += 1;
    }

    fn call_ended(&mut self, own: u64, reference: u64, _: Reason) {
        if let Some(own) = process(own) {
            self.calls.push((reference, own));
        }
    }
}

fn record(session: &Session) -> Record {
    let mut record = Record::default();
    session.clone().end(&mut record);
    record
}

impl World {
    /// What is wrong, now that all is at rest.
    pub fn wrong_at_rest(&self, bounds: &Bounds) -> Option<Broken> {
        self.connections.iter().find_map(|it| self.wrong_with(it, bounds))
    }

    fn wrong_with(&self, it: &Connection, bounds: &Bounds) -> Option<Broken> {
        let [Some(first), Some(second)] = [0, 1].map(|side| it.ends[side].open()) else {
            return Some(Broken::Asymmetric);
        };
        if it.ends.iter().any(|end| end.phase != Phase::Session) {
            return Some(Broken::Leftover);
        }
        let (first_holds, second_holds) = (record(first), record(second));
        for own in 0..first_holds.active.len() {
            for remote in 0..second_holds.active.len() {
                let ties = [it.ends[0].ties[own][remote], it.ends[1].ties[remote][own]];
                let active = [first_holds.active[own][remote], second_holds.active[remote][own]];
                if active[0] != active[1] || ties.map(|tie| tie == Tie::Active) != active {
                    return Some(Broken::Asymmetric);
                }
                if ties.iter().any(|tie| matches!(tie, Tie::Unlinking(_))) {
                    return Some(Broken::Leftover);
                }
            }
        }
        [(0, &first_holds), (1, &second_holds)].into_iter().find_map(|(side, holds)| {
            self.wrong_at_end(it, side, holds).or_else(|| tally_is_wrong(it, side, holds, bounds))
        })
    }

    /// The tables of a session hold what lives at both ends, and nothing else.
    fn wrong_at_end(&self, it: &Connection, side: usize, holds: &Record) -> Option<Broken> {
        let (end, other) = (&it.ends[side], &it.ends[1 - side]);
        let (Some(session), Some(peer)) = (end.open(), other.open()) else { return None };
        if holds.watches != end.watches {
            return Some(Broken::DownLost);
        }
        let lives = |side: usize, process: usize| self.nodes[it.nodes[side]].processes[process].lives();
        let is_dead = |watch: &Watch| {
            !lives(side, watch.own) || !watch.remote.is_some_and(|remote| lives(1 - side, remote))
        };
        if holds.watches.iter().any(is_dead) {
            return Some(Broken::DownLost);
        }
        if holds.asked > 0 || !end.asked.is_empty() {
            return Some(Broken::SpawnLost);
        }
        if !self.calls_are_held(it, side, holds) {
            return Some(Broken::CallLost);
        }
        for (own, row) in holds.active.iter().enumerate() {
            for (remote, active) in row.iter().enumerate() {
                if *active && !(lives(side, own) && lives(1 - side, remote)) {
                    return Some(Broken::ExitLost);
                }
            }
        }
        let (links, watching, _) = session.table_sizes();
        let active = holds.active.iter().flatten().filter(|active| **active).count();
        let watched = peer.table_sizes().2;
        let is_more = (links, watched) != (active, watching) || session.waiting_bytes() > 0;
        is_more.then_some(Broken::Leftover)
    }
}

impl World {
    /// Each call of this end is in the hands of somebody who lives there.
    fn calls_are_held(&self, it: &Connection, side: usize, holds: &Record) -> bool {
        let calls: Vec<_> = it.ends[side].calls.iter().map(|call| (call.reference, call.own)).collect();
        let there = &self.nodes[it.nodes[1 - side]];
        let held = |(reference, own): &(u64, usize)| {
            there.requests.iter().any(|request| {
                let of = (request.caller.reference, process(request.caller.pid.local()));
                (request.connection, request.is_open) == (it.id, true)
                    && of == (*reference, Some(*own))
                    && there.processes[request.holder].lives()
            })
        };
        holds.calls == calls && calls.iter().all(held)
    }
}

/// What this end counts as its own against the bound of the other, and what that counts, is what there is.
fn tally_is_wrong(it: &Connection, side: usize, holds: &Record, bounds: &Bounds) -> Option<Broken> {
    if bounds.links_and_monitors_max > BOUND_TRIED_MAX {
        return None;
    }
    let (Some(session), Some(peer)) = (it.ends[side].open(), it.ends[1 - side].open()) else { return None };
    let (here, there) = (held_here(session, bounds), held_there(peer, it, side, bounds));
    let monitors = (holds.watches.len() + holds.calls.len()) as u32;
    let links = holds.active.iter().flatten().filter(|active| **active).count() as u32;
    // A link counts for whoever asked for it; if both did, for both here and for neither there.
    let is_right = there <= here && there >= monitors && here >= monitors && here <= monitors + links;
    (!is_right).then_some(Broken::Tally)
}

/// How much of the peer's bound a session holds: what is missing until it is full.
fn held_here(session: &Session, bounds: &Bounds) -> u32 {
    let mut session = session.clone();
    let free = (0..=bounds.links_and_monitors_max)
        .take_while(|count| session.monitor(local(0), local(0), u64::MAX - u64::from(*count)).is_ok())
        .count();
    bounds.links_and_monitors_max.saturating_sub(free as u32)
}

/// How much of its own bound a session holds for what the peer, at `side`, has asked for.
fn held_there(session: &Session, it: &Connection, side: usize, bounds: &Bounds) -> u32 {
    let mut session = session.clone();
    let config = facts(bounds, it, side).config;
    let before = session.table_sizes().2;
    for count in 0..=bounds.links_and_monitors_max {
        let monitor = Monitor {
            from: pid(config.creation, 0),
            to: pid(config.peer_creation, 0),
            reference: u64::MAX - u64::from(count),
        };
        // One too many is refused; that is what is looked for.
        let _ = session.handle_frame(&Frame::from(monitor), &mut Record::default());
    }
    let free = (session.table_sizes().2 - before) as u32;
    bounds.links_and_monitors_max.saturating_sub(free)
}
