//! A session that is driven by a script: bytes of the peer in any pieces, commands in between, and time.
//!
//! A naive second session says after each step which signals must have come out, whether the session must have
//! ended, and which frames must be written.

mod calls;
mod model;
mod nodes;
mod pieces;
mod reasons;
mod script;
mod version_1;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Framer, Reading};
use snow_dist_runtime::core::handshake::Bounds;
use snow_dist_runtime::core::limits::MESSAGE_BYTES_COUNTED;
use snow_dist_runtime::core::peers::Sign;
use snow_dist_runtime::core::session::{Config, Timing, Version};
use snow_dist_runtime::core::{Caller, NodeNumber, Pid, Processes, Reason, Session, Start, TermPids};

use model::Model;
use script::{Script, Step};

/// Processes 1 to 4 of this node live at first; there never are others.
const LIVING: u64 = 4;

/// What came out of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Signal {
    Message(u64, Vec<u8>),
    /// A term, and which processes its pids are.
    Term(u64, Vec<u8>, Vec<Pid>),
    Named(String, Vec<u8>),
    NamedTerm(String, Vec<u8>, Vec<Pid>),
    /// Who calls, and by which number.
    Call(u64, (Pid, u64), Vec<u8>, Vec<Pid>),
    Reply(u64, u64, Vec<u8>, Vec<Pid>),
    ReplyLost(u64, u64),
    CallEnded(u64, u64, Reason),
    /// Whom a monitor by name is of.
    HasName(u64, u64, Pid),
    Exit(u64, Pid, Reason),
    Down(u64, u64, Pid, Reason),
}

/// What the table says of processes and names.
struct Local {
    living: BTreeSet<u64>,
    names: BTreeMap<String, u64>,
    /// Processes whose mailboxes take no calls.
    full: BTreeSet<u64>,
}

impl Local {
    fn new() -> Self {
        let names = [("n", 1), ("m", 5)].map(|(name, local)| (name.to_owned(), local)).into();
        Self { living: (1..=LIVING).collect(), names, full: BTreeSet::new() }
    }

    fn lives(&self, local: u64) -> bool {
        self.living.contains(&local)
    }

    /// A mailbox takes no calls any more, or takes them again.
    fn fill(&mut self, local: u64) {
        if !self.full.remove(&local) {
            self.full.insert(local);
        }
    }

    /// The living process that has a name.
    fn named(&self, name: &str) -> Option<u64> {
        self.names.get(name).copied().filter(|local| self.lives(*local))
    }
}

/// Processes that live until the script ends them, whatever they see.
struct Table {
    local: Local,
    signals: Vec<Signal>,
    /// All calls that have come, with those who were called.
    callers: Vec<(u64, Caller)>,
    /// Bytes that there is room for of what is not whole, and how many there are.
    room: usize,
    unfinished: usize,
}

impl Table {
    fn new(config: &Config) -> Self {
        Self {
            local: Local::new(),
            signals: Vec::new(),
            callers: Vec::new(),
            room: room(&config.bounds),
            unfinished: 0,
        }
    }

    fn lives(&self, local: u64) -> bool {
        self.local.lives(local)
    }

    fn caller(&self, place: usize) -> Option<(u64, Caller)> {
        self.callers.get(place.checked_rem(self.callers.len())?).copied()
    }
}

impl Processes for Table {
    fn unfinished(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.unfinished.max(self.room);
        if fits {
            self.unfinished = bytes;
        }
        fits
    }

    fn attach(&mut self, local: u64) -> bool {
        self.lives(local)
    }

    fn message(&mut self, local: u64, message: &[u8]) {
        self.signals.push(Signal::Message(local, message.to_vec()));
    }

    fn named_message(&mut self, name: &str, message: &[u8]) {
        self.signals.push(Signal::Named(name.to_owned(), message.to_vec()));
    }

    fn exit(&mut self, local: u64, from: Pid, reason: Reason) {
        self.signals.push(Signal::Exit(local, from, reason));
    }

    fn sent_exit(&mut self, local: u64, from: Pid, reason: Reason) {
        if self.lives(local) {
            self.exit(local, from, reason);
        }
    }

    fn term(&mut self, local: u64, term: &[u8], pids: TermPids) {
        self.signals.push(Signal::Term(local, term.to_vec(), found(term, &pids)));
    }

