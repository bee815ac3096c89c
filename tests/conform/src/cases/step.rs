//! The step language: what a case does and expects, one table a step. `spec/conformance/README.md` describes it.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::handshake_step::{Damage, Hear, Open, Refused, Say, Session};

/// One step.
#[derive(Clone, Debug)]
pub enum Step {
    /// A connection comes about: TCP and TLS.
    Open(Open),
    /// A whole session comes about: a connection, and a handshake as it should be.
    Session(Session),
    /// A message of the handshake goes to the subject.
    Say(Say),
    /// A message of the handshake comes from it.
    Hear(Hear),
    /// The subject ends the handshake.
    Refused(Refused),
    /// A frame goes to the subject.
    Send(Send),
    /// Bytes go to the subject as they are.
    Bytes(Bytes),
    /// A frame comes from the subject.
    Expect(Expect),
    /// Frames come from the subject, in any order.
    AnyOrder(AnyOrder),
    /// The session lives, and no other frame comes.
    Quiet(Quiet),
    /// The subject ends the session.
    Closed(Closed),
    /// The runner ends the connection.
    Leave(Leave),
    /// Nothing happens for a while.
    Pause(Pause),
    /// The subject's program is told to do something.
    Ask(Ask),
    /// A process of the subject has seen this, and nothing else.
    Report(Report),
    /// A flood of the subject's program does not go on.
    Stuck(Stuck),
    /// The rest of a flood comes.
    Flooded(Flooded),
    /// Nothing comes for a while.
    Silent(Silent),
    /// Nobody dials for a while.
    Undialled(Undialled),
    /// The subject dials so often.
    Dialled(Dialled),
    /// Connections that say nothing are made.
    Knock(Knock),
    /// So many of them are still open.
    Knocking(Knocking),
}

/// Names: one, or a list of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMore")]
pub struct Names(Vec<String>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a name or a list of names")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl From<OneOrMore> for Names {
    fn from(names: OneOrMore) -> Self {
        match names {
            OneOrMore::One(name) => Self(vec![name]),
            OneOrMore::More(names) => Self(names),
        }
    }
}

impl Names {
    /// Returns `true` if `name` is one of them.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.iter().any(|other| other == name)
    }

    /// Returns `true` if there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Which connection a step is about, if a case has several.
pub const FIRST: &str = "first";

pub(super) fn first() -> String {
    FIRST.into()
}

/// `send = "LINK"`, and its fields.
#[derive(Clone, Debug)]
pub struct Send {
    /// The frame's name.
    pub tag: String,
    /// The connection.
    pub on: String,
    /// Its fields.
    pub fields: Map<String, Value>,
    /// What is done to the finished payload.
    pub damage: Damage,
    /// It is sent so many times.
    pub times: usize,
    /// These fields are one more each time.
    pub counts: Names,
}

/// `bytes = "00 00 00 00"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bytes {
    /// In hexadecimal.
    pub bytes: String,
    /// The connection.
    #[serde(default = "first")]
    pub on: String,
    /// They are written in pieces of so many bytes.
    pub pieces: Option<usize>,
    /// They are written so many times.
    #[serde(default = "once")]
    pub times: usize,
}

const fn once() -> usize {
    1
}

/// `expect = "EXIT"`, and fields that must have these values.
#[derive(Clone, Debug)]
pub struct Expect {
    /// The frame's name.
    pub tag: String,
    /// The connection.
    pub on: String,
    /// Its fields, as far as they matter.
    pub fields: Map<String, Value>,
    /// Frames of these names that come before it are passed over.
    pub skip: Names,
    /// Fewer of them than this: a number, its name, or its name and `+1`.
    pub fewer_than: Option<String>,
    /// What this name stands for, a number of an earlier frame, must not stand in it.
    pub differs: Option<String>,
}

/// `any_order = [ .. ]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnyOrder {
    /// The frames.
    pub any_order: Vec<Expect>,
    /// The connection.
    #[serde(default = "first")]
    pub on: String,
}

/// `quiet = true`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// Always true.
    pub quiet: bool,
    /// The connection.
    #[serde(default = "first")]
    pub on: String,
    /// The properties that TLS must have then.
    #[serde(default)]
    pub check: Vec<QuietCheck>,
}

/// A fact of TLS in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuietCheck {
    /// The subject has sent no session ticket.
    NoTicket,
    /// Each frame that fits into one TLS record has come in one.
    WholeRecords,
}

/// `closed = [1]`: the session ends, with one of these codes of CLOSE or without a word.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// The codes.
    pub closed: Vec<u16>,
    /// The connection.
    #[serde(default = "first")]
    pub on: String,
    /// CLOSE must come.
    #[serde(default)]
    pub told: bool,
    /// Frames of these names that come before the end are passed over.
    #[serde(default)]
    pub skip: Names,
    /// close_notify must come.
    #[serde(default)]
    pub notified: bool,
}

/// `leave = true`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leave {
    /// Always true.
    pub leave: bool,
    /// The connection.
    #[serde(default = "first")]
    pub on: String,
}

/// `pause = 500`: milliseconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Milliseconds.
    pub pause: u64,
}

/// `ask = "link"`, and what the command needs.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The command.
    pub command: String,
    /// What its result is called from then on.
    pub name: Option<String>,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// The subject must refuse it.
    pub fails: bool,
    /// Its answer is waited for.
    pub answered: bool,
    /// What the answer must come to hold.
    pub gives: Option<Value>,
    /// What the result must not be: numbers, or their names.
    pub not: Vec<String>,
}

/// `report = "a"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The process.
    pub report: String,
    /// What it has seen, in order, as far as it matters.
    pub seen: Option<Vec<Value>>,
    /// Whether it runs.
    pub alive: Option<bool>,
}

/// `stuck = "a"`: the flood of a process stands still, and not all of it has been taken.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stuck {
    /// The process.
    pub stuck: String,
    /// Messages of the flood.
    pub of: u64,
    /// What the number of messages that were taken is called from then on.
    #[serde(rename = "as")]
    pub name: String,
}

/// `flooded = "128"`: the messages of a flood come, in order, up to so many, and nothing is lost of those that steps
/// before have passed over.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flooded {
    /// Messages of the flood: a number, or its name.
    pub flooded: String,
    /// The connection.
    #[serde(default = "first")]
    pub on: String,
}

/// `silent = 500`: milliseconds in which nothing comes, and the connection does not end.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silent {
    /// Milliseconds.
    pub silent: u64,
    /// The connection.
    #[serde(default = "first")]
    pub on: String,
}

/// `undialled = 500`: milliseconds in which the subject does not dial.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undialled {
    /// Milliseconds.
    pub undialled: u64,
}

/// `dialled = 2`: so many connections of the subject come, and no more.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialled {
    /// Connections.
    pub dialled: usize,
}

/// `knock = 8`: so many connections on which nothing is said.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knock {
    /// Connections.
    pub knock: usize,
    /// From this address.
    pub from: IpAddr,
}

/// `knocking = 64`: so many of them are open.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knocking {
    /// Connections.
    pub knocking: usize,
    /// All that are not are the oldest of this address.
    pub gone: Option<IpAddr>,
}
