//! What processes do in sessions.

use std::sync::Arc;
use std::time::Duration;

use snow_dist_codec::frame::{Demonitor, Link, Monitor, UnlinkId};

use super::super::{Other, Owed, State, Toy, noconnection};
use super::{LinkState, Made, MadeKind, Session};
use crate::defects::Defect;

/// Bytes of a SEND beside its message.
const SEND_HEAD_BYTES: usize = 9;

impl Toy {
    /// The process that a command names: of the session's peer, or of the one before.
    pub(in super::super) fn other(&self, state: &State, node: &str, local: u64) -> Option<Other> {
        let (incarnation, creation) = *state.known.get(node)?;
        Some(Other { node: node.to_owned(), incarnation, creation, local })
    }

    /// A process by its node and its local id there.
    pub(in super::super) fn process(&self, state: &State, node: &str, local: u64) -> Option<Other> {
        let (creation, incarnation) = (self.creation(), self.incarnation);
        match node == self.name {
            true => Some(Other { node: node.to_owned(), incarnation, creation, local }),
            false => self.other(state, node, local),
        }
    }

    pub(super) fn session<'s>(state: &'s mut State, other: &Other) -> Option<&'s mut Session> {
        let session = state.peers.get_mut(&other.node)?.session.as_mut()?;
        (session.peer.incarnation == other.incarnation).then_some(session)
    }

    /// False if there is no room.
    pub(in super::super) fn send(
        self: &Arc<Self>,
        state: &mut State,
        own: u64,
        to: &Other,
        message: &[u8],
    ) -> bool {
        let Some(session) = Self::session(state, to) else {
            self.dial_by_itself(&to.node);
            return true;
        };
        if session.is_too_long(self, SEND_HEAD_BYTES + message.len()) {
            return false;
        }
        if !session.out.has_room() && !session.out.is_closing() && !self.has(Defect::DropsWhenFull) {
            return false;
        }
        if session.out.has_room() || session.out.is_closing() {
            let to = session.theirs(to.local);
            session.message(self, own, snow_dist_codec::frame::Send { to, message });
        }
        true
    }

    /// Who dials because a process sends does so when the lock is free again.
    fn dial_by_itself(self: &Arc<Self>, node: &str) {
        if self.has(Defect::DialsByItself) {
            let (toy, node) = (Arc::clone(self), node.to_owned());
            tokio::spawn(async move { toy.connect(&node) });
        }
    }

    pub(in super::super) fn send_named(
        &self,
        state: &mut State,
        own: u64,
        node: &str,
        name: &str,
        message: &[u8],
    ) {
        if let Some(session) = state.peers.get_mut(node).and_then(|now| now.session.as_mut()) {
            session.message(self, own, snow_dist_codec::frame::RegSend { name: name.into(), message });
        }
    }

    /// Sends one message behind the other, each as soon as there is room for it.
    pub(in super::super) async fn flood(self: Arc<Self>, own: u64, to: Other, messages: u32, bytes: usize) {
        for number in 0..messages {
            let mut message = vec![0; bytes];
            message[..4].copy_from_slice(&number.to_be_bytes());
            while !self.flood_on(own, &to, &message) {
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        }
    }

    /// True if the message was taken, or none will be any more.
    fn flood_on(self: &Arc<Self>, own: u64, to: &Other, message: &[u8]) -> bool {
        let mut state = self.state();
        let is_over = Self::session(&mut state, to).is_none_or(|session| session.out.is_closing());
        if is_over && !self.has(Defect::TakesLateMessages) {
            return true;
        }
        let taken = self.send(&mut state, own, to, message);
        if let Some(process) = state.processes.get_mut(&own).filter(|_| taken) {
            process.sent += 1;
        }
        taken
    }

    /// False if the peer takes no more.
    pub(in super::super) fn link(&self, state: &mut State, own: u64, to: &Other) -> bool {
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
        if session.out.is_closing() && self.has(Defect::LinkBehindCloseLost) {
            return true;
        }
        session.links.insert(link, LinkState::Active { mine: true });
        session.signal(own, Link { from: self.own(own), to: session.theirs(to.local) });
        true
    }

    pub(in super::super) fn unlink(&self, state: &mut State, own: u64, to: &Other) {
        let id = if self.has(Defect::UnlinkIdReused) { 1 } else { state.next() };
        let Some(session) = Self::session(state, to) else { return };
        let link = (own, to.local);
        if !matches!(session.links.get(&link), Some(LinkState::Active { .. })) {
            return;
        }
        let (from, to) = (self.own(own), session.theirs(to.local));
        if self.has(Defect::UnlinkOfVersion1) {
            session.links.remove(&link);
            return session.signal(own, snow_dist_codec::frame::Unlink { from, to });
        }
        session.links.insert(link, LinkState::Unlinking(id));
        session.outstanding.insert(link, id);
        session.signal(own, UnlinkId { from, to, id });
    }

    /// The ref of a monitor or a call.
    pub(super) fn reference(&self, state: &mut State) -> u64 {
        if self.has(Defect::OwnRefReused) { 1 } else { state.next() }
    }

    /// `None` if the peer takes no more.
    pub(in super::super) fn monitor(&self, state: &mut State, own: u64, of: &Other) -> Option<u64> {
        let reference = self.reference(state);
        let made = Made { own, other: of.local, kind: MadeKind::Monitor };
        let Some(session) = Self::session(state, of) else {
            state.over(&of.node, reference, made, &noconnection().to_json());
            return Some(reference);
        };
        if session.is_full() && !self.has(Defect::BoundIgnored) {
            return None;
        }
        session.made.insert(reference, made);
        session.signal(own, Monitor { from: self.own(own), to: session.theirs(of.local), reference });
        Some(reference)
    }

    /// Ends a monitor, or gives up a call.
    pub(in super::super) fn demonitor(&self, state: &mut State, own: u64, reference: u64) {
        for now in state.peers.values_mut() {
            let Some(session) = &mut now.session else { continue };
            if let Some(made) = session.made.remove(&reference) {
                if made.kind == MadeKind::Call && self.has(Defect::GivenUpUntold) {
                    return;
                }
                let to = session.theirs(made.other);
                session.signal(own, Demonitor { from: self.own(own), to, reference });
            }
        }
    }
}
