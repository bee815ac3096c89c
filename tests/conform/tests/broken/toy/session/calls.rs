//! Calls and their replies.

use serde_json::json;
use snow_dist_codec::frame::{Call, CallName, CallReply, MonitorExit};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Pid, Reason as WireReason, Root as WireRoot};

use super::super::connection::frame;
use super::super::outbound::{Kind, Tie};
use super::super::{Other, Owed, State, Toy, noconnection};
use super::{End, Held, Made, MadeKind, Session};
use crate::defects::Defect;

/// A call of another node, as those who can reply know it.
pub(in super::super) struct Called {
    peer: String,
    session: u64,
    reference: u64,
    /// Who can reply.
    pub(super) holder: u64,
}

/// A question of the peer: a monitor, or a call.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    /// The process that it is for, if that lives.
    pub(super) own: Option<u64>,
    pub(super) from: Pid,
    pub(super) to: Pid,
    pub(super) reference: u64,
}

/// Whom a process calls.
pub(in super::super) enum Whom<'n> {
    Process(Other),
    Name { node: &'n str, name: &'n str },
}

/// The term of a call or a reply.
pub(in super::super) enum Content {
    Pids(Vec<Other>),
    /// A string of so many letters.
    Letters(usize),
}

/// Begins a term that is a string: the version, and the type.
const STRING: [u8; 2] = [0x01, 0x05];

impl Held {
    /// The end of a monitor or a call.
    pub(super) fn exit(&self, reference: u64, reason: WireReason<'_>) -> (Tie, Vec<u8>) {
        let Self { monitoring, monitored, .. } = *self;
        let tie = Tie { own: monitored, theirs: monitoring, reference: Some(reference) };
        (tie, frame(MonitorExit { monitored, monitoring, reference, reason }))
    }
}

/// The callee's node.
impl Toy {
    /// How whoever has a name stands in frames.
    pub(super) fn whoever(&self, own: Option<u64>) -> Pid {
        self.own(own.filter(|_| self.has(Defect::NamedByItsPid)).unwrap_or(0))
    }

    /// Holds a monitor or a call of the peer, or answers why not. Gives the process that it is for.
    pub(super) fn take(
        &self,
        session: &mut Session,
        asked: Asked,
        call: Option<u64>,
    ) -> Result<Option<u64>, End> {
        let Asked { own, from, to, reference } = asked;
        let of_another_kind = |held: &Held| held.call.is_some() != call.is_some();
        let is_in_use = session.held.get(&reference).is_some_and(|held| {
            !(self.has(Defect::RefReused) || self.has(Defect::RefsApart) && of_another_kind(held))
        });
        if is_in_use {
            return Err(End::Breach(1));
        }
        let is_full = session.holds(self.bound) && !self.has(Defect::BoundUnkept);
        match own {
            Some(_) if is_full && self.has(Defect::BoundEndsTheSession) => return Err(End::Breach(1)),
            Some(_) if is_full && call.is_some() && self.has(Defect::CallTooManyUnanswered) => {}
            Some(_) if is_full => self.refuse(session, asked, "limit"),
            Some(of) => {
                session.held.insert(reference, Held { monitoring: from, monitored: to, of, call });
                return Ok(Some(of));
            }
            None if call.is_some() && self.has(Defect::CallOfDeadUnanswered) => {}
            None => self.refuse(session, asked, "noproc"),
        }
        Ok(None)
    }

    fn refuse(&self, session: &Session, asked: Asked, why: &str) {
        let Asked { from: monitoring, to, reference, .. } = asked;
        let reason = WireRoot::Error(why.into()).into();
        let monitored = self.as_answered(to);
        session.answer(to.local(), MonitorExit { monitored, monitoring, reference, reason });
    }

