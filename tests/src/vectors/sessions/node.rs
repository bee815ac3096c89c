//! A node as far as one session needs it: the core, driven as the runtime drives it, and a process table that writes
//! down what happens.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU64;
use std::time::Duration;

use serde_json::{Value, json};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Framer, Frames, Reading};
use snow_dist_runtime::core::globals::{Conflict, Globals, Heard, NAME_CONFLICT, OnConflict};
use snow_dist_runtime::core::handshake;
use snow_dist_runtime::core::peers::{ConnectionId, Sign};
use snow_dist_runtime::core::session::{Config, Ending, Leave, Timing, Version};
use snow_dist_runtime::core::{
    Caller, GlobalNews, NodeNumber, Numbering, Numbers, Pid, Processes, Reason, Session, Start, TermPids,
};

use super::frames::{CREATION, PEER_CREATION};
use super::story::segments;
use crate::run;
use crate::simnet::pids_of;

/// The creation that every node of version 1 announces.
const CREATION_OF_VERSION_1: u8 = 1;

/// What both nodes have announced beside the node's creation, and so the version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) version: Version,
    /// If it is not of version 1.
    pub(super) peer_creation: u8,
    pub(super) frame_bytes: [u32; 2],
    pub(super) links_and_monitors: [u32; 2],
    pub(super) node_table_entries: [u32; 2],
    /// Both nodes have announced these.
    pub(super) capabilities: Capabilities,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            version: Version::Two,
            peer_creation: PEER_CREATION,
            frame_bytes: [FRAME_BYTES_MAX; 2],
            links_and_monitors: [1_000_000; 2],
            node_table_entries: [4_096; 2],
            capabilities: Capabilities::NONE,
        }
    }
}

impl Bounds {
    pub(super) const fn peer_creation(&self) -> u8 {
        match self.version {
            Version::One { .. } => CREATION_OF_VERSION_1,
            Version::Two => self.peer_creation,
        }
    }

    /// A node of version 1 announces none.
    fn peer_incarnation(&self) -> Option<NonZeroU64> {
        match self.version {
            Version::One { .. } => None,
            Version::Two => NonZeroU64::new(u64::from(self.peer_creation) - 1),
        }
    }

    /// Those of the node, 0, or of its peer, 1.
    fn of(&self, end: usize) -> handshake::Bounds {
        handshake::Bounds {
            frame_bytes: self.frame_bytes[end],
            links_and_monitors: self.links_and_monitors[end],
            node_table_entries: self.node_table_entries[end],
            ..handshake::Bounds::default()
        }
    }
}

/// A process that a story speaks of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose {
    Node(u64),
    Peer(u64),
    /// One of the third node, in the start with this incarnation.
    Third(u64, u64),
}

pub(super) const PEER: &str = "peer@h:1";
/// The one connection that there is.
const CONNECTION: ConnectionId = ConnectionId(1);
/// A node that neither of the two is.
pub(super) const THIRD: &str = "c@h:9000";

fn start(name: &str, incarnation: u64) -> Start {
    Start { name: name.into(), incarnation: NonZeroU64::new(incarnation).unwrap() }
}

pub(super) struct Node {
    pub(super) session: Session,
    pub(super) table: Table,
    framer: Framer,
    now: Duration,
    /// The transport takes no bytes.
    pub(super) blocked: bool,
    /// The node has said CLOSE.
    closing: bool,
    pub(super) ended: Option<&'static str>,
    /// What the node asks of the peer when it probes the session.
    sign: Sign,
}

impl Node {
    pub(super) fn new(bounds: Bounds) -> Self {
        let config = Config {
            version: bounds.version,
            peer: NodeNumber::other(1).unwrap(),
            peer_creation: bounds.peer_creation(),
            creation: CREATION,
            capabilities: bounds.capabilities,
            bounds: bounds.of(0),
            peer_bounds: bounds.of(1),
            timing: Timing::default(),
            ping: [0x70; 8],
        };
        let mut framer = Framer::default();
        framer.handshake_done(bounds.frame_bytes[0]);
        let own = start("node@h:1", u64::from(CREATION) - 1);
        let mut globals = Globals::new(own.clone());
        if let Some(incarnation) = bounds.peer_incarnation() {
            globals.up(CONNECTION, &start(PEER, incarnation.get()));
        }
        let mut session = Session::new(&config, Duration::ZERO);
        session.tell_globals(&own.name, []);
        let mut numbers = Numbers::new(own);
        let number = numbers.of(&PEER.into(), bounds.peer_incarnation());
        assert_eq!(number, config.peer);
        Self {
            session,
            table: Table::new(numbers, globals),
            framer,
            now: Duration::ZERO,
            blocked: false,
            closing: false,
            ended: None,
            sign: if bounds.version == Version::Two { Sign::Life } else { Sign::Use },
        }
    }

