//! Terms to names, and who has a name.

use serde_json::json;
use snow_dist_codec::frame::{MonitorName, Named, RegSend, SendNameTerm};
use snow_dist_codec::handshake::Capabilities;

use super::super::connection::frame;
use super::super::outbound::Kind;
use super::super::{Other, State, Toy, noconnection};
use super::{Asked, End, LATE, Made, MadeKind, Session, Whom};
use crate::defects::Defect;

/// Bytes of a name that is monitored.
const NAME_BYTES_MAX: usize = 4_096;

impl Toy {
    /// A monitor of whoever has a name.
    pub(super) fn name_monitored(&self, session: &mut Session, asked: Asked) -> Result<(), End> {
        let Some(of) = self.take(session, asked, None)? else { return Ok(()) };
        let named = Named { reference: asked.reference, pid: self.own(of) };
        match self.defect {
            Some(Defect::NamedMissing) => {}
            Some(Defect::NamedLate) => {
                let (out, payload) = (session.out.clone(), frame(named));
                tokio::spawn(async move {
                    tokio::time::sleep(LATE).await;
                    out.push(of, Kind::Answer, payload);
                });
            }
            _ => session.answer(of, named),
        }
        Ok(())
    }

    /// The peer says whom a monitor is of.
    pub(super) fn named(&self, state: &mut State, peer: &str, named: &Named) {
        let Named { reference, pid } = *named;
        let Some(session) = state.peers.get_mut(peer).and_then(|now| now.session.as_mut()) else { return };
        let Some(made) = session.made.get_mut(&reference) else { return };
        let fits = match made.kind {
            MadeKind::Name(None) => true,
            MadeKind::Name(_) => self.has(Defect::NamedTwice),
            MadeKind::Monitor | MadeKind::Call | MadeKind::Spawn(_) => self.has(Defect::NamedOfAnyMonitor),
        };
        if !fits {
            return;
        }
        if !self.has(Defect::NamedForgotten) {
            made.kind = MadeKind::Name(Some(pid.local()));
        }
        if self.has(Defect::NamedIsMonitored) {
            made.other = pid.local();
        }
        let own = made.own;
        state.give(own, json!({"named": {"node": peer, "process": pid.local()}, "monitor": reference}));
        self.groups_named(state, peer, reference, pid.local());
    }

    /// `None` if the peer takes no more, or nothing of that kind.
    pub(in super::super) fn monitor_name(
        &self,
        state: &mut State,
        own: u64,
        node: &str,
        name: &str,
    ) -> Option<u64> {
        let reference = self.reference(state);
        let made = Made { own, other: 0, kind: MadeKind::Name(None) };
        let Some(session) = Self::session_with(state, &Whom::Name { node, name }) else {
            state.over(node, reference, made, &noconnection().to_json());
            return Some(reference);
        };
        let has_names =
            session.capabilities.contains(Capabilities::NAMES) || self.has(Defect::MonitorNameUnasked);
        let is_full = session.is_full() && !self.has(Defect::BoundIgnored);
        let is_too_long = name.len() > NAME_BYTES_MAX && !self.has(Defect::LongNameMonitored);
        if !has_names || is_full || is_too_long {
            return None;
        }
        session.made.insert(reference, made);
        session.signal(own, MonitorName { from: self.own(own), reference, name: name.into() });
        Some(reference)
    }

    /// False if nobody would know the pids.
    pub(in super::super) fn send_named_term(
        &self,
        state: &mut State,
        own: u64,
        node: &str,
        name: &str,
        pids: &[Other],
    ) -> bool {
        let Some(session) = Self::session_with(state, &Whom::Name { node, name }) else { return true };
        let is_marked = session.capabilities.contains(Capabilities::NAMES);
        let is_refused = !is_marked && !pids.is_empty() && !self.has(Defect::TermPidsUnmarked);
        if is_refused || !session.out.has_room() {
            return false;
        }
        let (name, message) = (name.into(), &self.tuple(&session.peer, pids)[..]);
        if is_marked && !self.has(Defect::NameTermUnmarked) {
            session.message(self, own, SendNameTerm { name, message });
        } else {
            session.message(self, own, RegSend { name, message });
        }
        true
    }
}
