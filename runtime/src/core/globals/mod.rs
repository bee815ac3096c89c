//! Global names: names for processes that are valid on all connected nodes. Specification: `session.md`, "Names that
//! hold for all nodes".
//!
//! [`Globals`] holds the names that this node owns and the names that its peers have announced, and decides which
//! node keeps a name that two nodes claim. A node has one table for all its sessions. [`Globals::register`],
//! [`Globals::unregister`] and [`Globals::process_ended`] change the names that this node owns. [`Globals::up`],
//! [`Globals::heard`] and [`Globals::down`] change the names of peers. [`Globals::whereis`] looks a name up.
//!
//! The host of the table must announce each change of a name that this node owns in every session
//! ([`Session::register_global`](super::Session::register_global),
//! [`Session::unregister_global`](super::Session::unregister_global)), in the order of the changes. This includes a
//! name that this node loses to another node: [`Globals::heard`] then returns a [`Conflict`].
//!
//! Two connected nodes settle a conflict by themselves, and both come to the same result: each compares the
//! incarnations of the two nodes. There is no vote, and no third node is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::sync::Arc;

use snow_dist_codec::NodeName;

use super::limits::{
    GLOBAL_NAME_BYTES_COUNTED, GLOBAL_NAME_BYTES_MAX, GLOBAL_NAMES_BYTES_MAX, GLOBAL_NAMES_OF_PEERS_BYTES_MAX,
};
use super::peers::ConnectionId;
use super::{NodeNumber, Pid, Start};

#[cfg(test)]
mod tests;

/// An announcement about a global name, which a peer has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlobalNews<'a> {
    /// The peer has registered one of its processes under the name.
    Registered {
        /// The global name.
        name: &'a str,
        /// The process that has the name.
        pid: Pid,
        /// The name of the node that owns the global name, as the announcement gives it. An announcement with any
        /// other name than the peer's own is ignored.
        node: &'a str,
    },
    /// The peer no longer owns the name.
    Unregistered {
        /// The global name.
        name: &'a str,
    },
}

/// The text of the reason of the exit signal that [`OnConflict::Exit`] brings. The reason is a
/// [`Reason::Custom`](super::Reason::Custom).
//= spec/session.md#ses-glb-016
//# A process that loses a global name by SES-GLB-011 MUST get one exit signal Custom "name conflict" from the
//# process that keeps the name, unless it has asked to be told in another way.
pub const NAME_CONFLICT: &str = "name conflict";

/// The way in which a process that loses its global name to a process of another node learns of the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnConflict {
    /// The process receives an exit signal with the reason Custom "name conflict" ([`NAME_CONFLICT`]) from the
    /// process that keeps the name. This is the default.
    #[default]
    Exit,
    /// The process receives a notice, and continues without the name.
    Tell,
}

/// A conflict that has cost this node a name: a process of another node keeps the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The name. The table no longer counts it as this node's own, but the caller must still announce the loss in the
    /// sessions, by [`Session::unregister_global`](super::Session::unregister_global).
    pub name: Arc<str>,
    /// The number of the process of this node that had the name.
    pub local: u64,
    /// The process of the other node, which keeps the name.
    pub winner: Pid,
    /// The name of the winner's node, with its port.
    pub node: Arc<str>,
    /// The way, chosen at the registration, in which the process `local` is to learn that it has lost the name.
    pub on_conflict: OnConflict,
}

/// The effect of an announcement ([`GlobalNews`]) on the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The announcement was taken into account. Nothing is left to do.
    Known,
    /// By the announcement, this node has lost a name that it owned.
    Lost(Conflict),
    /// The announcement is ignored, for one of these reasons: it gives another node than the peer as the owner of the
    /// name; the name is longer than [`GLOBAL_NAME_BYTES_MAX`]; the names of the peer would exceed
    /// [`GLOBAL_NAMES_BYTES_MAX`], or the names of all peers [`GLOBAL_NAMES_OF_PEERS_BYTES_MAX`]; or the table knows
    /// no session on that connection.
    PassedOver,
}

