//! Global names and broadcasts to rooms: what the peer is told about names of this node, and what it tells.
//! Specification: `session.md`, "Peer lists, global names, rooms".
//!
//! A name that the peer is to be told waits as a change and not as a frame: of several changes of one name, only the
//! last is told. So the queue is bounded by the number of names, whatever a program does while the peer reads
//! nothing. Changes are written before signals and messages: a process that gets a message from the process with a
//! name finds that process by the name.
//!
//! Names that were taken back are told before names that are registered. So the peer never knows more names of this
//! node than the node has owned at once, and a peer that keeps as many names of one node as a node may own ignores
//! none of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use snow_dist_codec::frame::{GlobalRegister, GlobalSync, GlobalUnregister, RoomBroadcast};
use snow_dist_codec::{EntriesBuf, Entry, Frame, Pid as WirePid};

use super::write::put;
use super::{Forbidden, Session};
use crate::core::limits::{FRAME_BYTES_BOUND_MIN, GLOBAL_NAME_BYTES_COUNTED, GLOBAL_NAMES_BYTES_MAX};
use crate::core::{GlobalNews, Processes};

/// The global names of this node that the peer is to be told, and that it was told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Told {
    /// This node's name. `None` as long as the peer is told nothing.
    node: Option<Arc<str>>,
    /// The names that the peer has been told and that have been taken back since.
    taken_back: BTreeSet<Arc<str>>,
    /// The names that this node owned when the session came up, with their processes. They have not been told yet.
    at_first: BTreeMap<Arc<str>, u64>,
    /// The names that have been registered since and have not been told yet.
    registered: BTreeMap<Arc<str>, Claim>,
}

/// A name whose process has not been told to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Claim {
    local: u64,
    /// Set if the peer has been told that this node owns the name, with another process.
    was_told: bool,
}

/// The bytes of the longest GLOBAL_SYNC.
const SYNC_BYTES_MAX: usize = FRAME_BYTES_BOUND_MIN as usize;

/// The bytes of a GLOBAL_SYNC without entries: its tag, and their number.
const SYNC_BYTES: usize = 5;

/// The bytes of an entry besides its two texts: their lengths, and the pid.
const ENTRY_BYTES: usize = 12;

/// The largest number of entries of one GLOBAL_SYNC that are used: more cannot be kept of one peer.
const ENTRIES_MAX: usize = GLOBAL_NAMES_BYTES_MAX / GLOBAL_NAME_BYTES_COUNTED;

