//! What a handshake tells of the other node.

use std::num::NonZeroU64;
use std::sync::Arc;

use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::{Extension, NodeName, Text};

use super::{Bounds, Failure, Local, VERSIONS};
use crate::core::limits::FRAME_BYTES_BOUND_MIN;

/// A node at the other end of a connection, as the session with it needs it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Its name, with its port.
    pub name: Arc<str>,
    /// The creation in its pids.
    pub creation: u8,
    /// The number of its present start; a version 1 node does not say it.
    pub incarnation: Option<NonZeroU64>,
    /// The version of the session: the highest that both ends speak.
    pub version: u16,
    /// What it holds for this node.
    pub bounds: Bounds,
    /// What both nodes can do beyond the musts of the version.
    pub capabilities: Capabilities,
}

/// A handshake that is over: each end has shown the other that it knows the cookie.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Established {
    /// The other node.
    pub peer: Peer,
    /// Which of this node's cookies it was, 0 being the one that signs. While a cookie is being replaced this tells
    /// when the old one is no longer in use.
    pub cookie: usize,
}

impl Peer {
    /// What a NAME or CHALLENGE without a block says.
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

    /// What a NAME or CHALLENGE with a block says: all that it must, and a version that both ends speak.
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
        //# A node MUST use the highest version that stands in its own block and in that of the other node.
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

    /// Whether a session with this node can work: the last judgement in both roles.
    pub(super) fn judge_bounds(&self) -> Result<(), Failure> {
        let frame_bytes = self.bounds.frame_bytes;
        //= spec/handshake.md#hs-bnd-001
        //# A node MUST end a handshake with a peer whose frame_bytes_max is below 65 536.
        if frame_bytes < FRAME_BYTES_BOUND_MIN { Err(Failure::Bounds { frame_bytes }) } else { Ok(()) }
    }

    /// Whether its name is the name of a node, and of another one than `local`.
    pub(super) fn judge_name(&self, local: &Local) -> Result<(), Failure> {
        //= spec/handshake.md#hs-nam-005
        //# An acceptor MUST refuse a peer whose name is its own name or no `node-name`, but not before it has
        //# verified REPLY.
        if NodeName::parse(&self.name).is_err() {
            return Err(Failure::NotAName(self.name.clone()));
        }
        if self.name == *local.name() { Err(Failure::OwnName) } else { Ok(()) }
    }
}

/// The form in which names are compared. What is no node name is compared as it is.
fn completed(name: Text<'_>) -> Arc<str> {
    //= spec/handshake.md#hs-nam-003
    //# A node MUST take a name in NAME or CHALLENGE that is a node name without port for that name with
    //# `:9000`.
    NodeName::parse(name.as_str()).map_or_else(|_| name.as_str().into(), |name| name.completed().into())
}
