//! Names that hold for all nodes: which of them this node owns, which others have told of, and who keeps a name that two
//! nodes claim. Specification: `session.md`, "Global names".
//!
//! The table is one for all sessions of a node. In: [`Globals::register`], [`Globals::unregister`] and
//! [`Globals::process_ended`] for own names; [`Globals::up`], [`Globals::heard`] and [`Globals::down`] for those of peers.
//! Out: [`Globals::whereis`], and the [`Conflict`] that [`Globals::heard`] returns when an own name is lost. Whoever keeps
//! the table tells every session of each change of an own name
//! ([`Session::register_global`](super::Session::register_global),
//! [`Session::unregister_global`](super::Session::unregister_global)), in the order of the changes.
//!
//! Two nodes that are connected decide a conflict by themselves, and both in the same way: each compares the two claims by
//! the incarnations of their nodes. So no vote is taken, and a node that is connected to only one of them is not asked.

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

/// What a peer says of a global name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlobalNews<'a> {
    /// It stands for this process of the peer.
    Registered {
        /// The global name.
        name: &'a str,
        /// The process.
        pid: Pid,
        /// The node that owns the name, as the peer says: only its own name counts.
        node: &'a str,
    },
    /// The peer takes it back.
    Unregistered {
        /// The global name.
        name: &'a str,
    },
}

/// The text of the reason with which [`OnConflict::Exit`] ends a process.
//= spec/session.md#ses-glb-016
//# A process that loses a global name by SES-GLB-011 MUST get one exit signal from the process that keeps the name, with
//# the reason Custom "name conflict", unless it has asked to be told in another way.
pub const NAME_CONFLICT: &str = "name conflict";

/// What happens to a process whose global name another node keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnConflict {
    /// It gets an exit signal with the reason Custom "name conflict" from the process that keeps the name.
    #[default]
    Exit,
    /// It is told, and goes on without the name.
    Tell,
}

/// An own name that was lost: another node claims it, and that claim stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The name. This node has given it up already; the sessions have to be told.
    pub name: Arc<str>,
    /// The process that had it.
    pub local: u64,
    /// The process that keeps it.
    pub winner: Pid,
    /// The node of that process.
    pub node: Arc<str>,
    /// What the process that had it wants.
    pub on_conflict: OnConflict,
}

/// What has come of a [`GlobalNews`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is known now.
    Known,
    /// It is known now, and this node has lost a name by it.
    Lost(Conflict),
    /// It is passed over: it is about a name of another node, or one that is too long or too many, or one that the peer has
    /// not told of.
    PassedOver,
}

/// Why a global name is not registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotRegistered {
    /// A process has the name already, perhaps the same.
    #[error("the global name is taken by {pid} on {node}")]
    Taken {
        /// The process.
        pid: Pid,
        /// Its node, which owns the name.
        node: Arc<str>,
    },
    /// The name is too long.
    #[error("the global name has {length} bytes: the limit is {length_max}")]
    TooLong {
        /// Bytes of the name.
        length: usize,
        /// [`GLOBAL_NAME_BYTES_MAX`].
        length_max: usize,
    },
    /// This node owns as many names as other nodes keep of it.
    #[error("this node owns too many global names: together they may count {bytes_max} bytes")]
    TooMany {
        /// [`GLOBAL_NAMES_BYTES_MAX`].
        bytes_max: usize,
    },
    /// Global names are for living processes of this node.
    #[error("{0} is no living process of this node")]
    NoProcess(Pid),
}

/// By which claims are compared: the smaller one stays.
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

/// What a peer has told of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Peer {
    rank: Rank,
    names: BTreeSet<Arc<str>>,
    bytes: usize,
}

/// The global names that a node knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Globals {
    here: Start,
    own: BTreeMap<Arc<str>, Own>,
    own_bytes: usize,
    by_process: BTreeSet<(u64, Arc<str>)>,
    peers: BTreeMap<ConnectionId, Peer>,
    /// What the names of all peers count together.
    peers_bytes: usize,
    /// The claims of peers, in order: the first one stays. Almost always there is but one, so they are not a map.
    claims: BTreeMap<Arc<str>, Vec<(Rank, Pid)>>,
}

impl Globals {
    /// No names, of a node of this start.
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

