//! What a node says of itself, and whom it lets in.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::sync::Arc;

use snow_dist_codec::handshake::{Capabilities, ExtensionBuf, Tlv};
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{EncodeError, Extension, NodeName, NodeNameError};

use super::{Cookies, PeerLists, VERSIONS};
use crate::core::Start;
use crate::core::limits::{
    FRAGMENTED_MESSAGES_MAX, LINKS_AND_MONITORS_MAX, NODE_TABLE_ENTRIES_MAX, REASSEMBLY_BYTES_MAX,
};

/// A node, as its own handshakes need it: the same for all of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Local {
    start: Start,
    cookies: Cookies,
    /// What it holds for a peer.
    pub bounds: Bounds,
    /// What it announces that it can do beyond the musts of version 2: of
    /// [`CAPABILITIES`](crate::core::session::CAPABILITIES) any.
    pub capabilities: Capabilities,
    /// Which peers it lets send exit signals to its processes.
    pub remote_exit: RemoteExit,
    /// Which version 1 nodes are let in.
    pub version_1: Version1,
    /// Which names in peer lists it dials, and keeps connected.
    pub peer_lists: PeerLists,
    /// Whether it tells each peer with which other nodes it has sessions, when a session with that peer begins.
    pub tells_peers: bool,
}

/// Which peers a node lets send exit signals to its processes, by their names: with all others the capability
/// `remote_exit` is not announced, so that neither node can send such signals to the other.
///
/// Names say who a peer claims to be. Whoever has the cookie can claim any name that is not in a session.
///
/// ```
/// use snow_dist_runtime::core::handshake::RemoteExit;
///
/// let supervisors = RemoteExit::only(["boss@10.0.0.1"]).unwrap();
/// assert!(supervisors.allows("boss@10.0.0.1:9000"));
/// assert!(!supervisors.allows("other@10.0.0.2:9000"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RemoteExit {
    /// All peers.
    #[default]
    All,
    /// These, named with their ports.
    Only(BTreeSet<Arc<str>>),
    /// All but these, named with their ports.
    Except(BTreeSet<Arc<str>>),
}

impl RemoteExit {
    /// Only the peers of these names; a missing port is 9000.
    ///
    /// # Errors
    /// One of them is no node's.
    pub fn only(names: impl IntoIterator<Item: AsRef<str>>) -> Result<Self, NodeNameError> {
        completed(names).map(Self::Only)
    }

    /// All peers but those of these names; a missing port is 9000.
    ///
    /// # Errors
    /// One of them is no node's.
    pub fn except(names: impl IntoIterator<Item: AsRef<str>>) -> Result<Self, NodeNameError> {
        completed(names).map(Self::Except)
    }

    /// Whether the peer of this name, given with its port, is let.
    #[must_use]
    pub fn allows(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
            Self::Except(names) => !names.contains(name),
        }
    }
}

pub(super) fn completed(
    names: impl IntoIterator<Item: AsRef<str>>,
) -> Result<BTreeSet<Arc<str>>, NodeNameError> {
    let complete = |name: &str| Ok(NodeName::parse(name)?.completed().into());
    names.into_iter().map(|name| complete(name.as_ref())).collect()
}

/// With which peers a handshake may be one of version 1. A peer that is not let in is refused before this node has
/// computed anything for it.
///
/// Version 1 does not protect against who can stand between the two nodes, and a node that allows it in its dials
/// computes the digest of any challenge of a version 1 node for whoever answers there. What two nodes of version 2 prove
/// to each other stays as it is. A peer that is dialled is allowed
/// by its name; one that dials, by the name that it claims: that is against mistakes, and not against an attacker.
///
/// ```
/// use snow_dist_runtime::core::handshake::Version1;
///
/// let old_ones = Version1::only(["old@10.0.0.1"]).unwrap();
/// assert!(old_ones.allows("old@10.0.0.1:9000"));
/// assert!(!old_ones.allows("new@10.0.0.2:9000"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
//= spec/handshake.md#hs-von-001
//= type=implication
//= reason=refused is the default, and nothing but what the operator or program says changes it
//# A node MUST NOT take part in a handshake of version 1 unless its operator has allowed that.
#[non_exhaustive]
pub enum Version1 {
    /// With none.
    #[default]
    Refused,
    /// With these, named with their ports.
    Only(BTreeSet<Arc<str>>),
    /// With all.
    Allowed,
}

impl Version1 {
    /// Only with the peers of these names; a missing port is 9000.
    ///
    /// # Errors
    /// One of them is no node's.
    //= spec/version1.md#v1-alw-001
    //# A node that can speak version 1 SHOULD let its operator allow it for single peers by name.
    pub fn only(names: impl IntoIterator<Item: AsRef<str>>) -> Result<Self, NodeNameError> {
        completed(names).map(Self::Only)
    }

    /// Whether the peer of this name, given with its port, is let in.
    #[must_use]
    pub fn allows(&self, name: &str) -> bool {
        match self {
            Self::Refused => false,
            Self::Only(names) => names.contains(name),
            Self::Allowed => true,
        }
    }
}

