//! Who is judged, and how it is reached.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use snow_dist_codec::NodeName;
use tokio::time::Instant;

use crate::adapter::{Adapter, Launch};
use crate::cases::Start;
use crate::field;
use crate::verdict::Trouble;
use crate::wire::{Listener, Log};

/// The host where the runner's nodes and a subject with an adapter listen.
const HOST: &str = "127.0.0.1";

/// Milliseconds of a short heartbeat: silence until PING, and from then until the peer counts as dead.
const SHORT_HEARTBEAT: (u64, u64) = (2_000, 3_000);

/// A subject that dials has verified ACK, and one that is dialled has sent it, within this time.
const SESSION_PATIENCE: Duration = Duration::from_secs(5);

/// Between two questions whether the session is up.
const SESSION_PAUSE: Duration = Duration::from_millis(10);

/// Who is judged.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A node that runs. It is judged as far as that goes without telling it anything.
    Running {
        /// Where it listens, `host:port`: to judge it as an acceptor.
        address: Option<String>,
        /// Where the runner listens, to judge it as an initiator: it has to dial each of these again and again.
        listen: Vec<Listening>,
    },
    /// A program that is started for each case.
    Adapted(Launch),
}

/// A name of the runner's node that the subject dials, and where the runner takes its dials.
#[derive(Clone, Debug)]
pub struct Listening {
    /// The node name.
    pub name: String,
    /// One case at a time takes the dials.
    pub(crate) listener: Arc<tokio::sync::Mutex<Listener>>,
}

/// Where the runner is to listen: `IP:PORT`, or `NAME@IP:PORT` for a node name with another first part than
/// [`Listen::NAME`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The first part of the node name.
    pub name: String,
    /// The address.
    pub at: SocketAddr,
}

impl Listen {
    /// The first part of the runner's node name, unless another one is given.
    pub const NAME: &str = "conform";
}

impl std::str::FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, at) = text.split_once('@').unwrap_or((Self::NAME, text));
        let at = at.parse().map_err(|_| format!("{at:?} is no IP:PORT, such as 127.0.0.1:9100"))?;
        match NodeName::parse(&format!("{name}@{at}")) {
            Ok(_) => Ok(Self { name: name.into(), at }),
            Err(error) => Err(format!("{text:?} makes no node name: {error}")),
        }
    }
}

impl Subject {
    /// Returns a node that runs, and is dialled, or dials, or both.
    ///
    /// # Errors
    /// Returns the error of the system if nothing can listen at an address.
    pub async fn running(address: Option<String>, listen: &[Listen]) -> std::io::Result<Self> {
        let mut listening = Vec::new();
        for Listen { name, at } in listen {
            let listener = Listener::bind(*at).await?;
            let name = format!("{name}@{}", listener.address()?);
            listening.push(Listening { name, listener: Arc::new(tokio::sync::Mutex::new(listener)) });
        }
        Ok(Self::Running { address, listen: listening })
    }
}

/// The subject in one case.
#[derive(Debug)]
pub struct Running {
    /// Its adapter, if there is one.
    pub adapter: Option<Adapter>,
    /// Where it listens.
    pub address: Option<String>,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// Its adapter answers the command `session`.
    pub tells_sessions: bool,
    /// It was started with a short heartbeat, so a case need not wait for the usual one.
    pub has_short_heartbeat: bool,
    /// What it says that it does without.
    pub without: Vec<String>,
}

impl Running {
    /// Starts the subject for a case.
    ///
    /// # Errors
    /// It does not start, or not in the way that the case needs.
    pub async fn start(subject: &Subject, how: &Start, cookie: &str, log: &Log) -> Result<Self, Trouble> {
        match subject {
            Subject::Running { .. } if how.is_special() => {
                Err(Trouble::Unsupported("only an adapter can start a node as this case needs it".into()))
            }
            Subject::Running { address, .. } => {
                let (address, without) = (address.clone(), Vec::new());
                let (tells_sessions, has_short_heartbeat) = (false, false);
                Ok(Self { adapter: None, address, name: None, tells_sessions, has_short_heartbeat, without })
            }
            Subject::Adapted(launch) => Self::adapted(Adapter::launch(launch, log)?, how, cookie).await,
        }
    }

