//! What is different in a session of version 1. Specification: `version1.md`.
//!
//! A version 1 node finds a process of its own by node id 0 and creation 0 alone, and one of this node by the node id
//! that it has given this session, *k*. It does not say k: it writes it, once somebody has given it a pid with k.
//!
//! It answers no LINK to a dead process, so that a monitor stands beside each link of this node. It keeps monitors by
//! number alone, in one table for all its peers, so that numbers are random here. UNLINK has no acknowledgement.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::num::NonZeroU16;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use snow_dist_codec::{Frame, Pid as WirePid};

use super::links::{Ended, Ends};
use super::outbox::Owed;
use super::tally::Asker;
use super::wire::Ours;
use super::{Ending, NotMade, Session};
use crate::core::limits::VERSION_1_HOPS_MAX;
use crate::core::{Chain, NodeNumber, Pid, Processes, Reason};

/// The state of a session that only version 1 needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Version1 {
    /// k: the node id of this node at the peer.
    //= spec/version1.md#v1-lrn-003
    //= type=implication
    //= reason=it goes with the session, and nothing else holds it
    //# A node MUST forget k when the session ends.
    node_id: Option<NonZeroU16>,
    numbers: Numbers,
}

/// What a monitor of this node is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// Its process watches, under this reference.
    Watch(u64),
    /// It stands beside a link.
    Link(Ends),
}

impl Version1 {
    pub(super) const fn new(node_id: Option<NonZeroU16>, seed: [u8; 32]) -> Self {
        Self { node_id, numbers: Numbers::new(seed) }
    }

    /// k, where it can be written only if it is known.
    pub(super) fn node_id(&self) -> u16 {
        self.node_id.map_or(WirePid::NODE_UNKNOWN, NonZeroU16::get)
    }

    /// Takes from a frame what it teaches; false if it is none of version 1.
    fn hears(&mut self, frame: &Frame<'_>) -> bool {
        //= spec/version1.md#v1-lrn-001
        //# A node MUST take k from the first node id other than 0 in `to` of a SEND, LINK, UNLINK, MONITOR or
        //# DEMONITOR of the session.
        let to = match frame {
            Frame::Send(send) => send.to,
            Frame::Link(link) => link.to,
            Frame::Unlink(unlink) => unlink.to,
            Frame::Monitor(monitor) => monitor.to,
            Frame::Demonitor(demonitor) => demonitor.to,
            //= spec/version1.md#v1-lrn-002
            //# A node MUST NOT take k from any other field.
            other => return other.tag().is_none_or(|tag| !VERSION_2_TAGS.contains(&tag)),
        };
        if self.node_id.is_none() {
            self.node_id = NonZeroU16::new(to.node());
        }
        true
    }

    /// Reads a field whose owner is the receiver: this node, which has announced `creation`.
    pub(super) fn read_ours(&self, field: &str, pid: WirePid, creation: u8) -> Result<Ours, Ending> {
        let node = pid.node();
        //= spec/version1.md#v1-pid-007
        //# A node MUST end a session in which a pid whose owner is the receiver has a node id that is neither
        //# 0 nor k.
        if node != 0 && self.node_id.is_none_or(|known| known.get() != node) {
            let known =
                self.node_id.map_or_else(|| "is not known yet".to_owned(), |known| format!("is {known}"));
            return Err(Ending::Protocol(format!(
                "`{field}` has node id {node}, and the node id of this node at the peer {known}"
            )));
        }
        //= spec/version1.md#v1-pid-005
        //# A node MUST read a pid whose owner is the receiver as its own process of that local id if the node
        //# id is 0 or k and the creation is 0, 1 or its own.
        let is_ours = pid.creation() <= 1 || pid.creation() == creation;
        //= spec/version1.md#v1-pid-006
        //# A node MUST read a pid whose owner is the receiver and whose creation is another one as a process
        //# that does not exist.
        Ok(if is_ours { Ours::Process(pid.local()) } else { Ours::Stale })
    }

