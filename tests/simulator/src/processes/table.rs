//! The processes of one start of a node.

use std::collections::BTreeMap;
use std::sync::Arc;

use snow_dist_runtime::core::{Caller, Pid, Reason as CoreReason};

use crate::cluster::At;
use crate::oracle::{Reason, SERVERS, Who, name_of};
use crate::random::Random;

/// A pid that a process holds, and whose it is in truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) pid: Pid,
    pub(crate) who: Who,
    /// Which node it runs on, by its index.
    pub(crate) node: usize,
}

/// Pids that a process remembers.
const HELD_MAX: usize = 6;

/// Names that processes register.
pub(crate) const NAMES: u32 = 3;

#[derive(Debug, Default)]
pub(crate) struct Process {
    pub(crate) traps: bool,
    /// Waits for room in a session's queue.
    pub(crate) waits: bool,
    pub(crate) held: Vec<Held>,
    /// Monitors it has made: number, of whom, and in which session.
    pub(crate) monitors: Vec<(u64, Held, At)>,
    /// Sessions that must learn of its end.
    pub(crate) attached: Vec<At>,
    /// Why it has ended: as its node sees it, and in truth.
    pub(crate) ended: Option<(CoreReason, Reason)>,
}

impl Process {
    pub(crate) fn hold(&mut self, held: Held) {
        if self.held.contains(&held) {
            return;
        }
        if self.held.len() == HELD_MAX {
            self.held.remove(0);
        }
        self.held.push(held);
    }

    /// The session there learns of its end.
    pub(crate) fn attach(&mut self, session: At) {
        if !self.attached.contains(&session) {
            self.attached.push(session);
        }
    }
}

/// A call of another node's process, in the hands of one here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) caller: Caller,
    pub(crate) from: Held,
    /// The session that has brought it.
    pub(crate) at: At,
    pub(crate) callee: u32,
    /// The callee, or whom it was delegated to.
    pub(crate) holder: u32,
}

/// Calls that a process has in its hands before its mailbox takes no more.
const REQUESTS_MAX: usize = 5;

#[derive(Debug, Default)]
pub(crate) struct Table {
    processes: Vec<Process>,
    /// Who has which place of the script.
    places: Vec<u32>,
    pub(crate) names: [u32; NAMES as usize],
    /// Who has the name of servers of groups, or 0.
    pub(crate) server: u32,
    /// Who has ended since this was looked at last.
    pub(crate) dying: Vec<u32>,
    /// By the number of their messages.
    pub(crate) requests: BTreeMap<u32, Request>,
    /// Those that nobody has looked at.
    pub(crate) asked: Vec<u32>,
}

impl Table {
    /// One with a process in most places.
    pub(crate) fn populated(places: usize, random: &mut Random) -> Self {
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

    pub(crate) fn count(&self) -> u32 {
        self.processes.len() as u32
    }

    pub(crate) fn get(&mut self, local: u32) -> Option<&mut Process> {
        self.processes.get_mut((local as usize).checked_sub(1)?)
    }

    /// The same, if it lives.
    pub(crate) fn living(&mut self, local: u32) -> Option<&mut Process> {
        self.get(local).filter(|process| process.ended.is_none())
    }

    pub(crate) fn is_alive(&self, local: u32) -> bool {
        let process = (local as usize).checked_sub(1).and_then(|place| self.processes.get(place));
        process.is_some_and(|process| process.ended.is_none())
    }

    pub(crate) fn start(&mut self, traps: bool) -> u32 {
        self.processes.push(Process { traps, ..Process::default() });
        self.count()
    }

    /// Who has this place.
    pub(crate) fn at(&self, place: u16) -> Option<u32> {
        self.places.get(usize::from(place)).copied().filter(|local| *local > 0)
    }

    pub(crate) fn take_place(&mut self, place: u16, local: u32) {
        let place = usize::from(place);
        self.places.resize(self.places.len().max(place + 1), 0);
        self.places[place] = local;
    }

    pub(crate) fn alive(&self) -> Vec<u32> {
        (1..=self.count()).filter(|local| self.is_alive(*local)).collect()
    }

    pub(crate) fn named(&self, name: &str) -> Option<(u32, Option<u32>)> {
        let name = name_of(name)?;
        let holder = if name == SERVERS { Some(self.server) } else { self.names.get(name as usize).copied() };
        Some((name, holder.filter(|holder| self.is_alive(*holder))))
    }

    /// Of whom a term of the process tells: of somebody whom it knows.
    pub(crate) fn about(&mut self, local: u32, otherwise: Held, dice: u64) -> Held {
        let held = self.get(local).map_or(&[][..], |process| &process.held);
        held.get(dice as usize % held.len().max(1)).copied().unwrap_or(otherwise)
    }

    /// Whether a process's mailbox takes no more calls.
    pub(crate) fn takes_no_call(&self, local: u32) -> bool {
        self.requests.values().filter(|request| request.holder == local).count() >= REQUESTS_MAX
    }

    /// The process ends, for this reason as its node sees it and in truth. False if it has ended before.
    pub(crate) fn end(&mut self, local: u32, here: CoreReason, truth: Reason) -> bool {
        let Some(process) = self.living(local) else { return false };
        process.ended = Some((here, truth));
        self.dying.push(local);
        true
    }
}

/// The name of a number, as it stands in frames.
pub(crate) fn name(number: u32) -> Arc<str> {
    format!("name {number}").into()
}