    /// The process that a value stands for; if it is one of a third node, the session is told of that node.
    pub(super) fn pid(&mut self, pid: Whose) -> Pid {
        match pid {
            Whose::Node(local) => Pid::new(NodeNumber::HERE, CREATION, local),
            Whose::Peer(remote) => Pid::new(NodeNumber::other(1).unwrap(), PEER_CREATION, remote),
            Whose::Third(incarnation, local) => {
                let start = start(THIRD, incarnation);
                let (number, creation) = (self.table.numbers.heard_of(start.clone()), start.creation());
                self.session.introduce(number, || Some(start));
                Pid::new(number, creation, local)
            }
        }
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.session.handle_received(self.now);
        self.framer.push(bytes);
        if let Err(ending) = self.handle_arrived() {
            self.end(&ending);
        }
    }

    fn handle_arrived(&mut self) -> Result<(), Ending> {
        let protocol = |text: String| Ending::Protocol(text);
        while let Some(payload) = self.framer.next_payload().map_err(|error| protocol(error.to_string()))? {
            let frame =
                Frame::decode(&payload, Reading::Compatible).map_err(|error| protocol(error.to_string()))?;
            self.session.handle_frame(&frame, &mut self.table)?;
            self.tell();
        }
        Ok(())
    }

    /// Tells the session of the processes that have ended.
    pub(super) fn tell(&mut self) {
        for Conflict { name, local, winner, .. } in std::mem::take(&mut self.table.conflicts) {
            self.session.unregister_global(&name);
            self.table.exit(local, winner, Reason::custom(NAME_CONFLICT));
        }
        while let Some((local, reason)) = self.table.untold.pop_front() {
            for name in self.table.globals.process_ended(local) {
                self.session.unregister_global(&name);
            }
            if self.ended.is_none() {
                self.session.process_ended(local, &reason);
            }
        }
    }

    pub(super) fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while self.ended.is_none() && self.session.deadline().0 <= until {
            self.now = self.session.deadline().0;
            self.judge();
        }
        self.now = until;
    }

    /// The node does not run for so long.
    pub(super) fn hold_up(&mut self, time: Duration) {
        self.now += time;
        self.judge();
    }

    fn judge(&mut self) {
        if let Err(ending) = self.session.handle_timeout(self.now) {
            self.end(&ending);
        }
    }

    /// A process has a global name when the session begins.
    pub(super) fn own_global(&mut self, local: u64, name: &str) {
        self.table.globals.register(name, local, OnConflict::Exit).unwrap();
        self.session.tell_globals(&"node@h:1".into(), self.table.globals.own());
    }

    /// Returns why it is refused.
    pub(super) fn register_global(&mut self, local: u64, name: &str) -> Option<&'static str> {
        match self.table.globals.register(name, local, OnConflict::Exit) {
            Ok(name) => {
                self.session.register_global(&name, local);
                None
            }
            Err(_) => Some("taken"),
        }
    }

    /// The global names that are known, and who has each.
    pub(super) fn globals(&self) -> Value {
        let named = self.table.globals.names();
        Value::Object(named.map(|(name, pid)| (name.to_string(), self.table.pid_here(pid))).collect())
    }

    pub(super) fn probe(&mut self) {
        self.session.probe(self.now, self.sign);
    }

    pub(super) fn close(&mut self) {
        self.session.close(0, "the node stops");
        self.closing = true;
    }

    pub(super) fn lose(&mut self) {
        let ending = if self.closing { Ending::Stopped } else { Ending::Lost(String::new()) };
        self.end(&ending);
    }

    fn end(&mut self, ending: &Ending) {
        if let Leave::Close { code, text } = ending.leave() {
            self.session.close(code, text);
        }
        self.ended = Some(match ending {
            Ending::Protocol(_) => "protocol_error",
            Ending::Closed { .. } => "closed",
            Ending::Silent => "silent",
            Ending::Unused => "unused",
            Ending::Lost(_) => "lost",
            Ending::Stopped => "stopped",
            other => panic!("no story ends so: {other}"),
        });
    }

    /// What the node writes now; of a session that has ended, only what goes before its CLOSE.
    pub(super) fn write(&mut self) -> Vec<Value> {
        if self.blocked || self.ended.is_some_and(|ended| ended != "protocol_error") {
            return Vec::new();
        }
        let mut bytes = Vec::new();
        self.session.write(&mut bytes, usize::MAX);
        self.session.handle_taken(self.now);
        let mut frames = Frames::new(&bytes, u32::MAX);
        let written = frames.by_ref().map(|payload| written(payload.unwrap())).collect();
        assert!(frames.remaining().is_empty());
        written
    }

    /// Tells the processes that the session is over, if it is.
    pub(super) fn finish(&mut self) {
        if self.ended.is_some() {
            self.session.end(&mut self.table);
            self.table.globals.down(CONNECTION);
            self.table.untold.clear();
        }
    }
}

