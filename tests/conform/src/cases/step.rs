//! The step language: what a case does and expects, one table a step. `spec/conformance/README.md` describes it.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

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
}

/// Which connection a step is about, if a case has several.
pub const FIRST: &str = "first";

fn first() -> String {
    FIRST.into()
}

/// `open = "tls"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// Which TLS.
    pub open: Tls,
    /// The connection.
    #[serde(default = "first")]
    pub on: String,
    /// What TLS must be like then.
    #[serde(default)]
    pub check: Vec<TlsCheck>,
    /// Who dials, if it is not as the role says.
    pub by: Option<Dialler>,
    /// The subject must not let it come about.
    #[serde(default)]
    pub fails: bool,
}

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialler {
    /// The runner dials.
    Runner,
    /// The subject dials.
    Subject,
}

/// What the runner offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// TLS 1.3 with the application protocol.
    Tls,
    /// TLS 1.3 without it.
    NoAlpn,
    /// TLS 1.2, which may come about or not.
    #[serde(rename = "tls-1.2")]
    Tls12,
}

/// A fact of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsCheck {
    /// The subject sent the server name.
    ServerName,
    /// The subject offered or selected the application protocol.
    Alpn,
}

/// `session = "first"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The connection.
    pub session: String,
    /// What the runner says of itself.
    #[serde(flatten)]
    pub peer: PeerChanges,
}

/// Where the runner's node differs from the usual one.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct PeerChanges {
    /// The first part of its name, where the subject is dialled.
    pub name: Option<String>,
    /// Its present start.
    pub incarnation: Option<u64>,
    /// The longest frame it takes.
    pub frame_bytes_max: Option<u32>,
    /// How many links and monitors of the subject's it takes.
    pub links_and_monitors_max: Option<u32>,
    /// The cookie.
    pub cookie: Option<String>,
}

/// `say = "NAME"`: the message as it should be, but for what the step changes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Say {
    /// The message.
    pub say: Message,
    /// The connection.
    #[serde(default = "first")]
    pub on: String,
    /// Another node name; `theirs` is the subject's own.
    pub name: Option<String>,
    /// Another creation.
    pub creation: Option<u8>,
    /// What stands in the place of the extension block.
    #[serde(default)]
    pub block: Block,
    /// Another challenge.
    pub challenge: Option<Challenge>,
    /// Another digest, in hexadecimal.
    pub digest: Option<String>,
    /// Another proof.
    #[serde(default)]
    pub proof: Proof,
    /// The cookie of the digest or proof.
    pub cookie: Option<String>,
    /// Code of REJECT.
    #[serde(default)]
    pub code: u16,
    /// Text of REJECT.
    #[serde(default)]
    pub text: String,
    /// What is done to the finished payload.
    #[serde(flatten)]
    pub damage: Damage,
}

/// A message of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the names of the specification")]
pub enum Message {
    Name,
    Challenge,
    Reply,
    Ack,
    Reject,
}

impl Message {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::Challenge => "CHALLENGE",
            Self::Reply => "REPLY",
            Self::Ack => "ACK",
            Self::Reject => "REJECT",
        }
    }
}

/// What stands in the place of an extension block.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Block {
    /// The usual block.
    #[default]
    #[serde(skip)]
    Usual,
    /// `"none"`, `"usual"`, or bytes in hexadecimal.
    Bytes(String),
    /// A block of these extensions, in the form of the vectors.
    Of(Map<String, Value>),
}

/// A challenge of the runner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Challenge {
    /// Without the sentinel.
    NoSentinel,
    /// The challenge of the subject again.
    Reflected,
}

/// A proof of the runner's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// The right one.
    #[default]
    Right,
    /// The right one but for its last bit.
    LastBit,
    /// The right one but for its first bit.
    FirstBit,
    /// 32 zero bytes.
    Zero,
    /// That of another channel.
    OtherChannel,
    /// That of the other role over the same bytes.
    OtherRole,
    /// That of a NAME with another creation.
    OtherName,
    /// The subject's own REPLY proof again.
    Reflected,
    /// No byte.
    None,
}

/// What is done to a finished payload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Damage {
    /// So many bytes are cut off its end.
    #[serde(default)]
    pub cut: usize,
    /// Then these follow, in hexadecimal.
    #[serde(default)]
    pub surplus: String,
    /// The bit of lowest value is turned over in this byte.
    pub flip: Option<usize>,
    /// It is written in pieces of so many bytes.
    pub pieces: Option<usize>,
}

