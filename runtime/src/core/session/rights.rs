//! The rights of a peer, which follow from the rules of this node's operator, and the refusals of requests that
//! exceed these rights.

use std::fmt;

use super::Session;

/// The rights of a peer in a session. They follow from the operator's rules for the name of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rights {
    /// The right to start processes here, with functions that the program offers to the peer.
    pub spawn: bool,
    /// The right to register global names that this node accepts. Without it, this node ignores global names of the
    /// peer.
    pub global_names: bool,
    /// The right to name nodes in peer lists. This node dials the named nodes that its operator allows. Without this
    /// right, it ignores the lists.
    pub peer_lists: bool,
}

/// Grants everything except peer lists.
impl Default for Rights {
    fn default() -> Self {
        Self { spawn: true, global_names: true, peer_lists: false }
    }
}

/// A kind of request of a peer that this node refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Forbidden {
    /// An exit signal to a process, in a session without the capability `remote_exit`. The refusal ends the session.
    Exit,
    /// A request for a process: this node offers the peer no such function, or a limit is reached.
    Spawn,
    /// An announcement of a global name: this node accepts none from the peer.
    GlobalName,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exit => "an exit signal",
            Self::Spawn => "a process",
            Self::GlobalName => "a global name",
        })
    }
}

impl Session {
    /// Sets the rights of the peer. Call this before any frame of the peer is handled. Without this call, the peer
    /// has the default rights.
    pub const fn set_rights(&mut self, rights: Rights) {
        self.rights = rights;
    }

    /// Counts refusals. They are reported when the count reaches the next power of two, so that a peer that asks
    /// again and again causes only a few reports.
    pub(super) fn forbid(&mut self, what: Forbidden, times: u64) {
        let count = match what {
            Forbidden::Exit => &mut self.counts.exits_refused,
            Forbidden::Spawn => &mut self.counts.spawns_refused,
            Forbidden::GlobalName => &mut self.counts.global_names_refused,
        };
        let before = *count;
        *count += times;
        if count.checked_ilog2() != before.checked_ilog2() {
            self.forbidden.push((what, *count));
        }
    }

    /// Returns and clears the refusals to be reported: each kind, with the number of refusals of that kind in this
    /// session so far. A kind is reported when its number reaches or passes the next power of two.
    pub fn take_forbidden(&mut self) -> Vec<(Forbidden, u64)> {
        std::mem::take(&mut self.forbidden)
    }
}
