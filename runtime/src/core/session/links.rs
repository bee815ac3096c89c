//! The links between local processes and those of one peer. Specification: `session.md`, "Links".
//!
//! ```text
//!                 link, LINK                      process ended
//!   (no link) ------------------> Active ----------------------------> Owed
//!      ^  ^                       |    ^  ^                              | EXIT written,
//!      |  |      EXIT, UNLINK_ID  |    |  | link                         | EXIT, UNLINK_ID
//!      |  +-----------------------+    |  |                              |
//!      |                        unlink |  |                              |
//!      |                               v  |                              |
//!      +------------------------- Unlinking                              |
//!      |      UNLINK_ACK of its id                                       |
//!      +-----------------------------------------------------------------+
//! ```
//! An inactive link ignores EXIT and LINK. Every link ignores an EXIT that comes before the acknowledgement of the
//! last unlink: such an EXIT is older than the link, which has been made again. A process that ends while its unlink
//! is outstanding owes nothing. In a session of version 1 there is no state Unlinking: an unlink ends the link.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use snow_dist_codec::Pid as WirePid;

use super::super::Reason;
use super::tally::{Asker, Tally};

/// A link's two ends: a local process and one of the peer's.
pub(super) type Ends = (u64, u64);

/// The node ids and creations of a link's pids on the wire, ours and the peer's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Pids {
    nodes: [u16; 2],
    creations: [u8; 2],
}

impl Pids {
    /// Takes them from these two pids.
    pub(super) const fn new(ours: WirePid, theirs: WirePid) -> Self {
        Self { nodes: [ours.node(), theirs.node()], creations: [ours.creation(), theirs.creation()] }
    }

    /// Returns the pids of these two processes.
    #[inline]
    pub(super) fn of(self, (local, remote): Ends) -> (WirePid, WirePid) {
        let ([here, there], [ours, theirs]) = (self.nodes, self.creations);
        // No local id is too long for a pid.
        let pid = |node, creation, local| WirePid::new(node, creation, local).unwrap_or_default();
        (pid(here, ours, local), pid(there, theirs, remote))
    }
}

/// The links of a session, including those that are ending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Links {
    links: BTreeMap<Ends, Link>,
    /// The number of links for which no side holds a place: only the acknowledgement of an unlink is awaited.
    placeless: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Link {
    /// The side that holds a place for the link; `None` if an acknowledgement that waits holds it.
    asker: Option<Asker>,
    pids: Pids,
    state: State,
    /// The acknowledgement and the answers that the link awaits. Boxed, like the reason that it owes: a crowded node
    /// has very many links, and few of them in these states.
    awaited: Option<Box<Awaited>>,
}

/// The acknowledgement and the answers that a link awaits. One that awaits nothing is not kept, so that links in the same
/// state are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Awaited {
    /// The id of our UNLINK_ID that has not been acknowledged, if the link was made again after it.
    unlink: Option<u64>,
    /// The number of answers about these two processes that have not been written, and that the place waits for.
    answers: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Active,
    /// Our UNLINK_ID with this id has not been acknowledged.
    Unlinking(u64),
    /// The local process has ended; EXIT has not been written.
    Owed(Box<Reason>),
    /// There is no link, but our last LINK may still make one at the peer, so the place for it is kept. The peer has
    /// unlinked, and our own unlink, which that LINK followed, is not acknowledged.
    Over,
}

impl Link {
    fn new(asker: Asker, pids: Pids, state: State) -> Self {
        Self { asker: Some(asker), pids, state, awaited: None }
    }

    /// Returns the id of our UNLINK_ID that has not been acknowledged, if the link was made again after it.
    fn unacknowledged(&self) -> Option<u64> {
        self.awaited.as_ref()?.unlink
    }

    /// Changes what is awaited, and keeps nothing if nothing is awaited any more.
    fn await_other(&mut self, change: impl FnOnce(&mut Awaited)) {
        change(self.awaited.get_or_insert_default());
        self.awaited.take_if(|awaited| **awaited == Awaited::default());
    }

    /// Returns `true` if our last UNLINK_ID has not been acknowledged.
    fn is_outstanding(&self) -> bool {
        self.unacknowledged().is_some() || matches!(self.state, State::Unlinking(_))
    }

