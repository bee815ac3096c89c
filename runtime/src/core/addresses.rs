//! How many verified connections come from each address. Specification: `connection.md`, "One connection for two nodes".

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::Source;
use super::peers::ConnectionId;

/// Verified connections, sessions included, by where they come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Addresses {
    max: usize,
    sources: BTreeMap<ConnectionId, Source>,
    counts: BTreeMap<Source, usize>,
}

impl Addresses {
    /// None yet. From each address there are to be `max` at most.
    pub(super) const fn new(max: usize) -> Self {
        Self { max, sources: BTreeMap::new(), counts: BTreeMap::new() }
    }

    /// Whether there are as many from this address as there may be.
    pub(super) fn is_full(&self, source: Source) -> bool {
        self.counts.get(&source).is_some_and(|count| *count >= self.max)
    }

    /// A connection from there has been verified. It is counted once, and where it was verified first.
    pub(super) fn add(&mut self, connection: ConnectionId, source: Source) {
        if let Entry::Vacant(place) = self.sources.entry(connection) {
            place.insert(source);
            *self.counts.entry(source).or_default() += 1;
        }
    }

    /// Whether none is left.
    pub(super) fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.counts.is_empty()
    }

    /// A connection is over. Nothing changes if it was not verified.
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
