//! Messages that are marked as terms. A toy writes tuples of pids alone.

use serde_json::{Value, json};
use snow_dist_codec::frame::{Send, SendTerm};
use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::stf::Terms;
use snow_dist_codec::{Pid, Reading};

use super::super::{Other, Owed, State, Toy};
use crate::defects::Defect;

/// Begins a term that is a tuple: the version, and the type.
const TUPLE: [u8; 2] = [0x01, 0x0D];

/// The type of a pid in a term.
const PID: u8 = 0x1E;

impl Toy {
    /// A term of the peer: its process is told whose its pids are.
    pub(super) fn term(
        &self,
        state: &mut State,
        (kind, peer): (Terms, &Other),
        own: u64,
        message: &[u8],
        owed: &mut Owed,
    ) {
        let pids = self.pids_in(kind, peer, message);
        let sight = match self.has(Defect::TermMarkLost) {
            true => json!({"message": hex::encode(message)}),
            false => json!({"term": pids}),
        };
        self.receive(state, own, sight, owed);
    }

    /// Whose the pids in a term are.
    pub(super) fn pids_in(&self, kind: Terms, peer: &Other, message: &[u8]) -> Vec<Value> {
        let mut pids = Vec::new();
        let read = kind.for_each_pid(message, Reading::Compatible, |_, pid| pids.push(pid));
        if read.is_err() {
            pids.clear();
        }
        pids.into_iter().map(|pid| self.process_of(peer, pid)).collect()
    }

    /// Which kind of terms a session has.
    pub(super) fn kind(&self, capabilities: Capabilities) -> Terms {
        let is_second = capabilities.contains(Capabilities::TERMS_2) && !self.has(Defect::SecondKindUnread);
        if is_second || self.has(Defect::SecondKindUnasked) { Terms::Second } else { Terms::First }
    }

    /// A tuple of pids.
    pub(super) fn tuple(&self, peer: &Other, pids: &[Other]) -> Vec<u8> {
        let mut term = TUPLE.to_vec();
        term.push(pids.len() as u8);
        for pid in pids {
            term.push(PID);
            term.extend(self.as_the_peer_reads(peer, pid).to_bits().to_le_bytes());
        }
        term
    }

    /// The process that a pid without an owner is of.
    fn process_of(&self, peer: &Other, pid: Pid) -> Value {
        let is_of = |creation| pid.creation() == creation || self.has(Defect::TermPidsUnchecked);
        let node = match pid.node() {
            0 if is_of(peer.creation) => Some(&peer.node),
            0xFFFE if is_of(self.creation()) => Some(&self.name),
            _ => None,
        };
        json!({"node": node, "process": pid.local()})
    }

    /// False if nobody would know the pids.
    pub(in super::super) fn send_term(
        &self,
        state: &mut State,
        own: u64,
        to: &Other,
        pids: &[Other],
    ) -> bool {
        let Some(session) = Self::session(state, to) else { return true };
        let is_marked = session.capabilities.contains(Capabilities::SEND_TERM);
        let is_refused = !is_marked && !pids.is_empty() && !self.has(Defect::TermPidsUnmarked);
        if is_refused || is_marked && !session.out.has_room() {
            return false;
        }
        let message = self.tuple(&session.peer, pids);
        let (to, message) = (session.theirs(to.local), &message[..]);
        let is_marked = if self.has(Defect::TermMarkMistaken) { !is_marked } else { is_marked };
        if is_marked {
            session.message(self, own, SendTerm { to, message });
        } else {
            session.message(self, own, Send { to, message });
        }
        true
    }

    fn as_the_peer_reads(&self, peer: &Other, pid: &Other) -> Pid {
        let node = if pid.node == self.name {
            0
        } else if self.has(Defect::TermPidsUntranslated) {
            return Pid::new(0, pid.creation, pid.local).unwrap();
        } else if (&pid.node, pid.incarnation) == (&peer.node, peer.incarnation) {
            0xFFFE
        } else {
            0xFFFF
        };
        Pid::new(node, pid.creation, pid.local).unwrap()
    }
}
