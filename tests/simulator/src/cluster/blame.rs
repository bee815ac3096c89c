//! Whoever gives another node up must have had to: it was asked, and had the time to answer. That the node itself stood
//! still is no excuse, except for the eighth that CON-TIM-001 lets each time count.

use std::time::Duration;

use snow_dist_runtime::core::connection::{Ending, Waits};
use snow_dist_runtime::core::limits::PATIENCE_PARTS;
use snow_dist_runtime::core::session::Ending as SessionEnding;

use super::node::Node;
use super::{At, Cluster};
use crate::oracle::{Checked, check};
use crate::wire::Time;

/// Messages that cross in a handshake, one after the other, and TCP and TLS before them.
const HANDSHAKE_PASSAGES: Time = 5;

/// A question to the peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Time,
    /// When it is there.
    pub(crate) arrives: Time,
}

impl Node {
    /// What its clock says.
    pub(crate) fn clock(&self, now: Time) -> Duration {
        Duration::from_micros(now.saturating_sub(self.clock_stood))
    }

    /// How long it has stood still since, each time.
    fn stood_since(&self, since: Time, now: Time) -> impl Iterator<Item = Time> {
        self.stood.iter().map(move |stood| stood.end.min(now).saturating_sub(stood.start.max(since)))
    }
}

impl Cluster<'_> {
    /// What a node's clock says.
    pub(crate) fn clock(&self, node: usize) -> Duration {
        self.nodes[node].clock(self.now)
    }

    /// When a node's clock will say that, if it does not stand still before.
    pub(crate) fn time_of(&self, node: usize, clock: Duration) -> Time {
        let micros = Time::try_from(clock.as_nanos().div_ceil(1_000)).unwrap_or(Time::MAX);
        micros.saturating_add(self.nodes[node].clock_stood)
    }

    /// Whether a peer that was asked could not have answered in the time that the node gave it.
    fn is_excused(&self, node: usize, peer: usize, asked: Asked, time: Duration) -> bool {
        let time = time.as_micros() as Time;
        let passage = asked.arrives.saturating_sub(asked.at);
        let stood: Time = self.nodes[peer].stood_since(asked.at, self.now).sum();
        let counted = time.div_ceil(Time::from(PATIENCE_PARTS));
        let held_up = self.nodes[node].stood_since(asked.at, self.now).map(|stood| stood.min(counted));
        let held_up: Time = held_up.sum();
        passage.saturating_add(stood + held_up + self.plan.answer_time()) >= time
    }

    /// A connection ends: if because its peer was waited for in vain, that must be the peer's doing.
    pub(crate) fn check_given_up(&self, at: At, ending: &Ending) -> Checked {
        let Some(it) = &self.connections[at.connection as usize] else { return Ok(()) };
        let (end, peer) = (&it.ends[at.end()], it.ends[at.other().end()].node);
        let is_excused = |asked, time| self.is_excused(end.node, peer, asked, time);
        let is_right = match ending {
            Ending::Late(Waits::Handshake) => {
                let passages = HANDSHAKE_PASSAGES * self.plan.answer_time();
                let begun = Asked { at: end.begun, arrives: end.begun + passages };
                is_excused(begun, Waits::Handshake.time())
            }
            Ending::Session { why: SessionEnding::Silent, .. } => {
                let timeout = self.plan.nodes[end.node].timing.timeout;
                let pinged = end.pinged.is_some_and(|asked| is_excused(asked, timeout));
                let probed = end.probed.is_some_and(|asked| is_excused(asked, Waits::Probe.time()));
                // Behind CLOSE nobody is asked.
                pinged || probed || end.ends_in_order || end.gives_way
            }
            Ending::Session { why: SessionEnding::Stuck, .. } => {
                // There is room again when what is under way has arrived.
                let arrives = it.wires[at.end()].last_arrival().max(end.taken);
                is_excused(Asked { at: end.taken, arrives }, Waits::Drain.time())
            }
            // An acceptor can have another connection to settle before it says ACK.
            _ => true,
        };
        check(
            is_right || it.is_faulty,
            "nobody is given up who was not held up for too long, nor cut off",
            || {
                let (node, pinged, probed) = (end.node, end.pinged, end.probed);
                format!("node {node} at {}: node {peer}, {ending}; {pinged:?}, probed {probed:?}", self.now)
            },
        )
    }
}
