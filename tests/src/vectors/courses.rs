//! A node in a handshake, step by step, in both roles. Its answers are those of the machines that run in production;
//! what the other end says is laid out, and proven, by the second layout of this crate.

use std::num::NonZeroU64;
use std::sync::Arc;

use serde_json::{Value, json};
use snow_dist_codec::{NodeName, Reading};
use snow_dist_runtime::core::handshake::{Channel, Established, Local, Refusal, acceptor, initiator};
use snow_dist_runtime::core::{Allowed, Cookie, Cookies};

use super::layout::{Field, Message};
use super::messages::{empty_block, tlv, usual_block};
use super::proofs::{hmac, proof, sha256};
use crate::run;

const COOKIE: &[u8] = b"cookie-S3cret";
const OTHER_COOKIE: &[u8] = b"cookie-0ther";
const EXPORTER: [u8; 32] = [0xE7; 32];
const A: (&str, u64, u8) = ("a@127.0.0.1:9001", 0x1122_3344_5566_7788, 103);
const B: (&str, u64, u8) = ("b@127.0.0.1:9002", 0x99AA_BBCC_DDEE_FF01, 155);
const SENTINEL: [u8; 8] = *b"\xD1DIST-V2";
/// The first of the 24 bytes of randomness, which count up: those of the node, and those of the other end.
const RANDOM: u8 = 0xA0;
const PEER_RANDOM: u8 = 0xC0;

pub(super) fn file() -> Value {
    let about = "A node in a handshake, step by step. Nothing is known of any other connection.";
    super::file("courses", about, [acceptors(), initiators()].concat())
}

// What the other end says.

fn message(tag: u8, name: &'static str, fields: Vec<(&'static str, Field)>) -> Message {
    Message { tag: vec![tag], name, fields }
}

fn challenge_of(first: u8) -> Field {
    Field::Fixed((first..first + 24).chain(SENTINEL).collect())
}

fn block(tlvs: &[Vec<u8>], json: Value) -> Option<Field> {
    Some(Field::Block(tlvs.concat(), json))
}

fn name(text: &str, creation: u8, extension: Option<Field>) -> Message {
    let mut fields = vec![("name", Field::Str16(text.to_owned())), ("creation", Field::U8(creation))];
    fields.extend(extension.map(|block| ("extension", block)));
    message(1, "NAME", fields)
}

fn challenge(text: &str, creation: u8, challenge: Field, extension: Option<Field>) -> Message {
    let mut fields = vec![
        ("name", Field::Str16(text.to_owned())),
        ("creation", Field::U8(creation)),
        ("challenge", challenge),
    ];
    fields.extend(extension.map(|block| ("extension", block)));
    message(2, "CHALLENGE", fields)
}

fn zeros() -> Field {
    Field::Fixed(vec![0; 32])
}

/// What a node of version 2 says of itself: the one whose NAME or CHALLENGE is checked by the tests of the text.
fn block_of((_, incarnation, _): (&str, u64, u8)) -> Option<Field> {
    Some(usual_block(incarnation))
}

/// REPLY of `a` to the CHALLENGE of `b`, with its proof over whatever was said.
struct Reply<'r> {
    cookie: &'r [u8],
    exporter: [u8; 32],
    label: &'r [u8],
    digest: Field,
    challenge: Field,
    /// NAME and CHALLENGE as the other end knows them.
    said: [Vec<u8>; 2],
}

impl Reply<'_> {
    fn new(name: &Message) -> Self {
        Self {
            cookie: COOKIE,
            exporter: EXPORTER,
            label: b"DIST2 initiator",
            digest: zeros(),
            challenge: challenge_of(PEER_RANDOM),
            said: [name.bytes(), challenge(B.0, B.2, challenge_of(RANDOM), block_of(B)).bytes()],
        }
    }

    fn message(self) -> Message {
        let fields =
            vec![("digest", self.digest), ("challenge", self.challenge), ("extension", empty_block())];
        let mut reply = message(3, "REPLY", fields);
        let [name, challenge] = &self.said;
        let made = proof(self.label, (self.cookie, &self.exporter), name, challenge, &[&reply.bytes()]);
        reply.fields.push(("proof", Field::Fixed(made)));
        reply
    }
}