    fn named_term(&mut self, name: &str, term: &[u8], pids: TermPids) {
        self.signals.push(Signal::NamedTerm(name.to_owned(), term.to_vec(), found(term, &pids)));
    }

    fn whereis(&mut self, name: &str) -> Option<u64> {
        self.local.names.get(name).copied()
    }

    fn call(&mut self, local: u64, caller: Caller, term: &[u8], pids: TermPids) -> bool {
        if self.local.full.contains(&local) {
            return false;
        }
        let from = (caller.pid, caller.reference);
        self.signals.push(Signal::Call(local, from, term.to_vec(), found(term, &pids)));
        self.callers.push((local, caller));
        true
    }

    fn reply(&mut self, local: u64, reference: u64, term: &[u8], pids: TermPids) {
        self.signals.push(Signal::Reply(local, reference, term.to_vec(), found(term, &pids)));
    }

    fn reply_lost(&mut self, local: u64, reference: u64) {
        self.signals.push(Signal::ReplyLost(local, reference));
    }

    fn call_ended(&mut self, local: u64, reference: u64, reason: Reason) {
        self.signals.push(Signal::CallEnded(local, reference, reason));
    }

    fn named(&mut self, local: u64, reference: u64, pid: Pid) {
        self.signals.push(Signal::HasName(local, reference, pid));
    }

    fn heard_of(&mut self, start: Start) -> NodeNumber {
        nodes::number_of(&start.name, start.incarnation.get())
    }

    fn exits(&mut self, local: u64, from: &[Pid], reason: &Reason) {
        self.signals.extend(from.iter().map(|from| Signal::Exit(local, *from, reason.clone())));
    }

    fn down(&mut self, local: u64, reference: u64, from: Pid, reason: Reason) {
        self.signals.push(Signal::Down(local, reference, from, reason));
    }
}

/// Which processes the pids of a term are.
fn found(term: &[u8], pids: &TermPids) -> Vec<Pid> {
    let mut found = Vec::new();
    let read = pids.terms().for_each_pid(term, Reading::Compatible, |_, pid| found.push(pids.pid(pid)));
    if read.is_err() {
        found.clear();
    }
    found
}

/// Bytes as a script.
pub fn session(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let Some(config) = config(&mut script) else { return };
    if config.version != Version::Two {
        return version_1::run(&config, &mut script);
    }
    let mut run = Run::new(&config);
    while let Some(step) = script.step() {
        if !run.take(&step) {
            run.end();
            return;
        }
        run.check();
    }
    run.drain();
    run.end();
}

fn config(script: &mut Script<'_>) -> Option<Config> {
    let bits = script.byte()?;
    Some(Config {
        version: if bits & 128 == 0 { Version::Two } else { version_1::version(bits) },
        peer: NodeNumber::other(model::PEER)?,
        peer_creation: model::THEIRS,
        creation: model::OURS,
        capabilities: capabilities(bits),
        bounds: held(bits),
        peer_bounds: Bounds {
            frame_bytes: if bits & 8 == 0 { FRAME_BYTES_MAX } else { 64 },
            links_and_monitors: if bits & 7 == 7 { 1_000 } else { u32::from(bits & 7) },
            ..held(bits)
        },
        timing: Timing::default(),
        ping: [bits; 8],
    })
}

/// Fragments or none; of the others all, none, or one left out. Terms of the second kind where there is no node table.
fn capabilities(bits: u8) -> Capabilities {
    let fragments = if bits & 16 == 0 { Capabilities::NONE } else { Capabilities::FRAGMENTS };
    let [table, exit, term] = [Capabilities::NODE_TABLE, Capabilities::REMOTE_EXIT, Capabilities::SEND_TERM];
    let [calls, names] = [Capabilities::CALLS, Capabilities::NAMES];
    fragments.union(match bits >> 6 {
        0 => Capabilities::NONE,
        1 => table.union(exit).union(term).union(calls).union(names),
        2 => exit.union(term).union(Capabilities::TERMS_2).union(if bits & 1 == 0 { calls } else { names }),
        _ => table.union(if bits & 1 == 0 { exit } else { term }),
    })
}

