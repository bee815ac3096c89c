//! Processes that others ask for.

use serde_json::json;
use snow_dist_codec::frame::{Link, Spawn, SpawnReply};
use snow_dist_codec::handshake::Capabilities;

use super::super::connection::frame;
use super::super::outbound::Kind;
use super::super::{Offer, Other, Owed, Process, State, Toy};
use super::{End, Held, LinkState, Made, MadeKind, Session};
use crate::defects::Defect;

/// Bytes of the longest name of a function with its arguments.
const REQUEST_BYTES_MAX: usize = 65_516;

impl Session {
    /// Whether SPAWN can ask for a monitor, and its arguments are a term.
    fn has_calls(&self) -> bool {
        self.capabilities.contains(Capabilities::CALLS)
    }

    /// The answer to a request for a monitored process. Gives who has asked.
    pub(super) fn runs(&mut self, reply: &SpawnReply) -> Option<u64> {
        let made = self.made.get_mut(&reply.request).filter(|made| made.kind == MadeKind::Spawn(None))?;
        made.kind = MadeKind::Spawn(Some(reply.local));
        let own = made.own;
        if reply.status != 0 {
            self.made.remove(&reply.request);
        }
        Some(own)
    }
}

impl Toy {
    pub(in super::super) fn start_for(
        &self,
        state: &mut State,
        peer: &str,
        spawn: Spawn<'_>,
        owed: &mut Owed,
    ) -> Result<(), End> {
        let offer = state.offers.get(spawn.function.as_str()).cloned();
        let local = state.next();
        let Some(session) = state.peers.get_mut(peer).and_then(|now| now.session.as_mut()) else {
            return Ok(());
        };
        let Spawn { request, requester, link, arguments, .. } = spawn;
        let is_linked = link == 1 && !self.has(Defect::SpawnUnlinked) || self.has(Defect::SpawnAlwaysLinked);
        let is_monitored = link == 2 && session.has_calls() && !self.has(Defect::SpawnUnmonitored);
        if is_monitored && session.held.contains_key(&request) && !self.has(Defect::SpawnRefUnchecked) {
            return Err(End::Breach(1));
        }
        let is_full = is_linked && session.is_full() && !self.has(Defect::SpawnBeyondTheBound)
            || is_monitored && session.holds(self.bound) && !self.has(Defect::SpawnMonitorsUnbounded);
        let status = match offer {
            None => 1,
            Some(_) if is_full => 2,
            Some(_) => 0,
        };
        let reply = SpawnReply { request, status, local: if status == 0 { local } else { 0 } };
        let Some(Offer { ends, notes }) = offer.filter(|_| status == 0) else {
            session.answer(0, reply);
            return Ok(());
        };
        let linked = Link { from: self.own(local), to: session.theirs(requester.local()) };
        if is_linked && !self.has(Defect::ReplyBeforeLink) {
            session.signal(local, linked);
        }
        if !self.has(Defect::EndBeforeReply) || ends.is_none() {
            session.answer(local, reply);
        }
        if is_linked && self.has(Defect::ReplyBeforeLink) {
            session.signal(local, linked);
        }
        if is_linked {
            session.links.insert((local, requester.local()), LinkState::Active { mine: true });
        }
        if is_monitored {
            let monitored = self.own(if self.has(Defect::ChildByItsPid) { local } else { 0 });
            session.held.insert(request, Held { monitoring: requester, monitored, of: local, call: None });
        }
        let pids = match session.has_calls() && !self.has(Defect::ArgumentsAsBytes) {
            true => self.pids_in(self.kind(session.capabilities), &session.peer, arguments),
            false => Vec::new(),
        };
        state.processes.insert(local, Process::default());
        if notes {
            state.give(local, json!({"arguments": pids}));
        }
        if let Some(reason) = ends {
            self.end(state, local, reason, owed);
            if self.has(Defect::EndBeforeReply) {
                owed.push((peer.to_owned(), local, Kind::Signal, frame(reply)));
            }
        }
        Ok(())
    }

    /// Asks a node for a process. Gives the number of the request; nothing if the session has no way to ask so.
    pub(in super::super) fn request(
        &self,
        state: &mut State,
        own: u64,
        node: &str,
        (function, link, pids): (&str, u8, &[Other]),
    ) -> Option<u64> {
        let request = match () {
            () if self.has(Defect::RequestReused) => 7,
            () if self.has(Defect::RequestUncounted) => state.number + 1,
            () => state.next(),
        };
        let session = state.peers.get_mut(node)?.session.as_mut()?;
        let lacks = (link == 2 || !pids.is_empty()) && !session.has_calls();
        let is_full = link == 2 && session.is_full() && !self.has(Defect::RequestBeyondTheBound);
        if lacks || is_full {
            return None;
        }
        let is_a_term = session.has_calls() && !self.has(Defect::NoTermAsArguments);
        let arguments = if is_a_term { self.tuple(&session.peer, pids) } else { Vec::new() };
        if function.len() + arguments.len() > REQUEST_BYTES_MAX && !self.has(Defect::LongRequest) {
            return None;
        }
        if link == 2 {
            session.made.insert(request, Made { own, other: 0, kind: MadeKind::Spawn(None) });
        } else {
            session.asked.insert(request, own);
        }
        let (requester, function) = (self.own(own), function.into());
        session.signal(own, Spawn { request, requester, link, function, arguments: &arguments });
        Some(request)
    }
}