/// ACK of `b`, with its proof over whatever was said.
fn ack(cookie: &[u8], exporter: &[u8], said: &[Vec<u8>; 3]) -> Message {
    let mut ack = message(4, "ACK", vec![("digest", zeros()), ("extension", empty_block())]);
    let [name, challenge, reply] = said;
    let rest: [&[u8]; 2] = [&sha256(&[reply]), &ack.bytes()];
    let made = proof(b"DIST2 acceptor", (cookie, exporter), name, challenge, &rest);
    ack.fields.push(("proof", Field::Fixed(made)));
    ack
}

// The node.

/// What the node is made of.
#[derive(Clone)]
struct Given {
    cookies: Vec<&'static [u8]>,
    tls_13: bool,
    version_1: bool,
}

impl Default for Given {
    fn default() -> Self {
        Self { cookies: vec![COOKIE], tls_13: true, version_1: false }
    }
}

impl Given {
    fn local(&self, (name, incarnation, _): (&str, u64, u8)) -> Arc<Local> {
        let mut cookies = self.cookies.iter().map(|cookie| Cookie::new(*cookie).unwrap());
        let first = Cookies::from(cookies.next().unwrap());
        let cookies = cookies.fold(first, Cookies::accepting);
        let name = NodeName::parse(name).unwrap();
        let mut local = Local::new(name, NonZeroU64::new(incarnation).unwrap(), cookies);
        if self.version_1 {
            local.version_1 = Allowed::Everyone;
        }
        local.into()
    }

    const fn channel(&self) -> Channel {
        if self.tls_13 { Channel::Tls13 { exporter: EXPORTER } } else { Channel::Tls12 }
    }

    fn json(&self, (name, incarnation, creation): (&str, u64, u8), dialled: Option<&str>) -> Value {
        json!({
            "name": name, "incarnation": incarnation.to_string(), "creation": creation,
            "cookies": self.cookies.iter().map(hex::encode).collect::<Vec<_>>(),
            "tls": if self.tls_13 { "1.3" } else { "1.2" },
            "exporter": self.tls_13.then(|| hex::encode(EXPORTER)),
            "version_1_allowed": self.version_1, "dialled": dialled, "random": hex::encode(random()),
        })
    }
}

fn random() -> [u8; 24] {
    std::array::from_fn(|place| RANDOM + place as u8)
}

enum Machine {
    ExpectName(acceptor::ExpectName),
    ExpectReply(acceptor::ExpectReply),
    ExpectChallenge(initiator::ExpectChallenge),
    ExpectAck(initiator::ExpectAck),
    Session(Established),
    Closed,
}

impl Machine {
    /// Takes a payload: what it is then, and what it writes.
    fn handle(self, payload: &[u8]) -> (Self, Option<Vec<u8>>) {
        let refused = |refusal: Refusal| (Self::Closed, refusal.reject);
        match self {
            Self::ExpectName(state) => match state.handle(payload, random()) {
                Ok((challenge, state)) => (Self::ExpectReply(state), Some(challenge)),
                Err(refusal) => refused(refusal),
            },
            Self::ExpectReply(state) => match state.handle(payload) {
                Ok(verified) => {
                    let (ack, established) = verified.accept();
                    (Self::Session(established), Some(ack))
                }
                Err(refusal) => refused(refusal),
            },
            Self::ExpectChallenge(state) => match state.handle(payload, random()) {
                Ok((reply, state)) => (Self::ExpectAck(state), Some(reply)),
                Err(_) => (Self::Closed, None),
            },
            Self::ExpectAck(state) => match state.handle(payload) {
                Ok(established) => (Self::Session(established), None),
                Err(_) => (Self::Closed, None),
            },
            Self::Session(_) | Self::Closed => panic!("the handshake is over"),
        }
    }