    /// The node and the creation of a hop's process, as this node sees them; `ours` and `theirs` are those of the two
    /// ends.
    pub(super) fn hop_here(&self, hop: WirePid, ours: u8, (peer, theirs): (NodeNumber, u8)) -> Pid {
        //= spec/version1.md#v1-pid-010
        //# A node MUST read a hop with node id 0 as a process of the peer, one with node id k as its own, and
        //# every other as a process of a node it cannot name.
        let (node, creation) = match NonZeroU16::new(hop.node()) {
            None => (peer, theirs),
            known if known == self.node_id && hop.creation() <= 1 => (NodeNumber::HERE, ours),
            known if known == self.node_id => (NodeNumber::HERE, hop.creation()),
            Some(_) => (NodeNumber::UNKNOWN, hop.creation()),
        };
        Pid::new(node, creation, hop.local())
    }
}

/// The tags that are version 2's own.
const VERSION_2_TAGS: std::ops::RangeInclusive<u8> = 0x80..=0x9F;

/// Reads a field whose owner is the sender: the peer. `None` if it cannot be a process of the peer.
pub(super) fn read_theirs(pid: WirePid) -> Option<u64> {
    //= spec/version1.md#v1-pid-008
    //# A node MUST ignore a frame with a pid whose owner is the sender unless its node id is 0 and its creation
    //# is 0 or 1.
    (pid.node() == 0 && pid.creation() <= 1).then_some(pid.local())
}

/// A reason as they can read it.
pub(super) fn readable(reason: &Reason) -> Cow<'_, Reason> {
    match reason {
        Reason::Linked(chain)
            if chain.hops.len() > VERSION_1_HOPS_MAX || matches!(chain.root, Reason::Unknown(_)) =>
        {
            //= spec/version1.md#v1-rsn-001
            //# A node MUST NOT write a reason of more than 256 hops.
            let hops = chain.hops.iter().take(VERSION_1_HOPS_MAX).copied().collect();
            Cow::Owned(Reason::Linked(Arc::new(Chain { hops, root: readable(&chain.root).into_owned() })))
        }
        //= spec/version1.md#v1-rsn-002
        //# A node MUST NOT write a root whose tag is above 6.
        Reason::Unknown(_) => Cow::Owned(Reason::error("unknown")),
        other => Cow::Borrowed(other),
    }
}

/// The numbers of this node's monitors, which are random, and what each of them is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Numbers {
    seed: [u8; 32],
    drawn: u64,
    purposes: BTreeMap<u64, Purpose>,
    numbers: BTreeMap<Purpose, u64>,
}

impl Numbers {
    const fn new(seed: [u8; 32]) -> Self {
        Self { seed, drawn: 0, purposes: BTreeMap::new(), numbers: BTreeMap::new() }
    }

    /// The number of the monitor for this purpose, a new one if there is none.
    fn take(&mut self, purpose: Purpose) -> u64 {
        if let Some(number) = self.numbers.get(&purpose) {
            return *number;
        }
        loop {
            let number = self.draw();
            if let Entry::Vacant(free) = self.purposes.entry(number) {
                free.insert(purpose);
                self.numbers.insert(purpose, number);
                return number;
            }
        }
    }

    fn give_back(&mut self, number: u64) -> Option<Purpose> {
        let purpose = self.purposes.remove(&number)?;
        self.numbers.remove(&purpose);
        Some(purpose)
    }

    /// Numbers that nobody can tell from random ones, of random bytes that were handed in.
    //= spec/version1.md#v1-mon-001
    //# A node MUST take each `ref` of a MONITOR from a random source of 64 bits.
    fn draw(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        let digest = Sha256::new().chain_update(self.seed).chain_update(self.drawn.to_ne_bytes()).finalize();
        let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = digest.into();
        u64::from_ne_bytes([a, b, c, d, e, f, g, h])
    }
}

impl Session {
    /// Whether the version of the session has this frame; if not, it is counted.
    #[inline]
    pub(super) fn hears(&mut self, frame: &Frame<'_>) -> bool {
        let Some(version_1) = self.wire.version_1_mut() else { return true };
        let hears = version_1.hears(frame);
        //= spec/version1.md#v1-tag-002
        //# A node MUST ignore a frame with a tag from `80` to `9F` in a session of version 1.
        self.counts.unknown += u64::from(!hears);
        hears
    }

