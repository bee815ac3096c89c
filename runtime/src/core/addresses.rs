//! Counts of verified connections by address. Specification: `connection.md`, "One connection for two nodes".

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::Source;
use super::peers::ConnectionId;

/// The verified connections, sessions included, by their sources.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Addresses {
    max: usize,
    sources: BTreeMap<ConnectionId, Source>,
    counts: BTreeMap<Source, usize>,
}

impl Addresses {
    /// Creates empty counts. Each source may have at most `max` connections.
    pub(super) const fn new(max: usize) -> Self {
        Self { max, sources: BTreeMap::new(), counts: BTreeMap::new() }
    }

    /// Returns `true` if the source has as many connections as are allowed.
    pub(super) fn is_full(&self, source: Source) -> bool {
        self.counts.get(&source).is_some_and(|count| *count >= self.max)
    }

    /// Adds a verified connection. It is counted once, under the source with which it was added first.
    pub(super) fn add(&mut self, connection: ConnectionId, source: Source) {
        if let Entry::Vacant(place) = self.sources.entry(connection) {
            place.insert(source);
            *self.counts.entry(source).or_default() += 1;
        }
    }

    /// Returns `true` if no connection is left.
    pub(super) fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.counts.is_empty()
    }

    /// Removes a connection that is over. Nothing changes if it was not verified.
    pub(super) fn remove(&mut self, connection: ConnectionId) {
        let Some(source) = self.sources.remove(&connection) else { return };
        if let Some(count) = self.counts.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&source);
            }
        }
    }
}
