//! The processes of one start of a node.

use std::num::NonZeroU64;
use std::sync::Arc;

use snow_dist_runtime::core::{NodeNumber, Numbers, Pid, Processes, Reason as CoreReason, Start, TermPids};

use crate::oracle::{Reason, Who, number_of, parts_of};
use crate::random::Random;

/// A pid that a process holds, and whose it is in truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) pid: Pid,
    pub(super) who: Who,
    /// Which node it runs on, by its index.
    pub(super) node: usize,
}

/// Pids that a process remembers.
const HELD_MAX: usize = 6;

/// Names that processes register.
pub(super) const NAMES: u32 = 3;

#[derive(Debug, Default)]
pub(super) struct Process {
    pub(super) is_dead: bool,
    pub(super) traps: bool,
    /// Waits for room in a session's queue.
    pub(super) waits: bool,
    pub(super) held: Vec<Held>,
    /// Monitors it has made: number, and of whom.
    pub(super) monitors: Vec<(u64, Held)>,
    /// Connections whose sessions must learn of its end.
    pub(super) attached: Vec<u32>,
    /// Why it has ended, as its node sees it.
    pub(super) ended: Option<CoreReason>,
    /// The same in truth: of one that a signal has ended, when that signal has been confirmed.
    pub(super) truth: Option<Reason>,
}

impl Process {
    pub(super) fn hold(&mut self, held: Held) {
        if self.held.contains(&held) {
            return;
        }
        if self.held.len() == HELD_MAX {
            self.held.remove(0);
        }
        self.held.push(held);
    }
}

/// What a process was given.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    Message { local: u32, number: u32, bytes: usize },
    Term { local: u32, number: u32, bytes: usize, pid: Pid },
    Exit { local: u32, from: Pid, reason: CoreReason },
    Down { local: u32, reference: u64, from: Pid, reason: CoreReason },
}

#[derive(Debug, Default)]
pub(super) struct Table {
    processes: Vec<Process>,
    /// Who has which place of the script.
    places: Vec<u32>,
    pub(super) names: [u32; NAMES as usize],
    /// Who has ended since this was looked at last.
    pub(super) dying: Vec<u32>,
    pub(super) last_reference: u64,
}

impl Table {
    /// One with a process in most places.
    pub(super) fn populated(places: usize, random: &mut Random) -> Self {
        let mut table = Self::default();
        for place in 0..places as u16 {
            if random.chance(800) {
                let local = table.start(random.chance(300));
                table.take_place(place, local);
            }
        }
        table.names = [1, 2, 3];
        table
    }

    pub(super) fn count(&self) -> u32 {
        self.processes.len() as u32
    }

    pub(super) fn get(&mut self, local: u32) -> Option<&mut Process> {
        self.processes.get_mut((local as usize).checked_sub(1)?)
    }

    pub(super) fn is_alive(&self, local: u32) -> bool {
        let process = (local as usize).checked_sub(1).and_then(|place| self.processes.get(place));
        process.is_some_and(|process| !process.is_dead)
    }

    pub(super) fn start(&mut self, traps: bool) -> u32 {
        self.processes.push(Process { traps, ..Process::default() });
        self.count()
    }

    /// Who has this place.
    pub(super) fn at(&self, place: u16) -> Option<u32> {
        self.places.get(usize::from(place)).copied().filter(|local| *local > 0)
    }

    pub(super) fn take_place(&mut self, place: u16, local: u32) {
        let place = usize::from(place);
        self.places.resize(self.places.len().max(place + 1), 0);
        self.places[place] = local;
    }

    pub(super) fn alive(&self) -> Vec<u32> {
        (1..=self.count()).filter(|local| self.is_alive(*local)).collect()
    }

    pub(super) fn named(&self, name: &str) -> Option<(u32, Option<u32>)> {
        let name: u32 = name.strip_prefix("name ")?.parse().ok()?;
        let holder = self.names.get(name as usize).copied();
        Some((name, holder.filter(|holder| self.is_alive(*holder))))
    }

    /// The process ends; false if it has.
    pub(super) fn end(&mut self, local: u32, here: CoreReason, truth: Option<Reason>) -> bool {
        let Some(process) = self.get(local).filter(|process| !process.is_dead) else { return false };
        process.is_dead = true;
        (process.ended, process.truth) = (Some(here), truth);
        self.dying.push(local);
        true
    }
}

/// The table as a session is lent it, writing down what comes.
pub(super) struct Lent<'a> {
    pub(super) table: &'a mut Table,
    pub(super) numbers: &'a mut Numbers,
    pub(super) connection: u32,
    pub(super) heard: &'a mut Vec<(NodeNumber, NonZeroU64)>,
    pub(super) seen: &'a mut Vec<Seen>,
}

impl Processes for Lent<'_> {
    fn attach(&mut self, local: u64) -> bool {
        let connection = self.connection;
        let process = self.table.get(local as u32).filter(|process| !process.is_dead);
        if let Some(process) = process {
            if !process.attached.contains(&connection) {
                process.attached.push(connection);
            }
            return true;
        }
        false
    }

    fn message(&mut self, local: u64, message: &[u8]) {
        if self.table.is_alive(local as u32) {
            let number = number_of(message);
            self.seen.push(Seen::Message { local: local as u32, number, bytes: message.len() });
        }
    }

    fn named_message(&mut self, name: &str, message: &[u8]) {
        if let Some((_, Some(local))) = self.table.named(name) {
            self.message(u64::from(local), message);
        }
    }

    fn term(&mut self, local: u64, term: &[u8], pids: TermPids) {
        if self.table.is_alive(local as u32)
            && let Some((number, pid)) = parts_of(term)
        {
            let (local, bytes) = (local as u32, term.len());
            self.seen.push(Seen::Term { local, number, bytes, pid: pids.pid(pid) });
        }
    }

    fn heard_of(&mut self, start: Start) -> NodeNumber {
        let incarnation = start.incarnation;
        let number = self.numbers.heard_of(start);
        self.heard.push((number, incarnation));
        number
    }

    fn exit(&mut self, local: u64, from: Pid, reason: CoreReason) {
        let local = local as u32;
        let dies =
            reason.kills() && self.table.get(local).is_some_and(|process| !process.is_dead && !process.traps);
        if dies {
            self.table.end(local, CoreReason::linked(from, &reason), None);
        }
        self.seen.push(Seen::Exit { local, from, reason });
    }

    fn sent_exit(&mut self, local: u64, from: Pid, reason: CoreReason) {
        if self.table.is_alive(local as u32) {
            self.exit(local, from, reason);
        }
    }

    fn exits(&mut self, local: u64, from: &[Pid], reason: &CoreReason) {
        for from in from {
            self.exit(local, *from, reason.clone());
        }
    }

    fn down(&mut self, local: u64, reference: u64, from: Pid, reason: CoreReason) {
        self.seen.push(Seen::Down { local: local as u32, reference, from, reason });
    }
}

/// The name of a number, as it stands in frames.
pub(super) fn name(number: u32) -> Arc<str> {
    format!("name {number}").into()
}
