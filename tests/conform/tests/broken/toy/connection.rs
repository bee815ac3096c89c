//! Who becomes the session of two nodes: `connection.md` as a program; and the loop of a session.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use snow_dist_codec::frame::Ping;
use snow_dist_codec::handshake::Reject;
use snow_dist_codec::{Frame, Handshake};
use snow_dist_conform::wire::{Listener, Log, Transcript, Wire};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::handshake::Verified;
use super::outbound::Outbound;
use super::session::{End, Session};
use super::stream::Stream;
use super::{State, Toy};
use crate::defects::Defect;

/// Up to REPLY, and from there to ACK.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(7);

const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a node that is slow to begin takes over an ACK.
const SLOW: Duration = Duration::from_millis(300);

/// Of each peer.
#[derive(Default)]
pub(super) struct PeerState {
    pub(super) session: Option<Session>,
    dial: Option<Dial>,
    waiting: Option<Waiting>,
}

impl PeerState {
    /// No place of it is taken.
    pub(super) const fn is_empty(&self) -> bool {
        self.session.is_none() && self.dial.is_none() && self.waiting.is_none()
    }

    /// The node stops.
    pub(super) fn give_up(&mut self, code: Option<u16>) {
        if let Some(dial) = self.dial.take() {
            dial.task.abort();
        }
        self.waiting = None;
        if let Some(session) = &self.session {
            session.out.close(code);
        }
    }
}

struct Dial {
    replied: bool,
    task: AbortHandle,
}

struct Waiting {
    incarnation: u64,
    place: u64,
    tell: oneshot::Sender<Answer>,
    verified: Verified,
}

/// What becomes of a connection that waits.
enum Answer {
    Ack { session: u64, out: Arc<Outbound> },
    Reject(u16),
}

/// A connection that is not verified.
pub(super) struct Place {
    address: IpAddr,
    number: u64,
    /// 1 when TLS is there, 2 when NAME has come.
    progress: u8,
    pub(super) cut: AbortHandle,
}

/// Takes connections for ever.
pub(super) async fn listen(toy: Arc<Toy>, listener: Listener) {
    loop {
        let Ok(tcp) = listener.accept_tcp().await else { return };
        let Ok(address) = tcp.peer_addr().map(|address| address.ip()) else { continue };
        let mut state = toy.state();
        if !toy.has(Defect::PlacesUnlimited) && !make_room(&toy, &mut state.places, address) {
            continue;
        }
        let number = state.next();
        let task = tokio::spawn(Arc::clone(&toy).incoming(tcp, number));
        state.places.push(Place { address, number, progress: 0, cut: task.abort_handle() });
    }
}

/// Whether there is a place for a connection from this address. They stand in the order in which they have come.
fn make_room(toy: &Toy, places: &mut Vec<Place>, address: IpAddr) -> bool {
    let of = |address: IpAddr| places.iter().filter(|held| held.address == address).count();
    let most = places.iter().map(|held| of(held.address)).max().unwrap_or_default();
    let is_theirs = |held: &Place| {
        if of(address) >= toy.handshakes_per_address_max {
            held.address == address
        } else {
            of(held.address) == most || toy.has(Defect::AnyAddressGivesWay)
        }
    };
    if of(address) < toy.handshakes_per_address_max && places.len() < toy.handshakes_max {
        return true;
    }
    let theirs: Vec<_> = places.iter().filter(|held| is_theirs(held)).collect();
    let older = if toy.has(Defect::NewestIsJudged) { theirs.len() } else { theirs.len().div_ceil(2) };
    let least = theirs.iter().take(older).min_by_key(|held| match toy.defect {
        Some(Defect::ProgressUnseen) => (0, 0),
        Some(Defect::YoungestGivesWay) => (held.progress, u64::MAX - held.number),
        _ => (held.progress, 0),
    });
    let least = least.map(|held| held.number);
    if !toy.has(Defect::NobodyGivesWay) {
        places.retain(|held| {
            if Some(held.number) == least {
                held.cut.abort();
            }
            Some(held.number) != least
        });
    }
    !toy.has(Defect::NobodyGivesWay)
}

async fn reject(mut stream: Stream, code: u16) {
    let mut payload = Vec::new();
    Handshake::from(Reject { code, text: "no".into() }).encode(&mut payload).unwrap();
    let _ = stream.say(&payload).await;
    stream.close().await;
}

