//! Who becomes the session of two nodes: `connection.md` as a program; and the loop of a session.

use std::sync::Arc;
use std::time::Duration;

use snow_dist_codec::frame::{Close, Ping};
use snow_dist_codec::handshake::Reject;
use snow_dist_codec::{Frame, Handshake};
use snow_dist_conform::wire::{Listener, Log, Offer, Transcript, Wire};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::handshake::Verified;
use super::session::{End, Session};
use super::stream::Stream;
use super::{State, Toy};
use crate::defects::Defect;

/// What a session is told to write.
pub(super) enum Out {
    Frame(Vec<u8>),
    /// The end, with the code of CLOSE.
    Close(Option<u16>),
}

/// Up to REPLY, and from there to ACK.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(7);

const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Of each peer.
#[derive(Default)]
pub(super) struct PeerState {
    pub(super) session: Option<Session>,
    dial: Option<Dial>,
    waiting: Option<Waiting>,
    /// The last start that there was a session with: incarnation and creation.
    pub(super) known: Option<(u64, u8)>,
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
    Ack { session: u64, out: mpsc::UnboundedReceiver<Out> },
    Reject(u16),
}

/// Takes connections for ever.
pub(super) async fn listen(toy: Arc<Toy>, listener: Listener) {
    let listener = Arc::new(listener);
    let places = Arc::new(tokio::sync::Semaphore::new(if toy.has(Defect::PlacesUnlimited) { 99 } else { 8 }));
    // Each place takes a connection for itself, so who is in none is not even accepted by TLS.
    loop {
        let Ok(tcp) = listener.accept_tcp().await else { return };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let toy = Arc::clone(&toy);
        tokio::spawn(async move {
            let place_of = toy.state().next();
            let began = Instant::now() + HANDSHAKE_DEADLINE;
            let (alpn, log) = (!toy.has(Defect::NoAlpn), Log::default());
            let Ok(Ok(wire)) =
                timeout_at(began, Wire::accept(tcp, Offer { alpn, ..Offer::default() }, &log, "")).await
            else {
                return;
            };
            let exporter = wire.exporter();
            let mut stream = Stream::new(wire, toy.defect);
            let verified = if toy.has(Defect::NoDeadline) {
                Ok(toy.accept(&mut stream, exporter).await)
            } else {
                timeout_at(began, toy.accept(&mut stream, exporter)).await
            };
            drop(place);
            match verified {
                Ok(Ok((verified, ack))) => toy.wait(stream, verified, ack, place_of).await,
                Ok(Err(Some(code))) => reject(stream, code).await,
                Ok(Err(None)) | Err(_) => stream.close().await,
            }
        });
    }
}

async fn reject(mut stream: Stream, code: u16) {
    let mut payload = Vec::new();
    Handshake::from(Reject { code, text: "no".into() }).encode(&mut payload).unwrap();
    let _ = stream.say(&payload).await;
    stream.close().await;
}

