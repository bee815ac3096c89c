//! The sessions in steps of `spec/vectors/sessions.json`, as a stranger would replay them: everything that happens is
//! taken from the file, and what the core then does is held against it.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU16, NonZeroU64};
use std::time::Duration;

use serde_json::{Value, json};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Framer, Frames, Reading};
use snow_dist_runtime::core::globals::{Conflict, Globals, NAME_CONFLICT, OnConflict};
use snow_dist_runtime::core::handshake::Bounds;
use snow_dist_runtime::core::peers::{ConnectionId, Sign};
use snow_dist_runtime::core::session::{
    Config, Ending, NotCalled, NotMade, NotReplied, NotSent, Timing, Version,
};
use snow_dist_runtime::core::{
    Caller, Chain, NodeNumber, Numbering, Pid, Processes, Reason, Session, Start, Term,
};
use snow_dist_tests::run;
use snow_dist_tests::simnet::{Seen, Table};

/// The number of the first node that is met.
const PEER: u64 = 1;

/// The connection with it.
const CONNECTION: ConnectionId = ConnectionId(1);

/// The payloads of PINGs are the node's choice. This one tells the session from others.
const PING: [u8; 8] = [0xC0; 8];

#[test]
fn every_story_goes_as_it_is_told() {
    let stories = run::read("sessions.json");
    assert!(stories.len() > 80);
    for story in &stories {
        let mut node = Node::new(&story["given"]);
        for (index, step) in story["steps"].as_array().unwrap().iter().enumerate() {
            node.step(step, &format!("{}, step {index}: {}", story["id"], step["comment"]));
        }
        assert_eq!(node.ending.is_some(), story["closes"].as_bool().unwrap(), "{}", story["id"]);
    }
}

#[test]
fn every_frame_of_a_story_is_read_as_it_says() {
    let mut tags = BTreeSet::new();
    for story in run::read("sessions.json") {
        for step in story["steps"].as_array().unwrap() {
            let received = step["receive"].as_array().into_iter().flatten();
            for frame in received.chain(step["writes"].as_array().unwrap()) {
                tags.extend(frame["value"]["tag"].as_str().map(str::to_owned));
                judge(frame, &story["id"]);
            }
        }
    }
    for (_, tag) in Frame::TAGS {
        assert!(tags.contains(*tag), "no story has {tag}");
    }
}

fn judge(frame: &Value, id: &Value) {
    let bytes = run::join(&frame["hex"]);
    if frame.get("part").is_some() {
        return;
    }
    let mut frames = Frames::new(&bytes, FRAME_BYTES_MAX);
    let payload = match frames.next() {
        Some(Ok(payload)) => payload,
        Some(Err(error)) => {
            let found =
                json!({"kind": "too_long", "layer": "framing", "length": error.length, "max": error.max});
            return assert_eq!(found, frame["error"], "{id}");
        }
        // A length over a lower limit than that of the protocol.
        None => return,
    };
    assert!(frames.remaining().is_empty(), "{id}");
    match run::decode("frame", payload, Reading::Compatible) {
        Ok(value) => assert_eq!(value, frame["value"], "{id}"),
        Err(error) => {
            let said = ["kind", "field", "at"].map(|word| frame["error"][word].clone());
            let found: [Value; 3] =
                [error.kind.name().into(), error.field.to_string().into(), error.at.into()];
            assert_eq!(found, said, "{id}");
        }
    }
}

/// A node of the file's making.
struct Node {
    session: Session,
    table: Table,
    framer: Framer,
    now: Duration,
    ending: Option<&'static str>,
    closing: bool,
    creations: [u8; 2],
    is_version_1: bool,
    /// The refs of version 1 that the file has, and those that the core has chosen instead.
    refs: BTreeMap<String, Value>,
    /// The payloads of PINGs that the file has, and those that the core has chosen instead.
    pings: BTreeMap<String, Value>,
    /// How much each process has seen before the present step, and who had ended.
    seen: BTreeMap<u64, usize>,
    over: BTreeSet<u64>,
}

fn start(name: &str, incarnation: u64) -> Start {
    Start { name: name.into(), incarnation: NonZeroU64::new(incarnation).unwrap() }
}

