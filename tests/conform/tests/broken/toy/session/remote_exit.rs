//! Exit signals to processes that are not linked.

use snow_dist_codec::Root as WireRoot;
use snow_dist_codec::frame::{Exit, Exit2};
use snow_dist_codec::handshake::Capabilities;

use super::super::reason::Reason;
use super::super::{Other, Owed, State, Toy, noconnection};
use super::killed;
use crate::defects::Defect;

impl Toy {
    /// An exit signal of the peer. It changes no link.
    pub(super) fn remote_exit(
        &self,
        state: &mut State,
        peer: &str,
        exit: &Exit2<'_>,
        own: Option<u64>,
        owed: &mut Owed,
    ) {
        let Exit2 { from, to, reason } = *exit;
        let Some(session) = state.peers.get_mut(peer).and_then(|now| now.session.as_mut()) else { return };
        let Some(own) = own else {
            if self.has(Defect::RemoteExitToDeadAnswered) {
                let reason = WireRoot::Error("noproc".into()).into();
                session.answer(to.local(), Exit { from: to, to: from, reason });
            }
            return;
        };
        let link = (own, from.local());
        if self.has(Defect::RemoteExitNeedsLink) && !session.links.contains_key(&link) {
            return;
        }
        if self.has(Defect::RemoteExitUnlinks) {
            session.links.remove(&link);
        }
        let (of, reason) = (session.other(from.local()), Reason::of_wire(self, &session.peer, &reason));
        if self.has(Defect::RemoteExitKills) && reason == killed() {
            return self.end(state, own, Reason::linked(of, &reason), owed);
        }
        self.exit_signal(state, own, of, &reason, owed);
    }

    /// False if the peer takes no such signals.
    pub(in super::super) fn send_exit(
        &self,
        state: &mut State,
        own: u64,
        to: &Other,
        reason: &Reason,
    ) -> bool {
        let Some(session) = Self::session(state, to) else {
            if self.has(Defect::UnsentExitComesBack) {
                let mut owed = Owed::new();
                self.exit_signal(state, own, to.clone(), &noconnection(), &mut owed);
                self.pay(state, owed);
            }
            return true;
        };
        let is_taken = session.capabilities.contains(Capabilities::REMOTE_EXIT);
        if !is_taken && !self.has(Defect::RemoteExitUnasked) {
            return false;
        }
        if self.has(Defect::SentExitUnlinks) {
            session.links.remove(&(own, to.local));
        }
        let (from, to) = (self.own(own), session.theirs(to.local));
        let wire = reason.to_wire(self, &session.peer);
        let reason = wire.as_reason();
        if self.has(Defect::RemoteExitIsExit) {
            session.signal(own, Exit { from, to, reason });
        } else {
            session.signal(own, Exit2 { from, to, reason });
        }
        true
    }
}