/// An error that says why a global name was not registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotRegistered {
    /// A process already has the name, possibly the process that was to be registered.
    #[error("the global name is taken by {pid} on {node}")]
    Taken {
        /// The process that has the name.
        pid: Pid,
        /// The name of that process's node, with its port. That node owns the global name.
        node: Arc<str>,
    },
    /// The name is too long.
    #[error("the global name has {length} bytes: the limit is {length_max}")]
    TooLong {
        /// The length of the name, in bytes.
        length: usize,
        /// The maximum length, in bytes: [`GLOBAL_NAME_BYTES_MAX`].
        length_max: usize,
    },
    /// With this name, the global names that this node owns would exceed the total size that other nodes keep for one
    /// node.
    #[error("this node owns too many global names: together they may count {bytes_max} bytes")]
    TooMany {
        /// The limit, in bytes: [`GLOBAL_NAMES_BYTES_MAX`].
        bytes_max: usize,
    },
    /// The process is not a live process of this node. Only such processes can have global names.
    #[error("{0} is no living process of this node")]
    NoProcess(Pid),
}

/// The rank by which claims are compared. The smaller one stays.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Rank(NonZeroU64, Arc<str>);

impl From<&Start> for Rank {
    fn from(start: &Start) -> Self {
        Self(start.incarnation, start.name.clone())
    }
}

/// A process of this node that has a global name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Own {
    local: u64,
    on_conflict: OnConflict,
}

/// The names that a peer has announced.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Peer {
    rank: Rank,
    names: BTreeSet<Arc<str>>,
    bytes: usize,
}

/// The table of the global names that a node knows. See the [module](self).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Globals {
    here: Start,
    own: BTreeMap<Arc<str>, Own>,
    own_bytes: usize,
    by_process: BTreeSet<(u64, Arc<str>)>,
    peers: BTreeMap<ConnectionId, Peer>,
    /// The counted bytes of the names of all peers together.
    peers_bytes: usize,
    /// The claims of peers, by rank: the first one stays. Almost always there is only one, so they are not a map.
    claims: BTreeMap<Arc<str>, Vec<(Rank, Pid)>>,
}

impl Globals {
    /// Creates the empty table of a node. `here` is the name and the incarnation of this node.
    #[must_use]
    pub const fn new(here: Start) -> Self {
        Self {
            here,
            own: BTreeMap::new(),
            own_bytes: 0,
            by_process: BTreeSet::new(),
            peers: BTreeMap::new(),
            peers_bytes: 0,
            claims: BTreeMap::new(),
        }
    }

    // Own names.

    /// Registers a live process of this node under a global name, and returns the name. `local` is the number of the
    /// process.
    ///
    /// The caller must announce the name in the sessions ([`Session::register_global`](super::Session::register_global)).
    /// When the process ends, the caller must call [`Globals::process_ended`].
    ///
    /// # Errors
    /// Returns [`NotRegistered`] if the table knows a process that has the name, if the name is too long, or if the
    /// names that this node owns would become too many.
    pub fn register(
        &mut self,
        name: &str,
        local: u64,
        on_conflict: OnConflict,
    ) -> Result<Arc<str>, NotRegistered> {
        //= spec/session.md#ses-glb-007
        //# A node MUST NOT register a global name longer than `global_name_bytes_max`, nor own more names
        //# than `global_names_bytes_max` allows.
        if name.len() > GLOBAL_NAME_BYTES_MAX {
            return Err(NotRegistered::TooLong { length: name.len(), length_max: GLOBAL_NAME_BYTES_MAX });
        }
        //= spec/session.md#ses-glb-008
        //# A node MUST NOT register a global name while it knows a process that has it.
        if let Some((pid, node)) = self.holder(name) {
            return Err(NotRegistered::Taken { pid, node: node.clone() });
        }
        let own_bytes = self.own_bytes + counted(name);
        if own_bytes > GLOBAL_NAMES_BYTES_MAX {
            return Err(NotRegistered::TooMany { bytes_max: GLOBAL_NAMES_BYTES_MAX });
        }
        self.own_bytes = own_bytes;
        let name: Arc<str> = name.into();
        self.own.insert(name.clone(), Own { local, on_conflict });
        self.by_process.insert((local, name.clone()));
        Ok(name)
    }

