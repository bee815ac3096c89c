//! How far each connection of an endpoint has come.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::core::connection::EndpointEvent;

/// A connection that is not over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    /// The peer's name, once it counts.
    pub(super) name: Option<Arc<str>>,
    /// Where it comes from, if it was accepted.
    pub(super) from: Option<SocketAddr>,
    pub(super) used_old_cookie: bool,
    /// It is, or was, a session since then.
    pub(super) began: Option<Duration>,
    pub(super) is_version_1: bool,
    /// It was told that it becomes none: what it had said before counts no more.
    pub(super) is_dismissed: bool,
    /// It was a session, and its end is being delivered.
    pub(super) is_over: bool,
}

impl Entry {
    /// One that begins now: accepted `from` there, or a dial to the node of this name.
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

    /// Whether a connection that has come so far can say this. What it says twice, or out of turn, was said before or is not
    /// so.
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
            EndpointEvent::Alive(_) | EndpointEvent::Misrouted { .. } | EndpointEvent::Listed(_) => {
                self.began.is_some()
            }
        }
    }

    /// Whether this node has dialled, and it has not become the session.
    pub(super) const fn is_dial(&self) -> bool {
        self.from.is_none() && self.began.is_none()
    }
}