    const fn state(&self) -> &'static str {
        match self {
            Self::ExpectName(_) => "awaits NAME",
            Self::ExpectReply(_) => "awaits REPLY",
            Self::ExpectChallenge(_) => "awaits CHALLENGE",
            Self::ExpectAck(_) => "awaits ACK",
            Self::Session(_) => "session",
            Self::Closed => "closed",
        }
    }
}

fn framed(payload: &[u8]) -> Value {
    json!([hex::encode([&(payload.len() as u32).to_le_bytes()[..], payload].concat())])
}

/// A handshake in the making.
struct Course {
    id: &'static str,
    comment: &'static str,
    requirements: &'static str,
    role: &'static str,
    given: Value,
    steps: Vec<Value>,
    machine: Machine,
}

impl Course {
    fn acceptor(id: &'static str, requirements: &'static str, comment: &'static str, given: &Given) -> Self {
        let machine = Machine::ExpectName(acceptor::start(given.local(B), given.channel()));
        let given = given.json(B, None);
        Self { id, comment, requirements, role: "acceptor", given, steps: Vec::new(), machine }
    }

    /// It dials `b`, and says NAME.
    fn initiator(id: &'static str, requirements: &'static str, comment: &'static str, given: &Given) -> Self {
        let dialled = NodeName::parse(B.0).unwrap();
        let (name, state) = initiator::start(given.local(A), given.channel(), dialled).unwrap();
        let machine = Machine::ExpectChallenge(state);
        let (given, steps) = (given.json(A, Some(B.0)), Vec::new());
        let mut course = Self { id, comment, requirements, role: "initiator", given, steps, machine };
        course.step(("start", true.into()), Some(name), "NAME");
        course
    }

    fn receive(self, message: &Message, comment: &str) -> Self {
        let json = message.json(&[]);
        self.receive_bytes(&message.bytes(), ("value", json), comment)
    }

    fn receive_bytes(mut self, payload: &[u8], (word, what): (&str, Value), comment: &str) -> Self {
        let (machine, written) = self.machine.handle(payload);
        self.machine = machine;
        self.step(("receive", json!({"hex": framed(payload), word: what})), written, comment);
        self
    }

    fn step(&mut self, (word, cause): (&str, Value), written: Option<Vec<u8>>, comment: &str) {
        let writes: Vec<_> = written.iter().map(|payload| shown(payload)).collect();
        self.steps.push(json!({
            "comment": comment, word: cause, "writes": writes, "state": self.machine.state(),
        }));
    }

    fn vector(self) -> Value {
        let peer = match &self.machine {
            Machine::Session(Established { peer, cookie }) => json!({
                "name": &*peer.name, "incarnation": peer.incarnation.map(|number| number.to_string()),
                "creation": peer.creation, "version": peer.version, "cookie": cookie,
            }),
            Machine::Closed => Value::Null,
            _ => panic!("{}: it has no end", self.id),
        };
        json!({
            "id": format!("course-{}-{}", self.role, self.id), "comment": self.comment,
            "requirements": self.requirements.split(' ').collect::<Vec<_>>(),
            "result": if peer.is_null() { "invalid" } else { "valid" }, "closes": peer.is_null(), "role": self.role,
            "given": self.given, "steps": self.steps, "peer": peer,
        })
    }
}

fn shown(payload: &[u8]) -> Value {
    let value = run::decode("handshake", payload, Reading::Strict).unwrap();
    let mut written = json!({"hex": framed(payload), "value": value});
    if value["tag"] == "REJECT" {
        written["free"] = json!(["text"]);
        written["advised"] = true.into();
    }
    written
}

// What happens.

fn usual_name() -> Message {
    name(A.0, A.2, block_of(A))
}

fn usual_challenge() -> Message {
    challenge(B.0, B.2, challenge_of(PEER_RANDOM), block_of(B))
}