/// Much or little of messages in fragments, and of the peer's node table.
fn held(bits: u8) -> Bounds {
    if bits & 32 == 0 {
        Bounds::default()
    } else {
        Bounds { fragmented_messages: 2, reassembly_bytes: 150, node_table_entries: 2, ..Bounds::default() }
    }
}

/// Bytes that processes have room for: where little is held of messages in fragments, not always for two.
const fn room(bounds: &Bounds) -> usize {
    if bounds.fragmented_messages == 2 { 2 * MESSAGE_BYTES_COUNTED + 12 } else { usize::MAX }
}

struct Run {
    session: Session,
    framer: Framer,
    table: Table,
    model: Model,
    now: Duration,
    references: u64,
}

impl Run {
    fn new(config: &Config) -> Self {
        let mut framer = Framer::default();
        framer.handshake_done(FRAME_BYTES_MAX);
        let mut session = Session::new(config, Duration::ZERO);
        for number in nodes::THIRD {
            session.introduce(NodeNumber::other(number).unwrap(), || Some(nodes::start(number)));
        }
        Self {
            session,
            framer,
            table: Table::new(config),
            model: Model::new(config),
            now: Duration::ZERO,
            references: 0,
        }
    }

    /// Takes a step; false if the session must end.
    fn take(&mut self, step: &Step<'_>) -> bool {
        match *step {
            Step::Arrive { ref bytes, piece } => return bytes.chunks(piece).all(|piece| self.arrive(piece)),
            Step::Link(local, remote) if self.table.lives(local) => {
                let taken = self.session.link(local, remote).is_ok();
                self.model.link(local, remote, taken);
            }
            Step::Unlink(local, remote) if self.table.lives(local) => {
                self.session.unlink(local, remote);
                self.model.unlink(local, remote);
            }
            Step::Monitor(local, remote) if self.table.lives(local) => {
                let taken = self.session.monitor(local, remote, self.references).is_ok();
                self.model.monitor(self.references, local, remote, taken);
                self.references += 1;
            }
            Step::Demonitor(reference) => {
                assert_eq!(self.session.demonitor(reference), self.model.demonitor(reference));
            }
            Step::Send(local, remote, ref message) if self.table.lives(local) => {
                let taken = self.session.send(local, remote, message).is_ok();
                self.model.send(local, remote, message, taken);
            }
            Step::SendNamed(local, name, ref message) if self.table.lives(local) => {
                let taken = self.session.send_named(local, name, message).is_ok();
                self.model.send_named(local, name, message, taken);
            }
            Step::SendTerm(local, remote, ref pids) if self.table.lives(local) => {
                let taken = self.session.send_term(local, remote, &mut nodes::to_send(local, pids)).is_ok();
                self.model.send_term(local, remote, pids, taken);
            }
            Step::Exit(local, remote, ref reason) if self.table.lives(local) => {
                let taken = self.session.exit(local, remote, reason).is_ok();
                self.model.exit(local, remote, reason, taken);
            }
            Step::End(local, ref reason) if self.table.local.living.remove(&local) => {
                self.session.process_ended(local, reason);
                self.model.process_ended(local, reason);
            }
            Step::Register(local, name) => {
                self.table.local.names.insert(name.to_owned(), local);
            }
            Step::Fill(local) => self.table.local.fill(local),
            Step::Call(..)
            | Step::CallNamed(..)
            | Step::Reply(..)
            | Step::LeaveUnanswered(_)
            | Step::SendNamedTerm(..)
            | Step::MonitorNamed(..) => self.ask(step),
            Step::Write(bytes) => self.write(bytes),
            Step::Pass(time) => return self.pass(time),
            Step::Probe => {
                self.session.probe(self.now, Sign::Life);
                self.model.probe(self.now);
            }
            Step::Close(text) => {
                self.session.close(0, text);
                self.model.close(text);
            }
            _ => {}
        }
        true
    }