    /// Registers a living process of this node. Its end must be told to [`Globals::process_ended`].
    ///
    /// # Errors
    /// Returns [`NotRegistered`] if a process is known that has the name, or if the name is too long, or one too many.
    pub fn register(
        &mut self,
        name: &str,
        local: u64,
        on_conflict: OnConflict,
    ) -> Result<Arc<str>, NotRegistered> {
        //= spec/session.md#ses-glb-007
        //# A node MUST NOT register a global name that is longer than `global_name_bytes_max`, nor own more global
        //# names than `global_names_bytes_max` allows.
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

    /// Takes an own name back. Returns the process that had it, or `None` if this node does not own the name.
    pub fn unregister(&mut self, name: &str) -> Option<u64> {
        let (name, own) = self.own.remove_entry(name)?;
        self.own_bytes -= counted(&name);
        self.by_process.remove(&(own.local, name));
        Some(own.local)
    }

    /// A process of this node has ended. Returns the names that it had, which are taken back.
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

    /// The own names, each with its process: what a new session is told.
    pub fn own(&self) -> impl Iterator<Item = (&Arc<str>, u64)> {
        self.own.iter().map(|(name, own)| (name, own.local))
    }

    // Names of peers.

    /// A session with this start of a node has come up, on this connection.
    pub fn up(&mut self, id: ConnectionId, start: &Start) {
        self.peers.insert(id, Peer { rank: start.into(), names: BTreeSet::new(), bytes: 0 });
    }

    /// The session on this connection has ended.
    pub fn down(&mut self, id: ConnectionId) {
        //= spec/session.md#ses-glb-004
        //# When a session ends, a node MUST forget the global names that it has learned from that peer.
        let Some(peer) = self.peers.remove(&id) else { return };
        self.peers_bytes -= peer.bytes;
        for name in peer.names {
            self.forget(&name, &peer.rank);
        }
    }

    /// The peer of the session on this connection says something of a global name.
    pub fn heard(&mut self, id: ConnectionId, news: GlobalNews<'_>) -> Heard {
        match news {
            GlobalNews::Registered { name, pid, node } => self.claimed(id, name, pid, node),
            GlobalNews::Unregistered { name } => self.taken_back(id, name),
        }
    }

    fn claimed(&mut self, id: ConnectionId, name: &str, pid: Pid, node: &str) -> Heard {
        let Some(peer) = self.peers.get_mut(&id) else { return Heard::PassedOver };
        //= spec/session.md#ses-glb-001
        //# A node MUST ignore a GLOBAL_REGISTER, and an entry of a GLOBAL_SYNC, whose `node` is not the name of the peer
        //# of the session.
        if !is_named(node, &peer.rank.1) {
            return Heard::PassedOver;
        }
        let name: Arc<str> = name.into();
        if !peer.names.contains(&name) {
            //= spec/session.md#ses-glb-009
            //# A node MAY ignore a GLOBAL_REGISTER, and an entry of a GLOBAL_SYNC, by which the peer breaks SES-GLB-007.
            let bytes = counted(&name);
            if name.len() > GLOBAL_NAME_BYTES_MAX || peer.bytes + bytes > GLOBAL_NAMES_BYTES_MAX {
                return Heard::PassedOver;
            }
            //= spec/session.md#ses-glb-017
            //# A node MUST NOT keep global names of its peers that count more than `global_names_of_peers_bytes_max` together.
            if self.peers_bytes + bytes > GLOBAL_NAMES_OF_PEERS_BYTES_MAX {
                return Heard::PassedOver;
            }
            peer.bytes += bytes;
            self.peers_bytes += bytes;
            peer.names.insert(name.clone());
        }
        let rank = peer.rank.clone();
        let node = rank.1.clone();
        let loses = rank < Rank::from(&self.here);
        //= spec/session.md#ses-glb-010
        //# A node that reads a GLOBAL_REGISTER, or an entry of a GLOBAL_SYNC, with a name that it has learned from the same
        //# peer MUST take the name for that of the process in the later one.
        let claims = self.claims.entry(name.clone()).or_insert_with(|| Vec::with_capacity(1));
        match claims.iter_mut().find(|(of, _)| *of == rank) {
            Some((_, earlier)) => *earlier = pid,
            None => claims.insert(claims.partition_point(|(of, _)| *of < rank), (rank, pid)),
        }
        //= spec/session.md#ses-glb-011
        //# A node that owns a global name MUST take it back when it learns the name from a peer whose incarnation and name,
        //# compared in this order, are smaller than its own.
        let lost = if loses { self.own.get(&name).copied() } else { None };
        match lost {
            Some(Own { local, on_conflict }) => {
                self.unregister(&name);
                Heard::Lost(Conflict { name, local, winner: pid, node, on_conflict })
            }
            None => Heard::Known,
        }
    }

    fn taken_back(&mut self, id: ConnectionId, name: &str) -> Heard {
        //= spec/session.md#ses-glb-002
        //# A node MUST ignore a GLOBAL_UNREGISTER with a name that it has not learned from the peer of the session.
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

    /// The process that has a global name, as far as this node knows. Of two claims it is the one that will stay.
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.holder(name).map(|(pid, _)| pid)
    }

    /// The process that has a global name, and its node.
    fn holder(&self, name: &str) -> Option<(Pid, &Arc<str>)> {
        // An own name is kept only as long as no claim is known before which it gives way.
        if let Some(own) = self.own.get(name) {
            return Some((self.pid(own.local), &self.here.name));
        }
        //= spec/session.md#ses-glb-012
        //# A node that has learned one global name from several peers MUST take it for the name of the process of that
        //# peer whose incarnation and name, compared in this order, are the smallest.
        let (rank, pid) = self.claims.get(name)?.first()?;
        Some((*pid, &rank.1))
    }

    /// All global names that this node knows, in order, each with the process that [`Globals::whereis`] gives.
    pub fn names(&self) -> impl Iterator<Item = (Arc<str>, Pid)> {
        let names: BTreeSet<_> = self.own.keys().chain(self.claims.keys()).collect();
        names.into_iter().filter_map(|name| Some((name.clone(), self.whereis(name)?)))
    }

    const fn pid(&self, local: u64) -> Pid {
        Pid::new(NodeNumber::HERE, self.here.creation(), local)
    }
}

/// What a name counts under [`GLOBAL_NAMES_BYTES_MAX`] and [`GLOBAL_NAMES_OF_PEERS_BYTES_MAX`].
const fn counted(name: &str) -> usize {
    name.len() + GLOBAL_NAME_BYTES_COUNTED
}

/// Returns `true` if `text` is the name of the node that is called `node` in full.
fn is_named(text: &str, node: &str) -> bool {
    text == node || NodeName::parse(text).is_ok_and(|name| name.completed() == node)
}
