//! A process table that does what the protocol asks of one, and writes down what each process sees.

use std::collections::{BTreeMap, VecDeque};

use snow_dist_runtime::core::{Pid, Processes, Reason};

/// What a process saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Message(Vec<u8>),
    Exit(Pid, Reason),
    Down(u64, Pid, Reason),
}

/// The processes of one node.
#[derive(Clone, Debug, Default)]
pub struct Table {
    processes: BTreeMap<u64, Process>,
    names: BTreeMap<String, u64>,
    /// Who has ended and has not told the session.
    untold: VecDeque<(u64, Reason)>,
    /// Calls of [`Processes::exits`]: each wakes one process once.
    pub wakes: usize,
}

#[derive(Clone, Debug, Default)]
struct Process {
    traps: bool,
    ended: Option<Reason>,
    seen: Vec<Seen>,
}

impl Table {
    /// Starts a process that exits end.
    pub fn start(&mut self, local: u64) {
        self.processes.insert(local, Process::default());
    }

    /// Starts a process that traps exits: it sees them, and lives on.
    pub fn start_trapping(&mut self, local: u64) {
        self.processes.insert(local, Process { traps: true, ..Process::default() });
    }

    pub fn register(&mut self, name: &str, local: u64) {
        self.names.insert(name.to_owned(), local);
    }

    /// The process ends; its session learns of it later.
    pub fn end(&mut self, local: u64, reason: Reason) {
        if let Some(process) = self.alive(local) {
            process.ended = Some(reason.clone());
            self.untold.push_back((local, reason));
        }
    }

    pub fn is_alive(&self, local: u64) -> bool {
        self.processes.get(&local).is_some_and(|process| process.ended.is_none())
    }

    pub fn locals(&self) -> impl Iterator<Item = u64> {
        self.processes.keys().copied()
    }

    /// What ended the process.
    pub fn ended(&self, local: u64) -> Option<&Reason> {
        self.processes.get(&local)?.ended.as_ref()
    }

    /// What the process saw, in its order. An exit that ended it is in it, too.
    pub fn seen(&self, local: u64) -> &[Seen] {
        self.processes.get(&local).map_or(&[], |process| &process.seen)
    }

    /// Who has ended and has not told the session yet, the first first.
    pub fn take_untold(&mut self) -> Option<(u64, Reason)> {
        self.untold.pop_front()
    }

    fn alive(&mut self, local: u64) -> Option<&mut Process> {
        self.processes.get_mut(&local).filter(|process| process.ended.is_none())
    }

    fn see(&mut self, local: u64, seen: Seen) {
        if let Some(process) = self.alive(local) {
            process.seen.push(seen);
        }
    }

    fn take_exit(&mut self, local: u64, from: Pid, reason: &Reason) {
        let Some(process) = self.alive(local) else { return };
        process.seen.push(Seen::Exit(from, reason.clone()));
        if reason.kills() && !process.traps {
            self.end(local, Reason::linked(from, reason));
        }
    }
}

impl Processes for Table {
    fn attach(&mut self, local: u64) -> bool {
        self.is_alive(local)
    }

    fn message(&mut self, local: u64, message: &[u8]) {
        self.see(local, Seen::Message(message.to_vec()));
    }

    fn named_message(&mut self, name: &str, message: &[u8]) {
        if let Some(local) = self.names.get(name) {
            self.message(*local, message);
        }
    }

    fn exit(&mut self, local: u64, from: Pid, reason: Reason) {
        self.take_exit(local, from, &reason);
    }

    fn exits(&mut self, local: u64, from: &[Pid], reason: &Reason) {
        self.wakes += 1;
        for from in from {
            self.take_exit(local, *from, reason);
        }
    }

    fn down(&mut self, local: u64, reference: u64, from: Pid, reason: Reason) {
        self.see(local, Seen::Down(reference, from, reason));
    }
}