impl Toy {
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
            if !another || self.has(Defect::OldStartStays) {
                if !session.probed {
                    session.probed = true;
                    session.ping();
                    self.probe(peer, session.id);
                }
                return;
            }
            session.close(Some(3));
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
        let (session, out) = begin(state, waiting.verified);
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
                silent.close(None);
                toy.forget(&mut state, &peer);
                toy.judge(&mut state, &peer);
            }
        });
    }

    /// Begins a dial, unless there is no need for one.
    pub(super) fn connect(self: &Arc<Self>, peer: &str) {
        let mut state = self.state();
        let now = state.peers.entry(peer.to_owned()).or_default();
        if now.session.is_some() || now.dial.is_some() || now.waiting.is_some() || peer == self.name {
            return;
        }
        let (toy, name) = (Arc::clone(self), peer.to_owned());
        let task = tokio::spawn(async move {
            toy.dialling(&name).await;
            let mut state = toy.state();
            if let Some(now) = state.peers.get_mut(&name) {
                now.dial = None;
            }
            toy.judge(&mut state, &name);
        });
        now.dial = Some(Dial { replied: false, task: task.abort_handle() });
    }

    /// A dial, to its end or to its session, which goes on by itself.
    async fn dialling(self: &Arc<Self>, peer: &str) -> Option<()> {
        let deadline = Instant::now() + HANDSHAKE_DEADLINE;
        let (_, address) = peer.split_once('@')?;
        let offer = Offer { alpn: !self.has(Defect::NoAlpn), ..Offer::default() };
        let log = Log::default();
        let dialling = Wire::dial(address, offer, &log, "");
        let wire = timeout_at(deadline, dialling).await.ok()?.ok()?;
        let exporter = wire.exporter();
        let mut stream = Stream::new(wire, self.defect);
        let said = timeout_at(deadline, self.dial(&mut stream, exporter, peer)).await.ok();
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
        self.await_ack(stream, peer, verified, &transcript).await
    }

    async fn await_ack(
        self: &Arc<Self>,
        mut stream: Stream,
        peer: &str,
        verified: Verified,
        transcript: &Transcript,
    ) -> Option<()> {
        let acknowledged = timeout(HANDSHAKE_DEADLINE, self.acknowledged(&mut stream, transcript)).await;
        if acknowledged != Ok(true) {
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
                session.close(Some(3));
                self.forget(&mut state, peer);
            }
            begin(&mut state, verified)
        };
        let (toy, peer) = (Arc::clone(self), peer.to_owned());
        tokio::spawn(async move { toy.run(stream, &peer, session, out).await });
        Some(())
    }

    /// The loop of a session.
    async fn run(
        self: &Arc<Self>,
        mut stream: Stream,
        peer: &str,
        session: u64,
        mut out: mpsc::UnboundedReceiver<Out>,
    ) {
        let (interval, silence) = self.heartbeat;
        let (mut heard, mut asked, mut pings) = (Instant::now(), false, 0_u64);
        loop {
            let due = heard + if asked { interval + silence } else { interval };
            tokio::select! {
                biased;
                next = out.recv() => match next {
                    Some(Out::Frame(frame)) => if stream.say(&frame).await.is_err() { break },
                    Some(Out::Close(code)) => {
                        close(&mut stream, code).await;
                        break;
                    }
                    None => break,
                },
                payload = stream.next(16 << 20) => {
                    (heard, asked) = (Instant::now(), false);
                    let done = match payload {
                        Ok(payload) => self.frame(peer, session, &payload),
                        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Err(End::Breach),
                        Err(_) => Err(End::Gone),
                    };
                    match done {
                        Ok(()) => {}
                        Err(End::Breach) => {
                            close(&mut stream, Some(1)).await;
                            break;
                        }
                        Err(End::Gone) => break,
                    }
                }
                () = tokio::time::sleep_until(due), if !self.has(Defect::NoHeartbeat) => {
                    if asked {
                        break;
                    }
                    (asked, pings) = (true, pings + 1);
                    let _ = stream.say(&frame(Ping { payload: &pings.to_le_bytes() })).await;
                }
            }
        }
        self.session_over(peer, session);
        stream.close().await;
    }

    /// A session has ended by itself: what crossed it ends, and who waits is judged.
    fn session_over(self: &Arc<Self>, peer: &str, session: u64) {
        let mut state = self.state();
        let is_it = |now: &&mut super::PeerState| now.session.as_ref().is_some_and(|of| of.id == session);
        if state.peers.get_mut(peer).filter(is_it).is_some() {
            self.forget(&mut state, peer);
            self.judge(&mut state, peer);
        }
    }
}

async fn close(stream: &mut Stream, code: Option<u16>) {
    if let Some(code) = code {
        let _ = stream.say(&frame(Close { code, text: "".into() })).await;
    }
}

/// A payload of a frame.
pub(super) fn frame<'f>(frame: impl Into<Frame<'f>>) -> Vec<u8> {
    let mut payload = Vec::new();
    frame.into().encode(&mut payload).unwrap();
    payload
}

/// A session with a peer that has been verified.
fn begin(state: &mut State, verified: Verified) -> (u64, mpsc::UnboundedReceiver<Out>) {
    let (to, out) = mpsc::unbounded_channel();
    let session = state.next();
    let now = state.peers.entry(verified.peer.node.clone()).or_default();
    now.known = Some((verified.peer.incarnation, verified.peer.creation));
    now.session = Some(Session::new(session, verified, to));
    (session, out)
}
