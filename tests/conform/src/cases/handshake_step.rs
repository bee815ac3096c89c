//! The steps before the first frame: connections, and the messages of the handshake.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::step::first;

/// `open = "tls"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// Which TLS.
    pub open: Tls,
    /// The connection.
    #[serde(default = "first")]
    pub on: String,
    /// The properties that TLS must have then.
    #[serde(default)]
    pub check: Vec<TlsCheck>,
    /// The end that dials, if it is not the one that the role says.
    pub by: Option<Dialler>,
    /// The subject must not let it come about.
    #[serde(default)]
    pub fails: bool,
    /// The subject need not let it come about, and passes if it does not.
    #[serde(default)]
    pub may_fail: bool,
    /// The certificate that the runner presents. Without it, an acceptor presents a certificate of nobody's, and an initiator none.
    pub certificate: Option<Certificate>,
}

/// A certificate of the runner's. In its texts, `$peer` is the name of the runner's node, `$escaped` that name with each
/// byte as `%` and two digits, and `$twice` that once more.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Certificate {
    /// The URIs among its subject alternative names.
    pub uris: Vec<String>,
    /// Those of the certificate of its issuer.
    pub issuer_uris: Vec<String>,
    /// The common name of its subject.
    pub common_name: Option<String>,
    /// It is not valid any more.
    pub expired: bool,
    /// It leads to an authority that the subject does not trust.
    pub untrusted: bool,
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
    /// TLS 1.3, with a certificate that is not valid any more.
    Expired,
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
    /// The subject presented the certificate that it was given.
    Certificate,
    /// The subject asked for a certificate, if it accepts.
    Asks,
}

/// `session = "first"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The connection.
    pub session: String,
    /// That it comes about is what the case is about, and no preparation.
    #[serde(default)]
    pub judged: bool,
    /// The subject ends the handshake in the place of its last message, with one of these codes of REJECT or none.
    pub refused: Option<Vec<u16>>,
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
    /// It comes within so many seconds.
    pub within: Option<u64>,
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
    /// Its block has types, and bits of capabilities, that the specification names.
    KnownExtensions,
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
