//! A process table that does what the protocol asks of one, and writes down what each process sees.

use std::collections::{BTreeMap, VecDeque};

use snow_dist_codec::{Reading, stf};
use snow_dist_runtime::core::{NodeNumber, Numbers, Pid, Processes, Reason, Start, TermPids};

/// What a process saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Message(Vec<u8>),
    /// A term, marked as one, and which processes its pids are; if it is none, it has none.
    Term(Vec<u8>, Vec<Pid>),
    Exit(Pid, Reason),
    Down(u64, Pid, Reason),
}

/// The processes of one node.
#[derive(Clone, Debug, Default)]
pub struct Table {
    processes: BTreeMap<u64, Process>,
    names: BTreeMap<String, u64>,
    /// The numbers of other nodes.
    pub numbers: Numbers,
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
    /// The table of this node, which can be told of others.
    #[must_use]
    pub fn of(own: Start) -> Self {
        Self { numbers: Numbers::new(own), ..Self::default() }
    }

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

/// Which processes the pids of a term are.
#[must_use]
pub fn pids_of(term: &[u8], pids: &TermPids) -> Vec<Pid> {
    let mut found = Vec::new();
    match stf::for_each_pid(term, Reading::Compatible, |_, pid| found.push(pids.pid(pid))) {
        Ok(()) => found,
        Err(_) => Vec::new(),
    }
}

impl Processes for Table {
    fn term(&mut self, local: u64, term: &[u8], pids: TermPids) {
        self.see(local, Seen::Term(term.to_vec(), pids_of(term, &pids)));
    }

    fn heard_of(&mut self, start: Start) -> NodeNumber {
        self.numbers.heard_of(start)
    }

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