impl Toy {
    async fn incoming(self: Arc<Self>, tcp: TcpStream, place: u64) {
        let began = Instant::now() + HANDSHAKE_DEADLINE;
        let handshake = async {
            let log = Log::default();
            let wire = timeout_at(began, Wire::accept(tcp, self.offer(), &log, "")).await.ok()?.ok()?;
            self.reached(place, 1);
            let channel = self.channel(&wire)?;
            let mut stream = Stream::new(wire, self.defect);
            let accepted = self.accept(&mut stream, channel, place);
            let verified = if self.has(Defect::NoDeadline) {
                Ok(accepted.await)
            } else {
                self.within_its_time(began, accepted).await
            };
            Some((stream, verified))
        };
        let done = handshake.await;
        let from = self.leave(place);
        match done {
            Some((stream, Ok(Ok((verified, ack))))) => {
                if self.is_full(&verified.peer.node, from) {
                    return reject(stream, Reject::BUSY).await;
                }
                self.state().verified.push((place, from));
                self.wait(stream, verified, ack, place).await;
                self.state().verified.retain(|held| held.0 != place);
            }
            Some((stream, Ok(Err(Some(code))))) => reject(stream, code).await,
            Some((stream, Ok(Err(None)) | Err(_))) => stream.close().await,
            None => {}
        }
    }

