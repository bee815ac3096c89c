//! Plays a case: its steps one after the other, against the subject in one role.

mod certificates;
mod fragments;
mod frames;
mod groups;
mod handshake;
mod peer;
mod places;
mod program;
mod values;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, json};
use snow_dist_codec::{Handshake, Reading};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use crate::cases::{Case, Dialler, FIRST, Message, Open, Order, Role, Step, Tls, TlsCheck};
use crate::subject::{Listening, Running, Subject};
use crate::verdict::Trouble;
use crate::wire::{ALPN, Authorities, Heard, Listener, Log, Offer, SERVER_NAME, Wire};

use fragments::Assembly;
use handshake::Theirs;
use peer::{Course, Peer};
use places::Knocker;
use values::Values;

/// What every case of a run shares.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) subject: Subject,
    pub(crate) subject_name: Option<String>,
    pub(crate) cookie: String,
    pub(crate) authorities: Arc<Authorities>,
    pub(crate) version: u8,
    /// How long a case waits for what must come.
    pub(crate) patience: Duration,
}

/// A case that is being played.
struct Player<'c> {
    case: &'c Case,
    role: Role,
    subject: Running,
    peer: Peer,
    authorities: Arc<Authorities>,
    listener: Option<Dialled>,
    connections: HashMap<String, Connection>,
    values: Values,
    log: Log,
    deadline: Instant,
    quiets: u64,
    /// The message of a flood that is due.
    flood: Option<u64>,
    knocks: Vec<Knocker>,
}

/// A connection with the subject, and what is known of it.
#[derive(Debug)]
struct Connection {
    wire: Wire,
    subject_dialled: bool,
    peer: Peer,
    course: Course,
    theirs: Theirs,
    assembly: Assembly,
}

/// Where the subject dials.
enum Dialled {
    /// It is told to.
    Own(Listener),
    /// It does so by itself, and one case at a time takes its dials.
    Shared(OwnedMutexGuard<Listener>),
}

impl Dialled {
    fn listener(&self) -> &Listener {
        match self {
            Self::Own(listener) => listener,
            Self::Shared(listener) => listener,
        }
    }
}

/// Between two looks at what a process has seen.
const REPORT_PAUSE: Duration = Duration::from_millis(20);

/// A subject that was told to dial is told again after so long.
const DIAL_PATIENCE: Duration = Duration::from_secs(2);

/// A command that fails is given again for so long: the session may be about to begin at the subject's end.
const ASK_PATIENCE: Duration = Duration::from_secs(2);

/// What a case takes beyond the usual where the subject has a short heartbeat.
const SHORT_LONG: Duration = Duration::from_secs(10);

/// What a case takes beyond the usual where megabytes are written.
const HEAVY_LONG: Duration = Duration::from_secs(40);

/// Plays a case to its end or to its first trouble. Gives where that was.
pub(crate) async fn play(scene: &Scene, case: &Case, role: Role, log: &Log) -> Result<(), (String, Trouble)> {
    let early = |trouble| ("start".to_owned(), trouble);
    let place = listen(scene, case, role).await.map_err(early)?;
    let started = Running::start(&scene.subject, &case.start, scene, log).await;
    let mut subject = match started {
        Ok(subject) if case.start.fails => {
            subject.stop().await;
            return Err(early(Trouble::wrong("the subject has started, which it should refuse")));
        }
        Err(Trouble::Unjudged(_)) if case.start.fails => return Ok(()),
        other => other.map_err(early)?,
    };
    if subject.name.is_none() {
        subject.name.clone_from(&scene.subject_name);
    }
    if let Some(optional) = case.optional.filter(|what| subject.without.iter().any(|it| it == what.name())) {
        subject.stop().await;
        return Err(early(Trouble::Unsupported(format!("the node does without {}", optional.name()))));
    }
    let (listener, name) = place.named(case, subject.name.as_deref());
    let peer = Peer {
        name,
        cookie: scene.cookie.clone(),
        version: scene.version,
        incarnation: 7,
        capabilities: case.needs.iter().fold(0, |all, capability| all | capability.bit()),
        frame_bytes_max: None,
        links_and_monitors_max: None,
    };
    let mut longer = if subject.has_short_heartbeat { SHORT_LONG } else { Duration::from_secs(case.long) };
    if case.heavy {
        longer += HEAVY_LONG;
    }
    let mut values = Values::default();
    values.named.insert("peer".into(), json!(peer.name));
    if let Some(name) = &subject.name {
        values.named.insert("subject".into(), json!(name));
    }
    let mut player = Player {
        case,
        role,
        subject,
        peer,
        authorities: Arc::clone(&scene.authorities),
        listener,
        connections: HashMap::new(),
        values,
        log: log.clone(),
        deadline: Instant::now() + scene.patience + longer,
        quiets: 0,
        flood: None,
        knocks: Vec::new(),
    };
    let played = player.steps().await;
    for (_, connection) in player.connections.drain() {
        connection.wire.close().await;
    }
    player.subject.stop().await;
    played
}

