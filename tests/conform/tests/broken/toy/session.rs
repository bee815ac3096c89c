//! What the frames of a session do, and what processes do in one: `session.md` as a program.

mod acts;
mod calls;
mod ends;
mod fragments;
mod groups;
mod names;
mod remote_exit;
mod spawn;
mod terms;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use snow_dist_codec::frame::{
    Call, CallName, Demonitor, Exit, Link, Monitor, MonitorExit, MonitorName, Ping, Pong, Send, SendNameTerm,
    SendTerm, UnlinkAck, UnlinkId,
};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{ErrorKind, Frame, Pid, Reading, Root as WireRoot, stf};

use super::connection::frame;
use super::handshake::Verified;
use super::outbound::{Kind, Outbound, Tie};
use super::reason::Reason;
use super::{Other, Owed, State, Toy};
use crate::defects::Defect;
use calls::Asked;
pub(super) use calls::{Called, Content, Whom};
pub(super) use ends::killed;
pub(super) use fragments::Assembly;
pub(super) use groups::Groups;

/// A session.
pub(super) struct Session {
    pub(super) id: u64,
    pub(super) peer: Other,
    /// When its connection was begun, among all others.
    pub(super) place: u64,
    pub(super) probed: bool,
    pub(super) out: Arc<Outbound>,
    /// How many links and monitors the peer takes.
    bound: u64,
    /// Bytes of a frame that the peer takes.
    frame_bytes: u32,
    capabilities: Capabilities,
    /// Messages of the peer of which pieces have come.
    pub(super) assembly: Assembly,
    /// Messages that were written in pieces.
    cut: u64,
    /// By own process and process of the peer.
    links: BTreeMap<(u64, u64), LinkState>,
    /// The last unlink of each two, until it is acknowledged.
    outstanding: BTreeMap<(u64, u64), u64>,
    /// Monitors and calls of the peer, by ref.
    held: BTreeMap<u64, Held>,
    /// Own monitors and calls, by ref.
    made: BTreeMap<u64, Made>,
    /// Processes that were asked for: by request, who asks.
    asked: BTreeMap<u64, u64>,
}

/// A monitor or a call of the peer.
#[derive(Clone, Copy, PartialEq)]
struct Held {
    /// Who monitors whom, as it stands in the frames of the monitor.
    monitoring: Pid,
    monitored: Pid,
    /// The process that is monitored.
    of: u64,
    /// The number of a call.
    call: Option<u64>,
}

/// A monitor or a call of an own process.
#[derive(Clone, Copy, PartialEq)]
struct Made {
    own: u64,
    /// The process of the peer, as it stands in the frames of the monitor.
    other: u64,
    kind: MadeKind,
}

#[derive(Clone, Copy, PartialEq)]
enum MadeKind {
    Monitor,
    /// Of a name, and who has it.
    Name(Option<u64>),
    /// Of a process that was asked for, and which it is.
    Spawn(Option<u64>),
    Call,
}

#[derive(Clone, Copy, PartialEq)]
enum LinkState {
    Active { mine: bool },
    Unlinking(u64),
}

/// Why the loop of a session ends.
pub(super) enum End {
    /// The peer broke a rule: the code of CLOSE.
    Breach(u16),
    /// The connection is over, or CLOSE came.
    Gone,
}

/// How long an acknowledgement is held back by who forgets that it comes first.
const LATE: Duration = Duration::from_secs(2);

impl Session {
    pub(super) fn new(id: u64, verified: Verified, place: u64, out: Arc<Outbound>) -> Self {
        let Verified { peer, bound, frame_bytes, capabilities } = verified;
        Self {
            id,
            peer,
            place,
            probed: false,
            out,
            bound,
            frame_bytes,
            capabilities,
            assembly: Assembly::default(),
            cut: 0,
            links: BTreeMap::new(),
            outstanding: BTreeMap::new(),
            held: BTreeMap::new(),
            made: BTreeMap::new(),
            asked: BTreeMap::new(),
        }
    }

