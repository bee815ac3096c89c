//! Whose names in peer lists a node dials.

use std::collections::BTreeSet;
use std::sync::Arc;

use snow_dist_codec::NodeNameError;

use super::local::completed;

/// Which names a node dials, and keeps connected, because a peer's PEER_LIST has them. Specification: `session.md`, "Peer
/// lists".
///
/// A list makes a node connect to whatever host and port it names. What is behind it has to prove that it knows the cookie
/// before anything else happens.
///
/// ```
/// use snow_dist_runtime::core::handshake::PeerLists;
///
/// let rack = PeerLists::only(["a@10.0.0.1", "b@10.0.0.2:4000"]).unwrap();
/// assert!(rack.allows("a@10.0.0.1:9000", false));
/// // Leave to dial every name does not extend to lists of version 1 nodes.
/// assert!(PeerLists::All.allows("c@10.0.0.3:9000", false));
/// assert!(!PeerLists::All.allows("c@10.0.0.3:9000", true));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerLists {
    /// None: lists are left alone.
    #[default]
    Ignored,
    /// These, named with their ports.
    Only(BTreeSet<Arc<str>>),
    /// All that peers of version 2 name.
    All,
}

impl PeerLists {
    /// Only the nodes of these names; a missing port is 9000.
    ///
    /// # Errors
    /// One of them is no node's.
    pub fn only(names: impl IntoIterator<Item: AsRef<str>>) -> Result<Self, NodeNameError> {
        completed(names).map(Self::Only)
    }

    /// Whether a name, given with its port, is dialled because a list of a peer has it; that peer is of version 1, or not.
    //= spec/session.md#ses-lst-002
    //# A node MUST NOT dial a name because of a PEER_LIST unless its operator has allowed that name, or every name.
    //= spec/version1.md#v1-lst-001
    //# A node MUST NOT dial a name from a PEER_LIST of a version 1 peer unless its operator has allowed that name.
    #[must_use]
    pub fn allows(&self, name: &str, of_version_1: bool) -> bool {
        match self {
            Self::Ignored => false,
            Self::Only(names) => names.contains(name),
            Self::All => !of_version_1,
        }
    }

    /// Whether any name of a list of such a peer can be dialled.
    pub(in crate::core) const fn hears(&self, of_version_1: bool) -> bool {
        match self {
            Self::Ignored => false,
            Self::Only(_) => true,
            Self::All => !of_version_1,
        }
    }
}
