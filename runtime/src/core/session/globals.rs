//! Global names and rooms: what the peer is told of own names, and what it says. Specification: `session.md`, "Global names".
//!
//! What is to be told waits as a change of a name, not as a frame: of several changes of one name the last is told. So what
//! waits is bounded by the names that there are, whatever a program does while the peer reads nothing. It goes out before
//! signals and messages: whoever is sent something by the process that has a name finds that process by it.
//!
//! What is taken back goes out before what is registered. So the names that the peer has been told of are never more than
//! this node has owned at once, and a peer that keeps no more of one node than that one may own passes none of them over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use snow_dist_codec::frame::{GlobalRegister, GlobalSync, GlobalUnregister, RoomBroadcast};
use snow_dist_codec::{EntriesBuf, Entry, Frame, Pid as WirePid};

use super::Session;
use super::write::put;
use crate::core::limits::{FRAME_BYTES_BOUND_MIN, GLOBAL_NAME_BYTES_COUNTED, GLOBAL_NAMES_BYTES_MAX};
use crate::core::{GlobalNews, Processes};

/// What the peer is to be told of this node's global names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Told {
    /// This node's name, from when on the peer is told anything.
    node: Option<Arc<str>>,
    /// Names that the peer has been told of, and that have been taken back since.
    taken_back: BTreeSet<Arc<str>>,
    /// Names that there were when the session came up, with their processes.
    at_first: BTreeMap<Arc<str>, u64>,
    /// Names that have been registered since.
    registered: BTreeMap<Arc<str>, Claim>,
}

/// A name whose process the peer has not been told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Claim {
    local: u64,
    /// The peer has been told that this node owns the name, for another process.
    was_told: bool,
}

/// Bytes of the longest GLOBAL_SYNC.
const SYNC_BYTES_MAX: usize = FRAME_BYTES_BOUND_MIN as usize;

/// Bytes of a GLOBAL_SYNC without entries: its tag, and their count.
const SYNC_BYTES: usize = 5;

/// Bytes of an entry beside its two texts: their lengths, and the pid.
const ENTRY_BYTES: usize = 12;

/// Entries of one GLOBAL_SYNC that are looked at: more cannot be kept of one peer.
const ENTRIES_MAX: usize = GLOBAL_NAMES_BYTES_MAX / GLOBAL_NAME_BYTES_COUNTED;

impl Session {
    /// Begins to tell the peer of the global names of this node, which is called `node`: of these, and from now on of each
    /// that is registered and unregistered here. To be called once, when the session has come up. A peer of version 1 is
    /// told nothing: it would take the pids of third nodes for its own, and knows nothing of conflicts.
    pub fn tell_globals<'n>(&mut self, node: &Arc<str>, own: impl IntoIterator<Item = (&'n Arc<str>, u64)>) {
        //= spec/version1.md#v1-glb-001
        //# A node MUST NOT write GLOBAL_REGISTER, GLOBAL_UNREGISTER or GLOBAL_SYNC to a version 1 peer.
        if self.wire.version_1().is_some() {
            return;
        }
        self.globals.node = Some(node.clone());
        self.globals.at_first = own.into_iter().map(|(name, local)| (name.clone(), local)).collect();
    }

    /// A local process has been registered under a global name.
    pub fn register_global(&mut self, name: &Arc<str>, local: u64) {
        self.globals.register(name, local);
    }

    /// A global name of this node has been taken back.
    pub fn unregister_global(&mut self, name: &Arc<str>) {
        self.globals.take_back(name);
    }

    pub(super) fn has_due_global(&self) -> bool {
        let Told { taken_back, at_first, registered, .. } = &self.globals;
        !(taken_back.is_empty() && at_first.is_empty() && registered.is_empty())
    }

    /// Writes the frame that is next to be told of global names. Returns `false` if there is nothing.
    pub(super) fn write_global(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(node) = self.globals.node.clone() else { return false };
        //= spec/session.md#ses-glb-014
        //# When a global name of its own is taken back, also because its process has ended, a node MUST write one
        //# GLOBAL_UNREGISTER in each session in which it has told of the name, unless the name has been registered anew
        //# before that is written.
        if let Some(name) = self.globals.taken_back.pop_first() {
            put(GlobalUnregister { name: (&*name).into() }, out);
            return true;
        }
        if !self.globals.at_first.is_empty() {
            self.write_sync(&node, out);
            return true;
        }
        //= spec/session.md#ses-glb-013
        //# When a process of its own is registered under a global name, a node MUST write one GLOBAL_REGISTER in each
        //# session, unless the name has been taken back before that is written.
        let Some((name, Claim { local, .. })) = self.globals.registered.pop_first() else { return false };
        let (name, node) = ((&*name).into(), (&*node).into());
        put(GlobalRegister { name, pid: self.wire.ours(local), node }, out);
        true
    }

    //= spec/session.md#ses-glb-015
    //# When a session begins, a node MUST write the global names that it owns into one or more GLOBAL_SYNCs, unless it owns
    //# none.
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
            //# A node MUST NOT write a global name that another node owns into a GLOBAL_REGISTER or GLOBAL_SYNC.
            let entry = Entry { name: (&*name).into(), pid: self.wire.ours(local), node: node.into() };
            let pushed = entries.push(&entry);
            debug_assert_eq!(pushed, Ok(()), "names are bounded");
        }
        put(GlobalSync { entries: entries.as_entries() }, out);
    }

    /// GLOBAL_REGISTER, GLOBAL_UNREGISTER or GLOBAL_SYNC has come.
    pub(super) fn on_global(&mut self, frame: &Frame<'_>, processes: &mut impl Processes) {
        //= spec/version1.md#v1-glb-002
        //# A node MUST ignore GLOBAL_REGISTER, GLOBAL_UNREGISTER and GLOBAL_SYNC of a version 1 peer.
        if self.wire.version_1().is_some() {
            self.counts.left_alone += 1;
            return;
        }
        let is_taken = match frame {
            Frame::GlobalRegister(it) => self.on_claim(it.name.as_str(), it.pid, it.node.as_str(), processes),
            Frame::GlobalSync(sync) => {
                // Each is looked at: one that is passed over says nothing of the next.
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
        //# A node MAY leave every PEER_LIST, GLOBAL_REGISTER, GLOBAL_UNREGISTER, GLOBAL_SYNC and ROOM_BROADCAST alone.
        self.counts.left_alone += u64::from(!is_taken);
    }

    /// Returns `false` if the table knows no global names.
    fn on_claim(&mut self, name: &str, pid: WirePid, node: &str, processes: &mut impl Processes) -> bool {
        //= spec/session.md#ses-glb-006
        //# A node MUST ignore a GLOBAL_REGISTER, and an entry of a GLOBAL_SYNC, whose `pid` is not that of a process of the
        //# peer.
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
        // Of a name that has been told of nothing else waits.
        if self.registered.remove(name).is_none_or(|claim| claim.was_told) {
            self.taken_back.insert(name.clone());
        }
    }
}
