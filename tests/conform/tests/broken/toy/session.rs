//! What the frames of a session do, and what processes do in one: `session.md` as a program.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use snow_dist_codec::frame::{
    Demonitor, Exit, Link, Monitor, MonitorExit, Ping, Pong, SpawnReply, UnlinkAck, UnlinkId,
};
use snow_dist_codec::{ErrorKind, Frame, Pid, Reading, Root as WireRoot};
use tokio::sync::mpsc::UnboundedSender;

use super::connection::{Out, frame};
use super::handshake::Verified;
use super::reason::Reason;
use super::{Other, Owed, State, Toy, noconnection};
use crate::defects::Defect;

/// A session.
pub(super) struct Session {
    pub(super) id: u64,
    pub(super) peer: Other,
    pub(super) probed: bool,
    out: UnboundedSender<Out>,
    /// How many links and monitors the peer takes.
    bound: u64,
    /// By own process and process of the peer.
    links: BTreeMap<(u64, u64), LinkState>,
    /// Monitors of the peer: by ref, who monitors whom, as the peer wrote it.
    held: BTreeMap<u64, (Pid, Pid)>,
    /// Own monitors: by ref, own process and process of the peer.
    made: BTreeMap<u64, (u64, u64)>,
}

#[derive(Clone, Copy, PartialEq)]
enum LinkState {
    Active { mine: bool },
    Unlinking(u64),
}

/// Why the loop of a session ends.
pub(super) enum End {
    /// The peer broke a rule.
    Breach,
    /// The connection is over, or CLOSE came.
    Gone,
}

/// How long an acknowledgement is held back by who forgets that it comes first.
const LATE: Duration = Duration::from_secs(2);

impl Session {
    pub(super) fn new(id: u64, verified: Verified, out: UnboundedSender<Out>) -> Self {
        let Verified { peer, bound } = verified;
        let (links, held, made) = Default::default();
        Self { id, peer, probed: false, out, bound, links, held, made }
    }

    fn write<'f>(&self, of: impl Into<Frame<'f>>) {
        self.write_payload(frame(of));
    }

    fn write_payload(&self, payload: Vec<u8>) {
        let _ = self.out.send(Out::Frame(payload));
    }

    pub(super) fn ping(&self) {
        self.write(Ping { payload: b"alive?\0\0" });
    }

    pub(super) fn close(&self, code: Option<u16>) {
        let _ = self.out.send(Out::Close(code));
    }

    fn theirs(&self, local: u64) -> Pid {
        Pid::new(0, self.peer.creation, local).unwrap()
    }

    fn other(&self, local: u64) -> Other {
        Other { local, ..self.peer.clone() }
    }

    fn is_full(&self) -> bool {
        let links = self.links.values().filter(|link| **link == LinkState::Active { mine: true }).count();
        (links + self.made.len()) as u64 >= self.bound
    }
}

/// Frames of the peer.
impl Toy {
    pub(super) fn frame(self: &Arc<Self>, peer: &str, id: u64, payload: &[u8]) -> Result<(), End> {
        let reading = if self.has(Defect::SurplusRefused) { Reading::Strict } else { Reading::Compatible };
        let read = match Frame::decode(payload, reading) {
            Ok(read) => read,
            Err(error) if matches!(error.kind, ErrorKind::UnknownTag(_) | ErrorKind::Empty) => return Ok(()),
            Err(error) if error.kind == ErrorKind::Utf8 && self.has(Defect::Utf8Ignored) => return Ok(()),
            Err(_) if self.has(Defect::DamageIgnored) => return Ok(()),
            Err(_) => return Err(End::Breach),
        };
        let mut state = self.state();
        let mut owed = Owed::new();
        let done = self.handle(&mut state, peer, id, &read, &mut owed);
        self.pay(&state, owed);
        // Who waits for a sign of life of this session is told that it lives.
        if let Some(session) = state.peers.get_mut(peer).and_then(|now| now.session.as_mut())
            && session.id == id
            && std::mem::take(&mut session.probed)
        {
            self.refuse_who_waits(&mut state, peer);
        }
        done
    }

