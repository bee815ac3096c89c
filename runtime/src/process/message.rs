//! What processes send each other, and what a process receives.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use snow_dist_codec::stf;

use crate::core::{Pid, Reason};

/// A message: bytes, whose meaning is the programs'.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Message {
    bytes: Bytes,
    /// It came from another node, and counts against what a node holds of those.
    remote: bool,
}

impl Message {
    pub(crate) const fn local(bytes: Bytes) -> Self {
        Self { bytes, remote: false }
    }

    pub(crate) const fn remote(bytes: Bytes) -> Self {
        Self { bytes, remote: true }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// The bytes as a term, read into a type of the program's own. Text can be borrowed from the message.
    ///
    /// # Errors
    /// The bytes are no term, or not one of that type.
    pub fn term<'m, T: Deserialize<'m>>(&'m self) -> Result<T, stf::Error> {
        stf::from_slice(&self.bytes)
    }

    /// What it counts against the node's limit for remote messages.
    pub(crate) fn held_bytes(&self) -> usize {
        if self.remote { self.bytes.len() } else { 0 }
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.bytes.fmt(f)
    }
}

/// Bytes that can be sent. What is sent to another node is copied once, into the queue; what stays on this node is
/// not copied if it can be owned.
pub trait Payload {
    /// The bytes.
    fn as_bytes(&self) -> &[u8];
    /// The bytes, owned.
    fn into_bytes(self) -> Bytes;
}

macro_rules! payload {
    ($($Owned:ty),*; $($Borrowed:ty),*) => {
        $(impl Payload for $Owned {
            fn as_bytes(&self) -> &[u8] {
                self.as_ref()
            }
            fn into_bytes(self) -> Bytes {
                self.into()
            }
        })*
        $(impl Payload for $Borrowed {
            fn as_bytes(&self) -> &[u8] {
                self.as_ref()
            }
            fn into_bytes(self) -> Bytes {
                Bytes::copy_from_slice(self.as_ref())
            }
        })*
    };
}

payload!(Vec<u8>, Box<[u8]>, Bytes, String; &[u8], &str);

impl<const N: usize> Payload for &[u8; N] {
    fn as_bytes(&self) -> &[u8] {
        self.as_slice()
    }
    fn into_bytes(self) -> Bytes {
        Bytes::copy_from_slice(self)
    }
}

impl Payload for Message {
    fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
    fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

/// A monitor: its number on this node, and whom it watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MonitorRef {
    pub(crate) reference: u64,
    pub(crate) pid: Pid,
}

impl MonitorRef {
    /// The process that is watched.
    #[must_use]
    pub const fn pid(&self) -> Pid {
        self.pid
    }
}

/// What a process receives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Received {
    /// A message.
    Message(Message),
    /// A linked process has ended: with Normal or Shutdown, or this one traps exits.
    Exit {
        /// The process that ended.
        from: Pid,
        /// Why.
        reason: Reason,
    },
    /// A monitored process has ended, or never was.
    Down {
        /// The monitor, which is over.
        monitor: MonitorRef,
        /// Why the process ended.
        reason: Reason,
    },
    /// A session with a monitored node has come up.
    NodeUp {
        /// The node.
        name: Arc<str>,
    },
    /// The session with a monitored node has ended.
    NodeDown {
        /// The node.
        name: Arc<str>,
    },
}

impl Received {
    pub(crate) fn held_bytes(&self) -> usize {
        if let Self::Message(message) = self { message.held_bytes() } else { 0 }
    }
}
