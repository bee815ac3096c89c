//! The differences of a session of version 1. Specification: `version1.md`.
//!
//! In a pid that it reads, a version 1 node recognizes a process of its own only by node id 0 and creation 0, and a
//! process of this node only by the node id that it has given this session, *k*. It does not announce k. It writes k
//! only after it has been given a pid with k.
//!
//! A version 1 node does not answer a LINK to a dead process, so this node adds a monitor beside each of its links. A
//! version 1 node keeps monitors by number alone, in one table for all its peers, so this node draws the numbers at
//! random. UNLINK has no acknowledgement.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::num::NonZeroU16;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use snow_dist_codec::{Frame, Pid as WirePid};

use super::links::{Ended, Ends};
use super::monitors::{Kind, Monitor};
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
    /// Set if the peer has written k itself.
    confirmed: bool,
    /// The last frame for another node, until it is taken.
    misrouted: Option<Misrouted>,
    /// The payload of the PING that asks for a use of the session, once it is written.
    asked: Option<[u8; 8]>,
    /// Set if that PING is answered.
    answered: bool,
    /// Set if the peer has shown that it uses the session, until that is taken.
    used: bool,
    numbers: Numbers,
}

/// A frame of a version 1 peer whose receiver is, by its node id, a process of another node.
///
/// Either the peer has routed the frame wrongly, or a third node has given the peer a wrong node id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Misrouted {
    /// The node id in the frame.
    pub node_id: NonZeroU16,
    /// The node id by which the peer knows this node, or `None` if it is not known.
    pub own: Option<NonZeroU16>,
}

/// The treatment of a frame of the peer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hears {
    /// It is handled.
    This,
    /// The version has no such frame.
    Unknown,
    /// It is for another node.
    Misrouted,
}

/// The purpose of a monitor of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// Its process watches, under this reference.
    Watch(u64),
    /// It stands beside a link.
    Link(Ends),
}

impl Version1 {
    pub(super) const fn new(node_id: Option<NonZeroU16>, seed: [u8; 32]) -> Self {
        Self {
            node_id,
            confirmed: false,
            misrouted: None,
            asked: None,
            answered: false,
            used: false,
            numbers: Numbers::new(seed),
        }
    }

    /// Returns k, for frames that are written only if it is known.
    pub(super) fn node_id(&self) -> u16 {
        self.node_id.map_or(WirePid::NODE_UNKNOWN, NonZeroU16::get)
    }

    /// Learns k from a frame, and decides whether the frame is one for this node in this version.
    fn hears(&mut self, frame: &Frame<'_>) -> Result<Hears, Ending> {
        let (to, teaches) = match frame {
            Frame::Send(send) => (send.to, true),
            Frame::Link(link) => (link.to, true),
            Frame::Unlink(unlink) => (unlink.to, true),
            Frame::Monitor(monitor) => (monitor.to, true),
            Frame::Demonitor(demonitor) => (demonitor.to, true),
            //= spec/version1.md#v1-lrn-002
            //# A node MUST NOT take k from any other field.
            Frame::Exit(exit) => (exit.to, false),
            Frame::MonitorExit(exit) => (exit.monitoring, false),
            other if other.tag().is_some_and(|tag| VERSION_2_TAGS.contains(&tag)) => {
                return Ok(Hears::Unknown);
            }
            _ => return Ok(Hears::This),
        };
        let Some(node_id) = NonZeroU16::new(to.node()) else { return Ok(Hears::This) };
        if teaches && !self.confirmed {
            self.learn(node_id)?;
        }
        if self.node_id == Some(node_id) {
            return Ok(Hears::This);
        }
        //= spec/version1.md#v1-pid-012
        //# A node MUST ignore a frame with a pid whose owner is the receiver and whose node id is neither 0 nor k,
        //# but for V1-LRN-006.
        self.misrouted = Some(Misrouted { node_id, own: self.node_id });
        Ok(Hears::Misrouted)
    }

    /// Learns k from the first node id that the peer has written for this node.
    fn learn(&mut self, node_id: NonZeroU16) -> Result<(), Ending> {
        //= spec/version1.md#v1-lrn-001
        //# A node MUST take k from the first node id other than 0 in `to` of a SEND, LINK, UNLINK, MONITOR or
        //# DEMONITOR of the session.
        let said = *self.node_id.get_or_insert(node_id);
        self.confirmed = true;
        //= spec/version1.md#v1-lrn-006
        //# A node whose operator has said k MUST end the session if the node id of V1-LRN-001 is another one.
        if said != node_id {
            return Err(Ending::Protocol(format!(
                "the node id of this node at the peer was set to {said}, and the peer writes {node_id}"
            )));
        }
        Ok(())
    }

