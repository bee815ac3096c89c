//! Handshakes of two nodes, with somebody between them.

mod adversary;
mod certified;
mod course;
mod damage;
mod failures;
mod version_1;
mod worked;

use std::num::NonZeroU64;
use std::sync::Arc;

use snow_dist_codec::handshake::{Reject, challenge};
use snow_dist_codec::{Handshake, NodeName, Reading};

use super::*;
use crate::core::Allowed;

const COOKIE: &[u8] = b"correct-horse-battery-staple";
const A: &str = "a@127.0.0.1:9001";
const B: &str = "b@127.0.0.1:9002";
const RANDOM_INITIATOR: [u8; 24] = [0x1A; 24];
const RANDOM_ACCEPTOR: [u8; 24] = [0xAC; 24];
const TLS: Channel = Channel::Tls13 { exporter: [0xEE; 32] };

fn cookie(bytes: &[u8]) -> Cookie {
    Cookie::new(bytes).unwrap()
}

fn node(name: &str) -> Local {
    let incarnation = NonZeroU64::new(u64::from(name.as_bytes()[0])).unwrap();
    Local::new(NodeName::parse(name).unwrap(), incarnation, cookie(COOKIE).into())
}

/// A node that lets version 1 in.
fn lenient(name: &str) -> Local {
    let mut local = node(name);
    local.version_1 = Allowed::Everyone;
    local
}

fn with_cookies(name: &str, cookies: Cookies) -> Local {
    Local::new(NodeName::parse(name).unwrap(), NonZeroU64::MIN, cookies)
}

/// Two nodes, of which one dials the other, and the channel as each of them sees it.
#[derive(Clone)]
struct Pair {
    initiator: Arc<Local>,
    acceptor: Arc<Local>,
    channels: [Channel; 2],
}

/// The places at which somebody on the way can change a message.
const MESSAGES: [&str; 4] = ["NAME", "CHALLENGE", "REPLY", "ACK"];

/// How a handshake went; `None` where one end was left without an answer.
#[derive(Debug, PartialEq)]
struct Outcome {
    initiator: Option<Result<Established, Failure>>,
    acceptor: Option<Result<Established, Refusal>>,
}

impl Outcome {
    fn initiators_failure(&self) -> &Failure {
        self.initiator.as_ref().unwrap().as_ref().unwrap_err()
    }

    fn acceptors_failure(&self) -> &Failure {
        &self.acceptor.as_ref().unwrap().as_ref().unwrap_err().failure
    }

    fn initiator_is_established(&self) -> bool {
        matches!(self.initiator, Some(Ok(_)))
    }

    fn acceptor_is_established(&self) -> bool {
        matches!(self.acceptor, Some(Ok(_)))
    }
}

impl Pair {
    fn new(initiator: Local, acceptor: Local) -> Self {
        Self { initiator: initiator.into(), acceptor: acceptor.into(), channels: [TLS, TLS] }
    }

    fn over(self, channels: [Channel; 2]) -> Self {
        Self { channels, ..self }
    }

    fn initiate(&self) -> Result<(Vec<u8>, initiator::ExpectChallenge), Failure> {
        let dialled = NodeName::parse(self.acceptor.name()).unwrap();
        initiator::start(self.initiator.clone(), self.channels[0], dialled)
    }

    /// Runs the handshake. Each message passes through `way`, which is told its place in [`MESSAGES`].
    fn run(&self, mut way: impl FnMut(usize, Vec<u8>) -> Vec<u8>) -> Outcome {
        let (name, expect_challenge) = match self.initiate() {
            Ok(started) => started,
            Err(failure) => return Outcome { initiator: Some(Err(failure)), acceptor: None },
        };
        let expect_name = acceptor::start(self.acceptor.clone(), self.channels[1]);
        let (challenge, expect_reply) = match expect_name.handle(&way(0, name), RANDOM_ACCEPTOR) {
            Ok(answered) => answered,
            Err(refusal) => {
                let told = refusal.reject.as_ref().map(|reject| {
                    Err(expect_challenge.handle(reject, RANDOM_INITIATOR).map(|_| ()).unwrap_err())
                });
                return Outcome { initiator: told, acceptor: Some(Err(refusal)) };
            }
        };
        let (reply, expect_ack) = match expect_challenge.handle(&way(1, challenge), RANDOM_INITIATOR) {
            Ok(answered) => answered,
            Err(failure) => return Outcome { initiator: Some(Err(failure)), acceptor: None },
        };
        let (ack, established) = match expect_reply.handle(&way(2, reply)) {
            Ok(verified) => verified.accept(),
            Err(refusal) => {
                let told = refusal.reject.as_ref().map(|reject| expect_ack.handle(reject));
                return Outcome { initiator: told, acceptor: Some(Err(refusal)) };
            }
        };
        Outcome { initiator: Some(expect_ack.handle(&way(3, ack))), acceptor: Some(Ok(established)) }
    }

    /// Runs it with nobody between, and gives the four messages too.
    fn record(&self) -> (Outcome, Vec<Vec<u8>>) {
        let mut messages = Vec::new();
        let outcome = self.run(|_, message| {
            messages.push(message.clone());
            message
        });
        (outcome, messages)
    }
}

fn decode(payload: &[u8]) -> Handshake<'_> {
    Handshake::decode(payload, Reading::Strict).unwrap()
}

fn encode<'a>(message: impl Into<Handshake<'a>>) -> Vec<u8> {
    let mut payload = Vec::new();
    message.into().encode(&mut payload).unwrap();
    payload
}

/// Code and text of a REJECT.
fn rejection(payload: &[u8]) -> (u16, String) {
    let Handshake::Reject(Reject { code, text }) = decode(payload) else { panic!("no REJECT") };
    (code, text.to_string())
}

fn magic_at(payload: &[u8]) -> Option<usize> {
    payload.windows(8).position(|part| part == snow_dist_codec::handshake::MAGIC)
}

/// A message up to its extension block: what version 1 would have sent.
fn stripped(payload: &[u8]) -> Vec<u8> {
    payload[..magic_at(payload).unwrap()].to_vec()
}
