//! Plays a case: its steps one after the other, against the subject in one role.

mod handshake;
mod peer;
mod values;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use snow_dist_codec::{Frame, Handshake, Reading};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use crate::cases::{
    AnyOrder, Ask, Bytes, Case, Closed, Dialler, Expect, FIRST, Message, Open, Quiet, QuietCheck, Report,
    Role, Send, Step, Tls, TlsCheck,
};
use crate::field;
use crate::subject::{Running, Subject};
use crate::verdict::Trouble;
use crate::wire::{ALPN, Heard, Listener, Log, Offer, SERVER_NAME, Wire, document_of};

use handshake::Theirs;
use peer::{Course, Peer, damage, document};
use values::{Creations, Values, as_text, shown};

/// What every case of a run shares.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) subject: Subject,
    pub(crate) subject_name: Option<String>,
    pub(crate) cookie: String,
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
    listener: Option<Dialled>,
    connections: HashMap<String, Connection>,
    values: Values,
    log: Log,
    deadline: Instant,
    quiets: u64,
}

/// A connection with the subject, and what is known of it.
#[derive(Debug)]
struct Connection {
    wire: Wire,
    subject_dialled: bool,
    peer: Peer,
    course: Course,
    theirs: Theirs,
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

/// If only one of the two answers of [`Step::Quiet`] has come, the other one gets so much more time.
const SECOND_ANSWER: Duration = Duration::from_secs(1);

/// The process of the runner that asks for signs of life.
const ASKING: u64 = 0xA5_A5A5;

/// Where monitor references of signs of life begin.
const ASKING_REFERENCES: u64 = 1 << 62;

/// What a case takes beyond the usual where the subject has a short heartbeat.
const SHORT_LONG: Duration = Duration::from_secs(10);

/// Plays a case to its end or to its first trouble. Gives where that was.
pub(crate) async fn play(scene: &Scene, case: &Case, role: Role, log: &Log) -> Result<(), (String, Trouble)> {
    let early = |trouble| ("start".to_owned(), trouble);
    let (listener, name) = listen(scene, case, role).await.map_err(early)?;
    let mut subject = Running::start(&scene.subject, &case.start, &scene.cookie, log).await.map_err(early)?;
    if subject.name.is_none() {
        subject.name.clone_from(&scene.subject_name);
    }
    let peer = Peer {
        name,
        cookie: scene.cookie.clone(),
        version: scene.version,
        incarnation: 7,
        capabilities: case.needs.iter().fold(0, |all, capability| all | capability.bit()),
        frame_bytes_max: None,
        links_and_monitors_max: None,
    };
    let longer = if subject.has_short_heartbeat { SHORT_LONG } else { Duration::from_secs(case.long) };
    let mut player = Player {
        case,
        role,
        subject,
        peer,
        listener,
        connections: HashMap::new(),
        values: Values::default(),
        log: log.clone(),
        deadline: Instant::now() + scene.patience + longer,
        quiets: 0,
    };
    let played = player.steps().await;
    for (_, connection) in player.connections.drain() {
        connection.wire.close().await;
    }
    player.subject.stop().await;
    played
}

/// Where the subject finds the runner's node, and the node's name.
async fn listen(scene: &Scene, case: &Case, role: Role) -> Result<(Option<Dialled>, String), Trouble> {
    let node = format!("{}-{}", case.peer, case.slug);
    let unlistened = |error: std::io::Error| Trouble::unjudged(format!("the runner cannot listen: {error}"));
    match (&scene.subject, role) {
        // Nobody listens there: the subject has no reason to dial.
        (_, Role::Acceptor) => Ok((None, format!("{node}@127.0.0.1:1"))),
        (Subject::Running { listen: Some((name, listener)), .. }, Role::Initiator) => {
            let listener = Arc::clone(listener).lock_owned().await;
            Ok((Some(Dialled::Shared(listener)), name.clone()))
        }
        (_, Role::Initiator) => {
            let listener = Listener::bind(([127, 0, 0, 1], 0).into()).await.map_err(unlistened)?;
            let name = format!("{node}@{}", listener.address().map_err(unlistened)?);
            Ok((Some(Dialled::Own(listener)), name))
        }
    }
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
        }?;
        Ok(Flow::On)
    }

    fn connection(&mut self, on: &str) -> Result<&mut Connection, Trouble> {
        self.connections
            .get_mut(on)
            .ok_or_else(|| Trouble::unjudged(format!("the case has no connection {on:?}")))
    }

    /// The next payload or end of a connection, or nothing in time.
    async fn next(&mut self, on: &str) -> Result<Option<Heard>, Trouble> {
        let deadline = self.deadline;
        self.connection(on)?.wire.hear(deadline).await
    }

    fn nothing(&self, wanted: &str) -> Trouble {
        Trouble::wrong(format!("nothing came in time; {wanted} was expected"))
    }
}