fn acceptors() -> Vec<Value> {
    let mut courses = vec![acceptor_accepts()];
    courses.extend(names_that_are_refused());
    courses.extend(replies_that_are_refused());
    courses.extend(peers_that_are_refused());
    courses.extend(version_1_at_the_acceptor());
    courses.into_iter().map(Course::vector).collect()
}

fn acceptor_accepts() -> Course {
    let requirements =
        "HS-CRS-003 HS-SEN-001 HS-DIG-002 HS-PRF-003 HS-CRE-001 HS-NAM-002 HS-TLV-005 HS-TLV-006";
    Course::acceptor("accepts", requirements, "all is well", &Given::default())
        .receive(&usual_name(), "CHALLENGE")
        .receive(&Reply::new(&usual_name()).message(), "ACK: the session begins")
}

fn names_that_are_refused() -> Vec<Course> {
    let refused = |id, requirements, comment, name: &Message| {
        Course::acceptor(id, requirements, comment, &Given::default()).receive(name, "refused")
    };
    let (versions, incarnation) = (tlv(1, &[2, 0]), tlv(3, &A.1.to_le_bytes()));
    let number = A.1.to_string();
    let tls_12 = Given { tls_13: false, ..Given::default() };
    let error = json!({"kind": "mandatory", "field": "extension[2].type", "at": 48, "layer": "extension"});
    vec![
        refused(
            "no-common-version",
            "HS-VER-002 HS-REJ-006",
            "the other end speaks version 3 only: REJECT 1",
            &name(
                A.0,
                A.2,
                block(
                    &[tlv(1, &[3, 0]), incarnation.clone()],
                    json!({"versions": [3], "incarnation": number}),
                ),
            ),
        ),
        refused(
            "no-versions",
            "HS-TLV-009 HS-REJ-006",
            "a block that does not say versions: REJECT 3",
            &name(A.0, A.2, block(std::slice::from_ref(&incarnation), json!({"incarnation": number}))),
        ),
        refused(
            "no-incarnation",
            "HS-TLV-009 HS-REJ-006",
            "a block that does not say an incarnation: REJECT 3",
            &name(A.0, A.2, block(std::slice::from_ref(&versions), json!({"versions": [2]}))),
        ),
        refused(
            "no-creation",
            "HS-CRE-002 HS-REJ-006",
            "creation 0 beside a block: REJECT 3",
            &name(A.0, 0, block_of(A)),
        ),
        Course::acceptor(
            "block-over-tls-1.2",
            "HS-TLS-009 HS-REJ-006",
            "a block needs TLS 1.3: REJECT 4",
            &tls_12,
        )
        .receive(&usual_name(), "refused"),
        refused(
            "version-1",
            "HS-VON-003 HS-REJ-004",
            "no block, and version 1 is off: closed without a word",
            &name(A.0, 1, None),
        ),
        Course::acceptor(
            "mandatory-extension",
            "HS-EXT-007 HS-REJ-006 HS-CRS-002",
            "a type that has to be known: REJECT 3",
            &Given::default(),
        )
        .receive_bytes(&name_with_mandatory(), ("error", error), "refused"),
        refused(
            "challenge-for-name",
            "HS-CRS-002 HS-REJ-006",
            "CHALLENGE is not due: REJECT 3",
            &usual_challenge(),
        ),
        Course::acceptor(
            "empty-message",
            "DIST-FRM-005 HS-CRS-002 HS-REJ-004",
            "an empty message: closed without a word",
            &Given::default(),
        )
        .receive_bytes(
            &[],
            ("error", json!({"kind": "empty", "field": "tag", "at": 0, "layer": "handshake"})),
            "refused",
        ),
    ]
}

/// A NAME whose block has an unknown type from 8000 on behind the two that it needs.
fn name_with_mandatory() -> Vec<u8> {
    let tlvs = [tlv(1, &[2, 0]), tlv(3, &A.1.to_le_bytes()), tlv(0x8000, &[])];
    name(A.0, A.2, block(&tlvs, Value::Null)).bytes()
}