    /// Reads a receiver field, which names a process of this node. `creation` is what this node has announced.
    /// [`Version1::hears`] has checked that the node id is 0 or k.
    pub(super) fn read_ours(pid: WirePid, creation: u8) -> Ours {
        //= spec/version1.md#v1-pid-005
        //# A node MUST read a pid whose owner is the receiver, with node id 0 or k and creation 0, 1 or c, as
        //# its own process of that local id.
        //= spec/version1.md#v1-pid-006
        //# A node MUST read a pid whose owner is the receiver, with another creation, as a process that does
        //# not exist.
        if is_of(pid, creation) { Ours::Process(pid.local()) } else { Ours::Stale }
    }

    /// Returns a hop's process, as this node sees it. `ours` and `theirs` are the creations of the two ends.
    pub(super) fn hop_here(&self, hop: WirePid, ours: u8, (peer, theirs): (NodeNumber, u8)) -> Pid {
        //= spec/version1.md#v1-pid-013
        //# A node MUST read a hop with node id 0 and creation 0 or 1 as a process of the peer, one with k and
        //# creation 0, 1 or c as an own one, and any other as one of a node that it cannot name.
        let (node, creation) = match NonZeroU16::new(hop.node()) {
            None if hop.creation() <= 1 => (peer, theirs),
            Some(node_id) if Some(node_id) == self.node_id && is_of(hop, ours) => (NodeNumber::HERE, ours),
            _ => (NodeNumber::UNKNOWN, hop.creation()),
        };
        Pid::new(node, creation, hop.local())
    }
}

/// The tags that only version 2 has.
const VERSION_2_TAGS: std::ops::RangeInclusive<u8> = 0x80..=0x9F;

//= spec/version1.md#v1-elc-005
//# A node MUST take a SEND, REG_SEND, UNLINK, EXIT, MONITOR, DEMONITOR, SPAWN, GLOBAL_REGISTER, GLOBAL_UNREGISTER or
//# ROOM_BROADCAST behind the PONG that answers the PING, and nothing else, for a sign that a version 1 peer uses a
//# session.
/// Returns `true` if a node writes this frame only when it finds the session by its name or its node id. All other
/// frames are written by its reader or its heartbeat alone, even on a connection that is no longer in any table.
const fn shows_use(frame: &Frame<'_>) -> bool {
    matches!(
        frame,
        Frame::Send(_)
            | Frame::RegSend(_)
            | Frame::Unlink(_)
            | Frame::Exit(_)
            | Frame::Monitor(_)
            | Frame::Demonitor(_)
            | Frame::Spawn(_)
            | Frame::GlobalRegister(_)
            | Frame::GlobalUnregister(_)
            | Frame::RoomBroadcast(_)
    )
}

/// Returns `true` if a pid can be of the start of a node that has announced `creation`. Version 1 nodes write 0 or 1
/// where they were given none.
fn is_of(pid: WirePid, creation: u8) -> bool {
    pid.creation() <= 1 || pid.creation() == creation
}

/// Reads a sender field. Returns `None` if it cannot be a process of the peer.
pub(super) fn read_theirs(pid: WirePid) -> Option<u64> {
    //= spec/version1.md#v1-pid-008
    //# A node MUST ignore a frame with a pid whose owner is the sender unless its node id is 0 and its creation
    //# is 0 or 1.
    (pid.node() == 0 && pid.creation() <= 1).then_some(pid.local())
}

/// Returns a reason in a form that version 1 nodes can read.
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