    /// Links again before the unlink of the local process is acknowledged. The peer will count the link as one that
    /// this node has asked for, no matter which side had asked for it before.
    fn again(&mut self, tally: &mut Tally, placeless: &mut usize) -> Linked {
        if self.asker != Some(Asker::Here) {
            if !tally.take_for_link(Asker::Here) {
                return Linked::Full;
            }
            match self.asker.replace(Asker::Here) {
                Some(asker) => tally.give_back(asker),
                None => *placeless -= 1,
            }
        }
        if let State::Unlinking(id) = std::mem::replace(&mut self.state, State::Active) {
            self.await_other(|awaited| awaited.unlink = Some(id));
        }
        Linked::Now
    }

    /// Handles a LINK where there is no link, but a place is kept.
    fn revived(&mut self, tally: &mut Tally) -> Linked {
        // A LINK that comes before the acknowledgement of our unlink has crossed our own LINK: the peer, which has
        // not read that, will count it for this node, as this node does for the peer.
        if self.unacknowledged().is_none() {
            if !tally.take(Asker::Peer) {
                return Linked::Full;
            }
            if let Some(asker) = self.asker.replace(Asker::Peer) {
                tally.give_back(asker);
            }
        }
        self.state = State::Active;
        Linked::Now
    }
}

/// The outcome of a LINK or of a local `link()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Linked {
    /// The link is active now and was not before.
    Now,
    /// Nothing has changed.
    Before,
    /// The asking side has as many links and monitors as allowed.
    Full,
}

/// The effect that writing the acknowledgement of an UNLINK_ID has on a place at the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// It has no effect on a place.
    None,
    /// It gives back the place that it holds itself.
    Held,
    /// The link holds a place, and waits for this acknowledgement.
    Kept,
}

/// The link that an EXIT or UNLINK_ID has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// An active link: the local process may have to be told.
    Active,
    /// A link whose end was owed to the peer, and is now void.
    Owed,
    /// No link, or one that is being unlinked here.
    Nothing,
}

impl Ended {
    const fn of(state: &State) -> Self {
        match state {
            State::Active => Self::Active,
            State::Owed(_) => Self::Owed,
            State::Unlinking(_) | State::Over => Self::Nothing,
        }
    }
}

impl Links {
    /// Makes a link for the local process.
    pub(super) fn link(&mut self, ends: Ends, pids: Pids, tally: &mut Tally) -> Linked {
        match self.links.get_mut(&ends) {
            Some(link) => match link.state {
                //= spec/session.md#ses-lnk-003
                //# When a local process links in state unlinking, a node MUST write LINK, unless SES-BND-001
                //# forbids it.
                State::Unlinking(_) | State::Over => link.again(tally, &mut self.placeless),
                //= spec/session.md#ses-lnk-002
                //# When a local process links in state active, a node MUST NOT write LINK.
                State::Active | State::Owed(_) => Linked::Before,
            },
            None => self.open(ends, pids, Asker::Here, tally),
        }
    }

    /// Handles a LINK for a live process.
    pub(super) fn on_link(&mut self, ends: Ends, pids: Pids, tally: &mut Tally) -> Linked {
        match self.links.get_mut(&ends) {
            Some(link) if link.state == State::Over => link.revived(tally),
            //= spec/session.md#ses-lnk-013
            //# A node that reads a LINK in state active MUST ignore it.
            //= spec/session.md#ses-lnk-014
            //# A node that reads a LINK in state unlinking or ending MUST ignore it.
            Some(_) => Linked::Before,
            //= spec/session.md#ses-lnk-012
            //# A node that reads a LINK for a living process in state none MUST enter state active, unless
            //# SES-BND-002 or SES-BND-005 has it refused.
            None => self.open(ends, pids, Asker::Peer, tally),
        }
    }

    /// Returns `true` if a local process has any links.
    pub(super) fn has(&self, local: u64) -> bool {
        self.links.range((local, 0)..=(local, u64::MAX)).next().is_some()
    }

    /// Returns `true` if the two ends are linked, so that a further link would not be new.
    pub(super) fn is_active(&self, ends: Ends) -> bool {
        self.links.get(&ends).is_some_and(|link| matches!(link.state, State::Active | State::Owed(_)))
    }

