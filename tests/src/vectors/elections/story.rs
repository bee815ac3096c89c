//! How a story of connections is told: one event after the other, and what the node does on each.

use serde_json::{Value, json};

/// The two names: the bytewise smaller one, and the larger one.
pub(super) const SMALLER: &str = "a@h:9000";
pub(super) const LARGER: &str = "b@h:9000";
/// A node that is not the peer of the story.
pub(super) const OTHER: &str = "c@h:9000";

/// The starts of the peer that stories speak of.
pub(super) const FIRST: Option<u64> = Some(7);
pub(super) const SECOND: Option<u64> = Some(8);
/// A peer of version 1 says nothing of its starts.
pub(super) const UNKNOWN: Option<u64> = None;

/// A PING with its length.
pub(super) const PING: &str = "09000000f00102030405060708";
/// A CLOSE with code 0 and no text.
pub(super) const CLOSE: &str = "050000008400000000";
/// A SEND to process 5 in the form of version 1, of no bytes.
pub(super) const SEND: &str = "09000000100500000000000000";

/// What the node does with a connection.
#[derive(Clone, Copy)]
pub(super) enum Does {
    Dials(u64),
    Replies(u64),
    /// It has accepted the connection, and answers it: the session begins.
    Acks(u64),
    /// It has dialled, and the session begins.
    Begins(u64),
    Reads(u64, &'static str),
    /// It refuses the connection with this code, or without a word.
    Refuses(u64, Option<u16>),
    Closes(u64),
    Pings(u64),
    /// It ends the session, with a CLOSE of this code or without one.
    Ends(u64, Option<u16>),
}

/// The codes of REJECT.
pub(super) const BUSY: Option<u16> = Some(2);
pub(super) const DUPLICATE: Option<u16> = Some(5);
/// A code of CLOSE.
pub(super) const REPLACED: Option<u16> = Some(3);

impl Does {
    fn json(self) -> Value {
        match self {
            Self::Dials(on) => json!({"dials": on}),
            Self::Replies(on) => json!({"replies": on}),
            Self::Acks(on) => json!({"acks": on}),
            Self::Begins(on) => json!({"begins": on}),
            Self::Reads(on, hex) => json!({"reads": on, "hex": hex}),
            Self::Refuses(on, code) => json!({"refuses": on, "code": code}),
            Self::Closes(on) => json!({"closes": on}),
            Self::Pings(on) => json!({"pings": on}),
            Self::Ends(on, code) => json!({"ends": on, "code": code}),
        }
    }
}

/// A vector in the making.
pub(super) struct Story {
    id: String,
    comment: &'static str,
    requirements: Vec<String>,
    given: Value,
    peer: &'static str,
    /// The connection in which the node writes to the peer.
    session: Option<u64>,
    steps: Vec<Value>,
}

impl Story {
    /// A node of this name that has been up for long, and its peer, whose name is the other one.
    pub(super) fn of(own: &'static str, id: &str, requirements: &'static str, comment: &'static str) -> Self {
        let peer = if own == SMALLER { LARGER } else { SMALLER };
        Self {
            id: format!("election-{id}"),
            comment,
            requirements: requirements.split(' ').map(str::to_owned).collect(),
            given: json!({
                "name": own, "peer": peer, "version_1_allowed": false, "sessions_max": 4096, "up_ms": 60_000,
                "probe_timeout_ms": 2000, "version_1_cleanup_ms": 1000,
            }),
            peer,
            session: None,
            steps: Vec::new(),
        }
    }

    /// Sets one of the facts about the node.
    pub(super) fn given(mut self, fact: &str, value: impl Into<Value>) -> Self {
        self.given[fact] = value.into();
        self
    }

    /// A program wants a session with this node; the answer says what it gets.
    pub(super) fn dial(self, on: u64, to: &str, answer: &str, comment: &str) -> Self {
        let does: &[_] = if answer == "dials" { &[Does::Dials(on)] } else { &[] };
        let mut story = self.step("dial", json!({"connection": on, "to": to}), comment, does);
        story.steps.last_mut().unwrap()["answer"] = answer.into();
        story
    }

    /// TCP accepts a connection.
    pub(super) fn accept(self, on: u64, comment: &str) -> Self {
        self.step("accept", json!({"connection": on}), comment, &[])
    }

    /// NAME arrives.
    pub(super) fn name(self, on: u64, incarnation: Option<u64>, comment: &str) -> Self {
        let name = self.peer;
        self.step("name", said(on, name, incarnation), comment, &[])
    }

    /// A REPLY of the peer arrives that is good.
    pub(super) fn reply(self, on: u64, incarnation: Option<u64>, comment: &str, does: &[Does]) -> Self {
        let name = self.peer;
        self.step("reply", said(on, name, incarnation), comment, does)
    }

