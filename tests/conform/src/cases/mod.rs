//! The cases: data in `spec/conformance/`, read and chosen among.

mod handshake_step;
mod read_step;
mod step;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use handshake_step::*;
pub use step::*;

/// A case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Its name, which never changes.
    pub slug: String,
    /// What is true of a node that passes.
    pub title: String,
    /// The requirements that it is about.
    pub requirements: Vec<String>,
    /// How far they bind.
    #[serde(default)]
    pub level: Level,
    /// In which role the subject is judged.
    #[serde(default)]
    pub role: Roles,
    /// Whether the subject has to be told what to do.
    #[serde(default)]
    pub mode: Mode,
    /// The versions of the protocol for whose subjects it is.
    #[serde(default = "version_2")]
    pub versions: Vec<u8>,
    /// How the name of the runner's node compares with the subject's.
    #[serde(default)]
    pub peer: Order,
    /// Capabilities that both ends must have.
    #[serde(default)]
    pub needs: Vec<Capability>,
    /// What the subject can do without and say so: then the case does not concern it.
    pub optional: Option<Optional>,
    /// How the subject is started, if not as usual.
    #[serde(default)]
    pub start: Start,
    /// Seconds that the case can take beyond the usual, because a time of the protocol has to pass.
    #[serde(default)]
    pub long: u64,
    /// Megabytes are written: it has more time, and few such cases are played at once.
    #[serde(default)]
    pub heavy: bool,
    /// What happens.
    pub steps: Vec<Step>,
}

fn version_2() -> Vec<u8> {
    vec![2]
}

/// How far a case binds: the weakest key word of its requirements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Not to pass is to fail.
    #[default]
    Must,
    /// Not to pass is non-strict, and with strict judgement to fail.
    Should,
    /// Not to pass is non-strict.
    May,
}

/// A role of the subject in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It is dialled.
    Acceptor,
    /// It dials.
    Initiator,
}

impl Role {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acceptor => "acceptor",
            Self::Initiator => "initiator",
        }
    }
}

/// The roles in which a case judges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Roles {
    /// Only as an acceptor.
    Acceptor,
    /// Only as an initiator.
    Initiator,
    /// In each of them.
    #[default]
    Either,
}

impl Roles {
    /// Whether a role is among them.
    #[must_use]
    pub fn has(self, role: Role) -> bool {
        match self {
            Self::Acceptor => role == Role::Acceptor,
            Self::Initiator => role == Role::Initiator,
            Self::Either => true,
        }
    }
}

/// What a case needs of the subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// That it runs.
    #[default]
    Wire,
    /// That its adapter does as it is told.
    Adapter,
}

/// How the name of the runner's node compares with the subject's, byte by byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// It does not matter.
    #[default]
    Any,
    /// The runner's is the smaller one.
    Smaller,
    /// The runner's is the larger one.
    Larger,
}

impl Order {
    /// Returns `true` if the runner's name compares with the subject's as it should.
    #[must_use]
    pub fn holds(self, runner: &str, subject: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Smaller => runner < subject,
            Self::Larger => runner > subject,
        }
    }

    /// Returns the first part of a name that compares as it should with every name of the subject, whose first part
    /// this is. It ends in a byte on the right side of the `@` that ends the subject's.
    #[must_use]
    pub fn first_part(self, subject: &str) -> String {
        match self {
            Self::Any => "peer".into(),
            Self::Smaller => format!("{subject}0"),
            Self::Larger => format!("{subject}z"),
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Smaller => "smaller",
            Self::Larger => "larger",
        }
    }
}

/// A capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// NODE_TABLE.
    NodeTable,
    /// FRAGMENT.
    Fragments,
    /// EXIT2.
    RemoteExit,
    /// SEND_TERM.
    SendTerm,
    /// CALL, CALL_NAME, CALL_REPLY.
    Calls,
    /// SEND_NAME_TERM, MONITOR_NAME, NAMED.
    Names,
    /// Terms of the second kind.
    #[serde(rename = "terms_2")]
    Terms2,
}

impl Capability {
    /// All that the specification names.
    pub const ALL: [Self; 7] = [
        Self::NodeTable,
        Self::Fragments,
        Self::RemoteExit,
        Self::SendTerm,
        Self::Calls,
        Self::Names,
        Self::Terms2,
    ];

    /// Its bit.
    #[must_use]
    pub const fn bit(self) -> u64 {
        match self {
            Self::NodeTable => 1,
            Self::Fragments => 2,
            Self::RemoteExit => 4,
            Self::SendTerm => 8,
            Self::Calls => 16,
            Self::Names => 32,
            Self::Terms2 => 64,
        }
    }
}

/// What a node can do without, as the adapter says in its answer to `start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Optional {
    /// Signals and messages wait in two queues, and processes take turns.
    TwoQueues,
}

impl Optional {
    /// Its name in the adapter's answer.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TwoQueues => "two_queues",
        }
    }
}

