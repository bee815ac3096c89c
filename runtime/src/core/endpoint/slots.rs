//! Handshake slots, for connections that are not verified. Specification: `connection.md`, "Before the session".
//!
//! A connection holds a slot from TCP's accept until its REPLY is verified. A new connection always gets a slot. If
//! none is free, another connection gives way: of the older half of the candidates, the one whose handshake has come
//! least far. So silent connections give way to those that make progress, and new ones have time to do so.

use std::collections::BTreeMap;

use crate::core::Source;

/// The progress of the handshake of an accepted connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Progress {
    /// TCP is established. That costs the other end next to nothing.
    Accepted,
    /// TLS is established.
    Secured,
    /// NAME has arrived, and is valid.
    Named,
}

/// The handshake slots of a node. `C` is the id of a connection; a larger one is younger.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Slots<C> {
    taken: BTreeMap<C, Taken>,
    /// The number of slots that each source holds.
    counts: BTreeMap<Source, usize>,
    max: usize,
    per_source_max: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Taken {
    source: Source,
    progress: Progress,
}

impl<C: Copy + Ord> Slots<C> {
    /// Creates slots that are all free. Both limits are at least 1.
    pub(super) const fn new(max: usize, per_source_max: usize) -> Self {
        Self { taken: BTreeMap::new(), counts: BTreeMap::new(), max, per_source_max }
    }

    /// Gives a slot to a connection that has been accepted. Returns the connection that has lost its slot for it,
    /// which must be closed.
    //= spec/connection.md#con-plc-007
    //# An acceptor without a free slot for a new connection MUST close one that holds a slot, and give the
    //# new one that slot.
    pub(super) fn take(&mut self, connection: C, source: Source) -> Option<C> {
        let gives_way = self.who_gives_way_to(source);
        if let Some(other) = gives_way {
            self.give_back(other);
        }
        self.taken.insert(connection, Taken { source, progress: Progress::Accepted });
        *self.counts.entry(source).or_default() += 1;
        gives_way
    }

    /// Records the progress of a connection's handshake. Nothing changes if the connection holds no slot, or has come
    /// farther.
    pub(super) fn reached(&mut self, connection: C, progress: Progress) {
        if let Some(taken) = self.taken.get_mut(&connection) {
            taken.progress = taken.progress.max(progress);
        }
    }

