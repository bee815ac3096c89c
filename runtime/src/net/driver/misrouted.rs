//! Warnings of frames that a version 1 peer has routed to this node and that are for another one.

use std::time::Duration;

use crate::core::Shown;
use crate::core::session::Misrouted;
use crate::foreign::event;
use crate::notices::Limiter;

/// Lines that are written before those that follow are summed up: the first one says all.
const SINGLY_MAX: u32 = 1;

#[derive(Debug)]
pub(super) struct MisroutedWarnings {
    limiter: Limiter,
}

impl MisroutedWarnings {
    pub(super) const fn new() -> Self {
        Self { limiter: Limiter::new(SINGLY_MAX) }
    }

    /// Warns of the last of `count` such frames of this session, if a line is due.
    pub(super) fn warn(&mut self, peer: &str, misrouted: Misrouted, count: u64, now: Duration) {
        if self.limiter.count(now).is_none() {
            return;
        }
        let Misrouted { node_id, own } = misrouted;
        let own = own.map_or_else(|| "not known".to_owned(), |own| own.to_string());
        //= spec/version1.md#v1-pid-014
        //# A node SHOULD log the node id of a frame that it ignores by V1-PID-012, and k.
        event!(
            WARN,
            peer = %Shown(peer),
            node_id,
            own,
            count,
            "a frame for another node has come from this version 1 peer, and is ignored: its node id there is \
             {node_id}, that of this node is {own}; another node may have been given a wrong `version_1_node_id`"
        );
    }
}
