//! The conversion of pids and reasons between this node's view and the wire. Specification: `session.md`, "Pids".
//!
//! In a sender or receiver field, the processes of both nodes have node id 0 and the creation of their node. In an
//! unowned pid, in a hop of a reason or in a term, node id 0 is the writer's node, `FFFE` is the reader's, and an
//! index of the writer's node table is a third node.

use snow_dist_codec::{Pid as WirePid, Reason as WireReason};

use snow_dist_codec::frame::NodeTable;
use snow_dist_codec::handshake::Capabilities;

use super::super::limits::NODE_TABLE_ENTRIES_MAX;
use super::super::{NodeNumber, Pid, Reason, Start};
use super::nodes::{Entry, Read, Written};
use super::version_1::{self, Version1};
use super::{Config, Ending, Version};

/// The two nodes of a session, and the third nodes that they have introduced to each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Wire {
    peer: NodeNumber,
    peer_creation: u8,
    /// The peer's creation, as it is written in receiver fields.
    written_creation: u8,
    creation: u8,
    written: Written,
    read: Read,
    version_1: Option<Box<Version1>>,
}

/// The node id of the writer's node, in every field.
const WRITER: u16 = 0;

/// The result of reading a receiver field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ours {
    /// A process of this start of this node, dead or alive.
    Process(u64),
    /// A process of another start, which is certainly dead.
    Stale,
}

impl Wire {
    pub(super) fn new(config: &Config) -> Self {
        let has_tables = config.session_capabilities().contains(Capabilities::NODE_TABLE);
        let entries_max = config.peer_bounds.node_table_entries.min(NODE_TABLE_ENTRIES_MAX);
        let version_1 = match config.version {
            Version::One { node_id, seed } => Some(Box::new(Version1::new(node_id, seed))),
            Version::Two => None,
        };
        //= spec/version1.md#v1-pid-001
        //# A node MUST write a process of its peer into a field whose owner is the receiver as (0, l, 0), but
        //# for V1-PID-003 and V1-PID-004.
        let written_creation = if version_1.is_some() { 0 } else { config.peer_creation };
        Self {
            version_1,
            written_creation,
            peer: config.peer,
            peer_creation: config.peer_creation,
            creation: config.creation,
            //= spec/capabilities.md#cap-ntb-001
            //# A node MUST NOT write NODE_TABLE in a session that does not have `node_table`.
            written: Written::new(if has_tables { entries_max } else { 0 }),
            read: Read::new(config.bounds.node_table_entries),
        }
    }

    /// Makes it possible to write pids of a third node, if the session has room for an entry. `start` returns the
    /// start of the node.
    pub(super) fn introduce(&mut self, node: NodeNumber, start: impl FnOnce() -> Option<Start>) {
        //= spec/capabilities.md#cap-ntb-004
        //# A node MUST NOT write a NODE_TABLE that names its own present start or that of the peer.
        if ![NodeNumber::HERE, NodeNumber::UNKNOWN, self.peer].contains(&node) {
            self.written.add(node, start);
        }
    }

    /// Takes the next entry of this node's table to be written.
    pub(super) fn take_due_entry(&mut self) -> Option<(u16, Start)> {
        self.written.take_due()
    }

    pub(super) fn has_due_entry(&self) -> bool {
        self.written.is_due()
    }

    /// Handles a NODE_TABLE.
    pub(super) fn read_entry(
        &mut self,
        entry: &NodeTable<'_>,
        number: impl FnOnce(Start) -> NodeNumber,
    ) -> Result<Entry, Ending> {
        self.read.add(entry, number)
    }

    /// Returns the state that only version 1 needs, or `None` in version 2.
    #[inline]
    pub(super) fn version_1(&self) -> Option<&Version1> {
        self.version_1.as_deref()
    }

    /// Returns the same as [`Wire::version_1`].
    #[inline]
    pub(super) fn version_1_mut(&mut self) -> Option<&mut Version1> {
        self.version_1.as_deref_mut()
    }

    /// Returns the node id that this node writes for a process of its own.
    #[inline]
    fn node_id(&self) -> u16 {
        //= spec/version1.md#v1-pid-002
        //# A node MUST write an own process into `from` of LINK, UNLINK, EXIT, MONITOR and DEMONITOR as (k,
        //# l, c), but for V1-PID-003.
        self.version_1().map_or(WRITER, Version1::node_id)
    }

    /// Returns this node's creation.
    pub(super) const fn creation(&self) -> u8 {
        self.creation
    }

    /// Returns the pid of a process of this node, for a sender or receiver field.
    #[inline]
    pub(super) fn ours(&self, local: u64) -> WirePid {
        //= spec/session.md#ses-pid-001
        //# In a sender field a node MUST write node id 0, its own creation, and the local id of its process,
        //# unless SES-PID-003 or DIST-ULA-001 has it copied.
        Pid::new(NodeNumber::HERE, self.creation, local).to_wire(self.node_id())
    }

