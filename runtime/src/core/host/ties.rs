//! The sessions that must be told when a process ends.

use std::collections::BTreeSet;

use crate::core::peers::ConnectionId;

/// Local processes, each with the connections whose sessions have, or have had, a link or a monitor of it.
#[derive(Debug, Default)]
pub(super) struct Ties {
    by_process: BTreeSet<(u64, ConnectionId)>,
    by_connection: BTreeSet<(ConnectionId, u64)>,
}

impl Ties {
    pub(super) fn add(&mut self, local: u64, id: ConnectionId) {
        if self.by_process.insert((local, id)) {
            self.by_connection.insert((id, local));
        }
    }

    /// Removes a process that has ended. Returns its connections, in the order in which they were begun.
    pub(super) fn take(&mut self, local: u64) -> Vec<ConnectionId> {
        let all = (local, ConnectionId(0))..=(local, ConnectionId(u64::MAX));
        let ids: Vec<_> = self.by_process.range(all).map(|(_, id)| *id).collect();
        for id in &ids {
            self.by_process.remove(&(local, *id));
            self.by_connection.remove(&(*id, local));
        }
        ids
    }

    /// Removes a connection that is over.
    pub(super) fn forget(&mut self, id: ConnectionId) {
        let mut rest = self.by_connection.split_off(&(id, 0));
        let mut behind = rest.split_off(&(ConnectionId(id.0.saturating_add(1)), 0));
        self.by_connection.append(&mut behind);
        for (_, local) in rest {
            self.by_process.remove(&(local, id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_its_own_connections_and_no_others() {
        let (mut ties, [a, b, c]) = (Ties::default(), [1, 2, 3].map(ConnectionId));
        for (local, id) in [(7, a), (7, b), (7, b), (8, b), (9, c)] {
            ties.add(local, id);
        }
        ties.forget(a);
        assert_eq!(ties.take(7), [b]);
        assert_eq!(ties.take(7), []);
        ties.add(8, c);
        assert_eq!(ties.take(8), [b, c]);
        ties.forget(c);
        assert!(ties.by_process.is_empty() && ties.by_connection.is_empty(), "{ties:?}");
    }
}
