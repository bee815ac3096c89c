//! The result of a handshake: what it has shown about the other node.

use std::num::NonZeroU64;
use std::sync::Arc;

use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Extension, NodeName, Text};

use super::{Bounds, Certified, Failure, Local, VERSIONS};
use crate::core::limits::FRAME_BYTES_BOUND_MIN;

/// The node at the other end of a connection, as the handshake has shown it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// The node's name, with its port.
    pub name: Arc<str>,
    /// The creation in the node's pids.
    pub creation: u8,
    /// The incarnation, which identifies this run of the node. `None` in version 1, in which nodes do not announce
    /// an incarnation.
    pub incarnation: Option<NonZeroU64>,
    /// The version of the session: the highest one that both nodes speak.
    pub version: u16,
    /// The bounds of what that node holds for this node, as it has announced them.
    pub bounds: Bounds,
    /// The capabilities that both nodes have announced to each other.
    pub capabilities: Capabilities,
}

/// The result of a complete handshake: each end has proven to the other that it knows the cookie.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Established {
    /// The other node.
    pub peer: Peer,
    /// The index of the cookie that the handshake has used, in the order of [`Cookies::iter`](super::Cookies::iter).
    /// The cookie with index 0 is the one that signs.
    ///
    /// While a cookie is being replaced, this shows when the old one is no longer in use. If this node is the
    /// initiator, the index is always 0.
    pub cookie: usize,
}

impl Peer {
    /// Returns the peer that a NAME or CHALLENGE without an extension block describes.
    pub(super) fn of_version_1(name: Text<'_>, creation: u8) -> Self {
        Self {
            name: completed(name),
            creation,
            incarnation: None,
            version: 1,
            bounds: Bounds::default(),
            capabilities: Capabilities::NONE,
        }
    }

    /// Returns the peer that a NAME or CHALLENGE with an extension block describes. The block must be complete, and
    /// list a version that both nodes speak.
    pub(super) fn of_block(
        local: &Local,
        name: Text<'_>,
        creation: u8,
        block: &Extension<'_>,
    ) -> Result<Self, Failure> {
        //= spec/handshake.md#hs-tlv-009
        //# A node MUST end a handshake in which the block of NAME or CHALLENGE has no `0001` or no `0003`.
        let offered = block.versions().ok_or(Failure::Unsaid("the versions it speaks"))?;
        //= spec/handshake.md#hs-ver-001
        //# A node MUST use the highest version that both blocks list.
        let version = offered
            .iter()
            .filter(|version| VERSIONS.contains(version))
            .max()
            //= spec/handshake.md#hs-ver-002
            //# A node MUST end a handshake in which no version stands in both blocks.
            .ok_or_else(|| Failure::Versions(offered.iter().collect()))?;
        let incarnation = block.incarnation().ok_or(Failure::Unsaid("its incarnation"))?;
        //= spec/handshake.md#hs-cre-002
        //# A node MUST end a handshake in which `creation` is 0 beside an extension block.
        if creation == 0 {
            return Err(Failure::Unsaid("a creation of 1 to 255"));
        }
        let name = completed(name);
        Ok(Self {
            creation,
            incarnation: Some(incarnation),
            version,
            bounds: Bounds::from(block),
            //= spec/handshake.md#hs-ver-003
            //# A node MUST NOT use a capability in a session unless it stands in both blocks.
            capabilities: block.capabilities().intersection(local.capabilities_with(&name)),
            name,
        })
    }

    /// Checks that the peer's bounds are large enough for a session. It is the last check in both roles.
    pub(super) fn judge_bounds(&self) -> Result<(), Failure> {
        let frame_bytes = self.bounds.frame_bytes;
        //= spec/handshake.md#hs-bnd-001
        //# A node MUST end a handshake with a peer whose frame_bytes_max is below 65 536.
        if frame_bytes < FRAME_BYTES_BOUND_MIN { Err(Failure::Bounds { frame_bytes }) } else { Ok(()) }
    }

    /// Checks that the peer's name is a node name, and not that of `local`.
    pub(super) fn judge_name(&self, local: &Local) -> Result<(), Failure> {
        //= spec/handshake.md#hs-nam-005
        //# An acceptor MUST refuse a peer whose name is its own name or not a node name, but not before it
        //# has verified REPLY.
        if NodeName::parse(&self.name).is_err() {
            return Err(Failure::NotAName(self.name.clone()));
        }
        if self.name == *local.name() { Err(Failure::OwnName) } else { Ok(()) }
    }

    /// Checks that the peer's certificate is valid for its name. Nothing is checked if certificates are not
    /// required.
    pub(super) fn judge_certificate(&self, certified: Option<&Certified>) -> Result<(), Failure> {
        //= spec/handshake.md#hs-crt-005
        //# A node that requires certificates MUST end a handshake in which the certificate of the other end does not speak for
        //# its name.
        match certified {
            Some(certified) if !certified.contains(&self.name) => {
                Err(Failure::Uncertified { name: self.name.clone(), certified: certified.clone() })
            }
            _ => Ok(()),
        }
    }
}

/// Returns the form of a name in which names are compared: with its port, or unchanged if it is not a node name.
fn completed(name: Text<'_>) -> Arc<str> {
    //= spec/handshake.md#hs-nam-003
    //# A node MUST take a node name without port in NAME or CHALLENGE for that name with `:9000`.
    NodeName::parse(name.as_str()).map_or_else(|_| name.as_str().into(), |name| name.completed().into())
}