fn written(payload: &[u8]) -> Value {
    // A root that the node does not know is passed on, so not all of it is for the strict reading.
    let value = run::decode("frame", payload, Reading::Compatible).unwrap_or_else(|error| panic!("{error}"));
    let length = (payload.len() as u32).to_le_bytes();
    let mut frame = json!({"hex": segments(&[&length[..], payload].concat()), "value": value});
    let free = match value["tag"].as_str().unwrap() {
        "UNLINK_ID" => "id",
        "MONITOR" | "MONITOR_NAME" | "CALL" | "CALL_NAME" => "ref",
        "PING" => "payload",
        "CLOSE" => "text",
        "NODE_TABLE" => "index",
        _ => return frame,
    };
    frame["free"] = json!([free]);
    if value["tag"] == "CLOSE" && value["fields"]["code"] != 0 {
        frame["advised"] = true.into();
    }
    frame
}

/// The processes of the node, and what has come of them in the present step.
pub(super) struct Table {
    processes: BTreeMap<u64, Process>,
    untold: VecDeque<(u64, Reason)>,
    numbers: Numbers,
    globals: Globals,
    /// Global names that the node has lost, and does not know of yet.
    conflicts: Vec<Conflict>,
    /// Who has called, by the caller's local id and the call's number.
    pub(super) callers: BTreeMap<(u64, u64), Caller>,
    pub(super) sees: Vec<Value>,
    pub(super) ended: Vec<Value>,
}

#[derive(Default)]
struct Process {
    traps: bool,
    names: Vec<&'static str>,
    /// Its mailbox takes no message.
    full: bool,
    over: bool,
}

impl Table {
    const fn new(numbers: Numbers, globals: Globals) -> Self {
        Self {
            processes: BTreeMap::new(),
            untold: VecDeque::new(),
            numbers,
            globals,
            conflicts: Vec::new(),
            callers: BTreeMap::new(),
            sees: Vec::new(),
            ended: Vec::new(),
        }
    }

    pub(super) fn start(&mut self, local: u64, traps: bool, names: &[&'static str]) -> Value {
        self.processes.insert(local, Process { traps, names: names.to_vec(), ..Process::default() });
        json!({"local": local, "traps_exits": traps, "names": names})
    }

    /// Starts a process whose mailbox takes no message.
    pub(super) fn start_full(&mut self, local: u64) -> Value {
        self.processes.insert(local, Process { full: true, ..Process::default() });
        json!({"local": local, "traps_exits": false, "names": [], "mailbox_is_full": true})
    }

    pub(super) fn end(&mut self, local: u64, reason: Reason) {
        let process = self.processes.get_mut(&local).unwrap();
        assert!(!std::mem::replace(&mut process.over, true), "{local} has ended before");
        self.ended.push(json!({"process": local, "reason": self.reason_here(&reason)}));
        self.untold.push_back((local, reason));
    }

    pub(super) fn reason_here(&self, reason: &Reason) -> Value {
        reason_here(reason, &|pid| self.pid_here(pid))
    }

    pub(super) fn pid_here(&self, pid: Pid) -> Value {
        if let Some(start) = self.numbers.start(pid.node()).filter(|start| &*start.name != PEER) {
            return json!({
                "of": "third", "name": &*start.name, "incarnation": start.incarnation.to_string(),
                "creation": pid.creation(), "local": pid.local(),
            });
        }
        let of = match pid.node() {
            NodeNumber::HERE => "node",
            NodeNumber::UNKNOWN => "unknown",
            _ => "peer",
        };
        json!({"of": of, "creation": pid.creation(), "local": pid.local()})
    }

    fn lives(&self, local: u64) -> bool {
        self.processes.get(&local).is_some_and(|process| !process.over)
    }

    fn takes_messages(&self, local: u64) -> bool {
        self.processes.get(&local).is_some_and(|process| !process.over && !process.full)
    }

    /// What a process is given, if it lives.
    fn see(&mut self, local: u64, what: Value) {
        if self.lives(local) {
            let mut seen = json!({"process": local});
            seen.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
            self.sees.push(seen);
        }
    }

    fn pids_here(&self, term: &[u8], pids: &TermPids) -> Vec<Value> {
        pids_of(term, pids).into_iter().map(|pid| self.pid_here(pid)).collect()
    }
}

impl Processes for Table {
    fn attach(&mut self, local: u64) -> bool {
        self.lives(local)
    }

