//! Pids and reasons between this node's view and the wire. Specification: `dist.md`, "Pids in version 2".
//!
//! In a field with an owner the writer's processes and the receiver's both have node id 0, and the creation of
//! their node. In a hop of a reason, which has no owner, node id 0 is the writer's node and `FFFE` the reader's.

use snow_dist_codec::{Pid as WirePid, Reason as WireReason};

use super::super::{NodeNumber, Pid, Reason};
use super::{Config, Ending};

/// The two nodes of a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Wire {
    peer: NodeNumber,
    peer_creation: u8,
    creation: u8,
}

/// The writer's node, in every field.
const WRITER: u16 = 0;

/// A receiver's pid, judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ours {
    /// A process of this start of this node, dead or alive.
    Process(u64),
    /// A process of another start, dead for certain.
    Stale,
}

impl Wire {
    pub(super) const fn new(config: &Config) -> Self {
        Self { peer: config.peer, peer_creation: config.peer_creation, creation: config.creation }
    }

    /// This node's creation.
    pub(super) const fn creation(&self) -> u8 {
        self.creation
    }

    /// A process of this node, in a field with an owner.
    pub(super) const fn ours(&self, local: u64) -> WirePid {
        Pid::new(NodeNumber::HERE, self.creation, local).to_wire(WRITER)
    }

    /// A process of the peer, in a field with an owner.
    pub(super) const fn theirs(&self, remote: u64) -> WirePid {
        Pid::new(self.peer, self.peer_creation, remote).to_wire(WRITER)
    }

    /// A process of the peer, as this node sees it.
    pub(super) const fn theirs_here(&self, remote: u64) -> Pid {
        Pid::new(self.peer, self.peer_creation, remote)
    }

    /// Reads a field whose owner is the receiver: this node.
    pub(super) fn read_ours(&self, field: &str, pid: WirePid) -> Result<Ours, Ending> {
        match (pid.node(), pid.creation() == self.creation) {
            (WRITER, true) => Ok(Ours::Process(pid.local())),
            (WRITER, false) => Ok(Ours::Stale),
            (node, _) => {
                Err(Ending::Protocol(format!("`{field}` has node id {node} where only 0 can stand")))
            }
        }
    }

    /// Reads a field whose owner is the sender: the peer. `None` if it cannot be a process of the peer.
    pub(super) fn read_theirs(&self, pid: WirePid) -> Option<u64> {
        (pid.node() == WRITER && pid.creation() == self.peer_creation).then_some(pid.local())
    }

    /// Hands a reason to `write` as it goes on the wire.
    pub(super) fn with_reason<T>(&self, reason: &Reason, write: impl FnOnce(&WireReason<'_>) -> T) -> T {
        reason.with_wire(|hop| self.hop_there(hop), write)
    }

    fn hop_there(&self, hop: Pid) -> WirePid {
        if hop.is_here() {
            hop.to_wire(WRITER)
        } else if (hop.node(), hop.creation()) == (self.peer, self.peer_creation) {
            hop.to_wire(WirePid::NODE_READER)
        } else {
            hop.to_wire(WirePid::NODE_UNKNOWN)
        }
    }

    /// The process of a hop, as this node sees it: of an unknown node if the peer's number names none here.
    pub(super) fn hop_here(&self, hop: WirePid) -> Pid {
        let node = match hop.node() {
            WRITER if hop.creation() == self.peer_creation => self.peer,
            WirePid::NODE_READER if hop.creation() == self.creation => NodeNumber::HERE,
            _ => NodeNumber::UNKNOWN,
        };
        Pid::new(node, hop.creation(), hop.local())
    }
}