fn capabilities(names: &Value) -> Capabilities {
    let of = |name: &Value| match name.as_str().unwrap() {
        "node_table" => Capabilities::NODE_TABLE,
        "fragments" => Capabilities::FRAGMENTS,
        "remote_exit" => Capabilities::REMOTE_EXIT,
        "send_term" => Capabilities::SEND_TERM,
        "calls" => Capabilities::CALLS,
        "names" => Capabilities::NAMES,
        "terms_2" => Capabilities::TERMS_2,
        other => panic!("{other} is no capability"),
    };
    names.as_array().unwrap().iter().map(of).fold(Capabilities::NONE, Capabilities::union)
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn small(value: &Value) -> u32 {
    u32::try_from(number(value)).unwrap()
}

fn version(given: &Value) -> Version {
    let node_id = || NonZeroU16::new(u16::try_from(number(&given["node_id"])).unwrap());
    match number(&given["version"]) {
        // Other random bytes than those of the file.
        1 if given["node_id"].is_null() => Version::One { node_id: None, seed: [0xC0; 32] },
        1 => Version::One { node_id: node_id(), seed: [0xC0; 32] },
        2 => Version::Two,
        other => panic!("there is no version {other}"),
    }
}

fn not_made(why: NotMade) -> &'static str {
    match why {
        NotMade::NodeIdUnknown => "node_id",
        NotMade::NameTooLong { .. } => "too_long",
        NotMade::Lacking(_) => "capability",
        _ => "limit",
    }
}

fn not_sent(why: NotSent) -> &'static str {
    match why {
        NotSent::LooksLikeSignal => "signal",
        NotSent::Lacking(_) => "capability",
        _ => "too_long",
    }
}

fn not_called(why: NotCalled) -> &'static str {
    match why {
        NotCalled::NotMade(why) => not_made(why),
        NotCalled::NotSent(why) => not_sent(why),
        other => panic!("no story says so: {other}"),
    }
}

fn not_replied(why: NotReplied) -> &'static str {
    match why {
        NotReplied::NotSent(why) => not_sent(why),
        _ => "over",
    }
}

fn bounds(end: &Value) -> Bounds {
    Bounds {
        frame_bytes: small(&end["frame_bytes_max"]),
        links_and_monitors: small(&end["links_and_monitors_max"]),
        node_table_entries: small(&end["node_table_entries_max"]),
        ..Bounds::default()
    }
}

impl Node {
    fn new(given: &Value) -> Self {
        let (node, peer) = (&given["node"], &given["peer"]);
        let creations = [node, peer].map(|end| u8::try_from(number(&end["creation"])).unwrap());
        let milliseconds = |name: &str| Duration::from_millis(number(&given["times"][name]));
        let config = Config {
            version: version(given),
            peer: NodeNumber::other(PEER).unwrap(),
            peer_creation: creations[1],
            creation: creations[0],
            capabilities: capabilities(&given["capabilities"]),
            bounds: bounds(node),
            peer_bounds: bounds(peer),
            timing: Timing {
                interval: milliseconds("heartbeat_interval_ms"),
                timeout: milliseconds("heartbeat_timeout_ms"),
            },
            ping: PING,
        };
        let mut table = Table::of(start("node@h:1", u64::from(creations[0]) - 1));
        // A node of version 1 announces none.
        let incarnation = match config.version {
            Version::One { .. } => None,
            Version::Two => NonZeroU64::new(u64::from(creations[1]) - 1),
        };
        assert_eq!(table.numbers.of(&"peer@h:1".into(), incarnation), config.peer);
        for process in given["processes"].as_array().unwrap() {
            let local = number(&process["local"]);
            if process["traps_exits"] == true {
                table.start_trapping(local)
            } else {
                table.start(local)
            }
            if process["mailbox_is_full"] == true {
                table.fill(local);
            }
            for name in process["names"].as_array().unwrap() {
                table.register(name.as_str().unwrap(), local);
            }
        }
        let mut framer = Framer::default();
        framer.handshake_done(small(&node["frame_bytes_max"]));
        let mut session = Session::new(&config, Duration::ZERO);
        if let Some(names) = given["global_names"].as_object() {
            let own = start("node@h:1", u64::from(creations[0]) - 1);
            let mut globals = Globals::new(own.clone());
            for (name, local) in names {
                globals.register(name, number(local), OnConflict::Exit).unwrap();
            }
            session.tell_globals(&own.name, globals.own());
            globals.up(CONNECTION, &start("peer@h:1", u64::from(creations[1]) - 1));
            table.globals = Some((CONNECTION, globals));
        }
        let (refs, pings, seen, over) = Default::default();
        Self {
            session,
            table,
            framer,
            now: Duration::ZERO,
            ending: None,
            closing: false,
            creations,
            is_version_1: config.version != Version::Two,
            refs,
            pings,
            seen,
            over,
        }
    }

