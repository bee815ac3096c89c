//! The sessions that version 1 peers may still hold. Specification: `version1.md`, "Connections".
//!
//! A version 1 node forgets a session by its name, up to half a second after the connection has ended. A session that
//! comes up in between is forgotten in its place, and the peer never learns of it: its connection is still served. So
//! this node delays everything that would make a session there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::core::limits::VERSION_1_CLEANUP;

/// The version 1 peers that may still hold a session that has ended here. Times count from the start of this node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct CleanUps {
    now: Duration,
    /// The time at which each of them has certainly forgotten the session.
    done_at: BTreeMap<Arc<str>, Duration>,
}

impl CleanUps {
    pub(super) const fn new() -> Self {
        Self { now: Duration::ZERO, done_at: BTreeMap::new() }
    }

    /// Moves the time on. Returns the peers whose clean-up is over, or all of `names` if the clean-up is that of
    /// sessions of an earlier start of this node.
    pub(super) fn tell_time(&mut self, now: Duration) -> Passed {
        let before = self.now;
        self.now = before.max(now);
        if before < VERSION_1_CLEANUP && self.now >= VERSION_1_CLEANUP {
            self.done_at.retain(|_, done_at| *done_at > self.now);
            return Passed::Start;
        }
        let mut names = Vec::new();
        self.done_at.retain(|name, done_at| {
            let is_left = *done_at > self.now;
            if !is_left {
                names.push(name.clone());
            }
            is_left
        });
        Passed::Of(names)
    }

    /// Begins the clean-up of a peer: a connection has ended that the peer may have made its session.
    pub(super) fn begin(&mut self, name: &str) {
        self.done_at.insert(name.into(), self.now.saturating_add(VERSION_1_CLEANUP));
    }

    /// Returns the time at which the clean-up of a peer is over, or `None` if it is over now.
    pub(super) fn done_at(&self, name: &str) -> Option<Duration> {
        self.done_at.get(name).copied().filter(|done_at| *done_at > self.now)
    }

    /// Returns the same as `done_at`, but takes sessions of an earlier start of this node into
    /// account, of which nothing is known.
    //= spec/version1.md#v1-elc-003
    //# A node MUST NOT send ACK to a version 1 peer, or REPLY on a dial to one, before `version_1_cleanup`
    //# has passed since its own start, and since the ends of its last session with that peer and of its last
    //# dial to it on which REPLY was sent.
    pub(super) fn all_done_at(&self, name: &str) -> Option<Duration> {
        let of_start = Some(VERSION_1_CLEANUP).filter(|done_at| *done_at > self.now);
        self.done_at(name).max(of_start)
    }

    /// Returns the time at which REPLY can be sent. If a session `is_held` here still, its end is yet to come.
    pub(super) fn reply_at(&self, name: &str, is_held: bool) -> Option<Duration> {
        if is_held { Some(self.now.saturating_add(VERSION_1_CLEANUP)) } else { self.all_done_at(name) }
    }
}

/// The peers whose clean-up is over.
pub(super) enum Passed {
    /// For these peers.
    Of(Vec<Arc<str>>),
    /// For every peer that has none of its own.
    Start,
}
