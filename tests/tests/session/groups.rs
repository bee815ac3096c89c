//! The servers of `spec/vectors/groups.json`, event by event, against the core. The example of the specification.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use snow_dist_codec::stf::{self, Terms};
use snow_dist_codec::{Pid as WirePid, Reading};
use snow_dist_runtime::core::groups::Todo;
use snow_dist_runtime::core::{Groups, NodeNumber, Pid, Term, TermPids};
use snow_dist_tests::run;

/// The server of a story, and its node's peer.
struct Server {
    groups: Groups,
    creations: [u8; 2],
}

impl Server {
    fn new(given: &Value) -> Self {
        let creation = |value: &Value| u8::try_from(value.as_u64().unwrap()).unwrap();
        let creations = [creation(&given["creation"]), creation(&given["peer"]["creation"])];
        let server = Pid::new(NodeNumber::HERE, creations[0], given["server"].as_u64().unwrap());
        Self { groups: Groups::new(server), creations }
    }

    fn own(&self, local: &Value) -> Pid {
        Pid::new(NodeNumber::HERE, self.creations[0], local.as_u64().unwrap())
    }

    /// Takes the event of a step. Returns whether it was refused.
    fn take(&mut self, step: &Value) -> bool {
        let (word, value) =
            step.as_object().unwrap().iter().find(|(word, _)| EVENTS.contains(&&***word)).unwrap();
        let of_group = |what: &Value| what["group"].as_str().unwrap().to_owned();
        match &**word {
            "up" => self.groups.handle_node_up(peer()),
            "down" => self.groups.handle_node_down(peer()),
            "named" => {
                let server = Pid::new(peer(), self.creations[1], value.as_u64().unwrap());
                self.groups.handle_named(peer(), server);
            }
            "nobody" => self.groups.handle_nobody(peer()),
            "server_ended" => self.groups.handle_server_ended(peer()),
            "join" => return self.groups.join(&of_group(value), self.own(&value["local"])).is_err(),
            "leave" => drop(self.groups.leave(&of_group(value), self.own(&value["local"]))),
            "interval" => self.groups.handle_interval(peer()),
            "ended" => self.groups.handle_process_ended(self.own(value)),
            _ => {
                let (term, pids) = received(&hex::decode(value.as_str().unwrap()).unwrap());
                self.groups.handle_message(&term, &pids);
            }
        }
        false
    }

    fn does(&mut self) -> Value {
        let mut does = Vec::new();
        while let Some(todo) = self.groups.poll_todo(peer()) {
            does.push(match todo {
                Todo::Monitor => json!({"monitor": true}),
                Todo::Send(term) => json!({"send": hex::encode(written(term))}),
            });
        }
        does.into()
    }

    fn members(&self) -> Value {
        let pid = |pid: Pid| {
            let of = if pid.is_here() { "node" } else { "peer" };
            json!({"of": of, "creation": pid.creation(), "local": pid.local()})
        };
        let of = |name| self.groups.members(name).map(pid).collect::<Vec<_>>();
        json!(self.groups.names().map(|name| (&**name, of(name))).collect::<BTreeMap<_, _>>())
    }
}

const EVENTS: [&str; 10] =
    ["up", "down", "named", "nobody", "server_ended", "join", "leave", "ended", "interval", "message"];

fn peer() -> NodeNumber {
    NodeNumber::other(3).unwrap()
}

/// A term as a session would give it to the server.
fn received(message: &[u8]) -> (Vec<u8>, TermPids) {
    let (mut numbered, mut pids) = (message.to_vec(), Vec::new());
    let is_term = Terms::First.for_each_pid(message, Reading::Compatible, |at, pid| pids.push((at, pid)));
    if is_term.is_err() {
        return (numbered, TermPids::default());
    }
    for (number, (at, _)) in pids.iter().enumerate() {
        assert!(stf::replace_pid(&mut numbered, *at, WirePid::from_bits(number as u64)));
    }
    let of = |pid: &WirePid| match pid.node() {
        0 => peer(),
        WirePid::NODE_READER => NodeNumber::HERE,
        _ => NodeNumber::UNKNOWN,
    };
    let pids: Vec<_> = pids.iter().map(|(_, pid)| Pid::new(of(pid), pid.creation(), pid.local())).collect();
    Term::new(numbered, &pids).unwrap().into_local()
}

/// A term as a session would write it to the peer.
fn written(term: Term) -> Vec<u8> {
    let pids: Vec<_> = term.pids().collect();
    let (mut bytes, _) = term.into_local();
    let mut places = Vec::new();
    Terms::First.for_each_pid(&bytes, Reading::Strict, |at, _| places.push(at)).unwrap();
    for (at, pid) in places.into_iter().zip(pids) {
        let node = if pid.is_here() { 0 } else { WirePid::NODE_READER };
        let there = WirePid::new(node, pid.creation(), pid.local()).unwrap();
        assert!(stf::replace_pid(&mut bytes, at, there));
    }
    bytes
}

#[test]
fn every_server_does_as_it_is_told() {
    let stories = run::read("groups.json");
    assert!(stories.len() > 15);
    for story in &stories {
        let mut server = Server::new(&story["given"]);
        for (index, step) in story["steps"].as_array().unwrap().iter().enumerate() {
            let at = format!("{}, step {index}: {}", story["id"], step["comment"]);
            let refused = server.take(step);
            assert_eq!(refused, step["refused"] == true, "{at}");
            assert_eq!(server.does(), step["does"], "{at}");
            assert_eq!(server.members(), step["members"], "{at}");
        }
    }
}

/// The bytes of an example in the text, by the first words of what stands in front of it.
fn example(text: &str, before: &str) -> Vec<u8> {
    let (_, behind) = text.split_once(before).unwrap();
    let block = behind.split("```").nth(1).unwrap();
    let of_line = |line: &str| {
        let words = line.split_whitespace();
        let bytes =
            words.take_while(|word| word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_hexdigit()));
        bytes.flat_map(|byte| hex::decode(byte).unwrap()).collect::<Vec<_>>()
    };
    block.lines().flat_map(of_line).collect()
}

#[test]
fn the_examples_are_what_is_written() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/groups.md")).unwrap();
    let given = json!({"creation": 7, "server": 1, "peer": {"creation": 18}});
    let mut server = Server::new(&given);
    server.groups.handle_node_up(peer());
    server.take(&json!({"named": 1}));
    server.does();
    server.take(&json!({"join": {"group": "chat", "local": 5}}));
    server.does();
    let ask = |stream: i64| {
        let mut term = example(&text, "asks for another stream");
        let at = term.len() - 8;
        term[at..].copy_from_slice(&stream.to_le_bytes());
        json!({"message": hex::encode(term)})
    };
    server.take(&ask(1));
    server.does();
    server.take(&ask(2));
    let sent = server.does();
    let shown = example(&text, "sends to server 1 of `b`");
    assert_eq!(sent, json!([{"send": hex::encode(shown)}]));
}