    /// Removes a name that this node owns. Returns the number of the process that had the name, or `None` if this node
    /// does not own it. The caller must announce the removal in the sessions.
    pub fn unregister(&mut self, name: &str) -> Option<u64> {
        let (name, own) = self.own.remove_entry(name)?;
        self.own_bytes -= counted(&name);
        self.by_process.remove(&(own.local, name));
        Some(own.local)
    }

    /// Removes all names of a process of this node that has ended, and returns them. The caller must announce the
    /// removals in the sessions.
    pub fn process_ended(&mut self, local: u64) -> Vec<Arc<str>> {
        let from = (local, Arc::from(""));
        let names: Vec<_> = self
            .by_process
            .range(from..)
            .take_while(|(of, _)| *of == local)
            .map(|(_, name)| name.clone())
            .collect();
        for name in &names {
            self.unregister(name);
        }
        names
    }

    /// Returns the names that this node owns, each with the number of its process. These are the names to announce in
    /// a new session.
    pub fn own(&self) -> impl Iterator<Item = (&Arc<str>, u64)> {
        self.own.iter().map(|(name, own)| (name, own.local))
    }

    // Names of peers.

    /// Adds a peer. Call this when a session with this incarnation of a node has come up on this connection.
    pub fn up(&mut self, id: ConnectionId, start: &Start) {
        self.peers.insert(id, Peer { rank: start.into(), names: BTreeSet::new(), bytes: 0 });
    }

    /// Removes a peer and all names that it has announced. Call this when the session on this connection has ended.
    pub fn down(&mut self, id: ConnectionId) {
        //= spec/session.md#ses-glb-004
        //# A node MUST forget the global names of a peer when their session ends.
        let Some(peer) = self.peers.remove(&id) else { return };
        self.peers_bytes -= peer.bytes;
        for name in peer.names {
            self.forget(&name, &peer.rank);
        }
    }

    /// Handles an announcement that has arrived in the session on this connection.
    pub fn heard(&mut self, id: ConnectionId, news: GlobalNews<'_>) -> Heard {
        match news {
            GlobalNews::Registered { name, pid, node } => self.claimed(id, name, pid, node),
            GlobalNews::Unregistered { name } => self.taken_back(id, name),
        }
    }

    fn claimed(&mut self, id: ConnectionId, name: &str, pid: Pid, node: &str) -> Heard {
        let Some(peer) = self.peers.get_mut(&id) else { return Heard::PassedOver };
        //= spec/session.md#ses-glb-001
        //# A node MUST ignore a claim whose completed `node` is not the name of the peer.
        if !is_named(node, &peer.rank.1) {
            return Heard::PassedOver;
        }
        let name: Arc<str> = name.into();
        let rank = peer.rank.clone();
        let mut is_kept = true;
        if !peer.names.contains(&name) {
            //= spec/session.md#ses-glb-009
            //# A node MAY ignore a claim by which the peer breaks SES-GLB-007.
            let bytes = counted(&name);
            if name.len() > GLOBAL_NAME_BYTES_MAX || peer.bytes + bytes > GLOBAL_NAMES_BYTES_MAX {
                return Heard::PassedOver;
            }
            //= spec/session.md#ses-glb-017
            //# A node MUST NOT keep global names of its peers that count more than `global_names_of_peers_bytes_max` together.
            is_kept = self.peers_bytes + bytes <= GLOBAL_NAMES_OF_PEERS_BYTES_MAX;
            if is_kept {
                peer.bytes += bytes;
                self.peers_bytes += bytes;
                peer.names.insert(name.clone());
            }
        }
        if is_kept {
            self.keep_claim(&name, &rank, pid);
        }
        match self.give_way(name, &rank, pid) {
            Some(conflict) => Heard::Lost(conflict),
            None if is_kept => Heard::Known,
            None => Heard::PassedOver,
        }
    }

