//! Global names, which hold on all nodes.
//!
//! All changes are made, and reported to the sessions, under one lock, so that every session learns of the changes of
//! a name in their order. Lock order: the registry of connections, global names, routes, a session, a process. A
//! session that reads a statement about a global name therefore passes it on only when its own lock is free
//! ([`Delivery`](crate::process::Delivery)).

use std::sync::Arc;
use std::task::Waker;

use super::ProcessTable;
use crate::core::globals::{Conflict, Heard, NAME_CONFLICT, NotRegistered, OnConflict};
use crate::core::peers::ConnectionId;
use crate::core::{GlobalNews, Globals, Pid, Reason, Shown, Start};
use crate::foreign::{self, event};
use crate::process::Received;
use crate::process::cell::Wakes;

impl ProcessTable {
    pub(crate) fn register_global(
        &self,
        name: &str,
        pid: Pid,
        on_conflict: OnConflict,
    ) -> Result<(), NotRegistered> {
        let cell = self.get_pid(pid).ok_or(NotRegistered::NoProcess(pid))?;
        let mut globals = self.globals.lock();
        let name = globals.register(name, pid.local(), on_conflict)?;
        // The end of the process removes the name only if the process knows that it has one.
        if !cell.tie(|ties| ties.has_global_names = true) {
            globals.unregister(&name);
            return Err(NotRegistered::NoProcess(pid));
        }
        let told = self.tell_global(&name, Some(pid.local()));
        drop(globals);
        wake(told);
        Ok(())
    }

    pub(crate) fn unregister_global(&self, name: &str) -> Option<Pid> {
        let mut globals = self.globals.lock();
        let local = globals.unregister(name)?;
        let told = self.tell_global(&name.into(), None);
        drop(globals);
        wake(told);
        Some(self.pid(local))
    }

    pub(crate) fn whereis_global(&self, name: &str) -> Option<Pid> {
        self.globals.lock().whereis(name)
    }

    pub(crate) fn global_names(&self) -> Vec<(Arc<str>, Pid)> {
        self.globals.lock().names().collect()
    }

    /// Removes the global names of a process that has ended.
    pub(crate) fn remove_global_names(&self, local: u64) {
        let mut globals = self.globals.lock();
        let names = globals.process_ended(local);
        let told: Vec<_> = names.iter().flat_map(|name| self.tell_global(name, None)).collect();
        drop(globals);
        wake(told);
    }

    /// Begins a session with an incarnation of a node, on this connection. `begin` makes it the session and receives
    /// this node's names, of which it tells the peer. No name is registered or removed meanwhile.
    pub(crate) fn global_names_up<T>(
        &self,
        id: ConnectionId,
        start: Option<&Start>,
        begin: impl FnOnce(&Globals) -> T,
    ) -> T {
        let mut globals = self.globals.lock();
        if let Some(start) = start {
            globals.up(id, start);
        }
        begin(&globals)
    }

    /// Forgets the names of the session on this connection, which has ended.
    pub(crate) fn global_names_down(&self, id: ConnectionId) {
        self.globals.lock().down(id);
    }

    /// Handles the statement of a session's peer about a global name. Called with no lock held. Returns `false` if
    /// the statement is ignored.
    pub(crate) fn heard_of_global(&self, id: ConnectionId, news: GlobalNews<'_>) -> bool {
        let mut globals = self.globals.lock();
        match globals.heard(id, news) {
            Heard::Known => true,
            Heard::PassedOver => false,
            Heard::Lost(conflict) => {
                let told = self.tell_global(&conflict.name, None);
                drop(globals);
                wake(told);
                self.lose_global(conflict);
                true
            }
        }
    }

    /// Tells the process that has lost a global name that another one keeps it.
    fn lose_global(&self, Conflict { name, local, winner, node, on_conflict }: Conflict) {
        let wakes = self.get(local).map_or_else(Wakes::default, |cell| match on_conflict {
            OnConflict::Exit => cell.exit(winner, Reason::custom(NAME_CONFLICT)),
            OnConflict::Tell => cell.push(Received::NameConflict { name: name.clone(), winner }),
        });
        wakes.wake();
        let (name, node, process) = (Shown(&name), Shown(&node), self.pid(local));
        event!(processes, WARN, %name, %process, %node, "the global name is kept by another node");
    }

    /// Tells every session of the change of one of this node's global names, under the lock. Returns the wakers to
    /// call when the lock is free.
    fn tell_global(&self, name: &Arc<str>, local: Option<u64>) -> Vec<Arc<Waker>> {
        self.remote.get().map_or_else(Vec::new, |remote| remote.tell_global(name, local))
    }
}

fn wake(told: Vec<Arc<Waker>>) {
    for waker in told {
        foreign::call(|| waker.wake_by_ref());
    }
}