/// A REPLY that is wrong in one thing.
fn replies_that_are_refused() -> Vec<Course> {
    let usual = usual_name();
    let refused = |id, requirements, comment, reply: &Message| {
        Course::acceptor(id, requirements, comment, &Given::default())
            .receive(&usual_name(), "CHALLENGE")
            .receive(reply, "refused")
    };
    let another_start = name(A.0, A.2, Some(usual_block(A.1 + 255)));
    let digest = vec![("digest", Field::Fixed(hmac(COOKIE, &[&challenge_bytes(RANDOM)])))];
    let stripped = message(3, "REPLY", [digest, vec![("challenge", challenge_of(PEER_RANDOM))]].concat());
    vec![
        refused(
            "another-cookie",
            "HS-PRF-006 HS-REJ-005 HS-REJ-006",
            "the other end has another cookie: REJECT 4",
            &Reply { cookie: OTHER_COOKIE, ..Reply::new(&usual) }.message(),
        ),
        refused(
            "another-channel",
            "HS-PRF-006 HS-PRF-002",
            "somebody between the two: each has a TLS connection with him, and the exporters differ",
            &Reply { exporter: [0xE8; 32], ..Reply::new(&usual) }.message(),
        ),
        refused(
            "name-changed-on-the-way",
            "HS-PRF-006 HS-PRF-004",
            "the proof is over another NAME than the one that has come",
            &Reply::new(&another_start).message(),
        ),
        refused(
            "label-of-the-acceptor",
            "HS-PRF-006 HS-PRF-002",
            "a proof that is not the initiator's",
            &Reply { label: b"DIST2 acceptor", ..Reply::new(&usual) }.message(),
        ),
        refused(
            "digest-not-zero",
            "HS-DIG-003 HS-CRS-001 HS-REJ-006",
            "a digest beside a block, with a proof that is right: REJECT 3",
            &Reply { digest: Field::Fixed(vec![1; 32]), ..Reply::new(&usual) }.message(),
        ),
        refused(
            "no-sentinel",
            "HS-DWN-002 HS-CRS-001 HS-REJ-006",
            "a challenge without the sentinel, with a proof that is right: REJECT 3",
            &Reply { challenge: Field::Fixed(vec![0x77; 32]), ..Reply::new(&usual) }.message(),
        ),
        refused(
            "block-taken-away",
            "HS-DWN-003 HS-REJ-006",
            "REPLY of version 1 in a handshake of version 2: REJECT 3",
            &stripped,
        ),
        refused("name-twice", "HS-CRS-002 HS-REJ-006", "NAME is not due: REJECT 3", &usual),
    ]
}

fn challenge_bytes(first: u8) -> Vec<u8> {
    (first..first + 24).chain(SENTINEL).collect()
}

