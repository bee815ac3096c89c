//! Global names of a host.

use std::sync::Arc;

use super::{Host, Line, Nodes};
use crate::core::globals::{Conflict, Globals, NAME_CONFLICT, NotRegistered, OnConflict};
use crate::core::{NodeNumber, Pid, Reason};

impl<P: Nodes> Host<P> {
    /// Registers a process of this node under a global name, which is valid on all connected nodes until the process
    /// ends. Every node with which there is a session is told now, and every other node when a session with it comes
    /// up.
    ///
    /// Two nodes can claim a name at once, or while there is no session between them. When they hear of each other, one
    /// of the two processes loses the name. `on_conflict` says what happens if that is the process `local`.
    ///
    /// # Errors
    /// Returns [`NotRegistered`] if this node knows a process that has the name, if the name is too long, if this node
    /// would own too many names, or if there is no process `local`.
    pub fn register_global(
        &mut self,
        name: &str,
        local: u64,
        on_conflict: OnConflict,
    ) -> Result<(), NotRegistered> {
        if !self.processes.attach(local) {
            return Err(NotRegistered::NoProcess(Pid::new(NodeNumber::HERE, self.own.creation(), local)));
        }
        let name = self.globals.register(name, local, on_conflict)?;
        self.tell_global(&name, Some(local));
        Ok(())
    }

    /// Removes a global name that this node owns. Returns the process that had it, or `None` if this node does not
    /// own the name.
    pub fn unregister_global(&mut self, name: &str) -> Option<Pid> {
        let local = self.globals.unregister(name)?;
        self.tell_global(&name.into(), None);
        Some(Pid::new(NodeNumber::HERE, self.own.creation(), local))
    }

    /// Returns the process that has a global name, or `None` if this node knows of none.
    #[must_use]
    pub fn whereis_global(&self, name: &str) -> Option<Pid> {
        self.globals.whereis(name)
    }

    /// Returns all global names that this node knows.
    pub const fn globals(&self) -> &Globals {
        &self.globals
    }

    /// Announces a global name in every session, or takes it back if `local` is `None`.
    pub(super) fn tell_global(&mut self, name: &Arc<str>, local: Option<u64>) {
        for id in self.sessions.values() {
            let Some(Line { connection, .. }) = self.lines.get_mut(id) else { continue };
            // The end of a name is reported in a session that is being ended as well, as the ends of processes are.
            let session = if local.is_some() { connection.open_session() } else { connection.session() };
            let Some(session) = session else { continue };
            match local {
                Some(local) => session.register_global(name, local),
                None => session.unregister_global(name),
            }
            self.changed.insert(*id);
        }
    }

    /// Reports global names that were lost to sessions and processes.
    pub(super) fn settle_conflicts(&mut self) {
        for Conflict { name, local, winner, on_conflict, .. } in std::mem::take(&mut self.conflicts) {
            self.tell_global(&name, None);
            match on_conflict {
                OnConflict::Exit => self.processes.exit(local, winner, Reason::custom(NAME_CONFLICT)),
                OnConflict::Tell => self.processes.name_conflict(local, &name, winner),
            }
        }
    }
}
