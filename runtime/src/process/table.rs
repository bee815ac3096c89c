//! All processes of a node: by number, and by registered name.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rustc_hash::FxHashMap;
use snow_dist_codec::Pid as WirePid;

use super::cell::{Cell, Interested, Pushed};
use super::inbound::Inbound;
use super::mailbox::MailboxBound;
use super::{Message, MonitorRef, Received};
use crate::core::{NodeNumber, Pid, Reason};
use crate::sync::{Mutex, RwLock, lock, read, write};

/// Parts of the table, each with a lock of its own.
const SHARDS: usize = 64;

/// The processes of one node.
#[derive(Debug)]
pub(crate) struct Table {
    creation: u8,
    locals: AtomicU64,
    references: AtomicU64,
    shards: Box<[Shard]>,
    names: Mutex<HashMap<Arc<str>, u64>>,
    /// Bytes of messages from other nodes that nobody has received yet.
    pub(super) held_bytes: AtomicUsize,
    counts: Counts,
}

/// Processes by number. Numbers are given in order, so hashing them is cheap.
type Shard = RwLock<FxHashMap<u64, Arc<Cell>>>;

/// What has been dropped.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Messages for full mailboxes.
    pub(super) full: AtomicU64,
    /// Messages for nodes without a session.
    pub(crate) unconnected: AtomicU64,
}

/// No further process can be started: all numbers of 40 bits have been given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this node has no process number left; it must be started anew")]
pub struct Exhausted;

/// A name that cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another process is registered under this name")]
pub struct NameTaken;

impl Table {
    pub(crate) fn new(creation: u8) -> Self {
        Self {
            creation,
            locals: AtomicU64::new(1),
            references: AtomicU64::new(1),
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            names: Mutex::default(),
            held_bytes: AtomicUsize::new(0),
            counts: Counts::default(),
        }
    }

    /// A process of this node.
    pub(crate) const fn pid(&self, local: u64) -> Pid {
        Pid::new(NodeNumber::HERE, self.creation, local)
    }