/// Peers with the cookie: what they are refused for, or not, is judged when they have proven it.
fn peers_that_are_refused() -> Vec<Course> {
    let peer = |id, requirements, comment, given: &Given, cookie, name: &Message, then| {
        Course::acceptor(id, requirements, comment, given)
            .receive(name, "CHALLENGE")
            .receive(&Reply { cookie, ..Reply::new(name) }.message(), then)
    };
    let given = Given::default();
    let bound = |bytes: u32| {
        let tlvs = [tlv(1, &[2, 0]), tlv(3, &A.1.to_le_bytes()), tlv(4, &bytes.to_le_bytes())];
        let json = json!({"versions": [2], "incarnation": A.1.to_string(), "frame_bytes_max": bytes});
        name(A.0, A.2, block(&tlvs, json))
    };
    let unknown = [tlv(1, &[2, 0, 9, 0]), tlv(2, &[0xFF; 8]), tlv(3, &A.1.to_le_bytes()), tlv(0x7FFF, &[1])];
    let later = json!({
        "versions": [2, 9], "capabilities": u64::MAX.to_string(), "incarnation": A.1.to_string(),
        "unknown": {"32767": "01"},
    });
    let changing = Given { cookies: vec![OTHER_COOKIE, COOKIE], ..Given::default() };
    vec![
        peer(
            "own-name",
            "HS-NAM-005 HS-REJ-006",
            "it bears the node's own name: REJECT 6, not before its proof",
            &given,
            COOKIE,
            &name(B.0, A.2, block_of(A)),
            "refused",
        ),
        peer(
            "no-node-name",
            "HS-NAM-005 HS-REJ-006 DIST-NAM-005",
            "its name is none: REJECT 6, not before its proof",
            &given,
            COOKIE,
            &name("a", A.2, block_of(A)),
            "refused",
        ),
        peer(
            "bound-too-small",
            "HS-BND-001 HS-REJ-006",
            "it reads frames of 65 535 bytes: REJECT 7",
            &given,
            COOKIE,
            &bound(65_535),
            "refused",
        ),
        peer(
            "least-bound",
            "HS-BND-001",
            "it reads frames of 65 536 bytes",
            &given,
            COOKIE,
            &bound(65_536),
            "ACK",
        ),
        peer(
            "later-version",
            "HS-VER-001 HS-EXT-006 HS-TLV-003",
            "a later version, unknown extensions and capabilities",
            &given,
            COOKIE,
            &name(A.0, A.2, block(&unknown, later)),
            "ACK: the session has version 2",
        ),
        peer(
            "name-without-port",
            "HS-NAM-003",
            "its name is completed; the proofs cover it as it came",
            &given,
            COOKIE,
            &name("a@127.0.0.1", A.2, block_of(A)),
            "ACK",
        ),
        peer(
            "another-creation",
            "HS-CRE-002",
            "a creation that is not 1 + (incarnation mod 255) is taken as it stands",
            &given,
            COOKIE,
            &name(A.0, 1, block_of(A)),
            "ACK",
        ),
        peer(
            "second-cookie",
            "HS-CKY-003 HS-CKY-004",
            "a cookie that is being replaced: ACK with the one of REPLY",
            &changing,
            COOKIE,
            &usual_name(),
            "ACK",
        ),
    ]
}

fn version_1_at_the_acceptor() -> Vec<Course> {
    let allowed = Given { version_1: true, ..Given::default() };
    let reply = |cookie: &[u8], challenge: Field| {
        let digest = Field::Fixed(hmac(cookie, &[&challenge_bytes(RANDOM)]));
        message(3, "REPLY", vec![("digest", digest), ("challenge", challenge)])
    };
    let plain = || Field::Fixed(vec![0xA5; 32]);
    let course = |id, requirements, comment, reply: &Message, then| {
        Course::acceptor(id, requirements, comment, &allowed)
            .receive(&name(A.0, 1, None), "CHALLENGE without a block, with the sentinel")
            .receive(reply, then)
    };
    vec![
        course(
            "version-1-allowed",
            "HS-DIG-001 HS-CRS-003 HS-SEN-001",
            "a node of version 1",
            &reply(COOKIE, plain()),
            "ACK with the digest of its challenge",
        ),
        course(
            "version-1-another-cookie",
            "HS-PRF-006 HS-REJ-004",
            "another cookie: closed without a word",
            &reply(OTHER_COOKIE, plain()),
            "refused",
        ),
        course(
            "version-1-with-sentinel",
            "HS-DWN-001 HS-REJ-004",
            "its challenge says that it speaks version 2: somebody has taken its block away",
            &reply(COOKIE, challenge_of(PEER_RANDOM)),
            "refused",
        ),
        Course::acceptor(
            "version-2-where-1-is-allowed",
            "HS-CRS-003",
            "a block is answered with a block",
            &allowed,
        )
        .receive(&usual_name(), "CHALLENGE with a block")
        .receive(&Reply::new(&usual_name()).message(), "ACK"),
    ]
}

