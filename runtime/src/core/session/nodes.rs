//! The node tables of a session, one in each direction: they say which start of a third node a node id stands for in
//! an unowned pid. Specification: `capabilities.md`, "Node table".
//!
//! An entry never changes: an index stands for the same start as long as the session lasts.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU64;

use snow_dist_codec::frame::NodeTable;
use snow_dist_codec::{NodeName, Pid as WirePid};

use super::Ending;
use crate::core::{NodeNumber, Start};

/// The entries that this node has made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Written {
    max: u32,
    indexes: BTreeMap<NodeNumber, u16>,
    /// The entries that are not written yet.
    due: VecDeque<(u16, Start)>,
}

/// The entries that the peer has made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Read {
    max: u32,
    /// The node of each entry, and the creation in pids of this start.
    entries: BTreeMap<u16, (NodeNumber, u8)>,
}

/// The outcome of an entry of the peer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// The entry names this start, whose number is looked up.
    Of(Start),
    /// The entry names no node, or exceeds the limit.
    Unusable,
}

impl Written {
    /// Creates an empty table with at most `max` entries: 0 in a session without the capability.
    pub(super) const fn new(max: u32) -> Self {
        Self { max, indexes: BTreeMap::new(), due: VecDeque::new() }
    }

    /// Returns the index of a node, or `None` if it has no entry.
    pub(super) fn index(&self, node: NodeNumber) -> Option<u16> {
        self.indexes.get(&node).copied()
    }

    /// Adds an entry for a node, if it has none and there is room.
    pub(super) fn add(&mut self, node: NodeNumber, start: impl FnOnce() -> Option<Start>) {
        //= spec/capabilities.md#cap-ntb-005
        //# A node MUST NOT write more entries in a session than the peer's node_table_entries_max.
        if self.indexes.len() >= self.max as usize || self.indexes.contains_key(&node) {
            return;
        }
        //= spec/dist.md#dist-ntb-001
        //# A node MUST NOT write the values 0, 65534 and 65535 into `index`.
        //= spec/capabilities.md#cap-ntb-003
        //# A node MUST NOT write two NODE_TABLEs with the same `index` in one session.
        let index = u16::try_from(self.indexes.len() + 1).ok().filter(|index| names_a_node(*index));
        if let (Some(index), Some(start)) = (index, start()) {
            self.indexes.insert(node, index);
            self.due.push_back((index, start));
        }
    }

    /// Takes the next entry to be written.
    pub(super) fn take_due(&mut self) -> Option<(u16, Start)> {
        self.due.pop_front()
    }

    pub(super) fn is_due(&self) -> bool {
        !self.due.is_empty()
    }
}

impl Read {
    /// Creates an empty table with at most `max` entries.
    pub(super) const fn new(max: u32) -> Self {
        Self { max, entries: BTreeMap::new() }
    }

    /// Handles a NODE_TABLE. `number` returns the number of a start.
    pub(super) fn add(
        &mut self,
        entry: &NodeTable<'_>,
        number: impl FnOnce(Start) -> NodeNumber,
    ) -> Result<Entry, Ending> {
        let index = entry.index;
        //= spec/capabilities.md#cap-ntb-007
        //# A node MUST end the session on a NODE_TABLE whose `index` is 0, 65534 or 65535, or has an entry
        //# already.
        if !names_a_node(index) {
            return Err(Ending::Protocol(format!("NODE_TABLE has index {index}, which names no third node")));
        }
        if self.entries.contains_key(&index) {
            return Err(Ending::Protocol(format!("NODE_TABLE uses index {index} twice")));
        }
        //= spec/capabilities.md#cap-ntb-008
        //# A node MUST ignore a NODE_TABLE while it holds node_table_entries_max entries of the peer.
        if self.entries.len() >= self.max as usize {
            return Ok(Entry::Unusable);
        }
        //= spec/capabilities.md#cap-ntb-009
        //# A node MUST take the index of a NODE_TABLE whose `name` is no node name or whose `incarnation` is
        //# 0 for one of an unknown node.
        let start = start_of(entry);
        let known = start.clone().map(|start| (number(start.clone()), start.creation()));
        self.entries.insert(index, known.unwrap_or((NodeNumber::UNKNOWN, 0)));
        Ok(start.map_or(Entry::Unusable, Entry::Of))
    }

    /// Returns the node of an unowned pid with this node id, or `None` if no entry names it.
    pub(super) fn node(&self, pid: WirePid) -> Option<NodeNumber> {
        //= spec/capabilities.md#cap-ntb-010
        //# A node MUST take an unowned pid whose node id is an index of the peer for one of an unknown node,
        //# unless its creation is 1 + (incarnation mod 255) of the entry.
        self.entries
            .get(&pid.node())
            .filter(|(_, creation)| *creation == pid.creation())
            .map(|(node, _)| *node)
    }
}

const fn names_a_node(index: u16) -> bool {
    !matches!(index, 0 | WirePid::NODE_READER | WirePid::NODE_UNKNOWN)
}

fn start_of(entry: &NodeTable<'_>) -> Option<Start> {
    let name = NodeName::parse(entry.name.as_str()).ok()?;
    Some(Start { name: name.completed().into(), incarnation: NonZeroU64::new(entry.incarnation)? })
}
