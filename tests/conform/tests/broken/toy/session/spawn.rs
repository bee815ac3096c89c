//! Processes that others ask for.

use snow_dist_codec::frame::{Link, Spawn, SpawnReply};

use super::super::connection::frame;
use super::super::outbound::Kind;
use super::super::{Owed, Process, State, Toy};
use super::LinkState;
use crate::defects::Defect;

impl Toy {
    pub(in super::super) fn start_for(
        &self,
        state: &mut State,
        peer: &str,
        spawn: Spawn<'_>,
        owed: &mut Owed,
    ) {
        let offer = state.offers.get(spawn.function.as_str()).cloned();
        let local = state.next();
        let Some(session) = state.peers.get_mut(peer).and_then(|now| now.session.as_mut()) else { return };
        let Spawn { request, requester, link, .. } = spawn;
        let is_linked = link == 1 && !self.has(Defect::SpawnUnlinked) || self.has(Defect::SpawnAlwaysLinked);
        let status = match offer {
            None => 1,
            Some(_) if is_linked && session.is_full() && !self.has(Defect::SpawnBeyondTheBound) => 2,
            Some(_) => 0,
        };
        let reply = SpawnReply { request, status, local: if status == 0 { local } else { 0 } };
        let Some(end) = offer.filter(|_| status == 0) else {
            return session.answer(0, reply);
        };
        let linked = Link { from: self.own(local), to: session.theirs(requester.local()) };
        if is_linked && !self.has(Defect::ReplyBeforeLink) {
            session.signal(local, linked);
        }
        if !self.has(Defect::EndBeforeReply) || end.is_none() {
            session.answer(local, reply);
        }
        if is_linked && self.has(Defect::ReplyBeforeLink) {
            session.signal(local, linked);
        }
        if is_linked {
            session.links.insert((local, requester.local()), LinkState::Active { mine: true });
        }
        state.processes.insert(local, Process::default());
        let Some(reason) = end else { return };
        self.end(state, local, reason, owed);
        if self.has(Defect::EndBeforeReply) {
            owed.push((peer.to_owned(), local, Kind::Signal, frame(reply)));
        }
    }

    /// Asks a node for a process. Gives the number of the request.
    pub(in super::super) fn request(
        &self,
        state: &mut State,
        own: u64,
        node: &str,
        function: &str,
        link: bool,
    ) -> Option<u64> {
        let request = if self.has(Defect::RequestReused) { 7 } else { state.next() };
        let session = state.peers.get_mut(node)?.session.as_mut()?;
        session.asked.insert(request, own);
        let (requester, function) = (self.own(own), function.into());
        session.signal(own, Spawn { request, requester, link: u8::from(link), function, arguments: &[] });
        Some(request)
    }
}