fn initiators() -> Vec<Value> {
    let mut courses = challenges_that_are_refused();
    courses.extend(answers());
    courses.extend(version_1_at_the_initiator());
    courses.into_iter().map(Course::vector).collect()
}

fn challenges_that_are_refused() -> Vec<Course> {
    let refused = |id, requirements, comment, challenge: &Message| {
        Course::initiator(id, requirements, comment, &Given::default())
            .receive(challenge, "nothing is given away")
    };
    let of = |tlvs: &[Vec<u8>], json| challenge(B.0, B.2, challenge_of(PEER_RANDOM), block(tlvs, json));
    let incarnation = tlv(3, &B.1.to_le_bytes());
    let number = B.1.to_string();
    let reject = message(5, "REJECT", vec![("code", Field::U16(4)), ("text", Field::Str16("no".to_owned()))]);
    vec![
        refused(
            "another-name",
            "HS-NAM-004 HS-REJ-003",
            "another node answers",
            &challenge("c@127.0.0.1:9002", B.2, challenge_of(PEER_RANDOM), block_of(B)),
        ),
        refused(
            "no-sentinel",
            "HS-DWN-002 HS-REJ-003",
            "a block, and no sentinel",
            &challenge(B.0, B.2, Field::Fixed(vec![0x77; 32]), block_of(B)),
        ),
        refused(
            "version-1",
            "HS-VON-002 HS-REJ-003",
            "a node of version 1, which is off",
            &challenge(B.0, 1, Field::Fixed(vec![0x5A; 32]), None),
        ),
        refused(
            "block-taken-away",
            "HS-DWN-001 HS-REJ-003",
            "the sentinel without a block",
            &challenge(B.0, B.2, challenge_of(PEER_RANDOM), None),
        ),
        refused(
            "no-common-version",
            "HS-VER-002 HS-REJ-003",
            "it speaks version 3 only",
            &of(&[tlv(1, &[3, 0]), incarnation.clone()], json!({"versions": [3], "incarnation": number})),
        ),
        refused(
            "no-versions",
            "HS-TLV-009",
            "a block that does not say versions",
            &of(std::slice::from_ref(&incarnation), json!({"incarnation": number})),
        ),
        refused(
            "no-incarnation",
            "HS-TLV-009",
            "a block that does not say an incarnation",
            &of(&[tlv(1, &[2, 0])], json!({"versions": [2]})),
        ),
        refused(
            "no-creation",
            "HS-CRE-002",
            "creation 0",
            &challenge(B.0, 0, challenge_of(PEER_RANDOM), block_of(B)),
        ),
        refused(
            "bound-too-small",
            "HS-BND-001",
            "it reads frames of 65 535 bytes",
            &of(
                &[tlv(1, &[2, 0]), incarnation, tlv(4, &65_535_u32.to_le_bytes())],
                json!({"versions": [2], "incarnation": number, "frame_bytes_max": 65_535}),
            ),
        ),
        refused("reject", "HS-REJ-009 HS-REJ-003", "it is refused", &reject),
    ]
}