    //= spec/session.md#ses-glb-010
    //# A node MUST replace a claim by a later claim of the same peer to the same name.
    fn keep_claim(&mut self, name: &Arc<str>, rank: &Rank, pid: Pid) {
        let claims = self.claims.entry(name.clone()).or_insert_with(|| Vec::with_capacity(1));
        match claims.iter_mut().find(|(of, _)| of == rank) {
            Some((_, earlier)) => *earlier = pid,
            None => claims.insert(claims.partition_point(|(of, _)| of < rank), (rank.clone(), pid)),
        }
    }

    /// Settles a claim of a peer to a name of this node. The claim counts even if there is no room to keep it: the
    /// peer does not repeat it, and both nodes would own the name.
    //= spec/session.md#ses-glb-011
    //# A node MUST take back a global name that it owns when a peer of smaller rank claims it.
    fn give_way(&mut self, name: Arc<str>, rank: &Rank, winner: Pid) -> Option<Conflict> {
        if *rank >= Rank::from(&self.here) {
            return None;
        }
        let Own { local, on_conflict } = self.own.get(&name).copied()?;
        self.unregister(&name);
        Some(Conflict { name, local, winner, node: rank.1.clone(), on_conflict })
    }

    fn taken_back(&mut self, id: ConnectionId, name: &str) -> Heard {
        //= spec/session.md#ses-glb-002
        //# A node MUST ignore a GLOBAL_UNREGISTER with a name that it has not learned from the same peer.
        let Some(peer) = self.peers.get_mut(&id) else { return Heard::PassedOver };
        // Nothing for an operator: what was told of it may have been passed over before.
        if !peer.names.remove(name) {
            return Heard::Known;
        }
        peer.bytes -= counted(name);
        self.peers_bytes -= counted(name);
        let rank = peer.rank.clone();
        self.forget(name, &rank);
        Heard::Known
    }

    fn forget(&mut self, name: &str, rank: &Rank) {
        if let Some(claims) = self.claims.get_mut(name) {
            claims.retain(|(of, _)| of != rank);
            if claims.is_empty() {
                self.claims.remove(name);
            }
        }
    }

    // Both.

    /// Returns the process that has a global name, or `None` if this node knows no such process. If several nodes
    /// claim the name, the result is the process whose claim wins.
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.holder(name).map(|(pid, _)| pid)
    }

    /// Returns the process that has a global name, and its node.
    fn holder(&self, name: &str) -> Option<(Pid, &Arc<str>)> {
        // An own name is kept only as long as no claim is known before which it gives way.
        if let Some(own) = self.own.get(name) {
            return Some((self.pid(own.local), &self.here.name));
        }
        //= spec/session.md#ses-glb-012
        //# A node MUST resolve a global name that several peers claim to the process of the peer of the
        //# smallest rank.
        let (rank, pid) = self.claims.get(name)?.first()?;
        Some((*pid, &rank.1))
    }

    /// Returns all global names that this node knows, in alphabetical order, each with the process that
    /// [`Globals::whereis`] returns for it.
    pub fn names(&self) -> impl Iterator<Item = (Arc<str>, Pid)> {
        let names: BTreeSet<_> = self.own.keys().chain(self.claims.keys()).collect();
        names.into_iter().filter_map(|name| Some((name.clone(), self.whereis(name)?)))
    }

    const fn pid(&self, local: u64) -> Pid {
        Pid::new(NodeNumber::HERE, self.here.creation(), local)
    }
}

/// Returns the bytes that a name counts under [`GLOBAL_NAMES_BYTES_MAX`] and [`GLOBAL_NAMES_OF_PEERS_BYTES_MAX`].
const fn counted(name: &str) -> usize {
    name.len() + GLOBAL_NAME_BYTES_COUNTED
}

/// Returns `true` if `text` is the name of the node that is called `node` in full.
fn is_named(text: &str, node: &str) -> bool {
    text == node || NodeName::parse(text).is_ok_and(|name| name.completed() == node)
}