impl Local {
    /// A node of this name, completed with its port, in the start that `incarnation` stands for: a random number,
    /// new at each start. Bounds are the specification's, there are no capabilities, and version 1 is refused.
    #[must_use]
    pub fn new(name: NodeName<'_>, incarnation: NonZeroU64, cookies: Cookies) -> Self {
        Self {
            //= spec/handshake.md#hs-nam-002
            //# A node MUST write its name with its port into NAME and CHALLENGE.
            //= spec/dist.md#dist-nam-001
            //# The name that a node announces for itself MUST be a node name.
            start: Start { name: name.completed().into(), incarnation },
            cookies,
            bounds: Bounds::default(),
            capabilities: Capabilities::NONE,
            remote_exit: RemoteExit::default(),
            version_1: Version1::default(),
            peer_lists: PeerLists::default(),
            tells_peers: false,
        }
    }

    /// Its name, with its port.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.start.name
    }

    /// The number of its present start.
    #[must_use]
    pub const fn incarnation(&self) -> NonZeroU64 {
        self.start.incarnation
    }

    /// Both.
    #[must_use]
    pub const fn start(&self) -> &Start {
        &self.start
    }

    /// The creation that stands in its pids: 1 to 255, by its incarnation.
    #[must_use]
    pub const fn creation(&self) -> u8 {
        self.start.creation()
    }

    /// The cookies it goes by.
    #[must_use]
    pub const fn cookies(&self) -> &Cookies {
        &self.cookies
    }

    /// What it announces to the peer of this name.
    pub(super) fn capabilities_with(&self, peer: &str) -> Capabilities {
        //= spec/capabilities.md#cap-rxt-009
        //# A node whose operator does not let a peer send exit signals MUST NOT announce `remote_exit` in a
        //# handshake with a node of that name.
        let allowed = self.remote_exit.allows(peer);
        let withheld = if allowed { Capabilities::NONE } else { Capabilities::REMOTE_EXIT };
        self.capabilities.intersection(Capabilities::from_bits(!withheld.to_bits()))
    }

    /// The extension block of its NAME or CHALLENGE for the peer of this name.
    pub(super) fn block(&self, peer: &str) -> ExtensionBuf {
        let mut block = ExtensionBuf::default();
        let written = self.write(peer, &mut block);
        debug_assert_eq!(written, Ok(()), "the types ascend, and all values are allowed");
        block
    }

    //= spec/handshake.md#hs-ext-008
    //= type=implication
    //= reason=no other extension is pushed anywhere in this crate
    //# A node MUST NOT write a TLV whose type is not in the table of extension types.
    fn write(&self, peer: &str, block: &mut ExtensionBuf) -> Result<(), EncodeError> {
        //= spec/handshake.md#hs-tlv-005
        //# A node MUST put `0001` and `0003` into each extension block of NAME and CHALLENGE.
        block.push_versions(VERSIONS)?;
        block.push_capabilities(self.capabilities_with(peer))?;
        block.push_incarnation(self.start.incarnation)?;
        block.push_frame_bytes_max(self.bounds.frame_bytes)?;
        block.push_reassembly_bytes_max(self.bounds.reassembly_bytes)?;
        block.push_fragmented_messages_max(self.bounds.fragmented_messages)?;
        block.push_node_table_entries_max(self.bounds.node_table_entries)?;
        block.push_links_and_monitors_max(self.bounds.links_and_monitors)
    }
}

/// What a node holds for a peer in one session, at most. Specification: `handshake.md`, "Extension types".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Bytes of the longest frame it reads. Peers refuse a node that takes less than
    /// [`FRAME_BYTES_BOUND_MIN`](crate::core::limits::FRAME_BYTES_BOUND_MIN).
    pub frame_bytes: u32,
    /// Bytes of fragmented messages at once.
    pub reassembly_bytes: u64,
    /// Fragmented messages at once.
    pub fragmented_messages: u32,
    /// Entries of the peer's node table.
    pub node_table_entries: u32,
    /// Links and monitors that the peer has made.
    pub links_and_monitors: u32,
}

/// The bounds of a node that does not say them.
impl Default for Bounds {
    fn default() -> Self {
        Self {
            frame_bytes: FRAME_BYTES_MAX,
            reassembly_bytes: REASSEMBLY_BYTES_MAX,
            fragmented_messages: FRAGMENTED_MESSAGES_MAX,
            node_table_entries: NODE_TABLE_ENTRIES_MAX,
            links_and_monitors: LINKS_AND_MONITORS_MAX,
        }
    }
}

impl From<&Extension<'_>> for Bounds {
    fn from(block: &Extension<'_>) -> Self {
        let mut bounds = Self::default();
        for tlv in block.iter() {
            match tlv {
                Tlv::FrameBytesMax(bytes) => bounds.frame_bytes = bytes,
                Tlv::ReassemblyBytesMax(bytes) => bounds.reassembly_bytes = bytes,
                Tlv::FragmentedMessagesMax(count) => bounds.fragmented_messages = count,
                Tlv::NodeTableEntriesMax(count) => bounds.node_table_entries = count,
                Tlv::LinksAndMonitorsMax(count) => bounds.links_and_monitors = count,
                _ => {}
            }
        }
        bounds
    }
}