/// Where the subject finds the runner's node.
enum Place {
    /// A name of the runner's choice at this address, and what listens there.
    Own(Option<Listener>, String),
    /// A name that the subject has been told to dial.
    Shared(OwnedMutexGuard<Listener>, String),
}

impl Place {
    /// Returns the listener and the name of the runner's node. A name of its own choice compares with the subject's
    /// as the case needs it.
    fn named(self, case: &Case, subject: Option<&str>) -> (Option<Dialled>, String) {
        match self {
            Self::Shared(listener, name) => (Some(Dialled::Shared(listener)), name),
            Self::Own(listener, address) => {
                let (first, _) = subject.and_then(|name| name.split_once('@')).unwrap_or_default();
                let name = format!("{}-{}@{address}", case.peer.first_part(first), case.slug);
                (listener.map(Dialled::Own), name)
            }
        }
    }
}

async fn listen(scene: &Scene, case: &Case, role: Role) -> Result<Place, Trouble> {
    let unlistened = |error: std::io::Error| Trouble::unjudged(format!("the runner cannot listen: {error}"));
    match (&scene.subject, role) {
        // Nobody listens there: the subject has no reason to dial.
        (_, Role::Acceptor) => Ok(Place::Own(None, "127.0.0.1:1".into())),
        (Subject::Running { listen, .. }, Role::Initiator) => {
            let found = fitting(listen, case.peer, scene.subject_name.as_deref())?;
            let listener = Arc::clone(&found.listener).lock_owned().await;
            Ok(Place::Shared(listener, found.name.clone()))
        }
        (Subject::Adapted(_), Role::Initiator) => {
            let listener = Listener::bind(([127, 0, 0, 1], 0).into()).await.map_err(unlistened)?;
            let address = listener.address().map_err(unlistened)?;
            Ok(Place::Own(Some(listener), address.to_string()))
        }
    }
}

/// The first of the names that compares with the subject's as the case needs it. An initiator goes on only with the
/// name that it has dialled, so the runner can choose among these alone.
fn fitting<'l>(
    listen: &'l [Listening],
    order: Order,
    subject: Option<&str>,
) -> Result<&'l Listening, Trouble> {
    let fits = |listening: &&Listening| match (order, subject) {
        (Order::Any, _) => true,
        (_, Some(subject)) => order.holds(&listening.name, subject),
        (_, None) => false,
    };
    listen.iter().find(fits).ok_or_else(|| {
        Trouble::Unsupported(match subject {
            Some(subject) => {
                let first = subject.split_once('@').unwrap_or_default().0;
                format!(
                    "the runner needs a name that is {} than {subject}: give --listen {}@IP:PORT as well, and let \
                     the node dial that name",
                    order.name(),
                    order.first_part(first),
                )
            }
            None => "the name of the node is not known before it dials: give --address as well".into(),
        })
    })
}

/// Whether there is more to do.
enum Flow {
    On,
    Done,
}