    /// A call of the peer.
    pub(super) fn called(
        &self,
        state: &mut State,
        peer: &str,
        asked: Asked,
        message: &[u8],
        owed: &mut Owed,
    ) -> Result<(), End> {
        let number = state.next();
        let Some(session) = state.peers.get_mut(peer).and_then(|now| now.session.as_mut()) else {
            return Ok(());
        };
        let Some(own) = self.take(session, asked, Some(number))? else { return Ok(()) };
        let from = json!({"node": peer, "process": asked.from.local()});
        let term = self.pids_in(self.kind(session.capabilities), &session.peer, message);
        let called =
            Called { peer: peer.to_owned(), session: session.id, reference: asked.reference, holder: own };
        state.calls.insert(number, called);
        let sight = json!({"called": from, "call": number, "term": term});
        if self.receive(state, own, sight, owed) {
            return Ok(());
        }
        if let Some(session) = state.peers.get_mut(peer).and_then(|now| now.session.as_mut()) {
            session.held.remove(&asked.reference);
            if !self.has(Defect::CallWithoutRoomDropped) {
                self.refuse(session, asked, "full");
            }
        }
        Ok(())
    }

    /// The session and the call of a number, unless that is over.
    fn open_call<'s>(&self, state: &'s mut State, number: u64) -> Option<(&'s mut Session, u64, Held)> {
        let Called { peer, session: id, reference, .. } = state.calls.get(&number)?;
        let (id, reference) = (*id, *reference);
        let any = self.has(Defect::ReplyInAnotherSession);
        let is_of_it = |session: &&mut Session| session.id == id || any;
        let session = state.peers.get_mut(peer)?.session.as_mut().filter(is_of_it)?;
        let held = *session.held.get(&reference).filter(|held| held.call == Some(number) || any)?;
        Some((session, reference, held))
    }

    /// An error if the process has no such call, or the reply cannot be taken.
    pub(in super::super) fn reply(
        &self,
        state: &mut State,
        own: u64,
        number: u64,
        content: &Content,
    ) -> Result<(), &'static str> {
        state.has_call(own, number)?;
        let Some((session, reference, held)) = self.open_call(state, number) else { return Ok(()) };
        let by_the_deputy = self.has(Defect::DeputyRepliesForItself) && own != held.of;
        let from = if by_the_deputy { self.own(own) } else { held.monitored };
        let to = held.monitoring;
        let message = &self.content(&session.peer, content)[..];
        let whole = frame(CallReply { from, to, reference, message });
        if session.is_too_long(self, whole.len()) && self.has(Defect::LongReplyEndsNothing) {
            session.held.remove(&reference);
        }
        let is_too_long = session.is_too_long(self, whole.len()) && !self.has(Defect::LongReplyWritten);
        if is_too_long || !session.out.has_room() {
            return Err("no room");
        }
        if !self.has(Defect::ReplyLeavesTheCall) {
            session.held.remove(&reference);
        }
        session.whole_message(self, held.of, whole);
        Ok(())
    }

    pub(in super::super) fn delegate(
        &self,
        state: &mut State,
        own: u64,
        number: u64,
        deputy: u64,
    ) -> Result<(), &'static str> {
        state.has_call(own, number)?.holder = deputy;
        Ok(())
    }

    /// Nobody replies any more.
    pub(in super::super) fn let_go(
        &self,
        state: &mut State,
        own: u64,
        number: u64,
        owed: &mut Owed,
    ) -> Result<(), &'static str> {
        state.has_call(own, number)?;
        if !self.has(Defect::LetGoUntold) {
            self.leave_unanswered(state, number, owed);
        }
        Ok(())
    }

    fn leave_unanswered(&self, state: &mut State, number: u64, owed: &mut Owed) {
        let Some((session, reference, held)) = self.open_call(state, number) else { return };
        session.held.remove(&reference);
        let (tie, exit) = held.exit(reference, WireRoot::Error("unanswered".into()).into());
        owed.push((session.peer.node.clone(), held.of, Kind::Owed(tie), exit));
    }

    /// A process that has calls of others has ended.
    pub(super) fn let_go_of_all(&self, state: &mut State, own: u64, owed: &mut Owed) {
        if self.has(Defect::DeputyEndsUntold) {
            return;
        }
        let of_it = state.calls.iter().filter(|(_, call)| call.holder == own).map(|(number, _)| *number);
        for number in of_it.collect::<Vec<_>>() {
            self.leave_unanswered(state, number, owed);
        }
    }

    fn content(&self, peer: &Other, content: &Content) -> Vec<u8> {
        match content {
            Content::Pids(pids) => self.tuple(peer, pids),
            Content::Letters(count) => {
                let length = (*count as u32).to_le_bytes();
                [&STRING[..], &length, &vec![b'x'; *count]].concat()
            }
        }
    }
}