    /// Returns the pid of a process of the peer, for a sender or receiver field.
    pub(super) const fn theirs(&self, remote: u64) -> WirePid {
        //= spec/session.md#ses-pid-002
        //# In a receiver field a node MUST write node id 0, the peer's creation, and the local id of the
        //# peer's process.
        Pid::new(self.peer, self.written_creation, remote).to_wire(WRITER)
    }

    /// Returns a process of the peer, as this node sees it.
    pub(super) const fn theirs_here(&self, remote: u64) -> Pid {
        Pid::new(self.peer, self.peer_creation, remote)
    }

    /// Reads a receiver field, which names a process of this node.
    pub(super) fn read_ours(&self, field: &str, pid: WirePid) -> Result<Ours, Ending> {
        if self.version_1.is_some() {
            return Ok(Version1::read_ours(pid, self.creation));
        }
        match (pid.node(), pid.creation() == self.creation) {
            (WRITER, true) => Ok(Ours::Process(pid.local())),
            //= spec/session.md#ses-pid-005
            //# A node MUST treat a receiver field with node id 0 and another creation than its own as the pid
            //# of a dead process.
            (WRITER, false) => Ok(Ours::Stale),
            //= spec/session.md#ses-pid-004
            //# A node MUST end the session if it reads a node id other than 0 in a receiver field.
            (node, _) => {
                Err(Ending::Protocol(format!("`{field}` has node id {node} where only 0 can stand")))
            }
        }
    }

    /// Reads a sender field. Returns `None` if it cannot be a process of the peer.
    pub(super) fn read_theirs(&self, pid: WirePid) -> Option<u64> {
        if self.version_1.is_some() {
            return version_1::read_theirs(pid);
        }
        //= spec/session.md#ses-pid-006
        //# A node MUST ignore a frame in which a sender field holds a node id other than 0 or another
        //# creation than the peer's.
        (pid.node() == WRITER && pid.creation() == self.peer_creation).then_some(pid.local())
    }

    /// Passes a reason to `write` in its form on the wire.
    pub(super) fn with_reason<T>(&self, reason: &Reason, write: impl FnOnce(&WireReason<'_>) -> T) -> T {
        match self.version_1 {
            Some(_) => version_1::readable(reason).with_wire(|hop| self.any_there(hop), write),
            None => reason.with_wire(|hop| self.any_there(hop), write),
        }
    }

    /// Returns the unowned pid of a process of any node.
    pub(super) fn any_there(&self, hop: Pid) -> WirePid {
        if hop.is_here() {
            //= spec/session.md#ses-pid-010
            //# In an unowned pid a node MUST write node id 0 and its own creation for a process of its
            //# present start.
            //= spec/version1.md#v1-pid-009
            //# A node MUST write a hop as (0, l, 0) for a process of the peer, as (k, l, c) for an own one
            //# while it knows k, and with node id 65535 for every other.
            hop.to_wire(self.node_id())
        } else if (hop.node(), hop.creation()) == (self.peer, self.peer_creation) {
            //= spec/session.md#ses-pid-011
            //# In an unowned pid a node MUST write node id 65534 and the peer's creation for a process of the
            //# peer's present start.
            match self.version_1 {
                Some(_) => self.theirs(hop.local()),
                None => hop.to_wire(WirePid::NODE_READER),
            }
        } else {
            //= spec/session.md#ses-pid-012
            //# In an unowned pid a node MUST write node id 65535 for any other process, unless its node table
            //# in this session has an index for that start.
            //= spec/capabilities.md#cap-ntb-006
            //# A node MUST write the index of an entry that it has made into each pid without an owner of a
            //# process of that start.
            hop.to_wire(self.written.index(hop.node()).unwrap_or(WirePid::NODE_UNKNOWN))
        }
    }

    /// Returns the process of an unowned pid, as this node sees it. It is one of an unknown node if the pid's node id
    /// names none here.
    pub(super) fn any_here(&self, hop: WirePid) -> Pid {
        if let Some(version_1) = self.version_1() {
            return version_1.hop_here(hop, self.creation, (self.peer, self.peer_creation));
        }
        let node = match hop.node() {
            //= spec/session.md#ses-pid-013
            //# A node MUST take an unowned pid with node id 0 and the peer's creation for a process of the
            //# peer.
            WRITER if hop.creation() == self.peer_creation => self.peer,
            //= spec/session.md#ses-pid-014
            //# A node MUST take an unowned pid with node id 65534 and its own creation for a process of its
            //# own.
            WirePid::NODE_READER if hop.creation() == self.creation => NodeNumber::HERE,
            //= spec/session.md#ses-pid-015
            //# A node MUST take every other unowned pid for a process of an unknown node, unless its node id
            //# is an index of the peer's node table.
            WRITER | WirePid::NODE_READER | WirePid::NODE_UNKNOWN => NodeNumber::UNKNOWN,
            _ => self.read.node(hop).unwrap_or(NodeNumber::UNKNOWN),
        };
        Pid::new(node, hop.creation(), hop.local())
    }
}