impl Player<'_> {
    async fn steps(&mut self) -> Result<(), (String, Trouble)> {
        for (place, step) in self.case.steps.iter().enumerate() {
            let at = format!("step {} ({})", place + 1, step.verb());
            match self.step(step).await {
                Ok(Flow::On) => {}
                Ok(Flow::Done) => break,
                Err(trouble) => {
                    self.log.note(&format!("{at}: {trouble}"));
                    return Err((at, trouble));
                }
            }
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<Flow, Trouble> {
        match step {
            Step::Open(open) => return self.open(open).await,
            Step::Session(session) => self.session(session).await,
            Step::Say(say) => self.say(say).await,
            Step::Hear(hear) => self.hear(hear).await,
            Step::Refused(refused) => self.refused(refused).await,
            Step::Send(send) => self.send(send).await,
            Step::Bytes(bytes) => self.bytes(bytes).await,
            Step::Expect(expect) => self.expect(expect).await,
            Step::AnyOrder(frames) => self.any_order(frames).await,
            Step::Quiet(quiet) => self.quiet(quiet).await,
            Step::Closed(closed) => self.closed(closed).await,
            Step::Leave(leave) => {
                if let Some(connection) = self.connections.remove(&leave.on) {
                    connection.wire.close().await;
                }
                Ok(())
            }
            Step::Pause(pause) => {
                tokio::time::sleep(Duration::from_millis(pause.pause)).await;
                Ok(())
            }
            Step::Ask(ask) => self.ask(ask).await,
            Step::Report(report) => self.report(report).await,
            Step::Stuck(stuck) => self.stuck(stuck).await,
            Step::Flooded(flooded) => self.flooded(flooded).await,
            Step::Silent(silent) => self.silent(silent).await,
            Step::Undialled(undialled) => self.undialled(undialled).await,
            Step::Dialled(dialled) => self.dialled(dialled).await,
            Step::Knock(knock) => self.knock(knock).await,
            Step::Knocking(knocking) => self.knocking(knocking).await,
        }?;
        Ok(Flow::On)
    }

    fn connection(&mut self, on: &str) -> Result<&mut Connection, Trouble> {
        self.connections
            .get_mut(on)
            .ok_or_else(|| Trouble::unjudged(format!("the case has no connection {on:?}")))
    }

    /// The next payload of a session, or its end: what comes in fragments counts when the last one is there.
    async fn next_whole(&mut self, on: &str, deadline: Instant) -> Result<Option<Heard>, Trouble> {
        let connection = self.connection(on)?;
        let capabilities = connection.peer.capabilities & connection.theirs.capabilities;
        loop {
            let heard = match connection.wire.hear(deadline).await? {
                Some(Heard::Payload(payload)) => connection.assembly.take(payload, capabilities)?,
                other => return Ok(other),
            };
            if let Some(whole) = heard {
                return Ok(Some(Heard::Payload(whole)));
            }
        }
    }

    fn nothing(&self, wanted: &str) -> Trouble {
        Trouble::wrong(format!("nothing came in time; {wanted} was expected"))
    }
}

/// Connections.
impl Player<'_> {
    async fn open(&mut self, open: &Open) -> Result<Flow, Trouble> {
        let mut offer = match open.open {
            Tls::Tls => Offer::default(),
            Tls::NoAlpn => Offer { alpn: false, ..Offer::default() },
            Tls::Expired => Offer { expired: true, ..Offer::default() },
            Tls::Tls12 => Offer { tls12: true, ..Offer::default() },
        };
        offer.asks = self.case.start.certificates.is_some();
        offer.presents = open.certificate.as_ref().map(|wanted| self.issued(wanted)).transpose()?;
        // A subject need not speak TLS 1.2 at all.
        let may_fail = open.may_fail || offer.tls12;
        let subject_dials = match open.by {
            Some(dialler) => dialler == Dialler::Subject,
            None => self.role == Role::Initiator,
        };
        match self.connect(&open.on, offer, subject_dials).await {
            Ok(()) if open.fails => {
                return Err(Trouble::wrong("TLS came about, which the subject should refuse"));
            }
            Ok(()) => {}
            Err(Trouble::Wrong(_)) if open.fails => return Ok(Flow::On),
            Err(Trouble::Wrong(_)) if may_fail => return Ok(Flow::Done),
            Err(trouble) => return Err(trouble),
        }
        let given = self.subject.certificate.clone();
        let wire = &self.connection(&open.on)?.wire;
        let facts = wire.facts();
        for check in &open.check {
            let (is_so, what) = match check {
                TlsCheck::Certificate => (
                    given.is_some() && wire.certificates().first() == given.as_ref(),
                    "the subject did not present the certificate that it was given".to_owned(),
                ),
                TlsCheck::Asks => {
                    (subject_dials || facts.asked, "the subject asked for no certificate".to_owned())
                }
                TlsCheck::ServerName => (
                    facts.server_name.as_deref() == Some(SERVER_NAME),
                    format!("the server name is {:?}, and not {SERVER_NAME:?}", facts.server_name),
                ),
                TlsCheck::Alpn => {
                    (facts.alpn.as_deref() == Some(ALPN), "no application protocol was agreed on".to_owned())
                }
            };
            if !is_so {
                return Err(Trouble::wrong(what));
            }
        }
        Ok(Flow::On)
    }

    async fn open_usual(&mut self, on: &str) -> Result<(), Trouble> {
        self.connect(on, Offer::default(), self.role == Role::Initiator).await
    }

    async fn connect(&mut self, on: &str, offer: Offer, subject_dials: bool) -> Result<(), Trouble> {
        let made = match subject_dials {
            false => {
                let address = self.subject.address.clone();
                let address =
                    address.ok_or_else(|| Trouble::Unsupported("the subject has no address".into()))?;
                Wire::dial(&address, offer, &self.log, on).await
            }
            true => self.be_dialled(on, offer).await?,
        };
        let wire = made.map_err(|error| Trouble::wrong(format!("no TLS connection came about: {error}")))?;
        let connection = Connection {
            wire,
            subject_dialled: subject_dials,
            peer: self.peer.clone(),
            course: Course::default(),
            theirs: Theirs::default(),
            assembly: Assembly::default(),
        };
        self.connections.insert(on.to_owned(), connection);
        Ok(())
    }

    /// Takes the subject's dial. A subject that is told to dial is told again after a while: it may not have noticed
    /// yet that the connection before is over.
    async fn be_dialled(&mut self, on: &str, offer: Offer) -> Result<std::io::Result<Wire>, Trouble> {
        loop {
            let until = if self.subject.adapter.is_some() {
                let arguments = Map::from_iter([("to".to_owned(), json!(self.peer.name))]);
                self.subject.ask("connect", arguments).await?;
                self.deadline.min(Instant::now() + DIAL_PATIENCE)
            } else {
                self.deadline
            };
            let Some(listener) = &self.listener else {
                return Err(Trouble::unjudged("the runner does not listen"));
            };
            if let Ok(tcp) = tokio::time::timeout_at(until, listener.listener().accept_tcp()).await {
                return Ok(match tcp {
                    Ok(tcp) => Wire::accept(tcp, offer, &self.log, on).await,
                    Err(error) => Err(error),
                });
            }
            if until == self.deadline {
                return Err(Trouble::unjudged("the subject did not dial"));
            }
        }
    }
}