impl Session {
    /// Begins to tell the peer the global names of this node. The peer is told the names in `own`, each with the number
    /// of its process, and later the changes that [`Session::register_global`] and [`Session::unregister_global`]
    /// report.
    ///
    /// Call this once, when the session has come up. `node` is the name of this node, with its port. A peer of version
    /// 1 is told nothing: it would mistake pids of third nodes for its own, and it does not handle conflicts.
    pub fn tell_globals<'n>(&mut self, node: &Arc<str>, own: impl IntoIterator<Item = (&'n Arc<str>, u64)>) {
        //= spec/version1.md#v1-glb-001
        //# A node MUST NOT write GLOBAL_REGISTER, GLOBAL_UNREGISTER or GLOBAL_SYNC to a version 1 peer.
        if self.wire.version_1().is_some() {
            return;
        }
        self.globals.node = Some(node.clone());
        self.globals.at_first = own.into_iter().map(|(name, local)| (name.clone(), local)).collect();
    }

    /// Tells the peer that the local process `local` has been registered under a global name. Before
    /// [`Session::tell_globals`] has been called, this does nothing.
    pub fn register_global(&mut self, name: &Arc<str>, local: u64) {
        self.globals.register(name, local);
    }

    /// Tells the peer that this node no longer owns a global name, if the peer was told of the name. Before
    /// [`Session::tell_globals`] has been called, this does nothing.
    pub fn unregister_global(&mut self, name: &Arc<str>) {
        self.globals.take_back(name);
    }

    pub(super) fn has_due_global(&self) -> bool {
        let Told { taken_back, at_first, registered, .. } = &self.globals;
        !(taken_back.is_empty() && at_first.is_empty() && registered.is_empty())
    }

    /// Writes the next frame about global names. Returns `false` if there is nothing to tell.
    pub(super) fn write_global(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(node) = self.globals.node.clone() else { return false };
        //= spec/session.md#ses-glb-014
        //# When it takes a global name back, a node MUST write one GLOBAL_UNREGISTER in each session that was
        //# told of it, unless the name is registered anew before that.
        if let Some(name) = self.globals.taken_back.pop_first() {
            put(GlobalUnregister { name: (&*name).into() }, out);
            return true;
        }
        if !self.globals.at_first.is_empty() {
            self.write_sync(&node, out);
            return true;
        }
        //= spec/session.md#ses-glb-013
        //# When it registers a global name, a node MUST write one GLOBAL_REGISTER in each session, unless the
        //# name is taken back before that.
        let Some((name, Claim { local, .. })) = self.globals.registered.pop_first() else { return false };
        let (name, node) = ((&*name).into(), (&*node).into());
        put(GlobalRegister { name, pid: self.wire.ours(local), node }, out);
        true
    }

    //= spec/session.md#ses-glb-015
    //# When a session begins, a node MUST write the global names that it owns, if any, into one or more
    //# GLOBAL_SYNCs.
    //= spec/session.md#ses-lst-007
    //# A node MUST NOT write a PEER_LIST or GLOBAL_SYNC with a payload of more than 65 536 bytes.
    fn write_sync(&mut self, node: &str, out: &mut Vec<u8>) {
        let (mut entries, mut bytes) = (EntriesBuf::default(), SYNC_BYTES);
        while let Some((name, local)) = self.globals.at_first.pop_first() {
            bytes += ENTRY_BYTES + name.len() + node.len();
            if bytes > SYNC_BYTES_MAX {
                self.globals.at_first.insert(name, local);
                break;
            }
            //= spec/session.md#ses-glb-003
            //# A node MUST NOT write a claim to a name that it does not own itself.
            let entry = Entry { name: (&*name).into(), pid: self.wire.ours(local), node: node.into() };
            let pushed = entries.push(&entry);
            debug_assert_eq!(pushed, Ok(()), "names are bounded");
        }
        put(GlobalSync { entries: entries.as_entries() }, out);
    }

    /// Handles a GLOBAL_REGISTER, GLOBAL_UNREGISTER or GLOBAL_SYNC.
    pub(super) fn on_global(&mut self, frame: &Frame<'_>, processes: &mut impl Processes) {
        //= spec/version1.md#v1-glb-002
        //# A node MUST ignore GLOBAL_REGISTER, GLOBAL_UNREGISTER and GLOBAL_SYNC of a version 1 peer.
        if self.wire.version_1().is_some() {
            self.counts.left_alone += 1;
            return;
        }
        //= spec/session.md#ses-glb-019
        //# A node MUST ignore each GLOBAL_* of a peer from which it takes no global names.
        if !self.rights.global_names {
            self.forbid(Forbidden::GlobalName, claims(frame));
            return;
        }
        let is_taken = match frame {
            Frame::GlobalRegister(it) => self.on_claim(it.name.as_str(), it.pid, it.node.as_str(), processes),
            Frame::GlobalSync(sync) => {
                // Every entry is handled: one that is ignored says nothing about the next.
                let taken = sync
                    .entries
                    .iter()
                    .take(ENTRIES_MAX)
                    .map(|it| self.on_claim(it.name.as_str(), it.pid, it.node.as_str(), processes));
                taken.filter(|is_taken| !is_taken).count() == 0
            }
            Frame::GlobalUnregister(it) => {
                processes.global(GlobalNews::Unregistered { name: it.name.as_str() })
            }
            _ => true,
        };
        //= spec/session.md#ses-lst-001
        //# A node MAY ignore every PEER_LIST, GLOBAL_* and ROOM_BROADCAST, and write none.
        self.counts.left_alone += u64::from(!is_taken);
    }

    /// Handles a claim of the peer. Returns `false` if the process table has no global names.
    fn on_claim(&mut self, name: &str, pid: WirePid, node: &str, processes: &mut impl Processes) -> bool {
        //= spec/session.md#ses-glb-006
        //# A node MUST ignore a claim whose `pid` is not that of a process of the peer.
        match self.theirs(pid) {
            Some(remote) => {
                let pid = self.wire.theirs_here(remote);
                processes.global(GlobalNews::Registered { name, pid, node })
            }
            None => true,
        }
    }

    pub(super) fn on_broadcast(&mut self, broadcast: &RoomBroadcast<'_>, processes: &mut impl Processes) {
        //= spec/session.md#ses-glb-005
        //# A node MUST NOT write a ROOM_BROADCAST because it has read one.
        let is_taken = processes.broadcast(broadcast.room.as_str(), broadcast.text.as_str());
        self.counts.left_alone += u64::from(!is_taken);
    }
}

/// Returns the number of global names that a frame claims.
fn claims(frame: &Frame<'_>) -> u64 {
    match frame {
        Frame::GlobalRegister(_) => 1,
        Frame::GlobalSync(sync) => sync.entries.count().into(),
        _ => 0,
    }
}

impl Told {
    fn register(&mut self, name: &Arc<str>, local: u64) {
        if self.node.is_none() {
            return;
        }
        let was_told = self.taken_back.remove(name);
        self.registered.insert(name.clone(), Claim { local, was_told });
    }

    fn take_back(&mut self, name: &Arc<str>) {
        if self.node.is_none() || self.at_first.remove(name).is_some() {
            return;
        }
        // The peer knows the name only if its registration does not wait any more, or waits for another process.
        if self.registered.remove(name).is_none_or(|claim| claim.was_told) {
            self.taken_back.insert(name.clone());
        }
    }
}
