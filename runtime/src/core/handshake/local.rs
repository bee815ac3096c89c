//! The settings of a node that its handshakes use: its identity, its bounds, and the peers that it allows.

use std::num::NonZeroU64;
use std::sync::Arc;

use snow_dist_codec::handshake::{Capabilities, ExtensionBuf, Tlv};
use snow_dist_codec::limits::FRAME_BYTES_MAX;
use snow_dist_codec::{EncodeError, Extension, NodeName};

use super::{Cookies, VERSIONS};
use crate::core::limits::{
    FRAGMENTED_MESSAGES_MAX, LINKS_AND_MONITORS_MAX, NODE_TABLE_ENTRIES_MAX, REASSEMBLY_BYTES_MAX,
};
use crate::core::{Allowed, Start};

/// The settings of a node that its handshakes use. All handshakes of the node use the same settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Local {
    start: Start,
    cookies: Cookies,
    /// The bounds of what this node holds for a peer.
    pub bounds: Bounds,
    /// The capabilities that this node announces: any of [`CAPABILITIES`](crate::core::session::CAPABILITIES).
    pub capabilities: Capabilities,
    /// The peers whose processes may send exit signals to processes of this node. The exit signals of links are not
    /// affected. The capability `remote_exit` is not announced to any other peer. So in a session with such a peer,
    /// neither node can send such signals.
    pub remote_exit: Allowed,
    /// The peers that may start processes here, with functions that the program offers to them.
    pub remote_spawn: Allowed,
    /// The peers whose global names this node accepts. Names of other peers are ignored.
    pub global_names: Allowed,
    /// The peers with which a handshake of version 1 is allowed. If any other peer speaks version 1, the handshake
    /// fails before this node has computed a digest.
    ///
    /// **Security.** Version 1 does not protect against an attacker between the two nodes. When a node dials a peer
    /// with which it allows version 1, it computes the digest of any challenge that it receives, whoever answers. An
    /// attacker who answers can relay the challenge of a version 1 node, and enter that node with the digest. Proofs
    /// between two nodes of version 2 are not affected. When this node dials, the dialled name decides whether version
    /// 1 is allowed. When a peer dials, the name that the peer claims decides: this protects against mistakes, and not
    /// against an attacker.
    pub version_1: Allowed,
    /// The names from peer lists that this node dials and keeps connected. A name in a list of a version 1 node is
    /// dialled only if [`Allowed::Only`] contains it: [`Allowed::Everyone`] and [`Allowed::Except`] do not allow it.
    ///
    /// **Security.** A list can make this node connect to any host and port that an allowed name contains. The node
    /// that answers the dial has to prove that it knows the cookie before anything else happens.
    pub peer_lists: Allowed,
    /// Set if this node, when a session begins, tells the peer the names of the other nodes with which it has
    /// sessions. Nodes of version 1 are neither told nor named.
    pub tells_peers: bool,
}

impl Local {
    /// Creates the settings of a node with this name. If the name has no port, it is completed with port 9000.
    /// `incarnation` must be a random number that is drawn anew at each start of the node.
    ///
    /// The bounds are the defaults of the specification, and there are no capabilities. The rules allow everything
    /// except version 1 and peer lists.
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
            remote_exit: Allowed::Everyone,
            remote_spawn: Allowed::Everyone,
            global_names: Allowed::Everyone,
            //= spec/handshake.md#hs-von-001
            //= type=implication
            //= reason=nobody is the default, and nothing but what the operator or program says changes it
            //# A node MUST NOT take part in a handshake of version 1 unless its operator has allowed that.
            version_1: Allowed::Nobody,
            peer_lists: Allowed::Nobody,
            tells_peers: false,
        }
    }

    /// Returns the node's name, with its port.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.start.name
    }

    /// Returns the node's incarnation: the random number that identifies this run of the node.
    #[must_use]
    pub const fn incarnation(&self) -> NonZeroU64 {
        self.start.incarnation
    }

    /// Returns the node's name and incarnation together.
    #[must_use]
    pub const fn start(&self) -> &Start {
        &self.start
    }

    /// Returns the creation in the node's pids, a number from 1 to 255 that is derived from the incarnation.
    #[must_use]
    pub const fn creation(&self) -> u8 {
        self.start.creation()
    }

    /// Returns the node's cookies.
    #[must_use]
    pub const fn cookies(&self) -> &Cookies {
        &self.cookies
    }

    /// Replaces the cookies. Each handshake that begins with these settings from now on uses the new cookies.
    pub fn set_cookies(&mut self, cookies: impl Into<Cookies>) {
        self.cookies = cookies.into();
    }

    /// Returns the capabilities that are announced to the peer of this name.
    pub(super) fn capabilities_with(&self, peer: &str) -> Capabilities {
        //= spec/capabilities.md#cap-rxt-009
        //# A node whose operator does not let a peer send exit signals MUST NOT announce `remote_exit` to a
        //# node of that name.
        let allowed = self.remote_exit.allows(peer);
        let withheld = if allowed { Capabilities::NONE } else { Capabilities::REMOTE_EXIT };
        self.capabilities.intersection(Capabilities::from_bits(!withheld.to_bits()))
    }

    /// Returns the extension block of NAME or CHALLENGE for the peer of this name.
    pub(super) fn block(&self, peer: &str) -> ExtensionBuf {
        let mut block = ExtensionBuf::default();
        let written = self.write(peer, &mut block);
        debug_assert_eq!(written, Ok(()), "the types ascend, and all values are allowed");
        block
    }

    //= spec/handshake.md#hs-ext-008
    //= type=implication
    //= reason=no other extension is pushed anywhere in this crate
    //# A node MUST NOT write a TLV of an unknown type.
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

/// The bounds of what a node holds for a peer in one session. Specification: `handshake.md`, "Extension types".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// The length in bytes of the longest payload of a frame that the node accepts. The length prefix of the frame does
    /// not count. A node that accepts less than [`FRAME_BYTES_BOUND_MIN`](crate::core::limits::FRAME_BYTES_BOUND_MIN)
    /// is refused by its peers.
    pub frame_bytes: u32,
    /// The largest total length in bytes of the fragmented messages of the peer that are incomplete at the same time.
    /// Each message counts with the length that it has when it is complete.
    pub reassembly_bytes: u64,
    /// The largest number of fragmented messages of the peer that are incomplete at the same time.
    pub fragmented_messages: u32,
    /// The largest number of entries of the peer's node table that the node keeps.
    pub node_table_entries: u32,
    /// The largest number of links and monitors that the peer may have requested at the same time.
    pub links_and_monitors: u32,
}

/// Returns the bounds of a node that does not announce any: the defaults of the specification.
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
