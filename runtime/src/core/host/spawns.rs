//! Processes that a process of this node asks another node for. What other nodes ask for is a matter of the process table:
//! [`Processes::offers`](crate::core::Processes::offers) and [`Processes::spawn`](crate::core::Processes::spawn).

use super::{Host, Nodes};
use crate::core::session::NotRequested;
use crate::core::{SpawnFailure, SpawnTie, Term};

impl<P: Nodes> Host<P> {
    /// Asks another node for a process that runs `function`: [`Processes::spawned`](crate::core::Processes::spawned) says what
    /// has come of it, once, and without a session at once. No other request, monitor or call ever has this number, which with
    /// [`SpawnTie::Monitor`] becomes that of the monitor. [`Host::demonitor_named`] ends that, or gives the request up. Nodes of
    /// pids in the arguments, which the peer may not know, are named to it before.
    ///
    /// # Errors
    /// Why it is not asked; nothing has changed.
    pub fn spawn_on(
        &mut self,
        local: u64,
        node: &str,
        request: u64,
        tie: SpawnTie,
        function: &str,
        mut arguments: Term,
    ) -> Result<(), NotRequested> {
        let known = self.peers.get(node).map(|known| known.node());
        let asked = known.and_then(|known| {
            self.introduce(local, known, arguments.pids());
            self.on_open(local, known, |it| it.spawn(local, request, tie, function, &mut arguments))
        });
        if let (Some(asked), Some(known)) = (asked, known) {
            self.tie(local, known);
            return asked;
        }
        self.processes.spawned(local, request, Err(SpawnFailure::Noconnection));
        Ok(())
    }
}