/// Connections.
impl Player<'_> {
    async fn open(&mut self, open: &Open) -> Result<Flow, Trouble> {
        let offer = match open.open {
            Tls::Tls => Offer::default(),
            Tls::NoAlpn => Offer { alpn: false, ..Offer::default() },
            Tls::Tls12 => Offer { tls12: true, ..Offer::default() },
        };
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
            // A subject need not speak it at all.
            Err(Trouble::Wrong(_)) if offer.tls12 => return Ok(Flow::Done),
            Err(trouble) => return Err(trouble),
        }
        let facts = self.connection(&open.on)?.wire.facts().clone();
        for check in &open.check {
            let (is_so, what) = match check {
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

/// Frames.
impl Player<'_> {
    fn creations(&mut self, on: &str) -> Result<Creations, Trouble> {
        let connection = self.connection(on)?;
        Ok(Creations { mine: connection.peer.creation(), theirs: connection.theirs.creation })
    }

    async fn send(&mut self, send: &Send) -> Result<(), Trouble> {
        let creations = self.creations(&send.on)?;
        let fields = self.values.resolve_fields(&send.fields, creations)?;
        let mut payload = document(&send.tag, Value::Object(fields))?;
        damage(&mut payload, &send.damage)?;
        let deadline = self.deadline;
        for _ in 0..send.times {
            self.connection(&send.on)?.wire.say(&payload, send.damage.pieces, deadline).await?;
        }
        Ok(())
    }

    async fn bytes(&mut self, bytes: &Bytes) -> Result<(), Trouble> {
        let raw = hexadecimal(&bytes.bytes)?.repeat(bytes.times);
        let deadline = self.deadline;
        self.connection(&bytes.on)?.wire.raw(&raw, bytes.pieces, deadline).await
    }

    /// The next frame that is not chatter. A PING is answered on the way.
    async fn next_frame(&mut self, on: &str, wanted: &str) -> Result<Option<(String, Value)>, Trouble> {
        loop {
            let payload = match self.next(on).await? {
                Some(Heard::Payload(payload)) => payload,
                Some(Heard::End) => return Ok(None),
                None => return Err(self.nothing(wanted)),
            };
            let (tag, fields) = document_of(&payload)?;
            if tag == "PING" && wanted != tag {
                self.pong(on, &payload).await?;
            } else if tag == wanted || !CHATTER.contains(&tag.as_str()) {
                return Ok(Some((tag, fields)));
            }
        }
    }

    async fn pong(&mut self, on: &str, ping: &[u8]) -> Result<(), Trouble> {
        let Ok(Frame::Ping(ping)) = Frame::decode(ping, Reading::Strict) else { return Ok(()) };
        let payload = document("PONG", json!({"payload": hex::encode(ping.payload)}))?;
        let deadline = self.deadline;
        self.connection(on)?.wire.say(&payload, None, deadline).await
    }

    async fn expect(&mut self, expect: &Expect) -> Result<(), Trouble> {
        let creations = self.creations(&expect.on)?;
        let wanted = Value::Object(self.values.resolve_fields(&expect.fields, creations)?);
        let described = format!("{} {}", expect.tag, shown(&wanted));
        loop {
            let Some((tag, found)) = self.next_frame(&expect.on, &expect.tag).await? else {
                return Err(Trouble::wrong(format!(
                    "the subject ended the session; {described} was expected"
                )));
            };
            if tag == expect.tag && self.values.matches(&wanted, &found) {
                return self.differs(expect, &found);
            }
            if expect.skip.as_ref() != Some(&tag) {
                return Err(Trouble::wrong(format!(
                    "{tag} {} came; {described} was expected",
                    shown(&found)
                )));
            }
        }
    }

    /// Whether a frame holds nothing that an earlier one held and it must not.
    fn differs(&self, expect: &Expect, found: &Value) -> Result<(), Trouble> {
        let Some(of) = &expect.differs else { return Ok(()) };
        let Some(earlier) = self.values.named.get(of) else { return Ok(()) };
        let same = expect.fields.keys().any(|name| as_text(field(found, name)) == as_text(earlier));
        if same {
            return Err(Trouble::wrong(format!(
                "{} {} repeats {}",
                expect.tag,
                shown(found),
                as_text(earlier)
            )));
        }
        Ok(())
    }

    async fn any_order(&mut self, frames: &AnyOrder) -> Result<(), Trouble> {
        let creations = self.creations(&frames.on)?;
        let mut left: Vec<(&str, Value)> = Vec::new();
        for frame in &frames.any_order {
            left.push((&frame.tag, Value::Object(self.values.resolve_fields(&frame.fields, creations)?)));
        }
        while !left.is_empty() {
            let described: Vec<_> =
                left.iter().map(|(tag, wanted)| format!("{tag} {}", shown(wanted))).collect();
            let described = described.join(" or ");
            let Some((tag, found)) = self.next_frame(&frames.on, &described).await? else {
                return Err(Trouble::wrong(format!(
                    "the subject ended the session; {described} was expected"
                )));
            };
            let fits =
                left.iter().position(|(name, wanted)| *name == tag && self.values.matches(wanted, &found));
            match fits {
                Some(place) => drop(left.remove(place)),
                None => {
                    return Err(Trouble::wrong(format!(
                        "{tag} {} came; {described} was expected",
                        shown(&found)
                    )));
                }
            }
        }
        Ok(())
    }

    /// Asks for two signs of life that have nothing to do with each other, so that a subject that fails at one of
    /// them is not found guilty here: a PONG, and the end of a monitor of nobody.
    async fn quiet(&mut self, quiet: &Quiet) -> Result<(), Trouble> {
        let on = quiet.on.as_str();
        let creations = self.creations(on)?;
        self.quiets += 1;
        let reference = ASKING_REFERENCES + self.quiets;
        let asking = json!({"from": format!("mine {ASKING}"), "to": "theirs nobody", "ref": reference});
        let monitor = document("MONITOR", self.values.resolve(&asking, creations)?)?;
        let ping = document("PING", json!({"payload": hex::encode(reference.to_be_bytes())}))?;
        let patience = self.deadline;
        let connection = self.connection(on)?;
        connection.wire.say(&monitor, None, patience).await?;
        connection.wire.say(&ping, None, patience).await?;
        let mut answered = (false, false);
        while answered != (true, true) {
            let deadline = match answered {
                (false, false) => patience,
                _ => patience.min(Instant::now() + SECOND_ANSWER),
            };
            let heard = self.connection(on)?.wire.hear(deadline).await?;
            let payload = match heard {
                Some(Heard::Payload(payload)) => payload,
                Some(Heard::End) => {
                    return Err(Trouble::wrong("the subject ended the session, which should go on"));
                }
                None if answered == (false, false) => return Err(self.nothing("a sign of life")),
                None => break,
            };
            let (tag, fields) = document_of(&payload)?;
            match tag.as_str() {
                "PONG" => answered.0 = true,
                "MONITOR_EXIT" if *field(&fields, "ref") == json!(reference.to_string()) => answered.1 = true,
                "PING" => self.pong(on, &payload).await?,
                chatter if CHATTER.contains(&chatter) => {}
                _ => {
                    return Err(Trouble::wrong(format!(
                        "{tag} {} came; nothing was expected",
                        shown(&fields)
                    )));
                }
            }
        }
        let tickets = self.connection(on)?.wire.tickets();
        if quiet.check.contains(&QuietCheck::NoTicket) && tickets > 0 {
            return Err(Trouble::wrong(format!("the subject has issued {tickets} session tickets")));
        }
        Ok(())
    }

    async fn closed(&mut self, closed: &Closed) -> Result<(), Trouble> {
        let mut was_told = false;
        loop {
            match self.next_frame(&closed.on, "the end of the session").await? {
                None if closed.told && !was_told => {
                    return Err(Trouble::wrong(format!(
                        "the subject ended the session without CLOSE {:?}",
                        closed.closed
                    )));
                }
                None => return Ok(()),
                Some((tag, fields)) => {
                    let code = field(&fields, "code").as_u64().and_then(|code| u16::try_from(code).ok());
                    let allowed = tag == "CLOSE" && code.is_some_and(|code| closed.closed.contains(&code));
                    if was_told || !allowed {
                        return Err(Trouble::wrong(format!(
                            "{tag} {} came instead of the end of the session (allowed codes of CLOSE: {:?})",
                            shown(&fields),
                            closed.closed
                        )));
                    }
                    was_told = true;
                }
            }
        }
    }
}

/// What a subject may write at any time. It matters only where a step asks for it.
const CHATTER: &[&str] = &["PEER_LIST", "GLOBAL_REGISTER", "GLOBAL_UNREGISTER", "GLOBAL_SYNC", "NODE_TABLE"];

/// The subject's program.
impl Player<'_> {
    async fn ask(&mut self, ask: &Ask) -> Result<(), Trouble> {
        let arguments = self.arguments(&ask.arguments)?;
        if !ask.answered {
            return self.subject.tell(&ask.command, arguments).await;
        }
        if ask.fails {
            return match self.subject.ask(&ask.command, arguments).await {
                Ok(_) => {
                    Err(Trouble::wrong(format!("the subject did {:?}, which it should refuse", ask.command)))
                }
                Err(Trouble::Unjudged(_)) => Ok(()),
                Err(trouble) => Err(trouble),
            };
        }
        let until = self.deadline.min(Instant::now() + ASK_PATIENCE);
        let answer = loop {
            match self.subject.ask(&ask.command, arguments.clone()).await {
                Err(Trouble::Unjudged(_)) if Instant::now() < until => tokio::time::sleep(REPORT_PAUSE).await,
                answer => break answer?,
            }
        };
        if let Some(name) = &ask.name {
            let result =
                if ask.command == "spawn" { field(&answer, "process") } else { field(&answer, "monitor") };
            if result.is_null() {
                return Err(Trouble::unjudged(format!(
                    "the adapter's answer to {} says no result",
                    ask.command
                )));
            }
            self.values.named.insert(name.clone(), result.clone());
        }
        Ok(())
    }

    /// Arguments as the adapter wants them: processes by number, and `other` with the node it is on.
    fn arguments(&self, arguments: &Map<String, Value>) -> Result<Map<String, Value>, Trouble> {
        let mut resolved = self.values.resolve_fields(arguments, Creations::default())?;
        for name in ["process", "monitor"] {
            if let Some(Value::String(of)) = arguments.get(name) {
                let value = self.values.named.get(of).cloned();
                resolved.insert(
                    name.into(),
                    value.ok_or_else(|| Trouble::unjudged(format!("no {name} {of:?}")))?,
                );
            }
        }
        if arguments.contains_key("other") || arguments.contains_key("other_name") {
            resolved.insert("node".into(), json!(self.peer.name));
        }
        Ok(resolved)
    }

    async fn report(&mut self, report: &Report) -> Result<(), Trouble> {
        let process = self.values.local(&report.report)?;
        let wanted = match &report.seen {
            Some(seen) => Some(self.values.resolve(&json!(seen), Creations::default())?),
            None => None,
        };
        loop {
            let arguments = Map::from_iter([("process".to_owned(), json!(process))]);
            let answer = self.subject.ask("report", arguments).await?;
            let seen =
                wanted.as_ref().is_none_or(|wanted| self.values.matches(wanted, field(&answer, "seen")));
            let alive = report.alive.is_none_or(|alive| *field(&answer, "alive") == json!(alive));
            if seen && alive {
                return Ok(());
            }
            if Instant::now() >= self.deadline {
                return Err(Trouble::wrong(format!(
                    "process {} is alive: {}, and has seen {}; wanted: {} {}",
                    report.report,
                    field(&answer, "alive"),
                    shown(field(&answer, "seen")),
                    report.alive.map_or_else(String::new, |alive| format!("alive: {alive}")),
                    wanted.as_ref().map_or_else(String::new, shown),
                )));
            }
            tokio::time::sleep(REPORT_PAUSE).await;
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