    /// Returns `true` if the two ends have any state, even if it is only an unlink or an exit in progress.
    pub(super) fn knows(&self, ends: Ends) -> bool {
        self.links.get(&ends).is_some_and(|link| link.state != State::Over)
    }

    /// Unlinks for the local process. Returns `true` if UNLINK_ID with `id` must go out.
    pub(super) fn unlink(&mut self, ends: Ends, id: u64) -> bool {
        match self.links.get_mut(&ends) {
            //= spec/session.md#ses-lnk-004
            //# When a local process unlinks in state active, a node MUST write UNLINK_ID.
            Some(link @ Link { state: State::Active, .. }) => {
                link.state = State::Unlinking(id);
                if link.unacknowledged().is_some() {
                    link.await_other(|awaited| awaited.unlink = None);
                }
                true
            }
            //= spec/session.md#ses-lnk-005
            //# When a local process unlinks in any state but active, a node MUST NOT write UNLINK_ID.
            _ => false,
        }
    }

    /// Unlinks for the local process, which ends the link at once. Returns its pids, and the side whose place becomes
    /// free when the peer is told.
    pub(super) fn take_active(&mut self, ends: Ends) -> Option<(Pids, Asker)> {
        let Entry::Occupied(link) = self.links.entry(ends) else { return None };
        if link.get().state != State::Active {
            return None;
        }
        let Link { asker, pids, .. } = link.remove();
        Some((pids, asker?))
    }

    /// Handles an EXIT.
    pub(super) fn on_exit(&mut self, ends: Ends, tally: &mut Tally) -> Ended {
        match self.links.get_mut(&ends) {
            //= spec/session.md#ses-lnk-028
            //# A node MUST ignore an EXIT that it reads before the UNLINK_ACK of its last UNLINK_ID for the same
            //# pair.
            Some(link) if link.is_outstanding() => {
                // The place of a link that the peer had made is free at the peer from now on, and can be taken again.
                // The place of a link made here is not: the EXIT may be older than a LINK that the peer has yet to
                // read.
                if let Some(asker) = link.asker.take_if(|asker| *asker == Asker::Peer) {
                    tally.give_back(asker);
                    self.placeless += 1;
                }
                Ended::Nothing
            }
            _ => self.on_end(ends, tally),
        }
    }

    /// Handles an EXIT, UNLINK_ID or UNLINK.
    fn on_end(&mut self, ends: Ends, tally: &mut Tally) -> Ended {
        match self.close_if(ends, tally, |state| !matches!(state, State::Unlinking(_) | State::Over)) {
            //= spec/session.md#ses-lnk-022
            //# A node that reads an UNLINK_ID in state active or ending MUST enter state none.
            Some((state, _)) => Ended::of(&state),
            //= spec/session.md#ses-lnk-017
            //# A node that reads an EXIT in state none MUST ignore it.
            //= spec/session.md#ses-lnk-023
            //# A node that reads an UNLINK_ID in state unlinking MUST stay in that state.
            None => Ended::Nothing,
        }
    }

    /// Handles an UNLINK_ID or UNLINK for a link that a LINK of ours may still make again: its place stays.
    fn on_end_before(&mut self, ends: Ends) -> Option<Ended> {
        let link = self
            .links
            .get_mut(&ends)
            .filter(|link| link.unacknowledged().is_some() || link.state == State::Over)?;
        Some(Ended::of(&std::mem::replace(&mut link.state, State::Over)))
    }

    /// Handles an UNLINK.
    pub(super) fn on_unlink(&mut self, ends: Ends, tally: &mut Tally) -> Ended {
        self.on_end_before(ends).unwrap_or_else(|| self.on_end(ends, tally))
    }

    /// Handles an UNLINK_ID. Its acknowledgement may hold a place: the peer counts a link of this node until it has
    /// read the acknowledgement, and a LINK of another process could overtake that.
    pub(super) fn on_unlink_id(&mut self, ends: Ends, tally: &mut Tally) -> (Ended, Place) {
        if let Some(ended) = self.on_end_before(ends) {
            return (ended, self.answer(ends));
        }
        let Some(link) = self.links.get_mut(&ends) else { return (Ended::Nothing, Place::None) };
        let place = link.asker.take_if(|asker| *asker == Asker::Here);
        self.placeless += usize::from(place.is_some());
        (self.on_end(ends, tally), if place.is_some() { Place::Held } else { Place::None })
    }

