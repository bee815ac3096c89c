//! Whoever gives another node up must have had to: it was asked, and had the time to answer. That the node itself stood
//! still is no excuse, except for the eighth that CON-TIM-001 lets each time count.

use std::time::Duration;

use snow_dist_runtime::core::Patience;
use snow_dist_runtime::core::limits::{DRAIN_DEADLINE, HANDSHAKE_DEADLINE, PATIENCE_PARTS, PROBE_TIMEOUT};
use snow_dist_runtime::core::session::Ending;

use super::Cluster;
use super::connection::Connection;
use super::driver::at;
use crate::oracle::{Checked, check};
use crate::wire::Time;

const GIVEN_UP: &str = "nobody is given up who was not held up for too long, nor cut off";

/// Messages that cross in a handshake, one after the other, and TCP and TLS before them.
const HANDSHAKE_PASSAGES: Time = 5;

/// A question to the peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) at: Time,
    /// When it is there.
    pub(super) arrives: Time,
}

impl Cluster<'_> {
    /// What a node's clock says.
    pub(super) fn clock(&self, node: usize) -> Duration {
        at(self.now.saturating_sub(self.nodes[node].clock_stood))
    }

    /// When a node's clock will say that, if it does not stand still before.
    pub(super) fn time_of(&self, node: usize, clock: Duration) -> Time {
        let micros = Time::try_from(clock.as_nanos().div_ceil(1_000)).unwrap_or(Time::MAX);
        micros.saturating_add(self.nodes[node].clock_stood)
    }

    /// How long a node waits from now on, and when it looks first.
    pub(super) fn patience(&self, node: usize, time: Duration) -> (Patience, Time) {
        let patience = Patience::new(time, self.clock(node));
        (patience, self.time_of(node, patience.look_at()))
    }

    /// Looks whether the time of a handshake is over; gives when to look again if not.
    pub(super) fn look_at_handshake(&mut self, connection: u32, end: usize) -> Option<Time> {
        let node = self.connections[connection as usize].as_ref()?.ends[end].node;
        let clock = self.clock(node);
        let patience = self.connections[connection as usize].as_mut()?.ends[end].patience.as_mut()?;
        let is_over = patience.is_over(clock);
        let look_at = patience.look_at();
        (!is_over).then(|| self.time_of(node, look_at))
    }

    /// How long a node has stood still since, each time.
    fn stood_since(&self, node: usize, since: Time) -> impl Iterator<Item = Time> {
        let stood = self.nodes[node].stood.iter();
        stood.map(move |stood| stood.end.min(self.now).saturating_sub(stood.start.max(since)))
    }

    /// Whether a peer that was asked could not have answered in the time that the node gave it.
    fn is_excused(&self, node: usize, peer: usize, asked: Asked, time: Duration) -> bool {
        let time = time.as_micros() as Time;
        let passage = asked.arrives.saturating_sub(asked.at);
        let stood: Time = self.stood_since(peer, asked.at).sum();
        let counted = time.div_ceil(Time::from(PATIENCE_PARTS));
        let held_up: Time = self.stood_since(node, asked.at).map(|stood| stood.min(counted)).sum();
        passage.saturating_add(stood + held_up + self.plan.answer_time()) >= time
    }

    /// A session ends: if for the peer's silence, that must be so.
    pub(super) fn check_given_up(&self, it: &Connection, end: usize, ending: &Ending) -> Checked {
        let (node, peer) = (it.ends[end].node, it.ends[1 - end].node);
        let Some(driver) = &it.ends[end].driver else { return Ok(()) };
        let is_right = match ending {
            Ending::Silent => {
                let timeout = self.plan.nodes[node].timing.timeout;
                let pinged = driver.pinged.is_some_and(|asked| self.is_excused(node, peer, asked, timeout));
                let probed =
                    driver.probed.is_some_and(|asked| self.is_excused(node, peer, asked, PROBE_TIMEOUT));
                // Behind CLOSE nobody is asked.
                pinged || probed || driver.stop.is_some()
            }
            Ending::Stuck => {
                // There is room again when what is under way has arrived.
                let arrives = it.wires[end].last_arrival().max(driver.taken);
                let waiting = Asked { at: driver.taken, arrives };
                self.is_excused(node, peer, waiting, DRAIN_DEADLINE)
            }
            _ => true,
        };
        check(is_right || it.is_faulty, GIVEN_UP, || {
            let (pinged, probed) = (driver.pinged, driver.probed);
            format!("node {node} at {}: node {peer}, {ending}; {pinged:?}, probed {probed:?}", self.now)
        })
    }

    /// The time of a handshake is over: that must be the peer's doing.
    pub(super) fn check_late(&self, connection: u32, end: usize) -> Checked {
        let Some(it) = &self.connections[connection as usize] else { return Ok(()) };
        let (node, peer) = (it.ends[end].node, it.ends[1 - end].node);
        let passages = HANDSHAKE_PASSAGES * self.plan.answer_time();
        let begun = Asked { at: it.ends[end].begun, arrives: it.ends[end].begun + passages };
        // An acceptor can have another connection to settle before it says ACK.
        let is_right =
            it.ends[end].stage.is_to_be_acked() || self.is_excused(node, peer, begun, HANDSHAKE_DEADLINE);
        check(is_right || it.is_faulty, GIVEN_UP, || {
            format!("node {node} at {}: the handshake with node {peer} is late", self.now)
        })
    }
}