    /// The same of another node.
    pub(super) fn reply_of_other(self, on: u64, comment: &str, does: &[Does]) -> Self {
        self.step("reply", said(on, OTHER, FIRST), comment, does)
    }

    /// The same of the peer, with a frame behind it.
    pub(super) fn reply_and(self, on: u64, behind: &str, comment: &str, does: &[Does]) -> Self {
        let mut event = said(on, self.peer, FIRST);
        event["behind"] = behind.into();
        self.step("reply", event, comment, does)
    }

    /// A connection is accepted and verified at once.
    pub(super) fn verified(self, on: u64, incarnation: Option<u64>, comment: &str, does: &[Does]) -> Self {
        self.accept(on, "of the peer").reply(on, incarnation, comment, does)
    }

    /// A CHALLENGE arrives that is good: REPLY is due.
    pub(super) fn challenge(self, on: u64, incarnation: Option<u64>, comment: &str, does: &[Does]) -> Self {
        self.step("challenge", challenge(on, incarnation), comment, does)
    }

    /// The node dials its peer, and sends REPLY.
    pub(super) fn dials(self, on: u64, incarnation: Option<u64>, comment: &str) -> Self {
        let peer = self.peer;
        self.dial(on, peer, "dials", "a program wants a session").challenge(
            on,
            incarnation,
            comment,
            &[Does::Replies(on)],
        )
    }

    /// An ACK arrives that is good.
    pub(super) fn ack(self, on: u64, incarnation: Option<u64>, comment: &str, does: &[Does]) -> Self {
        self.step("ack", challenge(on, incarnation), comment, does)
    }

    /// Bytes arrive in a session.
    pub(super) fn receive(mut self, on: u64, hex: &str, comment: &str, does: &[Does]) -> Self {
        if hex == CLOSE {
            self.leave(on);
        }
        self.step("receive", json!({"connection": on, "hex": hex}), comment, does)
    }

    /// The PONG arrives that answers the last PING.
    pub(super) fn pong(self, on: u64, comment: &str, does: &[Does]) -> Self {
        self.step("pong", json!({"connection": on}), comment, does)
    }

    /// The transport takes no more bytes, and a message waits for it.
    pub(super) fn block(self, on: u64, comment: &str) -> Self {
        self.step("block", json!({"connection": on}), comment, &[])
    }

    /// The stream has ended, or broken, or a deadline or a check of a handshake ends it.
    pub(super) fn gone(mut self, on: u64, comment: &str, does: &[Does]) -> Self {
        self.leave(on);
        self.step("gone", json!({"connection": on}), comment, does)
    }

    /// The node ends the session in order, and has written CLOSE.
    pub(super) fn close(mut self, on: u64, comment: &str) -> Self {
        self.session = None;
        self.step("close", json!({"connection": on}), comment, &[])
    }

    /// All is told of the end of a session.
    pub(super) fn told(self, on: u64, comment: &str, does: &[Does]) -> Self {
        self.step("told", json!({"connection": on}), comment, does)
    }

    /// Time passes.
    pub(super) fn wait(self, milliseconds: u64, comment: &str, does: &[Does]) -> Self {
        self.step("wait_ms", milliseconds.into(), comment, does)
    }

    fn step(mut self, event: &str, what: Value, comment: &str, does: &[Does]) -> Self {
        for each in does {
            match *each {
                Does::Acks(on) | Does::Begins(on) if self.is_of_peer(on, &what) => self.session = Some(on),
                Does::Ends(on, _) => self.leave(on),
                _ => {}
            }
        }
        let does: Vec<_> = does.iter().map(|each| each.json()).collect();
        let mut step = json!({"comment": comment});
        step[event] = what;
        step["does"] = does.into();
        step["session"] = self.session.into();
        self.steps.push(step);
        self
    }

    /// Whether a session that an event brings about is with the peer of the story.
    fn is_of_peer(&self, on: u64, event: &Value) -> bool {
        event["connection"] != on || event["name"].is_null() || event["name"] == self.peer
    }

    /// The node writes to the peer no more, if it was in this session.
    fn leave(&mut self, on: u64) {
        self.session.take_if(|session| *session == on);
    }

    pub(super) fn finish(self) -> Value {
        json!({
            "id": self.id, "comment": self.comment, "requirements": self.requirements, "result": "valid",
            "given": self.given, "steps": self.steps,
        })
    }
}

fn said(on: u64, name: &str, incarnation: Option<u64>) -> Value {
    let mut event = challenge(on, incarnation);
    event["name"] = name.into();
    event
}

fn challenge(on: u64, incarnation: Option<u64>) -> Value {
    json!({"connection": on, "incarnation": incarnation.map(|number| number.to_string())})
}