    /// Something that the own process does or has to say.
    fn signal<'f>(&self, of: u64, what: impl Into<Frame<'f>>) {
        self.out.push(of, Kind::Signal, frame(what));
    }

    /// An answer on behalf of a process, which may be dead.
    fn answer<'f>(&self, of: u64, what: impl Into<Frame<'f>>) {
        self.out.push(of, Kind::Answer, frame(what));
    }

    /// A frame about names.
    pub(super) fn tell<'f>(&self, what: impl Into<Frame<'f>>) {
        self.signal(0, what);
    }

    pub(super) fn ping(&self) {
        self.out.beat(frame(Ping { payload: b"alive?\0\0" }));
    }

    pub(super) fn theirs(&self, local: u64) -> Pid {
        Pid::new(0, self.peer.creation, local).unwrap()
    }

    pub(super) fn other(&self, local: u64) -> Other {
        Other { local, ..self.peer.clone() }
    }

    fn is_full(&self) -> bool {
        let links = self.links.values().filter(|link| **link == LinkState::Active { mine: true }).count();
        (links + self.made.len()) as u64 >= self.bound
    }

    /// Whether the session has the capability that a frame needs.
    fn may_bring(&self, read: &Frame<'_>) -> bool {
        self.capabilities.contains(match read {
            Frame::NodeTable(_) => Capabilities::NODE_TABLE,
            Frame::Fragment(_) => Capabilities::FRAGMENTS,
            Frame::Exit2(_) => Capabilities::REMOTE_EXIT,
            Frame::SendTerm(_) => Capabilities::SEND_TERM,
            Frame::Call(_) | Frame::CallName(_) | Frame::CallReply(_) => Capabilities::CALLS,
            Frame::SendNameTerm(_) | Frame::MonitorName(_) | Frame::Named(_) => Capabilities::NAMES,
            _ => Capabilities::NONE,
        })
    }

    /// Whether it holds so many links and monitors for the peer. They are counted if there can be so many.
    fn holds(&self, bound: u64) -> bool {
        if ((self.links.len() + self.held.len()) as u64) < bound {
            return false;
        }
        let links = self.links.values().filter(|link| **link == LinkState::Active { mine: false }).count();
        (links + self.held.len()) as u64 >= bound
    }
}

/// Frames of the peer.
impl Toy {
    pub(super) fn frame(self: &Arc<Self>, peer: &str, id: u64, payload: &[u8]) -> Result<(), End> {
        let Some(read) = self.read(payload)? else { return Ok(()) };
        let mut state = self.state();
        let mut owed = Owed::new();
        let mut done = self.handle(&mut state, peer, id, &read, &mut owed);
        self.pay(&state, owed);
        let session = state.peers.get(peer).and_then(|now| now.session.as_ref()).filter(|of| of.id == id);
        if done.is_ok() && session.is_some_and(|session| session.out.is_flooded()) {
            done = Err(End::Breach(2));
        }
        // Who waits for a sign of life of this session is told that it lives.
        if let Some(session) = state.peers.get_mut(peer).and_then(|now| now.session.as_mut())
            && session.id == id
            && std::mem::take(&mut session.probed)
        {
            self.refuse_who_waits(&mut state, peer);
        }
        done
    }

