//! The names of processes, and the processes that monitor nodes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::task::Waker;

use super::ProcessTable;
use crate::core::Pid;
use crate::core::groups::SERVER;
use crate::core::limits::PROCESS_NAME_BYTES_MAX;
use crate::process::cell::Cell;
use crate::process::small::NumberMap;
use crate::process::{Received, RegisterError};

/// The name that stands for every node in the monitors of nodes. No node has this name.
pub(crate) const EVERY_NODE: &str = "";

/// Names.
impl ProcessTable {
    pub(crate) fn register(&self, name: &str, pid: Pid) -> Result<(), RegisterError> {
        let (length, length_max) = (name.len(), PROCESS_NAME_BYTES_MAX);
        if length > length_max {
            return Err(RegisterError::TooLong { length, length_max });
        }
        let cell = self.get_pid(pid).ok_or(RegisterError::NoProcess(pid))?;
        let name: Arc<str> = name.into();
        let mut names = self.names.lock();
        match names.entry(Arc::clone(&name)) {
            Entry::Occupied(taken) => Err(RegisterError::Taken(self.pid(*taken.get()))),
            Entry::Vacant(free) => {
                // The end of the process removes the name only if the process knows that it has one.
                if !cell.tie(|ties| ties.names.push(name)) {
                    return Err(RegisterError::NoProcess(pid));
                }
                free.insert(pid.local());
                Ok(())
            }
        }
    }

    /// Removes a name from its process. The name of the server of groups is not removed: without it, the groups of
    /// other nodes would not be heard.
    pub(crate) fn unregister(&self, name: &str) -> Option<Pid> {
        if name == SERVER && self.has_groups() {
            return None;
        }
        self.take_name(name)
    }

    fn has_groups(&self) -> bool {
        self.groups().lock().as_ref().is_some_and(|groups| !groups.is_over())
    }

    pub(crate) fn take_name(&self, name: &str) -> Option<Pid> {
        let mut names = self.names.lock();
        let local = names.remove(name)?;
        if let Some(cell) = self.get(local) {
            cell.untie(|ties| ties.names.retain(|own| &**own != name));
        }
        Some(self.pid(local))
    }

    pub(crate) fn whereis(&self, name: &str) -> Option<Pid> {
        self.names.lock().get(name).map(|local| self.pid(*local))
    }

    /// Returns all names, in alphabetical order.
    pub(crate) fn registered(&self) -> Vec<(Arc<str>, Pid)> {
        let names = self.names.lock();
        let mut registered: Vec<_> =
            names.iter().map(|(name, local)| (Arc::clone(name), self.pid(*local))).collect();
        drop(names);
        registered.sort();
        registered
    }

    pub(crate) fn whereis_cell(&self, name: &str) -> Option<Arc<Cell>> {
        let local = self.names.lock().get(name).copied()?;
        self.get(local)
    }

    /// Removes the names of a process that has ended.
    pub(crate) fn remove_names(&self, local: u64, of: &[Arc<str>]) {
        if of.is_empty() {
            return;
        }
        let mut names = self.names.lock();
        for name in of {
            // The name may have been removed and given to another process since this one died.
            if names.get(name) == Some(&local) {
                names.remove(name);
            }
        }
    }
}

/// Node monitors.
impl ProcessTable {
    /// Notes that a process monitors a node. Returns `false` if the process has ended.
    pub(crate) fn monitor_node(&self, own: &Cell, node: &str) -> bool {
        let node: Arc<str> = node.into();
        let mut monitors = self.node_monitors.lock();
        let here = monitors.get(&node).is_some_and(|watchers| watchers.contains_key(&own.local()));
        if !here && own.tie(|ties| ties.nodes.push(Arc::clone(&node))) {
            monitors.entry(node).or_default().insert(own.local(), ());
        }
        drop(monitors);
        !own.has_ended()
    }

    pub(crate) fn demonitor_node(&self, own: &Cell, node: &str) {
        let mut monitors = self.node_monitors.lock();
        own.untie(|ties| ties.nodes.retain(|watched| &**watched != node));
        remove_node_monitor(&mut monitors, node, own.local());
    }

    /// Removes the monitors of nodes of a process that has ended.
    pub(crate) fn remove_node_monitors(&self, local: u64, nodes: &[Arc<str>]) {
        if !nodes.is_empty() {
            let mut monitors = self.node_monitors.lock();
            nodes.iter().for_each(|node| remove_node_monitor(&mut monitors, node, local));
        }
    }

    /// Tells all processes that monitor the node that a session with it has begun. Returns the wakers to call when no
    /// lock is held.
    pub(crate) fn node_up(&self, node: &str) -> Vec<Waker> {
        self.node_event(node, |name| Received::NodeUp { name })
    }

    /// Tells all processes that monitor the node that the session with it has ended. Returns the wakers to call when
    /// no lock is held.
    pub(crate) fn node_down(&self, node: &str) -> Vec<Waker> {
        self.node_event(node, |name| Received::NodeDown { name })
    }

    /// Returns `true` if any process watches the node.
    #[cfg(all(test, not(shuttle)))]
    pub(crate) fn is_node_monitored(&self, node: &str) -> bool {
        self.node_monitors.lock().contains_key(node)
    }

    /// Delivers an event to all processes that monitor the node. This happens under the lock, so that nothing arrives
    /// after a monitor was removed.
    fn node_event(&self, node: &str, event: impl Fn(Arc<str>) -> Received) -> Vec<Waker> {
        let monitors = self.node_monitors.lock();
        let (of_this, of_every) = (monitors.get_key_value(node), monitors.get(EVERY_NODE));
        if of_this.is_none() && of_every.is_none() {
            return Vec::new();
        }
        let name = of_this.map_or_else(|| node.into(), |(name, _)| Arc::clone(name));
        let of_this = of_this.map(|(_, watchers)| watchers);
        let is_told = |local: &u64| of_this.is_some_and(|watchers| watchers.contains_key(local));
        let of_this = of_this.into_iter().flat_map(|watchers| watchers.keys());
        let others =
            of_every.into_iter().flat_map(|watchers| watchers.keys()).filter(|local| !is_told(local));
        let cells = of_this.chain(others).filter_map(|local| self.get(*local));
        cells.flat_map(|cell| cell.push(event(Arc::clone(&name)))).collect()
    }
}

fn remove_node_monitor(monitors: &mut HashMap<Arc<str>, NumberMap<()>>, node: &str, local: u64) {
    if let Some(watchers) = monitors.get_mut(node) {
        watchers.remove(&local);
        if watchers.is_empty() {
            monitors.remove(node);
        }
    }
}
