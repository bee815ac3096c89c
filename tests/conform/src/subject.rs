//! Who is judged, and how it is reached.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::adapter::{Adapter, Launch};
use crate::cases::Start;
use crate::field;
use crate::verdict::Trouble;
use crate::wire::{Listener, Log};

/// The host where the runner's nodes and a subject with an adapter listen.
const HOST: &str = "127.0.0.1";

/// Milliseconds of a short heartbeat: silence until PING, and from then until the peer counts as dead.
const SHORT_HEARTBEAT: (u64, u64) = (2_000, 3_000);

/// Who is judged.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A node that runs. It is judged as far as that goes without telling it anything.
    Running {
        /// Where it listens, `host:port`: to judge it as an acceptor.
        address: Option<String>,
        /// Where the runner listens: to judge it as an initiator. It has to dial again and again.
        listen: Option<(String, Arc<tokio::sync::Mutex<Listener>>)>,
    },
    /// A program that is started for each case.
    Adapted(Launch),
}

impl Subject {
    /// A node that runs and is dialled, or dials, or both.
    ///
    /// # Errors
    /// Nothing can listen at the address.
    pub async fn running(address: Option<String>, listen: Option<SocketAddr>) -> std::io::Result<Self> {
        let listen = match listen {
            Some(at) => {
                let listener = Listener::bind(at).await?;
                let name = format!("conform@{}", listener.address()?);
                Some((name, Arc::new(tokio::sync::Mutex::new(listener))))
            }
            None => None,
        };
        Ok(Self::Running { address, listen })
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
                Ok(Self { adapter: None, address, name: None, has_short_heartbeat: false, without })
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
        Ok(Self { address, name: Some(name), adapter: Some(adapter), has_short_heartbeat, without })
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
    let limits = [("links_and_monitors_max", how.links_and_monitors_max), ("sessions_max", how.sessions_max)];
    for (name, limit) in limits {
        if let Some(limit) = limit {
            arguments.insert(name.into(), json!(limit));
        }
    }
    arguments
}
