//! Dials of a host, and the nodes that it keeps connected.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use super::{Host, Nodes};
#[cfg(doc)]
use crate::core::Endpoint;
use crate::core::connection::Ending;
use crate::core::endpoint::{Attempts, Dial, NotDialled, NotKept, name_to_dial};
use crate::core::peers::ConnectionId;

impl<P: Nodes> Host<P> {
    /// Begins a connection to the node of this name, if there is no session with it and no connection under way. If a
    /// connection has begun, returns [`Dial::Start`] with the name to connect to, completed with its port. The host
    /// must then connect to that node. [`Dial`] describes the other outcomes.
    ///
    /// # Errors
    /// Returns [`NotDialled`] if the name is not that of a node that can be dialled.
    pub fn dial(&mut self, name: &str, now: Duration) -> Result<Dial<Arc<str>>, NotDialled> {
        let name = name_to_dial(name)?;
        self.at(now);
        let dial = self.begin_dial(name);
        self.settle();
        Ok(dial)
    }

    pub(super) fn begin_dial(&mut self, name: Arc<str>) -> Dial<Arc<str>> {
        let random = self.seed.for_connection();
        self.endpoint.dial(&name, random, self.now).map(|id, connection| {
            self.add(id, connection);
            name
        })
    }

    /// Keeps a session with the node of this name: see [`Endpoint::keep`]. [`Host::poll_dial`] says when to connect
    /// to the node.
    ///
    /// # Errors
    /// Returns [`NotKept`] if the name cannot be dialled or is this node's own, if as many names are kept as allowed,
    /// or if the node is stopping.
    pub fn keep(&mut self, name: &str, now: Duration) -> Result<(), NotKept> {
        let (name, now) = (name_to_dial(name)?, self.at(now));
        let kept = self.endpoint.keep(&name, now);
        self.settle();
        kept
    }

    /// Stops keeping a session with the node of this name: see [`Endpoint::let_go`]. A session with the node is not
    /// ended. If `name` has no port, port 9000 is assumed. Returns `false` if [`Host::keep`] did not keep the name, or
    /// if it is not a name that can be dialled.
    pub fn let_go(&mut self, name: &str, now: Duration) -> bool {
        let Ok(name) = name_to_dial(name) else { return false };
        let now = self.at(now);
        let was_kept = self.endpoint.let_go(&name, now);
        self.settle();
        was_kept
    }

    /// Returns the next connection that the host must make to a node that is kept connected: the id of the connection,
    /// and the name of the node, with its port. The host must then connect to that node, as after [`Dial::Start`].
    /// Returns `None` if there is no such connection.
    ///
    /// The host must call this after every other call, until it returns `None`.
    pub fn poll_dial(&mut self) -> Option<(ConnectionId, Arc<str>)> {
        self.dials.pop_front()
    }

    /// Returns the time at which [`Host::handle_timeout`] must be called, for example because a node that is kept
    /// connected is to be dialled. Returns `None` if there is no such time.
    ///
    /// If any connection has no ending, its [`Host::deadline`] includes this time, and [`Host::handle_input`] at that
    /// deadline is enough.
    #[must_use]
    pub fn timeout_at(&self) -> Option<Duration> {
        self.endpoint.deadline()
    }

    /// Acts on the deadline of [`Host::timeout_at`], if it has come at `now`. An early call does no harm.
    pub fn handle_timeout(&mut self, now: Duration) {
        let now = self.at(now);
        self.endpoint.handle_timeout(now);
        self.settle();
    }

    /// Returns the time to wait before [`Host::dial`] is called again, after a dial to the node `name` has ended with
    /// `ending`. Returns `None` if the dial is not to be repeated soon. `name` must include its port.
    ///
    /// `attempts` counts the dials since the session was wanted. Call [`begin`](Attempts::begin) before each of them.
    /// [`Attempts::again`] describes `closed_early`. A dial that has reached nobody is not repeated soon: the host
    /// decides when to try that node again.
    pub fn again(
        &mut self,
        attempts: &mut Attempts,
        name: &str,
        ending: &Ending,
        closed_early: bool,
        now: Duration,
    ) -> Option<Duration> {
        let now = self.at(now);
        attempts.again(name, ending, closed_early, &mut self.endpoint, now)
    }

    /// Sets the node id by which the version 1 node `name` will know this node in their next session: see
    /// [`Endpoint::known_by`]. `name` must include its port.
    pub fn known_by(&mut self, name: Arc<str>, node_id: NonZeroU16) {
        self.endpoint.known_by(name, node_id);
    }
}