/// `hear = "CHALLENGE"`.
#[derive(Clone, Debug, Deserialize)]
pub struct Hear {
    /// The message.
    pub hear: Message,
    /// The connection.
    #[serde(default = "first")]
    pub on: String,
    /// What must be true of it.
    #[serde(default)]
    pub check: Vec<MessageCheck>,
    /// The cookie of its digest or proof.
    pub cookie: Option<String>,
    /// Fields that must have these values.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// What can be true of a message of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageCheck {
    /// It has an extension block.
    Block,
    /// It has none.
    NoBlock,
    /// The Strict reading accepts it.
    Strict,
    /// Its challenge ends in the sentinel.
    Sentinel,
    /// Its creation is that of its incarnation.
    Creation,
    /// Its block says version 2.
    Version2,
    /// Its block says an incarnation.
    Incarnation,
    /// Its block says nothing that belongs into NAME and CHALLENGE.
    NoKnownExtensions,
    /// Its name is a node name with a port.
    NodeName,
    /// Its digest is 32 zero bytes.
    DigestZero,
    /// Its digest is the one of version 1.
    DigestRight,
    /// Its proof is the right one.
    ProofRight,
}

/// `refused = [3]`: the handshake ends, with one of these codes of REJECT or without a word.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// The codes.
    pub refused: Vec<u16>,
    /// The connection.
    #[serde(default = "first")]
    pub on: String,
    /// REJECT must come.
    #[serde(default)]
    pub told: bool,
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
    /// Frames of this name that come before it are passed over.
    pub skip: Option<String>,
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
    /// What TLS must be like then.
    #[serde(default)]
    pub check: Vec<QuietCheck>,
}

/// A fact of TLS in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuietCheck {
    /// The subject has sent no session ticket.
    NoTicket,
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

/// A step that is a table with one of these keys.
macro_rules! verbs {
    ($($verb:literal => $variant:ident;)*) => {
        const VERBS: &[&str] = &[$($verb),*];

        impl Step {
            fn of(verb: &str, table: Map<String, Value>) -> Result<Self, serde_json::Error> {
                match verb {
                    $($verb => serde_json::from_value(Value::Object(table)).map(Self::$variant),)*
                    _ => Err(serde_json::Error::custom("no such step")),
                }
            }

            /// Its verb.
            #[must_use]
            pub const fn verb(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $verb,)*
                }
            }
        }
    };
}

verbs! {
    "open" => Open;
    "session" => Session;
    "say" => Say;
    "hear" => Hear;
    "refused" => Refused;
    "send" => Send;
    "bytes" => Bytes;
    "expect" => Expect;
    "any_order" => AnyOrder;
    "quiet" => Quiet;
    "closed" => Closed;
    "leave" => Leave;
    "pause" => Pause;
    "ask" => Ask;
    "report" => Report;
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = Map::deserialize(deserializer)?;
        let shown = Value::Object(table.clone()).to_string();
        // A frame can have a field that is also a verb; the verb stands first.
        let verb = table.keys().next().cloned().unwrap_or_default();
        if !VERBS.contains(&verb.as_str()) {
            return Err(D::Error::custom(format_args!("{shown} begins with none of {VERBS:?}")));
        }
        Self::of(&verb, table).map_err(|error| D::Error::custom(format_args!("{shown}: {error}")))
    }
}

/// Takes an entry out of a table, or gives what it is without one.
fn take<T: serde::de::DeserializeOwned, E: serde::de::Error>(
    table: &mut Map<String, Value>,
    key: &str,
    without: T,
) -> Result<T, E> {
    match table.shift_remove(key) {
        Some(value) => {
            serde_json::from_value(value).map_err(|error| E::custom(format_args!("{key}: {error}")))
        }
        None => Ok(without),
    }
}

impl<'de> Deserialize<'de> for Send {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        Ok(Self {
            tag: take(&mut fields, "send", String::new())?,
            on: take(&mut fields, "on", first())?,
            damage: Damage {
                cut: take(&mut fields, "cut", 0)?,
                surplus: take(&mut fields, "surplus", String::new())?,
                flip: take(&mut fields, "flip", None)?,
                pieces: take(&mut fields, "pieces", None)?,
            },
            times: take(&mut fields, "times", 1)?,
            fields,
        })
    }
}

impl<'de> Deserialize<'de> for Expect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        Ok(Self {
            tag: take(&mut fields, "expect", String::new())?,
            on: take(&mut fields, "on", first())?,
            skip: take(&mut fields, "skip", None)?,
            differs: take(&mut fields, "differs", None)?,
            fields,
        })
    }
}

impl<'de> Deserialize<'de> for Ask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut arguments = Map::deserialize(deserializer)?;
        Ok(Self {
            command: take(&mut arguments, "ask", String::new())?,
            name: take(&mut arguments, "as", None)?,
            fails: take(&mut arguments, "fails", false)?,
            answered: take(&mut arguments, "answered", true)?,
            arguments,
        })
    }
}
