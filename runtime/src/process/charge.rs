//! What something from another node counts for as long as a mailbox keeps it.

use crate::core::limits::MESSAGE_BYTES_COUNTED;

/// Bytes of memory that an entry of a mailbox counts, which is all that it keeps alive, and whose share they are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Charge {
    share: u32,
    bytes: u32,
}

impl Charge {
    /// That of what a process of this node has sent, or the node itself.
    pub(crate) const NONE: Self = Self { share: 0, bytes: 0 };

    /// That of a message or a signal of this share's peer, which keeps so many bytes alive beside its place in the queue:
    /// every kind of either is counted here.
    pub(crate) fn of(share: u32, kept_bytes: usize) -> Self {
        let bytes = kept_bytes.saturating_add(MESSAGE_BYTES_COUNTED);
        Self { share, bytes: u32::try_from(bytes).unwrap_or(u32::MAX) }
    }

    /// That of so many bytes which are in no mailbox yet.
    pub(crate) fn bare(share: u32, bytes: usize) -> Self {
        Self { share, bytes: u32::try_from(bytes).unwrap_or(u32::MAX) }
    }

    /// The share's number.
    pub(crate) const fn share(self) -> u32 {
        self.share
    }

    pub(crate) const fn bytes(self) -> usize {
        self.bytes as usize
    }

    pub(crate) const fn signed(self) -> i64 {
        self.bytes as i64
    }

    /// Both together, if they are of one share.
    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        if self.bytes == 0 {
            return Some(other);
        }
        let bytes = self.bytes.checked_add(other.bytes)?;
        (other.bytes == 0 || self.share == other.share).then_some(Self { bytes, ..self })
    }

    /// At most so many of its bytes.
    pub(crate) fn at_most(self, bytes: usize) -> Self {
        Self { bytes: self.bytes.min(u32::try_from(bytes).unwrap_or(u32::MAX)), ..self }
    }
}