/// The numbers of this node's monitors, which are random, each with its purpose.
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

    /// Returns the number of the monitor for this purpose, or a new one if there is none.
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

    /// Draws a number that cannot be distinguished from a random one, from random bytes that were passed in.
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
    /// Returns `true` if a frame is to be handled, as far as the version decides that. If not, it is counted.
    #[inline]
    pub(super) fn hears(&mut self, frame: &Frame<'_>) -> Result<bool, Ending> {
        let Some(version_1) = self.wire.version_1_mut() else { return Ok(true) };
        let hears = version_1.hears(frame)?;
        //= spec/version1.md#v1-tag-002
        //# A node MUST ignore a frame with a tag from `80` to `9F` in a session of version 1.
        self.counts.unknown += u64::from(hears == Hears::Unknown);
        self.counts.misrouted += u64::from(hears == Hears::Misrouted);
        self.look_for_use(frame);
        Ok(hears == Hears::This)
    }

    /// Looks for a use of the session, if a probe has asked for it. What the peer wrote before it dialled again shows
    /// nothing, and comes before the PONG.
    fn look_for_use(&mut self, frame: &Frame<'_>) {
        if !self.heartbeat.asks_for_use() {
            return;
        }
        let Some(one) = self.wire.version_1_mut() else { return };
        match frame {
            Frame::Pong(pong) => one.answered |= one.asked == Some(*pong.payload),
            frame if one.answered && shows_use(frame) => {
                (one.asked, one.answered) = (None, false);
                one.used = self.heartbeat.used();
            }
            _ => {}
        }
    }

    /// Begins to ask for a sign. An answer to an earlier PING does not answer the one that is written now.
    pub(super) fn asked_anew(&mut self) {
        if let Some(one) = self.wire.version_1_mut() {
            (one.asked, one.answered, one.used) = (None, false, false);
        }
    }

    /// Records that a PING is written.
    pub(super) fn pinged(&mut self) {
        if self.heartbeat.asks_for_use()
            && let Some(one) = self.wire.version_1_mut()
        {
            one.asked.get_or_insert(self.ping);
        }
    }

    /// Returns `true` if, since the last call, a frame has shown that the peer uses the session. Only frames that
    /// answer a [`Session::probe`] for [`Sign::Use`](crate::core::peers::Sign::Use) count.
    pub fn take_use(&mut self) -> bool {
        self.wire.version_1_mut().is_some_and(|one| std::mem::take(&mut one.used))
    }

    /// Returns the last frame that was for another node, or `None` if there has been none since the last call.
    pub fn take_misrouted(&mut self) -> Option<Misrouted> {
        self.wire.version_1_mut()?.misrouted.take()
    }

    /// Checks that a link or a monitor can be asked for. Answers need no k.
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

    /// Returns the number of the monitor for a purpose on the wire. In version 2, this is the number by which the
    /// local process knows the monitor.
    #[inline]
    pub(super) fn number_of(&mut self, reference: u64) -> u64 {
        self.wire.version_1_mut().map_or(reference, |one| one.numbers.take(Purpose::Watch(reference)))
    }

    /// Returns the number of a monitor on the wire, if there is such a monitor.
    pub(super) fn number_known(&self, reference: u64) -> Option<u64> {
        match self.wire.version_1() {
            Some(one) => one.numbers.numbers.get(&Purpose::Watch(reference)).copied(),
            None => Some(reference),
        }
    }

    /// Returns the purpose of the monitor with this number, which is over. In version 2 every monitor is for its
    /// process.
    #[inline]
    pub(super) fn monitor_over(&mut self, number: u64) -> Purpose {
        let purpose = self.wire.version_1_mut().and_then(|one| one.numbers.give_back(number));
        purpose.unwrap_or(Purpose::Watch(number))
    }

    /// Adds the monitor that stands beside a link made here in version 1. The link has taken the place for it.
    pub(super) fn watch_link(&mut self, ends: Ends) {
        let Some(one) = self.wire.version_1_mut() else { return };
        let ((local, remote), reference) = (ends, one.numbers.take(Purpose::Link(ends)));
        self.watching
            .add(reference, Monitor::new(self.wire.ours(local), self.wire.theirs(remote), Kind::Watch));
        //= spec/version1.md#v1-lnk-001
        //# A node MUST write a MONITOR of the same two processes behind each LINK.
        self.outbox.signal(local, Owed::Monitor { reference, local, remote });
    }

    /// Returns the number of the monitor beside a link, if there is one.
    #[inline]
    fn beside(&self, ends: Ends) -> Option<u64> {
        self.wire.version_1()?.numbers.numbers.get(&Purpose::Link(ends)).copied()
    }

    /// Ends the monitor beside a link, if there is one: the link has ended, and the peer goes on watching.
    pub(super) fn unwatch_link(&mut self, ends: Ends) {
        if let Some(number) = self.beside(ends)
            && let Some(monitor) = self.watching.take(number)
        {
            self.demonitored(number, &monitor);
        }
    }

    /// Forgets the monitor beside a link that has ended by its EXIT: it will be answered, or has been.
    #[inline]
    pub(super) fn link_exited(&mut self, ends: Ends) {
        if let Some(number) = self.beside(ends)
            && self.watching.take(number).is_some()
        {
            self.monitor_over(number);
            self.tally.give_back(Asker::Here);
        }
    }

    /// Handles the end of the monitor beside a link, which ends the link as well.
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

    /// Ends a link for good: in version 1 there is no acknowledgement.
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
