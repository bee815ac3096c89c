//! A process table that does what the protocol asks of one, and writes down what each process sees.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use snow_dist_codec::Reading;
use snow_dist_runtime::core::globals::{Conflict, Globals, Heard};
use snow_dist_runtime::core::peers::ConnectionId;
use snow_dist_runtime::core::{
    Caller, GlobalNews, NodeNumber, Numbers, Pid, Processes, Reason, SpawnFailure, SpawnRequest, Start,
    TermPids,
};

/// What a process saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Message(Vec<u8>),
    /// A term, marked as one, and which processes its pids are; if it is none, it has none.
    Term(Vec<u8>, Vec<Pid>),
    Exit(Pid, Reason),
    Down(u64, Pid, Reason),
    /// A call: who calls, the term, and which processes its pids are.
    Call(Caller, Vec<u8>, Vec<Pid>),
    /// The reply to an own call, a term likewise.
    Reply(u64, Vec<u8>, Vec<Pid>),
    ReplyLost(u64),
    CallEnded(u64, Reason),
    /// Whom an own monitor by name is of.
    Named(u64, Pid),
    /// What has come of an own request for a process.
    Spawned(u64, Result<Pid, SpawnFailure>),
    /// Who has asked for this process: what was given, and which processes its pids are.
    Started(Pid, Vec<u8>, Vec<Pid>),
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
    /// Processes whose mailboxes take no message.
    full: BTreeSet<u64>,
    /// Bytes of messages that are not whole for which there is room, if not for any number.
    pub unfinished_bytes_max: Option<usize>,
    /// Functions that the other node may have started, each with the process that runs it next.
    pub offers: BTreeMap<String, u64>,
    /// The global names, if there are any, and the connection on which the other node tells of its own.
    pub globals: Option<(ConnectionId, Globals)>,
    /// Global names that this node has lost, and not taken back yet.
    pub conflicts: Vec<Conflict>,
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

    /// From here on the process's mailbox takes no message.
    pub fn fill(&mut self, local: u64) {
        self.full.insert(local);
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

    /// The same, which is forgotten.
    pub fn take_seen(&mut self, local: u64) -> Vec<Seen> {
        self.processes.get_mut(&local).map(|process| std::mem::take(&mut process.seen)).unwrap_or_default()
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

    /// A message, for which the mailbox must have room.
    fn take_message(&mut self, local: u64, seen: Seen) {
        if !self.full.contains(&local) {
            self.see(local, seen);
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
    match pids.terms().for_each_pid(term, Reading::Compatible, |_, pid| found.push(pids.pid(pid))) {
        Ok(_) => found,
        Err(_) => Vec::new(),
    }
}

impl Processes for Table {
    fn term(&mut self, local: u64, term: &[u8], pids: TermPids) {
        self.take_message(local, Seen::Term(term.to_vec(), pids_of(term, &pids)));
    }

    fn heard_of(&mut self, start: Start) -> NodeNumber {
        self.numbers.heard_of(start)
    }

    fn attach(&mut self, local: u64) -> bool {
        self.is_alive(local)
    }

    fn message(&mut self, local: u64, message: &[u8]) {
        self.take_message(local, Seen::Message(message.to_vec()));
    }

    fn named_message(&mut self, name: &str, message: &[u8]) {
        if let Some(local) = self.names.get(name) {
            self.message(*local, message);
        }
    }

    fn unfinished(&mut self, bytes: usize) -> bool {
        self.unfinished_bytes_max.is_none_or(|bytes_max| bytes <= bytes_max)
    }

    fn named_term(&mut self, name: &str, term: &[u8], pids: TermPids) {
        if let Some(local) = self.names.get(name) {
            self.term(*local, term, pids);
        }
    }

    fn global(&mut self, news: GlobalNews<'_>) -> bool {
        let heard = self.globals.as_mut().map(|(on, globals)| globals.heard(*on, news));
        match heard {
            Some(Heard::Lost(conflict)) => self.conflicts.push(conflict),
            Some(Heard::Known) => {}
            Some(Heard::PassedOver) | None => return false,
        }
        true
    }

    fn offers(&mut self, _requester: Pid, function: &str) -> bool {
        self.offers.contains_key(function)
    }

    fn spawn(&mut self, request: SpawnRequest<'_>) -> Result<u64, SpawnFailure> {
        let next = self.offers.get_mut(request.function).ok_or(SpawnFailure::NotOffered)?;
        let local = *next;
        *next += 1;
        self.start_trapping(local);
        let pids = pids_of(request.arguments, &request.pids);
        self.see(local, Seen::Started(request.requester, request.arguments.to_vec(), pids));
        Ok(local)
    }

    fn spawned(&mut self, local: u64, request: u64, outcome: Result<Pid, SpawnFailure>) {
        self.see(local, Seen::Spawned(request, outcome));
    }

    fn whereis(&mut self, name: &str) -> Option<u64> {
        self.names.get(name).copied().filter(|local| self.is_alive(*local))
    }

    fn call(&mut self, local: u64, caller: Caller, term: &[u8], pids: TermPids) -> bool {
        if self.full.contains(&local) && self.is_alive(local) {
            return false;
        }
        self.see(local, Seen::Call(caller, term.to_vec(), pids_of(term, &pids)));
        true
    }

    fn reply(&mut self, local: u64, reference: u64, term: &[u8], pids: TermPids) {
        self.see(local, Seen::Reply(reference, term.to_vec(), pids_of(term, &pids)));
    }

    fn reply_lost(&mut self, local: u64, reference: u64) {
        self.see(local, Seen::ReplyLost(reference));
    }

    fn call_ended(&mut self, local: u64, reference: u64, reason: Reason) {
        self.see(local, Seen::CallEnded(reference, reason));
    }

    fn named(&mut self, local: u64, reference: u64, pid: Pid) {
        self.see(local, Seen::Named(reference, pid));
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