/// Bytes of hexadecimal with blanks in it.
fn hexadecimal(text: &str) -> Result<Vec<u8>, Trouble> {
    let digits: String = text.split_whitespace().collect();
    hex::decode(digits).map_err(|error| Trouble::unjudged(format!("the case's bytes {text:?}: {error}")))
}

/// The name of a subject that accepts, learned from its CHALLENGE. The connection is left there.
pub(crate) async fn name_of(mut wire: Wire, cookie: &str, version: u8) -> Option<String> {
    let peer = Peer {
        name: "peer-probe@127.0.0.1:1".into(),
        cookie: cookie.into(),
        version,
        incarnation: 7,
        capabilities: 0,
        frame_bytes_max: None,
        links_and_monitors_max: None,
    };
    let deadline = Instant::now() + PROBE_PATIENCE;
    let name = peer.payload(&handshake::usual(Message::Name, FIRST), &mut Course::default(), None).ok()?;
    wire.say(&name, None, deadline).await.ok()?;
    let heard = wire.hear(deadline).await.ok()?;
    wire.close().await;
    let Some(Heard::Payload(payload)) = heard else { return None };
    match Handshake::decode(&payload, Reading::Compatible) {
        Ok(Handshake::Challenge(challenge)) => Some(challenge.name.as_str().to_owned()),
        _ => None,
    }
}

/// How long a subject has to say its name before the first case.
const PROBE_PATIENCE: Duration = Duration::from_secs(10);
