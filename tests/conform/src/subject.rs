//! Who is judged, and how it is reached.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use serde_json::{Map, Value, json};
use snow_dist_codec::NodeName;
use tokio::time::Instant;

use crate::adapter::{Adapter, Launch};
use crate::cases::{Certificates, Start};
use crate::field;
use crate::play::Scene;
use crate::verdict::Trouble;
use crate::wire::{Authorities, Issued, Listener, Log, Wanted};

/// The host where the runner's nodes and a subject with an adapter listen.
const HOST: &str = "127.0.0.1";

/// Milliseconds of a short heartbeat: silence until PING, and from then until the peer counts as dead.
const SHORT_HEARTBEAT: (u64, u64) = (2_000, 3_000);

/// A subject that dials has verified ACK, and one that is dialled has sent it, within this time.
const SESSION_PATIENCE: Duration = Duration::from_secs(5);

/// A certificate names the port of its node, which somebody else can take before that. It is started so often.
const PORTS_TRIED: usize = 3;

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
    /// The certificate that it was given.
    pub certificate: Option<CertificateDer<'static>>,
}

impl Running {
    /// Starts the subject for a case.
    ///
    /// # Errors
    /// It does not start, or not in the way that the case needs.
    pub(crate) async fn start(
        subject: &Subject,
        how: &Start,
        scene: &Scene,
        log: &Log,
    ) -> Result<Self, Trouble> {
        match subject {
            Subject::Running { .. } if how.is_special() => {
                Err(Trouble::Unsupported("only an adapter can start a node as this case needs it".into()))
            }
            Subject::Running { address, .. } => {
                let (address, without) = (address.clone(), Vec::new());
                Ok(Self {
                    adapter: None,
                    address,
                    name: None,
                    tells_sessions: false,
                    has_short_heartbeat: false,
                    without,
                    certificate: None,
                })
            }
            Subject::Adapted(launch) => Self::adapted(Adapter::launch(launch, log)?, how, scene).await,
        }
    }

    async fn adapted(mut adapter: Adapter, how: &Start, scene: &Scene) -> Result<Self, Trouble> {
        let mut arguments = start_arguments(how, &scene.cookie);
        if how.short_heartbeat {
            let (interval, timeout) = SHORT_HEARTBEAT;
            arguments.insert("heartbeat".into(), json!({"interval_ms": interval, "timeout_ms": timeout}));
        }
        let mut started = start(&mut adapter, &arguments, how, &scene.authorities).await;
        let mut has_short_heartbeat = how.short_heartbeat;
        if has_short_heartbeat && matches!(started, Err(Trouble::Unsupported(_))) {
            has_short_heartbeat = false;
            arguments.remove("heartbeat");
            started = start(&mut adapter, &arguments, how, &scene.authorities).await;
        }
        let (answer, certificate) = started?;
        let name = field(&answer, "name").as_str().unwrap_or_default().to_owned();
        let Some((_, address)) = name.split_once('@') else {
            return Err(Trouble::unjudged("the adapter's answer to start says no node name"));
        };
        let address = Some(address.to_owned());
        let without = field(&answer, "without").as_array().into_iter().flatten();
        let without = without.filter_map(|what| what.as_str().map(str::to_owned)).collect();
        let (name, adapter) = (Some(name), Some(adapter));
        Ok(Self { address, name, adapter, tells_sessions: true, has_short_heartbeat, without, certificate })
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

/// Starts a node. Returns the adapter's answer, and the node's certificate, if it has one.
async fn start(
    adapter: &mut Adapter,
    arguments: &Map<String, Value>,
    how: &Start,
    authorities: &Authorities,
) -> Result<(Value, Option<CertificateDer<'static>>), Trouble> {
    let Some(certificates) = how.certificates else {
        return Ok((adapter.ask("start", arguments.clone()).await?, None));
    };
    let (answer, issued) = start_certified(adapter, arguments, certificates, authorities).await?;
    Ok((answer, issued.chain.into_iter().next()))
}

/// Starts a node with a certificate for its name, which has a port that is free just now.
async fn start_certified(
    adapter: &mut Adapter,
    usual: &Map<String, Value>,
    how: Certificates,
    authorities: &Authorities,
) -> Result<(Value, Issued), Trouble> {
    let unmade =
        |error: std::io::Error| Trouble::unjudged(format!("the subject has no certificate: {error}"));
    let mut left = PORTS_TRIED;
    loop {
        let port = free_port().map_err(unmade)?;
        let name = format!("subject@{HOST}:{port}");
        let wanted = Wanted { uris: vec![format!("snow-dist:{name}")], ..Wanted::default() };
        let issued = authorities.trusted.issue(&wanted).map_err(unmade)?;
        let mut arguments = usual.clone();
        arguments.insert("name".into(), json!(name));
        let certificates = json!({
            "chain": issued.chain_pem(),
            "key": issued.key_pem(),
            "trust": authorities.trusted.pem(),
            "required": how == Certificates::Required,
        });
        arguments.insert("certificates".into(), certificates);
        left -= 1;
        match adapter.ask("start", arguments).await {
            Err(Trouble::Unjudged(_)) if left > 0 => {}
            answer => return answer.map(|answer| (answer, issued)),
        }
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind((HOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, split};

    use super::*;

    /// An adapter that notes its last command.
    async fn adapt(line: DuplexStream, knows_heartbeat: bool, last: Arc<Mutex<Value>>) {
        let (from, mut to) = split(line);
        let mut commands = BufReader::new(from).lines();
        while let Some(command) = commands.next_line().await.unwrap() {
            let command: Value = serde_json::from_str(&command).unwrap();
            let is_supported = knows_heartbeat || field(&command, "heartbeat").is_null();
            let answer = if is_supported { "ok" } else { "unsupported" };
            let answer = json!({"answer": answer, "name": field(&command, "name")});
            *last.lock().unwrap() = command;
            to.write_all(format!("{answer}\n").as_bytes()).await.unwrap();
        }
    }

    /// Starts a node with a short heartbeat and certificates. Returns it with the command that has started it.
    async fn started(knows_heartbeat: bool) -> (Running, Value) {
        let last = Arc::<Mutex<Value>>::default();
        let noted = Arc::clone(&last);
        let launch = Launch::Task(Arc::new(move |line| {
            drop(tokio::spawn(adapt(line, knows_heartbeat, Arc::clone(&noted))));
        }));
        let scene = Scene {
            subject: Subject::Adapted(launch),
            subject_name: None,
            cookie: "a cookie of thirty-two letters..".to_owned(),
            authorities: Arc::new(Authorities::new().unwrap()),
            version: 2,
            patience: Duration::ZERO,
        };
        let certificates = Some(Certificates::Required);
        let how = Start { short_heartbeat: true, certificates, ..Start::default() };
        let running = Running::start(&scene.subject, &how, &scene, &Log::default()).await.unwrap();
        let command = last.lock().unwrap().take();
        (running, command)
    }

    #[tokio::test]
    async fn a_node_can_have_a_short_heartbeat_and_certificates() {
        for knows_heartbeat in [true, false] {
            let (running, command) = started(knows_heartbeat).await;
            assert_eq!(running.has_short_heartbeat, knows_heartbeat);
            assert_eq!(field(&command, "heartbeat").is_object(), knows_heartbeat, "{command}");
            assert_eq!(*field(field(&command, "certificates"), "required"), json!(true), "{command}");
            assert!(running.certificate.is_some());
        }
    }
}