    /// Queues the answer to a LINK or an unlink: a place that is kept for the link waits for the answer as well.
    pub(super) fn answer(&mut self, ends: Ends) -> Place {
        match self.links.get_mut(&ends) {
            Some(link) if link.state == State::Over => {
                link.await_other(|awaited| awaited.answers = awaited.answers.saturating_add(1));
                Place::Kept
            }
            _ => Place::None,
        }
    }

    /// Records that an answer has been written.
    pub(super) fn answered(&mut self, ends: Ends, place: Place, tally: &mut Tally) {
        match place {
            Place::None => {}
            Place::Held => tally.give_back(Asker::Here),
            Place::Kept => {
                if let Some(link) = self.links.get_mut(&ends) {
                    link.await_other(|awaited| awaited.answers = awaited.answers.saturating_sub(1));
                    self.settle(ends, tally);
                }
            }
        }
    }

    /// Handles an UNLINK_ACK. Returns `false` if it answers no outstanding unlink.
    pub(super) fn on_unlink_ack(&mut self, ends: Ends, id: u64, tally: &mut Tally) -> bool {
        //= spec/session.md#ses-lnk-019
        //# A node that reads UNLINK_ACK n in state unlinking n MUST enter state none.
        if let Some(link) = self.links.get_mut(&ends)
            && link.unacknowledged() == Some(id)
        {
            link.await_other(|awaited| awaited.unlink = None);
            self.settle(ends, tally);
            return false;
        }
        self.close_if(ends, tally, |state| *state == State::Unlinking(id)).is_some()
    }

    /// Handles the end of a local process: each of its active links now owes an exit, and is passed to `owes`.
    pub(super) fn process_ended(&mut self, local: u64, reason: &Reason, mut owes: impl FnMut(Ends)) {
        for (ends, link) in self.links.range_mut((local, 0)..=(local, u64::MAX)) {
            //= spec/session.md#ses-lnk-008
            //# When a process has ended, a node MUST write one EXIT with the reason of that end for each of
            //# its links that was active, unless SES-LNK-010 forbids it.
            //= spec/session.md#ses-lnk-009
            //# When a process has ended, a node MUST NOT write an EXIT for a link in state unlinking.
            if link.state == State::Active {
                link.state = State::Owed(Box::new(reason.clone()));
                owes(*ends);
            }
        }
    }

    /// Takes the exit that a link owes, to be written now. `None` if the peer has ended the link in the meantime.
    pub(super) fn take_owed(&mut self, ends: Ends, tally: &mut Tally) -> Option<(Reason, Pids)> {
        match self.close_if(ends, tally, |state| matches!(state, State::Owed(_))) {
            Some((State::Owed(reason), pids)) => Some((*reason, pids)),
            _ => None,
        }
    }

    /// Removes all links, because the session has ended, and returns the ends of those that were active. All others
    /// end silently.
    pub(super) fn take_all_active(&mut self) -> Vec<Ends> {
        let Self { links, .. } = std::mem::take(self);
        //= spec/session.md#ses-end-002
        //# When a session ends, a node MUST NOT bring an exit signal for a link in state unlinking.
        links.into_iter().filter(|(_, link)| link.state == State::Active).map(|(ends, _)| ends).collect()
    }

    /// Returns the number of unlinks that the peer has not acknowledged and whose places have been given back.
    pub(super) const fn placeless(&self) -> usize {
        self.placeless
    }

    /// Returns the number of links in any state, without those of which only a place is kept.
    pub(super) fn count(&self) -> usize {
        self.links.values().filter(|link| link.state != State::Over).count()
    }

    fn open(&mut self, ends: Ends, pids: Pids, asker: Asker, tally: &mut Tally) -> Linked {
        if !tally.take_for_link(asker) {
            return Linked::Full;
        }
        self.links.insert(ends, Link::new(asker, pids, State::Active));
        Linked::Now
    }

