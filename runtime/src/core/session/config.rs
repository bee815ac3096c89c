//! The configuration of a session, as the handshake has determined it.

use std::num::NonZeroU16;

use snow_dist_codec::handshake::Capabilities;
use snow_dist_codec::limits::FRAME_BYTES_MAX;

use super::Timing;
use crate::core::NodeNumber;
use crate::core::handshake::Bounds;
use crate::core::limits::{FRAGMENT_BYTES_MAX, FRAGMENTED_FRAME_BYTES_MAX};

/// The capabilities that a [`Session`](super::Session) implements. Each is implemented in full, so a node may
/// announce any of them.
pub const CAPABILITIES: Capabilities = Capabilities::NODE_TABLE
    .union(Capabilities::FRAGMENTS)
    .union(Capabilities::REMOTE_EXIT)
    .union(Capabilities::SEND_TERM)
    .union(Capabilities::CALLS)
    .union(Capabilities::NAMES)
    .union(Capabilities::TERMS_2);

/// The configuration of a session, as the handshake has determined it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The version that the two nodes speak.
    pub version: Version,
    /// The number by which this node knows the peer.
    pub peer: NodeNumber,
    /// The creation that the peer announced: see [`Pid::creation`](crate::core::Pid::creation).
    pub peer_creation: u8,
    /// The creation that this node announced.
    pub creation: u8,
    /// The capabilities that both nodes have announced. The session has only those of them that are also in
    /// [`CAPABILITIES`], and none in version 1.
    pub capabilities: Capabilities,
    /// The bounds of what this node holds for the peer, as this node has announced them.
    pub bounds: Bounds,
    /// The bounds of what the peer holds for this node, as the peer has announced them.
    pub peer_bounds: Bounds,
    /// The times for which the peer may be silent.
    pub timing: Timing,
    /// Random bytes, new for each session (see [`Randomness`](crate::core::connection::Randomness)). The payloads of the
    /// session's PINGs count up from these bytes, which also distinguish the calls of this session from those of other
    /// sessions.
    pub ping: [u8; 8],
}

impl Config {
    /// Returns the capabilities of the session: none in version 1.
    pub(crate) fn session_capabilities(&self) -> Capabilities {
        match self.version {
            Version::One { .. } => Capabilities::NONE,
            Version::Two => self.capabilities.intersection(CAPABILITIES),
        }
    }

    /// Returns the bytes of the longest frame that the peer is sent whole, and of the longest that it is sent at all.
    pub(super) fn longest(&self) -> (u32, u32) {
        let peer = &self.peer_bounds;
        //= spec/dist.md#dist-frm-004
        //# A writer MUST NOT write a payload longer than its reader's frame limit.
        let whole = peer.frame_bytes.min(FRAME_BYTES_MAX);
        if !self.session_capabilities().contains(Capabilities::FRAGMENTS) {
            return (whole, whole);
        }
        let whole = whole.min(FRAGMENT_BYTES_MAX);
        let held = u32::try_from(peer.reassembly_bytes).unwrap_or(u32::MAX).min(FRAGMENTED_FRAME_BYTES_MAX);
        (whole, if peer.fragmented_messages == 0 { whole } else { held.max(whole) })
    }
}

/// The version of the protocol that a session has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Version {
    /// Version 1, with a node that has not sent an extension block.
    One {
        /// The node id by which the peer knows this node in this session, or `None` if it is not known yet. In the
        /// second case, the session learns it from the first frame in which the peer writes it. Until then, links and
        /// monitors are refused with [`NotMade::NodeIdUnknown`](super::NotMade::NodeIdUnknown).
        node_id: Option<NonZeroU16>,
        /// Random bytes from a cryptographic source, new for each session. The numbers of this node's monitors are
        /// derived from them.
        seed: [u8; 32],
    },
    /// Version 2.
    #[default]
    Two,
}