/// What comes behind REPLY.
fn answers() -> Vec<Course> {
    let start = |id, requirements, comment, given: &Given| {
        Course::initiator(id, requirements, comment, given).receive(&usual_challenge(), "REPLY")
    };
    let given = Given::default();
    // The node's own messages, by the second layout: that they are what it writes is seen by its taking the answer.
    let said = |cookie| {
        let (name, challenge) = (usual_name().bytes(), usual_challenge().bytes());
        let own = Reply {
            cookie,
            challenge: challenge_of(RANDOM),
            said: [name.clone(), challenge.clone()],
            ..Reply::new(&usual_name())
        };
        [name, challenge, own.message().bytes()]
    };
    let right = ack(COOKIE, &EXPORTER, &said(COOKIE));
    let reply = said(COOKIE)[2].clone();
    let mut reflected = message(4, "ACK", vec![("digest", zeros()), ("extension", empty_block())]);
    reflected.fields.push(("proof", Field::Fixed(reply[reply.len() - 32..].to_vec())));
    let mut digest = right.clone();
    digest.fields[0].1 = Field::Fixed(vec![1; 32]);
    let version_1 =
        message(4, "ACK", vec![("digest", Field::Fixed(hmac(COOKIE, &[&challenge_bytes(RANDOM)])))]);
    let reject = message(5, "REJECT", vec![("code", Field::U16(5)), ("text", Field::Str16(String::new()))]);
    let changing = Given { cookies: vec![COOKIE, OTHER_COOKIE], ..Given::default() };
    vec![
        start(
            "is-accepted",
            "HS-CRS-004 HS-SEN-001 HS-DIG-002 HS-PRF-002 HS-CRE-001 HS-NAM-002 HS-TLV-005 HS-TLV-006",
            "all is well",
            &given,
        )
        .receive(&right, "the session begins"),
        start("another-cookie", "HS-PRF-006", "the other end has another cookie", &given)
            .receive(&ack(OTHER_COOKIE, &EXPORTER, &said(COOKIE)), "refused"),
        start("another-channel", "HS-PRF-006 HS-PRF-003", "somebody between the two", &given)
            .receive(&ack(COOKIE, &[0xE8; 32], &said(COOKIE)), "refused"),
        start("own-proof-back", "HS-PRF-006 HS-PRF-003", "its own proof is sent back to it", &given)
            .receive(&reflected, "refused"),
        start("digest-not-zero", "HS-DIG-003", "a digest beside a block", &given).receive(&digest, "refused"),
        start(
            "ack-without-block",
            "HS-DWN-003",
            "an answer of version 1 in a handshake of version 2",
            &given,
        )
        .receive(&version_1, "refused"),
        start("reject-after-reply", "HS-REJ-009 HS-REJ-003", "it is refused as duplicate", &given)
            .receive(&reject, "closed"),
        start(
            "first-cookie",
            "HS-CKY-002",
            "it proves itself with the first of its cookies, and judges with it",
            &changing,
        )
        .receive(&ack(OTHER_COOKIE, &EXPORTER, &said(COOKIE)), "an ACK with its other cookie: refused"),
    ]
}

fn version_1_at_the_initiator() -> Vec<Course> {
    let allowed = Given { version_1: true, ..Given::default() };
    let tls_12 = Given { tls_13: false, ..allowed.clone() };
    let plain = challenge(B.0, 1, Field::Fixed(vec![0x5A; 32]), None);
    let right = message(4, "ACK", vec![("digest", Field::Fixed(hmac(COOKIE, &[&challenge_bytes(RANDOM)])))]);
    let wrong = message(4, "ACK", vec![("digest", Field::Fixed(vec![0; 32]))]);
    vec![
        Course::initiator(
            "version-1-allowed",
            "HS-DIG-001 HS-SEN-001 HS-CRS-004",
            "a node of version 1 answers",
            &allowed,
        )
        .receive(&plain, "REPLY without a block; its challenge ends in the sentinel")
        .receive(&right, "the session begins"),
        Course::initiator(
            "version-1-over-tls-1.2",
            "HS-TLS-008 HS-DIG-001",
            "over TLS 1.2 NAME has no block",
            &tls_12,
        )
        .receive(&plain, "REPLY without a block")
        .receive(&right, "the session begins"),
        Course::initiator("version-1-wrong-digest", "HS-PRF-006", "a wrong digest", &allowed)
            .receive(&plain, "REPLY without a block")
            .receive(&wrong, "refused"),
        Course::initiator(
            "version-1-block-taken-away",
            "HS-DWN-001",
            "the sentinel without a block, where version 1 is allowed",
            &allowed,
        )
        .receive(&challenge(B.0, B.2, challenge_of(PEER_RANDOM), None), "no digest is given away"),
    ]
}
