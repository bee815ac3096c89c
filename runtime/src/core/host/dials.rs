//! Dials of a host, and nodes that it keeps connected.

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
    /// Somebody wants a session with the node of this name. With [`Dial::Start`] comes the name to connect to, completed with its
    /// port.
    ///
    /// # Errors
    /// The name is none of a node that can be dialled.
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

    /// Keeps a session with the node of this name: see [`Endpoint::keep`]. [`Host::poll_dial`] says when to connect to it.
    ///
    /// # Errors
    /// The name cannot be dialled or is this node's own, as many are kept as may be, or the node stops.
    pub fn keep(&mut self, name: &str, now: Duration) -> Result<(), NotKept> {
        let (name, now) = (name_to_dial(name)?, self.at(now));
        let kept = self.endpoint.keep(&name, now);
        self.settle();
        kept
    }

    /// Does not dial the node of this name any more by itself: see [`Endpoint::let_go`]. False if it was not kept.
    pub fn let_go(&mut self, name: &str, now: Duration) -> bool {
        let Ok(name) = name_to_dial(name) else { return false };
        let now = self.at(now);
        let was_kept = self.endpoint.let_go(&name, now);
        self.settle();
        was_kept
    }

    /// A connection that was begun to a node that is kept connected, and its name: the host connects to it, as after
    /// [`Dial::Start`]. To be asked after every other call, and when [`Host::timeout_at`] has come.
    pub fn poll_dial(&mut self) -> Option<(ConnectionId, Arc<str>)> {
        self.dials.pop_front()
    }

    /// When [`Host::handle_timeout`] is to be called, if no connection is there whose [`Host::deadline`] comes before: a name that is
    /// kept connected is to be dialled then.
    #[must_use]
    pub fn timeout_at(&self) -> Option<Duration> {
        self.endpoint.deadline()
    }

    /// The time is `now`.
    pub fn handle_timeout(&mut self, now: Duration) {
        let now = self.at(now);
        self.endpoint.handle_timeout(now);
        self.settle();
    }

    /// A dial to the node of this name has ended like this: how long to wait before [`Host::dial`] is called again, if it is to be
    /// soon. It is not if nobody was reached: when to look for that node again is the host's to say. The `attempts` are those since
    /// the session was wanted, each of which [has begun](Attempts::begin); see [`Attempts::again`].
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

    /// The version 1 node `name` will know this node by that node id, in its next session: see [`Endpoint::known_by`].
    pub fn known_by(&mut self, name: Arc<str>, node_id: NonZeroU16) {
        self.endpoint.known_by(name, node_id);
    }
}