    /// A connection holds no place any more; gives the address that it comes from.
    fn leave(&self, place: u64) -> IpAddr {
        let mut state = self.state();
        let at = state.places.iter().position(|held| held.number == place);
        at.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |at| state.places.remove(at).address)
    }

    /// The handshake of a connection has come so far.
    pub(super) fn reached(&self, place: u64, progress: u8) {
        if let Some(held) = self.state().places.iter_mut().find(|held| held.number == place) {
            held.progress = progress;
        }
    }

    /// A verified connection waits until it is decided on.
    async fn wait(self: &Arc<Self>, mut stream: Stream, verified: Verified, ack: Vec<u8>, place: u64) {
        let (tell, told) = oneshot::channel();
        let (peer, incarnation) = (verified.peer.node.clone(), verified.peer.incarnation);
        {
            let mut state = self.state();
            let now = state.peers.entry(peer.clone()).or_default();
            let waiting = Waiting { incarnation, place, tell, verified };
            match now.waiting.take() {
                Some(other) if other.place > place => {
                    let _ = waiting.tell.send(Answer::Reject(Reject::DUPLICATE));
                    now.waiting = Some(other);
                }
                other => {
                    if let Some(other) = other {
                        let _ = other.tell.send(Answer::Reject(Reject::DUPLICATE));
                    }
                    now.waiting = Some(waiting);
                }
            }
            self.judge(&mut state, &peer);
        }
        match told.await {
            Ok(Answer::Ack { session, out }) => {
                if stream.say(&ack).await.is_ok() {
                    self.run(stream, &peer, session, out).await;
                } else {
                    self.session_over(&peer, session);
                }
            }
            Ok(Answer::Reject(code)) => reject(stream, code).await,
            Err(_) => stream.close().await,
        }
    }

    pub(super) fn has_session(&self, peer: &str) -> bool {
        self.state().peers.get(peer).is_some_and(|now| now.session.is_some())
    }

    fn is_full(&self, peer: &str, from: IpAddr) -> bool {
        let state = self.state();
        let is_new = !state.peers.contains_key(peer);
        let is_full = is_new && state.peers.len() >= self.sessions_max;
        let of_address = state.verified.iter().filter(|held| held.1 == from).count();
        let is_address_full = is_new && of_address >= self.sessions_per_address_max;
        is_full && !self.has(Defect::PeersUnlimited) || is_address_full && !self.has(Defect::AddressUnlimited)
    }

    /// The session lives.
    pub(super) fn refuse_who_waits(&self, state: &mut State, peer: &str) {
        let waiting = state.peers.get_mut(peer).and_then(|now| now.waiting.take());
        if let Some(waiting) = waiting {
            let _ = waiting.tell.send(Answer::Reject(Reject::DUPLICATE));
        }
    }

    /// The connection that waits is judged again.
    fn judge(self: &Arc<Self>, state: &mut State, peer: &str) {
        let Some(now) = state.peers.get_mut(peer) else { return };
        let Some(waiting) = &now.waiting else { return };
        if let Some(session) = &mut now.session {
            let another = session.peer.incarnation != waiting.incarnation;
            let begun = if self.has(Defect::StartsBySession) { session.id } else { session.place };
            if another && begun > waiting.place && !self.has(Defect::DeadStartTaken) {
                return self.refuse_who_waits(state, peer);
            }
            if !another || self.has(Defect::OldStartStays) {
                if !session.probed {
                    session.probed = true;
                    session.ping();
                    self.probe(peer, session.id);
                }
                return;
            }
            if self.has(Defect::ReplacedIsDrained) && !session.out.is_idle() {
                let (toy, peer) = (Arc::clone(self), peer.to_owned());
                tokio::spawn(async move {
                    sleep(Duration::from_millis(50)).await;
                    toy.judge(&mut toy.state(), &peer);
                });
                return;
            }
            session.out.close(Some(3));
            self.forget(state, peer);
            return self.judge(state, peer);
        }
        match &now.dial {
            Some(dial) if dial.replied && *self.name < *peer => return,
            Some(dial) if !dial.replied => {
                dial.task.abort();
                now.dial = None;
            }
            _ => {}
        }
        let Some(waiting) = now.waiting.take() else { return };
        let (session, out) = self.begin(state, waiting.verified, waiting.place);
        let _ = waiting.tell.send(Answer::Ack { session, out });
    }

    fn probe(self: &Arc<Self>, peer: &str, session: u64) {
        let (toy, peer) = (Arc::clone(self), peer.to_owned());
        tokio::spawn(async move {
            sleep(PROBE_TIMEOUT).await;
            let mut state = toy.state();
            let of = state.peers.get_mut(&peer).and_then(|now| now.session.as_mut());
            let silent = of.filter(|of| of.id == session && of.probed);
            if let Some(silent) = silent {
                silent.out.close(None);
                toy.forget(&mut state, &peer);
                toy.judge(&mut state, &peer);
            }
        });
    }

    /// Begins a dial, unless there is no need for one.
    pub(super) fn connect(self: &Arc<Self>, peer: &str) {
        let mut state = self.state();
        if state.stopped {
            return;
        }
        let place = state.next();
        let now = state.peers.entry(peer.to_owned()).or_default();
        let session = now.session.is_some() && !self.has(Defect::DialsBesideSession);
        let dial = now.dial.is_some() && !self.has(Defect::DialsTwice);
        if session || dial || now.waiting.is_some() || peer == self.name {
            return;
        }
        let (toy, name) = (Arc::clone(self), peer.to_owned());
        let task = tokio::spawn(async move {
            toy.dialling(&name, place).await;
            let mut state = toy.state();
            if let Some(now) = state.peers.get_mut(&name) {
                now.dial = None;
            }
            toy.judge(&mut state, &name);
            state.forget_empty(&name);
        });
        now.dial = Some(Dial { replied: false, task: task.abort_handle() });
    }

    /// A dial, to its end or to its session, which goes on by itself.
    async fn dialling(self: &Arc<Self>, peer: &str, place: u64) -> Option<()> {
        let deadline = Instant::now() + HANDSHAKE_DEADLINE;
        let (_, address) = peer.split_once('@')?;
        let log = Log::default();
        let dialling = Wire::dial(address, self.offer(), &log, "");
        let wire = timeout_at(deadline, dialling).await.ok()?.ok()?;
        let channel = self.channel(&wire)?;
        let mut stream = Stream::new(wire, self.defect);
        let said = timeout_at(deadline, self.dial(&mut stream, channel, peer)).await.ok();
        let Some(Ok((verified, transcript))) = said else {
            stream.close().await;
            return None;
        };
        {
            let mut state = self.state();
            let dial = state.peers.get_mut(peer)?.dial.as_mut()?;
            dial.replied = true;
        }
        stream.say(&transcript.reply).await.ok()?;
        self.await_ack(stream, peer, verified, &transcript, place).await
    }

    async fn await_ack(
        self: &Arc<Self>,
        mut stream: Stream,
        peer: &str,
        verified: Verified,
        transcript: &Transcript,
        place: u64,
    ) -> Option<()> {
        let acknowledged = timeout(HANDSHAKE_DEADLINE, self.acknowledged(&mut stream, transcript)).await;
        if acknowledged != Ok(true) {
            stream.close().await;
            return None;
        }
        if self.has(Defect::SlowToBegin) {
            sleep(SLOW).await;
        }
        if self.has(Defect::AckBesideSession) && self.has_session(peer) {
            stream.close().await;
            return None;
        }
        let (session, out) = {
            let mut state = self.state();
            let now = state.peers.get_mut(peer)?;
            now.dial = None;
            if let Some(waiting) = now.waiting.take() {
                let _ = waiting.tell.send(Answer::Reject(Reject::DUPLICATE));
            }
            if let Some(session) = &now.session {
                session.out.close(Some(3));
                self.forget(&mut state, peer);
            }
            self.begin(&mut state, verified, place)
        };
        let (toy, peer) = (Arc::clone(self), peer.to_owned());
        tokio::spawn(async move { toy.run(stream, &peer, session, out).await });
        Some(())
    }

    /// What comes until then, or in the usual time after the toy was held up.
    async fn within_its_time<T>(
        &self,
        mut until: Instant,
        coming: impl Future<Output = T>,
    ) -> Result<T, Elapsed> {
        let mut coming = pin!(coming);
        loop {
            match timeout_at(until, &mut coming).await {
                Err(_) if self.was_held_up().await => until = Instant::now() + HANDSHAKE_DEADLINE,
                done => return done,
            }
        }
    }

    /// The loop of a session.
    async fn run(self: &Arc<Self>, stream: Stream, peer: &str, session: u64, out: Arc<Outbound>) {
        let Stream { mut reader, writer } = stream;
        let writing = tokio::spawn(Arc::clone(&out).write(writer));
        let (interval, silence) = self.heartbeat;
        let (mut since, mut asked, mut pings) = (Instant::now(), false, 0_u64);
        loop {
            while self.must_wait(&out) {
                sleep(Duration::from_millis(10)).await;
            }
            let due = since + if asked { silence } else { interval };
            let payload = tokio::select! {
                biased;
                () = out.over() => break,
                payload = reader.next(16 << 20) => payload,
                () = tokio::time::sleep_until(due), if !self.has(Defect::NoHeartbeat) => {
                    let counts = !self.was_held_up().await;
                    if asked && counts {
                        break;
                    }
                    if !asked {
                        (asked, pings) = (true, pings + 1);
                        out.beat(frame(Ping { payload: &pings.to_le_bytes() }));
                    }
                    since = if self.has(Defect::CountsHoldUps) { due } else { Instant::now() };
                    continue;
                }
            };
            (since, asked) = (Instant::now(), false);
            let done = match payload {
                Ok(payload) => self.frame(peer, session, &payload),
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Err(End::Breach(1)),
                Err(_) => Err(End::Gone),
            };
            match done {
                Ok(()) => {}
                Err(End::Breach(code)) => {
                    self.session_over(peer, session);
                    out.close(Some(code));
                    break out.over().await;
                }
                Err(End::Gone) => {
                    self.session_over(peer, session);
                    if out.is_closing() {
                        break;
                    }
                    out.close(None);
                    break out.over().await;
                }
            }
        }
        self.session_over(peer, session);
        writing.abort();
    }

    /// Who does not read while it writes, or while a process takes nothing.
    fn must_wait(&self, out: &Outbound) -> bool {
        let held = || self.state().processes.values().any(|process| !process.mailbox.is_empty());
        self.has(Defect::ReadingWaitsForWriting) && !out.is_idle()
            || self.has(Defect::ReadingWaitsForProcesses) && held()
    }

    /// A session with a peer that has been verified.
    fn begin(&self, state: &mut State, verified: Verified, place: u64) -> (u64, Arc<Outbound>) {
        let (out, session) = (Outbound::new(self.defect), state.next());
        let peer = verified.peer.node.clone();
        let assembly = state.left.remove(&peer).unwrap_or_default();
        let now = state.peers.entry(peer.clone()).or_default();
        let mut begun = Session::new(session, verified, place, Arc::clone(&out));
        begun.assembly = assembly;
        now.session = Some(begun);
        let known = now.session.as_ref().map(|of| (of.peer.incarnation, of.peer.creation));
        state.known.extend(known.map(|known| (peer.clone(), known)));
        if let Some(session) = state.peers.get(&peer).and_then(|now| now.session.as_ref()) {
            self.tell_names(&state.lists, session);
            self.tell_peers(state, &peer, session);
        }
        if !self.has(Defect::NodeupUnsaid) {
            state.tell_watchers(&peer, "nodeup");
        }
        self.groups_up(state, &peer);
        (session, out)
    }

    /// A session has ended by itself: what crossed it ends, and who waits is judged.
    fn session_over(self: &Arc<Self>, peer: &str, session: u64) {
        let mut state = self.state();
        let is_it = |now: &&mut super::PeerState| now.session.as_ref().is_some_and(|of| of.id == session);
        if state.peers.get_mut(peer).filter(is_it).is_some() {
            self.forget(&mut state, peer);
            self.judge(&mut state, peer);
            state.forget_empty(peer);
        }
    }
}

/// A payload of a frame.
pub(super) fn frame<'f>(frame: impl Into<Frame<'f>>) -> Vec<u8> {
    let mut payload = Vec::new();
    frame.into().encode(&mut payload).unwrap();
    payload
}