    /// A frame, unless it is one to pass over.
    fn read<'p>(&self, payload: &'p [u8]) -> Result<Option<Frame<'p>>, End> {
        let reading = if self.has(Defect::SurplusRefused) { Reading::Strict } else { Reading::Compatible };
        match Frame::decode(payload, reading) {
            Ok(read) => Ok(Some(read)),
            Err(error) if matches!(error.kind, ErrorKind::UnknownTag(_) | ErrorKind::Empty) => Ok(None),
            Err(error) if error.kind == ErrorKind::Utf8 && self.has(Defect::Utf8Ignored) => Ok(None),
            Err(_) if self.has(Defect::DamageIgnored) => Ok(None),
            Err(_) => Err(End::Breach(1)),
        }
    }

    fn handle(
        self: &Arc<Self>,
        state: &mut State,
        peer: &str,
        id: u64,
        read: &Frame<'_>,
        owed: &mut Owed,
    ) -> Result<(), End> {
        let State { peers, processes, names, .. } = &mut *state;
        let session = peers.get_mut(peer).and_then(|now| now.session.as_mut()).filter(|of| of.id == id);
        let Some(session) = session else { return Err(End::Gone) };
        let lives = |local: &u64| processes.get(local).is_some_and(|process| !process.ended);
        // The receiver is judged first: a process that lives, or a dead one, or a breach.
        let receiver = |pid: Pid| {
            if pid.node() != 0 && !self.has(Defect::NodeUnchecked) {
                return Err(End::Breach(1));
            }
            let is_of_this_start = pid.creation() == self.creation() || self.has(Defect::CreationUnchecked);
            Ok(Some(pid.local()).filter(|local| is_of_this_start && lives(local)))
        };
        let creation = session.peer.creation;
        let is_sender =
            |pid: Pid| pid.node() == 0 && pid.creation() == creation || self.has(Defect::SenderUnchecked);
        if !session.may_bring(read) && !self.has(Defect::CapabilitiesUnchecked) {
            return Err(End::Breach(1));
        }
        if let Some(tie) = Tie::ended_by(read).filter(|tie| is_sender(tie.theirs)) {
            session.out.cancel(tie);
        }
        match *read {
            Frame::Send(Send { to, message }) => {
                if let Some(local) = receiver(to)? {
                    self.receive(state, local, json!({"message": hex::encode(message)}), owed);
                }
            }
            Frame::SendTerm(SendTerm { to, message }) => {
                if stf::decode(message, Reading::Compatible).is_err() && self.has(Defect::NoTermCloses) {
                    return Err(End::Breach(1));
                }
                if let Some(local) = receiver(to)? {
                    let (kind, peer) = (self.kind(session.capabilities), session.peer.clone());
                    self.term(state, (kind, &peer), local, message, owed);
                }
            }
            Frame::Fragment(fragment) => {
                let Some(whole) = session.assembly.take(self, &fragment)? else { return Ok(()) };
                match self.read(&whole)? {
                    Some(Frame::SendTerm(SendTerm { to, message })) if self.has(Defect::WholeUnchecked) => {
                        self.handle(state, peer, id, &Send { to, message }.into(), owed)?;
                    }
                    Some(read) => self.handle(state, peer, id, &read, owed)?,
                    None => {}
                }
            }
            Frame::RegSend(send) => {
                if let Some(local) = names.get(send.name.as_str()).copied() {
                    self.receive(state, local, json!({"message": hex::encode(send.message)}), owed);
                }
            }
            Frame::Link(Link { from, to }) => {
                let own = receiver(to)?;
                if !is_sender(from) {
                    return Ok(());
                }
                let is_known = session.links.contains_key(&(to.local(), from.local()));
                match own {
                    Some(own) if !is_known && session.holds(self.bound) && !self.has(Defect::BoundUnkept) => {
                        let reason = WireRoot::Error("limit".into()).into();
                        session.answer(own, Exit { from: to, to: from, reason });
                    }
                    Some(own) => {
                        session.links.entry((own, from.local())).or_insert(LinkState::Active { mine: false });
                    }
                    None if self.has(Defect::LinkToDeadUnanswered) => {}
                    None => {
                        let text =
                            if self.has(Defect::NoprocByAnotherName) { "no such process" } else { "noproc" };
                        let reason = WireRoot::Error(text.into()).into();
                        session.answer(to.local(), Exit { from: to, to: from, reason });
                    }
                }
            }
            Frame::Exit(Exit { from, to, reason }) => {
                let own = receiver(to)?;
                let Some(own) = own.filter(|_| is_sender(from)) else { return Ok(()) };
                let link = (own, from.local());
                let is_old = session.outstanding.contains_key(&link) && !self.has(Defect::OldExitTaken);
                let linked = !is_old && matches!(session.links.get(&link), Some(LinkState::Active { .. }));
                if linked && !self.has(Defect::LinksEndTwice) {
                    session.links.remove(&link);
                }
                if linked || self.has(Defect::ExitWithoutLink) {
                    let of = session.other(from.local());
                    let reason = Reason::of_wire(self, &session.peer, &reason);
                    self.exit_signal(state, own, of, &reason, owed);
                }
            }
            Frame::Exit2(exit) => {
                let own = receiver(exit.to)?;
                if is_sender(exit.from) {
                    self.remote_exit(state, peer, &exit, own, owed);
                }
            }
            Frame::UnlinkId(UnlinkId { from, to, id }) => {
                let own = receiver(to)?;
                if !is_sender(from) {
                    return Ok(());
                }
                let link = (to.local(), from.local());
                if matches!(session.links.get(&link), Some(LinkState::Active { .. })) {
                    session.links.remove(&link);
                }
                self.acknowledge(session, own, UnlinkAck { from: to, to: from, id });
            }
            Frame::Unlink(unlink) => {
                let own = receiver(unlink.to)?;
                if let Some(own) = own.filter(|_| is_sender(unlink.from)) {
                    session.links.remove(&(own, unlink.from.local()));
                }
            }
            Frame::UnlinkAck(UnlinkAck { from, to, id }) => {
                let own = receiver(to)?;
                let Some(own) = own.filter(|_| is_sender(from)) else { return Ok(()) };
                let link = (own, from.local());
                session.outstanding.retain(|of, last| *of != link || *last != id);
                let present = session.links.get(&link).copied();
                let any =
                    self.has(Defect::AckIdUnchecked) && matches!(present, Some(LinkState::Unlinking(_)));
                if present == Some(LinkState::Unlinking(id)) || any {
                    session.links.remove(&link);
                }
            }
            Frame::Monitor(Monitor { from, to, reference }) => {
                let own = receiver(to)?;
                if !is_sender(from) {
                    return Ok(());
                }
                self.take(session, Asked { own, from, to, reference }, None)?;
            }
            Frame::Call(Call { from, to, reference, message }) => {
                let own = receiver(to)?;
                if is_sender(from) {
                    self.called(state, peer, Asked { own, from, to, reference }, message, owed)?;
                }
            }
            Frame::CallName(CallName { from, reference, name, message }) if is_sender(from) => {
                let own = names.get(name.as_str()).copied();
                let asked = Asked { own, from, to: self.whoever(own), reference };
                self.called(state, peer, asked, message, owed)?;
            }
            Frame::CallReply(reply) => {
                let own = receiver(reply.to)?;
                if let Some(own) = own.filter(|_| is_sender(reply.from)) {
                    self.replied(state, peer, own, &reply);
                }
            }
            Frame::SendNameTerm(SendNameTerm { name, message }) => {
                if let Some(local) = names.get(name.as_str()).copied() {
                    let (kind, peer) = (self.kind(session.capabilities), session.peer.clone());
                    self.term(state, (kind, &peer), local, message, owed);
                    if name.as_str() == groups::NAME {
                        self.groups_told(state, &peer, message);
                    }
                }
            }
            Frame::MonitorName(MonitorName { from, reference, name }) if is_sender(from) => {
                let own = names.get(name.as_str()).copied();
                self.name_monitored(session, Asked { own, from, to: self.whoever(own), reference })?;
            }
            Frame::Named(named) if is_sender(named.pid) => self.named(state, peer, &named),
            Frame::Demonitor(Demonitor { from, to, reference }) => {
                receiver(to)?;
                let held = session.held.get(&reference);
                let fits = held.is_some_and(|held| (held.monitoring, held.monitored) == (from, to));
                let is_call = held.is_some_and(|held| held.call.is_some());
                let stays = is_call && self.has(Defect::GivenUpCallStays);
                if (fits || self.has(Defect::DemonitorByRef)) && !stays {
                    session.held.remove(&reference);
                }
            }
            Frame::MonitorExit(MonitorExit { monitored, monitoring, reference, reason }) => {
                let own = receiver(monitoring)?;
                let Some(own) = own.filter(|_| is_sender(monitored)) else { return Ok(()) };
                let made = session.made.get(&reference).copied();
                let fits = made.filter(|made| (made.own, made.other) == (own, monitored.local()));
                let is_early = |made: &Made| made.kind == MadeKind::Spawn(None);
                let fits = fits.filter(|made| !is_early(made) || self.has(Defect::EarlyDownTaken));
                let any = Made { own, other: monitored.local(), kind: MadeKind::Monitor };
                let any = Some(any).filter(|_| self.has(Defect::DownUnchecked));
                if let Some(mut made) = fits.or(any) {
                    session.made.remove(&reference);
                    if made.kind == MadeKind::Call && self.has(Defect::CallEndIsDown) {
                        made.kind = MadeKind::Monitor;
                    }
                    let reason = Reason::of_wire(self, &session.peer, &reason).to_json();
                    state.over(peer, reference, made, &reason);
                    self.groups_over(state, peer, reference);
                }
            }
            Frame::Spawn(spawn) if is_sender(spawn.requester) => self.start_for(state, peer, spawn, owed)?,
            Frame::SpawnReply(reply) => {
                if let Some(own) = session.asked.remove(&reply.request).or_else(|| session.runs(&reply)) {
                    let process = json!({"node": peer, "process": reply.local});
                    let process = if reply.status == 0 { process } else { json!(null) };
                    state.give(
                        own,
                        json!({"spawned": process, "request": reply.request, "status": reply.status}),
                    );
                }
            }
            Frame::Ping(ping) => match self.defect {
                Some(Defect::PongMissing) => {}
                Some(Defect::PongOfItsOwn) => session.out.beat(frame(Pong { payload: &[0xEE; 8] })),
                _ => session.out.beat(frame(Pong { payload: ping.payload })),
            },
            Frame::Close(_) if self.has(Defect::CloseIgnored) => {}
            Frame::Close(_) if self.has(Defect::CloseAnswered) => session.out.close(Some(0)),
            Frame::Close(_) => return Err(End::Gone),
            Frame::PeerList(_)
            | Frame::GlobalRegister(_)
            | Frame::GlobalUnregister(_)
            | Frame::GlobalSync(_) => {
                self.about_names(state, peer, read, owed);
            }
            Frame::Unknown(_) if self.has(Defect::UnknownTagCloses) => return Err(End::Breach(1)),
            Frame::Empty if self.has(Defect::EmptyCloses) => return Err(End::Breach(1)),
            _ => {}
        }
        Ok(())
    }

    /// A pid of a dead process in the answer to a MONITOR: as it was written, unless it is made anew.
    fn as_answered(&self, pid: Pid) -> Pid {
        if self.has(Defect::AnswerOfItsOwn) { self.own(pid.local()) } else { pid }
    }

    fn acknowledge(&self, session: &Session, own: Option<u64>, ack: UnlinkAck) {
        match self.defect {
            Some(Defect::UnlinkUnanswered) => {}
            Some(Defect::DeadUnlinkUnanswered) if own.is_none() => {}
            Some(Defect::AckOfItsOwnId) => {
                session.answer(ack.from.local(), UnlinkAck { id: ack.id + 1, ..ack });
            }
            Some(Defect::AckLate) if own.is_some() => {
                let (out, payload) = (session.out.clone(), frame(ack));
                tokio::spawn(async move {
                    tokio::time::sleep(LATE).await;
                    out.push(0, Kind::Answer, payload);
                });
            }
            _ => session.answer(ack.from.local(), ack),
        }
    }
}