    /// Gives the place of a link that is over back, unless something is still awaited.
    fn settle(&mut self, ends: Ends, tally: &mut Tally) {
        if let Entry::Occupied(link) = self.links.entry(ends)
            && let Link { state: State::Over, awaited: None, .. } = link.get()
            && let Some(asker) = link.remove().asker
        {
            tally.give_back(asker);
        }
    }

    /// Removes the link if `is_over` accepts its state. Returns that state, and the pids.
    fn close_if(
        &mut self,
        ends: Ends,
        tally: &mut Tally,
        is_over: impl FnOnce(&State) -> bool,
    ) -> Option<(State, Pids)> {
        let Entry::Occupied(link) = self.links.entry(ends) else { return None };
        if !is_over(&link.get().state) {
            return None;
        }
        //= spec/session.md#ses-lnk-026
        //# A node MUST NOT give a process more than one exit signal for one link.
        let Link { asker, pids, state, .. } = link.remove();
        match asker {
            Some(asker) => tally.give_back(asker),
            None => self.placeless -= 1,
        }
        Some((state, pids))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: Ends = (1, 2);
    const PIDS: Pids = Pids::new(WirePid::from_bits(1), WirePid::from_bits(2));

    fn links(state: Option<State>) -> (Links, Tally) {
        let (mut links, mut tally) = (Links::default(), Tally::new(1, 1, 1));
        if let Some(state) = state {
            assert!(tally.take(Asker::Here));
            links.links.insert(ENDS, Link::new(Asker::Here, PIDS, state));
        }
        (links, tally)
    }

    fn state(links: &Links) -> Option<State> {
        links.links.get(&ENDS).map(|link| link.state.clone())
    }

    const ACTIVE: Option<State> = Some(State::Active);
    const UNLINKING: Option<State> = Some(State::Unlinking(7));

    fn owed() -> Option<State> {
        Some(State::Owed(Box::new(Reason::Killed)))
    }

    //= spec/session.md#ses-lnk-014
    //= type=test
    //# A node that reads a LINK in state unlinking or ending MUST ignore it.
    #[test]
    fn every_state_against_every_event() {
        type Event = fn(&mut Links, &mut Tally) -> bool;
        let link: Event = |links, tally| links.link(ENDS, PIDS, tally) == Linked::Now;
        let on_link: Event = |links, tally| links.on_link(ENDS, PIDS, tally) == Linked::Now;
        let unlink: Event = |links, _| links.unlink(ENDS, 7);
        let on_ack: Event = |links, tally| links.on_unlink_ack(ENDS, 7, tally);
        let on_old_ack: Event = |links, tally| links.on_unlink_ack(ENDS, 6, tally);
        let on_end: Event = |links, tally| links.on_end(ENDS, tally) != Ended::Nothing;
        let ended: Event = |links, _| {
            let mut owes = false;
            links.process_ended(1, &Reason::Killed, |_| owes = true);
            owes
        };
        let written: Event = |links, tally| links.take_owed(ENDS, tally).is_some();

        // before, event, whether it acts, after
        for (line, (before, event, acts, after)) in [
            (None, link, true, ACTIVE),
            (ACTIVE, link, false, ACTIVE),
            (UNLINKING, link, true, ACTIVE),
            (owed(), link, false, owed()),
            (None, on_link, true, ACTIVE),
            (ACTIVE, on_link, false, ACTIVE),
            (UNLINKING, on_link, false, UNLINKING),
            (owed(), on_link, false, owed()),
            (None, unlink, false, None),
            (ACTIVE, unlink, true, UNLINKING),
            (UNLINKING, unlink, false, UNLINKING),
            (owed(), unlink, false, owed()),
            (None, on_ack, false, None),
            (ACTIVE, on_ack, false, ACTIVE),
            (UNLINKING, on_ack, true, None),
            (UNLINKING, on_old_ack, false, UNLINKING),
            (owed(), on_ack, false, owed()),
            (None, on_end, false, None),
            (ACTIVE, on_end, true, None),
            (UNLINKING, on_end, false, UNLINKING),
            (owed(), on_end, true, None),
            (None, ended, false, None),
            (ACTIVE, ended, true, owed()),
            (UNLINKING, ended, false, UNLINKING),
            (owed(), ended, false, owed()),
            (None, written, false, None),
            (ACTIVE, written, false, ACTIVE),
            (UNLINKING, written, false, UNLINKING),
            (owed(), written, true, None),
        ]
        .into_iter()
        .enumerate()
        {
            let (mut links, mut tally) = links(before.clone());
            assert_eq!(event(&mut links, &mut tally), acts, "line {line}, from {before:?}");
            assert_eq!(state(&links), after, "line {line}, from {before:?}");
            let held = if after.is_some() { 1 } else { 0 };
            assert_eq!(
                tally.held(Asker::Here) + tally.held(Asker::Peer),
                held,
                "line {line}, from {before:?}"
            );
        }
    }

    #[test]
    fn an_exit_before_the_acknowledgement_changes_nothing_but_a_place_of_the_peer() {
        for asker in [Asker::Here, Asker::Peer] {
            let mut tally = Tally::new(1, 1, 1);
            let mut links = Links::default();
            assert_eq!(links.open(ENDS, PIDS, asker, &mut tally), Linked::Now);
            assert!(links.unlink(ENDS, 7));
            assert_eq!(links.on_exit(ENDS, &mut tally), Ended::Nothing);
            assert_eq!((state(&links), links.placeless()), (UNLINKING, usize::from(asker == Asker::Peer)));
            assert_eq!(
                (tally.held(Asker::Here), tally.held(Asker::Peer)),
                (u32::from(asker == Asker::Here), 0)
            );
            assert_eq!(links.link(ENDS, PIDS, &mut tally), Linked::Now);
            assert_eq!(links.on_exit(ENDS, &mut tally), Ended::Nothing);
            assert_eq!((state(&links), links.placeless()), (ACTIVE, 0));
            assert_eq!((tally.held(Asker::Here), tally.held(Asker::Peer)), (1, 0));
            assert!(!links.on_unlink_ack(ENDS, 7, &mut tally));
            assert_eq!(links.on_exit(ENDS, &mut tally), Ended::Active);
            assert_eq!((tally.held(Asker::Here), tally.held(Asker::Peer)), (0, 0));
        }
    }

    #[test]
    fn only_active_links_outlive_their_session_as_signals() {
        let mut tally = Tally::new(10, 10, 1);
        let mut links = Links::default();
        for local in 1..=3 {
            links.link((local, 9), PIDS, &mut tally);
        }
        links.unlink((2, 9), 1);
        links.process_ended(3, &Reason::Normal, |_| ());
        assert_eq!(links.take_all_active(), [(1, 9)]);
        assert_eq!(links.count(), 0);
    }

    #[test]
    fn who_links_again_holds_the_link_against_its_own_bound() {
        let mut tally = Tally::new(1, 1, 1);
        let mut links = Links::default();
        assert_eq!(links.on_link((1, 1), PIDS, &mut tally), Linked::Now);
        assert!(links.unlink((1, 1), 7));
        assert_eq!(links.link((1, 1), PIDS, &mut tally), Linked::Now);
        assert_eq!((tally.held(Asker::Here), tally.held(Asker::Peer)), (1, 0));
        assert!(links.unlink((1, 1), 8));
        assert_eq!(links.link((1, 1), PIDS, &mut tally), Linked::Now);
        assert_eq!(links.on_link((1, 2), PIDS, &mut tally), Linked::Now);
        assert!(links.unlink((1, 2), 9));
        assert_eq!(links.link((1, 2), PIDS, &mut tally), Linked::Full);
        assert_eq!((tally.held(Asker::Here), tally.held(Asker::Peer)), (1, 1));
    }

    #[test]
    fn each_side_has_a_bound_of_its_own() {
        let mut tally = Tally::new(1, 1, 1);
        let mut links = Links::default();
        assert_eq!(links.link((1, 1), PIDS, &mut tally), Linked::Now);
        assert_eq!(links.link((1, 2), PIDS, &mut tally), Linked::Full);
        assert_eq!(links.on_link((1, 3), PIDS, &mut tally), Linked::Now);
        assert_eq!(links.on_link((1, 4), PIDS, &mut tally), Linked::Full);
    }
}