    /// A step of calls or names.
    fn ask(&mut self, step: &Step<'_>) {
        let Self { session, model, table, references, .. } = self;
        match *step {
            Step::Call(local, remote, ref pids) if table.lives(local) => {
                let taken =
                    session.call(local, remote, *references, &mut nodes::to_send(local, pids)).is_ok();
                model.call(*references, local, remote, pids, taken);
                *references += 1;
            }
            Step::CallNamed(local, name, ref pids) if table.lives(local) => {
                let term = &mut nodes::to_send(local, pids);
                let taken = session.call_named(local, name, *references, term).is_ok();
                model.call_named(*references, local, name, pids, taken);
                *references += 1;
            }
            Step::Reply(place, ref pids) => {
                let Some((callee, caller)) = table.caller(place) else { return };
                assert_eq!(session.is_called(&caller), model.is_called(&caller));
                let stranger = Caller { session: caller.session + 1, ..caller };
                assert!(!session.is_called(&stranger), "a call of another session");
                let taken = session.reply(&caller, &mut nodes::to_send(callee, pids)).is_ok();
                model.reply(&caller, callee, pids, taken);
            }
            Step::LeaveUnanswered(place) => {
                let Some((_, caller)) = table.caller(place) else { return };
                session.leave_unanswered(&caller);
                model.leave_unanswered(&caller);
            }
            Step::SendNamedTerm(local, name, ref pids) if table.lives(local) => {
                let taken = session.send_named_term(local, name, &mut nodes::to_send(local, pids)).is_ok();
                model.send_named_term(local, name, pids, taken);
            }
            Step::MonitorNamed(local, name) if table.lives(local) => {
                let taken = session.monitor_named(local, name, *references).is_ok();
                model.monitor_named(*references, local, name, taken);
                *references += 1;
            }
            _ => {}
        }
    }

    fn arrive(&mut self, piece: &[u8]) -> bool {
        assert_eq!(self.session.handle_received(self.now), self.model.heard(self.now));
        self.framer.push(piece);
        while let Ok(Some(payload)) = self.framer.next_payload() {
            let Ok(frame) = Frame::decode(&payload, Reading::Compatible) else { return false };
            let goes_on = self.session.handle_frame(&frame, &mut self.table).is_ok();
            let (must_go_on, signal) = self.model.frame(&frame, &self.table.local);
            assert_eq!(goes_on, must_go_on, "{frame:?}");
            let signals = std::mem::take(&mut self.table.signals);
            assert_eq!(signals.len(), usize::from(signal.is_some()), "{frame:?}: {signals:?}");
            if let (Some(signal), [came]) = (signal, &signals[..]) {
                signal.check(came, &self.model.nodes);
            }
            if !goes_on {
                return false;
            }
        }
        self.framer.next_payload().is_ok()
    }

    fn write(&mut self, bytes_wanted: usize) {
        let mut out = Vec::new();
        self.session.write(&mut out, bytes_wanted);
        let mut frames = snow_dist_codec::Frames::new(&out, FRAME_BYTES_MAX);
        frames.by_ref().for_each(|payload| self.model.written(payload.unwrap()));
        assert_eq!(frames.remaining(), [0; 0], "only whole frames are written");
        self.session.handle_taken(self.now);
        self.model.taken(self.now);
    }

    fn pass(&mut self, time: Duration) -> bool {
        let until = self.now + time;
        let mut lives = true;
        while lives && self.session.deadline().0 <= until {
            self.now = self.now.max(self.session.deadline().0);
            lives = self.session.handle_timeout(self.now).is_ok();
        }
        self.now = until;
        assert_eq!(lives, self.model.time(until), "{until:?}");
        lives
    }

    /// What holds between any two steps.
    fn check(&self) {
        assert_eq!(self.session.waiting_bytes(), self.model.waiting_bytes());
        assert_eq!(self.session.table_sizes(), self.model.table_sizes());
        assert_eq!(self.session.unfinished(), self.model.unfinished());
        assert_eq!(self.table.unfinished, self.model.room_taken());
        // An exit that the peer has made void still stands in the queue; it is passed over when its turn comes.
        assert!(self.session.has_output() || !self.model.has_output());
        assert_eq!(self.table.signals, [], "a signal came of nothing");
    }

    /// Everything that is owed is written.
    fn drain(&mut self) {
        while self.session.has_output() {
            self.write(1);
        }
        assert!(!self.model.has_output(), "something that is due was not written");
    }

    fn end(&mut self) {
        self.session.end(&mut self.table);
        assert_eq!(self.table.signals, self.model.end());
        assert_eq!((self.session.table_sizes(), self.session.waiting_bytes()), ((0, 0, 0), 0));
        assert_eq!((self.session.unfinished(), self.table.unfinished), ((0, 0), 0));
    }
}
