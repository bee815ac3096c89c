//! What was passed over or refused in a session.

use std::ops::AddAssign;

/// Counts of the frames, and the parts of frames, that were passed over or refused in a session.
///
/// None of these ends the session, except for an exit signal in a session without `remote_exit`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counts {
    /// The number of frames whose sender field does not hold the pid of a process of the peer.
    pub foreign: u64,
    /// The number of frames for a process of another start of this node.
    pub stale: u64,
    /// The number of frames of a version 1 peer whose receiver is, by its node id, a process of another node.
    pub misrouted: u64,
    /// The number of frames that answer or end something that does not exist, or that is already over.
    pub unmatched: u64,
    /// The number of frames with unknown tags, and of empty frames.
    pub unknown: u64,
    /// The number of ignored frames of the kinds that a node may ignore. These are peer lists, global names and
    /// broadcasts to rooms that this node does not use, global names of version 1 peers, and global names that belong
    /// to another node than the peer, are too long, or exceed a bound on the memory for names.
    pub left_alone: u64,
    /// The number of hops in reasons whose node is not known here: the node id has no entry in the peer's node table,
    /// or the hop is of another start of one of the two nodes.
    pub hops_unknown: u64,
    /// The number of pids in terms whose node is not known here, in the same cases as in
    /// [`hops_unknown`](Counts::hops_unknown).
    pub pids_unknown: u64,
    /// The number of entries of the peer's node table that do not name a node, or that exceed the number of entries
    /// that this node accepts.
    pub entries_unusable: u64,
    /// The number of reasons of the peer that were shortened because they were longer than
    /// [`REASON_BYTES_MAX`](crate::core::limits::REASON_BYTES_MAX).
    pub reasons_cut: u64,
    /// The number of exit signals (EXIT2) that the peer has sent although the session lacks the capability
    /// `remote_exit`. Such a signal ends the session.
    pub exits_refused: u64,
    /// The number of processes that were not started for the peer, because this node offers it no such function or a
    /// limit is reached. Refusals of a node that starts no more processes are not counted.
    pub spawns_refused: u64,
    /// The number of times that the peer has announced a global name although this node accepts none from it.
    pub global_names_refused: u64,
}

impl Counts {
    /// Returns each count with its name, in a fixed order.
    #[must_use]
    pub const fn rows(&self) -> [(&'static str, u64); 13] {
        [
            ("foreign", self.foreign),
            ("stale", self.stale),
            ("misrouted", self.misrouted),
            ("unmatched", self.unmatched),
            ("unknown", self.unknown),
            ("left_alone", self.left_alone),
            ("hops_unknown", self.hops_unknown),
            ("pids_unknown", self.pids_unknown),
            ("entries_unusable", self.entries_unusable),
            ("reasons_cut", self.reasons_cut),
            ("exits_refused", self.exits_refused),
            ("spawns_refused", self.spawns_refused),
            ("global_names_refused", self.global_names_refused),
        ]
    }

    /// Returns `true` if the peer did something that a peer which keeps to the rules seldom does.
    ///
    /// The result does not depend on these counts:
    /// - [`left_alone`](Counts::left_alone), because a peer may send such frames;
    /// - [`unmatched`](Counts::unmatched), because frames of the two nodes that cross on the way raise it now and then
    ///   in every session;
    /// - the three counts of refusals, because refusals are reported when they happen.
    #[must_use]
    pub fn has_unexpected(&self) -> bool {
        let expected = Self {
            left_alone: self.left_alone,
            unmatched: self.unmatched,
            exits_refused: self.exits_refused,
            spawns_refused: self.spawns_refused,
            global_names_refused: self.global_names_refused,
            ..Self::default()
        };
        *self != expected
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.foreign += more.foreign;
        self.stale += more.stale;
        self.misrouted += more.misrouted;
        self.unmatched += more.unmatched;
        self.unknown += more.unknown;
        self.left_alone += more.left_alone;
        self.hops_unknown += more.hops_unknown;
        self.pids_unknown += more.pids_unknown;
        self.entries_unusable += more.entries_unusable;
        self.reasons_cut += more.reasons_cut;
        self.exits_refused += more.exits_refused;
        self.spawns_refused += more.spawns_refused;
        self.global_names_refused += more.global_names_refused;
    }
}
