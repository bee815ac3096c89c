//! The numbers of links and monitors that each side has asked for, against the bounds of the other side.

/// The side that asked for a link or a monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Asker {
    Here,
    Peer,
}

/// The number of places that each side holds, and the largest number that it may hold. A side holds places only for
/// the links and monitors that it has asked for itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tally {
    here: Count,
    peer: Count,
    /// The number of places that a link made here takes: in version 1 the second one is that of the monitor beside
    /// it.
    link_places: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Count {
    held: u32,
    max: u32,
}

impl Tally {
    /// Creates the counts, with the bounds for what this node asks for (announced by the peer) and for what the peer
    /// asks for (announced by this node).
    pub(super) const fn new(here_max: u32, peer_max: u32, link_places: u32) -> Self {
        Self { here: Count { held: 0, max: here_max }, peer: Count { held: 0, max: peer_max }, link_places }
    }

    /// Takes a place for a monitor. Returns `false` if there is none.
    pub(super) fn take(&mut self, asker: Asker) -> bool {
        self.take_places(asker, 1)
    }

    /// Takes the places that a link needs. Returns `false` if there are not enough.
    pub(super) fn take_for_link(&mut self, asker: Asker) -> bool {
        self.take_places(asker, self.places_of_link(asker))
    }

    /// Returns `true` if [`Tally::take`] would succeed.
    pub(super) const fn has(&self, asker: Asker) -> bool {
        self.free(asker) >= 1
    }

    /// Returns `true` if [`Tally::take_for_link`] would succeed.
    pub(super) const fn has_for_link(&self, asker: Asker) -> bool {
        self.free(asker) >= self.places_of_link(asker)
    }

    const fn free(&self, asker: Asker) -> u32 {
        let count = match asker {
            Asker::Here => &self.here,
            Asker::Peer => &self.peer,
        };
        count.max - count.held
    }

    const fn places_of_link(&self, asker: Asker) -> u32 {
        match asker {
            Asker::Here => self.link_places,
            Asker::Peer => 1,
        }
    }

    fn take_places(&mut self, asker: Asker, places: u32) -> bool {
        let count = self.count(asker);
        let free = count.max - count.held >= places;
        count.held += if free { places } else { 0 };
        free
    }

    /// Returns the number of links and monitors that this node may ask for.
    pub(super) const fn max_here(&self) -> u32 {
        self.here.max
    }

    /// Returns the number of links and monitors that the peer may ask for.
    pub(super) const fn max_peer(&self) -> u32 {
        self.peer.max
    }

    /// Gives a place back.
    pub(super) fn give_back(&mut self, asker: Asker) {
        let count = self.count(asker);
        count.held = count.held.saturating_sub(1);
    }

    /// Returns the number of places that a side holds.
    pub(super) const fn held(&self, asker: Asker) -> u32 {
        match asker {
            Asker::Here => self.here.held,
            Asker::Peer => self.peer.held,
        }
    }

    fn count(&mut self, asker: Asker) -> &mut Count {
        match asker {
            Asker::Here => &mut self.here,
            Asker::Peer => &mut self.peer,
        }
    }
}
