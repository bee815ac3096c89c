//! What a session is made of: what the handshake has shown of the two nodes.

use std::num::NonZeroU16;

use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::limits::FRAME_BYTES_MAX;

use super::Timing;
use crate::core::NodeNumber;
use crate::core::handshake::Bounds;
use crate::core::limits::{FRAGMENT_BYTES_MAX, FRAGMENTED_FRAME_BYTES_MAX};

/// The capabilities that a [`Session`](super::Session) implements, all in full: what a node may announce.
pub const CAPABILITIES: Capabilities = Capabilities::NODE_TABLE
    .union(Capabilities::FRAGMENTS)
    .union(Capabilities::REMOTE_EXIT)
    .union(Capabilities::SEND_TERM)
    .union(Capabilities::CALLS)
    .union(Capabilities::NAMES)
    .union(Capabilities::TERMS_2);

/// What a session is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The version that the two nodes speak.
    pub version: Version,
    /// The peer's number here.
    pub peer: NodeNumber,
    /// The creation that the peer announced.
    pub peer_creation: u8,
    /// The creation that this node announced.
    pub creation: u8,
    /// What both nodes can do beyond the musts of version 2. Of these the session has those in [`CAPABILITIES`].
    pub capabilities: Capabilities,
    /// What this node holds for the peer, as it has announced.
    pub bounds: Bounds,
    /// What the peer holds for this node, as it has announced.
    pub peer_bounds: Bounds,
    /// How long the peer may be silent.
    pub timing: Timing,
    /// Random bytes, which PINGs carry, and by which calls of one session are told from those of another.
    pub ping: [u8; 8],
}

impl Config {
    /// What the session can do beyond the musts of its version: nothing in version 1.
    pub(crate) fn session_capabilities(&self) -> Capabilities {
        match self.version {
            Version::One { .. } => Capabilities::NONE,
            Version::Two => self.capabilities.intersection(CAPABILITIES),
        }
    }

    /// Bytes of the longest frame that the peer is sent whole, and of the longest that it is sent at all.
    pub(super) fn longest(&self) -> (u32, u32) {
        let peer = &self.peer_bounds;
        //= spec/dist.md#dist-frm-004
        //# A writer MUST NOT write a payload longer than the frame limit of the reader to which it is sent.
        let whole = peer.frame_bytes.min(FRAME_BYTES_MAX);
        if !self.session_capabilities().contains(Capabilities::FRAGMENTS) {
            return (whole, whole);
        }
        let whole = whole.min(FRAGMENT_BYTES_MAX);
        let held = u32::try_from(peer.reassembly_bytes).unwrap_or(u32::MAX).min(FRAGMENTED_FRAME_BYTES_MAX);
        (whole, if peer.fragmented_messages == 0 { whole } else { held.max(whole) })
    }
}

/// The version of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Version {
    /// Version 1, with a node that has sent no extension block.
    One {
        /// The node id by which the peer knows this node in this session, if somebody has said it. Otherwise it is
        /// learned as soon as the peer writes it; until then links and monitors cannot be asked for.
        node_id: Option<NonZeroU16>,
        /// Random bytes, from which the numbers of monitors are drawn.
        seed: [u8; 32],
    },
    /// Version 2.
    #[default]
    Two,
}