/// How a subject is started.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// It allows version 1.
    #[serde(default)]
    pub version_1: bool,
    /// Cookies that it accepts beside its own.
    #[serde(default)]
    pub accepted: Vec<String>,
    /// A heartbeat of seconds instead of a minute, if the adapter can choose it; the case works without.
    #[serde(default)]
    pub short_heartbeat: bool,
    /// How many links and monitors of a peer it holds.
    pub links_and_monitors_max: Option<u32>,
    /// How many peers it has.
    pub sessions_max: Option<u32>,
    /// How many of their connections come from one address.
    pub sessions_per_address_max: Option<u32>,
    /// How many connections it has that are not verified.
    pub handshakes_max: Option<u32>,
    /// How many of them come from one address.
    pub handshakes_per_address_max: Option<u32>,
    /// Its operator allows every name in a peer list.
    #[serde(default)]
    pub peer_lists: bool,
    /// How many dials it makes within a minute because of peer lists.
    pub peer_list_dials_max: Option<u32>,
    /// It tells its peers of each other.
    #[serde(default)]
    pub tells_peers: bool,
    /// Another cookie.
    pub cookie: Option<String>,
    /// It has a certificate.
    pub certificates: Option<Certificates>,
    /// It must not start so, which is the whole case.
    #[serde(default)]
    pub fails: bool,
}

impl Start {
    /// The limits that it is to have, by their names.
    #[must_use]
    pub const fn limits(&self) -> [(&'static str, Option<u32>); 6] {
        [
            ("links_and_monitors_max", self.links_and_monitors_max),
            ("sessions_max", self.sessions_max),
            ("sessions_per_address_max", self.sessions_per_address_max),
            ("handshakes_max", self.handshakes_max),
            ("handshakes_per_address_max", self.handshakes_per_address_max),
            ("peer_list_dials_max", self.peer_list_dials_max),
        ]
    }

    /// Whether only an adapter can start it so.
    #[must_use]
    pub fn is_special(&self) -> bool {
        self.version_1
            || !self.accepted.is_empty()
            || self.limits().iter().any(|(_, limit)| limit.is_some())
            || self.peer_lists
            || self.tells_peers
            || self.certificates.is_some()
            || self.fails
    }
}

/// What a subject does with certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Certificates {
    /// It has one.
    Presented,
    /// It requires them too.
    Required,
}

/// The cases cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct CasesError {
    file: String,
    what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "case")]
    cases: Vec<Case>,
}

macro_rules! files {
    ($($file:literal),*) => {
        &[$(($file, include_str!(concat!("../../cases/", $file)))),*]
    };
}

/// The case list of the specification. `cases` is a link to its folder, so that the package of this crate holds it.
const FILES: &[(&str, &str)] = files![
    "transport.toml",
    "handshake.toml",
    "certificates.toml",
    "framing.toml",
    "frames.toml",
    "messages.toml",
    "links.toml",
    "monitors.toml",
    "exits.toml",
    "connections.toml",
    "queue.toml",
    "nodes.toml",
    "spawn.toml",
    "lists.toml",
    "capabilities.toml",
    "calls.toml",
    "names.toml",
    "groups.toml",
    "heartbeat.toml",
    "version1.toml"
];

/// The cases of the specification, in its order.
///
/// # Errors
/// A file of the specification is not one of cases.
pub fn all() -> Result<Vec<Case>, CasesError> {
    let files = FILES.iter().map(|(file, text)| parse(file, text));
    distinct(files.collect::<Result<Vec<_>, _>>()?.concat())
}

/// The cases of the `.toml` files in a folder.
///
/// # Errors
/// The folder or a file cannot be read, or there is no case.
pub fn read(folder: &Path) -> Result<Vec<Case>, CasesError> {
    let error = |file: &Path, what: String| CasesError { file: file.display().to_string(), what };
    let entries = std::fs::read_dir(folder).map_err(|found| error(folder, found.to_string()))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(|found| error(&path, found.to_string()))?;
        cases.extend(parse(&path.display().to_string(), &text)?);
    }
    distinct(cases)
}

fn parse(file: &str, text: &str) -> Result<Vec<Case>, CasesError> {
    let parsed: Result<File, _> = toml::from_str(text);
    parsed.map(|file| file.cases).map_err(|what| CasesError { file: file.into(), what: what.to_string() })
}

fn distinct(cases: Vec<Case>) -> Result<Vec<Case>, CasesError> {
    let mut slugs: Vec<_> = cases.iter().map(|case| case.slug.as_str()).collect();
    slugs.sort_unstable();
    match slugs.windows(2).find(|pair| pair.first() == pair.last()) {
        Some(twice) => Err(CasesError { file: twice.concat(), what: "two cases have this slug".into() }),
        None => Ok(cases),
    }
}

/// Which cases are played.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Slugs, or beginnings of slugs that end in `*`. None: all.
    pub slugs: Vec<String>,
    /// Requirements, or beginnings of them that end in `*`. None: all.
    pub requirements: Vec<String>,
    /// A role. None: both.
    pub role: Option<Role>,
}

impl Filter {
    /// Whether a case is among them in a role.
    #[must_use]
    pub fn takes(&self, case: &Case, role: Role) -> bool {
        let among = |patterns: &[String], names: &[String]| {
            patterns.is_empty() || names.iter().any(|name| patterns.iter().any(|pattern| fits(pattern, name)))
        };
        self.role.is_none_or(|wanted| wanted == role)
            && among(&self.slugs, std::slice::from_ref(&case.slug))
            && among(&self.requirements, &case.requirements)
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}