    /// A number for a monitor, never given twice.
    pub(crate) fn next_reference(&self) -> u64 {
        self.references.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// A new process, which has nothing yet that it runs.
    pub(super) fn add(&self, bound: Option<MailboxBound>) -> Result<Arc<Cell>, Exhausted> {
        let local = self.locals.fetch_add(1, Ordering::Relaxed);
        if local > WirePid::LOCAL_MAX {
            self.locals.store(WirePid::LOCAL_MAX + 1, Ordering::Relaxed);
            return Err(Exhausted);
        }
        let cell = Arc::new(Cell::new(local, bound));
        write(self.shard(local)).insert(local, cell.clone());
        Ok(cell)
    }

    pub(crate) fn get(&self, local: u64) -> Option<Arc<Cell>> {
        read(self.shard(local)).get(&local).cloned()
    }

    /// Every process that has not ended.
    pub(crate) fn all(&self) -> Vec<Arc<Cell>> {
        self.shards.iter().flat_map(|shard| read(shard).values().cloned().collect::<Vec<_>>()).collect()
    }

    fn shard(&self, local: u64) -> &Shard {
        // There is a shard for every remainder.
        let index = usize::try_from(local % SHARDS as u64).unwrap_or(0);
        #[allow(clippy::indexing_slicing)]
        &self.shards[index]
    }

    // Names.

    /// Registers a process under a name, until it ends.
    pub(super) fn register(&self, name: &str, cell: &Cell) -> Result<(), NameTaken> {
        let name: Arc<str> = name.into();
        let mut names = lock(&self.names);
        match names.entry(name.clone()) {
            Entry::Occupied(_) => return Err(NameTaken),
            Entry::Vacant(free) => free.insert(cell.local),
        };
        if cell.tie(|ties| ties.names.push(name.clone())).is_none() {
            names.remove(&name);
        }
        Ok(())
    }

    /// Ends a registration, if it is the process's own.
    pub(super) fn unregister(&self, name: &str, cell: &Cell) -> bool {
        let mut names = lock(&self.names);
        let own = names.get(name) == Some(&cell.local);
        if own {
            names.remove(name);
            cell.tie(|ties| ties.names.retain(|known| **known != *name));
        }
        own
    }

    pub(crate) fn whereis(&self, name: &str) -> Option<Pid> {
        lock(&self.names).get(name).map(|local| self.pid(*local))
    }

    // Links and monitors between processes of this node.

    /// Links two processes. If the other has ended, the one that links gets an exit signal.
    pub(super) fn link(&self, cell: &Cell, other: u64) {
        if other == cell.local || !cell.tie(|ties| ties.links.insert(other)).unwrap_or(false) {
            return;
        }
        // The own side first: the other's end, should it come in between, finds it.
        let tied = self.get(other).and_then(|other| other.tie(|ties| ties.links.insert(cell.local)));
        if tied.is_none() {
            cell.exit_of_link(self.pid(other), &Reason::noproc());
        }
    }

    /// Ends a link: no exit signal comes of it any more.
    pub(super) fn unlink(&self, cell: &Cell, other: u64) {
        cell.tie(|ties| ties.links.remove(&other));
        if let Some(other) = self.get(other) {
            other.tie(|ties| ties.links.remove(&cell.local));
        }
    }

    /// Watches a process. If it has ended, the one that watches is told at once.
    pub(super) fn monitor(&self, cell: &Cell, monitor: MonitorRef) {
        let (reference, watched) = (monitor.reference, monitor.pid.local());
        cell.tie(|ties| ties.watching.insert(reference, watched));
        let tied =
            self.get(watched).and_then(|other| other.tie(|ties| ties.watched.insert(reference, cell.local)));
        if tied.is_none() {
            cell.down_of_monitor(monitor, &Reason::noproc());
        }
    }

    /// Ends a monitor: no DOWN comes of it any more. False if it was over.
    pub(super) fn demonitor(&self, cell: &Cell, monitor: MonitorRef) -> bool {
        let known = cell.tie(|ties| ties.watching.remove(&monitor.reference)).flatten();
        if let Some(other) = known.and_then(|watched| self.get(watched)) {
            other.tie(|ties| ties.watched.remove(&monitor.reference));
        }
        known.is_some()
    }

    /// A process has ended: whatever it was tied to learns of it. Each that ends for it does so in its own task, so a
    /// chain of links is no chain of calls.
    pub(super) fn end(&self, cell: &Cell, reason: &Reason) {
        let Some((ties, left)) = cell.end() else { return };
        write(self.shard(cell.local)).remove(&cell.local);
        self.release(left.iter().map(Received::held_bytes).sum());
        let pid = self.pid(cell.local);
        if !ties.names.is_empty() {
            let mut names = lock(&self.names);
            for name in &ties.names {
                names.remove(name);
            }
        }
        for linked in ties.links.iter().filter_map(|local| self.get(*local)) {
            linked.exit_of_link(pid, reason);
        }
        for (reference, watcher) in &ties.watched {
            if let Some(watcher) = self.get(*watcher) {
                watcher.down_of_monitor(MonitorRef { reference: *reference, pid }, reason);
            }
        }
        for (reference, watched) in &ties.watching {
            if let Some(watched) = self.get(*watched) {
                watched.tie(|ties| ties.watched.remove(reference));
            }
        }
        for interested in ties.interested {
            interested.process_ended(cell.local, reason);
        }
    }

    // Messages and signals from outside.

    /// A message of a process of this node. It waits while a bounded mailbox is full.
    pub(crate) async fn send(&self, local: u64, message: Message) {
        let Some(cell) = self.get(local) else { return };
        let mut message = message;
        loop {
            match cell.push_message(message) {
                Pushed::Taken | Pushed::Dead => return,
                Pushed::Full(back, no_room) => {
                    message = back;
                    let room = no_room.room.notified();
                    // Looked at again, so that room made in between is not missed.
                    match cell.push_message(message) {
                        Pushed::Taken | Pushed::Dead => return,
                        Pushed::Full(back, _) => message = back,
                    }
                    room.await;
                }
            }
        }
    }

    pub(crate) fn node_up(&self, local: u64, name: &Arc<str>) {
        if let Some(cell) = self.get(local) {
            cell.push_signal(Received::NodeUp { name: name.clone() });
        }
    }

    pub(crate) fn node_down(&self, local: u64, name: &Arc<str>) {
        if let Some(cell) = self.get(local) {
            cell.push_signal(Received::NodeDown { name: name.clone() });
        }
    }

    /// The table, as a session is lent it.
    pub(crate) fn inbound(self: &Arc<Self>, session: Arc<dyn Interested>) -> Inbound {
        Inbound::new(self.clone(), session)
    }

    /// Messages from other nodes have been received or thrown away.
    pub(super) fn release(&self, bytes: usize) {
        if bytes > 0 {
            self.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}
