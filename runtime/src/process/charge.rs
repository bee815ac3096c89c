//! What something from another node counts for as long as a mailbox keeps it.

use crate::core::limits::MESSAGE_BYTES_COUNTED;

/// Bytes of memory that an entry of a mailbox counts: all that it keeps alive, wherever that lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    bytes: usize,
}

impl Charge {
    /// That of what a process of this node has sent, or the node itself.
    pub(crate) const NONE: Self = Self { bytes: 0 };

    /// That of a message or a signal from another node, which keeps so many bytes alive beside its place in the queue:
    /// every kind of either is counted here.
    pub(crate) const fn of(kept_bytes: usize) -> Self {
        Self { bytes: kept_bytes.saturating_add(MESSAGE_BYTES_COUNTED) }
    }

    pub(crate) const fn bytes(self) -> usize {
        self.bytes
    }
}
