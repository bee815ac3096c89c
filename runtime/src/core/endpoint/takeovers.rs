//! Detection of two nodes that have one name and take each other's session away.
//!
//! It is normal that a session is replaced by one with another start of its node: the node was restarted, and the end
//! of its last connection was not noticed. But if the session that replaces it has itself replaced another one a
//! short time before, then most likely two nodes have this name.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use crate::core::limits::NAMESAKE_PERIOD;
use crate::core::peers::ConnectionId;

/// The sessions, and the addresses that they come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Takeovers {
    /// The remote addresses of verified connections that are not sessions yet.
    waiting: BTreeMap<ConnectionId, SocketAddr>,
    sessions: BTreeMap<ConnectionId, Life>,
    /// The session that was replaced last and has ended. The one that replaces it comes up next.
    ended: Option<(Arc<str>, Life)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Life {
    incarnation: Option<NonZeroU64>,
    from: TakenFrom,
    began: Duration,
    took_over: bool,
    is_replaced: bool,
}

/// The remote address of a session. If this node has dialled the session, the value stands for the address in the name
/// of the peer, and is displayed as `the address in the name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TakenFrom(Option<SocketAddr>);

impl fmt::Display for TakenFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("the address in the name"),
        }
    }
}

/// A report that a node has connected under the name of a peer that had a session, but with another incarnation. The
/// new session has replaced the earlier one.
///
/// This is normal if the peer was restarted, and the end of its last connection was not noticed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Takeover {
    /// The name of both nodes.
    pub name: Arc<str>,
    /// The remote address of the earlier session.
    pub before: TakenFrom,
    /// The remote address of the new session.
    pub after: TakenFrom,
    /// Set if the earlier session had itself replaced another one, less than [`NAMESAKE_PERIOD`] ago. Then most likely
    /// two nodes have the same name.
    pub is_mutual: bool,
}

impl Takeovers {
    /// Records that a connection from this address has been verified.
    pub(super) fn verified(&mut self, connection: ConnectionId, from: SocketAddr) {
        self.waiting.insert(connection, from);
    }

    /// Records that a connection has become the session with this node.
    pub(super) fn up(
        &mut self,
        connection: ConnectionId,
        name: &Arc<str>,
        incarnation: Option<NonZeroU64>,
        now: Duration,
    ) -> Option<Takeover> {
        let from = TakenFrom(self.waiting.remove(&connection));
        let before = self.ended.take().filter(|(of, life)| of == name && life.incarnation != incarnation);
        let takeover = before.map(|(name, before)| Takeover {
            name,
            before: before.from,
            after: from,
            is_mutual: before.took_over && now.saturating_sub(before.began) < NAMESAKE_PERIOD,
        });
        let took_over = takeover.is_some();
        self.sessions
            .insert(connection, Life { incarnation, from, began: now, took_over, is_replaced: false });
        takeover
    }

    /// Records that the session on this connection is ended for another connection.
    pub(super) fn replaced(&mut self, connection: ConnectionId) {
        if let Some(life) = self.sessions.get_mut(&connection) {
            life.is_replaced = true;
        }
    }

    /// Records that the session on this connection has ended.
    pub(super) fn down(&mut self, connection: ConnectionId, name: &str) {
        let life = self.sessions.remove(&connection).filter(|life| life.is_replaced);
        self.ended = life.map(|life| (name.into(), life));
    }

    /// Forgets a connection that is over and has not become a session.
    pub(super) fn forget(&mut self, connection: ConnectionId) {
        self.waiting.remove(&connection);
    }

    /// Returns `true` if there are neither sessions nor connections that are to become one.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.sessions.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reports of sessions that replace each other, one start after the other.
    fn takeovers(starts: &[(u64, Duration)]) -> Vec<Option<bool>> {
        let (mut takeovers, name) = (Takeovers::default(), Arc::from("b@h:1"));
        let mut connection = ConnectionId(0);
        starts
            .iter()
            .map(|&(start, now)| {
                takeovers.replaced(connection);
                takeovers.down(connection, "b@h:1");
                connection = ConnectionId(connection.0 + 1);
                takeovers.verified(connection, SocketAddr::from(([10, 0, 0, 1], 4_000)));
                let takeover = takeovers.up(connection, &name, NonZeroU64::new(start), now);
                assert!(takeovers.waiting.is_empty() && takeovers.sessions.len() == 1);
                takeover.map(|takeover| takeover.is_mutual)
            })
            .collect()
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_node_that_is_started_again_is_no_namesake() {
        assert_eq!(takeovers(&[(1, MINUTE), (2, 2 * MINUTE)]), [None, Some(false)]);
        let seldom = [(1, MINUTE), (2, 20 * MINUTE), (3, 40 * MINUTE)];
        assert_eq!(takeovers(&seldom), [None, Some(false), Some(false)]);
    }

    #[test]
    fn two_nodes_that_replace_each_other_are_namesakes() {
        let often = [(1, MINUTE), (2, 2 * MINUTE), (1, 3 * MINUTE), (2, 4 * MINUTE)];
        assert_eq!(takeovers(&often), [None, Some(false), Some(true), Some(true)]);
    }

    #[test]
    fn a_session_that_ends_by_itself_is_not_taken_over() {
        let (mut takeovers, name) = (Takeovers::default(), Arc::from("b@h:1"));
        takeovers.up(ConnectionId(1), &name, NonZeroU64::new(1), MINUTE);
        takeovers.down(ConnectionId(1), "b@h:1");
        assert_eq!(takeovers.up(ConnectionId(2), &name, NonZeroU64::new(2), MINUTE), None);
        // Another connection of the same start does not take it over either.
        takeovers.replaced(ConnectionId(2));
        takeovers.down(ConnectionId(2), "b@h:1");
        assert_eq!(takeovers.up(ConnectionId(3), &name, NonZeroU64::new(2), MINUTE), None);
    }
}
