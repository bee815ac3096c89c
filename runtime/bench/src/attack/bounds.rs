//! The memory that an attack may cost a node: sums of the node's limits.

use snow_dist_runtime::codec::limits::{HANDSHAKE_BYTES_MAX, NODE_NAME_BYTES_MAX};
use snow_dist_runtime::core::limits::{
    FUNCTION_NAME_BYTES_MAX, GLOBAL_NAMES_BYTES_MAX, GROUP_MEMBERSHIPS_MAX, GROUP_NAME_BYTES_MAX,
    HANDSHAKES_MAX, MESSAGE_BYTES_COUNTED, NODE_TABLE_ENTRIES_MAX, NODES_HEARD_OF_MAX, NODES_KEPT_MAX,
    PROCESSES_PER_PEER_MAX, SESSION_QUEUE_BYTES_MAX, SESSION_RESERVE_BYTES_MAX, SIGNALS_BEYOND_PART,
    UNFINISHED_BYTES_UNCOUNTED,
};

/// Bytes that the victim keeps for other nodes: a sixteenth of the default, so that a short attack can use them up.
pub(super) const MAILBOX_REMOTE_BYTES_MAX: usize = 64 << 20;

/// The longest frame that it reads, and what it puts together of fragments: so much smaller that the former is large beside it.
pub(super) const FRAME_BYTES_MAX: u32 = 1 << 20;
pub(super) const REASSEMBLY_BYTES_MAX: u64 = 8 << 20;

/// Links and monitors of a session of that node: a tenth of the default, for the same reason.
pub(super) const LINKS_AND_MONITORS_MAX: u32 = 100_000;

/// Bytes in use beside: those that the allocator keeps for later, and stacks of threads that were not there before.
const BESIDE_BYTES: usize = 10 << 20;

/// A record of TLS, and what the runtime reads at once.
const RECORD_BYTES: usize = 32 << 10;

/// A link or monitor: its entries in the session, and at the process that it ties.
const TIE_BYTES: usize = 384;

/// An entry of a table beside the name in it.
const ENTRY_BYTES: usize = 256;

/// A process that waits.
const PROCESS_BYTES: usize = 2 << 10;

/// A limit of a node that an attack can use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Connections that are not verified.
    Places,
    /// The session: its queues, each of which may have grown to twice its content, and what it is reading.
    Session,
    /// The share of one peer in all mailboxes, and its signals beyond that.
    Share,
    /// Links and monitors.
    Ties,
    /// Processes that were started for the peer.
    Processes,
    /// Global names of the peer.
    GlobalNames,
    /// Its node table, and the nodes that this and those of its earlier sessions have named.
    NodeTable,
    /// Names that its peer lists have told.
    Kept,
    /// Its memberships of groups, twice, and the queue of those who are told of them.
    Groups,
}

impl Part {
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::Places => HANDSHAKES_MAX * (2 * RECORD_BYTES + 2 * HANDSHAKE_BYTES_MAX as usize),
            Self::Session => {
                2 * (SESSION_QUEUE_BYTES_MAX + SESSION_RESERVE_BYTES_MAX)
                    + UNFINISHED_BYTES_UNCOUNTED
                    + 2 * RECORD_BYTES
            }
            Self::Share => MAILBOX_REMOTE_BYTES_MAX / 2 + MAILBOX_REMOTE_BYTES_MAX / SIGNALS_BEYOND_PART,
            Self::Ties => LINKS_AND_MONITORS_MAX as usize * TIE_BYTES,
            Self::Processes => PROCESSES_PER_PEER_MAX * (PROCESS_BYTES + FUNCTION_NAME_BYTES_MAX),
            Self::GlobalNames => GLOBAL_NAMES_BYTES_MAX,
            Self::NodeTable => {
                (NODE_TABLE_ENTRIES_MAX as usize + NODES_HEARD_OF_MAX) * (ENTRY_BYTES + NODE_NAME_BYTES_MAX)
            }
            Self::Kept => NODES_KEPT_MAX * (ENTRY_BYTES + NODE_NAME_BYTES_MAX),
            Self::Groups => {
                2 * GROUP_MEMBERSHIPS_MAX * (GROUP_NAME_BYTES_MAX + ENTRY_BYTES + MESSAGE_BYTES_COUNTED)
            }
        }
    }
}

/// Bytes that an attack may cost which uses up these parts.
pub(super) fn bytes(parts: &[Part]) -> usize {
    BESIDE_BYTES + parts.iter().map(|part| part.bytes()).sum::<usize>()
}