    fn handle(
        self: &Arc<Self>,
        state: &mut State,
        peer: &str,
        id: u64,
        read: &Frame<'_>,
        owed: &mut Owed,
    ) -> Result<(), End> {
        let State { peers, processes, names, .. } = state;
        let session = peers.get_mut(peer).and_then(|now| now.session.as_mut()).filter(|of| of.id == id);
        let Some(session) = session else { return Err(End::Gone) };
        let lives = |local: &u64| processes.get(local).is_some_and(|process| !process.ended);
        // The receiver is judged first: a process that lives, or a dead one, or a breach.
        let receiver = |pid: Pid| {
            if pid.node() != 0 && !self.has(Defect::NodeUnchecked) {
                return Err(End::Breach);
            }
            let is_of_this_start = pid.creation() == self.creation() || self.has(Defect::CreationUnchecked);
            Ok(Some(pid.local()).filter(|local| is_of_this_start && lives(local)))
        };
        let creation = session.peer.creation;
        let is_sender =
            |pid: Pid| pid.node() == 0 && pid.creation() == creation || self.has(Defect::SenderUnchecked);
        match *read {
            Frame::Send(send) => {
                if let Some(local) = receiver(send.to)? {
                    state.give(local, json!({"message": hex::encode(send.message)}));
                }
            }
            Frame::RegSend(send) => {
                if let Some(local) = names.get(send.name.as_str()).copied() {
                    state.give(local, json!({"message": hex::encode(send.message)}));
                }
            }
            Frame::Link(Link { from, to }) => {
                let own = receiver(to)?;
                if !is_sender(from) {
                    return Ok(());
                }
                match own {
                    Some(own) => {
                        session.links.entry((own, from.local())).or_insert(LinkState::Active { mine: false });
                    }
                    None if self.has(Defect::LinkToDeadUnanswered) => {}
                    None => {
                        let text =
                            if self.has(Defect::NoprocByAnotherName) { "no such process" } else { "noproc" };
                        session.write(Exit {
                            from: to,
                            to: from,
                            reason: WireRoot::Error(text.into()).into(),
                        });
                    }
                }
            }
            Frame::Exit(Exit { from, to, reason }) => {
                let own = receiver(to)?;
                let Some(own) = own.filter(|_| is_sender(from)) else { return Ok(()) };
                let link = (own, from.local());
                let linked = matches!(session.links.get(&link), Some(LinkState::Active { .. }));
                if linked && !self.has(Defect::LinksEndTwice) {
                    session.links.remove(&link);
                }
                if linked || self.has(Defect::ExitWithoutLink) {
                    let of = session.other(from.local());
                    let reason = Reason::of_wire(self, &session.peer, &reason);
                    self.exit_signal(state, own, of, &reason, owed);
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
                if session.held.contains_key(&reference) && !self.has(Defect::RefReused) {
                    return Err(End::Breach);
                }
                match own {
                    Some(_) => drop(session.held.insert(reference, (from, to))),
                    None => {
                        let monitored = self.as_answered(to);
                        let reason = WireRoot::Error("noproc".into()).into();
                        session.write(MonitorExit { monitored, monitoring: from, reference, reason });
                    }
                }
            }
            Frame::Demonitor(Demonitor { from, to, reference }) => {
                receiver(to)?;
                if session.held.get(&reference) == Some(&(from, to)) || self.has(Defect::DemonitorByRef) {
                    session.held.remove(&reference);
                }
            }
            Frame::MonitorExit(MonitorExit { monitored, monitoring, reference, reason }) => {
                let own = receiver(monitoring)?;
                let Some(own) = own.filter(|_| is_sender(monitored)) else { return Ok(()) };
                let fits = session.made.get(&reference) == Some(&(own, monitored.local()));
                if fits || self.has(Defect::DownUnchecked) {
                    session.made.remove(&reference);
                    let reason = Reason::of_wire(self, &session.peer, &reason).to_json();
                    let of = json!({"node": peer, "process": monitored.local()});
                    state.give(own, json!({"down": of, "monitor": reference, "reason": reason}));
                }
            }
            Frame::Spawn(spawn) if is_sender(spawn.requester) => {
                session.write(SpawnReply { request: spawn.request, status: 1, local: 0 });
            }
            Frame::Ping(ping) => match self.defect {
                Some(Defect::PongMissing) => {}
                Some(Defect::PongOfItsOwn) => session.write(Pong { payload: &[0xEE; 8] }),
                _ => session.write(Pong { payload: ping.payload }),
            },
            Frame::Close(_) if self.has(Defect::CloseIgnored) => {}
            Frame::Close(_) if self.has(Defect::CloseAnswered) => session.close(Some(0)),
            Frame::Close(_) => return Err(End::Gone),
            Frame::NodeTable(_) | Frame::Fragment(_) | Frame::Exit2(_) | Frame::SendTerm(_)
                if !self.has(Defect::CapabilitiesUnchecked) =>
            {
                return Err(End::Breach);
            }
            Frame::Unknown(_) if self.has(Defect::UnknownTagCloses) => return Err(End::Breach),
            Frame::Empty if self.has(Defect::EmptyCloses) => return Err(End::Breach),
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
            Some(Defect::AckOfItsOwnId) => session.write(UnlinkAck { id: ack.id + 1, ..ack }),
            Some(Defect::AckLate) if own.is_some() => {
                let (out, payload) = (session.out.clone(), frame(ack));
                tokio::spawn(async move {
                    tokio::time::sleep(LATE).await;
                    let _ = out.send(Out::Frame(payload));
                });
            }
            _ => session.write(ack),
        }
    }
}

/// Ends.
impl Toy {
    /// An exit signal for a process that lives.
    fn exit_signal(&self, state: &mut State, own: u64, of: Other, reason: &Reason, owed: &mut Owed) {
        let traps = state.processes.get(&own).is_some_and(|process| process.traps);
        let ends = reason.ends() || self.has(Defect::NormalEnds);
        if ends && (!traps || self.has(Defect::KilledUntrapped) && *reason == killed()) {
            self.end(state, own, Reason::linked(of, reason), owed);
        } else {
            let from = json!({"node": of.node, "process": of.local});
            state.give(own, json!({"exit": from, "reason": reason.to_json()}));
        }
    }

