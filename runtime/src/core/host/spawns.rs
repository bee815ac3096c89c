//! Requests for processes on other nodes. Requests of other nodes are handled by the process table:
//! [`Processes::offers`](crate::core::Processes::offers) and [`Processes::spawn`](crate::core::Processes::spawn).

use super::{Host, Nodes};
use crate::core::session::NotRequested;
use crate::core::{SpawnFailure, SpawnTie, Term};

impl<P: Nodes> Host<P> {
    /// Asks another node, on behalf of the process `local`, to start a process that runs `function`. `node` is the name
    /// of that node, with its port. If the arguments have pids of nodes that the peer may not know, those nodes are
    /// introduced to the peer first.
    ///
    /// The outcome is reported once, to [`Processes::spawned`](crate::core::Processes::spawned). If there is no session
    /// with the node, [`SpawnFailure::Noconnection`] is reported at once.
    ///
    /// `request` must be new: no process of this node may have used it before for a request, a monitor or a call. With
    /// [`SpawnTie::Monitor`], `request` becomes the reference of the monitor. [`Host::demonitor_named`] ends the
    /// monitor, or gives up the request.
    ///
    /// # Errors
    /// Returns [`NotRequested`] if the request cannot be sent. Nothing has changed then.
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
