//! The state of each connection of an endpoint.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::core::connection::EndpointEvent;

/// A connection that is not over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    /// The peer's name, once it has been verified or was dialled.
    pub(super) name: Option<Arc<str>>,
    /// The remote address, if the connection was accepted.
    pub(super) from: Option<SocketAddr>,
    pub(super) used_old_cookie: bool,
    /// The time at which the connection became a session, if it is or was one.
    pub(super) began: Option<Duration>,
    pub(super) is_version_1: bool,
    /// Set if the connection was told that it becomes no session: events that it had sent before no longer count.
    pub(super) is_dismissed: bool,
    /// Set if the connection was a session, and its end is being delivered.
    pub(super) is_over: bool,
}

impl Entry {
    /// Creates the entry of a connection that begins now: accepted from the address `from`, or dialled to the node
    /// `name`.
    pub(super) const fn new(name: Option<Arc<str>>, from: Option<SocketAddr>) -> Self {
        Self {
            name,
            from,
            used_old_cookie: false,
            is_version_1: false,
            began: None,
            is_dismissed: false,
            is_over: false,
        }
    }

    /// Returns `true` if a connection in this state can send this event. Events that come twice or out of turn are
    /// stale or untrue.
    pub(super) fn can_say(&self, event: &EndpointEvent) -> bool {
        if self.is_dismissed || self.is_over {
            return false;
        }
        match event {
            EndpointEvent::Secured | EndpointEvent::Named | EndpointEvent::Verified(_) => {
                self.from.is_some() && self.name.is_none()
            }
            EndpointEvent::MayReply { .. } => self.is_dial(),
            EndpointEvent::Acked(shown) => self.is_dial() && self.name.as_ref() == Some(&shown.facts.name),
            EndpointEvent::Alive(_)
            | EndpointEvent::Misrouted { .. }
            | EndpointEvent::Forbidden { .. }
            | EndpointEvent::Listed(_) => self.began.is_some(),
        }
    }

    /// Returns `true` if this node has dialled the connection, and it has not become the session.
    pub(super) const fn is_dial(&self) -> bool {
        self.from.is_none() && self.began.is_none()
    }
}