    /// A process ends, and what crosses a session is owed there.
    pub(super) fn end(&self, state: &mut State, own: u64, reason: Reason, owed: &mut Owed) {
        let Some(process) = state.processes.get_mut(&own).filter(|process| !process.ended) else { return };
        process.ended = true;
        state.names.retain(|_, named| *named != own);
        for (peer, now) in &mut state.peers {
            let Some(session) = &mut now.session else { continue };
            let wire = reason.to_wire(self, &session.peer);
            let from = self.own(own);
            let mut write = |payload| owed.push((peer.clone(), payload));
            for (link, state) in std::mem::take(&mut session.links) {
                let outstanding = matches!(state, LinkState::Unlinking(_));
                if link.0 != own {
                    session.links.insert(link, state);
                } else if !outstanding || self.has(Defect::ExitWhileUnlinking) {
                    let to = session.theirs(link.1);
                    write(frame(Exit { from, to, reason: wire.as_reason() }));
                }
            }
            for (reference, (monitoring, monitored)) in std::mem::take(&mut session.held) {
                if monitored.local() == own {
                    let reason = wire.as_reason();
                    write(frame(MonitorExit { monitored, monitoring, reference, reason }));
                } else {
                    session.held.insert(reference, (monitoring, monitored));
                }
            }
            for (reference, (of, other)) in std::mem::take(&mut session.made) {
                if of == own {
                    write(frame(Demonitor { from, to: session.theirs(other), reference }));
                } else {
                    session.made.insert(reference, (of, other));
                }
            }
        }
    }

    pub(super) fn pay(&self, state: &State, owed: Owed) {
        for (peer, payload) in owed {
            if let Some(session) = state.peers.get(&peer).and_then(|now| now.session.as_ref()) {
                session.write_payload(payload);
            }
        }
    }

