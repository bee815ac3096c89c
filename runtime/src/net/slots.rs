//! Places for connections that have not shown who they are. Specification: `handshake.md`, "Limits".
//!
//! A connection holds a place from TCP's accept until its REPLY is verified. One address has few of them; when all
//! are taken, the oldest of the address that has most gives way. So nobody is kept out by one who only knocks.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

/// Whom a place is counted for: an IPv4 address, or the network of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Source(IpAddr);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            address => Self(address),
        }
    }
}

/// All places of a node. `C` names a connection; a larger one is younger.
#[derive(Clone, Debug)]
pub(crate) struct Slots<C> {
    taken: BTreeMap<C, Source>,
    max: usize,
    per_source_max: usize,
}

/// What becomes of a connection that wants a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<C> {
    /// It has one.
    Free,
    /// It has the one of this connection, which must be closed.
    InsteadOf(C),
    /// Its address has as many as one address may have.
    None,
}

impl<C: Copy + Ord> Slots<C> {
    pub(crate) const fn new(max: usize, per_source_max: usize) -> Self {
        Self { taken: BTreeMap::new(), max, per_source_max }
    }

    pub(crate) fn take(&mut self, connection: C, source: Source) -> Place<C> {
        //= spec/connection.md#con-plc-002
        //# An acceptor MUST NOT hold more than `handshakes_per_address_max` connections from one address that
        //# are not verified.
        if self.count(source) >= self.per_source_max {
            return Place::None;
        }
        let mut place = Place::Free;
        //= spec/connection.md#con-plc-001
        //# An acceptor MUST NOT hold more than `handshakes_max` connections that are not verified.
        //= spec/connection.md#con-plc-004
        //# An acceptor that has no place left MUST close the oldest connection of the address that holds the
        //# most places, and give that place to the new connection.
        if self.taken.len() >= self.max
            && let Some(oldest) = self.oldest_of_the_greediest()
        {
            self.taken.remove(&oldest);
            place = Place::InsteadOf(oldest);
        }
        self.taken.insert(connection, source);
        place
    }

    pub(crate) fn give_back(&mut self, connection: C) {
        self.taken.remove(&connection);
    }

    fn count(&self, source: Source) -> usize {
        self.taken.values().filter(|taken| **taken == source).count()
    }

    fn oldest_of_the_greediest(&self) -> Option<C> {
        let greediest = self.taken.values().copied().max_by_key(|source| self.count(*source))?;
        self.taken.iter().find(|(_, source)| **source == greediest).map(|(connection, _)| *connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        text.parse::<IpAddr>().unwrap().into()
    }

    //= spec/connection.md#con-plc-002
    //= type=test
    //# An acceptor MUST NOT hold more than `handshakes_per_address_max` connections from one address that are
    //# not verified.
    #[test]
    fn an_address_has_few_places() {
        let mut slots = Slots::new(64, 2);
        assert_eq!(slots.take(1, source("10.0.0.1")), Place::Free);
        assert_eq!(slots.take(2, source("10.0.0.1")), Place::Free);
        assert_eq!(slots.take(3, source("10.0.0.1")), Place::None);
        assert_eq!(slots.take(4, source("10.0.0.2")), Place::Free);
        slots.give_back(1);
        assert_eq!(slots.take(5, source("10.0.0.1")), Place::Free);
    }

    //= spec/connection.md#con-plc-001
    //= type=test
    //# An acceptor MUST NOT hold more than `handshakes_max` connections that are not verified.
    //= spec/connection.md#con-plc-004
    //= type=test
    //# An acceptor that has no place left MUST close the oldest connection of the address that holds the most
    //# places, and give that place to the new connection.
    #[test]
    fn the_oldest_of_the_greediest_gives_way() {
        let mut slots = Slots::new(3, 2);
        slots.take(1, source("10.0.0.9"));
        slots.take(2, source("10.0.0.1"));
        slots.take(3, source("10.0.0.1"));
        assert_eq!(slots.take(4, source("10.0.0.2")), Place::InsteadOf(2));
        assert_eq!(slots.taken.keys().copied().collect::<Vec<_>>(), [1, 3, 4]);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::9"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:10.0.0.1"), source("10.0.0.1"));
    }
}