    /// Whether a link or a monitor can be asked for. Answers need no k.
    #[inline]
    pub(super) fn check_node_id(&self) -> Result<(), NotMade> {
        match self.wire.version_1() {
            //= spec/version1.md#v1-lrn-004
            //# A node MUST NOT write LINK or MONITOR while it does not know k.
            //= spec/version1.md#v1-lrn-005
            //= type=implication
            //= reason=nothing else asks whether k is known; the answers' pids are those of the questions
            //# A node MUST answer LINK and MONITOR of the peer whether it knows k or not.
            Some(Version1 { node_id: None, .. }) => Err(NotMade::NodeIdUnknown),
            _ => Ok(()),
        }
    }

    /// The number of the monitor for a purpose on the wire. In version 2 it is that by which its process knows it.
    #[inline]
    pub(super) fn number_of(&mut self, reference: u64) -> u64 {
        self.wire.version_1_mut().map_or(reference, |one| one.numbers.take(Purpose::Watch(reference)))
    }

    /// The same of a monitor that there may be.
    pub(super) fn number_known(&self, reference: u64) -> Option<u64> {
        match self.wire.version_1() {
            Some(one) => one.numbers.numbers.get(&Purpose::Watch(reference)).copied(),
            None => Some(reference),
        }
    }

    /// What the monitor of this number was for, now that it is over. Every monitor of version 2 is for its process.
    #[inline]
    pub(super) fn monitor_over(&mut self, number: u64) -> Purpose {
        let purpose = self.wire.version_1_mut().and_then(|one| one.numbers.give_back(number));
        purpose.unwrap_or(Purpose::Watch(number))
    }

    /// A link has been made here: in version 1 a monitor stands beside it, whose place the link has taken.
    pub(super) fn watch_link(&mut self, ends: Ends) {
        let Some(one) = self.wire.version_1_mut() else { return };
        let ((local, remote), reference) = (ends, one.numbers.take(Purpose::Link(ends)));
        self.watching.add(reference, self.wire.ours(local), self.wire.theirs(remote));
        //= spec/version1.md#v1-lnk-001
        //# A node MUST write a MONITOR of the same two processes behind each LINK.
        self.outbox.signal(local, Owed::Monitor { reference, local, remote });
    }

    /// The number of the monitor beside a link, if there is one.
    #[inline]
    fn beside(&self, ends: Ends) -> Option<u64> {
        self.wire.version_1()?.numbers.numbers.get(&Purpose::Link(ends)).copied()
    }

    /// A link has ended that the peer goes on watching for this node, if there is a monitor beside it.
    pub(super) fn unwatch_link(&mut self, ends: Ends) {
        if let Some(number) = self.beside(ends)
            && let Some(monitor) = self.watching.take(number)
        {
            self.demonitored(number, &monitor);
        }
    }

    /// A link has ended by its EXIT: the monitor beside it will be answered, or has been.
    #[inline]
    pub(super) fn link_exited(&mut self, ends: Ends) {
        if let Some(number) = self.beside(ends)
            && self.watching.take(number).is_some()
        {
            self.monitor_over(number);
            self.tally.give_back(Asker::Here);
        }
    }

    /// The monitor beside a link has ended, and with it the link.
    //= spec/version1.md#v1-lnk-002
    //# A node MUST give one exit signal for a link, by EXIT or by the MONITOR_EXIT of the monitor beside it,
    //# whichever comes first.
    pub(super) fn on_monitor_beside(
        &mut self,
        ends @ (local, remote): Ends,
        reason: Reason,
        processes: &mut impl Processes,
    ) {
        if self.links.on_exit(ends, &mut self.tally) == Ended::Active {
            processes.exit(local, self.wire.theirs_here(remote), reason);
        }
    }

    /// Ends a link for good: in version 1 nobody acknowledges that.
    pub(super) fn unlink_at_once(&mut self, ends: Ends) {
        if let Some((pids, asker)) = self.links.take_active(ends) {
            let frees = asker == Asker::Here;
            if !frees {
                self.tally.give_back(asker);
            }
            let (from, to) = pids.of(ends);
            self.outbox.signal(ends.0, Owed::Unlink { from, to, frees });
            //= spec/version1.md#v1-lnk-003
            //# A node MUST write DEMONITOR for the monitor beside a link, if there is one, when it writes
            //# UNLINK.
            self.unwatch_link(ends);
        }
    }
}