    /// A session is over: exits first, then DOWNs.
    pub(super) fn forget(&self, state: &mut State, peer: &str) {
        let Some(session) = state.peers.get_mut(peer).and_then(|now| now.session.take()) else { return };
        if self.has(Defect::CutUntold) {
            return;
        }
        let mut owed = Owed::new();
        for ((own, other), link) in &session.links {
            let told = *link != LinkState::Unlinking(0) && matches!(link, LinkState::Active { .. });
            if told || self.has(Defect::ExitWhileUnlinking) {
                self.exit_signal(state, *own, session.other(*other), &noconnection(), &mut owed);
            }
        }
        for (reference, (own, other)) in &session.made {
            let of = json!({"node": peer, "process": other});
            let reason = noconnection().to_json();
            state.give(*own, json!({"down": of, "monitor": reference, "reason": reason}));
        }
        self.pay(state, owed);
    }
}

/// What processes do.
impl Toy {
    /// The process that a command names: of the session's peer, or of the one before.
    pub(super) fn other(&self, state: &State, node: &str, local: u64) -> Option<Other> {
        let (incarnation, creation) = state.peers.get(node)?.known?;
        Some(Other { node: node.to_owned(), incarnation, creation, local })
    }

    fn session<'s>(state: &'s mut State, other: &Other) -> Option<&'s mut Session> {
        let session = state.peers.get_mut(&other.node)?.session.as_mut()?;
        (session.peer.incarnation == other.incarnation).then_some(session)
    }

    pub(super) fn send(&self, state: &mut State, to: &Other, message: &[u8]) {
        if let Some(session) = Self::session(state, to) {
            let to = session.theirs(to.local);
            session.write(snow_dist_codec::frame::Send { to, message });
        }
    }

    pub(super) fn send_named(&self, state: &mut State, node: &str, name: &str, message: &[u8]) {
        if let Some(session) = state.peers.get_mut(node).and_then(|now| now.session.as_mut()) {
            session.write(snow_dist_codec::frame::RegSend { name: name.into(), message });
        }
    }

    /// False if the peer takes no more.
    pub(super) fn link(&self, state: &mut State, own: u64, to: &Other) -> bool {
        let Some(session) = Self::session(state, to) else {
            let mut owed = Owed::new();
            self.exit_signal(state, own, to.clone(), &noconnection(), &mut owed);
            self.pay(state, owed);
            return true;
        };
        let link = (own, to.local);
        if matches!(session.links.get(&link), Some(LinkState::Active { .. }))
            && !self.has(Defect::LinkWrittenTwice)
        {
            return true;
        }
        if session.is_full() && !self.has(Defect::BoundIgnored) {
            return false;
        }
        session.links.insert(link, LinkState::Active { mine: true });
        session.write(Link { from: self.own(own), to: session.theirs(to.local) });
        true
    }

    pub(super) fn unlink(&self, state: &mut State, own: u64, to: &Other) {
        let id = if self.has(Defect::UnlinkIdReused) { 1 } else { state.next() };
        let Some(session) = Self::session(state, to) else { return };
        let link = (own, to.local);
        if !matches!(session.links.get(&link), Some(LinkState::Active { .. })) {
            return;
        }
        let (from, to) = (self.own(own), session.theirs(to.local));
        if self.has(Defect::UnlinkOfVersion1) {
            session.links.remove(&link);
            return session.write(snow_dist_codec::frame::Unlink { from, to });
        }
        session.links.insert(link, LinkState::Unlinking(id));
        session.write(UnlinkId { from, to, id });
    }

    /// `None` if the peer takes no more.
    pub(super) fn monitor(&self, state: &mut State, own: u64, of: &Other) -> Option<u64> {
        let reference = if self.has(Defect::OwnRefReused) { 1 } else { state.next() };
        let Some(session) = Self::session(state, of) else {
            let of = json!({"node": of.node, "process": of.local});
            let reason = noconnection().to_json();
            state.give(own, json!({"down": of, "monitor": reference, "reason": reason}));
            return Some(reference);
        };
        if session.is_full() && !self.has(Defect::BoundIgnored) {
            return None;
        }
        session.made.insert(reference, (own, of.local));
        session.write(Monitor { from: self.own(own), to: session.theirs(of.local), reference });
        Some(reference)
    }

    pub(super) fn demonitor(&self, state: &mut State, own: u64, reference: u64) {
        for now in state.peers.values_mut() {
            let Some(session) = &mut now.session else { continue };
            if let Some((_, other)) = session.made.remove(&reference) {
                session.write(Demonitor { from: self.own(own), to: session.theirs(other), reference });
            }
        }
    }
}

pub(super) fn killed() -> Reason {
    Reason { hops: Vec::new(), root: super::reason::Root::Killed }
}