    fn step(&mut self, step: &Value, at: &str) {
        assert_eq!(self.ending, None, "{at}: the session is up before");
        let refused = self.cause(step);
        assert_eq!(json!(refused), step["refused"], "{at}");
        self.tell();
        let mut bytes = Vec::new();
        if step["blocked"].is_null() {
            if self.ending == Some("protocol_error") {
                self.session.close(1, "");
            }
            if self.ending.is_none_or(|ending| ending == "protocol_error") {
                self.session.write(&mut bytes, usize::MAX);
                self.session.handle_taken(self.now);
            }
        }
        self.judge_written(&bytes, step, at);
        if self.ending.is_some() {
            self.session.end(&mut self.table);
            if let Some((on, globals)) = &mut self.table.globals {
                globals.down(*on);
            }
        }
        self.judge_globals(&step["global_names"], at);
        self.judge_seen(&step["sees"], at);
        self.judge_ended(&step["ended"], at);
        assert_eq!(self.ending.unwrap_or("up"), step["session"].as_str().unwrap(), "{at}");
    }

    /// What happens in the step; for what is asked, why it is refused.
    fn cause(&mut self, step: &Value) -> Option<&'static str> {
        if let Some(ask) = step["ask"].as_object() {
            return self.ask(&ask.clone().into());
        }
        if let Some(frames) = step["receive"].as_array() {
            self.receive(&frames.iter().flat_map(|frame| self.arriving(frame)).collect::<Vec<_>>());
        } else if let Some(milliseconds) = step["wait_ms"].as_u64() {
            self.wait(Duration::from_millis(milliseconds));
        } else if let Some(milliseconds) = step["held_up_ms"].as_u64() {
            self.now += Duration::from_millis(milliseconds);
            self.judge();
        } else if step["lose"] == true {
            self.ending = Some(if self.closing { "stopped" } else { "lost" });
        } else {
            assert_eq!(step["unblock"], true);
        }
        None
    }

    /// Why it is refused.
    fn ask(&mut self, ask: &Value) -> Option<&'static str> {
        match ask["do"].as_str().unwrap() {
            "global_register" => {
                let (local, name) = (number(&ask["process"]), ask["name"].as_str().unwrap());
                let (_, globals) = self.table.globals.as_mut().unwrap();
                match globals.register(name, local, OnConflict::Exit) {
                    Ok(name) => self.session.register_global(&name, local),
                    Err(_) => return Some("taken"),
                }
                None
            }
            "send" | "send_named" | "send_term" | "send_named_term" => {
                self.ask_to_send(ask).err().map(not_sent)
            }
            "link" | "monitor" | "monitor_named" => self.ask_to_tie(ask).err().map(not_made),
            "call" | "call_named" => self.ask_to_call(ask).err().map(not_called),
            "reply" => {
                let (caller, mut term) = (self.caller(ask), self.term(ask));
                self.session.reply(&caller, &mut term).err().map(not_replied)
            }
            "exit" => {
                let reason = self.reason(&ask["reason"]);
                let sent = self.session.exit(number(&ask["process"]), number(&ask["to"]), &reason);
                sent.err().map(|_| "capability")
            }
            _ => {
                self.do_at_once(ask);
                None
            }
        }
    }

    fn ask_to_send(&mut self, ask: &Value) -> Result<(), NotSent> {
        let (local, bytes, name) =
            (number(&ask["process"]), run::join(&ask["message"]), ask["name"].as_str());
        match (ask["pids"].is_null(), name) {
            (true, None) => self.session.send(local, number(&ask["to"]), &bytes),
            (true, Some(name)) => self.session.send_named(local, name, &bytes),
            (false, name) => {
                let mut term = self.term(ask);
                match name {
                    None => self.session.send_term(local, number(&ask["to"]), &mut term),
                    Some(name) => self.session.send_named_term(local, name, &mut term),
                }
            }
        }
    }

    fn ask_to_tie(&mut self, ask: &Value) -> Result<(), NotMade> {
        let (session, local) = (&mut self.session, number(&ask["process"]));
        match (ask["name"].as_str(), ask["ref"].is_null()) {
            (Some(name), _) => session.monitor_named(local, name, number(&ask["ref"])),
            (None, true) => session.link(local, number(&ask["to"])),
            (None, false) => session.monitor(local, number(&ask["to"]), number(&ask["ref"])),
        }
    }

    fn ask_to_call(&mut self, ask: &Value) -> Result<(), NotCalled> {
        let (local, reference, mut term) = (number(&ask["process"]), number(&ask["ref"]), self.term(ask));
        match ask["name"].as_str() {
            Some(name) => self.session.call_named(local, name, reference, &mut term),
            None => self.session.call(local, number(&ask["to"]), reference, &mut term),
        }
    }

    /// What is never refused.
    fn do_at_once(&mut self, ask: &Value) {
        let (local, remote, reference) = (&ask["process"], &ask["to"], &ask["ref"]);
        match ask["do"].as_str().unwrap() {
            "unlink" => self.session.unlink(number(local), number(remote)),
            // What there is of it is seen by what is written.
            "demonitor" => drop(self.session.demonitor(number(reference))),
            "unanswered" => {
                let caller = self.caller(ask);
                self.session.leave_unanswered(&caller);
            }
            "end" => {
                for hop in ask["reason"]["hops"].as_array().into_iter().flatten() {
                    self.introduced(hop);
                }
                self.table.end(number(local), self.reason(&ask["reason"]));
            }
            "close" => {
                self.session.close(0, "");
                self.closing = true;
            }
            "probe" => {
                let sign = if self.is_version_1 { Sign::Use } else { Sign::Life };
                self.session.probe(self.now, sign);
            }
            other => panic!("nobody can ask for {other}"),
        }
    }

    /// The term that is asked to be written, all of whose nodes the session has been told of.
    fn term(&mut self, ask: &Value) -> Term {
        let pids: Vec<_> = ask["pids"].as_array().unwrap().iter().map(|pid| self.introduced(pid)).collect();
        Term::new(run::join(&ask["message"]), &pids).unwrap()
    }

    /// Who has called, as the process that has the call knows it.
    fn caller(&self, ask: &Value) -> Caller {
        let wanted = (number(&ask["to"]), number(&ask["ref"]));
        let of = |seen: &Seen| match seen {
            Seen::Call(caller, ..) => ((caller.pid.local(), caller.reference) == wanted).then_some(*caller),
            _ => None,
        };
        self.table.locals().flat_map(|local| self.table.seen(local)).find_map(of).unwrap()
    }

    /// The process, whose node the session has been told of.
    fn introduced(&mut self, pid: &Value) -> Pid {
        if pid["of"] == "third" {
            self.table.numbers.heard_of(start(pid["name"].as_str().unwrap(), number(&pid["incarnation"])));
        }
        let pid = self.pid(pid);
        let start = self.table.numbers.start(pid.node()).cloned();
        self.session.introduce(pid.node(), || start);
        pid
    }

    /// The bytes of a frame that the peer writes: what answers a MONITOR has the ref that the core has chosen.
    fn arriving(&self, frame: &Value) -> Vec<u8> {
        if frame["value"]["tag"] != "MONITOR_EXIT" && frame["value"]["tag"] != "PONG" {
            return run::join(&frame["hex"]);
        }
        let payload = run::encode("frame", &self.chosen(&frame["value"]));
        [&u32::try_from(payload.len()).unwrap().to_le_bytes()[..], &payload].concat()
    }

    /// The same frame, with the ref that the core has chosen in place of the file's.
    fn chosen(&self, value: &Value) -> Value {
        let mut value = value.clone();
        let tag = value["tag"].as_str().unwrap().to_owned();
        if let Some(chosen) = value["fields"]["payload"].as_str().and_then(|payload| self.pings.get(payload))
            && tag == "PONG"
        {
            value["fields"]["payload"] = chosen.clone();
        }
        if let Some(chosen) = value["fields"]["ref"].as_str().and_then(|reference| self.refs.get(reference))
            && matches!(&*tag, "MONITOR_EXIT" | "DEMONITOR")
        {
            value["fields"]["ref"] = chosen.clone();
        }
        value
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.session.handle_received(self.now);
        self.framer.push(bytes);
        loop {
            let payload = match self.framer.next_payload() {
                Ok(Some(payload)) => payload,
                Ok(None) => return,
                Err(_) => return self.ending = Some("protocol_error"),
            };
            let handled = Frame::decode(&payload, Reading::Compatible)
                .map_err(|error| Ending::Protocol(error.to_string()))
                .and_then(|frame| self.session.handle_frame(&frame, &mut self.table));
            match handled {
                Ok(()) => self.tell(),
                Err(Ending::Protocol(_)) => return self.ending = Some("protocol_error"),
                Err(Ending::Closed { .. }) => return self.ending = Some("closed"),
                Err(other) => panic!("no frame ends a session so: {other}"),
            }
        }
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while self.ending.is_none() && self.session.deadline().0 <= until {
            self.now = self.session.deadline().0;
            self.judge();
        }
        self.now = until;
    }

    fn judge(&mut self) {
        self.ending = self.session.handle_timeout(self.now).err().map(|ending| match ending {
            Ending::Unused => "unused",
            _ => "silent",
        });
    }

    fn tell(&mut self) {
        for Conflict { name, local, winner, .. } in std::mem::take(&mut self.table.conflicts) {
            self.session.unregister_global(&name);
            self.table.exit(local, winner, Reason::custom(NAME_CONFLICT));
        }
        while let Some((local, reason)) = self.table.take_untold() {
            for name in self.table.globals.iter_mut().flat_map(|(_, globals)| globals.process_ended(local)) {
                self.session.unregister_global(&name);
            }
            if self.ending.is_none() {
                self.session.process_ended(local, &reason);
            }
        }
    }

    fn judge_written(&mut self, bytes: &[u8], step: &Value, at: &str) {
        let mut frames = Frames::new(bytes, u32::MAX);
        let mut found: Vec<_> = frames
            .by_ref()
            .map(|payload| run::decode("frame", payload.unwrap(), Reading::Compatible).unwrap())
            .collect();
        assert!(frames.remaining().is_empty(), "{at}");
        let expected = step["writes"].as_array().unwrap();
        let mut values: Vec<_> = expected.iter().map(|frame| self.chosen(&frame["value"])).collect();
        if step["any_order"] == true {
            found.sort_by_key(Value::to_string);
            values.sort_by_key(Value::to_string);
        } else if self.refs.is_empty() && expected.iter().all(|frame| frame["free"].is_null()) {
            let all: Vec<u8> = expected.iter().flat_map(|frame| run::join(&frame["hex"])).collect();
            assert_eq!(hex::encode(bytes), hex::encode(all), "{at}");
        }
        assert_eq!(found.len(), values.len(), "{at}: {found:#?}");
        for ((found, value), frame) in found.iter_mut().zip(&mut values).zip(expected) {
            for field in frame["free"].as_array().into_iter().flatten() {
                let field = field.as_str().unwrap();
                // What the core counts is counted as in the file; the rest it chooses anew.
                if field == "ref" && self.is_version_1 {
                    self.choose(value, found);
                } else if matches!(field, "payload" | "text") {
                    if let Some(said) = value["fields"]["payload"].as_str() {
                        self.pings.insert(said.to_owned(), found["fields"]["payload"].clone());
                    }
                    assert!(found["fields"][field].take() != Value::Null, "{at}");
                    value["fields"][field].take();
                }
            }
            assert_eq!(found, value, "{at}");
        }
    }

    /// The number of a monitor in version 1: it is a new one, and stands for that of the file from here on.
    fn choose(&mut self, value: &mut Value, found: &Value) {
        let chosen = &found["fields"]["ref"];
        assert!(!self.refs.values().any(|other| other == chosen));
        let said = std::mem::replace(&mut value["fields"]["ref"], chosen.clone());
        self.refs.insert(said.as_str().unwrap().to_owned(), chosen.clone());
    }

    fn judge_seen(&mut self, sees: &Value, at: &str) {
        let mut expected: BTreeMap<u64, Vec<Seen>> = BTreeMap::new();
        for seen in sees.as_array().unwrap() {
            let pids = || seen["pids"].as_array().unwrap().iter().map(|pid| self.pid(pid)).collect();
            let what = if !seen["call"].is_null() {
                let caller = Caller {
                    pid: self.pid(&seen["call"]),
                    reference: number(&seen["ref"]),
                    session: u64::from_le_bytes(PING),
                };
                Seen::Call(caller, run::join(&seen["message"]), pids())
            } else if !seen["reply"].is_null() {
                Seen::Reply(number(&seen["ref"]), run::join(&seen["reply"]), pids())
            } else if !seen["call_ended"].is_null() {
                Seen::CallEnded(number(&seen["ref"]), self.reason(&seen["call_ended"]))
            } else if !seen["named"].is_null() {
                Seen::Named(number(&seen["ref"]), self.pid(&seen["named"]))
            } else if !seen["exit"].is_null() {
                Seen::Exit(self.pid(&seen["exit"]), self.reason(&seen["reason"]))
            } else if !seen["down"].is_null() {
                Seen::Down(number(&seen["ref"]), self.pid(&seen["down"]), self.reason(&seen["reason"]))
            } else if !seen["pids"].is_null() {
                Seen::Term(run::join(&seen["message"]), pids())
            } else {
                Seen::Message(run::join(&seen["message"]))
            };
            expected.entry(number(&seen["process"])).or_default().push(what);
        }
        for local in self.table.locals().collect::<Vec<_>>() {
            let all = self.table.seen(local);
            let before = self.seen.insert(local, all.len()).unwrap_or_default();
            assert_eq!(all[before..], expected.remove(&local).unwrap_or_default(), "{at}: process {local}");
        }
        assert!(expected.is_empty(), "{at}");
    }

    fn judge_globals(&self, known: &Value, at: &str) {
        let names = self.table.globals.iter().flat_map(|(_, globals)| globals.names());
        let found: BTreeMap<_, _> = names.map(|(name, pid)| (name.to_string(), pid)).collect();
        let said = known.as_object().into_iter().flatten();
        let said: BTreeMap<_, _> = said.map(|(name, pid)| (name.clone(), self.pid(pid))).collect();
        assert_eq!(found, said, "{at}");
    }

    fn judge_ended(&mut self, ended: &Value, at: &str) {
        let mut now = BTreeSet::new();
        for end in ended.as_array().unwrap() {
            let local = number(&end["process"]);
            now.insert(local);
            assert_eq!(self.table.ended(local), Some(&self.reason(&end["reason"])), "{at}: process {local}");
        }
        let over: BTreeSet<_> = self.table.locals().filter(|local| !self.table.is_alive(*local)).collect();
        assert_eq!(&over - &self.over, now, "{at}");
        self.over = over;
    }

    fn pid(&self, pid: &Value) -> Pid {
        if pid["of"] == "third" {
            let start = start(pid["name"].as_str().unwrap(), number(&pid["incarnation"]));
            // The same one whoever asks; what is asked here is not kept.
            let number = self.table.numbers.clone().heard_of(start);
            return Pid::new(
                number,
                u8::try_from(self::number(&pid["creation"])).unwrap(),
                self::number(&pid["local"]),
            );
        }
        let (node, creation) = match pid["of"].as_str().unwrap() {
            "node" => (NodeNumber::HERE, self.creations[0]),
            "peer" => (NodeNumber::other(PEER).unwrap(), self.creations[1]),
            _ => (NodeNumber::UNKNOWN, u8::try_from(number(&pid["creation"])).unwrap()),
        };
        assert_eq!(u64::from(creation), number(&pid["creation"]));
        Pid::new(node, creation, number(&pid["local"]))
    }

    fn reason(&self, reason: &Value) -> Reason {
        let text = || reason["text"].as_str().unwrap().into();
        match reason["kind"].as_str().unwrap() {
            "normal" => Reason::Normal,
            "error" => Reason::Error(text()),
            "killed" => Reason::Killed,
            "shutdown" => Reason::Shutdown,
            "custom" => Reason::Custom(text()),
            "noconnection" => Reason::Noconnection,
            "unknown" => {
                let payload = hex::decode(reason["payload"].as_str().unwrap()).unwrap();
                Reason::Unknown(
                    [&[u8::try_from(number(&reason["code"])).unwrap()][..], &payload].concat().into(),
                )
            }
            _ => {
                let hops = reason["hops"].as_array().unwrap().iter().map(|hop| self.pid(hop)).collect();
                Reason::Linked(Chain { hops, root: self.reason(&reason["root"]) }.into())
            }
        }
    }
}