    /// Frees the slot of a connection that is over or verified. Nothing changes if it holds none.
    pub(super) fn give_back(&mut self, connection: C) {
        let Some(Taken { source, .. }) = self.taken.remove(&connection) else { return };
        if let Some(count) = self.counts.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&source);
            }
        }
    }

    /// Returns `true` if all slots are free.
    pub(super) fn is_empty(&self) -> bool {
        self.taken.is_empty() && self.counts.is_empty()
    }

    fn who_gives_way_to(&self, source: Source) -> Option<C> {
        //= spec/connection.md#con-plc-008
        //# The connection that gives way MUST be one from the address of the new connection if that address
        //# holds `handshakes_per_address_max` slots, and else one from an address that holds the most.
        //= spec/connection.md#con-plc-002
        //# An acceptor MUST NOT hold more than `handshakes_per_address_max` connections from one address that
        //# are not verified.
        if self.count(source) >= self.per_source_max {
            return self.least_of(|other| other == source);
        }
        //= spec/connection.md#con-plc-001
        //# An acceptor MUST NOT hold more than `handshakes_max` connections that are not verified.
        if self.taken.len() >= self.max {
            let most = self.counts.values().max().copied().unwrap_or_default();
            return self.least_of(|other| self.count(other) == most);
        }
        None
    }

    /// Returns the connection of these sources that gives way.
    //= spec/connection.md#con-plc-009
    //# From the older half of the candidates, an acceptor MUST choose the connection whose handshake has come
    //# least far, and of several such the oldest.
    fn least_of(&self, is_theirs: impl Fn(Source) -> bool) -> Option<C> {
        let theirs = || self.taken.iter().filter(|(_, taken)| is_theirs(taken.source));
        let older_half = theirs().count().div_ceil(2);
        // The first of several with equal progress is the oldest.
        let least = theirs().take(older_half).min_by_key(|(_, taken)| taken.progress);
        least.map(|(connection, _)| *connection)
    }

    fn count(&self, source: Source) -> usize {
        self.counts.get(&source).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn source(text: &str) -> Source {
        text.parse::<IpAddr>().unwrap().into()
    }

    fn host(number: u32) -> Source {
        IpAddr::from(Ipv4Addr::from(0x0A00_0000 + number)).into()
    }

    //= spec/connection.md#con-plc-002
    //= type=test
    //# An acceptor MUST NOT hold more than `handshakes_per_address_max` connections from one address that are
    //# not verified.
    //= spec/connection.md#con-plc-007
    //= type=test
    //# An acceptor without a free slot for a new connection MUST close one that holds a slot, and give the
    //# new one that slot.
    #[test]
    fn an_address_that_has_all_its_places_loses_its_oldest_silent_one() {
        let mut slots = Slots::new(64, 4);
        (1..=4).for_each(|connection| assert_eq!(slots.take(connection, host(1)), None));
        assert_eq!(slots.take(5, host(2)), None);
        slots.reached(1, Progress::Secured);
        assert_eq!(slots.take(6, host(1)), Some(2));
        slots.give_back(3);
        assert_eq!(slots.take(7, host(1)), None);
        assert_eq!(slots.count(host(1)), 4);
    }

    //= spec/connection.md#con-plc-001
    //= type=test
    //# An acceptor MUST NOT hold more than `handshakes_max` connections that are not verified.
    //= spec/connection.md#con-plc-008
    //= type=test
    //# The connection that gives way MUST be one from the address of the new connection if that address holds
    //# `handshakes_per_address_max` slots, and else one from an address that holds the most.
    #[test]
    fn when_no_place_is_left_the_address_that_holds_most_loses_one() {
        let mut slots = Slots::new(4, 3);
        slots.take(1, host(9));
        (2..=3).for_each(|connection| assert_eq!(slots.take(connection, host(1)), None));
        slots.take(4, host(8));
        assert_eq!(slots.take(5, host(2)), Some(2));
        assert_eq!(slots.taken.keys().copied().collect::<Vec<_>>(), [1, 3, 4, 5]);
    }

    //= spec/connection.md#con-plc-009
    //= type=test
    //# From the older half of the candidates, an acceptor MUST choose the connection whose handshake has come
    //# least far, and of several such the oldest.
    #[test]
    fn of_the_older_half_the_least_advanced_gives_way() {
        let mut slots = Slots::new(6, 6);
        (1..=6).for_each(|connection| assert_eq!(slots.take(connection, host(1)), None));
        slots.reached(1, Progress::Named);
        slots.reached(2, Progress::Secured);
        slots.reached(3, Progress::Secured);
        // 4 to 6 are silent, and have come too late to be judged by that.
        assert_eq!(slots.take(7, host(1)), Some(2));
        // The older half is 1, 3 and 4 now.
        assert_eq!(slots.take(8, host(1)), Some(4));
    }

    /// Returns `true` if a dial that needs `knocks` new connections of a flood to come from accept to REPLY keeps its
    /// slot. It comes when all slots are taken, and is secured after half of that time.
    fn withstands(knocks: u32, max: usize, flood: impl Fn(u32) -> (Source, Progress)) -> bool {
        let mut slots = Slots::new(max, max / 4);
        let full = 2 * u32::try_from(max).unwrap();
        let knock = |slots: &mut Slots<u32>, number| {
            let (source, progress) = flood(number);
            let lost = slots.take(number, source);
            slots.reached(number, progress);
            lost == Some(full)
        };
        (0..full).for_each(|number| assert!(!knock(&mut slots, number)));
        slots.take(full, source("192.0.2.1"));
        (1..=knocks).all(|number| {
            if number == knocks / 2 {
                slots.reached(full, Progress::Secured);
            }
            !knock(&mut slots, full + number)
        })
    }

    #[test]
    fn silent_connections_of_as_many_addresses_as_there_are_places_keep_nobody_out() {
        let silent = |number| (host(number), Progress::Accepted);
        // They reach a dial only while it is silent itself: it must take as many as there are slots.
        assert!(withstands(254, 128, silent));
        assert!(withstands(126, 64, silent));
    }

    #[test]
    fn connections_that_stall_after_name_keep_nobody_out_who_needs_less_than_half_a_turn() {
        let stalled = |number| (host(number), Progress::Named);
        assert!(withstands(63, 128, stalled));
        // Or some of them have come far, and the others crowd out every connection that has not.
        let mixed = |number| (host(number), if number < 200 { Progress::Named } else { Progress::Accepted });
        assert!(withstands(63, 128, mixed));
    }

    #[test]
    fn a_flood_from_one_address_disturbs_no_other() {
        let flood = |_| (host(7), Progress::Named);
        assert!(withstands(100_000, 128, flood));
    }

    #[test]
    fn no_limit_is_ever_passed_and_nothing_is_left_behind() {
        let mut slots = Slots::new(16, 5);
        for number in 0..10_000_u32 {
            slots.take(number, host(number.wrapping_mul(0x9E37_79B9) >> 29));
            slots.reached(number - number % 7, Progress::Secured);
            slots.give_back(number - number % 3);
            assert!(slots.taken.len() <= 16);
            assert!(slots.counts.values().all(|count| (1..=5).contains(count)));
            assert_eq!(slots.counts.values().sum::<usize>(), slots.taken.len());
        }
        (0..10_000).for_each(|number| slots.give_back(number));
        assert!(slots.taken.is_empty() && slots.counts.is_empty());
    }
}