    fn message(&mut self, local: u64, message: &[u8]) {
        if self.takes_messages(local) {
            self.see(local, json!({"message": segments(message)}));
        }
    }

    fn term(&mut self, local: u64, term: &[u8], pids: TermPids) {
        if self.takes_messages(local) {
            let pids = self.pids_here(term, &pids);
            self.see(local, json!({"message": segments(term), "pids": pids}));
        }
    }

    fn heard_of(&mut self, start: Start) -> NodeNumber {
        self.numbers.heard_of(start)
    }

    fn named_message(&mut self, name: &str, message: &[u8]) {
        if let Some(local) = self.whereis(name) {
            self.message(local, message);
        }
    }

    fn named_term(&mut self, name: &str, term: &[u8], pids: TermPids) {
        if let Some(local) = self.whereis(name) {
            self.term(local, term, pids);
        }
    }

    fn global(&mut self, news: GlobalNews<'_>) -> bool {
        match self.globals.heard(CONNECTION, news) {
            Heard::Known => true,
            Heard::Lost(conflict) => {
                self.conflicts.push(conflict);
                true
            }
            Heard::PassedOver => false,
        }
    }

    fn whereis(&mut self, name: &str) -> Option<u64> {
        let named = self.processes.iter().find(|(_, process)| process.names.contains(&name) && !process.over);
        named.map(|(local, _)| *local)
    }

    fn call(&mut self, local: u64, caller: Caller, term: &[u8], pids: TermPids) -> bool {
        if !self.takes_messages(local) {
            return false;
        }
        let (reference, pids) = (caller.reference, self.pids_here(term, &pids));
        self.callers.insert((caller.pid.local(), reference), caller);
        let call = self.pid_here(caller.pid);
        self.see(
            local,
            json!({"call": call, "ref": reference.to_string(), "message": segments(term), "pids": pids}),
        );
        true
    }

    fn reply(&mut self, local: u64, reference: u64, term: &[u8], pids: TermPids) {
        let pids = self.pids_here(term, &pids);
        self.see(local, json!({"reply": segments(term), "ref": reference.to_string(), "pids": pids}));
    }

    fn reply_lost(&mut self, _: u64, _: u64) {
        panic!("there is room for what is begun");
    }

    fn call_ended(&mut self, local: u64, reference: u64, reason: Reason) {
        let why = self.reason_here(&reason);
        self.see(local, json!({"call_ended": why, "ref": reference.to_string()}));
    }

    fn named(&mut self, local: u64, reference: u64, pid: Pid) {
        let named = self.pid_here(pid);
        self.see(local, json!({"named": named, "ref": reference.to_string()}));
    }

    fn exit(&mut self, local: u64, from: Pid, reason: Reason) {
        if !self.lives(local) {
            return;
        }
        let (exit, why) = (self.pid_here(from), self.reason_here(&reason));
        self.sees.push(json!({"process": local, "exit": exit, "reason": why}));
        if reason.kills() && !self.processes[&local].traps {
            self.end(local, Reason::linked(from, &reason));
        }
    }

    fn exits(&mut self, local: u64, from: &[Pid], reason: &Reason) {
        from.iter().for_each(|from| self.exit(local, *from, reason.clone()));
    }

    fn down(&mut self, local: u64, reference: u64, from: Pid, reason: Reason) {
        let (down, reason) = (self.pid_here(from), self.reason_here(&reason));
        self.see(local, json!({"down": down, "ref": reference.to_string(), "reason": reason}));
    }
}

fn reason_here(reason: &Reason, pid_here: &impl Fn(Pid) -> Value) -> Value {
    match reason {
        Reason::Normal => json!({"kind": "normal"}),
        Reason::Error(text) => json!({"kind": "error", "text": &**text}),
        Reason::Killed => json!({"kind": "killed"}),
        Reason::Shutdown => json!({"kind": "shutdown"}),
        Reason::Custom(text) => json!({"kind": "custom", "text": &**text}),
        Reason::Noconnection => json!({"kind": "noconnection"}),
        Reason::Unknown(bytes) => {
            json!({"kind": "unknown", "code": bytes[0], "payload": hex::encode(&bytes[1..])})
        }
        Reason::Linked(chain) => {
            let hops: Vec<_> = chain.hops.iter().map(|hop| pid_here(*hop)).collect();
            json!({"kind": "linked", "hops": hops, "root": reason_here(&chain.root, pid_here)})
        }
    }
}