/// The caller's node.
impl Toy {
    /// A reply of the peer.
    pub(super) fn replied(&self, state: &mut State, peer: &str, own: u64, reply: &CallReply<'_>) {
        let CallReply { from, reference, message, .. } = *reply;
        let Some(session) = state.peers.get_mut(peer).and_then(|now| now.session.as_mut()) else { return };
        let Some(made) = session.made.get(&reference).copied() else { return };
        let is_call = made.kind == MadeKind::Call || self.has(Defect::ReplyToAMonitor);
        let fits = (made.own, made.other) == (own, from.local());
        if !is_call || !fits && !self.has(Defect::ReplyByRef) {
            return;
        }
        if !self.has(Defect::ReplyTakenTwice) {
            session.made.remove(&reference);
        }
        let term = self.pids_in(self.kind(session.capabilities), &session.peer, message);
        state.give(made.own, json!({"reply": term, "call": reference}));
    }

    /// The session that a call or a monitor of a name is in.
    pub(super) fn session_with<'s>(state: &'s mut State, whom: &Whom<'_>) -> Option<&'s mut Session> {
        match whom {
            Whom::Process(other) => Self::session(state, other),
            Whom::Name { node, .. } => state.peers.get_mut(*node)?.session.as_mut(),
        }
    }

    /// `None` if the peer does not take it.
    pub(in super::super) fn call(
        &self,
        state: &mut State,
        own: u64,
        whom: &Whom<'_>,
        content: &Content,
    ) -> Option<u64> {
        let reference = self.reference(state);
        let (node, other) = match whom {
            Whom::Process(other) => (&*other.node, other.local),
            Whom::Name { node, .. } => (*node, 0),
        };
        let made = Made { own, other, kind: MadeKind::Call };
        let Some(session) = Self::session_with(state, whom) else {
            if !self.has(Defect::CallWithoutASessionWaits) {
                state.over(node, reference, made, &noconnection().to_json());
            }
            return Some(reference);
        };
        let has_calls = session.capabilities.contains(Capabilities::CALLS) || self.has(Defect::CallUnasked);
        let is_full = session.is_full() && !self.has(Defect::BoundIgnored);
        if !has_calls || is_full || !session.out.has_room() {
            return None;
        }
        let (from, message) = (self.own(own), &self.content(&session.peer, content)[..]);
        let whole = match whom {
            Whom::Process(_) => frame(Call { from, to: session.theirs(other), reference, message }),
            Whom::Name { name, .. } => frame(CallName { from, reference, name: (*name).into(), message }),
        };
        let is_too_long = session.is_too_long(self, whole.len());
        if !is_too_long || self.has(Defect::LongCallTakesAPlace) {
            session.made.insert(reference, made);
        }
        if is_too_long {
            return None;
        }
        session.whole_message(self, own, whole);
        Some(reference)
    }
}

impl State {
    /// An error if the process does not have that call.
    fn has_call(&mut self, own: u64, number: u64) -> Result<&mut Called, &'static str> {
        self.calls.get_mut(&number).filter(|call| call.holder == own).ok_or("it has no such call")
    }
}
