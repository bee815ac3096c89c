//! The connections of `spec/vectors/elections.json`, as a stranger would replay them: event by event against the core.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::time::Duration;

use serde_json::{Value, json};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{Frame, Framer, Frames, Reading};
use snow_dist_runtime::core::handshake::Bounds;
use snow_dist_runtime::core::limits::PROBE_TIMEOUT;
use snow_dist_runtime::core::peers::{
    Action, ConnectionId, DialDecision, Peers, Refusal, ReplyDecision, Sign,
};
use snow_dist_runtime::core::session::{Config, Timing, Version};
use snow_dist_runtime::core::{NodeNumber, Session, Start};
use snow_dist_tests::simnet::Table;
use snow_dist_tests::{requirements, run};

const MILLISECOND: Duration = Duration::from_millis(1);
/// The code of a CLOSE that gives way to another connection.
const REPLACED: u16 = 3;

#[test]
fn every_election_goes_as_it_is_told() {
    let elections = run::read("elections.json");
    assert!(elections.len() > 45);
    for election in &elections {
        replay(election);
    }
}

/// What a table of places would leave out without anybody noticing.
#[test]
fn each_rule_of_elections_has_one() {
    let elections = run::read("elections.json");
    let shown: BTreeSet<_> =
        elections.iter().flat_map(|vector| vector["requirements"].as_array().unwrap()).map(text).collect();
    for requirement in requirements::all().iter().filter(|it| it.id.starts_with("CON-ELC-")) {
        assert!(shown.contains(&*requirement.id), "no election shows {}", requirement.id);
    }
}

fn replay(election: &Value) {
    let mut node = Node::new(&election["given"]);
    for step in election["steps"].as_array().unwrap() {
        let at = format!("{}: {}", election["id"], step["comment"]);
        let answer = node.take(step);
        assert_eq!(json!(answer), step["answer"], "{at}");
        let (mut done, mut expected) =
            (std::mem::take(&mut node.done), step["does"].as_array().unwrap().clone());
        done.sort_by_key(Value::to_string);
        expected.sort_by_key(Value::to_string);
        assert_eq!(done, expected, "{at}");
        assert_eq!(json!(node.session()), step["session"], "{at}");
    }
}

/// A node as far as an election needs it: the core, driven as the runtime drives it.
struct Node {
    peers: Peers,
    peer: String,
    now: Duration,
    probe_timeout: Duration,
    connections: BTreeMap<u64, Connection>,
    table: Table,
    done: Vec<Value>,
}

struct Connection {
    name: String,
    incarnation: Option<NonZeroU64>,
    is_dial: bool,
    /// Of a dial: CHALLENGE has come, and REPLY is to be sent.
    is_due: bool,
    framer: Framer,
    session: Option<Session>,
    is_blocked: bool,
    /// The payload of the last PING.
    ping: [u8; 8],
}

impl Connection {
    fn new(is_dial: bool, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            incarnation: None,
            is_dial,
            is_due: false,
            framer: Framer::default(),
            session: None,
            is_blocked: false,
            ping: [0; 8],
        }
    }

    fn begin(&mut self, now: Duration) {
        let version = match self.incarnation {
            Some(_) => Version::Two,
            None => Version::One { node_id: None, seed: [7; 32] },
        };
        let config = Config {
            version,
            peer: NodeNumber::other(1).unwrap(),
            peer_creation: 1,
            creation: 2,
            capabilities: Capabilities::NONE,
            bounds: Bounds::default(),
            peer_bounds: Bounds::default(),
            timing: Timing::default(),
            ping: [0xC0; 8],
        };
        self.framer.handshake_done(FRAME_BYTES_MAX);
        self.session = Some(Session::new(&config, now));
    }

    /// The frames that the session writes now.
    fn write(&mut self) -> Vec<Written> {
        let mut bytes = Vec::new();
        if !self.is_blocked
            && let Some(session) = &mut self.session
        {
            session.write(&mut bytes, usize::MAX);
        }
        let mut written = Vec::new();
        for payload in Frames::new(&bytes, u32::MAX) {
            match Frame::decode(payload.unwrap(), Reading::Strict).unwrap() {
                Frame::Ping(ping) => {
                    self.ping = *ping.payload;
                    written.push(Written::Ping);
                }
                Frame::Close(close) => written.push(Written::Close(close.code)),
                Frame::Pong(_) => {}
                other => panic!("no election writes {other:?}"),
            }
        }
        written
    }
}

#[derive(PartialEq)]
enum Written {
    Ping,
    Close(u16),
}

