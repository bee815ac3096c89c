//! The charge of something from another node, for as long as a mailbox keeps it.

use crate::core::limits::MESSAGE_BYTES_COUNTED;

/// Bytes of memory that an entry of a mailbox counts, which is all that it keeps alive, and whose share they are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Charge {
    share: u32,
    bytes: u32,
}

impl Charge {
    /// The charge of an item that a process of this node, or the node itself, has sent.
    pub(crate) const NONE: Self = Self { share: 0, bytes: 0 };

    /// Returns the charge of a message or a signal from the peer of this share. `kept_bytes` is the memory that the
    /// item keeps alive in addition to its place in the queue. Messages and signals of all kinds are counted here.
    pub(crate) fn of(share: u32, kept_bytes: usize) -> Self {
        let bytes = kept_bytes.saturating_add(MESSAGE_BYTES_COUNTED);
        Self { share, bytes: u32::try_from(bytes).unwrap_or(u32::MAX) }
    }

    /// Returns the charge of bytes that are in no mailbox yet.
    pub(crate) fn bare(share: u32, bytes: usize) -> Self {
        Self { share, bytes: u32::try_from(bytes).unwrap_or(u32::MAX) }
    }

    /// Returns the number of the share.
    pub(crate) const fn share(self) -> u32 {
        self.share
    }

    pub(crate) const fn bytes(self) -> usize {
        self.bytes as usize
    }

    pub(crate) const fn signed(self) -> i64 {
        self.bytes as i64
    }

    /// Returns the sum of both charges, or `None` if they belong to different shares or the sum is too large.
    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        if self.bytes == 0 {
            return Some(other);
        }
        let bytes = self.bytes.checked_add(other.bytes)?;
        (other.bytes == 0 || self.share == other.share).then_some(Self { bytes, ..self })
    }

    /// Returns the charge, reduced to at most this number of bytes.
    pub(crate) fn at_most(self, bytes: usize) -> Self {
        Self { bytes: self.bytes.min(u32::try_from(bytes).unwrap_or(u32::MAX)), ..self }
    }
}
