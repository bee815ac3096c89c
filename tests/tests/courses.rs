//! The handshakes in steps of `spec/vectors/courses.json`, as a stranger would replay them.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use serde_json::{Value, json};
use snow_dist_codec::handshake::Reject;
use snow_dist_codec::limits::HANDSHAKE_BYTES_MAX;
use snow_dist_codec::{Frames, Handshake, NodeName, Reading};
use snow_dist_runtime::core::handshake::{Channel, Established, Local, acceptor, initiator};
use snow_dist_runtime::core::{Allowed, Cookie, Cookies};
use snow_dist_tests::run;

enum State {
    Acceptor(acceptor::ExpectName),
    Named(acceptor::ExpectReply),
    Initiator(initiator::ExpectChallenge),
    Replied(initiator::ExpectAck),
    Session(Established),
    Closed,
}

impl State {
    const fn name(&self) -> &'static str {
        match self {
            Self::Acceptor(_) => "awaits NAME",
            Self::Named(_) => "awaits REPLY",
            Self::Initiator(_) => "awaits CHALLENGE",
            Self::Replied(_) => "awaits ACK",
            Self::Session(_) => "session",
            Self::Closed => "closed",
        }
    }
}

#[test]
fn every_course_goes_as_it_is_told() {
    let courses = run::read("courses.json");
    assert!(courses.len() > 45);
    for course in &courses {
        replay(course);
    }
}

fn bytes(hex: &Value) -> Vec<u8> {
    hex::decode(hex.as_str().unwrap()).unwrap()
}

fn replay(course: &Value) {
    let (id, given) = (&course["id"], &course["given"]);
    let random: [u8; 24] = bytes(&given["random"]).try_into().unwrap();
    let (mut state, start) = begin(given, course["role"] == "initiator");
    for step in course["steps"].as_array().unwrap() {
        let (next, written) = match step["start"] {
            Value::Bool(true) => (state, start.clone()),
            _ => handle(state, &payload(&step["receive"], id), random),
        };
        state = next;
        assert_eq!(state.name(), step["state"].as_str().unwrap(), "{id}: {}", step["comment"]);
        let expected = &step["writes"][0];
        match written {
            None => assert!(expected.is_null(), "{id}"),
            Some(written) if expected["value"]["tag"] == "REJECT" => {
                let Ok(Handshake::Reject(reject)) = Handshake::decode(&written, Reading::Strict) else {
                    panic!("{id}")
                };
                assert_eq!(json!(reject.code), expected["value"]["fields"]["code"], "{id}");
            }
            Some(written) => assert_eq!(hex::encode(written), hex::encode(payload(expected, id)), "{id}"),
        }
    }
    let peer = match &state {
        State::Session(Established { peer, cookie }) => json!({
            "name": &*peer.name, "incarnation": peer.incarnation.map(|number| number.to_string()),
            "creation": peer.creation, "version": peer.version, "cookie": cookie,
        }),
        _ => Value::Null,
    };
    assert_eq!(peer, course["peer"], "{id}");
    assert_eq!(course["closes"], matches!(state, State::Closed), "{id}");
}

/// The node before the first message, and what it says first.
fn begin(given: &Value, initiates: bool) -> (State, Option<Vec<u8>>) {
    let name = NodeName::parse(given["name"].as_str().unwrap()).unwrap();
    let incarnation = NonZeroU64::new(given["incarnation"].as_str().unwrap().parse().unwrap()).unwrap();
    let mut cookies = given["cookies"].as_array().unwrap().iter().map(|hex| Cookie::new(bytes(hex)).unwrap());
    let first = Cookies::from(cookies.next().unwrap());
    let mut local = Local::new(name, incarnation, cookies.fold(first, Cookies::accepting));
    if given["version_1_allowed"] == true {
        local.version_1 = Allowed::Everyone;
    }
    assert_eq!(json!(local.creation()), given["creation"]);
    let channel = match given["tls"].as_str().unwrap() {
        "1.3" => Channel::Tls13 { exporter: bytes(&given["exporter"]).try_into().unwrap() },
        _ => Channel::Tls12,
    };
    if initiates {
        let dialled = NodeName::parse(given["dialled"].as_str().unwrap()).unwrap();
        let (name, state) = initiator::start(local.into(), channel, dialled).unwrap();
        (State::Initiator(state), Some(name))
    } else {
        (State::Acceptor(acceptor::start(local.into(), channel)), None)
    }
}

fn handle(state: State, payload: &[u8], random: [u8; 24]) -> (State, Option<Vec<u8>>) {
    match state {
        State::Acceptor(state) => match state.handle(payload, random) {
            Ok((challenge, state)) => (State::Named(state), Some(challenge)),
            Err(refusal) => (State::Closed, refusal.reject),
        },
        State::Named(state) => match state.handle(payload) {
            Ok(verified) => {
                let (ack, established) = verified.accept();
                (State::Session(established), Some(ack))
            }
            Err(refusal) => (State::Closed, refusal.reject),
        },
        State::Initiator(state) => match state.handle(payload, random) {
            Ok((reply, state)) => (State::Replied(state), Some(reply)),
            Err(_) => (State::Closed, None),
        },
        State::Replied(state) => match state.handle(payload) {
            Ok(established) => (State::Session(established), None),
            Err(_) => (State::Closed, None),
        },
        State::Session(_) | State::Closed => panic!("nothing comes behind the end"),
    }
}

/// The payload of a message in the file, which is read as the file says.
fn payload(message: &Value, id: &Value) -> Vec<u8> {
    let bytes = run::join(&message["hex"]);
    let mut frames = Frames::new(&bytes, HANDSHAKE_BYTES_MAX);
    let payload = frames.next().unwrap().unwrap();
    assert!(frames.remaining().is_empty(), "{id}");
    match run::decode("handshake", payload, Reading::Compatible) {
        Ok(value) => assert_eq!(value, message["value"], "{id}"),
        Err(error) => {
            let found = [json!(error.kind.name()), json!(error.field.to_string()), json!(error.at)];
            assert_eq!(found, ["kind", "field", "at"].map(|word| message["error"][word].clone()), "{id}");
        }
    }
    payload.to_vec()
}

#[test]
fn every_code_of_before_the_election_has_a_course() {
    let courses = run::read("courses.json");
    let written = courses.iter().flat_map(|course| course["steps"].as_array().unwrap());
    let codes: BTreeSet<_> =
        written.filter_map(|step| step["writes"][0]["value"]["fields"]["code"].as_u64()).collect();
    // Busy and duplicate depend on other connections.
    let expected: BTreeSet<_> =
        [Reject::VERSION, Reject::MALFORMED, Reject::REFUSED, Reject::NAME, Reject::BOUNDS]
            .into_iter()
            .map(u64::from)
            .collect();
    assert_eq!(codes, expected);
}