fn number(value: &Value) -> u64 {
    value.as_str().map_or_else(|| value.as_u64(), |text| text.parse().ok()).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// What stands in `hex`, as the bytes that it is.
fn bytes(hex: &Value) -> Vec<u8> {
    hex::decode(hex.as_str().unwrap_or_default()).unwrap()
}

fn framed(payload: &[u8]) -> Vec<u8> {
    [&u32::try_from(payload.len()).unwrap().to_le_bytes()[..], payload].concat()
}

impl Node {
    fn new(given: &Value) -> Self {
        let (name, peers_max) = (text(&given["name"]), number(&given["sessions_max"]));
        let own = Start { name: name.into(), incarnation: NonZeroU64::MIN };
        Self {
            peers: Peers::new(name, usize::try_from(peers_max).unwrap()),
            peer: text(&given["peer"]).to_owned(),
            now: Duration::from_millis(number(&given["up_ms"])),
            probe_timeout: Duration::from_millis(number(&given["probe_timeout_ms"])),
            connections: BTreeMap::new(),
            table: Table::of(own),
            done: Vec::new(),
        }
    }

    fn session(&self) -> Option<u64> {
        self.peers.session(&self.peer).map(|connection| connection.0)
    }

    /// An event; of a dial, what its program is told.
    fn take(&mut self, step: &Value) -> Option<&'static str> {
        self.peers.tell_time(self.now);
        let (event, what) = step
            .as_object()
            .unwrap()
            .iter()
            .find(|(word, _)| !["comment", "does", "session", "answer"].contains(&word.as_str()))
            .unwrap();
        let on = what["connection"].as_u64().unwrap_or_default();
        let mut answer = None;
        match event.as_str() {
            "dial" => answer = Some(self.dial(on, text(&what["to"]))),
            "accept" => {
                self.peers.begun(ConnectionId(on));
                self.connections.insert(on, Connection::new(false, ""));
            }
            // Nobody is told what a connection claims.
            "name" => {}
            "reply" => self.verified(on, what),
            "challenge" => {
                self.announced(on, what);
                self.connections.get_mut(&on).unwrap().is_due = true;
                self.reply();
            }
            "ack" => {
                self.announced(on, what);
                let Connection { name, incarnation, .. } = &self.connections[&on];
                self.peers.acked(name, ConnectionId(on), *incarnation);
            }
            "receive" => self.receive(on, &bytes(&what["hex"])),
            "pong" => {
                let pong = [&[0xF1][..], &self.connections[&on].ping].concat();
                self.receive(on, &framed(&pong));
            }
            "block" => self.block(on),
            "gone" => self.gone(on),
            "close" => self.close(on),
            "told" => self.peers.ended(&self.connections[&on].name, ConnectionId(on)),
            "wait_ms" => (0..number(what)).for_each(|_| self.wait()),
            other => panic!("nothing is known of {other}"),
        }
        self.obey();
        answer
    }

    fn dial(&mut self, on: u64, to: &str) -> &'static str {
        match self.peers.dial(to, ConnectionId(on)) {
            DialDecision::Start => {
                self.connections.insert(on, Connection::new(true, to));
                self.done.push(json!({"dials": on}));
                "dials"
            }
            DialDecision::Up(_) => "up",
            DialDecision::Closing(_) | DialDecision::Underway => "waits",
            DialDecision::OwnName => "own_name",
            DialDecision::Busy => "busy",
        }
    }

    fn announced(&mut self, on: u64, what: &Value) {
        let incarnation = what["incarnation"].as_str().map(|text| text.parse().unwrap());
        self.connections.get_mut(&on).unwrap().incarnation = incarnation;
    }

    fn verified(&mut self, on: u64, what: &Value) {
        self.announced(on, what);
        let connection = self.connections.get_mut(&on).unwrap();
        connection.name = text(&what["name"]).to_owned();
        connection.framer.push(&[framed(&[3]), bytes(&what["behind"])].concat());
        assert_eq!(&*connection.framer.next_payload().unwrap().unwrap(), [3]);
        self.peers.verified(&connection.name, ConnectionId(on), connection.incarnation);
    }

    /// Sends each REPLY that is due and may go out.
    fn reply(&mut self) {
        for (on, connection) in self.connections.iter_mut().filter(|(_, it)| it.is_due) {
            let version_1 = connection.incarnation.is_none();
            match self.peers.may_reply(&connection.name, ConnectionId(*on), version_1) {
                ReplyDecision::Send => self.done.push(json!({"replies": on})),
                ReplyDecision::Wait(until) => {
                    assert!(until > self.now);
                    continue;
                }
                ReplyDecision::Close => self.done.push(json!({"closes": on})),
            }
            connection.is_due = false;
        }
    }

    fn receive(&mut self, on: u64, bytes: &[u8]) {
        let connection = self.connections.get_mut(&on).unwrap();
        let session = connection.session.as_mut().unwrap();
        let lives = session.handle_received(self.now);
        let mut is_over = false;
        connection.framer.push(bytes);
        while let Some(payload) = connection.framer.next_payload().unwrap() {
            let frame = Frame::decode(&payload, Reading::Compatible).unwrap();
            is_over |= session.handle_frame(&frame, &mut self.table).is_err();
        }
        let signs = [(lives, Sign::Life), (session.take_use(), Sign::Use)];
        for (_, sign) in signs.into_iter().filter(|(is_shown, _)| *is_shown) {
            self.peers.alive(&connection.name, ConnectionId(on), sign);
        }
        if is_over {
            self.gone(on);
        }
    }

    fn block(&mut self, on: u64) {
        let connection = self.connections.get_mut(&on).unwrap();
        connection.is_blocked = true;
        connection.session.as_mut().unwrap().send(5, 9, b"queued").unwrap();
    }

    fn gone(&mut self, on: u64) {
        let connection = self.connections.get_mut(&on).unwrap();
        if connection.session.take().is_some() {
            self.peers.ending(&connection.name, ConnectionId(on));
        } else {
            self.peers.ended(&connection.name, ConnectionId(on));
        }
    }

    fn close(&mut self, on: u64) {
        let connection = self.connections.get_mut(&on).unwrap();
        connection.session.as_mut().unwrap().close(0, "");
        assert!(connection.write() == [Written::Close(0)]);
        self.peers.closing(&connection.name, ConnectionId(on));
    }

    fn wait(&mut self) {
        self.now += MILLISECOND;
        self.peers.tell_time(self.now);
        self.reply();
        let mut dead = Vec::new();
        for (on, connection) in &mut self.connections {
            let Some(session) = connection.session.as_mut() else { continue };
            if session.handle_timeout(self.now).is_err() {
                dead.push(*on);
            }
        }
        for on in dead {
            self.done.push(json!({"ends": on, "code": null}));
            self.gone(on);
        }
        self.obey();
    }

    /// Does what the core orders, and writes what there is to be written.
    fn obey(&mut self) {
        while let Some(action) = self.peers.poll_action() {
            match action {
                Action::Up(ConnectionId(on)) => self.up(on),
                Action::Reject(ConnectionId(on), refusal) => {
                    let code = match refusal {
                        Refusal::Busy | Refusal::BusyAddress => 2,
                        Refusal::Duplicate => 5,
                        // No peer has the name of the node.
                        other => panic!("{other}"),
                    };
                    let code = self.connections[&on].incarnation.map(|_| code);
                    self.done.push(json!({"refuses": on, "code": code}));
                }
                Action::Close(ConnectionId(on)) => self.done.push(json!({"closes": on})),
                Action::Probe(ConnectionId(on), sign) => {
                    let session = self.connections.get_mut(&on).unwrap().session.as_mut().unwrap();
                    session.probe(self.now, sign);
                    assert_eq!(self.probe_timeout, PROBE_TIMEOUT);
                }
                Action::End(ConnectionId(on)) => self.end(on),
            }
        }
        for (on, connection) in &mut self.connections {
            for written in connection.write() {
                assert!(written == Written::Ping);
                self.done.push(json!({"pings": on}));
            }
        }
    }

    fn up(&mut self, on: u64) {
        let connection = self.connections.get_mut(&on).unwrap();
        connection.begin(self.now);
        self.done.push(if connection.is_dial { json!({"begins": on}) } else { json!({"acks": on}) });
        let mut behind = Vec::new();
        while let Some(payload) = connection.framer.next_payload().unwrap() {
            behind.extend(framed(&payload));
        }
        if !behind.is_empty() {
            self.done.push(json!({"reads": on, "hex": hex::encode(behind)}));
        }
    }

    fn end(&mut self, on: u64) {
        let connection = self.connections.get_mut(&on).unwrap();
        connection.session.as_mut().unwrap().close(REPLACED, "");
        let code = connection.write().into_iter().find_map(|frame| match frame {
            Written::Close(code) => Some(code),
            Written::Ping => None,
        });
        self.done.push(json!({"ends": on, "code": code}));
        self.gone(on);
    }
}