    async fn adapted(mut adapter: Adapter, how: &Start, cookie: &str) -> Result<Self, Trouble> {
        let usual = start_arguments(how, cookie);
        let mut short = None;
        if how.short_heartbeat {
            let (interval, timeout) = SHORT_HEARTBEAT;
            let mut arguments = usual.clone();
            arguments.insert("heartbeat".into(), json!({"interval_ms": interval, "timeout_ms": timeout}));
            short = match adapter.ask("start", arguments).await {
                Err(Trouble::Unsupported(_)) => None,
                answer => Some(answer?),
            };
        }
        let has_short_heartbeat = short.is_some();
        let answer = match short {
            Some(answer) => answer,
            None => adapter.ask("start", usual).await?,
        };
        let name = field(&answer, "name").as_str().unwrap_or_default().to_owned();
        let Some((_, address)) = name.split_once('@') else {
            return Err(Trouble::unjudged("the adapter's answer to start says no node name"));
        };
        let address = Some(address.to_owned());
        let without = field(&answer, "without").as_array().into_iter().flatten();
        let without = without.filter_map(|what| what.as_str().map(str::to_owned)).collect();
        let (name, adapter) = (Some(name), Some(adapter));
        Ok(Self { address, name, adapter, tells_sessions: true, has_short_heartbeat, without })
    }

    /// Waits until the subject says that its session with the node `peer` is up. An adapter that does not know the
    /// question is not asked again.
    ///
    /// # Errors
    /// The subject says that there is no session, or its adapter does not answer as it should.
    pub async fn await_session(&mut self, peer: &str) -> Result<(), Trouble> {
        let until = Instant::now() + SESSION_PATIENCE;
        while self.tells_sessions {
            let arguments = Map::from_iter([("node".to_owned(), json!(peer))]);
            match self.ask("session", arguments).await {
                Ok(answer) if *field(&answer, "up") == json!(true) => return Ok(()),
                Ok(_) if Instant::now() < until => tokio::time::sleep(SESSION_PAUSE).await,
                Ok(answer) => {
                    return Err(Trouble::unjudged(format!(
                        "{} s after ACK the node says of its session with {peer}: {answer}",
                        SESSION_PATIENCE.as_secs(),
                    )));
                }
                Err(Trouble::Unsupported(_)) => self.tells_sessions = false,
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(())
    }

    /// Gives its adapter a command.
    ///
    /// # Errors
    /// It has no adapter, or as [`Adapter::ask`].
    pub async fn ask(&mut self, command: &str, arguments: Map<String, Value>) -> Result<Value, Trouble> {
        match &mut self.adapter {
            Some(adapter) => adapter.ask(command, arguments).await,
            None => Err(Trouble::Unsupported("there is no adapter".into())),
        }
    }

    /// Gives its adapter a command, and does not wait for the answer. It has to be the last one.
    ///
    /// # Errors
    /// It has no adapter, or the adapter does not read.
    pub async fn tell(&mut self, command: &str, arguments: Map<String, Value>) -> Result<(), Trouble> {
        match &mut self.adapter {
            Some(adapter) => adapter.tell(command, arguments).await,
            None => Err(Trouble::Unsupported("there is no adapter".into())),
        }
    }

    /// Ends it, if it was started here.
    pub async fn stop(self) {
        if let Some(adapter) = self.adapter {
            adapter.stop().await;
        }
    }
}

fn start_arguments(how: &Start, cookie: &str) -> Map<String, Value> {
    let mut arguments = Map::new();
    arguments.insert("name".into(), json!(format!("subject@{HOST}:0")));
    arguments.insert("cookie".into(), json!(how.cookie.as_deref().unwrap_or(cookie)));
    if !how.accepted.is_empty() {
        arguments.insert("accepted".into(), json!(how.accepted));
    }
    if how.version_1 {
        arguments.insert("version_1".into(), json!(true));
    }
    if how.peer_lists {
        arguments.insert("peer_lists".into(), json!(true));
    }
    if how.tells_peers {
        arguments.insert("tells_peers".into(), json!(true));
    }
    for (name, limit) in how.limits() {
        if let Some(limit) = limit {
            arguments.insert(name.into(), json!(limit));
        }
    }
    arguments
}
